# SPDX-License-Identifier: Apache-2.0
"""Headers: what they may not be, and what stays behind."""
from . import AUTH, MARK, NGINX, Case, PASS, get, passed, refused, request, upstream

A = upstream(b"GET /things/A")


def ignored(name, *headers):
    """It is let pass, and the back-end sees nothing of these."""
    return passed(name, get(b"/api/things/A", *headers), A)


def header(name, *headers, status=400, reason="header", **more):
    return refused(name, get(b"/api/things/A", *headers), status, reason, **more)


def host(name, value, status=400, reason="header"):
    return refused(name, get(b"/api/things/A", host=value), status, reason)


def noted(name, value, seen):
    return passed(name, get(b"/api/things", b"X-Note: " + value),
                  upstream(b"GET /things", b"x-note: " + seen))


CASES = [
    # who calls, as others would say
    ignored("X-Forwarded-For", b"X-Forwarded-For: 10.0.0.1, 127.0.0.1"),
    ignored("X-Forwarded-Host", b"X-Forwarded-Host: evil.example"),
    ignored("X-Forwarded-Proto and Port", b"X-Forwarded-Proto: https", b"X-Forwarded-Port: 443"),
    ignored("X-Forwarded-Prefix", b"X-Forwarded-Prefix: /admin"),
    ignored("Forwarded", b"Forwarded: for=10.0.0.1;host=evil.example;proto=https"),
    ignored("X-Real-IP", b"X-Real-IP: 10.0.0.1"),
    ignored("addresses as others call them", b"True-Client-IP: 10.0.0.1",
            b"CF-Connecting-IP: 10.0.0.1", b"X-Client-IP: 10.0.0.1",
            b"X-Originating-IP: 127.0.0.1", b"X-Cluster-Client-IP: 10.0.0.1"),
    ignored("another path", b"X-Original-URL: /admin", b"X-Rewrite-URL: /admin",
            b"X-Accel-Redirect: /admin", b"X-Sendfile: /etc/passwd"),
    ignored("another method", b"X-HTTP-Method-Override: DELETE", b"X-HTTP-Method: DELETE",
            b"X-Method-Override: DELETE"),
    ignored("a user", b"X-User: root", b"Remote-User: root", b"X-Remote-User: root",
            b"X-WEBAUTH-USER: root", b"X-Authenticated-User: root"),
    ignored("a certificate", b"X-SSL-Client-Verify: SUCCESS", b"X-SSL-Client-S-DN: CN=root",
            b"X-Client-Cert: " + MARK),
    ignored("the id of a call", b"X-Request-Id: 00000000000000000000000000"),
    ignored("a trace", b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ignored("a credential of a proxy", b"Proxy-Authorization: Basic cm9vdDpyb290"),
    ignored("what a gateway interface would make a variable of", b"Proxy: http://evil.example"),
    ignored("cookies that are no parameter", b"Cookie: admin=1; theme=dark"),
    ignored("a name with an underscore", b"X_Forwarded_For: 10.0.0.1"),
    ignored("a name with a dot", b"X.Forwarded.For: 10.0.0.1"),
    ignored("a referer and an origin", b"Referer: http://evil.example/",
            b"Origin: http://evil.example"),
    ignored("what the answer should be", b"Accept: text/html", b"Accept-Encoding: gzip, br",
            b"Accept-Language: de", b"Accept-Charset: utf-7"),
    ignored("a User-Agent with a shell in it", b"User-Agent: () { :;}; echo " + MARK),
    # of a connection
    ignored("names of headers that are to be dropped",
            b"Connection: close, Authorization, X-Request-Id, Host"),
    ignored("Keep-Alive", b"Keep-Alive: timeout=1000", b"Connection: keep-alive"),
    ignored("Proxy-Connection", b"Proxy-Connection: keep-alive"),
    ignored("TE", b"TE: trailers, deflate;q=0.5"),
    ignored("Trailer", b"Trailer: Authorization"),
    ignored("Max-Forwards and Via", b"Max-Forwards: 0", b"Via: 1.1 x"),
    ignored("Connection twice", b"Connection: close", b"Connection: keep-alive"),
    header("Upgrade to a websocket", b"Connection: Upgrade", b"Upgrade: websocket",
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"),
    header("Upgrade to HTTP/2", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
           b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
    header("Upgrade that the connection does not name", b"Upgrade: websocket"),
    header("Upgrade to TLS", b"Connection: Upgrade", b"Upgrade: TLS/1.2"),
    # twice there
    refused("Authorization twice", request(b"GET /api/things/A HTTP/1.1", AUTH), 400, NGINX),
    refused("Authorization twice, in other letters",
            request(b"GET /api/things/A HTTP/1.1", b"aUTHORIZATION: Basic " + MARK), 400, NGINX),
    header("Content-Type twice", b"Content-Type: application/json", b"Content-Type: text/xml"),
    header("Cookie twice", b"Cookie: session=1", b"Cookie: session=2"),
    header("Content-Encoding twice", b"Content-Encoding: identity", b"Content-Encoding: gzip"),
    header("Expect twice", b"Expect: 100-continue", b"Expect: 100-continue", reason=NGINX),
    # Host
    host("no Host", None, 400, NGINX),
    host("an empty Host", b"Host:", 400, NGINX),
    host("two Hosts", b"Host: api\r\nHost: evil.example", 400, NGINX),
    host("two Hosts, the same", b"Host: api\r\nHost: api", 400, NGINX),
    host("a Host with a user", b"Host: api@evil.example"),
    host("a Host with a path", b"Host: api/" + MARK, 400, NGINX),
    host("a Host with a query", b"Host: api?" + MARK),
    host("a Host with a hash", b"Host: api#" + MARK),
    host("a Host with a blank", b"Host: api evil.example", 400, NGINX),
    host("a Host with a comma", b"Host: api,evil.example"),
    host("a Host with a port that is none", b"Host: api:80x"),
    host("a Host with a long port", b"Host: api:000000080"),
    host("a Host with two ports", b"Host: api:80:80"),
    host("a Host of dots", b"Host: ..", 400, NGINX),
    host("a Host with an escape", b"Host: api%00"),
    host("a Host that is no ASCII", b"Host: \xc3\xa4pi"),
    host("a Host with half an address", b"Host: [::1"),
    host("a Host with a NUL", b"Host: api\0", 400, NGINX),
    passed("any host is the same API", get(b"/api/things/A", host=b"Host: evil.example"), A),
    passed("a host with a port", get(b"/api/things/A", host=b"Host: [::1]:8080"), A),
    passed("HTTP/1.0 without a host",
           request(b"GET /api/things/A HTTP/1.0", host=None), A),
    # bytes
    header("a NUL in a value", b"X-Note: a\0b", reason=NGINX),
    header("a NUL in a value of nobody", b"X-Other: a\0" + MARK, reason=NGINX),
    header("a bell in a value", b"X-Note: a\x07b"),
    header("a DEL in a value", b"X-Note: a\x7fb"),
    header("a tab in a value", b"X-Note: a\tb"),
    header("an escape sequence in a value", b"User-Agent: \x1b]0;" + MARK + b"\x07"),
    header("a folded value", b"X-Note: a\r\n b", reason=NGINX),
    header("a name with a blank", b"X Note: a", reason=NGINX),
    header("no name", b": a", reason=NGINX, status=400),
    header("the name of a person, with a value that is none", b"Ada-Lovelace-" + MARK +
           b": a\x01b", detail="a header whose value is none"),
    ignored("a name with a parenthesis", b"X(Note: a"),
    ignored("a name with letters of Latin-1", b"X-N\xe4me: a"),
    noted("what a back-end could take for lines", b"a%0d%0aX-Injected: 1",
          b"a%0d%0aX-Injected: 1"),
    noted("lines in UTF-8 overlong",
          b"a\xe5\x98\x8d\xe5\x98\x8aX: 1", b"a\xe5\x98\x8d\xe5\x98\x8aX: 1"),
    noted("a value between blanks", b"   a b   ", b"a b"),
    refused("no UTF-8 in a parameter", get(b"/api/things", b"X-Note: \xff"), 400, "parameter"),
    refused("a parameter twice", get(b"/api/things", b"X-Note: a", b"X-Note: b"), 400,
            "parameter"),
    refused("a parameter twice, in other letters", get(b"/api/things", b"X-Note: a",
                                                       b"x-nOTE: " + MARK), 400, "parameter"),
    passed("an underscore is no hyphen", get(b"/api/things", b"X-Note: a", b"X_Note: b"),
           upstream(b"GET /things", b"x-note: a")),
    refused("a list with a comma between quotes", get(b"/api/things", b'X-List: "a,b"'), 400,
            "parameter"),
    passed("a list", get(b"/api/things", b"X-List: a, b,c"),
           upstream(b"GET /things", b"x-list: a,b,c")),
    # cookies
    passed("a cookie that is a parameter", get(b"/api/things", b"Cookie: a=1; session=x; b=2"),
           upstream(b"GET /things", b"cookie: session=x")),
    refused("a cookie twice", get(b"/api/things", b"Cookie: session=x; session=" + MARK), 400,
            "parameter"),
    refused("a cookie between quotes", get(b"/api/things", b'Cookie: session="' + MARK + b'"'),
            400, "parameter"),
    refused("a cookie with a blank", get(b"/api/things", b"Cookie: session=a b"), 400,
            "parameter"),
    passed("a cookie of another name with its end",
           get(b"/api/things", b"Cookie: xsession=1; session=2"),
           upstream(b"GET /things", b"cookie: session=2")),
    passed("a cookie in another's value",
           get(b"/api/things", b"Cookie: a=session=1; session=2"),
           upstream(b"GET /things", b"cookie: session=2")),
    # many, long
    header("102 headers", *(b"X-%d: y" % i for i in range(100))),
    ignored("98 headers", *(b"X-%d: y" % i for i in range(96))),
    header("one line of 9 KiB", b"X-Long: " + b"y" * 9000, reason=NGINX),
    header("33 KiB in all", *(b"X-%d: " % i + b"y" * 7000 for i in range(5)), reason=NGINX),
    Case("a long name", [get(b"/api/things/A", b"X-" + b"n" * 6000 + b": y")], [(200, PASS)], A),
]
