"""Proofs that ask AWS about the client's environment: secrets, modules, checks, status."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime

from totara_infra.blueprint.app_config import ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE
from totara_infra.delivery.runbooks import Finding
from totara_infra.model.provisioning import Supplier
from totara_infra.model.runbook import StepOutcome
from totara_infra.model.vocabulary import Outcome, TenantStatus
from totara_infra.operations.checks import modules
from totara_infra.operations.checks.inspection import Extent, inspect
from totara_infra.operations.checks.registry import run_checks
from totara_infra.operations.configuration import deployed_profile, parameter_values
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.inventory import (
    Standing,
    State,
    entries,
    made_up,
    standings,
)
from totara_infra.provisioning.proofs.asking import Asking, listed

SNOWFLAKE = "snowflake"
"""The supplier whose account has an address of its own."""
LOCATOR = "/bank/{env}/snowflake-account-configuration/account-locator"
"""Where MOD-102 publishes it."""
_SECONDS = 5


def secret_containers(asking: Asking) -> Finding:
    """Every secret that the client needs has a container that is there to stay."""
    found = _standings(asking, asking.live())
    missing = [s.entry.path for s in found if s.state in (State.ABSENT, State.TO_BE_DELETED)]
    if missing:
        return Finding(False, f"No container: {listed(missing)}.")
    return Finding(True, f"{len(found)} secrets have their containers.")


def secrets_filled(asking: Asking) -> Finding:
    """Every secret that the client can't do without is filled; names who supplies the others."""
    found = [s for s in _standings(asking, asking.live()) if s.entry.secret.required]
    suppliers = {path: s.name for s in asking.playbook.suppliers for path in s.supplies}
    missing: dict[str, list[str]] = {}
    for standing in found:
        if not standing.filled:
            module = standing.entry.module
            who = suppliers.get(standing.entry.secret.path, f"the pipeline of {module}")
            missing.setdefault(who, []).append(standing.entry.path)
    if missing:
        said = "; ".join(f"from {who}: {', '.join(paths)}" for who, paths in missing.items())
        return Finding(False, f"Empty: {said}.")
    return Finding(True, f"{len(found)} secrets are filled.")


def supplier_credentials(asking: Asking, supplier: Supplier) -> Finding:
    """What a supplier hands out after an agreement is stored; what was made up proves none."""
    live = asking.live()
    found = [
        s
        for s in _standings(asking, live)
        if s.entry.secret.path in supplier.supplies and s.entry.secret.required
    ]
    empty = [s.entry.path for s in found if not s.filled]
    if empty:
        return Finding(False, f"Nothing from {supplier.name} is stored in {listed(empty)}.")
    with explained("reading the labels of secrets"):
        throwaway = [s.entry.path for s in found if made_up(live, s.entry.path)]
    if throwaway:
        return Finding(
            False,
            f"Made up, not from {supplier.name}: {listed(throwaway)}. It proves no agreement.",
        )
    return Finding(True, f"{len(found)} credentials of {supplier.name} are stored.")


def snowflake(asking: Asking) -> Finding:
    """MOD-102 has published the account's locator, the key is stored, and the account answers."""
    live = asking.live()
    path = LOCATOR.replace("{env}", live.settings.environment.value)
    with explained(f"reading {path}"):
        locator = parameter_values(live, [path]).get(path)
    if locator is None:
        return Finding(False, f"{path} is not there yet; MOD-102 writes it.")
    supplier = next((s for s in asking.playbook.suppliers if s.id == SNOWFLAKE), None)
    if supplier is not None:
        stored = supplier_credentials(asking, supplier)
        if not stored.holds:
            return stored
    address = f"https://{locator}.snowflakecomputing.com/"
    try:
        urllib.request.urlopen(address, timeout=_SECONDS).close()
    except urllib.error.HTTPError:
        # It answers; which page it has for strangers does not matter.
        pass
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        return Finding(False, f"{address} does not answer: {getattr(error, 'reason', error)}.")
    return Finding(True, f"{address} answers, and its key is stored.")


def modules_up(asking: Asking) -> Finding:
    """Markers and gates of all that the client needs hold the digests of the plan."""
    live = asking.live()
    with inspect(live, asking.blueprint(live), Extent(tenant=asking.client_id)) as inspection:
        results = [*modules.markers(inspection), *modules.gates(inspection)]
    failed = [r.subject for r in results if r.outcome is Outcome.FAILED]
    if failed:
        return Finding(False, f"Not as planned: {listed(failed)}.")
    return Finding(True, f"{len(results)} markers and gates are as planned.")


def verified(asking: Asking) -> Finding:
    """No check of the post-deployment checklist fails for the client."""
    live = asking.live()
    checked = run_checks(live, asking.blueprint(live), Extent(tenant=asking.client_id))
    results = [r for entry in checked for r in entry.results]
    failed = [f"{r.check} {r.subject}" for r in results if r.outcome is Outcome.FAILED]
    if failed:
        return Finding(False, f"{len(failed)} checks failed: {listed(failed)}.")
    passed = sum(r.outcome is Outcome.PASSED for r in results)
    return Finding(True, f"{passed} checks passed.")


def nothing_assumed(asking: Asking) -> Finding:
    """No step of this run rests on an assumption."""
    latest = {record.step: record for record in asking.journal.records()}
    if not latest:
        return Finding(False, "Nothing was tried yet.")
    assumed = [r for r in latest.values() if r.outcome is StepOutcome.ASSUMED]
    if assumed:
        said = ", ".join(f"{r.step} ({r.assumption})" for r in assumed)
        return Finding(False, f"Production goes live on proofs, and this is only assumed: {said}")
    return Finding(True, "Every step is proved.")


def tenant_live(asking: Asking) -> Finding:
    """The configuration that readers get says that the client is live."""
    status = deployed_status(asking)
    if status == TenantStatus.LIVE:
        return Finding(True, "It is live by the configuration that is rolled out.")
    file = asking.situation.tenant.status
    return Finding(False, f"Rolled out is {status or 'nothing yet'}; its file says {file}.")


def deployed_status(asking: Asking) -> str | None:
    """The client's status as the deployed profile has it; None where it has none."""
    keys = [
        setting.key
        for module in asking.catalogue.modules.values()
        for setting in module.settings
        if setting.tenant_field == "status"
    ]
    live = asking.live()
    env = live.settings.environment.value
    with explained("reading the deployed configuration"):
        profile = deployed_profile(live, env, ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE)
    if profile is None or not keys or asking.client_id not in profile.tenants:
        return None
    return str(profile.tenants[asking.client_id].get(keys[0]))


def _standings(asking: Asking, live: Live) -> list[Standing]:
    """How the secrets stand that the client needs."""
    blueprint = asking.blueprint(live)
    needed = [e for e in entries(blueprint).values() if asking.client_id in e.tenants]
    return standings(live, needed, blueprint.scope.env, datetime.now(UTC))
