"""CloudFormation's resource schemas, as cfn-lint carries them, beside the blueprint's properties.

Most properties have the schema's name in another spelling (`kms_key_id`, `KmsKeyId`). The tables
say the others: as a path in the schema, or as the reason why the schema has no such property.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import regex
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from jsonschema import Draft7Validator, ValidationError
from jsonschema.validators import create

from totara_infra.blueprint.resource import Archive, Joined, Reference
from totara_infra.operations.limits.shapes import KEY, Path

REGION = "ap-southeast-2"
PROVIDER_ONLY = "a setting of the provider; AWS never sees it"
ADDRESS = "a part of the address of the call"
SEPARATE = "a call of its own, which no property of the schema stands for"
TEXT = "a mapping here and a list of texts in the schema"


@dataclass(frozen=True)
class Described:
    """The schema of one resource type.

    Attributes:
        name: CloudFormation's name of the type.
        paths: property, dotted at any depth -> path from the schema's root, where more than the
            spelling differs; a reason, which has spaces in it, where the schema has none.
    """

    name: str
    paths: Mapping[str, str] = field(default_factory=dict)


SCHEMAS: Mapping[str, Described] = {
    "aws:appconfig/application:Application": Described("AWS::AppConfig::Application"),
    "aws:appconfig/configurationProfile:ConfigurationProfile": Described(
        "AWS::AppConfig::ConfigurationProfile"
    ),
    "aws:appconfig/deployment:Deployment": Described("AWS::AppConfig::Deployment"),
    "aws:appconfig/deploymentStrategy:DeploymentStrategy": Described(
        "AWS::AppConfig::DeploymentStrategy"
    ),
    "aws:appconfig/environment:Environment": Described("AWS::AppConfig::Environment"),
    "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion": Described(
        "AWS::AppConfig::HostedConfigurationVersion"
    ),
    "aws:backup/plan:Plan": Described(
        "AWS::Backup::BackupPlan",
        {
            "name": "BackupPlan.BackupPlanName",
            "tags": "BackupPlanTags",
            "rules": "BackupPlan.BackupPlanRule",
            "rules.target_vault_name": "BackupPlan.BackupPlanRule.TargetBackupVault",
            "rules.schedule": "BackupPlan.BackupPlanRule.ScheduleExpression",
            "rules.start_window": "BackupPlan.BackupPlanRule.StartWindowMinutes",
            "rules.completion_window": "BackupPlan.BackupPlanRule.CompletionWindowMinutes",
            "rules.lifecycle.delete_after": "BackupPlan.BackupPlanRule.Lifecycle.DeleteAfterDays",
            "rules.lifecycle.cold_storage_after": (
                "BackupPlan.BackupPlanRule.Lifecycle.MoveToColdStorageAfterDays"
            ),
            "rules.copy_actions.destination_vault_arn": (
                "BackupPlan.BackupPlanRule.CopyActions.DestinationBackupVaultArn"
            ),
            "rules.copy_actions.lifecycle.delete_after": (
                "BackupPlan.BackupPlanRule.CopyActions.Lifecycle.DeleteAfterDays"
            ),
        },
    ),
    "aws:backup/selection:Selection": Described(
        "AWS::Backup::BackupSelection",
        {
            "plan_id": "BackupPlanId",
            "iam_role_arn": "BackupSelection.IamRoleArn",
            "name": "BackupSelection.SelectionName",
            "selection_tags": "BackupSelection.ListOfTags",
            "selection_tags.type": "BackupSelection.ListOfTags.ConditionType",
            "selection_tags.key": "BackupSelection.ListOfTags.ConditionKey",
            "selection_tags.value": "BackupSelection.ListOfTags.ConditionValue",
        },
    ),
    "aws:backup/vault:Vault": Described(
        "AWS::Backup::BackupVault",
        {
            "name": "BackupVaultName",
            "tags": "BackupVaultTags",
            "force_destroy": PROVIDER_ONLY,
            "region": ADDRESS,
        },
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Described(
        "AWS::Backup::BackupVault",
        {
            "region": ADDRESS,
            **{
                name: f"LockConfiguration.{name.replace('_', '')}"
                for name in ("changeable_for_days", "max_retention_days", "min_retention_days")
            },
        },
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Described("AWS::CloudWatch::CompositeAlarm"),
    "aws:cloudwatch/eventArchive:EventArchive": Described(
        "AWS::Events::Archive", {"name": "ArchiveName"}
    ),
    "aws:cloudwatch/eventBus:EventBus": Described("AWS::Events::EventBus"),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": Described(
        "AWS::Events::EventBusPolicy", {"policy": "Statement"}
    ),
    "aws:cloudwatch/logGroup:LogGroup": Described("AWS::Logs::LogGroup", {"name": "LogGroupName"}),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Described(
        "AWS::CloudWatch::Alarm", {"name": "AlarmName"}
    ),
    "aws:cognito/resourceServer:ResourceServer": Described("AWS::Cognito::UserPoolResourceServer"),
    "aws:cognito/userGroup:UserGroup": Described(
        "AWS::Cognito::UserPoolGroup", {"name": "GroupName"}
    ),
    "aws:cognito/userPool:UserPool": Described(
        "AWS::Cognito::UserPool",
        {
            "name": "UserPoolName",
            "schemas": "Schema",
            "tags": "UserPoolTags",
            "password_policy": "Policies.PasswordPolicy",
            "software_token_mfa_configuration.enabled": TEXT,
            "user_attribute_update_settings.attributes_require_verification_before_updates": (
                "UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate"
            ),
            "software_token_mfa_configuration": "EnabledMfas",
        },
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Described(
        "AWS::Cognito::UserPoolClient", {"name": "ClientName"}
    ),
    "aws:iam/policy:Policy": Described(
        "AWS::IAM::ManagedPolicy",
        {
            "name": "ManagedPolicyName",
            "policy": "PolicyDocument",
            "tags": "the schema has none, the call has",
        },
    ),
    "aws:iam/role:Role": Described(
        "AWS::IAM::Role",
        {"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Described(
        "AWS::IAM::RolePolicy",
        {"name": "PolicyName", "policy": "PolicyDocument", "role": "RoleName"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Described(
        "AWS::IAM::Role", {"policy_arn": "ManagedPolicyArns", "role": "RoleName"}
    ),
    "aws:kms/alias:Alias": Described("AWS::KMS::Alias", {"name": "AliasName", "region": ADDRESS}),
    "aws:kms/key:Key": Described(
        "AWS::KMS::Key",
        {
            "deletion_window_in_days": "PendingWindowInDays",
            "policy": "KeyPolicy",
            "region": ADDRESS,
        },
    ),
    "aws:lambda/function:Function": Described("AWS::Lambda::Function", {"name": "FunctionName"}),
    "aws:lambda/permission:Permission": Described(
        "AWS::Lambda::Permission",
        {"function": "FunctionName", "statement_id": "chosen by CloudFormation itself"},
    ),
    "aws:s3/bucket:Bucket": Described(
        "AWS::S3::Bucket", {"bucket": "BucketName", "force_destroy": PROVIDER_ONLY}
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Described(
        "AWS::S3::Bucket",
        {
            "bucket": "BucketName",
            "rules": "LifecycleConfiguration.Rules",
            "rules.filter": "the schema has its parts beside it",
        },
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Described(
        "AWS::S3::Bucket", {"bucket": "BucketName", "rule": "ObjectLockConfiguration.Rule"}
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Described(
        "AWS::S3::Bucket",
        {
            "bucket": "BucketName",
            "block_public_acls": "PublicAccessBlockConfiguration.BlockPublicAcls",
            "block_public_policy": "PublicAccessBlockConfiguration.BlockPublicPolicy",
            "ignore_public_acls": "PublicAccessBlockConfiguration.IgnorePublicAcls",
            "restrict_public_buckets": "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        },
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Described(
            "AWS::S3::Bucket",
            {
                "bucket": "BucketName",
                "rules": "BucketEncryption.ServerSideEncryptionConfiguration",
                "rules.apply_server_side_encryption_by_default": (
                    "BucketEncryption.ServerSideEncryptionConfiguration."
                    "ServerSideEncryptionByDefault"
                ),
            },
        )
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Described(
        "AWS::S3::Bucket", {"bucket": "BucketName"}
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Described(
        "AWS::S3::BucketPolicy", {"policy": "PolicyDocument"}
    ),
    "aws:secretsmanager/secret:Secret": Described(
        "AWS::SecretsManager::Secret",
        {"recovery_window_in_days": SEPARATE, "policy": SEPARATE},
    ),
    "aws:sns/topic:Topic": Described("AWS::SNS::Topic", {"name": "TopicName"}),
    "aws:sns/topicPolicy:TopicPolicy": Described(
        "AWS::SNS::TopicPolicy", {"policy": "PolicyDocument"}
    ),
    "aws:sns/topicSubscription:TopicSubscription": Described("AWS::SNS::Subscription"),
    "aws:sqs/queue:Queue": Described(
        "AWS::SQS::Queue",
        {"name": "QueueName", "message_retention_seconds": "MessageRetentionPeriod"},
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Described(
        "AWS::SQS::QueuePolicy", {"policy": "PolicyDocument"}
    ),
    "aws:ssm/parameter:Parameter": Described("AWS::SSM::Parameter", {"insecure_value": "Value"}),
}
"""Type token -> its schema."""


@dataclass(frozen=True)
class Property:
    """What the schema says of one property: a part of it, with all the definitions."""

    root: Mapping[str, Any]
    node: Mapping[str, Any]

    def refuses(self, value: Any) -> bool:
        """Whether the schema takes no such value."""
        definitions = {"definitions": self.root.get("definitions", {})}
        return not _Bounds({**self.node, **definitions}).is_valid(value)

    def bounds(self, keyword: str) -> list[Any]:
        """What a keyword says anywhere in the property itself."""
        return [one[keyword] for one in _alternatives(self.root, self.node) if keyword in one]

    def inside(self, name: str) -> Property | None:
        """A property inside, in the blueprint's spelling or its own; None where there is none."""
        spelled = name.replace("_", "").lower()
        for node in _alternatives(self.root, self.node):
            entry = Property(self.root, node.get("items", {}))
            if "items" in node and (found := entry.inside(name)) is not None:
                return found
            members = node.get("properties", {})
            for member, inner in members.items():
                if member.lower() == spelled:
                    return Property(self.root, inner)
        return None

    def pair(self, key: bool) -> Property | None:
        """Key or value of what is a mapping here, and in the schema a list such as tags'."""
        for node in _alternatives(self.root, self.node):
            for pattern, inner in node.get("patternProperties", {}).items():
                named = {"type": "string", "pattern": pattern}
                return Property(self.root, named if key else inner)
            entry = Property(self.root, node.get("items", {}))
            found = entry.inside("key") or entry.inside("name") if key else entry.inside("value")
            if found is not None:
                return found
        return None


def _alternatives(root: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A part of a schema with everything that stands for it."""
    yield node
    if "$ref" in node:
        found: Any = root
        for word in node["$ref"].removeprefix("#/").split("/"):
            found = found[word]
        yield from _alternatives(root, found)
    for word in ("anyOf", "oneOf", "allOf"):
        for one in node.get(word, ()):
            yield from _alternatives(root, one)


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    # Python's own `re` knows no `\p{L}`.
    if isinstance(value, str) and not regex.search(pattern, value):
        yield ValidationError(pattern)


_KEYWORDS = (
    "$ref", "allOf", "anyOf", "oneOf", "const", "enum", "maximum", "minimum", "maxItems",
    "minItems", "maxLength", "minLength", "maxProperties", "minProperties",
)  # fmt: skip
# What is inside is looked at by itself. Types are no bounds: the provider writes some numbers as
# texts, and mappings where the schema has lists.
_Bounds = create(
    Draft7Validator.META_SCHEMA,
    {word: Draft7Validator.VALIDATORS[word] for word in _KEYWORDS} | {"pattern": _pattern},
)


def described(kind: str, path: Path) -> Property | None:
    """What the schema of a type says of one of its properties.

    Args:
        kind: type token.
        path: property, keys and indices.

    Returns:
        None where the table gives a reason why the schema has no such property.

    Raises:
        KeyError: nobody has said what it becomes.
    """
    table = SCHEMAS[kind]
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, table.name).schema
    found = root = Property(schema, schema)
    words = [part for part in path if isinstance(part, str) and part != KEY]
    for number, word in enumerate(words, 1):
        place = ".".join(words[:number])
        other = table.paths.get(place, "")
        if " " in other:
            return None
        inner: Property | None = root if other else found
        for step in other.split(".") if other else [word]:
            inner = inner.inside(step) if inner is not None else None
        chosen = inner is None
        if inner is None:
            inner = found.pair(key=path[-1] == KEY)
        if inner is None:
            raise KeyError(f"{kind} {place}")
        found = inner
    # The name of a member is nobody's choice.
    return None if path[-1] == KEY and not chosen else found


def leaves(properties: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Every value of a resource that is known: lists, mappings and their keys too."""
    for name, value in properties.items():
        yield from _leaves(value, (name,))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if value is None or isinstance(value, Reference | Joined | Archive):
        return
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
            yield (*path, key, KEY), key
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, number))
