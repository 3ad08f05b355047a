"""Searches for offers that look like an image: the file in the argument, or examples/image.jpg."""

import os
import sys
from pathlib import Path

from nationalsite.product.v1 import ProductServiceStub, SearchByImageRequest
from nationalsite_client import connect, money_to_decimal

path = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent / "image.jpg"
address = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
with connect(address, "product") as channel:
    products = ProductServiceStub(channel)
    request = SearchByImageRequest(image=path.read_bytes(), page_size=3, country="japan")
    response = products.SearchByImage(request, timeout=15)
    for offer in response.offers:
        price = offer.price_info.price
        print(offer.offer_id, price.currency_code, f"{money_to_decimal(price):.2f}", offer.subject)
    # The id of the uploaded image is enough for the next page.
    request = SearchByImageRequest(image_id=response.image_id, page_size=3, begin_page=2, country="japan")
    print(len(products.SearchByImage(request, timeout=15).offers), "more")
