# SPDX-License-Identifier: Apache-2.0
"""Processes that live for a moment, what each of them was, and what the entries say of them."""
import json
import os
import shutil
import subprocess
import sys

SHELL = os.path.realpath("/bin/sh")
# Given a login of its own, its audit session told, and then the program.
LOGIN = """
import os, sys
open("/proc/self/loginuid", "w").write(sys.argv[1])
print(open("/proc/self/sessionid").read(), flush=True)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Crowd:
    """`count` processes of one login, each of which makes a file in `where`; the program that they
    run is copied to `place`, where every user reaches it."""

    def __init__(self, program, place, where, count, auid):
        self.program, self.where, self.auid, self.count = place / "who_short", where, auid, count
        where.mkdir()
        where.chmod(0o777)
        self.spare = place / f"spare-{auid}"
        self.spare.mkdir()
        if not self.program.exists():
            shutil.copy(program, self.program)

    def command(self):
        return [str(self.program), "drive", str(self.where), str(self.spare), str(self.count)]

    def noise(self, count):
        """So many processes that do nothing."""
        subprocess.run([self.program, "noise", str(count)], check=True)

    def begin(self):
        self.process = subprocess.Popen([sys.executable, "-c", LOGIN, str(self.auid),
                                         *self.command()], stdout=subprocess.PIPE, text=True)
        return self

    def end(self):
        out, _ = self.process.communicate()
        assert self.process.returncode == 0
        session, summary = out.strip().split("\n")
        self.session = int(session)
        return json.loads(summary)

    # ---- what is true ----

    def truth(self, path):
        kind, number = path.name.rsplit("-", 1)
        pid, creator, uid = map(int, path.read_text().split())
        exe = {"renamed": f"{self.spare}/before-{number}",
               "deleted": f"{self.spare}/deleted-{number}", "memfd": "/memfd:image",
               "shell": SHELL, "subshell": SHELL}.get(kind, str(self.program))
        return {"kind": kind, "pid": pid or None, "ppid": creator, "uid": uid, "euid": uid,
                "exe": exe, "auid": self.auid, "session": self.session,
                "exe_nameless": True if kind == "memfd" else None,
                "cmdline": self.command_line(kind, path, exe, uid)}

    def command_line(self, kind, path, exe, uid):
        if kind == "fork":
            return " ".join(self.command())
        if kind == "shell":
            return f"sh -c echo $$ $PPID {uid} >{path}"
        if kind == "subshell":
            return f"sh -c (echo 0 $$ {uid} >{path}); :"
        more = {"renamed": f" {self.spare}/after-{path.name.rsplit('-', 1)[1]}",
                "setuid": f" {uid}"}.get(kind, "")
        return f"{'in-memory' if kind == 'memfd' else exe} live {kind} {path}{more}"


def disclosed(assay, state):
    """{path: (entry, command line)} of every file that was created."""
    out = subprocess.run([assay, "log", "--json", "--disclose", "--limit", "0", "--state", state],
                         capture_output=True, check=True).stdout
    found = {}
    for line in out.splitlines():
        line = json.loads(line)
        entry = line["entry"]
        if entry["k"] == "integrity.change" and entry["what"]["change"] == "created":
            found[entry["what"]["path"]] = entry, next(
                (d["value"] for d in line["disclosed"] if d["name"] == "who.cmdline"), None)
    return found


def wrong(true, found):
    """What an entry has wrong, {name: (what it says, what is true)}; found as disclosed() has it,
    None where there is none."""
    entry, command_line = found or ({"who": {}}, None)
    who = entry["who"]
    bad = {name: (who.get(name), value) for name, value in true.items()
           if name not in ("kind", "cmdline") and who.get(name) != value
           and not (name == "pid" and value is None)}
    if command_line != true["cmdline"]:
        bad["cmdline"] = (command_line, true["cmdline"])
    parents = who.get("parents") or [[None]]
    if parents[0][0] != true["ppid"]:
        bad["parents"] = (parents, true["ppid"])
    return bad
