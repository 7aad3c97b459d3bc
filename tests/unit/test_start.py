"""What a command loads before it answers: nothing that only others need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import typer

from tests.conftest import PROJECT
from totara_infra.cli.main import COMMANDS, app

TALKING_TO_AWS = {"boto3", "botocore", "psycopg", "pulumi", "pulumi_aws", "joserfc"}
READING_FILES = {"pydantic", "yaml"}
DRAWING = {"jsonschema", "networkx", "rich"}


def loaded(*commands: str) -> tuple[set[str], set[str]]:
    """Modules that a process of its own has loaded once some commands have answered.

    Returns:
        All top-level modules, and the modules of the command line.
    """
    code = (
        "import json, shlex, sys\n"
        "from totara_infra.cli.main import run\n"
        f"for command in {commands!r}:\n"
        "    sys.argv = ['totara', *shlex.split(command)]\n"
        "    try:\n"
        "        run()\n"
        "    except SystemExit as ended:\n"
        "        assert ended.code == 0, command\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True
    )
    modules = json.loads(done.stdout.splitlines()[-1])
    return (
        {m.partition(".")[0] for m in modules},
        {m for m in modules if m.startswith("totara_infra.cli.")},
    )


def test_help_reads_no_file_and_inspects_no_command() -> None:
    everything, _ = loaded("--help")
    assert "typer" in everything
    assert not everything & (TALKING_TO_AWS | READING_FILES | DRAWING)


def test_commands_that_read_files_load_nothing_that_plans_or_talks_to_aws() -> None:
    everything, commands = loaded(
        "sequence local", "sequence local --why MOD-119", "activation --tenant acorn"
    )
    assert "pydantic" in everything
    assert not everything & (TALKING_TO_AWS | DRAWING)
    own = {"totara_infra.cli.sequence", "totara_infra.cli.activation"}
    assert own <= commands
    assert not commands & ({place.partition(":")[0] for place in COMMANDS.values()} - own)


def test_commands_that_plan_load_nothing_that_talks_to_aws() -> None:
    everything, _ = loaded(
        # A catalogue that is named is checked anew, whatever was recorded.
        f"validate --catalogue {PROJECT / 'totara_infra' / 'catalogue'}",
        "plan local",
        "alerts list local",
        "config list local",
        "tenant show acorn",
        "claims",
    )
    assert "jsonschema" in everything
    assert not everything & TALKING_TO_AWS


def test_the_help_says_of_each_command_what_it_says_of_itself() -> None:
    group = typer.main.get_command(app)
    with typer.Context(group, info_name="totara") as context:
        listed = group.get_help(context)
    assert list(group.commands) == list(COMMANDS)
    for name in COMMANDS:
        command = group.commands[name]
        assert command.name == name
        start = command.get_short_help_str(40).removesuffix("...")
        assert start and f"  {name} " in listed
        assert start.split() == listed.split(f"\n  {name} ")[1].split()[: len(start.split())]


def test_the_shell_completes_commands_of_every_level() -> None:
    start = "import sys; from totara_infra.cli.main import run; sys.argv = ['totara']; run()"

    def completed(words: str, number: int) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", start],
            env=os.environ
            | {
                "_TOTARA_COMPLETE": "complete_bash",
                "COMP_WORDS": words,
                "COMP_CWORD": str(number),
            },
            capture_output=True,
            text=True,
            cwd=PROJECT,
            check=False,
        )
        return done.stdout.split()

    assert completed("totara se", 1) == ["sequence", "secrets"]
    assert completed("totara sequence ver", 2) == ["verify"]
