"""Copies of the project for the tests of the real engine, with the slow installations shared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.checkout import Checkout
from tests.ready_made import PERSISTING, Original, original, shared_folder
from tests.small_catalogue import write_small_catalogue
from totara_infra.local.project import state_directory
from totara_infra.local.setup import ensure_ready

SMALL_TENANTS = ("totara-bank", "acorn")


@pytest.fixture(scope="module")
def new_checkout(tmp_path_factory) -> Iterator[Callable[[], Checkout]]:
    """Makes copies of the project; what runs on them ends with the module."""
    engine = ensure_ready().path
    made = []

    def make() -> Checkout:
        root = tmp_path_factory.mktemp("checkout")
        made.append(Checkout(root, engine, (state_directory() / "emulator").resolve()))
        return made[-1]

    yield make
    for checkout in made:
        checkout.close()


@pytest.fixture(scope="module")
def new_small_checkout(new_checkout) -> Callable[[], Checkout]:
    """Makes copies whose catalogue has seventeen modules of every kind: an update takes 10 s."""

    def make() -> Checkout:
        checkout = new_checkout()
        make_small(checkout)
        return checkout

    return make


@pytest.fixture(scope="module")
def new_small_environment(new_small_checkout, tmp_path_factory) -> Callable[[], Checkout]:
    """Makes small copies whose stack `local` is up, as `totara up local` leaves it."""
    shared = shared_folder(tmp_path_factory.getbasetemp())

    def bring_up() -> Original:
        checkout = new_small_checkout()
        checkout.totara("up", "local", **PERSISTING)
        return Original(checkout.state, checkout.port)

    def make() -> Checkout:
        made = original(shared, "small", bring_up)
        checkout = new_small_checkout()
        made.copy(
            checkout.state, checkout.port, lambda program: checkout.python(program, **PERSISTING)
        )
        return checkout

    return make


def make_small(checkout: Checkout) -> None:
    """Give a copy of the project the small catalogue and tenants that fit it."""
    catalogue: Path = checkout.root / "totara_infra" / "catalogue"
    for file in [catalogue / "sequence.yaml", catalogue / "tenancy.yaml"]:
        file.unlink()
    # The coverage of the reference names things that only the whole platform has.
    for folder in ("domains", "coverage"):
        shutil.rmtree(catalogue / folder)
    write_small_catalogue(catalogue)
    for file in (checkout.root / "stacks").glob("*.yaml"):
        file.unlink()
    for tenant in SMALL_TENANTS:
        mutual = tenant == "acorn"
        (checkout.root / "stacks" / f"{tenant}.yaml").write_text(
            f"client_id: {tenant}\n"
            f"display_name: {tenant}\n"
            "status: live\n"
            f"institution_type: {'mutual' if mutual else 'proprietary'}\n"
            "jurisdictions: [NZ]\n"
            "options: [fx]\n"
        )
    checkout.totara("validate")
