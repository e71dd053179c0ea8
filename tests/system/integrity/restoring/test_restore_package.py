# SPDX-License-Identifier: Apache-2.0
"""A package transaction that goes on for long suspends what its own processes did, and nobody
else's doing."""
import pathlib
import subprocess
import tempfile
import time

import pytest

import package_host
from package_host import PackageHost

pytestmark = pytest.mark.skipif(bool(package_host.possible()), reason=str(package_host.possible()))

WATCH = """
version: 1
profiles:
  programs:
    mode: restore
    paths: [/opt]
"""


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-package-") as name:
        h = PackageHost(pathlib.Path(name))
        (h.config / "watch.yaml").write_text(WATCH)
        try:
            h.start()
            yield h
        finally:
            h.stop()


def content(host, path):
    return subprocess.run(host.inside("cat", path), capture_output=True, text=True).stdout


def told(host, kind, path):
    return [e["what"] for e in host.entries(f"integrity.{kind}") if e["what"]["path"] == path]


def test_others_are_put_back_while_it_runs(host):
    """What a hanging apt's packages own, changed by somebody who is no part of it: by a shell
    beside it, and by what apt's own options begin."""
    files = {f"/opt/hello/{n}": f"{n}\n" for n in ("bin", "other", "gone")}
    host.archive.build("hello", "1.0-1", files=files)
    host.publish()
    host.apt("apt-get", "install", "hello")
    host.wait(lambda: len(told(host, "change", "/opt/hello/gone")), "the installation")
    host.transaction()
    go_on = host.directory / "go-on"
    hang = host.directory / "hang.sh"
    hang.write_text(f"echo evil >/opt/hello/other\nwhile ! [ -e {go_on} ]; do sleep 0.1; done\n")
    apt = host.start_apt("apt-get", "install", "--reinstall", "-o",
                         f"Dpkg::Options::=--pre-invoke=sh {hang}", "hello")
    try:
        host.wait(lambda: told(host, "change", "/opt/hello/other"), "the hook")
        host.wait(lambda: len(host.transactions()) == 2, "the transaction")
        host.act("echo evil >/opt/hello/bin; rm /opt/hello/gone")
        for name in ("bin", "other", "gone"):
            host.wait(lambda: told(host, "restored", f"/opt/hello/{name}"), f"{name} put back", 10)
            assert content(host, f"/opt/hello/{name}") == f"{name}\n"
        assert apt.poll() is None, "while it hangs"
        assert not [w for p in files for w in told(host, "not_restored", p)]
    finally:
        go_on.touch()
        apt.communicate(timeout=100)
    assert apt.returncode == 0
    host.transaction()
    time.sleep(0.5)
    for name in ("bin", "other", "gone"):
        assert content(host, f"/opt/hello/{name}") == f"{name}\n"


def test_its_own_are_not_while_it_runs(host):
    """A script of the package leaves something else at a path of it: that is unexplained, and waits
    until the transaction is over."""
    go_on = host.directory / "go-on"
    host.archive.build("odd", "1.0-1", files={"/opt/odd/bin": "bin\n"})
    host.publish()
    host.apt("apt-get", "install", "odd")
    host.transaction()
    host.archive.build("odd", "1.1-1", files={"/opt/odd/bin": "bin\n"}, scripts={
        "postinst": f"echo other >/opt/odd/bin\nwhile ! [ -e {go_on} ]; do sleep 0.1; done"})
    host.publish()
    apt = host.start_apt("apt-get", "install", "odd")
    try:
        host.wait(lambda: told(host, "not_restored", "/opt/odd/bin"), "it to be suspended")
        what = told(host, "not_restored", "/opt/odd/bin")[-1]
        assert what["reason"] == "suspended" and "package transaction" in what["detail"]
        assert content(host, "/opt/odd/bin") == "other\n" and apt.poll() is None
    finally:
        go_on.touch()
        apt.communicate(timeout=100)
    host.wait(lambda: content(host, "/opt/odd/bin") == "bin\n", "it to be put back then", 60)
