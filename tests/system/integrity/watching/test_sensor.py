# SPDX-License-Identifier: Apache-2.0
"""Every kind of change to a watched tree appears in the ledger, once, with state and author."""
import ctypes
import hashlib
import mmap
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pytest

from sensor_host import Host, path_of, replay, scan, sha256

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

LIBC = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_FOLLOW, RENAME_EXCHANGE = -100, 0x400, 2


@pytest.fixture
def directory():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-sensor-") as name:
        yield pathlib.Path(name)


@pytest.fixture
def host(directory):
    h = Host(directory)
    (h.tree / "old").write_text("old content")
    (h.tree / "sub").mkdir()
    (h.tree / "sub" / "inner").write_text("inner")
    h.start()
    yield h
    h.stop()


def test_baseline_is_recorded(host):
    host.wait(lambda: host.entries("integrity.baseline"), "the baseline")
    (entry,) = host.entries("integrity.baseline")
    assert entry["what"]["files"] == 4 and entry["what"]["reason"] == "first"
    assert entry["what"]["bytes"] == len("old content") + len("inner")
    assert entry["what"]["paths"] == [str(host.tree)]
    assert host.changes() == []
    with open(host.log.name) as log:  # nothing is wrong with a first start
        assert [line for line in log if line.startswith("error")] == []


def test_create(host):
    path = host.tree / "new"
    path.write_text("text")
    what = host.seen(path, "created")["what"]
    assert what["new_sha256"] == sha256(path) and what["new_size"] == 4 and what["type"] == "file"
    assert what["new_mode"] == "0644" and what["seen"] == "live"


def test_modify(host):
    path = host.tree / "old"
    before = sha256(path)
    path.write_text("other")
    host.quiet()
    entries = host.of(path, "modified")
    # Truncating and writing may be seen as two states; the first begins and the last ends right.
    assert entries[0]["what"]["old_sha256"] == before
    assert entries[-1]["what"]["new_sha256"] == sha256(path)
    assert "sha256" in entries[-1]["what"]["differs"]


def test_who(host):
    path = host.tree / "by-me"
    path.write_text("x")
    who = host.seen(path, "created")["who"]
    assert who["pid"] == os.getpid() and who["uid"] == os.getuid()
    assert who["exe"] == os.path.realpath(sys.executable) and "unknown" not in who
    assert "cmdline" not in who, "a command line is sensitive"


def test_command_line_is_sealed_and_disclosed(host):
    path = host.tree / "told"
    path.write_text("x")
    host.seen(path, "created")
    out = subprocess.run([os.environ["ASSAY_BIN"] + "/assay", "log", "--json", "--disclose", "-n",
                          "0", "--state", host.state], capture_output=True, check=True).stdout
    line = next(x for x in out.decode().splitlines() if str(path) in x)
    assert "who.cmdline" in line and os.path.basename(sys.executable) in line


def test_process_that_is_gone_is_said(host):
    subprocess.run(["/bin/touch", host.tree / "quick"], check=True)
    who = host.seen(host.tree / "quick", "created")["who"]
    assert "exe" in who or who["unknown"], who


@pytest.mark.parametrize("name, act, differs", [
    ("chmod", lambda p: p.chmod(0o600), ["mode"]),
    ("chown", lambda p: os.chown(p, 1, -1), ["uid"]),
    ("chgrp", lambda p: os.chown(p, -1, 1), ["gid"]),
    ("setxattr", lambda p: os.setxattr(p, "user.colour", b"red"), ["xattrs"]),
    ("setfacl", lambda p: subprocess.run(["setfacl", "-m", "u:1:r", p], check=True), ["acl"]),
    ("touch", lambda p: os.utime(p, (5, 5)), ["mtime"]),
])
def test_attributes(host, name, act, differs):
    path = host.tree / "old"
    act(path)
    entry = host.seen(path, "modified" if name == "touch" else "attributes")
    assert entry["what"]["differs"] == differs


def test_rename(host):
    (host.tree / "old").rename(host.tree / "fresh")
    entry = host.seen(host.tree / "fresh", "renamed")
    assert path_of(entry, "from") == os.fsencode(host.tree / "old")
    host.quiet()
    assert [e["what"]["change"] for e in host.changes()][:1] == ["renamed"]
    assert host.of(host.tree / "old") == []


def test_rename_over_tells_both_hashes(host):
    before, target = sha256(host.tree / "old"), host.tree / "old"
    (host.tree / "next").write_text("next")
    host.seen(host.tree / "next", "created")
    (host.tree / "next").rename(target)
    what = host.seen(target, "replaced")["what"]
    assert what["old_sha256"] == before and what["new_sha256"] == sha256(target)
    assert "inode" in what["differs"]


def test_rename_at_once_after_writing(host):
    """As an editor does: the temporary name may never be seen, the target must."""
    target = host.tree / "old"
    before = sha256(target)
    (host.tree / ".tmp").write_text("edited")
    (host.tree / ".tmp").rename(target)
    what = host.seen(target, "replaced")["what"]
    assert what["old_sha256"] == before and what["new_sha256"] == sha256(target)


def test_exchange(host):
    a, b = host.tree / "old", host.tree / "other"
    b.write_text("other")
    host.seen(b, "created")
    hashes = sha256(a), sha256(b)
    assert LIBC.renameat2(AT_FDCWD, bytes(a), AT_FDCWD, bytes(b), RENAME_EXCHANGE) == 0
    assert host.seen(a, "renamed")["what"]["new_sha256"] == hashes[1]
    assert host.seen(b, "renamed")["what"]["new_sha256"] == hashes[0]


def test_unnamed_file_gets_a_name(host):
    fd = os.open(host.tree, os.O_TMPFILE | os.O_RDWR, 0o640)
    os.write(fd, b"was nowhere")
    path = host.tree / "linked"
    assert LIBC.linkat(AT_FDCWD, b"/proc/self/fd/%d" % fd, AT_FDCWD, bytes(path),
                       AT_SYMLINK_FOLLOW) == 0
    os.close(fd)
    host.quiet()
    assert host.of(path)[0]["what"]["change"] == "created"
    assert host.of(path)[-1]["what"]["new_sha256"] == sha256(path)


def test_hard_link_inside(host):
    os.link(host.tree / "old", host.tree / "second")
    assert host.seen(host.tree / "second", "created")["what"]["new_links"] == 2
    assert host.seen(host.tree / "old", "attributes")["what"]["differs"] == ["links"]


def test_writes_through_a_hard_link_outside(host, directory):
    os.link(host.tree / "old", directory / "outside")
    host.seen(host.tree / "old", "attributes")
    (directory / "outside").write_text("through the other name")
    host.wait(lambda: any(e["what"].get("new_sha256") == sha256(directory / "outside")
                          for e in host.of(host.tree / "old", "modified")), "the write")


def test_unlink(host):
    before = sha256(host.tree / "old")
    (host.tree / "old").unlink()
    assert host.seen(host.tree / "old", "deleted")["what"]["old_sha256"] == before


def test_deep_directories_at_once(host):
    deep = host.tree / "a/b/c/d/e"
    deep.mkdir(parents=True)
    (deep / "leaf").write_text("leaf")
    host.seen(deep / "leaf", "created")
    for path in [deep, *deep.parents]:
        if path == host.tree:
            break
        host.seen(path, "created")


def test_tree_moves_in_and_out(host, directory):
    outside = directory / "outside"
    (outside / "x/y").mkdir(parents=True)
    (outside / "x/y/z").write_text("z")
    (outside / "x").rename(host.tree / "x")
    host.seen(host.tree / "x/y/z", "created")
    (host.tree / "x/y/z").write_text("changed inside")
    host.wait(lambda: host.of(host.tree / "x/y/z", "modified"), "a change in the moved tree")
    (host.tree / "x").rename(outside / "x")
    for path in ("x", "x/y", "x/y/z"):
        host.seen(host.tree / path, "deleted")
    (outside / "x/y/z").write_text("nobody's business")
    host.quiet()
    assert len(host.of(host.tree / "x/y/z", "deleted")) == 1


def test_directory_renamed_inside_is_one_entry(host):
    (host.tree / "sub").rename(host.tree / "moved")
    host.seen(host.tree / "moved", "renamed")
    (host.tree / "moved/inner").write_text("after")
    host.wait(lambda: host.of(host.tree / "moved/inner", "modified"), "a change below")
    assert host.of(host.tree / "sub/inner") == []


def test_symbolic_link(host):
    (host.tree / "link").symlink_to("nowhere")
    assert host.seen(host.tree / "link", "created")["what"]["new_target"] == "nowhere"


def test_special_files_are_not_opened(host):
    os.mkfifo(host.tree / "fifo")
    what = host.seen(host.tree / "fifo", "created")["what"]
    assert what["type"] == "fifo" and "new_sha256" not in what


def test_mapped_write(host):
    path = host.tree / "old"
    with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        m[0:3] = b"MAP"
    host.wait(lambda: any(e["what"].get("new_sha256") == sha256(path)
                          for e in host.of(path, "modified")), "the mapped write")


def test_long_open_writer_is_seen_before_it_closes(host):
    path = host.tree / "old"
    with open(path, "ab", buffering=0) as f:
        f.write(b"more")
        host.wait(lambda: any(e["what"].get("new_sha256") == sha256(path)
                              for e in host.of(path, "modified")), "the open file", 5)


def test_large_file(host):
    path = host.tree / "large"
    path.write_bytes(os.urandom(1 << 20) * 16)
    host.wait(lambda: host.of(path) and host.of(path)[-1]["what"].get("new_sha256") ==
              sha256(path), "the large file's hash")


@pytest.mark.parametrize("name", [b"not utf-8 \xff\xfe", b"new\nline", b'quote"back\\slash',
                                  b"\xc3\xbcml\xc3\xa4ut", b"x" * 255, b" ", b"-rf"])
def test_any_name(host, name):
    path = os.path.join(bytes(host.tree), name)
    with open(path, "w", encoding="ascii") as f:
        f.write("content")
    host.seen(path, "created")


def test_path_too_long_for_an_entry_is_told_shortened(host):
    """Deeper than PATH_MAX, and than any entry is long."""
    home = os.open(".", os.O_RDONLY)
    os.chdir(host.tree)
    try:
        for _ in range(300):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        pathlib.Path("hidden").write_text("hidden")
    finally:
        os.fchdir(home)
    digest = hashlib.sha256(b"/".join([bytes(host.tree)] + [b"d" * 250] * 300 +
                                      [b"hidden"])).hexdigest()
    host.wait(lambda: any(e["what"].get("path", "").endswith(digest) for e in host.changes()),
              "the file at the bottom")
    subprocess.run(["rm", "-rf", host.tree / ("d" * 250)], check=True)
    host.quiet()
    assert len(host.changes()) >= 2 * 301


def test_type_changes(host):
    path = host.tree / "sub"
    subprocess.run(["rm", "-r", path], check=True)
    path.write_text("a file now")
    host.wait(lambda: host.of(path) and host.of(path)[-1]["what"].get("new_sha256") ==
              sha256(path), "the file")
    host.quiet()
    assert host.of(path / "inner", "deleted")


def test_bind_mount_shows_the_watched_path(host, directory):
    away = directory / "away"
    away.mkdir()
    subprocess.run(["mount", "--bind", host.tree / "sub", away], check=True)
    try:
        (away / "inner").write_text("through the mount")
        host.wait(lambda: host.of(host.tree / "sub/inner", "modified"), "the write")
    finally:
        subprocess.run(["umount", away], check=True)


def test_does_not_see_itself(directory):
    """Everything is watched, its own and the recorder's files too: it must come to rest."""
    h = Host(directory, directory / "tree", directory / "state/sensor")
    h.start()
    (h.tree / "one").write_text("x")
    h.seen(h.tree / "one", "created")
    time.sleep(7)  # longer than its own timers
    first = len(h.entries())
    time.sleep(6)
    assert len(h.entries()) == first
    h.stop()


def test_many_changes_of_one_act_update_its_alert(host):
    """Guards against an update with the author's sealed fields, which that kind has not."""
    for i in range(12):
        (host.tree / f"f{i}").touch()
        host.seen(host.tree / f"f{i}", "created")
    host.wait(lambda: host.entries("alert.updated"), "the tenth change's update")
    assert host.entries("alert.updated")[0]["what"]["count"] == 10
    assert host.entries("ledger.refused") == []


def test_random_changes_replay_to_the_real_tree(host):
    """fsstress in small: whatever was merged or reordered, the entries lead to what is there."""
    import random
    rng = random.Random(7)
    before = scan(host.tree)
    names = [f"n{i}" for i in range(12)]
    dirs = [host.tree, host.tree / "sub", host.tree / "d1", host.tree / "d1/d2"]
    (host.tree / "d1/d2").mkdir(parents=True)
    for _ in range(600):
        a, b = (rng.choice(dirs) / rng.choice(names) for _ in range(2))
        try:
            rng.choice([lambda: a.write_text(str(rng.random())), lambda: a.rename(b),
                        lambda: a.unlink(), lambda: a.chmod(rng.choice([0o600, 0o644, 0o755])),
                        lambda: a.symlink_to("t"), lambda: a.write_text(str(rng.random())),
                        lambda: LIBC.renameat2(AT_FDCWD, bytes(a), AT_FDCWD, bytes(b), 2)])()
        except OSError:
            pass
    host.quiet()
    assert replay(before, host.changes()) == scan(host.tree)
