import pytest

from tests.sandbox.operations.buyer import line
from tests.sandbox.operations.purchase_reference import read_sample


async def logistics_ids(buyer, order_id):
    return (await buyer.client.admin(f"orders/{order_id}"))["logistics_ids"]


async def test_not_shipped(buyer):
    body = await buyer.logistics(await buyer.order("pay"))
    sample = read_sample("get_logistics_infos/not_shipped")
    assert (body["success"], body["errorCode"]) == (sample["success"], sample["errorCode"])


async def test_several_shipments(buyer):
    order_id = await buyer.order("pay", lines=[line(), line(1)])
    entries = (await buyer.client.admin(f"orders/{order_id}"))["entries"]
    await buyer.client.transition("orders", order_id, "ship", entries=[entries[1]["entry_id"]])
    await buyer.client.transition("orders", order_id, "ship")
    body = await buyer.logistics(order_id)
    assert body["success"] is True
    assert [shipment["orderEntryIds"] for shipment in body["result"]] == [
        str(entries[1]["entry_id"]),
        str(entries[0]["entry_id"]),
    ]
    for shipment in body["result"]:
        waybill = await buyer.client.admin(f"logistics/{shipment['logisticsId']}")
        assert (shipment["logisticsBillNo"], shipment["logisticsCompanyNo"]) == (
            waybill["mail_no"],
            waybill["cp_code"],
        )
        (goods,) = shipment["logisticsOrderGoods"]
        assert (goods["tradeOrderId"], str(goods["tradeOrderItemId"])) == (
            order_id,
            shipment["orderEntryIds"],
        )
        assert (goods["quantity"], shipment["sendGoods"][0]["quantity"]) == (10.0, "10")
    # The detail has the company's id as a number, and the logistics read as text.
    items = (await buyer.detail(order_id))["result"]["nativeLogistics"]["logisticsItems"]
    assert [item["logisticsCode"] for item in items] == [
        shipment["logisticsId"] for shipment in body["result"]
    ]
    assert str(items[0]["logisticsCompanyId"]) == body["result"][0]["logisticsCompanyId"]


async def test_shipment_without_a_carrier(buyer):
    order_id = await buyer.order("pay")
    await buyer.client.transition("orders", order_id, "ship", without_carrier=True)
    (shipment,) = (await buyer.logistics(order_id))["result"]
    (sample,) = read_sample("get_logistics_infos/no_logistics")["result"]
    for member in ("logisticsBillNo", "status", "logisticsCompanyName", "logisticsCompanyNo"):
        assert shipment[member] == sample[member]
    (item,) = (await buyer.detail(order_id))["result"]["nativeLogistics"]["logisticsItems"]
    assert (item["type"], item["logisticsBillNo"], item["noLogisticsCondition"]) == ("2", "不需要物流", "3")


async def test_other_list_of_goods(buyer):
    await buyer.client.put("variants", goods_list="logisticsOrderSendGood")
    (shipment,) = (await buyer.logistics(await buyer.order("pay", "ship")))["result"]
    assert len(shipment["logisticsOrderSendGood"]) == 1
    assert "logisticsOrderGoods" not in shipment


async def test_logistics_that_lags_behind_the_shipment(buyer):
    await buyer.client.put("variants", logistics_delay_ms=60_000)
    order_id = await buyer.order("pay", "ship")
    assert (await buyer.logistics(order_id))["errorCode"] == "500_2"
    await buyer.client.put("clock", offset_ms=61_000)
    assert (await buyer.logistics(order_id))["success"] is True


async def test_new_waybill(buyer):
    order_id = await buyer.order("pay", "ship")
    (logistics_id,) = await logistics_ids(buyer, order_id)
    await buyer.client.put(f"logistics/{logistics_id}", cp_code="YTO", mail_no="YT7700000000001")
    (shipment,) = (await buyer.logistics(order_id))["result"]
    assert (shipment["logisticsBillNo"], shipment["logisticsCompanyName"]) == ("YT7700000000001", "圆通速递")


@pytest.mark.parametrize(
    ("acts", "status"),
    [
        ((), "WAITACCEPT"),
        (("CONSIGN",), "WAITACCEPT"),
        (("ACCEPT",), "ACCEPT"),
        (("ACCEPT", "TRANSPORT"), "TRANSPORT"),
        (("DELIVERING",), "TRANSPORT"),
        (("DELIVERING", "FAILED"), "UNSIGN"),
        (("AGENT_SIGN", "SIGN"), "SIGN"),
    ],
)
async def test_words_of_the_read_differ_from_those_of_the_messages(buyer, acts, status):
    order_id = await buyer.order("pay", "ship")
    (logistics_id,) = await logistics_ids(buyer, order_id)
    for act in acts:
        await buyer.client.transition("logistics", logistics_id, act)
    (shipment,) = (await buyer.logistics(order_id))["result"]
    assert shipment["status"] == status


async def test_trace_follows_the_carrier(buyer):
    order_id = await buyer.order("pay", "ship")
    (logistics_id,) = await logistics_ids(buyer, order_id)
    for act in ("ACCEPT", "DELIVERING", "SIGN"):
        await buyer.client.transition("logistics", logistics_id, act)
    body = await buyer.traces(order_id, logisticsId=logistics_id)
    (trace,) = body["logisticsTrace"]
    assert body["success"] is True
    assert (trace["logisticsId"], trace["orderId"]) == (logistics_id, int(float(order_id)))
    # The oldest step is the first. A courier's phone is inside a text.
    assert [step["remark"] for step in trace["logisticsSteps"]][::2] == ["已揽收", "已签收"]
    assert "13000000004" in trace["logisticsSteps"][1]["remark"]


async def test_no_trace_yet(buyer):
    order_id = await buyer.order("pay", "ship")
    assert await buyer.traces(order_id) == read_sample("get_logistics_trace_info/no_trace")
    await buyer.client.put("variants", empty_trace="code")
    assert await buyer.traces(order_id) == read_sample("get_logistics_trace_info/not_found")


async def test_trace_of_an_unknown_logistics_order(buyer):
    order_id = await buyer.order("pay", "ship")
    assert (await buyer.traces(order_id, logisticsId="LP1"))["errorCode"] == "404"


async def test_trace_of_an_old_order(buyer):
    order_id = await buyer.order("pay", "ship")
    await buyer.client.put("clock", offset_ms=366 * 86_400_000)
    assert await buyer.traces(order_id) == read_sample("get_logistics_trace_info/history")


async def test_other_orders(buyer):
    other = await buyer.client.create_order("pay", "ship", owned_by_buyer=False)
    for order_id in (other["order_id"], 7):
        for body in (await buyer.logistics(order_id), await buyer.traces(order_id)):
            assert (body["success"], body["errorCode"]) == (False, "order.nopermission.buyer")


@pytest.mark.parametrize("read", ["logistics", "traces"])
async def test_web_site(buyer, read):
    body = await getattr(buyer, read)(await buyer.order("pay", "ship"), webSite="alibaba")
    assert body["errorCode"] == "500_1"
