# SPDX-License-Identifier: Apache-2.0
"""Approved changes explain, nothing else does, and what is left makes one alert per act."""
import hashlib
import json
import pwd
import signal
import subprocess
import sys
import time

import pytest
from sensor_host import Host
from watched_host import Watched, assay, profile


@pytest.fixture
def host(tmp_path_factory):
    h = Host(tmp_path_factory.mktemp("explained"))
    h.start()
    yield h
    h.stop()


def open_change(host, name, *words):
    assay(host, "change", "open", name, "--for", "1h", "--reason", "a test", *words)


def act(code, *args):
    """One process that changes something and ends."""
    subprocess.run([sys.executable, "-c", code, *map(str, args)], check=True)


def write(path, text):
    act("import sys; open(sys.argv[1], 'w').write(sys.argv[2])", path, text)


def why(host, path, change, count=1):
    return host.seen(path, change, count)["why"]


def alerts(host, *words):
    done = assay(host, "alert", "list", "--json", *words, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_paths(host):
    """Within its paths and its time a change is explained; beside and after it, not."""
    inside, outside = host.tree / "in", host.tree / "out"
    inside.mkdir()
    host.seen(inside, "created")
    open_change(host, "CHG-1", "--path", inside, "--path", f"!{inside}/secret")
    for path in (inside / "a", inside / "secret", outside):
        write(path, "1")
    assert why(host, inside / "a", "created") == {
        "change": "CHG-1", "content": True, "detail": "approved by local", "state": "change"}
    assert why(host, inside / "secret", "created")["state"] == "unexplained"
    assert why(host, outside, "created")["state"] == "unexplained"

    assay(host, "change", "close", "CHG-1")
    host.wait(lambda: json.loads(assay(host, "change", "list", "--json").stdout)["changes"] == [],
              "the end of the change")
    write(inside / "a", "22")
    assert why(host, inside / "a", "modified")["state"] == "unexplained"
    events = [e["what"]["event"] for e in host.entries("integrity.approval")]
    assert events == ["opened", "closed"]


def test_content(host):
    """A digest allows that content and no other; "gone" allows a deletion."""
    right, wrong, old = (host.tree / n for n in ("right", "wrong", "old"))
    old.write_text("x")
    host.seen(old, "created")
    digest = hashlib.sha256(b"good").hexdigest()
    new = host.state.parent / "new"
    new.write_text("good")
    open_change(host, "CHG-2", "--content", f"{right}={digest}", "--content", f"{wrong}=@{new}",
                "--content", f"{old}=gone")
    write(right, "good")
    write(wrong, "evil")
    old.unlink()
    assert why(host, right, "created")["state"] == "change"
    assert why(host, old, "deleted")["state"] == "change"
    said = why(host, wrong, "created")
    assert said.pop("alert") and said.pop("late") and said == {
        "detail": "change CHG-2 names the path, but it names another content",
        "state": "unexplained"}


def test_content_that_replaces(host):
    """Who takes a file away to put the approved content there has done one thing."""
    path, new = host.tree / "replaced", host.state.parent / "new"
    path.write_text("old")
    host.seen(path, "created")
    new.write_text("good")
    open_change(host, "CHG-2", "--content", f"{path}=@{new}")
    act("import os, sys, time; os.unlink(sys.argv[1]); time.sleep(0.2); "
        "open(sys.argv[1], 'w').write('good')", path)
    assert why(host, path, "replaced")["change"] == "CHG-2"
    path.unlink()
    assert why(host, path, "deleted")["state"] == "unexplained"


@pytest.mark.parametrize("command", [
    "chmod 6777 {0}", "chown nobody {0}", "setcap cap_setuid+ep {0}", "setfacl -m u:nobody:rwx {0}",
    "ln {0} {0}.other", "setfattr -n user.x -v y {0}"])
def test_content_alone(host, command):
    """Who approved a content did not approve another owner, mode or right."""
    path = host.tree / "only"
    path.write_text("good")
    host.seen(path, "created")
    open_change(host, "CHG-4", "--content", f"{path}=@{path}")
    subprocess.run(command.format(path), shell=True, check=True)
    said = why(host, path, "attributes")
    assert said["state"] == "unexplained" and "names the content alone" in said["detail"], said


def test_each_command_of_a_shell_is_an_act(host):
    """What is typed into one shell is as many acts as commands; what one command does is one."""
    script = "".join(f"/usr/bin/touch {host.tree}/typed{n}\n" for n in range(3))
    script += f"/usr/bin/touch {host.tree}/one {host.tree}/two\nsleep 1\n"
    subprocess.run(["/bin/bash", "-i"], input=script, text=True, check=True, capture_output=True)
    ids = {}
    for name in ("typed0", "typed1", "typed2", "one", "two"):
        ids[name] = host.seen(host.tree / name, "created")["why"]["alert"]
    assert ids["one"] == ids["two"]
    assert len(set(ids.values())) == 4, ids
    raised = {e["what"]["id"] for e in host.entries("alert.raised")}
    assert set(ids.values()) <= raised
    shown = assay(host, "alert", "show", ids["one"]).stdout
    assert "/one" in shown and "/two" in shown and "/typed" not in shown, shown


def test_explain_what_is_not(host):
    done = assay(host, "alert", "explain", "nonsense", "--change", "CHG-404", "--reason", "r",
                 check=False)
    assert done.returncode == 1 and 'no alert "nonsense"' in done.stderr
    assert host.entries("alert.explained") == []


def test_content_with_more(host):
    new, path = host.state.parent / "new", host.tree / "more"
    new.write_text("good")
    open_change(host, "CHG-5", "--content", f"{path}=@{new}")
    new.chmod(0o4755)
    new.rename(path)
    assert why(host, path, "created")["state"] == "unexplained"


def test_actor(host):
    """Only by the executable that it names, or what that has begun."""
    open_change(host, "CHG-3", "--path", host.tree, "--exe", "/usr/bin/touch")
    by_touch, by_other = host.tree / "touch", host.tree / "other"
    subprocess.run(["/usr/bin/touch", by_touch], check=True)
    write(by_other, "1")
    assert why(host, by_touch, "created")["state"] == "change"
    assert "of other actors" in why(host, by_other, "created")["detail"]


def test_outlives_the_sensor(host):
    """An approval that was confirmed is there after a kill, and explains what came meanwhile."""
    open_change(host, "CHG-4", "--path", host.tree)
    host.end(host.sensor, signal.SIGKILL)
    write(host.tree / "a", "1")
    host.start_sensor()
    assert why(host, host.tree / "a", "created")["change"] == "CHG-4"


def test_done_before_it_began(host):
    """What was done while the sensor was down and before the change is not explained by it,
    although it is found while that is open."""
    for name in ("before", "within"):
        (host.tree / name).write_text("x")
        host.seen(host.tree / name, "created")
    begins = time.time() + 4
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begins))
    assay(host, "change", "open", "CHG-9", "--from", stamp, "--for", "1h", "--reason", "a test",
          "--path", host.tree)
    host.end(host.sensor, signal.SIGKILL)
    write(host.tree / "before", "1")
    time.sleep(max(0, begins + 0.5 - time.time()))
    write(host.tree / "within", "1")
    host.start_sensor()
    said = why(host, host.tree / "before", "modified")
    assert said["state"] == "unexplained" and "CHG-9" in said["detail"], said
    assert "of another time" in said["detail"], said
    assert why(host, host.tree / "within", "modified")["change"] == "CHG-9"


def test_damaged(host):
    """What cannot be read approves nothing, and that is an entry."""
    open_change(host, "CHG-5", "--path", host.tree)
    host.end(host.sensor)
    (host.state / "sensor" / "approvals").write_text("{\n")
    host.start_sensor()
    write(host.tree / "a", "1")
    assert why(host, host.tree / "a", "created")["state"] == "unexplained"
    host.wait(lambda: [e for e in host.entries("integrity.approval")
                       if e["what"]["event"] == "lost"], "the entry of the loss")


DEEP = """
import subprocess, sys
tree, left = sys.argv[1], int(sys.argv[2])
if left:
    deeper = [sys.executable, '-c', sys.argv[3], tree, str(left - 1), sys.argv[3]]
    subprocess.run(deeper, check=True)
open(f'{tree}/{left}', 'w').write('x')
"""


def test_one_act_however_deep(host):
    """Each of a long chain of processes changes something: what began the chain is the act."""
    subprocess.run([sys.executable, "-c", DEEP, host.tree, "12", DEEP], check=True)
    host.wait(lambda: len(host.changes()) >= 13, "all the changes")
    host.quiet()
    found, _ = alerts(host)
    assert len(found) == 1, json.dumps(found, indent=1)


def test_one_act_one_alert(host):
    """Many changes of one process are one alert; it says how many when it gets worse."""
    act("import sys\nfor i in range(40): open(f'{sys.argv[1]}/{i}', 'w').write('x')", host.tree)
    host.wait(lambda: len(host.changes()) >= 40, "all the changes")
    host.quiet()
    found, status = alerts(host)
    assert status == 1 and host.entries("ledger.refused") == []
    assert len(found) == 1, json.dumps(found, indent=1)
    assert found[0]["count"] >= 10 and found[0]["severity"] == "high"
    assert found[0]["state"] == "open"

    assay(host, "alert", "explain", found[0]["id"], "--change", "CHG-6", "--reason", "late ticket")
    host.wait(lambda: alerts(host)[0] == [], "the explanation")
    assert alerts(host, "--all")[0][0]["explained"] == "CHG-6"
    # It was explained, what comes now was not.
    write(host.tree / "after", "1")
    host.wait(lambda: len(alerts(host)[0]) == 1, "another alert")


def test_named_as_people_name_it(host):
    """A directory with a slash behind it, a user by his name."""
    inside = host.tree / "in"
    inside.mkdir()
    host.seen(inside, "created")
    open_change(host, "CHG-1", "--path", f"{inside}/", "--path", f"!{inside}/secret/",
                "--uid", "root")
    open_change(host, "CHG-2", "--path", "/srv/", "--login", "nobody")
    for path in inside / "a", inside / "secret":
        write(path, "1")
    assert why(host, inside / "a", "created")["change"] == "CHG-1"
    assert why(host, inside / "secret", "created")["state"] == "unexplained"
    nobody = pwd.getpwnam("nobody").pw_uid
    said = json.loads(assay(host, "change", "list", "--json").stdout)["changes"]
    assert [c["actors"] for c in said] == [[{"uid": 0}], [{"auid": nobody}]]
    assert said[0]["paths"] == [str(inside), f"!{inside}/secret"]
    done = assay(host, "change", "open", "X", "--path", "/srv", "--for", "1h", "--reason", "r",
                 "--login", "no-such-user", check=False)
    assert done.returncode == 2 and '--login "no-such-user": no such user' in done.stderr, done


def test_wide_changes_are_told(host):
    """One that allows much is said to, when it is opened and while it is; where it lets anybody
    change what most profiles watch, it is an alert by itself."""
    def opened(name, *words):
        done = assay(host, "change", "open", name, "--reason", "a test", *words)
        return done.stdout.count("careful"), done.stdout

    assert opened("CHG-1", "--path", host.tree / "a", "--for", "1h", "--uid", "0")[0] == 0
    assert opened("CHG-2", "--content", f"{host.tree}/b=gone", "--for", "1h")[0] == 0
    n, said = opened("CHG-3", "--path", "/", "--for", "10d")
    assert n == 3, said
    for text in "everywhere below /", "anybody may do it", "it lasts 10 days":
        assert text in said, said
    n, said = opened("CHG-4", "--path", "/etc/*", "--for", "1h", "--login", "0")
    assert n == 1 and "everywhere below /etc" in said, said
    assert alerts(host)[0] == []  # one profile is watched here
    host.wait(lambda: len(host.status().get("approvals_wide", [])) == 2, "the status")
    shown = assay(host, "status", check=False).stdout
    assert "approved CHG-3: it allows changes everywhere below /;" in shown, shown
    assay(host, "change", "close", "CHG-3")
    assay(host, "change", "close", "CHG-4")
    host.wait(lambda: host.status().get("approvals_wide") == [], "the end of both")


def test_a_change_of_everything_is_an_alert(tmp_path):
    host = Watched(tmp_path)
    names = ["a", "b", "c", "d"]
    for name in names:
        (host.tree / name).mkdir()
    host.configure(*(profile(name, "alert", [host.tree / name]) for name in names))
    try:
        host.start()
        open_change(host, "CHG-1", "--path", host.tree, "--uid", "0")
        open_change(host, "CHG-2", "--path", host.tree / "a", "--path", host.tree / "b",
                    "--path", host.tree / "c")
        open_change(host, "CHG-3", "--path", host.tree)
        host.wait(lambda: host.entries("alert.raised"), "the alert")
        raised = host.entries("alert.raised")
        assert len(raised) == 1 and "CHG-3 lets anybody change what 4 profiles watch" in str(
            raised[0]["what"]), raised
    finally:
        host.stop()


@pytest.mark.parametrize("words,said", [
    (["open", "X", "--path", "/etc", "--reason", "r"], "--for DURATION and --until TIME"),
    (["open", "X", "--path", "/etc", "--for", "1h"], "--reason TEXT is needed"),
    (["open", "X", "--path", "/etc", "--for", "yesterday", "--reason", "r"], "90s, 30m, 2h"),
    (["open", "X", "--content", "/etc/a=12", "--for", "1h", "--reason", "r"], "no SHA-256"),
    (["open", "X", "--for", "1h", "--reason", "r"], "neither paths nor hashes"),
    (["open", "X", "--path", "etc", "--for", "1h", "--reason", "r"], "begins with a slash"),
    (["open", "X Y", "--path", "/etc", "--for", "1h", "--reason", "r"], "printable"),
    (["open", "X", "--file", "/dev/null", "--reason", "r"], "--file says everything"),
    (["close", "X"], "no change X is open"),
])
def test_refused(host, words, said):
    done = assay(host, "change", *words, check=False)
    assert done.returncode in (1, 2) and said in done.stderr, done
    assert host.entries("integrity.approval") == []


def test_document(host, tmp_path):
    """The same from a file, in any spelling of JSON."""
    document = {"id": "CHG-7", "reason": "many", "source": "local", "paths": [],
                "actors": [{"uid": 0}], "from": "2026-01-01T00:00:00.000000000Z",
                "until": "2100-01-01T00:00:00.000000000Z",
                "hashes": [[str(host.tree / "a"), hashlib.sha256(b"1").hexdigest()]]}
    file = tmp_path / "change.json"
    file.write_text(json.dumps(document, indent=2))
    assay(host, "change", "open", "CHG-7", "--file", file)
    write(host.tree / "a", "1")
    assert why(host, host.tree / "a", "created")["change"] == "CHG-7"
    many = [[f"{host.tree}/{i}", hashlib.sha256(b"1").hexdigest()] for i in range(700)]
    file.write_text(json.dumps(document | {"id": "CHG-9", "hashes": many}))
    assay(host, "change", "open", "CHG-9", "--file", file)
    listed = assay(host, "change", "list").stdout  # open, and longer than an answer
    assert "CHG-7" in listed and "CHG-9  open too, and too long to be shown" in listed, listed
    assay(host, "change", "close", "CHG-7")
    assert "No change is open" not in assay(host, "change", "list").stdout
    file.write_text(json.dumps(document | {"id": "CHG-8", "source": "hub"}))
    done = assay(host, "change", "open", "CHG-8", "--file", file, check=False)
    assert done.returncode != 0 and "local" in done.stderr
