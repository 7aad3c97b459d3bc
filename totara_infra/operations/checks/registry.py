"""The checklist: every check, in the order in which it is shown. Gates run the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.model.vocabulary import Outcome
from totara_infra.operations.checks import (
    alarms,
    app_config,
    backups,
    event_buses,
    modules,
    published_urls,
    resources,
    secrets,
    sign_in,
)
from totara_infra.operations.checks.inspection import WHOLE, Extent, Inspection, inspect
from totara_infra.operations.checks.result import Result, failed
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import AwsRefusedError


@dataclass(frozen=True)
class Check:
    """One line of the checklist.

    Attributes:
        name: what it is called.
        asks: what it makes certain of, in one sentence.
        run: gives a result for each thing that it looks at.
        published: the platform's reference asks for it.
    """

    name: str
    asks: str
    run: Callable[[Inspection], Iterator[Result]]
    published: bool = False


@dataclass(frozen=True)
class Checked:
    """A check that was run, with its results."""

    check: Check
    results: Sequence[Result]

    def number(self, outcome: Outcome) -> int:
        """How many of its results have that outcome."""
        return sum(r.outcome is outcome for r in self.results)


CHECKS = (
    Check(
        "event buses",
        "Every bus takes a probe event, its dead-letter queue is empty, its archive keeps events.",
        event_buses.check,
        published=True,
    ),
    Check(
        "buckets",
        "Versions are kept, objects are encrypted, nothing is public.",
        resources.buckets,
        published=True,
    ),
    Check(
        "backup plans",
        "Vault, plans and selections are as declared, what they are to back up is tagged, and no "
        "recovery point or export is overdue.",
        backups.check,
    ),
    Check(
        "secrets",
        "Every secret of the manifest is there, filled where the environment needs it, and "
        "readable by the role that needs it.",
        secrets.check,
        published=True,
    ),
    Check("keys", "Every key is enabled, rotates, and has its policy.", resources.keys),
    Check("log groups", "Every log group is there and keeps events as long.", resources.log_groups),
    Check("parameters", "Every parameter has its value.", modules.parameters),
    Check(
        "AppConfig",
        "The deployed version of every profile is the catalogue's, and readers get it.",
        app_config.check,
    ),
    Check(
        "sign-in",
        "Pools, clients and their attributes are as declared, the trigger is wired, and below "
        "prod a probe user gets a token with the claims of the claim map.",
        sign_in.check,
    ),
    Check("topics", "Every topic is there, encrypted, with its policy.", resources.topics),
    Check("roles", "Every role is trusted and allowed what is declared.", resources.roles),
    Check(
        "alarms",
        "Every alarm is there as declared and acts, and its way to people is whole.",
        alarms.check,
    ),
    Check("other resources", "Whatever else the blueprint has is as declared.", resources.others),
    Check("module markers", "Every module is up with this content.", modules.markers),
    Check("gates", "Every phase passed its gate with this content.", modules.gates),
    Check("published URLs", "What modules publish as their URL answers.", published_urls.check),
)


def run_checks(
    live: Live,
    blueprint: Blueprint,
    extent: Extent = WHOLE,
    done: Callable[[Checked], None] = lambda _: None,
) -> list[Checked]:
    """Run every check side by side.

    A check that can't reach AWS fails with the reason; it never passes by mistake. One that has
    nothing to look at in this part of the environment is left out.

    Args:
        live: access to the environment.
        blueprint: what must be there.
        extent: which part is looked at.
        done: called as each check ends.

    Raises:
        UsageError: the extent names a phase or tenant that the environment does not have.
    """
    with (
        inspect(live, blueprint, extent) as inspection,
        ThreadPoolExecutor(len(CHECKS), thread_name_prefix="check") as executor,
    ):
        running = {executor.submit(_results, check, inspection): check for check in CHECKS}
        for future in as_completed(running):
            done(Checked(running[future], future.result()))
        by_check = {check: future.result() for future, check in running.items()}
    return [Checked(c, by_check[c]) for c in CHECKS if by_check[c]]


def _results(check: Check, inspection: Inspection) -> list[Result]:
    found: list[Result] = []
    try:
        # One by one: what was found before a failure counts.
        for result in check.run(inspection):
            found.append(result)
    except (BotoCoreError, ClientError, AwsRefusedError) as error:
        found.append(
            failed(
                check.name,
                "AWS",
                "an answer",
                str(error),
                "Check the credentials and the network, then run it again.",
            )
        )
    return found
