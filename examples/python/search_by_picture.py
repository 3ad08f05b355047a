"""Searches offers that look like a picture: the file that is named, or the one beside the examples."""

import os
import sys
from pathlib import Path

from nationalsite.product.v1 import ProductServiceStub, SearchByImageRequest
from nationalsite_client import connect, decimal_of

picture = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent / "picture.jpg"
address = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
with connect(address, "product") as channel:
    products = ProductServiceStub(channel)
    search = SearchByImageRequest(image=picture.read_bytes(), page_size=3, country="japan")
    found = products.SearchByImage(search, timeout=15)
    for offer in found.offers:
        price = offer.price_info.price
        print(offer.offer_id, price.currency_code, f"{decimal_of(price):.2f}", offer.subject)
    # The next page needs no second upload.
    search = SearchByImageRequest(image_id=found.image_id, page_size=3, begin_page=2, country="japan")
    print(len(products.SearchByImage(search, timeout=15).offers), "more")
