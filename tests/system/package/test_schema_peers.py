# SPDX-License-Identifier: Apache-2.0
"""JSON Schema as others read it: ajv and Python's fractions answer what ours is asked, and so does
the public test suite where ASSAY_SCHEMA_SUITE is a checkout of it."""
import os
import pathlib
import shutil
import sys

import pytest

from assay_tool import BIN

HERE = pathlib.Path(__file__).resolve().parents[1] / "schema_peers"
TOP = pathlib.Path(__file__).resolve().parents[3]
SOAK = bool(os.environ.get("ASSAY_SOAK"))

sys.path.insert(0, str(HERE))
# Under a name of their own: cedar_peers has a generate and a differ as well.
import schema_differ  # noqa: E402
import schema_generate  # noqa: E402
import suite  # noqa: E402


@pytest.fixture(scope="module")
def judge():
    program = BIN.parent / "tests" / "package" / "schema_judge"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    return program


@pytest.fixture(scope="module")
def ajv():
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    for name in "ajv", "ajv-formats":
        if not (TOP / "node_modules" / name).is_dir():
            pytest.skip(f"{name} is not installed in node_modules")


def seed_of(fixed):
    return int.from_bytes(os.urandom(4), "big") if SOAK else fixed


def test_the_judge_answers(judge):
    done = schema_differ.ask([judge], [
        ({"type": "string", "maxLength": schema_generate.Number("1")}, ["a", "ab", None]),
        ({"pattern": "^(a+)+$"}, ["a" * 40 + "!", "a"]),
        ({"pattern": "a++"}, ["a"]),
        ({"$dynamicRef": "#a"}, ["a"])])
    assert done == ["100", "E1", "refused: schema 0: pattern a++: character 3: there is nothing to "
                    "repeat", "refused: keyword $dynamicRef"]


def test_a_difference_is_told(judge):
    told = []
    count = schema_differ.compare([({"type": "null"}, [None, "a", "b"]), (True, ["a"])],
                                  ["110", "1"], ["100", "refused: why"], told.append)
    assert count["differences"] == 2 and count["pairs"] == 3
    assert told == ['{"type":"null"}: "a": ours 1, theirs 0', 'true: ours: 1; theirs: refused: why']


def test_the_same_seed_asks_the_same():
    once, again = (schema_generate.Generator(3) for _ in range(2))
    for _ in range(50):
        a, b = once.question(4), again.question(4)
        assert schema_generate.text_of(list(a)) == schema_generate.text_of(list(b))


def test_ajv(judge, ajv):
    told, seed = [], seed_of(5)
    total = schema_differ.run(seed, 1_000_000 if SOAK else 1, judge, told.append,
                              2000 if SOAK else 150)
    assert not total["differences"], f"seed {seed}: {told[:20]}"
    assert total["pairs"] >= 1000
    assert total["pairs"] / 3 < total["fit"] < total["pairs"] * 3 / 4
    assert total["refused by ours"] + total["ajv fails"] < total["schemas"] / 20
    assert total["too much for ours"] <= total["pairs"] / 1000


def test_annotations(judge):
    told, seed = [], seed_of(7)
    total = schema_differ.run(seed, 1_000_000 if SOAK else 1, judge, told.append,
                              2000 if SOAK else 300, schema_differ.left_over_batch)
    assert not total["differences"], f"seed {seed}: {told[:20]}"
    assert total["pairs"] >= 2000
    assert total["pairs"] / 5 < total["fit"] < total["pairs"] * 3 / 4


def test_fractions(judge):
    told, seed = [], seed_of(6)
    total = schema_differ.run(seed, 1_000_000 if SOAK else 1, judge, told.append,
                              2000 if SOAK else 150, schema_differ.fraction_batch)
    assert not total["differences"], f"seed {seed}: {told[:20]}"
    assert total["pairs"] >= 1000
    assert total["pairs"] / 4 < total["fit"] < total["pairs"] * 3 / 4


def test_suite(judge):
    if not os.environ.get("ASSAY_SCHEMA_SUITE"):
        pytest.skip("ASSAY_SCHEMA_SUITE is not set: a checkout of the JSON Schema Test Suite")
    told = []
    count, _, _ = suite.run(pathlib.Path(os.environ["ASSAY_SCHEMA_SUITE"]), judge, told.append)
    assert not count["unexplained"], told
    assert count["tests answered alike"] > 1600
