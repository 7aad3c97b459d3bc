"""Lambda functions and permissions.

Code is a FileArchive or an AssetArchive, zipped the same way every time, or an object in S3. AWS
does not give code back to be compared with an archive, so its digest is: when it is no longer the
one that was uploaded, `code` (or `sourceCodeHash`, where the program gives it) shows as changed.

The id of a permission is `FUNCTION/STATEMENT` or `FUNCTION:QUALIFIER/STATEMENT`, the form in which
Pulumi's plugin imports one (its own id is the statement, from which nothing can be found again).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from totara_infra.local.provider.archives import zipped
from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    differ,
    keep_trying,
    unless_gone,
    wait_until,
    words,
)
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import ARCHIVE, SIGNATURE, Properties

FUNCTION = "aws:lambda/function:Function"
GONE = "ResourceNotFoundException"
_CONFIGURATION = words(
    "role runtime handler description timeout memorySize environment kmsKeyArn layers loggingConfig"
    " tracingConfig deadLetterConfig ephemeralStorage"
)
_RENAMES = {"name": "FunctionName", "kmsKeyArn": "KMSKeyArn"}
_CODE = words("code s3Bucket s3Key s3ObjectVersion")


def _code(inputs: Properties) -> dict[str, Any]:
    if "code" in inputs:
        return {"ZipFile": zipped(inputs["code"])}
    return to_api(inputs, ("s3Bucket", "s3Key", "s3ObjectVersion"), {"s3Bucket": "S3Bucket"})


def _configuration(inputs: Properties) -> dict[str, Any]:
    request = to_api(inputs, _CONFIGURATION, _RENAMES)
    if "environment" in inputs:
        # Names of variables are the program's own and stay as they are.
        request["Environment"] = {"Variables": inputs["environment"].get("variables") or {}}
    return request


def _settle(aws: Aws, name: str) -> None:
    def settled() -> bool:
        found = aws.client("lambda").get_function_configuration(FunctionName=name)
        waiting = found.get("State") == "Pending", found.get("LastUpdateStatus") == "InProgress"
        return not any(waiting)

    wait_until(settled, f"the function {name} did not become active")


def _patiently(call: Any, **request: Any) -> Any:
    """Call Lambda, waiting for a new role to be seen and for an earlier change to end."""
    return keep_trying(
        lambda: keep_trying(
            lambda: call(**request), "InvalidParameterValueException", text="assumed by Lambda"
        ),
        "ResourceConflictException",
        text="in progress",
    )


def _create_function(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("lambda"), inputs["name"]
    if unless_gone(client.get_function_configuration, GONE, FunctionName=name) is not None:
        raise AlreadyExists(f"the function {name}", name)
    request = {
        "FunctionName": name,
        "Code": _code(inputs),
        **_configuration(inputs),
        **to_api(inputs, ("architectures", "publish")),
    }
    if inputs.get("tagsAll"):
        request["Tags"] = inputs["tagsAll"]
    _patiently(client.create_function, **request)
    return Made(name)


def _finish_function(aws: Aws, identifier: str, inputs: Properties) -> None:
    _settle(aws, identifier)
    if _reserved(inputs) >= 0:
        _reserve(aws, identifier, inputs)


def _reserved(inputs: Properties) -> int:
    return int(inputs.get("reservedConcurrentExecutions", -1))


def _reserve(aws: Aws, identifier: str, inputs: Properties) -> None:
    client, count = aws.client("lambda"), _reserved(inputs)
    if count < 0:
        client.delete_function_concurrency(FunctionName=identifier)
    else:
        client.put_function_concurrency(FunctionName=identifier, ReservedConcurrentExecutions=count)


def _read_function(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    client = aws.client("lambda")
    answer = unless_gone(client.get_function, GONE, FunctionName=identifier)
    if answer is None:
        return None
    found = answer["Configuration"]
    known = schemas()[FUNCTION].inputs
    inputs = from_api(
        found, {n: known[n] for n in _CONFIGURATION | {"name", "architectures"}}, _RENAMES
    )
    variables = found.get("Environment", {}).get("Variables")
    inputs.pop("environment", None)
    if variables:
        inputs["environment"] = {"variables": dict(variables)}
    if layers := found.get("Layers"):
        inputs["layers"] = [layer["Arn"] for layer in layers]
    concurrency = client.get_function_concurrency(FunctionName=identifier)
    inputs["reservedConcurrentExecutions"] = concurrency.get("ReservedConcurrentExecutions", -1)
    inputs["tags"] = dict(answer.get("Tags") or {})
    inputs |= _code_as_recorded(found["CodeSha256"], recorded)
    arn = aws.arn("lambda", f"function:{identifier}")
    version = "$LATEST"
    outputs = {
        "arn": arn,
        "qualifiedArn": f"{arn}:{version}",
        "invokeArn": _invoke_arn(aws, arn),
        "qualifiedInvokeArn": _invoke_arn(aws, f"{arn}:{version}"),
        "version": version,
        "lastModified": found["LastModified"],
        "sourceCodeSize": found["CodeSize"],
        "codeSha256": found["CodeSha256"],
    }
    return Live(inputs, outputs)


def _code_as_recorded(digest: str, recorded: Recorded) -> Properties:
    given = {name: recorded.inputs[name] for name in _CODE if name in recorded.inputs}
    uploaded = recorded.outputs.get("codeSha256")
    changed = uploaded is not None and uploaded != digest
    if "sourceCodeHash" in recorded.inputs:
        given["sourceCodeHash"] = digest if changed else recorded.inputs["sourceCodeHash"]
    elif changed and "code" in given:
        given["code"] = {SIGNATURE: ARCHIVE, "hash": digest, "assets": {}}
    return given


def _invoke_arn(aws: Aws, arn: str) -> str:
    path = f"path/2015-03-31/functions/{arn}/invocations"
    return f"arn:aws:apigateway:{aws.region}:lambda:{path}"


def _update_function(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("lambda")
    if differ(new, old, *_CODE, "sourceCodeHash", "architectures"):
        request = to_api(new, ("architectures",))
        _patiently(client.update_function_code, FunctionName=identifier, **_code(new), **request)
        _settle(aws, identifier)
    if differ(new, old, *_CONFIGURATION):
        emptied: Properties = {"description": "", "timeout": 3, "memorySize": 128, "layers": []}
        emptied |= {"environment": {}, "kmsKeyArn": ""}
        _patiently(
            client.update_function_configuration,
            FunctionName=identifier,
            **_configuration(emptied | new),
        )
        _settle(aws, identifier)
    if _reserved(new) != _reserved(old):
        _reserve(aws, identifier, new)
    arn = aws.arn("lambda", f"function:{identifier}")
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(Resource=arn, Tags=tags),
        lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
    )


def _delete_function(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("lambda").delete_function, GONE, FunctionName=identifier)


def _verify_function(inputs: Properties) -> Iterator[tuple[str, str]]:
    if ("code" in inputs) == ("s3Bucket" in inputs):
        yield "code", "give one of code and s3Bucket with s3Key"
    for name in ("runtime", "handler"):
        if name not in inputs:
            yield name, f"a function that is not an image needs {name}"


# --- permission -------------------------------------------------------------------------------

_PERMISSION = words(
    "action function principal sourceArn sourceAccount principalOrgId eventSourceToken"
    " functionUrlAuthType qualifier statementId"
)
_PERMISSION_RENAMES = {"function": "FunctionName", "principalOrgId": "PrincipalOrgID"}
_CONDITIONS = {
    # condition key of the statement -> property
    "aws:sourcearn": "sourceArn",
    "aws:sourceaccount": "sourceAccount",
    "aws:principalorgid": "principalOrgId",
    "lambda:eventsourcetoken": "eventSourceToken",
    "lambda:functionurlauthtype": "functionUrlAuthType",
}


def _permission_path(inputs: Properties) -> str:
    """`FUNCTION/STATEMENT`: the id of an import; the plugin's own id is the statement's alone."""
    qualifier = f":{inputs['qualifier']}" if inputs.get("qualifier") else ""
    # Programs name the function by name or by ARN.
    name = str(inputs["function"]).rpartition(":function:")[2].partition(":")[0]
    return f"{name}{qualifier}/{inputs['statementId']}"


def _permission(identifier: str, recorded: Recorded) -> tuple[dict[str, str], str]:
    if "/" not in identifier:
        identifier = _permission_path({**recorded.inputs, "statementId": identifier})
    path, _, statement = identifier.rpartition("/")
    name, _, qualifier = path.partition(":")
    return {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}, statement


def _statement(aws: Aws, where: dict[str, str], statement: str) -> dict[str, Any] | None:
    answer = unless_gone(aws.client("lambda").get_policy, GONE, **where)
    found = json.loads(answer["Policy"])["Statement"] if answer else []
    return next((dict(item) for item in found if item.get("Sid") == statement), None)


def _create_permission(aws: Aws, inputs: Properties) -> Made:
    client, path = aws.client("lambda"), _permission_path(inputs)
    if _statement(aws, *_permission(path, Recorded({}, {}))) is not None:
        raise AlreadyExists(f"the permission {path}", path)
    _patiently(client.add_permission, **to_api(inputs, _PERMISSION, _PERMISSION_RENAMES))
    return Made(str(inputs["statementId"]))


def _read_permission(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    where, statement = _permission(identifier, recorded)
    found = _statement(aws, where, statement)
    if found is None:
        return None
    given = recorded.inputs.get("function")
    same = given is not None and str(given).endswith(where["FunctionName"])
    inputs: Properties = {
        "statementId": statement,
        "function": given if same else where["FunctionName"],
        "action": found["Action"],
        "principal": _principal(found["Principal"], recorded),
    }
    if "Qualifier" in where:
        inputs["qualifier"] = where["Qualifier"]
    for entries in (found.get("Condition") or {}).values():
        for key, value in entries.items():
            if name := _CONDITIONS.get(key.lower()):
                inputs[name] = value
    return Live(inputs, id=statement)


def _principal(principal: Any, recorded: Recorded) -> str:
    value = principal if isinstance(principal, str) else next(iter(principal.values()))
    given = str(recorded.inputs.get("principal", ""))
    # AWS stores an account id as the ARN of its root.
    return given if value == f"arn:aws:iam::{given}:root" else str(value)


def _delete_permission(aws: Aws, identifier: str, recorded: Recorded) -> None:
    where, statement = _permission(identifier, recorded)
    client = aws.client("lambda")
    unless_gone(client.remove_permission, GONE, **where, StatementId=statement)


_NO_PERMISSION_UPDATE = (
    "https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html lists no update of a"
    " permission"
)

TYPES = (
    ResourceType(
        token=FUNCTION,
        serves=_CONFIGURATION
        | _CODE
        | words("name architectures publish sourceCodeHash reservedConcurrentExecutions tags"),
        create=_create_function,
        finish=_finish_function,
        read=_read_function,
        update=_update_function,
        delete=_delete_function,
        verify=_verify_function,
        replaces={"name": "lambda UpdateFunctionConfiguration identifies by FunctionName"},
        defaults={
            "timeout": 3,
            "memorySize": 128,
            "publish": False,
            "reservedConcurrentExecutions": -1,
            "tracingConfig": {"mode": "PassThrough"},
            "ephemeralStorage": {"size": 512},
        },
        computed=words("architectures loggingConfig sourceCodeHash"),
        unreadable=words("publish"),
        name="name",
        unique=("name",),
        outputs=(
            "arn",
            "qualifiedArn",
            "invokeArn",
            "qualifiedInvokeArn",
            "version",
            "lastModified",
            "sourceCodeSize",
            "codeSha256",
        ),
        volatile=words("lastModified sourceCodeSize codeSha256"),
        predict=lambda aws, inputs: {
            "arn": aws.arn("lambda", f"function:{inputs['name']}"),
            "invokeArn": _invoke_arn(aws, aws.arn("lambda", f"function:{inputs['name']}")),
        },
    ),
    ResourceType(
        token="aws:lambda/permission:Permission",
        serves=_PERMISSION | {"statementIdPrefix"},
        create=_create_permission,
        read=_read_permission,
        delete=_delete_permission,
        replaces=dict.fromkeys(_PERMISSION | {"statementIdPrefix"}, _NO_PERMISSION_UPDATE),
        unreadable=words("statementIdPrefix"),
        name="statementId",
        unique=("function", "statementId"),
    ),
)
