# SPDX-License-Identifier: Apache-2.0
"""TLS on either side of the gateway: certificates of callers, and of the back-end."""
import fcntl
import http.client
import http.server
import json
import pathlib
import shutil
import ssl
import subprocess
import termios
import threading
import time

import pytest
from gateway_host import EARLY, NO_HOURS, WIDE, Gateway, free_port, needs
from recorder_host import wait_for
from test_gateway import ACCOUNT, TRANSFER, UUID, head

pytestmark = needs()
NAME = "accounts.internal"


class Authority:
    """Issues certificates, and is one itself."""

    def __init__(self, top, name):
        self.top, self.name = top, name
        self.cert, self.key = top / f"{name}.pem", top / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", self.key, "-out", self.cert)

    def issue(self, name, subject, san):
        cert, key, request = (self.top / f"{name}.{kind}" for kind in ("pem", "key", "req"))
        openssl("req", "-newkey", "ed25519", "-nodes", "-subj", subject, "-keyout", key, "-out",
                request)
        (self.top / "ext").write_text(f"subjectAltName={san}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-days", "2",
                "-CAcreateserial", "-extfile", self.top / "ext", "-out", cert)
        return cert, key


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def is_taken(sock):
    """All that was sent on it has arrived at its other end on this machine, and was read there."""
    on_its_way = fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4))
    ends = [f"0100007F:{port:04X}" for _, port in (sock.getpeername(), sock.getsockname())]
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()]
    unread = [row[4].split(":")[1] for row in rows if row[1:3] == ends]
    return not any(on_its_way) and unread == ["00000000"]


class Backend:
    """Answers every GET with the same account, over TLS where it has a certificate; knows what it
    was asked and how.  more: what it says behind each answer, in one record with its body."""

    def __init__(self, cert=None, key=None, highest=None, more=b""):
        self.names, self.connections, self.requests = [], 0, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests += 1
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(ACCOUNT)))
                self.end_headers()
                if more:  # the head is read alone, and the body to its length
                    wait_for(lambda: is_taken(self.connection), "the gateway to read the head")
                self.wfile.write(ACCOUNT + more)

            def setup(self):
                super().setup()
                outer.connections += 1

            def log_message(self, format, *args):  # noqa: A002  (its name in the library)
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # who does not trust it hangs up
        if cert:
            self.speak_tls(cert, key, highest)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def speak_tls(self, cert, key, highest):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        if highest:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = highest
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.sni_callback = lambda sock, name, ctx: self.names.append(name)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def over_tls(port, ca, name=NAME):
    return f"""url: https://{name}:{port}
addresses: [127.0.0.1]
tls: {{ ca: {ca} }}
timeout: {{ connect: 2s, read: 5s }}
"""


def plainly(port, _):
    return f"""url: http://127.0.0.1:{port}
timeout: {{ connect: 2s, read: 5s }}
"""


@pytest.fixture(scope="module")
def site():
    g = Gateway(workers=1)
    try:
        g.ca, g.other = Authority(g.top, "ca"), Authority(g.top, "other")
        g.ca_file = g.keys / "ca.pem"  # a worker reads nothing in /tmp
        shutil.copy(g.ca.cert, g.ca_file)
        yield g
    finally:
        g.close()


def serve(site, version, backend_yaml):
    directory = site.registry.git.top / "services" / "accounts"
    (directory / "backend.yaml").write_text(backend_yaml)
    generation = site.registry.deploy(version)["generation"]
    if not site.nginx:
        site.start()
    site.wait_for_generation(generation)


def test_backend(site):
    good = Backend(*site.ca.issue("good", f"/CN={NAME}", f"DNS:{NAME}"))
    strange = Backend(*site.other.issue("strange", f"/CN={NAME}", f"DNS:{NAME}"))
    another = Backend(*site.ca.issue("another", "/CN=x", "DNS:other.internal"))
    try:
        serve(site, "1.4.0", over_tls(good.port, site.ca_file))
        for _ in range(5):
            status, _, body = site.call("GET", "/bank/v1/accounts/A00000001")
            assert (status, body) == (200, json.loads(ACCOUNT))
        assert set(good.names) == {NAME} and (good.connections, good.requests) == (1, 5)
        for i, (backend, words) in enumerate([(strange, "certificate"),
                                              (another, "for another name")]):
            serve(site, f"1.5.{i}", over_tls(backend.port, site.ca_file))
            assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 502
            kind, what = list(site.calls().values())[-1][-1]
            assert (kind, what["reason"]) == ("api.outcome", "backend")
            assert words in what["detail"], what
            assert backend.requests == 0
    finally:
        for backend in (good, strange, another):
            backend.close()


@pytest.mark.parametrize("version,over", [("1.4.1", over_tls), ("1.4.2", plainly)])
def test_what_is_behind_an_answer_is_nobodys(site, version, over):
    """A whole answer, sent where nobody asked: on a connection that is used again it would be the
    next call's."""
    other = ACCOUNT.replace(b"A00000001", b"A00000009")
    more = head("200 OK", f"Content-Length: {len(other)}") + other
    shown = site.ca.issue("more", f"/CN={NAME}", f"DNS:{NAME}") if over is over_tls else ()
    backend = Backend(*shown, more=more)
    try:
        serve(site, version, over(backend.port, site.ca_file))
        for n in range(1, 5):
            status, _, body = site.call("GET", "/bank/v1/accounts/A00000001")
            assert (status, body) == (200, json.loads(ACCOUNT)), (
                n, list(site.calls().values())[-1], site.log()[-1000:])
            assert (backend.connections, backend.requests) == (n, n)
    finally:
        backend.close()


def test_old_versions_of_tls(site):
    old = Backend(*site.ca.issue("old", f"/CN={NAME}", f"DNS:{NAME}"), ssl.TLSVersion.TLSv1_1)
    try:
        serve(site, "1.6.0", over_tls(old.port, site.ca_file))
        assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 502
        assert old.requests == 0
    finally:
        old.close()


def test_authorities_that_cannot_be_read(site):
    """What cannot be served leaves what was."""
    serve(site, "1.6.9", f"unix: {site.backend_socket}\n")
    before = site.generation()
    directory = site.registry.git.top / "services" / "accounts"
    (site.keys / "empty.pem").write_text("nothing\n")
    for i, (file, words) in enumerate([(site.keys / "nothing.pem", "No such file"),
                                       (site.ca.cert, "Permission denied"),
                                       (site.keys / "empty.pem", "has no certificates")]):
        (directory / "backend.yaml").write_text(over_tls(1, file))
        site.registry.deploy(f"1.7.{i}")
        wait_for(lambda w=words: w in site.log(), words)
        wait_for(lambda w=words: w in site.status()["more"].get("not_served", ""), "status")
        assert site.generation() == before
    # what may be there later is looked for again, and each failure is told once
    late = site.keys / "late.pem"
    (directory / "backend.yaml").write_text(over_tls(1, late))
    site.registry.deploy("1.7.3")
    wait_for(lambda: "late.pem" in site.status()["more"].get("not_served", ""), "status")
    time.sleep(2.5)
    assert site.log().count("late.pem: No such file") == site.workers
    shutil.copy(site.ca.cert, late)
    late.chmod(0o644)
    site.wait_for_generation(before + 4)
    assert "not_served" not in site.status()["more"]


@pytest.fixture
def partners(site):
    """The example with certificates of callers."""
    site.stop()
    cert, key = site.ca.issue("server", "/CN=localhost", "DNS:localhost")
    site.tls_port = free_port()
    site.server = f"""
    listen 127.0.0.1:{site.tls_port} ssl;
    ssl_certificate {cert}; ssl_certificate_key {key};
    ssl_client_certificate {site.ca.cert}; ssl_verify_client optional;
    ssl_protocols TLSv1.2 TLSv1.3;"""
    directory = site.registry.git.top / "services" / "accounts"
    text = (directory / "gateway.yaml").read_text()
    for old, new in [("/etc/assay/ca/partners.pem", str(site.ca.cert)),
                     *[(o, n) for f, o, n in WIDE if f == "gateway.yaml"]]:
        text = text.replace(old, new)
    (directory / "gateway.yaml").write_text(text)
    for file, old, new in (NO_HOURS, EARLY):
        path = directory / file
        path.write_text(path.read_text().replace(old, new))
    site.start_backend()
    yield site
    site.stop()
    site.stop_backend()
    site.server = ""


def send(site, cert=None, key=None):
    context = ssl.create_default_context(cafile=site.ca.cert)
    if cert:
        context.load_cert_chain(cert, key)
    c = http.client.HTTPSConnection("localhost", site.tls_port, context=context, timeout=30)
    c.request("POST", "/bank/v1/accounts/A00000002/transfers", json.dumps(
        {**TRANSFER, "amount": {"hundredths": 100, "currency": "EUR"}}), {
        "Content-Type": "application/json", "Idempotency-Key": UUID})
    answer = c.getresponse()
    answer.read()
    c.close()
    return answer.status


def test_callers_with_certificates(partners):
    serve(partners, "1.8.0", f"unix: {partners.backend_socket}\n")
    known = partners.ca.issue("partner", "/CN=payroll.partner.example", "DNS:x")
    assert send(partners, *known) == 201
    entry = [what for e in partners.calls().values() for kind, what in e
             if kind == "api.intent"][-1]
    assert entry["scheme"] == "partner" and entry["verified"] and entry["tls"] == "TLSv1.3"
    assert send(partners) == 401
    assert send(partners, *partners.ca.issue("nobody", "/CN=somebody", "DNS:x")) == 403
    two = partners.ca.issue("two", "/CN=payroll.partner.example/CN=x", "DNS:x")
    assert send(partners, *two) == 401
    other = partners.other.issue("stranger", "/CN=payroll.partner.example", "DNS:x")
    assert send(partners, *other) == 400  # nginx's own answer: it never got here


def test_other_authorities_are_no_authority(partners):
    """With more that nginx trusts, it cannot be told who vouches for a certificate."""
    partners.server += f" ssl_trusted_certificate {partners.other.cert};"
    serve(partners, "1.9.0", f"unix: {partners.backend_socket}\n")
    other = partners.other.issue("stranger2", "/CN=payroll.partner.example", "DNS:x")
    assert send(partners, *other) == 401
    assert send(partners, *partners.ca.issue("partner2", "/CN=payroll.partner.example",
                                             "DNS:x")) == 401
