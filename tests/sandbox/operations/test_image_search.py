import base64
import json
from io import BytesIO

import pytest
from PIL import Image

UPLOAD, SEARCH = "product.image.upload", "product.search.imageQuery"


def shrink(content, quality=60):
    """Return an image at half its size, compressed again."""
    with Image.open(BytesIO(content)) as image:
        file = BytesIO()
        image.resize((image.width // 2, image.height // 2)).save(file, "JPEG", quality=quality)
        return file.getvalue()


async def upload(client, content):
    param = {"imageBase64": base64.b64encode(content).decode()}
    response = await client.call(UPLOAD, uploadImageParam=param)
    return response.json()["result"]["result"]


async def search(client, **more):
    param = {"beginPage": 1, "pageSize": 20, "country": "en"} | more
    return (await client.call(SEARCH, offerQueryParam=param)).json()


async def fetch_image(client, offer_id, number=1):
    response = await client.http.get(f"/images/{offer_id}/{number}.jpg")
    assert response.headers["content-type"] == "image/jpeg"
    return response.content


@pytest.mark.parametrize("keyword", ["连衣裙", "耳机", "饼干", "猫窝", "戒指"])
@pytest.mark.parametrize("number", [1, 2])
async def test_same_offer_ranks_first(client, keyword, number):
    offer = (await client.keyword(keyword))["data"][7]
    content = shrink(await fetch_image(client, offer["offerId"], number))
    image_id = await upload(client, content)
    assert image_id == await upload(client, content)
    assert len(image_id) == 19
    result = (await search(client, imageId=image_id))["result"]
    assert result["success"] == "true"
    assert result["result"]["data"][0]["offerId"] == offer["offerId"]
    assert result["result"]["totalRecords"] == 2000


async def test_address_of_an_image_of_the_sandbox(client):
    offer = (await client.keyword("台灯"))["data"][3]
    result = await search(client, imageAddress=offer["imageUrl"])
    assert result["result"]["result"]["data"][0]["offerId"] == offer["offerId"]


@pytest.mark.parametrize(
    "where", [{"imageId": "1490507813791335080"}, {"imageAddress": "https://example.com/1.jpg"}]
)
async def test_unknown_image_has_no_results(client, where):
    assert await search(client, **where) == {"result": {"success": "true", "code": "200", "message": "成功"}}
    national = await client.call(SEARCH, **where)
    assert national.json()["data"] is None
    assert national.json()["success"] is True


async def test_missing_image_is_rejected(client):
    assert (await search(client))["result"] == {"success": "false", "code": "400", "message": "参数错误"}


async def test_search_within_a_region(client):
    offer = (await client.keyword("马克杯"))["data"][0]
    frame = Image.new("RGB", (960, 960), (10, 10, 10))
    with Image.open(BytesIO(await fetch_image(client, offer["offerId"]))) as image:
        frame.paste(image, (100, 300))
    file = BytesIO()
    frame.save(file, "PNG")
    image_id = await upload(client, file.getvalue())
    result = (await search(client, imageId=image_id, region="100,580,300,780"))["result"]["result"]
    assert result["data"][0]["offerId"] == offer["offerId"]
    assert result["picRegionInfo"]["currentRegion"] == "100,580,300,780"


async def test_filters_keywords_and_prices_narrow_an_image_search(client):
    image_id = await upload(client, await fetch_image(client, 620201390233))
    result = await search(client, imageId=image_id, keyword="饼干", priceEnd="10", filter="jxhy")
    offers = result["result"]["result"]["data"]
    assert offers
    assert all("饼干" in offer["subject"] and offer["isJxhy"] for offer in offers)
    assert all(float(offer["priceInfo"]["price"]) <= 10 for offer in offers)


async def test_members(client, sample, assert_like):
    image_id = await upload(client, await fetch_image(client, 620201390233))
    assert_like([await search(client, imageId=image_id, pageSize=50)], sample("image_query.open_platform.ok"))
    national = await client.call(SEARCH, imageId=image_id, pageSize="50", country="japan")
    assert_like([national.json()], sample("image_query.national_site.ok"))


async def test_upload_in_both_dialects(client, sample, assert_like):
    content = base64.b64encode(await fetch_image(client, 620201390233)).decode()
    national = await client.call(UPLOAD, imageBase64=content)
    assert_like([national.json()], sample("image_upload.national_site.ok"))
    live = await client.call(UPLOAD, uploadImageParam={"imageBase64": content})
    assert_like([live.json()], sample("image_upload.open_platform.ok"))
    assert live.json()["result"]["success"] == "true"


@pytest.mark.parametrize(
    "text",
    [
        "bm90IGEgcGljdHVyZQ==",
        "data:image/png;base64,iVBORw0KGgo=",
        "%%%",
        "图片",
        base64.b64encode(b"\xff\xd8\xff" + b"\x00" * 600_000).decode(),
    ],
)
async def test_invalid_images(client, sample, text):
    response = await client.call(UPLOAD, uploadImageParam=json.dumps({"imageBase64": text}))
    assert response.json() == sample("image_upload.open_platform.fail")


async def test_images_are_deterministic_and_differ_by_offer(client):
    first, second = (offer["offerId"] for offer in (await client.keyword("饼干"))["data"][:2])
    assert await fetch_image(client, first) == await fetch_image(client, first)
    assert await fetch_image(client, first) != await fetch_image(client, second)


@pytest.mark.parametrize("path", ["1/1.jpg", "620201390233/99.jpg"])
async def test_image_not_found(client, path):
    assert (await client.http.get(f"/images/{path}")).status_code == 404
