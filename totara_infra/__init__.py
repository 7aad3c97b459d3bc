"""Totara Bank infrastructure as a library.

The public API: compose a platform from settings and tenants, and await it. What it needs is
imported when it is first asked for, so that the command line starts at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from totara_infra.blueprint import Blueprint, plan
    from totara_infra.model.stack import StackSettings, read_stack
    from totara_infra.model.tenancy import Tenant
    from totara_infra.model.tenants import load_tenants
    from totara_infra.platform import Platform
    from totara_infra.resolver import load_catalogue, resolve

_HOMES = {
    "Blueprint": "blueprint",
    "Platform": "platform",
    "StackSettings": "model.stack",
    "Tenant": "model.tenancy",
    "load_catalogue": "resolver",
    "load_tenants": "model.tenants",
    "plan": "blueprint",
    "read_stack": "model.stack",
    "resolve": "resolver",
}

__all__ = [
    "Blueprint",
    "Platform",
    "StackSettings",
    "Tenant",
    "load_catalogue",
    "load_tenants",
    "plan",
    "read_stack",
    "resolve",
]


def __getattr__(name: str) -> Any:
    """Import a public name from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
