# SPDX-License-Identifier: Apache-2.0
"""Putting back what somebody keeps locked: a rename waits for who writes to a file, and so does
everybody in its directory; a writer's bytes may never come."""
import contextlib
import mmap
import os
import pathlib
import signal
import subprocess
import tempfile

import pytest

from restore_host import RestoreHost
from seeing import Mounts, make_btrfs, make_tmpfs, make_xfs
from stalled import stalled

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@contextlib.contextmanager
def running(make=None):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-stall-") as name:
        mounts = Mounts(pathlib.Path(name))
        place = make(mounts) if make else None
        if place:
            (place / "tree").mkdir()
        h = RestoreHost(pathlib.Path(name), place=place / "tree" if place else None)
        for file in ("plain", "other", "third"):
            (h.guarded / file).write_text(f"{file}\n")
        h.start()
        try:
            yield h
        finally:
            h.stop()
            mounts.done()


def alerts(h, path):
    return [e["what"] for e in h.entries("alert.raised")
            if e["what"]["change"] == "restore stalled" and e["what"]["path"] == str(path)]


def named(what, who):
    """It says who, or that there was not the time to see."""
    return who in what["detail"] or "not all processes" in what["detail"]


def is_free(directory):
    """Names can be made in it: by another process, which can be left behind."""
    child = subprocess.Popen(["/usr/bin/touch", directory / "made"])
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        return False
    return child.returncode == 0


@pytest.mark.parametrize("make", [None, make_xfs, make_tmpfs, make_btrfs])
def test_a_write_that_never_ends(make):
    with running(make) as h:
        path = h.guarded / "plain"
        with stalled(path, "write") as writer:
            what = h.not_back(path, reason="stalled")
            assert named(what, f"pid {writer.pid} (python3) is in write at ")
            h.wait(lambda: alerts(h, path), "an alert")
            assert is_free(h.guarded)
            (h.guarded / "other").write_text("evil\n")
            (h.guarded / "third").unlink()
            h.back(h.guarded / "other")
            h.back(h.guarded / "third")
            h.back(h.guarded / "made")  # it is gone again
            restore = h.fresh()["restore"]
            assert restore["stalled"] == [str(path)] and restore["stuck"] >= 1
            h.wait(lambda: f"locked: {path}" in h.assay("status", check=False).stdout,
                   "it in the status", 20)
        h.back(path)
        h.as_it_was()
        h.settled()
        assert h.fresh()["restore"]["stuck"] == 0
        assert len(h.told("not_restored", path)) == len(alerts(h, path)) == 1


@pytest.mark.parametrize("words", [("write",) * 6, ("write", "read", "write", "read")])
def test_others_wait_behind_the_one(words):
    """Who asks for the lock gets it before them: it is asked for again, until nobody waits."""
    with running() as h:
        path = h.guarded / "plain"
        with stalled(path, *words):
            h.not_back(path, reason="stalled")
            assert is_free(h.guarded)
        h.back(path)
        h.back(h.guarded / "made")
        h.as_it_was()
        h.settled()


def test_a_read_past_the_cache_locks_as_well():
    """Whoever may read it can do so."""
    with running() as h:
        path = h.guarded / "plain"
        with stalled(path, "read"):
            with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as memory:
                memory[:1] = b"e"  # a page of it takes no lock
            what = h.not_back(path, reason="stalled")
            assert named(what, "is in read at ")
            assert is_free(h.guarded)
        h.back(path)
        h.as_it_was()
        h.settled()


def test_it_can_be_stopped_meanwhile():
    """The sensor ends, and starts; what was kept locked is put back when it can be."""
    with running() as h:
        path = h.guarded / "plain"
        with stalled(path, "write"):
            h.not_back(path, reason="stalled")
            h.sensor.send_signal(signal.SIGTERM)
            assert h.sensor.wait(20) == 0
            h.start_sensor()
            (h.guarded / "other").write_text("evil\n")
            h.back(h.guarded / "other")
        h.back(path)
        h.as_it_was()
        h.settled()


def test_several_wait_at_once():
    with running() as h, contextlib.ExitStack() as stack:
        for name in ("plain", "third"):
            stack.enter_context(stalled(h.guarded / name, "write"))
            h.not_back(h.guarded / name, reason="stalled")
        (h.guarded / "other").write_text("evil\n")
        h.back(h.guarded / "other")
        assert h.fresh()["restore"]["stuck"] == 2
        stack.close()
        h.back(h.guarded / "plain")
        h.back(h.guarded / "third")
        h.as_it_was()
        h.settled()
