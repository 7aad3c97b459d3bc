"""Nobody makes a user of himself: the plan refuses such a pool, and so does the checklist."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from tests.environments import blueprint_of
from totara_infra.blueprint import blueprint, identity
from totara_infra.cli.main import app
from totara_infra.model.problems import ProblemsError
from totara_infra.model.vocabulary import Environment, Outcome
from totara_infra.operations.checks import sign_in


@pytest.mark.parametrize("environment", list(Environment))
def test_every_pool_of_every_environment_is_closed(environment: Environment) -> None:
    pools = [
        r for r in blueprint_of(environment).resources.values() if r.type == identity.POOL_TYPE
    ]
    assert len(pools) == 2
    for pool in pools:
        creation = pool.properties["admin_create_user_config"]
        assert creation == {"allow_admin_create_user_only": True}


@pytest.mark.parametrize("left", [None, {}, {"allow_admin_create_user_only": False}])
def test_a_plan_with_an_open_pool_is_refused(left: dict[str, Any] | None) -> None:
    def opened(scope: Any) -> list[Any]:
        found = identity.identity_resources(scope)
        next(r for r in found if r.name == "user_pool/staff").properties[
            "admin_create_user_config"
        ] = left
        return found

    with patch.object(blueprint, "identity_resources", opened):
        done = CliRunner().invoke(app, ["plan", "prod"])
    assert isinstance(done.exception, ProblemsError)
    (problem,) = done.exception.problems
    assert problem.rule == "open-sign-up"
    assert "bank-staff-prod" in problem.what


class Pools:
    """Cognito with the two pools of a stack."""

    def __init__(self, creation: dict[str, Any], there: bool = True) -> None:
        self.creation = creation
        self.names = ("bank-customers-prod", "bank-staff-prod") if there else ()

    def get_paginator(self, name: str) -> SimpleNamespace:
        assert name == "list_user_pools"
        listed = [{"Name": name, "Id": f"id-{name}"} for name in self.names]
        return SimpleNamespace(paginate=lambda **_: [{"UserPools": listed}])

    def describe_user_pool(self, UserPoolId: str) -> dict[str, Any]:
        return {"UserPool": {"Id": UserPoolId, **self.creation}}


def checked(cognito: Pools) -> list[Any]:
    planned = blueprint_of(Environment.PROD)
    inspection: Any = SimpleNamespace(
        blueprint=planned,
        resources=planned.resources,
        settings=planned.scope.settings,
        live=SimpleNamespace(client=lambda _: cognito),
        client=lambda _: cognito,
        each=lambda function, items: [function(item) for item in items],
    )
    return sign_in.sign_up(inspection)


def test_the_checklist_passes_closed_pools_and_leaves_a_missing_one_to_its_own_check() -> None:
    closed = {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}}
    assert [r.outcome for r in checked(Pools(closed))] == [Outcome.PASSED] * 2
    assert checked(Pools(closed, there=False)) == []


@pytest.mark.parametrize(
    "creation",
    [
        {},
        {"AdminCreateUserConfig": {}},
        {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": False}},
    ],
)
def test_the_checklist_names_a_pool_that_lets_anybody_sign_up(creation: dict[str, Any]) -> None:
    found = checked(Pools(creation))
    assert [(r.check, r.subject, r.outcome) for r in found] == [
        ("sign-up", f"bank-{pool}-prod", Outcome.FAILED) for pool in ("customers", "staff")
    ]
    assert all("totara up prod" in r.fix and "list-users" in r.fix for r in found)
