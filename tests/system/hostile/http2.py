# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 as no client should speak it, frame by frame (RFC 9113, 7541).  A status is that of a
stream's answer; "RST" and "GOAWAY" with the error they told are nginx's own answers."""
import dataclasses

from . import GONE, MARK, NGINX, PASS, Case, upstream

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, PRIO = 1, 4, 8, 32
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
A = upstream(b"GET /things/A")
ONE = upstream(b"POST /things", body=b'{"a":1}')
PSEUDO = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/api/things/A"),
          (b":authority", b"api")]
AUTH = (b"authorization", b"Bearer @TOKEN@")
JSON = (b"content-type", b"application/json")


def integer(n, bits=7):
    """RFC 7541, 5.1, with the bits in front 0."""
    top = (1 << bits) - 1
    if n < top:
        return bytes([n])
    out, n = [top], n - top
    while n >= 128:
        out.append(n % 128 + 128)
        n //= 128
    return bytes([*out, n])


def text(s):
    return integer(len(s)) + s


def block(fields):
    """Literals that no table keeps; bytes among them are as they are."""
    return b"".join(f if isinstance(f, bytes) else b"\0" + text(f[0]) + text(f[1])
                    for f in fields)


@dataclasses.dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: object = b""  # bytes, or fields of a head, with @TOKEN@
    length: int = None     # another one than it has
    cut: tuple = ()        # how many bytes of a head go into each frame

    def bytes(self, token):
        if isinstance(self.payload, bytes):
            return self.frame(self.payload)
        data = block([f if isinstance(f, bytes) else
                      (f[0], f[1].replace(b"@TOKEN@", token)) for f in self.payload])
        if not self.cut:
            return self.frame(data)
        out = [Frame(self.kind, self.flags & ~END_HEADERS, self.stream,
                     data[:self.cut[0]]).bytes(token)]
        at = self.cut[0]
        for n in self.cut[1:]:
            out.append(Frame(CONTINUATION, 0, self.stream, data[at:at + n]).bytes(token))
            at += n
        out.append(Frame(CONTINUATION, END_HEADERS, self.stream, data[at:]).bytes(token))
        return b"".join(out)

    def frame(self, data):
        n = len(data) if self.length is None else self.length
        return n.to_bytes(3, "big") + bytes([self.kind, self.flags]) + \
            self.stream.to_bytes(4, "big") + data


def fields(*more, without=(), **pseudo):
    """Of a GET, with other pseudo-headers."""
    over = {b":" + k.encode(): v for k, v in pseudo.items()}
    return [(k, over.get(k, v)) for k, v in PSEUDO if k not in without] + [AUTH, *more]


def head(list_, stream=1, end=True, **more):
    return Frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, list_, **more)


def body(data, stream=1, end=True):
    return Frame(DATA, END_STREAM if end else 0, stream, data)


def post(*more, **pseudo):
    return head(fields(JSON, *more, method=b"POST", path=b"/api/things", **pseudo), end=False)


def case(name, frames, *want, seen=b"", settings=b"", begin=PREFACE):
    sent = [begin, Frame(SETTINGS, 0, 0, settings), *frames]
    return Case(name, sent, list(want), seen)


def asked(name, list_, status=400, reason=NGINX, seen=b""):
    return case(name, [head(list_)], (status, reason), seen=seen)


def broken(name, *frames, error=1, left=None, **more):
    """The connection ends with this error: 1 PROTOCOL_ERROR, 3 FLOW_CONTROL, 6 FRAME_SIZE,
    9 COMPRESSION, 11 ENHANCE_YOUR_CALM.  left: why the call that was begun is refused."""
    return case(name, frames, ("GOAWAY", error), *([(GONE, left)] if left else []), **more)


def reset(name, list_):
    """nginx takes no byte there that a line of HTTP/1 could not have."""
    return asked(name, list_, "RST", 1)


GOOD = head(fields())
CASES = [
    case("a GET", [GOOD], (200, PASS), seen=A),
    case("a POST", [post(), body(b'{"a":1}')], (200, PASS), seen=ONE),
    case("a POST in pieces, padded", [post(), body(b'{"a"', end=False), body(b"", end=False),
                                      Frame(DATA, PADDED | END_STREAM, 1, b"\3:1}\0\0\0")],
         (200, PASS), seen=ONE),
    # a downgrade's framing
    asked("transfer-encoding", fields((b"transfer-encoding", b"chunked")), 400, "framing"),
    case("transfer-encoding of a POST",
         [post((b"transfer-encoding", b"chunked")), body(b"0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n")],
         (400, "framing")),
    case("a length that is too short", [post((b"content-length", b"1")), body(b'{"a":1}')],
         (400, "body")),
    case("a length that is too long", [post((b"content-length", b"9")), body(b'{"a":1}')],
         (400, "body")),
    case("a length of 0, and a body", [post((b"content-length", b"0")), body(b'{"a":1}')],
         (400, "body")),
    case("two lengths", [post((b"content-length", b"7"), (b"content-length", b"7")),
                         body(b'{"a":1}')], (400, NGINX), ("RST", 0)),
    case("a length that is none", [post((b"content-length", b"+7")), body(b'{"a":1}')],
         (400, NGINX), ("RST", 0)),
    case("a length with a zero in front", [post((b"content-length", b"07")), body(b'{"a":1}')],
         (400, "framing")),
    case("no length, and a GET with a body", [head(fields(), end=False), body(MARK)],
         (400, "body")),
    case("a GET whose stream ends later, with nothing", [head(fields(), end=False), body(b"")],
         (400, "body")),
    # of a connection
    asked("connection", fields((b"connection", b"close")), 400, "header"),
    asked("keep-alive", fields((b"keep-alive", b"timeout=5")), 400, "header"),
    asked("proxy-connection", fields((b"proxy-connection", b"keep-alive")), 400, "header"),
    asked("upgrade", fields((b"upgrade", b"h2c")), 400, "header"),
    asked("te of gzip", fields((b"te", b"gzip")), 400, "header"),
    asked("te of trailers", fields((b"te", b"trailers")), 200, PASS, seen=A),
    asked("http2-settings stays behind", fields((b"http2-settings", b"AAMAAABk")), 200, PASS,
          seen=A),
    # injection
    reset("a newline in a value", fields((b"x-note", b"a\r\nX-Injected: 1"))),
    reset("a newline alone in a value", fields((b"x-note", b"a\ntransfer-encoding: chunked"))),
    reset("a CR in a value", fields((b"x-note", b"a\rb"))),
    reset("a NUL in a value", fields((b"x-note", b"a\0b"))),
    asked("another control character", fields((b"x-note", b"a\x01b")), 400, "header"),
    asked("a blank in front of a value", fields((b"x-note", b" a")), 400, "header"),
    reset("a newline in a name", fields((b"x\r\ny", b"a"))),
    reset("a colon in a name", fields((b"x:y", b"a"))),
    reset("a blank in a name", fields((b"x y", b"a"))),
    reset("a name in capitals", fields((b"X-Note", b"a"))),
    reset("a name with a capital, of a length", fields((b"Content-Length", b"0"))),
    asked("no name", fields((b"", b"a")), "GOAWAY", 1),
    reset("a newline in the path", fields(path=b"/api/things/A HTTP/1.1\r\nX: y")),
    asked("a blank in the path", fields(path=b"/api/things/A HTTP/1.1")),
    reset("a newline in the method", fields(method=b"GET /api/admin HTTP/1.1\r\nX: y")),
    asked("a blank in the method", fields(method=b"GET ")),
    reset("a newline in the authority", fields(authority=b"api\r\nX: y")),
    reset("a newline in the scheme", fields(scheme=b"http\r\nX: y")),
    # pseudo-headers
    asked("two methods", fields((b":method", b"GET"))),
    asked("two methods at the beginning", [(b":method", b"GET"), *fields()]),
    asked("two paths", [(b":path", b"/api/admin"), *fields()]),
    asked("two schemes", [(b":scheme", b"http"), *fields()]),
    asked("two authorities", [(b":authority", b"api"), *fields()]),
    asked("one behind the others, which nginx lets be", [AUTH, *fields()[:-1]], 200, PASS,
          seen=A),
    asked("one that there is not", [(b":admin", b"1"), *fields()]),
    asked("one of answers", [(b":status", b"200"), *fields()]),
    asked("one of websockets", [(b":protocol", b"websocket"), *fields()]),
    asked("no method", fields(without=(b":method",))),
    asked("no path", fields(without=(b":path",))),
    asked("no scheme", fields(without=(b":scheme",))),
    case("an empty path", [head(fields(path=b""))], (400, NGINX), ("GOAWAY", 1)),
    case("an empty method", [head(fields(method=b""))], (400, NGINX), ("GOAWAY", 1)),
    case("an empty scheme", [head(fields(scheme=b""))], (400, NGINX), ("GOAWAY", 1)),
    asked("a path without a slash", fields(path=b"api/things/A")),
    asked("a whole URL as a path", fields(path=b"http://api/api/things/A")),
    asked("an asterisk as a path", fields(path=b"*")),
    asked("dots", fields(path=b"/api/things/../admin"), 400, "target"),
    asked("a fragment", fields(path=b"/api/things/A#b"), 400, "target"),
    asked("a scheme with a path in it", fields(scheme=b"http://evil.example/x?"), 400, NGINX),
    asked("a method in small letters", fields(method=b"get"), 400, NGINX),
    asked("CONNECT", fields(method=b"CONNECT"), 405, NGINX),
    asked("CONNECT to a host", [(b":method", b"CONNECT"), (b":authority", b"evil.example:443"),
                                AUTH], 400, NGINX),
    asked("TRACE", fields(method=b"TRACE"), 405, NGINX),
    # authority and host
    asked("another host beside the authority", fields((b"host", b"evil.example")), 400, NGINX),
    asked("a host and no authority", fields((b"host", b"api"), without=(b":authority",)), 200,
          PASS, seen=A),
    asked("neither", fields(without=(b":authority",)), 400, NGINX),
    asked("two hosts", fields((b"host", b"api"), (b"host", b"api"), without=(b":authority",)),
          400, NGINX),
    asked("an authority with a user", fields(authority=b"root@api"), 400, "header"),
    asked("an authority with a path", fields(authority=b"api/x"), 400, NGINX),
    asked("authorization twice", fields(AUTH), 400, NGINX),
    asked("cookies in several fields are one", fields((b"cookie", b"a=1"), (b"cookie", b"b=2")),
          200, PASS, seen=A),
    asked("and may not be there twice",
          fields((b"cookie", b"session=1"), (b"cookie", b"session=2"), path=b"/api/things"), 400,
          "parameter"),
    # tables and numbers of heads
    case("a method of the static table",
         [head([b"\x82\x86", (b":path", b"/api/things/A"), (b":authority", b"api"), AUTH])],
         (200, PASS), seen=A),
    broken("an index of 0", head([b"\x80"]), error=9),
    broken("an index beyond the tables", head([b"\xff\x80\x01"]), error=9),
    broken("a number without an end", head([b"\xff" + b"\x80" * 20 + b"\x01"]), error=9),
    broken("a text longer than the head", head([b"\0\x7f\xff\xff\xff\xff\x07a"]), error=9),
    broken("Huffman with an end within", head([b"\0\x84\xff\xff\xff\xff\x01a"]), error=9),
    broken("a table size above the limit", head([b"\x3f\xe1\xff\xff\x07"]), error=9),
    # frames
    broken("a frame above the limit", Frame(DATA, 0, 1, b"", length=0xffffff)),
    broken("settings of 5 bytes", Frame(SETTINGS, 0, 0, b"\0\1\0\0\0"), error=6),
    broken("settings on a stream", Frame(SETTINGS, 0, 1)),
    broken("an acknowledgement with settings", Frame(SETTINGS, 1, 0, b"\0\1\0\0\0\0"), error=6),
    broken("a window beyond 31 bits by settings", settings=b"\0\4\xff\xff\xff\xff", error=3),
    broken("a frame size below 16 KiB by settings", settings=b"\0\5\0\0\0\1"),
    broken("a ping of 7 bytes", Frame(PING, 0, 0, b"1234567"), error=6),
    broken("a push from a client", Frame(PUSH, END_HEADERS, 1, b"\0\0\0\2\x82")),
    broken("data on stream 0", Frame(DATA, 0, 0, MARK)),
    broken("a head on stream 0", Frame(HEADERS, END_HEADERS, 0, fields())),
    broken("a stream of an even number", head(fields(), stream=2)),
    broken("a continuation of nothing", Frame(CONTINUATION, END_HEADERS, 1, b"\x82")),
    broken("another frame within a head", Frame(HEADERS, END_STREAM, 1, b"\x82"),
           Frame(PING, 0, 0, b"12345678")),
    broken("a continuation of another stream", Frame(HEADERS, END_STREAM, 1, b"\x82"),
           Frame(CONTINUATION, END_HEADERS, 3, b"\x86")),
    broken("more padding than there is", Frame(HEADERS, PADDED | END_HEADERS, 1, b"\xff\x82")),
    broken("a window update of 0 for all", Frame(WINDOW, 0, 0, b"\0\0\0\0")),
    broken("a window beyond 31 bits", Frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff"),
           Frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff"), error=3),
    broken("a reset of stream 0", Frame(RST, 0, 0, b"\0\0\0\0")),
    case("a frame of a kind that there is not", [Frame(0x77, 0xff, 0, MARK), GOOD], (200, PASS),
         seen=A),
    broken("a priority that depends on itself", Frame(PRIORITY, 0, 1, b"\0\0\0\1\0"), GOOD),
    case("a head in pieces of some bytes", [head(fields(), cut=(1, 20, 2, 30))], (200, PASS),
         seen=A),
    case("a flood of empty continuations", [head(fields(), cut=(5, *[0] * 3000))], (200, PASS),
         seen=A),
    case("a flood of empty data", [post(), *[body(b"", end=False)] * 3000, body(b'{"a":1}')],
         (200, PASS), seen=ONE),
    case("a body a byte at a time", [post(), *[body(b"%c" % c, end=False) for c in b'{"a":1}'],
                                     body(b"")], (200, PASS), seen=ONE),
    case("a flood of pings", [Frame(PING, 0, 0, b"12345678") for _ in range(3000)] + [GOOD],
         (200, PASS), seen=A),
    case("a flood of settings", [Frame(SETTINGS, 0, 0) for _ in range(3000)] + [GOOD],
         (200, PASS), seen=A),
    broken("a head of 40 KiB", head(fields(*[(b"x-%d" % i, b"y" * 4000) for i in range(10)]),
                                    cut=(16000, 16000)), error=11),
    case("two hundred fields", [head(fields(*[(b"x-%d" % i, b"y") for i in range(200)]))],
         (400, "header")),
    broken("half a preface", begin=PREFACE[:10] + b"x" * 14),
    # nginx of this version takes no second head of a stream, and ends the connection
    *(broken(f"trailers {what}", post(), body(b'{"a":1}', end=False), head(fields_, end=end),
             left="body")
      for what, fields_, end in (("", [(b"x-note", MARK)], True),
                                 ("with a path", [(b":path", b"/api/admin")], True),
                                 ("that end nothing", [(b"x-note", MARK)], False))),
    case("data behind the end", [post(), body(b'{"a":1}'), body(MARK)], ("RST", 5),
         (GONE, "body")),
    case("one stream twice", [GOOD, 0.3, head(fields(), stream=1)], (200, PASS), ("GOAWAY", 1),
         seen=A),
    case("a stream that is older", [head(fields(), stream=5), 0.3, head(fields(), stream=3)],
         (200, PASS), ("GOAWAY", 1), seen=A),
    case("a stream that is reset before its body", [post(), Frame(RST, 0, 1, b"\0\0\0\x08")],
         (GONE, "body")),
    case("a stream beside one that is refused",
         [head(fields(path=b"/api/nothing")), 0.3, head(fields(), stream=3)], (404, "path"),
         (200, PASS), seen=A),
    case("a body that never comes", [post()], (400, "body"), ("RST", 0)),
    case("the client goes away and waits", [GOOD, Frame(GOAWAY, 0, 0, bytes(8))], (200, PASS),
         seen=A),
    case("streams side by side", [head(fields(), stream=2 * i + 1) for i in range(9)],
         *[(200, PASS)] * 9, seen=A * 9),
    broken("HTTP/1 on a port of HTTP/2",
           begin=b"GET /api/things/A HTTP/1.1\r\nHost: api\r\n\r\n"),
]
