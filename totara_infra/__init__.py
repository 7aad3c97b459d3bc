"""Totara Bank infrastructure as a library.

The public API: compose a platform from settings and tenants, and await it.
"""

from totara_infra.blueprint import Blueprint, plan
from totara_infra.model.stack import StackSettings, read_stack
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import load_tenants
from totara_infra.resolver import load_catalogue, resolve

__all__ = [
    "Blueprint",
    "StackSettings",
    "Tenant",
    "load_catalogue",
    "load_tenants",
    "plan",
    "read_stack",
    "resolve",
]
