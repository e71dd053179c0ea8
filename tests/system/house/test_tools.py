# SPDX-License-Identifier: Apache-2.0
"""The gate's own checks: a planted violation is found, named by file and line, and fails."""
import importlib.machinery
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[3]


def check(tool, tree, files):
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([TOP / "tools" / tool, tree], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


CLEAN = {
    "src/base/buf.h": "#ifndef BASE_BUF_H\n#define BASE_BUF_H\n#include <stdint.h>\n#endif\n",
    "src/sys/io.c": '#include <unistd.h>\n#include "base/buf.h"\n#ifdef SYS_statx\n#endif\n',
    "src/ledger/wal.c": '#include "sys/io.h"\n#include "ledger/wal.h"\n#include <unistd.h>\n',
    "src/bin/main.c": '#include "recorder/recorder.h"\n',
}


@pytest.mark.parametrize("name, text, where, what", [
    ("src/base/x.c", '#include "sys/io.h"\n', "src/base/x.c:1:", "up"),
    ("src/wire/x.c", '\n#include "crypto/sha256.h"\n', "src/wire/x.c:2:", "sideways"),
    ("src/ledger/x.c", '#include "loop/loop.h"\n', "src/ledger/x.c:1:", "sideways"),
    ("src/recorder/x.c", '  #  include "integrity/a.h"\n', "src/recorder/x.c:1:", "sideways"),
    ("src/loop/x.h", '#include "bin/x.h"\n', "src/loop/x.h:1:", "up"),
    ("src/wire/x.c", "#include <time.h>\n", "src/wire/x.c:1:", "pure"),
    ("src/wire/x.c", "#include <sys/stat.h>\n", "src/wire/x.c:1:", "pure"),
    ("src/policy/x.c", "#include <unistd.h>\n", "src/policy/x.c:1:", "pure"),
    ("src/base/x.c", '#include "x.h"\n', "src/base/x.c:1:", "not a path below src/"),
    ("src/attic/x.c", "\n", "src/attic/x.c:1:", "no floor"),
    ("src/base/x.c", "int a;\n#ifdef __linux__\n#endif\n", "src/base/x.c:2:", "#ifdef outside"),
    ("src/base/x.h", "#ifndef X\n#endif\n#ifndef Y\n#endif\n", "src/base/x.h:3:", "#ifndef"),
])
def test_floors_finds(tmp_path, name, text, where, what):
    status, output = check("check-floors", tmp_path, {**CLEAN, name: text})
    assert status == 1
    assert [line for line in output.splitlines() if line.startswith(where) and what in line]
    assert len(output.splitlines()) == 1


def test_floors_passes_clean(tmp_path):
    assert check("check-floors", tmp_path, CLEAN) == (0, "")


def test_floors_refuses_an_empty_tree(tmp_path):
    assert check("check-floors", tmp_path, {})[0] == 1


@pytest.mark.parametrize("code, what", [
    ("strcpy(a, b);", "strcpy"),
    ("n = atoi (s);", "atoi"),
    ("if (system(cmd)) {", "system"),
    ('x("text"); sprintf(a, "%d", 1);', "sprintf"),
    ("char *p = alloca(n);", "alloca"),
])
def test_banned_finds(tmp_path, code, what):
    status, output = check("check-banned", tmp_path, {"src/base/x.c": f"/* a\n b */\n{code}\n"})
    assert status == 1
    assert output.startswith(f"src/base/x.c:3: {what}()")


@pytest.mark.parametrize("code", [
    "/* strcpy(a, b) is not used */",
    'puts("system(1)");',
    "my_strcpy(a, b);",
    "loop->system(a);",
    "snprintf(a, sizeof a, \"%d\", 1);",
])
def test_banned_passes(tmp_path, code):
    assert check("check-banned", tmp_path, {"src/base/x.c": code + "\n"}) == (0, "")


ORDERED = "static_library('x',\n  'a.c',\n  'b.c',\n  'sub/a.c',\n  include_directories: inc)\n"


@pytest.mark.parametrize("text, line, what", [
    (ORDERED + "static_library('y',\n  'b.c',\n  'a.c')\n", 8, "'a.c' belongs before 'b.c'"),
    (ORDERED + "executable('y', 'a.c', 'b.c', 'c.c', 'd.c')\n", 6, "4 names"),
    ("foreach name : ['a', 'b', 'c', 'd']\n", 1, "4 names"),
    ("foreach name, more : {'a': [], 'b': [], 'c': x, 'd': []}\n", 1, "4 names"),
    ("foreach name, more : {\n  'b': [],\n  'a': [x, y],\n}\n", 3, "'a' belongs before 'b'"),
])
def test_lists_finds(tmp_path, text, line, what):
    status, output = check("check-lists", tmp_path, {"src/a/meson.build": text})
    assert status == 1
    assert output.startswith(f"src/a/meson.build:{line}: {what}")
    assert len(output.splitlines()) == 1


def test_lists_passes(tmp_path):
    assert check("check-lists", tmp_path, {
        "src/a/meson.build": ORDERED + "foreach name : ['b', 'a']\n",
        "tests/a/meson.build": "foreach name, more : {\n  'a': [x],\n  'b': [],\n}\n"}) == (0, "")


def test_lists_refuses_an_empty_tree(tmp_path):
    assert check("check-lists", tmp_path, {})[0] == 1


PAGE = "# One page\n\n## Of two, or more\n\n```\n# no heading\n[no](link)\n```\n"


@pytest.mark.parametrize("link, what", [
    ("[x](none.md)", "none.md is not there"),
    ("[x](page.md#no-heading)", "page.md has no heading #no-heading"),
    ("[x](#of-two)", "here.md has no heading #of-two"),
    ("| [x](page.md) | [y](../docs/page.md#one) |", "page.md has no heading #one"),
])
def test_links_finds(tmp_path, link, what):
    assert check("check-links", tmp_path, {
        "docs/page.md": PAGE, "docs/here.md": f"# Here\n{link}\n"}) == (
            1, f"docs/here.md:2: {what}\n")


def test_links_passes(tmp_path):
    assert check("check-links", tmp_path, {
        "docs/page.md": PAGE, "README.md":
        "[a](docs/page.md), [b](docs/page.md#of-two-or-more)\n`[c](d)` [e](https://x/y#z)\n"}) == (
            0, "")


def test_links_refuses_an_empty_tree(tmp_path):
    assert check("check-links", tmp_path, {})[0] == 1


def test_headers_names_the_incomplete_one(tmp_path):
    status, output = check("check-headers", tmp_path, {
        "src/base/good.h": "#ifndef G\n#define G\n#include <stddef.h>\nsize_t g(void);\n#endif\n",
        "src/base/bad.h": "#ifndef B\n#define B\nsize_t b(void);\n#endif\n"})
    assert status != 0
    assert "src/base/bad.h: does not compile alone" in output
    assert "good.h: does not" not in output


def test_headers_must_have_a_guard(tmp_path):
    status, output = check("check-headers", tmp_path, {"src/base/twice.h": "enum a { B };\n"})
    assert status != 0
    assert "src/base/twice.h: does not compile alone" in output


@pytest.mark.parametrize("name, text, what", [
    ("a.md", "fetch it from deb." + "debian.org\n", "registry"),
    ("a.md", "see /wo" + "rk/assay\n", "path of one machine"),
    ("tools/x.py", "# SPDX-License-Identifier: Apache-2.0\n# TO" + "DO: all\n", "unfinished"),
    ("src/x.c", "int a;\n", "SPDX"),
])
def test_words_finds(tmp_path, name, text, what):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "."], check=True)
    status, output = check("check-words", tmp_path, {})
    assert status == 1
    assert output.startswith(f"{name}:") and what in output


def test_deps_every_line_has_three_columns_and_a_known_group():
    groups = {"front", "build", "run", "test", "bench", "lint", "package"}
    names = []
    for line in (TOP / "tools" / "deps.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, group, reason = line.split(None, 2)
            assert set(group.split(",")) <= groups, line
            assert reason
            names.append(name)
    assert len(names) == len(set(names))


def test_package_builds_with_what_the_build_needs():
    """Every library of group build is a build dependency of the Debian package."""
    lines = [line.split() for line in (TOP / "tools" / "deps.txt").read_text().splitlines()]
    wanted = {line[0] for line in lines if line and line[0].startswith("lib")
              and "build" in line[1].split(",")} - {"libc6-dev"}
    control = (TOP / "debian" / "control").read_text()
    assert wanted and wanted <= set(control.replace(",", " ").split())


def test_install_deps_refuses_an_unknown_group():
    done = subprocess.run([TOP / "tools" / "install-deps", "nonsense"], capture_output=True,
                          text=True)
    assert done.returncode == 2
    assert "no group nonsense" in done.stderr


# ---- the gate itself ----

def gate(tree, files, *stages):
    """tools/check over a tree of its own."""
    shutil.copytree(TOP / "tools", tree / "tools")
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run([tree / "tools" / "check", *stages], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_gate_ends_with_the_counts(tmp_path):
    status, lines = gate(tmp_path, CLEAN, "floors", "banned")
    assert (status, lines[-1]) == (0, "2 passed, 0 failed")


def test_gate_fails_with_one_stage_and_shows_its_output(tmp_path):
    status, lines = gate(tmp_path, {**CLEAN, "src/base/x.c": "int f(void) { return atoi(s); }\n"},
                         "floors", "banned")
    assert (status, lines[-1]) == (1, "1 passed, 1 failed")
    assert [line for line in lines if line.startswith("src/base/x.c:1: atoi()")]


def test_gate_counts_a_stage_that_cannot_run_as_failed(tmp_path):
    status, lines = gate(tmp_path, CLEAN, "floors", "tidy")
    assert (status, lines[-1]) == (1, "1 passed, 1 failed")
    assert [line for line in lines if "FileNotFoundError" in line]


def test_gate_does_not_test_what_an_older_build_left(tmp_path):
    status, lines = gate(tmp_path, CLEAN, "gcc", "unit", "floors")
    assert (status, lines[-1]) == (1, "1 passed, 2 failed")
    assert "not run, because gcc failed" in lines


def test_gate_refuses_an_unknown_stage(tmp_path):
    assert gate(tmp_path, CLEAN, "nonsense")[0] == 2


def test_gate_that_ran_nothing_is_not_green(tmp_path):
    status, lines = gate(tmp_path, {}, "floors")
    assert (status, lines[-1]) == (1, "0 passed, 1 failed")


@pytest.fixture(scope="module")
def check_module():
    loader = importlib.machinery.SourceFileLoader("gate", str(TOP / "tools" / "check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gate", loader))
    sys.modules["gate"] = module  # dataclasses look their module up
    loader.exec_module(module)
    return module


# What cmocka 1.1.5 prints: results on standard output, the summary on standard error.
GOOD = "[==========] Running 2 test(s).\n[ RUN      ] a\n[       OK ] a\n"
MIXED = "[ RUN      ] a\n[  SKIPPED ] a\n[ RUN      ] b\n[  FAILED  ] b\n"


@pytest.mark.parametrize("stdout, stderr, result, status, wanted", [
    (GOOD, "[  PASSED  ] 2 test(s).\n", "OK", 0, (2, 0, [])),
    (MIXED, "[  PASSED  ] 3 test(s).\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] a\n"
     "\n 1 SKIPPED TEST(S)\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n",
     "FAIL", 1, (3, 1, ["x: a"])),
    ("[  PASSED  ] 1 test(s).\n[  PASSED  ] 4 test(s).\n", "", "OK", 0, (5, 0, [])),
    ("12 inputs\n", "", "OK", 0, (1, 0, [])),
    ("[ RUN      ] a\n", "", "FAIL", -11, (0, 1, [])),
    (GOOD, "[  PASSED  ] 2 test(s).\n", "FAIL", 1, (2, 1, [])),
    (GOOD, "", "TIMEOUT", -15, (0, 1, [])),
])
def test_gate_counts_cmocka(check_module, stdout, stderr, result, status, wanted):
    counted = check_module.judge_test({"name": "x", "stdout": stdout, "stderr": stderr,
                                       "result": result, "returncode": status})
    assert (counted.passed, counted.failed, counted.skipped) == wanted
    assert bool(counted.output) == (result != "OK")


# ---- what the gate says of what failed ----

FAILING_UNIT = """
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void passes(void **state) { (void)state; assert_int_equal(1, 1); }
static void differs(void **state) { (void)state; assert_int_equal(3, 4); }
static void hangs(void **state) { (void)state; pause(); }
static void aborts(void **state) { (void)state; abort(); }

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(passes),
                { "differs", argv[1][0] == 'd' ? differs : passes, NULL, NULL, NULL },
                { "last", argv[1][0] == 'h' ? hangs : argv[1][0] == 'a' ? aborts : passes, NULL,
                  NULL, NULL },
        };
        return argc < 2 || cmocka_run_group_tests(tests, NULL, NULL);
}
"""
FAILING_BUILD = """
project('failing', 'c')
unit = executable('unit', 'unit.c', dependencies: dependency('cmocka'))
test('a/good', unit, args: 'g')
test('a/differs', unit, args: 'd')
test('a/hangs', unit, args: 'h', timeout: 1)
test('a/aborts', unit, args: 'a')
"""
FAILING_PYTEST = """
def test_good():
    assert True


def test_bad():
    raise KeyError("tty")
"""


AGAIN_PYTEST = """
import pathlib
import pytest



def once(name):
    mine = pathlib.Path(__file__).with_suffix(f".{name}")
    if not mine.exists():
        mine.touch()
        raise AssertionError(f"{name}, the first time")


def test_a():
    once("a")


@pytest.mark.parametrize("n", range(3))
def test_b(n):
    raise AssertionError(f"b{n}")


def test_c():
    once("c")


def test_d():
    pass
"""


def test_gate_runs_again_what_failed_and_no_more(check_module, tmp_path, monkeypatch):
    """One that passes then is named; after one that fails again no more of its file is run."""
    gate = check_module
    for name in ("BUILDS", "TOP"):
        monkeypatch.setattr(gate, name, tmp_path)
    for name in ("test_x.py", "test_y.py"):
        (tmp_path / name).write_text(AGAIN_PYTEST)
    result = gate.pytest(tmp_path)
    assert (result.passed, result.failed, len(result.failures)) == (2, 10, 10)
    gate.run_alone(result)
    assert (result.passed, result.failed) == (4, 8)
    assert result.again == [f"test_{f}.py::test_a: AssertionError: a, the first time" for f in "xy"]
    assert result.once == [f"test_{f}.py::test_{n}" for f in "xy" for n in ("b[1]", "b[2]", "c")]
    assert len(result.failures) == 8
    assert any("test_c: AssertionError: c, the first time" in f for f in result.failures)


SLOW_PYTEST = """
import pathlib, time


def test_slow():
    seen = pathlib.Path(__file__).with_suffix(".seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError("the first time")
    time.sleep(60)
"""


def test_gate_runs_again_for_no_longer_than_it_may(check_module, tmp_path, monkeypatch):
    gate = check_module
    for name in ("BUILDS", "TOP"):
        monkeypatch.setattr(gate, name, tmp_path)
    monkeypatch.setattr(gate, "AGAIN_SECONDS", 3)
    (tmp_path / "test_x.py").write_text(SLOW_PYTEST)
    (tmp_path / "test_y.py").write_text("def test_bad():\n    assert 0\n")
    result = gate.pytest(tmp_path)
    began = time.monotonic()
    gate.run_alone(result)
    assert time.monotonic() - began < 40
    assert result.failed == 2 and result.again == []
    assert result.once == ["test_x.py::test_slow", "test_y.py::test_bad"]


def test_gate_analyses_beside_the_system_tests(check_module, monkeypatch):
    """Begun with them, told in their place; and not at all when what they need has failed."""
    gate, began = check_module, []

    def stage(name, failed=0):
        def function():
            began.append(name)
            return gate.Result(passed=1 - failed, failed=failed)
        return name, name, function, set()

    def system():
        deadline = time.monotonic() + 20
        while "cppcheck" not in began and time.monotonic() < deadline:
            time.sleep(0.01)
        return gate.Result(passed=1)
    stages = [("system", "", system, set()), stage("tidy"), stage("cppcheck")]
    rows = gate.run_all([stage("clang"), *stages])
    assert [(r[0], r[1].passed, r[1].failed) for r in rows] == [
        (name, 1, 0) for name in ("clang", "system", "tidy", "cppcheck")]
    assert began == ["clang", "tidy", "cppcheck"] and rows[2][2] < 20 > rows[1][2]
    began.clear()
    stages[0] = stage("system")
    rows = gate.run_all([stage("clang", 1), *stages])
    assert [(r[0], r[1].failed) for r in rows] == [
        ("clang", 1), ("system", 0), ("tidy", 1), ("cppcheck", 1)]
    assert began == ["clang", "system"]


def test_gate_names_what_failed(check_module, tmp_path, capsys, monkeypatch):
    gate = check_module
    monkeypatch.setattr(gate, "BUILDS", tmp_path)
    (tmp_path / "unit.c").write_text(FAILING_UNIT)
    (tmp_path / "meson.build").write_text(FAILING_BUILD)
    (tmp_path / "test_failing.py").write_text(FAILING_PYTEST)
    for command in (["meson", "setup", tmp_path / "gcc", tmp_path],
                    ["ninja", "-C", tmp_path / "gcc"]):
        subprocess.run(command, check=True, capture_output=True)
    stages = [("unit", lambda: gate.meson_test("gcc", slower=0.25)),
              ("system", lambda: gate.pytest(tmp_path / "test_failing.py")),
              ("words", lambda: gate.command_stage("sh", "-c", "echo; echo a:1: why; exit 1")),
              ("good", lambda: gate.command_stage("true")),
              ("broken", lambda: 1 // 0)]
    rows = [(name, *gate.run_stage(name, "", function)) for name, function in stages]
    capsys.readouterr()
    assert gate.summary(rows) == 1
    lines = capsys.readouterr().out.splitlines()
    named = [line for line in lines if line.startswith("failed in ")]
    assert lines[-1 - len(named):-1] == named, "they stand just above the last line"
    assert sorted(named) == [
        "failed in broken: ZeroDivisionError: integer division or modulo by zero",
        "failed in system: test_failing: test_bad: KeyError: 'tty'",
        "failed in unit: a/aborts: last: FAIL, status -6: (no output)",
        "failed in unit: a/differs: differs: 0x3 != 0x4",
        "failed in unit: a/hangs: last: TIMEOUT, status -15: (no output)",
        "failed in words: a:1: why"]
    assert lines[-1] == "7 passed, 6 failed"
