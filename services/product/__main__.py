"""Serves ProductService: `python -m services.product`."""

from services.fast_imports import fast_imports

with fast_imports():
    from services.product.service import PRODUCT
    from services.server import build_parser, run

if __name__ == "__main__":
    build_parser("services.product", PRODUCT).parse_args()
    run(PRODUCT)
