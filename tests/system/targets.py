# SPDX-License-Identifier: Apache-2.0
"""Real servers beyond the host, on loopback and in directories of their own: slapd, PostgreSQL, and
an sshd that stands for a network device."""
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

SSHD = shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin")
SLAPD = shutil.which("slapd", path="/usr/sbin:/sbin:/usr/bin")
PG_BIN = next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)), None)


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120,
                          **more)
    assert done.returncode == 0, (done.args, done.stdout, done.stderr)
    return done.stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(done, what, process=None, log=None, seconds=60):
    end = time.monotonic() + seconds
    while not done():
        said = log.read_text() if log and log.exists() else ""
        assert process is None or process.poll() is None, (what, said)
        assert time.monotonic() < end, (f"no sign of {what}", said)
        time.sleep(0.05)


def listens(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0


def make_ca(directory, name):
    """A CA and a certificate of it for localhost: name.ca.pem, name.pem, name.key."""
    at = [directory / f"{name}{end}" for end in (".ca.key", ".ca.pem", ".key", ".csr", ".pem")]
    ca_key, ca, key, request, certificate = at
    more = directory / f"{name}.ext"
    more.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    # not of Ed25519: libpq 15 binds no channel to a certificate with such a signature
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca_key, "-out", ca,
        "-subj", f"/CN={name} CA", "-days", "2")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request,
        "-subj", "/CN=localhost")
    run("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
        "-out", certificate, "-days", "2", "-extfile", more)
    return ca, certificate, key


class Server:
    process, log, port = None, None, None

    def spawn(self, *command, **more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, **more)
        wait_for(lambda: listens(self.port), "a port that listens", self.process, self.log)

    def end(self, signo=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signo)
            self.process.wait(timeout=60)
        self.process = None


class Directory(Server):
    """slapd with one database below dc=example,dc=org."""
    base = "dc=example,dc=org"
    admin = "cn=admin,dc=example,dc=org"
    reader = "cn=assay,dc=example,dc=org"

    def __init__(self, directory, more=""):
        """more: of slapd.conf, with {ca} for the CA that clients' certificates may be of."""
        self.at = pathlib.Path(directory)
        (self.at / "db").mkdir(parents=True)
        self.socket = self.at / "ldapi"
        self.client_ca, self.certificate, self.key = make_ca(self.at, "client")
        self.port, self.tls_port, self.log = free_port(), free_port(), self.at / "log"
        self.ca, certificate, key = make_ca(self.at, "directory")
        self.other_ca = make_ca(self.at, "other")[0]
        self.config = self.at / "slapd.conf"
        self.config.write_text(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb.la
moduleload memberof.la
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
pidfile {self.at}/pid
sizelimit size.soft=unlimited size.hard=unlimited size.prtotal=unlimited
{more.replace("{ca}", str(self.client_ca))}
database mdb
maxsize 268435456
suffix {self.base}
rootdn {self.admin}
rootpw admin-secret
directory {self.at}/db
access to attrs=userPassword by dn.exact="{self.reader}" read by anonymous auth by self write
access to * by * read
overlay memberof
""")

    @property
    def local(self):
        return "ldapi://" + str(self.socket).replace("/", "%2F")

    def load(self, ldif):
        run("/usr/sbin/slapadd", "-q", "-f", self.config, input=ldif)

    def start(self):
        self.spawn(SLAPD, "-d", "0", "-f", self.config, "-h",
                   f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/ "
                   f"{self.local}/????x-mod=0777")
        return self

    def modify(self, ldif, dn=None, password="admin-secret"):
        run("ldapmodify", "-x", "-H", f"ldap://127.0.0.1:{self.port}", "-D", dn or self.admin,
            "-w", password, input=ldif)

    def first(self):
        return f"""dn: {self.base}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: {self.reader}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: assay
userPassword: reader-secret

dn: uid=eve,{self.base}
objectClass: inetOrgPerson
uid: eve
cn: Eve König
sn: König
userPassword: {{SSHA}}Zm9vYmFyYmF6cXV4

"""


class Database(Server):
    """A cluster of PostgreSQL with one database, app."""

    def __init__(self, directory):
        self.at = pathlib.Path(directory)
        self.at.mkdir(parents=True)
        self.data, self.log, self.port = self.at / "data", self.at / "log", free_port()
        self.ca, certificate, key = make_ca(self.at, "database")
        self.other_ca = make_ca(self.at, "other")[0]
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.give(self.at)
        self.program("initdb", "-D", self.data, "-U", "postgres", "-A", "peer", "-N",
                     "--no-instructions")
        for name, source in (("server.crt", certificate), ("server.key", key)):
            shutil.copy(source, self.data / name)
            (self.data / name).chmod(0o600)
            self.give(self.data / name)
        with open(self.data / "postgresql.conf", "a") as f:
            f.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nssl = on\n"
                    f"unix_socket_directories = '{self.at}'\nfsync = off\n")
        self.rules("local all postgres peer", "hostssl all all 127.0.0.1/32 scram-sha-256")

    def give(self, path):
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def become(self):
        if self.user:
            return ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}",
                    "--clear-groups"]
        return []

    def program(self, name, *arguments):
        return run(*self.become(), f"{PG_BIN}/{name}", *arguments, cwd="/")

    def rules(self, *lines):
        (self.data / "pg_hba.conf").write_text("".join(line + "\n" for line in lines))
        self.give(self.data / "pg_hba.conf")

    def start(self):
        self.spawn(*self.become(), f"{PG_BIN}/postgres", "-D", self.data, cwd="/")
        wait_for(lambda: subprocess.run(
            [*self.become(), f"{PG_BIN}/pg_isready", "-q", "-h", str(self.at), "-p",
             str(self.port)], cwd="/").returncode == 0, "the database", self.process, self.log)
        return self

    def end(self, signo=signal.SIGINT):
        super().end(signo)

    def sql(self, *statements, database="app"):
        """Each by itself, as the owner."""
        for statement in statements:
            run(*self.become(), "/usr/bin/psql", "-X", "-q", "-h", self.at, "-p", self.port, "-d",
                database, "-v", "ON_ERROR_STOP=1", "-c", statement, cwd="/")


class Device(Server):
    """An sshd whose one command prints a file."""
    command = "show running-config"

    def __init__(self, directory):
        self.at = pathlib.Path(directory)
        self.at.mkdir(parents=True)
        self.port, self.log = free_port(), self.at / "log"
        self.text, self.script = self.at / "running-config", self.at / "shell"
        for name in ("host_key", "key", "other_key"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self.at / name)
        self.host_key = " ".join((self.at / "host_key.pub").read_text().split()[:2])
        self.other_host_key = " ".join((self.at / "other_key.pub").read_text().split()[:2])
        self.script.write_text(f"""#!/bin/sh
[ "$SSH_ORIGINAL_COMMAND" = "{self.command}" ] || exit 1
cat {self.text}
while [ -e {self.at}/hangs ]; do sleep 0.2; done
""")
        self.script.chmod(0o755)
        public = (self.at / "key.pub").read_text().strip()
        (self.at / "authorized_keys").write_text(f'command="{self.script}",restrict {public}\n')
        (self.at / "config").write_text(f"""
Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.at}/host_key
AuthorizedKeysFile {self.at}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin forced-commands-only
PasswordAuthentication no
KbdInteractiveAuthentication no
""")

    def start(self):
        """In a mount namespace, for it wants a directory that the host may not have."""
        self.spawn("unshare", "--mount", "sh", "-c",
                   'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec "$@"', "sh",
                   SSHD, "-D", "-e", "-f", self.at / "config")
        return self

    def configure(self, text):
        aside = self.at / "aside"
        aside.write_text(text)
        aside.rename(self.text)
