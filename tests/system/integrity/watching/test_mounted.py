# SPDX-License-Identifier: Apache-2.0
"""A mount at, above or below what is watched: its own entry, and one alert for all it hides."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from seeing import LIBC, call
from sensor_host import BIN
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")
CLONE_NEWNS = 0x20000
FAN_REPORT_MNT = 0x4000


@pytest.fixture
def host():
    """In a mount namespace of its own, and the sensor with it."""
    before, where = os.open("/proc/self/ns/mnt", os.O_RDONLY), os.getcwd()
    if LIBC.unshare(CLONE_NEWNS) < 0:
        os.close(before)
        pytest.skip("no mount namespace to be had here")
    try:
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-mounted-") as name:
            h = Watched(pathlib.Path(name))
            for path in ("a/kept/f", "a/other/g", "b/h"):
                (h.tree / path).parent.mkdir(parents=True, exist_ok=True)
                (h.tree / path).write_text(path)
            h.configure(profile("a", "alert", [h.tree / "a"]),
                        profile("b", "alert", [h.tree / "b"]))
            try:
                h.start()
                h.wait(lambda: h.baselines("first"), "the first baseline")
                yield h
            finally:
                h.stop()
                for point in (h.tree, h.tree / "a" / "kept", h.tree / "a" / "other"):
                    subprocess.run(["umount", "-l", point], check=False,
                                   stderr=subprocess.DEVNULL)
    finally:
        call("setns", before, CLONE_NEWNS)
        os.chdir(where)
        os.close(before)


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def placed(host):
    """Entries of mounts that were seen: what came and went at once may have been anywhere."""
    return [e for e in host.entries("integrity.mount") if e["what"]["event"] != "unseen"]


def told(host, count):
    """So many entries of mounts that were seen, and no more."""
    host.wait(lambda: len(placed(host)) >= count, f"{count} mounts")
    found = placed(host)
    assert len(found) == count, found
    return found


def alerts(host):
    return [e["what"] for e in host.entries("alert.raised")]


def hidden(host, path, word, act):
    """The change of a path that this act has led to."""
    entry = host.seen(path, word)
    assert entry["what"].get("mount") == act, entry
    assert "integrity.mount" in entry["who"]["unknown"], entry
    return entry


def test_bind_mount_over_a_watched_directory(host, tmp_path):
    (tmp_path / "f").write_text("another")
    (tmp_path / "new").write_text("new")
    point = host.tree / "a" / "kept"
    mount("--bind", tmp_path, point)
    entry, = told(host, 1)
    what = entry["what"]
    assert (what["event"], what["path"]) == ("mounted", str(point))
    assert what["root"].endswith(tmp_path.name) and what["fstype"] and what["source"]
    found = [hidden(host, point / "f", "replaced", what["id"]),
             hidden(host, point / "new", "created", what["id"])]
    alert, = alerts(host)
    assert what["id"] in alert["detail"] and f"was mounted at {point}" in alert["detail"]
    assert {e["why"]["alert"] for e in found} == {alert["id"]}

    subprocess.run(["umount", point], check=True)
    gone = told(host, 2)[1]["what"]
    assert (gone["event"], gone["path"]) == ("unmounted", str(point)) and gone["id"] != what["id"]
    assert gone["root"] == what["root"]
    hidden(host, point / "new", "deleted", gone["id"])
    assert "no longer mounted" in alerts(host)[1]["detail"] and len(alerts(host)) == 2
    # What comes later is nobody's mount.
    (point / "f").write_text("by a process")
    assert "mount" not in host.seen(point / "f", "modified")["what"]


def test_what_was_changed_while_it_was_hidden(host, tmp_path):
    """By another way to it: that nobody saw who did it is said, not that the unmount did."""
    point = host.tree / "a" / "kept"
    mount("--bind", host.tree / "a", tmp_path)
    try:
        mount("-t", "tmpfs", "none", point)
        act = told(host, 1)[0]["what"]["id"]
        gone = hidden(host, point / "f", "deleted", act)
        assert "while it was hidden" not in gone["who"]["unknown"]
        (tmp_path / "kept/f").write_text("changed behind it")
        time.sleep(2)  # what was heard of it is dealt with
        host.told_so_far()
        subprocess.run(["umount", point], check=True)
        entry = hidden(host, point / "f", "created", told(host, 2)[1]["what"]["id"])
        assert "nobody saw who changed it while it was hidden" in entry["who"]["unknown"], entry
        assert entry["what"]["new_size"] == len("changed behind it")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_the_root_becomes_another(host, tmp_path):
    """pivot_root(2) moves everybody, the sensor too: at the paths that are watched is something
    else, without a mount at any of them."""
    root, old = tmp_path / "root", tmp_path / "old"
    root.mkdir()
    old.mkdir()
    mount("--rbind", "/", root)
    there = root / str(host.tree / "a" / "kept")[1:]
    mount("-t", "tmpfs", "none", there)
    (there / "f").write_text("another")
    subprocess.run(["pivot_root", root, root / str(old)[1:]], check=True)
    assert (host.tree / "a" / "kept" / "f").read_text() == "another"
    entry = host.seen(host.tree / "a" / "kept" / "f", "replaced")
    assert entry["why"]["state"] == "unexplained" and entry["why"]["alert"]


def tells_who():
    """Does the kernel tell who mounts?  Linux 6.14."""
    fd = LIBC.fanotify_init(FAN_REPORT_MNT, 0)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def as_shell(script):
    """Run by a shell that mounts itself, so to say: its own process number."""
    shell = subprocess.Popen(["sh", "-c", script])
    assert shell.wait() == 0
    return shell.pid


def test_who_mounts(host):
    """By a process that has ended when it is told; and one of two is not named as the author."""
    point = host.tree / "a" / "kept"
    pids = [as_shell(f"exec mount -t tmpfs none {point}")]
    told(host, 1)
    pids.append(as_shell(f"exec umount {point}"))
    entries = told(host, 2)
    if not tells_who():
        assert all("not by whom" in e["who"]["unknown"] for e in entries)
        return
    assert [e["who"]["pid"] for e in entries] == pids
    assert [os.path.basename(e["who"]["exe"]) for e in entries] == ["mount", "umount"]
    assert all(e["who"]["uid"] == 0 and "unknown" not in e["who"] for e in entries)
    host.seen(point / "f", "created")
    os.kill(host.sensor.pid, signal.SIGSTOP)
    pids = [as_shell(f"exec mount -t tmpfs none {p}") for p in (host.tree / "a/other", point)]
    os.kill(host.sensor.pid, signal.SIGCONT)
    for e in told(host, 4)[2:]:
        assert "pid" not in e["who"]
        assert all(f"{pid} (mount)" in e["who"]["unknown"] for pid in pids), e["who"]


def test_came_and_went_before_the_list_was_read(host):
    """What nobody could see is said, with how many where the kernel gives a notice of each."""
    point = os.fsencode(host.tree / "a" / "kept")
    pairs = 300
    for _ in range(pairs):
        call("mount", b"none", point, b"tmpfs", 0, None)
        call("umount2", point, 0)

    def seen(event):
        return sum(e["what"].get("count", 1) for e in host.entries("integrity.mount")
                   if e["what"]["event"] == event)
    host.wait(lambda: seen("unseen"), "mounts that came and went")
    if tells_who():
        host.wait(lambda: seen("mounted") + seen("unseen") >= pairs, "each of them")
        assert seen("mounted") + seen("unseen") + seen("more") // 2 == pairs
        found, = {e["who"].get("pid") for e in host.entries("integrity.mount")}
        assert found == os.getpid()
    host.wait(lambda: host.status().get("mounts_unseen") == seen("unseen"), "the same number")
    before, unseen = len(placed(host)), seen("unseen")
    mount("-t", "tmpfs", "none", point)
    told(host, before + 1)
    mount("-o", "remount,ro", point)
    subprocess.run(["umount", point], check=True)
    told(host, before + 2)
    assert seen("unseen") == unseen, "what is seen is not unseen"


def test_a_list_that_cannot_be_read(host):
    """It is an entry, and so is that it can be read again."""
    job = os.path.realpath(BIN / "assay-job")

    def events(event):
        return [e["what"].get("reason", "") for e in host.entries("integrity.sensor")
                if e["what"]["event"] == event and "list of mounts" in e["what"].get("reason", "")]
    assert not events("degraded")
    mount("--bind", "/bin/false", job)
    try:
        host.wait(lambda: events("degraded"), "that it cannot be read")
    finally:
        subprocess.run(["umount", job], check=True)
    host.wait(lambda: events("watching"), "that it can", 40)
    mount("-t", "tmpfs", "none", host.tree / "a" / "kept")
    told(host, 1)
    assert len(events("degraded")) == 1 and len(events("watching")) == 1


def test_moved_while_the_list_is_read(host):
    """Told once, from the next list: in the one that is read it is not moved yet."""
    job, slow = os.path.realpath(BIN / "assay-job"), host.tree.parent / "slow"
    real = shutil.copy(job, host.tree.parent / "job")
    slow.write_text(f"#!/bin/sh\n{real} \"$@\"\nstatus=$?\nsleep 2\nexit $status\n")
    slow.chmod(0o755)
    (host.tree.parent / "elsewhere").mkdir()
    kept = host.tree / "a" / "kept"
    mount("-t", "tmpfs", "none", kept)
    act = told(host, 1)[0]["what"]["id"]
    hidden(host, kept / "f", "deleted", act)
    mount("--bind", slow, job)
    try:
        time.sleep(4)  # that is read, slowly
        mount("-t", "tmpfs", "none", host.tree.parent / "elsewhere")
        time.sleep(1)
        mount("--move", kept, host.tree / "a" / "other")
        moved = [e["what"] for e in told(host, 3)[1:]]
        hidden(host, kept / "f", "created", moved[0]["id"])
    finally:
        subprocess.run(["umount", job, host.tree.parent / "elsewhere"], check=True)
    assert [(w["event"], pathlib.Path(w["path"]).name) for w in moved] == [
        ("unmounted", "kept"), ("mounted", "other")]
    told(host, 3)


def test_one_act_over_several_profiles(host):
    """Over the directory above them: two profiles, one alert."""
    mount("-t", "tmpfs", "none", host.tree)
    what = told(host, 1)[0]["what"]
    assert (what["event"], what["path"], what["fstype"]) == ("mounted", str(host.tree), "tmpfs")
    found = [hidden(host, host.tree / path, "deleted", what["id"])
             for path in ("a/kept/f", "a/other/g", "b/h")]
    alert, = alerts(host)
    assert {(e["what"]["profile"], e["why"]["alert"]) for e in found} == {
        ("a", alert["id"]), ("b", alert["id"])}


def test_moved_and_what_is_none_of_it(host):
    """One that is moved is gone and new, in one act; options and other places make no entry."""
    mount("-t", "tmpfs", "none", host.tree / "a" / "kept")
    first = told(host, 1)[0]["what"]["id"]
    mount("-o", "remount,ro", host.tree / "a" / "kept")
    (host.tree.parent / "elsewhere").mkdir()
    mount("-t", "tmpfs", "none", host.tree.parent / "elsewhere")
    subprocess.run(["umount", host.tree.parent / "elsewhere"], check=True)
    host.seen(host.tree / "a" / "kept" / "f", "deleted")
    mount("--move", host.tree / "a" / "kept", host.tree / "a" / "other")
    moved = [e["what"] for e in told(host, 3)[1:]]
    assert [(w["event"], pathlib.Path(w["path"]).name) for w in moved] == [
        ("unmounted", "kept"), ("mounted", "other")]
    assert moved[0]["id"] == moved[1]["id"] != first
    hidden(host, host.tree / "a" / "kept" / "f", "created", moved[0]["id"])
    hidden(host, host.tree / "a" / "other" / "g", "deleted", moved[0]["id"])
    assert len(alerts(host)) == 2
