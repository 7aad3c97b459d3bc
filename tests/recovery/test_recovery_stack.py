"""The stack that stands in for another one: derived from its file, in the other region."""

from __future__ import annotations

import json

import pytest

from tests.command import totara
from tests.conftest import PROJECT
from totara_infra import load_catalogue, load_tenants, plan
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import (
    RoleHandling,
    command_words,
    known_stacks,
    primary_of,
    read_stack,
    recovery_of,
    require_stack,
)
from totara_infra.model.tenancy import Tenant
from totara_infra.resolver.tenant_rules import tenant_faults


def test_it_has_the_settings_of_the_first_in_the_other_region() -> None:
    first, other = read_stack(PROJECT, "prod"), read_stack(PROJECT, "prod-recovery")
    assert (other.region, other.disaster_recovery_region) == (
        first.disaster_recovery_region, first.region,
    )  # fmt: skip
    assert other.bucket_suffix == f"{first.bucket_suffix}-dr"
    assert other.roles is RoleHandling.EXISTING
    assert other.stack == "prod-recovery"
    differing = {"region", "disaster_recovery_region", "bucket_suffix", "roles", "stack"}
    assert other.model_dump(exclude=differing) == first.model_dump(exclude=differing)


def test_nothing_of_it_is_in_the_first_region_or_has_a_bucket_of_the_first() -> None:
    catalogue = load_catalogue().catalogue
    made = {}
    for name in ("prod", "prod-recovery"):
        settings = read_stack(PROJECT, name)
        made[name] = plan(catalogue, settings, load_tenants(PROJECT, settings.tenants)).resources
    # Where the databases are is not for the stack to say; the runbook has a step for it.
    texts = {
        name: json.dumps(resource.properties, default=str)
        for name, resource in made["prod-recovery"].items()
        if name != "neon/region"
    }
    assert any("ap-southeast-4" in text for text in texts.values())
    assert [name for name, text in texts.items() if "ap-southeast-2" in text] == []
    assert "iam/role:Role" not in {
        r.type.removeprefix("aws:") for r in made["prod-recovery"].values()
    }
    buckets = {
        name: {r.properties["bucket"] for r in resources.values() if r.shape == "Bucket"}
        for name, resources in made.items()
    }
    assert buckets["prod"]
    assert not buckets["prod"] & buckets["prod-recovery"]


def test_names_lead_from_one_to_the_other() -> None:
    for first in ("prod", "prod-rata", "prod-rehearsal"):
        assert primary_of(recovery_of(first)) == first
        assert primary_of(first) == first
    assert recovery_of("uat-rehearsal") == "uat-recovery-rehearsal"
    assert command_words("uat-recovery-rehearsal") == "uat-recovery --rehearse"
    require_stack(PROJECT, "uat-recovery")
    with pytest.raises(UsageError, match="mars-recovery"):
        require_stack(PROJECT, "mars-recovery")
    assert not [name for name in known_stacks(PROJECT) if name.endswith("-recovery")]


def test_commands_take_its_name() -> None:
    done = totara("plan", "prod-recovery", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["resources"] > 0


def test_no_isolated_client_may_be_called_like_one(catalogue) -> None:
    tenant = Tenant.model_validate(
        {
            "client_id": "mutual-recovery",
            "display_name": "Mutual",
            "status": "live",
            "institution_type": "mutual",
            "jurisdictions": ["NZ"],
            "isolated": True,
        }
    )
    reserved = [f for f in tenant_faults(catalogue, tenant) if f.rule == "client-id-reserved"]
    assert len(reserved) == 1
    assert "like a recovery stack" in reserved[0].what
