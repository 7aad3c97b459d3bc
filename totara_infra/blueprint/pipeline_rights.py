"""The calls that each type of resource takes, and on which names.

Neither roles nor managed policies are among them: an organisation policy denies the pipeline to
create roles, and whoever may write policies may read everything. Stacks with `roles: create` go up
under the bootstrap identity; for others `totara pipeline bootstrap` makes the policies. The policy
of a key is given when the key is made and can't be changed by the pipeline afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Rights:
    """The calls that a type of resource takes.

    Attributes:
        read: calls that look.
        write: calls that create, change and delete.
        resources: resource parts of ARNs, `{env}` filled in; `*` where AWS takes no names or
            gives them itself.
    """

    read: tuple[str, ...]
    write: tuple[str, ...]
    resources: tuple[str, ...]


_TAGGED = ("TagResource", "UntagResource")
_APPCONFIG = ("application/*", "deploymentstrategy/*")
_QUEUE = ("bank-*",)
_POOL = ("userpool/*",)
_BACKUP = ("backup-vault:bank-{env}-*", "backup-plan:*")
_BUCKET = ("bank-{env}-*",)
_EVENTS = ("event-bus/bank-*", "archive/bank-*")
_FUNCTION = ("function:bank-alarm-router-{env}", "function:bank-pre-token-generation-*-{env}")
"""The stack's own. Modules deploy theirs, under roles that read secrets."""
_TOPIC = ("bank-*-{env}", "mod076-alarm-intake")


def _calls(service: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names)


def _appconfig(name: str, *further: str) -> Rights:
    return Rights(
        _calls("appconfig", f"Get{name}", f"List{name}s", "ListTagsForResource"),
        _calls("appconfig", f"Create{name}", f"Update{name}", f"Delete{name}", *further, *_TAGGED),
        _APPCONFIG,
    )


def _alarm() -> Rights:
    return Rights(
        _calls("cloudwatch", "DescribeAlarms", "ListTagsForResource"),
        _calls("cloudwatch", "PutMetricAlarm", "PutCompositeAlarm", "DeleteAlarms", *_TAGGED),
        ("alarm:*",),
    )


def _bucket_part(*names: str) -> Rights:
    return Rights(
        _calls("s3", *(f"Get{name}" for name in names)),
        _calls("s3", *(f"Put{name}" for name in names)),
        _BUCKET,
    )


RIGHTS: Mapping[str, Rights] = {
    "aws:appconfig/application:Application": _appconfig("Application"),
    "aws:appconfig/configurationProfile:ConfigurationProfile": _appconfig(
        "ConfigurationProfile", "ValidateConfiguration"
    ),
    "aws:appconfig/deployment:Deployment": Rights(
        _calls("appconfig", "GetDeployment", "ListDeployments"),
        _calls("appconfig", "StartDeployment", "StopDeployment"),
        _APPCONFIG,
    ),
    "aws:appconfig/deploymentStrategy:DeploymentStrategy": Rights(
        _calls("appconfig", "GetDeploymentStrategy", "ListDeploymentStrategies"),
        _calls("appconfig", "CreateDeploymentStrategy", "UpdateDeploymentStrategy",
               "DeleteDeploymentStrategy"),
        _APPCONFIG,
    ),
    "aws:appconfig/environment:Environment": _appconfig("Environment"),
    "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion": Rights(
        _calls("appconfig", "GetHostedConfigurationVersion", "ListHostedConfigurationVersions"),
        _calls("appconfig", "CreateHostedConfigurationVersion",
               "DeleteHostedConfigurationVersion"),
        _APPCONFIG,
    ),
    "aws:backup/plan:Plan": Rights(
        _calls("backup", "GetBackupPlan", "ListTags"),
        _calls("backup", "CreateBackupPlan", "UpdateBackupPlan", "DeleteBackupPlan", *_TAGGED),
        _BACKUP,
    ),
    "aws:backup/selection:Selection": Rights(
        _calls("backup", "GetBackupSelection", "ListBackupSelections"),
        _calls("backup", "CreateBackupSelection", "DeleteBackupSelection"),
        _BACKUP,
    ),
    "aws:backup/vault:Vault": Rights(
        _calls("backup", "DescribeBackupVault", "ListRecoveryPointsByBackupVault", "ListTags"),
        _calls("backup", "CreateBackupVault", "DeleteBackupVault", *_TAGGED),
        _BACKUP,
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Rights(
        _calls("backup", "DescribeBackupVault"),
        _calls("backup", "PutBackupVaultLockConfiguration",
               "DeleteBackupVaultLockConfiguration"),
        _BACKUP,
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _alarm(),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm(),
    "aws:cloudwatch/eventArchive:EventArchive": Rights(
        _calls("events", "DescribeArchive"),
        _calls("events", "CreateArchive", "UpdateArchive", "DeleteArchive"),
        _EVENTS,
    ),
    "aws:cloudwatch/eventBus:EventBus": Rights(
        _calls("events", "DescribeEventBus", "ListTagsForResource"),
        _calls("events", "CreateEventBus", "UpdateEventBus", "DeleteEventBus", *_TAGGED),
        _EVENTS,
    ),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": Rights(
        _calls("events", "DescribeEventBus"),
        _calls("events", "PutPermission", "RemovePermission"),
        _EVENTS,
    ),
    "aws:cloudwatch/logGroup:LogGroup": Rights(
        _calls("logs", "DescribeLogGroups", "ListTagsForResource"),
        _calls("logs", "CreateLogGroup", "DeleteLogGroup", "PutRetentionPolicy",
               "DeleteRetentionPolicy", "AssociateKmsKey", "DisassociateKmsKey", *_TAGGED),
        ("log-group:*",),
    ),
    "aws:cognito/resourceServer:ResourceServer": Rights(
        _calls("cognito-idp", "DescribeResourceServer", "ListResourceServers"),
        _calls("cognito-idp", "CreateResourceServer", "UpdateResourceServer",
               "DeleteResourceServer"),
        _POOL,
    ),
    "aws:cognito/userGroup:UserGroup": Rights(
        _calls("cognito-idp", "GetGroup", "ListGroups"),
        _calls("cognito-idp", "CreateGroup", "UpdateGroup", "DeleteGroup"),
        _POOL,
    ),
    "aws:cognito/userPool:UserPool": Rights(
        _calls("cognito-idp", "DescribeUserPool", "GetUserPoolMfaConfig", "ListTagsForResource"),
        _calls("cognito-idp", "CreateUserPool", "UpdateUserPool", "DeleteUserPool",
               "AddCustomAttributes", "SetUserPoolMfaConfig", *_TAGGED),
        _POOL,
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Rights(
        _calls("cognito-idp", "DescribeUserPoolClient", "ListUserPoolClients"),
        _calls("cognito-idp", "CreateUserPoolClient", "UpdateUserPoolClient",
               "DeleteUserPoolClient"),
        _POOL,
    ),
    "aws:iam/policy:Policy": Rights(
        _calls("iam", "GetPolicy", "GetPolicyVersion", "ListPolicyVersions", "ListPolicyTags"),
        (),
        ("policy/bank-*",),
    ),
    "aws:kms/alias:Alias": Rights(
        _calls("kms", "ListAliases"),
        _calls("kms", "CreateAlias", "UpdateAlias", "DeleteAlias"),
        ("alias/bank-{env}-*", "key/*"),
    ),
    "aws:kms/key:Key": Rights(
        _calls("kms", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"),
        _calls("kms", "EnableKeyRotation", "ScheduleKeyDeletion", "CancelKeyDeletion",
               "UpdateKeyDescription", *_TAGGED),
        ("key/*",),
    ),
    "aws:lambda/function:Function": Rights(
        _calls("lambda", "GetFunction", "GetFunctionConfiguration", "GetFunctionCodeSigningConfig",
               "ListVersionsByFunction", "ListTags"),
        _calls("lambda", "CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration",
               "DeleteFunction", *_TAGGED),
        _FUNCTION,
    ),
    "aws:lambda/permission:Permission": Rights(
        _calls("lambda", "GetPolicy"),
        _calls("lambda", "AddPermission", "RemovePermission"),
        _FUNCTION,
    ),
    "aws:s3/bucket:Bucket": Rights(
        _calls("s3", "ListBucket", "GetBucketLocation", "GetBucketTagging", "GetBucketAcl",
               "GetBucketCORS", "GetBucketWebsite", "GetBucketLogging", "GetBucketRequestPayment",
               "GetReplicationConfiguration", "GetAccelerateConfiguration"),
        _calls("s3", "CreateBucket", "DeleteBucket", "PutBucketTagging"),
        _BUCKET,
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket_part(
        "LifecycleConfiguration"
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _bucket_part(
        "BucketObjectLockConfiguration"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Rights(
        _calls("s3", "GetBucketPolicy", "GetBucketPolicyStatus"),
        _calls("s3", "PutBucketPolicy", "DeleteBucketPolicy"),
        _BUCKET,
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket_part(
        "BucketPublicAccessBlock"
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration":
        _bucket_part("EncryptionConfiguration"),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket_part("BucketVersioning"),
    "aws:secretsmanager/secret:Secret": Rights(
        _calls("secretsmanager", "DescribeSecret", "GetResourcePolicy"),
        _calls("secretsmanager", "CreateSecret", "UpdateSecret", "DeleteSecret", "RestoreSecret",
               "PutResourcePolicy", "DeleteResourcePolicy", "ValidateResourcePolicy", *_TAGGED),
        ("secret:/bank/{env}/*",),
    ),
    "aws:sns/topic:Topic": Rights(
        _calls("sns", "GetTopicAttributes", "ListTagsForResource"),
        _calls("sns", "CreateTopic", "DeleteTopic", "SetTopicAttributes", *_TAGGED),
        _TOPIC,
    ),
    "aws:sns/topicPolicy:TopicPolicy": Rights(
        _calls("sns", "GetTopicAttributes"), _calls("sns", "SetTopicAttributes"), _TOPIC
    ),
    "aws:sns/topicSubscription:TopicSubscription": Rights(
        _calls("sns", "GetSubscriptionAttributes", "ListSubscriptionsByTopic"),
        _calls("sns", "Subscribe", "Unsubscribe", "SetSubscriptionAttributes"),
        _TOPIC,
    ),
    "aws:sqs/queue:Queue": Rights(
        _calls("sqs", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags"),
        _calls("sqs", "CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue",
               "UntagQueue"),
        _QUEUE,
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Rights(
        _calls("sqs", "GetQueueAttributes"), _calls("sqs", "SetQueueAttributes"), _QUEUE
    ),
    "aws:ssm/parameter:Parameter": Rights(
        _calls("ssm", "GetParameter", "GetParameters", "GetParametersByPath",
               "ListTagsForResource"),
        _calls("ssm", "PutParameter", "DeleteParameter", "AddTagsToResource",
               "RemoveTagsFromResource"),
        ("parameter/bank/{env}/*",),
    ),
}  # fmt: skip
"""Type -> its calls."""
BOOTSTRAP_TYPES = frozenset(
    {
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    }
)
"""What the bootstrap identity makes, and the pipeline must not."""
