# SPDX-License-Identifier: Apache-2.0
"""Mode deny: who is kept out, who is let in, and that exactly our flags come off again."""
import array
import base64
import contextlib
import errno
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from seeing import Mounts, make_ext4, make_overlay, make_tmpfs
from sensor_host import BIN
from stalled import stalled
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="flags need root")

GETFLAGS, SETFLAGS, IMMUTABLE = 0x80086601, 0x40086602, 0x10


def flags(path, change=None):
    """The inode flags; change(flags) gives new ones."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        value = array.array("i", [0])
        fcntl.ioctl(fd, GETFLAGS, value, True)
        if change is not None:
            fcntl.ioctl(fd, SETFLAGS, array.array("i", [change(value[0])]), True)
        return value[0]
    finally:
        os.close(fd)


def frozen(path):
    return bool(flags(path) & IMMUTABLE)


def melt(top):
    """Take every flag off, so that the directory can be removed whatever the test did."""
    for directory, _, files in os.walk(top):
        for path in [directory] + [os.path.join(directory, f) for f in files]:
            with contextlib.suppress(OSError):
                flags(path, lambda f: f & ~IMMUTABLE)


class Denying(Watched):
    """A host with directories below tree/ that are denied."""

    def __init__(self, directory, tree=None):
        super().__init__(directory)
        if tree:
            self.tree.rmdir()
            self.tree = tree / "tree"
            self.tree.mkdir()
        self.safe = self.tree / "safe"
        self.safe.mkdir()

    def rules(self, mode="deny", *more):
        self.configure(profile("safe", mode, [self.safe]),
                       profile("rest", "alert", [self.tree]), *more)

    def assay(self, *words, check=True):
        done = subprocess.run([BIN / "assay", *map(str, words), "--state", self.state,
                               "--run", self.run], capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done

    def freeze(self, count):
        """Wait until so many files and directories are frozen."""
        self.wait(lambda: self.deny().get("frozen") == count and not self.deny()["working"],
                  f"{count} flags, not {self.deny()}")

    def deny(self):
        return self.status().get("deny", {})

    def said(self, event):
        return [e["what"] for e in self.entries("integrity.deny") if e["what"]["event"] == event]

    def saying(self, event, count=1):
        self.wait(lambda: len(self.said(event)) >= count, f"integrity.deny {event}")
        return self.said(event)[-1]

    def approve(self, name, *paths):
        self.assay("change", "open", name, "--for", "1h", "--reason", "a test",
                   *[w for p in paths for w in ("--path", p)])

    def over(self, name):
        self.assay("change", "close", name)

    def alerts(self):
        return [e["what"] for e in self.entries("alert.raised")]


@contextlib.contextmanager
def place(make=make_ext4):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-deny-") as name:
        mounts = Mounts(pathlib.Path(name))
        host = None
        try:
            host = Denying(pathlib.Path(name), make(mounts) if make else None)
            yield host
        finally:
            if host:
                host.stop()
                melt(host.tree)
            mounts.done()


@pytest.fixture
def host():
    with place() as h:
        yield h


def refused(function, *arguments):
    with pytest.raises(OSError) as caught:
        function(*arguments)
    assert caught.value.errno == errno.EPERM, caught.value


def test_kept_out(host):
    """Nobody, root included, changes a denied file or what is in a denied directory."""
    (host.safe / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (host.safe / name).write_text(name)
    (host.safe / "link").symlink_to("a")
    os.chown(host.safe / "b", 1234, 1234)
    (host.tree / "free").write_text("free")
    host.rules()
    host.start()
    host.freeze(5)
    a = host.safe / "a"
    refused(a.write_text, "x")
    refused(os.truncate, a, 0)
    refused(os.unlink, a)
    refused(os.rename, a, host.tree / "away")
    refused(os.link, a, host.tree / "other")
    refused(os.link, host.tree / "free", host.safe / "in")
    refused(os.chmod, host.safe / "b", 0o777)
    refused(os.chown, a, 1, 1)
    refused(os.setxattr, a, "user.x", b"1")
    refused((host.safe / "new").write_text, "new")
    refused(os.mkdir, host.safe / "sub" / "new")
    refused(os.unlink, host.safe / "link")
    refused(os.rename, host.tree / "free", host.safe / "link")
    refused(os.rename, host.safe, host.tree / "moved")
    (host.tree / "free").write_text("still free")
    host.seen(host.tree / "free", "modified")
    said = host.saying("set")
    assert said["files"] == 5 and str(a) in said["paths"]
    assert [e for e in host.changes() if str(host.safe) in e["what"].get("path", "")] == []
    text = host.assay("log", "--kind", "integrity.deny").stdout
    assert "set, 5 of files and directories" in text, text
    assert "5 frozen" in host.assay("status", check=False).stdout
    # What the baseline has is not disturbed by flags that are ours.
    differs = host.assay("check", "--json", check=False).stdout
    assert str(host.tree / "free") in differs and str(host.safe) + "/" not in differs, differs


def test_approved(host):
    """An approved change opens its own paths while it lasts, and what it made is frozen."""
    (host.safe / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (host.safe / name).write_text(name)
    host.rules()
    host.start()
    host.freeze(5)
    a, c = host.safe / "a", host.safe / "sub" / "c"
    host.approve("CHG-1", a)
    assert not frozen(a) and not frozen(host.safe), "the flags are off before it is answered"
    assert frozen(host.safe / "b") and frozen(c) and frozen(c.parent)
    refused((host.safe / "b").write_text, "x")
    (host.safe / "a.new").write_text("anew")
    os.rename(host.safe / "a.new", a)
    host.wait(lambda: [e for e in host.of(a) if e["why"]["state"] == "change"], "the change")
    host.over("CHG-1")
    host.wait(lambda: frozen(a) and frozen(host.safe), "flags after the change")
    refused(a.write_text, "x")
    host.wait(lambda: sum(w["files"] for w in host.said("set")) == 5 + 2, "entries")
    assert sum(w["files"] for w in host.said("lifted")) == 2


def test_unexplained_is_not_frozen(host):
    """What an approved change did not allow stays open to be put right, and is told."""
    (host.safe / "a").write_text("a")
    host.rules()
    host.start()
    host.freeze(2)
    host.approve("CHG-1", host.safe / "a")
    evil = host.safe / "evil"
    evil.write_text("evil")
    assert host.seen(evil, "created")["why"]["state"] == "unexplained"
    host.over("CHG-1")
    host.freeze(2)
    said = host.saying("withheld")
    assert said["paths"] == [str(evil)] and not frozen(evil)
    host.assay("baseline", "accept", "--reason", "fine after all", evil)
    host.freeze(3)
    assert frozen(evil)


def test_tampered_before(host):
    """What differs from the baseline when its profile begins to deny is not frozen in silence."""
    for name in ("good", "bad"):
        (host.safe / name).write_text(name)
    host.rules("alert")
    host.start()
    (host.safe / "bad").write_text("worse")
    host.seen(host.safe / "bad", "modified")
    host.rules("deny")
    host.reload()
    host.settled(1)
    host.freeze(2)
    assert host.saying("withheld")["paths"] == [str(host.safe / "bad")]
    assert not frozen(host.safe / "bad") and frozen(host.safe / "good")
    host.assay("baseline", "accept", "--reason", "was meant")
    host.freeze(3)
    # No longer denied: ours come off.
    host.rules("alert")
    host.reload()
    host.wait(lambda: not frozen(host.safe / "bad") and not frozen(host.safe), "no flags")


def test_only_ours(host):
    """A flag that an administrator has set is neither counted as ours nor taken off."""
    for name in ("ours", "theirs"):
        (host.safe / name).write_text(name)
    flags(host.safe / "theirs", lambda f: f | IMMUTABLE)
    host.rules()
    host.start()
    host.freeze(2)
    assert host.deny()["foreign"] == 1
    done = json.loads(host.assay("deny", "lift", "--all", "--reason", "a test", "--json").stdout)
    assert done["lifted"] == 2 and done["left"] == 0
    assert " 0 frozen" in host.assay("status", check=False).stdout, "shown before it is answered"
    assert frozen(host.safe / "theirs") and not frozen(host.safe / "ours")
    host.wait(lambda: not host.deny() or host.deny()["suspended"], "its status")
    host.saying("suspended")
    (host.safe / "ours").write_text("free again")
    host.seen(host.safe / "ours", "modified")


def test_killed(host):
    """After a kill the flags hold, are known, and come off without a sensor."""
    for i in range(20):
        (host.safe / f"f{i}").write_text("x")
    flags(host.safe / "f0", lambda f: f | IMMUTABLE)
    host.rules()
    host.start()
    host.freeze(20)
    host.end(host.sensor, signal.SIGKILL)
    refused((host.safe / "f1").write_text, "x")
    host.start_sensor()
    host.freeze(20)
    assert [e for e in host.changes() if str(host.safe) in e["what"]["path"]] == []
    assert len(host.said("set")) == 1, "they were set already"
    host.end(host.sensor, signal.SIGKILL)
    host.sensor = None
    listed = host.assay("deny", "list").stdout.splitlines()
    assert str(host.safe / "f1") in listed and len(listed) == 20
    done = json.loads(host.assay("deny", "lift", "--all", "--json").stdout)
    assert done == {"failed": 0, "lifted": 20, "missing": 0}
    assert frozen(host.safe / "f0") and not frozen(host.safe / "f1") and not frozen(host.safe)
    assert host.assay("deny", "list").stdout == ""


def test_killed_at_any_time(host):
    """Wherever the sensor is killed while it sets flags, the list has all of them."""
    for i in range(2000):
        (host.safe / f"f{i}").write_text("x")
    host.rules()
    host.start_recorder()
    for wait in (0.0, 0.02, 0.05, 0.1):
        host.start_sensor()
        time.sleep(wait)
        host.end(host.sensor, signal.SIGKILL)
    host.sensor = None
    listed = set(host.assay("deny", "list").stdout.splitlines())
    found = {str(p) for p in [host.safe, *host.safe.iterdir()] if frozen(p)}
    assert found <= listed
    host.assay("deny", "lift", "--all")
    assert not [p for p in [host.safe, *host.safe.iterdir()] if frozen(p)]


def test_taken_off(host):
    """Root takes a flag off: told as what it is and set again, though not for ever."""
    a = host.safe / "a"
    a.write_text("a")
    (host.safe / "b").write_text("b")
    host.rules()
    host.start()
    host.freeze(3)
    for i in range(1, 4):
        flags(a, lambda f: f & ~IMMUTABLE)
        change = host.seen(a, "attributes", i)["what"]
        assert change["differs"] == ["flags"] and change["old_flags"] == ["immutable"]
        host.wait(lambda: frozen(a), "the flag again")
    flags(a, lambda f: f & ~IMMUTABLE)
    assert host.saying("given_up")["paths"] == [str(a)]
    time.sleep(1)
    assert not frozen(a) and frozen(host.safe / "b")
    assert [(w["severity"], w["change"]) for w in host.alerts()] == [
        ("critical", "attributes"), ("critical", "deny given up")]


def test_taken_off_and_changed(host):
    """The flag off, another content in, the flag on again: told, and nothing of it is trusted."""
    a = host.safe / "a"
    a.write_text("good")
    host.rules()
    host.start()
    host.freeze(2)
    flags(a, lambda f: f & ~IMMUTABLE)
    a.write_text("evil")
    host.wait(lambda: [e for e in host.of(a) if "sha256" in e["what"].get("differs", ())],
              "the change")
    host.saying("withheld")
    assert not frozen(a)


def test_announced(host):
    """A flag that a restore was about to set when it was killed is known, and comes off."""
    a, b = host.safe / "a", host.safe / "b"
    for path in (a, b):
        path.write_text("x")
        flags(path, lambda f: f | IMMUTABLE)
    host.rules("alert")
    host.start()
    host.end(host.sensor)
    host.sensor = None
    line = b"+ 0 0 %d %s\n" % (2 ** 62, base64.b64encode(os.fsencode(a)))
    (host.state / "sensor" / "frozen").write_bytes(b"assay frozen 1\n" + line)
    assert host.assay("deny", "list").stdout.split() == [str(a)]
    host.assay("deny", "lift", "--all")
    assert not frozen(a) and frozen(b)
    assert host.assay("deny", "list").stdout == ""


def content(path, text, like):
    """Written in place, with the times it had."""
    path.write_text(text)
    os.utime(path, ns=(like.st_atime_ns, like.st_mtime_ns))


def tamper(function, *paths):
    """Faster than the flags come back, at the latest the third time."""
    for i in range(3):
        for path in paths:
            flags(path, lambda f: f & ~IMMUTABLE)
        try:
            return function()
        except PermissionError:
            assert i < 2


def test_put_back(host):
    """What was tampered with and put back, by hand or by `assay restore`, is frozen again."""
    for name in ("hand", "command", "gone"):
        (host.safe / name).write_text("good")
    host.configure(profile("safe", "deny", [host.safe], "keep: true"),
                   profile("rest", "alert", [host.tree]))
    host.start()
    host.freeze(4)
    was = {name: os.stat(host.safe / name) for name in ("hand", "command")}
    tamper((host.safe / "gone").unlink, host.safe, host.safe / "gone")
    host.seen(host.safe / "gone", "deleted")
    for name in ("hand", "command"):
        path = host.safe / name
        tamper(lambda p=path, n=name: content(p, "evil", was[n]), path)
        host.wait(lambda p=path: [e for e in host.of(p)
                                  if "sha256" in e["what"].get("differs", ())], "the change")
    host.saying("withheld")
    content(host.safe / "hand", "good", was["hand"])
    host.assay("restore", "--reason", "a test", host.safe / "command", host.safe / "gone")
    host.freeze(4)
    assert [(host.safe / n).read_text() for n in ("hand", "command", "gone")] == ["good"] * 3
    assert all(frozen(host.safe / n) for n in ("hand", "command", "gone"))
    assert host.deny()["withheld"] == 0
    assert [e for e in host.entries("integrity.denied")  # who waits for restore tries nothing
            if pathlib.PurePath(e["who"].get("exe", "")).name.startswith("assay-")] == []


def test_not_put_back(host):
    """Something else than what was trusted is not trusted for having been there before."""
    a, b = host.safe / "a", host.safe / "b"
    a.write_text("good")
    host.rules()
    host.start()
    host.freeze(2)
    tamper(lambda: b.write_text("evil"), host.safe)  # new, and nothing explains it
    host.seen(b, "created")
    was = b.stat()
    content(b, "worse", was)
    host.wait(lambda: [e for e in host.of(b) if "sha256" in e["what"].get("differs", ())], "worse")
    content(b, "evil", was)
    host.wait(lambda: len([e for e in host.of(b)
                           if "sha256" in e["what"].get("differs", ())]) == 2, "evil again")
    host.wait(lambda: host.deny()["withheld"] == 1 and not host.deny()["working"], "the others")
    assert frozen(a) and not frozen(b)


def test_closed(host):
    """When the end of a change is confirmed the flags are back, and what is written from then on is
    nobody's approved change."""
    a, free = host.safe / "a", host.tree / "free"
    a.write_text("a")
    free.write_text("free")
    host.rules()
    host.start()
    host.freeze(2)
    host.approve("CHG-1", a, free)
    a.write_text("approved")
    free.write_text("approved")
    host.over("CHG-1")
    refused(a.write_text, "late")
    free.write_text("late, and longer")
    assert frozen(host.safe)
    host.wait(lambda: len(host.of(free, "modified")) == 2, "both changes")
    assert [e["why"]["state"] for e in host.of(free, "modified")] == ["change", "unexplained"]
    host.wait(lambda: host.of(a, "modified"), "the approved one")
    assert [e["why"]["state"] for e in host.of(a, "modified")] == ["change"]


def test_kept_locked(host):
    """Whoever may read a file, or list a directory, can keep it locked: that holds up its own flag
    and nothing else, and what is to become of the flag becomes of it in the end."""
    os.chmod(host.state.parent, 0o711)
    a, b = host.safe / "a", host.safe / "b"
    a.write_text("a")
    b.write_text("b")
    host.rules()
    host.start()
    host.freeze(3)
    with stalled(a, "read", uid=65534):
        host.approve("CHG-1", a, b)
        b.write_text("approved")
        refused(a.write_text, "x")
        assert host.saying("stalled")["paths"] == [str(a)]
        assert host.ask_status()["deny"]["stalled"] == 1
    host.wait(lambda: not frozen(a), "its flag off")
    host.over("CHG-1")
    host.freeze(3)
    host.approve("CHG-2", a, b)
    with stalled(a, "read", uid=65534):
        host.over("CHG-2")
        refused(b.write_text, "late")
        assert not frozen(a)
        host.saying("stalled", 2)
    host.freeze(3)
    refused(a.write_text, "late")
    with stalled(host.safe, "list", uid=65534):
        host.approve("CHG-3", host.safe)
        a.write_text("approved")
        assert frozen(host.safe)
        assert host.saying("stalled", 3)["paths"] == [str(host.safe)]
        assert host.ask_status()["deny"]["stalled"] == 1
    host.wait(lambda: not frozen(host.safe), "its flag off")
    host.over("CHG-3")
    host.freeze(3)
    assert host.deny()["stalled"] == 0
    assert any(x["change"] == "deny stalled" and x["path"] == str(a) for x in host.alerts())


def test_flags_of_others(host):
    """Inode flags that are changed alone make no notice, and are seen all the same."""
    free = host.tree / "free"
    free.write_text("free")
    (host.safe / "a").write_text("a")
    host.rules()
    host.start()
    host.freeze(2)
    if why := host.status()["attempts"].get("why_not"):
        pytest.skip(why)
    append = 0x20
    flags(free, lambda f: f | append)
    try:
        told = host.seen(free, "attributes")
    finally:
        flags(free, lambda f: f & ~append)
    assert told["what"]["differs"] == ["flags"] and "append" in told["what"]["new_flags"], told
    assert told["who"]["pid"] == os.getpid(), told["who"]
    host.seen(free, "attributes", 2)


@pytest.mark.parametrize("make", [make_tmpfs, make_overlay], ids=["tmpfs", "overlay"])
def test_other_filesystems(make):
    """Where there is no flag, that is said, and a change alerts; where there is, it denies."""
    with place(make) as host:
        a = host.safe / "a"
        a.write_text("a")
        host.rules()
        host.start()
        host.wait(lambda: host.deny() and not host.deny()["working"], "the first pass")
        if host.deny()["frozen"]:
            host.freeze(2)
            refused(a.write_text, "b")
            return
        not_here = host.status()["deny_not"]
        assert len(not_here) == 1 and "no immutable flag" in not_here[0][2], not_here
        assert "no immutable flag" in host.assay("status", check=False).stdout
        a.write_text("b")
        host.wait(lambda: host.of(a, "modified"), "the change")
        assert host.saying("unsupported")["reason"] == not_here[0][2]
        host.wait(host.alerts, "an alert")


ATTEMPTS = """
import os, sys
safe, libc = sys.argv[1], __import__("ctypes").CDLL(None)
os.chdir(safe)
held = os.open("a", os.O_RDONLY)
def attempt(function, *arguments):
    try:
        function(*arguments)
    except PermissionError:
        return
    sys.exit(f"{function} was not refused")
attempt(os.open, "a", os.O_WRONLY)
attempt(os.open, f"{safe}/../safe/new", os.O_WRONLY | os.O_CREAT)
attempt(os.unlink, "a")
attempt(os.rename, "a", "b")
attempt(os.chmod, "a", 0o777)
attempt(os.fchown, held, 1, 1)
attempt(os.truncate, "a", 0)
attempt(os.setxattr, "a", "user.x", b"1")
attempt(os.mkdir, "d")
if os.fork() == 0:
    os.setuid(65534)
    attempt(os.open, "a", os.O_RDWR)
    sys.stdin.read()
    os._exit(0)
sys.stdin.read()
os.wait()
"""


@contextlib.contextmanager
def audit_alone():
    """The kernel has one audit, and other tests would take its rules away."""
    with open("/tmp/assay-audit-test.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(params=["ebpf", "audit"])
def told_by(request, host):
    """A host with rules yet to be started: start_telling(host, told_by)."""
    with audit_alone() if request.param == "audit" else contextlib.nullcontext():
        yield request.param
        host.stop()


def start_telling(host, by):
    host.start_recorder()
    host.start_sensor(*(["--who", "connector"] if by == "audit" else []))
    status = host.status()["attempts"]
    if why := status.get("why_not"):
        assert (by == "ebpf" or "audit: " in why) and len(why) > 20, why
        pytest.skip(why)
    assert status["by"] == by
    return host


def test_attempts(host, told_by):
    """Who tried to change it is told, with the call and the path; who tried elsewhere is not."""
    a, new = host.safe / "a", host.safe / "new"
    a.write_text("a")
    a.chmod(0o644)
    os.chmod(host.safe, 0o755)
    (host.tree / "free").write_text("x")
    flags(host.tree / "free", lambda f: f | IMMUTABLE)
    for path in (host.tree, host.tree.parent, host.tree.parent.parent):
        path.chmod(0o755)
    host.rules()
    start_telling(host, told_by)
    host.freeze(2)
    refused((host.tree / "free").write_text, "x")
    actor = subprocess.Popen([shutil.which("python3"), "-c", ATTEMPTS, host.safe],
                             stdin=subprocess.PIPE)
    wanted = [("open", a, "EPERM"), ("open", new, "EPERM"), ("unlink", a, "EPERM"),
              ("rename", a, "EPERM"), ("rename", host.safe / "b", "EPERM"), ("chmod", a, "EPERM"),
              ("chown", a, "EPERM"), ("truncate", a, "EPERM"), ("setxattr", a, "EPERM"),
              ("make", host.safe / "d", "EPERM"), ("open", a, "EPERM")]
    if told_by == "audit":  # what was to be made by open(2), or renamed to, it does not say
        wanted[1] = ("open", host.safe, "EPERM")
        del wanted[4]

    def told():
        return [e for e in host.entries("integrity.denied") if "python3" in e["who"].get("exe", "")]
    try:
        host.wait(lambda: len(told()) >= len(wanted), "all attempts")
    finally:
        actor.stdin.close()
        assert actor.wait(timeout=30) == 0
    entries = told()
    assert [(e["what"]["call"], pathlib.Path(e["what"]["path"]), e["what"]["error"])
            for e in entries] == wanted
    assert {e["what"]["profile"] for e in entries} == {"safe"}
    assert {e["what"]["path_from"] for e in entries if e["what"]["call"] == "chown"} == {"file"}
    assert entries[0]["what"]["path_from"] == ("audit" if told_by == "audit" else "argument")
    assert entries[1]["what"].get("incomplete", False) == (told_by == "audit")
    assert entries[-1]["who"]["uid"] == 65534 and entries[0]["who"]["uid"] == 0
    assert {e["who"]["pid"] for e in entries[:-1]} == {actor.pid}
    assert "free" not in json.dumps(host.entries("integrity.denied"))
    assert ("seen by audit rules" in host.assay("status", check=False).stdout) == (
        told_by == "audit")
    assert f"open of {a}" in host.assay("log", "--kind", "integrity.denied").stdout


def test_attempts_flood(host, told_by):
    """A flood of them is counted, not told one by one."""
    (host.safe / "a").write_text("a")
    host.rules()
    start_telling(host, told_by)
    host.freeze(2)
    for _ in range(3000):
        refused(os.truncate, host.safe / "a", 0)

    def counts():
        return [e["what"]["count"] for e in host.entries("integrity.denied")
                if "count" in e["what"]]
    host.wait(counts, "the count")
    assert len([e for e in host.entries("integrity.denied") if "path" in e["what"]]) <= 400
    assert counts()[0] >= 500


FLOOD = """
import os, sys
for _ in range(3000):
    try:
        os.truncate(sys.argv[1], 0)
    except PermissionError:
        pass
"""


def test_attempts_behind_a_flood(host, told_by):
    """A user's flood hides no attempt of root's."""
    a = host.safe / "a"
    a.write_text("a")
    for path in (host.safe, host.tree, host.tree.parent, host.tree.parent.parent):
        path.chmod(0o755)
    host.rules()
    start_telling(host, told_by)
    host.freeze(2)
    subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", FLOOD,
                    a], check=True)
    refused(a.chmod, 0o600)

    def by(uid):
        return [e for e in host.entries("integrity.denied") if e.get("who", {}).get("uid") == uid]
    host.wait(lambda: by(0), "root's attempt", 9)
    assert [e["what"]["call"] for e in by(0)] == ["chmod"]
    assert 0 < len(by(65534)) <= 100


ELSEWHERE = """
import os, sys
for path in sys.argv[1:]:
    try:
        os.truncate(path, 0)
    except PermissionError:
        continue
    sys.exit(f"{path} was not refused")
sys.stdin.read()
"""


def test_attempts_elsewhere(host, told_by):
    """A denied file is known by whatever name, in whatever mount namespace; another file is not it,
    though it has its name in a container."""
    a, other, link = host.safe / "a", host.tree.parent / "other", host.tree.parent / "link"
    a.write_text("a")
    other.mkdir()
    link.symlink_to(a)
    host.rules()
    start_telling(host, told_by)
    host.freeze(2)
    hidden = f"""mount --bind {host.safe} {other} && mount -t tmpfs none {host.safe} &&
        echo x >{a} && chmod 700 {host.safe} && chown 1 {host.safe} {a} &&
        setpriv --reuid 65534 --clear-groups {sys.executable} -c '
import os
try:
    os.truncate("{a}", 0)
except PermissionError:
    pass
' && exec {sys.executable} -c "$0" {other}/a"""

    def told():
        return [e["what"] for e in host.entries("integrity.denied")]
    subprocess.run(["mount", "--bind", host.safe, other], check=True)
    try:
        refused(os.truncate, other / "a", 0)
        refused(os.truncate, link, 0)
        host.wait(lambda: len(told()) >= 2, "the first two")
    finally:
        subprocess.run(["umount", other], check=True)
    actor = subprocess.Popen(["unshare", "-m", "sh", "-c", hidden, ELSEWHERE],
                             stdin=subprocess.PIPE)
    try:
        host.wait(lambda: len(told()) >= 3, "all attempts")
    finally:
        actor.stdin.close()
        assert actor.wait(timeout=30) == 0
    refused(os.truncate, a, 0)
    host.wait(lambda: len(told()) >= 4, "one more")
    assert [w["path"] for w in told()] == [str(a)] * 4, told()
    assert [w.get("named") for w in told()] == [str(other / "a"), str(link), str(other / "a"), None]
    assert [w["path_from"] for w in told()][:3] == ["inode"] * 3


def test_audit_rules(host):
    """Its rules are taken away at the end, come back when somebody removes them, and do not stay
    after a kill and a new start; auditing that somebody turns off is said."""
    def ours():
        return subprocess.run(["auditctl", "-l"], capture_output=True, text=True,
                              check=True).stdout.count("assay-denied")
    if not shutil.which("auditctl"):
        pytest.skip("auditctl is not here to look")
    (host.safe / "a").write_text("a")
    host.rules()
    with audit_alone():
        before = subprocess.run(["auditctl", "-s"], capture_output=True, text=True,
                                check=True).stdout.split()[1]
        start_telling(host, "audit")
        assert ours() == 3
        host.end(host.sensor, signal.SIGKILL)
        host.start_sensor("--who", "connector")
        assert ours() == 3
        subprocess.run(["auditctl", "-D", "-k", "assay-denied"], check=True, capture_output=True)
        host.wait(lambda: ours() == 3, "the rules again")
        subprocess.run(["auditctl", "-e", "0"], check=True, capture_output=True)
        host.wait(lambda: "turned auditing off" in host.status()["attempts"].get("why_not", ""),
                  "what is wrong")
        subprocess.run(["auditctl", "-e", "1"], check=True, capture_output=True)
        host.wait(lambda: "why_not" not in host.status()["attempts"], "nothing wrong")
        host.stop()
        assert ours() == 0
        subprocess.run(["auditctl", "-e", before], check=True, capture_output=True)


def test_many(host):
    """Thousands are frozen in little time and memory, and at the next start nothing is to do."""
    for d in range(20):
        (host.safe / f"d{d}").mkdir()
        for i in range(120):
            (host.safe / f"d{d}" / f"f{i}").write_text("x")
    host.rules()
    host.start()
    host.freeze(2421)
    host.wait(lambda: sum(w["files"] for w in host.said("set")) == 2421, "the entry")
    host.end(host.sensor)
    host.start_sensor()
    host.freeze(2421)
    host.wait(lambda: sum(w["files"] for w in host.said("set")) == 2421, "the entry")
    began = time.monotonic()
    host.approve("CHG-1", host.safe)
    assert time.monotonic() - began < 10
    assert host.deny()["frozen"] == 0 or not frozen(host.safe / "d3" / "f3")
    shutil.rmtree(host.safe / "d3")
    host.over("CHG-1")
    host.freeze(2421 - 121)
