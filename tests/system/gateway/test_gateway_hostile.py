# SPDX-License-Identifier: Apache-2.0
"""The table of hostile/: each request over the wire to nginx with the module.  What is refused has
one entry, the right answer, and nothing of it at the back-end; what is let pass has an intent and
an outcome, and the back-end got the bytes of the table and no others."""
import concurrent.futures
import contextlib
import dataclasses
import json
import pathlib
import subprocess
import time

import pytest
from gateway_host import needs
from hostile import GONE, MARK, PASS
from hostile import NGINX as BY_NGINX
from hostile import certificates, http2, same, tokens
from hostile.themes import THEMES
from hostile_host import CALL, THING, Site, call_of
from recorder_host import wait_for

pytestmark = needs()

TITLES = {400: "Malformed request", 401: "Not authenticated", 403: "Not allowed",
          404: "Not found", 405: "Method not allowed", 413: "Content too large",
          415: "Unsupported media type", 502: "Bad gateway", 503: "Service unavailable",
          504: "Gateway timeout"}


@pytest.fixture(scope="module")
def site():
    s = Site()
    try:
        yield s.begin()
    finally:
        s.close()


class Outcome:
    """What came of one case; `faults` says in words what should not have."""

    def __init__(self, case, answers, seen, token):
        self.case, self.answers, self.faults, self.calls = case, answers, [], []
        self.seen = case.seen.replace(b"@TOKEN@", token)
        self.passed = [c.decode() for c in CALL.findall(seen)]
        self.look_at_backend(seen)
        self.look_at_answers()

    def look_at_backend(self, seen):
        bare = CALL.sub(b"x-request-id: @CALL@\r\n", seen)
        if bare != self.seen:
            self.faults.append(f"the back-end got {bare!r} instead of {self.seen!r}")

    def look_at_answers(self):
        wanted = [w for w in self.case.want if w[0] != GONE]
        got = [a[:2] if a[0] in ("RST", "GOAWAY") else a[0] for a in self.answers]
        if got != [w if w[0] in ("RST", "GOAWAY") else w[0] for w in wanted]:
            self.faults.append(f"answered {got} instead of {wanted}: {self.answers!r}")
            return
        passed = iter(self.passed)
        for (status, headers, body), (_, reason) in zip(self.answers, wanted):
            if reason == BY_NGINX and b"<center>nginx" not in body:
                self.faults.append(f"nginx did not answer this: {body!r}")
            if reason == BY_NGINX or status in ("RST", "GOAWAY"):
                continue
            if MARK in b"".join((headers or {}).values()):
                self.faults.append(f"headers: {headers}")
            if reason == PASS:
                call = next(passed, None)
                if self.case.body is not None and body != self.case.body:
                    self.faults.append(f"said {body!r}")
            else:
                call = self.problem(status, headers, body)
            self.calls.append((call, reason))

    def problem(self, status, headers, body):
        """Nothing but what it is and which: the call's id."""
        try:
            call = call_of(body)
        except (KeyError, ValueError):
            self.faults.append(f"no problem document: {body!r}")
            return None
        if headers and headers[b"content-type"] != b"application/problem+json" or \
                json.loads(body) != {
                    "instance": f"urn:assay:call:{call}", "status": status,
                    "title": TITLES[status], "type": "about:blank"}:
            self.faults.append(f"a problem document that says more: {headers} {body!r}")
        return call

    def look_at_entries(self, entries):
        """entries: of the whole ledger, by call."""
        for call, reason in self.calls:
            mine = entries.pop(call, [])
            found = [(k, w.get("reason")) for k, w in mine if k != "api.values"]
            before = [("api.intent", None), ("api.outcome", reason)]
            wanted = before if call in self.passed else [("api.denied", reason)]
            if found != wanted:
                self.faults.append(f"entries {found} instead of {wanted}")
            elif self.case.detail and reason and mine[-1][1].get("detail") != self.case.detail:
                self.faults.append(f"detail: {mine[-1][1].get('detail')}")

    def look_at_rest(self, rest):
        """Of calls that got no answer: one entry for each, in the order of the cases."""
        for status, reason in self.case.want:
            if status == GONE and reason != BY_NGINX:
                if reason not in rest:
                    self.faults.append(f"no entry for {reason}")
                else:
                    rest.remove(reason)


def run(site, case):
    site.back.said = case.said
    came = site.send2(case) if isinstance(case.sent[-1], http2.Frame) else site.send(case)
    outcome = Outcome(case, came, site.back.take(), site.token_of(case))
    site.back.said = None
    if case.said:
        site.back.hang_up()
    look_at_honest(site, outcome)
    return outcome


def look_at_honest(site, outcome):
    """The next call is served as if nothing had been."""
    if not site.lives():
        outcome.faults.append("an honest call is not served any more")
    for call in CALL.findall(site.back.take()):
        outcome.calls.append((call.decode(), PASS))
        outcome.passed.append(call.decode())


def run_beside(site, cases):
    """Those that take long: each back-end's bytes are those with the name of its thing."""
    for case in cases:
        if case.said:
            site.back.by_name[name_of(case)] = case.said
    with concurrent.futures.ThreadPoolExecutor(len(cases) or 1) as pool:
        came = list(pool.map(site.send, cases))
    seen = site.back.take_whole()
    outcomes = [Outcome(case, answers, seen.pop(name_of(case), b""), site.token_of(case))
                for case, answers in zip(cases, came)]
    assert not seen
    for outcome in outcomes[:1]:
        look_at_honest(site, outcome)
    return outcomes


def name_of(case):
    return b"".join(p for p in case.sent if isinstance(p, bytes))[:200].split(
        b" ")[1].rsplit(b"/", 1)[-1].decode() if case.said else case.name


def tell(theme, outcomes):
    bad = [f"{theme}: {o.case.name}: {fault}" for o in outcomes for fault in o.faults]
    assert not bad, "\n".join([*bad, f"{len(bad)} faults in {len(outcomes)} cases"])


def wait_for_entries(site, outcomes):
    """An entry is told to the recorder with the answer, and is published after it."""
    ids = {o.calls[0][0] for o in outcomes if o.calls and o.calls[0][0]}
    wait_for(lambda: ids <= set(site.calls()), "all of their entries", 20)


@pytest.mark.parametrize("theme", THEMES)
def test_hostile(site, theme):
    known = set(site.calls())
    workers = site.workers_now()
    cases = THEMES[theme].CASES
    assert len({case.name for case in cases}) == len(cases)
    site.make_tokens(cases)
    if any(case.want[0][0] == 401 for case in cases):
        time.sleep(1)  # of strangers a worker tells 200 one by one in a second: a new one begins
    outcomes = [run(site, case) for case in cases if case.alone]
    outcomes += run_beside(site, [case for case in cases if not case.alone])
    wait_for_entries(site, outcomes)
    entries = {c: e for c, e in site.calls().items() if c not in known}
    for o in outcomes:
        o.look_at_entries(entries)
    rest = [w.get("reason") for found in entries.values() for k, w in found]
    for o in outcomes:
        o.look_at_rest(rest)
    tell(theme, outcomes)
    assert not rest, f"entries of no case: {entries}"
    assert site.workers_now() == workers
    assert MARK.decode() not in "\n".join(site.recorder.lines())


def bare(entries):
    """Without what is of one call only; where strangers are many, that is its time as well."""
    own = ("call", "backend_ns", "from")
    return [(kind, {k: v for k, v in what.items() if k not in own}) for kind, what in entries]


def test_http2_is_the_same(site):
    """What can be said in HTTP/2 as well comes to the same: answer, entries, what the back-end
    sees."""
    few = {"tokens": 5, "answers": 3, "bodies": 3}  # one field's affair, or behind all of it
    cases = [(f"{theme}: {c.name}", c, frames) for theme, module in THEMES.items()
             if theme != "http2" for c in module.CASES[::few.get(theme, 1)]
             if (frames := same.frames_of(c))]
    assert len(cases) > 380
    site.make_tokens([c for _, c, _ in cases])
    pairs = []
    for name, case, frames in cases:
        pair = []
        for send, what in ((site.send, case),
                           (site.send2, dataclasses.replace(case, sent=frames))):
            if case.said:  # on a connection that is kept
                assert site.lives()
                site.back.take()
            site.back.said = case.said
            pair.append(Outcome(case, send(what), site.back.take(), site.token_of(case)))
            site.back.said = None
            if case.said:
                site.back.hang_up()
        pairs.append((name, *pair))
        if case.want[0][0] == 401:
            time.sleep(0.015)  # of strangers a worker tells 200 one by one in a second
    wait_for_entries(site, [o for _, *pair in pairs for o in pair])
    calls, faults = site.calls(), []
    for name, one, two in pairs:
        mine = [bare(calls[o.calls[0][0]]) if o.calls and o.calls[0][0] else None
                for o in (one, two)]
        faults += [f"{name}: {fault}" for fault in two.faults]
        if mine[0] != mine[1] or not mine[0]:
            faults.append(f"{name}: {mine[0]} and {mine[1]}")
    assert not faults, "\n".join(faults)


def test_keys_come_and_go(site):
    """A token that is remembered is worth nothing any more once its key is withdrawn."""
    ed, rsa = (site.maker.token(tokens.Token({"alg": alg, "kid": key}, {}, key)).decode()
               for alg, key in (("EdDSA", "ed"), ("RS256", "rsa")))

    def status(token):
        return site.call("GET", "/api/things/A", token=token)[0]

    try:
        assert (status(ed), status(rsa)) == (200, 200)
        site.put_set(site.maker.jwks("rsa"))
        wait_for(lambda: status(ed) == 401, "the end of a key")
        assert status(rsa) == 200
        site.put_set(site.maker.jwks("ed", "rsa").replace('"kid":"ed"', '"kid":"new"'))
        wait_for(lambda: status(site.maker.token(
            tokens.Token({"kid": "new"})).decode()) == 200, "a new name of a key")
        assert (status(ed), status(rsa)) == (401, 200)
    finally:
        site.put_set(site.maker.jwks())


def test_a_session_does_not_outlive_its_certificate(site):
    """Revoked meanwhile: whoever goes on with a session from before is nobody."""
    tls = certificates.Tls("e", certificates.GOOD, v12=True)
    path = site.top / "revoked.pem"
    before = path.read_text()

    def status(session, *args):
        with site.authorities.shake(site, context, tls, session) as s:
            s.sendall(certificates.ask(b"machines", "e"))
            data = b"".join(iter(lambda: s.recv(65536), b""))
            return int(data[9:12]), s.session, s.session_reused

    def reload():
        workers = site.workers_now()
        site.reload()
        wait_for(lambda: not set(workers) & set(site.workers_now()) and site.workers_now(),
                 "other workers")

    context = site.authorities.context(tls)
    try:
        good, session, _ = status(None)
        again, session, reused = status(session)
        assert (good, again, reused) == (200, 200, True)
        path.write_text(site.authorities.issuers["a"].revoke(tls.cert.serial))
        reload()
        assert status(session)[::2] == (401, True)
    finally:
        path.write_text(before)
        reload()
        assert status(None)[0] == 200


def test_renegotiation(site):
    """With TLS 1.2 nobody shakes hands a second time, to be somebody else then."""
    cert, key = site.authorities.files_of(certificates.GOOD)
    for begin, served in ((b"", True), (b"R\n", False)):
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{site.authorities.port}", "-tls1_2",
             "-servername", "a" + certificates.HOST, "-cert", cert, "-key", key, "-ign_eof"],
            input=begin + certificates.ask(), capture_output=True, timeout=30)
        assert (b"HTTP/1.1 200 OK" in done.stdout) == served, done
    site.back.take()


def test_a_hundred_streams(site):
    """At once, two of which are refused: the others are served as if these had not been."""
    known = set(site.calls())
    paths = {0: b"/api/nothing", 50: b"/api/admin"}
    case = http2.case("100 streams", [
        http2.head(http2.fields(path=paths.get(i, b"/api/things/A")), stream=2 * i + 1)
        for i in range(100)], *[(200, PASS)] * 100)
    came = site.send2(case)
    site.back.take()
    assert sorted(a[0] for a in came) == [200] * 98 + [403, 404]
    ends = [[(k, w.get("reason")) for k, w in e] for c, e in site.calls().items() if c not in known]
    assert sorted(ends, key=len) == [[("api.denied", "path")], [("api.denied", "policy")],
                                     *[[("api.intent", None), ("api.outcome", None)]] * 98]


def test_reset_after_the_intent(site):
    """Streams that are reset while the back-end is at them: what it does is recorded once, to its
    end, and nothing of them stays."""
    known = set(site.calls())
    files = pathlib.Path(f"/proc/{site.workers_now()[0]}/fd")
    asked = [f"R{i}" for i in range(100)]
    for name in asked:
        site.back.by_name[name] = [1.0, THING]
    frames = [http2.head(http2.fields(path=f"/api/things/{name}".encode()), stream=2 * i + 1)
              for i, name in enumerate(asked)]
    resets = [http2.Frame(http2.RST, 0, 2 * i + 1, b"\0\0\0\x08") for i in range(100)]
    begin = http2.PREFACE + http2.Frame(http2.SETTINGS, 0, 0).bytes(b"")
    before = len(list(files.iterdir()))

    def ends():
        return {c: e for c, e in site.calls().items() if c not in known}

    with site.connect(site.port2) as s:
        s.sendall(begin + b"".join(f.bytes(site.token.encode()) for f in frames))
        wait_for(lambda: sum(f"/things/{n} ".encode() in b"".join(site.back.seen)
                             for n in asked) == 100, "all of them at the back-end")
        s.sendall(b"".join(f.bytes(b"") for f in resets))
        wait_for(lambda: [len(e) for e in ends().values()] == [2] * 100, "the end of each")
        for entries in ends().values():
            assert [k for k, _ in entries] == ["api.intent", "api.outcome"]
            assert entries[1][1]["result"] == "answered"
        data = http2.head(http2.fields(), stream=201).bytes(site.token.encode())
        s.sendall(data)  # the connection goes on
        wait_for(lambda: len(ends()) == 101, "another call of the connection")
    site.back.by_name.clear()
    site.back.hang_up()
    wait_for(lambda: len(list(files.iterdir())) <= before, "no connection that stays")
    site.back.take()
    assert site.lives()
    site.back.take()


def test_rapid_reset(site):
    """Streams that are reset as soon as they are asked for (CVE-2023-44487): what a back-end got is
    in the ledger with its end, nothing is left, and others are served."""
    known = set(site.calls())
    frames = [http2.Frame(http2.SETTINGS, 0, 0)]
    for stream in range(1, 2001, 2):
        frames += [http2.head(http2.fields(), stream=stream),
                   http2.Frame(http2.RST, 0, stream, b"\0\0\0\x08")]
    data = http2.PREFACE + b"".join(f.bytes(site.token.encode()) for f in frames)
    with site.connect(site.port2) as s:
        with contextlib.suppress(ConnectionError):
            s.sendall(data)
        wait_for(site.lives, "a call beside them")  # of a back-end that has them all at once

    def ends():
        return [[k for k, _ in e if k != "api.values"] for c, e in site.calls().items()
                if c not in known]

    wait_for(lambda: all(e in (["api.intent", "api.outcome"], ["api.denied"]) for e in ends()),
             "an end of each call")
    assert ends()
    seen = site.back.take()
    calls = site.calls()
    for call in CALL.findall(seen):
        assert calls[call.decode()][0][0] == "api.intent"
    assert site.workers_now() and site.lives()
