# SPDX-License-Identifier: Apache-2.0
"""What is changed without being explained is put back: all of it, at once, with the evidence kept;
by the sensor's own hand, which it does not take for another change."""
import fcntl
import os
import pathlib
import signal
import stat
import struct
import subprocess
import tempfile

import pytest

from restore_host import RestoreHost, digest
from seeing import FILESYSTEMS, Mounts, renameat2, RENAME_EXCHANGE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

GETFLAGS, SETFLAGS, IMMUTABLE, APPEND = 0x80086601, 0x40086602, 0x10, 0x20
CAP = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)  # cap_net_bind_service, effective


def fill(guarded):
    """One of everything that can be put back."""
    (guarded / "deep/er").mkdir(parents=True)
    (guarded / "plain").write_text("as it was\n")
    (guarded / "empty").write_bytes(b"")
    (guarded / "large").write_bytes(os.urandom(1 << 20))
    (guarded / "program").write_bytes(b"#!/bin/sh\nexit 0\n")
    (guarded / "program").chmod(0o4755)
    (guarded / "deep/er/leaf").write_text("leaf\n")
    os.chown(guarded / "deep/er/leaf", 12, 34)
    (guarded / "link").symlink_to("plain")
    os.mkfifo(guarded / "pipe", 0o640)
    os.utime(guarded / "plain", ns=(1_000_000_000, 1_234_567_891_123_456_789))
    os.chmod(guarded / "deep", 0o2751)


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-restore-") as name:
        h = RestoreHost(pathlib.Path(name))
        fill(h.guarded)
        h.start()
        yield h
        h.stop()


def test_content(host):
    path = host.guarded / "plain"
    path.write_text("evil\n")
    what = host.back(path, act="replaced", by="profile")
    host.as_it_was()
    assert {"size", "sha256", "mtime"} <= set(what["put_back"]) and "left" not in what
    assert what["sha256"] == digest(b"as it was\n") and what["took_ns"] > 0
    put_away = host.told("quarantined", path)[-1]["what"]
    assert [put_away["id"]] == what["quarantine"] and put_away["state_sha256"] == digest(b"evil\n")
    assert host.content(put_away["id"]) == b"evil\n"
    changes = [e["what"]["change"] for e in host.of(path)]
    host.settled()
    assert changes == ["modified"], "its own hand is no change"
    assert [e["what"]["change"] for e in host.of(path)] == changes
    host.wait(lambda: host.entries("alert.raised"), "the alert")
    assert host.entries("alert.raised")[0]["what"]["severity"] == "critical"


def test_log_and_status(host):
    (host.guarded / "plain").write_text("evil\n")
    host.back(host.guarded / "plain")
    said = host.assay("log", "--limit", "0").stdout
    assert f"put back    {host.guarded}/plain (replaced): " in said and "put away as " in said
    assert f"put away    {host.guarded}/plain as " in said
    host.wait(lambda: "put back" in host.assay("status").stdout, "the status")
    said = host.assay("status").stdout
    assert "1 path, 0 could not be, 0 wait" in said and "1 in quarantine, " in said


def test_again_and_again_other_paths(host):
    for name in ("plain", "empty", "large", "program", "deep/er/leaf"):
        with open(host.guarded / name, "ab") as f:
            f.write(b"more")
        host.back(host.guarded / name)
    host.as_it_was()
    host.settled()


def test_attributes(host):
    g = host.guarded
    changes = [
        (g / "plain", "mode", lambda p: p.chmod(0o666)),
        (g / "program", "mode", lambda p: p.chmod(0o755)),
        (g / "deep/er/leaf", "uid", lambda p: os.chown(p, 1, 34)),
        (g / "plain", "mtime", lambda p: os.utime(p, ns=(1, 5))),
        (g / "deep", "mode", lambda p: p.chmod(0o777)),
        (g / "pipe", "mode", lambda p: p.chmod(0o666)),
        (g / "link", "uid", lambda p: os.lchown(p, 5, 6)),
    ]
    for path, field, change in changes:
        inode = os.lstat(path).st_ino
        change(path)
        host.wait(lambda: any(field in e["what"].get("put_back", ())
                              for e in host.told("restored", path)), f"{field} of {path}")
        assert os.lstat(path).st_ino == inode, "nothing but attributes: the file stays"
    host.as_it_was()
    host.settled()
    assert not host.entries("integrity.quarantined"), "the change's entry has all of it"


def test_lists_capabilities_and_attributes(host):
    path = host.guarded / "plain"
    before = {n: os.getxattr(path, n) for n in os.listxattr(path)}
    os.setxattr(path, "user.evil", b"x" * 100)
    host.wait(lambda: os.listxattr(path) == sorted(before), "the attribute to go")
    os.setxattr(path, "security.capability", CAP)
    host.wait(lambda: os.listxattr(path) == sorted(before), "capabilities to go")
    done = subprocess.run(["setfacl", "-m", "u:7:rw", path], capture_output=True)
    if done.returncode == 0:
        host.wait(lambda: os.listxattr(path) == sorted(before), "the list to go")
    host.as_it_was()
    host.settled()


def test_attributes_come_back_with_the_content():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-restore-") as name:
        h = RestoreHost(pathlib.Path(name))
        path = h.guarded / "rich"
        path.write_text("rich\n")
        path.chmod(0o4711)
        os.setxattr(path, "user.small", b"value")
        os.setxattr(path, "user.large", os.urandom(3000))
        os.setxattr(path, "security.capability", CAP)
        subprocess.run(["setfacl", "-m", "u:7:r", path], check=False)
        os.chown(h.guarded, 3, 4)
        wanted = {n: os.getxattr(path, n) for n in os.listxattr(path)}
        h.start()
        path.unlink()
        h.back(path, act="created")
        h.as_it_was()
        assert {n: os.getxattr(path, n) for n in os.listxattr(path)} == wanted
        path.write_text("poor\n")
        h.back(path, act="replaced")
        assert {n: os.getxattr(path, n) for n in os.listxattr(path)} == wanted
        h.as_it_was()
        h.settled()
        h.stop()


def test_deleted(host):
    for name in ("plain", "link", "pipe", "deep/er/leaf"):
        os.unlink(host.guarded / name)
        what = host.back(host.guarded / name, act="created")
        assert "quarantine" not in what
    host.as_it_was()
    host.settled()


def test_a_tree_is_deleted(host):
    for i in range(30):
        (host.guarded / f"deep/er/{i}").write_text(f"{i}\n")
    host.assay("baseline", "accept", "--reason", "test")
    host.settled()
    from restore_host import tree
    host.was = tree(host.guarded)
    host.sensor.send_signal(signal.SIGSTOP)  # or what rm has not got to yet is back before it does
    subprocess.run(["rm", "-r", host.guarded / "deep"], check=True)
    host.sensor.send_signal(signal.SIGCONT)
    host.back(host.guarded / "deep", act="created", type="dir")
    host.as_it_was()
    host.settled()


def test_added(host):
    g = host.guarded
    (g / "new").write_text("payload\n")
    what = host.back(g / "new", act="removed")
    assert host.content(what["quarantine"][0]) == b"payload\n"
    (g / "newlink").symlink_to("/etc/shadow")
    what = host.back(g / "newlink", act="removed")
    assert host.item(what["quarantine"][0])["state"]["target"] == "/etc/shadow"
    host.as_it_was()
    host.settled()


def test_an_added_tree(host):
    top = host.guarded / "newtree"
    with tempfile.TemporaryDirectory(dir=host.tree) as made:
        inner = pathlib.Path(made) / "made"
        (inner / "a/b").mkdir(parents=True)
        (inner / "a/b/payload").write_text("deep payload\n")
        (inner / "a/other").write_text("other\n")
        inner.rename(top)
        host.back(top, act="removed")
    host.as_it_was()
    host.settled()
    kept = {e["what"]["path"]: e["what"]["id"] for e in host.entries("integrity.quarantined")}
    assert host.content(kept[str(top / "a/b/payload")]) == b"deep payload\n"
    assert host.content(kept[str(top / "a/other")]) == b"other\n"


def test_another_type(host):
    g = host.guarded
    other = host.tree / "other"
    other.symlink_to("/etc/passwd")
    other.rename(g / "plain")
    host.back(g / "plain")
    host.as_it_was()
    other.mkdir()
    (other / "inside").write_text("inside\n")
    renameat2(other, g / "link", RENAME_EXCHANGE)
    host.back(g / "link")
    assert (g / "link").is_symlink()
    host.as_it_was()
    host.settled()
    kept = {e["what"]["path"]: e["what"]["id"] for e in host.entries("integrity.quarantined")}
    assert str(g / "plain") in kept


def test_a_directory_becomes_a_link(host):
    """What was in it comes back to it, and nothing is written where the link leads."""
    trap = host.tree / "trap"
    (trap / "er").mkdir(parents=True)
    (host.guarded / "deep").rename(host.others / "taken")
    (host.guarded / "deep").symlink_to(trap)
    host.wait(lambda: not (host.guarded / "deep").is_symlink(), "the link to go")
    host.as_it_was()
    host.settled()
    assert [p.name for p in trap.rglob("*")] == ["er"], "nothing came there"


def test_renames(host):
    g = host.guarded
    inode = (g / "plain").stat().st_ino
    (g / "plain").rename(g / "elsewhere")
    what = host.back(g / "plain")
    assert what["act"] == "renamed" and what["from"] == str(g / "elsewhere")
    assert (g / "plain").stat().st_ino == inode
    host.as_it_was()
    inode = (g / "deep/er/leaf").stat().st_ino
    (g / "deep").rename(g / "shallow")
    host.back(g / "deep")
    host.as_it_was()
    assert (g / "deep/er/leaf").stat().st_ino == inode, "a directory comes back as a whole"
    (g / "plain").rename(g / "program")
    host.back(g / "program")
    host.as_it_was()
    host.settled()


def test_exchanged(host):
    g = host.guarded
    renameat2(g / "plain", g / "program", RENAME_EXCHANGE)
    host.back(g / "plain")
    host.back(g / "program")
    host.as_it_was()
    host.settled()


def set_flags(path, flags):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, SETFLAGS, struct.pack("l", flags))
    finally:
        os.close(fd)


def get_flags(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return struct.unpack("l", fcntl.ioctl(fd, GETFLAGS, b"\0" * 8))[0]
    finally:
        os.close(fd)


def test_immutable(host):
    """An attacker's flags on the file and its directory hold nothing up, and go."""
    g = host.guarded
    (g / "deep/er/leaf").write_text("evil\n")
    try:
        set_flags(g / "deep/er/leaf", IMMUTABLE)
        set_flags(g / "deep/er", IMMUTABLE)
    except OSError:
        pytest.skip("no such flags here")
    try:
        host.back(g / "deep/er/leaf")
        assert (g / "deep/er/leaf").read_text() == "leaf\n"
        assert not get_flags(g / "deep/er/leaf") & (IMMUTABLE | APPEND)
        assert get_flags(g / "deep/er") & IMMUTABLE, "set again around it"
    finally:
        set_flags(g / "deep/er", 0)


def test_a_trusted_flag_comes_back():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-restore-") as name:
        h = RestoreHost(pathlib.Path(name))
        path = h.guarded / "fixed"
        path.write_text("fixed\n")
        try:
            set_flags(path, IMMUTABLE)
        except OSError:
            pytest.skip("no such flags here")
        try:
            h.start()
            set_flags(path, 0)
            path.write_text("loose\n")
            what = h.back(path)
            assert path.read_text() == "fixed\n" and get_flags(path) & IMMUTABLE
            assert "left" not in what
        finally:
            for p in h.guarded.iterdir():
                set_flags(p, 0)
            h.stop()


def test_down_and_up_again(host):
    host.end(host.sensor)
    (host.guarded / "plain").write_text("while it was down\n")
    (host.guarded / "link").unlink()
    (host.guarded / "added").write_text("added\n")
    host.start_sensor()
    host.back(host.guarded / "plain")
    host.as_it_was()
    host.settled()


def test_only_what_a_profile_says(host):
    path = host.others / "file"
    path.write_text("new\n")
    host.seen(path, "created")
    host.settled()
    assert path.read_text() == "new\n" and not host.told("restored", path)


@pytest.mark.parametrize("name", ["ext4", "xfs", "tmpfs", "btrfs", "overlay"])
def test_filesystems(name):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-restore-") as directory:
        mounts = Mounts(directory)
        h = None
        try:
            place = FILESYSTEMS[name][0](mounts)
            h = RestoreHost(pathlib.Path(directory), place=place)
            fill(h.guarded)
            h.start()
            (h.guarded / "plain").write_text("evil\n")
            (h.guarded / "program").chmod(0o777)
            (h.guarded / "link").unlink()
            (h.guarded / "added").write_text("added\n")
            h.wait(lambda: len(h.entries("integrity.restored")) >= 4, "all four", 60)
            h.as_it_was(60)
            assert stat.S_IMODE((h.guarded / "program").stat().st_mode) == 0o4755
            h.clean()
        finally:
            if h:
                h.stop()
            mounts.done()
