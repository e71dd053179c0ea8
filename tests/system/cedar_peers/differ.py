# SPDX-License-Identifier: Apache-2.0
"""differ.py SEED REQUESTS [--keep DIR] [--assay PROGRAM] - generated tests, answered by Cedar's own
engine and by ours, until REQUESTS were compared.

Tests that agree are deleted; those that differ stay in DIR with what `assay policy corpus` said of
them, and can be run again there.  Prints counts; exit status 1 when anything differed but for what
is EXPLAINED.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import generate

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
ENDED = re.compile(r"^(\d+) passed, (\d+) failed", re.M)
# What ours means to do otherwise: what is said of such a test, and why.
EXPLAINED = [
    (re.compile(r"\.cedarschema: .*the record has this attribute already"),
     "a record of a schema has an attribute twice: Cedar's engine takes the last without a word"),
    (re.compile(r"\.cedarschema: .*an object is wanted here, not an array"),
     "a schema in JSON has an array for an object: the engine takes its items by their places"),
    (re.compile(r"no function of this name makes a value"),
     "data call a function that is no constructor: the engine takes what comes of it"),
]
SUFFIXES = (".json", ".cedar", ".cedarschema", ".entities.json")
LINKS = ".links"  # not every test has them


def answered(directory):
    """What the tests of a directory ask, by kind, once the oracle has filled in its answers."""
    subprocess.run(["node", HERE / "oracle.js", TOP / "node_modules", directory, "."], check=True,
                   stdout=subprocess.DEVNULL, timeout=1800)
    count = collections.Counter()
    for path in directory.glob("*.json"):
        if path.name.endswith(".entities.json"):
            continue
        test = json.loads(path.read_text())
        count["tests"] += 1
        for what in test.get("refuses", []):
            count[f"of them {what} refused"] += 1
        if "refuses" not in test:
            count["validating" if test["shouldValidate"] else "not validating"] += 1
        for request in test["requests"]:
            count["requests"] += 1
            reasons = request.get("reason", [])
            count["because of links"] += any(id_of.startswith("link") for id_of in reasons)
            count["errors" if request.get("errors") else request.get("decision", "no answer")] += 1
    return count


def compared(assay, directory):
    """{test: what was said of it} for those that differ."""
    done = subprocess.run([assay, "policy", "corpus", directory], capture_output=True,
                          errors="replace", text=True, timeout=1800)
    ended = ENDED.search(done.stdout)
    if done.returncode not in (0, 1) or not ended:
        raise RuntimeError(f"assay policy corpus {directory}: status {done.returncode}: "
                           f"{(done.stderr or done.stdout)[-500:]}")
    said = {}
    for line in done.stdout.splitlines():
        if found := re.match(r"(\S+)\.json: ", line):
            said.setdefault(found[1], []).append(line)
    if len(said) != int(ended[2]):
        raise RuntimeError(f"assay policy corpus {directory}: {ended[0]}, and names {len(said)}")
    return said


def explanation(lines):
    """Why all that is said of a test is meant to be so."""
    for pattern, why in EXPLAINED:
        if all(pattern.search(line) for line in lines):
            return why
    return None


def batch(seed, first, tests, requests, mutations, assay, keep):
    """Counts of one batch; what differs is in keep."""
    with tempfile.TemporaryDirectory(prefix="assay-differ-") as place:
        directory = pathlib.Path(place)
        generate.batch(seed, first, tests, requests, directory, mutations)
        count = answered(directory)
        for name, lines in compared(assay, directory).items():
            if why := explanation(lines):
                count[f"explained: {why}"] += 1
                continue
            count["differing tests"] += 1
            if keep:
                for suffix in SUFFIXES:
                    shutil.copy(directory / f"{name}{suffix}", keep)
                if (directory / f"{name}{LINKS}").exists():
                    shutil.copy(directory / f"{name}{LINKS}", keep)
                (keep / f"{name}.said").write_text("\n".join(lines) + "\n")
    return count


def run(seed, wanted, assay, keep=None, tests=200, requests=32, mutations=0.12, jobs=1, told=None):
    total = collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        first, running = 0, set()
        while running or total["requests"] < wanted:
            while len(running) < jobs and total["requests"] < wanted:
                running.add(pool.submit(batch, seed, first, tests, requests, mutations, assay,
                                        keep))
                first += tests
            done, running = concurrent.futures.wait(
                running, return_when=concurrent.futures.FIRST_COMPLETED)
            for one in done:
                total += one.result()
            if told:
                told(total)
    return total


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("seed", type=int)
    p.add_argument("requests", type=int)
    p.add_argument("--keep", type=pathlib.Path, help="where tests that differ go")
    p.add_argument("--assay", default=os.environ.get("ASSAY_BIN", "build/bin") + "/assay")
    p.add_argument("--tests", type=int, default=200, help="in a batch")
    p.add_argument("--each", type=int, default=32, help="requests in a test")
    p.add_argument("--mutations", type=float, default=0.12, help="share with a token changed")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    a = p.parse_args()
    if a.keep:
        a.keep.mkdir(parents=True, exist_ok=True)
    total = run(a.seed, a.requests, a.assay, a.keep, a.tests, a.each, a.mutations, a.jobs,
                lambda t: print(f"\r{t['requests']} requests, {t['differing tests']} tests differ",
                                end="", file=sys.stderr, flush=True))
    print(file=sys.stderr)
    for what in sorted(total):
        print(f"{total[what]:>10} {what}")
    return 1 if total["differing tests"] else 0


if __name__ == "__main__":
    sys.exit(main())
