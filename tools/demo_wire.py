"""The demo's calls, and what it tells of each: what went over gRPC, and what that said to 1688 over HTTP."""

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
from local_stack import RunningProcess
from nationalsite.account.v1 import AccountServiceStub
from nationalsite.ordersync.v1 import OrderSyncServiceStub
from nationalsite.product.v1 import ProductServiceStub

TIMEOUT_S = 10
WIDTH = 110
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class Demo:
    """Calls, and tells what went over both wires."""

    def __init__(self, up: dict[str, RunningProcess]) -> None:
        self._sandbox = up["sandbox"].address
        self._channels = {
            name: grpc.insecure_channel(running.address) for name, running in up.items() if name != "sandbox"
        }
        self.product = ProductServiceStub(self._channels["product"])
        self.orders = OrderSyncServiceStub(self._channels["order_sync"])
        self.account = AccountServiceStub(self._channels["account"])

    def __enter__(self) -> "Demo":
        return self

    def __exit__(self, *_: object) -> None:
        for channel in self._channels.values():
            channel.close()

    def call(
        self, title: str, method: Callable[..., Any], request: Message, show: Callable[[Any], str]
    ) -> Any:
        """Make a call and print it; return the response, or None where it was refused."""
        print(f"\n{BOLD}{title}{PLAIN}")
        print(f"  gRPC  > {type(request).__name__} {_short(request)}")
        before, started = self._last_call(), time.perf_counter()
        try:
            response = method(request, timeout=TIMEOUT_S)
            told = show(response)
        except grpc.RpcError as error:
            response, told = None, _told(error)
        milliseconds = (time.perf_counter() - started) * 1000
        self._print_wire(before)
        print(f"  gRPC  < {told}  ({milliseconds:.1f} ms)")
        return response

    def picture(self, url: str) -> bytes:
        """Fetch a picture, as a shop's customer has one."""
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 # the sandbox's own
            return bytes(answer.read())

    def admin(self, title: str, path: str, body: object = None) -> Any:
        """Take a step that is 1688's, its payer's or its seller's; print and return what became of it."""
        print(f"\n{BOLD}{title}{PLAIN}")
        request = urllib.request.Request(  # noqa: S310 # the sandbox's own
            f"{self._sandbox}/admin/{path}", method="POST", data=json.dumps(body or {}).encode()
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 # likewise
            told = json.load(answer)
        print(f"  admin > POST /admin/{path}")
        print(f"  admin < status {told['status']}")
        return told

    def synced(self, order_id: str) -> Any:
        """Return what 1688 was told of a downstream order."""
        path = f"{self._sandbox}/admin/synced/orders/{order_id}"
        with urllib.request.urlopen(path, timeout=TIMEOUT_S) as answer:  # noqa: S310 # the sandbox's own
            return json.load(answer)

    def _last_call(self) -> int:
        calls = self._calls(1)
        return calls[-1]["sequence"] if calls else 0

    def _calls(self, limit: int) -> list[dict[str, Any]]:
        with urllib.request.urlopen(  # noqa: S310 # the sandbox's own
            f"{self._sandbox}/admin/calls?limit={limit}", timeout=TIMEOUT_S
        ) as answer:
            calls: list[dict[str, Any]] = json.load(answer)["calls"]
        return sorted(calls, key=lambda each: each["sequence"])

    def _print_wire(self, after: int) -> None:
        calls = [each for each in self._calls(10) if each["sequence"] > after]
        if not calls:
            print("  HTTP    nothing was sent to 1688")
        for each in calls:
            print(f"  HTTP  > {each['method']} {each['path']}")
            for name, value in sorted(each["parameters"].items()):
                print(f"          {name}={_cut(value, WIDTH)}")
            outcome = " ".join(str(part) for part in each["outcome"].values() if part)
            print(f"  HTTP  < {outcome}, signature {'good' if each['signature_valid'] else 'bad'}")


def _short(message: Message) -> str:
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    if "image" in fields:
        fields["image"] = f"<{len(getattr(message, 'image', b''))} bytes>"
    return _cut(json.dumps(fields, ensure_ascii=False), WIDTH)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _told(error: grpc.RpcError) -> str:
    """A refusal with its details, as a client reads them."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # an RpcError of a call is a Call
    lines = [f"{error.code().name}: {error.details()}"]  # type: ignore[attr-defined] # likewise
    for detail in status.details if status else ():
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            if detail.Is(kind.DESCRIPTOR):
                found = kind()
                detail.Unpack(found)
                text = json.dumps(json_format.MessageToDict(found), ensure_ascii=False)
                lines.append(f"          {kind.DESCRIPTOR.name} {text}")
    return "\n".join(lines)


def money(amount: Any) -> str:
    """Write an amount, to the hundredth."""
    return f"{amount.currency_code} {amount.units}.{amount.nanos // 10**7:02}"
