"""Ids in a state against those of what is live: what an update would make twice, or not see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from totara_infra.blueprint import Blueprint
from totara_infra.operations.live import Live
from totara_infra.operations.live_resources import IDENTIFIERS, LiveResources, find_live

Recorded = Mapping[tuple[str, str], str]
"""Type token and logical name -> the id that a state has for it."""

_OF_ANOTHER = frozenset(
    {
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sqs/queuePolicy:QueuePolicy",
    }
)
"""Settings of another thing, which AWS may have by default: making them again makes nothing new."""
_COUNTED = frozenset(
    {
        "aws:appconfig/deployment:Deployment",
        "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion",
    }
)
"""Ids that end in a number that counts up: another number is a change, which drift names."""
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


@dataclass(frozen=True)
class Altered:
    """A resource whose id in the state is not that of what is live."""

    name: str
    recorded: str
    live: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.name}: the state has {self.recorded}, live is {self.live}"


@dataclass(frozen=True)
class Comparison:
    """What a look at the live environment says of a state.

    Attributes:
        unrecorded: logical name -> id of what is live and not in the state although it should be.
        altered: resources under another id than the live one.
        vanished: resources are recorded, and none of them is live.
        live: how many resources of the blueprint are live.
        not_compared: types of which nothing can be said, with the reason.
    """

    unrecorded: Mapping[str, str]
    altered: tuple[Altered, ...] = ()
    vanished: bool = False
    live: int = 0
    not_compared: tuple[str, ...] = ()


def compare_with_live(recorded: Recorded, live: Live, blueprint: Blueprint) -> Comparison:
    """Hold the ids of a state against what the readers of drift find. Reads only.

    Args:
        recorded: what the state has.
        live: the environment.
        blueprint: what should be there.
    """
    found = find_live(live, blueprint)
    # Of several of a kind the state may know which one is in use; what belongs to it depends on it.
    known = {
        ambiguity.resource.name: identifier
        for ambiguity in found.ambiguous
        for identifier in ambiguity.candidates
        if _same_of_several(
            identifier, recorded.get((ambiguity.resource.type, ambiguity.resource.name))
        )
    }
    return compared(recorded, find_live(live, blueprint, known) if known else found)


def compared(recorded: Recorded, found: LiveResources) -> Comparison:
    """The same, of what is found already.

    Args:
        recorded: what the state has.
        found: what is live.
    """
    ambiguous = {a.resource.name: " or ".join(a.candidates) for a in found.ambiguous}
    unrecorded: dict[str, str] = {}
    altered: list[Altered] = []
    known = {(token, _form(token, i)) for (token, _), i in recorded.items()}
    matched = 0
    for name, match in found.found.items():
        token = match.resource.type
        identifier = recorded.get((token, name))
        shown = ambiguous.get(name, match.identifier)
        if identifier is None:
            if _id_is_given(token) or (not recorded and _is_evidence(token)):
                unrecorded[name] = shown
        elif name not in ambiguous and _form(token, identifier) == _form(token, match.identifier):
            matched += 1
        # What the state has under another name is only moved.
        elif name in ambiguous or (token, _form(token, match.identifier)) not in known:
            altered.append(Altered(name, identifier, shown))
    read = [r for r in recorded if r[1] in found.found or r[1] in found.absent]
    return Comparison(
        unrecorded,
        tuple(altered),
        # Settings that have not been looked at, or are of no type that is read, say nothing.
        bool(read) and not matched and not found.found,
        len(found.found),
        tuple(f"{n.subject}: {n.reason}" for n in found.not_read),
    )


def _id_is_given(token: str) -> bool:
    """Whether AWS makes the id, so that nothing keeps an update from making a second one."""
    return IDENTIFIERS[token].startswith("{id}")


def _is_evidence(token: str) -> bool:
    """Whether a thing of a type shows that the environment is there.

    IAM has no region: what it has may belong to the stack of the other one.
    """
    return token not in _OF_ANOTHER and not token.startswith("aws:iam/")


def _same_of_several(candidate: str, recorded: str | None) -> bool:
    return recorded is not None and recorded.split(":")[0] == candidate


def _form(token: str, identifier: str) -> str:
    """An id without what may differ although it names the same thing."""
    if token in _COUNTED:
        return identifier.rpartition("/")[0]
    if token == _ATTACHMENT:
        # Releases of the plugin have written ROLE/ARN, and ROLE with a number of their own.
        return re.split("/arn:|-20", identifier, maxsplit=1)[0]
    if "://" in identifier:
        # A queue has its URL, whose host depends on the way to it.
        return urlsplit(identifier).path
    return identifier
