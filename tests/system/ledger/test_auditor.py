# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/auditor.md work as printed, on a log that is not ours."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


def block(name):
    text = (TOP / "docs" / "auditor.md").read_text()
    return re.search(rf"^```sh {name}\n(.*?)^```$", text, re.M | re.S)[1]


@pytest.fixture
def log(tmp_path):
    if not os.environ.get("ASSAY_DATA"):
        pytest.skip("ASSAY_DATA is not set: tlog/tessera")
    source = pathlib.Path(os.environ["ASSAY_DATA"]) / "tlog" / "tessera"
    shutil.copytree(source / "tile", tmp_path / "tile", copy_function=shutil.copyfile)
    shutil.copyfile(source / "checkpoint.15", tmp_path / "checkpoint")
    return tmp_path


def run(script, directory, **env):
    return subprocess.run(["sh", "-eu", "-c", script], cwd=directory, capture_output=True,
                          text=True, env={**os.environ, **env})


def test_signature(log):
    done = run(block("signature"), log, VKEY=VKEY)
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout


def test_signature_of_a_changed_checkpoint(log):
    text = (log / "checkpoint").read_text()
    (log / "checkpoint").write_text(text.replace("\n15\n", "\n14\n"))
    done = run(block("signature"), log, VKEY=VKEY)
    assert done.returncode != 0
    assert "Signature Verification Failure" in done.stdout + done.stderr


def entries(log):
    data = (log / "tile" / "entries" / "000.p" / "15").read_bytes()
    while data:
        size = int.from_bytes(data[:2], "big")
        yield data[2:2 + size]
        data = data[2 + size:]


@pytest.mark.parametrize("end", [b"", b"\n"])  # the second as assay prove --entry writes it
@pytest.mark.parametrize("index", [0, 7, 14])
def test_leaf(log, index, end):
    (log / "entry").write_bytes(list(entries(log))[index] + end)
    done = run(block("leaf"), log, INDEX=str(index), ENTRY="entry")
    assert done.returncode == 0, done.stderr
    tile, leaf = done.stdout.split()
    assert len(tile) == 64
    assert tile == leaf


def test_leaf_of_another_entry(log):
    (log / "entry").write_bytes(b"another")
    tile, leaf = run(block("leaf"), log, INDEX="3", ENTRY="entry").stdout.split()
    assert tile != leaf
