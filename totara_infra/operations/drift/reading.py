"""What is live, read type by type: the common ground of the readers, one file a service."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint, PlannedResource, Reference
from totara_infra.model.naming import placeholders
from totara_infra.model.stack import PROJECT
from totara_infra.model.vocabulary import Source
from totara_infra.operations.live import Live

T = TypeVar("T")
S = TypeVar("S")

CALLS_SIDE_BY_SIDE = 24
"""Enough to hide the time of a round trip, below the pool of connections of one client."""

Names = Callable[[PlannedResource], str]


@dataclass(frozen=True)
class Thing:
    """Something in AWS, in the words of the blueprint.

    Attributes:
        key: identifies it among the things of its type, made of names only: `POOL/CLIENT`.
        properties: what its reader reads, in the blueprint's spelling.
        attributes: the outputs to which references of the blueprint lead, such as `id` and `arn`.
        ours: why a thing that the blueprint lacks should not be there; empty for one that is none
            of our business.
    """

    key: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    ours: str = ""


@dataclass(frozen=True)
class TypeReader:
    """How one resource type is read and compared.

    Attributes:
        token: Pulumi's type token.
        read: gives the things of the type that are live, ours or perhaps ours.
        reads: names of the properties that `read` gives where they are set. Any other property of
            the blueprint is reported as not looked at, never as drift.
        key: properties whose values, joined by `/`, identify a thing; a reference counts with the
            key of what it leads to.
        sets: properties that are lists without order.
        documents: properties that are JSON and compared by meaning.
        keyed: property that is a list of objects -> the field by which these are told apart.
        partial: objects that AWS completes; only the fields that the blueprint gives are compared.
        assumed: property -> value that counts as not set.
        unreadable: property -> why nobody can read it back.
        calls: pattern of the names of the calls that write it, where others of the service name
            it too: every write to a client names its pool.
        advice: way back, where a refresh and an update are not enough.
        if_missing: the same for a thing that is gone.
    """

    token: str
    read: Callable[[Reading], Iterable[Thing]]
    reads: frozenset[str]
    key: tuple[str, ...] = ("name",)
    sets: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    keyed: Mapping[str, str] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()
    assumed: Mapping[str, Any] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    calls: str = ""
    advice: str = ""
    if_missing: str = ""


def words(text: str) -> frozenset[str]:
    """A set of names, written as one text."""
    return frozenset(text.split())


class Reading:
    """One look at an environment. Shared by the readers, which run side by side.

    Attributes:
        live: access to it.
        blueprint: what should be there.
        passed_over: ids of things that count as not there. Where AWS lets two have one name, this
            is how one of them is chosen.
    """

    def __init__(
        self,
        live: Live,
        blueprint: Blueprint,
        names: Names,
        passed_over: frozenset[str] = frozenset(),
    ) -> None:
        self.live = live
        self.blueprint = blueprint
        self.passed_over = passed_over
        self._names = names
        self._calls = ThreadPoolExecutor(CALLS_SIDE_BY_SIDE, thread_name_prefix="aws-call")
        self._answers: dict[str, Any] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def close(self) -> None:
        """End the threads."""
        self._calls.shutdown(wait=False, cancel_futures=True)

    @property
    def env(self) -> str:
        """Name of the environment."""
        return self.blueprint.scope.env

    def client(self, service: str, region: str | None = None) -> Any:
        """A client by boto3's name of the service, in another region where one is given."""
        return self.live.client(service, region=region)

    def regions(self, token: str) -> list[str | None]:
        """Where the blueprint has things of a type: None for the own region, then others."""
        planned = self.planned(token).values()
        others = {str(r.properties["region"]) for r in planned if "region" in r.properties}
        return [None, *sorted(others)]

    @cached_property
    def _planned(self) -> dict[str, dict[str, PlannedResource]]:
        found: dict[str, dict[str, PlannedResource]] = {}
        for resource in self.blueprint.resources.values():
            found.setdefault(resource.type, {})[self._names(resource)] = resource
        return found

    def planned(self, token: str) -> Mapping[str, PlannedResource]:
        """What the blueprint has of a type, by key."""
        return self._planned.get(token, {})

    def each(self, function: Callable[[S], T], items: Iterable[S]) -> list[T]:
        """Call AWS for each item, many side by side; the results in the order of the items.

        Only for functions that call AWS and nothing of this class that waits for others.
        """
        return list(self._calls.map(function, items))

    def once(self, name: str, function: Callable[[], T]) -> T:
        """The result of a function that several readers need; the first one calls it."""
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._answers:
                self._answers[name] = function()
            answer: T = self._answers[name]
            return answer

    def tagged(self, tags: Mapping[str, str]) -> str:
        """Why a thing with these tags is ours, or nothing."""
        ours = tags.get("managed_by") == PROJECT and tags.get("env") == self.env
        return "it carries the tags of this environment" if ours else ""

    @cached_property
    def left_to_deployments(self) -> frozenset[str]:
        """Names of everything that the modules' own pipelines make, filled in for each tenant."""
        scope = self.blueprint.scope
        names = {
            name
            for module in scope.catalogue.modules.values()
            for name in (
                *(p.path for p in module.parameters if p.source is Source.DEPLOYMENT),
                *(r.name for r in module.resources if r.source is Source.DEPLOYMENT),
            )
        }
        clients = [t.client_id for t in scope.tenants]
        return frozenset(
            scope.fill(name, client)
            for name in names
            for client in (clients if "client_id" in placeholders(name) else [None])
        )


def unless_gone(call: Callable[..., Any], *codes: str, **request: Any) -> dict[str, Any] | None:
    """The answer of a call, or None where AWS says with one of these codes that it is gone."""
    try:
        answer: dict[str, Any] = call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise
    return answer


def pages(
    call: Callable[..., Any], items: str, token: str = "NextToken", **request: Any
) -> Iterator[Any]:
    """Every item of a paged answer, for calls that boto3 has no paginator for."""
    while True:
        answer = call(**request)
        yield from answer.get(items, [])
        if not answer.get(token):
            return
        request[token] = answer[token]


def tags_from(pairs: Sequence[Mapping[str, str]] | None, name: str = "Key") -> dict[str, str]:
    """Tags as a mapping, without AWS's own."""
    value = name.replace("Key", "Value")
    return own_tags({p[name]: p[value] for p in pairs or []})


def own_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Tags without those that AWS sets itself."""
    return {k: v for k, v in (tags or {}).items() if not k.startswith("aws:")}


_ACRONYM = re.compile(r"([A-Z]+)([A-Z][a-z])")
_WORD = re.compile(r"([a-z0-9])([A-Z])")


def snake(name: str) -> str:
    """AWS's spelling to the blueprint's: `KMSMasterKeyID` becomes `kms_master_key_id`."""
    return _WORD.sub(r"\1_\2", _ACRONYM.sub(r"\1_\2", name)).lower()


def snaked(value: Any) -> Any:
    """A value with all its names in the blueprint's spelling; absent parts are left out."""
    if isinstance(value, Mapping):
        return {snake(k): snaked(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [snaked(v) for v in value]
    return value


def chosen(answer: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Those properties of an answer that a reader reads, in the blueprint's spelling."""
    return {k: v for k, v in snaked(answer).items() if k in names}


def key_of(
    resource: PlannedResource,
    blueprint: Blueprint,
    readers: Mapping[str, TypeReader],
) -> str:
    """The key of a planned resource, see `TypeReader.key`.

    A type without reader is known by its logical name.
    """
    reader = readers.get(resource.type)
    if reader is None:
        return resource.name
    parts = []
    for name in reader.key:
        value = resource.properties[name]
        if isinstance(value, Reference):
            value = key_of(blueprint.resources[value.resource], blueprint, readers)
        parts.append(str(value))
    return "/".join(parts)
