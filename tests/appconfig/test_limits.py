"""Content, schema and sizes are checked by the command, before anything is uploaded."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.appconfig.conftest import Copy


def plan_fails(copy: Copy, command: tuple[str, ...] = ("plan", "local")) -> str:
    code, output = copy.run(*command)
    assert code == 2, output
    return output


def edit_module(copy: Copy, domain: str, module: str, group: str, entries: list[Any]) -> None:
    path = copy.folder / "totara_infra" / "catalogue" / "domains" / f"{domain}.yaml"
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(path.read_text(encoding="utf-8"), loader)
    found = next(m for m in content["modules"] if m["id"] == module)
    found[group] = found.get(group, []) + entries
    path.write_text(yaml.safe_dump(content, sort_keys=False, width=10**6), encoding="utf-8")


@pytest.mark.parametrize("command", [("plan", "local"), ("up", "local")])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("payments.hold.delay-window", "soon"),
        ("payments.hold.delay-window", -1),
        ("payments.hold.colour", "red"),
        ("app.card-controls.cards-visible", True),
    ],
)
def test_what_is_not_in_the_schema_is_refused(
    project_copy: Copy, command: tuple[str, ...], key: str, value: object
) -> None:
    project_copy.edit("stacks/acorn.yaml", overrides={key: value})
    output = plan_fails(project_copy, command)
    assert key in output and "acorn" in output
    assert not (project_copy.folder / ".totara" / "emulators").exists()


def test_content_too_long_for_app_config(project_copy: Copy) -> None:
    rules = [f"rule-{'x' * 90}-{n}" for n in range(11_000)]
    project_copy.edit("stacks/acorn.yaml", overrides={"aml.typology.enabled-rules": rules})
    output = plan_fails(project_copy)
    assert "AppConfig bank-aml/runtime" in output and "AppConfig takes 1,048,576" in output


def test_validator_too_long_for_app_config(project_copy: Copy) -> None:
    setting = {
        "key": "core.colour.of-the-day",
        "type": "string",
        "choices": [f"colour-{n:05}" for n in range(3_000)],
        "default": "colour-00001",
        "readers": ["MOD-001"],
        "why": "Makes the validator long.",
    }
    edit_module(project_copy, "sd01", "MOD-001", "settings", [setting])
    output = plan_fails(project_copy)
    assert "AppConfig bank-core/runtime" in output and "AppConfig takes 32,768" in output


def test_more_parameters_than_an_account_takes(project_copy: Copy) -> None:
    """In two files, because one of that many values is refused for its size."""
    for domain, module, segment in (
        ("sd01", "MOD-001", "posting-engine"),
        ("sd04", "MOD-020", "payment-validation"),
    ):
        parameters = [
            {
                "path": f"/bank/{{env}}/{segment}/number-{n}",
                "default": "x",
                "readers": [module],
                "why": "One too many.",
            }
            for n in range(5_000)
        ]
        edit_module(project_copy, domain, module, "parameters", parameters)
    output = plan_fails(project_copy)
    assert "standard parameters in Parameter Store" in output and "takes 10,000" in output
