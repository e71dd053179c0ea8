# SPDX-License-Identifier: Apache-2.0
"""AIDE, Tripwire, Samhain and auditd as Debian ships them, each with a configuration of its own in
a directory of the bench.  None of them touches the machine's own: what has a fixed place is mounted
over in the bench's own mount namespace, and what the kernel has one of is put back."""
import contextlib
import pathlib
import shutil
import subprocess
import time

from machine import BUILD, Unavailable, await_true, run, stop, timed


def control(*command):
    """A peer's own tool, which must succeed: what it says."""
    try:
        return run(*command, stderr=subprocess.PIPE)
    except (OSError, subprocess.CalledProcessError) as e:
        why = getattr(e, "stderr", None) or str(e)
        raise Unavailable(f"{command[0]}: {why.strip()[-200:]}") from e


def need(program):
    if not shutil.which(program):
        raise Unavailable(f"{program} is not installed")


class Aide:
    """All attributes it knows and SHA-256, two workers."""

    def __init__(self, place, directory):
        self.place, self.config = place, place / "aide.conf"
        place.mkdir(exist_ok=True)
        self.config.write_text(
            f"database_in=file:{place}/aide.db\n"
            f"database_out=file:{place}/aide.db.new\n"
            "gzip_dbout=no\nnum_workers=2\nreport_url=file:/dev/null\n"
            f"{directory} p+i+n+u+g+s+m+c+acl+xattrs+caps+e2fsattrs+ftype+sha256\n")

    def init(self):
        need("aide")
        usage = timed("aide", "--config", self.config, "--init")
        (self.place / "aide.db.new").replace(self.place / "aide.db")
        return usage

    def check(self):
        need("aide")
        return timed("aide", "--config", self.config, "--check")


class Tripwire:
    """SHA-1 and the attributes of stat; it knows no extended attributes."""

    def __init__(self, place, directory):
        self.place, self.config = place, place / "tw.cfg"
        place.mkdir(exist_ok=True)
        (place / "pol").write_text(f"{directory} -> +pinugsmtS ;\n")
        (place / "cfg").write_text("".join(f"{key}={value}\n" for key, value in {
            "ROOT": "/usr/sbin", "POLFILE": place / "pol.enc", "DBFILE": place / "db.twd",
            "REPORTFILE": place / "report.twr", "SITEKEYFILE": place / "site.key",
            "LOCALKEYFILE": place / "local.key", "EDITOR": "/bin/false", "LATEPROMPTING": "false",
            "LOOSEDIRECTORYCHECKING": "false", "SYSLOGREPORTING": "false", "REPORTLEVEL": "3",
            "EMAILREPORTLEVEL": "3", "MAILNOVIOLATIONS": "false", "MAILMETHOD": "SMTP",
            "SMTPHOST": "localhost", "SMTPPORT": "25"}.items()))
        self.made = False

    def init(self):
        need("tripwire")
        if not self.made:
            timed("twadmin", "--generate-keys", "--site-keyfile", self.place / "site.key",
                  "--local-keyfile", self.place / "local.key", "--site-passphrase", "bench",
                  "--local-passphrase", "bench")
            timed("twadmin", "--create-cfgfile", "--cfgfile", self.config, "--site-keyfile",
                  self.place / "site.key", "--site-passphrase", "bench", self.place / "cfg")
            timed("twadmin", "--create-polfile", "--cfgfile", self.config, "--site-passphrase",
                  "bench", self.place / "pol")
            self.made = True
        return timed("tripwire", "--init", "--cfgfile", self.config, "--local-passphrase", "bench",
                     "--silent")

    def check(self):
        need("tripwire")
        if not self.made:
            self.init()
        return timed("tripwire", "--check", "--cfgfile", self.config, "--silent",
                     "--no-tty-output")


@contextlib.contextmanager
def samhain(place, directory):
    """Samhain with inotify; yields its log.  Its configuration's place is compiled in."""
    need("samhain")
    place.mkdir()
    own = pathlib.Path("/etc/samhain/samhainrc")
    (place / "rc").write_text(
        f"[ReadOnly]\ndir=99{directory}\n"
        "[Log]\nPrintSeverity=none\nLogSeverity=crit\nMailSeverity=none\nSyslogSeverity=none\n"
        "[Inotify]\nInotifyActive=yes\nInotifyWatches=100000\n"
        "[PortCheck]\nPortCheckActive=no\n[ProcessCheck]\nProcessCheckActive=no\n"
        "[SuidCheck]\nSuidCheckActive=no\n[Mounts]\nMountCheckActive=no\n"
        "[Utmp]\nLoginCheckActive=no\n"
        "[Misc]\nDaemon=no\nSeverityFiles=crit\nSetFilecheckTime=3600\nSetLoopTime=3600\n"
        f"SetDatabasePath={place}/database\nSetLogfilePath={place}/log\n"
        f"SetLockfilePath={place}/lock\n[EOF]\n")
    control("mount", "--bind", place / "rc", own)
    try:
        timed("samhain", "-t", "init", "-p", "none")
        with subprocess.Popen(["samhain", "-t", "check", "--foreground", "--forever", "-p", "none"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                await_true("Samhain's log", (place / "log").exists)
                time.sleep(3)  # it says nowhere when its watches are set
                yield place / "log"
            finally:
                stop(process)
    finally:
        run("umount", own)


def audit_status():
    """Refused where the kernel or the name space lets nobody talk to audit."""
    said = control("auditctl", "-s")
    return dict(line.split(maxsplit=1) for line in said.splitlines() if " " in line)


@contextlib.contextmanager
def auditd(place, directory):
    """auditd with one watch; yields its log.  The kernel has one audit daemon and one set of rules:
    where there is one already, it is left alone."""
    need("auditd")
    before = audit_status()
    if before.get("pid", "0") != "0":
        raise Unavailable(f"this machine's own audit daemon runs (pid {before['pid']})")
    if "No rules" not in control("auditctl", "-l"):
        raise Unavailable("this machine has audit rules of its own")
    place.mkdir(mode=0o700)
    (place / "auditd.conf").write_text(
        "local_events = yes\nwrite_logs = yes\n"
        f"log_file = {place}/audit.log\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\n"
        "max_log_file = 8000\nnum_logs = 2\nmax_log_file_action = ignore\npriority_boost = 4\n"
        "name_format = NONE\nspace_left = 75\nspace_left_action = ignore\n"
        "admin_space_left = 50\nadmin_space_left_action = ignore\ndisk_full_action = ignore\n"
        "disk_error_action = ignore\n")
    with subprocess.Popen(["auditd", "-n", "-c", place], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            time.sleep(1)
            if process.poll() is not None:
                raise Unavailable(f"auditd did not start: {process.stderr.read().strip()[-200:]}")
            control("auditctl", "-b", "8192")
            control("auditctl", "-w", directory, "-p", "wa", "-k", "assay-bench")
            yield place / "audit.log"
        finally:
            control("auditctl", "-D")
            control("auditctl", "-e", before.get("enabled", "0"))
            control("auditctl", "-b", before.get("backlog_limit", "64"))
            stop(process)


@contextlib.contextmanager
def bare_fan(directory, cpu=None):
    """The bare reader; yields nothing, it only costs."""
    pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
    with subprocess.Popen([*pin, BUILD / "bench/bare_fan", directory], stdout=subprocess.PIPE,
                          text=True) as process:
        if process.stdout.readline() != "ready\n":
            raise Unavailable("the kernel refuses a fanotify filesystem mark")
        try:
            yield
        finally:
            stop(process)
