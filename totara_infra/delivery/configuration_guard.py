"""What `totara up` and `totara preview` refuse before the engine runs, for configuration's sake."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.operations.configuration import passed_by
from totara_infra.operations.live import Live
from totara_infra.operations.redeployment import ColdChange, cold_changes


class RedeploymentRefusedError(TotaraError):
    """The update would change what the modules of a live tenant read only when deployed."""

    exit_code = 1


class TakenBackError(TotaraError):
    """A configuration was taken back, and the update would pass that by."""

    exit_code = 1


class ConfigurationUnreadableError(TotaraError):
    """What is deployed can't be read, so nothing can be held against it."""

    exit_code = 1


def guard_configuration(
    blueprint: Blueprint, live: Live, forced: Sequence[str], say: Callable[[str], None]
) -> None:
    """Compare the configuration that is deployed with the blueprint.

    Args:
        blueprint: what the update would bring about.
        live: the environment.
        forced: client ids of live tenants whose change is meant.
        say: takes what must be done after the update.

    Raises:
        UsageError: a forced client id that neither the stack nor the environment has.
        RedeploymentRefusedError: a live tenant's change that is not forced.
        TakenBackError: a deployment was taken back after it had completed.
        ConfigurationUnreadableError: AWS does not answer.
    """
    try:
        changes = cold_changes(live, blueprint)
        reverted = list(passed_by(live, blueprint))
    except (BotoCoreError, ClientError) as error:
        raise ConfigurationUnreadableError(
            f"The configuration that is deployed in {blueprint.scope.env} can't be read, so nobody "
            f"knows whether this update changes what modules read only when they are deployed: "
            f"{error}. Check the credentials and the network, then run it again."
        ) from None
    _refuse_unknown(blueprint, changes, forced)
    refused = [c for c in changes if c.live and c.client_id not in forced]
    if refused:
        lines = "\n".join(line for change in refused for line in _lines(blueprint, change))
        flags = " ".join(f"--force-redeploy {c}" for c in sorted({c.client_id for c in refused}))
        raise RedeploymentRefusedError(
            f"Refused: in {blueprint.scope.env} this update would change what modules read only "
            f"when they are deployed, for a live tenant:\n{lines}\n"
            "Until they are deployed again, old and new values are in use side by side. If that is "
            f"meant, plan the deployments and run the update again with: {flags}"
        )
    if reverted:
        raise TakenBackError("\n".join(reverted))
    for change in changes:
        for line in _lines(blueprint, change):
            say(line)


def _refuse_unknown(
    blueprint: Blueprint, changes: Sequence[ColdChange], forced: Sequence[str]
) -> None:
    known = {t.client_id for t in blueprint.scope.tenants} | {c.client_id for c in changes}
    unknown = sorted(set(forced) - known)
    if unknown:
        raise UsageError(
            f"--force-redeploy {unknown[0]}: no such tenant in {blueprint.scope.env}. "
            f"Its tenants: {', '.join(sorted(known))}."
        )


def _lines(blueprint: Blueprint, change: ColdChange) -> Iterator[str]:
    after = change.after if change.after is not None else "gone from the stack"
    names = ", ".join(change.names)
    yield (
        f"  - {change.client_id}: {change.fact} {change.before} -> {after} ({names}); to be "
        f"deployed again, {len(change.readers)} modules:"
    )
    for domain in blueprint.scope.catalogue.domains:
        inside = [m.id for m in domain.modules if m.id in change.readers]
        if inside:
            yield f"      {domain.id}: {' '.join(inside)}"
