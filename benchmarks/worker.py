"""Measurements that need a Python process of their own; prints them as JSON.

`python -m benchmarks.worker modules N` plans and runs a platform of N modules under mocks, where 0
stands for the real catalogue. `python -m benchmarks.worker tenants N` plans a stack of N tenants.
Times are seconds of the processor, so that they can be compared on a busy machine.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

from benchmarks.figure import processor_seconds
from totara_infra.model import vocabulary

ROUNDS = 5


def _allow_four_digits() -> None:
    """Let module ids have four digits, before any model is made of them."""
    pattern = r"^MOD-\d{3,4}$"
    widened = Annotated[str, StringConstraints(pattern=pattern)]
    vars(vocabulary).update(MODULE_ID=re.compile(pattern), ModuleId=widened)


def _modules(count: int) -> dict[str, Any]:
    if count:
        _allow_four_digits()
    from benchmarks.mocked import run_mocked  # noqa: PLC0415 - after the ids
    from benchmarks.synthetic import write_catalogue  # noqa: PLC0415
    from totara_infra import load_catalogue, load_tenants, plan, read_stack, resolve  # noqa: PLC0415
    from totara_infra.components.made import resource_class  # noqa: PLC0415
    from totara_infra.local.project import project_root  # noqa: PLC0415
    from totara_infra.model.loading import CATALOGUE_DIRECTORY  # noqa: PLC0415

    root = project_root()
    settings = read_stack(root, "local")
    tenants = load_tenants(root, settings.tenants)
    with tempfile.TemporaryDirectory(prefix="totara-bench-") as temporary:
        directory = CATALOGUE_DIRECTORY
        if count:
            directory = Path(temporary) / "totara_infra" / "catalogue"
            write_catalogue(directory, count)

        def load() -> None:
            resolve(load_catalogue(directory).catalogue, settings.environment)

        load_seconds = statistics.median(processor_seconds(load) for _ in range(ROUNDS))
        catalogue = load_catalogue(directory).catalogue
        plan_seconds = statistics.median(
            processor_seconds(lambda: plan(catalogue, settings, tenants)) for _ in range(ROUNDS)
        )
        # The SDK imports each service when it is first used; that does not grow with the platform.
        for planned in plan(catalogue, settings, tenants).resources.values():
            resource_class(planned.type)
        mocked = run_mocked(catalogue, settings, tenants)
    return {
        "modules": len(catalogue.modules),
        "edges": sum(len(m.depends_on) for m in catalogue.modules.values()),
        "resources": mocked.resources,
        "load": load_seconds,
        "plan": plan_seconds,
        "mocked": mocked.processor_seconds,
        "mocked_wall": mocked.seconds,
    }


def _tenants(count: int) -> dict[str, Any]:
    from benchmarks.synthetic import tenants as synthetic_tenants  # noqa: PLC0415
    from totara_infra import load_catalogue, plan, read_stack  # noqa: PLC0415
    from totara_infra.local.project import project_root  # noqa: PLC0415
    from totara_infra.model.problems import ProblemsError  # noqa: PLC0415

    tenants = synthetic_tenants(count)
    settings = read_stack(project_root(), "local").model_copy(
        update={
            "tenants": [t.client_id for t in tenants],
            "default_tenant": tenants[0].client_id,
        }
    )
    catalogue = load_catalogue().catalogue
    try:
        blueprint = plan(catalogue, settings, tenants)
    except ProblemsError as error:
        return {"tenants": count, "refused": [str(p) for p in error.problems]}
    plan_seconds = statistics.median(
        processor_seconds(lambda: plan(catalogue, settings, tenants)) for _ in range(ROUNDS)
    )
    contents = {
        r.name: len(str(r.properties["content"]).encode())
        for r in blueprint.resources.values()
        if r.shape == "HostedConfigurationVersion"
    }
    largest = max(contents, key=lambda name: contents[name])
    return {
        "tenants": count,
        "resources": len(blueprint.resources),
        "content": contents[largest],
        "content_of": largest,
        "plan": plan_seconds,
    }


def main(arguments: Sequence[str]) -> int:
    """Measure what the arguments say."""
    measure = {"modules": _modules, "tenants": _tenants}[arguments[0]]
    print(json.dumps(measure(int(arguments[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
