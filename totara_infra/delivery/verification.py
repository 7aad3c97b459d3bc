"""A run of the post-deployment checklist, and the record that it leaves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.revision import checked_out
from totara_infra.delivery.stacks import live_context
from totara_infra.model.evidence import EvidenceRecord, digest_of, totals
from totara_infra.model.problems import UsageError
from totara_infra.model.redaction import redacted_data, write_redacted_json
from totara_infra.model.vocabulary import Outcome, Provenance
from totara_infra.operations.checks.inspection import Extent
from totara_infra.operations.checks.registry import CHECKS, Checked, run_checks
from totara_infra.operations.checks.result import Result
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained


@dataclass(frozen=True)
class Verification:
    """A run that has ended.

    Attributes:
        blueprint: with what the environment was compared.
        extent: which part of it.
        checked: every check that had something to look at.
        started, finished: UTC.
    """

    live: Live
    blueprint: Blueprint
    extent: Extent
    checked: Sequence[Checked]
    started: datetime
    finished: datetime

    @property
    def results(self) -> list[Result]:
        """All results, in the order of the checklist."""
        return [result for entry in self.checked for result in entry.results]

    @property
    def failures(self) -> list[Result]:
        """What failed."""
        return [r for r in self.results if r.outcome is Outcome.FAILED]

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        settings, phases = self.blueprint.scope.settings, self.extent.phases
        every = [p.id for p in self.blueprint.sequence.phases]
        return {
            "environment": settings.environment.value,
            "stack": settings.stack,
            "emulated": settings.emulated,
            "account_id": settings.account_id,
            "region": settings.region,
            "phases": [p for p in every if phases is None or p in phases],
            "tenant": self.extent.tenant,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "checks": [_data(entry) for entry in self.checked],
            "totals": totals(self.results).model_dump(),
            "outcome": "failed" if self.failures else "passed",
        }

    def record(self) -> dict[str, Any]:
        """The evidence: what was found, who looked, and at which files.

        Raises:
            AwsRefusedError: STS does not say who the caller is.
        """
        with explained("asking who runs the checks"):
            identity = self.live.client("sts").get_caller_identity()
        gates = {p.id: self.blueprint.gate(p.id) for p in self.blueprint.sequence.phases}
        data = self.as_data() | {
            "kind": "totara-verification",
            "schema_version": 1,
            "caller": {
                "arn": identity["Arn"],
                "account": identity["Account"],
                "user_id": identity["UserId"],
            },
            "revision": checked_out().model_dump(),
            "content": {str(p): g.properties["insecure_value"] for p, g in gates.items()},
        }
        # As it will be read again: the model decides how a time is spelled.
        whole = EvidenceRecord.model_validate({**data, "digest": f"sha256:{'0' * 64}"})
        written = redacted_data(whole.model_dump(mode="json", exclude={"digest"}))
        return {**written, "digest": digest_of(written)}


def _data(entry: Checked) -> dict[str, Any]:
    return {
        "name": entry.check.name,
        "asks": entry.check.asks,
        "provenance": (Provenance.PUBLISHED if entry.check.published else Provenance.ASSUMED).value,
        "results": [
            {
                "check": r.check,
                "subject": r.subject,
                "outcome": r.outcome.value,
                "expected": r.expected,
                "found": r.found,
                "fix": r.fix,
            }
            for r in entry.results
        ],
    }


def verify(
    name: str,
    rehearse: bool,
    extent: Extent,
    done: Callable[[Checked, int], None],
) -> Verification:
    """Run the post-deployment checklist.

    Args:
        name: of an environment, or of the stack of an isolated client.
        rehearse: its rehearsal.
        extent: which part of it.
        done: called as each check ends, with how many there are.

    Raises:
        UsageError: no such stack, phase or tenant, or its emulator is not running.
        ProblemsError: what is wrong in the files.
    """
    blueprint, live = live_context(name, rehearse)
    started = datetime.now(UTC)
    checked = run_checks(live, blueprint, extent, lambda entry: done(entry, len(CHECKS)))
    return Verification(live, blueprint, extent, checked, started, datetime.now(UTC))


def require_new_file(path: Path) -> None:
    """See that evidence can be written there, before the checks run.

    Raises:
        UsageError: the folder is not there or can't be written, or the file exists.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"The folder of `{path}` does not exist. Make it first.")
    if os.path.lexists(path):
        raise UsageError(f"`{path}` exists, and evidence is never overwritten. Give another name.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"The folder of `{path}` can't be written. Choose another one.")


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write evidence: the whole file or none, and never over another one.

    Raises:
        UsageError: the file appeared meanwhile, or can't be written.
    """
    descriptor, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=".evidence-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            write_redacted_json(record, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        # A link fails where the name is taken, and shows the file only when it is whole.
        os.link(temporary, path)
    except FileExistsError:
        raise UsageError(f"`{path}` appeared meanwhile and was left as it is.") from None
    except OSError as error:
        raise UsageError(f"`{path}` can't be written: {error.strerror}.") from None
    finally:
        temporary.unlink(missing_ok=True)
