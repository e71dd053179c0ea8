# SPDX-License-Identifier: Apache-2.0
"""One entry with one sensitive field goes the whole way."""
import json
import pathlib
import shutil
import subprocess

import pytest

from recorder_host import BIN, Peer, Recorder, change

MARKER = "Zebulon Q. Marker-7391"
LABEL = "uid:7391"


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


def entry_of(recorder, index):
    return recorder.lines()[index] + "\n"


def put_sensitive(recorder, value=MARKER, label=LABEL):
    with Peer(recorder) as p:
        index = p.put((change(), [(label.encode(), b"who.user", json.dumps(value).encode())]))
    assert isinstance(index, int), index
    return index


def verify_proof(proof, vkey, entry, status=0):
    """By somebody who has these three files and nothing of the host."""
    done = subprocess.run([BIN / "assay", "verify", "--proof", proof, "--key", vkey, "--entry",
                           entry], capture_output=True, text=True)
    assert done.returncode == status, done
    return done.stdout + done.stderr


def in_clear(directory, marker=MARKER):
    return [p for p in pathlib.Path(directory).rglob("*")
            if p.is_file() and marker.encode() in p.read_bytes()]


def test_the_whole_way(recorder, tmp_path):
    index = put_sensitive(recorder)
    recorder.published()
    proof, entry = tmp_path / "x.tlog-proof", tmp_path / "entry"
    recorder.assay("prove", "--disclose", "who.user", "--output", proof, index)
    vkey = recorder.assay("ledger", "vkey", recorder.public).strip()
    entry.write_text(entry_of(recorder, index))
    assert MARKER not in entry.read_text() and LABEL not in entry.read_text()
    assert MARKER in verify_proof(proof, vkey, entry)
    assert in_clear(recorder.state) == []
    assert in_clear(recorder.state, LABEL) == []

    policy = tmp_path / "policy.md"
    policy.write_text("Names of former users go after a year.\n")
    recorder.assay("erase", "subject", LABEL, "--basis", "GDPR 17", "--policy", policy)
    # The proof that was given away holds; so does the ledger; the vault is silent.
    assert MARKER in verify_proof(proof, vkey, entry)
    recorder.verify()
    assert entry_of(recorder, index) == entry.read_text()
    (erasure,) = recorder.entries("ledger.erasure")
    assert erasure["what"]["indices"] == [[index, index]]
    assert erasure["what"]["basis"] == "GDPR 17" and "policy.md" in erasure["what"]["policy"]
    assert erasure["what"]["rows"] == 1
    assert json.loads(entry.read_text())["_subj"] == [erasure["what"]["subject"]]
    assert MARKER not in recorder.assay("log", "--json", "--disclose", "--limit", "0")
    again = tmp_path / "y.tlog-proof"
    recorder.assay("prove", "--disclose-all", "--output", again, index)
    assert MARKER not in verify_proof(again, vkey, entry)
    assert in_clear(recorder.state) == []
    # And with nobody running: from the files alone.
    recorder.end()
    copy = tmp_path / "copy"
    shutil.copytree(recorder.public, copy)
    done = subprocess.run([BIN / "assay", "verify", copy, "--key", vkey], capture_output=True)
    assert done.returncode == 0, done


def test_the_value_is_nowhere_while_in_the_log_only(recorder):
    """Also before anything is published, and after a crash."""
    put_sensitive(recorder)
    recorder.kill()
    assert any(p.stat().st_size for p in (recorder.private / "wal").iterdir())
    assert in_clear(recorder.state) == []
    recorder.start()
    assert in_clear(recorder.state) == []
    assert MARKER in recorder.assay("log", "--json", "--disclose", "--limit", "0")


def erase(recorder, label=LABEL):
    return recorder.command("erase", subject=label, basis="b", policy="p")


def test_hold_blocks_erasure(recorder):
    index = put_sensitive(recorder)
    assert "subject" in recorder.command("hold", subject=LABEL, state="set", reason="case 7")
    assert erase(recorder) == (16, "the subject is under a legal hold")
    recorder.end()
    recorder.start()
    assert erase(recorder) == (16, "the subject is under a legal hold")
    assert not (recorder.private / "pending" / "erase").exists()
    assert recorder.entries("ledger.erasure") == []
    recorder.command("hold", subject=LABEL, state="lifted", reason="case 7 closed")
    assert erase(recorder)["rows"] == 1
    holds = [e["what"]["state"] for e in recorder.entries("ledger.hold")]
    assert holds == ["set", "lifted"]
    assert recorder.entries("ledger.erasure")[0]["what"]["indices"] == [[index, index]]
    recorder.verify()


def test_lost_values_are_damage(recorder):
    """Who erased nothing has lost something, and verify says so where it sees the private half."""
    lost = put_sensitive(recorder, label="uid:1")
    put_sensitive(recorder, label="uid:2")
    erase(recorder, "uid:2")
    recorder.published()
    said = json.loads(recorder.assay("verify", "--json"))
    assert {k: said["private"][k] for k in ("erased", "sealed", "values")} == {
        "erased": 1, "sealed": 2, "values": 1}
    assert "sealed     1 value of 2 entries, 1 erased\n" in recorder.verify()
    for rows in (recorder.private / "vault").iterdir():
        rows.unlink()
    said = recorder.assay("verify", status=1)
    assert "values of 1 entries are missing and nobody erased them" in said
    assert f"the first is entry {lost}" in said
    recorder.assay("verify", recorder.public, "--key",
                   recorder.assay("ledger", "vkey", recorder.public).strip())


def test_an_erasure_that_no_entry_tells_of_is_damage(recorder, tmp_path):
    index = put_sensitive(recorder)
    recorder.published()
    recorder.end()
    before = tmp_path / "before"
    shutil.copytree(recorder.state, before)
    recorder.start()
    erase(recorder)
    recorder.published()
    recorder.end()
    recorder.verify()
    private = before / recorder.private.name
    shutil.copy(recorder.private / "keys" / "subjects", private / "keys" / "subjects")
    shutil.rmtree(private / "vault")
    shutil.copytree(recorder.private / "vault", private / "vault")
    done = subprocess.run([BIN / "assay", "verify", "--state", before], capture_output=True,
                          text=True)
    assert done.returncode == 1 and "DAMAGED  " in done.stdout
    assert f"of entry {index} is erased, and no entry ledger.erasure says so" in done.stderr


def test_erased_and_unknown_subjects(recorder):
    put_sensitive(recorder)
    assert erase(recorder)["rows"] == 1
    code, text = erase(recorder)
    assert code == 2 and text
    code, text = erase(recorder, "nobody:1")
    assert code == 2 and text
    # The same person again is a new subject, disclosed as before.
    put_sensitive(recorder, "again")
    recorder.published()
    said = recorder.assay("log", "--json", "--disclose", "--limit", "0")
    assert "again" in said and MARKER not in said
    assert erase(recorder)["rows"] == 1
    recorder.verify()


def note(recorder, **text):
    pending = recorder.private / "pending"
    pending.mkdir(mode=0o700, exist_ok=True)
    (pending / "erase").write_text(json.dumps(text, sort_keys=True, separators=(",", ":")))


def subject_of(recorder, index):
    return json.loads(recorder.lines()[index])["_subj"][0]


def test_erasure_begun_before_a_crash_is_done_at_start(recorder):
    index = put_sensitive(recorder)
    subject = subject_of(recorder, index)
    recorder.kill()
    note(recorder, basis="b", policy="p", subject=subject)
    recorder.start()
    (entry,) = recorder.entries("ledger.erasure")
    assert entry["what"]["subject"] == subject and entry["what"]["indices"] == [[index, index]]
    assert not (recorder.private / "pending" / "erase").exists()
    assert MARKER not in recorder.assay("log", "--json", "--disclose", "--limit", "0")
    recorder.verify()


def test_erasure_that_was_done_before_the_crash_leaves_no_note(recorder):
    """Regression: the note stayed for ever when the subject was gone already."""
    index = put_sensitive(recorder)
    subject = subject_of(recorder, index)
    erase(recorder)
    recorder.kill()
    note(recorder, basis="b", policy="p", subject=subject)
    recorder.start()
    assert not (recorder.private / "pending" / "erase").exists()
    recorder.verify()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'{"basis":"b"}',
                                  b'{"basis":1,"policy":2,"subject":3}'])
def test_a_damaged_note_is_named(recorder, text):
    recorder.kill()
    note(recorder)
    (recorder.private / "pending" / "erase").write_bytes(text)
    assert "pending/erase" in recorder.fails_to_start()
