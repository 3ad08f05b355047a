import json


async def test_entry_of_a_call(client):
    param = {"offerId": 620201390233, "country": "en"}
    await client.call("product.search.queryProductDetail", offerDetailParam=param)
    (call,) = await client.calls()
    assert call["method"] == "POST"
    assert call["api"] == "com.alibaba.fenxiao.crossborder:product.search.queryProductDetail-1"
    assert call["dialect"] == "open-platform"
    assert json.loads(call["parameters"]["offerDetailParam"]) == param
    assert call["signature_valid"] is True
    assert call["string_to_sign"].startswith("param2/1/com.alibaba.fenxiao.crossborder/")
    assert call["outcome"] == {"status": 200, "kind": "responded", "code": None}
    assert call["fault"] is None


async def test_dialects_and_errors(client):
    await client.call("product.search.keywordQuery", keyword="饼干")
    await client.call("product.search.keywordQuery", keyword="饼干", pageSize="51")
    await client.call("product.search.keywordQuery", keyword="饼干", token="old")
    await client.fault("product.search.keywordQuery", status=503)
    await client.call("product.search.keywordQuery", keyword="饼干")
    calls = await client.calls(operation="product.search.keywordQuery")
    assert [call["dialect"] for call in calls] == ["national-site", "national-site", None, None]
    assert [call["outcome"] for call in calls] == [
        {"status": 200, "kind": "responded", "code": None},
        {"status": 200, "kind": "business_error", "code": "E0001"},
        {"status": 401, "kind": "gateway_error", "code": "401"},
        {"status": 503, "kind": "fault", "code": None},
    ]
    assert calls[3]["fault"] == {"status": 503}
    assert calls[0]["time"] <= calls[0]["executed_time"] <= calls[1]["time"]
    assert [call["executed_time"] for call in calls[1:]] == [None] * 3


async def test_secrets_are_masked(client):
    await client.refresh()
    (call,) = await client.calls(operation="getToken")
    assert call["parameters"]["client_secret"] == call["parameters"]["refresh_token"] == "***"
    assert "test-refresh-token" not in json.dumps(call)
    assert "test-app-secret" not in json.dumps(call)


async def test_latest_calls_and_clear(client):
    for _ in range(3):
        await client.current_time()
    await client.call("product.filterData.queryConfig")
    assert [call["sequence"] for call in await client.calls(limit=2)] == [3, 4]
    assert [call["sequence"] for call in await client.calls(after=1)] == [2, 3, 4]
    assert [call["sequence"] for call in await client.calls(after=1, operation="currentTime")] == [2, 3]
    assert await client.calls(after=4) == []
    assert len(await client.calls(operation="currentTime")) == 3
    await client.http.delete("/admin/calls")
    assert await client.calls() == []
    for name in ("limit", "after"):
        assert (await client.http.get("/admin/calls", params={name: "x"})).status_code == 400


async def test_one_call_and_short_texts(client):
    await client.call("product.search.keywordQuery", keyword="饼干" * 100)
    (short,) = await client.calls(max_characters=10)
    assert short["parameters"]["keyword"] == "饼干" * 5
    assert short["string_to_sign"] == "param2/1/c"
    full = await client.admin(f"calls/{short['sequence']}")
    assert full["parameters"]["keyword"] == "饼干" * 100
    assert (await client.http.get("/admin/calls/999")).status_code == 404


async def test_operations(client):
    operations = (await client.admin("operations"))["operations"]
    assert {"namespace": "com.alibaba.trade", "name": "alibaba.trade.cancel"} in operations
    for operation in operations:
        await client.fault(operation["name"], status=503)


async def test_counters(client):
    await client.current_time()
    await client.http.post("/openapi/param2/1/no/such/1000000")
    state = await client.state()
    assert state["operations"] == {
        "(unknown)": {"attempts": 1, "in_flight": 0},
        "currentTime": {"attempts": 1, "in_flight": 0},
    }
    assert (state["in_flight"], state["peak_in_flight"], state["calls"]) == (0, 1, 2)


async def test_unknown_admin_path(client):
    response = await client.http.get("/admin/nothing")
    assert (response.status_code, response.json()) == (404, {"error": "Not Found"})
