"""The settings of one Pulumi stack: what differs between environments.

A stack's file is `Pulumi.<stack>.yaml`; the types and defaults stand in the `config:` block of
`Pulumi.yaml`. The program reads them through the engine, `totara` reads the same files without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from totara_infra.model.declarations import Model
from totara_infra.model.documents import (
    Document,
    Location,
    not_a_mapping,
    parse,
    read_document,
)
from totara_infra.model.json_text import read_json
from totara_infra.model.problems import Problem, ProblemsError, UsageError
from totara_infra.model.stack_rules import (
    RECOVERY_SUFFIX,
    REHEARSAL_SUFFIX,
    environment_of,
    setting_faults,
)
from totara_infra.model.vocabulary import Environment, RoleName, Slug, TagValue

__all__ = ["RECOVERY_SUFFIX", "REHEARSAL_SUFFIX", "environment_of"]

PROJECT = "totara-infra"


class RoleHandling(StrEnum):
    """Whether the program makes the IAM roles."""

    CREATE = "create"
    """Under the bootstrap identity, which may."""
    EXISTING = "existing"
    """In the pipeline, where an organisation policy denies `iam:CreateRole`: they are there."""


class Growth(StrEnum):
    """How AppConfig spreads a new configuration."""

    LINEAR = "LINEAR"
    EXPONENTIAL = "EXPONENTIAL"


class Capacity(StrEnum):
    """The size of what has one."""

    MINIMUM = "minimum"
    REDUCED = "reduced"
    FULL = "full"


def _listed(value: object) -> object:
    """Accept JSON: the engine hands a list over as text."""
    if not (isinstance(value, str) and value.startswith("[")):
        return value
    try:
        return read_json(value)
    except ValueError:
        # As the text that it is, which the model refuses.
        return value


def command_words(stack: str) -> str:
    """What stands for an engine's stack in a `totara` command: `prod`, or `prod --rehearse`."""
    if stack.endswith(REHEARSAL_SUFFIX):
        return f"{stack.removesuffix(REHEARSAL_SUFFIX)} --rehearse"
    return stack


_REGION = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"


class WrittenSettings(Model):
    """The settings of a stack, each by itself. Keys of the file are the same with hyphens."""

    environment: Environment
    region: str = Field(pattern=_REGION)
    disaster_recovery_region: str = Field(pattern=_REGION)
    account_id: str = Field(pattern=r"^[0-9]{12}$")
    tenants: Annotated[list[Slug], BeforeValidator(_listed)] = Field(min_length=1)
    default_tenant: Slug
    """Tenant behind the published single-tenant names and the tag `tenant_id`."""
    bucket_suffix: str = Field(default="", pattern=r"^(-[a-z0-9]+)*$", max_length=19)
    cost_center: TagValue = "bank-platform"
    roles: RoleHandling = RoleHandling.CREATE
    deployer_role: RoleName = "BankDeployRole"
    """IAM role that the pipeline assumes. Secrets exempt it from their deny, so it is one role."""
    capacity: Capacity = Capacity.FULL
    log_retention_days: int = Field(default=90, ge=1)
    secret_recovery_days: int = Field(default=7, ge=0)
    """Days between the deletion of a secret and its end; 0 only where all is throwaway."""
    roll_out_growth: Growth = Growth.LINEAR
    roll_out_percent: float = Field(default=100, ge=1, le=100)
    roll_out_minutes: int = Field(default=0, ge=0, le=1440)
    roll_out_bake_minutes: int = Field(default=0, ge=0, le=1440)
    protect: bool = False
    """Whether the engine refuses to delete stateful resources."""
    password_sign_in: bool = False
    """A client that takes a password: local only, for tests and first steps."""
    endpoint: str | None = Field(
        default=None, pattern=r"^http://(127\.[0-9]+\.[0-9]+\.[0-9]+|localhost):[0-9]+$"
    )
    """Emulated AWS on this machine; empty means AWS itself. No file says it."""
    stack: str = ""
    """The engine's name of the stack. Whoever reads the settings knows it; no file says it."""


class StackSettings(WrittenSettings):
    """Typed settings of a stack that agree with one another and with the stack's name."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = list(setting_faults(self))
        if faults:
            raise ValueError("; ".join(f"{f.what}: {f.why}" for f in faults))
        return self

    @classmethod
    def for_environment(
        cls,
        environment: Environment | str,
        *,
        account_id: str,
        tenants: Sequence[str],
        **settings: Any,
    ) -> Self:
        """Settings for a platform that is composed in Python, without a stack's file.

        Args:
            environment: local, dev, uat or prod.
            account_id: of the only AWS account that may be touched, twelve digits.
            tenants: client ids; the first one stands behind the single-tenant names.
            settings: any other field, instead of its default.

        Raises:
            ValidationError: pydantic's, for values that do not fit.
        """
        defaults = {
            "region": "ap-southeast-2",
            "disaster_recovery_region": "ap-southeast-4",
            "default_tenant": next(iter(tenants), ""),
            "protect": Environment(environment).keeps_state,
        }
        own = {"environment": environment, "account_id": account_id, "tenants": list(tenants)}
        return cls.model_validate({**defaults, **settings, **own})

    @property
    def emulated(self) -> bool:
        """Whether this stack runs against an emulator, so that everything in it is throwaway."""
        return self.endpoint is not None

    @property
    def command_words(self) -> str:
        """What stands for this stack in a `totara` command: `prod`, or `prod --rehearse`."""
        return command_words(self.stack or self.environment.value)

    def tags(self, module_id: str, system_id: str) -> dict[str, str]:
        """The tag set that every resource carries."""
        return {
            "tenant_id": self.default_tenant,
            "module_id": module_id,
            "environment": self.environment.value,
            "env": self.environment.value,
            "system_id": system_id,
            "cost_center": self.cost_center,
            "managed_by": PROJECT,
        }


def settings_key(field: str) -> str:
    """The key of a field in the stack's file."""
    return field.replace("_", "-")


def is_recovery(name: str) -> bool:
    """Whether a stack stands in for another one in the other region."""
    return name.removesuffix(REHEARSAL_SUFFIX).endswith(RECOVERY_SUFFIX)


def primary_of(name: str) -> str:
    """The stack that a recovery stack stands in for, rehearsal or not; any other stack itself."""
    rehearsal = REHEARSAL_SUFFIX if name.endswith(REHEARSAL_SUFFIX) else ""
    return f"{name.removesuffix(REHEARSAL_SUFFIX).removesuffix(RECOVERY_SUFFIX)}{rehearsal}"


def recovery_of(name: str) -> str:
    """The stack that stands in for one in the other region, rehearsal or not."""
    rehearsal = REHEARSAL_SUFFIX if name.endswith(REHEARSAL_SUFFIX) else ""
    return f"{name.removesuffix(REHEARSAL_SUFFIX)}{RECOVERY_SUFFIX}{rehearsal}"


def recovery_settings(primary: StackSettings) -> dict[str, Any]:
    """What differs between a stack and the one that stands in for it.

    Roles are IAM's, which has no region, so they are there; names of buckets are global.
    """
    return {
        "region": primary.disaster_recovery_region,
        "disaster_recovery_region": primary.region,
        "bucket_suffix": f"{primary.bucket_suffix}-dr",
        "roles": RoleHandling.EXISTING.value,
    }


def read_stack(root: Path, stack: str, overrides: Mapping[str, Any] | None = None) -> StackSettings:
    """Settings of a stack, from its file and the defaults in `Pulumi.yaml`.

    A recovery stack has those of the stack that it stands in for, in the other region.

    Args:
        root: the project's folder.
        stack: name of the stack.
        overrides: fields that win over the file, such as a rehearsal's endpoint.

    Raises:
        UsageError: there is no such stack.
        ProblemsError: what is wrong in the file, with lines.
    """
    if is_recovery(stack):
        primary = primary_of(stack)
        differing = recovery_settings(read_stack(root, primary))
        return read_stack(root, primary, {"stack": stack, **differing, **(overrides or {})})
    path = root / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(known_stacks(root)))
        raise UsageError(
            f"There is no stack `{stack}`: {path.name} does not exist. Known stacks: {known}."
        )
    return parse_stack(read_document(path, root), {"stack": stack, **(overrides or {})})


def parse_stack(document: Document, overrides: Mapping[str, Any] | None = None) -> StackSettings:
    """Settings of a stack from its file as read, or as it is going to be written.

    Raises:
        ProblemsError: what is wrong in the file, with lines.
    """
    project = read_document(document.root / "Pulumi.yaml", document.root)
    defaults = {
        key: entry["default"]
        for key, entry in config_of(project).items()
        if isinstance(entry, dict) and "default" in entry and ":" not in key
    }
    return _parse(document, defaults, overrides or {})


def config_of(document: Document) -> dict[str, Any]:
    """The `config:` block of a stack's file or of the project's; empty where it has none.

    Raises:
        ProblemsError: the file or the block is not a mapping.
    """
    if not isinstance(document.data, dict):
        raise ProblemsError([not_a_mapping(document)])
    config = document.data.get("config")
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise ProblemsError([not_a_mapping(document, ("config",))])
    return config


class _Fields(Document):
    """The settings in a stack's file under the model's names, with the lines of the file."""

    def line(self, location: Location) -> int:
        if location and isinstance(location[0], str):
            key = f"{PROJECT}:{settings_key(location[0])}"
            return super().line(("config", key, *location[1:]))
        return super().line(location)

    def key(self, part: int | str) -> str:
        return settings_key(part) if part in WrittenSettings.model_fields else super().key(part)

    def written(self, location: Location) -> str | None:
        if location and isinstance(location[0], str):
            key = f"{PROJECT}:{settings_key(location[0])}"
            return super().written(("config", key, *location[1:]))
        return super().written(location)


def _parse(
    document: Document, defaults: Mapping[str, Any], overrides: Mapping[str, Any]
) -> StackSettings:
    config = config_of(document)
    prefix = f"{PROJECT}:"
    values = {k.removeprefix(prefix): v for k, v in config.items() if k.startswith(prefix)}
    known = {settings_key(f): f for f in StackSettings.model_fields if f != "stack"}
    problems = [
        Problem(
            document.name,
            document.line(("config", f"{prefix}{key}")),
            "unknown-key",
            f"unknown key `{key}`",
            "nothing reads it",
            f"remove it; known: {', '.join(sorted(known))}",
        )
        for key in values
        if key not in known
    ]
    merged = {known[k]: v for k, v in {**defaults, **values}.items() if k in known}
    fields = _Fields(document.path, document.root, document.text, {**merged, **overrides})
    try:
        written = parse(fields, WrittenSettings)
    except ProblemsError as error:
        raise ProblemsError([*problems, *map(_under_its_key, error.problems)]) from None
    problems += [
        fields.problem((f.field,), f.rule, f.what, f.why, f.fix) for f in setting_faults(written)
    ]
    if problems:
        raise ProblemsError(problems)
    return StackSettings.model_validate(written.model_dump())


def engine_settings(values: Mapping[str, Any]) -> StackSettings:
    """Settings of a stack from the values that the engine hands over.

    Args:
        values: field -> value; values are text where the engine knows no other type.

    Raises:
        UsageError: what is wrong with them.
    """
    try:
        return StackSettings.model_validate(values)
    except ValidationError as error:
        lines = []
        for item in error.errors(include_url=False, include_input=False):
            place = ".".join(settings_key(str(part)) for part in item["loc"])
            lines.append(f"{place}: {item['msg']}" if place else item["msg"])
        stack = values.get("stack", "")
        raise UsageError(f"Pulumi.{stack}.yaml can't be used:\n" + "\n".join(lines)) from None


def _under_its_key(problem: Problem) -> Problem:
    """The problem with the names of settings as the file writes them."""
    texts = {part: getattr(problem, part) for part in ("what", "fix")}
    for field in StackSettings.model_fields:
        key = settings_key(field)
        for part, text in texts.items():
            texts[part] = text.replace(f"`{field}`", f"`{key}`").replace(
                f"`{field}: ", f"`{PROJECT}:{key}: "
            )
    return replace(problem, **texts)


def known_stacks(root: Path) -> list[str]:
    """Names of the stacks that have a file of their own.

    Those of rehearsals and recovery stacks are generated, and don't count.
    """
    names = (
        p.name.removeprefix("Pulumi.").removesuffix(".yaml") for p in root.glob("Pulumi.*.yaml")
    )
    return sorted(n for n in names if not n.endswith((REHEARSAL_SUFFIX, RECOVERY_SUFFIX)))


def require_stack(root: Path, name: str) -> None:
    """See that there is a stack of that name: an environment's shared one, or a client's own.

    Args:
        root: the project's folder.
        name: as people write it.

    Raises:
        UsageError: there is none, or it is a rehearsal's, which is named by a flag.
    """
    if name.endswith(REHEARSAL_SUFFIX):
        shared = name.removesuffix(REHEARSAL_SUFFIX)
        raise UsageError(
            f"`{name}` is the rehearsal of `{shared}`. Write `{shared} --rehearse`, where the "
            "command knows rehearsals."
        )
    known = known_stacks(root)
    if primary_of(name) not in known:
        raise UsageError(
            f"There is no environment `{name}`, and no client has a stack of that name. Write one "
            f"of {', '.join(known)}."
        )


def environment_named(name: str) -> Environment:
    """The environment of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return Environment(name)
    except ValueError:
        known = ", ".join(Environment)
        raise UsageError(f"There is no environment `{name}`. Write one of {known}.") from None
