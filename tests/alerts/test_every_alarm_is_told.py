"""An alarm without an action of its own is part of what has one."""

from __future__ import annotations

import re

import pytest

from tests.environments import blueprint_of
from totara_infra.blueprint.roll_out import ALARM
from totara_infra.model.vocabulary import Environment

KINDS = ("MetricAlarm", "CompositeAlarm")


@pytest.mark.parametrize("environment", [Environment.UAT, Environment.PROD])
def test_an_alarm_has_an_action_or_a_composite_that_has_one(environment):
    """Scanners count the former only; 22 alarms of prod have none by design."""
    resources = blueprint_of(environment).resources
    alarms = {n: r.properties for n, r in resources.items() if r.shape in KINDS}
    told = {n for n, properties in alarms.items() if properties.get("alarm_actions")}
    joined = {
        name
        for n in told
        for name in re.findall(r'ALARM\("([^"]+)"\)', str(alarms[n].get("alarm_rule", "")))
    }
    silent = {n for n in set(alarms) - told if alarms[n]["name"] not in joined}
    # AppConfig watches this one and takes a roll-out back.
    watched = {
        monitor["alarm_arn"].resource
        for r in resources.values()
        for monitor in r.properties.get("monitors", [])
    }
    assert watched <= {ALARM}
    assert silent == watched
    assert len(told) > 40
    assert len(set(alarms) - told) > 15
