async def category(client, category_id):
    response = await client.call(
        "alibaba.category.get", namespace="com.alibaba.product", token=None, categoryID=str(category_id)
    )
    return response.json()


async def test_three_levels(client, sample, assert_like):
    root = await category(client, 0)
    assert_like([root], sample("category_get.open_platform.root"))
    (top,) = root["categoryInfo"]
    assert len(top["childCategorys"]) == 8
    leaves = []
    for top_category in top["childCategorys"]:
        (first,) = (await category(client, top_category["id"]))["categoryInfo"]
        assert first["level"] == 1
        for second_category in first["childCategorys"]:
            (second,) = (await category(client, second_category["id"]))["categoryInfo"]
            assert second["parentIDs"] == [top_category["id"]]
            leaves += [child for child in second["childCategorys"] if child["isLeaf"]]
    assert len(leaves) == 48
    assert_like([await category(client, leaves[0]["id"])], sample("category_get.open_platform.ok"))


async def test_unknown_category(client, sample):
    assert await category(client, 99) == sample("category_get.open_platform.empty")


async def test_invalid_argument(client, sample):
    assert await category(client, "x") == sample("category_get.open_platform.fail")


async def test_missing_argument(client):
    response = await client.call("alibaba.category.get", namespace="com.alibaba.product", token=None)
    assert response.json()["error_message"] == "Required argument categoryID"


async def test_filter_config(client, sample):
    response = await client.call("product.filterData.queryConfig", outMemberId="123", country="japan")
    assert response.json() == sample("filter_query_config.national_site.ok")
