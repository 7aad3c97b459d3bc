"""The live environment against the configuration manifest. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.app_config import Profile, profiles
from totara_infra.blueprint.parameters import TYPE as PARAMETER
from totara_infra.model.values import misfit
from totara_infra.model.vocabulary import ValueType
from totara_infra.operations.configuration import deployed_profile, roll_out_again
from totara_infra.operations.drift import app_config, parameters
from totara_infra.operations.drift.detection import compare, reading_of
from totara_infra.operations.drift.meaning import Difference
from totara_infra.operations.drift.report import Drift, Kind
from totara_infra.operations.live import Live
from totara_infra.operations.manifest import Entry, Origin, Store, manifest

_TYPES = frozenset({PARAMETER, *(r.token for r in app_config.READERS)})


class Fault(StrEnum):
    """What can be wrong with a value."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    DIFFERENT = "different"
    WRONG_TYPE = "wrong type"
    WRONG_TAGS = "wrong tags"
    UNREADABLE = "unreadable"
    NOT_YET = "not deployed yet"
    """A notice, not a failure: the module's own pipeline writes it."""


@dataclass(frozen=True)
class Finding:
    """One value that is not as the catalogue says.

    Attributes:
        key: path, or `APPLICATION/PROFILE KEY`; with `[CLIENT_ID]` for one tenant's value.
        module: who declares it; empty for an unexpected one.
        expected, found: values; tags by their name.
        fix: how to mend it.
    """

    fault: Fault
    store: Store
    key: str
    module: str
    expected: Any
    found: Any
    fix: str

    @property
    def fails(self) -> bool:
        """Whether it is a failure, not a notice."""
        return self.fault is not Fault.NOT_YET

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"fails": self.fails}


def check_configuration(live: Live, blueprint: Blueprint, stack: str) -> list[Finding]:
    """Hold every parameter and AppConfig key against the catalogue.

    Args:
        live: the environment.
        blueprint: of it.
        stack: the engine's name of it, for the way back.

    Returns:
        Failures first, then what the modules' own pipelines have not written yet.
    """
    entries = manifest(blueprint)
    with reading_of(live, blueprint) as reading:
        drifts, not_read, _ = compare(reading, stack, _TYPES)
        try:
            there = parameters.values(reading)
        except (BotoCoreError, ClientError):
            there = {}  # Named among what could not be read.
    found = [
        Finding(
            Fault.UNREADABLE,
            Store.PARAMETER if n.subject.startswith(PARAMETER) else Store.SETTING,
            n.subject,
            "",
            "an answer",
            n.reason,
            "Check credentials, rights and network, then run it again.",
        )
        for n in not_read
    ]
    for drift in drifts:
        found += _from_drift(drift)
    fix = f"`pulumi refresh -s {stack}`, then `totara up`; or ask {{module}}'s team."
    found += _parameter_types(entries, there, found, fix)
    for domain in blueprint.scope.catalogue.domains:
        for profile in profiles(blueprint.scope, domain):
            found += _profile(live, blueprint, profile, entries)
    return sorted(found, key=lambda f: (not f.fails, f.store, f.key, f.fault))


def _from_drift(drift: Drift) -> Iterator[Finding]:
    store = Store.PARAMETER if drift.type == PARAMETER else Store.SETTING
    key = drift.key if store is Store.PARAMETER else f"{drift.type.rsplit(':', 1)[-1]} {drift.key}"
    if drift.kind is not Kind.CHANGED:
        missing = drift.kind is Kind.MISSING
        yield Finding(
            Fault.MISSING if missing else Fault.UNEXPECTED,
            store,
            key,
            drift.step,
            "to be there" if missing else "nothing",
            "nothing" if missing else drift.reason,
            drift.way_back,
        )
    for difference in drift.differences:
        fault = _fault(drift, difference)
        # Content is compared key by key, below.
        if difference.path != "content":
            yield Finding(
                fault,
                store,
                key,
                drift.step,
                *_shown(difference),
                drift.way_back,
            )


def _fault(drift: Drift, difference: Difference) -> Fault:
    if difference.path.split(".")[0] == "tags":
        return Fault.WRONG_TAGS
    if drift.type == PARAMETER and difference.path == "type":
        return Fault.WRONG_TYPE
    return Fault.DIFFERENT


def _shown(difference: Difference) -> tuple[Any, Any]:
    if difference.path == "insecure_value":
        return difference.expected, difference.found
    name = difference.path
    return {name: difference.expected}, {name: difference.found}


def _parameter_types(
    entries: Sequence[Entry],
    there: dict[str, dict[str, Any]],
    found: Iterable[Finding],
    fix: str,
) -> Iterator[Finding]:
    """Values that don't fit their type, and what the modules' pipelines have not written yet."""
    mistyped = {f.key for f in found if f.fault is Fault.WRONG_TYPE}
    for entry in entries:
        if entry.store is not Store.PARAMETER or entry.key in mistyped:
            continue
        live = there.get(entry.key)
        way = fix.format(module=entry.module)
        if live is None:
            if entry.origin is Origin.DEPLOYMENT:
                yield Finding(
                    Fault.NOT_YET,
                    entry.store,
                    entry.key,
                    entry.module,
                    f"written by the deployment of {entry.module}",
                    "nothing",
                    f"Deploy {entry.module}.",
                )
            continue
        if live["Type"] == parameters.SECURE:
            if entry.origin is Origin.DEPLOYMENT:
                yield Finding(
                    Fault.WRONG_TYPE, entry.store, entry.key, entry.module,
                    "a plain parameter", parameters.SECURE, way,
                )  # fmt: skip
            continue
        fault = text_misfit(entry.type, live["Value"], required=entry.required)
        if fault is not None:
            yield Finding(
                Fault.WRONG_TYPE, entry.store, entry.key, entry.module, entry.type, fault, way
            )


def text_misfit(kind: ValueType, text: str, *, required: bool = True) -> str | None:
    """Why a parameter's text can't be read as its type, or None where it can."""
    if not text and not required:
        return None
    value: Any = text
    try:
        if kind is ValueType.INTEGER:
            value = int(text)
        elif kind is ValueType.NUMBER:
            value = float(text)
        elif kind is ValueType.BOOLEAN and text in ("true", "false"):
            value = text == "true"
        elif kind is ValueType.STRING_LIST:
            value = text.split(",")
    except ValueError:
        pass  # Then the text itself does not fit, and is named as it is.
    return misfit(kind, value)


def _profile(
    live: Live, blueprint: Blueprint, profile: Profile, entries: Sequence[Entry]
) -> Iterator[Finding]:
    """Each key of a profile as readers get it now."""
    place = f"{profile.application}/{profile.name}"
    fix = roll_out_again(blueprint.scope.settings, place)
    try:
        served = deployed_profile(live, blueprint.scope.env, profile.application, profile.name)
    except (BotoCoreError, ClientError) as error:
        yield Finding(
            Fault.UNREADABLE, Store.SETTING, place, "", "an answer", str(error),
            "Check credentials, rights and network, then run it again.",
        )  # fmt: skip
        return
    if served is None:
        yield Finding(
            Fault.MISSING, Store.SETTING, place, "", "a deployed configuration", "nothing", fix
        )
        return
    owners = {e.key: e.module for e in entries if e.place == place}
    kinds = {e.key: e.type for e in entries if e.place == place}
    wanted = _flat(profile.content["defaults"], profile.content["tenants"])
    found = _flat(served.defaults, served.tenants)
    for key in sorted({*wanted, *found}):
        name = key.partition("[")[0]
        shown, module = f"{place} {key}", owners.get(name, "")
        if key not in found:
            fault, value = Fault.MISSING, None
        elif key not in wanted:
            fault, value = Fault.UNEXPECTED, found[key]
        elif repr(found[key]) == repr(wanted[key]):
            continue
        else:
            value = found[key]
            fits = name not in kinds or misfit(kinds[name], value) is None
            fault = Fault.DIFFERENT if fits else Fault.WRONG_TYPE
        yield Finding(fault, Store.SETTING, shown, module, wanted.get(key), value, fix)


def _flat(defaults: Any, tenants: Any) -> dict[str, Any]:
    """Key -> value for all, and `key[client_id]` -> value of one tenant."""
    found = dict(defaults)
    for client_id, values in tenants.items():
        found |= {f"{key}[{client_id}]": value for key, value in values.items()}
    return found
