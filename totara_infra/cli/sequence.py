"""`totara sequence`: the order, its reasons, and its proof."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument, load
from totara_infra.cli.default_command import ShowByDefault
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.resolver import Sequence
    from totara_infra.resolver.explain import Neighbour


class SequenceFormat(StrEnum):
    """Form of the sequence."""

    TABLE = "table"
    JSON = "json"
    MERMAID = "mermaid"
    DOT = "dot"


app = typer.Typer(
    cls=ShowByDefault,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The order in which modules go up, why, and the proof that they did.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("show")
def show(
    environment: EnvironmentArgument,
    form: Annotated[
        SequenceFormat, typer.Option("--format", help="table, json, mermaid or dot.")
    ] = SequenceFormat.TABLE,
    why: Annotated[
        str | None, typer.Option(metavar="MOD-NNN", help="Chains of reasons from the root to it.")
    ] = None,
    needs: Annotated[str | None, typer.Option(metavar="MOD-NNN", help="What it needs.")] = None,
    needed_by: Annotated[str | None, typer.Option(metavar="MOD-NNN", help="What needs it.")] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Edges to follow, with --needs and --needed-by.")
    ] = None,
    destroy: Annotated[bool, typer.Option(help="The reverse: the order of removal.")] = False,
) -> None:
    """Show the order of an environment (the default command: `totara sequence ENV`)."""
    from totara_infra.model.problems import UsageError
    from totara_infra.resolver import explain, rendering

    asked = [o for o in (why, needs, needed_by) if o is not None]
    if len(asked) + destroy > 1:
        raise UsageError("Give one of --why, --needs, --needed-by and --destroy.")
    if asked and form not in (SequenceFormat.TABLE, SequenceFormat.JSON):
        raise UsageError("--why, --needs and --needed-by print a table or JSON.")
    sequence = load(environment).sequence()
    if why is not None:
        _print_chains(sequence, why, form)
    elif needs is not None:
        _print_neighbours(explain.needs(sequence, needs, depth), form)
    elif needed_by is not None:
        _print_neighbours(explain.needed_by(sequence, needed_by, depth), form)
    elif form is SequenceFormat.MERMAID:
        typer.echo(rendering.as_mermaid(sequence))
    elif form is SequenceFormat.DOT:
        typer.echo(rendering.as_dot(sequence))
    elif form is SequenceFormat.JSON:
        render = rendering.as_destroy_data if destroy else rendering.as_data
        print_json(render(sequence))
    else:
        _print_sequence(sequence, destroy)


def _print_sequence(sequence: Sequence, destroy: bool) -> None:
    rows = []
    phases = reversed(sequence.phases) if destroy else iter(sequence.phases)
    for phase in phases:
        waves = list(enumerate(phase.waves, start=1))
        for number, wave in reversed(waves) if destroy else waves:
            for module_id in wave:
                module = sequence.module[module_id]
                waits = ", ".join(w for w in module.waits_for if not w.startswith("app-config:"))
                pulled = f"pulled by {', '.join(module.pulled_by)}" if module.pulled_by else ""
                rows.append(
                    (f"{phase.id} {phase.title}", number, module_id, module.title, waits, pulled)
                )
    title = (
        f"{sequence.environment}: {len(sequence.modules)} modules in {len(sequence.phases)} phases"
    )
    print_table(("phase", "wave", "module", "title", "waits for", "note"), rows, title)


def _print_chains(sequence: Sequence, module_id: str, form: SequenceFormat) -> None:
    from totara_infra.resolver import explain

    chains, more = explain.chains(sequence, module_id)
    if form is SequenceFormat.JSON:
        print_json(
            {
                "module": module_id,
                "complete": not more,
                "chains": [
                    [
                        {
                            "id": e.module,
                            "depends_on": e.depends_on,
                            "required": e.required,
                            "provenance": e.provenance.value,
                            "reason": e.reason,
                        }
                        for e in chain
                    ]
                    for chain in chains
                ],
            }
        )
        return
    placed = sequence.module[module_id]
    phase = next(p for p in sequence.phases if p.id == placed.phase)
    typer.echo(
        f"{module_id} {placed.title}: phase {phase.id} ({phase.title}), wave {placed.wave}.\n"
        f"The phase: {phase.why}"
    )
    if placed.pulled_by:
        typer.echo(f"Pulled forward by {', '.join(placed.pulled_by)}.")
    if not chains:
        typer.echo("It needs no other module.")
    for chain in chains:
        typer.echo("")
        typer.echo(chain[0].depends_on)
        for edge in chain:
            kind = "" if edge.required else ", optional"
            typer.echo(f"  -> {edge.module} ({edge.provenance}{kind}): {edge.reason}")
    if more:
        typer.echo("\nThere are more chains; `--needs` lists everything that it needs.")


def _print_neighbours(neighbours: list[Neighbour], form: SequenceFormat) -> None:
    if form is SequenceFormat.JSON:
        print_json(
            [
                {
                    "id": n.id,
                    "distance": n.distance,
                    "edge": {"module": n.edge.module, "depends_on": n.edge.depends_on},
                    "required": n.edge.required,
                    "provenance": n.edge.provenance.value,
                    "reason": n.edge.reason,
                }
                for n in neighbours
            ]
        )
        return
    print_table(
        ("distance", "module", "edge", "kind", "provenance", "reason"),
        [
            (
                n.distance,
                n.id,
                f"{n.edge.module} needs {n.edge.depends_on}",
                "hard" if n.edge.required else "optional",
                n.edge.provenance,
                n.edge.reason,
            )
            for n in neighbours
        ],
        f"{len(neighbours)} modules",
    )


@app.command("verify")
def verify(
    environment: EnvironmentArgument,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="The rehearsal of that environment.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Prove from CloudTrail that the environment went up in this order.

    For every hard edge the dependency's marker was first written before the dependent's first
    write, and every gate lies between its modules and those of the next phase. Exit 1 if not.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.sequence_proof import prove

    blueprint, live = live_context(environment, rehearse)
    proof = prove(live, blueprint)
    if form is Format.JSON:
        print_json(proof.as_data())
    else:
        for violation in proof.violations:
            typer.echo(f"violated: {violation}")
        typer.echo(proof.summary())
    if proof.violations:
        raise typer.Exit(1)
