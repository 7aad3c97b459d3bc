"""The served types by token. A module is loaded when a type of its own is first asked for."""

from __future__ import annotations

import functools
import importlib

from totara_infra.local.provider.resource import ResourceType

MODULES = {
    # module of this package -> service in the token, names of the types
    "alarms": ("cloudwatch", "CompositeAlarm MetricAlarm"),
    "appconfig": (
        "appconfig",
        "Application ConfigurationProfile Environment HostedConfigurationVersion",
    ),
    "backup": ("backup", "Plan Selection Vault"),
    "bucket_settings": (
        "s3",
        "BucketLifecycleConfiguration BucketObjectLockConfiguration BucketOwnershipControls"
        " BucketPolicy BucketPublicAccessBlock BucketServerSideEncryptionConfiguration"
        " BucketVersioning",
    ),
    "buckets": ("s3", "Bucket"),
    "deployments": ("appconfig", "Deployment DeploymentStrategy"),
    "events": ("cloudwatch", "EventArchive EventBus EventBusPolicy EventRule EventTarget"),
    "functions": ("lambda", "Function Permission"),
    "iam": ("iam", "Policy Role RolePolicy RolePolicyAttachment"),
    "kms": ("kms", "Alias Key"),
    "logs": ("cloudwatch", "LogGroup LogSubscriptionFilter"),
    "queues": ("sqs", "Queue QueuePolicy"),
    "secretsmanager": ("secretsmanager", "Secret"),
    "ssm": ("ssm", "Parameter"),
    "topics": ("sns", "Topic TopicPolicy TopicSubscription"),
    "user_pool_parts": ("cognito", "ResourceServer UserGroup UserPoolClient"),
    "user_pools": ("cognito", "UserPool"),
}


@functools.cache
def _modules() -> dict[str, str]:
    return {
        f"aws:{service}/{name[:1].lower()}{name[1:]}:{name}": module
        for module, (service, names) in MODULES.items()
        for name in names.split()
    }


def tokens() -> list[str]:
    """Return the tokens of all served types, such as `aws:ssm/parameter:Parameter`."""
    return sorted(_modules())


@functools.cache
def resource_type(token: str) -> ResourceType | None:
    """Return the type of `token`, or None when it is not served."""
    if token not in _modules():
        return None
    module = importlib.import_module(f"totara_infra.local.provider.{_modules()[token]}")
    types: tuple[ResourceType, ...] = module.TYPES
    return next(kind for kind in types if kind.token == token)
