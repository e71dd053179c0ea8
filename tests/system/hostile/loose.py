# SPDX-License-Identifier: Apache-2.0
"""What nginx.conf may say that makes nginx less strict: `ignore_invalid_headers off`,
`underscores_in_headers on`, `merge_slashes off`, and a `mirror`, which has bodies read before the
gateway does, into files where they are long."""
import dataclasses

from . import MARK, NGINX, chunked, get, passed, post, refused, request, upstream

A = upstream(b"GET /things/A")
LONG = b'"' + b"a" * 5000 + b'"'
TABLE = [
    passed("nothing strange", get(b"/api/things/A"), A),
    refused("a name with a parenthesis", get(b"/api/things/A", b"X(Note: a"), 400, "header"),
    refused("a name with letters of Latin-1", get(b"/api/things/A", b"X-N\xe4me: a"), 400,
            "header"),
    refused("a name with an at sign", get(b"/api/things/A", b"ada@bank.example: " + MARK), 400,
            "header", detail="a header whose name is none"),
    refused("a name between quotes", get(b"/api/things/A", b'"X-Note": a'), 400, "header"),
    refused("a name with a slash", get(b"/api/things/A", b"GET /api/admin HTTP/1.1: a"), 400,
            NGINX),
    passed("a name with an underscore", get(b"/api/things/A", b"X_Forwarded_For: 10.0.0.1"), A),
    passed("a parameter with underscores is another", get(b"/api/things", b"X_Note: a"),
           upstream(b"GET /things")),
    passed("framing with underscores is none",
           request(b"POST /api/things HTTP/1.1", b"Content-Type: application/json",
                   b"Content-Length: 2", b"Transfer_Encoding: chunked", body=b"{}"),
           upstream(b"POST /things", body=b"{}")),
    passed("a name with a dot", get(b"/api/things/A", b"X.Note: a"), A),
    passed("a name of marks only", get(b"/api/things/A", b"~!#$%&'*+-.^_`|: a"), A),
    refused("two slashes", get(b"/api//things"), 400, "target"),
    passed("a body that another module had read", post(b'{"a":1}'),
           upstream(b"POST /things", body=b'{"a":1}')),
    passed("chunks that another module had read", chunked(b'7\r\n{"a":1}\r\n0\r\n\r\n'),
           upstream(b"POST /things", body=b'{"a":1}')),
    refused("a body that another module would read into a file: a worker may make none",
            post(LONG), 500, NGINX),
    refused("chunks that it would",
            chunked(b"%x\r\n" % len(LONG) + LONG + b"\r\n0\r\n\r\n"), 500, NGINX),
    refused("and a key twice in what it had read", post(b'{"a":1,"a":2}'), 400, "json"),
    refused("malformed chunks are refused where they are read",
            chunked(b"z\r\n{}\r\n0\r\n\r\n"), 400, NGINX),
]
CASES = [dataclasses.replace(case, loose=True) for case in TABLE]
