"""Evidence: its digest, what is refused, and pages that nothing in it can break."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from totara_infra.delivery.evidence_report import (
    AlteredRecordError,
    as_html,
    as_markdown,
    read_record,
)
from totara_infra.delivery.verification import require_new_file, write_record
from totara_infra.model.evidence import EvidenceRecord, digest_of
from totara_infra.model.problems import UsageError

HOSTILE = 'a|b <script>alert("x")</script> *c* `d` [e](https://elsewhere.example) \n# f'


def record(subject: str = "bank-core") -> dict[str, Any]:
    data = {
        "kind": "totara-verification",
        "schema_version": 1,
        "environment": "uat",
        "stack": "uat",
        "emulated": False,
        "account_id": "222222222222",
        "region": "ap-southeast-2",
        "phases": [1],
        "tenant": None,
        "started": datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC),
        "finished": datetime(2026, 3, 1, 4, 5, 9, tzinfo=UTC),
        "caller": {"arn": "arn:aws:sts::222222222222:x", "account": "222222222222", "user_id": "A"},
        "revision": {"commit": "0" * 40, "clean": True},
        "content": {"1": "sha256:1"},
        "checks": [
            {
                "name": "event buses",
                "asks": "Every bus takes a probe event.",
                "provenance": "published",
                "results": [
                    {
                        "check": "event bus",
                        "subject": subject,
                        "outcome": "failed",
                        "expected": subject,
                        "found": "nothing",
                        "fix": "Mend it.",
                    }
                ],
            }
        ],
        "totals": {"passed": 0, "failed": 1, "skipped": 0},
        "outcome": "failed",
        "digest": "sha256:" + "0" * 64,
    }
    written = EvidenceRecord.model_validate(data).model_dump(mode="json", exclude={"digest"})
    return {**written, "digest": digest_of(written)}


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    write_record(record(), file)

    read = read_record(file)

    assert read.digest == record()["digest"]
    assert read.checks[0].results[0].subject == "bank-core"
    assert [p.name for p in tmp_path.iterdir()] == ["evidence.json"]


def test_the_spelling_of_the_file_does_not_count_and_its_content_does(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    data = dict(reversed(record("Ātea").items()))
    file.write_text(json.dumps(data, indent=7, ensure_ascii=True))
    assert read_record(file).checks[0].results[0].subject == "Ātea"

    data["tenant"] = "acorn"
    file.write_text(json.dumps(data))
    with pytest.raises(AlteredRecordError):
        read_record(file)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"digest": 7}',
        b"\xff\xfe",
        # The digest is right, and it is no record.
        json.dumps({"kind": "other", "digest": digest_of({"kind": "other"})}),
        '{"digest": "sha256:0", "digest": "sha256:1"}',
    ],
)
def test_what_is_no_evidence_is_refused(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "evidence.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match="no evidence"):
        read_record(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_record(tmp_path / "nothing.json")


def test_nothing_in_a_record_is_markup(tmp_path: Path) -> None:
    read = EvidenceRecord.model_validate(record(HOSTILE))

    page, markdown = as_html(read), as_markdown(read)

    assert "<script>" not in page
    assert "<a " not in page
    assert "<em>" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in page
    rows = [line for line in markdown.splitlines() if line.startswith("| event bus |")]
    assert len(rows) == 1
    assert page.count("<td>event bus</td>") == 1


def test_evidence_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    require_new_file(file)
    file.write_text("somebody else's")
    with pytest.raises(UsageError, match="appeared meanwhile"):
        write_record(record(), file)
    assert file.read_text() == "somebody else's"
    assert [p.name for p in tmp_path.iterdir()] == ["evidence.json"]
