"""Pulumi's engine as far as the provider can tell: the same requests, in the same order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from totara_infra.local.provider.configuration import ENDPOINT_NAMES
from totara_infra.local.provider.values import from_struct, to_struct

ACCOUNT = "123456789012"
REGION = "ap-southeast-2"
DEFAULT_TAGS = {"managed-by": "pulumi", "platform": "totara"}


def arguments(endpoint: str, **changes: Any) -> dict[str, Any]:
    """The provider's arguments as the SDK sends them: nested values as JSON texts."""
    services = {names[0]: endpoint for names in ENDPOINT_NAMES.values()}
    plain = {
        "region": REGION,
        "accessKey": ACCOUNT,
        "secretKey": "test",
        "endpoints": [services],
        "allowedAccountIds": [ACCOUNT],
        "defaultTags": {"tags": DEFAULT_TAGS},
        "skipCredentialsValidation": True,
        "skipMetadataApiCheck": True,
        "s3UsePathStyle": True,
        **changes,
    }
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in plain.items()
        if value is not None
    }


def urn(token: str, name: str = "it") -> str:
    return f"urn:pulumi:local::totara::totara:index:Module${token}::{name}"


@dataclass
class Checked:
    inputs: dict[str, Any]
    failures: dict[str, str]


@dataclass
class State:
    """What the engine keeps of a resource."""

    token: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass
class ProviderClient:
    address: str
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(self.address))

    def configure(self, endpoint: str, **changes: Any) -> Any:
        news = arguments(endpoint, **changes)
        return self.stub.Configure(provider_pb2.ConfigureRequest(args=to_struct(news)))

    def check_config(self, news: dict[str, Any]) -> list[tuple[str, str]]:
        answer = self.stub.CheckConfig(provider_pb2.CheckRequest(news=to_struct(news)))
        return [(failure.property, failure.reason) for failure in answer.failures]

    def check(
        self, token: str, news: dict[str, Any], olds: dict[str, Any] | None = None, name: str = "it"
    ) -> Checked:
        answer = self.stub.Check(
            provider_pb2.CheckRequest(
                urn=urn(token, name),
                news=to_struct(news),
                olds=to_struct(olds or {}),
                randomSeed=b"seed",
            )
        )
        failures = {failure.property: failure.reason for failure in answer.failures}
        return Checked(from_struct(answer.inputs), failures)

    def diff(
        self, state: State, news: dict[str, Any], ignore: tuple[str, ...] = (), **olds: Any
    ) -> Any:
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                id=state.id,
                urn=urn(state.token),
                olds=to_struct(state.outputs),
                old_inputs=to_struct(olds.get("old_inputs", state.inputs)),
                news=to_struct(news),
                ignoreChanges=ignore,
            )
        )

    def preview(self, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
        request = provider_pb2.CreateRequest(
            urn=urn(token), properties=to_struct(inputs), preview=True
        )
        answer = self.stub.Create(request)
        assert not answer.id
        return from_struct(answer.properties)

    def create(self, token: str, inputs: dict[str, Any]) -> State:
        request = provider_pb2.CreateRequest(urn=urn(token), properties=to_struct(inputs))
        answer = self.stub.Create(request)
        return State(token, answer.id, inputs, from_struct(answer.properties))

    def make(self, token: str, news: dict[str, Any]) -> State:
        """Check and create, as the engine does."""
        checked = self.check(token, news)
        assert not checked.failures, checked.failures
        return self.create(token, checked.inputs)

    def update(self, state: State, news: dict[str, Any], preview: bool = False) -> State:
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                id=state.id,
                urn=urn(state.token),
                olds=to_struct(state.outputs),
                old_inputs=to_struct(state.inputs),
                news=to_struct(news),
                preview=preview,
            )
        )
        return State(state.token, state.id, news, from_struct(answer.properties))

    def refresh(self, state: State) -> State | None:
        return self._read(state, state.inputs, state.outputs)

    def import_(self, token: str, identifier: str) -> State | None:
        return self._read(State(token, identifier, {}, {}), {}, {})

    def _read(self, state: State, inputs: dict[str, Any], outputs: dict[str, Any]) -> State | None:
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                id=state.id,
                urn=urn(state.token),
                inputs=to_struct(inputs),
                properties=to_struct(outputs),
            )
        )
        if not answer.id:
            return None
        return State(
            state.token, answer.id, from_struct(answer.inputs), from_struct(answer.properties)
        )

    def delete(self, state: State) -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(
                id=state.id,
                urn=urn(state.token),
                properties=to_struct(state.outputs),
                old_inputs=to_struct(state.inputs),
            )
        )
