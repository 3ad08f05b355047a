"""Every operation of product and account, answered by the sandbox through gRPC, in both dialects."""

import urllib.request
from io import BytesIO

import grpc
import pytest
from PIL import Image

from tests.e2e.conftest import DIALECTS

EVERY_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)
BUYER = {
    "country": "japan",
    "site": "sniff",
    "out_login_name": "hanako",
    "out_member_id": "m1",
    "email": "hanako@example.com",
    "mobile": "09012345678",
    "mobile_area": "JP",
    "ip": "192.0.2.10",
}


@EVERY_DIALECT
def test_words_find_offers(dialect: str, rpcs, sandbox) -> None:
    for keyword in ("dress", "连衣裙"):
        found = rpcs.call("SearchByKeyword", dialect, {"keyword": keyword, "country": "japan"})
        assert found["current_page"] == 1
        assert found["total_records"] >= len(found["offers"]) == 20
        assert all(offer["price_info"]["price"]["currency_code"] == "CNY" for offer in found["offers"])


@EVERY_DIALECT
def test_a_search_is_narrowed_sorted_and_paged(dialect: str, rpcs, sandbox) -> None:
    request = {
        "keyword": "dress",
        "price_start": {"units": "20"},
        "price_end": {"units": "80", "nanos": 500000000},
        "filters": ["shipIn48Hours"],
        "sort": {"field": "onePPrice", "order": "SORT_ORDER_DESC"},
        "page_size": 5,
        "country": "vietnam",
    }
    first = rpcs.call("SearchByKeyword", dialect, request)
    second = rpcs.call("SearchByKeyword", dialect, request | {"begin_page": 2})
    prices = [_amount(offer["price_info"]["price"]) for offer in first["offers"]]
    assert prices == sorted(prices, reverse=True)
    assert all(20 <= price <= 80.5 for price in prices)
    assert not {offer["offer_id"] for offer in first["offers"]} & {
        offer["offer_id"] for offer in second["offers"]
    }


@EVERY_DIALECT
@pytest.mark.parametrize("way", ["image", "image_id", "image_address"])
def test_a_picture_finds_its_own_product(dialect: str, way: str, rpcs, sandbox) -> None:
    offer = rpcs.call("SearchByKeyword", dialect, {"keyword": "dress", "page_size": 1})["offers"][0]
    picture = urllib.request.urlopen(offer["image_url"]).read()
    request = rpcs.request("SearchByImage", {"page_size": 3})
    if way == "image":
        request.image = _halved(picture)
    elif way == "image_id":
        upload = rpcs.request("UploadImage", {})
        upload.image = _halved(picture)
        request.image_id = rpcs.method("UploadImage", dialect)(upload).image_id
    else:
        request.image_address = offer["image_url"]
    found = rpcs.method("SearchByImage", dialect)(request)
    assert str(found.offers[0].offer_id) == offer["offer_id"]
    assert len(found.offers) == 3
    if way == "image_address":
        assert not found.HasField("image_id")
    else:
        again = rpcs.request("SearchByImage", {"image_id": found.image_id, "page_size": 3})
        assert rpcs.method("SearchByImage", dialect)(again).offers[0].offer_id == found.offers[0].offer_id


@EVERY_DIALECT
def test_a_large_picture_is_made_small_enough(dialect: str, rpcs, sandbox) -> None:
    """A noisy 5 MiB photograph arrives at 1688 as a JPEG within the setting's bytes."""
    noise = Image.effect_noise((2600, 2000), 90).convert("RGB")
    out = BytesIO()
    noise.save(out, "JPEG", quality=92)
    assert 10**6 < len(out.getvalue()) <= 5 * 2**20
    request = rpcs.request("UploadImage", {})
    request.image = out.getvalue()
    assert rpcs.method("UploadImage", dialect)(request).image_id.isdigit()
    (call,) = sandbox.calls()
    assert sum(map(len, call["parameters"].values())) < 307_200 * 4 / 3 + 1000


@EVERY_DIALECT
def test_a_detail_agrees_with_the_search(dialect: str, rpcs, sandbox) -> None:
    offer = rpcs.call("SearchByKeyword", dialect, {"keyword": "dress", "page_size": 1})["offers"][0]
    request = {"offer_id": offer["offer_id"], "country": "japan"}
    product = rpcs.call("GetProductDetail", dialect, request)["product"]
    assert (product["offer_id"], product["subject"]) == (offer["offer_id"], offer["subject"])
    assert product["subject_trans"] != product["subject"]
    assert product["product_sku_infos"][0]["sku_attributes"][0]["value_trans"]
    assert product["product_sale_info"]["price_ranges"]


@EVERY_DIALECT
def test_an_unknown_offer_is_not_found(dialect: str, rpcs, sandbox, details) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("GetProductDetail", dialect, {"offer_id": "1", "country": "japan"})
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND
    assert details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_OFFER_NOT_FOUND"


def test_foreign_prices_come_in_the_currency_asked_for(rpcs, sandbox) -> None:
    offer = rpcs.call("SearchByKeyword", "open-platform", {"keyword": "dress", "page_size": 1})["offers"][0]
    request = {"offer_id": offer["offer_id"], "language": "en", "currency": "HKD"}
    skus = rpcs.call("GetProductDetail", "open-platform", request)["product"]["product_sku_infos"]
    assert skus[0]["foreign_currency_price"]["currency_code"] == "HKD"


def test_an_empty_language_follows_the_country(rpcs, sandbox) -> None:
    for country, language in (("japan", "ja"), ("Vietnam", "vi"), ("malaysia", "en"), ("", "en")):
        rpcs.call("SearchByKeyword", "open-platform", {"keyword": "dress", "country": country})
        assert f'"country":"{language}"' in sandbox.calls()[-1]["parameters"]["offerQueryParam"]


@EVERY_DIALECT
def test_filters_are_listed_in_both_dialects(dialect: str, rpcs, sandbox) -> None:
    """The open platform has no such operation: nothing is sent, and the document's list answers."""
    found = rpcs.call("GetFilterConfig", dialect, {"country": "japan"})
    assert [group["config_type"] for group in found["filter_configs"]] == ["filter", "filter", "sort"]
    assert len(sandbox.calls()) == (dialect == "national-site")


@EVERY_DIALECT
def test_categories_are_walked_down(dialect: str, rpcs, sandbox) -> None:
    category, depth = "0", 0
    while True:
        (row,) = rpcs.call("GetCategory", dialect, {"category_id": category})["categories"]
        if row.get("is_leaf") or not row.get("child_categories"):
            break
        category, depth = row["child_categories"][0]["category_id"], depth + 1
    assert depth == 3
    assert all("access_token" not in call["parameters"] for call in sandbox.calls())


@EVERY_DIALECT
def test_a_buyer_is_registered_once(dialect: str, rpcs, sandbox, details) -> None:
    assert rpcs.call("RegisterUser", dialect, {"country_account": BUYER}) == {}
    with pytest.raises(grpc.RpcError) as failure:
        rpcs.call("RegisterUser", dialect, {"country_account": BUYER})
    assert failure.value.code() in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.FAILED_PRECONDITION)
    assert details(failure.value)["ErrorInfo"].metadata["source"] == "1688"


def _amount(money: dict) -> float:
    return int(money.get("units", 0)) + money.get("nanos", 0) / 1e9


def _halved(picture: bytes) -> bytes:
    """Return a picture as somebody else saved it: half the size, as a JPEG of lower quality."""
    image = Image.open(BytesIO(picture))
    out = BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(out, "JPEG", quality=60)
    return out.getvalue()
