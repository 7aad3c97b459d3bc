"""AWS's limits: each property that the blueprint can produce is fed its bounds."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from tests.conftest import PROJECT
from totara_infra.blueprint import plan
from totara_infra.blueprint.resource import Archive, Joined, PlannedResource, Reference
from totara_infra.model import naming
from totara_infra.model.stack import read_stack
from totara_infra.model.tenants import load_tenants
from totara_infra.operations.limits import shapes
from totara_infra.operations.limits.documented import (
    DOCUMENTED,
    TAG_KEY,
    TAG_VALUE,
    documented,
)
from totara_infra.operations.limits.members import CALLS
from totara_infra.operations.limits.models import model, named_operations, whole_model
from totara_infra.operations.limits.patterns import fits
from totara_infra.operations.limits.refusals import refused
from totara_infra.operations.limits.shapes import KEY, Limit, Path, limited
from totara_infra.resolver import load_catalogue

STACKS = ("local", "dev", "uat", "prod")


@cache
def produced() -> dict[str, list[PlannedResource]]:
    """Type -> one resource for each set of properties that the blueprint gives that type."""
    catalogue = load_catalogue().catalogue
    found: dict[str, dict[str, PlannedResource]] = {}
    for stack in STACKS:
        settings = read_stack(PROJECT, stack)
        blueprint = plan(catalogue, settings, load_tenants(PROJECT, settings.tenants))
        for resource in blueprint.resources.values():
            form = str(sorted(_form(resource.properties)))
            found.setdefault(resource.type, {}).setdefault(form, resource)
    return {kind: list(forms.values()) for kind, forms in found.items()}


def _form(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The properties at every depth, without the keys that people choose."""
    if isinstance(value, Mapping) and path[-1:] not in (("tags",), ("variables",)):
        for key, item in value.items():
            yield from _form(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _form(item, (*path, "[]"))
    else:
        known = "?" if isinstance(value, Reference | Joined | Archive) else type(value).__name__
        yield f"{'.'.join(path)}:{known}"


def bounds() -> Iterator[tuple[str, PlannedResource, Path, Any, Limit]]:
    """Every limit of every property that is produced, once: botocore's, then the documented."""
    for kind, resources in sorted(produced().items()):
        told = set()
        for resource in resources:
            for path, value, limit in limited(kind, resource.properties):
                if (place := _place(path), limit) not in told:
                    told.add((place, limit))
                    yield kind, resource, path, value, limit
            for path, value, limit in documented(kind, resource.properties):
                if (place := _place(path), limit) not in told and not _unknown(value):
                    told.add((place, limit))
                    yield kind, resource, path, value, limit


def _place(path: Path) -> str:
    return ".".join("[]" if isinstance(part, int) else part for part in path)


def _unknown(value: Any) -> bool:
    return isinstance(value, Reference | Joined | Archive)


CASES = list(bounds())
KINDS = sorted({kind for kind, *_ in CASES})


def beyond(limit: Limit, value: Any) -> Iterator[Any]:
    """Values just outside of a limit."""
    if limit.choices:
        yield "no such choice" if isinstance(value, str) else 987_654_321
        return
    if limit.maximum is not None:
        yield _sized(limit, value, int(limit.maximum) + 1)
    if limit.minimum is not None and (limit.kind == "number" or limit.minimum >= 1):
        yield _sized(limit, value, int(limit.minimum) - 1)
    if limit.pattern is not None and (wrong := _misfit(limit)) is not None:
        yield wrong


def _misfit(limit: Limit) -> str | None:
    """A text of an allowed length that does not fit the pattern."""
    length = max(int(limit.minimum or 1), 2)
    for character in ("&", "\x01", "\u2028", " "):
        if not fits(str(limit.pattern), character * length):
            return character * length
    return None


def _sized(limit: Limit, value: Any, size: int) -> Any:
    if limit.kind == "number":
        return size
    if limit.kind == "list":
        if isinstance(value, Mapping):
            return {f"key-{n}": "value" for n in range(size)}
        return [value[0] if value else "entry"] * size
    # White space does not count towards the size of a policy.
    text = re.sub(r"\s", "", value) if limit.kind == "policy" else str(value)
    return (text + "a" * size)[:size] if size > len(text) else text[:size]


def within(limit: Limit, value: Any) -> Iterator[Any]:
    """Values on a limit's bounds."""
    if limit.choices:
        yield from (c if isinstance(value, str) else int(c) for c in limit.choices)
        return
    for bound in (limit.minimum, limit.maximum):
        if bound is not None and bound < 10**7:
            on_it = _sized(limit, value, int(bound))
            # A text that is cut or filled up need not fit the pattern any more.
            if limit.pattern is None or not isinstance(on_it, str) or fits(limit.pattern, on_it):
                yield on_it


def changed(resource: PlannedResource, path: Path, value: Any) -> PlannedResource:
    """The resource with one value put elsewhere than the blueprint has it."""
    properties: Any = copy.deepcopy(dict(resource.properties))
    if path[-1] == KEY:
        holder = properties
        for part in path[:-2]:
            holder = holder[part]
        holder[value] = holder.pop(path[-2])
    else:
        holder = properties
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = value
    return PlannedResource(resource.type, resource.name, resource.step, resource.kind, properties)


def reasons(resource: PlannedResource, path: Path) -> list[str]:
    return [r.reason for _, r in refused([resource]) if r.path[0] == path[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_property_is_refused_just_outside_its_bounds(kind: str) -> None:
    for _, resource, path, value, limit in (case for case in CASES if case[0] == kind):
        assert reasons(resource, path) == []
        outside = list(beyond(limit, value))
        for wrong in outside:
            assert reasons(changed(resource, path, wrong), path), (limit, str(wrong)[:80])
        # A bound that can't be passed (any length from nothing, say) is no bound.
        assert outside or (limit.maximum is None and (limit.minimum or 0) < 1), limit


@pytest.mark.parametrize("kind", KINDS)
def test_a_property_is_taken_on_its_bounds(kind: str) -> None:
    for _, _, path, value, limit in (case for case in CASES if case[0] == kind):
        for right in within(limit, value):
            assert limit.fault(right) is None, (path, limit, str(right)[:80])


def test_there_is_a_limit_for_what_people_write() -> None:
    places = {f"{kind}.{_place(path)}" for kind, _, path, _, _ in CASES}
    assert len(places) > 150
    for kind, name in (
        ("aws:ssm/parameter:Parameter", "description"),
        ("aws:ssm/parameter:Parameter", "insecure_value"),
        ("aws:ssm/parameter:Parameter", "name"),
        ("aws:cloudwatch/logGroup:LogGroup", "retention_in_days"),
        ("aws:secretsmanager/secret:Secret", "recovery_window_in_days"),
        ("aws:secretsmanager/secret:Secret", "description"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", "alarm_description"),
        ("aws:iam/role:Role", "description"),
        ("aws:cognito/userPool:UserPool", "schemas.[].name"),
        ("aws:appconfig/deploymentStrategy:DeploymentStrategy", "growth_factor"),
    ):
        assert f"{kind}.{name}" in places, name


def test_each_documented_limit_is_of_a_property_that_is_produced() -> None:
    fed = {(kind, ".".join(str(p) for p in path if not isinstance(p, int)))
           for kind, resources in produced().items()
           for resource in resources
           for path, _, _ in documented(kind, resource.properties)}  # fmt: skip
    assert fed == set(DOCUMENTED)


def test_each_type_and_property_of_the_blueprint_is_known(monkeypatch) -> None:
    """A property that nobody has mapped raises KeyError: then say what it becomes, in CALLS."""
    monkeypatch.setattr(shapes, "_known", shapes.member_of)
    assert set(produced()) == set(CALLS)
    for kind, resources in produced().items():
        for resource in resources:
            list(limited(kind, resource.properties))


def test_what_no_call_takes_is_produced() -> None:
    """An entry of the table that maps nothing any more is removed."""
    for kind, calls in CALLS.items():
        there = {k for r in produced()[kind] for k in _keys(r.properties)}
        assert set(calls.members) - {"region"} <= there, kind


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _keys(item)


@pytest.mark.parametrize("service", sorted({c.service for c in CALLS.values()}))
def test_every_pattern_of_a_service_that_we_use_can_be_read(service) -> None:
    used = {limit.pattern for _, _, _, _, limit in CASES if limit.source.startswith(service)}
    for pattern in used - {None}:
        fits(pattern, "text")
        fits(pattern, "tëxt")
    assert model(service)["operations"]


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        ("bank-platform", True),
        ("R&D", False),
        ("Ōtautahi 100 %", False),
        ("Ōtautahi + 1", True),
        ("", True),
        ("a" * 257, False),
    ],
)
def test_the_value_of_a_tag(value: str, taken: bool) -> None:
    assert (TAG_VALUE.fault(value) is None) is taken
    assert TAG_KEY.fault("aws&") is not None


@pytest.mark.parametrize("value", ["{{ssm:other}}", "a{{b", "", "x" * 4097])
def test_a_parameters_value_refers_to_nothing_and_fits(value: str) -> None:
    resource = produced()["aws:ssm/parameter:Parameter"][0]
    assert reasons(changed(resource, ("insecure_value",), value), ("insecure_value",))


def test_a_hierarchy_has_fifteen_levels() -> None:
    resource = produced()["aws:ssm/parameter:Parameter"][0]
    deep = "/bank" + "/x" * (naming.SSM_MAXIMUM_LEVELS - 1)
    assert not reasons(changed(resource, ("name",), deep), ("name",))
    assert reasons(changed(resource, ("name",), f"{deep}/x"), ("name",))


def test_our_texts_of_names_are_botocores() -> None:
    """The names in `naming` that a model limits too say the same."""
    models = {limit.source: limit for _, _, _, _, limit in CASES}
    for source, pattern in (
        ("iam CreateRole.RoleName", naming.ROLE_NAME),
        ("logs CreateLogGroup.logGroupName", naming.LOG_GROUP_NAME),
        ("events CreateEventBus.Name", naming.EVENT_BUS_NAME),
    ):
        limit = models[source]
        assert pattern.pattern.endswith(f"{{1,{limit.maximum}}}$"), source
        for number in range(33, 127):
            character = chr(number)
            assert bool(pattern.fullmatch(character)) == fits(str(limit.pattern), character), source
    assert re.fullmatch(naming.SECRET_NAME, "a" * naming.SECRET_MAXIMUM_LENGTH)


@pytest.mark.parametrize(
    ("service", "shape", "says"),
    [
        ("ssm", "PutParameterRequest", "{{}}"),
        ("ssm", "PutParameterRequest", "maximum depth of fifteen levels"),
        ("kms", "ScheduleKeyDeletionRequest", "between 7 and 30, inclusive"),
    ],
)
def test_a_documented_limit_stands_in_aws_own_text(service: str, shape: str, says: str) -> None:
    texts = [
        re.sub(r"<[^>]+>", "", str(member.get("documentation", "")))
        for member in whole_model(service)["shapes"][shape]["members"].values()
    ]
    assert any(says in text for text in texts), texts


def test_the_days_that_logs_are_kept_are_those_of_aws_own_text() -> None:
    text = str(whole_model("logs")["shapes"]["Days"]["documentation"])
    listed = text.split("Possible values are:")[1].split(".", maxsplit=1)[0]
    assert {int(number) for number in re.findall(r"[0-9]+", listed)} == naming.LOG_RETENTION_DAYS


def test_tags_of_many_resources_are_looked_at_once_and_no_bad_one_is_missed() -> None:
    def group(number: int, **tags: str) -> PlannedResource:
        properties = {"name": f"/bank/{number}", "tags": tags}
        kind = "aws:cloudwatch/logGroup:LogGroup"
        return PlannedResource(kind, f"log_group/{number}", "MOD-001", "logging", properties)

    groups = [
        group(1, Owner="ledger", Domain="SD01"),
        group(2, Owner="ledger", Domain="SD01"),
        group(3, Owner="ledger", Domain="a?"),
        group(4, Domain="SD01"),
        group(5, Owner="SD01", **{"aws:x": "SD01"}),
        group(6),
    ]
    found = [(resource.name, refusal.path) for resource, refusal in refused(groups)]
    assert found == [
        ("log_group/3", ("tags", "Domain")),
        ("log_group/5", ("tags", "aws:x", KEY)),
        ("log_group/6", ("tags",)),
    ]


@pytest.mark.parametrize("service", sorted({calls.service for calls in CALLS.values()}))
def test_what_is_kept_of_a_model_says_the_same_as_all_of_it(service: str) -> None:
    part, whole = model(service), whole_model(service)
    assert set(part["operations"]) == named_operations(service) & set(whole["operations"])
    for name, operation in part["operations"].items():
        shape = operation["input"]["shape"]
        assert shape == whole["operations"][name]["input"]["shape"]
        assert shape in part["shapes"]
    for name, shape in part["shapes"].items():
        real = whole["shapes"][name]
        for said in ("type", "min", "max", "pattern", "enum", "member", "key", "value"):
            assert shape.get(said) == real.get(said), (name, said)
        members = {key: m["shape"] for key, m in real.get("members", {}).items()}
        assert {key: m["shape"] for key, m in shape.get("members", {}).items()} == members
        inside = [shape[i]["shape"] for i in ("member", "key", "value") if i in shape]
        assert {*members.values(), *inside} <= set(part["shapes"])
