# SPDX-License-Identifier: Apache-2.0
"""Expressions of a wanted type.  Each is text and how tightly it binds; parentheses stand where the
grammar wants them, and sometimes where it does not.

`loose` is the share of places where something else may stand: another type, an attribute that may
be absent, a string that no extension reads, an entity or enumeration that is not declared.
"""
import contextlib

from cedar_schemas import (BOOL, EXTENSION_KINDS, LONG, SCALARS, STRING, Type,
                           can_be_written)
from cedar_text import EXTENSIONS, any_string, extension_string, is_identifier, literal, pattern

IF, OR, AND, RELATION, SUM, PRODUCT, UNARY, MEMBER = range(8)
LONGS = [0, 1, 2, 3, 7, 10, 60, 1000, 86400000, 2**31, 2**53 + 1, 2**62, 2**63 - 2, 2**63 - 1]
DEPTH_OF_PATHS = 3


def long_text(rng):
    n = rng.choice(LONGS) if rng.random() < 0.7 else rng.randint(0, 20)
    if n == 2**63 - 1 and rng.random() < 0.5:
        return "-9223372036854775808", UNARY
    return (str(n), MEMBER) if rng.random() < 0.75 else (f"-{n}", UNARY)


class Expressions:
    def __init__(self, rng, schema, ids, environment, loose):
        """`environment` is (principal's type, action, resource's type); ids: those of each type."""
        self.rng, self.schema, self.ids, self.loose = rng, schema, ids, loose
        principal, self.action, resource = environment
        self.roots = [("principal", Type("Entity", name=principal)),
                      ("resource", Type("Entity", name=resource)),
                      ("action", Type("Entity", name=self.action.type)),
                      ("context", self.action.context)]
        self.known = []   # paths that a guard has shown to be there
        self.makers = {"Bool": self.make_bool, "Long": self.make_long, "String": self.make_string,
                       "Set": self.make_set, "Record": self.make_record,
                       "Entity": self.make_entity}

    # ---- parentheses ----

    def wrap(self, made, need):
        text, binds = made
        if binds < need or self.rng.random() < 0.04:
            return f"({text})"
        return text

    def make(self, kind, depth):
        rng = self.rng
        if rng.random() < self.loose:
            return self.make_loose(kind, depth)
        if depth > 0:
            p = rng.random()
            if p < 0.05:
                return self.conditional(kind, depth)
            if p < 0.09:
                return self.from_record(kind, depth)
        if rng.random() < 0.55 or not can_be_written(kind):
            path = self.path_of(kind)
            if path:
                return path, MEMBER
        maker = self.makers.get(kind.kind) or self.make_extension
        return maker(kind, depth)

    def make_loose(self, kind, depth):
        rng = self.rng
        p = rng.random()
        if p < 0.35:
            return self.make(rng.choice(SCALARS), depth - 1)
        if p < 0.6:
            absent = [path for path, _ in self.optional_paths()]
            if absent:
                return rng.choice(absent), MEMBER
        if p < 0.75:
            path, _ = rng.choice(self.roots + self.paths())
            return f"{path}.{rng.choice(['a', 'nowhere', 'inner'])}", MEMBER
        if p < 0.85:
            path, _ = rng.choice(self.roots + self.paths())
            return f"{path}.getTag({self.wrap(self.make_string(STRING, 0), IF)})", MEMBER
        if p < 0.93:
            return f"{rng.choice(['Nobody', 'N::User', 'Group'])}::{literal(rng, 'x')}", MEMBER
        return f"[{self.wrap(self.make(kind, depth - 1), IF)}, 1, \"a\"]", MEMBER

    def conditional(self, kind, depth):
        test = self.make(BOOL, depth - 1)
        one, other = self.make(kind, depth - 1), self.make(kind, depth - 1)
        return f"if {test[0]} then {one[0]} else {other[0]}", IF

    def from_record(self, kind, depth):
        """A record made here, and an attribute of it."""
        name = self.rng.choice(["a", "b", "if", "x y"])
        more = ""
        if self.rng.random() < 0.5:
            more = f", other: {self.make(self.rng.choice(SCALARS), depth - 1)[0]}"
        key = name if is_identifier(name) else literal(self.rng, name)
        return f"{{{key}: {self.make(kind, depth - 1)[0]}{more}}}{self.attribute(name)}", MEMBER

    # ---- what principal, resource and context lead to ----

    def attribute(self, name):
        if is_identifier(name) and self.rng.random() < 0.85:
            return f".{name}"
        return f"[{literal(self.rng, name)}]"

    def attrs(self, kind):
        if kind.kind == "Record":
            return kind.attrs
        if kind.kind == "Entity" and kind.name in self.schema.entities:
            return self.schema.entities[kind.name].shape.attrs
        return ()

    def walk(self, roots, depth):
        for path, kind in roots:
            below = []
            for name, attr, required in self.attrs(kind):
                here = path + self.attribute(name)
                yield here, attr, required, (path, kind, name)
                if required:
                    below.append((here, attr))
            if depth > 1 and below:
                yield from self.walk(below, depth - 1)

    def paths(self):
        """Paths that are there, with their types."""
        roots = self.roots + self.known
        found = [(path, kind) for path, kind, required, _ in self.walk(roots, DEPTH_OF_PATHS)
                 if required]
        return found + self.known

    def optional_paths(self):
        roots = self.roots + self.known
        return [(path, kind) for path, kind, required, _ in self.walk(roots, DEPTH_OF_PATHS)
                if not required]

    def path_of(self, kind):
        same = [path for path, found in self.roots + self.paths() if found == kind]
        return self.rng.choice(same) if same else None

    @contextlib.contextmanager
    def knowing(self, path, kind):
        self.known.append((path, kind))
        yield
        self.known.pop()

    # ---- Bool ----

    def make_bool(self, _, depth):
        rng = self.rng
        if depth <= 0:
            return rng.choice(["true", "false"]), MEMBER
        ways = [self.both, self.both, self.either, self.negated, self.equal, self.compared,
                self.compared, self.guarded, self.guarded, self.guarded, self.guarded_tag,
                self.guarded_tag, self.below, self.below, self.of_type, self.alike, self.in_set,
                self.in_set, self.of_extension, self.of_extension, self.has]
        return rng.choice(ways)(depth - 1)

    def both(self, depth):
        made = [self.wrap(self.make(BOOL, depth), RELATION) for _ in range(self.rng.randint(2, 3))]
        return " && ".join(made), AND

    def either(self, depth):
        made = [self.wrap(self.make(BOOL, depth), AND) for _ in range(self.rng.randint(2, 3))]
        return " || ".join(made), OR

    def negated(self, depth):
        marks = "!" * self.rng.choice([1, 1, 1, 2, 3, 4])
        return marks + self.wrap(self.make(BOOL, depth), MEMBER), UNARY

    def relation(self, left, operator, right):
        return f"{self.wrap(left, SUM)} {operator} {self.wrap(right, SUM)}", RELATION

    def equal(self, depth):
        paths = self.roots + self.paths()
        kind = self.rng.choice(paths)[1] if self.rng.random() < 0.6 else self.rng.choice(SCALARS)
        return self.relation(self.make(kind, depth), self.rng.choice(["==", "!="]),
                             self.make(kind, depth))

    def compared(self, depth):
        kind = self.rng.choice([LONG, LONG, Type("datetime"), Type("duration")])
        return self.relation(self.make(kind, depth), self.rng.choice(["<", "<=", ">", ">="]),
                             self.make(kind, depth))

    def guarded(self, depth):
        """`has` an attribute that may be absent, and what then may be asked of it."""
        found = [x for x in self.walk(self.roots + self.known, DEPTH_OF_PATHS) if not x[2]]
        if not found:
            return self.has(depth)
        path, kind, _, (owner, _, name) = self.rng.choice(found)
        named = name if is_identifier(name) and path.endswith(f".{name}") else \
            literal(self.rng, name)
        path = owner + (f".{name}" if named == name else f"[{literal(self.rng, name)}]")
        test = f"{owner} has {named}"
        inner = [(a, t) for a, t, required in self.attrs(kind)
                 if not required and is_identifier(a)] if kind.kind in ("Record", "Entity") else []
        if named == name and inner and self.rng.random() < 0.5:
            attr, deeper = self.rng.choice(inner)
            test += f".{attr}"
            with self.knowing(path, kind), self.knowing(f"{path}.{attr}", deeper):
                return self.under(test, path, kind, depth)
        with self.knowing(path, kind):
            return self.under(test, path, kind, depth)

    def under(self, test, path, kind, depth):
        """What is asked is mostly of what was found to be there."""
        if self.rng.random() < 0.6:
            then = self.about((path, MEMBER), kind, depth)
        else:
            then = self.make(BOOL, depth)
        if self.rng.random() < 0.7:
            return f"{test} && {self.wrap(then, RELATION)}", AND
        return f"if {test} then {then[0]} else {self.make_bool(BOOL, 0)[0]}", IF

    def about(self, made, kind, depth):
        if kind.kind == "Bool":
            return made
        if kind.kind == "String" and self.rng.random() < 0.5:
            wild = pattern(self.rng, any_string(self.rng))
            return f"{self.wrap(made, SUM)} like {wild}", RELATION
        if kind.kind == "Set" and self.rng.random() < 0.8:
            return self.contains(made, kind, depth)
        if kind.kind == "Entity" and self.rng.random() < 0.5:
            return self.inside(made, kind, depth)
        if kind.kind in ("Long", "datetime", "duration"):
            return self.relation(made, self.rng.choice(["<", "<=", ">", ">=", "=="]),
                                 self.make(kind, depth))
        other = self.make(kind, depth) if can_be_written(kind) else made
        return self.relation(made, "==", other)

    def guarded_tag(self, depth):
        tagged = [(path, self.schema.entities[kind.name].tags)
                  for path, kind in self.roots + self.paths()
                  if kind.kind == "Entity" and kind.name in self.schema.entities
                  and self.schema.entities[kind.name].tags]
        if not tagged:
            return self.equal(depth)
        path, kind = self.rng.choice(tagged)
        key = self.make(STRING, 0)[0] if self.rng.random() < 0.3 else \
            literal(self.rng, self.rng.choice(["a", "b", "key", ""]))
        reach = f"{path}.getTag({key})"
        with self.knowing(reach, kind):
            return self.under(f"{path}.hasTag({key})", reach, kind, depth)

    def below(self, depth):
        entities = [(p, k) for p, k in self.roots + self.paths() if k.kind == "Entity"]
        path, kind = self.rng.choice(entities)
        return self.inside((path, MEMBER), kind, depth)

    def inside(self, made, kind, depth):
        entity = self.schema.entities.get(kind.name)
        above = (entity.parents if entity else []) + [kind.name]
        kinds = [Type("Entity", name=self.rng.choice(above)) for _ in range(self.rng.randint(1, 3))]
        if self.rng.random() < 0.6:
            right = self.make(kinds[0], depth)
        else:
            right = self.set_of([self.make(kinds[0], depth) for _ in kinds])
        return self.relation(made, "in", right)

    def of_type(self, depth):
        entities = [(p, k) for p, k in self.roots + self.paths() if k.kind == "Entity"]
        path, kind = self.rng.choice(entities)
        named = kind.name if self.rng.random() < 0.6 else \
            self.rng.choice(list(self.schema.entities))
        if self.rng.random() < 0.6:
            return f"{path} is {named}", RELATION
        above = self.make(Type("Entity", name=named), depth)
        return f"{path} is {named} in {self.wrap(above, SUM)}", RELATION

    def alike(self, depth):
        made = self.make(STRING, depth)
        near = any_string(self.rng)
        return f"{self.wrap(made, SUM)} like {pattern(self.rng, near)}", RELATION

    def in_set(self, depth):
        sets = [(p, k) for p, k in self.roots + self.paths() if k.kind == "Set"]
        if sets and self.rng.random() < 0.6:
            path, kind = self.rng.choice(sets)
            return self.contains((path, MEMBER), kind, depth)
        kind = Type("Set", element=self.rng.choice(SCALARS))
        return self.contains(self.make_set(kind, depth), kind, depth)

    def contains(self, made, kind, depth):
        which = self.rng.choice(["contains", "contains", "containsAll", "containsAny", "isEmpty"])
        of = self.wrap(made, MEMBER)
        if which == "isEmpty" or not can_be_written(kind):
            return f"{of}.isEmpty()", MEMBER
        wanted = kind.element if which == "contains" else kind
        return f"{of}.{which}({self.make(wanted, depth)[0]})", MEMBER

    def of_extension(self, depth):
        if self.rng.random() < 0.5:
            made = self.wrap(self.make(Type("ipaddr"), depth), MEMBER)
            method = self.rng.choice(["isIpv4", "isIpv6", "isLoopback", "isMulticast"])
            if self.rng.random() < 0.6:
                return f"{made}.{method}()", MEMBER
            return f"{made}.isInRange({self.make(Type('ipaddr'), depth)[0]})", MEMBER
        made = self.wrap(self.make(Type("decimal"), depth), MEMBER)
        method = self.rng.choice(["lessThan", "lessThanOrEqual", "greaterThan",
                                  "greaterThanOrEqual"])
        return f"{made}.{method}({self.make(Type('decimal'), depth)[0]})", MEMBER

    def has(self, _):
        path, kind = self.rng.choice([r for r in self.roots + self.paths()
                                      if r[1].kind in ("Record", "Entity")])
        names = [a[0] for a in self.attrs(kind)] + ["nowhere", "x y"]
        name = self.rng.choice(names)
        return f"{path} has {name if is_identifier(name) else literal(self.rng, name)}", RELATION

    # ---- the others ----

    def make_long(self, _, depth):
        rng = self.rng
        p = rng.random()
        if depth <= 0 or p < 0.35:
            return long_text(rng)
        if p < 0.55:
            terms = [self.wrap(self.make(LONG, depth - 1), PRODUCT)
                     for _ in range(rng.randint(2, 3))]
            return f" {rng.choice('+-')} ".join(terms), SUM
        if p < 0.7:
            terms = [self.wrap(self.make(LONG, depth - 1), UNARY) for _ in range(2)]
            return " * ".join(terms), PRODUCT
        if p < 0.8:
            return "-" + self.wrap(self.make(LONG, depth - 1), MEMBER), UNARY
        made = self.wrap(self.make(Type("duration"), depth - 1), MEMBER)
        unit = rng.choice(["Milliseconds", "Seconds", "Minutes", "Hours", "Days"])
        return f"{made}.to{unit}()", MEMBER

    def make_string(self, _, depth):
        return literal(self.rng, any_string(self.rng)), MEMBER

    def make_set(self, kind, depth):
        least = 0 if self.rng.random() < self.loose else 1
        return self.set_of([self.make(kind.element, depth - 1)
                            for _ in range(self.rng.randint(least, 3))])

    def set_of(self, made):
        return f"[{', '.join(text for text, _ in made)}]", MEMBER

    def make_record(self, kind, depth):
        parts = []
        for name, attr, required in kind.attrs:
            if required or self.rng.random() < 0.5:
                key = name if is_identifier(name) and self.rng.random() < 0.8 else \
                    literal(self.rng, name)
                parts.append(f"{key}: {self.make(attr, depth - 1)[0]}")
        return "{" + ", ".join(parts) + "}", MEMBER

    def make_entity(self, kind, _):
        ids = self.ids.get(kind.name) or ["x"]
        chosen = self.rng.choice(ids)
        entity = self.schema.entities.get(kind.name)
        if not (entity and entity.enum) and self.rng.random() < 0.1:
            chosen = any_string(self.rng)
        return f"{kind.name}::{literal(self.rng, chosen)}", MEMBER

    def make_extension(self, kind, depth):
        rng = self.rng
        assert kind.kind in EXTENSION_KINDS, kind
        if depth > 0 and rng.random() < 0.3 and kind.kind in ("datetime", "duration"):
            moment = self.wrap(self.make(Type("datetime"), depth - 1), MEMBER)
            if kind.kind == "datetime":
                if rng.random() < 0.4:
                    return f"{moment}.toDate()", MEMBER
                return f"{moment}.offset({self.make(Type('duration'), depth - 1)[0]})", MEMBER
            if rng.random() < 0.4:
                return f"{moment}.toTime()", MEMBER
            other = self.make(Type("datetime"), depth - 1)[0]
            return f"{moment}.durationSince({other})", MEMBER
        text = literal(rng, extension_string(rng, kind.kind, self.loose))
        if rng.random() < self.loose:  # what is not a literal does not validate, but may evaluate
            text = rng.choice([f"if {self.make(BOOL, depth - 1)[0]} then {text} else {text}",
                               self.make(STRING, depth - 1)[0]])
        return f"{EXTENSIONS[kind.kind][0]}({text})", MEMBER
