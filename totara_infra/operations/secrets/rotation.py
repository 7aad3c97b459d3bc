"""Plans and carries out the rotation of secrets: by us, by MOD-045's function, or by people."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from botocore.exceptions import ClientError
from pydantic import SecretStr

from totara_infra.blueprint import Blueprint
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.model.vocabulary import Rotation, SecretFormat
from totara_infra.operations.live import Live
from totara_infra.operations.secrets import formats, signing, versions
from totara_infra.operations.secrets.answers import AwsRefusedError, explained
from totara_infra.operations.secrets.filling import current_value, rotation_function
from totara_infra.operations.secrets.inventory import (
    CURRENT,
    Entry,
    Standing,
    State,
    command,
    entries,
    standings,
)
from totara_infra.operations.secrets.versions import PENDING, version_at

_ACTIVE, _PREVIOUS = "-active", "-previous"
_FUNCTION_SECONDS = 300.0
"""How long a rotation function may take: four calls that each talk to a database."""
_ASK_EVERY_SECONDS = 0.5


class Way(StrEnum):
    """How a secret gets its next value."""

    SIGNING = "signing key"
    """Made here, active and previous side by side."""
    HANDOVER = "made here, handed over"
    """Made here; the other side must have it, or its public half, before it is used."""
    FUNCTION = "rotation function"
    """By MOD-045's function, which Secrets Manager calls."""
    ISSUER = "issued by others"


class Outcome(StrEnum):
    """How a step ended, or what is in its way."""

    PLANNED = "planned"
    ROTATED = "rotated"
    DONE = "done before"
    """Changed since the moment that was given."""
    PERSON = "waits for a person"
    SKIPPED = "skipped"
    """There is no value to replace."""
    REFUSED = "refused"
    """Something that is valid would fail."""
    FAILED = "failed"


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        compromised: the values are known to others, and must not be accepted any longer.
        handed_over: the other side has the next value.
        since: what was changed after this moment is done.
    """

    compromised: bool = False
    handed_over: bool = False
    since: datetime | None = None


@dataclass(frozen=True)
class Step:
    """One secret, or one pair of signing keys, of a rotation.

    Attributes:
        entry: the secret.
        way: how it gets its next value.
        outcome: how it stands.
        what: what is done, is to be done by a person, or is in the way.
        why: why it stands at this place.
        restart: ids of the modules that must restart once it is done, in order of deployment.
        public_key: the public half of a key that was made, as PEM.
    """

    entry: Entry
    way: Way
    outcome: Outcome
    what: str
    why: str
    restart: tuple[str, ...] = ()
    public_key: str | None = None


def select(
    blueprint: Blueprint, *, everything: bool, domain: str | None, path: Entry | None
) -> list[Entry]:
    """The secrets that were asked for, in order of the modules that declare them.

    Of a pair of signing keys only the active one: they are rotated together.

    Raises:
        UsageError: nothing, or more than one thing, was asked for, or no such domain.
    """
    if sum((everything, domain is not None, path is not None)) != 1:
        raise UsageError("Say what to rotate: one of --all, --domain SDnn, --path PATH.")
    known = entries(blueprint)
    if path is not None:
        return [known[_active_of(path.path, known)]]
    chosen = [e for p, e in known.items() if _active_of(p, known) == p]
    if domain is None:
        return chosen
    domains = blueprint.scope.catalogue.domain
    if domain not in domains:
        raise UsageError(f"There is no domain `{domain}`. The domains: {', '.join(domains)}.")
    segment = domains[domain].path_segment
    return [e for e in chosen if e.path.split("/")[3] == segment]


def _active_of(path: str, known: dict[str, Entry]) -> str:
    """Path of the active key where this is the previous one of a pair; else the path itself."""
    active = path.removesuffix(_PREVIOUS) + _ACTIVE
    return active if path.endswith(_PREVIOUS) and active in known else path


def _previous_of(entry: Entry) -> str:
    return entry.path.removesuffix(_ACTIVE) + _PREVIOUS


def way_of(entry: Entry, known: dict[str, Entry]) -> Way:
    """How a secret gets its next value, among all that there are."""
    secret = entry.secret
    if secret.rotation is Rotation.AUTOMATIC:
        return Way.FUNCTION
    if secret.format not in formats.GENERATED:
        return Way.ISSUER
    if secret.rotation is Rotation.GRACE and _previous_of(entry) in known:
        return Way.SIGNING
    return Way.HANDOVER


def planned(
    live: Live, blueprint: Blueprint, chosen: Sequence[Entry], options: Options
) -> list[Step]:
    """What a rotation would do, in its order. Changes nothing.

    Raises:
        UsageError: a signing key that is none, or a catalogue without its times.
        RotationRefusedError: the grace window is too short for the tokens.
        AwsRefusedError: AWS does not answer.
    """
    known = entries(blueprint)
    pairs = [known[_previous_of(e)] for e in chosen if way_of(e, known) is Way.SIGNING]
    found = standings(live, [*chosen, *pairs], blueprint.scope.env, datetime.now(UTC))
    by_path = {s.entry.path: s for s in found}
    planner = _Planner(live, blueprint, options, by_path, rotation_function(live, blueprint))
    return [planner.step(by_path[e.path], way_of(e, known)) for e in chosen]


@dataclass(frozen=True)
class _Planner:
    live: Live
    blueprint: Blueprint
    options: Options
    standings: dict[str, Standing]
    function: str | None

    def step(self, standing: Standing, way: Way) -> Step:
        step = Step(
            standing.entry,
            way,
            Outcome.PLANNED,
            "",
            self._why(standing),
            _readers(self.blueprint, standing.entry),
        )
        if (lacking := self._lacking(standing)) is not None:
            return replace(step, outcome=Outcome.SKIPPED, what=lacking, restart=())
        if way is not Way.SIGNING and self._is_done(standing.changed):
            return replace(step, outcome=Outcome.DONE, what=f"changed {standing.changed:%F %T} UTC")
        plan = {
            Way.SIGNING: self._signing,
            Way.HANDOVER: self._handover,
            Way.FUNCTION: self._by_function,
            Way.ISSUER: self._issuer,
        }[way]
        return plan(step, standing)

    def _is_done(self, changed: datetime | None) -> bool:
        since = self.options.since
        return since is not None and changed is not None and changed >= since

    def _why(self, standing: Standing) -> str:
        module = self.blueprint.sequence.module[standing.entry.module]
        place = f"{module.id} goes up in phase {module.phase}, wave {module.wave}"
        if standing.changed is None:
            return place
        late = ", overdue" if standing.state is State.OVERDUE else ""
        due = f", due {standing.due:%F}" if standing.due and not late else ""
        return f"{place}; value of {standing.changed:%F}{due}{late}"

    def _lacking(self, standing: Standing) -> str | None:
        path = standing.entry.path
        if standing.state is State.ABSENT:
            return f"no container: `totara up {self.blueprint.scope.env}` makes it"
        if standing.state is State.TO_BE_DELETED:
            return f"deleted: {command(self.blueprint.scope.settings, 'put', path, '--restore')}"
        if standing.state is State.EMPTY:
            made_here = standing.entry.secret.format in formats.GENERATED
            verb = "generate" if made_here else "put"
            return f"empty: {command(self.blueprint.scope.settings, verb, path)}"
        return None

    def _signing(self, step: Step, standing: Standing) -> Step:
        path, previous = standing.entry.path, _previous_of(standing.entry)
        other = self.standings[previous]
        if other.state in (State.ABSENT, State.TO_BE_DELETED):
            return replace(step, outcome=Outcome.REFUSED, what=f"{previous} {self._lacking(other)}")
        times = signing.read_times(self.live, self.blueprint)
        pair = signing.read_pair(self.live, path, previous)
        if pair is None:
            return replace(step, outcome=Outcome.SKIPPED, what="empty", restart=())
        compromised = self.options.compromised
        # A leaked key must not be accepted as the previous one either.
        ended = signing.old_key_ended(pair, times)
        settled = not pair.in_progress and (ended or not compromised)
        if settled and self._is_done(pair.active.version.since):
            what = f"changed {pair.active.version.since:%F %T} UTC"
            return replace(step, outcome=Outcome.DONE, what=what)
        if not compromised and (why := signing.refusal(pair, times)) is not None:
            return replace(step, outcome=Outcome.REFUSED, what=why, restart=())
        what = signing.outlook(pair, times, compromised=compromised)
        # Otherwise what is kept in memory runs out before anything depends on it.
        return replace(step, what=what, restart=step.restart if compromised else ())

    def _handover(self, step: Step, standing: Standing) -> Step:
        path = standing.entry.path
        pending = version_at(self.live, path, PENDING)
        if pending is not None and pending.value == current_value(self.live, path):
            pending = None
        if self.options.compromised:
            return replace(step, what="a new key is used at once; hand it over without delay")
        if self.options.handed_over:
            if pending is None:
                first = command(self.blueprint.scope.settings, "rotate", "--path", path)
                what = f"no next key has been made to be handed over: {first}"
                return replace(step, outcome=Outcome.REFUSED, what=what, restart=())
            return replace(step, what=f"the key made {pending.since:%F %T} UTC is used from now on")
        if pending is not None:
            what = f"made {pending.since:%F %T} UTC; {hand_over(self.blueprint, step.entry)}"
            return replace(step, outcome=Outcome.PERSON, what=what)
        return replace(step, what="makes the next key, not in use before it is handed over")

    def _by_function(self, step: Step, standing: Standing) -> Step:
        path = standing.entry.path
        if not standing.live.get("RotationEnabled"):
            if self.function is None:
                what = (
                    "MOD-045's function is not deployed: make a new password at the database, "
                    f"then {command(self.blueprint.scope.settings, 'put', path)}"
                )
            else:
                attach = command(self.blueprint.scope.settings, "schedule")
                what = f"its rotation is not attached: {attach}, then rotate again"
            return replace(step, outcome=Outcome.PERSON, what=what)
        cache = signing.cache_lifetime(self.live, self.blueprint)
        if standing.changed is not None and not self.options.compromised:
            ends = standing.changed + cache
            if datetime.now(UTC) < ends:
                what = f"changed {standing.changed:%F %T} UTC; some may hold the value before it "
                what += f"until {ends:%T} UTC, and a second rotation ends that one"
                return replace(step, outcome=Outcome.REFUSED, what=what, restart=())
        return replace(step, what="Secrets Manager calls MOD-045's function; its result is checked")

    def _issuer(self, step: Step, standing: Standing) -> Step:
        secret = standing.entry.secret
        put = command(self.blueprint.scope.settings, "put", standing.entry.path)
        withdraw = "; have the old one withdrawn" if self.options.compromised else ""
        what = f"get a new {secret.content}, then {put}{withdraw}"
        return replace(step, outcome=Outcome.PERSON, what=what)


def _readers(blueprint: Blueprint, entry: Entry) -> tuple[str, ...]:
    """Modules here that read a secret, in the order in which they went up."""
    readers = set(blueprint.scope.modules_of(entry.secret.readers))
    return tuple(m for m in blueprint.sequence.module if m in readers)


def hand_over(blueprint: Blueprint, entry: Entry, *, used: bool = False) -> str:
    """What a person has to do with a key that was made here."""
    label = CURRENT if used else PENDING
    if entry.secret.format is SecretFormat.PRIVATE_KEY_PEM:
        give = "register its public half at the other side"
    else:
        give = (
            "give it to the other side (aws secretsmanager get-secret-value --secret-id "
            f"{entry.path} --version-stage {label}, by a role that may)"
        )
    if used:
        return give
    settings = blueprint.scope.settings
    return f"{give}, then {command(settings, 'rotate', '--path', entry.path, '--handed-over')}"


def carried_out(
    live: Live, blueprint: Blueprint, steps: Sequence[Step], options: Options
) -> Iterator[str | Step]:
    """Carry a plan out, step by step; one that fails does not keep the others.

    Yields:
        What is being done, in sentences, and each step as it ended.
    """
    for step in steps:
        if step.outcome is not Outcome.PLANNED:
            yield step
            continue
        try:
            yield from _carried_out(live, blueprint, step, options)
        except signing.RotationRefusedError as error:
            yield replace(step, outcome=Outcome.REFUSED, what=str(error))
        except TotaraError as error:
            yield replace(step, outcome=Outcome.FAILED, what=str(error))


def _carried_out(
    live: Live, blueprint: Blueprint, step: Step, options: Options
) -> Iterator[str | Step]:
    path = step.entry.path
    if step.way is Way.SIGNING:
        times = signing.read_times(live, blueprint)
        done = ""
        for done in signing.rotate(
            live, path, _previous_of(step.entry), times, compromised=options.compromised
        ):
            yield done
        yield replace(step, outcome=Outcome.ROTATED, what=done.removeprefix(f"{path}: "))
    elif step.way is Way.FUNCTION:
        yield f"{path}: MOD-045's function is called."
        what = _call_function(live, step.entry)
        yield replace(step, outcome=Outcome.ROTATED, what=what)
    elif options.handed_over:
        pending = version_at(live, path, PENDING)
        if pending is None:
            raise signing.RotationRefusedError(f"{path}: somebody has discarded the next key.")
        versions.write(live, path, pending.value)
        versions.unstage(live, path, pending)
        yield replace(step, outcome=Outcome.ROTATED, what="the key that was handed over is used")
    else:
        yield _new_key(live, blueprint, step, options)


def _new_key(live: Live, blueprint: Blueprint, step: Step, options: Options) -> Step:
    path, form = step.entry.path, step.entry.secret.format
    value = SecretStr(formats.generated(form))
    public = None
    if form is SecretFormat.PRIVATE_KEY_PEM:
        public = formats.public_half(value.get_secret_value())
    if (old := version_at(live, path, PENDING)) is not None:
        versions.unstage(live, path, old)
    if options.compromised:
        versions.write(live, path, value)
        what = f"a new key is used; {hand_over(blueprint, step.entry, used=True)}"
    else:
        versions.stage(live, path, value)
        what = f"the next key is made; {hand_over(blueprint, step.entry)}"
    return replace(step, outcome=Outcome.PERSON, what=what, public_key=public)


def _call_function(live: Live, entry: Entry) -> str:
    """Start a rotation, or find the one that runs, and see it through.

    Raises:
        AwsRefusedError: it was not started, has not ended in time, has changed nothing, or has
            stored a value that is not in the format of the secret.
    """
    client, path = live.client("secretsmanager"), entry.path
    before = current_value(live, path)
    with explained(f"asking for the state of {path}"):
        running = _unfinished(client.describe_secret(SecretId=path)["VersionIdsToStages"])
    with explained(f"starting the rotation of {path}"):
        try:
            version = client.rotate_secret(SecretId=path)["VersionId"]
        except ClientError as error:
            # Secrets Manager tries an unfinished one again, and says so with this error.
            if error.response["Error"]["Code"] != "InvalidRequestException" or running is None:
                raise
            version = running
    end = time.monotonic() + _FUNCTION_SECONDS
    labels: list[str] = []
    while CURRENT not in labels:
        if time.monotonic() > end:
            raise AwsRefusedError(
                f"The rotation of {path} has not ended in {_FUNCTION_SECONDS:.0f} s; the value "
                "before it still counts.\n    fix: see the log of MOD-045's function, mend what "
                "it says, and rotate again: Secrets Manager goes on with the same rotation"
            )
        with explained(f"asking for the state of {path}"):
            described = client.describe_secret(SecretId=path)
        labels = described["VersionIdsToStages"].get(version, [])
        if CURRENT not in labels:
            time.sleep(_ASK_EVERY_SECONDS)
    after = current_value(live, path)
    if after == before:
        raise AwsRefusedError(
            f"The rotation of {path} has ended, but the value is the one before it.\n    fix: "
            "MOD-045's function does not do its work; see its log, and mend it first"
        )
    if (wrong := formats.fault(entry.secret.format, after.get_secret_value())) is not None:
        raise AwsRefusedError(
            f"The rotation of {path} has ended, but no reader can use the new value: {wrong}.\n"
            "    fix: mend MOD-045's function, and rotate again"
        )
    return "the function has put a new value"


def _unfinished(labels: dict[str, list[str]]) -> str | None:
    """Id of the version that a rotation has begun with and not finished."""
    return next(
        (v for v, found in labels.items() if PENDING in found and CURRENT not in found), None
    )


def moment_of(text: str) -> datetime:
    """A moment from the command line, with a time zone.

    Raises:
        UsageError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"`{text}` is no moment: write it like 2026-05-01T09:30Z or 2026-05-01T21:30+12:00."
        ) from None
    if moment.tzinfo is None:
        raise UsageError(f"`{text}` has no time zone: add Z for UTC, or an offset such as +12:00.")
    if moment > datetime.now(UTC) + timedelta(minutes=5):
        raise UsageError(f"`{text}` is in the future: nothing has been changed after it.")
    return moment
