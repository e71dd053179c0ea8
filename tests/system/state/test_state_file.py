# SPDX-License-Identifier: Apache-2.0
"""state.yaml: judged, obeyed, and read again without losing anything."""
import json
import signal
import subprocess

import pytest
from recorder_host import BIN
from state_host import StateHost

PASSWD = "root:x:0:0:root:/root:/bin/sh\n"


def assay(*arguments, status=0):
    done = subprocess.run([BIN / "assay", "state", *map(str, arguments)], capture_output=True,
                          text=True)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + done.stderr


@pytest.fixture(name="host")
def _host(tmp_path):
    host = StateHost(tmp_path, "users", "groups")
    host.config = tmp_path / "etc"
    host.config.mkdir()
    host.more = ["--config", host.config]
    host.put("/etc/passwd", PASSWD)
    host.put("/etc/group", "root:x:0:\n")
    yield host
    host.stop()


def told(host):
    return [e["what"] for e in host.entries("state.monitor")]


def reload(host, text):
    before = len(told(host))
    (host.config / "state.yaml").write_text(text)
    host.monitor.send_signal(signal.SIGHUP)
    host.wait(lambda: len(told(host)) > before, "another configuration")
    return told(host)[-1]


def test_check(tmp_path):
    file = tmp_path / "state.yaml"
    file.write_text("version: 1\ntables:\n  users: {every: 10m}\ntargets:\n"
                    "  - {name: a, table: ldap, uri: 'ldaps://x', base: 'dc=x'}\n")
    assert assay("check", file).endswith("state.yaml: names 1 table, 1 target\n")
    assert json.loads(assay("check", "--json", file)) == {
        "faults": [], "file": str(file), "good": True, "tables": 1, "targets": 1}
    file.write_text("version: 1\ntables:\n  usrs: {}\n"
                    "targets:\n  - {name: a, table: ldap, ur: x}\n")
    said = assay("check", file, status=1)
    assert 'state.yaml:3:3: there is no table "usrs"' in said
    assert 'state.yaml:5:28: unknown key "ur" of ldap' in said
    assert "names 0 tables, 0 targets" in assay("check", "--config", tmp_path / "none")
    default = tmp_path / "default.yaml"
    default.write_text(assay("default"))
    assert "GOOD" in assay("check", default)


def test_reload(host):
    host.start()
    first = told(host)[-1]
    assert first["config"] == "built-in state.yaml" and first["tables"] == ["groups", "users"]
    assert reload(host, "version: 1\ntables: {users: {off: true}}\n")["tables"] == ["groups"]
    host.put("/etc/passwd", PASSWD + "eve:x:0:0::/:/bin/sh\n")
    refused = reload(host, "version: 1\ntables: {users: {of: true}}\n")
    assert refused["event"] == "refused" and refused["tables"] == ["groups"]
    assert refused["reason"].startswith('state.yaml:2:18: unknown key "of"')
    assert host.changes("users") == []
    # what was changed while nobody looked is told when somebody does again
    assert reload(host, "version: 1\n")["event"] == "reloaded"
    assert [n["name"] for _, _, n in host.changed("users")] == ["eve"]
    (host.config / "state.yaml").chmod(0o666)
    host.monitor.send_signal(signal.SIGHUP)
    host.wait(lambda: told(host)[-1]["event"] == "refused", "a refusal")
    assert "may write it" in told(host)[-1]["reason"]


def test_refused_at_the_start(host):
    (host.config / "state.yaml").write_text("version: 2\n")
    host.start()
    host.wait(lambda: len(told(host)) == 2, "a refusal")
    assert [t["event"] for t in told(host)] == ["started", "refused"]
    assert told(host)[0]["tables"] == ["groups", "users"]
