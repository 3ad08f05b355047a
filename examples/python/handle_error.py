"""Searches, and handles what goes wrong by its reason."""

# [snippet call]
import os

import grpc
from nationalsite.errors import v1 as errors_v1
from nationalsite.product.v1 import GetProductDetailRequest, ProductServiceStub, SearchByKeywordRequest
from nationalsite_client import connect, decimal_of, failure

address = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
channel = connect(address, "product")
products = ProductServiceStub(channel)
found = products.SearchByKeyword(SearchByKeywordRequest(keyword="dress", country="japan"), timeout=5)
for offer in found.offers[:3]:
    price = offer.price_info.price
    print(offer.offer_id, price.currency_code, f"{decimal_of(price):.2f}", offer.subject)

try:
    products.GetProductDetail(GetProductDetailRequest(offer_id=1), timeout=5)
except grpc.RpcError as error:
    told = failure(error)
    if told.reason != errors_v1.ERROR_REASON_OFFER_NOT_FOUND:
        raise
    print(told.status.name, told.reason_name)  # NOT_FOUND ERROR_REASON_OFFER_NOT_FOUND
# [/snippet]

try:
    products.SearchByKeyword(SearchByKeywordRequest(keyword="dress", page_size=51), timeout=5)
except grpc.RpcError as error:
    for violation in failure(error).violations:
        print(f"{violation.field}: {violation.description}")
channel.close()
