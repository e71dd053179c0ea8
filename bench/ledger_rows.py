# SPDX-License-Identifier: Apache-2.0
"""The rows of ledger.md's targets: appending, publishing, proving, verifying."""
import json
import signal
import statistics
import subprocess
import sys
import time

from machine import BIN, BUILD, Recorder, measure, run, status_kib

WRITERS, DEPTH, PROCESSES = 64, 16, 8


def load(recorder, entries, fields):
    return measure("feed_load", recorder.socket, WRITERS, DEPTH, entries, fields, PROCESSES)


def disk_bytes(directory):
    return sum(f.stat().st_blocks * 512 for f in directory.rglob("*") if f.is_file())


def entry_bytes(directory):
    """Bytes of the entries alone: bundles without their length fields."""
    total = count = 0
    for f in (directory / "tile/entries").rglob("*"):
        if f.is_file() and ".p" not in f.parent.suffix:
            data = f.read_bytes()
            at = 0
            while at < len(data):
                n = int.from_bytes(data[at:at + 2], "big")
                at += 2 + n
                total += n
                count += 1
    return total, count


def entries_per_second(count, *command):
    """Of the newest entries of a ledger, written by a command into nothing."""
    begun = time.monotonic()
    subprocess.run([BIN / "assay", *command, "--limit", str(count)], check=True,
                   stdout=subprocess.DEVNULL)
    return count / (time.monotonic() - begun)


def told(ledger, count):
    """In turn, so that a slow moment hits both."""
    ways = {"log_per_s": ("log", ledger, "--json"), "ocsf_per_s": ("export", "ocsf", ledger)}
    rates = {name: [] for name in ways}
    for _ in range(3):
        for name, command in ways.items():
            rates[name].append(entries_per_second(count, *command))
    return {name: statistics.median(rate) for name, rate in rates.items()}


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def rounds(place, count, entries, seconds):
    """Limits, SQLite and the recorder in turn, so that a slow moment hits all of them."""
    out = {"limits": [], "sqlite": [], "plain": [], "sensitive": []}
    recorder = Recorder(place / "append")
    for i in range(count):
        out["limits"].append(measure("limits", place))
        (place / f"sqlite{i}").mkdir()
        out["sqlite"].append(measure("sqlite_append", place / f"sqlite{i}", seconds))
        out["plain"].append(load(recorder, entries, 0))
        out["sensitive"].append(load(recorder, entries // 2, 2))
    memory = status_kib(recorder.pid, "VmHWM")
    recorder.stop()
    return out, memory


def delay_under_load(recorder, entries):
    """From append to checkpoint, for entries of one more writer beside a full load."""
    program = [BUILD / "bench/feed_checkpoint", recorder.socket, recorder.ledger, "100000"]
    sample = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    load(recorder, entries, 0)
    sample.send_signal(signal.SIGTERM)
    out, _ = sample.communicate()
    if sample.returncode:
        sys.exit("bench: feed_checkpoint failed")
    return json.loads(out)


def published(place, entries, checkpoints):
    """A plain log for the figures of reading; and the delay of its checkpoints."""
    recorder = Recorder(place / "read")
    loaded = load(recorder, entries, 0)["entries"]
    begun = time.monotonic()
    while recorder.size() < loaded + 2 + WRITERS:  # it was opened, has a heartbeat, knew writers
        time.sleep(0.005)
    lag = (time.monotonic() - begun) * 1e3
    under_load = delay_under_load(recorder, entries)
    delay = measure("feed_checkpoint", recorder.socket, recorder.ledger, checkpoints)
    recorder.stop()
    key = run(BIN / "assay", "ledger", "vkey", recorder.ledger).strip()
    read = measure("ledger_read", recorder.ledger, key)
    read |= told(recorder.ledger, min(loaded, 100000))
    own, count = entry_bytes(recorder.ledger)
    beyond = (disk_bytes(recorder.ledger) - own) / count
    return {**delay, "lag_ms": lag, "loaded_p50_ms": under_load["p50_ms"],
            "loaded_p99_ms": under_load["p99_ms"]}, read, beyond


def table(rounds_out, memory, delay, read, beyond):
    """Rows (name, figure, unit, ratio, beside what, target, met), the limits, SQLite's rate."""
    limit = {k: median(rounds_out["limits"], k) for k in rounds_out["limits"][0]}
    sqlite = median(rounds_out["sqlite"], "per_second")
    plain, sensitive = rounds_out["plain"], rounds_out["sensitive"]
    rate, rate2 = median(plain, "per_second"), median(sensitive, "per_second")
    p99 = median(plain, "p99_us")
    hash_limit = 1 / (1 / limit["leaf_per_s"] + 1 / limit["node_per_s"])
    groups = limit["sync_per_s"] * (64 * 1024 / 256)
    node_us = 1e6 / limit["node_per_s"]
    return [
        ("durable appends, 64 writers, 16 in flight", rate, "/s", rate / sqlite, "SQLite WAL FULL",
         "200,000/s and 25 x", rate >= 200000 and rate / sqlite >= 25),
        ("the same, of the disk's 64 KiB groups", rate, "/s", rate / groups, "fdatasync in a loop",
         "printed", True),
        ("with two sensitive fields each", rate2, "/s", rate2 / sqlite, "SQLite WAL FULL",
         "80,000/s", rate2 >= 80000),
        ("acknowledgement p99 under that load", p99 / 1e3, "ms", p99 / limit["sync_p99_us"],
         "fdatasync p99", "5 ms or 3 x", p99 < 5000 or p99 < 3 * limit["sync_p99_us"]),
        ("append to signed checkpoint, p50", delay["p50_ms"], "ms",
         delay["p50_ms"] * 1e3 / limit["sync_p50_us"], "fdatasync p50", "printed", True),
        ("append to signed checkpoint, p99", delay["p99_ms"], "ms",
         delay["p99_ms"] * 1e3 / limit["sync_p99_us"], "fdatasync p99", "100 ms",
         delay["p99_ms"] <= 100),
        ("the same under a full load, p50", delay["loaded_p50_ms"], "ms",
         delay["loaded_p50_ms"] * 1e3 / limit["sync_p50_us"], "fdatasync p50", "printed", True),
        ("the same under a full load, p99", delay["loaded_p99_ms"], "ms",
         delay["loaded_p99_ms"] * 1e3 / limit["sync_p99_us"], "fdatasync p99", "100 ms",
         delay["loaded_p99_ms"] <= 100),
        ("the same, for the last entry of a full load", delay["lag_ms"], "ms",
         delay["lag_ms"] * 1e3 / limit["sync_p99_us"], "fdatasync p99", "100 ms",
         delay["lag_ms"] <= 100),
        ("inclusion proof, warm", read["proof_us"], "us", read["proof_us"] / node_us,
         "one node hash", "10 us", read["proof_us"] < 10),
        ("verification, hash pass, one core", read["hash_per_s"], "/s",
         read["hash_per_s"] / hash_limit, "leaf + node in a loop", "2,000,000/s and 0.6 x",
         read["hash_per_s"] >= 2e6 and read["hash_per_s"] / hash_limit >= 0.6),
        ("verification, meaning pass, one core", read["meaning_per_s"], "/s",
         read["meaning_per_s"] / hash_limit, "leaf + node in a loop", "700,000/s",
         read["meaning_per_s"] >= 7e5),
        ("entries told as OCSF events", read["ocsf_per_s"], "/s",
         read["ocsf_per_s"] / read["log_per_s"], "assay log --json", "printed", True),
        ("bytes on disk per entry beyond its own", beyond, "B", beyond / 32, "one hash", "70 B",
         beyond < 70),
        ("recorder's memory, high water", memory / 1024, "MiB", memory / 1024 / 64, "64 MiB",
         "64 MiB", memory < 64 * 1024),
    ], limit, sqlite


def measured(place, quick):
    out, memory = rounds(place, 1 if quick else 5, 64000 if quick else 640000,
                         0.5 if quick else 2)
    delay, read, beyond = published(place, 128000 if quick else 1280000, 10 if quick else 100)
    return table(out, memory, delay, read, beyond)
