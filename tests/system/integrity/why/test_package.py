# SPDX-License-Identifier: Apache-2.0
"""What a package transaction explains, and what it does not: a real apt-get and dpkg, packages from
an archive that is signed, and everything that somebody could slip in between."""
import hashlib
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import package_host
from package_host import PackageHost, SUITE

pytestmark = pytest.mark.skipif(bool(package_host.possible()), reason=str(package_host.possible()))


@pytest.fixture(scope="module")
def host():
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="assay-package-") as name:
        h = PackageHost(pathlib.Path(name))
        try:
            h.start()
            yield h
        finally:
            h.stop()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_proved(host, why, deb, name, version):
    assert why["state"] == "package", why
    assert why["package"] == f"{name} {version} all", why
    assert digest(deb) in why["detail"] and host.key in why["detail"], why
    assert f"{SUITE} code" in why["detail"], why


def test_install_upgrade_remove(host):
    """A package's whole life, explained from its package file, or else by dpkg being it."""
    def version(v, *files, **more):
        return host.archive.build(
            "hello", v, files={f"/opt/hello/{f}": f"{f} of {v}\n" for f in files},
            conffiles={"/etc/hello.conf": f"version = {v}\n"},
            links={"/opt/hello/link": f"target-{v}"}, **more)
    deb = version("1.0-1", "bin", "same", "old")
    host.publish()
    host.apt("apt-get", "install", "hello")
    for path in ("/opt/hello", "/opt/hello/bin", "/opt/hello/link", "/etc/hello.conf"):
        host.wait(lambda: host.of(path), path)
        assert host.of(path)[-1]["why"]["package"] == "hello 1.0-1 all", host.of(path)[-1]
    for path in ("/opt/hello/bin", "/etc/hello.conf"):
        is_proved(host, host.of(path)[-1]["why"], deb, "hello", "1.0-1")
    told = host.transaction()
    assert told["begun"][0]["packages"] == 1
    package, = told["package"]
    assert package["name"] == "hello" and package["action"] == "install"
    assert package["sha256"] == digest(deb) and package["chain"] == "signed"
    assert package["fingerprint"] == host.key and package["suite"] == SUITE
    assert told["ended"][0]["reason"] == "dpkg ended" and told["ended"][0]["signed"] == 1
    assert host.unexplained("/opt/hello") == [] and host.unexplained("/etc") == []

    deb = version("2.0-1", "bin", "same", "new")
    host.publish()
    host.apt("apt-get", "install", "hello")
    for path in ("/opt/hello/bin", "/etc/hello.conf"):
        host.wait(lambda: len(host.of(path)) > 1 and host.of(path)[-1]["why"].get("package") ==
                  "hello 2.0-1 all", f"the new {path}")
        is_proved(host, host.of(path)[-1]["why"], deb, "hello", "2.0-1")
    gone = host.why("/opt/hello/old", "deleted")
    assert gone["state"] == "package" and "no package file proves that" in gone["detail"], gone
    package, = host.transaction()["package"]
    assert (package["action"], package["old_version"], package["new_version"]) == \
        ("upgrade", "1.0-1", "2.0-1") and package["listed"] is True
    assert host.unexplained("/opt/hello") == [] and host.unexplained("/etc") == []

    host.apt("apt-get", "purge", "hello")
    for path in ("/opt/hello/bin", "/opt/hello/link", "/opt/hello", "/etc/hello.conf"):
        assert host.why(path, "deleted")["state"] == "package"
    package, = host.transaction()["package"]
    assert package["action"] == "remove" and "sha256" not in package
    assert host.unexplained("/opt/hello") == [] and host.unexplained("/etc") == []
    assert host.alerts() == [] and host.entries("ledger.refused") == []


WAIT = """touch {here}
i=0
while [ ! -e {gate} ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done"""


def waits(host, name):
    """Files through which a maintainer script says where it is and is told to go on."""
    here, gate = host.directory / f"{name}.here", host.directory / f"{name}.gate"
    return here, gate, WAIT.format(here=here, gate=gate)


def test_planted(host):
    """Changes of others while dpkg works are alerts: beside its files, in them, and of their times;
    what a maintainer script does is explained where a profile says so, and nowhere else."""
    here, gate, wait = waits(host, "planted")
    host.archive.build("planted", files={"/opt/planted/a": "a", "/opt/planted/b": "b"},
                       scripts={"postinst": f"{wait}\nmkdir -p /opt/made\n"
                                "echo x >/opt/made/planted\necho x >/opt/planted/x"})
    host.publish()
    before = len(host.alerts())
    apt = host.start_apt("apt-get", "install", "planted")
    host.wait(here.exists, "the maintainer script")
    host.why("/opt/planted/b", "created")
    host.act("echo evil >/opt/planted/evil; echo evil >>/opt/planted/a; "
             "touch -d 2001-01-01 /opt/planted/b; cp /opt/planted/b /opt/planted/c.dpkg-new")
    for path, change in (("evil", "created"), ("a", "modified"), ("b", "modified"),
                         ("c.dpkg-new", "created")):
        assert host.why(f"/opt/planted/{path}", change)["state"] == "unexplained"
    assert "others touched it" in host.why("/opt/planted/b", "modified")["detail"]
    gate.touch()
    assert apt.wait(timeout=60) == 0
    made = host.why("/opt/made/planted", "created")
    assert made["state"] == "service" and "packages" in made["detail"], made
    script = host.why("/opt/planted/x", "created")
    assert script["state"] == "unexplained" and "a script" in script["detail"], script
    ended = host.transaction()["ended"][0]
    assert ended["unexplained"] >= 1 and ended["explained"] >= 3
    assert len(host.alerts()) > before
    assert {p for _, p in host.unexplained("/opt/planted")} == {
        f"/opt/planted/{n}" for n in ("evil", "a", "b", "c.dpkg-new", "x")}


def test_hooks_of_dpkg(host):
    """What dpkg's options name is begun by dpkg, and is no script of a package."""
    host.archive.build("hooked", files={"/opt/hooked/a": "a"})
    inner = host.archive.build("inner", scripts={
        "postinst": "mkdir -p /opt/made; echo x >/opt/made/inner"})
    evil = host.directory / "evil.sh"
    evil.write_text(f"mkdir -p /opt/made; echo x >/opt/made/hooked; dpkg -i {inner}\n")
    host.publish()
    host.apt("apt-get", "install", "-o", f"Dpkg::Options::=--post-invoke=sh {evil}", "hooked",
             check=False)
    for name in ("hooked", "inner"):
        why = host.why(f"/opt/made/{name}", "created")
        assert why["state"] == "unexplained", why


INFO = "/var/lib/dpkg/info"
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


def scripted(host, version, scripts=SCRIPTS):
    """A package whose scripts do something that only its profile explains."""
    return host.archive.build(
        "scripted", version, files={"/opt/scripted/a": version},
        conffiles={"/etc/scripted.conf": version},
        control_files={"triggers": "interest-noawait /opt/scripted-trigger\n"},
        scripts={s: f"mkdir -p /opt/made; echo {version} $* >>/opt/made/{s}" for s in scripts})


def kept_quietly(host, since):
    """What dpkg keeps of packages has changed, and all of it was explained."""
    host.transaction()
    told = [e for e in host.changes()[since:]
            if e["what"].get("path", "").startswith((INFO, "/opt/made", "/opt/scripted"))]
    assert told and not [e for e in told if e["why"]["state"] == "unexplained"], told
    return [e for e in told if e["what"]["path"].startswith(INFO)]


def test_scripts_of_packages(host):
    """What dpkg keeps in its directory, over a package's whole life and beside apt."""
    since = len(host.changes())
    deb = scripted(host, "1.0-1")
    host.publish()
    host.apt("apt-get", "install", "scripted")
    kept_quietly(host, since)
    for name in (*SCRIPTS, "triggers", "conffiles"):
        is_proved(host, host.why(f"{INFO}/scripted.{name}", "created"), deb, "scripted", "1.0-1")
    own = host.of(f"{INFO}/scripted.list")[-1]["why"]  # created, or renamed from list-new
    assert own["state"] == "package" and "no package file has it" in own["detail"], own
    since = len(host.changes())
    deb = scripted(host, "2.0-1", ("postinst", "prerm"))
    host.publish()
    host.apt("apt-get", "install", "scripted")
    told = kept_quietly(host, since)
    is_proved(host, host.of(f"{INFO}/scripted.postinst")[-1]["why"], deb, "scripted", "2.0-1")
    assert {e["what"]["path"] for e in told if e["what"]["change"] == "deleted"} >= {
        f"{INFO}/scripted.{s}" for s in ("preinst", "postrm")}
    for words in (["install", "--reinstall"], ["remove"], ["install"], ["purge"], ["install"]):
        since = len(host.changes())
        host.apt("apt-get", *words, "scripted")
        kept_quietly(host, since)
    host.act("dpkg-divert --add --rename --divert /opt/scripted-a /opt/scripted/a; "
             "dpkg-divert --remove --rename /opt/scripted/a; dpkg --configure -a; "
             "dpkg-statoverride --add root root 0600 /opt/none; dpkg-trigger --by-package=scripted "
             "/opt/scripted-trigger")
    gate = host.directory / "configured"
    host.archive.build("broken", scripts={"postinst": f"test -e {gate}"})
    host.publish()
    assert host.apt("apt-get", "install", "broken", check=False) != 0
    host.transaction()
    gate.touch()
    host.apt("dpkg", "--configure", "broken")
    since = len(host.changes())
    host.apt("apt-get", "purge", "broken", "scripted")
    kept_quietly(host, since)
    assert not [a for a in host.alerts() if f"{INFO}/scripted" in str(a)], host.alerts()


def test_overridden_rights(host):
    """A mode that dpkg was told to keep is no alert at each upgrade; a set-uid bit that the package
    does not have is one."""
    def install(version, state):
        host.archive.build("overridden", version, files={"/opt/overridden/a": version})
        host.publish()
        host.apt("apt-get", "install", "overridden")
        host.transaction()
        host.wait(lambda: len([e for e in host.of("/opt/overridden/a")
                               if e["what"]["change"] != "attributes"]) >= int(version[0]), version)
        why = [e for e in host.of("/opt/overridden/a") if e["what"]["change"] != "attributes"][-1]
        assert why["why"]["state"] == state, why
    install("1.0-1", "package")
    host.apt("dpkg-statoverride", "--update", "--add", "root", "root", "0700", "/opt/overridden/a")
    host.wait(lambda: host.of("/opt/overridden/a", "attributes"), "the mode")
    install("2.0-1", "package")
    assert (host.place / "opt/overridden/a").stat().st_mode & 0o7777 == 0o700
    host.apt("dpkg-statoverride", "--remove", "/opt/overridden/a")
    host.apt("dpkg-statoverride", "--update", "--add", "root", "root", "4755", "/opt/overridden/a")
    host.wait(lambda: len(host.of("/opt/overridden/a", "attributes")) > 1, "the mode")
    install("3.0-1", "unexplained")


def test_planted_scripts(host):
    """A script that somebody wrote into dpkg's directory is an alert, and when dpkg runs it, it is
    no package's, however soon; put back as its package has it, it is again."""
    for name in ("victim", "soon"):
        host.archive.build(name, files={f"/opt/{name}/a": "a"}, scripts={
            "prerm": f"mkdir -p /opt/made; echo x >>/opt/made/{name}-$1"})
    host.publish()
    host.apt("apt-get", "install", "victim", "soon")
    host.transaction()
    host.act(f"echo 'echo x >/opt/made/by-prerm' >>{INFO}/victim.prerm; "
             f"printf '#!/bin/sh\\n' >{INFO}/ghost.postinst; chmod 755 {INFO}/ghost.postinst")
    assert host.why(f"{INFO}/victim.prerm", "modified")["state"] == "unexplained"
    assert host.why(f"{INFO}/ghost.postinst", "created")["state"] == "unexplained"
    # Its own, or that of what the same command has done here a moment before.
    alert = host.why(f"{INFO}/victim.prerm", "modified")["alert"]
    host.wait(lambda: alert in [a["id"] for a in host.alerts()], "the alert")
    host.end(host.sensor, signal.SIGKILL)
    host.start_sensor()  # the ledger remembers
    host.apt("apt-get", "remove", "victim")
    assert host.why("/opt/made/by-prerm", "created")["state"] == "unexplained"
    why = host.why("/opt/made/victim-remove", "created")
    assert why["state"] == "unexplained" and "not known to be the one" in why["detail"], why
    host.apt("sh", "-c", f"echo 'echo x >/opt/made/at-once' >>{INFO}/soon.prerm; "
             "exec apt-get remove soon")
    assert host.why("/opt/made/at-once", "created")["state"] == "unexplained"
    host.apt("apt-get", "install", "victim")
    host.transaction()
    host.apt("apt-get", "remove", "victim")
    host.wait(lambda: host.of("/opt/made/victim-remove", "modified"), "what the true one does")
    why = host.why("/opt/made/victim-remove", "modified")
    assert why["state"] == "service", why


def test_script_in_another_namespace(host):
    """Where something else is mounted over the script, it is no package's."""
    host.archive.build("elsewhere", scripts={"prerm": "true"})
    host.publish()
    host.apt("apt-get", "install", "elsewhere")
    host.transaction()
    evil = host.directory / "evil-script"
    evil.write_text("#!/bin/sh\nmkdir -p /opt/made; echo x >/opt/made/elsewhere\n")
    evil.chmod(0o755)
    host.apt("unshare", "-m", "sh", "-c", f"mount --bind {evil} {INFO}/elsewhere.prerm; "
             "exec apt-get remove elsewhere", check=False)
    assert host.why("/opt/made/elsewhere", "created")["state"] == "unexplained"
    host.apt("apt-get", "remove", "elsewhere")


def test_listed_by_others(host):
    """What somebody wrote into a package's list is not the package's to remove."""
    host.archive.build("listed", files={"/opt/listed/a": "a"})
    host.publish()
    host.apt("apt-get", "install", "listed")
    host.transaction()
    host.act(f"echo x >/opt/hardening; echo /opt/hardening >>{INFO}/listed.list")
    assert host.why(f"{INFO}/listed.list", "modified")["state"] == "unexplained"
    host.apt("apt-get", "purge", "listed")
    assert host.why("/opt/hardening", "deleted")["state"] == "unexplained"


def test_forged_sums(host):
    """dpkg's own md5sums, made to fit by who changed a file, explain nothing, then or at the next
    transaction."""
    host.archive.build("forged", files={"/opt/forged/a": "a"})
    host.archive.build("beside", files={"/opt/beside/a": "a"})
    host.publish()
    host.apt("apt-get", "install", "forged")
    host.transaction()
    host.act("echo evil >/opt/forged/a; cd /; "
             "md5sum opt/forged/a >/var/lib/dpkg/info/forged.md5sums; dpkg --verify forged")
    assert host.why("/opt/forged/a", "modified")["state"] == "unexplained"
    host.apt("apt-get", "install", "beside")
    host.act("echo again >/opt/forged/a; cd /; "
             "md5sum opt/forged/a >/var/lib/dpkg/info/forged.md5sums")
    host.transaction()
    host.wait(lambda: len(host.of("/opt/forged/a", "modified")) == 2, "the second change")
    assert host.why("/opt/forged/a", "modified")["state"] == "unexplained"


@pytest.mark.parametrize("when", ["before", "after"])
def test_tampered(host, when):
    """The package file in the cache becomes another one after apt has verified it: before the
    sensor reads it, no archive has it; after that, what dpkg unpacks is not what was read."""
    name = f"tampered-{when}"
    deb = host.archive.build(name, files={f"/opt/{name}/a": "good", f"/opt/{name}/b": "same"})
    host.publish()
    kept = host.directory / "kept.deb"
    shutil.copy(deb, kept)
    evil = host.archive.build(
        name, files={f"/opt/{name}/a": "evil", f"/opt/{name}/b": "same"},
        scripts={"postinst": f"sleep 1; mkdir -p /opt/made; echo x >/opt/made/{name}"})
    evil = evil.rename(host.directory / f"{name}-evil.deb")
    shutil.copy(kept, deb)
    config = host.place / "etc/apt/apt.conf.d" / {"before": "00evil", "after": "99evil"}[when]
    # The sensor reads it in its own time: this comes when it has.
    pause = "" if when == "before" else "sleep 3; "
    config.write_text(f'DPkg::Pre-Install-Pkgs {{ "{pause}cp {evil} '
                      f'/var/cache/apt/archives/{name}_1.0-1_all.deb"; }};\n')
    try:
        host.apt("apt-get", "install", name)
    finally:
        config.unlink()
    package, = host.transaction()["package"]
    changed = host.why(f"/opt/{name}/a", "created")
    same = host.why(f"/opt/{name}/b", "created")
    assert changed["state"] == "unexplained", changed
    # Nor does its script count as one of a signed package.
    assert host.why(f"/opt/made/{name}", "created")["state"] == "unexplained"
    if when == "before":
        assert package["sha256"] == digest(evil)
        assert (package["chain"], package["chain_reason"]) == ("unknown", "not_listed")
        assert same["state"] == "unexplained" and "not_listed" in same["detail"], same
    else:
        assert package["sha256"] == digest(kept) and package["chain"] == "signed"
        assert "another content" in changed["detail"], changed
        is_proved(host, same, kept, name, "1.0-1")


def test_undone(host):
    """A script changes a file and puts it back, times and all, while the sensor reads a large
    package: that it was touched is told."""
    file = "/opt/undone-file"
    host.act(f"echo good >{file}")
    host.wait(lambda: host.of(file), "the file")
    before = len(host.of(file))
    text = f"cp -p {file} /tmp/undone-$$\necho evil >{file}\nsleep 0.3\n" \
           f"cp -p /tmp/undone-$$ {file}\nrm /tmp/undone-$$"
    large = random.Random(1).randbytes(30 << 20).hex()
    host.archive.build("undone", files={"/opt/undone/large": large}, scripts={"preinst": text})
    host.publish()
    host.apt("apt-get", "install", "undone")
    host.transaction()
    told = host.of(file)[before:]
    assert told and all(e["why"]["state"] == "unexplained" for e in told), told
    assert (host.place / file[1:]).read_text() == "good\n"


def test_unsigned(host):
    """apt was told to trust it anyway; that is no signature."""
    host.archive.build("unsigned", files={"/opt/unsigned/a": "a"},
                       scripts={"postinst": "mkdir -p /opt/made; echo x >/opt/made/unsigned"})
    host.forget_lists()
    host.publish(sign=False, options="trusted=yes")
    host.apt("apt-get", "install", "unsigned")
    package, = host.transaction()["package"]
    assert package["chain"] == "unsigned" and package["chain_reason"] == "no_signature"
    assert package["trusted_anyway"] is True
    why = host.why("/opt/unsigned/a", "created")
    assert why["state"] == "unexplained" and "no_signature" in why["detail"], why
    host.wait(lambda: host.unexplained("/opt/made/unsigned"), "what its script did")
    host.forget_lists()
    host.publish()


def test_key_of_an_intruder(host):
    """Who adds a key of his own, or leads the path of one elsewhere, has signed nothing until that
    is accepted; also for a sensor that was started since."""
    key, watched = "/etc/apt/keys/own.gpg", host.config / "watch.yaml"
    before = watched.read_text()

    def watch(text):
        told = len(host.entries("integrity.watch"))
        watched.write_text(text)
        host.sensor.send_signal(signal.SIGHUP)
        host.wait(lambda: len(host.entries("integrity.watch")) > told, "other rules")
        assay(host, "baseline", "accept", "--reason", "as it is")
    watch(before.replace("exclude: [/etc/apt]", "exclude: [/etc/apt/sources.list]"))

    def install(version, state):
        deb = host.archive.build("keyed", version, files={"/opt/keyed/a": version})
        host.publish(options=f"signed-by={key}")
        host.apt("apt-get", "install", "keyed")
        package, = host.transaction()["package"]
        host.wait(lambda: len(host.of("/opt/keyed/a")) >= int(version[0]), "the file")
        why = host.of("/opt/keyed/a")[-1]["why"]
        assert why["state"] == state, (why, package)
        if state == "package":
            is_proved(host, why, deb, "keyed", version)
        else:
            assert package["chain_reason"] == "no_key" and key in package["why"], package
            assert f"{key} was changed, and nothing explains that" in why["detail"], why
    try:
        host.forget_lists()
        host.act(f"mkdir /etc/apt/keys; cp /etc/apt/archive.gpg {key}")
        install("1.0-1", "unexplained")
        host.end(host.sensor, signal.SIGKILL)
        host.start_sensor()
        install("2.0-1", "unexplained")
        assay(host, "baseline", "accept", "--reason", "ours", "/etc/apt/keys")
        install("3.0-1", "package")
        host.act(f"ln -sf ../archive.gpg {key}.2; mv {key}.2 {key}")
        install("4.0-1", "unexplained")
    finally:
        watch(before)
        host.forget_lists()
        host.publish()


def test_unlisted(host):
    """A package file that no archive has, given to apt, and to dpkg alone."""
    debs = {}
    for name in ("local-apt", "local-dpkg"):
        deb = host.archive.build(name, files={f"/opt/{name}/a": "a"})
        debs[name] = deb.rename(host.directory / deb.name)
    host.apt("apt-get", "install", debs["local-apt"])
    package, = host.transaction()["package"]
    assert (package["chain"], package["chain_reason"]) == ("unknown", "not_listed")
    assert package["file"] == str(debs["local-apt"])
    assert "not_listed" in host.why("/opt/local-apt/a", "created")["detail"]
    before = len(host.transactions())
    host.apt("dpkg", "-i", debs["local-dpkg"])
    host.wait(lambda: host.of("/opt/local-dpkg/a"), "what dpkg unpacked")
    assert host.of("/opt/local-dpkg/a")[-1]["why"]["state"] == "unexplained"
    assert len(host.transactions()) == before


def test_killed(host):
    """apt is killed while dpkg works: the transaction ends, and later changes are nobody's."""
    here, gate, wait = waits(host, "killed")
    host.archive.build("killed", files={"/opt/killed/a": "a"}, scripts={"postinst": wait})
    host.publish()
    apt = host.start_apt("apt-get", "install", "killed")
    host.wait(here.exists, "the maintainer script")
    apt.send_signal(signal.SIGKILL)
    apt.wait()
    gate.touch()
    ended = host.transaction()["ended"][0]
    assert ended["reason"] == "the process that ran dpkg is gone"
    assert host.why("/opt/killed/a", "created")["state"] == "package"
    host.act("cp -a /opt/killed/a /opt/killed/b; mv /opt/killed/b /opt/killed/a")
    host.wait(lambda: host.unexplained("/opt/killed/a"), "a change after its end")
    host.apt("dpkg", "--configure", "-a")


def test_slow_sensor(host):
    """A sensor that does not answer holds apt up for seconds, and not more."""
    host.archive.build("slow", files={"/opt/slow/a": "a"})
    host.publish()
    host.sensor.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        host.apt("apt-get", "install", "slow")
        assert time.monotonic() - began < 60
    finally:
        host.sensor.send_signal(signal.SIGCONT)
    host.wait(lambda: host.of("/opt/slow/a"), "the change")


def test_sensor_down(host):
    """Without the sensor apt works as ever; at the next start what it did is unexplained."""
    host.archive.build("down", files={"/opt/down/a": "a"})
    host.publish()
    host.end(host.sensor)
    host.apt("apt-get", "install", "down")
    host.start_sensor()
    why = host.why("/opt/down/a", "created")
    assert why["state"] == "unexplained", why


def paused(host, name, **more):
    """apt, waiting in a preinst; and what lets it go on."""
    here, gate, wait = waits(host, name)
    host.archive.build(name, files={f"/opt/{name}/a": "a"},
                       scripts={"preinst": wait, **more.pop("scripts", {})}, **more)
    host.publish()
    apt = host.start_apt("apt-get", "install", name)
    host.wait(here.exists, "the maintainer script")
    return apt, gate


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM])
def test_restarted(host, signo):
    """A sensor that starts anew in the middle goes on with the transaction, and reads all of it
    again."""
    name, kept = f"restarted-{signo.name.lower()}", host.state / "sensor/packages"
    apt, gate = paused(host, name, scripts={
        "postinst": f"mkdir -p /opt/made; echo x >/opt/made/{name}"})
    host.end(host.sensor, signo)
    assert kept.exists()
    host.start_sensor()
    gate.touch()
    assert apt.wait(timeout=60) == 0
    assert host.why(f"/opt/{name}/a", "created")["package"] == f"{name} 1.0-1 all"
    assert host.why(f"/opt/made/{name}", "created")["state"] == "service"
    told = host.transaction()
    assert [len(told[e]) for e in ("begun", "resumed", "ended")] == [1, 1, 1]
    assert told["begun"][0]["digest"] == told["resumed"][0]["digest"]
    assert told["package"][-1]["chain"] == "signed"
    assert host.unexplained(f"/opt/{name}") == [] and host.unexplained(INFO + "/" + name) == []
    host.wait(lambda: not kept.exists(), "that it is not kept any more")


def test_restarted_too_late(host):
    """The transaction ends while the sensor is down: that is told, and what the next apt does is
    not its."""
    apt, gate = paused(host, "late")
    host.end(host.sensor, signal.SIGKILL)
    gate.touch()
    assert apt.wait(timeout=60) == 0
    host.start_sensor()
    assert host.transaction()["ended"][0]["reason"] == "it ended while the sensor was down"
    assert host.why("/opt/late/a", "created")["state"] == "unexplained"


def test_restarted_by_a_forger(host):
    """What stands in the sensor's file counts as far as the ledger has its digest."""
    apt, gate = paused(host, "forged-run")
    kept = host.state / "sensor/packages"
    host.end(host.sensor, signal.SIGKILL)
    text = kept.read_text()
    assert '"name":"forged-run"' in text
    kept.write_text(text.replace('"to":"1.0-1"', '"to":"1.0-2"'))
    host.start_sensor()
    gate.touch()
    assert apt.wait(timeout=60) == 0
    host.wait(lambda: host.of("/opt/forged-run/a"), "what dpkg unpacked")
    assert host.of("/opt/forged-run/a")[-1]["why"]["state"] == "unexplained"
    ids = host.transactions()
    assert "resumed" not in [e["what"]["event"] for e in host.entries("integrity.package")
                             if e["what"]["id"] == ids[-1]]


def assay(host, *words):
    done = subprocess.run([package_host.BIN / "assay", *map(str, words), "--state", host.state,
                           "--run", host.run], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


def test_denied(host):
    """Files of a package that mode deny protects: apt says so and stops before dpkg begins; inside
    an approved change all goes well."""
    file, rules = "/opt/fixed/a", host.config / "watch.yaml"
    for version in ("1.0-1", "2.0-1"):
        host.archive.build("fixed", version, files={file: version})
        host.archive.build("other", version, files={"/opt/other/a": version})
        host.publish()
        if version == "1.0-1":
            host.apt("apt-get", "install", "fixed", "other")
            host.transaction()
            assay(host, "baseline", "create", "--reason", "as installed")
            before = rules.read_text()
            rules.write_text(before + "  fixed: {mode: deny, paths: /opt/fixed}\n")
            host.sensor.send_signal(signal.SIGHUP)
            host.wait(lambda: host.status().get("deny", {}).get("frozen") == 2, "two flags")
    try:
        apt = host.start_apt("apt-get", "install", "fixed", "other")
        out = apt.communicate(timeout=120)[0].decode()
        assert apt.returncode != 0 and f"{file} (fixed)" in out and "/opt/other" not in out, out
        assert f"assay change open --for 1h --reason 'upgrade' --path {file}" in out, out
        installed = subprocess.run(host.inside("dpkg-query", "-W", "fixed", "other"),
                                   capture_output=True, text=True, check=True).stdout.split()
        assert installed == ["fixed", "1.0-1", "other", "1.0-1"]
        assert host.apt("apt-get", "install", "other") == 0  # nothing of it is denied
        assay(host, "change", "open", "CHG-1", "--path", "/opt/fixed", "--for", "5m", "--reason",
              "upgrade")
        assert host.apt("apt-get", "install", "fixed") == 0
        assert (host.place / file[1:]).read_text() == "2.0-1"
        assay(host, "change", "close", "CHG-1")
        host.wait(lambda: host.status().get("deny", {}).get("frozen") == 2, "the flags again")
    finally:
        rules.write_text(before)
        host.sensor.send_signal(signal.SIGHUP)
        host.wait(lambda: "profiles" in host.status() and not host.status().get("deny"),
                  "the end of mode deny")  # without it and without flags, nothing is said of it


def test_log(host):
    """What the log says of a transaction, in words."""
    out = subprocess.run([package_host.BIN / "assay", "log", "--kind", "integrity.package",
                          "--limit", "0", "--state", host.state], capture_output=True, text=True,
                         check=True).stdout
    assert "hello 1.0-1 → 2.0-1 all: upgrade, signed (holds), Release sample" in out, out
    assert "hello 2.0-1 all: remove" in out, out
    assert "1 packages ended: dpkg ended, 1 signed" in out, out


MADE = [
    # name, option of apt-get, said of it (None: nothing comes near)
    ("stdin", "-oDpkg::Options::=--pre-invoke=exec sh -s {prerm} <{evil}", None),
    ("program", "-oDpkg::Options::=--pre-invoke=exec {sort} {prerm} -o "
     "/opt/made/program", None),
    ("away", "-oDpkg::Options::=--pre-invoke=exec unshare -m --propagation private sh -c "
     "'mount --bind {evil} {prerm}; exec {prerm}'", "another mount namespace"),
    ("path", "-oDPkg::Path={programs}:/usr/sbin:/usr/bin:/sbin:/bin", "its PATH names other"),
]


@pytest.mark.parametrize("name, option, said", MADE, ids=[m[0] for m in MADE])
def test_made_to_do_it(host, name, option, said):
    """Neither what looks like a script of a package is one, nor one that was led to others'
    programs."""
    package = f"made-{name}"
    host.archive.build(package, files={f"/opt/{package}/a": "a"},
                       scripts={"prerm": "true", "postinst": "mkdir -p /opt/made; chgrp 0 /opt"})
    host.publish()
    host.apt("apt-get", "install", package)
    host.transaction()
    programs = host.directory / "programs"
    programs.mkdir(exist_ok=True)
    evil = programs / "chgrp"
    evil.write_text(f"#!/bin/sh\nnsenter -m/proc/{host.anchor.pid}/ns/mnt "
                    f"sh -c 'echo x >/opt/made/{name}'\n")
    evil.chmod(0o755)
    sort = shutil.copy(shutil.which("sort"), host.directory / "sort")
    words = ("remove",) if "unshare" in option else ("install", "--reinstall")
    host.apt("apt-get", *words, package, option.format(
        prerm=f"{INFO}/{package}.prerm", evil=evil, programs=programs, sort=sort), check=False)
    why = host.why(f"/opt/made/{name}", "created")
    assert why["state"] == "unexplained", why
    assert said in why.get("detail", "") if said else "declares" not in why.get("detail", ""), why
    host.transaction()


@pytest.mark.parametrize("variable", ["LD_PRELOAD=libm.so.6", "PERL5OPT=-Mstrict"])
def test_led(host, variable):
    """dpkg that was led to other code is not taken for dpkg, nor its script for the package's."""
    package = "led-" + variable[:2].lower()
    made = f"/opt/made/{package}"
    host.archive.build(package, files={f"/opt/{package}/a": "a"},
                       scripts={"prerm": f"mkdir -p /opt/made; echo x >>{made}"})
    host.publish()
    host.apt("apt-get", "install", package)
    host.apt("apt-get", "install", "--reinstall", package)
    assert host.why(made, "created")["state"] == "service"
    host.apt("env", variable, "apt-get", "remove", package)
    text = "its environment names other code"
    for why in host.why(f"/opt/{package}/a", "deleted"), host.why(made, "modified"):
        assert why["state"] == "unexplained" and text in why["detail"], why
    host.transaction()
