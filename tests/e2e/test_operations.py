"""Every operation of product and account, through gRPC to the sandbox, in both dialects."""

import urllib.request
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import grpc
import pytest
from PIL import Image

from tests.e2e.conftest import DIALECTS, RpcClient
from tests.e2e.sample_requests import BUYER
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

EACH_DIALECT = pytest.mark.parametrize("dialect", DIALECTS)


@EACH_DIALECT
def test_a_keyword_search_finds_offers(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    for keyword in ("dress", "连衣裙"):
        page = client.call("SearchByKeyword", dialect, {"keyword": keyword, "country": "japan"})
        assert page["page"] == 1
        assert page["total_size"] >= len(page["offers"]) == 20
        assert all(offer["price_info"]["price"]["currency_code"] == "CNY" for offer in page["offers"])


@EACH_DIALECT
def test_a_search_can_be_filtered_sorted_and_paged(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    request = {
        "keyword": "dress",
        "price_start": {"units": "20"},
        "price_end": {"units": "80", "nanos": 500000000},
        "filters": ["shipIn48Hours"],
        "sort": {"field": "onePPrice", "order": "SORT_ORDER_DESC"},
        "page_size": 5,
        "country": "vietnam",
    }
    first = client.call("SearchByKeyword", dialect, request)
    second = client.call("SearchByKeyword", dialect, request | {"page": 2})
    prices = [_to_yuan(offer["price_info"]["price"]) for offer in first["offers"]]
    assert prices == sorted(prices, reverse=True)
    assert all(20 <= price <= 80.5 for price in prices)
    assert not {offer["offer_id"] for offer in first["offers"]} & {
        offer["offer_id"] for offer in second["offers"]
    }


@EACH_DIALECT
def test_tokens_lead_to_the_last_page(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    request = {"keyword": "dress", "page_size": 40, "country": "japan"}
    pages = list(_follow_tokens(client, dialect, "SearchByKeyword", request))
    ids = [offer["offer_id"] for page in pages for offer in page["offers"]]
    assert len(ids) == len(set(ids)) == pages[0]["total_size"] > 100
    assert [page["page"] for page in pages] == [1, 2, 3, 4]


@EACH_DIALECT
def test_a_search_ends_at_the_2000th_offer(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    """A token also continues a search that began with a numbered page."""
    upload = client.request("UploadImage", {})
    upload.image = _jpeg()
    image_id = client.method("UploadImage", dialect)(upload).image_id
    request = {"image_id": image_id, "page_size": 30}
    page = client.call("SearchByImage", dialect, request | {"page": 66})
    last = client.call("SearchByImage", dialect, request | {"page_token": page["next_page_token"]})
    assert (page["page"], len(page["offers"]), last["page"], len(last["offers"])) == (66, 30, 67, 20)
    assert "next_page_token" not in last
    assert "offers" not in client.call("SearchByImage", dialect, request | {"page": 68})


@EACH_DIALECT
def test_the_token_of_an_image_search_stands_for_the_image(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    request = client.request("SearchByImage", {"page_size": 5})
    request.image = _jpeg()
    search = client.method("SearchByImage", dialect)
    first = search(request)
    next_page = {"page_size": 5, "page_token": first.next_page_token}
    without_image = search(client.request("SearchByImage", next_page))
    request.page_token = first.next_page_token
    assert search(request) == without_image
    assert without_image.image_id == first.image_id
    numbered = {"page_size": 5, "page": 2, "image_id": first.image_id}
    assert search(client.request("SearchByImage", numbered)).offers == without_image.offers
    assert ["image.upload" in call["path"] for call in sandbox.calls()] == [True, False, False, False, False]


@EACH_DIALECT
def test_a_token_continues_only_its_own_search(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    request = {"keyword": "dress", "page_size": 5}
    token = client.call("SearchByKeyword", dialect, request)["next_page_token"]
    other_dialect = DIALECTS[1 - DIALECTS.index(dialect)]
    sent = len(sandbox.calls())
    for rpc, used_dialect, fields, path in (
        ("SearchByKeyword", dialect, request | {"page_token": token, "keyword": "shoe"}, "page_token"),
        ("SearchByKeyword", dialect, request | {"page_token": token, "page_size": 6}, "page_token"),
        ("SearchByKeyword", dialect, request | {"page_token": token[:-1]}, "page_token"),
        ("SearchByKeyword", dialect, request | {"page_token": "x" * 513}, "page_token"),
        ("SearchByKeyword", other_dialect, request | {"page_token": token}, "page_token"),
        ("SearchByImage", dialect, {"page_size": 5, "image_id": "5", "page_token": token}, "page_token"),
        ("SearchByKeyword", dialect, request | {"page_token": token, "page": 2}, ""),
    ):
        with pytest.raises(grpc.RpcError) as failure:
            client.call(rpc, used_dialect, fields)
        details = parse_status_details(failure.value)
        assert details["ErrorInfo"].reason == "ERROR_REASON_INVALID_REQUEST"
        (violation,) = details["BadRequest"].field_violations
        assert violation.field == path
    assert len(sandbox.calls()) == sent


@EACH_DIALECT
@pytest.mark.parametrize(("page_size", "found"), [(0, 20), (50, 50), (51, 50), (2**31 - 1, 50)])
def test_page_sizes(
    dialect: str, page_size: int, found: int, client: RpcClient, sandbox: SandboxClient
) -> None:
    page = client.call("SearchByKeyword", dialect, {"keyword": "dress", "page_size": page_size})
    assert len(page["offers"]) == found


@EACH_DIALECT
@pytest.mark.parametrize("source", ["image", "image_id", "image_address"])
def test_an_image_finds_its_own_product(
    dialect: str, source: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    offer = client.call("SearchByKeyword", dialect, {"keyword": "dress", "page_size": 1})["offers"][0]
    image = urllib.request.urlopen(offer["image_url"]).read()
    request = client.request("SearchByImage", {"page_size": 3})
    if source == "image":
        request.image = _resave_at_half_size(image)
    elif source == "image_id":
        upload = client.request("UploadImage", {})
        upload.image = _resave_at_half_size(image)
        request.image_id = client.method("UploadImage", dialect)(upload).image_id
    else:
        request.image_address = offer["image_url"]
    page = client.method("SearchByImage", dialect)(request)
    assert str(page.offers[0].offer_id) == offer["offer_id"]
    assert len(page.offers) == 3
    if source == "image_address":
        assert not page.HasField("image_id")
    else:
        next_request = client.request("SearchByImage", {"image_id": page.image_id, "page_size": 3})
        assert (
            client.method("SearchByImage", dialect)(next_request).offers[0].offer_id
            == page.offers[0].offer_id
        )


@EACH_DIALECT
def test_a_large_image_is_shrunk(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    """A noisy photograph of almost 5 MiB arrives at 1688 as a JPEG within the size limit of the setting."""
    noise = Image.effect_noise((2600, 2000), 90).convert("RGB")
    out = BytesIO()
    noise.save(out, "JPEG", quality=92)
    assert 10**6 < len(out.getvalue()) <= 5 * 2**20
    request = client.request("UploadImage", {})
    request.image = out.getvalue()
    assert client.method("UploadImage", dialect)(request).image_id.isdigit()
    (call,) = sandbox.calls()
    assert sum(map(len, call["parameters"].values())) < 307_200 * 4 / 3 + 1000


@EACH_DIALECT
def test_product_details_agree_with_the_search(
    dialect: str, client: RpcClient, sandbox: SandboxClient
) -> None:
    offer = client.call("SearchByKeyword", dialect, {"keyword": "dress", "page_size": 1})["offers"][0]
    request = {"offer_id": offer["offer_id"], "country": "japan"}
    product = client.call("GetProductDetail", dialect, request)["product"]
    assert (product["offer_id"], product["subject"]) == (offer["offer_id"], offer["subject"])
    assert product["subject_trans"] != product["subject"]
    assert product["product_sku_infos"][0]["sku_attributes"][0]["value_trans"]
    assert product["product_sale_info"]["price_tiers"]


@EACH_DIALECT
def test_an_unknown_offer_is_not_found(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        client.call("GetProductDetail", dialect, {"offer_id": "1", "country": "japan"})
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND
    assert parse_status_details(failure.value)["ErrorInfo"].reason == "ERROR_REASON_OFFER_NOT_FOUND"


def test_foreign_prices_are_in_the_requested_currency(client: RpcClient, sandbox: SandboxClient) -> None:
    offer = client.call("SearchByKeyword", "open-platform", {"keyword": "dress", "page_size": 1})["offers"][0]
    request = {"offer_id": offer["offer_id"], "language": "en", "currency": "HKD"}
    skus = client.call("GetProductDetail", "open-platform", request)["product"]["product_sku_infos"]
    assert skus[0]["foreign_currency_price"]["currency_code"] == "HKD"


def test_an_empty_language_follows_the_country(client: RpcClient, sandbox: SandboxClient) -> None:
    for country, language in (("japan", "ja"), ("Vietnam", "vi"), ("malaysia", "en"), ("", "en")):
        client.call("SearchByKeyword", "open-platform", {"keyword": "dress", "country": country})
        assert f'"country":"{language}"' in sandbox.calls()[-1]["parameters"]["offerQueryParam"]


@EACH_DIALECT
def test_filters_are_listed_in_both_dialects(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    """The open platform has no such operation, so the service returns the documented list."""
    response = client.call("GetFilterConfig", dialect, {"country": "japan"})
    assert [group["config_type"] for group in response["filter_configs"]] == ["filter", "filter", "sort"]
    assert len(sandbox.calls()) == (dialect == "national-site")


@EACH_DIALECT
def test_the_category_tree_can_be_walked(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    category, depth = "0", 0
    while True:
        row = client.call("GetCategory", dialect, {"category_id": category})["category"]
        if row.get("is_leaf") or not row.get("child_categories"):
            break
        category, depth = row["child_categories"][0]["category_id"], depth + 1
    assert depth == 3
    assert all("access_token" not in call["parameters"] for call in sandbox.calls())


@EACH_DIALECT
def test_an_unknown_category_is_not_found(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        client.call("GetCategory", dialect, {"category_id": "99"})
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND
    info = parse_status_details(failure.value)["ErrorInfo"]
    assert (info.reason, info.metadata["categoryId"]) == ("ERROR_REASON_CATEGORY_NOT_FOUND", "99")


@EACH_DIALECT
def test_a_buyer_is_registered_once(dialect: str, client: RpcClient, sandbox: SandboxClient) -> None:
    assert client.call("RegisterUser", dialect, {"country_account": BUYER}) == {}
    with pytest.raises(grpc.RpcError) as failure:
        client.call("RegisterUser", dialect, {"country_account": BUYER})
    assert failure.value.code() in (grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.FAILED_PRECONDITION)
    assert parse_status_details(failure.value)["ErrorInfo"].metadata["source"] == "1688"


def _follow_tokens(
    client: RpcClient, dialect: str, rpc: str, request: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        page = client.call(rpc, dialect, request | {"page_token": token})
        yield page
        token = page.get("next_page_token", "")
        if not token:
            return


def _jpeg() -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 40), "red").save(out, "JPEG")
    return out.getvalue()


def _to_yuan(money: dict[str, Any]) -> float:
    return int(money.get("units", 0)) + money.get("nanos", 0) / 1e9


def _resave_at_half_size(content: bytes) -> bytes:
    """Return an image at half its size, as a JPEG of lower quality."""
    image = Image.open(BytesIO(content))
    out = BytesIO()
    image.resize((image.width // 2, image.height // 2)).save(out, "JPEG", quality=60)
    return out.getvalue()
