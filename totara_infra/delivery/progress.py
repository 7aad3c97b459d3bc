"""Progress of an update by phase and module, and the report at its end."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from totara_infra.blueprint import Blueprint

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

DONE = frozenset({"create", "update", "same", "replace", "create-replacement", "import", "read"})
CHANGES = frozenset({"create", "update", "delete", "replace"})
_STEPS_OF_REPLACING = frozenset({"create-replacement", "delete-replaced"})
"""The engine replaces a resource in three steps; it is one operation on one resource."""
_EMPTY = re.compile(r"non-zero exit code|^(update|preview|refresh) failed$")
"""Errors that say only that there was one."""
_LAST_LINES = 30


@dataclass(frozen=True)
class Failure:
    """A resource that could not be brought about.

    Attributes:
        step: module, gate or foundation that it belongs to; empty where it is none of these.
        resource: its logical name.
        reason: the engine's text.
    """

    step: str
    resource: str
    reason: str


@dataclass(frozen=True)
class Deletion:
    """A resource that a plan deletes or replaces.

    Attributes:
        name: logical name.
        type: type token.
        urn: by which the engine's commands take it.
        protected: the state keeps it from being deleted.
    """

    name: str
    type: str
    urn: str
    protected: bool


@dataclass
class Report:
    """What an update or preview did.

    Attributes:
        seconds: wall time.
        operations: kind of operation -> count of resources of ours. One that is replaced counts
            once, as `replace`.
        by_type: type token -> count of resources of ours that are there now.
        failures: what failed and why.
        other_errors: errors that belong to no resource.
        finished: steps whose last resource is there.
        deletions: what goes away.
        interrupted: somebody interrupted it.
    """

    seconds: float = 0.0
    operations: Counter[str] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    other_errors: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    deletions: list[Deletion] = field(default_factory=list)
    succeeded: bool = False
    interrupted: bool = False

    @property
    def changed(self) -> int:
        """Resources created, updated, replaced or deleted."""
        return sum(n for operation, n in self.operations.items() if operation in CHANGES)

    def complete(self, output: str, log: Path) -> None:
        """Add what the engine gave as its reason, where no event has told it.

        A full disk, a lock or a plugin that did not start is in its output only. The events then
        say that the program ended with an exit code, or nothing at all.

        Args:
            output: all that the engine has written.
            log: where that is kept.
        """
        told = [e for e in self.other_errors if not _EMPTY.search(e)]
        known = "\n".join([*(f.reason for f in self.failures), *told])
        told += [e for e in engine_errors(output) if e not in known and not _EMPTY.search(e)]
        if not told and not self.failures:
            lines = [line for line in output.splitlines() if line.strip()]
            told = ["\n".join(lines[-_LAST_LINES:]) or "The engine ended without a word."]
        self.other_errors = told
        if told:
            self.other_errors.append(f"All that the engine said is in {log}.")


def engine_errors(output: str) -> list[str]:
    """The engine's own errors in what it has written, each with the lines that belong to it.

    Errors of resources are indented there; the events have told of them.

    Args:
        output: all that the engine has written.
    """
    found: list[list[str]] = []
    within = False
    for line in output.splitlines():
        if line.startswith("error: "):
            found.append([clean(line)])
            within = True
        elif within and line.startswith((" ", "\t")) and line.strip():
            found[-1].append(line.strip())
        else:
            within = False
    return ["\n".join(lines) for lines in found]


class Tracker:
    """Reads the engine's events and shows how far each phase is.

    A terminal gets a bar for each phase; elsewhere a line is written as each phase ends.

    Args:
        blueprint: of the stack.
        out: where progress is shown.
        previewing: nothing is changed, so no gate is run.
    """

    def __init__(
        self, blueprint: Blueprint, out: TextIO | None = None, *, previewing: bool = False
    ) -> None:
        self.report = Report()
        self._ending = "previewed" if previewing else "gate passed"
        self._blueprint = blueprint
        self._out = out or sys.stderr
        self._started = time.monotonic()
        self._phase = {step: blueprint.phase_of(step) for step in blueprint.steps}
        self._wanted = Counter(
            self._phase[step] for step, rs in blueprint.steps.items() for _ in rs
        )
        self._there: Counter[int] = Counter()
        self._made: set[str] = set()
        self._words_of_plugins: list[str] = []
        self._counted: set[tuple[str, str]] = set()
        self._errors: dict[str, list[str]] = {}
        self._display: Progress | None = None
        self._bars: dict[int, TaskID] = {}
        if self._out.isatty():
            self._open_display()

    def _open_display(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._display = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=self._out),
        )
        for phase in self._blueprint.sequence.phases:
            self._bars[phase.id] = self._display.add_task(
                f"{phase.id} {phase.title}", total=self._wanted[phase.id]
            )
        self._display.start()

    def take(self, event: dict[str, Any]) -> None:
        """Take one of the engine's events, as its event log writes it."""
        if "resOutputsEvent" in event:
            self._outputs(event["resOutputsEvent"]["metadata"])
        elif "resourcePreEvent" in event:
            self._announced(event["resourcePreEvent"]["metadata"])
        elif "diagnosticEvent" in event:
            self._diagnostic(event["diagnosticEvent"])
        elif "policyEvent" in event:
            self._policy(event["policyEvent"])

    def close(self, succeeded: bool) -> Report:
        """End the display and complete the report."""
        if self._display is not None:
            self._display.stop()
        self.report.seconds = time.monotonic() - self._started
        self.report.succeeded = succeeded
        if not succeeded and not self._errors and not self.report.other_errors:
            self.report.other_errors += dict.fromkeys(self._words_of_plugins)
        for name, texts in self._errors.items():
            resource = self._blueprint.resources.get(name)
            step = resource.step if resource is not None else ""
            self.report.failures.append(Failure(step, name, "\n".join(dict.fromkeys(texts))))
        return self.report

    def _announced(self, metadata: dict[str, Any]) -> None:
        if metadata["op"] in ("delete", "replace", "delete-replaced"):
            urn, old = metadata["urn"], metadata.get("old") or {}
            self.report.deletions.append(
                Deletion(name_in(urn), metadata["type"], urn, bool(old.get("protect")))
            )

    def _outputs(self, metadata: dict[str, Any]) -> None:
        operation, kind = metadata["op"], metadata["type"]
        if kind.startswith(("pulumi:", "totara:")):
            return
        self._count(metadata["urn"], operation)
        name = name_in(metadata["urn"])
        resource = self._blueprint.resources.get(name)
        if resource is None or operation not in DONE or resource.type != kind:
            return
        if name in self._made:
            # Of one that is replaced, the engine tells more than once that it is there.
            return
        self._made.add(name)
        self.report.by_type[kind] += 1
        if resource is self._blueprint.steps[resource.step][-1]:
            self.report.finished.add(resource.step)
        phase = self._phase[resource.step]
        self._there[phase] += 1
        if self._display is not None:
            self._display.update(self._bars[phase], completed=self._there[phase])
        elif self._there[phase] == self._wanted[phase]:
            self._line(phase)

    def _count(self, urn: str, operation: str) -> None:
        if operation in _STEPS_OF_REPLACING:
            operation = "replace"
        if (urn, operation) not in self._counted:
            self._counted.add((urn, operation))
            self.report.operations[operation] += 1

    def _line(self, phase_id: int) -> None:
        phase = next(p for p in self._blueprint.sequence.phases if p.id == phase_id)
        elapsed = time.monotonic() - self._started
        self._out.write(
            f"  phase {phase.id} {phase.title}: {len(phase.modules)} modules, "
            f"{self._wanted[phase_id]} resources, {self._ending} after {elapsed:.1f} s\n"
        )
        self._out.flush()

    def _diagnostic(self, diagnostic: dict[str, Any]) -> None:
        severity, urn = diagnostic.get("severity"), diagnostic.get("urn", "")
        text = clean(diagnostic["message"])
        if severity == "info#err" and not urn and text:
            # What a plugin wrote that did not start: the engine's error has only its exit code.
            self._words_of_plugins.append(text)
        if severity != "error":
            return
        if not urn or "pulumi:pulumi:Stack" in urn:
            if text not in self.report.other_errors:
                self.report.other_errors.append(text)
            return
        self._errors.setdefault(name_in(urn), []).append(text)

    def _policy(self, violation: dict[str, Any]) -> None:
        if violation["enforcementLevel"] != "mandatory":
            return
        text = f"policy {violation['policyName']}: {clean(violation['message'])}"
        self._errors.setdefault(name_in(violation.get("resourceUrn", "")), []).append(text)


def name_in(urn: str) -> str:
    """The logical name in a URN."""
    return urn.split("::", 3)[-1]


def clean(message: str) -> str:
    """The engine's message without its colour marks and prefixes."""
    text = message
    while "<{%" in text:
        start = text.index("<{%")
        end = text.find("%}>", start)
        text = text[:start] + (text[end + 3 :] if end >= 0 else "")
    for prefix in ("error: ", "update failed: "):
        text = text.removeprefix(prefix)
    return text.strip()
