# SPDX-License-Identifier: Apache-2.0
"""Ceilings that others may run into on purpose, and promises kept after a crash."""
import base64
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from recorder_host import BIN, Closed, Peer, Recorder, change, wait_for


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


def with_values(n, length):
    value = json.dumps("x" * length).encode()
    names = (b"who.cmdline", b"who.tty", b"who.user")
    return change(), [(b"uid:1", name, value) for name in names[:n]]


def test_all_that_is_acknowledged_can_be_published(recorder):
    """A bundle of entries with the longest values was once too much for its file of rows: the
    ledger was never published again, and the recorder did not start any more."""
    with Peer(recorder) as p:
        code, text = p.put(with_values(3, 42000))
        assert "sensitive values of" in text and "at most" in text
        assert isinstance(p.put(with_values(1, 32000)), int)
        for _ in range(300):
            p.append(with_values(1, 32000))
        p.settle()
        assert len(p.acks) == 301
    assert recorder.published() >= 302
    recorder.end()
    recorder.start()
    assert "GOOD" in recorder.verify()
    assert len(recorder.entries("integrity.change")) == 301
    assert len(recorder.entries("ledger.refused")) == 1


def test_the_silent_keep_no_place(recorder):
    """Ninety-six of them once kept everybody out for as long as they liked."""
    silent = []
    try:
        while len(silent) < 96:
            try:
                silent.append(Peer(recorder, hello=False))
            except BlockingIOError:  # the backlog is full for a moment
                time.sleep(0.01)
        for s in silent:
            assert s.dropped()
        with Peer(recorder) as p:
            assert isinstance(p.put(change()), int)
        wait_for(lambda: recorder.entries("ledger.peer")[-1]["what"], "entries")
        told = [e for e in recorder.entries("ledger.peer") if e["what"]["event"] == "violation"]
        assert len(told) == 1 and "said nothing" in told[0]["what"]["reason"]
    finally:
        for s in silent:
            s.sock.close()


def welcomed(recorder, proc, n):
    """So many of n that come and stay as proc; the others are turned away."""
    peers = []
    for _ in range(n):
        try:
            peers.append(Peer(recorder, proc))
        except Closed:
            break
    return peers


def test_who_administers_leaves_room_for_writers(recorder):
    admins = welcomed(recorder, "admin", 96)
    try:
        assert len(admins) == 32
        with Peer(recorder) as p:
            assert isinstance(p.put(change()), int)
            admins.pop().sock.close()
            wait_for(lambda: admins.extend(welcomed(recorder, "admin", 1)) or len(admins) == 32,
                     "a place that became free")
    finally:
        for a in admins:
            a.sock.close()
    wait_for(lambda: [e for e in recorder.entries("ledger.peer")
                      if "turned away" in e["what"].get("reason", "")], "what is told of it")


@pytest.mark.skipif(os.geteuid() != 0, reason="is of root's places")
def test_root_leaves_room_for_others(recorder):
    """Root's own processes once could take all 96."""
    writers = welcomed(recorder, "sensor", 96)
    try:
        assert len(writers) == 80
        assert isinstance(writers[-1].put(change()), int)
    finally:
        for w in writers:
            w.sock.close()


def promise(recorder, verb, **args):
    """As a recorder leaves it that is killed before it has done what it was asked."""
    recorder.end(signal.SIGKILL, -signal.SIGKILL)
    pending = recorder.private / "pending"
    pending.mkdir(mode=0o700, exist_ok=True)
    (pending / verb).write_bytes(json.dumps(args, sort_keys=True, separators=(",", ":")).encode())


def kept(recorder, verb):
    return not (recorder.private / "pending" / verb).exists()


def test_a_promised_hold_is_set(recorder):
    with Peer(recorder) as p:
        p.put((change(), [(b"uid:7", b"who.user", b'"u"')]))
    promise(recorder, "hold", reason="case 1", state="set", subject="uid:7")
    recorder.start()
    assert kept(recorder, "hold")
    assert recorder.entries("ledger.hold")[-1]["what"]["state"] == "set"
    code, text = recorder.command("erase", basis="b", policy="p", subject="uid:7")
    assert "legal hold" in text


def test_a_promised_pruning_is_done(recorder):
    with Peer(recorder) as p:
        for _ in range(600):
            p.append(change())
            p.settle()
    recorder.published()
    promise(recorder, "prune", min_index=256, policy="p", policy_sha256="0" * 64)
    recorder.start()
    assert kept(recorder, "prune")
    assert (recorder.public / "pruned").read_text() == "256\n"
    assert not (recorder.public / "tile/entries/000").exists()
    assert recorder.entries("ledger.pruned")[-1]["what"]["min_index"] == 256
    assert "GOOD" in recorder.verify()


def test_a_hold_keeps_entries_from_being_pruned(recorder):
    with Peer(recorder) as p:
        p.put((change(), [(b"uid:7", b"who.user", b'"u"')]))
        for _ in range(600):
            p.append(change())
            p.settle()
    recorder.published()
    recorder.command("hold", reason="case 1", state="set", subject="uid:7")
    code, text = recorder.command("prune", min_index=256, policy="p", policy_sha256="0" * 64)
    assert "legal hold" in text
    assert not (recorder.public / "pruned").exists()
    recorder.command("hold", reason="closed", state="lifted", subject="uid:7")
    reply = recorder.command("prune", min_index=256, policy="p", policy_sha256="0" * 64)
    assert reply == {"min_index": 256}


def test_a_promised_stamp_is_stored(recorder):
    note = (recorder.public / "checkpoint").read_bytes()
    size = recorder.signed_size()
    promise(recorder, "stamp", authority="a", digest="0" * 64,
            note=base64.b64encode(note).decode(), reply=base64.b64encode(b"reply").decode(),
            root="0" * 64, size=size, time="2026-01-02T03:04:05.000000006Z")
    recorder.start()
    assert kept(recorder, "stamp")
    assert (recorder.public / f"stamp/{size}.tsr").read_bytes() == b"reply"
    assert recorder.entries("ledger.stamped")[-1]["what"]["size"] == size


def test_a_promised_succession_ends_the_ledger(recorder):
    promise(recorder, "succeed", next_origin="x/2027", next_vkey="k", reason="new year")
    assert recorder.spawn().wait(timeout=60) == 75
    assert kept(recorder, "succeed")
    last = json.loads(subprocess.run([BIN / "assay", "log", "--json", "--state", recorder.state],
                                     capture_output=True, check=True).stdout.splitlines()[-1])
    assert last["k"] == "ledger.succeeded"
    assert "succeeded this one" in recorder.fails_to_start()


def test_a_promise_that_makes_no_sense_is_let_go(recorder):
    promise(recorder, "hold", reason="r", state="set", subject="nobody")
    recorder.start()
    assert kept(recorder, "hold")
    assert recorder.entries("ledger.hold") == []
    shutil.rmtree(recorder.private / "pending")


def test_what_it_says_gets_into_no_file_of_its_own(tmp_path):
    """Started with nothing open: what it opened first had the numbers of standard output and
    error, and its own words went there."""
    r = Recorder(tmp_path)
    r.process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", BIN / "assay-recorder", "--state", r.state,
         "--run", r.run, "--host", "h", "--keep-user"])
    try:
        wait_for(r.ready, "the recorder's readiness")
        held = {n: os.readlink(f"/proc/{r.process.pid}/fd/{n}") for n in range(3)}
        assert held == {0: "/", 1: "/", 2: "/"}
        with Peer(r) as p:
            p.put(change())
        r.end()
    finally:
        r.stop()
    for place in (r.run, r.private / "keys", r.private / "vault"):
        for path in place.iterdir():
            assert not path.is_file() or b"recorder.ready" not in path.read_bytes(), path
