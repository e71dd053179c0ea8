# SPDX-License-Identifier: Apache-2.0
"""The short form of patch day: the profiles that ship, a real installation and upgrade, accounts
that change, and attacks between them.  The whole of it is tests/patchday/patch_day.py."""
import pathlib
import subprocess
import sys

import pytest

import package_host

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "patchday" / "patch_day.py"


@pytest.mark.skipif(bool(package_host.possible()), reason=str(package_host.possible()))
def test_short_patch_day():
    done = subprocess.run([sys.executable, PROGRAM, "--short"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert "planted 10   alerted 10   false alerts 0" in done.stdout, done.stdout
