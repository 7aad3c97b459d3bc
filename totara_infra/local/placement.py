"""Puts our language host and our AWS plugin where the engine looks for them.

Both are Python modules; the engine wants programs. The language host lies beside the engine that is
built here, which the engine trusts without a warning. The AWS plugin lies in a PULUMI_HOME of the
project, which only stacks in an emulator use.
"""

import functools
import importlib.metadata
import os
import shlex
import sys
import tempfile
from pathlib import Path

from totara_infra.local.engine_watch import ENGINE_VARIABLE
from totara_infra.local.project import state_directory
from totara_infra.local.pulumi_engine import LANGUAGE_HOST


def project_pulumi_home() -> Path:
    """Return the PULUMI_HOME of stacks in an emulator."""
    return state_directory() / "home"


@functools.cache
def aws_plugin_version() -> str:
    """Return the version that the installed AWS SDK asks the engine for, such as `7.51.1`."""
    return importlib.metadata.version("pulumi_aws")


def aws_plugin() -> Path:
    """Return where the engine looks for the AWS plugin of stacks in an emulator."""
    folder = f"resource-aws-v{aws_plugin_version()}"
    return project_pulumi_home() / "plugins" / folder / "pulumi-resource-aws"


def place_plugins() -> None:
    """Write both programs; what is there and right stays untouched."""
    language_host = state_directory() / "bin" / LANGUAGE_HOST
    _place(language_host, module="totara_infra.local.language_host")
    _place(aws_plugin(), module="totara_infra.local.provider")


def _place(program: Path, *, module: str) -> None:
    # `exec` keeps the process id, by which the engine ends its plugins. A shell knows its parent
    # from its first moment on.
    script = (
        "#!/bin/sh\n"
        f"export {ENGINE_VARIABLE}=$PPID\n"
        f'exec {shlex.quote(sys.executable)} -m {module} "$@"\n'
    )
    if program.is_file() and program.read_text(encoding="utf-8") == script:
        return
    program.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=program.parent, prefix=f".{program.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(script)
    Path(name).chmod(0o755)
    Path(name).replace(program)
