# SPDX-License-Identifier: Apache-2.0
"""Back-ends that mean ill, or err: what they say, and what the caller gets to see of it."""
import gzip
import re

from . import MARK, PASS, Case, get, request, upstream

LEAK = b'{"id":"' + MARK + b'"}'
JSON = b"Content-Type: application/json"


def head(*headers, status=b"200 OK", version=b"HTTP/1.1"):
    return b"\r\n".join([version + b" " + status, *headers, b"", b""])


def answer(body, *headers, status=b"200 OK", media=JSON):
    return head(media, *headers, b"Content-Length: %d" % len(body), status=status) + body


def said(name, *parts, status=502, reason="backend", body=None, alone=True):
    """None among the parts: the back-end closes then.  The thing that is asked for has the case's
    name: calls side by side are told apart by it."""
    short = re.sub(rb"[^A-Za-z0-9]", b"", b"b" + name.encode())[:50]
    return Case(name, [get(b"/api/things/" + short)], [(status, reason)],
                upstream(b"GET /things/" + short), said=list(parts), body=body, alone=alone)


def shown(name, *parts, body=b'{"id":"A"}'):
    return said(name, *parts, status=200, reason=PASS, body=body)


def coded(*chunks):
    return head(JSON, b"Transfer-Encoding: chunked") + b"".join(chunks)


CASES = [
    # length
    said("two lengths", head(JSON, b"Content-Length: 5", b"Content-Length: 50") + LEAK),
    said("two lengths that are the same",
         head(JSON, b"Content-Length: 18", b"Content-Length: 18") + LEAK),
    said("a list of lengths", head(JSON, b"Content-Length: 18, 18") + LEAK),
    said("a negative length", head(JSON, b"Content-Length: -1") + LEAK),
    said("a length with a plus", head(JSON, b"Content-Length: +18") + LEAK),
    said("a length in hexadecimal", head(JSON, b"Content-Length: 0x12") + LEAK),
    said("a length beyond 64 bits", head(JSON, b"Content-Length: 18446744073709551634") + LEAK),
    said("a length of nothing", head(JSON, b"Content-Length:") + LEAK),
    said("length and chunks", head(JSON, b"Content-Length: 18", b"Transfer-Encoding: chunked") +
         LEAK),
    said("chunks and length", head(JSON, b"Transfer-Encoding: chunked", b"Content-Length: 18") +
         b"12\r\n" + LEAK + b"\r\n0\r\n\r\n"),
    said("neither", head(JSON) + LEAK, None),
    said("ends early", head(JSON, b"Content-Length: 100") + LEAK, None),
    said("HTTP/1.0 without a length", head(JSON, version=b"HTTP/1.0") + LEAK, None),
    said("a length of a gigabyte", head(JSON, b"Content-Length: 1073741824") + LEAK,
         reason="response_size"),
    said("above the cap", answer(b'{"id":"' + b"a" * 66000 + b'"}'), reason="response_size"),
    # chunks
    shown("chunks", coded(b'4\r\n{"id\r\n6\r\n":"A"}\r\n0\r\n\r\n')),
    shown("chunks with extensions and trailers",
          coded(b'a;x=y\r\n{"id":"A"}\r\n0\r\nSet-Cookie: ' + MARK + b"\r\n\r\n")),
    said("a chunk size that is none", coded(b"zz\r\n" + LEAK)),
    said("a chunk size beyond 64 bits", coded(b"10000000000000012\r\n" + LEAK)),
    said("a negative chunk size", coded(b"-12\r\n" + LEAK)),
    said("no last chunk", coded(b"12\r\n" + LEAK + b"\r\n"), None),
    said("a chunk that is longer than its size", coded(b"5\r\n" + LEAK + b"\r\n0\r\n\r\n")),
    said("a coding twice", head(JSON, b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n"),
    said("gzip as a coding of the transfer",
         head(JSON, b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"),
    said("chunks above the cap", coded(*[b"1000\r\n" + b" " * 4096 + b"\r\n"] * 17),
         reason="response_size"),
    said("chunks of a byte without an end", coded(*[b"1\r\n \r\n"] * 70000),
         reason="response_size"),
    # head
    said("no HTTP", b"SSH-2.0-" + MARK + b"\r\n"),
    said("HTML", b"<html>" + MARK + b"</html>"),
    said("HTTP/0.9", LEAK, None),
    said("HTTP/2", head(JSON, b"Content-Length: 18", version=b"HTTP/2.0") + LEAK),
    said("a status of two digits", head(JSON, b"Content-Length: 18", status=b"20 OK") + LEAK),
    said("a status of 600", head(JSON, b"Content-Length: 18", status=b"600 X") + LEAK),
    said("a status of 099", head(JSON, b"Content-Length: 18", status=b"099 X") + LEAK),
    # on a connection that was kept: it may have been closed before, so a GET is asked again
    Case("nothing", [get(b"/api/things/nothing")], [(502, "backend")],
         upstream(b"GET /things/nothing") * 2, said=[None]),
    said("half a head", head(JSON, b"Content-Length: 18")[:-2], None),
    said("a folded header", head(JSON, b"X: a\r\n b", b"Content-Length: 18") + LEAK),
    said("a blank before a colon", head(JSON, b"Content-Length : 18") + LEAK),
    said("a NUL in a header", head(JSON, b"X: a\0b", b"Content-Length: 18") + LEAK),
    said("a CR in a header", head(JSON, b"X: a\rb", b"Content-Length: 18") + LEAK),
    said("a control character in a header",
         head(JSON, b"X: a\x01b", b"Content-Length: 18") + LEAK, reason="response_header"),
    said("101 headers", answer(LEAK, *(b"X-%d: y" % i for i in range(101)))),
    said("40 KiB of headers", answer(LEAK, *(b"X-%d: " % i + b"y" * 1000 for i in range(40))),
         reason="response_size"),
    said("a header without an end", head(b"X: " + b"y" * 40000), reason="response_size"),
    # interim
    shown("100 first", head(status=b"100 Continue") + answer(b'{"id":"A"}')),
    shown("103 with a link", head(b"Link: </" + MARK + b">", status=b"103 Early Hints"),
          0.05, answer(b'{"id":"A"}')),
    said("nine interim ones", head(status=b"103 x") * 9 + answer(LEAK)),
    said("a flood of interim ones", head(status=b"100 x") * 5000),
    said("101", head(b"Upgrade: websocket", b"Connection: Upgrade",
                     status=b"101 Switching Protocols") + MARK),
    said("an interim one with a length", head(b"Content-Length: 5", status=b"103 x") +
         answer(LEAK)),
    # status
    said("a redirection", answer(b"", b"Location: http://evil.example/" + MARK,
                                 status=b"302 Found"), reason="response_status"),
    said("a permanent one", answer(b"", b"Location: /admin", status=b"308 X"),
         reason="response_status"),
    said("304 that nobody asked for", head(status=b"304 Not Modified"),
         reason="response_status"),
    said("206", answer(LEAK, b"Content-Range: bytes 0-17/18", status=b"206 Partial"),
         reason="response_status"),
    said("204 where the document has 200", head(status=b"204 No Content"),
         reason="response_status"),
    said("500 with a trace", answer(b"Traceback: " + MARK, status=b"500 X",
                                    media=b"Content-Type: text/plain"),
         reason="response_status"),
    said("407", answer(b"", b"Proxy-Authenticate: Basic", status=b"407 X"),
         reason="response_status"),
    # type and packing
    said("HTML as a type", answer(LEAK, media=b"Content-Type: text/html"),
         reason="response_media"),
    said("no type", head(b"Content-Length: 18") + LEAK, reason="response_media"),
    said("two types", answer(LEAK, b"Content-Type: text/html"), reason="response_header"),
    said("a type that is none", answer(LEAK, media=b"Content-Type: json"),
         reason="response_media"),
    said("UTF-7", answer(LEAK, media=b"Content-Type: application/json; charset=utf-7"),
         reason="response_media"),
    said("UTF-16", answer('{"id":"A"}'.encode("utf-16"),
                          media=b"Content-Type: application/json; charset=utf-16"),
         reason="response_media"),
    said("multipart", answer(LEAK, media=b"Content-Type: multipart/byteranges; boundary=x"),
         reason="response_media"),
    said("gzip", answer(gzip.compress(LEAK), b"Content-Encoding: gzip"),
         reason="response_encoding"),
    said("a bomb of gzip", answer(gzip.compress(b"[" * 10_000_000), b"Content-Encoding: gzip"),
         reason="response_encoding"),
    said("br", answer(LEAK, b"Content-Encoding: br"), reason="response_encoding"),
    said("gzip that is not told of", answer(gzip.compress(LEAK)), reason="response_json"),
    # JSON
    said("a key twice", answer(b'{"id":"A","id":"' + MARK + b'"}'), reason="response_json"),
    said("a key twice, once escaped", answer(b'{"ssn":"x","\\u0073sn":"900-10-1000","id":"A"}'),
         reason="response_json"),
    said("something behind it", answer(b'{"id":"A"}' + LEAK), reason="response_json"),
    said("NaN", answer(b'{"id":"A","size":NaN}'), reason="response_json"),
    said("no UTF-8", answer(b'{"id":"\xff"}'), reason="response_json"),
    said("a lone surrogate", answer(b'{"id":"\\ud800"}'), reason="response_json"),
    said("too deep", answer(b"[" * 17 + b"]" * 17), reason="response_json"),
    said("a byte order mark", answer(b'\xef\xbb\xbf{"id":"A"}'), reason="response_json"),
    said("no body", answer(b""), reason="response_json"),
    said("not the document's", answer(b'{"id":"A","' + MARK + b'":1}'),
         reason="response_schema"),
    said("a member in capitals, past the mask", answer(b'{"id":"A","SSN":"900-10-1000"}'),
         reason="response_schema"),
    said("a member with an invisible letter, past the mask",
         answer(b'{"id":"A","s\xe2\x80\x8bsn":"900-10-1000"}'), reason="response_schema"),
    said("a list where an object is", answer(b'[{"id":"A","ssn":"900-10-1000"}]'),
         reason="response_schema"),
    said("of another type", answer(b'{"id":"A","ssn":9001010000}'), reason="response_schema"),
    said("no id", answer(b'{"ssn":"900-10-1000"}'), reason="response_schema"),
    shown("masked", answer(b'{"id":"A","ssn":"900-10-1000"}'),
          body=b'{"id":"A","ssn":"*******1000"}'),
    shown("masked, escaped",
          answer(b'{"id":"A","\\u0073\\u0073n":"\\u0039\\u0030\\u0030-10-1000"}'),
          body=b'{"id":"A","ssn":"*******1000"}'),
    shown("a number as it was spelled", answer(b'{"id":"A","size":1.50}'),
          body=b'{"id":"A","size":1.50}'),
    # headers of the answer
    shown("Set-Cookie stays behind", answer(b'{"id":"A"}', b"Set-Cookie: s=" + MARK)),
    shown("who it is stays behind", answer(b'{"id":"A"}', b"Server: x/" + MARK,
                                           b"X-Powered-By: " + MARK, b"Via: " + MARK)),
    shown("what opens a browser stays behind",
          answer(b'{"id":"A"}', b"Access-Control-Allow-Origin: *",
                 b"Content-Security-Policy: " + MARK, b"Refresh: 0; url=" + MARK)),
    shown("what nginx would follow stays behind",
          answer(b'{"id":"A"}', b"X-Accel-Redirect: /" + MARK, b"X-Accel-Buffering: no",
                 b"X-Sendfile: /etc/passwd")),
    shown("one of the document", answer(b'{"id":"A"}', b"X-Count: 7")),
    said("one that does not fit its schema", answer(b'{"id":"A"}', b"X-Count: x"),
         reason="response_header"),
    said("one that is twice there", answer(b'{"id":"A"}', b"X-Count: 1", b"X-Count: 2"),
         reason="response_header"),
    shown("a connection that is closed in one word of several",
          answer(b'{"id":"A"}', b"Connection: keep-alive, Close"), None),
    # times
    said("never", 4, status=504, reason="backend_time", alone=False),
    said("a body that never comes", head(JSON, b"Content-Length: 18"), 4, status=504,
         reason="backend_time", alone=False),
    said("a head that drips", *[b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n", 0.2] * 20], status=504,
         reason="backend_time", alone=False),
    said("a body that drips", head(JSON, b"Content-Length: 100"), *[b" ", 0.2] * 20,
         status=504, reason="backend_time", alone=False),
    said("chunks that drip", coded(), *[b"1\r\n \r\n", 0.2] * 20, status=504,
         reason="backend_time", alone=False),
    said("interim ones that drip", *[head(status=b"103 x"), 0.5] * 8, status=504,
         reason="backend_time", alone=False),
    # more than was asked for
    Case("HEAD with a body", [request(b"HEAD /api/things/A HTTP/1.1")], [(200, PASS)],
         upstream(b"HEAD /things/A"), said=[answer(LEAK)], head=True),
    Case("HEAD with a length of a gigabyte", [request(b"HEAD /api/things/A HTTP/1.1")],
         [(200, PASS)], upstream(b"HEAD /things/A"),
         said=[head(JSON, b"Content-Length: 1073741824")], head=True),
    Case("204 with a body", [request(b"DELETE /api/things/A HTTP/1.1")], [(204, PASS)],
         upstream(b"DELETE /things/A").replace(b"application/json", b"*/*"),
         said=[head(b"Content-Length: 18", status=b"204 No Content") + LEAK], body=b""),
    Case("204 with chunks", [request(b"DELETE /api/things/A HTTP/1.1")], [(204, PASS)],
         upstream(b"DELETE /things/A").replace(b"application/json", b"*/*"),
         said=[head(b"Transfer-Encoding: chunked", status=b"204 No Content") + b"12\r\n" + LEAK],
         body=b""),
    shown("another answer behind it", answer(b'{"id":"A"}') + answer(LEAK)),
    shown("bytes behind it", answer(b'{"id":"A"}') + MARK),
    shown("another answer, later", answer(b'{"id":"A"}'), 0.05, answer(LEAK)),
]
