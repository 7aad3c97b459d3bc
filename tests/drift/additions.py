"""Things that somebody added: with our tags, with our names, or to what is ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.drift.cloud import STRANGER, Cloud
from totara_infra.model.stack import PROJECT

Expected = set[tuple[str, str, str]]
ADDITIONS: dict[str, Callable[[Cloud], AbstractContextManager[Expected]]] = {}


def addition(function: Callable[[Cloud], Iterator[Expected]]) -> None:
    ADDITIONS[function.__name__.removeprefix("_")] = contextmanager(function)


def unexpected(thing: str) -> tuple[str, str, str]:
    return "unexpected", thing, ""


def tags() -> dict[str, str]:
    return {"managed_by": PROJECT, "env": "local"}


def pairs() -> list[dict[str, str]]:
    return [{"Key": k, "Value": v} for k, v in tags().items()]


@addition
def _in_the_namespaces(c):
    c.ssm.put_parameter(Name="/bank/local/payment-router/forgotten", Value="x", Type="SecureString")
    c.secretsmanager.create_secret(Name="/bank/local/core/forgotten", SecretString="x")
    c.s3.create_bucket(
        Bucket="bank-local-forgotten",
        CreateBucketConfiguration={"LocationConstraint": c.settings.region},
    )
    key = c.kms.create_key(Description="x")["KeyMetadata"]["KeyId"]
    c.kms.create_alias(AliasName="alias/bank-local-forgotten", TargetKeyId=key)
    # Names of another environment, and things without a name or tag of ours, are not our business.
    c.ssm.put_parameter(Name="/bank/dev/payment-router/other", Value="x", Type="String")
    c.sqs.create_queue(QueueName="somebody-elses")
    yield {
        unexpected("Parameter /bank/local/payment-router/forgotten"),
        unexpected("Secret /bank/local/core/forgotten"),
        unexpected("Bucket bank-local-forgotten"),
        unexpected("Alias alias/bank-local-forgotten"),
    }
    c.ssm.delete_parameter(Name="/bank/local/payment-router/forgotten")
    c.ssm.delete_parameter(Name="/bank/dev/payment-router/other")
    c.secretsmanager.delete_secret(
        SecretId="/bank/local/core/forgotten", ForceDeleteWithoutRecovery=True
    )
    c.s3.delete_bucket(Bucket="bank-local-forgotten")
    c.kms.delete_alias(AliasName="alias/bank-local-forgotten")
    c.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    c.sqs.delete_queue(QueueUrl=c.sqs.get_queue_url(QueueName="somebody-elses")["QueueUrl"])


@addition
def _with_our_tags(c):
    queue = c.sqs.create_queue(QueueName="tagged", tags=tags())["QueueUrl"]
    topic = c.sns.create_topic(Name="tagged", Tags=pairs())["TopicArn"]
    c.events.create_event_bus(Name="tagged", Tags=pairs())
    c.logs.create_log_group(logGroupName="/aws/bank-tagged", tags=tags())
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "lambda.amazonaws.com"},
            }
        ],
    }
    c.iam.create_role(RoleName="Tagged", AssumeRolePolicyDocument=json.dumps(trust), Tags=pairs())
    rights = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    policy = c.iam.create_policy(
        PolicyName="bank-tagged", PolicyDocument=json.dumps(rights), Tags=pairs()
    )["Policy"]["Arn"]
    key = c.kms.create_key(
        Description="tagged", Tags=[{"TagKey": k, "TagValue": v} for k, v in tags().items()]
    )["KeyMetadata"]["KeyId"]
    application = c.appconfig.create_application(Name="tagged", Tags=tags())["Id"]
    c.backup.create_backup_vault(BackupVaultName="tagged", BackupVaultTags=tags())
    pool = c.cognito_idp.create_user_pool(PoolName="bank-tagged", UserPoolTags=tags())
    c.cloudwatch.put_metric_alarm(
        AlarmName="bank-tagged", Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum",
        Period=60, EvaluationPeriods=1, Threshold=1, Tags=pairs(),
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    c.cloudwatch.put_composite_alarm(
        AlarmName="bank-tagged-too", AlarmRule='ALARM("bank-tagged")', Tags=pairs()
    )
    yield {
        unexpected("MetricAlarm bank-tagged"),
        unexpected("CompositeAlarm bank-tagged-too"),
        unexpected("Queue tagged"),
        unexpected("Topic tagged"),
        unexpected("EventBus tagged"),
        unexpected("LogGroup /aws/bank-tagged"),
        unexpected("Role Tagged"),
        unexpected("Policy bank-tagged"),
        unexpected(f"Key {key}"),
        unexpected("Application tagged"),
        unexpected("Vault tagged"),
        unexpected("UserPool bank-tagged"),
    }
    c.sqs.delete_queue(QueueUrl=queue)
    c.sns.delete_topic(TopicArn=topic)
    c.events.delete_event_bus(Name="tagged")
    c.logs.delete_log_group(logGroupName="/aws/bank-tagged")
    c.iam.delete_role(RoleName="Tagged")
    c.iam.delete_policy(PolicyArn=policy)
    c.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    c.appconfig.delete_application(ApplicationId=application)
    c.backup.delete_backup_vault(BackupVaultName="tagged")
    c.cognito_idp.delete_user_pool(UserPoolId=pool["UserPool"]["Id"])
    c.cloudwatch.delete_alarms(AlarmNames=["bank-tagged-too"])
    c.cloudwatch.delete_alarms(AlarmNames=["bank-tagged"])


@addition
def _an_ear_at_the_alerts(c):
    """Somebody else's queue hears of every alert."""
    topic = c.blueprint.scope.arn("sns", "bank-platform-alerts-local")
    listener = c.sns.subscribe(
        TopicArn=topic, Protocol="sqs", ReturnSubscriptionArn=True,
        Endpoint=f"arn:aws:sqs:ap-southeast-2:{STRANGER}:listener",
    )["SubscriptionArn"]  # fmt: skip
    yield {unexpected("TopicSubscription bank-platform-alerts-local/listener")}
    c.sns.unsubscribe(SubscriptionArn=listener)


@addition
def _to_what_is_ours(c):
    role = c.name(c.of("aws:iam/role:Role", 2))
    bus = c.of("aws:cloudwatch/eventBus:EventBus")
    function = c.name(c.of("aws:lambda/function:Function"))
    resource = c.of("aws:cognito/userPool:UserPool")
    pool, pool_name = c.pool(resource), c.name(resource)
    application = c.application(c.of("aws:appconfig/application:Application"))
    rights = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    c.iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=json.dumps(rights))
    admin = c.iam.create_policy(PolicyName="strange", PolicyDocument=json.dumps(rights))
    admin_arn = admin["Policy"]["Arn"]
    c.iam.attach_role_policy(RoleName=role, PolicyArn=admin_arn)
    c.events.create_archive(ArchiveName="second", EventSourceArn=c.arn(bus), RetentionDays=1)
    c.lambda_.add_permission(
        FunctionName=function, StatementId="Everybody", Action="lambda:InvokeFunction",
        Principal="*",
    )  # fmt: skip
    client = c.cognito_idp.create_user_pool_client(UserPoolId=pool, ClientName="strange")
    plan = c.of("aws:backup/plan:Plan")
    place = {"BackupPlanId": c.backup_plan(plan)}
    selection = c.backup.create_backup_selection(
        **place, BackupSelection={"SelectionName": "strange", "IamRoleArn": "arn:aws:iam::1:role/x"}
    )["SelectionId"]
    c.cognito_idp.create_group(UserPoolId=pool, GroupName="strange")
    c.cognito_idp.create_resource_server(UserPoolId=pool, Identifier="strange", Name="x")
    profile = c.appconfig.create_configuration_profile(
        ApplicationId=application, Name="strange", LocationUri="hosted"
    )["Id"]
    name = c.name(c.of("aws:appconfig/application:Application"))
    yield {
        unexpected(f"RolePolicy {role}/more"),
        unexpected(f"Selection {c.name(plan)}/strange"),
        unexpected(f"RolePolicyAttachment {role}/strange"),
        unexpected("EventArchive second"),
        unexpected(f"Permission {function}/Everybody"),
        unexpected(f"UserPoolClient {pool_name}/strange"),
        unexpected(f"UserGroup {pool_name}/strange"),
        unexpected(f"ResourceServer {pool_name}/strange"),
        unexpected(f"ConfigurationProfile {name}/strange"),
    }
    c.iam.delete_role_policy(RoleName=role, PolicyName="more")
    c.iam.detach_role_policy(RoleName=role, PolicyArn=admin_arn)
    c.iam.delete_policy(PolicyArn=admin_arn)
    c.events.delete_archive(ArchiveName="second")
    c.backup.delete_backup_selection(**place, SelectionId=selection)
    c.lambda_.remove_permission(FunctionName=function, StatementId="Everybody")
    c.cognito_idp.delete_user_pool_client(
        UserPoolId=pool, ClientId=client["UserPoolClient"]["ClientId"]
    )
    c.cognito_idp.delete_group(UserPoolId=pool, GroupName="strange")
    c.cognito_idp.delete_resource_server(UserPoolId=pool, Identifier="strange")
    c.appconfig.delete_configuration_profile(
        ApplicationId=application, ConfigurationProfileId=profile
    )


@addition
def _other_configuration_rolled_out(c):
    """Another version, rolled out: the version is unexpected, the roll-out is another one."""
    version = c.of("aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion", 3)
    deployment = c.of("aws:appconfig/deployment:Deployment", 3)
    ids = c.in_application(version)
    place = {k: ids[k] for k in ("ApplicationId", "ConfigurationProfileId")}
    target = {k: ids[k] for k in ("ApplicationId", "EnvironmentId")}
    content = json.loads(version.properties["content"])
    content["defaults"] = {}
    made = c.appconfig.create_hosted_configuration_version(
        **place, Content=json.dumps(content).encode(), ContentType="application/json"
    )["VersionNumber"]
    c.appconfig.start_deployment(
        **ids, DeploymentStrategyId=c.strategy, ConfigurationVersion=str(made),
        Tags=deployment.properties["tags"],
    )  # fmt: skip
    c.appconfig.tag_resource(ResourceArn=c.arn(deployment), Tags=deployment.properties["tags"])
    profile = c.target(version, "configuration_profile_id")
    application = c.name(c.target(version, "application_id"))
    yield {
        ("changed", deployment.name, "configuration_version"),
        unexpected(f"HostedConfigurationVersion {application}/{c.name(profile)}/{made}"),
    }
    c.appconfig.delete_hosted_configuration_version(**place, VersionNumber=made)
    right = c.appconfig.list_hosted_configuration_versions(**place)["Items"][0]["VersionNumber"]
    c.appconfig.start_deployment(
        **target, ConfigurationProfileId=ids["ConfigurationProfileId"],
        DeploymentStrategyId=c.strategy, ConfigurationVersion=str(right),
    )  # fmt: skip
    c.appconfig.tag_resource(ResourceArn=c.arn(deployment), Tags=deployment.properties["tags"])


@addition
def _twins(c):
    """Second things with a name of ours, as an update that was killed leaves them behind."""
    application = c.name(c.of("aws:appconfig/application:Application"))
    pool = c.name(c.of("aws:cognito/userPool:UserPool"))
    first = c.appconfig.create_application(Name=application)["Id"]
    second = c.cognito_idp.create_user_pool(PoolName=pool)["UserPool"]["Id"]
    yield {unexpected(f"Application {application}"), unexpected(f"UserPool {pool}")}
    c.appconfig.delete_application(ApplicationId=first)
    c.cognito_idp.delete_user_pool(UserPoolId=second)
