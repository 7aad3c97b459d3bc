"""Nothing goes to uat or prod unapproved: the update itself refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.delivery.history import git, run
from tests.tenants.project_copy import ProjectCopy
from totara_infra.local.setup import ensure_ready

UPDATE = """
import json, pathlib, subprocess, sys
import totara_infra.delivery.deployment as deployment
from totara_infra.delivery.approval import Approval
from totara_infra.delivery.progress import Report
from totara_infra.delivery.release import plan_digest

runs, later = [], sys.argv[1] == "later"

def engine(command, stack, blueprint, arguments=(), *, policies=True):
    runs.append([command, policies, *arguments])
    if command == "preview" and later:
        pathlib.Path("README.md").write_text("Changed while the preview ran.")
    return Report(succeeded=True)

deployment.run_engine = engine
blueprint = deployment._planned_now("prod")
approval = Approval(digest=plan_digest(blueprint))
try:
    deployment.Deployment("prod", blueprint, emulated=False, approval=approval).up(4, [])
except Exception as error:
    runs.append([type(error).__name__])
print(json.dumps(runs))
"""


@pytest.mark.parametrize("environment", ["uat", "prod"])
def test_an_update_without_approval_is_refused_before_anything_is_touched(root, environment):
    said = run(root, "up", environment, code=2)
    assert f"totara release digest {environment}" in said
    assert "--approved-digest" in said
    assert "DT-007" in said
    assert not (root / ".totara").exists()


def test_another_plan_than_the_approved_one_is_refused(root):
    digest = run(root, "release", "digest", "prod").strip()
    said = run(root, "up", "prod", "--approved-digest", "sha256:other", code=1)
    assert f"it has the digest {digest}, approved was sha256:other" in said

    (root / "README.md").write_text("Not committed.")
    try:
        changed = run(root, "up", "prod", "--approved-digest", digest, code=1)
    finally:
        (root / "README.md").unlink()
    assert "Files differ" in changed


def test_one_reason_at_a_time_and_none_where_all_is_throwaway(root):
    both = run(root, "up", "prod", "--approved-digest", "x", "--exception", "I-1: broken", code=2)
    assert "for one reason" in both
    short = run(root, "up", "prod", "--exception", "I-1: hm", code=2)
    assert "recorded with its number and its reason" in short
    rehearsal = run(root, "up", "prod", "--rehearse", "--approved-digest", "x", code=2)
    assert "needs no approval" in rehearsal


def test_the_policies_hold_where_people_rely_on_them(root):
    for command in ("preview", "up"):
        said = run(root, command, "prod", "--no-policies", code=2)
        assert "The policies hold for prod" in said


def test_the_way_back_leads_to_the_release_before_and_nowhere_else(root):
    (root / "README.md").write_text("First.")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first release")
    git(root, "tag", "v1.0.0")
    (root / "README.md").write_text("Second.")
    git(root, "commit", "-qam", "second release")
    git(root, "tag", "v1.1.0")

    here = run(root, "up", "prod", "--back-from", "v1.1.0", code=1)
    assert "The way back from v1.1.0 leads to v1.0.0" in here
    assert "no release before" in run(root, "up", "prod", "--back-from", "v1.0.0", code=2)
    git(root, "checkout", "-q", "v1.0.0")
    (root / "README.md").write_text("Neither.")
    assert "these files are others" in run(root, "up", "prod", "--back-from", "v1.1.0", code=1)
    git(root, "checkout", "-q", "-f", "v1.0.0")


def update(root: Path, when: str) -> list[list[object]]:
    """An update whose engine is replaced, as the command runs it."""
    done = subprocess.run(
        [sys.executable, "-c", UPDATE, when],
        cwd=root, env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[list[object]] = json.loads(done.stdout)
    return found


def test_the_digest_is_made_again_right_before_the_engine_starts(root):
    previewed, updated = update(root, "never")
    digest = run(root, "release", "digest", "prod").strip()
    assert previewed[:2] == ["preview", True]
    assert updated[:2] == ["up", True]
    assert updated[-2:] == ["--message", f"approved {digest}"]

    previewed, refused = update(root, "later")
    git(root, "checkout", "-q", "--", ".")
    assert previewed[0] == "preview"
    assert refused == ["UncommittedError"]


@pytest.mark.engine
@pytest.mark.parametrize("reason", ["digest", "back", "exception"])
def test_a_good_reason_lets_the_update_go_on(root, reason):
    ensure_ready()
    copy = ProjectCopy(root)
    if not (root / ".totara" / "bin").exists():
        copy.share_installations()
    given = {
        "digest": ["--approved-digest", run(root, "release", "digest", "prod").strip()],
        "back": ["--back-from", "v1.1.0"],
        "exception": ["--exception", "INC-7: customers can't sign in"],
    }
    # There is no stack `prod` in this backend, which is the next thing that an update looks for.
    backend = root / ".totara" / "state"
    backend.mkdir(exist_ok=True)
    os.environ["PULUMI_BACKEND_URL"] = f"file://{backend}"
    try:
        said = run(root, "up", "prod", *given[reason], code=1)
    finally:
        del os.environ["PULUMI_BACKEND_URL"]
    assert "The engine knows no stack `prod`" in said
