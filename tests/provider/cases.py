"""One case a type: its inputs, what can be changed, what replaces it, and a change elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.provider.provider_client import ACCOUNT, REGION, State
from totara_infra.local.provider.values import ARCHIVE, ASSET, SIGNATURE

Client = Callable[[str], Any]
Facts = dict[str, str]
Properties = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A type's life.

    Attributes:
        token: The type.
        inputs: What the program gives, from facts of `prepare`.
        change: Properties with other values that are changed in place; None where nothing can be.
        replace: Properties with other values that need a replacement.
        drift: Changes the live thing behind the provider's back.
        shows: The property under which that change must show, and nothing else.
        prepare: Makes what the thing needs, returns names and ids.
        outputs: Outputs that must be there after creating.
        tagged: Whether tags are given and expected.
        imported: The id for an import, where it is another than the provider's own.
        survives: A deleted thing can still be read in AWS (it is only forgotten).
        not_imported: Inputs that no API returns.
        unseen: Properties that the emulator does not give back.
        restorable: Whether the emulator can take the change elsewhere back by an update.
        collides: Whether a replacement needs the old thing gone first.
    """

    token: str
    inputs: Callable[[Facts], Properties]
    drift: Callable[[Client, State, Facts], Any]
    shows: str
    change: Callable[[Facts], Properties] | None = None
    replace: Callable[[Facts], Properties] | None = None
    prepare: Callable[[Client, str], Facts] = lambda _client, unique: {"name": unique}
    outputs: tuple[str, ...] = ("arn",)
    tagged: bool = True
    imported: Callable[[State], str] = lambda state: state.id
    survives: bool = False
    not_imported: frozenset[str] = frozenset()
    collides: bool = False
    unseen: frozenset[str] = frozenset()
    restorable: bool = True


def policy(resource: str = "*", action: str = "sqs:SendMessage", principal: Any = None) -> str:
    statement = {
        "Sid": "One",
        "Effect": "Allow",
        "Principal": principal or {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": [action],
        "Resource": resource,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def permissions(action: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(service: str) -> str:
    return policy(action="sts:AssumeRole", principal={"Service": service}).replace(
        '"Resource": "*"', '"Condition": {}'
    )


def archive(text: str) -> Properties:
    asset = {SIGNATURE: ASSET, "text": text, "hash": f"hash of {text}"}
    return {SIGNATURE: ARCHIVE, "assets": {"index.py": asset}, "hash": f"archive of {text}"}


def zip_of(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        target.writestr("index.py", text)
    return buffer.getvalue()


def arn(service: str, path: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{path}"


# --- what things need ---


def _application(client: Client, unique: str) -> Facts:
    app = client("appconfig").create_application(Name=unique)["Id"]
    other = client("appconfig").create_application(Name=f"{unique}-other")["Id"]
    return {"name": unique, "app": app, "other": other}


def _profile(client: Client, unique: str) -> Facts:
    facts = _application(client, unique)
    made = client("appconfig").create_configuration_profile(
        ApplicationId=facts["app"], Name=unique, LocationUri="hosted"
    )
    return {**facts, "profile": made["Id"]}


def _deployable(client: Client, unique: str) -> Facts:
    facts, appconfig = _profile(client, unique), client("appconfig")
    where = {"ApplicationId": facts["app"]}
    for content in (b'{"a": 1}', b'{"a": 2}'):
        appconfig.create_hosted_configuration_version(
            **where,
            ConfigurationProfileId=facts["profile"],
            Content=content,
            ContentType="application/json",
        )
    environment = appconfig.create_environment(**where, Name=unique)["Id"]
    strategy = appconfig.create_deployment_strategy(
        Name=unique,
        DeploymentDurationInMinutes=0,
        GrowthFactor=100.0,
        ReplicateTo="NONE",
        FinalBakeTimeInMinutes=0,
    )["Id"]
    return {**facts, "environment": environment, "strategy": strategy}


def _role(client: Client, unique: str) -> Facts:
    made = client("iam").create_role(
        RoleName=unique, AssumeRolePolicyDocument=trust("lambda.amazonaws.com")
    )
    client("iam").create_role(
        RoleName=f"{unique}-other", AssumeRolePolicyDocument=trust("lambda.amazonaws.com")
    )
    return {"name": unique, "role": unique, "role_arn": made["Role"]["Arn"]}


def _role_and_policy(client: Client, unique: str) -> Facts:
    made = client("iam").create_policy(PolicyName=unique, PolicyDocument=permissions("s3:Get*"))
    return {**_role(client, unique), "policy": made["Policy"]["Arn"]}


def _function(client: Client, unique: str) -> Facts:
    facts = _role(client, unique)
    made = client("lambda").create_function(
        FunctionName=unique,
        Role=facts["role_arn"],
        Runtime="python3.12",
        Handler="index.handler",
        Code={"ZipFile": zip_of("def handler(e, c): return e")},
    )
    return {**facts, "function": made["FunctionArn"]}


def _key(client: Client, unique: str) -> Facts:
    first, second = (client("kms").create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    return {"name": f"alias/{unique}", "key": first, "other": second}


def _bus(client: Client, unique: str) -> Facts:
    made = client("events").create_event_bus(Name=unique)
    client("events").create_event_bus(Name=f"{unique}-other")
    return {"name": unique, "bus": unique, "bus_arn": made["EventBusArn"]}


def _rule(client: Client, unique: str) -> Facts:
    facts = _bus(client, unique)
    client("events").put_rule(
        Name=unique, EventBusName=facts["bus"], EventPattern='{"source": ["totara"]}'
    )
    return {**facts, "rule": unique}


def _queue(client: Client, unique: str) -> Facts:
    url, other = (
        client("sqs").create_queue(QueueName=name)["QueueUrl"]
        for name in (unique, f"{unique}-other")
    )
    return {"name": unique, "url": url, "other": other, "queue_arn": arn("sqs", unique)}


def _topic(client: Client, unique: str) -> Facts:
    topic, other = (
        client("sns").create_topic(Name=name)["TopicArn"] for name in (unique, f"{unique}-other")
    )
    return {"name": unique, "topic": topic, "other": other}


def _topic_and_queue(client: Client, unique: str) -> Facts:
    return {**_topic(client, unique), "queue_arn": _queue(client, unique)["queue_arn"]}


def _log_group(client: Client, unique: str) -> Facts:
    group = f"/totara/{unique}"
    client("logs").create_log_group(logGroupName=group)
    return {**_function(client, unique), "group": group}


def _key_of_logs(client: Client, unique: str) -> Facts:
    return {"name": unique, "key": client("kms").create_key()["KeyMetadata"]["Arn"]}


def _pool(client: Client, unique: str) -> Facts:
    first, second = (
        client("cognito-idp").create_user_pool(PoolName=unique)["UserPool"]["Id"] for _ in range(2)
    )
    return {"name": unique, "pool": first, "other": second}


def _bucket(client: Client, unique: str) -> Facts:
    place = {"LocationConstraint": REGION}
    client("s3").create_bucket(Bucket=unique, CreateBucketConfiguration=place)
    client("s3").create_bucket(Bucket=f"{unique}-other", CreateBucketConfiguration=place)
    return {"name": unique, "bucket": unique}


def _locked_bucket(client: Client, unique: str) -> Facts:
    client("s3").create_bucket(
        Bucket=unique,
        CreateBucketConfiguration={"LocationConstraint": REGION},
        ObjectLockEnabledForBucket=True,
    )
    return {"name": unique, "bucket": unique}


def _other(name: str, key: str = "name") -> Callable[[Facts], Properties]:
    return lambda facts: {name: f"{facts[key]}-other"}


def _setting(
    name: str, inputs: Properties, change: Properties | None, drift: Any, shows: str, **more: Any
) -> Case:
    return Case(
        token=f"aws:s3/{name[:1].lower()}{name[1:]}:{name}",
        prepare=more.pop("prepare", _bucket),
        inputs=lambda facts: {"bucket": facts["bucket"], **inputs},
        change=None if change is None else lambda _facts: change,
        replace=_other("bucket", "bucket"),
        drift=drift,
        shows=shows,
        outputs=(),
        tagged=False,
        **more,
    )


def _vault(client: Client, unique: str) -> Facts:
    client("backup").create_backup_vault(BackupVaultName=unique)
    return {"name": unique, "vault": unique}


def _backup_rule(name: str = "every-day", keep: int = 35, **more: Any) -> Properties:
    return {
        "ruleName": name,
        "schedule": "cron(0 15 * * ? *)",
        "startWindow": 60,
        "completionWindow": 480,
        "enableContinuousBackup": False,
        "lifecycle": {"deleteAfter": keep},
        **more,
    }


def _plan_of(facts: Facts, *rules: Properties) -> Properties:
    rules = rules or (_backup_rule(),)
    return {
        "name": facts["name"],
        "rules": [{**rule, "targetVaultName": facts["vault"]} for rule in rules],
    }


def _backup_plan(client: Client, unique: str) -> Facts:
    facts = _vault(client, unique)
    rule = {"RuleName": "every-day", "TargetBackupVaultName": unique}
    ids = {
        key: client("backup").create_backup_plan(
            BackupPlan={"BackupPlanName": f"{unique}-{key}", "Rules": [rule]}
        )["BackupPlanId"]
        for key in ("plan", "other")
    }
    return facts | ids


def _plan_elsewhere(client: Client, state: State, facts: Facts) -> None:
    rule = {
        "RuleName": "every-day",
        "TargetBackupVaultName": facts["vault"],
        "Lifecycle": {"DeleteAfterDays": 1},
    }
    client("backup").update_backup_plan(
        BackupPlanId=state.id, BackupPlan={"BackupPlanName": facts["name"], "Rules": [rule]}
    )


LIFECYCLE_RULE = {
    "id": "archive",
    "status": "Enabled",
    "filter": {"prefix": "statements/"},
    "transitions": [{"days": 90, "storageClass": "GLACIER"}],
    "expiration": {"days": 2555},
    "noncurrentVersionExpiration": {"noncurrentDays": 30},
    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
}
TEXT_ATTRIBUTE = {
    "name": "tenant_id",
    "attributeDataType": "String",
    "mutable": True,
    "required": False,
    "developerOnlyAttribute": False,
    "stringAttributeConstraints": {"minLength": "1", "maxLength": "64"},
}
POOL = {
    "userPoolTier": "ESSENTIALS",
    "deletionProtection": "INACTIVE",
    "mfaConfiguration": "OPTIONAL",
    "softwareTokenMfaConfiguration": {"enabled": True},
    "autoVerifiedAttributes": ["email"],
    "usernameAttributes": ["email"],
    "usernameConfiguration": {"caseSensitive": False},
    "passwordPolicy": {
        "minimumLength": 14,
        "requireLowercase": True,
        "requireNumbers": True,
        "requireSymbols": False,
        "requireUppercase": True,
        "temporaryPasswordValidityDays": 3,
    },
    "accountRecoverySetting": {"recoveryMechanisms": [{"name": "verified_email", "priority": 1}]},
    "adminCreateUserConfig": {"allowAdminCreateUserOnly": True},
    "userAttributeUpdateSettings": {"attributesRequireVerificationBeforeUpdates": ["email"]},
    "smsConfiguration": {
        "externalId": "sms",
        "snsCallerArn": "arn:aws:iam::000000000000:role/sms",
        "snsRegion": "ap-southeast-2",
    },
    "schemas": [TEXT_ATTRIBUTE],
}


def _change_pool(client: Client, state: State, facts: Facts) -> None:
    pool = client("cognito-idp").describe_user_pool(UserPoolId=state.id)["UserPool"]
    password = {**pool["Policies"]["PasswordPolicy"], "MinimumLength": 8}
    sent = (
        "DeletionProtection AutoVerifiedAttributes LambdaConfig AccountRecoverySetting UserPoolTags"
        " UserPoolTier MfaConfiguration"
    )
    client("cognito-idp").update_user_pool(
        UserPoolId=state.id,
        Policies={**pool["Policies"], "PasswordPolicy": password},
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
        **{name: pool[name] for name in sent.split() if name in pool},
    )


def _change_client(client: Client, state: State, facts: Facts) -> None:
    found = client("cognito-idp").describe_user_pool_client(
        UserPoolId=facts["pool"], ClientId=state.id
    )["UserPoolClient"]
    for name in ("LastModifiedDate", "CreationDate", "ClientSecret", "DefaultRedirectURI"):
        found.pop(name, None)
    client("cognito-idp").update_user_pool_client(**{**found, "WriteAttributes": ["email", "name"]})


def _change_group(client: Client, state: State, facts: Facts) -> None:
    where = {"UserPoolId": facts["pool"], "GroupName": facts["name"]}
    client("cognito-idp").delete_group(**where)
    client("cognito-idp").create_group(**where, Description="elsewhere", Precedence=1)


def _change_alarm(client: Client, state: State, facts: Facts) -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName=state.id,
        AlarmDescription="errors",
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[arn("sns", "alerts")],
        Dimensions=[{"Name": "FunctionName", "Value": "payments"}],
    )


def _two_alarms(client: Client, unique: str) -> Facts:
    for name in ("one", "two"):
        client("cloudwatch").put_metric_alarm(
            AlarmName=f"{unique}-{name}",
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=5.0,
            ComparisonOperator="GreaterThanThreshold",
        )
    return {"name": unique, "one": f"{unique}-one", "two": f"{unique}-two"}


def _change_composite(client: Client, state: State, facts: Facts) -> None:
    client("cloudwatch").put_composite_alarm(
        AlarmName=state.id,
        AlarmDescription="either",
        AlarmRule=f'ALARM("{facts["two"]}")',
        AlarmActions=[arn("sns", "alerts")],
        OKActions=[arn("sns", "alerts")],
    )


CASES = (
    Case(
        token="aws:ssm/parameter:Parameter",
        inputs=lambda facts: {
            "name": f"/bank/local/{facts['name']}/limit",
            "type": "String",
            "insecureValue": "10",
            "description": "a limit",
        },
        change=lambda _facts: {"insecureValue": "20", "description": "another"},
        replace=_other("name"),
        collides=False,
        drift=lambda client, state, _facts: client("ssm").put_parameter(
            Name=state.id, Value="99", Type="String", Overwrite=True
        ),
        shows="insecureValue",
        outputs=("arn", "version", "tier", "tagsAll"),
        not_imported=frozenset({"insecureValue"}),
    ),
    Case(
        token="aws:secretsmanager/secret:Secret",
        inputs=lambda facts: {
            "name": f"/bank/local/core/{facts['name']}",
            "description": "a secret",
            "policy": policy(action="secretsmanager:GetSecretValue"),
            "recoveryWindowInDays": 0,
        },
        change=lambda _facts: {
            "description": "another",
            "policy": policy(action="secretsmanager:DescribeSecret"),
        },
        replace=_other("name"),
        drift=lambda client, state, _facts: client("secretsmanager").put_resource_policy(
            SecretId=state.id, ResourcePolicy=policy(action="secretsmanager:*")
        ),
        shows="policy",
        not_imported=frozenset({"recoveryWindowInDays"}),
    ),
    Case(
        token="aws:appconfig/application:Application",
        inputs=lambda facts: {"name": facts["name"], "description": "an application"},
        change=lambda facts: {"name": f"{facts['name']}-2", "description": "another"},
        drift=lambda client, state, _facts: client("appconfig").update_application(
            ApplicationId=state.id, Description="elsewhere"
        ),
        shows="description",
    ),
    Case(
        token="aws:appconfig/environment:Environment",
        prepare=_application,
        inputs=lambda facts: {
            "applicationId": facts["app"],
            "name": facts["name"],
            "monitors": [
                {
                    "alarmArn": arn("cloudwatch", "alarm:a"),
                    "alarmRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
                }
            ],
        },
        change=lambda _facts: {"description": "another"},
        replace=lambda facts: {"applicationId": facts["other"]},
        drift=lambda client, state, facts: client("appconfig").update_environment(
            ApplicationId=facts["app"], EnvironmentId=state.id.split(":")[0], Monitors=[]
        ),
        shows="monitors",
        outputs=("arn", "environmentId", "state"),
    ),
    Case(
        token="aws:appconfig/configurationProfile:ConfigurationProfile",
        prepare=_application,
        inputs=lambda facts: {
            "applicationId": facts["app"],
            "name": facts["name"],
            "locationUri": "hosted",
            "type": "AWS.Freeform",
            "validators": [{"type": "JSON_SCHEMA", "content": '{"type": "object"}'}],
        },
        change=lambda _facts: {
            "validators": [{"type": "JSON_SCHEMA", "content": '{"type": "array"}'}],
            "description": "another",
        },
        replace=lambda _facts: {"type": "AWS.AppConfig.FeatureFlags"},
        drift=lambda client, state, facts: client("appconfig").update_configuration_profile(
            ApplicationId=facts["app"],
            ConfigurationProfileId=state.id.split(":")[0],
            Validators=[],
        ),
        shows="validators",
        outputs=("arn", "configurationProfileId"),
    ),
    Case(
        token="aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion",
        prepare=_profile,
        inputs=lambda facts: {
            "applicationId": facts["app"],
            "configurationProfileId": facts["profile"],
            "content": '{"defaults": {"limit": 1}, "tenants": {}}',
            "contentType": "application/json",
        },
        replace=lambda _facts: {"content": '{"defaults": {"limit": 2}, "tenants": {}}'},
        # A version can't be changed, only be deleted: that is seen as gone.
        drift=lambda client, state, _facts: client("appconfig").delete_hosted_configuration_version(
            ApplicationId=state.id.split("/")[0],
            ConfigurationProfileId=state.id.split("/")[1],
            VersionNumber=int(state.id.split("/")[2]),
        ),
        shows="",
        outputs=("arn", "versionNumber"),
        tagged=False,
    ),
    Case(
        token="aws:appconfig/deploymentStrategy:DeploymentStrategy",
        inputs=lambda facts: {
            "name": facts["name"],
            "deploymentDurationInMinutes": 10,
            "growthFactor": 10,
            "growthType": "EXPONENTIAL",
            "finalBakeTimeInMinutes": 5,
            "replicateTo": "NONE",
        },
        change=lambda _facts: {"deploymentDurationInMinutes": 20, "growthFactor": 12.5},
        replace=_other("name"),
        drift=lambda client, state, _facts: client("appconfig").update_deployment_strategy(
            DeploymentStrategyId=state.id, FinalBakeTimeInMinutes=7
        ),
        shows="finalBakeTimeInMinutes",
    ),
    Case(
        token="aws:appconfig/deployment:Deployment",
        prepare=_deployable,
        inputs=lambda facts: {
            "applicationId": facts["app"],
            "environmentId": facts["environment"],
            "configurationProfileId": facts["profile"],
            "configurationVersion": "1",
            "deploymentStrategyId": facts["strategy"],
            "description": "a deployment",
        },
        change=lambda _facts: {"tags": {"module": "MOD-002"}},
        replace=lambda _facts: {"configurationVersion": "2"},
        drift=lambda client, state, facts: client("appconfig").tag_resource(
            ResourceArn=state.outputs["arn"], Tags={"module": "elsewhere"}
        ),
        shows="tags",
        outputs=("arn", "deploymentNumber", "state"),
        survives=True,
    ),
    Case(
        token="aws:cognito/userPool:UserPool",
        prepare=_function,
        inputs=lambda facts: {
            "name": facts["name"],
            "lambdaConfig": {
                "preTokenGenerationConfig": {
                    "lambdaArn": facts["function"],
                    "lambdaVersion": "V2_0",
                }
            },
            **POOL,
        },
        change=lambda _facts: {
            "mfaConfiguration": "OFF",
            "softwareTokenMfaConfiguration": None,
            "passwordPolicy": {**POOL["passwordPolicy"], "minimumLength": 16},
            "schemas": [TEXT_ATTRIBUTE, {**TEXT_ATTRIBUTE, "name": "jurisdiction"}],
        },
        replace=lambda _facts: {"schemas": [{**TEXT_ATTRIBUTE, "mutable": False}]},
        drift=_change_pool,
        shows="passwordPolicy",
        outputs=("arn", "endpoint", "creationDate"),
    ),
    Case(
        token="aws:cognito/userPoolClient:UserPoolClient",
        prepare=_pool,
        inputs=lambda facts: {
            "name": facts["name"],
            "userPoolId": facts["pool"],
            "explicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "readAttributes": ["email", "name"],
            "writeAttributes": ["name"],
            "accessTokenValidity": 15,
            "idTokenValidity": 15,
            "refreshTokenValidity": 12,
            "tokenValidityUnits": {
                "accessToken": "minutes",
                "idToken": "minutes",
                "refreshToken": "hours",
            },
            "allowedOauthFlows": ["code"],
            "allowedOauthFlowsUserPoolClient": True,
            "allowedOauthScopes": ["openid", "email"],
            "callbackUrls": ["https://localhost/callback"],
            "supportedIdentityProviders": ["COGNITO"],
            "preventUserExistenceErrors": "ENABLED",
            "enableTokenRevocation": True,
        },
        change=lambda _facts: {"accessTokenValidity": 10, "writeAttributes": ["name", "locale"]},
        replace=lambda _facts: {"generateSecret": True},
        drift=_change_client,
        shows="writeAttributes",
        outputs=(),
        tagged=False,
        imported=lambda state: f"{state.inputs['userPoolId']}/{state.id}",
    ),
    Case(
        token="aws:cognito/userGroup:UserGroup",
        prepare=_pool,
        inputs=lambda facts: {
            "name": facts["name"],
            "userPoolId": facts["pool"],
            "description": "staff",
            "precedence": 1,
        },
        # MiniStack has no UpdateGroup: see test_refusals.
        replace=_other("name"),
        drift=_change_group,
        shows="description",
        restorable=False,
        outputs=(),
        tagged=False,
    ),
    Case(
        token="aws:cognito/resourceServer:ResourceServer",
        prepare=_pool,
        inputs=lambda facts: {
            "identifier": "https://api.totara.bank",
            "name": facts["name"],
            "userPoolId": facts["pool"],
            "scopes": [{"scopeName": "read", "scopeDescription": "read accounts"}],
        },
        change=lambda _facts: {"scopes": [{"scopeName": "write", "scopeDescription": "pay"}]},
        replace=lambda _facts: {"identifier": "https://other.totara.bank"},
        drift=lambda client, state, facts: client("cognito-idp").update_resource_server(
            UserPoolId=facts["pool"],
            Identifier="https://api.totara.bank",
            Name=facts["name"],
            Scopes=[],
        ),
        shows="scopes",
        outputs=("scopeIdentifiers",),
        tagged=False,
    ),
    Case(
        token="aws:lambda/function:Function",
        prepare=_role,
        inputs=lambda facts: {
            "name": facts["name"],
            "role": facts["role_arn"],
            "runtime": "python3.12",
            "handler": "index.handler",
            "code": archive("def handler(event, context): return event"),
            "environment": {"variables": {"STAGE": "local"}},
            "timeout": 10,
            "memorySize": 256,
            "architectures": ["x86_64"],
            "loggingConfig": {"logFormat": "JSON", "logGroup": f"/aws/lambda/{facts['name']}"},
            "reservedConcurrentExecutions": 5,
        },
        change=lambda _facts: {
            "timeout": 20,
            "code": archive("def handler(event, context): return None"),
            "environment": None,
            "reservedConcurrentExecutions": 2,
        },
        replace=_other("name"),
        drift=lambda client, state, _facts: client("lambda").update_function_code(
            FunctionName=state.id, ZipFile=zip_of("elsewhere")
        ),
        shows="code",
        outputs=("arn", "invokeArn", "version", "codeSha256"),
        not_imported=frozenset({"code"}),
    ),
    Case(
        token="aws:lambda/permission:Permission",
        prepare=_function,
        inputs=lambda facts: {
            "statementId": "cognito",
            "function": facts["function"],
            "action": "lambda:InvokeFunction",
            "principal": "cognito-idp.amazonaws.com",
            "sourceArn": arn("cognito-idp", "userpool/p"),
        },
        replace=lambda _facts: {"sourceArn": arn("cognito-idp", "userpool/other")},
        drift=lambda client, state, facts: client("lambda").remove_permission(
            FunctionName=facts["function"], StatementId="cognito"
        ),
        shows="",
        outputs=(),
        tagged=False,
        imported=lambda state: f"{state.inputs['function'].rpartition(':')[2]}/{state.id}",
        not_imported=frozenset({"function"}),
        collides=True,
    ),
    Case(
        token="aws:iam/role:Role",
        inputs=lambda facts: {
            "name": facts["name"],
            "assumeRolePolicy": trust("lambda.amazonaws.com"),
            "description": "a role",
            "maxSessionDuration": 7200,
        },
        change=lambda _facts: {
            "assumeRolePolicy": trust("events.amazonaws.com"),
            "maxSessionDuration": None,
        },
        replace=lambda _facts: {"path": "/bank/"},
        drift=lambda client, state, _facts: client("iam").update_assume_role_policy(
            RoleName=state.id, PolicyDocument=trust("ec2.amazonaws.com")
        ),
        shows="assumeRolePolicy",
        outputs=("arn", "uniqueId", "createDate"),
        collides=True,
    ),
    Case(
        token="aws:iam/rolePolicy:RolePolicy",
        prepare=_role,
        inputs=lambda facts: {
            "name": "read",
            "role": facts["role"],
            "policy": permissions("ssm:GetParameter"),
        },
        change=lambda _facts: {"policy": permissions("ssm:GetParameters")},
        replace=lambda facts: {"role": f"{facts['role']}-other"},
        drift=lambda client, state, facts: client("iam").put_role_policy(
            RoleName=facts["role"], PolicyName="read", PolicyDocument=permissions("*")
        ),
        shows="policy",
        outputs=(),
        tagged=False,
    ),
    Case(
        token="aws:iam/policy:Policy",
        inputs=lambda facts: {
            "name": facts["name"],
            "description": "reads",
            "policy": permissions("ssm:GetParameter"),
        },
        change=lambda _facts: {"policy": permissions("ssm:GetParameters")},
        replace=lambda _facts: {"description": "another"},
        drift=lambda client, state, _facts: client("iam").create_policy_version(
            PolicyArn=state.id, PolicyDocument=permissions("*"), SetAsDefault=True
        ),
        shows="policy",
        outputs=("arn", "policyId"),
        collides=True,
    ),
    Case(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        prepare=_role_and_policy,
        inputs=lambda facts: {"role": facts["role"], "policyArn": facts["policy"]},
        replace=lambda facts: {"role": f"{facts['role']}-other"},
        drift=lambda client, state, facts: client("iam").detach_role_policy(
            RoleName=facts["role"], PolicyArn=facts["policy"]
        ),
        shows="",
        outputs=(),
        tagged=False,
    ),
    Case(
        token="aws:kms/key:Key",
        inputs=lambda _facts: {
            "description": "restricted",
            "enableKeyRotation": True,
            "deletionWindowInDays": 7,
            "policy": policy(action="kms:*"),
        },
        change=lambda _facts: {"description": "confidential", "enableKeyRotation": False},
        replace=lambda _facts: {"multiRegion": True},
        drift=lambda client, state, _facts: client("kms").disable_key_rotation(KeyId=state.id),
        shows="enableKeyRotation",
        outputs=("arn", "keyId"),
        not_imported=frozenset({"deletionWindowInDays"}),
    ),
    Case(
        token="aws:kms/alias:Alias",
        prepare=_key,
        inputs=lambda facts: {"name": facts["name"], "targetKeyId": facts["key"]},
        change=lambda facts: {"targetKeyId": facts["other"]},
        replace=_other("name"),
        drift=lambda client, state, facts: client("kms").update_alias(
            AliasName=facts["name"], TargetKeyId=facts["other"]
        ),
        shows="targetKeyId",
        outputs=("arn", "targetKeyArn"),
        tagged=False,
    ),
    Case(
        token="aws:cloudwatch/eventBus:EventBus",
        inputs=lambda facts: {"name": facts["name"], "description": "the platform's bus"},
        change=lambda _facts: {"description": "another"},
        replace=_other("name"),
        drift=lambda client, state, _facts: client("events").update_event_bus(
            Name=state.id, Description="elsewhere"
        ),
        shows="description",
    ),
    Case(
        token="aws:cloudwatch/eventBusPolicy:EventBusPolicy",
        prepare=_bus,
        inputs=lambda facts: {
            "eventBusName": facts["bus"],
            "policy": policy(facts["bus_arn"], "events:PutEvents"),
        },
        change=lambda facts: {"policy": policy(facts["bus_arn"], "events:PutRule")},
        replace=_other("eventBusName", "bus"),
        # MiniStack does not store the policy, so only its removal can be seen.
        drift=lambda client, state, facts: client("events").remove_permission(
            EventBusName=facts["bus"], RemoveAllPermissions=True
        ),
        shows="",
        outputs=(),
        tagged=False,
        not_imported=frozenset({"policy"}),
        unseen=frozenset({"policy"}),
    ),
    Case(
        token="aws:cloudwatch/eventArchive:EventArchive",
        prepare=_bus,
        inputs=lambda facts: {
            "name": facts["name"],
            "eventSourceArn": facts["bus_arn"],
            "description": "a year",
            "eventPattern": '{"source": ["totara"]}',
            "retentionDays": 365,
        },
        change=lambda _facts: {"retentionDays": 30, "description": None},
        replace=_other("name"),
        drift=lambda client, state, _facts: client("events").update_archive(
            ArchiveName=state.id, RetentionDays=1
        ),
        shows="retentionDays",
        tagged=False,
    ),
    Case(
        token="aws:cloudwatch/eventRule:EventRule",
        prepare=_bus,
        inputs=lambda facts: {
            "name": facts["name"],
            "eventBusName": facts["bus"],
            "eventPattern": '{"source": ["totara"]}',
            "description": "a rule",
        },
        change=lambda _facts: {"state": "DISABLED", "description": None},
        replace=_other("eventBusName", "bus"),
        drift=lambda client, state, facts: client("events").put_rule(
            Name=facts["name"],
            EventBusName=facts["bus"],
            EventPattern='{"source": ["elsewhere"]}',
            Description="a rule",
        ),
        shows="eventPattern",
    ),
    Case(
        token="aws:cloudwatch/eventTarget:EventTarget",
        prepare=_rule,
        inputs=lambda facts: {
            "targetId": "queue",
            "rule": facts["rule"],
            "eventBusName": facts["bus"],
            "arn": arn("sqs", "target"),
            "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 600},
            "inputTransformer": {
                "inputPaths": {"account": "$.account"},
                "inputTemplate": '{"from": <account>}',
            },
        },
        change=lambda _facts: {"arn": arn("sqs", "another")},
        replace=lambda _facts: {"targetId": "other"},
        drift=lambda client, state, facts: client("events").put_targets(
            Rule=facts["rule"],
            EventBusName=facts["bus"],
            Targets=[
                {
                    "Id": "queue",
                    "Arn": arn("sqs", "target"),
                    "RetryPolicy": {"MaximumRetryAttempts": 9, "MaximumEventAgeInSeconds": 600},
                    "InputTransformer": {
                        "InputPathsMap": {"account": "$.account"},
                        "InputTemplate": '{"from": <account>}',
                    },
                }
            ],
        ),
        shows="retryPolicy",
        outputs=(),
        tagged=False,
    ),
    Case(
        token="aws:cloudwatch/logGroup:LogGroup",
        prepare=_key_of_logs,
        inputs=lambda facts: {"name": f"/totara/{facts['name']}", "retentionInDays": 30},
        change=lambda facts: {"retentionInDays": None, "kmsKeyId": facts["key"]},
        replace=_other("name"),
        drift=lambda client, state, _facts: client("logs").put_retention_policy(
            logGroupName=state.id, retentionInDays=1
        ),
        shows="retentionInDays",
    ),
    Case(
        token="aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        prepare=_log_group,
        inputs=lambda facts: {
            "name": facts["name"],
            "logGroup": facts["group"],
            "filterPattern": "",
            "destinationArn": facts["function"],
        },
        change=lambda _facts: {"filterPattern": "ERROR"},
        replace=_other("name"),
        drift=lambda client, state, facts: client("logs").put_subscription_filter(
            logGroupName=facts["group"],
            filterName=facts["name"],
            filterPattern="elsewhere",
            destinationArn=facts["function"],
        ),
        shows="filterPattern",
        outputs=(),
        tagged=False,
    ),
    Case(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        inputs=lambda facts: {
            "name": facts["name"],
            "alarmDescription": "errors",
            "namespace": "AWS/Lambda",
            "metricName": "Errors",
            "statistic": "Sum",
            "period": 60,
            "evaluationPeriods": 1,
            "threshold": 1,
            "comparisonOperator": "GreaterThanThreshold",
            "treatMissingData": "notBreaching",
            "alarmActions": [arn("sns", "alerts")],
            "dimensions": {"FunctionName": "payments"},
        },
        change=lambda _facts: {"threshold": 2.5, "alarmDescription": "more errors"},
        replace=_other("name"),
        drift=_change_alarm,
        shows="threshold",
    ),
    Case(
        token="aws:cloudwatch/compositeAlarm:CompositeAlarm",
        prepare=_two_alarms,
        inputs=lambda facts: {
            "alarmName": facts["name"],
            "alarmDescription": "either",
            "alarmRule": f'ALARM("{facts["one"]}") OR ALARM("{facts["two"]}")',
            "alarmActions": [arn("sns", "alerts")],
            "okActions": [arn("sns", "alerts")],
        },
        change=lambda facts: {
            "alarmRule": f'ALARM("{facts["one"]}") AND NOT ALARM("{facts["two"]}")',
            "alarmDescription": "one alone",
        },
        replace=_other("alarmName"),
        drift=_change_composite,
        shows="alarmRule",
    ),
    Case(
        token="aws:sqs/queue:Queue",
        inputs=lambda facts: {
            "name": f"{facts['name']}.fifo",
            "fifoQueue": True,
            "contentBasedDeduplication": True,
            "visibilityTimeoutSeconds": 60,
            "messageRetentionSeconds": 1209600,
            "redrivePolicy": json.dumps(
                {"maxReceiveCount": 3, "deadLetterTargetArn": arn("sqs", "dead.fifo")}
            ),
        },
        change=lambda _facts: {"visibilityTimeoutSeconds": 90, "messageRetentionSeconds": None},
        replace=lambda facts: {"name": f"{facts['name']}-other.fifo"},
        drift=lambda client, state, _facts: client("sqs").set_queue_attributes(
            QueueUrl=state.id, Attributes={"VisibilityTimeout": "5"}
        ),
        shows="visibilityTimeoutSeconds",
        outputs=("arn", "url"),
        prepare=lambda client, unique: {
            "name": unique,
            "dead": client("sqs").create_queue(
                QueueName="dead.fifo", Attributes={"FifoQueue": "true"}
            )["QueueUrl"],
        },
    ),
    Case(
        token="aws:sqs/queuePolicy:QueuePolicy",
        prepare=_queue,
        inputs=lambda facts: {"queueUrl": facts["url"], "policy": policy(facts["queue_arn"])},
        change=lambda facts: {"policy": policy(facts["queue_arn"], "sqs:ReceiveMessage")},
        replace=lambda facts: {"queueUrl": facts["other"]},
        drift=lambda client, state, facts: client("sqs").set_queue_attributes(
            QueueUrl=state.id, Attributes={"Policy": policy(facts["queue_arn"], "sqs:*")}
        ),
        shows="policy",
        outputs=(),
        tagged=False,
    ),
    Case(
        token="aws:sns/topic:Topic",
        inputs=lambda facts: {"name": facts["name"], "displayName": "Alerts"},
        change=lambda _facts: {"displayName": "Pages"},
        replace=_other("name"),
        drift=lambda client, state, _facts: client("sns").set_topic_attributes(
            TopicArn=state.id, AttributeName="DisplayName", AttributeValue="elsewhere"
        ),
        shows="displayName",
        outputs=("arn", "owner"),
    ),
    Case(
        token="aws:sns/topicPolicy:TopicPolicy",
        prepare=_topic,
        inputs=lambda facts: {
            "arn": facts["topic"],
            "policy": policy(facts["topic"], "sns:Publish"),
        },
        change=lambda facts: {"policy": policy(facts["topic"], "sns:Subscribe")},
        replace=lambda facts: {"arn": facts["other"]},
        drift=lambda client, state, facts: client("sns").set_topic_attributes(
            TopicArn=state.id,
            AttributeName="Policy",
            AttributeValue=policy(facts["topic"], "sns:*"),
        ),
        shows="policy",
        outputs=("owner",),
        tagged=False,
    ),
    Case(
        token="aws:sns/topicSubscription:TopicSubscription",
        prepare=_topic_and_queue,
        inputs=lambda facts: {
            "topic": facts["topic"],
            "protocol": "sqs",
            "endpoint": facts["queue_arn"],
            "rawMessageDelivery": True,
            "filterPolicy": '{"severity": ["page"]}',
        },
        change=lambda _facts: {"rawMessageDelivery": None, "filterPolicy": '{"severity": ["all"]}'},
        replace=lambda facts: {"topic": facts["other"]},
        drift=lambda client, state, _facts: client("sns").set_subscription_attributes(
            SubscriptionArn=state.id, AttributeName="FilterPolicy", AttributeValue='{"a": ["b"]}'
        ),
        shows="filterPolicy",
        outputs=("arn", "ownerId", "pendingConfirmation"),
        tagged=False,
    ),
    Case(
        token="aws:s3/bucket:Bucket",
        inputs=lambda facts: {"bucket": facts["name"], "forceDestroy": True},
        change=lambda _facts: {"tags": {"module": "MOD-002"}},
        replace=lambda _facts: {"objectLockEnabled": True},
        drift=lambda client, state, _facts: client("s3").put_bucket_tagging(
            Bucket=state.id, Tagging={"TagSet": [{"Key": "module", "Value": "elsewhere"}]}
        ),
        shows="tags",
        outputs=("arn", "bucketDomainName", "bucketRegionalDomainName"),
        not_imported=frozenset({"forceDestroy"}),
        collides=True,
    ),
    _setting(
        "BucketVersioning",
        {"versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
        lambda client, state, _facts: client("s3").put_bucket_versioning(
            Bucket=state.id, VersioningConfiguration={"Status": "Suspended"}
        ),
        "versioningConfiguration",
        survives=True,
    ),
    _setting(
        "BucketServerSideEncryptionConfiguration",
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": arn("kms", "key/k"),
                    },
                    "bucketKeyEnabled": True,
                }
            ]
        },
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        lambda client, state, _facts: client("s3").put_bucket_encryption(
            Bucket=state.id,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
        "rules",
        survives=True,
    ),
    _setting(
        "BucketPublicAccessBlock",
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True},
        {"restrictPublicBuckets": True},
        lambda client, state, _facts: client("s3").put_public_access_block(
            Bucket=state.id,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "BlockPublicPolicy": False,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": False,
            },
        ),
        "blockPublicPolicy",
    ),
    _setting(
        "BucketOwnershipControls",
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        lambda client, state, _facts: client("s3").put_bucket_ownership_controls(
            Bucket=state.id, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
        ),
        "rule",
    ),
    Case(
        token="aws:s3/bucketPolicy:BucketPolicy",
        prepare=_bucket,
        inputs=lambda facts: {
            "bucket": facts["bucket"],
            "policy": policy(f"arn:aws:s3:::{facts['bucket']}/*", "s3:GetObject"),
        },
        change=lambda facts: {
            "policy": policy(f"arn:aws:s3:::{facts['bucket']}/*", "s3:PutObject")
        },
        replace=_other("bucket", "bucket"),
        drift=lambda client, state, facts: client("s3").put_bucket_policy(
            Bucket=state.id, Policy=policy(f"arn:aws:s3:::{facts['bucket']}/*", "s3:*")
        ),
        shows="policy",
        outputs=(),
        tagged=False,
    ),
    _setting(
        "BucketLifecycleConfiguration",
        {"rules": [LIFECYCLE_RULE]},
        {"rules": [{**LIFECYCLE_RULE, "expiration": {"days": 3650}}]},
        lambda client, state, _facts: client("s3").put_bucket_lifecycle_configuration(
            Bucket=state.id,
            LifecycleConfiguration={
                "Rules": [
                    {
                        "ID": "elsewhere",
                        "Status": "Enabled",
                        "Filter": {"Prefix": ""},
                        "Expiration": {"Days": 1},
                    }
                ]
            },
        ),
        "rules",
    ),
    _setting(
        "BucketObjectLockConfiguration",
        {"rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}},
        {"rule": {"defaultRetention": {"mode": "COMPLIANCE", "days": 60}}},
        lambda client, state, _facts: client("s3").put_object_lock_configuration(
            Bucket=state.id,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
            },
        ),
        "rule",
        prepare=_locked_bucket,
    ),
    Case(
        token="aws:backup/vault:Vault",
        inputs=lambda facts: {"name": facts["name"], "kmsKeyArn": arn("kms", "key/1")},
        replace=lambda _facts: {"kmsKeyArn": arn("kms", "key/2")},
        drift=lambda client, state, _facts: client("backup").tag_resource(
            ResourceArn=arn("backup", f"backup-vault:{state.id}"), Tags={"stranger": "1"}
        ),
        shows="tags",
        outputs=("arn", "recoveryPoints"),
        collides=True,
    ),
    Case(
        token="aws:backup/plan:Plan",
        prepare=_vault,
        inputs=lambda facts: _plan_of(
            facts,
            _backup_rule("any-moment", enableContinuousBackup=True),
            _backup_rule(
                "every-month", 2557, lifecycle={"coldStorageAfter": 30, "deleteAfter": 2557}
            ),
        ),
        change=lambda facts: _plan_of(facts, _backup_rule(keep=7)),
        replace=_other("name"),
        drift=_plan_elsewhere,
        shows="rules",
        outputs=("arn", "version"),
    ),
    Case(
        token="aws:backup/selection:Selection",
        prepare=_backup_plan,
        inputs=lambda facts: {
            "name": facts["name"],
            "planId": facts["plan"],
            "iamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/backup",
            "selectionTags": [{"type": "STRINGEQUALS", "key": "backup", "value": "daily"}],
        },
        replace=lambda facts: {"planId": facts["other"]},
        # A selection never changes; somebody can only delete it.
        drift=lambda client, state, facts: client("backup").delete_backup_selection(
            BackupPlanId=facts["plan"], SelectionId=state.id
        ),
        shows="",
        outputs=(),
        tagged=False,
        imported=lambda state: f"{state.inputs['planId']}|{state.id}",
    ),
)
