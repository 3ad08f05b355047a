import re

DETAIL = "product.search.queryProductDetail"
STEP = 61_000_007
OFFERS = [620_201_390_233 + number * STEP for number in range(0, 2400, 40)]


async def test_members_on_the_open_platform(client, sample, assert_like):
    responses = []
    for offer_id in OFFERS:
        param = {"offerId": offer_id, "country": "en", "currency": "HKD"}
        responses.append((await client.call(DETAIL, offerDetailParam=param)).json())
    assert_like(responses, sample("query_product_detail.open_platform.ok"))


async def test_members_in_the_national_site_dialect(client, sample, assert_like):
    responses = [(await client.call(DETAIL, offerId=str(offer_id))).json() for offer_id in OFFERS]
    assert_like(responses, sample("query_product_detail.national_site.ok"))


async def test_unknown_offer(client, sample):
    live = await client.call(DETAIL, offerDetailParam={"offerId": 1, "country": "en"})
    assert live.json() == sample("query_product_detail.open_platform.fail")
    national = await client.call(DETAIL, offerId="1")
    expected = {"success": True, "code": "S0000", "message": "success", "data": None, "result": True}
    assert national.json() == expected


async def test_both_dialects_describe_the_same_offer(client):
    live = await client.detail(OFFERS[3])
    national = (await client.call(DETAIL, offerId=str(OFFERS[3]))).json()["data"]
    for member in ("offerId", "subject", "subjectTrans", "categoryId", "sellerOpenId"):
        assert live[member] == national[member]
    assert [sku["skuId"] for sku in live["productSkuInfos"]] == [
        sku["skuId"] for sku in national["productSkuInfos"]
    ]


async def test_language_by_country_name_or_code(client):
    async def national(country):
        return (await client.call(DETAIL, offerId=str(OFFERS[0]), country=country)).json()["data"]

    for country, language in (("japan", "ja"), ("vietnam", "vi"), ("malaysia", "en")):
        live = await client.detail(OFFERS[0], country=language)
        response = await national(country)
        assert response["subjectTrans"] == live["subjectTrans"] != live["subject"]
        assert response["productSkuInfos"][0]["skuAttribute"]["attributeNameTrans"] != "颜色"
    untranslated = await client.detail(OFFERS[0], country="kr")
    assert untranslated["subjectTrans"] == untranslated["subject"]


async def test_currency(client):
    with_it = await client.detail(OFFERS[0], currency="HKD")
    without = await client.detail(OFFERS[0])
    assert isinstance(with_it["productSkuInfos"][0]["foreignCurrencyPrice"], float)
    assert without["productSkuInfos"][0]["foreignCurrencyPrice"] is None


async def test_some_sku_ids_cannot_be_floats(client):
    offers = [await client.detail(620_201_390_233 + number * STEP) for number in range(36, 42)]
    ids = [sku["skuId"] for offer in offers for sku in offer["productSkuInfos"]]
    assert any(int(float(sku_id)) != sku_id for sku_id in ids)


async def test_every_image_of_a_detail_is_served(client):
    offer = await client.detail(OFFERS[5])
    images = [*offer["productImage"]["images"], offer["productImage"]["whiteImage"]]
    images += re.findall(r'src="([^"]+)"', offer["description"] + offer["descriptionTrans"])
    images += offer["productImageTrans"]["images"]
    images += [
        attribute["skuImageUrl"]
        for sku in offer["productSkuInfos"]
        for attribute in sku["skuAttributes"]
        if attribute["skuImageUrl"]
    ]
    for image in set(images):
        assert (await client.http.get(image)).status_code == 200
