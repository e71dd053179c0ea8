# SPDX-License-Identifier: Apache-2.0
"""What nginx.conf says of the gateway: nginx starts with all of it, or says what is wrong."""
import http.client
import subprocess

import pytest
from gateway_host import MODULE, NGINX, Gateway, free_port, needs
from recorder_host import wait_for

pytestmark = needs()


@pytest.fixture(scope="module")
def site():
    g = Gateway()
    (g.top / "open.key").write_text("5a" * 32 + "\n")
    (g.top / "open.key").chmod(0o644)
    (g.top / "short.key").write_text("5a" * 31 + "\n")
    (g.top / "capital.key").write_text("5A" * 32 + "\n")
    (g.top / "long.key").write_text("5a" * 32 + "\n\n")
    for name in ("short.key", "capital.key", "long.key"):
        (g.top / name).chmod(0o600)
    yield g
    g.close()


def test_good(site):
    status, said = site.test()
    assert status == 0 and "emerg" not in said, said


BAD = [  # a line of http{} that is not there, what is there instead, what nginx says
    ("assay_registry", "", "assay_gateway is on, and http{} says no assay_registry"),
    ("assay_key", "", "assay_gateway is on, and http{} says no assay_key"),
    ("assay_hash_key", "", "assay_gateway is on, and http{} says no assay_hash_key"),
    ("assay_registry", "assay_registry registry;", '"assay_registry" wants an absolute path'),
    ("assay_registry", "assay_registry /a; assay_registry /b;", '"assay_registry" is said twice'),
    ("assay_registry", "assay_registry;", "invalid number of arguments"),
    ("assay_key", "assay_key rubbish;", '"assay_key" '),
    ("assay_hash_key", "assay_hash_key {top}/nothing;", "No such file or directory"),
    ("assay_hash_key", "assay_hash_key {top};", "is no file"),
    ("assay_hash_key", "assay_hash_key /dev/zero;", "is no file"),
    ("assay_hash_key", "assay_hash_key {top}/open.key;", "read by everybody"),
    ("assay_hash_key", "assay_hash_key {top}/short.key;", "wants 64 hexadecimal digits"),
    ("assay_hash_key", "assay_hash_key {top}/capital.key;", "wants 64 hexadecimal digits"),
    ("assay_hash_key", "assay_hash_key {top}/long.key;", "wants 64 hexadecimal digits"),
    ("assay_recorder", f"assay_recorder /{'x' * 120};", "too long for a socket's path"),
    ("assay_zone", "assay_zone 1m;", '"assay_zone" wants 2m at least'),
    ("assay_zone", "assay_zone much;", "invalid value"),
    ("assay_zone", "assay_sandbox perhaps;", "invalid value"),
    ("assay_zone", "assay_gateway on;", "is not allowed here"),
    ("assay_zone", "ssl_early_data on;", "does not go together with ssl_early_data"),
    # whose listener it is, its TLS is of all servers there
    ("assay_zone", "server { listen 127.0.0.1:{port}; server_name x; ssl_early_data on; }",
     "does not go together with ssl_early_data"),
]


@pytest.mark.parametrize("directive,instead,words", BAD)
def test_bad(site, directive, instead, words):
    lines = site.config().split("\n")
    at = [i for i, line in enumerate(lines) if line.strip().startswith(directive + " ")]
    assert len(at) == 1
    lines[at[0]] = instead.replace("{top}", str(site.top)).replace("{port}", str(site.port))
    status, said = site.test("\n".join(lines))
    assert status == 1 and words in said, said


TWICE = "another directive serves this location as well"
ALIAS = '"assay_gateway" does not go together with alias'
LOCATIONS = [  # in a location with assay_gateway on, and what nginx has against it
    ("proxy_pass http://127.0.0.1:1;", TWICE),
    ("location /x { proxy_pass http://127.0.0.1:1; }", TWICE),
    ("location /x { assay_gateway off; proxy_pass http://127.0.0.1:1; }", None),
    ("location /x { root /nowhere; }", None),
    ("location /x { root /nowhere/$host; }", None),
    ("limit_except GET { deny all; }", None),
    ("alias /nowhere/;", ALIAS),
    ("location /x { alias /nowhere/; }", ALIAS),
    ("location ~ ^/x(.*) { alias /nowhere$1; }", ALIAS),
    ("location /x { assay_gateway off; alias /nowhere/; }", None),
]


@pytest.mark.parametrize("inside,words", LOCATIONS)
def test_locations(site, inside, words):
    site.location = inside
    status, said = site.test()
    site.location = ""
    assert status == (1 if words else 0) and (words or "") in said, said


def test_early_data_elsewhere(site):
    """Servers that share no listener with the gateway have what they want."""
    site.http = "server { listen 127.0.0.1:1; ssl_early_data on; }"
    status, said = site.test()
    site.http = ""
    assert status == 0, said


def get(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()


def test_idle_where_it_is_not_asked_for(site, tmp_path):
    """Loaded and not used it changes nothing: no zone, no recorder, no status."""
    port = free_port()
    path = site.write_config(f"""load_module {MODULE};
pid {tmp_path}/pid; daemon off; error_log {tmp_path}/log; user root;
events {{ }}
http {{ access_log off; server {{ listen 127.0.0.1:{port}; return 204; }} }}
""")
    nginx = subprocess.Popen([NGINX, "-e", tmp_path / "log", "-c", path])
    try:
        wait_for(lambda: get(port) == 204, "nginx")
        assert not (site.recorder.run / "gateway.status").exists()
        assert "assay" not in (tmp_path / "log").read_text().replace("ngx_http_assay", "")
    finally:
        nginx.terminate()
        nginx.wait(timeout=30)
