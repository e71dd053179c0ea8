# SPDX-License-Identifier: Apache-2.0
"""Authors of changes: right for processes that are gone before anybody could look, or said not to
be known."""
import collections
import contextlib
import ctypes
import os
import pathlib
import signal
import struct
import subprocess
import tempfile
import time

import pytest

import who_truth
from sensor_host import BIN, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

SHORT = BIN.parent / "tests" / "system" / "who_short"
COUNT = 1100  # of each login
LOGINS = (3001, 3002)
CORE = {"uid", "euid", "exe", "auid", "session"}
RING_HOLDS = 60000  # records; a process that does nothing is two


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-who-") as name:
        pathlib.Path(name).chmod(0o755)
        yield pathlib.Path(name)


@pytest.fixture
def host(directory):
    h = Host(directory)
    h.tree.chmod(0o777)
    h.start_recorder()
    yield h
    h.stop()


def start(host, source):
    host.start_sensor("--who", source)
    if host.status()["who"] != source:
        pytest.skip(host.status()["who_refused"])


def crowds(host, directory, count=COUNT, logins=LOGINS):
    """All of them at once, to their end; what is true of each file and what its entry has wrong."""
    began = [who_truth.Crowd(SHORT, directory, host.tree / str(auid), count, auid)
             for auid in logins]
    for crowd in began:
        crowd.begin()
    for crowd in began:
        print(crowd.end())
    host.quiet()
    found = who_truth.disclosed(BIN / "assay", host.state)
    for crowd in began:
        for path in sorted(crowd.where.iterdir()):
            true = crowd.truth(path)
            yield true, who_truth.wrong(true, found.get(str(path))), found.get(str(path))


def said(found):
    return found and ("unknown" in found[0]["who"] or "earlier" in found[0]["who"])


def count_wrong(judged, names=None):
    wrong = [(true["kind"], sorted(bad)) for true, bad, _ in judged
             if (bad.keys() & names if names else bad)]
    print(collections.Counter(str(w) for w in wrong))
    return len(wrong)


def test_ebpf_names_those_who_are_gone(host, directory):
    start(host, "ebpf")
    judged = list(crowds(host, directory))
    assert len(judged) == COUNT * len(LOGINS)
    assert count_wrong(judged, CORE) <= len(judged) // 100
    assert count_wrong(judged) <= len(judged) // 100
    assert [true for true, bad, found in judged if bad and not said(found)] == []
    # Nobody is accused of nothing known: reasons are for those who are not known.
    assert sum("unknown" in found[0]["who"] for _, _, found in judged) <= len(judged) // 100


def test_connector_knows_users_and_says_what_it_does_not(host, directory):
    start(host, "connector")
    judged = list(crowds(host, directory))
    assert count_wrong(judged, {"uid", "euid", "auid", "session", "ppid"}) <= len(judged) // 100
    # /proc has the name that an executable has now, not the one it was executed by.
    assert [true for true, bad, found in judged if bad and not said(found)
            and true["kind"] not in ("renamed", "deleted")] == []


def test_proc_says_what_it_does_not_know(host, directory):
    start(host, "proc")
    judged = list(crowds(host, directory, count=220))
    assert [true for true, _, found in judged
            if not found or not ("exe" in found[0]["who"] or "unknown" in found[0]["who"])] == []


def run_as(pid, *command):
    """Begin it with this number, and wait for its end."""
    number = ctypes.c_int(pid)  # struct clone_args, version 1
    args = struct.pack("<10Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(number), 1)
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.syscall(435, args, len(args))
    if got == 0:
        with contextlib.suppress(BaseException):
            os.execv(command[0], command)
        os._exit(127)
    if got < 0:
        pytest.skip(f"no process can be given a number here: {os.strerror(ctypes.get_errno())}")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_number_that_is_used_again_names_nobody(host):
    """A notice carries a number and no time.  Rather nobody than the wrong one: all who had it are
    told."""
    start(host, "ebpf")
    pid = int(pathlib.Path("/proc/sys/kernel/pid_max").read_text()) - 5
    names = [f"twice{i}" for i in range(10)]
    host.quiet()
    host.sensor.send_signal(signal.SIGSTOP)
    try:
        for i, name in enumerate(names):
            run_as(pid - i, "/bin/sh", "-c", f"echo x >{host.tree / name}")
            run_as(pid - i, "/bin/true")
        run_as(pid - len(names), "/bin/sh", "-c", f"echo x >{host.tree / 'once'}")
    finally:
        host.sensor.send_signal(signal.SIGCONT)
    for i, name in enumerate(names):
        who = host.seen(host.tree / name, "created")["who"]
        assert who["pid"] == pid - i and not {"exe", "uid", "cmdline", "parents"} & who.keys(), who
        assert who["unknown"].startswith("which process: 2 had its number"), who
        assert [pathlib.Path(e[0]).name for e in who["earlier"]] == ["true", "dash"], who
    once = host.seen(host.tree / "once", "created")["who"]
    assert pathlib.Path(once["exe"]).name == "dash" and "unknown" not in once, once


@pytest.mark.parametrize("source", ["ebpf", "connector", "proc"])
def test_who_becomes_another_user_at_once(host, source):
    """Root writes, and is somebody else before anybody can look: that it was root is said.  Where
    changes of user are told, who was that user long before is not suspected of it."""
    start(host, source)
    names = [f"framed{i}" for i in range(5)]
    for name in names:
        subprocess.run(["/usr/bin/python3", "-c", """
import os, sys, time
with open(sys.argv[1], "w") as f:
    f.write("framed")
os.setresgid(1001, 1001, 1001)
os.setresuid(1001, 1001, 1001)
time.sleep(0.5)
""", host.tree / name], check=True)
    for name in names:
        who = host.seen(host.tree / name, "created")["who"]
        if who["uid"] == 1001:
            assert ([0] in [e[1:] for e in who.get("earlier", [])] or
                    0 in [e[2] for e in who.get("also", [])] or
                    source == "proc" and "after the change" in who["unknown"])
        else:
            assert (who["uid"], who["euid"]) == (0, 0)
    if source != "connector":
        return
    subprocess.run(["/usr/bin/python3", "-c", """
import os, sys, time
os.setresuid(1001, 1001, 1001)
time.sleep(1)
open(sys.argv[1], "w").close()
time.sleep(0.5)
""", host.tree / "own"], check=True)
    who = host.seen(host.tree / "own", "created")["who"]
    assert who["uid"] == 1001 and "earlier" not in who and "unknown" not in who


def test_where_authors_come_from_is_in_entry_and_status(host):
    host.start_sensor("--who", "connector")
    host.wait(lambda: host.entries("integrity.sensor"), "the sensor's first entry")
    (entry,) = [e for e in host.entries("integrity.sensor") if e["what"]["event"] == "started"]
    assert entry["what"]["who"] == host.status()["who"]
    out = subprocess.run([BIN / "assay", "status", "--state", host.state, "--run", host.run],
                         capture_output=True, text=True).stdout
    (line,) = [x for x in out.splitlines() if x.strip().startswith("who")]
    assert host.status()["who"] in line


def test_refusals_are_said(host):
    """In a process namespace of its own nothing tells it of processes by its numbers for them."""
    outer = subprocess.Popen(["unshare", "--pid", "--fork", BIN / "assay-sensor", "--state",
                              host.state, "--run", host.run, "--watch", host.tree],
                             stdout=host.log, stderr=host.log)
    children = pathlib.Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    try:
        host.wait((host.state / "ledger" / "checkpoint").exists, "a ledger")
        host.wait(lambda: host.entries("integrity.sensor"), "the sensor's first entry")
        entry = host.entries("integrity.sensor")[0]
        assert entry["what"]["who"] == "proc"
        assert "ebpf: " in entry["what"]["who_refused"]
        assert "connector: " in entry["what"]["who_refused"]
    finally:
        for pid in children.read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        outer.wait()


def author_of(host, *command, **more):
    """Of a file that the command makes; {} for its last argument."""
    path = host.tree / f"by-{time.monotonic_ns()}"
    subprocess.run([str(c).format(path) for c in command], check=True, **more)
    return host.seen(path, "created")["who"]


@pytest.fixture
def group():
    """A control group that is named like a unit, with a container's in it."""
    top = next((pathlib.Path(p) for p in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
                if pathlib.Path(p, "cgroup.controllers").exists()), None)
    if top is None:
        pytest.skip("no unified hierarchy of control groups")
    made = top / f"assay-test-{os.getpid()}.service"
    inner = made / f"docker-{'ab' * 32}.scope"
    inner.mkdir(parents=True)
    yield inner
    for path, _, _ in os.walk(made, topdown=False):
        os.rmdir(path)


@pytest.mark.parametrize("source", ["ebpf", "proc"])
def test_unit_and_container(host, group, source):
    start(host, source)
    # Under proc it has to live until it has been looked at.
    rest = "sleep 1" if source == "proc" else ":"
    who = author_of(host, "sh", "-c", f"echo $$ >{group}/cgroup.procs; sh -c ': >{{}}; {rest}'; :")
    assert who["container"] == "ab" * 32
    assert who["unit"] == group.name


@pytest.mark.parametrize("source", ["ebpf", "proc"])
def test_who_goes_deeper_is_in_his_container_still(host, group, source):
    """Its root makes groups as deep as he likes, and calls them what he likes."""
    start(host, source)
    deep = group.joinpath(*["d"] * 30, "ssh.service")
    deep.mkdir(parents=True)
    rest = "sleep 1" if source == "proc" else ":"
    who = author_of(host, "sh", "-c", f"echo $$ >{group}/cgroup.procs; exec sh -c '"
                    f"echo $$ >{deep}/cgroup.procs; sh -c \": >{{}}; {rest}\"; :'")
    assert who["container"] == "ab" * 32
    assert who["unit"] == "ssh.service"
    assert source == "proc" or "unknown" not in who


@pytest.mark.parametrize("source", ["ebpf", "proc"])
def test_who_names_a_group_as_another_container_is_in_his_own(host, group, source):
    start(host, source)
    other = group / "docker" / ("cd" * 32)
    other.mkdir(parents=True)
    rest = "sleep 1" if source == "proc" else ":"
    who = author_of(host, "sh", "-c", f"echo $$ >{other}/cgroup.procs; sh -c ': >{{}}; {rest}'; :")
    assert who["container"] == "ab" * 32 + "/" + "cd" * 32


def test_mount_namespace_is_named(host, directory):
    """And the path of an executable is that in the author's own namespace."""
    start(host, "ebpf")
    place = directory / "place"
    place.mkdir()
    who = author_of(host, "unshare", "--mount", "sh", "-c",
                    f"mount --bind /usr/bin {place}; {place}/touch {{}}")
    assert who["exe"] == f"{place}/touch"
    assert who["mount_ns"] != os.stat("/proc/self/ns/mnt").st_ino
    assert "mount_ns" not in author_of(host, "touch", "{}")


def test_path_that_is_too_deep_is_said_to_be_cut(host, directory):
    start(host, "ebpf")
    deep = directory.joinpath(*["d"] * 80)
    deep.mkdir(parents=True)
    short = deep / "short"
    short.write_bytes(SHORT.read_bytes())
    short.chmod(0o755)
    path = host.tree / "by-deep"
    host.sensor.send_signal(signal.SIGSTOP)  # until /proc cannot help
    subprocess.run([short, "live", "plain", path, ""], check=True)
    host.sensor.send_signal(signal.SIGCONT)
    who = host.seen(path, "created")["who"]
    assert who["exe"] == "/d" * 63 + "/short" and "only the end" in who["unknown"]


def test_losses_are_said_and_mended(host, directory):
    start(host, "ebpf")
    where = host.tree / "3001"
    crowd = who_truth.Crowd(SHORT, directory, where, 11, 3001)
    host.seen(where, "created")
    host.sensor.send_signal(signal.SIGSTOP)
    crowd.noise(RING_HOLDS // 2)
    crowd.begin().end()
    host.sensor.send_signal(signal.SIGCONT)
    host.quiet()
    host.wait(lambda: host.status().get("who_lost", 0) > 0, "the loss in the status")
    found = who_truth.disclosed(BIN / "assay", host.state)
    reasons = [found[str(path)][0]["who"]["unknown"] for path in sorted(where.iterdir())]
    assert any("lost" in reason for reason in reasons), reasons

    def known():
        path = host.tree / f"after-{time.monotonic_ns()}"
        path.write_text("")
        return "unknown" not in host.seen(path, "created")["who"]
    host.wait(known, "an author who is known again")
