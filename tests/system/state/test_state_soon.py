# SPDX-License-Identifier: Apache-2.0
"""Tables of the host's state: told soon, with who did it, and nobody blinds the others."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from recorder_host import BIN
from state_host import StateHost

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: reads what root may")

SLOW = """\
version: 1
tables:
  authorized_keys: {every: 1h}
  cron: {every: 1h}
  groups: {every: 1h}
  users: {every: 1h}
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB46JEI0Lo0YnmkCGYs0KtEfL1T2GwcRtjTGM/rXXW3I"


@pytest.fixture(name="place")
def _place():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-soon-", dir="/var/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(name="make")
def _make(place):
    hosts = []

    def make(*tables, config=SLOW):
        host = StateHost(place, *tables)
        (place / "config").mkdir()
        (place / "config/state.yaml").write_text(config)
        host.more += ["--config", place / "config"]
        host.put("/etc/passwd", user("root", 0) + user("alice", 1000) + user("bob", 1001))
        host.put("/etc/group", "root:x:0:\n")
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        host.stop()


def user(name, uid, shell="/bin/sh"):
    return f"{name}:x:{uid}:{uid}::/home/{name}:{shell}\n"


def test_a_change_is_told_soon(make):
    """Long before the tables would be looked at by time."""
    host = make("authorized_keys", "cron", "groups", "users")
    host.start()
    host.put("/etc/passwd", user("root", 0) + user("alice", 1000, "/bin/zsh") + user("bob", 1001))
    assert host.changed("users")[0][2]["shell"] == "/bin/zsh"
    with open(host.root / "etc/group", "a") as f:  # written in place, by one who keeps it open
        f.write("sudo:x:27:alice\n")
        f.flush()
        assert host.changed("groups")[0][2]["members"] == ["alice"]
    # directories that were not there
    host.put("/home/bob/.ssh/authorized_keys", KEY + " bob\n")
    assert host.changed("authorized_keys")[0][2]["comment"] == "bob"
    host.put("/etc/cron.d/evil", "* * * * * root /tmp/x\n")
    assert host.changed("cron")[0][2]["command"] == "/tmp/x"
    host.put("/etc/cron.d/evil", "* * * * * root /tmp/y\n")
    host.changed("cron", 3)


def test_who_makes_events_without_an_end_is_not_obeyed(make):
    """It costs a look now and then, and what is changed meanwhile is told."""
    host = make("authorized_keys", "users")
    host.start()
    home = host.root / "home/bob/.ssh"
    home.mkdir(parents=True)
    before = cpu_s(host.monitor.pid)
    began = time.monotonic()
    told = False
    while time.monotonic() - began < 6:
        for n in range(2000):
            (home / "authorized_keys").touch()
        if not told:
            host.put("/etc/passwd", user("root", 0))
            told = True
    host.changed("users", 2)
    took = time.monotonic() - began
    assert cpu_s(host.monitor.pid) - before < 0.5 * took


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def test_a_target_that_hangs_delays_no_table(make):
    """It listens, and says nothing; there is more than one, and each is asked for long."""
    silent = [socket.create_server(("127.0.0.1", 0), backlog=50) for _ in range(3)]
    config = "version: 1\ntargets:\n" + "".join(
        f"  - {{table: ldap, name: t{n}, every: 1s, timeout: 60s, tls: none, base: 'dc=x', "
        f"uri: 'ldap://127.0.0.1:{s.getsockname()[1]}'}}\n" for n, s in enumerate(silent))
    host = make("ldap", "users", config=config)
    if not shutil.which("ldapsearch"):
        pytest.skip("no ldapsearch here")
    host.recorder.start()
    host.spawn()
    host.wait(lambda: host.entries("state.baseline"), "the users")
    silent[0].settimeout(30)
    connection, _ = silent[0].accept()  # it is being asked
    for n in range(3):
        host.put("/etc/passwd", user("root", 0, f"/bin/{n}"))
        host.changed("users", 3 + n)
    assert connection.recv(4096)  # its question, and no end of it: it waits still
    connection.setblocking(False)
    with pytest.raises(BlockingIOError):
        connection.recv(4096)
    connection.close()
    # another configuration does not wait for them
    (host.more[-1] / "state.yaml").write_text("version: 1\n")
    host.monitor.send_signal(signal.SIGHUP)
    host.wait(lambda: host.entries("state.monitor")[-1]["what"]["event"] == "reloaded", "a reload",
              seconds=20)
    for s in silent:
        s.close()


def test_the_list_says_how_old_rows_are(make):
    host = make("groups", "users", config="version: 1\ntables:\n  users: {every: 1h}\n"
                "  groups: {every: 1s}\n")
    host.start()
    time.sleep(4)
    tables = {t["table"]: t for t in json.loads(
        host.recorder.assay("state", "list", "--json"))["tables"]}
    assert tables["users"]["age_s"] >= 3 and tables["users"]["every_s"] == 3600
    assert tables["groups"]["age_s"] <= 3 and tables["groups"]["took_ms"] < 60000
    host.monitor.send_signal(signal.SIGSTOP)  # as if its worker hung; what it said remains
    try:
        said = host.run / "monitor.status"
        text = said.read_text()
        when = tables["users"]["read"]
        year = int(when[:4])
        with open(said, "r+") as f:
            f.write(text.replace(when, f"{year - 1}{when[4:]}"))
        done = subprocess.run([BIN / "assay", "state", "list", "--state", host.state, "--run",
                               host.run], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "not looked at for" in done.stdout
    finally:
        host.monitor.send_signal(signal.SIGCONT)


def blind_large(path):
    """It is no burden to who does it."""
    with open(path, "w") as f:
        f.write(KEY + " first\n")
        f.truncate(70 << 20)


def blind_loop(path):
    path.symlink_to(path)


def blind_pipe(path):
    os.mkfifo(path)


def blind_directory(path):
    path.mkdir()


def blind_kernel(path):
    """What is read of it is gone for others."""
    path.symlink_to("/proc/kmsg")


@pytest.mark.parametrize("act", [blind_large, blind_loop, blind_pipe, blind_directory,
                                 blind_kernel])
def test_nobody_blinds_the_table_of_keys(make, act):
    host = make("authorized_keys", config="version: 1\n")
    host.put("/home/alice/.ssh/authorized_keys", KEY + " alice\n")
    host.start()
    (host.root / "home/bob/.ssh").mkdir(parents=True)
    act(host.root / "home/bob/.ssh/authorized_keys")
    host.wait(lambda: host.entries("state.trouble"), "trouble")
    trouble = host.entries("state.trouble")[-1]["what"]
    assert trouble["event"] == "faults"
    assert "/home/bob/.ssh/authorized_keys" in trouble["reason"]
    host.put("/home/alice/.ssh/authorized_keys", KEY + " mallory\n")
    host.wait(lambda: [n["comment"] for c, _, n in host.changes("authorized_keys")
                       if n and n["user"] == "alice"] == ["mallory"], "the key of another")
    if act is blind_large:
        assert "first" in [r["comment"] for r in host.rows("authorized_keys")]


def test_nobody_blinds_the_table_of_set_uid_files(make):
    """Anybody may set the bits of files of his own, as many as he likes."""
    host = make("suid", config="version: 1\n")
    host.put("/proc/self/mounts", "disk / ext4 rw 0 0\n")
    many = host.root / "home/bob"
    many.mkdir(parents=True)
    for n in range(1300):
        path = many / str(n)
        path.touch()
        os.chown(path, 1001, 1001)
        path.chmod(0o4755)
    host.put("/usr/bin/su", "x")
    (host.root / "usr/bin/su").chmod(0o4755)
    host.start()
    rows = host.rows("suid")
    assert "/usr/bin/su" in [r["path"] for r in rows]
    assert len([r for r in rows if r["uid"] == 1001]) == 1000
    (trouble,) = host.entries("state.trouble")
    assert "user 1001 has more of them than 1000" in trouble["what"]["reason"]


# ---- who ----

@pytest.fixture(name="watched")
def _watched(make):
    host = make("authorized_keys", "groups", "users", config="version: 1\n")
    host.recorder.start()
    log = open(host.log_path.with_name("sensor.log"), "ab")
    sensor = subprocess.Popen([BIN / "assay-sensor", "--state", host.state, "--run", host.run,
                               "--watch", host.root / "etc"], stdout=log, stderr=log)
    host.wait(lambda: sensor_is_ready(host), "the sensor's first scan")
    host.start_monitor()
    yield host
    sensor.terminate()
    sensor.wait(timeout=60)
    log.close()


def sensor_is_ready(host):
    try:
        return "profiles" in json.loads(
            (host.run / "sensor.status").read_text().split("\n")[0])["more"]
    except (OSError, ValueError):
        return False


def test_who_changed_a_row(watched):
    host = watched
    passwd = host.root / "etc/passwd"
    process = subprocess.Popen(["/bin/sh", "-c", f"echo 'eve:x:0:0::/root:/bin/sh' >> {passwd}; "
                                "sleep 1"])
    pid = process.pid
    host.changed("users")
    process.wait()
    (entry,) = host.entries("state.change")
    assert entry["who"]["pid"] == pid and entry["who"]["uid"] == 0
    assert os.path.basename(entry["who"]["exe"]) in ("dash", "sh", "bash")
    lines = host.recorder.assay("log", "--json", "--limit", "0").splitlines()
    cause = json.loads(lines[entry["what"]["cause_index"]])
    assert cause["id"] == entry["what"]["cause"] and cause["k"] == "integrity.change"
    assert cause["what"]["path"] == str(passwd) and cause["who"] == entry["who"]
    line = host.recorder.assay("log", "--kind", "state.change")
    assert f"{pid}" in line and "by" in line
    host.recorder.assay("verify")


def test_who_is_said_to_be_unknown(watched):
    """A file that is not watched; nobody else's change is blamed for it."""
    host = watched
    host.put("/etc/group", "root:x:0:\nx:x:1:\n")
    host.put("/home/bob/.ssh/authorized_keys", KEY + " bob\n")
    host.changed("authorized_keys")
    host.changed("groups")
    told = {e["what"]["table"]: e for e in host.entries("state.change")}
    assert "no change of its files is in the ledger" in told["authorized_keys"]["who"]["unknown"]
    assert "cause" not in told["authorized_keys"]["what"]
    assert told["groups"]["who"]["pid"] == os.getpid()
