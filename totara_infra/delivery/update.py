"""Running the engine for a stack: preview, update, and what must never slip through."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.progress import Report, Tracker
from totara_infra.local.interruption import passed_on
from totara_infra.local.project import policy_pack, project_root, state_directory
from totara_infra.local.pulumi_command import engine_command, engine_environment
from totara_infra.local.stack_state import PRIVATE_UMASK
from totara_infra.model.problems import TotaraError
from totara_infra.model.vocabulary import KEPT_TYPES, Environment

_POLL_SECONDS = 0.1


class DeletionRefusedError(TotaraError):
    """A plan would delete something that keeps what can't be made again."""

    exit_code = 1


def run_folder(stack: str) -> Path:
    """Where the engine's output of a stack's runs is kept."""
    return state_directory() / "runs" / stack


def run_engine(
    command: str,
    stack: str,
    blueprint: Blueprint,
    arguments: Sequence[str] = (),
    *,
    policies: bool = True,
) -> Report:
    """Run `pulumi preview` or `up` and follow its events.

    Args:
        command: the engine's command.
        stack: name of the stack, which exists.
        blueprint: of the stack, to tell modules and phases apart.
        arguments: further arguments of the engine.
        policies: hold what it makes to the conventions.

    Returns:
        What happened. The engine's own output is in `.totara/runs/<stack>/<command>.log`.
    """
    folder = run_folder(stack)
    folder.mkdir(parents=True, exist_ok=True)
    tracker = Tracker(blueprint, previewing=command == "preview")
    with tempfile.TemporaryDirectory(prefix="totara-") as temporary:
        events = Path(temporary) / "events.jsonl"
        events.touch()
        line = [
            *engine_command(), command, "--stack", stack, "--non-interactive",
            "--color", "never", "--event-log", str(events), *arguments,
            *(["--policy-pack", str(policy_pack())] if policies else []),
        ]  # fmt: skip
        # `--event-log` is how Pulumi's own Automation API follows a run; this shows the option.
        environment = engine_environment(stack) | {"PULUMI_DEBUG_COMMANDS": "true"}
        log = folder / f"{command}.log"
        with log.open("wb") as output, passed_on() as child:
            process = child.start(
                line,
                cwd=project_root(),
                env=environment,
                umask=PRIVATE_UMASK,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
            for event in _follow(events, process):
                tracker.take(event)
    report = tracker.close(succeeded=process.returncode == 0)
    report.interrupted = child.interrupted
    if not report.succeeded:
        report.complete(log.read_text(encoding="utf-8", errors="replace"), log)
    return report


def _follow(path: Path, process: subprocess.Popen[bytes]) -> Iterator[dict[str, object]]:
    """Events as they are written, until the engine has ended and all is read."""
    rest = ""
    with path.open(encoding="utf-8") as stream:
        while True:
            ended = process.poll() is not None
            chunk = stream.read()
            *lines, rest = (rest + chunk).split("\n")
            yield from (event for line in lines if (event := _event(line)) is not None)
            if ended:
                return
            if not chunk:
                time.sleep(_POLL_SECONDS)


def _event(line: str) -> dict[str, object] | None:
    """An event, or None for a line that a full disk has cut off."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def refuse_deletions(
    blueprint: Blueprint, report: Report, allowed: Sequence[str], reason: str = ""
) -> None:
    """Refuse a plan that deletes or replaces a secret, pool, bucket or key in uat or prod.

    Args:
        blueprint: of the stack.
        report: of the preview. One that failed at a protected resource counts as well.
        allowed: names of what may go.
        reason: the option with the reason for the update, as it has to be given again.

    Raises:
        DeletionRefusedError: names each, and the commands with which it may go.
    """
    if blueprint.scope.settings.environment not in (Environment.UAT, Environment.PROD):
        return
    settings = blueprint.scope.settings
    going = sorted({d for d in report.deletions if d.type in KEPT_TYPES}, key=lambda d: d.name)
    locked = [d.urn for d in going if d.protected]
    if not locked and all(d.name in allowed for d in going):
        return
    lines = "\n".join(
        f"  - {KEPT_TYPES[d.type]} {d.name}{', protected' if d.protected else ''}" for d in going
    )
    lift = [f"    .venv/bin/pulumi state unprotect '{urn}' -s {settings.stack}" for urn in locked]
    flags = " ".join(f"--allow-delete {d.name}" for d in going)
    again = f"    .venv/bin/totara up {settings.command_words} {flags}"
    raise DeletionRefusedError(
        f"Refused: in {blueprint.scope.env} this plan would delete\n{lines}\n"
        "What they hold can't be made again. Nothing was changed. If a file is at fault, mend it. "
        "If the deletion is meant, as on the way back over a release that added them, run\n"
        + "\n".join([*lift, f"{again}{reason}"])
    )
