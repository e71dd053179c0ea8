# SPDX-License-Identifier: Apache-2.0
"""Values in JSON: entities with attributes, tags and parents as a schema wants them, contexts and
requests; and, for a share, something else than the schema wants."""
from cedar_schemas import SCALARS, Type
from cedar_text import EXTENSIONS, ODD, any_string, extension_string

IDS = ["a", "b", "c", "d", "alice"]
LONGS = [0, 1, -1, 2, 3, 7, 1000, 2**31, -2**31, 2**53 + 1, 2**63 - 1, -2**63, 2**62]
TAG_KEYS = ["a", "b", "key", ""]


class Values:
    """`wrong` is the share of values that are of another type than they should be.  Where it is 0,
    some values are written so that only the schema tells what they are."""

    def __init__(self, rng, schema, wrong):
        self.rng, self.schema, self.wrong = rng, schema, wrong
        self.odd = False  # with calls that Cedar's engine makes and ours means to refuse
        self.ids = {}
        for name, entity in schema.entities.items():
            own = rng.sample(IDS, rng.randint(2, 4))
            if rng.random() < 0.4:
                own.append(rng.choice(ODD))
            self.ids[name] = entity.enum if entity.enum is not None else own
        for action in schema.actions:
            self.ids.setdefault(action.type, []).append(action.id)

    def uid(self, name):
        rng = self.rng
        entity = self.schema.entities.get(name)
        ids = self.ids[name]
        if rng.random() < 0.03 and not (entity and entity.enum is not None):
            return {"type": name, "id": any_string(rng)}
        return {"type": name, "id": rng.choice(ids)}

    def value(self, kind):
        rng = self.rng
        if rng.random() < self.wrong:
            kind = rng.choice(SCALARS + [Type("Set", element=SCALARS[0]), Type("Record")])
        if self.odd and kind.kind in ("Bool", "Long") and rng.random() < 0.3:
            return self.computed(kind.kind)
        if kind.kind == "Bool":
            return rng.random() < 0.5
        if kind.kind == "Long":
            return rng.choice(LONGS) if rng.random() < 0.6 else rng.randint(-20, 20)
        if kind.kind == "String":
            return any_string(rng)
        if kind.kind == "Set":
            return [self.value(kind.element) for _ in range(rng.randint(0, 3))]
        if kind.kind == "Record":
            return self.record(kind)
        if kind.kind == "Entity":
            uid = self.uid(kind.name)
            return uid if not self.wrong and rng.random() < 0.15 else {"__entity": uid}
        return self.extension(kind.kind)

    def computed(self, kind):
        """By a function that is no constructor."""
        def call(name, argument):
            return {"__extn": {"fn": name, "arg": argument}}
        if kind == "Bool":
            return call(self.rng.choice(["isIpv4", "isIpv6", "isLoopback"]), call("ip", "10.0.0.1"))
        return call(self.rng.choice(["toDays", "toSeconds"]), call("duration", "1h"))

    def extension(self, kind):
        rng = self.rng
        bad = 0.3 if rng.random() < self.wrong else 0.0
        text = extension_string(rng, kind, bad)
        function = EXTENSIONS[kind][0]
        p = rng.random()
        if p < 0.12 and not self.wrong:
            return text
        if p < 0.2 and not self.wrong:
            return {"fn": function, "arg": text}
        if p < 0.24 and kind == "datetime":
            length = rng.choice(["1d", "-1h", "90m", "0ms", "1d2h3m4s5ms"]) if rng.random() < 0.95 \
                else extension_string(rng, "duration", bad)
            later = {"__extn": {"fn": "duration", "arg": length}}
            moment = {"__extn": {"fn": "datetime", "arg": text}}
            return {"__extn": {"fn": "offset", "args": [moment, later]}}
        return {"__extn": {"fn": function, "arg": text}}

    def record(self, kind):
        rng = self.rng
        out = {}
        for name, attr, required in kind.attrs:
            if rng.random() < (0.5 if not required else 1 - self.wrong):
                out[name] = self.value(attr)
        if rng.random() < self.wrong:
            out[rng.choice(["more", "a", ""])] = self.value(rng.choice(SCALARS))
        return out

    def entity(self, name, number, text):
        entity = self.schema.entities[name]
        out = {"uid": {"type": name, "id": text}, "attrs": {}, "parents": []}
        if entity.enum is not None:
            return out
        if self.rng.random() < 0.1:
            out["uid"] = {"__entity": out["uid"]}
        out["attrs"] = self.record(entity.shape)
        out["parents"] = self.parents(entity, number)
        if entity.tags and self.rng.random() < 0.8:
            out["tags"] = {key: self.value(entity.tags)
                           for key in self.rng.sample(TAG_KEYS, self.rng.randint(0, 3))}
        return out

    def parents(self, entity, number):
        """Only entities that come before this one in a fixed order: no cycle."""
        out = []
        order = list(self.schema.entities)
        place = order.index(entity.name)
        for name in entity.parents:
            above = self.ids[name]
            if order.index(name) == place:
                above = above[:number]
            elif order.index(name) > place:
                continue
            if above and self.rng.random() < 0.6:
                out.append({"type": name, "id": self.rng.choice(above)})
        if self.rng.random() < self.wrong:
            out.append(self.uid(self.rng.choice(order)))
        return out

    def entities(self):
        """Some of the ids have no entity."""
        rng = self.rng
        out = [self.entity(name, number, text)
               for name in self.schema.entities for number, text in enumerate(self.ids[name])
               if rng.random() < 0.85]
        if rng.random() < 0.1:  # the schema has them already, and these have to say the same
            out += [self.action(a) for a in self.schema.actions if rng.random() < 0.5]
        rng.shuffle(out)
        return out

    def action(self, action):
        groups = [g for g in action.groups if self.rng.random() < 0.95]
        return {"uid": {"type": action.type, "id": action.id}, "attrs": {},
                "parents": [{"type": g.type, "id": g.id} for g in groups]}

    def request(self, environment):
        principal, action, resource = environment
        rng = self.rng
        out = {"principal": self.uid(principal), "action": {"type": action.type, "id": action.id},
               "resource": self.uid(resource), "context": self.record(action.context)}
        if rng.random() < self.wrong:
            part = rng.choice(["principal", "resource", "action"])
            names = list(self.schema.entities)
            out[part] = {"type": action.type, "id": "none"} if part == "action" else \
                rng.choice([self.uid(rng.choice(names)), {"type": "Nobody", "id": "x"}])
        return out
