"""Names of AWS things: our conventions, AWS's own patterns and lengths, placeholders filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

# PutParameter, botocore service model: letters, digits and `. - _ /`; at most 15 levels.
SSM_NAME = re.compile(r"^/[A-Za-z0-9_.\-/]+$")
SSM_MAXIMUM_LEVELS = 15
# 1,011 characters including the ARN up to the name; region and account take up to 60 of them.
SSM_MAXIMUM_LENGTH = 1011 - len("arn:aws:ssm:ap-southeast-2:123456789012:parameter")
SSM_MAXIMUM_BYTES = 4096
# PutParameter, `Value`: "Parameters can't be referenced or nested in the values of other
# parameters. You can't include values wrapped in double brackets {{}} or {{ssm:parameter-name}}".
SSM_REFERENCE = "{{"
# CreateSecret, botocore service model.
SECRET_NAME = re.compile(r"^[A-Za-z0-9/_+=.@-]{1,512}$")
# Secrets Manager adds a hyphen and six characters to the name in the ARN; a name that ends like
# that makes partial ARNs ambiguous.
SECRET_ARN_TAIL = re.compile(r"-[A-Za-z0-9]{6}$")
# S3 bucket naming rules, general purpose buckets.
BUCKET_NAME = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
EVENT_BUS_NAME = re.compile(r"^[A-Za-z0-9._/-]{1,256}$")
TOPIC_NAME = re.compile(r"^[A-Za-z0-9_-]{1,256}$")
QUEUE_NAME = re.compile(r"^[A-Za-z0-9_-]{1,80}$")
LOG_GROUP_NAME = re.compile(r"^[A-Za-z0-9_/.#-]{1,512}$")
ROLE_NAME = re.compile(r"^[A-Za-z0-9_+=,.@-]{1,64}$")
# The same limits as numbers, for names that hold a client id.
SECRET_MAXIMUM_LENGTH = 512
BUCKET_NAME_MAXIMUM_LENGTH = 63
OBJECT_KEY_MAXIMUM_BYTES = 1024
TAG_VALUE_MAXIMUM_LENGTH = 256
NAME_MAXIMUM_LENGTHS = {
    "bucket": BUCKET_NAME_MAXIMUM_LENGTH,
    "event_bus": 256,
    "event_rule": 64,
    "function": 64,
    "log_group": 512,
    "policy": 128,
    "queue": 80,
    "role": 64,
    "table": 255,
    "topic": 256,
}
OTHER_MAXIMUM_LENGTH = 64
"""For kinds of names whose own limit nobody has looked up: the shortest that is common."""
# A Pulumi stack's name (`ParseStackName` in its SDK) and the ending of this project's bucket
# names (`bucket-suffix`, with its hyphen).
STACK_NAME_MAXIMUM_LENGTH = 100
BUCKET_SUFFIX_MAXIMUM_LENGTH = 19
# CreateUserPool, SchemaAttributesListType and CustomAttributeNameType.
COGNITO_ATTRIBUTE_MAXIMUM_LENGTH = 20
COGNITO_MAXIMUM_ATTRIBUTES = 50
# PutMetricAlarm, botocore service model: AlarmDescription.
ALARM_DESCRIPTION_MAXIMUM_LENGTH = 1024
# CloudWatch Logs PutRetentionPolicy.
LOG_RETENTION_DAYS = frozenset(
    (
        1,
        3,
        5,
        7,
        14,
        30,
        60,
        90,
        120,
        150,
        180,
        365,
        400,
        545,
        731,
        1096,
        1827,
        2192,
        2557,
        2922,
        3288,
        3653,
    )
)
SECRET_RECOVERY_DAYS = (7, 30)
"""DeleteSecret, `RecoveryWindowInDays`, in AWS's API reference: "from 7 to 30 days"."""
# AppConfig quotas (ServiceQuotaExceededException in the botocore service model).
APPCONFIG_MAXIMUM_PROFILES = 100
APPCONFIG_MAXIMUM_VALIDATOR_CHARACTERS = 32_768
# Default quota "Maximum size of a configuration in the AppConfig hosted store": 2 MB since 2023;
# the older and safer 1 MB is what we hold content against.
APPCONFIG_MAXIMUM_CONTENT_BYTES = 1024 * 1024

_SEGMENT = r"[a-z0-9]+(?:[-.][a-z0-9]+)*"
PARAMETER_CONVENTION = re.compile(
    rf"^/bank/\{{env\}}/(?:{_SEGMENT}|tenant-\{{client_id\}})(?:/(?:{_SEGMENT}|\{{client_id\}}))+$"
)


SECRET_CONVENTION = re.compile(
    r"^/bank/\{env\}/(?:core|kyc|aml|payments|credit|risk|platform|app)/"
    rf"(?:\{{client_id\}}-)?{_SEGMENT}$"
)


def fill(name: str, values: Mapping[str, str]) -> str:
    """Replace the placeholders that `values` knows; leave the others."""
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), name)


def without_placeholders(name: str) -> str:
    """The name as it is in every stack: placeholders gone, with the separators beside them."""
    return re.sub(r"[-/_]?\{[a-z_]+\}", "", name)


def placeholders(name: str) -> set[str]:
    """The placeholders in a name."""
    return set(PLACEHOLDER.findall(name))


def ssm_fault(name: str) -> str | None:
    """Which of AWS's rules a filled-in parameter name breaks, or None."""
    segments = name.strip("/").split("/")
    if not SSM_NAME.fullmatch(name):
        return "AWS takes letters, digits and . - _ / only, after a leading /"
    if len(segments) > SSM_MAXIMUM_LEVELS:
        return f"AWS takes at most {SSM_MAXIMUM_LEVELS} levels, this has {len(segments)}"
    if len(name) > SSM_MAXIMUM_LENGTH:
        return f"AWS takes at most {SSM_MAXIMUM_LENGTH} characters here, this has {len(name)}"
    if segments[0].lower().startswith(("aws", "ssm")):
        return "AWS reserves names that begin with aws or ssm"
    if "" in segments:
        return "a level of the path is empty"
    return None
