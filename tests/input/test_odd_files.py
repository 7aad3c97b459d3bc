"""Files with mistakes and malice in them: the command names place and mend, and never breaks."""

from __future__ import annotations

import time

import pytest

from tests.input.in_process import Project
from totara_infra.model.problems import ProblemsError
from totara_infra.model.release import read_calendar

TENANT = """\
client_id: kauri
display_name: Kauri Bank
status: planned
institution_type: mutual
jurisdictions: [NZ]
"""
STACK = """\
config:
  totara-infra:environment: local
  totara-infra:account-id: "000000000000"
  totara-infra:tenants: [totara-bank, acorn]
"""
BOMB = "\n".join(
    ["client_id: kauri", f"a0: &a0 [{', '.join(['x'] * 9)}]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    + ["options: *a8"]
)

MISTAKES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # case: lines that replace or follow the tenant's, the line at fault, words of the message
    "number-for-text": ("display_name: 2026", "display_name", ("`2026`", 'quote it', '"2026"')),
    "decimal-for-text": ("display_name: 1.10", "display_name", ("`1.10`", '"1.10"')),
    "true-for-text": ("display_name: true", "display_name", ("`true`", '"true"')),
    "text-for-list": ("options: cards, atm", "options", ("`cards, atm`", "[cards, atm]")),
    "norway": ("jurisdictions: [NO]", "jurisdictions", ("`NO`", "false", '"NO"')),
    "no-such-day": ("closed_on: 2026-13-01", "closed_on", ("2026-13-01", "YYYY-MM-DD")),
    "no-29th": ("leaves_on: 2027-02-29", "leaves_on", ("2027-02-29", "YYYY-MM-DD")),
    "seconds-as-day": ("leaves_on: 86400", "leaves_on", ("86400", "YYYY-MM-DD")),
    "octal": ("display_name: 01234567", "display_name", ("`01234567`", "quote it")),
    "underscores": ("display_name: 1_000", "display_name", ("`1_000`", "quote it")),
    "exponent": ("display_name: 1e3", "display_name", ("`1e3`", "quote it")),
    "sixties": ("display_name: 12:30", "display_name", ("`12:30`", "quote it")),
    "tab": ("sponsor_banks:\n\tosko: Cuscal", "\tosko", ("tab", "spaces")),
    "tag": ("display_name: !!int x", "display_name", ("tag", "remove")),
    "time-tag": ("leaves_on: !!timestamp nope", "leaves_on", ("tag", "remove")),
    "python-tag": ("display_name: !!python/name:os.system x", "display_name", ("tag",)),
    "huge-integer": ("overrides:\n  core.fee.notice-period: " + "9" * 5000, "notice", ("digits",)),
    "not-a-number": ("overrides:\n  core.fee.notice-period: .nan", "notice", ("`.nan`", "finite")),
    "infinite": ("overrides:\n  core.fee.notice-period: -.inf", "notice", ("`-.inf`", "finite")),
    "number-key": ("overrides:\n  5: 1", "  5:", ("key `5`", "quote it")),
    "null-key": ("overrides:\n  ~: 1", "  ~:", ("key `~`", "quote it")),
    "list-key": ("overrides:\n  ? [a]\n  : 1", "  ? [a]", ("a list or mapping",)),
    "merge": ("a: &a {x: 1}\noverrides:\n  <<: *a\n  x: 2", "<<", ("merge key", "write the keys")),
    "deep": ("options: " + "[" * 200 + "]" * 200, "options", ("inside one another",)),
    "very-deep": ("options: " + "[" * 5000, "options", ("inside one another",)),
    "twice": ("status: live", "status: live", ("status", "twice")),
    "line-separator": ("display_name: a\u2028b", "display_name", ("U+2028",)),
    "bell": ("display_name: a\x07b", "display_name", ("control characters",)),
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project.make(tmp_path_factory.mktemp("odd") / "project")


def with_lines(lines: str) -> str:
    key = lines.split(":", maxsplit=1)[0]
    kept = [x for x in TENANT.splitlines() if x.split(":")[0] != key or key == "status"]
    return "\n".join([*kept, lines]) + "\n"


def test_mistakes_are_named_with_place_what_was_read_and_what_to_write(project: Project) -> None:
    texts = {case: with_lines(lines) for case, (lines, _, _) in MISTAKES.items()}
    paths = {c: str(project.write(f"stacks/{c}.yaml", t)) for c, t in texts.items()}
    began = time.process_time()
    try:
        ended = project.totara("tenant", "validate", *paths.values())
    finally:
        for case in texts:
            (project.root / "stacks" / f"{case}.yaml").unlink()
    assert ended.code == 2, ended.err
    wrong = {}
    for case, (_, at, words) in MISTAKES.items():
        lines = texts[case].split("\n")
        number = max(n for n, line in enumerate(lines, 1) if at in line)
        said = ended.err.split(f"stacks/{case}.yaml:{number}: ", 1)
        message = "\n".join(said[-1].splitlines()[:3]) if len(said) == 2 else ""
        if not all(word in message for word in words):
            wrong[case] = message or [x for x in ended.err.splitlines() if f"/{case}.yaml" in x]
    assert not wrong
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TENANT.encode("utf-16"), ("UTF-16", "UTF-8")),
        (TENANT.encode("utf-16-le"), ("UTF-16", "UTF-8")),
        (TENANT.replace("Kauri Bank", "Kaurī").encode("iso8859-4"), ("line 2", "UTF-8")),
        (BOMB.encode(), ("100,000 values",)),
        (("options:\n" + "  - cards\n" * 500_000).encode(), ("4,096 KiB",)),
        (("options: [" + "a," * 150_000 + "]").encode(), ("100,000 values",)),
        (b"- a\n- b\n", ("a list", "a mapping is expected")),
        (b"just words", ("a text", "a mapping is expected")),
        (b"", ("empty",)),
    ],
    ids=["utf-16", "utf-16-le", "latin", "bomb", "large", "many", "list", "text", "empty"],
)
def test_whole_files_that_are_not_what_is_expected(project, content, words) -> None:
    began = time.process_time()
    with project.holding("stacks/kauri.yaml", content) as path:
        ended = project.totara("tenant", "validate", str(path))
    assert ended.code == 2
    assert "stacks/kauri.yaml" in ended.err
    assert all(word in ended.err for word in words), ended.err[:2000]
    assert len(ended.err) < 5000
    assert time.process_time() - began < 15


def test_many_faults_take_linear_time_and_a_bounded_message(project) -> None:
    content = TENANT + "options:\n" + "  - cards\n" * 20_000
    began = time.process_time()
    with project.holding("stacks/kauri.yaml", content) as path:
        ended = project.totara("tenant", "validate", str(path))
    assert ended.code == 2
    assert "twice" in ended.err
    assert time.process_time() - began < 15


def test_a_byte_order_mark_of_utf_8_is_read(project) -> None:
    with project.holding("stacks/kauri.yaml", b"\xef\xbb\xbf" + TENANT.encode()) as path:
        ended = project.totara("tenant", "validate", str(path))
    assert ended.code == 0, ended.err


def test_a_loop_of_links_is_one_problem(project) -> None:
    path = project.root / "stacks" / "loop.yaml"
    path.symlink_to(path)
    try:
        ended = project.totara("validate")
    finally:
        path.unlink()
    assert ended.code == 2
    assert "stacks/loop.yaml" in ended.err


STACK_FAULTS = {
    "list": ("- a\n", "a mapping is expected"),
    "text": ("words\n", "a mapping is expected"),
    "config-list": ("config: [a]\n", "a mapping is expected"),
    "config-text": ("config: words\n", "a mapping is expected"),
    "number-key": ("config:\n  1: 2\n", "quote it"),
    "account": (STACK.replace('"000000000000"', "000000000000"), "quote it"),
    "account-short": (STACK.replace('"000000000000"', "123456789012"), "quote it"),
    "date": (STACK + "  totara-infra:cost-center: 2026-12-01\n", "quote it"),
    "cost-center": (STACK + "  totara-infra:cost-center: 1_000\n", "quote it"),
    "tenants": (STACK.replace("[totara-bank, acorn]", "acorn, x"), "[acorn, x]"),
    "json": (STACK.replace("[totara-bank, acorn]", "'" + "[" * 100_000 + "'"), "tenants"),
    "broken-json": (STACK.replace("[totara-bank, acorn]", "'[totara-bank'"), "tenants"),
    "nan": (STACK + "  totara-infra:roll-out-percent: .nan\n", "finite"),
    "nan-text": (STACK + '  totara-infra:roll-out-percent: "nan"\n', "roll-out-percent"),
}  # fmt: skip


@pytest.mark.parametrize("case", STACK_FAULTS)
def test_odd_stack_files_are_problems_in_every_command(project, case) -> None:
    text, words = STACK_FAULTS[case]
    with project.holding("Pulumi.local.yaml", text):
        ended = project.totara("sequence", "local")
    assert ended.code == 2, ended
    assert "Pulumi.local.yaml" in ended.err
    assert words in ended.err


def test_a_day_of_the_calendar_that_does_not_exist(project) -> None:
    text = project.text("release-calendar.yaml").replace("2027-01-10", "2027-02-30")
    with project.holding("release-calendar.yaml", text), pytest.raises(ProblemsError) as refused:
        read_calendar(project.root)
    assert "release-calendar.yaml:6" in str(refused.value)
    assert "2027-02-30" in str(refused.value)
