# SPDX-License-Identifier: Apache-2.0
"""Exactly once, in one of two ledgers, when one succeeds the other: a writer that has not heard the
answer of the old one sends to the new one what the old one holds."""
import json

import pytest

from recorder_host import Peer, Recorder, change, intent, outcome, succeed


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


def by_recorder(recorder, origin):
    recorder.start()  # the writer stays away
    succeed(recorder, origin)


def by_hand(recorder, origin):
    recorder.assay("ledger", "succeed", "--origin", origin, "--reason", "r", recorder.public)
    recorder.start()


def cut_off(recorder, origin):
    """It was closed, and whoever asked for that was gone: the same command goes on with it."""
    recorder.start()
    vkey = recorder.assay("ledger", "vkey", recorder.public).strip()
    with Peer(recorder, "admin") as p:
        p.command("succeed", next_origin=origin, next_vkey=vkey, reason="r")
    assert recorder.process.wait(timeout=60) == 75
    by_hand_again = recorder.assay("ledger", "succeed", "--reason", "r")
    assert by_hand_again.startswith(origin + "+")
    recorder.start()


def paths(recorder, ledger, run):
    """What a ledger has of a run, in its order."""
    entries = map(json.loads, recorder.assay("log", "--json", "--limit", "0", ledger).splitlines())
    return [e["what"]["path"] for e in entries if e.get("src", {}).get("run") == run and
            e["k"] == "integrity.change"]


@pytest.mark.parametrize("way", [by_recorder, by_hand, cut_off])
def test_sent_again_to_the_next_ledger(recorder, way):
    """Regression: the next ledger knew no run, took what came again as new, under a run that
    another writer of the old one had had."""
    with Peer(recorder) as p:
        p.put(change("/a"))
        p.append(change("/b"), change("/c"))
        p.settle()
        old = {seq: p.acks[seq] for seq in (2, 3)}  # which it never came to read
    recorder.kill()
    way(recorder, "example.com/2")
    for held in (3, 4):
        with Peer(recorder, resume=p.run) as q:
            assert (q.run, q.last) == (p.run, held)
            q.append(change("/b"), change("/c"), first=2, acked=1)
            q.append(change("/d"), acked=1)
            q.settle()
            assert {seq: q.acks[seq] for seq in old} == old
            old[4] = q.acks[4]
        recorder.kill()
        recorder.start()
    with Peer(recorder) as other:
        assert other.run > p.run
    succeed(recorder, "example.com/3")
    with Peer(recorder, resume=p.run) as q:
        assert (q.run, q.last) == (p.run, 4)
        q.append(change("/b"), change("/c"), change("/d"), change("/e"), first=2, acked=1)
        q.settle()
        assert {seq: q.acks[seq] for seq in old} == old
    recorder.published()
    first, second = recorder.state / "ledger.1", recorder.state / "ledger.2"
    assert paths(recorder, first, p.run) == ["/a", "/b", "/c"]
    assert paths(recorder, second, p.run) == ["/d"]
    assert paths(recorder, recorder.public, p.run) == ["/e"]
    for ledger in (first, second, recorder.public):  # where a run goes on there is no gap
        assert "sequence" not in recorder.assay("verify", "--json", ledger)


def test_refused_stays_refused_in_the_next_ledger(recorder):
    """What hangs on the calls that are open is judged once."""
    with Peer(recorder, "gateway") as p:
        p.put(intent("a"))
        assert p.put(outcome("b"))[0] == 22  # which it never came to read
    succeed(recorder, "example.com/2")
    with Peer(recorder, "gateway", resume=p.run) as q:
        assert (q.run, q.last) == (p.run, 2)
        q.append(outcome("b"), first=2, acked=1)
        q.settle()
        assert q.naks[2][0] == 22 and not q.acks
