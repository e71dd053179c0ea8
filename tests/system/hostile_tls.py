# SPDX-License-Identifier: Apache-2.0
"""The servers and the authorities of hostile/certificates.py, and connections as it says them."""
import ssl

from gateway_host import free_port
from hostile.certificates import HOST
from hostile_certs import CN, Issuer, attribute, make_key, name, pem

REVOKED = 666
ASKS = {"a": "ssl_client_certificate {a}; ssl_verify_client optional;",
        "b": "ssl_client_certificate {b}; ssl_verify_client optional;",
        "c": "",
        "d": "ssl_client_certificate {a}; ssl_verify_client optional_no_ca;",
        "e": "ssl_client_certificate {a}; ssl_verify_client on; ssl_crl {crl}; "
             "ssl_session_tickets off;"}  # those of TLS 1.2 are in the cache, over a reload, too


class Authorities:
    def __init__(self, top):
        self.top, self.port = top, free_port()
        self.issuers = {name: Issuer(top, f"ca-{name}", called) for name, called in
                        (("a", b"authority a"), ("b", b"authority b"),
                         ("a again", b"authority a"))}
        # a certifies it, and callers show that as well
        self.issuers["sub"] = Issuer(top, "ca-sub", b"below a", self.issuers["a"])
        self.key = top / "caller.key"
        self.public = make_key(self.key)
        self.own = Issuer(top, "own", b"payroll")
        (top / "revoked.pem").write_text(self.issuers["a"].revoke(REVOKED))
        (top / "server.pem").write_text(pem("CERTIFICATE", self.issuers["a"].issue(
            self.public, name(attribute(CN, b"server")))))
        self.made = {}

    def file(self, name):
        return self.issuers[name].cert

    def servers(self):
        files = {"a": self.file("a"), "b": self.file("b"), "crl": self.top / "revoked.pem"}
        return "".join(f"""
  server {{
    listen 127.0.0.1:{self.port} ssl http2; server_name {one}{HOST};
    ssl_certificate {self.top}/server.pem; ssl_certificate_key {self.key};
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:1m;
    {asks.format(**files)}
    location / {{ assay_gateway on; }}
  }}""" for one, asks in ASKS.items())

    # ---- connections ----

    def files_of(self, cert):
        """The certificate's, and its key's."""
        if cert.issuer == "own":
            return self.own.cert, self.own.key
        if repr(cert) not in self.made:
            path = self.top / f"caller-{len(self.made)}.pem"
            by = self.issuers[cert.issuer]
            path.write_text(pem("CERTIFICATE", by.issue(
                self.public, cert.subject, cert.names, days=cert.days, serial=cert.serial)) +
                (by.cert.read_text() if cert.issuer == "sub" else ""))
            self.made[repr(cert)] = path
        return self.made[repr(cert)], self.key

    def context(self, spec):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
        if spec.v12:
            c.maximum_version = ssl.TLSVersion.TLSv1_2
        if spec.h2:
            c.set_alpn_protocols(["h2"])
        return c

    def shake(self, site, context, spec, session=None):
        if spec.cert:
            context.load_cert_chain(*self.files_of(spec.cert))
        return context.wrap_socket(site.connect(self.port), session=session,
                                   server_hostname=spec.sni and spec.sni + HOST)

    def connect(self, site, spec):
        context, session = self.context(spec), None
        if spec.before:
            with self.shake(site, context, spec.before) as s:
                s.sendall(b"GET / HTTP/1.1\r\n\r\n")
                while s.recv(65536):
                    pass
                session = s.session
            assert session
        s = self.shake(site, context, spec, session)
        assert spec.again in (None, s.session_reused), spec
        return s
