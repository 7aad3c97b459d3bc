"""Names, values and limits of single declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from totara_infra.model import naming
from totara_infra.model.declarations import (
    Bucket,
    Declaration,
    EventBus,
    LogGroup,
    Parameter,
    Queue,
    RuntimeRole,
    Scalar,
    Secret,
    Setting,
    Topic,
)
from totara_infra.model.problems import Problem
from totara_infra.model.rules.places import Place, filled
from totara_infra.model.values import as_text, misfit, outside
from totara_infra.model.vocabulary import Provenance, Rotation, Source

CREDENTIAL_WORDS = re.compile(
    r"(^|[-_/.])(password|passphrase|secret|credential|api-key|apikey|private-key|signing-key"
    r"|access-key|client-secret|auth-token)($|[-_/.])"
)


CREDENTIAL_VALUES = re.compile(
    r"-----BEGIN|AKIA[0-9A-Z]{16}|://[^/@\s:]+:[^/@\s]+@|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\."
    r"|ghp_[A-Za-z0-9]{20,}|xox[abp]-"
)


def declaration_problems(place: Place) -> Iterator[Problem]:
    """Faults of one declaration by itself."""
    declaration = place.declaration
    match declaration:
        case Parameter():
            yield from _parameter_problems(place, declaration)
        case Secret():
            yield from _secret_problems(place, declaration)
        case Setting():
            yield from _setting_problems(place, declaration)
        case Bucket() | EventBus() | Topic() | Queue() | RuntimeRole() | LogGroup():
            yield from _resource_problems(place, declaration)


def _parameter_problems(place: Place, parameter: Parameter) -> Iterator[Problem]:
    path = parameter.path
    fault = naming.ssm_fault(filled(path))
    if fault:
        yield place.problem(
            "path", "aws-name", f"`{path}` is no SSM name", fault, "shorten or respell it"
        )
    elif parameter.provenance is Provenance.ASSUMED and not naming.PARAMETER_CONVENTION.fullmatch(
        path
    ):
        yield place.problem(
            "path",
            "convention",
            f"`{path}` breaks the convention for names of ours",
            "parameters are /bank/{env}/{service}/{parameter}, lower-case words joined by hyphens",
            "respell it, or mark it `provenance: published` if the reference gives it so",
        )
    values = [("default", parameter.default)] if parameter.default is not None else []
    values += [(f"defaults.{e}", v) for e, v in parameter.defaults.items()]
    looks_secret = CREDENTIAL_WORDS.search(path.removeprefix("/bank/{env}/").lower())
    if looks_secret and parameter.type.value not in (
        "integer",
        "number",
        "boolean",
        "arn",
        "schedule",
    ):
        yield place.problem(
            "path",
            "credential",
            f"`{path}` names a credential ({looks_secret[2]})",
            "anybody who may read configuration could read it",
            "declare it under `secrets:`; only its ARN or name may be a parameter",
        )
    for field, value in values:
        reason = misfit(parameter.type, value)
        if reason:
            yield place.problem(
                field.split(".")[0],
                "default-type",
                f"{field} of `{path}`: {reason}",
                f"its type is {parameter.type}",
                "correct the value or the type",
            )
        elif _empty(value):
            yield place.problem(
                field.split(".")[0],
                "empty-value",
                f"{field} of `{path}` is empty",
                "Parameter Store takes no empty value, nor an empty entry of a list",
                "give it a value, or leave the default out and write `required: false`",
            )
        elif naming.SSM_REFERENCE in as_text(value):
            yield place.problem(
                field.split(".")[0],
                "aws-value",
                f"{field} of `{path}` holds `{naming.SSM_REFERENCE}`",
                "Parameter Store takes no value that refers to another parameter",
                "write it without doubled braces",
            )
        elif CREDENTIAL_VALUES.search(as_text(value)):
            yield place.problem(
                field.split(".")[0],
                "credential",
                f"{field} of `{path}` looks like a credential",
                "it would stand in git, in the state and in previews",
                "declare it under `secrets:` and fill it outside the program",
            )
        elif len(as_text(value).encode()) > naming.SSM_MAXIMUM_BYTES:
            yield place.problem(
                field.split(".")[0],
                "aws-size",
                f"{field} of `{path}` is too long",
                f"a standard parameter holds {naming.SSM_MAXIMUM_BYTES} bytes",
                "split it",
            )
    if (
        parameter.source is Source.VALUE
        and parameter.required
        and not values
        and parameter.tenant_field is None
    ):
        yield place.problem(
            "path",
            "default-missing",
            f"`{path}` has source `value` but no default",
            "the program would have nothing to write",
            "add `default:`, or another `source:`",
        )
    if parameter.source is not Source.VALUE and values:
        yield place.problem(
            "default",
            "default-unused",
            f"`{path}` has a default but source `{parameter.source}`",
            "nothing would write that value",
            "remove the default, or the source",
        )
    if (parameter.source is Source.RESOURCE) != (parameter.attribute is not None):
        yield place.problem(
            "source",
            "attribute-missing",
            f"`{path}`: source `resource` and `attribute` go together",
            "the attribute says of which thing the value is",
            "add the one or remove the other",
        )


def _empty(value: Scalar) -> bool:
    entries = value if isinstance(value, list) else [value]
    return not entries or any(isinstance(e, str) and not e.strip() for e in entries)


def _secret_problems(place: Place, secret: Secret) -> Iterator[Problem]:
    path = secret.path
    if not naming.SECRET_NAME.fullmatch(filled(path)):
        yield place.problem(
            "path",
            "aws-name",
            f"`{path}` is no Secrets Manager name",
            "AWS takes 1-512 letters, digits and / _ + = . @ -",
            "respell it",
        )
    elif not naming.SECRET_CONVENTION.fullmatch(path):
        yield place.problem(
            "path",
            "convention",
            f"`{path}` breaks the convention for secrets",
            "secrets are /bank/{env}/{domain}/{secret-name}, where domain is core, kyc, aml, "
            "payments, credit, risk, platform or app",
            "respell it",
        )
    if secret.rotation is Rotation.AUTOMATIC and secret.rotation_days is None:
        yield place.problem(
            "rotation",
            "rotation-period",
            f"`{path}` rotates by itself, but how often is not said",
            "rotation needs a schedule",
            "add `rotation_days:`",
        )


def _setting_problems(place: Place, setting: Setting) -> Iterator[Problem]:
    values = [("default", setting.default)] if setting.default is not None else []
    values += [(f"defaults.{e}", v) for e, v in setting.defaults.items()]
    for field, value in values:
        reason = misfit(setting.type, value) or outside(setting, value)
        if reason:
            yield place.problem(
                field.split(".")[0],
                "default-type",
                f"{field} of `{setting.key}`: {reason}",
                f"its type is {setting.type}, with the limits that it declares",
                "correct the value, the type or the limits",
            )
        elif CREDENTIAL_VALUES.search(as_text(value)):
            yield place.problem(
                field.split(".")[0],
                "credential",
                f"{field} of `{setting.key}` looks like a credential",
                "configuration is readable by every module of the domain",
                "declare it under `secrets:` and fill it outside the program",
            )
    if setting.kind.value == "flag" and setting.type.value != "boolean":
        yield place.problem(
            "type",
            "flag-type",
            f"flag `{setting.key}` is of type {setting.type}",
            "a flag is on or off",
            "write `type: boolean`, or `kind: setting`",
        )
    if (
        not values
        and setting.required
        and setting.profile != "deployment"
        and not setting.follows_activation
    ):
        yield place.problem(
            "key",
            "default-missing",
            f"`{setting.key}` has no default",
            "the profile would lack the key",
            "add `default:`",
        )


_NAME_RULES: dict[type[Declaration], tuple[re.Pattern[str], str]] = {
    Bucket: (naming.BUCKET_NAME, "S3 takes 3-63 lower-case letters, digits, dots and hyphens"),
    EventBus: (naming.EVENT_BUS_NAME, "EventBridge takes 1-256 letters, digits and . - _ /"),
    Topic: (naming.TOPIC_NAME, "SNS takes 1-256 letters, digits, hyphens and underscores"),
    Queue: (naming.QUEUE_NAME, "SQS takes 1-80 letters, digits, hyphens and underscores"),
    RuntimeRole: (naming.ROLE_NAME, "IAM takes 1-64 letters, digits and + = , . @ _ -"),
    LogGroup: (naming.LOG_GROUP_NAME, "CloudWatch takes 1-512 letters, digits and _ / . # -"),
}


def _resource_problems(place: Place, resource: Declaration) -> Iterator[Problem]:
    pattern, why = _NAME_RULES[type(resource)]
    name = str(getattr(resource, "name", ""))
    made = getattr(resource, "source", None) is Source.RESOURCE
    if made and not pattern.fullmatch(filled(name)):
        yield place.problem(
            "name", "aws-name", f"`{name}` is no AWS name", why, "respell or shorten it"
        )
    if isinstance(resource, LogGroup):
        for field in ("retention_days", "retention_days_below_prod"):
            days = getattr(resource, field)
            if days is not None and days not in naming.LOG_RETENTION_DAYS:
                allowed = ", ".join(map(str, sorted(naming.LOG_RETENTION_DAYS)))
                yield place.problem(
                    field,
                    "aws-value",
                    f"{field} {days} of `{name}`",
                    "CloudWatch takes only some numbers of days",
                    f"write one of {allowed}",
                )
