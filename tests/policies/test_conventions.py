"""Each convention by itself: broken by its fault, kept when that is mended, blind to nothing."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from tests.conftest import PROJECT
from tests.environments import blueprint_of
from tests.policies.faults import FAULTS, PARAMETER, SECRET, TAGS, Fault, document, parameter
from totara_infra.components.made import resource_class
from totara_infra.model.loading import read_catalogue
from totara_infra.model.stack import read_stack
from totara_infra.model.vocabulary import KEPT_TYPES, Environment
from totara_infra.policies.enforcement import CONVENTIONS, examined
from totara_infra.policies.examined import UNKNOWN, Context, Examined
from totara_infra.policies.provider import PROVIDER
from totara_infra.policies.secret_values import VALUE_TYPES
from totara_infra.policies.tags import takes_tags

SETTINGS = read_stack(PROJECT, "prod")
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"


def camel(word: str) -> str:
    first, *rest = word.split("_")
    return first + "".join(part.capitalize() for part in rest)


def as_inputs(value: Any) -> Any:
    """Properties in the SDK's spelling as the engine would send them in a first preview."""
    if value == TAGS:
        return SETTINGS.tags("MOD-104", "SD07")
    if isinstance(value, Mapping):
        if "$output" in value:
            return UNKNOWN_STRING_VALUE
        return {
            # The keys of tags are no arguments.
            camel(key): item if key == "tags" and item != TAGS else as_inputs(item)
            for key, item in value.items()
        }
    return [as_inputs(item) for item in value] if isinstance(value, list) else value


def handed_over(
    kind: str,
    properties: Mapping[str, Any],
    *,
    stack: str = "prod",
    protect: bool = True,
    name: str = "fault",
) -> Examined:
    """A resource as `pulumi_policy` hands it over."""
    return examined(
        SimpleNamespace(
            resource_type=kind,
            name=name,
            urn=f"urn:pulumi:{stack}::totara-infra::{kind}::{name}",
            props=unknown_checking_proxy(deserialize_properties(as_inputs(properties))),
            opts=SimpleNamespace(protect=protect),
            provider=SimpleNamespace(name="aws") if kind != PROVIDER else None,
        )
    )


def violations(resource: Examined) -> list[tuple[str, str]]:
    return [(c.name, text) for c in CONVENTIONS for text in c.check(resource)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_breaks_its_convention_alone_and_mended_none(fault: Fault):
    found = violations(handed_over(fault.type, fault.properties, protect=fault.protect))
    assert [policy for policy, _ in found] == [fault.policy]
    assert fault.says in found[0][1]

    protect = bool(fault.mended.get("protect", fault.protect))
    mended = {k: v for k, v in (fault.properties | fault.mended).items() if k != "protect"}
    assert violations(handed_over(fault.type, mended, protect=protect)) == []


@pytest.mark.parametrize("kind", VALUE_TYPES)
def test_a_type_that_is_nothing_but_a_value_is_refused(kind):
    found = violations(handed_over(kind, {"tags": TAGS} if takes_tags(kind) else {}))
    assert [policy for policy, _ in found] == ["no-secret-values"]


@pytest.mark.parametrize("kind", KEPT_TYPES)
@pytest.mark.parametrize("stack", ["uat", "prod", "dev", "local"])
def test_what_cannot_be_made_again_is_protected_in_uat_and_prod(kind, stack):
    resource = handed_over(kind, {}, stack=stack, protect=False)
    found = [text for policy, text in violations(resource) if policy == "protection"]
    assert bool(found) is (stack in ("uat", "prod"))


def test_a_pool_is_protected_against_cognito_itself():
    kind = "aws:cognito/userPool:UserPool"
    for given, broken in (("ACTIVE", False), ("INACTIVE", True)):
        resource = handed_over(kind, {"deletion_protection": given, "tags": TAGS})
        assert (violations(resource) != []) is broken


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, None),
        ({"allowedAccountIds": "[333333333333]"}, None),
        ({"region": "us-east-1"}, "Its region is not the stack's"),
        ({"allowedAccountIds": '["333333333333", "111111111111"]'}, "It allows 333333333333, 1111"),
        ({"allowedAccountIds": None}, "It allows every account"),
        ({"accessKey": "x", "secretKey": "y"}, "It carries credentials"),
    ],
)
def test_the_provider_is_the_stacks_own(changed, says):
    right = {"region": "ap-southeast-2", "allowedAccountIds": '["333333333333"]'}
    found = violations(handed_over(PROVIDER, right | changed, name="aws"))
    assert [policy for policy, _ in found] == (["provider"] if says else [])
    assert says is None or says in found[0][1]


def test_a_default_provider_and_another_region_are_refused():
    given = {"name": "/bank/prod/faults/x", "type": "String", "tags": TAGS}
    resource = handed_over(PARAMETER, given | {"region": "us-east-1"})
    assert [text for _, text in violations(resource)] == [
        "It goes to us-east-1, not to ap-southeast-2. Leave `region` out."
    ]
    vault = {"name": "x", "tags": TAGS, "kms_key_arn": None}
    for region, faults in (("ap-southeast-4", 1), ("us-east-1", 2)):
        key = f"arn:aws:kms:{region}:333333333333:key/1"
        kind = "aws:backup/vault:Vault"
        own = handed_over(kind, vault | {"kms_key_arn": key, "region": region})
        assert len(violations(own)) == faults - 1
        # A key of the first region can't be used in another one.
        home = "arn:aws:kms:ap-southeast-2:333333333333:key/1"
        assert len(violations(handed_over(kind, vault | {"kms_key_arn": home, "region": region})))
    default = Examined(
        PARAMETER, "x", "urn", resource.properties | {"region": None}, resource.context,
        provider="default_7_51_1",
    )  # fmt: skip
    assert "no explicit provider" in violations(default)[0][1]


@pytest.mark.parametrize(
    ("effect", "principal", "open_to_all"),
    [
        ("Allow", "*", True),
        ("Allow", {"AWS": "*"}, True),
        ("Allow", {"AWS": ["arn:aws:iam::333333333333:root", "*"]}, True),
        ("Deny", "*", False),
        ("Allow", {"AWS": "arn:aws:iam::333333333333:root"}, False),
        ("Allow", {"Service": "events.amazonaws.com"}, False),
    ],
)
def test_a_policy_that_allows_everybody_is_found_wherever_it_stands(effect, principal, open_to_all):
    queue = {"queue_url": "x", "policy": document(effect, principal)}
    kinds = [
        ("aws:sqs/queuePolicy:QueuePolicy", queue),
        (SECRET, {"name": "/bank/prod/core/x", "kms_key_id": {"$output": "arn", "of": ""},
                  "tags": TAGS, "policy": queue["policy"]}),
        ("aws:iam/role:Role", {"assume_role_policy": queue["policy"], "tags": TAGS}),
    ]  # fmt: skip
    for kind, properties in kinds:
        found = violations(handed_over(kind, properties))
        assert [policy for policy, _ in found] == ["public-access"] * open_to_all


def test_everybody_but_one_is_everybody():
    text = json.dumps({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "x"}}})
    found = violations(handed_over("aws:sqs/queuePolicy:QueuePolicy", {"policy": text}))
    assert [policy for policy, _ in found] == ["public-access"]


def test_a_function_for_everybody_and_a_public_acl_are_refused():
    for kind, properties in (
        ("aws:lambda/permission:Permission", {"principal": "*"}),
        ("aws:s3/bucketAcl:BucketAcl", {"acl": "public-read"}),
    ):
        found = violations(handed_over(kind, properties))
        assert [policy for policy, _ in found] == ["public-access"]


@pytest.mark.parametrize("key", SETTINGS.tags("MOD-104", "SD07"))
def test_each_tag_counts(key):
    tags = SETTINGS.tags("MOD-104", "SD07")
    wrong = handed_over(PARAMETER, parameter("/bank/prod/faults/x", tags=tags | {key: "other"}))
    missing = {k: v for k, v in tags.items() if k != key}
    lacking = handed_over(PARAMETER, parameter("/bank/prod/faults/x", tags=missing))
    assert f"{key} is other, " in violations(wrong)[0][1]
    assert f"{key} is missing, " in violations(lacking)[0][1]


def test_no_message_repeats_what_looks_like_a_credential():
    for value in ("postgresql://u:canary@h/d", "-----BEGIN canary", "AKIA0123456789CANARY"):
        given = parameter("/bank/prod/faults/x", insecure_value=value)
        text = str(violations(handed_over(PARAMETER, given)))
        assert "no-secret-values" in text
        assert "canary" not in text.lower()


def test_which_types_take_tags_is_read_right_from_the_sdk():
    planned = {r.type for e in Environment for r in blueprint_of(e).resources.values()}
    further = {"aws:s3/bucketAcl:BucketAcl", "aws:dynamodb/table:Table", "aws:iam/user:User"}
    assert len(planned) > 30
    for token in planned | further:
        arguments = inspect.signature(resource_class(token)._internal_init).parameters
        assert takes_tags(token) is ("tags" in arguments), token
    assert takes_tags("random:index/randomPassword:RandomPassword") is False


def test_the_source_of_every_type_of_the_sdk_is_found():
    origin = find_spec("pulumi_aws").origin
    registered = re.search(r'resource_modules="""(.*?)"""', Path(origin).read_text(), re.DOTALL)
    tokens = [token for module in json.loads(registered[1]) for token in module["classes"]]
    assert len(tokens) > 1500
    assert sum(takes_tags(token) for token in tokens) > 700


@pytest.mark.parametrize("environment", Environment)
def test_the_blueprint_of_every_environment_keeps_the_conventions(environment):
    context = Context(read_stack(PROJECT, environment.value), read_catalogue().catalogue)

    def inputs(value: Any) -> Any:
        match value:
            case Mapping():
                return {str(key): inputs(item) for key, item in value.items()}
            case list() | tuple():
                return [inputs(item) for item in value]
            case str() | int() | float() | bool() | None:
                return value
            case _:
                return UNKNOWN

    seen = 0
    for planned in blueprint_of(environment).resources.values():
        # Keys within tags and JSON texts are as they are; arguments are spelled by the engine.
        properties = {
            camel(k): v if k == "tags" else nested(inputs(v)) for k, v in planned.properties.items()
        }
        resource = Examined(
            planned.type, planned.name, "urn", properties, context, planned.protect, "aws"
        )
        assert violations(resource) == [], planned.name
        seen += 1
    assert seen > 700


def nested(value: Any) -> Any:
    match value:
        case dict():
            return {camel(key): nested(item) for key, item in value.items()}
        case list():
            return [nested(item) for item in value]
        case _:
            return value
