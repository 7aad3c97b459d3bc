"""What the settings of a stack must keep together: with one another, and with the stack's name.

Approval, protection and the refusal of deletions hang on the environment. So a stack's environment
is the one that its name begins with: a change of the file can't turn production into something
else, and to rename the stack is to leave its state behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from totara_infra.model import naming
from totara_infra.model.vocabulary import SLUG, Environment

if TYPE_CHECKING:
    from totara_infra.model.catalogue import Catalogue
    from totara_infra.model.stack import WrittenSettings

REHEARSAL_SUFFIX = "-rehearsal"
RECOVERY_SUFFIX = "-recovery"
"""Ends the name of the stack that stands in for another one in the other region."""
_RESERVED_BUCKET_ENDINGS = ("-s3alias",)
"""S3, bucket naming rules. The other reserved endings hold two hyphens or a dot."""
_STACK = re.compile(rf"(?P<environment>{'|'.join(Environment)})(-{SLUG.pattern.strip('^$')})?")


class SettingFault(NamedTuple):
    """One thing that is wrong with a stack's settings, and the field that it stands in."""

    field: str
    rule: str
    what: str
    why: str
    fix: str


def environment_of(stack: str) -> Environment | None:
    """The environment in a stack's name: prod in `prod`, `prod-acorn` and `prod-recovery`.

    Returns:
        None where the name begins with no environment.
    """
    found = _STACK.fullmatch(stack)
    return Environment(found["environment"]) if found else None


def runs_here(stack: str) -> bool:
    """Whether a stack of that name runs against an emulator on this machine, and nowhere else."""
    return stack.endswith(REHEARSAL_SUFFIX) or stack in ("local", f"local{RECOVERY_SUFFIX}")


def setting_faults(settings: WrittenSettings) -> Iterator[SettingFault]:
    """Everything in a stack's settings that does not go together."""
    yield from _name_faults(settings)
    if settings.default_tenant not in settings.tenants:
        yield SettingFault(
            "default_tenant",
            "stack-default-tenant",
            f"default-tenant `{settings.default_tenant}` is not among the tenants",
            "its values stand behind the single-tenant names",
            f"write one of {', '.join(settings.tenants)}",
        )
    if settings.password_sign_in and settings.environment is not Environment.LOCAL:
        yield SettingFault(
            "password_sign_in",
            "stack-password",
            f"password-sign-in is on in {settings.environment}",
            "a client that takes a password is for local only",
            "remove the line",
        )
    yield from _protection_faults(settings)
    yield from _aws_faults(settings)


def catalogue_faults(catalogue: Catalogue, settings: WrittenSettings) -> Iterator[SettingFault]:
    """What the catalogue has against a stack's settings.

    The deny of every secret exempts the deployer, so no role of the platform may be it.
    """
    owners = {
        r.name: m.id for m in catalogue.modules.values() for r in m.resources if r.kind == "role"
    }
    owner = owners.get(settings.deployer_role)
    if owner is not None:
        yield SettingFault(
            "deployer_role",
            "stack-deployer",
            f"deployer-role is {settings.deployer_role}, which {owner} declares",
            "the deployer may read and fill every secret, so that role could too",
            "name the role that the pipeline assumes, such as BankDeployRole",
        )


def _name_faults(settings: WrittenSettings) -> Iterator[SettingFault]:
    stack = settings.stack
    if not stack:
        return
    environment = environment_of(stack)
    local = environment is Environment.LOCAL
    if environment is None or (local and not runs_here(stack)):
        yield SettingFault(
            "environment",
            "stack-name",
            f"there can't be a stack `{stack}`",
            "a stack is called after its environment, which decides what is protected and "
            "approved: `prod`, or `prod-acorn` for a client alone; `local` is for everybody",
            "rename the file to Pulumi.<environment>.yaml or Pulumi.<environment>-<client id>.yaml",
        )
    elif environment is not settings.environment:
        yield SettingFault(
            "environment",
            "stack-environment",
            f"stack `{stack}` has the environment {settings.environment}",
            f"its name says {environment}, and by that it is approved and protected",
            f"write `environment: {environment}`",
        )
    if settings.endpoint is not None and not runs_here(stack):
        yield SettingFault(
            "endpoint",
            "stack-endpoint",
            f"stack `{stack}` has an endpoint of its own",
            "only `local` and rehearsals run against an emulator, and theirs is found, not written",
            "remove the line; `--rehearse` rehearses the stack on this machine",
        )


def _protection_faults(settings: WrittenSettings) -> Iterator[SettingFault]:
    throwaway = runs_here(settings.stack) if settings.stack else settings.endpoint is not None
    # Where file and name disagree, what is wrong is told as the stricter one sees it.
    environments = {settings.environment, environment_of(settings.stack)}
    kept = any(e.keeps_state for e in environments if e is not None) and not throwaway
    if kept and not settings.protect:
        yield SettingFault(
            "protect",
            "stack-protect",
            f"protect is off in {settings.environment}",
            "secrets, user pools, buckets, keys and vaults there can't be made again",
            'write `protect: "true"`; --allow-delete lets a single one go',
        )
    window = settings.secret_recovery_days
    lowest, highest = naming.SECRET_RECOVERY_DAYS
    if window and not lowest <= window <= highest:
        yield SettingFault(
            "secret_recovery_days",
            "stack-recovery-window",
            f"secret-recovery-days is {window}",
            f"Secrets Manager takes {lowest} to {highest} days, or 0 for none",
            f"write a number from {lowest} to {highest}",
        )
    elif kept and not window:
        yield SettingFault(
            "secret_recovery_days",
            "stack-recovery-window",
            f"secret-recovery-days is 0 in {settings.environment}",
            "a secret that is deleted there would be gone at once, and nobody could bring it back",
            f"write a number from {lowest} to {highest}",
        )


def _aws_faults(settings: WrittenSettings) -> Iterator[SettingFault]:
    if settings.region == settings.disaster_recovery_region:
        yield SettingFault(
            "disaster_recovery_region",
            "stack-recovery-region",
            f"region and disaster-recovery-region are both {settings.region}",
            "the copies of the backups would be lost together with what they are copies of",
            "write another region",
        )
    if settings.log_retention_days not in naming.LOG_RETENTION_DAYS:
        yield SettingFault(
            "log_retention_days",
            "stack-log-retention",
            f"log-retention-days is {settings.log_retention_days}",
            "CloudWatch Logs takes only some numbers of days",
            f"write one of {', '.join(map(str, sorted(naming.LOG_RETENTION_DAYS)))}",
        )
    for ending in _RESERVED_BUCKET_ENDINGS:
        if settings.bucket_suffix.endswith(ending):
            yield SettingFault(
                "bucket_suffix",
                "stack-bucket-suffix",
                f"bucket-suffix ends in `{ending}`",
                "S3 keeps that ending for itself",
                "choose another suffix",
            )
