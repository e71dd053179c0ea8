#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""loss_backend.py SOCKET LOG - a back-end of accounts that writes down each request before it
answers: nanoseconds, X-Request-Id, method, path.  Some answers take their time."""
import asyncio
import json
import os
import random
import sys
import time


def account(name):
    return {"id": name, "iban": "CH9300762011623852957", "status": "open", "branch": "0100",
            "owner": "C000001", "balance": {"hundredths": 1, "currency": "CHF"}}


TRANSFER = {"id": "9f3c2f5e-3b1e-4f44-9c55-0d6d7a1f2b11", "to": "CH9300762011623852957",
            "amount": {"hundredths": 100, "currency": "CHF"}, "state": "pending",
            "at": "2026-01-02T03:04:05Z"}
BRANCHES = [{"id": "0100", "name": "Main Street", "city": "Springfield"}]


def answer(method, path):
    if method == "POST":
        return "201 Created", TRANSFER
    return "200 OK", BRANCHES if path == "/branches" else account(path.split("/")[2])


async def serve(log, reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *headers = head.split("\r\n")[:-2]
            method, path, _ = line.split(" ")
            named = {k.lower(): v for k, v in (h.split(": ", 1) for h in headers)}
            await reader.readexactly(int(named.get("content-length", 0)))
            os.write(log, f"{time.time_ns()} {named['x-request-id']} {method} {path}\n".encode())
            if random.random() < 0.2:
                await asyncio.sleep(random.choice([0.001, 0.01, 0.05, 0.3]))
            status, body = answer(method, path)
            text = json.dumps(body).encode()
            writer.write(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                         f"Content-Length: {len(text)}\r\n\r\n".encode() + text)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(path, log_path):
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    if os.path.exists(path):
        os.unlink(path)
    server = await asyncio.start_unix_server(lambda r, w: serve(log, r, w), path)
    await server.serve_forever()

asyncio.run(main(*sys.argv[1:]))
