"""Every type through its life on the real emulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.provider.cases import CASES, Case
from tests.provider.provider_client import DEFAULT_TAGS, ProviderClient
from totara_infra.local.provider.registry import resource_type, tokens
from totara_infra.local.provider.values import UNKNOWN

NONE = provider_pb2.DiffResponse.DIFF_NONE
SOME = provider_pb2.DiffResponse.DIFF_SOME


def test_every_type_has_a_case() -> None:
    assert sorted(case.token for case in CASES) == tokens()


def merged(inputs: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**inputs, **changes}.items() if value is not None}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.token.split(":")[-1])
def test_life(case: Case, provider: ProviderClient, aws: Callable[[str], Any], unique: str) -> None:
    facts = case.prepare(aws, unique)
    program = case.inputs(facts) | ({"tags": {"module": "MOD-001"}} if case.tagged else {})

    checked = provider.check(case.token, program)
    assert checked.failures == {}

    predicted = provider.preview(case.token, checked.inputs)
    for name in resource_type(case.token).outputs:
        assert name in predicted, "an output of the type is missing from the preview"
    known = {name: value for name, value in predicted.items() if value != UNKNOWN}

    state = provider.create(case.token, checked.inputs)
    assert state.id
    assert known.items() <= state.outputs.items(), "the preview promised something else"
    missing = {name for name in case.outputs if name not in state.outputs}
    assert not missing
    if case.tagged:
        assert state.outputs["tagsAll"] == DEFAULT_TAGS | {"module": "MOD-001"}

    # Unchanged: neither the program nor AWS differs from the state.
    assert diffs(provider, state, program) == {}
    refreshed = provider.refresh(state)
    assert refreshed is not None
    assert refreshed.id == state.id
    assert refreshed.inputs == state.inputs
    assert diffs(provider, refreshed, program) == {}

    imports(case, provider, state, program)

    if case.shows:
        drifts(case, provider, aws, facts, state, program)
    if case.change is not None:
        before, program = program, merged(program, case.change(facts))
        state = updates(case, provider, state, before, program)
    if case.tagged:
        before, program = program, merged(program, {"tags": {"module": "MOD-003", "new": "1"}})
        state = updates(case, provider, state, before, program)
        before, program = program, merged(program, {"tags": None})
        state = updates(case, provider, state, before, program)
    if case.replace is not None:
        replaces(case, provider, state, merged(program, case.replace(facts)))
    if not case.shows:
        case.drift(aws, state, facts)
        assert provider.refresh(state) is None, "it was deleted elsewhere"

    provider.delete(state)
    assert case.survives or provider.refresh(state) is None
    provider.delete(state)


def diffs(
    provider: ProviderClient, state: Any, program: dict[str, Any], **options: Any
) -> dict[str, str]:
    news = provider.check(state.token, program, state.inputs)
    assert news.failures == {}
    answer = provider.diff(state, news.inputs, **options)
    assert answer.changes == (SOME if answer.diffs else NONE)
    assert answer.hasDetailedDiff
    assert set(answer.detailedDiff) == set(answer.diffs)
    kinds = provider_pb2.PropertyDiff.Kind
    return {name: kinds.Name(entry.kind) for name, entry in answer.detailedDiff.items()}


def imports(case: Case, provider: ProviderClient, state: Any, program: dict[str, Any]) -> None:
    found = provider.import_(case.token, case.imported(state))
    assert found is not None
    assert found.id == state.id
    left = set(diffs(provider, found, program)) - case.not_imported
    if case.token.endswith(":Parameter"):
        # As with Pulumi's own plugin, an imported parameter has `value`.
        assert found.inputs["value"] == program["insecureValue"]
        left -= {"value"}
    assert left == set(), "the imported thing differs from the program that made it"


def updates(
    case: Case,
    provider: ProviderClient,
    state: Any,
    before: dict[str, Any],
    program: dict[str, Any],
) -> Any:
    news = provider.check(state.token, program, state.inputs).inputs
    changed = provider.diff(state, news)
    assert changed.changes == SOME
    assert list(changed.replaces) == []

    predicted = provider.update(state, news, preview=True).outputs
    known = {name: value for name, value in predicted.items() if value != UNKNOWN}
    updated = provider.update(state, news)
    assert known.items() <= updated.outputs.items(), "the preview promised something else"
    # For a state that does not know of it, the update is a change elsewhere.
    elsewhere = provider.refresh(state)
    assert elsewhere is not None
    assert set(diffs(provider, elsewhere, before)) == set(changed.diffs) - case.unseen
    again = provider.refresh(updated)
    assert again is not None
    assert again.inputs == news, "AWS does not have what was asked for"
    assert diffs(provider, again, program) == {}
    return updated


def replaces(case: Case, provider: ProviderClient, state: Any, program: dict[str, Any]) -> None:
    news = provider.check(case.token, program, state.inputs).inputs
    answer = provider.diff(state, news)
    assert list(answer.replaces)
    assert all(
        provider_pb2.PropertyDiff.Kind.Name(answer.detailedDiff[name].kind).endswith("_REPLACE")
        for name in answer.replaces
    )
    assert answer.deleteBeforeReplace == case.collides


def drifts(
    case: Case,
    provider: ProviderClient,
    aws: Callable[[str], Any],
    facts: dict[str, str],
    state: Any,
    program: dict[str, Any],
) -> None:
    """A change elsewhere shows as exactly that property, and the next update takes it back."""
    case.drift(aws, state, facts)
    found = provider.refresh(state)
    assert found is not None
    assert set(diffs(provider, found, program)) == {case.shows}
    if not case.restorable:
        return
    restored = provider.update(found, provider.check(case.token, program, found.inputs).inputs)
    again = provider.refresh(restored)
    assert again is not None
    assert again.inputs == state.inputs
