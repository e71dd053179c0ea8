# SPDX-License-Identifier: Apache-2.0
"""assay api push, approve, deploy, rollback, withdraw and list on a registry, with repositories and
keys that git, ssh-keygen and gpg made. What is refused leaves an entry and no file."""
import base64
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from gpg_tool import Gpg
from recorder_host import BIN
from registry_host import DIRECTORY, Registry, allowed, ssh_key

NEEDED = ["git", "ssh-keygen", "gpg", "gpgv"]
pytestmark = [
    pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED), reason=f"not all of {NEEDED}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a registry is root's")]


@pytest.fixture
def site():
    s = Registry()
    yield s
    s.close()


# ---- the way it is meant ----

def test_from_commit_to_gateway_and_back(site):
    (site.git.top / DIRECTORY / ".gitattributes").write_text("* -text\n")
    commit = site.commit()
    told = site.push(site.build())
    assert (told["api"], told["version"], told["commit"], told["new"]) == \
        ("accounts", "1.4.0", commit, True)
    assert site.live() == ({}, 0)
    approved = site.approve(change="CHG-4711")
    assert site.json("deploy", "accounts", "1.4.0") == {
        "api": "accounts", "generation": 1, "new": True, "sha256": told["sha256"],
        "version": "1.4.0"}
    assert site.live() == ({"accounts": "1.4.0"}, 1)
    second = site.deploy("1.5.0", "CHG-4712")
    assert (second["generation"], second["previous"]) == (2, "1.4.0")
    assert site.json("rollback", "accounts", "--reason", "slow")["version"] == "1.4.0"
    assert site.live() == ({"accounts": "1.4.0"}, 3)
    site.good("withdraw", "accounts", "--reason", "closed")
    assert site.live() == ({}, 4)
    assert site.json("rollback", "accounts", "--reason", "open again")["version"] == "1.4.0"
    assert site.kinds() == ["pushed", "approved", "deployed", "pushed", "approved", "deployed",
                            "rolled_back", "withdrawn", "rolled_back"]
    pushed, approval, deployed = [what for _, what in site.entries()[:3]]
    assert pushed == {
        "api": "accounts", "version": "1.4.0", "commit": commit, "directory": DIRECTORY,
        "repository": "services", "sha256": told["sha256"], "on": ["refs/heads/main"],
        "tips": [["refs/heads/main", commit]],
        "sources": len(list((site.git.top / DIRECTORY).rglob("[!.]*"))),
        "builder_key": site.keys["ci"][1].split("+")[1],
        "key": subprocess.run(["ssh-keygen", "-lf", f"{site.bert}.pub"], capture_output=True,
                              check=True).stdout.decode().split()[1]}
    assert approval["approval"] == deployed["approval"] == approved["approval"]
    assert deployed["change"] == "CHG-4711" and deployed["commit"] == commit
    back = site.entries()[6][1]
    assert back["approved_in"] == 1 and back["reason"] == "slow" and back["generation"] == 3
    assert "approval" not in back
    # names of people are in the vault alone
    for entry in (site.recorder.public / "tile").rglob("*"):
        if entry.is_file():
            assert b"bert@example.org" not in entry.read_bytes()
    shown = site.recorder.assay("log", "--kind", "api.deployed")
    assert "accounts 1.4.0, generation 1, for CHG-4711, approved by anna, author bert" in shown
    assert "signed by bert@example.org" in site.recorder.assay("log", "--kind", "api.pushed")
    assert "GOOD" in site.recorder.verify()


def test_list(site):
    assert "nothing was pushed" in site.good("list")
    assert "no API \"accounts\" is deployed" in site.refused(3, "access", "--api", "accounts")
    site.deploy("1.4.0", "CHG-1")
    assert site.good("access", "--api", "accounts").startswith("accounts 1.4.0: who may read")
    site.new_version("1.5.0")
    told = site.json("list")
    assert told["generation"] == 1 and not told["interrupted"]
    first, second = told["versions"]
    assert first["deployed"] | {"since": ""} == {
        "approver": "anna", "by": os.getuid(), "change": "CHG-1", "generation": 1,
        "kind": "api.deployed", "since": ""}
    assert first["author"] == "bert" and first["signer"] == "bert@example.org"
    assert "deployed" not in second and second["version"] == "1.5.0"
    words = site.good("list")
    assert words.index("deployed") < words.index("1.4.0") < words.index("pushed\n") < \
        words.index("1.5.0")
    site.approve("1.5.0")
    site.good("deploy", "accounts", "1.5.0")
    site.good("rollback", "accounts", "--reason", "x")
    assert "rolled back" in site.good("list")
    assert site.json("list")["versions"][0]["deployed"]["reason"] == "x"


def test_again_is_no_act(site):
    site.commit()
    file = site.build()
    site.push(file)
    before = site.files()
    assert not site.push(file)["new"] and site.files() == before
    site.approve()
    site.good("deploy", "accounts", "1.4.0")
    before = site.files()
    assert not site.json("deploy", "accounts", "1.4.0")["new"]
    assert not site.json("rollback", "accounts", "1.4.0", "--reason", "x")["new"]
    assert site.files() == before
    assert site.kinds() == ["pushed", "approved", "deployed"]


def test_openpgp(site):
    gpg = Gpg()
    try:
        key = gpg.new_key("Bert <bert@example.org>")
        other = gpg.new_key("Other <other@example.org>")
        short = gpg.new_key("Short <short@example.org>", "seconds=2")
        (site.top / "keys.gpg").write_bytes(gpg.export(key, short))
        site.keyrings = [site.top / "keys.gpg"]
        site.authors = {key: "bert", short: "bert", "x": "x"}
        site.write_config()
        site.git.env["GNUPGHOME"] = gpg.home
        site.git("config", "gpg.format", "openpgp")
        site.git("config", "user.signingkey", other)
        site.commit()
        assert "no good signature: no_key" in site.push_refused(1, site.build())
        site.git("config", "user.signingkey", short)
        site.set_version("1.4.1")
        site.commit()
        time.sleep(3)
        assert "no good signature: key_expired" in site.push_refused(1, site.build())
        site.git("config", "user.signingkey", key)
        site.set_version("1.4.2")
        site.commit()
        site.push(site.build())
        what = site.entries()[-1][1]
        assert what["key"] == key and site.json("list")["versions"][0]["author"] == "bert"
    finally:
        gpg.close()


# ---- pushes that are refused ----

def check_refused(site, before, reason, **more):
    what = site.last_refusal()
    assert what["reason"] == reason
    for key, value in more.items():
        assert what[key] == value, what
    assert "bert" not in json.dumps(what) and "anna" not in json.dumps(what)
    assert site.files() == before
    assert "GOOD" in site.recorder.verify()


def test_unsigned(site):
    commit = site.commit("--no-gpg-sign")
    assert "no good signature: none" in site.push_refused(1, site.build())
    check_refused(site, {}, "signature", act="push", signed="none", commit=commit, api="accounts",
                  version="1.4.0")
    assert "REFUSED" in site.recorder.assay("log", "--kind", "api.refused")


def test_signed_by_somebody_unknown(site):
    site.git("config", "user.signingkey", str(ssh_key(site.top / "other.ssh")))
    site.commit()
    assert "no good signature: no_key" in site.push_refused(1, site.build())
    check_refused(site, {}, "signature", signed="no_key")


def test_signed_by_nobody_among_the_authors(site):
    site.authors = {"carl@example.org": "carl"}
    site.write_config()
    site.commit()
    assert "bert@example.org, who is not among the authors" in site.push_refused(1, site.build())
    check_refused(site, {}, "author")


def test_a_key_that_has_expired(site):
    """The commit says that it was made while the key was good; so can whoever found the key."""
    site.signers.write_text(allowed("bert@example.org", site.bert, 'valid-before="20240101"'))
    site.commit()  # of 2023
    assert "no good signature: no_key" in site.push_refused(1, site.build())
    check_refused(site, {}, "signature")


def test_another_branch(site):
    site.commit()
    site.git("checkout", "-q", "-b", "side")
    site.set_version("1.5.0")
    commit = site.commit()
    file = site.build()
    assert "on no protected branch" in site.push_refused(1, file, "--commit", "side")
    check_refused(site, {}, "branch", commit=commit)
    assert "the repository has no such commit, branch or tag" in site.refused(
        3, "push", file, "--repository", "services", "--commit", "deadbeef")
    site.git("checkout", "-q", "main")
    site.git("merge", "-q", "--ff-only", "side")
    site.push(file, "--commit", "side")


def test_a_branch_that_was_forced(site):
    site.commit()
    first = site.commit()
    site.push(site.build())
    site.set_version("1.5.0")
    second = site.commit()
    site.push(site.build())
    before = site.files()
    for how in ("rewound", "forced"):
        site.git("reset", "-q", "--hard", first)
        if how == "forced":
            site.set_version("1.6.0")
            site.commit()
        else:
            site.set_version("1.5.5")
        told = site.push_refused(1, site.build())
        assert f"has lost commit {second[:12]}" in told
        check_refused(site, before, "rewound", branch="refs/heads/main", tip=second)
    # deleted and made again it is no other
    site.git("checkout", "-q", "--detach")
    site.git("branch", "-q", "-D", "main")
    assert "refs/heads/main" in site.push_refused(3, site.build())
    assert "on no protected branch" in site.push_refused(1, site.build(), "--commit",
                                                         site.git("rev-parse", "HEAD")
                                                         .decode().strip())
    site.git("checkout", "-q", "-b", "main")
    assert "has lost commit" in site.push_refused(1, site.build())
    # forward again
    site.git("reset", "-q", "--hard", second)
    site.set_version("1.7.0")
    site.commit()
    site.push(site.build())


def test_a_package_that_was_altered(site):
    site.commit()
    file = site.build()
    good = file.read_bytes()
    for at in (3, 40, len(good) // 2):
        bad = bytearray(good)
        bad[at] ^= 1
        file.write_bytes(bad)
        site.push_refused(1, file)
        what = site.last_refusal()
        assert what["reason"] == "file" and len(what["file"]) == 64
        assert site.files() == {}
    for bad in (b"", b"x", good[:100], good + b"x", b"\0" * 1000):
        file.write_bytes(bad)
        site.push_refused(1, file)
    file.write_bytes(good)
    site.push(file)
    assert "GOOD" in site.recorder.verify()


def test_another_builder(site):
    site.commit()
    for key in ("carl", None):
        site.push_refused(1, site.build(key=key))
        check_refused(site, {}, "builder")
    bad = site.build().read_bytes()
    at = bad.rindex("— ".encode()) + 40
    (site.top / "a.assay").write_bytes(bad[:at] + (b"A" if bad[at:at + 1] != b"A" else b"B") +
                                       bad[at + 1:])
    site.push_refused(1, site.top / "a.assay")


@pytest.mark.parametrize("change, path, said", [
    ("extra", "README.md", "that the commit has not"),
    ("missing", "README.md", "that the package has not"),
    ("other", "policy.cedar", "is not what the commit has"),
    ("link", "README.md", "no file"),
])
def test_sources_are_the_commits(site, change, path, said):
    here = site.git.top / DIRECTORY / path
    text = here.read_bytes() if here.exists() else b"for people\n"
    if change == "missing":
        file = site.build()
        here.write_bytes(text)
        site.commit()
    elif change == "link":
        here.write_bytes(text)
        file = site.build()
        here.unlink()
        os.symlink("policy.cedar", here)
        site.commit()
    else:
        site.commit()
        here.write_bytes(text + b"\n// more\n")
        file = site.build()
    assert said in site.push_refused(1, file)
    check_refused(site, {}, "source", path=path)


def test_what_another_assay_built(site):
    """All hashes and the signature are right, and the sources are the commit's; a section is not
    what comes of them."""
    site.commit()
    work = site.top / "work"
    shutil.copytree(site.git.top / DIRECTORY, work)
    honest = site.build(key=None).read_bytes()
    policy = (work / "policy.cedar").read_text()
    (work / "policy.cedar").write_text(policy + "\n// nothing\n")
    other = site.build("b.assay", work, key=None).read_bytes()
    forged = mix(honest, other, "policy.cedar")
    (site.top / "c.assay").write_bytes(forged)
    sign(site, site.top / "c.assay")
    assert "other bytes come of its sources here" in site.push_refused(1, site.top / "c.assay")
    check_refused(site, {}, "rebuilt")


def parts(package):
    """(manifest, {name: section}, {path: source}) of a file without signatures."""
    n = int.from_bytes(package[16:20], "little")
    manifest = json.loads(package[20:20 + n])
    at = 20 + n
    out = []
    for kind in ("sections", "sources"):
        found = {}
        for name, size, _ in manifest[kind]:
            found[name] = package[at:at + size]
            at += size
        out.append(found)
    return manifest, *out


def mix(honest, other, section):
    manifest, sections, sources = parts(honest)
    sections[section] = parts(other)[1][section]
    manifest["sections"] = [[n, len(t), hashlib.sha256(t).hexdigest()]
                            for n, t in sections.items()]
    head = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return b"assay package 1\n" + len(head).to_bytes(4, "little") + head + \
        b"".join(sections.values()) + b"".join(sources.values())


def sign(site, path):
    """As the builder would: a signed note, by openssl."""
    body = path.read_bytes()
    manifest = parts(body)[0]
    text = (f"assay package\n{manifest['api']}\n{manifest['version']}\n"
            f"{hashlib.sha256(body).hexdigest()}\n").encode()
    private = site.keys["ci"][0].read_text().strip().split("+", 4)
    raw = base64.b64decode(private[4])
    der = bytes.fromhex("302e020100300506032b657004220420") + raw[1:]
    (site.top / "der").write_bytes(der)
    (site.top / "text").write_bytes(text)
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", site.top / "der", "-keyform", "DER",
                    "-rawin", "-in", site.top / "text", "-out", site.top / "sig"], check=True)
    line = bytes.fromhex(private[3]) + (site.top / "sig").read_bytes()
    path.write_bytes(body + text + b"\n" + "— ci ".encode() + base64.b64encode(line) + b"\n")


def test_a_version_is_one_package(site):
    site.commit()
    site.push(site.build())
    before = site.files()
    with open(site.git.top / DIRECTORY / "policy.cedar", "a") as f:
        f.write("\n// more\n")
    site.commit()
    assert "a version is one package for ever" in site.push_refused(1, site.build())
    check_refused(site, before, "version")


def test_another_repositorys_api(site):
    site.apis = {"cards": DIRECTORY}
    site.write_config()
    site.commit()
    assert "API accounts is not one of repository services" in site.push_refused(1, site.build())
    check_refused(site, {}, "repository")
    assert "registry.yaml has no repository none" in site.refused(
        1, "push", site.build(), "--repository", "none")


# ---- approvals ----

def pushed(site):
    site.commit()
    site.push(site.build())


def test_not_approved(site):
    pushed(site)
    before = site.files()
    assert site.refused(1, "deploy", "accounts", "1.4.0").endswith(
        "accounts 1.4.0 was not approved: an approver signs it with assay api approve accounts "
        "1.4.0 --change ID --key FILE\n")
    check_refused(site, before, "approval", act="deploy")
    assert "was not pushed" in site.refused(1, "deploy", "accounts", "9.9")
    check_refused(site, before, "unknown", act="deploy", version="9.9")


def approve_refused(site, key, *more):
    return site.refused(1, "approve", "accounts", "1.4.0", "--change", "C", "--key",
                        site.keys[key][0], *more)


def test_who_may_approve(site):
    pushed(site)
    before = site.files()
    assert "is not of an approver" in approve_refused(site, "carl")
    check_refused(site, before, "approver", act="approve")
    site.approvers = ["anna", "bert"]
    site.write_config()
    assert "bert has signed the commit" in approve_refused(site, "bert")
    check_refused(site, before, "separation", act="approve")
    # signed all the same: by who writes the note without asking us
    site.approvers, site.builders, site.authors = ["carl"], ["ci"], {"bert@example.org": "bert"}
    site.write_config()
    note = site.top / "note"
    site.approve("1.4.0", "carl", "C", "--output", note)
    assert site.files() == before  # it went elsewhere
    site.authors = {"bert@example.org": "carl"}  # bert is carl, as it turns out
    site.write_config()
    told = site.refused(1, "deploy", "accounts", "1.4.0", "--approval", note)
    assert "carl has signed the commit" in told
    check_refused(site, before, "separation", act="deploy")
    site.authors = {"bert@example.org": "bert"}
    site.approvers = ["anna"]
    site.write_config()
    assert "signed by none of the 1 approvers" in site.refused(1, "deploy", "accounts", "1.4.0",
                                                               "--approval", note)
    check_refused(site, before, "approver", act="deploy")


def test_the_builder_is_a_person_too(site):
    """Of anna's two keys one builds and one approves."""
    pushed(site)
    config = site.config()
    config["builders"][0]["name"] = "anna"
    (site.path / "registry.yaml").write_text(json.dumps(config))
    before = site.files()
    assert "anna has built the package" in approve_refused(site, "anna")
    check_refused(site, before, "separation")


def test_all_who_signed_have_built(site):
    """The push names the first one; anna is the second."""
    site.keys["annas machine"] = site.key("machine")
    config = site.config()
    config["builders"].append({"name": "anna", "vkey": site.keys["annas machine"][1]})
    (site.path / "registry.yaml").write_text(json.dumps(config))
    site.commit()
    file = site.top / "both.assay"
    subprocess.run([BIN / "assay", "api", "build", site.git.top / DIRECTORY, "-o", file, "-k",
                    site.keys["ci"][0], "-k", site.keys["annas machine"][0]], check=True,
                   capture_output=True)
    site.push(file)
    site.approve()
    before = site.files()
    assert "anna has built the package as well" in site.refused(1, "deploy", "accounts", "1.4.0")
    check_refused(site, before, "separation", act="deploy")


def test_more_approvals_than_there_is_room_for(site):
    """One too many is refused before it is in the ledger: behind what is there and cannot be put in
    place, nothing could be done, no going back either."""
    site.deploy("1.4.0")
    sha256 = site.push(site.build())["sha256"]
    notes = site.path / "approvals"
    os.mkfifo(notes / f"{sha256}-2.note")
    (notes / f"{sha256}-3.note").mkdir()
    (notes / f"{sha256}-4.note").write_bytes(b"x" * 100000)
    for i in range(5, 64):
        (notes / f"{sha256}-{i}.note").write_text("none")
    site.approve(change="CHG-64")
    assert "CHG-64" in (notes / f"{sha256}-64.note").read_text()
    before, kinds = site.files(), site.kinds()
    told = site.refused(1, "approve", "accounts", "1.4.0", "--change", "CHG-65", "--key",
                        site.keys["anna"][0])
    assert "there are 64 of this package already" in told
    assert site.files() == before and site.kinds() == kinds
    site.good("withdraw", "accounts", "--reason", "x")
    site.good("deploy", "accounts", "1.4.0")  # by the 64th: the others are none
    site.good("withdraw", "accounts", "--reason", "x")
    (notes / f"{sha256}-64.note").unlink()
    site.refused(1, "deploy", "accounts", "1.4.0")
    assert site.last_refusal()["reason"] == "approval"


def test_current_that_was_put_back(site):
    """What was deployed with an approval is not deployed with it again."""
    for version in ("1.4.0", "1.5.0", "1.6.0"):
        site.deploy(version)
    current = site.path / "current"
    current.unlink()
    current.symlink_to("live/1")
    kinds, before = site.kinds(), site.files()
    for act in (["deploy", "accounts", "1.6.0"], ["rollback", "accounts", "1.4.0", "-r", "x"],
                ["withdraw", "accounts", "-r", "x"]):
        done = site.assay(*act)
        if act[0] == "rollback":
            assert done.returncode == 0  # it is what is served
        else:
            assert done.returncode == 1 and "somebody put it back" in done.stderr, done
    assert site.files() == before and site.kinds() == kinds
    current.unlink()
    current.symlink_to("live/3")
    site.good("rollback", "accounts", "--reason", "x")
    assert site.live() == ({"accounts": "1.5.0"}, 4)


def test_an_approval_that_expired(site):
    pushed(site)
    assert "that is over" in site.refused(2, "approve", "accounts", "1.4.0", "--change", "C",
                                          "--key", site.keys["anna"][0], "--until", "2020-01-01")
    site.approve("1.4.0", "anna", "C", "--until", "1s")
    time.sleep(1.2)
    before = site.files()
    assert "the approval was good until" in site.refused(1, "deploy", "accounts", "1.4.0")
    check_refused(site, before, "expired", change="C")
    site.approve("1.4.0", "anna", "C")  # of two that are there, the one that counts
    site.good("deploy", "accounts", "1.4.0")


def test_an_approval_of_another_package(site):
    pushed(site)
    site.approve()
    (note,) = (site.path / "approvals").iterdir()
    site.new_version("1.5.0")
    before = site.files()
    assert "is of accounts 1.4.0" in site.refused(1, "deploy", "accounts", "1.5.0", "--approval",
                                                  note)
    check_refused(site, before, "approval", act="deploy", version="1.5.0")
    text = note.read_text()
    for bad in (text.replace("1.4.0", "1.5.0"), text.replace("CHG-1", "CHG-2"), text[:-20], "",
                "x" * 100000):
        (site.top / "bad").write_text(bad)
        site.refused(1, "deploy", "accounts", "1.5.0", "--approval", site.top / "bad")
        assert site.last_refusal()["reason"] == "approval"
    assert site.files() == before


def test_an_approval_is_good_once(site):
    site.deploy("1.4.0")
    (note,) = (site.path / "approvals").iterdir()
    site.deploy("1.5.0")
    site.good("rollback", "accounts", "--reason", "x")
    site.good("rollback", "accounts", "1.5.0", "--reason", "y")
    before = site.files()
    for more in ([], ["--approval", note]):
        assert "was used before" in site.refused(1, "deploy", "accounts", "1.4.0", *more)
        check_refused(site, before, "used")
    site.approve("1.4.0", change="CHG-2")
    site.good("deploy", "accounts", "1.4.0")
    assert site.live() == ({"accounts": "1.4.0"}, 5)


def test_an_approver_needs_no_right(site):
    """Only to read the registry; and no recorder."""
    pushed(site)
    home = site.top / "home"
    home.mkdir()
    for program in ("assay", "assay-job"):  # those that are tested may lie where nobody may go
        shutil.copy(BIN / program, home / program)
    shutil.copy(site.keys["anna"][0], home / "key")
    for p in (home, home / "key"):
        os.chown(p, 65534, 65534)
    (home / "key").chmod(0o600)
    args = site.args("approve", "accounts", "1.4.0", "--change", "C", "--key", home / "key",
                     "--output", home / "note")

    def as_nobody(*args):
        return subprocess.run([home / "assay", *args], capture_output=True, text=True, user=65534,
                              group=65534, extra_groups=[])

    done = as_nobody(*args[1:])
    assert done.returncode == 0, done.stderr
    assert "signed by bert@example.org" in done.stdout
    done = as_nobody(*site.args("deploy", "accounts", "1.4.0", "--approval", home / "note")[1:])
    assert (done.returncode, done.stderr) == (
        3, "assay api deploy: only whose registry it is may change it\n")
    site.good("deploy", "accounts", "1.4.0", "--approval", home / "note")


# ---- going back ----

def test_where_to_go_back_to(site):
    for version in ("1.4.0", "1.5.0", "1.6.0"):
        site.deploy(version, f"CHG-{version}")
    site.new_version("1.7.0")
    before = site.files()
    for version in ("1.7.0", "9.9"):
        assert "was never deployed here" in site.refused(1, "rollback", "accounts", version,
                                                         "--reason", "x")
        check_refused(site, before, "never_deployed", act="rollback", version=version)

    def back(*to):
        return site.json("rollback", "accounts", *to, "--reason", "x")["version"]

    assert [back(), back()] == ["1.5.0", "1.4.0"]
    assert "no version before" in site.refused(1, "rollback", "accounts", "--reason", "x")
    assert back("1.6.0") == "1.6.0"
    assert back() == "1.4.0"  # what was served before it
    assert "cards has no version before this one here" in site.refused(1, "rollback", "cards",
                                                                       "--reason", "x")
    assert "is not deployed" in site.refused(1, "withdraw", "cards", "--reason", "x")
    site.refused(2, "rollback", "accounts")
    site.refused(2, "rollback", "accounts", "--reason", "a\nb")
    site.refused(1, "rollback", "../x", "--reason", "x")


def test_a_package_that_was_damaged_since_is_not_served(site):
    site.deploy("1.4.0")
    site.deploy("1.5.0")
    what = next(w for k, w in site.entries() if k == "api.deployed")
    package = site.path / "packages" / f"{what['sha256']}.assay"
    good = package.read_bytes()
    package.write_bytes(good[:-5000] + b"x" + good[-4999:])
    before = site.files()
    site.refused(1, "rollback", "accounts", "--reason", "x")
    check_refused(site, before, "package")
    package.write_bytes(good)
    site.builders = ["carl"]
    site.write_config()
    site.refused(1, "rollback", "accounts", "--reason", "x")
    check_refused(site, {**before, package.relative_to(site.path): good}, "package")
    site.builders = ["ci"]
    site.write_config()
    site.good("rollback", "accounts", "--reason", "x")


# ---- what goes wrong ----

def test_without_a_recorder_nothing_happens(site):
    pushed(site)
    site.approve()
    site.set_version("1.5.0")
    site.commit()
    file = site.build()
    before, entries = site.files(), len(site.entries())
    site.recorder.end()
    note = site.top / "note"
    for args in (["push", file, "--repository", "services"],
                 ["approve", "accounts", "1.4.0", "--change", "C", "--key", site.keys["anna"][0]],
                 ["deploy", "accounts", "1.4.0"],
                 ["rollback", "accounts", "--reason", "x"],
                 ["withdraw", "accounts", "--reason", "x"]):
        assert "the recorder does not answer" in site.refused(3, *args)
        assert site.files() == before
    site.good("list")
    site.approve("1.4.0", "anna", "C", "--output", note)
    site.recorder.start()
    assert len(site.entries()) == entries
    site.push(file)
    site.good("deploy", "accounts", "1.4.0", "--approval", note)


def test_two_at_once(site):
    pushed(site)
    site.approve()
    with open(site.path / "lock") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        assert "somebody else is changing this registry" in site.refused(1, "deploy", "accounts",
                                                                         "1.4.0")
    running = [subprocess.Popen(site.args("deploy", "accounts", "1.4.0"), stderr=subprocess.PIPE,
                                stdout=subprocess.PIPE) for _ in range(6)]
    codes = [p.wait(timeout=120) for p in running]
    for p in running:
        p.communicate()
    assert 0 in codes and set(codes) <= {0, 1}
    assert site.kinds().count("deployed") == 1 and site.live() == ({"accounts": "1.4.0"}, 1)


def test_others_may_not_write_the_registry(site):
    pushed(site)
    site.path.chmod(0o775)
    assert "others than root may write there" in site.refused(3, "list")
    site.path.chmod(0o755)
    site.approve()
    site.good("deploy", "accounts", "1.4.0")
    for name in ("approvals", "deployments", "live", "names", "packages", "refs"):
        inner = site.path / name
        inner.chmod(0o757)
        told = site.refused(3, "list")
        assert f"{name}: others than root may write there" in told
        inner.chmod(0o755)
        inner.rename(site.top / name)
        inner.symlink_to(site.top / name)
        assert f"{name}: " in site.refused(3, "rollback", "accounts", "--reason", "x")
        inner.unlink()
        (site.top / name).rename(inner)
    (site.path / "registry.yaml").chmod(0o666)
    assert "others than root may write it" in site.refused(3, "deploy", "accounts", "1.4.0")
    (site.path / "registry.yaml").chmod(0o644)
    text = (site.path / "registry.yaml").read_text()
    (site.path / "registry.yaml").write_text("version: 2\nmore: x\n")
    told = site.refused(1, "deploy", "accounts", "1.4.0")
    assert "registry.yaml:1:10: this is version 1" in told and ":2:1: unknown key" in told
    (site.path / "registry.yaml").write_text(text)
    site.refused(3, "list", "--registry", site.top / "none")
    modes = {p.stat().st_mode & 0o777 for p in site.path.rglob("*")
             if p.is_file() and p.name not in ("registry.yaml", "lock")}
    assert modes == {0o444}


KILLS = int(os.environ.get("ASSAY_KILLS", "16"))


def killed(site, seconds, *args):
    """Whether it was."""
    p = subprocess.Popen(site.args(*args), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        p.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGKILL)
    p.communicate()
    return p.returncode == -signal.SIGKILL


def test_kill_at_any_moment(site):
    """What is in the ledger is in place after the next command, and nothing else is."""
    rng = random.Random(7)
    site.deploy("1.4.0", "CHG-0")
    begun = time.monotonic()
    site.deploy("1.5.0", "CHG-0")
    took = (time.monotonic() - begun) / 3
    died = 0
    for i in range(KILLS):
        version = f"2.{i}.0"
        site.set_version(version)
        site.commit()
        file = site.build()
        push = ["push", file, "--repository", "services"]
        died += killed(site, rng.random() * took * 1.5, *push)
        site.good(*push)
        approve = ["approve", "accounts", version, "--change", f"C{i}", "--key",
                   site.keys["anna"][0]]
        died += killed(site, rng.random() * took / 4, *approve)
        site.good(*approve)
        deploy = ["deploy", "accounts", version]
        died += killed(site, rng.random() * took / 4, *deploy)
        site.good(*deploy)
        live, generation = site.live()
        deployed = [w for k, w in site.entries() if k == "api.deployed"]
        assert live == {"accounts": version} and generation == len(deployed)
        assert [w["generation"] for w in deployed] == list(range(1, generation + 1))
        if i % 8 == 7:
            kinds = site.kinds()
            names = list((site.path / "names/accounts").iterdir())
            assert kinds.count("pushed") == len(names)
            assert not (site.path / "pending").exists()
    assert died > KILLS / 2
    assert not [w for k, w in site.entries() if k == "api.refused"]
    assert "GOOD" in site.recorder.verify()


def test_kill_of_the_recorder(site):
    """Whatever the command heard: the ledger decides."""
    rng = random.Random(8)
    site.deploy("1.4.0")
    for i in range(8):
        version = f"2.{i}.0"
        site.new_version(version)
        site.approve(version, change=f"C{i}")
        p = subprocess.Popen(site.args("deploy", "accounts", version), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        time.sleep(rng.random() * 0.1)
        site.recorder.kill()
        p.communicate(timeout=120)
        recorded = None
        site.recorder.start()
        told = site.json("deploy", "accounts", version)
        recorded = [w["version"] for k, w in site.entries() if k == "api.deployed"]
        assert recorded.count(version) == 1 and told["version"] == version
        assert site.live()[0] == {"accounts": version}
    assert "GOOD" in site.recorder.verify()


def test_an_interrupted_act_is_told_of(site):
    site.deploy("1.4.0")
    site.new_version("1.5.0")
    site.approve("1.5.0", change="C")
    record = json.loads((site.path / "deployments/1").read_text())
    size = site.recorder.published()
    record["what"].update(generation=2, version="1.5.0", previous="1.4.0",
                          previous_sha256=record["what"]["sha256"],
                          sha256=site.entries()[-1][1]["sha256"])
    record["from"] = size

    def leave():
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        (site.path / "pending").write_text(text + "\n")

    leave()
    assert site.json("list")["interrupted"] and "interrupted" in site.good("list")
    done = site.assay("withdraw", "cards", "--reason", "x")
    assert "api.deployed of accounts 1.5.0) is not in the ledger" in done.stderr
    assert site.live() == ({"accounts": "1.4.0"}, 1)
    leave()  # and now it is in the ledger
    site.recorder.command("api", kind="api.deployed", what=record["what"])
    done = site.assay("withdraw", "cards", "--reason", "x")
    assert "is in the ledger, and was put in place now" in done.stderr
    assert site.live() == ({"accounts": "1.5.0"}, 2)
    assert site.json("list")["versions"][1]["deployed"]["generation"] == 2


@pytest.fixture
def small():
    """A registry on a filesystem of 1 MiB."""
    s = Registry()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "none", s.path], check=True)
    s.write_config()
    yield s
    subprocess.run(["umount", s.path], check=True)
    s.close()


def test_a_full_disk(small):
    site = small
    site.deploy("1.4.0")
    site.new_version("1.5.0")
    site.approve("1.5.0", change="C")
    site.set_version("1.6.0")
    site.commit()
    file = site.build()
    before, entries = site.files(), site.entries()
    filler = site.path / "filler"
    with open(filler, "wb", buffering=0) as f:
        try:
            while f.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    for args in (["push", file, "--repository", "services"], ["deploy", "accounts", "1.5.0"]):
        assert "No space left" in site.refused(1, *args)
        assert {p: b for p, b in site.files().items() if p.name != "filler"} == before
    assert site.entries() == entries
    filler.unlink()
    site.push(file)
    site.good("deploy", "accounts", "1.5.0")
    assert site.live() == ({"accounts": "1.5.0"}, 2)


def test_room_for_the_note_only(small):
    """The entry is there, and then the disk is full: it is put in place when there is room."""
    site = small
    site.deploy("1.4.0")
    site.new_version("1.5.0")
    site.approve("1.5.0", change="C")
    for pages in range(0, 6):
        done = None
        filler = site.path / "filler"
        with open(filler, "wb", buffering=0) as f:
            try:
                while f.write(b"\0" * 4096):
                    pass
            except OSError:
                pass
            f.truncate(max(0, f.seek(0, 2) - 4096 * pages))
        done = site.assay("deploy", "accounts", "1.5.0")
        recorded = site.kinds().count("deployed")
        filler.unlink()
        if recorded == 2:
            break
        assert done.returncode == 1 and site.live()[1] == 1
    assert recorded == 2
    if done.returncode:
        assert "is in the ledger and will be put in place" in done.stderr
    site.good("deploy", "accounts", "1.5.0")
    assert site.live() == ({"accounts": "1.5.0"}, 2) and site.kinds().count("deployed") == 2


def test_rubbish_in_the_registry_is_named(site):
    site.deploy("1.4.0")
    path = site.path / "names/accounts/1.4.0"
    good = path.read_bytes()
    for bad in (b"", b"{}\n", good[:-2], good.replace(b"1.4.0", b"1.4.1"), b"\xff" * 100):
        path.chmod(0o644)
        path.write_bytes(bad)
        assert "names/accounts/1.4.0" in site.refused(1, "list")
    path.write_bytes(good)
    (site.path / "current").unlink()
    os.symlink("/etc/passwd", site.path / "current")
    site.refused(1, "list")
    (site.path / "current").unlink()
    os.symlink("live/99", site.path / "current")
    site.refused(3, "list")


def test_usage(site):
    site.refused(2, "push")
    site.refused(2, "push", "x")
    site.refused(3, "push", site.top / "none", "--repository", "services")
    site.refused(2, "approve", "accounts", "1.4.0")
    site.refused(2, "approve", "accounts", "1.4.0", "--change", "", "--key", "k")
    site.refused(2, "approve", "accounts", "1.4.0", "--change", "c", "--key", "k", "--until", "x")
    assert site.entries() == []
