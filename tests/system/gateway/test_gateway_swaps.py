# SPDX-License-Identifier: Apache-2.0
"""One package after the other is deployed, gone back to and withdrawn while calls are made: every
answer is of exactly one generation - its back-end, its policies, its masks, its entries - and none
is of an older one than was asked for.  ASSAY_SWAPS: how many; the soak takes 1,000."""
import collections
import http.client
import http.server
import itertools
import json
import os
import random
import re
import socketserver
import threading
import time

import pytest
from gateway_host import EARLY, NO_HOURS, Gateway, needs

pytestmark = needs()
SOAK = bool(os.environ.get("ASSAY_SOAK"))
SWAPS = int(os.environ.get("ASSAY_SWAPS", 1000 if SOAK else 25))
CALLERS = 4
BALANCE = {"hundredths": 1, "currency": "CHF"}
IBAN = "CH9300762011623852957"
EDIT = [("gateway.yaml", '  "*": { rate: 20/s, burst: 40 }',
         '  "*": { rate: 10000/s, burst: 10000 }'), NO_HOURS, EARLY]
FORMS = [("last4", "*" * 17 + "2957"), ("first1", "C" + "*" * 20), ("redact", "***")]


class Place(http.server.BaseHTTPRequestHandler):
    """A back-end that knows where it is, and writes down which call asked it for what."""
    protocol_version = "HTTP/1.1"
    number, seen = 0, None

    def log_message(self, *_):
        pass

    def address_string(self):
        return ""

    def do_GET(self):
        name = self.path.split("/")[2]
        self.seen.append((name, self.headers["X-Request-Id"], self.number))
        if random.random() < 0.3:
            time.sleep(random.choice([0.002, 0.02, 0.1]))
        body = json.dumps({"id": name, "iban": IBAN, "status": "open", "owner": "C000001",
                           "branch": f"{self.number:04}", "balance": BALANCE}).encode()
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Kind:
    """Of packages: what tells them apart, in everything that a call meets."""

    def __init__(self, number):
        self.number = number
        self.mask, self.iban = FORMS[number % 3]
        self.balance = number % 2 == 0

    def answer(self, name):
        return {"id": name, "iban": self.iban, "status": "open", "branch": f"{self.number:04}",
                "owner": "C000001", **({"balance": BALANCE} if self.balance else {})}


KINDS = [Kind(n) for n in range(6)]


class Site(Gateway):
    def __init__(self):
        super().__init__()
        self.recorder.end()
        self.recorder.more = ["--new-subjects", "1000000"]
        self.recorder.start()
        self.token = self.provider.token("olga", ["auditors"], exp=int(time.time()) + 86400)
        self.versions, self.of = [], {}  # kinds by version
        self.generations = {}  # version by number; None: withdrawn
        self.seen, self.servers = [], []
        for kind in KINDS:
            handler = type("Here", (Place,), {"number": kind.number, "seen": self.seen})
            server = Server(str(self.socket_of(kind)), handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)

    def socket_of(self, kind):
        return self.top / f"backend-{kind.number}.sock"

    def close(self):
        try:
            super().close()
        finally:
            for server in self.servers:
                server.shutdown()
                server.server_close()

    def put_kind(self, kind):
        """Where it is served from, how a number is masked, and whether auditors see amounts."""
        directory = self.registry.git.top / "services" / "accounts"
        (directory / "backend.yaml").write_text(f"unix: {self.socket_of(kind)}\n")
        group = "auditors" if kind.balance else "partners"
        for file, pattern, new in (
                ("gateway.yaml", r"(account\.iban: \{ mask: )[a-z0-9]+", kind.mask),
                ("policy.cedar", r'(@id\("auditors read amounts"\)\s+permit \(\s+'
                                 r'principal in Group::")[a-z]+', group)):
            path = directory / file
            text, n = re.subn(pattern, lambda m, w=new: m[1] + w, path.read_text())
            assert n == 1, (file, pattern)
            path.write_text(text)

    def told(self, number, version):
        self.generations[number] = version
        return number

    def deploy_kind(self, kind):
        version = f"1.{len(self.versions) + 5}.0"
        self.put_kind(kind)
        number = self.registry.deploy(version)["generation"]
        self.versions.append(version)
        self.of[version] = kind
        return self.told(number, version)

    def go_back(self, version):
        told = self.registry.json("rollback", "accounts", version, "--reason", "x")
        return self.told(told["generation"], version)

    def withdraw(self):
        told = self.registry.json("withdraw", "accounts", "--reason", "x")
        return self.told(told["generation"], None)

    def swap(self, chance, number):
        if number % 100 == 99:
            return self.deploy_kind(chance.choice(KINDS))
        if number % 20 == 19 and self.generations[max(self.generations)]:
            return self.withdraw()
        now = self.generations[max(self.generations)]
        return self.go_back(chance.choice([v for v in self.versions if v != now]))


@pytest.fixture
def site():
    s = Site()
    try:
        s.deploy("1.4.0", edit=EDIT)
        s.told(1, "1.4.0")
        for kind in KINDS:
            s.deploy_kind(kind)
        s.start()
        s.wait_for_generation(max(s.generations))
        yield s
    finally:
        s.close()


def caller(site, stop, number, got):
    """Calls in turn, each about another account: [(account, from, until, status, answer)]."""
    c = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    for n in itertools.count():
        if stop.is_set():
            return
        name = f"A{number * 1000000 + n:08}"
        begun = time.monotonic()
        status, _, body = site.call("GET", f"/bank/v1/accounts/{name}", connection=c)
        got.append((name, begun, time.monotonic(), status, body))
        if status == 404:
            time.sleep(0.02)


def entries_of(site):
    """{call: {kind: what}}; generations of intents by run, in the ledger's order."""
    calls, runs = {}, collections.defaultdict(list)
    for e in site.recorder.entries():
        if e["k"] in ("api.intent", "api.outcome", "api.denied") and "call" in e["what"]:
            assert e["k"] not in calls.setdefault(e["what"]["call"], {})
            calls[e["what"]["call"]][e["k"]] = e["what"]
            if e["k"] == "api.intent":
                runs[e["src"]["run"]].append(e["what"]["generation"])
    return calls, runs


def judge(site, name, call, place, kinds):
    """What the ledger and the back-end say of a call that was answered: the kind of its package."""
    version = site.generations[kinds["api.intent"]["generation"]]
    kind = site.of[version]
    about = (name, call, version)
    assert kinds["api.intent"]["version"] == kinds["api.outcome"]["version"] == version, about
    assert place == kind.number, about
    assert kinds["api.outcome"]["reads"] == [
        ["account.balance", 1, "clear" if kind.balance else "withheld"],
        ["account.iban", 1, "masked"]], (about, kinds["api.outcome"])
    return kind


def test_each_answer_is_of_one_generation(site):
    stop, got, chance = threading.Event(), [], random.Random()
    callers = [threading.Thread(target=caller, args=(site, stop, i, got))
               for i in range(1, CALLERS + 1)]
    for thread in callers:
        thread.start()
    served = []  # (when, the oldest that any worker serves)
    begun = time.monotonic()
    for n in range(SWAPS):
        number = site.swap(chance, n)
        if n % 10 == 9:
            site.wait_for_generation(number)
            time.sleep(1.2)  # the other worker
            served.append((time.monotonic(), number))
    took = time.monotonic() - begun
    stop.set()
    for thread in callers:
        thread.join()
    site.stop()
    site.recorder.published()
    calls, runs = entries_of(site)
    asked = {}
    for name, call, place in site.seen:
        assert name not in asked, "asked twice"
        asked[name] = (call, place)
    number_of = {}
    for name, _, _, status, body in got:
        assert status in (200, 404), (name, status, body)
        if status == 404:
            assert name not in asked and set(body) == {"instance", "status", "title", "type"}
            continue
        call, place = asked[name]
        kind = judge(site, name, call, place, calls[call])
        assert body == kind.answer(name), (name, body, kind.number)
        number_of[name] = calls[call]["api.intent"]["generation"]
    for run, numbers in runs.items():
        assert numbers == sorted(numbers), f"run {run} went back by itself"
    for when, number in served:
        older = [(name, number_of[name]) for name, since, *_ in got
                 if name in number_of and since > when and number_of[name] < number]
        assert not older, (number, older[:5])
    statuses = collections.Counter(g[3] for g in got)
    print(f"{SWAPS} swaps in {took:.0f} s, {len(got)} calls {dict(statuses)}, "
          f"{len(set(number_of.values()))} generations have answered")
    waited_for = {number for _, number in served if site.generations[number]}
    assert waited_for and waited_for <= set(number_of.values()) and statuses[404] > 0
    assert "GOOD" in site.recorder.verify()
