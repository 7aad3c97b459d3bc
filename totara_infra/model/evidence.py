"""The record that a run of the post-deployment checklist leaves for the regulator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from totara_infra.model.declarations import Model
from totara_infra.model.vocabulary import Environment, Outcome, Provenance

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class Caller(Model):
    """Who ran the checks, as AWS STS says; no claim of the machine that they ran on."""

    arn: str
    account: str = Field(pattern=r"^\d{12}$")
    user_id: str


class Revision(Model):
    """The files with which the environment was compared."""

    commit: str | None = Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")
    """Of the checkout; null outside git."""
    clean: bool | None
    """Whether all files were as committed; null outside git."""


class ResultRecord(Model):
    """One check of one thing."""

    check: str
    subject: str
    """What was looked at."""
    outcome: Outcome
    expected: str = ""
    """Of a failed one."""
    found: str = ""
    """Of a failed one."""
    fix: str = ""
    """How to mend a failed one; why one was skipped."""


class CheckRecord(Model):
    """One line of the checklist with its results."""

    name: str
    asks: str
    """What it makes certain of."""
    provenance: Provenance
    """Whether the platform's published checklist asks for it."""
    results: list[ResultRecord]


class Totals(Model):
    """Numbers of results."""

    passed: int = Field(ge=0)
    failed: int = Field(ge=0)
    skipped: int = Field(ge=0)


class EvidenceRecord(Model):
    """A run of the post-deployment checklist."""

    kind: Literal["totara-verification"] = "totara-verification"
    schema_version: Literal[1] = 1
    environment: Environment
    stack: str
    """The engine's name of the stack; that of a rehearsal ends in `-rehearsal`."""
    emulated: bool
    """Whether it ran against an emulator on one machine: then it says nothing of AWS."""
    account_id: str = Field(pattern=r"^\d{12}$")
    """The account that the stack may touch."""
    region: str
    phases: list[int]
    """The phases that were looked at."""
    tenant: str | None
    """The only tenant that counted; null for all."""
    started: datetime
    """UTC."""
    finished: datetime
    """UTC."""
    caller: Caller
    revision: Revision
    content: dict[str, str]
    """Phase -> digest of what it consists of by these files, as its gate holds it."""
    checks: list[CheckRecord]
    totals: Totals
    outcome: Literal["passed", "failed"]
    """`failed` when at least one check failed."""
    digest: Digest
    """Over everything else, see `digest_of`."""


def totals(results: Iterable[Any]) -> Totals:
    """Numbers of results by outcome."""
    counted = dict.fromkeys(Outcome, 0)
    for result in results:
        counted[Outcome(result.outcome)] += 1
    return Totals(**{outcome.value: number for outcome, number in counted.items()})


def digest_of(data: dict[str, Any]) -> str:
    """Digest over a record without its own: SHA-256 of it as JSON in UTF-8.

    Keys are sorted, nothing stands between the tokens, and characters are not escaped: what
    `json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` gives.
    """
    content = {key: value for key, value in data.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
