# SPDX-License-Identifier: Apache-2.0
"""Putting back against somebody who fights it, and against full disks, kills and damage."""
import base64
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from restore_host import RestoreHost, digest, tree
from seeing import Mounts
from trapped import UNLINKAT, Trap

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@contextlib.contextmanager
def running(place=None, files=(), state=None, before=None):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-race-") as name:
        directory = pathlib.Path(name)
        h = RestoreHost(directory, place=place)
        if state:
            shutil.rmtree(h.state)
            h.state = state
            h.state.mkdir()
        (h.guarded / "plain").write_text("as it was\n")
        for file in files:
            (h.guarded / file).write_text(f"{file}\n")
        if before:
            before(h)
        h.start()
        try:
            yield h
        finally:
            h.stop()
            # Who insists is denied for a while, and the sensor that would lift that has ended.
            subprocess.run(["chattr", "-R", "-f", "-i", directory], check=False)


@contextlib.contextmanager
def process(script, *arguments):
    """A Python program that says a line when it has begun."""
    child = subprocess.Popen(["/usr/bin/python3", "-c", script, *map(str, arguments)],
                             stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    try:
        assert child.stdout.readline()
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stdin.close()


def test_held_open_and_written():
    """The writer keeps what it has, which nobody finds by the name any more."""
    script = ("import os, sys, time\n"
              "fd = os.open(sys.argv[1], os.O_WRONLY)\n"
              "os.write(fd, b'evil')\n"
              "print('begun', flush=True)\n"
              "while True:\n"
              "    os.pwrite(fd, os.urandom(8), 0); time.sleep(0.0005)\n")
    with running() as h:
        with process(script, h.guarded / "plain") as writer:
            what = h.back(h.guarded / "plain", act="replaced")
            h.as_it_was()
            time.sleep(0.3)
            h.as_it_was()
            assert f"pid {writer.pid} (python3" in what["holders"], what
            assert "has it open" in what["holders"]
        assert h.told("quarantined", h.guarded / "plain")
        h.settled()


def test_mapped_and_written():
    script = ("import mmap, os, sys, time\n"
              "fd = os.open(sys.argv[1], os.O_RDWR)\n"
              "m = mmap.mmap(fd, 4)\n"
              "os.close(fd)\n"
              "print('begun', flush=True)\n"
              "sys.stdin.readline()\n"
              "m[:4] = b'evil'; m.flush()\n"
              "os.utime(sys.argv[1])\n"  # a mapped write makes no event: this one looks there
              "print('written', flush=True)\n"
              "while True:\n"
              "    m[:4] = os.urandom(4); m.flush(); time.sleep(0.001)\n")
    with running() as h:
        with process(script, h.guarded / "plain") as writer:
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
            assert writer.stdout.readline()
            what = h.back(h.guarded / "plain")
            h.as_it_was()
            time.sleep(0.3)
            h.as_it_was()
            assert f"pid {writer.pid} (python3" in what.get("holders", ""), what
        h.settled()


def test_running():
    with running() as h:
        evil = h.tree / "evil"
        shutil.copy(shutil.which("sleep"), evil)
        with subprocess.Popen([evil, "60"]) as child:
            evil.rename(h.guarded / "plain")
            what = h.back(h.guarded / "plain")
            h.as_it_was()
            assert f"pid {child.pid} (" in what["holders"] and "text busy" in what["holders"]
            child.kill()
        h.settled()


def test_linked_elsewhere():
    """Another name is a way to change it: the path gets a file of its own."""
    with running() as h:
        other = h.tree / "other"
        os.link(h.guarded / "plain", other)
        what = h.back(h.guarded / "plain", act="replaced")
        assert what["others"] == 1
        h.as_it_was()
        assert not os.path.samefile(other, h.guarded / "plain")
        other.write_text("evil\n")
        time.sleep(0.3)
        h.as_it_was()
        evil = h.tree / "evil"
        evil.write_text("evil\n")
        os.link(evil, h.tree / "evil2")
        evil.rename(h.guarded / "plain")
        h.wait(lambda: len(h.told("restored", h.guarded / "plain")) == 2, "the second time")
        assert h.told("restored", h.guarded / "plain")[-1]["what"]["others"] == 1
        h.as_it_was()
        h.settled()


@pytest.mark.parametrize("added", [False, True])
def test_linked_at_the_last_moment(added):
    """Somebody saves the bad file, by another name, when it is about to go: told."""
    saved = []

    def decide(call):
        name = call.text(1)
        if name.startswith(".assay-") and not saved:
            os.link(h.guarded / name, h.tree / "saved")
            saved.append(name)
    with running(before=lambda h: setattr(h, "trap", Trap(lambda call: None, UNLINKAT))) as h:
        h.trap.decide = decide
        path = h.guarded / ("new" if added else "plain")
        path.write_text("evil\n")
        what = h.back(path)
        assert what.get("others") == 1, what
        assert (h.tree / "saved").read_text() == "evil\n"
        h.settled()


def test_two_trusted_names():
    """Both names of a trusted file lead to the changed one: both come back."""
    with running() as h:
        pair = h.guarded / "one", h.guarded / "two"
        h.end(h.sensor)
        shutil.rmtree(h.state / "sensor")
        pair[0].write_text("pair\n")
        os.link(*pair)
        h.start_sensor()
        pair[0].write_text("evil\n")
        for path in pair:
            h.wait(lambda p=path: p.read_text() == "pair\n", f"{path} as it was")
        h.wait(lambda: h.fresh()["restore"]["waiting"] == 0, "nothing to put back")
        assert all(p.read_text() == "pair\n" for p in pair)
        h.agree(h.guarded)


def test_replaced_all_the_time():
    """A new file every moment: it ends with an incident and the trusted file, frozen where that
    can be, and every version that was put away is there."""
    script = ("import os, sys, itertools, time\n"
              "print('begun', flush=True)\n"
              "for i in itertools.count():\n"
              "    new = sys.argv[2] + str(i)\n"
              "    with open(new, 'w') as f: f.write(f'evil {i}\\n')\n"
              "    try: os.rename(new, sys.argv[1])\n"
              "    except OSError: os.unlink(new)\n"
              "    time.sleep(0.002)\n")
    with running() as h:
        path = h.guarded / "plain"
        with process(script, path, h.tree / "new"):
            h.wait(lambda: h.told("incident", path), "the incident")
            what = h.told("incident", path)[0]["what"]
            assert what["count"] >= 3 and what["window_s"] == 60
            if what["action"] == "denied":
                name = base64.b64encode(os.fsencode(path))
                log = (h.state / "sensor/frozen").read_bytes().split(b"\n")
                log = [line.split() for line in log if line[:1] == b"+" and line.endswith(name)]
                assert log[0][1] == b"0" and log[-1][1] != b"0", "announced before it was set"
                for _ in range(20):
                    assert path.read_text() == "as it was\n"
                    time.sleep(0.01)
        if what["action"] == "left":
            h.assay("restore", path, "--reason", "by hand")
        h.wait(lambda: path.read_text() == "as it was\n", "the trusted file")
        versions = [e["what"] for e in h.told("quarantined", path)]
        assert len(versions) >= 3
        for version in versions[:5]:
            assert digest(h.content(version["id"])) == version["state_sha256"]
        h.clean()


def test_directory_swapped_all_the_time():
    """While its directory is a link half of the time, nothing is ever written where that leads."""
    script = ("import ctypes, os, sys, time\n"
              "c = ctypes.CDLL(None)\n"
              "a, b = (os.fsencode(x) for x in sys.argv[1:])\n"
              "print('begun', flush=True)\n"
              "end = time.monotonic() + 1.5\n"
              "while time.monotonic() < end:\n"
              "    c.renameat2(-100, a, -100, b, 2)\n"
              "print('ended', flush=True)\n")
    with running(files=()) as h:
        trap = h.tree / "trap"
        trap.mkdir()
        h.end(h.sensor)
        shutil.rmtree(h.state / "sensor")
        (h.guarded / "dir").mkdir()
        (h.guarded / "dir/leaf").write_text("leaf\n")
        link = h.tree / "swap"
        link.symlink_to(trap)
        h.start_sensor()
        h.was = tree(h.guarded)
        with process(script, h.guarded / "dir", link) as swapper:
            assert swapper.stdout.readline() == b"ended\n"
        assert list(trap.iterdir()) == []
        h.assay("restore", h.guarded, "--reason", "whatever is left of it", check=False)
        h.as_it_was(30)
        assert list(trap.iterdir()) == []
        h.clean()


def test_kills():
    """Killed in the middle of it, again and again: what is under way is ended by the next start."""
    files = [f"f{i}" for i in range(40)]
    with running(files=files) as h:
        chance = random.Random(7)
        for round_ in range(6):
            for file in files[round_::6] + files[:3]:
                path = h.guarded / file
                if chance.random() < 0.3:
                    path.unlink(missing_ok=True)
                else:
                    path.write_text(f"evil {round_}\n")
            (h.guarded / f"added{round_}").write_text("added\n")
            time.sleep(chance.random() * 0.08)
            h.sensor.send_signal(signal.SIGKILL)
            h.sensor.wait()
            h.start_sensor()
            for path in h.guarded.iterdir():  # an incident leaves a path alone for a while
                if h.told("incident", path):
                    h.assay("restore", path, "--reason", "incident", check=False)
        end = time.monotonic() + 60
        while tree(h.guarded) != h.was and time.monotonic() < end:
            for path in h.was:
                if h.told("incident", path):
                    h.assay("restore", os.fsdecode(path), "--reason", "incident", check=False)
            time.sleep(0.3)
        h.as_it_was()
        h.clean()
        h.agree(h.guarded)
        assert not [p for p in (h.state / "sensor/quarantine/items").iterdir()
                    if p.name.startswith("new.")]


def test_disk_full():
    """Where there is no room for the good one the bad one stays, whole, and it is said; with room
    it is put back."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        mounts = Mounts(name)
        try:
            place = mounts.mount(pathlib.Path(name) / "fs", "-t", "tmpfs", "-o", "size=6m", "none")
            (place / "guarded").mkdir()
            (place / "guarded/big").write_bytes(os.urandom(2 << 20))
            with running(place=place) as h:
                path = h.guarded / "big"
                with open(place / "filler", "wb") as f:  # before a restore takes the last room
                    path.write_bytes(b"evil")
                    with contextlib.suppress(OSError):
                        while True:
                            f.write(b"\0" * 65536)
                            f.flush()
                if not h.told("restored", path):
                    what = h.not_back(path, reason="room")
                    assert what["again"] and "No space left" in what["detail"]
                    assert path.read_bytes() == b"evil"
                    h.clean()
                (place / "filler").unlink()
                h.back(path)
                h.as_it_was()
        finally:
            mounts.done()


def test_no_room_for_evidence():
    """It is put back all the same, what was there is told as far as an entry goes, and it alerts;
    only a person's command waits for room, unless he says otherwise."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        mounts = Mounts(name)
        try:
            small = mounts.mount(pathlib.Path(name) / "fs", "-t", "tmpfs", "-o", "size=340m",
                                 "none")
            with running(state=small / "state") as h:
                with open(small / "filler", "wb") as f:
                    os.posix_fallocate(f.fileno(), 0, 150 << 20)
                path = h.guarded / "plain"
                path.write_text("evil\n")
                what = h.back(path, act="replaced")
                assert "not kept" in what["note"]
                h.as_it_was()
                gone = h.told("quarantined", path)[-1]["what"]
                assert gone["kept"] == "nothing" and "no room" in gone["kept_why"]
                assert gone["state_sha256"] == digest(b"evil\n")
                h.wait(lambda: any(e["what"]["change"] == "evidence not kept"
                                   for e in h.entries("alert.raised")), "the alert")
                change(h, "open", "CHG-9", "--path", path, "--uid", "12345", "--reason", "test",
                       "--for", "10m")
                path.write_text("evil again\n")
                h.not_back(path, reason="suspended")
                done = h.assay("restore", path, "--reason", "we saw it", check=False)
                assert done.returncode == 1 and "no room" in done.stdout
                assert path.read_text() == "evil again\n"
                h.assay("restore", path, "--reason", "we saw it", "--discard")
                h.as_it_was()
                h.clean()
        finally:
            mounts.done()


@pytest.mark.parametrize("added", [False, True], ids=["changed", "added"])
def test_larger_than_evidence_may_be(added):
    """Evil that is made longer than a file in quarantine may be goes back as any other, at once,
    and its data are kept: a hole of a terabyte is no evidence."""
    with running() as h:
        path = h.guarded / ("new" if added else "plain")
        evil = pathlib.Path("/bin/false").read_bytes()
        with open(path, "wb") as f:
            f.write(evil)
            f.truncate(1 << 40)
        what = h.back(path, act="removed" if added else "replaced")
        h.as_it_was()
        kept = h.told("quarantined", path)[-1]["what"]
        assert kept["kept"] == "data" and kept["kept_bytes"] < 2 * len(evil)
        assert "1099511627776 bytes" in kept["kept_why"]
        out = h.state.parent / "out"
        h.assay("quarantine", "export", what["quarantine"][0], out)
        assert out.stat().st_size == 1 << 40
        with open(out, "rb") as f:
            assert f.read(len(evil)) == evil
        assert "all but its holes" in h.assay("quarantine", "show", what["quarantine"][0]).stdout
        h.settled()


def test_a_large_hole_is_in_nobodys_way():
    """Several of more than a gibibyte keep neither the readers nor the restorer from anything."""
    with running(files=["other"]) as h:
        holes = [h.guarded / f"hole{i}" for i in range(3)] + [h.others / f"hole{i}"
                                                              for i in range(3)]
        for path in holes:  # made elsewhere: an empty one may be taken away before it has grown
            new = h.guarded.parent.parent / "hole"
            new.touch()
            os.truncate(new, 8 << 40)
            new.rename(path)
        (h.guarded / "plain").write_text("evil\n")
        os.truncate(h.guarded / "other", 2 << 30)
        began = time.monotonic()
        h.back(h.guarded / "plain")
        h.back(h.guarded / "other")
        h.as_it_was()
        assert time.monotonic() - began < 20
        h.settled()


def test_the_quarantine_is_removed():
    """While the sensor runs: it is made again, what is there is put away in it, and it alerts."""
    with running() as h:
        shutil.rmtree(h.state / "sensor/quarantine")
        path = h.guarded / "plain"
        path.write_text("evil\n")
        what = h.back(path)
        h.as_it_was()
        assert h.content(what["quarantine"][0]) == b"evil\n"
        h.wait(lambda: [e for e in h.entries("alert.raised")
                        if e["what"]["change"] == "quarantine removed"], "the alert")
        alert = [e["what"] for e in h.entries("alert.raised")
                 if e["what"]["change"] == "quarantine removed"]
        assert len(alert) == 1 and alert[0]["path"].endswith("/sensor/quarantine")
        h.settled()


def test_a_damaged_store():
    with running() as h:
        path = h.guarded / "plain"
        good = digest(b"as it was\n")
        kept = h.state / "sensor/content" / good[:2] / good[2:]
        data = bytearray(kept.read_bytes())
        data[-3] ^= 0x40
        kept.write_bytes(data)
        path.write_text("evil\n")
        what = h.not_back(path, reason="content")
        assert "damaged" in what["detail"] and "again" not in what
        assert path.read_text() == "evil\n"
        kept.unlink()
        path.write_text("evil again\n")
        h.wait(lambda: len(h.told("not_restored", path)) == 2, "the second time")
        assert "never kept" in h.told("not_restored", path)[-1]["what"]["detail"]
        assert path.read_text() == "evil again\n"
        h.clean()


def test_a_flood():
    """More than is put back at once: said once, and all of it comes back."""
    files = [f"f{i}" for i in range(700)]
    with running(files=files) as h:
        for file in files:
            (h.guarded / file).write_text("evil\n")
        h.wait(lambda: h.entries("integrity.incident"), "the incident")
        h.as_it_was(60)
        said = [e["what"]["action"] for e in h.entries("integrity.incident")]
        assert said == ["slowed"]
        h.settled()


AS_NOBODY = """
import os, sys
os.setgid(65534)
os.setuid(65534)
for i in range(int(sys.argv[2])):
    with open(f"{sys.argv[1]}/z{i:04d}", "w") as f:
        f.write("x")
"""


def test_whose_turn():
    """Thousands of files that an unprivileged user adds put off nothing that somebody else has
    changed, deleted or added."""
    def let_nobody_in(h):
        for path in (h.tree.parent, h.tree, h.guarded):
            path.chmod(0o755)
        (h.guarded / "open").mkdir()
        (h.guarded / "open").chmod(0o777)

    with running(files=["config", "gone"], before=let_nobody_in) as h:
        subprocess.run(["/usr/bin/python3", "-c", AS_NOBODY, h.guarded / "open", "1500"],
                       check=True)
        (h.guarded / "config").write_text("evil\n")
        (h.guarded / "gone").unlink()
        (h.guarded / "added").write_text("evil\n")
        for name in ("config", "gone", "added"):
            h.back(h.guarded / name)
            assert len(os.listdir(h.guarded / "open")) > 100, "before the flood"
        h.as_it_was(60)
        h.settled()


def test_a_tree_of_thousands():
    """One that is renamed to a place where nothing was: it is put away fast enough for what waits
    behind it, and all of it is kept."""
    with running(files=["config"]) as h:
        for i in range(2000):
            path = h.tree / f"made/{i % 20}/f{i}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{i}\n")
        (h.tree / "made").rename(h.guarded / "made")
        h.wait(lambda: not (h.guarded / "made").exists(), "the tree gone from its name")
        began = time.monotonic()
        (h.guarded / "config").write_text("evil\n")
        h.back(h.guarded / "config")
        assert time.monotonic() - began < 20
        h.as_it_was()
        gone = h.back(h.guarded / "made")
        assert "note" not in gone, gone
        kept = {e["what"]["path"]: e["what"]["id"] for e in h.entries("integrity.quarantined")}
        assert len(kept) >= 2021
        assert h.content(kept[str(h.guarded / "made/7/f1987")]) == b"1987\n"
        h.settled()


# ---- with approved changes ----

def change(h, *words):
    return h.assay("change", *words)


def test_suspended_while_a_change_is_open():
    """Only for its paths, and only as long; then what nothing explains is put back."""
    with running(files=["other"]) as h:
        change(h, "open", "CHG-1", "--path", h.guarded / "plain", "--uid", "12345", "--reason",
               "test", "--for", "10m")
        (h.guarded / "plain").write_text("not by uid 12345\n")
        (h.guarded / "other").write_text("evil\n")
        h.back(h.guarded / "other")
        what = h.not_back(h.guarded / "plain", reason="suspended")
        assert "CHG-1" in what["detail"]
        assert (h.guarded / "plain").read_text() == "not by uid 12345\n"
        change(h, "close", "CHG-1", "--reason", "test")
        h.back(h.guarded / "plain")
        h.as_it_was()
        h.settled()


def test_what_was_approved_is_good():
    """After an approved change, its state is what comes back, before any baseline has it, and also
    after a restart."""
    with running() as h:
        path = h.guarded / "plain"
        change(h, "open", "CHG-2", "--path", path, "--reason", "test", "--for", "10m")
        path.write_text("approved\n")
        h.expect(path, "modified", "sha256")
        h.wait(lambda: (h.state / "sensor/content" / digest(b"approved\n")[:2] /
                        digest(b"approved\n")[2:]).exists(), "its content kept")
        change(h, "close", "CHG-2", "--reason", "test")
        time.sleep(1.2)  # a notice may still come in the moment after it
        path.write_text("evil\n")
        h.back(path)
        assert path.read_text() == "approved\n"
        h.end(h.sensor)
        h.start_sensor()
        path.write_text("evil again\n")
        h.back(path, count=2)
        assert path.read_text() == "approved\n"
        h.assay("baseline", "accept", "--reason", "approved")
        path.write_text("evil once more\n")
        h.wait(lambda: path.read_text() == "approved\n" or h.told("incident", path), "put back")
