# SPDX-License-Identifier: Apache-2.0
"""Who hides a change by putting it back, by keeping the file open, or by making it huge."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from seeing import Mounts
from sensor_host import BIN, sha256
from stalled import stalled
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

TIB = 1 << 40


@pytest.fixture
def host():
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-evading-"))
    host = Watched(directory)
    yield host
    host.stop()
    shutil.rmtree(directory)


def begin(host, **files):
    for name, text in files.items():
        (host.tree / name).write_text(text)
    host.configure(profile("w", "alert", [host.tree]))
    host.start()


def alerted(host, path):
    return [e for e in host.entries("alert.raised") if str(path) in str(e["what"])]


def put_back(fd, content, st):
    os.ftruncate(fd, 0)
    os.pwrite(fd, content, 0)
    os.utime(fd, ns=(st.st_atime_ns, st.st_mtime_ns))


@pytest.mark.parametrize("seconds", [0, 0.005, 0.3])
def test_what_was_put_back_is_told(host, seconds):
    """Content and times are the old ones: that it was written to is an entry, and an alert."""
    begin(host, f="root ALL\n")
    path = host.tree / "f"
    st = path.stat()
    fd = os.open(path, os.O_RDWR)
    os.pwrite(fd, b"evil ALL\n", 0)
    time.sleep(seconds)
    put_back(fd, b"root ALL\n", st)
    os.close(fd)
    entry = host.seen(path, "reverted")
    assert "written" in entry["what"]["events"] and entry["what"]["differs"] == []
    assert entry["who"]["pid"] == os.getpid() and entry["why"]["state"] == "unexplained"
    host.wait(lambda: alerted(host, path), "an alert")


def test_what_stood_in_its_place_is_told(host):
    begin(host, f="root ALL\n")
    path, aside = host.tree / "f", host.tree.parent / "aside"
    os.rename(path, aside)
    path.write_text("evil ALL\n")
    path.unlink()
    os.rename(aside, path)
    host.quiet()
    told = host.of(path)
    assert told, "nothing was told"
    if told[-1]["what"]["change"] == "reverted":  # else each step was seen by itself
        assert {"moved in", "moved out"} & set(told[-1]["what"]["events"])
    host.wait(lambda: alerted(host, path), "an alert")


def test_what_is_only_read_or_moved_once_is_not_reverted(host):
    begin(host, f="text", g="other")
    (host.tree / "f").read_text()
    with open(host.tree / "g", "r+b"):
        pass
    os.rename(host.tree / "f", host.tree / "h")
    os.link(host.tree / "g", host.tree / "g2")
    (host.tree / "g2").unlink()
    host.quiet()
    assert [e for e in host.changes() if e["what"]["change"] == "reverted"] == []


def test_a_file_that_is_kept_open_is_told_however_large(host):
    """Its size is its writer's choice: it buys him no time."""
    begin(host, f="#!/bin/sh\necho good\n")
    path = host.tree / "f"
    st = path.stat()
    fd = os.open(path, os.O_RDWR)
    os.pwrite(fd, b"#!/bin/sh\necho evil; exit\n", 0)
    os.ftruncate(fd, 200 << 30)
    host.wait(lambda: host.of(path, "modified"), "the change of an open file", 10)
    what = host.of(path, "modified")[0]["what"]
    assert what["new_hash_status"] in ("skipped", "unreadable") and what["new_hash_reason"]
    put_back(fd, b"#!/bin/sh\necho good\n", st)
    os.close(fd)
    host.wait(lambda: len(host.of(path, "modified")) > 1, "that it was put back")


def test_a_large_file_that_is_written_on_is_told_before_it_is_closed(host):
    """Real bytes, and more of them all the time: told without a hash, and with one at the end."""
    begin(host, f="small")
    path = host.tree / "f"
    block = os.urandom(1 << 20)
    with open(path, "wb") as f:
        for _ in range(80):
            f.write(block)
        end = time.monotonic() + 20
        while not host.of(path):
            assert time.monotonic() < end, "nothing was told while it was written"
            f.write(b"x")
            f.flush()
            time.sleep(0.05)
    host.wait(lambda: host.of(path)[-1]["what"].get("new_sha256"), "its hash")


def test_a_time_to_come_hides_no_content(host):
    """A large file of the year 2100 is not one that is being written: its hash is told."""
    begin(host, f="small")
    path = host.tree / "f"
    with open(path, "wb") as f:
        for _ in range(66):
            f.write(os.urandom(1 << 20))
        f.flush()
        os.utime(path, (4102444800, 4102444800))
        host.wait(lambda: host.of(path) and host.of(path)[-1]["what"].get("new_sha256"),
                  "its hash while it is open", 15)
    assert host.of(path)[-1]["what"]["new_sha256"] == sha256(path)


def test_a_write_that_never_ends_holds_up_nobody(host):
    """On XFS who reads a file waits for who writes to it, and a writer may keep back the very bytes
    that he writes: told without a hash, and nothing else is late."""
    mounts = Mounts(host.tree.parent)
    host.tree = mounts.loop("fs", "mkfs.xfs", "-q") / "tree"
    host.tree.mkdir()
    try:
        begin(host, f="small" * 4000)
        with stalled(host.tree / "f", "write"):
            host.wait(lambda: host.of(host.tree / "f"), "the file that is written to", 10)
            what = host.of(host.tree / "f")[-1]["what"]
            assert what["new_hash_status"] == "unreadable" and "locked" in what["new_hash_reason"]
            (host.tree / "g").write_text("other")
            host.wait(lambda: host.of(host.tree / "g"), "another file", 5)
        host.wait(lambda: host.of(host.tree / "f")[-1]["what"].get("new_sha256") ==
                  sha256(host.tree / "f"), "its hash in the end")
    finally:
        host.stop()
        mounts.done()


def test_writes_that_never_end_to_files_with_holes_hold_up_nobody(host):
    """Asking a filesystem where a file has holes waits for who writes to it, so nobody asks."""
    names = [f"f{n}" for n in range(4)]
    begin(host, **{name: "small" for name in names})
    with contextlib.ExitStack() as writers:
        for name in names:
            os.truncate(host.tree / name, 3 << 20)
            writers.enter_context(stalled(host.tree / name, "write"))
        large = host.tree / "g"
        large.write_bytes(os.urandom(3 << 20))
        host.wait(lambda: host.of(large) and host.of(large)[-1]["what"].get("new_sha256") ==
                  sha256(large), "another file, with its hash", 15)
    for name in names:
        host.wait(lambda: host.of(host.tree / name)[-1]["what"].get("new_sha256") ==
                  sha256(host.tree / name), "its hash in the end")


@contextlib.contextmanager
def locked(directory):
    """Somebody who may only read it lists it without an end, and somebody waits to make a name
    there: so does everybody who looks for one that the kernel has not at hand."""
    with stalled(directory, "list", uid=65534):
        waiter = subprocess.Popen(["/usr/bin/mkdir", directory / "late"])
        while pathlib.Path(f"/proc/{waiter.pid}/stat").read_text().split()[2] != "D":
            assert waiter.poll() is None
            time.sleep(0.01)
        yield
    assert waiter.wait(30) == 0


@pytest.mark.parametrize("what", ["a name is gone", "a directory is new"])
def test_a_directory_that_is_kept_locked_holds_up_nobody(host, what):
    os.chmod(host.state.parent, 0o711)
    home = host.tree / "home"
    home.mkdir()
    (home / "f").write_text("f")
    begin(host, a="small")
    new = home / "new"
    with contextlib.ExitStack() as stack:
        host.sensor.send_signal(signal.SIGSTOP)
        try:
            if what == "a name is gone":
                stack.enter_context(open(home / "f", encoding="ascii"))  # so it is not at hand
                (home / "f").unlink()
                stack.enter_context(locked(home))
            else:
                new.mkdir()
                (new / "g").write_text("g")
                stack.enter_context(locked(new))
        finally:
            host.sensor.send_signal(signal.SIGCONT)
        (host.tree / "a").write_text("other")
        host.wait(lambda: host.of(host.tree / "a", "modified"), "what others do", 15)
        if what == "a name is gone":
            host.wait(lambda: [x for x in alerted(host, home)
                               if x["what"]["change"] == "look stalled"], "an alert", 15)
    if what == "a name is gone":
        host.seen(home / "f", "deleted")
        host.seen(home / "late", "created")
    else:
        host.seen(new / "g", "created")
        host.seen(new / "late", "created")


def test_huge_files_of_a_user_keep_the_sensor_from_nothing(host):
    """Three files of 8 TiB that take no space: skipped with the reason.  What others do is seen."""
    home = host.tree / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    begin(host, a="small")
    for name in (".profile", ".bashrc", ".zshrc"):
        with open(home / name, "wb") as f:
            os.truncate(f.fileno(), 8 * TIB)
        os.chown(home / name, 65534, 65534)
    (host.tree / "a").write_text("other")
    (host.tree / "b").write_bytes(os.urandom(3 << 20))
    host.seen(host.tree / "a", "modified")
    host.wait(lambda: host.of(host.tree / "b"), "a file of 3 MiB", 10)
    host.wait(lambda: host.of(home / ".zshrc"), "a file of 8 TiB", 10)
    what = host.of(home / ".zshrc")[-1]["what"]
    assert (what["new_hash_status"], what["new_size"]) == ("skipped", 8 * TIB)
    assert "larger than" in what["new_hash_reason"]
    checked = subprocess.run([BIN / "assay", "check", "--json", "--state", host.state,
                              "--run", host.run], capture_output=True, timeout=20)
    assert checked.returncode == 1, checked
    began = time.monotonic()
    host.end(host.sensor)
    assert time.monotonic() - began < 10
    host.start_sensor()  # its first scan ends
    (host.tree / "a").write_text("a third")
    host.wait(lambda: len(host.of(host.tree / "a", "modified")) == 2, "a change", 10)


def test_a_file_that_is_mostly_holes_is_not_read(host):
    """Below the ceiling of size, but only because holes cost nothing."""
    begin(host, a="x")
    path = host.tree / "holes"
    with open(path, "wb") as f:
        f.write(b"begin")
        os.truncate(f.fileno(), 900 << 20)
    host.wait(lambda: host.of(path) and host.of(path)[-1]["what"].get("new_size") == 900 << 20,
              "the file", 10)
    assert "holes" in host.of(path)[-1]["what"]["new_hash_reason"]


def homes(host):
    for user in ("al", "bo"):
        (host.tree / "home" / user / "x").mkdir(parents=True)
        (host.tree / "home" / user / "x" / "authorized_keys").write_text("ssh-rsa evil")
    (host.tree / "home/bo/.ssh").mkdir()
    (host.tree / "home/bo/.ssh/authorized_keys").write_text("ssh-rsa good")
    (host.tree / "one").mkdir()
    (host.tree / "one/file").write_text("good")
    host.configure(profile("keys", "alert", [host.tree / "home/*/.ssh/authorized_keys"]),
                   profile("one", "alert", [host.tree / "one/file"]))
    host.start()


def on_way(host, path, change, count=1):
    what = host.seen(path, change, count)["what"]
    assert what["on_way"] and what["type"] == "link"
    return what


def test_a_link_on_the_way_is_told(host):
    """A directory on the way to what is watched becomes a link, and another file stands there."""
    homes(host)
    al, bo, one = (host.tree / p for p in ("home/al/.ssh", "home/bo/.ssh", "one"))
    al.symlink_to("x")
    what = on_way(host, al, "created")
    assert what["profile"] == "keys" and what["new_target"] == "x"
    host.wait(lambda: alerted(host, al), "an alert")
    bo.rename(bo.with_name("old"))
    bo.symlink_to("x")
    on_way(host, bo, "created")
    host.seen(bo / "authorized_keys", "deleted")
    one.rename(one.with_name("two"))
    one.symlink_to("two")
    assert on_way(host, one, "created")["profile"] == "one"
    al.unlink()
    host.wait(lambda: host.of(al, "deleted"), "that the link went")
    al.mkdir()
    (al / "authorized_keys").write_text("a key")
    host.seen(al / "authorized_keys", "created")


def test_a_link_on_the_way_while_the_sensor_is_down(host):
    homes(host)
    al, one = host.tree / "home/al/.ssh", host.tree / "one"
    host.end(host.sensor)
    al.symlink_to("x")
    one.rename(one.with_name("two"))
    one.symlink_to("two")
    host.start_sensor()
    on_way(host, al, "created")
    on_way(host, one, "created")
    host.end(host.sensor)
    host.start_sensor()
    assert len(host.of(al)) == 1 and len(host.of(one)) == 1  # known, not told again
    host.end(host.sensor)
    al.unlink()
    al.mkdir()
    one.unlink()
    host.start_sensor()
    host.wait(lambda: host.of(al, "deleted"), "that the link went")
    host.wait(lambda: host.of(one, "deleted"), "that the other went")
