"""How a failure reaches the user: one sentence, and never a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import grpc  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from google.protobuf import any_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, status_pb2

from totara_infra.local.provider.errors import AlreadyExists, NotSettled, Refusal
from totara_infra.local.provider.resource import error_code
from totara_infra.local.provider.values import Properties, to_struct

_Handler = Callable[[Any, Any, grpc.ServicerContext], Any]


def answering(handler: _Handler) -> _Handler:
    """Turn whatever goes wrong in `handler` into one sentence for the user."""

    @functools.wraps(handler)
    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return handler(self, request, context)
        except Exception as error:
            cause = error.cause if isinstance(error, _HalfMade) else error
            urn = getattr(request, "urn", "")
            sentence = f"{what_is(urn)}: {_sentence(cause)}" if urn else _sentence(cause)
            if isinstance(error, _HalfMade):
                context.set_trailing_metadata(_half_made(error, sentence))
                code = grpc.StatusCode.UNKNOWN
            elif isinstance(cause, AlreadyExists):
                code = grpc.StatusCode.ALREADY_EXISTS
            else:
                code = grpc.StatusCode.FAILED_PRECONDITION
        # Outside of the handler, so that no traceback of the cause hangs on it.
        abort(context, sentence, code)

    return answer


def token_of(urn: str) -> str:
    """Return the type in a URN."""
    return urn.split("::")[2].rsplit("$", maxsplit=1)[-1]


def what_is(urn: str) -> str:
    """Return type and name of a resource, to begin a sentence with."""
    return f"{token_of(urn)} {urn.split('::', maxsplit=3)[3]}"


def visible_properties(inputs: Properties, outputs: Properties) -> Any:
    """Return the state of a thing as a `Struct`, without what the provider keeps for itself."""
    visible = {name: value for name, value in inputs.items() if not name.startswith("__")}
    return to_struct(outputs | visible)


def abort(context: grpc.ServicerContext, sentence: str, code: Any = None) -> NoReturn:
    """End the call with `sentence`."""
    context.abort(code or grpc.StatusCode.FAILED_PRECONDITION, sentence)
    raise AssertionError("abort raises")


class _HalfMade(Exception):
    """The thing exists although the request failed."""

    def __init__(self, identifier: str, inputs: Properties, cause: Exception) -> None:
        super().__init__(str(cause))
        self.identifier, self.inputs, self.cause = identifier, inputs, cause


@contextmanager
def surviving(identifier: str, inputs: Properties) -> Iterator[None]:
    """Mark a failure as one after which the thing exists.

    The engine then keeps it in its state, so that the next run goes on instead of finding a
    stranger of that name.
    """
    try:
        yield
    except Exception as error:
        raise _HalfMade(identifier, inputs, error) from error


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _sentence(error: Exception) -> str:
    if isinstance(error, ClientError):
        text = error.response.get("Error", {}).get("Message", "")
        return f"AWS refused {error.operation_name} with {error_code(error)}: {text}"
    if isinstance(error, (HTTPClientError, ConnectionError)):
        return f"{error}; is the emulator running? `make up` starts it"
    if isinstance(error, (Refusal, NotSettled, BotoCoreError)):
        return " ".join(str(error).split())
    fault = " ".join(str(error).split())
    return f"a fault in the local provider, {type(error).__name__} at {_place(error)}: {fault}"


def _half_made(half: _HalfMade, sentence: str) -> tuple[tuple[str, bytes], ...]:
    """Return the metadata in which the engine looks for a thing that exists in part."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=half.identifier,
            properties=visible_properties(half.inputs, {}),
            inputs=to_struct(half.inputs),
            reasons=[sentence],
        )
    )
    status = status_pb2.Status(
        code=grpc.StatusCode.UNKNOWN.value[0], message=sentence, details=[detail]
    )
    return (("grpc-status-details-bin", status.SerializeToString()),)
