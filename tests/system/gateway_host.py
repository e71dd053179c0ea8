# SPDX-License-Identifier: Apache-2.0
"""nginx with the module, a registry whose package it serves, a recorder, and the example's service
behind it; and tokens of an identity provider that openssl plays."""
import base64
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import pytest
from recorder_host import BIN, wait_for
from registry_host import DIRECTORY, Registry

TOP = pathlib.Path(__file__).resolve().parents[2]
SERVICE = TOP / "examples" / "backend" / "accounts.py"
# Another build of the module, and the runtime of the sanitizer that it was built with.
MODULE = pathlib.Path(os.environ.get("ASSAY_MODULE", BIN / "ngx_http_assay_module.so"))
PRELOAD = os.environ.get("ASSAY_PRELOAD")
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
ISSUER, KEYS_URL = "https://id.bank.example", "https://id.bank.example/keys"
# Changes of the example for Gateway.deploy(): no limit that a test would meet, and no hours.
WIDE = [("gateway.yaml", '  "*": { rate: 20/s, burst: 40 }', '  "*": { rate: 100000/s }'),
        ("gateway.yaml", "listAccounts: { rate: 2/s, quota: 2000/d }",
         "listAccounts: { rate: 100000/s }"),
        ("gateway.yaml", "createTransfer: { rate: 1/s, burst: 5, quota: 200/d }",
         "createTransfer: { rate: 100000/s }")]
NO_HOURS = ("policy.cedar", 'duration("20h")', 'duration("24h")')
EARLY = ("policy.cedar", 'duration("6h")', 'duration("0h")')
OPEN = [*WIDE, NO_HOURS, EARLY]


def needs(*programs):
    """A pytestmark: without these and what all of it is made of there is nothing to test."""
    programs = [NGINX, "git", "ssh-keygen", "openssl", *programs]
    return [pytest.mark.skipif(any(not shutil.which(p) for p in programs),
                               reason=f"not all of {programs}"),
            pytest.mark.skipif(os.geteuid() != 0, reason="a registry is root's")]


def nginx_env():
    return {**os.environ, **({"LD_PRELOAD": PRELOAD} if PRELOAD else {})}


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Provider:
    """Signs tokens with one Ed25519 key."""

    def __init__(self, top, kid="k1"):
        self.key, self.kid = top / f"provider-{kid}.pem", kid
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.key],
                       check=True)
        self.public = subprocess.run(["openssl", "pkey", "-in", self.key, "-pubout", "-outform",
                                      "DER"], check=True, capture_output=True).stdout[-32:]

    def jwk(self):
        return {"alg": "EdDSA", "crv": "Ed25519", "kid": self.kid, "kty": "OKP",
                "x": base64url(self.public)}

    def jwks(self):
        return json.dumps({"keys": [self.jwk()]}, sort_keys=True, separators=(",", ":")) + "\n"

    def token(self, subject, groups, **claims):
        now = int(time.time())
        body = {"iss": ISSUER, "aud": "accounts", "sub": subject, "groups": groups,
                "iat": now, "exp": now + 600, **claims}
        text = ".".join(base64url(json.dumps(part).encode())
                        for part in ({"alg": "EdDSA", "typ": "JWT", "kid": self.kid}, body))
        message = self.key.parent / "message"
        message.write_text(text)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.key,
                                    "-in", message], check=True, capture_output=True).stdout
        return f"{text}.{base64url(signature)}"


class Gateway:
    """All of it, each in directories of its own."""

    def __init__(self, workers=2, top=None):
        self.registry = Registry(top)
        self.top, self.recorder = self.registry.top, self.registry.recorder
        self.port, self.workers = free_port(), workers
        self.backend_socket = self.top / "backend.sock"
        self.keys = self.recorder.state / "jwks"
        self.keys.mkdir()
        self.provider = Provider(self.top)
        self.put_keys()
        (self.top / "hash.key").write_text("5a" * 32 + "\n")
        (self.top / "hash.key").chmod(0o600)
        (self.top / "temp").mkdir()
        self.nginx = self.backend = None
        self.location, self.http, self.server = "", "", ""
        self.token = self.provider.token("carol", ["fraud-desk"])

    # ---- what it consists of ----

    def key_set(self):
        return self.keys / f"{hashlib.sha256(KEYS_URL.encode()).hexdigest()}.json"

    def put_keys(self):
        self.key_set().write_text(self.provider.jwks())

    def deploy(self, version="1.4.0", edit=()):
        """The example with another back-end's address; edit: (file, old, new) besides."""
        directory = self.registry.git.top / DIRECTORY
        for name, old, new in [("backend.yaml", "/run/assay-example/accounts.sock",
                                str(self.backend_socket)), *edit]:
            text = (directory / name).read_text()
            assert old in text or new in text, (name, old)
            (directory / name).write_text(text.replace(old, new))
        self.registry.openapi = [(old, new) for name, old, new in edit if name == "openapi.yaml"]
        return self.registry.deploy(version)

    def config(self):
        vkey = self.registry.keys["ci"][1]
        temp = "".join(f"  {kind}_temp_path {self.top}/temp/{kind};\n" for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""load_module {MODULE};
user root; worker_processes {self.workers}; daemon off; pid {self.top}/nginx.pid;
error_log {self.top}/error.log notice;
events {{ worker_connections 512; }}
http {{
  access_log off;
{temp}  assay_registry {self.registry.path};
  assay_key {vkey};
  assay_hash_key {self.top}/hash.key;
  assay_recorder {self.recorder.run}/recorder.sock;
  assay_keys {self.keys};
  assay_zone 8m;
{self.http}
  server {{
    listen 127.0.0.1:{self.port};
    {self.server}
    location / {{ assay_gateway on; client_max_body_size 0; {self.location} }}
  }}
}}
"""

    def write_config(self, text=None):
        path = self.top / "nginx.conf"
        path.write_text(self.config() if text is None else text)
        return path

    # ---- processes ----

    def start_backend(self):
        self.backend = subprocess.Popen([sys.executable, SERVICE, "--unix", self.backend_socket],
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.backend_socket), "the service")
        return self

    def stop_backend(self):
        if self.backend:
            self.backend.kill()
            self.backend.wait()
            self.backend = None

    def test(self, text=None):
        """nginx -t: its exit status and what it says."""
        done = subprocess.run([NGINX, "-t", "-e", "stderr", "-c", self.write_config(text)],
                              capture_output=True, text=True, timeout=60, env=nginx_env())
        return done.returncode, done.stderr

    def begin(self, edit=OPEN):
        """Deployed, and all of it started."""
        self.deploy(edit=edit)
        self.start_backend()
        self.start()
        self.wait_for_generation(1)

    def start(self):
        self.nginx = subprocess.Popen([NGINX, "-e", self.top / "error.log", "-c",
                                       self.write_config()], stdin=subprocess.DEVNULL,
                                      env=nginx_env())
        wait_for(lambda: self.is_up(), "nginx")
        return self

    def is_up(self):
        assert self.nginx.poll() is None, self.log()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0 and self.status().get("pid")

    def stop(self):
        if self.nginx and self.nginx.poll() is None:
            self.nginx.terminate()
            assert self.nginx.wait(timeout=60) == 0, self.log()
        self.nginx = None

    def reload(self):
        os.kill(self.nginx.pid, 1)

    def workers_now(self):
        return [int(p) for p in pathlib.Path(
            f"/proc/{self.nginx.pid}/task/{self.nginx.pid}/children").read_text().split()]

    def close(self):
        try:
            self.stop()
        finally:
            self.stop_backend()
            self.registry.close()

    def log(self):
        path = self.top / "error.log"
        return path.read_text() if path.exists() else ""

    def status(self):
        try:
            return json.loads((self.recorder.run / "gateway.status").read_text().split("\n")[0])
        except (OSError, ValueError):
            return {}

    def generation(self):
        return self.status().get("more", {}).get("generation")

    def wait_for_generation(self, number):
        end = time.monotonic() + 30
        while self.generation() != number:
            assert time.monotonic() < end, (number, self.status(), self.log()[-4000:])
            time.sleep(0.05)

    # ---- calls ----

    def call(self, method, path, body=None, token=None, connection=None, **headers):
        """Status, headers in lower case, and the body, as JSON where it is some."""
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        text = body if isinstance(body, (bytes, str)) or body is None else json.dumps(body)
        sent = {"Authorization": f"Bearer {token or self.token}",
                **({"Content-Type": "application/json"} if text is not None else {}),
                **{k.replace("_", "-"): v for k, v in headers.items()}}
        c.request(method, path, text, {k: v for k, v in sent.items() if v})
        answer = c.getresponse()
        data = answer.read()
        if not connection:
            c.close()
        named = {k.lower(): v for k, v in answer.getheaders()}
        return answer.status, named, json.loads(data) if data else None

    def raw(self, data, seconds=10):
        """Bytes, and all that comes back until nothing more does."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            out = b""
            while chunk := s.recv(65536):
                out += chunk
            return out

    # ---- the ledger ----

    def calls(self):
        """{id: [(kind, what)]} of the calls, in the order of the ledger."""
        found = {}
        for e in self.recorder.entries():
            if e["k"] in ("api.intent", "api.values", "api.outcome", "api.denied"):
                found.setdefault(e["what"]["call"], []).append((e["k"], e["what"]))
        return found


def answers(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(str(path)) == 0
