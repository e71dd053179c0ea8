# SPDX-License-Identifier: Apache-2.0
"""An intruder who is root, and knows every way there is to a file's content but write(2).

Each act runs in a process of its own and has to be an alert with that process as its author; one
sensor watches for all of them."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

from seeing import Mounts
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

GOOD = b"root ALL\n" * 2000  # several blocks

# p is the watched file, d a directory beside the tree that nobody watches.  Exit with 77: this
# kernel or filesystem has no such way.
HEAD = r"""
import array, ctypes, fcntl, mmap, os, socket, struct, subprocess, sys
p, d = sys.argv[1:3]
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
def call(name, *a):
    r = getattr(libc, name)(*a)
    if r < 0:
        e = ctypes.get_errno()
        print(name, os.strerror(e), file=sys.stderr)
        sys.exit(77 if e in (22, 25, 38, 95, 1) else 1)
    return r
def ioctl(fd, number, arg=0):
    try:
        return fcntl.ioctl(fd, number, arg)
    except OSError as e:
        print(e, file=sys.stderr)
        sys.exit(77 if e.errno in (22, 25, 95) else 1)
def evil(name="evil", n=18000):
    path = os.path.join(d, name)
    with open(path, "wb") as f:
        f.write(b"evil ALL\n" * (n // 9))
        os.fsync(f.fileno())
    return path
print(os.getpid(), flush=True)
"""

ACTS = {
    "copy_file_range": """
s, t = os.open(evil(), os.O_RDONLY), os.open(p, os.O_WRONLY)
os.copy_file_range(s, t, 9)
""",
    "sendfile": """
s, t = os.open(evil(), os.O_RDONLY), os.open(p, os.O_WRONLY)
os.sendfile(t, s, 0, 9)
""",
    "splice from a pipe": """
r, w = os.pipe()
os.write(w, b"evil ALL")
t = os.open(p, os.O_WRONLY)
os.splice(r, t, 8, offset_dst=0)
""",
    "vmsplice and tee": """
r, w = os.pipe(); r2, w2 = os.pipe()
b = ctypes.create_string_buffer(b"evil ALL", 8)
v = (ctypes.c_void_p * 2)(ctypes.addressof(b), 8)
call("vmsplice", w, v, 1, 0)
call("tee", r, w2, 8, 0)
os.splice(r2, os.open(p, os.O_WRONLY), 8, offset_dst=0)
""",
    "clone of another file": """
s, t = os.open(evil(), os.O_RDONLY), os.open(p, os.O_WRONLY)
ioctl(t, 0x40049409, s)
""",
    "clone of a range": """
s, t = os.open(evil(), os.O_RDONLY), os.open(p, os.O_WRONLY)
ioctl(t, 0x4020940d, struct.pack("qQQQ", s, 0, 4096, 0))
""",
    "hole punched": """
call("fallocate", os.open(p, os.O_WRONLY), 3, ctypes.c_long(0), ctypes.c_long(4096))
""",
    "range collapsed": """
call("fallocate", os.open(p, os.O_WRONLY), 8, ctypes.c_long(0), ctypes.c_long(4096))
""",
    "range of zeros": """
call("fallocate", os.open(p, os.O_WRONLY), 16, ctypes.c_long(0), ctypes.c_long(4096))
""",
    "truncate by another process' descriptor": """
with subprocess.Popen(["sleep", "60"], stdin=open(p)) as other:
    os.truncate(f"/proc/{other.pid}/fd/0", 5)
    other.kill()
""",
    "opened again by /proc/self/fd": """
os.write(os.open(f"/proc/self/fd/{os.open(p, os.O_RDONLY)}", os.O_WRONLY), b"evil ALL")
""",
    "descriptor of another, pidfd_getfd": """
with subprocess.Popen(["sleep", "60"], stdin=open(p, "r+b")) as other:
    fd = call("syscall", 434, other.pid, 0)
    os.pwrite(call("syscall", 438, fd, 0, 0), b"evil ALL", 0)
    other.kill()
""",
    "opened by its handle": """
h = ctypes.create_string_buffer(136); m = ctypes.c_int()
struct.pack_into("I", h, 0, 128)
call("name_to_handle_at", -100, p.encode(), h, ctypes.byref(m), 0)
top = os.open(d, os.O_RDONLY)
os.write(call("open_by_handle_at", top, h, os.O_WRONLY), b"evil ALL")
""",
    "asynchronous, io_submit": """
fd = os.open(p, os.O_WRONLY)
b = ctypes.create_string_buffer(b"evil ALL", 8)
ctx = ctypes.c_ulong()
call("syscall", 206, 1, ctypes.byref(ctx))
cb = ctypes.create_string_buffer(struct.pack("QIiHhIQQqQII", 0, 0, 0, 1, 0, fd,
    ctypes.addressof(b), 8, 0, 0, 0, 0), 64)
ptr = (ctypes.c_void_p * 1)(ctypes.addressof(cb))
call("syscall", 209, ctx, 1, ptr)
ev = ctypes.create_string_buffer(32)
call("syscall", 208, ctx, ctypes.c_long(1), ctypes.c_long(1), ev, None)
""",
    "past the cache, O_DIRECT": """
fd = os.open(p, os.O_WRONLY | os.O_DIRECT)
b = mmap.mmap(-1, 4096)
b.write(b"evil ALL\\n" * 455)
os.pwritev(fd, [b], 0)
""",
    "mapped, from another process' memory": """
fd = os.open(p, os.O_RDWR)
m = mmap.mmap(fd, 4096)
child = os.fork()
if child == 0:
    m[0:4] = b"evil"
    os._exit(0)
os.waitpid(child, 0)
m.close()
""",
    "as root of its own user namespace": """
os.chmod(p, 0o666)
call("unshare", 0x10000000)
os.write(os.open(p, os.O_WRONLY), b"evil ALL")
""",
    "in a root of its own, over a bind mount": """
call("unshare", 0x20000)
call("mount", b"none", b"/", None, 0x44000, None)
os.mkdir(d + "/root")
call("mount", os.path.dirname(p).encode(), (d + "/root").encode(), None, 4096, None)
os.chroot(d + "/root")
os.write(os.open("/" + os.path.basename(p), os.O_WRONLY), b"evil ALL")
""",
    "in another's mount namespace, by setns": """
r, w = os.pipe()
child = os.fork()
if child == 0:
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    os.mkdir(d + "/other")
    call("mount", os.path.dirname(p).encode(), (d + "/other").encode(), None, 4096, None)
    os.write(w, b"x")
    os.execvp("sleep", ["sleep", "60"])
os.read(r, 1)
call("setns", os.open(f"/proc/{child}/ns/mnt", os.O_RDONLY), 0)
os.write(os.open(d + "/other/" + os.path.basename(p), os.O_WRONLY), b"evil ALL")
os.kill(child, 9)
os.waitpid(child, 0)
""",
    "range inserted": """
call("fallocate", os.open(p, os.O_WRONLY), 32, ctypes.c_long(0), ctypes.c_long(4096))
""",
    "the root of a process in a root of its own": """
child = os.fork()
if child == 0:
    call("unshare", 0x20000)
    call("mount", b"none", b"/", None, 0x44000, None)
    os.mkdir(d + "/inner")
    call("mount", os.path.dirname(p).encode(), (d + "/inner").encode(), None, 4096, None)
    os.chroot(d + "/inner")
    os.read(os.pipe()[0], 1)
while not os.path.exists(f"/proc/{child}/root/" + os.path.basename(p)):
    pass
os.write(os.open(f"/proc/{child}/root/" + os.path.basename(p), os.O_WRONLY), b"evil ALL")
os.kill(child, 9)
os.waitpid(child, 0)
""",
    "memory of another that has it mapped, process_vm_writev": """
m = mmap.mmap(os.open(p, os.O_RDWR), 4096)
at = ctypes.addressof(ctypes.c_char.from_buffer(m))
child = os.fork()
if child == 0:
    os.read(os.pipe()[0], 1)
b = ctypes.create_string_buffer(b"evil ALL", 8)
here, there = (ctypes.c_void_p * 2)(ctypes.addressof(b), 8), (ctypes.c_void_p * 2)(at, 8)
call("process_vm_writev", child, here, 1, there, 1, 0)
os.kill(child, 9)
os.waitpid(child, 0)
""",
    "program in memory": """
if len(sys.argv) == 3:
    fd = os.memfd_create("kworker")
    os.write(fd, open(os.path.realpath(sys.executable), "rb").read())
    code = "import os, sys; os.write(os.open(sys.argv[1], os.O_WRONLY), b'evil ALL')"
    os.execve(f"/proc/self/fd/{fd}", ["kworker", "-c", code, p, d, "x"], dict(os.environ,
              PYTHONHOME=sys.prefix))
""",
    "a disk of it, by a loop device": """
dev = subprocess.run(["losetup", "-f", "--show", p], capture_output=True, text=True)
if dev.returncode:
    sys.exit(77)
fd = os.open(dev.stdout.strip(), os.O_WRONLY)
os.write(fd, b"evil ALL" * 64)
os.fsync(fd)
os.close(fd)
subprocess.run(["losetup", "-d", dev.stdout.strip()])
""",
    "its directory swapped": """
top = os.path.dirname(p)
os.mkdir(d + "/swap")
shadow = d + "/swap/" + os.path.basename(p)
open(shadow, "wb").write(b"evil ALL")
call("renameat2", -100, top.encode(), -100, (d + "/swap").encode(), 2)
""",
    "blocks moved in, EXT4_IOC_SWAP_BOOT": """
for path in (evil(), p):
    fd = os.open(path, os.O_RDWR)
    ioctl(fd, 0x6611)
    os.close(fd)
""",
    "blocks moved in, XFS_IOC_EXCHANGE_RANGE": """
a, b = os.open(p, os.O_RDWR), os.open(evil(), os.O_RDWR)
ioctl(a, 0x40285881, struct.pack("iIQQQQ", b, 0, 0, 0, 4096, 0))
""",
    "another generation, FS_IOC_SETVERSION, then written": """
ioctl(os.open(p, os.O_RDWR), 0x40087602, struct.pack("l", 4711))
os.write(os.open(p, os.O_WRONLY), b"evil ALL")
""",
    "its directory of another generation, then written": """
ioctl(os.open(os.path.dirname(p), os.O_RDONLY), 0x40087602, struct.pack("l", 4711))
os.write(os.open(p, os.O_WRONLY), b"evil ALL")
""",
}

CLONES = {"clone of another file", "clone of a range"}
EXT4 = {"blocks moved in, EXT4_IOC_SWAP_BOOT", "its directory of another generation, then written",
        "another generation, FS_IOC_SETVERSION, then written"}
XFS = {"blocks moved in, XFS_IOC_EXCHANGE_RANGE"}  # and that only where it was made with it


@pytest.fixture
def place():
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-intruder-"))
    mounts = Mounts(directory)
    host = Watched(directory)
    yield host, mounts
    host.stop()
    mounts.done()
    shutil.rmtree(directory)


def is_of(who, pid):
    """By this process, or by one that it began."""
    return pid in [who["pid"]] + [parent[0] for parent in who["parents"]]


@pytest.mark.parametrize("make, options, has_not", [
    ("mkfs.ext4", ["-O", "^metadata_csum"], CLONES | XFS),
    ("mkfs.xfs", [], EXT4 | XFS),
])
def test_every_way_to_content_is_seen(place, make, options, has_not):
    host, mounts = place
    top = mounts.loop("fs", make, "-q", *options)
    host.tree = top / "tree"
    files = {name: host.tree / str(i) / "f" for i, name in enumerate(ACTS)}
    for path in files.values():
        path.parent.mkdir(parents=True)
        path.write_bytes(GOOD)
        (top / path.parent.name).mkdir()
    host.configure(profile("w", "alert", [host.tree]))
    host.start()
    by = {}
    for name, path in files.items():
        done = subprocess.run([sys.executable, "-c", HEAD + ACTS[name], path,
                               top / path.parent.name], capture_output=True, text=True)
        assert done.returncode == (77 if name in has_not else 0), (name, done.stderr)
        if name not in has_not:
            by[name] = int(done.stdout.split()[0])

    def of_content(name):
        return [e for e in host.of(files[name], "modified") + host.of(files[name], "replaced")
                if "sha256" in e["what"]["differs"]]

    for name, pid in by.items():
        host.wait(lambda name=name: of_content(name), name)
        (entry,) = of_content(name)[:1]
        assert is_of(entry["who"], pid), (name, pid, entry["who"])
        assert entry["why"]["state"] == "unexplained", (name, entry["why"])
    raised = {e["what"]["id"] for e in host.entries("alert.raised")}
    assert {of_content(name)[0]["why"]["alert"] for name in by} <= raised
    assert "memfd" in of_content("program in memory")[0]["who"]["exe"]
    assert [e for e in host.entries("integrity.gap")] == []
