# SPDX-License-Identifier: Apache-2.0
"""A schema in the JSON form of Cedar's schemas, with every way to say a type and a name."""
import json

PRIMITIVES = {"Bool": "Boolean", "Long": "Long", "String": "String"}
ANNOTATIONS = [{"doc": "x"}, {"a": ""}, {"b": "\n", "c": ""}, {"a": None}]


class SchemaJson:
    def __init__(self, schema):
        self.schema, self.rng = schema, schema.rng

    def annotated(self, out):
        if self.rng.random() < 0.04:
            out["annotations"] = self.rng.choice(ANNOTATIONS)
        return out

    def name(self, full, namespace):
        """A declared name, short where that means the same."""
        base, _, here = full.rpartition("::")
        return here if base == namespace and self.rng.random() < 0.5 else full

    def type(self, kind, namespace):
        rng = self.rng
        if kind.alias:
            name = self.name(kind.alias, namespace)
            return {"type": name} if rng.random() < 0.8 else \
                {"type": "EntityOrCommon", "name": name}
        if kind.kind == "Entity":
            how = "Entity" if rng.random() < 0.8 else "EntityOrCommon"
            return {"type": how, "name": self.name(kind.name, namespace)}
        if kind.kind == "Set":
            return {"type": "Set", "element": self.type(kind.element, namespace)}
        if kind.kind == "Record":
            return self.record(kind, namespace)
        p = rng.random()
        if p < 0.03:
            return {"type": f"__cedar::{kind.kind}"}
        if p < 0.06:
            return {"type": "EntityOrCommon", "name": kind.kind}
        if p < 0.08:
            return {"type": kind.kind}
        if kind.kind in PRIMITIVES:
            return {"type": PRIMITIVES[kind.kind]}
        return {"type": "Extension", "name": kind.kind}

    def record(self, kind, namespace):
        attributes = {}
        for name, attr, required in kind.attrs:
            out = self.annotated(self.type(attr, namespace))
            if not required or self.rng.random() < 0.1:
                out["required"] = required
            attributes[name] = out
        out = {"type": "Record", "attributes": attributes}
        if self.rng.random() < 0.03:
            out["additionalAttributes"] = False
        return out

    def entity(self, entity, namespace):
        if entity.enum is not None:
            return self.annotated({"enum": entity.enum})
        out = {}
        if entity.parents or self.rng.random() < 0.1:
            out["memberOfTypes"] = [self.name(p, namespace) for p in entity.parents]
        if entity.shape.attrs or self.rng.random() < 0.3:
            out["shape"] = self.record(entity.shape, namespace)
        if entity.tags:
            out["tags"] = self.type(entity.tags, namespace)
        return self.annotated(out)

    def group(self, group, namespace):
        if group.namespace == namespace and self.rng.random() < 0.5:
            return {"id": group.id}
        return {"type": group.type, "id": group.id}

    def action(self, action, namespace):
        out = {}
        if action.groups or self.rng.random() < 0.1:
            out["memberOf"] = [self.group(g, namespace) for g in action.groups]
        if action.applies:
            out["appliesTo"] = {
                "principalTypes": [self.name(n, namespace) for n in action.principals],
                "resourceTypes": [self.name(n, namespace) for n in action.resources]}
            if action.context.attrs or action.context.alias or self.rng.random() < 0.3:
                out["appliesTo"]["context"] = self.type(action.context, namespace)
            if self.schema.odd:  # an array where an object belongs
                out["appliesTo"] = list(out["appliesTo"].values())
        elif self.rng.random() < 0.2:
            out["appliesTo"] = {"principalTypes": [], "resourceTypes": []}
        return self.annotated(out)

    def namespace(self, namespace):
        def here(full):
            return full.rpartition("::")[0] == namespace

        def bare(full):
            return full.rpartition("::")[2]
        schema = self.schema
        out = {"entityTypes": {bare(n): self.entity(e, namespace)
                               for n, e in schema.entities.items() if here(n)},
               "actions": {a.id: self.action(a, namespace) for a in schema.actions
                           if a.namespace == namespace}}
        common = {bare(n): self.annotated(self.type(k.plain(), namespace))
                  for n, k in schema.common.items() if here(n)}
        if common or self.rng.random() < 0.1:
            out["commonTypes"] = common
        return self.annotated(out) if namespace else out

    def text(self):
        out = {n: self.namespace(n) for n in self.schema.namespaces}
        return json.dumps(out, ensure_ascii=self.rng.random() < 0.5,
                          indent=self.rng.choice([None, 1]))
