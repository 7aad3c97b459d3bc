"""Limits that AWS documents and its models leave out, each with the page that says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from totara_infra.model import naming
from totara_infra.operations.limits.shapes import KEY, Limit, Path

_SQS = "sqs CreateQueue, Attributes: docs.aws.amazon.com/AWSSimpleQueueService API_CreateQueue"
_SSM = "ssm PutParameter, Value: docs.aws.amazon.com/systems-manager API_PutParameter"
_BUCKETS = "s3: docs.aws.amazon.com/AmazonS3 API_PutBucketLifecycleConfiguration"
_INVOCATION = "lambda AddPermission: docs.aws.amazon.com/lambda API_AddPermission"
_IAM = "iam: docs.aws.amazon.com/IAM reference_iam-quotas"
_LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
_TAGS = "tags: docs.aws.amazon.com/tag-editor best-practices-and-strats"

TAG_CHARACTERS = r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*"
TAG_KEY = Limit(_TAGS, "text", 1, 128, TAG_CHARACTERS)
TAG_VALUE = Limit(_TAGS, "text", 0, 256, TAG_CHARACTERS)
TAG_COUNT = Limit(_TAGS, "list", 0, 50)

_SECRET_WINDOW = tuple(
    map(str, (0, *range(naming.SECRET_RECOVERY_DAYS[0], naming.SECRET_RECOVERY_DAYS[1] + 1)))
)

DOCUMENTED: Mapping[tuple[str, str], Limit] = {
    ("aws:appconfig/configurationProfile:ConfigurationProfile", "type"): Limit(
        "appconfig: AWS::AppConfig::ConfigurationProfile, Type", "text", 1, pattern=r"[a-zA-Z.]+"
    ),
    ("aws:cloudwatch/logGroup:LogGroup", "retention_in_days"): Limit(
        "logs PutRetentionPolicy: docs.aws.amazon.com/AmazonCloudWatchLogs API_PutRetentionPolicy",
        "number",
        choices=tuple(map(str, sorted(naming.LOG_RETENTION_DAYS))),
    ),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "treat_missing_data"): Limit(
        "cloudwatch PutMetricAlarm: docs.aws.amazon.com/AmazonCloudWatch API_PutMetricAlarm",
        "text",
        choices=("breaching", "ignore", "missing", "notBreaching"),
    ),
    ("aws:cognito/userPoolClient:UserPoolClient", "refresh_token_validity"): Limit(
        # The call takes 0 and makes 30 days of it, which nobody means who writes 0.
        "cognito-idp: AWS::Cognito::UserPoolClient, RefreshTokenValidity",
        "number",
        1,
    ),
    ("aws:iam/policy:Policy", "policy"): Limit(_IAM, "policy", 1, 6144),
    ("aws:iam/role:Role", "assume_role_policy"): Limit(_IAM, "policy", 1, 2048),
    ("aws:iam/rolePolicy:RolePolicy", "policy"): Limit(_IAM, "policy", 1, 10240),
    ("aws:kms/alias:Alias", "name"): Limit(
        "kms CreateAlias: docs.aws.amazon.com/kms API_CreateAlias",
        "text",
        7,
        256,
        r"alias/(?!aws/)[a-zA-Z0-9/_-]+",
    ),
    ("aws:kms/key:Key", "deletion_window_in_days"): Limit(
        "kms ScheduleKeyDeletion: docs.aws.amazon.com/kms API_ScheduleKeyDeletion", "number", 7, 30
    ),
    ("aws:kms/key:Key", "policy"): Limit(
        "kms CreateKey: docs.aws.amazon.com/kms API_CreateKey", "text", 1, 32768
    ),
    ("aws:lambda/function:Function", "name"): Limit(
        "lambda CreateFunction: docs.aws.amazon.com/lambda API_CreateFunction",
        "text",
        1,
        64,
        r"[a-zA-Z0-9_-]+",
    ),
    ("aws:lambda/function:Function", "timeout"): Limit(
        "lambda: docs.aws.amazon.com/lambda gettingstarted-limits", "number", 1, 900
    ),
    ("aws:lambda/permission:Permission", "action"): Limit(_INVOCATION, "text", 1, 256),
    ("aws:lambda/permission:Permission", "principal"): Limit(_INVOCATION, "text", 1, 256),
    ("aws:s3/bucket:Bucket", "bucket"): Limit(
        "s3 CreateBucket: docs.aws.amazon.com/AmazonS3 bucketnamingrules",
        "text",
        3,
        63,
        r"[a-z0-9][a-z0-9.-]*[a-z0-9]",
    ),
    (_LIFECYCLE, "rules.id"): Limit(_BUCKETS, "text", 0, 255),
    (_LIFECYCLE, "rules.abort_incomplete_multipart_upload.days_after_initiation"): Limit(
        _BUCKETS, "number", 1
    ),
    (_LIFECYCLE, "rules.noncurrent_version_expiration.noncurrent_days"): Limit(
        _BUCKETS, "number", 1
    ),
    ("aws:s3/bucketPolicy:BucketPolicy", "policy"): Limit(
        "s3 PutBucketPolicy: docs.aws.amazon.com/AmazonS3 bucket-policies", "text", 1, 20480
    ),
    ("aws:secretsmanager/secret:Secret", "recovery_window_in_days"): Limit(
        "secretsmanager DeleteSecret: docs.aws.amazon.com/secretsmanager API_DeleteSecret",
        "number",
        choices=_SECRET_WINDOW,
    ),
    ("aws:secretsmanager/secret:Secret", "name"): Limit(
        "secretsmanager CreateSecret: docs.aws.amazon.com/secretsmanager API_CreateSecret",
        "text",
        1,
        512,
        r"[A-Za-z0-9/_+=.@-]+",
    ),
    ("aws:sns/topic:Topic", "name"): Limit(
        "sns CreateTopic: docs.aws.amazon.com/sns API_CreateTopic",
        "text",
        1,
        256,
        r"[A-Za-z0-9_-]+(\.fifo)?",
    ),
    ("aws:sqs/queue:Queue", "message_retention_seconds"): Limit(_SQS, "number", 60, 1_209_600),
    ("aws:sqs/queue:Queue", "name"): Limit(_SQS, "text", 1, 80, r"[A-Za-z0-9_-]+(\.fifo)?"),
    ("aws:ssm/parameter:Parameter", "insecure_value"): Limit(
        _SSM, "bytes", 1, naming.SSM_MAXIMUM_BYTES
    ),
}
"""Type token and property, dotted where it is inside another -> what AWS takes."""


@dataclass(frozen=True)
class Refusal:
    """A value that AWS would not take.

    Attributes:
        path: property, then keys and indices inside it.
        value: as AWS would get it.
        reason: what AWS takes instead.
        source: who says so.
    """

    path: Path
    value: Any
    reason: str
    source: str


def documented(kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[Path, Any, Limit]]:
    """Every value of a resource of which the table says something.

    Args:
        kind: type token.
        properties: of the resource, in the SDK's spelling.
    """
    for place, limit in by_kind().get(kind, ()):
        for path, value in _at(properties, place.split("."), ()):
            yield path, value, limit


@cache
def by_kind() -> Mapping[str, list[tuple[str, Limit]]]:
    """The table by type token."""
    found: dict[str, list[tuple[str, Limit]]] = {}
    for (kind, place), limit in DOCUMENTED.items():
        found.setdefault(kind, []).append((place, limit))
    return found


def _at(value: Any, place: list[str], path: Path) -> Iterator[tuple[Path, Any]]:
    """Every value at a place: one for each entry of a list on the way to it."""
    if not place:
        yield path, value
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _at(item, place, (*path, number))
    elif isinstance(value, Mapping) and place[0] in value:
        yield from _at(value[place[0]], place[1:], (*path, place[0]))


def documented_faults(kind: str, properties: Mapping[str, Any]) -> Iterator[Refusal]:
    """What AWS refuses of a resource although its model would let it pass.

    Args:
        kind: type token.
        properties: of the resource, in the SDK's spelling.
    """
    for path, value, limit in documented(kind, properties):
        reason = limit.fault(value)
        if reason is not None:
            yield Refusal(path, value, reason, limit.source)
    if kind == "aws:ssm/parameter:Parameter":
        yield from _parameter_faults(properties)
    tags = properties.get("tags")
    if isinstance(tags, Mapping):
        yield from _tag_faults(tags)


def _parameter_faults(properties: Mapping[str, Any]) -> Iterator[Refusal]:
    value, name = properties.get("insecure_value"), properties.get("name")
    if isinstance(value, str) and naming.SSM_REFERENCE in value:
        reason = f"AWS takes no `{naming.SSM_REFERENCE}`: a value can't refer to another parameter"
        yield Refusal(("insecure_value",), value, reason, _SSM)
    if isinstance(name, str) and (fault := naming.ssm_fault(name)):
        yield Refusal(("name",), name, fault, "ssm PutParameter, Name")


def _tag_faults(tags: Mapping[str, Any]) -> Iterator[Refusal]:
    if reason := TAG_COUNT.fault(tags):
        yield Refusal(("tags",), tags, reason, TAG_COUNT.source)
    for key, value in tags.items():
        if reason := TAG_KEY.fault(key):
            yield Refusal(("tags", key, KEY), key, reason, TAG_KEY.source)
        elif key.lower().startswith("aws:"):
            yield Refusal(("tags", key, KEY), key, "AWS keeps `aws:` for itself", TAG_KEY.source)
        if reason := TAG_VALUE.fault(value):
            yield Refusal(("tags", key), value, reason, TAG_VALUE.source)
