"""The catalogue of stores against what else says something of the same things."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from tests.conftest import PROJECT
from tests.environments import blueprint_of
from totara_infra.blueprint.buckets import lifecycle_rules
from totara_infra.model.declarations import Bucket
from totara_infra.model.rules.stores import allowed_minutes, to_cover
from totara_infra.model.stores import Loss
from totara_infra.model.vocabulary import Environment
from totara_infra.recovery.scenarios import read_scenarios


def buckets(catalogue) -> list[Bucket]:
    found = [r for m in catalogue.modules.values() for r in m.resources if isinstance(r, Bucket)]
    assert found
    return found


def test_every_kind_of_store_is_in_it(catalogue) -> None:
    kinds = {name.partition(":")[0] for name in to_cover(catalogue)}
    assert kinds == {
        "database", "bucket", "table", "event_bus", "log_group", "key", "schema_registry",
        "glue_database", "snowflake", "user_pool", "parameters", "secrets", "configuration",
        "state",
    }  # fmt: skip
    covered = [name for store in catalogue.stores.stores for name in store.covers]
    assert sorted(covered) == sorted(to_cover(catalogue))
    assert sum(name.startswith("database:") for name in covered) == 8
    assert sum(name.startswith("table:") for name in covered) == 4


def test_what_may_be_lost_is_what_the_runbook_says(catalogue) -> None:
    """Two files say whose target is the strictest: the sequence's first steps, and the runbook."""
    own = {m: t.target for t in read_scenarios(catalogue).module_tiers for m in t.modules}
    for store in catalogue.stores.stores:
        owner = catalogue.modules[store.owner]
        minutes, _ = allowed_minutes(catalogue, store, owner)
        target = (
            catalogue.domain[store.serves].recovery
            if store.serves
            else own.get(owner.id, catalogue.domain_of[owner.id].recovery)
        )
        assert minutes == target.recovery_point_hours * 60, store.id


def test_what_customers_money_hangs_on_loses_an_hour_at_most(catalogue) -> None:
    for store in catalogue.stores.stores:
        if store.serves in ("SD01", "SD02", "SD04"):
            for loss in (Loss.MISTAKE, Loss.STORE):
                assert catalogue.stores.recovery_point(store, loss) <= 60


@pytest.mark.parametrize("environment", list(Environment))
def test_nothing_that_nobody_may_delete_ever_ends(catalogue, environment) -> None:
    """A lifecycle deletes whatever the policy of its bucket says."""
    for bucket in buckets(catalogue):
        rules = lifecycle_rules(environment, bucket)
        ends = [r for r in rules if "noncurrent_version_expiration" in r]
        assert ends
        for rule in ends:
            prefix = rule["filter"]["prefix"]
            for kept in bucket.immutable_prefixes:
                assert not kept.startswith(prefix) or not prefix, (bucket.name, rule)
                assert prefix, f"{bucket.name}: a rule for the whole bucket ends {kept} too"
        days = {r["noncurrent_version_expiration"]["noncurrent_days"] for r in ends}
        assert len(days) == 1
        if bucket.object_lock_years:
            assert days.pop() >= bucket.object_lock_years * 365
        assert not any("expiration" in r for r in rules)


def test_versions_end_sooner_below_prod(catalogue) -> None:
    def days(environment: Environment) -> dict[str, int]:
        return {
            r.name: rule["noncurrent_version_expiration"]["noncurrent_days"]
            for r in buckets(catalogue)
            for rule in lifecycle_rules(environment, r)
            if "noncurrent_version_expiration" in rule
        }

    prod, dev = days(Environment.PROD), days(Environment.DEV)
    locked = {b.name for b in buckets(catalogue) if b.object_lock_years}
    assert {name for name in prod if dev[name] >= prod[name]} == locked


@pytest.mark.parametrize("environment", list(Environment))
def test_what_a_plan_backs_up_carries_its_tag(catalogue, environment) -> None:
    blueprint = blueprint_of(environment)
    plans = catalogue.stores.plan_of
    tagged = {
        r.properties["bucket"]: r.properties["tags"].get("backup")
        for r in blueprint.resources.values()
        if r.shape == "Bucket"
    }
    wanted = {
        blueprint.scope.fill(name.removeprefix("bucket:")): plan
        for name, plan in plans.items()
        if name.startswith("bucket:")
    }
    assert tagged == wanted
    ids = {p.id for p in catalogue.stores.plans}
    assert set(tagged.values()) == ids
    # Nothing else carries it: a tag by mistake costs storage for years.
    others = [r for r in blueprint.resources.values() if r.shape != "Bucket"]
    assert not [r.name for r in others if "backup" in r.properties.get("tags", {})]


def test_exports_are_scheduled_where_and_as_often_as_the_catalogue_says(catalogue) -> None:
    exports = catalogue.stores.exports
    text = (PROJECT / ".github" / "workflows" / "backup.yaml").read_text(encoding="utf-8")
    # `on` is a truth value to YAML 1.1.
    workflow = {str(key): value for key, value in yaml.safe_load(text).items()}
    (schedule,) = workflow["True"]["schedule"]
    assert re.fullmatch(r"\d+ \* \* \* \*", schedule["cron"]), "every hour"
    assert exports.interval_hours == 1
    job = workflow["jobs"]["export"]
    # Every stack but those of one machine, as `totara fleet list` gives them.
    assert job["strategy"]["matrix"] == "${{ fromJSON(needs.stacks.outputs.matrix) }}"
    assert set(exports.environments) == set(Environment) - {Environment.LOCAL}
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert any("backup run" in s for s in steps)
    assert any(f"--max-age {exports.interval_hours}" in s for s in steps)


def test_every_selection_names_a_tag_that_something_carries() -> None:
    blueprint = blueprint_of(Environment.PROD)
    carried = {r.properties["tags"].get("backup") for r in blueprint.resources.values()
               if r.shape == "Bucket"}  # fmt: skip
    for resource in blueprint.resources.values():
        if resource.shape == "Selection":
            (tag,) = resource.properties["selection_tags"]
            assert (tag["key"], tag["value"] in carried) == ("backup", True), json.dumps(tag)
