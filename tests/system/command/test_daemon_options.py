# SPDX-License-Identifier: Apache-2.0
"""Command lines of the processes that "assay up" starts: help, version, what is refused."""
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ["ASSAY_BIN"])
DAEMONS = ["assay-keys", "assay-monitor", "assay-recorder", "assay-sensor", "assay-uplink"]


def run(name, *args):
    return subprocess.run([BIN / name, *args], capture_output=True, text=True)


@pytest.mark.parametrize("name", DAEMONS)
def test_help_and_page_name_the_same_options(name):
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    named = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  --")}
    page = (TOP / "docs" / "man" / f"{name}.8").read_text()
    paged = {f"--{option}" for option in re.findall(r"^\.It Fl Fl (\S+)", page, re.M)}
    assert named == paged | {"--help", "--version"}


@pytest.mark.parametrize("name, option, values, want", [
    ("assay-recorder", "--backlog", ("15", "16385"), "16 to 16384 MiB"),
    ("assay-recorder", "--silence", ("19", "3601"), "20 to 3600 seconds"),
    ("assay-recorder", "--subjects", ("1023", "14680065"), "1024 to 14680064"),
    ("assay-keys", "--tell-after", ("0", "86401"), "1 to 86400 seconds"),
    ("assay-sensor", "--poll", ("4", "3601"), "5 to 3600 seconds")])
def test_limits(name, option, values, want):
    for value in values:
        done = run(name, option, value)
        assert (done.returncode, done.stderr) == (2, f"{name}: {option}: {want}\n")


def test_whom_to_expect():
    done = run("assay-recorder", "--expect", "gateways")
    assert (done.returncode, done.stderr) == (
        2, 'assay-recorder: --expect: "gateways" is not sensor, monitor, uplink, keys or gateway\n')


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
