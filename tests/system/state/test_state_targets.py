# SPDX-License-Identifier: Apache-2.0
"""What is beyond the host as tables: a directory, a database server, a network device."""
import os
import pathlib
import pwd
import shutil
import signal
import tempfile
import time

import pytest
from state_host import StateHost
from targets import Database, Device, Directory, PG_BIN, SLAPD, SSHD

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="the programs become somebody else")
pytestmark = root_only


@pytest.fixture(name="place")
def _place():
    """Not below a directory that only root may enter: servers and programs are other users."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="assay-targets-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


class Targets(StateHost):
    """A monitor of targets alone."""

    def __init__(self, directory):
        super().__init__(directory)
        self.config = directory / "etc-assay"
        self.config.mkdir()
        self.more = ["--config", self.config]

    def secret(self, name, text, mode=0o600):
        path = self.config / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def configure(self, *targets):
        """Each (table, name, settings)."""
        tables = sorted({table for table, _, _ in targets})
        self.tables = [x for table in tables for x in ("--table", table)]
        lines = ["version: 1", "targets:"]
        for table, name, settings in targets:
            lines += [f"  - table: {table}", f"    name: {name}", "    every: 1s",
                      "    timeout: 20s"]
            for key, value in settings.items():
                lines.append(f"    {key}: " + (
                    "[" + ", ".join(f"'{v}'" for v in value) + "]" if isinstance(value, list)
                    else f"'{value}'"))
        (self.config / "state.yaml").write_text("\n".join(lines) + "\n")

    def reconfigure(self, *targets):
        before = len(self.entries("state.monitor"))
        self.configure(*targets)
        self.monitor.send_signal(signal.SIGHUP)
        self.wait(lambda: len(self.entries("state.monitor")) > before, "another configuration")

    def problem(self, table):
        return {t[0]: t[4] for t in self.status().get("tables", [])}.get(table)

    def troubled(self, table, words):
        self.wait(lambda: words in (self.problem(table) or ""), words)

    def good(self, table):
        self.wait(lambda: self.problem(table) == "", f"{table} to be read")

    def rest(self, table, seconds=3):
        """Nothing is told of a table at rest."""
        before = self.changes(table)
        time.sleep(seconds)
        assert self.changes(table) == before

    def never(self, *secrets):
        """In nothing that is kept, told or logged."""
        for path in [*self.state.rglob("*"), self.log_path]:
            if path.is_file():
                data = path.read_bytes()
                for secret in secrets:
                    assert secret.encode() not in data, (path, secret)


@pytest.fixture(name="host")
def _host(place):
    host = Targets(place)
    yield host
    host.stop()


# ---- directories ----

@pytest.fixture(name="directory")
def _directory(place):
    if not SLAPD:
        pytest.skip("no slapd here")
    server = Directory(place / "directory")
    server.load(server.first())
    server.start()
    yield server
    server.end()


def ldap(monitor, server, **more):
    settings = {"uri": f"ldaps://127.0.0.1:{server.tls_port}", "base": server.base,
                "ca_file": server.ca, "bind_dn": server.reader,
                "password_file": monitor.secret("ldap.password", "reader-secret\n"), **more}
    return "ldap", "corp", {k: v for k, v in settings.items() if v is not None}


def test_directory(host, directory):
    host.configure(ldap(host, directory))
    host.start()
    host.good("ldap.corp")
    rows = {(r["dn"], r["member"]): r for r in map(dict, host.rows("ldap.corp"))}
    eve = rows[f"uid=eve,{directory.base}", ""]
    assert "cn=Eve König" in eve["attributes"] and eve["classes"] == ["inetOrgPerson"]
    assert "userPassword={SSHA}" in eve["attributes"]
    assert len(rows) == 3
    host.rest("ldap.corp")

    directory.modify(f"""dn: cn=admins,{directory.base}
changetype: add
objectClass: groupOfNames
cn: admins
member: {directory.reader}
""")
    # a group and its member; and, by the overlay, whose group it is
    found = host.changed("ldap.corp", 3)
    assert {(c, n["dn"].split(",")[0], n["member"]) for c, _, n in found} == {
        ("added", "cn=admins", ""), ("added", "cn=admins", directory.reader),
        ("changed", "cn=assay", "")}
    directory.modify(f"""dn: cn=admins,{directory.base}
changetype: modify
add: member
member: uid=eve,{directory.base}
""")
    told = host.changed("ldap.corp", 6)[3:]
    joined = [n for c, _, n in told if c == "added"]
    assert [n["member"] for n in joined] == [f"uid=eve,{directory.base}"]
    group = [n for c, _, n in told if n["dn"].startswith("cn=admins") and c == "changed"]
    assert [n["modified_by"] for n in group] == [directory.admin]
    assert [n["member_of"] for c, _, n in told if n["dn"].startswith("uid=eve")] == [
        [f"cn=admins,{directory.base}"]]
    # another password shows as nothing but a change of the entry, and who made it
    directory.modify(f"""dn: uid=eve,{directory.base}
changetype: modify
replace: userPassword
userPassword: eve-chose-this
""")
    told = host.changed("ldap.corp", 7)[6:]
    assert told[0][2]["modified_by"] == directory.admin and told[0][0] == "changed"
    assert "userPassword=(set)" in told[0][2]["attributes"]
    directory.modify(f"dn: uid=eve,{directory.base}\nchangetype: delete\n")
    host.wait(lambda: ("removed", f"uid=eve,{directory.base}", "") in [
        (c, o.get("dn"), o.get("member")) for c, o, _ in host.changes("ldap.corp")], "her end")
    host.never("reader-secret", "eve-chose-this", "Zm9vYmFyYmF6cXV4")


def test_directory_that_is_away(host, directory):
    host.configure(ldap(host, directory))
    host.start()
    host.good("ldap.corp")
    directory.end(signal.SIGKILL)
    host.troubled("ldap.corp", "cannot be reached")
    directory.start()
    host.wait(lambda: host.problem("ldap.corp") == "", "the directory again", seconds=120)
    assert host.changes("ldap.corp") == []
    events = [e["what"]["event"] for e in host.entries("state.trouble")]
    assert events == ["unreadable", "readable"]


@pytest.mark.parametrize("more, words", [
    ({"ca_file": "other"}, "certificate"),
    ({"password_file": "wrong"}, "refuses the credentials"),
    ({"password_file": "public"}, "may be read by others"),
    ({"base": "dc=nowhere"}, "no such base"),
    ({"uri": "ldaps://127.0.0.1:1"}, "cannot be reached"),
], ids=["ca", "password", "public password", "base", "nobody"])
def test_directory_that_refuses(host, directory, more, words):
    host.configure(ldap(host, directory))
    host.start()
    host.good("ldap.corp")
    files = {"other": directory.other_ca, "wrong": host.secret("wrong", "not-the-secret\n"),
             "public": host.secret("public", "reader-secret\n", 0o644)}
    more = {key: files.get(value, value) for key, value in more.items()}
    host.reconfigure(ldap(host, directory, **more))
    host.troubled("ldap.corp", words)
    assert host.changes("ldap.corp") == []
    host.never("not-the-secret")


def test_directory_with_starttls(host, directory):
    host.configure(ldap(host, directory, uri=f"ldap://127.0.0.1:{directory.port}"))
    host.start()
    host.good("ldap.corp")
    assert len(host.rows("ldap.corp")) == 3
    host.reconfigure(ldap(host, directory, uri=f"ldap://127.0.0.1:{directory.port}",
                          ca_file=directory.other_ca))
    host.wait(lambda: host.problem("ldap.corp"), "a refusal")
    assert host.changes("ldap.corp") == []


@pytest.fixture(name="mapping")
def _mapping(place):
    """A directory that lets in who shows a certificate, or who the kernel says is at the socket."""
    if not SLAPD:
        pytest.skip("no slapd here")
    uid, gid = asker()
    server = Directory(place / "directory", f"""
TLSCACertificateFile {{ca}}
TLSVerifyClient try
authz-regexp "^cn=localhost$" "{Directory.reader}"
authz-regexp "^gidNumber={gid}.uidNumber={uid},cn=peercred,.*$" "{Directory.reader}"
""")
    server.load(server.first())
    server.start()
    yield server
    server.end()


def asker():
    """Who asks what is beyond the host."""
    try:
        user = pwd.getpwnam("assay-net")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return user.pw_uid, user.pw_gid


def reads_as_itself(host, server):
    """Passwords are for that one alone: as anybody else there is no sign of them."""
    host.good("ldap.corp")
    rows = {r["dn"]: r for r in map(dict, host.rows("ldap.corp"))}
    return "userPassword={SSHA}" in rows[f"uid=eve,{server.base}"]["attributes"]


def test_directory_over_its_socket(host, mapping):
    """SASL EXTERNAL: who asks is known by the kernel, and there is no password."""
    host.configure(ldap(host, mapping, uri=mapping.local, sasl="external", ca_file=None,
                        bind_dn=None, password_file=None))
    host.start()
    assert reads_as_itself(host, mapping)
    host.reconfigure(ldap(host, mapping, uri=mapping.local, ca_file=None, bind_dn=None,
                          password_file=None))
    host.wait(lambda: not reads_as_itself(host, mapping), "what anybody sees")


def test_directory_by_certificate(host, mapping):
    """SASL EXTERNAL: our certificate says who we are; without it we are nobody."""
    key = host.secret("client.key", mapping.key.read_text())
    host.configure(ldap(host, mapping, sasl="external", bind_dn=None, password_file=None,
                        cert_file=mapping.certificate, key_file=key))
    host.start()
    assert reads_as_itself(host, mapping)
    key.chmod(0o644)
    host.troubled("ldap.corp", "may be read by others")
    key.chmod(0o600)
    host.good("ldap.corp")
    host.reconfigure(ldap(host, mapping, sasl="external", bind_dn=None, password_file=None))
    host.wait(lambda: host.problem("ldap.corp"), "a refusal")
    assert host.changes("ldap.corp") == []
    host.never(key.read_text().splitlines()[1])


def test_directory_that_stops_early(host, place):
    """A limit of entries is no removal of the others."""
    if not SLAPD:
        pytest.skip("no slapd here")
    server = Directory(place / "directory")
    people = "".join(f"""dn: uid=u{i},{server.base}
objectClass: inetOrgPerson
uid: u{i}
cn: Person {i}
sn: {i}

""" for i in range(5000))
    server.load(server.first() + people)
    server.start()
    try:
        host.configure(ldap(host, server, timeout=None))
        host.start()
        host.good("ldap.corp")
        assert len(host.rows("ldap.corp")) == 5003
        server.end()
        text = server.config.read_text().replace(
            "size.soft=unlimited size.hard=unlimited size.prtotal=unlimited",
            "size.soft=1000 size.hard=1000 size.prtotal=1000")
        server.config.write_text(text)
        server.start()
        host.wait(lambda: "limit" in (host.problem("ldap.corp") or ""), "the limit", seconds=120)
        assert host.changes("ldap.corp") == []
    finally:
        server.end()


# ---- databases ----

@pytest.fixture(name="database")
def _database(place):
    if not PG_BIN:
        pytest.skip("no PostgreSQL here")
    server = Database(place / "database").start()
    server.sql("CREATE DATABASE app", database="postgres")
    server.sql("CREATE ROLE assay LOGIN PASSWORD 'pa:ss\\word'", "GRANT pg_monitor TO assay",
               "GRANT SELECT ON pg_catalog.pg_authid TO assay",
               "GRANT SELECT ON pg_catalog.pg_hba_file_rules TO assay",
               "GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO assay",
               "CREATE TABLE bill (id int NOT NULL, amount numeric)")
    yield server
    server.end()


def pg(monitor, server, table, **more):
    return table, "app", {
        "host": "localhost", "port": server.port, "database": "app", "user": "assay",
        "ca_file": server.ca, "password_file": monitor.secret("pg.password", "pa:ss\\word\n"),
        **more}


def test_database(host, database):
    host.configure(pg(host, database, "pg_roles"), pg(host, database, "pg_schema"))
    host.start()
    host.good("pg_roles.app")
    host.good("pg_schema.app")
    roles = {r["name"]: r for r in map(dict, host.rows("pg_roles.app"))}
    assert roles["postgres"]["superuser"] and roles["postgres"]["password"] == "none"
    assert roles["assay"]["password"] == "scram-sha-256" and not roles["assay"]["superuser"]
    assert roles["assay"]["member_of"] == ["pg_monitor"]
    things = {(r["kind"], r["name"]): r for r in map(dict, host.rows("pg_schema.app"))}
    assert things["column", "public.bill.id"]["definition"] == "integer not null"
    assert things["table", "public.bill"]["owner"] == "postgres"
    assert things["setting", "ssl"]["definition"] == "on"
    assert ("hba", "hostssl all all 127.0.0.1 255.255.255.255 scram-sha-256") in things
    host.rest("pg_schema.app")

    database.sql("CREATE ROLE mallory LOGIN SUPERUSER PASSWORD 'x' VALID UNTIL '2030-01-01 UTC'",
                 "GRANT assay TO mallory WITH ADMIN OPTION")
    host.wait(lambda: any(n.get("member_of") for _, _, n in host.changes("pg_roles.app")), "her")
    new = host.changes("pg_roles.app")[-1][2]
    assert new["name"] == "mallory" and new["superuser"] and new["member_of"] == ["assay (admin)"]
    assert new["valid_until"] == "2030-01-01T00:00:00Z" and new["password"] == "scram-sha-256"

    database.sql("GRANT UPDATE ON bill TO PUBLIC", "ALTER TABLE bill ENABLE ROW LEVEL SECURITY",
                 "CREATE POLICY mine ON bill FOR SELECT TO assay USING (amount > 0)",
                 "ALTER TABLE bill ADD COLUMN note text DEFAULT 'a\tb'")

    def seen():
        return {(c, n.get("kind"), n.get("name")): n for c, _, n in host.changes("pg_schema.app")}
    host.wait(lambda: ("added", "column", "public.bill.note") in seen(), "the column")
    found = seen()
    table = dict(next(r for r in map(dict, host.rows("pg_schema.app"))
                      if (r["kind"], r["name"]) == ("table", "public.bill")))
    assert "=w/postgres" in table["grants"] and table["definition"] == "row security"
    assert found["added", "policy", "public.bill.mine"]["definition"] == (
        "permissive for select to assay using ((amount > (0)::numeric))")
    database.rules("local all postgres peer", "hostssl all mallory 0.0.0.0/0 trust",
                   "hostssl all all 127.0.0.1/32 scram-sha-256")
    host.wait(lambda: ("added", "hba", "hostssl all mallory 0.0.0.0 0.0.0.0 trust") in seen(),
              "the rule")
    host.never("pa:ss", "SCRAM-SHA-256$")


def test_database_that_is_away(host, database):
    host.configure(pg(host, database, "pg_roles"))
    host.start()
    host.good("pg_roles.app")
    database.end(signal.SIGQUIT)
    host.wait(lambda: host.problem("pg_roles.app"), "its end")
    database.start()
    host.wait(lambda: host.problem("pg_roles.app") == "", "the database again", seconds=120)
    assert host.changes("pg_roles.app") == []


@pytest.mark.parametrize("more, words", [
    ({"ca_file": "other"}, "certificate is not one of the CA"),
    ({"password_file": "wrong"}, "refuses the credentials"),
    ({"host": "127.0.0.2", "sslmode": "require"}, "nothing listens"),
    ({"database": "none"}, "no such database"),
], ids=["ca", "password", "nobody", "database"])
def test_database_that_refuses(host, database, more, words):
    host.configure(pg(host, database, "pg_roles"))
    host.start()
    host.good("pg_roles.app")
    files = {"other": database.other_ca, "wrong": host.secret("wrong", "not-the-secret\n")}
    host.reconfigure(pg(host, database, "pg_roles",
                        **{key: files.get(value, value) for key, value in more.items()}))
    host.troubled("pg_roles.app", words)
    assert host.changes("pg_roles.app") == []


# ---- devices ----

CONFIG = """! Last configuration change at 10:00:00 UTC
hostname edge
enable secret 5 $1$abcd$efghijklmnopqrstuvwxyz
!
interface GigabitEthernet0/1
 description up
 ip address 192.0.2.1 255.255.255.0
!
interface GigabitEthernet0/2
 description down
 shutdown
!
snmp-server community not-public RO
ntp clock-period 17179863
end
"""


@pytest.fixture(name="device")
def _device(place):
    if not SSHD:
        pytest.skip("no sshd here")
    server = Device(place / "device")
    server.configure(CONFIG)
    server.start()
    yield server
    server.end()


def edge(monitor, server, **more):
    key = monitor.secret("key", (server.at / "key").read_text())
    return "device", "edge", {
        "host": "127.0.0.1", "port": server.port, "user": "root", "command": server.command,
        "host_key": server.host_key, "key_file": key, "end": "end",
        "ignore": ["! Last configuration change *", "ntp clock-period *"], **more}


def test_device(host, device):
    host.configure(edge(host, device))
    host.start()
    host.good("device.edge")
    rows = [dict(r) for r in host.rows("device.edge")]
    assert {(r["section"], r["line"]) for r in rows} == {
        ("", "hostname edge"), ("", "enable secret (hidden)"),
        ("", "interface GigabitEthernet0/1"), ("interface GigabitEthernet0/1", "description up"),
        ("interface GigabitEthernet0/1", "ip address 192.0.2.1 255.255.255.0"),
        ("", "interface GigabitEthernet0/2"), ("interface GigabitEthernet0/2", "description down"),
        ("interface GigabitEthernet0/2", "shutdown"), ("", "snmp-server community (hidden)")}
    device.configure(CONFIG.replace("10:00", "11:00").replace("17179863", "17179999"))
    host.rest("device.edge")
    device.configure(CONFIG.replace(" shutdown\n", " no shutdown\n"))
    found = host.changed("device.edge", 2)
    assert {(c, (n or o)["section"], (n or o)["line"]) for c, o, n in found} == {
        ("removed", "interface GigabitEthernet0/2", "shutdown"),
        ("added", "interface GigabitEthernet0/2", "no shutdown")}
    # an answer that stops before its end, and one that never ends
    device.configure(CONFIG[:CONFIG.index("interface GigabitEthernet0/2")])
    host.troubled("device.edge", "does not end as it should")
    assert len(host.changes("device.edge")) == 2
    host.never("abcd$efgh", "not-public", "BEGIN OPENSSH")


def test_device_that_breaks_off(host, device):
    host.configure(edge(host, device))
    host.start()
    host.good("device.edge")
    (device.at / "hangs").touch()
    host.troubled("device.edge", "in time")
    (device.at / "hangs").unlink()
    host.wait(lambda: host.problem("device.edge") == "", "the device again", seconds=120)
    device.end(signal.SIGKILL)
    host.troubled("device.edge", "nothing listens")
    assert host.changes("device.edge") == []


@pytest.mark.parametrize("more, words", [
    ({"host_key": "other"}, "host key is not the one pinned"),
    ({"key_file": "other"}, "refuses our key"),
    ({"command": "reload"}, "does not end as it should"),
], ids=["host key", "key", "command"])
def test_device_that_refuses(host, device, more, words):
    host.configure(edge(host, device))
    host.start()
    host.good("device.edge")
    if "host_key" in more:
        more = {"host_key": device.other_host_key}
    if "key_file" in more:
        more = {"key_file": host.secret("other", (device.at / "other_key").read_text())}
    host.reconfigure(edge(host, device, **more))
    if "command" in more:
        host.wait(lambda: host.problem("device.edge"), "a refusal")
    else:
        host.troubled("device.edge", words)
    assert host.changes("device.edge") == []
