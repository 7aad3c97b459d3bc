"""Which member of which API call each property of the blueprint becomes.

Most properties are a call's member in another spelling (`kms_key_id`, `KmsKeyId`). The tables say
the others: as `Member`, as `Operation.Member` where another call of the same service takes it, or
as None where no call does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Calls:
    """How one resource type is made.

    Attributes:
        service: botocore's name of the service.
        operation: the call that makes it; `A.b` where the properties are members of `b` in `A`.
        members: property -> member, at any depth, where more than the spelling differs.
    """

    service: str
    operation: str
    members: Mapping[str, str | None] = field(default_factory=dict)


REGION = {"region": None}
"""The region is a part of the address of a call."""

CALLS: Mapping[str, Calls] = {
    "aws:appconfig/application:Application": Calls("appconfig", "CreateApplication"),
    "aws:appconfig/configurationProfile:ConfigurationProfile": Calls(
        "appconfig", "CreateConfigurationProfile"
    ),
    "aws:appconfig/deployment:Deployment": Calls("appconfig", "StartDeployment"),
    "aws:appconfig/deploymentStrategy:DeploymentStrategy": Calls(
        "appconfig", "CreateDeploymentStrategy"
    ),
    "aws:appconfig/environment:Environment": Calls("appconfig", "CreateEnvironment"),
    "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion": Calls(
        "appconfig", "CreateHostedConfigurationVersion"
    ),
    "aws:backup/plan:Plan": Calls(
        "backup",
        "CreateBackupPlan.BackupPlan",
        {
            "name": "BackupPlanName",
            "tags": "CreateBackupPlan.BackupPlanTags",
            "target_vault_name": "TargetBackupVaultName",
            "schedule": "ScheduleExpression",
            "start_window": "StartWindowMinutes",
            "completion_window": "CompletionWindowMinutes",
            "delete_after": "DeleteAfterDays",
            "cold_storage_after": "MoveToColdStorageAfterDays",
            "destination_vault_arn": "DestinationBackupVaultArn",
        },
    ),
    "aws:backup/selection:Selection": Calls(
        "backup",
        "CreateBackupSelection.BackupSelection",
        {
            "name": "SelectionName",
            "plan_id": "CreateBackupSelection.BackupPlanId",
            "selection_tags": "ListOfTags",
            "type": "ConditionType",
            "key": "ConditionKey",
            "value": "ConditionValue",
        },
    ),
    "aws:backup/vault:Vault": Calls(
        "backup",
        "CreateBackupVault",
        {
            "name": "BackupVaultName",
            "kms_key_arn": "EncryptionKeyArn",
            "tags": "BackupVaultTags",
            "force_destroy": None,
            **REGION,
        },
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Calls(
        "backup", "PutBackupVaultLockConfiguration", REGION
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Calls("cloudwatch", "PutCompositeAlarm"),
    "aws:cloudwatch/eventArchive:EventArchive": Calls(
        "events", "CreateArchive", {"name": "ArchiveName"}
    ),
    "aws:cloudwatch/eventBus:EventBus": Calls("events", "CreateEventBus"),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": Calls("events", "PutPermission"),
    "aws:cloudwatch/logGroup:LogGroup": Calls(
        "logs",
        "CreateLogGroup",
        {"name": "logGroupName", "retention_in_days": "PutRetentionPolicy.retentionInDays"},
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Calls(
        "cloudwatch", "PutMetricAlarm", {"name": "AlarmName"}
    ),
    "aws:cognito/resourceServer:ResourceServer": Calls("cognito-idp", "CreateResourceServer"),
    "aws:cognito/userGroup:UserGroup": Calls("cognito-idp", "CreateGroup", {"name": "GroupName"}),
    "aws:cognito/userPool:UserPool": Calls(
        "cognito-idp",
        "CreateUserPool",
        {
            "name": "PoolName",
            "schemas": "Schema",
            "tags": "UserPoolTags",
            "password_policy": "Policies.PasswordPolicy",
            "attributes_require_verification_before_updates": (
                "AttributesRequireVerificationBeforeUpdate"
            ),
            "software_token_mfa_configuration": (
                "SetUserPoolMfaConfig.SoftwareTokenMfaConfiguration"
            ),
        },
    ),
    "aws:cognito/userPoolClient:UserPoolClient": Calls(
        "cognito-idp", "CreateUserPoolClient", {"name": "ClientName"}
    ),
    "aws:iam/policy:Policy": Calls(
        "iam", "CreatePolicy", {"name": "PolicyName", "policy": "PolicyDocument"}
    ),
    "aws:iam/role:Role": Calls(
        "iam",
        "CreateRole",
        {"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"},
    ),
    "aws:iam/rolePolicy:RolePolicy": Calls(
        "iam",
        "PutRolePolicy",
        {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Calls(
        "iam", "AttachRolePolicy", {"role": "RoleName"}
    ),
    "aws:kms/alias:Alias": Calls("kms", "CreateAlias", {"name": "AliasName", **REGION}),
    "aws:kms/key:Key": Calls(
        "kms",
        "CreateKey",
        {
            "deletion_window_in_days": "ScheduleKeyDeletion.PendingWindowInDays",
            "enable_key_rotation": None,
            **REGION,
        },
    ),
    "aws:lambda/function:Function": Calls(
        "lambda",
        "CreateFunction",
        {
            "name": "FunctionName",
            "code": None,
            "reserved_concurrent_executions": (
                "PutFunctionConcurrency.ReservedConcurrentExecutions"
            ),
        },
    ),
    "aws:lambda/permission:Permission": Calls(
        "lambda", "AddPermission", {"function": "FunctionName"}
    ),
    "aws:s3/bucket:Bucket": Calls(
        "s3",
        "CreateBucket",
        {
            "object_lock_enabled": "ObjectLockEnabledForBucket",
            "tags": "PutBucketTagging.Tagging.TagSet",
            "force_destroy": None,
        },
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Calls(
        "s3",
        "PutBucketLifecycleConfiguration.LifecycleConfiguration",
        {"bucket": "PutBucketLifecycleConfiguration.Bucket"},
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Calls(
        "s3",
        "PutObjectLockConfiguration.ObjectLockConfiguration",
        {"bucket": "PutObjectLockConfiguration.Bucket"},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Calls("s3", "PutBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Calls(
        "s3",
        "PutPublicAccessBlock.PublicAccessBlockConfiguration",
        {"bucket": "PutPublicAccessBlock.Bucket"},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Calls(
        "s3",
        "PutBucketEncryption.ServerSideEncryptionConfiguration",
        {
            "bucket": "PutBucketEncryption.Bucket",
            "kms_master_key_id": "KMSMasterKeyID",
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Calls(
        "s3",
        "PutBucketVersioning",
        {"versioning_configuration": "VersioningConfiguration"},
    ),
    "aws:secretsmanager/secret:Secret": Calls(
        "secretsmanager",
        "CreateSecret",
        {
            "recovery_window_in_days": "DeleteSecret.RecoveryWindowInDays",
            "policy": "PutResourcePolicy.ResourcePolicy",
        },
    ),
    # What SNS and SQS call attributes are texts in a map, of which the model says nothing.
    "aws:sns/topic:Topic": Calls("sns", "CreateTopic", {"kms_master_key_id": None}),
    "aws:sns/topicPolicy:TopicPolicy": Calls(
        "sns", "SetTopicAttributes", {"arn": "TopicArn", "policy": "AttributeValue"}
    ),
    "aws:sns/topicSubscription:TopicSubscription": Calls(
        "sns",
        "Subscribe",
        {"topic": "TopicArn", "filter_policy": None, "raw_message_delivery": None},
    ),
    "aws:sqs/queue:Queue": Calls(
        "sqs",
        "CreateQueue",
        {
            "name": "QueueName",
            "message_retention_seconds": None,
            "sqs_managed_sse_enabled": None,
        },
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Calls("sqs", "SetQueueAttributes", {"policy": None}),
    "aws:ssm/parameter:Parameter": Calls("ssm", "PutParameter", {"insecure_value": "Value"}),
}
"""Type token -> its calls."""
