# SPDX-License-Identifier: Apache-2.0
"""The OCSF schema, resolved from its definitions, and what is wrong with an event under it.

    schema = Schema("../shared/data/ocsf")
    assert schema.complaints(event) == []

A definition `extends` another; `$include` draws in a profile, whose attributes then hold only for
events that name it in metadata.profiles; an attribute's own definition is laid over the one in the
dictionary, enumerations member by member.  What the schema calls an error and what it calls a
warning (a deprecated attribute, a caption that is not its number's) are both complaints here.
"""
import copy
import json
import pathlib
import re

ANY = object()  # the type "object" without more: whatever it holds


def laid_over(below, above):
    """above over below, member by member; lists are replaced."""
    out = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = laid_over(out[key], value) if both else value
    return out


class Schema:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        dictionary = self.read("dictionary.json")
        self.version = self.read("version.json")["version"]
        self.dictionary = dictionary["attributes"]
        self.types = dictionary["types"]["attributes"]
        self.categories = self.read("categories.json")["attributes"]
        self.profiles = {p.stem: self.read(p) for p in (self.directory / "profiles").iterdir()}
        self.raw_objects = self.named("objects")
        self.raw_events = self.named("events")
        self.objects = {}
        self.classes = {}
        for name in self.raw_objects:
            self.objects[name] = self.resolved(self.raw_objects, name)
        for name in self.raw_events:
            found = self.resolved(self.raw_events, name)
            if "uid" in self.raw_events[name] or name == "base_event":
                self.add_class(found)
        self.observables = self.find_observables()

    # ---- reading and resolving ----

    def read(self, path):
        return json.loads((self.directory / path).read_text())

    def named(self, folder):
        found = {}
        for path in sorted((self.directory / folder).rglob("*.json")):
            one = self.read(path)
            found[one["name"]] = one
        return found

    def included(self, one):
        """Its attributes, those of the profiles it includes below its own."""
        attributes = dict(one["attributes"])
        out = {}
        for path in attributes.pop("$include", []):
            profile = self.read(path)
            common = profile.get("annotations", {})
            for name, attribute in profile["attributes"].items():
                out[name] = {**common, **attribute, "profile": profile["name"]}
        return laid_over(out, attributes)

    def resolved(self, table, name, seen=()):
        one = table[name]
        assert name not in seen, f"{name} extends itself"
        own = self.included(one)
        if "extends" not in one:
            return {**one, "attributes": own, "profiles": set(one.get("profiles", []))}
        base = self.resolved(table, one["extends"], (*seen, name))
        out = {**base, **one}
        if "@deprecated" not in one:
            out.pop("@deprecated", None)
        if "observable" not in one:
            out.pop("observable", None)
        out["attributes"] = laid_over(base["attributes"], own)
        out["profiles"] = base["profiles"] | set(one.get("profiles", []))
        return out

    def add_class(self, found):
        base = found["name"] == "base_event"
        category = None if base else self.categories[found["category"]]
        found["category_uid"] = 0 if base else category["uid"]
        found["category_name"] = "Uncategorized" if base else category["caption"]
        found["class_uid"] = 0 if base else category["uid"] * 1000 + found["uid"]
        self.classes[found["class_uid"]] = found

    def attribute(self, holder, name):
        """What the holder (a class or an object) says of it over what the dictionary says; None:
        it has no such attribute."""
        if name in holder["attributes"]:
            return laid_over(self.dictionary[name], holder["attributes"][name])
        plain = name[:-3] if name.endswith("_dt") else None
        if plain in holder["attributes"]:
            found = laid_over(self.dictionary[plain], holder["attributes"][plain])
            if found["type"] == "timestamp_t":
                return {"type": "datetime_t", "is_array": found.get("is_array", False),
                        "profile": "datetime", "caption": found["caption"]}
        return None

    def find_observables(self):
        found = {0: "Unknown", 99: "Other"}
        for one in (*self.types.values(), *self.dictionary.values(), *self.raw_objects.values()):
            if "observable" in one:
                found[one["observable"]] = one["caption"]
        for one in self.raw_objects.values():
            for name, attribute in one["attributes"].items():
                if isinstance(attribute, dict) and "observable" in attribute:
                    found[attribute["observable"]] = f"{one['caption']} Object: {name}"
        return found

    # ---- judging ----

    def complaints(self, event):
        return Judge(self, event).complaints()


class Judge:
    def __init__(self, schema, event):
        self.schema, self.event, self.said = schema, event, []

    def say(self, path, what):
        self.said.append(f"{path or 'event'}: {what}")

    def complaints(self):
        found = self.schema.classes.get(self.event.get("class_uid"))
        if found is None or isinstance(self.event["class_uid"], bool):
            self.say("class_uid", "no such class")
            return self.said
        if "@deprecated" in found:
            self.say("class_uid", f"{found['caption']} is deprecated")
        self.the_class = found
        self.profiles = self.named_profiles()
        self.members("", found, self.event)
        self.classification()
        self.observables()
        return self.said

    def named_profiles(self):
        metadata = self.event.get("metadata")
        named = metadata.get("profiles", []) if isinstance(metadata, dict) else []
        if not isinstance(named, list):
            return set()
        allowed = set(self.the_class["profiles"])
        for one in self.schema.objects.values():
            allowed |= one["profiles"]
        for name in named:
            if name not in self.schema.profiles:
                self.say("metadata.profiles", f"no such profile: {name}")
            elif name not in allowed:
                self.say("metadata.profiles", f"{name} is not for {self.the_class['caption']}")
        if len(set(map(str, named))) != len(named):
            self.say("metadata.profiles", "named twice")
        return set(map(str, named))

    def applies(self, attribute):
        return attribute.get("profile") is None or attribute["profile"] in self.profiles

    def members(self, path, holder, value):
        """An event, or an object in it."""
        for name, item in value.items():
            at = f"{path}.{name}" if path else name
            attribute = self.schema.attribute(holder, name)
            if attribute is None:
                self.say(at, "no such attribute")
                continue
            if not self.applies(attribute):
                self.say(at, f"needs the profile {attribute['profile']}")
            if "@deprecated" in attribute:
                self.say(at, "deprecated: " + attribute["@deprecated"]["message"])
            self.judge_attribute(at, attribute, item, value)
        for name, attribute in holder["attributes"].items():
            needed = attribute.get("requirement") == "required" and self.applies(attribute)
            if needed and name not in value:
                self.say(f"{path}.{name}" if path else name, "is required and missing")
        self.constraints(path, holder, value)

    def constraints(self, path, holder, value):
        for rule, names in holder.get("constraints", {}).items():
            have = sum(present(value, name) for name in names)
            if rule == "at_least_one":
                if have < 1:
                    self.say(path, "needs at least one of " + ", ".join(names))
            elif rule == "just_one":
                if have != 1:
                    self.say(path, "needs just one of " + ", ".join(names))
            else:
                self.say(path, f"unknown constraint {rule}")

    def judge_attribute(self, path, attribute, value, beside):
        if attribute.get("is_array"):
            if not isinstance(value, list):
                self.say(path, "must be an array")
                return
            for number, item in enumerate(value):
                self.judge_value(f"{path}[{number}]", attribute, item)
        else:
            self.judge_value(path, attribute, value)
        if "sibling" in attribute and not isinstance(value, list):
            self.judge_sibling(path, attribute, value, beside)

    def judge_value(self, path, attribute, value):
        kind = attribute["type"]
        if kind in self.schema.types:
            self.judge_scalar(path, kind, value)
        elif not isinstance(value, dict):
            self.say(path, f"must be an object ({kind})")
        elif kind != "object":
            one = self.schema.objects[kind]
            if "@deprecated" in one:
                self.say(path, f"the object {kind} is deprecated")
            self.members(path, one, value)
        if "enum" in attribute and str(value) not in self.enumeration(path, attribute):
            self.say(path, f"{value!r} is not one of the enumeration")

    def enumeration(self, path, attribute):
        if path == "class_uid":
            return {str(self.the_class["class_uid"]): {"caption": self.the_class["caption"]}}
        if path == "category_uid":
            return {str(self.the_class["category_uid"]):
                    {"caption": self.the_class["category_name"]}}
        if re.fullmatch(r"observables\[\d+\]\.type_id", path):
            return {str(n): {"caption": c} for n, c in self.schema.observables.items()}
        return attribute["enum"]

    def judge_scalar(self, path, kind, value):
        rules = self.schema.types[kind]
        base = rules.get("type", kind)
        if kind == "json_t":
            return
        whole = isinstance(value, int) and not isinstance(value, bool)
        fits = {"string_t": isinstance(value, str), "boolean_t": isinstance(value, bool),
                "integer_t": whole and abs(value) < 1 << 63,
                "long_t": whole and abs(value) < 1 << 63,
                "float_t": whole or isinstance(value, float)}[base]
        if not fits:
            self.say(path, f"{value!r} is no {kind}")
            return
        if kind == "timestamp_t" and not 0 <= value < 1 << 53:
            self.say(path, "is no time in milliseconds")
        if "range" in rules and not rules["range"][0] <= value <= rules["range"][1]:
            self.say(path, f"{value} is out of the range {rules['range']}")
        if "max_len" in rules and len(value) > rules["max_len"]:
            self.say(path, f"is longer than {rules['max_len']}")
        if "regex" in rules and not re.search(rules["regex"], value):
            self.say(path, f"{value!r} does not look like {kind}")

    def judge_sibling(self, path, attribute, value, beside):
        name = attribute["sibling"]
        if name not in beside:
            if str(value) == "99":
                self.say(path, f"99 without {name}, which would say what")
            return
        if path == "type_uid":
            return  # classification() knows
        entry = self.enumeration(path, attribute).get(str(value)) if "enum" in attribute else None
        if str(value) == "99":
            if beside[name] in ("Other", ""):
                self.say(path, f"{name} says nothing: {beside[name]!r}")
        elif entry and beside[name] != entry["caption"]:
            self.say(path, f"{name} is {beside[name]!r}, not {entry['caption']!r}")

    def classification(self):
        event, of = self.event, self.the_class
        activity = event.get("activity_id")
        if not isinstance(activity, int):
            return
        if event.get("type_uid") != of["class_uid"] * 100 + activity:
            self.say("type_uid", "is not class_uid * 100 + activity_id")
        captions = self.schema.attribute(of, "activity_id")["enum"]
        caption = captions.get(str(activity), {}).get("caption")
        if "type_name" in event and event["type_name"] != f"{of['caption']}: {caption}":
            self.say("type_name", f"is not {of['caption']}: {caption}")
        version = event.get("metadata", {}).get("version")
        if version != self.schema.version:
            self.say("metadata.version", f"{version!r}, and the schema is {self.schema.version}")

    # ---- observables ----

    def observables(self):
        given = self.event.get("observables", [])
        for number, one in enumerate(given if isinstance(given, list) else []):
            at = f"observables[{number}]"
            name = one.get("name") if isinstance(one, dict) else None
            if not isinstance(name, str):
                continue
            values = values_at(self.event, name)
            if not values:
                self.say(at, f"{name} is not in the event")
            elif "value" in one and one["value"] not in [str(v) for v in values]:
                self.say(at, f"the value at {name} is another")
            meant = self.observable_of(name)
            if meant is not None and one.get("type_id") not in meant:
                self.say(at, f"{name} is no {self.schema.observables.get(one.get('type_id'))}")

    def observable_of(self, name):
        """Numbers that an attribute may be observed under; None: the schema does not tell."""
        holder, out = self.the_class, None
        for part in re.sub(r"\[\d*\]", "", name).split("."):
            if holder is ANY:
                return None
            attribute = self.schema.attribute(holder, part)
            if attribute is None:
                return {None}
            kind = attribute["type"]
            out = {attribute.get("observable"), self.schema.types.get(kind, {}).get("observable")}
            holder = self.schema.objects.get(kind, ANY)
            if holder is not ANY:
                out.add(holder.get("observable"))
                if kind == "object":
                    holder = ANY
        return out - {None} or None


def values_at(value, name):
    """What a reference as a.b, a[].b or a[0].b names."""
    found = [value]
    for part in name.split("."):
        key, bracket, number = part.partition("[")
        found = [v[key] for v in found if isinstance(v, dict) and key in v]
        if bracket and number.rstrip("]"):
            at = int(number.rstrip("]"))
            found = [v[at] for v in found if isinstance(v, list) and at < len(v)]
        else:
            found = [x for v in found for x in (v if isinstance(v, list) else [v])]
    return found


def present(value, name):
    return bool(values_at(value, name))


def changed(event, path, value):
    """A copy of the event with the value at a dotted path put in; ... takes it out."""
    out = copy.deepcopy(event)
    at = out
    parts = [int(p) if p.isdigit() else p for p in path.split(".")]
    for part in parts[:-1]:
        at = at[part]
    if value is ...:
        del at[parts[-1]]
    else:
        at[parts[-1]] = value
    return out
