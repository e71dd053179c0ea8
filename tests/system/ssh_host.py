# SPDX-License-Identifier: Apache-2.0
"""A real sshd for strangers in a network of their own, and nothing of it on the host's disk.

sshd and all that runs below it live in a mount namespace with a copy of /etc and empty places where
logins write, so users and sudo's rules are made there and end with it.  The client is in a
network namespace at the other end of a cable of two addresses."""
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time

SSHD = shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin")
USER = "assay-guest"
SETUP = """
set -eu
mount -t tmpfs -o mode=755 tmpfs "$DIR/etc"
cp -a /etc/. "$DIR/etc"
mount --bind "$DIR/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /home
mount -t tmpfs -o mode=755 tmpfs /var/log
mount -t tmpfs -o mode=755 tmpfs /var/mail
mount -t tmpfs -o mode=755 tmpfs /var/spool
mount -t tmpfs -o mode=700 tmpfs /root
mkdir -p /run/sshd /run/screen /var/spool/cron/crontabs
chmod 1777 /run/screen
: >/run/utmp
: >/var/log/wtmp
useradd -m -s /bin/bash "$USER_NAME"
echo "$USER_NAME ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/guest
chmod 440 /etc/sudoers.d/guest
for home in "/home/$USER_NAME" /root; do
        mkdir -m 700 "$home/.ssh"
        cp "$DIR/key.pub" "$home/.ssh/authorized_keys"
        cp "$DIR/key" "$home/.ssh/id_ed25519"
        chmod 600 "$home/.ssh/id_ed25519"
done
chown -R "$USER_NAME:" "/home/$USER_NAME"
exec "$@"
"""
CONFIG = """
Port {port}
ListenAddress {here}
ListenAddress [{here6}]
ListenAddress 127.0.0.1
HostKey {directory}/host_key
PidFile none
UsePAM yes
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
MaxSessions 20
Subsystem sftp /usr/lib/openssh/sftp-server
Subsystem sftp-inside internal-sftp
"""
OPTIONS = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "ControlPath=none"]


def run(*args, **kwargs):
    return subprocess.run([str(a) for a in args], check=True, **kwargs)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class SshHost:
    def __init__(self, directory):
        self.directory = directory
        self.started, self.cable = [], False
        n = os.getpid() % 250
        self.here, self.there = f"198.18.{n}.1", f"198.18.{n}.2"
        self.here6, self.there6 = f"fd00:a55a:{n:x}::1", f"fd00:a55a:{n:x}::2"
        self.ends = f"asy{os.getpid()}a", f"asy{os.getpid()}b"
        self.port = free_port()
        (directory / "etc").mkdir()
        for name in ("host_key", "key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name)
        (directory / "sshd_config").write_text(CONFIG.format(
            port=self.port, here=self.here, here6=self.here6, directory=directory))
        try:
            self.lay_cable()
            self.sshd = self.start_sshd()
        except BaseException:
            self.stop()
            raise

    # ---- network ----

    def lay_cable(self):
        self.client = self.start("unshare", "-n", "sleep", "infinity")
        ours = os.stat("/proc/self/ns/net").st_ino
        self.wait(lambda: os.stat(f"/proc/{self.client.pid}/ns/net").st_ino != ours and
                  self.exe(self.client.pid).endswith("sleep"), "the client's network")
        run("ip", "link", "add", self.ends[0], "type", "veth", "peer", "name", self.ends[1],
            "netns", self.client.pid)
        self.cable = True
        for inside, end, v4, v6 in (((), self.ends[0], self.here, self.here6),
                                    (self.inside, self.ends[1], self.there, self.there6)):
            run(*inside, "ip", "address", "add", f"{v4}/30", "dev", end)
            run(*inside, "ip", "address", "add", f"{v6}/64", "dev", end, "nodad")
            run(*inside, "ip", "link", "set", end, "up")
        run(*self.inside, "ip", "link", "set", "lo", "up")

    @property
    def inside(self):
        """What comes before a command of the client's."""
        return "nsenter", "-t", str(self.client.pid), "-n"

    # ---- processes ----

    @staticmethod
    def exe(pid):
        try:
            return os.readlink(f"/proc/{pid}/exe")
        except OSError:
            return ""

    def start(self, *args, **kwargs):
        process = subprocess.Popen([str(a) for a in args], start_new_session=True, **kwargs)
        self.started.append(process)
        return process

    def start_in_its_own(self, *args, **kwargs):
        """In a mount namespace as described above, which is gone with its last process."""
        return self.start("unshare", "-m", "--propagation", "private", "sh", "-c", SETUP, "sh",
                          *args, env={**os.environ, "DIR": str(self.directory),
                                      "USER_NAME": USER}, **kwargs)

    def start_sshd(self):
        log = open(self.directory / "sshd.log", "wb")
        with log:
            sshd = self.start_in_its_own(SSHD, "-D", "-e", "-f", self.directory / "sshd_config",
                                         stdout=log, stderr=log)
        self.wait(lambda: b"Server listening on 127" in
                  (self.directory / "sshd.log").read_bytes() or sshd.poll() is not None, "sshd")
        assert sshd.poll() is None, (self.directory / "sshd.log").read_text()
        return sshd

    def beside_sshd(self, *args):
        """A command in sshd's mount namespace, of no login."""
        return self.start("nsenter", "-t", self.sshd.pid, "-m", *args)

    @staticmethod
    def wait(done, what, seconds=60):
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"no sign of {what} after {seconds} s"
            time.sleep(0.02)

    # ---- logins ----

    def ssh_command(self, *command, user=USER, options=(), address=None):
        return ["ssh", *options, *OPTIONS, "-i", str(self.directory / "key"), "-p",
                str(self.port), f"{user}@{address or self.here}", *command]

    def ssh(self, script, **kwargs):
        """Run it in a session of its own.  What sshd itself says of the connection and what the
        script writes to standard output."""
        given = kwargs.pop("input", "")
        out = run(*self.inside, *self.ssh_command(f"echo $SSH_CONNECTION; {script}", **kwargs),
                  input=given, capture_output=True, text=True, timeout=120).stdout
        first, _, rest = out.replace("\r", "").partition("\n")
        return Connection(first), rest

    def start_ssh(self, script, **kwargs):
        """One that stays, until its standard input ends or the script does."""
        process = self.start(*self.inside,
                             *self.ssh_command(f"echo $SSH_CONNECTION; {script}", **kwargs),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return process, Connection(process.stdout.readline())

    def inner(self, script, user=USER):
        """The words of a session's command that logs in once more from there."""
        return " ".join(["ssh", *OPTIONS, "-p", str(self.port), f"{user}@127.0.0.1",
                         shlex.quote(f"echo $SSH_CONNECTION; {script}")])

    def connections(self):
        """Processes of sshd that serve one."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if self.exe(pid).endswith("/sshd") and int(pid) != self.sshd.pid and \
                    os.stat(f"/proc/{pid}/ns/mnt").st_ino == \
                    os.stat(f"/proc/{self.sshd.pid}/ns/mnt").st_ino:
                found.append(int(pid))
        return found

    def logged_out(self):
        def nobody():
            try:
                return not self.connections()
            except OSError:  # one ended while it was looked at
                return False
        self.wait(nobody, "the end of all connections")

    # ---- the end ----

    def left_over(self):
        """Processes in sshd's mount namespace: what sessions have left behind."""
        ours, found = os.stat(f"/proc/{self.sshd.pid}/ns/mnt").st_ino, []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.stat(f"/proc/{pid}/ns/mnt").st_ino == ours:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def stop(self):
        for pid in self.left_over() if hasattr(self, "sshd") and self.sshd.poll() is None else []:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for process in reversed(self.started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
        if self.cable:
            subprocess.run(["ip", "link", "del", self.ends[0]], check=False,
                           stderr=subprocess.DEVNULL)


class Connection:
    """What sshd told its session of where it came from."""
    def __init__(self, text):
        peer, port, self.local, local_port = text.split()
        self.peer = f"[{peer}]:{port}" if ":" in peer else f"{peer}:{port}"
        self.host = peer


def possible():
    """Why not, or None."""
    if os.geteuid() != 0:
        return "users and networks of their own need root"
    if not SSHD:
        return "no sshd here (openssh-server)"
    probe = subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True)
    if probe.returncode:
        return "no namespaces here: " + probe.stderr.decode().strip()
    return None


def tools(*names):
    return [n for n in names if not shutil.which(n)]
