# SPDX-License-Identifier: Apache-2.0
"""Repositories of git's own making, and throw-away keys of ssh-keygen's, for the system tests."""
import hashlib
import os
import subprocess


class Git:
    def __init__(self, top):
        self.top = top
        self.env = {**os.environ,
                    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
                    "GIT_AUTHOR_DATE": "1700000000 +0100", "GIT_COMMITTER_DATE": "1700000001 +0100",
                    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
                    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
        top.mkdir(parents=True)
        self("init", "-q", "-b", "main")

    def __call__(self, *args, data=None):
        done = subprocess.run(["git", *args], cwd=self.top, env=self.env, input=data,
                              capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def write(self, path, content, mode=0o644):
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)

    def commit(self, *options, message=b"a change"):
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-F", "-", *options, data=message)
        return self("rev-parse", "HEAD").decode().strip()

    def object(self, oid):
        return self.top / ".git/objects" / oid[:2] / oid[2:]


def sample(tmp_path):
    """One with all sorts of files, not committed yet."""
    for parent in [tmp_path, *tmp_path.parents]:  # the job is nobody, and pytest's are private
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
    g = Git(tmp_path / "repository")
    g.write("etc/a.conf", b"a = b\r\n")
    g.write("etc/x/run", b"#!/bin/sh\n", 0o755)
    g.write("etc/empty", b"")
    g.write(os.fsdecode(b"etc/\xff\n"), b"odd")
    g.write("srv/w", os.urandom(100000))
    os.symlink("../a.conf", g.top / "etc/x/link")
    g.write(".gitattributes", b"* text=auto eol=lf\n")  # filters are not for us
    return g


def judged_by_git(git, commit, sub):
    """path -> (mode, SHA-256) of what git has below sub."""
    out = {}
    tree = git("ls-tree", "-r", "-z", f"{commit}:{sub}" if sub else commit)
    for line in tree.split(b"\0")[:-1]:
        head, path = line.split(b"\t", 1)
        mode, _, oid = head.split(b" ")
        content = git("cat-file", "blob", oid.decode())
        out[path] = (int(mode, 8) & 0o777 or None,
                     content if mode == b"120000" else hashlib.sha256(content).hexdigest())
    return out


def ssh_keys(top):
    """A directory with the keys good and other."""
    for name in ("good", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name,
                        "-f", top / name], check=True)
    return top


def sign_ssh(git, ssh, name="good"):
    git("config", "gpg.format", "ssh")
    git("config", "user.signingkey", str(ssh / name))
    return git.commit("-S")


def signers(ssh, name="good", options=""):
    key = " ".join((ssh / f"{name}.pub").read_text().split()[:2])
    return f"a@example.org {options} {key}\n".encode()
