# SPDX-License-Identifier: Apache-2.0
"""Tables of the host's state: what differs becomes entries, once, whatever dies meanwhile."""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import pathlib
import time

import pytest

from recorder_host import BIN
from state_host import StateHost

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: reads what root may")


@pytest.fixture
def place():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-state-", dir="/var/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def host(place):
    host = StateHost(place, "groups", "users")
    host.put("/etc/passwd", user("root", 0) + user("alice", 1000))
    host.put("/etc/group", "root:x:0:\nstaff:x:50:alice\n")
    yield host
    host.stop()


def user(name, uid, shell="/bin/sh"):
    return f"{name}:x:{uid}:{uid}::/home/{name}:{shell}\n"


def digest(rows):
    lines = [json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
             for row in rows]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_baseline_and_changes(host):
    host.start()
    first = {e["what"]["table"]: e["what"] for e in host.entries("state.baseline")}
    assert set(first) == {"groups", "users"}
    assert first["users"]["reason"] == "first" and first["users"]["rows"] == 2
    rows = host.rows("users")
    assert [r["name"] for r in rows] == ["alice", "root"]
    assert first["users"]["digest"] == digest(rows)
    host.put("/etc/passwd", user("root", 0, "/bin/bash") + user("eve", 0))
    changes = host.changed("users", 3)
    assert [(c, old.get("name"), new.get("name")) for c, old, new in changes] == [
        ("removed", "alice", None), ("added", None, "eve"), ("changed", "root", "root")]
    assert changes[2][1]["shell"] == "/bin/sh" and changes[2][2]["shell"] == "/bin/bash"
    told = [e["what"] for e in host.entries()]
    assert all(w["previous_digest"] == first["users"]["digest"] for w in told)
    assert all(w["digest"] == digest(host.rows("users")) for w in told)
    assert told[2]["differs"] == ["shell"]
    host.recorder.assay("verify")


def test_people_are_sealed(host):
    host.start()
    host.put("/etc/passwd", user("root", 0) + user("alice", 1000) + user("mallory", 666))
    host.changed("users")
    raw = host.recorder.assay("log", "--json", "--limit", "0")
    assert "mallory" not in raw
    assert "mallory" in host.recorder.assay("log", "--kind", "state.change")
    policy = host.root / "policy"
    policy.write_text("a policy\n")
    host.recorder.assay("erase", "subject", "user:mallory", "--basis", "b", "--policy", policy)
    assert "mallory" not in host.recorder.assay("log", "--kind", "state.change")
    host.recorder.assay("verify")


def test_the_same_again_is_nothing(host):
    host.start()
    host.put("/etc/passwd", user("alice", 1000) + user("root", 0))  # another order
    host.put("/etc/group", "root:x:0:\nstaff:x:50:alice\nx:x:99:\n")
    host.changed("groups")
    assert host.changes("users") == []


def test_what_is_not_readable_is_said(host):
    host.start()
    host.put("/etc/group", "root:x:0:\nstaff:x:50:alice\nrubbish\n")
    host.wait(lambda: host.entries("state.trouble"), "trouble")
    (trouble,) = host.entries("state.trouble")
    assert trouble["what"]["event"] == "faults"
    assert trouble["what"]["reason"] == "/etc/group:3: group is no number"
    assert "rubbish" not in json.dumps(trouble)
    assert host.changes("groups") == []
    host.wait(lambda: "/etc/group:3: group is no number" in listing(host, 1), "it in the list")
    host.put("/etc/group", "root:x:0:\nstaff:x:50:alice\n")
    host.wait(lambda: len(host.entries("state.trouble")) == 2, "its end")
    assert host.entries("state.trouble")[-1]["what"]["event"] == "readable"
    host.wait(lambda: listing(host, 0), "a list without trouble")


def listing(host, status):
    """What the list says, if it ends with this status."""
    done = subprocess.run([BIN / "assay", "state", "list", "--state", host.state, "--run",
                           host.run], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == status else ""


def test_a_pipe_in_the_place_of_a_file_hangs_nothing(host):
    host.start()
    os.unlink(host.root / "etc/group")
    os.mkfifo(host.root / "etc/group")
    host.wait(lambda: host.entries("state.trouble"), "trouble")
    (trouble,) = host.entries("state.trouble")
    assert trouble["what"]["event"] == "unreadable"
    assert trouble["what"]["reason"] == "job state: /etc/group: not a regular file"
    host.put("/etc/passwd", user("root", 0))
    assert host.changed("users")[0][0] == "removed"
    assert host.changes("groups") == []  # what cannot be read has not become less


def test_a_file_that_is_away_takes_no_rows_with_it(host):
    host.start()
    text = (host.root / "etc/passwd").read_text()
    (host.root / "etc/passwd").unlink()
    host.wait(lambda: host.entries("state.trouble"), "trouble")
    host.put("/etc/passwd", text)
    host.wait(lambda: len(host.entries("state.trouble")) == 2, "its end")
    assert host.changes("users") == []


def test_down_meanwhile(host):
    host.start()
    host.end()
    host.wait(lambda: [e["what"]["event"] for e in host.entries("state.monitor")] ==
              ["started", "stopped"], "its last entry")
    host.put("/etc/passwd", user("root", 0) + user("alice", 1000, "/bin/zsh"))
    host.start_monitor()
    (change,) = host.changed("users")
    assert change[2]["shell"] == "/bin/zsh"
    assert len(host.entries("state.baseline")) == 2


def test_what_was_kept_is_lost(host):
    host.start()
    host.end()
    kept = host.state / "monitor" / "users"
    kept.write_text(kept.read_text().replace("alice", "alicf"))
    host.start_monitor()
    host.wait(lambda: len(host.entries("state.baseline")) == 3, "a baseline")
    assert host.entries("state.baseline")[-1]["what"]["reason"] == "lost"


def test_many_rows_and_the_recorder_away(host):
    host.start()
    host.recorder.kill()
    many = "".join(user(f"u{n}", n + 2000) for n in range(3000))
    host.put("/etc/passwd", user("root", 0) + user("alice", 1000) + many)
    time.sleep(3)
    host.recorder.start()
    changes = host.changed("users", 3000)
    assert sorted(new["uid"] for _, _, new in changes) == list(range(2000, 5000))


def kill_rounds():
    return 150 if os.environ.get("ASSAY_SOAK") else 12


def test_killed_at_any_time_nothing_is_lost_or_doubled(host):
    """The states that the entries tell of, played over the baseline, are those that there were."""
    rng = random.Random(7)
    host.start()
    have = {"root": user("root", 0), "alice": user("alice", 1000)}
    known = {"root": 0, "alice": 1000}
    for n in range(kill_rounds()):
        for k in range(rng.randrange(1, 400)):
            have[f"u{n}.{k}"] = user(f"u{n}.{k}", 2000 + k)
        for name in rng.sample(sorted(have), min(len(have), 50)):
            have.pop(name)
        host.put("/etc/passwd", "".join(have.values()))
        time.sleep(rng.uniform(0, 2.6))
        victim = host if rng.random() < 0.7 else host.recorder
        if victim is host:
            host.end(signal.SIGKILL, -signal.SIGKILL)
            host.spawn()
        else:
            host.recorder.kill()
            host.recorder.start()
    host.wait(lambda: not host.status().get("pending", 1)
              and [r["name"] for r in host.rows("users")] == sorted(have), "the last state")
    assert len(host.entries("state.baseline")) == 2
    for change, old, new in host.changes("users"):
        name = (old or new)["name"]
        assert (name in known) == (change != "added"), (change, name)
        if change == "removed":
            del known[name]
        else:
            known[name] = new["uid"]
    assert sorted(known) == sorted(have)
    host.recorder.assay("verify")


def test_commands(host):
    host.start()
    listed = json.loads(host.recorder.assay("state", "list", "--json"))
    assert listed["monitor_runs"] and [t["table"] for t in listed["tables"]] == ["groups", "users"]
    shown = host.recorder.assay("state", "show", "groups").splitlines()
    assert shown[0].split("\t") == ["name", "gid", "members"]
    assert shown[2].split("\t") == ["staff", "50", "alice"]
    columns = json.loads(host.recorder.assay("state", "columns", "users", "--json"))["columns"]
    assert [c["name"] for c in columns if c["key"]] == ["name"]
    assert "there is no table \"x\"" in host.recorder.assay("state", "show", "x", status=2)
    host.end()
    assert "does not run" in host.recorder.assay("state", "list")


def test_no_such_table(place):
    host = StateHost(place, "no_such")
    host.recorder.start()
    host.spawn()
    assert host.monitor.wait(timeout=30) == 1
    assert "there is no table" in host.log_path.read_text()
    host.stop()
