# SPDX-License-Identifier: Apache-2.0
"""assay up with its recorder and sensor, and the commands that talk to them.  Needs root."""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from assay_tool import BIN, assay, good, good_json, refused

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: fanotify, user ids")


def eventually(check, seconds=20):
    """The first true answer, or the last one when time is over."""
    end = time.monotonic() + seconds
    while not (answer := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


class Host:
    """One machine's Assay in a directory of its own, watching one more."""

    def __init__(self, top):
        self.top = top
        self.watched = top / "watched"
        self.places = ("--state", top / "state", "--run", top / "run")
        self.ledger = top / "state" / "ledger"
        self.process = None

    def start(self, *more):
        self.output = open(self.top / "output", "ab")
        self.process = subprocess.Popen(
            [BIN / "assay", "up", *map(str, self.places), "--watch", str(self.watched), *more],
            stdout=self.output, stderr=self.output)
        begun = self.said().count("Watching ")
        assert eventually(lambda: self.said().count("Watching ") > begun
                          or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()

    def said(self):
        return (self.top / "output").read_text()

    def stop(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        status = self.process.wait(timeout=40)
        self.output.close()
        self.process = None
        return status

    def log(self, *args):
        return [json.loads(line) for line in
                good("log", *self.places, "--json", *args).splitlines()]

    def changes(self):
        return [e["what"]["path"] for e in self.log("--kind", "integrity.change")]

    def change(self, name, text="x\n"):
        """Change a file and wait until that is in the ledger."""
        path = self.watched / name
        before = self.changes().count(str(path))
        path.write_text(text)
        assert eventually(lambda: self.changes().count(str(path)) > before), self.said()
        return str(path)

    def pid(self, name):
        said = {p["name"]: p for p in json.loads(
            assay("status", "--json", *self.places).stdout)["processes"]}.get(name)
        return said["said"]["pid"] if said and said["state"] == "running" else None


@pytest.fixture
def host():
    # Not below pytest's own directory: the recorder runs as a user who may not pass there.
    top = pathlib.Path(tempfile.mkdtemp(prefix="assay-up-", dir="/var/tmp"))
    top.chmod(0o755)
    (top / "watched").mkdir()
    h = Host(top)
    yield h
    if h.process:
        h.stop()
    shutil.rmtree(top)


def test_up_and_down(host):
    users = pathlib.Path("/etc/passwd").read_bytes()
    host.start("--origin", "example.com/up")
    said = host.said()
    assert "keeps a ledger of this host" in said and "In another terminal:" in said
    key = re.search(r"^  key +(\S+)$", said, re.M)[1]
    assert key == good("ledger", "vkey", *host.places).strip()
    assert key.startswith("example.com/up+")
    assert f"log --follow --state {host.top}/state" in said
    path = host.change("a")
    entry = host.log("--kind", "integrity.change", "--path", path)[-1]
    assert entry["what"]["change"] == "created" and entry["who"]["uid"] == 0
    assert entry["what"]["new_sha256"] == (
        "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac")
    assert eventually(lambda: {"groups", "packages"} <= {
        e["what"]["table"] for e in host.log("--kind", "state.baseline")}), host.said()
    status = good("status", *host.places)
    assert re.search(r"^monitor    running for .*, uid 0$", status, re.M)
    assert re.search(r"^recorder   running for .*, uid \d+$", status, re.M)
    assert re.search(r"^  watches  .*/watched$", status, re.M)
    assert good_json("verify", *host.places)["verdict"] == "good"
    assert good_json("verify", host.ledger, "--key", key)["verdict"] == "good"
    pids = host.pid("recorder"), host.pid("sensor")
    assert host.stop() == 0
    assert not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids)
    assert assay("status", *host.places).returncode == 1
    assert host.log()[-1]["k"] == "ledger.stopped"
    assert pathlib.Path("/etc/passwd").read_bytes() == users


def test_keys_run_where_there_is_a_registry(host):
    registry = host.top / "state" / "registry"
    registry.mkdir(parents=True)
    ci, anna = (good("change", "key", n, host.top / f"{n}.key").strip() for n in ("ci", "anna"))
    (registry / "registry.yaml").write_text(json.dumps(
        {"version": 1, "builders": [{"name": "ci", "vkey": ci}],
         "approvers": [{"name": "anna", "vkey": anna}], "authors": {"bert@example.org": "bert"},
         "repositories": {"services": {
             "path": "/srv/git/services.git", "protected": ["refs/heads/main"],
             "signers": "/etc/assay/api.signers", "apis": {"accounts": "accounts"}}}}))
    host.start()
    uid = int(re.search(r", keys and gateway as uid (\d+) ", host.said())[1])
    assert uid != 0
    assert eventually(lambda: host.pid("keys")), host.said()
    assert (host.top / "state" / "jwks").stat().st_uid == uid
    shown = good("status", *host.places)
    assert re.search(rf"^keys       running for .*, uid {uid}$", shown, re.M), shown
    assert re.search(r"^  issuers +0 key sets$", shown, re.M), shown
    first = host.pid("keys")
    time.sleep(3)  # it has given a sign of life
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: host.pid("keys") not in (None, first)), host.said()
    assert eventually(lambda: [e["what"]["proc"] for e in host.log("--kind", "alert.silent")]
                      == ["keys"]), host.said()
    assert host.stop() == 0


def test_follow_survives_the_recorder(host):
    host.start()
    follower = subprocess.Popen([BIN / "assay", "log", "--follow", "--json",
                                 *map(str, host.places)], stdout=subprocess.PIPE)
    os.set_blocking(follower.stdout.fileno(), False)
    seen = b""

    def has(text):
        nonlocal seen
        seen += follower.stdout.read() or b""
        return text in seen

    host.change("before")
    assert eventually(lambda: has(b"/before"))
    pid = host.pid("recorder")
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: host.pid("recorder") not in (pid, None), 30), host.said()
    assert "recorder ended: killed by signal 9 (Killed); starting it again" in host.said()
    host.change("after")
    assert eventually(lambda: has(b"/after"))
    follower.send_signal(signal.SIGINT)
    assert follower.wait(10) == 0
    assert good_json("verify", *host.places)["verdict"] == "good"


def test_a_killed_sensor_comes_back_and_tells(host):
    host.start()
    host.change("a")
    pid = host.pid("sensor")
    os.kill(pid, signal.SIGKILL)
    (host.watched / "while-it-was-down").write_text("x")
    assert eventually(lambda: str(host.watched / "while-it-was-down") in host.changes(), 30)
    assert good_json("verify", *host.places)["verdict"] == "good"


def test_killed_it_leaves_nobody_behind(host):
    """Not those who became other users either: what is left keeps the next one's from starting."""
    def children():
        path = pathlib.Path(f"/proc/{host.process.pid}/task/{host.process.pid}/children")
        return [pathlib.Path(f"/proc/{pid}") for pid in path.read_text().split()]

    host.start()
    assert eventually(lambda: host.pid("uplink") and host.pid("monitor")), host.said()
    begun = children()
    assert len(begun) == 4
    host.process.kill()
    host.process.wait()
    assert eventually(lambda: not any(p.exists() for p in begun)), [
        (p / "cmdline").read_bytes() for p in begun if p.exists()]
    host.start()
    host.change("a")
    assert eventually(lambda: host.pid("uplink") and host.pid("monitor")), host.said()
    assert "runs here" not in host.said() and "does not stay up" not in host.said(), host.said()


def test_a_second_one_gives_up(host):
    host.start()
    done = assay("up", *host.places, timeout=60)
    assert done.returncode == 1
    assert host.pid("recorder") and host.process.poll() is None
    host.change("still-watched")


def test_what_changed_while_all_was_down(host):
    host.start()
    host.change("a")
    assert host.stop(signal.SIGINT) == 0
    (host.watched / "a").write_text("changed\n")
    (host.watched / "b").write_text("new\n")
    host.start()
    assert eventually(lambda: str(host.watched / "b") in host.changes())
    seen = {e["what"]["path"]: e["what"] for e in host.log("--kind", "integrity.change")}
    assert seen[str(host.watched / "a")]["seen"] == seen[str(host.watched / "b")]["seen"] == "start"
    assert "made while the sensor was down" in good("log", *host.places)


def test_disclose_prove_erase(host, tmp_path):
    """One sensitive field goes the whole way: appended, proved, disclosed, erased, verified."""
    host.start()
    path = host.change("secret")
    said = [json.loads(line) for line in
            good("log", *host.places, "--json", "--disclose").splitlines()]
    found = [s for s in said if s["entry"].get("what", {}).get("path") == path][-1]
    index, subject = found["index"], found["entry"]["_subj"][0]
    user = {d["name"]: d["value"] for d in found["disclosed"]}["who.user"]
    assert user == "root"
    assert b'"root"' not in json.dumps(found["entry"]).encode()
    assert "by root (uid 0)" in good("log", *host.places, "--path", path)

    proof, entry = tmp_path / "proof", tmp_path / "entry"
    assert good("prove", index, *host.places, "--disclose", "who.user", "-o", proof) == ""
    assert (proof.stat().st_mode & 0o777) == 0o600
    entry.write_text(good("log", *host.places, "--json", "--path", path).splitlines()[-1])
    key = good("ledger", "vkey", *host.places).strip()
    check = ("verify", "--proof", proof, "--key", key, "--entry", entry)
    assert 'disclosed  who.user = "root"\n' in good(*check)
    assert good_json(*check)["disclosed"] == [{"name": "who.user", "value": "root"}]
    assert "has no value \"who.tty.x\"" in refused(
        3, "prove", index, *host.places, "--disclose", "who.tty.x")

    policy = tmp_path / "policy.yaml"
    policy.write_text("erase: on request\n")
    erase = ("erase", "subject", subject, "--basis", "request 7", "--policy", policy, *host.places)
    assert good("ledger", "hold", subject, "--reason", "court", *host.places)
    assert "legal hold" in refused(1, *erase)
    assert good("ledger", "hold", subject, "--reason", "court", "--lift", *host.places)
    assert good(*erase).startswith("erased: ")
    assert "by ⟨erased⟩ (uid 0)" in good("log", *host.places, "--path", path)
    assert refused(3, "prove", index, *host.places, "--disclose", "who.user")
    # What was proved stays proved, and the ledger holds.
    assert 'disclosed  who.user = "root"\n' in good(*check)
    assert good_json("verify", *host.places)["verdict"] == "good"
    record = host.log("--kind", "ledger.erasure")[-1]
    assert record["what"]["subject"] == subject and record["what"]["basis"] == "request 7"
    assert record["what"]["policy"].startswith("policy.yaml sha256:")
    refused(1, *erase[:2], "uid:424242", *erase[3:])
    # Lost is another word than erased, and a problem.
    path = host.change("lost")
    assert "by root (uid 0)" in good("log", *host.places, "--path", path)
    for rows in pathlib.Path(f"{host.ledger}.private", "vault").iterdir():
        rows.unlink()
    lost = assay("log", *host.places, "--path", path)
    assert "by ⟨missing⟩ (uid 0)" in lost.stdout.decode() and lost.returncode == 1
    assert b"nobody erased" in lost.stderr
    erased = found["entry"]["what"]["path"]
    assert "by ⟨erased⟩ (uid 0)" in good("log", *host.places, "--path", erased)


def test_rotate_on_the_host(host):
    host.start()
    old = good("ledger", "vkey", *host.places).strip()
    new = good_json("ledger", "rotate", "--reason", "yearly", *host.places)["vkey"]
    host.change("after")
    assert good("ledger", "vkey", *host.places).strip() == new != old
    for key in (old, new):
        assert good_json("verify", host.ledger, "--key", key)["verdict"] == "good"


def test_succession(host):
    host.start("--origin", "example.com/host/2020")
    host.change("in-the-old-one")
    old_key = good("ledger", "vkey", *host.places).strip()
    key = good("ledger", "succeed", "--reason", "a new year", *host.places).strip()
    assert re.match(r"example\.com/host/20\d\d\+", key) and key != old_key
    assert eventually(lambda: host.pid("recorder"), 30), host.said()
    path = host.change("in-the-new-one")
    assert good("ledger", "vkey", *host.places).strip() == key
    first = host.log()[0]
    archive = host.top / "state" / "ledger.1"
    said = good_json("verify", archive, "--key", old_key)
    assert said["verdict"] == "good"
    last = json.loads(good("log", archive, "--json").splitlines()[-1])
    assert (last["k"], last["what"]["next_vkey"]) == ("ledger.succeeded", key)
    assert first["k"] == "ledger.opened"
    assert first["what"]["previous_vkey"] == old_key
    assert first["what"]["previous_size"] == said["size"]
    assert path not in good("log", archive)
    assert good_json("verify", *host.places)["verdict"] == "good"


def test_check_and_baseline(host):
    host.start()
    host.change("a", "one\n")
    (host.watched / "sub").mkdir()
    assert "--reason is missing" in refused(2, "baseline", "create", *host.places)
    shown = good_json("baseline", "show", *host.places)
    assert shown["rules"] == [str(host.watched)]
    roots = [e["what"]["root"] for e in host.log("--kind", "integrity.baseline")]
    assert roots == [shown["root"]]
    done = assay("check", "--json", *host.places)
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["verdict"] == "changed"
    assert {(d["change"], d["path"]) for d in said["differences"] if d["change"] == "created"} == {
        ("created", str(host.watched / "a")), ("created", str(host.watched / "sub"))}
    assert eventually(lambda: str(host.watched / "sub") in host.changes())
    host.stop()
    new = good_json("baseline", "create", *host.places)
    assert new["root"] != shown["root"]
    assert good_json("check", "--deep", "--no-ledger", *host.places)["verdict"] == "good"
    done = assay("check", "--json", *host.places)
    assert done.returncode == 3
    assert "not in the ledger yet" in json.loads(done.stdout)["ledger"]["why"]
    (host.watched / "a").write_text("two\n")
    assert f"changed  {host.watched}/a  " in assay("check", *host.places).stdout.decode()
    host.start()
    assert eventually(lambda: str(host.watched / "a") in
                      [e["what"]["path"] for e in host.log("--kind", "integrity.change")
                       if e["what"]["seen"] == "start"])
    assert host.log("--kind", "integrity.baseline")[-1]["what"]["root"] == new["root"]


def test_up_where_the_recorder_may_not_go(host):
    closed = host.top / "closed"
    closed.mkdir(mode=0o700)
    done = assay("up", "--state", closed / "in" / "state", "--run", host.top / "run")
    assert done.returncode != 0 and not (closed / "in").exists()
    (closed / "in").mkdir()
    for places in (("--state", closed / "in" / "state", "--run", host.top / "run"),
                   ("--state", host.top / "state", "--run", closed / "in" / "run")):
        done = assay("up", *places)
        assert done.returncode == 1, done
        assert re.search(rb"the recorder, which runs as uid \d+, may not enter: "
                         + bytes(closed) + rb": Permission denied", done.stderr), done


def test_who_does_not_read_what_it_says_stops_nothing(host):
    """Regression: a terminal that was stopped held up who starts again those that die."""
    ours, its = os.pipe()
    fcntl.fcntl(its, fcntl.F_SETPIPE_SZ, 4096)
    host.process = subprocess.Popen(
        [BIN / "assay", "up", *map(str, host.places), "--watch", str(host.watched)],
        stdout=its, stderr=its)
    filler = os.open(f"/proc/self/fd/{its}", os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(filler, b"\n")
    assert eventually(lambda: host.pid("sensor") and host.pid("uplink"), 60)
    pid = host.pid("sensor")
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: host.pid("sensor") not in (pid, None), 30)
    host.output = open(os.devnull, "wb")
    assert eventually(lambda: host.log("--kind", "alert.silent"))
    os.read(ours, 1 << 20)
    os.kill(host.pid("sensor"), signal.SIGKILL)  # there is room for a word again
    os.close(its)
    os.close(filler)
    os.set_blocking(ours, False)
    said = b""

    def read():
        nonlocal said
        with contextlib.suppress(BlockingIOError):
            said += os.read(ours, 1 << 20)
        return said

    assert eventually(lambda: b"were not shown" in read(), 30), said
    assert host.stop() == 0
    os.close(ours)


def test_a_recorder_that_does_not_start(host):
    """It is not called started again, which it is not."""
    host.start()
    host.stop()
    (host.ledger.with_name("ledger.private") / "keys" / "log").write_text("spoiled\n")
    done = assay("up", *host.places, timeout=60)
    said = done.stderr.decode()
    assert done.returncode == 1 and "keys/log" in said, said
    assert "recorder ended: exit status 1\n" in said and "giving up" in said, said
    assert "again" not in said


def test_up_without_root(tmp_path):
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           BIN / "assay", "up", "--state", tmp_path / "s"],
                          capture_output=True, timeout=20)
    if done.returncode == 127 or b"Permission denied" in done.stderr:
        pytest.skip("another user cannot reach the programs here")
    assert done.returncode == 1 and b"needs root" in done.stderr
