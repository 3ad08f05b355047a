"""What the benchmark's upstream answers: the sample replies of the tests, grown to the size that is wanted.

Each is named by what a caller asks for, so that one upstream answers for all: `search-20`, `detail-200`.
"""

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "samples" / "replies"
PAGES = (10, 20, 30, 40, 50)
SKUS = (20, 200, 2_000)


def search(offers: int) -> bytes:
    """Return a page of the open platform with so many full offers; each has an id and prices of its own."""
    page = _sample("keyword_query.open_platform.ok")
    (offer,) = page["result"]["result"]["data"]
    page["result"]["result"]["data"] = [_offer(offer, number) for number in range(offers)]
    return _text(page)


def detail(skus: int) -> bytes:
    """Return a product of the open platform with so many SKUs."""
    product = _sample("query_product_detail.open_platform.ok")
    found = product["result"]["result"]["productSkuInfos"]
    product["result"]["result"]["productSkuInfos"] = [
        copy.deepcopy(found[number % len(found)])
        | {"skuId": 5_000_000_000_000 + number, "amountOnSale": number}
        for number in range(skus)
    ]
    return _text(product)


def _offer(offer: dict[str, Any], number: int) -> dict[str, Any]:
    own = copy.deepcopy(offer)
    own["offerId"] = 600_000_000_000 + 7_919 * number
    own["priceInfo"] |= {"price": f"{number + 10}.00", "consignPrice": f"{number + 10}.50"}
    return own


def _sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def _text(reply: object) -> bytes:
    return json.dumps(reply, ensure_ascii=False).encode()


_FIXED = {"upload": "image_upload.open_platform.ok", "category": "category_get.open_platform.root"}
_MAKE: Mapping[str, Callable[[int], bytes]] = MappingProxyType({"search": search, "detail": detail})


def reply(name: str) -> bytes:
    """Return a reply by its name."""
    kind, _, size = name.partition("-")
    return _MAKE[kind](int(size)) if size else (SAMPLES / f"{_FIXED[kind]}.json").read_bytes()
