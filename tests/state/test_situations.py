"""Every state that a stack can be in, and that following what is said leads to a sound one."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tests.conftest import PROJECT
from tests.state.conftest import URN, Backend
from tests.state.test_status import ended
from totara_infra import Blueprint, load_catalogue, load_tenants, plan, read_stack
from totara_infra.cli.main import app
from totara_infra.delivery.state import rebuild, status
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.situations import SITUATIONS, Situation
from totara_infra.delivery.state.status import refuse_other_things, refuse_unsound
from totara_infra.local.project import state_directory
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.operations.drift.reading import Thing
from totara_infra.operations.live import Live
from totara_infra.operations.live_resources import Ambiguity, LiveResources, Match

POOL, WINDOW = "user_pool/staff", "tenant-acorn/institution-type"
MOST_STEPS = 6
COMMAND = re.compile(r"`((?:totara|pulumi) [^`…]+)`")


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    settings = read_stack(PROJECT, "local")
    return plan(load_catalogue().catalogue, settings, load_tenants(PROJECT, settings.tenants))


@dataclass
class World:
    """A stack: files of a backend, an emulator, and what is live in it.

    AWS and the engine are what stands in for them here: readers answer with `live`, and the engine
    that rebuilds a state writes it. Everything else is the real thing.
    """

    backend: Backend
    blueprint: Blueprint
    live: dict[str, str] = field(default_factory=dict)
    doubled: dict[str, list[str]] = field(default_factory=dict)
    running: bool = True

    def found(self, *_: object, take: dict[str, str] | None = None) -> LiveResources:
        matches, ambiguous = {}, []
        for name, identifier in self.live.items():
            resource = self.blueprint.resources[name]
            several = self.doubled.get(name, []) if name not in (take or {}) else []
            if several:
                ambiguous.append(Ambiguity(resource, dict.fromkeys([identifier, *several], "")))
            chosen = (take or {}).get(name, identifier)
            matches[name] = Match(resource, chosen, Thing(name, {}, {"id": chosen}))
        absent = tuple(name for name in self.blueprint.resources if name not in matches)
        return LiveResources(matches, absent, tuple(ambiguous))

    def write(self, recorded: dict[str, str], pending: bool = False) -> None:
        def resource(name: str, identifier: str) -> dict[str, object]:
            kind = self.blueprint.resources[name].type
            urn = URN.format(stack="local", kind=kind.removeprefix("aws:"), name=name)
            return {"urn": urn, "custom": True, "type": kind, "id": identifier}

        operation = {"type": "creating", "resource": resource(POOL, "")}
        latest = {
            "resources": [resource(*entry) for entry in recorded.items()],
            "pending_operations": [operation] if pending else [],
        }
        self.backend.write()
        content = {"version": 3, "checkpoint": {"stack": "local", "latest": latest}}
        self.backend.state().write_text(json.dumps(content))

    def empty(self) -> None:
        self.backend.write()
        content = {"version": 3, "checkpoint": {"stack": "local", "latest": None}}
        self.backend.state().write_text(json.dumps(content))

    def rebuilt(self, stack: str, live: Live, found: LiveResources) -> tuple:
        whole = {name: match.identifier for name, match in found.found.items()}
        self.write(whole)
        return self.backend.state().read_bytes(), {}, SimpleNamespace(operations={})

    def run(self, command: str) -> str:
        """Do what a command does; all that it says."""
        program, *words = command.split()
        if program == "pulumi":
            assert words == ["cancel", "-s", "local"]
            assert self.backend.state().exists(), "the engine knows no such stack"
            for lock in self.backend.bookkeeping.glob("locks/*/*/local/*.json"):
                lock.unlink()
            return ""
        done = CliRunner().invoke(app, words)
        # What `totara` prints of an error that people can mend.
        return done.output + (
            str(done.exception) if isinstance(done.exception, TotaraError) else ""
        )


@pytest.fixture
def world(backend: Backend, blueprint: Blueprint, monkeypatch, tmp_path) -> World:
    named = Backend(tmp_path / "named")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{named.folder}")
    made = World(named, blueprint)

    def context(*_: object) -> tuple[Blueprint, Live]:
        if not made.running:
            raise UsageError("its emulator is not running")
        return blueprint, Live(blueprint.scope.settings)

    def found(_live: Live, _blueprint: Blueprint, take: object = None) -> LiveResources:
        return made.found(take=take)

    monkeypatch.setattr(
        "totara_infra.local.emulator.running", lambda _: object() if made.running else None
    )
    for module in (status, rebuild):
        monkeypatch.setattr(module, "live_context", context)
    monkeypatch.setattr("totara_infra.delivery.state.comparison.find_live", found)
    monkeypatch.setattr(rebuild, "find_live", found)
    monkeypatch.setattr(rebuild, "ensure_ready", lambda: None)
    monkeypatch.setattr(rebuild, "_rebuilt", made.rebuilt)
    return made


def data(world: World) -> dict:
    return json.loads(world.run("totara state status local --format json"))


def live_and_recorded(world: World) -> None:
    world.live = {POOL: "pool-1", WINDOW: world.blueprint.resources[WINDOW].properties["name"]}
    world.write(world.live)


def held(world: World) -> None:
    live_and_recorded(world)
    world.backend.lock(4711, hostname="runner-12")


def held_and_lost(world: World) -> None:
    held(world)
    world.backend.state().unlink()


def unreadable_lock(world: World) -> None:
    live_and_recorded(world)
    world.backend.lock(1).write_text("{")


def left_locked(world: World) -> None:
    live_and_recorded(world)
    world.backend.lock(ended())


def left_locked_and_lost(world: World) -> None:
    left_locked(world)
    world.backend.state().unlink()


def first_update_killed_at_once(world: World) -> None:
    """Nothing is live, and there is a lock, a mark and an empty state."""
    world.empty()
    world.backend.lock(ended())
    mark(world)


def damaged(world: World) -> None:
    live_and_recorded(world)
    world.backend.state().write_text("{")


def damaged_and_gone(world: World) -> None:
    damaged(world)
    world.live = {}


def damaged_and_stopped(world: World) -> None:
    damaged_and_gone(world)
    world.running = False


def mark(world: World) -> None:
    path = state_directory() / "local.updating"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": ended()}))


def interrupted(world: World) -> None:
    live_and_recorded(world)
    mark(world)


def unfinished(world: World) -> None:
    live_and_recorded(world)
    world.write({}, pending=True)


def unfinished_and_gone(world: World) -> None:
    unfinished(world)
    world.live = {}


def killed_in_a_bucket(world: World) -> None:
    """A lock, operations that nobody finished, and the mark, all at once."""
    unfinished(world)
    world.backend.lock(ended())
    mark(world)


def killed_and_stopped(world: World) -> None:
    """The same, and the emulator has ended since."""
    killed_in_a_bucket(world)
    world.live, world.running = {}, False


def lost(world: World) -> None:
    live_and_recorded(world)
    world.backend.state().unlink()


def emptied(world: World) -> None:
    live_and_recorded(world)
    world.empty()


def partly_recorded(world: World) -> None:
    """As a killed update leaves it that wrote its state once, at the end."""
    live_and_recorded(world)
    world.write({WINDOW: world.live[WINDOW]})


def altered(world: World) -> None:
    live_and_recorded(world)
    world.write(world.live | {POOL: "pool-of-somebody-else"})


def altered_name(world: World) -> None:
    live_and_recorded(world)
    world.write(world.live | {WINDOW: "/bank/local/other"})


def vanished(world: World) -> None:
    live_and_recorded(world)
    world.live = {}


def stopped(world: World) -> None:
    live_and_recorded(world)
    world.live, world.running = {}, False


FAULTY: dict[Callable[[World], None], Situation] = {
    held: Situation.HELD_ELSEWHERE,
    held_and_lost: Situation.HELD_ELSEWHERE,
    unreadable_lock: Situation.HELD_ELSEWHERE,
    left_locked: Situation.LEFT_LOCKED,
    left_locked_and_lost: Situation.LEFT_LOCKED,
    first_update_killed_at_once: Situation.LEFT_LOCKED,
    damaged: Situation.DAMAGED,
    damaged_and_gone: Situation.DAMAGED,
    damaged_and_stopped: Situation.DAMAGED,
    interrupted: Situation.INTERRUPTED,
    unfinished: Situation.UNFINISHED,
    unfinished_and_gone: Situation.UNFINISHED,
    killed_in_a_bucket: Situation.UNFINISHED,
    killed_and_stopped: Situation.UNFINISHED,
    lost: Situation.UNRECORDED,
    emptied: Situation.UNRECORDED,
    partly_recorded: Situation.UNRECORDED,
    altered: Situation.ALTERED,
    altered_name: Situation.ALTERED,
    vanished: Situation.VANISHED,
    stopped: Situation.VANISHED,
}
ELSEWHERE = {Situation.HELD, Situation.UPDATING, Situation.ORPHANED}
"""Waited for, Pulumi Cloud's, and of the project's own backend: see test_status."""


def test_the_list_is_whole_and_no_way_forward_leads_back():
    assert set(SITUATIONS) == set(Situation)
    assert set(FAULTY.values()) | ELSEWHERE == {s for s, e in SITUATIONS.items() if not e.ready}

    def ends(situation: Situation, before: tuple[Situation, ...]) -> Iterator[Situation]:
        assert situation not in before, [*before, situation]
        entry = SITUATIONS[situation]
        if not entry.leads_to:
            yield situation
        for following in entry.leads_to:
            yield from ends(following, (*before, situation))

    for situation in Situation:
        for end in ends(situation, ()):
            assert SITUATIONS[end].ready or end is Situation.HELD


@pytest.mark.parametrize("make", FAULTY, ids=lambda make: make.__name__)
def test_following_what_is_said_leads_to_a_sound_state(world: World, make):
    make(world)
    expected = FAULTY[make]
    assert expected.value in data(world)["situations"]
    with pytest.raises(StateError):
        refuse_unsound("local")
        refuse_other_things("local", Live(world.blueprint.scope.settings), world.blueprint)
    allowed = {
        command.format(stack="local", words="local")
        for entry in SITUATIONS.values()
        for command in entry.commands
    }
    taken: list[str] = []
    said = world.run("totara state status local")
    for _ in range(MOST_STEPS):
        offered = COMMAND.findall(said)
        assert offered, f"no way forward after {taken}: {said}"
        assert set(offered) <= allowed
        assert offered[0] not in taken, f"in a circle: {[*taken, offered[0]]}"
        taken.append(offered[0])
        said = world.run(offered[0])
        if data(world)["sound"]:
            break
        if not COMMAND.search(said):
            said = world.run("totara state status local")
    else:
        raise AssertionError(f"not sound after {taken}")

    refuse_unsound("local")
    refuse_other_things("local", Live(world.blueprint.scope.settings), world.blueprint)
    assert not (state_directory() / "local.updating").exists()
    # Nothing of the old state is lost on the way.
    assert status.state_status("local").recorded.keys() == {
        (world.blueprint.resources[name].type, name) for name in world.live
    }


def test_what_is_live_and_not_recorded_is_named(world: World):
    emptied(world)

    said = world.run("totara state status local")

    assert f"{POOL}: pool-1" in said
    assert "are live (2), and its state is empty" in said
    assert data(world)["compared"]["unrecorded"].keys() == world.live.keys()


def test_an_altered_id_is_named_with_the_live_one(world: World):
    altered(world)

    said = world.run("totara state status local")

    assert f"{POOL}: the state has pool-of-somebody-else, live is pool-1" in said


def test_of_two_of_a_kind_the_state_may_know_the_one_in_use(world: World):
    live_and_recorded(world)
    world.doubled = {POOL: ["pool-2"]}
    assert data(world)["sound"]

    world.write(world.live | {POOL: "pool-3"})
    assert data(world)["situations"] == ["altered"]


def test_an_empty_state_beside_what_is_live_is_refused(world: World):
    live_and_recorded(world)

    said = world.run("totara state rebuild local --empty")

    assert "2 resources of stack local are live" in said
    assert data(world)["sound"]


def test_a_stack_that_is_new_needs_nothing(world: World):
    assert data(world)["situations"] == ["new"]
    world.empty()
    assert data(world)["situations"] == ["new"]
    refuse_other_things("local", Live(world.blueprint.scope.settings), world.blueprint)


def test_a_stopped_emulator_with_the_projects_own_state_is_no_fault(world: World, monkeypatch):
    live_and_recorded(world)
    content = world.backend.state().read_text()
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    own = Backend(state_directory() / "state")
    own.write().write_text(content)
    world.running = False

    assert data(world)["situations"] == ["stopped"]
    assert "`totara up local` starts both afresh" in world.run("totara state status local")


def test_an_emulator_that_was_just_started_needs_no_state(world: World, monkeypatch):
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    assert data(world)["situations"] == ["orphaned"]

    refuse_other_things("local", Live(world.blueprint.scope.settings), world.blueprint)

    world.live = {POOL: "pool-1"}
    with pytest.raises(StateError, match="it has no state"):
        refuse_other_things("local", Live(world.blueprint.scope.settings), world.blueprint)


def test_a_lock_of_this_machine_names_whom_to_wait_for(world: World):
    live_and_recorded(world)
    lock = world.backend.lock(os.getpid())
    assert json.loads(lock.read_text())["hostname"] == socket.gethostname()
    assert data(world)["situations"] == ["held"]


def test_the_guide_lists_every_state():
    guide = (PROJECT / "docs" / "guides" / "recover-from-a-failed-up.md").read_text()

    for situation, entry in SITUATIONS.items():
        if not entry.ready:
            assert f"| {situation.value} |" in guide
            commands = [c.format(stack="prod", words="prod") for c in entry.commands]
            row = next(line for line in guide.splitlines() if f"| {situation.value} |" in line)
            assert [c for c in commands if f"`{c}`" not in row] == []


def test_copies_of_a_state_are_counted(world: World, tmp_path: Path):
    live_and_recorded(world)
    folder = world.backend.bookkeeping / "backups" / "totara-infra" / "local"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"local.{1796090753000000000 + number}.json").write_text("{}")

    assert data(world)["copies"] == 3
    assert "Older copies of the state beside it: 3." in world.run("totara state status local")
