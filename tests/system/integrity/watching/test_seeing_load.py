# SPDX-License-Identifier: Apache-2.0
"""Much at once, and the sensor's own part in it: bursts, floods, noise next door, itself."""
import calendar
import hashlib
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

from seeing import Seeing, helper

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")
SOAK = bool(os.environ.get("ASSAY_SOAK"))
DELETES, FILES, TURNS = (50000, 20000, 5) if SOAK else (10000, 4000, 5)


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-load-") as name:
        h = Seeing(pathlib.Path(name))
        (h.tree / "big").mkdir()
        yield h
        h.stop()


def one_processor(host):
    for process in (host.sensor, host.recorder):
        os.sched_setaffinity(process.pid, {0})


def burst(what, *arguments):
    return helper("burst", what, *map(str, arguments), check=True, stdout=subprocess.DEVNULL,
                  preexec_fn=lambda: os.sched_setaffinity(0, {0}))


def gaps(host):
    return host.entries("integrity.gap")


def last_by_path(host):
    return {e["what"]["path"]: e["what"] for e in host.changes()}


# ---- bursts ----

def test_burst_of_deletes(host):
    """One processor for everybody: each is told, as it happened and by whom."""
    burst("create", host.tree / "big", DELETES)
    host.start()
    one_processor(host)
    burst("delete", host.tree / "big", DELETES)
    host.rest(300)

    def gone():
        return [w for w in last_by_path(host).values() if w["change"] == "deleted"]
    host.wait(lambda: len(gone()) == DELETES, "every deletion, signed")
    if not gaps(host):
        assert all(w["seen"] == "live" for w in gone())
    host.agree()


def test_burst_of_modifications(host):
    """As fast as C can: the last state of each is told, or a gap is, and a scan finds the rest."""
    burst("create", host.tree / "big", FILES)
    host.start()
    one_processor(host)
    burst("modify", host.tree / "big", FILES, TURNS)
    host.rest(300)
    want = hashlib.sha256(bytes([TURNS])).hexdigest()
    host.wait(lambda: [w.get("new_sha256") == want for w in last_by_path(host).values()] ==
              [True] * FILES, "the last state of each, signed")
    host.agree()


def test_flood_beyond_the_queue(host):
    """More than the kernel keeps: the gap has its bounds, and what was found behind it is told."""
    host.start()
    with open("/proc/sys/fs/fanotify/max_queued_events") as f:
        limit = int(f.read())
    if limit > 40000:
        pytest.skip(f"the queue holds {limit} events here")
    host.agree()
    before = time.time()
    host.sensor.send_signal(signal.SIGSTOP)
    burst("create", host.tree / "big", limit + 2000)
    (host.tree / "last").write_text("behind the flood")
    after = time.time()
    host.sensor.send_signal(signal.SIGCONT)
    host.wait(lambda: gaps(host), "the gap", 120)
    host.rest(300)
    (gap,) = [g["what"] for g in gaps(host) if g["what"]["reason"] == "overflow"]
    assert gap["rescanned"] >= limit + 2000 and gap["found"] > 0
    assert epoch(gap["from"]) <= before + 1 and epoch(gap["until"]) >= after - 1
    host.expect(host.tree / "last", "created")
    found = [e for e in host.changes() if e["what"]["seen"] == "rescan"]
    assert len(found) == gap["found"]
    assert all(e["who"]["unknown"] for e in found)
    host.agree(seconds=60)


def epoch(text):
    whole = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(whole) + float("0" + text[19:-1])


# ---- noise ----

def test_noise_next_door_is_dropped_by_the_kernel(host):
    """A directory nobody watches, on the same filesystem: after a while it costs nothing."""
    noisy = host.tree.parent / "noisy"
    noisy.mkdir()
    host.start()
    host.agree()
    burst("create", noisy, 3000)
    host.wait(lambda: host.status().get("ignored", 0) > 0, "an ignored directory")
    host.rest()
    before = host.status()["events"]
    burst("modify", noisy, 3000, 10)
    host.rest()
    # Other tests make events on this filesystem too, but not 90,000 in such a moment.
    assert host.status()["events"] - before < 45000
    (host.tree / "seen").write_text("all the same")
    host.expect(host.tree / "seen", "created")


# ---- itself ----

def test_it_never_observes_itself():
    """Its state, the ledger, both processes' files and logs lie in the watched directory: a change
    is told once, and then there is silence."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-load-") as name:
        directory = pathlib.Path(name)
        host = Seeing(directory, directory)
        try:
            host.start()
            for i in range(20):
                (host.tree / "one").write_text(str(i))
            host.expect(host.tree / "one", ("created", "modified"),
                        new_sha256=hashlib.sha256(b"19").hexdigest())
            host.rest()
            told, own = host.status()["changes"], host.status()["own"]
            cpu = {p.pid: processor_seconds(p.pid) for p in (host.sensor, host.recorder)}
            time.sleep(12)  # longer than its timers
            assert host.status()["changes"] == told
            assert host.status()["own"] >= own > 0
            paths = {e["what"]["path"] for e in host.changes()}
            assert not [p for p in paths if "/state/" in p or "/run/" in p], paths
            for pid, seconds in cpu.items():
                assert processor_seconds(pid) - seconds < 3, "busy with nothing to do"
        finally:
            host.stop()


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
