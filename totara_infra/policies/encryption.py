"""What is kept is encrypted, with the key of its class where it has one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from totara_infra.model.declarations import Bucket, LogGroup, Topic
from totara_infra.model.naming import fill
from totara_infra.policies.convention import Convention, StackConvention
from totara_infra.policies.examined import UNKNOWN, Context, Examined
from totara_infra.policies.paths import SECRET

BUCKET_ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TOPIC = "aws:sns/topic:Topic"
_QUEUE = "aws:sqs/queue:Queue"
_KEY_PROPERTY = {
    SECRET: "kmsKeyId",
    TOPIC: "kmsMasterKeyId",
    LOG_GROUP: "kmsKeyId",
    BUCKET_ENCRYPTION: "rules",
}
"""Type -> the property that names its key."""


def _own_key(resource: Examined, value: object) -> bool:
    """Whether a value can name a customer-managed key of the stack's account, where it is."""
    settings = resource.settings
    region = resource.properties.get("region") or settings.region
    own = f"arn:aws:kms:{region}:{settings.account_id}:key/"
    return value is UNKNOWN or (isinstance(value, str) and value.startswith(own))


def _encrypted(resource: Examined) -> Iterator[str]:
    properties = resource.properties
    match resource.type:
        case _ if resource.type in (SECRET, TOPIC, LOG_GROUP):
            name = _KEY_PROPERTY[resource.type]
            if not _own_key(resource, properties.get(name)):
                yield f"`{name}` names no key of the platform. Give it the key of its class."
        case "aws:backup/vault:Vault":
            if not _own_key(resource, properties.get("kmsKeyArn")):
                yield (
                    "`kmsKeyArn` names no key of the platform in its region. Give it one, or AWS "
                    "Backup takes a key of its own."
                )
        case "aws:sqs/queue:Queue":
            key = properties.get("kmsMasterKeyId")
            if not (properties.get("sqsManagedSseEnabled") is True or _own_key(resource, key)):
                yield (
                    "It is not encrypted. Set `sqs_managed_sse_enabled`, or give it the key of "
                    "its class."
                )
        case "aws:kms/key:Key":
            if properties.get("enableKeyRotation") is not True:
                yield "Its material is never renewed. Set `enable_key_rotation`."
        case _ if resource.type == BUCKET_ENCRYPTION:
            for rule in properties.get("rules") or [{}]:
                given = rule.get("applyServerSideEncryptionByDefault") or {}
                key = given.get("kmsMasterKeyId")
                if given.get("sseAlgorithm") != "aws:kms" or not _own_key(resource, key):
                    yield (
                        "A rule encrypts without a key of the platform. Write `aws:kms` and the "
                        "key of the bucket's class."
                    )


def _keys_of_class(resources: Sequence[Examined]) -> Iterator[tuple[Examined, str]]:
    if not resources:
        return
    wanted = declared_classes(resources[0].context)
    encryptions = {
        name: resource
        for resource in resources
        if resource.type == BUCKET_ENCRYPTION
        for name, kind in resource.depends.get("bucket", ())
        if kind == BUCKET
    }
    for resource in resources:
        if resource.type == BUCKET:
            holder = encryptions.get(resource.name)
            physical = resource.properties.get("bucket")
        else:
            holder, physical = resource, resource.properties.get("name")
        class_name = wanted.get((resource.type, str(physical)))
        if class_name is None or holder is None:
            continue
        keys = [n for n, kind in holder.depends.get(_KEY_PROPERTY[holder.type], ()) if kind == KEY]
        if keys != [f"key/{class_name}"]:
            found = ", ".join(keys) or "no key that this program makes"
            yield (
                resource,
                f"It is encrypted with {found}. Its class in the catalogue is {class_name}: give "
                f'it `Reference("key/{class_name}", "arn")`.',
            )


def declared_classes(context: Context) -> Mapping[tuple[str, str], str]:
    """Type and name in AWS of what the catalogue gives a class of key, and that class."""
    settings = context.settings
    common = {"env": settings.environment.value, "suffix": settings.bucket_suffix}
    found: dict[tuple[str, str], str] = {}
    for module in context.catalogue.modules.values():
        for secret in module.secrets:
            for client_id in settings.tenants:
                for name in filter(None, (secret.path, secret.previously)):
                    path = fill(name, {**common, "client_id": client_id})
                    found[SECRET, path] = secret.key_class.value
        for resource in module.resources:
            match resource:
                case Bucket():
                    found[BUCKET, fill(resource.name, common)] = resource.key_class.value
                case Topic():
                    found[TOPIC, fill(resource.name, common)] = resource.key_class.value
                case LogGroup():
                    found[LOG_GROUP, fill(resource.name, common)] = resource.key_class.value
    return found


ENCRYPTION = Convention(
    "encryption",
    "Secrets, buckets, topics, log groups and backup vaults are encrypted with keys of the "
    "platform, queues at least with SQS's own, and keys are rotated every year.",
    _encrypted,
)
KEY_CLASS = StackConvention(
    "key-class",
    "What the catalogue gives a class is encrypted with the key of that class: who may decrypt "
    "one class must not thereby read another.",
    _keys_of_class,
)
