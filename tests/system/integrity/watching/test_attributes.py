# SPDX-License-Identifier: Apache-2.0
"""Every attribute of a file: told when it changes, with its value before and now, by what Debian's
own tools set and show."""
import hashlib
import os
import pathlib
import subprocess
import tempfile

import pytest

from sensor_host import BIN, Host

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="fanotify needs root")


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True,
                          text=True).stdout


@pytest.fixture
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-attr-") as name:
        h = Host(pathlib.Path(name))
        (h.tree / "file").write_text("content")
        (h.tree / "dir").mkdir()
        h.start()
        yield h
        h.stop()


def acl(path, *options):
    """What getfacl says, on one line."""
    return ",".join(run("getfacl", "-cnE", *options, path).split())


def log_line(host, path, kind="attributes"):
    out = run(BIN / "assay", "log", "--state", host.state, "--path", path, "--kind",
              "integrity.change", "--limit", "0")
    return [x for x in out.splitlines() if kind in x][-1]


def test_access_list(host):
    path = host.tree / "file"
    run("setfacl", "-m", "u:1000:rw,g:5:r", path)
    what = host.seen(path, "attributes")["what"]
    assert what["new_acl"] == acl(path) and "user:1000:rw-" in what["new_acl"]
    assert "old_acl" not in what and "old_unknown" not in what
    assert "acl none→user::rw-,user:1000:rw-" in log_line(host, path)
    before = acl(path)
    run("setfacl", "-x", "u:1000", path)
    what = host.seen(path, "attributes", 2)["what"]
    assert (what["old_acl"], what["new_acl"]) == (before, acl(path))
    run("setfacl", "-b", path)
    what = host.seen(path, "attributes", 3)["what"]
    assert "new_acl" not in what and "acl" in what["differs"]
    assert "→none" in log_line(host, path)


def test_default_list_and_what_it_does_to_new_files(host):
    directory = host.tree / "dir"
    run("setfacl", "-d", "-m", "u:1000:rwx", directory)
    what = host.seen(directory, "attributes")["what"]
    assert what["differs"] == ["acl_default"]
    assert what["new_acl_default"] == acl(directory, "-d")
    (directory / "new").write_text("x")
    what = host.seen(directory / "new", "created")["what"]
    assert what["new_acl"] == acl(directory / "new")


def test_capabilities(host):
    path = host.tree / "file"
    run("setcap", "cap_net_raw,cap_net_admin=ep", path)
    what = host.seen(path, "attributes")["what"]
    assert what["differs"] == ["caps"]
    assert run("getcap", path).split(" ", 1)[1].strip() == what["new_caps"]
    run("setcap", "cap_net_raw=p", path)
    what = host.seen(path, "attributes", 2)["what"]
    assert (what["old_caps"], what["new_caps"]) == ("cap_net_admin,cap_net_raw=ep",
                                                    "cap_net_raw=p")
    assert "capabilities cap_net_admin,cap_net_raw=ep→cap_net_raw=p" in log_line(host, path)
    # Writing to it takes them away, and that is told beside the content.
    path.write_text("other content")
    host.quiet()
    assert any("caps" in e["what"].get("differs", []) and "new_caps" not in e["what"]
               for e in host.of(path))


def test_capabilities_in_a_user_namespace(host):
    path = host.tree / "file"
    run("setcap", "-n", "100000", "cap_net_raw=ep", path)
    assert host.seen(path, "attributes")["what"]["new_caps"] == "cap_net_raw=ep root=100000"


def test_inode_flags(host):
    """They make no event: the rescan after a restart finds them, and the quarter-hourly one."""
    path = host.tree / "file"
    run("chattr", "+i", path)
    try:
        host.end(host.sensor)
        host.start_sensor()
        what = host.seen(path, "attributes")["what"]
        assert what["differs"] == ["flags"]
        assert (what["old_flags"], what["new_flags"]) == ([], ["immutable"])
    finally:
        run("chattr", "-i", path)


def test_label(host):
    """Without SELinux the kernel keeps a label as it is given."""
    path = host.tree / "file"
    label = b"system_u:object_r:etc_t:s0\x00"
    os.setxattr(path, "security.selinux", label)
    what = host.seen(path, "attributes")["what"]
    assert what["differs"] == ["label"] and what["new_label"] == label[:-1].decode()


def test_which_attribute(host):
    path = host.tree / "file"
    os.setxattr(path, "user.one", b"1")
    host.seen(path, "attributes")
    os.setxattr(path, "user.two", b"2")
    what = host.seen(path, "attributes", 2)["what"]
    assert what["new_xattrs"] == [["user.two", hashlib.sha256(b"2").hexdigest()]]
    assert "old_xattrs" not in what
    os.setxattr(path, "user.one", b"one")
    what = host.seen(path, "attributes", 3)["what"]
    assert what["old_xattrs"] == [["user.one", hashlib.sha256(b"1").hexdigest()]]
    assert what["new_xattrs"] == [["user.one", hashlib.sha256(b"one").hexdigest()]]
    assert "xattrs user.one changed" in log_line(host, path)
    os.removexattr(path, "user.two")
    what = host.seen(path, "attributes", 4)["what"]
    assert what["old_xattrs"] == [["user.two", hashlib.sha256(b"2").hexdigest()]]
    assert "new_xattrs" not in what


def test_hostile_names_and_values(host):
    path = host.tree / "file"
    os.setxattr(path, b"user.\xff\n\x1b[2J", b"\x00" * 1000)
    what = host.seen(path, "attributes")["what"]
    assert what["new_xattrs"] == [["user.\\xff\\x0a\\x1b[2J",
                                   hashlib.sha256(b"\x00" * 1000).hexdigest()]]
    assert "\x1b" not in log_line(host, path)


def test_of_a_symbolic_link(host):
    """Its own attributes, never its target's."""
    os.setxattr(host.tree / "file", "user.a", b"target's")
    host.seen(host.tree / "file", "attributes")
    link = host.tree / "link"
    link.symlink_to("file")
    what = host.seen(link, "created")["what"]
    assert "new_xattrs" not in what and ["acl", "unsupported"] in what["new_unknown"]
    os.setxattr(link, "trusted.a", b"link's", follow_symlinks=False)
    what = host.seen(link, "attributes")["what"]
    assert what["new_xattrs"] == [["trusted.a", hashlib.sha256(b"link's").hexdigest()]]


def test_a_filesystem_without_any(host):
    """ramfs has no attributes: that is said, never left blank."""
    where = host.tree / "dir"
    host.end(host.sensor)
    run("mount", "-t", "ramfs", "assay-test", where)
    try:
        (where / "file").write_text("x")
        host.start_sensor()
        what = host.seen(where / "file", "created")["what"]
        assert what["new_fstype"] == "ramfs"
        for part in ("acl", "acl_default", "caps", "label", "xattrs", "flags"):
            assert [part, "unsupported"] in what["new_unknown"]
    finally:
        host.end(host.sensor)
        run("umount", where)


def test_filesystem_type(host):
    (host.tree / "new").write_text("x")
    what = host.seen(host.tree / "new", "created")["what"]
    assert what["new_fstype"] == run("findmnt", "-no", "FSTYPE", "-T", host.tree).strip()


def test_more_than_an_entry_holds(host):
    """On tmpfs a user may set thousands of attributes and a target may be all control characters:
    the change is told, and the sensor lives."""
    where = host.tree / "dir"
    run("mount", "-t", "tmpfs", "assay-test", where)
    try:
        host.end(host.sensor)
        host.start_sensor()
        path = where / "many"
        path.write_text("x")
        host.seen(path, "created")
        for i in range(100):
            os.setxattr(path, f"trusted.{i}-{'x' * 200}", b"v")
        host.wait(lambda: any(e["what"].get("new_xattrs", [[""]])[0][0] == "100 attributes"
                              for e in host.of(path, "attributes")), "the many attributes")
        for i in range(100, 400):  # beyond what the kernel lists at all
            os.setxattr(path, f"trusted.{i}-{'x' * 200}", b"v")
        host.wait(lambda: any(["xattrs", "unreadable"] in e["what"].get("new_unknown", [])
                              for e in host.of(path)), "too many of them")
        link = os.path.join(bytes(where), b"\x01" * 200)
        os.symlink(b"\x02" * 4000, link)
        host.seen(link, "created")
        os.unlink(link)
        os.symlink(b"\x03" * 4000, link)
        host.wait(lambda: any("new_target" in e["what"] and "\x03" in e["what"]["new_target"]
                              for e in host.of(link)), "the other link")
        assert host.of(link)[-1]["what"]["new_target"].endswith(
            "...sha256:" + hashlib.sha256(b"\x03" * 4000).hexdigest())
    finally:
        host.end(host.sensor)
        run("umount", where)
