# SPDX-License-Identifier: Apache-2.0
"""assay up with a registry and gateway.conf: nginx is one of its processes, without root."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from gateway_host import EARLY, MODULE, NO_HOURS, Gateway, needs
from recorder_host import BIN, wait_for

pytestmark = needs()
USER = 61300  # whose the directory of key sets is becomes the gateway's user


@pytest.fixture
def site():
    g = Gateway(workers=1)
    g.up = None
    try:
        g.deploy(edit=[NO_HOURS, EARLY])
        g.recorder.end()
        for path in g.recorder.run.iterdir():  # root's, and the next recorder is not root
            path.unlink()
        g.start_backend()
        g.backend_socket.chmod(0o777)
        os.chown(g.keys, USER, USER)
        os.chown(g.top / "hash.key", 0, USER)
        (g.top / "hash.key").chmod(0o640)
        (g.top / "watched").mkdir()
        (g.top / "config").mkdir()
        yield g
    finally:
        if g.up and g.up.poll() is None:
            g.up.terminate()
            g.up.wait(timeout=60)
        g.close()


def config(site):
    """As assay-gateway(8) has it: daemon, pid and where other paths begin come from who starts."""
    text = site.config().replace(" daemon off;", "").replace(f" pid {site.top}/nginx.pid;", "")
    text = text.replace(f"{site.top}/temp/", "").replace(f"error_log {site.top}/error.log",
                                                         "error_log stderr")
    module = str(shutil.copy(MODULE, site.top))  # the build directory may be somebody's own
    return text.replace("user root;", "").replace(str(MODULE), module)


def begin(site, *options):
    with open(site.top / "output", "wb") as file:
        site.up = subprocess.Popen(
            [BIN / "assay", "up", "--state", site.recorder.state, "--run", site.recorder.run,
             "--config", site.top / "config", "--watch", site.top / "watched", *options],
            stdout=file, stderr=file)


def output(site):
    return (site.top / "output").read_text()


def wait_until_served(site):
    def serves():
        assert site.up.poll() is None, output(site)
        return site.generation() == 1

    try:
        wait_for(serves, "generation 1", seconds=60)
    except AssertionError as e:
        raise AssertionError(f"{site.status()}\n{output(site)[-3000:]}") from e


def test_served_by_assay_up(site):
    (site.top / "config" / "gateway.conf").write_text(config(site))
    begin(site)
    wait_until_served(site)
    status, _, body = site.call("GET", "/bank/v1/customers/C000001")
    assert (status, body["name"]) == (200, "Ada Abel"), (site.top / "output").read_text()
    said = site.status()
    assert said["uid"] == USER
    assert "gateway" in subprocess.run(
        [BIN / "assay", "status", "--state", site.recorder.state, "--run", site.recorder.run],
        capture_output=True, text=True, check=False).stdout
    before = said["pid"]
    os.kill(before, signal.SIGKILL)  # a worker: nginx has another one
    wait_for(lambda: site.status().get("pid") not in (None, before), "another worker")
    wait_for(lambda: site.call("GET", "/bank/v1/accounts/A00000001")[0] == 200, "an answer")
    site.up.terminate()
    assert site.up.wait(timeout=60) == 0, (site.top / "output").read_text()
    left = [contents(p) for p in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
    assert not [c for c in left if str(site.top) in c and "nginx: master" in c]


@pytest.fixture
def files_of_others_are_protected():
    """As Debian has it; it is the whole machine's."""
    setting = pathlib.Path("/proc/sys/fs/protected_regular")
    before = setting.read_text()
    setting.write_text("2")
    yield
    setting.write_text(before)


def test_served_again_by_the_next_one(site, files_of_others_are_protected):
    """What nginx's workers left in the sticky directory of the sockets is theirs."""
    def answers():
        assert site.up.poll() is None and "no API is served" not in output(site), output(site)
        try:
            return site.call("GET", "/bank/v1/accounts/A00000001")[0] == 200
        except OSError:
            return False

    (site.top / "config" / "gateway.conf").write_text(config(site))
    for _ in range(2):
        begin(site)
        wait_for(answers, "an answer", seconds=60)
        site.up.terminate()
        assert site.up.wait(timeout=60) == 0, output(site)
        assert (site.recorder.run / "gateway.status").stat().st_uid == USER


def test_another_name_is_not_taken_for_its_status(site):
    """Root would give whatever it is to nginx's user."""
    precious = site.top / "precious"
    precious.write_text("x")
    os.link(precious, site.recorder.run / "gateway.status")
    (site.top / "config" / "gateway.conf").write_text(config(site))
    begin(site)
    refused = f"{site.recorder.run}/gateway.status: not a file of one name; no API is served"
    wait_for(lambda: refused in output(site), refused, seconds=60)
    assert precious.stat().st_uid == 0


def test_configured_while_it_runs(site):
    """And elsewhere than beside watch.yaml."""
    path = site.top / "nginx.conf"
    registry, later = site.registry.path / "registry.yaml", site.top / "registry.yaml"
    registry.rename(later)
    begin(site, "--gateway", path)
    wait_for(lambda: "Watching" in output(site), "the sensor", seconds=60)
    path.write_text(config(site))
    later.rename(registry)
    wait_until_served(site)
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 200
    served = f"APIs are served by nginx, as {path} has it."
    wait_for(lambda: served in output(site), served)  # nginx may be quicker than who says it
    text = output(site)
    assert text.index("There is a registry of APIs") < text.index("APIs are served")


def contents(path):
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_a_mistake_in_it_stops_nothing_else(site):
    (site.top / "config" / "gateway.conf").write_text("rubbish;\n")
    begin(site)
    wait_for(lambda: "no API is served" in output(site), "a word of it", seconds=120)
    assert 'unknown directive "rubbish"' in (site.top / "output").read_text()
    assert site.up.poll() is None and site.recorder.status()["pid"]
