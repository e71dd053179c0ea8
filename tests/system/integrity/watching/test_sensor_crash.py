# SPDX-License-Identifier: Apache-2.0
"""Whatever dies and whatever runs over, the ledger ends up telling each change once."""
import contextlib
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from seeing import Mounts
from sensor_host import Host, path_of, replay, scan

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")
SOAK = bool(os.environ.get("ASSAY_SOAK"))


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-sensor-") as name:
        h = Host(pathlib.Path(name))
        (h.tree / "old").write_text("old content")
        h.start()
        yield h
        h.stop()


def gaps(host, reason):
    return [e for e in host.entries("integrity.gap") if e["what"]["reason"] == reason]


def sequences(host):
    """Sequences of each run of the sensor, in the ledger's order."""
    runs = {}
    for e in host.entries():
        if e["src"]["proc"] == "sensor":
            runs.setdefault(e["src"]["run"], []).append(e["src"]["seq"])
    return runs


def check(host, before):
    host.quiet()
    assert replay(before, host.changes()) == scan(host.tree)
    for run, seqs in sequences(host).items():
        assert seqs == list(range(1, len(seqs) + 1)), f"run {run}: lost or doubled"


def test_changes_while_down_are_reported(host):
    before = scan(host.tree)
    host.quiet()
    host.end(host.sensor)
    (host.tree / "new").write_text("new")
    (host.tree / "old").unlink()
    subprocess.run(["chattr", "+d", host.tree / "new"], check=True)
    host.start_sensor()
    assert host.seen(host.tree / "new", "created")["what"]["seen"] == "start"
    assert host.seen(host.tree / "old", "deleted")["what"]["seen"] == "start"
    host.wait(lambda: gaps(host, "down"), "the gap")
    (gap,) = gaps(host, "down")
    assert gap["what"]["found"] == 2 and gap["what"]["from"] < gap["what"]["until"]
    check(host, before)


def test_flags_make_no_event_and_are_found_by_a_scan(host):
    host.end(host.sensor)
    subprocess.run(["chattr", "+i", host.tree / "old"], check=True)
    try:
        host.start_sensor()
        assert host.seen(host.tree / "old", "attributes")["what"]["differs"] == ["flags"]
    finally:
        subprocess.run(["chattr", "-i", host.tree / "old"], check=True)


def test_restart_without_changes_tells_none(host):
    host.quiet()
    told = len(host.changes())
    for _ in range(3):
        host.end(host.sensor, random.choice([signal.SIGKILL, signal.SIGTERM]))
        host.start_sensor()
    host.wait(lambda: len(gaps(host, "down")) == 3, "the gaps")
    assert len(host.changes()) == told
    assert len(host.entries("integrity.baseline")) == 1


def test_overflow_is_recorded_and_everything_found(host):
    before = scan(host.tree)
    host.quiet()
    host.sensor.send_signal(signal.SIGSTOP)
    for i in range(20000):
        (host.tree / f"f{i}").touch()
    (host.tree / "old").write_text("changed in the storm")
    host.sensor.send_signal(signal.SIGCONT)
    host.wait(lambda: gaps(host, "overflow"), "the gap", 60)
    (gap,) = gaps(host, "overflow")
    assert gap["what"]["rescanned"] >= 20000 and gap["what"]["from"] < gap["what"]["until"]
    host.wait(lambda: len(host.changes()) >= 20001, "all changes", 60)
    check(host, before)


class Churn(threading.Thread):
    """Changes without pause until told to stop."""

    def __init__(self, tree, seed):
        super().__init__()
        self.tree, self.rng, self.ending = tree, random.Random(seed), False

    def run(self):
        names = [self.tree / f"c{i}" for i in range(30)]
        while not self.ending:
            a, b = self.rng.sample(names, 2)
            try:
                self.rng.choice([lambda: a.write_text(str(self.rng.random())), a.unlink,
                                 lambda: a.rename(b), lambda: a.chmod(0o640)])()
            except OSError:
                pass
            time.sleep(0.0005)


def test_killed_during_changes(host):
    before = scan(host.tree)
    rng = random.Random(3)
    churn = Churn(host.tree, 4)
    churn.start()
    try:
        for _ in range(60 if SOAK else 8):
            time.sleep(rng.random() * 0.4)
            host.end(host.sensor, signal.SIGKILL)
            host.start_sensor()
    finally:
        churn.ending = True
        churn.join()
    check(host, before)


def test_recorder_killed_during_changes(host):
    before = scan(host.tree)
    rng = random.Random(5)
    churn = Churn(host.tree, 6)
    churn.start()
    try:
        for _ in range(40 if SOAK else 6):
            time.sleep(rng.random() * 0.4)
            host.end(host.recorder, signal.SIGKILL)
            time.sleep(rng.random() * 0.3)
            (host.run / "recorder.sock").unlink(missing_ok=True)
            host.start_recorder()
    finally:
        churn.ending = True
        churn.join()
    check(host, before)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def pipe(path):
    """Regression: it was waited for, without a word."""
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("damage", [flip, pipe])
def test_damaged_state_falls_back_to_the_baseline(host, damage):
    host.quiet()
    (host.tree / "later").write_text("later")
    host.seen(host.tree / "later", "created")
    host.end(host.sensor)
    damage(host.state / "sensor" / "state")
    host.start_sensor()
    host.wait(lambda: gaps(host, "down"), "the scan")
    last = [e for e in host.entries("integrity.sensor") if e["what"]["event"] != "kept"][-1]
    assert "state" in last["what"]["detail"]
    assert host.of(host.tree / "later", "created")[-1]["what"]["seen"] == "start"


def fill(directory):
    with open(directory / "filler", "wb", buffering=0) as f, contextlib.suppress(OSError):
        while f.write(bytes(4096)):
            pass


def said(host, event):
    return [e["what"]["reason"] for e in host.entries("integrity.sensor")
            if e["what"]["event"] == event and "reason" in e["what"]]


def test_no_room_for_what_it_knows(host):
    """It goes on, and begins too: who fills a disk has blinded nobody.  Both are told."""
    own = host.state / "sensor"
    host.end(host.sensor)
    kept = {p.name: p.read_bytes() for p in own.iterdir() if p.is_file()}
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "none", own], check=True)
    try:
        for name, data in kept.items():
            (own / name).write_bytes(data)
        host.start_sensor()
        fill(own)
        for i in range(200):  # more than the journal's last block has room for
            (host.tree / f"f{i}").write_text("x")
        host.wait(lambda: len(said(host, "degraded")) == 1, "that it cannot be kept")
        host.seen(host.tree / "f199", "created")
        host.end(host.sensor, signal.SIGKILL)
        (host.tree / "while it was down").write_text("x")
        host.start_sensor()
        host.seen(host.tree / "while it was down", "created")
        host.wait(lambda: len(said(host, "degraded")) == 2, "that it still cannot be")
        assert all("No space left" in x for x in said(host, "degraded"))
        assert "No space left" in host.status()["broken"]
        (own / "filler").unlink()
        host.end(host.sensor, signal.SIGKILL)
        host.start_sensor()
        host.quiet()
        assert "broken" not in host.status()
        told = len(host.changes())
        host.end(host.sensor, signal.SIGKILL)
        host.start_sensor()
        host.wait(lambda: len(gaps(host, "down")) == 4, "the scan of the last start")
        assert len(host.changes()) == told
    finally:
        host.end(host.sensor)
        subprocess.run(["umount", own], check=True)


def small_tmpfs(mounts, where):
    mounts.mount(where, "-t", "tmpfs", "-o", "size=4m,mode=700", "none")


def small_ext4(mounts, where):
    image = mounts.image("small", "mkfs.ext4", "-q", "-m", "0", "-I", "128", megabytes=8)
    mounts.mount(where, "-o", "loop", image)


def small_quota(mounts, where):
    """8 MiB of a filesystem that has room for more, which it does not show."""
    top = mounts.loop("top", "mkfs.btrfs", "-q")
    mounts.run("btrfs", "quota", "enable", top)
    mounts.run("btrfs", "-q", "subvolume", "create", top / "own")
    mounts.run("btrfs", "qgroup", "limit", "8M", top / "own")
    mounts.umount(top)
    mounts.mount(where, "-o", "loop,subvol=own", mounts.directory / "top.image")


@pytest.mark.parametrize("make", [small_tmpfs, small_ext4, small_quota],
                         ids=["tmpfs", "ext4", "quota"])
def test_no_room_at_the_very_first_start(make):
    """Not even for a directory.  It says so and tells what it sees; the baseline follows when there
    is room."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-full-") as name:
        host, mounts = Host(pathlib.Path(name)), Mounts(name)
        for i in range(50):
            (host.tree / f"f{i:02}").write_text("x")
        own = host.state / "sensor"
        make(mounts, own)
        fill(own)
        try:
            host.start()
            (host.tree / "f00").write_text("changed")
            host.seen(host.tree / "f00", "modified")
            host.wait(lambda: said(host, "degraded"), "that it cannot be kept")
            assert "the first baseline: " in said(host, "degraded")[0]
            full = "Disk quota exceeded" if make == small_quota else "No space left"
            assert full in host.status()["broken"]
            assert host.entries("integrity.baseline") == []
            for signo in (signal.SIGTERM, signal.SIGKILL):  # no second start is another one
                host.end(host.sensor, signo)
                host.start_sensor()
            (host.tree / "f01").write_text("changed")
            host.seen(host.tree / "f01", "modified")
            (own / "filler").unlink()
            os.sync()  # that is when a quota has it
            host.wait(lambda: host.entries("integrity.baseline"), "the first baseline", 100)
            host.wait(lambda: "broken" not in host.status(), "that it can be kept", 100)
            first = host.entries("integrity.baseline")[0]["what"]
            assert (first["reason"], first["files"]) == ("first", 51)
            host.end(host.sensor, signal.SIGKILL)
            (host.tree / "f02").write_text("while it was down")
            host.start_sensor()
            assert host.seen(host.tree / "f02", "modified")["what"]["seen"] == "start"
            assert len(host.entries("integrity.baseline")) == 1
            assert [e for e in host.changes() if path_of(e).startswith(bytes(own))] == []
        finally:
            host.stop()
            mounts.done()


def test_mount_over_a_watched_directory_is_seen(host):
    (host.tree / "sub").mkdir()
    (host.tree / "sub/below").write_text("hidden soon")
    host.seen(host.tree / "sub/below", "created")
    subprocess.run(["mount", "-t", "tmpfs", "none", host.tree / "sub"], check=True)
    try:
        host.seen(host.tree / "sub/below", "deleted")
        (host.tree / "sub/inside").write_text("on the new filesystem")
        host.wait(lambda: host.of(host.tree / "sub/inside"), "a file on the new filesystem")
    finally:
        host.end(host.sensor)
        subprocess.run(["umount", host.tree / "sub"], check=True)
    assert path_of(host.of(host.tree / "sub/inside")[0]) == os.fsencode(host.tree / "sub/inside")
