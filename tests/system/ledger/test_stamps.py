# SPDX-License-Identifier: Apache-2.0
"""RFC 3161 stamps over a ledger's checkpoints, made by `openssl ts` with an authority of our own
and judged by assay verify, and by the job that assay ledger stamp has read them."""
import calendar
import json
import re
import shutil
import subprocess
import time

import pytest

import job_tool
from assay_tool import BIN, assay, good, good_json

CONFIG = """
[tsa]
default_tsa = authority
[authority]
dir = .
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
[extensions]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
"""


def openssl(top, *args):
    done = subprocess.run(["openssl", *map(str, args)], cwd=top, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return done


def make_authority(top, name, key=("rsa:2048",)):
    """A root, and a stamping certificate under it."""
    top.mkdir()
    (top / "config").write_text(CONFIG)
    (top / "serial").write_text("01\n")
    openssl(top, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out",
            "ca.pem", "-days", "2", "-subj", f"/CN={name} root")
    openssl(top, "req", "-newkey", *key, "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr",
            "-subj", f"/CN={name}")
    openssl(top, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", "tsa.pem", "-days", "2", "-extfile", "config",
            "-extensions", "extensions")
    return top


def stamp(authority, data, out):
    openssl(authority, "ts", "-query", "-data", data, "-sha256", "-cert", "-out", "query.tsq")
    openssl(authority, "ts", "-reply", "-config", "config", "-queryfile", "query.tsq", "-out", out)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("tsa") / "a", "Authority")


@pytest.fixture
def stamped(authority, tmp_path):
    """A ledger whose checkpoint of size 3 is stamped and which has grown since, and its key."""
    log = tmp_path / "L"
    vkey = good("ledger", "init", log, "--origin", "example.com/stamped").strip()
    good("ledger", "append", log, data=b'{"a":1}\n{"a":2}\n{"a":3}\n')
    (log / "stamp").mkdir()
    shutil.copyfile(log / "checkpoint", log / "stamp" / "3.note")
    stamp(authority, log / "stamp" / "3.note", log / "stamp" / "3.tsr")
    good("ledger", "append", log, data=b'{"a":4}\n')
    return log, vkey


def judged(status, log, vkey, *more):
    done = assay("verify", log, "--key", vkey, "--json", *more)
    assert done.returncode == status, done
    return json.loads(done.stdout)


def issues(result):
    return [r["issue"] for r in result["reports"]]


def test_stamp_holds(stamped, authority):
    log, vkey = stamped
    result = good_json("verify", log, "--key", vkey, "--ca", authority / "ca.pem")
    assert (result["stamps"], result["stamps_judged"]) == (1, 1)
    assert result["reports"] == []


def test_without_certificate(stamped):
    log, vkey = stamped
    result = judged(0, log, vkey)
    assert (result["stamps"], result["stamps_judged"]) == (1, 0)
    assert issues(result) == ["stamp_not_judged"]


def test_another_authority(stamped, tmp_path):
    log, vkey = stamped
    other = make_authority(tmp_path / "other", "Other")
    assert issues(judged(1, log, vkey, "--ca", other / "ca.pem")) == ["stamp"]


def test_reply_over_other_data(stamped, authority, tmp_path):
    log, vkey = stamped
    (tmp_path / "other").write_text("other data")
    stamp(authority, tmp_path / "other", log / "stamp" / "3.tsr")
    result = judged(1, log, vkey, "--ca", authority / "ca.pem")
    assert issues(result) == ["stamp"]


def test_refused_by_the_authority(stamped, authority):
    log, vkey = stamped
    openssl(authority, "ts", "-query", "-data", log / "stamp" / "3.note", "-sha1", "-out",
            "sha1.tsq")
    subprocess.run(["openssl", "ts", "-reply", "-config", "config", "-queryfile", "sha1.tsq",
                    "-out", log / "stamp" / "3.tsr"], cwd=authority, capture_output=True,
                   check=False)
    result = judged(1, log, vkey, "--ca", authority / "ca.pem")
    assert issues(result) == ["stamp"]
    assert "refused" in result["reports"][0]["text"]


def test_damaged_replies(stamped, authority):
    """Bytes of the reply flipped: refused, but where CMS leaves bits that no signature covers; then
    the stamp is still the same one.  (A ledger that records its stamps covers those bits too.)"""
    log, vkey = stamped
    path = log / "stamp" / "3.tsr"
    whole = path.read_bytes()
    passed = 0
    for at in range(0, len(whole), 17):
        data = bytearray(whole)
        data[at] ^= 0x10
        path.write_bytes(data)
        done = assay("verify", log, "--key", vkey, "--json", "--ca", authority / "ca.pem")
        assert done.returncode in (0, 1), f"byte {at}: {done}"
        assert issues(json.loads(done.stdout)) == ["stamp"] * done.returncode
        passed += done.returncode == 0
    assert passed < len(whole) / 17 / 20
    for data in (whole[:-1], whole + b"x", b"", b"\x30\x80"):
        path.write_bytes(data)
        assert issues(judged(1, log, vkey, "--ca", authority / "ca.pem")) == ["stamp"]


def test_note_of_another_log(stamped, authority, tmp_path):
    log, vkey = stamped
    good("ledger", "init", tmp_path / "M", "--origin", "example.com/another")
    shutil.copyfile(tmp_path / "M" / "checkpoint", log / "stamp" / "3.note")
    result = judged(1, log, vkey, "--ca", authority / "ca.pem")
    assert {"origin", "signature_missing", "stamp"} <= set(issues(result))


# ---- the job ----

@pytest.fixture(scope="module")
def answered(authority):
    """(data, question, reply) as the command, `openssl ts` and a network in between make them."""
    (authority / "data").write_bytes(b"what is stamped")
    stamp(authority, "data", "reply.tsr")
    return tuple((authority / n).read_bytes() for n in ("data", "query.tsq", "reply.tsr"))


def judge(reply, data, question, pem):
    told = job_tool.run("timestamp", reply, more=(data, question, pem))
    assert told.failed != "", "it died"
    return told


def test_job_tells_the_time(answered, authority):
    data, question, reply = answered
    told = judge(reply, data, question, (authority / "ca.pem").read_bytes())
    said = openssl(authority, "ts", "-reply", "-in", "reply.tsr", "-text").stdout
    when = time.strptime(re.search("^Time stamp: (.*) GMT$", said, re.M)[1], "%b %d %H:%M:%S %Y")
    assert (told.failed, told.status) == (None, 0)
    assert told.facts == [{"fact": "stamp", "time": calendar.timegm(when)}]


def test_job_takes_a_list_of_authorities(answered, authority, tmp_path):
    """The one that counts is among others, with words around, as lists of certificates are."""
    data, question, reply = answered
    other = make_authority(tmp_path / "other", "Other",
                           ("ec", "-pkeyopt", "ec_paramgen_curve:P-384"))
    (other / "data").write_bytes(data)
    stamp(other, "data", "reply.tsr")
    pem = b"# a list\n" + b"words\n".join(
        (d / "ca.pem").read_bytes() for d in (other, authority, other))
    assert judge(reply, data, question, pem).of("stamp")
    assert judge(reply, data, question, (other / "ca.pem").read_bytes()).of("refused")
    theirs = [(other / n).read_bytes() for n in ("reply.tsr", "data", "query.tsq")]
    assert judge(*theirs, pem).of("stamp")
    assert judge(reply, *theirs[1:], pem).of("refused")  # a reply to another question


def test_job_reads_what_strangers_send(answered, authority):
    data, question, reply = answered
    pem = (authority / "ca.pem").read_bytes()
    hostile = {
        "cut": reply[:-1], "a byte behind": reply + b"x", "nothing": b"", "text": b"<html>",
        "the question": question, "ends nowhere": b"\x30\x80" * 30000,
        "of 4 GB": b"\x30\x84\xff\xff\xff\xff", "zeros": bytes(65536),
        "twice": reply + reply, "largest": b"\x30\x83\x00\xff\xfc" + bytes(65531),
    }
    for name, sent in hostile.items():
        told = judge(sent, data, question, pem)
        assert [f["fact"] for f in told.facts] == ["refused"], name
        assert told.facts[0]["why"].startswith("time stamp: "), name
    assert judge(reply, b"other", question, pem).of("refused")
    assert judge(reply, data, question[:-1], pem).of("refused")
    assert "question: nothing" in judge(reply, data, b"", pem).failed
    assert "reply: more than 65536" in judge(bytes(65537), data, question, pem).failed
    for bad in (b"", b"nothing", pem[:100], pem.replace(b"\n", b"")):
        told = judge(reply, data, question, bad)
        assert not told.facts and "no certificate" in told.failed
    held = 0
    for at in range(0, len(reply), 41):
        flipped = bytearray(reply)
        flipped[at] ^= 0x10
        held += len(judge(bytes(flipped), data, question, pem).of("stamp"))
    assert held <= 2  # bits that no signature covers


def test_nothing_is_kept_that_no_job_has_judged(authority, tmp_path):
    """Where there is no assay-job nothing is parsed instead, and the ledger stays as it was."""
    log = tmp_path / "L"
    good("ledger", "init", log, "--origin", "example.com/alone")
    good("ledger", "append", log, data=b'{"a":1}\n')
    good("ledger", "stamp", log, "--request", tmp_path / "q")
    openssl(authority, "ts", "-reply", "-config", "config", "-queryfile", tmp_path / "q", "-out",
            tmp_path / "r")
    keep = ("ledger", "stamp", log, "--request", tmp_path / "q", "--reply", tmp_path / "r", "--ca",
            authority / "ca.pem")
    (tmp_path / "alone").mkdir()
    shutil.copy(BIN / "assay", tmp_path / "alone")
    done = subprocess.run([tmp_path / "alone" / "assay", *keep], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 3 and "assay-job" in done.stderr
    assert not (log / "stamp").exists()
    assert good("log", log, "--kind", "ledger.stamped") == ""
    assert good(*keep) == ""
    assert (log / "stamp" / "1.tsr").read_bytes() == (tmp_path / "r").read_bytes()
