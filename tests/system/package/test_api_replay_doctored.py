# SPDX-License-Identifier: Apache-2.0
"""Entries that no gateway has written, in a ledger of somebody else's: assay api replay says of no
call that it would be decided as it was, where the entries do not say so."""
import copy
import itertools
import json
import shutil
import subprocess

import pytest

from assay_tool import BIN, good, good_json
from gateway_core import EXAMPLE

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="no git")
AT = "2026-11-21T12:00:00.000000000Z"
NUMBERS = itertools.count(1)
ASKED = [["body", [["amount", [["currency", "CHF"], ["hundredths", 500000]]]]]]
READS = [["pii.name", 1, "clear"], ["pii.ssn", 1, "masked"]]


def entry(kind, what, proc="gateway", who=None, v=1):
    n = next(NUMBERS)
    return {"id": f"e-{n}", "k": kind, "src": {"host": "h", "proc": proc, "run": 1, "seq": n},
            "t": AT, "v": v, "what": what, **({"who": who} if who else {})}


class Calls:
    """Entries, and of which call each is: those that are told as they were are looked for."""

    def __init__(self, sha256):
        self.sha256, self.entries, self.names = sha256, [], {}

    def call(self, name):
        number = f"01M8FB{len(self.names):020}"
        self.names[number] = name
        return number

    def whole(self, what, user, groups, claims):
        who = {"address": "192.0.2.1", "user": user, "asked": {"claims": claims}}
        return {"api": "accounts", "bytes": 0, "generation": 1, "groups": groups,
                "scheme": "token", "sha256": self.sha256, "verified": True, "version": "1.4.0",
                **what}, who

    def teller(self, what):
        return self.whole(what, "tim", ["tellers"], [["branch", "0100"]])

    def read(self, call):
        """A customer, by a teller: an intent and an outcome."""
        about = {"call": call, "method": "GET", "object_type": "Customer",
                 "operation": "getCustomer"}
        what, who = self.teller({**about, "decision": "allow", "policies": ["staff may look"]})
        what["object"] = "C000001"
        return [entry("api.intent", what, who=who),
                entry("api.outcome", {"api": "accounts", "bytes": 9, **about, "reads": READS,
                                      "result": "answered", "status": 200, "version": "1.4.0"})]

    def sent(self, call):
        """A transfer; what it shows has no classes that were met."""
        about = {"call": call, "method": "POST", "object_type": "Account",
                 "operation": "createTransfer"}
        what, who = self.teller({**about, "asked": ASKED, "decision": "allow",
                                 "policies": ["tellers send up to 10,000.00"]})
        what["object"] = "A00000001"
        return [entry("api.intent", what, who=who),
                entry("api.outcome", {"api": "accounts", "bytes": 9, **about, "reason": "backend",
                                      "result": "refused", "status": 502, "version": "1.4.0"})]

    def denied(self, call):
        """A customer, by an auditor."""
        what, who = self.whole({"call": call, "decision": "deny", "method": "GET",
                                "object": "C000001", "object_type": "Customer",
                                "operation": "getCustomer", "reason": "policy", "status": 403},
                               "olga", ["auditors"], [])
        return [entry("api.denied", what, who=who)]

    def add(self, name, make, change=lambda entries: entries):
        self.entries += change(copy.deepcopy(make(self.call(name))))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "accounts.assay"
    good("api", "build", EXAMPLE, "-o", path)
    return path


def replay(tmp_path, package, calls):
    """{name of a call: what is told of it}, and the sum."""
    ledger = tmp_path / "ledger"
    good("ledger", "init", ledger, "--origin", "doctored.example/h")
    text = "".join(json.dumps(e, sort_keys=True, separators=(",", ":")) + "\n"
                   for e in calls.entries)
    subprocess.run([BIN / "assay", "ledger", "append", ledger], input=text, text=True, check=True,
                   capture_output=True, timeout=60)
    done = subprocess.run([BIN / "assay", "api", "replay", package, ledger, "--all", "--json"],
                          capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines, (done.returncode, done.stderr)
    return {calls.names[x["call"]]: x for x in lines[:-1]}, lines[-1]["sum"], done


def is_the_same(x):
    return x is not None and x["change"] == "same" and not {"policies_on", "reads_on"} & set(x)


def sha256_of(package):
    return good_json("api", "inspect", package)["sha256"]


def test_what_is_not_doctored(tmp_path, package):
    calls = Calls(sha256_of(package))
    for name in ("read", "sent", "denied"):
        calls.add(name, getattr(calls, name))
    told, total, done = replay(tmp_path, package, calls)
    assert done.returncode == 0 and done.stderr == "", (done.stderr, told)
    assert all(is_the_same(told[name]) for name in calls.names.values())
    assert total["changes"]["same"] == 3 and total["broken"] == 0


# What of an entry the answer hangs on, and what is in its place.
WRONG = [7, -1, "x", "", True, None, [], {}, [7], [[]], [["x"]], {"a": []}, "9" * 19, ["x"] * 5000]
INTENT = ["policies", "faults", "groups", "groups_left_out", "policies_left_out",
          "faults_left_out", "operation", "method", "scheme"]
OUTCOME = ["reads", "operation", "method", "object_type"]
DENIED = ["policies", "faults", "policies_left_out", "faults_left_out", "reason"]
ARE_RIGHT = [("policies_left_out", "x"), ("groups_left_out", "x")]


def put(at, member, value):
    def change(entries):
        entries[at]["what"][member] = value
        return entries
    return change


def is_nothing(member, value):
    """It says the same as no such member."""
    return member in ("faults", "reads", "policies", "groups") and value == []


def test_members_of_another_sort(tmp_path, package):
    """Each of these says something else than the true one, or nothing that can be read."""
    calls = Calls(sha256_of(package))
    for make, at, members in ((calls.read, 0, INTENT), (calls.sent, 0, INTENT),
                              (calls.read, 1, OUTCOME), (calls.sent, 1, OUTCOME),
                              (calls.denied, 0, DENIED)):
        for member in members:
            for value in WRONG:
                # no class of data, no policy, nothing left out
                if value in ([], -1) and (make != calls.read or member != "policies"):
                    continue
                calls.add((make.__name__, member, json.dumps(value)[:40]), make,
                          put(at, member, value))
    told, total, done = replay(tmp_path, package, calls)
    assert done.returncode in (1, 3)
    assert [n for n in calls.names.values() if is_the_same(told.get(n))] == []
    assert total["broken"] > 100 and total["changes"]["now_denied"] > 0


def swap(entries):
    return entries[::-1]


def ended_by(kind, proc, what):
    def change(entries):
        call = entries[0]["what"]["call"]
        return [entries[0], entry(kind, {"call": call, "index": 0, "intent": "x", "run": 1,
                                         "reason": "gone", **what}, proc=proc), entries[1]]
    return change


def outcome(**more):
    def change(entries):
        entries[1]["what"].update(more)
        return entries
    return change


def version(at):
    def change(entries):
        entries[at]["v"] = 99
        return entries
    return change


def clear(entries):
    entries[1]["what"]["reads"] = [["pii.name", 1, "clear"], ["pii.ssn", 1, "clear"]]
    return entries


def clear_behind_unknown(proc):
    def change(entries):
        return ended_by("api.unknown", proc, {})(clear(entries))
    return change


def test_entries_of_others(tmp_path, package):
    """Out of order, of another call or another version, by who must not say so."""
    calls = Calls(sha256_of(package))
    changes = {
        "no outcome": lambda e: e[:1], "the outcome first": swap,
        "the outcome of another operation": outcome(operation="listAccounts"),
        "of another object": outcome(object_type="Account"),
        "read in clear": clear,
        "in clear, and a class twice": outcome(reads=[*READS, ["pii.ssn", 1, "clear"]]),
        "a class that there is none of": outcome(reads=[["pii.nothing", 1, "clear"]]),
        "an intent of a version to come": version(0),
        "an outcome of a version to come": version(1),
        "an outcome of no API": lambda e: outcome(api=7)(e),
        "ended by anybody": clear_behind_unknown("sensor"),
        "ended by a gateway": clear_behind_unknown("gateway"),
    }
    for name, change in changes.items():
        calls.add(name, calls.read, change)
    told, total, done = replay(tmp_path, package, calls)
    assert done.returncode == 1, done.stderr
    assert [n for n in changes if is_the_same(told.get(n))] == []
    for name in ("read in clear", "in clear, and a class twice", "ended by anybody",
                 "ended by a gateway"):
        assert told[name]["change"] == "other_reads", (name, told[name])
    assert {"what the ledger has as its outcome is none",
            "the outcome is not in the ledger, or not yet"} <= {m["what"] for m in
                                                                total["missing"]}


def test_what_decides(tmp_path, package):
    """Other values than those that had decided come to another answer, or to none."""
    calls = Calls(sha256_of(package))
    other = {
        "groups": lambda e: put(0, "groups", ["partners"])(e),
        "no groups": lambda e: put(0, "groups", [])(e),
        "more groups": lambda e: put(0, "groups_left_out", 1)(e),
        "more than fit a number": lambda e: put(0, "groups_left_out", "18446744073709551615")(e),
        "more policies": lambda e: put(0, "policies_left_out", "18446744073709551615")(e),
        "another amount": lambda e: put(0, "asked", [["body", [["amount", [
            ["currency", "CHF"], ["hundredths", 2000000]]]]]])(e),
        "backwards": lambda e: put(0, "asked", [["body", [["amount", [
            ["currency", "CHF"], ["hundredths", -1]]]]]])(e),
        "no amount": lambda e: put(0, "asked", [["body", [["amount"]]]])(e),
        "asked is no list": lambda e: put(0, "asked", {})(e),
        "nothing asked": lambda e: put(0, "asked", [])(e),
        "of another package": lambda e: put(0, "sha256", "00" * 32)(put(0, "scheme", "none")(e)),
        "gone": lambda e: put(1, "operation", "sendAll")(put(0, "operation", "sendAll")(e)),
        "of another method": lambda e: put(1, "method", "GET")(put(0, "method", "GET")(e)),
    }

    def at_night(entries):
        for e in entries:
            e["t"] = AT.replace("T12", "T03")
        return entries
    for name, change in {**other, "at night": at_night}.items():
        calls.add(name, calls.sent, change)
    told, _, done = replay(tmp_path, package, calls)
    assert done.returncode == 1, done.stderr
    assert [n for n in calls.names.values() if is_the_same(told.get(n))] == []
    for name in ("groups", "no groups", "another amount", "backwards", "gone", "at night",
                 "of another method", "no amount"):
        assert told[name]["change"] == "now_denied", (name, told[name])


def damage(path, how):
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes({"cut": data[:half], "empty": b"",
                      "turned": data[:half] + bytes([data[half] ^ 1]) + data[half + 1:],
                      "longer": data + data[:16]}[how])


@pytest.mark.parametrize("how", ["cut", "empty", "turned", "longer", "gone"])
def test_files_that_are_cut(tmp_path, package, how):
    """Every file of the log in turn: nothing is told of entries that are not in its tree, and what
    is told is what the whole one tells."""
    calls = Calls(sha256_of(package))
    for n in range(20):
        calls.add(("read", n), calls.read)
        calls.add(("denied", n), calls.denied)
    whole, _, _ = replay(tmp_path, package, calls)
    ledger = tmp_path / "ledger"
    files = [f for f in ledger.rglob("*") if f.is_file()]
    assert len(files) >= 3
    for file in files:
        copied = tmp_path / "copy"
        shutil.copytree(ledger, copied)
        mine = copied / file.relative_to(ledger)
        if how == "gone":
            mine.unlink()
        else:
            damage(mine, how)
        done = subprocess.run([BIN / "assay", "api", "replay", package, copied, "--all", "--json"],
                              capture_output=True, text=True, timeout=120)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode == 0:  # nothing that anybody reads
            assert lines[-1]["sum"]["calls"] == len(whole), file
            assert how == "longer" or "entries" not in file.parts, file
        else:
            assert done.returncode == 3 and done.stderr, (file, done.returncode, done.stderr)
        for x in lines[:-1]:
            assert x["was"] == whole[calls.names[x["call"]]]["was"], (file, x)
        shutil.rmtree(copied)
