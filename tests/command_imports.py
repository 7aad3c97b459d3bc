"""What the server of tests/command.py imports once for all commands."""

import os
import sys
from importlib import import_module
from pathlib import Path

# A flag of the tests' own process says that nothing compiled is kept; conftest.py has undone it.
sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in os.environ

import totara_infra  # noqa: E402

_OTHERS = (
    # These import Pulumi, which the commands leave to the engine's language host.
    "components",
    "domains",
    "platform.py",
    "policies",
    "local/language_host.py",
    "local/provider",
    # These run in processes of their own.
    "functions",
    "migrations/flyway/runner.py",
    "migrations/flyway/fetch_jars.py",
    "cli/__main__.py",
)

_FOLDER = Path(totara_infra.__file__).parent
for _file in sorted(_FOLDER.rglob("*.py")):
    _place = _file.relative_to(_FOLDER)
    if not str(_place).startswith(_OTHERS):
        _parts = _place.with_suffix("").parts
        import_module(".".join(("totara_infra", *(p for p in _parts if p != "__init__"))))
