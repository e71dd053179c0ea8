# SPDX-License-Identifier: Apache-2.0
"""Several processes do what they like to a tree while the sensor is killed and started again.  In
the end it believes what is there, and its entries, played one by one, explain every step."""
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from seeing import HELPERS, Mounts, Seeing, make_btrfs, make_tmpfs, make_xfs
from sensor_host import path_of, replay, scan

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")
SOAK = bool(os.environ.get("ASSAY_SOAK"))
SECONDS = 300 if SOAK else 14
PROCESSES = 4 if SOAK else 3
FILES = 3000
RATE = 100 if SOAK else 400  # operations a second of each


def make_plain(mounts):
    (mounts.directory / "fs").mkdir()
    return mounts.directory / "fs"


class Storm:
    """Processes that change files, until it is over; one that dies is followed by another."""

    def __init__(self, host, outside, rng):
        self.host, self.outside, self.rng, self.running = host, outside, rng, []
        for _ in range(PROCESSES):
            self.add()

    def add(self):
        self.running.append(subprocess.Popen(
            [HELPERS / "fsops", self.host.tree, self.outside, str(self.rng.randrange(1 << 40)),
             "100000", str(RATE)]))

    def keep_up(self):
        for process in [p for p in self.running if p.poll() is not None]:
            self.running.remove(process)
            self.add()

    def end(self):
        for process in self.running:
            process.terminate()
            process.wait()


def explains(before, entries):
    """Each entry's state before is the state that the entries before it left."""
    seen = {}
    for entry in entries:
        what, path = entry["what"], path_of(entry)
        old = what.get("old_sha256")
        if old and path in seen and "from" not in what and "from_b64" not in what:
            assert seen[path] in (old, None), ("not what was told before", entry)
        if path_of(entry, "from"):
            seen = {}  # whole trees have moved: begin again
        seen[path] = what.get("new_sha256")


@pytest.mark.parametrize("make", [make_plain, make_xfs, make_btrfs, make_tmpfs][:4 if SOAK else 2])
@pytest.mark.parametrize("kills", [False, True])
def test_random_operations(make, kills):
    rng = random.Random(f"{make.__name__} {kills}")
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-oracle-") as name:
        directory = pathlib.Path(name)
        mounts = Mounts(directory)
        host = None
        try:
            fs = make(mounts)
            (fs / "tree").mkdir()
            (fs / "outside").mkdir()
            host = Seeing(directory, fs / "tree")
            host.tree = fs / "tree"
            host.start()
            storm(host, fs / "outside", rng, kills)
        finally:
            if host:
                host.stop()
            mounts.done()


def storm(host, outside, rng, kills):
    before = scan(host.tree)
    s = Storm(host, outside, rng)
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(rng.random() * (SECONDS / 7))
            s.keep_up()
            if kills:
                host.end(host.sensor, rng.choice([signal.SIGKILL, signal.SIGTERM]))
                time.sleep(rng.random())
                host.start_sensor()
    finally:
        s.end()
    host.rest()
    host.agree(seconds=60)
    changes = host.changes()
    assert len(changes) > SECONDS * 5
    assert replay(before, changes) == scan(host.tree)
    explains(before, changes)
    if not kills:
        lost = [e for e in host.entries("integrity.gap") if e["what"]["reason"] != "unwatched"]
        assert lost == [], "nothing is lost without a reason"


def rename_each_once(tree, old, new):
    for i in range(FILES):
        os.rename(tree / "many" / f"{old}{i}", tree / "many" / f"{new}{i}")
        time.sleep(0.0003)


def test_renamed_where_the_first_look_is_on_its_way():
    """A directory is listed when the sensor starts, and names change in it at that moment."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-oracle-") as name:
        directory = pathlib.Path(name)
        tree = directory / "watched"
        (tree / "many").mkdir(parents=True)
        for i in range(FILES):
            (tree / "many" / f"a{i}").write_text("x")
        host = Seeing(directory, tree)
        host.tree = tree
        try:
            host.start()
            for old, new in (("a", "b"), ("b", "a"), ("a", "b")):
                host.end(host.sensor)
                thread = threading.Thread(target=rename_each_once, args=(tree, old, new))
                thread.start()
                host.start_sensor()
                thread.join()
                host.rest()
                host.agree(seconds=60)
        finally:
            host.stop()
