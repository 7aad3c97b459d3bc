"""Asks GitHub, through its own command `gh`, and holds a repository against what AWS trusts it for.

The trust policies let in the jobs of a workflow at a protected reference. Whether the reference is
protected, and whether an environment takes jobs of others, is GitHub's to say.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from totara_infra.blueprint.pipeline_trust import BRANCHES, MAIN, Jobs, named
from totara_infra.model.problems import TotaraError
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.checks import Result, failed, passed

_SECONDS = 20
_TAG_RULES = {"creation", "update", "deletion"}
_BRANCH_RULES = {"pull_request", "non_fast_forward", "deletion"}
_EVERY_TAG = {"~ALL", "refs/tags/*", "refs/tags/**/*", "refs/tags/v*"}
_MAY_BYPASS = {2, 5}
"""GitHub's ids of the repository roles maintain and admin."""


class GitHubNotAskedError(TotaraError):
    """GitHub can't be asked, or does not answer."""

    exit_code = 1


def asked(path: str) -> Any:
    """GitHub's answer to a GET of its REST API; None where there is no such thing.

    Args:
        path: below the API's root, with or without a query.

    Raises:
        GitHubNotAskedError: `gh` is missing or not signed in, or GitHub does not answer.
    """
    command = shutil.which("gh")
    if command is None:
        raise GitHubNotAskedError(
            "GitHub can't be asked: its command `gh` is not on PATH. Install it and sign in with "
            "`gh auth login`."
        )
    joint = "&" if "?" in path else "?"
    try:
        done = subprocess.run(
            [command, "api", f"{path}{joint}per_page=100"],
            capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise GitHubNotAskedError(f"GitHub has not answered for {_SECONDS} s.") from None
    if done.returncode == 0:
        return json.loads(done.stdout)
    if "HTTP 404" in done.stderr:
        return None
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    raise GitHubNotAskedError(f"GitHub can't be asked: {said[-1]}")


def open_to_any_branch(repository: str, environment: str) -> bool | None:
    """Whether jobs of every branch may use a GitHub environment; None where there is none."""
    found = asked(f"repos/{repository}/environments/{environment}")
    return None if found is None else not found.get("deployment_branch_policy")


def protections(repository: str, trusted: Sequence[Jobs]) -> list[Result]:
    """Check that GitHub protects what the trust policies of an environment rely on.

    Args:
        repository: `owner/name`, or `owner@id/name@id`, as the trust policies have it.
        trusted: the jobs that its roles let in.

    Raises:
        GitHubNotAskedError: GitHub can't be asked.
    """
    place = f"repos/{named(repository)}"
    results = [_subject(place, repository)]
    for jobs in trusted:
        for name in jobs.environments:
            results += _environment(place, name, jobs, reviewed=name == Environment.PROD.value)
    references = {jobs.ref for jobs in trusted}
    if MAIN in references:
        results.append(_branch(place))
    results += [_tags(place, ref) for ref in sorted(references - {MAIN})]
    return results


def _subject(place: str, repository: str) -> Result:
    """The subject has the form that the trust policies name."""
    check, subject = "token subject", repository
    found: Mapping[str, Any] = asked(f"{place}/actions/oidc/customization/sub") or {}
    if not found.get("use_default", True):
        keys = ", ".join(found.get("include_claim_keys", []))
        fix = "Set the repository's OIDC subject back to GitHub's default."
        return failed(check, subject, "GitHub's default subject", f"one of {keys}", fix)
    prefix, wanted = found.get("sub_claim_prefix"), f"repo:{repository}"
    if prefix is not None and prefix.lower() != wanted.lower():
        name = str(prefix).removeprefix("repo:")
        fix = f"Run `totara pipeline bootstrap` and this with --repository {name}."
        return failed(check, subject, wanted, str(prefix), fix)
    return passed(check, subject)


def _environment(place: str, name: str, jobs: Jobs, *, reviewed: bool) -> Iterator[Result]:
    """The environment takes jobs of the trusted reference only."""
    check = "environment"
    found = asked(f"{place}/environments/{name}")
    kind, _, pattern = jobs.ref.removeprefix("refs/").partition("/")
    wanted = {("tag" if kind == "tags" else "branch", pattern)}
    expected = " and ".join(f"the {k} rule {p}" for k, p in wanted)
    fix = f"In the environment's deployment branches and tags, keep only {expected}."
    if found is None:
        yield failed(check, name, "the environment", "none", f"Make it. {fix}")
        return
    policy = found.get("deployment_branch_policy") or {}
    rules: set[tuple[str, str]] = set()
    if policy.get("custom_branch_policies"):
        listed = asked(f"{place}/environments/{name}/deployment-branch-policies") or {}
        rules = {(r.get("type", "branch"), r["name"]) for r in listed.get("branch_policies", [])}
    if rules == wanted:
        yield passed(check, name)
    else:
        said = ", ".join(f"{k} {p}" for k, p in sorted(rules)) or "no rule, so every branch"
        yield failed(check, name, expected, said, fix)
    if reviewed:
        yield _reviewers(name, found)


def _reviewers(name: str, environment: Mapping[str, Any]) -> Result:
    rules = [
        r for r in environment.get("protection_rules", []) if r["type"] == "required_reviewers"
    ]
    if any(r.get("reviewers") and r.get("prevent_self_review") for r in rules):
        return passed("reviewers", name)
    said = "reviewers who may approve their own" if rules else "none"
    fix = "Add required reviewers to the environment, and prevent self-review."
    return failed("reviewers", name, "reviewers other than the author", said, fix)


def _branch(place: str) -> Result:
    """Nothing gets into main without somebody else's review."""
    branch = MAIN.removeprefix(BRANCHES)
    rules = asked(f"{place}/rules/branches/{branch}") or []
    kinds = {
        r["type"]
        for r in rules
        if r["type"] != "pull_request"
        or (r.get("parameters") or {}).get("required_approving_review_count", 0) > 0
    }
    missing = sorted(_BRANCH_RULES - kinds)
    if not missing:
        return passed("branch", branch)
    fix = "Add them in a branch ruleset of the repository; `pull_request` with one approval."
    return failed("branch", branch, "its rules", f"none of {', '.join(missing)}", fix)


def _tags(place: str, ref: str) -> Result:
    """Only maintainers make, move and delete tags of releases."""
    subject = ref.removeprefix("refs/tags/")
    faults = []
    for listed in asked(f"{place}/rulesets?targets=tag&includes_parents=true") or []:
        ruleset = asked(f"{place}/rulesets/{listed['id']}") or {}
        if ruleset.get("target") != "tag" or ruleset.get("enforcement") != "active":
            continue
        names = (ruleset.get("conditions") or {}).get("ref_name") or {}
        if not {*names.get("include", [])} & {*_EVERY_TAG, ref} or names.get("exclude"):
            continue
        lacks = sorted(_TAG_RULES - {rule["type"] for rule in ruleset.get("rules", [])})
        passing = [a for a in ruleset.get("bypass_actors") or [] if not _maintains(a)]
        if not lacks and not passing:
            return passed("tags", subject)
        told = [f"no rule {kind}" for kind in lacks]
        told += [f"a way around it for {a['actor_type']} {a.get('actor_id')}" for a in passing]
        faults.append(f"{ruleset.get('name', listed['id'])}: {', '.join(told)}")
    fix = (
        f"Restrict creations, updates and deletions of `{ref}` in an active tag ruleset; let only "
        "a team, an app, or the roles maintain and admin bypass it."
    )
    return failed("tags", subject, "a ruleset", "; ".join(faults) or "none", fix)


def _maintains(actor: Mapping[str, Any]) -> bool:
    match actor.get("actor_type"):
        case "RepositoryRole":
            return actor.get("actor_id") in _MAY_BYPASS
        case "DeployKey":
            return False
        case _:
            return True
