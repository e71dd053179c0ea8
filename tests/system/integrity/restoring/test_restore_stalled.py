# SPDX-License-Identifier: Apache-2.0
"""Putting back what somebody keeps locked: a rename waits for who writes to a file, and so does
everybody in its directory; a writer's bytes may never come."""
import contextlib
import json
import mmap
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from restore_host import RestoreHost
from seeing import Mounts, make_btrfs, make_tmpfs, make_xfs
from stalled import stalled
from trapped import GETFLAGS, IOCTL, RENAMEAT2, Trap

UID, HANDS_OF_ONE = 12345, 16

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@contextlib.contextmanager
def running(make=None, trap=None, prepare=None):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-stall-") as name:
        mounts = Mounts(pathlib.Path(name))
        place = make(mounts) if make else None
        if place:
            (place / "tree").mkdir()
        h = RestoreHost(pathlib.Path(name), place=place / "tree" if place else None)
        os.chmod(name, 0o711)
        h.trap = trap
        if prepare:
            prepare(h)
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


# ---- done late ----

def keep_exchange(of):
    """Keeps the first exchange that is to bring this name back."""
    def decide(call):
        first = not decide.kept and call.number == RENAMEAT2 and call.text(3) == of
        decide.kept |= first
        return "keep" if first else None
    decide.kept = False
    return Trap(decide, RENAMEAT2)


def kept_items(h):
    return [h.content(e["what"]["id"]) for e in h.entries("integrity.quarantined")]


@pytest.mark.parametrize("then", ["nothing", "changed", "replaced", "removed"])
def test_an_exchange_that_is_done_late(then):
    """It was given up, and is done when everybody has gone on: what is there in the end is right,
    and what came out is evidence."""
    trap = keep_exchange("plain")
    with running(trap=trap) as h:
        path = h.guarded / "plain"
        path.write_text("evil\n")
        what = h.not_back(path, reason="stalled")
        assert what["detail"].startswith("it was locked again while it was put back")
        (h.guarded / "other").write_text("evil\n")
        h.back(h.guarded / "other")
        asked = h.assay("restore", path, "--reason", "a test", check=False)
        assert asked.returncode == 1 and "locked" in asked.stdout + asked.stderr
        assert h.fresh()["restore"]["stuck"] == 1
        if then == "changed":
            with open(path, "r+", encoding="ascii") as file:
                file.write("worse")
        elif then == "replaced":
            (h.tree / "worse").write_text("worse")
            (h.tree / "worse").rename(path)
        elif then == "removed":
            path.unlink()
        h.told_so_far()
        trap.release()
        h.back(path)
        h.as_it_was()
        h.settled()
        assert h.fresh()["restore"]["stuck"] == 0
        kept = kept_items(h)
        assert b"evil\n" in kept
        assert then not in ("changed", "replaced") or any(k.startswith(b"worse") for k in kept)
        assert len(h.told("restored", path)) == 1


# ---- its directory ----

def change_in_place(path):
    with open(path, "r+", encoding="ascii") as file:
        file.write("evil")


ACTS = {
    "changed": ("plain", change_in_place),
    "removed": ("plain", os.unlink),
    "link removed": ("link", os.unlink),
    "directory removed": ("empty", os.rmdir),
    "pipe removed": ("pipe", os.unlink),
    "added": ("added", lambda path: path.write_text("evil\n")),
    "tree added": ("added", lambda path: shutil.copytree(path.parent / "sub", path)),
}


def lock_when_lifted(h, place, stack):
    """Somebody who may only read place keeps it locked from the moment on when it was seen to be
    free: when it is asked for its flags."""
    locks = []

    def decide(call):
        if (not locks and call.pid != h.sensor.pid and call.arguments[1] == GETFLAGS and
                call.file() == str(place)):
            locks.append(stack.enter_context(stalled(place, "list", uid=65534)))
    h.trap.decide = decide


@pytest.mark.parametrize("act", ACTS)
def test_its_directory_is_kept_locked_in_the_middle(act):
    """Nothing that is done in it holds up a worker."""
    name, change = ACTS[act]

    def prepare(h):
        (h.guarded / "link").symlink_to("plain")
        (h.guarded / "empty").mkdir()
        os.mkfifo(h.guarded / "pipe")
        (h.guarded / "sub").mkdir()
        (h.guarded / "sub" / "file").write_text("file\n")
    with running(trap=Trap(lambda call: None, IOCTL), prepare=prepare) as h:
        with contextlib.ExitStack() as stack:
            lock_when_lifted(h, h.guarded, stack)
            change(h.guarded / name)
            what = h.not_back(h.guarded / name, reason="stalled")
            if "its directory waits too" not in what["detail"]:  # it was to be moved aside
                assert "its directory is kept locked" in what["detail"], what
                assert named(what, "is in getdents64 at ")
                assert "assay-hands" not in what["detail"]
            change_in_place(h.guarded / "sub" / "file")
            h.back(h.guarded / "sub" / "file")
            assert h.fresh()["restore"]["stuck"] >= 1
        h.back(h.guarded / name)
        h.as_it_was()
        h.settled()


# ---- how many ----

def locks(h):
    """What the doctor says of them."""
    checks = json.loads(h.assay("doctor", "--json", check=False).stdout)["checks"]
    return next(c for c in checks if c["name"] == "locks")


def test_as_many_as_may_be_kept_locked():
    """One user's are 16 at most; beyond that nothing is begun that may wait for him, and what
    others do is put back as ever."""
    def prepare(h):
        for i in range(HANDS_OF_ONE + 4):
            file = h.guarded / f"his-{i}"
            file.write_text("file\n")
            os.chown(file, UID, UID)
    with running(prepare=prepare) as h, contextlib.ExitStack() as stack:
        his = [h.guarded / f"his-{i}" for i in range(HANDS_OF_ONE + 4)]
        for path in his:
            stack.enter_context(stalled(path, "write", uid=UID))
        for path in his:
            h.wait(lambda p=path: h.told("not_restored", p, reason="stalled"), f"{path}", 120)
        details = [h.told("not_restored", p)[0]["what"]["detail"] for p in his]
        assert sum(d == "as many files are kept locked as may be waited for"
                   for d in details) == 4, details
        restore = h.fresh()["restore"]
        assert restore["stuck"] == HANDS_OF_ONE
        assert restore["stalled_files"] == len(his) and len(restore["stalled"]) == 8
        h.wait(lambda: any(alerts(h, p) for p in his), "an alert")
        (h.guarded / "other").write_text("evil\n")
        h.back(h.guarded / "other")
        h.wait(lambda: locks(h)["verdict"] == "broken", "the doctor's word")
        doctor = locks(h)
        assert f"{len(his)} not put back" in doctor["what"]
        assert f"{HANDS_OF_ONE} of 64 calls stuck" in doctor["what"]
        stack.close()
        for path in his:
            h.back(path, seconds=120)
        h.as_it_was(60)
        h.settled()
        assert h.fresh()["restore"]["stuck"] == 0
        h.wait(lambda: locks(h)["verdict"] == "good", "the doctor's word")
