# SPDX-License-Identifier: Apache-2.0
"""What else an nginx does whose workers have closed themselves in: static files, uploads, a cache,
logs that are opened anew, certificates that are renewed; and what it cannot do."""
import http.client
import signal
import ssl
import subprocess
import time

import pytest
from gateway_host import Gateway, free_port, needs
from recorder_host import wait_for

pytestmark = needs()


@pytest.fixture(scope="module")
def site():
    g = Gateway()
    g.tls, g.plain = free_port(), free_port()
    for name in ("open", "closed", "put", "cache", "logs"):
        (g.top / name).mkdir()
        (g.top / name / "page").write_text(f"{name}\n")
    (g.top / "origin.sock").unlink(missing_ok=True)
    make_certificate(g, "one")
    g.http = f"""
  assay_sandbox_read {g.top}/open;
  assay_sandbox_write {g.top}/put {g.top}/cache {g.top}/temp;
  proxy_cache_path {g.top}/cache keys_zone=few:1m;
  server {{
    listen 127.0.0.1:{g.tls} ssl; ssl_certificate {g.top}/now.pem; ssl_certificate_key
    {g.top}/now.key; location / {{ return 200 served; }} }}
  server {{
    listen 127.0.0.1:{g.plain};
    access_log {g.top}/logs/access.log;
    location /open/ {{ root {g.top}; }}
    location /closed/ {{ root {g.top}; }}
    location /put/ {{ root {g.top}; dav_methods PUT DELETE; client_max_body_size 9m;
      client_body_buffer_size 1k; }}
    location /cached/ {{ proxy_pass http://127.0.0.1:{g.plain}/open/; proxy_cache few;
      proxy_cache_valid 1m; add_header X-Cache $upstream_cache_status; }}
  }}
"""
    try:
        g.begin()
        yield g
        assert "[alert]" not in g.log(), g.log()
    finally:
        g.close()


def make_certificate(g, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout",
                    g.top / "now.key", "-out", g.top / "now.pem"], check=True, capture_output=True)


def get(g, path, method="GET", body=None):
    c = http.client.HTTPConnection("127.0.0.1", g.plain, timeout=30)
    c.request(method, path, body)
    answer = c.getresponse()
    data = answer.read()
    c.close()
    return answer.status, data, answer.getheader("X-Cache")


def is_served(g):
    return g.call("GET", "/bank/v1/accounts/A00000001")[0] == 200


def has_landlock(g):
    return "absent" not in [result for name, result, _ in g.status()["sandbox"]
                            if name == "landlock"]


def test_files(site):
    assert get(site, "/open/page")[:2] == (200, b"open\n")
    if has_landlock(site):
        assert get(site, "/closed/page")[0] == 403
    large = b"z" * 3_000_000  # more than nginx keeps in memory
    assert get(site, "/put/new", "PUT", large)[0] == 201
    assert (site.top / "put" / "new").read_bytes() == large
    assert get(site, "/put/new", "DELETE")[0] == 204
    assert get(site, "/cached/page")[1:] == (b"open\n", "MISS")
    # nginx puts what it sent into the cache when it has sent it, and the other worker is quick
    wait_for(lambda: get(site, "/cached/page")[1:] == (b"open\n", "HIT"), "a cached page", 5)
    assert is_served(site)


def test_logs_are_opened_anew(site):
    log, old = site.top / "logs" / "access.log", site.top / "logs" / "access.log.1"
    get(site, "/open/page?before")
    log.rename(old)
    site.nginx.send_signal(signal.SIGUSR1)
    wait_for(log.exists, "a new log")

    def is_new():
        for _ in range(20):
            get(site, "/open/page?after")
        return log.read_text().count("?after") >= 20

    before = old.stat().st_size
    wait_for(is_new, "lines in the new one")
    time.sleep(0.1)
    size = old.stat().st_size
    for _ in range(20):
        get(site, "/open/page?later")
    assert old.stat().st_size == size and "?before" in old.read_text(), before
    assert is_served(site)


def shown(site):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    c = http.client.HTTPSConnection("127.0.0.1", site.tls, timeout=30, context=context)
    c.connect()
    der = c.sock.getpeercert(True)  # before the answer of a worker that ends, which closes it
    c.request("GET", "/")
    assert c.getresponse().read() == b"served"
    c.close()
    return subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-subject"], input=der,
                          check=True, capture_output=True).stdout.decode().strip()


def test_certificates_are_renewed(site):
    assert shown(site) == "subject=CN = one"
    make_certificate(site, "two")
    site.reload()
    wait_for(lambda: shown(site) == "subject=CN = two", "the new certificate")
    assert is_served(site)


def test_threads_are_refused_when_they_are_asked_for(site):
    text = site.config()
    for old, new in (("location /open/ {", "location /open/ { aio threads;"),
                     ("events {", "thread_pool some threads=2; events {")):
        status, said = site.test(text.replace(old, new))
        assert status == 1 and "does not go together with thread_pool" in said, said
    status, said = site.test(text.replace("events {", "thread_pool some threads=2; events {")
                             .replace("  assay_zone", "  assay_sandbox off; assay_zone"))
    assert status == 0, said
    site.write_config()


SANDBOX = [  # what stands there, what is said of it
    ("assay_sandbox_read relative;", "wants absolute paths"),
    ("assay_sandbox_read;", "invalid number of arguments"),
    ("assay_sandbox_write " + " ".join(f"/p{i}" for i in range(33)) + ";", "more paths than 32"),
]


def test_paths_that_are_refused(site):
    for line, wanted in SANDBOX:
        status, said = site.test(site.config().replace("  assay_zone", f"  {line} assay_zone"))
        assert status == 1 and wanted in said, (line, said)
    site.write_config()


def test_a_log_that_would_have_requests_is_told(site):
    for level, warned in (("info", True), ("debug", True), ("notice", False)):
        status, said = site.test(site.config().replace("error.log notice", f"error.log {level}"))
        assert status == 0 and ("has what callers of assay_gateway send" in said) == warned, said
    site.write_config()
