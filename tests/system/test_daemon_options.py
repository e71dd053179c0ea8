# SPDX-License-Identifier: Apache-2.0
"""Command lines of the processes that "assay up" starts: help, version, what is refused."""
import os
import pathlib
import subprocess

import pytest

BIN = pathlib.Path(os.environ["ASSAY_BIN"])
DAEMONS = {"assay-recorder": {"--host", "--origin"}, "assay-sensor": {"--config", "--watch"}}
COMMON = {"--state", "--run", "--keep-user", "--help", "--version"}


def run(name, *args):
    return subprocess.run([BIN / name, *args], capture_output=True, text=True)


@pytest.mark.parametrize("name", DAEMONS)
def test_help_names_every_option(name):
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    named = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  --")}
    assert named == COMMON | DAEMONS[name]


@pytest.mark.parametrize("name", DAEMONS)
def test_version(name):
    done = run(name, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith(name + " ") and done.stdout.count("\n") == 1


@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("args, want", (
    (("x",), 'unexpected argument "x"'),
    (("--nonsense",), "unknown option --nonsense"),
    (("--state",), "option --state needs a value (DIR)"),
    (("--run", ""), "option --run: the value is empty"),
))
def test_wrong_usage(name, args, want):
    done = run(name, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{name}: {want}\nTry '{name} --help'.\n"
