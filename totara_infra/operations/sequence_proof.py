"""The proof, from CloudTrail, that an environment went up in the documented order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.operations.live import Live
from totara_infra.operations.trail import Write, writes

_NAME_PROPERTIES = ("name", "bucket")


@dataclass(frozen=True)
class Proof:
    """What was proved.

    Attributes:
        proved: hard edges whose order the record shows.
        edges: hard edges in all.
        gates: gates that lie where they must, of `all_gates`.
        violations: what the record contradicts, or does not show.
    """

    environment: str
    proved: int
    edges: int
    gates: int
    all_gates: int
    violations: tuple[str, ...]

    def summary(self) -> str:
        """One line for people."""
        verdict = "proved" if not self.violations else "NOT proved"
        return (
            f"{self.environment}: order {verdict}. {self.proved} of {self.edges} hard edges and "
            f"{self.gates} of {self.all_gates} gates shown by CloudTrail, "
            f"{len(self.violations)} violations."
        )

    def as_data(self) -> dict[str, Any]:
        """The proof as JSON shows it."""
        return {
            "environment": self.environment,
            "edges": self.edges,
            "proved": self.proved,
            "gates": self.all_gates,
            "gates_proved": self.gates,
            "violations": list(self.violations),
        }


def prove(live: Live, blueprint: Blueprint) -> Proof:
    """Read the record and hold it against the order."""
    return judge(blueprint, writes(live), exact=live.settings.emulated)


def judge(blueprint: Blueprint, record: Iterable[Write], *, exact: bool) -> Proof:
    """Hold a record against the order.

    Args:
        blueprint: the environment.
        record: its writes, in any order.
        exact: times have fractions of a second. Otherwise two writes in the same second count as
            in order, as AWS records no finer.
    """
    first, marked, gated = _times(blueprint, record)
    violations: list[str] = []

    def before(earlier: float, later: float) -> bool:
        return earlier < later if exact else int(earlier) <= int(later)

    proved = edges = 0
    for module in blueprint.sequence.modules:
        for edge in module.depends_on:
            if not edge.required:
                continue
            edges += 1
            if edge.depends_on not in marked:
                violations.append(f"no write of the marker of {edge.depends_on} is recorded")
            elif module.id not in first:
                violations.append(f"no write of {module.id} is recorded")
            elif not before(marked[edge.depends_on], first[module.id]):
                ahead = marked[edge.depends_on] - first[module.id]
                violations.append(
                    f"{module.id} was first written {ahead:.3f} s before the marker of "
                    f"{edge.depends_on}, which it needs: {edge.reason}"
                )
            else:
                proved += 1
    gates = 0
    for index, phase in enumerate(blueprint.sequence.phases):
        wrong = []
        gate = gated.get(phase.id)
        if gate is None:
            wrong.append(f"no write of the gate of phase {phase.id} is recorded")
        else:
            wrong += [
                f"the gate of phase {phase.id} was written before the marker of {module_id}"
                for module_id in phase.modules
                if module_id in marked and not before(marked[module_id], gate)
            ]
            following = blueprint.sequence.phases[index + 1 : index + 2]
            wrong += [
                f"{module_id} of phase {later.id} was written before the gate of phase {phase.id}"
                for later in following
                for module_id in later.modules
                if module_id in first and not before(gate, first[module_id])
            ]
        gates += not wrong
        violations += wrong
    return Proof(
        blueprint.scope.env,
        proved,
        edges,
        gates,
        len(blueprint.sequence.phases),
        tuple(dict.fromkeys(violations)),
    )


def _times(
    blueprint: Blueprint, record: Iterable[Write]
) -> tuple[dict[str, float], dict[str, float], dict[int, float]]:
    """First write of each module, of each marker and of each gate.

    What belongs to a phase (secret containers, pools, AppConfig) is no module's write.
    """
    step_of = _owners(blueprint)
    markers = {blueprint.marker(m).properties["name"]: m for m in blueprint.sequence.module}
    gates = {blueprint.gate(p.id).properties["name"]: p.id for p in blueprint.sequence.phases}
    first: dict[str, float] = {}
    marked: dict[str, float] = {}
    gated: dict[int, float] = {}
    for write in record:
        for text in write.texts:
            if text in step_of:
                step = step_of[text]
                first[step] = min(first.get(step, write.time), write.time)
            if write.action == "PutParameter" and text in markers:
                module_id = markers[text]
                marked[module_id] = min(marked.get(module_id, write.time), write.time)
            if write.action == "PutParameter" and text in gates:
                phase = gates[text]
                gated[phase] = min(gated.get(phase, write.time), write.time)
    return first, marked, gated


def _owners(blueprint: Blueprint) -> dict[str, str]:
    """Physical name -> the module that it belongs to.

    A name that several steps use, such as that of an inline policy, identifies none of them.
    """
    users: dict[str, set[str]] = {}
    for step, resources in blueprint.steps.items():
        for resource in resources:
            for key in _NAME_PROPERTIES:
                name = resource.properties.get(key)
                if isinstance(name, str):
                    users.setdefault(name, set()).add(step)
    modules = blueprint.sequence.module
    return {
        name: step
        for name, steps in users.items()
        if len(steps) == 1
        for step in steps
        if step in modules
    }
