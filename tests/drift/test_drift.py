"""Drift on a real environment: every change of every kind is found, and nothing else.

The tests of this file run in its order: what is deleted at the end comes back by the documented
way, a refresh and an update.
"""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from tests.drift.additions import ADDITIONS
from tests.drift.changes import CHANGES
from tests.drift.cloud import Cloud
from tests.drift.deletions import DELETIONS
from tests.environments import blueprint_of
from totara_infra.blueprint import Reference
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.drift import Kind
from totara_infra.operations.drift.table import READERS

engine = pytest.mark.engine

UNCHANGEABLE = {
    "aws:backup/plan:Plan": {"name"},
    "aws:backup/selection:Selection": {"name", "plan_id", "iam_role_arn", "selection_tags"},
    "aws:backup/vault:Vault": {"name", "kms_key_arn"},
    "aws:appconfig/application:Application": {"name"},
    "aws:appconfig/configurationProfile:ConfigurationProfile": {
        "application_id", "location_uri", "name", "type",
    },
    "aws:appconfig/deployment:Deployment": {
        "application_id", "configuration_profile_id", "configuration_version",
        "deployment_strategy_id", "environment_id",
    },
    "aws:appconfig/deploymentStrategy:DeploymentStrategy": {"name", "replicate_to"},
    "aws:appconfig/environment:Environment": {"application_id"},
    "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion": {
        "application_id", "configuration_profile_id", "content", "content_type",
    },
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": {"alarm_name"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name"},
    "aws:cloudwatch/eventArchive:EventArchive": {"name", "event_source_arn"},
    "aws:cloudwatch/eventBus:EventBus": {"name"},
    # The emulator stores a statement of its own whatever policy it is given.
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": {"event_bus_name", "policy"},
    "aws:cloudwatch/logGroup:LogGroup": {"name"},
    "aws:cognito/resourceServer:ResourceServer": {"identifier", "user_pool_id"},
    "aws:cognito/userGroup:UserGroup": {"name", "user_pool_id"},
    "aws:cognito/userPool:UserPool": {
        "name", "schemas", "username_attributes", "username_configuration",
    },
    "aws:cognito/userPoolClient:UserPoolClient": {"user_pool_id", "generate_secret", "name"},
    "aws:iam/policy:Policy": {"name", "description"},
    "aws:iam/rolePolicy:RolePolicy": {"name", "role"},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {"policy_arn", "role"},
    "aws:kms/alias:Alias": {"name"},
    "aws:kms/key:Key": {"multi_region"},
    "aws:lambda/function:Function": {"architectures", "name"},
    "aws:lambda/permission:Permission": {"function", "statement_id"},
    "aws:sns/topic:Topic": {"name"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic", "protocol", "endpoint"},
    "aws:sqs/queuePolicy:QueuePolicy": {"queue_url"},
    "aws:s3/bucket:Bucket": {"bucket", "object_lock_enabled"},
    "aws:secretsmanager/secret:Secret": {"name"},
    "aws:ssm/parameter:Parameter": {"name"},
}  # fmt: skip
"""Properties that no call changes: what identifies a thing, and what is fixed when it is made.
AppConfig's versions and deployments never change; newer ones are among the additions."""

NEVER_DELETED = {
    "BucketServerSideEncryptionConfiguration",  # S3 falls back to a key of its own: a change.
    "BucketVersioning",  # Once on, it can only be suspended: a change.
    "Deployment",  # Stays for ever.
    "DeploymentStrategy",  # The roll-outs of what else is deleted here need it.
    "Environment",  # Goes with its application.
    "Key",  # Only scheduled for deletion: a change of its state.
}


@pytest.mark.parametrize("name", list(Environment))
def test_every_type_and_property_of_every_environment_can_be_read(name) -> None:
    left = {
        (resource.type, prop)
        for resource in blueprint_of(name).resources.values()
        for prop in resource.properties
        if resource.type not in READERS
        or prop not in READERS[resource.type].reads | set(READERS[resource.type].unreadable)
    }
    assert not left


def test_every_property_that_can_change_has_a_change() -> None:
    covered: dict[str, set[str]] = {}
    for case in CHANGES:
        covered.setdefault(case.shape, {case.property}).update(
            {case.property, case.path.split(".")[0], *(p.split(".")[0] for p in case.also)}
        )
    left = {
        (resource.type, prop)
        for resource in blueprint_of(Environment.LOCAL).resources.values()
        for prop in resource.properties
        if prop not in READERS[resource.type].unreadable
        and not (prop == "bucket" and resource.type.startswith("aws:s3/"))
        and prop not in UNCHANGEABLE.get(resource.type, set())
        and prop not in covered.get(resource.shape, set())
    }
    assert not left


def test_every_type_has_a_deletion() -> None:
    types = {r.shape for r in blueprint_of(Environment.LOCAL).resources.values()}
    assert types - set(DELETIONS) == NEVER_DELETED


def seen(report) -> set[tuple[str, str, str]]:
    return {
        (drift.kind.value, drift.resource or f"{drift.type.rsplit(':', 1)[-1]} {drift.key}", path)
        for drift in report.drifts
        for path in ([d.path for d in drift.differences] or [""])
    }


@engine
def test_a_fresh_environment_has_none(environment) -> None:
    report = environment.drift()
    assert seen(report) == set()
    assert report.not_read == []
    assert report.resources == len(environment.blueprint.resources)


def _token(blueprint, shape):
    return next(r.type for r in blueprint.resources.values() if r.shape == shape)


@pytest.fixture(scope="module")
def changed(environment):
    """All changes at once, looked at once, and taken back."""
    cloud = Cloud(environment.blueprint)
    with ExitStack() as stack:
        expected = {}
        for case in CHANGES:
            token = _token(environment.blueprint, case.shape)
            resource = cloud.of(token, case.index, case.property)
            expected[case.shape, case.path] = {
                ("changed", resource.name, path) for path in (case.path, *case.also)
            }
            stack.enter_context(case.act(cloud, resource))
        report = environment.drift(authors=True)
        command = environment.run("drift", "local", "--format", "json")
        summary = environment.folder / "summary.md"
        written = environment.run("drift", "local", "--summary", str(summary))
    return expected, report, command, (written, summary)


@engine
@pytest.mark.parametrize("case", CHANGES, ids=lambda c: f"{c.shape}-{c.path}")
def test_a_change_is_found(changed, case) -> None:
    expected, report, *_ = changed
    assert expected[case.shape, case.path] <= seen(report)


@engine
def test_nothing_else_is_found(changed) -> None:
    expected, report, *_ = changed
    assert seen(report) == set().union(*expected.values())


@engine
def test_who_wrote_last_is_named(changed) -> None:
    _, report, *_ = changed
    parameter = next(d for d in report.drifts for p in d.differences if p.path == "insecure_value")
    assert parameter.last_write is not None
    assert parameter.last_write.action == "PutParameter"
    named = [d for d in report.drifts if d.last_write is not None]
    assert len(named) > len(report.drifts) / 2


@engine
def test_the_command_says_the_same_and_ends_with_one(changed) -> None:
    expected, _, command, (written, summary) = changed
    assert (command.returncode, written.returncode) == (1, 1), command.stderr
    data = json.loads(command.stdout)
    found = {(d["kind"], d["resource"], p["path"]) for d in data["drifts"] for p in d["properties"]}
    assert found == set().union(*expected.values())
    text = summary.read_text()
    assert all(name in text for _, name, _ in found)
    assert "pulumi refresh -s local" in text


@engine
def test_all_is_well_again_once_the_changes_are_taken_back(changed, environment) -> None:
    command = environment.run("drift", "local")
    assert command.returncode == 0, command.stdout
    assert "no drift" in command.stdout


@engine
@pytest.mark.parametrize("name", list(ADDITIONS))
def test_an_addition_is_found_and_nothing_else(environment, name) -> None:
    cloud = Cloud(environment.blueprint)
    with ADDITIONS[name](cloud) as expected:
        assert seen(environment.drift()) == expected
    assert seen(environment.drift()) == set()


def _belongs_to(blueprint, name: str) -> set[str]:
    """A resource with all that goes with it, as their keys say."""
    found = {name}
    for resource in blueprint.resources.values():
        for prop in READERS[resource.type].key:
            value = resource.properties[prop]
            if isinstance(value, Reference) and value.resource == name:
                found |= _belongs_to(blueprint, resource.name)
    return found


@engine
def test_deletions_are_found_and_come_back_by_the_documented_way(environment) -> None:
    cloud, blueprint = Cloud(environment.blueprint), environment.blueprint
    expected: set[str] = set()
    for shape, (index, delete) in DELETIONS.items():
        resource = cloud.of(_token(blueprint, shape), index)
        delete(cloud, resource)
        expected |= _belongs_to(blueprint, resource.name)
    report = environment.drift()
    missing = {d.resource for d in report.drifts if d.kind is Kind.MISSING}
    assert missing == expected
    assert {d.kind for d in report.drifts} == {Kind.MISSING}
    refreshed = environment.pulumi("refresh", "-s", "local", "--yes", "--non-interactive")
    assert refreshed.returncode == 0, refreshed.stdout + refreshed.stderr
    up = environment.run("up", "local")
    assert up.returncode == 0, up.stdout + up.stderr
    assert seen(environment.drift()) == set()
