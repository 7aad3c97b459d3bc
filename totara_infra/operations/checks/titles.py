"""What a resource's check is called, by type, in the groups in which the checklist shows them."""

from __future__ import annotations

EVENT_BUSES = {
    "aws:cloudwatch/eventBus:EventBus": "event bus",
    "aws:cloudwatch/eventArchive:EventArchive": "event archive",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": "event bus policy",
    "aws:sqs/queue:Queue": "queue",
    "aws:sqs/queuePolicy:QueuePolicy": "queue policy",
}
BUCKETS = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketVersioning:BucketVersioning": "bucket versioning",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "bucket encryption"
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket public access",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket policy",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket lifecycle",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "bucket object lock",
}
BACKUPS = {
    "aws:backup/vault:Vault": "backup vault",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": "vault lock",
    "aws:backup/plan:Plan": "backup plan",
    "aws:backup/selection:Selection": "backup selection",
}
SECRETS = {"aws:secretsmanager/secret:Secret": "secret"}
KEYS = {"aws:kms/key:Key": "encryption key", "aws:kms/alias:Alias": "key alias"}
LOG_GROUPS = {"aws:cloudwatch/logGroup:LogGroup": "log group"}
PARAMETERS = {"aws:ssm/parameter:Parameter": "parameter"}
APP_CONFIG = {
    "aws:appconfig/application:Application": "AppConfig application",
    "aws:appconfig/environment:Environment": "AppConfig environment",
    "aws:appconfig/configurationProfile:ConfigurationProfile": "AppConfig profile",
    "aws:appconfig/deploymentStrategy:DeploymentStrategy": "AppConfig strategy",
}
SIGN_IN = {
    "aws:cognito/userPool:UserPool": "user pool",
    "aws:cognito/userPoolClient:UserPoolClient": "app client",
    "aws:cognito/userGroup:UserGroup": "user group",
    "aws:cognito/resourceServer:ResourceServer": "resource server",
}
FUNCTIONS = {
    "aws:lambda/function:Function": "function",
    "aws:lambda/permission:Permission": "function permission",
}
"""Shown with what they serve, which their kind says."""
TOPICS = {"aws:sns/topic:Topic": "topic", "aws:sns/topicPolicy:TopicPolicy": "topic policy"}
ROLES = {
    "aws:iam/role:Role": "role",
    "aws:iam/rolePolicy:RolePolicy": "role policy",
    "aws:iam/policy:Policy": "managed policy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policy attachment",
}
ALARMS = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": "alarm",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "composite alarm",
    "aws:sns/topicSubscription:TopicSubscription": "topic subscription",
}

GROUPED = frozenset(
    token
    for group in (
        BACKUPS, EVENT_BUSES, BUCKETS, SECRETS, KEYS, LOG_GROUPS, PARAMETERS, APP_CONFIG, SIGN_IN,
        TOPICS, ROLES, ALARMS, FUNCTIONS,
    )
    for token in group
)  # fmt: skip
"""Types that have a place in the checklist; all others are checked together."""
