# SPDX-License-Identifier: Apache-2.0
"""schema_differ.py SEED PAIRS [--judge PROGRAM] - random schemas and values, asked of ours and of
ajv, until PAIRS were compared; and as many limits of numbers, asked of ours and of Python's
fractions.

Prints counts and each difference; exit status 1 when there is one but for what EXPLAINED has.
"""
import argparse
import collections
import fractions
import json
import os
import pathlib
import re
import subprocess
import sys

import annotations
import schema_generate as generate

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[2]
VALUES = 8  # for each schema
# Of formats: (name, what such a value looks like, ours, why).
EXPLAINED = [
    (r"date-time", r"^[^\sTt]*\s", "0", "ajv takes a blank for the T"),
    (r"date-time|time", r"[+-]\d\d(\d\d)?$", "0", "ajv takes offsets without a colon"),
    (r"duration", r"", "0", "ajv lets units be left out between others"),
    (r"email", r"@[^.]*$|@\[|^\"", "1", "ajv wants a dot in the domain, and no quotes or brackets"),
    (r"email", r"[^@]{64}", "0", "ajv has no limits of length"),
    (r"hostname", r"\.$", "0", "ajv takes a dot at the end"),
    (r"uuid", r"^urn:uuid:", "0", "ajv takes it as a URN"),
    (r"byte", r"\n", "0", "ajv looks at one line"),
    (r"uri", r"^[^/]*://(?!([^/?#@]*@)?(\[[^/?#@\]]*\]|[^/?#@:\[\]]*)(:\d*)?([/?#]|$))", "0",
     "ajv takes an authority that is none for a path"),
    (r"uri", r"^[^:]*:([?#]|$)", "1", "ajv wants something behind the scheme"),
    (r"uri", r"^[^/]*:/(?!/).*[\[\]]", "0", "ajv takes one slash before an authority"),
]


def ask(program, questions):
    lines = "".join(f'{{"schema":{generate.text_of(s)},"values":{generate.text_of(v)}}}\n'
                    for s, v in questions)
    done = subprocess.run(program, input=lines.encode(), capture_output=True, timeout=1800)
    if done.returncode:
        raise RuntimeError(f"{program}: status {done.returncode}: {done.stderr.decode()[-2000:]}")
    answers = done.stdout.decode(errors="replace").splitlines()
    if len(answers) != len(questions):
        raise RuntimeError(f"{program}: {len(answers)} answers to {len(questions)} questions")
    return answers


def explanation(schema, value, ours):
    if set(schema) == {"format"}:
        for name, look, answer, why in EXPLAINED:
            if re.fullmatch(name, schema["format"]) and ours == answer and re.search(look, value):
                return why
    if set(schema) == {"pattern"} and ours == "0" and any(ord(c) > 0xffff for c in value):
        if re.search(r"\\B|\(\?[=!<]", schema["pattern"]):
            return "Node looks for places between the halves of a surrogate pair"
    if '"unevaluated' in generate.text_of(schema):
        if (annotations.evaluate(schema, value, schema) is not None) == (ours == "1"):
            return "ajv counts what does not fit as evaluated, or misses what does"
        return None
    if ours == "0" and '"contains"' in generate.text_of(schema) and "[]" in generate.text_of(value):
        return "ajv takes [] in another array, whatever it is to contain"
    return None


def compare(questions, ours, theirs, told):
    count = collections.Counter()
    for (schema, values), a, b in zip(questions, ours, theirs):
        if a.startswith("refused") or b.startswith("refused"):
            both = a.startswith("refused") and b.startswith("refused")
            # What PCRE2 cannot: told, and no answer to compare.
            fixed = "lookbehind assertion is not fixed length" in a
            # A fault of ajv's own while it compiles.
            broken = re.search(r"Cannot set properties of undefined|(props|items)\d+ is not def", b)
            count["refused by both" if both else "refused by ours" if fixed else
                  "ajv fails" if broken else "differences"] += 1
            if not (both or fixed or broken):
                told(f"{generate.text_of(schema)}: ours: {a}; theirs: {b}")
            continue
        count["schemas"] += 1
        for value, x, y in zip(values, a, b):
            count["pairs"] += 1
            count["fit" if y == "1" else "do not fit"] += 1
            if x == y:
                continue
            if x == "E":
                count["too much for ours"] += 1
                continue
            why = explanation(schema, value, x)
            count[f"explained: {why}" if why else "differences"] += 1
            if not why:
                told(f"{generate.text_of(schema)}: {generate.text_of(value)}: ours {x}, "
                     f"theirs {y}")
    return count


def batch(seed, schemas, judge, told):
    g = generate.Generator(seed)
    kinds = [g.question] * 6 + [g.left_over_question] * 2 + [g.pattern_question] * 2 + \
        [g.format_question]
    questions = [g.pick(kinds)(VALUES) for _ in range(schemas)]
    return compare(questions, ask([judge], questions),
                   ask(["node", HERE / "oracle.js", TOP / "node_modules"], questions), told)


def left_over_batch(seed, schemas, judge, told):
    g = generate.Generator(seed)
    questions = [g.left_over_question(VALUES) for _ in range(schemas)]
    wanted = ["".join(str(int(annotations.evaluate(s, v, s) is not None)) for v in values)
              for s, values in questions]
    return compare(questions, ask([judge], questions), wanted, told)


def number(g):
    """Any, also one that no double holds, of the exponents that Python can bear."""
    digits = "".join(g.pick("0123456789") for _ in range(g.pick([1, 1, 2, 3, 8, 19, 40])))
    text = g.pick(["", "-"]) + (digits.lstrip("0") or "0")
    if g.some(0.5):
        text += "." + "".join(g.pick("0123456789") for _ in range(g.pick([1, 1, 2, 5])))
    if g.some(0.4):
        text += g.pick("eE") + g.pick(["", "+", "-"]) + g.pick(["0", "1", "2", "19", "007", "300"])
    return text


def fits(schema, value):
    [(word, limit)] = schema.items()
    v, limit = fractions.Fraction(value.text), fractions.Fraction(limit.text)
    return {"minimum": lambda: v >= limit, "maximum": lambda: v <= limit,
            "exclusiveMinimum": lambda: v > limit, "exclusiveMaximum": lambda: v < limit,
            "multipleOf": lambda: (v / limit).denominator == 1, "const": lambda: v == limit}[word]()


def related(g, text):
    """The same, a multiple, or a neighbour of it, spelled otherwise."""
    f = fractions.Fraction(text) * g.pick([1, 1, 1, 2, 7, fractions.Fraction(1, 2)])
    f += g.pick([0, 0, 0, fractions.Fraction(1, 10 ** 5), -1])
    shift = g.pick([0, 0, 1, 5])
    f *= 10 ** shift
    scale = 0
    while f.denominator != 1 and scale < 40:
        f, scale = f * 10, scale + 1
    if f.denominator != 1:
        return number(g)
    return f"{f.numerator}e{-shift - scale}"


def fraction_batch(seed, schemas, judge, told):
    g = generate.Generator(seed)
    questions, wanted = [], []
    words = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "const"]
    while len(questions) < schemas:
        word, limit = g.pick(words), number(g)
        if len(limit) > 64 or (word == "multipleOf" and fractions.Fraction(limit) <= 0):
            continue
        texts = [related(g, limit) if g.some(0.7) else number(g) for _ in range(VALUES)]
        values = [generate.Number(t) for t in texts if len(t) <= 64]
        schema = {word: generate.Number(limit)}
        questions.append((schema, values))
        wanted.append("".join(str(int(fits(schema, v))) for v in values))
    return compare(questions, ask([judge], questions), wanted, told)


def run(seed, pairs, judge, told=print, schemas=2000, one=batch):
    total = collections.Counter()
    while total["pairs"] < pairs:
        total += one(seed, schemas, judge, told)
        seed += 1
    return total


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("seed", type=int)
    p.add_argument("pairs", type=int)
    p.add_argument("--judge", default=os.environ.get("ASSAY_BIN", "build/bin")
                   + "/../tests/package/schema_judge")
    a = p.parse_args()
    different = 0
    for name, one in (("ajv", batch), ("annotations", left_over_batch),
                      ("fractions", fraction_batch)):
        total = run(a.seed, a.pairs, a.judge, one=one)
        print(json.dumps({name: dict(sorted(total.items()))}, indent=1))
        different += total["differences"]
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
