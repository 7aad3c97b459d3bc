"""What the catalogue says of the eight databases is held against its other files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from totara_infra.cli.main import app

SCHEMA = {
    "name": "core",
    "owner": "MOD-001",
    "provenance": "assumed",
    "owner_provenance": "assumed",
}


def table(name: str, owner: str = "MOD-001") -> dict[str, str]:
    return {"name": name, "owner": owner, "provenance": "assumed"}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("database-domain", {"domain": "SD02"}),
        ("database-missing", {"name": "bank_other"}),
        ("unknown-module", {"schemas": [SCHEMA], "tables": [table("core.postings", "MOD-999")]}),
        ("duplicate-name", {"schemas": [SCHEMA], "tables": [table("core.a"), table("core.a")]}),
        ("unknown-schema", {"schemas": [SCHEMA], "tables": [table("accounts.postings")]}),
        ("schema-twice", {"schemas": [SCHEMA]}),
        ("pattern", {"schemas": [{**SCHEMA, "name": "Core"}]}),
    ],
)
def test_a_fault_is_found(rule, change, editable_catalogue: Path) -> None:
    file = editable_catalogue / "databases.yaml"
    content = yaml.safe_load(file.read_text())
    content["databases"][0] |= change
    if rule == "schema-twice":
        content["databases"][1]["schemas"] = [SCHEMA]
    file.write_text(yaml.safe_dump(content))
    done = CliRunner().invoke(app, ["validate", "--catalogue", str(editable_catalogue)])
    assert done.exit_code == 2
    assert f"[{rule}]" in done.stderr
    assert "databases.yaml:" in done.stderr
