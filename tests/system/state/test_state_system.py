# SPDX-License-Identifier: Apache-2.0
"""Tables of packages, mounts and the rest, compared with what other programs say."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from recorder_host import BIN, Recorder, wait_for


class Monitor:
    """assay-monitor with one table, on this machine or on a root that was made up."""

    def __init__(self, directory, table):
        self.table, self.log = table, directory / "monitor.log"
        self.recorder, self.process = Recorder(directory), None
        self.file = self.recorder.state / "monitor" / table

    def start(self, root="/", command=(), wait=True):
        self.recorder.start()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*command, BIN / "assay-monitor", "--state", self.recorder.state, "--run",
                 self.recorder.run, "--keep-user", "--table", self.table, "--root", root],
                stdout=log, stderr=log)
        if wait:
            wait_for(self.file.exists, f"the table {self.table}")

    def rows(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()[1:]]

    def changes(self):
        return [e["what"] for e in self.recorder.entries("state.change")]

    def faults(self):
        return json.loads(self.file.read_text().splitlines()[0])["faults"]

    def stop(self):
        """Whatever became of its start, and of its end."""
        try:
            if self.process:
                self.process.terminate()
                self.process.wait(timeout=60)
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.recorder.stop()


@pytest.fixture(name="monitor")
def monitor_fixture(tmp_path):
    with contextlib.ExitStack() as running:
        def start(table, **named):
            m = Monitor(tmp_path, table)
            running.callback(m.stop)  # before it starts, which may fail
            m.start(**named)
            return m
        yield start


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_packages_are_those_of_dpkg(monitor):
    rows = monitor("packages").rows()
    form = "${Package}\t${Architecture}\t${Version}\t${source:Package}\t${source:Version}\t" \
        "${db:Status-Status}\n"
    want = [line.split("\t") for line in said("dpkg-query", "-W", "-f", form).splitlines()]
    got = [[r["name"], r["architecture"], r["version"], r["source"], r["source_version"],
            r["status"]] for r in rows if "version" in r]
    assert sorted(got) == sorted(w for w in want if w[2])


def test_a_package_that_is_held_or_upgraded_is_told(monitor, tmp_path):
    status = tmp_path / "root/var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    text = "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n"
    status.write_text(text)
    m = monitor("packages", root=tmp_path / "root")
    assert not m.changes()
    new = status.with_name("status-new")
    new.write_text(text.replace("install ok", "hold ok").replace(": 1", ": 2"))
    new.rename(status)
    wait_for(m.changes, "the change")
    (change,) = m.changes()
    assert change["differs"] == ["hold", "source_version", "version"]


def test_mounts_are_those_of_findmnt(monitor):
    rows = monitor("mounts").rows()
    if not shutil.which("findmnt"):
        pytest.skip("findmnt is not here")
    want = json.loads(said("findmnt", "--json", "--list", "--tab-file", "/proc/1/mountinfo",
                           "--output", "TARGET,FSTYPE,VFS-OPTIONS,FS-OPTIONS"))["filesystems"]
    plain = [r for r in rows if "count" not in r]
    assert len(plain) + sum(r["count"] for r in rows if "count" in r) == len(want)
    of = {}
    for w in want:
        of.setdefault(w["target"], []).append(w)
    for r in plain:
        w = of[r["point"]][r["layer"] - 1]
        assert (r["type"], r["options"], r["fs_options"]) == (
            w["fstype"], w["vfs-options"].split(","), w["fs-options"].split(",")), r


def test_a_mount_is_told(monitor, tmp_path):
    root = tmp_path / "root"
    (root / "proc/1").mkdir(parents=True)
    info = root / "proc/1/mountinfo"
    line = "1 1 0:9 / /srv rw,nosuid - tmpfs none rw\n"
    info.write_text(line)
    m = monitor("mounts", root=root)
    info.write_text(line.replace(",nosuid", ""))
    wait_for(m.changes, "the change")
    (change,) = m.changes()
    assert change["differs"] == ["options"]


def listening(*inside):
    """What ss says: protocol, address, port and user of each socket."""
    found = set()
    for line in said(*inside, "ss", "-H", "-l", "-n", "-t", "-u", "-e").splitlines():
        words = line.split()
        address, _, port = words[4].rpartition(":")
        uid = next((w[4:] for w in words if w.startswith("uid:")), "0")
        address = address.strip("[]").split("%")[0]
        found.add((words[0], "::" if address == "*" else address, int(port), int(uid)))
    return found


def test_ports_are_those_of_ss_and_a_listener_is_told(monitor):
    if not shutil.which("ss"):
        pytest.skip("ss is not here")
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.3", 0))
        tcp.listen()
        udp.bind(("127.0.0.3", 20123))
        m = monitor("ports")
        mine = {(r["protocol"], r["port"]): r for r in m.rows() if r["address"] == "127.0.0.3"}
        assert set(mine) == {("tcp", tcp.getsockname()[1]), ("udp", 20123)}
        for r in mine.values():
            assert (r["pid"], r["uid"]) == (os.getpid(), os.getuid())
            assert r["program"] == os.path.realpath(sys.executable)
        # others come and go on a busy machine, but not all of them at once
        got = {(r["protocol"], r["address"].split("%")[0], r["port"], r["uid"]) for r in m.rows()}
        assert got & listening() >= {x for x in got if x[2] < 1024} | {
            (*key, os.getuid()) for key in [("tcp", "127.0.0.3", tcp.getsockname()[1]),
                                            ("udp", "127.0.0.3", 20123)]}

    def closed():
        return [c for c in m.changes()
                if c["change"] == "removed" and ["address", "127.0.0.3"] in c["old"]]

    wait_for(closed, "the ports' end")


def test_a_process_that_may_not_be_looked_into_is_said(monitor):
    """Without CAP_SYS_PTRACE, a socket of another user's process has no program."""
    code = "import os,socket,time; s=socket.socket(); s.bind(('127.0.0.4', 0)); s.listen();" \
        "os.setgid(65534); os.setuid(65534); print(s.getsockname()[1], flush=True);" \
        "time.sleep(600)"
    if os.getuid() or not shutil.which("setpriv"):
        pytest.skip("takes root and setpriv")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                          text=True) as other:
        port = int(other.stdout.readline())
        try:
            m = monitor("ports", command=("setpriv", "--bounding-set=-sys_ptrace"))
            (row,) = [r for r in m.rows() if r["address"] == "127.0.0.4"]
            assert row["port"] == port and "program" not in row
            wait_for(lambda: "CAP_SYS_PTRACE" in json.dumps(m.recorder.entries("state.trouble")),
                     "the trouble")
        finally:
            other.kill()


WAITS = """
import os, socket, sys
held = []
def wait(family, kind, address, port):
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, port))
    if kind == socket.SOCK_STREAM:
        s.listen()
    held.append(s)
wait(socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0", 8080)
wait(socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0", 8080)
wait(socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0", 514)
if os.path.exists("/proc/net/tcp6"):
    wait(socket.AF_INET6, socket.SOCK_STREAM, "::", 22)
    wait(socket.AF_INET6, socket.SOCK_DGRAM, "::", 53)
os.setgid(65534)
os.setuid(65534)
wait(socket.AF_INET, socket.SOCK_STREAM, "0.0.0.0", 9090)
print(os.getpid(), os.stat("/proc/self/ns/net").st_ino, flush=True)
sys.stdin.read()
"""


class Inside:
    """Somebody who waits for connections in another network namespace."""

    def __init__(self, *enter):
        self.process = subprocess.Popen([*enter, sys.executable, "-c", WAITS], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid, self.netns = map(int, self.process.stdout.readline().split())

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0


def can_make_networks():
    return os.getuid() == 0 and all(map(shutil.which, ("ss", "ip", "nsenter"))) and \
        subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0


def place(row):
    return row["protocol"], row["address"], row["port"], row["uid"]


def test_namespace_ports_are_those_of_ss_inside(monitor):
    """Two namespaces, one of them with a name by ip netns."""
    if not can_make_networks():
        pytest.skip("takes root, network namespaces, ss, ip and nsenter")
    name = f"assay-{os.getpid()}"
    said("ip", "netns", "add", name)
    both = []
    try:
        both += [Inside("unshare", "-n")]
        both += [Inside("ip", "netns", "exec", name)]
        m = monitor("namespace_ports")
        for who in both:
            mine = [r for r in m.rows() if r["netns"] == who.netns]
            assert {place(r) for r in mine} == listening("nsenter", "-t", str(who.pid), "-n")
            assert all((r["pid"], r["deleted"], r["program"]) == (
                who.pid, False, os.path.realpath(sys.executable)) for r in mine), mine
            assert len({r["namespace"] for r in mine}) == 1
            first = min(r["nth"] for r in mine)
            twice = sorted(r["nth"] for r in mine if r["port"] == 8080)
            assert len(twice) == 2 and first <= twice[0] < twice[1]
        named = [r for r in m.rows() if r["namespace"] == name]
        assert {r["netns"] for r in named} == {both[1].netns}
        ours = os.stat("/proc/self/ns/net").st_ino
        assert ours not in {r["netns"] for r in m.rows()}
        both.pop().end()
        m.process.send_signal(signal.SIGHUP)

        def gone():
            return {c["key"] for c in m.changes() if c["change"] == "removed"}

        wait_for(lambda: len(gone()) == len(named), "the end of one")
        assert all(name in key for key in gone())
    finally:
        for who in both:
            who.process.kill()
            who.process.communicate()
        said("ip", "netns", "del", name)


def test_a_namespace_that_may_not_be_seen_is_said(monitor):
    """Without CAP_SYS_PTRACE, of another user's process."""
    if not can_make_networks() or not shutil.which("setpriv"):
        pytest.skip("takes root, network namespaces, ss, ip, nsenter and setpriv")
    who = Inside("unshare", "-n")
    try:
        m = monitor("namespace_ports", command=("setpriv", "--bounding-set=-sys_ptrace"))
        assert who.netns not in {r["netns"] for r in m.rows()}
        wait_for(lambda: "namespaces that are not seen" in json.dumps(
            m.recorder.entries("state.trouble")), "the trouble")
    finally:
        who.end()


MOUNTS = """
set -e
mount -t tmpfs -o nosuid one "$1/apart"
mkdir "$1/apart/a b"
mount --bind "$1/other" "$1/apart/a b"
mount --bind "$1/other" "$1/same"
mount -t tmpfs two "$1/same"
mount --bind "$1/other" "$1/other"
mount -o remount,bind,ro "$1/other"
echo mounted
read later
mount --bind "$1/program" "$1/place"
echo mounted
read end
"""


def root_of(pid):
    """Filesystem, and the directory of it that is this process's root."""
    lines = pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    return [line.split()[2:4] for line in lines if line.split()[4] == "/"][-1:]


def test_mounts_of_others_are_told(monitor, tmp_path):
    """In a namespace that nothing is passed on from; what it shows as the host does is not told."""
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"],
                                          capture_output=True).returncode:
        pytest.skip("takes root and mount namespaces")
    if root_of("self") != root_of(1):
        pytest.skip("in a chroot the first process has other paths")
    for name in ("apart", "other", "same"):
        (tmp_path / name).mkdir()
    for name in ("program", "place"):
        (tmp_path / name).touch()
    with subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", MOUNTS, "sh",
                           tmp_path], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as p:
        try:
            assert p.stdout.readline() == "mounted\n"
            mntns = os.stat(f"/proc/{p.pid}/ns/mnt").st_ino
            m = monitor("namespace_mounts")
            at = str(tmp_path)
            mine = [r for r in m.rows() if r["mntns"] == mntns and r["point"].startswith(at)]
            told = {(r["point"], r["layer"]): r for r in mine}
            assert len(told) == len(mine)
            assert {k: (r["type"], r["source"]) for k, r in told.items()
                    if r["type"] == "tmpfs"} == {(f"{at}/apart", 1): ("tmpfs", "one"),
                                                 (f"{at}/same", 2): ("tmpfs", "two")}
            assert set(told) == {(f"{at}/apart", 1), (f"{at}/apart/a b", 1), (f"{at}/same", 1),
                                 (f"{at}/same", 2)}
            assert "nosuid" in told[f"{at}/apart", 1]["options"]
            assert told[f"{at}/same", 1]["root"].endswith("/other")
            assert all(r["pid"] == p.pid for r in mine)

            p.stdin.write("\n")
            p.stdin.flush()
            assert p.stdout.readline() == "mounted\n"
            m.process.send_signal(signal.SIGHUP)
            wait_for(lambda: [c for c in m.changes() if c["change"] == "added" and
                              f"{at}/place" in json.dumps(c)], "what was mounted later")
            p.stdin.close()
            p.wait(timeout=60)
            m.process.send_signal(signal.SIGHUP)
            wait_for(lambda: sum(c["change"] == "removed" and at in json.dumps(c)
                                 for c in m.changes()) == 5, "the end of the namespace")
        finally:
            p.kill()


CROWD = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
top, mounts, spaces = os.fsencode(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
def unshare():
    if libc.unshare(0x20000):
        sys.exit(os.strerror(ctypes.get_errno()))
unshare()
libc.mount(b"none", b"/", None, 0x44000, None)  # private, and all below
if mounts == 0:  # nor those of the host, of which each namespace has its own
    with open("/proc/self/mountinfo") as f:
        points = [line.split()[4] for line in f]
    for point in reversed(points):
        libc.umount2(os.fsencode(point), 2)
for i in range(mounts):
    if libc.mount(b"none", top, b"tmpfs", 0, b"size=4k"):
        sys.exit(os.strerror(ctypes.get_errno()))
for i in range(spaces):
    if os.fork() == 0:
        unshare()
        os.write(1, b"x")
        sys.stdin.read()
        os._exit(0)
os.write(1, b"x")
sys.stdin.read()
"""


@pytest.mark.parametrize("mounts, spaces, fault", [
    (1024, 0, "mount namespace {mntns} has more mounts than are looked at"),
    (1000, 20, "mount namespaces have more mounts than are looked at"),
    (0, 1030, "more mount namespaces than are looked into"),
])
def test_more_mounts_than_are_looked_at_are_said(monitor, tmp_path, mounts, spaces, fault):
    """Of one namespace, of all of them, and too many of these: told up to there, and said."""
    if os.getuid() != 0 or subprocess.run(["unshare", "-m", "true"],
                                          capture_output=True).returncode:
        pytest.skip("takes root and mount namespaces")
    (tmp_path / "crowd").mkdir()
    with subprocess.Popen([sys.executable, "-c", CROWD, tmp_path / "crowd", str(mounts),
                           str(spaces)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        try:
            assert p.stdout.read(spaces + 1) == b"x" * (spaces + 1)
            mntns = os.stat(f"/proc/{p.pid}/ns/mnt").st_ino
            m = monitor("namespace_mounts")
            wait_for(lambda: fault.format(mntns=mntns) in json.dumps(
                m.recorder.entries("state.trouble")), "the trouble")
            mine = [r for r in m.rows() if r["point"] == str(tmp_path / "crowd")]
            assert mounts == 0 or 0 < len(mine) <= 16384
        finally:
            p.stdin.close()


def unit_files(root="/"):
    """What systemctl says: name to state."""
    text = said("systemctl", f"--root={root}", "list-unit-files", "--no-legend", "--plain")
    return {line.split()[0]: line.split()[1] for line in text.splitlines()}


RUNS = "[Service]\nExecStart=/bin/true\n"
WANTED = "[Install]\nWantedBy=multi-user.target\n"
UNITS = {
    "etc/systemd/system/own.service": RUNS + WANTED,
    "usr/lib/systemd/system/on.service": RUNS + WANTED + "Alias=other.service\n",
    "usr/lib/systemd/system/off.service": RUNS,
    "usr/lib/systemd/system/t@.service": RUNS + WANTED,
    "usr/lib/systemd/system/s.socket": "[Socket]\nListenStream=1\n" + WANTED,
    "usr/lib/systemd/system/p.path": "[Path]\nPathExists=/x\n[Install]\nAlso=s.socket\n",
    "usr/lib/systemd/system/d.timer": "[Timer]\nOnCalendar=daily\n" + WANTED,
    "usr/lib/systemd/system/d.service": RUNS,
    "opt/l.service": RUNS,
}


@pytest.fixture(name="units")
def units_fixture(tmp_path):
    if not shutil.which("systemctl"):
        pytest.skip("systemctl is not here")
    root = tmp_path / "root"
    for path, text in UNITS.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for words in (["enable", "on.service", "t@one.service", "s.socket", "d.timer"],
                  ["mask", "off.service"], ["link", "/opt/l.service"]):
        said("systemctl", f"--root={root}", "--quiet", *words)
    return root


def test_services_are_as_systemctl_says(monitor, units):
    rows = {r["name"]: r for r in monitor("services", root=units).rows()}
    want = {name: state for name, state in unit_files(units).items()
            if name.rpartition(".")[2] in ("service", "socket", "path") and name != "t@one.service"}
    assert {name: r["state"] for name, r in rows.items()} == want
    assert rows["on.service"]["wanted_by"] == ["multi-user.target"]
    assert rows["t@.service"]["instances"] == ["one"]
    assert rows["other.service"]["alias_of"] == "on.service"
    assert rows["own.service"]["executes"] == ["ExecStart=/bin/true"]
    assert rows["s.socket"]["triggers"] == ["ListenStream=1"]


def test_a_unit_that_is_enabled_or_changed_is_told(monitor, units):
    m = monitor("services", root=units)
    said("systemctl", f"--root={units}", "--quiet", "enable", "own.service")
    drop_in = units / "etc/systemd/system/on.service.d/x.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nExecStartPre=/tmp/evil\n")

    def differs():
        return {c["key"]: c["differs"] for c in m.changes() if c["change"] == "changed"}

    wait_for(lambda: len(differs()) == 2, "both changes")
    assert differs() == {"own.service": ["state", "wanted_by"],
                         "on.service": ["drop_ins", "executes"]}


def test_units_of_users_are_told(monitor, tmp_path):
    """What systemctl makes of them for all users, what one has at home, and what he makes of it."""
    if not shutil.which("systemctl"):
        pytest.skip("systemctl is not here")
    root = tmp_path / "root"
    home = root / "home/ann/.config/systemd/user"
    for path, text in {"etc/passwd": "ann:x:1000:1000::/home/ann:/bin/sh\n",
                       "usr/lib/systemd/user/g.service": RUNS + WANTED,
                       "usr/lib/systemd/user/t.timer": "[Timer]\nOnCalendar=daily\n" + WANTED,
                       "var/lib/systemd/linger/ann": "",
                       "home/ann/.config/systemd/user/own.service": RUNS}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    said("systemctl", f"--root={root}", "--quiet", "--global", "enable", "g.service", "t.timer")
    m = monitor("user_units", root=root)
    rows = {r["path"]: (r["kind"], r.get("user"), r.get("unit")) for r in m.rows()}
    assert rows == {
        "/etc/systemd/user/multi-user.target.wants/g.service": ("wanted", None, "g.service"),
        "/etc/systemd/user/multi-user.target.wants/t.timer": ("wanted", None, "t.timer"),
        "/usr/lib/systemd/user/g.service": ("unit", None, "g.service"),
        "/usr/lib/systemd/user/t.timer": ("unit", None, "t.timer"),
        "/home/ann/.config/systemd/user/own.service": ("unit", "ann", "own.service"),
        "/var/lib/systemd/linger/ann": ("linger", "ann", None)}
    assert m.faults() == 0
    wants = home / "default.target.wants"
    wants.mkdir()
    (wants / "own.service").symlink_to("../own.service")
    (home / "own.service").write_text(RUNS + "ExecStartPre=/tmp/evil\n")
    # out of the home: told as what it is, and nothing of what it leads to
    (home / "all.service").symlink_to("/etc/shadow")
    (home / "all.wants").symlink_to("/usr/lib/systemd/user")
    m.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(m.changes()) >= 4, "four changes")
    rows = {os.path.relpath(r["path"], "/home/ann/.config/systemd/user"): r for r in m.rows()}
    assert rows["own.service"]["executes"] == ["ExecStart=/bin/true", "ExecStartPre=/tmp/evil"]
    assert rows["default.target.wants/own.service"]["kind"] == "wanted"
    assert rows["all.service"]["target"] == "/etc/shadow" and "executes" not in rows["all.service"]
    assert rows["all.wants"]["target"] == "/usr/lib/systemd/user" and len(rows) == 9
    assert len(m.recorder.entries("alert.state")) >= 1


def test_units_of_this_machine_are_as_systemctl_says(monitor):
    if not shutil.which("systemctl"):
        pytest.skip("systemctl is not here")
    want = {name: state for name, state in unit_files().items()
            if name.rpartition(".")[2] in ("service", "socket", "path")}
    got = {r["name"]: r["state"] for r in monitor("services").rows()}
    assert {n: s for n, s in got.items() if n in want} == want


def test_timers_are_as_systemctl_says(monitor, units):
    rows = {r["name"]: r for r in monitor("timers", root=units).rows()}
    assert {n: r["state"] for n, r in rows.items()} == {"d.timer": unit_files(units)["d.timer"]}
    assert rows["d.timer"]["schedule"] == ["OnCalendar=daily"]
    assert rows["d.timer"]["executes"] == ["ExecStart=/bin/true"]


def test_sysctls_are_those_of_the_kernel(monitor):
    """Every parameter that rests is told as it is; nothing that moves, and no key."""
    got = {r["name"]: r.get("value") for r in monitor("sysctls").rows()}
    for name in ("kernel.randomize_va_space", "net.ipv4.ip_forward", "kernel.osrelease",
                 "fs.protected_symlinks", "vm.swappiness", "net.ipv4.conf.all.rp_filter"):
        with open("/proc/sys/" + name.replace(".", "/"), encoding="utf-8") as file:
            assert got[name] == file.read().rstrip("\n"), name
    assert not [n for n in got if n.endswith(("_key", "_secret", "uuid", "ns_last_pid", "boot_id"))]
    missing = set()
    for path, _, names in os.walk("/proc/sys"):
        for name in names:
            if os.stat(f"{path}/{name}").st_mode & 0o444:
                missing.add(f"{path}/{name}"[len("/proc/sys/"):].replace(".", "\0").replace(
                    "/", ".").replace("\0", "/"))
    missing = {n for n in missing - set(got) if ".conf." not in n and ".neigh." not in n}
    assert all(n.startswith(("fs.", "kernel.random.", "vm.stat_refresh")) or n in (
        "kernel.ns_last_pid", "kernel.pty.nr", "kernel.hung_task_warnings", "vm.numa_stat",
        "kernel.hung_task_detect_count", "kernel.perf_event_max_sample_rate",
        "net.core.netdev_rss_key", "net.ipv4.fib_multipath_hash_seed", "net.ipv4.tcp_fastopen_key",
        "net.netfilter.nf_conntrack_count") for n in missing), missing


def test_a_sysctl_is_told(monitor, tmp_path):
    forward = tmp_path / "root/proc/sys/net/ipv4/ip_forward"
    forward.parent.mkdir(parents=True)
    forward.write_text("0\n")
    m = monitor("sysctls", root=tmp_path / "root")
    forward.write_text("1\n")
    m.process.send_signal(signal.SIGHUP)
    wait_for(m.changes, "the change")
    (change,) = m.changes()
    assert (change["key"], change["differs"]) == ("net.ipv4.ip_forward", ["value"])


def suid_tree(root):
    """A root of one filesystem with every sort of file; those that count."""
    mounts = root / "proc/self/mounts"
    mounts.parent.mkdir(parents=True)
    mounts.write_text("disk / ext4 rw 0 0\nserver:/x /net nfs rw 0 0\n")
    deep = root
    for i in range(40):
        deep = deep / f"d{i}"
    deep.mkdir(parents=True)
    modes = {"usr/su": 0o4755, "usr/at": 0o2755, "both": 0o6711, "plain": 0o755,
             "new\nline \t \\x": 0o4700, "net/hidden": 0o4755,
             str(deep.relative_to(root) / "last"): 0o4755}
    for name, mode in modes.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        path.chmod(mode)
    (root / "link").symlink_to("usr/su")
    (root / "setgid-directory").mkdir()
    (root / "setgid-directory").chmod(0o2775)
    return {"/" + name for name, mode in modes.items() if mode & 0o6000}


def test_suid_files_are_those_of_find(monitor, tmp_path):
    root = tmp_path / "root"
    want = suid_tree(root)
    setcap = shutil.which("setcap") or "/usr/sbin/setcap"
    if os.getuid() == 0 and os.path.exists(setcap):
        (root / "ping").write_text("x")
        (root / "ping").chmod(0o755)
        if subprocess.run([setcap, "cap_net_raw=ep", root / "ping"], check=False).returncode == 0:
            want.add("/ping")
    rows = {r["path"]: r for r in monitor("suid", root=root).rows()}
    odd = r"/new\x0aline \x09 \\x"  # a text that has \x is escaped as a whole
    assert rows[odd]["mode"] == "4700"
    assert set(rows) - {odd} == {p for p in want if not p.startswith("/new")}
    found = said("find", root, "-xdev", "-type", "f", "-perm", "/6000", "-printf", "/%P %m\\0")
    modes = dict(x.rsplit(" ", 1) for x in found.split("\0") if x)
    assert all(r["mode"] == modes[p] for p, r in rows.items() if p in modes)
    if "/ping" in rows:
        assert rows["/ping"]["capabilities"] == "cap_net_raw=ep"


def test_a_suid_file_that_comes_is_told(monitor, tmp_path):
    root = tmp_path / "root"
    suid_tree(root)
    m = monitor("suid", root=root)
    (root / "plain").chmod(0o4755)
    (root / "usr/su").chmod(0o755)
    m.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(m.changes()) == 2, "both changes")
    want = {("added", "/plain"), ("removed", "/usr/su")}
    assert {(c["change"], c["key"]) for c in m.changes()} == want


def test_a_walk_ends_at_once_when_it_shall(monitor):
    """In the middle of all of this machine."""
    m = monitor("suid", wait=False)
    wait_for(lambda: len(os.listdir(f"/proc/{m.process.pid}/task")) >= 3, "the walk")
    began = time.monotonic()
    m.process.terminate()
    assert m.process.wait(timeout=60) == 0
    assert time.monotonic() - began < 10


RULES = """
table inet filter {
  set blocked { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 }; }
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related counter accept
    tcp dport { 22, 443 } accept comment "from { anywhere }"
    ip saddr @blocked drop
  }
}
"""


@pytest.fixture(name="network")
def network_fixture():
    """A command's front that runs it in a network of its own."""
    if os.getuid() or not shutil.which("nft", path="/usr/sbin"):
        pytest.skip("takes root and nft")
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 600"],
                          stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        front = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        if subprocess.run([*front, "/usr/sbin/nft", "list", "ruleset"], check=False,
                          capture_output=True).returncode:
            holder.kill()
            pytest.skip("the kernel has no nf_tables")
        yield front
        holder.kill()


def test_rules_of_the_packet_filter(monitor, network):
    nft = (*network, "/usr/sbin/nft")
    said(*nft, RULES)
    m = monitor("firewall", command=network)
    rules = [r for r in m.rows() if r["kind"] == "rule" and r["engine"] == "nft"]
    assert [r["rule"] for r in sorted(rules, key=lambda r: r["position"])] == [
        "ct state established,related counter accept",
        'tcp dport { 22, 443 } accept comment "from { anywhere }"', "ip saddr @blocked drop"]
    (chain,) = [r for r in m.rows() if r["kind"] == "chain"]
    assert "policy drop" in chain["definition"] and chain["rules"] == 3
    (blocked,) = [r for r in m.rows() if r["kind"] == "set"]
    assert blocked["elements"] == 2
    assert not m.faults() and not m.changes()
    # a rule in front moves the others, which are the same as before
    said(*nft, "insert", "rule", "inet", "filter", "input", "ip", "saddr", "192.0.2.9", "accept")
    said(*nft, "add", "element", "inet", "filter", "blocked", "{ 192.0.2.3 }")
    began = time.monotonic()
    wait_for(lambda: len(m.changes()) == 3, "the changes")
    assert time.monotonic() - began < 30  # the kernel says it; by time it would be a minute
    changes = {c["change"]: c for c in m.changes() if c["change"] == "added"}
    assert ["rule", "ip saddr 192.0.2.9 accept"] in changes["added"]["new"]
    assert sorted(c["differs"] for c in m.changes() if c["change"] == "changed") == [
        ["elements", "elements_digest"], ["order", "rules"]]


@pytest.mark.parametrize("engine", ["iptables-legacy", "ip6tables-legacy", "iptables-nft"])
def test_rules_of_iptables(monitor, network, engine):
    """With a match that nft cannot name: what it looks for is not lost."""
    program = shutil.which(engine, path="/usr/sbin")
    rule = ["-p", "udp", "-m", "string", "--string", "abc", "--algo", "bm", "-j", "DROP"]
    if not program or subprocess.run([*network, program, "-A", "INPUT", *rule], check=False,
                                     capture_output=True).returncode:
        pytest.skip(f"no {engine} here, or none in the kernel")
    m = monitor("firewall", command=network)
    (row,) = [r for r in m.rows() if r["kind"] == "rule" and r["engine"] == engine]
    assert (row["table"], row["name"], row["position"]) == ("filter", "INPUT", 1)
    assert '--string "abc"' in row["rule"] and row["rule"].endswith("-j DROP")
    chains = [r["name"] for r in m.rows() if r["kind"] == "chain" and r["engine"] == engine]
    assert sorted(chains) == ["FORWARD", "INPUT", "OUTPUT"]


def test_hardware_is_that_of_lspci_and_the_kernel(monitor):
    m = monitor("hardware")
    of = {}
    for r in m.rows():
        of.setdefault(r["bus"], {})[r["slot"]] = r
    assert sum(r["count"] for r in of["processor"].values()) == os.sysconf("SC_NPROCESSORS_ONLN")
    for slot, r in of.get("disk", {}).items():
        with open(f"/sys/block/{slot}/size", encoding="ascii") as file:
            assert r["size"] == int(file.read()) * 512
    if shutil.which("lspci"):
        want = [line.split() for line in said("lspci", "-D", "-n").splitlines()]
        assert {(w[0], w[2]) for w in want} == {(r["slot"], r["id"])
                                                for r in of.get("pci", {}).values()}
    assert not m.faults()


def test_a_stick_that_is_plugged_in_is_told(monitor, tmp_path):
    root = tmp_path / "root"
    devices = root / "sys/bus/usb/devices"
    (root / "proc").mkdir(parents=True)
    (root / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: x\ncpu MHz\t\t: 1\n\n")
    devices.mkdir(parents=True)
    m = monitor("hardware", root=root)
    (root / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: x\ncpu MHz\t\t: 2\n\n")
    for path, text in {"1-4/idVendor": "0781", "1-4/idProduct": "5581",
                       "1-4:1.0/bInterfaceClass": "08"}.items():
        (devices / path).parent.mkdir(exist_ok=True)
        (devices / path).write_text(text + "\n")
    m.process.send_signal(signal.SIGHUP)
    wait_for(m.changes, "the change")
    (change,) = m.changes()
    assert (change["change"], change["key"]) == ("added", "usb 1-4")
    assert ["interfaces", ["08"]] in change["new"]
