"""A backend of its own for the time of a rebuild: what goes wrong there leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.store import FolderStore
from totara_infra.local.project import project_root, state_directory
from totara_infra.local.pulumi_command import engine_command, engine_environment
from totara_infra.local.stack_state import PRIVATE_UMASK
from totara_infra.model.stack import PROJECT

_LAST_LINES = 30


@dataclass(frozen=True)
class Preview:
    """What the engine plans.

    Attributes:
        resources: as the state would hold them, in an order in which each follows what it needs.
            Values that AWS makes are unknown, secret ones hidden.
        operations: kind of operation -> names of the resources of ours.
        outputs: URN of a component -> its outputs.
    """

    resources: list[dict[str, Any]]
    operations: Mapping[str, list[str]]
    outputs: Mapping[str, Mapping[str, Any]]

    @property
    def counts(self) -> Counter[str]:
        """Kind of operation -> number."""
        return Counter({kind: len(names) for kind, names in self.operations.items()})


class Scratch:
    """The engine on a stack whose state lies in a folder that goes away."""

    def __init__(self, stack: str, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        # The engine writes into a stack's file when it likes to: it gets a copy.
        self._file = folder / f"Pulumi.{stack}.yaml"
        shutil.copy2(project_root() / f"Pulumi.{stack}.yaml", self._file)
        self.store = FolderStore(f"file://{folder / 'backend'}")
        empty = {"stack": f"organization/{PROJECT}/{stack}", "latest": None}
        content = json.dumps({"version": 3, "checkpoint": empty})
        self.store.replace(stack, content.encode())

    def preview(self) -> Preview:
        """Let the engine plan the program on what this state holds. No hook runs."""
        events = self._folder / "events.jsonl"
        events.unlink(missing_ok=True)
        out = self._run("preview", "--json", "--event-log", str(events), *self._settings)
        steps = json.loads(out)["steps"]
        operations: dict[str, list[str]] = {}
        for step in steps:
            kind, name = step["urn"].split("::", 3)[2:]
            if not kind.startswith("pulumi:pulumi:"):
                operations.setdefault(step["op"], []).append(name)
        resources = [step["newState"] for step in steps if step.get("newState")]
        return Preview(resources, operations, dict(_component_outputs(events)))

    def load(self, deployment: Mapping[str, Any]) -> None:
        """Make a deployment the stack's state; the engine checks that it holds together."""
        file = self._folder / "deployment.json"
        file.write_text(json.dumps(deployment), encoding="utf-8")
        self._run("stack", "import", "--file", str(file))

    def refresh(self) -> None:
        """Let the AWS plugin read every resource of the state."""
        self._run("refresh", "--yes", "--skip-preview", "--suppress-outputs", *self._settings)

    def deployment(self) -> dict[str, Any]:
        """The state, with secret values in the clear: it only passes through this folder."""
        found: dict[str, Any] = json.loads(self._run("stack", "export", "--show-secrets"))
        return found

    def state(self) -> bytes:
        """The state as the backend holds it."""
        return self.store.get(str(self.store.state_key(self._stack))) or b""

    @property
    def _settings(self) -> list[str]:
        return ["--config-file", str(self._file)]

    def _run(self, *arguments: str) -> str:
        environment = engine_environment(self._stack) | {
            "PULUMI_BACKEND_URL": self.store.url,
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        }
        if "PULUMI_CONFIG_PASSPHRASE_FILE" not in environment:
            # Without any, the engine would ask. It guards nothing but this folder.
            environment.setdefault("PULUMI_CONFIG_PASSPHRASE", "")
        done = subprocess.run(
            [*engine_command(), *arguments, "--stack", self._stack, "--non-interactive"],
            cwd=project_root(),
            env=environment,
            umask=PRIVATE_UMASK,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            told = [*_messages(done.stdout), *done.stderr.splitlines()]
            raise StateError(
                f"The engine's `{arguments[0]}` failed while the state was rebuilt; nothing was "
                "changed:\n  " + "\n  ".join(line for line in told[-_LAST_LINES:] if line.strip())
            )
        return done.stdout


@contextmanager
def scratch(stack: str) -> Iterator[Scratch]:
    """A scratch backend for a stack; it is removed with the block, however that ends.

    Args:
        stack: the engine's name of it; its file must exist.
    """
    folder = state_directory() / "rebuild" / stack
    # What a rebuild left behind that was killed; whoever works on a stack has it for himself.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Of its own each time: the engine of one that was killed may still be writing.
        yield Scratch(stack, Path(tempfile.mkdtemp(dir=folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()


def _messages(out: str) -> list[str]:
    """What the engine said: as JSON where that was asked for."""
    try:
        found = json.loads(out).get("diagnostics") or []
    except ValueError:
        return out.splitlines()
    return [line for d in found for line in str(d.get("message", "")).splitlines()]


def _component_outputs(events: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for line in events.read_text(encoding="utf-8").splitlines():
        step = json.loads(line).get("resOutputsEvent", {}).get("metadata") or {}
        state = step.get("new") or {}
        if state and not state.get("custom") and state.get("outputs"):
            yield step["urn"], state["outputs"]
