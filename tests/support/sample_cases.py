"""The sample files as test cases: what 1688 sends or receives, and the call that belongs to it.

`responses/**/<name>.json` is a response body of 1688, byte for byte. `<name>.expected.json` has the
`rpc`, the `dialect` and the `request` that it responds to, and what the caller gets: `response` in protobuf's
JSON, or `error`. Optional members: `description` (why the case exists), `http_status` (of 1688's response,
default 200), `content_type` (the header of 1688's response, which may name its charset), `unreadable_fields`
(the paths of fields that cannot be decoded), `service_fields` (what the service adds to the decoded response,
also to the elements of its lists).

`requests/<name>.req.json` is what 1688 receives, and `<name>.call.json` the `rpc`, the `dialect` and the
`request` that make the service send it. `fields` are the form fields without token, timestamp and signature;
JSON text in a field is written as JSON. Some samples have a complete signed request instead: its `form`, or,
with a file, its `query` and `parts`.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nationalsite.account import v1 as account_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.product import v1 as product_v1
from nationalsite.replay import v1 as replay_v1
from nationalsite.upstream import v1 as upstream_v1

from services.adapter.gateway.charset import to_utf8

SERVICES = {
    "product": product_v1.PRODUCT_SERVICE,
    "order_sync": ordersync_v1.ORDER_SYNC_SERVICE,
    "account": account_v1.ACCOUNT_SERVICE,
}
"""services/<name> -> the service that it serves."""
REPLAY = replay_v1.MESSAGE_REPLAY_SERVICE
"""OrderSyncService calls these operations of 1688 itself; they are not served."""
METHODS = {method.name: method for service in (*SERVICES.values(), REPLAY) for method in service.methods}
"""RPC name -> method. RPC names are unique over all services."""


def _has_upstream_operation(option: upstream_v1.Operation) -> bool:
    return any(each.api for each in (option, option.national_site, option.open_platform))


UPSTREAM_METHODS = {
    name: method
    for name, method in METHODS.items()
    if _has_upstream_operation(method.GetOptions().Extensions[upstream_v1.operation])
}
"""The methods that are operations of 1688."""
SERVED_RPCS = frozenset(method.name for service in SERVICES.values() for method in service.methods)
"""Names of the RPCs that callers can call."""
OPERATIONS = {
    name: method.GetOptions().Extensions[upstream_v1.operation]
    for name, method in UPSTREAM_METHODS.items()
    if name in SERVED_RPCS
}
"""The options of those that are operations of 1688."""
APIS = {name: option.api or option.national_site.api for name, option in OPERATIONS.items()}
"""1688's ids of their operations, `namespace:name-version`."""

SAMPLES = Path(__file__).parents[1] / "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCase:
    """A response of 1688, and what the caller gets."""

    name: str
    sent: bytes
    """The body as 1688 sends it."""
    content_type: str
    body: bytes
    """The body in UTF-8, as the codec gets it."""
    rpc: str
    dialect: str
    request: dict[str, Any]
    http_status: int
    response: dict[str, Any] | None
    """Without `service_fields`."""
    service_fields: dict[str, Any]
    error: dict[str, Any] | None
    unreadable_fields: list[str]

    @property
    def fault(self) -> dict[str, Any]:
        """The fault that makes the sandbox send this response."""
        return {
            "status": self.http_status,
            "content_type": self.content_type,
            "body_base64": base64.b64encode(self.sent).decode(),
        }

    @property
    def full_response(self) -> dict[str, Any]:
        """What the caller gets, with the fields that the service adds to those of 1688."""
        assert self.response is not None
        if self.rpc == "WriteOrderRelations":
            return self.response | {"results": [{"status": {}} for _ in self.request["relations"]]}
        full: dict[str, Any] = _merge(self.response, self.service_fields)
        return full


def _merge(value: Any, more: Any) -> Any:
    """Add the fields of `more` to those of `value`, also to the elements of lists."""
    if isinstance(value, dict) and isinstance(more, dict):
        return value | {name: _merge(value.get(name), member) for name, member in more.items()}
    if isinstance(value, list) and isinstance(more, list):
        return [_merge(*pair) for pair in zip(value, more, strict=True)]
    return more


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCase:
    """A call, and the request that 1688 receives."""

    name: str
    rpc: str
    dialect: str
    request: dict[str, Any]
    expected: dict[str, Any]


def operation_name(rpc: str) -> str:
    """Return the name of an RPC's operation in the sandbox."""
    return APIS[rpc].partition(":")[2].rpartition("-")[0]


def response_cases() -> Iterator[ResponseCase]:
    """Yield every response with an expectation."""
    for path in sorted((SAMPLES / "responses").rglob("*.expected.json")):
        expectation = json.loads(path.read_text())
        body = path.with_name(path.name.replace(".expected.json", ".json"))
        yield ResponseCase(
            name=body.relative_to(SAMPLES / "responses").as_posix().removesuffix(".json"),
            sent=(sent := body.read_bytes()),
            content_type=(content_type := expectation.get("content_type", "application/json")),
            body=to_utf8(sent, content_type),
            rpc=expectation["rpc"],
            dialect=expectation["dialect"],
            request=expectation["request"],
            http_status=expectation.get("http_status", 200),
            response=expectation.get("response"),
            service_fields=expectation.get("service_fields", {}),
            error=expectation.get("error"),
            unreadable_fields=expectation.get("unreadable_fields", []),
        )


def request_cases() -> Iterator[RequestCase]:
    """Yield every call with an expectation."""
    for path in sorted((SAMPLES / "requests").glob("*.call.json")):
        call = json.loads(path.read_text())
        expected = json.loads(path.with_name(path.name.replace(".call.json", ".req.json")).read_text())
        yield RequestCase(
            name=path.name.removesuffix(".call.json"),
            rpc=call["rpc"],
            dialect=call["dialect"],
            request=call["request"],
            expected=expected,
        )
