# SPDX-License-Identifier: Apache-2.0
"""assay token: what is made, printed once, kept as a digest, told to the ledger and taken back."""
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import time

import pytest
from recorder_host import BIN, Recorder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="tokens are root's")


@pytest.fixture
def recorder(tmp_path):
    r = Recorder(tmp_path).start()
    yield r
    r.stop()


def token(recorder, *args):
    return subprocess.run([BIN / "assay", "token", *args, "--state", recorder.state, "--run",
                           recorder.run], capture_output=True, text=True, timeout=60)


def good(recorder, *args):
    done = token(recorder, *args)
    assert done.returncode == 0, (done.args, done.stdout, done.stderr)
    return done.stdout


def kept(recorder):
    path = recorder.state / "tokens" / "tokens.json"
    return json.loads(path.read_text())["tokens"] if path.exists() else []


def secret_of(text):
    match = re.fullmatch(r"as1_([a-z2-7]{16})_([A-Za-z0-9_-]{43})", text)
    assert match, text
    return match[1], base64.urlsafe_b64decode(match[2] + "=")


def test_made_listed_and_taken_back(recorder):
    done = token(recorder, "create", "--caller", "payroll", "--group", "partners", "--group",
                 "b\u00fcro", "--group", "partners", "--until", "30d")
    assert done.returncode == 0 and done.stdout.count("\n") == 1
    ident, secret = secret_of(done.stdout.strip())
    assert ident in done.stderr
    assert base64.urlsafe_b64encode(secret).decode()[:42] not in done.stderr
    [t] = kept(recorder)
    assert abs(t.pop("until") - time.time() - 30 * 86400) < 60
    assert t == {"caller": "payroll", "groups": ["b\u00fcro", "partners"], "id": ident,
                 "sha256": hashlib.sha256(secret).hexdigest()}
    [entry] = recorder.entries("token.created")
    assert entry["what"]["id"] == ident and entry["what"]["groups"] == ["b\u00fcro", "partners"]
    assert "caller" not in entry["what"] and len(entry["_sd"]) == 1
    assert "payroll" not in json.dumps(entry)
    assert "payroll" in recorder.assay("log", "--kind", "token.created")
    second = json.loads(good(recorder, "create", "--caller", "other", "--json"))
    assert secret_of(second["token"])[0] == second["id"] and second["groups"] == []
    assert [t["id"] for t in kept(recorder)] == sorted([ident, second["id"]])
    listed = good(recorder, "list")
    assert f"{ident}  payroll  in b\u00fcro, partners  until " in listed and "other" in listed
    assert {t["id"]: t["caller"] for t in json.loads(good(recorder, "list", "--json"))["tokens"]} \
        == {ident: "payroll", second["id"]: "other"}
    assert f"revoked {ident} of payroll" in good(recorder, "revoke", ident)
    assert [t["id"] for t in kept(recorder)] == [second["id"]]
    assert [e["what"]["id"] for e in recorder.entries("token.revoked")] == [ident]
    assert "GOOD" in recorder.verify()


def test_where_it_lies(recorder):
    good(recorder, "create", "--caller", "a")
    top = recorder.state / "tokens"
    assert top.stat().st_mode & 0o7777 == 0o750
    assert (top / "tokens.json").stat().st_mode & 0o7777 == 0o644
    assert (top / "tokens.json").read_bytes().endswith(b"]}\n")


@pytest.mark.parametrize("args, why", [
    (["create"], "--caller"),
    (["create", "--caller", "x" * 101], "--caller"),
    (["create", "--caller", "a\tb"], "--caller"),
    (["create", "--caller", 'a"b'], "--caller"),
    (["create", "--caller", "a\\b"], "--caller"),
    (["create", "--caller", b"a\xff"], "--caller"),
    (["create", "--caller", "unverified:a"], "--caller"),
    (["create", "--caller", "a", "--group", "x" * 256], "--group"),
    (["create", "--caller", "a", "--group", "\x1b[31m"], "--group"),
    (["create", "--caller", "a", "--group", "unverified"], "--group"),
    (["create", "--caller", "a", "--until", "yesterday"], "over"),
    (["create", "--caller", "a", "--until", "0s"], "over"),
    (["create", "--caller", "a", "--until", "soon"], "--until"),
    (["create", "--caller", "a", "--until", "99999999999999w"], "--until"),
    (["revoke"], ""),
    (["revoke", "a", "b"], "")])
def test_what_is_refused(recorder, args, why):
    done = token(recorder, *args)
    assert (done.returncode, done.stdout) == (2, "") and why in done.stderr, done
    assert kept(recorder) == [] and not recorder.entries("token.created")


def test_what_is_not_there(recorder):
    assert good(recorder, "list") == "there are no tokens\n"
    done = token(recorder, "revoke", "5eukhnl4bdg2mjmw")
    assert done.returncode == 1 and "there is no token 5eukhnl4bdg2mjmw" in done.stderr
    assert not recorder.entries("token.revoked")


def test_without_a_recorder_nothing_is_made(recorder):
    ident, _ = secret_of(good(recorder, "create", "--caller", "a").strip())
    recorder.stop()
    for args in (["create", "--caller", "b"], ["revoke", ident]):
        done = token(recorder, *args)
        assert done.returncode in (1, 3) and done.stdout == ""
    assert [t["id"] for t in kept(recorder)] == [ident]
    assert ident in good(recorder, "list")


def test_a_spoiled_file_is_said_and_kept(recorder):
    good(recorder, "create", "--caller", "a")
    path = recorder.state / "tokens" / "tokens.json"
    path.write_text(path.read_text().replace("groups", "grupos"))
    before = path.read_bytes()
    for args in (["list"], ["create", "--caller", "b"], ["revoke", "a" * 16]):
        done = token(recorder, *args)
        assert done.returncode in (1, 3) and "token 1" in done.stderr, done
    assert path.read_bytes() == before and len(recorder.entries("token.created")) == 1


def test_many_at_once_and_killed(recorder):
    """Whoever is told a token has one that is kept; the others were refused or killed."""
    command = [BIN / "assay", "token", "create", "--state", recorder.state, "--run", recorder.run]
    given = []
    for i in range(25):
        some = [subprocess.Popen([*command, "--caller", f"c{i}-{k}"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE) for k in range(2)]
        time.sleep(0.004 * i)
        some[0].send_signal(signal.SIGKILL)
        for p in some:
            out, _ = p.communicate()
            given += out.decode().split()
    have = {t["id"]: t["sha256"] for t in kept(recorder)}
    for text in given:
        ident, secret = secret_of(text)
        assert have[ident] == hashlib.sha256(secret).hexdigest()
    told = {e["what"]["id"] for e in recorder.entries("token.created")}
    assert given and set(have) <= told
    for left in (recorder.state / "tokens").iterdir():
        assert left.name in ("tokens.json", "lock") or left.name.startswith("tokens.json."), left
