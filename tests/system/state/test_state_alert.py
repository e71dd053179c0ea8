# SPDX-License-Identifier: Apache-2.0
"""Rows of the host's state that alert: which, when nothing explains them, and one for each act."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from recorder_host import BIN
from state_host import StateHost
from watched_host import profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: reads what root may")
ROOT = "root:x:0:0::/root:/bin/sh\n"
EVE = "eve:x:0:0::/root:/bin/sh\n"


@pytest.fixture(name="host")
def _host():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-alert-", dir="/var/tmp"))
    host = StateHost(directory, "groups", "users")
    (directory / "config").mkdir()
    host.config = directory / "config"
    host.more += ["--config", host.config]
    host.put("/etc/passwd", ROOT)
    host.put("/etc/group", "root:x:0:\nadm:x:4:\n")
    yield host
    host.stop()
    shutil.rmtree(directory)


def assay(host, *words):
    return subprocess.run([BIN / "assay", *words, "--state", host.state, "--run", host.run],
                          capture_output=True, text=True, check=False)


def alerts(host):
    return [e["what"] for e in host.entries("alert.state")]


def test_what_nothing_explains_alerts(host):
    host.start()
    host.put("/etc/passwd", ROOT + EVE)
    host.put("/etc/group", "root:x:0:\nadm:x:4:eve\nsudo:x:27:eve\n")
    host.changed("users")
    host.changed("groups", 2)
    users, groups = sorted(alerts(host), key=lambda a: a["table"], reverse=True)
    assert (users["table"], users["change"], users["count"]) == ("users", "added", 1)
    assert users["rows"] == [] and users["severity"] == "high" and users["detail"]
    assert (groups["change"], groups["count"], groups["rows"]) == ("several", 2, [])
    assert {e["why"]["alert"] for e in host.entries("state.change")} == {users["id"], groups["id"]}
    assert {e["why"]["state"] for e in host.entries("state.change")} == {"unexplained"}
    # The alert is there before what it is about.
    order = [e["k"] for e in map(json.loads, host.recorder.assay(
        "log", "--json", "--limit", "0").splitlines())
        if e.get("what", {}).get("table") == "users"]
    assert order.index("alert.state") < order.index("state.change")
    done = assay(host, "alert")
    assert done.returncode == 1 and "groups several" in done.stdout and " eve" not in done.stdout
    shown = assay(host, "alert", "show", groups["id"], "--json").stdout.splitlines()
    assert [json.loads(line)["k"] for line in shown] == ["alert.state"] + 2 * ["state.change"]


def test_state_yaml_says_which(host):
    (host.config / "state.yaml").write_text(
        "version: 1\ntables:\n  users: {alert: no}\n  groups: {alert: [members, removed]}\n")
    host.start()
    host.put("/etc/passwd", ROOT + EVE)
    host.put("/etc/group", "root:x:0:\nadm:x:4:\nnew:x:100:\n")
    host.changed("users")
    host.changed("groups")
    assert not alerts(host)
    host.put("/etc/group", "root:x:0:\nadm:x:4:eve\nnew:x:100:\n")
    host.changed("groups", 2)
    assert [(a["change"], a["count"]) for a in alerts(host)] == [("changed", 1)]
    host.put("/etc/group", "root:x:0:\nadm:x:4:eve\n")
    host.changed("groups", 3)
    assert [(a["change"], a["count"]) for a in alerts(host)[1:]] == [("removed", 1)]


def test_rows_that_name_nobody_are_named(host):
    host.tables = ["--table", "modules"]
    host.put("/proc/modules", "ext4 100 0 - Live 0x0\n")
    host.start()
    host.put("/proc/modules", "ext4 100 0 - Live 0x0\nrootkit 100 0 - Live 0x0 (OE)\n")
    host.wait(lambda: alerts(host), "an alert")
    (alert,) = alerts(host)
    assert (alert["table"], alert["rows"], alert["change"]) == ("modules", ["rootkit"], "added")
    assert "rootkit" in assay(host, "alert").stdout


def test_what_explains_the_file_explains_the_row(host):
    """And one act makes one alert: rows are counted in that of their file."""
    (host.config / "watch.yaml").write_text(
        "version: 1\nprofiles:\n" + profile("w", "alert", [host.root / "etc" / "passwd"]) +
        profile("l", "log", [host.root / "etc" / "group"]))
    host.recorder.start()
    log = open(host.log_path.with_name("sensor.log"), "ab")
    sensor = subprocess.Popen([BIN / "assay-sensor", "--state", host.state, "--run", host.run,
                               "--config", host.config], stdout=log, stderr=log)
    try:
        host.wait(lambda: host.entries("integrity.baseline"), "the first baseline")
        host.start_monitor()
        host.put("/etc/passwd", ROOT + EVE)
        host.changed("users")
        (raised,) = host.entries("alert.raised")
        (row,) = host.entries("state.change")
        assert not alerts(host) and row["why"]["alert"] == raised["what"]["id"]
        shown = assay(host, "alert", "show", raised["what"]["id"], "--json").stdout
        assert "state.change" in shown
        # where the file's profile only logs, the rows have an alert of their own
        host.put("/etc/group", "root:x:0:\nadm:x:4:eve\n")
        host.changed("groups")
        (alert,) = alerts(host)
        assert alert["table"] == "groups" and "cause" in alert
        done = assay(host, "change", "open", "CHG-1", "--path", host.root / "etc", "--for", "1h",
                     "--reason", "r")
        assert done.returncode == 0, done
        host.put("/etc/passwd", ROOT)
        host.put("/etc/group", "root:x:0:\nadm:x:4:\n")
        host.changed("users", 2)
        host.changed("groups", 2)
        assert len(alerts(host)) == 1 and len(host.entries("alert.raised")) == 1
        assert [e["why"] for e in host.entries("state.change")[2:]] == 2 * [{"state": "change"}]
    finally:
        sensor.terminate()
        sensor.wait(timeout=60)
        log.close()
