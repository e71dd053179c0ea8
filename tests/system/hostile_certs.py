# SPDX-License-Identifier: Apache-2.0
"""Certificates and lists of revoked ones (RFC 5280), byte for byte, with names that no tool would
put in; Ed25519 (RFC 8410), signed by openssl.  All callers have the same key: who has it is not
asked."""
import base64
import datetime
import subprocess

ED25519 = b"\x06\x03\x2b\x65\x70"
CN, OU, MAIL = b"\x55\x04\x03", b"\x55\x04\x0b", b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"
PRINTABLE, UTF8, T61, IA5, BMP = 0x13, 0x0c, 0x14, 0x16, 0x1e
DAY = datetime.timedelta(days=1)


def der(tag, *parts):
    data = b"".join(parts)
    n = len(data)
    if n < 128:
        return bytes([tag, n]) + data
    size = (n.bit_length() + 7) // 8
    return bytes([tag, 128 + size]) + n.to_bytes(size, "big") + data


def sequence(*parts):
    return der(0x30, *parts)


def integer(n):
    """Of one that is not negative, in no more bytes than it takes."""
    return der(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def time_of(t):
    return der(0x17, t.strftime("%y%m%d%H%M%SZ").encode())


def attribute(oid, value, tag=UTF8):
    return sequence(der(0x06, oid), der(tag, value))


def name(*rdns):
    """Each one attribute, or a list of several side by side."""
    return sequence(*(der(0x31, *(r if isinstance(r, list) else [r])) for r in rdns))


def uri(value):
    return der(0x86, value)


def dns(value):
    return der(0x82, value)


def pem(kind, data):
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n"


def extension(oid, value, critical=False):
    return sequence(der(0x06, oid), der(0x01, b"\xff") if critical else b"", der(0x04, value))


class Issuer:
    """An authority whose name is given: two may have the same one.  by: who certifies it."""

    def __init__(self, top, file, called, by=None):
        self.top, self.name = top, name(attribute(CN, called))
        self.key, self.cert = top / f"{file}.key", top / f"{file}.pem"
        self.public = make_key(self.key)
        by = by or self
        self.cert.write_text(pem("CERTIFICATE", by.signed(by.body(
            self.name, self.public, extension(b"\x55\x1d\x13", sequence(der(0x01, b"\xff")),
                                              True), serial=9))))

    def signed(self, body):
        return sequence(body, sequence(ED25519), der(0x03, b"\0", sign(self.top, self.key, body)))

    def body(self, subject, public, *extensions, days=(-1, 1), serial=1):
        now = datetime.datetime.now(datetime.timezone.utc)
        return sequence(
            der(0xa0, der(0x02, b"\2")), integer(serial), sequence(ED25519),
            self.name, sequence(*(time_of(now + d * DAY) for d in days)), subject,
            sequence(sequence(ED25519), der(0x03, b"\0", public)),
            der(0xa3, sequence(*extensions)) if extensions else b"")

    def issue(self, public, subject, names=(), **more):
        """DER of a certificate; names: of its subjectAltName."""
        return self.signed(self.body(subject, public, *(
            [extension(b"\x55\x1d\x11", sequence(*names))] if names else []), **more))

    def revoke(self, *serials):
        """A list of them, as PEM."""
        now = datetime.datetime.now(datetime.timezone.utc)
        gone = sequence(*(sequence(integer(s), time_of(now - DAY))
                          for s in serials)) if serials else b""
        return pem("X509 CRL", self.signed(sequence(
            der(0x02, b"\1"), sequence(ED25519), self.name, time_of(now - DAY),
            time_of(now + DAY), gone)))


def make_key(path):
    """The public half."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    return subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"],
                          check=True, capture_output=True).stdout[-32:]


def sign(top, key, data):
    (top / "to-be-signed").write_bytes(data)
    return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in",
                           top / "to-be-signed"], check=True, capture_output=True).stdout
