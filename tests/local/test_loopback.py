"""What stays on this machine goes past every proxy, however the exceptions are spelled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.ports import free_port
from totara_infra.local.loopback import spare_loopback

SPELLINGS = (
    {},
    {"no_proxy": "*"},
    {"NO_PROXY": "*"},
    {"no_proxy": "10.0.0.0/8,.corp.test"},
    {"NO_PROXY": "127.0.0.0/8"},
    {"no_proxy": ".internal, corp.test"},
    {"NO_PROXY": "localhost"},
    {"no_proxy": "", "NO_PROXY": "corp.test"},
    {"no_proxy": "corp.test", "NO_PROXY": "other.test"},
    {"no_grpc_proxy": "corp.test"},
)
CALLS = """
import json, os, sys, urllib.request
from concurrent.futures import ThreadPoolExecutor
import boto3, grpc
from botocore.config import Config
from totara_infra.local.loopback import spare_loopback

url, spares = sys.argv[1], sys.argv[2] == "spares"
server = grpc.server(ThreadPoolExecutor(1))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
for variables in json.loads(sys.argv[3]):
    for name in [n for n in os.environ if "proxy" in n.lower()]:
        del os.environ[name]
    os.environ.update(variables)
    if spares:
        spare_loopback(os.environ)
    reached = []
    try:
        reached.append(urllib.request.urlopen(url, timeout=10).status == 200)
    except OSError:
        reached.append(False)
    client = boto3.client(
        "sts", endpoint_url=url, region_name="ap-southeast-2", aws_access_key_id="0",
        aws_secret_access_key="0", config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        client.get_caller_identity()
    except Exception as error:
        reached.append("proxy" not in str(error).lower())
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    try:
        grpc.channel_ready_future(channel).result(timeout=10 if spares else 1)
        reached.append(True)
    except grpc.FutureTimeoutError:
        reached.append(False)
    channel.close()
    outside = urllib.request.getproxies()["http"]
    spared = bool(urllib.request.proxy_bypass("example.com"))
    print(json.dumps({"reached": reached, "outside": outside, "spared": spared}))
"""


class _Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Fine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def called(address: str, how: str, variables: list[dict[str, str]]) -> list[dict[str, object]]:
    """What urllib, botocore and gRPC reach on this machine, with each set of variables."""
    done = subprocess.run(
        [sys.executable, "-c", CALLS, address, how, json.dumps(variables)],
        env={k: v for k, v in os.environ.items() if "proxy" not in k.lower()},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_loopback_is_never_proxied_and_the_rest_still_is(address):
    nowhere = f"http://127.0.0.1:{free_port()}"
    proxies = (dict.fromkeys(("http_proxy", "https_proxy"), nowhere), {"HTTP_PROXY": nowhere})
    variables = [{**proxy, **spelling} for proxy in proxies for spelling in SPELLINGS]

    found = called(address, "spares", variables)

    assert len(found) == 2 * len(SPELLINGS)
    for given, answer in zip(variables, found, strict=True):
        assert answer["reached"] == [True, True, True], given
        assert (answer["outside"], answer["spared"]) == (nowhere, "*" in given.values()), given


def test_without_it_every_one_of_them_asks_the_proxy(address):
    nowhere = f"http://127.0.0.1:{free_port()}"
    variables = {"http_proxy": nowhere, "https_proxy": nowhere, "no_proxy": "10.0.0.0/8"}

    (found,) = called(address, "as it is", [variables])

    assert found["reached"] == [False, False, False]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
def test_what_the_user_has_set_stays(spelling):
    environment = {"HTTPS_PROXY": "http://proxy.test:3128", **spelling}

    spare_loopback(environment)

    assert environment["HTTPS_PROXY"] == "http://proxy.test:3128"
    for name, value in spelling.items():
        assert environment[name].startswith(value.replace(", ", ","))
    again = dict(environment)
    spare_loopback(again)
    assert again == environment


def test_without_a_proxy_nothing_is_touched():
    environment = {"no_proxy": "corp.test"}

    spare_loopback(environment)

    assert environment == {"no_proxy": "corp.test"}
