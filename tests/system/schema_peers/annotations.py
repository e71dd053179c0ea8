# SPDX-License-Identifier: Apache-2.0
"""Which members and items a schema evaluates, by the letter of JSON Schema draft 2020-12 (Core,
sections 10 and 11): each keyword gives back what it says something of.  For the keywords that
schema_generate.left_over_question() makes, and no others."""

TYPES = {"null": type(None), "boolean": bool, "string": str, "array": list, "object": dict}


def parts_of(value):
    """Members by name, items by place."""
    return value if isinstance(value, dict) else dict(enumerate(value)) \
        if isinstance(value, list) else {}


def simple(schema, value):
    """Do the keywords hold that say nothing of parts?"""
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if "minItems" in schema and isinstance(value, list):
        if len(value) < float(schema["minItems"].text):
            return False
    if "maxLength" in schema and isinstance(value, str):
        if len(value) > float(schema["maxLength"].text):
            return False
    return not isinstance(value, dict) or all(n in value for n in schema.get("required", []))


def within(schema, value):
    """[(part, its schema)] of the keywords for parts of a value."""
    found = []
    if isinstance(value, dict):
        found += [(n, s) for n, s in schema.get("properties", {}).items() if n in value]
        # The three patterns that are made.
        found += [(n, s) for p, s in schema.get("patternProperties", {}).items() for n in value
                  if (n.startswith("a") if p == "^a" else p in n)]
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        found += list(enumerate(first[:len(value)]))
        if "items" in schema:
            found += [(i, schema["items"]) for i in range(len(first), len(value))]
    return found


def contained(schema, value, root):
    if "contains" not in schema or not isinstance(value, list):
        return set()
    found = {i for i, v in enumerate(value) if evaluate(schema["contains"], v, root) is not None}
    return found or None


def branches(schema, value, root):
    """What each of the schemas about the same value evaluates, None when one is broken."""
    def ask(one):
        return evaluate(one, value, root)

    results = [ask(s) for s in schema.get("allOf", [])]
    if "$ref" in schema:
        results.append(ask(root["$defs"][schema["$ref"].rsplit("/", 1)[1]]))
    for word, enough in ("anyOf", lambda n: n > 0), ("oneOf", lambda n: n == 1):
        if word in schema:
            fitting = [r for r in map(ask, schema[word]) if r is not None]
            results += fitting if enough(len(fitting)) else [None]
    if "not" in schema and ask(schema["not"]) is not None:
        results.append(None)
    if "if" in schema:
        condition = ask(schema["if"])
        results.append(condition or set())
        results.append(ask(schema.get("then" if condition is not None else "else", True)))
    if isinstance(value, dict):
        results += [ask(s) for n, s in schema.get("dependentSchemas", {}).items() if n in value]
    return None if None in results else set().union(*results)


def evaluate(schema, value, root):
    """None: the value does not fit; otherwise its parts that were evaluated."""
    if isinstance(schema, bool):
        return set() if schema else None
    parts = parts_of(value)
    direct = within(schema, value)
    more = [contained(schema, value, root), branches(schema, value, root)]
    if not simple(schema, value) or None in more:
        return None
    if any(evaluate(s, parts[at], root) is None for at, s in direct):
        return None
    seen = {at for at, _ in direct}.union(*more)
    word = "unevaluatedProperties" if isinstance(value, dict) else "unevaluatedItems"
    if not parts or word not in schema:
        return seen
    left = set(parts) - seen
    if any(evaluate(schema[word], parts[at], root) is None for at in left):
        return None
    return set(parts)
