# SPDX-License-Identifier: Apache-2.0
"""The gateway and its peers in front of one back-end: TLS for the callers, tokens that are signed
with RS256, 100 policies.  Everything runs on this machine, each in a directory of its own."""
import base64
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

from machine import BIN, BUILD, TOP, Unavailable, await_true, run, stop

os.environ["ASSAY_BIN"] = str(BIN)
sys.path.insert(0, str(TOP / "tests" / "system"))
import registry_host  # noqa: E402

ISSUER, AUDIENCE, KEYS_URL = "https://id.bank.example", "accounts", "https://id.bank.example/keys"
TOKENS = 16
POLICIES = 100
WORKERS = os.cpu_count()
MODULES = pathlib.Path("/usr/lib/nginx/modules")
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

# The same back-end's answer to every call; the gateway masks three of its values.
ANSWER = json.dumps({
    "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "to": "CH5600762000000000001",
    "name": "Ada Abel", "amount": {"hundredths": 1000, "currency": "CHF"},
    "text": "invoice 1200", "state": "done", "at": "2026-01-05T09:00:00Z"}, separators=(",", ":"))
MASKED = {"to": "*****************0001", "name": "A*******", "text": "***"}

# What examples/accounts has for tellers, for a desk whose answers are masked.
DESK = """
@id("the desk sends up to 10,000.00")
permit (principal in Group::"desk", action == Action::"createTransfer", resource)
when { context.body.amount.hundredths <= 1000000 };
@id("the desk sees to whom by their ends")
permit (principal in Group::"desk", action in Action::"readMasked", resource)
when { resource in [DataClass::"account.iban", DataClass::"pii.name", DataClass::"transfer.text"] };
"""
BRANCH = """
@id("branch {i} sends up to {limit}")
permit (principal in Group::"branch-{i}", action == Action::"createTransfer", resource)
when {{ context.body.amount.hundredths <= {limit} && context.body.amount.currency ==
       Currency::"CHF" }};
"""


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Provider:
    """Who signs the tokens."""

    def __init__(self, place):
        self.key, self.public = place / "provider.pem", place / "provider.pub"
        run("openssl", "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
            self.key, stderr=subprocess.DEVNULL)
        run("openssl", "pkey", "-in", self.key, "-pubout", "-out", self.public)

    def jwk(self):
        modulus = run("openssl", "rsa", "-in", self.key, "-noout", "-modulus").strip()
        return {"alg": "RS256", "e": "AQAB", "kid": "k1", "kty": "RSA",
                "n": base64url(bytes.fromhex(modulus.removeprefix("Modulus=")))}

    def token(self, number):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": f"caller-{number}", "groups": ["desk"],
                  "iat": now, "exp": now + 24 * 3600}
        text = ".".join(base64url(json.dumps(part).encode())
                        for part in ({"alg": "RS256", "typ": "JWT", "kid": "k1"}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key],
                                   input=text.encode(), check=True, capture_output=True).stdout
        return f"{text}.{base64url(signature)}"


class World:
    """What all of them share: certificate, tokens, the back-end; and one Assay."""

    def __init__(self, place):
        self.place = place
        place.mkdir()
        place.chmod(0o755)
        self.stack = contextlib.ExitStack()
        self.provider = Provider(place)
        self.tokens = place / "tokens"
        self.tokens.write_text("".join(self.provider.token(i) + "\n" for i in range(TOKENS)))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", place / "tls.key", "-out",
            place / "tls.crt", stderr=subprocess.DEVNULL)
        (place / "haproxy.pem").write_text((place / "tls.crt").read_text() +
                                           (place / "tls.key").read_text())
        self.backend_port = free_port()

    # ---- programs ----

    def spawn(self, name, *command):
        """A program in the foreground, until the end."""
        with (self.place / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        self.stack.callback(stop, process)
        return process.pid

    def nginx(self, name, port, http, server, before="", workers=WORKERS):
        """One with a server on this port; its pid."""
        top = self.place / name
        top.mkdir()
        temp = "".join(f"  {kind}_temp_path {top}/{kind};\n" for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        log = "" if "access_log" in http else "access_log off;"
        (top / "nginx.conf").write_text(f"""{before}
user root; worker_processes {workers}; daemon off; pid {top}/pid; error_log {top}/error.log notice;
events {{ worker_connections 1024; }}
http {{
  {log} keepalive_requests 100000000; tcp_nodelay on;
{temp}{http}
  server {{
{server}
  }}
}}
""")
        pid = self.spawn(name, NGINX, "-e", top / "error.log", "-c", top / "nginx.conf")
        try:
            await_true(name, lambda: listens(port), 10)
        except Unavailable as e:
            said = (top / "error.log").read_text() + (self.place / f"{name}.log").read_text()
            raise Unavailable(f"{e}: {said[-300:]}") from e
        return pid

    def start_backend(self):
        (self.place / "answer.json").write_text(ANSWER)
        return self.nginx("backend", self.backend_port, "", f"""
    listen 127.0.0.1:{self.backend_port} backlog=1024;
    location / {{ default_type application/json; return 201 '{ANSWER}'; }}""", workers=1)

    def tls(self, port):
        return (f"    listen 127.0.0.1:{port} ssl backlog=1024;\n"
                f"    ssl_certificate {self.place}/tls.crt;\n"
                f"    ssl_certificate_key {self.place}/tls.key;\n")

    def upstream(self):
        return (f"  upstream backend {{ server 127.0.0.1:{self.backend_port}; keepalive 64; "
                "keepalive_requests 100000000; }\n")

    # ---- Assay ----

    def package(self, registry, name, record):
        """An API of this name: examples/accounts with 100 policies and no limit in the way."""
        directory = registry.git.top / "services" / name
        if name != "accounts":
            shutil.copytree(registry_host.SOURCE, directory,
                            ignore=shutil.ignore_patterns("README.md"))
        (directory / "backend.yaml").write_text(f"url: http://127.0.0.1:{self.backend_port}\n"
                                                "timeout: { connect: 1s, read: 5s }\n")
        text = (directory / "gateway.yaml").read_text()
        text = text.replace("[ES256, EdDSA]", "[RS256]").replace("base: /bank/", f"base: /{name}/")
        text = text.replace("name: accounts", f"name: {name}")
        begin, end = text.index("# By caller"), text.index("caps:")
        text = text[:begin] + 'limits:\n  "*": { rate: 1000000/s }\n' + text[end:]
        if not record:
            text = text.replace(", record: digest", "")
        (directory / "gateway.yaml").write_text(text)
        policies = (directory / "policy.cedar").read_text() + DESK
        missing = POLICIES - policies.count("@id(")
        policies += "".join(BRANCH.format(i=i, limit=1000 * i) for i in range(missing))
        (directory / "policy.cedar").write_text(policies)
        return directory

    def deploy(self, registry, apis):
        registry.apis = {name: f"services/{name}" for name in apis}
        registry.write_config()
        directories = [self.package(registry, name, record) for name, record in apis.items()]
        registry.commit()
        for name, directory in zip(apis, directories):
            registry.push(registry.build(f"{name}.assay", directory))
            registry.json("approve", name, "1.4.0", "--change", "CHG-1", "--key",
                          registry.keys["anna"][0])
            registry.json("deploy", name, "1.4.0")

    def start_assay(self, port):
        """nginx with the module, and its recorder: their pids."""
        top = self.place / "registry"
        top.mkdir(mode=0o755)
        registry = registry_host.Registry(top)
        self.stack.callback(registry.close)
        recorder = registry.recorder
        keys = recorder.state / "jwks"
        keys.mkdir()
        (keys / f"{hashlib.sha256(KEYS_URL.encode()).hexdigest()}.json").write_text(
            json.dumps({"keys": [self.provider.jwk()]}, sort_keys=True, separators=(",", ":")) +
            "\n")
        hash_key = self.place / "hash.key"
        hash_key.write_text("5a" * 32 + "\n")
        hash_key.chmod(0o600)
        self.deploy(registry, {"accounts": False, "sealed": True})
        pid = self.nginx("assay", port, f"""  assay_registry {registry.path};
  assay_key {registry.keys["ci"][1]};
  assay_hash_key {hash_key};
  assay_recorder {recorder.run}/recorder.sock;
  assay_keys {keys};
""", f"{self.tls(port)}    location / {{ assay_gateway on; client_max_body_size 0; }}",
                         f"load_module {BUILD}/src/nginx/ngx_http_assay_module.so;")
        return [pid, recorder.process.pid]

    # ---- peers ----

    def proxy(self, more=""):
        return (f"    location / {{ {more} proxy_pass http://backend; proxy_http_version 1.1; "
                "proxy_set_header Connection \"\"; }\n")

    def json_log(self, name):
        fields = ",".join(f'"{n}":"${n}"' for n in (
            "time_iso8601", "remote_addr", "request_method", "request_uri", "status",
            "bytes_sent", "request_time", "http_user_agent", "request_id"))
        return (f"  log_format told escape=json '{{{fields}}}';\n"
                f"  access_log {self.place}/{name}/calls.log told;\n")

    def start_bare(self, port):
        return [self.nginx("bare", port, self.upstream(), self.tls(port) + self.proxy())]

    def start_logged(self, port):
        return [self.nginx("logged", port, self.upstream() + self.json_log("logged"),
                           self.tls(port) + self.proxy())]

    def start_njs(self, port):
        """A subrequest that verifies the token, as its documentation does it."""
        if not (MODULES / "ngx_http_js_module.so").exists():
            raise Unavailable("libnginx-mod-http-js is not installed")
        script = self.place / "token.js"
        script.write_text(NJS.replace("KEY", self.provider.public.read_text().strip()))
        server = f"""{self.tls(port)}
    location = /token {{ internal; js_content token.check; }}
{self.proxy("auth_request /token;")}"""
        return [self.nginx("njs", port, f"{self.upstream()}{self.json_log('njs')}"
                           f"  js_path {self.place}; js_import token from token.js;\n", server,
                           f"load_module {MODULES}/ngx_http_js_module.so;")]

    def start_lua(self, port):
        if not (MODULES / "ngx_http_lua_module.so").exists():
            raise Unavailable("libnginx-mod-http-lua is not installed")
        script = self.place / "token.lua"
        script.write_text(LUA.replace("KEY", str(self.provider.public)))
        return [self.nginx("lua", port, f"{self.upstream()}{self.json_log('lua')}"
                           f"  lua_package_path '{self.place}/?.lua;;';\n"
                           "  init_by_lua_block { token = require 'token' }\n",
                           self.tls(port) + self.proxy("access_by_lua_block { token.check() }"),
                           f"load_module {MODULES}/ndk_http_module.so;\n"
                           f"load_module {MODULES}/ngx_http_lua_module.so;")]

    def start_haproxy(self, port):
        if not shutil.which("haproxy"):
            raise Unavailable("haproxy is not installed")
        config = self.place / "haproxy.cfg"
        config.write_text(HAPROXY.format(place=self.place, port=port, backend=self.backend_port,
                                         key=self.provider.public, issuer=ISSUER,
                                         audience=AUDIENCE, workers=WORKERS, log=HAPROXY_LOG))
        pid = self.spawn("haproxy", "haproxy", "-f", config)
        await_true("haproxy", lambda: listens(port), 10)
        return [pid]


# Signature, algorithm, issuer, audience and expiry: what all of the peers check.
NJS = r"""
const pem = `KEY`;

// Anew for each call: njs keeps no objects from one to the next.
function get_key() {
    const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\n/g, ''), 'base64');
    return crypto.subtle.importKey('spki', der, {name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256'}, false,
                                   ['verify']);
}

async function check(r) {
    try {
        const token = r.headersIn.Authorization.slice(7), at = token.lastIndexOf('.');
        const parts = token.split('.').map(p => Buffer.from(p, 'base64url'));
        const key = await get_key();
        const good = await crypto.subtle.verify('RSASSA-PKCS1-v1_5', key, parts[2],
                                                Buffer.from(token.slice(0, at)));
        const claims = JSON.parse(parts[1].toString());
        if (good && JSON.parse(parts[0].toString()).alg === 'RS256' &&
            claims.iss === 'https://id.bank.example' && claims.aud === 'accounts' &&
            claims.exp > Date.now() / 1000) {
            r.return(204);
            return;
        }
    } catch (e) {
        r.error(e.message);
    }
    r.return(401);
}

export default {check};
"""

LUA = r"""
local cjson, pkey, digest = require "cjson.safe", require "openssl.pkey", require "openssl.digest"
local file = assert(io.open("KEY"))
local key = pkey.new(file:read("*a"))
file:close()

local function decode(part)
    local text = part:gsub("-", "+"):gsub("_", "/")
    return ngx.decode_base64(text .. ("="):rep(-#text % 4))
end

local function check()
    local bearer = ngx.var.http_authorization or ""
    local head, body, signature = bearer:match("^Bearer ([^.]+)%.([^.]+)%.([^.]+)$")
    if head then
        local claims, header = cjson.decode(decode(body)), cjson.decode(decode(head))
        local signed = digest.new("sha256"):update(head .. "." .. body)
        if header and claims and header.alg == "RS256" and key:verify(decode(signature), signed) and
           claims.iss == "https://id.bank.example" and claims.aud == "accounts" and
           claims.exp > ngx.time() then
            return
        end
    end
    ngx.exit(401)
end

return { check = check }
"""

HAPROXY_LOG = ("{'at':%Ts,'client':'%ci','request':'%HM %HU','status':%ST,'bytes':%B,'ms':%Ta,"
               "'who':'%[var(txn.sub)]'}").replace("'", '\\"')

HAPROXY = """global
  nbthread {workers}
  maxconn 2000
  log stdout format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  log global
  log-format "{log}"
frontend calls
  bind 127.0.0.1:{port} ssl crt {place}/haproxy.pem
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request set-var(txn.aud) var(txn.bearer),jwt_payload_query('$.aud')
  http-request set-var(txn.sub) var(txn.bearer),jwt_payload_query('$.sub')
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str RS256 }}
  http-request deny deny_status 401 unless {{ var(txn.iss) -m str {issuer} }}
  http-request deny deny_status 401 unless {{ var(txn.aud) -m str {audience} }}
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request set-var(txn.good) var(txn.bearer),jwt_verify(txn.alg,"{key}")
  http-request deny deny_status 401 unless {{ var(txn.good) -m int 1 }}
  default_backend service
backend service
  http-reuse always
  server s 127.0.0.1:{backend}
"""
