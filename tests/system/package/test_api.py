# SPDX-License-Identifier: Apache-2.0
"""assay api lint, build, inspect and diff: the example, spoiled copies of it, and what is none."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from assay_tool import assay, good, good_json, refused

TOP = pathlib.Path(__file__).resolve().parents[3]
EXAMPLE = TOP / "examples" / "accounts"


@pytest.fixture
def package(tmp_path):
    """The example, to be spoiled."""
    shutil.copytree(EXAMPLE, tmp_path / "accounts")
    return tmp_path / "accounts"


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    made = tmp_path_factory.mktemp("key") / "release"
    vkey = good("change", "key", "release.bank.example", made).strip()
    return made, vkey


def lint(where, status=1):
    """What lint prints, names without the directory in front."""
    done = assay("api", "lint", where)
    assert (done.returncode, done.stderr) == (status, b""), done
    return done.stdout.decode().replace(f"{where}/", "")


def build(where, output, *more):
    return good("api", "build", where, "--output", output, *more)


# ---- good ones ----

def test_example_has_no_faults():
    files = len(list(EXAMPLE.iterdir()))
    assert good("api", "lint", EXAMPLE) == \
        f"accounts 1.4.0: good, {files} files, no errors and no warnings\n"
    assert good_json("api", "lint", EXAMPLE) == {
        "api": "accounts", "errors": 0, "faults": [], "more": 0, "version": "1.4.0",
        "warnings": 0}


def test_same_bytes_anywhere_and_anytime(package, tmp_path, key):
    one, two = tmp_path / "one.assay", tmp_path / "two.assay"
    build(EXAMPLE, one, "--key", key[0])
    for path in package.iterdir():
        os.utime(path, (1, 1))
        path.chmod(0o600)
    (package / ".git").mkdir()
    (package / ".git" / "config").write_text("x")
    assay("api", "build", package, "--output", two, "--key", key[0], env={
        "TZ": "Pacific/Auckland", "LC_ALL": "de_DE.UTF-8", "HOME": str(tmp_path)})
    assert one.read_bytes() == two.read_bytes()


def test_build_says_what_it_made(tmp_path, key):
    made = tmp_path / "accounts.assay"
    told = good_json("api", "build", EXAMPLE, "-o", made, "-k", key[0])
    assert told["api"] == "accounts" and told["version"] == "1.4.0"
    assert told["size"] == made.stat().st_size and told["output"] == str(made)
    assert told["signed_by"] == ["release.bank.example"]
    seen = good_json("api", "inspect", made, "--key", key[1])
    assert seen["sha256"] == told["sha256"]
    assert [s["state"] for s in seen["signatures"]] == ["good"]
    assert os.listdir(tmp_path) == ["accounts.assay"]


def test_several_sign(tmp_path, key):
    other = tmp_path / "other"
    vkey = good("change", "key", "audit.bank.example", other).strip()
    made = tmp_path / "accounts.assay"
    text = build(EXAMPLE, made, "--key", key[0], "--key", other)
    assert "signed by  release.bank.example+" in text and " audit.bank.example+" in text
    for one in (key[1], vkey):
        good("api", "inspect", made, "--key", one)
    assert refused(1, "api", "build", EXAMPLE, "-o", made, "-k", other, "-k", other) == \
        f"assay api build: {other}: key audit.bank.example has signed this package already\n"


def test_unsigned(tmp_path, key):
    made = tmp_path / "accounts.assay"
    assert "signed  by nobody: no --key was given\n" in build(EXAMPLE, made)
    assert refused(1, "api", "inspect", made, "--key", key[1]) == \
        f"assay api inspect: {made}: none of these keys has signed it\n"


def test_a_file_can_be_taken_out_again(tmp_path):
    made = tmp_path / "accounts.assay"
    build(EXAMPLE, made)
    for path in EXAMPLE.iterdir():
        assert good("api", "inspect", made, "--source", path.name) == path.read_text()
    assert good("api", "inspect", made, "--policy") == (EXAMPLE / "policy.cedar").read_text()
    schema = tmp_path / "schema"
    schema.write_text(good("api", "inspect", made, "--schema"))
    good("policy", "check", "--schema", schema, EXAMPLE / "policy.cedar")
    assert refused(1, "api", "inspect", made, "--source", "x") == \
        f'assay api inspect: {made}: it has no source "x"\n'


# ---- what is in one ----

def test_inspect_tells_all(tmp_path, key):
    made = tmp_path / "accounts.assay"
    build(EXAMPLE, made, "-k", key[0])
    text = good("api", "inspect", made, "--key", key[1])
    for line in ("accounts 1.4.0\n", "  signed by  release.bank.example+", ", good\n",
                 "  back-end   unix:/run/assay-example/accounts.sock, connect 1s, read 5s\n",
                 "  getCustomer     GET    /customers/{customerId}          Customer  reads "
                 "pii.address, pii.birth, pii.email, pii.name, pii.phone, pii.ssn\n",
                 "  pii.ssn          last4, recorded as digest\n",
                 "  createTransfer  1/s, burst 5, quota 200/d\n",
                 "  listBranches  for 5m by rights\n"):
        assert line in text
    told = good_json("api", "inspect", made)
    assert [o["id"] for o in told["operations"]] == [
        "createTransfer", "getAccount", "getCustomer", "listAccounts", "listBranches",
        "listTransfers", "updateCustomer"]
    assert told["operations"][0]["writes"] == ["account.iban", "pii.name", "transfer.text"]
    assert told["operations"][3]["parameters"][0] == {"in": "query", "name": "after",
                                                      "required": False}
    assert told["sources"] == sorted(p.name for p in EXAMPLE.iterdir())
    assert told["signatures"][0]["state"] == "not judged"


def test_rebuild_gives_the_same(tmp_path, key):
    made = tmp_path / "accounts.assay"
    build(EXAMPLE, made, "-k", key[0])
    assert good("api", "inspect", made, "--rebuild") == \
        "accounts 1.4.0: the same, byte for byte, when it is built again\n"
    assert good_json("api", "inspect", made, "--rebuild")["same"] is True


def spoil_part(path, name, old, new):
    """Another text of a section or source, with sizes and hashes to match."""
    whole = path.read_bytes()
    n = int.from_bytes(whole[16:20], "little")
    manifest, at, parts = json.loads(whole[20:20 + n]), 20 + n, []
    for part in manifest["sections"] + manifest["sources"]:
        text = whole[at:at + part[1]]
        at += part[1]
        if part[0] == name:
            assert old in text
            text = text.replace(old, new)
        part[1:] = [len(text), hashlib.sha256(text).hexdigest()]
        parts.append(text)
    head = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(whole[:16] + len(head).to_bytes(4, "little") + head + b"".join(parts))


def test_rebuild_sees_what_the_sources_do_not_say(tmp_path):
    made = tmp_path / "accounts.assay"
    build(EXAMPLE, made)
    spoil_part(made, "entities.json", b"payroll.partner.example", b"somebody.else.example")
    good("api", "inspect", made)
    assert refused(1, "api", "inspect", made, "--rebuild") == (
        f"assay api inspect: {made}: built again from its sources it is another one: "
        "entities.json differs.  Either another version of Assay has built it, or it was not made "
        "of these sources\n")
    spoil_part(made, "backend.yaml", b"timeout", b"timeuot")
    done = assay("api", "inspect", made, "--rebuild")
    assert done.returncode == 1
    assert b'backend.yaml:7:1: error: unknown key "timeuot": did you mean "timeout"?' in done.stdout


# ---- what a directory may hold ----

def test_empty_directory(tmp_path):
    assert lint(tmp_path) == """\
backend.yaml: error: the file is missing: it says where calls go to
gateway.yaml: error: the file is missing: it says what the API is called and how callers show \
who they are
openapi.yaml: error: the file is missing: it says what the API offers, as an OpenAPI document
policy.cedar: error: the file is missing: it says who may do what
4 errors, 0 warnings
"""


def test_another_directory(tmp_path):
    """Not a fault of each of its files."""
    for name in ("README.md", "main.c", "notes.yaml"):
        (tmp_path / name).write_text("x")
    (tmp_path / "src").mkdir()
    for what in (("lint", tmp_path), ("build", tmp_path, "--output", tmp_path.parent / "x.assay")):
        assert refused(1, "api", *what) == (
            f"assay api {what[0]}: {tmp_path}: no package of an API: there is no openapi.yaml, "
            "gateway.yaml, backend.yaml and policy.cedar\n")
    (tmp_path / "openapi.yml").write_text("x")
    assert "openapi.yml: error: rename it to openapi.yaml" in lint(tmp_path)


def put_link(path):
    target = path.parent.parent / "elsewhere"
    shutil.move(path, target)
    path.symlink_to(target)


def put_pipe(path):
    path.unlink()
    os.mkfifo(path)


def put_directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("spoil, want", [
    (put_link, "a symbolic link, and links are not followed: put the file itself here"),
    (put_pipe, "a pipe, and a file is wanted"),
    (put_directory, "a directory, and a file is wanted"),
])
@pytest.mark.parametrize("name", ["openapi.yaml", "entities.yaml"])
def test_what_is_no_file(package, name, spoil, want):
    spoil(package / name)
    told = lint(package)
    assert told.startswith(f"{name}: error: {want}\n") or f"\n{name}: error: {want}\n" in told
    assert "is missing" not in told


def test_names_that_are_no_part(package):
    (package / "policies").mkdir()
    for name in ("openapi.yml", "notes.txt", "Policy.cedar", "policies/x.txt", ".hidden"):
        (package / name).write_text("")
    (package / "screens").mkdir()
    os.symlink("/", package / "root")
    (package / os.fsdecode(b"b\xff\n")).write_text("")
    assert lint(package) == r"""
Policy.cedar: error: not a part of a package: did you mean policy.cedar?
b\xff\x0a: error: not a part of a package: move it out of the directory
notes.txt: error: not a part of a package: move it out of the directory
openapi.yml: error: rename it to openapi.yaml
policies/x.txt: error: not a part of a package: move it out of the directory
root: error: not a part of a package: move it out of the directory
screens: error: not a part of a package: move it out of the directory
7 errors, 0 warnings
""".lstrip()


def test_more_policies(package, tmp_path):
    (package / "policies").mkdir()
    (package / "policies" / "holidays.cedar").write_text("forbid (principal, action, resource)\n")
    assert lint(package) == ("policies/holidays.cedar:2:1: error: found the end of the text, "
                             "wanted `when`, `unless` or `;`\n1 error, 0 warnings\n")
    rest = "when { context.tls.version == \"TLSv1\" };\n"
    with (package / "policies" / "holidays.cedar").open("a") as f:
        f.write(rest)
    build(package, tmp_path / "x.assay")
    assert good("api", "inspect", tmp_path / "x.assay", "--policy").endswith(rest)


def test_unreadable_file(package):
    path = package / "gateway.yaml"
    path.chmod(0)
    command = [os.environ["ASSAY_BIN"] + "/assay", "api", "lint", str(package)]
    if os.geteuid() == 0:  # who may read everything
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode() == f"assay api lint: {package}/gateway.yaml: Permission denied\n"


def test_too_large(package):
    with (package / "README.md").open("wb") as f:
        f.truncate(65 << 20)
    assert refused(3, "api", "lint", package) == \
        f"assay api lint: {package}: more than the 64 MiB that a package may hold\n"


@pytest.mark.parametrize("where, want", [
    ("nowhere", "No such file or directory"),
    ("accounts/README.md", "the directory with a package's files is wanted; what assay api build "
     "makes of it is for assay api inspect")])
def test_no_directory(package, tmp_path, where, want):
    (package / "README.md").write_text("")
    assert refused(3, "api", "lint", tmp_path / where) == \
        f"assay api lint: {tmp_path / where}: {want}\n"


# ---- what files may hold ----

@pytest.mark.parametrize("name, text, want", [
    ("openapi.yaml", b"", "openapi.yaml: error: an OpenAPI document should stand here, not "),
    ("openapi.yaml", b"openapi: 3.1.0\n\x00", "openapi.yaml:2:1: error: a byte 0\n"),
    ("openapi.yaml", b"openapi: 3.1.0\nx: \xff\n", "openapi.yaml:2:4: error: not UTF-8\n"),
    pytest.param("openapi.yaml", b"[" * 1000000,
                 "openapi.yaml:1:193: error: nested deeper than 192\n", id="deep"),
    ("openapi.yaml", b"a: &a [1]\nb: *a\n", "openapi.yaml:1:4: error: anchors (&name) are not "),
    ("gateway.yaml", b"name: a\nname: b\n",
     'gateway.yaml:2:1: error: key "name" is there twice, first in line 1\n'),
    ("gateway.yaml", b"name: accounts\nclases: {}\n",
     'gateway.yaml:2:1: error: unknown key "clases": did you mean "classes"?\n'),
    ("backend.yaml", b"url: https://x.internal\n",
     'backend.yaml:1:6: error: "addresses" are missing: the addresses that x.internal may have\n'),
    ("policy.cedar", b"permit (principal\n", "policy.cedar:2:1: error: found the end of the text"),
    ("policy.cedar", b"\x7fELF\x02\x01\x01\x00", "policy.cedar:1:1: error: "),
    ("types.cedarschema", b"entity Group in [Group]\n", "types.cedarschema:2:1: error: "),
    ("entities.yaml", b"uid: x\n", "entities.yaml:1:1: error: "),
])
def test_faults_in_files(package, name, text, want):
    (package / name).write_bytes(text)
    told = lint(package)
    assert want in told, told
    assert all(": error: " in line or ": warning: " in line
               for line in told.splitlines()[:-1]), told


def test_rubbish_everywhere(package):
    for path in package.iterdir():
        path.write_bytes(os.urandom(10000))
    told = lint(package)
    assert all(f"{name}:" in told for name in ("openapi.yaml", "policy.cedar", "gateway.yaml"))


def test_faults_of_all_files_in_one_run(package):
    (package / "gateway.yaml").write_text(
        (package / "gateway.yaml").read_text().replace("last4", "last3", 1)
        .replace("20/s", "20"))
    (package / "backend.yaml").write_text("timeout: { read: 5 }\n")
    (package / "policy.cedar").write_text(
        (package / "policy.cedar").read_text().replace("hundredths", "hundreds"))
    told = lint(package)
    assert {line.split(":")[0] for line in told.splitlines()[:-1]} == \
        {"gateway.yaml", "backend.yaml", "policy.cedar"}
    assert 'unknown "last3": did you mean "last4"?' in told
    assert "a rate, as 10/s, should stand here: 20 has no unit" in told


# ---- where it goes ----

def test_nothing_is_written_with_errors(package, tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    (made / "a.assay").write_text("what was there")
    (package / "backend.yaml").unlink()
    done = assay("api", "build", package, "-o", made / "a.assay")
    assert done.returncode == 1
    assert done.stderr.decode() == f"assay api build: {package}: not built, there are errors\n"
    assert "backend.yaml: error: the file is missing" in done.stdout.decode()
    assert os.listdir(made) == ["a.assay"]
    assert (made / "a.assay").read_text() == "what was there"


def test_output_within_the_directory(package):
    out = package / "accounts.assay"
    assert refused(2, "api", "build", package, "-o", out) == (
        f"assay api build: --output {out}: it would be a file of the package itself; name a place "
        f"outside {package}\n")


@pytest.mark.parametrize("where, status, want", [
    ("no/where", 3, "No such file or directory"), ("", 1, "is a directory"),
    ("link", 1, "is a symbolic link: name the file itself"), ("pipe", 1, "is no regular file")])
def test_output_to_nowhere(package, tmp_path, where, status, want):
    out = tmp_path / where
    (tmp_path / "link").symlink_to("elsewhere")
    os.mkfifo(tmp_path / "pipe")
    told = refused(status, "api", "build", package, "-o", out)
    assert told == f"assay api build: {out}: {want}\n"


def test_no_output_named(package):
    assert refused(2, "api", "build", package) == "assay api build: --output FILE is missing\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small filesystem")
def test_full_disk(package, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", small], check=True)
    try:
        told = refused(1, "api", "build", package, "-o", small / "a.assay")
        assert told.startswith(f"assay api build: {small}/a.assay.tmp: write ")
        assert told.endswith(": No space left on device\n")
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_keys_that_are_none(package, tmp_path):
    out, nothing = tmp_path / "a.assay", tmp_path / "nothing"
    assert refused(3, "api", "build", package, "-o", out, "-k", nothing).startswith(
        f"assay api build: {nothing}: ")
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("no key\n")
    rubbish.chmod(0o600)
    assert refused(1, "api", "build", package, "-o", out, "-k", rubbish).startswith(
        f"assay api build: {rubbish}: ")
    rubbish.chmod(0o644)
    assert "lets others at a private key" in refused(3, "api", "build", package, "-o", out, "-k",
                                                     rubbish)
    assert not out.exists()


# ---- packages that are none ----

def test_inspect_refuses_rubbish(tmp_path):
    path = tmp_path / "x.assay"
    for text in (b"", b"assay package 1\n", os.urandom(1000)):
        path.write_bytes(text)
        assert refused(1, "api", "inspect", path).startswith(f"assay api inspect: {path}: ")


def test_inspect_reads_standard_input(tmp_path):
    path = tmp_path / "x.assay"
    build(EXAMPLE, path)
    assert good("api", "inspect", "-", data=path.read_bytes()).startswith("accounts 1.4.0\n")
    assert refused(1, "api", "inspect", "-", data=b"x").startswith(
        "assay api inspect: standard input: ")


def test_inspect_sees_a_changed_byte(tmp_path):
    path = tmp_path / "x.assay"
    build(EXAMPLE, path)
    whole = path.read_bytes()
    for at in range(0, len(whole), 997):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        assert assay("api", "inspect", path).returncode == 1
    path.write_bytes(whole[:-1])
    assert assay("api", "inspect", path).returncode == 1


# ---- what another version changes ----

def change(package, name, old, new):
    path = package / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_diff_of_the_same(package, tmp_path, key):
    made = tmp_path / "a.assay"
    build(EXAMPLE, made, "-k", key[0])
    same = "accounts 1.4.0 -> accounts 1.4.0\nno difference for callers\n"
    assert good("api", "diff", made, EXAMPLE) == same
    assert good("api", "diff", EXAMPLE, made) == same
    change(package, "policy.cedar", "// ----", "// ---")
    (package / "README.md").unlink()
    assert good("api", "diff", made, package) == \
        same + "Only the text of files is another: README.md, policy.cedar\n"
    assert good_json("api", "diff", made, package)["changes"] == []


def test_diff_says_what_changes_for_callers(package, tmp_path):
    made = tmp_path / "a.assay"
    build(EXAMPLE, made)
    change(package, "openapi.yaml", "version: 1.4.0", "version: 1.5.0")
    change(package, "openapi.yaml", "maximum: 100, default", "maximum: 50, default")
    change(package, "openapi.yaml", "[open, frozen, closed]", "[open, frozen, dormant]")
    change(package, "gateway.yaml", "pii.birth: { mask: date-year }", "pii.birth: { mask: last4 }")
    change(package, "gateway.yaml", "rate: 2/s", "rate: 1/s")
    change(package, "policy.cedar", "<= 1000000", "<= 2000000")
    change(package, "entities.yaml", "- uid: { type: Group, id: auditors }\n",
           "- uid: { type: Group, id: auditors }\n  parents: [{ type: Group, id: staff }]\n")
    change(package, "backend.yaml", "read: 5s", "read: 6s")
    done = assay("api", "diff", made, package)
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode() == """\
accounts 1.4.0 -> accounts 1.5.0

The API
  ~ version: 1.5.0; was 1.4.0

Operations
  ~ listAccounts: query.limit: maximum 50, was 100  [breaks callers]
  ~ listTransfers: query.limit: maximum 50, was 100  [breaks callers]

Schemas
  ~ AccountStatus: value "dormant" added  [breaks callers]
  ~ AccountStatus: value "closed" removed  [breaks callers]

Data classes
  ~ pii.birth: last4, recorded as count; was date-year, recorded as count  [widens access]

Policies
  ~ tellers send up to 10,000.00: permit (principal in Group::"tellers", action == \
Action::"createTransfer", resource) when { context.body.amount.hundredths <= 2000000 };  \
[breaks callers]  [widens access]
      was permit (principal in Group::"tellers", action == Action::"createTransfer", resource) \
when { context.body.amount.hundredths <= 1000000 };

Entities
  ~ Group::"auditors": is in Group::"staff"  [widens access]

Limits
  ~ listAccounts: 1/s, burst 1, quota 2000/d; was 2/s, burst 2, quota 2000/d  [breaks callers]

Back-end
  ~ unix:/run/assay-example/accounts.sock, connect 1s, read 6s
      was unix:/run/assay-example/accounts.sock, connect 1s, read 5s

10 changes; 6 break callers, 3 widen access
"""
    back = json.loads(assay("api", "diff", package, made, "--json").stdout)
    assert (back["old"]["version"], back["new"]["version"]) == ("1.5.0", "1.4.0")
    masks = [c for c in back["changes"] if c["part"] == "class"]
    assert masks == [{"breaks": True, "change": "changed", "name": "pii.birth", "part": "class",
                      "text": "date-year, recorded as count", "was": "last4, recorded as count",
                      "widens": False}]


def test_diff_with_what_is_none(package, tmp_path):
    (package / "backend.yaml").unlink()
    done = assay("api", "diff", EXAMPLE, package)
    assert done.returncode == 3
    assert b"backend.yaml: error: the file is missing" in done.stdout
    assert done.stderr.decode() == \
        f"assay api diff: {package}: it has errors, so it is no package yet\n"
    rubbish = tmp_path / "x"
    rubbish.write_text("x")
    assert refused(3, "api", "diff", EXAMPLE, rubbish).startswith(f"assay api diff: {rubbish}: ")
    assert refused(3, "api", "diff", tmp_path / "none", EXAMPLE).startswith(
        f"assay api diff: {tmp_path}/none: ")


# ---- what the documentation says ----

PETS = """\
openapi: 3.1.0
info: { title: Pets, version: "1.0" }
security: [{ token: [] }]
paths:
  /pets:
    get:
      operationId: listPets
      responses:
        200:
          description: all
          content:
            application/json:
              schema: { type: array, items: { $ref: "#/components/schemas/Pet" } }
    post: { operationId: addPet, responses: { 204: { description: done } } }
  /pets/{petId}:
    get:
      operationId: getPet
      parameters: [{ name: petId, in: path, required: true, schema: { type: string } }]
      responses: { 204: { description: it } }
components:
  securitySchemes: { token: { type: http, scheme: bearer } }
  schemas:
    Pet:
      type: object
      properties: { name: { type: string }, owner: { type: string, x-data-class: pii.owner } }
"""

BANK = """\
openapi: 3.1.0
info: { title: Bank, version: "1.0" }
security: [{ token: [] }, { ticket: [] }, { machine: [] }]
paths:
  /accounts:
    get:
      operationId: listAccounts
      responses:
        200:
          description: all
          content: { application/json: { schema: { type: string, x-data-class: pii.ssn } } }
    post:
      operationId: open
      security: [{ legacy: [] }]
      responses: { 204: { description: done } }
  /branches: { get: { operationId: listBranches, responses: { 204: { description: all } } } }
components:
  securitySchemes:
    token: { type: http, scheme: bearer }
    ticket: { type: http, scheme: bearer }
    legacy: { type: http, scheme: basic }
    machine: { type: mutualTLS }
"""


def blocks(language):
    text = (TOP / "docs" / "package.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def test_least_package_of_the_documentation(tmp_path):
    (tmp_path / "openapi.yaml").write_text(PETS)
    for text in blocks("yaml") + blocks("cedar"):
        named = re.match(r"(?:#|//) (\S+)\n", text)
        if named:
            (tmp_path / named[1]).write_text(text)
    assert lint(tmp_path, 0) == "pets 1.0: good, 4 files, no errors and no warnings\n"


def test_whole_files_of_the_documentation(tmp_path):
    (tmp_path / "openapi.yaml").write_text(BANK)
    (tmp_path / "policy.cedar").write_text("permit (principal, action, resource);\n")
    gateway, = (b for b in blocks("yaml") if b.startswith("name: accounts "))
    backend, = (b for b in blocks("yaml") if b.startswith("url: "))
    (tmp_path / "gateway.yaml").write_text(gateway)
    (tmp_path / "backend.yaml").write_text(backend)
    assert lint(tmp_path, 0) == "accounts 1.0: good, 4 files, no errors and no warnings\n"
