# SPDX-License-Identifier: Apache-2.0
"""suite.py DIR [--judge PROGRAM] - the public JSON Schema Test Suite, asked of ours.

DIR is a checkout of it; its draft 2020-12 is read: what is required, and what is optional as far as
it is about formats, numbers and patterns that are known here.  Prints counts, what is refused and
why, and what is answered otherwise; exit status 1 when that is not what EXPLAINED says.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

OPTIONAL = ["bignum", "ecmascript-regex", "float-overflow", "non-bmp-regex", "format-assertion"]
FORMATS = ["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "unknown",
           "uri", "uuid"]
# What is meant to be refused: a part of what is said, and why.
REFUSED = [
    (r"keyword \$(dynamicRef|dynamicAnchor|recursiveRef|anchor|id|vocabulary)$",
     "addresses other than JSON pointers"),
    (r"\$ref #(?!/)", "addresses other than JSON pointers"),
    (r"\$ref (?!#)", "references to other documents"),
    (r"keyword contentSchema$", "contentSchema"),
    (r"keyword dependencies$", "keywords of older drafts"),
    (r"keyword (foo|unknown|x-.*|\$foobar|bar)$", "keywords that there are not"),
]
# Answers that are meant to be others: (file, description of a group), why.
EXPLAINED = [
    (r"optional/format/hostname", r"xn--", "names in Punycode are not decoded"),
    (r"^format$", r"", "formats are asserted, here they are annotations"),
]


def groups(top):
    base = top / "tests" / "draft2020-12"
    names = sorted(p.stem for p in base.glob("*.json"))
    names += [f"optional/{name}" for name in OPTIONAL]
    names += [f"optional/format/{name}" for name in FORMATS]
    for name in names:
        path = base / f"{name}.json"
        if not path.exists():
            continue
        # Numbers as they are spelled, for those that no double holds.
        for group in json.loads(path.read_text(), parse_float=Raw, parse_int=Raw):
            yield name, group


class Raw(float):
    """A number that is printed as it was read."""
    def __new__(cls, text):
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __repr__(self):
        return self.text


def text_of(value):
    """JSON of it; the library would print a float anew."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{text_of(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


def ask(judge, questions):
    lines = "".join(f'{{"schema":{s},"values":[{",".join(v)}]}}\n' for s, v in questions)
    done = subprocess.run([judge], input=lines.encode(), capture_output=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{judge}: status {done.returncode}: {done.stderr.decode()}")
    answers = done.stdout.decode(errors="replace").splitlines()
    assert len(answers) == len(questions), (len(answers), len(questions))
    return answers


def reason(table, *texts):
    for *patterns, why in table:
        if all(re.search(p, t, re.I) for p, t in zip(patterns, texts)):
            return why
    return None


def run(top, judge, told=print):
    all_groups = list(groups(top))
    answers = ask(judge, [(text_of(g["schema"]), [text_of(t["data"]) for t in g["tests"]])
                          for _, g in all_groups])
    count, refused, explained = collections.Counter(), collections.Counter(), collections.Counter()
    for (name, group), answer in zip(all_groups, answers):
        count["groups"] += 1
        if answer.startswith("refused: "):
            why = reason(REFUSED, answer)
            refused[why or f"{name}: {group['description']}: {answer}"] += len(group["tests"])
            count["tests refused"] += len(group["tests"])
            if not why:
                count["unexplained"] += len(group["tests"])
                told(f"{name}: {group['description']}: {answer}")
            continue
        for test, letter in zip(group["tests"], answer):
            count["tests"] += 1
            if letter == str(int(test["valid"])):
                count["tests answered alike"] += 1
                continue
            why = reason(EXPLAINED, name, json.dumps(test["data"]) + test["description"])
            if why:
                explained[why] += 1
                count["tests explained"] += 1
            else:
                count["unexplained"] += 1
                told(f"{name}: {group['description']}: {test['description']}: {letter}, "
                     f"wanted {test['valid']}")
    return count, refused, explained


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--judge", default=os.environ.get("ASSAY_BIN", "build/bin")
                   + "/../tests/package/schema_judge")
    a = p.parse_args()
    count, refused, explained = run(a.directory, a.judge)
    for table in count, refused, explained:
        print()
        for what, n in sorted(table.items()):
            print(f"{n:>7} {what}")
    return 1 if count["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
