# SPDX-License-Identifier: Apache-2.0
"""Alerts on their way to a program, rsyslog and a mail server, which fail in every way they can."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from recorder_host import BIN, Peer, change, wait_for
from uplink_host import HEAD, ROOT, Rsyslog, Uplink, alerts, free_port, got, in_order_and_whole, \
    later, make_certificates, program, succeed, syslog


@pytest.fixture
def host():
    h = Uplink()
    h.recorder.start()
    yield h
    h.stop()


# ---- a program ----

def test_a_program_gets_each_alert_as_json(host):
    host.configure(HEAD + program(host, body='id -u >>$0.uid; echo "$@" >>$0.args; pwd >>$0.args;'
                                             ' cat >>$0.got', run=["--urgent", "$HOME; x"]))
    host.start()
    want = host.raise_alerts(range(3))
    wait_for(lambda: alerts(host) == want, "three alerts")
    first = [m for m in got(host) if m["kind"] == "alert.raised"][0]
    entry = [e for e in host.entries("alert.raised")][0]
    assert first["entry"] == entry and first["severity"] == "high" and first["sink"] == "take"
    assert first["origin"] == "assay.invalid/h"
    assert first["text"] == ("/etc/file-0 modified, by /usr/bin/vi, pid 17, uid 0 [alert 1-0]")
    args = (host.spool / "take.args").read_text().splitlines()
    assert args[:2] == ["--urgent $HOME; x", "/"]  # no shell has read them
    if ROOT:
        assert set((host.spool / "take.uid").read_text().split()) == {"65534"}
    wait_for(lambda: host.sink("take").get("behind") == 0, "its cursor")
    host.end()
    cursor = json.loads((host.own / "take" / "cursor").read_text())
    assert cursor["delivered"] == len(got(host))


def test_what_is_selected(host):
    host.configure(HEAD + program(host, "all") + program(host, "bad") + "    severity: critical\n" +
                   program(host, "files") + "    kinds: [integrity.change]\n")
    host.start()
    high, worst = host.raise_alerts([1])[0], host.raise_alerts([2], severity="critical")[0]
    with Peer(host.recorder) as sensor:
        changed = sensor.put(change("/etc/x"))
    host.assay("alert", "test")
    wait_for(lambda: len(got(host, "files")) == 2, "a change and a trial")
    assert [m["kind"] for m in got(host, "files")] == ["integrity.change", "alert.test"]
    assert got(host, "files")[0]["index"] == changed
    assert got(host, "files")[0]["text"].startswith("integrity.change change=created path=/etc/x")
    wait_for(lambda: alerts(host, "all") == [high, worst], "both at the one")
    wait_for(lambda: [m["kind"] for m in got(host, "bad")] == ["alert.raised", "alert.test"],
             "the worst at the other")
    assert alerts(host, "bad") == [worst]


def test_the_values_that_are_sealed_do_not_go_out(host):
    host.configure(HEAD + program(host))
    host.start()
    with Peer(host.recorder) as sensor:
        skeleton = {"k": "alert.raised", "t": "2026-01-02T03:04:05.000000006Z", "v": 1,
                    "what": {"change": "modified", "id": "1-1", "path": "/x", "seen": "live",
                             "severity": "high"}, "who": {"uid": 1000}}
        sensor.put((skeleton, [(b"uid:1000", b"who.user", b'"margarethe"')]))
    wait_for(lambda: alerts(host), "the alert")
    said = (host.spool / "take.got").read_text()
    assert "margarethe" not in said and got(host)[-1]["entry"]["_sd"]
    index = alerts(host)[0]
    assert "margarethe" in host.assay("alert", "show", index).stdout  # root, on the host
    assert host.assay("alert", "show", "1-1", "--json").stdout.splitlines()[0] in \
        host.recorder.lines()


def test_a_program_that_fails_is_tried_again_from_the_ledger(host):
    host.configure(HEAD + program(host, body='test -e $0.ok || { echo "no pager" >&2; exit 3; }\n'
                                             'cat >>$0.got'))
    host.start()
    want = host.raise_alerts(range(5))
    wait_for(lambda: host.is_down("take"), "its being down")
    assert host.sink("take")["error"].endswith("exit status 3: no pager")
    wait_for(lambda: host.entries("alert.sink_down"), "the ledger's word")
    down = host.entries("alert.sink_down")[0]["what"]
    assert down["sink"] == "take" and down["index"] <= want[0] and "no pager" in down["reason"]
    assert host.assay("alert", "sinks", check=False).returncode == 1
    assert host.assay("status", check=False).returncode == 1
    assert re.search(r"take +command +down ", host.assay("alert", "sinks", check=False).stdout)
    host.kill()  # and memory with it
    host.start()
    (host.spool / "take.ok").touch()
    wait_for(lambda: alerts(host) == want, "all five")
    wait_for(lambda: host.entries("alert.sink_up"), "the ledger's word")
    up = host.entries("alert.sink_up")[0]["what"]
    assert up["from"] == down["index"] and up["until"] > up["from"]
    assert len(host.entries("alert.sink_down")) == 1
    wait_for(lambda: host.is_up("take"), "its being up")
    assert host.assay("alert", "sinks").returncode == 0
    kinds = {m["kind"] for m in got(host)}
    assert not kinds & {"alert.sink_down", "alert.sink_up"}  # of itself it is not told


def test_one_that_is_refused_for_good_is_told_and_passed_over(host):
    host.configure(HEAD + program(host, body='cat >$0.in; grep -q file-1\\" $0.in && '
                                             '{ echo "bad one" >&2; exit 65; }\ncat $0.in >>$0.got')
                   + program(host, "other"))
    host.start()
    want = host.raise_alerts(range(3))
    wait_for(lambda: alerts(host) == [want[0], want[2]], "the other two")
    wait_for(lambda: host.entries("alert.refused"), "the ledger's word")
    refused = host.entries("alert.refused")[0]["what"]
    assert (refused["index"], refused["sink"]) == (want[1], "take")
    assert refused["reason"].endswith("exit status 65: bad one")
    wait_for(lambda: host.sink("take").get("refused") == 1, "its status")
    wait_for(lambda: "alert.refused" in {m["kind"] for m in got(host, "other")}, "the other sink")


def test_two_that_refuse_everything_do_not_tell_of_each_other_for_ever(host):
    host.configure(HEAD + program(host, "a", "exit 65") + program(host, "b", "exit 65"))
    host.start()
    host.raise_alerts(range(2))
    wait_for(lambda: host.sink("a").get("behind") == 0 == host.sink("b").get("behind")
             and host.sink("a").get("refused", 0) > 3, "quiet")
    size = host.recorder.published()
    later(1.5)
    assert host.recorder.published() == size


def test_one_sink_holds_no_other_up(host):
    host.configure(HEAD + program(host, "hangs", "sleep 600") + "    timeout: 1h\n" +
                   program(host, "quick"))
    host.start()
    want = host.raise_alerts(range(20))
    wait_for(lambda: alerts(host, "quick") == want, "all at the other")
    assert not alerts(host, "hangs") and host.sink("hangs").get("delivered", 0) == 0
    host.kill()  # the program that hangs, and who runs it, go too
    wait_for(lambda: subprocess.run(["pgrep", "-f", str(host.top)], check=False,
                                    stdout=subprocess.PIPE).stdout.split() ==
             [str(host.recorder.process.pid).encode()], "their end")


def test_a_program_that_hangs_is_ended(host):
    host.configure(HEAD + program(host, body="test -e $0.once || { touch $0.once; "
                                             "exec sleep 600; }\ncat >>$0.got") +
                   "    timeout: 1s\n")
    host.start()
    want = host.raise_alerts([1])
    wait_for(lambda: alerts(host) == want, "the second try")
    assert "ended by force after 1 s" in host.said()


def test_killed_a_hundred_times(host):
    """Every alert arrives at least once and in order, whatever was under way."""
    host.configure(HEAD + program(host))
    dice, want, stop = random.Random(8), [], threading.Event()

    def feed():
        with Peer(host.recorder) as sensor:
            from uplink_host import alert
            n = 0
            while not stop.is_set():
                want.append(sensor.put(alert(n)))
                n += 1
                stop.wait(0.02)

    host.start()
    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        for _ in range(100):
            later(dice.uniform(0, 0.12))
            host.kill()
            host.spawn()
    finally:
        stop.set()
        feeder.join()
    wait_for(lambda: set(want) <= set(alerts(host)), "the last one")
    in_order_and_whole(alerts(host), want)
    assert len(alerts(host)) <= len(want) + 100  # one repeat a kill at most
    host.recorder.verify()


# ---- where entries are gone, the disk is full, the ledger is another ----

def test_what_was_pruned_meanwhile_is_said(host):
    host.configure(HEAD + program(host))
    host.start()
    host.assay("alert", "test")
    host.end()
    host.raise_alerts(range(600))
    host.recorder.published()
    policy = host.top / "policy"
    policy.write_text("keep little\n")
    host.command = host.recorder.command
    host.command("prune", min_index=512, policy="p", policy_sha256="0" * 64,
                 until="2026-01-01T00:00:00.000000000Z")
    host.start()
    wait_for(lambda: host.entries("alert.missed"), "the ledger's word")
    missed = host.entries("alert.missed")[0]["what"]
    assert missed["sink"] == "take" and missed["until"] == 512 and missed["reason"] == "pruned"
    wait_for(lambda: host.sink("take").get("behind") == 0, "the rest")
    assert min(alerts(host)) == 512
    cursor = json.loads((host.own / "take" / "cursor").read_text())
    assert cursor["missed"] == 512 - missed["from"]


@pytest.mark.parametrize("running", [True, False])
def test_into_the_next_ledgers(host, running):
    host.configure(HEAD + program(host))
    host.start()
    want = [("assay.invalid/h", i) for i in host.raise_alerts(range(3))]
    wait_for(lambda: len(alerts(host)) == 3, "the first three")
    if not running:
        host.end()
    for n, name in enumerate(("example.com/two", "example.com/three")):
        want += [(want[-1][0], i) for i in host.raise_alerts([10 + n])]
        succeed(host, name)
        want += [(name, i) for i in host.raise_alerts(range(20, 23))]
    if not running:
        host.start()
    wait_for(lambda: len(alerts(host)) >= len(want), "all of the three ledgers")
    assert [(m["origin"], m["index"]) for m in got(host) if m["kind"] == "alert.raised"] == want
    assert not host.entries("alert.missed")


def test_a_ledger_that_went_away_is_said(host):
    host.configure(HEAD + program(host))
    host.start()
    host.raise_alerts([1])
    wait_for(lambda: alerts(host), "the first")
    host.end()
    host.raise_alerts([2])
    succeed(host, "example.com/two")
    for part in ("ledger.1", "ledger.1.private"):
        subprocess.run(["mv", host.recorder.state / part, host.top / part], check=True)
    host.start()
    wait_for(lambda: host.entries("alert.missed"), "the ledger's word")
    missed = host.entries("alert.missed")[0]["what"]
    assert missed["origin"] == "assay.invalid/h" and "until" not in missed
    host.raise_alerts([3])
    wait_for(lambda: len(alerts(host)) == 2, "the new ledger's")


@pytest.mark.skipif(not ROOT, reason="needs root: a small filesystem")
def test_no_room_for_the_cursor(host):
    """Nothing more is delivered than can be remembered; with room again it goes on."""
    host.configure(HEAD + program(host))
    host.own.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", host.own],
                   check=True)
    try:
        host.start()
        want = host.raise_alerts([1])
        wait_for(lambda: alerts(host) == want, "the first")
        ballast = host.own / "ballast"
        with open(ballast, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        want += host.raise_alerts(range(2, 10))
        wait_for(lambda: host.is_down("take"), "its stopping")
        assert "the cursor cannot be written" in host.sink("take")["error"]
        assert len(alerts(host)) <= 2  # one that could not be remembered at most
        ballast.unlink()
        wait_for(lambda: alerts(host) == want, "the rest")
        host.end()
    finally:
        if host.process.poll() is None:
            host.kill()
        subprocess.run(["umount", "-l", host.own], check=True)


def test_the_recorder_is_away_for_a_while(host):
    host.configure(HEAD + program(host, body="test -e $0.ok && cat >>$0.got") +
                   program(host, "other"))
    host.start()
    want = host.raise_alerts(range(3))
    host.recorder.published()
    host.recorder.kill()
    wait_for(lambda: host.is_down("take") and alerts(host, "other") == want, "the other sink")
    later(1.5)
    host.recorder.start()
    wait_for(lambda: host.entries("alert.sink_down"), "the ledger's word", 120)
    (host.spool / "take.ok").touch()
    wait_for(lambda: alerts(host) == want, "the alerts")
    assert len(host.entries("alert.sink_down")) == 1


# ---- deliver.yaml ----

def test_without_a_file_nothing_is_delivered_and_that_is_said(host):
    host.start()
    host.raise_alerts([1])
    status = host.assay("status", check=False).stdout
    assert re.search(r"^uplink +running", status, re.M)
    assert "delivers nothing: there is no deliver.yaml" in status
    assert "there is no deliver.yaml" in host.assay("alert", "sinks").stdout
    assert host.assay("alert", "test", check=False).returncode == 3
    assert not host.entries("alert.sinks")


def test_a_file_with_a_mistake_delivers_nothing_and_is_seen(host):
    host.configure("version: 1\nsinks:\n  x: {type: jornal}\n")
    host.start()
    assert "deliver.yaml:3:13: journal, syslog, command or mail should stand here" in \
        host.assay("status", check=False).stdout
    assert host.assay("alert", "sinks", check=False).returncode == 1
    wait_for(lambda: host.entries("alert.sinks"), "the ledger's word")
    assert "3:13" in host.entries("alert.sinks")[0]["what"]["refused"]
    checked = host.assay("alert", "check", host.etc / "deliver.yaml", check=False)
    assert checked.returncode == 1 and checked.stdout.startswith("deliver.yaml:3:13: journal")
    host.configure(HEAD + program(host))
    checked = host.assay("alert", "check", "--config", host.etc)
    assert checked.stdout.endswith("deliver.yaml: take (command)\n")
    host.process.send_signal(signal.SIGHUP)
    assert host.process.wait(timeout=30) == 75  # whoever supervises starts it again
    host.start()
    wait_for(lambda: len(host.entries("alert.sinks")) == 2, "the ledger's word")
    assert host.entries("alert.sinks")[1]["what"]["sinks"] == [["take", "command"]]
    host.end()
    host.start()
    host.assay("alert", "test")
    assert len(host.entries("alert.sinks")) == 2  # the same is not told again


@pytest.mark.skipif(not ROOT, reason="needs root: another's file")
def test_a_file_that_others_may_write_is_refused(host):
    host.configure(HEAD + program(host))
    (host.etc / "deliver.yaml").chmod(0o666)
    host.start()
    assert "others than root may write it" in host.assay("status", check=False).stdout


def test_a_new_sink_begins_now_or_with_all(host):
    before = host.raise_alerts(range(3))
    host.recorder.published()
    host.configure(HEAD + program(host, "now") + program(host, "all") + "    history: all\n")
    host.start()
    wait_for(lambda: host.sink("now").get("behind") == 0, "its place")
    after = host.raise_alerts([5])
    wait_for(lambda: alerts(host, "all") == before + after, "all")
    wait_for(lambda: alerts(host, "now") == after, "the new one")


# ---- syslog ----

WAYS = ["udp", "tcp", "tls", "unix"]


def place(host, way):
    """A server that does not run yet, and the sink for it."""
    if way == "unix":
        path = host.top / "devlog"
        return Rsyslog(host, way, path=path), syslog(way, path)
    server = Rsyslog(host, way)
    more = ""
    if way == "tls":
        make_certificates(host.top)
        more = f"    ca: {host.top}/ca.pem\n"
    return server, syslog(way, f"{way}://127.0.0.1:{server.port}", more)


def begin(host, server, way):
    """What rsyslog is sent while it starts it may drop, and without an answer nobody can know."""
    if way in ("tcp", "tls"):
        server.start()
        return
    host.end()
    server.start()
    later(0.5)
    host.start()


@pytest.mark.parametrize("way", WAYS)
def test_rsyslog_gets_what_it_was_away_for(host, way):
    server, sink = place(host, way)
    host.configure(HEAD + sink)
    host.start()
    want = host.raise_alerts(range(70))  # more than go at once
    wait_for(lambda: host.is_down(way), "its being down")
    begin(host, server, way)
    wait_for(lambda: server.runs() and set(want) <= set(server.indices()), "all of them")
    in_order_and_whole(server.indices(), want)
    server.stop(signal.SIGKILL)
    want += host.raise_alerts(range(100, 110))
    wait_for(lambda: host.is_down(way), "its being down again")
    begin(host, server, way)
    wait_for(lambda: server.runs() and set(want) <= set(server.indices()), "the rest")
    in_order_and_whole(server.indices(), want)
    if way == "unix":
        judge_local(server)
        return
    fields = [f for f in server.parsed() if f[2] == "alert.raised"][0]
    assert fields[:4] == ["h", "assay", "alert.raised", "err"]
    assert f'index="{want[0]}" origin="assay.invalid/h" severity="high"' in fields[4]
    assert 'alert="1-0"' in fields[4]
    assert fields[5].lstrip().startswith("/etc/file-0 modified, by")


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is missing")
def test_a_new_sink_has_what_comes_once_the_uplink_is_there(host):
    """Its courier is slow to come as far as to look for its place."""
    host.configure(HEAD + program(host))
    host.before = ["strace", "-D", "-f", "-o", host.top / "trace", "-e", "trace=flock", "-e",
                   "inject=flock:delay_enter=1500000"]
    host.start()
    want = host.raise_alerts(range(5))
    wait_for(lambda: "DELAYED" in (host.top / "trace").read_text(), "its being slow")
    wait_for(lambda: alerts(host) == want, "all of them", 20)


def judge_local(server):
    """By what a daemon expects of syslog(3): a tag, and this host's name for a host."""
    fields = [f for f in server.parsed() if "alert.raised" in f[5]][0]
    assert fields[:4] == [socket.gethostname().split(".")[0], "assay", "-", "err"]
    assert re.match(r" alert\.raised index=\d+ origin=assay\.invalid/h severity=high alert=1-0: "
                    r"/etc/file-0 modified, by", fields[5])


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_a_receiver_that_dies_with_bytes_unread_gets_them_again(host, way):
    """The kernel took them, nobody read them: that is not delivered."""
    if way == "tls":
        make_certificates(host.top)
    port = free_port()
    listener = socket.create_server(("127.0.0.1", port))
    more = f"    ca: {host.top}/ca.pem\n" if way == "tls" else ""
    host.configure(HEAD + syslog(way, f"{way}://127.0.0.1:{port}", more))
    host.start()
    want = host.raise_alerts(range(3))
    taken, _ = listener.accept()  # its kernel acknowledges, it reads nothing
    later(1)
    assert host.sink(way).get("delivered", 0) == 0
    taken.close()
    listener.close()
    wait_for(lambda: host.is_down(way), "its being down")
    server = Rsyslog(host, way, port=port).start()
    wait_for(lambda: set(want) <= set(server.indices()), "all of them")
    in_order_and_whole(server.indices(), want)


@pytest.mark.parametrize("wrong", ["authority", "name", "expired"])
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(host, wrong):
    server, _ = place(host, "tls")
    ca = host.top / "ca.pem"
    more = f"    ca: {ca}\n    tls_name: logs.example.com\n"
    if wrong == "expired":
        make_certificates(host.top, days=-1)
        more = f"    ca: {ca}\n"
    if wrong == "authority":
        other = host.top / "other"
        other.mkdir()
        make_certificates(other)
        other.chmod(0o755)
        more = f"    ca: {other}/ca.pem\n"
    host.configure(HEAD + syslog("tls", f"tls://127.0.0.1:{server.port}", more))
    server.start()
    host.start()
    host.raise_alerts(range(3))
    wait_for(lambda: host.is_down("tls"), "its being down")
    assert "the server's certificate" in host.sink("tls")["error"]
    assert not server.indices()


def test_octets_are_counted(host):
    """RFC 6587, 3.4.1, by hand: no newline decides where a message ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    host.configure(HEAD + syslog("tcp", f"tcp://127.0.0.1:{port}"))
    host.start()
    with Peer(host.recorder) as sensor:
        from uplink_host import alert
        sensor.put(alert(1, path='/etc/"]\\ x\n'))
    taken, messages = b"", []
    while not any(b"alert.raised" in m for m in messages):
        conn, _ = listener.accept()
        while part := conn.recv(65536):
            taken += part
        conn.close()
        while taken:
            n, rest = taken.split(b" ", 1)
            messages.append(rest[:int(n)])
            assert len(messages[-1]) == int(n)
            taken = rest[int(n):]
    found = [m for m in messages if b"alert.raised" in m][0].decode()
    assert re.fullmatch(r"<83>1 2026-01-02T03:04:05\.000000Z h assay - alert\.raised "
                        r'\[assay@32473 index="\d+" origin="assay\.invalid/h" severity="high" '
                        r'id="[^"]+" alert="1-1"\] /etc/"\]\\\\ x\\x0a modified, by .*',
                        found), found
    listener.close()


def test_a_certificate_file_that_is_not_there_is_a_sink_that_is_down(host):
    host.configure(HEAD + syslog("tls", "tls://127.0.0.1", "    ca: /nowhere/ca.pem\n") +
                   program(host))
    host.start()
    want = host.raise_alerts([1])
    wait_for(lambda: alerts(host) == want, "the other")
    wait_for(lambda: host.is_down("tls"), "its being down")
    assert "/nowhere/ca.pem" in host.sink("tls")["error"]
    wait_for(lambda: host.entries("alert.sink_down"), "the ledger's word")


# ---- up and doctor, and a host where nothing runs ----

def test_doctor_and_sinks_where_nothing_runs(tmp_path):
    places = ["--state", tmp_path, "--run", tmp_path]
    done = subprocess.run([BIN / "assay", "alert", "sinks", *places], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 3 and "does not run" in done.stderr
    done = subprocess.run([BIN / "assay", "doctor", *places], capture_output=True, text=True,
                          check=False)
    assert re.search(r"^good +delivery +not running: no alert leaves this host$", done.stdout, re.M)


@pytest.mark.skipif(not ROOT, reason="needs root: groups")
def test_a_ledger_that_only_its_group_reads(host):
    """As the unit's UMask= makes it."""
    host.recorder.published()
    host.recorder.end()
    old = os.umask(0o027)
    try:
        group = 61301
        for path, names, files in os.walk(host.recorder.public):
            for name in [""] + names + files:
                os.chown(os.path.join(path, name), -1, group)
                os.chmod(os.path.join(path, name), 0o640 if name in files else 0o2750)
        host.recorder.start()
    finally:
        os.umask(old)
    host.configure(HEAD + program(host))
    host.start()
    want = host.raise_alerts(range(3))
    wait_for(lambda: alerts(host) == want, "the alerts")


def test_what_is_left_of_its_rights(host):
    if not ROOT:
        pytest.skip("needs root: users")
    host.configure(HEAD + program(host) + syslog("net", "tcp://127.0.0.1:9"))
    host.start()
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = open(f"/proc/{pid}/status", encoding="utf-8").read()
        except OSError:
            continue
        fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        if fields.get("PPid") == str(host.process.pid) or pid == str(host.process.pid):
            children[pid] = fields
    assert len(children) == 4  # itself, two couriers, the one that runs the program
    for fields in children.values():
        assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
        assert fields["NoNewPrivs"] == "1" and "0" not in fields["Uid"].split()
    users = sorted(f["Uid"].split()[0] for f in children.values())
    assert users == ["61300"] * 3 + ["65534"]
    assert sorted(f["Seccomp"] for f in children.values()) == ["0", "2", "2", "2"]
