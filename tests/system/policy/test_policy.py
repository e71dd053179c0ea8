# SPDX-License-Identifier: Apache-2.0
"""assay policy: policies checked, tried, formatted, and Cedar's public tests."""
import json
import os
import pathlib
import re
import stat
import subprocess

import pytest

from assay_tool import BIN, assay, good, good_json, refused

DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"

SCHEMA = """
entity Group;
entity User in [Group] { name: String, age?: Long, ip?: ipaddr };
entity Photo { owner: User, private: Bool } tags String;
entity Level enum ["low", "high"];
action "view" appliesTo { principal: [User], resource: [Photo], context: { from?: ipaddr } };
action "edit" appliesTo { principal: [User], resource: [Photo], context: {} };
"""
POLICIES = """@id("own")
permit (principal, action, resource)
when { resource.owner == principal };

permit (principal in Group::"friends", action == Action::"view", resource);

@id("private stays private")
forbid (principal, action, resource)
when { resource.private }
unless { resource.owner == principal };

forbid (principal, action == Action::"view", resource)
when { context.from.isLoopback() };
"""
ENTITIES = [
    {"uid": {"type": "Group", "id": "friends"}, "attrs": {}, "parents": []},
    {"uid": {"type": "User", "id": "alice"}, "attrs": {"name": "Alice"}, "parents": []},
    {"uid": {"type": "User", "id": "bob"}, "attrs": {"name": "Bob", "ip": "10.1.1.1"},
     "parents": [{"type": "Group", "id": "friends"}]},
    *({"uid": {"type": "Photo", "id": name}, "parents": [],
       "attrs": {"owner": {"__entity": {"type": "User", "id": "alice"}}, "private": private}}
      for name, private in (("sunset", False), ("diary", True)))]


@pytest.fixture
def place(tmp_path):
    """A directory with the files above; place(name, text) adds one and gives its path."""
    def put(name, text):
        path = tmp_path / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    put("s.cedarschema", SCHEMA)
    put("p.cedar", POLICIES)
    put("e.json", ENTITIES)
    put.dir = tmp_path
    return put


# ---- check ----

def test_check_of_good_policies(place):
    file = place("good.cedar", POLICIES.replace("context.from.",
                                                "context has from && context.from."))
    assert good("policy", "check", file) == "4 policies, 0 errors, 0 warnings\n"
    assert good("policy", "check", "--schema", place.dir / "s.cedarschema", file, file) == \
        "8 policies, 0 errors, 0 warnings\n"
    assert good_json("policy", "check", file) == {"findings": [], "policies": 4, "warnings": 0}


def test_check_names_file_place_policy_and_kind_of_request(place):
    done = assay("policy", "check", "-s", place.dir / "s.cedarschema", place.dir / "p.cedar")
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode() == (
        f"{place.dir}/p.cedar: line 13, column 16: policy3: context.from may be absent: "
        'ask with `has` first (principal User, action Action::"view", resource Photo)\n'
        "4 policies, 1 error, 0 warnings\n")
    done = assay("policy", "check", "--json", "-s", place.dir / "s.cedarschema",
                 place.dir / "p.cedar")
    found = json.loads(done.stdout)
    assert [(f["line"], f["column"], f["policy"], f["severity"]) for f in found["findings"]] == \
        [(13, 16, "policy3", "error")]


WRONG = [
    ("permit (principal, action, resource) when { principal.nmae == \"x\" };",
     'line 1, column 55: policy0: User has no attribute "nmae" ('),
    ("@id(\"x\") permit (principal, action, resource) when { 1 };",
     'policy0 "x": Bool is wanted here, this is Long ('),
    ("permit (principal is Person, action, resource);",
     "policy0: the schema has no entity type Person"),
    ("permit (principal, action == Action::\"veiw\", resource);",
     'policy0: the schema has no action Action::"veiw"'),
    ("permit (principal == Level::\"mid\", action, resource);",
     'policy0: Level::"mid": the ids of this type are enumerated'),
    ("permit (principal == Photo::\"p\", action, resource);",
     "policy0: the schema has no action that applies to such a principal and resource"),
    ("permit (principal, action, resource) when { [] == [1] };",
     "policy0: a set without items has no type"),
    ("permit (principal, action, resource) when { resource.getTag(\"k\") == \"v\" };",
     'policy0: resource.getTag("k") may be absent: ask with hasTag() first'),
    ("permit (principal, action, resource) when { ip(\"1.2.3\").isIpv4() };",
     'policy0: "1.2.3": '),
    ("permit (principal, action, resource) when { ip(principal.name).isIpv4() };",
     "policy0: ip() takes a string that is written here"),
    ("permit (principal, action, resource", "line 1, column 36: "),
    ("permit (principal, action, resource) when { principal.isFine() };", "line 1, column "),
]


@pytest.mark.parametrize("text, want", WRONG, ids=[want for _, want in WRONG])
def test_check_says_what_is_wrong(place, text, want):
    done = assay("policy", "check", "-s", place.dir / "s.cedarschema", "-", data=text.encode())
    said = done.stdout.decode()
    assert done.returncode == 1 and done.stderr == b""
    assert any(line.startswith("standard input: ") and want in line for line in said.splitlines())
    found = json.loads(assay("policy", "check", "--json", "-s", place.dir / "s.cedarschema", "-",
                             data=text.encode()).stdout)["findings"]
    assert found[0]["line"] == 1 and found[0]["column"] >= 1 and found[0]["severity"] == "error"


def test_a_policy_that_never_decides_is_a_warning(place):
    file = place("w.cedar", "permit (principal, action, resource) when { principal is Group };\n")
    said = good("policy", "check", "-s", place.dir / "s.cedarschema", file)
    assert said.startswith(f"{file}: line 1, column 1: policy0: warning: the conditions are false")
    assert said.endswith("1 policy, 0 errors, 1 warning\n")
    assert good("policy", "check", file) == "1 policy, 0 errors, 0 warnings\n"


def test_check_reads_the_rest_when_one_file_is_bad(place):
    bad = place("bad.cedar", "permit (")
    done = assay("policy", "check", bad, place.dir / "p.cedar", place.dir / "absent")
    assert done.returncode == 3
    said = done.stdout.decode()
    assert f"{bad}: line 1, column 9: " in said and f"{place.dir}/absent: " in said
    assert said.endswith("4 policies, 2 errors, 0 warnings\n")


@pytest.mark.parametrize("text, status, want", [
    ("entity User { a: Nope };", 1, "Nope"),
    ("entity User {", 1, "line 1, column 14"),
    ("{\"\": {\"entityTypes\": {}, \"actions\": {}, \"actions\": {}}}", 1, "actions"),
    ("\xff", 1, "line 1, column 1"),
])
def test_a_schema_that_is_none(place, text, status, want):
    schema = place("bad.cedarschema", text)
    said = refused(status, "policy", "check", "-s", schema, place.dir / "p.cedar")
    assert said.startswith(f"assay policy check: {schema}: ") and want in said


def test_both_forms_of_a_schema(place):
    schema = place("s.json", {"": {
        "entityTypes": {"User": {"shape": {"type": "Record", "attributes": {
            "name": {"type": "String"}}}}, "Photo": {}},
        "actions": {"view": {"appliesTo": {"principalTypes": ["User"],
                                           "resourceTypes": ["Photo"]}}}}})
    file = place("j.cedar", 'permit (principal, action, resource) when { principal.name == "x" };')
    assert good("policy", "check", "-s", schema, file) == "1 policy, 0 errors, 0 warnings\n"
    file = place("j.cedar", "permit (principal, action, resource) when { principal.age == 1 };")
    assert assay("policy", "check", "-s", schema, file).returncode == 1


# ---- authorize ----

def ask(place, who, action, what, *more, **rest):
    return assay("policy", "authorize", "--policies", place.dir / "p.cedar", "--entities",
                 place.dir / "e.json", "--principal", f'User::"{who}"', "--action",
                 f'Action::"{action}"', "--resource", f'Photo::"{what}"', *more, **rest)


@pytest.mark.parametrize("who, action, what, context, status, said", [
    ("alice", "edit", "diary", {}, 0, 'allow\nbecause of policy0 "own"\n'),
    ("bob", "view", "sunset", {"from": {"__extn": {"fn": "ip", "arg": "10.0.0.1"}}}, 0,
     "allow\nbecause of policy1\n"),
    ("bob", "edit", "sunset", {}, 1, "deny\nbecause no policy permits it\n"),
    ("bob", "view", "diary", {"from": {"__extn": {"fn": "ip", "arg": "127.0.0.1"}}}, 1,
     'deny\nbecause of policy2 "private stays private"\nbecause of policy3\n'),
    ("bob", "view", "sunset", {}, 0, "allow\nbecause of policy1\n"
     'not counting policy3: line 13, column 16: no attribute "from"\n'),
])
def test_authorize(place, who, action, what, context, status, said):
    done = ask(place, who, action, what, "--context", place("c.json", context))
    assert (done.returncode, done.stdout.decode(), done.stderr) == (status, said, b"")


def test_authorize_for_programs(place):
    done = ask(place, "bob", "view", "sunset", "--json")
    assert json.loads(done.stdout) == {
        "decision": "allow", "reasons": [{"id": "policy1"}],
        "errors": [{"id": "policy3",
                    "text": 'policy3: line 13, column 16: no attribute "from"'}]}
    done = ask(place, "bob", "view", "diary", "--json", "-c", "-",
               data=b'{"from": {"__extn": {"fn": "ip", "arg": "10.0.0.1"}}}')
    assert json.loads(done.stdout) == {
        "decision": "deny", "errors": [],
        "reasons": [{"id": "policy2", "name": "private stays private"}]}


def test_a_schema_says_how_values_are_read(place):
    context = place("c.json", {"from": "127.0.0.1"})
    schema = ("--schema", place.dir / "s.cedarschema")
    done = ask(place, "bob", "view", "sunset", "-c", context, *schema)
    assert (done.returncode, done.stdout) == (1, b"deny\nbecause of policy3\n")
    done = ask(place, "bob", "view", "sunset", "-c", context)
    assert done.returncode == 0 and b"\nnot counting policy3: " in done.stdout


UNDECIDED = [
    ("view", {"fro": "10.0.0.1"}, "fro"),
    ("edit", {"from": "10.0.0.1"}, "from"),
    ("view", {"from": 7}, "from"),
    ("veiw", {}, 'Action::"veiw"'),
    ("view", [], "context"),
]


@pytest.mark.parametrize("action, context, want", UNDECIDED)
def test_a_request_the_schema_does_not_allow_is_not_decided(place, action, context, want):
    done = ask(place, "bob", action, "sunset", "-c", place("c.json", context), "-s",
               place.dir / "s.cedarschema")
    assert done.returncode == 3 and done.stdout == b"" and want in done.stderr.decode()


@pytest.mark.parametrize("file, text, want", [
    ("p.cedar", "permit (principal", "p.cedar: line 1, column 18: "),
    ("e.json", "[{}]", "e.json: entity 0"),
    ("e.json", '[{"uid": {"type": "User", "id": "a", "id": "b"}}]', "e.json: line 1, column "),
    ("e.json", "", "e.json: "),
    ("e.json", [dict(ENTITIES[0], parents=[{"type": "Group", "id": "friends"}])],
     'Group::"friends"'),
])
def test_a_bad_file_never_looks_like_a_denial(place, file, text, want):
    place(file, text)
    done = ask(place, "bob", "view", "sunset")
    assert done.returncode == 3 and done.stdout == b"" and want in done.stderr.decode()
    (place.dir / file).unlink()
    assert ask(place, "bob", "view", "sunset").returncode == 3


@pytest.mark.parametrize("args, want", [
    ((), "--principal UID is missing"),
    (("-l", 'User::"a"', "-a", 'Action::"a"'), "--resource UID is missing"),
    (("-l", 'User::"a"', "-a", 'Action::"a"', "-r", 'A::"a"'), "--policies FILE is missing"),
    (("-l", "alice"), "--principal: line 1, column 1: "),
    (("-l", 'User::"a" x'), "--principal: line 1, column 11: "),
])
def test_usage_of_authorize(args, want):
    assert refused(2, "policy", "authorize", *args).startswith(f"assay policy authorize: {want}")


def test_links(place):
    place("p.cedar", '@id("share")permit(principal == ?principal, action, resource in ?resource);')
    link = {"template_id": "share", "link_id": "one",
            "args": {"?principal": 'User::"bob"', "?resource": {"type": "Photo", "id": "sunset"}}}
    said = ask(place, "bob", "view", "sunset")
    assert said.returncode == 1
    done = ask(place, "bob", "view", "sunset", "-k", place("l.json", [link]))
    assert (done.returncode, done.stdout) == (0, b'allow\nbecause of one "share"\n')
    assert ask(place, "alice", "view", "sunset", "-k", place.dir / "l.json").returncode == 1
    check = ("policy", "check", "-s", place.dir / "s.cedarschema", "-k", place.dir / "l.json",
             place.dir / "p.cedar")
    assert good(*check) == "2 policies, 0 errors, 0 warnings\n"
    place("l.json", [dict(link, args={**link["args"], "?principal": 'Group::"x"'})])
    assert b'one "share": the schema has no action that applies' in assay(*check).stdout
    assert refused(2, *check, place.dir / "p.cedar") == \
        "assay policy check: --links goes with one file of policies\n"


@pytest.mark.parametrize("change, want", [
    ({"template_id": "nope"}, 'link 0: there is no template "nope"'),
    ({"args": {}}, "link 0: "),
    ({"args": {"?principal": "bob", "?resource": 'Photo::"x"'}},
     "link 0: args: ?principal: line 1"),
    ({"args": {"?who": 'User::"x"'}}, 'link 0: args: there is no slot "?who"'),
    ({"link_id": 7}, 'link 0: wants "template_id" and "link_id"'),
])
def test_links_that_are_none(place, change, want):
    place("p.cedar", "permit (principal == ?principal, action, resource in ?resource);")
    link = {"template_id": "policy0", "link_id": "one",
            "args": {"?principal": 'User::"bob"', "?resource": 'Photo::"sunset"'}}
    done = ask(place, "bob", "view", "sunset", "-k", place("l.json", [dict(link, **change)]))
    assert done.returncode == 3 and f"{place.dir}/l.json: {want}" in done.stderr.decode()


def test_a_link_finds_its_template_among_many(place):
    """Of 20,000 with names, in any order, each link takes the one that it names."""
    numbers = [n * 7919 % 20000 for n in range(20000)]
    place("p.cedar", "".join(f'@id("{n}") permit(principal == ?principal, action, resource);\n'
                             for n in numbers))
    links = place("l.json", [{"template_id": str(n), "link_id": f"of {n}",
                              "args": {"?principal": 'User::"bob"'}} for n in range(20000)])
    done = ask(place, "bob", "view", "sunset", "-k", links)
    said = done.stdout.decode().splitlines()
    assert (done.returncode, said[0], len(said)) == (0, "allow", 20001)
    assert {line.removeprefix("because of ") for line in said[1:]} == \
        {f'of {n} "{n}"' for n in range(20000)}


def test_a_link_of_either_of_two_templates_is_none(place):
    slot = '@id("share") permit (principal == ?principal, action, resource);'
    links = place("l.json", [{"template_id": "share", "link_id": "one",
                              "args": {"?principal": 'User::"bob"'}}])
    done = assay("policy", "check", "-k", links, place("t.cedar", slot + slot))
    assert done.returncode == 1
    assert b'l.json: link 0: two templates have the @id "share"' in done.stdout


# ---- format ----

UGLY = """// a file's head
permit(principal,action   ==Action::"view",resource)when{principal.name=="a"&&resource.private};
// between
@id("x")forbid(principal,action,resource)unless{[1,2].contains(1)}; // at its end
"""


def test_format_again_changes_nothing(place):
    once = good("policy", "format", place("u.cedar", UGLY))
    assert good("policy", "format", "-", data=once.encode()) == once
    for comment in ("// a file's head", "// between", "// at its end"):
        assert comment in once
    again = place("o.cedar", once)
    assert good("policy", "format", "--check", again) == ""
    narrow = good("policy", "format", "-w", 40, again)
    assert "permit (\n  principal,\n" in narrow and "permit (principal, " in once
    narrow = good("policy", "format", "-w", 40, "--indent", 8, again)
    assert "permit (\n        principal,\n" in narrow


def test_format_check_names_the_files_and_writes_nothing(place):
    ugly = place("u.cedar", UGLY)
    done = assay("policy", "format", "--check", ugly, place.dir / "p.cedar")
    assert done.returncode == 1 and done.stdout.decode() == f"{ugly}: not formatted\n"
    assert ugly.read_text() == UGLY
    assert json.loads(assay("policy", "format", "--check", "--json", ugly).stdout) == \
        [{"file": str(ugly), "is": "not formatted"}]


def test_format_in_place(place):
    ugly, link = place("u.cedar", UGLY), place.dir / "link.cedar"
    want = good("policy", "format", ugly)
    ugly.chmod(0o640)
    link.symlink_to("u.cedar")
    assert good("policy", "format", "-i", link) == f"{link}: rewritten\n"
    assert link.is_symlink() and ugly.read_text() == want
    assert stat.S_IMODE(ugly.stat().st_mode) == 0o640
    inode = ugly.stat().st_ino
    assert good("policy", "format", "-i", ugly) == "" and ugly.stat().st_ino == inode
    assert sorted(p.name for p in place.dir.iterdir()) == \
        ["e.json", "link.cedar", "p.cedar", "s.cedarschema", "u.cedar"]


def test_format_loses_nothing(place):
    bad, ugly = place("bad.cedar", "permit ("), place("u.cedar", UGLY)
    done = assay("policy", "format", "-i", bad, ugly)
    assert done.returncode == 1 and done.stdout.decode() == f"{ugly}: rewritten\n"
    assert bad.read_text() == "permit ("
    ugly.write_text(UGLY)
    kept = place("u.cedar.tmp", "mine")
    said = refused(1, "policy", "format", "-i", ugly)
    assert "u.cedar.tmp is in the way" in said
    assert (ugly.read_text(), kept.read_text()) == (UGLY, "mine")


def test_format_in_place_keeps_the_owner(place):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    ugly = place("u.cedar", UGLY)
    os.chown(ugly, 12345, 23456)
    good("policy", "format", "-i", ugly)
    assert (ugly.stat().st_uid, ugly.stat().st_gid) == (12345, 23456)
    assert ugly.read_text() != UGLY


def test_format_does_not_tear_names_of_one_file_apart(place):
    ugly = place("u.cedar", UGLY)
    other = place.dir / "other.cedar"
    other.hardlink_to(ugly)
    assert "u.cedar: it has another name (a hard link)" in \
        refused(1, "policy", "format", "-i", ugly)
    assert other.samefile(ugly) and ugly.read_text() == UGLY


def test_format_on_a_full_disk_leaves_the_file(place):
    """No file may grow beyond 0 bytes: the write fails, the old text stays."""
    ugly = place("u.cedar", UGLY)
    done = subprocess.run(["/bin/sh", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "sh",
                           BIN / "assay", "policy", "format", "-i", ugly], capture_output=True)
    assert done.returncode != 0 and b"u.cedar" in done.stderr
    assert ugly.read_text() == UGLY and not (place.dir / "u.cedar.tmp").exists()


@pytest.mark.parametrize("args, want", [
    (("--check", "--in-place", "x"), "--check and --in-place do not go together"),
    (("--width", "3", "x"), "--width: 20 to 1000 columns"),
    (("--indent", "0", "x"), "--indent: 1 to 16 blanks"),
    (("-i", "-"), "standard input has no place to write to"),
    ((), "missing operand; usage: assay policy format FILE..."),
])
def test_usage_of_format(args, want):
    assert refused(2, "policy", "format", *args).startswith(f"assay policy format: {want}")


# ---- the manual ----

def blocks(language):
    text = (DOCS / "policy.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def test_the_examples_of_the_manual(tmp_path):
    schema, policies, *of_apis = blocks("cedar")
    (tmp_path / "bank.cedarschema").write_text(schema)
    (tmp_path / "bank.cedar").write_text(policies)
    (tmp_path / "bank.json").write_text(blocks("json")[0])
    assert good("policy", "format", tmp_path / "bank.cedar") == policies
    for text in of_apis:
        (tmp_path / "api.cedar").write_text(text)
        good("policy", "format", tmp_path / "api.cedar")
    sessions = blocks("console")
    assert len(sessions) == 4
    for i, session in enumerate(sessions):
        command, _, said = session.replace("\\\n", " ").replace("|\n", "| ").partition("\n")
        if i == 1:
            (tmp_path / "bank.cedar").write_text(policies.replace("principal has limit && ", ""))
        done = subprocess.run(["/bin/sh", "-c", command.removeprefix("$ ")], cwd=tmp_path,
                              capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
        (tmp_path / "bank.cedar").write_text(policies)
        assert (done.stdout, done.stderr) == (said, ""), command


# ---- the public tests ----

@pytest.fixture(scope="module")
def cedar():
    if not os.environ.get("ASSAY_DATA"):
        pytest.skip("ASSAY_DATA is not set: cedar")
    return pathlib.Path(os.environ["ASSAY_DATA"]) / "cedar"


def test_handwritten_tests(cedar):
    assert good("policy", "corpus", cedar) == "22 passed, 0 failed\n"


def test_whole_corpus(cedar, tmp_path):
    subprocess.run(["tar", "-xzf", cedar / "corpus-tests.tar.gz", "-C", tmp_path], check=True)
    assert good_json("policy", "corpus", tmp_path) == {
        "differences": [], "failed": 0, "passed": 3957, "requests": 31656}


def small_test(place, **changes):
    place("t.json", {
        "policies": "p.cedar", "schema": "s.cedarschema", "entities": "e.json",
        "shouldValidate": False, "requests": [{
            "description": "bob looks", "principal": {"type": "User", "id": "bob"},
            "action": {"type": "Action", "id": "view"},
            "resource": {"type": "Photo", "id": "sunset"}, "context": {},
            "decision": "allow", "reason": ["policy1"], "errors": ["policy3"], **changes}]})
    (place.dir / "e.json").rename(place.dir / "all.entities.json")
    text = (place.dir / "t.json").read_text().replace("e.json", "all.entities.json")
    place("t.json", text)


def test_a_corpus_of_ones_own(place):
    small_test(place)
    assert good("policy", "corpus", place.dir) == "1 passed, 0 failed\n"
    assert good("policy", "corpus", f"{place.dir}//") == "1 passed, 0 failed\n"


@pytest.mark.parametrize("changes, said", [
    ({"decision": "deny"}, "t.json: request 0: decision: allow, wanted deny"),
    ({"reason": ["policy0"]}, "t.json: request 0: reason: policy1, wanted policy0"),
    ({"reason": []}, "t.json: request 0: reason: policy1, wanted none"),
    ({"errors": []}, "t.json: request 0: errors: policy3, wanted none"),
    ({"principal": {"type": "Nope", "id": "bob"}}, "t.json: request 0: request: "),
    ({"context": {"x": 1}}, "t.json: request 0: request: "),
])
def test_each_difference_is_named(place, changes, said):
    small_test(place, **changes)
    done = assay("policy", "corpus", place.dir)
    assert done.returncode == 1 and done.stderr == b""
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith(said) and lines[1:] == ["0 passed, 1 failed"]


def test_a_request_need_not_be_allowed_where_the_test_says_so(place):
    small_test(place, context={"x": 1}, validateRequest=False)
    assert good("policy", "corpus", place.dir) == "1 passed, 0 failed\n"


@pytest.mark.parametrize("find, put, said", [
    ('"shouldValidate": false', '"shouldValidate": true', "t.json: validation: context.from may"),
    ('"shouldValidate": false', '"shouldValidate": 1', 't.json: test: "shouldValidate" is to be'),
    ("p.cedar", "absent.cedar", "t.json: test: "),
    ("{", "[", "t.json: test: line 1, column "),
])
def test_a_test_that_does_not_run_has_failed(place, find, put, said):
    small_test(place)
    place("t.json", (place.dir / "t.json").read_text().replace(find, put, 1))
    done = assay("policy", "corpus", place.dir)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1 and lines[0].startswith(said) and lines[-1] == "0 passed, 1 failed"


def test_no_tests_are_not_all_passed(tmp_path):
    assert refused(3, "policy", "corpus", tmp_path) == \
        f"assay policy corpus: {tmp_path}: there is no test below it\n"
    assert refused(3, "policy", "corpus", tmp_path / "absent").startswith("assay policy corpus: ")
