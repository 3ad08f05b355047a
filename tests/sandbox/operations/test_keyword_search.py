from decimal import Decimal

import pytest

SEARCH = "product.search.keywordQuery"


def subjects(result):
    return [offer["subject"] for offer in result["data"]]


@pytest.mark.parametrize(
    ("keyword", "word"),
    [
        ("饼干", "饼干"),
        ("cookies", "饼干"),
        ("Cookie", "饼干"),
        ("クッキー", "饼干"),
        ("bánh quy", "饼干"),
        ("抹茶饼干", "抹茶饼干"),
        ("matcha cookies", "抹茶饼干"),
        ("dresses for summer", "夏季新款"),
        ("phone case", "手机壳"),
    ],
)
async def test_words_in_four_languages(client, keyword, word):
    result = await client.keyword(keyword)
    assert result["data"]
    assert all(word in subject for subject in subjects(result))


async def test_best_partial_match_when_nothing_has_every_word(client):
    result = await client.keyword("抹茶饼干 spaceship")
    assert all("抹茶饼干" in subject for subject in subjects(result))


async def test_no_results(client, sample):
    param = {"keyword": "zzz", "beginPage": 1, "pageSize": 20, "country": "en"}
    response = await client.call(SEARCH, offerQueryParam=param)
    assert response.json() == sample("keyword_query.open_platform.empty")


async def test_members_on_the_open_platform(client, sample, assert_like):
    result = await client.keyword("批发", pageSize=50)
    recorded = sample("keyword_query.open_platform.ok")
    responses = [
        {"result": {"success": True, "code": "200", "message": "成功", "result": result | {"data": [offer]}}}
        for offer in result["data"]
    ]
    assert_like(responses, recorded)


async def test_members_in_the_national_site_dialect(client, sample, assert_like):
    response = await client.call(SEARCH, keyword="批发", pageSize="50")
    assert_like([response.json()], sample("keyword_query.national_site.ok"))


async def test_invalid_argument(client, sample, assert_like):
    national = await client.call(SEARCH, keyword="饼干", pageSize="51")
    assert_like([national.json()], sample("keyword_query.national_site.fail"))
    param = {"keyword": "饼干", "beginPage": "x", "pageSize": 20, "country": "en"}
    live = await client.call(SEARCH, offerQueryParam=param)
    assert live.json() == sample("keyword_query.open_platform.fail")


@pytest.mark.parametrize(
    "argument",
    [{"priceStart": "cheap"}, {"sort": "asc"}, {"beginPage": 0}, {"saleFilterList": [{"saleType": "x"}]}],
)
async def test_invalid_arguments(client, argument):
    param = {"keyword": "饼干", "beginPage": 1, "pageSize": 20, "country": "en"} | argument
    response = await client.call(SEARCH, offerQueryParam=param)
    assert response.json()["result"]["success"] is False


@pytest.mark.parametrize(
    ("language", "script"), [("en", "a"), ("ja", "ー"), ("vi", "bánh"), ("kr", None), ("japan", None)]
)
async def test_translation_by_language_code(client, language, script):
    result = await client.keyword("饼干 网红", country=language, pageSize=50)
    translated = [offer["subjectTrans"] for offer in result["data"]]
    if script is None:
        assert translated == subjects(result)
    else:
        assert any(script in title.lower() for title in translated)
        assert not set(translated) & set(subjects(result))


async def test_pages_do_not_overlap(client):
    pages = [await client.keyword("连衣裙", beginPage=page) for page in (1, 2, 3, 4)]
    ids = [offer["offerId"] for page in pages for offer in page["data"]]
    assert len(ids) == len(set(ids)) == pages[0]["totalRecords"]
    assert (pages[0]["totalPage"], pages[3]["currentPage"], pages[3]["data"]) == (3, 4, [])


async def test_maximum_of_2000_results(client):
    all_of_them = await client.call(SEARCH, pageSize="50", beginPage="41")
    data = all_of_them.json()["data"]
    assert (data["totalRecords"], data["totalPage"], data["searchOfferModelList"]) == (2000, 40, [])


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(("field", "member"), [("price", "price"), ("monthSold", "monthSold")])
async def test_sort_on_the_open_platform(client, field, member, order):
    result = await client.keyword("饼干", sort=f'{{"{field}":"{order}"}}')
    values = [
        Decimal(offer["priceInfo"]["price"]) if member == "price" else offer[member]
        for offer in result["data"]
    ]
    assert values == sorted(values, reverse=order == "desc")
    assert len(set(values)) > 1


async def test_sort_applies_within_a_page(client):
    plain = await client.keyword("饼干")
    by_price = await client.keyword("饼干", sort='{"price":"asc"}')
    assert set(subjects(plain)) == set(subjects(by_price))


async def test_sort_fields_differ_between_dialects(client):
    async def prices(field):
        response = await client.call(SEARCH, keyword="饼干", sort={field: "asc"})
        return [
            Decimal(offer["priceInfo"]["price"]) for offer in response.json()["data"]["searchOfferModelList"]
        ]

    assert await prices("onePPrice") == sorted(await prices("onePPrice"))
    assert await prices("price") != sorted(await prices("price"))


async def test_price_bounds(client):
    result = await client.keyword("饼干", priceStart="5", priceEnd="12.50", pageSize=50)
    prices = [Decimal(offer["priceInfo"]["price"]) for offer in result["data"]]
    assert prices
    assert all(Decimal(5) <= price <= Decimal("12.50") for price in prices)


@pytest.mark.parametrize(
    ("key", "matches"),
    [
        ("certifiedFactory", lambda offer: "super_factory" in offer["sellerIdentities"]),
        ("isOnePsale", lambda offer: offer["isOnePsale"]),
        ("jxhy", lambda offer: offer["isJxhy"]),
        ("isSelect", lambda offer: offer["isSelect"]),
        (
            "shipIn24Hours,isOnePsale",
            lambda offer: (
                offer["isOnePsale"]
                and offer["productSimpleShippingInfo"]["shippingTimeGuarantee"] == "shipIn24Hours"
            ),
        ),
        ("totalEpScoreLv4", lambda offer: float(offer["sellerDataInfo"]["compositeServiceScore"]) < 4),
    ],
)
async def test_filters(client, key, matches):
    everything = await client.keyword("批发")
    filtered = await client.keyword("批发", filter=key, pageSize=50)
    assert 0 < filtered["totalRecords"] < everything["totalRecords"]
    assert all(matches(offer) for offer in filtered["data"])


async def test_unknown_filter_is_ignored(client):
    assert (await client.keyword("饼干", filter="new7"))["totalRecords"] == 50


@pytest.mark.parametrize(
    ("argument", "categories"),
    [
        ({"categoryId": 1032914}, {1032914}),
        ({"categoryId": 2}, {1032914, 1032915, 1032916, 1032918, 1032919, 1032920}),
        ({"categoryIdList": "1032914,1032915"}, {1032914, 1032915}),
    ],
)
async def test_categories(client, argument, categories):
    result = await client.keyword("零食", pageSize=50, **argument)
    found_categories = {offer["thirdCategoryId"] for offer in result["data"]} - {None}
    assert found_categories
    assert found_categories <= categories


async def test_sales_bounds_intersect(client):
    bounds = [
        {"saleType": "sales7", "saleStart": "100", "saleEnd": "900"},
        {"saleType": "sales30", "saleStart": "1500"},
    ]
    result = await client.keyword("批发", pageSize=50, saleFilterList=bounds)
    assert result["data"]
    assert all(100 <= int(offer["sales7d"]) <= 900 and offer["monthSold"] >= 1500 for offer in result["data"])
