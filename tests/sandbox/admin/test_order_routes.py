import asyncio

import pytest


async def test_order_with_default_entries(client):
    order = await client.create_order()
    assert order["status"] == "waitbuyerpay"
    assert order["paid_fen"] == 0
    assert order["goods_fen"] == sum(entry["sum_fen"] for entry in order["entries"])
    first, second = order["entries"]
    assert first["offer_id"] != second["offer_id"]
    assert order["refund_ids"] == []
    assert await client.admin(f"orders/{order['order_id']}") == order
    detail = await client.detail(first["offer_id"])
    assert detail["subject"] == first["product_name"]
    assert first["sku_id"] in {sku["skuId"] for sku in detail["productSkuInfos"]}


async def test_list_of_orders(client):
    orders = [await client.create_order(), await client.create_order()]
    assert await client.admin("orders") == {"orders": orders}
    assert await client.admin("orders?out_order_id=SITE-1") == {"orders": []}


async def test_order_without_a_body(client):
    response = await client.http.post("/admin/orders")
    assert response.status_code == 201
    paid = await client.http.post(f"/admin/orders/{response.json()['order_id']}/pay")
    assert paid.json()["status"] == "waitsellersend"


async def test_order_with_given_entries(client):
    chosen = (await client.create_order())["entries"][1]
    expected = {"offer_id": chosen["offer_id"], "sku_id": chosen["sku_id"], "quantity": 4}
    order = await client.create_order(entries=[expected], kuajingbao=False, owned_by_buyer=False)
    (entry,) = order["entries"]
    assert {name: entry[name] for name in expected} == expected
    assert entry["sum_fen"] * chosen["quantity"] == chosen["sum_fen"] * 4
    assert (order["kuajingbao"], order["credit"], order["owned_by_buyer"]) == (False, True, False)


async def test_ids_start_again_after_a_reset(client):
    first, second = await client.create_order(), await client.create_order()
    await client.http.post("/admin/reset")
    assert (await client.http.get(f"/admin/orders/{first['order_id']}")).status_code == 404
    again = [await client.create_order(), await client.create_order()]
    assert [order["order_id"] for order in again] == [first["order_id"], second["order_id"]]
    assert (await client.state())["orders"] == 2


async def test_order_from_creation_to_success(client):
    order = await client.create_order()
    order_id = order["order_id"]
    paid = await client.transition("orders", order_id, "pay")
    assert paid["paid_fen"] == paid["goods_fen"] + paid["shipping_fee_fen"]
    part = await client.transition("orders", order_id, "ship", entries=[order["entries"][0]["entry_id"]])
    assert part["status"] == "waitsellersend"
    assert [entry["shipped"] for entry in part["entries"]] == [True, False]
    for transition, status in (
        ("ship", "waitbuyerreceive"),
        ("receive", "confirm_goods_and_has_subsidy"),
        ("succeed", "success"),
    ):
        assert (await client.transition("orders", order_id, transition))["status"] == status
    events = [event["event"] for event in (await client.admin(f"orders/{order_id}"))["events"]]
    assert events == ["made", "paid", "part shipped", "shipped", "received", "succeeded"]


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("orders", {"entry": []}, 400, "entry: Extra inputs are not permitted"),
        ("orders", {"entries": [{"quantity": 0}]}, 400, "entries.0.quantity: "),
        ("orders", {"entries": [{"offer_id": 1}]}, 400, "offer_id 1: no such offer"),
        ("orders", {"owned_by_buyer": "yes"}, 400, "owned_by_buyer: "),
        ("orders/7/pay", {}, 404, "no such order"),
        (
            "orders/{}/burn",
            {},
            404,
            "unknown transition; must be one of modify_price, pay, step_pay, ship, receive, succeed, close",
        ),
        ("orders/{}/ship", {}, 409, "the order is waitbuyerpay"),
        ("orders/{}/ship", {"entries": [7]}, 400, "entries: the order has "),
        ("orders/{}/ship", {"entries": []}, 400, "entries: "),
        ("orders/{}/pay", {"entries": [7]}, 400, "entries: only valid for ship"),
        ("orders/{}/pay", {"without_carrier": True}, 400, "without_carrier: only valid for ship"),
        ("orders/{}/pay", {"discount_fen": 1}, 400, "discount_fen: only valid for modify_price"),
        ("refunds/TQ1/agree", {}, 404, "no such refund"),
    ],
)
async def test_invalid_requests(client, path, body, status, reason):
    order = await client.create_order()
    response = await client.http.post(f"/admin/{path.format(order['order_id'])}", json=body)
    assert response.status_code == status
    assert reason in response.json()["error"]
    assert (await client.admin(f"orders/{order['order_id']}"))["status"] == "waitbuyerpay"


@pytest.mark.parametrize("path", ["orders/7", "refunds/TQ1", "synced/orders/7", "synced/logistics/LG1"])
async def test_not_found(client, path):
    response = await client.http.get(f"/admin/{path}")
    assert (response.status_code, list(response.json())) == (404, ["error"])


async def test_refund_transitions(client):
    order = await client.create_order("pay")
    entry = order["entries"][0]
    refund = {
        "orderId": order["order_id"],
        "orderEntryIds": [entry["entry_id"]],
        "disputeRequest": "refund",
        "applyPayment": entry["sum_fen"],
        "applyCarriage": 0,
        "applyReasonId": 20006,
        "description": "拍错了",
        "goodsStatus": "refundWaitSellerSend",
    }
    first = (await client.trade("trade.createRefund", **refund))["result"]["result"]["refundId"]
    assert (await client.transition("refunds", first, "reject"))["status"] == "waitbuyermodify"
    again = await client.http.post(f"/admin/refunds/{first}/agree")
    assert again.status_code == 409
    assert (await client.http.post(f"/admin/refunds/{first}/send")).status_code == 404
    assert (await client.transition("refunds", first, "close"))["status"] == "refundclose"
    second = (await client.trade("trade.createRefund", **refund))["result"]["result"]["refundId"]
    assert (await client.transition("refunds", second, "agree"))["status"] == "refundsuccess"
    left = await client.transition("orders", order["order_id"], "ship")
    assert [entry["shipped"] for entry in left["entries"]] == [False, True]
    assert [entry["refunded_fen"] for entry in left["entries"]] == [entry["sum_fen"], 0]


async def test_concurrent_refunds_of_one_entry(client):
    order = await client.create_order("pay", "ship", "receive")
    refund = {
        "orderId": order["order_id"],
        "orderEntryIds": [order["entries"][0]["entry_id"]],
        "disputeRequest": "refund",
        "applyPayment": 1,
        "applyCarriage": 0,
        "applyReasonId": 20028,
        "description": "太小了",
        "goodsStatus": "refundBuyerReceived",
    }
    responses = await asyncio.gather(*(client.trade("trade.createRefund", **refund) for _ in range(4)))
    assert sorted(response["result"]["code"] or "" for response in responses) == ["", "5010", "5010", "5010"]


@pytest.mark.parametrize(
    ("steps", "transitions", "refund_requests"),
    [
        ((), ["modify_price", "pay", "close"], []),
        (("pay",), ["step_pay", "ship"], ["refund"]),
        (("pay", "ship"), ["receive"], ["refund"]),
        (("pay", "ship", "receive"), ["succeed"], ["refund", "returnRefund"]),
        (("pay", "ship", "receive", "succeed"), [], ["refund", "returnRefund"]),
        (("close",), [], []),
    ],
)
async def test_an_order_lists_what_its_state_allows(client, steps, transitions, refund_requests):
    order = await client.create_order(*steps)
    assert (order["transitions"], order["refund_requests"]) == (transitions, refund_requests)
    for transition in ("modify_price", "pay", "close", "step_pay", "ship", "receive", "succeed"):
        if transition not in transitions:
            response = await client.http.post(f"/admin/orders/{order['order_id']}/{transition}")
            assert response.status_code == 409
    for request in ("refund", "returnRefund"):
        body = {"dispute_request": request}
        response = await client.http.post(f"/admin/orders/{order['order_id']}/refunds", json=body)
        assert response.status_code == (201 if request in refund_requests else 409)
        if response.status_code == 201:
            await client.transition("refunds", response.json()["refund_id"], "close")


async def test_refund_of_all_that_is_left(client):
    order = await client.create_order("pay")
    path = f"/admin/orders/{order['order_id']}/refunds"
    refund = (await client.http.post(path)).json()
    assert refund["apply_payment_fen"] == order["goods_fen"]
    assert refund["transitions"] == ["agree", "reject", "close"]
    assert (await client.http.post(path)).status_code == 409, "each entry has an open refund"
    agreed = await client.transition("refunds", refund["refund_id"], "agree")
    assert (agreed["status"], agreed["transitions"]) == ("refundsuccess", [])
    assert (await client.admin(f"orders/{order['order_id']}"))["status"] == "cancel"
    assert (await client.admin("refunds"))["refunds"] == [agreed]


async def test_refund_of_one_entry_and_then_of_the_other(client):
    order = await client.create_order("pay")
    first, second = (entry["entry_id"] for entry in order["entries"])
    path = f"/admin/orders/{order['order_id']}/refunds"
    assert (await client.http.post(path, json={"entries": [first]})).json()["entry_ids"] == [first]
    assert (await client.http.post(path, json={})).json()["entry_ids"] == [second]
    for entries in ([first], [1], [second, second]):
        assert (await client.http.post(path, json={"entries": entries})).status_code == 409
    assert (await client.http.post(path, json={"entries": []})).status_code == 400
    assert (await client.http.post("/admin/orders/1/refunds")).status_code == 404


async def test_shipped_and_unshipped_entries_are_refunded_separately(client):
    order = await client.create_order("pay")
    first, second = (entry["entry_id"] for entry in order["entries"])
    await client.transition("orders", order["order_id"], "ship", entries=[first])
    path = f"/admin/orders/{order['order_id']}/refunds"
    refunds = [(await client.http.post(path)).json() for _ in range(2)]
    assert [refund["entry_ids"] for refund in refunds] == [[first], [second]]
    assert [refund["goods_status"] for refund in refunds] == [
        "refundWaitBuyerReceive",
        "refundWaitSellerSend",
    ]


async def test_lists_are_bounded_by_their_limit(client):
    orders = [await client.create_order("pay", "ship") for _ in range(3)]
    for order in orders:
        await client.http.post(f"/admin/orders/{order['order_id']}/refunds")
    latest = [order["order_id"] for order in orders[1:]]
    for name in ("orders", "refunds", "logistics"):
        listed = (await client.admin(f"{name}?limit=2"))[name]
        assert [each["order_id"] for each in listed] == latest
        assert (await client.http.get(f"/admin/{name}", params={"limit": "-1"})).status_code == 400


async def test_next_statuses_of_a_logistics_order(client):
    await client.create_order("pay", "ship")
    (logistics,) = (await client.admin("logistics"))["logistics"]
    signed = await client.transition("logistics", logistics["logistics_id"], "SIGN")
    assert set(logistics["next_statuses"]) - set(signed["next_statuses"]) == {"SIGN"}
