# SPDX-License-Identifier: Apache-2.0
"""Filesystems that come, go, lie over each other, or change behind the kernel's back: what is told,
and what is said of how each is watched."""
import ctypes
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from seeing import (LIBC, Mounts, Seeing, call, helper, make_btrfs, make_ext4, make_fuse,
                    make_overlay, make_tmpfs)
from sensor_host import BIN

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")
POLL = 5  # seconds; 30 where nothing is said
SOAK = bool(os.environ.get("ASSAY_SOAK"))


class Scene:
    """A directory with mounts in it; the sensor starts when the test says so."""

    def __init__(self, name):
        self.directory = pathlib.Path(name)
        self.mounts = Mounts(self.directory)
        self.host = None

    def start(self, *watch):
        self.host = Seeing(self.directory, *watch)
        self.host.sensor_options = ["--poll", str(POLL)]
        self.host.start()
        return self.host

    def done(self):
        if self.host:
            self.host.stop()
        self.mounts.done()


@pytest.fixture
def scene():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-seeing-") as name:
        s = Scene(name)
        yield s
        s.done()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def gaps(host):
    return host.entries("integrity.gap")


def how(host, path, seconds=20):
    host.wait(lambda: str(path) in host.filesystems(), f"{path} in the status", seconds)
    return host.filesystems()[str(path)]


# ---- coming and going ----

def test_unmount_and_mount_again(scene):
    """The sensor keeps no filesystem busy; mounted again it is marked again, its id the same."""
    image = scene.mounts.image("disk", "mkfs.ext4", "-q")
    host = scene.start()
    point = host.tree / "disk"
    point.mkdir()
    for turn in range(3):
        scene.mounts.mount(point, "-o", "loop", image)
        how(host, point)
        host.agree()
        (point / "file").write_text(f"turn {turn}")
        host.expect(point / "file", ("created", "modified", "replaced"),
                    new_sha256=digest(f"turn {turn}"))
        scene.mounts.umount(point)
        host.wait(lambda: str(point) not in host.filesystems(), "the filesystem to be forgotten")
        host.agree()
    assert len(host.of(point / "file", "deleted")) == 3


@pytest.mark.parametrize("make", [make_ext4, make_tmpfs])
def test_mounted_again_in_a_moment(scene, make):
    """Before anybody could read the list of mounts, which then looks as it did."""
    fs = make(scene.mounts)
    (fs / "file").write_text("before")
    host = scene.start(fs)
    host.agree(fs)
    line, = [x.split() for x in open("/proc/self/mountinfo") if str(fs) in x]
    kind, source = line[-3:-1]
    with open(source if kind == "ext4" else os.devnull, "rb"):  # a loop device stays
        remounted(fs, kind, source, b"size=300m" if kind == "tmpfs" else None)
    host.wait(lambda: host.entries("integrity.mount"), "the mount")
    host.agree(fs)
    (fs / "file").write_text("after")
    host.expect(fs / "file", ("modified", "created"), new_sha256=digest("after"), seen="live")


def remounted(point, kind, source, options):
    """Faster than umount(8) and mount(8) would."""
    call("umount2", os.fsencode(point), 0)
    call("mount", source.encode(), os.fsencode(point), kind.encode(), 0x200000, options)


def test_the_first_place_of_a_filesystem_goes(scene):
    """It is mounted elsewhere too, where everything is seen on."""
    disk = make_ext4(scene.mounts)
    host = scene.start()
    for name in ("a", "b"):
        scene.mounts.mount(host.tree / name, "--bind", disk)
    both = [host.tree / "a", host.tree / "b"]
    host.wait(lambda: any(str(p) in host.filesystems() for p in both), "the filesystem")
    host.agree()
    if str(both[0]) not in host.filesystems():
        both.reverse()
    scene.mounts.umount(both[0])
    host.agree()
    (both[1] / "new/newer").mkdir(parents=True)
    (both[1] / "new/newer/file").write_text("deep")
    host.expect(both[1] / "new/newer/file", "created", new_sha256=digest("deep"))
    (both[1] / "new/newer").rename(both[1] / "moved")
    (both[1] / "moved/file").write_text("moved")
    host.expect(both[1] / "moved/file", "modified", new_sha256=digest("moved"), seen="live")
    host.agree()


@pytest.mark.parametrize("other", [False, True], ids=["same", "other"])
def test_a_file_mounted_over_a_file(scene, other):
    """It lies elsewhere, where nothing is watched, and is changed there by another name."""
    outside = scene.directory / "outside"
    outside.mkdir()
    if other:
        scene.mounts.mount(outside, "-t", "tmpfs", "none")
    host = scene.start()
    point, source = host.tree / "file", outside / "source"
    point.write_text("trusted")
    source.write_text("mounted")
    host.agree()
    subprocess.run(["mount", "--bind", source, point], check=True)
    try:
        host.expect(point, "replaced", new_sha256=digest("mounted"))
        for turn in range(2):
            for path in (source, point):
                path.write_text(f"{path.name} {turn}")
                entry = host.expect(point, "modified", new_sha256=digest(f"{path.name} {turn}"),
                                    seen="live")
                assert entry["who"]["pid"] == os.getpid()
            scene.mounts.mount(host.tree, "-t", "tmpfs", "none")  # a scan for something else
            host.wait(lambda n=turn: len(host.of(point, "deleted")) > n, "the scan")
            scene.mounts.umount(host.tree)
            host.wait(lambda n=turn: len(host.of(point, "created")) > n + 1, "another scan")
        host.end(host.sensor)
        source.write_text("while it was down")
        host.start_sensor()
        host.expect(point, "modified", new_sha256=digest("while it was down"))
        source.write_text("and up again")
        host.expect(point, "modified", new_sha256=digest("and up again"), seen="live")
    finally:
        subprocess.run(["umount", point], check=True)
    host.expect(point, "replaced", new_sha256=digest("trusted"))
    host.agree()


def test_mounted_over_and_back(scene):
    host = scene.start()
    below = host.tree / "dir"
    below.mkdir()
    (below / "hidden").write_text("hidden")
    host.agree()
    scene.mounts.mount(below, "-t", "tmpfs", "none")
    host.expect(below / "hidden", "deleted")
    (below / "above").write_text("above")
    host.expect(below / "above", "created")
    host.agree()
    scene.mounts.umount(below)
    host.expect(below / "above", "deleted")
    host.agree()


def test_read_only_and_back(scene):
    fs = make_ext4(scene.mounts)
    (fs / "file").write_text("before")
    host = scene.start(fs)
    told = len(host.changes())
    subprocess.run(["mount", "-o", "remount,ro", fs], check=True)
    time.sleep(0.5)
    with pytest.raises(OSError):
        (fs / "file").write_text("no")
    assert len(host.changes()) == told
    subprocess.run(["mount", "-o", "remount,rw", fs], check=True)
    (fs / "file").write_text("after")
    host.expect(fs / "file", "modified", new_sha256=digest("after"))
    host.agree(fs)
    assert gaps(host) == []


def test_mounts_elsewhere_are_nobodys_business(scene):
    host = scene.start()
    host.agree()
    before = (host.log.name, os.path.getsize(host.log.name))
    scene.mounts.mount(scene.directory / "elsewhere", "-t", "tmpfs", "none")
    scene.mounts.umount(scene.directory / "elsewhere")
    host.quiet()
    time.sleep(0.5)
    with open(before[0]) as f:
        f.seek(before[1])
        assert "sensor.rescan" not in f.read()


IN_A_ROOT_OF_ITS_OWN = """
import os, pathlib, sys, time
root, tests, place = sys.argv[1:]
os.chroot(root)
os.chdir(tests)
sys.path.insert(0, tests)
from seeing import Seeing
host = Seeing(pathlib.Path(place))
host.start()
try:
    busy, outside = 0, host.status()["outside"]
    for _ in range(20):
        time.sleep(0.1)
        busy += host.status()["waiting"] > 0
    host.quiet()
    host.wait(lambda: host.status()["outside"] > outside + 100, "what is none of ours")
    print(busy, open(host.log.name).read().count("sensor.rescan"))
finally:
    host.stop()
"""


def test_a_disk_that_is_written_to_outside_of_the_root(scene):
    """A sensor in a root of its own sees all events of the disk, and the kernel tells places
    outside by paths that look like its own: it rests all the same."""
    root = scene.directory / "root"
    place = scene.directory / "place"  # the same path in both
    for path in (place, root / str(place)[1:], root / "tmp"):
        path.mkdir(parents=True)
    binds = [p for p in map(pathlib.Path, ("/" + n for n in os.listdir("/")))
             if p.is_dir() and not p.is_symlink() and p.name not in ("var", "tmp", "lost+found")]
    binds += [p for p in (BIN.parent.resolve(), pathlib.Path(__file__).resolve().parents[2])
              if p.parts[1] in ("var", "tmp")]
    for name in os.listdir("/"):
        if os.path.islink("/" + name):
            (root / name).symlink_to(os.readlink("/" + name))
    words = "".join(f"mkdir -p {root}{p}; mount --rbind {p} {root}{p}; " for p in binds)
    ended = threading.Event()

    def write():
        while not ended.wait(0.002):
            (place.parent / "d").mkdir()
            (place.parent / "d").rmdir()
            (place / "f").write_text("outside")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = subprocess.run(
            ["unshare", "-m", "--propagation", "private", "sh", "-ec", words + 'exec "$@"', "sh",
             "/usr/bin/python3", "-c", IN_A_ROOT_OF_ITS_OWN, root,
             pathlib.Path(__file__).resolve().parents[2], place],
            capture_output=True, text=True, timeout=60,
            env={**os.environ, "ASSAY_BIN": str(BIN.resolve())})
    finally:
        ended.set()
        writer.join()
    assert done.returncode == 0, done.stderr
    busy, scans = map(int, done.stdout.split())
    assert scans == 0 and busy < 10


def test_two_filesystems_with_one_id(scene):
    """A copy of a disk beside the original: their events could not be told apart."""
    image = scene.mounts.image("disk", "mkfs.ext4", "-q", megabytes=40)
    copy = scene.directory / "copy.image"
    shutil.copyfile(image, copy)
    a = scene.mounts.mount(scene.directory / "a", "-o", "loop", image)
    b = scene.mounts.mount(scene.directory / "b", "-o", "loop", copy)
    host = scene.start(a, b)
    scopes = sorted(how(host, p)[0] for p in (a, b))
    assert scopes == ["ext4, by filesystem", "ext4, by polling"]
    (a / "file").write_text("in the one")
    (b / "file").write_text("in the other")
    host.expect(a / "file", "created", new_sha256=digest("in the one"))
    host.wait(lambda: host.of(b / "file", "created"), "a file in the copy", 60)
    host.agree(a)
    host.agree(b, 60)


# ---- overlays ----

def test_overlay_changed_in_its_upper_layer(scene):
    """Behind the merged view: told where it shows."""
    fs = make_overlay(scene.mounts)
    (fs / "dir").mkdir()
    (fs / "dir/file").write_text("before")
    host = scene.start(fs)
    host.wait(lambda: str(scene.directory / "upper") in host.filesystems() or
              "/" in host.filesystems(), "the upper layer's filesystem")
    (scene.directory / "upper/dir/file").write_text("from below")
    host.expect(fs / "dir/file", "modified", new_sha256=digest("from below"))
    (fs / "dir/file").write_text("from above")
    host.expect(fs / "dir/file", "modified", new_sha256=digest("from above"))
    host.agree(fs)


def test_overlay_of_layers_with_odd_names(scene):
    """A colon, a comma and a backslash in them are none of the mount's options."""
    lower, upper = scene.directory / "lo:w\\er", scene.directory / "up,p er"
    for path in (lower, upper, scene.directory / "work"):
        path.mkdir()
    (lower / "file").write_text("before")

    def escaped(path):
        return "".join("\\" + c if c in ":,\\" else c for c in str(path))
    fs = scene.mounts.mount(
        scene.directory / "fs", "-t", "overlay", "-o", f"lowerdir={escaped(lower)},"
        f"upperdir={escaped(upper)},workdir={scene.directory}/work", "none")
    host = scene.start(fs)
    for path, change in ((lower / "file", "modified"), (upper / "new", "created")):
        path.write_text("from below")
        entry = host.expect(fs / path.name, change, new_sha256=digest("from below"))
        assert entry["who"].get("pid") == os.getpid(), entry


def test_overlay_copies_up_and_hides(scene):
    fs = make_overlay(scene.mounts)
    host = scene.start(fs)
    with open(fs / "from-below", "a") as f:
        f.write(", changed")
    host.expect(fs / "from-below", ("modified", "replaced"),
                new_sha256=digest("from below, changed"))
    (fs / "from-below").unlink()
    host.expect(fs / "from-below", "deleted")
    host.agree(fs)
    assert not [e for e in host.changes() if "#" in e["what"]["path"]], "copying up is noise"


def test_overlay_watched_at_its_upper_layer(scene):
    """What is done through the merged view is seen where it lands."""
    fs = make_overlay(scene.mounts)
    upper = scene.directory / "upper"
    host = scene.start(upper)
    (fs / "new").write_text("through the merged view")
    entry = host.expect(upper / "new", "created", new_sha256=digest("through the merged view"))
    assert entry["who"]["pid"] == os.getpid()
    (fs / "from-below").write_text("copied up")
    host.expect(upper / "from-below", ("created", "modified", "renamed"),
                new_sha256=digest("copied up"))
    (fs / "from-below").unlink()
    host.expect(upper / "from-below", ("replaced", "modified", "created"), type="char")
    host.agree(upper)


def test_overlay_mounted_while_watched(scene):
    host = scene.start()
    point = host.tree / "merged"
    point.mkdir()
    for name in ("lower", "upper", "work"):
        (scene.directory / name).mkdir()
    (scene.directory / "lower/file").write_text("below")
    scene.mounts.mount(point, "-t", "overlay", "-o", f"lowerdir={scene.directory}/lower,"
                       f"upperdir={scene.directory}/upper,workdir={scene.directory}/work", "none")
    host.expect(point / "file", "created")
    assert how(host, point)[0] == "overlay, by directory and polling"
    (point / "file").write_text("changed")
    host.expect(point / "file", ("modified", "replaced"), new_sha256=digest("changed"))
    host.agree()
    degraded = [e for e in host.entries("integrity.sensor") if e["what"]["event"] == "degraded"]
    assert degraded and "overlay" in degraded[-1]["what"]["reason"]


# ---- btrfs ----

def test_btrfs_subvolumes_below_a_marked_top(scene):
    """Made, snapshotted and deleted while they are watched: the mark at the top sees them all."""
    fs = make_btrfs(scene.mounts)
    scene.mounts.run("btrfs", "-q", "subvolume", "create", fs / "before")
    (fs / "before/file").write_text("before")
    host = scene.start(fs)
    assert how(host, fs) == ("btrfs, by filesystem", None)
    assert how(host, fs / "before")[0] == "btrfs, by filesystem"
    (fs / "before/file").write_text("changed")
    host.expect(fs / "before/file", "modified", new_sha256=digest("changed"))
    subprocess.run(["btrfs", "-q", "subvolume", "create", fs / "made"], check=True)
    (fs / "made/file").write_text("made")
    host.expect(fs / "made/file", "created", new_sha256=digest("made"))
    (fs / "made/file").write_text("and changed")
    host.expect(fs / "made/file", "modified", new_sha256=digest("and changed"))
    subprocess.run(["btrfs", "-q", "subvolume", "snapshot", fs / "before", fs / "copy"], check=True)
    host.expect(fs / "copy/file", "created", new_sha256=digest("changed"))
    (fs / "copy/file").write_text("in the copy")
    host.expect(fs / "copy/file", "modified", new_sha256=digest("in the copy"))
    host.agree(fs)
    subprocess.run(["btrfs", "-q", "subvolume", "delete", fs / "copy"], check=True)
    host.expect(fs / "copy/file", "deleted")
    host.agree(fs)


# ---- what makes no event ----

def test_fuse_changed_underneath_is_polled(scene):
    fs = make_fuse(scene.mounts)
    (fs / "file").write_text("before")
    host = scene.start(fs)
    assert how(host, fs)[0] == "fuse, by directory and polling"
    (scene.directory / "below/file").write_text("from elsewhere")
    (scene.directory / "below/new").write_text("new")
    host.wait(lambda: host.of(fs / "new", "created"), "what came from elsewhere", 60)
    host.expect(fs / "file", "modified", new_sha256=digest("from elsewhere"))
    host.agree(fs, 60)


def said(host, event, words):
    return [e for e in host.entries("integrity.sensor") if e["what"]["event"] == event and
            words in e["what"].get("reason", "")]


def test_a_server_that_does_not_answer(scene):
    """Whoever touches such a filesystem waits; the sensor sees everything else, and begins anew."""
    host = scene.start()
    (scene.directory / "below").mkdir()
    (scene.directory / "below/file").write_text("before")
    fs = scene.mounts.serve("bindfs", scene.directory / "below", point=host.tree / "fs")
    server, = scene.mounts.served
    host.expect(fs / "file", "created")
    host.agree()
    host.rest()  # it is stopped while the sensor has nothing to ask it: sensor_remote.c
    server.send_signal(signal.SIGSTOP)
    try:
        host.wait(lambda: said(host, "degraded", "not answer"), "that it does not answer", 60)
        assert "not answer" in how(host, fs)[1]
        (scene.directory / "below/file").write_text("after")
        for turn in range(3):  # longer than until the next scan
            (host.tree / f"beside {turn}").write_text("x")
            host.expect(host.tree / f"beside {turn}", "created", seen="live")
            time.sleep(POLL / 2)
        host.end(host.sensor)
        (host.tree / "while down").write_text("x")
        host.start_sensor()
        host.expect(host.tree / "while down", "created", seen="start")
        host.wait(lambda: len(said(host, "degraded", "not answer")) == 2, "that it still does not")
        host.quiet()
        assert host.of(fs / "file")[-1]["what"]["change"] == "created"
    finally:
        server.send_signal(signal.SIGCONT)
    host.expect(fs / "file", "modified", new_sha256=digest("after"))
    assert said(host, "watching", "again")
    host.agree(seconds=60)
    assert host.of(fs / "file", "deleted") == []
    subprocess.run(["umount", "-l", fs], check=True)
    scene.mounts.mounted.remove(fs)
    host.expect(fs / "file", "deleted")
    host.agree()


def test_mapping_that_is_never_closed(scene):
    """No event comes as long as it lives; the next scan finds what it wrote."""
    host = scene.start()
    path = host.tree / "mapped"
    path.write_text("0" * 8192)
    host.agree()
    fd = os.open(path, os.O_RDWR)
    LIBC.mmap.restype = ctypes.c_void_p
    at = LIBC.mmap(None, 8192, 3, 1, fd, 0)
    os.close(fd)
    ctypes.memmove(at + 4096, b"MAPPED", 6)
    host.quiet()
    assert not host.of(path, "modified"), "the kernel has learnt to tell: simplify"
    host.end(host.sensor, signal.SIGKILL)
    host.start_sensor()
    host.expect(path, "modified", seen="start", new_sha256=hashlib.sha256(
        b"0" * 4096 + b"MAPPED" + b"0" * 4090).hexdigest())
    LIBC.munmap(ctypes.c_void_p(at), 8192)
    host.agree()


# ---- large ----

def test_very_many_names(scene):
    """Made, renamed, and moved away as a whole, more than the kernel's queue holds; the ledger is
    read once."""
    names = 100_000 if SOAK else 30_000
    host = scene.start()
    big, moved = host.tree / "big", host.tree / "moved"
    big.mkdir()
    helper("burst", "create", big, str(names), check=True, stdout=subprocess.DEVNULL)
    host.wait(lambda: host.status().get("files", 0) == names + 2, "all of them", 300)
    big.rename(moved)
    (moved / "f5").write_text("one of them")
    host.wait(lambda: host.status().get("changes", 0) >= names + 3, "the rename and the change", 60)
    host.agree(moved, 300)
    moved.rename(scene.directory / "away")
    host.wait(lambda: host.status().get("files") == 1, "all of them gone", 300)
    host.wait(lambda: host.status().get("pending") == 0, "all of it told", 300)
    words = {}

    def published():  # what is durable is published a moment later
        words.clear()
        for e in host.changes():
            words[e["what"]["change"]] = words.get(e["what"]["change"], 0) + 1
        return sum(words.values()) >= 2 * names + 4
    host.wait(published, "all of it published", 300)
    assert words["created"] == words["deleted"] == names + 1, words
    assert words["renamed"] == 1 and words["modified"] >= 1, words
    # On a machine that leaves it no time the kernel's queue runs over; what is told stays the same.
    assert {e["what"]["reason"] for e in gaps(host)} <= {"overflow"}


def test_large_sparse_file(scene):
    host = scene.start()
    path = host.tree / "sparse"
    with open(path, "wb") as f:
        f.truncate(2 << 30)
        f.seek(1 << 30)
        f.write(b"in the middle")
    host.wait(lambda: host.of(path) and host.of(path)[-1]["what"].get("new_size") == 2 << 30,
              "the sparse file", 120)
    (host.tree / "beside").write_text("not kept waiting")
    host.expect(host.tree / "beside", "created")
    what = host.of(path)[-1]["what"]
    assert what["new_hash_status"] == "skipped" and what["new_hash_reason"], what
    with open(path, "r+b") as f:
        f.truncate(12 << 20)  # small enough to be read whatever it holds
    host.agree(seconds=120)
