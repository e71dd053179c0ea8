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

HERE = pathlib.Path(__file__).resolve().parents[1] / "cedar_peers"
TOP = pathlib.Path(__file__).resolve().parents[3]
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
    assert len([path for path in whole.iterdir() if path.suffix != differ.LINKS]) == 600
    for path in part.iterdir():
        assert path.read_bytes() == (whole / path.name).read_bytes()
    done = oracle(whole, ".")
    assert done.returncode == 0, done.stderr
    tests = load(whole)
    refused = collections.Counter(what for t in tests for what in t.get("refuses", []))
    assert all(1 <= refused[what] <= 25 for what in ("schema", "policies", "entities")), refused
    read = [t for t in tests if "refuses" not in t]
    assert len(read) / 3 < sum(t["shouldValidate"] for t in read) < len(read)
    as_json = [t for t in read if (whole / t["schema"]).read_text().startswith("{")]
    assert len(read) / 5 < len(as_json) < len(read) / 2
    linked = [t for t in read if "links" in t and (whole / t["links"]).read_text() != "[]"]
    assert len(read) / 10 < len(linked) < len(read) / 2
    answers = [r for t in read for r in t["requests"]]
    some = len(answers) / 30
    assert sum(r.get("decision") == "allow" for r in answers) > some
    assert sum(r.get("decision") == "deny" and bool(r["reason"]) for r in answers) > some
    assert sum(bool(r.get("errors")) for r in answers) > some
    assert 0 < sum(not r["valid"] for r in answers) < len(answers) / 3


def told(directory):
    return "".join(path.read_text() for path in sorted(directory.glob("*.said")))[:5000]


@pytest.mark.parametrize("mutations, tests, requests", [(0.12, 200, 10), (0.95, 150, 2)],
                         ids=["well typed", "mutated"])
def test_ours_answers_the_same(oracle, tmp_path, mutations, tests, requests):
    """One batch; the stage `cedar` of `make soak` runs many, each time others."""
    total = differ.run(5, 1, BIN / "assay", tmp_path, tests, requests, mutations)
    assert total["tests"] == tests
    assert not total["differing tests"], told(tmp_path)


SCHEMA = "entity E { n: Long, b: Bool }; action a appliesTo { principal: E, resource: E };"
SCHEMA_JSON = {"": {"entityTypes": {"E": {}}, "actions": {"a": {
    "appliesTo": {"principalTypes": ["E"], "resourceTypes": ["E"]}}}}}
POLICY = "permit(principal, action, resource);"


def ask(directory, name, schema=SCHEMA, policies=POLICY, entities=(), links=None, requests=1):
    """A test with one entity's requests; the schema is text, or becomes JSON."""
    uid = {"type": "E", "id": "1"}
    text = schema if isinstance(schema, str) else json.dumps(schema)
    (directory / f"{name}.cedarschema").write_text(text)
    (directory / f"{name}.cedar").write_text(policies)
    (directory / f"{name}.entities.json").write_text(json.dumps(list(entities)))
    asked = {"principal": uid, "resource": uid, "action": {"type": "Action", "id": "a"},
             "context": {}}
    test = {"policies": f"{name}.cedar", "entities": f"{name}.entities.json",
            "schema": f"{name}.cedarschema", "requests": [asked] * requests}
    if links is not None:
        (directory / f"{name}.links").write_text(json.dumps(links))
        test["links"] = f"{name}.links"
    (directory / f"{name}.json").write_text(json.dumps(test))


def answered(oracle, directory):
    """What the engine says, by name, and what was said of ours."""
    done = oracle(directory, ".")
    assert done.returncode == 0, done.stderr
    tests = {path.stem: json.loads(path.read_text()) for path in directory.glob("*.json")
             if not path.name.endswith(".entities.json")}
    return tests, differ.compared(BIN / "assay", directory)


def test_what_is_meant_to_differ(oracle, tmp_path):
    """Each is read by the engine and refused by ours, for a reason of EXPLAINED; what differs in
    another way, or in that way and another, is not explained."""
    listed = json.loads(json.dumps(SCHEMA_JSON))
    listed[""]["actions"]["a"]["appliesTo"] = [["E"], ["E"]]
    call = {"__extn": {"fn": "isIpv4", "arg": {"__extn": {"fn": "ip", "arg": "::1"}}}}
    entity = {"uid": {"type": "E", "id": "1"}, "parents": [], "attrs": {"n": 1, "b": call}}
    ask(tmp_path, "twice", SCHEMA.replace("b: Bool", "n: Bool"))
    ask(tmp_path, "listed", listed)
    ask(tmp_path, "called", entities=[entity])
    tests, said = answered(oracle, tmp_path)
    assert not any("refuses" in test for test in tests.values())
    assert sorted(said) == ["called", "listed", "twice"]
    reasons = {differ.explanation(lines) for lines in said.values()}
    assert None not in reasons and len(reasons) == 3
    other = "twice.json: request 0: decision: allow, wanted deny"
    assert differ.explanation(said["twice"] + [other]) is None
    assert differ.explanation([other]) is None


TEMPLATE = "permit(principal == ?principal, action, resource);"
LINK = {"template_id": "policy1", "link_id": "one",
        "args": {"?principal": {"type": "E", "id": "1"}}}


def test_links_and_json_schemas_reach_the_engine(oracle, tmp_path):
    """The second of three policies is a template; its link decides.  Links that cannot be are
    refused by both, as is what is no schema."""
    three = "forbid(principal, action, resource) when { false };" + TEMPLATE + \
        "permit(principal, action, resource) when { 1 == 2 };"
    ask(tmp_path, "good", SCHEMA_JSON, three, links=[LINK])
    ask(tmp_path, "none", SCHEMA_JSON, three, links=[])
    for name, change in [("template", {"template_id": "policy0"}),
                         ("unknown", {"template_id": "x"}),
                         ("there", {"link_id": "policy2"}), ("slot", {"args": {}})]:
        ask(tmp_path, name, SCHEMA_JSON, three, links=[{**LINK, **change}])
    ask(tmp_path, "schema", {"": {"entityTypes": {"E": {"shape": 1}}, "actions": {}}}, three,
        links=[LINK])
    ask(tmp_path, "json", "{", three, links=[LINK])
    tests, said = answered(oracle, tmp_path)
    assert said == {}
    assert tests["good"]["requests"][0]["reason"] == ["one"]
    assert tests["none"]["requests"][0]["decision"] == "deny"
    assert {name: test["refuses"] for name, test in tests.items() if "refuses" in test} == {
        "template": ["policies"], "unknown": ["policies"], "there": ["policies"],
        "slot": ["policies"], "schema": ["schema"], "json": ["schema"]}


def test_the_same_policy_twice(oracle, tmp_path):
    """The second time without its annotation, behind a template: which is which is by its place."""
    policy = "forbid(principal, action, resource) when { false };"
    ask(tmp_path, "twice", SCHEMA_JSON, f'@id("a") {policy}{TEMPLATE}{policy}', links=[LINK])
    ask(tmp_path, "thrice", SCHEMA_JSON, f'{policy}@id("a") {policy}{policy}{TEMPLATE}',
        links=[{**LINK, "template_id": "policy3"}])
    tests, said = answered(oracle, tmp_path)
    assert said == {} and not any("refuses" in test for test in tests.values())
    assert [tests[name]["requests"][0]["reason"] for name in ("twice", "thrice")] == [["one"]] * 2


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
    kept = sorted(path.name for path in keep.iterdir())
    assert [name for name in kept if not name.endswith(differ.LINKS)] == sorted(
        f"5-{i}{suffix}" for i in range(3) for suffix in (*differ.SUFFIXES, ".said"))
    for path in keep.glob("*[0-9].json"):  # what a test names is there
        test = json.loads(path.read_text())
        assert (keep / f"{path.stem}{differ.LINKS}").exists() == ("links" in test)
    assert any(name.endswith(differ.LINKS) for name in kept)


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
