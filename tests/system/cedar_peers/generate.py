# SPDX-License-Identifier: Apache-2.0
"""generate.py SEED COUNT DIR [--first N] [--requests N] [--mutations N] - COUNT tests in the format
of Cedar's integration tests, with requests but without answers: oracle.js fills those in.

Every test depends on SEED and its number only, so that one can be made again (--first).  Most are
well typed; of ten tests about three have policies with something wrong in them, one values or many
requests that are not of the schema, and one a text with a token changed.  Three have templates and
links of them, and of three the schema is JSON.
"""
import argparse
import json
import pathlib
import random
import re

from cedar_expressions import Expressions
from cedar_schema_json import SchemaJson
from cedar_schemas import BOOL, Schema
from cedar_text import literal
from cedar_values import Values

JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z]+|-?[\d.eE+-]+|\s+|.', re.DOTALL)
JSON_STRANGE = ["null", "true", "1.0", "1e2", "-0", "01", "9223372036854775808", "NaN", "{}", "[]",
                "\"\"", "\"__entity\"", "\"__extn\"", "\"__expr\"", "\"fn\"", "\"arg\"",
                "\"args\"", "\"type\"", "\"id\"", "\"uid\"", "\"attrs\"", "\"parents\"",
                "\"tags\"", "\"ip\"", "\"offset\"", "\"\\ud83d\\ude00\"", "\"\\ud83d\"",
                "\"\\q\"", "\"\t\"", "[", "]", "{", "}", ",", ":", "//", "'a'", "\ufeff"]
JSON_SCHEMA_STRANGE = JSON_STRANGE + [
    f'"{word}"' for word in (
        "type", "name", "Record", "Set", "Entity", "EntityOrCommon", "Extension", "Boolean", "Bool",
        "ipaddr", "__cedar::Long", "User", "Common", "shape", "attributes", "element", "required",
        "additionalAttributes", "memberOfTypes", "memberOf", "appliesTo", "principalTypes",
        "resourceTypes", "context", "entityTypes", "actions", "commonTypes", "enum",
        "annotations")]
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|\d+|::|==|!=|<=|>=|&&|\|\||\s+|.',
                   re.DOTALL)
STRANGE = ["!", "-", "!!!!!", "-----", "(", ")", "[", "]", "{", "}", "::", ".", ",", ";", "==", "=",
           "&&", "||", "&", "%", "/", "in", "has", "is", "like", "if", "then", "else", "true",
           "when", "unless", "permit", "principal", "?x", "context",
           "9223372036854775808", "9223372036854775807", "1", "01", "1.0", "\"\"", "\"*\"",
           "\"\\*\"", "\"\\q\"", "\"\\u{110000}\"", "\"\\u{d800}\"", "\"\\xff\"", "\"", "'a'",
           "@id(\"x\")", "@a", "//", "// c\n", "ip", "ip()", "foo(1)", ".foo()", ".isEmpty()",
           "__cedar", "User", "Set<Long>", "Long", "entity", "type", "enum", "tags",
           "?", "é", "\r\n", "\f", "\u00a0", "\v",
           "appliesTo", "action", "namespace", "<", ">", "+", "*", "@", "#", "\0", "\ufeff"]


def environments(schema):
    return [(p, action, r) for action in schema.actions if action.applies
            for p in action.principals for r in action.resources]


def mutate(rng, text, token=TOKEN, strange=STRANGE):
    """One to three tokens less, twice, exchanged or strange."""
    tokens = token.findall(text)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(tokens))
        other = rng.randrange(len(tokens))
        what = rng.random()
        if what < 0.25:
            tokens[at] = ""
        elif what < 0.4:
            tokens.insert(at, tokens[at])
        elif what < 0.6:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif what < 0.8:
            tokens[at] = rng.choice(strange)
        else:
            tokens.insert(at, rng.choice([" ", ""]) + rng.choice(strange))
    return "".join(tokens)


def entity_text(rng, values, name):
    uid = values.uid(name)
    return f"{uid['type']}::{literal(rng, uid['id'])}"


def scope_of(rng, values, variable, name, exact):
    """What a policy says of principal or resource so that it may be of this type."""
    group = entity_text(rng, values, rng.choice(values.schema.entities[name].parents + [name]))
    ways = [f"{variable} == {entity_text(rng, values, name)}", f"{variable} is {name} in {group}"]
    ways += [f"{variable} is {name}"] * 4
    if not exact:
        ways += [variable] * 2 + [f"{variable} in {group}"] * 2
    return rng.choice(ways)


def scope_of_action(rng, schema, action, exact):
    def text(one):
        return f"{one.type}::{literal(rng, one.id)}"
    ways = [f"action == {text(action)}", f"action in [{text(action)}]"]
    if not exact:
        like = [a for a in schema.actions if a.type == action.type or rng.random() < 0.1]
        some = [text(rng.choice(like)) for _ in range(rng.randint(0, 2))] + [text(action)]
        ways += ["action", f"action in {text(rng.choice(action.groups or [action]))}",
                 f"action in [{', '.join(some)}]"]
    return rng.choice(ways)


def annotations(rng):
    if rng.random() < 0.8:
        return ""
    return rng.choice(["@id(\"x\")\n", "@a\n", "@doc(\"\\n\\u{1F600}\") @if(\"\")\n",
                       "@principal(\"\")\n", "// a comment \"\n"])


def scope_with_slot(rng, variable, name):
    return rng.choice([f"{variable} == ?{variable}", f"{variable} in ?{variable}"] +
                      [f"{variable} is {name} in ?{variable}"] * 5)


def policy(rng, values, environment, loose, slots=()):
    """Its text; `slots` are variables that a link fills."""
    principal, action, resource = environment
    expressions = Expressions(rng, values.schema, values.ids, environment, loose)
    exact = rng.random() < 0.8

    def scope_for(variable, name):
        return scope_with_slot(rng, variable, name) if variable in slots else \
            scope_of(rng, values, variable, name, exact)
    scope = ", ".join([scope_for("principal", principal),
                       scope_of_action(rng, values.schema, action, exact),
                       scope_for("resource", resource)])
    out = f"{annotations(rng)}{'permit' if rng.random() < 0.65 else 'forbid'}({scope})"
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 3])):
        depth = rng.choice([1, 2, 2, 3, 3, 4, 5])
        body = expressions.make(BOOL, depth)[0]
        if rng.random() < 0.01:
            depth = rng.randint(10, 30)
            body = "(" * depth + body + ")" * depth
        kind = "when" if rng.random() < 0.8 else "unless"
        out += f" {kind} {{ {body} }}"
    return out + ";\n"


def any_slots(rng):
    return rng.choice([("principal",), ("principal",), ("resource",), ("principal", "resource")])


def link_value(rng, values, name):
    """An entity of the type, or one that such entities may be in."""
    above = values.schema.entities[name].parents + [name]
    uid = values.uid(name if rng.random() < 0.4 else rng.choice(above))
    return uid if rng.random() < 0.9 else {"__entity": uid}


def links(rng, values, used, slots):
    """Links of templates, which are the policies that have slots; a few that cannot be."""
    out = []
    for at, environment in enumerate(used):
        for _ in range(rng.randint(0, 3) if slots[at] else 0):
            filled = dict(zip(("principal", "resource"), (environment[0], environment[2])))
            args = {f"?{slot}": link_value(rng, values, filled[slot]) for slot in slots[at]}
            out.append({"template_id": f"policy{at}", "link_id": f"link{len(out)}", "args": args})
    if out and rng.random() < 0.04:
        spoilt = rng.choice(out)
        spoilt.update(rng.choice([
            {"template_id": "policy99"}, {"template_id": f"policy{rng.randrange(len(used))}"},
            {"link_id": "policy0"}, {"link_id": out[0]["link_id"]}, {"args": {}},
            {"args": {**spoilt["args"], "?resource": link_value(rng, values, used[0][2])}}]))
    return out


def make(rng, requests, mutations):
    """The three texts, the links (None: there are no templates) and the requests of one test;
    `mutations` of 1 have a token changed."""
    schema = Schema(rng)
    wrong = rng.choice([0.05, 0.2]) if rng.random() < 0.1 else 0.0
    values = Values(rng, schema, 0.0 if rng.random() < 0.5 else wrong)
    schema.odd = values.odd = rng.random() < 0.02
    possible = environments(schema)
    loose = rng.choice([0.02, 0.1, 0.3]) if rng.random() < 0.3 else 0.0
    used = [rng.choice(possible) for _ in range(rng.randint(1, 6))]
    templates = rng.random() < 0.3
    slots = [any_slots(rng) if templates and rng.random() < 0.6 else () for _ in used]
    policies = "".join(policy(rng, values, *each) for each in
                       zip(used, [loose] * len(used), slots))
    linked = links(rng, values, used, slots) if templates else None
    entities = values.entities()
    asked = []
    for _ in range(requests):
        values.wrong = wrong or (0.2 if rng.random() < 0.05 else 0.0)
        asked.append(values.request(rng.choice(used if rng.random() < 0.85 else possible)))
    as_json = rng.random() < 0.3
    texts = [SchemaJson(schema).text() if as_json else schema.text(), policies,
             json.dumps(entities, ensure_ascii=rng.random() < 0.5, indent=1)]
    if rng.random() < mutations:
        which = rng.choice([0, 0, 1, 1, 1, 2])
        more = (JSON_TOKEN, JSON_STRANGE) if which == 2 else \
            (JSON_TOKEN, JSON_SCHEMA_STRANGE) if which == 0 and as_json else ()
        texts[which] = mutate(rng, texts[which], *more)
    return texts, linked, asked


def write(directory, name, rng, requests, mutations):
    (schema, policies, entities), linked, asked = make(rng, requests, mutations)
    (directory / f"{name}.cedarschema").write_text(schema, newline="")
    (directory / f"{name}.cedar").write_text(policies, newline="")
    (directory / f"{name}.entities.json").write_text(entities, newline="")
    test = {"policies": f"{name}.cedar", "entities": f"{name}.entities.json",
            "schema": f"{name}.cedarschema", "shouldValidate": True,
            "requests": [{"description": f"Request {i}", **r} for i, r in enumerate(asked)]}
    if linked is not None:
        (directory / f"{name}.links").write_text(json.dumps(linked, indent=1))
        test["links"] = f"{name}.links"
    (directory / f"{name}.json").write_text(json.dumps(test, ensure_ascii=rng.random() < 0.5))


def batch(seed, first, count, requests, directory, mutations=0.12):
    for number in range(first, first + count):
        rng = random.Random(f"{seed}-{number}")
        write(directory, f"{seed}-{number}", rng, requests, mutations)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("seed", type=int)
    p.add_argument("count", type=int)
    p.add_argument("dir", type=pathlib.Path)
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--requests", type=int, default=16)
    p.add_argument("--mutations", type=float, default=0.12, help="share with a token changed")
    a = p.parse_args()
    batch(a.seed, a.first, a.count, a.requests, a.dir, a.mutations)


if __name__ == "__main__":
    main()
