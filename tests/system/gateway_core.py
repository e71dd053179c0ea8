# SPDX-License-Identifier: Apache-2.0
"""Calls for the gateway core without a server: openssl signs the tokens, answers are those of the
example's own back-end."""
import base64
import importlib
import json
import pathlib
import subprocess
import sys

from assay_tool import BIN

TOP = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = TOP / "examples" / "accounts"
HELPER = BIN.parent / "tests" / "system" / "helpers" / "gateway_call"
NOON = 1772452800  # 2026-03-02T12:00:00Z
JSON = ["Content-Type", "application/json"]

sys.path.insert(0, str(TOP / "examples" / "backend"))
accounts = importlib.import_module("accounts")


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True, check=True,
                          timeout=60).stdout


class Issuer:
    """Signs with ES256, as an identity provider would."""

    def __init__(self, directory):
        self.key, self.file = directory / "key.pem", directory / "jwks.json"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        point = openssl("ec", "-in", self.key, "-pubout", "-outform", "DER")[-64:]
        self.file.write_text(json.dumps({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": "one", "alg": "ES256", "use": "sig",
            "x": base64url(point[:32]), "y": base64url(point[32:])}]}))

    def token(self, **claims):
        claims = {"iss": "https://id.bank.example", "aud": ["else", "accounts"], "exp": NOON + 60,
                  **claims}
        text = ".".join(base64url(json.dumps(part).encode()) for part in
                        ({"alg": "ES256", "kid": "one"}, claims)).encode()
        der = openssl("dgst", "-sha256", "-sign", self.key, data=text)
        return f"{text.decode()}.{base64url(raw_signature(der))}"


def raw_signature(der):
    """r and s of 32 bytes each, out of a SEQUENCE of two INTEGERs."""
    at, parts = 2, b""
    for _ in range(2):
        length = der[at + 1]
        parts += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return parts


def request(method, target, token=None, *headers, body=None, **more):
    made = [["Host", "api.bank.example"], *headers]
    if token:
        made.append(["Authorization", f"Bearer {token}"])
    asked = {"method": method, "target": target, "headers": made, "ms": NOON * 1000, **more}
    if body is not None:
        asked["body"] = json.dumps(body)
        made += [["Content-Length", str(len(asked["body"]))]]
    return asked


def answer(body, status=200):
    return {"status": status, "headers": [JSON], "body": json.dumps(body)}
