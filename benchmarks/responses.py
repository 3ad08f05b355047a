"""The responses of the upstreams: 1688's documented samples, enlarged to a given size."""

import copy
import json
from typing import Any

from tools.local_stack import ROOT

SAMPLES = ROOT / "tests" / "samples" / "responses"
KEYWORD_QUERY = "com.alibaba.fenxiao.crossborder/product.search.keywordQuery"
PRODUCT_DETAIL = "com.alibaba.fenxiao.crossborder/product.search.queryProductDetail"
IMAGE_UPLOAD = "com.alibaba.fenxiao.crossborder/product.image.upload"
CATEGORY_GET = "com.alibaba.product/alibaba.category.get"
"""Operations, as in URL paths."""

Json = dict[str, Any]


def build_search_page(offers: int) -> bytes:
    """Return a page of offers in the open-platform dialect, each with its own id and texts."""
    response = _sample("keyword_query.open_platform.ok.json")
    result = response["result"]["result"]
    result["pageSize"] = offers
    result["data"] = [_offer(result["data"][0], number) for number in range(offers)]
    return _encode(response)


def build_small_page(offers: int) -> bytes:
    """Return a page of offers in the national-site dialect, whose offers have few members."""
    response = _sample("keyword_query.national_site.ok.json")
    page = response["data"]
    page["searchOfferModelList"] = [
        page["searchOfferModelList"][0] | {"offerId": 620201390233 + number} for number in range(offers)
    ]
    return _encode(response)


def build_product_detail(skus: int) -> bytes:
    """Return an offer with that many SKUs, each with its prices and shipping data."""
    response = _sample("query_product_detail.open_platform.ok.json")
    offer = response["result"]["result"]
    shipping = offer["productShippingInfo"]
    for parent, name in (
        (offer, "productSkuInfos"),
        (shipping, "skuShippingInfoList"),
        (shipping, "skuShippingDetails"),
        (offer["channelPrice"], "channelSkuPriceList"),
    ):
        sku = parent[name][0]
        parent[name] = [sku | {"skuId": type(sku["skuId"])(5104790281451 + number)} for number in range(skus)]
    return _encode(response)


def build_upload_response() -> bytes:
    """Return the response to an image upload."""
    return _encode(_sample("image_upload.open_platform.ok.json"))


def build_category_response() -> bytes:
    """Return the response to a read of a category."""
    return _encode(_sample("category_get.open_platform.ok.json"))


def build_relations_response() -> bytes:
    """Return the response to written order relations."""
    return _encode(_sample("order_relation_write.open_platform.ok.json"))


def load_sample_page() -> Json:
    """Return the documented page, unchanged."""
    return _sample("keyword_query.open_platform.ok.json")


def _offer(sample: Json, number: int) -> Json:
    offer = copy.deepcopy(sample)
    offer_id = sample["offerId"] + 7919 * number
    offer["offerId"] = offer_id
    offer["subject"] = f"{sample['subject']} {number}"
    offer["subjectTrans"] = f"{sample['subjectTrans']} {number}"
    offer["priceInfo"]["price"] = f"{10 + number}.{number:02}"
    offer["monthSold"] = sample["monthSold"] + number
    offer["traceInfo"] = sample["traceInfo"].replace(str(sample["offerId"]), str(offer_id))
    offer["promotionURL"] = sample["promotionURL"].replace(str(sample["offerId"]), str(offer_id))
    return offer


def _sample(name: str) -> Json:
    sample: Json = json.loads((SAMPLES / name).read_text())
    return sample


def _encode(response: Json) -> bytes:
    return json.dumps(response, ensure_ascii=False, separators=(",", ":")).encode()
