# SPDX-License-Identifier: Apache-2.0
"""The units that are shipped, started by systemd: they must not keep Assay from its work."""
import json
import pathlib
import re
import signal
import subprocess

import pytest

import units_host

UNITS = ("assay-recorder", "assay-sensor", "assay-monitor", "assay-uplink")
LACKS = units_host.why_not()
pytestmark = pytest.mark.skipif(bool(LACKS), reason=f"systemd does not boot here: {LACKS}")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    m = units_host.Machine(tmp_path_factory.mktemp("units"))
    try:
        m.start()
        m.wait(lambda: "assay.target" in m.run("systemctl", "list-units", "--plain", "--no-legend",
                                               "--state=active", "assay.target", status=None),
               "assay.target")
        yield m
    finally:
        m.stop()


def entries(machine, *more):
    return [json.loads(line) for line in machine.run(
        "assay", "log", "--json", "--limit", "0", *more).splitlines()]


def ready(machine):
    for unit in UNITS:
        machine.wait(lambda u=unit: machine.show(u, "ActiveState") == "active", unit)
    # It can open what it is told to watch: once it could not, and only its log said so.
    machine.wait(lambda: machine.pid("assay-sensor") and json.loads(machine.run(
        "assay", "baseline", "show", "--json", status=None) or "{}").get("files"), "a baseline")


def states(machine):
    said = json.loads(machine.run("assay", "status", "--json", status=None))
    return {p["name"]: p["state"] for p in said["processes"]}


def told(machine, name):
    return [e for e in entries(machine, "--kind", "integrity.change")
            if e["what"].get("path") == f"/srv/{name}"]


def change(machine, name):
    """A file made by a process inside; the entry of it."""
    machine.run("sh", "-c", f"echo text >/srv/{name}; sleep 0.5")
    machine.wait(lambda: told(machine, name), f"a change of {name}")
    return told(machine, name)[0]


def test_everything_starts_and_works(machine):
    ready(machine)
    entry = change(machine, "one")
    assert entry["what"]["change"] == "created"
    assert json.loads(machine.run("assay", "verify", "--json"))["verdict"] == "good"
    # A unit is active before its process has said how it is.
    machine.wait(lambda: states(machine) == dict.fromkeys((u[6:] for u in UNITS), "running"),
                 "a word of each")
    machine.run("assay", "status")
    # Nothing was asked of the kernel that a unit forbids, or the process would have ended.
    for unit in UNITS:
        assert machine.show(unit, "NRestarts") == "0", machine.said()
        assert machine.show(unit, "Result") == "success"


def test_only_what_is_known_is_executed(machine):
    ready(machine)
    machine.run("/srv/bin/known")
    machine.run("cp", "/bin/true", "/srv/bin/stranger")
    machine.wait(lambda: subprocess.run(machine.inside("sh", "-c", "exec /srv/bin/stranger"),
                                        capture_output=True, check=False).returncode == 126,
                 "a refusal")
    machine.run("/srv/bin/known")
    machine.wait(lambda: [e for e in entries(machine, "--kind", "integrity.execution")
                          if e["what"]["path"] == "/srv/bin/stranger"], "the entry of it")


def read_only(machine, unit, path):
    """For this process."""
    mounts = pathlib.Path(f"/proc/{machine.pid(unit)}/mountinfo").read_text().splitlines()
    best = max((line.split() for line in mounts
                if (path + "/").startswith(line.split()[4].rstrip("/") + "/")),
               key=lambda m: len(m[4]))
    return "ro" in best[5].split(",")


@pytest.mark.parametrize("unit, bounding", [
    ("assay-recorder", set()),
    ("assay-uplink", set()),
    ("assay-sensor", None)])
def test_what_is_left_of_their_rights(machine, unit, bounding):
    ready(machine)
    status = dict(line.split(":\t", 1) for line in
                  pathlib.Path(f"/proc/{machine.pid(unit)}/status").read_text().splitlines()
                  if ":\t" in line)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    may = set(machine.show(unit, "CapabilityBoundingSet").split())
    assert may and "cap_sys_module" not in may
    if bounding is not None:  # it has become its user and kept nothing
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
        assert status["Uid"].split()[0] != "0"
        assert read_only(machine, unit, "/etc")
        assert not read_only(machine, unit, "/var/lib/assay")
    said = json.loads(machine.run("cat", f"/run/assay/{unit[6:]}.status").split("\n")[0])
    states = {name: state for name, state, _ in said["sandbox"]}
    assert states["seccomp"] == "applied" and set(states.values()) <= {"applied", "not asked"}


def test_keys_where_there_is_a_registry(machine):
    ready(machine)
    assert machine.show("assay-keys", "ConditionResult") == "no"
    assert machine.show("assay-keys", "ActiveState") == "inactive"
    machine.run("mkdir", "/var/lib/assay/registry")
    config = {"version": 1, "authors": {"bert@example.org": "bert"}, "repositories": {"services": {
        "path": "/srv/services.git", "protected": ["refs/heads/main"],
        "signers": "/etc/assay/api.signers", "apis": {"accounts": "accounts"}}}}
    for part, name in (("builders", "ci"), ("approvers", "anna")):
        vkey = machine.run("assay", "change", "key", name, f"/tmp/{name}.key").strip()
        config[part] = [{"name": name, "vkey": vkey}]
    machine.run("sh", "-c", f"echo '{json.dumps(config)}' >/var/lib/assay/registry/registry.yaml")
    machine.run("systemctl", "start", "assay-keys")
    try:
        machine.wait(lambda: states(machine).get("keys") == "running", "a word of it")
        status = dict(line.split(":\t", 1) for line in pathlib.Path(
            f"/proc/{machine.pid('assay-keys')}/status").read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        assert int(status["CapEff"], 16) == 0 and status["Uid"].split()[0] != "0"
        assert machine.run("stat", "-c", "%U %a", "/var/lib/assay/jwks").strip() == "assay-gw 755"
        assert machine.run("stat", "-c", "%U %a", "/run/assay/keys.sock").strip() == "assay-gw 600"
        before = machine.pid("assay-keys")
        machine.run("systemctl", "reload", "assay-keys")
        machine.wait(lambda: machine.pid("assay-keys") not in (before, 0, None), "a new one")
        machine.wait(lambda: machine.show("assay-keys", "ActiveState") == "active", "it")
        assert machine.show("assay-keys", "Result") == "success"
    finally:
        machine.run("systemctl", "stop", "assay-keys")


def test_alerts_reach_the_journal_and_a_program(machine):
    ready(machine)
    sent = json.loads(machine.run("assay", "alert", "test", "--json"))
    assert sent["delivered"] == sent["sinks"] == 3
    found = [json.loads(line) for line in machine.run(
        "journalctl", "--no-pager", "-o", "json", "-t", "assay").splitlines()]
    trial = [m for m in found if m.get("ASSAY_KIND") == "alert.test"][-1]
    entry = entries(machine, "--kind", "alert.test")[-1]
    assert json.loads(trial["ASSAY_ENTRY"]) == entry
    assert trial["ASSAY_INDEX"] == str(sent["index"]) and trial["PRIORITY"] == "5"
    assert trial["MESSAGE"].endswith(entry["what"]["test"])
    assert trial["_SYSTEMD_UNIT"] == "assay-uplink.service"
    logged = [m for m in found if m.get("_TRANSPORT") == "syslog" and "ASSAY_KIND" not in m][-1]
    assert (logged["SYSLOG_IDENTIFIER"], logged["SYSLOG_FACILITY"], logged["PRIORITY"]) == (
        "assay", "10", "5")
    assert logged["MESSAGE"].startswith(f"alert.test index={sent['index']} origin=")
    noted = machine.run("cat", "/tmp/noted").splitlines()
    assert json.loads(noted[-1])["entry"] == entry
    machine.run("systemctl", "restart", "assay-uplink")
    ready(machine)
    again = json.loads(machine.run("assay", "alert", "test", "--json"))
    assert again["delivered"] == 3
    assert [json.loads(line)["index"] for line in machine.run("cat", "/tmp/noted").splitlines()][
        -2:] == [sent["index"], again["index"]]


def sinks(machine):
    status = machine.run("cat", "/run/assay/uplink.status").split("\n")[0]
    return [s["name"] for s in json.loads(status)["more"]["sinks"]]


def test_reload_of_the_uplink(machine):
    """A file with a mistake fails it, and what runs goes on; a good one is used."""
    ready(machine)
    good = machine.run("cat", "/etc/assay/deliver.yaml")
    before, restarts = machine.pid("assay-uplink"), machine.show("assay-uplink", "NRestarts")
    machine.run("sh", "-c", "echo '  bad: {type: jornal}' >>/etc/assay/deliver.yaml")
    machine.run("systemctl", "reload", "assay-uplink", status=1)
    assert machine.pid("assay-uplink") == before and "bad" not in sinks(machine)
    assert json.loads(machine.run("assay", "alert", "test", "--json"))["delivered"] == 3
    machine.run("sh", "-c", 'printf "%s  more: {type: journal}\n" "$1" >/etc/assay/deliver.yaml',
                "sh", good)
    machine.run("systemctl", "reload", "assay-uplink")
    machine.wait(lambda: "more" in sinks(machine), "the new sink")
    ready(machine)
    assert int(machine.show("assay-uplink", "NRestarts")) == int(restarts) + 1
    assert machine.show("assay-uplink", "Result") == "success"
    assert json.loads(machine.run("assay", "alert", "test", "--json"))["delivered"] == 4
    machine.run("sh", "-c", 'printf "%s" "$1" >/etc/assay/deliver.yaml', "sh", good)
    machine.run("systemctl", "reload", "assay-uplink")
    machine.wait(lambda: "more" not in sinks(machine), "the old file")


def test_killed_and_started_again(machine):
    ready(machine)
    for n, unit in enumerate(UNITS, 1):
        before, restarts = machine.pid(unit), int(machine.show(unit, "NRestarts"))
        machine.kill(unit)
        machine.wait(lambda u=unit, r=restarts: int(machine.show(u, "NRestarts")) > r, "a restart")
        ready(machine)
        assert machine.pid(unit) != before
        assert change(machine, f"after-{n}")
    assert json.loads(machine.run("assay", "verify", "--json"))["verdict"] == "good"


def test_whoever_ends_it_again_and_again_does_not_end_it(machine):
    """Also by a signal that it takes for an order to stop; only systemctl stop ends it."""
    ready(machine)
    for unit in UNITS:
        before = machine.pid(unit)
        machine.kill(unit, signal.SIGTERM)
        machine.wait(lambda u=unit, b=before: machine.pid(u) not in (b, 0, None), f"{unit} again")
    ready(machine)
    for n in range(12):
        before = machine.pid("assay-sensor")
        machine.kill("assay-sensor")
        machine.wait(lambda b=before: machine.pid("assay-sensor") not in (b, 0, None),
                     f"the sensor after death {n + 1}")
    ready(machine)
    assert change(machine, "after-many")
    deaths = [e["what"] for e in entries(machine, "--kind", "alert.silent")
              if e["what"]["proc"] == "sensor" and e["what"]["cause"] == "ended"]
    assert deaths  # those of a sensor that had come as far as to send a beat
    machine.run("systemctl", "stop", "assay-monitor")
    try:
        machine.wait(lambda: [e for e in entries(machine, "--kind", "ledger.peer")
                              if e["what"].get("proc") == "monitor" and e["what"].get("reason") ==
                              "it stops, asked to by process 1 of user 0"], "who asked it to stop")
    finally:
        machine.run("systemctl", "start", "assay-monitor")


def test_reload(machine):
    ready(machine)
    machine.run("sh", "-c", "echo 'version: 1\nprofiles:\n  s: {mode: log, paths: [/srv, /opt/x]}' "
                            ">/etc/assay/watch.yaml")
    machine.run("systemctl", "reload", "assay-sensor")
    machine.wait(lambda: any("/opt/x" in json.dumps(e) for e in
                             entries(machine, "--kind", "integrity.watch")), "the new watch")
    assert change(machine, "after-reload")


def test_succession(machine):
    """Exit status 75 is a restart, on the ledger that is there then."""
    ready(machine)
    old = machine.run("assay", "ledger", "vkey").strip()
    key = machine.run("assay", "ledger", "succeed", "--reason", "r", "--origin",
                      "example.com/next").strip()
    machine.wait(lambda: "ledger.opened" in machine.run("assay", "log", "--json", status=None),
                 "the next ledger")
    ready(machine)
    assert change(machine, "in-the-next")
    assert machine.run("assay", "ledger", "vkey").strip() == key != old
    machine.run("assay", "verify", "/var/lib/assay/ledger.1", "--key", old, "--successor",
                "/var/lib/assay/ledger")


def test_what_comes_again_and_again(machine):
    """The timers are off; what they start does its work inside its bounds, and fails loudly."""
    timers = ("assay-prune.timer", "assay-succeed.timer")
    for timer in timers:
        assert machine.run("systemctl", "is-enabled", timer, status=None).strip() == "disabled"
        assert machine.show(timer, "ActiveState") == "inactive"
    machine.run("systemctl", "enable", "--now", *timers)
    for timer in timers:
        assert machine.show(timer, "ActiveState") == "active"
        assert machine.show(timer, "NextElapseUSecRealtime")
    machine.run("systemctl", "start", "assay-prune.service")  # there is no policy
    assert machine.show("assay-prune.service", "ConditionResult") == "no"
    machine.run("sh", "-c", "echo 'version: 1\nkeep: 400d\naudit_period: 365d' "
                            ">/etc/assay/retention.yaml")
    machine.run("systemctl", "start", "assay-prune.service")
    assert machine.show("assay-prune.service", "ConditionResult") == "yes"
    assert machine.show("assay-prune.service", "Result") == "success"
    ready(machine)
    machine.run("systemctl", "start", "assay-succeed.service", status=None)  # .../next is no year
    assert machine.show("assay-succeed.service", "Result") == "exit-code"
    old = machine.run("assay", "ledger", "succeed", "--reason", "r", "--origin",
                      "example.com/next/2025").strip()
    ready(machine)
    machine.wait(lambda: machine.run("assay", "ledger", "vkey", status=None).strip() == old,
                 "the ledger of a past year")
    machine.run("systemctl", "start", "assay-succeed.service")
    assert machine.show("assay-succeed.service", "Result") == "success"
    ready(machine)
    new = machine.run("assay", "ledger", "vkey").strip()
    assert re.match(r"example\.com/next/20(2[6-9]|[3-9]\d)\+", new)
    machine.run("assay", "verify", "/var/lib/assay/ledger.3", "--key", old, "--successor",
                "/var/lib/assay/ledger")
    machine.run("systemctl", "disable", "--now", *timers)


def test_stop(machine):
    """The last of the file: in order, with an entry, within their time."""
    ready(machine)
    machine.run("systemctl", "stop", "assay.target", *UNITS)
    for unit in UNITS:
        assert machine.show(unit, "ActiveState") == "inactive"
        assert machine.show(unit, "Result") == "success"
    found = [e["k"] for e in entries(machine)]
    assert found[-1] == "ledger.stopped"
    assert re.search(r"\bGOOD\b", machine.run("assay", "verify"))
