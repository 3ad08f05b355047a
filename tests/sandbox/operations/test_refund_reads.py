import json

import pytest

from tests.sandbox.operations.buyer import line
from tests.sandbox.operations.purchase_reference import read_sample

RETURN = {"goodsStatus": "refundBuyerReceived", "applyReasonId": 20028, "disputeRequest": "returnRefund"}
AFTER_SALE = RETURN | {"goodsStatus": "aftersaleBuyerReceived"}


async def read(buyer, refund_id, **arguments):
    return (await buyer.refund(refund_id, **arguments))["result"]["opOrderRefundModelDetail"]


async def listed_ids(buyer, **arguments):
    body = await buyer.refunds(**arguments)
    return [refund["refundId"] for refund in body["result"]["opOrderRefundModels"]]


@pytest.fixture
async def refund_id(buyer):
    return await buyer.request_refund(await buyer.order("pay"), applyReasonId=20002, applyCarriage=800)


async def test_amounts_of_a_requested_refund(buyer, refund_id):
    refund = await read(buyer, refund_id)
    order = await buyer.client.admin(f"orders/{refund['orderId']}")
    # Without the shipping fee, in fen.
    assert (refund["applyPayment"], refund["applyCarriage"]) == (order["goods_fen"], 800)
    assert (refund["refundPayment"], refund["refundCarriage"]) == (0, 0)
    assert (refund["status"], refund["disputeRequest"], refund["disputeType"]) == ("waitselleragree", 1, 1)
    assert f"TQ{refund['id']}" == refund_id
    assert refund["orderEntryCountMap"] == {str(refund["orderId"]): 10}


async def test_amounts_of_a_successful_refund(buyer, refund_id):
    await buyer.client.transition("refunds", refund_id, "agree")
    refund = await read(buyer, refund_id)
    order = await buyer.client.admin(f"orders/{refund['orderId']}")
    assert refund["refundPayment"] + refund["refundCarriage"] == order["goods_fen"] + 800
    assert refund["gmtCompleted"] == refund["gmtModified"]


async def test_closed_refund_shows_amounts_although_no_money_came_back(buyer, refund_id):
    assert await buyer.cancel_refund(refund_id) == read_sample("cancel_refund/ok")
    refund = await read(buyer, refund_id)
    assert refund["status"] == "refundclose"
    assert refund["refundPayment"] > 0
    assert (await buyer.client.admin(f"orders/{refund['orderId']}"))["refunded_fen"] == 0


async def test_cancellation_of_a_refund(buyer, receiver):
    refund_id = await buyer.request_refund(await buyer.order("pay"))
    await buyer.cancel_refund(refund_id)
    message = (await receiver.messages(4))[-1]
    assert (message["data"]["refundId"], message["data"]["currentStatus"]) == (refund_id, "refundclose")
    again = await buyer.cancel_refund(refund_id)
    sample = read_sample("cancel_refund/fail")["result"]
    assert (again["result"]["success"], again["result"]["errorCode"]) == (False, sample["errorCode"])
    assert (await buyer.cancel_refund("TQ1"))["result"].keys() == sample.keys()


async def test_deadline_and_operations_only_on_request(buyer, refund_id):
    refund = await read(buyer, refund_id)
    assert not {"gmtTimeOut", "refundOperationList"} & refund.keys()
    full = await read(buyer, refund_id, needTimeOutInfo="true", needOrderRefundOperation="true")
    assert full["gmtTimeOut"] > full["gmtModified"]
    assert len(full["refundOperationList"]) == 1


async def test_return_of_goods(buyer):
    refund_id = await buyer.request_refund(await buyer.order("pay", "ship", "receive"), **RETURN)
    await buyer.client.transition("refunds", refund_id, "agree")
    refund = await read(buyer, refund_id)
    assert (refund["status"], refund["sellerReceiveAddress"]) == ("waitbuyersend", "测试路2号")
    assert (refund["goodsStatus"], refund["disputeRequest"]) == (2, 3)
    await buyer.call(
        "alibaba.trade.refund.returnGoods",
        refundId=refund_id,
        logisticsCompanyNo="ZTO",
        freightBill="3110044550034338",
    )
    refund = await read(buyer, refund_id)
    assert (refund["goodsStatus"], refund["freightBill"], refund["buyerLogisticsName"]) == (
        3,
        "3110044550034338",
        "中通快递",
    )
    assert refund["buyerSendGoods"] is True


async def test_rejected_refund(buyer, refund_id):
    await buyer.client.transition("refunds", refund_id, "reject")
    refund = await read(buyer, refund_id)
    assert (refund["status"], refund["rejectTimes"]) == ("waitbuyermodify", 1)
    assert refund["rejectReason"]


async def test_steps_of_a_refund(buyer, refund_id):
    await buyer.client.transition("refunds", refund_id, "agree")
    body = await buyer.refund_operations(refund_id)
    newest, first = body["result"]["opOrderRefundOperationModels"]
    assert (first["operateTypeInt"], newest["operateTypeInt"]) == (1, 8)
    assert (first["operatorRoleId"], newest["operatorRoleId"]) == (1, 2)
    # The amounts inside the text are yuan. The status before and after are equal, and the request has none.
    assert "退款运费金额：8.00" in first["discription"]
    assert newest["beforeOperateStatus"] == newest["afterOperateStatus"] == "waitselleragree"
    assert "beforeOperateStatus" not in first
    assert await buyer.refund_operations(refund_id, 2, 1) == {
        "result": {"opOrderRefundOperationModels": [first]}
    }
    assert await buyer.refund_operations(refund_id, 3, 1) == {"result": {"opOrderRefundOperationModels": []}}


@pytest.mark.parametrize(
    ("calls", "inner_code", "cause"),
    [
        (lambda buyer: buyer.refund("TQ1"), "003002", "REFUND_DATA_ERROR"),
        (lambda buyer: buyer.refund_operations("TQ1"), "003002", "REFUND_DATA_ERROR"),
        (lambda buyer: buyer.refunds_of_order(7, 1), "003002", "ORDER_NOT_EXIST"),
    ],
)
async def test_error_is_json_text(buyer, calls, inner_code, cause):
    body = await calls(buyer)
    assert (body.keys(), body["errorCode"]) == ({"errorCode", "errorMessage"}, "500")
    inner = json.loads(body["errorMessage"])
    assert inner["errorCode"] == inner_code
    assert cause in inner["cause"]
    await buyer.client.put("variants", double_encoded_errors=True)
    twice = await calls(buyer)
    assert json.loads(json.loads(twice["errorMessage"])) == inner


async def test_another_buyers_refund(buyer, refund_id):
    order_id = (await read(buyer, refund_id))["orderId"]
    await buyer.client.put(f"orders/{order_id}", owned_by_buyer=False)
    for body in (await buyer.refund(refund_id), await buyer.refund_operations(refund_id)):
        assert json.loads(body["errorMessage"])["errorCode"] == "003"
    assert await listed_ids(buyer) == []
    assert (await buyer.cancel_refund(refund_id))["result"]["success"] is False


async def test_invalid_query_type(buyer, refund_id):
    order_id = (await read(buyer, refund_id))["orderId"]
    body = await buyer.refunds_of_order(order_id, 2)
    assert "INVALID_PARAM" in json.loads(body["errorMessage"])["cause"]


async def test_refunds_of_an_order(buyer, refund_id):
    order_id = (await read(buyer, refund_id))["orderId"]
    (active,) = (await buyer.refunds_of_order(order_id, 1))["result"]["opOrderRefundModels"]
    # The booleans have a prefix, and there is a flag in each refund.
    assert (active["isOnlyRefund"], active["success"]) == (True, True)
    assert "onlyRefund" not in active
    assert await buyer.refunds_of_order(order_id, 3) == read_sample("query_refunds_by_order/empty")
    await buyer.cancel_refund(refund_id)
    for query_type in (1, 3):
        assert await buyer.refunds_of_order(order_id, query_type) == read_sample(
            "query_refunds_by_order/empty"
        )


async def test_refunds_after_sale_are_not_among_those_of_an_order(buyer):
    order_id = await buyer.order("pay", "ship", "receive", "succeed")
    refund_id = await buyer.request_refund(order_id, **AFTER_SALE)
    assert (await buyer.refunds_of_order(order_id, 1))["result"]["opOrderRefundModels"] == []
    assert (await read(buyer, refund_id))["disputeType"] == 2
    for dispute_type, ids in ((0, [refund_id]), (1, []), (2, [refund_id])):
        assert await listed_ids(buyer, orderId=order_id, dipsuteType=dispute_type) == ids


async def test_list_without_a_type_has_only_refunds_in_sale(buyer, refund_id):
    await buyer.request_refund(await buyer.order("pay", "ship", "receive", "succeed"), **AFTER_SALE)
    body = await buyer.call("alibaba.trade.refund.buyer.queryOrderRefundList")
    assert [refund["refundId"] for refund in body["result"]["opOrderRefundModels"]] == [refund_id]


async def test_pages_of_refunds(buyer):
    ids = [await buyer.request_refund(await buyer.order("pay")) for _ in range(3)][::-1]
    pages = [await listed_ids(buyer, currentPageNum=page, pageSize=2) for page in (0, 1, 2)]
    assert pages == [ids[:2], ids[2:], []]
    await buyer.client.put("variants", refund_page_base=1)
    pages = [await listed_ids(buyer, currentPageNum=page, pageSize=2) for page in (0, 1, 2)]
    assert pages == [ids[:2], ids[:2], ids[2:]]


async def test_filters_of_refunds(buyer, refund_id):
    refund = await read(buyer, refund_id)
    seller = refund["sellerMemberId"]
    assert await listed_ids(buyer, refundStatusSet=["waitselleragree"], sellerMemberId=seller) == [refund_id]
    assert await listed_ids(buyer, refundStatusSet=["refundclose"]) == []
    at = refund["gmtModified"]
    assert await listed_ids(buyer, modifyStartTime=at, modifyEndTime=at) == [refund_id]
    assert await listed_ids(buyer, applyEndTime="20200101000000000+0800") == []
    assert (await buyer.refunds(logisticsNo="1"))["success"] is False


async def test_refunds_of_more_than_two_years(buyer):
    body = await buyer.refunds(applyStartTime="20200101000000000+0800")
    assert body == read_sample("query_order_refund_list/fail")


async def test_most_that_can_be_refunded(buyer):
    order_id = await buyer.order("pay", lines=[line(quantity=3), line(1)])
    order = await buyer.client.admin(f"orders/{order_id}")
    first, second = order["entries"]
    body = await buyer.max_refund(order_id, [(first["entry_id"], 3), (second["entry_id"], 10)])
    fees = body["result"]["result"]
    assert (fees["maxGoodsFee"], fees["maxPostFee"]) == (order["goods_fen"], order["shipping_fee_fen"])
    assert fees["maxRefundFee"] == order["goods_fen"] + order["shipping_fee_fen"]
    part = (await buyer.max_refund(order_id, [(first["entry_id"], 1)]))["result"]["result"]
    assert part["maxGoodsFee"] == first["sum_fen"] // 3


async def test_shipping_fee_is_refunded_once(buyer, refund_id):
    order_id = (await read(buyer, refund_id))["orderId"]
    other = (await buyer.max_refund(order_id, [(order_id, 1)]))["result"]["result"]
    own = (await buyer.max_refund(order_id, [(order_id, 1)], refundId=refund_id))["result"]["result"]
    assert (other["maxPostFee"], own["maxPostFee"]) == (0, 800)


@pytest.mark.parametrize(
    ("counts", "changes", "code"),
    [
        ([(7, 1)], {}, "5100"),
        ([], {}, "5100"),
        (None, {"goodsStatus": "refundBuyerReceived"}, "5003"),
        (None, {"orderId": 7}, "5001"),
        (None, {"refundGoodsCountList": {"1": 1}}, "5100"),
    ],
)
async def test_no_limit(buyer, counts, changes, code):
    order_id = await buyer.order("pay")
    body = await buyer.max_refund(order_id, [(order_id, 1)] if counts is None else counts, **changes)
    assert (body["result"]["success"], body["result"]["code"]) == (False, code)


async def test_limit_of_more_pieces_than_ordered(buyer):
    order_id = await buyer.order("pay")
    assert (await buyer.max_refund(order_id, [(order_id, 11)]))["result"]["code"] == "5013"
