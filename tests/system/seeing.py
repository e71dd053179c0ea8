# SPDX-License-Identifier: Apache-2.0
"""What the tests of seeing share: filesystems made for them, and the oracle.

The oracle: what the sensor believes - its snapshot and journal, read by a helper - equals what
plain Python finds on the disk, for every path, attribute and hash.
"""
import base64
import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import time

import pytest

from sensor_host import BIN, Host, path_of

HELPERS = BIN.parent / "tests" / "system" / "helpers"
LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = -100, 0x400, 0x1000
RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT = 1, 2, 4


def call(name, *arguments):
    """A call of the C library; OSError when it fails."""
    result = getattr(LIBC, name)(*arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)
    return result


def renameat2(old, new, flags):
    call("renameat2", AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags)


def helper(name, *arguments, **options):
    return subprocess.run([HELPERS / name, *arguments], **options)


# ---- the oracle ----

SIZED = ("file", "link")
TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
         stat.S_IFSOCK: "socket", stat.S_IFCHR: "char", stat.S_IFBLK: "block"}
ZERO = "0" * 64


def attributes(name, dir_fd):
    """[(name, SHA-256 of the value)] of a file, a link itself."""
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=dir_fd)
    try:
        path = f"/proc/self/fd/{fd}"
        return sorted((n.encode(), hashlib.sha256(os.getxattr(path, n)).hexdigest())
                      for n in os.listxattr(path))
    except OSError:
        return []
    finally:
        os.close(fd)


def content(name, dir_fd):
    digest = hashlib.sha256()
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=dir_fd)
    try:
        while data := os.read(fd, 1 << 20):
            digest.update(data)
    finally:
        os.close(fd)
    return digest.hexdigest()


def fact(name, dir_fd):
    st = os.lstat(name, dir_fd=dir_fd)
    kind = TYPES[stat.S_IFMT(st.st_mode)]
    device = kind in ("char", "block")
    return {"type": kind, "mode": stat.S_IMODE(st.st_mode), "uid": st.st_uid, "gid": st.st_gid,
            "ino": st.st_ino, "attrs": attributes(name, dir_fd),
            "nlink": None if kind == "dir" else st.st_nlink,
            "mtime_ns": None if kind == "dir" else st.st_mtime_ns,
            "size": st.st_size if kind in SIZED else None,
            "sha256": content(name, dir_fd) if kind == "file" else ZERO,
            "rdev": (os.major(st.st_rdev) << 32 | os.minor(st.st_rdev)) if device else 0,
            "link": os.readlink(name, dir_fd=dir_fd) if kind == "link" else b""}


def disk(top):
    """{path: fact} of everything at and below top, however deep."""
    top = os.fsencode(top)
    found = {top: fact(top, None)}
    for directory, names, files, fd in os.fwalk(top, follow_symlinks=False):
        for name in names + files:
            found[directory + b"/" + name] = fact(name, fd)
    return found


def believed(state_dir):
    """The same, from the sensor's state."""
    out = helper("state_dump", state_dir, capture_output=True)
    if out.returncode:
        raise RuntimeError(out.stderr.decode())
    found = {}
    for line in out.stdout.splitlines():
        f = json.loads(line)
        kind = f["type"]
        found[base64.b64decode(f["path"])] = {
            "type": kind, "mode": f["mode"], "uid": f["uid"], "gid": f["gid"],
            "ino": int(f["ino"]), "attrs": sorted((base64.b64decode(n), d) for n, d in f["attrs"]),
            "nlink": None if kind == "dir" else f["nlink"],
            "mtime_ns": None if kind == "dir" else int(f["mtime_ns"]),
            "size": int(f["size"]) if kind in SIZED else None, "sha256": f["sha256"],
            "rdev": int(f["rdev"]), "link": base64.b64decode(f["link"])}
    return found


def differences(was, now):
    """A few of the paths where two of the above differ, in words."""
    said = []
    for path in sorted(was.keys() | now.keys()):
        a, b = was.get(path), now.get(path)
        if a != b:
            which = [k for k in a if a[k] != b[k]] if a and b else ["there"]
            said.append(f"{path!r}: " + ", ".join(
                f"{k}: believed {a and a.get(k, True)!r}, is {b and b.get(k, True)!r}"
                for k in which))
    return said


class Seeing(Host):
    """A host whose sensor is compared with the disk."""

    def start_sensor(self):
        super().start_sensor()
        self.seen_so_far = 0

    def believes(self, top=None):
        """What it believes of what is at and below top."""
        top = os.fsencode(top or self.tree)
        with tempfile.TemporaryDirectory(dir="/var/tmp") as copy:
            for _ in range(20):
                shutil.rmtree(copy)
                try:
                    shutil.copytree(self.state / "sensor", copy, ignore=lambda d, names: [
                        n for n in names if n != "state" and not n.startswith("journal.")])
                    state = believed(copy)
                    break
                except (OSError, shutil.Error, RuntimeError):
                    os.makedirs(copy, exist_ok=True)  # it was renewed meanwhile
                    time.sleep(0.05)
            else:
                pytest.fail("the sensor's state cannot be read")
        return {p: f for p, f in state.items() if p == top or p.startswith(top + b"/")}

    def agree(self, top=None, seconds=20):
        """Wait until what the sensor believes is what is there."""
        end = time.monotonic() + seconds
        while True:
            said = differences(self.believes(top), disk(top or self.tree))
            if not said:
                return
            assert time.monotonic() < end, "\n".join(said[:20])
            time.sleep(0.1)

    def rest(self, seconds=120):
        """Wait until nothing is left to look at or to tell, without reading the ledger."""
        since = time.time()

        def resting():
            status = self.status()
            written = os.path.getmtime(self.run / "sensor.status")
            return written > since + 1 and status["waiting"] == status["pending"] == 0
        self.wait(resting, "rest", seconds)

    def expect(self, path, change, differs=None, **what):
        """Wait for an entry of path that says all this."""
        def fits(entry):
            w = entry["what"]
            return ((differs is None or differs in w.get("differs", ())) and
                    all(w.get(k) == v for k, v in what.items()))
        words = {change} if isinstance(change, str) else set(change)

        def found():
            return [e for e in self.of(path) if e["what"]["change"] in words and fits(e)]
        try:
            self.wait(found, f"{change} of {path}")
        except AssertionError as error:
            raise AssertionError(f"{error}; entries: {[e['what'] for e in self.of(path)]}")
        return found()[-1]

    def filesystems(self):
        """{path: (how, why)} as the sensor says it watches them."""
        return {f[0]: (f[1], f[2] if len(f) > 2 else None)
                for f in self.status().get("filesystems", [])}

    def source(self, entry):
        return path_of(entry, "from")


# ---- filesystems ----

class Mounts:
    """Mounts of one test, taken away in the end whatever happens."""

    def __init__(self, directory):
        self.directory, self.mounted, self.served = pathlib.Path(directory), [], []

    def run(self, *command):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"{command[0]} cannot here: {done.stderr.strip() or done.returncode}")

    def mount(self, point, *arguments):
        pathlib.Path(point).mkdir(exist_ok=True)
        self.run("mount", *arguments, point)
        self.mounted.append(point)
        return pathlib.Path(point)

    def image(self, name, make, *options, megabytes=330):
        if not shutil.which(make):
            pytest.skip(f"{make} is not installed")
        image = self.directory / f"{name}.image"
        with open(image, "wb") as f:
            f.truncate(megabytes << 20)
        self.run(make, *options, image)
        return image

    def loop(self, name, make, *options, mount="loop"):
        return self.mount(self.directory / name, "-o", mount, self.image(name, make, *options))

    def serve(self, program, *arguments, point):
        """A FUSE filesystem, in the foreground."""
        if not shutil.which(program) or not os.path.exists("/dev/fuse"):
            pytest.skip(f"{program} or /dev/fuse is not here")
        pathlib.Path(point).mkdir(exist_ok=True)
        process = subprocess.Popen([program, "-f", *map(str, arguments), str(point)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.served.append(process)
        for _ in range(200):
            if os.path.ismount(point):
                break
            if process.poll() is not None:
                pytest.skip(f"{program} cannot serve here")
            time.sleep(0.02)
        self.mounted.append(point)
        return pathlib.Path(point)

    def umount(self, point):
        subprocess.run(["umount", point], check=True)
        self.mounted.remove(point)

    def done(self):
        for point in reversed(self.mounted):
            subprocess.run(["umount", "-l", point], check=False)
        for process in self.served:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            if process.poll() is None:
                process.kill()
                process.wait()


def make_ext4(m):
    return m.loop("fs", "mkfs.ext4", "-q")


def make_xfs(m):
    return m.loop("fs", "mkfs.xfs", "-q")


def make_tmpfs(m):
    return m.mount(m.directory / "fs", "-t", "tmpfs", "-o", "size=300m", "none")


def make_btrfs(m):
    return m.loop("fs", "mkfs.btrfs", "-q")


def make_btrfs_subvolume(m):
    """Mounted as distributions do: not the top, which nobody can mark then."""
    top = m.loop("top", "mkfs.btrfs", "-q")
    m.run("btrfs", "-q", "subvolume", "create", top / "@")
    image = m.directory / "top.image"
    m.umount(top)
    return m.mount(m.directory / "fs", "-o", "loop,subvol=@", image)


def make_overlay(m):
    for name in ("lower", "upper", "work"):
        (m.directory / name).mkdir()
    (m.directory / "lower" / "from-below").write_text("from below")
    return m.mount(m.directory / "fs", "-t", "overlay", "-o",
                   f"lowerdir={m.directory}/lower,upperdir={m.directory}/upper,"
                   f"workdir={m.directory}/work", "none")


def make_fuse(m):
    (m.directory / "below").mkdir()
    return m.serve("bindfs", m.directory / "below", point=m.directory / "fs")


FILESYSTEMS = {
    "ext4": (make_ext4, "filesystem"),
    "xfs": (make_xfs, "filesystem"),
    "tmpfs": (make_tmpfs, "filesystem"),
    "btrfs": (make_btrfs, "filesystem"),
    "btrfs-subvolume": (make_btrfs_subvolume, "filesystem"),
    "overlay": (make_overlay, "directory and polling"),
    "fuse": (make_fuse, "directory and polling"),
}
