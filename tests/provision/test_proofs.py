"""Each proof of the playbook on the fault that it is for: bare emulator, real PostgreSQL."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from tests.conftest import PROJECT
from tests.fake_gh import gh
from tests.migrations.server import DATABASES, Server
from tests.ports import free_port
from tests.secrets.containers import make_containers
from totara_infra.blueprint.pipeline_trust import Jobs, trust_statement
from totara_infra.delivery.runbooks import Journal
from totara_infra.delivery.stacks import live_context
from totara_infra.local import emulator
from totara_infra.local.locked_environment import EMULATOR
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, state_directory
from totara_infra.model.problems import TotaraError
from totara_infra.model.provisioning import Deployment, ProofName, read_provisioning
from totara_infra.model.runbook import StepOutcome, StepRecord
from totara_infra.operations.backup.archive import store
from totara_infra.operations.backup.keys import key_from_file
from totara_infra.operations.backup.sealing import write_new_key
from totara_infra.operations.backup.storage import storage_at
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.filling import seed
from totara_infra.operations.tenant_users import sign_out
from totara_infra.provisioning.proofs import PROOFS, environment
from totara_infra.provisioning.proofs.asking import Asking
from totara_infra.provisioning.situation import situation_of


@pytest.fixture(scope="module")
def asking(catalogue, tmp_path_factory) -> Iterator[Asking]:
    """About acorn in a rehearsal of prod: an emulator with nothing but the secrets' containers."""
    EMULATOR.ensure_installed()
    installed, state = state_directory(), tmp_path_factory.mktemp("state")
    (state / "emulator").symlink_to(installed / "emulator")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STATE_DIRECTORY_VARIABLE, str(state))
        patch.setenv("TOTARA_PORT", str(free_port()))
        emulator.start("prod-rehearsal", region="ap-southeast-2")
        blueprint, live = live_context("prod", rehearse=True)
        make_containers(blueprint, live)
        situation = situation_of("acorn", "prod", rehearse=True, deployment=Deployment.FIRST)
        journal = Journal(state / "journal.jsonl")
        yield Asking(situation, catalogue, read_provisioning(catalogue), journal)
        emulator.stop("prod-rehearsal")


@pytest.fixture(scope="module")
def live(asking) -> Live:
    return asking.live()


@pytest.fixture(scope="module")
def server(asking, live) -> Iterator[Server]:
    """The eight databases, with their direct URLs in the secrets."""
    server = Server.start()
    for database in DATABASES:
        put(live, migrate_url(database), server.url(database))
    yield server
    server.stop()


def migrate_url(database: str) -> str:
    return f"/bank/prod/{database.removeprefix('bank_')}/neon-db-migrate-url"


def put(live: Live, path: str, value: str) -> None:
    live.client("secretsmanager").put_secret_value(SecretId=path, SecretString=value)


def holds(asking: Asking, name: ProofName) -> str:
    found = PROOFS[name](asking)
    assert found.holds, found.found
    return found.found


def fails(asking: Asking, name: ProofName) -> str:
    found = PROOFS[name](asking)
    assert not found.holds, found.found
    return found.found


def test_every_proof_that_a_step_can_name_is_there():
    assert set(PROOFS) | {ProofName.SUPPLIER_CREDENTIALS} == set(ProofName)


def test_the_organisation_must_have_both_policies_attached(asking, live):
    client = live.client("organizations")
    assert "denies iam:CreateRole and none" in fails(asking, ProofName.ORGANISATION)
    root = client.list_roots()["Roots"][0]["Id"]
    tags = {f"aws:RequestTag/{t}": "true" for t in ("tenant_id", "module_id", "environment")}
    policies = {
        "tags": {"Action": "*", "Condition": {"Null": tags}},
        "roles": {"Action": ["iam:CreateRole"]},
    }
    made = {}
    for name, statement in policies.items():
        content = {"Statement": [{"Effect": "Deny", "Resource": "*", **statement}]}
        made[name] = client.create_policy(
            Name=name, Type="SERVICE_CONTROL_POLICY", Description=name, Content=json.dumps(content)
        )["Policy"]["PolicySummary"]["Id"]
    client.attach_policy(PolicyId=made["tags"], TargetId=root)
    said = fails(asking, ProofName.ORGANISATION)
    assert "iam:CreateRole" in said and "tags" not in said
    client.attach_policy(PolicyId=made["roles"], TargetId=root)
    holds(asking, ProofName.ORGANISATION)
    client.detach_policy(PolicyId=made["tags"], TargetId=root)
    assert "enforces the tags tenant_id" in fails(asking, ProofName.ORGANISATION)


def test_credentials_of_another_account_are_told(asking, monkeypatch):
    assert "333333333333" in holds(asking, ProofName.MEMBER_ACCOUNT)
    other = asking.live()
    other.__dict__["_session"] = boto3.Session(
        aws_access_key_id="111111111111", aws_secret_access_key="x", region_name="ap-southeast-2"
    )
    monkeypatch.setattr(asking, "live", lambda: other)
    assert "of account 111111111111" in fails(asking, ProofName.MEMBER_ACCOUNT)


def test_roles_and_the_identity_provider_must_be_there(asking, live):
    iam = live.client("iam")
    trust = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}}]})
    assert "no role BankBootstrapRole" in fails(asking, ProofName.BOOTSTRAP_ROLE)
    iam.create_role(RoleName="BankBootstrapRole", AssumeRolePolicyDocument=trust)
    holds(asking, ProofName.BOOTSTRAP_ROLE)

    assert "no provider token.actions" in fails(asking, ProofName.GITHUB_OIDC_PROVIDER)
    iam.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"]
    )
    holds(asking, ProofName.GITHUB_OIDC_PROVIDER)

    assert "no role BankDeployRole" in fails(asking, ProofName.DEPLOYMENT_ROLES)
    iam.create_role(RoleName="BankDeployRole", AssumeRolePolicyDocument=trust)
    assert "does not trust" in fails(asking, ProofName.DEPLOYMENT_ROLES)
    provider = "arn:aws:iam::333333333333:oidc-provider/token.actions.githubusercontent.com"
    trusted = {"Statement": [{"Effect": "Allow", "Principal": {"Federated": provider}}]}
    iam.update_assume_role_policy(RoleName="BankDeployRole", PolicyDocument=json.dumps(trusted))
    assert "lets in jobs of any branch" in fails(asking, ProofName.DEPLOYMENT_ROLES)
    environment = {"token.actions.githubusercontent.com:sub": "repo:a/b:environment:prod"}
    trusted["Statement"][0]["Condition"] = {"StringEquals": environment}
    iam.update_assume_role_policy(RoleName="BankDeployRole", PolicyDocument=json.dumps(trusted))
    assert "lets in jobs of any branch" in fails(asking, ProofName.DEPLOYMENT_ROLES)
    jobs = Jobs(("prod",), "release.yaml", "refs/tags/v*")
    trusted["Statement"] = [trust_statement(provider, "a/b", jobs)]
    iam.update_assume_role_policy(RoleName="BankDeployRole", PolicyDocument=json.dumps(trusted))
    holds(asking, ProofName.DEPLOYMENT_ROLES)


def test_github_is_asked_for_environments_variables_and_the_neon_key(
    asking, catalogue, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(TotaraError, match="`gh` is not on PATH"):
        PROOFS[ProofName.NEON_API_KEY](asking)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ.get('PATH')}:/usr/bin:/bin")

    environments = {
        f"repos/totara-bank/{d.repository}/environments/prod/variables": {
            "variables": [{"name": "DEPLOY_ROLE"}]
        }
        for d in catalogue.domains
    }
    secrets = "repos/totara-bank/bank-platform/actions/secrets"
    gh(tmp_path, environments | {secrets: {"secrets": [{"name": "BANK_NEON_API_KEY"}]}})
    holds(asking, ProofName.GITHUB_REPOSITORIES)
    holds(asking, ProofName.NEON_API_KEY)

    core = "repos/totara-bank/bank-core/environments/prod"
    gh(tmp_path, environments | {core: {"deployment_branch_policy": None}})
    assert "bank-core: prod is open to every branch" in fails(asking, ProofName.GITHUB_REPOSITORIES)

    kyc = "repos/totara-bank/bank-kyc/environments/prod/variables"
    aml = "repos/totara-bank/bank-aml/environments/prod/variables"
    less = {k: v for k, v in environments.items() if k != kyc} | {aml: {"variables": []}}
    gh(tmp_path, less | {secrets: {"secrets": []}})
    said = fails(asking, ProofName.GITHUB_REPOSITORIES)
    assert "bank-kyc: no environment prod" in said
    assert "bank-aml: no variable DEPLOY_ROLE" in said
    assert "no secret BANK_NEON_API_KEY" in fails(asking, ProofName.NEON_API_KEY)


def test_databases_answer_through_their_direct_urls(asking, live, server):
    holds(asking, ProofName.DATABASES)
    put(live, migrate_url("bank_kyc"), server.url("bank_kyc").replace(str(server.port), "1"))
    assert "No answer from bank_kyc." in fails(asking, ProofName.DATABASES)
    put(live, migrate_url("bank_kyc"), server.url("bank_aml"))
    with pytest.raises(TotaraError, match="leads to another database than bank_kyc"):
        PROOFS[ProofName.DATABASES](asking)
    put(live, migrate_url("bank_kyc"), server.url("bank_kyc"))


def history(server: Server, database: str, files: list[Path]) -> None:
    with server.connect(database) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS flyway_schema_history"
            " (installed_rank int, version text, success boolean)"
        )
        connection.execute("GRANT SELECT ON flyway_schema_history TO PUBLIC")
        for rank, file in enumerate(files):
            connection.execute(
                "INSERT INTO flyway_schema_history VALUES (%s, %s, true)", (rank, file.name[1:4])
            )


def test_the_history_must_have_every_migration(asking, server):
    assert "bank_core from 001 on" in fails(asking, ProofName.MIGRATIONS)
    newest: dict[str, list[Path]] = {}
    for database in DATABASES:
        files = sorted((PROJECT / "migrations" / database).glob("V*.sql"))
        newest[database] = files[-1:] if database == "bank_app" else []
        history(server, database, files[:-1] if database == "bank_app" else files)
    version = newest["bank_app"][0].name[1:4]
    assert f"Not applied: bank_app from {version} on." in fails(asking, ProofName.MIGRATIONS)
    history(server, "bank_app", newest["bank_app"])
    holds(asking, ProofName.MIGRATIONS)


def test_a_session_and_a_payment_are_looked_for_by_client(asking, server):
    assert "does not exist" in fails(asking, ProofName.CUSTOMER_SESSION)
    with server.connect("bank_app") as app:
        app.execute("CREATE SCHEMA app; CREATE TABLE app.customer_sessions (tenant_id text)")
        app.execute("GRANT USAGE ON SCHEMA app TO PUBLIC")
        app.execute("GRANT SELECT ON app.customer_sessions TO PUBLIC")
        app.execute("INSERT INTO app.customer_sessions VALUES ('totara-bank')")
        assert "No customer of acorn" in fails(asking, ProofName.CUSTOMER_SESSION)
        app.execute("INSERT INTO app.customer_sessions VALUES ('acorn')")
    assert "1 sessions" in holds(asking, ProofName.CUSTOMER_SESSION)

    with server.connect("bank_payments") as payments:
        payments.execute("CREATE SCHEMA payments")
        payments.execute("CREATE TABLE payments.payments (tenant_id text, status text)")
        payments.execute("GRANT USAGE ON SCHEMA payments TO PUBLIC")
        payments.execute("GRANT SELECT ON payments.payments TO PUBLIC")
        payments.execute(
            "INSERT INTO payments.payments VALUES"
            " ('acorn', 'COMPLETED'), ('totara-bank', 'INITIATED')"
        )
        holds(asking, ProofName.PAYMENTS_DRAINED)
        payments.execute("INSERT INTO payments.payments VALUES ('acorn', 'VALIDATED')")
    assert "1 payments are under way" in fails(asking, ProofName.PAYMENTS_DRAINED)


def test_secrets_must_be_there_filled_and_a_third_partys_own(asking, live):
    supplier = next(s for s in asking.playbook.suppliers if s.id == "nz-interbank")
    path = "/bank/prod/payments/nz-interbank"
    assert (
        "Nothing from the settlement bank"
        in environment.supplier_credentials(asking, supplier).found
    )
    said = fails(asking, ProofName.SECRETS_FILLED)
    assert f"from the settlement bank for New Zealand's interbank payments: {path}" in said
    # No business of a client that is licensed in New Zealand only.
    assert "austrac" not in said

    list(seed(live, asking.blueprint(live)))
    holds(asking, ProofName.SECRETS_FILLED)
    made_up = environment.supplier_credentials(asking, supplier)
    assert not made_up.holds and "It proves no agreement" in made_up.found
    put(live, path, '{"key": "theirs"}')
    assert environment.supplier_credentials(asking, supplier).holds

    holds(asking, ProofName.SECRET_CONTAINERS)
    live.client("secretsmanager").delete_secret(SecretId=path, ForceDeleteWithoutRecovery=True)
    assert path in fails(asking, ProofName.SECRET_CONTAINERS)
    assert path in fails(asking, ProofName.SECRETS_FILLED)
    live.client("secretsmanager").create_secret(Name=path, SecretString='{"key": "theirs"}')


def test_snowflake_needs_locator_key_and_an_answer(asking, live, monkeypatch):
    assert "MOD-102 writes it" in fails(asking, ProofName.SNOWFLAKE)
    live.client("ssm").put_parameter(
        Name="/bank/prod/snowflake-account-configuration/account-locator",
        Value="nobody.invalid/", Type="String",
    )  # fmt: skip
    assert "Made up, not from Snowflake" in fails(asking, ProofName.SNOWFLAKE)
    put(live, "/bank/prod/platform/snowflake-key-pair", "a key, as far as this proof can see")
    assert "does not answer" in fails(asking, ProofName.SNOWFLAKE)

    class Answer:
        def close(self) -> None:
            pass

    monkeypatch.setattr(environment.urllib.request, "urlopen", lambda *_, **__: Answer())
    holds(asking, ProofName.SNOWFLAKE)


def record(step: str, outcome: StepOutcome, assumption: str = "") -> StepRecord:
    now = datetime.now(UTC)
    return StepRecord(
        step=step, outcome=outcome, started=now, finished=now, found="", assumption=assumption
    )


def test_the_latest_word_on_a_step_counts(asking):
    assert fails(asking, ProofName.NOTHING_ASSUMED) == "Nothing was tried yet."
    asking.journal.add(record("databases", StepOutcome.ASSUMED, "soon"))
    assert "databases (soon)" in fails(asking, ProofName.NOTHING_ASSUMED)
    asking.journal.add(record("databases", StepOutcome.THERE))
    holds(asking, ProofName.NOTHING_ASSUMED)


def test_a_backup_must_be_younger_than_the_sign_out(asking, live, tmp_path):
    write_new_key(tmp_path / "key")
    key = key_from_file(tmp_path / "key")
    storage = storage_at(str(state_directory() / "backups"), live)
    where = {"stack": "prod-rehearsal", "account_id": "333333333333", "region": "ap-southeast-2"}
    now = datetime.now(UTC)
    store(storage, key, {}, taken=now - timedelta(hours=1), **where)
    asking.journal.add(record("signed-out", StepOutcome.DONE))
    assert "No backup here was taken after" in fails(asking, ProofName.EXPORTED)
    store(storage, key, {}, taken=now + timedelta(seconds=5), **where)
    holds(asking, ProofName.EXPORTED)


def test_final_returns_must_be_archived_and_locked(asking, live):
    s3, bucket = live.client("s3"), "bank-prod-statutory-archive-totara"
    s3.create_bucket(
        Bucket=bucket, ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"},
    )  # fmt: skip
    assert "Nothing is below closing/acorn/" in fails(asking, ProofName.FINAL_RETURNS)
    s3.put_object(Bucket=bucket, Key="closing/acorn/bs2a.pdf", Body=b"figures")
    assert "Not locked: closing/acorn/bs2a.pdf" in fails(asking, ProofName.FINAL_RETURNS)
    s3.put_object(
        Bucket=bucket, Key="closing/acorn/bs2a.pdf", Body=b"figures", ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=datetime.now(UTC) + timedelta(days=2557),
    )  # fmt: skip
    holds(asking, ProofName.FINAL_RETURNS)


def test_every_user_of_the_client_and_nobody_else_is_signed_out(asking, live):
    cognito = live.client("cognito-idp")
    schema = [{"Name": "tenant_id", "AttributeDataType": "String", "Mutable": True}]
    pool = cognito.create_user_pool(PoolName="bank-customers-prod", Schema=schema)["UserPool"]["Id"]
    for name, tenant in (("one", "acorn"), ("two", "acorn"), ("three", "totara-bank")):
        cognito.admin_create_user(
            UserPoolId=pool, Username=name, MessageAction="SUPPRESS", TemporaryPassword="Aa1!aaaa",
            UserAttributes=[{"Name": "custom:tenant_id", "Value": tenant}],
        )  # fmt: skip
    assert "2 of 2 users may still sign in" in fails(asking, ProofName.USERS_DISABLED)
    assert len(sign_out(live, asking.blueprint(live), "acorn")) == 2
    holds(asking, ProofName.USERS_DISABLED)
    assert cognito.admin_get_user(UserPoolId=pool, Username="three")["Enabled"]
