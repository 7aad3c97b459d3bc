"""The four environments as the project's files describe them."""

from __future__ import annotations

from functools import cache

from tests.conftest import PROJECT
from totara_infra import Blueprint, StackSettings, load_catalogue, load_tenants, plan, read_stack
from totara_infra.model.vocabulary import Environment


@cache
def settings_of(environment: Environment) -> StackSettings:
    return read_stack(PROJECT, environment.value)


@cache
def blueprint_of(environment: Environment) -> Blueprint:
    settings = settings_of(environment)
    return plan(load_catalogue().catalogue, settings, load_tenants(PROJECT, settings.tenants))
