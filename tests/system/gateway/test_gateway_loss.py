# SPDX-License-Identifier: Apache-2.0
"""Whatever is killed, stopped, filled or replaced under load: no call reaches a back-end without an
intent in the ledger, no answer a caller without an outcome, and all goes on by itself afterwards.
ASSAY_LOSS_SECONDS: for how long; the soak takes eleven minutes of it."""
import collections
import errno
import os
import random
import shutil
import signal
import struct
import time

import pytest

from gateway_host import NGINX
from loss_host import WIDE, Site, Verdict, at_rest, kill_worker
from recorder_host import BYE, Peer, intent, wait_for

SOAK = bool(os.environ.get("ASSAY_SOAK"))
SECONDS = float(os.environ.get("ASSAY_LOSS_SECONDS", 660 if SOAK else 8))
CALLERS, CROWD, CALLS_MAX = 8, 700, 65536
BACK = 10  # seconds, by when a call must be served again: far above what it takes

NEEDED = [NGINX, "git", "ssh-keygen", "openssl"]
pytestmark = [
    pytest.mark.skipif(any(not shutil.which(p) for p in NEEDED), reason=f"not all of {NEEDED}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")]


@pytest.fixture
def site():
    s = Site(mib=4096 if SECONDS > 60 else 384)
    try:
        s.deploy(edit=WIDE)
        s.start_backend()
        s.start()
        s.wait_for_generation(1)
        yield s
    finally:
        s.close()


# ---- faults: each leaves all as it was, but for what the gateway has to do about it ----

def worker_dies(site, chance):
    workers = site.workers_now()
    for pid in workers if chance.random() < 0.2 else [chance.choice(workers)]:
        kill_worker(site, pid)


def worker_stands_still(site, chance):
    pid = chance.choice(site.workers_now())
    os.kill(pid, signal.SIGSTOP)
    time.sleep(chance.choice([0.2, 1, 4.5]))
    os.kill(pid, signal.SIGCONT)


def recorder_dies(site, chance):
    site.recorder.kill()
    time.sleep(chance.choice([0, 0.1, 1, 4.5]))
    site.recorder.start()


def recorder_restarts(site, chance):
    site.recorder.end()
    time.sleep(chance.choice([0, 0.5]))
    site.recorder.start()


def recorder_stands_still(site, chance):
    site.recorder.process.send_signal(signal.SIGSTOP)
    time.sleep(chance.choice([0.3, 2, 5.5]))
    if chance.random() < 0.3:
        kill_worker(site, chance.choice(site.workers_now()))
    site.recorder.process.send_signal(signal.SIGCONT)


def names_of(site, n):
    site.asked += n
    return [f"A{80000000 + site.asked - i:08}" for i in range(n)]


def queues_are_full(site, chance):
    """More entries wait than a writer may have unanswered, for a recorder that stands still.  Who
    comes when all these were given up does not wait."""
    site.recorder.process.send_signal(signal.SIGSTOP)
    statuses = collections.Counter(site.ask_at_once(names_of(site, CROWD)))
    begun = time.monotonic()
    later = [site.ask("get", name) for name in names_of(site, 10)]
    took = time.monotonic() - begun
    site.recorder.process.send_signal(signal.SIGCONT)
    assert statuses == {503: CROWD} and later == [503] * 10 and took < 2, (statuses, later, took)


def recorder_dies_standing(site, chance):
    """What it had not read is lost with its socket."""
    site.recorder.process.send_signal(signal.SIGSTOP)
    time.sleep(chance.choice([0.1, 1]))
    site.recorder.kill()
    if chance.random() < 0.5:
        kill_worker(site, chance.choice(site.workers_now()))
    site.recorder.start()


def disk_is_full(site, chance):
    site.fill()
    time.sleep(chance.choice([1, 3, 5]))
    if chance.random() < 0.3:
        kill_worker(site, chance.choice(site.workers_now()))
    site.give_back()


def recorder_dies_on_a_full_disk(site, chance):
    site.fill()
    time.sleep(1)
    site.recorder.kill()
    site.recorder.start()
    time.sleep(1)
    site.give_back()


def too_many_are_open(site, chance):
    """Another gateway has begun all calls that may be open, and then says good-bye."""
    with Peer(site.recorder, "gateway") as other:
        for n in range(0, CALLS_MAX, 64):
            other.put(*[intent(f"other-{n + k}") for k in range(64)])
        refused = n = 0
        while refused < 50:  # what ends meanwhile makes room, until this one has it as well
            answer = other.put(intent(f"one-more-{n}"))
            refused, n = (refused + 1 if answer in other.naks.values() else 0), n + 1
        assert {code for code, _ in other.naks.values()} == {errno.EBUSY}
        assert site.ask("get", names_of(site, 1)[0]) == 503
        other.send(BYE, struct.pack("<BII", 1, 0, 0))


def nginx_reloads(site, chance):
    site.reload()
    if chance.random() < 0.3:
        time.sleep(0.2)
        kill_worker(site, chance.choice(site.workers_now()))


def backend_dies(site, chance):
    site.stop_backend()
    time.sleep(chance.choice([0, 0.5]))
    site.start_backend()


def package_changes(site, chance):
    """A new version, or the one before again."""
    if site.versions and chance.random() < 0.5:
        site.registry.good("rollback", "accounts", site.versions[-1], "--reason", "x")
        site.versions.clear()
    else:
        site.minor += 1
        site.versions.append(f"1.{site.minor - 1}.0" if site.minor > 5 else "1.4.0")
        site.deploy(f"1.{site.minor}.0")


FAULTS = [worker_dies, worker_dies, worker_stands_still, recorder_dies, recorder_dies,
          recorder_restarts, recorder_stands_still, queues_are_full,
          recorder_dies_standing, disk_is_full, recorder_dies_on_a_full_disk, nginx_reloads,
          backend_dies, package_changes]
# In the short form, one after the other: what a minute's chance would most miss.
SHORT = [worker_dies, recorder_dies, queues_are_full, disk_is_full, nginx_reloads,
         recorder_dies_standing, backend_dies]


def served_again(site, number):
    """Seconds until somebody is; nobody helps."""
    begun = time.monotonic()
    for n in range(100000):
        if site.ask("get", f"A{90000000 + number * 1000 + n:08}") == 200:
            return time.monotonic() - begun
        assert time.monotonic() < begun + BACK, site.log()[-3000:]
        time.sleep(0.01)
    return None


def faults(seconds):
    chance = random.Random()
    end = time.monotonic() + seconds
    if seconds < 60:
        yield from ((f, chance) for f in SHORT)
        return
    yield too_many_are_open, chance
    while time.monotonic() < end:
        bag = FAULTS[:]
        chance.shuffle(bag)
        yield from ((f, chance) for f in bag if time.monotonic() < end)


def test_nothing_is_lost(site):
    site.versions, site.minor, site.asked = [], 4, 0
    done, longest = collections.Counter(), 0.0
    end = site.loaded(CALLERS)
    begun = time.monotonic()
    for number, (fault, chance) in enumerate(faults(SECONDS)):
        time.sleep(chance.uniform(0.1, 0.5))
        fault(site, chance)
        longest = max(longest, served_again(site, number))
        done[fault.__name__] += 1
    asked = end()
    took = time.monotonic() - begun
    site.stop()
    if SECONDS > 60:
        at_rest(site, 240)
    wait_for(lambda: "GOOD" in site.recorder.verify(), "a good ledger", 30)
    verdict = Verdict(site).judge(open_may_be=SECONDS <= 60)
    print(f"{took:.0f} s, {sum(done.values())} faults {dict(done)}, {len(site.killed)} workers "
          f"killed; {asked / took:.0f} calls/s, served again after {longest:.2f} s at most; "
          f"{verdict}")
    assert not verdict.bad, (len(verdict.bad), verdict.bad[:5])
    assert verdict.count("outcome") > 20 * SECONDS
    assert site.kinds["ledger.full"] >= done["disk_is_full"] > 0
    # one that dies while its disk is full begins with another ledger.full
    assert 0 <= site.kinds["ledger.full"] - site.kinds["ledger.resumed"] <= \
        done["recorder_dies_on_a_full_disk"]
