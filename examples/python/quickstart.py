"""Search for dresses."""

import os

from nationalsite.product.v1 import ProductServiceStub, SearchByKeywordRequest
from nationalsite_client import connect

address = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
with connect(address, "product") as channel:
    request = SearchByKeywordRequest(keyword="dress", page_size=3, country="japan")
    for offer in ProductServiceStub(channel).SearchByKeyword(request, timeout=5).offers:
        print(offer.offer_id, offer.subject_trans)
