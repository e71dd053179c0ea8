# SPDX-License-Identifier: Apache-2.0
"""Requests that mean ill, by theme: what is sent, byte for byte, and what may come of it.

Each module has CASES, which test_gateway_hostile.py sends to nginx with the module, the API of
api/ behind it and a back-end that keeps every byte that it gets.  What is expected stands in the
table, or is put together in this file: never by what is tested.

`python3 tests/system/hostile_table.py` prints all of them."""
import dataclasses

MARK = b"7f3a-mark"  # in places that no entry may show, and that no back-end may get to see
NGINX = "nginx"      # as a reason: refused by nginx before the module, without an entry
GONE = 0             # as a status: the connection ends without an answer
PASS = None          # as a reason: it was let pass


@dataclasses.dataclass
class Case:
    name: str
    sent: list          # bytes, with @TOKEN@ for one that is good, and seconds to wait between
    want: list          # (status, reason) of each answer, in their order
    seen: bytes = b""   # all that the back-end may see, with @CALL@ for the call's id
    said: list = None   # what the back-end says, as `sent`; None: 200 and THING
    body: bytes = None  # what the caller gets to see, where that is to be looked at
    hold: bool = False  # the caller's side stays open after what it sent
    detail: str = None  # what.detail of the entry, where that is to be looked at
    alone: bool = True  # False: it takes long, and goes beside others
    head: bool = False  # the answer has no body, whatever it says
    token: object = None  # what @TOKEN@ is instead: tokens.Token
    loose: bool = False   # to the server of loose.py
    tls: object = None    # certificates.Tls: how the connection is made


THING = b'{"id":"A"}'
AUTH = b"Authorization: Bearer @TOKEN@"


def parts(sent):
    return sent if isinstance(sent, list) else [sent]


def refused(name, sent, status, reason, **more):
    return Case(name, parts(sent), [(status, reason)], **more)


def passed(name, sent, *seen, status=200, **more):
    return Case(name, parts(sent), [(status, PASS)] * max(1, len(seen)), b"".join(seen), **more)


def request(line, *headers, body=None, host=b"Host: api", auth=AUTH):
    """A request of HTTP/1; headers None are left out."""
    lines = [line, host, auth, *headers]
    return b"\r\n".join(h for h in lines if h is not None) + b"\r\n\r\n" + (body or b"")


def get(target, *headers, **more):
    return request(b"GET " + target + b" HTTP/1.1", *headers, **more)


def post(body, *headers, target=b"/api/things", media=b"Content-Type: application/json",
         method=b"POST", length=None):
    return request(method + b" " + target + b" HTTP/1.1", media, *headers,
                   b"Content-Length: %d" % (len(body) if length is None else length), body=body)


def chunked(body, *headers, coding=b"Transfer-Encoding: chunked", version=b"HTTP/1.1"):
    """As post(), of a body whose chunks are there already."""
    return request(b"POST /api/things " + version, b"Content-Type: application/json", coding,
                   *headers, body=body)


def upstream(line, *headers, body=None):
    """What the back-end gets for it: RFC 9112 as the gateway writes it, of the document only."""
    typed = [b"content-type: application/json"] if body is not None else []
    length = [b"Content-Length: %d" % len(body)] if body is not None else []
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: localhost", b"accept: application/json",
                         b"accept-encoding: identity", *typed, b"x-request-id: @CALL@", *headers,
                         *length, b"", body or b""])
