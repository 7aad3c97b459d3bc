"""Where the trigger has its licences from: never older than it says, whatever AppConfig does."""

from __future__ import annotations

import json
import math
import os
import time
from unittest.mock import patch

import botocore.session
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.identity.appconfig_data import FAULTS, TOKEN_LIFE, AppConfigData
from totara_infra.model.sign_in import LICENCE_GRACE, LIMITS
from totara_infra.trigger import pre_token_generation as trigger
from totara_infra.trigger.pre_token_generation import Age, Clocks, LicenceSource, Refused

POLL, KEEP, RETRY = 60, 900, 15
"""Seconds: between two looks, at most without one, and after a failed one."""
VARIABLES = {
    "AWS_REGION": "ap-southeast-2",
    "LICENCE_APPLICATION": "bank-platform",
    "LICENCE_ENVIRONMENT": "prod",
    "LICENCE_PROFILE": "deployment",
    "LICENCE_POLL_SECONDS": str(POLL),
    "LICENCE_KEEP_SECONDS": str(KEEP),
}


def profile(status: str) -> str:
    licence = {"deployment.status": status, "deployment.jurisdiction": "NZ"}
    return json.dumps({"defaults": {}, "tenants": {"acorn": licence}})


class World:
    """A function's container: the true time, the clocks that it sees, and AppConfig."""

    def __init__(self, *, traced: bool = True) -> None:
        self.now = 1_800_000_000.0
        self.steady = 0.0
        self.ahead = 0.0
        """Seconds by which the wall clock is ahead of the true time."""
        self.traced = traced
        self.service = AppConfigData(lambda: self.now, profile("live"))

    def clocks(self) -> Clocks:
        return Clocks(
            self.steady, self.now + self.ahead, float(int(self.now)) if self.traced else None
        )

    def passes(self, seconds: float, *, suspended: bool = False) -> None:
        self.now += seconds
        if not suspended:
            self.steady += seconds

    def started(self, **changed: str) -> LicenceSource:
        """A licence source as a cold start makes it."""
        with (
            patch.dict(os.environ, VARIABLES | changed),
            patch.object(botocore.session, "get_session", lambda: self.service),
        ):
            source = trigger.source_from_environment()
        source._clocks = self.clocks
        return source


def status(source: LicenceSource) -> object:
    return source.licences()["acorn"]["deployment.status"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_suspension_during_a_fault_is_seen_at_the_next_look(fault: str) -> None:
    world = World()
    source = world.started()
    assert status(source) == "live"
    world.service.content, world.service.fault = profile("suspended"), fault
    world.passes(POLL)
    # A session that is open needs no other one.
    assert status(source) == ("suspended" if fault == "no session" else "live")
    world.service.fault = None
    world.passes(RETRY)
    world.service.calls.clear()
    assert status(source) == "suspended"
    assert world.service.calls == ([] if fault == "no session" else ["start", "look"])
    world.passes(POLL)
    assert status(source) == "suspended"


def test_a_session_that_begins_with_nothing_says_nothing_about_what_is_known() -> None:
    world = World()
    source = world.started()
    assert status(source) == "live"
    world.service.content, world.service.fault = "", "unreachable"
    world.passes(POLL)
    assert status(source) == "live"
    world.service.fault = None
    for _ in range(KEEP // POLL - 1):
        world.passes(POLL)
        assert status(source) == "live"
    world.passes(1)
    with pytest.raises(Refused, match="not known"):
        source.licences()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_cold_start_that_fails_refuses_and_the_next_look_serves(fault: str) -> None:
    world = World()
    source = world.started()
    world.service.fault = fault
    with pytest.raises(Refused, match="not known"):
        source.licences()
    world.service.fault = None
    world.passes(RETRY)
    assert status(source) == "live"


def test_what_is_known_serves_for_the_grace_time_and_no_longer() -> None:
    world = World()
    source = world.started()
    assert status(source) == "live"
    world.service.fault = "unreachable"
    world.passes(KEEP)
    assert status(source) == "live"
    world.passes(1)
    with pytest.raises(Refused, match="not known"):
        source.licences()


def test_nothing_new_keeps_the_licences_fresh_and_one_session_serves_all() -> None:
    world = World()
    source = world.started()
    for _ in range(40):
        assert status(source) == "live"
        world.passes(POLL)
    assert world.service.calls == ["start"] + ["look"] * 40


def test_appconfig_is_asked_once_in_a_poll_interval_and_once_in_a_retry_interval() -> None:
    world = World()
    source = world.started()
    for fault, step in ((None, POLL / 4), ("unreachable", RETRY / 3)):
        world.passes(POLL)
        world.service.fault = fault
        world.service.calls.clear()
        for _ in range(12):
            status(source)
            world.passes(step)
        looks = [call for call in world.service.calls if call == "look" or fault]
        assert len(looks) == (3 if fault is None else 4)


def test_a_token_that_slept_too_long_and_one_asked_too_early_begin_a_new_session() -> None:
    world = World()
    source = world.started()
    assert status(source) == "live"
    world.service.content = profile("suspended")
    world.passes(TOKEN_LIFE + 1, suspended=True)
    assert status(source) == "suspended"
    assert world.service.calls == ["start", "look", "look", "start", "look"]
    # AppConfig may lengthen its interval at any time; ours is what we promise.
    world.service.interval = 600
    for wanted in ("live", "suspended", "live"):
        world.service.content = profile(wanted)
        world.passes(POLL)
        assert status(source) == wanted


@pytest.mark.parametrize("given", ["nan", "inf", "1e9"])
def test_no_variable_lets_licences_serve_for_ever(given: str) -> None:
    world = World()
    source = world.started(LICENCE_KEEP_SECONDS=given)
    if given != "nan":
        assert status(source) == "live"
    world.service.fault = "unreachable"
    world.passes(trigger.MOST_SECONDS + 1)
    with pytest.raises(Refused, match="not known"):
        source.licences()


def test_a_poll_interval_beyond_the_grace_time_is_cut_to_it() -> None:
    world = World()
    source = world.started(LICENCE_POLL_SECONDS="86400")
    for _ in range(3):
        assert status(source) == "live"
        world.passes(KEEP + 1)


def test_the_catalogue_allows_what_the_function_does() -> None:
    assert LIMITS[LICENCE_GRACE][1] == trigger.MOST_SECONDS


@pytest.mark.parametrize(
    ("readings", "age"),
    [
        ([Clocks(0, 0), Clocks(10, 10)], 10),
        # Suspended: only the wall clock goes on.
        ([Clocks(0, 0), Clocks(1, 5000)], 5000),
        # Suspended, and the wall clock is late: only the request knows.
        ([Clocks(0, 0, 100), Clocks(1, 1, 5100)], 5000),
        # Slowed down a little, as every clock is.
        ([Clocks(0, 0), Clocks(1000, 999.5)], 1000),
        # Set back after a suspension that was seen, and by less than a suspension that was not.
        ([Clocks(0, 0), Clocks(1, 700), Clocks(2, 100)], math.inf),
        ([Clocks(0, 0, 0), Clocks(1, 200, 701)], 701),
        # Set forward counts: too old is safe.
        ([Clocks(0, 0), Clocks(1, 3601)], 3601),
        # A request's time that somebody made up makes nothing younger.
        ([Clocks(0, 0, 9000), Clocks(10, 10, 5)], 10),
        # Once old, always old.
        ([Clocks(0, 0), Clocks(1, -50), Clocks(2, 5000)], math.inf),
    ],
)
def test_the_clock_that_saw_most_time_pass_decides(readings: list[Clocks], age: float) -> None:
    first, *later = readings
    measured = Age(first)
    assert [measured.at(reading) for reading in later][-1] == age


def test_the_time_of_a_request_is_read_from_lambdas_tracing_header(monkeypatch) -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    clocks = trigger.read_clocks()
    assert clocks.invoked == 0x5759E988
    assert abs(clocks.wall - time.time()) < 5
    assert clocks.steady <= trigger.read_clocks().steady
    for other in ("", "Self=1-5759e988-bd862e3fe1be46a994272793", "Root=2-5759e988-x"):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", other)
        assert trigger.read_clocks().invoked is None


AWAKE, ASLEEP, STOPPED = "awake", "suspended", "suspended with every clock of its own"


class Licensing(RuleBasedStateMachine):
    """Any order of sign-ins, roll-outs, faults, suspensions, clock changes and cold starts."""

    @initialize(traced=st.booleans())
    def starts(self, traced: bool) -> None:
        self.world = World(traced=traced)
        self.service = self.world.service
        self.history = [(-math.inf, "live")]
        """Since when which status has been deployed, in true time."""
        self.cold_start()

    @rule()
    def cold_start(self) -> None:
        self.source = self.world.started()
        self.failing, self.failed_at = False, -math.inf

    @rule(interval=st.sampled_from([None, 300, 86_400]))
    def appconfig_sets_its_interval(self, interval: float | None) -> None:
        self.service.interval = interval

    @rule(seconds=st.sampled_from([-86_400, -600, -30, 30, 600, 86_400]))
    def clock_is_set(self, seconds: float) -> None:
        self.world.ahead += seconds
        if not self.world.traced:
            # Without the request's time, setting the clock back could hide a suspension between
            # two looks at it; so there is a look before and after.
            self.signs_in(0, AWAKE, False, None, 0, False)

    @rule(
        later=st.sampled_from([0.5, RETRY, POLL, POLL, POLL + 1, KEEP + 1, TOKEN_LIFE + 1]),
        meanwhile=st.sampled_from([AWAKE, AWAKE, ASLEEP, STOPPED]),
        rolled_out=st.sampled_from([False, False, True]),
        fault=st.sampled_from([None] * len(FAULTS) + list(FAULTS)),
        takes=st.sampled_from([0, 0, 1, 4, 1000]),
        rolled_out_meanwhile=st.booleans(),
    )
    def signs_in(
        self,
        later: float,
        meanwhile: str,
        rolled_out: bool,
        fault: str | None,
        takes: float,
        rolled_out_meanwhile: bool,
    ) -> None:
        """Somebody signs in.

        Args:
            later: seconds since the last one.
            meanwhile: what became of the function in these.
            rolled_out: whether another status has been deployed just before.
            fault: of AppConfig.
            takes: seconds of each call to it, or of a suspension during the call.
            rolled_out_meanwhile: whether another status is deployed right after the answer.
        """
        self.world.passes(later, suspended=meanwhile != AWAKE)
        if meanwhile == STOPPED and self.world.traced:
            self.world.ahead -= later
        if rolled_out:
            self._roll_out()

        def during_call() -> None:
            if rolled_out_meanwhile:
                self._roll_out()
            self.world.passes(takes, suspended=takes > 10)

        self.service.calls.clear()
        self.service.fault, self.service.during_call = fault, during_call
        began = self.world.now
        try:
            found: object = status(self.source)
        except Refused:
            found = None
        if self.service.calls:
            self.failing = fault is not None
            self.failed_at = self.world.now if self.failing else -math.inf
        slow = takes > 10 and bool(self.service.calls)
        if found is None:
            assert slow or (self.failing and self.world.now - self.failed_at < RETRY)
        elif not self.failing and not slow:
            assert found in self._deployed_since(began - POLL)
        else:
            # Whatever is served, nothing of it is older than the grace time now.
            assert found in self._deployed_since(self.world.now - KEEP)

    def _roll_out(self) -> None:
        other = "suspended" if self.history[-1][1] == "live" else "live"
        self.history.append((self.world.now, other))
        self.service.content = profile(other)

    def _deployed_since(self, moment: float) -> set[str]:
        """Every status that was deployed at some time from then on."""
        ends = [since for since, _ in self.history[1:]] + [math.inf]
        return {s for (_, s), end in zip(self.history, ends, strict=True) if end >= moment}


Licensing.TestCase.settings = settings(max_examples=120, stateful_step_count=15, deadline=None)
TestLicensing = Licensing.TestCase
