"""What may be released: the digest of a plan, four eyes, change freezes, and the release before."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.resource import plain
from totara_infra.delivery.revision import checked_out
from totara_infra.local.project import project_root
from totara_infra.model.evidence import digest_of
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.model.release import Approval, Calendar
from totara_infra.model.vocabulary import Environment

_TAG = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-rc\.([1-9]\d*))?")


class UncommittedError(TotaraError):
    """The files are not those of a commit, so nobody could approve them."""

    exit_code = 1


def plan_digest(blueprint: Blueprint) -> str:
    """Digest over what would be released: the commit, and every resource with its properties.

    The commit stands for the program and for the locked versions that it runs with.

    Raises:
        UncommittedError: files differ from the commit, or there is none.
    """
    revision = checked_out()
    if revision.commit is None or not revision.clean:
        raise UncommittedError(
            "Files differ from what is committed, so the digest would stand for nothing that "
            "somebody else can look at. Commit or remove the changes (`git status` lists them)."
        )
    resources = [
        {
            "type": r.type,
            "name": r.name,
            "properties": plain(r.properties),
            "protect": r.protect,
            "retain": r.retain,
        }
        for r in sorted(blueprint.resources.values(), key=lambda r: r.name)
    ]
    stack = blueprint.scope.settings.stack
    return digest_of({"stack": stack, "commit": revision.commit, "resources": resources})


def refusals(
    environment: Environment,
    calendar: Calendar,
    now: datetime,
    tag: str,
    digest: str,
    approved_digest: str,
    author: str,
    approvals: Sequence[Approval],
) -> Iterator[str]:
    """Every reason why a release must not go; none, and it may.

    Args:
        environment: to which it goes.
        calendar: of the freezes.
        now: with its time zone.
        tag: of the release.
        digest: of the plan as it is here.
        approved_digest: that the approver was shown.
        author: login of who started the release.
        approvals: reviews of the run. In prod, one must be somebody else's.
    """
    if digest != approved_digest:
        yield (
            f"The plan is not the approved one: it has the digest {digest}, approved was "
            f"{approved_digest}. Start the release again, so that what is there now is approved."
        )
    day = now.astimezone(ZoneInfo(calendar.time_zone)).date()
    for freeze in calendar.frozen(environment, day, tag):
        yield (
            f"Change freeze `{freeze.name}` holds in {environment} from {freeze.first} to "
            f"{freeze.last}: {freeze.why} Wait until it ends, or have the tag {tag} listed under "
            "its `except_for` in release-calendar.yaml by a reviewed change."
        )
    if environment is not Environment.PROD:
        return
    here = [a for a in approvals if any(p.name == environment for p in a.environments)]
    if any(a.state == "rejected" for a in here):
        yield "A reviewer has rejected it."
    if not any(a.state == "approved" and a.user.login.lower() != author.lower() for a in here):
        yield (
            f"Nobody but {author}, who started it, has approved it for {environment}. Have "
            "somebody else review the run: four eyes see every release to prod."
        )


def version_of(tag: str) -> tuple[int, int, int, int | None]:
    """The numbers in a release's tag; the last one is a candidate's.

    Raises:
        UsageError: the tag is none of a release.
    """
    found = _TAG.fullmatch(tag)
    if found is None:
        raise UsageError(f"`{tag}` is no tag of a release. Write v1.2.3, or v1.2.3-rc.1.")
    major, minor, patch, candidate = found.groups()
    return int(major), int(minor), int(patch), int(candidate) if candidate else None


def previous_release(tag: str) -> str:
    """The tag of the release before: of the last candidate for a candidate, else the last release.

    Raises:
        UsageError: the tag is none of a release, or there is none before it.
    """
    found = release_before(tag)
    if found is None:
        raise UsageError(
            f"There is no release before {tag} among the tags of this checkout. Fetch all tags "
            "(`git fetch --tags`); if it was the first one, there is nothing to go back to."
        )
    return found


def release_before(tag: str) -> str | None:
    """The same, and None where it is the first one.

    Raises:
        UsageError: the tag is none of a release.
    """
    this = version_of(tag)
    candidates = this[3] is not None
    listed = subprocess.run(
        ["git", "-C", str(project_root()), "tag", "--list", "v*"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    versions = {version_of(t): t for t in listed if _TAG.fullmatch(t)}
    earlier = [
        version
        for version in versions
        if (version[3] is not None) is candidates and _key(version) < _key(this)
    ]
    return versions[max(earlier, key=_key)] if earlier else None


def commit_of(tag: str) -> str:
    """The commit that a tag of this checkout stands for.

    Raises:
        UsageError: there is no such tag.
    """
    found = subprocess.run(
        ["git", "-C", str(project_root()), "rev-parse", "--verify", f"refs/tags/{tag}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        raise UsageError(f"There is no tag {tag} in this checkout (`git fetch --tags`).")
    return found.stdout.strip()


def _key(version: tuple[int, int, int, int | None]) -> tuple[int, int, int, int]:
    return (*version[:3], version[3] or 0)


def now() -> datetime:
    """The time by which freezes are told."""
    return datetime.now(UTC)
