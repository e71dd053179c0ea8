# SPDX-License-Identifier: Apache-2.0
"""Alerts by mail, through a real SMTP server (aiosmtpd) that refuses, hangs and comes back."""
import email
import email.policy
import re
import ssl
import time

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from recorder_host import wait_for
from uplink_host import Uplink, free_port, in_order_and_whole, later, make_certificates


class Server:
    """What it took is in mails; answer, if any, is what it says to the end of the next ones."""

    def __init__(self, host, port=None, **options):
        self.mails, self.answer, self.port = [], None, port or free_port()
        self.options, self.controller = options, None
        host.others.append(self)

    async def handle_DATA(self, server, session, envelope):
        if self.answer:
            return self.answer
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope, message, session))
        return "250 taken"

    def start(self):
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **self.options)
        self.controller.start()
        return self

    def stop(self):
        if self.controller:
            self.controller.stop()
            self.controller = None

    def indices(self):
        return [int(i) for _, message, _ in self.mails
                for i in re.findall(r"  #(\d+)  /etc/file", message.get_content())]


@pytest.fixture
def host():
    h = Uplink()
    h.recorder.start()
    yield h
    h.stop()


def mail(port, more="", gather="1s", every="2s"):
    return ("version: 1\nsinks:\n  post:\n    type: mail\n"
            f"    server: smtp://127.0.0.1:{port}\n    from: assay@web1.example.com\n"
            "    to: [ops@example.com, audit@example.com]\n    down_after: 1s\n"
            f"    retry_max: 1s\n    gather: {gather}\n    every: {every}\n{more}")


def test_one_mail_for_one_act(host):
    server = Server(host).start()
    host.configure(mail(server.port))
    host.start()
    want = host.raise_alerts(range(3), path="/etc/file-ä")
    wait_for(lambda: server.mails, "a mail")
    envelope, message, session = server.mails[0]
    assert envelope.mail_from == "assay@web1.example.com" and session.host_name == "web1"
    assert envelope.rcpt_tos == ["ops@example.com", "audit@example.com"]
    assert message["To"] == "ops@example.com, audit@example.com"
    n = len(re.findall(r"  #\d+  ", message.get_content()))
    assert message["Subject"] == f"[assay web1] {n} messages, high"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Assay-Index"].endswith(f"-{want[-1]}")
    assert re.fullmatch(rf"<\d+-{want[-1]}\.post\.assay\.invalid_h@web1\.example\.com>",
                        message["Message-ID"])
    assert abs(message["Date"].datetime.timestamp() - time.time()) < 300
    lines = message.get_content().splitlines()
    assert "2026-01-02T03:04:05Z  high      #%d  /etc/file-ä modified, by /usr/bin/vi, pid 17, " \
        "uid 0 [alert 1-0]" % want[0] in lines
    assert max(len(line) for line in envelope.content.splitlines()) <= 78
    assert server.indices() == want


def test_a_burst_is_few_mails_and_all_of_it(host):
    server = Server(host).start()
    host.configure(mail(server.port))
    host.start()
    want = host.raise_alerts(range(1200))
    wait_for(lambda: set(want) <= set(server.indices()), "all of them")
    assert server.indices() == want  # each once
    assert len(server.mails) <= 6
    assert max(len(re.findall("  #", m.get_content())) for _, m, _ in server.mails) <= 500


def test_a_flood_holds_nothing_back(host):
    """Full mails do not wait for each other: else 500 alerts each 5 minutes are hours for what
    comes behind somebody's flood."""
    server = Server(host).start()
    host.configure(mail(server.port, every="1h"))
    host.start()
    want = host.raise_alerts(range(2000))
    wait_for(lambda: len(server.indices()) > 1000, "the full ones")
    assert server.indices() == want[:len(server.indices())]


class Choosy(Server):
    """What it says to each recipient."""

    def __init__(self, host, **answers):
        super().__init__(host)
        self.answers, self.tries = answers, []

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.tries.append(address)
        said = self.answers.get(address.split("@")[0], "")
        if callable(said):
            said = said(self)
        if not said:
            envelope.rcpt_tos.append(address)
        return said or "250 good"


def test_one_recipient_that_is_gone_keeps_no_mail_from_the_others(host):
    server = Choosy(host, ops="550 5.1.1 no\x1b[2J such user").start()
    host.configure(mail(server.port, "    kinds: alert.raised\n"))
    host.start()
    want = host.raise_alerts(range(2))
    wait_for(lambda: server.indices() == want, "the mail")
    assert server.mails[0][0].rcpt_tos == ["audit@example.com"]
    wait_for(lambda: host.entries("alert.refused"), "the ledger's word")
    refused = host.entries("alert.refused")[0]["what"]
    assert refused["sink"] == "post" and refused["index"] <= want[0]
    assert refused["reason"] == r"not taken for ops@example.com: 550 5.1.1 no\x1b[2J such user"
    want += host.raise_alerts([3])
    wait_for(lambda: server.indices() == want, "the next mail")
    wait_for(lambda: host.is_up("post"), "its being up")
    assert len(host.entries("alert.refused")) == 1  # the same is told once


def test_a_recipient_that_has_to_wait_gets_it_later_and_the_others_once(host):
    """As a server with grey lists answers whom it does not know."""
    server = Choosy(host, ops=lambda s: "" if s.tries.count("ops@example.com") > 2 else
                    "451 4.7.1 later").start()
    host.configure(mail(server.port, "    kinds: alert.raised\n"))
    host.start()
    want = host.raise_alerts(range(2))
    wait_for(lambda: len(server.mails) == 2, "both mails")
    assert [m[0].rcpt_tos for m in server.mails] == [["audit@example.com"], ["ops@example.com"]]
    assert server.indices() == want * 2
    assert server.mails[0][1]["Message-ID"] == server.mails[1][1]["Message-ID"]
    want += host.raise_alerts([3])
    wait_for(lambda: len(server.mails) == 3, "the next mail")
    assert server.mails[2][0].rcpt_tos == ["ops@example.com", "audit@example.com"]
    assert not host.entries("alert.refused")


def test_what_the_server_refuses_comes_again(host):
    server = Server(host).start()
    server.answer = "554 5.7.1 no\033[2J spam here"
    host.configure(mail(server.port))
    host.start()
    want = host.raise_alerts(range(2))
    wait_for(lambda: host.is_down("post"), "its being down")
    assert "(reply 554)" in host.sink("post")["error"]
    server.answer = None
    wait_for(lambda: server.indices() == want, "the mail")
    server.stop()
    want += host.raise_alerts(range(5, 8))
    wait_for(lambda: host.is_down("post"), "its being down again")
    wait_for(lambda: host.entries("alert.sink_down"), "the ledger's word")
    host.kill()
    host.start()
    server.start()
    wait_for(lambda: set(want) <= set(server.indices()), "the rest")
    in_order_and_whole(server.indices(), want)
    wait_for(lambda: host.entries("alert.sink_up"), "the ledger's word")


def test_a_server_that_hangs_is_left(host):
    class Hanging(Server):
        async def handle_DATA(self, server, session, envelope):
            if not self.mails:
                import asyncio
                self.mails.append(None)
                await asyncio.sleep(30)
            return await super().handle_DATA(server, session, envelope)

    server = Hanging(host).start()
    host.configure(mail(server.port, "    timeout: 2s\n"))
    host.start()
    want = host.raise_alerts([1])
    wait_for(lambda: host.is_down("post"), "its being left")
    wait_for(lambda: len(server.mails) > 1, "the second try")
    server.mails.pop(0)
    assert set(want) <= set(server.indices())


def tls(host):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(host.top / "server.pem", host.top / "server.key")
    return context


def test_starttls_with_a_password(host):
    make_certificates(host.top)
    seen = []

    def check(server, session, envelope, mechanism, data):
        seen.append((mechanism, data.login, data.password))
        return AuthResult(success=data.password == b"s3cret")

    server = Server(host, tls_context=tls(host), require_starttls=True, authenticator=check,
                    auth_required=True).start()
    password = host.top / "password"
    password.write_text("s3cret\n")
    password.chmod(0o600)
    host.configure(mail(server.port, f"    tls: required\n    ca: {host.top}/ca.pem\n"
                                     f"    user: assay\n    password_file: {password}\n"))
    host.start()
    want = host.raise_alerts([1])
    wait_for(lambda: server.indices() == want, "the mail")
    assert server.mails[0][2].ssl and seen[-1][1:] == (b"assay", b"s3cret")
    assert "s3cret" not in host.said() + str(host.status())


def with_tls(port, ca):
    """From the first byte on."""
    return mail(port, f"    ca: {ca}\n").replace("smtp://", "smtps://")


def test_smtps(host):
    make_certificates(host.top)
    server = Server(host, ssl_context=tls(host)).start()
    host.configure(with_tls(server.port, host.top / "ca.pem"))
    host.start()
    want = host.raise_alerts(range(3))
    wait_for(lambda: server.indices() == want, "the mail")
    assert server.mails[0][2].host_name == "web1" and server.mails[0][0].rcpt_tos == [
        "ops@example.com", "audit@example.com"]


@pytest.mark.parametrize("wrong", ["name", "expired"])
def test_smtps_to_one_that_cannot_prove_who_it_is(host, wrong):
    if wrong == "name":
        make_certificates(host.top, name="mail.example.com")
    else:
        make_certificates(host.top, days=-1)
    server = Server(host, ssl_context=tls(host)).start()
    host.configure(with_tls(server.port, host.top / "ca.pem"))
    host.start()
    host.raise_alerts([1])
    wait_for(lambda: host.is_down("post"), "its being down")
    later(1)
    assert not server.mails


@pytest.mark.parametrize("wrong", ["authority", "no TLS"])
def test_without_a_proof_no_mail_and_no_password(host, wrong):
    make_certificates(host.top)
    other = host.top / "other"
    other.mkdir()
    make_certificates(other)
    other.chmod(0o755)
    options = {} if wrong == "no TLS" else {"tls_context": tls(host)}
    server = Server(host, **options).start()
    host.configure(mail(server.port, f"    tls: required\n    ca: {other}/ca.pem\n"))
    host.start()
    host.raise_alerts([1])
    wait_for(lambda: host.is_down("post"), "its being down")
    later(1)
    assert not server.mails


def test_a_password_that_others_may_read_is_refused(host):
    password = host.top / "password"
    password.write_text("s3cret\n")
    password.chmod(0o644)
    host.configure(mail(25, f"    user: x\n    password_file: {password}\n"))
    host.start()
    wait_for(lambda: host.is_down("post"), "its being down")
    assert "others may read it" in host.sink("post")["error"]
