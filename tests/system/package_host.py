# SPDX-License-Identifier: Apache-2.0
"""A real apt and dpkg in a mount namespace: places of their own for what they and their packages
write, the machine's programs for the rest, and a small signed archive to install from."""
import json
import os
import pathlib
import shutil
import subprocess
import time

from gpg_tool import Gpg
from sensor_host import BIN, Host

BUILD = BIN.parent
TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SUITE = "sample"
NEEDED = ["apt-get", "apt-ftparchive", "gpg", "gpgv", "dpkg-deb", "unshare", "nsenter"]
PLACES = ["/opt", "/var/lib/dpkg", "/var/lib/apt", "/var/cache/apt", "/var/log", "/etc"]
WATCH = """
version: 1
profiles:
  programs:
    mode: alert
    paths: [/opt, /etc]
    exclude: [/etc/apt]
  database:
    mode: alert
    paths: /var/lib/dpkg/info
  made:
    mode: alert
    owners: [packages]
    paths: /opt/made
"""


def possible():
    missing = [p for p in NEEDED if not shutil.which(p)]
    if missing:
        return f"not here: {missing}"
    if os.geteuid() != 0:
        return "needs root"
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        return "no mount namespace here"
    return None


class Archive:
    """Packages, their index and a signed Release, fetched by copying."""

    def __init__(self, top, gpg, key):
        self.top, self.gpg, self.key = top, gpg, key
        self.index = top / "dists" / SUITE / "main/binary-all"
        self.index.mkdir(parents=True)
        (top / "pool").mkdir()

    def build(self, name, version="1.0-1", files=None, conffiles=None, scripts=None, links=None,
              control_files=None):
        """A package file of these, in the pool."""
        tree = self.top / f"{name}_{version}"
        control = tree / "DEBIAN"
        control.mkdir(parents=True)
        (control / "control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: Nobody <nobody@example.org>\nDescription: a sample\n")
        for path, text in {**(files or {}), **(conffiles or {})}.items():
            file = tree / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for path, target in (links or {}).items():
            (tree / path.lstrip("/")).symlink_to(target)
        if conffiles:
            (control / "conffiles").write_text("".join(f"{c}\n" for c in conffiles))
        for file, text in (control_files or {}).items():
            (control / file).write_text(text)
        for script, text in (scripts or {}).items():
            (control / script).write_text(f"#!/bin/sh\nset -e\n{text}\n")
            (control / script).chmod(0o755)
        deb = self.top / "pool" / f"{name}_{version}_all.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, deb], check=True,
                       capture_output=True)
        shutil.rmtree(tree)
        return deb

    def run(self, *command, cwd):
        return subprocess.run(command, cwd=cwd, check=True, capture_output=True).stdout

    def publish(self, sign=True):
        text = self.run("apt-ftparchive", "packages", "pool", cwd=self.top)
        (self.index / "Packages").write_bytes(text)
        dist = self.index.parent.parent
        for old in ("InRelease", "Release"):
            (dist / old).unlink(missing_ok=True)
        options = {"Suite": SUITE, "Codename": "code", "Architectures": "all", "Components": "main"}
        given = [f"-oAPT::FTPArchive::Release::{k}={v}" for k, v in options.items()]
        release = self.run("apt-ftparchive", *given, "release", ".", cwd=dist)
        name = "InRelease" if sign else "Release"
        (dist / name).write_bytes(
            self.gpg.clear_sign(release, "-u", self.key) if sign else release)


class PackageHost(Host):
    def __init__(self, directory):
        super().__init__(directory)
        self.directory, self.place = directory, directory / "place"
        self.gpg = Gpg()
        self.key = self.gpg.new_key("Archive <archive@example.org>")
        self.archive = Archive(directory / "archive", self.gpg, self.key)
        self.make_places()
        self.enter()

    # ---- the namespace ----

    def make_places(self):
        for path in PLACES:
            (self.place / path[1:]).mkdir(parents=True)
        subprocess.run(["cp", "-a", "/etc/.", self.place / "etc"], check=True)
        for sub in ("info", "updates", "triggers", "alternatives", "parts"):
            (self.place / "var/lib/dpkg" / sub).mkdir()
        (self.place / "var/lib/dpkg/status").touch()
        for sub in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt"):
            (self.place / sub).mkdir(parents=True)
        apt = self.place / "etc/apt"
        shutil.rmtree(apt, ignore_errors=True)
        for sub in ("apt.conf.d", "sources.list.d", "trusted.gpg.d", "preferences.d"):
            (apt / sub).mkdir(parents=True)
        (apt / "archive.gpg").write_bytes(self.gpg.export(self.key))
        (apt / "apt.conf.d/50test").write_text(
            'APT::Sandbox::User "root";\nAPT::Get::Assume-Yes "1";\nAcquire::Languages "none";\n')
        (apt / "apt.conf.d/05assay").write_text(self.hook())
        self.config = self.directory / "config"
        self.config.mkdir()
        (self.config / "watch.yaml").write_text(WATCH)

    def hook(self):
        """What the package ships, for this build and this sensor."""
        text = (BUILD / "packaging/05assay").read_text()
        shipped = next(w for w in text.split('"')[1].split() if w.endswith("/assay"))
        return text.replace(shipped, str(BIN / "assay")).replace(
            "change package", f"change package --run {self.run}")

    def keep(self):
        """The build and the tests stay where they are, also in a place that another takes: commands
        of the shell for before and after that."""
        before = after = ""
        for i, path in enumerate(sorted({TOP.resolve(), BUILD.resolve()})):
            if any(path.is_relative_to(p) for p in PLACES):
                kept = self.directory / f"kept{i}"
                kept.mkdir()
                (self.place / str(path)[1:]).mkdir(parents=True, exist_ok=True)
                before += f'mount --rbind "{path}" "{kept}"\n'
                after += f'mount --rbind "{kept}" "{path}"\n'
        return before, after

    def enter(self):
        before, after = self.keep()
        binds = "".join(f'mount --bind "{self.place}{p}" {p}\n' for p in PLACES)
        binds = before + binds + after
        self.anchor = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-euc",
             f"{binds}touch {self.directory}/entered; exec sleep infinity"])
        end = time.monotonic() + 20
        while not (self.directory / "entered").exists():
            assert self.anchor.poll() is None and time.monotonic() < end, "no namespace"
            time.sleep(0.01)

    def inside(self, *command):
        return ["nsenter", "-t", str(self.anchor.pid), "-m", "--", *map(str, command)]

    # ---- processes ----

    def start_recorder(self):
        self.recorder = subprocess.Popen(self.inside(
            BIN / "assay-recorder", "--state", self.state, "--run", self.run, "--host", "h",
            "--keep-user"), stdout=self.log, stderr=self.log)
        self.wait(lambda: (self.run / "recorder.sock").exists(), "the recorder's socket")

    def start_sensor(self, *options):
        self.sensor = subprocess.Popen(self.inside(
            BIN / "assay-sensor", "--state", self.state, "--run", self.run,
            "--config", self.config, *options), stdout=self.log, stderr=self.log)
        self.wait(lambda: "profiles" in self.status(), "the sensor's first scan")

    def stop(self):
        super().stop()
        self.anchor.kill()
        self.anchor.wait()
        self.gpg.close()

    def start_apt(self, *words):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        return subprocess.Popen(self.inside(*words), env=env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def apt(self, *words, check=True):
        process = self.start_apt(*words)
        out, _ = process.communicate(timeout=120)
        assert not check or process.returncode == 0, out.decode()
        return process.returncode

    def act(self, script):
        """A shell inside that is no part of any package transaction."""
        subprocess.run(self.inside("sh", "-euc", script), check=True)

    def source(self, options=None):
        options = options or "signed-by=/etc/apt/archive.gpg"
        (self.place / "etc/apt/sources.list").write_text(
            f"deb [{options}] copy:{self.archive.top} {SUITE} main\n")

    def publish(self, sign=True, options=None):
        self.archive.publish(sign)
        self.source(options)
        self.apt("apt-get", "update")

    def forget_lists(self):
        """Or apt says that the archive was signed before."""
        for path in (self.place / "var/lib/apt/lists").glob("*_*"):
            path.unlink()

    # ---- what is known of it ----

    def transactions(self):
        return [e["what"]["id"] for e in self.entries("integrity.package")
                if e["what"]["event"] == "begun"]

    def transaction(self, number=-1):
        """{event: [what, ...]} of the one, once it has ended."""
        self.told_so_far()  # or the last one that can be read is not the last one

        def mine():
            ids = self.transactions()
            return [e for e in self.entries("integrity.package")
                    if ids and e["what"]["id"] == ids[number]]
        self.wait(lambda: any(e["what"]["event"] == "ended" for e in mine()),
                  "the end of the transaction", 60)
        found = {}
        for e in mine():
            found.setdefault(e["what"]["event"], []).append(e["what"])
        return found

    def why(self, path, change):
        """Of the last such change."""
        self.wait(lambda: self.of(path, change), f"{change} of {path}")
        return self.of(path, change)[-1]["why"]

    def alerts(self):
        """Open ones' first paths."""
        done = subprocess.run([BIN / "assay", "alert", "list", "--json", "--state", self.state],
                              capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def unexplained(self, below):
        """[(change, path)] below a path that nothing explains."""
        return [(e["what"]["change"], e["what"].get("path")) for e in self.changes()
                if e["what"].get("path", "").startswith(str(below)) and
                e["why"]["state"] == "unexplained"]
