"""`make demo`: real gRPC calls, and what each of them said to 1688's gateway over HTTP.

Starts the sandbox and the services as processes of this machine, calls them as any client would, prints both
sides of every call, and stops everything.
"""

import sys
from typing import Any

from demo_orders import life_of_an_order
from demo_wire import Demo, money
from local_stack import local_stack
from nationalsite.account.v1 import CountryAccount, RegisterUserRequest
from nationalsite.product import v1 as product


def _offers(response: Any) -> str:
    lines = [f"{response.total_records} offers"]
    for offer in response.offers[:3]:
        title = offer.subject_trans or offer.subject
        lines.append(f"          {offer.offer_id}  {money(offer.price_info.price):>12}  {title}")
    return "\n".join(lines)


def main() -> None:
    """Run the demo in the dialect that 1688's gateway speaks today, then one call in the document's."""
    print("starting the sandbox and the services ...", flush=True)
    with local_stack("open-platform") as up:
        for name, running in up.items():
            print(f"  {name:10} {running.address}")
        with Demo(up) as demo:
            _walk(demo)
            life_of_an_order(demo)
    print("\nthe same search in the national-site dialect: the same call, another wire", flush=True)
    with local_stack("national-site") as up, Demo(up) as demo:
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
            f"first {money(detail.product.product_sku_infos[0].price)}"
            f" = {money(detail.product.product_sku_infos[0].foreign_currency_price)}"
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
