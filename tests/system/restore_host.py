# SPDX-License-Identifier: Apache-2.0
"""A host whose sensor puts back what changes below one directory."""
import contextlib
import hashlib
import json
import os
import stat
import subprocess
import time

from seeing import Seeing, fact
from sensor_host import BIN, path_of

YAML = """\
version: 1
profiles:
  guarded:
    mode: restore
    paths: [{tree}/guarded]
  others:
    mode: alert
    keep: true
    paths: [{tree}/others]
"""


def look(path):
    """What there is at a path, but for the inode and the times that a directory has of its own."""
    found = fact(os.fsencode(path), None)
    del found["ino"]
    return found


def tree(top):
    """{path: what is there} of everything at and below top."""
    found = {}
    for directory, names, files in os.walk(os.fsencode(top)):
        for name in [b""] + files + [n for n in names
                                     if os.path.islink(os.path.join(directory, n))]:
            path = os.path.join(directory, name) if name else directory
            with contextlib.suppress(FileNotFoundError):  # it goes while it is looked at
                found[path] = look(path)
    return found


class RestoreHost(Seeing):
    yaml = YAML
    environment = None
    trap = None  # of the sensor's calls, trapped.py

    def __init__(self, directory, place=None):
        super().__init__(directory)
        if place:
            self.tree = place
        self.guarded, self.others = self.tree / "guarded", self.tree / "others"
        for path in (self.guarded, self.others):
            path.mkdir(exist_ok=True)

    def write_config(self):
        config = self.state.parent / "config"
        config.mkdir(exist_ok=True)
        (config / "watch.yaml").write_text(self.yaml.format(tree=self.tree))
        return config

    def start_sensor(self):
        config = self.write_config()
        self.sensor = subprocess.Popen(
            [BIN / "assay-sensor", "--state", self.state, "--run", self.run, "--config", config],
            stdout=self.log, stderr=self.log, preexec_fn=self.trap.enter if self.trap else None)
        if self.trap:
            self.trap.begin()
        self.wait(lambda: "profiles" in self.status(), "the sensor's first scan")
        self.seen_so_far = 0

    def start(self):
        super().start()
        self.was = tree(self.guarded)

    def stop(self):
        """An incident may have frozen something."""
        self.assay("deny", "lift", "--all", "--reason", "end of the test", check=False)
        super().stop()

    def assay(self, *words, check=True):
        return subprocess.run([BIN / "assay", *map(str, words), "--state", self.state, "--run",
                               self.run], capture_output=True, text=True, check=check)

    # ---- what is expected ----

    def told(self, kind, path, **what):
        """Entries of a path of one kind that say all this."""
        return [e for e in self.entries(f"integrity.{kind}")
                if path_of(e) == os.fsencode(path) and
                all(e["what"].get(k) == v for k, v in what.items())]

    def back(self, path, count=1, seconds=30, **what):
        """Wait until it was told to be put back; the last entry."""
        try:
            self.wait(lambda: len(self.told("restored", path, **what)) >= count,
                      f"{path} put back", seconds)
        except AssertionError as error:
            told = [e["what"] for e in self.entries()
                    if e["k"].startswith("integrity.") and path_of(e) == os.fsencode(path)]
            raise AssertionError(f"{error}; told: {told}")
        return self.told("restored", path, **what)[-1]["what"]

    def not_back(self, path, **what):
        self.wait(lambda: self.told("not_restored", path, **what), f"{path} not put back")
        return self.told("not_restored", path, **what)[-1]["what"]

    def as_it_was(self, seconds=20):
        """Wait until all that is guarded is as it was, but for inodes."""
        end = time.monotonic() + seconds
        while True:
            now = tree(self.guarded)
            if now == self.was:
                return
            bad = [p for p in now.keys() | self.was.keys() if now.get(p) != self.was.get(p)]
            assert time.monotonic() < end, [(p, self.was.get(p), now.get(p)) for p in bad[:5]]
            time.sleep(0.02)

    def clean(self):
        """No name beside is left anywhere below the tree."""
        left = [p for p in self.tree.rglob(".assay-*")]
        assert not left, left

    def settled(self):
        """Nothing waits to be put back, and the sensor believes what is there."""
        self.wait(lambda: self.fresh()["restore"]["waiting"] == 0, "nothing to put back")
        self.agree(self.guarded)
        self.clean()

    def fresh(self):
        """The status, asked for now (which is an entry: not to be asked for all the time)."""
        time.sleep(0.1)
        return self.ask_status()

    def item(self, id_):
        return json.loads(self.assay("quarantine", "show", id_, "--json").stdout)

    def content(self, id_):
        """The content of an item, as the command gives it out."""
        to = self.state.parent / f"out-{time.monotonic_ns()}"
        self.assay("quarantine", "export", id_, to)
        try:
            assert stat.S_IMODE(to.stat().st_mode) == 0o600
            return to.read_bytes()
        finally:
            to.unlink()


def digest(data):
    return hashlib.sha256(data).hexdigest()
