# SPDX-License-Identifier: Apache-2.0
"""watch.yaml: profiles in entries, mistakes, homes that come later, reloading without a loss."""
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from sensor_host import BIN, sha256
from watched_host import Watched, profile

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-watch-") as name:
        yield pathlib.Path(name)


@pytest.fixture
def host(directory):
    h = Watched(directory)
    yield h
    h.stop()


def assay(*args, **more):
    return subprocess.run([BIN / "assay", *map(str, args)], capture_output=True, text=True,
                          timeout=60, **more)


# ---- the command ----

def test_check_names_every_mistake(directory):
    file = directory / "w.yaml"
    file.write_text("version: 1\nprofiles:\n  a:\n    mode: loud\n    pathes: [/etc]\n"
                    "    paths: [/etc, usr]\n")
    done = assay("watch", "check", file)
    assert done.returncode == 1 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["w.yaml:4:11:", "w.yaml:5:5:", "w.yaml:6:19:"]
    assert "unknown mode" in lines[0] and "pathes" in lines[1] and "slash" in lines[2]
    said = json.loads(assay("watch", "check", "--json", file).stdout)
    assert [(f["line"], f["column"]) for f in said["faults"]] == [(4, 11), (5, 5), (6, 19)]
    file.write_text("version: 1\nprofiles: {a: {mode: log, paths: /etc}}\n")
    assert assay("watch", "check", file).returncode == 0
    for mode in ("restore", "deny"):  # what is done is no note
        file.write_text(f"version: 1\nprofiles: {{a: {{mode: {mode}, paths: [/etc]}}}}\n")
        assert assay("watch", "check", file).stdout == f"GOOD  {file}: 1 profile, 1 pattern\n"
    file.write_text("a: &a [1]\nb: *a\n")
    assert assay("watch", "check", file).stdout.startswith("w.yaml:1:4: anchors")
    assert assay("watch", "check", directory / "none").returncode == 3


def test_show_says_which_and_why(directory):
    (directory / "watch.yaml").write_text(
        "version: 1\nprofiles:\n"
        + profile("all", "log", ["/srv", "!/srv/tmp"])
        + profile("keys", "alert", ["/srv/*/.ssh"], "attributes: [content]", "keep: true"))
    config = ("--config", directory)
    done = assay("watch", "show", "/srv/bob/.ssh/id", *config)
    assert done.returncode == 0
    assert "profile     keys" in done.stdout and "mode        alert" in done.stdout
    assert "because of  /srv/*/.ssh (watch.yaml:12:10)" in done.stdout
    assert "also        all: /srv (watch.yaml:6:10), which says less" in done.stdout
    assert "attributes  type, size, target, rdev, sha256" in done.stdout
    done = assay("watch", "show", "/srv/tmp/x", *config)
    assert done.returncode == 1 and "not watched" in done.stdout
    assert "leaves out /srv/tmp (watch.yaml:8:10)" in done.stdout
    assert assay("watch", "show", "x", *config, cwd="/srv").stdout.startswith("/srv/x\n")
    said = json.loads(assay("watch", "show", "/srv/a/../b", "--json", *config).stdout)
    assert (said["path"], said["profile"], said["mode"]) == ("/srv/b", "all", "log")
    assert assay("watch", "show", *config).stdout.count("/srv") == 3


def test_what_ships_is_sound_and_does_no_more_than_alert(directory):
    done = assay("watch", "check", "--config", directory)
    assert done.returncode == 0 and "built-in" in done.stdout, done
    said = json.loads(assay("watch", "show", "--json", "--config", directory).stdout)
    assert {p["mode"] for p in said["profiles"]} == {"log", "alert"}
    shipped = assay("watch", "default").stdout
    assert json.loads(assay("watch", "default", "--json").stdout) == said
    (directory / "watch.yaml").write_text(shipped)
    assert assay("watch", "check", directory / "watch.yaml").returncode == 0
    assert said["sha256"] == hashlib.sha256(shipped.encode()).hexdigest()
    for path, wanted in [("/etc/shadow", "accounts"), ("/etc/pam.d/sshd", "authentication"),
                         ("/home/u/.ssh/authorized_keys", "authentication"),
                         ("/root/.ssh/authorized_keys", "authentication"),
                         ("/etc/sudoers.d/x", "authentication"), ("/etc/cron.d/x", "cron"),
                         ("/var/spool/cron/crontabs/root", "cron"), ("/boot/vmlinuz", "boot"),
                         ("/etc/ld.so.preload", "libraries"), ("/usr/bin/ls", "programs"),
                         ("/usr/lib/x86_64-linux-gnu/libc.so.6", "libraries"),
                         ("/usr/lib/modules/6.1/kernel/x.ko", "kernel"),
                         ("/etc/systemd/system/x.service", "services"),
                         ("/run/systemd/transient/run-u1.service", "services"),
                         ("/etc/apt/sources.list", "packages"), ("/root/.bashrc", "startup"),
                         ("/home/u/.bashrc", "homes"), ("/etc/assay/watch.yaml", "assay"),
                         ("/usr/bin/assay-sensor", "assay"), ("/etc/resolv.conf", "resolver"),
                         ("/var/lib/dpkg/info/x.postinst", "packages"),
                         ("/usr/lib/python3/dist-packages/x.py", "interpreters"),
                         ("/etc/alternatives/awk", "programs"),
                         ("/etc/cloud/cloud.cfg.d/x.cfg", "services"),
                         ("/etc/tmpfiles.d/x.conf", "services"), ("/etc/aliases", "services"),
                         ("/etc/binfmt.d/x.conf", "kernel"), ("/etc/request-key.d/x", "kernel"),
                         ("/etc/bash_completion.d/x", "startup"), ("/etc/gitconfig", "startup"),
                         ("/root/.gitconfig", "startup"), ("/etc/ppp/ip-up.d/x", "network"),
                         ("/etc/dhcp/dhclient-exit-hooks.d/x", "network"),
                         ("/etc/ppp/resolv.conf", "configuration"),
                         ("/etc/motd", "configuration")]:
        said = json.loads(assay("watch", "show", path, "--json", "--config", directory).stdout)
        assert said.get("profile") == wanted, path
    assert assay("watch", "show", "/home/u/.ssh/id_rsa", "--config", directory).returncode == 1


# ---- what entries say ----

@needs_root
def test_profile_mode_and_attributes(host):
    one, two = host.tree / "one", host.tree / "two"
    for path in (one, two):
        path.mkdir()
        (path / "f").write_text("before")
    host.configure(profile("quiet", "log", [one], "attributes: [permissions]"),
                   profile("loud", "alert", [host.tree]))
    host.start()
    (one / "f").write_text("after")
    os.utime(one / "f", (5, 5))
    (one / "f").chmod(0o600)
    (two / "f").write_text("after")
    what = host.seen(one / "f", "attributes")["what"]
    assert (what["profile"], what["mode"], what["differs"]) == ("quiet", "log", ["mode"])
    host.wait(lambda: host.of(two / "f"), "the change of two/f")
    host.quiet()
    assert len(host.of(one / "f")) == 1, "content and times are not its profile's"
    assert {(e["what"]["profile"], e["what"]["mode"]) for e in host.of(two / "f")} == {
        ("loud", "alert")}
    line = assay("log", "--state", host.state, "--path", one / "f").stdout
    assert "in quiet (log)" in line
    told = host.told("set")
    assert f"quiet: {one}" in told["added"] and told["config"] == sha256(host.file)
    assert "quiet: attributes" in " ".join(told["changed"])


@needs_root
def test_a_home_that_comes_later(host):
    homes = host.tree / "home"
    (homes / "old" / ".ssh").mkdir(parents=True)
    (homes / "old" / ".ssh" / "authorized_keys").write_text("old")
    host.configure(profile("keys", "alert", [f"{homes}/*/.ssh/authorized_keys"]),
                   profile("rest", "log", [f"{host.tree}/marker*"]))
    host.start()
    baseline = host.extended(reason="first")
    assert baseline["files"] == 1
    keys = homes / "new" / ".ssh" / "authorized_keys"
    keys.parent.mkdir(parents=True)
    keys.write_text("key")
    (keys.parent / "id_rsa").write_text("secret")
    assert host.seen(keys, "created")["what"]["new_sha256"] == sha256(keys)
    with keys.open("a") as f:
        f.write("another")
    host.wait(lambda: host.of(keys)[-1]["what"].get("new_sha256") == sha256(keys), "the new key")
    (homes / "new").rename(homes / "newer")
    host.seen(keys, "deleted")
    moved = homes / "newer" / ".ssh" / "authorized_keys"
    host.seen(moved, "created")
    moved.parent.rename(homes / "newer" / "ssh")
    host.seen(moved, "deleted")
    (homes / "newer" / "ssh").rename(moved.parent)
    host.seen(moved, "created", 2)
    (homes / "link").symlink_to("newer")  # is not followed
    host.quiet()
    assert {e["what"]["profile"] for e in host.changes()} == {"keys", "rest"}
    assert not host.of(keys.parent / "id_rsa") and not host.of(homes / "new")


@needs_root
def test_any_depth_and_what_is_left_out(host):
    site = host.tree / "site"
    (site / "a" / "b").mkdir(parents=True)
    host.configure(profile("site", "alert", [f"{site}/**/*.php", f"!{site}/**/cache"]),
                   profile("rest", "log", [f"{host.tree}/marker*"]))
    host.start()
    (site / "a" / "b" / "x.php").write_text("1")
    (site / "a" / "b" / "x.txt").write_text("1")
    (site / "c" / "d" / "e").mkdir(parents=True)
    (site / "c" / "d" / "e" / "y.php").write_text("1")
    (site / "c" / "cache" / "f").mkdir(parents=True)
    (site / "c" / "cache" / "f" / "z.php").write_text("1")
    host.seen(site / "a" / "b" / "x.php", "created")
    host.seen(site / "c" / "d" / "e" / "y.php", "created")
    host.quiet()
    assert len([e for e in host.changes() if e["what"]["profile"] == "site"]) == 2


@needs_root
def test_its_own_directories_are_never_watched(host, directory):
    """Whatever is configured, or each entry would make the next one."""
    host.configure(profile("all", "alert", [directory]))
    host.start()
    (host.tree / "f").write_text("x")
    host.seen(host.tree / "f", "created")
    host.quiet()
    seen = {e["what"]["path"] for e in host.changes()}
    assert not [p for p in seen if p.startswith((f"{host.state}/ledger", f"{host.state}/sensor"))]


# ---- mistakes ----

@needs_root
def test_a_wrong_file_at_the_start_does_not_blind(host):
    host.configure(profile("p", "alert", [host.tree]))
    host.start()
    host.end(host.sensor)
    host.file.write_text("version: 1\nprofiles:\n  p:\n    mode: loud\n    paths: [/tmp]\n")
    host.start_sensor()
    told = host.told("refused")
    assert told["reason"].startswith("watch.yaml:4:11: unknown mode") or "watch.yaml" in \
        told["reason"]
    assert "watch.yaml:4:11" in host.status()["config"]["refused"]
    (host.tree / "f").write_text("x")
    assert host.seen(host.tree / "f", "created")["what"]["profile"] == "p"
    status = assay("status", "--state", host.state, "--run", host.run).stdout
    assert "refused  watch.yaml:4:11: unknown mode" in status


@needs_root
@pytest.mark.parametrize("spoil, says", [
    (lambda f: f.write_text("version: 1\nprofiles:\n  p: {mode: log, pathes: x}\n"),
     "watch.yaml:3:"),
    (lambda f: f.write_text("a: [1\n"), "watch.yaml:2:1: "),
    (lambda f: f.write_text("x" * (1 << 20) + "\n"), "longer than"),
    (lambda f: f.chmod(0o666), "others than root may write it"),
    (lambda f: os.chown(f, 65534, 65534), "others than root may write it"),
    (lambda f: (f.unlink(), os.mkfifo(f)), "is no file"),
])
def test_a_wrong_file_is_refused_and_the_old_one_kept(host, spoil, says):
    host.configure(profile("p", "alert", [host.tree]))
    host.start()
    spoil(host.file)
    host.reload()
    told = host.told("refused")
    assert says in told["reason"], told
    host.wait(lambda: says in host.status()["config"].get("refused", ""), "the status")
    (host.tree / "f").write_text("x")
    assert host.seen(host.tree / "f", "created")["what"]["profile"] == "p"
    # A good one ends it.
    if host.file.is_fifo():
        host.file.unlink()
    host.configure(profile("q", "log", [host.tree]))
    host.file.chmod(0o600)
    os.chown(host.file, 0, 0)
    host.reload()
    host.told("changed")
    host.wait(lambda: "refused" not in host.status()["config"], "the status")
    (host.tree / "g").write_text("x")
    assert host.seen(host.tree / "g", "created")["what"]["profile"] == "q"


# ---- reloading ----

@needs_root
def test_more_is_watched(host):
    old, new = host.tree / "old", host.tree / "new"
    for path in (old, new):
        (path / "sub").mkdir(parents=True)
        (path / "sub" / "f").write_text("there before")
    host.configure(profile("p", "alert", [old, f"{host.tree}/marker*"]))
    host.start()
    first = host.extended(reason="first")
    (new / "g").write_text("not watched yet")
    host.quiet()
    host.configure(profile("p", "alert", [old, f"{host.tree}/marker*"]),
                   profile("n", "log", [new], "attributes: [content]"))
    host.reload()
    told = host.told("changed")
    assert told["added"] == [f"n: {new}"] and "removed" not in told
    assert told["config"] == sha256(host.file)
    grown = host.extended()
    assert grown["previous_root"] == first["root"] and grown["root"] != first["root"]
    assert (grown["added"], grown["removed"], grown["files"]) == (4, 0, first["files"] + 4)
    assert host.changes() == [e for e in host.changes() if "marker" in e["what"]["path"]]
    (new / "sub" / "f").write_text("changed after")
    (old / "sub" / "f").write_text("changed after")
    host.wait(lambda: host.of(new / "sub" / "f") and host.of(old / "sub" / "f"), "both changes")
    assert host.of(new / "sub" / "f")[0]["what"]["old_sha256"] == hashlib.sha256(
        b"there before").hexdigest()
    shown = json.loads(assay("baseline", "show", "--json", "--state", host.state, "--run",
                             host.run).stdout)
    assert shown["root"] == grown["root"]


@needs_root
def test_less_is_watched(host):
    keep, drop = host.tree / "keep", host.tree / "drop"
    for path in (keep, drop):
        path.mkdir()
        (path / "f").write_text("x")
    host.configure(profile("p", "alert", [keep, drop, f"{host.tree}/marker*"]))
    host.start()
    first = host.extended(reason="first")
    host.configure(profile("p", "log", [keep, f"{host.tree}/marker*"]))
    host.reload()
    told = host.told("changed")
    assert told["removed"] == [f"p: {drop}"] and told["dropped"] == 2
    assert told["changed"] == ["p: mode alert -> log"]
    smaller = host.extended(reason="reduced")
    assert smaller["previous_root"] == first["root"] and smaller["removed"] == 2
    (drop / "f").write_text("nobody looks")
    (keep / "f").write_text("somebody looks")
    host.wait(lambda: host.of(keep / "f"), "the change that is watched")
    host.quiet()
    assert not host.of(drop / "f") and host.of(keep / "f")[-1]["what"]["mode"] == "log"
    # And watched again: as it is found then.
    host.configure(profile("p", "log", [keep, drop, f"{host.tree}/marker*"]))
    host.reload()
    assert host.extended()["added"] == 2
    (drop / "f").write_text("again")
    host.wait(lambda: host.of(drop / "f"), "the change after all")


@needs_root
def test_a_scan_keeps_to_its_rate(host):
    """120 files at 50 a second take two seconds at least; another limit is taken up by a reload."""
    for i in range(120):
        (host.tree / f"f{i}").write_text("x")
    host.configure(profile("p", "alert", [host.tree]), "scan: { files: 50 }\n")
    host.start_recorder()
    begun = time.monotonic()
    host.start_sensor()
    assert time.monotonic() - begun > 2
    host.configure(profile("p", "alert", [host.tree]), "scan: { files: 5 }\n")
    host.reload()
    host.wait(lambda: "at least 10" in json.dumps(host.status()), "the refusal")


@needs_root
def test_settings_alone(host):
    host.configure(profile("p", "alert", [host.tree]))
    (host.tree / "f").write_text("x")
    host.start()
    first = host.extended(reason="first")
    host.configure("# only a comment\n" + profile("p", "alert", [host.tree]))
    host.reload()
    assert host.told("unchanged")["config"] == sha256(host.file)
    host.configure(profile("p", "log", [host.tree], "attributes: [-mtime]", "volatile: true"))
    host.reload()
    changed = host.told("changed")["changed"]
    assert "p: mode alert -> log" in changed and "p: volatile false -> true" in changed
    assert host.extended(reason="configured")["root"] == first["root"]
    (host.tree / "f").chmod(0o600)
    entry = host.seen(host.tree / "f", "attributes")
    assert entry["what"]["mode"] == "log" and entry["why"]["state"] == "volatile"


class Writer(threading.Thread):
    """Makes files in a directory, rewrites and removes some, until it is told to stop."""

    def __init__(self, directory):
        super().__init__()
        self.directory, self.ends = directory, threading.Event()
        self.made, self.removed = {}, set()  # path -> when it was whole

    def run(self):
        rng = random.Random(str(self.directory))
        number = 0
        while not self.ends.is_set():
            path = self.directory / f"{number % 7}" / f"f{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{self.directory} {number}")
            self.made[path] = time.time()
            if number % 5 == 4:
                other = self.directory / f"{(number - 3) % 7}" / f"f{number - 3}"
                if other in self.made and other not in self.removed:
                    other.write_text(f"again {number}")
            if number % 11 == 10:
                other = self.directory / f"{(number - 2) % 7}" / f"f{number - 2}"
                if other in self.made:
                    other.unlink()
                    self.removed.add(other)
            number += 1
            time.sleep(rng.random() / 50)


def when(entry):
    return entry["t"]


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + \
        f".{int(seconds % 1 * 1e9):09d}Z"


def last_state(host, path):
    """The hash that the ledger's last entry of the path tells; None: gone or never told."""
    entries = host.told_of.get(os.fsencode(path), [])
    return entries[-1]["what"].get("new_sha256") if entries else None


def collect(host):
    host.told_of = {}
    for entry in host.changes():
        host.told_of.setdefault(os.fsencode(entry["what"]["path"]), []).append(entry)


@needs_root
def test_nothing_is_missed_while_reloading(host):
    """Old, new and dropped directories change all the time, over several reloads."""
    old, new, drop = (host.tree / name for name in ("old", "new", "drop"))
    for path in (old, new, drop):
        path.mkdir()
    marker = f"{host.tree}/marker*"
    host.configure(profile("p", "alert", [old, drop, marker]))
    host.start()
    writers = {path: Writer(path) for path in (old, new, drop)}
    for w in writers.values():
        w.start()
    try:
        for count in range(1, 4):
            time.sleep(0.4)
            host.configure(profile("p", "alert", [old, marker]), profile("n", "log", [new]))
            asked = time.time()
            host.reload()
            host.told("changed", 2 * count - 1)
            host.settled(2 * count - 1)
            grown = time.time()
            time.sleep(0.4)
            if count == 3:
                break
            host.configure(profile("p", "alert", [old, drop, marker]))
            host.reload()
            host.told("changed", 2 * count)
            host.settled(2 * count)
    finally:
        for w in writers.values():
            w.ends.set()
            w.join()
    host.quiet()
    collect(host)
    # Watched all the time: each file has its entry, and the last one is right.
    for path in writers[old].made:
        told = host.told_of.get(os.fsencode(path))
        assert told, f"{path} was missed"
        if path in writers[old].removed:
            assert told[-1]["what"]["change"] in ("deleted", "transient"), told
        else:
            assert last_state(host, path) == sha256(path), told
    # Dropped: what was done before the reload was asked for is told.
    dropped = host.told("changed")
    assert f"p: {drop}" in dropped["removed"]
    since = [e for e in host.entries("integrity.watch") if e["what"]["event"] == "changed"][-2]
    for path, whole in writers[drop].made.items():
        if when(since) < iso(whole - 0.5) and whole < asked - 0.1:
            assert os.fsencode(path) in host.told_of, f"{path} was missed before it was dropped"
    # New: what the baseline does not have is told, and what it has and changed is told as well.
    said = json.loads(assay("check", "--json", "--state", host.state, "--run", host.run).stdout)
    differs = {d["path"]: d["change"] for d in said["differences"]}
    late = 0
    for path, whole in writers[new].made.items():
        change = differs.get(str(path))
        if path in writers[new].removed:
            continue
        if change is not None:
            assert last_state(host, path) == sha256(path), (path, change)
        if whole > grown:
            late += 1
            assert change == "created", path
    assert late > 10, "the test was too quick to see anything"


@needs_root
def test_changed_while_down(host):
    old, new = host.tree / "old", host.tree / "new"
    for path in (old, new):
        path.mkdir()
        (path / "f").write_text("x")
    host.configure(profile("p", "alert", [old, f"{host.tree}/marker*"]))
    host.start()
    first = host.extended(reason="first")
    host.end(host.sensor)
    (old / "g").write_text("made while down")
    (new / "g").write_text("not watched then")
    host.configure(profile("p", "alert", [old, new, f"{host.tree}/marker*"]))
    host.start_sensor()
    told = host.told("changed")
    assert told["added"] == [f"p: {new}"]
    assert host.seen(old / "g", "created")["what"]["seen"] == "start"
    grown = host.extended()
    assert grown["added"] == 3 and grown["previous_root"] == first["root"]
    host.quiet()
    assert not host.of(new / "g") and not host.of(new / "f")
    host.end(host.sensor)
    (new / "h").write_text("made while down, watched")
    host.start_sensor()
    assert host.seen(new / "h", "created")["what"]["seen"] == "start"
    assert len(host.baselines("extended")) == 1


@needs_root
def test_killed_while_it_reloads(host):
    """Whatever was done and told before the kill, nothing is absorbed without an entry."""
    old, new = host.tree / "old", host.tree / "new"
    old.mkdir()
    new.mkdir()
    for number in range(300):
        (new / f"f{number}").write_text(str(number))
    marker = f"{host.tree}/marker*"
    wide = [profile("p", "alert", [old, new, marker])]
    narrow = [profile("p", "alert", [old, marker])]
    host.configure(*narrow)
    host.start()
    rng = random.Random(5)
    for number in range(6):
        host.configure(*(wide if number % 2 == 0 else narrow))
        host.reload()
        time.sleep(rng.random() * 0.15)
        (old / f"g{number}").write_text("x")
        host.sensor.kill()
        host.sensor.wait()
        (old / f"h{number}").write_text("x")
        host.start_sensor()
        host.seen(old / f"g{number}", "created")
        host.seen(old / f"h{number}", "created")
        host.wait(lambda: host.status().get("baseline", {}).get("work") is None, "the baseline")
        host.quiet()
        done = assay("check", "--json", "--state", host.state, "--run", host.run)
        found = {d["path"] for d in json.loads(done.stdout)["differences"]
                 if d["path"].startswith(str(new))}
        assert not found, "in the baseline, or not watched"
    assert not [e for e in host.changes() if e["what"]["path"].startswith(str(new))]


@needs_root
def test_up_passes_it_on(directory):
    directory.chmod(0o755)
    conf, tree = directory / "conf", directory / "tree"
    conf.mkdir()
    tree.mkdir()
    file = conf / "watch.yaml"
    file.write_text("version: 1\nprofiles:\n" + profile("p", "log", [tree]))
    places = ("--state", directory / "state", "--run", directory / "run")
    with open(directory / "out", "wb") as out:
        up = subprocess.Popen([BIN / "assay", "up", *places, "--config", conf], stdout=out,
                              stderr=out)

    def said():
        return (directory / "out").read_text()

    def wait(done, what):
        end = time.monotonic() + 30
        while not done():
            assert up.poll() is None and time.monotonic() < end, (what, said())
            time.sleep(0.05)

    try:
        wait(lambda: "Watching " in said(), "the first scan")
        assert "of the profiles p" in said() or "below" in said()
        file.write_text("version: 1\nprofiles:\n" + profile("q", "alert", [tree]))
        up.send_signal(signal.SIGHUP)
        watched = ("log", "--json", "--kind", "integrity.watch", *places)
        wait(lambda: '"added":["q: ' in assay(*watched).stdout, "the reload")
        up.send_signal(signal.SIGTERM)
        assert up.wait(timeout=40) == 0, said()
    finally:
        if up.poll() is None:
            up.kill()
            up.wait()
