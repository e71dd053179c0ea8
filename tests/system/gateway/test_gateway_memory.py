# SPDX-License-Identifier: Apache-2.0
"""As many calls as an hour has at a hundred a second, of all sorts: what workers and recorder hold
does not grow with them.  ASSAY_MEMORY_CALLS: how many; the soak takes 360,000."""
import ctypes
import ctypes.util
import http.server
import json
import os
import pathlib
import random
import re
import socket
import socketserver
import subprocess
import threading
import time
import uuid

import pytest
from gateway_host import ISSUER, OPEN, Gateway, base64url, free_port, needs
from hostile import http2
from recorder_host import wait_for
from test_gateway_kept import OPAQUE, put_ticket

SOAK = bool(os.environ.get("ASSAY_SOAK"))
CALLS = int(os.environ.get("ASSAY_MEMORY_CALLS", 360_000 if SOAK else 5000))
CALLERS = 8
# Of a process, in KiB, over the second half of them: 10 bytes a call and no more, but for what an
# allocator keeps apart.
FIRST = CALLS // 2
GROWTH = max(FIRST * 10 // 1024, 1024)
# Of the ledger the recorder keeps the 24 that it wrote to last open, and a few others.
DIRECTORIES = 36
# Every token is another one as long as workers are not full of those they remember.
TOKENS = CALLS if SOAK else 60

pytestmark = needs()


class Signer:
    """Signs as the provider does, without a process for each token."""

    ED25519 = 1087

    def __init__(self, provider):
        der = subprocess.run(["openssl", "pkey", "-in", provider.key, "-outform", "DER"],
                             check=True, capture_output=True).stdout
        c = ctypes.CDLL(ctypes.util.find_library("crypto"))
        c.EVP_PKEY_new_raw_private_key.restype = c.EVP_MD_CTX_new.restype = ctypes.c_void_p
        self.c, self.kid = c, provider.kid
        self.key = ctypes.c_void_p(c.EVP_PKEY_new_raw_private_key(self.ED25519, None, der[-32:],
                                                                  ctypes.c_size_t(32)))

    def sign(self, text):
        out, n = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
        ctx = ctypes.c_void_p(self.c.EVP_MD_CTX_new())
        assert self.c.EVP_DigestSignInit(ctx, None, None, None, self.key) == 1
        assert self.c.EVP_DigestSign(ctx, out, ctypes.byref(n), text, ctypes.c_size_t(
            len(text))) == 1
        self.c.EVP_MD_CTX_free(ctx)
        return out.raw

    def token(self, subject, groups, number, **claims):
        now = int(time.time())
        body = {"iss": ISSUER, "aud": "accounts", "sub": subject, "groups": groups, "jti": number,
                "iat": now, "exp": now + 3600, **claims}
        text = ".".join(base64url(json.dumps(part).encode())
                        for part in ({"alg": "EdDSA", "typ": "JWT", "kid": self.kid}, body))
        return f"{text}.{base64url(self.sign(text.encode()))}"


class Backend(http.server.BaseHTTPRequestHandler):
    """Large and small, whole and in chunks, and now and then not at all."""
    protocol_version = "HTTP/1.1"
    CUSTOMER = {"id": "C000001", "name": "Ada Abel", "ssn": "900-10-1000", "branch": "0100",
                "email": "ada@mail.example", "born": "1950-01-01"}
    TRANSFERS = {"transfers": [
        {"id": str(uuid.UUID(int=i)), "to": "CH9300762011623852957", "name": "Boris Brandt",
         "text": "t" * 100, "amount": {"hundredths": i, "currency": "CHF"}, "state": "done",
         "at": "2026-01-02T03:04:05Z"} for i in range(100)]}

    def log_message(self, *_):
        pass

    def address_string(self):
        return ""

    def say(self, value, status=200, chunks=False):
        body = json.dumps(value).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json" if status < 300 else
                         "application/problem+json")
        if chunks:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"".join(b"%x\r\n" % len(p) + p + b"\r\n"
                            for p in (body[:9000], body[9000:])) + b"0\r\n\r\n"
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if "/transfers" in self.path:
            self.say(self.TRANSFERS, chunks=self.path.split("/")[2] > "A5")
        elif self.path.startswith("/branches"):
            self.say([{"id": "0100", "name": "Main Street", "city": "Uster"}])
        elif "C000002" in self.path:
            self.say({"title": "no such customer"}, 404)
        elif "C000003" in self.path:
            self.close_connection = True  # without a word
        elif "C000004" in self.path:
            self.say({"id": "C000004", "not": "of the document"})
        else:
            self.say(self.CUSTOMER)

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.say({"id": str(uuid.UUID(int=1)), **request, "state": "done",
                  "at": "2026-01-02T03:04:05Z"}, 201)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # whoever leaves in the midst is a sort of call


class Caller:
    """One connection, opened anew when it was closed."""

    def __init__(self, site, signer, seed):
        self.site, self.signer, self.chance = site, signer, random.Random(seed)
        self.sock, self.n, self.seed = None, 0, seed
        self.told = {}
        self.signed = {}

    def token(self, subject, group, **claims):
        number = self.seed * 10_000_000 + self.n % (TOKENS // CALLERS + 1)
        if TOKENS == CALLS:
            return self.signer.token(subject, [group], number, **claims)
        if (subject, number) not in self.signed:
            self.signed[subject, number] = self.signer.token(subject, [group], number, **claims)
        return self.signed[subject, number]

    def send(self, method, path, token, body=b"", more="", stop=None):
        text = (f"{method} /bank/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                f"{more}" + (f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                             if body else "") + "\r\n").encode() + body
        if not self.sock:
            self.sock = socket.create_connection(("127.0.0.1", self.site.port), timeout=60)
        self.sock.sendall(text[:stop])

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def hear(self):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.sock.recv(65536)
            if not chunk:
                self.close()
                return None
            data += chunk
        top, data = data.split(b"\r\n\r\n", 1)
        left = int(re.search(rb"content-length: (\d+)", top, re.I).group(1)) - len(data)
        while left > 0:
            chunk = self.sock.recv(min(left, 65536))
            if not chunk:
                break
            left -= len(chunk)
        if b"onnection: close" in top:
            self.close()
        return int(top.split()[1])

    def hear2(self):
        """Until two streams have ended; both were served: 200."""
        data, ended, good = b"", 0, 0
        while ended < 2:
            chunk = self.sock.recv(65536)
            if not chunk:
                break
            data += chunk
            while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
                length, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
                block, number = data[9:9 + length].lstrip(b"\x20"), data[8]
                data = data[9 + length:]
                good += kind == 1 and block[:1] == b"\x88" and number != 5
                ended += kind in (0, 1) and flags & 1 and number != 5
        self.close()
        return 200 if good == 2 else 0

    def call(self):
        self.n += 1
        sort = self.chance.choice(SORTS)
        try:
            sort(self)
            status = None if sort in LEAVING else self.hear2() if sort in OVER_HTTP2 else \
                self.hear()
        except OSError:
            status = None
        if sort in LEAVING or status is None:
            self.close()
        told = self.told.setdefault(sort.__name__, {})
        told[status] = told.get(status, 0) + 1


def masked(c):
    c.send("GET", "/customers/C000001", c.token("tim", "tellers", branch="0100"))


def large(c):
    c.send("GET", f"/accounts/A{c.chance.randrange(100):08}/transfers",
           c.token("carol", "fraud-desk"))


def large_in_chunks(c):
    c.send("GET", f"/accounts/A9{c.chance.randrange(100):07}/transfers?after=x",
           c.token("carol", "fraud-desk"))


def cached(c):
    c.send("GET", "/branches", c.token("carol", "fraud-desk"))


def transfer(c, pad=100, **more):
    body = json.dumps({"to": "CH9300762011623852957", "name": "Ada Abel", "text": "x" * pad,
                       "amount": {"hundredths": 100, "currency": "CHF"}}).encode()
    c.send("POST", "/accounts/A00000001/transfers", c.token("tim", "tellers", branch="0100"), body,
           f"Idempotency-Key: {uuid.UUID(int=c.n)}\r\n", **more)


def too_large(c):
    transfer(c, 30000)


def half_a_body(c):
    transfer(c, stop=-50)


def not_allowed(c):
    c.send("GET", "/customers/C000001", c.token("olga", "auditors"))


def unknown_path(c):
    c.send("GET", f"/nothing/{c.n}", c.token("carol", "fraud-desk"))


def unknown_parameter(c):
    c.send("GET", f"/accounts?p{c.n}=1", c.token("carol", "fraud-desk"))


def forged(c):
    c.send("GET", "/branches", c.token("carol", "fraud-desk")[:-8] + f"{c.n % 10**6:06}AA")


def no_token(c):
    c.send("GET", "/branches", f"{c.n}")


def unknown_customer(c):
    c.send("GET", "/customers/C000002", c.token("carol", "fraud-desk"))


def backend_closes(c):
    c.send("GET", "/customers/C000003", c.token("carol", "fraud-desk"))


def backend_errs(c):
    c.send("GET", "/customers/C000004", c.token("carol", "fraud-desk"))


def with_a_ticket(c):
    """Opaque: the same each time, as they are."""
    c.send("GET", "/customers/C000001", c.site.ticket)


def over_http2(c):
    """A connection of its own, with three calls side by side, one of which is reset."""
    token = c.token("carol", "fraud-desk").encode()
    frames = [http2.Frame(http2.SETTINGS, 0, 0)]
    for number, path in ((1, b"/bank/v1/customers/C000001"), (3, b"/bank/v1/branches"),
                         (5, b"/bank/v1/accounts/A00000001/transfers")):
        frames.append(http2.head([(b":method", b"GET"), (b":scheme", b"http"), (b":path", path),
                                  (b":authority", b"x"), http2.AUTH], stream=number))
    frames.append(http2.Frame(http2.RST, 0, 5, b"\0\0\0\x08"))
    c.close()
    c.sock = socket.create_connection(("127.0.0.1", c.site.two), timeout=60)
    c.sock.sendall(http2.PREFACE + b"".join(f.bytes(token) for f in frames))


def leaves(c):
    masked(c)


def leaves_a_large_one(c):
    large(c)


LEAVING = (half_a_body, leaves, leaves_a_large_one)
OVER_HTTP2 = (over_http2,)
SORTS = [masked, masked, masked, with_a_ticket, with_a_ticket, over_http2, over_http2, large,
         large_in_chunks, cached, cached, transfer, transfer, too_large, half_a_body, not_allowed,
         unknown_path, unknown_parameter, forged, no_token, unknown_customer, backend_closes,
         backend_errs, leaves, leaves_a_large_one]
WANTED = {masked: 200, with_a_ticket: 200, over_http2: 200, large: 200, large_in_chunks: 200,
          cached: 200, transfer: 201,
          too_large: 413, not_allowed: 403, unknown_path: 404, unknown_parameter: 400, forged: 401,
          no_token: 401, unknown_customer: 404, backend_closes: 502, backend_errs: 502}


# ---- what a process holds ----

def held(pid):
    """Memory of its own, which is in no file and not shared, in KiB; descriptors of directories,
    and others."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    fds = list(pathlib.Path(f"/proc/{pid}/fd").iterdir())
    directories = sum(fd.is_dir() for fd in fds)
    return (int(re.search(r"^Anonymous: +(\d+)", text, re.M).group(1)), directories,
            len(fds) - directories)


def processes(site):
    return {**{f"worker {i}": pid for i, pid in enumerate(site.workers_now())},
            "recorder": site.recorder.process.pid}


def run(callers, n):
    def work(c):
        for _ in range(n // CALLERS):
            c.call()
        c.close()

    threads = [threading.Thread(target=work, args=(c,)) for c in callers]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


@pytest.fixture
def site():
    g = Gateway()
    server = Server(str(g.backend_socket), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        g.two = free_port()
        g.server = f"listen 127.0.0.1:{g.two} http2;"
        put_ticket(g)
        g.http = f"assay_tokens {g.recorder.state}/tokens.json;"
        g.deploy(edit=[*OPEN, *OPAQUE])
        g.start()
        g.wait_for_generation(1)
        yield g
    finally:
        g.close()
        server.shutdown()
        server.server_close()


def test_memory_does_not_grow(site):
    signer = Signer(site.provider)
    callers = [Caller(site, signer, i) for i in range(CALLERS)]
    who = processes(site)
    samples = []
    for n in (FIRST, *[(CALLS - FIRST) // 4] * 4):
        run(callers, n)
        site.recorder.published()  # it has files open meanwhile, as many as there is to write
        time.sleep(0.5)  # connections that are over
        samples.append({name: held(pid) for name, pid in who.items()})
        print(json.dumps(samples[-1]), flush=True)
    assert processes(site) == who, "somebody died"
    told = {s.__name__: {} for s in SORTS}
    for c in callers:
        for name, by_status in c.told.items():
            for status, n in by_status.items():
                told[name][status] = told[name].get(status, 0) + n
    for sort, status in WANTED.items():
        assert told[sort.__name__].get(status, 0) > 0.9 * sum(told[sort.__name__].values()), told
    for name in who:
        before, after = samples[0][name], samples[-1][name]
        assert after[0] - before[0] < GROWTH, (name, samples)
        assert after[1] <= DIRECTORIES, (name, samples)
        assert after[2] <= before[2] + 4, (name, samples)
    wait_for(lambda: "GOOD" in site.recorder.verify(), "a good ledger")
