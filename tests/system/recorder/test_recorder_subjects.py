# SPDX-License-Identifier: Apache-2.0
"""Whom the vault knows, up to the last one that it may: gateways stop before the others do, who is
known is written of on, and what was refused stays so."""
import subprocess
import time

import pytest

import test_recorder_disk
from recorder_host import (
    BIN, TIME, Peer, Recorder, change, intent, outcome, wait_for)
from test_recorder_api import APPROVED

disk = test_recorder_disk.disk
ENOSPC, EBUSY, EINVAL, EDQUOT = 28, 16, 22, 122
MOST, OF_GATEWAYS, OF_WARNING = 1024, 960, 896


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path)
    r.more = ["--subjects", str(MOST)]
    r.start()
    yield r
    r.stop()


def by(n, entry):
    return entry, [(f"caller:{n}".encode(), b"who.user", b'"x"')]


def call(n, who):
    return by(who, intent(f"c{n}")), by(who, outcome(f"c{n}"))


def who(n):
    return {**change(), "who": {"uid": n}}, [(f"uid:{n}".encode(), b"who.user", b'"x"')]


def approve(recorder, person):
    """An administrator's entry, of a person whom the vault knows or does not."""
    return recorder.command("api", kind="api.approved", what=APPROVED,
                            sensitive=[[f"person:{person}", "what.approver", person]])


def status_of(recorder, code):
    done = subprocess.run([BIN / "assay", "status", "--state", recorder.state, "--run",
                           recorder.run], capture_output=True, text=True)
    assert done.returncode == code, done.stdout
    return done.stdout


def fill_up(gateway, most):
    """So many subjects, all in calls that have ended."""
    for n in range(0, most, 64):
        many = [e for k in range(n, min(n + 64, most)) for e in call(k, k)]
        assert isinstance(gateway.put(*many), int)
    assert not gateway.naks


def test_the_ceiling(recorder):
    with Peer(recorder, "gateway") as g, Peer(recorder) as s:
        fill_up(g, OF_WARNING - 1)
        assert isinstance(s.put(who(0)), int)
        wait_for(lambda: recorder.status()["more"]["subjects_few"], "a warning", 10)
        assert f"{OF_WARNING} of 1,024 are known" in status_of(recorder, 1)
        assert "recorder.subjects" in recorder.log_path.read_text()
        for n in range(OF_WARNING - 1, OF_GATEWAYS - 1):
            assert isinstance(g.put(*call(n, n)), int)
        code, words = g.put(by("new", intent("a")))
        assert (code, words) == (EBUSY, "the vault knows 960 subjects: no more may be new")
        assert isinstance(g.put(*call("b", 5)), int)  # who is known is served
        assert "index" in approve(recorder, "anna")  # not a gateway's share
        for n in range(1, MOST - OF_GATEWAYS):
            assert isinstance(s.put(who(n)), int)
        refused = s.append(who(MOST))
        assert s.settle().naks[refused][0] == EBUSY
        assert isinstance(s.put(who(3)), int)
        code, words = approve(recorder, "ben")
        assert (code, words) == (EBUSY, "the vault knows 1024 subjects: no more may be new")
        assert recorder.process.poll() is None and "index" in approve(recorder, "anna")
    found = [e for e in recorder.entries("ledger.refused")]
    assert [(e["src"]["proc"], e["what"]["code"]) for e in found] == [
        ("gateway", -EBUSY), ("sensor", -EBUSY)]


def test_what_was_refused_stays_so(recorder):
    """Its writer did not hear it, and sends it again: to the same recorder, to the next one."""
    with Peer(recorder, "gateway") as g, Peer(recorder) as s:
        fill_up(g, OF_GATEWAYS - 1)
        for n in range(MOST - OF_GATEWAYS + 1):
            s.put(who(n))
        run, seq = s.run, s.append(who(MOST))
        assert s.settle().naks[seq][0] == EBUSY
    for again in range(2):
        if again:
            recorder.kill()
            recorder.start()
            assert approve(recorder, "ben")[0] == EBUSY  # before anybody else has written
        with Peer(recorder, resume=run) as s:
            s.append(who(MOST), first=seq, acked=seq - 1)
            assert s.settle(seq).naks[seq][0] == EBUSY
    assert len(recorder.entries("ledger.refused")) == 1


def test_no_room_for_new_ones(disk, tmp_path):
    """A full disk is one for all, however much room the log has left: they wait, and go on."""
    r = Recorder(disk.directory)
    r.log_path = tmp_path / "log"
    r.start()
    try:
        with Peer(r, "gateway") as g:
            fill_up(g, 10)
            disk.leave(0)
            n, first = 1000, g.seq + 1
            while g.stopped is None:
                g.append(*call(n, n))
                while g.seq not in g.acks and g.stopped is None:
                    g.hear()
                n += 1
            assert g.stopped == ENOSPC
            last = max(g.acks)
            assert first < last < g.seq and not g.naks
            disk.give_back()
            while g.stopped:
                g.hear()
            sent = [e for k in range(1000, n) for e in call(k, k)]
            g.append(*sent[last - first + 1:], first=last + 1)
            assert g.seq in g.settle().acks
        told = ("ledger.full", "ledger.resumed", "ledger.refused")
        kinds = [e["k"] for e in r.entries() if e["k"] in told]
        assert kinds == ["ledger.full", "ledger.resumed"]
        assert "GOOD" in r.verify()
    finally:
        r.stop()


def values(n):
    what = {"api": "a", "call": f"c{n}", "classes": [["pan", 1]], "direction": "request",
            "operation": "o", "part": 1}
    return ({"k": "api.values", "t": TIME, "v": 1, "what": what},
            [(f"thing:{n}".encode(), b"what.values_1", b"[1]")])


def for_whom(entry, person, value=b""):
    return entry[0], [*entry[1], (person, b"who.user", value)]


def test_for_whom_values_are(tmp_path):
    """They count for who is named beside them, and the ledger does not have it."""
    if time.time() % 3600 > 3570:
        time.sleep(31)  # all of it in one hour
    r = Recorder(tmp_path)
    r.more = ["--new-subjects", "3"]
    r.start()
    try:
        with Peer(r, "gateway") as gateway, Peer(r, "sensor") as sensor:
            answers = [gateway.put(for_whom(values(n), person)) for n, person in enumerate(
                [b"caller:a"] * 4 + [b"caller:b"] * 4)]
            assert [isinstance(a, int) for a in answers] == [True, True, True, False] * 2
            assert {code for code, _ in gateway.naks.values()} == {EDQUOT}
            # a name of nobody, one with a value, another one, and a writer that has no callers
            for entry in (for_whom(values(8), b""), for_whom(values(8), b"caller:c", b'"c"'),
                          for_whom(for_whom(values(8), b"caller:c"), b"caller:d")):
                assert gateway.put(entry)[0] == EINVAL
            assert sensor.put(for_whom(who(1), b"caller:c"))[0] == EINVAL
            assert isinstance(gateway.put(for_whom(values(8), b"caller:c")), int)
        kept = [e for e in r.entries() if e["k"] == "api.values"]
        assert len(kept) == 7 and all(len(e["_sd"]) == len(e["_subj"]) == 1 for e in kept)
    finally:
        r.stop()
