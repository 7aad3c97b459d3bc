"""Every store that keeps state: how it is backed up, what can be lost, and how it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import Field

from totara_infra.model.declarations import Model
from totara_infra.model.stack import StackSettings, is_recovery
from totara_infra.model.vocabulary import (
    DomainId,
    Environment,
    KeyClass,
    ModuleId,
    Phrase,
    Provenance,
    Sentence,
    Slug,
)

BACKUP_TAG = "backup"
"""Tag by which AWS Backup selects what a plan backs up; its value is the plan's id."""


class Loss(StrEnum):
    """What can happen to a store."""

    MISTAKE = "mistake"
    """Content was deleted, overwritten or corrupted, and the store is there."""
    STORE = "store"
    """The store itself is gone."""
    REGION = "region"
    """Its AWS region is gone."""


Fact = Literal["mechanism", "schedule", "recovery_point", "retention", "restore"]
"""A fact of a method that can have a provenance of its own."""


class RestoreStep(Model):
    """One step of the way back."""

    do: Sentence
    """What somebody does, and how it is known to be done."""
    command: str | None = None
    """What to type, where a command of this project does it; may hold `{env}`."""


class Method(Model):
    """One way in which stores are backed up."""

    id: Slug
    title: Phrase
    mechanism: Sentence
    schedule: Phrase
    recovery_point_minutes: int = Field(ge=0)
    """What is lost at most: minutes of changes before the loss."""
    retention: Phrase
    """How long it reaches back, as people say it."""
    protects_from: list[Loss] = Field(min_length=1)
    plan: Slug | None = None
    """Plan of AWS Backup that carries it out; then what it protects carries the plan's tag."""
    restore: list[RestoreStep] = Field(min_length=1)
    provenance: Provenance = Provenance.ASSUMED
    """Who says so, for every fact that `provenances` does not name."""
    provenances: dict[Fact, Provenance] = Field(default_factory=dict)

    def provenance_of(self, fact: Fact) -> Provenance:
        """Who says that fact."""
        return self.provenances.get(fact, self.provenance)


class Store(Model):
    """One store, or several of one kind that are backed up alike."""

    id: Slug
    title: Phrase
    covers: list[str] = Field(min_length=1)
    """What of the catalogue it stands for, as `kind:name`; see `totara_infra.model.rules.stores`
    for what has to be covered."""
    owner: ModuleId
    """Module that has it made and answers for it."""
    serves: DomainId | None = None
    """Domain whose recovery targets hold for it; those of `owner` where it is left out."""
    methods: list[Slug] = Field(default_factory=list)
    accepted_loss: Sentence | None = None
    """Why nothing backs it up. Never for what exists in prod."""
    why: Sentence
    """What is in it."""


class PlanRule(Model):
    """One rule of a plan of AWS Backup."""

    name: Slug
    schedule: str = Field(pattern=r"^cron\(\S+ \S+ \S+ \S+ \S+ \S+\)$")
    """When it starts, UTC."""
    continuous: bool = False
    """Keeps every change, where the service can, so that any moment can be had again."""
    cold_storage_after_days: int | None = Field(default=None, ge=1)
    """Days until a recovery point moves to cold storage, where its kind can."""
    delete_after_days: int = Field(ge=1)
    delete_after_days_below_prod: int | None = Field(default=None, ge=1)
    """Days in local, dev and uat; as in prod where it is left out."""
    copy_to_recovery_region: bool = False
    """Also copied to the recovery region, in environments that have a vault there."""
    start_window_minutes: int = Field(default=60, ge=60)
    completion_window_minutes: int = Field(default=480, ge=60)
    environments: list[Environment] = Field(default_factory=lambda: list(Environment))
    interval_hours: int = Field(ge=1)
    """Hours between two starts, against which the newest recovery point is held."""

    def days_kept(self, environment: Environment) -> int:
        """Days after which a recovery point is deleted."""
        if environment is Environment.PROD:
            return self.delete_after_days
        return self.delete_after_days_below_prod or self.delete_after_days


class BackupPlan(Model):
    """A plan of AWS Backup; it backs up what carries its id in the tag `backup`."""

    id: Slug
    rules: list[PlanRule] = Field(min_length=1)
    why: Sentence
    provenance: Provenance = Provenance.ASSUMED

    def rules_in(self, environment: Environment) -> list[PlanRule]:
        """The rules that hold in an environment."""
        return [r for r in self.rules if environment in r.environments]


class VaultLock(Model):
    """Lock of the vault in compliance mode: nobody shortens or deletes what is in it.

    Once the days to change it are over, not even AWS takes it off again.
    """

    environments: list[Environment]
    minimum_retention_days: int = Field(ge=1)
    maximum_retention_days: int = Field(ge=1, le=36_500)
    changeable_for_days: int = Field(ge=3)
    """Days in which a mistake in it can still be mended; AWS takes no fewer than three."""
    why: Sentence


class RecoveryCopies(Model):
    """A second vault, in the recovery region, with a key of that region."""

    name: str
    environments: list[Environment]
    why: Sentence


class Vault(Model):
    """The vault in which AWS Backup keeps recovery points."""

    name: str
    owner: ModuleId
    """Module in whose step vault, plans, selections and role go up."""
    role: str
    """Role under which AWS Backup reads what it backs up, and writes what it restores."""
    key_class: KeyClass
    lock: VaultLock
    """Of this vault, and of the second one."""
    copies: RecoveryCopies
    provenance: Provenance = Provenance.ASSUMED


class Exports(Model):
    """Where and how often `totara backup run` exports what AWS does not back up by itself."""

    bucket: str
    """Bucket of the catalogue that keeps them."""
    key_class: KeyClass
    """KMS key that seals them."""
    interval_hours: int = Field(ge=1)
    environments: list[Environment]
    """Where they are made by schedule."""
    why: Sentence


class StoreCatalogue(Model):
    """Content of `stores.yaml`."""

    vault: Vault
    plans: list[BackupPlan]
    exports: Exports
    methods: list[Method]
    stores: list[Store]

    @cached_property
    def method(self) -> dict[str, Method]:
        """The methods by id."""
        return {m.id: m for m in self.methods}

    @cached_property
    def plan_of(self) -> dict[str, str]:
        """What a plan backs up, as `kind:name` -> the plan's id."""
        return {
            covered: plan
            for store in self.stores
            for covered in store.covers
            for plan in self.plans_of(store)
        }

    def copied_from(self, settings: StackSettings) -> bool:
        """Whether a stack has a vault and a key in its recovery region.

        The other region of a recovery stack is the one that may be lost, so it has none.
        """
        return settings.environment in self.vault.copies.environments and not is_recovery(
            settings.stack
        )

    def methods_of(self, store: Store) -> list[Method]:
        """The methods of a store that exist, in its own order."""
        return [self.method[m] for m in store.methods if m in self.method]

    def plans_of(self, store: Store) -> Iterator[str]:
        """Plans of AWS Backup that back a store up: one at most, as it carries one tag."""
        return (m.plan for m in self.methods_of(store) if m.plan is not None)

    def recovery_point(self, store: Store, loss: Loss) -> int | None:
        """Minutes of changes lost at most; None where nothing protects it from that."""
        points = [
            m.recovery_point_minutes for m in self.methods_of(store) if loss in m.protects_from
        ]
        return min(points, default=None)


def lost_in_words(minutes: int | None) -> str:
    """The minutes of changes that a store loses, as people say it; None for all of its content."""
    if minutes is None:
        return "everything"
    if minutes == 0:
        return "nothing"
    if minutes % 60 == 0:
        return f"{minutes // 60} h"
    return f"{minutes} min"
