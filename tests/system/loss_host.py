# SPDX-License-Identifier: Apache-2.0
"""A gateway whose recorder writes to a small disk, callers that write down what they got, a
back-end that writes down what it saw, and what all three must agree in afterwards."""
import collections
import contextlib
import concurrent.futures
import http.client
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

from gateway_host import Gateway, answers
from recorder_host import BIN, wait_for
from registry_host import new_top

BACKEND = pathlib.Path(__file__).with_name("loss_backend.py")
TRANSFER = json.dumps({"to": "CH9300762011623852957", "name": "Ada Abel",
                       "amount": {"hundredths": 100, "currency": "CHF"}, "text": "x"})
WIDE = [("gateway.yaml", '  "*": { rate: 20/s, burst: 40 }', '  "*": { rate: 100000/s }'),
        ("gateway.yaml", "createTransfer: { rate: 1/s, burst: 5, quota: 200/d }",
         "createTransfer: { rate: 100000/s }"),
        ("policy.cedar", 'duration("20h")', 'duration("24h")'),
        ("policy.cedar", 'duration("6h")', 'duration("0h")')]
DAY = 24 * 3600
MIB = 1024 * 1024

Got = collections.namedtuple("Got", "kind object status call part at")


class Site(Gateway):
    """On a disk of so many MiB of its own, with callers of every kind."""

    def __init__(self, mib):
        top = new_top()
        self.disk = top / "state"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0755", "assay",
                        self.disk], check=True)
        super().__init__(top=top)
        self.seen = self.top / "seen"  # by the back-end
        self.recorder.end()
        self.recorder.more = ["--silence", "20", "--new-subjects", "1000000"]
        self.recorder.start()
        until = {"exp": int(time.time()) + DAY}
        self.token = self.provider.token("carol", ["fraud-desk"], **until)
        self.teller = self.provider.token("tim", ["tellers"], branch="0100", **until)
        self.stranger = self.provider.token("sam", [], **until)
        self.killed = []  # (when, pid) of workers that the test killed
        self.recorder_away = []  # (from, until)
        self.got = []

    def config(self):
        return super().config().replace("worker_connections 512", "worker_connections 2048")

    def start_backend(self):
        self.backend = subprocess.Popen([sys.executable, BACKEND, self.backend_socket, self.seen])
        wait_for(lambda: answers(self.backend_socket), "the back-end")
        return self

    def close(self):
        for process in (self.recorder.process, *([self.nginx] if self.nginx else [])):
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
        try:
            self.stop()
        finally:
            self.stop_backend()
            self.recorder.stop()
            subprocess.run(["umount", "-l", self.disk], check=True)
            self.registry.close()

    # ---- the disk ----

    def free(self):
        s = os.statvfs(self.disk)
        return s.f_bavail * s.f_frsize

    def fill(self):
        """Somebody else takes all the room there is."""
        with open(self.disk / "filler", "ab") as f:
            step = 64 * MIB
            while step >= 4096:
                try:
                    os.posix_fallocate(f.fileno(), f.seek(0, 2), step)
                except OSError:
                    step //= 2

    def give_back(self):
        (self.disk / "filler").unlink()

    # ---- one call ----

    def ask(self, kind, name, connection=None):
        """What came of it, written down; a connection serves as long as it lasts."""
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        method, path, token, body = {
            "post": ("POST", f"/bank/v1/accounts/{name}/transfers", self.teller, TRANSFER),
            "branches": ("GET", "/bank/v1/branches", self.token, None),
            "denied": ("GET", f"/bank/v1/accounts/{name}", self.stranger, None),
        }.get(kind, ("GET", f"/bank/v1/accounts/{name}", self.token, None))
        headers = {"Authorization": f"Bearer {token}"}
        if body:
            headers.update({"Content-Type": "application/json",
                            "Idempotency-Key": "9f3c2f5e-3b1e-4f44-9c55-0d6d7a1f2b11"})
        status = call = None
        part = b""
        begun = time.time()
        try:
            c.request(method, path, body, headers)
            if kind == "leaver":
                time.sleep(random.random() * 0.02)
                raise ConnectionError("the caller leaves")
            answer = c.getresponse()
            status, part = answer.status, answer.read()
        except http.client.IncompleteRead as e:
            part = e.partial
        except (OSError, http.client.HTTPException):
            pass
        if status is None or status >= 500 or not connection:
            c.close()
        if status is not None and status >= 400:
            call = json.loads(part)["instance"].split(":")[-1]
            assert set(json.loads(part)) <= {"instance", "status", "title", "type"}, part
            part = b""
        elif status == 200 and kind not in ("branches", "leaver"):
            assert json.loads(part)["id"] == name, (name, part)
        self.got.append(Got(kind, name, status, call, part, (begun, time.time())))
        return status

    def ask_at_once(self, names):
        """So many callers who send a transfer and wait, all of them at one time; their statuses."""
        head = (f"Host: x\r\nAuthorization: Bearer {self.teller}\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(TRANSFER)}\r\n"
                "Idempotency-Key: 9f3c2f5e-3b1e-4f44-9c55-0d6d7a1f2b11\r\n\r\n" + TRANSFER)
        with contextlib.ExitStack() as stack:
            callers = []
            for name in names:
                s = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 30))
                s.sendall(f"POST /bank/v1/accounts/{name}/transfers HTTP/1.1\r\n{head}".encode())
                callers.append((name, s, time.time()))
            return [self.hear_all(*caller) for caller in callers]

    def hear_all(self, name, s, begun):
        data = b""
        try:
            while chunk := s.recv(65536):
                data += chunk
        except OSError:
            pass
        head, _, body = data.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1]) if body else None
        call = json.loads(body)["instance"].split(":")[-1] if body and status >= 400 else None
        self.got.append(Got("post", name, status, call, b"" if call else body,
                            (begun, time.time())))
        return status

    # ---- load ----

    def load(self, stop, number):
        """One caller after the other, until it is time; seldom one who may not, or they would be
        counted instead of told of."""
        chance = random.Random(number)
        kinds = ["get"] * 6 + ["post"] * 3 + ["branches"] * 3 + ["leaver"]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        denied = time.monotonic()
        for n in itertools.count():
            if stop.is_set():
                connection.close()
                return n
            kind = chance.choice(kinds)
            if time.monotonic() - denied > 1:
                kind, denied = "denied", time.monotonic()
            used = None if kind == "leaver" else connection
            if self.ask(kind, f"A{number * 1000000 + n:08}", used) != 200:
                time.sleep(0.002)

    def loaded(self, callers):
        stop, pool = threading.Event(), concurrent.futures.ThreadPoolExecutor(callers)
        running = [pool.submit(self.load, stop, i) for i in range(1, callers + 1)]

        def end():
            stop.set()
            return sum(r.result(timeout=120) for r in running)
        return end

    # ---- what the ledger says ----

    def read_calls(self):
        """{call: {kind: [what]}}, pids by run; each run's sequences are whole."""
        calls, runs, pids = {}, {}, {}
        self.kinds = collections.Counter()
        self.recorder.published()
        log = subprocess.Popen([BIN / "assay", "log", "--json", "--limit", "0", "--state",
                                self.recorder.state, "--run", self.recorder.run],
                               stdout=subprocess.PIPE)
        for line in log.stdout:
            e = json.loads(line)
            src, what = e["src"], e.get("what", {})
            self.kinds[e["k"]] += 1
            runs[src["run"]] = runs.get(src["run"], 0) + 1
            assert src["seq"] == runs[src["run"]], f"run {src['run']}: lost or doubled at {src}"
            if e["k"] == "ledger.peer" and what.get("proc") == "gateway":
                pids[what["run"]] = what["pid"]
            if e["k"].startswith("api.") and "call" in what:
                what["run"] = src["run"]
                kinds = calls.setdefault(what["call"], {})
                kinds.setdefault(e["k"][4:], []).append(what)
        assert log.wait() == 0
        return calls, pids

    def seen_calls(self):
        """[(call, method, path)] of what the back-end saw."""
        return [line.split(" ")[1:] for line in self.seen.read_text().splitlines()]


def is_open(kinds):
    return "intent" in kinds and "outcome" not in kinds and "unknown" not in kinds


class Verdict:
    """Everything that must hold, counted; what must not be is listed."""

    def __init__(self, site):
        self.site = site
        self.calls, self.pids = site.read_calls()
        self.seen = site.seen_calls()
        self.of_object = {}
        for call, _, path in self.seen:
            if path.startswith("/accounts/"):
                self.of_object.setdefault(path.split("/")[2], []).append(call)
        self.bad = []
        self.unexplained = 0

    def blame(self, good, *what):
        if not good:
            self.bad.append(what)

    def judge(self, open_may_be):
        """open_may_be: runs of workers that died are still waited for."""
        dead = {pid for _, pid in self.site.killed}
        for call, kinds in self.calls.items():
            ends = len(kinds.get("outcome", [])) + len(kinds.get("unknown", []))
            begun = len(kinds.get("intent", []))
            if is_open(kinds) and open_may_be and self.pids[kinds["intent"][0]["run"]] in dead:
                continue
            self.blame(begun <= 1 and ends == begun, "not one end of one begin", call, kinds)
            self.blame(not ("denied" in kinds and begun), "begun and denied", call, kinds)
            self.blame("unshown" not in kinds or "outcome" in kinds, "unshown, and no outcome",
                       call, kinds)
        self.judge_backend()
        for g in self.site.got:
            self.judge_answer(g)
        self.judge_cached()
        return self

    def judge_backend(self):
        times = collections.Counter((call, method) for call, method, _ in self.seen)
        for (call, method), n in times.items():
            self.blame("intent" in self.calls.get(call, {}), "seen without an intent", call)
            self.blame(n == 1 or method == "GET", "asked twice", call)

    def shown(self, call, status):
        kinds = self.calls.get(call, {})
        return "unshown" not in kinds and any(
            o["status"] == status and o["result"] != "refused" for o in kinds.get("outcome", []))

    def judge_answer(self, g):
        if g.kind == "branches":
            return
        if g.status in (200, 201) or g.part:
            mine = self.of_object.get(g.object, [])
            self.blame(any(self.shown(call, g.status or 200) for call in mine),
                       "answered without an outcome that says so", g, mine)
        elif g.status == 403:
            self.blame("denied" in self.calls.get(g.call, {}), "refused, and no entry", g)
        elif g.status is not None:
            self.blame(g.status in (502, 503, 504), "a status that nobody expects", g)
            self.judge_refused(g)

    def judge_refused(self, g):
        """Told 5xx: the ledger does not say that it was answered.  But a worker that was killed
        before it could correct that."""
        said = self.shown(g.call, 200) or self.shown(g.call, 201)
        dying = any(g.at[0] - 1 < when < g.at[1] + 15 for when, _ in self.site.killed)
        self.unexplained += said and dying
        self.blame(not said or dying, "503, and the ledger says that it was answered", g,
                   self.calls.get(g.call))

    def judge_cached(self):
        got = sum(g.kind == "branches" and g.status == 200 for g in self.site.got)
        told = sum(o["operation"] == "listBranches" and o["status"] == 200
                   for kinds in self.calls.values() for o in kinds.get("outcome", [])
                   if "unshown" not in kinds)
        self.blame(got <= told, "more cached answers than outcomes", got, told)

    def count(self, kind):
        return sum(kind in kinds for kinds in self.calls.values())

    def __str__(self):
        statuses = collections.Counter(g.status for g in self.site.got)
        said = ", ".join(f"{n} {s or 'closed'}" for s, n in sorted(
            statuses.items(), key=lambda item: -item[1]))
        kinds = ", ".join(f"{self.count(k)} {k}" for k in (
            "intent", "outcome", "unknown", "unshown", "denied"))
        return (f"{len(self.site.got)} calls ({said}), {len(self.seen)} seen by the back-end; "
                f"in the ledger {kinds}; {self.unexplained} of a worker that died before it could "
                f"say that its answer was not shown")


def at_rest(site, seconds=120):
    """No call is open any more, as the recorder itself counts them."""
    def none():
        status = site.recorder.status()
        return status.get("more", {}).get("calls") == 0
    wait_for(none, "an end of every call", seconds)


def kill_worker(site, pid):
    site.killed.append((time.time(), pid))
    os.kill(pid, signal.SIGKILL)
