import copy
from typing import Any

import pytest

SUB_ORDER = {
    "orderId": 4590347523948375,
    "createTime": "2026-09-03 09:10:10",
    "payTime": "2026-09-03 09:12:00",
    "endTime": None,
    "payStatus": "payed",
    "refundStatus": "0",
    "outUserId": "1212113",
    "offerId": 620201390233,
    "skuId": 5104790281451,
    "buyAmount": 2,
    "paidFee": 300,
    "refundFee": 0,
    "contry": "japan",
    "Order Type": "0",
}
OPEN_SUB_ORDER: dict[str, Any] = {
    "orderId": "4590347523948375",
    "productId": "620201390233",
    "productName": "夏季新款碎花连衣裙女",
    "skuId": "5104790281451",
    "skuName": "绿色;均码",
    "buyAmount": 2,
    "paidFee": 300,
    "refundStatus": "0",
}
LOGISTICS_STATUS = {
    "logisticsId": "20260903001",
    "logisticsStatus": "sign",
    "modifiedTime": "2026-09-09 10:12:12",
}
# (operation, wrapper) -> a valid argument, in each dialect
NATIONAL: dict[tuple[str, str], Any] = {
    ("trade.cross.orderSync", "orderParam"): SUB_ORDER
    | {"orderId": 4590347523948370, "subOrderList": [SUB_ORDER]},
    ("order.relation.write", "nationalOrderRelationParamList"): [
        {
            "nationalSubOrderId": 4590347523948375,
            "cbuSubOrderId": 3209572465452734,
            "nationalOrderId": 4590347523948370,
            "cbuOrderId": 3209572465452730,
        }
    ],
    ("trade.cross.orderStatusSync", "orderStatusSyncParam"): {
        "orderId": 4590347523948370,
        "payStatus": "success",
        "endTime": "2026-09-20 18:00:00",
        "refundStatus": 0,
        "subOrderStatusSyncParamList": [
            {"orderId": 4590347523948375, "payStatus": "success", "refundStatus": 0}
        ],
    },
    ("trade.cross.logisticsOrderSync", "logisticsOrderParam"): {
        "logisticsOrderId": 4590347523948370,
        "logisticsId": "LG20260903001",
        "createTime": "2026-09-03 10:12:12",
        "logisticsStatus": "send",
        "endTime": "2026-09-09 10:12:12",
        "attrs": "[]",
        "contry": "japan",
    },
}
OPEN: dict[tuple[str, str], Any] = {
    ("trade.cross.orderSync", "orderParam"): {
        "orderId": "4590347523948370",
        "createTime": "2026-09-03 09:10:10",
        "payTime": "2026-09-03 09:12:00",
        "outMemberId": "1212113",
        "paidFee": 300,
        "refundStatus": "0",
        "status": "payed",
        "subOrderParamList": [OPEN_SUB_ORDER],
    },
    ("order.relation.write", "orderRelationParam"): {
        "orderId": "4590347523948375",
        "parentOrderId": "4590347523948370",
        "purchaseOrderId": 3209572465452734,
        "purchaseParentOrderId": 3209572465452730,
    },
    ("trade.cross.logisticsOrderSync", "orderLogisticsParam"): {
        "orderId": "4590347523948370",
        "logisticsId": "LG20260903001",
        "logisticsStatus": "sign",
        "createTime": "2026-09-03 10:12:12",
        "signTime": "2026-09-09 10:12:12",
        "province": "江西省",
        "city": "南昌市",
        "area": "白云区",
        "address": "江西省南昌市白云区xx号",
    },
}
SLUGS = {
    "trade.cross.orderSync": "order_sync",
    "order.relation.write": "order_relation_write",
    "trade.cross.orderStatusSync": "order_status_sync",
    "trade.cross.logisticsOrderSync": "logistics_order_sync",
}


async def send(client, name, wrapper, argument):
    return (await client.call(name, **{wrapper: argument})).json()


@pytest.mark.parametrize(("dialect", "arguments"), [("national_site", NATIONAL), ("open_platform", OPEN)])
async def test_documented_arguments_are_accepted(client, sample, dialect, arguments):
    for (name, wrapper), argument in arguments.items():
        response = await send(client, name, wrapper, argument)
        assert response == sample(f"{SLUGS[name]}.{dialect}.ok"), name
    assert {call["dialect"] for call in await client.calls()} == {dialect.replace("_", "-")}


async def test_logistics_status(client, sample):
    response = await client.call("trade.cross.logisticsStatusSync", **LOGISTICS_STATUS)
    assert response.json() == sample("logistics_status_sync.national_site.ok")
    assert await client.admin("synced/logistics/20260903001") == {
        "logistics": None,
        "dialect": None,
        "status": [LOGISTICS_STATUS],
    }


async def test_records_are_stored_as_received(client):
    for (name, wrapper), argument in (NATIONAL | OPEN).items():
        await send(client, name, wrapper, argument)
    synced = await client.admin("synced/orders/4590347523948370")
    assert synced == {
        "order": OPEN["trade.cross.orderSync", "orderParam"],
        "dialect": "open-platform",
        "status": [NATIONAL["trade.cross.orderStatusSync", "orderStatusSyncParam"]],
        "relations": [OPEN["order.relation.write", "orderRelationParam"]],
        "logistics": [OPEN["trade.cross.logisticsOrderSync", "orderLogisticsParam"]],
    }
    logistics_order = await client.admin("synced/logistics/LG20260903001")
    assert logistics_order["logistics"] == synced["logistics"][0]
    assert (await client.state())["synced"] == {"orders": 1, "logistics": 1}
    await client.http.post("/admin/reset")
    for path in ("orders/4590347523948370", "logistics/LG20260903001"):
        assert (await client.http.get(f"/admin/synced/{path}")).status_code == 404


async def test_national_site_order_is_stored_as_received(client):
    order = NATIONAL["trade.cross.orderSync", "orderParam"]
    await send(client, "trade.cross.orderSync", "orderParam", order)
    synced = await client.admin("synced/orders/4590347523948370")
    assert (synced["order"], synced["dialect"]) == (order, "national-site")


@pytest.mark.parametrize(
    ("key", "path", "value"),
    [
        (("trade.cross.orderSync", "orderParam"), ["orderId"], "4590347523948370"),
        (("trade.cross.orderSync", "orderParam"), ["orderId"], None),
        (("trade.cross.orderSync", "orderParam"), ["paidFee"], "300"),
        (("trade.cross.orderSync", "orderParam"), ["paidFee"], -1),
        (("trade.cross.orderSync", "orderParam"), ["refundStatus"], 0),
        (("trade.cross.orderSync", "orderParam"), ["payStatus"], "paid"),
        (("trade.cross.orderSync", "orderParam"), ["payTime"], "2026-09-03T09:12:00"),
        (("trade.cross.orderSync", "orderParam"), ["country"], "japan"),
        (("trade.cross.orderSync", "orderParam"), ["Order Type"], 0),
        (("trade.cross.orderSync", "orderParam"), ["subOrderList", 0, "skuId"], "5104790281451"),
        (("order.relation.write", "nationalOrderRelationParamList"), [0, "cbuOrderId"], "3209572465452730"),
        (("order.relation.write", "nationalOrderRelationParamList"), [0, "nationalOrderId"], None),
        (("trade.cross.orderStatusSync", "orderStatusSyncParam"), ["refundStatus"], "0"),
        (("trade.cross.orderStatusSync", "orderStatusSyncParam"), ["payStatus"], "2026-09-03 09:12:00"),
        (("trade.cross.logisticsOrderSync", "logisticsOrderParam"), ["logisticsId"], 20260903001),
        (("trade.cross.logisticsOrderSync", "logisticsOrderParam"), ["logisticsStatus"], "shipped"),
    ],
)
async def test_national_site_rejects_other_types(client, key, path, value):
    response = await send(client, *key, changed(NATIONAL[key], path, value))  # type: ignore[call-arg] # the keys are pairs
    assert (response["success"], response["code"], response["data"]) == (False, "E0001", None)
    (call,) = await client.calls()
    assert f"{path[-1]}: " in call["invalid_argument"]
    assert (await client.state())["synced"] == {"orders": 0, "logistics": 0}


@pytest.mark.parametrize(
    ("key", "path", "value"),
    [
        (("trade.cross.orderSync", "orderParam"), ["orderId"], 4590347523948370),
        (("trade.cross.orderSync", "orderParam"), ["paidFee"], "300"),
        (("trade.cross.orderSync", "orderParam"), ["subOrderParamList"], None),
        (("trade.cross.orderSync", "orderParam"), ["refundFee"], 0),
        (("trade.cross.orderSync", "orderParam"), ["subOrderParamList", 0, "skuId"], 5104790281451),
        (("trade.cross.orderSync", "orderParam"), ["subOrderParamList", 0, "skuName"], None),
        (("order.relation.write", "orderRelationParam"), ["orderId"], 4590347523948375),
        (("order.relation.write", "orderRelationParam"), ["purchaseOrderId"], "x"),
        (("trade.cross.logisticsOrderSync", "orderLogisticsParam"), ["signTime"], "soon"),
        (("trade.cross.logisticsOrderSync", "orderLogisticsParam"), ["attrs"], "[]"),
    ],
)
async def test_open_platform_rejects_other_types(client, key, path, value):
    response = await send(client, *key, changed(OPEN[key], path, value))  # type: ignore[call-arg] # the keys are pairs
    assert (response["result"]["success"], response["result"]["code"]) == (False, "400")
    assert (await client.state())["synced"] == {"orders": 0, "logistics": 0}


@pytest.mark.parametrize(
    ("key", "member"),
    [
        (("trade.cross.orderSync", "orderParam"), "payTime"),
        (("order.relation.write", "orderRelationParam"), "parentOrderId"),
        (("trade.cross.logisticsOrderSync", "orderLogisticsParam"), "province"),
    ],
)
async def test_open_platform_requires_members(client, key, member):
    response = await send(client, *key, changed(OPEN[key], [member], None))  # type: ignore[call-arg] # the keys are pairs
    assert response["error_message"] == f"Required argument {member}"


async def test_accepted_variants(client):
    key = ("trade.cross.logisticsOrderSync", "orderLogisticsParam")
    unsigned = await send(client, *key, changed(OPEN[key], ["signTime"], None))
    assert unsigned["result"]["success"] is True
    key = ("order.relation.write", "orderRelationParam")
    as_text = await send(client, *key, changed(OPEN[key], ["purchaseOrderId"], "3209572465452734"))
    assert as_text["result"]["success"] is True
    key = ("trade.cross.orderSync", "orderParam")
    epoch = await send(client, *key, changed(OPEN[key], ["createTime"], 1788400000000))
    assert epoch["result"]["success"] is True
    product = {name: OPEN_SUB_ORDER[name] for name in ("productId", "productName", "skuId", "skuName")}
    flat = changed(OPEN[key], ["subOrderParamList"], None) | product
    assert (await send(client, *key, flat))["result"]["success"] is True
    key = ("trade.cross.orderSync", "orderParam")
    alias = NATIONAL[key] | {"orderType": "1"}
    assert (await send(client, *key, alias))["success"] is True


async def test_no_relation_of_an_invalid_list_is_stored(client):
    key = ("order.relation.write", "nationalOrderRelationParamList")
    valid = NATIONAL[key][0]
    for invalid in ([valid, valid | {"cbuOrderId": None}], [], {}, "[", [[]]):
        assert (await send(client, *key, invalid))["code"] == "E0001"
    assert (await client.state())["synced"]["orders"] == 0


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("trade.cross.orderStatusSync", {"orderParam": OPEN["trade.cross.orderSync", "orderParam"]}),
        ("trade.cross.logisticsStatusSync", {"orderLogisticsParam": {"logisticsId": "1"}}),
    ],
)
async def test_status_syncs_are_unknown_on_the_open_platform(client, name, argument):
    response = await client.call(name, **argument)
    assert (response.status_code, response.json()["error_code"]) == (400, "gw.APIUnsupported")


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("trade.cross.orderStatusSync", "orderStatusSyncParam"),
        ("trade.cross.logisticsStatusSync", "logisticsId"),
    ],
)
async def test_status_syncs_without_arguments_lack_an_argument(client, name, missing):
    """Such a call is of no dialect. An operator checks permissions with it."""
    response = await client.call(name)
    assert (response.status_code, response.json()["error_code"]) == (400, "gw.ParamMissing")
    assert missing in response.json()["error_message"]


@pytest.mark.parametrize(
    "change",
    [{"logisticsId": "LG1"}, {"logisticsStatus": "signed"}, {"modifiedTime": "soon"}, {"endTime": "x"}],
)
async def test_invalid_logistics_status(client, change):
    response = await client.call("trade.cross.logisticsStatusSync", **LOGISTICS_STATUS | change)
    assert response.json()["code"] == "E0001"


def changed(value, path, member):
    value = copy.deepcopy(value)
    target = value
    for transition in path[:-1]:
        target = target[transition]
    target[path[-1]] = member
    return value
