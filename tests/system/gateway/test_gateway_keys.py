# SPDX-License-Identifier: Apache-2.0
"""nginx with the module beside assay-keys and an issuer over https: tokens are taken by the keys
that the issuer has, without a restart of anything."""
import json
import time

import pytest
from gateway_host import KEYS_URL, Gateway, Provider, needs
from keys_host import Issuer, Keys, authority, certificate
from recorder_host import wait_for

pytestmark = needs()
PATH = "/bank/v1/customers/C000001"


@pytest.fixture
def site():
    g = Gateway()
    g.issuer = g.fetcher = None
    try:
        ca = authority(g.top, "ca")
        g.issuer = Issuer(certificate(g.top, "issuer", ca, "id.bank.example"))
        g.issuer.answers["/keys"] = g.provider.jwks().encode()
        g.url = g.issuer.url("/keys", "id.bank.example")
        for left in g.keys.iterdir():
            left.unlink()
        g.deploy(edit=[("gateway.yaml", KEYS_URL, g.url),
                       ("gateway.yaml", "[192.0.2.7]", "[127.0.0.1]"),
                       ("gateway.yaml", '"*": { rate: 20/s, burst: 40 }', '"*": { rate: 9999/s }'),
                       ("policy.cedar", 'duration("20h")', 'duration("24h")'),
                       ("policy.cedar", 'duration("6h")', 'duration("0h")')])
        g.fetcher = Keys(g.registry, ca)
        g.start_backend()
        g.start()
        g.wait_for_generation(1)
        yield g
    finally:
        if g.fetcher:
            g.fetcher.stop()
        if g.issuer:
            g.issuer.close()
        g.close()


def call(site, token=None):
    return site.call("GET", PATH, token=token)[0]


def test_keys_come_and_go_with_the_issuer(site):
    assert call(site) == 503  # no set was had yet
    site.fetcher.start()
    wait_for(lambda: call(site) == 200, "calls", 20)
    # another key: asked for by the gateway, at the first token that names it
    new = Provider(site.top, "k2")
    site.issuer.answers["/keys"] = json.dumps({"keys": [site.provider.jwk(), new.jwk()]}).encode()
    token = new.token("carol", ["fraud-desk"])
    begun = time.monotonic()
    assert call(site, token) == 401
    wait_for(lambda: call(site, token) == 200, "calls by the new key", 30)
    assert time.monotonic() - begun < 20 and call(site) == 200
    asked = site.issuer.asked("/keys")
    assert asked == 2
    # a token that nobody's key has made is no means to have the issuer asked all the time
    forged = Provider(site.top, "k3").token("carol", ["fraud-desk"])
    end = time.monotonic() + 12
    while time.monotonic() < end:
        assert call(site, forged) == 401
    assert site.issuer.asked("/keys") <= asked + 2
    # the old key is taken back
    site.issuer.answers["/keys"] = json.dumps({"keys": [new.jwk()]}).encode()
    # each worker asks once in ten seconds: where both have just asked, the next one counts
    wait_for(lambda: (call(site, forged), call(site)) == (401, 401), "an end of the old key", 30)
    assert call(site, token) == 200
    states = [(e["state"], e["keys"]) for e in site.fetcher.entries()]
    assert states == [("changed", 1), ("changed", 2), ("changed", 1)]


def test_an_issuer_that_is_away_stops_nobody(site):
    site.fetcher.start()
    wait_for(lambda: call(site) == 200, "calls", 20)
    site.issuer.answers["/keys"] = None
    site.fetcher.is_old(site.url)
    site.fetcher.end()
    site.fetcher.start()
    wait_for(lambda: site.fetcher.set(site.url).get("failed") == "status 404", "the failure")
    assert call(site) == 200
    site.fetcher.stop()
    assert call(site) == 200
