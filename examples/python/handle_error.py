"""Makes calls that fail, and handles the errors by their reason."""

# [snippet call]
import os

import grpc
from nationalsite.errors import v1 as errors_v1
from nationalsite.product.v1 import GetProductDetailRequest, ProductServiceStub, SearchByKeywordRequest
from nationalsite_client import connect, money_to_decimal, parse_error

address = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
channel = connect(address, "product")
products = ProductServiceStub(channel)
response = products.SearchByKeyword(SearchByKeywordRequest(keyword="dress", country="japan"), timeout=5)
for offer in response.offers[:3]:
    price = offer.price_info.price
    print(offer.offer_id, price.currency_code, f"{money_to_decimal(price):.2f}", offer.subject)

try:
    products.GetProductDetail(GetProductDetailRequest(offer_id=1), timeout=5)
except grpc.RpcError as error:
    details = parse_error(error)
    if details.reason != errors_v1.ERROR_REASON_OFFER_NOT_FOUND:
        raise
    print(details.code.name, details.reason_name)  # NOT_FOUND ERROR_REASON_OFFER_NOT_FOUND
# [/snippet]

try:
    products.SearchByKeyword(SearchByKeywordRequest(keyword="dress", page_size=51), timeout=5)
except grpc.RpcError as error:
    for violation in parse_error(error).field_violations:
        print(f"{violation.field}: {violation.description}")
channel.close()
