"""Preview and update of one stack, from the tools that it needs to the last line of the report."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from totara_infra.blueprint import Blueprint, plan
from totara_infra.delivery.account import require_account
from totara_infra.delivery.approval import Approval
from totara_infra.delivery.configuration_guard import guard_configuration
from totara_infra.delivery.progress import Report
from totara_infra.delivery.report import failure_lines, success_lines
from totara_infra.delivery.retention import guard_retention
from totara_infra.delivery.stack_files import (
    ensure_stack,
    refuse_foreign_rehearsal,
    remove_rehearsal_file,
)
from totara_infra.delivery.stacks import engine_stack, stack_settings
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.status import (
    left_locked,
    refuse_other_things,
    refuse_unsound,
    state_status,
)
from totara_infra.delivery.update import refuse_deletions, run_engine, run_folder
from totara_infra.delivery.validation import Further, refuse_invalid
from totara_infra.local import emulator, lifecycle, stack_state
from totara_infra.local.interruption import InterruptedRunError
from totara_infra.local.project import LOCAL_STACK, project_root, runs_locally
from totara_infra.local.setup import ensure_ready
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import REHEARSAL_SUFFIX, is_recovery, primary_of, read_stack
from totara_infra.operations.configuration import served_otherwise
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.moving import guard_values
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import checked_tenants

Say = Callable[[str], None]
_ROLLED_OUT = ("content", "deployment")
"""Resources of a profile that are made again when its declared version is rolled out again."""


@dataclass(frozen=True)
class Deployment:
    """A stack that is ready to be previewed or updated.

    Attributes:
        stack: the engine's name of it.
        blueprint: what it consists of.
        emulated: it runs against an emulator on this machine.
        policies: everything is held to the conventions.
        approval: why it may be updated.
    """

    stack: str
    blueprint: Blueprint
    emulated: bool
    policies: bool = True
    approval: Approval = field(default_factory=Approval)

    @classmethod
    def open(
        cls,
        name: str,
        rehearse: bool,
        say: Say,
        *,
        policies: bool = True,
        approval: Approval | None = None,
        further: Sequence[Further] = (),
    ) -> Deployment:
        """Get everything ready: the files are right, the engine is there, the emulator runs.

        Args:
            name: of an environment, or of the stack of an isolated client.
            rehearse: on an emulator of its own.
            say: takes messages for people, about what had to be mended or takes long.
            policies: hold everything to the conventions.
            approval: why the stack may be updated; None where it is only previewed.
            further: see `validate_all`.

        Raises:
            StateError: somebody holds the stack, or its state needs mending first.
            TotaraError: what is wrong, before anything is touched.
        """
        stack = engine_stack(name, rehearse)
        emulated = runs_locally(stack)
        if not policies and not emulated:
            raise UsageError(
                f"The policies hold for {stack}, where people rely on them. Only `local` and "
                "rehearsals, which are throwaway, can go without."
            )
        # Bad input ends here, before minutes go into building an engine.
        refuse_invalid(further)
        file_settings = read_stack(project_root(), name)
        catalogue = load_catalogue().catalogue
        tenants = checked_tenants(
            catalogue, project_root(), file_settings.tenants, primary_of(name)
        )
        planned = plan(catalogue, file_settings, tenants)
        if approval is not None:
            approval.require(name, file_settings.environment, emulated=emulated)
            approval.confirm(planned)
        if not emulated:
            require_account(Live(stack_settings(name, rehearse)))
        if emulated:
            refuse_foreign_rehearsal(stack)
            ensure_ready()
            for message in lifecycle.prepare(stack, region=file_settings.region):
                say(message)
        preview = approval is None
        # First by what the backend knows: an empty emulator is not to be started beside a state
        # that describes another one, nor a stack made beside what is live.
        refuse_unsound(stack, preview=preview)
        if emulated:
            emulator.start(stack, region=file_settings.region)
        else:
            # Made by people, so that this only says where it is missing.
            ensure_stack(stack, name)
        settings = stack_settings(name, rehearse)
        blueprint = plan(catalogue, settings, tenants)
        refuse_other_things(stack, Live(settings), blueprint, preview=preview)
        if emulated:
            ensure_stack(stack, name)
        return cls(stack, blueprint, emulated, policies, approval or Approval())

    def guard(self, force_redeploy: Sequence[str], say: Say) -> None:
        """Hold the configuration that is deployed against the files, before the engine runs.

        Args:
            force_redeploy: client ids of live tenants whose change of `deployment` is meant.
            say: takes which modules must be deployed again after the update.

        Raises:
            TotaraError: a change that needs to be forced, a configuration that was taken back, or a
                client that is dropped while what it left must be kept, or a secret whose value
                would be lost because its path has changed.
        """
        live = Live(self.blueprint.scope.settings)
        guard_retention(self.blueprint, live, datetime.now(UTC).date())
        guard_values(live, self.blueprint)
        guard_configuration(self.blueprint, live, force_redeploy, say)

    def preview(self, parallel: int, refresh: bool = False) -> Report:
        """Run the engine's preview.

        Raises:
            StateError: it can't read the state.
        """
        return self._run("preview", ["--parallel", str(parallel), *self._put_back(refresh)])

    def up(self, parallel: int, allow_delete: Sequence[str], refresh: bool = False) -> Report:
        """Run the engine's update.

        Args:
            parallel: resources that may be worked on side by side.
            allow_delete: what may go in uat and prod although it can't be made again.
            refresh: read everything first, so that what was changed by hand is put back.

        Raises:
            StateError: somebody else holds the stack, or an earlier update left it unfinished.
            DeletionRefusedError: in uat and prod, a plan that deletes what can't be made again.
            NotApprovedError: the files have become others than what was approved.
        """
        refuse_unsound(self.stack)
        if self.blueprint.scope.settings.environment.keeps_state:
            planned = self.preview(parallel, refresh)
            # First: the preview fails at what is protected, and this says what to do about it.
            refuse_deletions(self.blueprint, planned, allow_delete, self.approval.words)
            if not planned.succeeded:
                return planned
        arguments = ["--yes", "--skip-preview", "--suppress-outputs", "--parallel", str(parallel)]
        arguments += self._put_back(refresh)
        if not self.emulated:
            # Once more, from the files as they are now: the preview takes minutes.
            reason = self.approval.confirm(_planned_now(self.stack))
            message = ["--message", reason] if reason is not None else []
            return self._run("up", [*arguments, *message])
        with lifecycle.updating(self.stack, lambda: left_locked(self.stack)):
            return self._run("up", arguments)

    def _put_back(self, refresh: bool) -> list[str]:
        """The engine's arguments with which it puts back what was changed by hand.

        A refresh sees all of that but settings that somebody has rolled out: the declared version
        is still there, only another one is live.
        """
        if not refresh:
            return []
        live = Live(self.blueprint.scope.settings)
        with explained("reading what AppConfig serves"):
            places = served_otherwise(live, self.blueprint)
        patterns = [f"**::app_config/{p}/{part}" for p in places for part in _ROLLED_OUT]
        return ["--refresh", *(word for p in patterns for word in ("--replace", p))]

    def _run(self, command: str, arguments: Sequence[str]) -> Report:
        report = run_engine(command, self.stack, self.blueprint, arguments, policies=self.policies)
        if stack_state.own_backend() and self.emulated:
            stack_state.prune(self.stack)
        if report.interrupted:
            raise InterruptedRunError(self._interrupted(command, report))
        if not report.succeeded and not report.failures and not report.operations:
            # Nothing was reached. Where the state is the reason, say so in words that help:
            # another update may have begun a moment before this one.
            refuse_unsound(self.stack)
        return report

    def _interrupted(self, command: str, report: Report) -> str:
        """What an interruption has left, in one line."""
        words = self.blueprint.scope.settings.command_words
        if command == "preview":
            return f"Interrupted. Nothing was changed. Run `totara preview {words}` again."
        modules = self.blueprint.sequence.modules
        up = sum(module.id in report.finished for module in modules)
        stands = f"Interrupted. {up} of {len(modules)} modules of {self.stack} are up"
        try:
            sound = state_status(self.stack).sound
        except StateError:
            sound = False
        if sound:
            return (
                f"{stands}, and the state is sound: it has all that was made. Run `totara up "
                f"{words}` to go on."
            )
        return f"{stands}, but the state needs mending: `totara state status {words}` says how."

    def report_lines(self, report: Report, verb: str) -> Iterator[str]:
        """What the run has to say at its end."""
        if report.succeeded:
            return success_lines(self.blueprint, report, verb)
        return failure_lines(self.blueprint, report)

    def next_steps(self) -> Iterator[str]:
        """What to try next, after a local stack is up."""
        if not self.emulated:
            return
        words = self.blueprint.scope.settings.command_words
        rehearsal = self.stack != LOCAL_STACK
        yield f"AWS endpoint: {emulator.endpoint(self.stack)}"
        yield "Try next:"
        totara = ".venv/bin/totara"
        yield f"  {totara} secrets seed {words}"
        yield "      fills the secrets with throwaway values"
        yield f"  {totara} verify {words}"
        yield "      runs the post-deployment checklist"
        yield f"  {totara} sequence verify {words}"
        yield "      proves the order from CloudTrail"
        yield f"  {totara} sequence {words.split()[0]} --why MOD-119"
        yield "      says why a module stands where it stands"
        yield f"  .venv/bin/pulumi stack -s {self.stack}"
        yield "      lists every resource"
        yield (
            "  make down   stop it all"
            if not rehearsal
            else f"  .venv/bin/totara down {words}   stop it all"
        )


def _planned_now(name: str) -> Blueprint:
    """The blueprint of a stack on AWS from the files as they are at this moment."""
    settings = read_stack(project_root(), name)
    catalogue = load_catalogue().catalogue
    tenants = checked_tenants(catalogue, project_root(), settings.tenants, primary_of(name))
    return plan(catalogue, settings, tenants)


def take_down(name: str, rehearse: bool) -> Iterator[str]:
    """Stop a local stack's emulator and remove its state.

    Args:
        name: of an environment, or of the stack of an isolated client.
        rehearse: its rehearsal, which ends even where the file of its stack is gone.

    Raises:
        UsageError: the stack is no local one, or there is none.
    """
    stack = f"{name}{REHEARSAL_SUFFIX}"
    if not (rehearse and emulator.recorded(stack)):
        stack = engine_stack(name, rehearse)
    if not runs_locally(stack):
        raise UsageError(
            f"`totara down` is for local and for rehearsals. To destroy {name}, which holds "
            f"what can't be made again, use `pulumi destroy -s {name}` with everything that "
            "protects it lifted first."
        )
    yield from lifecycle.discard(stack)
    shutil.rmtree(run_folder(stack), ignore_errors=True)
    # A state that the user keeps elsewhere still needs the salt in the file.
    if (rehearse or is_recovery(stack)) and stack_state.own_backend():
        remove_rehearsal_file(stack)
