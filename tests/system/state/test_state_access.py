# SPDX-License-Identifier: Apache-2.0
"""Tables of who gets in and what may then be done, compared with what other programs say."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

from state_host import StateHost
from targets import Device, SSHD, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: reads what root may")


@pytest.fixture(name="host_of")
def host_fixture():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="assay-access-", dir="/var/tmp"))
    running = []

    def make(*tables):
        running.append(StateHost(directory, *tables))
        return running[-1]

    yield make
    for host in running:
        host.stop()
    shutil.rmtree(directory)


def said(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


def needs(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


SUDOERS = r"""Defaults env_reset
User_Alias ADMINS = ann, %ops, #1000
Host_Alias HOSTS = web1, 10.0.0.0/8
Runas_Alias OPS = www-data, postgres
Cmnd_Alias SVC = /bin/systemctl restart nginx, /bin/systemctl reload nginx, \
    !/bin/systemctl stop *
ADMINS HOSTS = (OPS : adm) NOPASSWD: SVC, SETENV: /usr/bin/id -u, PASSWD: /bin/c
bob ALL = (root) /bin/a -x, /bin/b ""
# a comment that ends in a backslash \
%wheel ALL = (bob) /bin/d : web2 = (ann) NOEXEC: /usr/bin/less # x
"""

NAMES = {"username": "", "usergroup": "%", "userid": "#", "hostname": "", "networkaddr": "",
         "command": ""}


def items(listed):
    """As cvtsudoers has them, written as sudoers has them."""
    return [("!" if i.get("negated") else "") +
            next(NAMES[k] + str(v) for k, v in i.items() if k in NAMES) for i in listed]


def test_rules_are_those_of_sudo(host_of):
    needs("cvtsudoers")
    host = host_of("sudo_rules")
    host.put("/etc/sudoers", SUDOERS)
    host.start()
    rows = [r for r in host.rows("sudo_rules") if r["kind"] == "rule"]
    found = sorted((r["users"], r["hosts"], r["run_as"], r.get("groups", []), r["commands"],
                    r["nopasswd"]) for r in rows)
    told = json.loads(said("cvtsudoers", "-e", "-f", "json", "-o", "-", host.root / "etc/sudoers"))
    wanted = []
    for spec in told["User_Specs"]:
        for c in spec["Cmnd_Specs"]:
            asked = [o["authenticate"] for o in c.get("Options", []) if "authenticate" in o]
            wanted.append((items(spec["User_List"]), items(spec["Host_List"]),
                           items(c["runasusers"]),
                           [g.lstrip("%") for g in items(c.get("runasgroups", []))],
                           items(c["Commands"]), asked == [False]))
    assert found == sorted(wanted)
    host.put("/etc/sudoers", SUDOERS + "eve ALL=(ALL) NOPASSWD: ALL\n")
    ((change, _, new),) = host.changed("sudo_rules")
    assert (change, new["users"], new["nopasswd"]) == ("added", ["eve"], True)


def test_keys_are_those_of_ssh_keygen(host_of, tmp_path):
    needs("ssh-keygen")
    host = host_of("authorized_keys")
    host.put("/etc/passwd", "ann:x:1:1::/srv/ann:/bin/sh\n")
    wanted = {}
    for n, (kind, bits) in enumerate([("rsa", 3072), ("ecdsa", 384), ("ed25519", 256)]):
        said("ssh-keygen", "-q", "-t", kind, "-b", str(bits), "-N", "", "-C", kind, "-f",
             tmp_path / kind)
        told_bits, fingerprint = said("ssh-keygen", "-lf", tmp_path / kind).split()[:2]
        wanted[kind] = (int(told_bits), fingerprint, ["ann", "ann", "bob"][n])
    keys = {k: (tmp_path / f"{k}.pub").read_text() for k in wanted}
    host.put("/srv/ann/.ssh/authorized_keys", f"restrict {keys['rsa']}{keys['ecdsa']}")
    host.put("/home/bob/.ssh/authorized_keys", keys["ed25519"])
    host.start()
    assert {r["comment"]: (r["bits"], r["fingerprint"], r["user"])
            for r in host.rows("authorized_keys")} == wanted
    (host.root / "srv/ann/.ssh/authorized_keys").write_text(keys["ecdsa"])
    ((change, old, _),) = host.changed("authorized_keys")
    assert (change, old["comment"], old["options"]) == ("removed", "rsa", ["restrict"])


def certificate(where, name, days, *more):
    said("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", "/dev/null", "-out", where, "-days", str(days), "-subj",
         f"/O=Muster GmbH/CN={name}", *more)


def test_certificates_are_those_of_openssl(host_of):
    needs("openssl")
    host = host_of("certificates")
    (host.root / "etc/nginx").mkdir(parents=True)
    first = host.root / "etc/nginx/first.pem"
    certificate(first, "a.example.org", 5, "-addext", "subjectAltName=DNS:a.example.org")
    host.start()
    (row,) = host.rows("certificates")

    def told(option, *more):
        return said("openssl", "x509", "-in", first, "-noout", option, *more).strip() \
            .split("=", 1)[1]

    assert row["subject"] == told("-subject", "-nameopt", "RFC2253")
    assert row["fingerprint"] == told("-fingerprint", "-sha256").replace(":", "").lower()
    assert row["serial"].lstrip("0") == told("-serial").lower().lstrip("0")
    assert row["names"] == ["DNS:a.example.org"] and (row["key_type"], row["bits"]) == ("ec", 256)
    assert row["expiry"] == "in 7 days"
    certificate(first, "a.example.org", 365, "-addext", "subjectAltName=DNS:a.example.org")
    host.monitor.send_signal(signal.SIGHUP)  # now, and not when it is time
    ((change, old, new),) = host.changed("certificates")
    assert (change, old["expiry"], new["expiry"]) == ("changed", "in 7 days", "valid")


def test_sshd_is_as_it_says_itself(host_of):
    needs("sshd")
    host = host_of("sshd")
    host.root = "/"  # a program has no other root
    try:
        lines = said("/usr/sbin/sshd", "-T").splitlines()
    except subprocess.CalledProcessError:
        pytest.skip("sshd cannot tell how it is set here")
    host.start()
    wanted = {}
    for setting, _, value in (line.partition(" ") for line in lines):
        if setting != "setenv":
            wanted.setdefault(setting, []).append(value.strip())
    assert {r["setting"]: r["values"] for r in host.rows("sshd")
            if r["scope"] == "all" and r["setting"] != "setenv" and not r["file"]} == wanted


def test_passwords_are_as_passwd_says(host_of):
    host = host_of("passwords")
    host.root = "/"
    host.start()
    states = {"set": "P", "unusable": "P", "locked": "L", "none": "NP"}
    told = {line.split()[0]: line.split()[1]
            for line in said("passwd", "-S", "-a").splitlines()}
    rows = {r["user"]: states[r["status"]] for r in host.rows("passwords")}
    assert {user: rows.get(user) for user in told} == told


def test_pam_and_cron_of_this_host_can_be_read(host_of):
    host = host_of("pam", "cron", "tls", "logins")
    host.root = "/"
    host.start()
    services = {p.name for where in ("/etc/pam.d", "/usr/lib/pam.d")
                for p in pathlib.Path(where).glob("*")}
    assert {r["service"] for r in host.rows("pam")} <= services
    login = [r["module"] for r in host.rows("pam")
             if (r["service"], r["type"], r["file"]) == ("login", "auth", "/etc/pam.d/common-auth")]
    common = pathlib.Path("/etc/pam.d/common-auth").read_text().splitlines()
    words = [line.split("#")[0].replace("]", "] ").split() for line in common]
    assert set(login) == {word for line in words for word in line if word.endswith(".so")}
    daily = {str(p) for p in pathlib.Path("/etc/cron.daily").glob("[!.]*")}
    assert {r["file"] for r in host.rows("cron") if r.get("schedule") == "daily"} == daily
    assert not host.entries("state.trouble")


class Logins(Device):
    """An sshd that lets root in, with a record of logins of its own."""

    def start(self):
        public = (self.at / "key.pub").read_text()
        (self.at / "authorized_keys").write_text(public)
        config = self.at / "config"
        config.write_text(config.read_text().replace("forced-commands-only", "yes"))
        self.spawn("unshare", "--mount", "sh", "-c",
                   'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && '
                   'touch /run/utmp && exec "$@"', "sh", SSHD, "-D", "-e", "-f", config)
        return self

    def utmp(self):
        return pathlib.Path(f"/proc/{self.process.pid}/root/run/utmp").read_bytes()


def test_logins_as_sshd_records_them(host_of, tmp_path):
    """Not bytes of ours: those that sshd wrote, compared with what who(1) reads in them."""
    if not SSHD:
        pytest.skip("no sshd here")
    server = Logins(tmp_path / "sshd").start()
    client = subprocess.Popen(
        ["ssh", "-tt", "-F", "none", "-i", server.at / "key", "-p", str(server.port),
         "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
         "root@127.0.0.1", "exec sleep 600"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: b"pts/" in server.utmp(), "the record of a login", client)
        host = host_of("logins")
        host.put("/run/utmp", server.utmp())
        host.start()
        (row,) = host.rows("logins")
        who = said("who", "-u", host.root / "run/utmp",
                   env={"LC_ALL": "en_US.UTF-8", "TZ": "UTC"}).split()
        assert [row["user"], row["line"]] == who[:2]
        assert row["since"][11:16] in who
        assert f"({row['from']})" == who[-1] == "(127.0.0.1)" and str(row["pid"]) in who
        client.terminate()
        client.wait(timeout=60)
        wait_for(lambda: b"root" not in server.utmp(), "its end", server.process)
        host.put("/run/utmp", server.utmp())
        (change,) = host.changed("logins")
        assert change[0] == "removed" and change[1]["from"] == "127.0.0.1"
    finally:
        client.kill()
        client.wait()
        server.end()
