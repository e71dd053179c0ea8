# SPDX-License-Identifier: Apache-2.0
"""The job "deb" on packages as dpkg-deb writes them, as an archive has them, and as an attacker
would. What is in a good one is judged by dpkg-deb and Python."""
import base64
import io
import os
import shutil
import subprocess
import tarfile
import zlib

import deb_maker
import job_tool
import pytest

pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")

COMPRESSIONS = ["none", "gzip", "xz", "zstd"]
REAL = ["hello", "tzdata", "perl-base", "base-files", "login"]


def text_of(fact, key):
    if key + "_b64" in fact:
        return os.fsdecode(base64.b64decode(fact[key + "_b64"]))
    return fact.get(key)


def told_files(told):
    """Facts in the oracle's shape."""
    out = []
    for fact in told.of("file"):
        one = {k: v for k, v in fact.items() if k != "fact" and not k.endswith("_b64")}
        for key in ("path", "link", "target", "user", "group"):
            if (value := text_of(fact, key)) is not None:
                one[key] = value
        out.append(one)
    return out


def check_same(deb):
    told = job_tool.run("deb", deb)
    assert (told.failed, told.status) == (None, 0)
    wanted = deb_maker.files(deb)
    found = told_files(told)
    for fact in found:
        fact.pop("major", None), fact.pop("minor", None)
    assert found == wanted
    assert {text_of(f, "name"): f["sha256"] for f in told.of("control")} == \
        deb_maker.control_files(deb)
    last = told.facts[-1]
    assert last == {"fact": "deb", "files": len(wanted), "size": deb.stat().st_size,
                    "sha256": deb_maker.sha256(deb.read_bytes())}
    return told


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_built(tmp_path, compression):
    deb = deb_maker.build(deb_maker.tree(tmp_path / "tree"), tmp_path / "sample.deb", compression)
    told = check_same(deb)
    assert told.of("package") == [{"fact": "package", "package": "sample", "version": "1.0-1",
                                   "architecture": "all"}]
    assert told.of("conffile") == [{"fact": "conffile", "path": "/etc/sample.conf",
                                    "remove": False}]
    paths = {text_of(f, "path"): f for f in told.of("file")}
    # whichever comes second is the link
    assert {"/usr/bin/other", "/usr/bin/sample"} == \
        {text_of(f, k) for f in told.of("file") if "link" in f for k in ("path", "link")}
    assert paths["/usr/bin/other"]["sha256"] == paths["/usr/bin/sample"]["sha256"]


@pytest.mark.parametrize("name", REAL)
def test_real(tmp_path, name):
    got = subprocess.run(["apt-get", "download", name], cwd=tmp_path, capture_output=True,
                         timeout=120)
    debs = list(tmp_path.glob("*.deb"))
    if got.returncode or not debs:
        pytest.skip(f"{name} cannot be downloaded here")
    check_same(debs[0])


# ---- hostile ----

def tar_of(*members, form=tarfile.GNU_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, change in members:
            info = tarfile.TarInfo(name)
            data = b""
            for key, value in change.items():
                if key == "data":
                    data = value
                else:
                    setattr(info, key, value)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def resum(header):
    """A tar header with the checksum of what it has now."""
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


def sparse():
    """GNU's: one byte of data at offset 512 of a file of 513."""
    header = bytearray(tar_of(("./s", {"data": b"x"})))
    header[156:157] = b"S"
    header[386:410] = b"%011o\0%011o\0" % (512, 1)
    header[483:495] = b"%011o\0" % 513
    return resum(header)


HOSTILE = {
    "traversal": (tar_of(("./a/../../etc/passwd", {"data": b"x"})), "", "dots for a directory"),
    "dots at the end": (tar_of(("./a/..", {})), "", "dots for a directory"),
    "hard link out": (tar_of(("./a", {"data": b"x"}),
                             ("./b", {"type": tarfile.LNKTYPE, "linkname": "../../etc/shadow"})),
                      "", "dots for a directory"),
    "hard link to what is not there": (
        tar_of(("./b", {"type": tarfile.LNKTYPE, "linkname": "./etc/shadow"})), "",
        "none before it"),
    "pax name": (tar_of(("./\u00e4", {"data": b"x"}), form=tarfile.PAX_FORMAT), "", ""),
    "pax name with a NUL": (
        tar_of(("./x", {"data": b"x", "pax_headers": {"path": "./a\0b"}}),
               form=tarfile.PAX_FORMAT), "", ""),
    "sparse": (sparse(), "", "entry 1 has holes"),
    "size that is not there": (tar_of(("./x", {"data": b"x" * 100000}))[:50000], "", "data.tar: "),
    "garbage": (os.urandom(4096), "", "data.tar: "),
    "garbage, as xz": (os.urandom(4096), ".xz", "data.tar: "),
    "no compression, as xz": (tar_of(("./x", {})), ".xz", "not compressed as its name says"),
    "gzip twice": (zlib.compress(zlib.compress(tar_of(("./x", {})), wbits=31), wbits=31), ".gz",
                   "not compressed as its name says"),
    "name of 5000 bytes": (tar_of(("./" + "x/" * 2500, {"data": b"x"})), "",
                           "more than 4095 bytes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile(case):
    data, suffix, why = HOSTILE[case]
    told = job_tool.run("deb", deb_maker.by_hand(data, suffix))
    assert told.status == 1 and told.failed and why in told.failed
    assert not told.of("deb")


def test_absolute():
    """dpkg unpacks it below its root all the same."""
    told = job_tool.run("deb", deb_maker.by_hand(tar_of(("/etc/passwd", {"data": b"x"}))))
    assert told.failed is None and told.of("file")[0]["path"] == "/etc/passwd"


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_cut(tmp_path, compression):
    whole = deb_maker.build(deb_maker.tree(tmp_path / "tree"), tmp_path / "x.deb",
                            compression).read_bytes()
    for n in [0, 7, 8, 50, 68, 100, 500, len(whole) // 2, len(whole) - 9000, len(whole) - 2000]:
        if n < 0:
            continue
        told = job_tool.run("deb", whole[:n])
        assert told.status == 1 and told.failed and not told.of("deb")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_flipped(tmp_path, compression):
    """A changed byte may go unseen by a checksum, but never by the hash of the whole."""
    whole = bytearray(deb_maker.build(deb_maker.tree(tmp_path / "tree"), tmp_path / "x.deb",
                                      compression).read_bytes())
    for at in range(8, len(whole), max(1, len(whole) // 40)):
        whole[at] ^= 0x10
        told = job_tool.run("deb", bytes(whole))
        assert told.status == 1 or told.of("deb")[0]["sha256"] == deb_maker.sha256(bytes(whole))
        whole[at] ^= 0x10


def test_million_entries():
    """One header after the other, small when packed: the ceiling is half a million."""
    header = tar_of(("./x", {}))[:512]
    pack = zlib.compressobj(1, wbits=31)
    data = b"".join(pack.compress(header * 1000) for _ in range(1000)) + pack.flush()
    assert len(data) < 8 << 20
    told = job_tool.run("deb", deb_maker.by_hand(data, ".gz"), keep=10)
    assert told.failed == "data.tar: more than 500000 entries"
    assert told.count == 500000 + 2  # control's file and the package


def test_bomb():
    """12 GiB of zeros in one file of 12 MiB: 8 may come out, or the processor time ends it."""
    if os.environ.get("ASSAY_SOAK") != "1":
        pytest.skip("long form only; tests/job/deb_test.c has it with smaller ceilings")
    header = bytearray(tar_of(("./x", {}))[:512])
    header[124:136] = (12 << 30).to_bytes(12, "big")
    header[124] = 0x80  # GNU: binary
    once = zlib.compressobj(9, wbits=31)
    piece = once.compress(bytes(1 << 26)) + once.flush()  # members of gzip may follow each other
    head = zlib.compress(resum(header), wbits=31)
    told = job_tool.run("deb", deb_maker.by_hand(head + piece * 192, ".gz"))
    assert told.failed is not None and not told.of("deb")
    assert "more bytes come out" in told.failed or told.status < 0


def test_control_bomb():
    header = bytearray(tar_of(("./templates", {}))[:512])
    header[124:136] = b"%011o\0" % (300 << 20)
    pack = zlib.compressobj(9, wbits=31)
    data = pack.compress(resum(header))
    data += b"".join(pack.compress(bytes(1 << 20)) for _ in range(301)) + pack.flush()
    told = job_tool.run("deb", deb_maker.ar(("debian-binary", b"2.0\n"), ("control.tar.gz", data),
                                            ("data.tar", tar_of())))
    assert told.failed == "control.tar: unpacking: more bytes come out than may"


def test_memory_bounded(tmp_path):
    """What is read is not kept: a package of 700 MiB passes where 512 MiB may be mapped."""
    if os.environ.get("ASSAY_SOAK") != "1":
        pytest.skip("long form only")
    (tmp_path / "tree/DEBIAN").mkdir(parents=True)
    (tmp_path / "tree/DEBIAN/control").write_text(
        "Package: big\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\n"
        "Description: x\n")
    with open(tmp_path / "tree/big", "wb") as f:
        for _ in range(700):
            f.write(os.urandom(1 << 20))
    deb = deb_maker.build(tmp_path / "tree", tmp_path / "big.deb", "none")
    told = job_tool.run("deb", deb)
    assert told.failed is None and told.of("deb")[0]["size"] == deb.stat().st_size


def test_not_a_file():
    pipe = os.pipe()
    told = job_tool.run("deb", pipe[0])
    assert told.failed == "input is no regular file"
    for fd in pipe:
        os.close(fd)
