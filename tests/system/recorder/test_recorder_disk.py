# SPDX-License-Identifier: Apache-2.0
"""A full disk, on a small file system of its own: writers wait, readers do not, all goes on."""
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

from recorder_host import BIN, Peer, Recorder, change, check_runs, wait_for
from test_recorder_crash import Writer, judge

ENOSPC, MIB = 28, 1024 * 1024

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")


class Disk:
    def __init__(self, directory):
        self.directory = directory
        self.filler = directory / "filler"

    def free(self):
        s = os.statvfs(self.directory)
        return s.f_bavail * s.f_frsize

    def leave(self, room):
        """Somebody else fills the disk up to so many bytes."""
        with open(self.filler, "ab") as f:
            while self.free() > room:
                f.write(bytes(min(self.free() - room, MIB)))
                f.flush()

    def give_back(self):
        self.filler.unlink()


@pytest.fixture
def disk():
    with tempfile.TemporaryDirectory(prefix="assay-disk-") as name:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m,mode=0755", "assay", name],
                              capture_output=True)
        if done.returncode:
            pytest.skip(f"no tmpfs can be mounted: {done.stderr.decode().strip()}")
        try:
            yield Disk(pathlib.Path(name))
        finally:
            subprocess.run(["umount", "-l", name], check=True)


@pytest.fixture
def recorder(disk, tmp_path):
    r = Recorder(disk.directory)
    r.log_path = tmp_path / "log"
    r.start()
    yield r
    r.stop()


def fill(peer, pause=0.01):
    """Write until the recorder says stop; the last sequence sent."""
    while peer.stopped is None:
        time.sleep(pause)
        peer.append(*[change("/" + "x" * 600) for _ in range(64)])
        while peer.seq not in peer.acks and peer.stopped is None:
            peer.hear()
    assert peer.stopped == ENOSPC
    return peer.seq


def status_of(recorder):
    done = subprocess.run([BIN / "assay", "status", "--state", recorder.state, "--run",
                           recorder.run], capture_output=True, text=True)
    assert done.returncode == 1
    return done.stdout


def test_full_and_room_again(recorder, disk):
    with Peer(recorder) as p, Peer(recorder) as other:
        other.put(change("/other"))
        disk.leave(1 * MIB)
        last = fill(p)
        first = max(p.acks) + 1
        while other.stopped is None:
            other.hear()
        assert other.stopped == ENOSPC
        # Reading, proving and signing go on; nothing else comes in.
        (full,) = recorder.entries("ledger.full")
        recorder.verify()
        assert recorder.assay("prove", p.acks[1]).startswith("c2sp.org/tlog-proof@v1")
        assert recorder.signed_size() > max(p.acks.values())
        assert recorder.command("status")["full"] is True
        wait_for(lambda: "no room on the disk" in status_of(recorder), "the status to say it")
        other.append(change("/refused"))
        assert "full" in recorder.log_path.read_text()
        # Who comes now hears it at once.
        with Peer(recorder) as late:
            while late.stopped is None:
                late.hear()
            assert late.stopped == ENOSPC
        disk.give_back()
        for q in (p, other):
            while q.stopped:
                q.hear()
        p.append(*[change() for _ in range(last - first + 1)], first=first)
        p.settle()
        other.append(change("/refused"), first=2)
        other.settle()
        assert sorted(p.acks) == list(range(1, last + 1)) and sorted(other.acks) == [1, 2]
    entries = recorder.entries()
    (resumed,) = [e for e in entries if e["k"] == "ledger.resumed"]
    assert full["src"]["seq"] < resumed["src"]["seq"] and resumed["what"]["refused"] >= 1
    assert [e for e in entries if e["k"] == "ledger.peer" and
            e["what"]["event"] == "violation"] == []
    check_runs(entries)
    recorder.verify()


def test_writers_go_on_by_themselves(recorder, disk, tmp_path):
    """Regression: what was in flight when the disk was full was never sent again."""
    writers = [Writer(recorder, tmp_path, f"w{i}") for i in range(3)]
    try:
        for _ in range(3):
            disk.leave(1 * MIB)
            with Peer(recorder) as p:
                fill(p)
            for w in writers:
                wait_for(lambda: w.lines("S") and w.lines("S")[-1] == [str(-ENOSPC)], "the stop")
            disk.give_back()
            for w in writers:
                before = len(w.lines("A"))
                wait_for(lambda: len(w.lines("A")) > before + 100, "its going on")
        for w in writers:
            w.end()
            assert len(w.lines("R")) == 1, "a stop is no reason to come again"
    finally:
        for w in writers:
            w.kill()
    assert len(recorder.entries("ledger.full")) == len(recorder.entries("ledger.resumed")) == 3
    judge(recorder, writers)


def test_no_room_at_all(recorder, disk):
    """Not even for a tile: what was told durable stays so, signing waits for room."""
    with Peer(recorder) as p:
        disk.leave(0)
        fill(p)
        disk.leave(0)
        acks = dict(p.acks)
    recorder.kill()
    disk.give_back()
    recorder.start()
    entries = recorder.entries()
    for seq, index in acks.items():
        assert (entries[index]["src"]["run"], entries[index]["src"]["seq"]) == (p.run, seq)
    check_runs(entries)
    recorder.verify()


def test_restart_while_full(recorder, disk):
    """Regression: with the reserve used up before a restart the recorder ended, again and again."""
    with Peer(recorder) as p:
        disk.leave(1 * MIB)
        fill(p)
    for _ in range(2):
        recorder.end()
        recorder.start()
        with Peer(recorder) as q:
            fill(q)
        assert recorder.process.poll() is None
        assert recorder.command("status")["full"] is True
    disk.give_back()
    wait_for(lambda: recorder.command("status")["full"] is False, "the room")
    with Peer(recorder) as q:
        assert isinstance(q.put(change("/again")), int)
    check_runs(recorder.entries())
    recorder.verify()


def test_an_erasure_that_found_no_room_is_not_done_later(recorder, disk):
    """Regression: it was answered with an error, and done by the next start."""
    with Peer(recorder) as p:
        p.put((change(), [(b"uid:5", b"who.user", b'"marker"')]))
        disk.leave(1 * MIB)
        fill(p)
        # Use up what is left for our own entries.
        while recorder.command("erase", subject="uid:6", basis="b", policy="p")[0] != 2:
            pass
    n = 0
    while True:
        said = recorder.command("hold", subject="uid:5", state="lifted", reason="x" * 1000)
        n += 1
        if isinstance(said, tuple):
            break
        assert n < 20000
    assert said[0] == ENOSPC
    code, text = recorder.command("erase", subject="uid:5", basis="b", policy="p")
    assert code == ENOSPC and text
    assert not (recorder.private / "pending" / "erase").exists()
    disk.give_back()
    recorder.end()
    recorder.start()
    assert recorder.entries("ledger.erasure") == []
    assert "marker" in recorder.assay("log", "--json", "--disclose", "--limit", "0")


# ---- a backlog ----

BACKLOG = 16  # MiB


@pytest.fixture
def cramped(disk, tmp_path):
    """A recorder whose published tree lies on a file system of its own, with room for little."""
    r = Recorder(disk.directory)
    r.log_path = tmp_path / "log"
    r.more = ["--backlog", str(BACKLOG)]
    r.state.mkdir(exist_ok=True)
    r.public.mkdir()
    r.public.chmod(0o755)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "assay", r.public],
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    try:
        r.start()
        yield r
    finally:
        r.stop()
        subprocess.run(["umount", "-l", r.public], check=True)


def wal_bytes(recorder):
    return sum(f.stat().st_size for f in (recorder.private / "wal").iterdir())


def write_until_held(recorder, peer):
    """One message after the other, until they are not read any more; the bytes sent."""
    peer.sock.settimeout(1)
    sent = 0
    try:
        while sent < 8 * BACKLOG * MIB:
            while peer.seq - peer.acked() > 256:
                peer.hear()
            last = peer.seq
            peer.append(*[change("/" + "x" * 2000) for _ in range(32)])
            last = peer.seq
            sent += 32 * 2000
    except TimeoutError:
        peer.seq = last  # what did not fit into the socket is not on its way
    peer.sock.settimeout(30)
    assert recorder.command("status")["held"]
    return sent


def test_writers_are_held_while_nothing_is_published(cramped):
    """What waited to be published grew until the disk was full."""
    recorder = cramped
    with Peer(recorder) as p:
        assert recorder.command("status")["held"] is False
        sent = write_until_held(recorder, p)
        assert BACKLOG * MIB / 2 < sent < 2 * BACKLOG * MIB
        status = recorder.command("status")
        assert status["backlog"] > BACKLOG * MIB and status["held"] and not status["full"]
        # A segment more was open, another and the reserve were prepared, and one comes.
        assert wal_bytes(recorder) <= (BACKLOG + 4 * 8) * MIB
        assert "recorder.held" in recorder.log_path.read_text()
        wait_for(lambda: recorder.status()["more"]["held"], "the status that says so")
        said = subprocess.run([BIN / "assay", "status", "--state", recorder.state, "--run",
                               recorder.run], capture_output=True, text=True).stdout
        assert "not yet published, writers wait for that\n" in said
        # Others are welcomed, and wait too; whoever leaves is noticed, with what it had sent.
        with Peer(recorder) as q:
            q.append(change("/waits"))
            with Peer(recorder) as leaver:
                leaver.append(change("/leaves"))
            wait_for(lambda: recorder.command("status")["peers"] == 3, "its leaving")
            size = recorder.command("status")["size"]
            time.sleep(0.5)
            assert recorder.command("status")["size"] == size and not q.acks
            subprocess.run(["mount", "-o", "remount,size=128m", recorder.public], check=True)
            q.settle()
            p.settle()
        status = recorder.command("status")
        assert status["held"] is False and status["backlog"] < BACKLOG * MIB
    assert "recorder.released" in recorder.log_path.read_text()
    entries = recorder.entries()
    check_runs(entries)
    paths = [e["what"].get("path") for e in entries]
    assert paths.count("/waits") == paths.count("/leaves") == 1
    recorder.verify()


def test_restarted_with_a_backlog(cramped):
    recorder = cramped
    with Peer(recorder) as p:
        write_until_held(recorder, p)
        acks = dict(p.acks)
    recorder.kill()
    recorder.start()
    wait_for(lambda: recorder.command("status")["held"], "the held writers")
    subprocess.run(["mount", "-o", "remount,size=128m", recorder.public], check=True)
    wait_for(lambda: not recorder.command("status")["held"], "their going on")
    entries = recorder.entries()
    for seq, index in acks.items():
        assert (entries[index]["src"]["run"], entries[index]["src"]["seq"]) == (p.run, seq)
    check_runs(entries)
    recorder.verify()
