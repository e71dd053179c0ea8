# SPDX-License-Identifier: Apache-2.0
"""The rows of gateway.md's "What it must reach": calls through it, calls in its core, decisions."""
import json
import shutil
import subprocess

import cedar_policies
import gateway_calls
from integrity_rows import Row
from machine import TOP, BIN, Unavailable, measure, run

POLICIES = (10, 100, 1000, 10000)


def official(directory, seconds):
    """Cedar's own engine on the test of a directory."""
    if not shutil.which("node"):
        raise Unavailable("node is not installed")
    modules = TOP / "node_modules"
    if not (modules / "@cedar-policy" / "cedar-wasm").is_dir():
        raise Unavailable("@cedar-policy/cedar-wasm is not installed")
    program = TOP / "bench" / "cedar_wasm.js"
    return json.loads(run("node", program, modules, directory, seconds))


def same_answers(directory):
    """What is measured is the same work: each request is answered alike, reasons included."""
    run("node", TOP / "tests" / "system" / "cedar_peers" / "oracle.js", TOP / "node_modules",
        directory, ".")
    done = subprocess.run([BIN / "assay", "policy", "corpus", directory], capture_output=True,
                          text=True)
    if done.returncode:
        raise RuntimeError(f"the engines differ: {done.stdout[-500:]}{done.stderr[-500:]}")


def decision(place, policies, quick):
    directory = place / f"cedar{policies}"
    directory.mkdir()
    cedar_policies.write(directory, policies)
    rounds = 5 if quick else 100
    own = measure("cedar_decide", directory / "bench.json", rounds)
    what = f"decision over {policies:,} policies"
    promised = policies == 1000
    if promised:
        carried = measure("cedar_decide", directory / "bench.json", rounds, "extra")
        yield Row(f"{what}, the caller in the request, p50", carried["p50_us"], "us",
                  carried["p50_us"] / own["p50_us"], "the caller in the store", "printed", None)
    try:
        peer = official(directory, 0 if quick else 5)
        same_answers(directory)
    except Unavailable as e:
        yield Row(f"{what}, p99", own["p99_us"], "us", None, "cedar-wasm", "< 5 us" * promised,
                  own["p99_us"] < 5 if promised else None, str(e))
        return
    # What its call costs without policies, entities read from JSON above all, is taken off.
    ratio = (peer["p50_us"] - peer["rest_p50_us"]) / own["p50_us"]
    yield Row(f"{what}, p50", own["p50_us"], "us", ratio, "cedar-wasm, without its reading",
              ">= 3 x" if promised else "printed", ratio >= 3 if promised else None,
              f"its whole call {peer['p50_us']:,.0f} us, {peer['rest_p50_us']:,.0f} us reading")
    yield Row(f"{what}, p99", own["p99_us"], "us", peer["p99_us"] / own["p99_us"],
              "cedar-wasm, its whole call", "< 5 us" if promised else "printed",
              own["p99_us"] < 5 if promised else None)


def calls(quick):
    """What a call costs but for network and recorder; signatures beside it, since a token that was
    verified is remembered."""
    own = measure("exchange", TOP, 200 if quick else 5000)
    words = {"read": "a call that reads, with a body that is masked",
             "written": "a call that writes, with a body that is checked",
             "verified": "a call that reads, its token (EdDSA) verified anew",
             "refused": "a call that the policies refuse"}
    for sort, what in words.items():
        told = own[sort]
        yield Row(f"{what}, in the core, p50", told["whole_us"], "us", None, "", "printed", None,
                  f"asked {told['begin_us']:.1f} us, answered {told['answered_us']:.1f} us, "
                  f"{told['allocations']} allocation")


def measured(place, quick):
    yield from gateway_calls.measured(place, quick)
    yield from calls(quick)
    for policies in POLICIES:
        yield from decision(place, policies, quick)
