# SPDX-License-Identifier: Apache-2.0
"""Callers that are slow, leave, or say nothing; each of them for about a second, side by side."""
from . import GONE, MARK, NGINX, Case, chunked, get, post, request

HEAD, BODY = get(b"/api/things/A", b"X-Mark: " + MARK), post(b'{"a":"' + MARK + b'"}')
CHUNKS = chunked(b"")


def slow(name, sent, status, reason, hold=True):
    return Case(name, sent, [(status, reason)], hold=hold, alone=False)


def drip(data, seconds):
    """A byte at a time, for so long."""
    out = []
    for i in range(len(data)):
        out += [data[i:i + 1], seconds / len(data)]
    return out


CASES = [
    slow("says nothing", [b""], GONE, NGINX),
    slow("a byte and no more", [b"G"], GONE, NGINX),
    slow("half a line", [b"GET /api/things/A"], GONE, NGINX),
    slow("a head without its end", [HEAD[:-2]], GONE, NGINX),
    slow("a head that drips", drip(HEAD[:60], 3), GONE, NGINX),
    slow("a header a third of a second for ever",
         [b"GET /api/things/A HTTP/1.1\r\n", *[b"X: y\r\n", 0.3] * 8], GONE, NGINX),
    slow("a body that does not come", [post(b"", length=100)], 400, "body"),
    slow("a body that ends in the midst", [BODY[:-9]], 400, "body"),
    slow("chunks that do not come", [CHUNKS], 400, "body"),
    slow("half a chunk", [CHUNKS + b'10\r\n{"a":'], 400, "body"),
    slow("half a chunk's size", [CHUNKS + b"1"], 400, "body"),
    slow("an extension without an end", [CHUNKS + b"1;" + b"x" * 500], 400, "body"),
    slow("chunks without the last", [CHUNKS + b'7\r\n{"a":1}\r\n'], 400, "body"),
    slow("a trailer without an end", [CHUNKS + b'7\r\n{"a":1}\r\n0\r\nX: y'], 400, "body"),
    slow("a body that drips", [post(b"", length=100), *[b" ", 0.3] * 10], 400, "body"),
    slow("chunks that drip", [CHUNKS, *[b"1\r\n \r\n", 0.3] * 10], 400, "body"),
    slow("an extension that drips", [CHUNKS + b"1;", *[b"x", 0.3] * 10], 400, "body"),
    slow("trailers that drip", [CHUNKS + b"2\r\n{}\r\n0\r\n", *[b"X: y\r\n", 0.3] * 10], 400,
         "body"),
    slow("100-continue and then nothing", [post(b"", b"Expect: 100-continue", length=9)], 400,
         "body"),
    slow("leaves within a head", [HEAD[:50]], GONE, NGINX, hold=False),
    slow("leaves within a body", [BODY[:-5]], GONE, "body", hold=False),
    slow("leaves within a chunk", [CHUNKS + b"10\r\n{"], GONE, "body", hold=False),
    slow("leaves at once", [b""], GONE, NGINX, hold=False),
    slow("a refusal, and the body never comes",
         [request(b"POST /api/nothing HTTP/1.1", b"Content-Length: 1000")], 404, "path"),
]
