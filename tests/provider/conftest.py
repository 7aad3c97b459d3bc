"""An emulator for the session, and the provider as the engine sees it."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from tests.ports import free_port
from tests.provider.provider_client import ACCOUNT, REGION, ProviderClient
from totara_infra.local.emulator import emulator_command
from totara_infra.local.provider.server import serve
from totara_infra.local.setup import ensure_ready


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an emulator that lives as long as the tests."""
    ensure_ready()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "CLOUDTRAIL_RECORDING": "1",
    }
    folder = tmp_path_factory.mktemp("emulator")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            emulator_command(), env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_healthy(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        try:
            urllib.request.urlopen(f"{url}/_ministack/health", timeout=2)
        except OSError:
            assert process.poll() is None, "the emulator ended at once"
            time.sleep(0.2)
        else:
            return
    raise AssertionError("the emulator did not become healthy within 30 s")


@pytest.fixture(scope="session")
def aws(endpoint: str) -> Callable[[str], Any]:
    """Clients of the tests' own, to change things behind the provider's back."""
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=endpoint,
                aws_access_key_id=ACCOUNT,
                aws_secret_access_key="test",
            )
        return clients[service]

    return client


@pytest.fixture(scope="session")
def unconfigured() -> Iterator[Callable[[], ProviderClient]]:
    """Makes providers that nobody has configured yet."""
    started = []

    def start() -> ProviderClient:
        server, port = serve()
        started.append(server)
        return ProviderClient(f"127.0.0.1:{port}")

    yield start
    for server in started:
        server.stop(grace=None)


@pytest.fixture(scope="session")
def provider(endpoint: str, unconfigured: Callable[[], ProviderClient]) -> ProviderClient:
    """A provider that works on the emulator."""
    client = unconfigured()
    client.configure(endpoint)
    return client


@pytest.fixture
def unique() -> str:
    """Part of a name that no other test uses."""
    return f"t{uuid.uuid4().hex[:8]}"
