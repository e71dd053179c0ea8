# SPDX-License-Identifier: Apache-2.0
"""Every call that has begun has one end in the ledger, whatever is killed: its outcome, or that
nobody knows it."""
import json
import os
import random
import signal
import struct
import subprocess
import time

import pytest

from assay_tool import assay, good, lines
from recorder_host import (
    BIN, BYE, Closed, Peer, Recorder, check_runs, intent, outcome, succeed, wait_for)

SOAK = bool(os.environ.get("ASSAY_SOAK"))
KILLS = int(os.environ.get("ASSAY_KILLS", 300 if SOAK else 12))
GATEWAY = BIN.parent / "tests" / "recorder" / "call_feed"
MARKER = b"call-marker"
GRACE = 20  # the least that --silence takes


class Gateway:
    """tests/recorder/call_feed.c and what it was promised."""

    def __init__(self, recorder, directory, name, resume=None):
        self.name, self.path = name, directory / f"{name}.out"
        self.errors = directory / f"{name}.err"
        with open(self.path, "ab") as out, open(self.errors, "ab") as err:
            self.process = subprocess.Popen(
                [GATEWAY, recorder.run / "recorder.sock", name, *([str(resume)] if resume else [])],
                stdout=out, stderr=err)

    def said(self, letter):
        whole = self.path.read_text().split("\n")[:-1]  # the last one may be half written
        return [line.split()[1:] for line in whole if line.startswith(letter + " ")]

    def calls(self, letter):
        found = [words[0] for words in self.said(letter)]
        assert len(found) == len(set(found)), f"{self.name}: {letter} twice of one call"
        return set(found)

    def run(self):
        return int(self.said("R")[-1][0])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        assert self.process.wait(timeout=120) == 0, self.errors.read_text()
        assert self.errors.read_text() == ""


def calls_of(recorder):
    """{call: {kind: [index]}}, and the entries by index."""
    found, entries = {}, recorder.entries()
    check_runs(entries)
    for index, e in enumerate(entries):
        if e["k"] in ("api.intent", "api.outcome", "api.unknown"):
            found.setdefault(e["what"]["call"], {}).setdefault(e["k"][4:], []).append(index)
    return found, entries


def judge(recorder, gateways):
    """Each intent has one end, which is behind it; what was promised is there; nothing else is."""
    recorder.verify()
    found, entries = calls_of(recorder)
    for call, kinds in found.items():
        ends = kinds.get("outcome", []) + kinds.get("unknown", [])
        assert len(kinds.get("intent", [])) == 1 and len(ends) == 1, f"{call}: {kinds}"
        intent = entries[kinds["intent"][0]]
        assert ends[0] > kinds["intent"][0]
        if "unknown" in kinds:
            what = entries[ends[0]]["what"]
            assert (what["index"], what["intent"], what["run"]) == (
                kinds["intent"][0], intent["id"], intent["src"]["run"])
        else:
            assert entries[ends[0]]["src"]["run"] == intent["src"]["run"]
    for g in gateways:
        for call in g.calls("I"):
            assert "intent" in found[call], f"{call}: promised"
        for call in g.calls("O"):
            assert "outcome" in found[call], f"{call}: its answer was shown"
        for call in g.calls("N"):
            assert "unknown" in found[call] and "outcome" not in found[call], call
        assert not g.calls("F")
        assert g.errors.read_text() == ""
    for path in recorder.state.rglob("*"):
        assert not path.is_file() or MARKER not in path.read_bytes(), path
    return found


def unknown_of(recorder):
    return recorder.entries("api.unknown")


def all_closed(recorder):
    found, _ = calls_of(recorder)
    return all("outcome" in k or "unknown" in k for k in found.values())


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path)
    r.more = ["--silence", str(GRACE)]
    r.start()
    yield r
    r.stop()


@pytest.fixture
def gateways(recorder, tmp_path):
    found = [Gateway(recorder, tmp_path, f"g{i}") for i in range(3)]
    yield found
    for g in found:
        g.kill()


def busy(gateways):
    return sum(g.path.stat().st_size for g in gateways)


def test_kills(recorder, gateways, tmp_path):
    """Of the recorder and of gateways, which nobody replaces under their run or somebody does."""
    chance = random.Random(os.getpid())
    for n in range(KILLS):
        before = busy(gateways)
        wait_for(lambda: busy(gateways) > before + 500, "calls")
        time.sleep(chance.expovariate(1 / 0.05))
        if n % 3 == 2:
            victim = chance.choice([g for g in gateways if g.process.poll() is None])
            victim.kill()
            resume = victim.run() if n % 2 else None
            gateways.append(Gateway(recorder, tmp_path, f"k{n}", resume))
        else:
            recorder.kill()
            recorder.start()
    for g in gateways:
        if g.process.poll() is None:
            g.end(chance.choice([signal.SIGTERM, signal.SIGUSR1]))
    wait_for(lambda: all_closed(recorder), "an end of every call", 3 * GRACE)
    found = judge(recorder, gateways)
    unknown = [e["what"]["reason"] for e in unknown_of(recorder)]
    assert "gone" in unknown
    recorder.end()
    judge(recorder, gateways)
    print(f"{KILLS} kills, {len(found)} calls, {len(unknown)} of them unknown")


# ---- one by one ----

def good_bye(peer):
    peer.send(BYE, struct.pack("<BII", 1, 0, 0))
    peer.sock.close()


def test_a_good_bye_closes_at_once(recorder):
    with Peer(recorder, "gateway") as p:
        p.put(intent("a"), intent("b"), outcome("b"))
        run = p.run
        good_bye(p)
    wait_for(lambda: unknown_of(recorder), "the end of a call", GRACE / 2)
    (e,) = unknown_of(recorder)
    found, entries = calls_of(recorder)
    first = found["a"]["intent"][0]
    assert e["what"] == {"call": "a", "index": first, "intent": entries[first]["id"],
                         "reason": "stopped", "run": run}
    assert e["src"]["proc"] == "recorder"


def test_an_outcome_after_the_end_is_refused(recorder):
    """Refused once, refused whenever it is sent again, over a start of the recorder too."""
    with Peer(recorder, "gateway") as p:
        p.put(intent("a"))
        good_bye(p)
    wait_for(lambda: unknown_of(recorder), "the end of a call")
    with Peer(recorder, "gateway", resume=p.run) as again:
        assert again.run == p.run
        code, text = again.put(outcome("a"))
        assert code == 22 and "closed as unknown" in text
    for restart in (False, True):
        if restart:
            recorder.kill()
            recorder.start()
        with Peer(recorder, "gateway", resume=p.run) as again:
            again.append(outcome("a"), intent("c" + str(restart)), outcome("c" + str(restart)),
                         first=2, acked=1)
            again.settle()
            assert again.naks[2][0] == 22 and set(again.naks) == {2}
            if restart:  # what was taken is taken
                again.append(outcome("cTrue"), first=again.seq, acked=1)
                again.settle()
    found, _ = calls_of(recorder)
    assert {c: set(k) for c, k in found.items()} == {
        "a": {"intent", "unknown"}, "cFalse": {"intent", "outcome"}}


def test_who_may_close(recorder):
    with Peer(recorder, "gateway") as p, Peer(recorder, "gateway") as q:
        assert p.put(outcome("a"))[0] == 22  # never begun
        p.put(intent("a"))
        assert q.put(intent("a"))[0] == 22  # twice
        assert q.put(outcome("a"))[0] == 22  # another's
        assert p.put(intent("a"))[0] == 22
        assert isinstance(p.put(outcome("a")), int)
        assert p.put(outcome("a"))[0] == 22
        assert p.put(intent("x" * 33))[0] == 22
    with Peer(recorder, "sensor") as p:
        assert p.put(intent("b"))[0] == 13
    found, _ = calls_of(recorder)
    assert {c: set(k) for c, k in found.items()} == {"a": {"intent", "outcome"}}


def test_the_ceiling(recorder):
    """A gateway that never ends a call is not served beyond it; the others are told so."""
    most, step = 65536, 128
    with Peer(recorder, "gateway") as p:
        for n in range(0, most, step):
            p.put(*(intent(f"c{n + i}") for i in range(step)))
        code, text = p.put(intent("more"))
        assert code == 16 and "65536 calls are open" in text
        with Peer(recorder, "gateway") as q:
            assert q.put(intent("more"))[0] == 16
            p.put(outcome("c0"))
            assert isinstance(q.put(intent("more")), int)
            assert p.put(outcome("c1")) and isinstance(q.put(outcome("more")), int)
        # Over a start it is still the same: what is open is in the note or behind it.
        recorder.kill()
        begun = time.monotonic()
        recorder.start()
        print(f"{most} open calls: started in {time.monotonic() - begun:.2f} s")
    with Peer(recorder, "gateway", resume=p.run) as p:
        assert isinstance(p.put(intent("d0")), int) and isinstance(p.put(intent("d1")), int)
        assert p.put(intent("d2"))[0] == 16
        assert p.put(intent("c2"))[0] == 22 and p.put(outcome("c1"))[0] == 22
        assert isinstance(p.put(outcome("c2")), int)


def note_of(recorder):
    return recorder.private / "calls"


@pytest.mark.parametrize("spoil", ["gone", "empty", "garbage", "of another ledger", "of the future",
                                   "huge"])
def test_without_a_note(recorder, spoil):
    """It only makes the way shorter: whatever became of it, what is open is found."""
    with Peer(recorder, "gateway") as p:
        p.put(intent("a"), intent("b"))
        for _ in range(10):
            p.put(*(e for i in range(64) for e in (intent(f"c{i}"), outcome(f"c{i}"))))
        recorder.end()
    note = json.loads(note_of(recorder).read_text())
    assert [row[0] for row in note["open"]] == ["a", "b"] and note["at"] > 1000
    if spoil == "gone":
        note_of(recorder).unlink()
    elif spoil == "empty":
        note_of(recorder).write_text("")
    elif spoil == "garbage":
        note_of(recorder).write_bytes(b"\xff" * 100)
    elif spoil == "huge":
        with open(note_of(recorder), "ab") as f:
            f.truncate(1 << 30)
    else:
        note.update({"origin": "x"} if spoil == "of another ledger" else {"at": 1 << 40})
        note_of(recorder).write_text(json.dumps(note, sort_keys=True, separators=(",", ":")) + "\n")
    recorder.start()
    with Peer(recorder, "gateway", resume=p.run) as p:
        assert isinstance(p.put(outcome("b")), int)
        good_bye(p)
    wait_for(lambda: unknown_of(recorder), "the end of a call")
    assert [e["what"]["call"] for e in unknown_of(recorder)] == ["a"]


def test_an_older_note_says_the_same(recorder):
    with Peer(recorder, "gateway") as p:
        p.put(*(e for i in range(64) for e in (intent(f"c{i}"), outcome(f"c{i}"))))
        p.put(intent("a"), intent("b"))
        for _ in range(10):
            p.put(*(e for i in range(64) for e in (intent(f"d{i}"), outcome(f"d{i}"))))
        recorder.end()
    old = note_of(recorder).read_bytes()
    recorder.start()
    with Peer(recorder, "gateway", resume=p.run) as p:
        p.put(outcome("a"), intent("e"))
        recorder.end()
    note_of(recorder).write_bytes(old)
    recorder.start()
    with Peer(recorder, "gateway", resume=p.run) as p:
        assert p.put(outcome("a"))[0] == 22  # it is over
        good_bye(p)
    wait_for(lambda: len(unknown_of(recorder)) == 2, "the ends of calls")
    assert {e["what"]["call"] for e in unknown_of(recorder)} == {"b", "e"}


def test_a_succession_ends_what_is_open(recorder):
    """One that is closed for good has no call without an end; the next one begins with none."""
    with Peer(recorder, "gateway") as p:
        p.put(intent("a"), intent("b"), outcome("b"))
        succeed(recorder, "example.com/b")
        with pytest.raises(Closed):
            while True:
                p.hear()
    with Peer(recorder, "gateway", resume=p.run) as p:
        assert p.put(outcome("a"))[0] == 22
        assert isinstance(p.put(intent("a")), int) and isinstance(p.put(outcome("a")), int)
    old = recorder.state / "ledger.1"
    entries = [json.loads(line) for line in
               recorder.assay("log", "--json", "--limit", "0", old).splitlines()]
    assert [(e["k"], e["what"].get("reason")) for e in entries[-2:]] == [
        ("api.unknown", "succeeded"), ("ledger.succeeded", "yearly")]
    assert entries[-2]["what"]["call"] == "a"
    recorder.assay("verify", old)


def test_what_no_recorder_took_says_nothing(recorder):
    """What an administrator appends by hand keeps no gateway out."""
    with Peer(recorder, "gateway") as p:
        p.put(intent("a"))
        recorder.end()
    forged = [{**intent("a"), "id": "x", "src": {"host": "h", "proc": "gateway", "run": p.run,
                                                 "seq": 9}},
              intent("b"), {"k": "api.intent"}, {"k": "api.outcome", "what": {"call": 7}},
              {"k": "ledger.refused", "what": {"code": "x"}}]
    good("ledger", "append", recorder.public, data=lines(*forged))
    recorder.start()
    with Peer(recorder, "gateway", resume=p.run) as again:
        assert isinstance(again.put(outcome("a")), int)
        assert again.put(outcome("b"))[0] == 22


def test_damage_keeps_gateways_out(recorder):
    """What cannot be read may have been the end of a call: nobody is told that it is unknown."""
    with Peer(recorder, "gateway") as p:
        p.put(intent("a"))
        for n in range(2000):  # so that the write-ahead log has the first of them no more
            p.put(intent(f"c{n}"), outcome(f"c{n}", detail="x" * 20000))
        recorder.end()
    bundle = recorder.public / "tile" / "entries" / "000"
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    note_of(recorder).unlink()
    recorder.start()
    stranger = Peer(recorder, "gateway", hello=False)
    stranger.send_hello("gateway", p.run)
    assert stranger.dropped()
    wait_for(lambda: "which calls are open is not known: " in recorder.log_path.read_text(), "why")
    assert "bundle 0" in recorder.status()["more"]["calls_not_known"]
    said = assay("status", "--state", recorder.state, "--run", recorder.run)
    assert said.returncode == 1 and b"no gateway is let in" in said.stdout
    with Peer(recorder, "sensor"):
        pass  # the others are let in
    recorder.end()
    bundle.write_bytes(whole)
    recorder.start()
    with Peer(recorder, "gateway", resume=p.run) as again:
        assert isinstance(again.put(outcome("a")), int)
