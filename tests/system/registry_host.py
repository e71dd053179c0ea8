# SPDX-License-Identifier: Apache-2.0
"""A registry of APIs beside a recorder of its own, a repository that git made, and people: bert
writes, ci builds, anna approves."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import git_tool
from recorder_host import BIN, Recorder

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "accounts"
DIRECTORY = "services/accounts"


def ssh_key(path, comment="x"):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path],
                   check=True)
    return path


def allowed(principal, key, options=""):
    public = " ".join(pathlib.Path(f"{key}.pub").read_text().split()[:2])
    return f"{principal} {options} {public}\n"


def new_top():
    """A directory of its own: nobody has to get there, and pytest closes its directories at each
    start."""
    top = pathlib.Path(tempfile.mkdtemp(prefix="assay-registry-", dir="/tmp"))
    top.chmod(0o755)
    return top


class Registry:
    def __init__(self, top=None):
        self.top = top = top or new_top()
        self.recorder = Recorder(top).start()
        self.path = self.recorder.state / "registry"
        self.path.mkdir()
        self.path.chmod(0o755)
        self.keys = {n: self.key(n) for n in ("ci", "anna", "bert", "carl")}
        self.bert = ssh_key(top / "bert.ssh")
        self.signers = top / "signers"
        self.signers.write_text(allowed("bert@example.org", self.bert))
        self.git = git_tool.Git(top / "repository")
        self.git("config", "gpg.format", "ssh")
        self.git("config", "user.signingkey", str(self.bert))
        self.keyrings = []
        self.builders, self.approvers = ["ci"], ["anna"]
        self.authors = {"bert@example.org": "bert"}
        self.protected = ["refs/heads/main"]
        self.openapi = []  # what is to be another word there
        self.apis = {"accounts": DIRECTORY}
        self.write_config()
        shutil.copytree(SOURCE, self.git.top / DIRECTORY,
                        ignore=shutil.ignore_patterns("README.md"))
        (self.git.top / "services/other").write_text("not of this API")

    def close(self):
        self.recorder.stop()
        shutil.rmtree(self.top)

    # ---- what is there ----

    def key(self, name):
        """(path, vkey) of a new one."""
        path = self.top / f"{name}.key"
        done = subprocess.run([BIN / "assay", "change", "key", name, path], capture_output=True,
                              check=True, text=True)
        return path, done.stdout.strip()

    def config(self):
        repository = {"path": str(self.git.top), "protected": self.protected, "apis": self.apis,
                      "signers": str(self.signers)}
        if self.keyrings:
            repository["keyrings"] = [str(k) for k in self.keyrings]
        people = {part: [{"name": n, "vkey": self.keys[n][1]} for n in names]
                  for part, names in (("builders", self.builders), ("approvers", self.approvers))}
        return {"version": 1, "repositories": {"services": repository}, **people,
                "authors": self.authors}

    def write_config(self):
        (self.path / "registry.yaml").write_text(json.dumps(self.config(), indent=1))  # is YAML

    def set_version(self, version, **more):
        path = self.git.top / DIRECTORY / "openapi.yaml"
        text = (SOURCE / "openapi.yaml").read_text()
        for old, new in self.openapi:
            assert old in text, old
            text = text.replace(old, new)
        assert "\n  version: 1.4.0\n" in text
        path.write_text(text.replace("\n  version: 1.4.0\n", f"\n  version: {version}\n", 1))
        for name, content in more.items():
            (self.git.top / DIRECTORY / name).write_text(content)

    def commit(self, *options):
        return self.git.commit(*(options or ["-S"]))

    def build(self, name="a.assay", directory=None, key="ci"):
        out = self.top / name
        subprocess.run([BIN / "assay", "api", "build", directory or self.git.top / DIRECTORY, "-o",
                        out, *(["--key", self.keys[key][0]] if key else [])], check=True,
                       capture_output=True)
        return out

    # ---- commands ----

    def args(self, *args):
        return [str(BIN / "assay"), "api", *map(str, args), "--state", str(self.recorder.state),
                "--run", str(self.recorder.run)]

    def assay(self, *args):
        return subprocess.run(self.args(*args), capture_output=True, text=True, timeout=120)

    def good(self, *args):
        done = self.assay(*args)
        assert done.returncode == 0, (done.args, done.stdout, done.stderr)
        return done.stdout

    def json(self, *args):
        return json.loads(self.good(*args, "--json"))

    def refused(self, status, *args):
        done = self.assay(*args)
        assert (done.returncode, done.stdout) == (status, ""), (done.args, done.stdout, done.stderr)
        return done.stderr

    def push(self, file, *more):
        return self.json("push", file, "--repository", "services", *more)

    def push_refused(self, status, file, *more):
        return self.refused(status, "push", file, "--repository", "services", *more)

    def approve(self, version="1.4.0", key="anna", change="CHG-1", *more):
        return self.json("approve", "accounts", version, "--change", change, "--key",
                         self.keys[key][0], *more)

    def new_version(self, version):
        """Written, committed, built and pushed."""
        self.set_version(version)
        self.commit()
        return self.push(self.build())

    def deploy(self, version, change="CHG-1"):
        """The same, approved and deployed."""
        self.new_version(version)
        self.approve(version, change=change)
        return self.json("deploy", "accounts", version)

    # ---- what came of it ----

    def entries(self):
        """[(kind, what)] of those of the registry."""
        return [(e["k"], e["what"]) for e in self.recorder.entries() if e["k"].startswith("api.")]

    def kinds(self):
        return [k.removeprefix("api.") for k, _ in self.entries()]

    def last_refusal(self):
        kind, what = self.entries()[-1]
        assert kind == "api.refused"
        return what

    def live(self):
        """{api: version} of what `current` leads to, and its number."""
        current = self.path / "current"
        if not current.is_symlink():
            return {}, 0
        told = json.loads(current.read_text())
        assert os.readlink(current) == f"live/{told['generation']}"
        for name, version, sha256 in told["apis"]:
            assert (self.path / "packages" / f"{sha256}.assay").exists()
            assert json.loads((self.path / "names" / name / version).read_text())[
                "what"]["sha256"] == sha256
        return {a[0]: a[1] for a in told["apis"]}, told["generation"]

    def files(self):
        """Everything that counts: {path: bytes or link}."""
        out = {}
        for p in self.path.rglob("*"):
            if p.is_symlink():
                out[p.relative_to(self.path)] = os.readlink(p)
            elif p.is_file() and p.name not in ("registry.yaml", "lock"):
                out[p.relative_to(self.path)] = p.read_bytes()
        return out
