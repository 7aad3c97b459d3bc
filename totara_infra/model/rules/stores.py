"""What the catalogue of stores must be: nothing is left out, and no more is lost than allowed.

What has to be covered, as `kind:name`: `database:bank_core`, `bucket:NAME`, `table:NAME`,
`event_bus:NAME` (its archive), `log_group:NAME` where deleting is denied, `key:CLASS`,
`schema_registry:NAME`, `glue_database:NAME`, `snowflake:PATH` for each parameter that names a
database of Snowflake, `user_pool:POOL`, and, for each as a whole, `parameters`, `secrets`,
`configuration` (AppConfig) and `state` (of the engine), each followed by `:all`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from totara_infra.model.catalogue import Catalogue, Module
from totara_infra.model.declarations import Bucket, EventBus, LogGroup
from totara_infra.model.documents import Document
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem
from totara_infra.model.rules.places import filled, name_of
from totara_infra.model.sign_in import POOLS
from totara_infra.model.stores import BackupPlan, Loss, PlanRule, Store, StoreCatalogue
from totara_infra.model.vocabulary import Environment, Source

SNOWFLAKE_DATABASE = re.compile(r"^/bank/\{env\}/snowflake-account-configuration/[a-z-]+-database$")
_STATEFUL = ("table", "schema_registry", "glue_database", "key")
_MINUTES_AN_HOUR = 60
DAYS_IN_COLD_STORAGE = 90
"""What AWS Backup moves to cold storage stays there for so many days at least."""
DAYS_CONTINUOUS = 35
"""AWS Backup keeps a continuous backup for so many days at most."""
DAYS_A_YEAR = 366
_VAULT_NAME = re.compile(r"^[a-zA-Z0-9_-]{2,50}$")


def store_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Every fault of `stores.yaml` that relates its parts to one another or to the catalogue."""
    stores = loaded.catalogue.stores
    if stores is None:
        return
    document = loaded.documents["stores"]
    yield from _coverage_problems(loaded.catalogue, stores, document)
    yield from _duplicates(stores, document)
    for index, store in enumerate(stores.stores):
        yield from _store_problems(loaded.catalogue, stores, document, index, store)
    for index, method in enumerate(stores.methods):
        if method.plan is not None and method.plan not in {p.id for p in stores.plans}:
            yield document.problem(
                ("methods", index, "plan"),
                "store-plan",
                f"method `{method.id}` names plan `{method.plan}`, which does not exist",
                "AWS Backup would back up nothing of what it protects",
                f"write one of {', '.join(p.id for p in stores.plans)}",
                method.id,
            )
    yield from _vault_problems(loaded.catalogue, stores, document)
    yield from _bucket_problems(loaded)


def to_cover(catalogue: Catalogue) -> dict[str, str]:
    """Everything that keeps state -> id of the module or domain that declares it."""
    found = {f"database:{d.database}": d.id for d in catalogue.domains}
    for module in catalogue.modules.values():
        for resource in module.resources:
            kind = str(getattr(resource, "kind", ""))
            audit = isinstance(resource, LogGroup) and resource.delete_denied
            if isinstance(resource, Bucket | EventBus) or kind in _STATEFUL or audit:
                found[name_of(resource)] = module.id
        for parameter in module.parameters:
            found["parameters:all"] = module.id
            if SNOWFLAKE_DATABASE.match(parameter.path):
                found[f"snowflake:{parameter.path}"] = module.id
        if module.secrets:
            found["secrets:all"] = module.id
        if module.settings:
            found["configuration:all"] = module.id
    found |= {f"user_pool:{pool}": "sign-in" for pool in POOLS}
    return {**found, "state:all": "Pulumi"}


def _coverage_problems(
    catalogue: Catalogue, stores: StoreCatalogue, document: Document
) -> Iterator[Problem]:
    expected = to_cover(catalogue)
    covered = {name for store in stores.stores for name in store.covers}
    for name in sorted(set(expected) - covered):
        yield document.problem(
            ("stores",),
            "store-missing",
            f"no store covers `{name}`",
            f"it is declared ({expected[name]}) and keeps state, and nobody would know how it "
            "comes back",
            f"add a store with `covers: [{name}]`, or add it to one that is backed up alike",
            expected[name],
        )
    for index, store in enumerate(stores.stores):
        for position, name in enumerate(store.covers):
            if name not in expected:
                yield document.problem(
                    ("stores", index, "covers", position),
                    "store-unknown",
                    f"`{name}` is nothing that the catalogue declares",
                    "the page would promise a backup of something that is not there",
                    "correct the name, or remove it",
                    store.id,
                )


def _duplicates(stores: StoreCatalogue, document: Document) -> Iterator[Problem]:
    named = {
        "stores": [s.id for s in stores.stores],
        "methods": [m.id for m in stores.methods],
        "plans": [p.id for p in stores.plans],
    }
    for field, ids in named.items():
        for name in sorted(i for i, count in Counter(ids).items() if count > 1):
            yield document.problem(
                (field, len(ids) - 1 - ids[::-1].index(name), "id"),
                "store-twice",
                f"`{name}` stands twice among the {field}",
                "whoever refers to it could mean either",
                "rename or remove one of them",
                name,
            )
    covered = Counter(name for store in stores.stores for name in store.covers)
    for index, store in enumerate(stores.stores):
        for name in store.covers:
            if covered[name] > 1:
                yield document.problem(
                    ("stores", index, "covers"),
                    "store-twice",
                    f"`{name}` is covered more than once",
                    "two entries could promise different things",
                    "leave it in one store",
                    store.id,
                )


def _store_problems(
    catalogue: Catalogue, stores: StoreCatalogue, document: Document, index: int, store: Store
) -> Iterator[Problem]:
    def problem(field: str, rule: str, what: str, why: str, fix: str) -> Problem:
        return document.problem(("stores", index, field), rule, what, why, fix, store.id)

    owner = catalogue.modules.get(store.owner)
    if owner is None:
        yield problem(
            "owner",
            "unknown-module",
            f"it names {store.owner}, which does not exist",
            "nobody would answer for it",
            "correct the id",
        )
        return
    for name in sorted(set(store.methods) - set(stores.method)):
        yield problem(
            "methods",
            "store-method",
            f"it names method `{name}`, which does not exist",
            "nothing says how it comes back",
            f"write one of {', '.join(stores.method)}",
        )
    if len(list(stores.plans_of(store))) > 1:
        yield problem(
            "methods",
            "store-plan",
            "two of its methods are plans of AWS Backup",
            "it carries one tag, so one plan selects it",
            "leave the plan that loses less",
        )
    if bool(store.methods) is (store.accepted_loss is not None):
        yield problem(
            "methods",
            "store-method",
            "it must have `methods`, or say in `accepted_loss` why it has none",
            "a store without either is one that nobody thought about",
            "write one of the two",
        )
    if store.accepted_loss is not None:
        if Environment.PROD in owner.environments:
            yield problem(
                "accepted_loss",
                "store-loss",
                f"its loss is accepted, and {owner.id} exists in prod",
                "what a bank keeps for its customers is backed up",
                "give it methods",
            )
        return
    yield from _recovery_point_problems(catalogue, stores, document, index, store)


def allowed_minutes(catalogue: Catalogue, store: Store, owner: Module) -> tuple[int, str]:
    """How many minutes of changes a store may lose, and by whose target.

    The bootstrap modules recover with the strictest of what they carry.
    """
    if store.serves is not None:
        domain = catalogue.domain[store.serves]
    elif owner.id in {m for step in catalogue.sequence.phases[0].steps for m in step}:
        domain = min(catalogue.domains, key=lambda d: d.recovery.recovery_point_hours)
    else:
        domain = catalogue.domain_of[owner.id]
    return domain.recovery.recovery_point_hours * _MINUTES_AN_HOUR, domain.id


@dataclass(frozen=True)
class StoreLoss:
    """A store that loses more than the domain which it serves may lose.

    Attributes:
        minutes: of changes lost at most; None for all that was in it.
        allowed_minutes: by the recovery point of that domain.
        domain: its id.
    """

    store: Store
    minutes: int | None
    allowed_minutes: int
    domain: str


def store_loss(
    catalogue: Catalogue, stores: StoreCatalogue, store: Store, loss: Loss
) -> StoreLoss | None:
    """What a store loses beyond what it may; None where its recovery point is kept.

    This is the one place that holds recovery points against targets.
    """
    allowed, domain = allowed_minutes(catalogue, store, catalogue.modules[store.owner])
    minutes = stores.recovery_point(store, loss)
    if minutes is not None and minutes <= allowed:
        return None
    return StoreLoss(store, minutes, allowed, domain)


def _recovery_point_problems(
    catalogue: Catalogue,
    stores: StoreCatalogue,
    document: Document,
    index: int,
    store: Store,
) -> Iterator[Problem]:
    if store.serves is not None and store.serves not in catalogue.domain:
        return
    for loss in (Loss.MISTAKE, Loss.STORE):
        found = store_loss(catalogue, stores, store, loss)
        if found is not None:
            lost = "everything" if found.minutes is None else f"{found.minutes} minutes"
            yield document.problem(
                ("stores", index, "methods"),
                "store-recovery-point",
                f"it loses {lost} after the loss `{loss}`",
                f"{found.domain} may lose {found.allowed_minutes} minutes at most",
                "add a method that loses less, or correct `serves`",
                store.id,
            )


def _vault_problems(
    catalogue: Catalogue, stores: StoreCatalogue, document: Document
) -> Iterator[Problem]:
    vault, exports = stores.vault, stores.exports
    made = {
        name_of(r).removeprefix("bucket:")
        for m in catalogue.modules.values()
        for r in m.resources
        if isinstance(r, Bucket) and r.source is Source.RESOURCE
    }
    if exports.bucket not in made:
        yield document.problem(
            ("exports", "bucket"),
            "store-export",
            f"exports go to `{exports.bucket}`, which is no bucket that is made here",
            "the scheduled export would fail, and the check would look at nothing",
            "declare the bucket with `source: resource`, or correct the name",
        )
    for place, name in ((("vault", "name"), vault.name), (("vault", "copies"), vault.copies.name)):
        if not _VAULT_NAME.match(filled(name)):
            yield document.problem(
                place,
                "aws-name",
                f"`{name}` is no name of a vault",
                "AWS Backup takes 2-50 letters, digits, hyphens and underscores",
                "respell or shorten it",
            )
    if vault.owner not in catalogue.modules:
        yield document.problem(
            ("vault", "owner"),
            "unknown-module",
            f"it names {vault.owner}, which does not exist",
            "nothing would make the vault",
            "correct the id",
        )
    for number, plan in enumerate(stores.plans):
        for position, rule in enumerate(plan.rules):
            yield from _rule_problems(stores, plan, rule, document, (number, position))


def _rule_problems(
    stores: StoreCatalogue,
    plan: BackupPlan,
    rule: PlanRule,
    document: Document,
    place: tuple[int, int],
) -> Iterator[Problem]:
    here = ("plans", place[0], "rules", place[1])

    def problem(field: str, rule_name: str, what: str, why: str, fix: str) -> Problem:
        return document.problem((*here, field), rule_name, what, why, fix, plan.id)

    cold = rule.cold_storage_after_days
    kept = {e: rule.days_kept(e) for e in rule.environments}
    if cold is not None and min(kept.values(), default=cold) < cold + DAYS_IN_COLD_STORAGE:
        yield problem(
            "delete_after_days",
            "backup-cold-storage",
            f"rule `{rule.name}` deletes after {min(kept.values())} days what is cold after {cold}",
            f"what is in cold storage stays there for {DAYS_IN_COLD_STORAGE} days at least",
            f"keep it for {cold + DAYS_IN_COLD_STORAGE} days or longer, or leave it warm",
        )
    if rule.continuous and (cold is not None or max(kept.values(), default=0) > DAYS_CONTINUOUS):
        yield problem(
            "continuous",
            "backup-continuous",
            f"rule `{rule.name}` is continuous and keeps for {max(kept.values())} days"
            + (" or moves to cold storage" if cold is not None else ""),
            f"AWS Backup keeps a continuous backup warm and for {DAYS_CONTINUOUS} days at most",
            "add a second rule for what is to be kept longer",
        )
    lock = stores.vault.lock
    for environment in sorted(set(lock.environments) & set(kept)):
        days = kept[environment]
        if not lock.minimum_retention_days <= days <= lock.maximum_retention_days:
            yield problem(
                "delete_after_days",
                "backup-lock",
                f"rule `{rule.name}` keeps for {days} days in {environment}",
                f"the lock of the vault takes {lock.minimum_retention_days} to "
                f"{lock.maximum_retention_days}, and every job outside of that fails",
                "correct the days, or the lock before it can't be changed any more",
            )


def _bucket_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Superseded versions end some day, and never before they may."""
    for domain in loaded.catalogue.domains:
        document = loaded.documents[domain.id]
        for number, module in enumerate(domain.modules):
            for position, bucket in enumerate(module.resources):
                if not isinstance(bucket, Bucket) or bucket.source is not Source.RESOURCE:
                    continue
                here = ("modules", number, "resources", position)
                days = bucket.noncurrent_expiry_days
                if days is None:
                    yield document.problem(
                        (*here, "name"),
                        "bucket-lifecycle",
                        f"`{bucket.name}` keeps superseded versions for ever",
                        "every version is paid for, and personal details must end some day",
                        "add `noncurrent_expiry_days:`",
                        module.id,
                    )
                    continue
                kept = min(days, bucket.noncurrent_expiry_days_below_prod or days)
                locked = (bucket.object_lock_years or 0) * DAYS_A_YEAR
                if kept < locked:
                    yield document.problem(
                        (*here, "noncurrent_expiry_days"),
                        "bucket-lifecycle",
                        f"`{bucket.name}` lets superseded versions end after {kept} days and locks "
                        f"them for {bucket.object_lock_years} years",
                        "S3 would try in vain, and people would think that they are gone",
                        f"write {locked} or more",
                        module.id,
                    )
