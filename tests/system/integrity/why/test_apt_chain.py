# SPDX-License-Identifier: Apache-2.0
"""The chain of a package, on repositories made by apt-ftparchive, signed by throw-away keys and
fetched by apt from files and from a server on this machine; then with one link broken at a time."""
import functools
import gzip
import http.server
import lzma
import os
import pathlib
import shutil
import subprocess
import threading
import time

import deb_maker
import pytest
from assay_tool import BIN
from gpg_tool import Gpg

PROBE = BIN.parent / "tests" / "integrity" / "apt_probe"
NEEDED = ["apt-get", "apt-ftparchive", "gpg", "gpgv", "dpkg-deb"]

pytestmark = [
    pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED), reason=f"not all of {NEEDED}"),
    pytest.mark.skipif(not PROBE.exists(), reason="the build has no apt_probe"),
]

SUITE = "test_suite/stable"  # an underscore and a slash, as apt escapes them


@pytest.fixture(scope="module")
def gpg():
    g = Gpg()
    g.good = g.new_key("Archive <archive@example.org>")
    g.other = g.new_key("Other <other@example.org>")
    g.gone = g.new_key("Gone <gone@example.org>")
    yield g
    g.close()


@pytest.fixture(scope="module")
def debs(tmp_path_factory):
    top = tmp_path_factory.mktemp("debs")
    return [deb_maker.build(deb_maker.tree(top / name, name), top / f"{name}_1.0-1_all.deb", "gzip")
            for name in ("first", "second", "evil")]


def run(*command, cwd):
    return subprocess.run([str(c) for c in command], cwd=cwd, check=True,
                          capture_output=True).stdout


class Repository:
    """first and second are in it; evil is not."""

    def __init__(self, top, debs):
        self.top = top
        self.dist = top / "dists" / SUITE
        index = self.dist / "main/binary-all"
        index.mkdir(parents=True)
        (top / "pool").mkdir()
        (top / "flat").mkdir()
        for deb in debs[:2]:
            shutil.copy(deb, top / "pool")
            shutil.copy(deb, top / "flat")
        (index / "Packages").write_bytes(run("apt-ftparchive", "packages", "pool", cwd=top))
        (index / "Packages.xz").write_bytes(lzma.compress((index / "Packages").read_bytes()))
        (top / "flat/Packages").write_bytes(run("apt-ftparchive", "packages", ".",
                                                cwd=top / "flat"))

    def release(self, where=None, **fields):
        options = {"Suite": SUITE, "Codename": "sample", "Architectures": "all",
                   "Components": "main", **fields}
        given = [f"-oAPT::FTPArchive::Release::{k}={v}" for k, v in options.items()]
        return run("apt-ftparchive", *given, "release", ".", cwd=where or self.dist)

    def sign(self, gpg, *options, **fields):
        text = self.release(**fields)
        (self.dist / "Release").write_bytes(text)
        (self.dist / "InRelease").write_bytes(gpg.clear_sign(text, *options))

    def sign_flat(self, gpg, *options):
        text = self.release(self.top / "flat")
        (self.top / "flat/Release").write_bytes(text)
        (self.top / "flat/Release.gpg").write_bytes(gpg.detach_sign(text, *options))


class Host:
    """A machine's /etc/apt and /var/lib/apt/lists."""

    def __init__(self, top):
        self.etc, self.lists = top / "etc", top / "lists"
        (self.lists / "partial").mkdir(parents=True)
        for sub in ("sources.list.d", "trusted.gpg.d", "preferences.d"):
            (self.etc / sub).mkdir(parents=True)
        for sub in ("state", "cache/archives/partial"):
            (top / sub).mkdir(parents=True)
        (top / "state/status").touch()
        self.config = top / "apt.conf"
        self.config.write_text("".join(f'{k} "{v}";\n' for k, v in {
            "Dir": top, "Dir::State": "state", "Dir::State::lists": self.lists,
            "Dir::State::status": top / "state/status", "Dir::Cache": "cache", "Dir::Etc": "etc",
            "Dir::Etc::sourcelist": "sources.list", "Dir::Etc::sourceparts": "sources.list.d",
            "Dir::Etc::trusted": "trusted.gpg", "Dir::Etc::trustedparts": "trusted.gpg.d",
            "Dir::Etc::parts": "preferences.d", "APT::Architecture": "amd64",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root"}.items()))

    def source(self, text, name="sources.list"):
        (self.etc / name).write_text(text)

    def update(self, *options):
        env = {**os.environ, "APT_CONFIG": str(self.config)}
        return subprocess.run(["apt-get", "update", *options], env=env, capture_output=True,
                              timeout=60)

    def find(self, end):
        found = list(self.lists.glob("*" + end.replace("[", "[[]")))
        assert len(found) == 1, (end, os.listdir(self.lists))
        return found[0]

    def chain(self, *files, now=None, inside=()):
        """One dict for each package file."""
        hashes = [deb_maker.sha256(pathlib.Path(f).read_bytes()) for f in files]
        done = subprocess.run([PROBE, BIN / "assay-job", self.etc, self.lists,
                               str(int(now or time.time())), *inside, *hashes],
                              capture_output=True, timeout=120, check=True)
        out = []
        for line in done.stdout.decode().splitlines():
            words, _, why = line.partition(" why=")
            status, reason, *rest = words.split(" ")
            out.append({"status": status, "reason": reason, "why": why,
                        **dict(w.split("=", 1) for w in rest)})
        assert len(out) == len(files)
        return out


@pytest.fixture
def repository(tmp_path, debs):
    return Repository(tmp_path / "repository", debs)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path / "host")


@pytest.fixture
def fetched(repository, host, gpg):
    """A host that has fetched a good repository; the key is in its trusted.gpg.d."""
    (host.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.good))
    host.source(f"deb file://{repository.top} {SUITE} main\n")
    repository.sign(gpg, "-u", gpg.good)
    assert host.update().returncode == 0
    return host


def check_good(result, gpg, package="first"):
    assert (result["status"], result["reason"], result["signature"]) == \
        ("signed", "holds", "good"), result
    assert result["fingerprint"] == result["key"] == gpg.good
    assert (result["package"], result["version"]) == (package, "1.0-1")


# ---- chains that hold ----

def test_file(fetched, debs, gpg):
    first, second, evil = fetched.chain(*debs)
    check_good(first, gpg)
    check_good(second, gpg, "second")
    assert (first["suite"], first["codename"]) == (SUITE, "sample")
    assert abs(int(first["date"]) - time.time()) < 3600 and first["valid_until"] == "0"
    assert (evil["status"], evil["reason"]) == ("unknown", "not_listed")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def server(repository):
    handler = functools.partial(Quiet, directory=repository.top)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as s:
        thread = threading.Thread(target=s.serve_forever)
        thread.start()
        yield f"127.0.0.1:{s.server_address[1]}"
        s.shutdown()
        thread.join()


def test_http_flat_and_passwords(repository, host, server, debs, gpg, tmp_path):
    """Over HTTP with a password in the URI; flat with a detached signature; a keyring each."""
    (tmp_path / "k.gpg").write_bytes(gpg.export(gpg.good))
    (tmp_path / "k.asc").write_bytes(gpg.export(gpg.good, armor=True))
    repository.sign(gpg, "-u", gpg.good)
    repository.sign_flat(gpg, "-u", gpg.good)
    host.source(f"deb [signed-by={tmp_path}/k.gpg] http://user:secret@{server}/ {SUITE} main\n")
    host.update()
    check_good(host.chain(debs[0])[0], gpg)
    host.source(f"deb [ signed-by={tmp_path}/k.asc ] http://{server} flat/\n")
    for f in host.lists.glob("*_*"):
        f.unlink()
    host.update()
    assert host.find("_flat_Release.gpg")
    check_good(host.chain(debs[1])[0], gpg, "second")


def test_key_in_sources(repository, host, debs, gpg):
    key = gpg.export(gpg.good, armor=True).decode()
    lines = "".join(f" {line or '.'}\n" for line in key.splitlines())
    host.source(f"Types: deb\nURIs: file:{repository.top}\nSuites: {SUITE}\nComponents: main\n"
                f"Signed-By:\n{lines}", "sources.list.d/sample.sources")
    repository.sign(gpg, "-u", gpg.good)
    assert host.update().returncode == 0
    check_good(host.chain(debs[0])[0], gpg)


@pytest.mark.parametrize("form", ["archive.asc", "two"])
def test_trusted_keys(fetched, debs, gpg, form):
    """All keyrings of trusted.gpg.d count, armoured ones too, whichever has the key."""
    (fetched.etc / "trusted.gpg.d/archive.gpg").unlink()
    if form == "two":
        (fetched.etc / "trusted.gpg.d/a.gpg").write_bytes(gpg.export(gpg.other))
        (fetched.etc / "trusted.gpg").write_bytes(gpg.export(gpg.good))
    else:
        (fetched.etc / "trusted.gpg.d" / form).write_bytes(gpg.export(gpg.good, armor=True))
    check_good(fetched.chain(debs[0])[0], gpg)


def packed_by(*command):
    def pack(data):
        return subprocess.run(command, input=data, check=True, capture_output=True).stdout
    return pack


PACKERS = {"": bytes, ".xz": lzma.compress, ".gz": gzip.compress,
           ".zst": packed_by("zstd", "-q", "-c"), ".lz4": packed_by("lz4", "-q", "-c"),
           ".bz2": packed_by("bzip2", "-c")}


def index_text(host):
    path = next(p for p in host.lists.iterdir() if "_Packages" in p.name)
    if path.suffix == ".lz4":
        return path, packed_by("lz4", "-q", "-d", "-c")(path.read_bytes())
    return path, path.read_bytes()


@pytest.mark.parametrize("suffix", PACKERS)
def test_compression(fetched, debs, gpg, suffix):
    """apt keeps an index as it likes: what counts is its text."""
    path, text = index_text(fetched)
    path.unlink()
    try:
        (fetched.lists / (path.name.split("_Packages")[0] + "_Packages" + suffix)).write_bytes(
            PACKERS[suffix](text))
    except FileNotFoundError as e:
        pytest.skip(f"{e.filename} is not installed")
    check_good(fetched.chain(debs[0])[0], gpg)


def test_several_signatures(repository, host, debs, gpg):
    """One known key is enough, as for apt; the unknown one beside it does no harm."""
    (host.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.good))
    host.source(f"deb file://{repository.top} {SUITE} main\n")
    repository.sign(gpg, "-u", gpg.other, "-u", gpg.good)
    host.update()
    check_good(host.chain(debs[0])[0], gpg)


def test_from_the_sensor(fetched, debs, gpg):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    check_good(fetched.chain(debs[0], inside=["sensor"])[0], gpg)


def test_this_machine(tmp_path):
    """Its own lists, keys and a package as its archive has it."""
    lists = pathlib.Path("/var/lib/apt/lists")
    if not list(lists.glob("*_InRelease")) or not list(lists.glob("*_Packages*")):
        pytest.skip("this machine has no lists of a signed repository")
    subprocess.run(["apt-get", "download", "hello"], cwd=tmp_path, capture_output=True, timeout=120)
    debs = list(tmp_path.glob("*.deb"))
    if not debs:
        pytest.skip("no package can be downloaded here")
    real = Host(tmp_path / "host")
    real.etc, real.lists = pathlib.Path("/etc/apt"), lists
    result = real.chain(debs[0])[0]
    assert (result["status"], result["package"]) == ("signed", "hello"), result


# ---- repositories that nobody signs ----

def test_trusted_without_release(repository, host, debs):
    host.source(f"deb [trusted=yes] file:{repository.top}/flat ./\n")
    host.update()
    result = host.chain(debs[0])[0]
    assert (result["status"], result["reason"], result["trusted"], result["package"]) == \
        ("unsigned", "no_release", "1", "first")


def test_trusted_with_release(repository, host, debs):
    (repository.dist / "Release").write_bytes(repository.release())
    host.source(f"deb [trusted=yes] file:{repository.top} {SUITE} main\n")
    host.update()
    result = host.chain(debs[0])[0]
    assert (result["status"], result["reason"], result["trusted"]) == \
        ("unsigned", "no_signature", "1")


def test_trusted_but_signed(repository, host, debs, gpg):
    """That apt would not care does not make a good chain worse."""
    (host.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.good))
    host.source(f"deb [trusted=yes] file:{repository.top} {SUITE} main\n")
    repository.sign(gpg, "-u", gpg.good)
    host.update()
    result = host.chain(debs[0])[0]
    check_good(result, gpg)
    assert result["trusted"] == "1"


def test_signed_elsewhere(repository, host, debs, gpg):
    """In two repositories: the one that vouches for it counts, wherever it stands."""
    (host.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.good))
    host.source(f"deb [trusted=yes] file:{repository.top}/flat ./\n"
                f"deb file:{repository.top} {SUITE} main\n")
    repository.sign(gpg, "-u", gpg.good)
    host.update()
    check_good(host.chain(debs[0])[0], gpg)


# ---- one link broken ----

def judged(host, deb, **more):
    r = host.chain(deb, **more)[0]
    return r["status"], r["reason"], r["signature"]


def test_changed_release(fetched, debs):
    path = fetched.find("_InRelease")
    path.write_bytes(path.read_bytes().replace(b"Codename: sample", b"Codename: simple"))
    assert judged(fetched, debs[0]) == ("unsigned", "bad_signature", "bad")


def test_cut_release(fetched, debs):
    path = fetched.find("_InRelease")
    whole = path.read_bytes()
    for n in (0, 40, len(whole) // 2, whole.index(b"-----BEGIN PGP SIGNATURE")):
        path.write_bytes(whole[:n])
        assert judged(fetched, debs[0])[0] != "signed"


def test_text_around_the_signed(fetched, debs, gpg):
    """Unsigned words before and behind it are not read."""
    path = fetched.find("_InRelease")
    path.write_bytes(b"Suite: evil\n\n" + path.read_bytes() + b"\nSuite: evil\n")
    result = fetched.chain(debs[0])[0]
    check_good(result, gpg)
    assert result["suite"] == SUITE


def test_two_texts(fetched, debs, gpg, repository):
    path = fetched.find("_InRelease")
    path.write_bytes(path.read_bytes() * 2)
    assert judged(fetched, debs[0]) == ("unsigned", "bad_signature", "bad")


def test_planted_in_the_index(fetched, debs):
    """A package's paragraph added to the index: the Release has another hash for it."""
    path, text = index_text(fetched)
    entry = (f"\nPackage: evil\nVersion: 1.0-1\nArchitecture: all\n"
             f"SHA256: {deb_maker.sha256(debs[2].read_bytes())}\n")
    path.unlink()
    (fetched.lists / (path.name.removesuffix(".lz4"))).write_bytes(text + entry.encode())
    assert judged(fetched, debs[2]) == ("unsigned", "index_changed", "good")
    assert judged(fetched, debs[0]) == ("unsigned", "index_changed", "good")


def test_index_of_another_release(fetched, debs, repository, gpg):
    """An old index beside a new Release: replayed."""
    old = fetched.find("_Packages*")
    kept = old.read_bytes()
    shutil.copy(debs[2], repository.top / "pool")
    index = repository.dist / "main/binary-all/Packages"
    index.write_bytes(run("apt-ftparchive", "packages", "pool", cwd=repository.top))
    (index.parent / "Packages.xz").write_bytes(lzma.compress(index.read_bytes()))
    repository.sign(gpg, "-u", gpg.good)
    fetched.update()
    check_good(fetched.chain(debs[2])[0], gpg, "evil")
    fetched.find("_Packages*").write_bytes(kept)
    assert judged(fetched, debs[0]) == ("unsigned", "index_changed", "good")


def test_changed_package(fetched, debs, tmp_path):
    changed = tmp_path / "x.deb"
    changed.write_bytes(debs[0].read_bytes()[:-1] + b"\x55")
    assert judged(fetched, changed) == ("unknown", "not_listed", "none")


def test_cut_index(fetched, debs):
    path = fetched.find("_Packages*")
    path.write_bytes(path.read_bytes()[:-20])
    result = fetched.chain(debs[0])[0]
    assert result["status"] in ("unknown", "unsigned") and result["reason"] != "holds"


def test_index_that_cannot_be_read(fetched, debs):
    path = fetched.find("_Packages*")
    (fetched.lists / (path.name.split("_Packages")[0] + "_Packages.xz")).write_bytes(b"no xz")
    path.unlink()
    result = fetched.chain(debs[0])[0]
    assert (result["status"], result["reason"]) == ("unknown", "failed") and result["why"]


@pytest.mark.parametrize("gone", ["_InRelease", "_Packages*"])
def test_file_gone(fetched, debs, gone):
    fetched.find(gone).unlink()
    assert judged(fetched, debs[0])[0] != "signed"


def test_unknown_key(fetched, debs, gpg):
    (fetched.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.other))
    assert judged(fetched, debs[0]) == ("unknown", "no_key", "no_key")


def test_no_keyring(fetched, debs):
    (fetched.etc / "trusted.gpg.d/archive.gpg").unlink()
    assert judged(fetched, debs[0]) == ("unknown", "no_key", "no_key")


def test_damaged_keyring(fetched, debs):
    (fetched.etc / "trusted.gpg.d/b.asc").write_bytes(b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n=")
    result = fetched.chain(debs[0])[0]
    assert (result["status"], result["reason"]) == ("unknown", "failed")
    assert "keyring" in result["why"]


def test_key_of_another_source(fetched, debs, gpg, repository, tmp_path):
    """A key that apt trusts for everything else does not sign for this one."""
    (tmp_path / "k.gpg").write_bytes(gpg.export(gpg.other))
    fetched.source(f"deb [signed-by={tmp_path}/k.gpg] file://{repository.top} {SUITE} main\n")
    assert judged(fetched, debs[0]) == ("unknown", "no_key", "no_key")


def test_doubted_key(fetched, debs, gpg, tmp_path):
    """A keyring that somebody changed is left out; the others count."""
    evil = fetched.etc / "trusted.gpg.d/evil.gpg"
    evil.write_bytes(gpg.export(gpg.other))
    check_good(fetched.chain(debs[0], inside=[f"doubted={evil}"])[0], gpg)
    good = fetched.etc / "trusted.gpg.d/archive.gpg"
    result, = fetched.chain(debs[0], inside=[f"doubted={good}"])
    assert (result["status"], result["reason"]) == ("unknown", "no_key")
    assert result["why"] == \
        "trusted.gpg.d/archive.gpg was changed, and nothing explains that", result


@pytest.mark.parametrize("where", ["beside", "elsewhere", "inside"])
def test_doubted_source(fetched, debs, gpg, repository, tmp_path, where):
    """A file of sources that somebody changed names no key that nobody watches, and has none."""
    source = fetched.etc / "sources.list.d/x.sources"
    fetched.source("")
    place = {"beside": fetched.etc / "k.gpg", "elsewhere": tmp_path / "k.gpg"}.get(where)
    if place:
        place.write_bytes(gpg.export(gpg.good))
        key = f" {place}"
    else:
        text = gpg.export(gpg.good, armor=True).decode()
        key = "".join(f"\n {line or '.'}" for line in text.splitlines())
    source.write_text(f"Types: deb\nURIs: file:{repository.top}\nSuites: {SUITE}\n"
                      f"Components: main\nSigned-By:{key}\n")
    check_good(fetched.chain(debs[0])[0], gpg)
    result, = fetched.chain(debs[0], inside=[f"doubted={source}"])
    if where == "beside":
        check_good(result, gpg)
    else:
        assert (result["status"], result["reason"]) == ("unknown", "no_key"), result
        assert "nothing explains that" in result["why"], result


@pytest.mark.parametrize("who,want", [
    ("other", ("unsigned", "other_key", "good")), ("good", ("signed", "holds", "good"))])
def test_named_key(fetched, debs, gpg, repository, who, want):
    (fetched.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.good, gpg.other))
    key = getattr(gpg, who)
    fetched.source(f"deb [signed-by={key}] file://{repository.top} {SUITE} main\n")
    assert judged(fetched, debs[0]) == want


def test_no_source(fetched, debs):
    fetched.source("# nothing\n")
    assert judged(fetched, debs[0]) == ("unknown", "no_source", "none")


def test_sources_that_cannot_be_read(fetched, debs):
    fetched.source("Types deb\n", "sources.list.d/bad.sources")
    assert judged(fetched, debs[0])[0] == "signed"  # another's damage
    assert judged(fetched, debs[2])[:2] == ("unknown", "failed")  # but it may have been there


def resign(host, gpg, text, *options):
    host.find("_InRelease").write_bytes(gpg.clear_sign(text, *options))


def test_expired_signature(fetched, debs, gpg, repository):
    resign(fetched, gpg, repository.release(), "-u", gpg.good, "--default-sig-expire", "seconds=1")
    time.sleep(2)
    assert judged(fetched, debs[0]) == ("unsigned", "bad_signature", "expired")


def test_weak_signature(fetched, debs, gpg, repository):
    resign(fetched, gpg, repository.release(), "-u", gpg.good, "--digest-algo", "SHA1")
    assert judged(fetched, debs[0]) == ("unsigned", "bad_signature", "weak")


def test_revoked_key(fetched, debs, gpg, repository):
    resign(fetched, gpg, repository.release(), "-u", gpg.gone)
    (fetched.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.gone))
    assert judged(fetched, debs[0])[0] == "signed"
    gpg.revoke(gpg.gone)
    (fetched.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.gone))
    assert judged(fetched, debs[0]) == ("unsigned", "bad_signature", "key_revoked")


def test_release_over(repository, host, debs, gpg):
    """Valid-Until is over: still who signed it, but said."""
    (host.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.good))
    host.source(f"deb file://{repository.top} {SUITE} main\n")
    now = time.time()
    repository.sign(gpg, "-u", gpg.good, ValidTime="3600")
    host.update()
    before, = host.chain(debs[0], now=now)
    after, = host.chain(debs[0], now=now + 7200)
    check_good(before, gpg)
    check_good(after, gpg)
    assert (before["expired"], after["expired"]) == ("0", "1")
    assert abs(int(before["valid_until"]) - now - 3600) < 60


def test_signature_of_another_release(repository, host, server, debs, gpg):
    (host.etc / "trusted.gpg.d/archive.gpg").write_bytes(gpg.export(gpg.good))
    host.source(f"deb http://{server} flat/\n")
    repository.sign_flat(gpg, "-u", gpg.good)
    host.update()
    check_good(host.chain(debs[0])[0], gpg)
    host.find("_Release.gpg").write_bytes(gpg.detach_sign(b"Suite: x\n", "-u", gpg.good))
    assert judged(host, debs[0]) == ("unsigned", "bad_signature", "bad")
    host.find("_Release.gpg").write_bytes(b"")
    assert judged(host, debs[0])[0] != "signed"
    host.find("_Release.gpg").unlink()
    assert judged(host, debs[0]) == ("unsigned", "no_signature", "none")
