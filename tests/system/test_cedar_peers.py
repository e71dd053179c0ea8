# SPDX-License-Identifier: Apache-2.0
"""Cedar's own engine (@cedar-policy/cedar-wasm) as an oracle: it has to say of Cedar's published
tests what stands in them, tests generated here have to be worth asking about, and ours has to
answer these as it does."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest

from assay_tool import BIN

HERE = pathlib.Path(__file__).resolve().parent / "cedar_peers"
TOP = pathlib.Path(__file__).resolve().parents[2]
SOAK = bool(os.environ.get("ASSAY_SOAK"))
EVERY = 1 if SOAK else 20  # of the corpus' 3,957 tests

sys.path.insert(0, str(HERE))
import differ  # noqa: E402
import generate  # noqa: E402


@pytest.fixture(scope="module")
def oracle():
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    if not (TOP / "node_modules" / "@cedar-policy" / "cedar-wasm").is_dir():
        pytest.skip("@cedar-policy/cedar-wasm is not installed in node_modules")

    def run(base, *directories, options=()):
        return subprocess.run(["node", HERE / "oracle.js", *options, TOP / "node_modules", base,
                               *directories], capture_output=True, text=True, timeout=1800)
    return run


@pytest.fixture(scope="module")
def published():
    if not os.environ.get("ASSAY_DATA"):
        pytest.skip("ASSAY_DATA is not set: cedar")
    return pathlib.Path(os.environ["ASSAY_DATA"]) / "cedar"


def load(directory):
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))
            if not path.name.endswith(".entities.json")]


def test_handwritten(oracle, published):
    directories = sorted(f"tests/{d.name}" for d in (published / "tests").iterdir())
    done = oracle(published, *directories, options=["--check"])
    assert (done.returncode, done.stdout) == \
        (0, "cedar-wasm 4.12.0: 22 tests, 74 requests, 0 tests differ\n"), done.stderr


def test_corpus(oracle, published, tmp_path):
    with tarfile.open(published / "corpus-tests.tar.gz") as tar:
        files = sorted((f for f in tar if f.isfile()), key=lambda f: f.name)
        tests = sorted({f.name.split(".", 1)[0] for f in files})
        wanted = set(tests[::EVERY])
        tar.extractall(tmp_path, [f for f in files if f.name.split(".", 1)[0] in wanted])
    directory = pathlib.PurePath(tests[0]).parent
    done = oracle(tmp_path, directory, options=["--check"])
    assert (done.returncode, done.stdout) == \
        (0, f"cedar-wasm 4.12.0: {len(wanted)} tests, {8 * len(wanted)} requests, "
            "0 tests differ\n"), done.stdout + done.stderr


def test_a_difference_is_told(oracle, published, tmp_path):
    """Each thing that the oracle compares, changed in a copy of one test."""
    shutil.copytree(published / "sample-data", tmp_path / "sample-data")
    shutil.copytree(published / "tests" / "multi", tmp_path / "tests" / "multi")
    for path in (tmp_path / "tests" / "multi").glob("[2-9].json"):
        path.unlink()
    path = tmp_path / "tests" / "multi" / "1.json"
    path.chmod(0o644)
    test = json.loads(path.read_text())
    test["shouldValidate"] = False
    test["requests"][0]["decision"] = "deny"
    test["requests"][1]["reason"] = ["policy0"]
    test["requests"][2]["errors"] = ["policy1"]
    test["requests"][3]["validateRequest"] = False
    path.write_text(json.dumps(test))
    done = oracle(tmp_path, "tests/multi", options=["--check"])
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "tests/multi/1.json: shouldValidate: false, the engine: true",
        "tests/multi/1.json: request 0: decision: \"deny\", the engine: \"allow\"",
        "tests/multi/1.json: request 1: reason: [\"policy0\"], the engine: [\"policy1\"]",
        "tests/multi/1.json: request 2: errors: [\"policy1\"], the engine: []",
        "tests/multi/1.json: request 3: validateRequest: false, the engine: true",
        "cedar-wasm 4.12.0: 1 tests, 4 requests, 1 tests differ"]


def test_integers_reach_the_engine_as_they_are(oracle, tmp_path):
    """Of 2^63-1 and of what is no integer, JavaScript would make something else."""
    (tmp_path / "t.cedarschema").write_text(
        "entity E; action a appliesTo { principal: E, resource: E, context: {n: Long} };")
    (tmp_path / "t.cedar").write_text(
        "permit(principal, action, resource) when { context.n == 9223372036854775807 };")
    (tmp_path / "t.entities.json").write_text("[]")
    uid = '{"type": "E", "id": "1"}'
    asked = ", ".join(
        f'{{"principal": {uid}, "resource": {uid}, "action": {{"type": "Action", "id": "a"}}, '
        f'"context": {{"n": {n}}}}}'
        for n in ("9223372036854775807", "9223372036854775806", "9223372036854775808", "1.0"))
    (tmp_path / "t.json").write_text('{"policies": "t.cedar", "entities": "t.entities.json", '
                                     f'"schema": "t.cedarschema", "requests": [{asked}]}}')
    done = oracle(tmp_path, ".")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "t.json").read_text()
    for n in ("9223372036854775807", "9223372036854775806", "9223372036854775808", "1.0"):
        assert f'"n": {n}\n' in text
    assert [(r["valid"], r.get("decision")) for r in json.loads(text)["requests"]] == \
        [(True, "allow"), (True, "deny"), (False, None), (False, None)]


def test_generated(oracle, tmp_path):
    """What is generated reaches every kind of answer, and the same seed makes the same tests."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    whole.mkdir()
    part.mkdir()
    generate.batch(7, 0, 150, 8, whole)
    generate.batch(7, 149, 1, 8, part)
    assert len(list(whole.iterdir())) == 600
    for path in part.iterdir():
        assert path.read_bytes() == (whole / path.name).read_bytes()
    done = oracle(whole, ".")
    assert done.returncode == 0, done.stderr
    tests = load(whole)
    refused = collections.Counter(what for t in tests for what in t.get("refuses", []))
    assert all(1 <= refused[what] <= 25 for what in ("schema", "policies", "entities")), refused
    read = [t for t in tests if "refuses" not in t]
    assert len(read) / 3 < sum(t["shouldValidate"] for t in read) < len(read)
    answers = [r for t in read for r in t["requests"]]
    some = len(answers) / 30
    assert sum(r.get("decision") == "allow" for r in answers) > some
    assert sum(r.get("decision") == "deny" and bool(r["reason"]) for r in answers) > some
    assert sum(bool(r.get("errors")) for r in answers) > some
    assert 0 < sum(not r["valid"] for r in answers) < len(answers) / 3


def told(directory):
    return "".join(path.read_text() for path in sorted(directory.glob("*.said")))[:5000]


@pytest.mark.parametrize("mutations, tests, requests, wanted", [
    (0.12, 200, 10, 1_000_000 if SOAK else 1),
    (0.95, 150, 2, 20_000 if SOAK else 1),
], ids=["well typed", "mutated"])
def test_ours_answers_the_same(oracle, tmp_path, mutations, tests, requests, wanted):
    """One batch, or in soak as many as ask what is wanted, each time of other tests."""
    seed = int.from_bytes(os.urandom(4), "big") if SOAK else 5
    total = differ.run(seed, wanted, BIN / "assay", tmp_path, tests, 32 if SOAK else requests,
                       mutations)
    assert total["tests"] >= tests and total["requests"] >= wanted
    assert not total["differing tests"], f"seed {seed}: {told(tmp_path)}"


def test_a_difference_is_kept(oracle, tmp_path):
    """Against a program that says of every test that it differs."""
    liar = tmp_path / "liar"
    liar.write_text("""#!/usr/bin/python3
import pathlib, sys
for path in pathlib.Path(sys.argv[3]).glob("*.cedar"):
    print(f"{path.stem}.json: request 0: decision: deny, wanted allow")
print("0 passed, 3 failed")
sys.exit(1)
""")
    liar.chmod(0o755)
    keep = tmp_path / "keep"
    keep.mkdir()
    total = differ.run(5, 1, liar, keep, 3, 2)
    assert (total["tests"], total["differing tests"]) == (3, 3)
    assert sorted(path.name for path in keep.iterdir()) == sorted(
        f"5-{i}{suffix}" for i in range(3) for suffix in (*differ.SUFFIXES, ".said"))


def test_what_is_refused_is_compared(tmp_path):
    """The two members that Cedar's tests do not have, right and wrong."""
    (tmp_path / "t.cedarschema").write_text(
        "entity E; action a appliesTo { principal: E, resource: E };")
    (tmp_path / "bad.cedarschema").write_text("entity")
    (tmp_path / "t.cedar").write_text("permit(principal, action, resource);")
    (tmp_path / "t.entities.json").write_text("[]")
    files = {"policies": "t.cedar", "entities": "t.entities.json", "shouldValidate": True}
    uid, action = {"type": "E", "id": "1"}, {"type": "Action", "id": "a"}
    asked = {"principal": uid, "action": action, "resource": uid, "context": {}}
    other = {**asked, "principal": {"type": "F", "id": "1"}, "validateRequest": False}
    tests = {
        "a": {**files, "schema": "bad.cedarschema", "refuses": ["schema"], "requests": []},
        "b": {**files, "schema": "bad.cedarschema", "refuses": [], "requests": []},
        "c": {**files, "schema": "t.cedarschema", "refuses": ["policies"], "requests": []},
        "d": {**files, "schema": "t.cedarschema", "requests": [
            {**asked, "valid": True}, {**asked, "valid": False},
            {**other, "valid": False}, {**other, "valid": True}]},
    }
    for name, test in tests.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(test))
    done = subprocess.run([BIN / "assay", "policy", "corpus", tmp_path], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1
    begin = ["b.json: schema: ", "c.json: policies: read, wanted refused",
             "d.json: request 1: valid: valid, wanted not valid", "d.json: request 3: valid: ",
             "1 passed, 3 failed"]
    said = done.stdout.splitlines()
    assert len(said) == len(begin)
    assert all(line.startswith(want) for line, want in zip(said, begin)), said
