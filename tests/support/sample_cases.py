"""The sample files as cases: a body of 1688's, and beside it what is expected of it.

`<name>.json` holds an answer of 1688, byte for byte. `<name>.expected.json` says which RPC it answers, in
which dialect, to which request, and what the caller then gets: `response` in protobuf's JSON or `error`.
Further members: `about` says why the case is there, `http_status` how 1688 answered (default 200),
`unreadable` the paths of fields that could not be read.

`requests/<name>.req.json` holds what 1688 is to receive, and `<name>.call.json` the RPC, the dialect and the
request that send it. What 1688 is to receive is `fields`, the form as values: JSON in a field as JSON, and
without token, timestamp and signature. Some samples hold a whole signed request instead: its `form`, or its
`query` and `parts` where it brings a file.
"""

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

SERVICES = {
    "product": product_v1.PRODUCT_SERVICE,
    "order_sync": ordersync_v1.ORDER_SYNC_SERVICE,
    "account": account_v1.ACCOUNT_SERVICE,
}
"""What services/<name> serves."""
REPLAY = replay_v1.MESSAGE_REPLAY_SERVICE
"""What OrderSyncService asks of 1688 by itself."""
METHODS = {method.name: method for service in (*SERVICES.values(), REPLAY) for method in service.methods}
"""Every RPC by its name, which no two services share."""


def _is_spoken(option: upstream_v1.Operation) -> bool:
    return any(each.api for each in (option, option.national_site, option.open_platform))


UPSTREAM_METHODS = {
    name: method
    for name, method in METHODS.items()
    if _is_spoken(method.GetOptions().Extensions[upstream_v1.operation])
}
"""Those among them that are operations of 1688's."""
SERVED_RPCS = frozenset(method.name for service in SERVICES.values() for method in service.methods)
"""Names of those that callers can call."""

SAMPLES = Path(__file__).parents[1] / "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyCase:
    """An answer of 1688 and what is expected of it."""

    name: str
    body: bytes
    rpc: str
    dialect: str
    request: dict[str, Any]
    http_status: int
    response: dict[str, Any] | None
    error: dict[str, Any] | None
    unreadable: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCase:
    """A call and what 1688 is to receive for it."""

    name: str
    rpc: str
    dialect: str
    request: dict[str, Any]
    expected: dict[str, Any]


def reply_cases() -> Iterator[ReplyCase]:
    """Yield every answer that has an expectation beside it."""
    for path in sorted((SAMPLES / "replies").rglob("*.expected.json")):
        told = json.loads(path.read_text())
        body = path.with_name(path.name.replace(".expected.json", ".json"))
        yield ReplyCase(
            name=body.relative_to(SAMPLES / "replies").as_posix().removesuffix(".json"),
            body=body.read_bytes(),
            rpc=told["rpc"],
            dialect=told["dialect"],
            request=told["request"],
            http_status=told.get("http_status", 200),
            response=told.get("response"),
            error=told.get("error"),
            unreadable=told.get("unreadable", []),
        )


def request_cases() -> Iterator[RequestCase]:
    """Yield every call that has an expectation beside it."""
    for path in sorted((SAMPLES / "requests").glob("*.call.json")):
        told = json.loads(path.read_text())
        expected = json.loads(path.with_name(path.name.replace(".call.json", ".req.json")).read_text())
        yield RequestCase(
            name=path.name.removesuffix(".call.json"),
            rpc=told["rpc"],
            dialect=told["dialect"],
            request=told["request"],
            expected=expected,
        )
