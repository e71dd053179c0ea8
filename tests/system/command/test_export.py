# SPDX-License-Identifier: Apache-2.0
"""assay export ocsf: events that the schema accepts, of which nothing of the entry is lost."""
import functools
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tarfile
import threading

import pytest

import kind_entries
from assay_tool import BIN, assay, good, lines, refused
from ocsf_schema import Schema
from recorder_host import Peer, Recorder
from sensor_host import Host

ORIGIN = "example.com/log"
RANDOM = 2000


@pytest.fixture(scope="module")
def schema():
    if not os.environ.get("ASSAY_DATA"):
        pytest.skip("ASSAY_DATA is not set: ocsf")
    return Schema(pathlib.Path(os.environ["ASSAY_DATA"]) / "ocsf")


def ledger_of(path, entries):
    good("ledger", "init", path, "--origin", ORIGIN)
    good("ledger", "append", path, data=lines(*entries))
    return path


def events(path, *args):
    return [json.loads(line) for line in good("export", "ocsf", path, *args).splitlines()]


def judge(schema, found):
    said = [(e["metadata"]["event_code"], c) for e in found if "event_code" in e["metadata"]
            for c in schema.complaints(e)]
    assert said == []


# ---- the schema ----

@pytest.fixture(scope="module")
def full(tmp_path_factory):
    entries = kind_entries.full_entries()
    return entries, ledger_of(tmp_path_factory.mktemp("full") / "L", entries)


def test_every_kind_with_every_field(schema, full):
    entries, path = full
    found = events(path)
    assert [e["metadata"]["event_code"] for e in found] == [e["k"] for e in entries]
    judge(schema, found)
    assert {k.name: k.ocsf for k in kind_entries.kinds()} == {
        e["metadata"]["event_code"]: e["class_uid"] for e in found}


@pytest.mark.parametrize("seed", [1, 2])
def test_random_entries(schema, tmp_path, seed):
    entries = kind_entries.random_entries(RANDOM, seed)
    found = events(ledger_of(tmp_path / "L", entries))
    assert len(found) == RANDOM
    judge(schema, found)
    for entry, event in zip(entries, found):
        assert lost(entry, event) == []


def test_any_object_is_an_event(schema, tmp_path):
    objects = [{}, {"a": {"b": [1, None, True, "x"]}}, {"k": "no.such", "v": 1}, {"t": "yesterday"},
               {"k": "integrity.change", "v": 1, "what": [], "who": 1, "why": None},
               {"k": "integrity.change", "v": 99, "t": "2026-11-21T18:00:00.000000000Z"},
               {"k": "integrity.change", "v": 1, "what": {"path": 7, "mine": {"x": []}}},
               {"t": "1960-01-01T00:00:00.000000000Z", "src": {"host": "h", "proc": 1}}]
    found = events(ledger_of(tmp_path / "L", objects))
    assert [schema.complaints(e) for e in found] == [[]] * len(objects)
    assert [e["class_uid"] for e in found] == [0, 0, 0, 0, 1001, 0, 1001, 0]
    for entry, event in zip(objects, found):
        assert lost(entry, event) == []


def test_a_real_run(schema, tmp_path):
    host = Host(tmp_path)
    try:
        (host.tree / "kept").write_text("1")
        host.start()
        for act, word in ((lambda: (host.tree / "new").write_text("x"), "created"),
                          (lambda: (host.tree / "kept").write_text("2"), "modified"),
                          (lambda: (host.tree / "kept").chmod(0o600), "attributes"),
                          (lambda: (host.tree / "new").rename(host.tree / "moved"), "renamed"),
                          (lambda: (host.tree / "moved").unlink(), "deleted")):
            act()
            host.wait(lambda: word in {c["what"]["change"] for c in host.changes()}, word)
        wanted = {"integrity.change", "integrity.baseline", "ledger.opened", "ledger.peer"}
        host.wait(lambda: wanted <= {e["k"] for e in host.entries()}, "all kinds")
    finally:
        host.stop()
    entries = host.entries()
    found = events(host.state / "ledger")
    judge(schema, found)
    for entry, event in zip(entries, found):
        assert lost(entry, event) == []
    changes = [e for e in found if e["class_uid"] == 1001]
    assert {1, 3, 4, 5, 7} <= {e["activity_id"] for e in changes}
    assert all(e["actor"]["process"]["pid"] == os.getpid() for e in changes
               if "process" in e["actor"])
    made = next(e for e in changes if e["activity_id"] == 1 and e["file"]["name"] == "new")
    assert made["file"]["path"] == str(host.tree / "new")
    assert made["message"].startswith(f"created {host.tree}/new")


# ---- nothing is lost ----

def inside(value):
    """Every value in a value."""
    yield value
    for item in value.values() if isinstance(value, dict) else \
            value if isinstance(value, list) else []:
        yield from inside(item)


def same(a, b):
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def members(entry):
    """(path, value) of what an entry says; parts are taken apart, fields are not."""
    for key, value in entry.items():
        if key in ("src", "what", "who", "why") and isinstance(value, dict):
            for name, item in value.items():
                yield (key, name), item
        else:
            yield (key,), value


def lost(entry, event):
    """What of the entry is neither at its own place in unmapped nor, exactly, elsewhere in the
    event (an integer perhaps as text, a list of texts perhaps as names)."""
    elsewhere = {json.dumps(v, sort_keys=True) for key, part in event.items()
                 if key not in ("unmapped", "message", "raw_data", "observables")
                 for v in inside(part)}
    names = {r.get("name") for r in event.get("resources", [])}
    out = []
    for path, value in members(entry):
        at = event["unmapped"]
        for key in path:
            at = at.get(key, ...) if isinstance(at, dict) else ...
        if at is not ... and same(at, value):
            continue
        forms = [value] + ([str(value)] if isinstance(value, int) else [])
        if any(json.dumps(f, sort_keys=True) in elsewhere for f in forms):
            continue
        if isinstance(value, list) and value and set(map(str, value)) <= names:
            continue
        out.append((path, value))
    return out


def unlike_any_other(kind, serial):
    """An entry whose every field says what stands nowhere else."""
    entry = {"id": f"01JD8Z3R9M-web1-4-{serial}", "k": kind.name, "v": 1,
             "t": "2026-11-21T18:00:00.123456789Z",
             "src": {"host": "web1", "proc": kind.owner, "run": 4_000_017, "seq": 5_000_019}}
    for n, field in enumerate(f for f in kind.fields if not f.sensitive):
        made = {"text": f"text-{n}", "integer": 6_000_000 + n, "unsigned": 7_000_000 + n,
                "true or false": True, "SHA-256": f"{8_000_000 + n:064x}",
                "time": f"2026-10-01T00:00:{n % 60:02}.{n:09}Z", "array": [f"item-{n}"],
                "object": {f"key_{n}": n}}[field.type]
        if field.path == "who.parents":
            made = [[9_000_001, "/usr/bin/only", 9_000_002], [9_000_003, "other", None]]
        kind_entries.put(entry, field.path, made)
    return entry


def test_nothing_is_lost(tmp_path):
    """With values that cannot be taken for another's; and what is lost is seen to be."""
    table = kind_entries.kinds()
    entries = [unlike_any_other(kind, n) for n, kind in enumerate(table)]
    found = events(ledger_of(tmp_path / "L", entries))
    for entry, event in zip(entries, found):
        assert lost(entry, event) == [], entry["k"]
        event["unmapped"].clear()
        assert (("src", "seq"), 5_000_019) in lost(entry, event)


# ---- what an analyst expects, by hand ----

FILE = {"change": "modified", "mode": "alert", "path": "/etc/hosts", "seen": "live"}
WHO = {"auid": 1000, "comm": "vi", "exe": "/usr/bin/vi", "login": "ssh", "pid": 17, "ppid": 9,
       "session": 4, "uid": 0}
EXPECTED = [
    ("integrity.change", {"what": {**FILE, "change": "created"}, "why": {"state": "package"}},
     {"class_uid": 1001, "type_uid": 100101, "severity_id": 1}),
    ("integrity.change", {"what": FILE, "who": WHO, "why": {"state": "unexplained"}},
     {"type_uid": 100103, "severity_id": 4, "file.path": "/etc/hosts", "file.name": "hosts",
      "actor.user.uid": "1000", "actor.process.user.uid": "0", "actor.process.pid": 17,
      "actor.process.file.path": "/usr/bin/vi", "actor.process.parent_process.pid": 9,
      "actor.session.uid": "4", "actor.session.is_remote": True, "disposition": "Logged"}),
    ("integrity.change", {"what": {**FILE, "mode": "log"}, "why": {"state": "unexplained"}},
     {"severity_id": 2}),
    ("integrity.change", {"what": {**FILE, "change": "deleted", "old_size": 7,
                                   "old_sha256": "ab" * 32, "type": "file"}},
     {"type_uid": 100104, "file.size": 7, "file.hashes.0.value": "ab" * 32, "file.type_id": 1,
      "file_result": ...}),
    ("integrity.change", {"what": {**FILE, "change": "renamed", "from": "/etc/h"}},
     {"type_uid": 100105, "file.path": "/etc/h", "file_result.path": "/etc/hosts"}),
    ("integrity.change", {"what": {**FILE, "change": "attributes", "differs": ["mode"],
                                   "new_mode": "4755", "old_mode": "0755"}},
     {"type_uid": 100107, "file.attributes": 0o755, "file_result.attributes": 0o4755}),
    ("integrity.change", {"what": {**FILE, "change": "attributes", "differs": ["mtime"]}},
     {"type_uid": 100106}),
    ("integrity.change", {"what": {**FILE, "change": "transient"}},
     {"type_uid": 100199, "activity_name": "transient"}),
    ("integrity.denied", {"what": {"call": "unlink", "path": "/etc/x", "error": "EPERM"}},
     {"type_uid": 100104, "action": "Denied", "disposition": "Blocked", "status": "Failure",
      "status_code": "EPERM", "is_alert": True, "actor.app_name": "unknown"}),
    ("integrity.execution", {"what": {"decision": "refused", "path": "/tmp/x", "reason": "unknown",
                                      "sha256": "cd" * 32}, "who": WHO},
     {"type_uid": 100701, "process.pid": 17, "process.file.path": "/tmp/x", "action_id": 2,
      "process.file.hashes.0.value": "cd" * 32, "launch_type": "Exec", "severity_id": 4}),
    ("integrity.execution", {"what": {"decision": "unjudged", "path": "/tmp/x", "reason": "lapse"},
                             "who": WHO},
     {"type_uid": 100701, "process.file.path": "/tmp/x", "action_id": 1, "severity_id": 4,
      "disposition": "Allowed", "status_id": 1}),
    ("integrity.execution", {"what": {"decision": "more", "count": 5, "reason": "many"}},
     {"type_uid": 100701, "process.uid": "unknown", "disposition": "Count"}),
    ("alert.raised", {"what": {"id": "a1", "severity": "critical", "path": "/etc/x",
                               "change": "modified", "seen": "live"}},
     {"type_uid": 200401, "severity_id": 5, "status": "New", "finding_info.uid": "a1",
      "evidences.0.file.path": "/etc/x", "is_alert": True}),
    ("alert.updated", {"what": {"id": "a1", "severity": "high", "count": 3, "state": "open",
                                "first": "2026-11-21T18:00:00.000000001Z", "profiles": [],
                                "last": "2026-11-21T18:00:01.000000000Z", "paths": ["/a", "/b"]}},
     {"type_uid": 200402, "severity_id": 4, "status": "In Progress",
      "finding_info.related_events_count": 3, "resources.1.name": "/b",
      "finding_info.first_seen_time": 1795284000000}),
    ("alert.explained", {"what": {"id": "a1", "change": "c", "reason": "late ticket"}},
     {"type_uid": 200403, "status": "Resolved", "severity_id": 1}),
    ("alert.sink_down", {"what": {"sink": "siem", "type": "syslog", "index": 7, "origin": "o",
                                  "reason": "refused", "severity": "high",
                                  "since": "2026-11-21T18:00:00.000000000Z"}},
     {"type_uid": 100899, "activity_name": "Sink down", "severity_id": 4, "status": "Failure",
      "status_detail": "refused", "actor.app_name": "assay-uplink"}),
    ("integrity.quarantined", {"what": {"id": "q", "path": "/etc/x", "reason": "changed",
                                        "state_size": 3}},
     {"type_uid": 700201, "disposition": "Quarantined", "file.size": 3}),
    ("api.approved", {"what": {"api": "accounts", "change": "CHG-7", "sha256": "ab" * 32,
                               "version": "1.4.0"}},
     {"type_uid": 300408, "entity.name": "accounts", "entity.uid": "ab" * 32,
      "entity.version": "1.4.0", "comment": "CHG-7"}),
    ("api.deployed", {"what": {"api": "accounts", "change": "CHG-7", "sha256": "ab" * 32,
                               "version": "1.4.0"}, "who": {"pid": 3, "uid": 0}},
     {"type_uid": 600201, "app.name": "accounts", "app.version": "1.4.0", "app.uid": "ab" * 32,
      "app.vendor_name": "API package", "status_detail": "CHG-7", "actor.user.uid": "0"}),
    ("api.pushed", {"what": {"api": "accounts", "sha256": "ab" * 32, "version": "1.4.0"}},
     {"type_uid": 300401, "entity.name": "accounts", "status": "Success"}),
    ("api.refused", {"what": {"act": "push", "detail": "no good signature"}},
     {"type_uid": 300499, "activity_name": "push", "status": "Failure", "severity_id": 4,
      "status_detail": "no good signature", "entity.name": "unknown"}),
    ("api.keys", {"what": {"issuer": "https://id.example.org", "url": "https://id.example.org/k",
                           "sha256": "ab" * 32, "state": "changed", "keys": 2}},
     {"type_uid": 300403, "status": "Success", "severity_id": 1, "entity.type": "Key set",
      "entity.name": "https://id.example.org", "entity.version": "ab" * 32}),
    ("api.keys", {"what": {"issuer": "i", "url": "https://i/k", "state": "failing", "keys": 0,
                           "detail": "status 404"}},
     {"type_uid": 300403, "status": "Failure", "severity_id": 3, "entity.uid": "https://i/k",
      "status_detail": "status 404"}),
    ("token.created", {"what": {"id": "5eukhnl4bdg2mjmw", "groups": ["g"]}},
     {"type_uid": 300401, "entity.type": "API token", "entity.uid": "5eukhnl4bdg2mjmw"}),
    ("token.revoked", {"what": {"id": "5eukhnl4bdg2mjmw", "groups": []}},
     {"type_uid": 300404, "entity.uid": "5eukhnl4bdg2mjmw", "status": "Success"}),
    ("api.rolled_back", {"what": {"api": "accounts", "reason": "slow", "version": "1.3.9"}},
     {"type_uid": 600299, "activity_name": "Roll back", "app.version": "1.3.9",
      "status_detail": "slow"}),
    ("api.withdrawn", {"what": {"api": "accounts", "previous_sha256": "ab" * 32}},
     {"type_uid": 600202, "app.name": "accounts", "app.uid": "ab" * 32}),
    ("integrity.restored", {"what": {"act": "replaced", "by": "p", "path": "/etc/x"}},
     {"type_uid": 700203, "disposition": "Restored", "status": "Success"}),
    ("integrity.not_restored", {"what": {"by": "p", "path": "/etc/x", "reason": "limit"}},
     {"type_uid": 700203, "disposition": "Uncorrected", "status": "Failure", "severity_id": 4}),
    ("integrity.reread", {"what": {"found": 2, "files": 9, "unread": 1, "bytes": 5,
                                   "period_s": 60, "from": "2026-11-21T18:00:00.000000000Z",
                                   "until": "2026-11-21T18:00:01.000000000Z"}},
     {"type_uid": 600702, "num_detections": 2, "num_files": 9, "end_time": 1795284001000}),
    ("integrity.package", {"what": {"event": "package", "action": "upgrade", "id": "t",
                                    "name": "bash", "new_version": "5.2"}},
     {"type_uid": 600208, "app.name": "bash", "app.version": "5.2"}),
    ("integrity.sensor", {"what": {"event": "stopped", "version": "0.1"}},
     {"type_uid": 600204, "app.name": "assay-sensor", "app.version": "0.1"}),
    ("integrity.guard", {"what": {"event": "lapsed", "directories": 1, "files": 2}},
     {"type_uid": 600207, "severity_id": 4, "app.name": "assay-guard"}),
    ("integrity.command", {"what": {"state": "refused", "verb": "restore", "error": "no"}},
     {"class_uid": 6003, "api.operation": "restore", "activity_name": "restore",
      "status": "Failure", "status_detail": "no", "src_endpoint.hostname": "web1"}),
    ("integrity.approval", {"what": {"event": "closed", "id": "c1"}},
     {"type_uid": 300411, "entity.uid": "c1", "entity.type": "Approved change"}),
    ("integrity.watch", {"what": {"event": "refused", "config_from": "/etc/assay/watch.yaml"}},
     {"type_uid": 300403, "status": "Failure", "entity.name": "/etc/assay/watch.yaml"}),
    ("integrity.deny", {"what": {"event": "lifted"}},
     {"type_uid": 501901, "state": "Disabled", "state_id": 1}),
    ("integrity.folded", {"what": {"count": 7, "paths": 3, "profile": "homes", "sort": "new",
                                   "uid": 1000, "mode": "alert", "kept": True}},
     {"type_uid": 100899, "activity_name": "Folded", "severity_id": 4, "status": "Success"}),
    ("integrity.mount", {"what": {"event": "mounted", "id": "1-1", "path": "/etc",
                                  "fstype": "tmpfs"}},
     {"type_uid": 100112, "activity_name": "Mount", "file.path": "/etc", "severity_id": 3,
      "unmapped.what.fstype": "tmpfs"}),
    ("integrity.mount", {"what": {"event": "unmounted", "id": "1-1", "path": "/etc"}},
     {"type_uid": 100113, "activity_name": "Unmount"}),
    ("integrity.gap", {"what": {"reason": "overflow"}},
     {"type_uid": 100899, "severity_id": 4, "activity_name": "Gap", "status_detail": "overflow",
      "actor.app_name": "assay-sensor"}),
    ("ledger.opened", {"what": {"size": 0}}, {"type_uid": 100806, "log_name": ORIGIN}),
    ("ledger.stopped", {"what": {"reason": "asked"}}, {"type_uid": 100807}),
    ("ledger.full", {"what": {"size": 1}}, {"type_uid": 100810, "severity_id": 5}),
    ("ledger.pruned", {"what": {}, "who": {"pid": 3, "uid": 0}},
     {"type_uid": 100802, "actor.user.uid": "0", "actor.process.pid": 3}),
    ("ledger.peer", {"what": {"event": "violation"}},
     {"type_uid": 100899, "activity_name": "violation", "severity_id": 4}),
    ("ledger.erasure", {"what": {"subject": "s1", "basis": "law"}},
     {"type_uid": 300404, "entity.uid": "s1", "comment": "law"}),
    ("state.change", {"what": {"change": "added", "table": "mounts", "key": "/mnt"}},
     {"type_uid": 501901, "state_id": 99, "state": "added", "unmapped.what.key": "/mnt",
      "actor.app_name": "unknown", "severity_id": 2}),
    ("state.change", {"what": {"change": "added", "table": "users"}},  # sealed
     {"type_uid": 300701, "user.name": "unknown", "severity_id": 2}),
    ("state.change", {"what": {"change": "changed", "table": "passwords"}}, {"type_uid": 300702}),
    ("state.change", {"what": {"change": "removed", "table": "authorized_keys"}},
     {"type_uid": 300719, "activity_name": "Remove Programmatic Credentials"}),
    ("state.change", {"what": {"change": "changed", "table": "pg_roles.orders"}},
     {"type_uid": 300702}),
    ("state.change", {"what": {"change": "changed", "table": "groups"}},
     {"type_uid": 300609, "group.name": "unknown"}),
    ("state.change", {"what": {"change": "added", "table": "logins"}},
     {"type_uid": 300201, "dst_endpoint.hostname": "web1"}),
    ("state.change", {"what": {"change": "added", "table": "modules", "key": "evil",
                               "new": [["name", "evil"], ["signed", False]]}},
     {"type_uid": 100201, "driver.file.name": "evil", "activity_name": "Load",
      "unmapped.what.new.1": ["signed", False]}),
    ("state.change", {"what": {"change": "removed", "table": "cron"}},
     {"type_uid": 100603, "job.name": "unknown"}),
    ("state.change", {"what": {"change": "added", "table": "timers",
                               "new": [["executes", "/bin/x"], ["name", "x.timer"]]}},
     {"type_uid": 100601, "job.name": "x.timer", "job.job_actions.0.cmd_line": "/bin/x"}),
    ("state.change", {"what": {"change": "added", "table": "hardware", "new": [
        ["bus", "usb"], ["id", "1d6b:0002"], ["model", "Stick"], ["slot", "1-1"]]}},
     {"type_uid": 101001, "peripheral_device.name": "1-1", "peripheral_device.model": "Stick"}),
    ("state.change", {"what": {"change": "added", "table": "ports", "new": [
        ["address", "0.0.0.0"], ["port", 4444], ["protocol", "tcp"]]}},
     {"type_uid": 400107, "activity_name": "Listen", "dst_endpoint.port": 4444,
      "dst_endpoint.ip": "0.0.0.0"}),
    ("state.change", {"what": {"change": "removed", "table": "namespace_ports", "old": [
        ["address", "::"], ["port", 80], ["protocol", "tcp"]]}},
     {"type_uid": 400102, "activity_name": "Close", "dst_endpoint.port": 80,
      "dst_endpoint.ip": "::"}),
    ("state.change", {"what": {"change": "changed", "table": "packages", "new": [
        ["name", "bash"], ["version", "5.3"]], "old": [["name", "bash"], ["version", "5.2"]]}},
     {"type_uid": 600208, "app.name": "bash", "app.version": "5.3"}),
    ("state.change", {"what": {"change": "removed", "table": "suid",
                               "old": [["mode", "4755"], ["path", "/usr/bin/a b"]]}},
     {"type_uid": 100107, "file.path": "/usr/bin/a b", "file.name": "a b"}),
    ("state.monitor", {"what": {"event": "stopped", "version": "0.1"}},
     {"type_uid": 600204, "app.name": "assay-monitor", "app.version": "0.1"}),
    ("state.trouble", {"what": {"event": "unreadable", "table": "users", "reason": "gone"}},
     {"type_uid": 600299, "activity_name": "unreadable", "status_detail": "gone"}),
    ("capacity.sample", {"what": {"table": "capacity"}}, {"type_uid": 500102}),
    ("host.clock", {"what": {"jump_ns": 5}}, {"type_uid": 501901, "severity_id": 3}),
    ("host.heartbeat", {"what": {}}, {"type_uid": 600299, "activity_name": "Heartbeat"}),
]


def at_path(value, path):
    for key in path.split("."):
        try:
            value = value[int(key) if key.isdigit() else key]
        except (KeyError, IndexError):
            return ...
    return value


def test_what_an_analyst_expects(schema, tmp_path):
    owners = {k.name: k.owner for k in kind_entries.kinds()}
    entries = [{"id": f"01JD8Z3R9M-web1-1-{n}", "k": kind, "v": 1,
                "t": "2026-11-21T18:00:00.123456789Z",
                "src": {"host": "web1", "proc": owners[kind], "run": 1, "seq": n}, **rest}
               for n, (kind, rest, _) in enumerate(EXPECTED)]
    found = events(ledger_of(tmp_path / "L", entries))
    judge(schema, found)
    for (kind, _, want), event in zip(EXPECTED, found):
        assert {path: at_path(event, path) for path in want} == want, kind
    assert found[0]["time"] == 1795284000123
    assert found[0]["time_dt"] == "2026-11-21T18:00:00.123456789Z"
    assert found[0]["metadata"]["logged_time"] == 1732246626612
    assert found[0]["metadata"]["version"] == schema.version


# ---- going on where one was ----

def test_behind_an_event_through_the_next_ledgers(tmp_path):
    """What a collector remembers is a name: numbers count anew in each ledger."""
    path = ledger_of(tmp_path / "L", [{"a": n} for n in range(3)])
    for n, name in enumerate(("example.com/two", "example.com/three")):
        good("ledger", "succeed", path, "--reason", "r", "--origin", name)
        good("ledger", "append", path, data=lines(*({"b": i} for i in range(n + 5))))
    ledgers = [f"{path}.1", f"{path}.2", path]
    everything = [e["metadata"]["uid"] for ledger in ledgers for e in events(ledger)]
    assert len({uid.split("#")[0] for uid in everything}) == 3
    for n, uid in enumerate(everything):
        assert [e["metadata"]["uid"] for e in events(path, "--after", uid)] == everything[n + 1:]
    only = events(path, "--after", everything[0], "--kind", "ledger.succeeded")
    assert [e["metadata"]["log_name"] for e in only] == [ORIGIN, "example.com/two"]
    shutil.rmtree(ledgers[0])
    assert "is example.com/log" in refused(1, "export", "ocsf", path, "--after", everything[0])
    assert events(path, "--after", everything[-1]) == []
    for wrong in ("8", "#8", "example.com/log#", "example.com/log#-1", "example.com/log#x"):
        refused(2, "export", "ocsf", path, "--after", wrong)
    refused(2, "export", "ocsf", path, "--after", everything[-1], "--from", 1)


# ---- which entries ----

def same_lines(path, *args):
    return good("export", "ocsf", path, *args).splitlines()


def test_the_same_ledger_gives_the_same_bytes(tmp_path):
    entries = kind_entries.random_entries(600, 5)
    path = ledger_of(tmp_path / "L", entries[:400])
    before = same_lines(path)
    good("ledger", "append", path, data=lines(*entries[400:]))
    after = same_lines(path)
    assert after[:400] == before and len(after) == 600
    assert same_lines(path, "--from", "400") == after[400:]
    assert same_lines(path, "--from", "600") == []
    assert same_lines(path, "--limit", "3") == after[-3:]
    assert "is it the same ledger?" in refused(1, "export", "ocsf", path, "--from", "601")


@pytest.mark.parametrize("args", [
    ("--kind", "integrity.*"), ("--kind", "ledger.*", "--kind", "alert.*"),
    ("--path", "*"), ("--actor", "1000"), ("--since", "2028-01-01"),
    ("--until", "2027-06-01"), ("--kind", "integrity.*", "--since", "2027-01-01", "--limit", "5")])
def test_filters_are_those_of_the_log(tmp_path, args):
    path = ledger_of(tmp_path / "L", kind_entries.random_entries(300, 6))
    wanted = [json.loads(line)["id"] for line in good("log", path, "--json", *args).splitlines()]
    assert [e["metadata"]["original_event_uid"] for e in events(path, *args)] == wanted
    assert 0 < len(wanted) < 300


def test_an_archive_and_a_server_say_the_same(tmp_path):
    path = ledger_of(tmp_path / "L", kind_entries.random_entries(300, 7))
    wanted = same_lines(path)
    with tarfile.open(tmp_path / "L.tar.gz", "w:gz") as tar:
        tar.add(path, "ledger")
    assert same_lines(tmp_path / "L.tar.gz") == wanted
    told = told_by_other_commands(path)
    assert told_by_other_commands(tmp_path / "L.tar.gz") == told
    assert "nothing comes" in refused(2, "log", tmp_path / "L.tar.gz", "--follow")
    assert "nothing comes" in refused(2, "export", "ocsf", tmp_path / "L.tar.gz", "--follow")
    handler = functools.partial(Quiet, directory=path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert same_lines(url) == wanted
        assert told_by_other_commands(url) == told
        server.shutdown()


def told_by_other_commands(name):
    return [good("log", name, "--json", "--limit", "7"), good("log", name, "--reverse"),
            good("prove", 123, name), good("ledger", "proof", name, 7),
            good("ledger", "checkpoint", name)]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_usage(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": 1}])
    assert "which command?" in refused(2, "export")
    assert "there is no command" in refused(2, "export", "csv")
    refused(2, "export", "ocsf", path, "--since", "someday")
    refused(2, "export", "ocsf", path, "--key", "x")
    refused(3, "export", "ocsf", tmp_path / "none")
    assert "--disclose" in refused(3, "export", "ocsf", copied(tmp_path, path), "--disclose")
    assert good("export", "ocsf", ledger_of(tmp_path / "E", [])) == ""


def copied(tmp_path, path):
    """The public half alone."""
    shutil.copytree(path, tmp_path / "copy")
    return tmp_path / "copy"


# ---- the place in the ledger ----

def test_an_event_leads_to_its_proof(tmp_path):
    path = ledger_of(tmp_path / "L", kind_entries.random_entries(300, 8))
    event = events(path, "--raw")[123]
    place = event["enrichments"][0]["data"]
    raw = event["raw_data"].encode()
    assert event["metadata"]["uid"] == f"{ORIGIN}#123" and place["index"] == 123
    assert event["metadata"]["sequence"] == 123 and place["origin"] == ORIGIN
    assert place["leaf_sha256"] == hashlib.sha256(b"\0" + raw).hexdigest()
    assert event["raw_data_hash"]["value"] == hashlib.sha256(raw).hexdigest()
    assert event["raw_data_size"] == len(raw)
    (tmp_path / "entry").write_bytes(raw)
    good("prove", place["index"], path, "--output", tmp_path / "proof")
    good("verify", "--proof", tmp_path / "proof", "--entry", tmp_path / "entry", "--key",
         good("ledger", "vkey", path).strip())
    assert "raw_data" not in events(path)[123]


def test_damage_is_said_and_the_rest_exported(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": n} for n in range(3)])
    bundle = path / "tile" / "entries" / "000.p" / "3"
    bundle.write_bytes(bundle.read_bytes().replace(b'"a":1', b'"a":9'))
    done = assay("export", "ocsf", path)
    assert done.returncode == 1 and b"entry 1: " in done.stderr
    assert [json.loads(e)["unmapped"] for e in done.stdout.splitlines()] == [{"a": 0}, {"a": 2}]


def test_a_forged_bundle_is_not_exported(tmp_path):
    """Entry and leaf hash fit each other, and not the root that is signed."""
    path = ledger_of(tmp_path / "L", [{"a": n} for n in range(300)])
    tile = path / "tile" / "0" / "000"
    bundle = path / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b'{"a":7}', b'{"a":8}'))
    hashes = bytearray(tile.read_bytes())
    hashes[7 * 32:8 * 32] = hashlib.sha256(b'\0{"a":8}').digest()
    tile.chmod(0o644)
    tile.write_bytes(hashes)
    done = assay("export", "ocsf", path)
    assert done.returncode == 1 and b"entries 0 to 255: " in done.stderr
    assert b"do not lead to the checkpoint's root" in done.stderr
    assert done.stdout.count(b"\n") == 44
    assert good("log", path, "--json", "--limit", "0").count("\n") == 300  # which does not look


def test_a_key_must_have_signed(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": 1}])
    other = ledger_of(tmp_path / "M", [{"a": 1}])
    key, wrong = (good("ledger", "vkey", p).strip() for p in (path, other))
    assert same_lines(path, "--key", key) == same_lines(path)
    assert "checkpoint" in refused(3, "export", "ocsf", path, "--key", wrong)


# ---- what is sensitive ----

SECRETS = [("who.user", "alice"), ("who.cmdline", "vi /etc/hosts"), ("who.tty", "pts/7"),
           ("who.address", "192.0.2.7:50022")]


@pytest.fixture
def sealed(tmp_path):
    recorder = Recorder(tmp_path).start()
    try:
        entry = {"k": "integrity.change", "t": "2026-01-02T03:04:05.000000006Z", "v": 1,
                 "what": FILE, "who": WHO, "why": {"state": "unexplained"}}
        with Peer(recorder) as peer:
            peer.put((entry, [(b"uid:1000", n.encode(), json.dumps(v).encode())
                              for n, v in SECRETS]))
        recorder.published()
        yield recorder
    finally:
        recorder.stop()


def change_of(recorder, *args):
    return events(recorder.public, "--kind", "integrity.change", *args)


def test_a_sealed_value_is_told_by_its_digest(schema, sealed):
    [event] = change_of(sealed, "--raw")
    assert schema.complaints(event) == [] and len(event["unmapped"]["_sd"]) == len(SECRETS)
    for _, value in SECRETS:
        assert value not in json.dumps(event)
    # The filter may know who it was; what comes out still does not say it.
    assert change_of(sealed, "--actor", "alice", "--raw") == [event]
    assert change_of(sealed, "--actor", "bob") == []


def test_disclosed_values_are_in_their_places(schema, sealed):
    [event] = change_of(sealed, "--disclose")
    assert schema.complaints(event) == []
    assert event["actor"]["process"]["cmd_line"] == "vi /etc/hosts"
    assert event["actor"]["process"]["user"] == {"name": "alice", "uid": "0"}
    assert event["actor"]["session"]["terminal"] == "pts/7"
    address = event["enrichments"][2]
    assert address["data"] == {"ip": "192.0.2.7", "port": 50022}
    assert {"name": "actor.process.cmd_line", "type": "Command Line", "type_id": 13,
            "value": "vi /etc/hosts"} in event["observables"]
    entry = {"who": dict((n[4:], v) for n, v in SECRETS)}
    assert lost(entry, event) == []


# ---- streams ----

def start(*args, **more):
    return subprocess.Popen([BIN / "assay", *map(str, args)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)


def test_follow_goes_on(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": 0}])
    process = start("export", "ocsf", path, "--follow")
    try:
        assert json.loads(process.stdout.readline())["unmapped"] == {"a": 0}
        good("ledger", "append", path, data=lines({"a": 1}))
        assert json.loads(process.stdout.readline())["metadata"]["sequence"] == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def test_follow_from_an_index_to_come(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": 0}])
    process = start("export", "ocsf", path, "--follow", "--from", 1)
    try:
        good("ledger", "append", path, data=lines({"a": 1}))
        assert json.loads(process.stdout.readline())["metadata"]["sequence"] == 1
    finally:
        process.kill()
        process.wait()


def closed_early(*args, lines_read=1):
    """Status and standard error of a command whose reader leaves."""
    process = start(*args)
    for _ in range(lines_read):
        process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read().decode()
    return process.wait(timeout=60), said


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    path = tmp_path_factory.mktemp("long") / "L"
    return ledger_of(path, kind_entries.random_entries(3000, 9))


@pytest.mark.parametrize("args", [("export", "ocsf"), ("log",), ("log", "--json"),
                                  ("log", "--reverse"), ("verify",), ("verify", "--json"),
                                  ("help",)])
def test_a_reader_that_leaves_is_no_crash(long, args):
    operands = () if args[0] == "help" else (long,)
    # The random entries' sequences have gaps, which verify finds.
    wanted = good_status(args, operands)
    assert closed_early(*args, *operands) == (wanted, "")
    assert closed_early(*args, *operands, lines_read=0) == (wanted, "")


def good_status(args, operands):
    done = assay(*args, *operands)
    assert done.returncode in (0, 1)
    return done.returncode


def test_verify_found_all_good_and_nobody_read_it(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": n} for n in range(300)])
    assert closed_early("verify", path, lines_read=0) == (0, "")


def test_a_problem_is_said_even_to_a_reader_that_left(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": n} for n in range(3)])
    bundle = path / "tile" / "entries" / "000.p" / "3"
    bundle.write_bytes(bundle.read_bytes().replace(b'"a":1', b'"a":9'))
    status, said = closed_early("export", "ocsf", path, lines_read=0)
    assert status == 1 and "entry 1: " in said


def test_a_follower_ends_with_its_reader(tmp_path):
    path = ledger_of(tmp_path / "L", [{"a": 0}])
    assert closed_early("export", "ocsf", path, "--follow") == (0, "")
    assert closed_early("log", path, "--follow") == (0, "")


def test_a_full_disk_is_a_failure(long):
    with open("/dev/full", "wb") as full_disk:
        done = subprocess.run([BIN / "assay", "export", "ocsf", long], stdout=full_disk,
                              stderr=subprocess.PIPE)
    assert done.returncode == 3 and b"No space left" in done.stderr


def peak_kib(path):
    """Of an export into nothing."""
    pid = os.posix_spawn(str(BIN / "assay"), ["assay", "export", "ocsf", str(path)], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_maxrss


def test_memory_does_not_grow_with_the_ledger(tmp_path, long):
    entries = kind_entries.random_entries(3000, 10)
    path = ledger_of(tmp_path / "L", entries)
    for _ in range(9):
        good("ledger", "append", path, data=lines(*entries))
    small, large = peak_kib(long), peak_kib(path)
    assert large < small + 4096, f"{small} KiB for 3,000 entries, {large} KiB for 30,000"
