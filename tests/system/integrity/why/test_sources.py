# SPDX-License-Identifier: Apache-2.0
"""A real repository, deployed by git and by rsync: what the approved commit says is explained, and
nothing beside it."""
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import git_tool
import pytest
from assay_tool import assay, good, good_json
from sensor_host import Host, path_of, sha256

NEEDED = ["git", "ssh-keygen", "rsync", "setcap"]
pytestmark = [pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED),
                                 reason=f"not all of {NEEDED}"),
              pytest.mark.skipif(os.geteuid() != 0, reason="the sensor needs root")]
MAIN = "refs/heads/main"


class Site(Host):
    """A watched tree, the repository that it is deployed from, and who may sign for it."""

    def __init__(self, directory):
        super().__init__(directory)
        self.directory = directory
        self.config = directory / "config"
        self.config.mkdir()
        self.git = git_tool.sample(directory)
        self.ssh = directory / "ssh"
        self.ssh.mkdir()
        git_tool.ssh_keys(self.ssh)
        (directory / "signers").write_bytes(git_tool.signers(self.ssh))
        self.key = directory / "deploy.key"
        vkey = good("change", "key", "deploy.example.org", self.key)
        (self.config / "change.keys").write_text("# who deploys\n" + vkey)
        self.lists = self.state / "sensor" / "lists"

    def start_sensor(self, *options):
        super().start_sensor("--config", self.config, *options)
        if not self.entries("integrity.approval"):  # the markers are nobody's alert
            done = self.assay("change", "open", "MARKERS", "--path", f"{self.tree}/marker-*",
                              "--for", "1d", "--reason", "a test's own")
            assert done.returncode == 0, done

    def assay(self, *words):
        return assay(*words, "--state", self.state, "--run", self.run)

    def sign(self):
        return git_tool.sign_ssh(self.git, self.ssh)

    def resolve(self, commit, *options, key=None, name="list"):
        out = self.directory / name
        good("change", "resolve", "--repo", self.git.top, "--commit", commit, "--map",
             f"={self.tree}", "--key", key or self.key, "-o", out, "-p", MAIN, "--signers",
             self.directory / "signers", *options)
        return out

    def apply(self, file):
        return good_json("change", "apply", file, "--state", self.state, "--run", self.run)

    def approve(self, commit, *options):
        return self.apply(self.resolve(commit, *options))

    def refused(self, file):
        done = self.assay("change", "apply", file)
        assert done.returncode in (1, 3) and not done.stdout, done
        return done.stderr.decode()

    def checkout(self, commit, tree=None):
        tree = tree or self.tree
        subprocess.run(["git", "--git-dir", self.git.top / ".git", "--work-tree", tree,
                        "checkout", "-q", "-f", commit, "--", "."], check=True, env=self.git.env,
                       cwd=tree)

    def whys(self):
        """{path: [why]} of what is not a marker's."""
        found = {}
        for entry in self.changes():
            path = os.fsdecode(path_of(entry))
            if "/marker-" not in path:
                found.setdefault(path, []).append(entry["why"])
        return found

    def alerts(self):
        """{id of an open one: its first path}"""
        done = self.assay("alert", "list", "--json")
        found = {json.loads(line)["id"] for line in done.stdout.splitlines()}
        return {e["what"]["id"]: os.fsdecode(path_of(e)) for e in self.entries("alert.raised")
                if e["what"]["id"] in found}

    def events(self):
        return [e["what"]["event"] for e in self.entries("integrity.source")]


@pytest.fixture
def site(tmp_path_factory):
    h = Site(tmp_path_factory.mktemp("sources"))
    h.start()
    yield h
    h.stop()


def unexplained(site, since=0):
    found = [(os.fsdecode(path_of(e)), e["what"]["change"], e["what"].get("new_size"),
              e["t"], e["what"]["seen"], e["why"].get("detail")) for e in site.changes()[since:]
             if e["why"]["state"] == "unexplained"]
    for one in found:
        print(one)
    return found


def states(whys):
    return {w["state"] for path in whys.values() for w in path}


def test_checkout(site):
    """All that git makes of the tree is explained, with proof; a file beside it is not."""
    commit = site.sign()
    told = site.approve(commit, "--origin", "site")
    assert (told["commit"], told["origin"], told["on"], told["key"].split("+")[0]) == \
        (commit, "site", [MAIN], "deploy.example.org")
    site.checkout(commit)
    subprocess.run([sys.executable, "-c",
                    "import sys; open(sys.argv[1], 'w').write('<?php')", site.tree / "srv/x.php"],
                   check=True)
    site.quiet()
    whys = site.whys()
    planted = whys.pop(str(site.tree / "srv/x.php"))
    assert len(whys) >= len(git_tool.judged_by_git(site.git, commit, ""))
    assert states(whys) == {"source"}, whys
    for found in whys.values():
        for why in found:
            assert why["detail"] == (
                f"commit {commit} of site on {MAIN}, its signature: good; list "
                f"{told['list'][:16]} signed by {told['key']}")
    assert [w["state"] for w in planted] == ["unexplained"]
    assert "does not have the path" in planted[0]["detail"]
    assert list(site.alerts().values()) == [str(site.tree / "srv/x.php")]
    accepted = [e for e in site.entries("integrity.source") if e["what"]["event"] == "accepted"]
    assert len(accepted) == 1 and accepted[0]["what"]["list"] == told["list"]
    assert accepted[0]["who"]["uid"] == 0
    # The committer's name is personal: in the vault, and not in the entry.
    assert b"a@example.org" not in json.dumps(accepted).encode()
    assert site.entries("ledger.refused") == []


def test_second_deployment(site):
    """rsync replaces what differs; the list before it explains nothing any more."""
    first = site.sign()
    site.approve(first)
    site.checkout(first)
    site.quiet()
    assert unexplained(site) == []
    site.git.write("srv/w", os.urandom(300000))
    site.git.write("srv/new/deep/file", b"1")
    os.unlink(site.git.top / "etc/x/link")
    os.symlink("run", site.git.top / "etc/x/link")
    site.git.write("etc/x/run", b"#!/bin/sh\nexit 0\n", 0o755)
    second = site.sign()
    site.approve(second)
    site.wait(lambda: site.events().count("replaced") == 1, "the end of the first list")
    before = len(site.changes())
    export = site.directory / "export"
    export.mkdir()
    site.checkout(second, export)
    subprocess.run(["rsync", "-a", f"{export}/", f"{site.tree}/"], check=True)
    site.quiet()
    new = [e for e in site.changes()[before:] if b"/marker-" not in path_of(e)]
    told = {os.fsdecode(path_of(e)) for e in new if e["why"]["state"] == "source"}
    assert {str(site.tree / p) for p in ("srv/w", "srv/new", "srv/new/deep", "srv/new/deep/file",
                                         "etc/x/link", "etc/x/run")} <= told
    assert unexplained(site, before) == []
    assert site.alerts() == {}
    # Back to what was approved before is not approved now.
    site.git("checkout", "-q", first)
    shutil.copyfile(site.git.top / "etc/x/run", site.tree / "etc/x/run")
    site.wait(lambda: any(w["state"] == "unexplained"
                          for w in site.whys()[str(site.tree / "etc/x/run")]), "the old version")
    why = site.whys()[str(site.tree / "etc/x/run")][-1]
    assert why["detail"] == f"commit {second[:12]} of repository lists the path with other content"


TAKE_AWAY_AND_PUT = """
import os, sys, time
path, new = sys.argv[1:]
os.unlink(path)
time.sleep(0.2)
open(path, 'wb').write(open(new, 'rb').read())
"""


def test_git_replaces(site):
    """git takes a file away before it writes the new one: that is one change, however long the file
    is away in between; one that stays away is told as gone."""
    for i in range(300):
        site.git.write(f"srv/many/{i}", os.urandom(20000))
    first = site.sign()
    site.approve(first)
    site.checkout(first)
    site.quiet()
    for i in range(300):
        site.git.write(f"srv/many/{i}", os.urandom(20000))
    second = site.sign()
    site.approve(second)
    before = len(site.changes())
    site.checkout(second)
    site.quiet()
    assert unexplained(site, before) == []
    assert len([e for e in site.changes()[before:] if e["why"]["state"] == "source"]) >= 300
    slow, gone = site.tree / "srv/many/1", site.tree / "srv/many/2"
    third = os.urandom(20000)
    site.git.write("srv/many/1", third)
    site.approve(site.sign())
    subprocess.run([sys.executable, "-c", TAKE_AWAY_AND_PUT, slow, site.git.top / "srv/many/1"],
                   check=True)
    site.wait(lambda: [e for e in site.of(slow) if e["what"].get("new_sha256") ==
                       hashlib.sha256(third).hexdigest()], "the slow one")
    assert site.of(slow)[-1]["what"]["change"] == "replaced"
    assert site.of(slow)[-1]["why"]["state"] == "source" and not site.of(slow, "deleted")
    gone.unlink()
    site.wait(lambda: site.of(gone, "deleted"), "what is gone")
    assert site.of(gone, "deleted")[0]["why"]["state"] == "unexplained"


def test_content_is_not_all(site):
    """Rights, owners and times are not the commit's to give; nor is what is gone."""
    site.git.write("srv/tool", b"\x7fELF", 0o755)
    commit = site.sign()
    site.approve(commit)
    site.checkout(commit)
    site.quiet()
    assert unexplained(site) == []
    tool, other = site.tree / "srv/tool", site.tree / "srv/w"
    steps = [
        (lambda: os.chmod(tool, 0o4755), "another mode"),
        (lambda: os.chmod(tool, 0o755), None),
        (lambda: subprocess.run(["setcap", "cap_setuid+ep", tool], check=True), "no capabilities"),
        (lambda: subprocess.run(["setcap", "-r", tool], check=True), "other attributes"),
        (lambda: os.chown(tool, 12345, 12345), "another owner"),
        (lambda: os.utime(tool, (1, 1)), "which was there before"),
    ]
    for step, detail in steps:
        n = len(site.of(tool))
        step()
        site.wait(lambda: len(site.of(tool)) > n, "the change")
        why = site.of(tool)[-1]["why"]
        assert why["state"] == ("unexplained" if detail else "source"), (why, detail)
        assert detail is None or detail in why["detail"], (why, detail)
    os.unlink(other)
    why = site.seen(other, "deleted")["why"]
    assert why["state"] == "unexplained" and "does not say what is not there" in why["detail"]


def test_not_believed(site):
    """Forged, expired, for others, by others: an entry says why, and nothing is explained."""
    commit = site.sign()
    other_key = site.directory / "other.key"
    good("change", "key", "deploy.example.org", other_key)
    valid = site.resolve(commit, name="valid").read_bytes()
    evil = site.directory / "evil"
    evil.write_bytes(valid.replace(sha256(site.git.top / "etc/x/run").encode(), b"0" * 64))
    header = site.directory / "header"
    header.write_bytes(valid.replace(b'"origin":"repository"', b'"origin":"elsewhere_"'))
    short = site.resolve(commit, "--for", "1s", name="short")
    time.sleep(1.1)
    junk = site.directory / "junk"
    junk.write_bytes(os.urandom(4096))
    for file, said in [
            (evil, "the entries are not those signed"), (header, "signature"),
            (short, "expired"), (site.resolve(commit, "--for-host", "other", name="h"),
                                 "for other hosts than h: other"),
            (site.resolve(commit, key=other_key, name="k"), "none of the 1 keys trusted here"),
            (junk, "not one, or of another version"), (site.directory / "no", "No such file")]:
        assert said in site.refused(file), file
    site.wait(lambda: len(site.events()) == 7, "the refusals")
    assert site.events() == ["keys"] + 6 * ["refused"]
    assert list(site.lists.iterdir()) == []
    site.checkout(commit)
    site.quiet()
    assert states(site.whys()) == {"unexplained"}
    (site.config / "change.keys").unlink()
    assert "no key is trusted here" in site.refused(site.resolve(commit, name="again"))
    (site.config / "change.keys").write_text("not a key\n")
    assert "change.keys:1" in site.refused(site.resolve(commit, name="again"))
    (site.config / "change.keys").chmod(0o666)
    assert "others than root may write it" in site.refused(site.resolve(commit, name="again"))


def test_expires(site):
    """While it lasts, and no longer; the end is an entry."""
    commit = site.sign()
    site.approve(commit, "--for", "3s")
    site.wait(lambda: "expired" in site.events(), "the list's end")
    assert list(site.lists.iterdir()) == []
    site.checkout(commit)
    site.quiet()
    assert states(site.whys()) == {"unexplained"}


def all_told(site, commit):
    """Wait for the empty file, too, which is looked at a little later than the others."""
    made = len(git_tool.judged_by_git(site.git, commit, ""))
    site.wait(lambda: len([p for p in site.whys() if not os.path.isdir(p)]) >= made, "all of it")


def test_late(site):
    """A list that comes afterwards explains what was as it says; the first verdict stays."""
    commit = site.sign()
    site.checkout(commit)
    all_told(site, commit)
    assert states(site.whys()) == {"unexplained"}
    assert len(site.alerts()) == 1
    site.approve(commit)
    site.wait(lambda: site.entries("alert.explained"), "the explanation")
    explained = site.entries("alert.explained")
    assert [e["what"]["change"] for e in explained] == [commit]
    assert "signed by deploy.example.org+" in explained[0]["what"]["reason"]
    assert explained[0]["who"]["uid"] == 0
    assert site.alerts() == {}
    assert {whys[0]["state"] for whys in site.whys().values()} == {"unexplained"}
    # It was explained, what comes now was not.
    (site.tree / "etc/a.conf").write_text("changed")
    site.wait(site.alerts, "another alert")


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGKILL])
def test_late_over_a_restart(site, signo):
    """A list that comes after the next start explains an alert of before, once."""
    commit = site.sign()
    site.checkout(commit)
    all_told(site, commit)  # else the next start finds it, an act of its own
    assert states(site.whys()) == {"unexplained"}
    alerts = site.alerts()
    assert len(alerts) == 1
    site.end(site.sensor, signo)
    site.start_sensor()
    site.approve(commit)
    site.wait(lambda: site.entries("alert.explained"), "the explanation")
    explained = site.entries("alert.explained")
    assert [(e["what"]["id"], e["what"]["change"]) for e in explained] == [(*alerts, commit)]
    assert "signed by deploy.example.org+" in explained[0]["what"]["reason"]
    assert site.alerts() == {}
    site.end(site.sensor, signo)
    site.start_sensor()  # with the list
    site.quiet()
    assert len(site.entries("alert.explained")) == 1


def test_late_and_not_all(site):
    """One change among them that the list does not explain, put right or not: the alert stays."""
    commit = site.sign()
    site.checkout(commit)
    site.quiet()
    (site.tree / "etc/a.conf").write_text("changed")
    site.quiet()
    site.checkout(commit)
    site.quiet()
    site.approve(commit)
    site.quiet()
    assert site.entries("alert.explained") == [] and len(site.alerts()) == 1
    site.end(site.sensor)
    site.start_sensor()
    site.quiet()
    assert site.entries("alert.explained") == [] and len(site.alerts()) == 1


def test_kept(site):
    """A list outlives the sensor; its key or its file does not outlive an administrator."""
    commit = site.sign()
    told = site.approve(commit)
    assert [p.name for p in site.lists.iterdir()] == [told["list"] + ".list"]
    site.end(site.sensor, signal.SIGKILL)
    site.checkout(commit)
    site.start_sensor()
    site.quiet()
    assert unexplained(site) == []
    listed = json.loads(site.assay("change", "list", "--json").stdout)
    assert [x["commit"] for x in listed["lists"]] == [commit] and listed["lists_left_out"] == 0
    assert commit in site.assay("change", "list").stdout.decode()

    for file in site.lists.iterdir():
        file.unlink()
    site.sensor.send_signal(signal.SIGHUP)
    site.wait(lambda: "withdrawn" in site.events(), "the list's end")
    # Found at a reload, as a file that was put there.
    shutil.copyfile(site.directory / "list", site.lists / "from-elsewhere.list")
    site.sensor.send_signal(signal.SIGHUP)
    site.wait(lambda: (site.lists / (told["list"] + ".list")).exists(), "the list")
    (site.config / "change.keys").write_text("# nobody\n")
    site.sensor.send_signal(signal.SIGHUP)
    site.wait(lambda: site.entries("integrity.source")[-1]["what"].get("detail") ==
              "its key is trusted no more", "the key's end")
    assert list(site.lists.iterdir()) == []
    before = len(site.of(site.tree / "etc/a.conf"))
    (site.tree / "etc/a.conf").write_text("changed")
    site.wait(lambda: len(site.of(site.tree / "etc/a.conf")) > before, "the change")
    assert site.of(site.tree / "etc/a.conf")[-1]["why"]["state"] == "unexplained"


def test_nobody_else_s_file(site):
    """A list that others may write, or a link, is not read."""
    commit = site.sign()
    file = site.resolve(commit)
    shutil.copyfile(file, site.lists / "open.list")
    (site.lists / "open.list").chmod(0o666)
    os.symlink(file, site.lists / "link.list")
    site.sensor.send_signal(signal.SIGHUP)
    site.wait(lambda: site.events().count("refused") == 2, "the refusals")
    assert list(site.lists.iterdir()) == []
    assert "accepted" not in site.events()
