"""The provider's own arguments, and the AWS account that they lead to."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config

from totara_infra.local.provider.errors import Refusal
from totara_infra.local.provider.schema import nearest
from totara_infra.local.provider.values import Properties, is_unknown

LOCAL_ONLY = (
    "this provider serves the local environment only; dev, uat and prod need Pulumi's own AWS"
    " plugin, `pulumi plugin install resource aws 7.51.1`"
)
ENDPOINT_NAMES = {
    # botocore's name of a service -> the names that the SDK's `endpoints` has for it
    "appconfig": ("appconfig",),
    "backup": ("backup",),
    "cloudwatch": ("cloudwatch",),
    "cognito-idp": ("cognitoidp", "cognitoidentityprovider"),
    "events": ("events", "eventbridge", "cloudwatchevents"),
    "iam": ("iam",),
    "kms": ("kms",),
    "lambda": ("lambda",),
    "logs": ("logs", "cloudwatchlogs", "cloudwatchlog"),
    "s3": ("s3", "s3api"),
    "secretsmanager": ("secretsmanager",),
    "sns": ("sns",),
    "sqs": ("sqs",),
    "ssm": ("ssm",),
    "sts": ("sts",),
}
STRINGS = frozenset({"region", "accessKey", "secretKey", "token"})
ARGUMENTS = STRINGS | {
    "allowedAccountIds",
    "defaultTags",
    "endpoints",
    "s3UsePathStyle",
    "skipCredentialsValidation",
    "skipMetadataApiCheck",
    "skipRegionValidation",
    "skipRequestingAccountId",
}
ENGINE_OWN = frozenset({"version", "pluginDownloadURL", "pluginChecksums", "__internal"})
"""Arguments that the engine may add for its own use."""


def parse(arguments: Mapping[str, Any]) -> Properties:
    """Return the arguments with nested values decoded: they arrive as JSON texts."""
    parsed: Properties = {}
    for name, value in arguments.items():
        nested = isinstance(value, str) and name not in STRINGS | ENGINE_OWN
        try:
            parsed[name] = json.loads(value) if nested and not is_unknown(value) else value
        except ValueError:
            parsed[name] = value
    return parsed


def failures(arguments: Properties) -> list[tuple[str, str]]:
    """Return (argument, sentence) for everything that is wrong with parsed arguments."""
    found = [
        (name, f"the local provider does not know the argument {name}; {nearest(name, ARGUMENTS)}")
        for name in sorted(set(arguments) - ARGUMENTS - ENGINE_OWN)
    ]
    found += [
        (name, f"the local provider needs the argument {name}")
        for name in ("region", "accessKey", "secretKey", "endpoints")
        if not arguments.get(name)
    ]
    for entry in _endpoint_entries(arguments):
        if not isinstance(entry, Mapping):
            found.append(("endpoints", "endpoints must be a list of {service: url}"))
            continue
        for service, url in entry.items():
            if is_unknown(url):
                continue
            if service not in _by_endpoint_name():
                known = nearest(service, _by_endpoint_name())
                found.append(("endpoints", f"no service {service} is served here; {known}"))
            if not is_loopback(str(url)):
                found.append(("endpoints", f"{service} is at {url}: {LOCAL_ONLY}"))
    return found


def _endpoint_entries(arguments: Properties) -> list[Any]:
    entries = arguments.get("endpoints") or []
    if is_unknown(entries):
        return []
    return entries if isinstance(entries, list) else [entries]


def _by_endpoint_name() -> dict[str, str]:
    return {alias: service for service, names in ENDPOINT_NAMES.items() for alias in names}


def is_loopback(url: str) -> bool:
    """Say whether `url` stays on this machine. Names other than localhost are not resolved."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network("127.0.0.0/8")
    except ValueError:
        return False


@dataclass
class Account:
    """The account, region and clients of a configured provider. Safe to share between threads."""

    region: str
    default_tags: Mapping[str, str]
    endpoints: Mapping[str, str]
    access_key: str
    secret_key: str
    token: str | None = None
    path_style: bool = True
    _clients: dict[str, Any] = field(default_factory=dict)
    _elsewhere: dict[str, Account] = field(default_factory=dict)
    _account_id: str | None = None
    _session: botocore.session.Session = field(default_factory=botocore.session.get_session)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @classmethod
    def of(cls, arguments: Properties) -> Account:
        """Return the account that parsed arguments lead to.

        Raises:
            Refusal: When the credentials belong to an account that is not allowed.
        """
        endpoints = {
            _by_endpoint_name()[name]: str(url)
            for entry in _endpoint_entries(arguments)
            for name, url in entry.items()
        }
        account = cls(
            region=str(arguments["region"]),
            default_tags=(arguments.get("defaultTags") or {}).get("tags") or {},
            endpoints=endpoints,
            access_key=str(arguments["accessKey"]),
            secret_key=str(arguments["secretKey"]),
            token=arguments.get("token"),
            path_style=bool(arguments.get("s3UsePathStyle", True)),
        )
        account.reach()
        allowed = [str(item) for item in arguments.get("allowedAccountIds") or []]
        if allowed and account.account_id not in allowed:
            raise Refusal(
                f"the credentials belong to account {account.account_id}, but only"
                f" {', '.join(allowed)} is allowed (allowedAccountIds)"
            )
        return account

    def reach(self) -> None:
        """Try one connection, so that a missing emulator is told at once and not after ten retries.

        Raises:
            Refusal: When nothing answers at the endpoint of STS, or of the first service given.
        """
        url = urlsplit(self.endpoints.get("sts") or next(iter(self.endpoints.values())))
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            socket.create_connection((url.hostname, port), timeout=5).close()
        except OSError as error:
            raise Refusal(
                f"nothing answers at {url.geturl()} ({error.strerror or error}); is the emulator"
                " running? `make up` starts it"
            ) from error

    def in_region(self, region: str | None) -> Account:
        """The same account in another region; itself where none is given."""
        if region in (None, self.region):
            return self
        with self._lock:
            if region not in self._elsewhere:
                fresh: dict[str, Any] = {
                    "_clients": {},
                    "_elsewhere": {},
                    "_lock": threading.RLock(),
                }
                self._elsewhere[region] = replace(self, region=region, **fresh)
            return self._elsewhere[region]

    @property
    def account_id(self) -> str:
        """Twelve digits, asked of STS once."""
        with self._lock:
            if self._account_id is None:
                answer = self.client("sts").get_caller_identity()
                self._account_id = str(answer["Account"])
            return self._account_id

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a regional resource of this account."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def client(self, service: str) -> Any:
        """Return the botocore client of `service`, made once and shared by all threads.

        Raises:
            Refusal: When no endpoint was given for the service; the default one would be AWS
            itself.
        """
        made = self._clients.get(service)
        if made is not None:
            # Nobody waits here while another service's client is made, which takes a while.
            return made
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        url = self.endpoints.get(service)
        if url is None:
            name = ENDPOINT_NAMES[service][0]
            raise Refusal(f"the provider's `endpoints` lack {name}; {LOCAL_ONLY}")
        if not is_loopback(url):
            raise Refusal(f"{service} is at {url}: {LOCAL_ONLY}")
        # Up to 64 requests run side by side (see server). Adaptive: where AWS throttles, all
        # threads slow down together. No proxy: a proxy of the user's environment can't reach this
        # machine.
        settings = Config(
            retries={"mode": "adaptive", "max_attempts": 10},
            max_pool_connections=64,
            proxies={},
            connect_timeout=5,
            read_timeout=60,
            s3={"addressing_style": "path" if self.path_style else "auto"},
        )
        return self._session.create_client(
            service,
            region_name=self.region,
            endpoint_url=url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.token,
            config=settings,
        )
