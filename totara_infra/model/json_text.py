"""JSON that comes in from outside: read strictly, and never with another error than ValueError."""

from __future__ import annotations

import json
import math
from typing import Any


def read_json(text: str | bytes) -> Any:
    """Data from JSON.

    Args:
        text: as it came; bytes in UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: it is not JSON, is nested too deeply, has a key twice, or a number that JSON
            can't represent. The message repeats none of the content.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=_refused,
            parse_float=_finite,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno} is not JSON") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _integer(digits: str) -> int:
    # Python refuses to convert more than a few thousand digits; no number here has more than these.
    if len(digits) > 40:
        raise ValueError("a number is too large")
    return int(digits)
