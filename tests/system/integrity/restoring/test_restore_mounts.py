# SPDX-License-Identifier: Apache-2.0
"""What is mounted over guarded paths is not emptied, nor filled with what is trusted there."""
import os
import pathlib
import subprocess
import tempfile

import pytest

from restore_host import RestoreHost, tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-behind-") as name:
        h = RestoreHost(pathlib.Path(name))
        h.source = pathlib.Path(name) / "source"
        for path, text in (("guarded/dir/file", "good"), ("guarded/plain", "plain"),
                           ("../source/dir/file", "theirs"), ("../source/other", "other")):
            (h.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (h.tree / path).write_text(text)
        h.theirs = tree(h.source)
        h.mounted = []
        h.start()
        try:
            yield h
        finally:
            for point in reversed(h.mounted):
                subprocess.run(["umount", "-l", point], check=False)
            h.stop()


def mount(host, source, point):
    subprocess.run(["mount", "--bind", source, point], check=True)
    host.mounted.append(point)


def umount(host):
    subprocess.run(["umount", host.mounted.pop()], check=True)


def rest(host):
    """Everything that was done is told, and what it leads to is over."""
    marker = host.others / "marker"
    marker.write_text("")
    host.expect(marker, "created")
    marker.unlink()
    host.expect(marker, "deleted")
    host.wait(lambda: host.status()["restore"]["waiting"] == 0, "nothing that waits")


def make_whole(host):
    """The source as something to be mounted over all of the tree."""
    (host.source / "guarded").mkdir()
    (host.source / "guarded/evil").write_text("evil")
    (host.source / "others").mkdir()
    host.theirs = tree(host.source)


@pytest.mark.parametrize("where", ["guarded/dir", "guarded", "."])
def test_a_directory(host, where):
    """At a guarded directory, at all that is guarded, and above it."""
    if where == ".":
        make_whole(host)
    mount(host, host.source, host.tree / where)
    top = host.guarded if where == "." else host.tree / where
    assert "mounted" in host.not_back(top, reason="mounted")["detail"]
    rest(host)
    assert tree(host.source) == host.theirs
    # What is done there later is seen, and is nobody's to undo.
    (top / "later").write_text("later")
    host.expect(top / "later", "created")
    rest(host)
    assert (top / "later").read_text() == "later"
    (top / "later").unlink()
    host.expect(top / "later", "deleted")
    umount(host)
    host.as_it_was()
    # Once: the topmost place speaks for all below it.
    assert len(host.entries("integrity.not_restored")) == 1
    assert not host.told("incident", top)
    # From here on it is put back as before.
    (host.guarded / "dir/file").write_text("evil")
    host.back(host.guarded / "dir/file", act="replaced")
    host.as_it_was()


def test_a_file(host):
    mount(host, host.source / "other", host.guarded / "plain")
    host.not_back(host.guarded / "plain", reason="mounted")
    (host.source / "other").chmod(0o600)
    host.expect(host.guarded / "plain", "attributes")
    rest(host)
    assert (host.source / "other").stat().st_mode & 0o777 == 0o600
    umount(host)
    host.as_it_was()


def test_over_a_restart(host):
    """Also what was mounted while nobody looked."""
    host.end(host.sensor)
    mount(host, host.source, host.guarded / "dir")
    for _ in range(2):
        host.start_sensor()
        rest(host)
        assert tree(host.source) == host.theirs
        host.end(host.sensor)
    host.start_sensor()
    (host.guarded / "dir/other").write_text("changed")
    host.expect(host.guarded / "dir/other", "modified")
    rest(host)
    assert (host.source / "other").read_text() == "changed"
    umount(host)
    host.as_it_was()


@pytest.mark.parametrize("when", ["down", "live"])
def test_above_all_that_is_guarded_over_a_restart(host, when):
    """A directory that is not watched itself: its inode is remembered."""
    make_whole(host)
    if when == "live":
        mount(host, host.source, host.tree)
        host.not_back(host.guarded, reason="mounted")
        rest(host)
    host.end(host.sensor)
    if when == "down":
        mount(host, host.source, host.tree)
    for _ in range(2):
        host.start_sensor()
        rest(host)
        assert tree(host.source) == host.theirs
        host.end(host.sensor)
    host.start_sensor()
    # What is the same but for its inode is not to be put back: what was in it is.
    told = host.guarded if when == "live" else host.guarded / "plain"
    detail = host.not_back(told, reason="mounted")["detail"]
    assert f"what is mounted at {host.tree} was not" in detail, detail
    (host.guarded / "evil").write_text("changed")
    host.expect(host.guarded / "evil", "modified")
    done = host.assay("restore", host.guarded, "--reason", "by hand", check=False)
    assert done.returncode == 1 and f"what is mounted at {host.tree} was not" in done.stdout, done
    rest(host)
    assert (host.source / "guarded/evil").read_text() == "changed"
    umount(host)
    host.as_it_was()


@pytest.mark.parametrize("restart", [False, True])
def test_by_hand(host, restart):
    """Also where nothing is put back by itself; what is not behind it is."""
    sub, plain = host.others / "sub", host.others / "plain"
    sub.mkdir()
    (sub / "file").write_text("good")
    plain.write_text("plain")
    host.expect(plain, "created")
    host.assay("baseline", "accept", "--reason", "meant", host.others)
    mount(host, host.source, sub)
    plain.write_text("changed")
    host.expect(sub / "other", "created")
    host.expect(plain, "modified")
    if restart:
        host.end(host.sensor)
        host.start_sensor()
    behind = f"what is mounted at {sub} was not when it was trusted"
    done = host.assay("restore", host.others, "--dry-run", check=False)
    found = [line.split()[-1] == "trusted" for line in done.stdout.splitlines()[:-1]]
    assert done.returncode == 1 and found.count(False) == 1 and behind in done.stdout, done
    for path in (host.others, sub / "file"):
        done = host.assay("restore", path, "--reason", "by hand", check=False)
        assert done.returncode == 1 and f"not put back  {sub}/file: {behind}" in done.stdout, done
        assert tree(host.source) == host.theirs
    assert plain.read_text() == "plain"
    umount(host)
    host.expect(sub / "other", "deleted")
    rest(host)
    assert host.assay("restore", host.others, "--reason", "x").stdout == "nothing differs\n"


def test_what_is_accepted(host):
    """Once it is trusted it is guarded as anything else."""
    mount(host, host.source, host.guarded / "dir")
    host.not_back(host.guarded / "dir", reason="mounted")
    host.assay("baseline", "accept", "--reason", "meant", host.guarded)
    (host.source / "other").write_text("evil")
    host.back(host.guarded / "dir/other", act="replaced")
    assert (host.source / "other").read_text() == "other"
    (host.source / "evil").write_text("evil")
    host.back(host.guarded / "dir/evil", act="removed")
