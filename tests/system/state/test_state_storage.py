# SPDX-License-Identifier: Apache-2.0
"""Backups, retention, encryption, signatures, patches: against what other programs made and say."""
import os
import shutil
import subprocess
import time

import pytest

from state_host import StateHost

HOUR, DAY = 3600, 86400

CONFIG = """\
version: 1
tables:
  backups:
    every: 1s
    files:
      - name: nightly
        paths: /var/backups/*.dump
        max_age: 26h
      - name: restore test
        paths: /var/backups/tested
        max_age: 90d
  file_age:
    every: 1s
    files:
      - name: exports
        paths: /srv/exports/**
        max_age: 30d
"""


def put_aged(host, path, age_s, content="x"):
    """In one step, as old as it should be."""
    there = host.root / path.lstrip("/")
    aside = host.root / "aside"
    there.parent.mkdir(parents=True, exist_ok=True)
    aside.write_text(content)
    when = time.time() - age_s
    os.utime(aside, (when, when))
    aside.rename(there)


def row_of(host, table, name):
    return next(row for row in host.rows(table) if row["name"] == name)


@pytest.fixture
def host(tmp_path):
    hosts = []

    def make(*tables, config=None):
        h = StateHost(tmp_path, *tables)
        if config:
            where = tmp_path / "etc"
            where.mkdir()
            (where / "state.yaml").write_text(config)
            os.chmod(where / "state.yaml", 0o644)
            h.more += ["--config", where]
        hosts.append(h)
        return h

    yield make
    for h in hosts:
        h.stop()


def test_backups(host):
    h = host("backups", config=CONFIG)
    put_aged(h, "/var/backups/1.dump", 50 * HOUR, "123456")
    h.start()
    assert row_of(h, "backups", "nightly")["overdue"] is True
    assert row_of(h, "backups", "restore test") == {
        "files": 0, "max_age_s": 90 * DAY, "name": "restore test", "overdue": True}
    put_aged(h, "/var/backups/2.dump", 2 * HOUR, "12345")
    (_, old, new), = h.changed("backups")
    assert (old["newest_file"], new["newest_file"]) == ("/var/backups/1.dump",
                                                        "/var/backups/2.dump")
    assert (new["overdue"], new["suspicious"], new["size"]) == (False, False, 5)
    put_aged(h, "/var/backups/3.dump", 0)  # it may still grow
    put_aged(h, "/var/backups/tested", 10 * DAY)
    (_, _, new) = h.changed("backups", 2)[1]
    assert (new["name"], new["overdue"]) == ("restore test", False)
    put_aged(h, "/var/backups/4.dump", HOUR, "")
    (_, _, new) = h.changed("backups", 3)[2]
    assert (new["newest_file"], new["suspicious"]) == ("/var/backups/4.dump", True)


def test_file_age(host):
    h = host("file_age", config=CONFIG)
    put_aged(h, "/srv/exports/a/b/young", 29 * DAY)
    (h.root / "srv/exports/link").symlink_to("/nowhere")
    h.start()
    row = row_of(h, "file_age", "exports")
    assert (row["overdue"], row["files"], row["over"]) == (False, 1, 0)
    put_aged(h, "/srv/exports/c/old", 31 * DAY, "12345")
    (_, _, new), = h.changed("file_age")
    assert (new["overdue"], new["over"], new["over_bytes"], new["oldest_file"]) == (
        True, 1, 5, "/srv/exports/c/old")
    (h.root / "srv/exports/c/old").unlink()
    assert h.changed("file_age", 2)[1][2]["overdue"] is False


@pytest.mark.skipif(not shutil.which("cryptsetup"), reason="no cryptsetup")
@pytest.mark.parametrize("version", ["luks1", "luks2"])
def test_encryption(host, version):
    """A header that cryptsetup wrote, on what stands for a partition."""
    h = host("encryption")
    device = h.root / "dev/sda2"
    device.parent.mkdir(parents=True)
    with open(device, "wb") as f:
        f.truncate(20 << 20)
    subprocess.run(["cryptsetup", "-q", "luksFormat", "--type", version, "--cipher",
                    "aes-xts-plain64", "--key-size", "256", "--pbkdf", "pbkdf2",
                    "--pbkdf-force-iterations", "1000", device, "-"], input=b"pw", check=True)
    dump = subprocess.run(["cryptsetup", "luksDump", device], capture_output=True, text=True,
                          check=True).stdout
    assert "xts-plain64" in dump
    for path, text in {
            "sda/dev": "8:0", "sda/sda2/dev": "8:2", "dm-0/dev": "254:0",
            "dm-0/dm/name": "root", "dm-0/dm/uuid": f"CRYPT-{version.upper()}-1-root"}.items():
        h.put(f"/sys/block/{path}", text + "\n")
    slave = h.root / "sys/block/dm-0/slaves/sda2"
    slave.parent.mkdir()
    slave.symlink_to("../../sda/sda2")
    h.put("/proc/self/mountinfo", "28 1 254:0 / / rw - ext4 /dev/mapper/root rw\n")
    h.put("/proc/swaps", "Filename Type Size Used Priority\n")
    h.start()
    assert h.rows("encryption") == [{
        "cipher": "aes-xts-plain64", "device": "/dev/mapper/root", "encrypted": True,
        "key_bits": 256, "kind": "filesystem", "method": version.upper(), "name": "/",
        "stack": ["root", "sda2", "sda"], "type": "ext4"}]


def test_signatures(host):
    """The head is enough of a file that is longer than any that is read as a whole."""
    h = host("antimalware")
    head = "ClamAV-VDB:22 Jan 2025 09-31 +0000:27526:2071234:90:x:y:raynman:1737538300"
    h.put("/var/lib/clamav/daily.cvd", head.ljust(512))
    os.truncate(h.root / "var/lib/clamav/daily.cvd", 200 << 20)
    h.start()
    row = row_of(h, "antimalware", "daily.cvd")
    assert (row["version"], row["built"]) == (27526, "2025-01-22T09:31:40.000000000Z")
    assert row_of(h, "antimalware", "any")["installed"] is False


def test_capacity(host):
    """A filesystem's size is that of the one the root lies on."""
    h = host("capacity")
    h.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n")
    for name in ("stat", "loadavg", "meminfo"):
        with open(f"/proc/{name}", encoding="ascii") as f:
            h.put(f"/proc/{name}", f.read())
    h.start()
    v = os.statvfs(h.root)
    row = row_of(h, "capacity", "/")
    assert (row["size"], row["inodes"]) == (v.f_blocks * v.f_frsize, v.f_files)
    h.wait(lambda: h.entries("capacity.sample"), "a sample")
    (entry,) = h.entries("capacity.sample")
    samples = [dict(pairs) for pairs in entry["what"]["samples"]]
    assert {s["kind"] for s in samples} == {"filesystem", "load", "memory", "processor", "swap"}
    assert not h.changes("capacity")


@pytest.mark.skipif(not shutil.which("apt-get"), reason="no apt-get")
def test_patches(host):
    """What apt says is what waits; since when stays over a new start."""
    h = host("patches")
    h.start()
    said = subprocess.run(["apt-get", "-s", "-qq", "--ignore-hold", "dist-upgrade"], check=True,
                          capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout
    want = {line.split()[1] for line in said.splitlines() if line.startswith("Inst ")}
    rows = {row["name"]: row for row in h.rows("patches") if row["kind"] == "update"}
    assert set(rows) == want
    h.end()
    h.start_monitor()
    again = {row["name"]: row for row in h.rows("patches") if row["kind"] == "update"}
    assert {n: r["since"] for n, r in again.items()} == {n: r["since"] for n, r in rows.items()}
    assert not h.changes("patches")
