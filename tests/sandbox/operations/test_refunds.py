import pytest

JPEG = b"\xff\xd8\xff\xe0 an image"
VOUCHER = "param2/1/com.alibaba.trade/alibaba.trade.uploadRefundVoucher/1000000"


async def upload(client, content=JPEG, name="imageData"):
    """Upload as documented: the file unsigned in the body, all other parameters in the query."""
    query = client.signed(VOUCHER, {"access_token": "test-access-token"})
    files = {name: ("voucher.jpg", content, "image/jpeg")}
    return (await client.http.post(f"/openapi/{VOUCHER}", params=query, files=files)).json()


async def voucher_url(client):
    uploaded = (await upload(client))["result"]["result"]
    return f"{uploaded['imageDomain']}/{uploaded['imageRelativeUrl']}"


def refund_of(order, **changes):
    """Return the arguments for a full refund of a received order whose goods are returned."""
    return {
        "orderId": order["order_id"],
        "orderEntryIds": [entry["entry_id"] for entry in order["entries"]],
        "disputeRequest": "returnRefund",
        "applyPayment": order["goods_fen"],
        "applyCarriage": 0,
        "applyReasonId": 20028,
        "description": "太小了",
        "goodsStatus": "refundBuyerReceived",
    } | changes


async def create(client, order, **changes):
    return (await client.trade("trade.createRefund", **refund_of(order, **changes)))["result"]


async def received(client, **body):
    return await client.create_order("pay", "ship", "receive", **body)


@pytest.fixture
async def agreed(client):
    """The id of a refund to which the seller has agreed, and whose goods must be returned."""
    refund_id = (await create(client, await received(client)))["result"]["refundId"]
    await client.transition("refunds", refund_id, "agree")
    return refund_id


async def send_back(client, refund_id, **changes):
    shipment = {"refundId": refund_id, "logisticsCompanyNo": "ZTO", "freightBill": "3110044550034338"}
    return (await client.trade("trade.refund.returnGoods", **shipment | changes))["result"]


async def test_reasons(client, sample):
    order = await client.create_order("pay", "ship", "receive", "succeed")
    entry_ids = [entry["entry_id"] for entry in order["entries"]]
    response = await client.trade(
        "trade.getRefundReasonList",
        orderId=order["order_id"],
        orderEntryIds=entry_ids,
        goodsStatus="aftersaleBuyerNotReceived",
    )
    assert response == sample("get_refund_reason_list.open_platform.ok")


async def test_reasons_depend_on_where_the_goods_are(client):
    reason_ids = {}
    for transitions, goods_status in (
        (("pay",), "refundWaitSellerSend"),
        (("pay", "ship"), "refundWaitBuyerReceive"),
        (("pay", "ship", "receive"), "refundBuyerReceived"),
    ):
        order = await client.create_order(*transitions)
        response = await client.trade(
            "trade.getRefundReasonList",
            orderId=order["order_id"],
            orderEntryIds=[order["entries"][0]["entry_id"]],
            goodsStatus=goods_status,
        )
        reason_ids[goods_status] = {reason["id"] for reason in response["result"]["result"]["reasons"]}
    assert reason_ids == {
        "refundWaitSellerSend": {20006, 20002, 20004},
        "refundWaitBuyerReceive": {20006, 20004},
        "refundBuyerReceived": {20021, 20028},
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"orderId": 7}, "5001"),
        ({"goodsStatus": "lost"}, "5003"),
        ({"goodsStatus": "aftersaleBuyerReceived"}, "5003"),
        ({"orderEntryIds": [7]}, "5100"),
        ({"orderEntryIds": ["7"]}, "5100"),
        ({"orderId": "x"}, "5100"),
    ],
)
async def test_no_reasons(client, sample, changes, code):
    order = await received(client)
    arguments = {
        "orderId": order["order_id"],
        "orderEntryIds": [order["entries"][0]["entry_id"]],
        "goodsStatus": "refundBuyerReceived",
    }
    response = await client.trade("trade.getRefundReasonList", **arguments | changes)
    assert (response["result"]["success"], response["result"]["code"]) == (False, code)
    if code == "5003":
        assert response == sample("get_refund_reason_list.open_platform.fail")


async def test_no_reasons_for_another_buyer(client):
    order = await received(client, owned_by_buyer=False)
    response = await client.trade(
        "trade.getRefundReasonList",
        orderId=order["order_id"],
        orderEntryIds=[order["entries"][0]["entry_id"]],
        goodsStatus="refundBuyerReceived",
    )
    assert response["result"]["code"] == "5002"


async def test_upload_a_voucher(client, sample, assert_like):
    first, second = await upload(client), await upload(client)
    assert_like([first], sample("upload_refund_voucher.open_platform.ok"))
    assert first["result"]["result"] != second["result"]["result"]
    assert (await client.state())["vouchers"] == 2


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"\x89PNG\r\n\x1a\n", "imageData"), (JPEG + bytes(1024 * 1024), "imageData"), (JPEG, "image")],
)
async def test_no_voucher(client, sample, content, name):
    assert await upload(client, content, name) == sample("upload_refund_voucher.open_platform.fail")


async def test_voucher_that_is_no_file(client, sample):
    response = await client.trade("trade.uploadRefundVoucher", imageData="/9j/4A==")
    assert response == sample("upload_refund_voucher.open_platform.fail")


async def test_create_a_refund(client, sample, assert_like):
    order = await received(client)
    entry = order["entries"][0]
    url = await voucher_url(client)
    response = await create(
        client,
        order,
        orderEntryIds=[entry["entry_id"]],
        applyPayment=1,
        vouchers=[url],
        orderEntryCountList=[{"id": entry["entry_id"], "count": 1}],
        customRefund="true",
        refundRemark="r-1",
    )
    assert_like([{"result": response}], sample("create_refund.open_platform.ok"))
    refund_id = response["result"]["refundId"]
    assert refund_id.startswith("TQ")
    assert response["result"]["innerReason"] == "不想买了"
    assert await client.admin(f"refunds/{refund_id}") == {
        "refund_id": refund_id,
        "order_id": order["order_id"],
        "entry_ids": [entry["entry_id"]],
        "status": "waitselleragree",
        "apply_payment_fen": 1,
        "apply_shipping_fee_fen": 0,
        "reason_id": 20028,
        "description": "太小了",
        "goods_status": "refundBuyerReceived",
        "dispute_request": "returnRefund",
        "vouchers": [url],
        "counts": [{"id": entry["entry_id"], "count": 1}],
        "remark": "r-1",
        "return_shipment": None,
        "transitions": ["agree", "reject", "close"],
    }
    assert (await client.admin(f"orders/{order['order_id']}"))["refund_ids"] == [refund_id]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"orderId": 7}, "5001"),
        ({"goodsStatus": "lost"}, "5003"),
        ({"applyReasonId": 1}, "5004"),
        ({"applyReasonId": 20021}, "5005"),
        ({"vouchers": ["https://cbu01.alicdn.com/img/ibank/2019/901/930/11848039109.jpg"]}, "5005"),
        ({"applyCarriage": 1}, "5006"),
        ({"goodsStatus": "refundWaitBuyerReceive"}, "5010"),
        ({"goodsStatus": "aftersaleBuyerReceived"}, "5010"),
        ({"applyPayment": 10**9}, "5011"),
        ({"applyPayment": -1}, "5011"),
        ({"description": "x"}, "5012"),
        ({"description": "x" * 151}, "5012"),
        ({"orderEntryCountList": [{"id": 7, "count": 1}]}, "5013"),
        ({"orderEntryIds": [7]}, "5100"),
        ({"orderEntryIds": "7"}, "5100"),
        ({"disputeRequest": "exchange"}, "5100"),
        ({"applyPayment": "1.5"}, "5100"),
        ({"customRefund": "yes"}, "5100"),
        ({"vouchers": "[1]"}, "5100"),
        ({"orderEntryCountList": [{"id": "7", "count": 1}]}, "5100"),
        ({"orderEntryCountList": [7]}, "5100"),
    ],
)
async def test_rejected_refunds(client, changes, code):
    order = await received(client)
    response = await create(client, order, **changes)
    assert (response["success"], response["code"]) == (False, code)
    assert (await client.state())["refunds"] == 0


async def test_another_buyers_order(client):
    assert (await create(client, await received(client, owned_by_buyer=False)))["code"] == "5002"


async def test_too_many_vouchers(client):
    url = await voucher_url(client)
    order = await received(client)
    assert (await create(client, order, vouchers=[url] * 6))["code"] == "5100"
    assert (await create(client, order, vouchers=[url] * 5))["success"] is True


async def test_second_refund_of_the_same_entries(client, sample):
    order = await received(client)
    assert (await create(client, order))["success"] is True
    assert {"result": await create(client, order)} == sample("create_refund.open_platform.fail")


@pytest.mark.parametrize(
    "member", ["orderId", "orderEntryIds", "applyCarriage", "goodsStatus", "description"]
)
async def test_required_arguments(client, member):
    refund = refund_of(await received(client))
    del refund[member]
    response = await client.trade("trade.createRefund", **refund)
    assert response["error_message"] == f"Required argument {member}"


async def test_return_goods(client, sample, agreed):
    url = await voucher_url(client)
    response = await send_back(client, agreed, description="发货说明", vouchers=[url])
    assert {"result": response} == sample("refund_return_goods.open_platform.ok")
    refund = await client.admin(f"refunds/{agreed}")
    assert refund["status"] == "waitsellerreceive"
    assert refund["return_shipment"] == {
        "logistics_company_no": "ZTO",
        "freight_bill": "3110044550034338",
        "description": "发货说明",
        "vouchers": [url],
    }
    assert (await send_back(client, agreed))["errorCode"] == "4007"
    assert (await client.transition("refunds", agreed, "receive"))["status"] == "refundsuccess"
    order = await client.admin(f"orders/{refund['order_id']}")
    assert (order["status"], order["refunded_fen"]) == ("cancel", order["goods_fen"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"freightBill": " "}, "4002"),
        ({"logisticsCompanyNo": ""}, "4002"),
        ({"vouchers": ["https://example.com/1.jpg"]}, "4003"),
        ({"freightBill": "1"}, "4004"),
        ({"refundId": "TQ34931008034741532999"}, "4005"),
        ({"refundId": "34931008034741532"}, "4008"),
        ({"description": "x"}, "500_1"),
    ],
)
async def test_rejected_returns(client, agreed, changes, code):
    response = await send_back(client, agreed, **changes)
    assert (response["success"], response["errorCode"]) == (False, code)
    assert (await client.admin(f"refunds/{agreed}"))["return_shipment"] is None


async def test_waybill_that_does_not_match(client, sample, agreed):
    response = await send_back(client, agreed, freightBill="?")
    assert {"result": response} == sample("refund_return_goods.open_platform.fail")


async def test_too_many_vouchers_for_a_return(client, agreed):
    url = await voucher_url(client)
    assert (await send_back(client, agreed, vouchers=[url] * 11))["errorCode"] == "4003"
    assert (await send_back(client, agreed, vouchers=[url] * 10))["success"] is True


async def test_return_of_another_buyers_goods(client, agreed):
    order_id = (await client.admin(f"refunds/{agreed}"))["order_id"]
    await client.put(f"orders/{order_id}", owned_by_buyer=False)
    assert (await send_back(client, agreed))["errorCode"] == "4006"


async def test_return_before_the_seller_agreed(client):
    refund_id = (await create(client, await received(client)))["result"]["refundId"]
    assert (await send_back(client, refund_id))["errorCode"] == "4007"
