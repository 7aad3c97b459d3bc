"""Claims of tokens as GitHub documents them, for the jobs of this project's own workflows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = "totara-bank/totara-infra"
TAGS = {"uat": "refs/tags/v1.2.3-rc.1", "prod": "refs/tags/v1.2.3"}


def claims(environment: str, workflow: str, ref: str, **changed: str) -> dict[str, str]:
    """What a job of an environment has in its token (OpenID Connect reference of GitHub)."""
    return {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{REPOSITORY}:environment:{environment}",
        "repository": REPOSITORY,
        "repository_id": "74",
        "environment": environment,
        "actor": "someone",
        "workflow": workflow,
        "ref": ref,
        "job_workflow_ref": f"{REPOSITORY}/.github/workflows/{workflow}@{ref}",
    } | changed


def jobs_with_tokens(root: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Every job of the workflows that asks for a token: stack's environment, and its claims."""
    for file in sorted((root / ".github" / "workflows").glob("*.yaml")):
        workflow: dict[Any, Any] = yaml.safe_load(file.read_text())
        # YAML 1.1 reads the key `on` as true.
        events = workflow[True]
        for job in workflow["jobs"].values():
            if "id-token" not in job.get("permissions", {}) or "uses" in job:
                continue
            name = job["environment"]
            for env in ("dev", "uat", "prod"):
                if "workflow_call" in events and env == "dev":
                    continue
                if "${{" not in name and not name.startswith(env):
                    continue
                filled = name.replace("${{ inputs.environment }}", env)
                filled = filled.replace("${{ matrix.environment }}", env)
                ref = TAGS[env] if "workflow_call" in events else "refs/heads/main"
                yield env, claims(filled, file.name, ref)
