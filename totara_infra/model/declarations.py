"""What a module declares: parameters, secrets, settings, claims and infrastructure.

Every declaration carries what the manifests print: where it comes from, who reads it, who says
so, and one sentence of why. Names may hold the placeholders `{env}` (the environment) and, where
noted, `{client_id}` (a tenant) and `{suffix}` (the stack's bucket suffix).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from totara_infra.model.vocabulary import (
    Environment,
    Jurisdiction,
    KeyClass,
    ModuleId,
    Phrase,
    Provenance,
    Reload,
    Rotation,
    SecretFormat,
    Sentence,
    SettingKey,
    SettingKind,
    Source,
    ValueType,
)

Scalar = bool | int | float | str | list[str]
"""A value in the catalogue. YAML decides bool, int, float, text or list of texts."""

TenantField = Literal["client_id", "institution_type", "jurisdiction", "status"]
"""A field of a tenant's file that becomes a value."""

Readers = Literal["all"] | list[ModuleId | str]
"""`all`, or module ids and domain ids (`SD01` stands for every module of the domain)."""
SomeReaders = Literal["all"] | Annotated[list[ModuleId | str], Field(min_length=1)]
"""The same for what would be pointless if nobody read it."""


class Model(BaseModel):
    """Base of the catalogue's models: frozen, and an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_enum_values=False, allow_inf_nan=False, defer_build=True
    )


class Declaration(Model):
    """What all declarations say of themselves."""

    provenance: Provenance = Provenance.ASSUMED
    """Who gives the name."""
    published_as: str | None = None
    """The original form where the reference writes the name differently."""
    why: Sentence
    """One sentence for the manifest."""


class Parameter(Declaration):
    """A non-secret value in SSM Parameter Store, standard tier (at most 4,096 bytes)."""

    path: str
    """`/bank/{env}/{service}/{parameter}`. With `{client_id}` it exists once for each tenant."""
    type: ValueType = ValueType.STRING
    unit: Phrase | None = None
    """Unit of the value, such as `seconds` or `NZD or AUD`."""
    default: Scalar | None = None
    """Value in every environment that `defaults` does not name. Source `value` only."""
    defaults: dict[Environment, Scalar] = Field(default_factory=dict)
    """Values of single environments."""
    default_provenance: Provenance | None = None
    """Who gives the value; the name's provenance where it is left out."""
    required: bool = True
    readers: SomeReaders
    reload: Reload = Reload.REDEPLOY
    source: Source = Source.VALUE
    attribute: str | None = None
    """Source `resource` only: `<declaration>#<attribute>`, e.g. `event_bus/bank-core#arn`."""
    tenant_field: TenantField | None = None
    """The value is this field of the tenant (of the stack's default tenant, if the path has no
    `{client_id}`)."""
    jurisdiction: Jurisdiction | None = None
    """Set where only one jurisdiction uses it."""


class Secret(Declaration):
    """A credential in Secrets Manager. Its value never passes through the program."""

    path: str
    """`/bank/{env}/{domain}/{secret-name}`; with `{client_id}` one for each tenant."""
    previously: str | None = None
    """Path that it had before. Its container stays beside the new one, and
    `totara secrets move` copies the value, until this line is removed."""
    content: Phrase
    """What is inside, in words."""
    format: SecretFormat = SecretFormat.TEXT
    required: bool = True
    key_class: KeyClass = KeyClass.OPERATIONAL
    writers: list[ModuleId | str] = Field(default_factory=list)
    """Who fills it: module ids, or `provisioning`."""
    readers: Readers = Field(default_factory=list)
    """Modules that read it. Readers outside the path's own domain are granted by name."""
    rotation: Rotation = Rotation.MANUAL
    rotation_days: int | None = Field(default=None, ge=1, le=1000)
    """Days between rotations."""
    jurisdiction: Jurisdiction | None = None
    """Set where only tenants licensed there need it."""


class Setting(Declaration):
    """A key of an AppConfig profile: a flag or an operational setting."""

    key: SettingKey
    kind: SettingKind = SettingKind.SETTING
    profile: str = "runtime"
    """The profile of the domain's application that holds the key."""
    type: ValueType
    unit: Phrase | None = None
    default: Scalar | None = None
    defaults: dict[Environment, Scalar] = Field(default_factory=dict)
    default_provenance: Provenance | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: list[str] | None = None
    required: bool = True
    readers: SomeReaders
    reload: Reload = Reload.HOT
    overridable: bool = False
    """Whether a tenant's file may set a value of its own."""
    tenant_field: TenantField | None = None
    """The value for a tenant is this field of the tenant."""
    jurisdiction: Jurisdiction | None = None
    follows_activation: ModuleId | None = None
    """Flag only: its value for a tenant is whether that module is active for the tenant."""


class Infrastructure(Declaration):
    """A named AWS thing other than a parameter, secret or setting."""

    source: Source = Source.DEPLOYMENT
    readers: Readers = Field(default_factory=list)


class EncryptionKey(Infrastructure):
    """A customer-managed KMS key of one data classification."""

    kind: Literal["key"]
    name: KeyClass
    deletion_window_days: int = Field(default=30, ge=7, le=30)


class EventBus(Infrastructure):
    """A domain's event bus with its archive, dead-letter queue and resource policy."""

    kind: Literal["event_bus"]
    name: str
    dead_letter_queue: str
    archive_days: int = Field(ge=0)
    dead_letter_retention_days: int = Field(ge=1, le=14)


class Bucket(Infrastructure):
    """An S3 bucket: versioned, encrypted, private."""

    kind: Literal["bucket"]
    name: str
    """`bank-{env}-{bucket-name}{suffix}`; at most 63 characters once filled in."""
    key_class: KeyClass
    prefixes: list[str] = Field(default_factory=list)
    """Prefixes that modules use, for the manifest."""
    immutable_prefixes: list[str] = Field(default_factory=list)
    """Prefixes whose objects nobody may delete."""
    object_lock_years: int | None = Field(default=None, ge=1)
    """Object Lock in COMPLIANCE mode for that many years."""
    noncurrent_expiry_days: int | None = Field(default=None, ge=1)
    """Days after which a superseded object version is deleted, outside of immutable prefixes."""
    noncurrent_expiry_days_below_prod: int | None = Field(default=None, ge=1)
    """The same in local, dev and uat; as in prod where it is left out."""


class Topic(Infrastructure):
    """An SNS topic."""

    kind: Literal["topic"]
    name: str
    key_class: KeyClass = KeyClass.OPERATIONAL
    publishers: list[ModuleId] = Field(default_factory=list)


class LogGroup(Infrastructure):
    """A CloudWatch log group."""

    kind: Literal["log_group"]
    name: str
    retention_days: int | None = None
    """Days in every environment, one of the numbers that CloudWatch takes. The stack's
    `log-retention-days` where it is left out."""
    retention_days_below_prod: int | None = None
    """Days in local, dev and uat; as in prod where it is left out."""
    delete_denied: bool = False
    """Audit log: deletion is denied to every runtime role."""
    key_class: KeyClass = KeyClass.OPERATIONAL


class PolicyStatement(Model):
    """One statement of a managed policy.

    Resources may hold `{region}`, `{account}` and `{env}`, and IAM's own `${aws:…}` variables.
    """

    id: str
    effect: Literal["Allow", "Deny"]
    actions: list[str]
    resources: list[str]
    condition: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    """Operator -> condition key -> values, which may hold the same placeholders."""


class RuntimeRole(Infrastructure):
    """The IAM role that the Lambda functions of one domain assume."""

    kind: Literal["role"]
    name: str
    domain: str
    """Domain whose modules run under it, or empty for a role with another purpose."""
    purpose: Phrase
    assumed_by: list[str] = Field(default_factory=lambda: ["lambda.amazonaws.com"])
    """AWS services, or names of roles of this account."""
    publishes_to: list[str] = Field(default_factory=list)
    """Foreign buses it may put events on."""
    rules_on: list[str] = Field(default_factory=list)
    """Foreign buses it may place rules on."""
    statements: list[PolicyStatement] = Field(default_factory=list)
    """Further rights, beside those that every role of a domain has."""


class Policy(Infrastructure):
    """A managed IAM policy."""

    kind: Literal["policy"]
    name: str
    statements: list[PolicyStatement] = Field(default_factory=list)
    """Content. Source `resource` only."""
    attached_to_domains: Literal["all"] | list[str] = Field(default_factory=list)
    """Domains whose runtime role carries it."""


class Queue(Infrastructure):
    """An SQS queue."""

    kind: Literal["queue"]
    name: str
    retention_days: int | None = None
    visibility_seconds: int | None = None
    maximum_receives: int | None = None


class EventRule(Infrastructure):
    """An EventBridge rule of a module."""

    kind: Literal["event_rule"]
    name: str
    bus: str
    event_types: list[str] = Field(default_factory=list)


class OtherResource(Infrastructure):
    """A named thing of a kind that the module's own pipeline makes and this program only lists."""

    kind: Literal[
        "stream",
        "table",
        "function",
        "api",
        "schema_registry",
        "glue_database",
        "replication_slot",
        "publication",
        "configuration_set",
        "log_filter",
        "metric_namespace",
        "schedule",
        "layer",
        "state_machine",
        "host",
        "sampling_rule",
        "ci_secret",
    ]
    name: str


Resource = Annotated[
    EncryptionKey
    | EventBus
    | Bucket
    | Topic
    | LogGroup
    | RuntimeRole
    | Policy
    | Queue
    | EventRule
    | OtherResource,
    Field(discriminator="kind"),
]


class Claim(Declaration):
    """A claim of the customer or staff token, declared by the domain that owns the fact."""

    name: str
    """As it stands in the token, e.g. `custom:jurisdiction` or `scope`."""
    pools: list[Literal["customers", "staff"]]
    tokens: list[Literal["id", "access"]]
    origin: Literal["attribute", "trigger", "standard", "group"]
    """An attribute of the user; added by the pre-token-generation trigger; Cognito's own; group."""
    attribute: str | None = None
    """Origin `attribute`: the pool attribute without `custom:`, at most 20 characters."""
    mutable: bool = True
    required: bool = True
    """Whether every token of its kind carries it."""
    format: Literal["text", "uuid", "client_id"] = "text"
    """Origin `attribute`: what the trigger lets pass."""
    maximum_length: int = Field(default=256, ge=1, le=2048)
    values: list[str] | None = None
    """The values that it can take, where they are few."""
    readable_by: list[str] = Field(default_factory=list)
    """Clients with the attribute in their read list."""
    writable_by: list[str] = Field(default_factory=list)
    """Clients with the attribute in their write list."""
    decides_access: bool = False
    """Then no client may write it."""
    relied_on_by: list[ModuleId] = Field(default_factory=list)
