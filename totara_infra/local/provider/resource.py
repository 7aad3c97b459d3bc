"""What the provider knows of one resource type, and the AWS account it works in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from totara_infra.local.provider.errors import NotSettled
from totara_infra.local.provider.values import Properties

REGION = "region"
"""Property by which a thing is put into another region than the provider's, where it is served."""
REGION_REPLACES = {
    REGION: "https://docs.aws.amazon.com/general/latest/gr/rande.html: a thing is in one region"
}


class Aws(Protocol):
    """The account and region that the provider was configured for."""

    region: str
    default_tags: Mapping[str, str]

    @property
    def account_id(self) -> str:
        """Twelve digits."""
        ...

    def client(self, service: str) -> Any:
        """Return the botocore client of `service`, made once and shared by all threads."""
        ...

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a regional resource of this account."""
        ...


@dataclass(frozen=True)
class Made:
    """A thing that was just created. Without `outputs` it is read to learn them."""

    id: str
    outputs: Properties | None = None


@dataclass(frozen=True)
class Live:
    """A thing as it is in AWS now.

    `inputs` holds every managed property that the API returns, in the form of the SDK, tags under
    `tags`; `outputs` what AWS added.
    """

    inputs: Properties
    outputs: Properties = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What Pulumi's state knows of a thing; both empty when it is being imported."""

    inputs: Properties
    outputs: Properties


@dataclass(frozen=True)
class ResourceType:
    """How one type lives.

    Attributes:
        token: Pulumi's name of the type.
        serves: Input properties that are carried out; any other one is refused.
        create: Makes the thing, or refuses when one with its name exists.
        read: Returns the thing as it is, or None when it is gone.
        update: Makes the thing as the new inputs say, whatever it was; None where nothing can be
        changed.
        delete: Removes the thing; a thing that is gone is no error.
        finish: What remains after `create`; when it fails the thing stays in the state and the
        next run
            goes on with `update`.
        verify: Yields (property, sentence) for what is wrong in a way that the SDK's types don't
        show.
        replaces: Property that can't be changed in place -> source of that knowledge.
        replaces_when: Returns further properties whose particular change needs a replacement.
        defaults: Value that AWS takes where the program gives none.
        computed: Properties that AWS fills where the program gives none: its value is then right.
        unreadable: Properties that no API returns; the recorded input stands on read.
        policies: JSON policies, compared as AWS understands them.
        json_values: Other JSON properties, compared by meaning.
        sets: Lists whose order means nothing.
        name: Property that names the thing; made up as the real provider does where it is not
        given.
        unique: Properties that together are the thing's identity in AWS: where they stay the same,
        the old
            thing must go before its replacement is made.
        outputs: Further outputs, unknown in the preview of a create.
        volatile: Those of `outputs` that an update may change.
        predict: Outputs that follow from the inputs, for previews.
    """

    token: str
    serves: frozenset[str]
    create: Callable[[Aws, Properties], Made]
    read: Callable[[Aws, str, Recorded], Live | None]
    delete: Callable[[Aws, str, Recorded], None]
    update: Callable[[Aws, str, Properties, Properties], None] | None = None
    finish: Callable[[Aws, str, Properties], None] | None = None
    verify: Callable[[Properties], Iterator[tuple[str, str]]] | None = None
    replaces: Mapping[str, str] = field(default_factory=dict)
    replaces_when: Callable[[Properties, Properties], set[str]] | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()
    json_values: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    name: str | None = None
    unique: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    volatile: frozenset[str] = frozenset()
    predict: Callable[[Aws, Properties], Properties] | None = None

    @property
    def tagged(self) -> bool:
        """Whether the type carries tags."""
        return "tags" in self.serves


def words(text: str) -> frozenset[str]:
    """Return the words of `text` as a set, for short tables."""
    return frozenset(text.split())


def error_code(error: ClientError) -> str:
    """Return AWS's code of an error, such as `ParameterNotFound`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def unless_gone(call: Callable[..., Any], *codes: str, **request: Any) -> Any | None:
    """Return the answer of `call`, or None when AWS answers with one of `codes`, "not found"."""
    try:
        return call(**request)
    except ClientError as error:
        if error_code(error) in codes:
            return None
        raise


def keep_trying(call: Callable[[], Any], *codes: str, text: str = "", seconds: float = 30.0) -> Any:
    """Return the answer of `call`, trying again while AWS answers with one of `codes`.

    Args:
        call: The request.
        codes: Error codes that pass by themselves, as when a role was made a moment ago.
        text: Only errors whose message holds this are waited for.
        seconds: After so long the error is final.
    """
    end, pause = time.monotonic() + seconds, 0.1
    while True:
        try:
            return call()
        except ClientError as error:
            if error_code(error) not in codes or text not in str(error) or time.monotonic() > end:
                raise
        time.sleep(pause)
        pause = min(pause * 1.6, 2.0)


def wait_until(done: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until `done` says so.

    Raises:
        NotSettled: After `seconds`; the text says what was waited for.
    """
    end, pause = time.monotonic() + seconds, 0.05
    while not done():
        if time.monotonic() > end:
            raise NotSettled(f"{what} within {seconds:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.6, 2.0)


def pairs(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Return tags in AWS's list form."""
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def from_pairs(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return AWS's list of tags as a map; tags that AWS itself owns are not ours to manage."""
    found = {tag["Key"]: tag["Value"] for tag in tags or []}
    return {key: value for key, value in found.items() if not key.startswith("aws:")}


def differ(new: Properties, old: Properties, *names: str) -> bool:
    """Say whether any of `names` differs between two sets of inputs."""
    return any(new.get(name) != old.get(name) for name in names)


def change_tags(
    new: Properties,
    old: Properties,
    add: Callable[[dict[str, str]], Any],
    remove: Callable[[list[str]], Any],
) -> None:
    """Bring a thing's tags from those of `old` to those of `new`."""
    wanted, had = new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if gone := sorted(set(had) - set(wanted)):
        remove(gone)
    if changed := {key: value for key, value in wanted.items() if had.get(key) != value}:
        add(changed)
