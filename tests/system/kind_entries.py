# SPDX-License-Identifier: Apache-2.0
"""Entries made out of docs/kinds.md, which is printed from the table of kinds: one of each with
every field, or any number of random ones."""
import base64
import datetime
import pathlib
import random
import re

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"\| `([a-z0-9_.]+)` \| ([^|]+?) \| ([^|]*?) \| (.*) \|$")
HEAD = re.compile(r"## ([a-z._]+), version (\d+)")
OWNER = re.compile(r"Owner: `([a-z]+)`\.(?: OCSF class (\d+)\.)?")
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Field:
    def __init__(self, path, kind, flags, about):
        self.path, self.type, self.about = path, kind, about
        self.required, self.sensitive = "required" in flags, "sensitive" in flags
        self.words = [w for w in re.findall(r"[a-z_]{2,}", about) if w not in ("or", "and", "of")]


class Kind:
    def __init__(self, name, version):
        self.name, self.version = name, int(version)
        self.owner = self.ocsf = None
        self.fields = []


def kinds():
    """Every kind; the base64 form of a field is left out."""
    found = []
    for line in (SOURCE / "docs" / "kinds.md").read_text().splitlines():
        if head := HEAD.match(line):
            found.append(Kind(*head.groups()))
        elif found and (owner := OWNER.search(line)):
            found[-1].owner, found[-1].ocsf = owner[1], int(owner[2] or 0)
        elif found and (row := ROW.match(line)) and row[2] != "base64":
            found[-1].fields.append(Field(*row.groups()))
    return found


def time_text(rng):
    day = datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=rng.randrange(1 << 27))
    return day.strftime("%Y-%m-%dT%H:%M:%S.") + f"{rng.randrange(10**9):09}Z"


def entry_id(rng, run, seq):
    stamp = rng.randrange(1 << 47)
    text = "".join(CROCKFORD[stamp >> 5 * (9 - i) & 31] for i in range(10))
    return f"{text}-web1-{run}-{seq}"


TEXTS = ["", "x", "/etc/passwd", "/", "/a b/c\"d\\e", "Grüße", "a\nb\tc\x01", "日本語", "//x//",
         "Other", "0644", "99", "-", "\u202e", "\x7f", "\U0001f600", "a" * 500]
ADDRESSES = ["192.0.2.7:50022", "198.51.100.1", "[2001:db8::7]:22", "2001:db8::7",
             "[fe80::1%2]:2222", "::1", "not an address", "[broken"]


# Those of the host's state that have a class of their own, one of a target, and one that has none.
TABLES = ["authorized_keys", "cron", "groups", "hardware", "logins", "modules", "namespace_ports",
          "packages", "passwords", "pg_roles.x", "ports", "suid", "timers", "users", "mounts"]
COLUMNS = ["address", "command", "executes", "from", "gid", "id", "model", "name", "path", "port",
           "serial", "slot", "uid", "user", "vendor", "version"]


def kin(rng):
    return [rng.randrange(1 << 22), rng.choice(["/usr/bin/sshd", "bash", None]),
            rng.choice([0, 1000, None])]


def value(rng, field):
    if "address" in field.path and field.type == "text" and field.sensitive:
        return rng.choice(ADDRESSES)
    if field.path.endswith("mode") and "octal" in field.about:
        return rng.choice(["0644", "4755", "0000", "7777"])
    if field.path == "who.parents":
        return [kin(rng) for _ in range(rng.randrange(5))]
    if field.path == "what.table":
        return rng.choice(TABLES)
    if field.path in ("what.new", "what.old"):
        return [[c, rng.choice([*TEXTS, 7, 70000, -1, None, [], True])]
                for c in rng.sample(COLUMNS, 4)]
    makers = {
        "text": lambda: rng.choice(field.words + rng.sample(TEXTS, 2)),
        "integer": lambda: rng.choice([0, 1, 7, 1000, 4294967295, -5, (1 << 53) - 1]),
        "true or false": lambda: rng.random() < 0.5,
        "time": lambda: time_text(rng),
        "SHA-256": lambda: f"{rng.getrandbits(256):064x}",
        "unsigned": lambda: rng.choice([0, 5, 1 << 40, str(1 << 53), str((1 << 64) - 1)]),
        "array": lambda: rng.choice([[], ["a"], ["mode", "uid"], ["mtime"], [["x", "y"], ["z"]],
                                     [1, None, True], ["/etc/a", "/etc/b"]]),
        "object": lambda: rng.choice([{}, {"a": 1}, {"b": ["c", {"d": None}]}]),
    }
    return makers[field.type]()


def full_value(rng, field):
    """One that says something, for the entry with every field."""
    if field.path == "what.table":
        return "mounts"  # one of the kind's own class
    found = value(rng, field)
    while found in ("", [], {}) or (field.type == "unsigned" and isinstance(found, str)):
        found = value(rng, field)
    return found


def put(entry, path, item):
    part, key = path.split(".")
    entry.setdefault(part, {})[key] = item


def entry_of(rng, kind, seq, full=False, sensitive=False):
    """(entry, [(name, value)] of its sensitive fields)."""
    run = rng.randrange(1, 9)
    entry = {"id": entry_id(rng, run, seq), "k": kind.name, "t": time_text(rng),
             "v": kind.version,
             "src": {"host": "web1", "proc": kind.owner, "run": run, "seq": seq}}
    beside = []
    for field in kind.fields:
        if not (full or field.required or rng.random() < 0.6):
            continue
        item = (full_value if full else value)(rng, field)
        if field.sensitive:
            if sensitive:
                beside.append((field.path, item))
            continue
        path = field.path
        if not full and field.path in ("what.path", "what.from", "who.exe", "who.comm"):
            if rng.random() < 0.1:
                path += "_b64"
                item = base64.b64encode(rng.choice([b"/\xff", b"\x80", b"/a/\xfe\n/b"])).decode()
        put(entry, path, item)
    return entry, beside


def full_entries(seed=1):
    rng = random.Random(seed)
    return [entry_of(rng, kind, n, full=True)[0] for n, kind in enumerate(kinds())]


def random_entries(count, seed):
    rng = random.Random(seed)
    table = kinds()
    return [entry_of(rng, rng.choice(table), n)[0] for n in range(count)]
