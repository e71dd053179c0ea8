# SPDX-License-Identifier: Apache-2.0
"""A caller who asks about one object after another that is not there: at a ceiling he is refused,
others and what is known are not."""
import time

import pytest
from gateway_host import OPEN, Gateway, needs
from recorder_host import wait_for
from test_gateway import TRANSFER, UUID

pytestmark = needs()
MOST = 20


@pytest.fixture
def site():
    g = Gateway()
    try:
        g.deploy(edit=OPEN)
        g.recorder.stop()
        g.recorder.more = ["--new-subjects", str(MOST)]
        g.recorder.start()
        g.start_backend()
        g.start()
        g.wait_for_generation(1)
        yield g
    finally:
        g.close()


def test_one_after_another(site):
    if time.time() % 3600 > 3540:
        time.sleep(61)  # all of it in one hour

    def ask(n, **more):
        return site.call("GET", f"/bank/v1/accounts/A{n:08}", **more)

    other = site.provider.token("dave", ["fraud-desk"])
    before = site.recorder.status()["more"]["subjects"]
    # himself and his address are new as well
    assert [ask(n)[0] for n in range(100, 100 + MOST - 2)] == [404] * (MOST - 2)
    assert site.recorder.status()["more"]["subjects"] <= before + MOST
    for _ in range(3):
        status, headers, problem = ask(200)
        assert (status, problem["title"]) == (429, "Too many requests")
        assert abs(int(headers["retry-after"]) - (3600 - time.time() % 3600)) < 5
    assert ask(100)[0] == 404 and ask(101)[0] == 404  # known by now
    assert ask(300, token=other)[0] == 404  # somebody else
    assert ask(300)[0] == 404
    assert ask(301)[0] == 429
    refused = [[(k, w.get("reason")) for k, w in e] for e in site.calls().values()
               if e[0][0] == "api.denied"]
    assert refused == [[("api.denied", "objects")]] * 4
    assert [e["what"]["code"] for e in site.recorder.entries("ledger.refused")] == [-122] * 4
    wait_for(lambda: site.recorder.status()["more"]["subjects_limited"] == 4, "a count", 10)
    assert "recorder.newcomers" in site.recorder.log_path.read_text()


def test_values_come_before_who_sends_them(site):
    """What is written to one new object after another counts for its caller as well: digests of its
    values are in the ledger before the entry that names him."""
    if time.time() % 3600 > 3540:
        time.sleep(61)  # all of it in one hour

    def send(n, who):
        token = site.provider.token(who, ["tellers"], branch="0100")
        return site.call("POST", f"/bank/v1/accounts/A{900 + n:08}/transfers", TRANSFER,
                         token, Idempotency_Key=UUID)

    statuses = [send(n, "tess")[0] for n in range(MOST + 2)]
    good = statuses.index(429)
    assert MOST - 2 <= good <= MOST and set(statuses[good:]) == {429}, statuses
    assert set(statuses[:good]) == {404}, (statuses, list(site.calls().values())[-1])
    assert "api.values" in {k for calls in site.calls().values() for k, _ in calls}
    assert send(0, "tess")[0] == statuses[0]  # known by now
    assert send(MOST + 1, "theo")[0] == statuses[0]  # somebody else
