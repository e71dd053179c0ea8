# SPDX-License-Identifier: Apache-2.0
"""The verb api: what was done with the registry of APIs is the recorder's entry, or nothing."""
import json
import os

import pytest
from recorder_host import Peer, Recorder

HASH = "ab" * 32
APPROVED = {"api": "accounts", "approval": HASH, "change": "CHG-7", "key": "01020304",
            "sha256": HASH, "until": "2026-11-21T18:00:00.000000000Z", "version": "1.4.0"}


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


def test_entry(recorder):
    size = recorder.published()
    told = recorder.command("api", kind="api.approved", what=APPROVED,
                            sensitive=[["person:anna", "what.approver", "anna"]])
    assert told["index"] >= size
    (entry,) = recorder.entries("api.approved")
    assert entry["what"] == APPROVED and entry["who"] == {"pid": os.getpid(), "uid": os.getuid()}
    assert entry["src"]["proc"] == "recorder" and len(entry["_sd"]) == 1
    assert "anna\"" not in json.dumps(entry["what"])
    line = recorder.assay("log", "--kind", "api.approved")
    assert "accounts 1.4.0 for CHG-7 by anna, key 01020304" in line
    proof = json.loads(recorder.assay("log", "--json", "--kind", "api.approved"))
    assert proof["id"] == entry["id"]
    assert "GOOD" in recorder.verify()


def test_values_can_be_erased(recorder):
    recorder.command("api", kind="api.approved", what=APPROVED,
                     sensitive=[["person:anna", "what.approver", "anna"]])
    assert recorder.command("erase", basis="b", policy="p", subject="person:anna")["rows"] == 1
    assert "by anna" not in recorder.assay("log", "--kind", "api.approved")
    assert "GOOD" in recorder.verify()


def test_a_crash_keeps_both(recorder):
    recorder.command("api", kind="api.approved", what=APPROVED,
                     sensitive=[["person:anna", "what.approver", "anna"]])
    recorder.kill()
    recorder.start()
    assert "by anna" in recorder.assay("log", "--kind", "api.approved")
    assert "GOOD" in recorder.verify()


@pytest.mark.parametrize("args, why", [
    ({}, '"kind" is none'),
    ({"kind": "ledger.hold", "what": {}}, '"kind" is none'),
    ({"kind": "api.approved"}, '"what" is missing'),
    ({"kind": "api.approved", "what": []}, '"what" is missing'),
    ({"kind": "api.approved", "what": {}}, "what.api"),
    ({"kind": "api.approved", "what": {**APPROVED, "x" * 65: 1}}, "member of no kind"),
    ({"kind": "api.approved", "what": {**APPROVED, "more": 1}}, "more"),
    ({"kind": "api.approved", "what": {**APPROVED, "sha256": "ab"}}, "what.sha256"),
    ({"kind": "api.approved", "what": {**APPROVED, "approver": "anna"}}, "what.approver"),
    ({"kind": "api.approved", "what": {**APPROVED, "change": "x" * 66000}}, ""),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": {}}, "is a list"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": ["x"]}, "[subject, field, text]"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a", "what.approver"]]},
     "[subject, field, text]"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a", "what.approver", "b", "c"]]},
     "[subject, field, text]"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a", "what.approver", 7]]},
     "[subject, field, text]"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["", "what.approver", "b"]]},
     "a subject of"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a" * 129, "what.approver", "b"]]},
     "a subject of"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a", "what.approver", "b" * 1025]]},
     "a text of"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a", "what.change", "b"]]},
     "what.change"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a", "what.x", "b"]]}, "what.x"),
    ({"kind": "api.approved", "what": APPROVED, "sensitive": [["a", "what.approver", "b"]] * 17},
     "at most 16"),
])
def test_refused(recorder, args, why):
    size = recorder.published()
    code, text = recorder.command("api", **args)
    assert code != 0 and why in text
    assert recorder.published() == size and recorder.process.poll() is None
    assert "index" in recorder.command("api", kind="api.approved", what=APPROVED)


def test_only_an_administrator_may(recorder):
    with Peer(recorder) as sensor:
        sensor.put({"k": "api.approved", "t": "2026-01-02T03:04:05.000000006Z", "v": 1,
                    "what": APPROVED})
        assert sensor.naks
    with Peer(recorder) as sensor:
        sensor.send(6, b"\3api\2\0\0\0{}")
        assert sensor.dropped()
    assert recorder.entries("api.approved") == []
