# SPDX-License-Identifier: Apache-2.0
"""The rows of integrity.md's "What it must reach".  One function a row of that table; it yields a
Row for each peer.  A new row is a function with @row."""
import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import peers
from machine import (BIN, BUILD, MIB, TOP, Recorder, Sensor, Unavailable, await_true, compare,
                     cpu_seconds, in_two_processes, measure, memory_available, memory_files,
                     read_all, run, status_kib, timed)

sys.path.insert(0, str(TOP / "tests" / "system"))
import who_truth  # noqa: E402

ROWS = []


def row(function):
    ROWS.append(function)
    return function


@dataclasses.dataclass
class Row:
    what: str
    figure: float | None  # None: could not be measured, and note says why
    unit: str
    ratio: float | None   # to the peer of the same run, in the sense of the target
    to: str
    target: str
    met: bool | None      # None: nothing was promised, or nothing measured
    note: str = ""


def faster(what, own, peer, name, least):
    """Ours against a peer's, both a Usage or an Unavailable: how many times as fast."""
    target = f">= {least:g} x"
    if isinstance(own, Unavailable):
        raise own
    if isinstance(peer, Unavailable):
        return Row(what, own.seconds, "s", None, name, target, None, str(peer))
    ratio = peer.seconds / own.seconds
    return Row(what, own.seconds, "s", ratio, name, target, ratio >= least,
               f"processor time {peer.cpu_seconds / own.cpu_seconds:.3g} x")


class Bench:
    """Where, how much, and the trees that more than one row needs."""

    def __init__(self, place, quick):
        self.place, self.quick = place, quick
        self.rounds = 1 if quick else 3
        self.stack = contextlib.ExitStack()
        self.later = []  # functions that yield rows, once all others are done
        self._small = self._usr = None

    def count(self, full, quick):
        return quick if self.quick else full

    def directory(self, name):
        path = self.place / name
        path.mkdir(parents=True)
        return path

    def tree(self, where, files, size):
        where.mkdir(parents=True, exist_ok=True)
        measure("tree_load", "make", where, files, size)
        return where

    def small(self):
        """200,000 small files, read once so that they are warm."""
        if not self._small:
            tree = self.tree(self.place / "small", self.count(200_000, 5_000), "small")
            in_two_processes(tree, "cat")
            self._small = Scanned(self, "state-small", tree)
        return self._small

    def usr(self):
        """A copy of /usr in memory, or of as much of it as this machine has room for."""
        if not self._usr:
            budget = self.count(int(memory_available() * 0.4), 200 * MIB)
            place = self.stack.enter_context(memory_files(self.place / "usr", budget + 256 * MIB))
            self._usr = Scanned(self, "state-usr", place)
            self._usr.said = copy_usr(place, budget)
        return self._usr


def copy_usr(to, budget):
    """Directories of /usr's second level until the budget is used; says how much that is."""
    parts = [p for top in sorted(pathlib.Path("/usr").iterdir()) if top.is_dir()
             and not top.is_symlink() for p in sorted(top.iterdir())]
    copied = whole = 0
    for part in parts:
        size = int(run("du", "-sxB1", part).split()[0])
        whole += size
        if copied + size <= budget:
            target = to / part.parent.relative_to("/usr")
            target.mkdir(parents=True, exist_ok=True)
            run("cp", "-a", "--one-file-system", part, target)
            copied += size
    files = run("find", to, "-type", "f", "-printf", ".").count(".")
    part = "" if copied == whole else f" of {whole / 1e9:.1f}"
    return f"/usr in memory, {copied / 1e9:.1f}{part} GB, {files:,} files"


class Scanned:
    """A directory with a state of its own: our baseline and checks of it, and its peers."""

    def __init__(self, bench, name, directory):
        self.directory, place = directory, bench.directory(name)
        self.state = place / "assay"
        self.aide = peers.Aide(place / "aide", directory)
        self.tripwire = peers.Tripwire(place / "tripwire", directory)
        self.files = run("find", directory, "-type", "f", "-printf", ".").count(".")
        self.said = f"{self.files:,} small files"

    def warm(self):
        read_all(self.directory)

    def baseline(self):
        """A first one: a later one waits for a recorder to take the one before."""
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir()
        return timed(BIN / "assay", "baseline", "create", "--watch", self.directory, "--state",
                     self.state, "--run", self.state)

    def check(self, *options):
        return timed(BIN / "assay", "check", "--no-ledger", "--state", self.state, *options)


# ---- scanning ----

@row
def baseline_of_small_files(b):
    small = b.small()
    got = compare(b.rounds, {"assay": small.baseline, "AIDE": small.aide.init,
                             "sha256sum": lambda: in_two_processes(small.directory, "sha256sum")},
                  small.warm)
    what = f"baseline of {small.said}"
    yield faster(what, got["assay"], got["AIDE"], "AIDE, two workers", 2)
    yield faster(what, got["assay"], got["sha256sum"], "sha256sum, two processes", 1)


@row
def deep_check_of_small_files(b):
    small = b.small()
    small.baseline()
    small.aide.init()
    got = compare(b.rounds, {"assay": lambda: small.check("--deep"), "AIDE": small.aide.check,
                             "Tripwire": small.tripwire.check}, small.warm)
    what = f"deep re-check of {small.said}"
    yield faster(what, got["assay"], got["AIDE"], "AIDE", 12)
    yield faster(what, got["assay"], got["Tripwire"], "Tripwire, SHA-1", 2.5)


@row
def quick_check_of_small_files(b):
    small = b.small()
    small.baseline()
    form = "%p %m %U %G %s %T@ %i %n %l\n"
    got = compare(b.rounds + 2, {
        "assay": small.check, "find": lambda: timed("find", small.directory, "-printf", form)},
        small.warm)
    yield faster(f"quick re-check of {small.said}", got["assay"], got["find"], "find -printf", 1)


@row
def baseline_of_usr(b):
    usr = b.usr()
    got = compare(b.rounds, {
        "assay": usr.baseline, "AIDE": usr.aide.init,
        "openssl": lambda: in_two_processes(usr.directory, "openssl", "dgst", "-sha256")})
    yield faster(f"baseline of {usr.said}", got["assay"], got["AIDE"], "AIDE, two workers", 3.5)
    yield faster(f"baseline of {usr.said}", got["assay"], got["openssl"],
                 "openssl dgst, two processes", 1)


@row
def deep_check_of_usr(b):
    usr = b.usr()
    usr.baseline()
    usr.aide.init()
    got = compare(b.rounds, {"assay": lambda: usr.check("--deep"), "AIDE": usr.aide.check})
    yield faster(f"deep re-check of {usr.said}", got["assay"], got["AIDE"], "AIDE", 10)


@row
def memory_of_many_files(b):
    files = b.count(1_000_000, 20_000)
    while files * 1300 > memory_available() * 0.6:
        files //= 2
    limit = 300 * max(files / 1_000_000, 0.2)
    to, target = f"{limit:.0f} MiB", f"< {limit:.0f} MiB"
    with memory_files(b.place / "many", files * 1300 + 64 * MIB) as place:
        many = Scanned(b, "state-many", b.tree(place / "tree", files, 0))
        rss = many.baseline().rss_mib
        yield Row(f"memory of a baseline of {files:,} files", rss, "MiB", rss / limit, to,
                  target, rss < limit)
        with running(b.place / "many-host", [many.directory]) as (_, sensor):
            rss = status_kib(sensor.pid, "VmHWM") / 1024
            yield Row(f"memory of a sensor of {files:,} files", rss, "MiB", rss / limit, to,
                      target, rss < limit)


# ---- seeing ----

@contextlib.contextmanager
def running(place, watch, cpu=None, config=None, env=None):
    """A recorder, perhaps with more in its environment, and a sensor that has taken its
    baseline."""
    place.mkdir()
    recorder = Recorder(place, cpu=cpu, env=env)
    try:
        sensor = Sensor(place, recorder, watch, cpu=cpu, config=config)
        try:
            yield recorder, sensor
        finally:
            sensor.stop()
    finally:
        recorder.stop()


def own_latency(b, changes):
    place = b.directory("latency")
    tree, stamp = place / "tree", place / "stamp"
    tree.mkdir()
    command = [BUILD / "bench/change_latency", stamp, tree, str(changes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as writer:
        writer.stdout.readline()
        with running(place / "host", [tree], env={
                "LD_PRELOAD": BUILD / "bench/durable_stamp.so", "ASSAY_BENCH_STAMP": stamp}):
            out, _ = writer.communicate("live\n", timeout=600)
    if writer.returncode:
        raise Unavailable("change_latency failed")
    return json.loads(out)


def peer_latency(function):
    """Samples, or why there are none."""
    try:
        return function()
    except (Unavailable, subprocess.CalledProcessError) as e:
        return str(e)


def logged_latency(b, name, daemon, changes):
    tree = b.directory(f"latency-{name}")
    with daemon(b.place / name, tree) as log:
        return measure("log_latency", log, tree, changes)


@row
def change_to_durable_entry(b):
    changes = b.count(2000, 50)
    own = own_latency(b, changes)

    def beside(name, function):
        got = peer_latency(function)
        refused = got if isinstance(got, str) else ""
        for point, most in (("p50", 500), ("p99", 3000)):
            figure = own[f"{point}_us"]
            ratio = None if refused else figure / got[f"{point}_us"]
            note = refused or (f"at the recorder after {own[f'sent_{point}_us'] / 1e3:.3g} ms, the "
                               f"change itself {own['act_p50_us'] / 1e3:.3g} ms of it (p50)")
            yield Row(f"change to durable entry, {point}", figure / 1e3, "ms", ratio, name,
                      f"<= {most / 1e3:g} ms", figure <= most, note)

    for point, most in (("p50", 500), ("p99", 3000)):
        figure = own[f"after_{point}_us"]
        yield Row(f"end of a change to durable entry, {point}", figure / 1e3, "ms", None, "",
                  f"<= {most / 1e3:g} ms", figure <= most,
                  "the same changes, without the making of the file")

    def sync():
        limits = measure("limits", b.place)
        return {"p50_us": limits["sync_p50_us"], "p99_us": limits["sync_p99_us"]}

    yield from beside("bare fanotify reader with a hash",
                      lambda: measure("bare_fan", b.directory("latency-bare"), changes))
    yield from beside("one fdatasync of 64 KiB", sync)
    yield from beside("Samhain",
                      lambda: logged_latency(b, "samhain", peers.samhain, b.count(30, 3)))
    b.later.append(lambda: beside(
        "auditd, no hash", lambda: logged_latency(b, "auditd", peers.auditd, changes)))


class Burst:
    """A writer as fast as C can, alone and beside readers, everybody on one processor.  Each run
    has a tree of its own and leaves nothing behind."""
    CPU = 0

    def __init__(self, b, what, files):
        self.b, self.what, self.files, self.n = b, what, files, 0

    @contextlib.contextmanager
    def place(self):
        self.n += 1
        place = self.b.directory(f"{self.what}{self.n}")
        yield place, self.b.tree(place / "tree", self.files, "small")
        shutil.rmtree(place)

    def write(self, tree):
        return measure("tree_load", self.what, tree, self.files, cpu=self.CPU)["seconds"]

    def alone(self):
        with self.place() as (_, tree):
            return self.write(tree)

    def beside_bare(self):
        with self.place() as (_, tree), peers.bare_fan(tree, cpu=self.CPU):
            return self.write(tree)

    def beside_auditd(self):
        with self.place() as (place, tree), peers.auditd(place / "auditd", tree):
            return self.write(tree)

    def beside_sensor(self, count_lost):
        """Seconds, how many changes no entry tells of, and how many gaps were recorded."""
        with self.place() as (place, tree):
            with running(place / "host", [tree], cpu=self.CPU) as (host, sensor):
                seconds = self.write(tree)
                sensor.settle()
            lost = count_lost(host.entries("integrity.change"), tree)
            return seconds, lost, len(host.entries("integrity.gap"))


def burst_rows(b, what, files, name, count_lost):
    burst = Burst(b, what, files)
    alone, bare, own = [], [], []
    for _ in range(b.rounds):
        alone.append(burst.alone())
        bare.append(burst.beside_bare())
        own.append(burst.beside_sensor(count_lost))
    seconds, lost, gaps = zip(*own)
    yield Row(f"burst of {files:,} {name}, one processor: lost", sum(lost), "", None,
              "what the tree says", "none", sum(lost) == 0,
              f"{sum(gaps)} gaps recorded and rescanned" if sum(gaps) else "")
    alone, bare, seconds = (statistics.median(times) for times in (alone, bare, seconds))
    what = f"writer of these {name}, slowed down"
    yield Row(what, seconds / alone, "x", seconds / bare, "bare fanotify reader with a hash",
              "<= 1.2 x", seconds / bare <= 1.2, f"which costs it {bare / alone:.2f} x")

    def beside_auditd():
        try:
            audit = burst.beside_auditd()
            yield Row(what, seconds / alone, "x", seconds / audit, "auditd, no hash", "printed",
                      None, f"which costs it {audit / alone:.2f} x")
        except Unavailable as e:
            yield Row(what, seconds / alone, "x", None, "auditd, no hash", "printed", None, str(e))
    b.later.append(beside_auditd)


@row
def burst_of_deletes(b):
    files = b.count(50_000, 2_000)

    def judge(entries, _tree):
        said = {e["what"].get("path") for e in entries if e["what"]["change"] == "deleted"}
        return files - len({path for path in said if pathlib.Path(path).name.startswith("f")})
    yield from burst_rows(b, "delete", files, "deletes", judge)


@row
def burst_of_modifications(b):
    def judge(entries, tree):
        last = {e["what"].get("path"): e["what"].get("new_sha256") for e in entries}
        return sum(last.get(str(path)) != hashlib.sha256(path.read_bytes()).hexdigest()
                   for path in tree.glob("*/f*"))
    yield from burst_rows(b, "modify", b.count(100_000, 4_000), "modifications", judge)


# ---- putting back ----

RESTORING = """version: 1
profiles:
  guarded:
    mode: restore
    paths: [{tree}]
"""


def time_to_restore(path, good, evil):
    """Milliseconds from the change being there until what was there is there again."""
    path.write_bytes(evil)
    began = time.perf_counter()
    while path.stat().st_size != len(good) or path.read_bytes() != good:
        if time.perf_counter() - began > 10:
            raise Unavailable(f"{path} was not put back in 10 s")
        time.sleep(0.0002)
    return (time.perf_counter() - began) * 1000


@row
def change_to_restored(b):
    """Each file is changed once, one after the other; half are of a mebibyte, half small."""
    place = b.directory("restore")
    tree, config = place / "tree", place / "config"
    tree.mkdir()
    config.mkdir()
    (config / "watch.yaml").write_text(RESTORING.format(tree=tree))
    sizes = {"4 KiB": 4096, "1 MiB": MIB}
    files = {tree / f"{name[0]}{i}": os.urandom(size)
             for i in range(b.count(150, 10)) for name, size in sizes.items()}
    for path, good in files.items():
        path.write_bytes(good)
    recorder = Recorder(place / "host")
    try:
        sensor = Sensor(place, recorder, [], config=config)
        try:
            took = {size: [] for size in sizes.values()}
            for path, good in files.items():
                took[len(good)].append(time_to_restore(path, good, os.urandom(len(good) - 1)))
        finally:
            sensor.stop()
    finally:
        recorder.stop()
    for name, size in sizes.items():
        times = sorted(took[size])
        p99 = times[min(len(times) - 1, len(times) * 99 // 100)]
        yield Row(f"change to restored, p99, {len(times)} files of {name}", p99, "ms", p99 / 50,
                  "50 ms", "<= 50 ms", p99 <= 50, f"p50 {statistics.median(times):.3g} ms")


# ---- what it costs ----

def make_package(b):
    """A package of real files: Python's library, with real sizes and kinds of content."""
    top = b.place / "package"
    library = top / "usr/lib/bench"
    shutil.copytree(os.path.dirname(os.__file__), library, symlinks=True,
                    ignore=shutil.ignore_patterns("__pycache__", "dist-packages", "site-packages",
                                                  *(["test"] if b.quick else [])))
    (top / "DEBIAN").mkdir()
    (top / "DEBIAN/control").write_text(
        "Package: assay-bench\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@invalid>\n"
        "Description: files to install\n")
    run("dpkg-deb", "--build", "--root-owner-group", top, b.place / "bench.deb")
    return b.place / "bench.deb"


@row
def package_installation(b):
    package, alone, beside = make_package(b), [], []
    listed = run("dpkg-deb", "--contents", package).splitlines()
    files = sum(line.startswith("-") for line in listed)

    def install(root):
        return timed("dpkg", f"--root={root}", "-i", package).seconds

    def new_root(name):
        root = b.directory(name)
        for directory in ("var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"):
            (root / directory).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        install(root)
        return root

    root = new_root("root")
    for i in range(b.count(7, 2)):
        alone.append(install(root))
        with running(b.place / f"install{i}", [root]) as (_, sensor):
            beside.append(install(root))
            sensor.settle()
    ratio = statistics.median(beside) / statistics.median(alone)
    yield Row(f"installation of a package of {files:,} files, sensor on",
              statistics.median(beside), "s", ratio, "the same, sensor off", "< 1.05 x",
              ratio < 1.05)


@row
def idle_cost(b):
    seconds = b.count(60, 4)
    watch = [p for p in ("/boot", "/etc", "/usr/bin", "/usr/sbin") if os.path.isdir(p)]
    with running(b.place / "idle", watch) as (host, sensor):
        sensor.settle()
        sensor_files = sensor.status()["files"]
        before = cpu_seconds(sensor.pid) + cpu_seconds(host.pid)
        time.sleep(seconds)
        share = 100 * (cpu_seconds(sensor.pid) + cpu_seconds(host.pid) - before) / seconds
        rss = (status_kib(sensor.pid, "VmRSS") + status_kib(host.pid, "VmRSS")) / 1024
    what = f"idle sensor and recorder, {sensor_files:,} files watched"
    yield Row(f"{what}: processor", share, "%", share / 0.5, "0.5 %", "< 0.5 %", share < 0.5)
    yield Row(f"{what}: memory", rss, "MiB", rss / 60, "60 MiB", "< 60 MiB", rss < 60)


def shipped_rules():
    """What ships, as the lines that the sensor takes from the job."""
    said = json.loads(run(BIN / "assay", "watch", "show", "--json", "--config", "/nonexistent"))
    for p in said["profiles"]:
        yield {"about": "", "attributes": p["attributes"], "deep": 0, "keep": p["keep"],
               "max_size": 0, "mode": p["mode"], "owners": [], "profile": p["name"],
               "volatile": p["volatile"]}
        for key in ("paths", "exclude"):
            for pattern in p[key]:
                yield {"column": 0, "exclude": key == "exclude", "line": 0, "pattern": pattern,
                       "profile": p["name"]}


@row
def rules_for_each_name(b):
    """What watch.yaml adds to a quick re-check of 200,000 files: a question for each name."""
    lines = "".join(json.dumps(rule, separators=(",", ":")) + "\n" for rule in shipped_rules())
    done = subprocess.run([BUILD / "bench/watch_rules", "200000"], input=lines, text=True,
                          capture_output=True, check=True)
    found = json.loads(done.stdout)
    ms = found["name_ns"] * found["files"] / 1e6
    yield Row(f"{found['patterns']} patterns asked for {found['files']:,} names", ms, "ms",
              ms / 100, "0.1 s", "< 0.1 s", ms < 100,
              f"by whole path {found['path_ns']:,.0f} ns each")


@row
def who_of_short_lives(b):
    """Right are user, executable and session; the rest of what is known of an author beside it."""
    core, logins = {"uid", "euid", "exe", "auid", "session"}, (3001, 3002)
    place, count = b.directory("who"), b.count(2200, 220)
    tree, program = place / "tree", BUILD / "bench" / "who_short"
    tree.mkdir()
    for path in (b.place, place):
        path.chmod(0o755)  # some of them are other users
    with running(place / "host", [tree]) as (host, sensor):
        crowds = [who_truth.Crowd(program, place, tree / str(auid), count, auid).begin()
                  for auid in logins]
        lives = [crowd.end() for crowd in crowds]
        sensor.settle()
        source = sensor.status()["who"]
        found = who_truth.disclosed(BIN / "assay", host.state)
    judged = [who_truth.wrong(crowd.truth(path), found.get(str(path)))
              for crowd in crowds for path in crowd.where.iterdir()]
    right = 100 * sum(not bad.keys() & core for bad in judged) / len(judged)
    whole = 100 * sum(not bad for bad in judged) / len(judged)
    under = 100 * sum(life["under_1_ms"] for life in lives) / len(judged)
    yield Row(f"who, of {len(judged):,} processes of a moment", right, "%", right / 99, "99 %",
              ">= 99 %", right >= 99,
              f"by {source}; with parents and command line {whole:.4g} %; lived "
              f"{statistics.median(life['median_us'] for life in lives):.0f} us, "
              f"{under:.0f} % under 1 ms")


@row
def cost_of_a_program(b):
    """What it costs every program of the host that its beginning and its end are told, and that
    execution control is asked about it although no profile of that sort has it.  The best of many
    short rounds: what else the machine does only ever adds."""
    def best():
        return min(measure("who_short", "run", 200)["each_us"] for _ in range(b.count(40, 5)))
    tree, config = b.directory("exec"), b.directory("exec-config")
    alone, beside, asked = [], [], []
    with tempfile.TemporaryDirectory(dir=BUILD) as known:  # on the filesystem of the program
        config.joinpath("watch.yaml").write_text(
            "version: 1\nprofiles:\n  exec:\n    mode: alert\n    execute: known\n"
            f"    paths: [{json.dumps(known)}, {json.dumps(str(tree))}]\n")
        for i in range(b.rounds):
            alone.append(best())
            with running(b.place / f"exec{i}", [tree]):
                beside.append(best())
            with running(b.place / f"exec-control{i}", [], config=config) as (_, sensor):
                await_true("execution control", lambda s=sensor:
                           s.status().get("execute", {}).get("state") == "up", 60)
                before = sensor.status()["execute"]["answered"]
                asked.append(best())
                await_true("its questions", lambda s=sensor, n=before:
                           s.status()["execute"]["answered"] >= n + 200, 60)
    yield Row("fork, exec and end of a program, sensor on", min(beside), "us",
              min(beside) / min(alone), "the same, sensor off", "", None)
    yield Row("fork, exec and end of a program, execution control on", min(asked), "us",
              min(asked) / min(alone), "the same, sensor off", "", None)


DENYING = """version: 1
profiles:
  fixed:
    mode: deny
    paths: [{tree}]
"""


@row
def cost_of_attempts(b):
    """What the program that sees attempts costs a call that is refused, and any other, while a
    profile denies; without the sensor the file is immutable all the same.  Of so many refused calls
    all but the first 1,000 of a second are only counted.  The best of many short rounds, as above.
    """
    place = b.directory("attempts")
    tree, config = place / "tree", place / "config"
    file = tree / "file"
    for directory in (tree, config):
        directory.mkdir()
    file.write_text("x")
    (config / "watch.yaml").write_text(DENYING.format(tree=tree))
    figures = ("refused_us", "good_us")

    def best():
        calls = [measure("refused_calls", file, str(b.count(200_000, 20_000)))
                 for _ in range(b.count(10, 3))]
        return [min(call[f] for call in calls) for f in figures]

    def is_refused():
        return "i" in run("lsattr", "-d", file).split()[0]
    alone, beside = [], []
    for i in range(b.rounds):
        try:
            run("chattr", "+i", file)
        except subprocess.CalledProcessError:
            raise Unavailable(f"nothing can be made immutable in {place}") from None
        try:
            alone.append(best())
            run("chattr", "-i", file)
            with running(place / f"host{i}", [], config=config) as (_, sensor):
                await_true("the file to be denied", is_refused)
                said = sensor.status()["attempts"]
                beside.append(best())
        finally:
            run("chattr", "-R", "-i", tree)
    for name, on, off in zip(("a refused call", "any other call"),
                             map(min, zip(*beside)), map(min, zip(*alone))):
        yield Row(f"{name}, a profile denies", on, "us", on / off, "the same, sensor off", "",
                  None, f"attempts seen by {said['by']}" if "by" in said else said["why_not"])


def measured(b, wanted):
    """Every row that is wanted, as it comes; one that fails says why and the next goes on.  auditd
    comes last: a kernel whose audit was on once makes system calls dearer until it restarts."""
    for function in [f for f in ROWS if wanted(f.__name__)]:
        try:
            yield from function(b)
        except Unavailable as e:
            yield Row(function.__name__.replace("_", " "), None, "", None, "", "", None, str(e))
    for function in b.later:
        yield from function()
