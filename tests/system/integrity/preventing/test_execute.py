# SPDX-License-Identifier: Apache-2.0
"""Execution control: what is let through, what is not, and that nobody hangs whatever becomes of
the processes that decide."""
import concurrent.futures
import contextlib
import errno
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from seeing import Mounts
from sensor_host import BIN
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="permission events need root")

HANG_S = 8  # far above the deadline, far below for ever


class Guarded(Watched):
    def __init__(self, directory, execute="known"):
        super().__init__(directory)
        self.starts = 0
        self.bin = self.tree / "bin"
        self.bin.mkdir()
        self.good = self.install("good")
        self.configure(profile("programs", "alert", [self.bin], f"execute: {execute}"),
                       profile("rest", "alert", [self.tree]))

    def install(self, name, text=b""):
        """A program that succeeds; text behind it makes it another content."""
        path = self.bin / name
        new = self.bin.parent / (name + ".new")
        new.write_bytes(pathlib.Path("/bin/true").read_bytes() + text)
        new.chmod(0o755)
        new.rename(path)
        return path

    def start_sensor(self, *options):
        super().start_sensor(*options)
        self.starts += 1

    def execute(self):
        """{"handler": pid, "watchdog": pid} of those that run."""
        found = {}
        pid = self.sensor.pid
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                words = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if words[0].endswith(b"assay-guard"):
                    found[words[1].decode()] = int(child)
        return found

    def guards(self, event):
        return [e["what"] for e in self.entries("integrity.guard") if e["what"]["event"] == event]

    def up(self, but=0):
        """Wait until it decides, with another handler than `but`."""
        self.wait(lambda: self.execute().get("handler", but) != but and
                  len(self.guards("started")) == self.starts + len(self.guards("lapsed")),
                  "execution control")
        return self.execute()

    def guard(self, event, count=1):
        self.wait(lambda: len(self.guards(event)) >= count, f"integrity.guard {event}")
        return self.guards(event)[-1]

    def executions(self, path):
        return [e for e in self.entries("integrity.execution")
                if e["what"].get("path") == str(path)]

    def known(self, path, change):
        self.wait(lambda: self.of(path, change), f"{change} of {path}")

    def assay(self, *words):
        subprocess.run([BIN / "assay", *map(str, words), "--state", self.state, "--run", self.run],
                       check=True, capture_output=True)


def run(path, *arguments):
    """0, or the errno of the execution; fails when it hangs."""
    try:
        return subprocess.run([path, *arguments], timeout=HANG_S, check=False).returncode
    except OSError as error:
        return error.errno


@contextlib.contextmanager
def guarded(execute="known"):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-execute-") as name:
        host = Guarded(pathlib.Path(name), execute)
        try:
            host.start()
            host.up()
            yield host
        finally:
            for process in (host.sensor, host.recorder):
                if process and process.poll() is None:
                    process.send_signal(signal.SIGCONT)
            host.stop()


@pytest.fixture
def host():
    with guarded() as h:
        yield h


@contextlib.contextmanager
def stopped(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_known_and_unknown(host):
    """Trusted content runs; what nothing explains does not, and who tried is told."""
    assert run(host.good) == 0
    new = host.install("new", b"new")
    if run(new) == 0:  # on a busy machine it was not read while the execution waited, which is told
        host.wait(lambda: host.executions(new), "the entry")
        assert "not read in time" in host.executions(new)[0]["what"]["reason"]
        host.known(new, "created")
        assert run(new) == errno.EPERM

    def refusals():
        return [e for e in host.executions(new) if e["what"]["decision"] == "refused"]
    host.wait(refusals, "the refusal")
    entry = refusals()[0]
    assert entry["what"]["profile"] == "programs"
    assert entry["what"]["sha256"] == hashlib.sha256(new.read_bytes()).hexdigest()
    assert entry["who"]["pid"] > 0 and entry["who"]["uid"] == 0
    # Elsewhere it may: only where a profile says so is anything asked.
    elsewhere = host.tree / "copy"
    shutil.copy(new, elsewhere)
    assert run(elsewhere) == 0
    # The same content under the name of another, and a known one changed in place.
    with open(host.good, "ab") as f:
        f.write(b"more")
    host.known(host.good, "modified")
    assert run(host.good) == errno.EPERM
    host.assay("baseline", "accept", "--reason", "meant", host.bin)
    host.wait(lambda: run(new) == 0 and run(host.good) == 0, "what was accepted")


def test_long_path(host):
    """A path that is too long for the kernel to tell is judged all the same."""
    directory = os.open(host.bin, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=directory)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = inner
    program = os.open("new", os.O_CREAT | os.O_WRONLY, 0o755, dir_fd=directory)
    os.write(program, host.good.read_bytes() + b"new")
    os.close(program)

    def execute():
        return subprocess.run(["/usr/bin/env", "./new"], check=False, timeout=HANG_S,
                              preexec_fn=lambda: os.fchdir(directory),
                              stderr=subprocess.DEVNULL).returncode
    host.wait(lambda: execute() == 126, "the refusal")
    os.close(directory)
    host.wait(lambda: [e for e in host.entries("integrity.execution")
                       if e["what"]["decision"] == "refused"
                       and e["what"].get("path", "").startswith(f"{host.bin}/dddd")], "its entry")


def test_mounted(host):
    """What ran on a filesystem before it was known to be mounted is told."""
    place = host.bin / "mounted"
    place.mkdir()
    host.known(place, "created")
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    try:
        program = place / "program"
        program.write_bytes(host.good.read_bytes() + b"mounted")
        program.chmod(0o755)
        ran = run(program) == 0
        host.wait(lambda: run(program) == errno.EPERM, "the refusal")
        told = "unjudged" if ran else "refused"
        host.wait(lambda: [e for e in host.executions(program) if e["what"]["decision"] == told],
                  told)
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def test_mounted_again():
    """An unmount takes the kernel's questions away; the next mount has them again."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-execute-") as name:
        mounts, host = Mounts(pathlib.Path(name)), Guarded(pathlib.Path(name))
        image = mounts.image("disk", "mkfs.ext4", "-q")
        host.good.unlink()
        try:
            mounts.mount(host.bin, "-o", "loop", image)
            good, bad = host.bin / "good", host.bin / "bad"
            shutil.copy("/bin/true", good)
            host.start()
            host.up()
            for i in range(2):
                bad.write_bytes(good.read_bytes() + b"%d" % i)
                bad.chmod(0o755)
                host.wait(lambda: run(bad) == errno.EPERM, "the refusal")
                mounts.umount(host.bin)
                host.wait(lambda n=i: len(host.of(good, "deleted")) == n + 1, "the unmount")
                mounts.mount(host.bin, "-o", "loop", image)
                host.wait(lambda n=i: len(host.of(good, "created")) == n + 1, "the mount")
            host.wait(lambda: run(bad) == errno.EPERM, "the refusal")
            assert run(good) == 0
        finally:
            host.stop()
            mounts.done()


def test_scripts(host):
    """A script is a file that is executed; one that is only read by a shell is not."""
    script = host.bin / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    host.known(script, "created")
    assert run(script) == errno.EPERM
    assert run("/bin/sh", script) == 0


def test_approved(host):
    """What an approved change brings may run, also after the sensor was started anew."""
    host.assay("change", "open", "CHG-1", "--for", "1h", "--reason", "upgrade", "--path", host.bin)
    new = host.install("new", b"approved")
    host.wait(lambda: run(new) == 0, "the new program")
    host.assay("change", "close", "CHG-1")
    time.sleep(1.1)  # what is seen a second later may have happened before
    handler = host.execute()["handler"]
    host.end(host.sensor)
    assert run(new) == 0 and run(host.good) == 0, "nobody decides now"
    host.start_sensor()
    host.up(but=handler)
    assert run(new) == 0
    late = host.install("late", b"not approved")
    host.known(late, "created")
    assert run(late) == errno.EPERM


def test_forged_known(host):
    """Who writes a content into the sensor's own list of what is known has not made it known."""
    evil = host.install("evil", b"evil")
    host.known(evil, "created")
    assert run(evil) == errno.EPERM
    handler = host.execute()["handler"]
    host.sensor.kill()
    host.sensor.wait()
    with open(host.state / "sensor" / "executable", "ab") as kept:
        kept.write(hashlib.sha256(evil.read_bytes()).digest())
    host.start_sensor()
    host.up(but=handler)
    assert run(evil) == errno.EPERM and run(host.good) == 0


def test_approved_mode_is_no_approved_content(host):
    """An approved change of the mode alone does not make known what nobody approved."""
    evil = host.install("evil", b"evil")
    host.known(evil, "created")
    assert run(evil) == errno.EPERM
    host.assay("change", "open", "CHG-2", "--for", "1h", "--reason", "modes", "--path", host.bin)
    evil.chmod(0o750)
    host.known(evil, "attributes")
    assert run(evil) == errno.EPERM
    host.assay("change", "close", "CHG-2")


def test_new_directory(host):
    """What is made later is asked about too."""
    below = host.bin / "below"
    below.mkdir()
    host.known(below, "created")
    shutil.copy("/bin/true", below / "x")
    host.known(below / "x", "created")
    assert run(below / "x") == errno.EPERM


def at_once(path, made=None, moved=None):
    """Make a directory with a program, or move one in, and execute it before anybody else has a
    turn: 0, or the errno."""
    pid = os.fork()
    if pid == 0:
        try:
            if moved:
                os.rename(*moved)
            if made:
                os.mkdir(made)
                shutil.copy("/bin/true", path)
                with open(path, "ab") as f:
                    f.write(os.fsencode(path))
            os.execv(path, [path])
        except OSError as error:
            os._exit(error.errno)
        except BaseException:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("execute", ["known", "strict"])
def test_directory_just_there(execute):
    """A directory that nobody had the time to mark is no way around: each program in it is refused,
    or, where nobody read it in time, told."""
    with guarded(execute) as host:
        if why := host.status()["execute"].get("no_filesystem"):
            pytest.skip(why)
        results = {}
        for i in range(15):
            made = host.bin / f"made{i}"
            results[made / "x"] = at_once(made / "x", made=made)
            staged, moved = host.tree / f"staged{i}", host.bin / f"moved{i}"
            staged.mkdir()
            shutil.copy("/bin/true", staged / "x")
            with open(staged / "x", "ab") as f:
                f.write(b"staged%d" % i)
            results[moved / "x"] = at_once(moved / "x", moved=(staged, moved))
        assert set(results.values()) <= {0, errno.EPERM}
        if execute == "strict":
            assert set(results.values()) == {errno.EPERM}, results
        for path, result in results.items():
            host.wait(lambda p=path: host.executions(p), f"an entry of {path}")
            decisions = {e["what"]["decision"] for e in host.executions(path)}
            assert decisions == {"refused" if result else "allowed"}, path
        for path in results:
            host.known(path, "created")
            assert run(path) == errno.EPERM
        host.wait(lambda: host.status()["execute"]["filesystems"] == 1, "the count")


def test_moved_without_a_trace(host):
    """What was let through elsewhere is let through there only: a directory that moves changes
    nothing of what is in it."""
    host.configure(profile("programs", "alert", [host.tree / "*/bin"], "execute: strict"),
                   profile("rest", "alert", [host.tree]))
    host.reload()
    host.settled(1)
    home = host.tree / "home"
    (home / "tmp").mkdir(parents=True)
    evil = home / "tmp" / "evil"
    shutil.copy("/bin/true", evil)
    with open(evil, "ab") as f:
        f.write(b"evil")
    host.known(evil, "created")
    host.wait(lambda: run(evil) == 0 and run(evil) == 0, "what no profile asks about")
    moved = home / "bin"
    assert at_once(moved / "evil", moved=(home / "tmp", moved)) == errno.EPERM


@pytest.mark.parametrize("execute, result", [("known", 0), ("strict", errno.EPERM)])
def test_not_read_in_time(execute, result):
    """Nobody reads a new file: after a moment it is let through, or not, as the profile says."""
    with guarded(execute) as host:
        with stopped(host.sensor.pid):
            assert run(host.good) == 0, "known things need no sensor"
            new = host.install("new", b"unread")
            began = time.monotonic()
            assert run(new) == result
            assert time.monotonic() - began < 3
        host.wait(lambda: host.executions(new), "the entry")
        what = host.executions(new)[0]["what"]
        assert what["decision"] == ("refused" if result else "allowed")
        assert "not read in time" in what["reason"]


def lapsed_and_back(host, before, count=1):
    said = host.guard("lapsed", count)
    host.up(but=before["handler"])
    back = host.guard("started", count + 1)
    assert back["from"] == said["from"] < back["until"]
    new = host.install(f"after-{before['handler']}", b"bad")
    host.known(new, "created")
    assert run(new) == errno.EPERM, "it decides again"
    assert run(host.good) == 0
    return said


def test_handler_stopped(host):
    """It stops: whoever waits goes on within the deadline, and the lapse is told."""
    before = host.execute()
    with stopped(before["handler"]):
        began = time.monotonic()
        assert run(host.good) == 0
        assert time.monotonic() - began < 5
        assert run("/bin/true") == 0
        said = lapsed_and_back(host, before)
    assert "no sign of life" in said["reason"]


def test_handler_killed(host):
    """It dies: nobody waits, and the lapse is told."""
    before = host.execute()
    os.kill(before["handler"], signal.SIGKILL)
    assert run(host.good) == 0
    said = lapsed_and_back(host, before)
    assert "signal 9" in said["reason"]


def test_both_killed(host):
    """Root ends handler and watchdog at once: nobody waits, both are back and the lapse is told."""
    before = host.execute()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    assert run(host.good) == 0
    lapsed_and_back(host, before)
    assert host.execute()["watchdog"] != before["watchdog"]


def test_no_longer_wanted(host):
    """No profile asks for it any more: nobody decides, and that is told."""
    bad = host.install("bad", b"bad")
    host.known(bad, "created")
    assert run(bad) == errno.EPERM
    host.configure(profile("rest", "alert", [host.tree]))
    host.reload()
    assert host.guard("stopped")["reason"] == "no profile asks for it"
    assert run(bad) == 0 and not host.execute()


def test_another_mount(host):
    """Under a mount of its own a program has a path that says nothing: it is judged for what it is,
    also when it was made a moment ago."""
    script = host.tree / "mounted.py"
    script.write_text(MOUNTED)
    there = host.tree / "there"
    there.mkdir()
    results = subprocess.run(["unshare", "--mount", "--propagation", "private", "python3", script,
                              host.bin, there], capture_output=True, text=True, timeout=60)
    assert results.returncode == 0, results.stderr
    free, *made = map(int, results.stdout.split())
    assert free == 0, "what no profile has"
    assert set(made) <= {0, errno.EPERM} and errno.EPERM in made
    for i, result in enumerate(made):
        host.known(host.bin / f"made{i}" / "x", "created")
    said = [e["what"] for e in host.entries("integrity.execution")]
    assert len([w for w in said if w["decision"] == "refused"]) == made.count(errno.EPERM)


MOUNTED = """
import os, shutil, subprocess, sys
binary, there = sys.argv[1:]
subprocess.run(["mount", "--bind", binary, there], check=True)
free = os.path.dirname(there) + "/free"
shutil.copy("/bin/true", free)
with open(free, "ab") as f:
    f.write(b"free")
print(subprocess.run([free]).returncode)
for i in range(10):
    path = f"{there}/made{i}/x"
    if os.fork() == 0:
        os.mkdir(os.path.dirname(path))
        shutil.copy("/bin/true", path)
        with open(path, "ab") as f:
            f.write(b"made%d" % i)
        try:
            os.execv(path, [path])
        except OSError as error:
            os._exit(error.errno)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def unjudged(host, path):
    return [e for e in host.executions(path) if e["what"]["decision"] == "unjudged"]


def test_what_ran_in_a_lapse(host):
    """What was executed while nobody decided is found afterwards, and alerts, if it would have been
    refused; what is trusted is no word worth."""
    bad = host.install("bad", b"bad")
    script = host.bin / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    host.known(bad, "created")
    host.known(script, "created")
    assert run(bad) == errno.EPERM and run(script) == errno.EPERM
    before = host.execute()
    with stopped(host.sensor.pid):
        os.kill(before["handler"], signal.SIGKILL)
        end = time.monotonic() + HANG_S
        while run(bad):
            assert time.monotonic() < end, "somebody decides"
        assert run(script) == 0 and run(host.good) == 0
        new = host.install("new", b"never read by then")
        assert run(new) == 0
    host.up(but=before["handler"])
    for path in (bad, new, script):
        host.wait(lambda p=path: unjudged(host, p), f"the execution of {path}")
    first = unjudged(host, bad)[0]
    assert first["who"]["exe"] == str(bad) and first["who"]["uid"] == 0
    assert "not what is trusted" in first["what"]["reason"]
    assert "script" in unjudged(host, script)[0]["what"]["reason"]
    assert [e for e in host.entries("alert.raised")
            if e["what"]["change"] == "execution unjudged"]
    assert not unjudged(host, host.good)
    assert run(bad) == errno.EPERM and len(unjudged(host, bad)) == 1


def test_killed_again_and_again(host):
    """Who kills it over and over wins no time: it is back at once, and each run is told."""
    bad = host.install("bad", b"bad")
    host.known(bad, "created")
    ran = 0
    for _ in range(8):
        before = host.execute()["handler"]
        os.kill(before, signal.SIGKILL)
        ran += run(bad) == 0
        host.wait(lambda b=before: host.execute().get("handler", b) != b, "another handler")
    assert host.guards("lapsed")
    host.wait(lambda: host.execute().get("handler") and run(bad) == errno.EPERM, "control")
    host.wait(lambda: len(unjudged(host, bad)) >= ran, f"{ran} executions")
    assert len(unjudged(host, bad)) == ran


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGSTOP])
def test_watchdog_gone(host, signo):
    """Nobody watches the handler: both begin anew."""
    before = host.execute()
    os.kill(before["watchdog"], signo)
    assert run(host.good) == 0
    assert "watchdog" in lapsed_and_back(host, before)["reason"]


def test_handler_and_watchdog_stopped(host):
    """Then the sensor sees it."""
    before = host.execute()
    with stopped(before["handler"], before["watchdog"]):
        assert run(host.good) == 0
        lapsed_and_back(host, before)


def test_sensor_and_handler_stopped(host):
    """Then the watchdog does, and the sensor tells when it goes on."""
    before = host.execute()
    with stopped(host.sensor.pid, before["handler"]):
        assert run(host.good) == 0
        assert run(host.install("new", b"x")) == 0, "nobody decides"
    lapsed_and_back(host, before)


def test_sensor_killed(host):
    """The others go with it, and nothing is refused by nobody's word."""
    before = host.execute()
    host.end(host.sensor, signal.SIGKILL)
    new = host.install("new", b"x")
    end = time.monotonic() + HANG_S
    while run(new):
        assert time.monotonic() < end, "still refused"
    for pid in (before["handler"], before["watchdog"]):
        while os.path.exists(f"/proc/{pid}/fd"):
            assert time.monotonic() < end, "still there"
            time.sleep(0.05)
    host.start_sensor()
    host.up(but=before["handler"])
    assert run(new) == errno.EPERM


def test_flood(host):
    """Many at once, good and bad, while the handler is killed and stopped under them: each is
    answered, the bad ones but in a lapse are refused, and what is not told singly is counted."""
    bad = host.install("bad", b"bad")
    host.known(bad, "created")
    assert run(bad) == errno.EPERM

    def many(path):
        return [run(path) for _ in range(150)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        good = [pool.submit(many, host.good) for _ in range(4)]
        evil = [pool.submit(many, bad) for _ in range(4)]
        time.sleep(0.2)
        before = host.execute()["handler"]
        os.kill(before, signal.SIGSTOP)
        results = [r for f in good for r in f.result()]
        refused = [r for f in evil for r in f.result()]
    assert set(results) == {0} and len(results) == 600
    assert len(refused) == 600 and set(refused) <= {0, errno.EPERM}
    host.guard("lapsed")
    host.up(but=before)
    assert host.status()["execute"].keys() >= {"answered", "refused", "state", "lost"}
    assert run(bad) == errno.EPERM and run(host.good) == 0
