# SPDX-License-Identifier: Apache-2.0
"""Whatever a peer sends, it is told what was wrong and where, and nobody else notices."""
import hashlib
import json
import os
import re
import struct
import subprocess
import time

import pytest

from recorder_host import (ACK, APPEND, COMMAND, ENTRY_MAX, HELLO, MSG_MAX, NAK, REPLY, STOPPED,
                           TIME, WELCOME, WINDOW, Closed, Peer, Recorder, bytes8, bytes16, bytes32,
                           canonical, change, check_runs, message, sent, wait_for)

EINVAL, E2BIG, EACCES, ENOTSUP = 22, 7, 13, 95


class Shared:
    """One recorder and one well-behaved writer for all of these: what they survive, they survive
    together.  Only a test that kills the recorder has the next one begin anew."""

    def __init__(self, factory):
        self.factory, self.recorder = factory, None

    def get(self):
        if self.recorder is None or self.recorder.process.poll() is not None:
            self.recorder = Recorder(self.factory.mktemp("recorder")).start()
            self.bystander = Peer(self.recorder)
        return self.recorder

    def check(self):
        """The other writer still writes, over the same connection."""
        assert isinstance(self.bystander.put(change()), int)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    s = Shared(tmp_path_factory)
    yield s
    r = s.get()
    r.end()
    check_runs(r.entries())
    r.verify()


@pytest.fixture
def recorder(shared):
    r = shared.get()
    r.mark = r.command("status")["size"]
    yield r
    shared.check()


def raw(**more):
    return canonical({**change(), **more})


def text(value):
    return canonical(change())[:-1] + value


GOOD = canonical(change("/good"))
DEEP = b'{"k":"integrity.change","t":"%s","v":1,"what":%s%s}' % (
    TIME.encode(), b"[" * 99, b"]" * 99)
USER = [(b"uid:1", b"who.user", b'"u"')]

# name, skeleton, sensitive fields, code, words that say what and where
REFUSED = [
    ("empty", b"", [], EINVAL, ["byte 0"]),
    ("no JSON", b"hello", [], EINVAL, ["byte 0"]),
    ("cut short", GOOD[:-1], [], EINVAL, ["byte"]),
    ("more behind", GOOD + b" ", [], EINVAL, [f"byte {len(GOOD)}"]),
    ("blank inside", GOOD.replace(b":", b": ", 1), [], EINVAL, ["byte"]),
    ("duplicate key", b'{"k":1,"k":2}', [], EINVAL, ["byte 7", "k"]),
    ("keys out of order", b'{"t":1,"k":2}', [], EINVAL, ["byte 7"]),
    ("float", GOOD.replace(b'"v":1', b'"v":1.5'), [], EINVAL, ["byte"]),
    ("exponent", GOOD.replace(b'"v":1', b'"v":1e3'), [], EINVAL, ["byte"]),
    ("minus zero", GOOD.replace(b'"v":1', b'"v":-0'), [], EINVAL, ["byte"]),
    ("leading zero", GOOD.replace(b'"v":1', b'"v":01'), [], EINVAL, ["byte"]),
    ("number too large", GOOD.replace(b'"v":1', b'"v":9007199254740992'), [], EINVAL, ["byte"]),
    ("invalid UTF-8", GOOD.replace(b"/good", b"/go\xffd"), [], EINVAL,
     [f"byte {GOOD.index(b'/good') + 3}"]),
    ("overlong UTF-8", GOOD.replace(b"/good", b"/\xc0\xaf"), [], EINVAL, ["byte"]),
    ("surrogate", GOOD.replace(b"/good", b"/\xed\xa0\x80"), [], EINVAL, ["byte"]),
    ("escape that is none of ours", GOOD.replace(b"/good", b"\\/good"), [], EINVAL, ["byte"]),
    ("escaped surrogate", GOOD.replace(b"/good", b"\\ud800"), [], EINVAL, ["byte"]),
    ("control character", GOOD.replace(b"/good", b"\x01"), [], EINVAL, ["byte"]),
    ("NUL", GOOD.replace(b"/good", b"\x00"), [], EINVAL, ["byte"]),
    ("key with a capital", b'{"K":1}', [], EINVAL, ["byte"]),
    ("too deep", DEEP, [], E2BIG, ["byte"]),
    ("an array", b"[]", [], EINVAL, ["byte 0", "object"]),
    ("a number", b"7", [], EINVAL, ["object"]),
    ("no kind", b'{"t":"%s","v":1}' % TIME.encode(), [], EINVAL, ["k is missing"]),
    ("unknown kind", raw(k="no.such"), [], EINVAL, ["unknown kind", "no.such"]),
    ("unknown kind, cut inside a character", raw(k="\u20ac" * 40), [], EINVAL, ["unknown kind"]),
    ("unknown version", raw(v=2), [], EINVAL, ["unknown kind", "integrity.change", "v2"]),
    ("kind of somebody else", canonical({"k": "ledger.full", "t": TIME, "v": 1,
                                         "what": {"size": 1}}), [], EACCES,
     ["ledger.full", "recorder", "sensor"]),
    ("a forged refusal", canonical({"k": "ledger.refused", "t": TIME, "v": 1,
                                    "what": {"bytes": 1, "digest": "0" * 64, "reason": "x"}}), [],
     EACCES, ["ledger.refused"]),
    ("no time", raw(t="yesterday"), [], EINVAL, ["t is missing or no time"]),
    ("required field missing", canonical({"k": "integrity.change", "t": TIME, "v": 1, "what": {
        "change": "created", "path": "/x"}, "why": {"state": "unexplained"}}), [], EINVAL,
     ["integrity.change v1", "what.seen"]),
    ("unknown field", canonical(change(nonsense=1)), [], EINVAL, ["what.nonsense"]),
    ("field of another type", canonical(change(path=7)), [], EINVAL, ["what.path", "string"]),
    ("unknown part", raw(extra={}), [], EINVAL, ["extra"]),
    ("sensitive field in clear", raw(who={"user": "root"}), [], EINVAL, ["who.user", "sensitive"]),
    ("the recorder's part _sd", raw(_sd=[]), [], EINVAL, ["_sd"]),
    ("the recorder's part id", raw(id="mine"), [], EINVAL, ["id"]),
    ("the recorder's part src", raw(src={"proc": "recorder"}), [], EINVAL, ["src"]),
    ("too long", canonical(change("/" + "x" * ENTRY_MAX)), [], E2BIG, [str(ENTRY_MAX)]),
    ("too long with what we add", canonical(change("/" + "x" * (ENTRY_MAX - 200))), [], E2BIG,
     [str(ENTRY_MAX)]),
    ("sensitive: no such field", raw(), [(b"uid:1", b"who.hat", b'"u"')], EINVAL,
     ["who.hat", "not a field"]),
    ("sensitive: not so", raw(), [(b"uid:1", b"who.uid", b"1")], EINVAL, ["who.uid"]),
    ("sensitive: bytes for a name", raw(), [(b"uid:1", b"who.\xff\xfe", b"1")], EINVAL, ["who."]),
    ("sensitive: a long name of bytes", raw(), [(b"uid:1", b"w" + b"\xe2\x82\xac" * 80, b"1")],
     EINVAL, ["field"]),
    ("sensitive: NUL in the name", raw(), [(b"uid:1", b"who\x00user", b"1")], EINVAL, ["who"]),
    ("sensitive: twice", raw(), USER + USER, EINVAL, ["who.user", "twice"]),
    ("sensitive: no JSON", raw(), [(b"uid:1", b"who.user", b"root")], EINVAL, ["who.user"]),
    ("sensitive: float", raw(), [(b"uid:1", b"who.user", b"1.5")], EINVAL, ["who.user"]),
    ("sensitive: invalid UTF-8", raw(), [(b"uid:1", b"who.user", b'"\xff"')], EINVAL,
     ["who.user", "byte 1"]),
    ("sensitive: empty", raw(), [(b"uid:1", b"who.user", b"")], EINVAL, ["who.user"]),
    ("sensitive: no subject", raw(), [(b"", b"who.user", b'"u"')], EINVAL,
     ["who.user", "subject"]),
    ("sensitive: long subject", raw(), [(b"x" * 129, b"who.user", b'"u"')], EINVAL,
     ["who.user", "129"]),
    ("sensitive: too large", raw(), [(b"uid:1", b"who.user", b'"' + b"u" * 70000 + b'"')], None,
     ["who.user"]),
]


@pytest.mark.parametrize("skeleton, fields, code, words", [r[1:] for r in REFUSED],
                         ids=[r[0] for r in REFUSED])
def test_refused(recorder, skeleton, fields, code, words):
    with Peer(recorder) as p:
        p.put(change(), (skeleton, fields), change())
        assert (sorted(p.acks), sorted(p.naks)) == ([1, 3], [2])
        got, said = p.naks[2]
        assert code in (None, got), said
        for word in words:
            assert word in said
        # In its place, with the same words but the writer's own, and what was refused.
        first, place, third = recorder.entries()[p.acks[1]:p.acks[3] + 1]
        assert first["k"] == third["k"] == "integrity.change"
        assert place["k"] == "ledger.refused"
        assert place["src"] == {"host": "h", "proc": "sensor", "run": p.run, "seq": 2}
        what = place["what"]
        assert what["reason"] == re.sub('".*"', '"..."', said) and what["code"] == -got
        assert what["digest"] == hashlib.sha256(skeleton).hexdigest()
        assert (what["bytes"], what["run"], what["seq"]) == (len(skeleton), p.run, 2)


@pytest.mark.parametrize("skeleton, fields", [
    (raw(k='jane_doe'), []), (raw(k='a "jane_doe" b'), []), (raw(jane_doe=1), []),
    (canonical(change(jane_doe="x")), []), (b'{"k":1,"jane_doe":2}', []),
    (raw(), [(b"uid:1", b"jane_doe", b'"u"')]), (raw(), [(b"uid:1", b'"x" jane_doe', b'"u"')])])
def test_a_writers_own_words_stay_out_of_the_ledger(recorder, skeleton, fields):
    """What it was is for the writer to hear; the ledger cannot forget anything."""
    with Peer(recorder) as p:
        p.put((skeleton, fields))
        assert "jane" in p.naks[1][1] or "plain string" in p.naks[1][1]
        entry = recorder.entries("ledger.refused")[-1]
        assert entry["what"]["reason"].split('"')[0] == p.naks[1][1].split('"')[0]
        assert "jane" not in json.dumps(recorder.entries())
    with Peer(recorder, hello=False) as p:
        p.send_hello("jane_doe")
        assert p.dropped()
    wait_for(lambda: [e for e in recorder.entries("ledger.peer")
                      if '"..."' in e["what"].get("reason", "")], "what is told of the peer")
    assert "jane" not in json.dumps(recorder.entries())


@pytest.mark.parametrize("skeleton, fields, code, words", [r[1:] for r in REFUSED],
                         ids=[r[0] for r in REFUSED])
def test_refused_again_when_it_comes_again(recorder, skeleton, fields, code, words):
    """Regression: what only the composer refused was acknowledged when it was sent again."""
    with Peer(recorder) as p:
        p.put((skeleton, fields))
        refusal, run = p.naks[1], p.run
    size = len(recorder.entries())
    with Peer(recorder, resume=run) as p:
        assert (p.run, p.last) == (run, 1)
        p.append((skeleton, fields), first=1, acked=0)
        p.settle()
        assert p.naks == {1: refusal} and p.acks == {}
    assert size < len(recorder.entries()) <= size + 4  # that writers came and went


def violations(recorder):
    """Those of this test."""
    found = [json.loads(line) for line in recorder.lines()[recorder.mark:]]
    return [e["what"] for e in found if e["k"] == "ledger.peer" and
            e["what"]["event"] == "violation"]


def dropped_for(recorder, peer, *words):
    """That connection ends, and the ledger says why."""
    assert peer.dropped()
    what = violations(recorder)[-1]
    assert what["uid"] == os.geteuid() and what["pid"] == os.getpid()
    for word in words:
        assert word in what["reason"], what["reason"]
    return what


def header(magic=0x5941, version=1, kind=APPEND, length=0):
    return struct.pack("<HBBI", magic, version, kind, length)


ONE = message(APPEND, struct.pack("<QH", 0, 1) + sent(1, canonical(change()), USER))
GARBAGE = [
    ("one byte", b"A"),
    ("half a header", header()[:5]),
    ("a header alone", header()),
    ("wrong magic", header(magic=0x4159) + b"x"),
    ("wrong version", header(version=2)),
    ("type 0", header(kind=0)),
    ("type 9", header(kind=9)),
    ("type 255", header(kind=255)),
    ("longer than it says", ONE + b"x"),
    ("shorter than it says", header(length=1000) + b"x" * 999),
    ("length 2^32-1", header(length=0xffffffff)),
    ("no count", message(APPEND, bytes(9))),
    ("count too large", message(APPEND, struct.pack("<QH", 0, 65535))),
    ("count too small", message(APPEND, struct.pack("<QH", 0, 0) + sent(1, raw()))),
    ("skeleton of 4 GiB", message(APPEND, struct.pack("<QHQI", 0, 1, 1, 0xffffffff))),
    ("17 sensitive fields", message(APPEND, struct.pack("<QH", 0, 1) + sent(1, raw(), USER * 17))),
    ("255 fields, none there", message(APPEND, struct.pack("<QHQ", 0, 1, 1) + bytes32(raw()) +
                                       b"\xff")),
    ("hello again", message(HELLO, bytes8(b"sensor") + bytes(8))),
    ("a welcome", message(WELCOME, bytes(20) + bytes8(b"h"))),
    ("an acknowledgement", message(ACK, struct.pack("<HQQI", 1, 1, 1, 1))),
    ("a refusal", message(NAK, struct.pack("<QI", 1, 22) + bytes16(b"no"))),
    ("a reply", message(REPLY, struct.pack("<I", 0) + bytes32(b"{}"))),
    ("a stop", message(STOPPED, struct.pack("<I", 5) + bytes16(b"stop"))),
    ("a command, from a writer", message(COMMAND, bytes8(b"publish") + bytes32(b"{}"))),
    ("sequence 0", message(APPEND, struct.pack("<QH", 0, 1) + sent(0, raw()))),
    ("sequence 2 first", message(APPEND, struct.pack("<QH", 0, 1) + sent(2, raw()))),
    ("sequence 2^64-1", message(APPEND, struct.pack("<QH", 0, 1) + sent(2**64 - 1, raw()))),
    ("above the largest", message(APPEND, bytes(MSG_MAX - 7))),
]


@pytest.mark.parametrize("packet", [g[1] for g in GARBAGE], ids=[g[0] for g in GARBAGE])
def test_garbage(recorder, packet):
    with Peer(recorder) as p:
        p.sock.send(packet)
        what = dropped_for(recorder, p)
        assert (what["proc"], what["run"]) == ("sensor", p.run) and what["reason"]


@pytest.mark.parametrize("packet", [b"A", header(), ONE, header(kind=HELLO, length=1) + b"\xff",
                                    message(HELLO, bytes8(b"sensor")),
                                    message(HELLO, bytes8(b"sensor") + bytes(9)),
                                    message(COMMAND, bytes8(b"status") + bytes32(b"{}"))])
def test_garbage_for_a_hello(recorder, packet):
    with Peer(recorder, hello=False) as p:
        p.sock.send(packet)
        assert "run" not in dropped_for(recorder, p)


def test_a_message_cut_at_every_length(recorder):
    """Nothing of it may be taken as an entry unless it is whole."""
    for n in range(1, len(ONE)):
        with Peer(recorder) as p:
            p.sock.send(ONE[:n])
            assert p.dropped()
            p.sock.close()
            wrong = bytearray(ONE[:n])
            if n >= 8:
                wrong[4:8] = struct.pack("<I", n - 8)
                with Peer(recorder) as q:
                    q.sock.send(bytes(wrong))
                    assert q.dropped() and q.acks == q.naks == {}
    assert len(violations(recorder)) == 2 * len(ONE) - 9


@pytest.mark.parametrize("proc, words", [
    ("sensors", ['speak as "..."']), ("", ["speak"]), ("recorder", ["recorder"]), ("job", ["job"]),
    ("projector", ["projector"]), ("x" * 255, ['speak as "..."']),
    (b"\xff\xfe\x00", ['speak as "..."']), ("\u20ac" * 40, ['speak as "..."'])])
def test_unknown_names(recorder, proc, words):
    with Peer(recorder, hello=False) as p:
        p.send_hello(proc)
        dropped_for(recorder, p, *words)


def test_a_gap(recorder):
    with Peer(recorder) as p:
        p.put(change())
        p.append(change(), first=3)
        dropped_for(recorder, p, "sequence 3 where 2 is due")


def test_resend_of_what_is_acknowledged(recorder):
    with Peer(recorder) as p:
        index = p.put(change("/again"))
        p.append(change("/again"), first=1, acked=0)  # it may not have read the answer
        p.append(change("/two"), first=2, acked=0)
        p.settle()
        assert p.acks[1] == index
        p.append(change("/three"), acked=2)
        p.settle()
        p.append(change("/two"), first=2, acked=2)
        dropped_for(recorder, p, "sequence 2 again")
    assert [e["what"]["path"] for e in recorder.entries("integrity.change")
            if e["src"]["run"] == p.run] == ["/again", "/two", "/three"]


def test_acknowledging_what_was_never_sent(recorder):
    with Peer(recorder) as p:
        p.append(change(), acked=2**64 - 1)
        p.settle()
        p.append(change(), acked=77)
        p.settle()
        assert len(p.acks) == 2


def test_a_message_of_many(recorder):
    with Peer(recorder) as p:
        p.put(*[change() for _ in range(WINDOW)])
        first = p.acks[1]
        assert p.acks == {1 + i: first + i for i in range(WINDOW)}


def test_never_taking_acknowledgements(recorder):
    with Peer(recorder) as p:
        for _ in range(WINDOW + 1):
            p.append(change(), acked=0)
        dropped_for(recorder, p, "acknowledgements")


def test_never_taking_refusals(recorder):
    """Regression: the 513th entry stopped the recorder when it was one to refuse."""
    with Peer(recorder) as p:
        for _ in range(WINDOW):
            p.append(change(), acked=0)
        p.settle()
        p.append(b"{}", acked=0)
        dropped_for(recorder, p, "acknowledgements")
    with Peer(recorder) as p:
        try:
            for _ in range(WINDOW + 1):
                p.append(b"{}", acked=0)
        except OSError:
            pass
        dropped_for(recorder, p, "acknowledgements")


def test_never_reading(recorder):
    """Claims to have read its answers and does not: they pile up only so far."""
    with Peer(recorder) as p:
        p.sock.setblocking(False)
        end = time.monotonic() + 30
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < end:
                try:
                    p.append(b"[]", acked=p.seq)
                except BlockingIOError:
                    p.seq -= 1
    assert "does not read" in violations(recorder)[-1]["reason"]


def test_writers_come_and_go(recorder):
    """More of them than the ledger remembers."""
    for _ in range(150):
        with Peer(recorder) as p:
            assert isinstance(p.put(change()), int)
    check_runs(recorder.entries())


def test_commands_push_nobody_out(recorder):
    """Regression: each command took one of the places kept for writers who come again."""
    with Peer(recorder) as p:
        index = p.put(change("/kept"))
    for _ in range(140):
        recorder.command("status")
    with Peer(recorder, resume=p.run) as again:
        assert (again.run, again.last) == (p.run, 1)
        again.append(change("/kept"), first=1, acked=0)
        again.settle()
        assert again.acks == {1: index}


def test_more_peers_than_fit(recorder):
    peers = []
    try:
        while len(peers) < 200:
            peers.append(Peer(recorder))
    except (Closed, OSError):
        pass
    try:
        assert 70 <= len(peers) <= 80
        for p in peers:
            p.append(change())
        for p in peers:
            p.settle()
        wait_for(lambda: "recorder.turned_away" in recorder.log_path.read_text(), "a word of it")
    finally:
        for p in peers:
            p.sock.close()
    del peers
    wait_for(lambda: recorder.command("status")["peers"] == 2, "their leaving")  # we and bystander


AS_NOBODY = """
import os, sys
sys.path.insert(0, sys.argv[1])
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
s.connect(sys.argv[2])
s.settimeout(10)
try:
    s.send(bytes.fromhex(sys.argv[3]))
    sys.exit(1 if s.recv(100) else 0)
except ConnectionError:
    sys.exit(0)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("proc", [b"sensor", b"admin", b"gateway"])
def test_another_user(recorder, proc):
    os.chmod(recorder.run.parent, 0o755)
    for parent in list(recorder.run.parents)[:3]:
        os.chmod(parent, 0o755)
    hello = message(HELLO, bytes8(proc) + bytes(8))
    done = subprocess.run(["/usr/bin/python3", "-I", "-c", AS_NOBODY, os.path.dirname(__file__),
                           recorder.run / "recorder.sock", hello.hex()], capture_output=True)
    assert done.returncode == 0, done
    wait_for(lambda: "uid=65534" in recorder.log_path.read_text(), "who was turned away")


# ---- runs ----

def test_resume(recorder):
    with Peer(recorder) as p:
        p.put(change("/1"), change("/2"))
    with Peer(recorder, resume=p.run) as again:
        assert (again.run, again.last) == (p.run, 2)
        again.put(change("/3"))
    last = [e for e in recorder.entries("ledger.peer") if e["what"].get("run") == p.run]
    assert [e["what"]["event"] for e in last[:3]] == ["connected", "gone", "connected"]
    assert last[2]["what"]["resumed"] is True


def test_two_connections_with_one_run(recorder):
    with Peer(recorder) as old:
        old.put(change())
        with Peer(recorder, resume=old.run) as new:
            assert (new.run, new.last) == (old.run, 1)
            assert old.dropped()
            new.put(change())
    check_runs(recorder.entries())


@pytest.mark.parametrize("run", [2**64 - 1, 2**60, 2**53, 10**6])
def test_a_run_that_is_nobodys(recorder, run):
    with Peer(recorder, resume=run) as p:
        assert 0 < p.run < 10**5 and p.last == 0
        assert isinstance(p.put(change()), int)


def test_the_run_of_another_role(recorder):
    with Peer(recorder) as p:
        p.put(change())
    with Peer(recorder, "gateway", resume=p.run) as other:
        assert other.run != p.run and other.last == 0
    with Peer(recorder, "gateway", resume=1) as other:  # the recorder's own
        assert other.run != 1


def test_a_run_that_wrote_nothing_is_a_new_one(recorder):
    with Peer(recorder) as p:
        pass
    with Peer(recorder, resume=p.run) as again:
        assert again.run != p.run and again.last == 0


# ---- commands ----

COMMANDS = [
    ("nonsense", {}, ENOTSUP, "command"), ("", {}, ENOTSUP, "command"),
    ("x" * 255, {}, ENOTSUP, "command"),
    ("hold", {}, EINVAL, "reason"), ("hold", {"reason": "r"}, EINVAL, "state"),
    ("hold", {"reason": "r", "state": "maybe", "subject": "uid:1"}, None, ""),
    ("hold", {"reason": "", "state": "set", "subject": "uid:1"}, EINVAL, "reason"),
    ("hold", {"reason": 7, "state": "set", "subject": "uid:1"}, EINVAL, "reason"),
    ("hold", {"reason": "x" * 5000, "state": "set", "subject": "uid:1"}, EINVAL, "reason"),
    ("erase", {}, EINVAL, "basis"), ("erase", {"basis": "b"}, EINVAL, "policy"),
    ("erase", {"basis": "b", "policy": "p", "subject": "no:one"}, 2, ""),
    ("erase", {"basis": "b", "policy": "p", "subject": "x" * 22}, EINVAL, "no subject id"),
    ("rotate", {}, EINVAL, "reason"),
    ("prune", {}, EINVAL, "min_index"),
    ("prune", {"min_index": -1}, EINVAL, "min_index"),
    ("prune", {"min_index": 0}, EINVAL, "policy"),
    ("prune", {"min_index": 0, "policy": "p", "policy_sha256": "zz"}, EINVAL, "policy_sha256"),
    ("prune", {"min_index": 0, "policy": [], "policy_sha256": "0" * 64}, EINVAL, "policy"),
    ("prune", {"min_index": 0, "policy": "p", "policy_sha256": "0" * 64, "until": "never"},
     EINVAL, "until"),
    ("stamp", {}, EINVAL, "size"),
    ("stamp", {"size": 1}, EINVAL, "note"),
    ("stamp", {"size": 1, "note": "?", "reply": "AAAA"}, EINVAL, "note"),
    ("stamp", {"size": 10**15, "note": "AAAA", "reply": "AAAA"}, EINVAL, "published"),
    ("stamp", {"size": 1, "note": "AAAA", "reply": "AAAA"}, EINVAL, "what."),
    ("stamp", {"size": 1, "note": "AAAA", "reply": "AAAA", "digest": 7, "root": "0" * 64,
               "time": TIME}, EINVAL, "digest"),
    ("succeed", {}, EINVAL, "next_origin"),
    ("succeed", {"next_origin": "x/2"}, EINVAL, "next_vkey"),
    ("succeed", {"next_origin": {}, "next_vkey": 1}, EINVAL, "next_origin"),
]


@pytest.mark.parametrize("verb, args, code, word", COMMANDS)
def test_commands_that_make_no_sense(recorder, verb, args, code, word):
    """Regression: a field of the wrong type in one of them stopped the recorder."""
    size = len(recorder.entries())
    got, said = recorder.command(verb, **args)
    assert code in (None, got), said
    assert word in said
    assert len(recorder.entries()) == size
    assert not (recorder.private / "pending" / "erase").exists()


@pytest.mark.parametrize("args", [b"", b"[]", b"7", b"null", b"{", b'{"a":1.5}', b"\xff"])
@pytest.mark.parametrize("verb", [b"status", b"hold"])
def test_arguments_that_are_no_object(recorder, verb, args):
    with Peer(recorder, "admin") as p:
        p.send(COMMAND, bytes8(verb) + bytes32(args))
        p.hear()
        assert p.reply[0] == EINVAL and p.reply[1]["error"]


def test_a_second_command_waits_for_nobody(recorder):
    with Peer(recorder, "admin") as a:
        a.send(COMMAND, bytes8(b"publish") + bytes32(b"{}"))
        a.send(COMMAND, bytes8(b"status") + bytes32(b"{}"))
        assert a.hear() == REPLY and a.hear() == REPLY


def test_an_administrator_writes_nothing(recorder):
    with Peer(recorder, "admin") as p:
        p.append(change())
        assert "not for it to send" in dropped_for(recorder, p)["reason"]


def test_reasons_are_kept_as_they_are(recorder):
    with Peer(recorder) as p:
        p.put((change(), [(b"uid:77", b"who.user", b'"x"')]))
    reason = 'a "quoted" \\ reason\n\u20ac \U0001f600\x01'
    recorder.command("hold", subject="uid:77", state="set", reason=reason)
    assert recorder.entries("ledger.hold")[-1]["what"]["reason"] == reason
