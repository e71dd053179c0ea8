# SPDX-License-Identifier: Apache-2.0
"""Erasing and pruning a large ledger while writers go on: nobody waits, nothing is missed."""
import json
import random
import subprocess
import threading
import time

import pytest

from recorder_host import BIN, TIME, Closed, Peer, Recorder, change, check_runs, wait_for

SUBJECTS = ("uid:7", "uid:8")
NAMES = ("who.address", "who.cmdline", "who.outer_address", "who.tty", "who.user")


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


def sensitive(n, names=NAMES[-1:]):
    """Most are of the first subject, some of the other, few of none."""
    return change(), [(SUBJECTS[n % 10 == 7].encode(), name.encode(), f'"value {n}"'.encode())
                      for name in names] if n % 20 else []


def fill(recorder, entries, names=NAMES[-1:]):
    with Peer(recorder) as p:
        for first in range(0, entries, 64):
            p.append(*[sensitive(first + i, names) for i in range(64)])
            p.settle()


def doctor(recorder):
    done = subprocess.run([BIN / "assay", "doctor", "--json", "--state", recorder.state],
                          capture_output=True, text=True)
    return {c["name"]: c for c in json.loads(done.stdout)["checks"]}["vault"]


def test_a_damaged_key_of_names(recorder):
    """No name would be found under it, and everybody be somebody new."""
    fill(recorder, 64)
    size = recorder.published()
    recorder.end()
    path = recorder.private / "keys/vault"
    key = path.read_bytes()
    for at in (0, 31):
        path.write_bytes(key[:at] + bytes([key[at] ^ 1]) + key[at + 1:])
        assert "keys/vault: not the key" in recorder.fails_to_start()
        assert "keys/vault: not the key" in recorder.assay("verify", status=1)
        assert doctor(recorder)["verdict"] == "broken"
        assert "keys/vault: not the key" in doctor(recorder)["what"]
    path.write_bytes(key)
    recorder.start()
    assert recorder.published() >= size
    assert doctor(recorder)["verdict"] == "good"
    policy = recorder.state / "policy"
    policy.write_text("on request\n")
    recorder.assay("erase", "subject", "uid:7", "--basis", "asked for", "--policy", policy)
    recorder.verify()


class Load:
    """A writer that does not stop until it is told to."""

    def __init__(self, recorder):
        self.peer, self.ended = Peer(recorder), False
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        try:
            while not self.ended:
                self.peer.append(*[sensitive(self.peer.seq + i) for i in range(16)])
                self.peer.settle()
        except (Closed, OSError):
            pass

    def acked(self):
        return dict(self.peer.acks)

    def end(self):
        self.ended = True
        self.thread.join()
        self.peer.sock.close()


@pytest.fixture
def load(recorder):
    writer = Load(recorder)
    yield writer
    writer.end()


def is_disclosed(said):
    return bool(said.get("disclosed"))


def covered(erasures):
    return {i for e in erasures for a, b in e["what"]["indices"] for i in range(a, b + 1)}


def disclosed(recorder):
    return [json.loads(line) for line in
            recorder.assay("log", "--json", "--disclose", "--limit", "0").splitlines()]


def test_erasing_under_load(recorder):
    """100,000 sensitive fields of one subject: while their rows go, others are acknowledged.

    Before, a command waited for ever as long as entries kept coming, and all writers for it."""
    fill(recorder, 24000, NAMES)
    load = Load(recorder)
    try:
        wait_for(lambda: len(load.acked()) > 100, "entries")
        reply = recorder.command("erase", subject="uid:7", basis="b", policy="p")
        acked = load.acked()
        wait_for(lambda: len(load.acked()) > len(acked) + 100, "more entries")
    finally:
        load.end()
    entries = recorder.entries()
    erasures = [i for i, e in enumerate(entries) if e["k"] == "ledger.erasure"]
    of_subject = {i for i, e in enumerate(entries) if reply["subject"] in e.get("_subj", [])}
    assert reply["rows"] > 100000
    assert covered(entries[i] for i in erasures) == of_subject
    assert len(of_subject) == reply["entries"]
    assert max(of_subject) < erasures[0]
    # It was recorded, then these were written and acknowledged, then it was done.
    assert sum(index > erasures[-1] for index in acked.values()) > 16
    # Its values are gone, all of the other's are there, and so are those of its next identity.
    for i, (e, said) in enumerate(zip(entries, disclosed(recorder))):
        assert is_disclosed(said) == ("_subj" in e and i not in of_subject), e
    later = {e["_subj"][0] for i, e in enumerate(entries) if i > max(of_subject) and "_subj" in e}
    assert len(later) == 2 and reply["subject"] not in later
    check_runs(entries)
    recorder.verify()


def test_pruning_under_load(recorder):
    fill(recorder, 16000)
    load = Load(recorder)
    seen = []

    def look():
        """The checkpoint's size whenever the minimum index can be seen."""
        while not load.ended:
            if (recorder.public / "pruned").exists() and not seen:
                seen.append(recorder.signed_size())
            time.sleep(0.001)

    thread = threading.Thread(target=look)
    thread.start()
    before = len(load.acked())
    reply = recorder.command("prune", min_index=15000, policy="p", policy_sha256="0" * 64,
                             until=TIME)
    assert reply == {"min_index": 15000 // 256 * 256}
    assert len(load.acked()) > before
    load.end()
    thread.join()
    assert not (recorder.public / "tile/entries/057").exists()
    assert (recorder.public / "tile/entries/058").exists()
    assert not (recorder.private / "vault/057").exists()
    assert (recorder.private / "vault/058").exists()
    entries = recorder.entries()
    (pruned,) = [i for i, e in enumerate(entries) if e["k"] == "ledger.pruned"]
    first = recorder.signed_size() - len(entries)  # of those that are left
    assert seen and seen[0] > first + pruned
    recorder.verify()


def kill_at(recorder, seconds, after):
    """After so many seconds, or as many after a file is there."""
    end = time.monotonic() + 20
    while after and not after.exists() and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(seconds)
    recorder.kill()


def test_killed_while_erasing(recorder):
    """Erased whole, with an entry that says so, or not at all."""
    dice = random.Random(7)
    promise = recorder.private / "pending" / "erase"
    fill(recorder, 8000)
    begun = time.monotonic()
    assert recorder.command("erase", subject="uid:8", basis="b", policy="p")["rows"] > 700
    whole = time.monotonic() - begun
    for n in range(8):
        fill(recorder, 640)  # of a new identity, if the last one was erased
        admin = Peer(recorder, "admin")
        thread = threading.Thread(target=ask, args=(admin,))
        thread.start()
        kill_at(recorder, dice.random() * whole, promise if n % 2 else None)
        thread.join()
        recorder.start()
        assert not promise.exists()
        entries = recorder.entries()
        gone = {e["what"]["subject"] for e in entries if e["k"] == "ledger.erasure"}
        for e, said in zip(entries, disclosed(recorder)):
            erased = set(e.get("_subj", [])) & gone
            assert is_disclosed(said) == ("_subj" in e and not erased)
        for subject in gone:
            assert covered(e for e in entries if e["k"] == "ledger.erasure" and
                           e["what"]["subject"] == subject) == {
                i for i, e in enumerate(entries) if subject in e.get("_subj", [])}
    assert len(gone) > 1, "it was always killed too early"
    recorder.verify()


def test_killed_while_pruning(recorder):
    """Gone whole, with an entry that says so; or all of it is there."""
    dice = random.Random(9)
    promise = recorder.private / "pending" / "prune"
    fill(recorder, 16000)
    for n in range(1, 9):
        admin = Peer(recorder, "admin")
        args = {"min_index": 1792 * n, "policy": "p", "policy_sha256": "0" * 64, "until": TIME}
        thread = threading.Thread(target=ask, args=(admin, "prune", args))
        thread.start()
        kill_at(recorder, dice.random() * 0.02, promise)
        thread.join()
        recorder.start()
        assert not promise.exists()
        assert (recorder.public / "pruned").read_text() == f"{1792 * n}\n"
        assert (recorder.public / "tile" / "0" / "000").exists()  # hashes stay
        for below in (recorder.public / "tile" / "entries", recorder.private / "vault"):
            assert min(int(p.name) for p in below.iterdir() if p.name.isdigit()) == 7 * n, below
        recorder.verify()


def ask(admin, verb="erase", args=None):
    """Ask, whatever becomes of the recorder or the line."""
    try:
        admin.command(verb, **(args or {"subject": "uid:7", "basis": "b", "policy": "p"}))
    except (Closed, OSError):
        pass


def test_whoever_asked_leaves(recorder, load):
    """Before the entry, nothing has happened; behind it, all of it is done."""
    fill(recorder, 8000)
    for _ in range(3):
        admin = Peer(recorder, "admin")
        thread = threading.Thread(target=ask, args=(admin,))
        thread.start()
        time.sleep(0.05)
        admin.sock.shutdown(2)
        thread.join()
        admin.sock.close()
    reply = recorder.command("erase", subject="uid:8", basis="b", policy="p")
    assert isinstance(reply, dict) and reply["rows"] > 0
    load.end()
    assert not (recorder.private / "pending" / "erase").exists()
    recorder.verify()
