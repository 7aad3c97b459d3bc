"""A resource as the engine hands it to the policies, as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from totara_infra.local import emulator
from totara_infra.local.project import project_root, runs_locally
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.documents import read_document
from totara_infra.model.loading import read_catalogue
from totara_infra.model.stack import StackSettings, parse_stack


class Unknown:
    """A value that is given, but known only once another resource is made."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Context:
    """What the policies know of the stack.

    Attributes:
        settings: of the stack, as its file says.
        catalogue: well formed, file by file.
    """

    settings: StackSettings
    catalogue: Catalogue


@dataclass(frozen=True)
class Examined:
    """A resource that the engine is about to make or keep.

    Attributes:
        type: Pulumi's type token.
        name: logical name.
        urn: the engine's name of it.
        properties: inputs (in a check of the whole stack, outputs) in the engine's spelling,
            camel case; what is not known yet is `UNKNOWN`.
        context: of the stack.
        protect: the engine refuses to delete it.
        provider: logical name of its provider; None for what has none.
        depends: property -> logical names and types of the resources that its value comes from;
            given only in a check of the whole stack.
    """

    type: str
    name: str
    urn: str
    properties: Mapping[str, Any]
    context: Context
    protect: bool = False
    provider: str | None = None
    depends: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @property
    def settings(self) -> StackSettings:
        """Settings of the stack."""
        return self.context.settings

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue."""
        return self.context.catalogue

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every known text among the properties, with the path that leads to it."""
        yield from _texts(self.properties, "")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case Mapping():
            for key, item in value.items():
                yield from _texts(item, f"{path}.{key}" if path else str(key))
        case list():
            for number, item in enumerate(value):
                yield from _texts(item, f"{path}[{number}]")


def known(value: Any) -> Any:
    """Plain data from what `pulumi_policy` hands over, which raises where a value is not known."""
    match value:
        case Mapping():
            return {str(key): _item(value, key) for key in value}
        case Sequence() if not isinstance(value, str | bytes):
            return [_item(value, number) for number in range(len(value))]
        case _:
            return value


def _item(container: Any, key: Any) -> Any:
    try:
        return known(container[key])
    except UnknownValueError:
        return UNKNOWN


@cache
def context_of(urn: str) -> Context:
    """The stack that a resource belongs to.

    Args:
        urn: of a resource, or its beginning `urn:pulumi:<stack>`.

    Raises:
        ProblemsError: what is wrong in the stack's file or in the catalogue.
    """
    return _context(urn.split(":", 3)[2])


@cache
def _context(stack: str) -> Context:
    overrides: dict[str, Any] = {"stack": stack}
    if runs_locally(stack):
        overrides["endpoint"] = emulator.endpoint(stack)
    root = project_root()
    # The very file that the engine reads, which is generated for a rehearsal or a recovery stack.
    settings = parse_stack(read_document(root / f"Pulumi.{stack}.yaml", root), overrides)
    # The program holds the catalogue against every rule; to do so again would double the start-up.
    return Context(settings, read_catalogue().catalogue)
