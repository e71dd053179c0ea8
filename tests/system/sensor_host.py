# SPDX-License-Identifier: Apache-2.0
"""A recorder and a sensor on a tree of their own, and what an oracle says that tree holds."""
import base64
import hashlib
import json
import os
import pathlib
import signal
import socket
import stat
import struct
import subprocess
import time

BIN = pathlib.Path(os.environ["ASSAY_BIN"])


class Host:
    def __init__(self, directory, *watch):
        self.state, self.run = directory / "state", directory / "run"
        self.tree = directory / "tree"
        for path in (self.state, self.run, self.tree):
            path.mkdir()
        self.watch = [str(p) for p in watch] or [str(self.tree)]
        self.log = open(directory / "log", "ab")
        self.recorder_options, self.sensor_options = [], []
        self.recorder = self.sensor = None

    # ---- processes ----

    def start_recorder(self, *options):
        self.recorder = subprocess.Popen(
            [BIN / "assay-recorder", "--state", self.state, "--run", self.run, "--host", "h",
             "--keep-user", *self.recorder_options, *options], stdout=self.log, stderr=self.log)
        self.wait(lambda: (self.run / "recorder.sock").exists(), "the recorder's socket")

    def start_sensor(self, *options):
        watch = [x for path in self.watch for x in ("--watch", path)]
        self.sensor = subprocess.Popen(
            [BIN / "assay-sensor", "--state", self.state, "--run", self.run, *watch,
             *self.sensor_options, *options],
            stdout=self.log, stderr=self.log)
        self.wait(lambda: "profiles" in self.status(), "the sensor's first scan")

    def start(self):
        self.start_recorder()
        self.start_sensor()

    def end(self, process, signo=signal.SIGTERM):
        process.send_signal(signo)
        process.wait(timeout=30)

    def stop(self):
        for process in (self.sensor, self.recorder):
            if process and process.poll() is None:
                self.end(process)
        self.log.close()

    def status(self):
        """What the running sensor says of itself; {} while it says nothing."""
        try:
            said = json.loads((self.run / "sensor.status").read_text().split("\n")[0])
        except (OSError, ValueError):
            return {}
        return said["more"] if said.get("pid") == self.sensor.pid else {}

    def ask_status(self):
        """The same, by the command's own way to the sensor.  It is an entry."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(30)
            s.connect(str(self.run / "sensor.sock"))
            payload = b"\x06status" + struct.pack("<I", 2) + b"{}"
            s.send(struct.pack("<HBBI", 0x5941, 1, 6, len(payload)) + payload)
            packet = s.recv(200000)
        code, size = struct.unpack("<II", packet[8:16])
        assert code == 0
        return json.loads(packet[16:16 + size])

    def told_so_far(self):
        """Wait until all that the sensor has told until now can be read: its entries keep their
        order."""
        def asked():
            return sum(e["what"]["verb"] == "status" for e in self.entries("integrity.command"))
        before = asked()
        self.ask_status()
        self.wait(lambda: asked() > before, "the entry of a command")

    def how_it_ended(self, process):
        said = open(self.log.name, "rb").read()[-4000:].decode(errors="replace")
        return f"{process.args[0]} ended with {process.returncode}; it said:\n{said}"

    def wait(self, done, what, seconds=30):
        end = time.monotonic() + seconds
        while not done():
            for process in (self.recorder, self.sensor):
                assert process is None or process.poll() is None, self.how_it_ended(process)
            assert time.monotonic() < end, f"no sign of {what} after {seconds} s"
            time.sleep(0.02)

    # ---- entries ----

    def entries(self, kind=None):
        out = subprocess.run([BIN / "assay", "log", "--json", "--limit", "0",
                              "--state", self.state], capture_output=True, check=True).stdout
        found = [json.loads(line) for line in out.splitlines()]
        return [e for e in found if kind is None or e["k"] == kind]

    def changes(self):
        return self.entries("integrity.change")

    def of(self, path, change=None):
        """Entries of one path, in order."""
        return [e for e in self.changes() if path_of(e) == os.fsencode(path) and
                change in (None, e["what"]["change"])]

    def seen(self, path, change, count=1):
        """Wait for so many of them; the last."""
        self.wait(lambda: len(self.of(path, change)) >= count, f"{change} of {path}")
        found = self.of(path, change)
        assert len(found) == count, found
        return found[-1]

    def quiet(self):
        """Wait until everything done so far must have been told: a marker comes back."""
        marker = self.tree / f"marker-{time.monotonic_ns()}"
        marker.write_bytes(b"")
        self.seen(marker, "created")
        marker.unlink()
        self.seen(marker, "deleted")


def path_of(entry, name="path"):
    what = entry["what"]
    if name in what:
        return what[name].encode()
    return base64.b64decode(what[name + "_b64"]) if name + "_b64" in what else None


def sha256(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


def scan(top):
    """{path: (type, mode, uid, gid, size, sha256 or target)}, by plain Python."""
    found = {}
    for directory, names, files in os.walk(os.fsencode(top)):
        for name in [b""] + files + [n for n in names
                                     if os.path.islink(os.path.join(directory, n))]:
            path = os.path.join(directory, name) if name else directory
            st = os.lstat(path)
            kind, content, size = "dir", None, None
            if stat.S_ISREG(st.st_mode):
                kind, content, size = "file", sha256(path), st.st_size
            elif stat.S_ISLNK(st.st_mode):
                kind, content, size = "link", os.readlink(path), st.st_size
            elif stat.S_ISFIFO(st.st_mode):
                kind = "fifo"
            found[path] = (kind, stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid, size, content)
    return found


def replay(before, entries):
    """The tree that the entries say there is, starting from `before`."""
    tree, swapped = dict(before), None
    for entry in entries:
        what, path = entry["what"], path_of(entry)
        source = path_of(entry, "from")
        if what["change"] == "transient":
            assert path not in tree, ("was there before and after", entry)
            continue
        if what["change"] == "deleted":
            assert tree.pop(path, None) is not None, ("deleted twice or never there", entry)
            continue
        if source is not None and swapped == (path, source):
            swapped = None  # the other half of an exchange
        elif source is not None and what["change"] == "renamed" and path in tree:
            swap(tree, source, path)  # nothing was replaced, so the two changed places
            swapped = source, path
        elif source is not None:
            for old in [p for p in tree if p == source or p.startswith(source + b"/")]:
                tree[path + old[len(source):]] = tree.pop(old)
        elif what["change"] == "created":
            assert path not in tree, ("created twice", entry)
        tree[path] = state(what, tree.get(path))
    return tree


def swap(tree, a, b):
    moved = {}
    for one, other in ((a, b), (b, a)):
        for p in [p for p in tree if p == one or p.startswith(one + b"/")]:
            moved[other + p[len(one):]] = tree.pop(p)
    tree.update(moved)


def state(what, old):
    kind, mode, uid, gid, size, content = old or ("", 0, 0, 0, None, None)
    kind = what["type"]
    mode = int(what["new_mode"], 8) if "new_mode" in what else mode
    uid, gid = what.get("new_uid", uid), what.get("new_gid", gid)
    if kind == "file":
        size, content = what.get("new_size", size), what.get("new_sha256")
    elif kind == "link":
        size = what.get("new_size", size)
        content = path_of({"what": what}, "new_target") or content
    else:
        size = content = None
    return kind, mode, uid, gid, size, content
