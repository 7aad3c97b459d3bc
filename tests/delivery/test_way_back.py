"""A release that fails its verification: the commands of the job `back`, one after the other."""

from __future__ import annotations

import shlex

import pytest
import yaml

from tests.delivery.history import git
from tests.delivery.test_workflows import WORKFLOWS
from tests.engine.conftest import new_checkout, new_small_checkout

pytestmark = pytest.mark.engine

__all__ = ["new_checkout", "new_small_checkout"]
ADDED = "/bank/local/service-001/added"


def release(checkout, tag: str) -> None:
    git(checkout.root, "add", "-A")
    git(checkout.root, "commit", "-qm", tag)
    git(checkout.root, "tag", tag)


@pytest.fixture(scope="module")
def failed(new_small_checkout):
    """Two releases, of which the second is applied and does not pass its verification."""
    checkout = new_small_checkout()
    (checkout.root / ".gitignore").write_text(".totara/\n__pycache__/\noutput\n")
    checkout.totara("up", "local")
    checkout.totara("secrets", "seed", "local")
    git(checkout.root, "init", "-q")
    release(checkout, "v1.0.0")
    checkout.totara("verify", "local")

    domain = checkout.root / "totara_infra" / "catalogue" / "domains" / "sd01.yaml"
    content = yaml.safe_load(domain.read_text())
    content["modules"][0]["parameters"].append(
        {"path": "/bank/{env}/service-001/added", "type": "integer", "default": 1,
         "readers": ["MOD-001"], "why": "It is new."}
    )  # fmt: skip
    domain.write_text(yaml.safe_dump(content, sort_keys=False))
    release(checkout, "v1.1.0")
    checkout.totara("up", "local")
    checkout.live().client("ssm").delete_parameter(Name=ADDED)
    return checkout


def test_the_job_leads_back_to_a_verified_release(failed):
    refused = failed.totara("verify", "local", code=1)
    assert ADDED in refused.out
    too_early = failed.totara("up", "local", "--back-from", "v1.1.0", code=1)
    assert "The way back from v1.1.0 leads to v1.0.0" in too_early.err

    output = failed.root / "output"
    values = {"$STACK": "local", "$TAG": "v1.1.0", "$GITHUB_OUTPUT": str(output)}
    ran = []
    for step in yaml.safe_load((WORKFLOWS / "release.yaml").read_text())["jobs"]["back"]["steps"]:
        if "steps.previous.outputs.tag" in step.get("with", {}).get("ref", ""):
            assert output.read_text() == "tag=v1.0.0\n"
            git(failed.root, "checkout", "-q", output.read_text().strip().removeprefix("tag="))
        program, *words = shlex.split(step.get("run", "make tools"))
        if program == ".venv/bin/totara":
            failed.totara(*(values.get(word, word) for word in words))
            ran.append(words[0])
    assert ran == ["release", "up", "verify"]
    assert "deployment/mod-001" in failed.pulumi("stack", "-s", "local").out
    assert "service-001/added" not in failed.pulumi("stack", "export", "-s", "local").out
