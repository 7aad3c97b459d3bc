"""Proofs that ask GitHub, through its own command `gh` and whoever is signed in there."""

from __future__ import annotations

from totara_infra.delivery.github import asked, open_to_any_branch
from totara_infra.delivery.runbooks import Finding
from totara_infra.provisioning.proofs.asking import Asking, listed

ROLE_VARIABLE = "DEPLOY_ROLE"
NEON_SECRET = "BANK_NEON_API_KEY"
NEON_MODULE = "MOD-103"
"""Whose pipeline makes project, branches and databases."""


def repositories(asking: Asking) -> Finding:
    """Each domain's repository has the GitHub environment with the role to deploy under.

    An environment that sets no branch or tag rule gives the role to every branch.
    """
    organisation, env = asking.playbook.github_organisation, asking.situation.environment.value
    missing = []
    for domain in asking.catalogue.domains:
        place = f"repos/{organisation}/{domain.repository}/environments/{env}"
        answer = asked(f"{place}/variables")
        names = [v["name"] for v in answer["variables"]] if answer else []
        if answer is None:
            missing.append(f"{domain.repository}: no environment {env}")
        elif ROLE_VARIABLE not in names:
            missing.append(f"{domain.repository}: no variable {ROLE_VARIABLE}")
        if answer is not None and open_to_any_branch(f"{organisation}/{domain.repository}", env):
            missing.append(f"{domain.repository}: {env} is open to every branch")
    if missing:
        return Finding(False, f"{listed(missing, 8)}.")
    return Finding(True, f"{len(asking.catalogue.domains)} repositories have {env}.")


def neon_api_key(asking: Asking) -> Finding:
    """The repository whose pipeline makes the databases has Neon's API key."""
    repository = asking.catalogue.domain_of[NEON_MODULE].repository
    place = f"{asking.playbook.github_organisation}/{repository}"
    answer = asked(f"repos/{place}/actions/secrets")
    if answer is None:
        return Finding(False, f"GitHub shows no repository {place}.")
    if NEON_SECRET not in [s["name"] for s in answer["secrets"]]:
        return Finding(False, f"{place} has no secret {NEON_SECRET}.")
    return Finding(True, f"{place} has the secret {NEON_SECRET}.")
