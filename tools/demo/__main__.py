"""`make demo`: starts the sandbox and the services, calls them, and prints the gRPC and HTTP traffic.

It uses free ports and a store of its own, so that it can run beside `make run`, and stops everything.
"""

import sys
import uuid
from typing import Any

from nationalsite.account.v1 import CountryAccount, RegisterUserRequest
from nationalsite.product import v1 as product

from tools import local_stack
from tools.demo.console import DemoClient, format_money
from tools.demo.orders import run_order_lifecycle
from tools.usage import build_parser


def _format_offers(response: Any) -> str:
    lines = [f"{response.total_size} offers"]
    for offer in response.offers[:3]:
        title = offer.subject_trans or offer.subject
        lines.append(f"          {offer.offer_id}  {format_money(offer.price_info.price):>12}  {title}")
    return "\n".join(lines)


def main() -> None:
    """Run the demo in the open-platform dialect, then one call in the national-site dialect."""
    build_parser("python -m tools.demo", __doc__, "make demo", "python -m tools.demo").parse_args()
    local_stack.claim_log_dir("demo")
    log_dir = local_stack.LOG_DIR.relative_to(local_stack.ROOT)
    print(f"starting the sandbox and the services; their logs are in {log_dir} ...", flush=True)
    with local_stack.local_stack("open-platform") as processes:
        for name, running in processes.items():
            print(f"  {name:10} {running.address}")
        with DemoClient(processes) as demo:
            detail = _call_product_and_account(demo)
            run_order_lifecycle(demo, detail)
    print("\nthe same search in the national-site dialect: same gRPC call, other HTTP parameters", flush=True)
    with local_stack.local_stack("national-site") as processes, DemoClient(processes) as demo:
        request = product.SearchByKeywordRequest(keyword="dress", page_size=3, country="japan")
        demo.call("SearchByKeyword", demo.product.SearchByKeyword, request, _format_offers)
    print(f"\neverything is stopped; the logs are in {log_dir}")


def _call_product_and_account(demo: DemoClient) -> product.Product:
    search = product.SearchByKeywordRequest(keyword="dress", page_size=3, country="japan")
    results = demo.call("SearchByKeyword", demo.product.SearchByKeyword, search, _format_offers)
    if results is None or not results.offers:
        sys.exit("the search found nothing: see the logs")
    offer = results.offers[0]
    image = demo.fetch_image(offer.image_url)
    demo.call(
        "SearchByImage, with the image of that offer: two calls to 1688",
        demo.product.SearchByImage,
        product.SearchByImageRequest(image=image, page_size=3, country="vietnam"),
        _format_offers,
    )
    detail = demo.call(
        "GetProductDetail, with prices in Hong Kong dollars",
        demo.product.GetProductDetail,
        product.GetProductDetailRequest(offer_id=offer.offer_id, language="en", currency="HKD"),
        lambda detail: (
            f"{detail.product.subject_trans}: {len(detail.product.product_sku_infos)} SKUs, "
            f"first {format_money(detail.product.product_sku_infos[0].price)}"
            f" = {format_money(detail.product.product_sku_infos[0].foreign_currency_price)}"
        ),
    )
    demo.call(
        "GetFilterConfig: the open platform has no such operation, the service has a list of its own",
        demo.product.GetFilterConfig,
        product.GetFilterConfigRequest(country="japan"),
        lambda response: ", ".join(config.config_name for config in response.filter_configs),
    )
    demo.call(
        "GetCategory, the first level",
        demo.product.GetCategory,
        product.GetCategoryRequest(),
        lambda response: ", ".join(child.name for child in response.category.child_categories),
    )
    buyer = RegisterUserRequest(
        request_id=str(uuid.uuid4()),
        country_account=CountryAccount(
            country="japan",
            site="sniff",
            out_login_name="hanako",
            out_member_id="c5b9e8a658554771",
            email="hanako@example.com",
            mobile="09012345678",
            mobile_area="JP",
            ip="192.0.2.10",
        ),
    )
    demo.call("RegisterUser", demo.account.RegisterUser, buyer, lambda _: "registered")
    demo.call(
        "RegisterUser, a retry: the same request id gets the first response, and nothing is sent",
        demo.account.RegisterUser,
        buyer,
        lambda _: "registered",
    )
    buyer.request_id = str(uuid.uuid4())
    demo.call(
        "RegisterUser, a new request for the same buyer: 1688 rejects it",
        demo.account.RegisterUser,
        buyer,
        lambda _: "registered",
    )
    demo.call(
        "SearchByKeyword with a negative page size: rejected before anything is sent",
        demo.product.SearchByKeyword,
        product.SearchByKeywordRequest(keyword="dress", page_size=-1),
        _format_offers,
    )
    product_detail: product.Product = detail.product
    return product_detail


if __name__ == "__main__":
    main()
