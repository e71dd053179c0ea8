# SPDX-License-Identifier: Apache-2.0
"""Values that look personal: numbers made by the public rules (find_peers/numbers_of_people.py) are
found, those with one digit changed are not, and ordinary numbers are rarely."""
import collections
import os
import pathlib
import subprocess
import sys

import pytest

from assay_tool import BIN

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "find_peers"))
import numbers_of_people as numbers  # noqa: E402

SOAK = bool(os.environ.get("ASSAY_SOAK"))
COUNT = 50_000 if SOAK else 3000

# kind, weak where it is digits only; the greatest part of neighbours that may be right again: any
# without a check digit, and one country's digits can be another's.
RIGHT = {"card": ("card", 0), "iban": ("iban", 0), "ssn": ("ssn", 1), "email": ("email", 1),
         "nino": ("national_id weak", 1), "nif": ("national_id", 0.01),
         "codice": ("national_id", 0.05),
         "bsn": ("national_id weak", 0), "personnummer": ("national_id", 0),
         "pesel": ("national_id weak", 0.01), "steuer_id": ("national_id weak", 0.04)}

# Of ordinary numbers, which part may be taken for one of a person: at most so many in a thousand,
# surely and weakly.
ORDINARY = {"number": (12, 15), "uuid": (0, 0), "timestamp": (0, 0), "phone": (4, 15),
            "order": (0, 0), "code": (20, 45)}


@pytest.fixture
def chance():
    seed = int.from_bytes(os.urandom(4), "big") if SOAK else 3
    print(f"seed {seed}")
    return numbers.Chance(seed)


def ask(texts):
    program = BIN.parent / "tests" / "gateway" / "find_asker"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    done = subprocess.run([program], input="".join(t + "\n" for t in texts), capture_output=True,
                          text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(texts)
    return answers


def neighbour(chance, text):
    """With one digit changed."""
    at = chance.r.choice([i for i, c in enumerate(text) if c.isdigit()])
    other = chance.r.choice([d for d in "0123456789" if d != text[at]])
    return text[:at] + other + text[at + 1:]


@pytest.mark.parametrize("kind", sorted(RIGHT))
def test_what_the_rules_make_is_found(chance, kind):
    wanted, may_be_right = RIGHT[kind]
    texts = [getattr(chance, kind)() for _ in range(COUNT)]
    assert not [t for t, a in zip(texts, ask(texts)) if a != wanted][:10]
    near = [neighbour(chance, t) for t in texts]
    right = [t for t, a in zip(near, ask(near)) if a == wanted]
    assert len(right) <= may_be_right * COUNT, right[:10]


@pytest.mark.parametrize("kind", sorted(ORDINARY))
def test_ordinary_numbers_are_not(chance, kind):
    texts = [getattr(chance, kind)() for _ in range(10 * COUNT)]
    answers = collections.Counter(ask(texts))
    weak = sum(n for a, n in answers.items() if a.endswith(" weak"))
    sure = len(texts) - weak - answers["none"]
    print(f"{kind}: of {len(texts)} {sure} surely, {weak} weakly: {dict(answers)}")
    most_sure, most_weak = ORDINARY[kind]
    assert sure * 1000 <= most_sure * len(texts) and weak * 1000 <= most_weak * len(texts)


def test_digits_of_one_length(chance):
    """Which part of all numbers of a length is one by chance: what find.h says of weak ones."""
    for length, most in (9, 1 / 10), (11, 1 / 35), (12, 1 / 2000), (16, 1 / 25):
        texts = [chance.number_of(length) for _ in range(10 * COUNT)]
        found = sum(a != "none" for a in ask(texts))
        print(f"{length} digits: {found} of {len(texts)}")
        assert 0 < found or length == 12
        assert found <= most * len(texts)
