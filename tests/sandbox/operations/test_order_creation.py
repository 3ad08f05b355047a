import contextlib

import httpx
import pytest

from tests.sandbox.operations.buyer import ITEM, line, other_sellers_line, skus_of, sold_out_line
from tests.sandbox.operations.purchase_reference import read_sample


async def order_count(buyer):
    return (await buyer.client.state())["orders"]


async def test_preview_has_the_prices_of_the_product_detail(buyer):
    detail = await buyer.client.detail(ITEM.offer_id)
    chosen = line(1, quantity=3)
    (price,) = [sku["price"] for sku in detail["productSkuInfos"] if sku["specId"] == chosen["specId"]]
    body = await buyer.preview(chosen)
    (order,) = body["orderPreviewResuslt"]
    (cargo,) = order["cargoList"]
    assert f"{cargo['finalUnitPrice']:.2f}" == price
    # The lines are in yuan, and the totals in fen.
    assert order["sumPaymentNoCarriage"] == round(float(price) * 100) * 3
    assert cargo["amount"] * 100 == order["sumPaymentNoCarriage"]
    assert order["sumPayment"] == order["sumPaymentNoCarriage"] + order["sumCarriage"]


async def test_preview_creates_nothing(buyer):
    await buyer.preview(line())
    assert await order_count(buyer) == 0


async def test_created_order_costs_what_its_preview_says(buyer):
    lines = [line(), line(1)]
    (preview,) = (await buyer.preview(*lines))["orderPreviewResuslt"]
    created = await buyer.create(*lines, flow=preview["flowFlag"], tradeType=preview["tradeModeNameList"][0])
    assert created["result"]["totalSuccessAmount"] == preview["sumPayment"]
    assert created["result"]["postFee"] == preview["sumCarriage"]
    order = (await buyer.detail(created["result"]["orderId"]))["result"]["baseInfo"]
    assert order["totalAmount"] * 100 == preview["sumPayment"]


async def test_preview_of_a_requested_flow(buyer):
    (order,) = (await buyer.preview(line(), flow="boutiquepifa"))["orderPreviewResuslt"]
    assert order["flowFlag"] == "boutiquepifa"


async def test_preview_of_a_sold_out_line(buyer):
    body = await buyer.preview(sold_out_line())
    (order,) = body["orderPreviewResuslt"]
    sample = read_sample("create_order_preview/order_refused")["orderPreviewResuslt"][0]
    assert body["success"] is True
    for member in ("status", "resultCode", "message", "tradeModeNameList", "sumPayment"):
        assert order[member] == sample[member]
    assert order["cargoList"][0]["amount"] > 0


async def test_offer_that_only_the_web_checkout_can_order(buyer):
    await buyer.client.put("variants", web_checkout_offers=[ITEM.offer_id])
    (order,) = (await buyer.preview(line()))["orderPreviewResuslt"]
    assert (order["status"], order["tradeModeNameList"]) == (True, [])
    assert not any(model["opSupport"] for model in order["tradeModelList"])
    assert "not support tradeType" in (await buyer.create(line()))["result"]["message"]
    assert await order_count(buyer) == 0


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line(offerId=7)], "500_001"),
        ([line(specId="")], "500_002"),
        ([line(), other_sellers_line()], "500_002"),
        ([line(specId=other_sellers_line()["specId"])], "500_003"),
        # A SKU is named by its specId, and not by its id.
        ([line(specId=str(skus_of(ITEM, in_stock=True)[0].sku_id))], "500_003"),
        ([line(quantity=1)], "500_005"),
    ],
)
async def test_errors_of_lines(buyer, lines, code):
    preview, creation = await buyer.preview(*lines), await buyer.create(*lines)
    assert preview.keys() == read_sample("create_order_preview/refused").keys()
    assert (preview["success"], preview["errorCode"]) == (False, code)
    assert creation.keys() == read_sample("create_cross_order/fail").keys()
    assert (creation["success"], creation["code"]) == (False, code)
    assert await order_count(buyer) == 0


async def test_text_of_an_error_names_the_line(buyer):
    chosen = line(quantity=1)
    error = (await buyer.preview(chosen))["errorMsg"]
    assert error == f"[{chosen['offerId']}_{chosen['specId']}] 低于起订量"


async def test_sold_out_line_fails_a_creation(buyer):
    body = await buyer.create(line(), sold_out_line())
    assert (body["success"], body["code"]) == (False, "500_004")
    assert await order_count(buyer) == 0


async def test_consignment_flow_without_a_relation(buyer):
    assert (await buyer.preview(line(), flow="saleproxy"))["errorCode"] == "500_007"
    assert (await buyer.create(line(), flow="saleproxy"))["code"] == "500_007"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"addressParam": {"addressId": 7}}, "400"),
        ({"addressParam": {}}, "400"),
        ({"addressParam": "x"}, "400"),
        ({"addressParam": {"districtCode": "330108", "address": "1"}}, "400"),
        ({"cargoParamList": []}, "400"),
        ({"cargoParamList": [7]}, "400"),
        ({"cargoParamList": [line()] * 51}, "400"),
        ({"cargoParamList": [line(quantity=0)]}, "400"),
        ({"cargoParamList": [line(quantity=1.5)]}, "400"),
        ({"cargoParamList": [line(quantity="10")]}, "400"),
        ({"cargoParamList": [line(offerId="7")]}, "400"),
        ({"message": "x" * 501}, "400"),
    ],
)
async def test_invalid_creations(buyer, changes, code):
    body = await buyer.create(line(), **changes)
    assert (body["success"], body["code"]) == (False, code)
    assert await order_count(buyer) == 0


async def test_unknown_saved_address(buyer):
    assert await buyer.create(line(), addressParam={"addressId": 7}) == read_sample("create_cross_order/fail")


@pytest.mark.parametrize("member", ["flow", "addressParam", "cargoParamList"])
async def test_required_arguments(buyer, member):
    arguments = {"flow": "general", "addressParam": {"addressId": 1000000001}, "cargoParamList": [line()]}
    del arguments[member]
    body = await buyer.call("alibaba.trade.createCrossOrder", **arguments)
    assert body["error_message"] == f"Required argument {member}"


FULL_ADDRESS = {
    "fullName": "测试收件人",
    "mobile": "13000000005",
    "address": "测试路5号",
    "provinceText": "上海",
    "cityText": "上海市",
    "areaText": "长宁区",
}


@pytest.mark.parametrize(
    ("address", "area_code", "street"),
    [
        ({"addressId": 1000000001}, "330108", "测试路1号"),
        (FULL_ADDRESS, "310105", "测试路5号"),
        # An id precedes a code, and a code precedes names.
        (FULL_ADDRESS | {"addressId": 1000000002}, "441900", "测试路3号"),
        (FULL_ADDRESS | {"districtCode": "440106"}, "440106", "测试路5号"),
        (FULL_ADDRESS | {"areaText": "青浦区"}, "", "测试路5号"),
    ],
)
async def test_addresses(buyer, address, area_code, street):
    order_id = await buyer.order(addressParam=address)
    receiver = (await buyer.detail(order_id))["result"]["nativeLogistics"]
    assert (receiver["areaCode"], receiver["address"]) == (area_code, street)


async def test_unsupported_trade_type(buyer):
    body = await buyer.create(line(), tradeType="nzassure")
    assert body == read_sample("create_cross_order/fail_trade_type")
    assert await order_count(buyer) == 0


async def test_creation_without_a_trade_type_uses_credit(buyer):
    body = await buyer.call(
        "alibaba.trade.createCrossOrder",
        flow="general",
        addressParam={"addressId": 1000000001},
        cargoParamList=[line()],
    )
    order_id = body["result"]["orderId"]
    detail = (await buyer.detail(order_id))["result"]
    assert (detail["baseInfo"]["tradeTypeCode"], detail["orderBizInfo"]["creditOrder"]) == ("creditBuy", True)
    await buyer.client.transition("orders", order_id, "pay")
    assert (await buyer.detail(order_id))["result"]["tradeTerms"][0]["payWay"] == "3"


async def test_order_without_its_envelope_and_with_a_false_flag(buyer):
    await buyer.client.put("variants", flat_creation=True)
    body = await buyer.create(line())
    assert body["success"] is False
    assert read_sample("create_cross_order/flat_success_false").keys() <= body.keys()
    assert (await buyer.detail(body["orderId"]))["result"]["baseInfo"]["idOfStr"] == body["orderId"]


async def test_several_orders_of_one_creation(buyer):
    await buyer.client.put("variants", several_sellers="split")
    previews = (await buyer.preview(line(), other_sellers_line()))["orderPreviewResuslt"]
    body = await buyer.create(line(), other_sellers_line(), line(1), outOrderId="A")
    assert body["result"].keys() == read_sample("create_cross_order/several")["result"].keys()
    first, second = body["result"]["orderList"]
    assert len((await buyer.detail(first["orderId"]))["result"]["productItems"]) == 2
    assert second["orderAmmount"] == previews[1]["sumPayment"]
    assert second["orderAmmount"] == second["sumPaymentNoCarriageFromClient"] + second["postFee"]
    for order in (first, second):
        assert (await buyer.detail(order["orderId"]))["result"]["baseInfo"]["outOrderId"] == "A"
    assert await buyer.listed_ids(outOrderId="A") == [int(second["orderId"]), int(first["orderId"])]


async def test_failed_line_beside_an_order(buyer):
    await buyer.client.put("variants", invalid_lines="omit")
    body = await buyer.create(line(), sold_out_line())
    (failed,) = body["result"]["failedOfferList"]
    assert failed == {
        "offerId": str(sold_out_line()["offerId"]),
        "specId": sold_out_line()["specId"],
        "errorCode": "500_004",
        "errorMessage": "库存不足",
    }
    (entry,) = (await buyer.detail(body["result"]["orderId"]))["result"]["productItems"]
    assert entry["specId"] == line()["specId"]


async def test_all_lines_failed(buyer):
    await buyer.client.put("variants", invalid_lines="omit")
    body = await buyer.create(sold_out_line())
    assert (body["success"], body["result"]["success"], len(body["result"]["failedOfferList"])) == (
        False,
        False,
        1,
    )
    assert await order_count(buyer) == 0


async def test_second_creation_with_the_same_out_order_id(buyer):
    """It is not documented. By default, it makes a second order: the worst case."""
    first, second = await buyer.order(outOrderId="A"), await buyer.order(outOrderId="A")
    assert first != second
    await buyer.client.put("variants", repeated_out_order_id="same_order")
    body = await buyer.create(line(), outOrderId="A")
    assert [order["orderId"] for order in body["result"]["orderList"]] == [str(first), str(second)]
    third = await buyer.order(outOrderId="B")
    assert await buyer.order(outOrderId="B") == third
    for out_order_id, order_ids in (("A", [first, second]), ("B", [third])):
        orders = (await buyer.client.admin(f"orders?out_order_id={out_order_id}"))["orders"]
        assert [order["order_id"] for order in orders] == order_ids


async def test_mark_of_a_pay_channel(buyer):
    order_id = await buyer.order(preSelectPayChannel="alipay")
    attributes = (await buyer.detail(order_id))["result"]["extAttributes"]
    assert attributes == [{"key": "preSelectPayChannel", "value": "alipay"}]


async def test_message_of_a_new_order(buyer, receiver):
    order_id = await buyer.order(message="请尽快发货")
    (message,) = await receiver.messages(1)
    assert (message["type"], message["data"]["orderId"]) == ("ORDER_BUYER_VIEW_BUYER_MAKE", order_id)
    assert (await buyer.detail(order_id))["result"]["baseInfo"]["buyerFeedback"] == "请尽快发货"


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "after_request"},
        {"truncate": 10},
        {"malformed": True},
        {"business_error": {"code": "500", "after_request": True}},
    ],
)
async def test_lost_response_of_a_creation(buyer, fault):
    """The order exists, and the list finds it."""
    await buyer.client.fault("alibaba.trade.createCrossOrder", **fault)
    response = None
    with contextlib.suppress(httpx.TransportError, ValueError):
        response = await buyer.create(line(), outOrderId="A")
    assert response is None or (response["success"], response["code"]) == (False, "500")
    (order_id,) = await buyer.listed_ids(outOrderId="A")
    assert (await buyer.detail(order_id))["result"]["baseInfo"]["outOrderId"] == "A"


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "before_request"},
        {"gateway_error": "gw.QosAppFrequencyLimit"},
        {"status": 503},
        {"business_error": {"code": "500"}},
    ],
)
async def test_creation_that_does_not_run(buyer, fault):
    await buyer.client.fault("alibaba.trade.createCrossOrder", **fault)
    with contextlib.suppress(httpx.TransportError, ValueError):
        await buyer.create(line(), outOrderId="A")
    assert await buyer.listed_ids(outOrderId="A") == []


def fen(yuan):
    return round(yuan * 100)


async def reduce_prices(buyer, **changes):
    usual = {
        "promoted_offers": [ITEM.offer_id],
        "shop_promotions": [{"discount_fen": 150}, {"discount_fen": 90, "free_postage": True}],
        "red_packet_fen": 70,
    }
    await buyer.client.put("variants", **usual | changes)


async def preview_one(buyer, *lines):
    (order,) = (await buyer.preview(*lines))["orderPreviewResuslt"]
    return order


async def test_promotion_of_an_offer_is_in_the_price_of_its_lines(buyer):
    chosen = line(quantity=7)
    plain = await preview_one(buyer, chosen)
    await reduce_prices(buyer, shop_promotions=[], red_packet_fen=0)
    order = await preview_one(buyer, chosen)
    (cargo,) = order["cargoList"]
    (promotion,) = cargo["cargoPromotionList"]
    price_fen = fen(plain["cargoList"][0]["finalUnitPrice"])
    assert fen(cargo["finalUnitPrice"]) == price_fen * 97 // 100
    assert fen(cargo["amount"]) == order["sumPaymentNoCarriage"] == price_fen * 97 // 100 * 7
    assert promotion["discountFee"] == plain["sumPaymentNoCarriage"] - order["sumPaymentNoCarriage"] > 0
    assert promotion["selected"] is True
    assert (plain["taoSampleSinglePromotion"], order["taoSampleSinglePromotion"]) == (True, False)
    assert (order["discountFee"], order["shopPromotionList"]) == (None, [])
    assert "totalFundUsageAmount" not in order


async def test_first_promotion_of_the_seller_applies(buyer):
    plain = await preview_one(buyer, line(), line(1))
    await reduce_prices(buyer, promoted_offers=[], red_packet_fen=0)
    order = await preview_one(buyer, line(), line(1))
    assert order["discountFee"] == 150
    assert order["sumPaymentNoCarriage"] == plain["sumPaymentNoCarriage"] - 150
    assert sum(fen(cargo["amount"]) for cargo in order["cargoList"]) == order["sumPaymentNoCarriage"]
    assert order["sumPayment"] == order["sumPaymentNoCarriage"] + order["sumCarriage"]
    assert [
        (promotion["selected"], promotion["discountFee"], promotion["freePostage"])
        for promotion in order["shopPromotionList"]
    ] == [(True, 150, False), (False, 90, True)]
    created = await buyer.create(line(), line(1))
    assert created["result"]["totalSuccessAmount"] == order["sumPayment"]


async def test_chosen_promotion_of_the_seller_applies(buyer):
    plain = await preview_one(buyer, line())
    await reduce_prices(buyer, promoted_offers=[], red_packet_fen=0)
    chosen = (await preview_one(buyer, line()))["shopPromotionList"][1]["promotionId"]
    created = (await buyer.create(line(), shopPromotionId=chosen))["result"]
    assert (created["totalSuccessAmount"], created["postFee"]) == (plain["sumPaymentNoCarriage"] - 90, 0)
    assert plain["sumCarriage"] > 0
    assert (await buyer.create(line(), shopPromotionId="x"))["code"] == "400"


async def test_red_packets_are_spent_unless_the_creation_excludes_them(buyer):
    await reduce_prices(buyer, promoted_offers=[], shop_promotions=[])
    order = await preview_one(buyer, line(), line(1))
    assert order["totalFundUsageAmount"] == 70
    assert (
        sum(
            cargo["totalFundUsageAmount"] for cargo in order["cargoList"] if cargo.get("totalFundUsageAmount")
        )
        == 70
    )
    for arguments, red_packet_fen in (({}, 70), ({"useRedEnvelope": "y"}, 70), ({"useRedEnvelope": "n"}, 0)):
        created = (await buyer.create(line(), line(1), **arguments))["result"]
        assert created["totalSuccessAmount"] == order["sumPayment"] - red_packet_fen
        detail = (await buyer.detail(created["orderId"]))["result"]
        base = detail["baseInfo"]
        assert fen(base["couponFee"]) == red_packet_fen
        assert fen(base["totalAmount"]) == created["totalSuccessAmount"]
        # The only sum that holds.
        items_fen = sum(fen(item["itemAmount"]) for item in detail["productItems"])
        assert fen(base["totalAmount"]) == items_fen + fen(base["shippingFee"])


async def test_promotions_are_neither_a_discount_nor_a_lower_price_of_the_entry(buyer):
    plain = await preview_one(buyer, line())
    await reduce_prices(buyer)
    detail = (await buyer.detail(await buyer.order()))["result"]
    (item,) = detail["productItems"]
    assert (detail["baseInfo"]["discount"], item["entryDiscount"]) == (0, 0)
    assert item["price"] == plain["cargoList"][0]["finalUnitPrice"]
    assert fen(detail["baseInfo"]["sumProductPayment"]) == plain["sumPaymentNoCarriage"]


async def test_reductions_leave_a_fen_of_each_line(buyer):
    await reduce_prices(buyer, shop_promotions=[{"discount_fen": 10**9}], red_packet_fen=10**9)
    order_id = await buyer.order(lines=[line(), line(1)])
    detail = (await buyer.detail(order_id))["result"]
    assert [fen(item["itemAmount"]) for item in detail["productItems"]] == [1, 1]
    assert fen(detail["baseInfo"]["couponFee"]) == 0


async def test_order_that_cannot_be_placed_has_no_reductions(buyer):
    await reduce_prices(buyer, promoted_offers=[sold_out_line()["offerId"]])
    order = await preview_one(buyer, sold_out_line())
    sample = read_sample("create_order_preview/order_refused")["orderPreviewResuslt"][0]
    for member in ("sumPayment", "discountFee", "taoSampleSinglePromotion", "shopPromotionList"):
        assert order[member] == sample[member]
    assert order["cargoList"][0]["cargoPromotionList"] == []
