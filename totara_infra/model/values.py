"""Configuration values: whether one fits its type, and how SSM and AppConfig write it."""

from __future__ import annotations

import math
import re
import zoneinfo
from functools import cache

from totara_infra.model.declarations import Parameter, Scalar, Setting
from totara_infra.model.problems import quoted
from totara_infra.model.vocabulary import Environment, ValueType

_SCHEDULE = re.compile(
    r"^(rate\([1-9]\d* (minute|minutes|hour|hours|day|days)\)"
    r"|cron\(\S+ \S+ \S+ \S+ \S+ \S+\))$"
)
_URL = re.compile(r"^(https://\S+|http://(127\.\d+\.\d+\.\d+|localhost)(:\d+)?(/\S*)?)$")
_ARN = re.compile(r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:\d{0,12}:\S+$")


@cache
def _zones() -> set[str]:
    return zoneinfo.available_timezones()


def misfit(kind: ValueType, value: Scalar) -> str | None:
    """Why a value does not fit its type, or None where it does."""
    # bool is a kind of int in Python, but `true` is no number of hours.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case ValueType.BOOLEAN:
            fits, wanted = isinstance(value, bool), "true or false"
        case ValueType.INTEGER:
            fits, wanted = number and isinstance(value, int), "a whole number"
        case ValueType.NUMBER:
            fits = isinstance(value, int | float) and number and math.isfinite(value)
            wanted = "a finite number"
        case ValueType.STRING_LIST:
            fits = isinstance(value, list) and not any("," in item for item in value)
            wanted = "a list of texts without commas"
        case ValueType.SCHEDULE:
            fits = isinstance(value, str) and bool(_SCHEDULE.match(value))
            wanted = "`rate(5 minutes)` or `cron(...)` with six fields"
        case ValueType.TIME_ZONE:
            fits = isinstance(value, str) and value in _zones()
            wanted = "a name of the time zone database, such as `Pacific/Auckland`"
        case ValueType.URL:
            fits, wanted = isinstance(value, str) and bool(_URL.match(value)), "an https:// URL"
        case ValueType.ARN:
            fits, wanted = isinstance(value, str) and bool(_ARN.match(value)), "an ARN"
        case ValueType.STRING:
            fits, wanted = isinstance(value, str), "a text (quote it)"
    shown = repr(quoted(value)) if isinstance(value, str) else quoted(value)
    return None if fits else f"{shown} is not {wanted}"


def outside(setting: Setting, value: Scalar) -> str | None:
    """Why a value breaks a setting's own limits, or None where it keeps them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            return f"{value} is not a number that JSON can hold"
        if setting.minimum is not None and value < setting.minimum:
            return f"{value} is below the minimum {setting.minimum:g}"
        if setting.maximum is not None and value > setting.maximum:
            return f"{value} is above the maximum {setting.maximum:g}"
    if setting.choices is not None:
        chosen = value if isinstance(value, list) else [value]
        strange = [c for c in chosen if c not in setting.choices]
        if strange:
            return f"{strange[0]!r} is not one of {', '.join(setting.choices)}"
    return None


def default_in(declaration: Parameter | Setting, environment: Environment) -> Scalar | None:
    """The catalogue's value in one environment."""
    return declaration.defaults.get(environment, declaration.default)


def as_text(value: Scalar) -> str:
    """The value as SSM stores it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(value)
    return str(value)
