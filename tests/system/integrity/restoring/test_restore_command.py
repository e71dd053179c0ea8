# SPDX-License-Identifier: Apache-2.0
"""assay restore and assay quarantine: what an administrator asks for is done, told, recorded."""
import json
import os
import pathlib
import stat
import tempfile
import time

import pytest

from restore_host import RestoreHost, digest, tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-command-") as name:
        h = RestoreHost(pathlib.Path(name))
        o = h.others
        (o / "sub").mkdir()
        (o / "one").write_text("one\n")
        (o / "two").write_text("two\n")
        (o / "two").chmod(0o640)
        (o / "sub/three").write_text("three\n")
        (o / "link").symlink_to("one")
        (h.guarded / "g").write_text("g\n")
        h.start()
        h.before = tree(o)
        yield h
        h.stop()


def spoil(host):
    o = host.others
    (o / "one").write_text("changed\n")
    (o / "two").chmod(0o666)
    (o / "sub/three").unlink()
    (o / "sub/added").write_text("added\n")
    host.seen(o / "one", "modified")
    host.seen(o / "two", "attributes")
    host.seen(o / "sub/three", "deleted")
    host.seen(o / "sub/added", "created")


def test_dry_run_says_exactly_what(host):
    spoil(host)
    now = tree(host.others)
    done = host.assay("restore", host.others, "--dry-run")
    lines = done.stdout.splitlines()
    assert lines == [f"replace   {host.others}/one  size, mtime, sha256",
                     f"put away  {host.others}/sub/added",
                     f"create    {host.others}/sub/three",
                     f"set       {host.others}/two  mode",
                     "4 paths differ; nothing was done"]
    said = json.loads(host.assay("restore", host.others, "--dry-run", "--json").stdout)
    assert said["differs"] == 4 and said["not_kept"] == 0
    assert [(w["act"], w["path"], w["kept"]) for w in said["would"]] == [
        ("replaced", f"{host.others}/one", True), ("removed", f"{host.others}/sub/added", True),
        ("created", f"{host.others}/sub/three", True), ("attributes", f"{host.others}/two", True)]
    assert tree(host.others) == now and not host.entries("integrity.restored")


def test_one_path_and_a_tree(host):
    spoil(host)
    done = host.assay("restore", host.others / "one", "--reason", "by mistake")
    assert done.stdout == "restored  1 path, 0 were as they should be, 0 could not be\n"
    assert (host.others / "one").read_text() == "one\n"
    assert (host.others / "sub/added").exists()
    done = host.assay("restore", host.others, "--reason", "all of it", "--json")
    said = json.loads(done.stdout)
    assert said["restored"] == 3 and said["failed"] == 0 and said["failures"] == []
    assert tree(host.others) == host.before
    host.agree(host.others)
    host.wait(lambda: len(host.entries("integrity.restored")) >= 4, "all entries")
    entries = host.entries("integrity.restored")
    assert len(entries) == 4 and {e["what"]["by"] for e in entries} == {"command"}
    assert all(e["who"]["uid"] == 0 for e in entries)
    host.wait(lambda: len([e for e in host.entries("integrity.command")
                           if e["what"]["verb"] == "restore"]) == 4, "the commands")
    asked = [e["what"] for e in host.entries("integrity.command") if e["what"]["verb"] == "restore"]
    assert [a["state"] for a in asked] == ["begun", "done", "begun", "done"]
    assert asked[0]["arguments"]["reason"] == "by mistake"
    assert host.assay("restore", host.others, "--reason", "again").stdout == "nothing differs\n"


@pytest.mark.parametrize("how", [("--dry-run",), ("--reason", "x")])
def test_a_path_named_by_mistake(host, how):
    """It does not look like one where nothing differs."""
    done = host.assay("restore", host.others / "oen", *how, check=False)
    assert done.returncode == 1
    assert done.stderr == (f"assay restore: {host.others}/oen: nothing there is watched, or was "
                           "trusted\n")


def test_to_an_earlier_baseline(host):
    first = json.loads(host.assay("baseline", "show", "--json").stdout)["root"]
    (host.others / "one").write_text("second\n")
    host.seen(host.others / "one", "modified")
    host.assay("baseline", "accept", "--reason", "second")
    (host.others / "one").write_text("third\n")
    host.wait(lambda: len(host.of(host.others / "one", "modified")) == 2, "the third")
    host.assay("restore", host.others / "one", "--reason", "back")
    assert (host.others / "one").read_text() == "second\n"
    host.assay("restore", host.others / "one", "--to", first[:12], "--reason", "further back")
    assert (host.others / "one").read_text() == "one\n"
    assert host.back(host.others / "one", baseline=first)["by"] == "command"
    done = host.assay("restore", host.others / "one", "--to", "0123456789", "--reason", "x",
                      check=False)
    assert done.returncode != 0 and "no baseline that is still here" in done.stderr


def test_what_is_put_back_to_an_earlier_one_stays(host):
    """Also where a profile puts back: it is good until the next baseline."""
    first = json.loads(host.assay("baseline", "show", "--json").stdout)["root"]
    path = host.guarded / "g"
    host.assay("change", "open", "C", "--path", path, "--reason", "x", "--for", "1m")
    path.write_text("g2\n")
    host.seen(path, "modified")
    host.assay("change", "close", "C", "--reason", "x")
    time.sleep(1.2)  # it still covers what is done in the moment after it
    host.assay("baseline", "accept", "--reason", "g2")
    host.assay("restore", path, "--to", first, "--reason", "back")
    assert path.read_text() == "g\n"
    path.write_text("evil\n")
    host.wait(lambda: host.told("restored", path, by="profile"), "put back")
    assert path.read_text() == "g\n"


def test_never_kept():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-command-") as name:
        h = RestoreHost(pathlib.Path(name))
        h.yaml = RestoreHost.yaml.replace("    keep: true\n", "")
        (h.others / "one").write_text("one\n")
        h.start()
        try:
            (h.others / "one").write_text("changed\n")
            h.seen(h.others / "one", "modified")
            done = h.assay("restore", h.others / "one", "-n", check=False)
            assert done.returncode == 1 and "its content was never kept" in done.stdout
            done = h.assay("restore", h.others / "one", "--reason", "x", check=False)
            assert done.returncode == 1
            assert f"not put back  {h.others}/one: its content was never kept" in done.stdout
            assert (h.others / "one").read_text() == "changed\n"
            (h.others / "one").chmod(0o777)
            assert not h.told("restored", h.others / "one")
        finally:
            h.stop()


def test_refused(host):
    for words, said in (((host.others,), "--reason is missing"),
                        (("relative", "-n"), "not an absolute path"),
                        (("/", "-n"), "is the root")):
        done = host.assay("restore", *words, check=False)
        assert done.returncode != 0 and said in done.stderr, done
    host.end(host.sensor)
    done = host.assay("restore", host.others, "--reason", "x", check=False)
    assert done.returncode == 3 and "sensor" in done.stderr


def test_quarantine(host):
    assert host.assay("quarantine", "list").stdout == "nothing is in quarantine\n"
    (host.guarded / "g").write_text("evil\n")
    host.back(host.guarded / "g")
    (host.guarded / "added").mkdir(0o700)
    host.back(host.guarded / "added", act="removed")
    items = json.loads(host.assay("quarantine", "list", "--json").stdout)["items"]
    assert [(i["path"], i["reason"], i["type"], i["size"]) for i in items] == [
        (f"{host.guarded}/g", "changed", "file", 5), (f"{host.guarded}/added", "added", "dir", 0)]
    id_ = items[0]["id"]
    text = host.assay("quarantine", "list").stdout
    assert f"{id_}  " in text and f"{host.guarded}/g  file, 5 bytes" in text
    shown = host.assay("quarantine", "show", id_).stdout
    assert f"path          {host.guarded}/g" in shown and digest(b"evil\n") in shown
    assert host.content(id_) == b"evil\n"
    out = host.state.parent / "there"
    out.write_text("mine\n")
    done = host.assay("quarantine", "export", id_, out, check=False)
    assert done.returncode != 0 and out.read_text() == "mine\n", "nothing is written over"
    done = host.assay("quarantine", "export", items[1]["id"], host.state.parent / "no", check=False)
    assert done.returncode != 0 and "no content" in done.stderr
    assert not (host.state.parent / "no").exists()
    assert host.assay("quarantine", "show", "0" * 16, check=False).returncode == 3
    assert host.assay("quarantine", "show", "../../state", check=False).returncode == 2
    quarantine = host.state / "sensor/quarantine"
    assert stat.S_IMODE(quarantine.stat().st_mode) == 0o700
    kept = [p for p in (quarantine / "content").glob("??/*")]
    assert len(kept) == 1 and stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert host.assay("quarantine", "remove", id_, check=False).returncode == 2
    host.assay("quarantine", "remove", id_, "--reason", "looked at")
    assert not kept[0].exists()
    left = json.loads(host.assay("quarantine", "list", "--json").stdout)["items"]
    assert [i["id"] for i in left] == [items[1]["id"]]

    def verbs():
        return {e["what"]["verb"] for e in host.entries("integrity.command")}
    host.wait(lambda: {"quarantine.export", "quarantine.remove"} <= verbs(), "the commands")


def test_check_says_nothing_of_what_was_put_back(host):
    """Another inode is all that is left of it."""
    path = host.guarded / "g"
    path.write_text("evil\n")
    host.back(path)
    done = host.assay("check", "--no-ledger", check=False)
    assert done.returncode == 0, done.stdout
