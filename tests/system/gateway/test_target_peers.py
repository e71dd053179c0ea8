# SPDX-License-Identifier: Apache-2.0
"""Targets of requests: what the gateway takes, Python's and Node's readers of URLs take the same
way, and leave as it is.  Nothing that they differ about may get through."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import urllib.parse

import pytest

from assay_tool import BIN

HERE = pathlib.Path(__file__).resolve().parents[1] / "target_peers"
SOAK = bool(os.environ.get("ASSAY_SOAK"))
COUNT = 1_000_000 if SOAK else 30_000

PIECES = [
    "a", "B", "admin", "1", "-", "_", "~", "!", "$", "'", "(", ")", "*", ",", ":", "@",
    "/", "/", "/", "?", "&", "&", "=", "=", "+", ".", "..", "/../", "/./", ";", "..;", "//",
    "\\", "#", "[", "]", "{", "}", "|", "^", "`", "<", ">", '"', " ", "\t", "\x00", "\x7f",
    "%", "%4", "%zz", "%u002e", "%2e", "%2E", "%2f", "%2F", "%5c", "%3b", "%3B", "%25", "%252e",
    "%252f", "%3f", "%23", "%00", "%0a", "%0d%0a", "%09", "%1b", "%7f", "%20", "%26", "%3d", "%2b",
    "%41", "%c3%a9", "%C3%A9", "%F0%9F%98%80", "%c0%ae", "%c0%af", "%e0%80%af", "%ed%a0%80", "%ff",
    "\xc3\xa9", "\xff",
]
PLAIN = ["a", "B", "1", "-", "_", "~", "/b", "/c", ",", ":", "@", "%20", "%c3%a9", "%41", "."]
QUERY = ["a", "b", "=", "&", "+", "%20", "%26", "%2F", "%3D", "%25", "%c3%a9", "/", "?", ";", "[",
         "]"]


def target(chance):
    if chance.random() < 0.3:
        return "/" + "".join(chance.choices(PIECES, k=chance.randint(0, 8)))
    path = "/a" + "".join(chance.choices(PLAIN, k=chance.randint(0, 8)))
    query = "?" + "".join(chance.choices(QUERY, k=chance.randint(0, 10)))
    spoiled = chance.choice(PIECES) if chance.random() < 0.3 else ""
    return path + spoiled + (query if chance.random() < 0.7 else "")


def ask(command, targets):
    done = subprocess.run(command, input="".join(t + "\n" for t in targets).encode("latin1"),
                          stdout=subprocess.PIPE, check=True)
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(targets)
    return answers


@pytest.fixture(scope="module")
def asked():
    """Targets that are taken and how they are read, and how many there were."""
    program = BIN.parent / "tests" / "gateway" / "target_judge"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    seed = int.from_bytes(os.urandom(4), "big") if SOAK else 11
    chance = random.Random(seed)
    targets = [target(chance) for _ in range(COUNT)]
    answers = ask([program], targets)
    taken = [(t, json.loads(a)) for t, a in zip(targets, answers) if not a.startswith("refused: ")]
    return seed, taken


def test_enough_is_taken_and_enough_refused(asked):
    seed, taken = asked
    assert COUNT / 5 < len(taken) < COUNT * 4 / 5, f"seed {seed}"
    assert sum(1 for t, _ in taken if "?" in t) > COUNT / 10
    assert sum(1 for t, _ in taken if "%" in t) > COUNT / 10


def test_python_reads_the_same(asked):
    seed, taken = asked
    for text, ours in taken:
        path, _, query = text.partition("?")
        assert urllib.parse.urlsplit("http://host" + text).path == path, (seed, text)
        theirs = [urllib.parse.unquote(s, errors="strict") for s in path.split("/")[1:]]
        assert ours["path"] == theirs, (seed, text)
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, errors="strict")
        assert [tuple(p) for p in ours["pairs"]] == pairs, (seed, text)


def test_node_reads_the_same_and_changes_no_path(asked):
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    seed, taken = asked
    for (text, ours), answer in zip(taken, ask(["node", HERE / "oracle.js"],
                                               [t for t, _ in taken])):
        theirs = json.loads(answer)
        assert theirs["pathname"] == text.partition("?")[0], (seed, text)
        assert ours["path"] == theirs["path"], (seed, text)
        assert ours["pairs"] == theirs["pairs"], (seed, text)
