"""Runs checks of prowler on the account behind AWS_ENDPOINT_URL; started by prowler's own Python.

Its command line imports every cloud that it knows, half a gigabyte of packages. The checks and what
they ask of AWS are the same ones.
"""

import importlib
import json
import sys

from prowler.providers.aws.aws_provider import AwsProvider
from prowler.providers.common.models import Audit_Metadata
from prowler.providers.common.provider import Provider

SETTINGS = {"log_group_retention_days": 30}
"""The shortest time for which anything is logged; prowler's own is a year."""


def main(region: str, checks: list[str]) -> None:
    """Print what the checks find: check, status, resource, sentence."""
    provider = AwsProvider(regions={region}, config_content=SETTINGS, mutelist_content={})
    provider.audit_metadata = Audit_Metadata(
        services_scanned=0, expected_checks=checks, completed_checks=0, audit_progress=0
    )
    Provider.set_global_provider(provider)
    found = []
    for name in checks:
        service = name.split("_")[0]
        module = f"prowler.providers.aws.services.{service}.{name}.{name}"
        check = getattr(importlib.import_module(module), name)()
        found += [(name, f.status, f.resource_id, f.status_extended) for f in check.execute()]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
