# SPDX-License-Identifier: Apache-2.0
"""Cedar's own engine (@cedar-policy/cedar-wasm) on what is derived from APIs: it has to read each
schema, to find the contexts of calls to be of it, and to say of policies over it what ours says."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from assay_tool import BIN

TOP = pathlib.Path(__file__).resolve().parents[3]
ORACLE = TOP / "tests" / "system" / "cedar_peers" / "oracle.js"
MODULES = TOP / "node_modules"
COUNT = 20_000 if os.environ.get("ASSAY_SOAK") else 300


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    if not shutil.which("node") or not (MODULES / "@cedar-policy" / "cedar-wasm").is_dir():
        pytest.skip("node or @cedar-policy/cedar-wasm is not installed")
    maker = BIN.parent / "tests" / "package" / "derived_cases"
    if not maker.exists():
        pytest.skip(f"{maker} was not built")
    directory = tmp_path_factory.mktemp("cases")
    seed = int.from_bytes(os.urandom(4), "big") if COUNT > 300 else 5
    subprocess.run([maker, str(seed), str(COUNT), directory], check=True, timeout=600)
    done = subprocess.run(["node", ORACLE, MODULES, directory, "."], capture_output=True, text=True,
                          timeout=3600)
    assert done.returncode == 0, done.stderr
    return directory


def load(directory):
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))
            if not path.name.endswith(".entities.json")]


def test_derived_schemas_are_read(cases):
    tests = load(cases)
    assert len(tests) == COUNT
    assert not [t["schema"] for t in tests if "refuses" in t]


def test_contexts_of_calls_are_of_the_schema(cases):
    requests = [r for t in load(cases) for r in t["requests"]]
    assert len(requests) > 2 * COUNT
    assert not [r for r in requests if not r["valid"]]
    assert sum("body" in r["context"] for r in requests) > COUNT / 2


def test_ours_says_the_same(cases):
    """Which policies validate, which requests are valid, decisions, reasons and errors."""
    tests = load(cases)
    assert COUNT / 4 < sum(t["shouldValidate"] for t in tests) < COUNT
    answers = [r for t in tests for r in t["requests"]]
    assert sum(r["decision"] == "allow" for r in answers) > COUNT / 20
    done = subprocess.run([BIN / "assay", "policy", "corpus", cases], capture_output=True,
                          text=True, timeout=3600)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{COUNT} passed, 0 failed"), \
        done.stdout[:3000]
