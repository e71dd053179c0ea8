# SPDX-License-Identifier: Apache-2.0
"""A recorder and an uplink on directories of their own, and real places for alerts."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from recorder_host import BIN, TIME, Peer, Recorder, wait_for

USER = 61300  # nobody's, as "assay up" would choose where there is no user assay-net
ROOT = os.geteuid() == 0


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def alert(number, severity="high", **what):
    """As the sensor tells one."""
    return {"k": "alert.raised", "t": TIME, "v": 1,
            "what": {"change": "modified", "id": f"1-{number}", "path": f"/etc/file-{number}",
                     "seen": "live", "severity": severity, **what},
            "who": {"exe": "/usr/bin/vi", "pid": 17, "uid": 0}}


class Uplink:
    """Where it is root the uplink has a user of its own, else it stays who we are."""

    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="assay-uplink-", dir="/var/tmp"))
        self.top.chmod(0o755)
        self.etc, self.spool = self.top / "etc", self.top / "spool"
        self.etc.mkdir()
        self.spool.mkdir()
        self.spool.chmod(0o777)
        self.recorder = Recorder(self.top)
        if ROOT:
            self.recorder.more = ["--uplink-user-id", str(USER)]
        self.own = self.top / "state" / "uplink"
        self.log_path = self.top / "uplink.log"
        self.process, self.before = None, []
        self.others = []

    # ---- the processes ----

    def configure(self, text):
        (self.etc / "deliver.yaml").write_text(text)

    def spawn(self, *more):
        as_whom = ["--user-id", str(USER)] if ROOT else ["--keep-user"]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.before, BIN / "assay-uplink", "--state", self.recorder.state, "--run",
                 self.recorder.run, "--config", self.etc, "--host", "web1", *as_whom, *more],
                stdout=log, stderr=log)

    def start(self, *more):
        self.spawn(*more)
        wait_for(self.ready, "the uplink's readiness")
        return self

    def ready(self):
        assert self.process.poll() is None, self.said()
        return self.status().get("pid") == self.process.pid

    def status(self):
        try:
            return json.loads((self.recorder.run / "uplink.status").read_text().split("\n")[0])
        except (OSError, ValueError):
            return {}

    def sink(self, name):
        sinks = {s["name"]: s for s in self.status().get("more", {}).get("sinks", [])}
        return sinks.get(name, {})

    def why(self, name):
        return self.sink(name), self.said()

    def is_up(self, name):
        return self.sink(name).get("state") == "up"

    def is_down(self, name):
        return self.sink(name).get("state") == "down"

    def said(self):
        return self.log_path.read_text()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0, self.said()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.kill()
        for other in self.others:
            other.stop()
        self.recorder.stop()
        shutil.rmtree(self.top)

    # ---- the ledger ----

    def raise_alerts(self, numbers, **what):
        """Their indices."""
        with Peer(self.recorder) as sensor:
            return [sensor.put(alert(n, **what)) for n in numbers]

    def assay(self, *args, check=True):
        done = subprocess.run([BIN / "assay", *map(str, args), "--state", self.recorder.state,
                               "--run", self.recorder.run], capture_output=True, text=True,
                              check=False)
        assert not check or done.returncode == 0, (done.stdout, done.stderr)
        return done

    def entries(self, kind):
        return self.recorder.entries(kind)


class Rsyslog:
    """A real rsyslogd; every line it took is in a file, as it came."""

    def __init__(self, uplink, way, port=None, path=None):
        self.top, self.way, self.path = uplink.top, way, path
        self.port = port or free_port(socket.SOCK_DGRAM if way == "udp" else socket.SOCK_STREAM)
        self.out = self.top / f"rsyslog-{way}.out"
        self.conf = self.top / f"rsyslog-{way}.conf"
        self.conf.write_text(self.configuration())
        self.process = None
        uplink.others.append(self)

    def configuration(self):
        lines = [f'global(workDirectory="{self.top}")']
        if self.way == "tls":
            lines[0] = (f'global(workDirectory="{self.top}" DefaultNetstreamDriver="ossl" '
                        f'DefaultNetstreamDriverCAFile="{self.top}/ca.pem" '
                        f'DefaultNetstreamDriverCertFile="{self.top}/server.pem" '
                        f'DefaultNetstreamDriverKeyFile="{self.top}/server.key")')
            lines.append('module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" '
                         'StreamDriver.AuthMode="anon")')
        elif self.way == "unix":
            lines.append(f'module(load="imuxsock" SysSock.Use="off")\n'
                         f'input(type="imuxsock" Socket="{self.path}")')
        else:
            lines.append(f'module(load="im{self.way}")')
        if self.way != "unix":
            lines.append(f'input(type="im{"udp" if self.way == "udp" else "tcp"}" '
                         f'address="127.0.0.1" port="{self.port}")')
        lines.append('template(name="raw" type="string" string="%rawmsg%\\n")\n'
                     'template(name="parsed" type="string" string="%hostname%|%app-name%|%msgid%|'
                     '%syslogseverity-text%|%structured-data%|%msg%\\n")\n'
                     f'action(type="omfile" file="{self.out}" template="raw")\n'
                     f'action(type="omfile" file="{self.out}.parsed" template="parsed")')
        return "\n".join(lines) + "\n"

    def start(self):
        self.process = subprocess.Popen(
            ["/usr/sbin/rsyslogd", "-n", "-f", self.conf, "-i", self.top / f"{self.way}.pid"],
            stdout=subprocess.DEVNULL, stderr=open(self.top / f"rsyslog-{self.way}.err", "ab"))
        wait_for(self.listens, "rsyslogd")
        return self

    def runs(self):
        assert self.process.poll() is None, (self.process.returncode, (
            self.top / f"rsyslog-{self.way}.err").read_text())
        return True

    def listens(self):
        self.runs()
        if self.way == "unix":
            return pathlib.Path(self.path).is_socket()
        # Without connecting: to a TLS server that would be a handshake that fails.
        table, state = ("udp", "07") if self.way == "udp" else ("tcp", "0A")
        want = f"0100007F:{self.port:04X} 00000000:0000 {state}"
        return want in pathlib.Path("/proc/net", table).read_text()

    def stop(self, signo=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signo)
            self.process.wait(timeout=30)
        self.process = None

    def lines(self):
        return self.out.read_text().splitlines() if self.out.exists() else []

    def parsed(self):
        path = pathlib.Path(f"{self.out}.parsed")
        return [line.split("|", 5) for line in path.read_text().splitlines()]

    def indices(self):
        return [int(n) for line in self.lines() for n in re.findall(r' index="?(\d+)', line)[:1]]


def make_certificates(top, name="127.0.0.1", days=2):
    """An authority, and a server's certificate by it."""
    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=top)

    san = f"IP:{name}" if name[0].isdigit() else f"DNS:{name}"
    (top / "ext").write_text(f"subjectAltName={san}\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "ca.key", "-out", "ca.pem", "-days", 2, "-subj", "/CN=Test CA")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "server.key", "-out", "server.csr", "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", days, "-extfile", "ext", "-out", "server.pem")
    for path in top.glob("*.pem"):
        path.chmod(0o644)


def in_order_and_whole(came, want):
    """Every wanted index came, its first coming in order; more of one is a repeat, never a gap."""
    first = list(dict.fromkeys(came))
    assert [i for i in first if i in set(want)] == list(want), (came, want)


def later(seconds=0.2):
    time.sleep(seconds)


# ---- deliver.yaml ----

HEAD = "version: 1\nsinks:\n"


def program(host, name="take", body="cat >>$0.got", run=()):
    """A program of the administrator's, and its sink; it writes beside itself."""
    path = host.spool / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    more = "".join(f", {json.dumps(a)}" for a in run)
    return f"  {name}:\n    type: command\n    run: [{path}{more}]\n" \
           "    down_after: 1s\n    retry_max: 1s\n"


def got(host, name="take"):
    path = host.spool / f"{name}.got"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def alerts(host, name="take"):
    return [m["index"] for m in got(host, name) if m["kind"] == "alert.raised"]


def syslog(name, to, more=""):
    return (f"  {name}:\n    type: syslog\n    to: {to}\n    down_after: 1s\n"
            f"    retry_max: 1s\n{more}")


def succeed(host, name):
    """As whoever supervises the recorder would see it."""
    done = []
    host.recorder.published()
    asked = threading.Thread(target=lambda: done.append(host.assay(
        "ledger", "succeed", "--origin", name, "--reason", "a new year", check=False)))
    asked.start()
    assert host.recorder.process.wait(timeout=60) == 75
    asked.join()
    assert done[0].returncode == 0, done[0].stderr
    host.recorder.start()
