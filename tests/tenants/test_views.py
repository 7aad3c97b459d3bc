"""What a tenant gets and why, as the command shows it, held against what the program deploys."""

from __future__ import annotations

import html.parser
import json
import re

import pytest

from tests.tenants.project_copy import ProjectCopy
from totara_infra import load_catalogue, load_tenants, plan, read_stack
from totara_infra.blueprint.app_config import profiles

SHIPPED = ("acorn", "banksia", "totara-bank", "wattle")
ENVIRONMENTS = ("local", "dev", "uat", "prod")


@pytest.fixture(scope="module")
def matrix(shared_copy: ProjectCopy):
    """(tenant, environment) -> its column, from one run of the command."""
    columns = shared_copy.json("activation", "--env", "all")
    return {(c["tenant"], c["environment"]): c for c in columns}


def test_the_matrix_is_complete(matrix, catalogue) -> None:
    assert set(matrix) == {(t, e) for t in SHIPPED for e in ENVIRONMENTS}
    for column in matrix.values():
        assert set(column) == {"tenant", "environment", "modules"}
        assert [m["id"] for m in column["modules"]] == list(catalogue.modules)
        assert len(column["modules"]) == 149
        for module in column["modules"]:
            assert set(module) == {"id", "state", "reasons", "provenance"}
            assert module["state"] in ("always_on", "active", "off", "not_deployed")
            assert module["provenance"] in ("published", "assumed")
            assert module["reasons"] and all(r.endswith(".") for r in module["reasons"])


def test_published_decisions_hold(matrix) -> None:
    def state(tenant: str, module: str, environment: str = "local") -> str:
        modules = matrix[tenant, environment]["modules"]
        return next(m["state"] for m in modules if m["id"] == module)

    # Members' equity, per institution type; BPAY in Australia; New Zealand's interbank payments.
    assert [state(t, "MOD-118") for t in SHIPPED] == ["active", "off", "off", "active"]
    assert [state(t, "MOD-119") for t in SHIPPED] == ["off", "off", "active", "active"]
    assert [state(t, "MOD-122") for t in SHIPPED] == ["active", "off", "active", "off"]
    # A building society without foreign exchange.
    assert state("acorn", "MOD-025") == "off"
    assert state("acorn", "MOD-001") == "always_on"
    # Stubs and test data exist below prod only.
    assert {state("acorn", m, "prod") for m in ("MOD-157", "MOD-158", "MOD-159")} == {
        "not_deployed"
    }
    assert state("acorn", "MOD-158", "uat") == "active"


def test_what_no_tenant_of_the_stack_has_is_not_deployed(project_copy: ProjectCopy) -> None:
    project_copy.replace(
        "Pulumi.dev.yaml", "[totara-bank, acorn]", "[acorn]\n  totara-infra:default-tenant: acorn"
    )
    column = project_copy.json("activation", "--tenant", "acorn", "--env", "dev")
    states = {m["id"]: m for m in column["modules"]}
    assert states["MOD-119"]["state"] == "not_deployed"
    assert states["MOD-119"]["reasons"][0] == "No tenant of the stack has it."
    assert "acorn has not jurisdiction AU" in states["MOD-119"]["reasons"][1]


def test_a_column_is_what_is_deployed(matrix, shared_copy) -> None:
    for environment in ("local", "prod"):
        sequence = shared_copy.totara("sequence", environment).stdout
        deployed = set(re.findall(r"MOD-\d{3}", sequence))
        members = [matrix[t, environment]["modules"] for t in ("totara-bank", "acorn")]
        running = {m["id"] for c in members for m in c if m["state"] in ("always_on", "active")}
        assert running == deployed


def test_one_module_says_why(shared_copy: ProjectCopy) -> None:
    result = shared_copy.totara("activation", "--why", "MOD-118", "--tenant", "totara-bank")
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "totara-bank: MOD-118 is off (published).",
        "  totara-bank has not institution type mutual.",
        "  Only a mutual has members with equity and a vote.",
    ]
    data = shared_copy.json("activation", "--why", "MOD-118", "--tenant", "acorn")
    assert [m["state"] for m in data["modules"]] == ["active"]


def test_a_tenant_outside_the_stack_is_shown_with_a_note(shared_copy: ProjectCopy) -> None:
    result = shared_copy.totara("activation", "--tenant", "wattle", "--format", "json")
    assert result.returncode == 0
    assert "`wattle` is in no stack of local" in result.stderr
    assert json.loads(result.stdout)["tenant"] == "wattle"
    absent = shared_copy.totara("activation", "--tenant", "nobody")
    assert absent.returncode == 2
    assert "Known tenants: acorn, banksia, totara-bank, wattle" in absent.stderr
    strange = shared_copy.totara("activation", "--why", "MOD-999")
    assert strange.returncode == 2


class _Page(html.parser.HTMLParser):
    """Cells of the page, and what it would load from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[dict[str, str | None]] = []
        self.foreign: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        found = dict(attrs)
        if tag == "td" and "data-state" in found:
            self.cells.append(found)
        self.foreign += [v for k, v in attrs if k in ("src", "href") and v]
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


def test_the_page_says_all_and_needs_nothing_else(shared_copy: ProjectCopy) -> None:
    result = shared_copy.totara("activation", "--format", "html")
    assert result.returncode == 0, result.stderr
    page = _Page()
    page.feed(result.stdout)
    assert page.open == []
    assert page.foreign == []
    assert "url(" not in result.stdout and "@import" not in result.stdout
    assert len(page.cells) == 149 * len(SHIPPED)
    data = shared_copy.json("activation")
    # Row by row, as the columns stand in the JSON.
    expected = [c["modules"][row] for row in range(149) for c in data]
    for cell, module in zip(page.cells, expected, strict=True):
        assert cell["data-state"] == module["state"]
        assert cell["title"] == f"{' '.join(module['reasons'])} ({module['provenance']})"


@pytest.mark.parametrize("client_id", ["acorn", "totara-bank"])
def test_show_is_what_is_uploaded(client_id, shared_copy: ProjectCopy) -> None:
    shown = shared_copy.json("tenant", "show", client_id, "--env", "dev")
    settings = read_stack(shared_copy.root, "dev")
    tenants = load_tenants(shared_copy.root, settings.tenants)
    catalogue = load_catalogue().catalogue
    blueprint = plan(catalogue, settings, tenants)
    uploaded = {}
    for domain in catalogue.domains:
        for profile in profiles(blueprint.scope, domain):
            uploaded |= profile.content["defaults"] | profile.content["tenants"][client_id]
    values = {v["name"]: v["value"] for v in shown["values"] if v["kind"] != "parameter"}
    assert values
    assert {k: uploaded[k] for k in values} == values
    made = {
        r.properties["name"]: r.properties["insecure_value"]
        for r in blueprint.resources.values()
        if r.shape == "Parameter"
    }
    parameters = {v["name"]: v["value"] for v in shown["values"] if v["kind"] == "parameter"}
    assert parameters == {k: v for k, v in made.items() if f"/tenant-{client_id}/" in k}
    containers = {r.properties["name"] for r in blueprint.resources.values() if r.shape == "Secret"}
    needed = {s["path"] for s in shown["secrets"]}
    assert needed <= containers
    # One is for the other country, the other for a module that acorn has not licensed.
    for path in ("/bank/dev/payments/cuscal-npp", "/bank/dev/payments/swift"):
        assert (path in needed) == (client_id == "totara-bank")


def test_show_names_the_line_that_each_value_comes_from(project_copy: ProjectCopy) -> None:
    project_copy.replace(
        "stacks/acorn.yaml", "overrides:\n", "overrides:\n  core.fee.notice-period: 21\n"
    )
    shown = project_copy.json("tenant", "show", "acorn", "--env", "local")
    values = {v["name"]: v for v in shown["values"]}
    for name, origin, value in (
        ("core.fee.notice-period", "override", 21),
        ("deployment.jurisdiction", "tenant", "NZ"),
        ("/bank/local/tenant-acorn/institution-type", "tenant", "mutual"),
        ("payments.nz_interbank.enabled", "activation", True),
        ("MOD-119.enabled", "activation", False),
        ("core.rate-change.notice-period", "catalogue default", 14),
    ):
        assert (values[name]["origin"], values[name]["value"]) == (origin, value)
    place, number = values["core.fee.notice-period"]["place"].split(":")
    text = (project_copy.root / place).read_text(encoding="utf-8").splitlines()
    assert text[int(number) - 1].strip() == "core.fee.notice-period: 21"
    for name, expected in (
        ("core.rate-change.notice-period", "default: 14"),
        ("deployment.jurisdiction", "jurisdictions: [NZ]"),
        ("MOD-119.enabled", "MOD-119"),
    ):
        place, number = values[name]["place"].split(":")
        line = (project_copy.root / place).read_text(encoding="utf-8").splitlines()[int(number) - 1]
        assert expected in line
    table = project_copy.totara("tenant", "show", "acorn")
    assert "stacks/acorn.yaml:" in table.stdout


def test_an_environments_own_default_is_told_apart(project_copy: ProjectCopy) -> None:
    from totara_infra.model.vocabulary import Environment

    catalogue = load_catalogue().catalogue
    own = [
        s.key
        for m in catalogue.modules.values()
        for s in m.settings
        if Environment.DEV in s.defaults and not s.tenant_field
    ]
    shown = project_copy.json("tenant", "show", "totara-bank", "--env", "dev")
    origins = {v["name"]: v["origin"] for v in shown["values"]}
    for key in own:
        assert origins[key] == "environment default"
    assert list(origins.values()).count("environment default") == len(own)


def test_diff_shows_what_differs_and_nothing_else(shared_copy: ProjectCopy) -> None:
    assert shared_copy.json("tenant", "diff", "acorn", "acorn") == []
    rows = shared_copy.json("tenant", "diff", "acorn", "totara-bank")
    found = {(r["kind"], r["name"]): (r["first"], r["second"]) for r in rows}
    assert found["tenant", "institution_type"] == ("mutual", "proprietary")
    assert found["module", "MOD-118"] == ("active", "off")
    assert found["setting", "deployment.jurisdiction"] == ("NZ", "NZ+AU")
    assert found["flag", "payments.bpay.enabled"] == ("false", "true")
    assert found["secret", "/bank/local/payments/bpay-sponsor"] == ("", "needed")
    assert all(first != second for first, second in found.values())
    first = {
        m["id"]: m["state"] for m in shared_copy.json("activation", "--tenant", "acorn")["modules"]
    }
    other = {
        m["id"]: m["state"]
        for m in shared_copy.json("activation", "--tenant", "totara-bank")["modules"]
    }
    assert {n for k, n in found if k == "module"} == {m for m in first if first[m] != other[m]}
