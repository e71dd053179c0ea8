# SPDX-License-Identifier: Apache-2.0
"""assay change resolve, from git's repository to the file a host believes. The list is read by
Python and its signature checked by openssl."""
import base64
import hashlib
import json
import os
import shutil
import stat
import subprocess

import git_tool
import pytest
from assay_tool import assay, good, good_json, refused
from git_tool import judged_by_git, sign_ssh, signers
from gpg_tool import Gpg

NEEDED = ["git", "ssh-keygen", "gpg", "gpgv", "openssl"]
pytestmark = pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED),
                                reason=f"not all of {NEEDED}")

TITLE = "assay path list v1"
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")
ED25519_TYPE, ID_LEN = 1, 4


@pytest.fixture
def git(tmp_path):
    return git_tool.sample(tmp_path)


@pytest.fixture(scope="module")
def ssh(tmp_path_factory):
    return git_tool.ssh_keys(tmp_path_factory.mktemp("ssh"))


@pytest.fixture(scope="module")
def gpg():
    g = Gpg()
    g.good = g.new_key("A <a@example.org>")
    g.other = g.new_key("B <b@example.org>")
    yield g
    g.close()


@pytest.fixture
def key(tmp_path):
    """A key, and the verifier key that was printed for it."""
    path = tmp_path / "deploy.key"
    vkey = good("change", "key", "deploy.example.org", path).strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path, vkey


def check_signature(text, line, vkey, tmp_path):
    """A C2SP note's, by openssl."""
    name, hex_id, public = vkey.split("+", 2)
    raw = base64.b64decode(public)
    assert raw[0] == ED25519_TYPE
    key_id = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:ID_LEN]
    dash, signer, signature = line.split(" ")
    signature = base64.b64decode(signature)
    assert (dash, signer, hex_id) == ("\u2014", name, key_id.hex()) and signature[:4] == key_id
    (tmp_path / "pub").write_bytes(ED25519_SPKI + raw[1:])
    (tmp_path / "sig").write_bytes(signature[ID_LEN:])
    (tmp_path / "text").write_bytes(text)
    subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
                    tmp_path / "pub", "-rawin", "-in", tmp_path / "text", "-sigfile",
                    tmp_path / "sig"], check=True, capture_output=True)


def path_of(entry, key="path"):
    raw = entry.get(key + "_b64")
    return base64.b64decode(raw) if raw else entry[key].encode()


def read_list(path, vkey, tmp_path):
    """(header, {path: entry}) of a list whose form, order, hash and signature are right."""
    raw = path.read_bytes()
    head, _, rest = raw.partition(b"\n\n")
    text = head + b"\n"
    line, _, body = rest.partition(b"\n")
    title, header = text.decode().splitlines()
    assert title == TITLE
    check_signature(text, line.decode(), vkey, tmp_path)
    header = json.loads(header)
    assert header["body"] == hashlib.sha256(body).hexdigest()
    entries = [json.loads(e) for e in body.splitlines()]
    paths = [path_of(e) for e in entries]
    assert paths == sorted(set(paths)) and len(paths) == header["entries"]
    return header, dict(zip(paths, entries))


def wanted(git, commit, sub, at):
    """The same from git."""
    out = {}
    for path, (mode, content) in judged_by_git(git, commit, sub).items():
        out[at + b"/" + path] = (mode, content)
    return out


def as_wanted(entries):
    return {p: (e.get("mode"), e["sha256"] if "sha256" in e else path_of(e, "target"))
            for p, e in entries.items()}


def resolve(git, commit, key, out, *options):
    return ["change", "resolve", "--repo", git.top, "--commit", commit, "--key", key, "-o", out,
            *options]


def test_list(git, key, tmp_path):
    commit = git.commit()
    out = tmp_path / "list"
    told = good_json(*resolve(git, "main", key[0], out, "--map", "etc=/etc",
                              "--map", "srv=/srv/www", "--origin", "infra", "--for", "2h"))
    header, entries = read_list(out, key[1], tmp_path)
    assert as_wanted(entries) == {**wanted(git, commit, "etc", b"/etc"),
                                  **wanted(git, commit, "srv", b"/srv/www")}
    assert header["maps"] == [{"at": "/etc", "sub": "etc"}, {"at": "/srv/www", "sub": "srv"}]
    assert (header["commit"], header["origin"], header["signed"], header["on"]) == \
        (commit, "infra", "none", [])
    assert told["commit"] == commit and told["entries"] == len(entries)
    assert told["expires"] == header["expires"] > header["issued"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    words = good(*resolve(git, commit, key[0], out, "-m", "=/"))
    assert commit in words and "origin   repository" in words
    assert as_wanted(read_list(out, key[1], tmp_path)[1]) == wanted(git, commit, "", b"")


def test_signed_and_protected(git, key, ssh, tmp_path):
    commit = sign_ssh(git, ssh)
    (tmp_path / "signers").write_bytes(signers(ssh))
    (tmp_path / "others").write_bytes(signers(ssh, "other"))
    out = tmp_path / "list"
    options = ["-m", "etc=/etc", "--protected", "refs/heads/release",
               "--protected", "refs/heads/main"]
    good(*resolve(git, commit, key[0], out, *options, "--signers", tmp_path / "signers"))
    header, _ = read_list(out, key[1], tmp_path)
    assert (header["signed"], header["signer"], header["on"]) == \
        ("good", "a@example.org", ["refs/heads/main"])
    out.unlink()
    assert "no good signature: no_key" in refused(1, *resolve(git, commit, key[0], out, *options,
                                                              "--signers", tmp_path / "others"))
    assert "no good signature" in refused(1, *resolve(git, commit, key[0], out, *options,
                                                      "--keyring", tmp_path / "signers"))
    assert "on no protected branch" in refused(
        1, *resolve(git, commit, key[0], out, "-m", "etc=/etc", "-p", "refs/heads/release"))
    git.write("etc/a.conf", b"not signed")
    unsigned = git.commit("--no-gpg-sign")
    assert "no good signature: none" in refused(1, *resolve(git, unsigned, key[0], out, *options,
                                                            "--signers", tmp_path / "signers"))
    assert not out.exists()


def test_openpgp(git, key, gpg, tmp_path):
    git.env["GNUPGHOME"] = gpg.home
    git("config", "user.signingkey", gpg.good)
    commit = git.commit("-S")
    (tmp_path / "a.asc").write_bytes(gpg.export(gpg.other, armor=True))
    (tmp_path / "b.gpg").write_bytes(gpg.export(gpg.good))
    out = tmp_path / "list"
    good(*resolve(git, commit, key[0], out, "-m", "etc=/etc", "-g", tmp_path / "a.asc",
                  "-g", tmp_path / "b.gpg"))
    assert read_list(out, key[1], tmp_path)[0]["signer"] == gpg.good
    assert "no good signature: no_key" in refused(
        1, *resolve(git, commit, key[0], out, "-m", "etc=/etc", "-g", tmp_path / "a.asc"))


def test_refused(git, key, tmp_path):
    git.commit()
    out = tmp_path / "list"
    for options in (["-m", "etc"], ["-m", "etc=etc"], ["-m", "../x=/etc"], ["-m", "/etc=/etc"],
                    ["-m", "etc=/etc/../x"], ["-m", "etc=/etc/"], ["-m", "etc/=/etc"], [],
                    ["-m", "etc=/etc", "--for", "soon"], ["-m", "etc=/etc", "-p", "main"],
                    ["-m", "etc=/etc", "--origin", "x" * 256]):
        refused(2, *resolve(git, "main", key[0], out, *options))
    assert "two files would be /a" in refused(
        1, *resolve(git, "main", key[0], out, "-m", "etc/x=/a", "-m", "srv=/a", "-m", "etc=/a",
                    "-m", "etc=/a"))
    for commit in ("nothing", "0" * 40, "HEAD~1"):
        refused(3, *resolve(git, commit, key[0], out, "-m", "etc=/etc"))
    assert "nowhere" in refused(3, *resolve(git, "main", tmp_path / "nowhere", out, "-m",
                                            "etc=/etc"))
    (tmp_path / "bad.key").write_text("PRIVATE+KEY+x+00000000+AAAA\n")
    (tmp_path / "bad.key").chmod(0o644)  # others may read it: not looked at
    assert "chmod 600" in refused(3, *resolve(git, "main", tmp_path / "bad.key", out, "-m",
                                              "etc=/etc"))
    (tmp_path / "bad.key").chmod(0o600)
    refused(1, *resolve(git, "main", tmp_path / "bad.key", out, "-m", "etc=/etc"))
    refused(3, *resolve(git, "main", key[0], tmp_path / "no/such/list", "-m", "etc=/etc"))
    assert not out.exists()


def test_skipped_is_told(git, key, tmp_path):
    """What the list cannot have is no secret."""
    git("update-index", "--add", "--cacheinfo", "160000," + "12" * 20 + ",etc/module")
    git("add", "etc/a.conf")
    git("commit", "-q", "-m", "x")
    told = good_json(*resolve(git, "main", key[0], tmp_path / "list", "-m", "etc=/etc"))
    assert told["skipped"] == [{"path": "/etc/module", "why": "submodule"}]
    assert "without  /etc/module: submodule" in good(
        *resolve(git, "main", key[0], tmp_path / "list", "-m", "etc=/etc"))


def test_key(tmp_path):
    path = tmp_path / "k"
    vkey = good("change", "key", "a.example", path)
    assert vkey.startswith("a.example+") and "PRIVATE" not in vkey
    before = path.read_bytes()
    assert "already" in refused(1, "change", "key", "a.example", path)
    assert path.read_bytes() == before
    refused(1, "change", "key", "a b", tmp_path / "l")
    refused(3, "change", "key", "a", tmp_path / "no/such")
    assert assay("change", "key", "a").returncode == 2


def test_as_nobody_in_particular(git, key, tmp_path):
    """Who runs it needs to be able to read the repository, and nothing else."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    git.commit()
    git.top.chmod(0o700)
    told = refused(3, *resolve(git, "main", key[0], tmp_path / "list", "-m", "etc=/etc"))
    assert "repository" in told  # the job is nobody, and root's own directory is closed to it
