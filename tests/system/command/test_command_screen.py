# SPDX-License-Identifier: Apache-2.0
"""What a person sees on a terminal, and what a pipe is spared."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from assay_tool import BIN, assay, good, lines

ESCAPE = re.compile(r"\033\[[0-9;]*[mK]")


def on_terminal(*args, columns=80, data=None, env=None):
    """Exit status and all that the terminal was sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BIN / "assay", *map(str, args)],
                               stdin=subprocess.PIPE if data else subprocess.DEVNULL,
                               stdout=slave, stderr=slave,
                               env={"PATH": os.environ["PATH"], "TERM": "xterm-256color",
                                    "TZ": "CET-1", **(env or {})})
    os.close(slave)
    if data:
        process.stdin.write(data)
        process.stdin.close()
    said = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(master)
    return process.wait(), said.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("screen") / "L"
    good("ledger", "init", path, "--origin", "example.com/screen")
    digests = {"new_sha256": "a" * 64, "old_sha256": "b" * 64}
    good("ledger", "append", path, data=lines(*(
        {"k": "integrity.change", "t": f"2026-11-25T17:{n:02}:00.000000000Z", "v": 1,
         "what": {"change": "modified", "path": f"/etc/with/a/long/path/file{n}", "seen": "live",
                  **digests},
         "who": {"exe": "/usr/bin/vim", "pid": n, "uid": 0}, "why": {"state": "unexplained"}}
        for n in range(60))))
    return path


def test_lines_fit_the_terminal(ledger):
    for columns in (60, 80, 100, 132, 200):
        status, said = on_terminal("log", ledger, columns=columns)
        assert status == 0
        shown = ESCAPE.sub("", said).splitlines()
        assert max(map(len, shown)) <= columns
        # Each entry begins with the local time; what does not fit stands under its text.
        begins = [line for line in shown if re.match(r"2026-11-25 18:\d\d:00  modified    /", line)]
        assert len(begins) == 50
        assert all(line.startswith(" " * 33) for line in shown[:-1] if line not in begins)
        assert "sha256 bbbbbbbb…→aaaaaaaa…" in re.sub(r"\s+", " ", " ".join(shown))
        assert shown[-1] == "The newest 50 of 60 entries; --limit 0 shows all."


@pytest.mark.parametrize("env, coloured", [
    ({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)])
def test_colours(ledger, env, coloured):
    for command in (("log", ledger), ("doctor",), ("help",), ("verify", ledger)):
        status, said = on_terminal(*command, env=env)
        assert ("\033[" in said) == coloured, said


def test_a_pipe_gets_no_escapes(ledger):
    for command in (("log", ledger), ("doctor",), ("help",), ("verify", ledger)):
        done = assay(*command)
        assert b"\033" not in done.stdout + done.stderr
        assert max(len(line) for line in done.stdout.decode().splitlines()) < 400


def test_progress_on_a_terminal_only(tmp_path):
    path = tmp_path / "L"
    good("ledger", "init", path, "--origin", "example.com/screen")
    data = b"".join(b'{"n":%d}\n' % n for n in range(200000))
    status, said = on_terminal("ledger", "append", path, data=data)
    assert status == 0
    assert "\rappending  " in said
    # Nothing of it is left behind.
    assert said.split("\r")[-1].startswith("\033[Kfirst 0 size 200000 root ")


def test_help_fits_a_narrow_terminal():
    status, said = on_terminal("help", "log", columns=60)
    assert status == 0 and max(map(len, ESCAPE.sub("", said).splitlines())) <= 60
    for command in (("api", "replay"), ("api", "push"), ("ledger", "stamp"), ("verify",), ()):
        status, said = on_terminal("help", *command, columns=80)
        text = ESCAPE.sub("", said)
        lines = [line for line in text.splitlines() if not line.startswith("  ")]
        assert status == 0 and max(map(len, lines)) <= 80
        # In a pipe the same words, as they were written.
        assert text.split() == good("help", *command).split()


def test_what_status_says_fits_and_keys_stay_whole(ledger, tmp_path):
    """A line that is too long goes on below its text; a key can be copied as it is."""
    state = tmp_path / "state"
    state.mkdir()
    run = tmp_path / "run"
    run.mkdir()
    status, said = on_terminal("status", "--state", state, "--run", run, columns=60)
    shown = ESCAPE.sub("", said).splitlines()
    whole = [line for line in shown if str(tmp_path) not in line]
    assert status == 1 and max(map(len, whole)) <= 60
    key = good("ledger", "vkey", ledger).strip()
    status, said = on_terminal("verify", ledger, columns=60)
    assert status == 0 and key in said
    assert "\n           told with --key)\n" in ESCAPE.sub("", said)
