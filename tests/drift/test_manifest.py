"""The manifest: every value once, with where it comes from; and the command that prints it."""

from __future__ import annotations

import csv
import io
import json
import subprocess

import pytest

from tests.command import totara
from tests.environments import blueprint_of
from totara_infra.blueprint.app_config import profiles
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.manifest import Origin, Store, changed_since, manifest, of_tenant


@pytest.mark.parametrize("name", list(Environment))
def test_it_agrees_with_the_blueprint(name) -> None:
    blueprint = blueprint_of(name)
    entries = manifest(blueprint)
    planned = {
        r.properties["name"]: r.properties["insecure_value"]
        for r in blueprint.resources.values()
        if r.kind == "parameters"
    }
    listed = {
        e.key: e
        for e in entries
        if e.store is Store.PARAMETER and e.origin not in (Origin.DEPLOYMENT, Origin.NONE)
    }
    assert set(listed) == set(planned)
    content = {
        (f"{p.application}/{p.name}", key, tenant): value
        for domain in blueprint.scope.catalogue.domains
        for p in profiles(blueprint.scope, domain)
        for tenant, values in [(None, p.content["defaults"]), *p.content["tenants"].items()]
        for key, value in values.items()
    }
    settings = {
        (e.place, e.key, e.tenant): e.value
        for e in entries
        if e.store is Store.SETTING and e.value is not None
    }
    assert settings == content


def test_no_value_is_listed_twice() -> None:
    names = [(e.store, e.place, e.key, e.tenant) for e in manifest(blueprint_of(Environment.LOCAL))]
    assert len(names) == len(set(names))


def test_every_origin_occurs_where_it_should() -> None:
    entries = manifest(blueprint_of(Environment.LOCAL))
    origins = {e.origin for e in entries}
    assert {
        Origin.CATALOGUE, Origin.ENVIRONMENT, Origin.TENANT, Origin.ACTIVATION, Origin.RESOURCE,
        Origin.DEPLOYMENT,
    } <= origins  # fmt: skip
    assert all(e.value is None for e in entries if e.origin is Origin.DEPLOYMENT)


def test_one_tenant_sees_its_own_value_or_the_one_for_all() -> None:
    entries = manifest(blueprint_of(Environment.LOCAL))
    mine = of_tenant(entries, "acorn")
    assert {e.tenant for e in mine} == {None, "acorn"}
    names = [(e.store, e.place, e.key) for e in mine]
    assert len(names) == len(set(names))


def test_changes_are_new_changed_and_gone() -> None:
    local = manifest(blueprint_of(Environment.LOCAL))
    assert changed_since(local, local) == []
    first, second, third = local[0], local[1], local[2]
    from dataclasses import replace

    before = [replace(first, value="before"), second]
    found = changed_since(before, [first, third])
    assert [(e.change, e.key, e.before) for e in found] == [
        ("changed", first.key, "before"),
        ("new", third.key, None),
        ("gone", second.key, second.value),
    ]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return totara("config", "list", *arguments)


def test_the_forms_say_the_same() -> None:
    arguments = ("dev", "--domain", "SD04", "--store", "ssm")
    data = json.loads(run(*arguments, "--format", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(run(*arguments, "--format", "csv").stdout)))
    markdown = run(*arguments, "--format", "markdown").stdout.splitlines()
    assert data
    assert {e["domain"] for e in data} == {"SD04"}
    assert [e["key"] for e in data] == [r["key"] for r in rows]
    assert len(markdown) == len(data) + 2
    assert all(e["key"] in run(*arguments).stdout for e in data[:3])


def test_unknown_names_are_all_refused_at_once() -> None:
    answer = run("dev", "--domain", "SD99", "--module", "MOD-999", "--tenant", "nobody")
    assert answer.returncode == 2
    assert all(name in answer.stderr for name in ("SD99", "MOD-999", "nobody"))
    assert "Traceback" not in answer.stderr


def test_against_a_revision() -> None:
    answer = run("dev", "--changed-since", "no-such-revision")
    assert answer.returncode == 2
    assert "no-such-revision" in answer.stderr
