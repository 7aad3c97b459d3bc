"""A platform composed in Python: the example of the guide, under mocks, and what is refused."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from tests.conftest import PROJECT
from tests.program.test_graph import run_with
from totara_infra import StackSettings, Tenant, load_catalogue, plan
from totara_infra.model.problems import ProblemsError
from totara_infra.model.vocabulary import Environment

GUIDE = PROJECT / "docs" / "guides" / "new-tenant.md"


def kowhai(**changes) -> Tenant:
    fields = {
        "client_id": "kowhai",
        "display_name": "Kowhai Credit Union",
        "status": "live",
        "institution_type": "mutual",
        "jurisdictions": ["NZ"],
        "options": ["cards"],
    }
    return Tenant.model_validate(fields | changes)


def settings(**changes) -> StackSettings:
    fields = {"account_id": "111111111111", "tenants": ["kowhai"]}
    return StackSettings.for_environment("dev", **(fields | changes))


def test_the_guides_example_makes_the_platform() -> None:
    """The code of the guide runs as it stands; only the platform is made by the mocks here."""
    text = GUIDE.read_text(encoding="utf-8")
    code = next(c for c in re.findall(r"```python\n(.*?)```", text, re.S) if "Tenant(" in c)
    head, _, tail = code.partition("async def main")
    assert "Platform(settings, tenants=[kowhai])" in tail
    names: dict = {}
    exec(compile(head, str(GUIDE), "exec"), names)
    registered = run_with(names["settings"], [names["kowhai"]])
    made = {r.name for r in registered.values()}
    assert "tenant-kowhai/institution-type" in made
    assert {"MOD-118", "MOD-124"} <= made
    assert not {"MOD-119", "MOD-129"} & made


def test_settings_need_no_more_than_an_account_and_tenants() -> None:
    composed = settings()
    assert composed.default_tenant == "kowhai"
    assert composed.environment is Environment.DEV
    assert not composed.protect
    prod = StackSettings.for_environment(
        "prod", account_id="1" * 12, tenants=["a", "b"], log_retention_days=90
    )
    assert prod.protect
    assert (prod.default_tenant, prod.log_retention_days) == ("a", 90)
    with pytest.raises(ValidationError, match="account_id"):
        settings(account_id="12")
    with pytest.raises(ValidationError, match="at least 1"):
        settings(tenants=[])


@pytest.mark.parametrize(
    ("tenants", "listed", "rule"),
    [
        ([kowhai(options=["bpay"])], ["kowhai"], "option-jurisdiction"),
        ([kowhai(options=["bird"])], ["kowhai"], "unknown-option"),
        ([kowhai(overrides={"core.fee.notice-period": 1})], ["kowhai"], "override-value"),
        ([kowhai()], ["kowhai", "rata"], "stack-tenants"),
        ([kowhai(isolated=True), kowhai(client_id="rata")], ["kowhai", "rata"], "isolated-shared"),
        ([kowhai(), kowhai()], ["kowhai"], "stack-tenants"),
    ],
)
def test_python_is_held_against_the_same_rules(tenants, listed, rule) -> None:
    with pytest.raises(ProblemsError) as caught:
        plan(load_catalogue().catalogue, settings(tenants=listed), tenants)
    assert rule in {p.rule for p in caught.value.problems}
