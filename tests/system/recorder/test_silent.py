# SPDX-License-Identifier: Apache-2.0
"""A sensor, a monitor and an uplink that are stopped, killed or ended: the recorder notices."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from sensor_host import BIN, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")
SILENCE = 20  # seconds; where nothing is said it is a minute
LONGER = 30  # for a sensor to start in


def bare_host(silence=None):
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-silent-"))
    host = Host(directory)
    host.directory = directory
    if silence:
        host.recorder_options = ["--silence", str(silence)]
    return host


def new_host(silence=None):
    host = bare_host(silence)
    host.start()
    return host


def remove(host):
    host.stop()
    shutil.rmtree(host.directory)


@pytest.fixture
def host():
    host = new_host()
    yield host
    remove(host)


def assay(host, *words):
    return subprocess.run([BIN / "assay", *words, "--state", host.state, "--run", host.run],
                          capture_output=True, text=True, timeout=60, check=False)


def told(host, kind, proc="sensor"):
    return [e for e in host.entries(kind) if e["what"]["proc"] == proc]


def peers(host, event):
    return [e["what"] for e in host.entries("ledger.peer") if e["what"].get("proc") == "sensor" and
            e["what"]["event"] == event]


def open_alerts(host):
    return [json.loads(line) for line in assay(host, "alert", "list", "--json").stdout.splitlines()]


def monitor(host):
    process = subprocess.Popen([BIN / "assay-monitor", "--state", host.state, "--run", host.run,
                                "--table", "users"], stdout=host.log, stderr=host.log)
    expected = host.state / "ledger.private" / "expected"  # whoever gave a sign, and is missed then
    host.wait(lambda: expected.exists() and "monitor" in expected.read_text(), "its first sign")
    return process


def test_a_killed_sensor_is_an_alert_at_once(host):
    killed = host.sensor.pid
    host.sensor.kill()
    host.sensor.wait()
    host.sensor = None
    host.wait(lambda: told(host, "alert.silent"), "the alert", 10)
    alert = told(host, "alert.silent")[0]["what"]
    assert (alert["cause"], alert["severity"], alert["pid"]) == ("ended", "critical", killed)
    assert [a["id"] for a in open_alerts(host)] == [alert["id"]]
    done = assay(host, "status")
    assert done.returncode == 1 and "no sign since" in done.stdout, done.stdout
    time.sleep(1)
    host.start_sensor()
    host.wait(lambda: told(host, "alert.heard"), "that it is back")
    heard = told(host, "alert.heard")[0]["what"]
    assert heard["id"] == alert["id"] and heard["pid"] == host.sensor.pid
    assert heard["silent_ns"] > 10**9 and heard["since"] == alert["since"]
    assert peers(host, "connected")[-1]["away_ns"] > 10**9
    host.wait(lambda: assay(host, "status").returncode == 0, "the recorder's word of it")
    # What it did not see is for somebody to explain.
    assert [a["id"] for a in open_alerts(host)] == [alert["id"]]
    assert "back after" in assay(host, "alert", "list").stdout
    done = assay(host, "alert", "explain", alert["id"], "--change", "INC-1", "--reason", "seen to")
    assert done.returncode == 0, done
    host.wait(lambda: not open_alerts(host), "that it is explained")


def test_a_restart_is_no_alert(host):
    host.end(host.sensor)
    host.start_sensor()
    host.quiet()
    assert not host.entries("alert.silent")
    ended = [e for e in host.entries("integrity.sensor") if e["what"]["event"] == "stopped"][0]
    assert ended["who"]["pid"] == os.getpid() and ended["who"]["uid"] == 0
    assert peers(host, "gone")[0]["reason"] == (
        f"it stops, asked to by process {os.getpid()} of user 0")
    assert 0 < peers(host, "connected")[1]["away_ns"] < 30 * 10**9


def test_killed_again_and_again(host):
    for _ in range(12):
        host.sensor.kill()
        host.sensor.wait()
        host.start_sensor()
    host.quiet()
    assert [e["what"].get("count") for e in told(host, "alert.silent")] == [None, 10]


def status_of(host, name):
    done = assay(host, "status", "--json")
    found = [p for p in json.loads(done.stdout)["processes"] if p["name"] == name]
    return found[0]["state"], found[0].get("missed"), done.returncode


@pytest.fixture
def hosts():
    hosts = [new_host(SILENCE) for _ in range(3)]
    yield hosts
    for host in hosts:
        remove(host)


@pytest.fixture
def never():
    """Three ought to be there: one never comes, one is stopped before it says a word, one is."""
    host = bare_host(LONGER)
    host.start_recorder("--expect", "sensor", "--expect", "monitor", "--expect", "uplink")
    host.start_sensor()
    host.mute = subprocess.Popen(
        ["/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh", BIN / "assay-monitor", "--state",
         host.state, "--run", host.run, "--table", "users"], stdout=host.log, stderr=host.log)
    yield host
    host.mute.kill()
    host.mute.wait()
    remove(host)


def never_heard(host):
    """What was never heard at all is missed, what is there is not."""
    for proc in ("monitor", "uplink"):
        host.wait(lambda p=proc: told(host, "alert.silent", p), "the alert", 6 * SILENCE)
        alert = told(host, "alert.silent", proc)[0]["what"]
        assert (alert["cause"], alert["severity"]) == ("missing", "high") and "pid" not in alert
    assert not told(host, "alert.silent")
    assert status_of(host, "sensor")[:2] == ("running", None)
    host.mute.send_signal(signal.SIGCONT)
    host.wait(lambda: told(host, "alert.heard", "monitor"), "the monitor's first sign")
    heard = told(host, "alert.heard", "monitor")[0]["what"]
    assert heard["pid"] == host.mute.pid and heard["silent_ns"] >= LONGER * 10**9


def test_without_a_sign(hosts, never):
    """Stopped by a signal; ended in good order and not begun again; gone with the recorder; never
    there at all."""
    stopped, ended, both = hosts
    second = monitor(stopped)
    try:
        for process in (stopped.sensor, second):
            process.send_signal(signal.SIGSTOP)
        pid = ended.sensor.pid
        ended.end(ended.sensor)
        ended.sensor = None
        both.sensor.kill()
        both.sensor.wait()
        both.sensor = None
        both.end(both.recorder)
        before = len(both.entries("alert.silent"))
        both.start_recorder()
        time.sleep(SILENCE / 2)
        assert not any(stopped.entries("alert.silent") + ended.entries("alert.silent"))
        for host in hosts:
            host.wait(lambda h=host: len(told(h, "alert.silent")) > (before if h is both else 0),
                      "the alert", 6 * SILENCE)
        stopped.wait(lambda: told(stopped, "alert.silent", "monitor"), "the monitor's", 6 * SILENCE)
        alert = told(stopped, "alert.silent")[0]["what"]
        assert (alert["cause"], alert["severity"]) == ("silent", "critical")
        assert alert["pid"] == stopped.sensor.pid
        stopped.wait(lambda: status_of(stopped, "sensor") == ("not answering", "silent", 1),
                     "the recorder's status")
        assert "no sign since" in assay(stopped, "status").stdout
        found = told(ended, "alert.silent")[0]
        assert (found["what"]["cause"], found["what"]["pid"]) == ("stopped", pid)
        assert found["who"] == {"pid": os.getpid(), "uid": 0}
        assert told(both, "alert.silent")[-1]["what"]["cause"] == "missing"
    finally:
        for process in (stopped.sensor, second):
            process.send_signal(signal.SIGCONT)
    stopped.wait(lambda: told(stopped, "alert.heard"), "that it goes on")
    heard = told(stopped, "alert.heard")[0]["what"]
    assert heard["id"] == alert["id"] and heard["silent_ns"] >= SILENCE * 10**9
    stopped.wait(lambda: status_of(stopped, "sensor") == ("running", None, 0), "a good status")
    never_heard(never)
    stopped.end(second)
