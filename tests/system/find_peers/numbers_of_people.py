# SPDX-License-Identifier: Apache-2.0
"""Numbers of persons by chance, right ones and ordinary ones, with check digits that are worked out
here from the public rules, another way than the gateway's."""
import datetime
import random
import string

# Of a few countries, what an account is made of: n digits, a letters, c either.
BBAN = {"AT": "n16", "BE": "n12", "CH": "n5c12", "DE": "n18", "DK": "n14", "ES": "n20", "FI": "n14",
        "FR": "n10c11n2", "GB": "a4n14", "IE": "a4n14", "IT": "a1n10c12", "LU": "n3c13",
        "MT": "a4n5c18", "NL": "a4n10", "NO": "n11", "PL": "n24", "PT": "n21", "SE": "n20",
        "SM": "a1n10c12", "TR": "n5n1c16", "AE": "n19", "SA": "n2c18", "BR": "n23a1c1"}

# (first digits, length)
CARDS = [("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15),
         ("37", 15), ("6011", 16), ("65", 16), ("36", 14), ("3528", 16), ("3589", 16), ("62", 17),
         ("6759", 18), ("2200", 16), ("5018", 13)]


class Chance:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def digits(self, n):
        return "".join(self.r.choice(string.digits) for _ in range(n))

    def letters(self, n, of=string.ascii_uppercase):
        return "".join(self.r.choice(of) for _ in range(n))

    def date(self):
        return datetime.date(1900, 1, 1) + datetime.timedelta(days=self.r.randrange(45000))

    # ---- right ones ----

    def card(self):
        first, n = self.r.choice(CARDS)
        body = first + self.digits(n - 1 - len(first))
        return body + luhn_digit(body)

    def iban(self):
        country = self.r.choice(sorted(BBAN))
        bban, shape = "", BBAN[country]
        while shape:
            kind, shape = shape[0], shape[1:]
            count = "".join(c for c, _ in zip(shape, range(2)) if c.isdigit())
            shape = shape[len(count):]
            bban += self.letters(int(count), {"n": string.digits, "a": string.ascii_uppercase,
                                              "c": string.digits + string.ascii_uppercase}[kind])
        number = int("".join(str(int(c, 36)) for c in bban + country) + "00")
        return f"{country}{98 - number % 97:02}{bban}"

    def ssn(self):
        area = self.r.choice([a for a in range(1, 900) if a != 666])
        return f"{area:03}-{self.r.randrange(1, 100):02}-{self.r.randrange(1, 10000):04}"

    def nino(self):
        while True:
            prefix = (self.letters(1, "ABCEGHJKLMNOPRSTWXYZ")
                      + self.letters(1, "ABCEGHJKLMNPRSTWXYZ"))
            if prefix not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"):
                return prefix + self.digits(6) + self.letters(1, "ABCD")

    def nif(self):
        number = self.r.randrange(1, 100_000_000)
        if self.r.random() < 0.5:
            return f"{number:08}" + "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]
        first, number = self.r.randrange(3), number % 10_000_000 or 1
        check = "TRWAGMYFPDXBNJZSQVHLCKE"[int(f"{first}{number:07}") % 23]
        return f"{'XYZ'[first]}{number:07}{check}"

    def codice(self):
        day = self.date()
        body = (self.letters(6) + f"{day.year % 100:02}" + "ABCDEHLMPRST"[day.month - 1]
                + f"{day.day + self.r.choice([0, 40]):02}" + self.letters(1) + self.digits(3))
        if self.r.random() < 0.2:  # two people of one code
            body = body[:-1] + "LMNPQRSTUV"[int(body[-1])]
        return body + codice_letter(body)

    def bsn(self):
        while True:
            body = self.digits(8)
            check = sum(w * int(d) for w, d in zip(range(9, 1, -1), body)) % 11
            if check < 10 and int(body):
                return f"{body}{check}"

    def personnummer(self):
        day = self.date()
        number = (f"{day.year % 100:02}{day.month:02}{day.day + self.r.choice([0, 0, 60]):02}"
                  + self.digits(3))
        return f"{number[:6]}{self.r.choice('-+')}{number[6:]}{luhn_digit(number)}"

    def pesel(self):
        day = self.date()
        month = day.month + {19: 0, 20: 20}[day.year // 100]
        body = f"{day.year % 100:02}{month:02}{day.day:02}" + self.digits(4)
        total = sum(int(d) * w for d, w in zip(body, [1, 3, 7, 9] * 3))
        return f"{body}{-total % 10}"

    def steuer_id(self):
        while True:
            twice = self.r.choice([2, 3])
            kept = self.r.sample(string.digits, 10 - twice + 1)
            body = kept + [kept[0]] * (twice - 1)
            self.r.shuffle(body)
            if body[0] == "0":
                continue
            # ISO/IEC 7064, hybrid system MOD 11,10: the check digit that makes it come out at 1
            for check in string.digits:
                p = 10
                for d in body:
                    p = ((p + int(d)) % 10 or 10) * 2 % 11
                if (p + int(check)) % 10 == 1:
                    return "".join(body) + check

    def email(self):
        return f"{self.letters(5).lower()}.{self.digits(2)}@{self.letters(4).lower()}.example.org"

    # ---- ordinary ones ----

    def number(self):
        return self.digits(self.r.randrange(6, 21))

    def number_of(self, n):
        return self.letters(1, "123456789") + self.digits(n - 1)

    def uuid(self):
        h = f"{self.r.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def timestamp(self):
        t = self.r.randrange(1_400_000_000, 2_000_000_000)
        when = datetime.datetime.fromtimestamp(t, datetime.timezone.utc)
        return self.r.choice([str(t), f"{t}{self.digits(3)}", f"{t}{self.digits(6)}",
                              f"{t}{self.digits(9)}", when.strftime("%Y%m%d%H%M%S"),
                              when.isoformat(), when.strftime("%Y-%m-%d"),
                              when.strftime("%Y%m%d%H%M%S") + self.digits(3)])

    def phone(self):
        country = self.r.choice(["1", "44", "49", "33", "31", "46", "48", "34", "39", "81", "91"])
        rest = self.letters(1, "23456789") + self.digits(self.r.choice([8, 9, 9, 10]))
        return self.r.choice([f"+{country}{rest}", f"{country}{rest}", f"0{rest}",
                              f"+{country} {rest[:3]} {rest[3:]}",
                              f"{rest[:3]}-{rest[3:6]}-{rest[6:]}"])

    def code(self):
        """Of the shapes that ids have, and nothing else of them."""
        return self.r.choice([f"{self.letters(2)}{self.digits(6)}{self.letters(1)}",
                              f"{self.digits(8)}{self.letters(1)}",
                              self.letters(16, string.ascii_uppercase + string.digits),
                              f"{self.letters(2)}{self.digits(20)}"])

    def order(self):
        year = self.r.randrange(2015, 2027)
        return self.r.choice([f"ORD-{self.digits(8)}", f"{year}-{self.digits(6)}",
                              f"{self.letters(2)}{self.digits(8)}",
                              f"{self.letters(3)}-{self.digits(5)}",
                              f"INV{year}{self.digits(6)}", f"{year}{self.digits(6)}",
                              f"{self.digits(3)}-{self.digits(7)}-{self.digits(7)}",
                              self.number_of(8), self.number_of(10)])


def luhn_digit(body):
    """The one with which the sum of digits, each second from the right doubled, is a multiple."""
    for check in string.digits:
        doubled = "".join(str(int(d) * (2 if i % 2 else 1))
                          for i, d in enumerate(reversed(body + check)))
        if sum(map(int, doubled)) % 10 == 0:
            return check
    raise AssertionError


ODD = dict(zip(string.digits + string.ascii_uppercase,
               [1, 0, 5, 7, 9, 13, 15, 17, 19, 21] * 2
               + [2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]))


def codice_letter(body):
    total = sum(ODD[c] for c in body[::2])
    total += sum(int(c) if c.isdigit() else ord(c) - ord("A") for c in body[1::2])
    return chr(ord("A") + total % 26)
