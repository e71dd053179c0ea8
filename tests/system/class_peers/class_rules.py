# SPDX-License-Identifier: Apache-2.0
"""The two rules of src/package/schema/schema.h about data classes, word by word and slowly, and
schemas and values by chance to ask them of."""
import random
import re

CLASSES = ["a", "b", "c", "d.e", "d.f"]
NAMES = ["a", "ab", "b", "n", "x1"]
PATTERNS = ["^a", "b", "1$"]


# ---- the rules ----

def one_of(schema):
    """The schema that stands there; true, false are one that says nothing."""
    return schema if isinstance(schema, dict) else {}


def directly_in_place(root, schema):
    s = one_of(schema)
    found = list(s.get("allOf", [])) + list(s.get("anyOf", [])) + list(s.get("oneOf", []))
    if "$ref" in s:
        found.append(root["$defs"][s["$ref"].rsplit("/", 1)[1]])
    found += [s[w] for w in ("then", "else") if w in s]
    return found + list(s.get("dependentSchemas", {}).values())


def in_place(root, schema):
    """The schema itself and all that stand in place of it."""
    found = [schema]
    for s in directly_in_place(root, schema):
        found += in_place(root, s)
    return found


def own(root, schema):
    """Rule 1."""
    s = one_of(schema)
    if "x-data-class" in s:
        return {s["x-data-class"]}
    return {c for t in directly_in_place(root, schema) for c in own(root, t)}


def always(root, schema):
    """The schema itself, its $ref and allOf, and theirs."""
    s = one_of(schema)
    found = [schema]
    if "$ref" in s:
        found += always(root, root["$defs"][s["$ref"].rsplit("/", 1)[1]])
    for t in s.get("allOf", []):
        found += always(root, t)
    return found


def for_member(schema, name):
    """What properties, patternProperties, additionalProperties have for a name."""
    s = schema if isinstance(schema, dict) else {}
    found = [s["properties"][name]] if name in s.get("properties", {}) else []
    found += [t for p, t in s.get("patternProperties", {}).items() if re.search(p, name)]
    if not found and "additionalProperties" in s:
        found = [s["additionalProperties"]]
    return found


def for_item(schema, i):
    """What prefixItems and items have for an item."""
    s = schema if isinstance(schema, dict) else {}
    first = s.get("prefixItems", [])
    return [first[i]] if i < len(first) else [s["items"]] if "items" in s else []


def describing(root, outer, part):
    """Of a part of a value that `outer` describe: the schemas that describe it."""
    found = []
    for s in [t for o in outer for t in in_place(root, o)]:
        has = for_member if isinstance(part, str) else for_item
        left_over = "unevaluatedProperties" if isinstance(part, str) else "unevaluatedItems"
        found += has(s, part)
        if not isinstance(s, dict):
            continue
        if not isinstance(part, str) and "contains" in s:
            found.append(s["contains"])
        if left_over in s and not any(has(t, part) for t in always(root, s)):
            found.append(s[left_over])
    return found


def classes(root, value, outer=None, inherited=frozenset(), pointer=""):
    """{pointer: classes} of all values within one.  Rule 2."""
    schemas = [root] if outer is None else outer
    mine = {c for s in schemas for c in own(root, s)} or set(inherited)
    found = {pointer: sorted(mine)}
    parts = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else []
    for at, v in parts:
        found.update(classes(root, v, describing(root, schemas, at), mine, f"{pointer}/{at}"))
    return found


# ---- by chance ----

class Chance:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def some(self, p):
        return self.r.random() < p

    def within(self, depth, defs):
        """A schema for a part: may refer to any definition."""
        if self.some(0.25):
            s = {"$ref": f"#/$defs/d{self.r.randrange(defs)}"}
            if self.some(0.3):
                s["x-data-class"] = self.r.choice(CLASSES)
            return s
        return self.schema(depth + 1, defs, defs)

    def objects(self, depth, defs):
        s = {}
        if self.some(0.8):
            s["properties"] = {n: self.within(depth, defs) for n in NAMES if self.some(0.4)}
        if self.some(0.2):
            s["required"] = [self.r.choice(NAMES)]
        if self.some(0.25):
            s["patternProperties"] = {p: self.within(depth, defs) for p in PATTERNS
                                      if self.some(0.5)}
        if self.some(0.25):
            s["additionalProperties"] = self.r.choice([True, False, self.within(depth, defs)])
        if self.some(0.25):
            s["unevaluatedProperties"] = self.within(depth, defs)
        return s

    def arrays(self, depth, defs):
        s = {}
        if self.some(0.3):
            s["prefixItems"] = [self.within(depth, defs) for _ in range(self.r.randrange(1, 3))]
        if self.some(0.6):
            s["items"] = self.within(depth, defs)
        if self.some(0.2):
            s["contains"] = self.within(depth, defs)
        if self.some(0.25):
            s["unevaluatedItems"] = self.within(depth, defs)
        return s

    def branch(self, depth, defs, below):
        """About the same value: refers only to definitions before, or it would never end."""
        if below > 0 and self.some(0.3):
            s = {"$ref": f"#/$defs/d{self.r.randrange(below)}"}
            if self.some(0.2):
                s["x-data-class"] = self.r.choice(CLASSES)
            return s
        return self.schema(depth + 1, defs, below)

    def combinations(self, depth, defs, below):
        s = {}
        for word in "allOf", "anyOf", "oneOf":
            if self.some(0.2):
                s[word] = [self.branch(depth, defs, below) for _ in range(self.r.randrange(1, 4))]
        for word in "if", "then", "else", "not":
            if self.some(0.12):
                s[word] = self.branch(depth, defs, below)
        if self.some(0.1):
            s["dependentSchemas"] = {self.r.choice(NAMES): self.branch(depth, defs, below)}
        if self.some(0.1):
            s["propertyNames"] = {"x-data-class": self.r.choice(CLASSES)}
        if below > 0 and self.some(0.15):
            s["$ref"] = f"#/$defs/d{self.r.randrange(below)}"
        return s

    def schema(self, depth, defs, below):
        if depth > 3 and self.some(0.7):
            return {"x-data-class": self.r.choice(CLASSES)} if self.some(0.5) else {}
        if self.some(0.05):
            return self.some(0.5)
        s = {"x-data-class": self.r.choice(CLASSES)} if self.some(0.2) else {}
        if self.some(0.6):
            s.update(self.objects(depth, defs))
        if self.some(0.4):
            s.update(self.arrays(depth, defs))
        if depth < 4 and self.some(0.6):
            s.update(self.combinations(depth, defs, below))
        return s

    def value(self, depth=0):
        which = self.r.randrange(10)
        if depth < 4 and which < 5 or depth == 0 and which < 8:
            return {n: self.value(depth + 1) for n in NAMES if self.some(0.6)}
        if depth < 4 and which < 8:
            return [self.value(depth + 1) for _ in range(self.r.randrange(4))]
        return self.r.choice([None, True, 1, "a"])

    def question(self):
        defs = self.r.randrange(1, 5)
        root = self.schema(0, defs, defs)
        while not isinstance(root, dict):
            root = self.schema(0, defs, defs)
        root["$defs"] = {f"d{i}": self.schema(1, defs, i) for i in range(defs)}
        return root, self.value()
