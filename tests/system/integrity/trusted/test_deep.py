# SPDX-License-Identifier: Apache-2.0
"""The background scan: all content is read again within a period, whatever events said; it finds
what nothing else can, goes on where it was after a restart, and takes no author from a change."""
import contextlib
import mmap
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

from sensor_host import BIN, Host, sha256

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


class DeepHost(Host):
    period = 4

    def start_sensor(self):
        watch = [x for path in self.watch for x in ("--watch", path)]
        self.sensor = subprocess.Popen(
            [BIN / "assay-sensor", "--state", self.state, "--run", self.run, "--deep",
             str(self.period), *watch], stdout=self.log, stderr=self.log)
        self.wait(lambda: "paths" in self.status(), "the sensor's first scan")

    def deep(self):
        said = self.status().get("deep")
        return said[0] if said else {"files": 0, "passes": 0, "percent": 0}


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-deep-") as name:
        h = DeepHost(pathlib.Path(name))
        yield h
        h.stop()


@contextlib.contextmanager
def tmpfs(where):
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "assay-test", where], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", where], check=True)


def test_each_pass_is_an_entry(host):
    for i in range(30):
        (host.tree / f"f{i}").write_text("x" * i)
    host.start()
    host.wait(lambda: len(host.entries("integrity.reread")) >= 2, "two passes")
    first, second = host.entries("integrity.reread")[:2]
    for entry in (first, second):
        what = entry["what"]
        assert (what["files"], what["bytes"]) == (31, sum(range(30)))
        assert (what["found"], what["unread"], what["period_s"]) == (0, 0, 4)
    assert second["what"]["from"] >= first["what"]["until"]
    assert host.changes() == []


def test_finds_a_mapped_write_that_left_no_trace(host):
    with tmpfs(host.tree / "t") as where:
        path = where / "mapped"
        path.write_bytes(b"a" * 4096)
        host.start()
        with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
            m[0:3] = b"xyz"  # the first write to a page is seen by its time
            host.wait(lambda: host.of(path) and host.of(path)[-1]["what"]["new_sha256"] ==
                      sha256(path), "the first write")
            before = os.stat(path)
            m[0:3] = b"MAP"
            after = os.stat(path)
            assert (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns,
                                                                after.st_ctime_ns)
            host.wait(lambda: host.of(path)[-1]["what"]["new_sha256"] == sha256(path),
                      "the silent write")
            entry = host.of(path)[-1]
            assert entry["what"]["seen"] == "deep" and entry["what"]["differs"] == ["sha256"]
            assert "background scan" in entry["who"]["unknown"]
        host.wait(lambda: any(e["what"]["found"] for e in host.entries("integrity.reread")),
                  "the pass that found it")
        host.end(host.sensor)


def test_finds_what_changed_below_the_filesystem(host):
    """Straight on the block device, while it is not mounted: all times are as they were."""
    where, image = host.tree / "disk", host.tree.parent / "image"
    where.mkdir()
    image.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, where], check=True)
    try:
        (where / "file").write_bytes(b"MARKER-1" * 512)
        host.start()
        host.end(host.sensor)
        subprocess.run(["umount", where], check=True)
        raw = bytearray(image.read_bytes())
        at = raw.find(b"MARKER-1" * 512)
        raw[at:at + 8] = b"MARKER-2"
        image.write_bytes(raw)
        subprocess.run(["mount", "-o", "loop", image, where], check=True)
        host.start_sensor()
        host.wait(lambda: host.of(where / "file", "modified"), "the change on the disk")
        (entry,) = host.of(where / "file", "modified")
        assert entry["what"]["seen"] == "deep" and entry["what"]["differs"] == ["sha256"]
    finally:
        if host.sensor:
            host.end(host.sensor)
        subprocess.run(["umount", where], check=True)


def test_finds_what_was_written_to_the_device_under_a_mount(host):
    """Whoever may write the block device goes round the filesystem: no event, and all times are as
    they were.  What is in memory stays as it was, for everybody; it is seen when that is read
    anew."""
    where, image = host.tree / "disk", host.tree.parent / "image"
    where.mkdir()
    image.write_bytes(bytes(16 << 20))
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    device = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True,
                            check=True).stdout.strip()
    try:
        subprocess.run(["mount", device, where], check=True)
        path = where / "file"
        path.write_bytes(b"MARKER-1" * 512)
        os.sync()
        host.start()
        with open(device, "r+b", buffering=0) as raw:
            raw.seek(image.read_bytes().find(b"MARKER-1" * 512))
            raw.write(b"MARKER-2")
            os.fsync(raw.fileno())
        with open(path, "rb") as f:
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            assert f.read(8) == b"MARKER-2"
        host.wait(lambda: host.of(path, "modified"), "the change on the disk")
        (entry,) = host.of(path, "modified")
        assert entry["what"]["seen"] == "deep" and entry["what"]["differs"] == ["sha256"]
        assert entry["why"]["state"] == "unexplained"
        host.wait(lambda: host.entries("alert.raised"), "its alert")
    finally:
        if host.sensor:
            host.end(host.sensor)
        subprocess.run(["umount", where], check=False)
        subprocess.run(["losetup", "-d", device], check=True)


def test_goes_on_after_a_restart(host):
    host.period = 60
    for i in range(400):
        (host.tree / f"f{i:03}").write_text("x")
    host.start()
    host.wait(lambda: host.deep()["percent"] >= 8, "a part of a pass")
    host.end(host.sensor)
    (host.tree / "f399").unlink()
    host.start_sensor()
    host.wait(lambda: host.deep()["files"] > 0, "the pass that goes on")
    assert host.deep()["files"] >= 400 * 0.08 and host.deep()["passes"] == 0
    damaged = host.state / "sensor" / "deep"
    host.end(host.sensor)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    host.start_sensor()
    host.wait(lambda: 0 < host.deep()["files"] < 20, "a pass from the beginning")


def test_large_file_in_pieces_does_not_keep_a_filesystem(host):
    """Between two pieces it is closed: it can be unmounted in the middle of a file."""
    host.period = 600
    with tmpfs(host.tree / "t") as where:
        (where / "large").write_bytes(os.urandom(1 << 20) * 40)
        host.start()
        host.wait(lambda: host.deep()["percent"] > 5, "the first pieces")
        assert host.deep()["percent"] < 90
    host.wait(lambda: host.of(where / "large", "deleted"), "the unmounted file")
    assert host.sensor.poll() is None


def test_takes_no_author_from_a_change(host):
    """Read again all the time, while files change: each change is seen by its event."""
    host.period = 1
    for i in range(50):
        (host.tree / f"f{i}").write_text("x")
    host.start()
    end = time.monotonic() + 6
    n = 0
    while time.monotonic() < end:
        (host.tree / f"f{n % 50}").write_text(f"content {n}")
        n += 1
        time.sleep(0.003)
    host.quiet()
    assert n > 100 and host.entries("integrity.reread")
    assert [e for e in host.changes() if e["what"]["seen"] != "live"] == []
    assert all(e["who"].get("pid") == os.getpid() for e in host.changes())
