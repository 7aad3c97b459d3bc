"""Evidence read back: held against its digest, and rendered for people."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from pydantic import ValidationError

from totara_infra.model.evidence import CheckRecord, EvidenceRecord, ResultRecord, digest_of
from totara_infra.model.json_text import read_json
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.model.vocabulary import Outcome

_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~])")


class AlteredRecordError(TotaraError):
    """A record is not what was written."""

    exit_code = 1


def read_record(path: Path) -> EvidenceRecord:
    """Read evidence and hold it against its digest.

    Raises:
        UsageError: it can't be read, or is no such record.
        AlteredRecordError: something in it was changed after it was written.
    """
    try:
        data = read_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"`{path}` can't be read: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(
            f"`{path}` is no evidence: {error}. Give a file that `totara verify ENV --evidence "
            "FILE` has written."
        ) from None
    stated = data.get("digest") if isinstance(data, dict) else None
    if not isinstance(stated, str):
        raise UsageError(
            f"`{path}` is no evidence: it has no digest. Give a file that `totara verify ENV "
            "--evidence FILE` has written."
        )
    actual = digest_of(data)
    if actual != stated:
        raise AlteredRecordError(
            f"`{path}` was altered: it says {stated}, and its content gives {actual}. It is not "
            "shown. Take the record from where it is kept unaltered, or run the checks again."
        )
    try:
        return EvidenceRecord.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"`{path}` is no evidence that this version reads: {where}: {first['msg']}. "
            "schemas/evidence.json describes it."
        ) from None


def as_markdown(record: EvidenceRecord) -> str:
    """The record as a page in Markdown."""
    return "\n".join(_lines(record)) + "\n"


def as_html(record: EvidenceRecord) -> str:
    """The record as one HTML file without anything from elsewhere."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(as_markdown(record))
    title = html.escape(f"Verification of {record.stack}, {record.started:%Y-%m-%d}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0;width:100%}"
    "th,td{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}th{background:#eee}code{overflow-wrap:anywhere}"
)


def _lines(record: EvidenceRecord) -> Iterator[str]:
    yield f"# Verification of {_text(record.stack)}: {record.outcome}"
    yield ""
    yield from _table(("", ""), _facts(record))
    failed = [(c, r) for c in record.checks for r in c.results if r.outcome is Outcome.FAILED]
    if failed:
        yield "## Failed"
        yield ""
        columns = ("check", "what", "expected", "found", "how to mend")
        rows = [(r.check, r.subject, r.expected, r.found, r.fix) for _, r in failed]
        yield from _table(columns, rows)
    yield "## Checklist"
    yield ""
    yield from _table(
        ("check", "makes certain that", "provenance", *Outcome),
        [_row(check) for check in record.checks],
    )
    skipped = [(c, r) for c in record.checks for r in c.results if r.outcome is Outcome.SKIPPED]
    if skipped:
        yield "## Skipped"
        yield ""
        yield from _table(
            ("check", "what", "why"), [(r.check, r.subject, r.fix) for _, r in skipped]
        )
    yield "## Passed"
    yield ""
    for check in record.checks:
        things = [r for r in check.results if r.outcome is Outcome.PASSED]
        if things:
            yield f"### {_text(check.name)}"
            yield ""
            yield from (f"- {_thing(result)}" for result in things)
            yield ""


def _facts(record: EvidenceRecord) -> list[tuple[str, str]]:
    revision, caller = record.revision, record.caller
    state = {True: "all files as committed", False: "with uncommitted changes", None: "not in git"}
    where = f"{record.account_id}, {record.region}"
    if record.emulated:
        where += " (emulated on one machine: this says nothing of AWS itself)"
    counts = record.totals
    return [
        ("environment", record.environment.value),
        ("account and region", where),
        ("phases", ", ".join(str(p) for p in record.phases)),
        ("tenant", record.tenant or "all"),
        ("started", f"{record.started:%Y-%m-%d %H:%M:%S} UTC"),
        ("finished", f"{record.finished:%Y-%m-%d %H:%M:%S} UTC"),
        ("run by", f"{caller.arn} of account {caller.account} ({caller.user_id})"),
        ("files", f"{revision.commit or 'no commit'}, {state[revision.clean]}"),
        (
            "results",
            f"{counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped",
        ),
        ("digest", record.digest),
    ]


def _row(check: CheckRecord) -> tuple[str, ...]:
    counts = [sum(r.outcome is outcome for r in check.results) for outcome in Outcome]
    return (check.name, check.asks, check.provenance.value, *(str(n) for n in counts))


def _thing(result: ResultRecord) -> str:
    return f"{_text(result.check)}: {_text(result.subject)}"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield "| " + " | ".join(_text(cell) for cell in row) + " |"
    yield ""


def _text(value: str) -> str:
    """Text as it is, whatever it holds: nothing in it is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(value.split()))
