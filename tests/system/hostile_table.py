#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hostile_table.py - the table of hostile requests as Markdown: what is sent, and what comes of it.

What the back-end may see is shown where something is let pass; the call's id and tokens by name."""
from hostile import GONE, NGINX, PASS
from hostile.http2 import Frame
from hostile.themes import THEMES

SHOWN = 90  # characters of what is sent, and of what is seen


def cell(data):
    """Bytes as a table of Markdown takes them."""
    text = plain(data.decode("latin-1"))
    text = text if len(text) <= SHOWN else f"{text[:SHOWN - 8]} ... +{len(text) - SHOWN + 8}"
    return f"`{text.replace('`', chr(0x2019))}`" if text else ""


def plain(text):
    """What is no character of a line, as an escape."""
    return text.encode("unicode_escape").decode().replace("|", "\\|")


def sent(case):
    if any(isinstance(part, Frame) for part in case.sent):
        frames = [p for p in case.sent if isinstance(p, Frame)][1:]
        return cell(b"".join(f.bytes(b"@TOKEN@") for f in frames))
    return cell(b"".join(p for p in case.sent if isinstance(p, bytes)))


def said(case):
    return cell(b"".join(p for p in case.said if isinstance(p, bytes))) if case.said else ""


def outcome(status, reason):
    if status == GONE:
        return f"ends ({reason})"
    if isinstance(status, str):
        return f"{status} {reason}"
    return f"{status}" if reason == PASS else f"{status} {reason}"


def main():
    total = 0
    for name, module in THEMES.items():
        total += len(module.CASES)
        print(f"## {name}: {len(module.CASES)}\n\n{module.__doc__.strip()}\n")
        print("| case | sent | the back-end says | comes of it | the back-end gets |")
        print("|---|---|---|---|---|")
        for c in module.CASES:
            token = f"<br>`{plain(str(c.token))[:SHOWN * 2]}`" if c.token else ""
            print(f"| {plain(c.name)} | {sent(c)}{token} | {said(c)} | "
                  f"{', '.join(outcome(*w) for w in c.want)} | {cell(c.seen)} |")
        print()
    print(f"{total} cases; what is refused by \"{NGINX}\" has no entry, all else has.")


if __name__ == "__main__":
    main()
