"""How each type is deleted by hand, and which one of the type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.drift.cloud import Cloud
from totara_infra.blueprint import PlannedResource

Delete = Callable[[Cloud, PlannedResource], Any]


def _bucket_setting(call: str) -> Delete:
    def delete(c: Cloud, r: PlannedResource) -> None:
        getattr(c.s3, call)(Bucket=c.name(c.target(r, "bucket")))

    return delete


def _lock(c: Cloud, r: PlannedResource) -> None:
    c.s3.put_object_lock_configuration(
        Bucket=c.name(c.target(r, "bucket")),
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
    )


def _attribute(service: str, name: str) -> Delete:
    def delete(c: Cloud, r: PlannedResource) -> None:
        if service == "sqs":
            url = c.queue(c.target(r, "queue_url"))
            c.sqs.set_queue_attributes(QueueUrl=url, Attributes={name: ""})
        else:
            arn = c.topic(c.target(r, "arn"))
            c.sns.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue="")

    return delete


def _selection(c: Cloud, r: PlannedResource) -> None:
    where = {"BackupPlanId": c.backup_plan(c.target(r, "plan_id"))}
    for found in c.backup.list_backup_selections(**where)["BackupSelectionsList"]:
        c.backup.delete_backup_selection(**where, SelectionId=found["SelectionId"])


def _role(c: Cloud, r: PlannedResource) -> None:
    name = c.name(r)
    for policy in c.iam.list_role_policies(RoleName=name)["PolicyNames"]:
        c.iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in c.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        c.iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    c.iam.delete_role(RoleName=name)


def _policy(c: Cloud, r: PlannedResource) -> None:
    arn = c.policy(r)
    for role in c.iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]:
        c.iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    c.iam.delete_policy(PolicyArn=arn)


def _attachment(c: Cloud, r: PlannedResource) -> None:
    c.iam.detach_role_policy(
        RoleName=c.name(c.target(r, "role")), PolicyArn=c.policy(c.target(r, "policy_arn"))
    )


def _profile(c: Cloud, r: PlannedResource) -> None:
    ids = c.in_application(r)
    place = {k: ids[k] for k in ("ApplicationId", "ConfigurationProfileId")}
    for version in c.appconfig.list_hosted_configuration_versions(**place)["Items"]:
        c.appconfig.delete_hosted_configuration_version(
            **place, VersionNumber=version["VersionNumber"]
        )
    c.appconfig.delete_configuration_profile(**place)


def _bus(c: Cloud, r: PlannedResource) -> None:
    # The emulator keeps the policy of a bus that is gone, and gives it to the next one of the name.
    c.events.remove_permission(EventBusName=c.name(r), RemoveAllPermissions=True)
    c.events.delete_event_bus(Name=c.name(r))


def _version(c: Cloud, r: PlannedResource) -> None:
    ids = c.in_application(r)
    place = {k: ids[k] for k in ("ApplicationId", "ConfigurationProfileId")}
    c.appconfig.delete_hosted_configuration_version(**place, VersionNumber=1)


def _application(c: Cloud, r: PlannedResource) -> None:
    identifier = c.application(r)
    for profile in c.appconfig.list_configuration_profiles(ApplicationId=identifier)["Items"]:
        place = {"ApplicationId": identifier, "ConfigurationProfileId": profile["Id"]}
        for version in c.appconfig.list_hosted_configuration_versions(**place)["Items"]:
            c.appconfig.delete_hosted_configuration_version(
                **place, VersionNumber=version["VersionNumber"]
            )
        c.appconfig.delete_configuration_profile(**place)
    for found in c.appconfig.list_environments(ApplicationId=identifier)["Items"]:
        c.appconfig.delete_environment(ApplicationId=identifier, EnvironmentId=found["Id"])
    c.appconfig.delete_application(ApplicationId=identifier)


DELETIONS: dict[str, tuple[int, Delete]] = {
    "Parameter": (60, lambda c, r: c.ssm.delete_parameter(Name=c.name(r))),
    "Secret": (
        7,
        lambda c, r: c.secretsmanager.delete_secret(
            SecretId=c.name(r), ForceDeleteWithoutRecovery=True
        ),
    ),
    "Alias": (1, lambda c, r: c.kms.delete_alias(AliasName=c.name(r))),
    "QueuePolicy": (2, _attribute("sqs", "Policy")),
    "Queue": (1, lambda c, r: c.sqs.delete_queue(QueueUrl=c.queue(r))),
    "Topic": (1, lambda c, r: c.sns.delete_topic(TopicArn=c.topic(r))),
    # A member of a group can't go before the group.
    "MetricAlarm": (-1, lambda c, r: c.cloudwatch.delete_alarms(AlarmNames=[c.name(r)])),
    "CompositeAlarm": (0, lambda c, r: c.cloudwatch.delete_alarms(AlarmNames=[c.name(r)])),
    "TopicSubscription": (0, lambda c, r: c.sns.unsubscribe(SubscriptionArn=c.subscription(r))),
    "TopicPolicy": (0, _attribute("sns", "Policy")),
    "EventArchive": (4, lambda c, r: c.events.delete_archive(ArchiveName=c.name(r))),
    "EventBusPolicy": (
        5,
        lambda c, r: c.events.remove_permission(
            EventBusName=c.name(c.target(r, "event_bus_name")), RemoveAllPermissions=True
        ),
    ),
    "EventBus": (6, _bus),
    "LogGroup": (4, lambda c, r: c.logs.delete_log_group(logGroupName=c.name(r))),
    "BucketPublicAccessBlock": (1, _bucket_setting("delete_public_access_block")),
    "BucketPolicy": (1, _bucket_setting("delete_bucket_policy")),
    "BucketObjectLockConfiguration": (0, _lock),
    "BucketLifecycleConfiguration": (1, _bucket_setting("delete_bucket_lifecycle")),
    "Bucket": (2, lambda c, r: c.s3.delete_bucket(Bucket=c.name(r))),
    "Selection": (1, _selection),
    "Plan": (0, lambda c, r: c.backup.delete_backup_plan(BackupPlanId=c.backup_plan(r))),
    "Vault": (0, lambda c, r: c.backup.delete_backup_vault(BackupVaultName=c.name(r))),
    "RolePolicy": (
        1,
        lambda c, r: c.iam.delete_role_policy(
            RoleName=c.name(c.target(r, "role")), PolicyName=c.name(r)
        ),
    ),
    "RolePolicyAttachment": (0, _attachment),
    "Role": (5, _role),
    "Policy": (2, _policy),
    "Permission": (
        1,
        lambda c, r: c.lambda_.remove_permission(
            FunctionName=c.name(c.target(r, "function")),
            StatementId=r.properties["statement_id"],
        ),
    ),
    "Function": (0, lambda c, r: c.lambda_.delete_function(FunctionName=c.name(r))),
    "UserGroup": (
        0,
        lambda c, r: c.cognito_idp.delete_group(UserPoolId=c.pool_of(r), GroupName=c.name(r)),
    ),
    "UserPoolClient": (
        1,
        lambda c, r: c.cognito_idp.delete_user_pool_client(**c.client(r)),
    ),
    "ResourceServer": (
        0,
        lambda c, r: c.cognito_idp.delete_resource_server(
            UserPoolId=c.pool_of(r), Identifier=r.properties["identifier"]
        ),
    ),
    "UserPool": (1, lambda c, r: c.cognito_idp.delete_user_pool(UserPoolId=c.pool(r))),
    "HostedConfigurationVersion": (3, _version),
    "ConfigurationProfile": (5, _profile),
    "Application": (7, _application),
}
"""Shape -> which resource of the type, and how. Children come before what they belong to."""
