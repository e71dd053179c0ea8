# SPDX-License-Identifier: Apache-2.0
"""Requests of the table of hostile/, changed at random, many at once: no worker ends, and what a
back-end gets is always a whole request of the document, with an intent in the ledger."""
import concurrent.futures
import contextlib
import json
import os
import random
import re
import socket
import time

from gateway_host import needs
from hostile.http2 import Frame
from hostile.themes import THEMES
from hostile.tokens import Now, Token
from hostile_host import Site, frames_of

pytestmark = needs()
SECONDS = float(os.environ.get("HOSTILE_SECONDS", "600" if os.environ.get("ASSAY_SOAK") else "3"))
SEED = int(os.environ.get("HOSTILE_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
ONE = re.compile(  # all that the document lets be asked of a back-end, as the gateway writes it
    rb"(?:GET|HEAD|POST|PUT|DELETE) (?:/things(?:/[A-Za-z0-9._~%-]+(?:/parts/)?)?"
    rb"|/(?:legacy|proxies|either|tickets|machines|sites|both|together)/[A-Za-z0-9._~%-]+)"
    rb"(?:\?[A-Za-z0-9._~%=&-]+)? HTTP/1\.1\r\n"
    rb"Host: localhost\r\naccept: (?:application/json|\*/\*)\r\naccept-encoding: identity\r\n"
    rb"(?:content-type: application/json\r\n)?x-request-id: ([0-9A-Z]{26})\r\n"
    rb"(?:authorization: (?:Basic|Bearer) [A-Za-z0-9._~+/=-]+\r\n)?"
    rb"(?:cookie: session=[!-~]*\r\n)?(?:x-list: [ -~\x80-\xff]*\r\n)?"
    rb"(?:x-note: [ -~\x80-\xff]*\r\n)?(?:Content-Length: (\d+)\r\n)?\r\n")
PIECES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b"%", b"%2f", b"%2e", b"..",
          b"//", b"\\", b"#", b"?", b"\xff", b"\xc3\xa9", b"0", b"-1", b"ffffffffffffffff", b'"',
          b"{", b"}", b"[", b"\\u0000", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
          b"Connection: close\r\n", b"Host: b\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n",
          b"GET /api/things/A HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer @TOKEN@\r\n\r\n"]


def bytes_of(case, token):
    """What a case sends, in one; the protocol it is of.  Of HTTP/1 the token is put in later: most
    changes would be of it, else."""
    if any(isinstance(p, Frame) for p in case.sent):
        return b"".join(p for p in frames_of(case, token) if isinstance(p, bytes)), 2
    return b"".join(p for p in case.sent if isinstance(p, bytes)), 1


def change(rng, data, others):
    """One to eight changes of one place each, in its first 4 KiB most of all."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(min(len(data), 4096) + 1)
        what = rng.randrange(6)
        if what == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            data[at:at + rng.randint(1, 8)] = b""
        elif what == 2:
            data[at:at] = data[at:at + rng.randint(1, 60)]
        elif what == 3:
            other = rng.choice(others)
            begin = rng.randrange(len(other) + 1)
            data[at:at] = other[begin:begin + rng.randint(1, 200)]
        else:
            data[at:at] = rng.choice(PIECES)
    return bytes(data)


def send(site, data, port):
    with contextlib.suppress(OSError), site.connect(port, seconds=4) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass


def no_twins(pairs):
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def requests_in(data):
    """The ids of what one connection brought: nothing but whole requests."""
    at, out = 0, []
    while at < len(data):
        found = ONE.match(data, at)
        assert found, data[max(0, at - 300):at + 600]
        length = int(found[2] or 0)
        body = bytes(data[found.end():found.end() + length])
        if length:
            assert len(body) == length, data[at:]
            json.loads(body, object_pairs_hook=no_twins)
        out.append(found[1].decode())
        at = found.end() + length
    return out


def test_mutations(capsys):
    site = Site()
    site.recorder.end()
    site.recorder.more = ["--new-subjects", "1000000"]  # of one caller: each change is one
    site.recorder.start()
    try:
        site.begin()
        site.token = site.maker.token(Token(claims={"exp": Now(int(SECONDS) + 3600)})).decode()
        token = site.token.encode()
        table = [bytes_of(c, token) for theme in THEMES.values() for c in theme.CASES if c.alone]
        table += [bytes_of(c, token) for theme in THEMES.values() for c in theme.CASES
                  if c.alone and c.seen] * 3
        others = [data for data, _ in table if data]
        end = time.monotonic() + SECONDS
        workers = site.workers_now()

        def work(number):
            rng, n = random.Random(SEED + number), 0
            while time.monotonic() < end:
                data, version = rng.choice(table)
                changed = change(rng, data, others).replace(b"@TOKEN@", token)
                send(site, changed, site.port if version == 1 else site.port2)
                n += 1
            return n

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            sent = sum(pool.map(work, range(8)))
        assert site.workers_now() == workers, (SEED, site.log()[-4000:])
        assert site.lives(), SEED
        seen = [call for stream in site.back.streams for call in requests_in(stream)]
        intents = {call for call, entries in site.calls().items()
                   if entries[0][0] in ("api.intent", "api.values")}
        assert not set(seen) - intents, SEED
        assert len(seen) > sent / 50
        with capsys.disabled():
            print(f"[{sent} sent, {len(seen)} at the back-end, seed {SEED}] ", end="")
    finally:
        site.close()
