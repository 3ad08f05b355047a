"""Serves ProductService: `python -m services.product`."""

from services.product.service import PRODUCT
from services.server import build_parser, run

if __name__ == "__main__":
    build_parser("services.product", PRODUCT).parse_args()
    run(PRODUCT)
