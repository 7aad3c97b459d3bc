"""Access to the AWS environment of a stack."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from totara_infra.model.redaction import keep_secret
from totara_infra.model.stack import StackSettings


class Live:
    """Clients of one stack's account and region, shared by threads.

    Credentials are those that the provider finds: the environment, a profile named by
    `AWS_PROFILE`, or a role. An emulated stack uses its account id as the access key.
    """

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self._clients: dict[tuple[str, int, str, float], Any] = {}
        # boto3's sessions are not safe to share while they make clients; the clients are.
        self._lock = threading.Lock()

    @cached_property
    def _session(self) -> Any:
        session = self._new_session()
        # Here no caller can forget it, whichever way a value comes in or goes out.
        session.events.register("provide-client-params.secrets-manager", _keep_sent)
        session.events.register("after-call.secrets-manager", _keep_read)
        session.events.register("provide-client-params.cognito-idp", _keep_passwords)
        return session

    def _new_session(self) -> Any:
        if self.settings.emulated:
            return boto3.Session(
                aws_access_key_id=self.settings.account_id,
                aws_secret_access_key="emulated",
                region_name=self.settings.region,
            )
        return boto3.Session(region_name=self.settings.region)

    def client(
        self, service: str, *, attempts: int = 10, region: str | None = None, seconds: float = 60
    ) -> Any:
        """A client by boto3's name of the service. Retries with backoff, adapting to throttling.

        Args:
            service: boto3's name.
            attempts: how often a call is made at most; 1 where a failure is an answer.
            region: another one than the stack's own.
            seconds: how long one call may wait for a connection, and for an answer.
        """
        place = region or self.settings.region
        with self._lock:
            key = (service, attempts, place, seconds)
            if key not in self._clients:
                options: dict[str, Any] = (
                    {"s3": {"addressing_style": "path"}} if service == "s3" else {}
                )
                self._clients[key] = self._session.client(
                    service,
                    region_name=place,
                    endpoint_url=self.settings.endpoint,
                    config=Config(
                        retries={"mode": "adaptive", "total_max_attempts": attempts},
                        max_pool_connections=32,
                        connect_timeout=seconds,
                        read_timeout=seconds,
                        **options,
                    ),
                )
            return self._clients[key]


def _keep_sent(params: dict[str, Any], **_: Any) -> None:
    _keep(params, str(params.get("SecretId", "")))


def _keep_read(parsed: dict[str, Any], **_: Any) -> None:
    _keep(parsed, str(parsed.get("Name", "")), str(parsed.get("ARN", "")))


def _keep_passwords(params: dict[str, Any], **_: Any) -> None:
    for key, value in params.items():
        if isinstance(value, dict):
            _keep_passwords(value)
        elif key.lower().endswith("password") and isinstance(value, str):
            keep_secret(value)


def _keep(content: dict[str, Any], *public: str) -> None:
    # botocore looks at types only afterwards, and quotes what it refuses.
    if value := content.get("SecretString"):
        keep_secret(str(value), *public)
    if binary := content.get("SecretBinary"):
        text = binary.decode(errors="replace") if isinstance(binary, bytes) else str(binary)
        keep_secret(text, *public)
