"""The provisioning playbook: from nothing to a client that is live, and back."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, Location, parse, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.runbook import Step, critical_path, step_problems
from totara_infra.model.vocabulary import (
    Environment,
    InstitutionType,
    Jurisdiction,
    Phrase,
    Provenance,
    Sentence,
    Slug,
)

FILE = "provisioning.yaml"
PROVISIONING = "provisioning"
"""Who fills a secret that comes from a third party, as the secrets' `writers` say."""


class ProofName(StrEnum):
    """The checks behind the signals; `totara_infra.provisioning.proofs` has each of them."""

    ORGANISATION = "organisation"
    MEMBER_ACCOUNT = "member-account"
    BOOTSTRAP_ROLE = "bootstrap-role"
    GITHUB_OIDC_PROVIDER = "github-oidc-provider"
    DEPLOYMENT_ROLES = "deployment-roles"
    GITHUB_REPOSITORIES = "github-repositories"
    NEON_API_KEY = "neon-api-key"
    SNOWFLAKE = "snowflake"
    SUPPLIER_CREDENTIALS = "supplier-credentials"
    TENANT_FILE = "tenant-file"
    TENANT_IN_STACK = "tenant-in-stack"
    PLAN = "plan"
    SECRET_CONTAINERS = "secret-containers"
    SECRETS_FILLED = "secrets-filled"
    DATABASES = "databases"
    MIGRATIONS = "migrations"
    MODULES_UP = "modules-up"
    VERIFIED = "verified"
    NOTHING_ASSUMED = "nothing-assumed"
    TENANT_LIVE = "tenant-live"
    CUSTOMER_SIGNED_IN = "customer-signed-in"
    CUSTOMER_SESSION = "customer-session"
    NOTICE = "notice"
    PAYMENTS_DRAINED = "payments-drained"
    TENANT_SUSPENDED = "tenant-suspended"
    USERS_DISABLED = "users-disabled"
    EXPORTED = "exported"
    FINAL_RETURNS = "final-returns"
    TENANT_CLOSED = "tenant-closed"
    CREDENTIALS_GONE = "credentials-gone"
    RETAINED = "retained"


class Deployment(StrEnum):
    """Which deployment of a stack it is, by which the published time differs."""

    FIRST = "first"
    """The stack's first client: the environment itself comes about."""
    LATER = "later"
    """A further client of a stack that is there."""


class Part(StrEnum):
    """Whether a step counts for the published time."""

    PREREQUISITE = "prerequisite"
    """Must be there before the days begin to count; its minutes are lead time."""
    PLAYBOOK = "playbook"


class StepCondition(Model):
    """When a step applies. All that is given must hold; within a list one is enough."""

    jurisdictions: list[Jurisdiction] = Field(default_factory=list)
    options: list[Slug] = Field(default_factory=list)
    """Licence options."""
    institution_types: list[InstitutionType] = Field(default_factory=list)
    environments: list[Environment] = Field(default_factory=list)
    isolated: bool | None = None
    """A client in an account of its own, or one of a shared stack."""
    deployment: Deployment | None = None
    """An isolated client's is always the first of its stack."""
    throwaway: bool | None = None
    """An emulator on one machine (local, a rehearsal), or AWS."""


class ProvisioningStep(Step):
    """A step of the playbook, with what decides whether it applies."""

    part: Part = Part.PLAYBOOK
    hands_on_minutes: float = Field(default=0, ge=0)
    """How long somebody is at it; the rest of its minutes is waiting."""
    when: StepCondition = Field(default_factory=StepCondition)
    supplier: Slug | None = None
    """Whose credentials its proof looks for."""
    in_local: Sentence | None = None
    """Why the environment `local` goes on although its proof does not hold."""
    may_be_assumed: bool = True
    """Whether a run may go on by an assumption instead of its proof."""


class Supplier(Model):
    """Somebody outside who hands out credentials once an agreement is there."""

    id: Slug
    name: Phrase
    supplies: list[str] = Field(min_length=1)
    """Paths of secrets, with their placeholders."""
    provenance: Provenance = Provenance.ASSUMED


class PublishedTime(Model):
    """How long a deployment takes from the first step to the last."""

    deployment: Deployment
    least_days: float = Field(gt=0)
    most_days: float = Field(gt=0)
    provenance: Provenance


class Retention(Model):
    """How long what a closed client leaves is kept."""

    years: int = Field(ge=1)
    provenance: Provenance

    def ends(self, closed_on: date) -> date:
        """The first day on which it may go."""
        try:
            return closed_on.replace(year=closed_on.year + self.years)
        except ValueError:
            # The 29th of February.
            return closed_on.replace(year=closed_on.year + self.years, month=3, day=1)


class ProvisioningCatalogue(Model):
    """Content of `provisioning.yaml`."""

    working_hours_a_day: float = Field(gt=0, le=24)
    """Hours of work that a day of the published time stands for."""
    times: list[PublishedTime]
    github_organisation: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$")
    """Where the repositories of the eight domains are."""
    retention: Retention
    suppliers: list[Supplier]
    provision: list[ProvisioningStep]
    decommission: list[ProvisioningStep]

    def published_hours(self, deployment: Deployment) -> tuple[float, float]:
        """Least and most hours of work of a deployment."""
        time = next(t for t in self.times if t.deployment is deployment)
        return time.least_days * self.working_hours_a_day, time.most_days * self.working_hours_a_day


def only(steps: Sequence[ProvisioningStep], chosen: Container[str]) -> list[ProvisioningStep]:
    """Some of the steps; where one is left out, what needs it needs what it needed.

    Args:
        steps: in an order in which they can be taken.
        chosen: ids of those that stay.
    """
    needs: dict[str, list[str]] = {}
    before: dict[str, set[str]] = {}
    for step in steps:
        passed_on = [[n] if n in chosen else needs[n] for n in step.needs]
        found = list(dict.fromkeys(n for group in passed_on for n in group))
        further = {n for other in found for n in before[other]}
        # What another one needs already is not said twice.
        needs[step.id] = [n for n in found if n not in further]
        before[step.id] = further | set(found)
    return [
        step.model_copy(update={"needs": needs[step.id]}) for step in steps if step.id in chosen
    ]


def timed(steps: Sequence[ProvisioningStep]) -> list[ProvisioningStep]:
    """The steps that count for the published time, needing one another only."""
    return only(steps, {step.id for step in steps if step.part is Part.PLAYBOOK})


def read_provisioning(
    catalogue: Catalogue, directory: Path = CATALOGUE_DIRECTORY
) -> ProvisioningCatalogue:
    """Read the playbook and hold it against the rest of the catalogue.

    Args:
        catalogue: validated.
        directory: folder with `provisioning.yaml`.

    Raises:
        ProblemsError: every fault at once.
    """
    document = read_document(directory / FILE, directory.resolve().parent.parent)
    found = parse(document, ProvisioningCatalogue)
    runbooks = {"provision": found.provision, "decommission": found.decommission}
    ordered = [
        problem
        for name, steps in runbooks.items()
        for problem in step_problems(document, (name,), steps, list(ProofName))
    ]
    if ordered:
        # The others follow the steps along what they need.
        raise ProblemsError(ordered)
    problems = [
        *(
            problem
            for name, steps in runbooks.items()
            for problem in _condition_problems(catalogue, document, (name,), steps)
        ),
        *_supplier_problems(catalogue, document, found),
        *_time_problems(document, found),
    ]
    if problems:
        raise ProblemsError(problems)
    return found


def _condition_problems(
    catalogue: Catalogue,
    document: Document,
    location: Location,
    steps: Sequence[ProvisioningStep],
) -> Iterator[Problem]:
    known = {option.id for option in catalogue.tenancy.options}
    for index, step in enumerate(steps):
        for number, option in enumerate(step.when.options):
            if option not in known:
                yield document.problem(
                    (*location, index, "when", "options", number),
                    "unknown-option",
                    f"step `{step.id}` applies to licence option `{option}`",
                    "tenancy.yaml has no such option, so the step would never apply",
                    f"write one of {', '.join(sorted(known))}",
                )


def _supplier_problems(
    catalogue: Catalogue, document: Document, found: ProvisioningCatalogue
) -> Iterator[Problem]:
    foreign = {
        secret.path
        for module in catalogue.modules.values()
        for secret in module.secrets
        if PROVISIONING in secret.writers
    }
    supplied: dict[str, str] = {}
    for index, supplier in enumerate(found.suppliers):
        for number, path in enumerate(supplier.supplies):
            here = ("suppliers", index, "supplies", number)
            if path not in foreign:
                yield document.problem(
                    here,
                    "supplier-secret",
                    f"{supplier.name} supplies `{path}`",
                    "no module declares such a secret that provisioning fills",
                    "correct the path, or declare the secret with `writers: [provisioning]`",
                )
            if path in supplied:
                yield document.problem(
                    here,
                    "supplier-twice",
                    f"`{path}` comes from {supplied[path]} and from {supplier.name}",
                    "nobody would know whom to ask for it",
                    "leave it with one of the two",
                )
            supplied[path] = supplier.name
    for path in sorted(foreign - set(supplied)):
        yield document.problem(
            ("suppliers",),
            "supplier-missing",
            f"nobody supplies `{path}`",
            "provisioning fills it, and would not know whom to ask",
            "add it to a supplier's `supplies`",
        )
    ids = {supplier.id for supplier in found.suppliers}
    for index, step in enumerate(found.provision):
        wants = step.proof == ProofName.SUPPLIER_CREDENTIALS
        if wants is not (step.supplier is not None) or (step.supplier and step.supplier not in ids):
            yield document.problem(
                ("provision", index),
                "step-supplier",
                f"step `{step.id}` has the supplier `{step.supplier}`",
                f"the proof `{ProofName.SUPPLIER_CREDENTIALS}` looks for the credentials of one, "
                "and no other proof does",
                f"write one of {', '.join(sorted(ids))}, or take the supplier away",
            )


def _time_problems(document: Document, found: ProvisioningCatalogue) -> Iterator[Problem]:
    known = [t.deployment for t in found.times]
    for deployment in Deployment:
        if known.count(deployment) != 1:
            yield document.problem(
                ("times",),
                "published-time",
                f"the time of the {deployment} deployment is given {known.count(deployment)} times",
                "every plan says how long the published time is",
                "give it once",
            )
            continue
        least, most = found.published_hours(deployment)
        # Production is what the published days are about, with everything that can be licensed.
        chosen = {
            step.id
            for step in found.provision
            if step.when.deployment in (None, deployment)
            and not step.when.throwaway
            and (not step.when.environments or Environment.PROD in step.when.environments)
        }
        longest = critical_path(timed(only(found.provision, chosen)))
        hours = sum(step.minutes for step in longest) / 60
        if not least <= hours <= most:
            yield document.problem(
                ("times", known.index(deployment)),
                "published-time",
                f"the longest chain of steps of the {deployment} deployment takes {hours:g} h",
                f"{least:g} to {most:g} h of work is what clients are told",
                "correct the minutes of the steps, or the days",
            )
