# SPDX-License-Identifier: Apache-2.0
"""Methods, and requests that are to be answered in another way than whole."""
from . import MARK, NGINX, PASS, Case, get, passed, post, refused, request, upstream

A = upstream(b"GET /things/A")


def method(name, word, status=405, reason="method", target=b"/api/things/A", *headers, **more):
    return refused(name, request(word + b" " + target + b" HTTP/1.1", *headers, **more), status,
                   reason)


def whole(name, *headers):
    """Answered as if they were not there, and the back-end does not see them."""
    return passed(name, get(b"/api/things/A", *headers), A, body=b'{"id":"A"}')


CASES = [
    method("CONNECT to a host", b"CONNECT", 400, NGINX, b"evil.example:443"),
    method("CONNECT to a path", b"CONNECT", 405, NGINX),
    method("TRACE", b"TRACE", 405, NGINX),
    method("TRACK", b"TRACK"),
    method("OPTIONS that the document has not", b"OPTIONS"),
    method("POST that the path has not", b"POST", 405, "method", b"/api/things/A",
           b"Content-Length: 0"),
    method("PATCH that the path has not", b"PATCH"),
    method("an unknown word", b"XMARK"),
    method("of WebDAV", b"PROPFIND"),
    method("MOVE", b"MOVE", 405, "method", b"/api/things/A",
           b"Destination: http://evil.example/"),
    method("PURGE", b"PURGE"),
    method("DEBUG", b"DEBUG"),
    method("the preface of HTTP/2 as a method", b"PRI", 400, NGINX, b"*"),
    method("in small letters", b"get", 400, NGINX),
    method("with a small letter", b"GeT", 400, NGINX),
    method("with a number", b"GET1", 400, NGINX),
    method("with a hyphen", b"M-SEARCH"),
    method("with an underscore", b"GET_"),
    method("nothing", b"", 400, NGINX),
    method("a NUL in it", b"G\0ET", 400, NGINX),
    method("very long", b"A" * 3000),
    method("another method in a header of a POST", b"POST", 405, "method", b"/api/things/A",
           b"X-HTTP-Method-Override: GET", b"Content-Length: 0"),
    refused("another method in the query", get(b"/api/things?_method=DELETE"), 400,
            "parameter"),
    Case("HEAD is a HEAD for the back-end", [request(b"HEAD /api/things/A HTTP/1.1")],
         [(200, PASS)], upstream(b"HEAD /things/A"),
         said=[b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"],
         head=True),
    passed("DELETE", request(b"DELETE /api/things/A HTTP/1.1"),
           upstream(b"DELETE /things/A").replace(b"application/json", b"*/*"), status=204),
    # parts
    whole("a range", b"Range: bytes=0-0"),
    whole("ranges that overlap", b"Range: bytes=0-,0-,0-,0-,0-,0-,0-,0-"),
    whole("a thousand ranges", b"Range: bytes=" + b",".join(b"%d-" % i for i in range(1000))),
    whole("a range of another unit", b"Range: lines=1-2"),
    whole("a range beyond the end", b"Range: bytes=1000-"),
    whole("a range from the end", b"Range: bytes=-1"),
    whole("If-Range", b'If-Range: "x"', b"Range: bytes=0-3"),
    # conditions
    whole("If-None-Match of anything", b"If-None-Match: *"),
    whole("If-Modified-Since tomorrow", b"If-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT"),
    whole("If-Match of something else", b'If-Match: "x"'),
    whole("If-Unmodified-Since long ago",
          b"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"),
    passed("If-Match of something else, of a PUT that is done",
           post(b"{}", b'If-Match: "x"', target=b"/api/things/A", method=b"PUT"),
           upstream(b"PUT /things/A", body=b"{}"), body=b'{"id":"A"}'),
    whole("caches are to be passed by", b"Cache-Control: no-cache", b"Pragma: no-cache"),
    whole("only what is cached", b"Cache-Control: only-if-cached"),
    whole("what may be packed", b"Accept-Encoding: gzip, br, zstd"),
    # 100-continue
    passed("Expect: 100-continue", post(b'{"a":1}', b"Expect: 100-continue"),
           upstream(b"POST /things", body=b'{"a":1}')),
    passed("in capitals", post(b'{"a":1}', b"Expect: 100-CONTINUE"),
           upstream(b"POST /things", body=b'{"a":1}')),
    whole("of a GET", b"Expect: 100-continue"),
    refused("of something else", post(b"{}", b"Expect: 200-ok"), 400, "header"),
    refused("of nothing", post(b"{}", b"Expect:"), 400, "header"),
    refused("of two things", post(b"{}", b"Expect: 100-continue, x"), 400, "header"),
    refused("where it is refused anyhow",
            post(MARK, b"Expect: 100-continue", target=b"/api/nothing"), 404, "path"),
]
