"""A process as a Lambda function is one: started once, it reads configuration with Powertools.

It knows AWS only by the variables that the Lambda service would set, and answers each line of its
input with one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys

from aws_lambda_powertools.utilities.parameters import (
    AppConfigProvider,
    SecretsProvider,
    SSMProvider,
)

MAX_AGE = 2


def main() -> None:
    environment = os.environ["BANK_ENV"]
    app_config: dict[str, AppConfigProvider] = {}
    parameters, secrets = SSMProvider(), SecretsProvider()
    for line in sys.stdin:
        kind, *rest = line.split()
        if kind == "setting":
            application, profile, tenant, key = rest
            provider = app_config.setdefault(
                application, AppConfigProvider(environment=environment, application=application)
            )
            content = provider.get(profile, max_age=MAX_AGE, transform="json")
            own = content["tenants"].get(tenant, {})
            value = own.get(key, content["defaults"].get(key))
        elif kind == "parameter":
            value = parameters.get(rest[0], max_age=MAX_AGE)
        else:
            value = secrets.get(rest[0], max_age=MAX_AGE)
        sys.stdout.write(json.dumps(value) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
