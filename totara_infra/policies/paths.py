"""Paths of parameters and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from totara_infra.model import naming
from totara_infra.policies.convention import Convention
from totara_infra.policies.examined import Examined

PARAMETER = "aws:ssm/parameter:Parameter"
SECRET = "aws:secretsmanager/secret:Secret"


@cache
def _pattern(convention: re.Pattern[str], env: str) -> re.Pattern[str]:
    """A convention for names with placeholders, for names in which they are filled in."""
    client = r"[a-z0-9]+(?:-[a-z0-9]+)*"
    text = convention.pattern.replace(r"\{env\}", env).replace(r"\{client_id\}", client)
    return re.compile(text)


def _check(resource: Examined) -> Iterator[str]:
    if resource.type not in (PARAMETER, SECRET):
        return
    name, env = resource.properties.get("name"), resource.settings.environment.value
    if not isinstance(name, str):
        yield "It has no name of its own. Give it `name=` with its path."
    elif resource.type == SECRET:
        if not _pattern(naming.SECRET_CONVENTION, env).match(name):
            yield (
                f"`{name}` is not of the form /bank/{env}/{{domain}}/{{secret-name}}, where the "
                "domain is core, kyc, aml, payments, credit, risk, platform or app. Respell it."
            )
    elif fault := naming.ssm_fault(name):
        yield f"`{name}` is no SSM name: {fault}. Shorten or respell it."
    elif not _pattern(naming.PARAMETER_CONVENTION, env).match(name):
        yield f"`{name}` is not of the form /bank/{env}/{{service}}/{{parameter}}. Respell it."


PATHS = Convention(
    "paths",
    "The path of a parameter begins with environment and service, that of a secret with "
    "environment and domain: by them roles may read it.",
    _check,
)
