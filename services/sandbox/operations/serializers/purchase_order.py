"""Serializes purchase orders as the detail and the list of orders return them.

Most amounts are yuan. `discount`, `entryDiscount` and `refundPayment` are fen.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from services.sandbox.catalog.catalog import Catalog
from services.sandbox.catalog.skus import build_skus
from services.sandbox.controls.clock import format_time
from services.sandbox.controls.variants import Variants
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.operations.serializers.carriers import find_carrier
from services.sandbox.operations.serializers.dates import format_date
from services.sandbox.operations.serializers.formatting import round_id, to_yuan
from services.sandbox.operations.serializers.parties import (
    BUYER_LOGIN_ID,
    BUYER_USER_ID,
    SELLER_DISTRICT,
    SELLER_MOBILE,
    SELLER_STREET,
    find_seller_account,
    serialize_contact,
)
from services.sandbox.trade.logistics import LogisticsOrder
from services.sandbox.trade.order_events import EventType
from services.sandbox.trade.orders import PAYMENT_TIMEOUT_MS, Order, OrderEntry, OrderStatus
from services.sandbox.trade.refunds.refund import DisputeRequest, Refund, RefundStatus

Json = dict[str, Any]

DEFAULT_FIELDS = frozenset({"GuaranteesTerms", "NativeLogistics", "OrderInvoice"})
"""The parts of a detail if the call does not choose them (includeFields)."""

# The messages have another word for this status.
_RECEIVED = "confirm_goods"
_STATUS_TEXTS = {
    "waitbuyerpay": "等待买家付款",
    "waitsellersend": "等待卖家发货",
    "waitbuyerreceive": "等待买家收货",
    _RECEIVED: "已收货",
    "success": "交易成功",
    "cancel": "交易取消",
}
_ENTRY_REFUND_STATUSES = {
    RefundStatus.WAIT_SELLER_AGREE: "WAIT_SELLER_AGREE",
    RefundStatus.WAIT_BUYER_MODIFY: "WAIT_BUYER_MODIFY",
    RefundStatus.WAIT_BUYER_SEND: "WAIT_BUYER_SEND",
    RefundStatus.WAIT_SELLER_RECEIVE: "WAIT_SELLER_RECEIVE",
    RefundStatus.SUCCESS: "REFUND_SUCCESS",
    RefundStatus.CLOSED: "REFUND_CLOSED",
}
# trade type -> name, payWay, its name, the code of the payment channel
_TRADE_TYPES = {
    "assureTrade": ("担保交易", "1", "支付宝", "alipay"),
    "creditBuy": ("诚e赊交易", "3", "诚e赊", "shegou"),
}
# the event that closes an order -> closeReason, closeOperateType
_CLOSINGS = {
    EventType.CLOSED_BY_SELLER: ("sellerGoodsLack", "CLOSE_TRADE_BY_SELLER"),
    EventType.CLOSED_BY_BACK_OFFICE: ("BUYER_NO_PAY", "CLOSE_TRADE_BY_BOPS"),
    EventType.CLOSED_AFTER_REFUND: ("other", "CLOSE_TRADE_BY_SELLER"),
}
_GUARANTEE = {"assuranceInfo": "7天包换", "assuranceType": "qtwlybt", "qualityAssuranceType": "7天包换"}
_INVOICING_SETTING = {"tradeInvoiceStatus": "0", "sellerInvoiceType": "2"}
_PHASE_OFFSET = 90_000_000_000_000
_UNIT = "件"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """What a read needs to serialize an order."""

    order: Order
    refunds: Sequence[Refund]
    logistics: Sequence[LogisticsOrder]
    catalog: Catalog
    variants: Variants
    host: str

    def date(self, epoch_ms: int) -> str:
        """Return a date in the zone of the variants."""
        return format_date(epoch_ms, self.variants)

    def event_date(self, event: EventType) -> str | None:
        """Return when an event happened for the first time; None: never."""
        occurred_ms = self.order.first_event_ms.get(event)
        return None if occurred_ms is None else self.date(occurred_ms)

    def number(self, order_or_entry_id: int) -> int:
        """Return an id as the detail shows numbers: rounded, by default."""
        return round_id(order_or_entry_id) if self.variants.rounded_ids else order_or_entry_id


def serialize_order_detail(view: OrderView, fields: Collection[str]) -> Json:
    """Return the detail of an order with these parts."""
    order = view.order
    name, _, _, _ = _TRADE_TYPES[order.terms.trade_type]
    detail_members = {
        "id": view.number(order.order_id),
        "idOfStr": str(order.order_id),
        "tradeTypeCode": order.terms.trade_type,
        "tradeTypeDesc": name,
        "couponFee": to_yuan(order.terms.red_packet_fen),
        "payTimeout": PAYMENT_TIMEOUT_MS // 1000,
        "payTimeoutType": 0,
        "sellerCreditLevel": "L1",
        "payChannelList": [],
        "payChannelCodeList": [],
        **_serialize_paid_channel(order),
        **_serialize_closing(order),
    }
    if order.terms.out_order_id is not None:
        detail_members["outOrderId"] = order.terms.out_order_id
    detail = {
        "baseInfo": _serialize_base(view) | detail_members,
        **_serialize_common(view),
        "tradeTerms": [
            term | ({"cardPay": False, "expressPay": False} if order.paid_fen else {})
            for term in _serialize_trade_terms(view)
        ],
        "productItems": _serialize_detail_entries(view),
        "fromEncryptOrder": False,
        "encryptOutOrderInfo": None,
    }
    if "NativeLogistics" in fields:
        detail["nativeLogistics"] = _serialize_receiver(view, with_contact=True) | {
            "logisticsItems": _serialize_shipments(view)
        }
    if "GuaranteesTerms" in fields:
        detail["guaranteesTerms"] = _GUARANTEE
    if "OrderInvoice" in fields:
        detail["orderInvoiceInfo"] = None
    if "InvoicingSetting" in fields:
        detail["invoicingSettingModel"] = _INVOICING_SETTING
    if "RateDetail" in fields:
        detail["orderRateInfo"] = {**detail["orderRateInfo"], "buyerRateList": [], "sellerRateList": []}
    return detail


def serialize_listed_order(view: OrderView, *, with_contact: bool, with_invoicing: bool) -> Json:
    """Return an order as the list shows it: without waybills, and without the id of the site's order.

    `with_contact`: with the receiver's address and phones.
    """
    order = view.order
    list_members = {"id": order.order_id, "idOfStr": order.order_id, "currency": "RMB"}
    base = _serialize_base(view) | list_members
    if not with_contact:
        base["receiverInfo"] = base["receiverInfo"] | {"toMobile": "", "toPhone": ""}
    listed = {
        "baseInfo": base,
        **_serialize_common(view),
        "tradeTerms": _serialize_trade_terms(view),
        "productItems": [
            _serialize_entry(view, number) | {"subItemID": entry.entry_id}
            for number, entry in enumerate(order.entries)
        ],
        "nativeLogistics": _serialize_receiver(view, with_contact=with_contact),
        "guaranteesTerms": _GUARANTEE,
        "orderInvoiceInfo": None,
    }
    return listed | ({"invoicingSettingModel": _INVOICING_SETTING} if with_invoicing else {})


def get_read_status(order: Order) -> str:
    """Return the status of an order as reads spell it."""
    return _RECEIVED if order.status is OrderStatus.RECEIVED else order.status


def _serialize_base(view: OrderView) -> Json:
    order, buyer_name = view.order, view.order.terms.address.full_name
    seller, district = find_seller_account(order.seller_member_id), order.terms.address.district
    refunded_fen = order.refunded_fen.total() + order.refunded_shipping_fee_fen
    base: Json = {
        "status": get_read_status(order),
        "businessType": "cb",
        "tradeType": "50060",
        "flowTemplateCode": order.terms.trade_type,
        "totalAmount": to_yuan(order.total_fen),
        "sumProductPayment": to_yuan(order.list_fen),
        "shippingFee": to_yuan(order.shipping_fee_fen),
        "discount": order.discount_fen,
        "refund": to_yuan(refunded_fen),
        "createTime": view.date(order.created_ms),
        "modifyTime": view.date(order.modified_ms),
        "buyerID": MEMBER_ID,
        "buyerLoginId": BUYER_LOGIN_ID,
        "buyerUserId": BUYER_USER_ID,
        "sellerID": seller.member_id,
        "sellerLoginId": seller.login_id,
        "sellerUserId": seller.user_id,
        "buyerContact": serialize_contact(buyer_name, order.terms.address.mobile, "测试公司", BUYER_LOGIN_ID),
        "sellerContact": serialize_contact("测试卖家", SELLER_MOBILE, seller.company, seller.login_id),
        "receiverInfo": {
            "toFullName": buyer_name,
            "toDivisionCode": district.code,
            "toMobile": order.terms.address.mobile,
            "toPhone": order.terms.address.phone,
            "toPost": order.terms.address.post_code,
            "toTownCode": "",
            "toArea": " ".join(filter(None, (district.text, order.terms.address.town))),
        },
        "alipayTradeId": format_alipay_trade_id(order) or "UNCREATED",
        "overSeaOrder": False,
        "sellerOrder": False,
        "stepPayAll": False,
        "remark": "",
        "buyerFeedback": order.terms.message,
    }
    for member, event in (
        ("payTime", EventType.PAID),
        ("allDeliveredTime", EventType.SHIPPED),
        ("confirmedTime", EventType.RECEIVED),
        ("completeTime", EventType.SUCCEEDED),
    ):
        if (date := view.event_date(event)) is not None:
            base[member] = date
    if order.status in (
        OrderStatus.WAIT_BUYER_PAY,
        OrderStatus.WAIT_SELLER_SEND,
        OrderStatus.WAIT_BUYER_RECEIVE,
    ):
        # A part of the entries may be received.
        base.pop("confirmedTime", None)
    if order.status is OrderStatus.CANCEL:
        base["completeTime"] = view.date(order.modified_ms)
        base["closeReason"] = _get_close_reason(order)
    if refunded_fen:
        base["refundPayment"] = refunded_fen
    for refund in view.refunds:
        if refund.is_after_sale:
            base["refundStatusForAs"] = refund.status
        else:
            base |= {"refundStatus": refund.status, "refundId": refund.refund_id}
    return base


def _serialize_common(view: OrderView) -> Json:
    """Return the parts that the detail and the list have in common."""
    pay_channel = view.order.terms.pay_channel
    return {
        "orderBizInfo": {
            "odsCyd": False,
            "creditOrder": view.order.terms.trade_type == "creditBuy",
            "dropshipping": False,
            "isCz": False,
            "isDz": False,
            "dz": False,
            "shippingInsurance": "",
            "fz": False,
            "abnormalPriceChange": False,
        },
        "orderRateInfo": {"buyerRateStatus": 5, "sellerRateStatus": 5},
        "overseasExtraAddress": None,
        "customs": None,
        "quoteList": None,
        "extAttributes": (
            [] if pay_channel is None else [{"key": "preSelectPayChannel", "value": pay_channel}]
        ),
    }


def _serialize_paid_channel(order: Order) -> Json:
    if not order.paid_fen:
        return {}
    _, _, name, code = _TRADE_TYPES[order.terms.trade_type]
    return {"payChannelList": [name], "payChannelCodeList": [code]}


def _serialize_closing(order: Order) -> Json:
    if order.status is not OrderStatus.CANCEL:
        return {}
    if EventType.CLOSED_BY_BUYER in order.first_event_ms:
        remark = {"closeRemark": order.closing.remark} if order.closing.remark else {}
        return {"closeOperateType": "CLOSE_TRADE_BY_BUYER", **remark}
    return {"closeOperateType": _CLOSINGS[_get_closing_event(order)][1]}


def _get_close_reason(order: Order) -> str:
    if EventType.CLOSED_BY_BUYER in order.first_event_ms:
        return order.closing.reason
    return _CLOSINGS[_get_closing_event(order)][0]


def _get_closing_event(order: Order) -> EventType:
    return next(event for event in _CLOSINGS if event in order.first_event_ms)


def format_alipay_trade_id(order: Order) -> str | None:
    """Return the id of the payment; None while there is none.

    An order that was closed unpaid has one, too, as in the sample of 1688.
    """
    if not order.paid_fen and order.status is not OrderStatus.CANCEL:
        return None
    return format_time(order.created_ms)[:10].replace("-", "") + f"{order.order_id:020d}"


def _serialize_trade_terms(view: OrderView) -> list[Json]:
    """Return the payment; an order that was closed unpaid has one, too, even with a time."""
    order = view.order
    is_closed_unpaid = order.status is OrderStatus.CANCEL and not order.paid_fen
    if not order.paid_fen and not is_closed_unpaid:
        return []
    term: Json = {
        "payWay": "1" if is_closed_unpaid else _TRADE_TYPES[order.terms.trade_type][1],
        "phasAmount": to_yuan(order.total_fen),
        "phase": _PHASE_OFFSET + order.order_id % 1_000_000_000_000,
    }
    if is_closed_unpaid:
        return [term | {"payStatus": "8", "payTime": view.date(order.created_ms + 3_000)}]
    seller_has_the_money = order.status in (OrderStatus.SUCCESS, OrderStatus.CANCEL)
    return [
        term
        | {
            "payStatus": "6" if seller_has_the_money else "2",
            "payTime": view.event_date(EventType.PAID),
            "payWayDesc": _TRADE_TYPES[order.terms.trade_type][2],
        }
    ]


def _serialize_detail_entries(view: OrderView) -> list[Json]:
    order = view.order
    entries = []
    for number, entry in enumerate(order.entries):
        serialized = _serialize_entry(view, number) | {
            "subItemID": view.number(entry.entry_id),
            "gmtCreate": view.date(order.created_ms),
            "gmtModified": view.date(order.modified_ms),
        }
        if number == 0 or view.variants.sub_item_texts == "all":
            serialized["subItemIDString"] = str(entry.entry_id)
        if order.status is OrderStatus.WAIT_BUYER_PAY:
            serialized["gmtPayExpireTime"] = format_time(order.created_ms + PAYMENT_TIMEOUT_MS)
        entries.append(serialized)
    return entries


def _serialize_entry(view: OrderView, number: int) -> Json:
    """Return the members of an entry that the detail and the list have in common."""
    order, entry = view.order, view.order.entries[number]
    offer = view.catalog.find(entry.offer_id)
    assert offer is not None  # noqa: S101 - orders are made of offers of the catalog
    sku = next(sku for sku in build_skus(offer) if sku.sku_id == entry.sku_id)
    status = _get_entry_status(order, entry)
    image = f"http://{view.host}/images/{offer.offer_id}/"
    serialized: Json = {
        "cargoNumber": f"T-{entry.sku_id}",
        "description": "",
        "itemAmount": to_yuan(entry.sum_fen),
        "name": entry.product_name,
        "price": to_yuan(sku.price_fen),
        "productID": entry.offer_id,
        "productImgUrl": [f"{image}1.jpg", f"{image}1.jpg"],
        "productSnapshotUrl": (
            f"https://trade.1688.com/order/offer_snapshot.htm?order_entry_id={entry.entry_id}"
        ),
        "quantity": entry.quantity,
        "refund": to_yuan(order.refunded_fen[entry.entry_id]),
        "skuID": entry.sku_id,
        "specId": sku.spec_id,
        "sort": 0,
        "status": status,
        "statusStr": _STATUS_TEXTS[status],
        "type": "common",
        "unit": _UNIT,
        "entryDiscount": entry.discount_fen,
        "quantityFactor": 1,
        "logisticsStatus": _get_logistics_status(view, entry),
        "sharePostage": to_yuan(_get_shared_shipping_fee_fen(order, number)),
        "skuInfos": [
            {"name": attribute.name.zh, "value": attribute.value.zh} for attribute in sku.attributes
        ],
        "guaranteesTerms": [_GUARANTEE | {"value": "7"}],
    }
    for refund in view.refunds:
        if entry.entry_id in refund.entry_ids:
            if refund.is_after_sale:
                serialized["refundIdForAs"] = refund.refund_id
            else:
                serialized |= {
                    "refundStatus": _ENTRY_REFUND_STATUSES[refund.status],
                    "refundId": refund.refund_id,
                }
    if order.status is OrderStatus.CANCEL:
        serialized["closeReason"] = _get_close_reason(order)
    elif status == OrderStatus.CANCEL:
        serialized["closeReason"] = "other"
    return serialized


def _get_entry_status(order: Order, entry: OrderEntry) -> str:
    if order.status in (OrderStatus.WAIT_BUYER_PAY, OrderStatus.CANCEL):
        return order.status
    if not order.remaining_fen([entry.entry_id]):
        return OrderStatus.CANCEL
    if order.status is OrderStatus.SUCCESS:
        return OrderStatus.SUCCESS
    if entry.entry_id in order.received:
        return _RECEIVED
    return OrderStatus.WAIT_BUYER_RECEIVE if entry.entry_id in order.shipped else OrderStatus.WAIT_SELLER_SEND


def _get_logistics_status(view: OrderView, entry: OrderEntry) -> int:
    """Return 1: not shipped, 2: shipped, 3: received, 4: returned."""
    returned = any(
        refund.status is RefundStatus.SUCCESS
        and refund.dispute_request is DisputeRequest.RETURN_REFUND
        and entry.entry_id in refund.entry_ids
        for refund in view.refunds
    )
    if returned:
        return 4
    if entry.entry_id in view.order.received:
        return 3
    return 2 if entry.entry_id in view.order.shipped else 1


def _get_shared_shipping_fee_fen(order: Order, number: int) -> int:
    """Return the entry's share of the shipping fee. The first entry gets the remainder."""
    share_fen, remainder_fen = divmod(order.shipping_fee_fen, len(order.entries))
    return share_fen + (remainder_fen if number == 0 else 0)


def _serialize_receiver(view: OrderView, *, with_contact: bool) -> Json:
    address = view.order.terms.address
    contact = {"mobile": address.mobile, "telephone": address.phone, "address": address.street}
    return {
        "contactPerson": address.full_name,
        "province": address.district.province,
        "city": address.district.city,
        "area": address.district.area,
        "areaCode": address.district.code,
        "town": address.town,
        "townCode": "",
        "zip": address.post_code,
        **(contact if with_contact else {}),
    }


def _serialize_shipments(view: OrderView) -> list[Json] | None:
    """Return the logistics orders; None before the first shipment."""
    return [_serialize_shipment(view, shipment) for shipment in view.logistics] or None


def _serialize_shipment(view: OrderView, shipment: LogisticsOrder) -> Json:
    address, carrier = view.order.terms.address, find_carrier(shipment)
    shipped = view.date(shipment.created_ms)
    serialized: Json = {
        "id": int(shipment.logistics_id.removeprefix("LP")),
        "logisticsCode": shipment.logistics_id,
        "logisticsBillNo": shipment.waybill.mail_no,
        "logisticsCompanyId": carrier and carrier.company_id,
        "logisticsCompanyNo": carrier and shipment.waybill.cp_code,
        "logisticsCompanyName": carrier and carrier.name,
        "type": "0" if carrier else "2",
        "status": "alreadysend",
        "subItemIds": ",".join(map(str, shipment.entry_ids)),
        "deliveredTime": shipped,
        "gmtCreate": shipped,
        "gmtModified": shipped,
        # The first shipment carries the shipping fee of the order.
        "carriage": to_yuan(view.order.shipping_fee_fen if shipment is view.logistics[0] else 0),
        "fromProvince": SELLER_DISTRICT.province,
        "fromCity": SELLER_DISTRICT.city,
        "fromArea": SELLER_DISTRICT.area,
        "fromAddress": SELLER_STREET,
        "fromPhone": "",
        "fromMobile": SELLER_MOBILE,
        "fromPost": "000000",
        "toProvince": address.district.province,
        "toCity": address.district.city,
        "toArea": address.district.area,
        "toAddress": address.street,
        "toPhone": address.phone,
        "toMobile": address.mobile,
        "toPost": address.post_code,
    }
    return serialized if carrier else serialized | {"noLogisticsCondition": "3"}
