"""`totara tenant new`: a valid file or none, from flags or answers; an isolated client's stack."""

from __future__ import annotations

import pytest

from tests.tenants.project_copy import ProjectCopy

FLAGS = (
    "--client-id", "kowhai", "--display-name", "Kōwhai: Members' Bank #1",
    "--institution-type", "mutual", "--jurisdiction", "NZ+AU",
)  # fmt: skip
RICH = (*FLAGS, "--option", "cards", "--option", "osko", "--sponsor", "osko=Cuscal")


def test_flags_write_a_file_that_passes_all_checks(project_copy: ProjectCopy) -> None:
    result = project_copy.totara("tenant", "new", *RICH)
    assert result.returncode == 0, result.stderr
    written = project_copy.read_yaml("stacks/kowhai.yaml")
    assert written == {
        "client_id": "kowhai",
        "display_name": "Kōwhai: Members' Bank #1",
        "status": "planned",
        "institution_type": "mutual",
        "jurisdictions": ["NZ", "AU"],
        "options": ["cards", "osko"],
        "sponsor_banks": {"osko": "Cuscal"},
        "overrides": {},
    }
    text = (project_copy.root / "stacks" / "kowhai.yaml").read_text(encoding="utf-8")
    # Every line of data stands under an explanation, and what else it could have is named.
    assert "# mutual: its members own it" in text
    assert "#   - bpay  # BPAY payments, through a sponsor bank" in text
    assert "#   core.fee.notice-period: 14  # days, at least 14, at most 365" in text
    assert project_copy.totara("validate").returncode == 0
    # A stack's list decides membership: the line to edit is named, and nothing did it already.
    line = project_copy.line("Pulumi.uat.yaml", "totara-infra:tenants")
    assert (
        f"Pulumi.uat.yaml:{line}: totara-infra:tenants: [totara-bank, acorn, kowhai]"
        in result.stdout
    )
    assert "kowhai" not in str(project_copy.read_yaml("Pulumi.uat.yaml"))


def test_an_override_that_the_file_proposes_can_be_uncommented(project_copy) -> None:
    assert project_copy.totara("tenant", "new", *RICH).returncode == 0
    path = project_copy.root / "stacks" / "kowhai.yaml"
    head, tail = path.read_text(encoding="utf-8").split("overrides: {}\n")
    proposals = [line.removeprefix("# ").removeprefix("#") for line in tail.splitlines()]
    assert len(proposals) > 10
    path.write_text("\n".join([f"{head}overrides:", *proposals, ""]), encoding="utf-8")
    result = project_copy.totara("tenant", "validate", "stacks/kowhai.yaml")
    assert result.returncode == 0, result.stderr


def test_answers_do_what_flags_do(project_copy: ProjectCopy) -> None:
    answers = "rata\nRata Bank\nproprietary\nAU\nbpay, osko\nKauri Clearing\n\n"
    result = project_copy.totara("tenant", "new", answers=answers)
    assert result.returncode == 0, result.stderr
    written = project_copy.read_yaml("stacks/rata.yaml")
    assert written["institution_type"] == "proprietary"
    assert written["options"] == ["bpay", "osko"]
    # The only sponsor of an option is offered, and an empty answer takes it.
    assert written["sponsor_banks"] == {"bpay": "Kauri Clearing", "osko": "Cuscal"}
    assert "stacks/rata.yaml written." in result.stdout


def test_nobody_to_answer_is_an_error_that_names_the_flag(project_copy) -> None:
    before = project_copy.files()
    result = project_copy.totara("tenant", "new", *FLAGS[:4])
    assert result.returncode == 2
    assert "--institution-type is missing" in result.stderr
    assert project_copy.files() == before


def test_all_faults_come_at_once_and_nothing_is_written(project_copy: ProjectCopy) -> None:
    before = project_copy.files()
    result = project_copy.totara(
        "tenant", "new", "--client-id", "Kowhai", "--display-name", "K", "--institution-type",
        "club", "--jurisdiction", "NZ+FJ", "--option", "fox", "--option", "trade-finance",
        "--status", "open",
    )  # fmt: skip
    assert result.returncode == 2
    for flag, rule in (
        ("--client-id", "pattern"),
        ("--display-name", "value"),
        ("--institution-type", "unknown-value"),
        ("--jurisdiction", "unknown-value"),
        ("--option", "unknown-option"),
        ("--option", "option-needs"),
        ("--status", "unknown-value"),
    ):
        assert any(
            line.startswith(f"totara tenant new {flag}:") and line.endswith(f"[{rule}]")
            for line in result.stderr.splitlines()
        ), (flag, rule, result.stderr)
    assert project_copy.files() == before


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--option", "bpay", "--sponsor", "bpay"), "Write OPTION=BANK"),
        (("--option", "bpay"), "`bpay` has no sponsor bank"),
        (("--isolated", "--account-id", "12"), "totara tenant new --account-id"),
        (("--isolated", "--account-id", "333333333333"), "have one AWS account"),
        (("--isolated", "--account-id", "444444444444", "--env", "local"), "no client is isolated"),
        (("--client-id", "x" * 300, "--option", "fox"), "is 300 characters long"),
        (("--client-id", "../../acorn"), "totara tenant new --client-id"),
        (("--env", "test"), "There is no environment `test`"),
        (("--display-name", "Two\nlines: of\x07 text", "--option", "fox"), "unknown-option"),
    ],
)
def test_what_can_not_be_is_refused(flags, says, project_copy: ProjectCopy) -> None:
    before = project_copy.files()
    result = project_copy.totara("tenant", "new", *FLAGS, *flags)
    assert result.returncode == 2
    assert says in result.stderr
    assert project_copy.files() == before


def test_nothing_is_overwritten(project_copy: ProjectCopy) -> None:
    project_copy.write("Pulumi.prod-rata.yaml", "config: {}\n")
    before = project_copy.files()
    acorn = project_copy.totara("tenant", "new", *FLAGS, "--client-id", "acorn")
    assert acorn.returncode == 2
    assert "client id `acorn` is taken by stacks/acorn.yaml" in acorn.stderr
    isolated = ("--isolated", "--account-id", "444444444444")
    rata = project_copy.totara("tenant", "new", *FLAGS, "--client-id", "rata", *isolated)
    assert rata.returncode == 2
    assert "Pulumi.prod-rata.yaml: the file exists already [file-exists]" in rata.stderr
    assert project_copy.files() == before


def test_an_odd_name_comes_back_as_it_was(project_copy: ProjectCopy) -> None:
    for number, name in enumerate(("- no: {yes}", '"quoted" \\ back', "a: b # c")):
        flags = (*FLAGS[4:], "--client-id", f"odd-{number}", "--display-name", name)
        result = project_copy.totara("tenant", "new", *flags)
        assert result.returncode == 0, result.stderr
        assert project_copy.read_yaml(f"stacks/odd-{number}.yaml")["display_name"] == name


def test_an_isolated_client_gets_a_stack_of_its_own(project_copy: ProjectCopy) -> None:
    result = project_copy.totara(
        "tenant", "new", *RICH, "--isolated", "--account-id", "444444444444"
    )
    assert result.returncode == 0, result.stderr
    assert "Pulumi.prod-kowhai.yaml written." in result.stdout
    assert project_copy.read_yaml("stacks/kowhai.yaml")["isolated"] is True
    own = project_copy.read_yaml("Pulumi.prod-kowhai.yaml")["config"]
    shared = project_copy.read_yaml("Pulumi.prod.yaml")["config"]
    prefix = "totara-infra:"
    assert own == shared | {
        f"{prefix}account-id": "444444444444",
        f"{prefix}tenants": ["kowhai"],
        f"{prefix}default-tenant": "kowhai",
        f"{prefix}bucket-suffix": "-kowhai",
    }
    assert project_copy.totara("validate").returncode == 0
    plan = project_copy.json("plan", "prod-kowhai")
    assert plan["environment"] == "prod"
    sequence = project_copy.totara("sequence", "prod-kowhai")
    assert sequence.returncode == 0, sequence.stderr
    # It licenses no BPAY and is the only tenant of its stack.
    assert "MOD-120" in sequence.stdout
    assert "MOD-119" not in sequence.stdout
    matrix = project_copy.json("activation", "--tenant", "kowhai", "--env", "prod")
    states = {m["id"]: m["state"] for m in matrix["modules"]}
    assert (states["MOD-119"], states["MOD-120"]) == ("not_deployed", "active")
    shown = project_copy.json("tenant", "show", "kowhai", "--env", "prod")
    assert shown["stack"] == "prod-kowhai"


@pytest.mark.parametrize("name", ["a bank\nof two lines", "a bank\x1b[31m", "a \u202eknab"])
def test_a_name_that_hides_something_is_refused(name: str, project_copy) -> None:
    flags = (*FLAGS[4:], "--client-id", "hidden", "--display-name", name)
    result = project_copy.totara("tenant", "new", *flags)
    assert result.returncode == 2, result.stderr
    assert not (project_copy.root / "stacks" / "hidden.yaml").exists()
