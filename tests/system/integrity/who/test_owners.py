# SPDX-License-Identifier: Apache-2.0
"""A real configuration management is known by its unit, on the paths it declared; its interpreter,
its arguments and its name are anybody's."""
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest
from assay_tool import assay
from sensor_host import path_of
from watched_host import Watched, profile

pytestmark = [pytest.mark.skipif(not shutil.which("ansible-playbook"), reason="no ansible-core"),
              pytest.mark.skipif(os.geteuid() != 0, reason="the sensor needs root")]

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - copy: {{content: "{word}", dest: "{etc}/motd", mode: "0644"}}
    - lineinfile: {{path: "{etc}/app.conf", line: "setting = {word}", create: true, mode: "0600"}}
    - file: {{src: motd, dest: "{etc}/link", state: link}}
    - file: {{path: "{etc}/conf.d", state: directory, mode: "0755"}}
    - copy: {{content: "{word}", dest: "{other}/elsewhere", mode: "0644"}}
"""


@pytest.fixture
def unit():
    """A control group as systemd makes one for a service."""
    top = next((pathlib.Path(p) for p in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
                if pathlib.Path(p, "cgroup.controllers").exists()), None)
    if top is None:
        pytest.skip("no unified hierarchy of control groups")
    group = top / f"assay-test-{os.getpid()}.service"
    group.mkdir()
    yield group
    group.rmdir()


class Service:
    """What init runs in a unit: since before the sensor, below init, without a login.  It does
    what it is asked to."""

    def __init__(self, directory, unit):
        self.asked, self.done = directory / "asked", directory / "done"
        for path in self.asked, self.done:
            os.mkfifo(path)
        loop = 'while read -r line <"$1"; do sh -c "$line"; echo $? >"$2"; done'
        subprocess.run(["sh", "-c", f"echo $$ >{unit}/cgroup.procs; "
                        f"setsid sh -c '{loop}' - {self.asked} {self.done} >/dev/null 2>&1 &"],
                       check=True)

    def ask(self, command):
        self.asked.write_text(command + "\n")
        return int(self.done.read_text())

    def end(self):
        self.asked.write_text("kill $PPID\n")


@pytest.fixture
def service(tmp_path_factory, unit):
    s = Service(tmp_path_factory.mktemp("service"), unit)
    yield s
    s.end()
    for _ in range(500):
        if not (unit / "cgroup.procs").read_text():
            break
        time.sleep(0.02)


@pytest.fixture
def host(tmp_path_factory, unit, service):
    h = Watched(tmp_path_factory.mktemp("owners"))
    h.service = service
    h.etc, h.other = h.tree / "etc", h.tree / "other"
    h.etc.mkdir()
    h.other.mkdir()
    h.configure(profile("managed", "alert", [h.etc], f"owners: [{unit.name}]"),
                profile("other", "alert", [h.tree]))
    h.start()
    yield h
    h.stop()


def play(host, word, run):
    """A playbook, by what runs a line of shell."""
    book = host.state.parent / f"{word}.yml"
    book.write_text(PLAYBOOK.format(word=word, etc=host.etc, other=host.other))
    assert run(f"export HOME={host.state.parent} LC_ALL=C.UTF-8 ANSIBLE_LOCALHOST_WARNING=false; "
               f"exec ansible-playbook -c local -i localhost, {book} >/dev/null") == 0


def by_hand(line):
    return subprocess.run(["sh", "-c", line], check=False).returncode


def states(host, since=0):
    """{path: {state}} below the two directories."""
    found = {}
    for e in host.changes()[since:]:
        path = os.fsdecode(path_of(e))
        if "/marker-" not in path:
            found.setdefault(path, set()).add(e["why"]["state"])
    return found


def test_playbook(host, unit):
    play(host, "one", host.service.ask)
    host.quiet()
    found = states(host)
    elsewhere = {p: found.pop(p) for p in list(found) if p.startswith(str(host.other))}
    assert {str(host.etc / p) for p in ("motd", "app.conf", "link", "conf.d")} <= set(found)
    assert set().union(*found.values()) == {"service"}, found
    # It declared one directory, and wrote to another.
    assert set().union(*elsewhere.values()) == {"unexplained"}, elsewhere
    why = host.of(host.etc / "motd")[-1]["why"]
    assert why["detail"] == f"profile managed declares {unit.name} its owner"


def test_by_hand(host, unit):
    """The same playbook, and what only looks like it: nobody's."""
    play(host, "one", by_hand)
    script = host.state.parent / "ansible-playbook"
    script.write_text(f"#!{sys.executable}\nopen('{host.etc}/forged', 'w').write('1')\n")
    script.chmod(0o755)
    subprocess.run([script, "-c", "local"], check=True)
    subprocess.run([sys.executable, "-c", f"open('{host.etc}/plain', 'w').write('1')",
                    "/usr/bin/ansible-playbook", unit.name], check=True)
    host.quiet()
    found = states(host)
    assert {str(host.etc / p) for p in ("motd", "forged", "plain")} <= set(found)
    assert set().union(*found.values()) == {"unexplained"}, found


def test_moved_into_the_unit(host, unit):
    """Root may move himself, or what he begins, into any unit: that makes none of them its own."""
    enter = f"echo $$ >{unit}/cgroup.procs"
    for name, line in (("child", f"{enter}; sh -c 'echo 1 >{host.etc}/child'; :"),
                       ("executed", f"{enter}; exec sh -c 'echo 1 >{host.etc}/executed'"),
                       ("daemon", f"{enter}; setsid sh -c 'sleep 1; sh -c \"echo 1 "
                                  f">{host.etc}/daemon\"' >/dev/null 2>&1 &")):
        assert by_hand(line) == 0
        why = host.seen(host.etc / name, "created")["why"]
        assert why["state"] == "unexplained", (name, why)
        assert "moved into the unit" in why["detail"], (name, why)


def test_units_within_units(host, unit):
    """Who was given a unit of his own can name those in it; that makes none the owner."""
    outer = unit.parent / f"user@{os.getpid()}.service"
    inner = outer / unit.name
    outer.mkdir()
    inner.mkdir()
    try:
        subprocess.run(["sh", "-c", f"echo $$ >{inner}/cgroup.procs; sh -c ': >{host.etc}/x'; :"],
                       check=True)
        assert host.seen(host.etc / "x", "created")["why"]["state"] == "unexplained"
    finally:
        host.wait(lambda: not (inner / "cgroup.procs").read_text(), "the unit's end")
        inner.rmdir()
        outer.rmdir()


def test_interpreters_are_no_owners(host):
    """assay watch check refuses them, and notes a program that is a script here."""
    for owner in ("/usr/bin/python3", "/usr/bin/python3.11", "/bin/sh", "/usr/sbin/sshd"):
        host.configure(profile("managed", "alert", [host.etc], f"owners: [{owner}]"))
        done = assay("watch", "check", host.file)
        assert done.returncode == 1 and f'"{owner}" runs whatever' in done.stdout.decode(), done
    script = host.state.parent / "tool"
    script.write_text("#!/bin/sh\n")
    host.configure(profile("managed", "alert", [host.etc],
                           f"owners: [{script}, /usr/sbin/no-such, /usr/bin/git]"))
    done = assay("watch", "check", host.file)
    said = done.stdout.decode()
    assert done.returncode == 0 and "tool is a script" in said and "no-such is not there" in said
    assert "/usr/bin/git" not in said
