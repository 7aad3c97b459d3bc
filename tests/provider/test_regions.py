"""Things that a program puts into another region than the provider's."""

from __future__ import annotations

import boto3
from pulumi.runtime.proto import provider_pb2

from tests.provider.provider_client import ACCOUNT, ProviderClient

VAULT = "aws:backup/vault:Vault"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
TOPIC = "aws:sns/topic:Topic"
ELSEWHERE = "ap-southeast-4"


def client(endpoint: str, service: str):
    return boto3.client(
        service,
        region_name=ELSEWHERE,
        endpoint_url=endpoint,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="test",
    )


def test_it_lives_there_and_nowhere_else(provider: ProviderClient, endpoint, aws, unique) -> None:
    key = provider.create(
        KEY, provider.check(KEY, {"description": unique, "region": ELSEWHERE}).inputs
    )
    arn = f"arn:aws:kms:{ELSEWHERE}:{ACCOUNT}:key/{key.id}"
    assert key.outputs["arn"] == arn
    alias = {"name": f"alias/{unique}", "targetKeyId": key.id, "region": ELSEWHERE}
    made = [key, provider.create(ALIAS, provider.check(ALIAS, alias).inputs)]
    inputs = {"name": unique, "kmsKeyArn": arn, "region": ELSEWHERE, "tags": {"a": "b"}}
    checked = provider.check(VAULT, inputs).inputs
    there = f"arn:aws:backup:{ELSEWHERE}:{ACCOUNT}:backup-vault:{unique}"
    assert provider.preview(VAULT, checked)["arn"] == there
    vault = provider.create(VAULT, checked)
    made.append(vault)
    assert vault.outputs["arn"] == there
    found = client(endpoint, "backup").describe_backup_vault(BackupVaultName=unique)
    assert found["EncryptionKeyArn"] == arn
    own = aws("backup").list_backup_vaults()["BackupVaultList"]
    assert unique not in {v["BackupVaultName"] for v in own}

    for state in made:
        again = provider.refresh(state)
        assert again is not None
        assert again.inputs == state.inputs
        # As with Pulumi's own plugin, an import says where.
        assert provider.import_(state.token, state.id) is None
        imported = provider.import_(state.token, f"{state.id}@{ELSEWHERE}")
        assert imported.id == state.id
        assert imported.inputs["region"] == ELSEWHERE

    news = provider.check(VAULT, inputs | {"tags": {"a": "c"}}, vault.inputs).inputs
    vault = provider.update(vault, news)
    tags = client(endpoint, "backup").list_tags(ResourceArn=there)["Tags"]
    assert tags["a"] == "c"
    home = {k: v for k, v in inputs.items() if k != "region"}
    answer = provider.diff(vault, provider.check(VAULT, home, vault.inputs).inputs)
    assert "region" in list(answer.replaces)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME

    for state in reversed(made):
        provider.delete(state)
        assert provider.refresh(state) is None
    assert client(endpoint, "backup").list_backup_vaults()["BackupVaultList"] == []


def test_a_type_that_is_served_in_one_region_is_refused_elsewhere(provider, unique) -> None:
    failures = provider.check(TOPIC, {"name": unique, "region": ELSEWHERE}).failures
    assert "one region" in failures["region"]
