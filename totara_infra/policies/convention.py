"""What a policy is made of, whichever part of the platform it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from totara_infra.policies.examined import Examined


@dataclass(frozen=True)
class Convention:
    """A rule for each resource by itself. It holds an update back before the resource is made.

    Attributes:
        name: of the policy.
        rule: what must hold and why, in a sentence or two.
        check: yields what is wrong with a resource and how to mend it; nothing where all is well.
    """

    name: str
    rule: str
    check: Callable[[Examined], Iterator[str]]


@dataclass(frozen=True)
class StackConvention:
    """A rule for resources together. The engine asks when it has seen all of them.

    Attributes:
        name: of the policy.
        rule: what must hold and why, in a sentence or two.
        check: yields the resource that is at fault, what is wrong and how to mend it.
    """

    name: str
    rule: str
    check: Callable[[Sequence[Examined]], Iterator[tuple[Examined, str]]]
