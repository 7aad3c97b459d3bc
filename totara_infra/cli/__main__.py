"""`python -m totara_infra.cli` is the `totara` command."""

from totara_infra.cli.main import run

run()
