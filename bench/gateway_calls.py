# SPDX-License-Identifier: Apache-2.0
"""Whole calls, over TLS, through the gateway and through its peers, to one back-end.

The contenders take turns and each figure is the median of its turns.  Client and back-end share the
processors with what is measured, so processor time stands beside: of the contender with all its
processes and threads (for us the recorder's with its disk threads), and of the rest."""
import dataclasses
import http.client
import json
import os
import pathlib
import shutil
import ssl
import statistics
import subprocess

from gateway_world import MASKED, World, free_port
from integrity_rows import Row
from machine import TOP, Unavailable, await_true, cpu_seconds, measure

CONNECTIONS = 64
FEW, PAUSE_MS = 16, 20  # callers who wait up to so long before each call: no queues


@dataclasses.dataclass
class Turn:
    """A turn of wrk, and what it cost each side, in us a call."""
    rate: float
    p50: float
    p99: float
    own: float
    recorder: float
    rest: float


@dataclasses.dataclass
class Contender:
    name: str
    port: int
    pids: list  # with a recorder as the second
    base: str = "/accounts/v1"
    turns: list = dataclasses.field(default_factory=list)

    def median(self, field):
        return statistics.median(getattr(t, field) for t in self.turns)


def family(pid):
    """A process and those it started."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(p for child in children for p in family(int(child)))]


def used(pids):
    return sum(cpu_seconds(p) for pid in pids for p in family(pid))


def load(world, contender, seconds, connections=CONNECTIONS, pause=0):
    own, recorder = [contender.pids[:1], contender.pids[1:]]
    before = [used(pids) for pids in (own, recorder, [world.backend])]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", TOP / "bench" / "calls.lua",
               f"https://127.0.0.1:{contender.port}", "--", world.tokens, contender.base, pause]
    with subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT) as process:
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Unavailable(f"wrk: {said.strip()[-200:]}")
    told = json.loads(said.splitlines()[-1])
    if told["faults"]:
        raise RuntimeError(f"{contender.name}: {told['faults']} calls of {told['calls']} failed")
    after = [used(pids) for pids in (own, recorder, [world.backend])]
    cost = [1e6 * (a - b) / told["calls"] for a, b in zip(after, before)]
    client = 1e6 * (usage.ru_utime + usage.ru_stime) / told["calls"]
    return Turn(told["calls"] / told["seconds"], told["p50_us"], told["p99_us"],
                cost[0] + cost[1], cost[1], cost[2] + client)


def ask(contender, token):
    """Status and JSON of one call."""
    c = http.client.HTTPSConnection("127.0.0.1", contender.port, timeout=10,
                                    context=ssl._create_unverified_context())
    body = {"to": "CH5600762000000000001", "name": "Ada Abel",
            "amount": {"hundredths": 1000, "currency": "CHF"}, "text": "invoice 1200"}
    c.request("POST", f"{contender.base}/accounts/A00000001/transfers", json.dumps(body), {
        "Authorization": f"Bearer {token}", "Content-Type": "application/json",
        "Idempotency-Key": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"})
    answer = c.getresponse()
    data = answer.read()
    c.close()
    return answer.status, json.loads(data) if answer.status == 201 else None


def check(world, contender, judges, masks):
    """It does what it is measured for: lets in, masks, and keeps out a token with another byte."""
    token = world.tokens.read_text().split()[0]
    status, told = ask(contender, token)
    if status != 201:
        raise Unavailable(f"{contender.name}: status {status}")
    got = {k: told[k] for k in MASKED}
    if (got == MASKED) != masks:
        raise RuntimeError(f"{contender.name}: {got}")
    if judges:
        forged = token[:-20] + ("A" if token[-20] != "A" else "B") + token[-19:]
        status, _ = ask(contender, forged)
        if status != 401:
            raise RuntimeError(f"{contender.name}: a forged token got {status}")


# Name, how it is started, does it look at tokens, where its log is.
PEERS = (
    ("nginx, a bare TLS proxy", World.start_bare, False, None),
    ("nginx with a JSON log", World.start_logged, False, "logged/calls.log"),
    ("nginx, njs checks RS256, JSON log", World.start_njs, True, "njs/calls.log"),
    ("nginx, Lua checks RS256, JSON log", World.start_lua, True, "lua/calls.log"),
    ("HAProxy, jwt_verify RS256, JSON log", World.start_haproxy, True, "haproxy.log"),
)
OWN = (("Assay", "/accounts/v1"), ("Assay, values of two classes sealed", "/sealed/v1"))


def start(world):
    """All that can be, and {name: why not} of the others."""
    ready, missing = [], {}
    for name, begin, judges, log in PEERS:
        port = free_port()
        try:
            contender = Contender(name, port, begin(world, port))
            check(world, contender, judges, masks=False)
            if log:
                await_true(f"a line in {log}", lambda p=world.place / log: p.stat().st_size, 5)
            ready.append(contender)
        except Unavailable as e:
            missing[name] = str(e)
    port = free_port()
    pids = world.start_assay(port)
    for name, base in OWN:
        contender = Contender(name, port, pids, base)
        check(world, contender, True, masks=True)
        ready.append(contender)
    return ready, missing


def take_turns(world, contenders, rounds, seconds, **how):
    for c in contenders:
        c.turns = []
        load(world, c, 1, **how)  # warm: all tokens seen, all connections open
    for _ in range(rounds):
        for c in contenders:
            c.turns.append(load(world, c, seconds, **how))


def rate_rows(contenders, missing):
    bare = contenders[0]
    for c in contenders:
        ratio = c.median("rate") / bare.median("rate")
        met = ratio >= 0.7 if c.name == OWN[0][0] else None
        recorder = f", of it the recorder's {c.median('recorder'):.0f}" if len(c.pids) > 1 else ""
        yield Row(f"{c.name}, calls", c.median("rate"), "/s", ratio, bare.name,
                  ">= 0.7 x" if met is not None else "printed", met,
                  f"processor time a call {c.median('own'):.0f} us{recorder}; client and back-end "
                  f"{c.median('rest'):.0f} us; p50 {c.median('p50') / 1000:.1f} ms, p99 "
                  f"{c.median('p99') / 1000:.1f} ms")
    for name, why in missing.items():
        yield Row(f"{name}, calls", None, "/s", None, bare.name, "printed", None, why)


def latency_rows(contenders, place, callers):
    """What is added to the bare proxy's, as multiples of what the disk takes: measured as for the
    ledger's rows."""
    sync = measure("limits", place)
    bare = contenders[0]
    most = {"p50": 200 + 2 * sync["sync_p50_us"], "p99": 3 * sync["sync_p99_us"]}
    for c in contenders[1:]:
        for point in ("p50", "p99"):
            added = c.median(point) - bare.median(point)
            promised = c.name == OWN[0][0]
            yield Row(f"{c.name} adds, {callers}, {point}", added / 1000, "ms",
                      added / sync[f"sync_{point}_us"], f"fdatasync {point}",
                      f"<= {most[point] / 1000:.2f} ms" if promised else "printed",
                      added <= most[point] if promised else None)


def rows(world, place, quick):
    rounds, seconds = (1, 2) if quick else (5, 3)
    world.backend = world.start_backend()
    contenders, missing = start(world)
    take_turns(world, contenders, rounds, seconds)
    yield from rate_rows(contenders, missing)
    compared = [c for c in contenders if c.name in (PEERS[0][0], PEERS[1][0], OWN[0][0])]
    take_turns(world, compared, rounds, seconds, connections=1)
    yield from latency_rows(compared, place, "one caller")
    take_turns(world, compared, rounds, seconds, connections=FEW, pause=PAUSE_MS)
    yield from latency_rows(compared, place, f"{FEW} callers with pauses")


def measured(place, quick):
    if not shutil.which("wrk"):
        yield Row("calls over TLS", None, "/s", None, "", "", None, "wrk is not installed")
        return
    place.chmod(0o755)  # what judges a package in the registry runs as nobody
    world = World(place / "calls")
    with world.stack:
        yield from rows(world, place, quick)
