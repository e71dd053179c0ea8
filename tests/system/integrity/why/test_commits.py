# SPDX-License-Identifier: Apache-2.0
"""The job "commit" on repositories that git made, and what it tells of signatures checked by the
job "signature". What is in a commit is judged by git itself."""
import base64
import os
import pathlib
import shutil
import subprocess
import zlib

import git_tool
import job_tool
import pytest
from git_tool import Git, judged_by_git, sign_ssh, signers
from gpg_tool import Gpg

NEEDED = ["git", "ssh-keygen", "gpg", "gpgv"]
pytestmark = pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED),
                                reason=f"not all of {NEEDED}")


@pytest.fixture
def git(tmp_path):
    return git_tool.sample(tmp_path)


def read(git, commit, *options):
    return job_tool.run("commit", b"", str(git.top if isinstance(git, Git) else git), commit,
                        *options)


def pieces(told, kind):
    return b"".join(base64.b64decode(f["data"]) for f in told.of(kind))


def text_of(fact, key):
    raw = fact.get(key + "_b64")
    return base64.b64decode(raw) if raw else fact[key].encode()


def told_files(told, sub):
    out = {text_of(f, "path"): (f["mode"], f["sha256"]) for f in told.of("file") if f["sub"] == sub}
    out |= {text_of(f, "path"): (None, text_of(f, "target")) for f in told.of("link")
            if f["sub"] == sub}
    return out


def check_same(git, commit, subs):
    told = read(git, commit, *[f"sub={s}" for s in subs])
    assert (told.failed, told.status) == (None, 0)
    for i, sub in enumerate(subs):
        assert told_files(told, i) == judged_by_git(git, commit, sub)
    return told


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("bare", [False, True])
def test_files(git, packed, bare, tmp_path):
    git.commit()
    git.write("etc/a.conf", b"a = c\n")
    commit = git.commit()
    if packed:
        git("repack", "-adfq")
        git("pack-refs", "--all")
        assert not git.object(commit).exists()
    told = check_same(git, commit, ["etc", "", "srv"])
    head = told.of("commit")[0]
    assert (head["commit"], head["author_time"], head["committer_time"], head["signed"]) == \
        (commit, 1700000000, 1700000001, "none")
    assert not told.of("payload") and not told.of("signature")
    if bare:
        subprocess.run(["git", "clone", "-q", "--bare", "--no-local", git.top, tmp_path / "bare"],
                       check=True, capture_output=True)
        assert read(tmp_path / "bare", "main", "sub=etc", "sub=", "sub=srv").facts == told.facts


def test_names(git):
    first = git.commit()
    git("tag", "-a", "-m", "x", "v1")
    git("branch", "old")
    second = git.commit()
    for name, want in [(first, first), ("v1", first), ("old", first), ("refs/heads/main", second),
                       ("main", second), ("HEAD", second)]:
        assert read(git, name).of("commit")[0]["commit"] == want
    for name in ("nothing", first[:10], "0" * 40, "HEAD~1", ":/a change", "", "main@{0}"):
        told = read(git, name)
        assert told.status == 1 and told.failed and not told.facts


def test_protected(git):
    first = git.commit()
    git("checkout", "-q", "-b", "side")
    git.write("etc/a.conf", b"side")
    side = git.commit()
    git("checkout", "-q", "main")
    second = git.commit()
    refs = ["ref=refs/heads/main", "ref=refs/heads/none", "ref=refs/heads/side"]
    for commit, want in [(first, ["refs/heads/main", "refs/heads/side"]),
                         (side, ["refs/heads/side"]), (second, ["refs/heads/main"])]:
        assert read(git, commit, *refs).of("commit")[0]["on"] == want


def test_where_a_branch_was(git):
    first = git.commit()
    git("checkout", "-q", "-b", "side")
    git.write("etc/a.conf", b"side")
    side = git.commit()
    git("checkout", "-q", "main")
    second = git.commit()

    def had(past, branch="main"):
        (told,) = read(git, first, f"ref=refs/heads/{branch}", f"past={past}").of("branch")
        assert told["ref"] == f"refs/heads/{branch}"
        return told["had"], told.get("tip")

    assert [had(x) for x in ("", first, second)] == [(True, second)] * 3
    for lost in (side, "12" * 20, second[::-1]):
        assert had(lost) == (False, second)
    assert had(first, "none") == (False, None) and had("", "none") == (True, None)
    assert had(first, "side") == (True, side)
    git("reset", "-q", "--hard", first)  # back
    assert had(second) == (False, first)
    git.write("etc/a.conf", b"another")
    forced = git.commit()
    assert had(second) == (False, forced) and had(first) == (True, forced)
    assert read(git, first, "ref=refs/heads/main").of("branch") == []  # nobody has asked


def test_arguments(git):
    commit = git.commit()
    for options in (["past="], ["ref=refs/heads/main", "past=xy"],
                    ["ref=refs/heads/main", "past=", "past="],
                    ["ref=refs/heads/main", "past=" + "1" * 41],
                    ["sub=../x"], ["sub=/etc"], ["sub=etc/"], ["ref=main"], ["other"],
                    ["sub=etc"] * 15):
        assert read(git, commit, *options).failed.startswith("argument")
    assert "no directory" in read(git, commit, "sub=etc/a.conf").failed
    assert "nothing" in read(git, commit, "sub=nothing").failed
    assert "no directory is named" in job_tool.run("commit", b"").failed


# ---- signatures ----

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


def judge_ssh(told, allowed, time=1700000001, namespace="git", payload=None):
    done = job_tool.run("signature", payload or pieces(told, "payload"), "ssh", namespace,
                        str(time), more=[pieces(told, "signature"), allowed])
    assert done.failed is None
    return done.of("verdict")[0]["status"], done.of("signature")[0]


def test_ssh(git, ssh):
    told = read(git, sign_ssh(git, ssh), "sub=etc")
    assert told.of("commit")[0]["signed"] == "ssh"
    status, signature = judge_ssh(told, signers(ssh))
    listed = subprocess.run(["ssh-keygen", "-lf", ssh / "good.pub"], capture_output=True,
                            check=True).stdout.decode().split()[1]
    assert status == "good" and signature["fingerprint"] == listed
    assert signature["signer"] == "a@example.org"


SSH_JUDGED = [
    ("another's key", {"name": "other"}, {}, "no_key"),
    ("allowed for git", {"options": 'namespaces="git"'}, {}, "good"),
    ("allowed for something else", {"options": 'namespaces="file"'}, {}, "no_key"),
    ("signed for something else", {}, {"namespace": "file"}, "bad"),
    ("allowed later", {"options": 'valid-after="20240101"'}, {}, "no_key"),
    ("no longer allowed", {"options": 'valid-before="20230101"'}, {}, "no_key"),
    ("allowed at that time", {"options": 'valid-before="20240101"'}, {}, "good"),
    ("not at this time", {"options": 'valid-before="20240101"'}, {"time": 1750000000},
     "no_key"),
    ("other bytes", {}, {"payload": b"tree 0\n"}, "bad"),
]


@pytest.mark.parametrize("name,allowed,more,want", SSH_JUDGED, ids=[c[0] for c in SSH_JUDGED])
def test_ssh_judged(git, ssh, name, allowed, more, want):
    told = read(git, sign_ssh(git, ssh))
    assert judge_ssh(told, signers(ssh, **allowed), **more)[0] == want


def test_ssh_many_signers(git, ssh):
    """Several lines for one key; the first that may is told."""
    told = read(git, sign_ssh(git, ssh))
    allowed = signers(ssh, options='valid-before="20230101"') + b"# x\n" + \
        b"-odd," + signers(ssh).replace(b"a@example.org", b"b@example.org")
    status, signature = judge_ssh(told, allowed)
    assert (status, signature["signer"]) == ("good", "b@example.org")


def test_openpgp(git, gpg):
    git.env["GNUPGHOME"] = gpg.home
    git("config", "user.signingkey", gpg.good)
    told = read(git, git.commit("-S"))
    assert told.of("commit")[0]["signed"] == "openpgp"

    def judge(payload, *keys):
        done = job_tool.run("signature", payload, "openpgp", "detached",
                            more=[pieces(told, "signature"), *keys])
        assert done.failed is None
        return done.of("verdict")[0]["status"], done.of("signature")
    payload = pieces(told, "payload")
    status, found = judge(payload, gpg.export(gpg.good, armor=True))
    assert status == "good" and found[0]["fingerprint"] == gpg.good
    assert judge(payload, gpg.export(gpg.other))[0] == "no_key"
    assert judge(payload)[0] == "no_key"
    assert judge(payload + b"x", gpg.export(gpg.good))[0] == "bad"


def test_signature_of_another(git, ssh):
    """A signed commit's signature put on another commit does not fit it."""
    signed = git("cat-file", "commit", sign_ssh(git, ssh))
    forged = signed.replace(b"a change", b"b change")
    oid = git("hash-object", "-t", "commit", "-w", "--stdin", data=forged).decode().strip()
    told = read(git, oid)
    assert judge_ssh(told, signers(ssh))[0] == "bad"


def test_large_message(git, ssh):
    git("config", "gpg.format", "ssh")
    git("config", "user.signingkey", str(ssh / "good"))
    told = read(git, git.commit("-S", message=b"0123456789abcdef\n" * 4000))
    assert len(told.of("payload")) > 3
    assert judge_ssh(told, signers(ssh))[0] == "good"
    told = read(git, git.commit("-S", message=b"0123456789abcdef\n" * 70000))
    assert "more than 1048576 bytes" in told.failed


# ---- hostile repositories ----

@pytest.mark.parametrize("kind", ["commit", "tree", "blob"])
def test_tampered(git, kind):
    """An object that is not what its name says."""
    commit = git.commit()
    name = {"commit": commit, "tree": commit + ":etc", "blob": commit + ":etc/a.conf"}[kind]
    path = git.object(git("rev-parse", name).decode().strip())
    raw = bytearray(zlib.decompress(path.read_bytes()))
    raw[-3] ^= 1
    path.chmod(0o644)
    path.write_bytes(zlib.compress(bytes(raw)))
    told = read(git, commit, "sub=etc")
    assert told.status == 1 and told.failed


@pytest.mark.parametrize("how", ["gone", "cut", "noise", "bomb"])
def test_damaged(git, how):
    commit = git.commit()
    path = git.object(git("rev-parse", commit + ":etc/a.conf").decode().strip())
    whole = path.read_bytes()
    path.unlink()
    if how == "cut":
        path.write_bytes(whole[:-3])
    elif how == "noise":
        path.write_bytes(os.urandom(500))
    elif how == "bomb":
        path.write_bytes(zlib.compress(b"blob 7\0" + bytes(1 << 28), 9))
    told = read(git, commit, "sub=etc")
    assert told.status == 1 and told.failed


def test_damaged_pack(git):
    commit = git.commit()
    git("repack", "-adq")
    pack, = (git.top / ".git/objects/pack").glob("*.pack")
    whole = bytearray(pack.read_bytes())
    pack.chmod(0o644)
    for at in range(12, len(whole) - 20, max(1, len(whole) // 25)):
        whole[at] ^= 0x55
        pack.write_bytes(whole)
        told = read(git, commit, "sub=")
        if told.failed is None:  # in what this commit does not need
            assert told_files(told, 0)
        whole[at] ^= 0x55


def tree_of(git, *entries):
    raw = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    return git("hash-object", "-t", "tree", "-w", "--literally", "--stdin",
               data=raw).decode().strip()


def commit_of(git, tree):
    return git("commit-tree", "-m", "x", tree).decode().strip()


@pytest.mark.parametrize("name", [b"..", b".", b"a/b", b"../../etc/passwd", b""])
def test_names_that_are_none(git, name):
    blob = git("hash-object", "-w", "--stdin", data=b"x").decode().strip()
    told = read(git, commit_of(git, tree_of(git, (b"100644", name, blob))), "sub=")
    assert told.status == 1 and told.failed and not told.of("file")


def test_odd_modes(git):
    blob = git("hash-object", "-w", "--stdin", data=b"x").decode().strip()
    tree = tree_of(git, (b"100664", b"a", blob), (b"104755", b"b", blob),
                   (b"160000", b"m", "12" * 20))
    told = read(git, commit_of(git, tree), "sub=")
    assert [(f["path"], f["mode"]) for f in told.of("file")] == [("a", 0o644), ("b", 0o755)]
    assert told.of("skipped") == [{"fact": "skipped", "path": "m", "sub": 0, "why": "submodule"}]


def test_link_to_no_path(git):
    blob = git("hash-object", "-w", "--stdin", data=b"a\0b").decode().strip()
    told = read(git, commit_of(git, tree_of(git, (b"120000", b"l", blob))), "sub=")
    assert told.of("skipped")[0]["why"] == "link to what is no path"


def test_deep(git):
    blob = git("hash-object", "-w", "--stdin", data=b"x").decode().strip()
    tree = tree_of(git, (b"100644", b"f", blob))
    for _ in range(70):
        tree = tree_of(git, (b"40000", b"d", tree))
    assert read(git, commit_of(git, tree), "sub=").failed == "directories deeper than 64"


def test_bomb(git):
    """Ten trees of ten names of the tree before: ten thousand millions of files in 11 objects."""
    blob = git("hash-object", "-w", "--stdin", data=b"x").decode().strip()
    tree = tree_of(git, *[(b"100644", b"%d" % i, blob) for i in range(10)])
    for _ in range(9):
        tree = tree_of(git, *[(b"40000", b"%d" % i, tree) for i in range(10)])
    told = job_tool.run("commit", b"", str(git.top), commit_of(git, tree), "sub=", keep=10)
    assert told.failed == "more than 200000 entries"


def test_configuration_is_not_read(git):
    """Nothing that a repository says to its readers is obeyed."""
    commit = git.commit()
    want = read(git, commit, "sub=etc").facts
    with open(git.top / ".git/config", "a") as f:
        f.write("[core]\n\tfsmonitor = touch /tmp/assay-owned\n"
                "[extensions]\n\tworktreeConfig = true\n")
    assert read(git, commit, "sub=etc").facts == want
    with open(git.top / ".git/config", "a") as f:
        f.write("[include]\n\tpath = /dev/zero\n")
    told = read(git, commit, "sub=etc")  # what it would include cannot be opened
    assert told.status == 1 and not told.facts


def test_elsewhere(git, tmp_path):
    """Objects that are borrowed, a .git that is a link out or a file: not here."""
    commit = git.commit()
    subprocess.run(["git", "clone", "-q", "--shared", git.top, tmp_path / "shared"], check=True,
                   capture_output=True)
    assert read(tmp_path / "shared", commit, "sub=etc").status == 1
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.git").symlink_to(git.top / ".git")
    assert read(tmp_path / "out", commit, "sub=etc").status == 1
    git("worktree", "add", "-q", str(tmp_path / "work"))
    assert read(tmp_path / "work", commit, "sub=etc").status == 1


def test_no_repository(tmp_path):
    assert read(tmp_path, "main").failed.startswith("repository:")
    assert read(pathlib.Path("/nowhere/at/all"), "main").status == 1
