import pytest


async def _search(client, **query):
    response = await client.http.get("/admin/offers", params=query)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("keyword", ["dress", "连衣裙", "ワンピース", "váy"])
async def test_search_finds_what_the_operation_finds(client, keyword):
    result = await _search(client, keyword=keyword)
    operation = await client.keyword(keyword)
    assert result["total"] == operation["totalRecords"] > 0
    assert [offer["offer_id"] for offer in result["offers"]] == [
        offer["offerId"] for offer in operation["data"]
    ]
    # The page shows the search, so it is not in the log of calls.
    assert len(await client.calls()) == 1


async def test_offer_with_its_skus_and_image(client):
    (found, *_) = (await _search(client, keyword="dress", page_size=1))["offers"]
    offer = await client.admin(f"offers/{found['offer_id']}")
    assert {name: offer[name] for name in found} == found
    detail = await client.detail(found["offer_id"])
    assert offer["title"]["en"] == detail["subjectTrans"]
    assert [sku["sku_id"] for sku in offer["skus"]] == [sku["skuId"] for sku in detail["productSkuInfos"]]
    image = await client.http.get(offer["image"])
    assert image.headers["content-type"] == "image/jpeg"


async def test_pages(client):
    first, second = [await _search(client, keyword="dress", page=n, page_size=3) for n in (1, 2)]
    assert (first["page"], second["page"]) == (1, 2)
    ids = [offer["offer_id"] for page in (first, second) for offer in page["offers"]]
    assert len(set(ids)) == 6
    assert len((await _search(client, page_size=10_000))["offers"]) == 50
    assert (await _search(client, page=10**9))["offers"] == []


async def test_keyword_without_results(client):
    assert (await _search(client, keyword="<script>"))["offers"] == []


async def test_unknown_offer(client):
    assert (await client.http.get("/admin/offers/1")).status_code == 404
