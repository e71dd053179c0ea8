# SPDX-License-Identifier: Apache-2.0
"""Recorded calls against other packages: real calls through nginx with the module, then assay api
replay, with the very package (nothing may differ) and with others (exactly what is known to)."""
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading

import pytest
from gateway_host import NGINX, Gateway
from recorder_host import BIN, wait_for
from registry_host import DIRECTORY

NEEDED = [NGINX, "git", "ssh-keygen", "openssl"]
pytestmark = [
    pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED), reason=f"not all of {NEEDED}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a registry is root's")]
UUID = "9f3c2f5e-3b1e-4f44-9c55-0d6d7a1f2b11"
WIDE = [("gateway.yaml", '  "*": { rate: 20/s, burst: 40 }', '  "*": { rate: 100000/s }'),
        ("gateway.yaml", "listAccounts: { rate: 2/s, quota: 2000/d }",
         "listAccounts: { rate: 100000/s }"),
        ("gateway.yaml", "createTransfer: { rate: 1/s, burst: 5, quota: 200/d }",
         "createTransfer: { rate: 100000/s }"),
        ("policy.cedar", 'duration("20h")', 'duration("24h")'),
        ("policy.cedar", 'duration("6h")', 'duration("0h")')]
RECORDED = ("gateway.yaml", "caps: {", "replay: digest\ncaps: {")
TELLERS_MOST = "context.body.amount.hundredths <= 1000000"


def transfer(hundredths, currency="CHF"):
    return {"to": "CH9300762011623852957", "name": "Ada Abel",
            "amount": {"hundredths": hundredths, "currency": currency}, "text": "x"}


class Site:
    """A gateway whose calls are replayed."""

    def __init__(self, *edit):
        self.g = Gateway()
        self.dir = self.g.registry.git.top / DIRECTORY
        try:
            self.g.deploy(edit=[*WIDE, *edit])
            self.g.start_backend()
            self.g.start()
            self.g.wait_for_generation(1)
        except BaseException:
            self.g.close()
            raise
        token = self.g.provider.token
        self.tokens = {"tim": token("tim", ["tellers"], branch="0100"),
                       "olga": token("olga", ["auditors"]),
                       "carol": self.g.token,
                       "zoe": token("zoe", []),
                       "many": token("many", [f"group {i}?" for i in range(40)] + ["tellers"],
                                     branch="0200")}
        self.seen = collections.Counter()

    def call(self, who, method, path, body=None, **more):
        status, headers, answer = self.g.call(method, path, body, token=self.tokens[who], **more)
        self.seen[status] += 1
        return status

    def send(self, who, body):
        return self.call(who, "POST", "/bank/v1/accounts/A00000001/transfers", body,
                         Idempotency_Key=UUID)

    def calls(self):
        """Each way that the example decides in; their statuses, once all is published."""
        statuses = self.call_all()
        wait_for(lambda: self.published() == len(statuses), "the calls in the ledger")
        return statuses

    def calls_more(self):
        """In a ledger that has others already."""
        before = self.published()
        n = len(self.call_all())
        wait_for(lambda: self.published() >= before + n, "the calls in the ledger")

    def published(self):
        """Calls that have come to an end."""
        return sum(e["k"] in ("api.outcome", "api.denied") for e in self.g.recorder.entries())

    def call_all(self):
        return [self.call("carol", "GET", "/bank/v1/customers/C000001"),
                self.call("tim", "GET", "/bank/v1/customers/C000001"),
                self.call("many", "GET", "/bank/v1/customers/C000001"),
                self.call("olga", "GET", "/bank/v1/customers/C000001"),
                self.call("olga", "GET", "/bank/v1/accounts/A00000001"),
                self.call("tim", "GET", "/bank/v1/accounts?branch=0100"),
                self.call("tim", "GET", "/bank/v1/accounts?branch=0101"),
                self.call("many", "GET", "/bank/v1/accounts?branch=0200&limit=60"),
                self.call("tim", "GET", "/bank/v1/accounts?limit=1000"),
                self.call("zoe", "GET", "/bank/v1/branches"),
                self.call("carol", "GET", "/bank/v1/branches"),
                self.send("tim", transfer(500000)),
                self.send("tim", transfer(2000000)),
                self.send("tim", transfer(-1)),
                self.send("tim", {"amount": 1}),
                self.call("tim", "PATCH", "/bank/v1/customers/C000001", {"phone": "+41 1"},
                          Content_Type="application/merge-patch+json"),
                self.call("tim", "GET", "/bank/v1/nowhere")]

    def replay(self, package, *more):
        """Exit status, what is told of each call, the sum; of this host's ledger unless said."""
        ledgers = () if any(str(m).startswith("/") for m in more) else (self.g.recorder.public,)
        done = subprocess.run([BIN / "assay", "api", "replay", package, *ledgers, "--json",
                               "--registry", self.g.registry.path, *more],
                              capture_output=True, text=True, timeout=120)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines and done.stderr == "", (done.returncode, done.stdout, done.stderr)
        return done.returncode, lines[:-1], lines[-1]["sum"]

    def edited(self, *edit):
        """The package as a directory, edited."""
        to = self.g.top / "edited"
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.dir, to)
        for name, old, new in edit:
            text = (to / name).read_text()
            assert old in text, (name, old)
            (to / name).write_text(text.replace(old, new))
        return to

    def close(self):
        self.g.close()


@pytest.fixture(scope="module")
def site():
    s = Site(RECORDED)
    try:
        s.statuses = s.calls()
        yield s
    finally:
        s.close()


def changes(lines):
    return sorted((x["change"], x["operation"]) for x in lines)


def test_the_very_package(site):
    """What has decided decides again, with the same policies, about each call."""
    assert site.statuses == [200, 200, 200, 403, 200, 200, 403, 200, 400, 403, 200, 409, 403, 403,
                             400, 200, 404]
    status, lines, total = site.replay(site.dir, "--all")
    assert (status, len(lines), total["calls"], total["broken"]) == (0, 16, 16, 0)
    assert total["changes"] == {"cannot_tell": 0, "now_allowed": 0, "now_denied": 0,
                                "other_policies": 0, "other_reads": 0, "policies_open": 0,
                                "reads_open": 0, "same": 16}
    assert (total["not_judged"], total["reasons"]) == (1, [{"calls": 1, "what": "path"}])
    assert total["missing"] == []
    for x in lines:
        if x["was"].get("reason") not in ("parameter", "body"):
            assert x["now"]["decision"] == x["was"]["decision"]
            assert x["now"]["policies"] == x["was"]["policies"]
            assert x["now"]["faults"] == x["was"]["faults"]
    reads = [r for x in lines for r in x["reads"]]
    assert len(reads) == 6 * 4 + 2 * 3 and all(r["now"] == r["was"] for r in reads)
    built = site.g.registry.build("same.assay", key=None)
    assert site.replay(built)[0::2] == (status, total)


POLICY = "policy.cedar"
CHANGED = [
    ("less", [(POLICY, TELLERS_MOST, "context.body.amount.hundredths <= 400000")],
     [("now_denied", "createTransfer")], []),
    ("more", [(POLICY, TELLERS_MOST, "context.body.amount.hundredths <= 3000000")],
     [("now_allowed", "createTransfer")], []),
    ("branches", [(POLICY, "context.query.branch == principal.branch",
                   'context.query.branch like "*0*"')],
     [("now_allowed", "listAccounts")], []),
    ("masks", [(POLICY, 'resource in [DataClass::"pii.ssn", DataClass::"pii.birth"]',
                'resource in [DataClass::"pii.birth"]')],
     [("other_reads", "getCustomer"), ("other_reads", "getCustomer"),
      ("other_reads", "updateCustomer")], []),
    ("renamed", [(POLICY, '@id("tellers change how customers are reached")',
                  '@id("tellers change customers")')], [("other_policies", "updateCustomer")], []),
    ("a schema", [("openapi.yaml", "maximum: 100000000000000 }", "maximum: 400000 }")],
     [("now_denied", "createTransfer")], []),
    ("one object", [(POLICY, "// ---- data ----", '''@id("not this one")
forbid (principal, action == Action::"getAccount", resource == Account::"A00000001");''')],
     [("now_denied", "getAccount")], []),
    ("gone", [(POLICY, "createTransfer", "sendTransfer"),
              ("openapi.yaml", "createTransfer", "sendTransfer"),
              ("gateway.yaml", "createTransfer", "sendTransfer")],
     [("now_denied", "createTransfer")], []),
    ("not asked before", [(POLICY, "// ---- data ----", '''@id("not to Switzerland")
forbid (principal, action == Action::"createTransfer", resource)
when { context.body.to like "CH*" };''')],
     [], ["context.body.to was not recorded"]),
    ("a class of what had none", [
        ("openapi.yaml", """pii.address
        branch: { $ref: "#/components/schemas/BranchId" }""", """pii.address
        branch: { $ref: "#/components/schemas/BranchId", x-data-class: pii.branch }"""),
        ("gateway.yaml", "  pii.email: {", "  pii.branch: { mask: redact }\n  pii.email: {")],
     [], ["no data of class pii.branch was known to be in an answer"]),
    ("another claim", [("gateway.yaml", "claims: [branch]", "claims: [branch, desk]"),
                       ("types.cedarschema", "branch?: String,", "branch?: String, desk?: String,"),
                       (POLICY, "when { context.body.amount.hundredths <= 0 };",
                        "when { principal has desk };")],
     [], ["principal.desk was not recorded"]),
]


@pytest.mark.parametrize("edit, want, missing", [c[1:] for c in CHANGED],
                         ids=[c[0] for c in CHANGED])
def test_exactly_what_changes(site, edit, want, missing):
    status, lines, total = site.replay(site.edited(*edit))
    assert changes(lines) == want, lines
    assert status == (1 if want else 3)
    assert [m["what"] for m in total["missing"]] == missing
    assert total["changes"]["same"] + len(want) + total["changes"]["cannot_tell"] == 16


def test_who_judged_it_is_away(site):
    """Which object it was nobody says then, but for what was recorded of it."""
    to = site.edited(*next(edit for name, edit, *_ in CHANGED if name == "one object"))
    done = subprocess.run([BIN / "assay", "api", "replay", to, site.g.recorder.public],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 3 and done.stderr == ""
    assert "because resource may have been named by another parameter: the package that judged " \
        "the call is not at hand (1)\n" in done.stdout
    status, said = refused(to, site.g.recorder.public, "--registry", site.g.top / "nowhere")
    assert status == 3 and "nowhere" in said


def test_people(site):
    to = site.edited((POLICY, TELLERS_MOST, "context.body.amount.hundredths <= 400000"),
                     ("gateway.yaml", "replay: digest\n", ""))
    done = subprocess.run([BIN / "assay", "api", "replay", to, site.g.recorder.public],
                          capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and done.stderr == ""
    assert lines[0] == "accounts 1.4.0 on the calls of accounts"
    assert lines[1].startswith("  - ") and lines[1].endswith(
        "createTransfer Account A00000001  by tim")
    assert lines[2:4] == ['      was allowed by "tellers send up to 10,000.00"',
                          "      would be denied: no policy permits it"]
    assert lines[5:8] == ["16 calls", "  15 would be decided as they were",
                          "  1 was allowed and would be denied"]


def test_whose_ledger(site):
    """The checkpoint is held against the key that is given."""
    key = subprocess.run([BIN / "assay", "ledger", "vkey", site.g.recorder.public], check=True,
                         capture_output=True, text=True, timeout=60).stdout.strip()
    status, _, total = site.replay(site.dir, "--key", key)
    assert (status, total["signed"]) == (0, True)
    other = site.g.registry.keys["ci"][1]
    done = subprocess.run([BIN / "assay", "api", "replay", site.dir, site.g.recorder.public,
                           "--key", other], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and done.stderr


def test_which_calls(site):
    assert site.replay(site.dir, "--until", "1h")[2]["calls"] == 0
    assert site.replay(site.dir, "--since", "1h")[2]["calls"] == 16
    assert site.replay(site.dir, "--api", "other")[2]["calls"] == 0
    done = subprocess.run([BIN / "assay", "api", "replay", site.dir, site.g.top / "nowhere"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and "nowhere" in done.stderr


def test_a_copy_without_the_vault(site):
    """Whoever may not read the vault is told so, and nothing that is not so."""
    copy = site.g.top / "copy"
    shutil.copytree(site.g.recorder.public, copy)
    done = subprocess.run([BIN / "assay", "api", "replay", site.dir, copy, "--json"],
                          capture_output=True, text=True, timeout=120)
    total = json.loads(done.stdout.splitlines()[-1])["sum"]
    assert done.returncode == 3 and len(done.stdout.splitlines()) == 1
    told = total["changes"]
    assert told["same"] + told["cannot_tell"] == 16 and told["cannot_tell"] > 8
    assert any("sealed" in m["what"] for m in total["missing"])


def test_who_is_erased(site):
    """The last: tim is forgotten."""
    policy = site.g.top / "erasing.txt"
    policy.write_text("Names of former staff go after a year.\n")
    done = subprocess.run([BIN / "assay", "erase", "subject", "caller:tim", "--basis", "a test",
                           "--policy", policy, "--state", site.g.recorder.state, "--run",
                           site.g.recorder.run], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done.stdout, done.stderr)
    status, lines, total = site.replay(site.dir, "--all")
    assert status == 3
    assert {x["change"] for x in lines} == {"same", "cannot_tell"}
    open_ = [x for x in lines if x["change"] == "cannot_tell"]
    assert open_ and all({"place": "principal", "why": "is erased"} in x["now"]["on"]
                         for x in open_)


def by_whom(s):
    """Who is let in by one more policy for sure, and perhaps by another, was not by these; where
    there is only perhaps one more, nobody can tell."""
    one = """@id("whoever %s")
permit (principal, action == Action::"getCustomer", resource) %s;

"""
    perhaps = one % ("has one", "when { principal has branch }")
    for more, want in [(perhaps + one % ("it is", ""), ("other_policies", False)),
                       (perhaps, ("same", True))]:
        status, lines, total = s.replay(s.edited((POLICY, "// ---- data ----",
                                                  more + "// ---- data ----")), "--all")
        told = {(x["change"], "policies_on" in x) for x in lines
                if x["operation"] == "getCustomer" and x["was"]["decision"] == "allowed"}
        assert want in told and told <= {want, ("cannot_tell", False)}, lines
        assert status == (1 if want[0] == "other_policies" else 3)
        assert total["changes"]["policies_open"] == sum("policies_on" in x for x in lines)


def before_its_outcome(s):
    """Of a call that is not over nobody knows what it has read."""
    before = sum(e["k"] == "api.intent" for e in s.g.recorder.entries())
    s.g.backend.send_signal(signal.SIGSTOP)
    call = threading.Thread(target=s.call, args=("carol", "GET", "/bank/v1/customers/C000001"))
    call.start()
    try:
        wait_for(lambda: sum(e["k"] == "api.intent" for e in s.g.recorder.entries()) > before,
                 "the call in the ledger")
        _, _, total = s.replay(s.dir)
    finally:
        s.g.backend.send_signal(signal.SIGCONT)
        call.join()
    assert total["changes"]["reads_open"] == 1
    assert {"calls": 1, "what": "the outcome is not in the ledger, or not yet"} in total["missing"]


def refused(*command):
    done = subprocess.run([BIN / "assay", "api", "replay", *command], capture_output=True,
                          text=True, timeout=120)
    assert done.stdout == ""
    return done.returncode, done.stderr


def names(total):
    return [pathlib.Path(one["name"]).name for one in total["ledgers"]]


def over_the_years(s, other):
    """Each year has its ledger, and each host: all are read, each call once."""
    now, tar = s.g.recorder.public, s.g.top / "old.tar"
    first, others = s.replay(s.dir)[2], other.replay(s.dir)[2]
    copy = s.g.top / "before"
    shutil.copytree(now, copy)
    s.g.recorder.end()
    key = subprocess.run([BIN / "assay", "ledger", "succeed", now, "--origin", "h/next", "--reason",
                          "a year is over"], capture_output=True, check=True, text=True,
                         timeout=60).stdout.strip()
    old = now.with_name(now.name + ".1")
    s.g.recorder.start()
    wait_for(lambda: s.call("carol", "GET", "/bank/v1/branches") == 200, "the gateway again")
    s.calls_more()
    status, lines, total = s.replay(s.dir, "--all", "--key", key)
    assert (status, total["signed"], names(total)) == (3, True, ["ledger.1", "ledger"])
    sizes = [one["size"] for one in total["ledgers"]]
    calls = [one["calls"] for one in total["ledgers"]]
    assert calls[0] == first["calls"] and calls[1] >= 16 and sum(calls) == total["calls"]
    assert sizes[0] > first["size"] and sum(sizes) == total["size"]
    assert collections.Counter(x["ledger"] for x in lines) == {str(old): calls[0],
                                                               str(now): calls[1]}
    for one in total["ledgers"]:
        assert one["calls"] == one["same"] + one["otherwise"] + one["cannot_tell"]
    # The old one alone; another host's; one that is named twice.
    assert s.replay(s.dir, old)[2]["calls"] == calls[0]
    total = s.replay(s.dir, now, other.g.recorder.public)[2]
    assert names(total) == ["ledger.1", "ledger", "ledger"]
    assert total["calls"] == sum(calls) + others["calls"]
    status, said = refused(s.dir, now, f"{now}/.")
    assert status == 2 and "are the same ledger" in said
    # So is one that was copied before it was closed, beside which the whole one is found.
    status, said = refused(s.dir, now, copy)
    assert status == 2 and f"{copy} and {old} are the same ledger" in said
    # The new key does not speak for another host's.
    assert refused(s.dir, now, other.g.recorder.public, "--key", key)[0] == 3
    # Kept elsewhere: it is known by what it is, not by where it lies.
    subprocess.run(["tar", "-C", old, "-cf", tar, "."], check=True, timeout=60)
    old.rename(s.g.top / "away")
    done = subprocess.run([BIN / "assay", "api", "replay", s.dir, now], capture_output=True,
                          text=True, timeout=120)
    assert "goes on from assay.invalid/h, which is not here" in done.stderr
    assert f"{calls[1]} calls\n" in done.stdout
    assert names(s.replay(s.dir, now, tar)[2]) == ["old.tar", "ledger"]
    assert s.replay(s.dir, now, "--since", "0s")[2]["calls"] == 0
    done = subprocess.run([BIN / "assay", "api", "replay", s.dir, now, tar, "--all"],
                          capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    at = lines.index(f"in {now}")
    assert lines[1] == f"in {tar}" and sum(x.startswith("in ") for x in lines) == 2
    assert lines[at - 1].startswith("      ") or lines[at - 1].startswith("  ")
    table = lines[lines.index("") + 1:]
    assert table[0].split("  ")[0] == "entries" and table[3].endswith("  all of them")
    assert [row.split()[1] for row in table[1:4]] == [str(n) for n in (*calls, sum(calls))]


def test_nothing_was_recorded_for_it(site):
    """Without replay: digest nothing is claimed that is not so; what is missing has its name."""
    s = Site()
    try:
        s.calls()
        status, lines, total = s.replay(s.dir, "--all")
        assert {x["change"] for x in lines} == {"same", "cannot_tell"} and status == 3
        told = {m["what"] for m in total["missing"]}
        assert "context.body.amount.hundredths was not recorded" in told or \
            "context.body was not recorded" in told
        assert total["changes"]["same"] >= 8
        by_whom(s)
        before_its_outcome(s)
        over_the_years(s, site)
        for entry in s.g.recorder.entries():
            assert "asked_left_out" not in json.dumps(entry)
    finally:
        s.close()
