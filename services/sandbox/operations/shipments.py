"""Shipments of an order: its logistics orders, and their traces."""

from collections.abc import Mapping
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.controls.clock import format_time
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import BusinessError
from services.sandbox.operations.purchase_orders import check_web_site, find_readable_order
from services.sandbox.operations.registry import LOGISTICS, trade_operation
from services.sandbox.operations.serializers.carriers import find_carrier
from services.sandbox.operations.serializers.formatting import round_id
from services.sandbox.operations.serializers.parties import (
    SELLER_DISTRICT,
    SELLER_MOBILE,
    SELLER_NAME,
    SELLER_STREET,
)
from services.sandbox.trade.addresses import District
from services.sandbox.trade.logistics import LogisticsOrder, LogisticsStatus

MAX_TRACE_AGE_MS = 365 * 24 * 3600 * 1000

_NOT_SHIPPED = ("500_2", "订单尚未发货，暂无物流详情")
_NO_TRACE_TEXT = "该订单没有物流跟踪信息。"
_NO_TRACE = ("404", "暂无轨迹")
_TOO_OLD = ("order.createtime.history", "订单超过一年")

# The status words of the messages -> those of the read. 1688 documents both lists, and not how they belong
# together.
_READ_STATUSES: Mapping[LogisticsStatus, str] = {
    LogisticsStatus.CONSIGN: "WAITACCEPT",
    LogisticsStatus.ACCEPT: "ACCEPT",
    LogisticsStatus.TRANSPORT: "TRANSPORT",
    LogisticsStatus.DELIVERING: "TRANSPORT",
    LogisticsStatus.AGENT_SIGN: "TRANSPORT",
    LogisticsStatus.SIGN: "SIGN",
    LogisticsStatus.FAILED: "UNSIGN",
}
_TRACE_TEXTS: Mapping[LogisticsStatus, str] = {
    LogisticsStatus.CONSIGN: "商家已发货",
    LogisticsStatus.ACCEPT: "已揽收",
    LogisticsStatus.TRANSPORT: "到达 杭州 中转站",
    # Real traces have the names and phones of couriers.
    LogisticsStatus.DELIVERING: "派送中，快递员：测试快递员，电话：13000000004",
    LogisticsStatus.AGENT_SIGN: "已由代收点签收",
    LogisticsStatus.SIGN: "已签收",
    LogisticsStatus.FAILED: "派送失败",
}


@trade_operation(
    "alibaba.trade.getLogisticsInfos.buyerView",
    envelopes.FLAT_ERROR_MESSAGE,
    namespace=LOGISTICS,
    required=("orderId", "webSite"),
)
async def get_logistics_orders(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the logistics orders of an order."""
    check_web_site(arguments)
    order = find_readable_order(context, arguments)
    visible_until_ms = context.state.clock.now_ms() - context.state.variants.logistics_delay_ms
    visible = [
        logistics
        for logistics in context.state.order_store.list_logistics(order)
        if logistics.created_ms <= visible_until_ms
    ]
    if not visible:
        raise BusinessError(*_NOT_SHIPPED)
    return {"result": [_serialize(logistics, context.state.variants.goods_list) for logistics in visible]}


@trade_operation(
    "alibaba.trade.getLogisticsTraceInfo.buyerView",
    envelopes.FLAT_ERROR_MESSAGE,
    namespace=LOGISTICS,
    required=("orderId", "webSite"),
)
async def get_traces(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the traces of one logistics order, or of all of an order."""
    check_web_site(arguments)
    order = find_readable_order(context, arguments)
    if context.state.clock.now_ms() - order.created_ms > MAX_TRACE_AGE_MS:
        raise BusinessError(*_TOO_OLD)
    logistics_id = arguments.string("logisticsId")
    chosen = [
        logistics
        for logistics in context.state.order_store.list_logistics(order)
        if logistics_id in (None, "", logistics.logistics_id)
    ]
    traced = [logistics for logistics in chosen if logistics.reached_ms]
    if traced:
        rounded = context.state.variants.rounded_ids
        return {"logisticsTrace": [_serialize_trace(logistics, rounded=rounded) for logistics in traced]}
    if context.state.variants.empty_trace == "code" or (logistics_id and not chosen):
        raise BusinessError(*_NO_TRACE)
    return {"errorMessage": _NO_TRACE_TEXT}


def _serialize(logistics: LogisticsOrder, goods_list: str) -> dict[str, Any]:
    entries = logistics.order.select_entries(logistics.entry_ids)
    carrier, address = find_carrier(logistics), logistics.order.terms.address
    statuses = logistics.statuses
    return {
        "logisticsId": logistics.logistics_id,
        "logisticsBillNo": logistics.waybill.mail_no,
        "orderEntryIds": ",".join(map(str, logistics.entry_ids)),
        "status": _READ_STATUSES[statuses[-1]] if statuses else ("WAITACCEPT" if carrier else "SIGN"),
        "logisticsCompanyId": carrier and str(carrier.company_id),
        "logisticsCompanyName": carrier and carrier.name,
        "logisticsCompanyNo": carrier and logistics.waybill.cp_code,
        "remarks": "",
        "serviceFeature": "",
        "sendGoods": [
            {"goodName": entry.product_name, "quantity": str(entry.quantity), "unit": "件"}
            for entry in entries
        ],
        goods_list: [
            {
                "logisticsId": logistics.logistics_id,
                "tradeOrderId": logistics.order.order_id,
                "tradeOrderItemId": entry.entry_id,
                "quantity": float(entry.quantity),
                "unit": "件",
                "productName": entry.product_name,
                "description": entry.sku_name,
            }
            for entry in entries
        ],
        "receiver": _serialize_contact(
            "receiver", address.full_name, address.mobile, address.phone, address.district, address.street
        ),
        "sender": _serialize_contact(
            "sender", SELLER_NAME, SELLER_MOBILE, "", SELLER_DISTRICT, SELLER_STREET
        ),
    }


def _serialize_contact(
    role: str, name: str, mobile: str, phone: str, district: District, street: str
) -> dict[str, Any]:
    """Return a receiver or a sender. 1688 calls the district a county."""
    return {
        f"{role}Name": name,
        f"{role}Phone": phone,
        f"{role}Mobile": mobile,
        f"{role}Province": district.province,
        f"{role}City": district.city,
        f"{role}County": district.area,
        f"{role}ProvinceCode": f"{district.code[:2]}0000" if district.code else "",
        f"{role}CityCode": f"{district.code[:4]}00" if district.code else "",
        f"{role}CountyCode": district.code,
        f"{role}Address": street,
        "encrypt": "CN",
    }


def _serialize_trace(logistics: LogisticsOrder, *, rounded: bool) -> dict[str, Any]:
    order_id = logistics.order.order_id
    return {
        "logisticsId": logistics.logistics_id,
        "orderId": round_id(order_id) if rounded else order_id,
        "logisticsBillNo": logistics.waybill.mail_no,
        "logisticsSteps": [
            {"acceptTime": format_time(reached_ms), "remark": _TRACE_TEXTS[status]}
            for status, reached_ms in logistics.reached_ms.items()
        ],
    }
