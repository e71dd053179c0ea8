# SPDX-License-Identifier: Apache-2.0
"""What `make run` runs: assay up and an API to try, served by it.  Needs root."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest

from assay_tool import BIN, assay, good
from gateway_host import NGINX
from test_command_up import eventually

RUN = pathlib.Path(__file__).parents[3] / "examples" / "run"
NEEDED = [NGINX, "git", "ssh-keygen"]
pytestmark = [
    pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED), reason=f"not all of {NEEDED}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: fanotify, user ids")]
COUNTED = re.compile(r"counted of its calls: (http://127\.0\.0\.1:\d+)/metrics")
SERVED = re.compile(r"is served at (http://127\.0\.0\.1:\d+/bank/v1)\.")


class Machine:
    def __init__(self, top):
        self.top, self.places = top, ("--state", top / "state", "--run", top / "run")
        self.output = top / "output"

    def start(self):
        """In a session of its own, as a terminal's."""
        with open(self.output, "wb") as file:
            self.process = subprocess.Popen(
                [RUN, "--bin", BIN, *self.places, "--", "--watch", self.top / "watched",
                 "--config", self.top / "config"], stdout=file, stderr=file,
                start_new_session=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        assert eventually(lambda: self.process.poll() is not None or SERVED.search(self.said())
                          or "not served" in self.said(), 120)
        return self

    def said(self):
        return self.output.read_text()

    def call(self, path, caller=None):
        request = urllib.request.Request(SERVED.search(self.said())[1] + path)
        if caller:
            token = (self.top / "state" / "example" / f"{caller}.token").read_text().strip()
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def kinds(self):
        return [json.loads(line)["k"] for line in
                good("log", *self.places, "--json", "--kind", "api").splitlines()]

    def left(self):
        """Command lines of what still runs."""
        lines = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(path.read_bytes().decode(errors="replace"))
            except OSError:
                pass
        return [line for line in lines if str(self.top) in line]

    def stop(self, signo, whole):
        """To assay up alone, or to all of the terminal."""
        (os.killpg if whole else os.kill)(self.process.pid, signo)
        status = self.process.wait(timeout=60)
        assert eventually(lambda: not self.left()), self.left()
        return status


@pytest.fixture
def machine():
    top = pathlib.Path(tempfile.mkdtemp(prefix="assay-example-", dir="/var/tmp"))
    top.chmod(0o755)
    for name in ("watched", "config"):
        (top / name).mkdir()
    m = Machine(top)
    yield m
    if m.process.poll() is None:
        m.stop(signal.SIGTERM, True)
    shutil.rmtree(top)


def test_tried_stopped_and_tried_again(machine):
    machine.start()
    status, masked = machine.call("/accounts/A00000001", "auditor")
    assert status == 200, (masked, machine.said())
    _, clear = machine.call("/accounts/A00000001", "investigator")
    assert clear["iban"] == "CH9100762000000000001"
    assert masked == {**clear, "iban": "*****************0001"}
    assert machine.call("/customers/C000001", "auditor")[0] == 403
    assert machine.call("/accounts/A00000001")[0] == 401
    health = COUNTED.search(machine.said())[1] + "/health"
    with urllib.request.urlopen(health, timeout=20) as answer:
        assert json.load(answer) == {"status": "ready"}
    assert machine.kinds()[:3] == ["api.pushed", "api.approved", "api.deployed"]
    assert eventually(lambda: machine.kinds().count("api.denied") == 2)  # published, too
    assert [machine.kinds().count(f"api.{k}") for k in ("intent", "outcome")] == [2, 2]
    assert machine.stop(signal.SIGINT, True) == 0
    machine.start()  # what was made is used again
    assert machine.call("/accounts/A00000001", "auditor") == (200, masked)
    assert machine.kinds().count("api.deployed") == 1
    assert machine.stop(signal.SIGTERM, False) == 0
    assert assay("verify", *machine.places[:2]).returncode == 0


def test_another_registry_is_left_alone(machine):
    registry = machine.top / "state" / "registry"
    registry.mkdir(parents=True)
    machine.start()
    assert "which is not the example's" in machine.said()
    assert eventually(lambda: "Watching" in machine.said()), machine.said()
    assert not list(registry.iterdir()) and not (machine.top / "state" / "example").exists()
    assert machine.stop(signal.SIGTERM, True) == 0
