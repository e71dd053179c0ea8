# SPDX-License-Identifier: Apache-2.0
"""The clock of a gateway is put forward and back while it serves: a token counts while it is valid
by the clock as it is, nobody gets more than his quota by a clock that goes back or waits longer for
it than a window, and what is kept is shown for no longer than it says."""
import collections
import os
import pathlib
import struct
import time

import pytest
import gateway_host
from gateway_host import EARLY, NO_HOURS, Gateway, needs
from test_gateway import TRANSFER, UUID

SHIM = gateway_host.BIN.parent / "tests" / "system" / "helpers" / "clock_shift.so"
pytestmark = [*needs(),
              pytest.mark.skipif(not SHIM.exists(), reason="no clock_shift.so"),
              pytest.mark.skipif(bool(gateway_host.PRELOAD), reason="something else is preloaded")]
HOUR, DAY = 3600, 86400
QUOTA = 6
EDIT = [("gateway.yaml", '  "*": { rate: 20/s, burst: 40 }',
         '  "*": { rate: 1000/s, burst: 1000 }'),
        ("gateway.yaml", "createTransfer: { rate: 1/s, burst: 5, quota: 200/d }",
         f"createTransfer: {{ quota: {QUOTA}/h }}\n"
         "  getAccount: { rate: 1/h, burst: 3 }"), NO_HOURS, EARLY]


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Its clock is self.shift seconds ahead, from the next moment on."""
    file = tmp_path / "shift"
    file.write_bytes(struct.pack("=q", 0))
    monkeypatch.setattr(gateway_host, "PRELOAD", str(SHIM))
    monkeypatch.setenv("CLOCK_SHIFT", str(file))
    g = Gateway(workers=1)

    def shift(seconds):
        with open(file, "r+b") as f:
            f.write(struct.pack("=q", seconds))
    g.shift = shift
    try:
        g.begin(edit=EDIT)
        yield g
    finally:
        g.close()


def told(site):
    """{kind: how many} of all that is in the ledger."""
    return collections.Counter(kind for call in site.calls().values() for kind, _ in call)


def test_tokens(site):
    now = int(time.time())
    fresh = site.provider.token("olga", ["auditors"], iat=now, nbf=now - 60, exp=now + HOUR)

    def status(token=fresh):
        return site.call("GET", "/bank/v1/branches", token=token)[0]
    assert status() == 200 and status() == 200  # the second is remembered
    for seconds, want in [(HOUR - 60, 200), (HOUR + 120, 401), (DAY, 401), (0, 200),
                          (HOUR + 120, 401), (-30, 200), (10 * 365 * DAY, 401), (0, 200)]:
        site.shift(seconds)
        assert status() == want, seconds
    # of the clock as it will be: refused now, and not for good
    later = site.provider.token("olga", ["auditors"], iat=now + DAY, nbf=now + DAY,
                                exp=now + DAY + HOUR)
    assert status(later) == 401
    site.shift(DAY + 600)
    assert status(later) == 200 and status() == 401
    site.shift(0)
    assert status(later) in (200, 401) and status() == 200


def test_quotas_and_rates(site):
    now = int(time.time())
    teller = site.provider.token("tim", ["tellers"], branch="0100", iat=now - 40 * DAY,
                                 exp=now + 9 * DAY)
    base = HOUR // 2 - now % HOUR  # in the midst of an hour

    def shift(seconds):
        site.shift(base + seconds)

    def send():
        return site.call("POST", "/bank/v1/accounts/A00000002/transfers", {
            **TRANSFER, "amount": {"hundredths": 100, "currency": "CHF"}}, token=teller,
            Idempotency_Key=UUID)

    def look():
        return site.call("GET", "/bank/v1/accounts/A00000001", token=teller)[0]
    shift(0)
    assert {send()[0] for _ in range(QUOTA)} == {422}  # of this account nothing is sent
    status, headers, _ = send()
    assert status == 429 and 0 < int(headers["retry-after"]) <= HOUR
    # back by any step: nothing is given again, and nobody waits longer than a window
    for seconds in (-5, -90, -HOUR, -DAY, -30 * DAY):
        shift(seconds)
        status, headers, _ = send()
        assert (status, int(headers["retry-after"]) <= HOUR) == (429, True), (seconds, headers)
    # forward: a window that is over is over, and the next quota is no more than that
    shift(2 * DAY)
    passed = [send()[0] for _ in range(QUOTA + 3)]
    assert passed.count(429) == 3 and passed[-1] == 429
    shift(2 * DAY - 2 * HOUR)
    assert [send()[0] for _ in range(QUOTA + 3)].count(429) >= 3
    # a rate: three at once, one an hour; a clock that goes back takes nothing of them
    shift(0)
    assert look() == 200
    shift(-DAY)
    assert [look() for _ in range(3)] == [200, 200, 429]
    shift(-DAY + HOUR + 5)
    assert look() == 200 and look() == 429
    shift(DAY)
    assert [look() for _ in range(4)] == [200, 200, 200, 429]


def test_what_is_kept(site):
    """For five minutes: of any clock."""
    def was_kept():
        assert site.call("GET", "/bank/v1/branches")[0] == 200
        return [w["result"] for call in site.calls().values() for kind, w in call
                if kind == "api.outcome"][-1] == "cached"
    site.token = site.provider.token("carol", ["fraud-desk"], exp=int(time.time()) + 9 * DAY)
    assert not was_kept() and was_kept()
    for seconds, want in [(290, True), (310, False), (311, True), (-DAY, False), (-DAY + 2, True),
                          (-DAY + 301, False), (0, False), (2 * DAY, False), (2 * DAY + 1, True)]:
        site.shift(seconds)
        assert was_kept() == want, seconds


def zone_of(site):
    """The memory that workers share."""
    pid = site.workers_now()[0]
    found = b""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            if "/dev/zero" in line:
                begin, end = (int(x, 16) for x in line.split()[0].split("-"))
                mem.seek(begin)
                found += mem.read(end - begin)
    return found


def test_what_was_kept_is_gone_by_itself(site):
    """Nobody asks for it any more, and nothing takes its place."""
    word = b'"city"'
    site.token = site.provider.token("carol", ["fraud-desk"], exp=int(time.time()) + 9 * DAY)
    assert word not in zone_of(site)
    assert site.call("GET", "/bank/v1/branches")[0] == 200
    time.sleep(2.5)
    assert word in zone_of(site)
    site.shift(310)
    gateway_host.wait_for(lambda: word not in zone_of(site), "an end of what is too old")


def test_all_else_goes_on(site):
    """Generations, sets of keys, counts and the status file, whatever the clock says."""
    site.token = site.provider.token("carol", ["fraud-desk"], exp=int(time.time()) + 9 * DAY,
                                     iat=int(time.time()) - 9 * DAY, nbf=int(time.time()) - 9 * DAY)
    for number, seconds in enumerate([-DAY, DAY, 0, -2 * DAY, -60, 2 * DAY], 2):
        site.shift(seconds)
        site.registry.git.top.joinpath("services/accounts/README.md").write_text(f"{number}\n")
        assert site.registry.deploy(f"1.{number + 3}.0")["generation"] == number
        site.wait_for_generation(number)
        statuses = collections.Counter(site.call("GET", "/bank/v1/customers/C000001")[0]
                                       for _ in range(5))
        assert statuses == {200: 5}, (seconds, statuses)
    # another key, and the old one no more
    site.shift(-HOUR)
    before = site.token
    site.provider = gateway_host.Provider(site.top, kid="k2")
    site.put_keys()
    os.utime(site.key_set())
    site.token = site.provider.token("carol", ["fraud-desk"], iat=int(time.time()) - DAY)
    gateway_host.wait_for(lambda: site.call("GET", "/bank/v1/branches")[0] == 200, "the new key")
    assert site.call("GET", "/bank/v1/branches", token=before)[0] == 401
    site.stop()
    site.recorder.published()
    count = told(site)
    assert count["api.intent"] == count["api.outcome"]
    assert "GOOD" in site.recorder.verify()
    assert pathlib.Path(site.recorder.run / "gateway.status").exists()
