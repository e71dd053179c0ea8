# SPDX-License-Identifier: Apache-2.0
"""Alerts against those who do not want them delivered: programs, servers and users that misbehave
on purpose, and what an accident can do to the uplink's own files."""
import json
import os
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from recorder_host import wait_for
from uplink_host import HEAD, ROOT, Rsyslog, Uplink, alerts, later, make_certificates, \
    program, succeed, syslog


@pytest.fixture
def host():
    h = Uplink()
    h.recorder.start()
    yield h
    h.stop()


# ---- programs ----

def test_a_program_that_never_stops_talking_is_ended(host):
    """What it said was read for as long as there was more, and nobody looked at the clock."""
    host.configure(HEAD + program(host, body="test -e $0.ok || exec yes >&2\ncat >>$0.got") +
                   "    timeout: 1s\n")
    host.start()
    want = host.raise_alerts(range(2))
    wait_for(lambda: "ended by force after 1 s" in host.said(), "its end")
    (host.spool / "take.ok").touch()
    wait_for(lambda: alerts(host) == want, "both")


def running(what):
    return subprocess.run(["pgrep", "-f", str(what)], stdout=subprocess.DEVNULL,
                          check=False).returncode == 0


def test_what_a_program_has_started_ends_with_it(host):
    child = host.spool / "child"
    child.write_text("#!/bin/sh\ntouch $0.runs\nsleep 600\n")
    child.chmod(0o755)
    host.configure(HEAD + program(host, body=f"{child} &\nsleep 600") + "    timeout: 1h\n")
    host.start()
    host.raise_alerts([1])
    wait_for((host.spool / "child.runs").exists, "what it starts")
    host.end()  # nobody waits for it any more
    wait_for(lambda: not running(child), "its end")


def runner_of(host):
    """The process that starts programs: its only child that is no courier."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                fields = dict(line.split(":\t", 1) for line in f if ":\t" in line)
        except OSError:
            continue
        if fields.get("PPid", "").strip() == str(host.process.pid) and \
                fields["Seccomp"].strip() == "0":
            return int(pid)
    return None


def test_an_answer_that_comes_late_is_not_the_next_ones(host):
    """What was asked before counted for what is asked now, so that one that failed was accepted."""
    host.configure(HEAD + program(host, body='cat >$0.in\n'
                                             'test -e $0.ok || ! grep -q file-3 $0.in || exit 3\n'
                                             'cat $0.in >>$0.got') + "    timeout: 1s\n")
    host.start()
    host.raise_alerts([1])
    wait_for(lambda: alerts(host), "the first")
    os.kill(runner_of(host), signal.SIGSTOP)  # as a machine that stands still does
    want = host.raise_alerts(range(2, 6))
    wait_for(lambda: host.is_down("take"), "its being down")
    later(2)  # it is asked once more
    os.kill(runner_of(host), signal.SIGCONT)
    wait_for(lambda: want[0] in alerts(host), "the second")
    later(2)
    (host.spool / "take.ok").touch()
    wait_for(lambda: set(want) <= set(alerts(host)), "all of them")


def test_the_process_that_runs_programs_is_killed(host):
    """Whoever is nobody on the host can do that: the sink is down, and it comes back."""
    host.configure(HEAD + program(host) + program(host, "other"))
    host.start()
    host.raise_alerts([1])
    wait_for(lambda: alerts(host) and alerts(host, "other"), "the first")
    os.kill(runner_of(host), signal.SIGKILL)
    want = host.raise_alerts(range(2, 5))
    wait_for(lambda: host.process.poll() is not None, "its asking to be started anew", 90)
    assert host.process.returncode == 1
    host.start()
    wait_for(lambda: set(want) <= set(alerts(host)) & set(alerts(host, "other")), "all of them")


# ---- servers ----

def test_a_server_that_wants_a_certificate_has_nothing(host):
    """With TLS 1.3 it says so when for us the handshake is over."""
    make_certificates(host.top)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host.top / "server.pem", host.top / "server.key")
    context.load_verify_locations(host.top / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    listener = socket.create_server(("127.0.0.1", 0))
    read = []

    def serve():
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            try:
                conn.recv(1, socket.MSG_PEEK)
                with context.wrap_socket(conn, server_side=True) as tls:
                    read.append(tls.recv(65536))
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    host.configure(HEAD + syslog("tls", f"tls://127.0.0.1:{listener.getsockname()[1]}",
                                 f"    ca: {host.top}/ca.pem\n"))
    host.start()
    host.raise_alerts(range(3))
    wait_for(lambda: host.is_down("tls"), "its being down")
    wait_for(lambda: "certificate required" in host.sink("tls").get("error", ""), "its reason")
    later(2)
    assert host.sink("tls")["delivered"] == 0 and not any(read)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1"])
def test_a_host_by_its_name(host, server):
    """The resolver works within what is left of the courier's rights."""
    rsyslog = Rsyslog(host, "tcp").start()
    host.configure(HEAD + syslog("tcp", f"tcp://{server}:{rsyslog.port}"))
    host.start()
    want = host.raise_alerts(range(3))
    wait_for(lambda: set(want) <= set(rsyslog.indices()), "all of them")


# ---- what is on disk ----

def test_a_new_sink_that_cannot_be_used_yet_has_its_place(host):
    """It was down from its first moment on, and began when it was mended: what came before was
    lost."""
    server = Rsyslog(host, "tls")
    host.configure(HEAD + syslog("tls", f"tls://127.0.0.1:{server.port}",
                                 f"    ca: {host.top}/ca.pem\n"))
    host.start()
    wait_for(lambda: host.is_down("tls"), "its being down")
    want = host.raise_alerts(range(3))
    host.recorder.published()
    host.end()
    make_certificates(host.top)
    server.start()
    host.start()
    wait_for(lambda: set(want) <= set(server.indices()), "all of them")


def test_a_damaged_cursor_is_one_sinks_trouble(host):
    host.configure(HEAD + program(host) + program(host, "other"))
    host.start()
    host.raise_alerts([1])
    wait_for(lambda: alerts(host) and alerts(host, "other"), "the first")
    host.end()
    cursor = host.own / "take" / "cursor"
    cursor.write_text("{}\n")
    host.start()
    wait_for(lambda: host.is_down("take"), "its being down")
    assert "cursor: fact: origin" in host.sink("take")["error"]
    want = host.raise_alerts(range(2, 5))
    wait_for(lambda: alerts(host, "other")[-3:] == want, "the other sink's")
    wait_for(lambda: host.entries("alert.sink_down"), "the ledger's word")
    assert host.entries("alert.sink_down")[0]["what"]["sink"] == "take"
    host.end()
    assert cursor.read_text() == "{}\n" and len(alerts(host)) == 1  # it is for a person to decide


def test_a_clock_that_was_set_back_hides_nothing(host):
    host.configure(HEAD + program(host, body="exit 1"))
    (host.own / "take").mkdir(parents=True)
    down = {"delivered": 0, "down_index": 0, "down_origin": "assay.invalid/h",
            "down_since": "2100-01-01T00:00:00.000000000Z", "missed": 0, "next": 0,
            "origin": "assay.invalid/h", "refused": 0, "told": False}
    (host.own / "take" / "cursor").write_text(json.dumps(down, separators=(",", ":")) + "\n")
    host.raise_alerts([1])  # it waits from the first moment on
    host.recorder.published()
    host.start()
    wait_for(lambda: host.entries("alert.sink_down"), "the ledger's word", 30)


@pytest.mark.skipif(not ROOT, reason="needs root: owners")
@pytest.mark.parametrize("trap", ["directory", "file", "hard link"])
def test_root_gives_away_nothing_that_is_not_the_uplinks(host, trap):
    """Whoever took an uplink over owns its directory, and root comes back to it at each start."""
    host.configure(HEAD + program(host))
    host.start()
    host.raise_alerts([1])
    wait_for(lambda: alerts(host), "the first")
    host.end()
    prize = host.top / "prize"
    prize.mkdir()
    (prize / "shadow").write_text("root's\n")
    own = host.own / "take"
    if trap == "directory":
        own.rename(host.own / "aside")
        own.symlink_to(prize)
    elif trap == "file":
        (own / "lock").unlink()
        (own / "lock").symlink_to(prize / "shadow")
    else:
        os.link(prize / "shadow", own / "more")
    host.spawn()
    wait_for(lambda: host.process.poll() is not None or host.status().get("pid") ==
             host.process.pid, "its start")
    later(0.5)
    for path in (prize, prize / "shadow"):
        assert path.stat().st_uid == 0
    assert (prize / "shadow").read_text() == "root's\n"
    if trap != "file":
        assert host.process.wait(timeout=30) == 1
        assert str(own) in host.said()


# ---- assay alert test ----

def test_a_trial_is_not_there_because_an_older_ledger_was_longer(host):
    host.configure(HEAD + program(host, body="test -e $0.ok || exit 1\ncat >>$0.got"))
    host.start()
    host.raise_alerts(range(40))
    wait_for(lambda: host.is_down("take"), "its being down")
    (host.spool / "take.ok").touch()
    wait_for(lambda: host.sink("take").get("behind") == 0, "all of them")
    (host.spool / "take.ok").unlink()
    host.raise_alerts([50])
    succeed(host, "example.com/two")
    wait_for(lambda: host.is_down("take"), "its being down again")
    done = host.assay("alert", "test", "--wait", "2", "--json", check=False)
    assert (done.returncode, json.loads(done.stdout)["delivered"]) == (1, 0), done
    (host.spool / "take.ok").touch()
    done = host.assay("alert", "test", "--json")
    assert json.loads(done.stdout)["delivered"] == 1
