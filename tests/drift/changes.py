"""Out-of-band changes, at least one for each property of each type that AWS lets change.

Each is a context manager: it changes one thing of one resource, and takes the change back.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.drift.cloud import STRANGER, Cloud
from totara_infra.blueprint import PlannedResource

Act = Callable[[Cloud, PlannedResource], AbstractContextManager[None]]
OTHER_TAG = {"cost_center": "somebody-else"}


@dataclass(frozen=True)
class Change:
    """One change and the property under which drift must show it."""

    shape: str
    property: str
    path: str
    act: Act
    index: int = 0
    also: tuple[str, ...] = ()


CHANGES: list[Change] = []


def change(
    shape: str, property_: str, path: str | None = None, index: int = 0, also: tuple[str, ...] = ()
) -> Callable[[Callable[..., Iterator[None]]], None]:
    """Register a change of one property.

    Args:
        shape: last word of the type.
        property_: of the blueprint.
        path: as drift names it, where it is not the property itself.
        index: which resource of the type.
        also: further paths that the same call changes.
    """

    def register(function: Callable[..., Iterator[None]]) -> None:
        act = contextmanager(function)
        CHANGES.append(Change(shape, property_, path or property_, act, index, also))

    return register


def opened(policy: str) -> str:
    """The policy with a statement more, as somebody would who opens it to a stranger."""
    document = json.loads(policy)
    extra = {**document["Statement"][0], "Sid": "Opened"}
    document["Statement"].append(extra)
    return json.dumps(document)


# --- tags ---

TAGGERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "Parameter": (
        lambda c, r, tags: c.ssm.add_tags_to_resource(
            ResourceType="Parameter", ResourceId=c.name(r), Tags=pairs(tags)
        ),
        lambda c, r, key: c.ssm.remove_tags_from_resource(
            ResourceType="Parameter", ResourceId=c.name(r), TagKeys=[key]
        ),
    ),
    "Secret": (
        lambda c, r, tags: c.secretsmanager.tag_resource(SecretId=c.name(r), Tags=pairs(tags)),
        lambda c, r, key: c.secretsmanager.untag_resource(SecretId=c.name(r), TagKeys=[key]),
    ),
    "Key": (
        lambda c, r, tags: c.kms.tag_resource(
            KeyId=c.key(r), Tags=[{"TagKey": k, "TagValue": v} for k, v in tags.items()]
        ),
        lambda c, r, key: c.kms.untag_resource(KeyId=c.key(r), TagKeys=[key]),
    ),
    "Queue": (
        lambda c, r, tags: c.sqs.tag_queue(QueueUrl=c.queue(r), Tags=tags),
        lambda c, r, key: c.sqs.untag_queue(QueueUrl=c.queue(r), TagKeys=[key]),
    ),
    "Topic": (
        lambda c, r, tags: c.sns.tag_resource(ResourceArn=c.arn(r), Tags=pairs(tags)),
        lambda c, r, key: c.sns.untag_resource(ResourceArn=c.arn(r), TagKeys=[key]),
    ),
    "EventBus": (
        lambda c, r, tags: c.events.tag_resource(ResourceARN=c.arn(r), Tags=pairs(tags)),
        lambda c, r, key: c.events.untag_resource(ResourceARN=c.arn(r), TagKeys=[key]),
    ),
    "MetricAlarm": (
        lambda c, r, tags: c.cloudwatch.tag_resource(ResourceARN=c.arn(r), Tags=pairs(tags)),
        lambda c, r, key: c.cloudwatch.untag_resource(ResourceARN=c.arn(r), TagKeys=[key]),
    ),
    "CompositeAlarm": (
        lambda c, r, tags: c.cloudwatch.tag_resource(ResourceARN=c.arn(r), Tags=pairs(tags)),
        lambda c, r, key: c.cloudwatch.untag_resource(ResourceARN=c.arn(r), TagKeys=[key]),
    ),
    "LogGroup": (
        lambda c, r, tags: c.logs.tag_resource(resourceArn=c.arn(r), tags=tags),
        lambda c, r, key: c.logs.untag_resource(resourceArn=c.arn(r), tagKeys=[key]),
    ),
    "Function": (
        lambda c, r, tags: c.lambda_.tag_resource(Resource=c.arn(r), Tags=tags),
        lambda c, r, key: c.lambda_.untag_resource(Resource=c.arn(r), TagKeys=[key]),
    ),
    "UserPool": (
        lambda c, r, tags: c.cognito_idp.tag_resource(ResourceArn=c.arn(r), Tags=tags),
        lambda c, r, key: c.cognito_idp.untag_resource(ResourceArn=c.arn(r), TagKeys=[key]),
    ),
    "Role": (
        lambda c, r, tags: c.iam.tag_role(RoleName=c.name(r), Tags=pairs(tags)),
        lambda c, r, key: c.iam.untag_role(RoleName=c.name(r), TagKeys=[key]),
    ),
    "Policy": (
        lambda c, r, tags: c.iam.tag_policy(PolicyArn=c.policy(r), Tags=pairs(tags)),
        lambda c, r, key: c.iam.untag_policy(PolicyArn=c.policy(r), TagKeys=[key]),
    ),
    "Vault": (
        lambda c, r, tags: c.backup.tag_resource(ResourceArn=c.arn(r), Tags=tags),
        lambda c, r, key: c.backup.untag_resource(ResourceArn=c.arn(r), TagKeyList=[key]),
    ),
    "Plan": (
        lambda c, r, tags: c.backup.tag_resource(ResourceArn=c.arn(r), Tags=tags),
        lambda c, r, key: c.backup.untag_resource(ResourceArn=c.arn(r), TagKeyList=[key]),
    ),
    "Bucket": (
        lambda c, r, tags: c.s3.put_bucket_tagging(
            Bucket=c.name(r), Tagging={"TagSet": pairs({**r.properties["tags"], **tags})}
        ),
        lambda c, r, key: c.s3.put_bucket_tagging(
            Bucket=c.name(r),
            Tagging={"TagSet": pairs({k: v for k, v in r.properties["tags"].items() if k != key})},
        ),
    ),
}
for _shape in (
    "Application", "Environment", "ConfigurationProfile", "Deployment", "DeploymentStrategy",
):  # fmt: skip
    TAGGERS[_shape] = (
        lambda c, r, tags: c.appconfig.tag_resource(ResourceArn=c.arn(r), Tags=tags),
        lambda c, r, key: c.appconfig.untag_resource(ResourceArn=c.arn(r), TagKeys=[key]),
    )


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": k, "Value": v} for k, v in tags.items()]


def _tag_changes() -> None:
    for shape, (tag, untag) in TAGGERS.items():

        def other(c: Cloud, r: PlannedResource, tag: Any = tag) -> Iterator[None]:
            tag(c, r, OTHER_TAG)
            yield
            tag(c, r, {k: r.properties["tags"][k] for k in OTHER_TAG})

        def gone(
            c: Cloud, r: PlannedResource, tag: Any = tag, untag: Any = untag
        ) -> Iterator[None]:
            untag(c, r, "system_id")
            yield
            tag(c, r, {"system_id": r.properties["tags"]["system_id"]})

        change(shape, "tags", "tags.cost_center", index=0)(other)
        change(shape, "tags", "tags.system_id", index=1)(gone)


_tag_changes()


# --- parameters and secrets ---


def put(c: Cloud, name: str, value: str, **more: Any) -> None:
    c.ssm.put_parameter(Name=name, Value=value, Overwrite=True, **more)


def _plain_parameter(c: Cloud, r: PlannedResource) -> dict[str, str]:
    found = c.ssm.get_parameter(Name=c.name(r))["Parameter"]
    listed = c.ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [c.name(r)]}]
    )["Parameters"][0]
    return {"value": found["Value"], "Description": listed["Description"], "Type": found["Type"]}


@change("Parameter", "insecure_value", index=40)
def _value(c, r):
    was = _plain_parameter(c, r)
    put(c, c.name(r), "another", Description=was["Description"], Type=was["Type"])
    yield
    put(c, c.name(r), **was)


@change("Parameter", "description", index=41)
def _described(c, r):
    was = _plain_parameter(c, r)
    put(c, c.name(r), **(was | {"Description": "changed"}))
    yield
    put(c, c.name(r), **was)


@change("Parameter", "type", index=42)
def _listed(c, r):
    was = _plain_parameter(c, r)
    put(c, c.name(r), **(was | {"Type": "StringList"}))
    yield
    put(c, c.name(r), **was)


@change("Parameter", "tier", index=43)
def _tier(c, r):
    was = _plain_parameter(c, r)
    put(c, c.name(r), **was, Tier="Advanced")
    yield
    put(c, c.name(r), **was, Tier="Standard")


@change("Secret", "description", index=3)
def _secret_description(c, r):
    c.secretsmanager.update_secret(SecretId=c.name(r), Description="changed")
    yield
    c.secretsmanager.update_secret(SecretId=c.name(r), Description=r.properties["description"])


@change("Secret", "kms_key_id", index=4)
def _secret_key(c, r):
    was = c.secretsmanager.describe_secret(SecretId=c.name(r))["KmsKeyId"]
    c.secretsmanager.update_secret(SecretId=c.name(r), KmsKeyId="alias/aws/secretsmanager")
    yield
    c.secretsmanager.update_secret(SecretId=c.name(r), KmsKeyId=was)


@change("Secret", "policy", "policy.Statement", index=5)
def _secret_policy(c, r):
    policy = r.properties["policy"]
    widened = policy.replace("BankBreakGlassRole", "SomebodyElse")
    c.secretsmanager.put_resource_policy(SecretId=c.name(r), ResourcePolicy=widened)
    yield
    c.secretsmanager.put_resource_policy(SecretId=c.name(r), ResourcePolicy=policy)


# --- keys ---


@change("Key", "description", index=0)
def _key_description(c, r):
    key = c.key(r)
    c.kms.update_key_description(KeyId=key, Description="changed")
    yield
    c.kms.update_key_description(KeyId=key, Description=r.properties["description"])


@change("Key", "enable_key_rotation", index=1)
def _key_rotation(c, r):
    c.kms.disable_key_rotation(KeyId=c.key(r))
    yield
    c.kms.enable_key_rotation(KeyId=c.key(r))


@change("Key", "policy", "policy.Statement", index=1)
def _key_policy(c, r):
    key = c.key(r)
    policy = r.properties["policy"]
    c.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=opened(policy))
    yield
    c.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


@change("Key", "description", "state", index=2)
def _key_disabled(c, r):
    key = c.key(r)
    c.kms.disable_key(KeyId=key)
    yield
    c.kms.enable_key(KeyId=key)


@change("Alias", "target_key_id", index=1)
def _alias(c, r):
    was = c.key(c.target(r, "target_key_id"))
    other = c.kms.create_key(Description="somebody's")["KeyMetadata"]["KeyId"]
    c.kms.update_alias(AliasName=c.name(r), TargetKeyId=other)
    yield
    c.kms.update_alias(AliasName=c.name(r), TargetKeyId=was)
    c.kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)


# --- queues, topics, events, logs ---


def _attribute(name: str, wrong: str) -> Callable[..., Iterator[None]]:
    def act(c: Cloud, r: PlannedResource) -> Iterator[None]:
        url = c.queue(r)
        was = c.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][name]
        c.sqs.set_queue_attributes(QueueUrl=url, Attributes={name: wrong})
        yield
        c.sqs.set_queue_attributes(QueueUrl=url, Attributes={name: was})

    return act


change("Queue", "message_retention_seconds", index=2)(_attribute("MessageRetentionPeriod", "60"))
change("Queue", "sqs_managed_sse_enabled", index=3)(_attribute("SqsManagedSseEnabled", "false"))
change("Queue", "name", "visibility_timeout_seconds", index=4)(
    _attribute("VisibilityTimeout", "600")
)


@change("QueuePolicy", "policy", "policy.Statement", index=1)
def _queue_policy(c, r):
    url, policy = c.queue(c.target(r, "queue_url")), r.properties["policy"]
    c.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": opened(policy)})
    yield
    c.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


@change("Topic", "kms_master_key_id", index=2)
def _topic_key(c, r):
    arn = c.topic(r)
    was = c.sns.get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"]
    set_ = c.sns.set_topic_attributes
    set_(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns")
    yield
    set_(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=was)


@change("TopicPolicy", "policy", "policy.Statement", index=1)
def _topic_policy(c, r):
    arn, policy = c.topic(c.target(r, "arn")), r.properties["policy"]
    set_ = c.sns.set_topic_attributes
    set_(TopicArn=arn, AttributeName="Policy", AttributeValue=opened(policy))
    yield
    set_(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


@change("TopicSubscription", "topic", "filter_policy", index=0)
def _router_filter(c, r):
    """Somebody keeps most alerts from the router."""
    arn, policy = c.subscription(r), '{"severity": ["P1"]}'
    set_ = c.sns.set_subscription_attributes
    set_(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=policy)
    yield
    set_(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="")


_ELSEWHERE = "arn:aws:sns:ap-southeast-2:999999999999:elsewhere"
_ALARM_CHANGES: dict[str, tuple[str, Any]] = {
    "alarm_description": ("AlarmDescription", "changed"),
    "namespace": ("Namespace", "somebody/elses"),
    "metric_name": ("MetricName", "SomethingElse"),
    "statistic": ("Statistic", "SampleCount"),
    "extended_statistic": ("ExtendedStatistic", "p10"),
    "dimensions": ("Dimensions", [{"Name": "QueueName", "Value": "another"}]),
    "period": ("Period", 120),
    "evaluation_periods": ("EvaluationPeriods", 5),
    "datapoints_to_alarm": ("DatapointsToAlarm", 1),
    "threshold": ("Threshold", 999_999.0),
    "comparison_operator": ("ComparisonOperator", "LessThanOrEqualToThreshold"),
    "treat_missing_data": ("TreatMissingData", "breaching"),
    "alarm_actions": ("AlarmActions", [_ELSEWHERE]),
    "ok_actions": ("OKActions", []),
    "insufficient_data_actions": ("InsufficientDataActions", []),
}

_ALARM_WITH = {"datapoints_to_alarm": 2, "dimensions": 17, "insufficient_data_actions": 46}
"""Which alarm has a property that not all have."""


def _alarm(c: Cloud, r: PlannedResource, api: str, wrong: Any) -> Iterator[None]:
    composite = r.shape == "CompositeAlarm"
    found = c.cloudwatch.describe_alarms(AlarmNames=[c.name(r)], AlarmTypes=[r.shape])
    alarm = found[f"{r.shape}s"][0]
    model = c.cloudwatch.meta.service_model.operation_model(f"Put{r.shape}")
    was = {k: v for k, v in alarm.items() if k in model.input_shape.members and v is not None}
    if was.get("ExtendedStatistic"):
        was.pop("Statistic", None)
    put_ = c.cloudwatch.put_composite_alarm if composite else c.cloudwatch.put_metric_alarm
    put_(**(was | {api: wrong}))
    yield
    put_(**was)


for _index, (_name, (_api, _wrong)) in enumerate(_ALARM_CHANGES.items()):

    def _alarm_change(c, r, api=_api, wrong=_wrong):
        yield from _alarm(c, r, api, wrong)

    # Of what is told apart by a second period, an alarm that has more than one.
    _path = "dimensions.QueueName" if _name == "dimensions" else _name
    change("MetricAlarm", _name, _path, index=_ALARM_WITH.get(_name, _index + 2))(_alarm_change)

for _index, (_name, (_api, _wrong)) in enumerate(
    {
        "alarm_description": ("AlarmDescription", "changed"),
        "alarm_rule": ("AlarmRule", "FALSE"),
        "alarm_actions": ("AlarmActions", [_ELSEWHERE]),
        "ok_actions": ("OKActions", []),
    }.items()
):

    def _composite_change(c, r, api=_api, wrong=_wrong):
        yield from _alarm(c, r, api, wrong)

    change("CompositeAlarm", _name, index=_index + 2)(_composite_change)


@change("MetricAlarm", "name", "actions_enabled", index=25)
def _silenced(c, r):
    c.cloudwatch.disable_alarm_actions(AlarmNames=[c.name(r)])
    yield
    c.cloudwatch.enable_alarm_actions(AlarmNames=[c.name(r)])


def _bus(c: Cloud, r: PlannedResource, **changed: Any) -> Iterator[None]:
    found = c.events.describe_event_bus(Name=c.name(r))
    was = {k: found[k] for k in ("Description", "DeadLetterConfig")}
    c.events.update_event_bus(Name=c.name(r), **(was | changed))
    yield
    c.events.update_event_bus(Name=c.name(r), **was)


@change("EventBus", "description", index=2)
def _bus_description(c, r):
    yield from _bus(c, r, Description="changed")


@change("EventBus", "dead_letter_config", "dead_letter_config.arn", index=3)
def _bus_queue(c, r):
    arn = c.blueprint.scope.arn("sqs", "elsewhere")
    yield from _bus(c, r, DeadLetterConfig={"Arn": arn})


@change("EventArchive", "retention_days", index=0)
def _archive(c, r):
    days = r.properties["retention_days"]
    c.events.update_archive(ArchiveName=c.name(r), RetentionDays=1)
    yield
    c.events.update_archive(ArchiveName=c.name(r), RetentionDays=days)


@change("LogGroup", "retention_in_days", index=2)
def _retention(c, r):
    c.logs.put_retention_policy(logGroupName=c.name(r), retentionInDays=1)
    yield
    days = r.properties["retention_in_days"]
    c.logs.put_retention_policy(logGroupName=c.name(r), retentionInDays=days)


@change("LogGroup", "kms_key_id", index=2)
def _log_key(c, r):
    name = c.name(r)
    (group,) = c.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    c.logs.disassociate_kms_key(logGroupName=name)
    yield
    c.logs.associate_kms_key(logGroupName=name, kmsKeyId=group["kmsKeyId"])


# --- buckets ---


@change("BucketVersioning", "versioning_configuration", "versioning_configuration.status", index=1)
def _versioning(c, r):
    bucket = c.name(c.target(r, "bucket"))
    put_ = c.s3.put_bucket_versioning
    put_(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    yield
    put_(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


@change("BucketServerSideEncryptionConfiguration", "rules", index=2)
def _encryption(c, r):
    bucket = c.name(c.target(r, "bucket"))
    was = c.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    put_ = c.s3.put_bucket_encryption
    put_(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    yield
    put_(Bucket=bucket, ServerSideEncryptionConfiguration=was)


_FLAGS = {
    "block_public_acls": "BlockPublicAcls",
    "block_public_policy": "BlockPublicPolicy",
    "ignore_public_acls": "IgnorePublicAcls",
    "restrict_public_buckets": "RestrictPublicBuckets",
}
for _index, (_flag, _api) in enumerate(_FLAGS.items()):

    def _access(c, r, api=_api):
        bucket = c.name(c.target(r, "bucket"))
        on = dict.fromkeys(_FLAGS.values(), True)
        put_ = c.s3.put_public_access_block
        put_(Bucket=bucket, PublicAccessBlockConfiguration=on | {api: False})
        yield
        put_(Bucket=bucket, PublicAccessBlockConfiguration=on)

    change("BucketPublicAccessBlock", _flag, index=_index)(_access)


@change("BucketPolicy", "policy", "policy.Statement", index=3)
def _bucket_policy(c, r):
    bucket, policy = c.name(c.target(r, "bucket")), r.properties["policy"]
    document = json.loads(policy)
    # Turned round: refused is what is encrypted.
    document["Statement"][0]["Condition"] = {"Bool": {"aws:SecureTransport": "true"}}
    c.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    yield
    c.s3.put_bucket_policy(Bucket=bucket, Policy=policy)


@change("BucketObjectLockConfiguration", "rule", "rule.default_retention.years")
def _lock(c, r):
    bucket = c.name(c.target(r, "bucket"))
    was = c.s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    shorter = {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}
    put_ = c.s3.put_object_lock_configuration
    put_(Bucket=bucket, ObjectLockConfiguration=was | {"Rule": shorter})
    yield
    put_(Bucket=bucket, ObjectLockConfiguration=was)


_KEPT = "noncurrent_version_expiration.noncurrent_days"


@change("BucketLifecycleConfiguration", "rules", f"rules.superseded-versions.{_KEPT}")
def _lifecycle(c, r):
    bucket = c.name(c.target(r, "bucket"))
    was = c.s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    ends = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    rules = [rule | ends if rule["ID"] == "superseded-versions" else rule for rule in was]
    put_ = c.s3.put_bucket_lifecycle_configuration
    put_(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    yield
    put_(Bucket=bucket, LifecycleConfiguration={"Rules": was})


# --- backups ---


@change("Plan", "rules", "rules.every-day.lifecycle.delete_after")
def _backup_rule(c, r):
    plan = c.backup_plan(r)
    was = c.backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]
    shorter = [
        rule | {"Lifecycle": {"DeleteAfterDays": 1}} if rule["RuleName"] == "every-day" else rule
        for rule in was["Rules"]
    ]
    c.backup.update_backup_plan(BackupPlanId=plan, BackupPlan=was | {"Rules": shorter})
    yield
    c.backup.update_backup_plan(BackupPlanId=plan, BackupPlan=was)


# --- roles ---


@change("Role", "description", index=2)
def _role_description(c, r):
    c.iam.update_role(RoleName=c.name(r), Description="changed")
    yield
    c.iam.update_role(RoleName=c.name(r), Description=r.properties["description"])


@change("Role", "name", "max_session_duration", index=3)
def _session(c, r):
    described = r.properties["description"]
    c.iam.update_role(RoleName=c.name(r), Description=described, MaxSessionDuration=43_200)
    yield
    c.iam.update_role(RoleName=c.name(r), Description=described, MaxSessionDuration=3600)


@change("Role", "assume_role_policy", "assume_role_policy.Statement", index=4)
def _trust(c, r):
    policy = r.properties["assume_role_policy"]
    document = json.loads(policy)
    document["Statement"][0]["Principal"] = {"AWS": STRANGER}
    update = c.iam.update_assume_role_policy
    update(RoleName=c.name(r), PolicyDocument=json.dumps(document))
    yield
    update(RoleName=c.name(r), PolicyDocument=policy)


@change("RolePolicy", "policy", "policy.Statement", index=3)
def _inline(c, r):
    place = {"RoleName": c.name(c.target(r, "role")), "PolicyName": c.name(r)}
    was = c.iam.get_role_policy(**place)["PolicyDocument"]
    wider = {**was, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    c.iam.put_role_policy(**place, PolicyDocument=json.dumps(wider))
    yield
    c.iam.put_role_policy(**place, PolicyDocument=json.dumps(was))


@change("Policy", "policy", "policy.Statement", index=1)
def _managed(c, r):
    arn, policy = c.policy(r), r.properties["policy"]
    create = c.iam.create_policy_version
    create(PolicyArn=arn, PolicyDocument=opened(policy), SetAsDefault=True)
    yield
    create(PolicyArn=arn, PolicyDocument=policy, SetAsDefault=True)


# --- functions ---

_FUNCTION: dict[str, tuple[str, Any, str]] = {
    "description": ("Description", "changed", "description"),
    "role": ("Role", f"arn:aws:iam::{STRANGER}:role/Other", "role"),
    "runtime": ("Runtime", "python3.13", "runtime"),
    "handler": ("Handler", "other.handler", "handler"),
    "timeout": ("Timeout", 30, "timeout"),
    "memory_size": ("MemorySize", 128, "memory_size"),
}
for _name, (_api, _wrong, _path) in _FUNCTION.items():

    def _configured(c, r, api=_api, wrong=_wrong):
        was = c.lambda_.get_function_configuration(FunctionName=c.name(r))[api]
        c.lambda_.update_function_configuration(FunctionName=c.name(r), **{api: wrong})
        yield
        c.lambda_.update_function_configuration(FunctionName=c.name(r), **{api: was})

    change("Function", _name, _path)(_configured)


@change("Function", "environment", "environment.variables.MFA_ENFORCED")
def _variable(c, r):
    was = c.lambda_.get_function_configuration(FunctionName=c.name(r))["Environment"]["Variables"]
    update = c.lambda_.update_function_configuration
    update(FunctionName=c.name(r), Environment={"Variables": was | {"MFA_ENFORCED": "other"}})
    yield
    update(FunctionName=c.name(r), Environment={"Variables": was})


@change("Function", "reserved_concurrent_executions", "reserved_concurrent_executions")
def _throttled_to_nothing(c, r):
    c.lambda_.put_function_concurrency(FunctionName=c.name(r), ReservedConcurrentExecutions=0)
    yield
    c.lambda_.delete_function_concurrency(FunctionName=c.name(r))


@change("Function", "code", "code.pre_token_generation.py", index=1)
def _code(c, r):
    def archive(files: dict[str, str]) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as target:
            for name, text in files.items():
                target.writestr(name, text)
        return buffer.getvalue()

    files = dict(r.properties["code"].files)
    weaker = {n: text + "\n# changed\n" for n, text in files.items()}
    c.lambda_.update_function_code(FunctionName=c.name(r), ZipFile=archive(weaker))
    yield
    c.lambda_.update_function_code(FunctionName=c.name(r), ZipFile=archive(files))


def _permission(**wrong: str) -> Callable[..., Iterator[None]]:
    def act(c: Cloud, r: PlannedResource) -> Iterator[None]:
        place = {
            "FunctionName": c.name(c.target(r, "function")),
            "StatementId": r.properties["statement_id"],
        }
        right = {
            "Action": r.properties["action"],
            "Principal": r.properties["principal"],
            "SourceArn": c.arn(c.target(r, "source_arn")),
        }
        c.lambda_.remove_permission(**place)
        c.lambda_.add_permission(**place, **(right | wrong))
        yield
        c.lambda_.remove_permission(**place)
        c.lambda_.add_permission(**place, **right)

    return act


change("Permission", "source_arn", index=0)(
    _permission(SourceArn=f"arn:aws:cognito-idp:ap-southeast-2:{STRANGER}:userpool/x")
)
change("Permission", "principal", index=1, also=("action",))(
    _permission(Principal="s3.amazonaws.com", Action="lambda:GetFunction")
)


# --- sign-in ---


_WEAK = {
    "MinimumLength": 8, "RequireUppercase": True, "RequireLowercase": True,
    "RequireNumbers": True, "RequireSymbols": True, "TemporaryPasswordValidityDays": 1,
}  # fmt: skip
_RECOVERY = [{"Name": "verified_email", "Priority": 1}]
_ALL_OF_THEM: dict[str, Any] = {
    "Policies": {"PasswordPolicy": _WEAK},
    "DeletionProtection": "ACTIVE",
    "AutoVerifiedAttributes": ["email", "phone_number"],
    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False},
    "AccountRecoverySetting": {"RecoveryMechanisms": _RECOVERY},
    "UserPoolTier": "PLUS",
    "UserAttributeUpdateSettings": {
        "AttributesRequireVerificationBeforeUpdate": ["email", "phone_number"]
    },
}


@change(
    "UserPool",
    "password_policy",
    "password_policy.minimum_length",
    index=0,
    also=(
        "deletion_protection",
        "auto_verified_attributes",
        "admin_create_user_config.allow_admin_create_user_only",
        "account_recovery_setting.recovery_mechanisms",
        "user_pool_tier",
        "user_attribute_update_settings.attributes_require_verification_before_updates",
        "sms_configuration.external_id",
        "lambda_config.pre_sign_up",
    ),
)
def _pool_settings(c, r):
    # One call, as UpdateUserPool sets everything.
    pool = c.pool(r)
    was = c.cognito_idp.describe_user_pool(UserPoolId=pool)["UserPool"]
    kept = {*_ALL_OF_THEM, "LambdaConfig", "SmsConfiguration"}
    right = {k: was[k] for k in sorted(kept) if was.get(k)}
    triggers = {**was["LambdaConfig"], "PreSignUp": c.blueprint.scope.arn("lambda", "function:x")}
    tags = c.cognito_idp.list_tags_for_resource(ResourceArn=c.arn(r))["Tags"]
    update = c.cognito_idp.update_user_pool
    texts = {**was["SmsConfiguration"], "ExternalId": "changed"}
    changed = right | _ALL_OF_THEM | {"LambdaConfig": triggers, "SmsConfiguration": texts}
    update(UserPoolId=pool, UserPoolTags=tags, **changed)
    yield
    tags = c.cognito_idp.list_tags_for_resource(ResourceArn=c.arn(r))["Tags"]
    update(UserPoolId=pool, UserPoolTags=tags, **right)


@change("UserPool", "mfa_configuration", index=1)
def _mfa(c, r):
    pool = c.pool(r)
    set_ = c.cognito_idp.set_user_pool_mfa_config
    set_(UserPoolId=pool, MfaConfiguration="OPTIONAL")
    yield
    set_(UserPoolId=pool, MfaConfiguration="OFF")


@change(
    "UserPoolClient",
    "explicit_auth_flows",
    index=0,
    also=(
        "read_attributes",
        "write_attributes",
        "prevent_user_existence_errors",
        "enable_token_revocation",
        "access_token_validity",
        "id_token_validity",
        "refresh_token_validity",
        "token_validity_units.access_token",
        "callback_urls",
    ),
)
def _app_client(c, r):
    place = c.client(r)
    was = c.cognito_idp.describe_user_pool_client(**place)["UserPoolClient"]
    kept = (
        "ClientName", "ExplicitAuthFlows", "ReadAttributes", "WriteAttributes",
        "PreventUserExistenceErrors", "EnableTokenRevocation", "AccessTokenValidity",
        "IdTokenValidity", "RefreshTokenValidity", "TokenValidityUnits",
    )  # fmt: skip
    right = {k: was[k] for k in kept if k in was}
    wrong = {
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        "ReadAttributes": ["email"],
        "WriteAttributes": ["custom:tenant_id"],
        "PreventUserExistenceErrors": "LEGACY",
        "EnableTokenRevocation": False,
        "AccessTokenValidity": 24,
        "IdTokenValidity": 24,
        "RefreshTokenValidity": 3000,
        "TokenValidityUnits": {**was["TokenValidityUnits"], "AccessToken": "minutes"},
        "CallbackURLs": ["https://elsewhere.example"],
    }
    update = c.cognito_idp.update_user_pool_client
    update(**place, **(right | wrong))
    yield
    update(**place, **right, CallbackURLs=[])


@change("ResourceServer", "scopes", "scopes.stolen", also=("name",))
def _scopes(c, r):
    pool = c.pool_of(r)
    place = {"UserPoolId": pool, "Identifier": r.properties["identifier"]}
    was = c.cognito_idp.describe_resource_server(**place)["ResourceServer"]
    extra = {"ScopeName": "stolen", "ScopeDescription": "More than was declared."}
    update = c.cognito_idp.update_resource_server
    update(**place, Name="Changed", Scopes=[*was["Scopes"], extra])
    yield
    update(**place, Name=was["Name"], Scopes=was["Scopes"])


# --- AppConfig ---


@change("Application", "description", index=2)
def _application(c, r):
    identifier = c.application(r)
    update = c.appconfig.update_application
    update(ApplicationId=identifier, Description="changed")
    yield
    update(ApplicationId=identifier, Description=r.properties["description"])


@change("Environment", "name", "description", index=2)
def _environment(c, r):
    ids = {k: c.in_application(r)[k] for k in ("ApplicationId", "EnvironmentId")}
    c.appconfig.update_environment(**ids, Description="changed")
    yield
    c.appconfig.update_environment(**ids, Description="")


@change("ConfigurationProfile", "validators", index=2)
def _validators(c, r):
    found = c.in_application(r)
    ids = {k: found[k] for k in ("ApplicationId", "ConfigurationProfileId")}
    was = c.appconfig.get_configuration_profile(**ids)["Validators"]
    anything = [{"Type": "JSON_SCHEMA", "Content": '{"type": "object"}'}]
    c.appconfig.update_configuration_profile(**ids, Validators=anything)
    yield
    c.appconfig.update_configuration_profile(**ids, Validators=was)


_STRATEGY: dict[str, tuple[str, Any]] = {
    "description": ("Description", "changed"),
    "growth_type": ("GrowthType", "EXPONENTIAL"),
    "growth_factor": ("GrowthFactor", 50.0),
    "deployment_duration_in_minutes": ("DeploymentDurationInMinutes", 10),
    "final_bake_time_in_minutes": ("FinalBakeTimeInMinutes", 10),
}
for _name, (_api, _wrong) in _STRATEGY.items():

    def _strategy(c, r, api=_api, wrong=_wrong):
        update = c.appconfig.update_deployment_strategy
        items = c.appconfig.list_deployment_strategies()["Items"]
        was = next(s for s in items if s["Id"] == c.strategy)[api]
        update(DeploymentStrategyId=c.strategy, **{api: wrong})
        yield
        update(DeploymentStrategyId=c.strategy, **{api: was})

    change("DeploymentStrategy", _name)(_strategy)
