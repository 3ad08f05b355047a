"""`make demo`: real gRPC calls, and what each of them said to 1688's gateway over HTTP.

Starts the sandbox and the services as processes of this machine, calls them as any client would, prints both
sides of every call, and stops everything.
"""

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
from nationalsite.account.v1.account_service_pb2 import CountryAccount, RegisterUserRequest
from nationalsite.account.v1.account_service_pb2_grpc import AccountServiceStub
from nationalsite.product.v1 import product_service_pb2 as product
from nationalsite.product.v1.product_service_pb2_grpc import ProductServiceStub
from stack import Running, stack

TIMEOUT_S = 10
WIDTH = 110
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class Demo:
    """Calls, and tells what went over both wires."""

    def __init__(self, up: dict[str, Running]) -> None:
        self._sandbox = up["sandbox"].address
        self._channels = {name: grpc.insecure_channel(up[name].address) for name in ("product", "account")}
        self.product = ProductServiceStub(self._channels["product"])
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


def _money(amount: Any) -> str:
    return f"{amount.currency_code} {amount.units + amount.nanos / 1e9:.2f}"


def _offers(response: Any) -> str:
    lines = [f"{response.total_records} offers"]
    for offer in response.offers[:3]:
        title = offer.subject_trans or offer.subject
        lines.append(f"          {offer.offer_id}  {_money(offer.price_info.price):>12}  {title}")
    return "\n".join(lines)


def main() -> None:
    """Run the demo in the dialect that 1688's gateway speaks today, then one call in the document's."""
    print("starting the sandbox and the services ...", flush=True)
    with stack("open-platform") as up:
        for name, running in up.items():
            print(f"  {name:8} {running.address}")
        with Demo(up) as demo:
            _walk(demo)
    print("\nthe same search in the national-site dialect: the same call, another wire", flush=True)
    with stack("national-site") as up, Demo(up) as demo:
        request = product.SearchByKeywordRequest(keyword="dress", page_size=3, country="japan")
        demo.call("SearchByKeyword", demo.product.SearchByKeyword, request, _offers)
    print("\neverything is stopped; logs are in build/logs")


def _walk(demo: Demo) -> None:
    search = product.SearchByKeywordRequest(keyword="dress", page_size=3, country="japan")
    found = demo.call("SearchByKeyword", demo.product.SearchByKeyword, search, _offers)
    if found is None or not found.offers:
        sys.exit("the search found nothing: see build/logs")
    offer = found.offers[0]
    picture = demo.picture(offer.image_url)
    demo.call(
        "SearchByImage, with the bytes of that offer's picture: two calls of 1688",
        demo.product.SearchByImage,
        product.SearchByImageRequest(image=picture, page_size=3, country="vietnam"),
        _offers,
    )
    demo.call(
        "GetProductDetail, with prices in Hong Kong dollars",
        demo.product.GetProductDetail,
        product.GetProductDetailRequest(offer_id=offer.offer_id, language="en", currency="HKD"),
        lambda detail: (
            f"{detail.product.subject_trans}: {len(detail.product.product_sku_infos)} SKUs, "
            f"first {_money(detail.product.product_sku_infos[0].price)}"
            f" = {_money(detail.product.product_sku_infos[0].foreign_currency_price)}"
        ),
    )
    demo.call(
        "GetFilterConfig: the open platform has no such operation, so the document's own list answers",
        demo.product.GetFilterConfig,
        product.GetFilterConfigRequest(country="japan"),
        lambda answer: ", ".join(each.config_name for each in answer.filter_configs),
    )
    demo.call(
        "GetCategory, the first level",
        demo.product.GetCategory,
        product.GetCategoryRequest(),
        lambda answer: ", ".join(each.name for each in answer.categories[0].child_categories),
    )
    buyer = RegisterUserRequest(
        country_account=CountryAccount(
            country="japan",
            site="sniff",
            out_login_name="hanako",
            out_member_id="c5b9e8a658554771",
            email="hanako@example.com",
            mobile="09012345678",
            mobile_area="JP",
            ip="192.0.2.10",
        )
    )
    demo.call("RegisterUser", demo.account.RegisterUser, buyer, lambda _: "registered")
    demo.call("RegisterUser again: 1688 refuses", demo.account.RegisterUser, buyer, lambda _: "registered")
    demo.call(
        "SearchByKeyword with a page too large: refused before anything is sent",
        demo.product.SearchByKeyword,
        product.SearchByKeywordRequest(keyword="dress", page_size=500),
        _offers,
    )


if __name__ == "__main__":
    main()
