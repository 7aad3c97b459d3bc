"""The language host under the real engine: programs, their errors, policy packs, the end."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import PROJECT
from totara_infra.local.pulumi_command import engine_command, engine_environment

PROGRAM = """
import os
import pulumi

class Box(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("test:index:Box", name)
        self.register_outputs({})

def refuse():
    raise ValueError("no such box")

async def main():
    Box("box")
    trial = os.environ.get("TRIAL")
    if trial == "message":
        raise pulumi.RunError("the box is too small")
    if trial == "exception":
        refuse()
    if trial == "exit":
        raise SystemExit(3)
    if trial == "wait":
        open("started", "w").write(str(os.getpid()))
        import asyncio
        await asyncio.sleep(600)
    return {"size": pulumi.Config().require_int("size"), "folder": os.getcwd()}

pulumi.run(main)
"""

POLICY = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def check(args, report):
    if args.resource_type == "test:index:Box":
        report("a box is not allowed")

PolicyPack("boxes", policies=[ResourceValidationPolicy(
    name="no-boxes", description="No boxes.", validate=check,
    enforcement_level=EnforcementLevel.MANDATORY,
)])
"""


def test_the_private_api_that_the_language_host_leans_on_is_where_it_was():
    from pulumi.automation._server import LanguageServer
    from pulumi.runtime import run_in_stack, set_all_config
    from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
    from pulumi.runtime.proto import language_pb2, plugin_pb2
    from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeServicer
    from pulumi.runtime.settings import reset_options

    pins = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"pulumi=={importlib.metadata.version("pulumi")}"' in pins
    assert issubclass(LanguageServer, LanguageRuntimeServicer)
    assert list(inspect.signature(LanguageServer.__init__).parameters) == ["self", "program"]
    calls = "About Cancel GetPluginInfo GetRequiredPackages Handshake Run RunPlugin"
    for call in (*calls.split(), "RuntimeOptionsPrompts"):
        assert list(inspect.signature(getattr(LanguageServer, call)).parameters) == [
            "self", "request", "context",
        ]  # fmt: skip
    assert set(inspect.signature(reset_options).parameters) >= {
        "project", "stack", "root_directory", "parallel", "engine_address", "monitor_address",
        "preview", "organization",
    }  # fmt: skip
    assert list(inspect.signature(set_all_config).parameters) == ["config", "secret_keys"]
    assert inspect.iscoroutinefunction(run_in_stack)
    assert _GRPC_CHANNEL_OPTIONS
    assert set(language_pb2.RunRequest.DESCRIPTOR.fields_by_name) >= {
        "project", "stack", "args", "config", "configSecretKeys", "dryRun", "parallel",
        "monitor_address", "organization", "info",
    }  # fmt: skip
    assert "bail" in language_pb2.RunResponse.DESCRIPTOR.fields_by_name
    assert set(language_pb2.RunPluginRequest.DESCRIPTOR.fields_by_name) >= {
        "pwd", "args", "env", "info",
    }  # fmt: skip
    assert set(language_pb2.RunPluginResponse.DESCRIPTOR.fields_by_name) == {
        "stdout", "stderr", "exitcode",
    }  # fmt: skip
    assert "engine_address" in language_pb2.LanguageHandshakeRequest.DESCRIPTOR.fields_by_name
    assert "version" in plugin_pb2.PluginInfo.DESCRIPTOR.fields_by_name


@pytest.fixture
def program(with_engine, tmp_path, monkeypatch) -> Path:
    """A tiny program in a folder below its project, with a stack `local` in its own backend."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    folder = tmp_path / "program"
    (folder / "source").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: tiny\nruntime: python\nmain: source\n")
    (folder / "Pulumi.local.yaml").write_text("config:\n  tiny:size: '42'\n")
    (folder / "source" / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    assert pulumi(folder, "stack", "init", "local").returncode == 0
    return folder


def pulumi(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*engine_command(), *arguments, "--non-interactive", "--color", "never"],
        cwd=folder,
        env=engine_environment("local") | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.engine
def test_a_program_goes_up(program):
    up = pulumi(program, "up", "--yes", "-s", "local")
    assert up.returncode == 0, up.stdout
    assert "warning" not in up.stdout

    outputs = pulumi(program, "stack", "output", "--json", "-s", "local").stdout
    assert json.loads(outputs) == {"size": 42, "folder": str(program / "source")}
    again = pulumi(program, "preview", "-s", "local", "--expect-no-changes")
    assert again.returncode == 0, again.stdout


@pytest.mark.engine
@pytest.mark.parametrize(
    ("trial", "expected"),
    [
        ("message", "error: the box is too small"),
        ("exception", "ValueError: no such box"),
        ("exit", "Program exited with code: 3"),
    ],
)
def test_a_failing_program_shows_its_own_error_once_and_nothing_of_ours(program, trial, expected):
    failed = pulumi(program, "preview", "-s", "local", TRIAL=trial)

    assert failed.returncode != 0
    diagnostics = failed.stdout.partition("Diagnostics:")[2]
    assert diagnostics.count(expected) == 1
    assert "totara_infra" not in failed.stdout
    assert "site-packages" not in failed.stdout
    if trial == "exception":
        places = [line for line in diagnostics.splitlines() if "File " in line]
        assert len(places) == 2
        assert f'File "{program}/source/__main__.py"' in places[0]
        assert "in refuse" in places[1]
    else:
        assert "Traceback" not in failed.stdout


@pytest.mark.engine
def test_a_policy_pack_runs(program, tmp_path):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(POLICY)

    refused = pulumi(program, "preview", "-s", "local", "--policy-pack", str(pack))

    assert refused.returncode != 0
    assert "a box is not allowed" in refused.stdout
    assert "no-boxes" in refused.stdout
    assert "Traceback" not in refused.stdout


def start_waiting(program: Path) -> tuple[subprocess.Popen[str], int]:
    """The engine in the middle of an update, and the id of its language host."""
    engine = subprocess.Popen(
        [*engine_command(), "up", "--yes", "--skip-preview", "-s", "local", "--non-interactive"],
        cwd=program,
        env=engine_environment("local") | {"TRIAL": "wait"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started = program / "source" / "started"
    deadline = time.monotonic() + 180
    while not (started.exists() and started.read_text()):
        if engine.poll() is not None or time.monotonic() > deadline:
            engine.kill()
            pytest.fail(f"the program did not start: {engine.communicate()[0]}")
        time.sleep(0.05)
    return engine, int(started.read_text())


def assert_ends(pid: int) -> None:
    deadline = time.monotonic() + 60
    while psutil.pid_exists(pid):
        assert time.monotonic() < deadline, "the language host is still there"
        time.sleep(0.1)


@pytest.mark.engine
def test_an_interrupted_update_ends_without_a_traceback(program):
    engine, host = start_waiting(program)
    engine.send_signal(signal.SIGINT)
    time.sleep(1)
    engine.send_signal(signal.SIGINT)
    output, _ = engine.communicate(timeout=60)

    assert "Traceback" not in output
    assert "KeyboardInterrupt" not in output
    assert_ends(host)


@pytest.mark.engine
def test_a_killed_engine_leaves_no_language_host_behind(program):
    engine, host = start_waiting(program)
    engine.kill()
    engine.communicate(timeout=60)

    assert_ends(host)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_language_host_ends_quietly_on_signals(number):
    host = subprocess.Popen(
        [sys.executable, "-m", "totara_infra.local.language_host", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"GRPC_VERBOSITY": "NONE"},
    )
    assert host.stdout is not None
    assert int(host.stdout.readline()) > 0
    host.send_signal(number)
    _, errors = host.communicate(timeout=30)
    assert (host.returncode, errors) == (0, "")
