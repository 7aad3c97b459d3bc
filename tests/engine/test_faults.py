"""Throttled calls and 5xx between provider and emulator; an order that is wrong for real."""

from __future__ import annotations

import json

import pytest

from tests.engine.checkout import Checkout
from tests.engine.faulty_proxy import STATUSES, FaultyProxy
from tests.engine.inventory import counted, inventory, wanted

pytestmark = pytest.mark.engine


def test_an_update_goes_through_throttling_and_server_errors(new_small_checkout):
    checkout = new_small_checkout()
    checkout.start_emulator()
    # With a state beside it, the emulator counts as the stack's own and is kept.
    checkout.pulumi("stack", "init", "local")
    record = json.loads(checkout.emulator_record().read_text())
    with FaultyProxy.before(record["port"]) as proxy:
        port = proxy.server_address[1]
        through = {**record, "port": port, "endpoint": f"http://127.0.0.1:{port}"}
        checkout.emulator_record().write_text(json.dumps(through))

        outcome = checkout.totara("up", "local", TOTARA_PORT=str(port))
        # The state says where the provider reaches AWS, so this needs the proxy too.
        assert checkout.changes("refresh", "-s", "local", "--preview-only") == set()

    assert f"AWS endpoint: http://127.0.0.1:{port}" in outcome.out
    assert {status for _, status in proxy.refused} == set(STATUSES)
    assert {s for s, _ in proxy.refused} >= {"ssm", "iam", "secretsmanager", "events", "appconfig"}
    assert sum(proxy.refused.values()) > 25
    checkout.emulator_record().write_text(json.dumps(record))
    assert counted(inventory(checkout.live())) == wanted(checkout.blueprint())
    checkout.totara("sequence", "verify", "local")


@pytest.fixture
def empty(new_checkout) -> Checkout:
    """A copy of the project with an empty emulator."""
    checkout = new_checkout()
    checkout.start_emulator()
    return checkout


def write_in_order(checkout: Checkout, order: list[str]) -> None:
    """Write the parameters, markers and gates of steps with nothing but AWS's own API."""
    blueprint, client = checkout.blueprint(), checkout.live().client("ssm")
    for step in order:
        for resource in blueprint.steps[step]:
            if resource.shape == "Parameter":
                value = resource.properties.get("insecure_value")
                text = value if isinstance(value, str) else "x"
                name = resource.properties["name"]
                client.put_parameter(Name=name, Value=text, Type="String")


def test_the_proof_fails_on_a_wrong_order(empty):
    blueprint = empty.blueprint()
    order = [
        step
        for step in blueprint.steps
        if step in blueprint.sequence.module or step.startswith("gate:")
    ]
    # MOD-002 before MOD-001, which it needs; the gate of phase 5 before that of phase 4.
    first, second = order.index("MOD-001"), order.index("MOD-002")
    order[first], order[second] = order[second], order[first]
    order.remove("gate:5")
    order.insert(order.index("gate:4"), "gate:5")
    write_in_order(empty, order)

    failed = empty.totara("sequence", "verify", "local", code=1)
    data = empty.totara("sequence", "verify", "local", "--format", "json", code=1).data

    assert "violated: MOD-002 was first written" in failed.out
    assert "before the marker of MOD-001, which it needs: Binds its intake" in failed.out
    phase = next(p for p in blueprint.sequence.phases if p.id == 5)
    late = f"the gate of phase 5 was written before the marker of {phase.modules[0]}"
    assert f"violated: {late}" in failed.out
    assert "order NOT proved" in failed.out
    assert late in data["violations"]
    assert data["proved"] < data["edges"]
    assert data["gates_proved"] < data["gates"] == 7
    others = [v for v in data["violations"] if "MOD-00" not in v and "gate of phase" not in v]
    assert others == []


def test_the_proof_fails_where_nothing_is_recorded(empty):
    failed = empty.totara("sequence", "verify", "local", code=1)

    assert "violated: no write of the marker of MOD-104 is recorded" in failed.out
    assert "0 of " in failed.out
