# SPDX-License-Identifier: Apache-2.0
"""kill -9 while several writers write: what was acknowledged is there, once, where it was told."""
import os
import random
import signal
import subprocess
import time

import pytest

from recorder_host import BIN, Peer, Recorder, change, check_runs, wait_for

SOAK = bool(os.environ.get("ASSAY_SOAK"))
KILLS = int(os.environ.get("ASSAY_KILLS", 2000 if SOAK else 25))
WRITER = BIN.parent / "tests" / "recorder" / "crash_feed"
MARKER = b"crash-marker"


class Writer:
    """tests/recorder/crash_feed.c and what it was promised."""

    def __init__(self, recorder, directory, name, resume=None):
        self.name, self.path = name, directory / f"{name}.out"
        with open(self.path, "ab") as out, open(directory / f"{name}.err", "ab") as err:
            self.process = subprocess.Popen(
                [WRITER, recorder.run / "recorder.sock", name, *([str(resume)] if resume else [])],
                stdout=out, stderr=err)
        self.errors = directory / f"{name}.err"

    def lines(self, letter):
        whole = self.path.read_text().split("\n")[:-1]  # the last one may be half written
        return [line.split()[1:] for line in whole if line.startswith(letter + " ")]

    def run(self):
        return int(self.lines("R")[-1][0])

    def promises(self):
        """{value: (run, seq, index)}; each value is acknowledged once."""
        found = {}
        for run, seq, index, n in self.lines("A"):
            assert n not in found
            found[n] = int(run), int(seq), int(index)
        return found

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=120) == 0, self.errors.read_text()
        assert self.errors.read_text() == ""
        return int(self.lines("E")[0][0])

    def kill(self):
        self.process.kill()
        self.process.wait()


def by_name(recorder):
    """{writer: {value: [(run, seq, index)]}} as the ledger has it."""
    found = {}
    entries = recorder.entries()
    check_runs(entries)
    for index, e in enumerate(entries):
        if e["k"] == "integrity.change":
            name, n = e["what"]["path"].split("/")
            found.setdefault(name, {}).setdefault(n, []).append(
                (e["src"]["run"], e["src"]["seq"], index))
    return found


def judge(recorder, writers, ended=True):
    recorder.verify()
    ledger = by_name(recorder)
    for w in writers:
        values, promised = ledger.get(w.name, {}), w.promises()
        for n, places in values.items():
            assert len(places) == 1, f"{w.name}/{n} is doubled: {places}"
        for n, place in promised.items():
            assert values.get(n) == [place], f"{w.name}/{n}: promised {place}"
        if ended:
            assert len(values) == len(promised) == int(w.lines("E")[0][0])
    for path in recorder.state.rglob("*"):
        assert not path.is_file() or MARKER not in path.read_bytes(), path


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


@pytest.fixture
def writers(recorder, tmp_path):
    found = [Writer(recorder, tmp_path, f"w{i}") for i in range(4)]
    yield found
    for w in found:
        w.process.kill()
        w.process.wait()


def acknowledged(writers):
    return sum(w.path.stat().st_size for w in writers)


def test_kills_of_the_recorder(recorder, writers):
    chance = random.Random(os.getpid())
    for n in range(KILLS):
        time.sleep(chance.expovariate(1 / 0.08))
        if n % 5 == 0:  # under load: something was acknowledged since
            before = acknowledged(writers)
            wait_for(lambda: acknowledged(writers) > before + 1000, "acknowledgements")
        recorder.kill()
        if n % 4 == 0:
            recorder.start()
        else:  # killed again while it starts, now and then
            recorder.spawn()
        if SOAK and n % 200 == 199:
            print(f"{n + 1} kills", flush=True)
    wait_for(recorder.ready, "the recorder's readiness")
    for w in writers:
        w.end()
    judge(recorder, writers)
    recorder.end()
    judge(recorder, writers)
    print(f"{KILLS} kills, {sum(len(w.promises()) for w in writers)} acknowledged")


def test_kills_of_a_writer(recorder, tmp_path):
    """It goes on under its run with what it had not heard of; here: with new values."""
    lives, run = [], None
    for life in range(40 if SOAK else 8):
        w = Writer(recorder, tmp_path, f"life{life}", run)
        lives.append(w)
        wait_for(lambda: len(w.lines("A")) > 30, "acknowledgements")
        assert run is None or w.run() == run
        run = w.run()
        w.kill()
    last = Writer(recorder, tmp_path, "last", run)
    wait_for(lambda: last.lines("A"), "acknowledgements")
    last.end()
    judge(recorder, lives, ended=False)
    judge(recorder, [last])
    assert last.run() == run


def test_both_die(recorder, tmp_path):
    chance = random.Random(os.getpid())
    writers = []
    for life in range(100 if SOAK else 6):
        writers.append(Writer(recorder, tmp_path, f"both{life}",
                              writers[-1].run() if writers else None))
        wait_for(lambda: writers[-1].lines("A"), "acknowledgements")
        time.sleep(chance.random() / 10)
        order = [recorder.kill, writers[-1].kill]
        chance.shuffle(order)
        for kill in order:
            kill()
        recorder.start()
    judge(recorder, writers, ended=False)


def test_the_run_goes_on_where_an_unread_acknowledgement_was(recorder):
    """A peer dies between the entry and its acknowledgement; what it sends again is the same."""
    with Peer(recorder) as p:
        p.append(change("/a"), change("/b"))
    wait_for(lambda: len(recorder.entries("integrity.change")) == 2, "the entries")
    recorder.kill()
    recorder.start()
    with Peer(recorder, resume=p.run) as again:
        assert (again.run, again.last) == (p.run, 2)
        again.append(change("/a"), change("/b"), change("/c"), first=1, acked=0)
        again.settle()
        entries = recorder.entries("integrity.change")
        assert [e["what"]["path"] for e in entries] == ["/a", "/b", "/c"]
        assert sorted(again.acks) == [1, 2, 3]
