#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""patch_day.py [--only WORD] [--short] [--verbose] - a day of planned work, and 41 attacks in it.

A recorder and a sensor in a mount namespace with /etc, /home, /opt, /srv, /usr/local and so on of
its own, watched as the shipped watch.yaml says.  Real programs do the planned work: apt-get and
dpkg with a signed archive, ansible-playbook, git, logrotate, useradd, chpasswd and usermod.  Each
attack is a process of its own, planted between the steps.  Prints a line for each, and the sum:

    planted / alerted / false alerts / mean time

An attack is alerted when within three seconds a change of one of its paths is unexplained, in a
profile that alerts; in the end the alerts must count as many changes as were unexplained.  Every
other such change is a false alert.  The time is from the end of the planted act until
`assay log --follow` has printed the entry.

ASSAY_BIN is the directory with the programs.  Exit status 1 unless all are alerted and no alert is
false."""
import argparse
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests" / "system"))
import git_tool  # noqa: E402
import package_host  # noqa: E402
from attacks import ATTACKS  # noqa: E402
from sensor_host import BIN  # noqa: E402

package_host.PLACES += ["/home", "/srv", "/usr/local", "/var/spool"]
# What is the machine's own here.
SHARED = r"      - /(usr/(?!local)|bin|sbin|lib|boot|root|var/(?!spool|lib/dpkg))"
UNIT = f"assay-patchday-{os.getpid()}.service"
OWN = """
  opt: {{mode: alert, paths: /opt}}
  site: {{mode: alert, paths: /srv/www}}
  managed: {{mode: alert, paths: [/etc/motd, /etc/app.d], owners: [{unit}]}}
  logs: {{mode: alert, volatile: true, paths: /var/log}}
  marks: {{mode: log, paths: /srv/marks}}
"""
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - copy: {content: "managed\\n", dest: /etc/motd, mode: "0644"}
    - file: {path: /etc/app.d, state: directory, mode: "0755"}
    - lineinfile: {path: /etc/app.d/main.conf, line: "workers = 4", create: true, mode: "0644"}
    - copy: {content: "b\\n", dest: /etc/app.d/b.conf, mode: "0600"}
"""
LOGROTATE = """/var/log/app/*.log {
    rotate 3
    compress
    missingok
    create 0640 root adm
}
"""
PATIENCE_S = 3  # an attack that nobody was told of by then is missed
BUSY_S = 30
LATE = ["/srv/www/srv/shell.php", "/etc/app.d/main.conf"]  # need what git and ansible have made
ACCOUNTS = ["/etc/passwd*", "/etc/shadow*", "/etc/group*", "/etc/gshadow*", "/etc/subuid*",
            "/etc/subgid*", "/home/ops"]


def shipped():
    """watch.yaml as it ships, without what this namespace shares with the machine."""
    text = subprocess.run([BIN / "assay", "watch", "default"], check=True, capture_output=True,
                          text=True).stdout
    text = "".join(line for line in text.splitlines(True)
                   if not re.match(SHARED, line) and not re.match(r" *#", line))
    return re.sub(r"    (exclude|paths):\n(?!      - )", "", text)


class Follower(threading.Thread):
    """Every entry with the moment at which it could be read."""

    def __init__(self, state):
        super().__init__(daemon=True)
        self.seen, self.lock = [], threading.Lock()
        self.process = subprocess.Popen(
            [BIN / "assay", "log", "--json", "--follow", "--limit", "0", "--state", state],
            stdout=subprocess.PIPE)

    def run(self):
        for line in self.process.stdout:
            with self.lock:
                self.seen.append((time.monotonic(), json.loads(line)))

    def since(self, at):
        with self.lock:
            return self.seen[at:]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Service:
    """What init runs in the unit: since before the sensor, below init, and without a login."""

    LOOP = 'while read -r line <"$1"; do sh -c "$line"; echo done >"$2"; done'

    def __init__(self, host):
        top = next(pathlib.Path(p) for p in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
                   if pathlib.Path(p, "cgroup.controllers").exists())
        self.group = top / UNIT
        self.group.mkdir()
        self.asked, self.done = host.directory / "asked", host.directory / "done"
        for path in self.asked, self.done:
            os.mkfifo(path)
        host.act(f"echo $$ >{self.group}/cgroup.procs; setsid sh -c '{self.LOOP}' - "
                 f"{self.asked} {self.done} >/dev/null 2>&1 &")

    def ask(self, line):
        self.asked.write_text(line + "\n")
        self.done.read_text()

    def stop(self):
        self.asked.write_text("kill $PPID\n")
        end = time.monotonic() + 20
        while (self.group / "cgroup.procs").read_text() and time.monotonic() < end:
            time.sleep(0.02)
        self.group.rmdir()


class PatchDay(package_host.PackageHost):
    def make_places(self):
        super().make_places()
        (self.place / "usr/local").mkdir(parents=True, exist_ok=True)
        for name in ("bin", "sbin", "lib"):
            (self.place / "usr/local" / name).mkdir()
        for name in ("etc/cron.d", "etc/ssh/sshd_config.d", "etc/sudoers.d", "etc/modules-load.d",
                     "etc/systemd/system/multi-user.target.wants", "etc/udev/rules.d",
                     "etc/ld.so.conf.d", "etc/cron.daily", "etc/profile.d", "etc/pam.d",
                     "home/admin/.ssh", "home/admin/.config", "srv/www", "srv/marks",
                     "var/spool/cron/crontabs", "var/log/app"):
            (self.place / name).mkdir(parents=True, exist_ok=True)
        for name in ("etc/sudoers", "etc/crontab", "etc/ssh/sshd_config", "etc/pam.d/common-auth",
                     "etc/environment", "etc/hosts.deny", "etc/bash.bashrc",
                     "home/admin/.ssh/authorized_keys", "var/log/app/a.log"):
            with open(self.place / name, "a") as f:
                f.write("# here before\n")
        for i in range(1, 15):
            tool = self.place / "usr/local/bin" / f"tool{i}"
            tool.write_text(f"#!/bin/sh\necho {i}\n" + "# " + "x" * 8000 + "\n")
            tool.chmod(0o755)
        (self.config / "watch.yaml").write_text(shipped() + OWN.format(unit=UNIT))

    service = None

    def start_sensor(self, *options):
        super().start_sensor(*options)
        self.follower = Follower(self.state)
        self.follower.start()

    def stop(self):
        if self.service:
            self.service.stop()
        super().stop()
        self.follower.stop()

    def assay(self, *words):
        done = subprocess.run([BIN / "assay", *map(str, words), "--state", self.state, "--run",
                               self.run], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"assay {words}: {done.stderr}")
        return done.stdout

    def quiet(self):
        """All that was done until now has been told."""
        mark = f"/srv/marks/{time.monotonic_ns()}"
        at = len(self.follower.seen)
        self.act(f"echo >{mark}")
        self.wait(lambda: any(path_of(e) == mark for _, e in self.follower.since(at)), "a mark")

    def mark(self):
        return len(self.follower.seen)

    def unexplained_since(self, at):
        """[(moment, path, change, entry)] that must be alerted."""
        return [(t, path_of(e), e["what"]["change"], e) for t, e in self.follower.since(at)
                if e["k"] == "integrity.change" and e["why"]["state"] == "unexplained" and
                e["what"].get("mode") != "log"]


def path_of(entry, name="path"):
    what = entry["what"]
    if name + "_b64" in what:
        return os.fsdecode(base64.b64decode(what[name + "_b64"]))
    return what.get(name, "")


# ---- planned work ----

def build(h, version):
    h.archive.build("hello", version, files={f"/opt/hello/{n}": f"{n} {version}\n" * 200
                                             for n in ("bin", "lib", "doc")},
                    scripts={"postinst": f"echo {version} $1 >/etc/default/hello",
                             "prerm": "rm -f /etc/default/hello"},
                    conffiles={"/etc/hello.conf": f"version = {version}\n",
                               "/etc/cron.d/hello": f"# {version}\n"},
                    links={"/opt/hello/current": version})
    h.publish()


def change(h, name, paths):
    h.assay("change", "open", name, "--for", "1h", "--reason", "patch day",
            *(w for p in paths for w in ("--path", p)))


def install_inside(h):
    change(h, "CHG-1", ["/opt/hello", "/etc/hello.conf*", "/etc/cron.d/hello*",
                        "/etc/default/hello", "/etc/apt"])
    build(h, "1.0-1")
    h.apt("apt-get", "install", "hello")  # it stays open while the first attacks are planted


def upgrade_outside(h):
    h.assay("change", "close", "CHG-1")
    change(h, "CHG-2", ["/etc/apt"])  # its index is of the test's own making
    build(h, "2.0-1")
    h.assay("change", "close", "CHG-2")
    h.apt("apt-get", "install", "hello")
    h.transaction()


def configuration_management(h):
    book = h.directory / "site.yml"
    book.write_text(PLAYBOOK)
    h.service.ask(f"HOME={h.directory} LC_ALL=C.UTF-8 ansible-playbook -c local -i localhost, "
                  f"{book} >{h.directory}/play 2>&1")


def git_deployment(h):
    ssh = h.directory / "ssh"
    ssh.mkdir()
    git_tool.ssh_keys(ssh)
    (h.directory / "signers").write_bytes(git_tool.signers(ssh))
    h.git = git_tool.sample(h.directory)
    commit = git_tool.sign_ssh(h.git, ssh)
    vkey = subprocess.run([BIN / "assay", "change", "key", "deploy.example.org",
                           h.directory / "deploy.key"], check=True, capture_output=True).stdout
    (h.config / "change.keys").write_bytes(vkey)
    subprocess.run([BIN / "assay", "change", "resolve", "--repo", h.git.top, "--commit", commit,
                    "--map", "=/srv/www", "--key", h.directory / "deploy.key", "--output",
                    h.directory / "list", "--protected", "refs/heads/main", "--signers",
                    h.directory / "signers"], check=True, capture_output=True)
    h.assay("change", "apply", h.directory / "list")
    h.act("cd /srv/www; GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null "
          f"git --git-dir={h.git.top}/.git --work-tree=/srv/www checkout -q -f {commit} -- .")


def log_rotation(h):
    conf = h.directory / "logrotate.conf"
    conf.write_text(LOGROTATE)
    conf.chmod(0o644)
    for i in range(2):
        h.act(f"echo line {i} >>/var/log/app/a.log; "
              f"logrotate -f -s /var/log/logrotate.status {conf}")


def accounts(h):
    change(h, "CHG-3", ACCOUNTS)
    h.act("useradd -m -s /bin/bash ops; echo ops:secret | chpasswd; usermod -aG adm ops; "
          "passwd -l ops; groupadd crew")
    h.quiet()
    h.assay("change", "close", "CHG-3")
    time.sleep(1.1)  # what is read within a second of its end still counts: assay-change(1)


STEPS = [("package installation inside a change", install_inside),
         ("package upgrade outside a change", upgrade_outside),
         ("configuration management (ansible)", configuration_management),
         ("git deployment", git_deployment),
         ("log rotation", log_rotation),
         ("useradd, chpasswd, usermod, passwd, groupadd", accounts)]


# ---- the day ----

def do_step(h, name, step, out):
    at = h.mark()
    step(h)
    h.quiet()
    told = sum(e["k"] == "integrity.change" and not path_of(e).startswith("/srv/marks")
               for _, e in h.follower.since(at))
    wrong = [(p, c, e["why"].get("detail", "")) for _, p, c, e in h.unexplained_since(at)]
    print(f"planned  {name:46} {told:4} changes  {len(wrong)} false alerts", flush=True)
    out["false"] += [(name, *w) for w in wrong]
    out["quiet"] += told == 0


def belongs(path, attack):
    return any(path == p or os.path.dirname(path) == os.path.dirname(p) or
               path.startswith(p + "/") or p.startswith(path + "/") for p in attack.paths)


def plant(h, attack, out, wanted):
    at = h.mark()
    if attack.outside:
        subprocess.run(["sh", "-euc", attack.script.format(place=h.place, top=h.directory)],
                       check=True, capture_output=True)
    else:
        script = attack.script.format(place=h.place, top=h.directory)
        h.act("{ " + script + "; } >/dev/null 2>&1")
    ended, mine = time.monotonic(), []
    while not mine and time.monotonic() < ended + (BUSY_S if wanted.short else PATIENCE_S):
        found = h.unexplained_since(at)
        mine = [f for f in found if f[1] in attack.paths or path_of(f[3], "from") in attack.paths]
        time.sleep(0.01)
    h.quiet()
    found = h.unexplained_since(at)
    took = max(min(f[0] for f in mine) - ended, 0) if mine else None
    said = f"alerted  {took * 1000:6.0f} ms" if mine else "MISSED"
    print(f"attack   {attack.name:46} {said}", flush=True)
    if wanted.verbose or not mine:
        for _, path, what, e in found:
            print(f"           {what} {path}: {e['why'].get('detail', '')}")
    out["planted"] += 1
    out["took"] += [took] if mine else []
    out["false"] += [(attack.name, p, c, "") for _, p, c, _ in found if not belongs(p, attack)]


def counted_by_alerts(h):
    """Changes that alerts have counted, once all have ended."""
    last = {}
    for _, e in h.follower.since(0):
        if e["k"] == "alert.raised":
            last.setdefault(e["what"]["id"], 1)
        elif e["k"] == "alert.updated":
            last[e["what"]["id"]] = e["what"]["count"]
    return len(last), sum(last.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(" - ")[1].split("\n")[0])
    parser.add_argument("--only", default="", help="attacks and steps whose names have this word")
    parser.add_argument("--short", action="store_true", help="some of them, and what needs no more "
                        "than apt and the base system; with patience, for a machine that is busy")
    parser.add_argument("--verbose", action="store_true", help="every unexplained change")
    wanted = parser.parse_args()
    if package_host.possible():
        print(f"patch day cannot be here: {package_host.possible()}")
        return 3
    out = {"planted": 0, "took": [], "false": [], "quiet": 0}
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-patchday-") as name:
        os.chmod(name, 0o755)
        h = PatchDay(pathlib.Path(name))
        try:
            if not wanted.short:
                h.service = Service(h)
            h.start()
            print(f"watched  {h.status()['files']} files, by the shipped profiles and "
                  f"{OWN.count('mode:')} of its own\n")
            rest = [a for a in ATTACKS if wanted.only in a.name]
            steps = STEPS
            if wanted.short:
                rest = [a for i, a in enumerate(rest) if i % 4 == 1 and a.paths[0] not in LATE]
                steps = [s for s in STEPS if s[1] in (install_inside, upgrade_outside, accounts)]
            share = -(-len(rest) // len(steps))
            for i, (step_name, step) in enumerate(steps):
                do_step(h, step_name, step, out)
                for attack in rest[i * share:(i + 1) * share]:
                    plant(h, attack, out, wanted)
            expected = len(h.unexplained_since(0))
            h.end(h.sensor)
            h.sensor = None
            time.sleep(1)
            acts, counted = counted_by_alerts(h)
        finally:
            h.stop()
    return report(out, acts, counted, expected)


def report(out, acts, counted, expected):
    alerted, mean = len(out["took"]), sum(out["took"]) / max(len(out["took"]), 1)
    for where, path, what, detail in out["false"]:
        print(f"FALSE    {where}: {what} {path} {detail}")
    if out["quiet"]:
        print(f"NOTHING  {out['quiet']} of the planned steps changed nothing that is watched")
    if counted != expected:
        print(f"COUNT    {acts} alerts count {counted} changes, {expected} are unexplained")
    print(f"\nplanted {out['planted']}   alerted {alerted}   false alerts {len(out['false'])}   "
          f"mean time {mean * 1000:.0f} ms   ({expected} unexplained changes in {acts} alerts)")
    good = alerted == out["planted"] and not out["false"] and not out["quiet"]
    return 0 if good and counted == expected else 1


if __name__ == "__main__":
    sys.exit(main())
