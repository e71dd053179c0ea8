# SPDX-License-Identifier: Apache-2.0
"""A ledger over the years and in other shapes: stamps, pruning, archives, web servers."""
import contextlib
import functools
import http.server
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import threading

import pytest

from assay_tool import BIN, assay, good, good_json, lines, refused
from recorder_host import wait_for

ORIGIN = "example.com/upkeep"
POLICY = """# retention
version: 1
keep: 400d
audit_period: 365d
"""
CAP_DAC_READ_SEARCH = 2


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "L"
    return path, good("ledger", "init", path, "--origin", ORIGIN).strip()


def dated(n, year):
    return {"k": "x.y", "t": f"{year}-06-01T12:00:00.000000000Z", "v": 1, "what": {"n": n}}


def test_prune(ledger, tmp_path):
    path, vkey = ledger
    good("ledger", "append", path, data=lines(*(dated(n, 2015 if n < 700 else 2099)
                                                for n in range(1000))))
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    before = good("ledger", "proof", path, 900)
    plan = good_json("ledger", "prune", path, "--policy", policy, "--dry-run")
    assert plan == {"dropped": 512, "min_index": 512,
                    "stays": {"index": 700, "why": "keep 400d"}}
    assert (path / "tile" / "entries" / "000").exists()
    assert good("ledger", "prune", path, "--policy", policy) == (
        "dropped 512 entries, up to index 512; entry 700 has to stay (keep 400d)\n")
    assert not (path / "tile" / "entries" / "001").exists()
    assert (path / "tile" / "entries" / "002").exists()
    record = json.loads(good("log", path, "--json", "--limit", "1"))
    assert record["k"] == "ledger.pruned"
    assert record["what"]["policy"] == "policy.yaml" and record["what"]["min_index"] == 512
    assert record["what"]["until"].startswith("2015-06-01")
    said = good_json("verify", path, "--key", vkey)
    assert said["verdict"] == "good" and said["entries_pruned"] == 512
    # A proof made before still holds, and new ones can be made.
    for name, text in (("old", before), ("new", good("ledger", "proof", path, 900))):
        (tmp_path / name).write_text(text)
        (tmp_path / "entry").write_bytes(lines(dated(900, 2099)))
        assert good("verify", "--proof", tmp_path / name, "--key", vkey, "--entry",
                    tmp_path / "entry").startswith("GOOD  entry 900")
    assert good_json("ledger", "prune", path, "--policy", policy)["dropped"] == 0
    assert "is not here any more" in refused(1, "prove", "3", path)
    # Hashes stay: what lies below is judged against a checkpoint from there.
    assert (path / "tile" / "0" / "000").stat().st_size == 8192


def test_prune_hides_no_fork(ledger, tmp_path):
    path, vkey = ledger
    fork = tmp_path / "F"
    for half in ("", ".private"):
        shutil.copytree(f"{path}{half}", f"{fork}{half}")
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    kept = tmp_path / "kept"
    good("ledger", "append", path, data=lines(*(dated(n, 2015) for n in range(300))))
    shutil.copy(path / "checkpoint", kept)
    good("ledger", "append", path, data=lines(*(dated(n, 2015) for n in range(300, 1000))))
    good("ledger", "append", fork, data=lines(*(dated(-n, 2015) for n in range(1000))))
    for one in (path, fork):
        assert good_json("ledger", "prune", one, "--policy", policy)["dropped"] == 768
    judge = ("--key", vkey, "--earlier", kept)
    assert "the ledger goes on from it" in good("verify", path, *judge)
    done = assay("verify", fork, *judge)
    assert done.returncode == 1 and b"two histories" in done.stdout
    assert b"goes on from it" not in done.stdout
    # Where the hashes are gone too, nothing is known, which is not good either.
    (path / "tile" / "0" / "001").unlink()
    done = assay("verify", path, *judge)
    assert done.returncode == 1
    assert b"whether the ledger goes on from it is not known" in done.stdout
    assert b"checkpoint: the ledger goes on" not in done.stdout


def test_policy(ledger, tmp_path):
    """Kinds, families, classes and holds; the first entry that has to stay keeps the rest."""
    path, _ = ledger
    entries = [dict(dated(n, 2015), k="session.login" if n == 300 else
                    "ledger.hold" if n == 560 else "x.y") for n in range(800)]
    entries[600]["t"] = "2016-03-15T12:00:00.000000000Z"
    del entries[700]["t"]
    good("ledger", "append", path, data=lines(*entries))
    policy = tmp_path / "policy.yaml"

    def plan(more):
        policy.write_text(POLICY + more)
        said = good_json("ledger", "prune", path, "--policy", policy, "--dry-run")
        return said["min_index"], said["stays"]["index"], said["stays"]["why"]

    assert plan("") == (512, 700, "it has no time")
    assert plan("kinds:\n  session.*: 50000d\n") == (256, 300, "session.*: 50000d, line 6")
    assert plan("kinds:\n  session.*: 50000d\n  session.login: 400d\n"
                "classes: {3004: 7142w}\n") == (512, 560, "class 3004: 49994d, line 8")
    hold = "holds:\n  - reason: case 17\n    from: 2016-03-01\n    to: {}\n    kinds: x.*\n"
    assert plan(hold.format("2016-03-15")) == (512, 600, 'hold "case 17", line 6')
    assert plan(hold.format("2016-03-14")) == (512, 700, "it has no time")
    assert plan(hold.format("2016-03-15") + "    until: 2020-01-01\n")[1] == 700
    assert plan("holds:\n  - reason: all\n") == (0, 0, 'hold "all", line 6')
    assert (path / "tile" / "entries" / "000").exists()


def test_times_as_others_write_them(ledger, tmp_path):
    """Regression: of what had not nine decimals it was said that it had no time."""
    path, vkey = ledger
    entries = [dict(dated(n, 2015), t=f"2015-06-01T00:00:00{decimals}Z")
               for n, decimals in enumerate(["", ".5", ".123", ".123456", ".12345678"] * 103)]
    good("ledger", "append", path, data=lines(*entries, dict(dated(1, 2015), t="yesterday")))
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    said = good_json("ledger", "prune", path, "--policy", policy)
    assert said == {"dropped": 512, "min_index": 512, "stays": {
        "index": 515, "why": "its time is not one like 2026-01-02T03:04:05Z"}}
    record = json.loads(good("log", path, "--json", "--limit", "1"))
    assert record["what"]["until"] == "2015-06-01T00:00:00.500000000Z"
    good("verify", path, "--key", vkey)


def test_policy_with_mistakes(ledger, tmp_path):
    path, _ = ledger
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nkeep: 90d\naudit_period: 365d\nkinds: {integrity.chnage: 1d}\n"
                      "holds:\n\t- x\n")
    prune = ("ledger", "prune", path, "--policy", policy)
    assert refused(1, *prune).startswith("assay ledger prune: policy.yaml:6:1: tab")
    policy.write_text("version: 1\nkeep: 90d\naudit_period: 365d\n"
                      "kinds: {integrity.chnage: 1d}\n")
    assert refused(1, *prune).splitlines() == [
        "assay ledger prune: policy.yaml:2:7: is shorter than the audit period in line 3",
        'assay ledger prune: policy.yaml:4:9: there is no kind "integrity.chnage"']
    policy.write_text("keep: 400d\n")
    assert "policy.yaml:1:1: the policy has no audit_period" in refused(1, *prune)
    assert "gone.yaml" in refused(3, "ledger", "prune", path, "--policy", tmp_path / "gone.yaml")


TSA = """
[tsa]
default_tsa = t
[t]
serial = {top}/serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


@pytest.fixture
def authority(tmp_path):
    """Answers a question with openssl ts; returns the certificate and a function."""
    (tmp_path / "ts.cnf").write_text(TSA.format(top=tmp_path))
    (tmp_path / "serial").write_text("01\n")
    run = functools.partial(subprocess.run, check=True, capture_output=True, cwd=tmp_path)
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
         "cert.pem", "-days", "2", "-subj", "/CN=tsa", "-addext",
         "extendedKeyUsage=critical,timeStamping"])

    def answer(question, reply):
        run(["openssl", "ts", "-reply", "-config", "ts.cnf", "-section", "t", "-queryfile",
             question, "-signer", "cert.pem", "-inkey", "key.pem", "-out", reply])
    return tmp_path / "cert.pem", answer


def test_stamps_of_something_else(ledger, authority, tmp_path):
    """Each is one that the authority has made, and lies where another one belongs."""
    path, vkey = ledger
    cert, answer = authority
    other = tmp_path / "M"
    good("ledger", "init", other, "--origin", "example.com/other")
    for n, there in enumerate((path, path, other)):
        good("ledger", "append", there, data=lines({"n": n}))
        question, reply = tmp_path / f"q{n}", tmp_path / f"r{n}"
        good("ledger", "stamp", there, "--request", question)
        answer(question, reply)
        good("ledger", "stamp", there, "--request", question, "--reply", reply, "--ca", cert)
    verify = ("verify", path, "--key", vkey, "--ca", cert)
    assert good_json(*verify)["stamps_judged"] == 2
    for source, names, want in (
            (path / "stamp" / "3", ["tsr"], "stamp/1.tsr: time stamp: does not hold"),
            (other / "stamp" / "1", ["tsr"], "stamp/1.tsr: time stamp: does not hold"),
            (path / "stamp" / "3", ["note", "tsr"], "stamp/1.note: is a checkpoint of size 3"),
            (other / "stamp" / "1", ["note", "tsr"], "origin is example.com/other")):
        kept = {name: (path / "stamp" / f"1.{name}").read_bytes() for name in names}
        for name in names:
            shutil.copyfile(f"{source}.{name}", path / "stamp" / f"1.{name}")
        done = assay(*verify)
        assert done.returncode == 1 and want.encode() in done.stdout
        for name in names:
            (path / "stamp" / f"1.{name}").write_bytes(kept[name])
    good(*verify)


def test_stamp(ledger, authority, tmp_path):
    path, vkey = ledger
    cert, answer = authority
    good("ledger", "append", path, data=lines({"a": 1}))
    question, reply = tmp_path / "q.tsq", tmp_path / "q.tsr"
    assert good("ledger", "stamp", path, "--request", question) == (
        f"{question} asks about the checkpoint of 1 entry; send it to the authority, then --reply "
        "judges what comes\n")
    answer(question, reply)
    keep = ("ledger", "stamp", path, "--request", question, "--reply")
    # The log may go on meanwhile.
    good("ledger", "append", path, data=lines({"b": 1}))
    changed = tmp_path / "bad.tsr"
    changed.write_bytes(reply.read_bytes()[:-1] + bytes([reply.read_bytes()[-1] ^ 1]))
    refused(1, *keep, changed, "--ca", cert)
    assert "wants --ca" in refused(2, *keep, reply)
    assert good(*keep, reply, "--ca", cert) == ""
    subprocess.run(["openssl", "ts", "-verify", "-data", path / "stamp" / "1.note", "-in",
                    path / "stamp" / "1.tsr", "-CAfile", cert], check=True, capture_output=True)
    said = good_json("verify", path, "--key", vkey, "--ca", cert)
    assert (said["verdict"], said["stamps"], said["stamps_judged"]) == ("good", 1, 1)
    record = json.loads(good("log", path, "--json", "--kind", "ledger.stamped"))
    assert record["what"]["size"] == 1
    # Another ledger's stamp is not ours.
    other = tmp_path / "O"
    good("ledger", "init", other, "--origin", "example.com/other")
    assert "the stamp is of another ledger" in refused(
        1, "ledger", "stamp", other, "--request", question, "--reply", reply, "--ca", cert)


@pytest.mark.parametrize("name, command", [
    ("log.tar", ["tar", "cf"]), ("log.tar.gz", ["tar", "czf"]), ("log.tar.xz", ["tar", "cJf"])])
@pytest.mark.parametrize("inside", [False, True])
def test_archives(ledger, tmp_path, name, command, inside):
    path, vkey = ledger
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(300))))
    archive = tmp_path / name
    where = ["-C", path, "."] if inside else ["-C", path.parent, path.name]
    subprocess.run([*command, archive, *where], check=True)
    said = good_json("verify", archive, "--key", vkey)
    assert (said["verdict"], said["size"], said["listed"]) == ("good", 300, True)
    bundle = path / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"n":7}', b'"n":8}'))
    subprocess.run([*command, archive, *where], check=True)
    assert assay("verify", archive, "--key", vkey).returncode == 1
    archive.write_bytes(archive.read_bytes()[:700])
    assert assay("verify", archive, "--key", vkey).returncode in (1, 3)


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


def test_web_server(ledger):
    path, vkey = ledger
    good("ledger", "append", path, data=lines(*({"n": n} for n in range(300))))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(
        Quiet, directory=str(path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for there in (url, url + "/", url.replace("http", "HTTP")):
        said = good_json("verify", there, "--key", vkey)
        assert (said["verdict"], said["size"], said["listed"]) == ("good", 300, False)
    assert "--key VKEY is missing" in refused(2, "verify", url)
    bundle = path / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"n":7}', b'"n":8}'))
    done = assay("verify", url, "--key", vkey)
    assert done.returncode == 1 and b"tile/entries/000" in done.stdout
    server.shutdown()
    server.server_close()
    assert assay("verify", url, "--key", vkey).returncode == 3


def rights(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return dict(line.split(":", 1) for line in text.splitlines())


@contextlib.contextmanager
def looking_server(path):
    """A web server of path that looks at who asks: what it yields runs a command on its URL (where
    "@" stands), and returns that, what it said, what it complained of, and its rights at each
    request."""
    asking, seen = [], []

    class Looking(Quiet):
        def do_GET(self):
            seen.append(rights(asking[-1].pid))
            super().do_GET()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(
            Looking, directory=str(path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"

        def run(*words):
            seen.clear()
            asking.append(subprocess.Popen(
                [BIN / "assay", *(url if w == "@" else w for w in words)],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            said, complaint = asking[-1].communicate(timeout=60)
            return asking[-1].returncode, said.decode(), complaint.decode(), list(seen)
        yield run
        server.shutdown()


def is_nobody(said, caps):
    assert set(said["Uid"].split()) == {str(pwd.getpwnam("nobody").pw_uid)}
    assert not said["Groups"].split()
    assert {int(said[c], 16) for c in ("CapEff", "CapPrm", "CapBnd")} == {caps}
    assert said["NoNewPrivs"].strip() == "1"


def test_an_error_page_without_an_end(ledger):
    """Nobody reads it: the file is not there, and what else is there is read."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    pages = []

    class Endless(Quiet):
        def send_error(self, code, message=None, explain=None):
            self.send_response(code)
            self.end_headers()
            sent = 0
            try:
                while sent < 1 << 30:
                    sent += self.wfile.write(bytes(65536))
            except OSError:
                pass
            pages.append(sent)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(
            Endless, directory=str(path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert "GOOD" in good("verify", f"http://127.0.0.1:{server.server_port}", "--key", vkey)
        server.shutdown()
    assert pages and max(pages) < 1 << 26


@contextlib.contextmanager
def answering_server(answer):
    """A web server that says of each path what answer() says: status, type, body."""
    asked = []

    class Answering(Quiet):
        def do_GET(self):
            asked.append(self.path)
            status, kind, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_a_web_server_claims_what_nobody_signed(ledger):
    """It has a bundle for each that is asked for, and so many are claimed that nobody lives to see
    the last: verify went on for as long as it was let."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    lines_of = (path / "checkpoint").read_text(encoding="utf-8").splitlines()
    lines_of[1] = "9000000000000000"
    claim = ("\n".join(lines_of) + "\n").encode()

    def answer(path):
        if path == "/checkpoint":
            return 200, "text/plain", claim
        if path.startswith("/tile/"):
            return 200, "application/octet-stream", b"\0\2{}" * 256
        return 404, "text/plain", b""

    with answering_server(answer) as (url, asked):
        done = assay("verify", url, "--key", vkey, timeout=60)
    assert done.returncode == 1 and len(asked) < 10
    assert b"does not hold" in done.stdout + done.stderr
    assert b"9000000000000000 entries is nobody's word" in (done.stdout + done.stderr).replace(
        b"\n", b" ")


def test_a_page_for_every_path_is_no_damage(ledger):
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    page = b"<!doctype html><html><body>hello</body></html>" * 100
    for served in ("", "checkpoint"):
        def answer(name, served=served):
            if name == f"/{served}":
                return 200, "application/octet-stream", (path / served).read_bytes()
            return 200, "text/html; charset=utf-8", page

        with answering_server(answer) as (url, _):
            done = assay("verify", url, "--key", vkey, timeout=60)
        assert done.returncode == 3
        assert b"a web page, not a file of a log" in (done.stdout + done.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
def test_root_reads_a_web_server_as_nobody(ledger):
    """What it has left while it is answered: libcurl and all behind it read a stranger's words."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    with looking_server(path) as run:
        # It is no successor; then the directory has been opened all the same.
        for more, status, caps in ((), 0, 0), (("--successor", path), 1, 1 << CAP_DAC_READ_SEARCH):
            code, said, _, seen = run("verify", "@", "--key", vkey, *more)
            assert (code, "1 entry" in said) == (status, True) and seen
            for s in seen:
                is_nobody(s, caps)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
@pytest.mark.parametrize("words", [["log", "@"], ["log", "--json", "--reverse", "@"],
                                   ["export", "ocsf", "@"], ["prove", "0", "@"],
                                   ["export", "ocsf", "--after", "example.com/upkeep#0", "@"],
                                   ["ledger", "proof", "@", "0"], ["ledger", "checkpoint", "@"]],
                         ids=" ".join)
def test_others_read_strangers_as_nobody(ledger, tmp_path, words):
    """An archive that only root may open, and a web server: the same is said of both."""
    path, _ = ledger
    good("ledger", "append", path, data=lines({"n": 1}, {"n": 2}))
    archive = tmp_path / "log.tar.gz"
    subprocess.run(["tar", "czf", archive, "-C", path, "."], check=True)
    archive.chmod(0o600)
    with looking_server(path) as run:
        code, served, complaint, seen = run(*words)
    assert code == 0, complaint
    for s in seen:
        is_nobody(s, 0)
    assert seen and served
    assert good(*(archive if w == "@" else w for w in words)) == served
    assert good(*(path if w == "@" else w for w in words)) == served


def test_behind_an_event_of_another_ledger(ledger, tmp_path):
    path, _ = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    archive = tmp_path / "log.tar"
    subprocess.run(["tar", "cf", archive, "-C", path, "."], check=True)
    assert f"--after: {archive} is not example.com/another" in refused(
        1, "export", "ocsf", "--after", "example.com/another#0", archive)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
def test_a_proof_of_a_strangers_archive_is_written(ledger, tmp_path):
    """Where only root may write."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    archive, private = tmp_path / "log.tar", tmp_path / "private"
    subprocess.run(["tar", "cf", archive, "-C", path, "."], check=True)
    private.mkdir(0o700)
    good("prove", "0", archive, "--output", private / "proof", "--entry", private / "entry")
    good("verify", "--proof", private / "proof", "--key", vkey, "--entry", private / "entry")


def follow_rights(*words):
    """Of a command that goes on, once it has said something."""
    with subprocess.Popen([BIN / "assay", *words], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        said = rights(process.pid)
        process.terminate()
    return said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
def test_root_reads_a_directory_as_nobody(ledger, tmp_path):
    """It may be a stranger's: what is left is reading it, wherever it lies."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    path.chmod(0o700)
    caps = 1 << CAP_DAC_READ_SEARCH
    is_nobody(follow_rights("log", "--follow", path), caps)
    is_nobody(follow_rights("export", "ocsf", "--follow", path), caps)
    # Who writes the proof kept his rights, and waits for a reader here; who read it did not.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen([BIN / "assay", "prove", "0", path, "--output", pipe]) as process:
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_for(lambda: rights(process.pid)["NoNewPrivs"].strip() == "1" and children.read_text(),
                 "nobody")
        is_nobody(rights(process.pid), caps)
        assert rights(children.read_text().split()[0])["Uid"].split() == ["0"] * 4
        proof = pipe.read_text(encoding="utf-8")
    assert process.returncode == 0 and proof == good("prove", "0", path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
def test_a_proof_of_a_web_servers_is_written_by_another(ledger, tmp_path):
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    private = tmp_path / "private"
    private.mkdir(0o700)
    with looking_server(path) as run:
        code, _, complaint, seen = run("prove", "0", "@", "--output", private / "proof",
                                       "--entry", private / "entry")
    assert code == 0 and seen, complaint
    for s in seen:
        is_nobody(s, 0)
    good("verify", "--proof", private / "proof", "--key", vkey, "--entry", private / "entry")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is led anywhere")
def test_a_stranger_leads_root_nowhere(ledger, tmp_path):
    """By links in his directory and beside it."""
    path, _ = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    theirs, nobody = tmp_path / "theirs", pwd.getpwnam("nobody")
    shutil.copytree(path, theirs / "L")
    victim, pipe = tmp_path / "victim", tmp_path / "pipe"
    victim.write_text("mine\n", encoding="utf-8")
    os.mkfifo(pipe)
    (theirs / "to-file").symlink_to(victim)
    (theirs / "to-pipe").symlink_to(pipe)
    for name in [theirs, *theirs.rglob("*")]:
        os.chown(name, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    good("prove", "0", theirs / "L", "--output", theirs / "to-file")
    assert victim.read_text(encoding="utf-8") == "mine\n"
    assert not (theirs / "to-file").is_symlink()
    assert "another user decides what it is" in refused(
        3, "prove", "0", theirs / "L", "--output", theirs / "to-pipe")
    assert "another user decides what it is" in refused(
        3, "prove", "0", theirs / "L", "--entry", theirs / "to-pipe")
    # What lies beside a directory as an older one is a directory, and no archive to unpack.
    subprocess.run(["tar", "cf", theirs / "M.1", "-C", path, "."], check=True)
    good("ledger", "init", theirs / "M", "--origin", "example.com/M")
    assert "neither" in refused(1, "export", "ocsf", "--after", f"{ORIGIN}#0", theirs / "M")
    for at in ("checkpoint", "tile/entries/000.p/1"):
        told = theirs / "L" / at
        told.unlink()
        told.symlink_to(path / at)
        for words in (("log",), ("export", "ocsf"), ("prove", "0"),
                      ("prove", "0", "--output", theirs / "out")):
            done = assay(*words, theirs / "L")
            assert done.returncode != 0 and b"is a link" in done.stderr + done.stdout
        told.unlink()
        shutil.copy(path / at, told)
    assert not (theirs / "out").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give away")
@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_root_unpacks_archives_as_nobody(ledger, tmp_path):
    """Rights go before the first byte of an archive comes; where TMPDIR is root's alone, too."""
    path, vkey = ledger
    good("ledger", "append", path, data=lines({"n": 1}))
    archive, private = tmp_path / "log.tar.gz", tmp_path / "private"
    subprocess.run(["tar", "czf", archive, "-C", path, "."], check=True)
    archive.chmod(0o600)
    private.mkdir(0o700)
    done = subprocess.run(
        ["strace", "-y", "-o", tmp_path / "trace", "-e", "trace=setresuid,capset,read",
         BIN / "assay", "verify", archive, "--key", vkey],
        env={**os.environ, "TMPDIR": str(private)}, check=False)
    assert done.returncode == 0
    calls = (tmp_path / "trace").read_text().splitlines()
    (became,) = [i for i, c in enumerate(calls) if c.startswith("setresuid(")]
    lost = max(i for i, c in enumerate(calls) if c.startswith("capset(") and "effective=0," in c)
    first = min(i for i, c in enumerate(calls) if f"<{archive}>" in c)
    assert became < lost < first
