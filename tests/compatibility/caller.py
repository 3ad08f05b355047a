"""Calls RPCs by their names, and notes the answers, so that a later release can be asked the same."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.compatibility.newer_server_messages import current_message_class
from tests.support.sample_cases import METHODS
from tests.support.status_details import summarize_error

Json = dict[str, Any]
TIMEOUT_S = 60.0


class Caller:
    """A caller of one service. Requests and responses are protobuf's JSON, with the names of the protos."""

    def __init__(
        self, address: str, message_class: Callable[[str], type[Message]] = current_message_class
    ) -> None:
        """Call the service at an address. `message_class` returns the class of a message by its full name."""
        self._channel = grpc.insecure_channel(address)
        self._message_class = message_class

    def begin(self, rpc: str, request: Json, timeout_s: float = TIMEOUT_S) -> grpc.Future:
        """Begin a call, and do not wait for its end."""
        method = METHODS[rpc]
        stub = self._channel.unary_unary(
            f"/{method.containing_service.full_name}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=self._message_class(method.output_type.full_name).FromString,
        )
        message = json_format.ParseDict(request, self._message_class(method.input_type.full_name)())
        return stub.future(message, timeout=timeout_s)

    def call(self, rpc: str, request: Json, timeout_s: float = TIMEOUT_S) -> Json:
        """Return the response of a call. Raises grpc.RpcError."""
        return to_json(self.begin(rpc, request, timeout_s).result())

    def ask(self, question: Json) -> Json:
        """Return `{"response": {...}}`, or `{"error": {"status": ..., "reason": ...}}`.

        A question has the members `rpc`, `request` and, if it has to end early, `timeout_s`.
        """
        try:
            response = self.call(question["rpc"], question["request"], question.get("timeout_s", TIMEOUT_S))
        except grpc.RpcError as error:
            summary = summarize_error(error)
            return {"error": {"status": summary.status, "reason": summary.reason}}
        return {"response": response}

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def to_json(message: Message) -> Json:
    """Return a message in protobuf's JSON."""
    fields: Json = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return fields


def find_differences(expected: Any, actual: Any, moved_ms: int = 0, path: str = "") -> Iterator[str]:
    """Yield where an answer lacks something of an earlier one, or has another value.

    More members are no difference: a later release can have more fields. A time may be later by `moved_ms`.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name, value in expected.items():
            yield from find_differences(value, actual.get(name), moved_ms, f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, pair in enumerate(zip(expected, actual, strict=True)):
            yield from find_differences(*pair, moved_ms, f"{path}[{index}]")
    elif expected != actual and not _is_moved(expected, actual, moved_ms):
        yield f"{path}: {actual!r}, not {expected!r}"


def _is_moved(expected: Any, actual: Any, moved_ms: int) -> bool:
    try:
        earlier, later = (datetime.fromisoformat(each) for each in (expected, actual))
    except (TypeError, ValueError):
        return False
    return earlier + timedelta(milliseconds=moved_ms) == later
