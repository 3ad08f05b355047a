"""What the upstreams answer: 1688's documented samples, grown to the sizes that are asked for."""

import copy
import json
from typing import Any

from tools.local_stack import ROOT

SAMPLES = ROOT / "tests" / "samples" / "replies"
KEYWORD_QUERY = "com.alibaba.fenxiao.crossborder/product.search.keywordQuery"
PRODUCT_DETAIL = "com.alibaba.fenxiao.crossborder/product.search.queryProductDetail"
IMAGE_UPLOAD = "com.alibaba.fenxiao.crossborder/product.image.upload"
CATEGORY_GET = "com.alibaba.product/alibaba.category.get"
"""Operations as their paths have them."""

Json = dict[str, Any]


def page(offers: int) -> bytes:
    """Return a page of offers in the open-platform dialect; each has an id and texts of its own."""
    reply = _sample("keyword_query.open_platform.ok.json")
    found = reply["result"]["result"]
    found["pageSize"] = offers
    found["data"] = [_offer(found["data"][0], number) for number in range(offers)]
    return _text(reply)


def detail(skus: int) -> bytes:
    """Return an offer with that many SKUs, each with its prices and shipping data."""
    reply = _sample("query_product_detail.open_platform.ok.json")
    offer = reply["result"]["result"]
    shipping = offer["productShippingInfo"]
    for parent, name in (
        (offer, "productSkuInfos"),
        (shipping, "skuShippingInfoList"),
        (shipping, "skuShippingDetails"),
        (offer["channelPrice"], "channelSkuPriceList"),
    ):
        one = parent[name][0]
        parent[name] = [one | {"skuId": type(one["skuId"])(5104790281451 + number)} for number in range(skus)]
    return _text(reply)


def uploaded() -> bytes:
    """Return the answer to an uploaded picture."""
    return _text(_sample("image_upload.open_platform.ok.json"))


def category() -> bytes:
    """Return the answer to a category that is read."""
    return _text(_sample("category_get.open_platform.ok.json"))


def relations_written() -> bytes:
    """Return the answer to relations of an order that are written."""
    return _text(_sample("order_relation_write.open_platform.ok.json"))


def sample_page() -> Json:
    """Return a documented page as it stands."""
    return _sample("keyword_query.open_platform.ok.json")


def _offer(one: Json, number: int) -> Json:
    offer = copy.deepcopy(one)
    offer_id = one["offerId"] + 7919 * number
    offer["offerId"] = offer_id
    offer["subject"] = f"{one['subject']} {number}"
    offer["subjectTrans"] = f"{one['subjectTrans']} {number}"
    offer["priceInfo"]["price"] = f"{10 + number}.{number:02}"
    offer["monthSold"] = one["monthSold"] + number
    offer["traceInfo"] = one["traceInfo"].replace(str(one["offerId"]), str(offer_id))
    offer["promotionURL"] = one["promotionURL"].replace(str(one["offerId"]), str(offer_id))
    return offer


def _sample(name: str) -> Json:
    found: Json = json.loads((SAMPLES / name).read_text())
    return found


def _text(reply: Json) -> bytes:
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode()
