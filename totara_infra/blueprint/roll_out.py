"""How AppConfig spreads a new configuration, and what takes it back by itself."""

from __future__ import annotations

import json
from typing import Any

from totara_infra.blueprint.resource import PlannedResource, Reference
from totara_infra.blueprint.scope import Scope
from totara_infra.model.stack import RoleHandling

OWNER = "MOD-104"
"""Module whose tags the AppConfig resources carry: the bootstrap of what all share."""
ROLL_OUT_STEP = "roll-out"
STRATEGY = "app_config/roll-out"
ALARM = "app_config/roll-out-alarm"
MONITOR_ROLE = "role/BankConfigurationMonitorRole"
FAILED_INVOCATIONS = 10
"""Failed invocations within a minute that take a roll-out back. Assumed: only the rule that an
alarm takes it back is published, neither its metric nor its threshold."""


def roll_out_resources(scope: Scope) -> list[PlannedResource]:
    """The strategy of all deployments of the stack and, where it takes time, the alarm on it."""
    found = [_strategy(scope)]
    if _takes_time(scope):
        if scope.settings.roles is RoleHandling.CREATE:
            found += _monitor_role(scope)
        found.append(_alarm(scope))
    return found


def monitors(scope: Scope) -> list[dict[str, Any]]:
    """The alarm that AppConfig watches while it rolls out; none where that takes no time.

    A roll-out that reaches all readers at once is complete before any alarm could fire.
    """
    if not _takes_time(scope):
        return []
    name = MONITOR_ROLE.removeprefix("role/")
    created = scope.settings.roles is RoleHandling.CREATE
    return [
        {
            "alarm_arn": Reference(ALARM, "arn"),
            "alarm_role_arn": Reference(MONITOR_ROLE, "arn") if created else scope.role_arn(name),
        }
    ]


def _takes_time(scope: Scope) -> bool:
    return scope.settings.roll_out_minutes + scope.settings.roll_out_bake_minutes > 0


def _planned(token: str, name: str, properties: dict[str, Any]) -> PlannedResource:
    return PlannedResource(token, name, ROLL_OUT_STEP, "app_config", properties)


def _strategy(scope: Scope) -> PlannedResource:
    settings = scope.settings
    return _planned(
        "aws:appconfig/deploymentStrategy:DeploymentStrategy",
        STRATEGY,
        {
            "name": f"bank-{scope.env}-roll-out",
            "description": "How a new configuration spreads over the functions that read it.",
            "growth_type": settings.roll_out_growth.value,
            "growth_factor": settings.roll_out_percent,
            "deployment_duration_in_minutes": settings.roll_out_minutes,
            "final_bake_time_in_minutes": settings.roll_out_bake_minutes,
            "replicate_to": "NONE",
            "tags": scope.tags(OWNER),
        },
    )


def _alarm(scope: Scope) -> PlannedResource:
    return _planned(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        ALARM,
        {
            "name": f"bank-{scope.env}-roll-out",
            "alarm_description": "Takes back the configuration that is being rolled out.",
            # Without a dimension: all functions of the account, which is the environment.
            "namespace": "AWS/Lambda",
            "metric_name": "Errors",
            "statistic": "Sum",
            "period": 60,
            "evaluation_periods": 1,
            "threshold": FAILED_INVOCATIONS,
            "comparison_operator": "GreaterThanOrEqualToThreshold",
            # Also an alarm without data takes a roll-out back, and a quiet minute has none.
            "treat_missing_data": "notBreaching",
            "tags": scope.tags(OWNER),
        },
    )


def _monitor_role(scope: Scope) -> list[PlannedResource]:
    def document(statement: dict[str, Any]) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)

    return [
        _planned(
            "aws:iam/role:Role",
            MONITOR_ROLE,
            {
                "name": MONITOR_ROLE.removeprefix("role/"),
                "description": "AppConfig reads the alarm on its roll-outs.",
                "assume_role_policy": document(
                    {
                        "Sid": "Assume",
                        "Effect": "Allow",
                        "Principal": {"Service": "appconfig.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ),
                "tags": scope.tags(OWNER),
            },
        ),
        _planned(
            "aws:iam/rolePolicy:RolePolicy",
            f"{MONITOR_ROLE}/policy",
            {
                "name": "monitor",
                "role": Reference(MONITOR_ROLE, "name"),
                # DescribeAlarms takes alarms as resources, but AppConfig lists them all.
                "policy": document(
                    {
                        "Sid": "ReadAlarms",
                        "Effect": "Allow",
                        "Action": ["cloudwatch:DescribeAlarms"],
                        "Resource": ["*"],
                    }
                ),
            },
        ),
    ]
