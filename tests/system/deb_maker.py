# SPDX-License-Identifier: Apache-2.0
"""Debian packages for the system tests, by dpkg-deb and by hand, and what is in them by Python."""
import hashlib
import io
import os
import subprocess
import tarfile


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def tree(top, name="sample", version="1.0-1"):
    """A package's directory with every sort of file that dpkg unpacks."""
    (top / "DEBIAN").mkdir(parents=True)
    (top / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDescription: a sample\n of files\n")
    (top / "DEBIAN/conffiles").write_text("/etc/sample.conf\n")
    for script in ("preinst", "postinst", "prerm", "postrm"):
        (top / "DEBIAN" / script).write_text(f"#!/bin/sh\n# {script}\nexit 0\n")
        (top / "DEBIAN" / script).chmod(0o755)
    for path, content, mode in [("usr/bin/sample", b"\x7fELF" + os.urandom(70000), 0o755),
                                ("usr/bin/set-uid", b"x", 0o4755),
                                ("etc/sample.conf", b"a = b\n", 0o640),
                                ("usr/share/empty", b"", 0o644),
                                ("usr/share/" + "d" * 120 + "/" + "f" * 120, b"long\n", 0o644),
                                ("usr/share/a name\twith \u00e4 blank", b"odd\n", 0o644),
                                (os.fsdecode(b"usr/share/\xff"), b"no utf-8\n", 0o644)]:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes(content)
        (top / path).chmod(mode)
    (top / "usr/bin/other").hardlink_to(top / "usr/bin/sample")
    (top / "usr/bin/link").symlink_to("sample")
    (top / "var/mail").mkdir(parents=True)
    (top / "var/mail").chmod(0o2775)
    return top


def build(top, deb, compression="xz"):
    subprocess.run(["dpkg-deb", "--root-owner-group", f"-Z{compression}", "-b", top, deb],
                   check=True, capture_output=True)
    return deb


KINDS = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.LNKTYPE: "file",
         tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "symlink", tarfile.FIFOTYPE: "fifo",
         tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block"}


def plain(name):
    return "/" + name.removeprefix("./").strip("/") if name.strip("./") else "/"


def files(deb):
    """What dpkg-deb unpacks, judged by Python's tarfile and hashlib: the oracle."""
    out = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, capture_output=True)
    found = []
    with tarfile.open(fileobj=io.BytesIO(out.stdout), errors="surrogateescape") as tar:
        for m in tar:
            inode = tar.getmember(m.linkname) if m.islnk() else m
            one = {"path": plain(m.name), "type": KINDS[m.type], "mode": inode.mode,
                   "uid": inode.uid, "gid": inode.gid, "user": inode.uname, "group": inode.gname}
            if one["type"] == "file":
                content = tar.extractfile(m).read()
                one |= {"sha256": sha256(content), "size": len(content)}
            if m.islnk():
                one["link"] = plain(m.linkname)
            if m.issym():
                one["target"] = m.linkname
            found.append(one)
    return found


def control_files(deb):
    out = subprocess.run(["dpkg-deb", "--ctrl-tarfile", deb], check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(out.stdout)) as tar:
        return {plain(m.name)[1:]: sha256(tar.extractfile(m).read()) for m in tar if m.isfile()}


# ---- by hand ----

def ar(*members):
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data
        out += b"\n" * (len(data) % 2)
    return out


def control_tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        data = b"Package: x\nVersion: 1\nArchitecture: all\n"
        info = tarfile.TarInfo("./control")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def by_hand(data, suffix=""):
    """A package around a data.tar that may be anything."""
    return ar(("debian-binary", b"2.0\n"), ("control.tar", control_tar()),
              ("data.tar" + suffix, data))
