# SPDX-License-Identifier: Apache-2.0
"""Ledgers made by assay, judged by implementations that are not ours: Go's sumdb/note and
sumdb/tlog, npm's @sigstore/verify, and openssl.  One ledger grows through every size at which
tiles change shape; each checkpoint on the way is kept and has to stay consistent."""
import base64
import hashlib
import os
import pathlib
import shutil
import struct
import subprocess

import pytest

from assay_tool import BIN, good, good_json

HERE = pathlib.Path(__file__).resolve().parents[1] / "tlog_peers"
TOP = pathlib.Path(__file__).resolve().parents[3]
ORIGIN = "example.com/peers"
SIZES = [0, 1, 255, 256, 257, 65535, 65536, 65537, 70000]
TESSERA = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
SPKI = bytes.fromhex("302a300506032b6570032100")


def entry(i):
    return b'{"n":%d,"pad":"%s"}' % (i, b"x" * (i * 7919 % 211))


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """Copies of one ledger at each size: {size: directory}, and its vkey."""
    top = tmp_path_factory.mktemp("peers")
    live = top / "live"
    vkey = good("ledger", "init", live, "--origin", ORIGIN).strip()
    copies = {}
    size = 0
    for want in SIZES:
        if want > size:
            data = b"".join(entry(i) + b"\n" for i in range(size, want))
            good("ledger", "append", live, data=data, timeout=300)
            size = want
        copies[want] = top / str(want)
        shutil.copytree(live, copies[want])
    return copies, vkey


@pytest.fixture(scope="module")
def checklog(tmp_path_factory):
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    if not pathlib.Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("golang-golang-x-mod-dev is not installed")
    top = tmp_path_factory.mktemp("go")
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": f"{top}:/usr/share/gocode",
           "GOCACHE": str(top / "cache"), "GOFLAGS": ""}
    subprocess.run(["go", "build", "-o", top / "checklog", HERE / "checklog.go"], check=True,
                   env=env, timeout=300)

    def run(directory, vkey, *older):
        return subprocess.run([top / "checklog", directory, vkey, *older], capture_output=True,
                              text=True, timeout=300)
    return run


@pytest.mark.parametrize("size", SIZES)
def test_go(grown, checklog, size):
    copies, vkey = grown
    older = [copies[s] / "checkpoint" for s in SIZES if s < size]
    done = checklog(copies[size], vkey, *older)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[1] == str(size)
    if 0 < size <= 2000:
        assert words[3] == str(size)
    elif size:
        assert int(words[3]) > size // 137
    assert words[5] == str(sum(1 for s in SIZES if 0 < s < size))


def test_go_sees_a_changed_entry(grown, checklog, tmp_path):
    copies, vkey = grown
    shutil.copytree(copies[257], tmp_path / "log")
    bundle = tmp_path / "log" / "tile" / "entries" / "000"
    data = bytearray(bundle.read_bytes())
    data[40] ^= 1
    bundle.write_bytes(data)
    done = checklog(tmp_path / "log", vkey)
    assert done.returncode != 0
    assert "entry" in done.stderr


def test_go_on_a_log_that_is_not_ours(checklog, tmp_path):
    if not os.environ.get("ASSAY_DATA"):
        pytest.skip("ASSAY_DATA is not set: tlog/tessera")
    source = pathlib.Path(os.environ["ASSAY_DATA"]) / "tlog" / "tessera"
    shutil.copytree(source, tmp_path / "log", copy_function=shutil.copyfile)
    shutil.copyfile(source / "checkpoint.15", tmp_path / "log" / "checkpoint")
    done = checklog(tmp_path / "log", TESSERA,
                    *[source / f"checkpoint.{n}" for n in range(15)])
    assert (done.returncode, done.stdout) == (0, "size 15 records 15 older 14\n"), done.stderr


# ---- @sigstore/verify ----


@pytest.fixture(scope="module")
def checkproof():
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    if not (TOP / "node_modules" / "@sigstore" / "verify").is_dir():
        pytest.skip("@sigstore/verify is not installed in node_modules")

    def run(vkey, *files):
        return subprocess.run(["node", HERE / "checkproof.js", TOP / "node_modules", vkey, *files],
                              capture_output=True, text=True, timeout=120)
    return run


@pytest.mark.parametrize("size", SIZES[1:])
def test_sigstore(grown, checkproof, tmp_path, size):
    copies, vkey = grown
    files = []
    for i in sorted({0, 1, 127, 254, 255, 256, 65534, 65535, 65536, size // 2, size - 1}):
        if i >= size:
            continue
        proof, leaf = tmp_path / f"{i}.tlog-proof", tmp_path / f"{i}.entry"
        proof.write_text(good("ledger", "proof", copies[size], i))
        leaf.write_bytes(entry(i))
        files += [proof, leaf]
    done = checkproof(vkey, *files)
    assert (done.returncode, done.stdout) == (0, f"{len(files) // 2} proofs\n"), done.stderr


def test_sigstore_refuses_another_entry(grown, checkproof, tmp_path):
    copies, vkey = grown
    proof, leaf = tmp_path / "proof", tmp_path / "entry"
    proof.write_text(good("ledger", "proof", copies[257], 100))
    leaf.write_bytes(entry(101))
    done = checkproof(vkey, proof, leaf)
    assert done.returncode != 0
    assert "does not match" in done.stderr


# ---- openssl ----


def openssl_verify(tmp_path, key, message, signature):
    for name, data in (("key", SPKI + key), ("message", message), ("signature", signature)):
        (tmp_path / name).write_bytes(data)
    return subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey",
                           "key", "-rawin", "-in", "message", "-sigfile", "signature"],
                          cwd=tmp_path, capture_output=True, text=True, timeout=60)


def parts(vkey):
    """Name, key id, type and key of a vkey, its key id computed anew."""
    name, keyid, rest = vkey.split("+", 2)
    raw = base64.b64decode(rest, validate=True)
    assert hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == keyid
    return name, bytes.fromhex(keyid), raw[0], raw[1:]


def signature_of(note, vkey):
    """The signed text, and the signature bytes behind this key's id."""
    name, keyid, _, _ = parts(vkey)
    text, lines = note.rsplit("\n\n", 1)
    for line in lines.splitlines():
        dash, who, raw = line.split(" ")
        raw = base64.b64decode(raw, validate=True)
        if dash == "\u2014" and who == name and raw[:4] == keyid:
            return text.encode() + b"\n", raw[4:]
    raise AssertionError(f"no signature of {name}")


@pytest.mark.parametrize("size", SIZES)
def test_openssl_note(grown, tmp_path, size):
    copies, vkey = grown
    text, signature = signature_of((copies[size] / "checkpoint").read_text(), vkey)
    origin, number, root = text.decode().splitlines()
    assert (origin, number) == (ORIGIN, str(size))
    assert len(base64.b64decode(root, validate=True)) == 32
    _, _, kind, key = parts(vkey)
    assert kind == 1
    assert openssl_verify(tmp_path, key, text, signature).returncode == 0
    assert openssl_verify(tmp_path, key, text + b" ", signature).returncode != 0


def test_openssl_cosignature(grown, tmp_path):
    tool = BIN.parent / "tests" / "ledger" / "cosign"
    if not tool.exists():
        pytest.skip(f"{tool} is not built")
    copies, _ = grown
    note = (copies[257] / "checkpoint").read_text()
    text = note.rsplit("\n\n", 1)[0] + "\n"
    done = subprocess.run([tool, "witness.example", "1763745600"], input=text.encode(),
                          capture_output=True, check=True, timeout=60)
    vkey = done.stderr.decode()
    signed, raw = signature_of(note + done.stdout.decode(), vkey)
    _, _, kind, key = parts(vkey)
    assert kind == 4
    seconds, = struct.unpack(">Q", raw[:8])
    assert seconds == 1763745600
    message = f"cosignature/v1\ntime {seconds}\n".encode() + signed
    assert openssl_verify(tmp_path, key, message, raw[8:]).returncode == 0
    assert openssl_verify(tmp_path, key, signed, raw[8:]).returncode != 0


# ---- and ours, on the same copies ----


@pytest.mark.parametrize("size", SIZES)
def test_assay_verify(grown, size):
    copies, vkey = grown
    result = good_json("verify", copies[size], "--key", vkey, timeout=300)
    assert (result["verdict"], result["size"], result["entries"]) == ("good", size, size)
    assert result["reports"] == []
    assert result["bytes"] >= sum(len(entry(i)) + 2 for i in range(size))
