# SPDX-License-Identifier: Apache-2.0
"""What the table of hostile/ is tried on: a gateway for the API of hostile/api, and a back-end that
keeps each byte that it gets and says what it is told to."""
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import threading
import time

from gateway_host import Gateway, free_port
from hostile import GONE as NO_ANSWER
from hostile.callers import SECRET, TICKETS
from hostile.http2 import Frame
from hostile.tokens import Token
from hostile_tls import Authorities
from hostile_tokens import Maker
from registry_host import DIRECTORY

API = pathlib.Path(__file__).parent / "hostile" / "api"
CALL = re.compile(rb"x-request-id: ([0-9A-Z]{26})\r\n")
THING = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n" \
        b'{"id":"A"}'
GONE = b"HTTP/1.1 204 No Content\r\n\r\n"


class Back:
    """One thread a connection; the bytes of all of them in the order in which they came."""

    def __init__(self, path):
        self.said, self.by_name, self.sockets = None, {}, []
        self.seen, self.streams = [], []  # all bytes; those of each connection
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chmod(path, 0o777)
        self.listener.listen(1024)  # a full one of a unix socket refuses at once
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(s)
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        data, stream = b"", bytearray()
        self.streams.append(stream)
        with s, contextlib.suppress(OSError):
            while chunk := s.recv(65536):
                self.seen.append(chunk)
                stream += chunk
                data += chunk
                while (length := length_of(data)) is not None and len(data) >= length:
                    one, data = data[:length], data[length:]
                    if not self.answer(s, one):
                        return

    def answer(self, s, one):
        """Whether the connection stays."""
        name = one.split(b" ", 2)[1].rsplit(b"/", 1)[-1].decode()
        said = self.by_name.get(name, self.said)
        if said is None:
            s.sendall(GONE if one.startswith(b"DELETE ") else THING)
            return True
        for part in said:
            if isinstance(part, bytes):
                s.sendall(part)
            elif part is None:
                return False
            else:
                time.sleep(part)
        return True

    def take(self):
        """What came since the last time."""
        self.seen, came = [], self.seen
        return b"".join(came)

    def take_whole(self):
        """The same of calls side by side: {name of the thing: its requests}."""
        out = {}
        for one in re.split(rb"(?=GET |POST |PUT |DELETE )", self.take()):
            if one:
                name = one.split(b" ", 2)[1].rsplit(b"/", 1)[-1].decode()
                out[name] = out.get(name, b"") + one
        return out

    def hang_up(self):
        """No connection stays that the gateway may take for the next call."""
        for s in self.sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
        self.sockets = []

    def close(self):
        self.listener.close()
        self.hang_up()


def length_of(data):
    """Of the request that begins there, when its head is whole."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    told = re.search(rb"\r\nContent-Length: (\d+)$", head)
    return len(head) + 4 + (int(told[1]) if told else 0)


class Site(Gateway):
    """The gateway of hostile/api, with a worker, and callers with addresses of their own so that
    no refusal is folded with another's."""

    def __init__(self):
        super().__init__(workers=1)
        self.back, self.n_sources, self.tokens = None, 0, {}
        self.http = ("client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 5s; "
                     "lingering_time 1s; lingering_timeout 300ms; "
                     "client_body_buffer_size 1k; client_body_in_file_only on;")
        self.port2, self.port_loose = free_port(), free_port()
        self.server = f"listen 127.0.0.1:{self.port2} http2;"
        self.http += f"""
  server {{
    listen 127.0.0.1:{self.port_loose};
    ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;
    client_body_in_file_only off;
    location / {{ assay_gateway on; mirror /mirror; }}
    location = /mirror {{ internal; return 204; }}
  }}"""
        self.authorities = Authorities(self.top)
        self.http += self.authorities.servers()
        self.put_tickets()
        self.maker = Maker(self.top)
        self.put_set(self.maker.jwks())
        self.token = self.maker.token(Token()).decode()

    def put_set(self, text):
        """As assay-keys does: the whole of it at once."""
        path = self.key_set()
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)

    def put_tickets(self):
        """Opaque tokens, as `assay token` writes them."""
        path, now = self.recorder.state / "tokens.json", int(time.time())
        path.write_text(json.dumps({"tokens": [
            {"caller": caller, "groups": groups, "id": name, "until": now + (-1 if over else 600),
             "sha256": hashlib.sha256(SECRET).hexdigest()}
            for name, caller, groups, over in TICKETS]}, sort_keys=True,
            separators=(",", ":")) + "\n")
        self.http += f"\n  assay_tokens {path};"

    def deploy_api(self, version="1.0.0"):
        directory = self.registry.git.top / DIRECTORY
        shutil.rmtree(directory)
        shutil.copytree(API, directory)
        path = directory / "backend.yaml"
        path.write_text(path.read_text().replace("/run/things.sock", str(self.backend_socket)))
        path = directory / "gateway.yaml"
        text = path.read_text()
        for ca in ("a", "b"):
            text = text.replace(f"/run/ca-{ca}.pem", str(self.authorities.file(ca)))
        path.write_text(text)
        self.registry.commit()
        self.registry.push(self.registry.build())
        self.registry.approve(version)
        self.registry.json("deploy", "accounts", version)

    def begin(self):
        self.deploy_api()
        self.back = Back(self.backend_socket)
        self.start()
        self.wait_for_generation(1)
        return self

    def close(self):
        if self.back:
            self.back.close()
        super().close()

    def source(self):
        """127.x.y.1, another one each time: networks are told apart by their /24."""
        self.n_sources += 1
        return f"127.{1 + self.n_sources // 250 % 250}.{self.n_sources % 250}.1"

    def connect(self, port=None, seconds=10):
        return socket.create_connection(("127.0.0.1", port or self.port), timeout=seconds,
                                        source_address=(self.source(), 0))

    def make_tokens(self, cases):
        """Those that cases have of their own; each takes a program or two."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            made = pool.map(lambda c: (c.name, self.maker.token(c.token)),
                            [c for c in cases if c.token])
            self.tokens = dict(made)

    def token_of(self, case):
        return self.tokens.get(case.name, self.token.encode())

    def open(self, case, port=None):
        if case.tls:
            return self.authorities.connect(self, case.tls)
        return self.connect(port or (self.port_loose if case.loose else self.port), seconds=5)

    def send(self, case):
        """All that comes back until nothing more does."""
        token, out = self.token_of(case), b""
        with contextlib.suppress(ConnectionError, ssl.SSLError), self.open(case) as s:
            with contextlib.suppress(ConnectionError):  # an answer may be there all the same
                for part in case.sent:
                    if isinstance(part, bytes):
                        s.sendall(part.replace(b"@TOKEN@", token))
                    else:
                        time.sleep(part)
                if not case.hold and not case.tls:
                    s.shutdown(socket.SHUT_WR)
            while chunk := s.recv(65536):
                out += chunk
        return answers(out, case.head)

    def send2(self, case):
        """HTTP/2, until all is there that was to come, or the connection ends."""
        token, data, found = self.token_of(case), b"", []
        with self.open(case, self.port2) as s, contextlib.suppress(OSError):
            with contextlib.suppress(ConnectionError):
                for part in frames_of(case, token):
                    if isinstance(part, bytes):
                        s.sendall(part)
                    else:
                        time.sleep(part)
            while len(found) < len([w for w in case.want if w[0] != NO_ANSWER]):
                chunk = s.recv(65536)
                if not chunk:
                    break
                data += chunk
                found = answers2(data)
        return found

    def ask(self, data):
        with self.connect() as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: s.recv(65536), b""))

    def lives(self):
        """An honest call is served."""
        came = self.ask(b"GET /api/things/honest HTTP/1.1\r\nHost: api\r\nAuthorization: "
                        b"Bearer " + self.token.encode() + b"\r\n\r\n")
        return came.startswith(b"HTTP/1.1 200 OK\r\n") and came.endswith(b'{"id":"A"}')


def frames_of(case, token):
    """What is sent at once, and seconds between."""
    out = b""
    for part in case.sent:
        if isinstance(part, float):
            yield out
            yield part
            out = b""
        else:
            out += part.bytes(token) if isinstance(part, Frame) else part
    yield out


def answers(data, head=False):
    """[(status, headers, body)] of what came of HTTP/1; interim ones are passed over."""
    out = []
    if data.startswith(b"{"):  # to HTTP/0.9 there is a body only
        return [(json.loads(data)["status"], {}, data)]
    while data:
        lines, end, data = data.partition(b"\r\n\r\n")
        assert end and lines.startswith(b"HTTP/1.1 "), data
        status = int(lines[9:12])
        headers = dict(line.split(b": ", 1) for line in lines.lower().split(b"\r\n")[1:])
        if status < 200:
            continue
        length = 0 if head else int(headers.get(b"content-length", b"0"))
        assert len(data) >= length, (lines, data)
        out.append((status, headers, data[:length]))
        data = data[length:]
    return out


# :status of the static table, and of its own where nginx has no index for it (RFC 7541, A)
STATUSES = {0x88: 200, 0x89: 204, 0x8a: 206, 0x8b: 304, 0x8c: 400, 0x8d: 404, 0x8e: 500}


def status_of(block):
    block = block[1:] if block[0] == 0x20 else block  # the table's size first
    return STATUSES[block[0]] if block[0] in STATUSES else int(block[2:5])


def answers2(data):
    """[(status, None, body), ("RST", error), ("GOAWAY", error)] of frames, as far as they ended;
    the streams' answers in the order of their ends."""
    out, streams = [], {}
    while len(data) >= 9:
        length, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
        stream, payload = int.from_bytes(data[5:9], "big"), data[9:9 + length]
        data = data[9 + length:]
        if len(payload) < length:
            break
        if kind == 7:
            out.append(("GOAWAY", int.from_bytes(payload[4:8], "big"), b""))
        elif kind == 3:
            out.append(("RST", int.from_bytes(payload, "big"), b""))
        elif kind == 1:
            streams[stream] = [status_of(payload), None, b""]
        elif kind == 0:
            streams[stream][2] += payload
        if kind in (0, 1) and flags & 1:
            out.append(tuple(streams[stream]))
    return out


def call_of(problem):
    """The id that a problem document names."""
    return json.loads(problem)["instance"].removeprefix("urn:assay:call:")
