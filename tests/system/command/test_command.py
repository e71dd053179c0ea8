# SPDX-License-Identifier: Apache-2.0
"""Ground rules of every command: usage, exit statuses, help, JSON."""
import json
import os
import re
import shutil
import subprocess

import pytest

from assay_tool import BIN, assay, good, good_json, refused

COMMANDS = [("up",), ("status",), ("doctor",), ("log",), ("verify",), ("prove",),
            ("erase", "subject"), ("help",), ("version",),
            *(("api", name) for name in ("lint", "build", "inspect", "diff", "access", "replay",
                                         "list")),
            *(("policy", name) for name in ("check", "authorize", "format", "corpus")),
            *(("ledger", name) for name in ("init", "append", "checkpoint", "vkey", "proof",
                                            "rotate", "hold"))]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command):
    text = good(*command, "--help")
    assert text.startswith(f"assay {' '.join(command)} - ")
    assert "\nUsage\n" in text and "--json" in text
    assert text == good("help", *command)
    assert "\033" not in text


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_option_is_named(command):
    text = refused(2, *command, "--no-such-option")
    assert text == (f"assay {' '.join(command)}: unknown option --no-such-option\n"
                    f"Try 'assay {' '.join(command)} --help'.\n")


@pytest.mark.parametrize("args, want", [
    ((), "assay: which command?"),
    (("nonsense",), 'assay: there is no command "nonsense"'),
    (("ledger",), "assay ledger: which command? init, append, checkpoint,"),
    (("export",), "assay export: which command? ocsf"),
    (("alert", "nonsense"), 'assay alert: there is no command "nonsense"'),
    (("deny", "--no-such"), "assay deny list: unknown option --no-such"),
    (("ledger", "nonsense"), 'assay ledger: there is no command "nonsense"'),
    (("--json",), "assay: unknown option --json; options come after the command"),
    (("status", "extra"), 'assay status: unexpected argument "extra"'),
    (("log", "a", "b"), 'assay log: unexpected argument "b"'),
    (("log", "--limit"), "assay log: option --limit needs a value (N)"),
    (("log", "--limit", "many"), 'assay log: option --limit: "many" is not a whole number'),
    (("log", "--since", "soon"), 'assay log: --since: "soon" is no time; write'),
    (("log", "--until", "soon"), 'assay log: --until: "soon" is no time; write'),
    (("log", "--follow", "--reverse"), "assay log: --reverse and --follow do not go together"),
    (("log", "--disclose"), "assay log: --disclose goes with --json"),
    (("prove",), "assay prove: missing operand; usage: assay prove INDEX|ID [DIR "),
    (("ledger", "proof", "x"), "assay ledger proof: missing operand; usage: "),
    (("ledger", "proof", "x", "first"), 'assay ledger proof: "first" is not an index'),
    (("ledger", "init", "x"), "assay ledger init: --origin NAME is missing"),
    (("ledger", "init", "x", "--origin", "a b"), 'assay ledger init: origin "a b": a URL without'),
    (("ledger", "rotate"), "assay ledger rotate: --reason TEXT is missing"),
    (("ledger", "hold", "uid:1"), "assay ledger hold: --reason TEXT is missing"),
    (("erase", "subject", "uid:1"), "assay erase subject: --basis TEXT and --policy FILE are"),
    (("verify", "--proof", "x"), "assay verify: a proof wants --proof FILE --key VKEY"),
    (("policy",), "assay policy: which command? check, authorize, format, corpus"),
    (("help", "nonsense"), 'assay help: there is no command "nonsense"'),
])
def test_wrong_usage(args, want):
    assert refused(2, *args).startswith(want)


@pytest.mark.parametrize("group, usual", [
    ("alert", "list"), ("baseline", "show"), ("change", "list"), ("deny", "list"),
    ("quarantine", "list"), ("state", "list")])
def test_a_group_alone_shows_what_is_asked_for_most(group, usual, tmp_path):
    places = ("--state", tmp_path / "state", "--run", tmp_path / "run")
    said, want = assay(group, *places), assay(group, usual, *places)
    assert said.returncode == want.returncode != 2
    assert (said.stdout, said.stderr) == (want.stdout, want.stderr)
    assert f"Without a command it is {usual}." in good(group, "--help")


def test_control_characters_in_messages_are_escaped():
    assert refused(2, "\x1b[2J\x07") == ('assay: there is no command "\\x1b[2J\\x07"\n'
                                         "Try 'assay --help'.\n")


def test_version():
    text = good("version")
    assert re.fullmatch(r"assay \d+\.\d+\.\d+\n", text)
    assert good("--version") == text
    assert good_json("version") == {"version": text.split()[1]}


def test_nothing_here(tmp_path):
    places = ("--state", tmp_path / "state", "--run", tmp_path / "run")
    done = assay("status", *places)
    assert done.returncode == 1
    assert b"recorder   not started\n" in done.stdout and b"ledger     none here" in done.stdout
    said = json.loads(assay("status", "--json", *places).stdout)
    assert {p["state"] for p in said["processes"]} == {"not started"}
    for args in (("log",), ("verify",), ("prove", "0"), ("export", "ocsf"), ("alert", "list"),
                 ("ledger", "vkey"), ("ledger", "checkpoint")):
        said = refused(3, *args, *places)
        assert said.startswith(f"assay {' '.join(w for w in args if w != '0')}: "
                               f"{tmp_path}/state/ledger: there is no ledger; ")
        assert "assay up" in said and "--state" in said
    for made in ("ledger", "ledger.private"):  # as a package leaves them
        (tmp_path / "state" / made).mkdir(parents=True)
    assert "there is no ledger; " in refused(3, "log", *places)
    for args in (("check",), ("baseline", "show")):
        assert refused(3, *args, *places).endswith("takes a baseline at its first start\n")
    assert "there is no registry; registry.yaml(5)" in refused(3, "api", "list", *places)
    assert refused(3, "alert", "check", "--config", tmp_path) == (
        f"assay alert check: {tmp_path}/deliver.yaml: No such file or directory; nothing is "
        "delivered without it: see deliver.yaml(5)\n")


HELPS = "it does not run: see assay status" if os.geteuid() == 0 else "only root may ask"


@pytest.mark.parametrize("args, who", [
    (("ledger", "hold", "x", "--reason", "y"), "recorder"),
    (("ledger", "rotate", "--reason", "y"), "recorder"),
    (("erase", "subject", "x", "--basis", "y", "--policy", "/etc/hostname"), "recorder"),
    (("change", "open", "x", "--path", "/etc", "--for", "1h", "--reason", "y"), "sensor"),
    (("change", "apply", "/etc/hostname"), "sensor"),
    (("baseline", "accept", "--reason", "x"), "sensor"),
    (("quarantine", "remove", "x", "--reason", "y"), "sensor")])
def test_who_does_not_answer_and_what_helps(tmp_path, args, who):
    """Also where the state has no directory yet: what that misses was once all that was said."""
    said = refused(3, *args, "--state", tmp_path / "state", "--run", tmp_path / "run")
    assert f"the {who} does not answer: {tmp_path}/run/{who}.sock: connect: No such file" in said
    assert said.endswith(f"; {HELPS}\n")


@pytest.mark.parametrize("command, who", [
    (("quarantine", "list"), "sensor"), (("quarantine", "show", "1"), "sensor"),
    (("deny", "list"), "sensor"), (("state", "list"), "monitor"),
    (("state", "show", "users"), "monitor")])
def test_what_never_ran_is_said_to_have_kept_nothing(tmp_path, command, who):
    done = assay(*command, "--state", tmp_path)
    assert done.returncode == 3
    assert (f"{tmp_path}/{who}: the {who} has never run here; "
            '"systemctl start assay.target" or "assay up" starts it') in done.stderr.decode()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("args", [("check",), ("baseline", "show"), ("deny", "list"),
                                  ("quarantine", "list"), ("state", "list"), ("token", "list"),
                                  ("ledger", "vkey")])
def test_what_is_for_root_alone(tmp_path, args):
    state = tmp_path / "state"
    for part in ("ledger.private", "monitor", "sensor", "tokens"):
        (state / part).mkdir(parents=True, mode=0o700)
    (state / "ledger").mkdir()
    (state / "ledger" / "checkpoint").touch()
    for parent in list(state.parents)[:3]:
        parent.chmod(0o755)
    program = shutil.copy(BIN / "assay", tmp_path / "assay")
    done = subprocess.run([program, *args, "--state", state], user=4711, group=4711,
                          extra_groups=[], capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stderr.endswith("Permission denied; only root may\n")


def test_a_list_that_is_not_there_is_named_first(tmp_path):
    assert refused(3, "change", "apply", tmp_path / "none.list", "--run", tmp_path) == (
        f"assay change apply: {tmp_path}/none.list: No such file or directory\n")


def test_doctor():
    done = assay("doctor", "--json")
    checks = {c["name"]: c for c in json.loads(done.stdout)["checks"]}
    assert {"fanotify", "landlock", "seccomp", "audit", "clock", "disk room"} <= set(checks)
    verdicts = {c["verdict"] for c in checks.values()}
    assert verdicts <= {"good", "lacks", "broken", "unknown"}
    want = 1 if "broken" in verdicts else 3 if "unknown" in verdicts else 0
    assert done.returncode == want
    for check in checks.values():
        assert check["what"]
        if check["verdict"] in ("lacks", "broken"):
            assert check["mend"]


def test_doctor_looks_for_what_ours_start():
    """By the paths that they are started by; each one that is not there is named."""
    checks = {c["name"]: c for c in json.loads(assay("doctor", "--json").stdout)["checks"]}
    there = {path: os.access(path, os.X_OK)
             for path in ("/usr/bin/gpgv", "/usr/bin/ssh-keygen", "/usr/sbin/nginx")}
    assert (checks["tools"]["verdict"] == "good") == all(there.values())
    for path, is_there in there.items():
        assert is_there == (f"no {path}:" not in checks["tools"]["what"])


PROGRAMS = ("assay-recorder", "assay-sensor", "assay-monitor", "assay-job", "assay-guard",
            "assay-uplink", "assay-keys")


@pytest.mark.parametrize("name", ["assay-monitor", "assay-keys"])
def test_doctor_misses_a_program(tmp_path, name):
    """A copy of the command, with all of the others beside it but one."""
    shutil.copy(BIN / "assay", tmp_path / "assay")
    for other in PROGRAMS:
        if other != name:
            (tmp_path / other).symlink_to("/bin/true")
    done = subprocess.run([tmp_path / "assay", "doctor", "--json"], capture_output=True, text=True)
    check = {c["name"]: c for c in json.loads(done.stdout)["checks"]}["programs"]
    assert check["verdict"] == "broken" and f"{tmp_path}/{name}:" in check["what"]


def test_doctor_sees_an_open_vault(tmp_path):
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger.private").mkdir(mode=0o700)
    os.chmod(tmp_path / "ledger.private", 0o755)
    done = assay("doctor", "--json", "--state", tmp_path)
    check = {c["name"]: c for c in json.loads(done.stdout)["checks"]}["permissions"]
    assert done.returncode == 1
    assert check["verdict"] == "broken"
    assert check["mend"] == f"chmod go-rwx {tmp_path}/ledger.private"


def permissions(state):
    done = assay("doctor", "--json", "--state", state)
    check = {c["name"]: c for c in json.loads(done.stdout)["checks"]}["permissions"]
    assert done.returncode == 1 or check["verdict"] != "broken"
    return check


@pytest.fixture
def state(tmp_path):
    """As assay up leaves it."""
    tmp_path.chmod(0o755)
    for name in ("sensor", "monitor"):
        (tmp_path / "state" / name).mkdir(parents=True)
        (tmp_path / "state" / name).chmod(0o700)
    good("ledger", "init", tmp_path / "state/ledger", "--origin", "example.com/l")
    assert permissions(tmp_path / "state")["verdict"] == "good"
    return tmp_path / "state"


def give_away(path):
    os.chown(path, 4711, -1)


def make_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
@pytest.mark.parametrize("where, spoil, said, mend", [
    ("ledger.private/keys/log", lambda p: p.chmod(0o640), "has mode 0640: others may have read",
     "chmod 600 "),
    ("ledger.private/keys/log", give_away, "belongs to uid 4711, not to uid 0", "chown 0: "),
    ("ledger.private/keys/log", make_link, "is no file", "mv "),
    ("ledger.private/keys", lambda p: p.chmod(0o710), "has mode 0710", "chmod go-rwx "),
    ("ledger.private/keys", make_link, "a link", "mv "),
    ("ledger.private/wal", give_away, "belongs to uid 4711", "chown 0: "),
    ("ledger.private", give_away, "no user of Assay's", "chown -R assay: "),
    ("ledger", lambda p: p.chmod(0o775), "has mode 0775", "chmod go-w "),
    ("ledger", give_away, "belongs to uid 4711, not to uid 0", "chown 0: "),
    ("sensor", give_away, "belongs to uid 4711", "chown 0: "),
    ("sensor", lambda p: p.chmod(0o755), "has mode 0755", "chmod go-rwx "),
    ("monitor", lambda p: p.chmod(0o755), "has mode 0755", "chmod go-rwx "),
    ("monitor", make_link, "a link", "mv "),
    ("", lambda p: p.chmod(0o777), "has mode 0777", "chmod go-w "),
    ("", lambda p: p.parent.chmod(0o777), "has mode 0777", "chmod go-w "),
    ("", lambda p: give_away(p.parent), "belongs to uid 4711", "chown 0: ")])
def test_doctor_sees_who_may_reach_into_the_state(state, where, spoil, said, mend):
    spoil(state / where if where else state)
    check = permissions(state)
    assert check["verdict"] == "broken" and said in check["what"]
    assert check["mend"].startswith(mend)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts")
def test_doctor_sees_a_filesystem_that_is_read_only(tmp_path):
    """Regression: there was room on it, and nothing could be recorded."""
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c",
         'mount -t tmpfs -o ro,mode=755 none "$1" && exec "$2" doctor --json --state "$1"',
         "sh", tmp_path, BIN / "assay"], capture_output=True, text=True)
    check = {c["name"]: c for c in json.loads(done.stdout)["checks"]}["disk room"]
    assert done.returncode == 1 and check["verdict"] == "broken"
    assert check["what"] == f"the filesystem of {tmp_path} is read-only"


def test_doctor_that_may_not_look_says_so(state):
    for parent in list(state.parents)[:3]:
        parent.chmod(0o755)
    program = shutil.copy(BIN / "assay", state.parent / "assay")  # where anybody may start it
    done = subprocess.run([program, "doctor", "--json", "--state", state], user=4711,
                          group=4711, extra_groups=[], capture_output=True)
    check = {c["name"]: c for c in json.loads(done.stdout)["checks"]}["permissions"]
    assert check["verdict"] == "unknown" and "Permission denied" in check["what"]


def test_full_standard_output():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BIN / "assay", "help"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert done.stderr == b"assay help: standard output: No space left on device\n"


@pytest.mark.parametrize("args, status", [
    (("verify", "/nonexistent"), 3), (("prove", "3", "/nonexistent"), 3),
    (("ledger", "rotate", "/nonexistent", "--reason", "x"), 3),
    (("ledger", "prune", "/nonexistent", "--policy", "/nonexistent"), 3),
    (("erase", "subject", "x", "--basis", "b", "--policy", "/nonexistent"), 3)])
def test_a_failure_is_json_too(args, status):
    done = assay(*args, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == said["status"] == status
    assert said["error"] in done.stderr.decode()
