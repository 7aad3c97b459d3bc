"""What may be released: through the command, in a copy of the project with a history."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.conftest import PROJECT
from tests.delivery.history import git, run
from totara_infra.delivery.release import refusals
from totara_infra.model.release import Approval, Calendar, read_calendar
from totara_infra.model.vocabulary import Environment

AUTHOR, REVIEWER = "tui", "kea"


def review(login: str, state: str = "approved", environment: str = "prod") -> dict:
    return {"state": state, "environments": [{"name": environment}], "user": {"login": login}}


def reasons(calendar: Calendar, now: datetime, tag: str, *reviews: dict) -> list[str]:
    approvals = [Approval.model_validate(r) for r in reviews]
    return list(refusals(Environment.PROD, calendar, now, tag, "d", "d", AUTHOR, approvals))


def test_only_the_approved_plan_goes_and_only_with_four_eyes(root, tmp_path):
    digest = run(root, "release", "digest", "prod").strip()
    reviews = tmp_path / "approvals.json"

    def check(approved: str, *given: dict, code: int) -> str:
        reviews.write_text(json.dumps(given))
        return run(
            root, "release", "check", "prod", "--tag", "v1.0.0", "--approved", approved,
            "--author", AUTHOR, "--approvals", str(reviews), code=code,
        )  # fmt: skip

    assert "may be released" in check(digest, review(REVIEWER), code=0)
    assert "Nobody but tui" in check(digest, review(AUTHOR.upper()), code=1)
    assert "Nobody but tui" in check(digest, review(REVIEWER, environment="uat"), code=1)
    assert "rejected" in check(digest, review(REVIEWER), review("ruru", "rejected"), code=1)
    both = check("sha256:other", code=1)
    assert "not the approved one" in both
    assert "Nobody but tui" in both
    reviews.write_text('{"message": "Not Found"}')
    bad = run(
        root, "release", "check", "prod", "--tag", "v1.0.0", "--approved", digest,
        "--author", AUTHOR, "--approvals", str(reviews), code=2,
    )  # fmt: skip
    assert "no list of approvals" in bad

    file = root / "stacks" / "acorn.yaml"
    text = file.read_text()
    file.write_text(f"{text}# changed\n")
    try:
        assert "Files differ" in run(root, "release", "digest", "prod", code=1)
    finally:
        file.write_text(text)


def test_a_freeze_holds_by_the_days_of_its_time_zone_and_lets_named_tags_pass():
    calendar = Calendar.model_validate(
        {
            "time_zone": "Pacific/Auckland",
            "freezes": [
                {"name": "Year end", "first": "2026-12-18", "last": "2026-12-20",
                 "environments": ["prod"], "except_for": ["v1.0.1"], "why": "Nobody is there."}
            ],
        }
    )  # fmt: skip
    begins = datetime(2026, 12, 17, 11, tzinfo=UTC)  # midnight in Auckland, UTC+13
    ends = datetime(2026, 12, 20, 11, tzinfo=UTC)
    second = timedelta(seconds=1)
    for moment, frozen in ((begins - second, 0), (begins, 1), (ends - second, 1), (ends, 0)):
        assert len(reasons(calendar, moment, "v1.0.0", review(REVIEWER))) == frozen
    assert reasons(calendar, begins, "v1.0.1", review(REVIEWER)) == []
    assert read_calendar(PROJECT).freezes


def test_a_faulty_calendar_is_refused_with_its_line(root):
    file = root / "release-calendar.yaml"
    text = file.read_text()
    file.write_text(
        "time_zone: Mars/Base\nfreezes:\n"
        "  - {name: a, first: 2027-01-02, last: 2027-01-01, environments: [prod], why: w}\n"
    )
    try:
        said = run(
            root, "release", "check", "prod", "--tag", "v1.0.0", "--approved", "x",
            "--author", AUTHOR, code=2,
        )  # fmt: skip
    finally:
        file.write_text(text)
    assert "release-calendar.yaml:1" in said
    assert "release-calendar.yaml:3" in said


def test_the_release_before_is_the_last_of_its_kind(root):
    for tag in ("v1.2.0", "v1.9.0", "v1.10.0-rc.2", "v1.10.0-rc.10", "v1.10.0", "vNext"):
        git(root, "tag", tag)
    assert run(root, "release", "previous", "v1.10.0").strip() == "v1.9.0"
    assert run(root, "release", "previous", "v1.10.0-rc.10").strip() == "v1.10.0-rc.2"
    assert "no release before" in run(root, "release", "previous", "v1.2.0", code=2)
    assert "no tag of a release" in run(root, "release", "previous", "1.2", code=2)


def test_a_fleet_plan_names_only_affected_stacks_with_reasons(root, tmp_path):
    output = tmp_path / "output"
    assert "0 stacks" in run(root, "fleet", "plan", "--since", "HEAD", "--step-output", str(output))
    assert "affected=false" in output.read_text()
    file = root / "Pulumi.uat.yaml"
    text = file.read_text()
    file.write_text(f'{text}  totara-infra:log-retention-days: "7"\n')
    try:
        found = json.loads(run(root, "fleet", "plan", "--since", "HEAD", "--format", "json"))
    finally:
        file.write_text(text)
    assert [entry["stack"] for entry in found["include"]] == ["uat"]
    assert any("retention_in_days" in r for r in found["include"][0]["reasons"])
    program = root / "totara_infra" / "components" / "gate.py"
    before = program.read_text()
    program.write_text(f"{before}\n# changed\n")
    try:
        every = json.loads(run(root, "fleet", "plan", "--since", "HEAD", "--format", "json"))
    finally:
        program.write_text(before)
    assert {entry["stack"] for entry in every["include"]} == {"dev", "uat", "prod"}
    assert "components/gate.py" in every["include"][0]["reasons"][0]
    assert "Give a branch" in run(root, "fleet", "plan", "--since", "nowhere", code=2)


def test_a_release_goes_to_the_affected_stacks_the_clients_own_among_them(root, tmp_path):
    shared = (root / "Pulumi.prod.yaml").read_text()
    own = shared + "  totara-infra:default-tenant: acorn\n"
    for before, after in (
        ("[totara-bank, acorn]", "[acorn]"),
        ("333333333333", "444444444444"),
        ("bucket-suffix: -totara", "bucket-suffix: -acorn"),
    ):
        assert before in own
        own = own.replace(before, after)
    (root / "Pulumi.prod-acorn.yaml").write_text(own)
    (root / "Pulumi.prod.yaml").write_text(shared.replace("[totara-bank, acorn]", "[totara-bank]"))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "acorn is isolated")
    git(root, "tag", "v2.0.0")
    (root / "Pulumi.prod-acorn.yaml").write_text(own.replace('"90"', '"180"'))
    git(root, "commit", "-qam", "acorn keeps logs longer")
    git(root, "tag", "v2.0.1")
    output = tmp_path / "output"

    summary = tmp_path / "plan.md"
    run(root, "fleet", "plan", "--release", "v2.0.1", "--env", "prod", "--digests",
        "--step-output", str(output), "--summary", str(summary))  # fmt: skip
    assert summary.read_text().startswith("### 1 stacks are affected\n\n* `prod-acorn`\n  * ")
    assert "retention_in_days" in summary.read_text()

    values = dict(line.split("=", 1) for line in output.read_text().splitlines())
    (entry,) = json.loads(values["matrix"])["include"]
    digest = run(root, "release", "digest", "prod-acorn").strip()
    assert entry == {"stack": "prod-acorn", "environment": "prod", "digest": digest}
    assert "for one reason" not in run(
        root, "up", "prod-acorn", "--approved-digest", "sha256:other", code=1
    )
    first = json.loads(
        run(root, "fleet", "plan", "--release", "v0.0.1", "--env", "prod", "--format", "json")
    )
    assert [e["stack"] for e in first["include"]] == ["prod", "prod-acorn"]
    assert first["include"][0]["reasons"] == ["The stack is new."]
    every = json.loads(run(root, "fleet", "list", "--format", "json"))["include"]
    assert [e["stack"] for e in every] == ["dev", "prod", "prod-acorn", "uat"]
    assert "one of --since REF and --release TAG" in run(root, "fleet", "plan", code=2)
