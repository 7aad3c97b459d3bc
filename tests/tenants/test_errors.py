"""Every fault of a tenant or of a stack's list, shown by the command with line and fix.

All of them stand in one copy of the project and come out of one run: all errors at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.tenants.project_copy import ProjectCopy


@dataclass(frozen=True)
class Case:
    """A tenant's file with one fault.

    Attributes:
        rule: that it breaks.
        fields: of the file, beside a valid tenant's.
        at: text of the line that must be named.
        says: words that the message must hold: what happened, why, or how to mend it.
    """

    rule: str
    fields: str
    at: str
    says: tuple[str, ...]
    replaces: dict[str, str] = field(default_factory=dict)


LONG = "a-client-whose-name-is-" + "long-" * 10 + "long"

CASES = {
    "chain-by-option": Case(
        "licence-chain",
        "options: [atm]",
        "options:",
        ("MOD-123", "needs MOD-124", "licence option cards", "`atm`"),
    ),
    "chain-whole": Case(
        "licence-chain",
        "options: [atm, cards]",
        "options:",
        ("MOD-123 needs MOD-124", "MOD-124 needs MOD-114", "licence option direct-debit"),
    ),
    "chain-by-module": Case(
        "licence-chain",
        "options: [atm, cards]\nmodules: [MOD-123]",
        "modules:",
        ("MOD-123 is licensed by name", "MOD-124 needs MOD-114", "remove MOD-123"),
    ),
    "unmet": Case(
        "licence-unmet",
        "modules: [MOD-067]",
        "modules:",
        ("MOD-067", "licence option trade-finance", "add it"),
    ),
    "jurisdiction": Case(
        "option-jurisdiction",
        "options: [bpay]\nsponsor_banks: {bpay: Kauri Clearing}",
        "options:",
        ("`bpay` can't be licensed in NZ", "AU only", "add AU"),
    ),
    "institution": Case(
        "option-institution",
        "options: [batch-files]",
        "options:",
        ("`batch-files` is not for a mutual", "proprietary only", "remove the option"),
    ),
    "needs": Case(
        "option-needs",
        "options: [trade-finance]",
        "options:",
        ("needs the option `fx`", "add `fx`"),
    ),
    "no-sponsor": Case(
        "sponsor-missing",
        "options: [bpay]",
        "options:",
        ("`bpay` has no sponsor bank", "under `sponsor_banks`"),
        {"jurisdictions: [NZ]": "jurisdictions: [AU]"},
    ),
    "wrong-sponsor": Case(
        "sponsor-unknown",
        "options: [osko]\nsponsor_banks:\n  osko: Somebody",
        "osko: Somebody",
        ("`Somebody`", "only Cuscal", "write Cuscal"),
        {"jurisdictions: [NZ]": "jurisdictions: [AU]"},
    ),
    "unused-sponsor": Case(
        "sponsor-unused", "sponsor_banks:\n  osko: Cuscal", "osko: Cuscal", ("not licensed",)
    ),
    "needless-sponsor": Case(
        "sponsor-unused", "options: [fx]\nsponsor_banks:\n  fx: Cuscal", "fx: Cuscal", ("none",)
    ),
    "not-overridable": Case(
        "override-forbidden",
        "overrides:\n  core.posting.publish-attempts: 5",
        "publish-attempts",
        ("can't differ between tenants", "remove the override"),
    ),
    "override-type": Case(
        "override-value",
        "overrides:\n  core.fee.notice-period: soon",
        "notice-period",
        ("'soon' is not a whole number", "its type is integer"),
    ),
    "override-limit": Case(
        "override-value",
        "overrides:\n  core.fee.notice-period: 1",
        "notice-period",
        ("below the minimum 14",),
    ),
    "override-key": Case(
        "override-unknown",
        "overrides:\n  core.fee.notice-perod: 20",
        "notice-perod",
        ("is no setting", "`core.fee.notice-period`"),
    ),
    "option-name": Case(
        "unknown-option", "options: [Card]", "options:", ("`Card` does not exist", "`cards`")
    ),
    "module-name": Case(
        "unknown-module", "modules: [MOD-999]", "modules:", ("MOD-999 does not exist", "MOD-099")
    ),
    "key": Case("unknown-key", "option: [fx]", "option:", ("`option`", "write `options`")),
    "twice": Case("listed-twice", "options: [fx, fx]", "options:", ("`fx`", "remove it")),
    "status": Case(
        "unknown-value", "", "status:", ("'open'", "'planned'"), {"status: live": "status: open"}
    ),
    LONG: Case(
        "client-id-length",
        "",
        "client_id:",
        (f"{len(LONG)} characters", "Cognito attribute `custom:tenant_id`", "of 64", "at most 64"),
    ),
    "isolated-and-long-id": Case(
        "client-id-length",
        "isolated: true",
        "client_id:",
        ("bucket-suffix", "at most 18"),
    ),
    "rehearsal": Case(
        "client-id-reserved", "isolated: true", "client_id:", ("called like a rehearsal",)
    ),
    "twin": Case(
        "duplicate-client-id",
        "",
        "client_id:",
        ("`acorn` is taken by stacks/acorn.yaml", "choose another client id"),
        {"client_id: twin": "client_id: acorn"},
    ),
    "misnamed": Case(
        "client-id",
        "",
        "client_id:",
        ("the file is of `other`", "rename the file"),
        {"client_id: misnamed": "client_id: other"},
    ),
}
STACK_CASES = {
    "tenant-absent": ("Pulumi.dev.yaml", "ghost", "tenants:", "totara tenant new"),
    "duplicate-tenant": ("Pulumi.dev.yaml", "acorn", "tenants:", "remove one"),
    "isolated-shared": ("Pulumi.dev.yaml", "hermit", "tenants:", "take hermit out"),
    "isolated-shared alone": ("Pulumi.uat.yaml", "hermit", "tenants:", "take hermit out"),
    "isolated-shared other": ("Pulumi.prod-hermit.yaml", "hermit", "tenants:", "take wattle out"),
    "tenant-in-two-stacks": ("Pulumi.prod-hermit.yaml", "wattle", "tenants:", "remove it from"),
    "stack-account": ("Pulumi.prod-hermit.yaml", "", "account-id:", "account of its own"),
    "stack-suffix": ("Pulumi.prod-hermit.yaml", "", "bucket-suffix:", "suffix of its own"),
    "isolated-name": ("Pulumi.dev-own.yaml", "hermit2", "tenants:", "Pulumi.dev-hermit2.yaml"),
    "unknown-key": ("Pulumi.dev-own.yaml", "", "bucket-sufix:", "known: "),
    "pattern": ("Pulumi.dev-own.yaml", "", "account-id:", "write twelve digits in quotes"),
}


def tenant_text(name: str, case: Case) -> str:
    text = (
        f"client_id: {name}\ndisplay_name: Some bank\nstatus: live\ninstitution_type: mutual\n"
        f"jurisdictions: [NZ]\n{case.fields}\n"
    )
    for before, after in case.replaces.items():
        assert before in text
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module")
def faulty(shared_copy: ProjectCopy) -> ProjectCopy:
    """All faults in one project; the catalogue is given what it does not have yet."""
    copy = shared_copy
    domain = "totara_infra/catalogue/domains/sd04.yaml"
    edge = '      - {{module: {}, provenance: assumed, reason: "Reads its URL."}}\n'
    for module, needed, anchor in (
        ("MOD-123", "MOD-124", "Authorises and posts cash withdrawals"),
        ("MOD-124", "MOD-114", "Has debit cards made by a bureau"),
    ):
        text = (copy.root / domain).read_text(encoding="utf-8")
        assert f"- id: {module}" in text
        start = text.index("    depends_on:\n", text.index(anchor)) + len("    depends_on:\n")
        copy.write(domain, text[:start] + edge.format(needed) + text[start:])
    copy.replace(
        "totara_infra/catalogue/tenancy.yaml",
        "{id: batch-files, title: Batch payment files,",
        "{id: batch-files, title: Batch payment files, institution_types: [proprietary],",
    )
    for name, case in CASES.items():
        copy.write(f"stacks/{name}.yaml", tenant_text(name, case))
    alone = Case("", "isolated: true", "", ())
    copy.write("stacks/hermit.yaml", tenant_text("hermit", alone))
    copy.write("stacks/hermit2.yaml", tenant_text("hermit2", alone))
    copy.replace(
        "Pulumi.dev.yaml", "[totara-bank, acorn]", "[totara-bank, acorn, ghost, acorn, hermit]"
    )
    copy.replace(
        "Pulumi.uat.yaml",
        "[totara-bank, acorn]",
        "[hermit]\n  totara-infra:default-tenant: hermit",
    )
    copy.replace("Pulumi.prod.yaml", "[totara-bank, acorn]", "[totara-bank, acorn, wattle]")
    prod = (copy.root / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    copy.write(
        "Pulumi.prod-hermit.yaml",
        prod.replace("[totara-bank, acorn, wattle]", "[hermit, wattle]")
        + "  totara-infra:default-tenant: hermit\n",
    )
    own = (
        'config:\n  totara-infra:environment: dev\n  totara-infra:account-id: "{}"\n'
        "  totara-infra:tenants: [hermit2]\n  totara-infra:default-tenant: hermit2\n"
    )
    copy.write(
        "Pulumi.dev-named.yaml", own.format("555555555555") + "  totara-infra:bucket-suffix: -h\n"
    )
    copy.write("Pulumi.dev-own.yaml", own.format("12") + "  totara-infra:bucket-sufix: -h2\n")
    return copy


@pytest.fixture(scope="module")
def found(faulty: ProjectCopy) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = faulty.json("tenant", "validate", code=2)["problems"]
    return problems


@pytest.mark.parametrize("name", CASES)
def test_a_fault_of_a_tenant_is_named_with_line_and_fix(name, faulty, found) -> None:
    case = CASES[name]
    here = [p for p in found if p["file"] == f"stacks/{name}.yaml"]
    # A chain may begin with more than one licence; otherwise one fault is told once.
    assert {p["rule"] for p in here} == {case.rule}, here
    assert len(here) == 1 or case.rule == "licence-chain"
    line = faulty.line(f"stacks/{name}.yaml", case.at)
    problem = next(p for p in here if p["line"] == line)
    message = f"{problem['what']} {problem['why']} {problem['fix']}"
    for words in case.says:
        assert words in message


@pytest.mark.parametrize("name", STACK_CASES)
def test_a_fault_of_a_stacks_list_is_named_with_line_and_fix(name, faulty, found) -> None:
    file, client_id, at, fix = STACK_CASES[name]
    if file == "Pulumi.dev-own.yaml" and name == "isolated-name":
        file = "Pulumi.dev-named.yaml"
    rule = name.split()[0]
    here = [
        p
        for p in found
        if (p["file"], p["rule"], p["module"]) == (file, rule, client_id) and fix in p["fix"]
    ]
    assert len(here) == 1, [p for p in found if p["file"] == file]
    assert here[0]["line"] == faulty.line(file, at)


def test_files_without_a_fault_have_none(found) -> None:
    shipped = {f"stacks/{name}.yaml" for name in ("acorn", "banksia", "totara-bank", "wattle")}
    assert not [p for p in found if p["file"] in shipped]


def test_the_whole_validation_finds_the_same(faulty, found) -> None:
    everything = faulty.json("validate", code=2)["problems"]
    assert everything == found


def test_one_file_is_checked_by_itself(faulty) -> None:
    result = faulty.totara("tenant", "validate", "stacks/jurisdiction.yaml")
    assert result.returncode == 2
    assert "stacks/jurisdiction.yaml:6: jurisdiction:" in result.stderr
    assert "1 tenant: 1 problem." in result.stderr
    good = faulty.totara("tenant", "validate", "stacks/banksia.yaml")
    assert (good.returncode, good.stderr) == (0, "")
    absent = faulty.totara("tenant", "validate", "stacks/nobody.yaml")
    assert absent.returncode == 2
    assert "the file does not exist" in absent.stderr


@pytest.mark.parametrize("command", [("plan", "dev"), ("sequence", "dev"), ("preview", "local")])
def test_no_command_goes_on_with_a_faulty_tenant(command, project_copy) -> None:
    project_copy.replace("stacks/acorn.yaml", "atm, branch", "atm, bpay, branch")
    result = project_copy.totara(*command)
    assert result.returncode == 2
    assert "stacks/acorn.yaml:8: acorn: `bpay` can't be licensed in NZ" in result.stderr
    assert "`bpay` has no sponsor bank" in result.stderr


def test_malformed_fields_do_not_hide_the_other_faults(project_copy) -> None:
    project_copy.write(
        "stacks/many.yaml",
        "client_id: many\nstatus: open\ninstitution_type: mutual\njurisdictions: [NZ]\n"
        "options: [osko, Fx, trade-finance]\nmodules: [MOD-999]\n"
        "overrides:\n  core.fee.notice-period: soon\n",
    )
    problems = project_copy.json("tenant", "validate", "stacks/many.yaml", code=2)["problems"]
    assert {p["rule"] for p in problems} == {
        "missing-key", "unknown-value", "option-jurisdiction", "sponsor-missing", "unknown-option",
        "option-needs", "unknown-module", "override-value",
    }  # fmt: skip


def test_a_file_that_would_be_passed_by_is_named(project_copy) -> None:
    project_copy.write("stacks/quiet.yml", "client_id: quiet\n")
    problems = project_copy.json("tenant", "validate", code=2)["problems"]
    assert [(p["file"], p["rule"]) for p in problems] == [("stacks/quiet.yml", "file-ending")]
    assert "quiet.yaml" in problems[0]["fix"]
