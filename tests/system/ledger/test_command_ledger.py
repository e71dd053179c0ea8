# SPDX-License-Identifier: Apache-2.0
"""assay ledger, prove and verify on directories, with good and bad input."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import threading

import pytest

from assay_tool import BIN, assay, good, good_json, lines, refused

ORIGIN = "example.com/ledger"


@pytest.fixture
def ledger(tmp_path):
    """A new ledger and its key."""
    path = tmp_path / "L"
    return path, good("ledger", "init", path, "--origin", ORIGIN).strip()


def tree(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def test_init(ledger):
    path, vkey = ledger
    assert vkey.startswith(ORIGIN + "+")
    assert good("ledger", "vkey", path).strip() == vkey
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o755
    assert stat.S_IMODE(os.stat(f"{path}.private").st_mode) == 0o700
    checkpoint = good("ledger", "checkpoint", path)
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    assert checkpoint.startswith(f"{ORIGIN}\n0\n{empty}\n\n— {ORIGIN} ")
    assert (path / "checkpoint").read_text() == checkpoint
    assert good("verify", path, "--key", vkey).startswith(f"GOOD  {ORIGIN}, 0 entries\n")


def test_init_twice(ledger):
    path, vkey = ledger
    before = tree(path), tree(path.parent / "L.private")
    assert "is not empty" in refused(1, "ledger", "init", path, "--origin", "example.com/other")
    assert (tree(path), tree(path.parent / "L.private")) == before


@pytest.mark.parametrize("origin", ["https://example.com/log", "a b", "a+b", "x" * 256,
                                    "example.com/lo\u200bg", "example.com/\u202egol", "\ufeffa",
                                    "../log", "example.com/./log", "example.com/..", "a//b", "/a",
                                    "a/"])
def test_names_that_are_none(tmp_path, ledger, origin):
    path, _ = ledger
    said = refused(2, "ledger", "init", tmp_path / "N", "--origin", origin)
    assert 'origin "' in said and '": a URL without its scheme' in said
    assert not list(tmp_path.glob("N*"))
    said = refused(1, "ledger", "succeed", path, "--reason", "r", "--origin", origin)
    assert "without its scheme" in said and not pathlib.Path(f"{path}.1").exists()
    good("ledger", "append", path, data=lines({"a": 1}))


def test_what_is_no_ledger_at_all(tmp_path, ledger):
    path, key = ledger
    good("ledger", "append", path, data=lines({"a": 1}))
    shutil.copytree(path / "tile", tmp_path / "tiles" / "tile")
    assert "there is no ledger to judge" in refused(3, "verify", tmp_path / "tiles")
    assert assay("verify", tmp_path / "tiles", "--key", key).returncode == 1
    for command in ("verify", "log", ("ledger", "checkpoint")):
        words = [command] if isinstance(command, str) else command
        assert "only http:// and https:// are read" in refused(3, *words, "ftp://127.0.0.1/log")
    said = refused(3, "baseline", "show", "--state", tmp_path)
    assert said.count("/sensor") == 1


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("call, how, nths", [
    ("renameat", "error=ENOSPC", (1, 2, 4)), ("fsync", "signal=KILL", (2, 5, 8)),
    ("pwrite64", "error=ENOSPC", (1, 2, 5))])
def test_init_again_after_a_failure(tmp_path, call, how, nths):
    """Regression: the second attempt was refused for what the first had left."""
    for nth in nths:
        path = tmp_path / str(nth) / "L"
        path.parent.mkdir()
        done = subprocess.run(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
             f"inject={call}:{how}:when={nth}", BIN / "assay", "ledger", "init", path,
             "--origin", ORIGIN], capture_output=True, check=False)
        assert done.returncode != 0
        vkey = good("ledger", "init", path, "--origin", ORIGIN).strip()
        good("ledger", "append", path, data=lines({"n": 1}))
        assert good_json("verify", path, "--key", vkey)["verdict"] == "good"


def test_init_takes_back_what_it_made(tmp_path):
    (tmp_path / "L.private").mkdir()
    (tmp_path / "L.private" / "x").write_text("")
    assert "L.private is not empty: it holds x" in refused(
        1, "ledger", "init", tmp_path / "L", "--origin", ORIGIN)
    assert not (tmp_path / "L").exists()
    assert "No such file" in refused(1, "ledger", "init", tmp_path / "a" / "b", "--origin", ORIGIN)


@pytest.mark.parametrize("name", [".", "./", "../served", "link", "link/."])
def test_the_private_half_lies_beside_whatever_it_is_called(tmp_path, name):
    """It held the key inside the served directory when that was called "."."""
    served = tmp_path / "served"
    served.mkdir()
    (tmp_path / "link").symlink_to(served)
    at = served if name.startswith(".") else tmp_path
    subprocess.run([BIN / "assay", "ledger", "init", name, "--origin", "example.com/l"], cwd=at,
                   check=True, stdout=subprocess.PIPE)
    subprocess.run([BIN / "assay", "ledger", "append", name], cwd=at, check=True,
                   input=lines({"a": 1}), stdout=subprocess.PIPE)
    assert sorted(f.name for f in served.iterdir()) == ["checkpoint", "tile"]
    assert (tmp_path / "served.private/keys/log").exists()


def test_a_proof_to_a_device_leaves_it_a_device(ledger, tmp_path):
    """The file was made new and renamed over whatever was there, /dev/null too."""
    path, _ = ledger
    good("ledger", "append", path, data=lines({"a": 1}))
    device = tmp_path / "null"
    os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    good("prove", "0", path, "--output", device)
    assert stat.S_ISCHR(device.stat().st_mode)


def test_append_and_prove(ledger, tmp_path):
    path, vkey = ledger
    entries = lines({"a": 1}, {"b": ["é", None, True]}, {})
    said = good("ledger", "append", path, data=entries)
    leaves = [leaf(e) for e in entries.splitlines()]
    node = hashlib.sha256(b"\1" + leaves[0] + leaves[1]).digest()
    root = base64.b64encode(hashlib.sha256(b"\1" + node + leaves[2]).digest()).decode()
    assert said == f"first 0 size 3 root {root}\n"
    assert good_json("ledger", "append", path) == {"appended": 0, "first": 3, "root": root,
                                                   "size": 3}
    # The last line needs no newline.
    assert good_json("ledger", "append", path, data=b'{"z":1}')["size"] == 4
    assert good("log", path, "--json") == (entries + b'{"z":1}\n').decode()
    for index, entry in enumerate((entries + b'{"z":1}').splitlines()):
        proof = tmp_path / "proof"
        proof.write_text(good("ledger", "proof", path, index))
        (tmp_path / "entry").write_bytes(entry)
        said = good("verify", "--proof", proof, "--key", vkey, "--entry", tmp_path / "entry")
        assert said == f"GOOD  entry {index} of {ORIGIN}, which had 4 entries; 1 signature\n"
        (tmp_path / "entry").write_bytes(entry + b"\n")
        assert good_json("verify", "--proof", proof, "--key", vkey, "--entry",
                         tmp_path / "entry")["index"] == index
    assert good("verify", path, "--key", vkey).startswith(f"GOOD  {ORIGIN}, 4 entries\n")
    assert good_json("verify", path, "--key", vkey)["verdict"] == "good"


DEEP = b'{"a":' + b"[" * 40 + b"]" * 40 + b"}"


@pytest.mark.parametrize("line, want", [
    (b"", "byte 0:"),
    (b"x", "byte 0:"),
    (b"[]", "byte 0:"),
    (b'{"a":1', "byte 6:"),
    (b'{"a":1}x', "byte 7:"),
    (b'{"a": 1}', "byte 5:"),
    (b'{"a":1.5}', "byte 6:"),
    (b'{"a":1e3}', "byte 6:"),
    (b'{"a":-0}', "byte 5:"),
    (b'{"a":9007199254740992}', "byte 5:"),
    (b'{"a":1,"a":2}', "byte 7:"),
    (b'{"b":1,"a":2}', "byte 7:"),
    (b'{"A":1}', "byte "),
    (b'{"a":"\xff"}', "byte 6:"),
    (b'{"a":"\xc0\x80"}', "byte 6:"),
    (b'{"a":"\xed\xa0\x80"}', "byte 6:"),
    (b'{"a":"\\ud800"}', "byte "),
    (b'{"a":"\\u0041"}', "byte "),
    (b'{"a":"\x01"}', "byte 6:"),
    (b'{"a":1}\r', "byte 7:"),
    (b'\xef\xbb\xbf{"a":1}', "byte 0:"),
    (DEEP, "byte "),
    (b'{"a":"' + b"x" * 65528 + b'"}', "65536 bytes; an entry has at most 65535"),
])
def test_a_bad_line_leaves_nothing_behind(ledger, line, want):
    path, vkey = ledger
    before = tree(path)
    done = assay("ledger", "append", path, data=b'{"good":1}\n{"good":2}\n' + line + b'\n{"c":3}\n')
    assert done.returncode == 1 and done.stdout == b""
    assert done.stderr.decode().startswith(f"assay ledger append: line 3: {want}")
    assert done.stderr.decode().endswith("; nothing was appended\n")
    assert tree(path) == before
    assert good_json("ledger", "append", path, data=b'{"good":1}\n')["first"] == 0


def test_what_only_the_ledger_itself_says(ledger):
    """Regression: an entry that named a key under the ledger's name was taken, and the ledger was
    damaged for good."""
    path, vkey = ledger
    stranger = good("ledger", "init", path.parent / "other", "--origin", "example.com/b").strip()
    rotated = {"k": "ledger.key_rotated", "what": {"vkey": vkey}}
    before = tree(path)
    said = refused(1, "ledger", "append", path, data=lines({"a": 1}, rotated))
    assert 'line 2: ledger.key_rotated is for the ledger itself to write, see "assay ledger ' \
        'rotate"' in said and "nothing was appended" in said
    assert tree(path) == before
    free = [{"a": json.dumps(rotated)}, {"k": "ledger.key_rotated"},
            {"k": "ledger.key_rotated", "what": {"vkey": stranger}},
            {"k": "ledger.key_rotated", "what": {"vkey": vkey.split("+", 1)[0]}},
            {"k": "free", "what": {"vkey": vkey}}, {"k": 7, "what": {"k": "ledger.key_rotated"}}]
    good("ledger", "append", path, data=lines(*free))
    good("verify", path, "--key", vkey)


def test_the_longest_entry(ledger):
    path, vkey = ledger
    entry = b'{"a":"' + b"x" * 65527 + b'"}'
    assert len(entry) == 65535
    assert good_json("ledger", "append", path, data=entry)["size"] == 1
    assert good("log", path, "--json").encode() == entry + b"\n"


def test_not_a_ledger(tmp_path, ledger):
    path, vkey = ledger
    (tmp_path / "no").mkdir()
    (tmp_path / "file").write_text("x")
    for command in (("ledger", "checkpoint"), ("log",)):
        assert "not a ledger: it has no checkpoint" in refused(3, *command, tmp_path / "no")
        assert "not a tar archive" in refused(3, *command, tmp_path / "file")
        assert "No such file" in refused(3, *command, tmp_path / "absent")
    for target in ("no", "file", "absent"):
        assert str(tmp_path / target) in refused(1, "ledger", "append", tmp_path / target)
    said = assay("verify", tmp_path / "no", "--key", vkey)
    assert (said.returncode, said.stdout) == (3, b"")
    assert b"is not a ledger: it has neither a checkpoint nor tiles" in said.stderr
    assert "there is no ledger" in refused(3, "verify", tmp_path / "no")
    assert "not a tar archive" in refused(3, "verify", tmp_path / "file", "--key", vkey)
    said = json.loads(assay("verify", tmp_path / "no", "--key", vkey, "--json").stdout)
    assert said["verdict"] == "unknown"
    assert [r["issue"] for r in said["reports"]] == ["not_a_log"]
    assert "not a ledger" in refused(3, "verify", "/etc", "--key", vkey)
    assert refused(3, "verify", tmp_path / "absent", "--key", vkey)
    assert "--key: " in refused(2, "verify", path, "--key", "nonsense")


def test_a_foreign_checkpoint(ledger, tmp_path):
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"a": 1}))
    other = tmp_path / "O"
    other_key = good("ledger", "init", other, "--origin", "example.com/other").strip()
    good("ledger", "append", other, data=lines({"a": 1}))
    (path / "checkpoint").write_bytes((other / "checkpoint").read_bytes())
    done = assay("verify", path, "--key", vkey)
    assert done.returncode == 1 and b"damage: checkpoint" in done.stdout
    assert assay("verify", other, "--key", vkey).returncode == 1
    assert assay("verify", other, "--key", other_key).returncode == 0
    (path / "checkpoint").write_text("nonsense\n")
    assert "checkpoint: " in refused(1, "ledger", "checkpoint", path)
    assert assay("verify", path, "--key", vkey).returncode == 1


def test_proofs_that_do_not_hold(ledger, tmp_path):
    path, vkey = ledger
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(300))))
    proof, entry = tmp_path / "proof", tmp_path / "entry"
    right = good("ledger", "proof", path, 77)
    args = ("verify", "--proof", proof, "--key", vkey, "--entry", entry)
    proof.write_text(right)
    entry.write_bytes(b'{"n":77}')
    assert assay(*args).returncode == 0
    assert assay("verify", "--proof", "/dev/stdin", "--key", vkey, "--entry", entry,
                 data=right.encode()).returncode == 0
    assert assay(*args[:-1], "/dev/stdin", data=b'{"n":77}').returncode == 0
    entry.write_bytes(b'{"n":78}')
    assert refused(1, *args).startswith("assay verify: ")
    entry.write_bytes(b'{"n":77}')
    for old, new in [("index 77", "index 78"), ("@v1", "@v2"), ("\n300\n", "\n301\n"),
                     ("index 77\n", "index 077\n"), ("— ", "- ")]:
        assert old in right
        proof.write_text(right.replace(old, new))
        assert refused(1, *args).startswith("assay verify: ")
    proof.write_text(right[:len(right) // 2])
    assert refused(1, *args)
    assert refused(3, "verify", "--proof", tmp_path / "absent", "--key", vkey, "--entry", entry)
    assert "there is no entry 300: the ledger has 300" in refused(1, "ledger", "proof", path, 300)


def test_prove_by_id_and_to_a_file(ledger, tmp_path):
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"id": "one"}, {"id": "two"}, {"id": "three"}))
    out = tmp_path / "two.tlog-proof"
    assert good("prove", "two", path, "-o", out) == ""
    assert out.read_text() == good("prove", "1", path) == good("ledger", "proof", path, 1)
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    said = good_json("prove", "three", path)
    assert (said["index"], said["size"], said["origin"]) == (2, 3, ORIGIN)
    assert said["proof"] == good("prove", "2", path)
    assert refused(1, "prove", "four", path) == 'assay prove: there is no entry "four"\n'
    assert refused(3, "prove", "two", path, "-o", tmp_path / "no" / "x").startswith("assay prove: ")


def test_prove_hands_out_the_entry_as_well(ledger, tmp_path):
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"id": "one"}, {"id": "two", "n": 2}))
    proof, entry = tmp_path / "proof", tmp_path / "entry.json"
    good("prove", "1", path, "-o", proof, "--entry", entry)
    assert entry.read_text() == '{"id":"two","n":2}\n'
    good("verify", "--proof", proof, "--entry", entry, "--key", vkey)
    said = good_json("prove", "two", path, "-o", proof, "--entry", entry)
    assert (said["entry"], said["index"]) == (str(entry), 1)
    nowhere = tmp_path / "no" / "x"
    assert refused(3, "prove", "1", path, "-o", proof, "--entry", nowhere).startswith(
        "assay prove: ")
    assert refused(1, "prove", "7", path, "--entry", tmp_path / "seven").startswith("assay prove: ")
    assert not (tmp_path / "seven").exists()


def test_every_byte_counts(ledger):
    """A small log here; all bytes of a larger one in the ledger's own tests."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"a": 1}, {"b": 2}))
    for name in ("checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"):
        file = path / name
        content = file.read_bytes()
        for at in range(0, len(content), 7):
            file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1:])
            done = assay("verify", path, "--key", vkey)
            assert done.returncode == 1, (name, at, done)
            assert b"damage: " in done.stdout
        file.write_bytes(content)
    assert assay("verify", path, "--key", vkey).returncode == 0


def test_the_private_half_is_read_too(ledger):
    """Without --key the ledger's owner asks, and its write-ahead log is compared as well."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"a": 1}, {"b": 2}))
    good("ledger", "append", path, data=lines({"c": 3}))
    assert "private    3 entries in 2 batches of the log as it was written" in good("verify", path)
    segment = path.parent / "L.private" / "wal" / "000000000001"
    content = segment.read_bytes()
    for at in (20, content.index(b'{"b":2}') + 2, content.index(b'{"c":3}') - 30):
        with open(segment, "r+b") as file:
            file.seek(at)
            file.write(bytes([content[at] ^ 1]))
        done = assay("verify", path)
        assert done.returncode == 1 and done.stdout.startswith(b"DAMAGED  ")
        assert done.stderr.decode().startswith(f"assay verify: {path}.private: wal segment 1")
        assert assay("verify", path, "--key", vkey).returncode == 0
        segment.write_bytes(content)
    assert good_json("verify", path)["verdict"] == "good"


def test_verify_tells_programs(ledger):
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"a": 1}))
    bundle = path / "tile" / "entries" / "000.p" / "1"
    bundle.write_bytes(bundle.read_bytes().replace(b"1", b"2"))
    done = assay("verify", path, "--key", vkey, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["verdict"] == "damaged"
    assert [(r["issue"], r["path"], r["index"], r["severity"]) for r in said["reports"]] == [
        ("entry_hash", "tile/entries/000.p/1", 0, "damage")]


def test_two_histories_and_the_evidence(ledger, tmp_path):
    """A server could take back the one that is judged: both are needed to convict the key."""
    path, vkey = ledger
    other = tmp_path / "other"
    good("ledger", "append", path, data=lines({"a": 1}))
    for suffix in ("", ".private"):
        shutil.copytree(f"{path}{suffix}", f"{other}{suffix}")
    for where, value in ((path, 2), (other, 3)):
        good("ledger", "append", where, data=lines({"a": value}))
    mine, kept = (where / "checkpoint" for where in (path, other))
    done = assay("verify", path, "--key", vkey, "--earlier", kept)
    assert done.returncode == 1
    said, evidence = done.stdout.decode().split("its key signed both\n\n")
    assert "two histories" in said and evidence == mine.read_text()
    mine.write_text(mine.read_text()[:-8] + "AAAAAAA\n")  # what nobody signed is no evidence
    done = assay("verify", path, "--key", vkey, "--earlier", kept)
    assert done.returncode == 1
    assert b"two histories" in done.stdout and b"evidence" not in done.stdout


@pytest.mark.parametrize("closed, status", (("<&-", 1), (">&-", 3), ("2>&-", 0),
                                            ("<&- >&- 2>&-", 1)))
def test_nothing_open_to_write_to(ledger, closed, status):
    """What is said gets into no file of the ledger."""
    path, vkey = ledger
    data = lines({"a": 1}) if "<" not in closed else b""
    done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", BIN / "assay", "ledger",
                           "append", path], input=data, stderr=subprocess.DEVNULL)
    assert done.returncode == status
    good("ledger", "append", path, data=lines({"b": 1}))
    assert "GOOD" in good("verify", path, "--key", vkey)


def test_a_full_disk_is_said_once(ledger):
    """The judgement and what the private half has were printed, and complained of, one by one."""
    path, _ = ledger
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BIN / "assay", "verify", path], stdout=full, stderr=subprocess.PIPE,
                              check=False)
    assert done.returncode == 3
    assert done.stderr.decode().splitlines() == [
        "assay verify: standard output: No space left on device"]


@pytest.mark.parametrize("words", [["verify", "L"], ["verify", "L", "--key", "VKEY"],
                                   ["ledger", "checkpoint", "L"], ["log", "L"],
                                   ["prove", "0", "L"]])
def test_a_checkpoint_that_cannot_be_read_is_no_judgement(ledger, words):
    """A pipe in its place, and no free descriptor: neither says that the ledger is damaged, or that
    the command was wrong."""
    path, vkey = ledger
    words = [{"L": path, "VKEY": vkey}.get(w, w) for w in words]
    done = subprocess.run(["prlimit", "--nofile=4", BIN / "assay", *words], capture_output=True,
                          check=False)
    assert done.returncode == 3 and b"Too many open files" in done.stderr
    (path / "checkpoint").unlink()
    os.mkfifo(path / "checkpoint")
    done = assay(*words)
    assert done.returncode == 3
    assert b"checkpoint: not a regular file" in done.stdout + done.stderr


def test_an_earlier_checkpoint(ledger, tmp_path):
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"a": 1}, {"b": 1}))
    kept = tmp_path / "kept"
    kept.write_text(good("ledger", "checkpoint", path))
    good("ledger", "append", path, data=lines({"c": 1}))
    said = good("verify", path, "--key", vkey, "--earlier", kept)
    assert "earlier    1 checkpoint: the ledger goes on from it" in said
    other = tmp_path / "O"
    good("ledger", "init", other, "--origin", ORIGIN)
    good("ledger", "append", other, data=lines({"x": 1}))
    foreign = tmp_path / "foreign"
    foreign.write_text(good("ledger", "checkpoint", other))
    assert assay("verify", path, "--key", vkey, "--earlier", foreign).returncode != 0
    assert good_json("verify", path, "--key", vkey)["checkpoint"] == good(
        "ledger", "checkpoint", path)
    kept.write_text(good("ledger", "proof", path, "0"))  # the wrong file says nothing of the ledger
    said = assay("verify", path, "--key", vkey, "--earlier", kept)
    assert said.returncode == 3 and said.stdout == b""
    assert f"--earlier: {kept}: no checkpoint is in it: " in said.stderr.decode()


def test_rotation(ledger):
    path, old = ledger
    good("ledger", "append", path, data=lines({"a": 1}))
    new = good("ledger", "rotate", path, "--reason", "yearly").strip()
    assert new != old and new.split("+")[0] == ORIGIN
    good("ledger", "append", path, data=lines({"b": 1}))
    assert good("ledger", "vkey", path).strip() == new
    for key in (old, new):
        assert good_json("verify", path, "--key", key)["verdict"] == "good"
    said = json.loads(good("log", path, "--json", "--kind", "ledger.key_rotated"))
    assert said["what"]["vkey"] == new and said["what"]["reason"] == "yearly"


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_failed_sync_is_no_refusal(ledger, tmp_path, options):
    """Regression: "nothing was appended", and the entry was there."""
    path, _ = ledger
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", tmp_path / "trace", "-e", "trace=fdatasync", "-P",
         f"{path}.private/wal/000000000001", "-e", "inject=fdatasync:error=EIO:when=1",
         BIN / "assay", "ledger", "append", path, *options],
        input=lines({"n": 1}), capture_output=True, check=False)
    assert done.returncode == 3
    assert b"nothing was appended" not in done.stderr and b"not known" in done.stderr
    if options:
        assert json.loads(done.stdout)["unsure"] is True
    good("ledger", "append", path)  # publishes what is there
    assert len(good("log", path, "--json").splitlines()) == 1


def test_a_lock_that_is_a_link(ledger, tmp_path):
    path, _ = ledger
    lock, victim = tmp_path / "L.private" / "lock", tmp_path / "victim"
    lock.unlink()
    lock.symlink_to(victim)
    done = assay("ledger", "append", path, data=lines({"n": 1}))
    assert done.returncode != 0 and b"lock" in done.stderr and not victim.exists()


def rotate_struck(path, call, how, nth):
    """The command, whose n-th such system call fails or is its last: whether it came so far."""
    trace = path.parent / "trace"
    subprocess.run(
        ["strace", "-f", "-qq", "-o", trace, "-e", f"trace={call}", "-e",
         f"inject={call}:{how}:when={nth}", BIN / "assay", "ledger", "rotate", path,
         "--reason", "r"], capture_output=True, check=False)
    said = trace.read_text()
    return "INJECTED" in said or "killed by SIGKILL" in said


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("call, how, step", [
    ("renameat", "signal=KILL", 2), ("renameat", "error=ENOSPC", 2), ("fsync", "signal=KILL", 5),
    ("fsync", "error=EIO", 5), ("fdatasync", "signal=KILL", 1), ("pwrite64", "signal=KILL", 4),
    ("pwrite64", "error=ENOSPC", 4)])
def test_rotation_cut_off_anywhere(ledger, tmp_path, call, how, step):
    """Regression: what came next was signed by the old key alone, and the ledger damaged for
    ever."""
    first, old = ledger
    good("ledger", "append", first, data=lines({"n": 1}))
    nth = 1
    while True:
        path = tmp_path / str(nth) / "L"
        path.parent.mkdir()
        shutil.copytree(first, path)
        shutil.copytree(f"{first}.private", f"{path}.private")
        if not rotate_struck(path, call, how, nth):
            break
        assert assay("verify", path, "--key", old).returncode in (0, 3)
        good("ledger", "append", path, data=lines({"n": 2}))
        new = good("ledger", "vkey", path).strip()
        changes = good("log", path, "--json", "--kind", "ledger.key_rotated").splitlines()
        assert len(changes) == (new != old)
        for key in (old, new):
            assert good_json("verify", path, "--key", key)["verdict"] == "good"
        nth += step
        assert nth < 100, "it never came to its end"
    assert nth > 1


def test_one_writer_at_a_time(ledger):
    path, vkey = ledger
    results = []

    def append(n):
        results.append(assay("ledger", "append", path, data=lines({"n": n}) * 2000))

    threads = [threading.Thread(target=append, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [r for r in results if r.returncode == 0]
    assert taken
    for r in results:
        assert r in taken or b"is writing to it" in r.stderr
    assert good_json("verify", path, "--key", vkey)["size"] == 2000 * len(taken)


@pytest.mark.parametrize("bad, byte", ((b"bad", 0), (b'{"b":1,"a":1}', 7), (b'{"a":1.5}', 6)))
def test_refused_line_as_json(ledger, bad, byte):
    path, _vkey = ledger
    done = assay("ledger", "append", path, "--json", data=b'{"a":1}\n{"a":2}\n' + bad + b"\n")
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert (said["line"], said["appended"]) == (3, 0)
    assert said["error"].startswith(f"line 3: byte {byte}: ")
    assert said["error"].encode() in done.stderr
    said = json.loads(assay("ledger", "append", path / "absent", "--json", data=bad).stdout)
    assert "line" not in said and said["error"]


def test_larger_than_one_piece(ledger):
    """Input beyond 64 MiB: the pieces before a bad line stay, and it says how many entries."""
    path, vkey = ledger
    entry = b'{"a":"' + b"x" * 60000 + b'"}\n'
    n = 64 * 1024 * 1024 // len(entry) + 10
    done = assay("ledger", "append", path, "--json", data=entry * n + b"bad\n")
    size = good_json("ledger", "checkpoint", path)["size"]
    assert done.returncode == 1 and 0 < size < n
    assert done.stderr.decode().startswith(f"assay ledger append: line {n + 1}: byte 0: ")
    assert f"the {size} entries before are in the ledger" in done.stderr.decode()
    said = json.loads(done.stdout)
    assert (said["appended"], said["first"], said["line"]) == (size, 0, n + 1)
    assert good_json("verify", path, "--key", vkey)["verdict"] == "good"


# ---- rebuild ----

@pytest.fixture
def old_ledger(ledger):
    """3,000 large entries: the first segments of the write-ahead log are used again."""
    path, vkey = ledger
    for part in range(6):
        good("ledger", "append", path,
             data=lines(*({"n": n, "x": "y" * 9000} for n in range(500 * part, 500 * part + 500))))
    assert not (path.parent / "L.private/wal/000000000001").exists()
    for partial in (path / "tile/1/000.p").iterdir():  # of earlier sizes, which nobody knows again
        if partial.name != "11":
            partial.unlink()
    return path, vkey, tree(path)


def test_rebuild(old_ledger):
    path, vkey, before = old_ledger
    root = good_json("verify", path, "--key", vkey)["root"]
    assert good_json("ledger", "rebuild", path) == {"files": 0, "origin": ORIGIN, "root": root,
                                                    "size": 3000}
    for gone in (["tile/0"], ["tile/0", "tile/1"], ["tile/0/003", "tile/entries/011.p"],
                 ["checkpoint", "tile/1"]):
        lost = 0
        for name in gone:
            files = [path / name] if (path / name).is_file() else list((path / name).iterdir())
            lost += sum(len(list(f.iterdir())) if f.is_dir() else 1 for f in files)
            subprocess.run(["rm", "-r", path / name], check=True)
        if "tile/1" in gone:
            said = refused(1, "ledger", "append", path)
            assert "the ledger is not whole: wal/" in said and "assay ledger rebuild" in said
            assert "tile/1/000.p/11: No such file" in said
        said = good("ledger", "rebuild", path)
        made = lost - ("checkpoint" in gone)
        assert said == (f"WHOLE  {ORIGIN}, 3,000 entries\nroot   {root}\n"
                        f"made   {made} file{'s' if made > 1 else ''}\n")
        assert tree(path) == before
    assert good("verify", path, "--key", vkey).startswith(f"GOOD  {ORIGIN}, 3,000 entries\n")


def test_rebuild_leaves_alone_what_is_wrong(old_ledger):
    """The tile of a sound bundle was written before the root was known to be another."""
    path, vkey, before = old_ledger
    bundle = path / "tile/entries/002"
    data = bytearray(bundle.read_bytes())
    data[50] ^= 1
    bundle.write_bytes(data)
    (path / "tile/0/001").unlink()
    assert "the root computed again from the disk is another" in refused(1, "ledger", "rebuild",
                                                                         path)
    assert not (path / "tile/0/001").exists()
    bundle.unlink()
    assert f"{path}: the ledger is not whole: tile/entries/002: open: No such" in refused(
        1, "ledger", "rebuild", path)
    assert not bundle.exists() and not (path / "tile/0/001").exists()
    bundle.write_bytes(before["tile/entries/002"])
    # A tile that is wrong is named; moved away, it is made again.
    tile = path / "tile/0/004"
    tile.write_bytes(bytes(8192))
    assert "tile/0/004: another content" in refused(1, "ledger", "rebuild", path)
    assert tile.read_bytes() == bytes(8192)
    tile.rename(path.parent / "evidence")
    good("ledger", "rebuild", path)
    assert tree(path) == before
    assert "there is no ledger here" in refused(3, "ledger", "rebuild", path.parent / "none")


def test_what_is_gone_from_the_private_half_is_said(ledger):
    path, _ = ledger
    private = path.parent / f"{path.name}.private"
    good("ledger", "append", path, data=lines({"n": 1}))
    signed = (private / "signed").rename(path.parent / "away")
    assert "signed is gone from the private half" in refused(
        1, "ledger", "append", path, data=lines({"n": 2}))
    signed.rename(private / "signed")
    for segment in (private / "wal").glob("0*"):
        segment.unlink()
    assert "wal: there is no segment" in refused(1, "verify", path)


def test_rebuild_looks_at_files_of_earlier_sizes(ledger):
    """Regression: it said WHOLE beside what verify calls damaged."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(260))))
    kept = {name: (path / name).read_bytes() for name in ("tile/0/001.p/4", "tile/entries/001.p/4")}
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(260, 300))))
    for name, content in kept.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(content)
        assert good("ledger", "rebuild", path).startswith("WHOLE  ")
        (path / name).write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        said = refused(1, "ledger", "rebuild", path)
        assert f"assay ledger rebuild: {name}: " in said
        assert refused(1, "verify", path, "--key", vkey) == ""
        assert name in json.loads(assay("ledger", "rebuild", path, "--json").stdout)["error"]
        (path / name).unlink()
        assert good("ledger", "rebuild", path).startswith("WHOLE  ")


def test_rebuild_as_another_user(old_ledger):
    """What root made, the recorder could not have replaced or removed."""
    path, _, before = old_ledger
    for f in [path.parent, path, path.parent / "L.private", *path.rglob("*"),
              *(path.parent / "L.private").rglob("*")]:
        os.chown(f, 65534, 65534)
    subprocess.run(["rm", "-r", path / "tile/0"], check=True)
    good("ledger", "rebuild", path)
    assert tree(path) == before
    for f in [path.parent / "L.private/lock", *path.rglob("*")]:
        assert os.stat(f).st_uid == 65534


FREE = [b'{"id":5}', b'{"id":"a\\"b"}', b'{"who":"alice"}', b'{"src":"10.0.0.1"}', b'{"v":"1.0"}',
        b'{"what":"x"}', b'{"why":"y"}', b'{"k":1}', b'{"_sd":1}', b'{"_subj":3}',
        b'{"k":"a","t":"2026-11-26T01:00:00Z"}', b'{"k":"a","t":5}', b'{"k":"ledger.key_rotated"}',
        b'{"k":"ledger.stamped","what":{"digest":"x","size":5}}']


def test_any_object_is_an_entry(ledger, tmp_path):
    """What append takes is good, is shown as it is, and can be proved."""
    path, vkey = ledger
    good("ledger", "append", path, data=b"\n".join(FREE) + b"\n")
    said = good_json("verify", path, "--key", vkey)
    assert (said["verdict"], said["reports"], said["size"]) == ("good", [], len(FREE))
    assert good("log", path, "--json").encode().splitlines() == FREE
    assert len(good("log", path).splitlines()) >= len(FREE)
    for i, entry in enumerate(FREE):
        (tmp_path / "proof").write_text(good("ledger", "proof", path, i))
        (tmp_path / "entry").write_bytes(entry + b"\n")
        good("verify", "--proof", tmp_path / "proof", "--key", vkey, "--entry",
             tmp_path / "entry")


def test_a_rollback_beside_what_was_signed(ledger, tmp_path):
    """An old copy put back does not pass while the private half says that more was signed."""
    path, _ = ledger
    private = pathlib.Path(f"{path}.private")
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(10))))
    shutil.copytree(path, tmp_path / "public")
    shutil.copytree(private / "wal", tmp_path / "wal")
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(10))))
    newest = (path / "checkpoint").read_bytes()
    assert good("verify", path).startswith("GOOD")
    shutil.copy(tmp_path / "public" / "checkpoint", path / "checkpoint")
    shutil.move(path, tmp_path / "newest")
    shutil.copytree(tmp_path / "public", path)
    done = assay("verify", path)
    assert done.returncode == 1
    assert b"20 entries are signed, but the checkpoint has only 10: a rollback" in done.stderr
    assert b"GOOD" not in done.stdout and done.stdout.startswith(b"DAMAGED  ")
    shutil.rmtree(path)
    shutil.move(tmp_path / "newest", path)
    (path / "checkpoint").write_bytes(newest)
    assert good("verify", path).startswith("GOOD")
    shutil.rmtree(private / "wal")
    shutil.copytree(tmp_path / "wal", private / "wal")
    done = assay("verify", path)
    assert done.returncode == 1 and b"a rollback" in done.stderr
    shutil.rmtree(path)
    shutil.copytree(tmp_path / "public", path)
    done = assay("verify", path, "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["verdict"] == "damaged"
    assert b"a rollback" in done.stderr


def test_no_rebuild_from_an_older_copy(ledger, tmp_path):
    """Regression: rebuild put the older copy's checkpoint over the newer one that others have seen,
    and the next append made a second history."""
    path, _ = ledger
    private = pathlib.Path(f"{path}.private")
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(300))))
    for half in (path, private):
        shutil.copytree(half, tmp_path / "old" / half.name)
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(10))))
    for half in (path, private):
        shutil.copytree(half, tmp_path / "new" / half.name)

    def put_back(**halves):
        for half in (path, private):
            shutil.rmtree(half)
            shutil.copytree(tmp_path / halves.get(half.suffix[1:] or "public", "new") / half.name,
                            half)

    for damage in (False, True):
        put_back(private="old")
        if damage:
            shutil.rmtree(path / "tile/entries/001.p")
        before = tree(path)
        for command in (["rebuild", path], ["append", path]):
            said = refused(1, "ledger", *command, data=lines({"n": 1}))
            assert ("checkpoint (size 310) and the private copy (size 300) disagree: a rollback of "
                    "the private half; to go on from it would make a second history") in said
        assert tree(path) == before
    put_back()
    shutil.rmtree(private / "wal")
    shutil.copytree(tmp_path / "old" / private.name / "wal", private / "wal")
    said = refused(1, "ledger", "rebuild", path)
    assert ("rollback: the log ends at 300 entries and 310 were signed, or wal/000000000002 was "
            "lost") in said
    put_back(public="old")
    good("ledger", "rebuild", path)
    newest = tree(tmp_path / "new" / path.name)
    assert tree(path).items() >= newest.items(), "the private half knows it all"


def test_a_crash_between_the_signature_and_the_checkpoint(ledger):
    """Regression: it was called a rollback until the next start."""
    path, _ = ledger
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(300))))
    earlier = (path / "checkpoint").read_bytes()
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(7))))
    newest = (path / "checkpoint").read_bytes()
    (path / "checkpoint").write_bytes(earlier)
    said = good("verify", path)
    assert "\nGOOD  " in said and "300 entries" in said
    assert "7 signed, whose checkpoint a crash held up: the next start has it" in said
    assert good_json("verify", path)["private"]["ahead"] == 7
    bundle = path / "tile/entries/001.p/51"
    kept = bundle.read_bytes()
    bundle.write_bytes(kept.replace(b'{"n":6}', b'{"n":8}'))
    done = assay("verify", path)
    assert done.returncode == 1 and b"entry 50 does not match" in done.stderr  # beyond it, too
    bundle.write_bytes(kept)
    good("ledger", "append", path, data=b"")
    assert (path / "checkpoint").read_bytes() == newest
    said = good_json("verify", path)
    assert said["size"] == 307 and "ahead" not in said["private"]


def test_a_copy_whose_directories_are_links(ledger, tmp_path):
    """An archive of a ledger says what it holds; a link leads to what somebody else does."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(300))))
    copy = tmp_path / "copy"
    shutil.copytree(path, copy)
    assert good("verify", copy, "--key", vkey).startswith("GOOD")
    for part in ("tile/entries", "tile/0", "tile"):
        shutil.rmtree(copy / part)
        (copy / part).symlink_to(path / part)
        done = assay("verify", copy, "--key", vkey)
        assert done.returncode == 1 and b"is a link" in done.stdout, done
        (copy / part).unlink()
        shutil.copytree(path / part, copy / part)
    assert good("verify", copy, "--key", vkey).startswith("GOOD")
    (tmp_path / "link").symlink_to(copy)
    assert good("verify", tmp_path / "link", "--key", vkey).startswith("GOOD"), "the name given"


def test_more_damage_than_is_told(ledger):
    path, vkey = ledger
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(3))))
    for n in range(130):
        (path / f"stray{n}").touch()
    done = assay("verify", path, "--key", vkey)
    assert done.returncode == 1
    assert done.stdout.count(b"unexpected file") == 100
    assert b"damage: and 30 more of this kind: file_unexpected\nDAMAGED" in done.stdout
    said = json.loads(assay("verify", path, "--key", vkey, "--json").stdout)
    assert said["counts"] == {"file_unexpected": 130} and len(said["reports"]) == 100
