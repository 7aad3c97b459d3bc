"""A working folder of its own, and a backend in it that a test fills as an engine would have."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from totara_infra.local.project import STATE_DIRECTORY_VARIABLE

URN = "urn:pulumi:{stack}::totara-infra::totara:platform:Platform$aws:{kind}::{name}"


@dataclass(frozen=True)
class Backend:
    """The folder of a `file://` backend."""

    folder: Path

    @property
    def bookkeeping(self) -> Path:
        return self.folder / ".pulumi"

    def state(self, stack: str = "local") -> Path:
        return self.bookkeeping / "stacks" / "totara-infra" / f"{stack}.json"

    def write(self, pending: list[tuple[str, str, str]] = (), stack: str = "local") -> Path:
        """A state of one resource, with operations that nobody finished."""

        def resource(kind: str, name: str) -> dict[str, Any]:
            urn = URN.format(stack=stack, kind=kind, name=name)
            return {"urn": urn, "custom": True, "type": f"aws:{kind}", "id": name}

        latest = {
            "resources": [resource("ssm/parameter:Parameter", "window")],
            "pending_operations": [
                {"type": operation, "resource": resource(kind, name)}
                for operation, kind, name in pending
            ],
        }
        content = {"version": 3, "checkpoint": {"stack": stack, "latest": latest}}
        self.state(stack).parent.mkdir(parents=True, exist_ok=True)
        self.state(stack).write_text(json.dumps(content))
        return self.state(stack)

    def lock(self, pid: int, stack: str = "local", **changes: object) -> Path:
        folder = self.bookkeeping / "locks" / "organization" / "totara-infra" / stack
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "pid": pid,
            "username": "deploy",
            "hostname": socket.gethostname(),
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "123Z"),
            **changes,
        }
        path = folder / f"{len(list(folder.iterdir()))}.json"
        path.write_text(json.dumps(content))
        return path


@pytest.fixture
def backend(tmp_path, monkeypatch) -> Backend:
    """The backend of an empty working folder, instead of the developer's own."""
    for name in list(os.environ):
        if name.startswith(("PULUMI_", "TOTARA_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv(STATE_DIRECTORY_VARIABLE, str(tmp_path / "totara"))
    return Backend(tmp_path / "totara" / "state")
