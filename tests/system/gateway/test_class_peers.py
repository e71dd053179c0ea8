# SPDX-License-Identifier: Apache-2.0
"""Data classes of values: the gateway's walk over schemas made ready says of every value within a
value what the two rules say, read word by word (class_peers/class_rules.py)."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

from assay_tool import BIN

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "class_peers"))
import class_rules  # noqa: E402

COUNT = 50_000 if os.environ.get("ASSAY_SOAK") else 2000
BATCH = 1000


def ask(questions):
    program = BIN.parent / "tests" / "package" / "class_walker"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    lines = "".join(json.dumps({"schema": s, "value": v}) + "\n" for s, v in questions)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = done.stdout.splitlines()
    assert len(answers) == len(questions)
    return answers


def test_the_rules_are_what_the_header_says():
    """The examples that the rules give themselves, so that both do not go wrong alike."""
    named = {"$defs": {"n": {"x-data-class": "b", "properties": {"x": {"x-data-class": "c"}}}},
             "properties": {"here": {"$ref": "#/$defs/n", "x-data-class": "a"},
                            "there": {"$ref": "#/$defs/n"}}}
    value = {"here": {"x": 1, "y": 2}, "there": {"y": 3}}
    wanted = {"": [], "/here": ["a"], "/here/x": ["c"], "/here/y": ["a"], "/there": ["b"],
              "/there/y": ["b"]}
    branch = {"anyOf": [{"properties": {"x": {"x-data-class": "a"}}, "required": ["no"]},
                        {"properties": {"x": {"x-data-class": "b"}}}],
              "unevaluatedProperties": {"x-data-class": "c"}}
    maybe = {"contains": {"const": 1}, "unevaluatedItems": {"x-data-class": "a"}}
    cases = [(named, value, wanted), (branch, {"x": 1}, {"": [], "/x": ["a", "b", "c"]}),
             (maybe, [1, 2], {"": [], "/0": ["a"], "/1": ["a"]})]
    assert [class_rules.classes(s, v) for s, v, _ in cases] == [w for _, _, w in cases]
    assert [json.loads(a) for a in ask([(s, v) for s, v, _ in cases])] == [w for _, _, w in cases]


def test_both_say_the_same():
    seed = int.from_bytes(os.urandom(4), "big") if COUNT > 2000 else 11
    chance = class_rules.Chance(seed)
    pairs = refused = several = inherited = 0
    for _ in range(COUNT // BATCH):
        questions = [chance.question() for _ in range(BATCH)]
        for (schema, value), answer in zip(questions, ask(questions)):
            if answer.startswith("refused"):
                refused += 1
                assert "too many others" in answer, answer
                continue
            wanted, ours = class_rules.classes(schema, value), json.loads(answer)
            assert ours == wanted, f"seed {seed}: {json.dumps(schema)}: {json.dumps(value)}"
            pairs += len(wanted)
            several += sum(len(c) > 1 for c in wanted.values())
            inherited += sum(bool(c) for c in wanted.values())
    assert pairs > 5 * COUNT and refused < COUNT / 100
    assert several > pairs / 20 and pairs / 4 < inherited < pairs
