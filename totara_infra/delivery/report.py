"""What an update has to say at its end, as lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.progress import Report


def success_lines(blueprint: Blueprint, report: Report, verb: str) -> Iterator[str]:
    """A run that went through: phases, modules, resources by kind, wall time."""
    sequence = blueprint.sequence
    total = sum(report.by_type.values())
    yield (
        f"{blueprint.scope.env}: {len(sequence.modules)} modules in {len(sequence.phases)} phases, "
        f"{total} resources {verb} in {report.seconds:.1f} s."
    )
    if not report.changed:
        yield "Nothing changed: everything was as the catalogue says."
        return
    operations = ", ".join(
        f"{count} {operation}" for operation, count in sorted(report.operations.items())
    )
    yield f"Operations: {operations}."
    shapes: Counter[str] = Counter()
    for kind, count in report.by_type.items():
        shapes[f"{kind.split(':')[1].split('/')[0]} {kind.rsplit(':', 1)[1]}"] += count
    yield "Resources by kind:"
    for shape, count in shapes.most_common():
        yield f"  {count:>5}  {shape}"


def failure_lines(blueprint: Blueprint, report: Report) -> Iterator[str]:
    """A run that stopped: what failed and why, and what was not reached."""
    yield f"{blueprint.scope.env}: stopped after {report.seconds:.1f} s."
    for failure in report.failures:
        where = f"{failure.step}: " if failure.step else ""
        yield f"FAILED {where}{failure.resource}"
        yield from (f"  {line}" for line in failure.reason.splitlines())
    failed = {f.step for f in report.failures}
    if report.other_errors:
        yield "FAILED"
        yield from (f"  {line}" for text in report.other_errors for line in text.splitlines())
    missing = [
        module.id
        for module in blueprint.sequence.modules
        if module.id not in report.finished and module.id not in failed
    ]
    up = (
        len(blueprint.sequence.modules)
        - len(missing)
        - len(failed & set(blueprint.sequence.module))
    )
    yield f"{up} modules are up, {len(missing)} were not reached."
    for phase in blueprint.sequence.phases:
        left = [m for m in phase.modules if m in missing]
        if left:
            shown = ", ".join(left[:8]) + (f" and {len(left) - 8} more" if len(left) > 8 else "")
            yield f"  phase {phase.id} {phase.title}: {shown}"
