# SPDX-License-Identifier: Apache-2.0
"""What is trusted: taken, accepted, shown and checked, by the command and the running sensor; and
that no crash and nobody with a file leaves it in doubt."""
import json
import mmap
import os
import pathlib
import pty
import random
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

import pytest

from sensor_host import BIN, Host, path_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-base-") as name:
        h = Host(pathlib.Path(name))
        for i in range(20):
            (h.tree / f"f{i:02}").write_text(f"content {i}")
        (h.tree / "sub").mkdir()
        (h.tree / "sub" / "inner").write_text("inner")
        h.start()
        h.wait(lambda: roots(h), "the first baseline in the ledger")
        yield h
        h.stop()


def assay(host, *args, status=0, **more):
    done = subprocess.run([BIN / "assay", *map(str, args), "--state", host.state,
                           "--run", host.run], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
    return done


def asked(host, *args, status=0):
    return json.loads(assay(host, *args, "--json", status=status).stdout)


def differences(host, *options, status=1):
    said = asked(host, "check", *options, status=status)
    return sorted((d["change"], os.path.relpath(d["path"], host.tree)) for d in said["differences"])


def accept(host, *paths, reason="a test"):
    return asked(host, "baseline", "accept", "--reason", reason, *paths)


def roots(host):
    return [e["what"]["root"] for e in host.entries("integrity.baseline")]


# ---- accepting ----

def test_nothing_differs(host):
    said = asked(host, "check")
    assert said["verdict"] == "good" and said["ledger"]["signed"] and said["files"] == 23
    assert "nothing differs" in assay(host, "baseline", "accept", "--reason", "x").stdout
    assert len(roots(host)) == 1


def test_accepting_what_is_not_there_is_a_mistake(host):
    """A path that was mistyped does not look like one where nothing differs."""
    (host.tree / "f01").write_text("other")
    host.seen(host.tree / "f01", "modified")
    for path in host.tree / "f1", "/no/such/place", host.tree / "sub" / "f01":
        for others in [], [host.tree / "f01"]:
            done = assay(host, "baseline", "accept", "--reason", "x", path, *others, status=1)
            assert f"{path}: nothing there is watched" in done.stderr, done
    assert len(roots(host)) == 1
    assert "nothing differs" in assay(host, "baseline", "accept", "--reason", "x",
                                      host.tree / "f02").stdout
    (host.tree / "f01").unlink()
    host.seen(host.tree / "f01", "deleted")
    assert accept(host, host.tree / "f01")["removed"] == 1


def test_accept_in_parts_and_then_the_rest(host):
    (host.tree / "f00").write_text("other")
    (host.tree / "f01").unlink()
    (host.tree / "sub" / "new").write_text("new")
    (host.tree / "sub" / "inner").chmod(0o700)
    everything = [("changed", "f00"), ("changed", "sub/inner"), ("created", "sub/new"),
                  ("deleted", "f01")]
    assert differences(host) == everything
    first = asked(host, "baseline", "show")["root"]
    said = accept(host, host.tree / "f01")
    assert (said["added"], said["changed"], said["removed"]) == (0, 0, 1)
    assert differences(host) == [d for d in everything if d[1] != "f01"]
    said = accept(host, host.tree / "sub")
    assert (said["added"], said["changed"], said["removed"]) == (1, 1, 0)
    assert differences(host) == [("changed", "f00")]
    said = accept(host)
    assert differences(host, status=0) == []
    assert differences(host, "--deep", status=0) == []
    shown = asked(host, "baseline", "show")
    assert shown["root"] == said["root"] and shown["ledger"]["entry"] == said["entry"]
    entries = host.entries("integrity.baseline")
    assert [e["what"]["reason"] for e in entries] == ["first"] + 3 * ["accepted"]
    assert entries[1]["what"]["previous_root"] == first
    for one, other in zip(entries, entries[1:]):
        assert other["what"]["previous_root"] == one["what"]["root"]
    assert entries[2]["what"]["selected"] == [str(host.tree / "sub")]
    assert "selected" not in entries[3]["what"]


def test_accepting_all_is_taking_anew(host):
    (host.tree / "f00").write_text("other")
    one = accept(host)["root"]
    other = asked(host, "baseline", "create", "--reason", "anew")["root"]
    assert one == other


def test_who_accepted_and_why(host):
    (host.tree / "f00").write_text("other")
    said = accept(host, reason='CHG-7 "quoted" ü')
    host.wait(lambda: len(host.entries("integrity.command")) == 2, "the command's entries")
    begun, done = host.entries("integrity.command")
    assert (begun["what"]["state"], done["what"]["state"]) == ("begun", "done")
    assert begun["what"]["arguments"]["reason"] == 'CHG-7 "quoted" ü'
    entry = host.entries("integrity.baseline")[-1]
    assert entry["what"]["comment"] == 'CHG-7 "quoted" ü' and entry["what"]["root"] == said["root"]
    for e in (begun, done, entry):
        assert e["who"]["uid"] == 0 and e["who"]["pid"] == begun["who"]["pid"]
        assert e["who"]["exe"].endswith("/assay")


def test_what_is_not_said_is_refused(host):
    assay(host, "baseline", "accept", status=2)
    assay(host, "baseline", "create", status=2)
    assay(host, "baseline", "accept", "--reason", "x", "relative", status=2)
    assay(host, "baseline", "create", "--reason", "x", "--watch", "/etc", status=2)
    assay(host, "check", "--rate", "fast", status=2)
    host.end(host.sensor)
    assert "does not answer" in assay(host, "baseline", "accept", "--reason", "x",
                                      status=3).stderr


def test_names_that_are_not_utf8(host):
    path = os.path.join(bytes(host.tree), b"sub/\xff\n")
    with open(path, "w", encoding="ascii") as f:
        f.write("x")
    (found,) = asked(host, "check", status=1)["differences"]
    assert found["change"] == "created" and path_of({"what": found}) == path
    subprocess.run([BIN / "assay", "baseline", "accept", "--reason", "x", path, "--state",
                    host.state, "--run", host.run], check=True, capture_output=True)
    assert differences(host, status=0) == []


def test_change_right_before_accepting_is_accepted(host):
    """No event may still be on its way when the sensor lists what differs."""
    for i in range(5):
        (host.tree / "f02").write_text(f"round {i}")
        assert accept(host)["changed"] == 1
        assert differences(host, status=0) == []


def test_create_reads_all_content_and_tells_what_it_finds(host):
    """A page of tmpfs that was written to once through a mapping can be written to again without a
    trace: no event, the times stay."""
    where = host.tree / "sub"
    host.end(host.sensor)
    subprocess.run(["mount", "-t", "tmpfs", "assay-test", where], check=True)
    try:
        (where / "mapped").write_bytes(b"a" * 4096)
        host.start_sensor()
        host.seen(where / "mapped", "created")
        with open(where / "mapped", "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
            m[0:3] = b"xyz"
            accept(host)
            before = os.stat(where / "mapped")
            m[0:3] = b"MAP"
            assert os.stat(where / "mapped").st_ctime_ns == before.st_ctime_ns
            assert differences(host, status=0) == []
            assert differences(host, "--deep") == [("changed", "sub/mapped")]
            said = asked(host, "baseline", "create", "--reason", "anew")
            assert said["found"] == 1
            assert differences(host, "--deep", status=0) == []
        entry = host.of(where / "mapped", "modified")[-1]
        assert entry["what"]["seen"] == "check" and entry["what"]["differs"] == ["sha256"]
    finally:
        host.end(host.sensor)
        subprocess.run(["umount", where], check=True)


# ---- what is shown ----

def test_show(host):
    said = asked(host, "baseline", "show")
    assert said["files"] == 23 and said["profiles"] == [["command-line", 23]]
    assert said["bytes"] == sum(p.stat().st_size for p in host.tree.rglob("*") if p.is_file())
    entry = host.entries("integrity.baseline")[0]
    assert said["root"] == entry["what"]["root"] and said["ledger"]["verdict"] == "good"
    one = asked(host, "baseline", "show", host.tree / "f00")
    assert one["state"]["size"] == 9 and one["profile"] == "command-line"
    assay(host, "baseline", "show", host.tree / "nothing", status=1)
    (host.tree / "f00").write_text("other")
    text = assay(host, "baseline", "show", "--diff", status=1).stdout
    assert f"changed  {host.tree}/f00  " in text and "size 9→5" in text
    accept(host)
    said = asked(host, "baseline", "show", "--earlier")
    assert [e["root"] for e in said["earlier"]] == [entry["what"]["root"]]


# ---- replaced ----

def test_replaced_baseline_is_seen(host):
    """By an earlier one, which is whole and was signed too; and by one made elsewhere."""
    sensor = host.state / "sensor"
    good = (sensor / "baseline").read_bytes()
    (host.tree / "f00").write_text("other")
    accept(host)
    new = (sensor / "baseline").read_bytes()
    assert good != new
    (sensor / "baseline").write_bytes(good)
    said = asked(host, "check", status=1)
    assert said["verdict"] == said["ledger"]["verdict"] == "replaced"
    assert "REPLACED" in assay(host, "check", status=1).stdout
    assay(host, "baseline", "show", status=1)
    damaged = bytearray(new)
    damaged[-1] ^= 1
    (sensor / "baseline").write_bytes(damaged)
    assert "root does not match" in assay(host, "check", status=1).stderr
    (sensor / "baseline").write_bytes(new)
    assert asked(host, "check")["verdict"] == "good"


def test_without_a_ledger_it_cannot_be_told(host):
    host.end(host.sensor)
    host.end(host.recorder)
    (host.state / "ledger").rename(host.state / "away")
    said = asked(host, "check", status=3)
    assert said["verdict"] == said["ledger"]["verdict"] == "unknown" and said["ledger"]["why"]
    assert asked(host, "check", "--no-ledger")["verdict"] == "good"
    (host.state / "away").rename(host.state / "ledger")


def test_what_cannot_be_read_is_unknown(host):
    """Root without the capability to read everything, as in some containers."""
    os.chown(host.tree / "f03", 65534, 65534)
    (host.tree / "f03").chmod(0)
    accept(host)
    (host.tree / "f03").chmod(0)  # another ctime: it must be read again
    os.utime(host.tree / "f03", ns=(1, (host.tree / "f03").stat().st_mtime_ns))
    done = subprocess.run(["setpriv", "--bounding-set=-dac_override,-dac_read_search",
                           BIN / "assay", "check", "--json", "--state", host.state,
                           "--run", host.run], capture_output=True, text=True)
    said = json.loads(done.stdout)
    assert (done.returncode, said["verdict"], said["unreadable"]) == (3, "unknown", 1)
    assert said["differences"] == [] and "f03: Permission denied" in done.stderr


# ---- how fast, and how far ----

def test_rate(host):
    (host.tree / "large").write_bytes(os.urandom(3 << 20))
    accept(host)
    began = time.monotonic()
    assert differences(host, "--deep", "--rate", "1M", status=0) == []
    assert time.monotonic() - began > 2.5
    began = time.monotonic()
    assert differences(host, "--rate", "10files", status=0) == []
    assert time.monotonic() - began > 1.5


def test_progress_on_a_terminal_and_silence_in_a_pipe(host):
    (host.tree / "large").write_bytes(os.urandom(3 << 20))
    accept(host)
    command = [BIN / "assay", "check", "--deep", "--rate", "1M", "--no-ledger",
               "--state", host.state]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    leader, follower = pty.openpty()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 4096):
            shown += piece
    except OSError:  # the other end was closed
        pass
    assert child.wait(timeout=60) == 0
    assert re.search(rb"reading files  .* %  [0-9]+ files, .*B, .*B/s", shown), shown
    assert b"left" in shown and shown.endswith(b"\r\x1b[K")


# ---- the socket ----

def send(host, verb, args=b"{}"):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(30)
        s.connect(str(host.run / "sensor.sock"))
        payload = bytes([len(verb)]) + verb + struct.pack("<I", len(args)) + args
        s.send(struct.pack("<HBBI", 0x5941, 1, 6, len(payload)) + payload)
        while True:
            packet = s.recv(200000)
            if not packet or packet[3] != 9:
                return packet


def body(packet):
    assert packet[3] == 7
    code, n = struct.unpack("<II", packet[8:16])
    return code, json.loads(packet[16:16 + n])


def test_every_command_is_an_entry(host):
    code, said = body(send(host, b"status"))
    assert code == 0 and said["baseline"]["root"] == roots(host)[0]
    code, said = body(send(host, b"format-disk"))
    assert code != 0 and "no such command" in said["error"]
    code, said = body(send(host, b"check", b'{"deep":true}'))
    assert code == 0 and said["found"] == said["changed"] == 0
    code, said = body(send(host, b"baseline.accept", b'{"paths":["no/root"],"reason":"x"}'))
    assert code != 0
    host.wait(lambda: len(host.entries("integrity.command")) == 5, "all entries")
    assert [(e["what"]["verb"], e["what"]["state"]) for e in host.entries("integrity.command")] == [
        ("status", "done"), ("format-disk", "refused"), ("check", "done"),
        ("baseline.accept", "begun"), ("baseline.accept", "failed")]


@pytest.mark.parametrize("packet", [b"", b"x", b"AY\x01\x06", struct.pack("<HBBI", 0x5941, 1, 6, 5),
                                    struct.pack("<HBBI", 0x5941, 1, 6, 2) + b"\x01x",
                                    struct.pack("<HBBI", 0x5941, 1, 3, 0), os.urandom(1000)])
def test_malformed_packets(host, packet):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.settimeout(10)
        s.connect(str(host.run / "sensor.sock"))
        s.send(packet)
        s.shutdown(socket.SHUT_WR)
        assert s.recv(1000) == b""
    assert body(send(host, b"status"))[0] == 0
    assert body(send(host, b"status", b"[]"))[0] != 0
    assert body(send(host, b"status", b'{"a":1.5}'))[0] != 0


def test_only_root_may_connect(host):
    os.chmod(host.run, 0o755)
    for path in (host.run, *host.run.parents[:2]):
        os.chmod(path, 0o755)
    program = (f"import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); "
               f"s.connect({str(host.run / 'sensor.sock')!r})")
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           "/usr/bin/python3", "-c", program], capture_output=True, text=True)
    assert done.returncode != 0 and "PermissionError" in done.stderr


# ---- killed ----

@pytest.mark.parametrize("command", ["accept", "create"])
def test_killed_while_it_becomes_trusted(host, command):
    """Whenever the sensor is killed: the baseline is the one before or the new one, whole, and what
    the ledger says of it is what is there."""
    rounds = 60 if os.environ.get("ASSAY_SOAK") else 12
    rng = random.Random(command)
    for i in range(rounds):
        (host.tree / "f04").write_text(f"round {i}")
        child = subprocess.Popen([BIN / "assay", "baseline", command, "--reason", f"round {i}",
                                  "--state", host.state, "--run", host.run],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.06)
        host.end(host.sensor, signal.SIGKILL)
        child.wait(timeout=30)
        host.start_sensor()
        host.wait(lambda: not (host.state / "sensor" / "baseline.note").exists(), "the entry")
        assert not (host.state / "sensor" / "baseline.new").exists()
        said = subprocess.run([BIN / "assay", "check", "--json", "--state", host.state, "--run",
                               host.run], capture_output=True, text=True)
        said = json.loads(said.stdout)
        assert said["ledger"]["verdict"] == "good", said
        assert said["verdict"] in ("good", "changed")
    told = roots(host)
    accept(host)
    assert differences(host, status=0) == []
    assert len(roots(host)) in (len(told), len(told) + 1)
