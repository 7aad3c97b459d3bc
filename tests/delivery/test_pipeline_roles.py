"""The pipeline's roles: assumed by OIDC, enough for their work, and for no more."""

from __future__ import annotations

import base64
import fnmatch
import json
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.delivery.history import run
from tests.engine.conftest import new_checkout, new_small_checkout
from tests.environments import blueprint_of
from totara_infra.blueprint.pipeline_rights import BOOTSTRAP_TYPES, RIGHTS
from totara_infra.blueprint.pipeline_roles import (
    MAXIMUM_CHARACTERS,
    MAXIMUM_POLICIES,
    as_text,
    named,
    pipeline_roles,
)
from totara_infra.blueprint.pipeline_trust import ISSUER
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.drift import find_drift
from totara_infra.operations.live import Live
from totara_infra.operations.trail import writes

__all__ = ["new_checkout", "new_small_checkout"]
REPOSITORY = "totara-bank/totara-infra"
SHARED = [Environment.DEV, Environment.UAT, Environment.PROD]
NAMES = {
    "aws:sns/topic:Topic": "sns:",
    "aws:sqs/queue:Queue": "sqs:",
    "aws:s3/bucket:Bucket": "s3:",
    "aws:lambda/function:Function": "lambda:function:",
    "aws:secretsmanager/secret:Secret": "secretsmanager:secret:",
    "aws:ssm/parameter:Parameter": "ssm:parameter",
    "aws:cloudwatch/eventBus:EventBus": "events:event-bus/",
    "aws:cloudwatch/eventArchive:EventArchive": "events:archive/",
    "aws:kms/alias:Alias": "kms:",
    "aws:backup/vault:Vault": "backup:backup-vault:",
}
"""Type -> service and what stands before the name in its ARN."""


def allowed(statements: Any, action: str, arn: str | None = None) -> bool:
    """Whether a call is allowed, and not denied whatever the circumstances."""

    def speaks(statement: Any, effect: str, *, of_all: bool) -> bool:
        return (
            statement["Effect"] == effect
            and any(fnmatch.fnmatchcase(action, a) for a in statement["Action"])
            and (
                "*" in statement["Resource"]
                or (arn is None and not of_all)
                or any(fnmatch.fnmatchcase(arn or "", r) for r in statement["Resource"])
            )
        )

    denied = any(speaks(s, "Deny", of_all=True) and "Condition" not in s for s in statements)
    return not denied and any(speaks(s, "Allow", of_all=False) for s in statements)


@pytest.mark.parametrize("environment", SHARED)
def test_every_type_of_the_blueprint_has_its_calls_and_every_name_its_pattern(environment):
    blueprint = blueprint_of(environment)
    deploy = pipeline_roles(blueprint.scope)[0]
    for resource in blueprint.resources.values():
        assert resource.type not in BOOTSTRAP_TYPES, f"the pipeline may not make {resource.name}"
        assert resource.type in RIGHTS, f"{resource.type} has no calls in pipeline_rights.py"
        if prefix := NAMES.get(resource.type):
            service, _, part = prefix.partition(":")
            name = resource.properties.get("name") or resource.properties["bucket"]
            place = resource.properties.get("region", blueprint.scope.settings.region)
            arns = named(blueprint.scope, service, f"{part}{name}")
            arn = next(arn for arn in arns if service in ("s3", "iam") or f":{place}:" in arn)
            for action in RIGHTS[resource.type].write:
                if action.startswith(f"{service}:"):
                    assert allowed(deploy.statements, action, arn), f"{action} on {arn}"


def test_no_role_of_the_pipeline_makes_roles_or_reads_secrets_and_only_one_writes():
    scope = blueprint_of(Environment.PROD).scope
    whole = blueprint_of(Environment.LOCAL)
    roles = {role.name: role for role in pipeline_roles(scope, "state-of-the-engine")}
    assert set(roles) == {"BankDeployRole", "BankReadRole", "BankExportRole"}
    declared = {r.properties["name"] for r in whole.resources.values() if r.shape == "Role"}
    assert declared & set(roles) == set(), "one role would take the other's trust"
    assert "BankBackupRole" in declared
    for role in roles.values():
        actions = {a for s in role.statements if s["Effect"] == "Allow" for a in s["Action"]}
        assert not actions & {
            "secretsmanager:GetSecretValue", "kms:PutKeyPolicy", "kms:*", "iam:*",
        }  # fmt: skip
        assert {a for a in actions if a.startswith("iam:")} <= {
            *RIGHTS["aws:iam/policy:Policy"].read, "iam:PassRole", "iam:GetRole",
            "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
            "iam:ListRoleTags", "iam:ListPolicies", "iam:GetAccountAuthorizationDetails",
        }  # fmt: skip
        assert not [a for a in actions if "*" in a]
    reading = {a for s in roles["BankReadRole"].statements for a in s["Action"]}
    verbs = ("Get", "List", "Describe", "Lookup")
    assert all(action.split(":")[1].startswith(verbs) for action in reading)
    # A role is handed to the service that needs it, and to no other.
    passed = {
        (arn.rsplit("/", 1)[-1], s["Condition"]["StringEquals"]["iam:PassedToService"])
        for s in roles["BankDeployRole"].statements
        if "iam:PassRole" in s["Action"]
        for arn in s["Resource"]
    }
    assert passed == {
        ("BankAlarmRouterRole", "lambda.amazonaws.com"),
        ("BankPreTokenGenerationRole", "lambda.amazonaws.com"),
        ("BankCognitoSmsRole", "cognito-idp.amazonaws.com"),
        ("BankBackupRole", "backup.amazonaws.com"),
        ("BankConfigurationMonitorRole", "appconfig.amazonaws.com"),
    }
    # Modules' functions run under roles that read secrets, so their code is not the pipeline's.
    module = scope.arn("lambda", "function:bank-core-posting-prod")
    assert not allowed(roles["BankDeployRole"].statements, "lambda:UpdateFunctionCode", module)


@pytest.mark.parametrize("environment", SHARED)
def test_the_policies_of_a_role_are_within_iams_limits_and_out_of_its_own_reach(environment):
    scope = blueprint_of(environment).scope
    # The longest name that a bucket may have.
    for role in pipeline_roles(scope, "b" * 63):
        assert len(role.policies) <= MAXIMUM_POLICIES
        assert [s for d in role.policies.values() for s in d["Statement"]] == list(role.statements)
        for name, document in role.policies.items():
            assert len(as_text(document)) <= MAXIMUM_CHARACTERS
            arn = scope.arn("iam", f"policy/{name}", regional=False)
            for call in ("iam:CreatePolicyVersion", "iam:DeletePolicy"):
                assert not allowed(role.statements, call, arn)


def test_keys_are_used_for_vaults_by_the_service_alone():
    deploy = pipeline_roles(blueprint_of(Environment.PROD).scope)[0]
    for call in ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant"):
        for statement in deploy.statements:
            if call in statement["Action"] and statement["Effect"] == "Allow":
                services = statement["Condition"]["StringEquals"]["kms:ViaService"]
                assert services == [
                    "backup.ap-southeast-2.amazonaws.com", "backup.ap-southeast-4.amazonaws.com",
                ]  # fmt: skip
        assert allowed(deploy.statements, call)
    assert allowed(deploy.statements, "backup-storage:MountCapsule")


def test_a_faulty_repository_is_refused(root):
    for wrong in ("totara-bank/*", "totara-infra", "a/b/c"):
        said = run(root, "pipeline", "roles", "prod", "--repository", wrong, code=2)
        assert "Write owner/name" in said


def test_the_command_prints_who_may_assume_what(root):
    printed = json.loads(run(root, "pipeline", "roles", "prod", "--repository", REPOSITORY))
    by_name = {role["name"]: role for role in printed}
    deploy = by_name["BankDeployRole"]["trust"]["Statement"][0]["Condition"]["StringEquals"]
    assert deploy[f"{ISSUER}:aud"] == "sts.amazonaws.com"
    assert deploy[f"{ISSUER}:sub"] == [
        f"repo:{REPOSITORY}:environment:prod", f"repo:{REPOSITORY}:environment:prod-back",
    ]  # fmt: skip
    assert by_name["BankDeployRole"]["workflow"] == "release.yaml"


class AssumedLive(Live):
    """Access under credentials that a role was assumed with."""

    credentials: dict[str, str]

    @property
    def _session(self) -> Any:
        return boto3.Session(
            aws_access_key_id=self.credentials["AccessKeyId"],
            aws_secret_access_key=self.credentials["SecretAccessKey"],
            aws_session_token=self.credentials["SessionToken"],
            region_name=self.settings.region,
        )


def token(subject: str) -> str:
    """A token as GitHub gives a job; the emulator looks at its claims."""
    claims = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": subject,
              "exp": 9_999_999_999}  # fmt: skip
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + ".x"


def assume(live: Live, role: str, subject: str) -> AssumedLive:
    sts = boto3.client(
        "sts", endpoint_url=live.settings.endpoint, region_name=live.settings.region,
        config=Config(signature_version=UNSIGNED),
    )  # fmt: skip
    arn = f"arn:aws:iam::{live.settings.account_id}:role/{role}"
    given = sts.assume_role_with_web_identity(
        RoleArn=arn, RoleSessionName="pipeline", WebIdentityToken=token(subject)
    )
    assumed = AssumedLive(live.settings)
    assumed.credentials = given["Credentials"]
    return assumed


OPEN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
)
"""As somebody would write it who is in a hurry."""


def versions_of(iam: Any, arn: str) -> list[Any]:
    """The documents of a policy, the default one last."""
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    versions.sort(key=lambda version: version["IsDefaultVersion"])
    return [
        iam.get_policy_version(PolicyArn=arn, VersionId=v["VersionId"])["PolicyVersion"]["Document"]
        for v in versions
    ]


@pytest.fixture(scope="module")
def guarded(new_small_checkout):
    """A small platform whose emulator evaluates IAM policies, and the pipeline's roles in it."""
    checkout = new_small_checkout()
    checkout.totara("up", "local", AUTH="true")
    for done in ("Registered the OIDC provider", "The OIDC provider of GitHub is there"):
        outcome = checkout.totara("pipeline", "bootstrap", "local", "--repository", REPOSITORY)
        assert done in outcome.out
    # Again changes nothing, and a policy that somebody has changed says what it should again.
    iam, role = checkout.live().client("iam"), "BankReadRole"
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert [p["PolicyName"] for p in attached] == ["Pipeline-BankReadRole-1"]
    arn = attached[0]["PolicyArn"]
    whole = versions_of(iam, arn)
    assert len(whole) == 1
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=OPEN, SetAsDefault=True)
    checkout.totara("pipeline", "bootstrap", "local", "--repository", REPOSITORY)
    mended = versions_of(iam, arn)
    assert len(mended) == 5
    assert mended[-1] == whole[0]
    # The emulator knows a token's `aud` and `sub`; test_pipeline_trust.py holds the other claims.
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    exactly = trust["Statement"][0]["Condition"]["StringEquals"]
    known = {key: exactly[key] for key in (f"{ISSUER}:aud", f"{ISSUER}:sub")}
    trust["Statement"][0]["Condition"] = {"StringEquals": known}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    # The emulator looks at no resource in many calls of which AWS knows one, so what is held here
    # are the actions; the names are held above.
    reads = pipeline_roles(checkout.blueprint().scope)[1].statements
    iam.put_role_policy(
        RoleName=role,
        PolicyName="emulator",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**s, "Resource": ["*"]} for s in reads]}
        ),
    )
    return checkout


@pytest.mark.engine
def test_a_job_of_another_repository_or_environment_gets_no_role(guarded):
    live = guarded.live()
    right = f"repo:{REPOSITORY}:environment:local-read"
    for subject in (
        f"repo:{REPOSITORY}:ref:refs/heads/main",
        f"repo:{REPOSITORY}:environment:local",
        right.replace("totara-bank", "somebody"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(live, "BankReadRole", subject)
    assert assume(live, "BankReadRole", right)


@pytest.mark.engine
def test_drift_is_told_under_the_role_that_reads_which_can_change_nothing(guarded):
    live, blueprint = guarded.live(), guarded.blueprint()
    reader = assume(live, "BankReadRole", f"repo:{REPOSITORY}:environment:local-read")

    found = find_drift(reader, blueprint, "local", authors=True)
    # The buckets' own policies refuse what does not come by TLS, as the emulator takes it.
    refused = "with an explicit deny in a resource-based policy"
    assert [e.reason for e in found.not_read if not e.reason.endswith(refused)] == []
    assert [(drift.key, drift.kind) for drift in found.drifts] == []

    path = "/bank/local/service-001/window"
    secret = "/bank/local/core/neon-db-url"
    for service, call, arguments in (
        ("ssm", "put_parameter", {"Name": path, "Value": "1", "Overwrite": True}),
        ("ssm", "delete_parameter", {"Name": path}),
        ("secretsmanager", "get_secret_value", {"SecretId": secret}),
        ("secretsmanager", "delete_secret", {"SecretId": secret}),
        ("iam", "create_role", {"RoleName": "x", "AssumeRolePolicyDocument": "{}"}),
        ("s3", "create_bucket", {"Bucket": "bank-local-x"}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(reader.client(service, attempts=1), call)(**arguments)


@pytest.mark.engine
def test_the_role_that_deploys_may_make_every_call_that_an_update_makes(guarded):
    live, blueprint = guarded.live(), guarded.blueprint()
    deploy = pipeline_roles(blueprint.scope)[0]
    made = recorded_calls(live)
    assert len(made) > 30
    bootstrap = {
        "iam:CreateRole", "iam:PutRolePolicy", "iam:TagRole", "iam:CreateOpenIDConnectProvider",
        "iam:UpdateAssumeRolePolicy", "iam:GetOpenIDConnectProvider", "iam:CreatePolicy",
        "iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:AttachRolePolicy",
    }  # fmt: skip
    # The local provider alone: AWS gives a new container no version that has to be emptied.
    emulated = {"secretsmanager:UpdateSecretVersionStage"}
    made -= bootstrap | emulated
    missing = {call for call in made if not allowed(deploy.statements, call)}
    assert missing == set()


SOURCES = {
    "cognito-idp": "cognito-idp", "events": "events", "iam": "iam", "kms": "kms", "logs": "logs",
    "monitoring": "cloudwatch", "secretsmanager": "secretsmanager", "sns": "sns", "sqs": "sqs",
    "ssm": "ssm",
}  # fmt: skip
"""Services whose calls IAM names as their API does, by how CloudTrail spells them."""


def recorded_calls(live: Live) -> set[str]:
    """Every such call that CloudTrail has recorded, as IAM names it."""
    found = ((write.source.removesuffix(".amazonaws.com"), write.action) for write in writes(live))
    return {f"{SOURCES[source]}:{action}" for source, action in found if source in SOURCES}
