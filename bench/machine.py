# SPDX-License-Identifier: Apache-2.0
"""What every part of the bench needs: programs run and timed, our own processes, trees of files."""
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / os.environ.get("BUILD", "build") / "bench"
BIN = BUILD / "src/bin"
MIB = 1024 * 1024


class Unavailable(Exception):
    """Something cannot be measured here; the text says why, and stands in the row."""


def run(*command, **more):
    """Standard output of a program that must succeed."""
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, **more).stdout


def measure(program, *args, cpu=None):
    """The JSON object that a program of bench/ prints."""
    pin = ("taskset", "-c", str(cpu)) if cpu is not None else ()
    return json.loads(run(*pin, BUILD / "bench" / program, *args))


@dataclasses.dataclass
class Usage:
    seconds: float
    cpu_seconds: float
    rss_mib: float


def timed(*command, good=(0,), stdin=None):
    """Run with its output thrown away; how long it took and what it used, children included."""
    begun = time.monotonic()
    with subprocess.Popen([str(c) for c in command], stdin=stdin or subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - begun
    if process.returncode not in good:
        raise Unavailable(f"{pathlib.Path(command[0]).name} ended with {process.returncode}: "
                          f"{said.decode(errors='replace').strip()[-200:]}")
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_two_processes(directory, *command):
    """A program over all files of a directory, its arguments shared out to two processes."""
    with subprocess.Popen(["find", directory, "-type", "f", "-print0"],
                          stdout=subprocess.PIPE) as find:
        return timed("xargs", "-0", "-P2", "-n500", *command, stdin=find.stdout)


def read_all(directory):
    """Bring every file's content into memory: what is compared then is not the disk."""
    with subprocess.Popen(["find", directory, "-type", "f", "-print0"],
                          stdout=subprocess.PIPE) as find:
        timed("xargs", "-0", "-n1000", "cat", stdin=find.stdout)


def compare(rounds, contenders, before=lambda: None):
    """{name: function() -> Usage} in turn, so that a slow moment hits all of them: {name: Usage of
    medians, or the Unavailable}.  before() comes before each and is not measured."""
    got = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, function in contenders.items():
            if isinstance(got[name], Unavailable):
                continue
            before()
            try:
                got[name].append(function())
            except Unavailable as e:
                got[name] = e
    return {name: usages if isinstance(usages, Unavailable) else
            Usage(*(statistics.median(getattr(u, f.name) for u in usages)
                    for f in dataclasses.fields(Usage)))
            for name, usages in got.items()}


def status_kib(pid, field):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def await_true(what, done, seconds=60, every=0.02):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise Unavailable(f"no sign of {what} after {seconds} s")
        time.sleep(every)


def stop(process, seconds=60):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    return process.wait(timeout=seconds)


class Process:
    """One of ours, with its log beside its state."""

    def __init__(self, place, name, *args, cpu=None, env=None):
        pin = ("taskset", "-c", str(cpu)) if cpu is not None else ()
        self.name, self.log = name, (place / f"{name}.log").open("a")
        more = {key: str(value) for key, value in (env or {}).items()}
        self.process = subprocess.Popen([*pin, BIN / name, *map(str, args)], stderr=self.log,
                                        env=os.environ | more)
        self.pid = self.process.pid

    def await_ready(self, done, seconds=600):
        def look():
            if self.process.poll() is not None:
                sys.exit(f"bench: {self.name} did not start, see {self.log.name}")
            return done()
        await_true(f"{self.name}'s start", look, seconds)

    def stop(self):
        if stop(self.process) != 0:
            sys.exit(f"bench: {self.name} failed, see {self.log.name}")
        self.log.close()


class Recorder(Process):
    """A recorder of its own over a fresh state directory."""

    def __init__(self, place, cpu=None, env=None):
        self.state, self.run_dir = place / "state", place / "run"
        self.state.mkdir(parents=True)
        self.run_dir.mkdir()
        self.socket, self.ledger = self.run_dir / "recorder.sock", self.state / "ledger"
        super().__init__(place, "assay-recorder", "--state", self.state, "--run", self.run_dir,
                         "--host", "bench", "--keep-user", cpu=cpu, env=env)
        self.await_ready(lambda: (self.ledger / "checkpoint").exists() and self.socket.exists(), 10)
        time.sleep(0.3)

    def size(self):
        return int((self.ledger / "checkpoint").read_text().splitlines()[1])

    def entries(self, kind):
        """Of the ledger, oldest first."""
        out = run(BIN / "assay", "log", self.ledger, "--json", "--limit", "0", "--kind", kind)
        return [json.loads(line) for line in out.splitlines()]


class Sensor(Process):
    """A sensor that watches these directories and has taken its baseline."""

    def __init__(self, place, recorder, watch, run_dir=None, cpu=None, wait=True, config=None):
        self.run_dir = run_dir or recorder.run_dir
        paths = [a for path in watch for a in ("--watch", path)]
        paths += ["--config", config] if config else []
        super().__init__(place, "assay-sensor", "--state", recorder.state, "--run", self.run_dir,
                         *paths, cpu=cpu)
        if wait:
            self.await_ready(self.is_live)

    def status(self):
        try:
            said = json.loads((self.run_dir / "sensor.status").read_text().split("\n")[0])
        except (OSError, ValueError):
            return {}
        return said["more"] if said.get("pid") == self.pid else {}

    def is_live(self):
        return "profiles" in self.status()

    def settle(self, seconds=300):
        """Wait until it has nothing left to tell: two looks that agree."""
        last = None

        def rests():
            nonlocal last
            said = self.status()
            now = said.get("events"), said.get("changes")
            rests_now, last = said.get("pending") == 0 and now == last, now
            return rests_now
        await_true("the sensor's rest", rests, seconds, every=1.2)


@contextlib.contextmanager
def memory_files(place, size):
    """A file system in memory."""
    place.mkdir()
    try:
        run("mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes=0,mode=700", "assay-bench", place,
            stderr=subprocess.PIPE)
    except subprocess.CalledProcessError as e:
        raise Unavailable(f"no file system in memory: {e.stderr.strip()}") from e
    try:
        yield place
    finally:
        run("umount", "-l", place)
        place.rmdir()


def memory_available():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0
