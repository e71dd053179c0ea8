# SPDX-License-Identifier: Apache-2.0
"""Manual pages and completion say what the program says: same commands, same options."""
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ["ASSAY_BIN"])
COMMON = {"--json", "--state", "--run", "--help", "-h"}


def section(text, name):
    """The indented lines below one heading of a help text."""
    found = re.search(rf"^{name}\n((?:  .*\n)+)", text, re.M)
    return found[1].splitlines() if found else []


def assay_help(*command):
    done = subprocess.run([BIN / "assay", "help", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def commands(*group):
    return [line.split()[0] for line in section(assay_help(*group), "Commands")]


def options(*command):
    """Long and short options in a help text, without the values they take."""
    words = set()
    for line in section(assay_help(*command), "Options"):
        for word in line.split():
            if not re.match(r"--?[a-z0-9]", word):
                break
            words.add(word.rstrip(","))
    return words


def page(name):
    return (TOP / "docs" / "man" / name).read_text()


def page_options(text):
    """-x and --long wherever the page marks a flag."""
    words = set()
    for line in text.splitlines():
        if line.startswith("."):
            words |= {"--" + name for name in re.findall(r"\bFl Fl ([a-z][a-z-]*)", line)}
            words |= {"-" + name for name in re.findall(r"\bFl ([a-z0-9])(?= |$)", line)}
    return words


def leaves(command):
    below = commands(command)
    return [(command, sub) for sub in below] if below else [(command,)]


TOP_COMMANDS = commands()


@pytest.mark.parametrize("command", [c for c in TOP_COMMANDS if c not in ("help", "version")])
def test_page_and_help_name_the_same_options(command):
    text = page(f"assay-{command}.1")
    wanted = set().union(*(options(*leaf) for leaf in leaves(command))) - COMMON
    assert page_options(text) - COMMON == wanted


def judged_commands():
    """The commands in the first column of SECURITY.md's table: `api lint, build` names two."""
    text = (TOP / "SECURITY.md").read_text()
    rows = re.search(r"^\| command \| reads .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)[1]
    for row in rows.splitlines():
        for named in re.findall(r"`([^`]+)`", row.split("|")[1]):
            group, *subs = named.replace(",", "").split()
            yield from [(group, sub) for sub in subs if not sub.startswith("-")] or [(group,)]


def test_security_says_what_each_command_may_do():
    judged = set(judged_commands())
    there = {leaf for command in commands() for leaf in leaves(command)}
    assert there - judged == set()
    groups = {(command,) for command in commands()}
    assert judged - there - groups == set()


def test_overview_names_the_commands_there_are():
    text = page("assay.1")
    named = set(re.findall(r"^\.It Xr assay-(\S+) 1$", text, re.M))
    named |= set(re.findall(r"^\.It Nm Cm (\S+)", text, re.M))
    assert named == set(TOP_COMMANDS)


def test_overview_names_the_common_options():
    assert page_options(page("assay.1")) == COMMON


@pytest.mark.parametrize("command", [c for c in TOP_COMMANDS if c not in ("help", "version")])
def test_page_is_installed(command):
    assert f"'assay-{command}.1'" in page("meson.build")


@pytest.mark.parametrize("program", ["assay-guard", "assay-job", "assay-keys", "assay-monitor",
                                     "assay-recorder", "assay-sensor", "assay-uplink"])
def test_each_program_has_a_page(program):
    assert (BIN / program).exists()
    assert f".Nm {program}" in page(f"{program}.8")
    assert f"'{program}.8'" in page("meson.build")


COMPLETION = TOP / "packaging" / "completion"
SHELLS = {
    "bash": ("bash", "-c", f"""
        source {COMPLETION}/assay.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _assay
        printf '%s\\n' "${{COMPREPLY[@]}}" """, "bash"),
    # How zsh matches and shows is not in question; the words are.
    "zsh": ("zsh", "-f", "-c", f"""
        _files() {{ }}
        _describe() {{ print -rl -- ${{(M)${{(@)${{(P)4}}%%:*}}:#$words[CURRENT]*}} }}
        words=("$@") CURRENT=$#
        source {COMPLETION}/assay.zsh""", "zsh"),
    "fish": ("fish", "--no-config", "-c", f"""
        source {COMPLETION}/assay.fish
        complete -C (string join ' ' -- $argv) | string split -f1 \\t
        true"""),
}


def complete(shell, *words):
    done = subprocess.run([*SHELLS[shell], *words], capture_output=True, text=True, cwd=BIN,
                          env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("words, some", [
    (("assay", ""), {"up", "status", "log", "verify", "ledger"}),
    (("assay", "ver"), {"verify", "version"}),
    (("assay", "ledger", ""), {"init", "append", "checkpoint", "vkey", "proof"}),
    (("assay", "ledger", "in"), {"init"}),
    (("assay", "verify", "--k"), {"--key"}),
    (("assay", ""), {"alert", "baseline", "change", "check", "deny", "doctor", "erase", "export",
                     "quarantine", "restore", "state", "watch"}),
    (("assay", "alert", ""), {"list", "show", "explain", "sinks", "test", "check"}),
    (("assay", "alert", "--s"), {"--since", "--state"}),
    (("assay", "state", ""), {"list", "show", "columns", "check", "default"}),
    (("assay", "export", ""), {"ocsf"}),
    (("assay", "policy", ""), {"check", "authorize", "format", "corpus"}),
    (("assay", "api", ""), {"lint", "build", "inspect", "diff", "access"}),
    (("assay", "api", "build", "--o"), {"--output"}),
    (("assay", "policy", "format", "--i"), {"--in-place", "--indent"}),
    (("assay", "export", "ocsf", "--f"), {"--follow"}),
    (("assay", "deny", ""), {"list", "lift"}),
    (("assay", "ledger", "init", "--o"), {"--origin"}),
    (("assay", "help", "ledger", "vk"), {"vkey"}),
])
def test_completion(shell, words, some):
    found = complete(shell, *words)
    assert some <= found and all(word.startswith(words[-1]) for word in found)
    assert words[-1].startswith("-") or not any(word.startswith("-") for word in found)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_leaves_operands_to_the_shell(shell):
    assert complete(shell, "assay", "verify", "some-") == set()


def test_page_has_the_configuration_that_is_shipped():
    shipped = (TOP / "packaging" / "gateway.conf").read_text()
    shown = re.search(r"^\.Bd -literal[^\n]*\n(load_module.*?)^\.Ed$", page("assay-gateway.8"),
                      re.M | re.S)[1]
    assert shown.split() == re.sub(r"^#.*\n", "", shipped, flags=re.M).split()
