"""`totara verify`: the whole list, parts of it, and the evidence that it leaves."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import PROJECT
from tests.drift.cloud import Cloud
from totara_infra.model.vocabulary import Outcome
from totara_infra.operations.checks.inspection import Extent
from totara_infra.operations.checks.probe_user import CLIENT_PREFIX
from totara_infra.operations.checks.registry import CHECKS, run_checks

pytestmark = pytest.mark.engine

WITHOUT_THINGS = {"other resources"}
"""Every type of `local` has a place of its own."""


@pytest.fixture(scope="module")
def passed(environment, tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run on the environment as it was brought up, and its evidence."""
    file = tmp_path_factory.mktemp("evidence") / "evidence.json"
    answer = environment.run("verify", "local", "--evidence", str(file), "--format", "json")
    return answer, file


def test_an_environment_that_is_up_passes_every_check(environment, passed):
    answer, _ = passed
    assert answer.returncode == 0, answer.stderr
    data = json.loads(answer.stdout)

    assert {c["name"] for c in data["checks"]} == {c.name for c in CHECKS} - WITHOUT_THINGS
    assert data["totals"]["failed"] == 0
    assert data["totals"]["passed"] > 700
    assert data["outcome"] == "passed"
    shown = {(r["check"], r["subject"]) for c in data["checks"] for r in c["results"]}
    blueprint = environment.blueprint
    for resource in blueprint.resources.values():
        if resource.shape == "EventBus":
            name = resource.properties["name"]
            assert {("probe event", name), ("event bus", name)} <= shown
            assert ("event archive", f"{name}-archive") in shown
        if resource.shape == "Bucket":
            name = resource.properties["bucket"]
            for what in ("versioning", "encryption", "public access"):
                assert (f"bucket {what}", name) in shown
    assert sum(c == "module marker" for c, _ in shown) == len(blueprint.sequence.modules)
    assert sum(c == "phase gate" for c, _ in shown) == len(blueprint.sequence.phases)
    assert {s.split(",")[0] for c, s in shown if c == "sign-in token"} == {"customers", "staff"}


def test_what_is_skipped_says_why(passed):
    results = [r for c in json.loads(passed[0].stdout)["checks"] for r in c["results"]]
    skipped = [r for r in results if r["outcome"] == "skipped"]

    assert {r["check"] for r in skipped} == {
        "secret value", "published URL", "backup tag", "recovery point", "export",
    }  # fmt: skip
    assert all(r["fix"] for r in skipped)


def test_nobody_is_left_in_the_pools(environment, passed):
    cloud = Cloud(environment.blueprint)
    for pool in cloud.cognito_idp.list_user_pools(MaxResults=60)["UserPools"]:
        where = {"UserPoolId": pool["Id"]}
        clients = cloud.cognito_idp.list_user_pool_clients(**where, MaxResults=60)
        names = [c["ClientName"] for c in clients["UserPoolClients"]]
        assert not [n for n in names if n.startswith(CLIENT_PREFIX)]
        assert cloud.cognito_idp.list_users(**where)["Users"] == []


def test_a_phase_has_the_checks_of_its_own_things_only(environment):
    by_phase = {
        phase.id: {
            (c.check.name, r.subject)
            for c in run_checks(
                environment.live, environment.blueprint, Extent(frozenset({phase.id}))
            )
            for r in c.results
        }
        for phase in environment.blueprint.sequence.phases
    }
    whole = {
        (c.check.name, r.subject)
        for c in run_checks(environment.live, environment.blueprint)
        for r in c.results
    }

    assert set().union(*by_phase.values()) == whole
    assert sum(len(results) for results in by_phase.values()) == len(whole)
    assert {name for name, _ in by_phase[7]} <= {
        "module markers", "gates", "parameters", "published URLs",
    }  # fmt: skip
    assert {"event buses", "secrets", "sign-in"} <= {name for name, _ in by_phase[1]}


def test_a_tenant_has_what_it_shares_and_nothing_of_others(environment):
    def subjects(tenant: str) -> set[str]:
        checked = run_checks(environment.live, environment.blueprint, Extent(tenant=tenant))
        assert not [r for c in checked for r in c.results if r.outcome is Outcome.FAILED]
        return {r.subject for c in checked for r in c.results}

    acorn, other = subjects("acorn"), subjects("totara-bank")

    assert not [s for s in acorn if "tenant-totara-bank" in s]
    assert not [s for s in other if "tenant-acorn" in s]
    assert "customers, a probe user of acorn" in acorn
    assert "bank-core" in acorn & other
    # BPAY is for Australia alone.
    assert "/bank/local/deployment/mod-119" in other - acorn
    # Equity of members is for mutuals alone.
    assert "/bank/local/deployment/mod-118" in acorn - other


def test_a_fault_fails_the_command_and_is_shown_with_its_remedy(environment, tmp_path):
    cloud, file = Cloud(environment.blueprint), tmp_path / "failed.json"
    bucket = next(r for r in environment.blueprint.resources.values() if r.shape == "Bucket")
    name = bucket.properties["bucket"]
    put = cloud.s3.put_bucket_versioning
    put(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    try:
        answer = environment.run("verify", "local", "--phase", "1", "--evidence", str(file))
    finally:
        put(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    assert answer.returncode == 1
    assert f"FAILED bucket versioning {name}" in answer.stdout
    assert "  expected versioning_configuration.status = Enabled\n" in answer.stdout
    assert "  found    versioning_configuration.status = Suspended\n" in answer.stdout
    assert "  mend it  Run `pulumi refresh -s local`, then `totara up local`." in answer.stdout
    assert re.search(r"local: \d+ passed, 1 failed, \d+ skipped in", answer.stdout)
    record = json.loads(file.read_text())
    assert (record["outcome"], record["totals"]["failed"], record["phases"]) == ("failed", 1, [1])
    page = environment.run("verify", "report", str(file))
    assert page.returncode == 0, page.stderr
    assert "## Failed" in page.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["local", "--phase", "9"], "There is no phase 9 in local. Write one of 1, 2, 3"),
        (["local", "--tenant", "wattle"], "Stack `local` has no tenant `wattle`"),
        (["mars"], "There is no environment `mars`"),
        (["prod-rehearsal"], "Write `prod --rehearse`"),
        (["local", "--rehearse"], "throwaway already"),
        (["local", "--evidence", "/nowhere/file.json"], "does not exist. Make it first"),
        (["dev", "--rehearse"], "Start it: totara up dev --rehearse"),
    ],
)
def test_bad_input_is_refused(environment, words, said):
    answer = environment.run("verify", *words)

    assert answer.returncode == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_evidence_is_never_overwritten(environment, passed):
    file = passed[1]
    before = file.read_bytes()

    answer = environment.run("verify", "local", "--evidence", str(file))

    assert answer.returncode == 2
    assert "evidence is never overwritten" in answer.stderr
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_the_evidence_says_who_looked_at_what_and_follows_its_schema(environment, passed):
    answer, file = passed
    record = json.loads(file.read_text(encoding="utf-8"))

    schema = json.loads((PROJECT / "schemas" / "evidence.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(record)
    told = json.loads(answer.stdout)
    assert record["checks"] == told["checks"]
    assert record["digest"] in answer.stderr
    assert record["caller"]["account"] == "000000000000"
    assert record["caller"]["arn"].startswith("arn:aws:")
    assert record["emulated"] is True
    git = ["git", "-C", str(PROJECT)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    changes = subprocess.run(
        [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert record["revision"] == {"commit": head.stdout.strip(), "clean": not changes.stdout}
    assert record["started"].endswith("Z")
    assert record["content"] == {
        str(p.id): environment.blueprint.gate(p.id).properties["insecure_value"]
        for p in environment.blueprint.sequence.phases
    }


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_evidence_is_rendered_for_people(environment, passed):
    file = passed[1]
    record = json.loads(file.read_text(encoding="utf-8"))

    markdown = environment.run("verify", "report", str(file))
    page = environment.run("verify", "report", str(file), "--format", "html")

    assert (markdown.returncode, page.returncode) == (0, 0), markdown.stderr + page.stderr
    assert markdown.stdout.startswith("# Verification of local: passed\n")
    assert f"| digest | {record['digest']} |" in markdown.stdout
    parsed = _Page()
    parsed.feed(page.stdout)
    assert {"h1", "table", "li"} <= set(parsed.tags)
    for text in (record["digest"], record["caller"]["arn"], "bucket versioning"):
        assert text in parsed.text


def _altered(record: dict[str, Any], change: str) -> str:
    if change == "outcome":
        record["checks"][0]["results"][0]["outcome"] = "failed"
    elif change == "caller":
        record["caller"]["arn"] = "arn:aws:iam::000000000000:user/somebody"
    elif change == "result gone":
        record["checks"][0]["results"].pop()
    return json.dumps(record)


@pytest.mark.parametrize("change", ["outcome", "caller", "result gone"])
def test_an_altered_record_is_refused(environment, passed, tmp_path, change):
    file = tmp_path / "altered.json"
    file.write_text(_altered(json.loads(passed[1].read_text(encoding="utf-8")), change))

    answer = environment.run("verify", "report", str(file))

    assert answer.returncode == 1
    assert "was altered" in answer.stderr
    assert answer.stdout == ""
