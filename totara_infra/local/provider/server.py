"""The gRPC side: answers Pulumi's engine from the tables of the resource types."""

# ruff: noqa: ARG002 - the names and arguments of the methods are those of the protocol

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from totara_infra.local.provider import configuration, diff, schema
from totara_infra.local.provider.errors import NotSettled, Refusal
from totara_infra.local.provider.failures import (
    abort,
    answering,
    surviving,
    token_of,
    visible_properties,
)
from totara_infra.local.provider.registry import resource_type, tokens
from totara_infra.local.provider.resource import REGION, Live, Recorded, ResourceType
from totara_infra.local.provider.values import (
    UNKNOWN,
    Properties,
    from_struct,
    is_unknown,
    to_struct,
)

VERSION = "7.51.1"
OFFICIAL = "or run with the official plugin, `pulumi plugin install resource aws 7.51.1`"
THREADS = 64
MESSAGE_BYTES = 400 * 1024 * 1024
"""Pulumi's own limit (`pulumi/runtime/_grpc_settings.py`)."""
AUTONAME_BYTES = 4

_KINDS = {
    (diff.Kind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (diff.Kind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (diff.Kind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (diff.Kind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (diff.Kind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (diff.Kind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def serve() -> tuple[grpc.Server, int]:
    """Start the server on a free port of 127.0.0.1 and return both."""
    server = grpc.server(
        ThreadPoolExecutor(THREADS),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            # Many requests may wait for a thread while AWS throttles (Pulumi's own setting).
            ("grpc.server_max_unrequested_time_in_server", 30 * 60),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


class Provider(proto.ResourceProviderServicer):
    """Serves one engine."""

    def __init__(self) -> None:
        self._account: configuration.Account | None = None

    # --- the plugin itself --------------------------------------------------------------------

    def Handshake(self, request: Any, context: Any) -> Any:
        """Say what this provider can do; must agree with `Configure`."""
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False, accept_resources=False, accept_outputs=False
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Give the version of the SDK that is served."""
        return proto.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:
        """Give no schema: the SDK is Pulumi's own."""
        return provider_pb2.GetSchemaResponse(schema="{}")

    def Attach(self, request: Any, context: Any) -> Any:
        """Do nothing: there is no engine to talk back to."""
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Do nothing: running calls are short, and waits are bounded."""
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse: the program makes no invokes."""
        abort(context, f"the local provider answers no invokes ({request.tok}); {OFFICIAL}")

    def Construct(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse: there are no remote components here."""
        abort(context, f"the local provider builds no components ({request.type}); {OFFICIAL}")

    # --- its configuration --------------------------------------------------------------------

    @answering
    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Refuse arguments that would lead away from this machine, or that are not known."""
        news = from_struct(request.news)
        failures = [
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in configuration.failures(configuration.parse(news))
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    @answering
    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Replace everything when account or region change; other arguments change in place."""
        olds = configuration.parse(from_struct(request.old_inputs) or from_struct(request.olds))
        news = configuration.parse(from_struct(request.news))
        names = sorted(
            name
            for name in (set(olds) | set(news)) - configuration.ENGINE_OWN
            if olds.get(name) != news.get(name)
        )
        replaces = [name for name in names if _moves(name, olds, news)]
        return provider_pb2.DiffResponse(
            changes=_changes(names), diffs=names, replaces=replaces, deleteBeforeReplace=False
        )

    @answering
    def Configure(self, request: Any, context: Any) -> Any:
        """Connect to the emulator; the wrong account is refused."""
        arguments = from_struct(request.args) if request.HasField("args") else {}
        parsed = configuration.parse(arguments or dict(request.variables))
        if wrong := configuration.failures(parsed):
            raise Refusal("; ".join(reason for _, reason in wrong))
        self._account = configuration.Account.of(parsed)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    # --- resources ----------------------------------------------------------------------------

    @answering
    def Check(self, request: Any, context: Any) -> Any:
        """Refuse what can't be carried out, all of it at once, and fill names and tags."""
        token = token_of(request.urn)
        kind = resource_type(token)
        if kind is None:
            served = ", ".join(tokens())
            reason = f"the local provider does not serve {token}; it serves: {served}; {OFFICIAL}"
            failure = provider_pb2.CheckFailure(property="", reason=reason)
            return provider_pb2.CheckResponse(inputs=request.news, failures=[failure])
        olds, news = from_struct(request.olds), _with_texts(kind, from_struct(request.news))
        failures = [
            provider_pb2.CheckFailure(property=name, reason=f"{token}: {reason}")
            for name, reason in self._failures(kind, news)
        ]
        if kind.name is not None and kind.name not in news:
            news |= _autoname(kind.name, request, olds, news)
        if kind.tagged:
            news |= _all_tags(self._aws.default_tags, news.get("tags"))
        return provider_pb2.CheckResponse(inputs=to_struct(news), failures=failures)

    @answering
    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the program's inputs with the recorded ones."""
        kind = _kind(request.urn)
        olds = _old_inputs(kind, request)
        news = from_struct(request.news)
        changes = diff.compare(kind, olds, news, request.ignoreChanges)
        replaces = [name for name, change in changes.items() if change.replaces]
        detailed = {
            name: provider_pb2.PropertyDiff(
                kind=_KINDS[change.kind, change.replaces], inputDiff=True
            )
            for name, change in changes.items()
        }
        return provider_pb2.DiffResponse(
            changes=_changes(list(changes)),
            replaces=replaces,
            diffs=list(changes),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces) and _collides(kind, olds, news),
        )

    @answering
    def Create(self, request: Any, context: Any) -> Any:
        """Create the thing, or predict it in a preview."""
        kind, inputs = _kind(request.urn), from_struct(request.properties)
        if request.preview:
            outputs = dict.fromkeys(kind.outputs, UNKNOWN) | self._predicted(kind, inputs)
            return provider_pb2.CreateResponse(properties=visible_properties(inputs, outputs))
        aws = self._aws.in_region(inputs.get(REGION))
        made = kind.create(aws, inputs)
        with surviving(made.id, inputs):
            if kind.finish is not None:
                kind.finish(aws, made.id, inputs)
            outputs = made.outputs or self._outputs(kind, made.id, inputs, {})
            return provider_pb2.CreateResponse(
                id=made.id, properties=visible_properties(inputs, outputs)
            )

    @answering
    def Read(self, request: Any, context: Any) -> Any:
        """Return the thing as it is now. An import has no recorded inputs, a refresh has."""
        kind = _kind(request.urn)
        recorded = Recorded(from_struct(request.inputs), from_struct(request.properties))
        identifier, region = _in_region(kind, request.id, recorded.inputs)
        live = self._live(kind, identifier, region, recorded)
        if live is None:
            return provider_pb2.ReadResponse()
        inputs = diff.refreshed(kind, recorded, live, self._aws.default_tags)
        return provider_pb2.ReadResponse(
            id=live.id or identifier,
            inputs=to_struct(inputs),
            properties=visible_properties(inputs, _everything(live)),
        )

    @answering
    def Update(self, request: Any, context: Any) -> Any:
        """Bring the thing to the new inputs."""
        kind = _kind(request.urn)
        news, olds = from_struct(request.news), _old_inputs(kind, request)
        state = from_struct(request.olds)
        kept = {name: state[name] for name in kind.outputs if name in state}
        if request.preview:
            outputs = kept | dict.fromkeys(kind.volatile, UNKNOWN)
            return provider_pb2.UpdateResponse(properties=visible_properties(news, outputs))
        if kind.update is not None:
            # Without a difference this is the second try after a create that failed halfway:
            # nothing that the state says can be relied upon.
            known = olds if diff.compare(kind, olds, news) else {}
            kind.update(self._aws.in_region(news.get(REGION)), request.id, news, known)
        outputs = self._outputs(kind, request.id, news, kept)
        return provider_pb2.UpdateResponse(properties=visible_properties(news, outputs))

    @answering
    def Delete(self, request: Any, context: Any) -> Any:
        """Delete the thing; one that is gone is no error."""
        kind = _kind(request.urn)
        outputs = from_struct(request.properties)
        inputs = from_struct(request.old_inputs) or _only_inputs(kind, outputs)
        aws = self._aws.in_region(inputs.get(REGION))
        kind.delete(aws, request.id, Recorded(inputs, outputs))
        return empty_pb2.Empty()

    # --- parts of the above -------------------------------------------------------------------

    @property
    def _aws(self) -> configuration.Account:
        if self._account is None:
            raise Refusal("the provider was asked for a resource before it was configured")
        return self._account

    def _failures(self, kind: ResourceType, news: Properties) -> Iterator[tuple[str, str]]:
        known = schema.schemas()[kind.token]
        for name in sorted(set(news) - {"tagsAll"}):
            if name.startswith("__"):
                continue
            if name not in known.inputs:
                yield name, f"unknown property {name}; {schema.nearest(name, kind.serves)}"
            elif name == REGION and name not in kind.serves:
                if news[name] not in (self._aws.region, UNKNOWN):
                    yield name, f"the local provider serves it in one region, {self._aws.region}"
            elif name not in kind.serves:
                yield name, f"the local provider does not carry out {name}; {OFFICIAL}"
            else:
                yield from schema.faults(known.inputs[name], news[name], name)
        for name in sorted(known.required - set(news)):
            yield name, f"missing required property {name}"
        if kind.verify is not None:
            yield from kind.verify(news)

    def _outputs(
        self, kind: ResourceType, identifier: str, inputs: Properties, known: Properties
    ) -> Properties:
        live = self._live(kind, identifier, inputs.get(REGION), Recorded(inputs, known))
        if live is None:
            raise NotSettled("AWS took the request but does not show the result")
        return _everything(live)

    def _live(
        self, kind: ResourceType, identifier: str, region: str | None, recorded: Recorded
    ) -> Live | None:
        """The thing as it is now; with its region where that is said of it."""
        live = kind.read(self._aws.in_region(region), identifier, recorded)
        if live is None or region is None:
            return live
        return replace(live, inputs={**live.inputs, REGION: region})

    def _predicted(self, kind: ResourceType, inputs: Properties) -> Properties:
        if kind.predict is None:
            return {}
        # A prediction made from an unknown input would look known: a thing named "04da6b54-…".
        found = kind.predict(self._aws.in_region(inputs.get(REGION)), inputs)
        return {n: UNKNOWN if UNKNOWN in str(value) else value for n, value in found.items()}


def _kind(urn: str) -> ResourceType:
    kind = resource_type(token_of(urn))
    if kind is None:
        raise Refusal(f"the local provider does not serve {token_of(urn)}; {OFFICIAL}")
    return kind


def _in_region(kind: ResourceType, identifier: str, inputs: Properties) -> tuple[str, str | None]:
    """The id and the region of a thing: an import writes `ID@REGION`, as with Pulumi's plugin."""
    name, at, region = identifier.rpartition("@")
    if at and not inputs and REGION in kind.serves:
        return name, region
    return identifier, inputs.get(REGION)


def _changes(names: list[str]) -> provider_pb2.DiffResponse.DiffChanges.ValueType:
    return provider_pb2.DiffResponse.DIFF_SOME if names else provider_pb2.DiffResponse.DIFF_NONE


def _moves(name: str, olds: Properties, news: Properties) -> bool:
    """Say whether the changed argument `name` means another account or region."""
    if name == "accessKey":
        # The emulator takes an access key of 12 digits as the account id.
        return any(re.fullmatch(r"\d{12}", str(side.get(name))) for side in (olds, news))
    if name == "allowedAccountIds":
        before, after = olds.get(name) or [], news.get(name) or []
        return bool(before and after) and not set(before) & set(after)
    return name == REGION


def _only_inputs(kind: ResourceType, outputs: Properties) -> Properties:
    return {k: v for k, v in outputs.items() if k in kind.serves or k == "tagsAll"}


def _old_inputs(kind: ResourceType, request: Any) -> Properties:
    """Return the recorded inputs, or the outputs of their names where none are recorded."""
    return from_struct(request.old_inputs) or _only_inputs(kind, from_struct(request.olds))


def _all_tags(default_tags: Mapping[str, str], own: Any) -> Properties:
    if own == UNKNOWN:
        return {"tagsAll": UNKNOWN}
    every = {**default_tags, **(own if isinstance(own, dict) else {})}
    return {"tagsAll": every} if every else {}


def _with_texts(kind: ResourceType, news: Properties) -> Properties:
    """Return `news` with JSON documents as text: the SDK takes policies as objects too."""
    texts = {
        name: UNKNOWN if is_unknown(news[name]) else json.dumps(news[name])
        for name in kind.policies | kind.json_values
        if isinstance(news.get(name), dict)
    }
    return news | texts


def _everything(live: Live) -> Properties:
    """Return what the thing shows to the program, with the values that AWS chose."""
    return {name: value for name, value in live.inputs.items() if name != "tags"} | live.outputs


def _autoname(name: str, request: Any, olds: Properties, news: Properties) -> Properties:
    made_up = {diff.DEFAULTS_KEY: [name]}
    if name in olds.get(diff.DEFAULTS_KEY, []):
        return {name: olds[name], **made_up}
    prefix = news.get("namePrefix") or news.get("bucketPrefix")
    stem = prefix or request.urn.split("::", maxsplit=3)[3] + "-"
    digest = hashlib.sha256(request.randomSeed + request.urn.encode()).hexdigest()
    return {name: f"{stem}{digest[: 2 * AUTONAME_BYTES - 1]}", **made_up}


def _collides(kind: ResourceType, olds: Properties, news: Properties) -> bool:
    """Say whether old and new thing have one name, so that they can't live side by side."""
    made_up = set(news.get(diff.DEFAULTS_KEY, []))
    return bool(kind.unique) and all(
        olds.get(name) == news.get(name) and name not in made_up for name in kind.unique
    )
