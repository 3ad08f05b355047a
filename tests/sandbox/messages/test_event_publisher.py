"""The messages about each event, compared with the samples."""

import pytest

from services.sandbox.messages.topics import Topic

ORDER_VIEW = "ORDER_BUYER_VIEW_"
REFUND = {
    "disputeRequest": "refund",
    "applyCarriage": 0,
    "applyReasonId": 20006,
    "description": "拍错了",
    "goodsStatus": "refundWaitSellerSend",
}
RETURN = REFUND | {
    "disputeRequest": "returnRefund",
    "applyReasonId": 20028,
    "goodsStatus": "aftersaleBuyerReceived",
}


def list_statuses(messages):
    """(topic, currentStatus) of each."""
    return [
        (message["type"].removeprefix(ORDER_VIEW), message["data"]["currentStatus"]) for message in messages
    ]


async def create_refund(client, order, entries, **refund):
    arguments = refund | {
        "orderId": order["order_id"],
        "orderEntryIds": [entry["entry_id"] for entry in entries],
        "applyPayment": sum(entry["sum_fen"] for entry in entries),
    }
    response = await client.trade("trade.createRefund", **arguments)
    return response["result"]["result"]["refundId"]


async def test_order_from_creation_to_success(client, receiver, sample, assert_like):
    await client.put("push", max_in_flight=1)
    order = await client.create_order()
    order_id = order["order_id"]
    await client.transition("orders", order_id, "modify_price", shipping_fee_fen=7)
    paid = await client.transition("orders", order_id, "pay")
    assert paid["paid_fen"] == paid["goods_fen"] + 7
    await client.transition("orders", order_id, "step_pay")
    await client.transition("orders", order_id, "ship", entries=[order["entries"][0]["entry_id"]])
    for transition in ("ship", "receive", "succeed"):
        await client.transition("orders", order_id, transition)
    messages = await receiver.messages(8)
    assert list_statuses(messages) == [
        ("BUYER_MAKE", "waitbuyerpay"),
        ("ORDER_PRICE_MODIFY", "waitbuyerpay"),
        ("ORDER_PAY", "waitsellersend"),
        ("ORDER_STEP_PAY", "waitsellersend"),
        ("PART_PART_SENDGOODS", "waitsellersend"),
        ("ANNOUNCE_SENDGOODS", "waitbuyerreceive"),
        ("ORDER_COMFIRM_RECEIVEGOODS", "confirm_goods_and_has_subsidy"),
        ("ORDER_SUCCESS", "success"),
    ]
    for message in messages:
        recorded = sample(message["type"], "messages")
        assert_like([message], recorded)
        assert list(message) == list(recorded)
        assert message["userInfo"] == message["data"]["buyerMemberId"] == recorded["userInfo"]
        assert message["data"]["orderId"] == order_id
        assert message["data"]["sellerMemberId"].startswith("b2b-")


@pytest.mark.parametrize(
    ("by", "topic"),
    [
        ({}, "ORDER_BUYER_CLOSE"),
        ({"by": "buyer"}, "ORDER_BUYER_CLOSE"),
        ({"by": "seller"}, "ORDER_SELLER_CLOSE"),
        ({"by": "back_office"}, "ORDER_BOPS_CLOSE"),
    ],
)
async def test_close_topics(client, receiver, by, topic):
    order = await client.create_order()
    assert (await client.transition("orders", order["order_id"], "close", **by))["status"] == "cancel"
    messages = await receiver.messages(2)
    assert (topic, "cancel") in list_statuses(messages)


async def test_refund_during_sale(client, receiver, sample, assert_like):
    await client.put("push", max_in_flight=1)
    order = await client.create_order("pay")
    refund_id = await create_refund(client, order, order["entries"], **REFUND)
    await client.transition("refunds", refund_id, "agree")
    messages = (await receiver.messages(5))[2:]
    assert list_statuses(messages) == [
        ("ORDER_BUYER_REFUND_IN_SALES", "waitselleragree"),
        ("ORDER_BUYER_REFUND_IN_SALES", "refundsuccess"),
        ("ORDER_SELLER_CLOSE", "cancel"),
    ]
    assert_like(messages[:2], sample(messages[0]["type"], "messages"))
    assert {message["data"]["refundId"] for message in messages[:2]} == {refund_id}
    acts = [(message["data"]["refundAction"], message["data"]["operator"]) for message in messages[:2]]
    assert acts == [("BUYER_APPLY_REFUND", "buyer"), ("SELLER_AGREE_REFUND", "seller")]


async def test_shipment_that_closes_a_refund(client, receiver):
    await client.put("push", max_in_flight=1)
    order = await client.create_order("pay")
    await create_refund(client, order, order["entries"][:1], **REFUND)
    await client.transition("orders", order["order_id"], "ship")
    closed = (await receiver.messages(5))[-1]["data"]
    assert (closed["refundAction"], closed["operator"]) == ("SELLER_SEND_GOODS_CLOSE", "seller")
    assert closed["currentStatus"] == "refundclose"


async def test_return_after_sale(client, receiver, sample, assert_like):
    await client.put("push", max_in_flight=1)
    order = await client.create_order("pay", "ship", "receive", "succeed")
    refund_id = await create_refund(client, order, order["entries"], **RETURN)
    await client.transition("refunds", refund_id, "agree")
    shipment = {"refundId": refund_id, "logisticsCompanyNo": "ZTO", "freightBill": "3110044550034338"}
    assert (await client.trade("trade.refund.returnGoods", **shipment))["result"]["success"] is True
    await client.transition("refunds", refund_id, "receive")
    messages = (await receiver.messages(9))[5:]
    assert_like(messages, sample(ORDER_VIEW + "ORDER_REFUND_AFTER_SALES", "messages"))
    acts = [
        (message["data"]["currentStatus"], message["data"]["refundAction"], message["data"]["operator"])
        for message in messages
    ]
    assert acts == [
        ("waitselleragree", "BUYER_APPLY_REFUND", "buyer"),
        ("waitbuyersend", "SELLER_AGREE_REFUND_PROCOTOL", "seller"),
        ("waitsellerreceive", "BUYER_SEND_GOODS", "buyer"),
        ("refundsuccess", "SELLER_RECEIVE_GOODS", "seller"),
    ]


async def test_batch_payment(client, receiver, sample, assert_like):
    await client.put("push", max_in_flight=1)
    payable, frozen, paid = (
        await client.create_order(),
        await client.create_order(),
        await client.create_order("pay"),
    )
    ids = [order["order_id"] for order in (payable, frozen, paid)]
    body = {"orders": ids, "failures": {str(ids[1]): "ACCOUNT_FROZEN"}}
    response = await client.http.post("/admin/payments", json=body)
    results = {str(ids[0]): "successed", str(ids[1]): "ACCOUNT_FROZEN", str(ids[2]): "PARAM_ILLEGAL"}
    assert response.json() == {"results": results}
    payment, batch = (await receiver.messages(6))[4:]
    assert (payment["type"], payment["data"]["orderId"]) == (ORDER_VIEW + "ORDER_PAY", ids[0])
    assert_like([batch], sample("ORDER_BATCH_PAY", "messages"))
    assert {row["orderId"]: row["status"] for row in batch["data"]["batchPay"]} == results
    assert (await client.admin(f"orders/{ids[1]}"))["status"] == "waitbuyerpay"


async def test_logistics_order(client, receiver, sample, assert_like):
    await client.put("push", max_in_flight=1)
    order = await client.create_order("pay", "ship")
    (logistics_id,) = (await client.admin(f"orders/{order['order_id']}"))["logistics_ids"]
    nodes = ["CONSIGN", "ACCEPT", "TRANSPORT", "DELIVERING", "AGENT_SIGN", "SIGN"]
    for node in nodes:
        moved = await client.transition("logistics", logistics_id, node)
    await client.put(f"logistics/{logistics_id}", mail_no="YT7700000000001")
    messages = await receiver.messages(10)
    traces, (change,) = messages[3:9], messages[9:]
    assert_like(traces, sample("LOGISTICS_BUYER_VIEW_TRACE", "messages"))
    assert_like([change], sample("LOGISTICS_MAIL_NO_CHANGE", "messages"))
    models = [trace["data"]["OrderLogisticsTracingModel"] for trace in traces]
    assert [model["statusChanged"] for model in models] == moved["statuses"] == nodes
    items = [{"orderId": order["order_id"], "orderEntryId": entry["entry_id"]} for entry in order["entries"]]
    assert models[0]["orderLogsItems"] == change["data"]["MailNoChangeModel"]["orderLogsItems"] == items
    assert change["data"]["MailNoChangeModel"]["oldMailNo"] == models[0]["mailNo"] == moved["mail_no"]
    assert (await client.admin(f"logistics/{logistics_id}"))["mail_no"] == "YT7700000000001"
    again = await client.http.post(f"/admin/logistics/{logistics_id}/SIGN")
    assert (again.status_code, again.json()["error"]) == (
        409,
        "SIGN: the logistics order already had this status",
    )
    assert (await client.http.post(f"/admin/logistics/{logistics_id}/LOST")).status_code == 404
    assert (await client.http.get("/admin/logistics/LP0")).status_code == 404


async def test_one_logistics_order_for_each_shipment(client):
    order = await client.create_order("pay")
    first, second = (entry["entry_id"] for entry in order["entries"])
    await client.transition("orders", order["order_id"], "ship", entries=[second])
    shipped = await client.transition("orders", order["order_id"], "ship")
    logistics_orders = [
        await client.admin(f"logistics/{logistics_id}") for logistics_id in shipped["logistics_ids"]
    ]
    assert [shipment["entry_ids"] for shipment in logistics_orders] == [[second], [first]]


async def test_no_message_about_another_buyers_order(client):
    await client.create_order("pay", owned_by_buyer=False)
    assert (await client.state())["messages"] == 0


@pytest.mark.parametrize("topic", Topic)
async def test_created_message_of_every_topic(client, receiver, sample, assert_like, topic):
    (message_id,) = await client.create_messages(topic)
    (message,) = await receiver.messages(1)
    assert_like([message], sample(topic, "messages"))
    assert message["msgId"] == message_id
    if topic in ("ORDER_BATCH_PAY", "LOGISTICS_BUYER_VIEW_TRACE", "LOGISTICS_MAIL_NO_CHANGE"):
        return
    assert message["data"]["currentStatus"] == sample(topic, "messages")["data"]["currentStatus"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"data": {"logisticsId": "LP1", "changeTime": " "}},
            {"data": {"logisticsId": "LP1", "changeTime": " "}},
        ),
        (
            {"data": {"orderId": "7", "备注": "请"}, "data_as_text": True},
            {"data": '{"orderId":"7","备注":"请"}'},
        ),
        ({"data": "no JSON"}, {"data": "no JSON"}),
        (
            {"data": [], "user_info": "b2b-1", "event_time_ms": 7},
            {"data": [], "userInfo": "b2b-1", "gmtBorn": 7},
        ),
        ({"data": {}, "extra_members": {"bizKey": "7"}}, {"data": {}, "bizKey": "7"}),
    ],
)
async def test_created_messages_with_options(client, receiver, body, expected):
    await client.create_messages("SYSTEM_TEST_PLATFORM", **body)
    (message,) = await receiver.messages(1)
    assert message["type"] == "SYSTEM_TEST_PLATFORM"
    assert {name: message[name] for name in expected} == expected
    assert receiver.pushes[0]["valid"]


async def test_ids_are_unique_after_a_reset(client):
    (first,) = await client.create_messages("T")
    await client.http.post("/admin/reset")
    (second,) = await client.create_messages("T", id_as_text=True)
    assert first < int(second) < 2**53
    assert isinstance(second, str)


async def test_created_messages_spread_over_orders(client, receiver):
    await client.put("push", paused=True)
    ids = await client.create_messages(
        ORDER_VIEW + "ORDER_PAY", times=30, order_count=10, data={"currentStatus": "x"}
    )
    assert len(set(ids)) == 30
    await client.put("push", paused=False, max_in_flight=1)
    messages = await receiver.messages(30)
    assert [message["msgId"] for message in messages] == ids
    by_order = {}
    for message in messages:
        assert message["data"]["currentStatus"] == "x"
        by_order.setdefault(message["data"]["orderId"], []).append(message["data"]["msgSendTime"])
    assert len(by_order) == 10
    for times in by_order.values():
        assert len(set(times)) == 3
        assert times == sorted(times)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"topic": ""},
        {"topic": "T", "times": 0},
        {"topic": "T", "order_count": 2, "data": []},
        {"topic": "T", "id": 1},
    ],
)
async def test_invalid_bodies(client, body):
    assert (await client.http.post("/admin/messages", json=body)).status_code == 400
    assert (await client.state())["messages"] == 0
