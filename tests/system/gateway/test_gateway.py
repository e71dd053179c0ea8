# SPDX-License-Identifier: Apache-2.0
"""Calls through nginx with the module: the example's package, deployed into a registry, the
example's service behind it, a recorder beside it."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import socketserver
import subprocess
import threading
import time

import pytest
from gateway_host import Gateway, Provider, free_port, needs
from recorder_host import wait_for

pytestmark = needs("curl")
TRANSFER = {"to": "CH9300762011623852957", "name": "Ada Abel",
            "amount": {"hundredths": 100, "currency": "CHF"}, "text": "x"}
UUID = "9f3c2f5e-3b1e-4f44-9c55-0d6d7a1f2b11"


@pytest.fixture
def site():
    g = Gateway()
    try:
        g.begin()
        yield g
    finally:
        g.close()


# ---- what a caller gets, and what the ledger has of it ----

def test_allowed_masked_refused_recorded(site):
    teller = site.provider.token("tim", ["tellers"], branch="0100")
    auditor = site.provider.token("olga", ["auditors"])
    status, headers, fraud = site.call("GET", "/bank/v1/customers/C000001")
    assert status == 200 and headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert fraud["name"] == "Ada Abel" and fraud["ssn"] == "900-10-1000"
    status, _, body = site.call("GET", "/bank/v1/customers/C000001", token=teller)
    assert status == 200
    assert body["name"] == "Ada Abel" and body["ssn"] == "*******1000" and body["born"] == "1950"
    assert body["phone"] == fraud["phone"] and body["address"] == fraud["address"]
    status, headers, body = site.call("GET", "/bank/v1/customers/C000001", token=auditor)
    assert (status, headers["content-type"]) == (403, "application/problem+json")
    assert body["status"] == 403 and body["instance"].startswith("urn:assay:call:")
    denied = body["instance"].removeprefix("urn:assay:call:")
    status, _, body = site.call("GET", "/bank/v1/accounts/A00000001", token=auditor)
    assert status == 200 and set(body["iban"][:-4]) == {"*"}
    said = {(*r["caller"]["groups"], r["operation"], r["class"]): r["sees"]
            for r in site.registry.json("access", "--api", "accounts")["access"]
            if r["caller"]["kind"] == "member"}
    assert said["fraud-desk", "getCustomer", "pii.ssn"] == ["clear"]
    assert "masked" in said["tellers", "getCustomer", "pii.ssn"]
    assert said["auditors", "getCustomer", "pii.ssn"] == ["nothing"]
    assert said["auditors", "getAccount", "account.iban"] == ["masked"]
    calls = site.calls()
    assert [kind for kind, _ in calls[denied]] == ["api.denied"]
    assert calls[denied][0][1]["reason"] == "policy"
    kinds = [[kind for kind, _ in entries] for id_, entries in calls.items() if id_ != denied]
    assert len(kinds) == 3
    for found in kinds:
        assert [k for k in found if k != "api.values"] == ["api.intent", "api.outcome"]
    assert "GOOD" in site.recorder.verify()
    for path in (site.recorder.public / "tile").rglob("*"):
        assert not path.is_file() or b"900-10-1000" not in path.read_bytes()


REFUSED = [  # method, path, headers, body, status, reason
    ("GET", "/bank/v1/nothing", {}, None, 404, "path"),
    ("GET", "/bank/v1/accounts/A00000001;x", {}, None, 400, "target"),
    ("GET", "/bank/v1/accounts/..%2fcustomers", {}, None, 400, "target"),
    ("GET", "/bank/v1/accounts/../customers/C000001", {}, None, 400, "target"),
    ("GET", "/bank/v1/accounts/%252e", {}, None, 400, "target"),
    ("GET", "//bank/v1/accounts", {}, None, 400, "target"),
    ("GET", "/bank/v1/accounts?limit=a", {}, None, 400, "parameter"),
    ("GET", "/bank/v1/accounts?nothing=1", {}, None, 400, "parameter"),
    ("DELETE", "/bank/v1/accounts", {}, None, 405, "method"),
    ("GET", "/bank/v1/accounts", {"Authorization": ""}, None, 401, "no_credential"),
    ("GET", "/bank/v1/accounts", {"Authorization": "Bearer a.b.c"}, None, 401, "credential"),
    ("POST", "/bank/v1/accounts/A00000001/transfers", {"Idempotency-Key": UUID}, b"{", 400, "json"),
    ("POST", "/bank/v1/accounts/A00000001/transfers", {"Idempotency-Key": UUID},
     b'{"to":"CH9300762011623852957","to":"x"}', 400, "json"),
    ("POST", "/bank/v1/accounts/A00000001/transfers", {"Idempotency-Key": UUID}, b"{}", 400,
     "body"),
    ("POST", "/bank/v1/accounts/A00000001/transfers", {"Idempotency-Key": UUID},
     b" " * 20000 + b"{}", 413, "size"),
]


def test_refused(site):
    site.stop_backend()  # whoever gets that far is a failure of its own
    for method, path, headers, body, status, reason in REFUSED:
        got, named, problem = site.call(method, path, body, **headers)
        assert got == status, (path, got, problem)
        assert named["content-type"] == "application/problem+json"
        call = problem["instance"].removeprefix("urn:assay:call:")
        entries = site.calls()[call]
        assert [(k, w["reason"]) for k, w in entries] == [("api.denied", reason)], path


def test_a_body_comes_in_pieces_and_never_in_a_file(site):
    """Chunks, as many as the cap allows, with a buffer of nginx's that is much smaller; more is
    refused, and the body is in no directory of temporary files."""
    site.stop()
    site.location = "client_body_buffer_size 16; client_body_in_file_only on;"
    site.start()
    text = json.dumps({**TRANSFER, "text": "y" * 100}).encode()
    path = "/bank/v1/accounts/A00000001/transfers"
    teller = site.provider.token("tim", ["tellers"], branch="0100")

    def pieces(data, size):
        for at in range(0, len(data), size):
            yield data[at:at + size]
            time.sleep(0.001)

    for pad, wanted in ((0, 201), (12000, 201), (17000, 413)):
        c = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        c.request("POST", path, pieces(text + b" " * pad, 700), {
            "Authorization": f"Bearer {teller}", "Content-Type": "application/json",
            "Idempotency-Key": UUID})
        answer = c.getresponse()
        said = answer.read()
        assert answer.status == wanted, (pad, answer.status, said)
        c.close()
    assert not [p for p in (site.top / "temp").rglob("*") if p.is_file()]


def test_a_connection_is_used_again(site):
    c = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    for i in range(1, 31):
        status, _, body = site.call("GET", f"/bank/v1/accounts/A{i:08}", connection=c)
        assert (status, body["id"]) == (200, f"A{i:08}")
        status, _, _ = site.call("POST", "/bank/v1/accounts/A00000001/transfers", b"[" * 9000,
                                 connection=c)
        assert status == 400
    c.close()


def test_pipelined(site):
    request = ("GET /bank/v1/accounts/A{:08} HTTP/1.1\r\nHost: x\r\n"
               f"Authorization: Bearer {site.token}\r\n\r\n")
    said = site.raw("".join(request.format(i) for i in range(1, 21)).encode())
    assert said.count(b"HTTP/1.1 200 OK") == 20
    at = [said.index(b'"id":"A%08d"' % i) for i in range(1, 21)]
    assert at == sorted(at)


def test_http2(site):
    site.stop()
    port = free_port()
    site.server = f"listen 127.0.0.1:{port} http2;"
    site.start()
    teller = site.provider.token("tim", ["tellers"], branch="0100")
    base = ["curl", "-s", "--http2-prior-knowledge", "--max-time", "30", "-w",
            "\n%{http_code} %{http_version}", "-H", f"Authorization: Bearer {teller}"]
    url = f"http://127.0.0.1:{port}/bank/v1/accounts/A00000001"

    def curl(*args, data=None):
        done = subprocess.run([*base, *args], capture_output=True, check=True, input=data)
        return done.stdout.decode().rsplit("\n", 1)

    body, status = curl(url)
    assert status == "200 2" and json.loads(body)["id"] == "A00000001"
    transfer = ["-H", "Content-Type: application/json", "-H", f"Idempotency-Key: {UUID}",
                f"{url}/transfers", "--data-binary", "@-"]
    text = json.dumps(TRANSFER).encode()
    for more in ([], ["-H", "Content-Length:"]):  # told how long it is, and not
        assert curl(*transfer, *more, data=text)[1] == "201 2"
    assert curl(*transfer, data=text + b" " * 17000)[1] == "413 2"
    # Refused long before its end: an answer and RST_STREAM, of which this curl shows nothing.
    subprocess.run([*base, *transfer, "-H", "Content-Length:"], capture_output=True, check=False,
                   input=text + b" " * 300000)
    assert [w["reason"] for e in site.calls().values() for k, w in e if k == "api.denied"] == \
        ["size", "size"]


def test_head(site):
    c = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    c.request("HEAD", "/bank/v1/accounts/A00000001",
              headers={"Authorization": f"Bearer {site.token}"})
    answer = c.getresponse()
    assert answer.read() == b""
    assert answer.status in (200, 405, 502)  # the example's service knows no HEAD
    status, _, _ = site.call("GET", "/bank/v1/accounts/A00000001", connection=c)
    assert status == 200


# ---- nothing unrecorded ----

def test_recorder_away_and_back(site):
    assert site.call("GET", "/bank/v1/branches")[0] == 200
    site.recorder.kill()
    wait_for(lambda: site.call("GET", "/bank/v1/accounts/A00000001")[0] == 503, "503")
    before = pathlib.Path(f"/proc/{site.backend.pid}/io").read_text()
    for _ in range(20):
        status, headers, problem = site.call("GET", "/bank/v1/accounts/A00000001")
        assert status == 503 and problem["status"] == 503
    assert pathlib.Path(f"/proc/{site.backend.pid}/io").read_text() == before  # it heard nothing
    site.recorder.start()
    wait_for(lambda: site.call("GET", "/bank/v1/accounts/A00000001")[0] == 200, "an answer")
    assert "GOOD" in site.recorder.verify()


class Watcher:
    """A back-end that, asked, first looks into the ledger; it answers what the test says."""

    def __init__(self, site, answer, slow=0):
        self.site, self.answer, self.slow, self.seen = site, answer, slow, []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                data = b""
                while b"\r\n\r\n" not in data:
                    chunk = self.request.recv(65536)
                    if not chunk:
                        return
                    data += chunk
                outer.seen.append((data, outer.site.calls() if outer.slow == 0 else None))
                time.sleep(outer.slow)
                for part in outer.answer:
                    self.request.sendall(part)
                    time.sleep(0.02)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the gateway hung up on it: that is what some tests are about

        site.stop_backend()
        pathlib.Path(site.backend_socket).unlink(missing_ok=True)
        self.server = Server(str(site.backend_socket), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


BRANCH = json.dumps([{"id": "0100", "name": "a", "city": "b"}]).encode()
ACCOUNT = json.dumps({"id": "A00000001", "iban": "CH9300762011623852957", "status": "open",
                      "branch": "0100", "owner": "C000001",
                      "balance": {"hundredths": 1, "currency": "CHF"}}).encode()


def head(status="200 OK", *headers):
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *headers, "",
                        ""]).encode()


def test_recorded_before_the_backend_and_before_the_body(site):
    w = Watcher(site, [head("200 OK", f"Content-Length: {len(ACCOUNT)}"), ACCOUNT])
    try:
        status, _, body = site.call("GET", "/bank/v1/accounts/A00000001")
        (request, calls), = w.seen
    finally:
        w.close()
    assert (status, body) == (200, json.loads(ACCOUNT))
    (call, entries), = calls.items()
    assert [k for k, _ in entries] == ["api.intent"]
    assert b"\r\nX-Request-Id: " + call.encode() + b"\r\n" in request or \
        b"\r\nx-request-id: " + call.encode() + b"\r\n" in request
    assert b"carol" not in request and site.token.encode() not in request
    assert request.startswith(b"GET /accounts/A00000001 HTTP/1.1\r\nHost: localhost\r\n")
    assert [k for k, _ in site.calls()[call] if k != "api.values"] == ["api.intent", "api.outcome"]


LENGTH = f"Content-Length: {len(ACCOUNT)}"
PADDED = ACCOUNT + b" " * 200000
ANSWERS = [  # name, what the back-end says, status for the caller, reason in the entry
    ("length", [head("200 OK", LENGTH), ACCOUNT], 200, None),
    ("large, at once", [head("200 OK", f"Content-Length: {len(PADDED)}") + PADDED], 200, None),
    ("in pieces", [head("200 OK", LENGTH)[:20], head("200 OK", LENGTH)[20:], ACCOUNT[:9],
                   ACCOUNT[9:]], 200, None),
    ("chunks", [head("200 OK", "Transfer-Encoding: chunked"),
                b"5\r\n" + ACCOUNT[:5] + b"\r\n", b"%x;a=b\r\n" % (len(ACCOUNT) - 5),
                ACCOUNT[5:], b"\r\n0\r\n", b"X: y\r\n\r\n"], 200, None),
    ("interim", [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
                 head("200 OK", LENGTH) + ACCOUNT], 200, None),
    ("interim at once", [b"HTTP/1.1 100 Continue\r\n\r\n" + head("200 OK", LENGTH) + ACCOUNT],
     200, None),
    ("closed early", [head("200 OK", LENGTH), ACCOUNT[:-1]], 502, "backend"),
    ("chunks closed early", [head("200 OK", "Transfer-Encoding: chunked"),
                             b"%x\r\n" % len(ACCOUNT) + ACCOUNT + b"\r\n"], 502, "backend"),
    ("malformed chunk", [head("200 OK", "Transfer-Encoding: chunked"), b"zz\r\n"], 502, "backend"),
    ("no length", [head("200 OK"), ACCOUNT], 502, "backend"),
    ("two lengths", [head("200 OK", LENGTH, LENGTH), ACCOUNT], 502, "backend"),
    ("length and chunks", [head("200 OK", LENGTH, "Transfer-Encoding: chunked"), b"0\r\n\r\n"],
     502, "backend"),
    ("negative length", [head("200 OK", "Content-Length: -1"), ACCOUNT], 502, "backend"),
    ("other coding", [head("200 OK", "Transfer-Encoding: gzip, chunked"), b"0\r\n\r\n"], 502,
     "backend"),
    ("no HTTP", [b"SSH-2.0-x\r\n"], 502, "backend"),
    ("HTTP/2", [b"HTTP/2.0 200 OK\r\n\r\n"], 502, "backend"),
    ("nothing", [], 502, "backend"),
    ("half a head", [head("200 OK", LENGTH)[:-2]], 502, "backend"),
    ("upgrade", [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"], 502, "backend"),
    ("many interims", [b"HTTP/1.1 103 x\r\n\r\n" * 20], 502, "backend"),
    ("large head", [head("200 OK", *[f"X-{i}: {'y' * 1000}" for i in range(40)])], 502,
     "response_size"),
    ("many headers", [head("200 OK", *[f"X-{i}: y" for i in range(200)])], 502, "backend"),
    ("too much", [head("200 OK", "Content-Length: 300000"), b"[" * 300000], 502, "response_size"),
    ("too much in chunks", [head("200 OK", "Transfer-Encoding: chunked"),
                            (b"8000\r\n" + b"[" * 0x8000 + b"\r\n") * 10], 502, "response_size"),
    ("redirect", [head("302 Found", "Location: http://127.0.0.1:1/", "Content-Length: 0")], 502,
     "response_status"),
    ("encoded", [head("200 OK", LENGTH, "Content-Encoding: gzip"), ACCOUNT], 502,
     "response_encoding"),
    ("other media", [head("200 OK", "Content-Length: 2").replace(b"application/json", b"text/html"),
                     b"{}"], 502, "response_media"),
    ("not the document's", [head("200 OK", "Content-Length: 2"), b"{}"], 502, "response_schema"),
    ("no JSON", [head("200 OK", "Content-Length: 2"), b"{]"], 502, "response_json"),
]


def test_answers(site):
    for name, parts, status, reason in ANSWERS:
        w = Watcher(site, parts, slow=0.001)
        try:
            got, _, body = site.call("GET", "/bank/v1/accounts/A00000001")
        finally:
            w.close()
        assert got == status, (name, got, body)
        kind, what = list(site.calls().values())[-1][-1]
        assert (kind, what.get("reason")) == ("api.outcome", reason), (name, what)
        if status == 200:
            assert body == json.loads(ACCOUNT), name
        else:
            assert "iban" not in json.dumps(body)


def test_backend_times_and_absence(site):
    site.stop_backend()
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 502
    pathlib.Path(site.backend_socket).unlink()
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 502
    # a drip, for 8 s and more
    w = Watcher(site, [head("200 OK", "Content-Length: 400")] + [b"x"] * 400, slow=0.001)
    try:
        begun = time.monotonic()
        status, _, _ = site.call("GET", "/bank/v1/accounts/A00000001")
        assert status == 504 and time.monotonic() - begun < 7  # `read: 5s` is for all of it
    finally:
        w.close()
    assert list(site.calls().values())[-1][-1][1]["reason"] == "backend_time"


def test_a_caller_who_leaves(site):
    w = Watcher(site, [head("200 OK", LENGTH), ACCOUNT], slow=0.5)
    try:
        with socket.create_connection(("127.0.0.1", site.port)) as s:
            s.sendall(f"GET /bank/v1/accounts/A00000001 HTTP/1.1\r\nHost: x\r\nAuthorization: "
                      f"Bearer {site.token}\r\n\r\n".encode())
            wait_for(lambda: w.seen, "the request")
        wait_for(lambda: any(k == "api.outcome" for e in site.calls().values() for k, _ in e),
                 "an outcome")
    finally:
        w.close()


# ---- processes come and go ----

def test_workers_are_killed_and_nothing_is_lost(site):
    """Whatever a caller got has an outcome in the ledger."""
    stop = threading.Event()

    def work(i):
        got = []
        while not stop.is_set():
            try:
                got.append(site.call("GET", f"/bank/v1/accounts/A{i + 1:08}")[0])
            except (OSError, http.client.HTTPException):
                pass
        return got

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(work, i) for i in range(4)]
        for _ in range(6):
            time.sleep(0.3)
            for pid in site.workers_now()[:1]:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        stop.set()
        answered = sum(s == 200 for r in running for s in r.result())
    assert answered > 50
    outcomes = [w for e in site.calls().values() for k, w in e
                if k == "api.outcome" and w["status"] == 200]
    assert len(outcomes) >= answered
    assert "GOOD" in site.recorder.verify()


def test_generations_are_swapped_without_a_break(site):
    stop = threading.Event()
    said = []

    def work():
        c = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        while not stop.is_set():
            said.append(site.call("GET", "/bank/v1/accounts/A00000001", connection=c)[0])

    thread = threading.Thread(target=work)
    thread.start()
    site.deploy("1.5.0")
    site.wait_for_generation(2)
    site.registry.good("withdraw", "accounts", "--reason", "x")
    site.wait_for_generation(3)
    time.sleep(1.2)  # the other worker
    stop.set()
    thread.join()
    assert said[0] == 200 and set(said) == {200, 404}
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 404


def test_a_file_that_can_be_read_later(site):
    """A set of keys that a worker may not read yet is the same file once it may: without another
    look, who lost his rights by it would keep them."""
    def statuses(token=None):
        return {site.call("GET", "/bank/v1/customers/C000001", token=token)[0] for _ in range(12)}

    new, other = Provider(site.top, "k2"), site.keys / "next"
    token = new.token("carol", ["fraud-desk"])
    assert statuses() == {200}  # of each worker, mostly
    other.write_text(json.dumps({"keys": [new.jwk()]}))
    other.chmod(0)
    other.rename(site.key_set())
    wait_for(lambda: "Permission denied" in site.log(), "a complaint")
    time.sleep(2.5)
    assert statuses() == {200} and statuses(token) == {401}
    assert site.log().count("Permission denied") <= site.workers
    site.key_set().chmod(0o644)
    wait_for(lambda: statuses() == {401}, "an end of the old key", 20)
    assert statuses(token) == {200}


def test_reload_and_quit(site):
    """Connections that are served end well; the new workers serve at once."""
    stop, said = threading.Event(), []

    def work():
        while not stop.is_set():
            said.append(site.call("GET", "/bank/v1/accounts/A00000001")[0])

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(3):
        before = site.workers_now()
        site.reload()
        wait_for(lambda: not set(before) & set(site.workers_now()), "new workers")
    stop.set()
    thread.join()
    assert set(said) == {200}
    site.nginx.send_signal(signal.SIGQUIT)
    assert site.nginx.wait(timeout=60) == 0
    log = site.log()
    assert "open socket" not in log and "[alert]" not in log, log


# ---- other modules of nginx ----

def get_raw(site, path):
    return site.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())


def test_what_nginx_makes_of_requests_itself(site):
    site.stop()
    site.server = """
    location /rewritten { rewrite ^ /bank/v1/accounts/A00000001 last; }
    location /error { error_page 404 /bank/v1/accounts/A00000001; return 404; }
    location /checked { auth_request /bank/v1/accounts/A00000001; root /nowhere; }
    location /tried { try_files /nothing /bank/v1/accounts/A00000001; }"""
    site.start()
    for path in ("/rewritten", "/error", "/tried"):
        assert b" 500 Internal" in get_raw(site, path)[:40], path
    assert b" 500 Internal" in get_raw(site, "/checked")[:40]
    assert site.calls() == {}
    assert "made, rewritten or redirected inside nginx" in site.log()


def test_error_page_changes_nothing(site):
    site.stop()
    site.location = "error_page 403 404 502 503 =200 /other; recursive_error_pages on;"
    site.server = "location /other { return 200 other; }"
    site.start()
    auditor = site.provider.token("olga", ["auditors"])
    status, _, body = site.call("GET", "/bank/v1/customers/C000001", token=auditor)
    assert (status, body["title"]) == (403, "Not allowed")


def rights(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return int(fields["CapEff"], 16), fields["NoNewPrivs"], fields["Seccomp"]


def test_a_worker_keeps_few_rights(site):
    for pid in site.workers_now():
        wait_for(lambda p=pid: rights(p)[2] == "2", "its filter")  # the second one may come later
        assert rights(pid) == (0, "1", "2")
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert re.search("^Max core file size +0 +0 ", limits, re.M), limits
    steps = {name: result for name, result, _ in site.status()["sandbox"]}
    assert steps["seccomp"] == "applied" and steps["capabilities"] == "applied", steps
