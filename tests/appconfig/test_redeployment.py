"""What modules read only when deployed does not change unnoticed under a live tenant."""

from __future__ import annotations

import pytest

from tests.appconfig.conftest import Copy

pytestmark = pytest.mark.engine
JURISDICTION = "deployment.jurisdiction"


def refused(copy: Copy, *arguments: str) -> str:
    code, output = copy.run(*arguments)
    assert code == 1, output
    assert "Refused" in output
    return output


def test_a_live_tenant_changes_only_when_forced(up: Copy) -> None:
    up.edit("stacks/acorn.yaml", jurisdictions=["NZ", "AU"])
    for command in ("preview", "up"):
        output = refused(up, command, "local", "--force-redeploy", "totara-bank")
        assert "acorn: jurisdiction NZ -> NZ+AU (deployment.jurisdiction); to be deployed" in output
        assert "149 modules" in output and "MOD-001" in output and "MOD-159" in output
        assert "--force-redeploy acorn" in output
    assert up.config(JURISDICTION, "--tenant", "acorn")["live"]["value"] == "NZ"
    output = up.up("--force-redeploy", "acorn")
    assert "149 modules" in output
    found = up.config(JURISDICTION, "--tenant", "acorn")
    assert found["live"]["value"] == "NZ+AU" and found["differs"] is False


def test_institution_type_names_its_readers_even_with_another_status(up: Copy) -> None:
    up.edit("stacks/acorn.yaml", institution_type="proprietary", status="planned")
    output = refused(up, "preview", "local")
    assert "acorn: institution_type mutual -> proprietary" in output
    assert "/bank/local/tenant-acorn/institution-type" in output
    assert "jurisdiction" not in output


def test_a_live_tenant_that_leaves_the_stack(up: Copy) -> None:
    up.edit("Pulumi.local.yaml", tenants=["totara-bank"])
    output = refused(up, "preview", "local")
    assert "acorn: client_id acorn -> gone from the stack" in output


def test_the_default_tenant_is_one_of_the_facts(up: Copy) -> None:
    up.edit("Pulumi.local.yaml", default_tenant="acorn")
    output = refused(up, "preview", "local")
    assert "totara-bank: client_id totara-bank -> acorn (defaults: deployment.client_id)" in output
    # The single-tenant names change hands, but nobody's institution type does.
    assert "institution_type" not in output


def test_status_is_hot_and_a_new_tenant_is_no_change(up: Copy) -> None:
    up.edit("stacks/acorn.yaml", status="suspended")
    up.edit("Pulumi.local.yaml", tenants=["totara-bank", "acorn", "banksia"])
    output = up.up()
    assert "to be deployed again" not in output
    assert up.config("deployment.status", "--tenant", "acorn")["live"]["value"] == "suspended"
    # Neither is live now: what must be deployed again is listed, and nothing is refused.
    up.edit("stacks/banksia.yaml", jurisdictions=["NZ", "AU"])
    up.edit("stacks/acorn.yaml", jurisdictions=["NZ", "AU"])
    code, output = up.run("preview", "local")
    assert code == 0, output
    assert "banksia: jurisdiction AU -> NZ+AU" in output
    assert "acorn: jurisdiction NZ -> NZ+AU" in output


def test_an_unknown_tenant_can_not_be_forced(up: Copy) -> None:
    code, output = up.run("preview", "local", "--force-redeploy", "nobody")
    assert code == 2
    assert "nobody" in output and "acorn" in output
