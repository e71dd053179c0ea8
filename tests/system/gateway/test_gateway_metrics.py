# SPDX-License-Identifier: Apache-2.0
"""What the gateway tells monitoring and load balancers; python3-prometheus-client judges it."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest
from gateway_host import ISSUER, Gateway, free_port, needs
from recorder_host import BIN, wait_for

pytestmark = needs()
parser = pytest.importorskip("prometheus_client.openmetrics.parser")
MEDIA = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def locations(port):
    return f"""  server {{
    listen 127.0.0.1:{port};
    location = /metrics {{ assay_metrics; }}
    location = /health {{ assay_health; }}
    location = /live {{ assay_health live; }}
  }}"""


@pytest.fixture
def site():
    g = Gateway()
    g.metrics_port = free_port()
    g.http = locations(g.metrics_port)
    try:
        g.begin()
        yield g
    finally:
        g.close()


def ask(site, path, method="GET"):
    c = http.client.HTTPConnection("127.0.0.1", site.metrics_port, timeout=10)
    try:
        c.request(method, path)
        answer = c.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read().decode()
    finally:
        c.close()


def scrape(site):
    """{(name, labels): value} of what the parser makes of it, and the text."""
    status, media, text = ask(site, "/metrics")
    assert (status, media) == (200, MEDIA)
    found = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.documentation and family.type != "unknown", family
        for s in family.samples:
            key = (s.name.removeprefix("assay_gateway_"), tuple(sorted(s.labels.items())))
            assert key not in found
            found[key] = s.value
    return found, text


def value(found, name, **labels):
    return found[name, tuple(sorted(labels.items()))]


def call_total(found, operation, result, api="accounts"):
    return value(found, "calls_total", api=api, operation=operation, result=result)


def test_calls_are_counted_and_survive(site):
    """By operation and result, over both workers; a worker that dies and a reload lose none."""
    before, _ = scrape(site)
    for _ in range(7):
        assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 200
    assert site.call("GET", "/bank/v1/customers/C000001", token="a.b.c")[0] == 401
    assert site.call("GET", "/bank/v1/nothing")[0] == 404
    assert site.call("GET", "/elsewhere")[0] == 404
    for _ in range(3):
        assert site.call("GET", "/bank/v1/branches")[0] == 200
    site.stop_backend()
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 502
    # a call is counted when its reply was sent, and a worker says how it fares once a second
    wait_for(lambda: value(scrape(site)[0], "call_seconds_count", api="accounts") == 13,
             "the last call")
    wait_for(lambda: value(scrape(site)[0], "tokens_remembered") > 0, "its token")
    found, text = scrape(site)
    assert call_total(found, "getAccount", "answered") == 7
    assert call_total(found, "getAccount", "failed") == 1
    assert call_total(found, "getCustomer", "refused") == 1
    assert call_total(found, "", "refused") == 1
    assert call_total(found, "", "refused", api="") == 1
    assert call_total(found, "listBranches", "answered") == 1
    assert call_total(found, "listBranches", "cached") == 2
    for reason, n in (("credential", 1), ("path", 2), ("backend", 1), ("policy", 0)):
        assert value(found, "refusals_total", reason=reason) == n, reason
    assert value(found, "cache_lookups_total", result="hit") == 2
    assert value(found, "cache_lookups_total", result="miss") == 1
    assert 0 < value(found, "cache_used_bytes") < value(found, "cache_size_bytes")
    assert value(found, "backend_seconds_count", api="accounts") == 9
    # intent and outcome of those that reached the back-end, both at once of those that were kept,
    # one entry of those that were refused
    assert value(found, "recorder_wait_seconds_count") == 2 * 9 + 2 + 3
    assert 0 < value(found, "recorder_wait_seconds_sum") < 60
    assert value(found, "workers") == value(found, "recorder_connected_workers") == 2
    assert value(found, "recorder_waiting") == 0
    assert value(found, "generation_oldest") == value(found, "generation_newest") == 1
    assert abs(value(found, "generation_loaded_time_seconds") - time.time()) < 300
    assert 0 <= value(found, "key_set_age_seconds", issuer=ISSUER) < 300
    assert 0 <= value(found, "limits_slots_used") < value(found, "limits_slots")
    assert value(before, "start_time_seconds") == value(found, "start_time_seconds")
    for word in ("carol", "C000001", "A00000001", "127.0.0.1", "fraud-desk", "/bank"):
        assert word not in text, word
    pids = set(site.workers_now())
    os.kill(min(pids), signal.SIGKILL)
    wait_for(lambda: len(set(site.workers_now()) - pids) == 1, "another worker")
    wait_for(lambda: value(scrape(site)[0], "workers") == 2, "its word")
    again, _ = scrape(site)
    assert all(again[key] >= n for key, n in found.items() if key[0].endswith("_total"))
    assert call_total(again, "getAccount", "answered") == 7
    pids = set(site.workers_now())
    site.reload()
    wait_for(lambda: not set(site.workers_now()) & pids, "new workers")
    site.start_backend()
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 200
    wait_for(lambda: call_total(scrape(site)[0], "getAccount", "answered") == 8, "one more")
    assert value(scrape(site)[0], "workers") == 2


def told(site):
    return [e["what"] for e in site.recorder.entries() if e["k"] == "api.denied"]


def told_in_the_end(site, n):
    """All n refusals; reason and status of those that a killed worker has left."""
    wait_for(lambda: sum(w.get("count", 1) for w in told(site)) >= n, "all of them")
    assert sum(w.get("count", 1) for w in told(site)) == n
    return [(w["reason"], w["status"]) for w in told(site)
            if w.get("detail") == "counted by a process that was killed"]


def test_what_a_killed_worker_has_counted_is_told(site):
    """Refusals that are counted together, and the worker is killed before it tells them."""
    request = b"GET /bank/v1/nothing HTTP/1.1\r\nHost: a\r\n\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as s:
        for _ in range(4):
            s.sendall(50 * request)
            answers = b""
            while answers.count(b"HTTP/1.1 404 ") < 50 or not answers.endswith(b"}"):
                answers += s.recv(65536)
            sent += 50
        for pid in site.workers_now():
            os.kill(pid, signal.SIGKILL)
    assert told_in_the_end(site, sent) == [("path", 404)]
    assert "GOOD" in site.recorder.verify()


def test_what_one_has_counted_that_was_killed_as_it_ended_is_told(site):
    """Nobody is started in its place."""
    begun = [socket.create_connection(("127.0.0.1", site.port), timeout=10) for _ in range(120)]
    for s in begun:
        s.sendall(b"GET /bank/v1/nothing HTTP/1.1\r\n")
    time.sleep(0.5)
    pids = set(site.workers_now())
    site.reload()
    wait_for(lambda: len(set(site.workers_now()) - pids) == 2, "new workers")
    assert pids <= set(site.workers_now()), "they have calls that have begun"
    for s in begun[:-10]:
        s.sendall(b"Host: a\r\n\r\n")
    for s in begun[:-10]:
        assert s.recv(65536).startswith(b"HTTP/1.1 404 ")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for s in begun:
        s.close()
    assert set(told_in_the_end(site, 110)) == {("path", 404)}


def test_recorder_away_and_what_is_not_served(site):
    """/health says what is missing, /live goes on; so do the counts and assay status."""
    assert ask(site, "/health") == (200, "application/json", '{"status":"ready"}\n')
    assert ask(site, "/health", "HEAD")[::2] == (200, "")
    for path in ("/metrics", "/health"):
        assert ask(site, path, "POST")[0] == 405
    for _ in range(5):
        assert site.call("GET", "/bank/v1/nothing")[0] == 404
    # a recorder that is there and says nothing
    os.kill(site.recorder.process.pid, signal.SIGSTOP)
    try:
        assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 503
        wait_for(lambda: "the recorder does not answer" in
                 "".join(ask(site, "/health")[2] for _ in range(8)), "a word of it")
    finally:
        os.kill(site.recorder.process.pid, signal.SIGCONT)
    wait_for(lambda: all(ask(site, "/health")[0] == 200 for _ in range(8)), "it to be back")
    assert value(scrape(site)[0], "refusals_total", reason="recorder") == 1
    # a registry's current generation that is rubbish
    current, live = site.registry.path / "current", site.registry.path / "live"
    good = os.readlink(current)
    (live / "2").write_text("rubbish\n")
    swap(current, "live/2")
    wait_for(lambda: value(scrape(site)[0], "generation_refused_workers") == 2, "the fault")
    found, _ = scrape(site)
    assert value(found, "generation_refused", kind="file") == 2
    assert value(found, "generation_refused", kind="signature") == 0
    assert value(found, "generation_newest") == 1
    assert ask(site, "/health")[0] == 200  # by the last good one
    swap(current, good)
    wait_for(lambda: value(scrape(site)[0], "generation_refused_workers") == 0, "no fault")
    # no recorder at all
    site.recorder.stop()
    wait_for(lambda: all(ask(site, "/health")[0] == 503 for _ in range(8)), "it to be missed")
    status, media, body = ask(site, "/health")
    assert (status, media) == (503, "application/problem+json")
    assert json.loads(body) == {
        "type": "about:blank", "title": "Service unavailable", "status": 503,
        "detail": "the recorder takes no entries"}
    assert ask(site, "/live") == (200, "application/json", '{"status":"live"}\n')
    wait_for(lambda: value(scrape(site)[0], "recorder_connected_workers") == 0, "the gauge")
    wait_for(lambda: site.status().get("more", {}).get("recorder"), "the status")
    said = site.status()
    assert ["path", 5] in said["more"]["refused"] and said["more"]["workers"] == 2
    text = subprocess.run([BIN / "assay", "status", "--state", site.recorder.state, "--run",
                           site.recorder.run], capture_output=True, text=True, check=False).stdout
    lines = text.split("gateway", 1)[1]
    assert re.search(r"serves +generation 1 by 2 workers", lines), text
    assert re.search(r"recorder +away: ", lines), text
    in_swap = re.search(r"memory +may be written to swap", lines)
    assert bool(in_swap) != said["more"]["locked"], text
    assert re.search(r"refused +.*5 path.*in the last hour", lines), text
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 503
    site.recorder.start()
    wait_for(lambda: all(ask(site, "/health")[0] == 200 for _ in range(8)), "it to be back")
    assert site.call("GET", "/bank/v1/accounts/A00000001")[0] == 200


def swap(link, to):
    new = link.with_name("current.new")
    new.symlink_to(to)
    new.rename(link)


CONFIGS = [  # the server of it, and what nginx says; None: it is good
    ("listen 127.0.0.1:9145; location /m { assay_metrics; }", None),
    ("listen [::1]:9145; location /m { assay_metrics; }", None),
    ("listen unix:/run/m.sock; location /m { assay_metrics; }", None),
    ("listen 127.3.2.1:9145; location /a { location /a/m { assay_metrics; } }", None),
    ("listen 9145; location /m { assay_metrics; }", 'listens on "0.0.0.0:9145"'),
    ("listen [::]:9145; location /m { assay_metrics; }", "where others than this host"),
    ("listen 192.0.2.1:9145; location /m { assay_metrics; }", "where others than this host"),
    ("listen 127.0.0.1:9145; listen 9146; location /m { assay_metrics; }",
     'listens on "0.0.0.0:9146"'),
    ("listen 9145; location /m { location /m/n { assay_metrics; } }", "where others"),
    ("location /m { assay_metrics; }", "where others"),
    ("listen 9145; location /h { assay_health; }", None),
    ("listen 9145; location /h { assay_health live; }", None),
    ("listen 9145; location /h { assay_health dead; }", 'takes nothing, or "live"'),
    ("listen 127.0.0.1:9145; assay_metrics;", "is not allowed here"),
    ("listen 127.0.0.1:9145; location /m { assay_metrics on; }", "invalid number of arguments"),
    ("listen 127.0.0.1:9145; location /m { assay_metrics; assay_health; }", "another directive"),
    ("listen 127.0.0.1:9145; location /m { assay_metrics; proxy_pass http://127.0.0.1:1; }",
     "another directive"),
    ("listen 127.0.0.1:9145; location /m { assay_gateway on; assay_metrics; }",
     "another directive"),
]


def test_configuration():
    g = Gateway()
    try:
        for server, words in CONFIGS:
            g.http = f"server {{ {server} }}"
            status, said = g.test()
            assert (status == 0) == (words is None), (server, said)
            assert words is None or words in said, (server, said)
        for directive in ("assay_metrics;", "assay_health;"):
            g.http = f"server {{ listen 127.0.0.1:9145; location /m {{ {directive} }} }}"
            status, said = g.test(g.config().replace("assay_gateway on;", ""))
            assert status == 1 and "no location has assay_gateway on" in said, said
    finally:
        g.close()
