# SPDX-License-Identifier: Apache-2.0
"""The account service of examples/backend: the same data after each start, and its own rules."""
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
SERVICE = TOP / "examples" / "backend" / "accounts.py"
KEY = {"Idempotency-Key": "9f3c2f5e-3b1e-4f44-9c55-0d6d7a1f2b11"}


class Client(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def call(self, method, path, body=None, headers=None, media="application/json"):
        """Status and what the body says."""
        text = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self.request(method, path, text, {**({"Content-Type": media} if text else {}),
                                          **(headers or {})})
        answer = self.getresponse()
        said = json.loads(answer.read())
        wanted = "application/problem+json" if answer.status >= 400 else "application/json"
        assert answer.getheader("Content-Type") == wanted
        return answer.status, said


def start(path):
    process = subprocess.Popen([sys.executable, SERVICE, "--unix", path],
                               stderr=subprocess.DEVNULL)
    client = Client(path)
    for _ in range(200):
        try:
            client.connect()
            return process, client
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)
    raise AssertionError("the service does not listen")


@pytest.fixture
def service(tmp_path):
    process, client = start(tmp_path / "a.sock")
    yield client
    client.close()
    process.kill()
    process.wait()


def everything(client):
    accounts, after = [], ""
    while after is not None:
        status, page = client.call("GET", f"/accounts?limit=7{after and '&after=' + after}")
        assert status == 200
        accounts += page["accounts"]
        after = page.get("next")
    return [accounts,
            [client.call("GET", f"/accounts/{a['id']}/transfers") for a in accounts],
            [client.call("GET", f"/customers/{o}") for o in sorted({a["owner"] for a in accounts})],
            client.call("GET", "/branches")]


def test_the_same_after_each_start(service, tmp_path):
    process, other = start(tmp_path / "b.sock")
    assert everything(service) == everything(other)
    other.close()
    process.kill()
    process.wait()


def test_ibans_have_their_check_digits(service):
    accounts = everything(service)[0]
    assert len(accounts) == 60 == len({a["id"] for a in accounts})
    for account in accounts:
        iban = account["iban"]
        assert re.fullmatch("CH[0-9]{19}", iban)
        assert int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def transfer(hundredths, currency="CHF", **more):
    return {"to": "CH8500762000000000012", "name": "Dario Brandt",
            "amount": {"hundredths": hundredths, "currency": currency}, **more}


def test_a_key_is_one_transfer(service):
    path = "/accounts/A00000001/transfers"
    before = service.call("GET", "/accounts/A00000001")[1]["balance"]["hundredths"]
    status, made = service.call("POST", path, transfer(100, text="x"), KEY)
    assert (status, made["amount"]["hundredths"], made["text"]) == (201, 100, "x")
    assert service.call("POST", path, transfer(100, text="x"), KEY) == (201, made)
    assert service.call("POST", path, transfer(101), KEY)[0] == 409
    after = service.call("GET", "/accounts/A00000001")[1]["balance"]["hundredths"]
    assert after == before - 100
    assert made in service.call("GET", path)[1]["transfers"]


@pytest.mark.parametrize("status, body, headers, media", [
    (409, transfer(10 ** 9), KEY, "application/json"),
    (422, transfer(0), KEY, "application/json"),
    (422, transfer(-5), KEY, "application/json"),
    (422, transfer(1.5), KEY, "application/json"),
    (422, transfer(True), KEY, "application/json"),
    (422, transfer(1, "EUR"), KEY, "application/json"),
    (422, transfer(1, more=1), KEY, "application/json"),
    (422, [], KEY, "application/json"),
    (400, transfer(1), {}, "application/json"),
    (400, b"{", KEY, "application/json"),
    (400, b'{"to":"x","to":"y"}', KEY, "application/json"),
    (415, transfer(1), KEY, "text/plain"),
])
def test_transfers_that_are_refused(service, status, body, headers, media):
    before = service.call("GET", "/accounts/A00000001")
    assert service.call("POST", "/accounts/A00000001/transfers", body, headers, media)[0] == status
    assert service.call("GET", "/accounts/A00000001") == before


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/accounts/A99999999", 404), ("GET", "/customers/x", 404), ("GET", "/", 404),
    ("GET", "/accounts/", 404), ("DELETE", "/branches", 405), ("GET", "/accounts?limit=x", 400)])
def test_what_is_not_there(service, method, path, status):
    assert service.call(method, path)[0] == status


def test_customers_change_as_far_as_they_may(service):
    media = "application/merge-patch+json"
    status, made = service.call("PATCH", "/customers/C000002", {"phone": None}, media=media)
    assert (status, made["phone"]) == (200, None)
    for body in ({}, {"ssn": "1"}, {"email": None}):
        assert service.call("PATCH", "/customers/C000002", body, media=media)[0] == 422
