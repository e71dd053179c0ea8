# SPDX-License-Identifier: Apache-2.0
"""What one user changes faster than it is worth an entry each is told as one; nobody else's changes
are, nothing is lost of it, and everything that acts on a change does."""
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from seeing import Seeing
from sensor_host import Host, path_of


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

YAML = """
version: 1
profiles:
  open:
    mode: {mode}
    paths: [{tree}]
"""
BURST = 200  # changes of one sort in ten seconds, and one more than that is folded
LAST = 65534  # a user that has no rights

# As a user: so many new files, then whatever else is asked for.
AS_USER = """
import os, sys
uid, directory, prefix, n, then = sys.argv[1:]
uid = int(uid)
os.setgid(uid)
os.setuid(uid)
for i in range(int(n)):
    with open(f"{directory}/{prefix}{i:05d}", "w") as f:
        f.write(str(i))
exec(then)
"""


class Folded(Seeing):
    def __init__(self, directory, mode="alert"):
        super().__init__(directory)
        self.watch, self.config = [], directory / "config"
        self.config.mkdir()
        (self.config / "watch.yaml").write_text(YAML.format(mode=mode, tree=self.tree))
        for path in (self.tree.parent, self.tree):
            path.chmod(0o755)
        self.open = self.tree / "open"
        self.open.mkdir()
        self.open.chmod(0o777)

    def start_sensor(self):
        Host.start_sensor(self, "--config", self.config)
        self.seen_so_far = 0

    def user(self, uid, prefix, n, then="", wait=True):
        child = subprocess.Popen(["/usr/bin/python3", "-c", AS_USER, str(uid), self.open, prefix,
                                  str(n), then])
        assert not wait or child.wait() == 0
        return child

    def by(self, uid):
        return [e for e in self.changes() if e.get("who", {}).get("uid") == uid]

    def folded(self, uid=LAST):
        return [e for e in self.entries("integrity.folded") if e["what"]["uid"] == uid]

    def all_told(self, paths, uid=LAST, seconds=60):
        """Wait until each path has an entry, or is in the list of one that is folded."""
        def missing():
            one = {path_of(e) for e in self.changes()}
            return paths - one - self.lists(uid)
        self.wait(lambda: not missing(), f"{len(paths)} paths told", seconds)

    def lists(self, uid=LAST):
        """All paths of what is folded, each list checked against its digest."""
        found = set()
        for e in self.folded(uid):
            what = e["what"]
            assert what["kept"]
            file = self.state / "sensor/folded/content" / what["digest"][:2] / what["digest"][2:]
            text = subprocess.run(["zstd", "-dcq", file], capture_output=True, check=True).stdout
            assert hashlib.sha256(text).hexdigest() == what["digest"]
            paths = text.split(b"\0")[:-1]
            assert paths == sorted(set(paths)) and len(paths) == what["paths"]
            assert [p.decode() for p in paths[:16]] == what["named"]
            found |= set(paths)
        return found


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-fold-") as name:
        h = Folded(pathlib.Path(name))
        h.start()
        yield h
        h.stop()


def names(h, prefix, n):
    return {os.fsencode(h.open / f"{prefix}{i:05d}") for i in range(n)}


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is missing")
def test_a_flood(host):
    """One entry for what is above the rate; root's changes and another user's come one by one and
    at once, in the same directory and meanwhile."""
    flood = host.user(LAST, "z", 3000, wait=False)
    host.wait(lambda: len(os.listdir(host.open)) > 1000 or flood.poll() is not None, "a flood")
    (host.open / "by-root").write_text("root\n")
    host.user(1234, "other", 5)
    began = time.monotonic()
    host.seen(host.open / "by-root", "created")
    for path in names(host, "other", 5):
        host.wait(lambda: host.of(path), path)
        assert host.of(path)[0]["who"]["uid"] == 1234
    assert time.monotonic() - began < 8, "without waiting for what is folded"
    assert flood.wait() == 0
    host.all_told(names(host, "z", 3000))
    folded = [e["what"] for e in host.folded()]
    assert {w["sort"] for w in folded} == {"new"} and {w["profile"] for w in folded} == {"open"}
    told = [e for e in host.by(LAST)]
    assert len(told) <= 2 * BURST, "created, and perhaps modified"
    assert not host.lists() & {path_of(e) for e in host.by(0) + host.by(1234)}
    assert sum(w["count"] for w in folded) >= 3000 - 2 * BURST
    alerts = [e for e in host.entries("alert.raised")
              if e["what"]["change"] == "too many changes"]
    assert len(alerts) == 1 and f"uid {LAST} " in alerts[0]["what"]["detail"]
    assert alerts[0]["who"]["uid"] == LAST
    assert not host.entries("integrity.gap")
    host.agree()
    assert host.status()["folded"]["changes"] == sum(w["count"] for w in folded)
    n = len(host.changes())
    host.end(host.sensor)
    host.start_sensor()
    host.rest()
    assert len(host.changes()) == n, "what was folded is known"
    host.agree()


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is missing")
def test_what_was_there_is_not_hidden(host):
    """Behind thousands of new files: one that was there and is another now, one that is gone, one
    that is set-uid now."""
    for name in ("changed", "gone", "rights"):
        (host.open / name).write_text("as it was\n")
        os.chown(host.open / name, LAST, LAST)
    host.rest()
    host.user(LAST, "z", 1000, '''
open(directory + "/changed", "w").write("another\\n")
os.unlink(directory + "/gone")
os.chmod(directory + "/rights", 0o4755)
''')
    host.expect(host.open / "changed", "modified")
    host.expect(host.open / "gone", "deleted")
    host.expect(host.open / "rights", "attributes", "mode")
    host.all_told(names(host, "z", 1000))
    host.agree()


# Root with a user's name: it keeps its rights, as a program of root's or by a capability.
AS_ROOT = {
    "effective user": "os.setresuid(1234, 0, 0)",
    "user of files": """
os.setresuid(1234, 1234, 0)
import ctypes
assert ctypes.CDLL(None).setfsuid(0) == 1234
""",
}


@pytest.mark.parametrize("how", AS_ROOT)
def test_root_is_not_hidden(host, how):
    """Behind more changes than are told one by one, made in a user's name: what only root can."""
    for i in range(300):
        (host.open / f"o{i:03}").write_text("a")
        (host.open / f"o{i:03}").chmod(0o666)
    (host.open / "shadow").write_text("root:x\n")
    (host.open / "shadow").chmod(0o600)
    host.rest()
    subprocess.run(["/usr/bin/python3", "-c", "import os, sys" + "\n" + AS_ROOT[how] + """
for i in range(300):
    open(f"{sys.argv[1]}/o{i:03}", "w").write("b")
open(f"{sys.argv[1]}/shadow", "w").write("evil\\n")
""", host.open], check=True)
    host.expect(host.open / "shadow", "modified")
    assert not any("shadow" in name for e in host.folded(1234) for name in e["what"]["named"])
    host.agree()


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is missing")
def test_killed_before_it_is_told(host):
    """What is folded is known to nobody before it is in the ledger: killed in between, the sensor
    finds all of it when it starts."""
    host.user(LAST, "z", 1500)
    host.wait(lambda: host.status().get("folded", {}).get("changes", 0) > 500, "folding")
    host.end(host.sensor, signal.SIGKILL)
    assert not host.folded(), "or this shows nothing"
    host.start_sensor()
    host.all_told(names(host, "z", 1500))
    host.agree()


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is missing")
def test_renames(host):
    """Files and directories, back and forth, and root in between: the state is right, also after a
    restart."""
    (host.open / "tree").mkdir()
    for i in range(20):
        (host.open / f"tree/{i}").write_text(f"{i}\n")
    subprocess.run(["chown", "-R", f"{LAST}:{LAST}", host.open / "tree"], check=True)
    host.rest()
    host.user(LAST, "z", 500, '''
os.chdir(directory)
for i in range(400):
    os.rename(f"z{i:05d}", f"y{i:05d}")
for i in range(301):
    os.rename(*(("tree", "moved") if i % 2 == 0 else ("moved", "tree")))
for i in range(300):
    os.rename(f"y{i:05d}", f"moved/{i:05d}")
open("moved/7", "w").write("changed")
''')
    (host.open / "y00350").rename(host.open / "x00350")
    host.rest()
    host.agree()
    host.wait(lambda: host.status()["folded"]["changes"] <=
              sum(e["what"]["count"] for e in host.folded()), "all of it told")
    assert host.folded()
    n = len(host.changes())
    host.end(host.sensor)
    host.start_sensor()
    host.rest()
    host.agree()
    assert [(e["what"]["change"], path_of(e)) for e in host.changes()[n:]] == []


def test_restored_all_the_same():
    """Each path that is folded is put back."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-fold-") as name:
        h = Folded(pathlib.Path(name), mode="restore")
        for i in range(300):
            (h.open / f"was{i}").write_text("as it was\n")
            (h.open / f"was{i}").chmod(0o666)
        h.start()
        try:
            h.user(LAST, "z", 500, '''
for i in range(300):
    open(f"{directory}/was{i}", "w").write("evil")
''')
            h.wait(lambda: h.status().get("folded", {}).get("changes", 0) > 200, "folding")
            h.wait(lambda: len(os.listdir(h.open)) == 300 and
                   all(p.read_text() == "as it was\n" for p in h.open.iterdir()),
                   "all of it put back", 90)
            h.rest()
            h.agree()
        finally:
            h.stop()
