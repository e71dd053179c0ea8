# SPDX-License-Identifier: Apache-2.0
"""Random schemas and values that are worth asking about: values are from the same small stock as
the schemas, so that a good part of them fits.  The same seed makes the same questions.

Numbers are sums of powers of two that a double holds, in any spelling; for others see
schema_differ.fraction_batch()."""
import json
import random

NAMES = ["a", "b", "c", "x-a", "", "d e", "\u00e9"]
WANTED = [n for n in NAMES if n]  # ajv does not miss a member that has no name
STRINGS = ["", "a", "b", "ab", "aab", "abc", "\u00e9", "\U0001f600", "a\n", "0", "12", "a b", "\0",
           "2026-02-28", "2023-02-29", "10.0.0.1", "::1", "\u2028"]
NUMBERS = ["0", "-0.0", "1", "1.0", "10e-1", "2", "0.5", "5e-1", "-1", "1.5", "3", "100", "1e2",
           "0.25", "9007199254740991", "-3.0", "2147483647", "2147483648", "1e3"]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
LETTERS = ["a", "b", "c", "\u00e9", "\U0001f600", "0", "9", " ", "-", "_", "\n", "]", "A"]


class Number:
    """As it is spelled."""
    def __init__(self, text):
        self.text = text


def text_of(value):
    if isinstance(value, Number):
        return value.text
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{text_of(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, likely):
        return self.random.random() < likely

    def pick(self, stock):
        return self.random.choice(stock)

    # ---- values ----

    def number(self):
        return Number(self.pick(NUMBERS))

    def value(self, depth=3):
        kind = self.random.randrange(8 if depth > 0 else 5)
        if kind == 0:
            return self.pick([None, True, False])
        if kind < 3:
            return self.number()
        if kind < 5:
            return self.pick(STRINGS)
        if kind == 5:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        return {name: self.value(depth - 1)
                for name in self.random.sample(NAMES, self.random.randrange(4))}

    def fitting(self, schema, root, depth=5):
        """A value that often fits."""
        if not isinstance(schema, dict) or depth == 0 or self.some(0.05):
            return self.value(2)
        if "$ref" in schema:
            schema = self.target(schema["$ref"], root)
            return self.fitting(schema, root, depth - 1)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self.pick(schema["enum"])
        for word in ("allOf", "anyOf", "oneOf"):
            if word in schema and self.some(0.5):
                return self.fitting(self.pick(schema[word]), root, depth - 1)
        kinds = schema.get("type", self.likely_types(schema))
        kind = self.pick(kinds if isinstance(kinds, list) else [kinds])
        return self.of_type(kind, schema, root, depth)

    @staticmethod
    def likely_types(schema):
        words = {"properties": "object", "required": "object", "patternProperties": "object",
                 "dependentRequired": "object", "dependentSchemas": "object",
                 "propertyNames": "object", "maxProperties": "object", "items": "array",
                 "prefixItems": "array", "contains": "array", "uniqueItems": "array",
                 "pattern": "string", "minLength": "string", "maxLength": "string"}
        return [t for w, t in words.items() if w in schema] or TYPES

    @staticmethod
    def target(ref, root):
        return root if ref == "#" else root["$defs"][ref.rsplit("/", 1)[1]]

    def of_type(self, kind, schema, root, depth):
        if kind == "array":
            first = schema.get("prefixItems", [])
            n = self.random.randrange(len(first) + 3)
            return [self.fitting(first[i] if i < len(first) else
                                 schema.get("items", schema.get("contains", True)), root, depth - 1)
                    for i in range(n)]
        if kind == "object":
            known = schema.get("properties", {})
            names = [n for n in known if self.some(0.6)]
            names += [n for n in schema.get("required", []) if self.some(0.9)]
            names += self.random.sample(NAMES, self.random.randrange(3))
            return {n: self.fitting(known.get(n, schema.get("additionalProperties", True)), root,
                                    depth - 1) for n in names}
        simple = {"null": None, "boolean": self.some(0.5), "string": self.pick(STRINGS)}
        return simple[kind] if kind in simple else self.number()

    # ---- patterns ----

    def bracket(self):
        parts = []
        for _ in range(self.random.randrange(1, 4)):
            parts.append(self.pick([
                "a", "b", "a-c", "0-9", "\\d", "\\w", "\\s", "\\S", "\\W", "\\D", "\u00e9",
                "\\u0061", "\\u{1F600}", "\\-", "\\]", "\\p{L}", "\\P{Lu}", "\\n", "\\b", ".",
                "\U0001f600", "[", "^", "$", "\\x41"]))
        return "[" + self.pick(["", "", "^"]) + "".join(parts) + "]"

    def regex(self, depth=3):
        parts = []
        for _ in range(self.random.randrange(1, 4)):
            kind = self.random.randrange(10 if depth > 0 else 7)
            if kind < 3:
                part = self.pick(["a", "b", "c", "\u00e9", "\U0001f600", "0", " ", "\\.", "\\]",
                                  "-", "_", "A"])
            elif kind == 3:
                part = self.bracket()
            elif kind == 4:
                part = self.pick(["\\d", "\\w", "\\s", "\\D", "\\W", "\\S", ".", "\\p{L}",
                                  "\\p{Nd}", "\\P{L}", "\\n", "\\cJ", "\\x61"])
            elif kind < 7:
                parts.append(self.pick(["^", "$", "\\b", "\\B", "a", "b", ".*", "[^]", "[]"]))
                continue
            elif kind == 7:
                parts.append(self.pick(["(?=", "(?!", "(?<=", "(?<!"])
                             + self.pick(["a", "b", "ab", "\\d", "[^a]", "$", "^"]) + ")")
                continue
            else:
                part = self.pick(["(?:", "(", "(?:"]) + self.regex(depth - 1) + ")"
            parts.append(part + self.pick(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?",
                                           "+?", "??", "{0,2}?", "{0}"]))
        if depth > 0 and self.some(0.2):
            return "".join(parts) + "|" + self.regex(depth - 1)
        return "".join(parts)

    def text(self, most=8):
        return "".join(self.pick(LETTERS) for _ in range(self.random.randrange(most)))

    # ---- schemas ----

    def count(self):
        return Number(self.pick(["0", "1", "2", "3", "1.0", "2e0"]))

    def schemas(self, depth, later):
        return [self.schema(depth, later) for _ in range(self.random.randrange(1, 4))]

    def by_name(self, depth, later):
        return {n: self.schema(depth, later)
                for n in self.random.sample(NAMES, self.random.randrange(1, 4))}

    def keyword(self, depth, later):
        """One or two keywords.  later: definitions that may be referred to about the same value;
        below it any may, and the whole."""
        below = ["#"] + [f"#/$defs/d{i}" for i in range(3)]
        simple = {
            "type": lambda: self.pick([self.pick(TYPES), self.random.sample(TYPES, 3)]),
            "enum": lambda: self.distinct(),
            "const": lambda: self.value(2),
            "minimum": self.number, "maximum": self.number,
            "exclusiveMinimum": self.number, "exclusiveMaximum": self.number,
            "multipleOf": lambda: Number(self.pick(["1", "2.0", "0.5", "0.25", "3e0", "1e1"])),
            "minLength": self.count, "maxLength": self.count,
            "pattern": lambda: self.regex(2),
            "format": lambda: self.pick(["date", "ipv4", "ipv6", "int32", "int64"]),
            "minItems": self.count, "maxItems": self.count,
            "uniqueItems": lambda: self.some(0.8),
            "minProperties": self.count, "maxProperties": self.count,
            "required": lambda: self.random.sample(WANTED, self.random.randrange(3)),
            "dependentRequired": lambda: {n: self.random.sample(WANTED, 2) for n in
                                          self.random.sample(NAMES, 2)},
        }
        nested = {
            "items": lambda: self.schema(depth - 1, below),
            "prefixItems": lambda: self.schemas(depth - 1, below),
            "properties": lambda: self.by_name(depth - 1, below),
            "patternProperties": lambda: {self.pick(["^a", "b", "-", "^.$", "\\W"]):
                                          self.schema(depth - 1, below) for _ in range(2)},
            "additionalProperties": lambda: self.schema(depth - 1, below),
            "propertyNames": lambda: self.schema(0, []),
            "contains": lambda: self.schema(depth - 1, below),
            "dependentSchemas": lambda: self.by_name(depth - 1, later),
            "allOf": lambda: self.schemas(depth - 1, later),
            "anyOf": lambda: self.schemas(depth - 1, later),
            "oneOf": lambda: self.schemas(depth - 1, later),
            "not": lambda: self.schema(depth - 1, later),
            "if": lambda: self.schema(depth - 1, later),
        }
        if later and self.some(0.08):
            return {"$ref": self.pick(later)}
        stock = {**simple, **nested} if depth > 0 else simple
        word = self.pick(sorted(stock))
        made = {word: stock[word]()}
        if word == "contains":
            made.update({w: self.count() for w in ("minContains", "maxContains") if self.some(0.3)})
        if word == "if":
            made.update({w: self.schema(depth - 1, later) for w in ("then", "else")
                         if self.some(0.7)})
        return made

    def distinct(self):
        """Of an enum: no two that are the same, which ajv does not take."""
        stock = [None, True, False, "", "a", "\u00e9", Number("1"), Number("0.5"), Number("1e2"),
                 [], [Number("1.0")], {}, {"a": Number("1")}, {"a": [None]}]
        return self.random.sample(stock, self.random.randrange(1, 5))

    def schema(self, depth, later):
        if self.some(0.08):
            return self.some(0.7)
        made = {}
        for _ in range(self.random.randrange(1, 4)):
            made.update(self.keyword(depth, later))
        if "const" in made and "enum" in made:
            del made["enum"]
        if "contains" in made and "prefixItems" in made:
            del made["prefixItems"]  # ajv miscounts what is contained beside it
        return made

    def question(self, values):
        """A schema and values."""
        root = self.schema(3, [f"#/$defs/d{i}" for i in range(3)])
        if not isinstance(root, dict):
            root = {}
        root["$defs"] = {f"d{i}": self.schema(2, [f"#/$defs/d{j}" for j in range(i + 1, 3)])
                         for i in range(3)}
        return root, [self.fitting(root, root) if self.some(0.75) else self.value()
                      for _ in range(values)]

    def leaf(self):
        """A schema that annotations.py knows, too."""
        word = self.pick(["yes", "yes", "no", "type", "maxLength"])
        return {"type": self.pick(["null", "boolean", "string", "array", "object"])} \
            if word == "type" else {word: self.count()} if word == "maxLength" else word == "yes"

    def own(self, objects):
        """What a branch says of some of the members, or of the items."""
        words = {"properties": lambda: {n: self.leaf() for n in self.random.sample(NAMES, 2)},
                 "patternProperties": lambda: {self.pick(["^a", "b", "-"]): self.leaf()},
                 "required": lambda: self.random.sample(WANTED, 1)} if objects else \
            {"prefixItems": lambda: [self.leaf() for _ in range(self.random.randrange(1, 3))],
             "items": self.leaf, "minItems": self.count, "contains": self.leaf}
        made = {w: make() for w, make in words.items() if self.some(0.3)}
        if self.some(0.1):
            made["unevaluatedProperties" if objects else "unevaluatedItems"] = self.leaf()
        return made

    def branch(self, objects, depth, refs):
        if depth == 0 or self.some(0.3):
            return self.own(objects)
        word = self.pick(["allOf", "anyOf", "oneOf", "if", "dependentSchemas", "not"]
                         + ["$ref"] * bool(refs))

        def inner():
            return self.branch(objects, depth - 1, refs)

        if word == "$ref":
            return {**self.own(objects), word: self.pick(refs)}
        if word == "if":
            return {w: inner() for w in ("if", "then", "else") if w == "if" or self.some(0.7)}
        if word == "dependentSchemas":
            return {word: {n: inner() for n in self.random.sample(NAMES, 2)}}
        return {**self.own(objects), word: inner() if word == "not" else [inner(), inner()]}

    def left_over_question(self, values):
        """Unevaluated members or items, beside branches that say something of some of them."""
        objects = self.some(0.6)
        refs = [f"#/$defs/d{i}" for i in range(3)]
        root = {**self.branch(objects, 3, refs),
                "unevaluatedProperties" if objects else "unevaluatedItems":
                False if self.some(0.7) else self.leaf(),
                "$defs": {f"d{i}": self.branch(objects, 1, refs[i + 1:]) for i in range(3)}}
        few = [{n: self.value(0) for n in self.random.sample(NAMES, self.random.randrange(4))}
               if objects else [self.value(0) for _ in range(self.random.randrange(4))]
               for _ in range(values - 1)]
        return root, [*few, self.value(2)]

    def pattern_question(self, values):
        return {"pattern": self.regex()}, [self.text() for _ in range(values)]

    def format_question(self, values):
        name = self.pick(sorted(FORMATS))
        return {"format": name}, [self.mutated(self.pick(FORMATS[name])) for _ in range(values)]

    def mutated(self, text):
        for _ in range(self.pick([0, 0, 1, 1, 2, 3])):
            at = self.random.randrange(len(text) + 1)
            put = self.pick(["", "", "0", "9", "6", "a", "f", "Z", "T", ".", ":", "-", "+", "@",
                             "/", "=", "%", "[", "]", "#", "?", " ", "\n", "\u00e9", "::", "P",
                             "xn--"])
            text = text[:at] + put + text[at + self.random.randrange(2):]
        return text


FORMATS = {
    "date": ["2026-11-26", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2026-04-31",
             "0000-01-01"],
    "date-time": ["2026-11-26T12:30:45Z", "1990-12-31T23:59:60Z", "1990-12-31T15:59:60-08:00",
                  "2026-11-26t12:30:45.123+01:30", "2026-11-26T24:00:00Z"],
    "time": ["12:30:45Z", "23:59:60Z", "00:29:60+00:30", "12:30:45.1-23:59", "08:59:60+09:00",
             "23:30:60-00:29", "22:59:60Z", "12:60:00Z"],
    "duration": ["P1Y2M3DT4H5M6S", "P4W", "PT36H", "P1DT12H", "P1Y", "PT1M", "P10M2D", "P", "PT"],
    "email": ["joe.bloggs@example.com", "~t!#$%&'*+/=?^_`{|}@a-b.example", "a@b.c",
              "a..b@c.de"],
    "hostname": ["www.example.com", "a", "1-2.3", "a" * 63 + ".b", "a" * 64,
                 "xn--4gbwdl.xn--wgbh1c", ".".join(["a" * 49] * 5) + ".abc",
                 ".".join(["a" * 49] * 5) + ".abcd"],
    "ipv4": ["10.0.0.1", "255.255.255.255", "256.1.1.1", "1.2.3", "01.2.3.4"],
    "ipv6": ["::", "::1", "1:2:3:4:5:6:7:8", "1::8", "fe80::1:2", "::ffff:10.0.0.1",
             "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7::", "12345::", "::1%eth0", "1::2::3"],
    "uri": ["https://example.com/a/b?c=d#e", "urn:isbn:0451450523", "mailto:a@b.example",
            "http://u:p@10.0.0.1:80/%20", "ftp://[::1]/a", "tel:+1-816-555", "http://a?b#c",
            "https://[v1.a:b]/", "a+b-c.d:/e", "//a/b", "/a", "http://a b", "news:comp.lang"],
    "uuid": ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380",
             "2eb8aa08aa9811eab4aa73b441d16380"],
    "byte": ["", "QQ==", "QUI=", "QUJD", "QUJDRA==", "QUJDR===", "Q+/9"],
}
