# SPDX-License-Identifier: Apache-2.0
"""assay log on a ledger of entries as the sensor writes them."""
import datetime
import json
import os
import signal
import subprocess
import time

import pytest

from assay_tool import BIN, assay, good, lines, refused

START = datetime.datetime(2026, 11, 25, 12, 0, 0)


def change(n, path, kind="modified", **who):
    at = START + datetime.timedelta(minutes=n)
    return {"id": f"e{n}", "k": "integrity.change",
            "src": {"host": "h", "proc": "sensor", "run": 1, "seq": n + 1},
            "t": at.strftime("%Y-%m-%dT%H:%M:%S.000000000Z"), "v": 1,
            "what": {"change": kind, "path": path, "seen": "live"},
            "who": {"exe": "/usr/bin/vim", "pid": 100 + n, "uid": 0, **who},
            "why": {"state": "unexplained"}}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    entries = [change(n, f"/etc/{'ssh/' if n % 3 == 0 else ''}f{n}", uid=n % 5)
               for n in range(600)]
    entries[17]["k"] = "integrity.gap"
    entries[17]["what"] = {"from": "2026-11-25T12:00:00.000000000Z", "reason": "overflow",
                           "until": "2026-11-25T12:17:00.000000000Z"}
    good("ledger", "append", path, data=lines(*entries))
    return path


def ids(path, *args):
    return [json.loads(line)["id"] for line in good("log", path, "--json", *args).splitlines()]


def names(*numbers):
    return [f"e{n}" for n in numbers]


def test_all_in_order(ledger):
    assert ids(ledger) == names(*range(600))
    assert ids(ledger, "--reverse") == names(*reversed(range(600)))


@pytest.mark.parametrize("args, want", [
    (("--limit", "3"), [597, 598, 599]),
    (("--limit", "3", "--reverse"), [599, 598, 597]),
    (("--limit", "300"), list(range(300, 600))),
    (("--kind", "integrity.gap"), [17]),
    (("--kind", "integrity.g*", "--kind", "ledger.*"), [17]),
    (("--kind", "integrity.gap", "--path", "*"), []),
    (("--path", "/etc/ssh/*", "--limit", "2"), [594, 597]),
    (("--path", "/etc/f10"), [10]),
    (("--actor", "3", "--limit", "2"), [593, 598]),
    (("--actor", "vim", "--limit", "1"), [599]),
    (("--actor", "105"), [5]),
    (("--actor", "alice"), []),
    (("--actor", "sensor", "--limit", "1"), [599]),
    (("--until", "2026-11-25T12:03:00Z"), [0, 1, 2]),
    (("--since", "2026-11-25T21:58:00Z"), [598, 599]),
    (("--since", "2026-11-25T12:05:00+00:00", "--until", "2026-11-25 12:07"), [5, 6]),
    (("--since", "2026-11-25 12:05", "--until", "2026-11-25 12:09", "--limit", "1"), [8]),
    (("--since", "2026-11-26"), []),
    (("--until", "2026-11-25"), []),
    (("--since", "2026-11-25T21:50:00Z", "--path", "/etc/ssh/*"), [591, 594, 597]),
])
def test_filters(ledger, args, want):
    assert ids(ledger, *args) == names(*want)


def test_lines_in_a_pipe(ledger):
    assert good("log", ledger, "--path", "/etc/f10") == (
        "2026-11-25T12:10:00.000Z  modified    /etc/f10  by (uid 0) vim[110]  unexplained\n")
    assert good("log", ledger, "--kind", "*.gap") == (
        "2026-11-25T12:17:00.000Z  gap         changes may have been missed (overflow) from "
        "2026-11-25T12:00:00.000Z to 2026-11-25T12:17:00.000Z\n")


def test_disclose_wraps(ledger):
    said = json.loads(good("log", ledger, "--json", "--disclose", "--limit", "1"))
    assert said["index"] == 599 and said["entry"]["id"] == "e599"
    assert (said["disclosed"], said["hidden"]) == ([], 0)


def test_hostile_bytes_stay_harmless(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    evil = change(0, "/tmp/\x1b]0;owned\x07\n2026-11-25T00:00:00.000Z  fake  line",
                  exe="\x9b31m\u202e")
    good("ledger", "append", path, data=lines(evil, {"a": "\x1b[31m\x7f\x85"}))
    done = assay("log", path)
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == 2
    assert not set(done.stdout) & (set(range(0x20)) - {0x0a} | {0x7f})
    assert b"\xc2\x85" not in done.stdout and b"\xc2\x9b" not in done.stdout


def test_damage_is_told_and_the_rest_shown(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    good("ledger", "append", path, data=lines({"a": 1}, {"b": 2}, {"c": 3}))
    bundle = path / "tile" / "entries" / "000.p" / "3"
    bundle.write_bytes(bundle.read_bytes().replace(b'"b":2', b'"b":9'))
    done = assay("log", path, "--json")
    assert done.returncode == 1
    assert done.stdout == b'{"a":1}\n{"c":3}\n'
    assert done.stderr.startswith(b"assay log: entry 1: ")
    assert done.stderr.count(b"\n") == 1


@pytest.fixture
def long_ledger(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(900))))
    return path


@pytest.mark.parametrize("args, shown", [((), 644), (("--limit", "700"), 644),
                                         (("--reverse",), 644), (("--limit", "3"), 3)])
def test_pruned_entries_are_said_to_be_gone(long_ledger, args, shown):
    (long_ledger / "pruned").write_text("256\n")
    (long_ledger / "tile" / "entries" / "000").unlink()
    done = assay("log", long_ledger, "--json", *args)
    assert done.returncode == 0 and done.stdout.count(b"\n") == shown
    assert (b"older entries are not here any more" in done.stderr) == (shown == 644)


@pytest.mark.parametrize("args", [(), ("--reverse",), ("--limit", "800")])
def test_missing_is_not_pruned(long_ledger, args):
    """Whoever deletes evidence is not covered for: told once, with what is gone, and 1."""
    (long_ledger / "tile" / "entries" / "001").unlink()
    assert good("log", long_ledger, "--limit", "300").count("\n") == 300
    done = assay("log", long_ledger, "--json", *args)
    said = done.stderr.decode()
    assert done.stdout.count(b"\n") == 644
    assert done.returncode == 1 and "pruned)" not in said
    assert said.count("\n") == 1 and "entries 256 to 511: " in said and "tile/entries/001" in said
    assert "was not pruned" in refused(1, "prove", "300", long_ledger)


def test_a_size_that_nobody_has(tmp_path):
    """A checkpoint may claim what it likes: the end is said, not waited for."""
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    good("ledger", "append", path, data=lines({"n": 0}))
    text = (path / "checkpoint").read_text().split("\n")
    text[1] = "9007199254740991"
    (path / "checkpoint").write_text("\n".join(text))
    for args in ((), ("--limit", "3"), ("--reverse",)):
        assert refused(1, "log", path, *args)
    assert "bundles in a row are missing" in refused(1, "log", path)


def test_follow_goes_over_to_what_succeeds(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/2025")
    good("ledger", "append", path, data=lines({"n": 0}))
    follower = Follower(path, "--json")
    follower.wait_for(b'{"n":0}\n')
    good("ledger", "succeed", path, "--origin", "example.com/2026", "--reason", "a new year")
    good("ledger", "append", path, data=lines({"n": 1}))
    follower.wait_for(b'{"n":1}\n')
    assert b"ledger.succeeded" in follower.seen and b"ledger.opened" in follower.seen
    assert follower.stop() == (0, b"")


def test_an_empty_word_names_nothing(ledger):
    assert "an empty word names no entry" in refused(2, "prove", "", ledger)
    assert "there is no entry" in refused(1, "prove", "nope", ledger)
    assert "there is no entry" in refused(1, "prove", "600", ledger)


class Follower:
    """assay log --follow in a pipe."""

    def __init__(self, *args):
        self.process = subprocess.Popen([BIN / "assay", "log", "--follow", *map(str, args)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.seen = b""

    def wait_for(self, text, seconds=10):
        """Seconds until the text has come."""
        begun = time.monotonic()
        while text not in self.seen:
            assert time.monotonic() - begun < seconds, (text, self.seen)
            self.seen += self.process.stdout.read() or b""
            time.sleep(0.005)
        return time.monotonic() - begun

    def stop(self, signo=signal.SIGINT):
        self.process.send_signal(signo)
        out, err = self.process.communicate(timeout=10)
        self.seen += out
        return self.process.returncode, err


def test_follow(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(30))))
    follower = Follower(path, "--json")
    follower.wait_for(b'{"n":29}\n')
    assert follower.seen.startswith(b'{"n":20}\n')
    for n in range(30, 300, 90):
        good("ledger", "append", path, data=lines(*({"n": m} for m in range(n, n + 90))))
        assert follower.wait_for(b'{"n":%d}\n' % (n + 89)) < 1
    status, err = follower.stop()
    assert (status, err) == (0, b"")
    assert follower.seen == lines(*({"n": n} for n in range(20, 300)))


def test_follow_filters(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    follower = Follower(path, "--json", "--path", "/etc/*")
    time.sleep(0.3)
    good("ledger", "append", path, data=lines(change(0, "/usr/x"), change(1, "/etc/x")))
    follower.wait_for(b'"id":"e1"')
    assert b'"id":"e0"' not in follower.seen
    assert follower.stop(signal.SIGTERM) == (0, b"")


def test_follow_notices_a_ledger_that_shrank(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/log")
    old = (path / "checkpoint").read_bytes()
    good("ledger", "append", path, data=lines({"a": 1}))
    follower = Follower(path, "--json")
    follower.wait_for(b'{"a":1}')
    (path / "new").write_bytes(old)
    (path / "new").rename(path / "checkpoint")
    out, err = follower.process.communicate(timeout=10)
    assert follower.process.returncode == 1
    assert b"the ledger became shorter: it had 1 entries and has 0" in err


def test_reader_that_goes_away(ledger):
    process = subprocess.Popen(f"'{BIN}/assay' log '{ledger}' | head -n 1; echo ${{PIPESTATUS[0]}}",
                               shell=True, executable="/bin/bash", stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=20)
    assert out.splitlines()[-1] == b"0" and err == b""


def test_no_such_ledger():
    assert refused(3, "log", "/nonexistent").startswith("assay log: /nonexistent: ")
    for where in ((f"/{'d' * 4095}",), ("--state", f"/{'d' * 4090}")):
        for command in (("log",), ("export", "ocsf")):
            assert "the path is longer than 4095 bytes" in refused(3, *command, *where)


def test_an_alert_that_began_before_this_ledger(tmp_path):
    """Of its beginning there is nothing here: no time of 1970, and not an empty word."""
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/second")
    good("ledger", "append", path, data=lines(
        {"k": "alert.updated", "t": "2026-11-25T12:20:00.000000000Z", "v": 1,
         "what": {"count": 2, "first": "2026-11-25T12:00:00.000000000Z", "id": "a-1",
                  "last": "2026-11-25T12:10:00.000000000Z", "paths": ["/etc/x"],
                  "profiles": ["p"], "severity": "high", "state": "open"}}))
    done = assay("alert", "list", path)
    assert done.returncode == 1
    assert done.stdout.decode() == (
        "2026-11-25T12:00:00.000Z  high  a-1  /etc/x; its beginning is not in this ledger  "
        "and 1 more\n")


def test_an_alert_that_was_explained_before_it_was_raised(tmp_path):
    """Who guesses its id has explained nothing; who had seen it has."""
    def entry(kind, **what):
        return {"k": kind, "t": "2026-11-25T12:00:00.000000000Z", "v": 1, "what": what}
    explained = entry("alert.explained", change="CHG-1", id="a-1", reason="r")
    raised = entry("alert.raised", change="modified", id="a-1", path="/etc/x", seen="live",
                   severity="high")
    for order, status in (((explained, explained, raised), 1), ((explained, raised, explained), 0)):
        path = tmp_path / f"L{status}"
        good("ledger", "init", path, "--origin", f"example.com/log{status}")
        good("ledger", "append", path, data=lines(*order))
        done = assay("alert", "list", path)
        assert done.returncode == status and (b"/etc/x" in done.stdout) == bool(status), done
