# SPDX-License-Identifier: Apache-2.0
"""Who is named by his executable, as an owner or in an approved change, is that program alone: not
what somebody had it load, bound over its path, or wrote into it."""
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest
from watched_host import Watched, assay, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the sensor needs root")

TEE = os.path.realpath(shutil.which("tee"))
LIBRARY = next(iter(glob.glob("/usr/lib/*/libm.so.6") + glob.glob("/lib*/libm.so.6")), None)


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-actors-") as name:
        yield pathlib.Path(name)


@pytest.fixture
def host(directory):
    h = Watched(directory)
    h.etc, h.bin = h.tree / "etc", h.tree / "bin"
    for path in h.etc, h.bin:
        path.mkdir()
    h.tools = [h.bin / f"tool{i}" for i in range(5)]
    for tool in h.tools:
        shutil.copy(TEE, tool)
    for i in range(3):
        shutil.copy("/bin/dash", h.bin / f"shell{i}")
    owners = ", ".join(map(str, [*h.tools, f"{h.tools[0]}.x"]))
    h.configure(profile("etc", "alert", [h.etc], f"owners: [{owners}]"),
                profile("bin", "alert", [h.bin]), profile("rest", "alert", [h.tree]))
    h.start()
    yield h
    h.stop()


def sh(host, command, **env):
    """Shell, with the places of the test."""
    subprocess.run(["sh", "-ec", command], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "etc": str(host.etc), "bin": str(host.bin), "tee": TEE,
                        "lib": str(LIBRARY),
                        **{f"t{i}": str(t) for i, t in enumerate(host.tools)}, **env})


def why(host, name):
    """What explains the last that happened to a file of the directory that has an owner."""
    host.quiet()
    found = host.of(host.etc / name)
    assert found, f"nothing was told of {name}"
    return found[-1]["why"]


def unexplained(host, name, text):
    said = why(host, name)
    assert said["state"] == "unexplained" and text in said["detail"], said


FORGED = [
    ("preload", "echo x | LD_PRELOAD=$lib $t0 $etc/preload", "its environment names other code"),
    ("audit", "echo x | LD_AUDIT=$lib $t0 $etc/audit", "its environment names other code"),
    ("path", "echo x | LD_LIBRARY_PATH=/tmp $t0 $etc/path", "its environment names other code"),
    ("child", "me=$$ unshare -m --propagation private sh -ec 'mount --bind /bin/dash $t0; "
              "exec $t0 -c \"echo x | nsenter -m/proc/$me/ns/mnt $tee $etc/child\"'",
     "another mount namespace"),
    ("bound", "unshare -m --propagation private sh -ec 'mount --bind $tee $t0; "
              "echo x | $t0 $etc/bound'", "another mount namespace"),
    ("planted", "cp $tee $t0.x; echo x | $t0.x $etc/planted", "not what is trusted"),
]


@pytest.mark.skipif(not LIBRARY, reason="no library to load")
@pytest.mark.parametrize("name, command, text", FORGED, ids=[f[0] for f in FORGED])
def test_owner_forged(host, name, command, text):
    sh(host, "echo x | $t0 $etc/plain")
    said = why(host, "plain")
    assert said["state"] == "service", said
    sh(host, command)
    unexplained(host, name, text)


def test_owner_replaced(host):
    """Another file at its path, by a mount or by writing, is not the program that was trusted."""
    sh(host, "mount --bind $tee $t1; trap 'umount $t1' EXIT; echo x | $t1 $etc/mounted")
    unexplained(host, "mounted", "not what is trusted")
    sh(host, "cat /bin/dash >$t2; $t2 -c 'echo x >$etc/written'")
    unexplained(host, "written", "not what is trusted")
    # It runs on when the old content is back.
    sh(host, "cat /bin/dash >$t3; $t3 -c 'sleep 3; cat $tee >$t3; sleep 2; echo x >$etc/late'")
    unexplained(host, "late", "not what is trusted")


def test_owner_replaced_over_a_restart(host):
    """What is in doubt stays so when the sensor is killed, or ends, until it is accepted."""
    sh(host, "cat /bin/dash >$t2")
    host.quiet()
    for end in (signal.SIGKILL, signal.SIGTERM):
        host.end(host.sensor, end)
        host.start_sensor()
        sh(host, f"$t2 -c 'echo x >$etc/after{end}'")
        unexplained(host, f"after{end}", "not what is trusted")
        sh(host, f"echo x | $t1 $etc/other{end}")
        assert why(host, f"other{end}")["state"] == "service"
    assay(host, "baseline", "accept", host.tools[2], "--reason", "it is meant to be so")
    sh(host, "$t2 -c 'echo x >$etc/accepted'")
    assert why(host, "accepted")["state"] == "service"
    host.end(host.sensor, signal.SIGKILL)
    host.start_sensor()
    sh(host, "$t2 -c 'echo x >$etc/again'")
    assert why(host, "again")["state"] == "service"


EXCHANGE = ("import ctypes, sys; sys.exit(ctypes.CDLL(None).renameat2("
            "-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2) != 0)")


def test_owner_renamed(host):
    """A program that is trusted elsewhere, and renamed to an owner's path, is not the owner: over
    another, where there was none, or in its place; also when the sensor begins anew."""
    sh(host, "mv $bin/shell0 $t1; mv $bin/shell1 $t0.x")
    subprocess.run([sys.executable, "-c", EXCHANGE, host.bin / "shell2", host.tools[2]], check=True)
    host.quiet()
    assert host.of(host.tools[1], "replaced") and host.of(host.tools[2], "renamed")
    for turn in range(2):
        for name in ("$t1", "$t0.x", "$t2"):
            file = f"{name[1:]}{turn}"
            sh(host, f"{name} -c 'echo x >$etc/{file}'")
            unexplained(host, file, "not what is trusted")
        host.end(host.sensor, signal.SIGKILL)
        host.start_sensor()


def test_owner_upgraded(host):
    """An upgrade makes a new file; the old program goes on and is still the owner, and so is the
    new one."""
    old = subprocess.Popen([host.tools[4], host.etc / "old"], stdin=subprocess.PIPE,
                           stdout=subprocess.DEVNULL)
    host.seen(host.etc / "old", "created")
    assay(host, "change", "open", "CHG-1", "--for", "1h", "--reason", "upgrade",
          "--path", host.bin)
    sh(host, "cp $tee $t4.new; echo >>$t4.new; mv $t4.new $t4")
    host.quiet()
    assay(host, "change", "close", "CHG-1", "--reason", "done")
    old.communicate(b"x", timeout=20)
    assert why(host, "old")["state"] == "service"
    assert host.of(host.etc / "old")[-1]["what"]["change"] == "modified"
    sh(host, "echo x | $t4 $etc/new")
    assert why(host, "new")["state"] == "service"


EVIL = """import os, sys
path, *command = sys.argv[1:]
f = os.open(path, os.O_WRONLY | os.O_APPEND)
os.set_inheritable(f, True)  # a file that stays open is looked at later
os.write(f, b"evil")
print("written", flush=True)
os.read(0, 1)
os.execv(command[0], command)
"""


def goes_on_once_seen(host, process, told):
    """It has written and waits: what it does next comes after the sensor has heard of that."""
    assert told.readline() == b"written\n"
    (host.tree / "mark").write_text("")
    host.seen(host.tree / "mark", "created")
    process.communicate(b"\nx", timeout=20)
    host.quiet()


def test_owner_become(host):
    """Who writes and then becomes the owner, in the same process, has written all the same."""
    path = host.etc / "become"
    sh(host, "echo x | $t0 $etc/become")
    assert why(host, "become")["state"] == "service"
    told = len(host.of(path))
    evil = subprocess.Popen([sys.executable, "-c", EVIL, path, host.tools[0], "-a", path],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    goes_on_once_seen(host, evil, evil.stdout)
    found = [e for e in host.of(path)[told:] if e["why"]["state"] == "unexplained"]
    assert [e for e in found if e["who"]["exe"] == os.path.realpath(sys.executable) or
            [evil.pid, os.path.realpath(sys.executable), 0] in e["who"].get("also", [])
            ], host.of(path)


def test_owner_redirected(host):
    """A shell's child that opens a file and becomes the owner is the owner from the beginning."""
    path = host.etc / "copy"
    child = subprocess.Popen(["sh", "-ec", '(exec >>"$1"; echo a; echo written >&2; read x; '
                              'exec "$2" -a "$1"); true', "sh", path, host.tools[0]],
                             stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    goes_on_once_seen(host, child, child.stderr)
    last = host.of(path)[-1]
    assert last["why"]["state"] == "service" and "also" not in last["who"], last


@pytest.mark.skipif(not LIBRARY, reason="no library to load")
def test_change_forged(host):
    """The same of an approved change that names the executable."""
    assay(host, "change", "open", "CHG-1", "--for", "1h", "--reason", "a test",
          "--path", host.tree / "other", "--exe", host.tools[0])
    host.etc = host.tree / "other"
    host.etc.mkdir()
    sh(host, "echo x | $t0 $etc/plain")
    said = why(host, "plain")
    assert said["state"] == "change" and said["change"] == "CHG-1", said
    for name, command, _ in FORGED[:1] + FORGED[3:5]:
        sh(host, command)
        unexplained(host, name, "change CHG-1 names the path, but the executable or the unit "
                                "that it names may have been made to do it")


def test_parent_moved(directory):
    """Who moves a directory above what is watched is the author of what comes of it; what lies
    there then is explained by nobody all the same."""
    host = Watched(directory)
    inside = host.tree / "a" / "b"
    inside.mkdir(parents=True)
    (inside / "f").write_text("1")
    host.configure(profile("w", "alert", [inside]))

    def move(source, target):
        done = subprocess.run([sys.executable, "-c", "import os, sys; os.rename(*sys.argv[1:]); "
                               "print(os.getpid())", host.tree / source, host.tree / target],
                              check=True, capture_output=True)
        return int(done.stdout)

    try:
        host.start()
        mover = move("a", "c")
        for path in inside / "f", inside:
            assert host.seen(path, "deleted")["who"]["pid"] == mover
        assay(host, "change", "open", "CHG-1", "--for", "1h", "--reason", "a test",
              "--path", host.tree / "a", "--uid", "0")
        mover = move("c", "a")
        back = host.seen(inside / "f", "created")
        assert back["who"]["pid"] == mover and back["why"]["state"] == "unexplained", back
    finally:
        host.stop()
