# SPDX-License-Identifier: Apache-2.0
"""Policies as an account service would have them, with entities and requests, as one test in the
format of Cedar's integration tests: both engines read it, and both have to answer the same.

Groups, users and folders grow with the policies, as they do where policies grow; operations do not.
"""
import json
import random

OPERATIONS = 24
REQUESTS = 400

SCHEMA = """
entity Group in [Group];
entity User in [Group] = { clearance: Long, unit: String };
entity Folder in [Folder];
entity Account in [Folder] = { owner: User, limit: Long, labels: Set<String> };
type Call = { address: ipaddr, at: datetime, tls: Bool, amount?: Long,
              body?: { note: String, urgent: Bool } };
"""


def schema():
    actions = "".join(
        f'action "op{i}" in ["{"reads" if i % 2 else "writes"}"] appliesTo '
        "{ principal: User, resource: Account, context: Call };\n" for i in range(OPERATIONS))
    return SCHEMA + 'action "reads", "writes";\n' + actions


class Size:
    def __init__(self, policies):
        self.groups = max(8, policies // 10)
        self.folders = max(8, policies // 10)
        self.users = max(50, policies // 4)
        self.accounts = max(50, policies // 4)


def uid(kind, name):
    return {"type": kind, "id": name}


class Members:
    """Who is in a group, what is in a folder, directly."""

    def __init__(self, made):
        self.of = {}
        for entity in made:
            for parent in entity["parents"]:
                self.of.setdefault((parent["type"], parent["id"]), []).append(entity["uid"])

    def one(self, rng, kind, of, name):
        """An entity of this type that is in it, or is it."""
        found = [e for e in self.of.get((of, name), []) if e["type"] == kind]
        return rng.choice(found) if found else None


def entities(rng, size):
    out = []
    for i in range(size.groups):
        parents = [uid("Group", f"g{(i - 1) // 4}")] if i else []
        out.append({"uid": uid("Group", f"g{i}"), "attrs": {}, "parents": parents})
    for i in range(size.folders):
        parents = [uid("Folder", f"f{(i - 1) // 6}")] if i else []
        out.append({"uid": uid("Folder", f"f{i}"), "attrs": {}, "parents": parents})
    for i in range(size.users):
        groups = rng.sample(range(size.groups), 3)
        out.append({"uid": uid("User", f"u{i}"),
                    "attrs": {"clearance": rng.randint(0, 5), "unit": f"unit{i % 20}"},
                    "parents": [uid("Group", f"g{g}") for g in groups]})
    for i in range(size.accounts):
        owner = {"__entity": uid("User", f"u{rng.randrange(size.users)}")}
        out.append({"uid": uid("Account", f"a{i}"),
                    "attrs": {"owner": owner, "limit": rng.randint(1, 100) * 100,
                              "labels": rng.sample(["pii", "vip", "frozen", "joint", "eu"], 2)},
                    "parents": [uid("Folder", f"f{rng.randrange(size.folders)}")]})
    return out


CONDITIONS = [
    "context.tls",
    "context.tls && principal.clearance >= {n}",
    "context.address.isInRange(ip(\"10.{n}.0.0/16\"))",
    "resource.labels.contains(\"vip\") && principal.clearance > {n}",
    "context has amount && context.amount <= resource.limit",
    "context has body && !context.body.urgent || resource.owner == principal",
    "context.at < datetime(\"2026-0{m}-01\") && principal.unit like \"unit{n}*\"",
]


def policy(rng, size):
    """Its text, and whom, what and which account it may be about."""
    group, folder = f"g{rng.randrange(size.groups)}", f"f{rng.randrange(size.folders)}"
    user, account = f"u{rng.randrange(size.users)}", f"a{rng.randrange(size.accounts)}"
    op, other = f"op{rng.randrange(OPERATIONS)}", f"op{rng.randrange(OPERATIONS)}"
    when = rng.choice(CONDITIONS).format(n=rng.randint(1, 5), m=rng.randint(1, 9))
    about = (("Group", group), op, ("Folder", folder))
    p = rng.random()
    if p < 0.4:
        text = (f'permit(principal in Group::"{group}", action == Action::"{op}", '
                f'resource in Folder::"{folder}") when {{ {when} }};')
    elif p < 0.6:
        text = (f'permit(principal is User in Group::"{group}", '
                f'action in [Action::"{op}", Action::"{other}"], '
                f'resource is Account) when {{ resource.owner == principal && {when} }};')
    elif p < 0.8:
        text = (f'permit(principal == User::"{user}", action == Action::"{op}", '
                f'resource == Account::"{account}");')
        about = (("User", user), op, ("Account", account))
    elif p < 0.9:
        text = (f'forbid(principal in Group::"{group}", action in Action::"writes", '
                f'resource is Account in Folder::"{folder}") unless {{ {when} }};')
    elif p < 0.98:
        text = (f'permit(principal in Group::"{group}", action, '
                f'resource is Account in Folder::"{folder}") when {{ {when} }};')
    else:
        text = (f'forbid(principal, action == Action::"{op}", resource) when '
                f'{{ resource.labels.contains("frozen") && {when} }};')
    return text, about


def request(rng, size, members, about):
    """Half of them are about what some policy is about, the others about anything."""
    who, op, what = about
    principal = uid(*who) if who[0] == "User" else members.one(rng, "User", *who)
    resource = uid(*what) if what[0] == "Account" else members.one(rng, "Account", *what)
    if rng.random() < 0.5:
        principal = resource = None
    return {"principal": principal or uid("User", f"u{rng.randrange(size.users)}"),
            "action": uid("Action", op),
            "resource": resource or uid("Account", f"a{rng.randrange(size.accounts)}"),
            "context": context(rng)}


def context(rng):
    address = f"10.{rng.randint(0, 6)}.1.{rng.randint(1, 99)}"
    at = f"2026-0{rng.randint(1, 9)}-15T10:00:00Z"
    out = {"address": {"__extn": {"fn": "ip", "arg": address}},
           "at": {"__extn": {"fn": "datetime", "arg": at}},
           "tls": rng.random() < 0.9}
    if rng.random() < 0.5:
        out["amount"] = rng.randint(1, 12000)
    if rng.random() < 0.5:
        out["body"] = {"note": "as discussed", "urgent": rng.random() < 0.3}
    return out


def write(directory, policies):
    """bench.json and what it names, in directory."""
    rng = random.Random(policies)
    size = Size(policies)
    (directory / "bench.cedarschema").write_text(schema())
    made = [policy(rng, size) for _ in range(policies)]
    (directory / "bench.cedar").write_text("\n".join(text for text, _ in made) + "\n")
    store = entities(rng, size)
    (directory / "bench.entities.json").write_text(json.dumps(store))
    members = Members(store)
    requests = [request(rng, size, members, rng.choice(made)[1]) for _ in range(REQUESTS)]
    (directory / "bench.json").write_text(json.dumps({
        "policies": "bench.cedar", "entities": "bench.entities.json",
        "schema": "bench.cedarschema", "shouldValidate": True,
        "requests": [{"description": f"Request {i}", **r} for i, r in enumerate(requests)]}))
