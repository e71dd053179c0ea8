#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The account service that examples/accounts describes, small and real.

    accounts.py [--unix /run/assay-example/accounts.sock | --port 8080]

It knows 60 accounts of 40 customers in 3 branches, the same ones after each start, and keeps what
is changed in memory.  It judges no caller: whoever reaches it may do everything, which is why
nobody but the gateway should.
"""
import argparse
import datetime
import email.utils
import http.server
import json
import os
import re
import socketserver
import threading
import urllib.parse
import uuid

BRANCHES = [{"id": "0100", "name": "Main Street", "city": "Springfield"},
            {"id": "0200", "name": "Harbour", "city": "Porto Novo"},
            {"id": "0300", "name": "Station Square", "city": "Uster"}]
CURRENCIES = ["CHF", "EUR", "GBP", "USD"]
FIRST = ["Ada", "Boris", "Chloe", "Dario", "Elif", "Femi", "Greta", "Hugo"]
LAST = ["Abel", "Brandt", "Castro", "Dunn", "Eriksen"]
STATUS = ["open"] * 8 + ["frozen", "closed"]
BODY_MAX = 64 * 1024
START = datetime.datetime(2026, 1, 5, 9, 0, tzinfo=datetime.timezone.utc)


class Problem(Exception):
    """RFC 9457."""

    def __init__(self, status, title, detail=""):
        super().__init__(title)
        self.status = status
        self.body = {"title": title, "status": status}
        if detail:
            self.body["detail"] = detail


def iban(country, number):
    """With the check digits of ISO 13616."""
    rest = f"{country}00"
    digits = "".join(str(int(c, 36)) for c in number + rest)
    return f"{country}{98 - int(digits) % 97:02}{number}"


def customer(i):
    first, last = FIRST[i % len(FIRST)], LAST[i // len(FIRST)]
    made = {"id": f"C{i + 1:06}", "name": f"{first} {last}",
            "ssn": f"{900 + i % 60:03}-{10 + i:02}-{1000 + 37 * i:04}",
            "born": str(datetime.date(1950, 1, 1) + datetime.timedelta(days=401 * i)),
            "email": f"{first}.{last}@mail.example".lower(),
            "address": {"street": f"{i + 1} Linden Road", "postcode": f"{8000 + i}",
                        "city": BRANCHES[i % 3]["city"], "country": "CH"},
            "branch": BRANCHES[i % 3]["id"]}
    made["phone"] = f"+41 44 555 {i:02} {i:02}" if i % 4 else None
    return made


def account(i, owner):
    cents = (7919 * (i + 1) ** 2) % 5_000_000
    return {"id": f"A{i + 1:08}", "iban": iban("CH", f"00762{i + 1:012}"),
            "status": STATUS[i % len(STATUS)], "branch": owner["branch"], "owner": owner["id"],
            "balance": {"hundredths": cents, "currency": CURRENCIES[i % 4]},
            "opened": str(datetime.date(2001, 3, 1) + datetime.timedelta(days=97 * i))}


class Bank:
    """Everything there is, and what may be done with it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.customers = {c["id"]: c for c in map(customer, range(40))}
        owners = list(self.customers.values())
        self.accounts = {a["id"]: a for a in
                         (account(i, owners[i % 40]) for i in range(60))}
        self.by_iban = {a["iban"]: a for a in self.accounts.values()}
        self.transfers = {id_: [] for id_ in self.accounts}
        self.sent = {}  # by account and Idempotency-Key: request, transfer
        ids = list(self.accounts)
        for i in range(30):
            self._book(self.accounts[ids[i]], {
                "to": self.accounts[ids[(7 * i + 11) % 60]]["iban"],
                "name": owners[(7 * i + 11) % 40]["name"],
                "amount": {"hundredths": 1000 + 25 * i, "currency": CURRENCIES[i % 4]},
                "text": f"invoice {1200 + i}"},
                str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:accounts:{i}")),
                START + datetime.timedelta(hours=5 * i), "done")

    def _book(self, source, request, id_, at, state):
        made = {"id": id_, **request, "state": state,
                "at": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self.transfers[source["id"]].append(made)
        target = self.by_iban.get(request["to"])
        if target and target is not source:
            self.transfers[target["id"]].append(made)
        return made

    def account(self, id_):
        if id_ not in self.accounts:
            raise Problem(404, "no such account")
        return self.accounts[id_]

    def customer(self, id_):
        if id_ not in self.customers:
            raise Problem(404, "no such customer")
        return self.customers[id_]

    def list_accounts(self, query):
        found = [a for a in self.accounts.values()
                 if query.get("status", a["status"]) == a["status"]
                 and query.get("branch", a["branch"]) == a["branch"]]
        return page("accounts", found, query, "id")

    def list_transfers(self, id_, query):
        since = query.get("since", "")
        found = sorted((t for t in self.transfers[self.account(id_)["id"]] if t["at"] >= since),
                       key=lambda t: (t["at"], t["id"]), reverse=True)
        return page("transfers", found, query, "id")

    def transfer(self, id_, key, request):
        source, amount = self.account(id_), request.get("amount", {})
        cents = amount.get("hundredths")
        if not isinstance(cents, int) or isinstance(cents, bool) or cents <= 0:
            raise Problem(422, "an amount is a whole number above 0")
        if not {"to", "name"} <= request.keys() <= {"to", "name", "amount", "text"}:
            raise Problem(422, "a transfer has to, name, amount and text")
        known = self.sent.get((id_, key))
        if known:
            if known[0] != request:
                raise Problem(409, "this key was used for another transfer")
            return known[1]
        if source["status"] != "open":
            raise Problem(409, f"the account is {source['status']}")
        if amount.get("currency") != source["balance"]["currency"]:
            raise Problem(422, "the account is in another currency")
        if source["balance"]["hundredths"] < cents:
            raise Problem(409, "there is not enough money in the account")
        source["balance"]["hundredths"] -= cents
        target = self.by_iban.get(request["to"])
        same = target and target["balance"]["currency"] == amount["currency"]
        if same:
            target["balance"]["hundredths"] += cents
        made = self._book(source, request, str(uuid.uuid5(uuid.NAMESPACE_URL, f"{id_}/{key}")),
                          datetime.datetime.now(datetime.timezone.utc),
                          "done" if same else "pending")
        self.sent[id_, key] = (request, made)
        return made

    def change(self, id_, change):
        """RFC 7396, of the members that may be changed."""
        if not change or not change.keys() <= {"email", "phone", "address"}:
            raise Problem(422, "email, phone and address may be changed")
        if change.get("email", "") is None or change.get("address", {}) is None:
            raise Problem(422, "only phone may be null")
        self.customer(id_).update(change)
        return self.customers[id_]


def page(name, found, query, key):
    try:
        limit = min(max(int(query.get("limit", 20)), 1), 100)
    except ValueError:
        raise Problem(400, "limit is a number") from None
    at = 0
    if "after" in query:
        at = next((i + 1 for i, x in enumerate(found) if x[key] == query["after"]), len(found))
    made = {name: found[at:at + limit]}
    if at + limit < len(found):
        made["next"] = found[at + limit - 1][key]
    return made


def same_key(pairs):
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Problem(400, "a key is there twice")
    return made


BANK = Bank()
ROUTES = [
    ("GET", r"/accounts", lambda r: BANK.list_accounts(r.query)),
    ("GET", r"/accounts/([^/]+)", lambda r: BANK.account(r.id)),
    ("GET", r"/accounts/([^/]+)/transfers", lambda r: BANK.list_transfers(r.id, r.query)),
    ("POST", r"/accounts/([^/]+)/transfers",
     lambda r: BANK.transfer(r.id, r.header("Idempotency-Key"), r.body("application/json"))),
    ("GET", r"/customers/([^/]+)", lambda r: BANK.customer(r.id)),
    ("PATCH", r"/customers/([^/]+)",
     lambda r: BANK.change(r.id, r.body("application/merge-patch+json"))),
    ("GET", r"/branches", lambda r: BRANCHES),
]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    query, id, rest = {}, "", None

    def header(self, name):
        if not self.headers.get(name):
            raise Problem(400, f"{name} is missing")
        return self.headers[name]

    def body(self, media):
        if self.headers.get_content_type() != media:
            raise Problem(415, f"{media} is taken here")
        try:
            made = json.loads(self.rest, object_pairs_hook=same_key)
        except ValueError:
            raise Problem(400, "this is no JSON") from None
        if not isinstance(made, dict):
            raise Problem(422, "an object is wanted")
        return made

    def read_body(self):
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,9}", length):
            self.close_connection = True
            raise Problem(411, "Content-Length is wanted")
        if int(length) > BODY_MAX:
            self.close_connection = True
            raise Problem(413, "this is too much")
        self.rest = self.rfile.read(int(length))

    def call(self):
        self.read_body()
        parts = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        there = False
        for method, pattern, function in ROUTES:
            found = re.fullmatch(pattern, parts.path)
            there = there or bool(found)
            if found and method == self.command:
                self.id = urllib.parse.unquote(found[1]) if found.groups() else ""
                with BANK.lock:
                    return json.dumps(function(self))
        raise Problem(405, "not here") if there else Problem(404, "nothing here")

    def answer(self):
        status, media = 201 if self.command == "POST" else 200, "application/json"
        try:
            text = self.call()
        except Problem as p:
            status, media, text = p.status, "application/problem+json", json.dumps(p.body)
        data = text.encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(data)))
        if status == 201:
            self.send_header("Location", f"{self.path}/{json.loads(text)['id']}")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = answer

    def address_string(self):
        return "gateway" if isinstance(self.client_address, (str, bytes)) \
            else self.client_address[0]

    def version_string(self):
        return "accounts"

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(timestamp, usegmt=True)


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def serve(options):
    if options.port:
        return http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    if os.path.exists(options.unix):
        os.unlink(options.unix)
    os.makedirs(os.path.dirname(options.unix), exist_ok=True)
    return UnixServer(options.unix, Handler)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--unix", default="/run/assay-example/accounts.sock",
                        help="the socket to listen on (%(default)s)")
    parser.add_argument("--port", type=int, help="or a port of this machine")
    with serve(parser.parse_args()) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
