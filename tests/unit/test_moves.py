"""What counts as a move or a rename, told by what was applied last."""

from __future__ import annotations

from dataclasses import replace

from tests.environments import blueprint_of
from totara_infra.blueprint.moves import Applied, Move, MoveKind, applied, moves, planned
from totara_infra.blueprint.parameters import TYPE as PARAMETER
from totara_infra.blueprint.secrets import TYPE as SECRET
from totara_infra.model.vocabulary import Environment

AFTER = blueprint_of(Environment.PROD)
NOW = planned(AFTER)
WINDOW = next(a for a in NOW if a.path == "/bank/prod/posting-engine/idempotency-window")
KEY = next(a for a in NOW if a.type == SECRET and a.path.startswith("/bank/prod/kyc/eidv"))


def since(*changed: Applied, without: tuple[Applied, ...] = ()) -> list[Move]:
    """Moves from a state in which some resources were others."""
    kept = [a for a in NOW if a not in without]
    return moves([*kept, *changed], AFTER)


def at(resource: Applied, path: str, **other: str) -> Applied:
    """The same resource at another path."""
    return replace(resource, path=path, name=path.removeprefix("/bank/prod/"), **other)


def test_what_stays_is_no_move() -> None:
    assert since() == []
    assert moves([], AFTER) == []


def test_a_state_reads_like_a_plan() -> None:
    state = [
        {
            "custom": True,
            "type": PARAMETER,
            "urn": f"urn:pulumi:prod::totara-infra::a$b::{WINDOW.name}",
            "inputs": {
                "name": WINDOW.path,
                "insecureValue": WINDOW.value,
                "description": WINDOW.description,
                "tags": {"module_id": WINDOW.module, "system_id": WINDOW.domain},
            },
        },
        {"custom": False, "type": "totara:components:Module", "urn": "a::b::c::d"},
    ]
    assert applied(state) == [WINDOW]


def test_a_parameter_whose_value_changes_with_its_path_says_both() -> None:
    was = at(WINDOW, "/bank/prod/ledger/idempotency-window", value="12")
    (found,) = since(was, without=(WINDOW,))
    assert (found.kind, found.before, found.after) == (MoveKind.PARAMETER, was.path, WINDOW.path)
    assert f"with the value {WINDOW.value} instead of 12" in found.effect
    assert "Deploy its readers again" in found.effect
    assert "MOD-001" in found.effect


def test_another_text_is_still_a_rename_where_the_last_part_is_the_same() -> None:
    was = at(WINDOW, "/bank/prod/ledger/idempotency-window", description="Said otherwise.")
    assert [m.kind for m in since(was, without=(WINDOW,))] == [MoveKind.PARAMETER]
    elsewhere = replace(was, module="MOD-002")
    assert since(elsewhere, without=(WINDOW,)) == []


def test_a_parameter_that_is_only_gone_is_no_rename() -> None:
    assert since(at(WINDOW, "/bank/prod/posting-engine/other", description="Another.")) == []


def test_a_secret_that_would_lose_its_value_says_what_to_write() -> None:
    was = at(KEY, "/bank/prod/kyc/former-key")
    was = replace(was, name="secret/kyc/former-key")
    (found,) = since(was, without=(KEY,))
    assert found.kind is MoveKind.SECRET
    assert found.write == (
        "`previously: /bank/{env}/kyc/former-key` under the secret's `path:` in " + KEY.module
    )
    # The new container is there, so the value has been moved: the old one may go.
    (done,) = since(was)
    assert (done.before, done.after, done.write) == (was.path, KEY.path, "")
    assert "The old container is deleted" in done.effect


def test_what_passes_to_a_module_that_was_there_is_told() -> None:
    was = replace(WINDOW, module="MOD-002")
    (found,) = since(was, without=(WINDOW,))
    assert (found.kind, found.before, found.after) == (MoveKind.PASSED, "MOD-002", "MOD-001")
    assert "1 resource stays" in found.effect
