"""A client's way out on the real engine: status by status, and what must stay stays."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

import pytest

from tests.provision.conftest import outcomes
from totara_infra.blueprint import plan
from totara_infra.model.stack import StackSettings
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import TenantStatus

FILE = "stacks/acorn.yaml"


@pytest.fixture(scope="module")
def file(checkout, provisioned):
    """The client's file, put back at the end."""
    path = checkout.root / FILE
    before = path.read_text(encoding="utf-8")
    yield path
    path.write_text(before, encoding="utf-8")


@pytest.mark.engine
def test_faults_of_the_environment_are_named_by_their_proofs(checkout, provisioned):
    live = checkout.live()
    ssm, cognito = live.client("ssm"), live.client("cognito-idp")
    marker = "/bank/local/deployment/mod-118"
    digest = ssm.get_parameter(Name=marker)["Parameter"]["Value"]
    customer = json.loads((checkout.state / "runs/local/customer-acorn.json").read_text())["name"]
    pool = checkout.live().client("ssm").get_parameter(
        Name="/bank/local/cognito/customers/pool-id"
    )["Parameter"]["Value"]  # fmt: skip
    ssm.put_parameter(Name=marker, Value="other", Overwrite=True)
    cognito.admin_disable_user(UserPoolId=pool, Username=customer)
    try:
        plan = checkout.totara("provision", "acorn", "local", "--dry-run", "--format", "json").data
    finally:
        ssm.put_parameter(Name=marker, Value=digest, Overwrite=True)
        cognito.admin_enable_user(UserPoolId=pool, Username=customer)

    steps = {step["id"]: step for step in plan["steps"]}
    assert steps["containers"]["holds"] and steps["tenant-live"]["holds"]
    for step, named in (
        ("environment-up", marker),
        ("verified", f"module marker {marker}"),
        ("test-customer", "Cognito does not sign the customer in"),
    ):
        assert not steps[step]["holds"]
        assert named in steps[step]["found"]


@pytest.mark.engine
def test_the_way_out_stops_for_each_reviewed_edit(checkout, file):
    done = checkout.totara("decommission", "acorn", "local", code=1)

    found = outcomes(checkout, way="decommission")
    assert found["notice"] == found["payments-drained"] == "assumed"
    assert found["suspended"] == "waiting"
    assert found["signed-out"] == found["closed"] == "not reached"
    assert "totara tenant status acorn suspended" in done.out
    refused = checkout.totara("customer", "sign-out", "acorn", "local", code=2)
    assert "is live: its customers would stand before a closed door" in refused.err


@pytest.mark.engine
def test_a_suspended_client_is_signed_out_and_handed_over(checkout, file):
    checkout.totara("tenant", "status", "acorn", "suspended")
    checkout.totara("up", "local")
    checkout.totara("decommission", "acorn", "local", code=1)

    found = outcomes(checkout, way="decommission")
    assert found["suspended"] == "there"
    assert found["signed-out"] == "done"
    assert found["closed"] == "waiting"


@pytest.mark.engine
def test_a_closed_client_leaves_what_must_stay_and_nothing_else(checkout, file):
    secrets, ssm = checkout.live().client("secretsmanager"), checkout.live().client("ssm")

    def paths() -> set[str]:
        pages = secrets.get_paginator("list_secrets").paginate()
        return {s["Name"] for page in pages for s in page["SecretList"]}

    before = paths()
    change = checkout.totara("tenant", "status", "acorn", "closed").out
    today = datetime.now(UTC).date()
    assert f"+closed_on: {today}\n" in change
    checkout.totara("up", "local")
    done = checkout.totara("decommission", "acorn", "local")

    assert set(outcomes(checkout, way="decommission").values()) <= {"there", "done", "assumed"}
    assert "decommission acorn in local: complete" in done.out
    assert before - paths() == {"/bank/local/payments/acorn-sponsor"}
    assert "/bank/local/payments/totara-bank-sponsor" in paths()
    kept = "/bank/local/tenant-acorn/institution-type"
    assert ssm.get_parameter(Name=kept)["Parameter"]["Value"] == "mutual"
    report = checkout.totara("tenant", "retention", "acorn", "local", "--format", "json").data
    assert report["ends"] == str(today.replace(year=today.year + 7))
    names = {entry["name"] for entry in report["kept"]}
    assert {kept, "bank-local-documents", "alias/bank-local-pii"} <= names
    checkout.live().client("s3").head_bucket(Bucket="bank-local-documents")
    gone = checkout.totara("provision", "acorn", "local", "--dry-run", "--format", "json").data
    assert not next(s for s in gone["steps"] if s["id"] == "tenant-live")["holds"]


@pytest.mark.engine
def test_what_stays_is_looked_at(checkout, file):
    ssm, kept = checkout.live().client("ssm"), "/bank/local/tenant-acorn/institution-type"
    ssm.delete_parameter(Name=kept)
    try:
        answer = checkout.totara("tenant", "retention", "acorn", "local", code=1)
    finally:
        ssm.put_parameter(Name=kept, Value="mutual", Type="String")
    assert f"NOT THERE parameter {kept}: nothing" in answer.out


@pytest.mark.engine
def test_production_keeps_a_closed_client_until_its_day(checkout, rehearsed, file):
    """Whoever takes it out of the list is told the day; after it, an update may drop it."""
    stack = checkout.root / "Pulumi.prod.yaml"
    listed = stack.read_text(encoding="utf-8")
    stack.write_text(listed.replace("[totara-bank, acorn]", "[totara-bank]"), encoding="utf-8")
    closed = file.read_text(encoding="utf-8")
    others = {
        other: other.read_text(encoding="utf-8")
        for other in (checkout.root / f"Pulumi.{name}.yaml" for name in ("local", "dev", "uat"))
    }
    today = datetime.now(UTC).date()
    try:
        refused = checkout.totara("preview", "prod", "--rehearse", code=1)
        file.unlink()
        for other, text in others.items():
            other.write_text(re.sub(r"(, )?\bacorn\b", "", text), encoding="utf-8")
        unknown = checkout.totara("preview", "prod", "--rehearse", code=1)
        for other, text in others.items():
            other.write_text(text, encoding="utf-8")
        long_ago = re.sub(r"closed_on: .*", f"closed_on: {today.year - 8}-01-31", closed)
        file.write_text(long_ago, encoding="utf-8")
        let_go = ["preview", "prod", "--rehearse", "--force-redeploy", "acorn"]
        checkout.totara(*let_go)
    finally:
        for other, text in (others | {stack: listed, file: closed}).items():
            other.write_text(text, encoding="utf-8")

    day = today.replace(year=today.year + 7)
    assert f"nothing of it may be deleted before {day}" in refused.err
    assert "Pulumi.prod.yaml:4: totara-infra:tenants: [totara-bank, acorn]" in refused.err
    assert "nobody knows since when it is closed" in unknown.err


def test_a_stack_whose_only_client_is_closed_keeps_its_records(catalogue):
    tenant = Tenant(
        client_id="rata", display_name="Rata Bank", status="live",
        institution_type="proprietary", jurisdictions=["NZ", "AU"], isolated=True,
    )  # fmt: skip
    settings = StackSettings.for_environment("prod", account_id="4" * 12, tenants=["rata"])
    closed = tenant.model_copy(
        update={"status": TenantStatus.CLOSED, "closed_on": date(2026, 11, 27)}
    )
    before, after = (plan(catalogue, settings, [t]).resources for t in (tenant, closed))

    def of(resources, *shapes: str) -> set[str]:
        return {name for name, r in resources.items() if r.shape in shapes}

    for shape in ("Bucket", "BucketObjectLockConfiguration", "Key", "Alias", "UserPool"):
        assert of(before, shape)
        assert of(after, shape) == of(before, shape)
    assert any("secrets-audit" in name for name in of(after, "LogGroup"))
    secrets = of(after, "Secret")
    assert secrets
    assert all("neon-db" in name for name in secrets)
    assert len(after) < len(before)


@pytest.mark.parametrize(
    ("before", "wanted", "said"),
    [
        ("live", "closed", "is live, and closed may not follow. Write suspended."),
        ("planned", "suspended", "Write live or closed."),
        ("closed", "live", "is closed for good"),
        ("live", "gone", "There is no status `gone`"),
    ],
)
def test_a_status_that_may_not_follow_is_refused(tmp_path, monkeypatch, before, wanted, said):
    from totara_infra.delivery import tenant_status
    from totara_infra.model.problems import UsageError

    path = tmp_path / "stacks" / "acorn.yaml"
    path.parent.mkdir()
    day = "closed_on: 2026-01-31\n" if before == "closed" else ""
    path.write_text(
        f"client_id: acorn\ndisplay_name: Acorn\nstatus: {before}  # as agreed\n{day}"
        "institution_type: mutual\njurisdictions: [NZ]\n"
    )
    monkeypatch.setattr(tenant_status, "project_root", lambda: tmp_path)

    with pytest.raises(UsageError, match=re.escape(said)):
        tenant_status.status_change("acorn", wanted, date(2026, 11, 27))


def test_only_the_status_changes_and_comments_stay(tmp_path, monkeypatch):
    from totara_infra.delivery import tenant_status

    path = tmp_path / "stacks" / "acorn.yaml"
    path.parent.mkdir()
    text = (
        "# Agreed in March.\nclient_id: acorn\ndisplay_name: Acorn\n"
        "status: suspended  # since the notice\ninstitution_type: mutual\njurisdictions: [NZ]\n"
    )
    path.write_text(text)
    monkeypatch.setattr(tenant_status, "project_root", lambda: tmp_path)

    change = tenant_status.status_change("acorn", "closed", date(2026, 11, 27))
    change.write()

    wanted = "status: closed  # since the notice\nclosed_on: 2026-11-27\n"
    assert path.read_text() == text.replace("status: suspended  # since the notice\n", wanted)
    assert [p.name for p in path.parent.iterdir()] == ["acorn.yaml"]
