# SPDX-License-Identifier: Apache-2.0
"""A recorder on directories of its own, and peers that speak to it byte by byte."""
import itertools
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time

BIN = pathlib.Path(os.environ["ASSAY_BIN"])
MSG_MAX, WINDOW, ENTRY_MAX = 192 * 1024, 512, 65535
HELLO, WELCOME, APPEND, ACK, NAK, COMMAND, REPLY, STOPPED = range(1, 9)
BYE = 11
TIME = "2026-01-02T03:04:05.000000006Z"


def intent(call, **more):
    what = {"api": "a", "bytes": 0, "call": call, "decision": "allow", "generation": 1,
            "method": "GET", "operation": "o", "sha256": "1" * 64, "verified": True,
            "version": "1", **more}
    return {"k": "api.intent", "t": TIME, "v": 1, "what": what}


def outcome(call, **more):
    what = {"api": "a", "bytes": 0, "call": call, "method": "GET", "operation": "o",
            "result": "answered", "status": 200, "version": "1", **more}
    return {"k": "api.outcome", "t": TIME, "v": 1, "what": what}


class Recorder:
    def __init__(self, directory, host="h"):
        self.state, self.run, self.host = directory / "state", directory / "run", host
        for path in (self.state, self.run):
            path.mkdir(exist_ok=True)
        self.public, self.private = self.state / "ledger", self.state / "ledger.private"
        self.log_path = directory / "log"
        self.more = []  # options
        self.process = None

    # ---- the process ----

    def spawn(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "assay-recorder", "--state", self.state, "--run", self.run, "--host",
                 self.host, "--keep-user", *self.more], stdout=log, stderr=log)
        return self.process

    def start(self):
        self.spawn()
        wait_for(self.ready, "the recorder's readiness")
        return self

    def ready(self):
        assert self.process.poll() is None, self.log_path.read_text()
        return self.status().get("pid") == self.process.pid

    def status(self):
        try:
            return json.loads((self.run / "recorder.status").read_text().split("\n")[0])
        except (OSError, ValueError):
            return {}

    def end(self, signo=signal.SIGTERM, status=0):
        self.process.send_signal(signo)
        assert self.process.wait(timeout=60) == status, self.log_path.read_text()

    def kill(self):
        self.end(signal.SIGKILL, -signal.SIGKILL)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def fails_to_start(self):
        """Start; what it says when it refuses."""
        before = self.log_path.stat().st_size
        assert self.spawn().wait(timeout=60) == 1
        return self.log_path.read_bytes()[before:].decode()

    # ---- what is in the ledger ----

    def assay(self, *args, status=0):
        done = subprocess.run([BIN / "assay", *map(str, args), "--state", self.state, "--run",
                               self.run], capture_output=True, text=True)
        assert done.returncode == status, (done.args, done.returncode, done.stdout, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def lines(self):
        """What is signed, which is everything while the recorder runs."""
        if self.process.poll() is None:
            self.published()
        return self.assay("log", "--json", "--limit", "0").splitlines()

    def entries(self, kind=None):
        found = [json.loads(line) for line in self.lines()]
        return [e for e in found if kind is None or e["k"] == kind]

    def verify(self):
        return self.assay("verify")

    def signed_size(self):
        return int((self.public / "checkpoint").read_text().split("\n")[1])

    def published(self):
        """Everything that is durable now is signed."""
        with Peer(self, "admin") as admin:
            return admin.command("publish")["size"]

    def command(self, verb, **args):
        with Peer(self, "admin") as admin:
            return admin.command(verb, **args)


class Closed(Exception):
    pass


class Peer:
    """A writer without a queue: it sends what the test says."""

    def __init__(self, recorder, proc="sensor", resume=0, hello=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(30)
        self.sock.connect(str(recorder.run / "recorder.sock"))
        self.acks, self.naks, self.stopped = {}, {}, None
        self.reply = None
        self.run = self.last = None
        if hello:
            self.hello(proc, resume)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def hello(self, proc="sensor", resume=0):
        self.send_hello(proc, resume)
        while self.run is None:
            self.hear()
        self.seq = self.last

    def send_hello(self, proc="sensor", resume=0):
        self.send(HELLO, bytes8(proc.encode() if isinstance(proc, str) else proc) +
                  struct.pack("<Q", resume))

    # ---- sending ----

    def send(self, kind, payload):
        self.sock.send(message(kind, payload))

    def append(self, *entries, acked=None, first=None):
        """Entries are skeletons (bytes, or a dict), or (skeleton, [(subject, name, value)])."""
        if first is not None:
            self.seq = first - 1
        parts = []
        for entry in entries:
            skeleton, fields = entry if isinstance(entry, tuple) else (entry, [])
            self.seq += 1
            parts.append(sent(self.seq, skeleton, fields))
        self.send(APPEND, struct.pack("<QH", self.acked() if acked is None else acked,
                                      len(parts)) + b"".join(parts))
        return self.seq

    def acked(self):
        return max(list(self.acks) + list(self.naks) + [self.last])

    def command(self, verb, **args):
        self.reply = None
        self.send(COMMAND, bytes8(verb.encode()) + bytes32(canonical(args)))
        while self.reply is None:
            self.hear()
        code, body = self.reply
        return body if code == 0 else (code, body["error"])

    # ---- hearing ----

    def hear(self):
        try:
            packet = self.sock.recv(MSG_MAX + 1)
        except ConnectionError:
            packet = b""
        if not packet:
            raise Closed
        magic, version, kind, length = struct.unpack_from("<HBBI", packet)
        assert (magic, version, length) == (0x5941, 1, len(packet) - 8)
        body = packet[8:]
        if kind == WELCOME:
            self.run, self.last, self.inflight = struct.unpack_from("<QQI", body)
        elif kind == ACK:
            for i in range(struct.unpack_from("<H", body)[0]):
                seq, index, n = struct.unpack_from("<QQI", body, 2 + 20 * i)
                for k in range(n):
                    self.acks.setdefault(seq + k, index + k)
                    assert self.acks[seq + k] == index + k, "another index than the first time"
        elif kind == NAK:
            seq, code = struct.unpack_from("<QI", body)
            self.naks[seq] = (code, body[14:].decode())
        elif kind == REPLY:
            self.reply = struct.unpack_from("<I", body)[0], json.loads(body[8:])
        elif kind == STOPPED:
            self.stopped = struct.unpack_from("<I", body)[0]
        return kind

    def settle(self, seq=None):
        """Until the answer to this sequence (the last one sent) is here."""
        seq = self.seq if seq is None else seq
        while seq not in self.acks and seq not in self.naks:
            self.hear()
        return self

    def put(self, *entries):
        """Send and wait; the index or the refusal of the last one."""
        seq = self.append(*entries)
        self.settle(seq)
        return self.acks.get(seq, self.naks.get(seq))

    def dropped(self):
        """The recorder must close this connection."""
        try:
            while True:
                self.hear()
        except Closed:
            return True


# ---- bytes ----

def bytes8(b):
    return struct.pack("<B", len(b)) + b


def bytes16(b):
    return struct.pack("<H", len(b)) + b


def bytes32(b):
    return struct.pack("<I", len(b)) + b


def message(kind, payload):
    return struct.pack("<HBBI", 0x5941, 1, kind, len(payload)) + payload


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sent(seq, skeleton, fields=()):
    if isinstance(skeleton, dict):
        skeleton = canonical(skeleton)
    return (struct.pack("<Q", seq) + bytes32(skeleton) + struct.pack("<B", len(fields)) +
            b"".join(bytes16(s) + bytes8(n) + bytes32(v) for s, n, v in fields))


counter = itertools.count()


def change(path=None, **more):
    """A sensor's entry that is acceptable, with a path of its own."""
    what = {"change": "created", "path": path or f"/p/{next(counter)}", "seen": "live", **more}
    return {"k": "integrity.change", "t": TIME, "v": 1, "what": what,
            "why": {"state": "unexplained"}}


def wait_for(done, what, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"no sign of {what} after {seconds} s"
        time.sleep(0.01)


def succeeded(recorder):
    """Has the next ledger its place?  Until then no recorder starts."""
    return ((recorder.state / "ledger.1").exists() and
            not (recorder.state / "ledger.next.private").exists())


def succeed(recorder, origin):
    """As a supervisor does: status 75 means at once again."""
    def supervise():
        assert recorder.process.wait(timeout=60) == 75
        wait_for(lambda: succeeded(recorder), "the next ledger", 30)
        recorder.start()

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        recorder.assay("ledger", "succeed", "--origin", origin, "--reason", "yearly")
    finally:
        thread.join()


def runs_of(entries):
    """{run: its sequences in the ledger's order}."""
    runs = {}
    for e in entries:
        runs.setdefault(e["src"]["run"], []).append(e["src"]["seq"])
    return runs


def check_runs(entries):
    for run, seqs in runs_of(entries).items():
        assert seqs == list(range(1, len(seqs) + 1)), f"run {run}: lost or doubled: {seqs}"
