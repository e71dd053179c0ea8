# SPDX-License-Identifier: Apache-2.0
"""An issuer that speaks https with certificates that openssl made, a registry whose package names
its key sets, and assay-keys beside a recorder."""
import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

from recorder_host import BIN, wait_for
from registry_host import DIRECTORY, Registry

HOST = "id.example.test"
# RFC 8037, appendix A.2, and RFC 7517, appendix A.1
ED = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHURo"}
EC = {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
      "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}


def key_set(*kids):
    """As an issuer would say it: with blanks, and more than is needed."""
    return json.dumps({"keys": [dict(EC, kid=k, use="sig") for k in kids], "more": 1},
                      indent=2).encode()


def canonical(*kids):
    return json.dumps({"keys": [dict(EC, alg="ES256", kid=k) for k in sorted(kids)]},
                      sort_keys=True, separators=(",", ":")).encode() + b"\n"


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


def authority(directory, name):
    key, pem = directory / f"{name}.key", directory / f"{name}.pem"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", pem, "-subj", f"/CN={name}", "-days", "2")
    return pem


def certificate(directory, name, ca, host, *more):
    """One file with key and certificate."""
    key, csr, pem, ext = (directory / f"{name}.{e}" for e in ("key", "csr", "pem", "ext"))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            key, "-out", csr, "-subj", f"/CN={host}")
    ext.write_text(f"subjectAltName={host if ':' in host else 'DNS:' + host}\n")
    openssl("x509", "-req", "-in", csr, "-CA", ca, "-CAkey", ca.with_suffix(".key"),
            "-CAcreateserial", "-out", pem, "-extfile", ext, *(more or ("-days", "2")))
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    return pem


class Issuer:
    """Answers by path what `answers` has: bytes, or a function that writes to the handler."""

    def __init__(self, pem, address="127.0.0.1"):
        self.answers, self.seen = {}, []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                issuer.seen.append((self.path, dict(self.headers)))
                answer = issuer.answers.get(self.path)
                if callable(answer):
                    answer(self)
                    return
                self.send_response(200 if answer is not None else 404)
                self.send_header("Content-Length", str(len(answer or b"")))
                self.end_headers()
                self.wfile.write(answer or b"")

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

            def get_request(self):  # the handshake is the thread's own
                sock, peer = super().get_request()
                sock.settimeout(40)
                return context.wrap_socket(sock, server_side=True,
                                           do_handshake_on_connect=False), peer

            def handle_error(self, request, client_address):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.server = Server((address, 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path, host=HOST):
        return f"https://{host}:{self.port}{path}"

    def asked(self, path):
        return sum(p == path for p, _ in self.seen)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def name_of(url):
    return hashlib.sha256(url.encode()).hexdigest()


class Keys:
    """assay-keys on a registry's state and run."""

    def __init__(self, site, ca):
        self.site, self.ca = site, ca
        self.recorder = site.recorder
        self.log_path = site.top / "keys.log"
        self.more = ["--keep-user"]
        self.environment = {}
        self.process = None

    def spawn(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / "assay-keys", "--state", self.recorder.state, "--run", self.recorder.run,
                 *(["--ca", self.ca] if self.ca else []), *map(str, self.more)],
                stdout=log, stderr=log, env={**os.environ, **self.environment})
        return self.process

    def start(self):
        self.spawn()
        wait_for(self.ready, "the readiness of assay-keys")
        return self

    def said(self):
        try:
            return json.loads((self.recorder.run / "keys.status").read_text().split("\n")[0])
        except (OSError, ValueError):
            return {}

    def ready(self):
        assert self.process.poll() is None, self.log_path.read_text()
        return self.said().get("pid") == self.process.pid

    def end(self, signo=signal.SIGTERM, status=0):
        self.process.send_signal(signo)
        assert self.process.wait(timeout=60) == status, self.log_path.read_text()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def fails_to_start(self):
        assert self.spawn().wait(timeout=60) == 1
        return self.log_path.read_text()

    def set(self, url):
        """What it says of one."""
        return {s["url"]: s for s in self.said().get("more", {}).get("sets", [])}.get(url, {})

    def path(self, url):
        return self.recorder.state / "jwks" / f"{name_of(url)}.json"

    def have(self, url):
        try:
            return self.path(url).read_bytes()
        except FileNotFoundError:
            return None

    def is_old(self, url, seconds=100000):
        """As if it was had so long ago."""
        then = time.time() - seconds
        os.utime(self.path(url), (then, then))

    def ask(self, text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(str(self.recorder.run / "keys.sock"))
            s.send(text if isinstance(text, bytes) else text.encode())

    def shown(self):
        return subprocess.run([BIN / "assay", "status", "--state", self.recorder.state, "--run",
                               self.recorder.run], capture_output=True, text=True).stdout

    def entries(self):
        return [e["what"] for e in self.recorder.entries("api.keys")]


OPENAPI = """openapi: 3.1.0
info: {{ title: Things, version: {version} }}
security: [{security}]
paths:
  /thing:
    get:
      operationId: getThing
      responses:
        200: {{ description: it }}
components:
  securitySchemes:
{schemes}"""
SCHEME = "    {name}: {{ type: http, scheme: bearer }}\n"
POLICY = 'permit (principal, action == Action::"getThing", resource);\n'


class Site(Registry):
    """A registry whose one API takes tokens of many issuers."""

    def __init__(self):
        super().__init__()
        self.number = 0

    def serve(self, urls, addresses=("127.0.0.1",), refresh="600s"):
        """Deploy a version that names these urls; [] in addresses: the url has it."""
        self.number += 1
        version = f"1.{self.number}.0"
        names = [f"issuer{i}" for i in range(len(urls))]
        where = self.git.top / DIRECTORY
        shutil.rmtree(where)
        where.mkdir()
        (where / "openapi.yaml").write_text(OPENAPI.format(
            version=version, security=", ".join(f"{{ {n}: [] }}" for n in names),
            schemes="".join(SCHEME.format(name=n) for n in names)))
        (where / "policy.cedar").write_text(POLICY)
        (where / "backend.yaml").write_text("unix: /run/x.sock\n")
        more = {"addresses": list(addresses)} if addresses else {}
        identity = {n: {"jwt": {
            "issuer": f"https://{HOST}/{n}", "audience": "things", "algorithms": ["ES256", "EdDSA"],
            "jwks": {"url": u, "refresh": refresh, **more}}} for n, u in zip(names, urls)}
        (where / "gateway.yaml").write_text(json.dumps({"name": "accounts", "identity": identity}))
        self.commit()
        self.push(self.build())
        self.approve(version)
        return self.json("deploy", "accounts", version)
