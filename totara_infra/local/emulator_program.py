"""Starts the emulator with the operations that it lacks and the platform's resources need.

Run as a file by the Python of the emulator's own environment, which has nothing of this project.
"""

import importlib
import json
from collections.abc import Mapping
from typing import Any

KEY_OPERATIONS = ("AssociateKmsKey", "DisassociateKmsKey")
"""The emulator takes the key of a log group only when the group is made."""


def add_key_operations(logs: Any) -> None:
    """Let an existing log group take another key, or none.

    Args:
        logs: The emulator's module for CloudWatch Logs.
    """
    handle = logs.handle_request

    async def with_keys(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any
    ) -> Any:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation not in KEY_OPERATIONS:
            return await handle(method, path, headers, body, query)
        asked = json.loads(body)
        name = asked.get("logGroupName")
        if name not in logs._log_groups:
            text = f"The specified log group does not exist: {name}"
            return logs.error_response_json("ResourceNotFoundException", text, 400)
        logs._log_groups[name]["kmsKeyId"] = asked.get("kmsKeyId")
        return logs.json_response({})

    logs.handle_request = with_keys


if __name__ == "__main__":
    add_key_operations(importlib.import_module("ministack.services.cloudwatch_logs"))
    importlib.import_module("ministack.app").main()
