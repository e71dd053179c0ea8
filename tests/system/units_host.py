# SPDX-License-Identifier: Apache-2.0
"""systemd as the first process of its own namespaces, with our units and this machine's files."""
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ["ASSAY_BIN"])
SYSTEMD = pathlib.Path("/lib/systemd/systemd")

# Nothing of the machine's may change: its files are below an overlay, /proc/sys and /sys are read
# only, /dev, /run and /tmp are others, and what the machine itself starts is not wanted here.
BOOT = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$TOP/mnt"
mkdir "$TOP/mnt/up" "$TOP/mnt/work" "$TOP/mnt/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$TOP/mnt/up,workdir=$TOP/mnt/work" "$TOP/mnt/root"
cd "$TOP/mnt/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for dir in run tmp var/lib/assay etc/assay var/log; do
        mkdir -p "$dir"
        mount -t tmpfs -o mode=0755 tmpfs "$dir"
done
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for node in null zero full random urandom tty; do
        touch "dev/$node"
        mount --bind "/dev/$node" "dev/$node"
done
touch dev/console
mount --bind "$CONSOLE" dev/console
touch tmp/noted
chmod 666 tmp/noted
mkdir -p srv
mount --bind "$TOP/watched" srv
rm -rf etc/systemd/system
mkdir -p etc/systemd/system
cp "$TOP"/units/* etc/systemd/system/
ln -s assay.target etc/systemd/system/default.target
for dir in lib/systemd/system/*.target.wants; do
        for unit in "$dir"/*; do
                case ${unit##*/} in
                systemd-journald*|*.target) ;;
                *) ln -sf /dev/null "etc/systemd/system/${unit##*/}" ;;
                esac
        done
done
cp "$TOP"/programs/* usr/bin/
cp "$TOP/watch.yaml" "$TOP/deliver.yaml" etc/assay/
mkdir -p etc/systemd/system.conf.d
printf '[Manager]\nDefaultStandardError=journal+console\n' >etc/systemd/system.conf.d/test.conf
systemd-sysusers --root=. "$TOP/assay.sysusers"
systemd-tmpfiles --root=. --create "$TOP/assay.tmpfiles"
exec chroot . /usr/bin/env -i container=assay-test PATH=/usr/bin:/usr/sbin \
        "$SYSTEMD" --system --log-target=console --log-level=info --show-status=no
"""


def why_not():
    """What this machine lacks to boot systemd in namespaces; empty when nothing."""
    if os.geteuid() != 0:
        return "not root"
    for program in (SYSTEMD, "/usr/bin/systemctl", "/usr/bin/systemd-sysusers",
                    "/usr/bin/systemd-tmpfiles", "/usr/bin/unshare", "/usr/bin/nsenter"):
        if not pathlib.Path(program).exists():
            return f"no {program}"
    tried = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount", "--cgroup", "--ipc", "--uts", "--net", "sh", "-c",
         "mount --make-rprivate / && mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/r /mnt/c && "
         "mount -t overlay o -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r && "
         "mount -t cgroup2 c /mnt/c"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


class Machine:
    def __init__(self, directory):
        self.top, self.watched = directory, directory / "watched"
        self.console, self.process, self.init = b"", None, None
        self.groups = directory / "groups"
        for name in ("mnt", "watched", "units", "programs", "groups"):
            (directory / name).mkdir()
        for unit in (TOP / "packaging" / "systemd").iterdir():
            text = unit.read_text().replace("@bindir@", "/usr/bin")
            (directory / "units" / unit.name.removesuffix(".in")).write_text(text)
        for program in BIN.iterdir():
            shutil.copy(program, directory / "programs")
        for name in ("assay.sysusers", "assay.tmpfiles"):
            shutil.copy(TOP / "packaging" / name, directory / name)
        (self.watched / "bin").mkdir()
        shutil.copy("/bin/true", self.watched / "bin" / "known")
        (directory / "watch.yaml").write_text(
            "version: 1\nprofiles:\n  site: {mode: alert, paths: /srv}\n"
            "  programs: {mode: log, execute: known, paths: /srv/bin}\n")
        (directory / "deliver.yaml").write_text(
            "version: 1\nsinks:\n  local: {type: journal}\n  log: {type: syslog, to: /dev/log}\n"
            "  note: {type: command, run: [/usr/bin/tee, -a, /tmp/noted], kinds: alert.raised}\n")

    def start(self):
        """A control group of our own is the root of theirs, or theirs would stay behind."""
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", self.groups], check=True)
        self.group = self.groups / f"assay-test-{os.getpid()}"
        self.group.mkdir()
        ours, theirs = pty.openpty()
        threading.Thread(target=self.read_console, args=(ours,), daemon=True).start()
        env = {"TOP": str(self.top), "CONSOLE": os.ttyname(theirs), "SYSTEMD": str(SYSTEMD),
               "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(
            ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec unshare --pid --fork --kill-child '
             '--mount --cgroup --ipc --uts --net sh -c "$1"', self.group, BOOT],
            env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
        os.close(theirs)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.wait(lambda: children.read_text().split(), "its first process")
        self.init = int(children.read_text().split()[0])
        return self

    def read_console(self, fd):
        try:
            while True:
                self.console += os.read(fd, 65536)
        except OSError:
            os.close(fd)

    def stop(self):
        if self.process:
            self.process.kill()  # and with it the first process, and so all others
            self.process.wait()
        for _ in range(200):
            for path, _, _ in os.walk(self.group, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass
            if not self.group.exists():
                break
            time.sleep(0.05)
        subprocess.run(["umount", self.groups], check=True)

    def inside(self, *args):
        return ["nsenter", "-t", str(self.init), "-m", "-p", "-u", "-i", "-n", "-C", "--root",
                "--wd=/", *map(str, args)]

    def run(self, *args, status=0):
        """A program inside."""
        done = subprocess.run(self.inside(*args), capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, check=False)
        assert status is None or done.returncode == status, (args, done, self.said())
        return done.stdout

    def show(self, unit, name):
        return self.run("systemctl", "show", "-P", name, unit).strip()

    def pid(self, unit):
        """As we see it."""
        inside = self.show(unit, "MainPID")
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith("NSpid:") and line.split()[-1] == inside and len(
                        line.split()) > 2 and self.is_inside(status.parent.name):
                    return int(status.parent.name)
        return 0

    def is_inside(self, pid):
        try:
            return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(
                f"/proc/{self.init}/ns/pid")
        except OSError:
            return False

    def said(self):
        return self.console.decode(errors="replace")[-4000:]

    def wait(self, done, what, seconds=90):
        end = time.monotonic() + seconds
        while not done():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, f"no sign of {what}\n{self.said()}"
            time.sleep(0.1)

    def kill(self, unit, signo=signal.SIGKILL):
        os.kill(self.pid(unit), signo)
