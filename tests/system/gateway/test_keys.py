# SPDX-License-Identifier: Apache-2.0
"""assay-keys against issuers over https on loopback: what is fetched, when, what is not taken, and
what is left of it after a kill."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
from keys_host import (ED, HOST, Issuer, Keys, Site, authority, canonical, certificate, key_set,
                       name_of)
from recorder_host import BIN, wait_for

pytestmark = [
    pytest.mark.skipif(any(not shutil.which(p) for p in ("git", "ssh-keygen", "openssl")),
                       reason="git, ssh-keygen and openssl are needed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a registry is root's")]

USER = 61999  # nobody's


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    top = tmp_path_factory.mktemp("pki")
    good, other = authority(top, "good-ca"), authority(top, "other-ca")
    return {"ca": good,
            "good": certificate(top, "good", good, HOST),
            "unknown": certificate(top, "unknown", other, HOST),
            "another": certificate(top, "another", good, "other.example.test"),
            "address": certificate(top, "address", good, "IP:127.0.0.1"),
            "six": certificate(top, "six", good, "IP:::1"),
            "over": certificate(top, "over", good, HOST, "-days", "-1")}


@pytest.fixture
def site():
    s = Site()
    yield s
    s.close()


@pytest.fixture
def issuer(pki):
    i = Issuer(pki["good"])
    yield i
    i.close()


@pytest.fixture
def keys(site, pki):
    k = Keys(site, pki["ca"])
    yield k
    k.stop()


# ---- as it should be ----

def test_a_set_is_fetched_and_told(site, issuer, keys):
    issuer.answers["/keys"] = key_set("b", "a")
    url = issuer.url("/keys")
    site.serve([url])
    keys.environment = {"https_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
    keys.start()
    wait_for(lambda: keys.have(url), "the set")
    assert keys.have(url) == canonical("a", "b")
    assert keys.path(url).stat().st_mode & 0o7777 == 0o644
    wait_for(lambda: keys.set(url).get("keys") == 2, "the status")
    said = keys.said()["more"]
    assert (said["urls"], said["failing"], said["generation"]) == (1, 0, 1)
    assert "waits" not in keys.set(url)
    [entry] = keys.entries()
    assert entry == {"issuer": f"https://{HOST}/issuer0", "url": url, "keys": 2, "left_out": 0,
                     "sha256": keys.set(url)["sha256"], "state": "changed"}
    assert issuer.asked("/keys") == 1
    headers = issuer.seen[0][1]
    assert headers["Host"] == f"{HOST}:{issuer.port}"
    assert not {"Authorization", "Cookie"} & set(headers)
    assert "1 key set\n" in keys.shown()
    assert "GOOD" in site.recorder.verify()


def test_rotation_on_demand_and_not_too_often(site, issuer, keys):
    issuer.answers["/keys"] = key_set("old")
    url = issuer.url("/keys")
    site.serve([url])
    keys.start()
    wait_for(lambda: keys.have(url), "the set")
    issuer.answers["/keys"] = key_set("new", "old")
    begun = time.monotonic()
    for _ in range(50):
        keys.ask(name_of(url))
    wait_for(lambda: keys.have(url) == canonical("new", "old"), "the new set")
    assert time.monotonic() - begun < 14
    assert issuer.asked("/keys") == 2
    first, second = keys.entries()
    assert second["previous"] == first["sha256"] and second["keys"] == 2
    # long after the last fetch it goes at once
    time.sleep(10)
    issuer.answers["/keys"] = key_set("newest")
    begun = time.monotonic()
    keys.ask(name_of(url))
    wait_for(lambda: keys.have(url) == canonical("newest"), "the newest set")
    assert time.monotonic() - begun < 4
    assert issuer.asked("/keys") == 3


def test_refreshed_when_due(site, issuer, keys):
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys")
    site.serve([url], refresh="60s")
    keys.start()
    wait_for(lambda: keys.have(url), "the set")
    keys.end()
    keys.is_old(url, 54)
    begun = time.time()
    keys.start()
    wait_for(lambda: issuer.asked("/keys") == 2, "the next time")
    assert 4 < time.time() - begun < 20
    wait_for(lambda: keys.path(url).stat().st_mtime > begun, "the file's time")
    assert len(keys.entries()) == 1  # the same set is no news


def test_sets_come_and_go_with_what_is_deployed(site, issuer, keys):
    one, two = issuer.url("/one"), issuer.url("/two")
    issuer.answers.update({"/one": key_set("1"), "/two": key_set("2")})
    keys.start()
    assert keys.said()["more"]["urls"] == 0
    site.serve([one])
    wait_for(lambda: keys.have(one), "the first set")
    site.serve([one, two])
    wait_for(lambda: keys.have(two), "the second set")
    assert (issuer.asked("/one"), issuer.asked("/two")) == (1, 1)
    site.serve([two])
    wait_for(lambda: keys.said()["more"]["urls"] == 1, "one less")
    keys.ask(name_of(one))
    wait_for(lambda: keys.said()["more"]["ignored"] == 1, "a question about nothing")
    assert issuer.asked("/one") == 1
    # what nothing names any more goes a day after it was had last; what is not of our making stays
    top, hours = keys.path(one).parent, 3600
    others = [top / name for name in ("notes", "a" * 63 + ".json", "A" * 64 + ".json",
                                      "a" * 64 + ".jso", "a" * 64 + ".json.old")]
    (top / ("b" * 64 + ".json")).mkdir()
    (top / ("c" * 64 + ".json")).symlink_to("notes")
    for path in others:
        path.write_text("x")
    for path, age in ((keys.path(one), 25), (keys.path(two), 48), (top / ("d" * 64 + ".json"), 23),
                      *((other, 48) for other in others)):
        if not path.exists():
            path.write_text("x")
        os.utime(path, times=(time.time() - age * hours,) * 2)
    before = set(os.listdir(top))
    keys.end()
    keys.start()
    wait_for(lambda: not keys.path(one).exists(), "one to go")
    wait_for(lambda: issuer.asked("/two") == 2, "the old one anew")
    assert before - set(os.listdir(top)) == {keys.path(one).name}


def test_an_address_in_the_url(site, pki, keys):
    issuer = Issuer(pki["address"])
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys", "127.0.0.1")
    site.serve([url], addresses=[])
    keys.start()
    wait_for(lambda: keys.have(url), "the set")
    issuer.close()


def test_addresses_of_ipv6(site, pki, keys):
    try:
        six, named = Issuer(pki["six"], "::1"), Issuer(pki["good"], "::1")
    except OSError:
        pytest.skip("no IPv6 here")
    for i, (issuer, host, addresses) in enumerate(
            [(six, "[::1]", []), (named, HOST, ["2001:db8::1", "::1"])]):
        issuer.answers["/keys"] = key_set("a")
        url = issuer.url("/keys", host)
        site.serve([url], addresses=addresses)
        if i == 0:
            keys.start()
        wait_for(lambda u=url: keys.have(u), "the set")
        issuer.close()


def test_the_next_address_where_one_is_dead(site, issuer, keys):
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys")
    site.serve([url], addresses=["127.0.0.9", "127.0.0.1"])
    keys.start()
    wait_for(lambda: keys.have(url), "the set")


# ---- as it should not be ----

def status(code, **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    return answer


def huge_by_chunks(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        for _ in range(300):
            handler.wfile.write(b"400\r\n" + b" " * 1024 + b"\r\n")
    except OSError:
        pass


def cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(key_set("cut"))
    handler.close_connection = True


def slow(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.5)
    except OSError:
        pass


def no_http(handler):
    handler.wfile.write(b"\x00\xff\x1b[31m rubbish\r\n" * 100)
    handler.close_connection = True


def many_keys():
    return json.dumps({"keys": [dict(ED, kid=str(i)) for i in range(65)]}).encode()


BAD = {
    "/redirect": (status(302, Location="/elsewhere"), "no redirect"),
    "/moved": (status(301, Location="https://id.example.test/elsewhere"), "no redirect"),
    "/unchanged": (status(304), "304"),
    "/nothing": (status(204), "204"),
    "/missing": (None, "404"),
    "/broken": (status(500), "500"),
    "/huge": (b" " * (256 * 1024 + 1), "256 KiB"),
    "/chunks": (huge_by_chunks, "256 KiB"),
    "/cut": (cut, ""),
    "/slow": (slow, "timed out"),
    "/rubbish": (no_http, ""),
    "/empty": (b"", ""),
    "/text": (b"keys", ""),
    "/nokeys": (b'{"keys":[]}', ""),
    "/array": (json.dumps([ED]).encode(), ""),
    "/twice": (b'{"keys":[],"keys":[]}', ""),
    "/deep": (b'{"keys":' + b"[" * 10000 + b"]" * 10000 + b"}", ""),
    "/weak": (json.dumps({"keys": [{"kty": "oct", "k": "AAAA", "kid": "x"}]}).encode(), ""),
    "/many": (many_keys(), ""),
    "/same": (json.dumps({"keys": [dict(ED, kid="x"), dict(ED, kid="x")]}).encode(), ""),
}


def test_what_is_no_key_set_changes_nothing(site, issuer, keys):
    urls = {path: issuer.url(path) for path in BAD}
    good = issuer.url("/good")
    issuer.answers.update({path: key_set(path.strip("/")) for path in BAD})
    issuer.answers["/good"] = key_set("good")
    site.serve([*urls.values(), good])
    keys.start()
    wait_for(lambda: all(keys.have(u) for u in urls.values()), "all sets")
    keys.end()
    kept = {u: keys.have(u) for u in urls.values()}
    assert all(kept[u] == canonical(p.strip("/")) for p, u in urls.items())

    for path, (answer, _) in BAD.items():
        issuer.answers[path] = answer
        keys.is_old(urls[path])
    issuer.answers["/good"] = key_set("better")
    keys.is_old(good)
    keys.more = ["--keep-user", "--tell-after", 1]
    keys.start()
    for path, (_, why) in BAD.items():
        wait_for(lambda u=urls[path]: keys.set(u).get("failed"), path)
        assert why in keys.set(urls[path])["failed"], (path, keys.set(urls[path]))
    wait_for(lambda: keys.have(good) == canonical("better"), "the good one among them")
    assert {u: keys.have(u) for u in urls.values()} == kept
    assert not issuer.asked("/elsewhere")
    assert keys.said()["more"]["failing"] == len(BAD)
    shown = keys.shown()
    assert f"of which {len(BAD)} could not be had anew" in shown
    assert "no redirect is followed; the one in use is" in shown

    # told once each, some time later, with what is in use still
    wait_for(lambda: sum(e["state"] == "failing" for e in keys.entries()) == len(BAD), "entries")
    told = [e for e in keys.entries() if e["state"] == "failing"]
    assert {e["url"] for e in told} == set(urls.values())
    assert all(e["keys"] == 1 and e["detail"] and "sha256" in e and "since" in e for e in told)
    for path in BAD:
        issuer.answers[path] = key_set(path.strip("/"))
    for url in urls.values():
        keys.ask(name_of(url))
    wait_for(lambda: sum(e["state"] == "good" for e in keys.entries()) == len(BAD), "good again")
    wait_for(lambda: keys.said()["more"]["failing"] == 0, "the status")
    assert len(keys.entries()) == 3 * len(BAD) + 2


@pytest.mark.parametrize("which", ["unknown", "another", "over", "no tls", "nobody"])
def test_a_server_that_is_not_the_issuer(site, pki, keys, which):
    if which in ("no tls", "nobody"):
        plain = socket.create_server(("127.0.0.1", 0))
        port = plain.getsockname()[1]
        if which == "nobody":
            plain.close()
        url = f"https://{HOST}:{port}/keys"
    else:
        issuer = Issuer(pki[which])
        issuer.answers["/keys"] = key_set("forged")
        url = issuer.url("/keys")
    site.serve([url])
    keys.start()
    if which == "no tls":
        got, _ = plain.accept()
        got.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        got.close()
    wait_for(lambda: keys.set(url).get("failed"), "the failure")
    assert keys.have(url) is None and keys.entries() == []
    if which in ("unknown", "another", "over"):
        assert issuer.seen == []  # not even asked
        issuer.close()
    elif which == "no tls":
        plain.close()


def test_authorities_are_those_of_the_system_unless_it_is_said(site, issuer, keys, pki):
    keys.ca = None
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys")
    site.serve([url])
    keys.more = ["--keep-user", "--config", site.top]
    keys.start()
    wait_for(lambda: "certificate" in keys.set(url).get("failed", ""), "the failure")
    keys.end()
    shutil.copy(pki["ca"], site.top / "issuers.pem")
    keys.start()
    wait_for(lambda: keys.have(url), "the set")


# ---- who asks ----

def test_only_gateways_are_heard(site, issuer, keys):
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys")
    site.serve([url])
    site.recorder.stop()
    site.recorder.more = ["--gateway-user-id", str(USER)]
    site.recorder.start()
    keys.more = ["--user-id", USER]
    keys.start()
    wait_for(lambda: keys.have(url), "the set")
    at = keys.recorder.run / "keys.sock"
    st = at.stat()
    assert (st.st_uid, st.st_mode & 0o777) == (USER, 0o600)
    code = ("import socket,sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
            "s.sendto(sys.argv[2].encode(), sys.argv[1])\n")

    def ask_as(user, text):
        return subprocess.run(["python3", "-c", code, at, text], user=user, group=user,
                              extra_groups=[], capture_output=True).returncode

    assert ask_as(USER + 1, name_of(url)) != 0
    assert ask_as(USER, name_of(url)) == 0
    wait_for(lambda: keys.said()["more"]["asked"] == 1, "the question")
    # whoever gets there all the same
    at.chmod(0o666)
    assert ask_as(USER + 1, name_of(url)) == 0
    for text in (b"", b"x", name_of(url).upper().encode(), name_of(url).encode() + b"\n",
                 b"0" * 64, b"\xff" * 64, b"a" * 100000):
        keys.ask(text)
    wait_for(lambda: keys.said()["more"]["ignored"] == 8, "what is no question")
    assert keys.said()["more"]["asked"] == 1


def test_what_is_left_of_its_rights(site, issuer, keys):
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys")
    site.serve([url])
    site.recorder.stop()
    site.recorder.more = ["--gateway-user-id", str(USER)]
    site.recorder.start()
    keys.more = ["--user-id", USER]
    keys.start()
    wait_for(lambda: keys.have(url), "the set")
    said = dict(line.split(":\t", 1) for line in pathlib.Path(
        f"/proc/{keys.process.pid}/status").read_text().splitlines() if ":\t" in line)
    assert said["NoNewPrivs"] == "1" and said["Seccomp"] == "2" and said["Threads"] == "1"
    assert int(said["CapEff"], 16) == int(said["CapPrm"], 16) == 0
    assert set(said["Uid"].split()) == {str(USER)}
    assert keys.path(url).stat().st_uid == USER
    states = {name: state for name, state, _ in keys.said()["sandbox"]}
    assert states["seccomp"] == "applied" and set(states.values()) <= {"applied", "not asked"}
    # a new set is written by what is left
    issuer.answers["/keys"] = key_set("b")
    keys.ask(name_of(url))
    wait_for(lambda: keys.have(url) == canonical("b"), "the new set")
    site.serve([url, issuer.url("/other")])
    issuer.answers["/other"] = key_set("c")
    wait_for(lambda: keys.have(issuer.url("/other")), "the set of the next generation")


# ---- kills, and recorders that are away ----

def test_nothing_is_in_use_that_the_ledger_does_not_have(site, issuer, keys):
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys")
    site.serve([url])
    site.recorder.stop()
    keys.start()
    wait_for(lambda: keys.set(url).get("waits"), "the set that waits")
    time.sleep(1.5)
    assert keys.have(url) is None
    site.recorder.start()
    wait_for(lambda: keys.have(url), "the set")
    assert len(keys.entries()) == 1
    site.recorder.kill()
    issuer.answers["/keys"] = key_set("b")
    keys.ask(name_of(url))
    wait_for(lambda: keys.set(url).get("waits"), "the second that waits")
    assert keys.have(url) == canonical("a")
    keys.end(signal.SIGKILL, -signal.SIGKILL)
    assert keys.have(url) == canonical("a")
    site.recorder.start()
    keys.is_old(url)
    keys.start()
    wait_for(lambda: keys.have(url) == canonical("b"), "the second set")
    assert [e["state"] for e in keys.entries()] == ["changed", "changed"]


def test_killed_again_and_again(site, issuer, keys):
    url = issuer.url("/keys")
    site.serve([url])
    sets = [f"k{i}" for i in range(12)]
    allowed = {canonical(s) for s in sets} | {None}
    for i, s in enumerate(sets):
        issuer.answers["/keys"] = key_set(s)
        if keys.have(url):
            keys.is_old(url)
        keys.spawn()
        time.sleep(0.05 + 0.06 * i)
        keys.process.kill()
        keys.process.wait()
        assert keys.have(url) in allowed
    keys.start()
    if keys.have(url):
        keys.ask(name_of(url))
    wait_for(lambda: keys.have(url) == canonical(sets[-1]), "the last set")
    left = {p.name for p in (keys.recorder.state / "jwks").iterdir()}
    assert left == {keys.path(url).name}
    told = [e["sha256"] for e in keys.entries()]
    assert told and told[-1] == keys.set(url)["sha256"]
    assert "GOOD" in site.recorder.verify()


def test_what_it_had_is_what_it_has_after_a_restart(site, issuer, keys):
    issuer.answers["/keys"] = key_set("a")
    url = issuer.url("/keys")
    site.serve([url])
    keys.start()
    wait_for(lambda: keys.have(url), "the set")
    keys.end(signal.SIGHUP, 75)
    keys.start()
    wait_for(lambda: keys.set(url).get("keys") == 1, "the set")
    time.sleep(1.5)
    assert issuer.asked("/keys") == 1 and len(keys.entries()) == 1
    keys.end()
    # one that somebody took away, and one that somebody spoiled
    for spoil in (lambda: keys.path(url).unlink(), lambda: keys.path(url).write_text("{")):
        spoil()
        keys.start()
        wait_for(lambda: keys.have(url) == canonical("a"), "the set anew")
        keys.end()
    assert issuer.asked("/keys") == 3


def test_without_a_registry_it_ends(site, keys):
    shutil.move(site.path, site.top / "away")
    assert "registry" in keys.fails_to_start()
    shutil.move(site.top / "away", site.path)
    site.builders = []
    site.write_config()
    assert "builder" in keys.fails_to_start()


def test_packages_of_others_do_not_count(site, issuer, keys):
    url = issuer.url("/keys")
    issuer.answers["/keys"] = key_set("a")
    site.serve([url])
    site.builders = ["carl"]  # since then ci builds no more
    site.write_config()
    keys.start()
    wait_for(lambda: "refused" in keys.said()["more"], "what is refused")
    assert keys.said()["more"]["urls"] == 0 and issuer.seen == []


def test_one_at_a_time(site, issuer, keys):
    keys.start()
    second = subprocess.run([BIN / "assay-keys", "--state", site.recorder.state, "--run",
                             site.recorder.run, "--keep-user"], capture_output=True, text=True)
    assert second.returncode == 1 and "keys.start" in second.stderr
    assert (site.recorder.run / "keys.sock").exists()
    keys.ask("0" * 64)
    wait_for(lambda: keys.said()["more"]["ignored"] == 1, "the first one hears")
