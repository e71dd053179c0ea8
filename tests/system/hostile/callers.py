# SPDX-License-Identifier: Apache-2.0
"""Callers whom the back-end judges, and those with opaque tokens: what they may show, and what they
may not say beside it.  The back-end gets the credential as it was judged to be one, and nothing
else that says who calls."""
import base64

from . import MARK, NGINX, Case, PASS, get, passed, refused, request, upstream

ANN = b"YW5uOnB3"                                     # ann:pw
BASIC = b"authorization: Basic " + ANN
SECRET = bytes(range(32))
OPAQUE = b"as1_aaaaaaaaaaaaaaaa_" + base64.urlsafe_b64encode(SECRET).rstrip(b"=")
EXPIRED = OPAQUE.replace(b"aaaaaaaaaaaaaaaa", b"bbbbbbbbbbbbbbbb")
NO_GROUP = OPAQUE.replace(b"aaaaaaaaaaaaaaaa", b"cccccccccccccccc")
# tokens.json: id, caller, groups, whether it is over; all of the same secret
TICKETS = [("aaaaaaaaaaaaaaaa", "payroll", ["partners"], False),
           ("bbbbbbbbbbbbbbbb", "payroll", ["partners"], True),
           ("cccccccccccccccc", "payroll", [], False)]


def basic(text):
    return base64.b64encode(text)


def shown(name, credential, status=401, reason="credential", op=b"legacy", **more):
    return refused(name, get(b"/api/" + op + b"/A", auth=b"Authorization: " + credential), status,
                   reason, **more)


def taken(name, credential, seen, *headers, op=b"legacy", **more):
    """seen: the back-end's Authorization."""
    return passed(name, get(b"/api/" + op + b"/A", *headers, auth=b"Authorization: " + credential),
                  upstream(b"GET /" + op + b"/A", *([b"authorization: " + seen] if seen else [])),
                  **more)


def said_besides(name, *headers, **more):
    """Of a caller whom the back-end judges; it gets his credential, and nothing of these."""
    return taken(name, b"Basic " + ANN, b"Basic " + ANN, *headers, **more)


def ticket(name, text, reason="credential", status=401, **more):
    return shown(name, b"Bearer " + text, status, reason, op=b"tickets", **more)


WHO = [("of a proxy for sign-on", b"X-Auth-Request-User: root", b"X-Auth-Request-Groups: staff",
        b"X-Auth-Request-Email: root@bank.example"),
       ("of a forwarding proxy", b"X-Forwarded-User: root", b"X-Forwarded-Groups: staff",
        b"X-Forwarded-Preferred-Username: root", b"X-Forwarded-Access-Token: " + MARK),
       ("as gateway interfaces call it", b"Remote-User: root", b"Remote-Groups: staff",
        b"Remote-Ident: root"),
       ("of a gateway of consumers", b"X-Consumer-ID: 1", b"X-Consumer-Username: root",
        b"X-Credential-Identifier: root", b"X-Authenticated-UserId: root"),
       ("of load balancers of clouds", b"X-Amzn-Oidc-Identity: root",
        b"X-MS-CLIENT-PRINCIPAL-NAME: root", b"X-Goog-Authenticated-User-Email: root",
        b"Cf-Access-Authenticated-User-Email: root"),
       ("whom to stand in for", b"Impersonate-User: root", b"Impersonate-Group: staff",
        b"X-Impersonate-User: root", b"X-Sudo: root"),
       ("of a certificate", b"Client-Cert: :MIIB:", b"X-Client-Cert: MIIB", b"SSL-Client-Verify: "
        b"SUCCESS", b"X-SSL-Client-S-DN: CN=payroll", b"X-Forwarded-Client-Cert: Subject=root"),
       ("who he is not: the group of the gateway's own", b"X-Groups: unverified",
        b"X-Assay-Caller: root", b"Assay-Groups: staff"),
       ("with a second credential", b"X-Authorization: Bearer @TOKEN@", b"X-Access-Token: @TOKEN@",
        b"X-API-Key: " + MARK, b"Proxy-Authorization: Basic cm9vdDpyb290"),
       ("with cookies of a session", b"Cookie: JSESSIONID=1; Authorization=Basic%20cm9vdA==")]

CASES = [
    # a credential that only the back-end judges
    taken("a name and a password", b"Basic " + ANN, b"Basic " + ANN),
    taken("in small letters", b"basic " + ANN, b"Basic " + ANN),
    taken("in capitals", b"BASIC " + ANN, b"Basic " + ANN),
    taken("a password with colons", b"Basic " + basic(b"ann:a:b:"), b"Basic " + basic(b"ann:a:b:")),
    taken("an empty password", b"Basic " + basic(b"ann:"), b"Basic " + basic(b"ann:")),
    taken("a name in UTF-8", b"Basic " + basic(b"j\xc3\xb6rg:x"),
          b"Basic " + basic(b"j\xc3\xb6rg:x")),
    taken("a password that is no UTF-8 is the back-end's affair", b"Basic " + basic(b"ann:\xff"),
          b"Basic " + basic(b"ann:\xff")),
    taken("a name like those of whom nobody verified", b"Basic " + basic(b"unverified:root:x"),
          b"Basic " + basic(b"unverified:root:x")),
    taken("a password of 4 KB", b"Basic " + basic(b"ann:" + b"p" * 4000),
          b"Basic " + basic(b"ann:" + b"p" * 4000)),
    shown("a name of a kilobyte", b"Basic " + basic(b"a" * 1024 + b":x")),
    shown("no name", b"Basic " + basic(b":pw")),
    shown("no colon", b"Basic " + basic(b"annpw")),
    shown("nothing in it", b"Basic ="),
    shown("a name with a newline", b"Basic " + basic(b"ann\r\nX-User: root:pw")),
    shown("a password with a newline", b"Basic " + basic(b"ann:pw\r\nX-User: root")),
    shown("a name with a NUL", b"Basic " + basic(b"ann\0root:pw")),
    shown("a password with a NUL", b"Basic " + basic(b"ann:pw\0")),
    shown("a name that is no UTF-8", b"Basic " + basic(b"j\xf6rg:x")),
    shown("a name in UTF-8 overlong", b"Basic " + basic(b"\xc0\xaeann:x")),
    shown("no padding", b"Basic YW5uOnB3eA"),
    shown("padding in front", b"Basic =" + ANN),
    shown("bits that are left over", b"Basic YW5uOnB3eB=="),
    shown("two padded one behind the other", b"Basic YW5uOg==YW5uOg=="),
    shown("the alphabet of URLs", b"Basic " + basic(b"ann:\xff\xfe").replace(b"/", b"_")),
    shown("a blank in it", b"Basic YW5u OnB3"),
    shown("two blanks", b"Basic  " + ANN),
    shown("a comma and another one", b"Basic " + ANN + b", Basic cm9vdDpyb290"),
    shown("a parameter", b'Basic realm="x", ' + ANN),
    shown("the scheme alone", b"Basic"),
    shown("a tab behind the scheme", b"Basic\t" + ANN, 400, "header"),
    shown("the scheme and a colon", b"Basic: " + ANN, reason="no_credential"),
    shown("a name that begins as the scheme", b"BasicX " + ANN, reason="no_credential"),
    shown("the scheme behind a comma", b", Basic " + ANN, reason="no_credential"),
    *(shown(f"{what} is another scheme", text, reason="no_credential") for what, text in (
        ("Digest", b'Digest username="ann", response="0"'), ("Negotiate", b"Negotiate YII="),
        ("NTLM", b"NTLM TlRMTVNTUAAB"), ("a token", b"Bearer @TOKEN@"),
        ("a signature", b"AWS4-HMAC-SHA256 Credential=a/b"), ("nothing", ANN))),
    refused("two of them", get(b"/api/legacy/A", b"Authorization: Basic cm9vdDpyb290",
                               auth=b"Authorization: Basic " + ANN), 400, NGINX),
    refused("the same twice", get(b"/api/legacy/A", b"Authorization: Basic " + ANN,
                                  auth=b"Authorization: Basic " + ANN), 400, NGINX),
    refused("another one in other letters",
            get(b"/api/legacy/A", b"AUTHORIZATION: Bearer @TOKEN@",
                auth=b"Authorization: Basic " + ANN), 400, NGINX),
    refused("another one that is empty", get(b"/api/legacy/A", b"Authorization:",
                                             auth=b"Authorization: Basic " + ANN), 400, NGINX),
    refused("folded", get(b"/api/legacy/A", auth=b"Authorization: Basic\r\n " + ANN), 400, NGINX),
    refused("a blank in front of the colon", get(b"/api/legacy/A",
                                                 auth=b"Authorization : Basic " + ANN), 400, NGINX),
    refused("in the target", request(b"GET http://ann:pw@api/api/legacy/A HTTP/1.1", auth=None),
            400, NGINX),
    *(refused(f"as {what}", get(b"/api/legacy/A", auth=header), 401, "no_credential")
      for what, header in (("the proxy's", b"Proxy-Authorization: Basic " + ANN),
                           ("another's", b"X-Authorization: Basic " + ANN),
                           ("a variable", b"HTTP_AUTHORIZATION: Basic " + ANN),
                           ("one with an underscore", b"Authorization_: Basic " + ANN),
                           ("a cookie", b"Cookie: Authorization=Basic " + ANN))),
    # and what is said beside it
    *(said_besides(f"headers {what}", *headers) for what, *headers in WHO),
    *(said_besides(f"headers {what}, with underscores{where}",
                   *(h.partition(b":")[0].replace(b"-", b"_") + b":" + h.partition(b":")[2]
                     for h in headers), loose=loose)
      for what, *headers in WHO[:3]
      for loose, where in ((False, ""), (True, " where nginx takes them"))),
    said_besides("in other letters", b"rEMOTE-uSER: root", b"x-forwarded-USER: root"),
    said_besides("with dots", b"Remote.User: root", b"X.Forwarded.User: root"),
    said_besides("named as headers of the connection", b"Connection: close, authorization"),
    # a token that only the back-end judges
    taken("a token of the back-end's", b"Bearer a.b~c-d_e+f/g==", b"Bearer a.b~c-d_e+f/g==",
          op=b"proxies"),
    taken("one that this gateway would take", b"bearer @TOKEN@", b"Bearer @TOKEN@", op=b"proxies"),
    taken("one without a signature", b"Bearer eyJhbGciOiJub25lIn0.e30.",
          b"Bearer eyJhbGciOiJub25lIn0.e30.", op=b"proxies"),
    shown("one between quotes", b'Bearer "abc"', op=b"proxies"),
    shown("two of them in one", b"Bearer abc, Bearer def", op=b"proxies"),
    shown("one that is no ASCII", b"Bearer \xc3\xa4", op=b"proxies"),
    shown("an empty one", b"Bearer ", op=b"proxies"),
    shown("a password instead", b"Basic " + ANN, op=b"proxies", reason="no_credential"),
    # one or the other
    taken("a token, which stays here", b"Bearer @TOKEN@", None, op=b"either"),
    taken("or a password, which does not", b"Basic " + ANN, b"Basic " + ANN, op=b"either"),
    shown("a token that is not good, where a password would be", b"Bearer a.b.c", op=b"either"),
    shown("a name that somebody verified has", b"Basic " + basic(b"carol:x"), 401,
          "no_credential", op=b"things"),
    # opaque tokens
    Case("an opaque token", [get(b"/api/tickets/A", auth=b"Authorization: Bearer " + OPAQUE)],
         [(200, PASS)], upstream(b"GET /tickets/A")),
    Case("... in small letters, as its scheme may be",
         [get(b"/api/tickets/A", auth=b"authorization: bearer " + OPAQUE)], [(200, PASS)],
         upstream(b"GET /tickets/A")),
    ticket("of a caller who is over", EXPIRED, detail="ticket: expired"),
    ticket("of a caller in no group", NO_GROUP, "policy", 403),
    ticket("of nobody", OPAQUE.replace(b"aaaaaaaaaaaaaaaa", b"aaaaaaaaaaaaaaab"),
           detail="ticket: unknown"),
    ticket("of the last id that there could be", OPAQUE[:4] + b"zzzzzzzzzzzzzzzz" + OPAQUE[20:],
           detail="ticket: unknown"),
    ticket("a secret with a letter changed", OPAQUE[:30] + b"x" + OPAQUE[31:],
           detail="ticket: secret"),
    ticket("a secret of zeros", OPAQUE[:21] + b"A" * 43, detail="ticket: secret"),
    ticket("a digest of the secret", OPAQUE[:21] + base64.urlsafe_b64encode(bytes.fromhex(
        "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd")).rstrip(b"="),
           detail="ticket: secret"),
    ticket("an id in capitals", OPAQUE.replace(b"aaaaaaaaaaaaaaaa", b"AAAAAAAAAAAAAAAA"),
           detail="ticket: malformed"),
    ticket("a prefix in capitals", b"AS1" + OPAQUE[3:], detail="ticket: malformed"),
    ticket("another version", b"as2" + OPAQUE[3:], detail="ticket: malformed"),
    ticket("a secret with bits that are left over", OPAQUE[:-1] + bytes([OPAQUE[-1] + 1]),
           detail="ticket: malformed"),
    ticket("padded", OPAQUE + b"=", detail="ticket: malformed"),
    ticket("cut short", OPAQUE[:-1], detail="ticket: malformed"),
    ticket("with more behind it", OPAQUE + b"A", detail="ticket: malformed"),
    ticket("the alphabet of plain base64", OPAQUE[:21] + b"+/" + OPAQUE[23:],
           detail="ticket: malformed"),
    ticket("without its secret", OPAQUE[:21], detail="ticket: malformed"),
    ticket("a signed one instead", b"@TOKEN@", detail="ticket: malformed"),
    ticket("two opaque ones in one", OPAQUE + b"," + OPAQUE, detail="ticket: malformed"),
    ticket("a byte 0 in it", OPAQUE[:30] + b"\0" + OPAQUE[30:], NGINX, 400),
    shown("one where a signed one is asked for", b"Bearer " + OPAQUE, op=b"things",
          detail="token: malformed"),
    shown("as a password", b"Basic " + basic(OPAQUE + b":"), op=b"tickets",
          reason="no_credential"),
    refused("in the query", request(b"GET /api/tickets/A?access_token=" + OPAQUE + b" HTTP/1.1",
                                    auth=None), 401, "no_credential"),
    refused("in a cookie", get(b"/api/tickets/A", b"Cookie: ticket=" + OPAQUE, auth=None), 401,
            "no_credential"),
    refused("two headers", get(b"/api/tickets/A", b"Authorization: Bearer " + OPAQUE,
                               auth=b"Authorization: Bearer " + NO_GROUP), 400, NGINX),
]
