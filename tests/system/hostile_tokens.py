# SPDX-License-Identifier: Apache-2.0
"""Makes the tokens of hostile/tokens.py: an issuer with three keys, by openssl, and a stranger."""
import hashlib
import hmac
import json
import subprocess
import threading
import time

from gateway_host import ISSUER, base64url
from hostile.tokens import Now

P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
ED25519 = 2**252 + 27742317777372353535851937790883648493
KINDS = {"ed": ["ed25519"], "own": ["ed25519"], "rsa": ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
         "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}
ALGORITHMS = {"ed": "EdDSA", "rsa": "RS256", "ec": "ES256"}


def openssl(*args, data=None):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True,
                          input=data).stdout


def integers(der):
    """r and s out of a SEQUENCE of two INTEGERs."""
    at, out = 2, []
    for _ in range(2):
        n = der[at + 1]
        out.append(int.from_bytes(der[at + 2:at + 2 + n], "big"))
        at += 2 + n
    return out


def pair(r, s):
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Maker:
    def __init__(self, top):
        self.top = top
        self.keys = {name: top / f"hostile-{name}.pem" for name in KINDS}
        for name, kind in KINDS.items():
            openssl("genpkey", "-algorithm", *kind, "-out", self.keys[name])
        self.der = {name: openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
                    for name, key in self.keys.items()}
        self.pem = openssl("pkey", "-in", self.keys["rsa"], "-pubout")
        modulus = openssl("rsa", "-in", self.keys["rsa"], "-noout", "-modulus").decode()
        self.modulus = bytes.fromhex(modulus.strip().removeprefix("Modulus="))

    # ---- keys ----

    def jwk(self, name):
        if name in ("ed", "own"):
            return {"crv": "Ed25519", "kid": name, "kty": "OKP",
                    "x": base64url(self.der[name][-32:])}
        if name == "ec":
            return {"crv": "P-256", "kid": name, "kty": "EC",
                    "x": base64url(self.der[name][-64:-32]), "y": base64url(self.der[name][-32:])}
        return {"e": "AQAB", "kid": name, "kty": "RSA", "n": base64url(self.modulus)}

    def jwks(self, *names):
        keys = [{**self.jwk(name), "alg": ALGORITHMS[name]} for name in names or ALGORITHMS]
        return json.dumps({"keys": keys}, sort_keys=True, separators=(",", ":")) + "\n"

    def sign(self, key, text):
        if key in ("ed", "own"):
            message = self.top / f"message-{threading.get_ident()}"
            message.write_bytes(text)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.keys[key], "-in", message)
        if key in ("rsa", "ec-der"):
            return openssl("dgst", "-sha256", "-sign", self.keys[key[:3].rstrip("-")], data=text)
        if key == "ec":
            return pair(*integers(openssl("dgst", "-sha256", "-sign", self.keys["ec"], data=text)))
        secret = {"hmac-pem": self.pem, "hmac-der": self.der["rsa"], "hmac-n": self.modulus,
                  "hmac-jwks": self.jwks().encode(), "hmac-empty": b"", "none": None,
                  "empty-json": b"{}"}[key]
        return b"" if secret is None else hmac.new(secret, text, hashlib.sha256).digest()

    # ---- tokens ----

    def part(self, base, over):
        if isinstance(over, bytes):
            return base64url(over)
        whole = {k: v for k, v in {**base, **over}.items() if v is not None}
        if whole.get("jwk") == "own":
            whole["jwk"] = self.jwk("own")
        now = int(time.time())
        return base64url(json.dumps({k: now + v.plus if isinstance(v, Now) else v
                                     for k, v in whole.items()}).encode())

    def token(self, spec):
        header = self.part({"alg": "EdDSA", "typ": "JWT", "kid": "ed"}, spec.header)
        claims = self.part({"iss": ISSUER, "aud": "accounts", "sub": "carol",
                            "groups": ["staff"], "iat": Now(0), "exp": Now(600)}, spec.claims)
        signature = self.sign(spec.key, f"{header}.{claims}".encode())
        return SPOILS[spec.spoil](header, claims, signature).encode()


def whole(header, claims, signature):
    return f"{header}.{claims}.{base64url(signature)}"


def high_s(h, c, s):
    return whole(h, c, pair(int.from_bytes(s[:32], "big"),
                            P256 - int.from_bytes(s[32:], "big")))


def ed_order(h, c, s):
    more = int.from_bytes(s[32:], "little") + ED25519
    return whole(h, c, s[:32] + more.to_bytes(32, "little"))


def left_over(h, c, s):
    """The last character has two bits that no byte takes: set, where they are not."""
    text = whole(h, c, s)
    return text[:-1] + chr(ord(text[-1]) + 1)


SPOILS = {
    None: whole,
    "no signature": lambda h, c, s: f"{h}.{c}.",
    "two parts": lambda h, c, s: f"{h}.{c}",
    "four parts": lambda h, c, s: whole(h, c, s) + ".e30",
    "five parts": lambda h, c, s: f"{h}.AA.AA.{c}.{base64url(s)}",
    "points": lambda h, c, s: "..",
    "padding": lambda h, c, s: whole(h, c, s) + "==",
    "plain base64": lambda h, c, s: f"{h}.{c}.{base64url(s[:-3])}++//",
    "bits": left_over,
    "other claims": lambda h, c, s: whole(h, base64url(b'{"sub":"root"}'), s),
    "bit": lambda h, c, s: whole(h, c, bytes([s[0] ^ 1]) + s[1:]),
    "short": lambda h, c, s: whole(h, c, s[:-1]),
    "long": lambda h, c, s: whole(h, c, s + b"\0"),
    "zeros": lambda h, c, s: whole(h, c, bytes(len(s))),
    "ones": lambda h, c, s: whole(h, c, pair(1, 1)),
    "order": lambda h, c, s: whole(h, c, pair(P256, P256)),
    "high s": high_s,
    "ed order": ed_order,
    "rsa one": lambda h, c, s: whole(h, c, bytes(len(s) - 1) + b"\1"),
}
