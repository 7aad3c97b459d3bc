"""Rotates a pair of signing keys, active and previous, while tokens are signed and checked.

The signer uses the active key. Verifiers accept three: the active one, the next one (the active
secret's version `AWSPENDING`) and the previous one. Both keep what they have read for a while, each
value on its own, so every write may be seen late, and two writes in either order. Hence:

1. the next key is stored as pending: published, and nothing signs with it;
2. the active key is copied to the previous secret, which nobody needs any longer by then;
3. when whatever was read before these two has run out, the next key becomes the active one.

What has been done is read from AWS before every step, so a run that ended anywhere is resumed by
the next, and two runs at once come to the same end. Decision 12 has the reasons.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import SecretStr

from totara_infra.blueprint import Blueprint
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.model.values import default_in
from totara_infra.model.vocabulary import SecretFormat
from totara_infra.operations.configuration import parameter_values
from totara_infra.operations.live import Live
from totara_infra.operations.secrets import formats, versions
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.versions import Version, version_at

CACHE_LIFETIME = "/bank/{env}/secrets-key-management/cache-lifetime"
"""Parameter: seconds for which a module may keep a secret's value."""
GRACE = "/bank/{env}/mod044/signing-key-grace"
"""Parameter: minutes for which the previous key is accepted after a rotation."""
TOKEN_LIFETIME = "platform.access-control.step-up-lifetime"
"""Setting whose maximum is the longest life of a token, in minutes."""
SETTLING = timedelta(seconds=2)
"""Secrets Manager is eventually consistent, and clocks in answers have whole seconds."""
SAY_EVERY_SECONDS = 60.0


class RotationRefusedError(TotaraError):
    """A rotation now would make valid tokens or connections fail."""

    exit_code = 1


class Move(StrEnum):
    """One step of a rotation."""

    DISCARD = "discard what is left under the label of the next key"
    STAGE = "publish the next key"
    KEEP_OLD = "keep the active key as the previous one"
    DROP_OLD = "put the next key in the place of the previous one"
    WAIT = "wait until every verifier knows the next key"
    ACTIVATE = "sign with the next key"


@dataclass(frozen=True)
class Key:
    """A signing key in a version of a secret."""

    id: str
    version: Version


@dataclass(frozen=True)
class Pair:
    """How the two secrets of a pair stand.

    Attributes:
        active: the key that signs.
        pending: the next one, or the one that was made active last.
        previous: what the other secret holds.
        has_rotated: the active secret has held another key before.
    """

    active: Key
    pending: Key | None
    previous: Key | None
    has_rotated: bool

    @property
    def now(self) -> datetime:
        """AWS's clock when the pair was read."""
        return self.active.version.seen

    @property
    def in_progress(self) -> bool:
        """A next key has been published and does not sign yet."""
        return self.pending is not None and self.pending.id != self.active.id

    @property
    def revoking(self) -> bool:
        """A rotation of compromised keys is half-way: the previous key is the next one."""
        return (
            self.in_progress
            and self.previous is not None
            and self.pending is not None
            and self.previous.id == self.pending.id
        )


@dataclass(frozen=True)
class Times:
    """How long things live.

    Attributes:
        cache: how long a module may keep a secret's value.
        grace: how long the previous key is accepted after a rotation.
        token: the longest life of a token.
    """

    cache: timedelta
    grace: timedelta
    token: timedelta

    def published(self, pair: Pair) -> datetime:
        """When every verifier knows the next key, and the active one as the previous."""
        written = [k.version.since for k in (pair.pending, pair.previous) if k is not None]
        return max(written) + self.cache + SETTLING

    def grace_ends(self, pair: Pair) -> datetime:
        """When no token of the previous key can be valid any longer."""
        return pair.active.version.since + self.grace


def read_times(live: Live, blueprint: Blueprint) -> Times:
    """The times of an environment.

    Raises:
        UsageError: the catalogue lacks one of them.
        RotationRefusedError: the grace window is too short for the tokens.
    """
    settings = [s for m in blueprint.scope.catalogue.modules.values() for s in m.settings]
    longest = next((s.maximum for s in settings if s.key == TOKEN_LIFETIME), None)
    if longest is None:
        raise UsageError(
            f"Signing keys can't be rotated: the catalogue has no {TOKEN_LIFETIME} with a maximum."
        )
    times = Times(
        cache_lifetime(live, blueprint),
        timedelta(minutes=_number(live, blueprint, GRACE)),
        timedelta(minutes=longest),
    )
    if times.grace < times.cache + times.token:
        raise RotationRefusedError(
            f"The grace window of {_words(times.grace)} ({blueprint.scope.fill(GRACE)}) is shorter "
            f"than the longest life of a token, {_words(times.token)}, after the "
            f"{_words(times.cache)} for which a signer may keep the old key: valid tokens would "
            "fail. Make it longer first."
        )
    return times


def cache_lifetime(live: Live, blueprint: Blueprint) -> timedelta:
    """How long a module may keep a secret's value in memory."""
    return timedelta(seconds=_number(live, blueprint, CACHE_LIFETIME))


def _number(live: Live, blueprint: Blueprint, name: str) -> float:
    """A parameter as the modules read it; before it is there, what the catalogue gives it."""
    scope = blueprint.scope
    path = scope.fill(name)
    with explained(f"reading {path}"):
        found = parameter_values(live, [path]).get(path)
    if found is None:
        declared = (p for m in scope.catalogue.modules.values() for p in m.parameters)
        parameter = next((p for p in declared if p.path == name), None)
        if parameter is None:
            raise UsageError(f"Nothing can be rotated: the catalogue has no parameter {name}.")
        found = str(default_in(parameter, scope.settings.environment))
    try:
        return float(found)
    except ValueError:
        raise UsageError(f"Parameter {path} is no number, but `{found}`.") from None


def read_pair(live: Live, active: str, previous: str) -> Pair | None:
    """How a pair stands; None where the active secret has no value.

    Raises:
        UsageError: one of the two holds something that is no key.
    """
    key = _key(active, version_at(live, active))
    if key is None:
        return None
    earlier = version_at(live, active, versions.EARLIER)
    return Pair(
        key,
        _key(active, version_at(live, active, versions.PENDING)),
        _key(previous, version_at(live, previous)),
        earlier is not None and earlier.value != key.version.value,
    )


def _key(path: str, version: Version | None) -> Key | None:
    if version is None:
        return None
    try:
        return Key(formats.key_id(version.value.get_secret_value()), version)
    except ValueError:
        raise UsageError(
            f"{path} holds something that is no private key. Put one in its place: "
            "`totara secrets generate … --replace`."
        ) from None


def next_move(
    pair: Pair, times: Times, *, compromised: bool, begun: bool, fresh: bool
) -> Move | None:
    """What a rotation has to do next; None when it is complete.

    Args:
        pair: as AWS has it now.
        times: of the environment.
        compromised: the keys of the pair must not be accepted any longer.
        begun: this run has begun or resumed a rotation.
        fresh: this run has made the pending key, so it can't be compromised.
    """
    if not pair.in_progress:
        if begun:
            return None
        return Move.STAGE if pair.pending is None else Move.DISCARD
    if pair.revoking:
        return Move.ACTIVATE
    if compromised:
        return Move.DROP_OLD if fresh else Move.DISCARD
    if pair.previous is None or pair.previous.id != pair.active.id:
        return Move.KEEP_OLD
    return Move.ACTIVATE if pair.now >= times.published(pair) else Move.WAIT


def refusal(pair: Pair, times: Times) -> str | None:
    """Why a rotation can't begin, or give the previous key up, now; None where it can."""
    held = pair.previous
    kept = held is None or held.id == pair.active.id
    if not pair.has_rotated or pair.revoking or (pair.in_progress and kept):
        return None
    since = _clock(pair.active.version.since)
    if held is None or kept:
        # No older key counts, but not everybody may have read the new one yet.
        ends = pair.active.version.since + times.cache + SETTLING
        why = f"key {pair.active.id} signs since {since}, and is read everywhere by {_clock(ends)}"
    else:
        ends = times.grace_ends(pair)
        why = (
            f"key {pair.active.id} signs since {since}, and tokens of the key before it, "
            f"{held.id}, count until {_clock(ends)}"
        )
    if pair.now >= ends:
        return None
    return f"{why}. Rotate after that; if a key is known to others, say --compromised: tokens die"


def old_key_ended(pair: Pair, times: Times) -> bool:
    """Whether no key but the active one is accepted any longer."""
    held = pair.previous
    return held is None or held.id == pair.active.id or pair.now >= times.grace_ends(pair)


def dying(pair: Pair, times: Times) -> str:
    """Which tokens die when the keys of a pair are given up at once."""
    ids = [pair.active.id]
    if pair.previous is not None and pair.previous.id not in ids and not pair.revoking:
        ids.append(pair.previous.id)
    return (
        f"every token signed with {' or '.join(ids)} dies, at most {_words(times.token)} before "
        f"its time; functions that run accept them for up to {_words(times.cache)} more unless "
        "they are restarted; whoever held one is asked to step up again"
    )


def outlook(pair: Pair, times: Times, *, compromised: bool) -> str:
    """What a run would do now, in words."""
    verb = "resumes: " if pair.in_progress and not compromised else ""
    if compromised:
        return f"a new key signs at once; {dying(pair, times)}"
    wait = f"after {_words(times.cache)} the next key signs, the old one counts on"
    if pair.in_progress:
        return f"{verb}{wait}"
    return f"publishes the next key, keeps {pair.active.id} as the previous; {wait}"


def rotate(
    live: Live, active: str, previous: str, times: Times, *, compromised: bool
) -> Iterator[str]:
    """Carry a rotation out, or on. Waits for as long as modules keep a value.

    Args:
        live: access to the environment.
        active: path of the active secret.
        previous: path of the previous one.
        times: of the environment.
        compromised: give up the keys of the pair at once.

    Yields:
        What was done, in sentences.

    Raises:
        RotationRefusedError: valid tokens would fail, or another run has interfered.
        AwsRefusedError: AWS refused a step; the next run goes on from there.
    """
    first: str | None = None
    begun = fresh = False
    while True:
        pair = read_pair(live, active, previous)
        if pair is None:
            raise RotationRefusedError(f"{active} has no value any longer.")
        first = first or pair.active.id
        move = next_move(pair, times, compromised=compromised, begun=begun, fresh=fresh)
        if move is None:
            break
        if move is Move.WAIT:
            yield from _wait(pair, times)
        else:
            if move in (Move.DISCARD, Move.STAGE, Move.KEEP_OLD) and not compromised:
                _refuse(active, pair, times)
            yield _do(live, move, pair, active, previous)
        begun = begun or move is not Move.DISCARD
        fresh = fresh or move is Move.STAGE
    if pair.active.id == first:
        raise RotationRefusedError(
            f"{active}: another run has discarded the next key; key {first} still signs. Run it "
            "again when that one has ended."
        )
    yield f"{active}: key {pair.active.id} signs."


def _refuse(path: str, pair: Pair, times: Times) -> None:
    if (why := refusal(pair, times)) is not None:
        raise RotationRefusedError(f"{path}: not rotated: {why}.")


def _do(live: Live, move: Move, pair: Pair, active: str, previous: str) -> str:
    pending = pair.pending
    if move is Move.STAGE or pending is None:
        value = SecretStr(formats.generated(SecretFormat.PRIVATE_KEY_PEM))
        versions.stage(live, active, value)
        return f"{active}: key {formats.key_id(value.get_secret_value())} published as the next."
    match move:
        case Move.DISCARD:
            versions.unstage(live, active, pending.version)
            return f"{active}: label of key {pending.id} removed."
        case Move.KEEP_OLD:
            versions.write(live, previous, pair.active.version.value)
            return f"{previous}: key {pair.active.id} kept."
        case Move.DROP_OLD:
            versions.write(live, previous, pending.version.value)
            return f"{previous}: key {pending.id}, so that no older one is accepted."
        case _:
            versions.write(live, active, pending.version.value)
            return f"{active}: key {pending.id} is the active one."


def _wait(pair: Pair, times: Times) -> Iterator[str]:
    """Wait by a clock that nobody sets, for what AWS's clock says is left; says so now and then."""
    left = (times.published(pair) - pair.now).total_seconds()
    end = time.monotonic() + left
    yield (
        f"Waits {left:.0f} s until every function has read the next key. To interrupt is safe: "
        "the same command goes on."
    )
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, SAY_EVERY_SECONDS))
        if end - time.monotonic() > 1:
            yield f"  {end - time.monotonic():.0f} s left"


def _words(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone().isoformat(sep=' ', timespec='seconds')}"
