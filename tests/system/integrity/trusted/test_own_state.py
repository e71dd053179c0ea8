# SPDX-License-Identifier: Apache-2.0
"""What the sensor keeps for itself is believed only as far as the signed ledger says the same."""
import contextlib
import hashlib
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import pytest

from recorder_host import Peer, change
from sensor_host import BIN
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@pytest.fixture
def host():
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-own-"))
    host = Watched(directory)
    (host.tree / "f").write_text("PermitRootLogin yes\n")
    host.configure(profile("w", "alert", [host.tree], "keep: true"))
    host.start()
    host.wait(lambda: host.baselines("first"), "the first baseline")
    yield host
    host.stop()
    shutil.rmtree(directory)


def assay(host, *words):
    return subprocess.run([BIN / "assay", *words, "--state", host.state, "--run", host.run],
                          capture_output=True, text=True, timeout=60)


def kill(host):
    host.sensor.send_signal(signal.SIGKILL)
    host.sensor.wait()


def forged(host):
    """Entries and alerts about the sensor's own files."""
    own = str(host.state / "sensor")
    return ([e for e in host.changes() if e["what"]["path"].startswith(own)],
            [e for e in host.entries("alert.raised") if own in str(e["what"])])


def old_one_in_place(host):
    """Accept a change, and put the baseline of before in the place of the new one."""
    baseline = host.state / "sensor" / "baseline"
    old = baseline.read_bytes()
    (host.tree / "f").write_text("PermitRootLogin no\n")
    host.seen(host.tree / "f", "modified")
    done = assay(host, "baseline", "accept", "--reason", "hardening")
    assert done.returncode == 0, done
    host.wait(lambda: host.baselines("accepted"), "the accepted baseline")
    return baseline, old


def test_a_start_that_finds_all_as_it_was_says_nothing(host):
    for end in (kill, lambda h: h.end(h.sensor)):
        end(host)
        host.start_sensor()
    assert forged(host) == ([], [])
    assert len(host.entries("integrity.baseline")) == 1


class Withholding:
    """Stands between a sensor and its recorder, and keeps what the recorder acknowledges."""
    ACK = 4  # of enum msg_type, the fourth byte of a message

    def __init__(self, recorder, path):
        self.recorder = recorder
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.pass_on, daemon=True)
        self.thread.start()

    def pass_on(self):
        sensor, _ = self.listener.accept()
        recorder = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        recorder.connect(str(self.recorder))
        with sensor, recorder, contextlib.suppress(ConnectionError):
            while True:
                for one in select.select([sensor, recorder], [], [])[0]:
                    message = one.recv(1 << 18)
                    if not message:
                        return
                    if one is sensor:
                        recorder.sendall(message)
                    elif message[3] != self.ACK:
                        sensor.sendall(message)

    def end(self):
        self.thread.join(30)
        self.listener.close()


def test_a_baseline_that_was_not_acknowledged_is_told_once():
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-own-"))
    host = Watched(directory)
    host.configure(profile("w", "alert", [host.tree]))
    host.start_recorder()
    real, between = host.run, host.run / "between"
    between.mkdir()
    middle = Withholding(real / "recorder.sock", between / "recorder.sock")
    try:
        host.run = between
        host.start_sensor()
        host.wait(lambda: host.entries("integrity.baseline"), "the first baseline")
        kill(host)
        middle.end()
        assert (host.state / "sensor" / "baseline.note").exists()
        host.run = real
        host.start_sensor()
        host.quiet()
        assert len(host.entries("integrity.baseline")) == 1
        assert not (host.state / "sensor" / "baseline.note").exists()
    finally:
        host.stop()
        shutil.rmtree(directory)


def test_a_state_that_was_removed_is_lost_and_no_first_one(host):
    kill(host)
    (host.tree / "f").write_text("PermitRootLogin planted\n")
    shutil.rmtree(host.state / "sensor")
    host.start_sensor()
    host.wait(lambda: host.baselines("lost"), "a baseline that says so")
    host.wait(lambda: all(forged(host)), "the alert")
    assert "removed" in forged(host)[0][0]["who"]["unknown"]
    assert len(host.baselines("first")) == 1


def test_a_baseline_that_is_replaced_under_the_sensor_is_not_used(host):
    baseline, old = old_one_in_place(host)
    baseline.write_bytes(old)
    path = host.tree / "f"
    done = assay(host, "restore", path, "--reason", "incident")
    assert done.returncode != 0 and "replaced" in done.stderr, done
    assert path.read_text() == "PermitRootLogin no\n"
    host.wait(lambda: all(forged(host)), "the alert")
    done = assay(host, "baseline", "accept", "--reason", "routine")
    assert done.returncode != 0 and "replaced" in done.stderr, done
    assert len(forged(host)[0]) == 1
    done = assay(host, "baseline", "create", "--reason", "after the incident")
    assert done.returncode == 0, done
    path.write_text("PermitRootLogin yes\n")
    host.wait(lambda: len(host.of(path, "modified")) == 2, "a change")
    assert assay(host, "restore", path, "--reason", "again").returncode == 0
    assert path.read_text() == "PermitRootLogin no\n"


def test_a_baseline_that_is_replaced_while_the_sensor_is_down_is_not_used(host):
    baseline, old = old_one_in_place(host)
    kill(host)
    baseline.write_bytes(old)
    host.start_sensor()
    host.wait(lambda: all(forged(host)), "the alert")
    assert "replaced" in forged(host)[0][0]["who"]["unknown"]
    done = assay(host, "restore", host.tree / "f", "--reason", "incident")
    assert done.returncode != 0, done
    assert (host.tree / "f").read_text() == "PermitRootLogin no\n"
    done = assay(host, "baseline", "accept", "--reason", "routine")
    assert done.returncode != 0, done


def test_a_sensor_that_was_stopped_does_not_answer(host):
    """It keeps its lock and its pid: only that it says nothing shows."""
    def sensor():
        done = assay(host, "status", "--json")
        found = [p for p in json.loads(done.stdout)["processes"] if p["name"] == "sensor"]
        return found[0]["state"], done.returncode

    assert sensor() == ("running", 0)
    host.sensor.send_signal(signal.SIGSTOP)
    try:
        said = host.run / "sensor.status"
        os.utime(said, ns=(0, said.stat().st_mtime_ns - 60 * 10**9))  # a minute goes by
        assert sensor() == ("not answering", 1)
        assert "not answering, no sign since" in assay(host, "status").stdout
    finally:
        host.sensor.send_signal(signal.SIGCONT)
    host.wait(lambda: sensor() == ("running", 0), "that it answers again")


def weakened(host):
    return [e for e in host.changes() if e["what"]["path"] == str(host.file)]


def test_less_watched_than_before_is_an_alert(host):
    """And what is planted while a path is not watched is not trusted for being watched again."""
    path = host.tree / "f"
    before = host.file.read_text()
    host.configure(profile("w", "log", [host.tree / "other"]))
    host.reload()
    host.wait(lambda: weakened(host), "the weaker watch.yaml")
    assert "less is watched" in weakened(host)[0]["who"]["unknown"]
    host.wait(lambda: [e for e in host.entries("alert.raised") if str(host.file) in str(e["what"])],
              "its alert")
    host.extended(reason="reduced")
    path.write_text("planted\n")
    host.file.write_text(before)
    host.reload()
    host.extended()
    assert host.seen(path, "modified")["why"]["state"] == "unexplained"
    assert len(weakened(host)) == 1  # more is no less
    done = assay(host, "check", "--json")
    assert done.returncode == 1 and str(path) in done.stdout


def test_less_watched_while_the_sensor_was_down_is_an_alert(host):
    kill(host)
    host.configure(profile("w", "log", [host.tree], "keep: true"))
    host.start_sensor()
    host.wait(lambda: weakened(host), "the weaker watch.yaml")
    assert "weaker mode" in weakened(host)[0]["who"]["unknown"]


def test_a_content_that_the_ledger_does_not_have_is_not_known(host):
    """What may be executed is what an explained change brought, and the ledger has that."""
    host.configure(profile("w", "alert", [host.tree], "keep: true", "execute: known"))
    host.reload()
    host.told("changed")
    kept = host.state / "sensor" / "executable"
    done = assay(host, "change", "open", "CHG-1", "--path", host.tree, "--for", "1h",
                 "--reason", "r")
    assert done.returncode == 0, done
    (host.tree / "f").write_text("by the book\n")
    host.wait(lambda: kept.exists() and kept.stat().st_size, "the content that is known")
    true = kept.read_bytes()
    for end in (kill, lambda h: h.end(h.sensor)):
        end(host)
        host.start_sensor()
    assert forged(host) == ([], []) and kept.read_bytes() == true
    kill(host)
    kept.write_bytes(true + hashlib.sha256(b"nobody brought it").digest())
    host.start_sensor()
    host.wait(lambda: all(forged(host)), "the alert")
    assert "executable" in forged(host)[0][0]["what"]["path"]
    host.wait(lambda: kept.read_bytes() == true, "the file without it")


def test_a_content_that_only_got_another_name_is_not_known(host):
    """An explanation of a name is none of what is in the file: nobody approved that."""
    host.configure(profile("w", "alert", [host.tree], "keep: true", "execute: known"))
    host.reload()
    host.told("changed")
    (host.tree / "evil").write_text("nobody approved this\n")
    assert host.seen(host.tree / "evil", "created")["why"]["state"] == "unexplained"
    done = assay(host, "change", "open", "CHG-1", "--path", host.tree, "--for", "1h",
                 "--reason", "r")
    assert done.returncode == 0, done
    (host.tree / "evil").rename(host.tree / "moved")
    named = host.seen(host.tree / "moved", "renamed")
    assert named["why"]["change"] == "CHG-1" and "content" not in named["why"], named
    (host.tree / "new").write_text("by the book\n")
    assert host.seen(host.tree / "new", "created")["why"]["content"] is True
    kept = host.state / "sensor" / "executable"
    host.wait(lambda: kept.exists() and kept.stat().st_size, "the content that is known")
    true = kept.read_bytes()
    kill(host)
    kept.write_bytes(true + bytes.fromhex(named["what"]["new_sha256"]))
    host.start_sensor()
    host.wait(lambda: all(forged(host)), "the alert")
    assert "executable" in forged(host)[0][0]["what"]["path"]
    host.wait(lambda: kept.read_bytes() == true, "the file without it")


def test_an_approved_change_that_the_ledger_does_not_have_explains_nothing(host):
    path = host.tree / "f"
    done = assay(host, "change", "open", "CHG-1", "--path", path, "--for", "1h", "--reason", "r")
    assert done.returncode == 0, done
    host.wait(lambda: host.entries("integrity.approval"), "the approval's entry")
    kill(host)
    kept = host.state / "sensor" / "approvals"
    true = kept.read_text()
    assert "CHG-1" in true
    host.start_sensor()  # it is in the ledger: it holds on
    path.write_text("by the book\n")
    assert host.seen(path, "modified")["why"]["change"] == "CHG-1"
    kill(host)
    kept.write_text(true.replace("CHG-1", "CHG-9"))
    host.start_sensor()
    path.write_text("against it\n")
    assert host.seen(path, "modified", 2)["why"]["state"] == "unexplained"
    host.wait(lambda: all(forged(host)), "the alert")


def test_an_approved_change_that_was_closed_stays_closed(host):
    """Its window is open for an hour more, and the file of before is true to the last byte."""
    path = host.tree / "f"
    done = assay(host, "change", "open", "CHG-1", "--path", path, "--for", "1h", "--reason", "r")
    assert done.returncode == 0, done
    kept = host.state / "sensor" / "approvals"
    open_one = kept.read_bytes()
    assert assay(host, "change", "close", "CHG-1", "--reason", "done").returncode == 0
    host.wait(lambda: [e["what"]["event"] for e in host.entries("integrity.approval")] ==
              ["opened", "closed"], "both entries")
    kill(host)
    kept.write_bytes(open_one)
    host.start_sensor()
    path.write_text("against it\n")
    assert host.seen(path, "modified")["why"]["state"] == "unexplained"
    host.wait(lambda: all(forged(host)), "the alert")


def test_an_approved_change_outlives_a_succession(host):
    path = host.tree / "f"
    done = assay(host, "change", "open", "CHG-1", "--path", path, "--for", "1h", "--reason", "r")
    assert done.returncode == 0, done
    host.end(host.sensor)
    host.end(host.recorder)
    done = assay(host, "ledger", "succeed", host.state / "ledger", "--origin", "assay.invalid/h/2",
                 "--reason", "a new year")
    assert done.returncode == 0, done
    host.start()
    path.write_text("by the book\n")
    assert host.seen(path, "modified")["why"]["change"] == "CHG-1"
    assert forged(host) == ([], [])


# ---- a ledger whose published files somebody wrote ----

def fill_bundle(host):
    """No sensor runs.  The bundle of what was told so far is whole, and not written again."""
    with Peer(host) as sensor:
        for _ in range(3):
            sensor.append(*(change() for _ in range(100)))
            sensor.settle()
    with Peer(host, "admin") as admin:
        assert admin.command("publish")["size"] > 256


def rewrite(host, bundle, old, new):
    """In the one entry that has it, and its leaf hash with it; nothing above that."""
    at = host.state / "ledger" / "tile" / "entries" / bundle
    data, hashes = at.read_bytes(), host.state / "ledger" / "tile" / "0" / bundle
    start, i, found = 0, 0, []
    while start < len(data):
        size = int.from_bytes(data[start:start + 2], "big")
        if old in data[start + 2:start + 2 + size]:
            found.append((i, start + 2, size))
        start, i = start + 2 + size, i + 1
    assert len(found) == 1 and len(old) == len(new), found
    i, start, size = found[0]
    entry = data[start:start + size].replace(old, new)
    for path, where, what in ((at, start, entry),
                              (hashes, 32 * i, hashlib.sha256(b"\0" + entry).digest())):
        path.chmod(0o644)
        with open(path, "r+b") as f:
            f.seek(where)
            f.write(what)


def test_a_content_that_somebody_wrote_into_the_ledger_is_not_known(host):
    """The entry and its hash agree; the root of the tree is another."""
    host.configure(profile("w", "alert", [host.tree], "keep: true", "execute: known"))
    host.reload()
    host.told("changed")
    kept = host.state / "sensor" / "executable"
    done = assay(host, "change", "open", "CHG-1", "--path", host.tree, "--for", "1h",
                 "--reason", "r")
    assert done.returncode == 0, done
    (host.tree / "new").write_text("by the book\n")
    true = hashlib.sha256(b"by the book\n").digest()
    host.wait(lambda: kept.exists() and kept.read_bytes() == true, "the content that is known")
    false = hashlib.sha256(b"nobody brought it").digest()
    kill(host)
    fill_bundle(host)
    rewrite(host, "000", true.hex().encode(), false.hex().encode())
    kept.write_bytes(false)
    host.start_sensor()
    host.wait(lambda: all(forged(host)), "the alert")
    host.wait(lambda: kept.read_bytes() == b"", "the file without it")


def test_a_baseline_that_is_hidden_in_the_ledger_is_missed(host):
    """The one before it is proven as well as ever: that is not enough."""
    host.end(host.sensor)
    fill_bundle(host)
    host.start_sensor()
    baseline, old = old_one_in_place(host)
    host.end(host.sensor)
    fill_bundle(host)
    rewrite(host, "001", b"integrity.baseline", b"integrity.baselinf")
    baseline.write_bytes(old)
    host.start_sensor()
    host.wait(lambda: all(forged(host)), "the alert")
    done = assay(host, "restore", host.tree / "f", "--reason", "incident")
    assert done.returncode != 0, done
    assert (host.tree / "f").read_text() == "PermitRootLogin no\n"


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def test_a_baseline_that_waits_in_the_journal_is_not_proven_by_that(host):
    """The sensor sends what a crash kept back, and the ledger would vouch for it from then on."""
    first = host.entries("integrity.baseline")[0]
    baseline, old = old_one_in_place(host)
    kill(host)
    baseline.write_bytes(old)
    skeleton = json.dumps({k: first[k] for k in ("k", "t", "v", "what")}, separators=(",", ":"),
                          sort_keys=True).encode()
    record = struct.pack("<BQI", 2, 1 << 20, len(skeleton)) + skeleton
    with open(next((host.state / "sensor").glob("journal.*")), "ab") as f:
        f.write(struct.pack("<II", len(record), crc32c(record)) + record)
    for _ in range(2):
        host.start_sensor()
        host.told_so_far()
        assert len(host.entries("integrity.baseline")) == 2
        done = assay(host, "restore", host.tree / "f", "--reason", "incident")
        assert done.returncode != 0 and "replaced" in done.stderr, done
        kill(host)
    host.start_sensor()


def test_logins_that_the_ledger_does_not_have_are_not_believed(host):
    """The file of who came from where is told to the ledger before it is written."""
    kept = host.state / "sensor" / "sessions"
    host.end(host.sensor)
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    host.sensor = None
    host.wait(lambda: [e["what"].get("sessions") for e in host.entries("integrity.sensor")
                       if e["what"]["event"] == "kept"][-1:] == [digest], "the digest")
    host.start_sensor()
    kill(host)
    host.start_sensor()
    assert forged(host) == ([], [])
    kill(host)
    true = kept.read_bytes()
    kept.write_bytes(true[:-1] + bytes([true[-1] ^ 1]))
    host.start_sensor()
    host.wait(lambda: all(forged(host)), "the alert")
    assert "none of them is believed" in forged(host)[0][0]["who"]["unknown"]
    assert not kept.exists()
