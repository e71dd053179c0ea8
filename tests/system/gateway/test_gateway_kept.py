# SPDX-License-Identifier: Apache-2.0
"""Nothing of a call is kept but what the ledger has: no file, no log line, no core has what was
asked or answered.  Words that are nowhere else are sent in every place that a call has, and back,
in ways that end well and badly; then all files that can have been written are searched for them."""
import base64
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import secrets
import signal
import socket
import socketserver
import ssl
import stat
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid

import pytest
from gateway_host import NGINX, OPEN, Gateway, free_port, needs
from hostile import http2
from hostile_certs import CN, OU, Issuer, attribute, make_key, name, pem, uri
from recorder_host import wait_for
from test_gateway import head

pytestmark = needs("setpriv")
CORE_PATTERN = pathlib.Path("/proc/sys/kernel/core_pattern")
IBAN = "CH9300762011623852957"
ELSEWHERE = ("/tmp", "/var/tmp", "/var/log/nginx", "/var/lib/nginx", "/run", "/dev/shm")
FILE_MAX = 64 << 20


class Planted:
    """Words that begin alike, and others that a schema has its say about."""

    def __init__(self):
        self.begin = "q" + secrets.token_hex(6)
        self.where, self.sought = [], [("a word", *f) for f in forms(self.begin)]

    def word(self, where):
        self.where.append(where)
        return f"{self.begin}x{len(self.where) - 1:06}x"

    def keep(self, where, word):
        self.sought.append((where, "itself", word.encode().lower()))
        return word

    def digits(self, where, n):
        return self.keep(where, "".join(random.choices("0123456789", k=n)))

    def found(self, data):
        data = re.sub(rb"\0{64,}", b"", data)  # room that was set aside
        small = data.lower()
        numbers = re.findall(f"{self.begin}x([0-9]{{6}})x".encode(), small)
        return {self.where[int(n)] for n in numbers} | {
            f"{where} as {form}" for where, form, text in self.sought
            if text in (small if form in SMALL else data)}


SMALL = ("itself", "hex", "utf-16", "escaped")


def forms(word):
    data = word.encode()
    yield "itself", data.lower()
    yield "hex", data.hex().encode()
    yield "utf-16", data.lower().decode().encode("utf-16-le")
    yield "escaped", "".join(f"%{b:02x}" for b in data).encode()
    for shift in range(3):
        padded = base64.b64encode(b"\0" * shift + data)
        core = padded[(shift * 8 + 5) // 6:(shift + len(data)) * 8 // 6]
        yield "base64", core
        yield "base64", core.replace(b"+", b"-").replace(b"/", b"_")


@pytest.mark.parametrize("write", [
    str.encode, lambda w: b'{"a":"x' + w.encode() + b'"}',
    lambda w: urllib.parse.quote(f"ü{w}").encode(), lambda w: w.encode().hex().encode(),
    lambda w: w.upper().encode(), lambda w: w.encode("utf-16-le"),
    lambda w: base64.b64encode(w.encode()), lambda w: base64.urlsafe_b64encode(b"{" + w.encode()),
    lambda w: base64.b64encode(b"..." + w.encode() + b"..."),
    lambda w: base64.b64encode(b"...." + w.encode() + b".")])
def test_a_word_is_found_in_each_form(write):
    p = Planted()
    assert p.found(b"...." + write(p.word("here")) + b"....")
    assert not p.found(b"...." + write("another word, none of them") + b"....")


class Backend:
    """Answers by the path: whole, in chunks, too large, too late, broken, wrong."""

    def __init__(self, site, planted):
        self.planted, self.asked = planted, []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                data = b""
                while b"\r\n\r\n" not in data:
                    chunk = self.request.recv(65536)
                    if not chunk:
                        return
                    data += chunk
                outer.asked.append(data)
                outer.answer(self.request, data.split(b" ", 2)[1].decode())

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the gateway hung up: that is asked for

        self.server = Server(str(site.backend_socket), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def transfers(self, n, where):
        return {"transfers": [
            {"id": str(uuid.uuid4()), "to": IBAN, "name": self.planted.word(where) + ' "ü',
             "amount": {"hundredths": 1, "currency": "CHF"}, "text": "z" * 100 +
             self.planted.word(where), "state": "done", "at": "2026-01-02T03:04:05Z"}
            for _ in range(n)]}

    def answer(self, sock, path):
        say = {"A00000001": self.whole, "A00000002": self.chunks, "A00000003": self.too_large,
               "A00000004": self.broken, "A00000005": self.slow, "A00000006": self.wrong,
               "A00000007": self.failing}
        for id_, how in say.items():
            if id_ in path:
                return how(sock)
        if path.startswith("/branches"):
            return self.send(sock, [{"id": "0100", "name": self.planted.word("kept answer"),
                                     "city": "x"}])
        if path.startswith("/customers"):
            return self.send(sock, {
                "id": "C000001", "name": self.planted.word("name in an answer"), "branch": "0100",
                "ssn": "900-10-1000", "email": f"{self.planted.word('e-mail')}@mail.example",
                "phone": self.planted.digits("phone", 14)})
        return self.send(sock, {"id": "A" + self.planted.digits("id in an answer", 8)})

    def send(self, sock, value, more=()):
        body = json.dumps(value, ensure_ascii=False).encode()
        sock.sendall(head("200 OK", f"Content-Length: {len(body)}", *more) + body)

    def whole(self, sock):
        self.send(sock, self.transfers(100, "answer of known length"),
                  [f"X-Backend: {self.planted.word('header of an answer')}"])

    def chunks(self, sock):
        body = json.dumps(self.transfers(100, "answer in chunks")).encode()
        sock.sendall(head("200 OK", "Transfer-Encoding: chunked"))
        for at in range(0, len(body), 9999):
            part = body[at:at + 9999]
            sock.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
        sock.sendall(b"0\r\n\r\n")

    def too_large(self, sock):
        value = self.transfers(100, "answer above the cap")
        self.send(sock, {"transfers": value["transfers"] * 12})

    def broken(self, sock):
        body = json.dumps(self.transfers(50, "half an answer")).encode()
        sock.sendall(head("200 OK", f"Content-Length: {len(body) + 9}") + body)

    def slow(self, sock):
        body = json.dumps(self.transfers(3, "slow answer")).encode()
        sock.sendall(head("200 OK", f"Content-Length: {len(body)}") + body[:-2])
        time.sleep(1)
        sock.sendall(body[-2:])

    def wrong(self, sock):
        self.send(sock, {self.planted.word("unknown member"): self.planted.word("its value")})

    def failing(self, sock):
        body = json.dumps({"detail": self.planted.word("problem of the back-end")}).encode()
        sock.sendall(head("500 No").replace(b"/json", b"/problem+json")[:-2] +
                     f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


REPLAY = ("gateway.yaml", "cache:\n", "replay: digest\n\ncache:\n")
OPAQUE = [
    ("gateway.yaml", "  partner:\n    mutual:", "  ticket: { opaque: true }\n  partner:\n"
     "    mutual:"),
    ("openapi.yaml", "  - partner: []\n\npaths:", "  - partner: []\n  - ticket: []\n\npaths:"),
    ("openapi.yaml", "    partner:\n      type: mutualTLS", "    ticket:\n      type: http\n"
     "      scheme: bearer\n    partner:\n      type: mutualTLS")]


def put_ticket(g):
    """An opaque token; its secret."""
    secret = secrets.token_bytes(32)
    text = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    g.ticket = f"as1_aaaaaaaaaaaaaaaa_{text}"
    (g.recorder.state / "tokens.json").write_text(json.dumps({"tokens": [
        {"caller": "carol", "groups": ["fraud-desk"], "id": "aaaaaaaaaaaaaaaa",
         "sha256": hashlib.sha256(secret).hexdigest(), "until": int(time.time()) + 3600}]},
        sort_keys=True, separators=(",", ":")) + "\n")
    return secret


@pytest.fixture
def site():
    there_before = there()
    g = Gateway()
    g.there = there_before
    g.other, g.paged, g.shared, g.tls, g.two = (free_port() for _ in range(5))
    g.partners, g.caller_key = Issuer(g.top, "partners", b"partners"), g.top / "caller.key"
    g.caller_public = make_key(g.caller_key)
    (g.top / "server.pem").write_text(pem("CERTIFICATE", g.partners.issue(
        g.caller_public, name(attribute(CN, b"server")))))
    # As bad as a configuration can be: an access log with everything, refusals of nginx's own, and
    # pages for them: in a location by name, in one with alias, and in one that has no such file.
    g.http = f"""
  log_format all '$request $request_uri $uri $args $http_user_agent $http_referer $http_cookie '
                 '$http_authorization $remote_user $arg_after $host "$request_body" $status '
                 '$request_filename';
  log_format ids '$request_id $request';
  map $request_uri $mapped {{ default $request_uri; }}
  limit_req_zone $binary_remote_addr zone=few:1m rate=1r/m;
  server {{ listen 127.0.0.1:{g.other}; access_log {g.top}/access.log all;
    location / {{ assay_gateway on; client_max_body_size 1k; }}
    location /bank/v1/branches {{ assay_gateway on; limit_req zone=few; }} }}
  server {{ listen 127.0.0.1:{g.paged}; access_log {g.top}/paged.log all; root {g.top}/$host;
    error_page 413 @large; error_page 503 /pages/busy; error_page 400 405 414 /bad;
    location / {{ assay_gateway on; client_max_body_size 1k; }}
    location /bank/v1/branches {{ assay_gateway on; limit_req zone=few; }}
    location /bank/v1/customers {{ assay_gateway on; auth_request /judge; }}
    location = /judge {{ log_subrequest on; return 403; }}
    location @large {{ return 413; }}
    location /pages/ {{ alias {g.top}/pages/; }}
    location = /bad {{ root {g.top}; }} }}
  server {{ listen 127.0.0.1:{g.shared}; access_log {g.top}/shared.log all;
    server_name own.example; error_page 400 /bad; root {g.top};
    location /own/ {{ return 404; }} }}
  server {{ listen 127.0.0.1:{g.shared}; access_log {g.top}/shared.log all;
    server_name api.example; location / {{ assay_gateway on; }} }}
  server {{ listen 127.0.0.1:{g.tls} ssl http2; access_log {g.top}/tls.log all;
    ssl_certificate {g.top}/server.pem; ssl_certificate_key {g.caller_key};
    ssl_client_certificate {g.partners.cert}; ssl_verify_client optional;
    ssl_session_cache shared:tls:1m;
    location / {{ assay_gateway on; client_max_body_size 1k; }} }}
  server {{ listen 127.0.0.1:{g.two} http2; access_log {g.top}/tls.log all;
    location / {{ assay_gateway on; client_max_body_size 1k; }} }}
  assay_tokens {g.recorder.state}/tokens.json;
"""
    g.server = f"""access_log {g.top}/access.log all; access_log {g.top}/ids.log ids;
    set $seen $mapped; add_header X-Id $request_id always;"""
    try:
        g.planted = Planted()
        secret = put_ticket(g)
        g.planted.sought.append(("opaque secret", "base64", g.ticket[21:61].encode()))
        g.planted.keep("opaque secret in hex", secret.hex())
        g.deploy(edit=[*OPEN, REPLAY, *OPAQUE,
                       ("gateway.yaml", "/etc/assay/ca/partners.pem", str(g.partners.cert))])
        g.peer = Backend(g, g.planted)
        g.start()
        g.wait_for_generation(1)
        yield g
    finally:
        g.close()
        g.peer.close()


def token_of(site, where):
    """All of it is to be found nowhere."""
    name = site.planted.word(f"caller, {where}")
    token = site.provider.token(name, ["fraud-desk"], note=site.planted.word(f"claim, {where}"))
    for part in token.split(".")[1:]:
        site.planted.keep(f"token, {where}", part[8:40])
    return token


def headers_of(p, where):
    return {"User-Agent": p.word(f"user agent, {where}"), "Referer": p.word(f"referrer, {where}"),
            "Cookie": f"s={p.word(f'cookie, {where}')}", "X-Other": p.word(f"header, {where}")}


def call(site, where, method, path, body=None, wanted=None, **headers):
    status, _, answer = site.call(method, path, body, token=token_of(site, where),
                                  **headers_of(site.planted, where), **headers)
    assert wanted is None or status == wanted, (where, status, answer)
    return answer


def call_well(site):
    p = site.planted
    call(site, "one account", "GET", "/bank/v1/accounts/A" + p.digits("id in a path", 8))
    call(site, "customer", "GET", "/bank/v1/customers/C000001", wanted=200)
    for id_ in ("A00000001", "A00000002"):
        query = urllib.parse.quote(p.word("query") + " ü")
        call(site, id_, "GET", f"/bank/v1/accounts/{id_}/transfers?after={query}", wanted=200)
    key = p.keep("header of the document", str(uuid.uuid4()))
    call(site, "transfer", "POST", "/bank/v1/accounts/A00000009/transfers",
         {"to": IBAN, "name": p.word("body"), "text": p.word("body"),
          "amount": {"hundredths": 100, "currency": "CHF"}}, Idempotency_Key=key)
    for _ in range(3):
        call(site, "kept", "GET", "/bank/v1/branches", wanted=200)


def call_badly(site):
    p = site.planted
    transfers = "/bank/v1/accounts/A00000009/transfers"
    for id_ in ("A00000003", "A00000004", "A00000006", "A00000007"):
        call(site, id_, "GET", f"/bank/v1/accounts/{id_}/transfers")
    call(site, "path", "GET", f"/bank/v1/{p.word('unknown path')}", wanted=404)
    call(site, "id", "GET", f"/bank/v1/accounts/{p.word('bad id')}", wanted=400)
    call(site, "parameter", "GET", f"/bank/v1/accounts?{p.word('unknown parameter')}="
         f"{p.word('its value')}", wanted=400)
    call(site, "method", "DELETE", f"/bank/v1/accounts/A{p.digits('refused id', 8)}", wanted=405)
    call(site, "JSON", "POST", transfers, f'{{"name":"{p.word("bad JSON")}"', wanted=400,
         Idempotency_Key=str(uuid.uuid4()))
    call(site, "schema", "POST", transfers, {p.word("member"): p.word("value")}, wanted=400,
         Idempotency_Key=str(uuid.uuid4()))
    call(site, "large", "POST", transfers, {"name": p.word("large body") + "y" * 40000},
         wanted=413, Idempotency_Key=str(uuid.uuid4()))
    for shown in ("Bearer " + p.word("opaque token"), "Basic " + base64.b64encode(
            f"{p.word('user')}:{p.word('password')}".encode()).decode(),
            "Bearer " + token_of(site, "forged")[:-4] + "AAAA"):
        status, _, _ = site.call("GET", "/bank/v1/accounts/A00000001", token="x",
                                 Authorization=shown)
        assert status == 401, shown


def begin(port, path, site, where, more=""):
    s = socket.create_connection(("127.0.0.1", port), timeout=10)
    s.sendall(f"{path} HTTP/1.1\r\nHost: {site.planted.word(f'host, {where}')}.example\r\n"
              f"Authorization: Bearer {token_of(site, where)}\r\n{more}\r\n".encode())
    return s


def call_and_leave(site):
    """Whoever hangs up; and what nginx refuses by itself, with lines of its own in its log."""
    p = site.planted
    begin(site.port, "GET /bank/v1/accounts/A00000005/transfers", site, "slow").close()
    s = begin(site.port, f"POST /bank/v1/accounts/A{p.digits('id', 8)}/transfers", site, "half",
              "Content-Length: 900\r\nContent-Type: application/json\r\n")
    s.sendall(b'{"name":"' + p.word("half a body").encode())
    s.close()
    for port in (site.other, site.paged):
        refused_by_nginx(site, port)


def refused_by_nginx(site, port):
    p = site.planted
    for path, more in ((f"POST /bank/v1/accounts/A{p.digits('id at nginx', 8)}/transfers",
                        "Content-Length: 2000\r\n"),
                       (f"GET /bank/v1/branches?x={p.word('limited')}", ""),
                       (f"GET /bank/v1/branches?x={p.word('limited')}", ""),
                       (f"GET /bank/v1/customers?x={p.word('not allowed')}", ""),
                       (f"GET /bank/v1/%zz{p.word('malformed')}", ""),
                       (f"GET /bank/{p.word('large head')}", f"X: {'y' * 40000}\r\n"),
                       (f"GET /{'y' * 9000}{p.word('long target')}", ""),
                       (f"BREW /{p.word('odd method')}", "no colon\r\n")):
        with begin(port, path, site, path[:20], more) as s:
            assert re.match(rb"HTTP/1.1 (4\d\d|503) ", s.recv(20)), path


def call_before_a_host(site):
    """On a listener with several servers, of which the first is none of the gateway's."""
    p, own = site.planted, secrets.token_hex(8)
    for request in (f"GET /bank/v1/%zz{p.word('malformed')} HTTP/1.1\r\nHost: api.example\r\n\r\n",
                    f"GET /{'y' * 9000}{p.word('long')} HTTP/1.1\r\nHost: api.example\r\n\r\n",
                    f"GET /{p.word('header')} HTTP/1.1\r\nX\0: y\r\nHost: api.example\r\n\r\n",
                    f"GET /{p.word('no host')} HTTP/1.1\r\n\r\n",
                    f"GET /{p.word('odd host')} HTTP/1.1\r\nHost: a/b\r\n\r\n",
                    f"GET /{p.word('half a head')} HTTP/1.1\r\nX: {p.word('half')}\r\n",
                    f"GET /own/{own} HTTP/1.1\r\nHost: own.example\r\nConnection: close\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", site.shared), timeout=10) as s:
            s.sendall(request.encode())
            s.shutdown(socket.SHUT_WR)
            assert s.recv(20)[:10] in (b"HTTP/1.1 4", b""), request
    return own


# ---- other ways to come ----

def certified(site, where, caller, v12):
    """Who shows a certificate with words in it: its file is the test's, and is gone at once."""
    p, file = site.planted, site.top / "shown.pem"
    subject = name(attribute(OU, p.word(f"unit of a certificate, {where}").encode()),
                   attribute(CN, caller.encode()))
    file.write_text(pem("CERTIFICATE", site.partners.issue(
        site.caller_public, subject, [uri(f"https://{p.word('URI of a certificate')}/".encode())])))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if v12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(file, site.caller_key)
    file.unlink()
    return context


def call_with_a_certificate(site):
    p = site.planted
    body = json.dumps({"to": IBAN, "name": p.word("body, certificate"), "text": p.word("body"),
                       "amount": {"hundredths": 100, "currency": "EUR"}})
    for v12 in (False, True):
        for caller, wanted in (("payroll.partner.example", b"502"),  # an answer that does not fit
                               (p.word("caller, certificate"), b"403")):
            context = certified(site, str(v12), caller, v12)
            host = p.word("server name") + ".example"
            with context.wrap_socket(socket.create_connection(("127.0.0.1", site.tls)),
                                     server_hostname=host) as s:
                s.sendall(f"POST /bank/v1/accounts/A{p.digits('id, certificate', 8)}/transfers "
                          f"HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
                          f"Idempotency-Key: {uuid.uuid4()}\r\n"
                          f"Cookie: {p.word('cookie, certificate')}=1\r\n"
                          "Content-Type: application/json\r\n"
                          f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
                got = b"".join(iter(lambda s=s: s.recv(65536), b""))
            assert got[9:12] == wanted, got


def stream(site, number, method, path, where, authorization, body=None):
    p = site.planted
    fields = [(b":method", method), (b":scheme", b"http"), (b":path", path.encode()),
              (b":authority", f"{p.word(f'authority, {where}')}.example".encode()),
              (b"authorization", authorization.encode()),
              *((k.lower().encode(), v.encode()) for k, v in headers_of(p, where).items())]
    if body:
        fields += [(b"content-type", b"application/json"),
                   (b"idempotency-key", str(uuid.uuid4()).encode())]
    head = http2.head(fields, stream=number, end=body is None)
    return head.bytes(b"") + (http2.body(body.encode(), number).bytes(b"") if body else b"")


def call_over_http2(site):
    """Served, refused by the gateway and by nginx, reset, and with trailers; by opaque tokens."""
    p, ticket = site.planted, f"Bearer {site.ticket}"
    other = f"Bearer {site.ticket[:21]}{p.keep('wrong secret', secrets.token_hex(22))[:43]}"
    good = json.dumps({"to": IBAN, "name": p.word("body, HTTP/2"), "text": p.word("body, HTTP/2"),
                       "amount": {"hundredths": 100, "currency": "CHF"}})
    accounts = "/bank/v1/accounts"
    data = http2.PREFACE + http2.Frame(http2.SETTINGS, 0, 0).bytes(b"") + b"".join((
        stream(site, 1, b"GET", f"{accounts}/A00000001/transfers?after={p.word('query, HTTP/2')}",
               "HTTP/2", ticket),
        stream(site, 3, b"POST", f"{accounts}/A{p.digits('id, HTTP/2', 8)}/transfers", "HTTP/2",
               ticket, good),
        stream(site, 5, b"POST", f"{accounts}/A00000009/transfers", "HTTP/2", ticket,
               f'{{"{p.word("member, HTTP/2")}":"{p.word("value, HTTP/2")}"}}'),
        stream(site, 7, b"GET", f"/bank/v1/{p.word('path, HTTP/2')}", "HTTP/2", ticket),
        stream(site, 9, b"GET", f"{accounts}/A00000001", "HTTP/2", other),
        stream(site, 11, b"POST", f"{accounts}/A00000009/transfers", "large", ticket,
               json.dumps({"name": p.word("large body, HTTP/2") + "y" * 2000})),
        stream(site, 13, b"GET", f"{accounts}/A00000005/transfers", "reset", ticket),
        http2.Frame(http2.RST, 0, 13, b"\0\0\0\x08").bytes(b""),
        stream(site, 15, b"BREW", f"/{p.word('odd method, HTTP/2')}", "HTTP/2", ticket)))
    with socket.create_connection(("127.0.0.1", site.two), timeout=3) as s:
        s.sendall(data)
        came, ends = b"", 0
        while ends < 7:
            came += s.recv(65536)
            ends = ends_in(came)
        s.sendall(stream(site, 17, b"POST", f"{accounts}/A00000009/transfers", "trailers", ticket)
                  + http2.head([(b"x-end", p.word("trailer").encode())], 17).bytes(b""))
        time.sleep(0.2)


def ends_in(data):
    """How many streams have ended there."""
    n = 0
    while len(data) >= 9:
        length = int.from_bytes(data[:3], "big")
        n += data[3] in (0, 1) and data[4] & 1
        data = data[9 + length:]
    return n


def there():
    return {os.path.join(top, name) for top in ELSEWHERE for name in entries_of(top)}


def entries_of(top):
    return os.listdir(top) if os.path.isdir(top) else []


def files_below(top):
    if not os.path.isdir(top):
        yield top
    for directory, _, names in os.walk(top):
        yield from (os.path.join(directory, name) for name in names)


def written(site):
    """Files that were written meanwhile: in the site's directory, which has its state and nginx's
    prefix, and what is new where programs put files that are nobody's."""
    own = [str(site.top / name) for name in ("message", "to-be-signed")]  # what openssl signs
    for top in {str(site.top), *(there() - site.there)}:
        for path in files_below(top):
            try:
                st = os.lstat(path)
                if path not in own and stat.S_ISREG(st.st_mode) and st.st_size <= FILE_MAX:
                    yield pathlib.Path(path), pathlib.Path(path).read_bytes()
            except OSError:
                pass  # somebody else's, and gone


def search(site):
    seen, found = set(), {}
    for path, data in written(site):
        seen.add(path)
        if where := site.planted.found(data):
            found[str(path)] = sorted(where)[:9]
    return seen, found


CLEAR = {  # what an entry of a call has in clear
    "api", "backend_ns", "backend_status", "bytes", "call", "classes", "count", "decision",
    "detail", "direction", "faults", "findings", "from", "generation", "groups", "method",
    "object_type", "operation", "part", "policies", "reads", "reason", "result", "scheme", "sha256",
    "status", "tls", "verified", "version", "writes"}


def test_nothing_of_a_call_is_on_disk(site):
    call_well(site)
    call_badly(site)
    call_and_leave(site)
    call_with_a_certificate(site)
    call_over_http2(site)
    own = call_before_a_host(site)
    time.sleep(1.5)  # the slow one, and refusals that were counted
    calls = site.calls()
    kinds = [k for entries in calls.values() for k, _ in entries]
    assert kinds.count("api.outcome") >= 10 and kinds.count("api.denied") >= 10, kinds
    assert any(w.get("result") == "cached" for e in calls.values() for _, w in e)
    for entries in calls.values():
        for kind, what in entries:
            assert set(what) - {"_sd"} <= CLEAR, (kind, what)
    seen, found = search(site)
    assert found == {}
    log, access = site.top / "error.log", site.top / "access.log"
    assert {log, access, site.recorder.public / "checkpoint"} <= seen
    text = log.read_text()
    assert "client intended to send too large body" in text and "limiting requests" in text
    assert ", request:" not in text and ", host:" not in text, text
    assert len(access.read_text().splitlines()) > 20
    assert len((site.top / "paged.log").read_text().splitlines()) == 9
    shared = (site.top / "shared.log").read_text().splitlines()
    assert len(shared) == 7 and [own in line for line in shared] == [False] * 6 + [True], shared
    assert f'"{site.top}/bad" failed' in text and "exited on signal" not in text
    schemes = {w["scheme"] for entries in calls.values() for k, w in entries if "scheme" in w}
    assert schemes == {"token", "ticket", "partner"}, schemes
    # They were there to be found: in what the back-end was asked, and in the vault, sealed.
    assert site.planted.found(b"".join(site.peer.asked))
    disclosed = site.recorder.assay("log", "--disclose", "--limit", "0", "--json")
    assert '.asked"' in disclosed
    assert {"name in an answer", "caller, customer", "id in a path as itself"} <= \
        site.planted.found(disclosed.encode())
    site.stop()
    site.recorder.end()
    assert search(site)[1] == {}


def test_the_id_of_a_request_is_kept(site):
    """It is random, and what joins a line of nginx's log with others."""
    headers = site.call("GET", "/bank/v1/branches")[1]
    log = site.top / "ids.log"
    wait_for(lambda: log.exists() and log.read_text(), "a line")
    assert log.read_text() == f"{headers['x-id']} \n"


# ---- cores, and who reaches the memory ----

def test_a_worker_leaves_no_core(site):
    """Whatever the limits of who started it: a process beside it leaves one."""
    if not os.access(CORE_PATTERN, os.W_OK):
        pytest.skip(f"{CORE_PATTERN} cannot be written")
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, resource.RLIM_INFINITY))
    except ValueError:
        pytest.skip(f"the limit of cores, {hard}, cannot be raised here: nothing would leave one")
    cores = site.top / "cores"
    cores.mkdir(mode=0o777)
    cores.chmod(0o777)
    s = begin(site.port, "GET /bank/v1/accounts/A00000005/transfers", site, "in a core")
    before = CORE_PATTERN.read_text()
    try:
        CORE_PATTERN.write_text(f"{cores}/%p")
        other = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
        workers = site.workers_now()
        for pid in (other.pid, *workers):
            os.kill(pid, signal.SIGSEGV)
        other.wait()
        wait_for(lambda: not set(workers) & set(site.workers_now()), "other workers")
        wait_for(lambda: list(cores.iterdir()), "the core of the other process")
        assert [p.name for p in cores.iterdir()] == [str(other.pid)]
    finally:
        CORE_PATTERN.write_text(before)
        s.close()
    assert "exited on signal 11" in site.log() and "core dumped" not in site.log()


def test_memory_is_not_for_others_of_the_same_user(site):
    site.stop()
    site.top.chmod(0o711)
    path = site.write_config(site.config().replace("user root;", "user nobody nogroup;"))
    site.nginx = subprocess.Popen([NGINX, "-e", site.top / "error.log", "-c", path])
    wait_for(site.workers_now, "workers")
    other = subprocess.Popen(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                              "sleep", "60"])
    try:
        wait_for(lambda: read_as_nobody(other.pid, "environ") == 0, "a process that may be read")
        for pid in site.workers_now():
            wait_for(lambda p=pid: pathlib.Path(f"/proc/{p}/environ").stat().st_uid == 0, "it")
            assert read_as_nobody(pid, "environ") != 0
            assert read_as_nobody(pid, "maps") != 0
    finally:
        other.kill()
        other.wait()


def read_as_nobody(pid, what):
    return subprocess.run(["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat",
                           f"/proc/{pid}/{what}"], capture_output=True, check=False).returncode


def test_the_shared_zone_is_locked_and_in_no_dump(site):
    for pid in (site.nginx.pid, *site.workers_now()):
        text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
        zones = [m for m in re.findall(r"^\S+-\S+ rw-s .*?^VmFlags:.*?$", text, re.M | re.S)
                 if re.search(r"^Size: +8192 kB$", m, re.M)]
        assert len(zones) == 1, len(zones)
        flags = re.search("^VmFlags:(.*)$", zones[0], re.M).group(1).split()
        assert "dd" in flags, flags
        assert pid != site.nginx.pid or "lo" in flags, flags


def may_lock_all():
    """Where not even root may lock as much memory as there is, nothing is, and that is told."""
    code = "import resource as r; r.setrlimit(r.RLIMIT_MEMLOCK, (-1, -1))"
    return subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL).returncode == 0


def test_memory_of_workers_is_locked(site):
    locked = may_lock_all()
    for pid in site.workers_now():
        text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
        mappings = re.findall(r"^\S+-\S+ rw.p .*?^VmFlags:(.*?)$", text, re.M | re.S)
        assert len(mappings) > 5 and {"lo" in m.split() for m in mappings} == {locked}
    assert ("may be written to swap" in site.log()) != locked
    assert site.status()["more"]["locked"] is locked


# ---- what is left in memory ----

def memory_of(pid):
    """What a process has of its own, but for the zone that workers share."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            if not rights.startswith("rw") or "/dev/zero" in line:
                continue
            begin, end = (int(x, 16) for x in place.split("-"))
            try:
                mem.seek(begin)
                yield mem.read(end - begin)
            except OSError:
                pass  # kernel's own


# What is zeroed as soon as a call is over.  Names of callers are remembered with what their tokens
# were verified as; a word of a path or a query may lie where nginx read it, until it reads again.
ZEROED = ("token", "cookie", "header", "user agent", "referrer", "body", "large body", "bad JSON",
          "opaque token", "user", "password", "kept answer", "name in an answer", "e-mail", "phone",
          "slow answer", "half an answer", "problem of the back-end", "answer of known length")


def test_what_is_left_in_memory(site):
    call_well(site)
    call_badly(site)
    time.sleep(1)
    left = {where for pid in site.workers_now() for data in memory_of(pid)
            for where in site.planted.found(data)}
    assert "caller, customer" in left  # or nothing was looked at
    assert {w for w in left if re.sub("(,| as ).*", "", w) in ZEROED} == set(), left
