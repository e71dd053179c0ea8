# SPDX-License-Identifier: Apache-2.0
"""A directory's ledger is closed and goes on in a new one; verify follows; crashes are mended."""
import json
import os
import re
import shutil
import subprocess

import pytest

from assay_tool import BIN, assay, good, good_json, lines, refused

OLD, NEW = "example.com/log/2025", "example.com/log/b"


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "L"
    key = good("ledger", "init", path, "--origin", OLD).strip()
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(300))))
    return path, key


def succeed(path, *more):
    return good("ledger", "succeed", path, "--reason", "full", *more).strip()


def entries(path):
    return [json.loads(line) for line in good("log", path, "--json", "--limit", "0").splitlines()]


def beside(path, suffix):
    return path.with_name(path.name + suffix)


def test_succeed(ledger):
    path, old_key = ledger
    root = good("ledger", "checkpoint", path)
    new_key = succeed(path, "--origin", NEW)
    old = beside(path, ".1")
    last, first = entries(old)[-1], entries(path)[0]
    assert last["k"] == "ledger.succeeded" and root != (old / "checkpoint").read_text()
    assert last["what"] == {"next_origin": NEW, "next_vkey": new_key, "reason": "full"}
    said = good_json("verify", old, "--key", old_key)
    assert (said["verdict"], said["size"], said["next"]) == ("good", 301, NEW)
    assert first["k"] == "ledger.opened" and first["what"]["previous_size"] == 301
    assert first["what"]["previous_vkey"] == old_key
    # The old one is closed, the new one takes entries.
    assert "another ledger has succeeded" in refused(1, "ledger", "append", old,
                                                     data=lines({"n": 1}))
    good("ledger", "append", path, data=lines({"n": 1}))
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "L", "L.1", "L.1.private", "L.private"]


def test_of_another_user(ledger):
    """Regression: root closed it, and what was signed first in the new one was root's, which the
    ledger's own user could not open."""
    path, _ = ledger
    for half in (path, beside(path, ".private")):
        for f in (half, *half.rglob("*")):
            os.chown(f, 65534, 65534)
    succeed(path, "--origin", NEW)
    for half in (path, beside(path, ".private")):
        for f in (half, *half.rglob("*")):
            assert os.stat(f).st_uid == 65534, f


def test_verify_follows(ledger, tmp_path):
    path, key = ledger
    succeed(path, "--origin", NEW)
    good("ledger", "rotate", path, "--reason", "yearly")
    succeed(path, "--origin", "example.com/log/c")
    one, two = beside(path, ".1"), beside(path, ".2")
    follow = ("verify", one, "--key", key, "--successor", two, "--successor", path)
    said = good_json(*follow)
    assert set(said) == {"ledgers", "verdict"} and said["verdict"] == "good"
    assert [(s["verdict"], s["origin"], s.get("succeeds")) for s in said["ledgers"]] == [
        ("good", OLD, None), ("good", NEW, OLD), ("good", "example.com/log/c", NEW)]
    assert re.findall(r"^(?:next|succeeds) .*", good(*follow), re.M) == [
        f"next       {NEW} goes on from it",
        f"succeeds   {OLD}, which had 301 entries: each names the other",
        "next       example.com/log/c goes on from it",
        f"succeeds   {NEW}, which had 3 entries: each names the other"]
    # One left out, one of another house, one that was given another past.
    done = refused(1, "verify", one, "--key", key, "--successor", path)
    assert done == ""
    assert "nothing goes on from it" in refused(1, "verify", path, "--key", good(
        "ledger", "vkey", path).strip(), "--successor", one)
    other = tmp_path / "O"
    good("ledger", "init", other, "--origin", NEW)
    good("ledger", "append", other, data=lines({"n": 1}))
    refused(1, "verify", one, "--key", key, "--successor", other)
    nothing = "verify", one, "--key", key, "--successor", tmp_path / "nothing"
    refused(3, *nothing)
    done = assay(*nothing, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 3 and len(said["ledgers"]) == 1
    assert said["verdict"] == "unknown" and "nothing" in said["error"]
    (two / "checkpoint").write_bytes(b"no checkpoint")
    done = assay(*follow, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["verdict"] == "damaged"
    assert said["ledgers"][0]["verdict"] == "good" and said["ledgers"][1]["verdict"] != "good"


def test_where_it_lies(ledger, tmp_path):
    """By a link, by a relative name, from inside: beside the true directory all the same."""
    path, _ = ledger
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(path)
    succeed(link, "--origin", NEW)
    assert beside(path, ".1").exists() and not beside(link, ".1").exists()
    here = os.getcwd()
    try:
        os.chdir(path)
        succeed(".", "--origin", "example.com/log/c")
    finally:
        os.chdir(here)
    assert beside(path, ".2").exists()
    succeed(f"{path}/", "--origin", "example.com/log/d")
    assert beside(path, ".3").exists()
    assert entries(path)[0]["what"]["origin"] == "example.com/log/d"


def test_names(ledger):
    path, _ = ledger
    assert "needs another name" in refused(1, "ledger", "succeed", path, "--reason", "r",
                                           "--origin", OLD)
    assert re.match(r"example\.com/log/20\d\d\+", succeed(path))  # 2025 is over
    assert refused(2, "ledger", "succeed", path) != ""


def killed_at(call, nth, path):
    """The command on a path, killed when it makes this system call for the n-th time."""
    return subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
         f"inject={call}:signal=KILL:when={nth}", BIN / "assay", "ledger", "succeed", path,
         "--reason", "r", "--origin", NEW], capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("call, step", [("mkdir", 1), ("renameat", 1), ("fsync", 6)])
def test_cut_off_anywhere(tmp_path, call, step):
    """The same command goes on where it was, and both sides fit."""
    first = tmp_path / "first" / "L"
    first.parent.mkdir()
    key = good("ledger", "init", first, "--origin", OLD).strip()
    good("ledger", "append", first, data=lines({"n": 1}))
    nth = 1
    while True:
        path = tmp_path / str(nth) / "L"
        shutil.copytree(first.parent, path.parent)
        if not killed_at(call, nth, path):
            break
        old = beside(path, ".1")
        if beside(path, ".next.private").exists() or not old.exists():
            succeed(path, "--origin", NEW)
        good("verify", old, "--key", key, "--successor", path)
        assert [e.get("k") for e in entries(old)] == [None, "ledger.succeeded"]
        assert [e.get("k") for e in entries(path)] == ["ledger.opened"]
        assert sorted(p.name for p in path.parent.iterdir()) == [
            "L", "L.1", "L.1.private", "L.private"]
        nth += step
        assert nth < 100, "it never came to its end"
    assert nth > 2
