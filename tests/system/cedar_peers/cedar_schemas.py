# SPDX-License-Identifier: Apache-2.0
"""Schemas of any shape, as types that expressions can be made for and as the text of Cedar's schema
language: namespaces, common types, entity types with attributes, tags, parents or an enumeration of
their ids, actions with groups and what they apply to."""
import dataclasses

from cedar_text import IDENTIFIERS, QUOTED, any_string, is_identifier, literal

EXTENSION_KINDS = ("ipaddr", "decimal", "datetime", "duration")
ENTITY_NAMES = ["User", "Group", "Doc", "Folder", "Team", "Org", "Box", "T1", "principal", "entity"]
COMMON_NAMES = ["Common", "Shape", "Ctx", "Alias", "Inner", "type1"]
ACTION_IDS = ["view", "edit", "delete", "read only", "a\"b", "", "é", "action"]
NAMESPACES = ["", "", "", "N", "App", "A::B"]


@dataclasses.dataclass(frozen=True)
class Type:
    kind: str             # Bool, Long, String, Set, Record, Entity or one of the extensions
    element: object = None   # Type of a set's elements
    attrs: tuple = ()     # of a record: (name, Type, required)
    name: str = ""        # of an entity type, with its namespace
    alias: str = dataclasses.field(default="", compare=False)  # the common type it is written as

    def plain(self):
        """What the alias is of."""
        return dataclasses.replace(self, alias="")


BOOL, LONG, STRING = Type("Bool"), Type("Long"), Type("String")
SCALARS = [BOOL, LONG, STRING] + [Type(kind) for kind in EXTENSION_KINDS]


def can_be_written(kind):
    """No expression but a path has the type of a record with optional attributes."""
    if kind.kind == "Set":
        return can_be_written(kind.element)
    return all(required and can_be_written(attr) for _, attr, required in kind.attrs)


@dataclasses.dataclass
class Entity:
    name: str
    parents: list = dataclasses.field(default_factory=list)
    shape: Type = Type("Record")
    tags: object = None
    enum: object = None


@dataclasses.dataclass
class Action:
    namespace: str
    id: str
    groups: list = dataclasses.field(default_factory=list)
    principals: list = dataclasses.field(default_factory=list)
    resources: list = dataclasses.field(default_factory=list)
    context: Type = Type("Record")

    @property
    def type(self):
        return f"{self.namespace}::Action" if self.namespace else "Action"

    @property
    def applies(self):
        return bool(self.principals and self.resources)


class Schema:
    def __init__(self, rng):
        self.rng = rng
        self.odd = False  # written with what Cedar's engine reads and ours means to refuse
        self.namespaces = sorted({rng.choice(NAMESPACES) for _ in range(rng.randint(1, 3))})
        self.entities, self.common, self.actions = {}, {}, []
        for name in rng.sample(ENTITY_NAMES, rng.randint(3, 6)):
            full = self._qualified(name)
            self.entities[full] = Entity(full)
        for name in rng.sample(COMMON_NAMES, rng.randint(0, 3)):
            full = self._qualified(name)
            self.common[full] = dataclasses.replace(self.any_type(2), alias=full)
        for entity in self.entities.values():
            self._fill(entity)
        for number in range(rng.randint(2, 5)):
            self._add_action(number)
        if not any(action.applies for action in self.actions):
            last = self.actions[-1]
            last.principals, last.resources = self._some(self.entities), self._some(self.entities)

    def _qualified(self, name):
        namespace = self.rng.choice(self.namespaces)
        return f"{namespace}::{name}" if namespace else name

    def _some(self, names, least=1):
        names = list(names)
        return self.rng.sample(names, min(len(names), self.rng.randint(least, 3)))

    def record(self, depth, most=4):
        attrs = {}
        for _ in range(self.rng.randint(0, most)):
            pool = IDENTIFIERS if self.rng.random() < 0.88 else QUOTED
            attrs[self.rng.choice(pool)] = (self.any_type(depth - 1), self.rng.random() < 0.65)
        return Type("Record", attrs=tuple((k, t, r) for k, (t, r) in attrs.items()))

    def any_type(self, depth):
        p = self.rng.random()
        if self.common and p < 0.12:
            return self.rng.choice(list(self.common.values()))
        if p < 0.6 or depth <= 0:
            return self.rng.choice(SCALARS)
        if p < 0.75:
            return Type("Entity", name=self.rng.choice(list(self.entities)))
        if p < 0.88:
            return Type("Set", element=self.any_type(depth - 1))
        return self.record(depth)

    def _fill(self, entity):
        if self.rng.random() < 0.15:
            entity.enum = [any_string(self.rng) for _ in range(self.rng.randint(1, 3))]
            return
        if self.rng.random() < 0.7:
            entity.parents = self._some(self.entities, 0)
        entity.shape = self.record(2, 5)
        if self.rng.random() < 0.4:
            entity.tags = self.any_type(2)

    def _add_action(self, number):
        action = Action(self.rng.choice(self.namespaces), f"{self.rng.choice(ACTION_IDS)}")
        clash = [a for a in self.actions if a.id == action.id]
        if any(a.namespace == action.namespace for a in clash) or \
                clash and self.rng.random() < 0.95:  # refused where one has no namespace
            action.id += str(number)
        if self.actions and self.rng.random() < 0.5:
            action.groups = self._some(self.actions)
        if self.rng.random() < 0.8:
            action.principals = self._some(self.entities)
            action.resources = self._some(self.entities)
            records = [t for t in self.common.values() if t.kind == "Record"]
            if records and self.rng.random() < 0.3:
                action.context = self.rng.choice(records)
            else:
                action.context = self.record(2, 5)
        self.actions.append(action)

    # ---- as text ----

    def _name(self, full, namespace):
        """A declared name, short where that means the same."""
        base, _, here = full.rpartition("::")
        if base == namespace and self.rng.random() < 0.5:
            return here
        return full

    def type_text(self, kind, namespace):
        if kind.alias:
            return self._name(kind.alias, namespace)
        if kind.kind == "Entity":
            return self._name(kind.name, namespace)
        if kind.kind == "Set":
            return f"Set<{self.type_text(kind.element, namespace)}>"
        if kind.kind == "Record":
            return self.record_text(kind, namespace)
        if self.rng.random() < 0.03:
            return f"__cedar::{kind.kind}"
        return kind.kind

    def record_text(self, kind, namespace):
        parts = []
        for name, attr, required in kind.attrs:
            quoted = not is_identifier(name) or self.rng.random() < 0.1
            key = literal(self.rng, name) if quoted else name
            parts.append(f"{self._annotation()}{key}{'' if required else '?'}: "
                         f"{self.type_text(attr, namespace)}")
        if self.odd and parts and self.rng.random() < 0.3:
            parts.append(self.rng.choice(parts))  # an attribute twice
        end = "," if parts and self.rng.random() < 0.3 else ""
        return "{" + ", ".join(parts) + end + "}"

    def _annotation(self):
        if self.rng.random() > 0.04:
            return ""
        return self.rng.choice(["@doc(\"x\") ", "@a ", "@b(\"\\n\") @c(\"\") "])

    def _entity_text(self, entity, namespace):
        name = entity.name.rpartition("::")[2]
        if entity.enum is not None:
            ids = ", ".join(literal(self.rng, i) for i in entity.enum)
            return f"{self._annotation()}entity {name} enum [{ids}];"
        out = f"{self._annotation()}entity {name}"
        if entity.parents:
            names = [self._name(p, namespace) for p in entity.parents]
            one = len(names) == 1 and self.rng.random() < 0.5
            out += f" in {names[0]}" if one else f" in [{', '.join(names)}]"
        if entity.shape.attrs or self.rng.random() < 0.3:
            out += f"{self.rng.choice([' =', ''])} {self.record_text(entity.shape, namespace)}"
        if entity.tags:
            out += f" tags {self.type_text(entity.tags, namespace)}"
        return out + ";"

    def _action_text(self, action, namespace):
        plain = is_identifier(action.id) and self.rng.random() < 0.5
        out = f"{self._annotation()}action {action.id if plain else literal(self.rng, action.id)}"
        if action.groups:
            names = []
            for group in action.groups:
                short = group.namespace == namespace and self.rng.random() < 0.6
                names.append(literal(self.rng, group.id) if short
                             else f"{group.type}::{literal(self.rng, group.id)}")
            out += f" in [{', '.join(names)}]"
        if action.applies:
            lists = [", ".join(self._name(n, namespace) for n in names)
                     for names in (action.principals, action.resources)]
            out += f" appliesTo {{ principal: [{lists[0]}], resource: [{lists[1]}]"
            if action.context.attrs or action.context.alias or self.rng.random() < 0.3:
                out += f", context: {self.type_text(action.context, namespace)}"
            out += " }"
        return out + ";"

    def text(self):
        out = []
        for namespace in self.namespaces:
            lines = []
            for full, kind in self.common.items():
                if full.rpartition("::")[0] == namespace:
                    lines.append(f"type {full.rpartition('::')[2]} = "
                                 f"{self.type_text(kind.plain(), namespace)};")
            lines += [self._entity_text(e, namespace) for e in self.entities.values()
                      if e.name.rpartition("::")[0] == namespace]
            lines += [self._action_text(a, namespace) for a in self.actions
                      if a.namespace == namespace]
            body = "\n".join(lines)
            out.append(f"{self._annotation()}namespace {namespace} {{\n{body}\n}}" if namespace
                       else body)
        return "\n".join(out) + "\n"
