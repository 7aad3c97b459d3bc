"""The preview of a stack from nothing: what its program declares, without credentials.

It shows what a rehearsal can't, whose settings take protection and waiting times off: the program
with the very settings of the stack's file, as the policies will see it there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from totara_infra.blueprint import plan
from totara_infra.delivery.report import failure_lines, success_lines
from totara_infra.delivery.stack_files import ensure_stack, remove_rehearsal_file
from totara_infra.delivery.stacks import engine_stack
from totara_infra.delivery.update import run_engine, run_folder
from totara_infra.delivery.validation import Further, refuse_invalid
from totara_infra.local import emulator, lifecycle
from totara_infra.local.project import REHEARSAL_SUFFIX, project_root
from totara_infra.local.setup import ensure_ready
from totara_infra.model.stack import primary_of, read_stack
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import checked_tenants


def offline_preview(
    name: str, parallel: int, *, policies: bool = True, further: Sequence[Further] = ()
) -> tuple[list[str], bool]:
    """Preview a stack on an empty emulator that is gone afterwards.

    Args:
        name: of an environment, or of the stack of an isolated client.
        parallel: resources that may be worked on side by side.
        policies: hold what it would make to the conventions.
        further: see `validate_all`.

    Returns:
        What there is to say at the end, line by line, and whether all is well.

    Raises:
        TotaraError: what is wrong in the files.
    """
    stack = f"{engine_stack(name, rehearse=False)}-offline{REHEARSAL_SUFFIX}"
    refuse_invalid(further)
    settings = read_stack(project_root(), name, {"stack": stack})
    catalogue = load_catalogue().catalogue
    tenants = checked_tenants(catalogue, project_root(), settings.tenants, primary_of(name))
    plan(catalogue, settings, tenants)
    # It is no state that anybody shares, wherever the states of others are.
    os.environ.pop("PULUMI_BACKEND_URL", None)
    ensure_ready()
    lifecycle.discard(stack)
    try:
        running = emulator.start(stack, region=settings.region)
        ensure_stack(stack, name, changed={})
        emulated = settings.model_copy(update={"endpoint": running.endpoint})
        blueprint = plan(catalogue, emulated, tenants)
        arguments = ["--parallel", str(parallel)]
        report = run_engine("preview", stack, blueprint, arguments, policies=policies)
    finally:
        lifecycle.discard(stack)
        remove_rehearsal_file(stack)
        shutil.rmtree(run_folder(stack), ignore_errors=True)
    lines = success_lines(blueprint, report, "would be there")
    if not report.succeeded:
        lines = failure_lines(blueprint, report)
    return list(lines), report.succeeded
