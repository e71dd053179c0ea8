# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping and what the recorder finds on its disk; a ledger's upkeep over the years."""
import base64
import contextlib
import functools
import hashlib
import http.server
import os
import re
import shutil
import signal
import struct
import subprocess
import threading
import time

import pytest

from recorder_host import BIN, Closed, Peer, Recorder, change, check_runs, succeeded, wait_for

SECTOR, HEADER = 512, 64


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


def some(recorder, n=10):
    with Peer(recorder) as p:
        p.put(*[change() for _ in range(n)])
    return p


def segments(recorder):
    return sorted(p for p in (recorder.private / "wal").iterdir() if p.name.isdigit())


# ---- start and stop ----

def test_start(recorder):
    opened, beat = recorder.entries()[:2]
    assert opened["k"] == "ledger.opened" and opened["what"]["size"] == 0
    assert opened["what"]["pid"] == recorder.process.pid
    assert opened["what"]["origin"] == "assay.invalid/h"
    assert opened["what"]["vkey"] == recorder.assay("ledger", "vkey", recorder.public).strip()
    assert beat["k"] == "host.heartbeat" and beat["what"]["peers"] == []
    for name in ("appended", "batches", "bytes", "refused", "resent"):
        assert beat["what"][name] == 0
    assert beat["what"]["size"] == 1 and 0 < beat["what"]["memory"] < 64 * 1024 * 1024
    assert os.stat(recorder.private).st_mode & 0o777 == 0o700
    for path in recorder.private.rglob("*"):
        if path.name != "checkpoint.old":  # which was public and will be again
            assert os.stat(path).st_mode & 0o077 == 0, path


def test_stop(recorder):
    some(recorder)
    recorder.end()
    size = recorder.signed_size()
    entries = recorder.entries()
    assert len(entries) == size
    last = entries[-1]
    assert last["k"] == "ledger.stopped" and last["what"]["size"] == size - 1
    recorder.verify()


def test_stop_under_load(recorder):
    peers = [Peer(recorder) for _ in range(8)]
    for p in peers:
        for _ in range(100):
            p.append(change())
    recorder.end(signal.SIGINT)
    entries = recorder.entries()
    assert entries[-1]["k"] == "ledger.stopped"
    assert recorder.signed_size() == len(entries)
    for p in peers:
        assert p.dropped()
        for seq, index in p.acks.items():
            assert (entries[index]["src"]["run"], entries[index]["src"]["seq"]) == (p.run, seq)
    check_runs(entries)
    recorder.verify()


def test_status_and_sandbox(recorder):
    status = recorder.status()
    assert (status["proc"], status["pid"]) == ("recorder", recorder.process.pid)
    sandbox = {name: how for name, how, *_ in status["sandbox"]}
    assert sandbox["seccomp"] == "applied", status["sandbox"]
    assert "landlock" in sandbox
    limits = open(f"/proc/{recorder.process.pid}/status").read()
    assert re.search(r"^Seccomp:\s+2$", limits, re.M)
    assert re.search(r"^NoNewPrivs:\s+1$", limits, re.M)
    some(recorder, 10)
    wait_for(lambda: recorder.status()["more"]["appended"] == 10, "the counters", 10)
    more = recorder.status()["more"]
    assert set(more) == {"absent", "appended", "backlog", "calls", "full", "held", "peers",
                         "published", "refused", "size", "subjects", "subjects_few",
                         "subjects_limited", "subjects_most"}


def test_a_second_recorder_changes_nothing(recorder):
    with Peer(recorder) as p:
        done = subprocess.run([BIN / "assay-recorder", "--state", recorder.state, "--run",
                               recorder.run, "--host", "h", "--keep-user"], capture_output=True,
                              text=True, timeout=30)
        assert done.returncode == 1 and done.stderr
        assert isinstance(p.put(change()), int)
    other = recorder.state.parent / "run2"  # not even under another socket
    other.mkdir()
    done = subprocess.run([BIN / "assay-recorder", "--state", recorder.state, "--run", other,
                           "--host", "h", "--keep-user"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 1 and "another" in done.stderr
    some(recorder)
    assert recorder.status()["pid"] == recorder.process.pid
    recorder.verify()


@pytest.mark.parametrize("args, word", [
    (["--state", "/no/such"], "/no/such"), (["--run", "/no/such"], "/no/such"),
    (["--host", "not a host"], "not a host"), (["--run", "/" + "x" * 120], "too long")])
def test_places_that_are_none(recorder, args, word):
    base = {"--state": recorder.state, "--run": recorder.run, "--host": "h"}
    base.update(dict([args]))
    done = subprocess.run([BIN / "assay-recorder", "--keep-user",
                           *[str(x) for pair in base.items() for x in pair]],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and word in done.stderr


def test_many_starts(recorder):
    """Regression: each start took one of 128 places for runs, and the 129th failed."""
    with Peer(recorder) as p:
        index = p.put(change("/first"))
    recorder.kill()
    for _ in range(140):
        recorder.spawn()
        wait_for(recorder.ready, "readiness")
        recorder.kill()
    recorder.start()
    with Peer(recorder, resume=p.run) as again:  # writers are remembered, recorders are not
        assert (again.run, again.last) == (p.run, 1)
        again.append(change("/first"), first=1, acked=0)
        again.settle()
        assert again.acks == {1: index}
    assert len(recorder.entries("ledger.opened")) == 142
    check_runs(recorder.entries())
    recorder.verify()


# ---- what it finds ----

def test_rollback(recorder, tmp_path):
    some(recorder)
    recorder.end()
    shutil.copytree(recorder.state, tmp_path / "old")
    recorder.start()
    some(recorder)
    recorder.end()
    signed = (recorder.private / "signed").read_bytes()
    checkpoint = (recorder.public / "checkpoint").read_bytes()
    shutil.rmtree(recorder.state)
    shutil.copytree(tmp_path / "old", recorder.state)
    (recorder.private / "signed").write_bytes(signed)
    size = int(signed.split(b"\n")[1])
    said = recorder.fails_to_start()
    assert "rollback" in said and str(size) in said
    # The checkpoint that was published is as good a witness.
    shutil.rmtree(recorder.state)
    shutil.copytree(tmp_path / "old", recorder.state)
    (recorder.public / "checkpoint").write_bytes(checkpoint)
    said = recorder.fails_to_start()
    assert "disagree" in said and str(size) in said
    # What it refused it left alone.
    shutil.copytree(tmp_path / "old", recorder.state, dirs_exist_ok=True)
    recorder.start()
    recorder.verify()


def test_no_rebuild_beside_a_recorder(recorder):
    some(recorder)
    said = recorder.assay("ledger", "rebuild", status=1)
    assert "a recorder or another command is writing to it" in said
    recorder.end()
    for tile in (recorder.public / "tile/0").rglob("*"):
        if tile.is_file():
            tile.unlink()
    assert "WHOLE" in recorder.assay("ledger", "rebuild")
    recorder.start()
    recorder.verify()


def batches(data):
    """[(start, end, size)] of each batch of a segment, by the table of wal.h."""
    found, at, start = [], HEADER, HEADER
    while data[at:at + 4] != b"\0\0\0\0":
        _, kind, length, _, index = struct.unpack_from("<IIIIQ", data, at)
        at += 40 + (length + 7) // 8 * 8
        if kind & 0xff == 4:
            found.append((start, at, index))
            start = at
    return found


def unsigned_tail(recorder):
    """Kill it with batches behind the last signed one; the segment and its batches."""
    with Peer(recorder) as p:
        for _ in range(200):
            p.append(change())
            p.settle()
            recorder.process.send_signal(signal.SIGSTOP)
            (path,) = segments(recorder)
            last = batches(path.read_bytes())[-1]
            if last[2] > int((recorder.private / "signed").read_text().split("\n")[1]):
                recorder.kill()
                return path, last
            recorder.process.send_signal(signal.SIGCONT)
    pytest.fail("everything was signed at once, 200 times")


def test_torn_tail(recorder):
    path, (start, end, size) = unsigned_tail(recorder)
    data = bytearray(path.read_bytes())
    cut = (start // SECTOR + 1) * SECTOR if start // SECTOR != (end - 1) // SECTOR else start
    if cut > start:
        data[cut:] = bytes(len(data) - cut)
    else:
        data[start:] = bytes(len(data) - start)  # the whole batch is in one sector that was lost
    path.write_bytes(data)
    recorder.start()
    entries = recorder.entries()
    recovered = [e["what"] for e in entries if e["k"] == "ledger.recovered"]
    if cut > start:
        assert len(recovered) == 1
        assert recovered[0]["segment"] == 1 and recovered[0]["torn_at"] == start
        assert recovered[0]["torn_bytes"] > 0 and recovered[0]["size"] < size
    check_runs(entries)
    recorder.verify()
    recorder.end()
    recorder.start()
    assert len(recorder.entries("ledger.recovered")) == len(recovered)


@pytest.mark.parametrize("where", ["header", "first record", "middle", "last trailer"])
def test_flipped_byte(recorder, where):
    some(recorder, 50)
    recorder.end()
    (path,) = segments(recorder)
    data = bytearray(path.read_bytes())
    found = batches(data)
    at = {"header": 20, "first record": HEADER + 60, "middle": found[len(found) // 2][0] + 50,
          "last trailer": found[-1][1] - 20}[where]
    data[at] ^= 1
    path.write_bytes(data)
    said = recorder.fails_to_start()
    assert f"wal/{path.name}" in said
    assert where == "header" or re.search(r"byte \d+", said)
    data[at] ^= 1
    path.write_bytes(data)
    recorder.start()
    recorder.verify()


@pytest.mark.parametrize("name, word", [
    ("keys/log", "keys/log"), ("keys/subjects", "keys/subjects"), ("keys/vault", "keys/vault"),
    ("wal", "wal"), ("signed", "signed is gone")])
def test_missing_parts(recorder, name, word):
    some(recorder)
    recorder.end()
    (recorder.private / name).rename(recorder.private / "elsewhere")
    assert word in recorder.fails_to_start()
    (recorder.private / "elsewhere").rename(recorder.private / name)
    recorder.start()
    recorder.verify()


@pytest.mark.parametrize("name", ["keys/log", "keys/subjects", "keys/vault", "signed",
                                  "wal/000000000001"])
def test_nobody_waits_for_a_pipe(recorder, name):
    """Regression: doctor, log and verify never ended, nor did the recorder's start."""
    some(recorder)
    recorder.end()
    (recorder.private / name).rename(recorder.private / "elsewhere")
    os.mkfifo(recorder.private / name, 0o600)
    for command in ("verify", "log", "doctor"):
        done = subprocess.run([BIN / "assay", command, "--state", recorder.state],
                              capture_output=True, timeout=60)
        assert done.returncode != 0 or command != "verify", (name, done)
    assert name.split("/")[0] in recorder.fails_to_start()
    (recorder.private / name).unlink()
    (recorder.private / "elsewhere").rename(recorder.private / name)
    recorder.start()
    recorder.verify()


def test_the_private_half_is_gone(recorder):
    """It says so, and makes nothing that a backup would meet."""
    some(recorder)
    recorder.end()
    away = recorder.private.with_name("away")
    recorder.private.rename(away)
    assert "its private half is gone" in recorder.fails_to_start()
    assert list(recorder.private.iterdir()) == []
    recorder.private.rmdir()
    away.rename(recorder.private)
    recorder.start()
    recorder.verify()


def test_the_published_tree_is_made_again(recorder):
    some(recorder, 300)
    recorder.end()
    vkey = recorder.assay("ledger", "vkey", recorder.public).strip()
    shutil.rmtree(recorder.public / "tile")
    (recorder.public / "checkpoint").unlink()
    recorder.start()
    assert len(recorder.entries("integrity.change")) == 300
    recorder.verify()
    recorder.assay("verify", "--key", vkey, recorder.public)


# ---- keys ----

def test_rotation(recorder):
    some(recorder)
    recorder.published()
    old = recorder.assay("ledger", "vkey", recorder.public).strip()
    new = recorder.command("rotate", reason="yearly")["vkey"]
    assert new != old and new == recorder.assay("ledger", "vkey", recorder.public).strip()
    some(recorder)
    recorder.published()
    for vkey in (old, new):  # who holds the old one can follow
        recorder.assay("verify", "--key", vkey, recorder.public)
    (entry,) = recorder.entries("ledger.key_rotated")
    assert (entry["what"]["vkey"], entry["what"]["reason"]) == (new, "yearly")
    assert entry["what"]["old_keyid"] == old.split("+")[1]
    assert entry["who"]["uid"] == os.geteuid()


@pytest.mark.parametrize("step", ["key made", "both signed"])
def test_rotation_begun_before_a_crash(recorder, step, tmp_path):
    some(recorder)
    recorder.published()
    old = recorder.assay("ledger", "vkey", recorder.public).strip()
    recorder.end()
    if step == "key made":  # another ledger of that name gives a key like one
        (tmp_path / "other").mkdir()
        other = Recorder(tmp_path / "other").start()
        other.end()
        shutil.copy(other.private / "keys" / "log", recorder.private / "keys" / "log.next")
        os.chmod(recorder.private / "keys" / "log.next", 0o600)
    else:
        kept = (recorder.private / "keys" / "log").read_bytes()
        before = {n: p.read_bytes() for n, p in notes(recorder).items()}
        recorder.start()
        recorder.command("rotate", reason="yearly")
        after = {n: p.read_bytes() for n, p in notes(recorder).items()}
        recorder.kill()
        keys = recorder.private / "keys"
        (keys / "log").rename(keys / "log.next")
        (keys / "log").write_bytes(kept)
        os.chmod(keys / "log", 0o600)
        assert before != after
    recorder.start()
    new = recorder.assay("ledger", "vkey", recorder.public).strip()
    assert new != old and not (recorder.private / "keys" / "log.next").exists()
    some(recorder)
    recorder.published()
    for vkey in (old, new):
        recorder.assay("verify", "--key", vkey, recorder.public)
    (entry,) = recorder.entries("ledger.key_rotated")
    assert entry["what"]["vkey"] == new


@contextlib.contextmanager
def struck(recorder, call, how, nth):
    """The recorder, whose n-th such system call in each thread fails."""
    trace = recorder.state.parent / "trace"
    trace.unlink(missing_ok=True)
    strace = subprocess.Popen(
        ["strace", "-f", "-o", trace, "-p", str(recorder.process.pid), "-e", f"trace={call}",
         "-e", f"inject={call}:{how}:when={nth}"], stderr=subprocess.PIPE, text=True)
    try:
        assert "attached" in strace.stderr.readline()
        yield trace
    finally:
        strace.terminate()
        strace.communicate(timeout=60)


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("call, how, step", [
    ("renameat", "error=ENOSPC", 2), ("fsync", "error=EIO", 5)])
def test_rotation_that_fails_anywhere(recorder, call, how, step):
    """Regression: after one failure the recorder signed on with the old key alone, and the ledger
    was damaged for ever."""
    some(recorder)
    recorder.published()
    first = recorder.assay("ledger", "vkey", recorder.public).strip()
    nth = 1
    while True:
        with struck(recorder, call, how, nth) as trace:
            try:
                recorder.command("rotate", reason="yearly")
            except (Closed, OSError):
                pass
            said = trace.read_text()
        if "INJECTED" not in said:
            break
        if "EIO" in how:
            try:
                recorder.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                pass  # a sync that nothing hung on
            else:
                recorder.start()
        some(recorder)
        recorder.published()
        now = recorder.assay("ledger", "vkey", recorder.public).strip()
        named = [e["what"]["vkey"] for e in recorder.entries("ledger.key_rotated")]
        assert now == (named or [first])[-1]
        for vkey in (first, now):
            recorder.assay("verify", "--key", vkey, recorder.public)
        nth += step
        assert nth < 100, "it never came to its end"
    assert nth > 1


def notes(recorder):
    return {"signed": recorder.private / "signed", "checkpoint": recorder.public / "checkpoint"}


# ---- upkeep ----

def test_prune(recorder):
    some(recorder, 300)
    some(recorder, 300)
    args = {"policy": "p", "policy_sha256": "0" * 64, "until": "2026-01-01T00:00:00.000000000Z"}
    assert recorder.command("prune", min_index=600, **args) == {"min_index": 512}
    assert not (recorder.public / "tile/entries/000").exists()
    assert not (recorder.public / "tile/entries/001").exists()
    recorder.verify()
    for stop in (recorder.kill, recorder.end):  # the log as it was written has them still
        stop()
        recorder.start()
        assert not (recorder.public / "tile/entries/001").exists()
        assert (recorder.public / "tile/0/001").exists()
    recorder.verify()
    code, text = recorder.command("prune", min_index=256, **args)
    assert code == 22 and "512" in text
    assert recorder.command("prune", min_index=10**15, **args)["min_index"] % 256 == 0
    recorder.verify()
    some(recorder)
    vkey = recorder.assay("ledger", "vkey", recorder.public).strip()
    recorder.assay("verify", "--key", vkey, recorder.public)


def test_prune_past_rotations(recorder):
    """The first key still leads to the last, from a directory and from a web server."""
    keys = []
    for n, reason in ((300, "first"), (300, "second"), (200, None)):
        keys.append(recorder.assay("ledger", "vkey", recorder.public).strip())
        some(recorder, n)
        if reason:
            recorder.command("rotate", reason=reason)
    args = {"policy": "p", "policy_sha256": "0" * 64, "until": "2026-01-01T00:00:00.000000000Z"}
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=recorder.public)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        for index in (400, 780):  # past the first, then past both
            recorder.command("prune", min_index=index, **args)
            some(recorder)
            recorder.published()
            for key in keys:
                recorder.assay("verify", "--key", key, recorder.public)
                recorder.assay("verify", "--key", key, url)
        server.shutdown()
    kept = recorder.public / "rotation" / "pruned"
    assert len(kept.read_bytes().splitlines()) == 2
    kept.write_bytes(kept.read_bytes().replace(b"second", b"secund"))
    recorder.assay("verify", "--key", keys[0], recorder.public, status=1)


def test_stamp(recorder):
    some(recorder)
    recorder.published()
    note, reply = (recorder.public / "checkpoint").read_bytes(), b"\x30\x03\x02\x01\x00"
    size, root = note.decode().split("\n")[1:3]
    args = {"size": int(size), "root": base64.b64decode(root).hex(),
            "digest": hashlib.sha256(reply).hexdigest(), "time": "2026-01-02T03:04:05.000000000Z",
            "authority": "CN=test", "note": base64.b64encode(note).decode(),
            "reply": base64.b64encode(reply).decode()}
    assert recorder.command("stamp", **args) == {"size": int(size)}
    assert (recorder.public / "stamp" / f"{size}.tsr").read_bytes() == reply
    assert (recorder.public / "stamp" / f"{size}.note").read_bytes() == note
    (entry,) = recorder.entries("ledger.stamped")
    assert entry["what"]["digest"] == args["digest"]
    assert recorder.command("stamp", **args) == {"size": int(size)}


def test_succession(recorder):
    some(recorder)
    # As a supervisor does: status 75 means at once again.
    statuses = []

    def supervise():
        statuses.append(recorder.process.wait())
        deadline = time.monotonic() + 30
        while not succeeded(recorder) and time.monotonic() < deadline:
            time.sleep(0.01)
        recorder.start()

    thread = threading.Thread(target=supervise)
    thread.start()
    old_vkey = recorder.assay("ledger", "vkey", recorder.public).strip()
    try:
        recorder.assay("ledger", "succeed", "--origin", "assay.invalid/h/2", "--reason", "test")
    finally:
        thread.join()
    assert statuses == [75]
    first = recorder.entries()[0]
    assert first["k"] == "ledger.opened" and first["what"]["origin"] == "assay.invalid/h/2"
    assert first["what"]["previous_origin"] == "assay.invalid/h"
    assert first["what"]["previous_vkey"] == old_vkey
    old = recorder.state / "ledger.1"
    recorder.assay("verify", "--key", old_vkey, old)
    size = int((old / "checkpoint").read_text().split("\n")[1])
    assert first["what"]["previous_size"] == size
    recorder.verify()
    some(recorder)


@pytest.mark.parametrize("moved", [1, 2, 3])
def test_no_ledger_is_begun_while_one_is_succeeded(recorder, moved):
    """Between the renames that put the next ledger in place there is no ledger, or half of one: a
    recorder that was started then began one of its own, from which nothing went on."""
    some(recorder)
    vkey = recorder.assay("ledger", "vkey", recorder.public).strip()
    recorder.end()
    recorder.assay("ledger", "succeed", "--origin", "assay.invalid/h/2", "--reason", "test",
                   recorder.public)
    # Back to where it was after the first renames, of four.
    moves = [("ledger", "ledger.1"), ("ledger.private", "ledger.1.private"),
             ("ledger.next", "ledger"), ("ledger.next.private", "ledger.private")]
    for here, there in reversed(moves[moved:]):
        (recorder.state / there).rename(recorder.state / here)
    before = sorted(p.relative_to(recorder.state) for p in recorder.state.rglob("*"))
    assert "is being succeeded by ledger.next" in recorder.fails_to_start()
    assert sorted(p.relative_to(recorder.state) for p in recorder.state.rglob("*")) == before
    recorder.assay("ledger", "succeed", "--reason", "test", recorder.public)
    recorder.start()
    some(recorder)
    recorder.published()
    recorder.assay("verify", "--key", vkey, recorder.state / "ledger.1", "--successor",
                   recorder.public)


def test_a_succeeded_ledger_is_closed(recorder):
    some(recorder)
    vkey = recorder.assay("ledger", "vkey", recorder.public).strip()
    with Peer(recorder, "admin") as p:
        p.command("succeed", next_origin="assay.invalid/next", next_vkey=vkey, reason="r")
    assert recorder.process.wait(timeout=30) == 75
    last = recorder.entries()[-1]
    assert last["k"] == "ledger.succeeded"
    assert recorder.signed_size() == len(recorder.entries())
    assert "succeeded" in recorder.fails_to_start()
    recorder.verify()
