import json

import pytest

from tests.sandbox.operations.buyer import ITEM, line
from tests.sandbox.operations.purchase_reference import read_sample


async def base_of(buyer, order_id):
    return (await buyer.detail(order_id))["result"]["baseInfo"]


async def shift_clock(buyer, **delta):
    seconds = delta.get("seconds", 0) + delta.get("days", 0) * 86_400
    await buyer.client.put("clock", offset_ms=seconds * 1000)


async def test_ids_of_a_detail_are_rounded(buyer):
    order_id = await buyer.order(lines=[line(), line(1)])
    entry_ids = [entry["entry_id"] for entry in (await buyer.client.admin(f"orders/{order_id}"))["entries"]]
    detail = (await buyer.detail(order_id))["result"]
    assert detail["baseInfo"]["id"] == int(float(order_id)) != order_id
    assert detail["baseInfo"]["idOfStr"] == str(order_id)
    entries = detail["productItems"]
    assert [entry["subItemID"] for entry in entries] == [int(float(number)) for number in entry_ids]
    assert [entry["subItemIDString"] for entry in entries] == list(map(str, entry_ids))
    for entry, number in zip(entries, entry_ids, strict=True):
        assert entry["productSnapshotUrl"].endswith(f"order_entry_id={number}")


async def test_exact_ids_and_missing_texts(buyer):
    await buyer.client.put("variants", rounded_ids=False, sub_item_texts="first")
    order_id = await buyer.order("pay", "ship", lines=[line(), line(1)])
    detail = (await buyer.detail(order_id))["result"]
    assert detail["baseInfo"]["id"] == order_id
    first, second = detail["productItems"]
    assert first["subItemIDString"] == str(first["subItemID"])
    assert "subItemIDString" not in second
    # The shipment has all ids as text.
    (shipment,) = detail["nativeLogistics"]["logisticsItems"]
    assert shipment["subItemIds"] == f"{first['subItemID']},{second['subItemID']}"


async def test_ids_of_the_list_are_exact_numbers(buyer):
    order_id = await buyer.order()
    (order,) = (await buyer.list())["result"]
    assert (order["baseInfo"]["id"], order["baseInfo"]["idOfStr"]) == (order_id, order_id)
    (entry,) = order["productItems"]
    # The only entry of an order has the order's id.
    assert entry["subItemID"] == order_id
    assert "subItemIDString" not in entry


@pytest.mark.parametrize(("form", "expected"), [("text", "true"), ("boolean", True), ("absent", None)])
async def test_success_of_a_detail(buyer, form, expected):
    await buyer.client.put("variants", detail_success=form)
    assert (await buyer.detail(await buyer.order())).get("success") == expected


async def test_list_has_no_flag(buyer):
    assert await buyer.list() == read_sample("get_buyer_order_list/empty")


async def test_detail_of_another_buyers_order(buyer):
    order = await buyer.client.create_order(owned_by_buyer=False)
    for order_id in (order["order_id"], 7):
        assert await buyer.detail(order_id) == read_sample("get_buyer_view/fail")
    assert await buyer.listed_ids() == []


async def test_detail_with_another_web_site(buyer):
    body = await buyer.call("alibaba.trade.get.buyerView", webSite="alibaba", orderId=await buyer.order())
    assert (body["success"], body["errorCode"]) == ("false", "500_1")


async def test_parts_of_a_detail(buyer):
    order_id = await buyer.order()
    usual = (await buyer.detail(order_id))["result"].keys()
    assert {"nativeLogistics", "guaranteesTerms", "orderInvoiceInfo"} <= usual
    few = (await buyer.detail(order_id, includeFields="InvoicingSetting"))["result"].keys()
    assert few - usual == {"invoicingSettingModel"}
    assert usual - few == {"nativeLogistics", "guaranteesTerms", "orderInvoiceInfo"}


async def test_guarantees_are_an_object_and_a_list(buyer):
    detail = (await buyer.detail(await buyer.order()))["result"]
    assert isinstance(detail["guaranteesTerms"], dict)
    assert isinstance(detail["productItems"][0]["guaranteesTerms"], list)


async def test_out_order_id_is_in_the_detail_only(buyer):
    order_id = await buyer.order(outOrderId="SITE-77")
    assert (await base_of(buyer, order_id))["outOrderId"] == "SITE-77"
    (order,) = (await buyer.list(outOrderId="SITE-77"))["result"]
    assert "SITE-77" not in json.dumps(order)


async def test_list_that_ignores_the_out_order_id(buyer):
    first, second = await buyer.order(outOrderId="A"), await buyer.order(outOrderId="B")
    assert await buyer.listed_ids(outOrderId="A") == [first]
    await buyer.client.put("variants", list_ignores_out_order_id=True)
    assert await buyer.listed_ids(outOrderId="A") == [second, first]
    assert await buyer.listed_ids(outOrderId="C") == [second, first]


async def test_list_that_lags_behind(buyer):
    await buyer.client.put("variants", list_delay_ms=60_000)
    order_id = await buyer.order(outOrderId="A")
    assert await buyer.listed_ids(outOrderId="A") == []
    assert (await base_of(buyer, order_id))["outOrderId"] == "A"
    await shift_clock(buyer, seconds=61)
    assert await buyer.listed_ids(outOrderId="A") == [order_id]


async def test_pages_of_the_list(buyer):
    order_ids = [await buyer.order(outOrderId=str(number)) for number in range(5)]
    pages = [await buyer.list(page=page, pageSize=2) for page in (1, 2, 3, 4)]
    ids = [[order["baseInfo"]["id"] for order in page["result"]] for page in pages]
    assert ids == [order_ids[:2:-1], order_ids[2:0:-1], order_ids[:1], []]
    assert {page["totalRecord"] for page in pages} == {5}


@pytest.mark.parametrize(
    "arguments",
    [
        {"page": 0},
        {"pageSize": 101},
        {"pageSize": "x"},
        {"orderStatus": "terminated"},
        {"refundStatus": "WAIT_SELLER_AGREE"},
        {"modifyStartTime": "2026-09-15 00:00:00"},
        {"isHis": "yes"},
        {"orderIds": "7,8"},
    ],
)
async def test_invalid_lists(buyer, arguments):
    assert await buyer.list(**arguments) == read_sample("get_buyer_order_list/fail")


async def test_filters_of_the_list(buyer):
    unpaid = await buyer.order()
    paid = await buyer.order("pay")
    refunded = await buyer.order("pay")
    await buyer.request_refund(refunded)
    assert await buyer.listed_ids(orderStatus="waitbuyerpay") == [unpaid]
    assert await buyer.listed_ids(orderStatus="waitsellersend") == [refunded, paid]
    assert await buyer.listed_ids(refundStatus="waitselleragree") == [refunded]
    assert await buyer.listed_ids(orderIds=[unpaid, paid]) == [paid, unpaid]
    assert await buyer.listed_ids(sellerMemberId=ITEM.seller.member_id) == [refunded, paid, unpaid]
    assert await buyer.listed_ids(sellerMemberId="b2b-1") == []


async def test_period_of_the_list_includes_both_ends(buyer):
    order_id = await buyer.order()
    modified = (await base_of(buyer, order_id))["modifyTime"]
    assert modified.endswith("000+0800")
    assert await buyer.listed_ids(modifyStartTime=modified, modifyEndTime=modified) == [order_id]
    assert await buyer.listed_ids(createStartTime=modified) == [order_id]
    assert await buyer.listed_ids(modifyEndTime="20200101000000000+0800") == []


async def test_change_moves_the_modify_time(buyer):
    order_id = await buyer.order()
    created = (await base_of(buyer, order_id))["modifyTime"]
    await shift_clock(buyer, seconds=60)
    await buyer.client.transition("orders", order_id, "pay")
    base = await base_of(buyer, order_id)
    assert base["modifyTime"] == base["payTime"] > created == base["createTime"]


async def test_dates_in_another_zone(buyer):
    order_id = await buyer.order()
    beijing = (await base_of(buyer, order_id))["createTime"]
    await buyer.client.put("variants", utc_offset_hours=-7)
    other = (await base_of(buyer, order_id))["createTime"]
    assert (beijing[-5:], other[-5:]) == ("+0800", "-0700")
    assert beijing != other.replace("-0700", "+0800")


async def test_old_orders_are_in_the_history(buyer):
    order_id = await buyer.order("pay", "ship", "receive", "succeed")
    assert await buyer.listed_ids(isHis="true") == []
    await shift_clock(buyer, days=91)
    assert await buyer.listed_ids() == []
    assert await buyer.listed_ids(isHis="true") == [order_id]


async def test_phones_and_address_of_the_list(buyer):
    await buyer.order()
    (hidden,) = (await buyer.list())["result"]
    (shown,) = (await buyer.list(needBuyerAddressAndPhone="true"))["result"]
    assert shown["nativeLogistics"].keys() - hidden["nativeLogistics"].keys() == {
        "mobile",
        "telephone",
        "address",
    }
    assert (hidden["baseInfo"]["receiverInfo"]["toMobile"], "logisticsItems" in shown) == ("", False)


async def test_payment_of_an_unpaid_order(buyer):
    detail = (await buyer.detail(await buyer.order()))["result"]
    assert detail["tradeTerms"] == []
    assert detail["baseInfo"]["alipayTradeId"] == "UNCREATED"
    assert detail["baseInfo"]["payTimeout"] == 7 * 86_400
    assert "payTime" not in detail["baseInfo"]
    assert detail["nativeLogistics"]["logisticsItems"] is None
    assert len(detail["productItems"][0]["gmtPayExpireTime"]) == len("2026-09-15 22:30:00")


async def test_payment_of_a_paid_order(buyer):
    order_id = await buyer.order("pay")
    detail = (await buyer.detail(order_id))["result"]
    (term,) = detail["tradeTerms"]
    assert (term["payStatus"], term["payWay"]) == ("2", "1")
    assert term["phasAmount"] == detail["baseInfo"]["totalAmount"]
    assert term["payTime"] == detail["baseInfo"]["payTime"]


async def test_discounts_are_fen_beside_yuan(buyer):
    order_id = await buyer.order(lines=[line(), line(1)])
    before = await base_of(buyer, order_id)
    await buyer.client.transition("orders", order_id, "modify_price", discount_fen=-550, shipping_fee_fen=600)
    detail = (await buyer.detail(order_id))["result"]
    base, entries = detail["baseInfo"], detail["productItems"]
    assert (base["discount"], entries[0]["entryDiscount"], base["shippingFee"]) == (-550, -550, 6)
    assert base["sumProductPayment"] == before["sumProductPayment"]
    total = sum(entry["itemAmount"] for entry in entries) + base["shippingFee"]
    assert base["totalAmount"] == pytest.approx(total)
    assert sum(entry["sharePostage"] for entry in entries) == base["shippingFee"]
    again = await buyer.client.transition("orders", order_id, "modify_price")
    assert again["goods_fen"] == before["sumProductPayment"] * 100


async def test_reduction_below_zero(buyer):
    order_id = await buyer.order()
    response = await buyer.client.http.post(
        f"/admin/orders/{order_id}/modify_price", json={"discount_fen": -(10**8)}
    )
    assert response.status_code == 409
    assert (await base_of(buyer, order_id))["discount"] == 0


async def test_cancel_within_ten_seconds(buyer):
    order_id = await buyer.order()
    assert await buyer.cancel(order_id) == read_sample("trade_cancel/too_fast")
    await shift_clock(buyer, seconds=11)
    assert await buyer.cancel(order_id) == read_sample("trade_cancel/ok")
    assert await buyer.cancel(order_id) == read_sample("trade_cancel/status_error")


async def test_cancelled_order_looks_paid_and_complete(buyer):
    """The time of completion, the payment's id and its time prove nothing."""
    await buyer.client.put("variants", cancel_delay_ms=0)
    order_id = await buyer.order()
    await buyer.cancel(order_id, cancelReason="other", remark="换地址")
    detail = (await buyer.detail(order_id))["result"]
    base = detail["baseInfo"]
    assert (base["status"], base["closeReason"], base["closeRemark"]) == ("cancel", "other", "换地址")
    assert base["closeOperateType"] == "CLOSE_TRADE_BY_BUYER"
    assert {"completeTime", "alipayTradeId"} <= base.keys()
    assert "payTime" not in base
    assert detail["tradeTerms"][0]["payStatus"] == "8"
    assert "payTime" in detail["tradeTerms"][0]


async def test_message_of_a_cancellation(buyer, receiver):
    await buyer.client.put("variants", cancel_delay_ms=0)
    order_id = await buyer.order()
    await buyer.cancel(order_id)
    message = (await receiver.messages(2))[-1]
    assert (message["type"], message["data"]["orderId"]) == ("ORDER_BUYER_VIEW_ORDER_BUYER_CLOSE", order_id)


@pytest.mark.parametrize(
    ("by", "reason", "operate_type"),
    [
        ("seller", "sellerGoodsLack", "CLOSE_TRADE_BY_SELLER"),
        ("back_office", "BUYER_NO_PAY", "CLOSE_TRADE_BY_BOPS"),
    ],
)
async def test_orders_that_others_close(buyer, by, reason, operate_type):
    order_id = await buyer.order()
    await buyer.client.transition("orders", order_id, "close", by=by)
    base = await base_of(buyer, order_id)
    assert (base["closeReason"], base["closeOperateType"]) == (reason, operate_type)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tradeID": 7}, "ORDER_NOT_EXIST"),
        ({"cancelReason": "mistake"}, "500_1"),
        ({"webSite": "alibaba"}, "500_1"),
    ],
)
async def test_rejected_cancellations(buyer, changes, code):
    assert (await buyer.cancel(await buyer.order(), **changes))["errorCode"] == code


async def test_cancellation_names_the_order_trade_id(buyer):
    body = await buyer.call(
        "alibaba.trade.cancel", webSite="1688", orderId=await buyer.order(), cancelReason="other"
    )
    assert body["error_message"] == "Required argument tradeID"


async def test_cancellation_of_a_paid_or_another_buyers_order(buyer):
    assert await buyer.cancel(await buyer.order("pay")) == read_sample("trade_cancel/status_error")
    order = await buyer.client.create_order(owned_by_buyer=False)
    assert (await buyer.cancel(order["order_id"]))["errorCode"] == "400_3"


async def test_confirmation_of_a_receipt(buyer, receiver):
    order_id = await buyer.order("pay", "ship")
    assert await buyer.confirm(order_id, [order_id]) == read_sample("receive_goods_confirm/ok")
    detail = (await buyer.detail(order_id))["result"]
    # The message has another word for the status.
    assert detail["baseInfo"]["status"] == detail["productItems"][0]["status"] == "confirm_goods"
    assert detail["productItems"][0]["logisticsStatus"] == 3
    message = (await receiver.messages(4))[-1]
    assert message["type"] == "ORDER_BUYER_VIEW_ORDER_COMFIRM_RECEIVEGOODS"
    assert message["data"]["currentStatus"] == "confirm_goods_and_has_subsidy"
    again = await buyer.confirm(order_id, [order_id])
    assert (again["result"]["success"], again["result"]["errorCode"]) == (False, "500_1")


async def test_confirmation_of_a_part(buyer):
    order_id = await buyer.order("pay", "ship", lines=[line(), line(1)])
    first, second = (
        entry["entry_id"] for entry in (await buyer.client.admin(f"orders/{order_id}"))["entries"]
    )
    # The example of the document is a bare number.
    assert (await buyer.confirm(order_id, str(first)))["result"]["success"] is True
    detail = (await buyer.detail(order_id))["result"]
    assert detail["baseInfo"]["status"] == "waitbuyerreceive"
    assert "confirmedTime" not in detail["baseInfo"]
    assert [entry["status"] for entry in detail["productItems"]] == ["confirm_goods", "waitbuyerreceive"]
    await buyer.confirm(order_id, [second])
    base = await base_of(buyer, order_id)
    assert base["status"] == "confirm_goods"
    assert "confirmedTime" in base


async def test_rejected_confirmations(buyer):
    order_id = await buyer.order("pay")
    assert (await buyer.confirm(order_id, [order_id]))["result"]["success"] is False
    assert (await buyer.confirm(order_id, [7]))["result"]["success"] is False
    assert await buyer.confirm(7, [7]) == read_sample("receive_goods_confirm/fail")
    other = await buyer.client.create_order("pay", "ship", owned_by_buyer=False)
    body = await buyer.confirm(other["order_id"], [other["entries"][0]["entry_id"]])
    assert body == read_sample("receive_goods_confirm/fail")


async def test_refunded_part_of_an_order(buyer):
    order_id = await buyer.order("pay", lines=[line(), line(1)])
    order = await buyer.client.admin(f"orders/{order_id}")
    entry = order["entries"][0]
    refund_id = await buyer.request_refund(
        order_id,
        orderEntryIds=[entry["entry_id"]],
        applyPayment=entry["sum_fen"],
        applyReasonId=20002,
        applyCarriage=800,
    )
    detail = (await buyer.detail(order_id))["result"]
    assert (detail["baseInfo"]["refundStatus"], detail["baseInfo"]["refundId"]) == (
        "waitselleragree",
        refund_id,
    )
    assert "refundPayment" not in detail["baseInfo"]
    await buyer.client.transition("refunds", refund_id, "agree")
    detail = (await buyer.detail(order_id))["result"]
    base, (first, second) = detail["baseInfo"], detail["productItems"]
    # The order's refund has the shipping fee, and the entry's has not. One is fen, the other yuan.
    assert base["refundPayment"] == entry["sum_fen"] + 800 == round(base["refund"] * 100)
    assert round(first["refund"] * 100) == entry["sum_fen"]
    assert (base["refundStatus"], first["refundStatus"]) == ("refundsuccess", "REFUND_SUCCESS")
    assert (first["status"], second["status"], base["status"]) == (
        "cancel",
        "waitsellersend",
        "waitsellersend",
    )


async def test_order_that_is_refunded_in_full_is_cancelled_although_paid(buyer):
    order_id = await buyer.order("pay")
    await buyer.client.transition("refunds", await buyer.request_refund(order_id), "agree")
    base = await base_of(buyer, order_id)
    assert (base["status"], "payTime" in base) == ("cancel", True)


async def test_refund_after_sale(buyer):
    order_id = await buyer.order("pay", "ship", "receive", "succeed")
    refund_id = await buyer.request_refund(
        order_id, goodsStatus="aftersaleBuyerReceived", applyReasonId=20028, disputeRequest="returnRefund"
    )
    detail = (await buyer.detail(order_id))["result"]
    assert detail["baseInfo"]["refundStatusForAs"] == "waitselleragree"
    assert "refundStatus" not in detail["baseInfo"]
    assert detail["productItems"][0]["refundIdForAs"] == refund_id
