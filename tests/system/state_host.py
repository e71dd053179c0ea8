# SPDX-License-Identifier: Apache-2.0
"""A recorder and a monitor that looks at a root of its own."""
import json
import signal
import subprocess
import time

from recorder_host import BIN, Recorder


class StateHost:
    def __init__(self, directory, *tables):
        self.recorder = Recorder(directory)
        self.state, self.run = self.recorder.state, self.recorder.run
        self.root = directory / "root"
        (self.root / "etc").mkdir(parents=True, exist_ok=True)
        self.tables = [x for table in tables for x in ("--table", table)]
        self.log_path = directory / "monitor.log"
        self.more = []  # options
        self.monitor = None

    def put(self, path, text):
        """A file below the root, in one step."""
        there = self.root / path.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        aside = there.with_name(there.name + ".aside")
        aside.write_bytes(text if isinstance(text, bytes) else text.encode())
        aside.rename(there)

    def spawn(self):
        with open(self.log_path, "ab") as log:
            self.monitor = subprocess.Popen(
                [BIN / "assay-monitor", "--state", self.state, "--run", self.run, "--root",
                 self.root, *self.tables, *self.more], stdout=log, stderr=log)

    def start(self):
        self.recorder.start()
        self.start_monitor()
        return self

    def start_monitor(self):
        self.spawn()
        self.wait(lambda: self.status().get("ready"), "a look at every table")

    def end(self, signo=signal.SIGTERM, status=0):
        self.monitor.send_signal(signo)
        assert self.monitor.wait(timeout=60) == status, self.log_path.read_text()
        self.monitor = None

    def stop(self):
        if self.monitor and self.monitor.poll() is None:
            self.monitor.kill()
            self.monitor.wait()
        self.recorder.stop()

    def status(self):
        try:
            said = json.loads((self.run / "monitor.status").read_text().split("\n")[0])
        except (OSError, ValueError):
            return {}
        return said["more"] if self.monitor and said.get("pid") == self.monitor.pid else {}

    def wait(self, done, what, seconds=60):
        end = time.monotonic() + seconds
        while not done():
            assert not self.monitor or self.monitor.poll() is None, self.log_path.read_text()
            assert time.monotonic() < end, (f"no sign of {what}", self.log_path.read_text())
            time.sleep(0.05)

    # ---- what was told ----

    def entries(self, kind="state.change", *more):
        out = self.recorder.assay("log", "--json", "--limit", "0", "--kind", kind, *more)
        return [json.loads(line) for line in out.splitlines()]

    def changes(self, table, change=None):
        """(change, old, new) of each: rows as dictionaries, sealed ones from the vault."""
        found = []
        for wrapped in self.entries("state.change", "--disclose"):
            what = wrapped["entry"]["what"]
            sealed = {d["name"]: d["value"] for d in wrapped["disclosed"]}
            if what["table"] == table and change in (None, what["change"]):
                row = sealed.get("what.row", what)
                found.append((what["change"], dict(row.get("old", [])), dict(row.get("new", []))))
        return found

    def changed(self, table, count=1):
        """Wait until so many were told; all of them."""
        self.wait(lambda: len(self.changes(table)) >= count, f"{count} changes of {table}")
        found = self.changes(table)
        assert len(found) == count, found
        return found

    def rows(self, table):
        return json.loads(self.recorder.assay("state", "show", table, "--json"))["rows"]
