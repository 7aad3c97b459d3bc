"""Proofs that ask GitHub, through its own command `gh` and whoever is signed in there."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

from totara_infra.delivery.runbooks import Finding
from totara_infra.provisioning.proofs.asking import Asking, NotAskedError, listed

ROLE_VARIABLE = "DEPLOY_ROLE"
NEON_SECRET = "BANK_NEON_API_KEY"
NEON_MODULE = "MOD-103"
"""Whose pipeline makes project, branches and databases."""
_SECONDS = 20


def repositories(asking: Asking) -> Finding:
    """Each domain's repository has the GitHub environment with the role to deploy under."""
    organisation, env = asking.playbook.github_organisation, asking.situation.environment.value
    missing = []
    for domain in asking.catalogue.domains:
        place = f"repos/{organisation}/{domain.repository}/environments/{env}"
        answer = _asked(f"{place}/variables")
        names = [v["name"] for v in answer["variables"]] if answer else []
        if answer is None:
            missing.append(f"{domain.repository}: no environment {env}")
        elif ROLE_VARIABLE not in names:
            missing.append(f"{domain.repository}: no variable {ROLE_VARIABLE}")
    if missing:
        return Finding(False, f"{listed(missing, 8)}.")
    return Finding(True, f"{len(asking.catalogue.domains)} repositories have {env}.")


def neon_api_key(asking: Asking) -> Finding:
    """The repository whose pipeline makes the databases has Neon's API key."""
    repository = asking.catalogue.domain_of[NEON_MODULE].repository
    place = f"{asking.playbook.github_organisation}/{repository}"
    answer = _asked(f"repos/{place}/actions/secrets")
    if answer is None:
        return Finding(False, f"GitHub shows no repository {place}.")
    if NEON_SECRET not in [s["name"] for s in answer["secrets"]]:
        return Finding(False, f"{place} has no secret {NEON_SECRET}.")
    return Finding(True, f"{place} has the secret {NEON_SECRET}.")


def _asked(path: str) -> dict[str, Any] | None:
    """GitHub's answer; None where there is no such thing."""
    command = shutil.which("gh")
    if command is None:
        raise NotAskedError(
            "GitHub can't be asked: its command `gh` is not on PATH. Install it and sign in with "
            "`gh auth login`."
        )
    try:
        done = subprocess.run(
            [command, "api", f"{path}?per_page=100"],
            capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotAskedError(f"GitHub has not answered for {_SECONDS} s.") from None
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    if "HTTP 404" in done.stderr:
        return None
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    raise NotAskedError(f"GitHub can't be asked: {said[-1]}")
