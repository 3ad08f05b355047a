"""Searches for offers that look like an image: the file in the argument, or examples/image.jpg."""

import os
import sys
from pathlib import Path

from nationalsite.product.v1 import ProductServiceStub, SearchByImageRequest
from nationalsite_client import connect, iterate_pages, money_to_text

path = Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent / "image.jpg"
address = os.environ.get("NATIONALSITE_PRODUCT", "127.0.0.1:50051")
with connect(address, "product") as channel:
    products = ProductServiceStub(channel)
    request = SearchByImageRequest(image=path.read_bytes(), page_size=3, country="japan")
    pages = iterate_pages(products.SearchByImage, request, timeout=15)
    for offer in next(pages).offers:
        prices = offer.price_info
        price = prices.price_range.text  # of a price that is not one number, such as 125-128
        if not price and prices.HasField("price"):
            price = money_to_text(prices.price)
        print(offer.offer_id, prices.price.currency_code, price, offer.subject_trans)
    print(len(next(pages).offers), "more")  # the page token also stands for the image, which is sent once
