"""A tenant that nobody has seen before comes up, and no Python is touched for it."""

from __future__ import annotations

import hashlib
import json
import os
import random
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.local_environment import local_original
from tests.ports import free_port
from tests.ready_made import PERSISTING, python, shared_folder
from tests.tenants.project_copy import ProjectCopy
from totara_infra.local.setup import ensure_ready

SEED_VARIABLE = "TENANT_SEED"
"""Set it to the seed that a failed run printed, to see that tenant again."""


def some_tenant(catalogue, chance: random.Random) -> dict[str, Any]:
    """An allowed combination of institution type, jurisdictions and licence options."""
    institution = chance.choice(["mutual", "proprietary"])
    jurisdictions = chance.choice([["NZ"], ["AU"], ["NZ", "AU"]])
    known = {o.id: o for o in catalogue.tenancy.options}
    options = {
        o.id
        for o in known.values()
        if chance.random() < 0.5
        and institution in o.institution_types
        and set(o.jurisdictions) & set(jurisdictions)
    }
    while more := {n for o in options for n in known[o].needs_options} - options:
        options |= more
    return {
        "client_id": f"new-{chance.randrange(10**6)}-bank",
        "institution_type": institution,
        "jurisdictions": jurisdictions,
        "options": sorted(options),
        "sponsors": {
            o: known[o].sponsor_bank or "Kauri Clearing"
            for o in sorted(options)
            if known[o].needs_sponsor_bank
        },
    }


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    # What the emulator unpacks of functions lies in the working folder, and is none of ours.
    for path in sorted(p for p in folder.rglob("*.py") if ".totara" not in p.parts):
        found.update(path.read_bytes())
    return found.hexdigest()


@pytest.fixture
def copy(tmp_path, tmp_path_factory):
    ensure_ready()
    made = ProjectCopy.make(tmp_path / "project", free_port())
    made.share_installations()
    local_original(shared_folder(tmp_path_factory.getbasetemp())).copy(
        made.root / ".totara",
        made.port,
        lambda program: python(program, made.environment() | PERSISTING, made.root),
    )
    yield made
    made.totara("down", "local")


@pytest.mark.engine
def test_a_tenant_of_our_own_making_comes_up(copy: ProjectCopy, catalogue) -> None:
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(2**32))
    tenant = some_tenant(catalogue, random.Random(seed))
    print(f"{SEED_VARIABLE}={seed}: {tenant}")  # noqa: T201
    client_id, before = tenant["client_id"], digest(copy.root)

    result = copy.totara(
        "tenant", "new", "--client-id", client_id, "--display-name", "A new bank",
        "--institution-type", tenant["institution_type"],
        "--jurisdiction", "+".join(tenant["jurisdictions"]), "--status", "live",
        *(part for o in tenant["options"] for part in ("--option", o)),
        *(part for o, bank in tenant["sponsors"].items() for part in ("--sponsor", f"{o}={bank}")),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    # Exactly the line that the command says.
    wanted = next(line for line in result.stdout.splitlines() if "Pulumi.local.yaml" in line)
    copy.replace(
        "Pulumi.local.yaml",
        "totara-infra:tenants: [totara-bank, acorn]",
        wanted.split(": ", 1)[1],
    )
    up = copy.totara("up", "local")
    assert up.returncode == 0, up.stdout + up.stderr
    assert digest(copy.root) == before

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{copy.port}",
            region_name="ap-southeast-2",
            aws_access_key_id="000000000000",
            aws_secret_access_key="emulated",
        )

    ssm = client("ssm")
    base = f"/bank/local/tenant-{client_id}"
    for name, value in (
        ("institution-type", tenant["institution_type"]),
        ("jurisdiction", "+".join(tenant["jurisdictions"])),
    ):
        assert ssm.get_parameter(Name=f"{base}/{name}")["Parameter"]["Value"] == value

    def profile(name: str) -> dict[str, Any]:
        data = client("appconfigdata")
        session = data.start_configuration_session(
            ApplicationIdentifier="bank-platform",
            EnvironmentIdentifier="local",
            ConfigurationProfileIdentifier=name,
        )
        token = session["InitialConfigurationToken"]
        answer = data.get_latest_configuration(ConfigurationToken=token)
        content: dict[str, Any] = json.loads(answer["Configuration"].read())
        return content

    assert profile("deployment")["tenants"][client_id] == {
        "deployment.client_id": client_id,
        "deployment.jurisdiction": "+".join(tenant["jurisdictions"]),
        "deployment.status": "live",
    }
    switches = profile("module-activation")["tenants"][client_id]
    for condition in catalogue.tenancy.conditions:
        on = (
            condition.jurisdiction in (None, *tenant["jurisdictions"])
            and condition.institution_type in (None, tenant["institution_type"])
            and set(condition.options) <= set(tenant["options"])
        )
        for module in condition.modules:
            assert switches[f"{module}.enabled"] == on, (module, condition.reason)
