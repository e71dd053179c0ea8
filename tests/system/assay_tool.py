# SPDX-License-Identifier: Apache-2.0
"""Runs the assay program for the system tests."""
import json
import os
import pathlib
import subprocess

BIN = pathlib.Path(os.environ["ASSAY_BIN"])


def assay(*args, data=None, env=None, timeout=60):
    """Run it in a pipe; standard input is `data` (bytes) or empty."""
    return subprocess.run([BIN / "assay", *map(str, args)], input=data or b"",
                          capture_output=True, timeout=timeout,
                          env={**os.environ, "TZ": "UTC", **(env or {})})


def good(*args, **more):
    """Standard output of a run that must succeed and say nothing else."""
    done = assay(*args, **more)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout.decode()


def good_json(*args, **more):
    return json.loads(good(*args, "--json", **more))


def refused(status, *args, **more):
    """Standard error of a run that must end with this status."""
    done = assay(*args, **more)
    assert done.returncode == status, done
    return done.stderr.decode()


def lines(*objects):
    """Canonical entries, one a line."""
    return b"".join(json.dumps(o, sort_keys=True, separators=(",", ":"),
                               ensure_ascii=False).encode() + b"\n" for o in objects)
