# SPDX-License-Identifier: Apache-2.0
"""Text of Cedar: strings and patterns with every escape, names, and the strings that the extension
functions are asked to read, good ones, those at a boundary and bad ones."""
import re

PLAIN = ["", "a", "b", "ab", "abc", "key", "x1", "alice", "*", "a*b", "**", "aaab"]
ODD = ["\n", "\r", "\t", "\\", "\0", "'", "\"", "A", "\U0001F600", "é", "e\u0301", "\u2028", " ",
       "a b", "a\\*b", "\\u{41}", "\x7f", "\ufeff", "名", "::", "A::\"b\"", "//", "/*", "\x1b",
       "principal", "__entity", "\u0130", "ß", "a\0b", "\ud7ff", "\ue000", "\U0010ffff"]
IDENTIFIERS = ["a", "b", "c", "name", "flag", "_x", "x1", "n", "inner", "when", "permit", "tags",
               "principal", "context", "type", "ip", "decimal", "A", "contains", "isEmpty"]
QUOTED = ["", "a b", "if", "true", "in", "has", "\"", "\\", "\n", "é", "1a", "a-b", "\0", "like"]
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "\0": "\\0", "'": "\\'",
         "\"": "\\\""}
RESERVED = {"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"}


def any_string(rng):
    if rng.random() < 0.7:
        return rng.choice(PLAIN)
    if rng.random() < 0.7:
        return rng.choice(ODD)
    return "".join(rng.choice(rng.choice((PLAIN, ODD))) for _ in range(rng.randint(2, 4)))


def character(rng, c, must):
    """One character of a literal: as it is, or in one of the ways to write it."""
    if c in must or rng.random() < 0.08:
        ways = [f"\\u{{{ord(c):x}}}", f"\\u{{{ord(c):0>6X}}}"]
        if ord(c) < 0x80:
            ways.append(f"\\x{ord(c):02x}")
        if c in SHORT:
            ways += [SHORT[c]] * 6
        return rng.choice(ways)
    if c in SHORT and rng.random() < 0.7:
        return SHORT[c]
    return c


def literal(rng, text):
    return '"' + "".join(character(rng, c, '"\\') for c in text) + '"'


def pattern(rng, text):
    """A pattern that is near this string: parts of it are wild, or not the same."""
    out, at = [], 0
    while at < len(text):
        p = rng.random()
        if p < 0.25:
            out.append("*")
            at += rng.randint(0, 2)
        elif p < 0.3:
            at += 1
        elif text[at] == "*":
            out.append("\\*")
            at += 1
        else:
            out.append(character(rng, text[at], '"\\*'))
            at += 1
        if len(out) > 40:
            break
    if rng.random() < 0.3:
        out.append(rng.choice(["*", "**", "\\*", "x"]))
    return '"' + "".join(out) + '"'


def is_identifier(name):
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None and name not in RESERVED


IP = (["127.0.0.1", "10.0.0.1", "10.0.0.0/8", "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1",
       "::", "10.0.0.1/24", "1.2.3.4/32", "1.2.3.4/0", "ffee::/64", "2001:db8::1", "ff02::1",
       "ff00::/8",
       "239.255.255.255/32", "127.0.0.0/8", "127.0.0.1/7", "::1/128", "::ffff", "224.0.0.0/3",
       "a:b:c:d:1:2:3:4", "A:B::C/0", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"],
      ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/01",
       "::ffff:1.2.3.4", "::/129", ":::", "1::2::3", " 1.2.3.4", "1.2.3.4 ", "12345::", "g::",
       "1.2.3.4/+8", "0x7f.0.0.1", "127.0.0.1/8/8", "::1/", "1:2:3:4:5:6:7:8:9", "١.1.1.1",
       "1:2:3:4:5:6:7:8::", "::1%eth0", "fe80::1%1", "1.2.3.4/-1", "::/0128", "::/00"])
DECIMAL = (["0.0", "1.0", "-1.0", "0.1", "0.0001", "12.3456", "-0.0", "922337203685477.5807",
            "-922337203685477.5808", "00.00", "000012.34", "1.10", "-00.0001", "1.1000"],
           ["", "1", "1.", ".1", "1.12345", "922337203685477.5808", "-922337203685477.5809", "+1.0",
            "1.0 ", " 1.0", "--1.0", "1e3", "1.-1", "1.+1", "0x1.0", "9223372036854775807.0",
            "92233720368547758070.1", "-.1", "١.0", "1,0", "-", "1.0.0", "99999999999999999999.0"])
DATETIME = (["2024-01-01", "1970-01-01", "2024-02-29", "0000-01-01", "9999-12-31", "2024-10-15",
             "2024-10-15T11:35:00Z", "2024-10-15T11:35:00.123Z", "1969-12-31T23:59:59.999Z",
             "2024-10-15T11:35:00+0100", "2024-10-15T11:35:00.999-2359", "0000-01-01T00:00:00Z",
             "9999-12-31T23:59:59.999Z", "2024-10-15T11:35:00.000+0000", "2000-02-29T23:59:59Z",
             "0000-01-01T00:00:00+2359", "9999-12-31T23:59:59.999-2359",
             "1970-01-01T00:00:00.001Z"],
            ["", "2024-1-1", "2024-01-32", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10",
             "2024-10-15T", "2024-10-15T11:35", "2024-10-15T11:35:00", "2024-10-15T24:00:00Z",
             "2024-10-15T11:60:00Z", "2024-10-15T11:35:60Z", "2024-10-15T11:35:00.1Z",
             "2024-10-15T11:35:00.1234Z", "2024-10-15T11:35:00+2400", "2024-10-15T11:35:00+0060",
             "2024-10-15T11:35:00+01:00", "2024-10-15 11:35:00Z", "2024-10-15t11:35:00z",
             "-2024-01-01", "+2024-01-01", "10000-01-01", "2024-10-15T11:35:00ZZ", " 2024-01-01",
             "2024-01-01 ", "2024-01-00", "2024-10-15T11:35:00.123", "2024/01/01", "20240101",
             "2024-10-15T11:35:00-000", "2024-10-15T1:35:00Z", "٢024-01-01", "2024-10-15Z"])
DURATION = (["0ms", "1ms", "1s", "1m", "1h", "1d", "1d2h3m4s5ms", "-1d", "-1d2h3m4s5ms", "1d5ms",
             "90m", "1000h", "9223372036854775807ms", "-9223372036854775808ms", "106751991167d",
             "-106751991167d", "9223372036854775s807ms", "0d0h0m0s0ms", "00001s", "2m3ms", "-0s",
             "-9223372036854775s808ms", "106751991167d7h12m55s807ms", "1500ms"],
            ["", "d", "1", "1x", "1s1m", "1d1d", "1ms1s", "-", "+1d", "1d -2h", "1.5h", "1 d",
             "1d ", " 1d", "9223372036854775808ms", "-9223372036854775809ms", "106751991168d",
             "--1d", "1D", "1us", "1d-2h", "99999999999999999999d", "1w", "d1", "1hh", "1dms", "١s",
             "106751991167d7h12m55s808ms", "-106751991167d7h12m55s809ms", "1m1ms1"])
EXTENSIONS = {"ipaddr": ("ip", IP), "decimal": ("decimal", DECIMAL),
              "datetime": ("datetime", DATETIME), "duration": ("duration", DURATION)}


def extension_string(rng, kind, bad=0.0):
    good, wrong = EXTENSIONS[kind][1]
    if rng.random() < bad:
        text = rng.choice(wrong)
        return text if rng.random() < 0.8 else mutated(rng, rng.choice(good))
    return rng.choice(good)


def mutated(rng, text):
    """One character more, less or changed."""
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(["", "0", "9", ":", ".", "-", "s", "Z", "/"]) + \
        text[at + rng.randint(0, 1):]
