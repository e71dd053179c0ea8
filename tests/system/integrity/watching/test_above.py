# SPDX-License-Identifier: Apache-2.0
"""Directories above what is watched: whoever may write there may put another in its place."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


def start(host, *profiles):
    host.configure(*profiles)
    host.start()
    host.wait(lambda: host.baselines("first"), "the first baseline")


@pytest.fixture
def host():
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-above-"))
    host = Watched(directory)
    (host.tree / "lib" / "w").mkdir(parents=True)
    (host.tree / "lib" / "w" / "f").write_text("f")
    (host.tree / "home" / "al").mkdir(parents=True)
    (host.tree / "home" / "al" / ".profile").write_text("umask 022\n")
    yield host
    host.stop()
    subprocess.run(["chattr", "-R", "-f", "-i", directory], check=False)  # what was denied
    shutil.rmtree(directory)


def alerts(host, path):
    return [e["what"] for e in host.entries("alert.raised") if e["what"]["path"] == str(path)]


def usual(host):
    start(host, profile("w", "alert", [host.tree / "lib" / "w"]),
          profile("h", "log", [host.tree / "home" / "*" / ".profile"]))


def test_rights_of_each_are_told_with_their_author(host):
    usual(host)
    lib, home = host.tree / "lib", host.tree / "home" / "al"
    os.chmod(lib, 0o777)
    entry = host.seen(lib, "attributes")
    assert entry["what"]["differs"] == ["mode"] and entry["what"]["on_way"] is True
    assert (entry["what"]["old_mode"], entry["what"]["new_mode"]) == ("0755", "0777")
    assert entry["what"]["profile"] == "w" and entry["who"]["pid"] == os.getpid()
    assert entry["why"]["state"] == "unexplained"
    host.wait(lambda: alerts(host, lib), "an alert")
    os.chown(host.tree, 65534, 65534)
    entry = host.seen(host.tree, "attributes")
    assert entry["what"]["differs"] == ["uid", "gid"] and entry["what"]["profile"] == "w"
    subprocess.run(["setfacl", "-m", "u:nobody:rwx", home], check=True)
    entry = host.seen(home, "attributes")
    assert "acl" in entry["what"]["differs"] and entry["what"]["profile"] == "h"


def test_what_goes_on_in_them_is_not(host):
    usual(host)
    for directory in (host.tree, host.tree / "lib", host.tree / "home" / "al"):
        (directory / "other").mkdir()
        (directory / "file").write_text("x")
        os.utime(directory)
    (host.tree / "home" / "new").mkdir()
    (host.tree / "home" / "new" / ".profile").write_text("x")
    host.seen(host.tree / "home" / "new" / ".profile", "created")
    shutil.rmtree(host.tree / "home" / "new")
    host.seen(host.tree / "home" / "new" / ".profile", "deleted")
    assert {e["what"]["path"] for e in host.changes()} == {
        str(host.tree / "home" / "new" / ".profile")}


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_while_the_sensor_was_down(host, end):
    usual(host)
    host.end(host.sensor, end)
    os.chmod(host.tree / "lib", 0o777)
    os.chmod(host.tree / "home" / "al", 0o770)
    host.start_sensor()
    for path in (host.tree / "lib", host.tree / "home" / "al"):
        entry = host.seen(path, "attributes")
        assert entry["what"]["seen"] == "start" and entry["what"]["differs"] == ["mode"]
    assert len(alerts(host, host.tree / "lib")) == 1
    host.end(host.sensor)
    host.start_sensor()
    assert len(host.changes()) == 2  # once


def test_another_one_with_the_same_rights_is_none_of_a_difference(host):
    usual(host)
    host.end(host.sensor)
    lib, aside = host.tree / "lib", host.tree / "aside"
    lib.rename(aside)
    lib.mkdir(aside.stat().st_mode)
    (aside / "w").rename(lib / "w")
    host.start_sensor()
    host.told_so_far()
    assert host.changes() == [] and assay(host, "check").returncode == 0


def test_it_is_not_put_back_nor_frozen_nor_moved(host):
    start(host, profile("w", "restore", [host.tree / "lib" / "w"], "keep: true"),
          profile("d", "deny", [host.tree / "home" / "al" / ".profile"]))
    lib, home = host.tree / "lib", host.tree / "home"
    for path in (lib, home):
        os.chmod(path, 0o777)
        assert host.seen(path, "attributes")["what"]["mode"] in ("restore", "deny")
    (lib / "w" / "f").write_text("bad")
    host.wait(lambda: (lib / "w" / "f").read_text() == "f", "that it works still")
    assert lib.stat().st_mode & 0o777 == 0o777 and home.is_dir()
    assert not host.entries("integrity.quarantined")[1:]
    (home / "other").write_text("x")  # not frozen
    flags = subprocess.run(["lsattr", "-d", home], capture_output=True, text=True, check=True)
    assert "i" not in flags.stdout.split()[0]


def test_an_approved_change_explains_it(host):
    usual(host)
    lib = host.tree / "lib"
    done = subprocess.run([os.environ["ASSAY_BIN"] + "/assay", "change", "open", "CHG-7", "--path",
                           lib, "--for", "1h", "--reason", "r", "--state", host.state, "--run",
                           host.run], check=False)
    assert done.returncode == 0
    os.chmod(lib, 0o775)
    assert host.seen(lib, "attributes")["why"]["change"] == "CHG-7"
    assert not alerts(host, lib)


def assay(host, *words):
    return subprocess.run([os.environ["ASSAY_BIN"] + "/assay", *words, "--state", host.state,
                           "--run", host.run], capture_output=True, text=True, check=False)


def test_check_and_accept(host):
    usual(host)
    lib, home = host.tree / "lib", host.tree / "home" / "al"
    assert assay(host, "check").returncode == 0
    for path in (lib, home):
        os.chmod(path, 0o777)
        host.seen(path, "attributes")
    done = assay(host, "check")
    assert done.returncode == 1 and f"changed  {lib}  mode 0755→0777" in done.stdout
    assert "2 changed" in done.stdout
    done = assay(host, "baseline", "accept", "--reason", "shared", lib)
    assert done.returncode == 0, done
    done = assay(host, "check")
    assert done.returncode == 1 and str(home) in done.stdout and f"{lib} " not in done.stdout
    host.end(host.sensor)
    host.start_sensor()
    assert assay(host, "baseline", "create", "--reason", "all of it").returncode == 0
    assert assay(host, "check").returncode == 0


def test_the_file_that_has_them_is_missed(host):
    usual(host)
    host.end(host.sensor)
    (host.state / "sensor" / "above").unlink()
    host.start_sensor()
    own = host.state / "sensor" / "above"
    host.wait(lambda: alerts(host, own), "an alert")
    assert "lost" in host.of(own)[0]["who"]["unknown"]
