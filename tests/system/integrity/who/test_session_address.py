# SPDX-License-Identifier: Apache-2.0
"""Every change says from where its session came, whoever is still there to be asked."""
import contextlib
import json
import os
import pathlib
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile

import pytest

import ssh_host
from sensor_host import BIN, Host
from ssh_host import SshHost, USER

pytestmark = pytest.mark.skipif(bool(ssh_host.possible()), reason=str(ssh_host.possible()))


@pytest.fixture(scope="module")
def guests():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-ssh-") as name:
        os.chmod(name, 0o711)
        g = SshHost(pathlib.Path(name))
        yield g
        g.stop()


class Seen(Host):
    """A host with places that anybody may write to; each test takes a new one."""
    def __init__(self, directory):
        super().__init__(directory)
        self.directory, self.top, self.places, self.told_by = directory, self.tree, 0, None
        self.fresh()

    def fresh(self):
        self.places += 1
        self.tree = self.top / str(self.places)
        self.gate = self.directory / f"gate-{self.places}"
        for path in (self.tree, self.gate):
            path.mkdir()
            path.chmod(0o1777)
        return self

    def start(self, who):
        self.told_by = who
        self.start_recorder()
        self.start_sensor("--who", who)

    def who(self, name, change="created"):
        """The author of the change, with what is sealed of him opened; who stayed may go."""
        path = str(self.tree / name)
        self.seen(path, change)
        (self.gate / name).write_text("")
        out = subprocess.run([BIN / "assay", "log", "--json", "--disclose", "--limit", "0",
                              "--state", self.state], capture_output=True, check=True).stdout
        for line in out.splitlines():
            told = json.loads(line)
            entry = told["entry"]
            if entry["k"] == "integrity.change" and entry["what"].get("path") == path:
                who = dict(entry["who"])
                who.update((d["name"].removeprefix("who."), d["value"])
                           for d in told["disclosed"])
                return who
        raise AssertionError(path)

    def open_gate(self):
        (self.gate / "open").write_text("")

    def after_gate(self, script):
        """Words of a shell that wait for the gate, then do it."""
        return f"while [ ! -e {self.gate}/open ]; do sleep 0.05; done; {script}"


@contextlib.contextmanager
def make(who=None):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-session-") as name:
        os.chmod(name, 0o711)
        h = Seen(pathlib.Path(name))
        try:
            if who:
                h.start(who)
            yield h
        finally:
            h.open_gate()
            h.stop()


@pytest.fixture(scope="module", params=["ebpf", "connector"])
def told(request, guests):
    """Processes are told of, in either way."""
    with make(request.param) as h:
        yield h


@pytest.fixture
def host(told):
    yield told.fresh()
    told.open_gate()


@pytest.fixture(scope="module")
def untold(guests):
    with make("proc") as h:
        yield h


@pytest.fixture
def proc(untold):
    yield untold.fresh()
    untold.open_gate()


def check(who, connection, **more):
    assert who.get("login") == "ssh", who
    assert who.get("address") == connection.peer, who
    assert who["address_from"] == "socket" and who["daemon"] == "sshd", who
    assert "no_address" not in who, who
    for key, value in more.items():
        assert who.get(key) == value, who


def touch(host, name):
    return f"touch {host.tree}/{name}"


def make_and_stay(host, name):
    """Words of a shell that makes the file itself and is there to be asked until it was told."""
    return f"exec 3>{host.tree}/{name}; while [ ! -e {host.gate}/{name} ]; do sleep 0.05; done"


# ---- in the session ----

def test_direct(host, guests):
    connection, _ = guests.ssh(touch(host, "f"))
    assert connection.host == guests.there
    check(host.who("f"), connection)


def test_every_session_of_many_has_its_own(host, guests):
    told = {n: guests.ssh(touch(host, f"f{n}"))[0] for n in range(8)}
    for n, connection in told.items():
        check(host.who(f"f{n}"), connection)


def test_at_the_same_time(host, guests):
    going = [guests.start_ssh(f"cat; {touch(host, f'f{n}')}") for n in range(8)]
    for process, _ in going:
        process.stdin.close()
    for n, (process, connection) in enumerate(going):
        assert process.wait(timeout=60) == 0
        check(host.who(f"f{n}"), connection)


def test_terminal(host, guests):
    process, connection = guests.start_ssh(make_and_stay(host, "f"), options=["-tt"])
    who = host.who("f")
    process.wait(timeout=60)
    check(who, connection)
    assert who.get("tty", "").startswith("pts/"), who


def test_shell_without_a_command(host, guests):
    run = subprocess.run([*guests.inside, *guests.ssh_command()], text=True, check=True,
                         input=f"echo $SSH_CONNECTION\n{touch(host, 'f')}\n",
                         capture_output=True, timeout=60)
    lines = [x for x in run.stdout.splitlines() if guests.there in x]
    check(host.who("f"), ssh_host.Connection(lines[-1]))


def test_root(host, guests):
    connection, _ = guests.ssh(touch(host, "f"), user="root")
    check(host.who("f"), connection)


def test_ipv6(host, guests):
    connection, _ = guests.ssh(touch(host, "f"), address=guests.here6)
    assert connection.peer.startswith(f"[{guests.there6}]:")
    check(host.who("f"), connection)


@pytest.mark.parametrize("prefix, uid", [
    ("sudo -n", 0), ("sudo -n -u nobody", 65534), ("sudo -n su -c", 0),
    ("sudo -n su - -c", 0), (f"sudo -n su {USER} -c", None), ("sudo -n sudo -n su -c", 0)])
def test_sudo_and_su(host, guests, prefix, uid):
    words = touch(host, "f")
    connection, _ = guests.ssh(f"{prefix} {shlex.quote(words) if ' -c' in prefix else words}")
    who = host.who("f")
    check(who, connection)
    if host.told_by == "ebpf":  # the connector's who may have ended before it was read
        assert uid is None or who["uid"] == uid
        assert who["auid"] not in (0, 65534)


def test_who_is_sealed(host, guests):
    connection, _ = guests.ssh(touch(host, "f"))
    who = host.seen(host.tree / "f", "created")["who"]
    assert who["login"] == "ssh" and "address" not in who
    assert connection.host not in json.dumps(host.entries()), "an address is personal"
    shown = subprocess.run([BIN / "assay", "log", "--limit", "0", "--state",
                            host.state], capture_output=True, text=True, check=True).stdout
    assert f"from {connection.peer}" in shown


def test_status_counts_logins(host, guests):
    guests.ssh("true")
    host.wait(lambda: host.status()["who_logins"] > 0, "the login's count")
    assert host.status()["who_logins_missed"] == 0
    shown = subprocess.run([BIN / "assay", "status", "--state", host.state, "--run", host.run],
                           capture_output=True, text=True).stdout
    assert "connections followed" in shown, shown


# ---- after it ----

LEFT_BEHIND = {
    "nohup": "nohup sh -c {words} >/dev/null 2>&1 </dev/null &",
    "ignores hangup": "(trap '' HUP; sh -c {words}) >/dev/null 2>&1 </dev/null &",
    "setsid": "setsid -f sh -c {words} >/dev/null 2>&1 </dev/null",
    "daemon": "setsid sh -c {twice} >/dev/null 2>&1 </dev/null",
    "sudo": "sudo -n setsid -f sh -c {words} >/dev/null 2>&1 </dev/null",
    "tmux": "tmux -L {name} -f /dev/null new-session -d sh -c {words}",
    "screen": "screen -c /dev/null -dmS {name} sh -c {words}",
}


def leave_behind(host, guests, how, **kwargs):
    """Something that waits for the gate; it has begun when the session ends."""
    if ssh_host.tools(*({"tmux", "screen"} & {how})):
        pytest.skip(f"no {how} here")
    words = f": >{host.gate}/ready; " + host.after_gate(touch(host, "f"))
    twice = f"sh -c {shlex.quote(words)} & exit 0"
    script = LEFT_BEHIND[how].format(words=shlex.quote(words), twice=shlex.quote(twice),
                                     name=f"assay{os.getpid()}")
    ready = f"while [ ! -e {host.gate}/ready ]; do sleep 0.05; done"
    return guests.ssh(f"{script}\n{ready}", **kwargs)[0]


@pytest.mark.parametrize("how", LEFT_BEHIND)
@pytest.mark.parametrize("terminal", [False, True], ids=["no terminal", "terminal"])
def test_after_the_logout(host, guests, how, terminal):
    connection = leave_behind(host, guests, how, options=["-tt"] if terminal and
                              how in ("setsid", "daemon", "tmux", "screen") else [])
    guests.logged_out()
    host.open_gate()
    check(host.who("f"), connection)


def test_the_last_word_of_a_short_session(host, guests):
    """The connection ends right behind the change."""
    for n in range(10):
        connection, _ = guests.ssh(f"exec touch {host.tree}/f{n}")
        check(host.who(f"f{n}"), connection)


# ---- other ways in ----

@pytest.mark.parametrize("subsystem", ["sftp", "sftp-inside"])
def test_sftp(host, guests, subsystem):
    """Who says what his connection is: nobody but the kernel, so the client's side is asked."""
    process = subprocess.Popen(
        [*guests.inside, "sftp", *ssh_host.OPTIONS, "-i", guests.directory / "key", "-P",
         str(guests.port), "-s", subsystem, f"{USER}@{guests.here}"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    try:
        process.stdin.write(f"put /etc/hostname {host.tree}/f\n")
        process.stdin.flush()
        who = host.who("f")
        address = client_address(guests)
    finally:
        process.stdin.close()
        process.wait(timeout=60)
    assert who["login"] == "ssh" and who["address"] == address, who


def client_address(guests):
    """Of the client's only connection, as its own side has it."""
    out = subprocess.run([*guests.inside, "cat", "/proc/net/tcp"], capture_output=True, text=True,
                         check=True).stdout
    ports = [int(x.split()[1].split(":")[1], 16) for x in out.splitlines()[1:]
             if x.split()[3] == "01"]
    assert len(ports) == 1, out
    return f"{guests.there}:{ports[0]}"


def test_scp(host, guests, tmp_path):
    (tmp_path / "f").write_text("copied")
    guests.logged_out()
    subprocess.run([*guests.inside, "scp", *ssh_host.OPTIONS, "-i", guests.directory / "key", "-P",
                    str(guests.port), tmp_path / "f", f"{USER}@{guests.here}:{host.tree}/f"],
                   check=True, capture_output=True)
    who = host.who("f")
    assert who["login"] == "ssh" and who["address"].startswith(guests.there + ":"), who


def test_sessions_of_one_connection(host, guests):
    control = ["-o", f"ControlPath={guests.directory}/mux", "-o", "ControlMaster=auto"]
    master, first = guests.start_ssh("cat", options=control)
    try:
        second, _ = guests.ssh(touch(host, "f"), options=control)
        assert second.peer == first.peer
        check(host.who("f"), first)
    finally:
        master.stdin.close()
        master.wait(timeout=60)
    third, _ = guests.ssh(touch(host, "g"), options=control)
    assert third.peer != first.peer
    check(host.who("g"), third)


def test_nested(host, guests):
    """The inner session's address is the inner connection's; the outer one is kept beside it."""
    outer, said = guests.ssh(guests.inner(touch(host, "f")) + f"; {touch(host, 'g')}")
    inner = ssh_host.Connection(said)
    assert inner.host == "127.0.0.1" and outer.host == guests.there
    check(host.who("f"), inner, outer_address=outer.peer)
    who = host.who("g")
    check(who, outer)
    assert "outer_address" not in who


def test_nested_twice_and_left(host, guests):
    words = host.after_gate(touch(host, "f"))
    left = LEFT_BEHIND["setsid"].format(words=shlex.quote(words))
    outer, said = guests.ssh(guests.inner(guests.inner(left, user="root")))
    inner = ssh_host.Connection(said.splitlines()[-1])
    guests.logged_out()
    host.open_gate()
    check(host.who("f"), inner, outer_address=outer.peer)


def test_claims_of_a_process_are_not_believed(host, guests):
    connection, _ = guests.ssh("SSH_CONNECTION='192.0.2.66 66 192.0.2.1 22' "
                               f"SSH_CLIENT='192.0.2.66 66 22' {touch(host, 'f')}")
    check(host.who("f"), connection)


def test_nobody_logs_in_with_a_program_of_his_own(host, guests):
    """A copy of the shell under the daemon's name, with a connection to wherever it likes."""
    connection, _ = guests.ssh(
        f"cp /bin/bash /tmp/sshd; /tmp/sshd -c 'exec 3<>/dev/tcp/{guests.here}/{guests.port}; "
        f"{touch(host, 'f')}; true'; rm /tmp/sshd")
    check(host.who("f"), connection)


# ---- no login ----

SERVER = """
import socket, subprocess, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listens", flush=True)
while True:
    c, _ = s.accept()
    subprocess.run(["sh", "-c", c.makefile().readline()])
    c.close()
"""


def ask_server(guests, port, line):
    client = ("import socket, sys; c = socket.create_connection((sys.argv[1], int(sys.argv[2]))); "
              "c.sendall(sys.argv[3].encode() + b'\\n'); c.recv(1)")
    subprocess.run([*guests.inside, sys.executable, "-c", client, guests.here, str(port), line],
                   check=True, timeout=60)


def test_what_a_network_daemon_is_told_to_do(host, guests):
    port = ssh_host.free_port()
    server = guests.directory / "server.py"
    server.write_text(SERVER)
    connection, _ = guests.ssh(f"nohup python3 {server} {guests.here} {port} "
                               f">{host.gate}/said 2>&1 </dev/null & "
                               f"while ! grep listens {host.gate}/said; do sleep 0.1; done",
                               user="root")
    ask_server(guests, port, f"sleep 0.3; {touch(host, 'f')}")
    who = host.who("f")
    assert who["login"] == "service" and "address" not in who, who
    assert "listens on the network" in who["no_address"], who
    assert who["daemon"].startswith("python3"), who
    assert who["outer_address"] == connection.peer, who


def test_cron(host, guests):
    if ssh_host.tools("cron"):
        pytest.skip("no cron here")
    job = guests.beside_sshd("sh", "-c", "rm -f /run/crond.reboot; "
                             f"echo '@reboot root {touch(host, 'f')}' "
                             ">/etc/cron.d/assay-test; exec cron -f")
    who = host.who("f")
    job.kill()
    job.wait()
    assert who["login"] == "cron" and who["daemon"] == "cron", who
    assert "address" not in who, who
    assert who["no_address"] == "no login session: started by cron", who


@pytest.fixture
def unit():
    """A control group as systemd makes one for a service."""
    top = pathlib.Path("/sys/fs/cgroup/systemd")
    top = (top if top.is_dir() else top.parent) / "system.slice"
    group, made = top / f"assay-test-{os.getpid()}.service", not top.is_dir()
    try:
        group.mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"no control groups here: {error}")
    yield group
    SshHost.wait(lambda: not (group / "cgroup.procs").read_text(), "the unit's end")
    group.rmdir()
    if made:
        top.rmdir()


def test_unit(unit, guests):
    with make() as h:
        words = f"echo $$ >{unit}/cgroup.procs; {h.after_gate(touch(h, 'f'))}"
        subprocess.run(["setsid", "-f", "sh", "-c", words], check=True)
        h.wait(lambda: (unit / "cgroup.procs").read_text(), "the process in its unit")
        h.start("ebpf")
        h.open_gate()
        who = h.who("f")
    assert who["login"] == "service" and who["daemon"] == unit.name, who
    assert who["no_address"] == f"no login session: started by unit {unit.name}"


# ---- the sensor comes late, or without events ----

@pytest.mark.parametrize("who", ["ebpf", "connector", "proc"])
def test_logged_in_before_the_sensor(guests, who):
    with make() as h:
        left = h.after_gate(make_and_stay(h, "g"))
        process, connection = guests.start_ssh(
            f"setsid -f sh -c {shlex.quote(left)} >/dev/null 2>&1 </dev/null; "
            f"cat >/dev/null; {make_and_stay(h, 'f')}")
        h.start(who)
        process.stdin.close()
        check(h.who("f"), connection)
        h.open_gate()
        check(h.who("g"), connection)
        process.wait(timeout=60)


def test_logged_out_before_the_sensor(guests):
    with make() as h:
        leave_behind(h, guests, "setsid")
        guests.logged_out()
        h.start("ebpf")
        h.open_gate()
        who = h.who("f")
    assert who["login"] == "unknown" and "address" not in who, who
    assert who["no_address"] == (f"audit session {who['session']} began before the sensor looked, "
                                 "and its login has ended")


@pytest.mark.parametrize("who", ["ebpf", "connector", "proc"])
@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGKILL])
def test_sensor_begins_again(guests, who, signo):
    """What it knew of sessions, it knows again."""
    with make(who) as h:
        left = h.after_gate(make_and_stay(h, "f"))
        process, connection = guests.start_ssh(
            f"setsid -f sh -c {shlex.quote(left)} >/dev/null 2>&1 </dev/null; "
            f"{make_and_stay(h, 'now')}; cat >/dev/null")
        check(h.who("now"), connection)
        kept = h.state / "sensor" / "sessions"
        address = socket.inet_aton(connection.host).ljust(16, b"\0")
        port = struct.pack("<H", int(connection.peer.rpartition(":")[2]))
        h.wait(lambda: kept.exists() and address + port in kept.read_bytes(), "the login kept")
        process.stdin.close()
        process.wait(timeout=60)
        guests.logged_out()
        h.end(h.sensor, signo)
        h.start_sensor("--who", who)
        h.open_gate()
        check(h.who("f"), connection)
        assert kept.stat().st_mode & 0o777 == 0o600


def test_without_events(proc, guests):
    process, connection = guests.start_ssh(f"cat >/dev/null; {make_and_stay(proc, 'f')}")
    process.stdin.close()
    check(proc.who("f"), connection)
    process.wait(timeout=60)


def test_without_events_after_the_logout(proc, guests):
    """The audit session leads to the login, if that was seen while it was there."""
    left = proc.after_gate(make_and_stay(proc, "f"))
    process, connection = guests.start_ssh(
        f"setsid -f sh -c {shlex.quote(left)} >/dev/null 2>&1 </dev/null; "
        f"{make_and_stay(proc, 'now')}; cat >/dev/null")
    check(proc.who("now"), connection)
    process.stdin.close()
    process.wait(timeout=60)
    guests.logged_out()
    proc.open_gate()
    check(proc.who("f"), connection)


def test_without_events_and_never_seen(proc, guests):
    """What is not known is said."""
    connection = leave_behind(proc, guests, "setsid")
    guests.logged_out()
    proc.open_gate()
    who = proc.who("f")
    if "address" in who:  # it was looked at in between
        assert who["address"] == connection.peer
    else:
        assert who.get("no_address") or who.get("unknown"), who
