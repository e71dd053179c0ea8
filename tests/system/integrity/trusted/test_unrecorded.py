# SPDX-License-Identifier: Apache-2.0
"""A baseline that came before a ledger which has no entry of any: the ledger was lost or is another
one, or the sensor's state was brought from elsewhere.  The sensor says so once, watches on, and
puts nothing back by that baseline until somebody has vouched for one.  What only cannot be asked
any more - pruned, or in cold storage - is no such thing."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

from recorder_host import Peer, change, succeeded, wait_for
from sensor_host import BIN
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")

WORDS = "the ledger has no entry of this baseline, root "
LEDGER = "ledger", "ledger.private"


@pytest.fixture
def host():
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-norec-"))
    host = Watched(directory)
    (host.tree / "f").write_text("PermitRootLogin no\n")
    (host.tree / "g").write_text("as it was\n")
    host.configure(profile("w", "alert", [host.tree], "keep: true"))
    host.start()
    host.wait(lambda: host.baselines("first"), "the first baseline")
    yield host
    host.stop()
    shutil.rmtree(directory)


def assay(host, *words):
    return subprocess.run([BIN / "assay", *words, "--state", host.state, "--run", host.run],
                          capture_output=True, text=True, timeout=60)


def end(host):
    if host.sensor:
        host.end(host.sensor)
    host.end(host.recorder)
    host.sensor = None


def again(host, signo=signal.SIGTERM):
    """The sensor, ended and started; all that it had to say is in the ledger."""
    if host.sensor:
        host.end(host.sensor, signo)
    host.start_sensor()
    host.told_so_far()


def lose(host, kept):
    """The ledger: removed, or put where one that the new one succeeded would lie."""
    end(host)
    for name, one in zip(LEDGER, ("ledger.1", "ledger.1.private")):
        if kept:
            (host.state / name).rename(host.state / one)
        else:
            shutil.rmtree(host.state / name)
    host.start_recorder()


def told(host):
    """Changes and alerts about the baseline's file."""
    own = str(host.state / "sensor" / "baseline")
    return ([e["who"]["unknown"] for e in host.changes() if e["what"]["path"] == own],
            [e["what"]["path"] for e in host.entries("alert.raised")
             if e["what"]["path"] == own])


def unproven(host):
    """What `assay status` says of it, as a program and as a person is told; or nothing."""
    said = assay(host, "status", "--json")
    sensor = next(p for p in json.loads(said.stdout)["processes"] if p["name"] == "sensor")
    why = sensor["said"]["more"]["baseline"].get("unproven")
    if sensor["state"] == "running":  # not one whose kill the recorder has just told of
        assert (said.returncode == 1) == bool(why), said
    assert ("not to be trusted: the ledger has no entry of this baseline" in
            " ".join(assay(host, "status").stdout.split())) == bool(why)
    return why


def checked(host):
    """What `assay check` says of the ledger, and why."""
    said = json.loads(assay(host, "check", "--json").stdout)
    assert said["ledger"]["verdict"] == "good" or said["verdict"] != "good", said
    return said["ledger"]["verdict"], said["ledger"].get("why")


def checked_root(host):
    """Of the baseline that is there, without asking anybody."""
    return json.loads(assay(host, "baseline", "show", "--json").stdout)["root"]


def believed(host):
    """It is as trusted as it was, and nobody was told anything."""
    assert told(host) == ([], []) and unproven(host) is None
    (host.tree / "g").write_text("changed\n")
    host.wait(lambda: host.of(host.tree / "g", "modified"), "the change")
    assert assay(host, "restore", host.tree / "g", "--reason", "r").returncode == 0
    assert (host.tree / "g").read_text() == "as it was\n"


@pytest.mark.parametrize("kept", [False, True], ids=["removed", "beside"])
def test_a_ledger_that_does_not_know_the_baseline(host, kept):
    root = host.baselines("first")[0]["root"]
    lose(host, kept)
    (host.tree / "f").write_text("PermitRootLogin yes\n")  # while nobody watches
    host.start_sensor()
    host.wait(lambda: all(told(host)), "the alert")
    assert told(host)[0][0].startswith(WORDS + root)
    host.seen(host.tree / "f", "modified")  # it is compared with, and watched on
    (host.tree / "g").write_text("changed\n")
    assert host.seen(host.tree / "g", "modified")["why"]["state"] == "unexplained"
    assert "no entry of this baseline" in unproven(host)
    verdict, why = checked(host)
    assert verdict == "unknown" and "nothing proves this one" in why

    # Nothing is put back by it, nor is a part of it vouched for, nor is it extended.
    for words in (("restore", host.tree / "g"), ("baseline", "accept", host.tree / "g")):
        done = assay(host, *words, "--reason", "routine")
        assert done.returncode != 0 and "no entry of this baseline" in done.stderr, done
    assert (host.tree / "g").read_text() == "changed\n"
    host.configure(profile("w", "alert", [host.tree], "keep: true"),
                   profile("more", "alert", [host.conf]))
    host.reload()
    host.told("changed")
    host.told_so_far()
    assert host.entries("integrity.baseline") == [] and unproven(host)

    for signo in (signal.SIGTERM, signal.SIGKILL):  # told once, and not forgotten
        again(host, signo)
        assert len(told(host)[0]) == len(told(host)[1]) == 1 and unproven(host)

    done = assay(host, "baseline", "create", "--reason", "disk lost")
    assert done.returncode == 0, done
    assert unproven(host) is None and checked(host) == ("good", None)
    (host.tree / "g").write_text("again\n")
    host.wait(lambda: len(host.of(host.tree / "g", "modified")) == 2, "the change")
    assert assay(host, "restore", host.tree / "g", "--reason", "r").returncode == 0
    assert (host.tree / "g").read_text() == "changed\n"
    again(host)
    assert len(told(host)[0]) == len(told(host)[1]) == 1 and unproven(host) is None


@pytest.mark.parametrize("changed", [False, True], ids=["as it is", "with what differs"])
def test_all_of_it_accepted(host, changed):
    """Also where nothing differs it is an entry: that is what was missing."""
    lose(host, False)
    again(host)
    assert len(told(host)[0]) == 1 and unproven(host)
    if changed:
        (host.tree / "f").write_text("PermitRootLogin yes\n")
        host.seen(host.tree / "f", "modified")
    done = assay(host, "baseline", "accept", "--reason", "looked at")
    assert done.returncode == 0 and done.stdout.startswith("accepted"), done
    host.wait(lambda: host.baselines("accepted"), "its entry")
    assert [b["changed"] for b in host.baselines("accepted")] == [int(changed)]
    assert unproven(host) is None and checked(host) == ("good", None)
    again(host)
    assert len(told(host)[0]) == 1 and unproven(host) is None


def test_one_taken_while_the_sensor_is_stopped(host):
    lose(host, False)
    again(host)
    host.end(host.sensor)
    host.sensor = None
    done = assay(host, "baseline", "create")
    assert done.returncode == 0, done
    again(host)
    host.wait(lambda: host.entries("integrity.baseline"), "its entry")
    assert len(told(host)[0]) == 1 and unproven(host) is None
    assert checked(host) == ("good", None)


def test_an_alert_that_was_not_acknowledged_is_told_once(host):
    """It waits in the sensor's journal: a recorder that is lost with it does not double it."""
    lose(host, False)
    again(host)
    host.recorder.send_signal(signal.SIGSTOP)
    try:
        host.end(host.sensor, signal.SIGKILL)
    finally:
        host.recorder.send_signal(signal.SIGCONT)
    again(host)
    assert len(told(host)[0]) == len(told(host)[1]) == 1


def test_another_ledger_that_is_lost_is_told_anew(host):
    for _ in range(2):
        lose(host, False)
        again(host)
        assert len(told(host)[0]) == len(told(host)[1]) == 1 and unproven(host)


def succeed_running(host, *words):
    """The recorder ends for it, and is started again as whoever supervises it would."""
    def supervise():
        host.recorder.wait()
        wait_for(lambda: succeeded(host), "the next ledger")
        host.start_recorder()

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        return assay(host, "ledger", "succeed", *words)
    finally:
        thread.join()


def succeed_stopped(host, *words):
    end(host)
    done = assay(host, "ledger", "succeed", host.state / "ledger", *words)
    host.start_recorder()
    return done


def to_cold_storage(host, *ledgers):
    end(host)
    for gone in ledgers:
        (host.state / gone).rename(host.state.parent / gone)
    host.start_recorder()


@pytest.mark.parametrize("succeed", [succeed_running, succeed_stopped], ids=["running", "stopped"])
def test_a_ledger_that_was_succeeded(host, succeed):
    """The next one is told of the baseline, so that the old one may go to cold storage: the first
    of all first, and at once."""
    first = host.baselines("first")[0]
    for i in (1, 2):
        done = succeed(host, "--origin", f"assay.invalid/h/{i + 1}", "--reason", "a new year")
        assert done.returncode == 0 and (host.state / f"ledger.{i}").exists(), done
        if not host.sensor:
            host.start_sensor()
        host.wait(lambda: host.baselines("succeeded"), "the baseline in the next ledger")
        assert checked(host) == ("good", None)
        said = host.baselines("succeeded")
        assert len(said) == len(host.entries("integrity.baseline")) == 1
        kept = "bytes", "files", "paths", "root", "skipped", "unreadable"
        assert {k: said[0][k] for k in kept} == {k: first[k] for k in kept}
    to_cold_storage(host, "ledger.1", "ledger.2")
    for signo in (signal.SIGTERM, signal.SIGKILL):  # said once, and it holds
        again(host, signo)
        assert checked(host) == ("good", None)
        assert len(host.entries("integrity.baseline")) == 1
    believed(host)


def test_the_oldest_ledger_is_stored_first(host):
    """What is left is found by what it is, not by its number."""
    for i in (2, 3):
        done = succeed_stopped(host, "--origin", f"assay.invalid/h/{i}", "--reason", "a new year")
        assert done.returncode == 0, done
        if i == 2:
            host.start_sensor()
            host.wait(lambda: host.baselines("succeeded"), "the baseline in the next ledger")
    to_cold_storage(host, "ledger.1")
    host.start_sensor()
    host.wait(lambda: host.baselines("succeeded"), "the baseline in the next ledger")
    assert checked(host) == ("good", None)


def test_a_ledger_that_went_before_its_baseline_was_told(host):
    """Nothing proves it, and the sensor vouches for nothing: somebody has to."""
    done = succeed_stopped(host, "--origin", "assay.invalid/h/2", "--reason", "a new year")
    assert done.returncode == 0, done
    to_cold_storage(host, "ledger.1")
    again(host)
    verdict, why = checked(host)
    assert verdict == "unknown" and "is not here" in why
    believed(host)
    assert host.entries("integrity.baseline") == []
    done = assay(host, "baseline", "accept", "--reason", "nothing differs")
    assert done.returncode == 0 and done.stdout.startswith("accepted"), done
    assert checked(host) == ("good", None)


def test_a_ledger_that_is_lost_while_the_sensor_runs_is_told_nothing(host):
    """It is no successor: that it has no entry of the baseline is what there is to be seen."""
    host.end(host.recorder)
    for name in LEDGER:
        shutil.rmtree(host.state / name)
    host.start_recorder()
    (host.tree / "f").write_text("changed\n")
    host.wait((host.state / "ledger" / "checkpoint").exists, "another ledger")
    host.seen(host.tree / "f", "modified")
    assert host.entries("integrity.baseline") == []
    again(host)
    assert len(told(host)[0]) == 1 and unproven(host)


def test_a_note_that_somebody_wrote_is_told(host):
    """It says that the ledger is about to be told of this baseline.  That is how a first start that
    was cut off looks, and the ledger would know that one."""
    lose(host, False)
    note = {"k": "integrity.baseline", "t": "2026-11-27T00:00:00.000000000Z", "v": 1,
            "what": {"bytes": 0, "files": 1, "paths": [], "reason": "first",
                     "root": checked_root(host), "skipped": 0, "unreadable": 0}}
    path = host.state / "sensor" / "baseline.note"
    path.write_text(json.dumps(note, separators=(",", ":"), sort_keys=True))
    host.start_sensor()
    host.told_so_far()
    said = [e["who"]["unknown"] for e in host.changes() if e["what"]["path"] == str(path)]
    assert len(said) == 1 and "or somebody wrote it" in said[0]


def test_a_ledger_whose_key_was_changed(host):
    done = assay(host, "ledger", "rotate", "--reason", "yearly")
    assert done.returncode == 0, done
    again(host)
    believed(host)
    assert checked(host) == ("good", None)


def test_a_ledger_that_was_pruned(host):
    """What is gone may have had the entry."""
    host.end(host.sensor)
    host.sensor = None
    with Peer(host) as sensor:
        for _ in range(6):
            sensor.append(*(change() for _ in range(100)))
            sensor.settle()
    with Peer(host, "admin") as admin:
        assert admin.command("publish")["size"] > 600
        assert admin.command("prune", min_index=256, policy="p",
                             policy_sha256="0" * 64) == {"min_index": 256}
    again(host)
    believed(host)
    assert "that are left have none" in checked(host)[1]


def test_a_recorder_that_comes_late(host):
    end(host)
    sensor = subprocess.Popen([BIN / "assay-sensor", "--state", host.state, "--run", host.run,
                               "--config", host.conf], stdout=host.log, stderr=host.log)
    time.sleep(1)
    host.start_recorder()
    host.sensor = sensor
    host.wait(lambda: "profiles" in host.status(), "the sensor's first scan")
    host.told_so_far()
    believed(host)


def recorded(host):
    try:
        return host.baselines("first")
    except subprocess.CalledProcessError:
        return []  # there is no ledger yet


def test_a_first_start_that_was_cut_off():
    """Wherever: the entry of its baseline was on its way."""
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-norec-"))
    host = Watched(directory)
    host.configure(profile("w", "alert", [host.tree]))
    try:
        host.start_recorder()
        host.recorder.send_signal(signal.SIGSTOP)  # it acknowledges nothing
        sensor = subprocess.Popen([BIN / "assay-sensor", "--state", host.state, "--run", host.run,
                                   "--config", host.conf], stdout=host.log, stderr=host.log)
        time.sleep(0.5)
        host.recorder.send_signal(signal.SIGCONT)
        note = host.state / "sensor" / "baseline.note"
        host.wait(lambda: note.exists() or recorded(host), "the baseline")
        sensor.kill()
        sensor.wait()
        again(host)
        again(host)
        host.wait(lambda: host.baselines("first"), "the first baseline")
        assert told(host) == ([], []) and unproven(host) is None
    finally:
        host.stop()
        shutil.rmtree(directory)
