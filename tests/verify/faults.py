"""What can be wrong though everything is as declared, made by somebody with a console."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.drift.cloud import Cloud
from tests.ports import free_port
from totara_infra.blueprint.app_config import deployment_parameter

URL = "/bank/local/api-services/document-vault/url"


@dataclass(frozen=True)
class Fault:
    """One fault, and the result that must name it.

    Attributes:
        act: makes the fault and takes it back.
        check: name of the result.
        subject, expected, found, fix: texts that the result has to hold.
    """

    name: str
    act: Callable[[Cloud], AbstractContextManager[None]]
    check: str
    subject: str
    expected: str
    found: str
    fix: str


FAULTS: list[Fault] = []


def fault(
    check: str, subject: str, expected: str, found: str, fix: str
) -> Callable[[Callable[[Cloud], Iterator[None]]], None]:
    """Register a fault under its function's name."""

    def register(function: Callable[[Cloud], Iterator[None]]) -> None:
        act = contextmanager(function)
        FAULTS.append(Fault(function.__name__, act, check, subject, expected, found, fix))

    return register


@fault(
    "dead-letter queue depth", "bank-core-dlq", "0 events", "1", "aws sqs start-message-move-task"
)
def an_event_that_nobody_took(cloud: Cloud) -> Iterator[None]:
    url = cloud.sqs.get_queue_url(QueueName="bank-core-dlq")["QueueUrl"]
    cloud.sqs.send_message(QueueUrl=url, MessageBody="{}")
    yield
    cloud.sqs.purge_queue(QueueUrl=url)


@fault("event bus", "bank-aml", "to be there", "nothing", "pulumi refresh -s local")
def a_bus_that_is_gone(cloud: Cloud) -> Iterator[None]:
    was = cloud.events.describe_event_bus(Name="bank-aml")
    tags = cloud.events.list_tags_for_resource(ResourceARN=was["Arn"])["Tags"]
    cloud.events.delete_event_bus(Name="bank-aml")
    yield
    cloud.events.create_event_bus(
        Name="bank-aml",
        Description=was["Description"],
        DeadLetterConfig=was["DeadLetterConfig"],
        Tags=tags,
    )
    policy = cloud.blueprint.resources["event_bus/bank-aml/policy"].properties["policy"]
    cloud.events.put_permission(EventBusName="bank-aml", Policy=policy)


@fault("event archive", "bank-core-archive", "to be there", "nothing", "totara up local")
def an_archive_that_is_gone(cloud: Cloud) -> Iterator[None]:
    was = cloud.events.describe_archive(ArchiveName="bank-core-archive")
    cloud.events.delete_archive(ArchiveName="bank-core-archive")
    yield
    cloud.events.create_archive(
        ArchiveName="bank-core-archive",
        EventSourceArn=was["EventSourceArn"],
        RetentionDays=was["RetentionDays"],
    )


@fault("backup plan", "bank-local-daily", "to be there", "nothing", "totara up local")
def a_plan_that_is_gone(cloud: Cloud) -> Iterator[None]:
    resource = cloud.blueprint.resources["backup_plan/daily"]
    plan = cloud.backup_plan(resource)
    was = cloud.backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]
    selections = cloud.backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    kept = [
        cloud.backup.get_backup_selection(BackupPlanId=plan, SelectionId=s["SelectionId"])
        for s in selections
    ]
    cloud.backup.delete_backup_plan(BackupPlanId=plan)
    yield
    again = cloud.backup.create_backup_plan(
        BackupPlan=was, BackupPlanTags=resource.properties["tags"]
    )["BackupPlanId"]
    for selection in kept:
        cloud.backup.create_backup_selection(
            BackupPlanId=again,
            BackupSelection={
                k: v for k, v in selection["BackupSelection"].items() if v not in ([], {})
            },
        )


@fault(
    "backup selection", "bank-local-continuous/tagged-continuous", "to be there", "nothing",
    "totara up local",
)  # fmt: skip
def a_plan_that_selects_nothing(cloud: Cloud) -> Iterator[None]:
    plan = cloud.backup_plan(cloud.blueprint.resources["backup_plan/continuous"])
    (listed,) = cloud.backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    place = {"BackupPlanId": plan, "SelectionId": listed["SelectionId"]}
    was = cloud.backup.get_backup_selection(**place)["BackupSelection"]
    cloud.backup.delete_backup_selection(**place)
    yield
    kept = {k: v for k, v in was.items() if v not in ([], {})}
    cloud.backup.create_backup_selection(BackupPlanId=plan, BackupSelection=kept)


@fault("backup vault", "bank-local-recovery-points", "to be there", "nothing", "totara up local")
def a_vault_that_is_gone(cloud: Cloud) -> Iterator[None]:
    resource = cloud.blueprint.resources["backup_vault/recovery-points"]
    name = cloud.name(resource)
    was = cloud.backup.describe_backup_vault(BackupVaultName=name)
    cloud.backup.delete_backup_vault(BackupVaultName=name)
    yield
    cloud.backup.create_backup_vault(
        BackupVaultName=name,
        EncryptionKeyArn=was["EncryptionKeyArn"],
        BackupVaultTags=resource.properties["tags"],
    )


@fault("backup tag", "bucket bank-local-documents", "backup = continuous", "nothing", "totara up")
def a_bucket_that_no_plan_finds(cloud: Cloud) -> Iterator[None]:
    bucket = cloud.name(cloud.blueprint.resources["bucket/bank-documents"])
    was = cloud.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    left = [tag for tag in was if tag["Key"] != "backup"]
    cloud.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": left})
    yield
    cloud.s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": was})


@fault(
    "backup tag", "table bank-local-privileged-access", "backup = continuous", "backup = daily",
    "Have MOD-046's own pipeline tag it",
)  # fmt: skip
def a_table_under_another_plan(cloud: Cloud) -> Iterator[None]:
    name = "bank-local-privileged-access"
    cloud.dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "backup", "Value": "daily"}],
    )
    yield
    cloud.dynamodb.delete_table(TableName=name)


SECRET = "/bank/local/core/neon-db-url"


@fault("secret", SECRET, "to be there", "nothing", f"restore-secret --secret-id {SECRET}")
def a_deleted_secret(cloud: Cloud) -> Iterator[None]:
    cloud.secretsmanager.delete_secret(SecretId=SECRET, RecoveryWindowInDays=7)
    yield
    cloud.secretsmanager.restore_secret(SecretId=SECRET)


@fault(
    "readable secret",
    "for BankCoreRole",
    "readable for BankCoreRole",
    "lacks secretsmanager:GetSecretValue",
    "correct the role",
)
def a_role_without_its_secrets(cloud: Cloud) -> Iterator[None]:
    role = cloud.blueprint.scope.domain_roles["SD01"]
    attached = cloud.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    for policy in attached:
        cloud.iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    yield
    for policy in attached:
        cloud.iam.attach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])


@fault("encryption key", "", "state = Enabled", "Disabled", "aws kms enable-key")
def a_disabled_key(cloud: Cloud) -> Iterator[None]:
    key = cloud.key(cloud.blueprint.resources["key/pii"])
    cloud.kms.disable_key(KeyId=key)
    yield
    cloud.kms.enable_key(KeyId=key)


@fault("parameter", "/appconfig/poll-interval", "60", "nothing", "totara up local")
def a_parameter_that_is_gone(cloud: Cloud) -> Iterator[None]:
    yield from _without(cloud, "/bank/local/appconfig/poll-interval")


@fault("module marker", "/deployment/mod-020", "sha256:", "nothing", "totara up local")
def a_marker_that_is_gone(cloud: Cloud) -> Iterator[None]:
    yield from _without(cloud, "/bank/local/deployment/mod-020")


@fault("phase gate", "/deployment/phase-3", "sha256:", "sha256:0", "totara up local")
def a_gate_of_other_content(cloud: Cloud) -> Iterator[None]:
    yield from _with(cloud, "/bank/local/deployment/phase-3", "sha256:0")


def _without(cloud: Cloud, name: str) -> Iterator[None]:
    was = cloud.ssm.get_parameter(Name=name)["Parameter"]
    place = {"ResourceType": "Parameter", "ResourceId": name}
    tags = cloud.ssm.list_tags_for_resource(**place)["TagList"]
    cloud.ssm.delete_parameter(Name=name)
    yield
    cloud.ssm.put_parameter(Name=name, Value=was["Value"], Type=was["Type"], Tags=tags)


def _with(cloud: Cloud, name: str, value: str) -> Iterator[None]:
    was = cloud.ssm.get_parameter(Name=name)["Parameter"]["Value"]
    cloud.ssm.put_parameter(Name=name, Value=value, Overwrite=True)
    yield
    cloud.ssm.put_parameter(Name=name, Value=was, Overwrite=True)


@fault(
    "served configuration",
    "bank-core/runtime",
    "core.",
    "core.",
    "--replace '**::app_config/bank-core/runtime/deployment'",
)
def another_configuration_rolled_out(cloud: Cloud) -> Iterator[None]:
    resource = cloud.blueprint.resources["app_config/bank-core/runtime/content"]
    content = json.loads(resource.properties["content"])
    key = next(k for k, v in content["defaults"].items() if isinstance(v, int))
    other = {**content, "defaults": {**content["defaults"], key: content["defaults"][key] + 1}}
    _roll_out(cloud, json.dumps(other))
    yield
    _roll_out(cloud, json.dumps(content))


def _roll_out(cloud: Cloud, text: str) -> None:
    content = cloud.blueprint.resources["app_config/bank-core/runtime/content"]
    ids = cloud.in_application(content)
    profile = {k: ids[k] for k in ("ApplicationId", "ConfigurationProfileId")}
    version = cloud.appconfig.create_hosted_configuration_version(
        **profile, Content=text.encode(), ContentType="application/json"
    )["VersionNumber"]
    cloud.appconfig.start_deployment(
        **ids, DeploymentStrategyId=cloud.strategy, ConfigurationVersion=str(version)
    )


@fault(
    "deployed version",
    "bank-kyc/runtime",
    "a deployment that completed",
    "it is gone",
    "--replace '**::app_config/bank-kyc/runtime/content'",
)
def a_deployment_that_nobody_knows(cloud: Cloud) -> Iterator[None]:
    name = deployment_parameter("local", "bank-kyc", "runtime")
    application, environment, _ = cloud.ssm.get_parameter(Name=name)["Parameter"]["Value"].split(
        "/"
    )
    yield from _with(cloud, name, f"{application}/{environment}/99")


def _variables(cloud: Cloud, pool: str, **changed: str) -> Iterator[None]:
    name = f"bank-pre-token-generation-{pool}-local"
    functions: Any = cloud.lambda_
    was = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": was | changed}
    )
    yield
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": was})


@fault("sign-in token", "customers", "a token", "", "aws logs tail")
def a_trigger_without_licences(cloud: Cloud) -> Iterator[None]:
    yield from _variables(cloud, "customers", LICENCE_PROFILE="elsewhere")


@fault("sign-in token", "staff", "custom:jurisdiction", "custom:jurisdiction missing", "refresh")
def a_trigger_that_leaves_a_claim_out(cloud: Cloud) -> Iterator[None]:
    planned = cloud.blueprint.resources["trigger/staff"].properties["environment"]
    claims = json.loads(planned["variables"]["CLAIMS"])
    for claim in claims:
        if claim["name"] == "custom:jurisdiction":
            claim["tokens"] = []
    yield from _variables(cloud, "staff", CLAIMS=json.dumps(claims))


def _published(cloud: Cloud, url: str) -> Iterator[None]:
    cloud.ssm.put_parameter(Name=URL, Value=url, Type="String")
    yield
    cloud.ssm.delete_parameter(Name=URL)


@fault("published URL", "MOD-073 http", "an answer", "refused", "See whether MOD-073 is deployed")
def a_url_where_nobody_listens(cloud: Cloud) -> Iterator[None]:
    yield from _published(cloud, f"http://127.0.0.1:{free_port()}/")


@fault("published URL", URL, "a URL with https", "ftp://", "MOD-073's own deployment")
def a_url_that_is_none(cloud: Cloud) -> Iterator[None]:
    yield from _published(cloud, "ftp://127.0.0.1/")


@fault("published URL", "MOD-073 http", "an answer", "HTTP 503", "See whether MOD-073")
def a_gateway_without_what_is_behind_it(cloud: Cloud) -> Iterator[None]:
    with answering(503) as url:
        yield from _published(cloud, url)


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A server that always answers the same; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
