# SPDX-License-Identifier: Apache-2.0
"""Tokens that were not made for this, or not by whom they say.  hostile_tokens.py makes them of
what stands here: header and claims over those of a good one (None takes one away; bytes are the
whole part as it is), the key that signs, and what is done to it then."""
import dataclasses

from . import MARK, NGINX, PASS, Case, get, refused, request, upstream

A = upstream(b"GET /things/A")


@dataclasses.dataclass
class Now:
    """Seconds from the moment in which the token is made."""
    plus: int


@dataclasses.dataclass
class Token:
    header: object = dataclasses.field(default_factory=dict)
    claims: object = dataclasses.field(default_factory=dict)
    key: str = "ed"        # ed, rsa, ec: of the issuer; others: see hostile_tokens.py
    spoil: str = None      # what is done to the whole


def bad(name, header=None, claims=None, key="ed", spoil=None, status=401, reason="credential",
        detail=None):
    told = {"sub": MARK.decode()}
    if not isinstance(claims, bytes):
        claims = {**told, **(claims or {})}
    return Case(name, [get(b"/api/things/A")], [(status, reason)], detail=detail,
                token=Token(header or {}, claims, key, spoil))


def good(name, header=None, claims=None, key="ed", spoil=None):
    return Case(name, [get(b"/api/things/A")], [(200, PASS)], A,
                token=Token(header or {}, claims or {}, key, spoil))


def shown(name, authorization, status=401, reason="credential"):
    return refused(name, request(b"GET /api/things/A HTTP/1.1", auth=authorization), status,
                   reason)


def alg(name, word, key="none", **more):
    return bad(name, {"alg": word}, key=key, **more)


ALG, KEY, SIG, FORM = "token: algorithm", "token: key", "token: signature", "token: malformed"
CASES = [
    good("EdDSA"),
    good("RS256", {"alg": "RS256", "kid": "rsa"}, key="rsa"),
    good("ES256", {"alg": "ES256", "kid": "ec"}, key="ec"),
    # none
    alg("none", "none", detail=FORM),  # there is no signature behind the last point
    *(alg(f"none as {word}, with a signature", word, "empty-json", detail=ALG)
      for word in ("none", "None", "NONE", "nOnE", "none ", " none", "none\0", "n\u043ene", "")),
    bad("no alg", {"alg": None}, detail=FORM),
    bad("alg null", {"alg": None, "x": 1, "alg ": "none"}, detail=FORM),
    bad("alg a number", {"alg": 0}, detail=FORM),
    bad("alg a list", {"alg": ["none", "EdDSA"]}, detail=FORM),
    bad("alg twice", b'{"alg":"none","alg":"EdDSA","kid":"ed"}', detail=FORM),
    bad("alg twice, once escaped", b'{"alg":"EdDSA","\\u0061lg":"none","kid":"ed"}', detail=FORM),
    bad("alg in small letters", {"alg": "eddsa"}, detail=ALG),
    bad("the signature left away", spoil="no signature", detail=FORM),
    bad("the signature and its point left away", spoil="two parts", detail=FORM),
    # another algorithm
    alg("HS256 by the public key as PEM", "HS256", "hmac-pem", detail=ALG),
    alg("HS256 by the public key as DER", "HS256", "hmac-der", detail=ALG),
    alg("HS256 by the modulus", "HS256", "hmac-n", detail=ALG),
    alg("HS256 by the key set", "HS256", "hmac-jwks", detail=ALG),
    alg("HS256 by nothing", "HS256", "hmac-empty", detail=ALG),
    alg("HS384", "HS384", "hmac-pem", detail=ALG),
    alg("HS512", "HS512", "hmac-pem", detail=ALG),
    bad("RS256 by the key for Ed25519's name", {"alg": "RS256", "kid": "ed"}, key="rsa",
        detail=ALG),
    bad("EdDSA by the RSA key's name", {"kid": "rsa"}, detail=ALG),
    bad("ES256 by the RSA key's name", {"alg": "ES256", "kid": "rsa"}, key="ec", detail=ALG),
    bad("RS256 by the EC key's name", {"alg": "RS256", "kid": "ec"}, key="rsa", detail=ALG),
    bad("PS256", {"alg": "PS256", "kid": "rsa"}, key="rsa", detail=ALG),
    bad("RS384", {"alg": "RS384", "kid": "rsa"}, key="rsa", detail=ALG),
    bad("RS1", {"alg": "RS1", "kid": "rsa"}, key="rsa", detail=ALG),
    bad("ES256K", {"alg": "ES256K", "kid": "ec"}, key="ec", detail=ALG),
    good("Ed25519, as RFC 9864 calls it", {"alg": "Ed25519"}),
    bad("Ed25519 by the RSA key's name", {"alg": "Ed25519", "kid": "rsa"}, detail=ALG),
    bad("Ed448", {"alg": "Ed448"}, detail=ALG),
    # keys
    bad("a kid that is nobody's", {"kid": "nobody"}, detail=KEY),
    *(bad(f"a kid that {what}", {"kid": kid}, detail=KEY) for what, kid in (
        ("is a path", "../../../../dev/null"), ("is a file", "/etc/passwd"),
        ("is for a database", "x' UNION SELECT 'k' -- "), ("is for a shell", "|id"),
        ("is an address", "http://evil.example/k"), ("has a NUL", "ed\0"),
        ("has a blank", "ed "), ("is in capitals", "ED"), ("is a pattern", "*"))),
    bad("a kid that is empty", {"kid": ""}, detail=FORM),
    bad("a kid that is a number", {"kid": 0}, detail=FORM),
    bad("a kid that is an object", {"kid": {}}, detail=FORM),
    bad("a kid twice", b'{"alg":"EdDSA","kid":"nobody","kid":"ed"}', detail=FORM),
    bad("a kid of 1 KiB", {"kid": "k" * 1024}, detail=FORM),
    good("no kid, and one key of its algorithm", {"kid": None}),
    bad("its own key", {"jwk": "own"}, key="own", detail=SIG),
    bad("its own key, which no kid hides", {"jwk": "own", "kid": None}, key="own", detail=SIG),
    bad("a place for its keys", {"jku": "http://127.0.0.1:1/keys"}, key="own", detail=SIG),
    bad("a place for its certificate", {"x5u": "http://127.0.0.1:1/cert"}, key="own", detail=SIG),
    bad("its own certificate", {"x5c": ["MIIB"]}, key="own", detail=SIG),
    good("a place for keys that nobody looks at", {"jku": "http://127.0.0.1:1/", "x5t": "AA"}),
    # signatures
    bad("another key", key="own", detail=SIG),
    bad("a signature of another token", spoil="other claims", detail=SIG),
    bad("a signature with a bit changed", spoil="bit", detail=SIG),
    bad("a signature cut short", spoil="short", detail=SIG),
    bad("a signature with more behind it", spoil="long", detail=SIG),
    bad("64 zeros", spoil="zeros", detail=SIG),
    bad("ES256 with r and s of 0", {"alg": "ES256", "kid": "ec"}, key="ec", spoil="zeros",
        detail=SIG),
    bad("ES256 with r and s of the order", {"alg": "ES256", "kid": "ec"}, key="ec",
        spoil="order", detail=SIG),
    bad("ES256 with r and s of 1", {"alg": "ES256", "kid": "ec"}, key="ec", spoil="ones",
        detail=SIG),
    bad("ES256 as DER", {"alg": "ES256", "kid": "ec"}, key="ec-der", detail=SIG),
    good("ES256 with the other s, which is as good", {"alg": "ES256", "kid": "ec"}, key="ec",
         spoil="high s"),
    bad("EdDSA with s and the order", spoil="ed order", detail=SIG),
    bad("RS256 of zeros", {"alg": "RS256", "kid": "rsa"}, key="rsa", spoil="zeros", detail=SIG),
    bad("RS256 of 1", {"alg": "RS256", "kid": "rsa"}, key="rsa", spoil="rsa one", detail=SIG),
    # headers that change how it is read
    bad("crit", {"crit": ["exp"]}, detail=FORM),
    bad("crit of nothing", {"crit": []}, detail=FORM),
    bad("b64", {"b64": False, "crit": ["b64"]}, detail=FORM),
    bad("b64 alone", {"b64": True}, detail=FORM),
    bad("zip", {"zip": "DEF"}, detail=FORM),
    bad("enc", {"enc": "A128GCM"}, detail=FORM),
    bad("JWE", {"alg": "dir", "enc": "A128GCM"}, spoil="five parts", detail=FORM),
    bad("another typ", {"typ": "JWE"}, detail=FORM),
    bad("a typ of a refresh token", {"typ": "rt+jwt"}, detail=FORM),
    bad("a typ of a logout", {"typ": "logout+jwt"}, detail=FORM),
    bad("a typ of a proof", {"typ": "dpop+jwt"}, detail=FORM),
    good("typ as RFC 9068 has it", {"typ": "application/AT+JWT"}),
    # form
    bad("four parts", spoil="four parts", detail=FORM),
    bad("padding", spoil="padding", detail=FORM),
    bad("the alphabet of plain base64", spoil="plain base64", detail=FORM),
    bad("bits that are left over", spoil="bits", detail=FORM),
    bad("a header that is a list", b'["alg"]', detail=FORM),
    bad("a header that is no JSON", b"alg=EdDSA", detail=FORM),
    bad("a header with something behind it", b'{"alg":"EdDSA","kid":"ed"}x', detail=FORM),
    bad("a header that is deep", b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", detail=FORM),
    bad("claims that are a list", claims=b"[]", detail=FORM),
    bad("claims that are no UTF-8", claims=b'{"sub":"\xff"}', detail=FORM),
    bad("an empty token", spoil="points", detail=FORM),
    bad("9 KiB", claims={"x": "y" * 7000}, spoil=None, status=400, reason=NGINX),
    # times
    bad("expired", claims={"exp": Now(-31)}, detail="token: expired"),
    bad("expired long ago", claims={"exp": 1}, detail="token: expired"),
    good("expired within the leeway", claims={"exp": Now(-5)}),
    bad("no exp", claims={"exp": None}, detail="token: claim"),
    bad("exp as a text", claims={"exp": "9999999999"}, detail="token: claim"),
    bad("exp with an exponent", claims=b'{"exp":1e12}', detail="token: claim"),
    bad("exp beyond 64 bits", claims=b'{"exp":99999999999999999999}', detail="token: claim"),
    bad("exp after the year 9999", claims={"exp": 253402300800}, detail="token: claim"),
    bad("exp negative", claims={"exp": -1}, detail="token: claim"),
    bad("exp true", claims={"exp": True}, detail="token: claim"),
    bad("exp a list", claims={"exp": [9999999999]}, detail="token: claim"),
    bad("not yet", claims={"nbf": Now(60)}, detail="token: not yet"),
    bad("nbf as a text", claims={"nbf": "0"}, detail="token: claim"),
    bad("made tomorrow", claims={"iat": Now(86400)}, detail="token: not yet"),
    # for whom
    bad("another issuer", claims={"iss": "https://evil.example"}, detail="token: issuer"),
    bad("an issuer with a slash more", claims={"iss": "https://id.bank.example/"},
        detail="token: issuer"),
    bad("an issuer in capitals", claims={"iss": "HTTPS://ID.BANK.EXAMPLE"},
        detail="token: issuer"),
    bad("no issuer", claims={"iss": None}, detail="token: issuer"),
    bad("a list of issuers", claims={"iss": ["https://id.bank.example"]},
        detail="token: issuer"),
    bad("another audience", claims={"aud": "payments"}, detail="token: audience"),
    bad("an audience that begins so", claims={"aud": "accounts2"}, detail="token: audience"),
    bad("no audience", claims={"aud": None}, detail="token: audience"),
    bad("no audience in a list", claims={"aud": []}, detail="token: audience"),
    bad("a list of audiences with a number in it", claims={"aud": ["accounts", 1]},
        detail="token: audience"),
    bad("an audience as an object", claims={"aud": {"accounts": 1}}, detail="token: audience"),
    good("one of several audiences", claims={"aud": ["x", "accounts"]}),
    # who
    bad("no sub", claims={"sub": None}, detail="token: caller"),
    bad("an empty sub", claims={"sub": ""}, detail="token: caller"),
    bad("a sub that is a number", claims={"sub": 1}, detail="token: caller"),
    bad("a sub with a newline", claims={"sub": "carol\n"}, detail="token: caller"),
    bad("a sub with a NUL", claims={"sub": "carol\0"}, detail="token: caller"),
    bad("a sub as those that nobody verified", claims={"sub": "unverified:root"},
        detail="token: caller"),
    bad("a group of those that nobody verified", claims={"groups": ["staff", "unverified"]},
        detail="token: claim"),
    good("a group that is only called nearly so",
         claims={"groups": ["staff", "Unverified", "unverified:", "unverified "]}),
    bad("a sub of 10 KB", claims={"sub": "c" * 4000}, detail="token: caller"),
    bad("sub twice", claims=b'{"sub":"carol","sub":"root"}', detail=FORM),
    bad("sub twice, once escaped", claims=b'{"sub":"carol","s\\u0075b":"root"}', detail=FORM),
    bad("groups as a text", claims={"groups": "staff"}, detail="token: claim"),
    bad("groups as objects", claims={"groups": [{"id": "staff"}]}, detail="token: claim"),
    bad("no groups", claims={"groups": []}, status=403, reason="policy"),
    bad("a group in capitals", claims={"groups": ["STAFF"]}, status=403, reason="policy"),
    bad("a group with a blank", claims={"groups": ["staff "]}, status=403, reason="policy"),
    bad("a group within a text", claims={"groups": ["x,staff"]}, status=403, reason="policy"),
    bad("groups by another claim", claims={"groups": None, "Groups": ["staff"],
                                           "roles": ["staff"]}, status=403, reason="policy"),
    # how it is shown
    shown("nothing", None, reason="no_credential"),
    shown("an empty one", b"Authorization:", reason="no_credential"),
    shown("a scheme alone", b"Authorization: Bearer"),
    shown("another scheme", b"Authorization: Basic cm9vdDpyb290", reason="no_credential"),
    shown("no scheme", b"Authorization: @TOKEN@", reason="no_credential"),
    shown("two blanks", b"Authorization: Bearer  @TOKEN@"),
    shown("two tokens", b"Authorization: Bearer @TOKEN@, Bearer @TOKEN@"),
    shown("quotes", b'Authorization: Bearer "@TOKEN@"'),
    shown("no base64", b"Authorization: Bearer a.b%.c"),
    shown("no UTF-8", b"Authorization: Bearer \xff\xfe.x.y"),
    Case("in small letters", [request(b"GET /api/things/A HTTP/1.1",
                                      auth=b"authorization: bearer @TOKEN@")], [(200, PASS)], A),
    refused("in the query", request(b"GET /api/things?access_token=@TOKEN@ HTTP/1.1", auth=None),
            401, "no_credential"),
    refused("in a cookie", request(b"GET /api/things HTTP/1.1", b"Cookie: token=@TOKEN@",
                                   auth=None), 401, "no_credential"),
    refused("in a header of another name",
            request(b"GET /api/things HTTP/1.1", b"X-Authorization: Bearer @TOKEN@",
                    b"Proxy-Authorization: Bearer @TOKEN@", auth=None), 401, "no_credential"),
]
