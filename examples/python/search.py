"""Searches for offers, and handles an error by its reason."""

import os

import grpc
from nationalsite.errors import v1 as errors_v1
from nationalsite.product.v1 import ProductServiceStub, SearchByKeywordRequest
from nationalsite_client import connect, money_to_text, parse_error

ADDRESS = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")


# [snippet search]
def search(products: ProductServiceStub, keyword: str) -> None:
    """Print offers, or the request fields that are invalid."""
    request = SearchByKeywordRequest(keyword=keyword, page_size=3, country="japan")
    try:
        response = products.SearchByKeyword(request, timeout=5)
    except grpc.RpcError as error:
        details = parse_error(error)
        if details.reason != errors_v1.ERROR_REASON_INVALID_REQUEST:
            raise
        for violation in details.field_violations:
            print(f"{violation.field}: {violation.description}")
        return
    for offer in response.offers:
        prices = offer.price_info
        price = prices.price_range.text  # of a price that is not one number, such as 125-128
        if not price and prices.HasField("price"):
            price = money_to_text(prices.price)
        print(offer.offer_id, prices.price.currency_code, price, offer.subject_trans)


# [/snippet]
with connect(ADDRESS, "product") as channel:
    products = ProductServiceStub(channel)
    search(products, "dress")
    search(products, "dress" * 101)  # keyword: ...
