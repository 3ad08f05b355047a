"""Serves ProductService: `python -m services.product`."""

from services.product.service import PRODUCT
from services.server import run

if __name__ == "__main__":
    run(PRODUCT)
