import re

import pytest

CASHIER = "https://trade.1688.com/order/cashier.htm?orderId="
LINKS = ["alipay.url.get", "crossBorderPay.url.get", "creditPay.url.get"]


async def get_link(client, name, *orders):
    return await client.trade(name, orderIdList=[order["order_id"] for order in orders])


async def test_alipay_link(client, sample, assert_like):
    one, two = await client.create_order(), await client.create_order()
    single = await get_link(client, "alipay.url.get", one)
    assert single == {"payUrl": f"{CASHIER}{one['order_id']}", "success": True}
    both = await get_link(client, "alipay.url.get", one, two)
    assert both["payUrl"] == f"{CASHIER}{one['order_id']};{two['order_id']}"
    assert_like([both], sample("alipay_url_get.open_platform.ok"))


async def test_alipay_lists_orders_that_cannot_be_paid(client, sample, assert_like):
    payable = await client.create_order()
    others = [
        await client.create_order("pay"),
        await client.create_order("close"),
        await client.create_order(owned_by_buyer=False),
    ]
    response = await get_link(client, "alipay.url.get", others[0], payable, *others[1:], {"order_id": 7})
    assert response["payUrl"] == f"{CASHIER}{payable['order_id']}"
    assert response["payFailureOrderList"] == [*(order["order_id"] for order in others), 7]
    assert_like([response], sample("alipay_url_get.open_platform.partial"))


async def test_manual_trade_cannot_be_paid_with_others(client, sample):
    manual, other = await client.create_order(manual_trade=True), await client.create_order()
    assert (await get_link(client, "alipay.url.get", manual))["success"] is True
    both = await get_link(client, "alipay.url.get", manual, other)
    assert both == sample("alipay_url_get.open_platform.fail")


async def test_out_of_stock(client, sample, assert_like):
    gone, other = await client.create_order(out_of_stock=True), await client.create_order()
    response = await get_link(client, "alipay.url.get", gone, other)
    assert_like([response], sample("alipay_url_get.open_platform.fail"))
    assert response["success"] is False
    assert response["erroMsg"].startswith("操作库存失败:PRODUCT_TRADE_STAT_ERROR")
    assert response["erroMsg"].endswith(f"inventoryErrorIds:[{gone['order_id']}]")


@pytest.mark.parametrize(
    ("name", "flag", "slug", "success"),
    [
        ("crossBorderPay.url.get", "kuajingbao", "cross_border_pay_url_get", True),
        ("creditPay.url.get", "credit", "credit_pay_url_get", "true"),
    ],
)
async def test_links_to_the_other_channels(client, sample, assert_like, name, flag, slug, success):
    payable, not_payable = await client.create_order(), await client.create_order(**{flag: False})
    assert await get_link(client, name, payable) == {
        "payUrl": f"{CASHIER}{payable['order_id']}",
        "success": success,
    }
    part = await get_link(client, name, not_payable, payable)
    assert part["cantPayOrderList"] == [not_payable["order_id"]]
    assert_like([part], sample(f"{slug}.open_platform.ok"))
    assert await get_link(client, name, not_payable) == sample(f"{slug}.open_platform.fail")


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("ids", ["[]", "7", '["7"]', "[7.5]", "[true]", "[7", "{}"])
async def test_invalid_lists(client, name, ids):
    response = await client.trade(name, orderIdList=ids)
    assert str(response["success"]).lower() == "false"
    assert response["errorCode"] == ("500_1" if name == "alipay.url.get" else "400_1")


@pytest.mark.parametrize("name", LINKS)
async def test_length_of_a_list(client, name):
    order = await client.create_order()
    max_orders = 100 if name == "alipay.url.get" else 30
    ids = [order["order_id"], *range(1, max_orders)]
    assert "payUrl" in await client.trade(name, orderIdList=ids)
    assert "payUrl" not in await client.trade(name, orderIdList=[*ids, max_orders])


@pytest.mark.parametrize("name", LINKS)
async def test_no_list_at_all(client, name):
    assert (await client.trade(name))["error_message"] == "Required argument orderIdList"


async def test_nothing_to_pay(client):
    paid = await client.create_order("pay")
    response = await get_link(client, "alipay.url.get", paid)
    assert (response["success"], response["errorCode"]) == (False, "500_1")


async def test_pay_ways(client, sample, assert_like):
    order = await client.create_order()
    response = await client.trade("trade.payWay.query", orderId=str(order["order_id"]))
    assert_like([response], sample("pay_way_query.open_platform.ok"))
    ways = response["resultList"]
    assert ways["orderId"] == str(order["order_id"])
    assert ways["payFee"] == order["goods_fen"] + order["shipping_fee_fen"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", ways["timeout"])
    assert {way["code"]: way["name"] for way in ways["channels"]} == {
        1: "支付宝",
        3: "诚e赊",
        20: "跨境宝",
    }


async def test_pay_ways_without_other_channels(client):
    order = await client.create_order(kuajingbao=False, credit=False)
    response = await client.trade("trade.payWay.query", orderId=str(order["order_id"]))
    assert [way["code"] for way in response["resultList"]["channels"]] == [1]


async def test_pay_ways_of_another_buyers_order(client, sample):
    order = await client.create_order(owned_by_buyer=False)
    response = await client.trade("trade.payWay.query", orderId=str(order["order_id"]))
    assert response == sample("pay_way_query.open_platform.fail")


async def test_pay_ways_of_orders_that_cannot_be_paid(client):
    paid = await client.create_order("pay")
    for order_id in (str(paid["order_id"]), "7", "x"):
        response = await client.trade("trade.payWay.query", orderId=order_id)
        assert (response["success"], response["errorCode"]) == ("false", "500_1")
