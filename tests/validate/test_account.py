"""Credentials of another account are refused before anything is read or changed."""

from __future__ import annotations

import os

import boto3
import pytest

from tests.command import totara
from tests.conftest import PROJECT
from tests.provider.conftest import endpoint
from totara_infra import read_stack

__all__ = ["endpoint"]

COMMANDS = (
    "preview prod",
    "up prod --exception INC-123:wrong-account",
    "verify prod",
    "drift prod",
    "secrets list prod",
    "secrets put prod /bank/prod/core/neon-db-url",
    "config check prod",
    "state rebuild prod",
    "backup run prod --kms-key alias/bank-prod-operational",
)


def variables(endpoint: str, account: str) -> dict[str, str]:
    """As with the credentials of an account; the emulator takes its id as the access key."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PULUMI_"))}
    return kept | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def made(endpoint: str, account: str) -> list[str]:
    """What there is of a kind that the refused commands would make or fill."""
    client = boto3.client(
        "secretsmanager", region_name="ap-southeast-2", endpoint_url=endpoint,
        aws_access_key_id=account, aws_secret_access_key="x",
    )  # fmt: skip
    return [s["Name"] for s in client.list_secrets()["SecretList"]]


@pytest.mark.parametrize("command", COMMANDS)
def test_credentials_of_another_stacks_account_are_refused(endpoint, command):
    uat, prod = (read_stack(PROJECT, name).account_id for name in ("uat", "prod"))
    done = totara(*command.split(), env=variables(endpoint, uat), given="value\n")
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"The credentials belong to account {uat}, the account of uat" in done.stderr
    assert f"Stack prod is in account {prod}" in done.stderr
    assert "AWS_PROFILE" in done.stderr
    assert made(endpoint, uat) == []


def test_the_stacks_own_account_is_taken_and_an_unknown_one_is_not(endpoint):
    own = read_stack(PROJECT, "prod").account_id
    taken = totara("secrets", "list", "prod", env=variables(endpoint, own))
    assert "neon-db-url" in taken.stdout, taken.stderr
    foreign = totara("secrets", "list", "prod", env=variables(endpoint, "909090909090"))
    assert foreign.returncode == 2
    assert "belong to account 909090909090." in foreign.stderr
