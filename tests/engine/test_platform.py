"""All modules through the real engine: up, again, one change, destroyed, killed in the middle.

The tests share one environment and run in this order; each leaves it as it found it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time

import pytest

from tests.engine.checkout import Change, Checkout
from tests.engine.inventory import changes_since, counted, inventory, touched, wanted
from tests.engine.killing import kill_in_the_middle
from totara_infra.operations.trail import writes

pytestmark = pytest.mark.engine

SD01 = "totara_infra/catalogue/domains/sd01.yaml"
WINDOW = "posting-engine/idempotency-window"


@pytest.fixture(scope="module")
def first_up(new_checkout):
    checkout = new_checkout()
    return checkout, checkout.totara("up", "local", TOTARA_POLICIES="1")


@pytest.fixture(scope="module")
def platform(first_up) -> Checkout:
    """A copy of the project whose whole platform is up."""
    return first_up[0]


def test_one_command_brings_every_module_up(first_up):
    platform, outcome = first_up
    blueprint = platform.blueprint()
    total = len(blueprint.resources)

    assert re.match(
        rf"local: 149 modules in 7 phases, {total} resources there in \d+\.\d s\.", outcome.out
    )
    assert f"Operations: {total} create." in outcome.out
    kinds = re.findall(r"^ +(\d+)  (\w+ \w+)$", outcome.out, re.MULTILINE)
    assert sum(int(count) for count, _ in kinds) == total
    assert len(kinds) == len({resource.type for resource in blueprint.resources.values()})
    assert f"AWS endpoint: http://127.0.0.1:{platform.port}" in outcome.out
    assert "Try next:" in outcome.out
    for phase in blueprint.sequence.phases:
        line = rf"phase {phase.id} {phase.title}: {len(phase.modules)} modules, \d+ resources, gate"
        assert re.search(line, outcome.err)
    assert counted(inventory(platform.live())) == wanted(blueprint)


def test_cloudtrail_proves_every_hard_edge(platform):
    sequence = platform.totara("sequence", "local", "--format", "json").data
    modules = [m for phase in sequence["phases"] for wave in phase["waves"] for m in wave]
    hard = sum(edge["required"] for m in sequence["modules"] for edge in m["depends_on"])

    proof = platform.totara("sequence", "verify", "local", "--format", "json").data

    assert len(modules) == len(set(modules)) == 149
    assert hard > 400
    assert proof == {
        "environment": "local",
        "edges": hard,
        "proved": hard,
        "gates": 7,
        "gates_proved": 7,
        "violations": [],
    }


def test_the_second_up_changes_nothing_and_says_so(platform):
    before = time.time()

    outcome = platform.totara("up", "local")

    assert "Nothing changed: everything was as the catalogue says." in outcome.out
    assert changes_since(before, platform.live()) == []
    # Where other work keeps the processors busy, the clock measures that work.
    quiet = os.getloadavg()[0] <= (os.cpu_count() or 1)
    assert (outcome.seconds if quiet else outcome.processor_seconds) < 30


def test_the_engine_itself_sees_no_change_and_lists_every_resource(platform):
    platform.pulumi("preview", "-s", "local", "--expect-no-changes")

    listed = platform.pulumi("stack", "-s", "local").out

    names = {line.split()[-1] for line in listed.splitlines() if line.strip()}
    assert set(platform.blueprint().resources) - names == set()


def test_a_changed_declaration_changes_it_its_marker_and_its_gate_only(platform):
    before, old = time.time(), "default: 24\n        default_provenance: published\n"
    text = f"idempotency-window\n        type: integer\n        unit: hours\n        {old}"
    platform.edit(SD01, text, text.replace("24", "36"))
    try:
        changes = platform.changes("up", "-s", "local", "--yes", "--skip-preview")

        assert changes == {
            Change("update", WINDOW, ("insecureValue",)),
            Change("update", "deployment/mod-001", ("insecureValue",)),
            Change("update", "deployment/phase-3", ("insecureValue",)),
        }
        written = list(writes(platform.live(), since=before))
        in_order = sorted(written, key=lambda write: write.time)
        # The gate opens sessions of AppConfig's data plane, which count as writes.
        assert {w.action for w in in_order if not any(t.startswith("/bank/") for t in w.texts)} <= {
            "POST.appconfig"
        }
        assert [
            (w.action, text) for w in in_order for text in w.texts if text.startswith("/bank/")
        ] == [
            ("PutParameter", f"/bank/local/{WINDOW}"),
            ("PutParameter", "/bank/local/deployment/mod-001"),
            ("PutParameter", "/bank/local/deployment/phase-3"),
        ]
        value = platform.live().client("ssm").get_parameter(Name=f"/bank/local/{WINDOW}")
        assert value["Parameter"]["Value"] == "36"
    finally:
        platform.edit(SD01, text.replace("24", "36"), text)


def test_destroy_takes_everything_away_in_reverse_order(platform):
    blueprint, live, before = platform.blueprint(), platform.live(), time.time()

    platform.pulumi("destroy", "-s", "local", "--yes", "--skip-preview")

    assert counted(inventory(live)) == dict.fromkeys(wanted(blueprint), 0)
    state = platform.pulumi("stack", "export", "-s", "local").data
    assert state["deployment"].get("resources", []) == []
    record = list(writes(live, since=before))
    deleted = {
        text: write.time
        for write in record
        if write.action in ("DeleteParameter", "DeleteParameters")
        for text in write.texts
    }
    marker = {m: blueprint.marker(m).properties["name"] for m in blueprint.sequence.module}
    wrong = [
        (module.id, edge.depends_on)
        for module in blueprint.sequence.modules
        for edge in module.depends_on
        if edge.required and not deleted[marker[module.id]] < deleted[marker[edge.depends_on]]
    ]
    assert wrong == []
    gates = [deleted[blueprint.gate(p.id).properties["name"]] for p in blueprint.sequence.phases]
    assert gates == sorted(gates, reverse=True)
    assert all(name in touched(record) for name in marker.values())


def test_a_killed_engine_is_noticed_and_nothing_is_doubled(platform):
    platform.totara("down", "local")
    command = subprocess.Popen(
        platform.command("totara", "up", "local"),
        cwd=platform.root,
        env=platform.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    kill_in_the_middle(platform, command)
    out, err = command.communicate(timeout=60)
    platform.assert_no_noise(out + err)
    assert command.returncode == 1, out + err
    assert "stopped after" in out
    left = json.loads(platform.emulator_record().read_text())

    outcome = platform.totara("up", "local")

    assert "was interrupted" in outcome.err
    assert "start afresh" in outcome.err
    assert "149 modules in 7 phases" in outcome.out
    assert json.loads(platform.emulator_record().read_text())["pid"] != left["pid"]
    things = inventory(platform.live())
    assert counted(things) == wanted(platform.blueprint())
    for kind in ("Application", "UserPool", "Queue", "Topic"):
        assert len(set(things[kind])) == len(things[kind])
    platform.totara("sequence", "verify", "local")

    platform.totara("down", "local")
    platform.wait_for_no_process()
