# SPDX-License-Identifier: Apache-2.0
"""The cases of other themes that HTTP/2 can say as well, said in HTTP/2: what comes of them, and
what a back-end sees, is the same."""
import re

from . import NGINX
from .http2 import PREFACE, SETTINGS, Frame, body, head

LINE = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.1")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?"
                   rb"([!-~\x80-\xff](?:[ -~\x80-\xff]*[!-~\x80-\xff])?)?")
# RFC 9113, 8.2.2; and what HTTP/1 has nginx judge
NOT_THERE = {b"transfer-encoding", b"upgrade", b"keep-alive", b"proxy-connection", b"te", b"expect",
             b"http2-settings", b"content-length"}
PIECE = 16384


def fields_of(data):
    """Of one request of HTTP/1, as HTTP/2 has them; None: it has none such."""
    lines = data.split(b"\r\n")
    line = LINE.fullmatch(lines[0])
    pairs = [FIELD.fullmatch(one) for one in lines[1:]]
    if not line or not all(pairs):
        return None
    pairs = [(p[1].lower(), p[2] or b"") for p in pairs]
    hosts = [v for k, v in pairs if k == b"host"]
    if sum(k == b"cookie" for k, _ in pairs) > 1:
        return None  # RFC 9113, 8.2.3: they are one
    if len(hosts) != 1 or not hosts[0] or {k for k, _ in pairs} & (NOT_THERE - {b"content-length"}):
        return None
    return [(b":method", line[1]), (b":scheme", b"http"), (b":path", line[2]),
            (b":authority", hosts[0]),
            *((k, v) for k, v in pairs if k not in (b"host", b"connection"))]


def frames_of(case):
    """What is to be sent; None: HTTP/2 cannot say it, or not so that nginx does not judge it."""
    special = case.tls or case.loose or case.hold or case.head or not case.alone
    if special or len(case.want) != 1 or NGINX in case.want[0] or \
            any(not isinstance(part, bytes) for part in case.sent):
        return None
    lines, end, rest = b"".join(case.sent).partition(b"\r\n\r\n")
    fields = fields_of(lines) if end else None
    lengths = [v for k, v in fields or [] if k == b"content-length"]
    if not fields or [b"%d" % len(rest)] != (lengths or [b"0"]):
        return None
    pieces = [rest[i:i + PIECE] for i in range(0, len(rest), PIECE)]
    return [PREFACE, Frame(SETTINGS, 0, 0), head(fields, end=not pieces),
            *(body(p, end=i + 1 == len(pieces)) for i, p in enumerate(pieces))]
