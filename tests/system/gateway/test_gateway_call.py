# SPDX-License-Identifier: Apache-2.0
"""Calls of the example through the gateway core: openssl signs the tokens, answers are those of the
example's own back-end."""
import base64
import hashlib
import json
import subprocess

import pytest

from assay_tool import good
from gateway_core import (
    EXAMPLE, HELPER, JSON, NOON, Issuer, accounts, answer, base64url, request)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="module")
def issuer(place):
    return Issuer(place)


@pytest.fixture(scope="module")
def package(place):
    good("api", "build", EXAMPLE, "--output", place / "accounts.assay")
    return place / "accounts.assay"


@pytest.fixture
def run(package, issuer):
    def calls(*asked):
        done = subprocess.run([HELPER, "--jwks", f"token={issuer.file}", package],
                              input="".join(json.dumps(one) + "\n" for one in asked), text=True,
                              capture_output=True, check=True, timeout=60)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(told) == len(asked)
        return told
    return calls


@pytest.fixture
def tess(issuer):
    return issuer.token(sub="tess", groups=["tellers"], branch="0100")


def test_what_the_backend_has_is_shown_by_rights(run, issuer, tess):
    bank = accounts.Bank()
    fred = issuer.token(sub="fred", groups=["fraud-desk"])
    one = bank.customer("C000002")
    told = run(*({"request": request("GET", "/bank/v1/customers/C000002", token),
                  "answer": answer(one)} for token in (tess, fred)))
    seen = [json.loads(t["reply"]["body"]) for t in told]
    assert seen[1] == one
    assert seen[0] == {**one, "ssn": "*" * 7 + one["ssn"][-4:], "born": one["born"][:4]}
    assert all(t["steps"] == ["record", "call", "record", "answer"] for t in told)


def test_every_answer_of_the_backend_is_understood(run, issuer):
    """All that it has, through the schemas and the masks of its own package, to who reads all."""
    bank = accounts.Bank()
    fred = issuer.token(sub="fred", groups=["fraud-desk"])
    wanted = [(f"/customers/{id_}", one) for id_, one in bank.customers.items()]
    wanted += [(f"/accounts/{id_}", one) for id_, one in list(bank.accounts.items())[:35]]
    wanted += [("/branches", accounts.BRANCHES),
               ("/accounts?limit=100", bank.list_accounts({"limit": "100"})),
               ("/accounts/A00000001/transfers", bank.list_transfers("A00000001", {}))]
    told = run(*({"request": {**request("GET", f"/bank/v1{path}", fred), "ms": NOON * 1000 + i},
                  "answer": answer(body)} for i, (path, body) in enumerate(wanted)))
    for (path, body), t in zip(wanted, told):
        assert (t["reply"]["status"], t["sent"]["target"]) == (200, path), t
        assert json.loads(t["reply"]["body"]) == body


def test_values_are_sealed(run, tess):
    iban = accounts.iban("GB", "BUKB20201555555555")
    body = {"to": iban, "name": "Sam Poe", "amount": {"hundredths": 5, "currency": "CHF"}}
    made = accounts.Bank().transfer("A00000001", "k", body)
    [told] = run({"request": request(
        "POST", "/bank/v1/accounts/A00000001/transfers", tess, JSON,
        ["Idempotency-Key", "6f1c2d0e-9a7b-4c3d-8e5f-001122334455"], body=body),
        "answer": answer(made, 201)})
    assert told["reply"]["status"] == 201
    assert json.loads(told["sent"]["body"]) == body
    kinds = [e["skeleton"]["k"] for e in told["entries"]]
    assert kinds == ["api.values", "api.intent", "api.values", "api.outcome"]
    clear = json.dumps([e["skeleton"] for e in told["entries"]])
    for secret in (iban, "Sam Poe", "tess", "10.1.2.3", "A00000001"):
        assert secret not in clear
    sealed = {name: value for e in told["entries"] for _, name, value in e["fields"]}
    assert sealed["who.user"] == "tess" and sealed["what.object"] == "A00000001"
    calls = {e["skeleton"]["what"]["call"] for e in told["entries"]}
    assert len(calls) == 1
    assert ["x-request-id", *calls] in told["sent"]["headers"]


@pytest.mark.parametrize("spoil", ["claims", "signature", "key"])
def test_a_token_that_was_changed(run, issuer, tess, place, spoil):
    head, claims, signature = tess.split(".")
    if spoil == "claims":
        claims = base64url(base64.urlsafe_b64decode(claims + "===").replace(b"tellers", b"auditor"))
    elif spoil == "signature":
        signature = base64url(hashlib.sha512(b"x").digest())
    else:
        (place / "other").mkdir()
        head, claims, signature = Issuer(place / "other").token(
            sub="tess", groups=["fraud-desk"]).split(".")
    [told] = run({"request": request("GET", "/bank/v1/branches", f"{head}.{claims}.{signature}")})
    assert (told["steps"], told["reply"]["status"]) == (["record", "answer"], 401)
    assert told["entries"][0]["skeleton"]["what"]["reason"] == "credential"


def test_a_refusal_tells_no_more_than_it_must(run, issuer):
    zoe = issuer.token(sub="zoe")
    told = run({"request": request("GET", "/bank/v1/accounts/A00000001", zoe)},
               {"request": request("GET", "/bank/v1/accounts/A99999999", zoe)})
    for t in told:
        body = json.loads(t["reply"]["body"])
        assert body == {"instance": f"urn:assay:call:{t['entries'][0]['skeleton']['what']['call']}",
                        "status": 403, "title": "Not allowed", "type": "about:blank"}
        assert t["sent"] is None
    bare = [{**t["reply"], "body": ""} for t in told]
    assert bare[0] == bare[1]


def test_what_is_not_recorded_is_not_served(run, tess):
    one = accounts.Bank().account("A00000001")
    call = {"request": request("GET", "/bank/v1/accounts/A00000001", tess), "answer": answer(one)}
    told = run({**call, "unrecorded": 1}, {**call, "unrecorded": 2}, call)
    assert [t["reply"]["status"] for t in told] == [503, 503, 200]
    assert [t["sent"] is None for t in told] == [True, False, False]
    for t in told[:2]:
        assert one["iban"] not in json.dumps(t["reply"])
