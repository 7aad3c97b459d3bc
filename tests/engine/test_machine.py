"""The machine around an update: proxies, a plugin that does not start, an interruption."""

from __future__ import annotations

import signal
import stat
import subprocess
import time

import pytest

from tests.engine.checkout import Checkout
from tests.engine.inventory import counted, inventory, wanted
from tests.ports import free_port

pytestmark = pytest.mark.engine

PLUGIN = "totara_infra/local/provider/__main__.py"


def interrupted(checkout: Checkout, number: signal.Signals, variables: dict[str, str]) -> str:
    """Interrupt an update when something is there; all that it says on stderr."""
    with subprocess.Popen(
        checkout.command("totara", "up", "local"),
        cwd=checkout.root,
        env={**checkout.environment, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        end = time.monotonic() + 120
        while time.monotonic() < end and command.poll() is None:
            record = checkout.emulator_record()
            if record.is_file() and checkout.live().client("kms").list_keys()["Keys"]:
                break
            time.sleep(0.1)
        command.send_signal(number)
        _, said = command.communicate(timeout=120)
    assert command.returncode == 130, said
    return said


def test_an_update_behind_a_proxy_names_faults_and_ends_in_an_orderly_way(new_small_checkout):
    checkout = new_small_checkout()
    nowhere = f"http://127.0.0.1:{free_port()}"
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    variables = {**dict.fromkeys(names, nowhere), "no_proxy": "10.0.0.0/8", "NO_PROXY": "*"}
    whole = (checkout.root / PLUGIN).read_text()
    (checkout.root / PLUGIN).write_text("import sys\nsys.exit('the plugin is broken')\n")

    failed = checkout.totara("up", "local", code=1, **variables)

    assert "the plugin is broken" in failed.out
    assert "non-zero exit code" not in failed.out
    (checkout.root / PLUGIN).write_text(whole)
    said = interrupted(checkout, signal.SIGTERM, variables)
    last = said.strip().splitlines()[-1]
    assert last.startswith("Interrupted. ")
    assert "of 17 modules of local are up, and the state is sound" in last
    assert "`totara up local`" in last
    assert "Traceback" not in said
    checkout.totara("state", "status", "local", **variables)
    outcome = checkout.totara("up", "local", **variables)
    assert "start afresh" not in outcome.err
    assert counted(inventory(checkout.live())) == wanted(checkout.blueprint())
    modes = {
        stat.S_IMODE(path.stat().st_mode)
        for path in (checkout.state / "state").rglob("*")
        if path.is_file()
    }
    assert modes == {0o600}
