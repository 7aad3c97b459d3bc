"""As many parameters as are asked for, and nothing else: what is left is the engine's own time."""

import os

import pulumi
import pulumi_aws as aws

from benchmarks.state import COUNT_VARIABLE
from totara_infra.configuration import stack_settings
from totara_infra.model.stack import PROJECT
from totara_infra.platform import provider

settings = stack_settings(pulumi.Config(PROJECT), pulumi.get_stack())
connection = provider(settings)
for number in range(int(os.environ[COUNT_VARIABLE])):
    aws.ssm.Parameter(
        f"parameter-{number}",
        name=f"/bank/bench/parameter-{number}",
        type="String",
        insecure_value="x" * 100,
        description="One of many parameters, as long as most are.",
        tags=settings.tags("MOD-104", "SD07"),
        opts=pulumi.ResourceOptions(provider=connection),
    )
