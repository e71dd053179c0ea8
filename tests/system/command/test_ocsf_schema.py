# SPDX-License-Identifier: Apache-2.0
"""The judge of events is itself judged: of a good event each broken copy must be refused."""
import os
import pathlib

import pytest

from ocsf_schema import Schema, changed

FILE = {"name": "hosts", "path": "/etc/hosts", "type_id": 1, "type": "Regular File",
        "hashes": [{"algorithm": "SHA-256", "algorithm_id": 3, "value": "ab"}]}
GOOD = {
    "activity_id": 3, "activity_name": "Update", "category_uid": 1,
    "category_name": "System Activity", "class_uid": 1001, "class_name": "File System Activity",
    "type_uid": 100103, "type_name": "File System Activity: Update", "severity_id": 4,
    "severity": "High", "status_id": 1, "status": "Success", "time": 1795284000123,
    "time_dt": "2026-11-21T18:00:00.123456789Z", "action_id": 3, "action": "Observed",
    "actor": {"process": {"pid": 17, "container": {"uid": "c1"},
                          "user": {"uid": "0", "name": "root"},
                          "ancestry": [{"pid": 1}]},
              "session": {"uid": "4", "is_remote": True}},
    "device": {"hostname": "web1", "type_id": 0, "ip": "192.0.2.1",
               "os": {"name": "Linux", "type_id": 200}},
    "file": FILE, "unmapped": {"anything": [1, {"x": None}]},
    "enrichments": [{"name": "a", "value": "b", "data": {"any": 1}}],
    "metadata": {"version": "1.9.0-dev", "product": {"name": "P", "vendor_name": "V"},
                 "profiles": ["host", "datetime", "container", "security_control"]},
    "observables": [{"name": "file.path", "type_id": 45, "type": "File Path",
                     "value": "/etc/hosts"},
                    {"name": "file.hashes[0].value", "type_id": 8, "value": "ab"}],
}
BAD = [
    ("no class", "class_uid", ...), ("unknown class", "class_uid", 1099),
    ("class as text", "class_uid", "1001"), ("another class", "class_uid", 1008),
    ("deprecated class", "class_uid", 5002), ("true for a number", "class_uid", True),
    ("wrong class name", "class_name", "Files"), ("wrong category", "category_uid", 2),
    ("wrong category name", "category_name", "Findings"),
    ("no activity", "activity_id", ...), ("unknown activity", "activity_id", 77),
    ("activity of another type", "activity_id", 4), ("wrong name", "activity_name", "Create"),
    ("wrong type", "type_uid", 100104), ("wrong type name", "type_name", "File: Update"),
    ("no time", "time", ...), ("time as text", "time", "1795284000123"),
    ("time before 1970", "time", -1), ("fraction of a millisecond", "time", 1.5),
    ("date without time", "time_dt", "2026-11-21"), ("no severity", "severity_id", ...),
    ("severity out of the list", "severity_id", 7), ("wrong severity", "severity", "Low"),
    ("other without a word", "severity", ...), ("no metadata", "metadata", ...),
    ("no product", "metadata.product", ...), ("empty product", "metadata.product", {}),
    ("product as text", "metadata.product", "P"), ("old schema", "metadata.version", "1.3.0"),
    ("no version", "metadata.version", ...), ("unknown profile", "metadata.profiles.0", "hosts"),
    ("profile of another class", "metadata.profiles.0", "incident_x"),
    ("profile twice", "metadata.profiles.0", "datetime"),
    ("datetime not named", "metadata.profiles.1", "host"),
    ("container not named", "metadata.profiles", ["host", "datetime", "security_control"]),
    ("control not named", "metadata.profiles", ["host", "datetime", "container"]),
    ("profiles as text", "metadata.profiles", "host"),
    ("unknown attribute", "colour", "red"), ("unknown in an object", "file.colour", "red"),
    ("attribute of another class", "finding_info", {"uid": "1"}),
    ("deprecated attribute", "file.signature", {"algorithm_id": 1}),
    ("deprecated in a process", "actor.process.lineage", ["/bin/sh"]),
    ("no file", "file", ...), ("file as text", "file", "/etc/hosts"),
    ("no name", "file.name", ...), ("name as number", "file.name", 7),
    ("no file type", "file.type_id", ...), ("unknown file type", "file.type_id", 50),
    ("wrong file type", "file.type", "Folder"), ("hashes not a list", "file.hashes", {}),
    ("hash without value", "file.hashes.0.value", ...),
    ("hash of no algorithm", "file.hashes.0.algorithm_id", 21),
    ("wrong algorithm", "file.hashes.0.algorithm", "MD5"),
    ("list for a scalar", "file.path", ["/etc/hosts"]), ("size as text", "file.size", "12"),
    ("size beyond 64 bits", "file.size", 1 << 63), ("text for true", "file.is_deleted", "yes"),
    ("number for true", "actor.session.is_remote", 1), ("no actor", "actor", ...),
    ("actor of nothing", "actor", {}), ("process of nothing", "actor.process", {"name": "x"}),
    ("pid as text", "actor.process.pid", "17"), ("ancestor of nothing",
                                                 "actor.process.ancestry.0", {}),
    ("user of nothing", "actor.process.user", {"domain": "d"}), ("no device", "device", ...),
    ("device without type", "device.type_id", ...),
    ("device without a name", "device", {"type_id": 0}), ("no address", "device.ip", "web1.test"),
    ("too long an address", "device.ip", "2001:db8::" + "1" * 40),
    ("no MAC", "device.mac", "00:11:22:33:44"), ("no UUID", "device.os_machine_uuid", "x"),
    ("no such system", "device.os.type_id", 1), ("status of another class", "status_id", 4),
    ("wrong status", "status", "Failure"), ("wrong action", "action", "Denied"),
    ("unmapped not an object", "unmapped", []), ("enrichment without data",
                                                 "enrichments.0.data", ...),
    ("observed nowhere", "observables.0.name", "file.pathh"),
    ("observed another", "observables.0.value", "/etc/passwd"),
    ("observed as another", "observables.0.type_id", 7),
    ("wrong kind observed", "observables.0.type", "File Name"),
    ("observed as nothing", "observables.0.type_id", 1000),
    ("observed in no list", "observables.1.name", "file.hashes[1].value"),
]


@pytest.fixture(scope="module")
def schema():
    if not os.environ.get("ASSAY_DATA"):
        pytest.skip("ASSAY_DATA is not set: ocsf")
    return Schema(pathlib.Path(os.environ["ASSAY_DATA"]) / "ocsf")


def test_a_good_event_is_good(schema):
    assert schema.complaints(GOOD) == []
    # 99 with a word of its own, an event of no class, and a port at its limits
    assert schema.complaints(
        {**GOOD, "activity_id": 99, "activity_name": "Blessed", "type_uid": 100199,
         "type_name": "File System Activity: Other"}) == []
    assert schema.complaints(
        {"activity_id": 0, "category_uid": 0, "class_uid": 0, "type_uid": 0, "severity_id": 0,
         "time": 0, "metadata": {"version": "1.9.0-dev", "product": {"uid": "p"}}}) == []


@pytest.mark.parametrize("what, path, value", BAD, ids=[b[0].replace(" ", "-") for b in BAD])
def test_a_broken_event_is_refused(schema, what, path, value):
    event = GOOD
    if what == "other without a word":
        event = changed(event, "severity_id", 99)
    assert schema.complaints(changed(event, path, value)) != []


@pytest.mark.parametrize("port, good", [(0, True), (65535, True), (65536, False), (-1, False)])
def test_a_range_has_ends(schema, port, good):
    event = {**GOOD, "activity_id": 6, "activity_name": "Start", "class_uid": 1008,
             "class_name": "Event Log Activity", "type_uid": 100806, "log_name": "l",
             "type_name": "Event Log Activity: Start", "src_endpoint": {"ip": "::1", "port": port}}
    assert (schema.complaints(event) == []) == good
    assert schema.complaints(changed(event, "log_name", ...)) != []  # at_least_one of a class


def test_the_schema_is_read_whole(schema):
    """Inheritance, profiles and the dictionary, against what the definitions say by hand."""
    change = schema.classes[1001]
    assert change["caption"] == "File System Activity" and change["category_uid"] == 1
    assert schema.attribute(change, "actor").get("profile") is None  # lifted by the class
    assert schema.attribute(schema.classes[6002], "actor")["profile"] == "host"
    assert schema.attribute(change, "time_dt")["profile"] == "datetime"
    assert schema.attribute(change, "file_dt") is None
    remediation = schema.attribute(schema.classes[7002], "status_id")["enum"]
    assert {n: remediation[n]["caption"] for n in ("0", "1", "4", "99")} == {
        "0": "Unknown", "1": "Success", "4": "Partial", "99": "Other"}
    assert schema.classes[2004]["attributes"]["finding_info"]["requirement"] == "required"
    assert schema.objects["process"]["constraints"] == {"at_least_one": ["pid", "uid", "cpid"]}
    assert schema.objects["file"]["constraints"] == {}  # not those of what it extends
    assert schema.observables[45] == "File Path" and schema.observables[31] == "User Object: uid"
    assert "@deprecated" in schema.classes[5002] and "@deprecated" not in schema.classes[5019]
