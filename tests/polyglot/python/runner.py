"""Runs every case in Python, with clients/python. The README.md beside the cases explains them."""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import nationalsite_client
import protovalidate
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.errors import v1 as errors_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE

Json = dict[str, Any]
Saved = dict[str, str]
"""Values of earlier responses, by name."""
GetChannel = Callable[[str, nationalsite_client.Service], grpc.Channel]
"""Returns the channel to a target."""
SERVICES: dict[str, tuple[nationalsite_client.Service, Any]] = {
    service.full_name: (name, service)
    for name, service in (
        ("product", PRODUCT_SERVICE),
        ("order_sync", ORDER_SYNC_SERVICE),
        ("account", ACCOUNT_SERVICE),
    )
}


class Call:
    """The call of a case. `run` returns its result, with the names of the members of `expect`."""

    def __init__(self, case: Json, saved: Saved) -> None:
        self._case = case
        self._saved = saved
        service_name, method_name = case["rpc"].split("/")
        self._service, service = SERVICES[service_name]
        method = service.methods_by_name[method_name]
        self._request_class = GetMessageClass(method.input_type)
        self._response_class = GetMessageClass(method.output_type)
        self._options = {
            "timeout": case.get("timeout_ms", 10_000) / 1000,
            "metadata": tuple(case.get("metadata", {}).items()),
        }

    def run(self, get_channel: GetChannel) -> Json:
        if self._case.get("validate"):
            return self._validate()
        channel = get_channel(self._case["target"], self._service)
        try:
            return {"status": "OK"} | (
                self._stream(channel) if "stream" in self._case else self._unary(channel)
            )
        except grpc.RpcError as error:
            return describe_error(error)

    def _unary(self, channel: grpc.Channel) -> Json:
        call = channel.unary_unary(*self._method_arguments())
        future = call.future(self._build_request(self._case["request"]), **self._options)
        if delay_ms := self._case.get("cancel_after_ms"):
            threading.Timer(delay_ms / 1000, future.cancel).start()
        try:
            response = future.result()
        except grpc.FutureCancelledError:
            return {"status": future.code().name}
        result = {"response": to_json(response), "trailing_metadata": dict(future.trailing_metadata())}
        if isinstance(response, ordersync_v1.PullMessagesResponse):
            result["reads"] = list_reads(response)
        return result

    def _stream(self, channel: grpc.Channel) -> Json:
        requests: queue.Queue[Message | None] = queue.Queue()
        responses = channel.stream_stream(*self._method_arguments())(
            iter(requests.get, None), **self._options
        )
        for unfilled in self._case["stream"]:
            step = fill(unfilled, self._saved)
            if "send" in step:
                requests.put(self._build_request(step["send"]))
                continue
            message = next(responses, None)
            response = None if message is None else to_json(message)
            differences = list(compare(step["receive"], response, "receive"))
            if differences:
                responses.cancel()
                return {"status": "; ".join(differences)}
            save(step, response, self._saved)
        requests.put(None)
        unexpected = [to_json(response) for response in responses]
        return {"status": f"OK, after {unexpected}" if unexpected else "OK"}

    def _validate(self) -> Json:
        violations = protovalidate.Validator().collect_violations(self._build_request(self._case["request"]))
        return {
            "violations": [
                {"field": format_field_path(violation.proto), "rule": violation.proto.rule_id}
                for violation in violations
            ]
        }

    def _build_request(self, fields: Json) -> Message:
        return json_format.ParseDict(fields, self._request_class())

    def _method_arguments(self) -> tuple[str, Any, Any]:
        return f"/{self._case['rpc']}", self._request_class.SerializeToString, self._response_class.FromString


def list_reads(pulled: ordersync_v1.PullMessagesResponse) -> list[list[Json]]:
    """Return the reads that follow each message."""
    return [
        [
            {"rpc": read.rpc, "request": to_json(read.request)}
            for read in nationalsite_client.list_message_reads(received.message)
        ]
        for received in pulled.received_messages
    ]


def describe_error(error: grpc.RpcError) -> Json:
    details = nationalsite_client.parse_error(error)
    return {
        "status": details.code.name,
        "message": details.message,
        "details": [detail.DESCRIPTOR.full_name for detail in details.details],
        "reason": details.reason_name,
        "error_metadata": dict(details.metadata),
        "retry": errors_v1.Retry.Name(details.retry),
        "invalid_fields": [violation.field for violation in details.field_violations],
        "violated_rules": [violation.reason for violation in details.field_violations],
        "retry_delay_ms": to_ms(details.retry_delay_s),
        "pushback_ms": to_ms(details.pushback_s),
    }


def compare_result(expected: Json, actual: Json) -> Iterator[str]:
    """Yield the differences between `expect` and the result of a call."""
    if "violations" not in expected:
        expected = {"status": "OK"} | expected
    for name, expected_value in expected.items():
        actual_value = actual.get(name)
        if name == "trailing_metadata":
            for key, allowed in expected_value.items():
                if (actual_value or {}).get(key) not in allowed:
                    yield f"{name} {key}: {actual_value}, not one of {allowed}"
        elif name == "violations":
            if sorted(expected_value, key=str) != sorted(actual_value, key=str):
                yield f"{name}: {actual_value}, not {expected_value}"
        else:
            yield from compare(expected_value, actual_value, name)


def compare(expected: Any, actual: Any, path: str) -> Iterator[str]:
    """Yield where a part of a message differs from what is expected."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name, value in expected.items():
            yield from compare(value, actual.get(name), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (expected_element, actual_element) in enumerate(zip(expected, actual, strict=True)):
            yield from compare(expected_element, actual_element, f"{path}[{index}]")
    elif expected != actual:
        yield f"{path}: {actual!r}, not {expected!r}"


def fill(fields: Json, saved: Saved) -> Json:
    """Replace `{{name}}` by saved values."""
    text = json.dumps(fields)
    for name, value in saved.items():
        text = text.replace("{{" + name + "}}", value)
    filled: Json = json.loads(text)
    return filled


def save(step: Json, response: Any, saved: Saved) -> None:
    """Save the values of a response to which the member `save` of a case or of a step leads."""
    for name, path in step.get("save", {}).items():
        value = response
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        saved[name] = value


def to_json(message: Message) -> Json:
    fields: Json = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return fields


def to_ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def format_field_path(violation: protovalidate.ViolationPb) -> str:
    elements = violation.field.elements if violation.field else ()
    return ".".join(
        element.field_name + ("" if element.subscript is None else f"[{json.dumps(element.subscript.value)}]")
        for element in elements
    )


def main() -> None:
    with ExitStack() as channels:

        @cache
        def get_channel(target: str, service: nationalsite_client.Service) -> grpc.Channel:
            address = os.environ[f"POLYGLOT_{target}"]
            return channels.enter_context(nationalsite_client.connect(address, service))

        saved: Saved = {}
        for path in sorted(Path(os.environ["POLYGLOT_CASES"]).glob("*.json")):
            case = fill(json.loads(path.read_text(encoding="utf-8")), saved)
            actual = Call(case, saved).run(get_channel)
            differences = "; ".join(compare_result(case["expect"], actual))
            if not differences:
                save(case, actual.get("response"), saved)
            if differences and "message" in actual:
                differences += f" ({actual['message']})"
            result = {"case": path.stem, "passed": not differences, "differences": differences}
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    sys.exit(main())
