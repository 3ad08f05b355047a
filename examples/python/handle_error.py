"""Makes calls that fail, and handles the errors by their reason."""

import os

import grpc
from nationalsite.errors import v1 as errors_v1
from nationalsite.product.v1 import GetProductDetailRequest, ProductServiceStub, SearchByKeywordRequest
from nationalsite_client import connect, parse_error

ADDRESS = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")

with connect(ADDRESS, "product") as channel:
    products = ProductServiceStub(channel)
    # [snippet handle]
    try:
        products.GetProductDetail(GetProductDetailRequest(offer_id=1), timeout=5)
    except grpc.RpcError as error:
        details = parse_error(error)
        if details.reason != errors_v1.ERROR_REASON_OFFER_NOT_FOUND:
            raise
        print(details.code.name, details.reason_name)  # NOT_FOUND ERROR_REASON_OFFER_NOT_FOUND

    try:
        products.SearchByKeyword(SearchByKeywordRequest(keyword="dress", page_size=-1), timeout=5)
    except grpc.RpcError as error:
        for violation in parse_error(error).field_violations:
            print(f"{violation.field}: {violation.description}")
    # [/snippet]
