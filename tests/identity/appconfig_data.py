"""AppConfig's data plane as AWS documents it, behind the real SDK, with faults on demand.

https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_appconfigdata_GetLatestConfiguration.html
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import urllib3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

TOKEN_LIFE = 24 * 3600
"""Seconds after which a token is refused."""
REFUSED_BEFORE = ("unreachable", "throttled", "no session")
"""Faults that leave the token as it was."""
FAILED_AFTER = ("no answer", "failed", "truncated", "cut off", "not JSON", "another shape")
"""Faults after which the token is used up, though its caller got nothing of use."""
FAULTS = REFUSED_BEFORE + FAILED_AFTER


@dataclass
class _Token:
    issued: float
    begins: bool
    seen: str | None
    interval: float
    used: bool = False


class AppConfigData:
    """The service: sessions whose tokens serve once, and an empty body where nothing is new.

    Args:
        now: the true time in seconds.
        content: what is deployed.
    """

    def __init__(self, now: Callable[[], float], content: str) -> None:
        self.content = content
        self.fault: str | None = None
        self.calls: list[str] = []
        self.during_call: Callable[[], None] = lambda: None
        self.interval: float | None = None
        self._now = now
        self._tokens: dict[str, _Token] = {}

    def create_client(self, name: str, region_name: str, config: Config) -> Any:
        """A client of the SDK whose calls end here."""
        client = _client(name, region_name, config.connect_timeout, config.read_timeout)
        client.meta.events.unregister("before-send", unique_id="service")
        client.meta.events.register("before-send", self._answer, unique_id="service")
        return client

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        begins = url.path == "/configurationsessions"
        self.calls.append("start" if begins else "look")
        fault, answer = self.fault, None
        if fault == "unreachable":
            raise ConnectTimeoutError(endpoint_url=request.url)
        if fault == "throttled":
            return _refusal(request.url, 429, {}, "ThrottlingException")
        if begins:
            if fault == "no session":
                return _refusal(request.url, 500, {}, "InternalServerException")
            asked = json.loads(request.body or b"{}")
            least = float(asked.get("RequiredMinimumPollIntervalInSeconds", 60))
            token = self._issue(None, least, begins=True)
            answer = _response(request.url, 201, {}, {"InitialConfigurationToken": token})
        else:
            answer = self._look(request.url, parse_qs(url.query)["configuration_token"][0])
        self.during_call()
        return answer

    def _issue(self, seen: str | None, interval: float, *, begins: bool) -> str:
        name = f"token-{len(self._tokens)}"
        self._tokens[name] = _Token(self._now(), begins, seen, interval)
        return name

    def _look(self, url: str, name: str) -> AWSResponse:
        token = self._tokens[name]
        if (problem := self._problem(token)) is not None:
            details = {"InvalidParameters": {"ConfigurationToken": {"Problem": problem}}}
            return _refusal(url, 400, {"Details": details}, "BadRequestException")
        token.used = True
        body = b"" if token.seen == self.content else self.content.encode()
        interval = self.interval or token.interval
        headers = {
            "Next-Poll-Configuration-Token": self._issue(self.content, interval, begins=False),
            "Next-Poll-Interval-In-Seconds": str(int(interval)),
            "Content-Type": "application/json",
        }
        if self.fault == "no answer":
            raise ReadTimeoutError(endpoint_url=url)
        if self.fault == "failed":
            return _refusal(url, 500, {}, "InternalServerException")
        sent = {
            "truncated": body[: len(body) // 2],
            "cut off": b"",
            "not JSON": b"<html>Bad gateway</html>",
            "another shape": b'{"tenants": []}',
        }.get(self.fault or "", body)
        length = len(body) if self.fault in ("truncated", "cut off") else len(sent)
        return _raw(url, 200, headers, sent, length)

    def _problem(self, token: _Token) -> str | None:
        age = self._now() - token.issued
        if token.used:
            return "Corrupted"
        if age > TOKEN_LIFE:
            return "Expired"
        early = not token.begins and age < token.interval
        return "PollIntervalNotSatisfied" if early else None


@cache
def _client(name: str, region: str, connect: float, read: float) -> Any:
    """One client for all: making it takes longer than a whole test."""
    session = botocore.session.Session()
    session.set_credentials("key", "secret")
    once = Config(connect_timeout=connect, read_timeout=read, retries={"total_max_attempts": 1})
    return session.create_client(name, region_name=region, config=once)


def _response(url: str, status: int, headers: dict[str, str], content: object) -> AWSResponse:
    body = json.dumps(content).encode()
    return _raw(url, status, {"Content-Type": "application/json"} | headers, body)


def _refusal(url: str, status: int, content: dict[str, Any], code: str) -> AWSResponse:
    return _response(url, status, {"x-amzn-ErrorType": code}, {"Message": code, **content})


def _raw(
    url: str, status: int, headers: dict[str, str], body: bytes, length: int | None = None
) -> AWSResponse:
    given = headers | {"Content-Length": str(len(body) if length is None else length)}
    raw = urllib3.HTTPResponse(
        io.BytesIO(body), headers=given, status=status, preload_content=False
    )
    return AWSResponse(url, status, raw.headers, raw)
