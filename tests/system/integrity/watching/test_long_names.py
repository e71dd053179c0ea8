# SPDX-License-Identifier: Apache-2.0
"""A filesystem with names that are longer than any on a disk here, and one that does not even say
what it is, end no sensor: what can be known of it is, and that there is more is said."""
import os
import pathlib
import subprocess
import tempfile

import pytest

from long_names import LongNames
from sensor_host import BIN, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not os.path.exists("/dev/fuse"),
                                reason="needs root and /dev/fuse")


@pytest.mark.parametrize("tells_room", [True, False])
def test_what_can_be_known_is(tells_room):
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-long-") as name:
        host = Host(pathlib.Path(name))
        place, odd = host.tree / "odd", None
        place.mkdir()
        try:
            host.start()
            odd = LongNames(place, ["a", "b" * 255, "c" * 256, "d" * 1000, "e"], tells_room)
            for short in ("a", "b" * 255, "e"):
                host.wait(lambda: host.of(place / short, "created"), short[:3])
            host.end(host.sensor)
            host.start_sensor()  # it begins with such a place, too
            done = subprocess.run([BIN / "assay", "check", "--state", host.state, "--run",
                                   host.run], capture_output=True, text=True)
            assert f"{place}: File name too long" in done.stderr, done
            assert done.returncode in (1, 3)
            (host.tree / "beside").write_text("x")
            host.seen(host.tree / "beside", "created")
        finally:
            if odd:
                odd.done()
            host.stop()
