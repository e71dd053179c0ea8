# SPDX-License-Identifier: Apache-2.0
"""Every trap of the kernel's notices, on every filesystem: the ledger tells it, and afterwards what
the sensor believes is what is there.

A scenario is a function of a Scene: it prepares files, calls settle(), acts, and says with expect()
what the ledger must tell.  Then the oracle compares.  Each runs on each filesystem; one that a
filesystem cannot do is skipped there, by name.
"""
import ctypes
import errno
import hashlib
import mmap
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from seeing import (AT_FDCWD, AT_SYMLINK_FOLLOW, FILESYSTEMS, LIBC, RENAME_EXCHANGE,
                    RENAME_NOREPLACE, RENAME_WHITEOUT, Mounts, Seeing, call, helper, renameat2)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENAMETOOLONG, errno.ENOTTY, errno.EINVAL, errno.ENOSYS,
               errno.EXDEV, errno.EPERM, errno.ENODEV)


class Scene:
    """A directory of its own inside the watch, one outside on the same filesystem."""

    def __init__(self, host, name, filesystem, how):
        self.host, self.filesystem, self.how = host, filesystem, how
        self.top = host.tree / name
        self.outside = host.tree.parent / "outside" / name
        self.outside.mkdir(parents=True)
        self.top.mkdir()
        self.expect, self.agree = host.expect, host.agree

    def settle(self):
        self.host.agree(self.top)

    def write(self, name, text="content", where=None):
        path = (where or self.top) / name
        path.write_text(text)
        return path

    def told(self, path, change=None):
        return self.host.of(path, change)

    def quiet(self):
        self.host.quiet()


def cannot(function, *arguments):
    """Call it; skip where this filesystem has no such thing."""
    try:
        return function(*arguments)
    except OSError as error:
        if error.errno in UNSUPPORTED:
            pytest.skip(f"not on this filesystem: {error}")
        raise


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def needs_one_mark(s):
    """What marks on directories do not see, polling finds (test_seeing_mounts.py)."""
    if "directory" in s.how:
        pytest.skip("a mark per directory does not see this; it is polled for")


# ---- content ----

@scenario
def created(s):
    p = s.write("new", "text")
    s.expect(p, "created", new_sha256=digest("text"))


@scenario
def modified(s):
    p = s.write("old")
    s.settle()
    p.write_text("changed")
    s.expect(p, "modified", "sha256", new_sha256=digest("changed"))


@scenario
def same_size_and_time(s):
    """Rewritten with as many bytes, and the time set back."""
    p = s.write("old", "aaaa")
    os.utime(p, ns=(10**18, 10**18))
    s.settle()
    p.write_text("bbbb")
    os.utime(p, ns=(10**18, 10**18))
    s.expect(p, "modified", "sha256", new_sha256=digest("bbbb"))


@scenario
def deleted_and_made_again(s):
    """The same name, content, size, mode and time: another file all the same."""
    p = s.write("old", "aaaa")
    os.utime(p, ns=(10**18, 10**18))
    before = p.stat().st_ino
    s.settle()
    p.unlink()
    p.write_text("aaaa")
    os.utime(p, ns=(10**18, 10**18))
    if p.stat().st_ino == before and s.filesystem == "fuse":
        pytest.skip("no time of birth and the same number: no difference is left")
    s.expect(p, ("replaced", "created"))


@scenario
def truncated(s):
    p = s.write("old", "long content")
    s.settle()
    os.truncate(p, 4)
    s.expect(p, "modified", new_sha256=digest("long"))


@scenario
def merged_by_one_process(s):
    """All in one breath: the kernel makes one event of many."""
    p = s.write("old")
    s.settle()
    for i in range(200):
        p.write_text(str(i))
        p.chmod(0o600 + i % 64)
    s.expect(p, "modified", new_sha256=digest("199"))


@scenario
def many_authors(s):
    """Nobody hides behind who came after: the others are named."""
    p = s.write("old")
    s.settle()
    s.host.sensor.send_signal(19)
    try:
        pids = [subprocess.Popen(["/bin/sh", "-c", f"echo {i} >>{p}"]) for i in range(3)]
        for process in pids:
            process.wait()
    finally:
        s.host.sensor.send_signal(18)
    s.agree(s.top)
    s.quiet()
    named = {x for e in s.told(p) if e["who"].get("pid") for x in
             [e["who"]["pid"], *(pid for pid, *_ in e["who"].get("also", []))]}
    assert {process.pid for process in pids} <= named


@scenario
def mapped_shared(s):
    p = s.write("old", "0" * 10000)
    s.settle()
    with open(p, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        m[5000:5003] = b"MAP"
    s.expect(p, "modified", "sha256")


@scenario
def mapped_after_close(s):
    """The descriptor is closed, the mapping lives on and writes, then goes."""
    p = s.write("old", "0" * 10000)
    s.settle()
    fd = os.open(p, os.O_RDWR)
    LIBC.mmap.restype = ctypes.c_void_p
    at = cannot(map_shared, fd, 10000)
    os.close(fd)
    time.sleep(0.2)
    ctypes.memmove(at + 77, b"MAP", 3)
    assert LIBC.munmap(ctypes.c_void_p(at), 10000) == 0
    s.expect(p, "modified", "sha256")


def map_shared(fd, size):
    at = LIBC.mmap(None, size, 3, 1, fd, 0)
    if at in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    return at


@scenario
def io_uring(s):
    uring(s)


@scenario
def io_uring_by_kernel_thread(s):
    uring(s, "sqpoll")


@scenario
def io_uring_registered(s):
    uring(s, "registered")


@scenario
def io_uring_registered_and_left(s):
    """A worker of the kernel's closes it, when the process has ended."""
    uring(s, "registered-left")


@scenario
def io_uring_direct(s):
    uring(s, "direct")


@scenario
def io_uring_direct_and_left(s):
    uring(s, "direct-left")


def uring(s, *mode):
    p = s.write("old")
    s.settle()
    out = helper("uring_write", p, "by a ring", *mode, capture_output=True, text=True)
    if out.returncode == 77:
        pytest.skip(f"no io_uring here: {out.stderr}")
    assert out.returncode == 0, out.stderr
    entry = s.expect(p, "modified", new_sha256=digest("by a ring"))
    assert entry["who"]["pid"] == int(out.stdout), entry["who"]


@scenario
def left_in_a_socket(s):
    """Two sockets hold each other and the file: a worker of the kernel's finds that nobody has
    them any more."""
    p = s.write("old")
    s.settle()
    program = ("import os, socket\n"
               "a, b = socket.socketpair(socket.AF_UNIX)\n"
               "f = open('old', 'w')\n"
               "f.write('left')\n"
               "f.flush()\n"
               "socket.send_fds(a, [b'x'], [f.fileno(), b.fileno()])\n"
               "socket.send_fds(b, [b'x'], [a.fileno()])\n"
               "print(os.getpid())\n")
    out = subprocess.run([sys.executable, "-c", program], cwd=s.top, check=True,
                         capture_output=True, text=True)
    entry = s.expect(p, "modified", new_sha256=digest("left"))
    assert entry["who"]["pid"] == int(out.stdout), entry["who"]


@scenario
def holes(s):
    p = s.write("sparse", "x" * 100000)
    s.settle()
    fd = os.open(p, os.O_RDWR)
    try:
        cannot(call, "fallocate64", fd, 3, ctypes.c_int64(4096), ctypes.c_int64(8192))
    finally:
        os.close(fd)
    s.expect(p, "modified", "sha256")
    os.truncate(p, 16 << 20)
    s.expect(p, "modified", new_size=16 << 20)


@scenario
def copied_in_the_kernel(s):
    a, b = s.write("from", "y" * 9000), s.write("to", "z" * 9000)
    s.settle()
    with open(a, "rb") as f, open(b, "r+b") as t:
        cannot(os.copy_file_range, f.fileno(), t.fileno(), 9000)
    s.expect(b, "modified", new_sha256=digest("y" * 9000))


@scenario
def cloned(s):
    a, b = s.write("from", "y" * 8192), s.write("to", "z" * 8192)
    s.settle()
    with open(a, "rb") as f, open(b, "r+b") as t:
        cannot(call, "ioctl", t.fileno(), ctypes.c_ulong(0x40049409), f.fileno())
    s.expect(b, "modified", new_sha256=digest("y" * 8192))


@scenario
def growing_log(s):
    p = s.write("log", "")
    s.settle()
    with open(p, "a", buffering=1) as f:
        for i in range(2000):
            f.write(f"line {i}\n")
    s.expect(p, "modified", new_size=p.stat().st_size)


@scenario
def kept_open(s):
    """Told while it is still open."""
    p = s.write("open", "")
    s.settle()
    with open(p, "w", buffering=1) as f:
        f.write("first")
        f.flush()
        s.expect(p, "modified", new_sha256=digest("first"))
        f.write(" second")
        f.flush()
        s.expect(p, "modified", new_sha256=digest("first second"))


@scenario
def open_and_unlinked(s):
    p = s.write("open")
    s.settle()
    with open(p, "w") as f:
        p.unlink()
        s.expect(p, "deleted")
        f.write("nobody sees this")
    s.quiet()
    assert len(s.told(p)) <= 3 and s.told(p)[-1]["what"]["change"] == "deleted"


# ---- attributes only ----

@scenario
def attributes(s):
    f, d = s.write("file"), s.top / "dir"
    d.mkdir()
    s.settle()
    for p in (f, d):
        cannot(p.chmod, 0o4711)
        s.expect(p, "attributes", "mode", new_mode="4711")
        cannot(os.chown, p, 12, 34)
        s.expect(p, "attributes", "uid", new_uid=12, new_gid=34)
        cannot(os.setxattr, p, "user.colour", b"red")
        s.expect(p, "attributes", "xattrs")
        os.removexattr(p, "user.colour")
    os.utime(f, (5, 5))
    s.expect(f, "modified", "mtime")


@scenario
def access_lists(s):
    p = s.write("file")
    s.settle()
    if subprocess.run(["setfacl", "-m", "u:12:rw", p], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no access lists on this filesystem")
    s.expect(p, "attributes", "acl")
    d = s.top / "dir"
    d.mkdir()
    subprocess.run(["setfacl", "-d", "-m", "u:12:rw", d], check=True)
    s.agree(s.top)


@scenario
def capabilities(s):
    p = s.write("file")
    s.settle()
    # cap_net_raw+ep, revision 2, as setcap(8) writes it
    cannot(os.setxattr, p, "security.capability",
           bytes.fromhex("0100000200200000000000000000000000000000"))
    s.expect(p, "attributes", "caps")


# ---- names ----

@scenario
def rename_over(s):
    """The victim's deletion is in the entry: what it was."""
    a, b = s.write("next", "next"), s.write("target", "victim")
    s.settle()
    a.rename(b)
    entry = s.expect(b, "replaced", old_sha256=digest("victim"), new_sha256=digest("next"))
    assert s.host.source(entry) == os.fsencode(a)
    assert s.told(a, "deleted") == []


@scenario
def rename_over_one_of_two_names(s):
    a, b = s.write("next", "next"), s.write("target", "victim")
    cannot(os.link, b, s.top / "second")
    s.settle()
    a.rename(b)
    s.expect(b, "replaced", old_sha256=digest("victim"))
    s.expect(s.top / "second", "attributes", "links", new_links=1)


@scenario
def editor(s):
    """Written beside and renamed over at once."""
    p = s.write("target", "before")
    s.settle()
    s.write(".tmp", "after").rename(p)
    s.expect(p, "replaced", new_sha256=digest("after"))
    s.quiet()
    assert s.told(s.top / ".tmp", "transient") == []


@scenario
def exchange_files(s):
    a, b = s.write("a", "first"), s.write("b", "second")
    s.settle()
    cannot(renameat2, a, b, RENAME_EXCHANGE)
    s.expect(a, "renamed", new_sha256=digest("second"))
    s.expect(b, "renamed", new_sha256=digest("first"))


@scenario
def exchange_trees(s):
    for name in ("a", "b"):
        (s.top / name / "sub").mkdir(parents=True)
        s.write("inner", name, s.top / name / "sub")
    s.settle()
    cannot(renameat2, s.top / "a", s.top / "b", RENAME_EXCHANGE)
    s.agree(s.top)
    s.write("inner", "changed", s.top / "a/sub")
    s.expect(s.top / "a/sub/inner", "modified", old_sha256=digest("b"))


@scenario
def exchange_directory_and_link(s):
    """A directory becomes a symbolic link in one step; what was below is gone."""
    d = s.top / "dir"
    d.mkdir()
    s.write("inner", "inner", d)
    (s.top / "link").symlink_to(s.outside)
    s.settle()
    cannot(renameat2, d, s.top / "link", RENAME_EXCHANGE)
    s.agree(s.top)
    s.write("elsewhere", "not watched", s.outside)
    s.quiet()
    assert s.told(d / "elsewhere") == []
    assert s.told(s.top / "link") and s.told(d)


@scenario
def whiteout(s):
    a = s.write("a")
    s.settle()
    cannot(renameat2, a, s.top / "b", RENAME_WHITEOUT)
    s.expect(a, ("created", "modified", "replaced"), type="char")
    s.expect(s.top / "b", ("renamed", "created"))


@scenario
def no_replace(s):
    a, b = s.write("a"), s.write("b")
    s.settle()
    try:
        renameat2(a, b, RENAME_NOREPLACE)
    except OSError as error:
        if error.errno != errno.EEXIST:
            pytest.skip("not on this filesystem")
    s.quiet()
    assert s.told(b, "replaced") == [] and s.told(b, "renamed") == []


@scenario
def rename_round(s):
    """Three names change places by way of a fourth."""
    a, b, c, t = (s.top / n for n in "abct")
    for p in (a, b, c):
        p.write_text(p.name)
    s.settle()
    for old, new in ((a, t), (b, a), (c, b), (t, c)):
        old.rename(new)
    s.agree(s.top)
    # Read between two of the renames, the old name is gone already: then it is a new one.
    s.expect(a, ("renamed", "replaced", "modified", "created"), new_sha256=digest("b"))


@scenario
def unnamed_file_gets_a_name(s):
    fd = cannot(os.open, s.top, os.O_TMPFILE | os.O_RDWR, 0o640)
    try:
        os.write(fd, b"was nowhere")
        p = s.top / "linked"
        cannot(call, "linkat", AT_FDCWD, b"/proc/self/fd/%d" % fd, AT_FDCWD, os.fsencode(p),
               AT_SYMLINK_FOLLOW)
        s.expect(p, "created", new_sha256=digest("was nowhere"))
        os.write(fd, b", and is here")
    finally:
        os.close(fd)
    s.expect(p, "modified", new_sha256=digest("was nowhere, and is here"))


@scenario
def hard_links_inside(s):
    a = s.write("a")
    s.settle()
    cannot(os.link, a, s.top / "b")
    s.expect(s.top / "b", "created", new_links=2)
    s.expect(a, "attributes", "links", new_links=2)
    a.write_text("by one name")
    s.expect(s.top / "b", "modified", new_sha256=digest("by one name"))
    s.expect(a, "modified", new_sha256=digest("by one name"))
    (s.top / "b").unlink()
    s.expect(a, "attributes", "links", new_links=1)


@scenario
def written_by_a_name_outside(s):
    needs_one_mark(s)
    a, b = s.write("a"), s.outside / "b"
    s.settle()
    cannot(os.link, a, b)
    s.expect(a, "attributes", "links")
    b.write_text("by the other name")
    s.expect(a, "modified", new_sha256=digest("by the other name"))
    b.chmod(0o600)
    s.expect(a, "attributes", "mode")
    b.unlink()
    s.expect(a, "attributes", "links", new_links=1)


@scenario
def changed_by_another_name(s):
    """What is no file has several names too: a change by one of them is told at each."""
    needs_one_mark(s)
    link, fifo, device = s.top / "link", s.top / "fifo", s.top / "device"
    link.symlink_to("somewhere")
    os.mkfifo(fifo, 0o600)
    cannot(os.mknod, device, 0o20600, os.makedev(1, 3))
    for p in (link, fifo, device):
        s.expect(p, "created")
        cannot(call, "linkat", AT_FDCWD, os.fsencode(p), AT_FDCWD,
               os.fsencode(s.top / f"{p.name}-too"), 0)
        s.expect(p, "attributes", "links", new_links=2)
        s.expect(s.top / f"{p.name}-too", "created", new_links=2)
    s.settle()
    for p in (link, fifo, device):
        os.chown(s.top / f"{p.name}-too", 1, 2, follow_symlinks=False)
        s.expect(p, "attributes", "uid", new_uid=1, new_gid=2)
        s.expect(s.top / f"{p.name}-too", "attributes", "uid", new_uid=1, new_gid=2)
    s.agree(s.top)


@scenario
def written_by_a_name_that_is_gone(s):
    """Opened by a name outside, which then goes: what is written still arrives here."""
    needs_one_mark(s)
    a, b = s.write("a", "content", s.outside), s.top / "b"
    with open(a, "r+") as f:
        cannot(os.link, a, b)
        s.expect(b, "created", new_links=2)
        s.settle()
        a.unlink()
        s.expect(b, "attributes", "links", new_links=1)
        f.write("written by nobody's name")
    s.expect(b, "modified", new_sha256=digest("written by nobody's name"))


@scenario
def linked_and_written_at_once(s):
    """No time to mark the file between the link and the write."""
    needs_one_mark(s)
    a, b = s.write("a"), s.outside / "b"
    s.settle()
    cannot(os.link, a, b)
    b.write_text("by the other name")
    b.unlink()
    s.expect(a, "modified", new_sha256=digest("by the other name"))


@scenario
def written_behind_noise(s):
    """The other name lies in a directory so noisy that the kernel was told to ignore it."""
    needs_one_mark(s)
    a, b = s.write("a"), s.outside / "b"
    s.settle()
    for i in range(1500):
        s.write("noise", str(i), s.outside)
    cannot(os.link, a, b)
    s.expect(a, "attributes", "links")
    b.write_text("by the other name")
    s.expect(a, "modified", new_sha256=digest("by the other name"))


@scenario
def comes_from_noise(s):
    """A directory that was ignored moves in: from then on it is seen."""
    d = s.outside / "noisy"
    (d / "sub").mkdir(parents=True)
    for i in range(1500):
        s.write("noise", str(i), d)
        s.write("noise", str(i), d / "sub")
    cannot(d.rename, s.top / "moved")
    s.expect(s.top / "moved/sub/noise", "created")
    s.write("noise", "seen", s.top / "moved")
    s.expect(s.top / "moved/noise", "modified", new_sha256=digest("seen"))
    s.write("noise", "seen", s.top / "moved/sub")
    s.expect(s.top / "moved/sub/noise", "modified", new_sha256=digest("seen"))


# ---- what is gone before it is looked at ----

@scenario
def made_and_gone(s):
    """Each is told with what was seen of it, and by whom."""
    s.settle()
    program = ("import os, socket\n"
               "open('file', 'w').write('x'); os.unlink('file')\n"
               "os.symlink('nowhere', 'link'); os.unlink('link')\n"
               "os.mkfifo('fifo'); os.unlink('fifo')\n"
               "os.mkdir('dir'); os.rmdir('dir')\n"
               "print(os.getpid())\n")
    s.host.sensor.send_signal(19)  # so that all of it is in one batch
    try:
        out = subprocess.run([sys.executable, "-c", program], cwd=s.top, check=True,
                             capture_output=True, text=True)
    finally:
        s.host.sensor.send_signal(18)
    for name in ("file", "link", "fifo", "dir"):
        entry = s.expect(s.top / name, "transient")
        assert "created" in entry["what"]["events"] and "deleted" in entry["what"]["events"]
        assert entry["who"]["pid"] == int(out.stdout)
    assert s.told(s.top / "dir")[0]["what"]["type"] == "dir"
    assert "written" in s.told(s.top / "file")[0]["what"]["events"]


@scenario
def made_and_gone_with_its_directory(s):
    """A payload in a directory that was made for it, and both are gone at once."""
    s.settle()
    s.host.sensor.send_signal(19)
    try:
        subprocess.run("mkdir -p a/b && cp /bin/true a/b/payload && a/b/payload && rm -r a",
                       shell=True, cwd=s.top, check=True)
    finally:
        s.host.sensor.send_signal(18)
    s.expect(s.top / "a", "transient")
    for name in ("a/b", "a/b/payload") if "directory" not in s.how else ():
        s.expect(s.top / name, "transient")
    s.agree(s.top)
    (s.top / "a").mkdir()
    s.expect(s.top / "a", "created")


@scenario
def moved_out_before_it_was_read(s):
    s.settle()
    s.host.sensor.send_signal(19)
    try:
        cannot(s.write("a").rename, s.outside / "a")
    finally:
        s.host.sensor.send_signal(18)
    entry = s.expect(s.top / "a", "transient")
    assert "moved out" in entry["what"]["events"]


# ---- trees ----

@scenario
def deep_tree_at_once(s):
    deep = s.top / "/".join(f"d{i}" for i in range(40))
    deep.mkdir(parents=True)
    s.write("leaf", "leaf", deep)
    s.expect(deep / "leaf", "created", new_sha256=digest("leaf"))
    s.agree(s.top)
    shutil.rmtree(s.top / "d0")
    s.expect(deep / "leaf", "deleted")


@scenario
def deeper_than_a_path(s):
    home = os.open(".", os.O_RDONLY)
    try:
        os.chdir(s.top)
        for i in range(30):
            cannot(os.mkdir, "d" * 240)
            os.chdir("d" * 240)
        pathlib.Path("leaf").write_text("deep")
        s.agree(s.top)
        pathlib.Path("leaf").write_text("deeper")
    finally:
        os.fchdir(home)
        os.close(home)
    s.agree(s.top)
    subprocess.run(["rm", "-r", s.top / ("d" * 240)], check=True)


@scenario
def tree_moves_in_and_out(s):
    (s.outside / "x/y").mkdir(parents=True)
    s.write("z", "z", s.outside / "x/y")
    cannot((s.outside / "x").rename, s.top / "x")
    s.expect(s.top / "x/y/z", "created")
    s.agree(s.top)
    s.write("z", "inside", s.top / "x/y")
    s.expect(s.top / "x/y/z", "modified", new_sha256=digest("inside"))
    (s.top / "x").rename(s.outside / "x")
    for name in ("x", "x/y", "x/y/z"):
        s.expect(s.top / name, "deleted")
    s.write("z", "nobody's business", s.outside / "x/y")
    s.quiet()
    assert len(s.told(s.top / "x/y/z", "deleted")) == 1


@scenario
def tree_renamed_inside(s):
    (s.top / "a/b").mkdir(parents=True)
    s.write("c", "c", s.top / "a/b")
    s.settle()
    (s.top / "a").rename(s.top / "moved")
    s.expect(s.top / "moved", "renamed")
    s.write("c", "after", s.top / "moved/b")
    s.expect(s.top / "moved/b/c", "modified", old_sha256=digest("c"))
    assert s.told(s.top / "a/b/c", "deleted") == []


@scenario
def copied_tree(s):
    shutil.copytree("/etc/default", s.top / "copy")
    s.agree(s.top)


@scenario
def directory_becomes_a_link(s):
    d = s.top / "dir"
    d.mkdir()
    s.write("inner", "inner", d)
    s.write("inner", "outside", s.outside)
    s.settle()
    shutil.rmtree(d)
    d.symlink_to(s.outside)
    s.expect(d / "inner", "deleted")
    s.expect(d, ("replaced", "created"), type="link")
    s.write("inner", "changed outside", s.outside)
    s.quiet()
    assert s.told(d / "inner")[-1]["what"]["change"] == "deleted"


@scenario
def types_change(s):
    p = s.top / "name"
    makers = [lambda: p.mkdir(), lambda: p.write_text("file"), lambda: p.symlink_to("x"),
              lambda: os.mkfifo(p), lambda: p.mkdir()]
    for make in makers:
        make()
        s.agree(s.top)
        if p.is_dir() and not p.is_symlink():
            p.rmdir()
        else:
            p.unlink()


@scenario
def special_files(s):
    os.mkfifo(s.top / "fifo")
    socket.socket(socket.AF_UNIX).bind(os.path.relpath(s.top / "socket"))
    cannot(os.mknod, s.top / "null", 0o20600, os.makedev(1, 3))
    cannot(os.mknod, s.top / "block", 0o60600, os.makedev(7, 200))
    for name, kind in (("fifo", "fifo"), ("socket", "socket"), ("null", "char"),
                       ("block", "block")):
        s.expect(s.top / name, "created", type=kind)
    s.settle()
    (s.top / "null").unlink()
    os.mknod(s.top / "null", 0o20600, os.makedev(1, 5))
    s.expect(s.top / "null", ("modified", "replaced", "created"), new_rdev="1:5")


@scenario
def hostile_names(s):
    names = [b"not utf-8 \xff\xfe", b"new\nline", b"tab\there", b"\x1b[31mred\x1b[0m", b"\x07bell",
             b'quote"back\\slash', "rtl \u202e gnp.exe".encode(), b"x" * 255, b" ", b"-rf",
             b"$(id)"]
    top = os.fsencode(s.top)
    for name in names:
        cannot(lambda: open(top + b"/" + name, "w").close())
        os.mkdir(top + b"/" + name[:250] + b".d")
        open(top + b"/" + name[:250] + b".d/in", "w").close()
    s.agree(s.top)
    for name in names:
        s.expect(top + b"/" + name, "created")
    out = subprocess.run([os.environ["ASSAY_BIN"] + "/assay", "log", "-n", "0", "--state",
                          s.host.state], capture_output=True, check=True).stdout
    assert b"\x1b" not in out and b"\x07" not in out and b"\xff" not in out
    assert "\u202e".encode() not in out


@scenario
def many_names(s):
    for i in range(3000):
        (s.top / f"f{i}").touch()
    s.agree(s.top, 60)
    (s.top / "f77").write_text("found among many")
    s.expect(s.top / "f77", "modified", new_sha256=digest("found among many"))
    shutil.rmtree(s.top)
    s.top.mkdir()
    s.agree(s.top, 60)


# ---- other ways to the same file ----

@scenario
def bind_mount(s):
    d, away = s.top / "dir", s.outside / "away"
    d.mkdir()
    away.mkdir()
    s.write("f", "f", d)
    s.settle()
    subprocess.run(["mount", "--bind", d, away], check=True)
    try:
        s.write("f", "through the mount", away)
        s.expect(d / "f", "modified", new_sha256=digest("through the mount"))
        s.write("g", "new", away)
        s.expect(d / "g", "created")
    finally:
        subprocess.run(["umount", away], check=True)


@scenario
def file_mounted_over(s):
    """Another file is bound over a watched one: the path shows that."""
    p, other = s.write("f", "mine"), s.write("other", "other's", s.outside)
    s.settle()
    subprocess.run(["mount", "--bind", other, p], check=True)
    try:
        s.expect(p, ("replaced", "modified"), new_sha256=digest("other's"))
    finally:
        subprocess.run(["umount", p], check=True)
    s.agree(s.top)


@scenario
def private_mount_namespace(s):
    """A write through a mount that exists for nobody else; and one that only looks like ours."""
    d = s.top / "dir"
    d.mkdir()
    s.write("f", "f", d)
    (s.outside / "decoy").mkdir()
    (s.outside / "hole").mkdir()
    s.settle()
    subprocess.run(["unshare", "-m", "--propagation", "private", "sh", "-ec",
                    f"mount --bind {d} {s.outside}/hole; printf private >{s.outside}/hole/f;"
                    f"mount --bind {s.outside}/decoy {d}; printf decoy >{d}/decoy"], check=True)
    s.expect(d / "f", "modified", new_sha256=digest("private"))
    s.quiet()
    assert s.told(d / "decoy") == []


# ---- run them ----

class Place:
    """One filesystem with one sensor, for all scenarios."""

    def __init__(self, name):
        self.holder = tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-seeing-")
        directory = pathlib.Path(self.holder.name)
        self.mounts = Mounts(directory)
        try:
            make, self.how = FILESYSTEMS[name]
            self.fs = make(self.mounts)
            self.tree = self.fs / "tree"
            self.tree.mkdir()
            self.host = Seeing(directory, self.tree)
            self.host.tree = self.tree
            self.host.sensor_options = ["--poll", "5"]  # 30 where nothing is said
            self.host.start()
        except BaseException:
            self.done()
            raise

    def done(self):
        if hasattr(self, "host"):
            self.host.stop()
        self.mounts.done()
        self.holder.cleanup()


@pytest.fixture(scope="module", params=FILESYSTEMS)
def place(request):
    p = Place(request.param)
    p.name = request.param
    yield p
    p.done()


def test_how_it_is_watched_is_said(place):
    place.host.wait(lambda: str(place.fs) in place.host.filesystems() or
                    str(place.tree) in place.host.filesystems(), "the filesystem in the status", 20)
    said = place.host.filesystems()
    how, why = said.get(str(place.fs)) or said[str(place.tree)]
    assert how.endswith(f"by {place.how}")
    assert (why is None) == (place.how == "filesystem")

    def listed():
        entry = [e for e in place.host.entries("integrity.sensor")
                 if e["what"]["event"] != "kept"][-1:]
        return {p[0]: p[1] for e in entry for p in
                e["what"].get("marks", []) + e["what"].get("fallbacks", [])}
    place.host.wait(lambda: place.how in (listed().get(str(place.fs)),
                                          listed().get(str(place.tree))), "an entry that says it")


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(place, name):
    scene = Scene(place.host, name, place.name, place.how)
    SCENARIOS[name](scene)
    scene.agree(scene.top)
