"""Signers and verifiers that read the signing keys as the modules do, busy all the time."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from totara_infra.operations.live import Live

ACTIVE = "/bank/local/platform/jwt-signing-key-active"
PREVIOUS = "/bank/local/platform/jwt-signing-key-previous"
CACHE_SECONDS = 1.0
TOKEN_SECONDS = 300
VERIFIERS = 6


@cache
def key_of(pem: str) -> RSAKey:
    key = RSAKey.import_key(pem)
    key.ensure_kid()
    return key


class Memory:
    """Secrets as one running function keeps them: each for so long, absences too."""

    def __init__(self, live: Live) -> None:
        self._client = live.client("secretsmanager")
        self._kept: dict[tuple[str, str], tuple[float, str | None]] = {}

    def read(self, path: str, label: str = "AWSCURRENT") -> str | None:
        ends, value = self._kept.get((path, label), (0.0, None))
        if time.monotonic() >= ends:
            # Functions start at any time, so what they keep ends at any time.
            lasts = CACHE_SECONDS if ends else random.uniform(0.1, CACHE_SECONDS)
            value = self._ask(path, label)
            self._kept[path, label] = (time.monotonic() + lasts, value)
        return value

    def _ask(self, path: str, label: str) -> str | None:
        try:
            answer = self._client.get_secret_value(SecretId=path, VersionStage=label)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            return None
        return answer.get("SecretString")


@dataclass(frozen=True)
class Token:
    text: str
    kid: str


class Signer:
    def __init__(self, live: Live) -> None:
        self._memory = Memory(live)

    def token(self) -> Token:
        pem = self._memory.read(ACTIVE)
        assert pem is not None
        key = key_of(pem)
        header = {"alg": "RS256", "kid": key.kid}
        claims = {"stepup": "completed", "exp": int(time.time()) + TOKEN_SECONDS}
        return Token(jwt.encode(header, claims, key), str(key.kid))


class Verifier:
    def __init__(self, live: Live) -> None:
        self._memory = Memory(live)

    def accepts(self, token: Token) -> bool:
        found = [
            self._memory.read(ACTIVE),
            self._memory.read(ACTIVE, "AWSPENDING"),
            self._memory.read(PREVIOUS),
        ]
        keys: dict[Any, RSAKey] = {key_of(p).kid: key_of(p) for p in found if p}
        try:
            claims = jwt.decode(token.text, KeySet(list(keys.values())), algorithms=["RS256"])
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(claims.claims)
        except (JoseError, ValueError):
            return False
        return True


class Traffic:
    """Signs and checks until the block ends; every token that was ever signed must count."""

    def __init__(self, live: Live) -> None:
        self._signers = [Signer(live), Signer(live)]
        self._verifiers = [Verifier(live) for _ in range(VERIFIERS)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.tokens: list[Token] = []
        self.refused: list[str] = []
        self.checked = 0
        self.fault: BaseException | None = None

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self.fault is None, self.fault

    def _run(self) -> None:
        try:
            while not self._stop.wait(0.05):
                new = [s.token() for s in self._signers]
                self.tokens += new
                old = random.sample(self.tokens, min(2, len(self.tokens)))
                for verifier in self._verifiers:
                    for token in {*new, *old}:
                        self.checked += 1
                        if not verifier.accepts(token):
                            self.refused.append(token.kid)
        except BaseException as error:
            self.fault = error
