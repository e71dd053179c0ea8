# SPDX-License-Identifier: Apache-2.0
"""assay api access: what it is sure of is what the gateway's core does with calls, whatever it says
that a call may come to holds each that comes, and its table, JSON and CSV say the same."""
import collections
import csv
import io
import itertools
import json
import re
import shutil
import subprocess

import pytest

from assay_tool import assay, good, good_json, refused
from gateway_core import EXAMPLE, HELPER, JSON, NOON, Issuer, accounts, answer, request

NIGHT = NOON - 10 * 3600
KEY = ["Idempotency-Key", "6f1c2d0e-9a7b-4c3d-8e5f-001122334455"]
PATCH = ["Content-Type", "application/merge-patch+json"]
MORE_POLICIES = """
@id("only the trained change anything")
forbid (principal in Group::"tellers", action == Action::"updateCustomer", resource)
unless { principal in Group::"trained" };

@id("lena knows numbers, from inside")
permit (principal == Caller::"lena", action in Action::"read", resource == DataClass::"pii.ssn")
when { context.address.isInRange(ip("10.0.0.0/8")) };

@id("branch 0100 looks at people")
permit (principal, action == Action::"getCustomer", resource)
when { principal has branch && principal.branch == "0100" };

@id("one customer's number is no secret")
permit (principal in Group::"auditors", action in Action::"readMasked",
        resource in DataClass::"pii")
when { context.object == Customer::"C000002" };

@id("sums that do not fit")
forbid (principal in Group::"fraud-desk", action == Action::"getAccount", resource)
when { principal has branch && 9223372036854775807 + 1 > 0 };

@id("the machine is let through")
permit (principal in Group::"machines", action in [Action::"getAccount", Action::"getAccount.read"],
        resource);
"""
ODD_POLICY = r"""
@id("=1+1\",\"x\n\u{1b}[31m")
permit (principal in Group::"=a,\"b\"", action in
        [Action::"getCustomer", Action::"getCustomer.read"], resource);
"""
MORE_ENTITIES = """
- uid: { type: Caller, id: lena }
  parents: [{ type: Group, id: auditors }]
- uid: { type: Caller, id: mike }
  attrs: { branch: "0100" }
- uid: { type: Group, id: trained }
- uid: { type: Group, id: machines }
"""


def make(tmp_path, name, edit=()):
    directory = tmp_path / name
    shutil.copytree(EXAMPLE, directory)
    text = (directory / "gateway.yaml").read_text()
    (directory / "gateway.yaml").write_text(re.sub(r"limits:.*?\n\n", "", text, flags=re.DOTALL))
    for file, more in edit:
        path = directory / file
        path.write_text((path.read_text() if path.exists() else "") + more)
    return directory


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    (top := tmp_path_factory.mktemp("access") / "x").mkdir()
    return make(top, "more", [("policy.cedar", MORE_POLICIES), ("entities.yaml", MORE_ENTITIES)])


def transfer(amount, currency="EUR"):
    return {"to": accounts.iban("GB", "BUKB20201555555555"), "name": "Sam Poe",
            "amount": {"hundredths": amount, "currency": currency}}


def calls_of(bank):
    """Operation, request without a caller, what the back-end says to it."""
    account, customers = "/bank/v1/accounts/A00000001", "/bank/v1/customers/"
    for one in ("C000001", "C000002"):
        yield "getCustomer", ("GET", customers + one), {}, answer(bank.customer(one))
        yield ("updateCustomer", ("PATCH", customers + one), {"body": {"phone": "+43 1 5"}},
               answer(bank.customer(one)))
    yield "getAccount", ("GET", account), {}, answer(bank.account("A00000001"))
    for query in ("", "?branch=0100", "?branch=0200"):
        yield ("listAccounts", ("GET", "/bank/v1/accounts" + query), {},
               answer(bank.list_accounts({})))
    yield ("listTransfers", ("GET", account + "/transfers"), {},
           answer(bank.list_transfers("A00000001", {})))
    for amount, currency in ((5, "EUR"), (200000, "CHF"), (900000, "EUR"), (-3, "EUR")):
        made = bank.transfer("A00000001", "k", transfer(5, "CHF"))
        yield ("createTransfer", ("POST", account + "/transfers"),
               {"body": transfer(amount, currency)}, answer(made, 201))


def asked_of(issuer, bank, callers):
    """Each caller's calls, at noon and at night, from inside and outside."""
    for sub, groups, branch in callers:
        claims = {"sub": sub, "exp": NOON + 60, **({"groups": groups} if groups else {}),
                  **({"branch": branch} if branch else {})}
        token = issuer.token(**claims)
        for (operation, line, more, told), ms, address in itertools.product(
                calls_of(bank), (NOON, NIGHT), ("10.1.2.3", "192.0.2.9")):
            headers = {"POST": [JSON, KEY], "PATCH": [PATCH]}.get(line[0], [])
            q = request(*line, token, *headers, **more, address=address)
            yield (sub, groups, branch, operation), {"request": {**q, "ms": ms * 1000},
                                                     "answer": told}


def outcome(told, classes):
    """What the caller saw of each class that was in the answer."""
    if told["reply"]["status"] == 403:
        return {name: "nothing" for name in classes}
    assert told["reply"]["status"] in (200, 201), told
    reads = told["entries"][-1]["skeleton"]["what"].get("reads", [])
    return {name: {"withheld": "nothing"}.get(how, how) for name, count, how in reads}


def deciding(told):
    """By what the call was let through, or refused."""
    for entry in told["entries"]:
        if entry["skeleton"]["k"] in ("api.intent", "api.denied"):
            return entry["skeleton"]["what"].get("policies", [])
    return []


class Said:
    """The rows for one caller."""

    def __init__(self, package):
        self.package = package
        self.usual = good_json("api", "access", package)["access"]
        self.asked = {}

    def rows(self, options):
        if options not in self.asked:
            self.asked[options] = good_json("api", "access", self.package, *options)["access"]
        return self.asked[options]

    def of(self, sub, groups, operation):
        """Lists of rows, each of which has to hold."""
        def pick(rows, **want):
            return [r for r in rows if r["operation"] == operation and
                    all(r["caller"].get(k) == v for k, v in want.items())]
        exact = ("--caller", sub, *(x for g in groups for x in ("--group", g)))
        yield "exact", pick(self.rows(exact) if groups else [])
        yield "caller", pick(self.rows(("--caller", sub)))
        if sub in ("lena", "mike"):
            if not groups:
                yield "usual", pick(self.usual, kind="named", id=sub, any_groups=False)
            yield "groups", pick(self.usual, kind="named", id=sub, any_groups=True)
            return
        if groups:
            yield "exact", pick(self.rows(exact[2:]))
        yield "several", pick(self.usual, kind="several")
        if len(groups) == 1:
            yield "usual", pick(self.usual, kind="member", groups=groups)
        if not groups:
            yield "usual", pick(self.usual, kind="other")


def run(package, issuer, asked):
    done = subprocess.run([HELPER, "--jwks", f"token={issuer.file}", package],
                          input="".join(json.dumps(one) + "\n" for one in asked), text=True,
                          capture_output=True, check=True, timeout=300)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(asked)
    return told


def test_what_it_says_is_what_the_gateway_does(directory, tmp_path, issuer):
    package = tmp_path / "more.assay"
    good("api", "build", directory, "--output", package)
    said, bank = Said(package), accounts.Bank()
    groups = ("tellers", "auditors", "fraud-desk", "partners", "trained", "machines")
    some = [[], *([g] for g in groups), ["tellers", "trained"], ["tellers", "fraud-desk"],
            ["auditors", "tellers"], ["nowhere"]]
    callers = [("zoe", g, b) for g in some for b in (None, "0100")]
    callers += [(who, g, b) for who in ("lena", "mike")
                for g, b in (((), None), ((), "0200"), (("tellers",), "0100"))]
    callers = [(sub, list(g), b) for sub, g, b in callers]
    keys, asked = zip(*asked_of(issuer, bank, callers))
    sure, both, unsure = 0, collections.defaultdict(set), 0
    for (sub, in_groups, _, operation), told in zip(keys, run(package, issuer, asked)):
        rows = dict(enumerate(said.of(sub, in_groups, operation)))
        classes = {r["class"] for r in said.usual if r["operation"] == operation}
        saw = outcome(told, classes)
        for form, list_ in rows.values():
            for r in list_:
                if r["class"] not in saw:
                    continue
                assert saw[r["class"]] in r["sees"], (sub, in_groups, operation, form, r, told)
                if form not in ("exact", "usual"):
                    continue
                sure += len(r["sees"]) == 1
                if len(r["sees"]) > 1:
                    unsure += 1
                    both[sub, *in_groups, operation, r["class"]].add(saw[r["class"]])
        for r in rows[1][1]:
            names = {p.get("id") for p in r["call"]["policies"]}
            assert set(deciding(told)) <= names, (deciding(told), r)
    assert sure > 2000 and unsure > 500, (sure, unsure)
    # what was left open comes out one way and the other, mostly
    assert sum(len(v) > 1 for v in both.values()) > len(both) / 3


def cells(text):
    return list(csv.reader(io.StringIO(text)))


def sha256(package):
    return good_json("api", "access", package)["sha256"]


def test_the_example_in_words():
    text = good("api", "access", EXAMPLE, "--class", "pii.ssn")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[:2] == ["accounts 1.4.0: who may read which data", f"sha256 {sha256(EXAMPLE)}"]
    assert lines[2:5] == ["", "pii.ssn, masked as last4", "caller operation sees by"]
    for line in ('group "fraud-desk" getCustomer in clear call [1]; clear [3]',
                 'group "tellers" getCustomer masked or nothing '
                 'call [1] unless [2] (context.time); masked [4]',
                 'group "tellers" updateCustomer masked or nothing '
                 'call [5] unless [2] (context.time); masked [4]'):
        assert line in lines
    # the fraud desk reads what only tellers change
    several = [line for line in lines if line.startswith("callers in several groups ")]
    assert len(several) == 1 and " updateCustomer in clear, masked or nothing " in several[0]
    assert 'nothing: caller "payroll.partner.example", group "auditors", group "partners", ' \
        'group "staff", callers in no group' in lines
    source = (EXAMPLE / "policy.cedar").read_text().splitlines()
    legend = re.findall(r'^\[\d+\] +(?:permit|forbid) ("[^"]+") \(policy\.cedar:(\d+)\)$', text,
                        re.MULTILINE)
    assert len(legend) == 5
    for name, line in legend:
        assert source[int(line) - 1] == f"@id({name})"


def test_who_may_send():
    rows = good_json("api", "access", EXAMPLE, "--writes", "--class", "account.iban")["access"]
    assert {r["operation"] for r in rows} == {"createTransfer"}
    said = {r["caller"]["groups"][0]: r["sees"] for r in rows if r["caller"]["kind"] == "member"}
    assert said == {"auditors": ["refused"], "fraud-desk": ["refused"], "staff": ["refused"],
                    "partners": ["sends", "refused"], "tellers": ["sends", "refused"]}
    on = {d for r in rows for p in r["call"]["policies"] for d in p["depends_on"]}
    assert "context.body.amount.hundredths" in on


def test_csv_says_the_same(directory):
    rows = [r for r in good_json("api", "access", directory)["access"] if not r["implied"]]
    head, *lines = cells(good("api", "access", directory, "--csv", "--all"))
    assert head[:3] == ["class", "caller", "operation"]
    assert [(c[0], c[2], c[3], c[5]) for c in lines] == \
        [(r["class"], r["operation"], r["method"], r["call"]["decision"]) for r in rows]
    assert head[-1] == "sha256" and {c[-1] for c in lines} == {sha256(directory)}
    some = cells(good("api", "access", directory, "--csv"))[1:]
    assert [c for c in lines if c[6] != "nothing"] == some


def test_odd_names(tmp_path):
    """A policy and a group with what CSV and terminals take for something else."""
    directory = make(tmp_path, "odd", [("policy.cedar", ODD_POLICY)])
    options = ("api", "access", directory, "--class", "pii.ssn")
    rows = [r for r in good_json(*options)["access"] if r["caller"]["groups"] == ['=a,"b"'] and
            r["sees"] == ["clear"]]
    assert [r["call"]["policies"][0]["id"] for r in rows] == ['=1+1","x\n\x1b[31m']
    line = [c for c in cells(good(*options, "--csv")) if r'=a,\"b\"' in c[1]]
    assert len(line) == 1 and len(line[0]) == 11 and line[0][6] == "in clear"
    assert r'=1+1\",\"x' in line[0][8] and "\x1b" not in line[0][8] and "\n" not in line[0][8]
    assert "\x1b" not in good(*options)


def test_what_no_group_alone_opens(directory):
    rows = good_json("api", "access", directory, "--class", "pii.ssn")["access"]
    tellers = [r for r in rows if r["caller"]["groups"] == ["tellers"] and
               r["operation"] == "updateCustomer"]
    assert [r["sees"] for r in tellers] == [["nothing"]]
    assert re.search("callers in several groups +updateCustomer",
                     good("api", "access", directory, "--class", "pii.ssn"))
    exact = good_json("api", "access", directory, "--class", "pii.ssn", "--operation",
                      "updateCustomer", "--group", "tellers", "--group", "trained")["access"]
    assert [r["sees"] for r in exact] == [["masked", "nothing"]]


def test_a_name_and_the_groups_of_a_token(tmp_path, issuer):
    """Who is named, and let read by what only his token says."""
    directory = make(tmp_path, "tim", [("entities.yaml", "- uid: { type: Caller, id: tim }\n"), (
        "policy.cedar", """
@id("tim calls") permit (principal == Caller::"tim", action == Action::"getCustomer", resource);
@id("tim reads") permit (principal == Caller::"tim", action == Action::"getCustomer.read",
                         resource == DataClass::"pii.ssn")
when { principal in Group::"night" };
""")])
    good("api", "build", directory, "--output", package := tmp_path / "tim.assay")
    asked = [{"request": {**request("GET", "/bank/v1/customers/C000001", issuer.token(
        sub="tim", exp=NOON + 60, groups=["night"])), "ms": NOON * 1000},
              "answer": answer(accounts.Bank().customer("C000001"))}]
    told = run(package, issuer, asked)[0]
    assert outcome(told, {"pii.ssn"})["pii.ssn"] == "clear"
    text = good("api", "access", package, "--class", "pii.ssn")
    line = [one for one in text.splitlines() if 'caller "tim", with groups of his token' in one]
    assert line and "in clear" in line[0] and 'nothing: caller "payroll.partner.example", ' \
        'caller "tim", group' in " ".join(text.split())


def test_what_was_not_asked_about_is_not_denied():
    nobody = "  nobody, of the callers and operations that were asked about, may "
    for options in (("--group", "x"), ("--caller", "y", "--group", "x"),
                    ("--group", "partners", "--operation", "getAccount")):
        for more, does in ((), "read"), (("--writes",), "send"):
            text = good("api", "access", EXAMPLE, *options, *more)
            assert "nobody may" not in text
            assert (nobody + does + " it\n" in text) == ("getAccount" not in options or not more)


def test_no_name_ends_its_quotes(tmp_path):
    """A group that reads as two of them, were its quotes its own."""
    directory = make(tmp_path, "two", [("policy.cedar", r"""
permit (principal in Group::"a\" and \"b\\", action in
        [Action::"getCustomer", Action::"getCustomer.read"], resource);
""")])
    options = ("api", "access", directory, "--class", "pii.ssn")
    said = r'group "a\" and \"b\\"'
    assert f"  {said} " in good(*options)
    assert said in [line[1] for line in cells(good(*options, "--csv"))]


@pytest.mark.parametrize("options, says", (
    ((), "of which package? A file, a directory, or --api"),
    ((EXAMPLE, "--api", "accounts"), "of which package? A file, a directory, or --api"),
    ((EXAMPLE, "--class", "pii.sn"), "accounts has no data class \"pii.sn\""),
    ((EXAMPLE, "--class", "pi"), "accounts has no data class \"pi\""),
    ((EXAMPLE, "--operation", "nope"), "accounts has no operation \"nope\""),
    ((EXAMPLE, "--csv", "--json"), "--csv or --json, not both"),
    ((EXAMPLE, "--caller", "u" * 1025), "a caller or a group that there cannot be: it is too "
     "long, or no UTF-8"),
    ((EXAMPLE, "--group", "g" * 1025), "a caller or a group that there cannot be: it is too "
     "long, or no UTF-8"),
))
def test_rubbish(options, says):
    assert refused(2, "api", "access", *options) == f"assay api access: {says}\n"


def test_what_is_no_package(tmp_path):
    (tmp_path / "file").write_bytes(b"\0\1\2")
    assert refused(3, "api", "access", tmp_path / "file").startswith(
        f"assay api access: {tmp_path}/file: ")
    assert "no such" in refused(3, "api", "access", tmp_path / "none").lower()
    broken = make(tmp_path, "broken", [("policy.cedar", "permit (principal, action;\n")])
    done = assay("api", "access", broken)
    assert done.returncode == 3 and b"policy.cedar:" in done.stdout
    assert f"{broken}: it has errors, so it is no package yet" in done.stderr.decode()
