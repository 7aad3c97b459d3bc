"""The provider that all goes through: its region, its account, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from totara_infra.policies.convention import Convention
from totara_infra.policies.examined import UNKNOWN, Examined

PROVIDER = "pulumi:providers:aws"
COPIED = frozenset(
    {
        "aws:backup/vault:Vault",
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        "aws:kms/alias:Alias",
        "aws:kms/key:Key",
    }
)
"""Types that may lie in the recovery region too: the vault of the copies, with its key."""


def _plain(value: Any) -> Any:
    """A provider's argument: what is no text arrives as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _check(resource: Examined) -> Iterator[str]:
    settings, properties = resource.settings, resource.properties
    if resource.type != PROVIDER:
        if resource.type.startswith("aws:") and (resource.provider or "default").startswith(
            "default"
        ):
            yield (
                "It has no explicit provider, so a machine's own settings would decide where it "
                "goes. Declare it below the platform, or pass `provider=`."
            )
        region = properties.get("region")
        allowed_regions = [None, UNKNOWN, settings.region]
        if resource.type in COPIED:
            allowed_regions.append(settings.disaster_recovery_region)
        if resource.type.startswith("aws:") and region not in allowed_regions:
            yield f"It goes to {region}, not to {settings.region}. Leave `region` out."
        return
    if resource.name.startswith("default"):
        yield "It is a default provider. Give everything `totara_infra.platform.provider`."
    if properties.get("region") != settings.region:
        yield f"Its region is not the stack's. Set `region` to {settings.region}."
    # An account id in JSON is a number, unless it was a text.
    allowed = [str(account) for account in _plain(properties.get("allowedAccountIds")) or []]
    if allowed != [settings.account_id]:
        yield (
            f"It allows {', '.join(allowed) or 'every account'}. Set `allowed_account_ids` to "
            f"{settings.account_id} alone, as the stack's file says."
        )
    if not settings.emulated and (properties.get("accessKey") or properties.get("secretKey")):
        yield "It carries credentials, which would stand in the state. Take a role instead."


PROVIDER_POLICY = Convention(
    "provider",
    "Everything goes through an explicit provider for the stack's own region and account: the "
    "wrong account is refused. Only copies of recovery points go to the recovery region.",
    _check,
)
