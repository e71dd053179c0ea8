# SPDX-License-Identifier: Apache-2.0
"""The 41 attacks of patch_day.py, after what public detection suites look for.

Each is a shell script and the paths of which one has to be alerted.  It runs inside the namespace,
or, with outside, on the same files by another way: {place} is where they lie, {top} a directory
beside them that nobody watches."""
import dataclasses
import os
import sys


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    paths: tuple
    script: str
    outside: bool = False


def appends(name, path, line):
    return Attack(name, (path,), f"echo '{line}' >>{path}")


def writes(name, path, text, mode="644", outside=False):
    top = "{place}" if outside else ""
    return Attack(name, (path,), f"mkdir -p {top}{os.path.dirname(path)}; "
                  f"echo '{text}' >{top}{path}; chmod {mode} {top}{path}", outside)


def python(name, path, code):
    """code has the path in p."""
    quoted = code.replace("'", "'\\''").replace("{", "{{").replace("}", "}}")
    return Attack(name, (path,), f"{sys.executable} -c '{quoted}' {path}")


BIN = "/usr/local/bin"
HEAD = "import sys, os; p = sys.argv[1]; "
MAPPED = HEAD + ("import mmap; f = open(p, 'r+b'); m = mmap.mmap(f.fileno(), 0); "
                 "m[20:24] = b'evil'; m.flush(); m.close()")
SAME_PLACE = HEAD + ("st = os.stat(p); f = open(p, 'r+b'); f.seek(20); f.write(b'evil'); "
                     "f.close(); os.utime(p, ns=(st.st_atime_ns, st.st_mtime_ns))")
AGAIN = HEAD + ("st = os.stat(p); b = open(p, 'rb').read(); os.unlink(p); f = open(p, 'wb'); "
                "f.write(b[:20] + b'evil' + b[24:]); f.close(); os.chmod(p, st.st_mode & 0o7777); "
                "os.utime(p, ns=(st.st_atime_ns, st.st_mtime_ns))")
TMPFILE = HEAD + ("d = os.path.dirname(p); fd = os.open(d, os.O_TMPFILE | os.O_WRONLY, 0o644); "
                  "os.write(fd, b'* * * * * root /tmp/x\\n'); "
                  "os.link(f'/proc/self/fd/{fd}', p, src_dir_fd=fd, follow_symlinks=True)")
EXCHANGE = HEAD + ("import ctypes; c = ctypes.CDLL(None); q = p[:-1] + '3'; "
                   "r = c.renameat2(-100, p.encode(), -100, q.encode(), 2); sys.exit(r != 0)")
URING = os.path.join(os.environ.get("ASSAY_BIN", ""), "..", "tests/system/helpers/uring_write")

ATTACKS = [
    appends("SSH key of an administrator", "/home/admin/.ssh/authorized_keys",
            "ssh-ed25519 AAAA x"),
    writes("SSH key in a second file", "/home/admin/.ssh/authorized_keys2", "ssh-ed25519 AAAA x"),
    appends("sshd_config: root may log in", "/etc/ssh/sshd_config", "PermitRootLogin yes"),
    writes("sshd_config.d: a file of its own", "/etc/ssh/sshd_config.d/0.conf",
           "PermitRootLogin yes"),
    writes("cron.d: a job", "/etc/cron.d/x", "* * * * * root /tmp/x"),
    appends("dpkg: what root runs at the next upgrade", "/var/lib/dpkg/info/hello.postinst",
            "echo evil >/etc/cron.d/evil"),
    appends("crontab: a line", "/etc/crontab", "* * * * * root /tmp/x"),
    writes("crontab of root", "/var/spool/cron/crontabs/root", "* * * * * /tmp/x", "600"),
    writes("cron.daily: a script", "/etc/cron.daily/x", "#!/bin/sh", "755"),
    writes("sudoers.d: without a password", "/etc/sudoers.d/x",
           "admin ALL=(ALL) NOPASSWD: ALL", "440"),
    appends("sudoers: a line", "/etc/sudoers", "admin ALL=(ALL) NOPASSWD: ALL"),
    writes("ld.so.preload", "/etc/ld.so.preload", "# /usr/local/lib/x.so"),
    writes("ld.so.conf.d: a directory", "/etc/ld.so.conf.d/0.conf", "/tmp/lib"),
    appends("PAM: everybody is let in", "/etc/pam.d/common-auth", "auth sufficient pam_permit.so"),
    writes("PAM: a service of its own", "/etc/pam.d/x", "auth sufficient pam_permit.so"),
    writes("systemd: a unit", "/etc/systemd/system/x.service", "[Service]"),
    writes("systemd: a drop-in", "/etc/systemd/system/ssh.service.d/x.conf", "[Service]"),
    Attack("systemd: a unit enabled", ("/etc/systemd/system/multi-user.target.wants/x.service",),
           "ln -s /tmp/x.service /etc/systemd/system/multi-user.target.wants/x.service"),
    writes("systemd: a user's unit", "/home/admin/.config/systemd/user/x.service", "[Service]"),
    Attack("SUID: a copy of a shell", (f"{BIN}/.x",), f"cp /bin/sh {BIN}/.x; chmod 4755 {BIN}/.x"),
    Attack("SUID: on a program that is there", (f"{BIN}/tool1",), f"chmod u+s {BIN}/tool1"),
    Attack("capability on a program", (f"{BIN}/tool2",), f"setcap cap_setuid+ep {BIN}/tool2"),
    Attack("access list on shadow", ("/etc/shadow",), "setfacl -m u:65534:r /etc/shadow"),
    Attack("write by a hard link elsewhere", (f"{BIN}/tool3",),
           "ln {place}/usr/local/bin/tool3 {top}/hl; echo evil >>{top}/hl", outside=True),
    Attack("write by a bind mount", (f"{BIN}/tool4",),
           f"unshare -m sh -euc 'mount --bind {BIN} /mnt; echo evil >>/mnt/tool4'"),
    writes("write from another mount namespace", "/etc/profile.d/x.sh", "evil", outside=True),
    Attack("timestomping", (f"{BIN}/tool5",), f"touch -d 2001-01-01 {BIN}/tool5"),
    Attack("program replaced, same size and times", (f"{BIN}/tool6",),
           f"sed s/echo/evil/ {BIN}/tool6 >{BIN}/.n; chmod 755 {BIN}/.n; "
           f"touch -r {BIN}/tool6 {BIN}/.n; mv {BIN}/.n {BIN}/tool6"),
    python("content changed in place, times put back", f"{BIN}/tool7", SAME_PLACE),
    python("mapped write", f"{BIN}/tool8", MAPPED),
    Attack("io_uring write", (f"{BIN}/tool9",), f"{URING} {BIN}/tool9 evil"),
    python("deleted and made again, same size and times", f"{BIN}/tool11", AGAIN),
    Attack("program deleted", (f"{BIN}/tool12",), f"rm {BIN}/tool12"),
    python("two programs exchanged", f"{BIN}/tool14", EXCHANGE),
    python("made without a name, then linked", "/etc/cron.d/tmpfile", TMPFILE),
    appends("second root in passwd", "/etc/passwd", "toor:x:0:0::/root:/bin/sh"),
    Attack("password of root in shadow", ("/etc/shadow",),
           "sed -i s/^root:[^:]*/root:x/ /etc/shadow"),
    appends("hosts: another address", "/etc/hosts", "192.0.2.1 deb.example.org"),
    writes("apt: a source", "/etc/apt/sources.list.d/x.list", "# deb"),
    writes("web shell beside what was deployed", "/srv/www/srv/shell.php", "<?php"),
    appends("what ansible manages, by hand", "/etc/app.d/main.conf", "workers = 0"),
]
