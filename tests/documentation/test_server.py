"""The server of the built site: for this machine only, and never an error for an odd request."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from totara_infra.documentation.server import serving


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[int]:
    site = tmp_path_factory.mktemp("served") / "site"
    (site / "deep").mkdir(parents=True)
    (site / "index.html").write_text("the first page")
    (site / "deep" / "page.html").write_text("a page")
    (site.parent / "secret.txt").write_text("canary-93ab")
    with serving(site, 0) as address:
        yield urlsplit(address.url).port or 0


def answer(port: int, target: bytes, *hosts: str) -> tuple[int, bytes]:
    """Status and body of a request for a target just as it stands there.

    Args:
        port: of the server.
        target: between method and version.
        hosts: a Host header each.
    """
    lines = [b"GET " + target + b" HTTP/1.1", *(b"Host: " + host.encode() for host in hosts)]
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def test_the_site_answers_under_its_names(port: int) -> None:
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert answer(port, b"/", host) == (200, b"the first page")
    assert answer(port, b"/deep/page.html", f"127.0.0.1:{port}") == (200, b"a page")


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("",),
        ("attacker.example",),
        ("attacker.example:{port}",),
        ("127.0.0.1.attacker.example:{port}",),
        ("127.0.0.1",),
        ("localhost:1",),
        ("127.0.0.1:{port}@attacker.example",),
        ("127.0.0.1:{port}", "attacker.example"),
    ],
)
@pytest.mark.parametrize("target", [b"/", b"/none", b"/%00"])
def test_another_name_of_this_machine_gets_nothing(port: int, hosts, target) -> None:
    status, body = answer(port, target, *(host.format(port=port) for host in hosts))
    assert status == 421 if len(hosts) < 2 else status == 400
    assert b"first page" not in body


def test_a_head_request_is_held_to_its_name_too(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for host, status in ((f"127.0.0.1:{port}", 200), ("attacker.example", 421)):
        connection.request("HEAD", "/", headers={"Host": host})
        response = connection.getresponse()
        response.read()
        assert response.status == status


PARTS = ["..", ".", "%2e%2e", "%00", "%", "%2f", "deep", "page.html", "~", "\\", "%ff", "?", "#"]


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=20).map(quote), max_size=6).map("/".join))
@example("%00")
@example("%ff%00")
@example("deep/%00/page.html")
@example("a" * 5000)
@example("../secret.txt")
@example("%2e%2e/secret.txt")
@example("..%2fsecret.txt")
@settings(
    max_examples=150,
    deadline=None,
)
def test_any_path_gets_an_answer_and_nothing_from_outside(port: int, path: str) -> None:
    status, body = answer(port, f"/{path}".encode(), f"127.0.0.1:{port}")
    assert status in (200, 301, 400, 404, 414)
    assert b"canary" not in body


def test_a_broken_request_leaves_the_server_up(port: int, tmp_path: Path) -> None:
    for text in (
        b"\x00\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(text)
            assert b"400" in (first := connection.recv(4096)) or b"50" in first or b"421" in first
    assert answer(port, b"/", f"127.0.0.1:{port}")[0] == 200
