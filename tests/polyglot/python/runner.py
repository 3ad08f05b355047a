"""Makes every case from Python, through clients/python. The README.md beside the cases explains them."""

import json
import os
import queue
import sys
import threading
from collections.abc import Iterator
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
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE

Json = dict[str, Any]
SERVICES = {
    service.full_name: (name, service)
    for name, service in (
        ("product", PRODUCT_SERVICE),
        ("order_sync", ORDER_SYNC_SERVICE),
        ("account", ACCOUNT_SERVICE),
    )
}


class Call:
    """What a case calls, and the messages of it."""

    def __init__(self, case: Json) -> None:
        self.case = case
        service, method = case["rpc"].split("/")
        self.service, descriptor = SERVICES[service]
        types = descriptor.methods_by_name[method]
        self._request, self._response = GetMessageClass(types.input_type), GetMessageClass(types.output_type)
        self.options = {
            "timeout": case.get("deadline_ms", 10_000) / 1000,
            "metadata": tuple(case.get("metadata", {}).items()),
        }

    def request(self, fields: Json) -> Message:
        return json_format.ParseDict(fields, self._request())

    def on(self, channel: grpc.Channel, kind: str) -> Any:
        """Return what makes the call; `kind` is grpc's word, such as `unary_unary`."""
        return getattr(channel, kind)(
            f"/{self.case['rpc']}", self._request.SerializeToString, self._response.FromString
        )


def unary(call: Call, channel: grpc.Channel) -> Json:
    future = call.on(channel, "unary_unary").future(call.request(call.case["request"]), **call.options)
    if after_ms := call.case.get("cancel_after_ms"):
        threading.Timer(after_ms / 1000, future.cancel).start()
    try:
        response = future.result()
    except grpc.FutureCancelledError:
        return {"status": future.code().name}
    return {"response": _json(response), "metadata": dict(future.initial_metadata())}


def stream(call: Call, channel: grpc.Channel) -> Json:
    says: queue.Queue[Message | None] = queue.Queue()
    responses = call.on(channel, "stream_stream")(iter(says.get, None), **call.options)
    for step in call.case["stream"]:
        if "send" in step:
            says.put(call.request(step["send"]))
        else:
            response = _json(next(responses, None))
            if unlike := list(differences(step["receive"], response, "receive")):
                responses.cancel()
                return {"status": "; ".join(unlike)}
    says.put(None)
    more = [_json(response) for response in responses]
    return {"status": f"OK, after {more}" if more else "OK"}


def failed(error: grpc.RpcError) -> Json:
    told = nationalsite_client.failure(error)
    return {
        "status": told.status.name,
        "message": told.message,
        "details": [detail.DESCRIPTOR.full_name for detail in told.details],
        "reason": told.reason_name,
        "error_info": dict(told.info),
        "bad_fields": [violation.field for violation in told.violations],
        "retry_delay_ms": _ms(told.retry_delay_s),
        "pushback_ms": _ms(told.pushback_s),
    }


def violations(call: Call) -> Json:
    found = protovalidate.Validator().collect_violations(call.request(call.case["request"]))
    return {"violations": [{"field": _path(each.proto), "rule": each.proto.rule_id} for each in found]}


def made(case: Json, channel: Any) -> Json:
    """Make a case; return what came of it, with the names that `expect` has for it."""
    call = Call(case)
    if case.get("validate"):
        return violations(call)
    make = stream if "stream" in case else unary
    try:
        return {"status": "OK"} | make(call, channel(case["at"], call.service))
    except grpc.RpcError as error:
        return failed(error)


def unlike(expected: Json, found: Json) -> Iterator[str]:
    """Yield what is not as a case expects it."""
    for name, wanted in (
        ({"status": "OK"} | expected).items() if "violations" not in expected else expected.items()
    ):
        came = found.get(name)
        if name == "metadata":
            for key, values in wanted.items():
                if (came or {}).get(key) not in values:
                    yield f"metadata {key}: {came}, not one of {values}"
        elif name == "violations":
            if sorted(wanted, key=str) != sorted(came, key=str):
                yield f"violations: {came}, not {wanted}"
        else:
            yield from differences(wanted, came, name)


def differences(expected: Any, found: Any, path: str) -> Iterator[str]:
    """Yield where a part of a message is not as expected."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, wanted in expected.items():
            yield from differences(wanted, found.get(name), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for place, (wanted, came) in enumerate(zip(expected, found, strict=True)):
            yield from differences(wanted, came, f"{path}[{place}]")
    elif expected != found:
        yield f"{path}: {found!r}, not {expected!r}"


def _json(message: Message | None) -> Json | None:
    return None if message is None else json_format.MessageToDict(message, preserving_proto_field_name=True)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _path(violation: protovalidate.ViolationPb) -> str:
    elements = violation.field.elements if violation.field else ()
    return ".".join(
        each.field_name + ("" if each.subscript is None else f"[{json.dumps(each.subscript.value)}]")
        for each in elements
    )


def main() -> None:
    with ExitStack() as stack:

        @cache
        def channel(at: str, service: nationalsite_client.Service) -> grpc.Channel:
            return stack.enter_context(nationalsite_client.connect(os.environ[f"POLYGLOT_{at}"], service))

        for path in sorted(Path(os.environ["POLYGLOT_CASES"]).glob("*.json")):
            case = json.loads(path.read_text(encoding="utf-8"))
            found = made(case, channel)
            why = "; ".join(unlike(case["expect"], found))
            if why and "message" in found:
                why += f" ({found['message']})"
            print(json.dumps({"case": path.stem, "passed": not why, "why": why}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
