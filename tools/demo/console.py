"""The client of the demo: makes calls, and prints what was sent by gRPC and by HTTP."""

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product.v1 import ProductServiceStub

from tools.local_stack import RunningProcess

TIMEOUT_S = 10
DETAIL_TYPES = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
MAX_WIDTH = 110
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class DemoClient:
    """Makes calls, and prints the gRPC and HTTP traffic of each."""

    def __init__(self, processes: dict[str, RunningProcess]) -> None:
        self._sandbox = processes["sandbox"].address
        self._channels = {
            name: grpc.insecure_channel(running.address)
            for name, running in processes.items()
            if name != "sandbox"
        }
        self.product = ProductServiceStub(self._channels["product"])
        self.orders = OrderSyncServiceStub(self._channels["order_sync"])
        self.account = AccountServiceStub(self._channels["account"])

    def __enter__(self) -> "DemoClient":
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self._channels.values():
            channel.close()

    def call(
        self, title: str, method: Callable[..., Any], request: Message, describe: Callable[[Any], str]
    ) -> Any:
        """Make a call and print it; return the response, or None after an error."""
        print(f"\n{BOLD}{title}{PLAIN}")
        print(f"  gRPC  > {type(request).__name__} {_format_request(request)}")
        last_sequence, started = self._last_sequence(), time.perf_counter()
        try:
            response = method(request, timeout=TIMEOUT_S)
            result = describe(response)
        except grpc.RpcError as error:
            response, result = None, _format_error(error)
        milliseconds = (time.perf_counter() - started) * 1000
        self._print_http_calls(last_sequence)
        print(f"  gRPC  < {result}  ({milliseconds:.1f} ms)")
        return response

    def fetch_image(self, url: str) -> bytes:
        """Fetch an image of an offer."""
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 # our own sandbox
            return bytes(response.read())

    def admin(self, title: str, path: str, body: object = None) -> Any:
        """Act as 1688, as the payer, the seller or the carrier; print and return the result."""
        print(f"\n{BOLD}{title}{PLAIN}")
        request = urllib.request.Request(  # noqa: S310 # our own sandbox
            f"{self._sandbox}/admin/{path}",
            method="POST",
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 # our own sandbox
            result = json.load(response)
        print(f"  admin > POST /admin/{path}")
        print(f"  admin < status {result['status'] if 'status' in result else result['statuses'][-1]}")
        return result

    def synced(self, order_id: str) -> Any:
        """Return a downstream order as 1688 received it."""
        path = f"{self._sandbox}/admin/synced/orders/{order_id}"
        with urllib.request.urlopen(path, timeout=TIMEOUT_S) as response:  # noqa: S310 # our own sandbox
            return json.load(response)

    def _last_sequence(self) -> int:
        calls = self._calls(1)
        return calls[-1]["sequence"] if calls else 0

    def _calls(self, limit: int) -> list[dict[str, Any]]:
        with urllib.request.urlopen(  # noqa: S310 # our own sandbox
            f"{self._sandbox}/admin/calls?limit={limit}", timeout=TIMEOUT_S
        ) as response:
            calls: list[dict[str, Any]] = json.load(response)["calls"]
        return sorted(calls, key=lambda call: call["sequence"])

    def _print_http_calls(self, after_sequence: int) -> None:
        calls = [call for call in self._calls(10) if call["sequence"] > after_sequence]
        if not calls:
            print("  HTTP    nothing was sent to 1688")
        for call in calls:
            print(f"  HTTP  > {call['method']} {call['path']}")
            for name, value in sorted(call["parameters"].items()):
                print(f"          {name}={_truncate(value, MAX_WIDTH)}")
            outcome = " ".join(str(part) for part in call["outcome"].values() if part)
            print(f"  HTTP  < {outcome}, signature {'valid' if call['signature_valid'] else 'invalid'}")


def _format_request(message: Message) -> str:
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    if "image" in fields:
        fields["image"] = f"<{len(getattr(message, 'image', b''))} bytes>"
    return _truncate(json.dumps(fields, ensure_ascii=False), MAX_WIDTH)


def _truncate(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _format_error(error: grpc.RpcError) -> str:
    """Return an error with its details, as a client reads them."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # an RpcError of a call is a Call
    lines = [f"{error.code().name}: {error.details()}"]
    for detail in status.details if status else ():
        for detail_type in DETAIL_TYPES:
            if detail.Is(detail_type.DESCRIPTOR):
                message = detail_type()
                detail.Unpack(message)
                text = json.dumps(json_format.MessageToDict(message), ensure_ascii=False)
                lines.append(f"          {detail_type.DESCRIPTOR.name} {text}")
    return "\n".join(lines)


def format_money(amount: Any) -> str:
    """Return an amount with two decimals and its currency."""
    return f"{amount.currency_code} {amount.units}.{amount.nanos // 10**7:02}"
