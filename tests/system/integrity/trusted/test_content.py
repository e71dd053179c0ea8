# SPDX-License-Identifier: Apache-2.0
"""Content of trusted files is kept where a profile asks for it: whole, only root's, as long as a
baseline refers to it, and with a ceiling that is told."""
import os
import pathlib
import stat
import subprocess
import tempfile

import pytest

from sensor_host import BIN, Host, sha256

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

YAML = """\
version: 1
profiles:
  kept:
    mode: alert
    keep: true
    max_size: 1MiB
    paths: [{tree}/kept]
  others:
    mode: log
    paths: [{tree}/others]
"""


class ContentHost(Host):
    def start_sensor(self):
        config = self.tree.parent / "config"
        config.mkdir(exist_ok=True)
        (config / "watch.yaml").write_text(YAML.format(tree=self.tree))
        self.sensor = subprocess.Popen(
            [BIN / "assay-sensor", "--state", self.state, "--run", self.run, "--config", config],
            stdout=self.log, stderr=self.log)
        self.wait(lambda: "profiles" in self.status(), "the sensor's first scan")

    @property
    def store(self):
        return self.state / "sensor" / "content"

    def kept(self):
        return sorted(p.parent.name + p.name for p in self.store.glob("??/*"))

    def accept(self):
        subprocess.run([BIN / "assay", "baseline", "accept", "--reason", "test", "--state",
                        self.state, "--run", self.run], check=True, capture_output=True)

    def baseline(self):
        self.wait(lambda: self.entries("integrity.baseline"), "the baseline's entry")
        return self.entries("integrity.baseline")[-1]["what"]


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-content-") as name:
        h = ContentHost(pathlib.Path(name))
        for directory in ("kept/sub", "others"):
            (h.tree / directory).mkdir(parents=True)
        (h.tree / "kept" / "one").write_text("one" * 1000)
        (h.tree / "kept" / "sub" / "two").write_bytes(os.urandom(200000))
        (h.tree / "kept" / "same").write_text("one" * 1000)
        (h.tree / "kept" / "empty").write_bytes(b"")
        (h.tree / "others" / "not").write_text("not kept")
        yield h
        h.stop()


def unpacked(path):
    return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout


def digests(host, *names):
    return sorted({sha256(host.tree / "kept" / n) for n in names})


def test_what_is_kept(host):
    host.start()
    assert host.kept() == digests(host, "one", "sub/two", "same", "empty")
    for path in host.store.glob("??/*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    two = sha256(host.tree / "kept" / "sub" / "two")
    assert unpacked(host.store / two[:2] / two[2:]) == \
        (host.tree / "kept" / "sub" / "two").read_bytes()
    assert (host.baseline()["kept"], host.baseline()["not_kept"]) == (4, 0)


def test_a_change_is_not_kept_before_it_is_trusted(host):
    host.start()
    before = host.kept()
    (host.tree / "kept" / "one").write_text("changed")
    host.wait(lambda: host.of(host.tree / "kept" / "one"), "the change")
    assert host.kept() == before
    host.accept()
    assert sha256(host.tree / "kept" / "one") in host.kept()
    assert set(before) <= set(host.kept()), "the baseline before it still refers to it"


def test_what_no_baseline_refers_to_goes(host):
    host.start()
    seen = []
    for i in range(7):
        (host.tree / "kept" / "one").write_text(f"version {i}")
        seen.append(sha256(host.tree / "kept" / "one"))
        host.accept()
    assert set(host.kept()) == set(seen[-5:]) | set(digests(host, "sub/two", "same", "empty"))


def test_too_large_for_its_profile(host):
    (host.tree / "kept" / "large").write_bytes(os.urandom(1 << 20) + b"x")
    host.start()
    assert sha256(host.tree / "kept" / "large") not in host.kept()
    assert (host.baseline()["kept"], host.baseline()["not_kept"]) == (4, 1)
    out = subprocess.run([BIN / "assay", "baseline", "show", host.tree / "kept" / "large",
                          "--state", host.state], capture_output=True, text=True).stdout
    assert "content       not kept" in out and "profile       kept" in out


def test_full_disk(host):
    """A filesystem of a megabyte for the store: what finds no room is told, all else goes on."""
    host.store.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "assay-test", host.store], check=True)
    try:
        host.start()
        assert host.kept() == []
        assert (host.baseline()["kept"], host.baseline()["not_kept"]) == (0, 4)
        (host.tree / "kept" / "one").write_text("changed")
        host.accept()
        host.wait(lambda: host.baseline()["reason"] == "accepted", "the next baseline's entry")
        assert list(host.store.iterdir()) == []
    finally:
        host.end(host.sensor)
        subprocess.run(["umount", host.store], check=True)


def test_half_written_content_goes_at_the_next_start(host):
    host.start()
    host.end(host.sensor)
    (host.store / "tmp.99").write_bytes(b"half")
    two = sha256(host.tree / "kept" / "sub" / "two")
    (host.store / two[:2] / two[2:]).unlink()
    host.start_sensor()
    assert not (host.store / "tmp.99").exists()
    subprocess.run([BIN / "assay", "baseline", "create", "--reason", "test", "--state", host.state,
                    "--run", host.run], check=True, capture_output=True)
    assert two in host.kept(), "a baseline taken anew keeps what is missing"


def test_taken_while_the_sensor_is_stopped(host):
    host.start()
    host.end(host.sensor)
    (host.tree / "kept" / "one").write_text("changed")
    done = subprocess.run([BIN / "assay", "baseline", "create", "--reason", "test", "--state",
                           host.state, "--run", host.run], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sha256(host.tree / "kept" / "one") in host.kept()
    host.start_sensor()
    host.wait(lambda: len(host.entries("integrity.baseline")) == 2, "its entry")
    what = host.entries("integrity.baseline")[1]["what"]
    assert (what["reason"], what["comment"]) == ("replaced", "test")
    assert host.of(host.tree / "kept" / "one") == [], "what was accepted is no difference"
