"""Ctrl-C in the commands that take long: one line says what stands and what to run next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from totara_infra.cli.main import app
from totara_infra.delivery.runbooks import Finding, Runbook
from totara_infra.local.interruption import InterruptedRunError


def interrupt(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


def line(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    assert isinstance(done.exception, InterruptedRunError), (done.exception, done.output)
    assert done.exception.exit_code == 130
    said = str(done.exception)
    assert "\n" not in said
    return said


def once(answer: Finding) -> Callable[..., Finding]:
    """The first question is answered, the second one interrupted."""
    asked: list[object] = []

    def ask(_book: Runbook, step: object) -> Finding:
        asked.append(step)
        return answer if len(asked) == 1 else interrupt()

    return ask


def test_provisioning_says_how_many_steps_stand(state_folder, monkeypatch):
    monkeypatch.setattr(Runbook, "ask", once(Finding(True, "It is there.")))

    said = line("provision", "acorn", "local")

    assert said.startswith("Interrupted in the step ")
    assert "1 of " in said and "steps of provision acorn stand and are in the journal" in said
    assert "the state of the stack is sound." in said
    assert "Run the same command again" in said
    journal = list((state_folder / "runs" / "local").glob("provision-acorn.jsonl"))
    assert len(journal[0].read_text().splitlines()) == 1


def test_a_drill_says_that_what_it_broke_is_still_broken(state_folder, monkeypatch):
    monkeypatch.setattr("totara_infra.recovery.drill.run", interrupt)

    said = line("dr", "drill", "state-loss", "local")

    assert "still broken" in said
    assert "`totara dr drill state-loss local`" in said


def test_an_update_that_did_not_begin_says_so(state_folder, monkeypatch):
    monkeypatch.setattr("totara_infra.delivery.deployment.ensure_ready", interrupt)

    said = line("up", "local")

    assert said == "Interrupted. Nothing was changed yet. Run `totara up local` to begin again."


@pytest.mark.parametrize("words", [("apply", "local"), ("undo", "local", "--all-databases")])
def test_migrations_say_that_nothing_was_finished(state_folder, monkeypatch, words):
    monkeypatch.setattr("totara_infra.cli.migrations._targets", lambda *_: ([], None))
    monkeypatch.setattr("totara_infra.migrations.flyway.client.Flyway.__enter__", interrupt)

    said = line("migrations", *words)

    assert "no database was finished" in said
    assert "every database matches its history" in said
    assert "`totara migrations status local`" in said
