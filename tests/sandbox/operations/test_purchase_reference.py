"""The sandbox accepts the requests of the reference, and its responses have the members of the reference."""

import json

import pytest

from tests.sandbox.operations.buyer import line, other_sellers_line, sold_out_line
from tests.sandbox.operations.purchase_reference import (
    SAMPLES,
    SERVED_SAMPLES,
    collect_kinds,
    collect_sample_kinds,
    read_members,
)


async def previews(buyer):
    await buyer.client.put("variants", several_sellers="split")
    return [
        await buyer.preview(line(), line(1)),
        await buyer.preview(line(), other_sellers_line()),
        await buyer.preview(sold_out_line()),
    ]


async def reduced_previews(buyer):
    await buyer.client.put(
        "variants",
        promoted_offers=[line()["offerId"]],
        shop_promotions=[{"discount_fen": 100}],
        red_packet_fen=50,
    )
    return [await buyer.preview(line(), line(1))]


async def creations(buyer):
    return [await buyer.create(line(), line(1)), await buyer.create(line(), useRedEnvelope="n")]


async def several_creations(buyer):
    await buyer.client.put("variants", several_sellers="split", invalid_lines="omit")
    return [await buyer.create(line(), other_sellers_line())]


async def partial_creations(buyer):
    await buyer.client.put("variants", invalid_lines="omit")
    return [await buyer.create(line(), sold_out_line())]


async def cancellations(buyer):
    await buyer.client.put("variants", cancel_delay_ms=0)
    return [await buyer.cancel(await buyer.order())]


async def confirmations(buyer):
    order_id = await buyer.order("pay", "ship")
    return [await buyer.confirm(order_id, [order_id])]


async def orders_in_all_states(buyer):
    """The ids of an unpaid, a shipped, a refunded, two closed and a successful order."""
    shipped = await buyer.order("pay", "ship", lines=[line(), line(1)])
    await buyer.client.transition("orders", await buyer.order("pay"), "ship", without_carrier=True)
    cancelled = await buyer.order()
    await buyer.client.put("variants", cancel_delay_ms=0)
    await buyer.cancel(cancelled, remark="x")
    refunded = await buyer.order("pay")
    refund_id = await buyer.request_refund(refunded)
    await buyer.client.transition("refunds", refund_id, "agree")
    successful = await buyer.order("pay", "ship", "receive", "succeed")
    await buyer.request_refund(
        successful, goodsStatus="aftersaleBuyerReceived", applyReasonId=20028, disputeRequest="returnRefund"
    )
    return [await buyer.order(), shipped, cancelled, refunded, successful]


async def details(buyer):
    fields = "GuaranteesTerms,NativeLogistics,RateDetail,OrderInvoice,InvoicingSetting"
    return [
        await buyer.detail(order_id, includeFields=fields) for order_id in await orders_in_all_states(buyer)
    ]


async def lists(buyer):
    await orders_in_all_states(buyer)
    return [
        await buyer.list(needBuyerAddressAndPhone="true", needInvoicingSetting="true"),
        await buyer.list(),
    ]


async def logistics(buyer):
    return [await buyer.logistics(await buyer.order("pay", "ship", lines=[line(), line(1)]))]


async def traces(buyer):
    order_id = await buyer.order("pay", "ship")
    (logistics_id,) = (await buyer.client.admin(f"orders/{order_id}"))["logistics_ids"]
    await buyer.client.transition("logistics", logistics_id, "ACCEPT")
    return [await buyer.traces(order_id)]


async def refunds_in_all_states(buyer):
    """The ids of a requested, a rejected, a closed, a successful and a returned refund."""
    requested, rejected, closed, successful = [
        await buyer.request_refund(await buyer.order("pay")) for _ in range(4)
    ]
    for refund_id, transition in ((rejected, "reject"), (closed, "close"), (successful, "agree")):
        await buyer.client.transition("refunds", refund_id, transition)
    returned = await buyer.request_refund(
        await buyer.order("pay", "ship", "receive"),
        goodsStatus="refundBuyerReceived",
        applyReasonId=20028,
        disputeRequest="returnRefund",
    )
    await buyer.client.transition("refunds", returned, "agree")
    await buyer.call(
        "alibaba.trade.refund.returnGoods",
        refundId=returned,
        logisticsCompanyNo="ZTO",
        freightBill="3110044550034338",
    )
    return [requested, rejected, closed, successful, returned]


async def refunds(buyer):
    both = {"needTimeOutInfo": "true", "needOrderRefundOperation": "true"}
    return [await buyer.refund(refund_id, **both) for refund_id in await refunds_in_all_states(buyer)]


async def refund_lists(buyer):
    await refunds_in_all_states(buyer)
    return [await buyer.refunds()]


async def refunds_of_orders(buyer):
    refund_ids = await refunds_in_all_states(buyer)
    order_ids = [(await buyer.client.admin(f"refunds/{refund_id}"))["order_id"] for refund_id in refund_ids]
    return [await buyer.refunds_of_order(order_ids[3], 3)]


async def refund_operations(buyer):
    # A request alone has no status before and after.
    return [
        await buyer.refund_operations(refund_id) for refund_id in (await refunds_in_all_states(buyer))[1:]
    ]


async def refund_cancellations(buyer):
    return [await buyer.cancel_refund(await buyer.request_refund(await buyer.order("pay")))]


async def refund_limits(buyer):
    order_id = await buyer.order("pay")
    return [await buyer.max_refund(order_id, [(order_id, 10)])]


async def addresses(buyer):
    return [await buyer.call("alibaba.trade.receiveAddress.get")]


async def parsed_addresses(buyer):
    address = "浙江省 杭州市 滨江区 测试路1号"
    return [await buyer.call("alibaba.trade.addresscode.parse", addressInfo=address)]


# operation, calls of it, the samples of such responses
CASES = [
    ("create_order_preview", previews, ["ok", "several", "order_refused"]),
    ("create_order_preview", reduced_previews, ["several"]),
    ("create_cross_order", creations, ["ok"]),
    ("create_cross_order", several_creations, ["several"]),
    ("create_cross_order", partial_creations, ["partial"]),
    ("trade_cancel", cancellations, ["ok"]),
    ("receive_goods_confirm", confirmations, ["ok"]),
    ("get_buyer_view", details, ["waitbuyerpay", "shipped", "refunded", "cancelled"]),
    ("get_buyer_order_list", lists, ["ok", "by_out_order_id"]),
    ("get_logistics_infos", logistics, ["ok"]),
    ("get_logistics_trace_info", traces, ["ok"]),
    ("query_order_refund", refunds, ["ok", "closed", "waitbuyersend"]),
    ("query_order_refund_list", refund_lists, ["ok"]),
    ("query_refunds_by_order", refunds_of_orders, ["ok"]),
    ("query_refund_operation_list", refund_operations, ["ok"]),
    ("cancel_refund", refund_cancellations, ["ok"]),
    ("get_max_refund_fee", refund_limits, ["ok"]),
    ("receive_address_get", addresses, ["ok"]),
    ("addresscode_parse", parsed_addresses, ["ok"]),
]


def normalize(path, members):
    """Replace the key of a documented map by `*`."""
    parent = path.rpartition(".")[0]
    return f"{parent}.*" if f"{parent}.*" in members else path


@pytest.mark.parametrize(("slug", "run", "samples"), CASES, ids=[f"{run.__name__}" for _, run, _ in CASES])
async def test_members(buyer, slug, run, samples):
    """Each response has only documented members, all that the samples have, and of the samples' types."""
    members = read_members(slug)
    common, sample_kinds = collect_sample_kinds([f"{slug}/{sample}" for sample in samples])
    assert {normalize(path, members) for path in common} <= members
    for body in await run(buyer):
        kinds = collect_kinds(body)
        sent = {normalize(path, members) for path in kinds}
        assert sent <= members
        assert {normalize(path, members) for path in common} <= sent
        for path, sample in sample_kinds.items():
            assert not sample - {None} or kinds.get(path, set()) - {None} <= sample, path


REQUESTS = sorted(
    file
    for folder in (SAMPLES, SERVED_SAMPLES)
    for file in (folder / "requests").glob("*.open_platform*.req.json")
    if file.name.partition(".")[0] in {slug for slug, _, _ in CASES}
)


async def send(client, file):
    """Send a request of the reference as it is, with its signature."""
    request = json.loads(file.read_text())
    response = await client.http.post(
        request["url_path"], data=request["form"], headers={"Content-Type": request["content_type"]}
    )
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("file", REQUESTS, ids=[file.stem for file in REQUESTS])
async def test_requests_of_the_reference(client, file):
    """The gateway accepts the request. An error can only be about orders that do not exist in the sandbox."""
    slug = file.name.partition(".")[0]
    body = await send(client, file)
    call = (await client.calls())[-1]
    assert (call["signature_valid"], call["invalid_argument"]) == (True, None)
    assert collect_kinds(body).keys() <= read_members(slug)
    await client.fault("*", business_error={"code": "500"})
    error = collect_kinds(await send(client, file))
    assert error.keys() <= read_members(slug)
    assert (await client.calls())[-1]["outcome"] == {"status": 200, "kind": "business_error", "code": "500"}
