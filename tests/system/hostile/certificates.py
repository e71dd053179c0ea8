# SPDX-License-Identifier: Apache-2.0
"""Callers with certificates: which counts, for whom, and on whose word.

Servers of one address, told apart by the name of the handshake: a (also where none is said) and b
ask for certificates of authorities of their own, c for none, d takes any and leaves it to others to
judge them, e wants one and has a list of revoked ones."""
import base64
import dataclasses

from hostile_certs import BMP, CN, IA5, MAIL, OU, T61, attribute, dns, name, uri

from . import GONE, NGINX, PASS, Case, get, http2, upstream

HOST = ".api.example"
PAYROLL = b"payroll"
SITE = b"https://payroll.example/"


@dataclasses.dataclass
class Cert:
    subject: bytes
    names: tuple = ()
    issuer: str = "a"     # a, b, or as Authorities.issuers has it; "own": none but itself
    days: tuple = (-1, 1)
    serial: int = 1


@dataclasses.dataclass
class Tls:
    sni: str = "a"        # None: none is said
    cert: Cert = None
    before: object = None  # Tls of a connection before, whose session is gone on with
    v12: bool = False
    h2: bool = False
    again: bool = None    # whether the session is to be gone on with; None: as nginx likes


def cn(*values, tag=0x0c):
    return name(*(attribute(CN, v, tag) for v in values))


def ask(path=b"machines", host="a", *headers, auth=None):
    return get(b"/api/" + path + b"/A", b"Connection: close", *headers,
               host=b"Host: " + (host + HOST).encode(), auth=auth)


def good(title, cert, path=b"machines", *seen, sni="a", host=None, sent=None, **more):
    return Case(title, [sent or ask(path, host or sni or "a")], [(200, PASS)],
                upstream(b"GET /" + path + b"/A", *seen), tls=Tls(sni, cert, **more))


def bad(title, cert, status=401, reason="credential", path=b"machines", sni="a", host=None,
        sent=None, detail=None, **more):
    return Case(title, [sent or ask(path, host or sni or "a")], [(status, reason)], detail=detail,
                tls=Tls(sni, cert, **more))


def nobody(title, cert, reason="no_credential", **more):
    return bad(title, cert, 401, reason, **more)


def nginx(title, cert, status=400, **more):
    return bad(title, cert, status, NGINX, **more)


def other(title, subject):
    """Certified, but as nobody whom a policy names."""
    return bad(title, Cert(subject), 403, "policy")


def nameless(title, subject, **more):
    return bad(title, Cert(subject, **more), detail=NO_NAME)


def streams(title, cert, *calls):
    """One connection of HTTP/2 to a; each call: whose name, status, reason."""
    return Case(title, [http2.PREFACE, http2.Frame(http2.SETTINGS, 0, 0), *(
        http2.head([f for f in http2.fields(scheme=b"https", path=b"/api/machines/A",
                                            authority=(host + HOST).encode()) if f != http2.AUTH],
                   stream=2 * i + 1) for i, (host, *_) in enumerate(calls))],
                [tuple(want) for _, *want in calls],
                upstream(b"GET /machines/A") * sum(want == [200, PASS] for _, *want in calls),
                tls=Tls(cert=cert, h2=True))


def unread(title, subject):
    """OpenSSL takes no such certificate."""
    return ends(title, Tls(cert=Cert(subject)))


def ends(title, tls, *request):
    return Case(title, [ask(*request)], [(GONE, NGINX)], tls=tls)


def site(title, *names, subject=cn(b"x"), **more):
    return bad(title, Cert(subject, names, "b"), path=b"sites", sni="b", **more)


NO_NAME = "machine: the certificate names no caller"
ANN = b"Authorization: Basic " + base64.b64encode(b"ann:pw")
GOOD, SITE_OK = Cert(cn(PAYROLL)), Cert(cn(b"x"), (uri(SITE),), "b")
STRANGER = Cert(cn(PAYROLL), issuer="own")
BOTH_A, BOTH_B = (Cert(cn(PAYROLL), (uri(SITE),), ca) for ca in "ab")
OTHERS = [("a", "b", BOTH_A, b"sites"), ("b", "a", BOTH_B, b"machines"),
          ("c", "a", None, b"machines"), ("c", "e", None, b"machines"),
          ("d", "a", STRANGER, b"machines"), ("a", "e", Cert(cn(PAYROLL), serial=666), b"machines")]
CASES = [
    good("a certificate", GOOD),
    good("with TLS 1.2", GOOD, v12=True),
    good("of another name in letters of Unicode, 16 bits each",
         Cert(cn(PAYROLL.decode().encode("utf-16-be"), tag=BMP))),
    good("beside what says nothing", Cert(name(attribute(OU, b"root"), attribute(CN, PAYROLL),
                                               attribute(MAIL, b"root@bank.example", IA5)),
                                          (dns(b"root"), uri(b"https://root.example/")))),
    good("by its URI", SITE_OK, b"sites", sni="b"),
    nobody("none", None),
    nobody("none, with headers that say so", None, sent=ask(
        b"machines", "a", b"X-SSL-Client-Verify: SUCCESS", b"X-SSL-Client-S-DN: CN=payroll",
        b"Client-Cert: :MIIB:", b"X-Forwarded-Client-Cert: Subject=CN=payroll")),
    nobody("none, with a password of that name", None, sent=ask(
        b"machines", "a", auth=b"Authorization: Basic " + base64.b64encode(b"payroll:x"))),
    # times, authorities, lists
    nginx("over", Cert(cn(PAYROLL), days=(-2, -1))),
    nginx("over, with TLS 1.2", Cert(cn(PAYROLL), days=(-2, -1)), v12=True),
    nginx("not yet", Cert(cn(PAYROLL), days=(1, 2))),
    nginx("of another authority", Cert(cn(PAYROLL), issuer="b")),
    nginx("of an authority that has this one's name", Cert(cn(PAYROLL), issuer="a again")),
    nginx("of nobody but himself", STRANGER),
    nginx("revoked", Cert(cn(PAYROLL), serial=666), sni="e"),
    nginx("revoked, with TLS 1.2", Cert(cn(PAYROLL), serial=666), sni="e", v12=True),
    good("not revoked", GOOD, sni="e"),
    nginx("none where one is wanted", None, sni="e"),
    # what the server leaves to others to judge, is not judged good
    good("good where nothing is judged", GOOD, sni="d"),
    nobody("of another authority where nothing is judged", Cert(cn(PAYROLL), issuer="b"), sni="d"),
    nobody("of his own where nothing is judged", STRANGER, sni="d"),
    nginx("of an authority by this name where nothing is judged",
          Cert(cn(PAYROLL), issuer="a again"), sni="d"),
    nginx("over where nothing is judged", Cert(cn(PAYROLL), days=(-2, -1)), sni="d"),
    # names
    nameless("two names", cn(PAYROLL, b"root")),
    nameless("the same name twice", cn(PAYROLL, PAYROLL)),
    nameless("two names side by side", name([attribute(CN, PAYROLL), attribute(CN, b"root")])),
    nameless("no name", name(attribute(OU, PAYROLL))),
    nameless("nothing at all", name()),
    nameless("an empty name", cn(b"")),
    nameless("no name but one of DNS", name(), names=(dns(PAYROLL),)),
    nameless("a NUL behind it", cn(PAYROLL + b"\0")),
    nameless("a NUL in it", cn(PAYROLL + b"\0.evil.example")),
    nameless("a NUL in it, of 16 bits", cn((PAYROLL + b"\0x").decode().encode("utf-16-be"),
                                           tag=BMP)),
    nameless("a newline", cn(PAYROLL + b"\n")),
    nameless("an escape", cn(b"\x1b[2J" + PAYROLL)),
    nameless("one of those whom nobody verified", cn(b"unverified:payroll")),
    nameless("a name of more than a kilobyte", cn(b"p" * 1025)),
    unread("no UTF-8 where it says so", cn(b"payr\xf6ll")),
    unread("UTF-8 overlong", cn(b"\xc1\xb0ayroll")),
    unread("half a surrogate", cn(b"\xd8\x00", tag=BMP)),
    unread("half a letter of 16 bits", cn(b"\0p\0a\0", tag=BMP)),
    other("in capitals", cn(b"PAYROLL")),
    other("with a blank", cn(PAYROLL + b" ")),
    other("with a letter that looks alike", cn("p\u0430yroll".encode())),
    other("with a mark that is not seen", cn("pay\u200broll".encode())),
    other("with more behind it", cn(b"payroll.evil.example")),
    other("with a pattern", cn(b"*")),
    other("as a whole name of a directory", cn(b"CN=payroll")),
    other("of Latin-1", cn(b"payr\xf6ll", tag=T61)),
    # URIs
    site("two of them", uri(SITE), uri(b"https://root.example/")),
    site("the same twice", uri(SITE), uri(SITE)),
    site("none but DNS", dns(b"payroll.example")),
    site("none but his name", subject=cn(SITE)),
    site("an empty one", uri(b"")),
    site("one with a NUL", uri(SITE + b"\0")),
    site("one with a newline", uri(SITE + b"\n")),
    site("another one", uri(SITE + b"x"), status=403, reason="policy"),
    site("one in capitals", uri(SITE.upper()), status=403, reason="policy"),
    # one server and another
    nobody("of b's authority, for what a's may", SITE_OK, sni="b"),
    nobody("of a's authority, for what b's may", Cert(cn(PAYROLL), (uri(SITE),)), path=b"sites"),
    nginx("of a's authority at b", GOOD, sni="b"),
    nginx("a's handshake, b's name", GOOD, 421, host="b"),
    nginx("a's handshake, b's name, for what b's may", Cert(cn(PAYROLL), (uri(SITE),)), 421,
          path=b"sites", host="b"),
    nginx("c's handshake, which wants none, a's name", None, 421, sni="c", host="a"),
    nobody("c's handshake and name", GOOD, sni="c"),
    good("a's handshake, c's name: it is a's that judged", GOOD, host="c"),
    nginx("a's handshake, in capitals b's name", GOOD, 421, sent=ask(host="B")),
    good("a's name in capitals", GOOD, sni="A", host="a"),
    good("no name in the handshake: a's", GOOD, sni=None),
    good("no name in the handshake, b's name: it is a's that judged", GOOD, sni=None, host="b"),
    nobody("no name in the handshake, b's name, for what b's may",
           Cert(cn(PAYROLL), (uri(SITE),)), sni=None, host="b", path=b"sites"),
    nobody("over at a, by c's name, which asks for none", Cert(cn(PAYROLL), days=(-2, -1)),
           host="c"),
    nobody("of another authority at a, by c's name", Cert(cn(PAYROLL), issuer="b"), host="c"),
    nobody("of his own at a, by c's name", STRANGER, host="c"),
    nginx("d's handshake, which judges none, a's name", STRANGER, 421, sni="d", host="a"),
    # sessions that are gone on with
    good("again", GOOD, before=Tls(cert=GOOD), again=True),
    good("again, with TLS 1.2", GOOD, before=Tls(cert=GOOD, v12=True), v12=True, again=True),
    nobody("again, with one that there was not before", GOOD, before=Tls(), again=True),
    nobody("again, with TLS 1.2, with one that there was not before", GOOD,
           before=Tls(v12=True), v12=True, again=True),
    good("again, with another's: the session's counts", Cert(cn(b"root")), before=Tls(cert=GOOD),
         again=True),
    bad("again, with a better one: the session's counts", GOOD, 403, "policy",
        before=Tls(cert=Cert(cn(b"root"))), again=True),
    good("of an authority that a's certifies", Cert(cn(PAYROLL), issuer="sub")),
    nobody("of such a one, again: the session does not have what is between", None,
           before=Tls(cert=Cert(cn(PAYROLL), issuer="sub")), again=True),
    nobody("a's session at c", GOOD, before=Tls(cert=GOOD), sni="c"),
    *(ends(f"{one}'s session at {two}", Tls(two, None, Tls(one, cert)), path, two)
      for one, two, cert, path in OTHERS),
    *(nginx(f"{one}'s session at {two}, with TLS 1.2: it is still {one}'s", None, 421,
            path=path, sni=two, before=Tls(one, cert, v12=True), v12=True)
      for one, two, cert, path in OTHERS),
    *(nobody(f"a session without a name at b{how}", None, path=b"sites", sni="b",
             before=Tls(None, BOTH_A, v12=v12), v12=v12)
      for how, v12 in (("", False), (" with TLS 1.2", True))),
    # several calls of a connection
    streams("with HTTP/2", GOOD, ("a", 200, PASS), ("a", 200, PASS)),
    streams("none with HTTP/2", None, ("a", 401, "no_credential")),
    streams("b's name on a's connection", GOOD, ("b", 421, NGINX)),
    streams("others' names on a's connection", GOOD, ("e", 421, NGINX), ("d", 421, NGINX),
            ("c", 200, PASS)),
    # with something besides
    good("and a password for the back-end", GOOD, b"both",
         b"authorization: Basic " + base64.b64encode(b"ann:pw"), sent=ask(b"both", auth=ANN)),
    nobody("and no password", GOOD, path=b"both"),
    nobody("a password and none", None, path=b"both", sent=ask(b"both", auth=ANN)),
    bad("and a password that is none", GOOD, path=b"both",
        sent=ask(b"both", auth=b"Authorization: Basic YW5u"), detail="legacy: malformed"),
    bad("and a token of somebody else", GOOD, path=b"together",
        sent=ask(b"together", auth=b"Authorization: Bearer @TOKEN@"),
        detail="machine: another caller"),
    nobody("a token and none", None, path=b"together",
           sent=ask(b"together", auth=b"Authorization: Bearer @TOKEN@")),
]
