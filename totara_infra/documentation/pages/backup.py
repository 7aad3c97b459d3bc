"""Backup and recovery: every store, what it loses at most, and how it comes back."""

from __future__ import annotations

from totara_infra.blueprint.buckets import DAYS_OF_AN_UPLOAD, noncurrent_days
from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import code, filtered, link, mark, table, text
from totara_infra.documentation.pages.page import module_link
from totara_infra.model.declarations import Bucket
from totara_infra.model.naming import fill
from totara_infra.model.rules.stores import allowed_minutes
from totara_infra.model.stores import (
    BACKUP_TAG,
    Fact,
    Loss,
    Method,
    Store,
    StoreCatalogue,
    lost_in_words,
)
from totara_infra.model.vocabulary import Environment, Source

PATH = "operations/backup.md"
_BREAK = "<br>"
_LOSSES = {
    Loss.MISTAKE: "content was deleted or spoilt",
    Loss.STORE: "the store is gone",
    Loss.REGION: "the region is gone",
}
_FACTS: tuple[Fact, ...] = ("mechanism", "schedule", "recovery_point", "retention", "restore")


def write(facts: Facts) -> list[str]:
    """Stores, ways back, plans of AWS Backup, and lifecycles of buckets."""
    stores = facts.catalogue.stores
    if stores is None:
        return ["The catalogue has no stores: nothing is backed up."]
    covered = sum(len(store.covers) for store in stores.stores)
    return [
        f"{covered} things keep state, in {len(stores.stores)} stores. Each row says what is lost "
        "at most, whatever happens; the limit is the recovery point of the domain that it serves. "
        f"{link('How to run, keep the key and restore', '../guides/backup.md')}.",
        "",
        "```console",
        "$ totara backup run prod                   # export what AWS does not back up by itself",
        "$ totara backup verify prod --max-age 2    # prove the newest export, byte by byte",
        "$ totara backup restore prod --dry-run     # what would be put back",
        "$ totara verify prod                       # vault, plans, tags, ages",
        "```",
        "",
        "## Stores",
        *filtered(
            table(
                ("Store", *(_LOSSES[loss].capitalize() for loss in Loss), "Limit", "How"),
                [_store(facts, stores, store) for store in stores.stores],
            ),
            "Store, module or word",
        ),
        "The limit is held for the first two columns when the catalogue is read. What a lost "
        "region costs in prod is named as it is: `everything` is a store that comes back with its "
        "provider's region only.",
        "",
        "## Ways back",
        *(line for method in stores.methods for line in _method(method)),
        *_plans(stores),
        *_exports(stores),
        *_lifecycles(facts),
    ]


def _store(facts: Facts, stores: StoreCatalogue, store: Store) -> tuple[str, ...]:
    owner = facts.catalogue.modules[store.owner]
    head = f"{text(store.title)}{_BREAK}{text(store.why)} {module_link(facts, owner.id, PATH)}"
    if store.accepted_loss is not None:
        return head, *("everything" for _ in Loss), "", text(store.accepted_loss)
    allowed, whose = allowed_minutes(facts.catalogue, store, owner)
    recovery = facts.catalogue.domain[whose].recovery
    points = [stores.recovery_point(store, loss) for loss in Loss]
    ways = ", ".join(link(text(m.title), f"#{m.id}") for m in stores.methods_of(store))
    return (
        head,
        *(lost_in_words(p) for p in points),
        f"{lost_in_words(allowed)}{_BREAK}{whose}, {text(recovery.tier)} "
        f"{mark(recovery.provenance)}",
        ways,
    )


def _method(method: Method) -> list[str]:
    said = {
        "mechanism": text(method.mechanism),
        "schedule": text(method.schedule),
        "recovery_point": lost_in_words(method.recovery_point_minutes),
        "retention": text(method.retention),
    }
    steps = []
    for number, step in enumerate(method.restore, start=1):
        steps.append(f"{number}. {text(step.do)}")
        if step.command is not None:
            command = fill(step.command, {"env": Environment.PROD.value})
            steps += ["", f"    ```console\n    $ {command}\n    ```", ""]
    return [
        "",
        f"### {text(method.title)} {{ #{method.id} }}",
        *table(
            ("", "", "Provenance"),
            [
                (fact.replace("_", " "), said[fact], mark(method.provenance_of(fact)))
                for fact in _FACTS
                if fact in said
            ],
        ),
        f"Protects when {', or when '.join(_LOSSES[loss] for loss in method.protects_from)}. The "
        f"way back {mark(method.provenance_of('restore'))}:",
        "",
        *steps,
        "",
    ]


def _plans(stores: StoreCatalogue) -> list[str]:
    vault, lock = stores.vault, stores.vault.lock
    rows = [
        (
            f"{code(f'{BACKUP_TAG}={plan.id}')}{_BREAK}{text(plan.why)}",
            code(rule.name),
            f"{code(rule.schedule)} UTC" + (", every change" if rule.continuous else ""),
            f"{rule.delete_after_days} days"
            + (f", {rule.delete_after_days_below_prod} below prod" if _shorter(rule) else "")
            + (
                f", cold after {rule.cold_storage_after_days}"
                if rule.cold_storage_after_days
                else ""
            ),
            "to the recovery region" if rule.copy_to_recovery_region else "",
            ", ".join(rule.environments) if len(rule.environments) < len(Environment) else "all",
            mark(plan.provenance),
        )
        for plan in stores.plans
        for rule in plan.rules
    ]
    return [
        "## AWS Backup",
        "",
        f"The vault {code(vault.name)} takes what carries the tag {code(BACKUP_TAG)} with the id "
        f"of a plan, under the key {code(vault.key_class)}. In {', '.join(lock.environments)} it "
        f"is locked: between {lock.minimum_retention_days} and {lock.maximum_retention_days} days "
        f"are kept, and {lock.changeable_for_days} days after the lock was set nobody changes that "
        f"any more. {text(lock.why)} In {', '.join(vault.copies.environments)} a second one, "
        f"{code(vault.copies.name)}, is in the recovery region. {text(vault.copies.why)} "
        f"{mark(vault.provenance)}",
        *table(("Plan", "Rule", "When", "Kept", "Copied", "In", "Provenance"), rows),
    ]


def _shorter(rule: object) -> bool:
    return getattr(rule, "delete_after_days_below_prod", None) is not None


def _exports(stores: StoreCatalogue) -> list[str]:
    exports = stores.exports
    return [
        "## Exports",
        "",
        f"In {', '.join(exports.environments)} {code('totara backup run')} exports Parameter "
        f"Store, AppConfig, the user pools and the metadata of secrets into "
        f"{code(exports.bucket)}, every {exports.interval_hours} h, sealed with the key "
        f"{code(exports.key_class)}. {text(exports.why)} {mark('assumed')}",
        "",
    ]


def _lifecycles(facts: Facts) -> list[str]:
    rows = []
    for module in facts.catalogue.modules.values():
        for bucket in module.resources:
            if isinstance(bucket, Bucket) and bucket.source is Source.RESOURCE:
                below = noncurrent_days(Environment.DEV, bucket)
                days = f"{bucket.noncurrent_expiry_days} days"
                if below != bucket.noncurrent_expiry_days:
                    days += f", {below} below prod"
                kept = ", ".join(code(p) for p in bucket.immutable_prefixes)
                if bucket.object_lock_years is not None:
                    kept = f"all, for {bucket.object_lock_years} years"
                owner = module_link(facts, module.id, PATH)
                rows.append((code(bucket.name), owner, days, kept, mark("assumed")))
    return [
        "## Lifecycles of buckets",
        "",
        "Every bucket keeps versions. A superseded one ends after these days, except where nobody "
        f"may delete; an upload that nobody finished ends after {DAYS_OF_AN_UPLOAD}.",
        *table(("Bucket", "Owner", "Superseded versions", "Nobody deletes", "Figures"), rows),
    ]
