"""`totara config check` on a real environment: each kind of fault is named, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.drift.cloud import Cloud
from totara_infra.blueprint.app_config import deployment_parameter
from totara_infra.model.vocabulary import ValueType
from totara_infra.operations.manifest_check import Fault, check_configuration, text_misfit

pytestmark = pytest.mark.engine


def failures(environment) -> set[tuple[str, str]]:
    found = check_configuration(environment.live, environment.blueprint, "local")
    return {(f.fault.value, f.key) for f in found if f.fails}


@pytest.fixture
def cloud(environment) -> Cloud:
    return Cloud(environment.blueprint)


def test_a_fresh_environment_passes_and_names_what_deployments_write(environment) -> None:
    command = environment.run("config", "check", "local", "--format", "json")
    assert command.returncode == 0, command.stdout + command.stderr
    data = json.loads(command.stdout)
    assert data["failures"] == 0
    waiting = {f["key"]: f for f in data["findings"]}
    assert {f["fault"] for f in waiting.values()} == {"not deployed yet"}
    catalogue = environment.blueprint.scope.catalogue
    declared = {
        environment.blueprint.scope.fill(p.path): m
        for m in environment.blueprint.sequence.module
        for p in catalogue.modules[m].parameters
        if p.source.value == "deployment" and "{client_id}" not in p.path
    }
    assert declared.items() <= {k: f["module"] for k, f in waiting.items()}.items()


@pytest.fixture
def parameter(environment, cloud):
    """A parameter, put back afterwards as it was."""
    resource = next(
        r
        for r in environment.blueprint.resources.values()
        if r.kind == "parameters" and str(r.properties["insecure_value"]).isdigit()
    )
    yield resource
    tags = [{"Key": k, "Value": v} for k, v in resource.properties["tags"].items()]
    name = resource.properties["name"]
    cloud.ssm.delete_parameters(Names=[name])
    cloud.ssm.put_parameter(
        Name=name, Value=resource.properties["insecure_value"], Type="String", Tags=tags,
        Description=resource.properties["description"],
    )  # fmt: skip
    assert failures(environment) == set()


def test_missing(environment, cloud, parameter) -> None:
    path = parameter.properties["name"]
    cloud.ssm.delete_parameter(Name=path)
    assert failures(environment) == {("missing", path)}


def test_different_and_the_command_ends_with_one(environment, cloud, parameter) -> None:
    path = parameter.properties["name"]
    cloud.ssm.put_parameter(Name=path, Value="987654", Overwrite=True)
    assert ("different", path) in failures(environment)
    command = environment.run("config", "check", "local")
    assert command.returncode == 1
    assert path in command.stdout
    assert "987654" in command.stdout


def test_a_value_of_the_wrong_type(environment, cloud, parameter) -> None:
    path = parameter.properties["name"]
    cloud.ssm.put_parameter(Name=path, Value="many", Overwrite=True)
    assert ("wrong type", path) in failures(environment)


def test_a_parameter_of_the_wrong_type(environment, cloud, parameter) -> None:
    path, value = parameter.properties["name"], parameter.properties["insecure_value"]
    cloud.ssm.put_parameter(Name=path, Value=value, Type="StringList", Overwrite=True)
    assert ("wrong type", path) in failures(environment)


def test_wrong_tags(environment, cloud, parameter) -> None:
    path = parameter.properties["name"]
    cloud.ssm.add_tags_to_resource(
        ResourceType="Parameter", ResourceId=path, Tags=[{"Key": "env", "Value": "prod"}]
    )
    assert failures(environment) == {("wrong tags", path)}


def test_unexpected(environment, cloud) -> None:
    path = "/bank/local/payment-router/nobody-declares-it"
    cloud.ssm.put_parameter(Name=path, Value="x", Type="String")
    try:
        assert failures(environment) == {("unexpected", path)}
    finally:
        cloud.ssm.delete_parameter(Name=path)


def test_what_a_deployment_writes_is_no_surprise_but_must_fit(environment, cloud) -> None:
    found = check_configuration(environment.live, environment.blueprint, "local")
    kinds = {
        environment.blueprint.scope.fill(p.path): p.type
        for m in environment.blueprint.scope.catalogue.modules.values()
        for p in m.parameters
    }
    path = next(f.key for f in found if f.fault is Fault.NOT_YET and kinds[f.key] is ValueType.ARN)
    cloud.ssm.put_parameter(Name=path, Value="no ARN", Type="String")
    try:
        assert failures(environment) == {("wrong type", path)}
        arn = "arn:aws:lambda:ap-southeast-2:000000000000:function:x"
        cloud.ssm.put_parameter(Name=path, Value=arn, Overwrite=True)
        now = check_configuration(environment.live, environment.blueprint, "local")
        assert path not in {f.key for f in now}
    finally:
        cloud.ssm.delete_parameter(Name=path)


def test_each_key_of_a_configuration_that_was_rolled_out_past_the_program(
    environment, cloud
) -> None:
    version = next(
        r
        for r in environment.blueprint.resources.values()
        if r.shape == "HostedConfigurationVersion"
        and any(
            isinstance(v, int) and not isinstance(v, bool)
            for v in json.loads(r.properties["content"])["defaults"].values()
        )
    )
    ids = cloud.in_application(version)
    place = {k: ids[k] for k in ("ApplicationId", "ConfigurationProfileId")}
    content = json.loads(version.properties["content"])
    keys = sorted(
        k for k, v in content["defaults"].items() if isinstance(v, int) and not isinstance(v, bool)
    )
    assert len(keys) > 2
    content["defaults"][keys[0]] += 1
    content["defaults"][keys[1]] = "many"
    del content["defaults"][keys[2]]
    content["tenants"]["acorn"]["nobody.declares-it"] = True
    original = cloud.appconfig.list_hosted_configuration_versions(**place)["Items"][0]
    made = cloud.appconfig.create_hosted_configuration_version(
        **place, Content=json.dumps(content).encode(), ContentType="application/json"
    )["VersionNumber"]
    deployment = next(
        r
        for r in environment.blueprint.resources.values()
        if r.shape == "Deployment"
        and r.properties["configuration_profile_id"]
        == version.properties["configuration_profile_id"]
    )

    def roll_out(number: int) -> None:
        cloud.appconfig.start_deployment(
            **ids, DeploymentStrategyId=cloud.strategy, ConfigurationVersion=str(number)
        )
        tags = deployment.properties["tags"]
        cloud.appconfig.tag_resource(ResourceArn=cloud.arn(deployment), Tags=tags)

    roll_out(made)
    try:
        application = cloud.name(cloud.target(version, "application_id"))
        profile = cloud.name(cloud.target(version, "configuration_profile_id"))
        found = failures(environment)
        here = f"{application}/{profile} "
        assert {(f, k.removeprefix(here)) for f, k in found if k.startswith(here)} == {
            ("different", keys[0]),
            ("wrong type", keys[1]),
            ("missing", keys[2]),
            ("unexpected", "nobody.declares-it[acorn]"),
        }
        marker = deployment_parameter("local", application, profile)
        assert marker not in {k for _, k in found}
    finally:
        cloud.appconfig.delete_hosted_configuration_version(**place, VersionNumber=made)
        roll_out(original["VersionNumber"])
    assert failures(environment) == set()


@pytest.mark.parametrize(
    ("kind", "text", "fits"),
    [
        (ValueType.INTEGER, "5", True),
        (ValueType.INTEGER, "5.5", False),
        (ValueType.NUMBER, "5.5", True),
        (ValueType.BOOLEAN, "true", True),
        (ValueType.BOOLEAN, "True", False),
        (ValueType.STRING_LIST, "a,b", True),
        (ValueType.SCHEDULE, "rate(5 minutes)", True),
        (ValueType.SCHEDULE, "daily", False),
        (ValueType.URL, "", False),
    ],
)
def test_texts_are_held_against_their_type(kind, text, fits) -> None:
    assert (text_misfit(kind, text) is None) is fits
