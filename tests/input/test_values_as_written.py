"""Text stays as it was written: in secrets that are imported, and in the engine's files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import PROJECT
from tests.input.in_process import Project
from tests.redaction.refusing_aws import RefusingAws, refusing_aws
from totara_infra.blueprint import Blueprint, plan
from totara_infra.local import emulator
from totara_infra.local.pulumi_command import engine_command, engine_environment
from totara_infra.model.problems import ProblemsError
from totara_infra.model.stack import read_stack
from totara_infra.model.tenants import load_tenants
from totara_infra.model.values import misfit
from totara_infra.model.vocabulary import ValueType
from totara_infra.model.yaml_text import build, compose, dump, scalar
from totara_infra.operations.secrets.importing import read_values

JSON_SECRET = "/bank/local/platform/ses-sender"
TEXT_SECRET = "/bank/local/platform/pagerduty"
TRICKY = ["012345678901", "1e3", "1_000", "no", "NO", "y", "on", "~", "null", "", "12:30", "0x1F",
          "0o17", ".nan", "-.inf", "2026-12-01", "<<", "=", "true", " a", "a ", "a: b", "a #b",
          "\u2028", "\x85", "é", "\U0001f600", "\n", "\t", "'", '"', "\\", "%x", "@x", "-", "- a",
          "1.10", "+5", "0b1", "007", "e1", "NaN", "y:", "a:"]  # fmt: skip
ALTERED = ["01234567", "1e3", "1_000", "no", "12:30", "1.10", "0x1F", "~", "True", "9" * 5000,
           ".nan", "!!int x", "!!timestamp 2026-12-01", "+5"]  # fmt: skip
"""Values of a JSON secret that YAML makes something else of."""
TEXTS = st.one_of(
    st.sampled_from(TRICKY),
    st.from_regex(r"[-+.0-9_:eExonyNfa~]{1,12}", fullmatch=True),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20),
)


@pytest.fixture(autouse=True)
def _no_redaction_of_other_tests(monkeypatch) -> None:
    """What is imported here is made up, and would be redacted in the output of later tests."""
    monkeypatch.setattr("totara_infra.operations.secrets.importing.keep_secret", lambda *_: None)


@pytest.fixture(scope="module")
def blueprint(catalogue) -> Blueprint:
    stack = read_stack(PROJECT, "local")
    return plan(catalogue, stack, load_tenants(PROJECT, stack.tenants, "local"))


@pytest.mark.parametrize("value", ALTERED)
def test_a_json_secret_is_stored_as_written_or_refused(blueprint, value: str) -> None:
    text = f"{JSON_SECRET}:\n  username: app\n  password: {value}\n"
    with pytest.raises(ProblemsError) as refused:
        read_values(text, "secrets.yaml", blueprint)
    said = str(refused.value)
    assert "secrets.yaml:" in said
    assert any(word in said for word in ("quote", "finite"))
    assert value not in said


def test_what_is_quoted_or_clear_is_stored_exactly(blueprint) -> None:
    text = f"""
{TEXT_SECRET}: 01234567
{JSON_SECRET}: {{"password": "01234567", "day": 2026-12-01, "port": 5432, "on": true}}
""".replace('"on": true', '"tls": true')
    found = read_values(text, "secrets.yaml", blueprint)
    assert found[TEXT_SECRET].get_secret_value() == "01234567"
    assert json.loads(found[JSON_SECRET].get_secret_value()) == {
        "password": "01234567",
        "day": "2026-12-01",
        "port": 5432,
        "tls": True,
    }


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[tuple[Project, RefusingAws]]:
    """A project whose stack `local` is an AWS that notes what it is sent."""
    project = Project.make(tmp_path_factory.mktemp("import") / "project")
    with refusing_aws() as aws, pytest.MonkeyPatch.context() as patch:
        patch.setattr(emulator, "endpoint", lambda _name: aws.endpoint)
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        aws.empty = [JSON_SECRET, TEXT_SECRET]
        yield project, aws


def test_the_command_refuses_every_value_that_yaml_would_alter(desk) -> None:
    project, aws = desk
    aws.calls.clear()
    lines = [f"  k{n}: {value}" for n, value in enumerate(ALTERED)]
    path = project.write("secrets.yaml", "\n".join([f"{JSON_SECRET}:", *lines]) + "\n")
    path.chmod(0o600)
    ended = project.totara("secrets", "import", "local", str(path))
    assert ended.code == 2
    for number, value in enumerate(ALTERED, 2):
        assert f"secrets.yaml:{number}:" in ended.err, (number, ended.err)
        assert f": {value}" not in ended.err
    assert ended.err.count("quote it") >= len(ALTERED) - 4
    assert "PutSecretValue" not in aws.calls


def test_the_command_stores_exactly_what_stands_in_the_file(desk) -> None:
    project, aws = desk
    aws.sent.clear()
    content = (
        f"{TEXT_SECRET}: 01234567\n"
        f'{JSON_SECRET}: {{"password": "01234567", "day": 2026-12-01, "port": 5432}}\n'
    )
    path = project.write("secrets.yaml", content)
    path.chmod(0o600)
    ended = project.totara("secrets", "import", "local", str(path))
    assert ended.code == 0, ended.err
    sent = [json.loads(body) for body in aws.sent]
    stored = {body["SecretId"]: body["SecretString"] for body in sent if "SecretString" in body}
    assert stored[TEXT_SECRET] == "01234567"
    assert json.loads(stored[JSON_SECRET]) == {
        "password": "01234567",
        "day": "2026-12-01",
        "port": 5432,
    }


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(TEXTS)
def test_every_text_reads_back_in_both_ways_of_writing(text: str) -> None:
    for written in (dump({"key": text}), f"key: {scalar(text)}\n"):
        assert build(compose(written), engine=True) == {"key": text}
        # YAML 1.1, as PyYAML reads it.
        assert yaml.safe_load(written) == {"key": text}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_can_not_represent_do_not_fit(value: float) -> None:
    assert "finite" in str(misfit(ValueType.NUMBER, value))


def test_the_engine_reads_the_texts_that_were_written(tmp_path: Path) -> None:
    """YAML 1.2, as the engine's own library reads it: hundreds of values in one file."""
    texts: list[str] = []

    @settings(max_examples=300, derandomize=True, database=None)
    @given(TEXTS)
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    assert len({*texts}) > 100
    # The engine rewrites the file when it makes the stack, and Go's writer drops lone line breaks.
    kept = [text for text in [*TRICKY, *texts] if text.strip("\n") or not text]
    values = {f"p:v{n}": text for n, text in enumerate(kept)}
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\n", encoding="utf-8")
    (tmp_path / "Pulumi.s.yaml").write_text(dump({"config": values}), encoding="utf-8")
    state = tmp_path / "state"
    state.mkdir()
    environment = {
        **engine_environment("local"),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "",
    }

    def pulumi(*words: str) -> str:
        done = subprocess.run(
            [*engine_command(), *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    pulumi("stack", "init", "s", "--non-interactive")
    found = json.loads(pulumi("config", "--json", "-s", "s"))
    assert {key: entry["value"] for key, entry in found.items()} == values
    assert pulumi("config", "get", "v0", "-s", "s") == "012345678901\n"
