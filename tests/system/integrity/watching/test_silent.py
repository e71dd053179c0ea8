# SPDX-License-Identifier: Apache-2.0
"""A filesystem whose server does not answer holds up whoever touches it, for as long as it likes.
The sensor is there for all the others, from its very first start on."""
import os
import pathlib
import shutil
import signal
import tempfile

import pytest

from seeing import Mounts, Seeing
from watched_host import Watched, profile

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


@pytest.fixture
def place():
    """A directory with a FUSE filesystem in it, and its server."""
    directory = pathlib.Path(tempfile.mkdtemp(dir="/var/tmp", prefix="assay-silent-"))
    below = directory / "below"
    (below / "a" / "b").mkdir(parents=True)
    (below / "a" / "b" / "file").write_text("before")
    mounts = Mounts(directory)
    try:
        fs = mounts.serve("bindfs", below, point=directory / "fs")
        server, = mounts.served
        yield directory, fs, server
    finally:
        for process in mounts.served:
            process.send_signal(signal.SIGCONT)
        mounts.done()
        shutil.rmtree(directory)


def silent(host, fs):
    return [e for e in host.entries("integrity.sensor") if e["what"]["event"] == "degraded" and
            e["what"].get("reason", "").startswith(f"{fs}: its server does not answer")]


@pytest.mark.parametrize("watched", ["", "a", "a/b"], ids=["itself", "below", "far below"])
def test_at_the_start(place, watched):
    directory, fs, server = place
    host = Seeing(directory, directory / "tree", fs / watched)
    host.sensor_options = ["--poll", "5"]
    try:
        server.send_signal(signal.SIGSTOP)
        host.start()  # the very first
        host.wait(lambda: silent(host, fs), "that it does not answer")
        (host.tree / "beside").write_text("x")
        host.expect(host.tree / "beside", "created", seen="live")
        assert len(host.entries("integrity.baseline")) == 1
        server.send_signal(signal.SIGCONT)
        host.expect(fs / "a/b/file", "created")  # no baseline has it
        host.agree()
        host.end(host.sensor, signal.SIGKILL)
        server.send_signal(signal.SIGSTOP)
        (host.tree / "while down").write_text("x")
        host.start_sensor()
        host.expect(host.tree / "while down", "created", seen="start")
        host.wait(lambda: len(silent(host, fs)) > 1, "that it does not answer again")
        assert host.of(fs / "a/b/file", "deleted") == []
        server.send_signal(signal.SIGCONT)
        (fs / "a/b/file").write_text("after")
        host.expect(fs / "a/b/file", "modified")
    finally:
        server.send_signal(signal.SIGCONT)
        host.stop()


def test_watched_from_now_on(place):
    """It did not matter before, and nobody has asked it."""
    directory, fs, server = place
    host = Watched(directory)
    host.configure(profile("w", "alert", [host.tree]))
    try:
        host.start()
        server.send_signal(signal.SIGSTOP)
        host.configure(profile("w", "alert", [host.tree]), profile("v", "alert", [fs / "a/b"]))
        host.reload()
        host.told("changed")
        host.wait(lambda: silent(host, fs), "that it does not answer")
        (host.tree / "beside").write_text("x")
        host.seen(host.tree / "beside", "created")
        server.send_signal(signal.SIGCONT)
        host.wait(lambda: host.of(fs / "a/b/file"), "the file there")
    finally:
        server.send_signal(signal.SIGCONT)
        host.stop()
