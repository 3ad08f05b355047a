"""Purchase orders: the detail, the list, the cancellation, and the confirmation of a receipt."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.controls.variants import DetailSuccess, Variants
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import BusinessError, Envelope, InvalidArgument
from services.sandbox.operations.registry import trade_operation
from services.sandbox.operations.schemas.period import parse_period
from services.sandbox.operations.serializers.purchase_order import (
    DEFAULT_FIELDS,
    OrderView,
    get_read_status,
    serialize_listed_order,
    serialize_order_detail,
)
from services.sandbox.trade.order_state_machine import InvalidTransition, OrderTransition
from services.sandbox.trade.orders import Order, OrderClosing, OrderStatus
from services.sandbox.trade.refunds.refund import RefundStatus

WEB_SITE = "1688"
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
"""An assumption: 1688 documents no limit. Clients use up to 100."""
CLOSE_REASONS = frozenset({"buyerCancel", "sellerGoodsLack", "other"})
LIST_STATUSES = frozenset({"success", "cancel", "waitbuyerpay", "waitsellersend", "waitbuyerreceive"})
_FINAL_STATUSES = frozenset({OrderStatus.SUCCESS, OrderStatus.CANCEL})

_NOT_THE_BUYERS_ORDER = ("order.nopermission.buyer", "没有权限")
_DETAIL = Envelope(
    wrap_payload=lambda payload: payload,
    wrap_error=lambda error: {
        "success": "false",
        "errorCode": error.code,
        "errorMessage": error.message,
    },
)
_CANCELLATION = Envelope(
    wrap_payload=lambda payload: {"success": True, "errorCode": None, "errorMessage": None},
    wrap_error=envelopes.FLAT_ERROR_MESSAGE.wrap_error,
)
_DETAIL_SUCCESS: Mapping[DetailSuccess, Mapping[str, Any]] = {
    "text": {"success": "true"},
    "boolean": {"success": True},
    "absent": {},
}


@trade_operation("alibaba.trade.get.buyerView", _DETAIL, required=("webSite", "orderId"))
async def get_order(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the detail of an order."""
    check_web_site(arguments)
    order = find_readable_order(context, arguments)
    chosen = arguments.string("includeFields")
    fields = set(chosen.split(",")) if chosen else DEFAULT_FIELDS
    detail = serialize_order_detail(_build_view(context, arguments, order), fields)
    return {"result": detail, **_DETAIL_SUCCESS[context.state.variants.detail_success]}


@trade_operation("alibaba.trade.getBuyerOrderList", envelopes.NO_FLAG, invalid_argument=("500", "参数错误"))
async def list_orders(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a page of the buyer's orders, the newest first."""
    page, page_size = _parse_page(arguments)
    matches = _build_filter(context, arguments)
    orders = [order for order in context.state.order_store.orders if matches(order)]
    return {
        "result": [
            serialize_listed_order(
                _build_view(context, arguments, order),
                with_contact=arguments.boolean("needBuyerAddressAndPhone"),
                with_invoicing=arguments.boolean("needInvoicingSetting"),
            )
            for order in orders[(page - 1) * page_size : page * page_size]
        ],
        "totalRecord": len(orders),
    }


@trade_operation("alibaba.trade.cancel", _CANCELLATION, required=("webSite", "tradeID", "cancelReason"))
async def cancel_order(context: SandboxContext, arguments: Arguments) -> Any:
    """Close an order that was not paid."""
    check_web_site(arguments)
    reason = arguments.string("cancelReason") or ""
    if reason not in CLOSE_REASONS:
        raise InvalidArgument(f"cancelReason: must be one of {', '.join(sorted(CLOSE_REASONS))}")
    order = context.state.order_store.find_order(arguments.integer("tradeID") or 0)
    if order is None:
        raise BusinessError("ORDER_NOT_EXIST", "订单不存在")
    if not order.flags.owned_by_buyer:
        raise BusinessError("400_3", "没有权限操作该订单")
    age_ms = context.state.clock.now_ms() - order.created_ms
    if order.status is OrderStatus.WAIT_BUYER_PAY and age_ms < context.state.variants.cancel_delay_ms:
        raise BusinessError("CLOSE_ORDER_TOO_FAST", "创建未满10秒")
    closing = OrderClosing(reason=reason, remark=arguments.string("remark") or "")
    try:
        context.state.order_store.close(order, closing)
    except InvalidTransition as invalid:
        raise BusinessError("ORDER_STATUS_ERROR", "订单状态不允许取消") from invalid
    return True


@trade_operation("trade.receivegoods.confirm", envelopes.CONFIRMATION, required=("orderId", "orderEntryIds"))
async def confirm_receipt(context: SandboxContext, arguments: Arguments) -> Any:
    """Confirm the receipt of all or some entries. 1688 documents no error for entries or for a status."""
    order = context.state.order_store.find_order(arguments.integer("orderId") or 0)
    if order is None or not order.flags.owned_by_buyer:
        raise BusinessError("4003", "订单信息不存在")
    entry_ids = _parse_entry_ids(arguments)
    if not entry_ids or not set(entry_ids) <= set(order.entry_ids):
        raise InvalidArgument("orderEntryIds: must be entries of the order")
    try:
        context.state.order_store.transition(order, OrderTransition.RECEIVE, entry_ids)
    except InvalidTransition as invalid:
        raise InvalidArgument(f"orderEntryIds: {invalid}") from invalid
    return True


def check_web_site(arguments: Arguments) -> None:
    """Raise InvalidArgument unless the call names the only site."""
    if arguments.string("webSite") != WEB_SITE:
        raise InvalidArgument("webSite: must be 1688")


def find_readable_order(context: SandboxContext, arguments: Arguments) -> Order:
    """Return the buyer's order. Raises BusinessError: 1688 has one documented code for any other order."""
    order = context.state.order_store.find_order(arguments.integer("orderId") or 0)
    if order is None or not order.flags.owned_by_buyer:
        raise BusinessError(*_NOT_THE_BUYERS_ORDER)
    return order


def _build_view(context: SandboxContext, arguments: Arguments, order: Order) -> OrderView:
    return OrderView(
        order=order,
        refunds=context.state.order_store.list_refunds(order),
        logistics=context.state.order_store.list_logistics(order),
        catalog=context.catalog,
        variants=context.state.variants,
        host=arguments.host,
    )


def _parse_entry_ids(arguments: Arguments) -> list[int]:
    """Return the ids: a list, or one bare number as in the example of the document."""
    text = (arguments.string("orderEntryIds") or "").strip()
    return [json.loads(text)] if text.isdecimal() else arguments.integers("orderEntryIds")


def _parse_page(arguments: Arguments) -> tuple[int, int]:
    page = arguments.integer("page")
    page_size = arguments.integer("pageSize")
    page = 1 if page is None else page
    page_size = DEFAULT_PAGE_SIZE if page_size is None else page_size
    if page < 1 or not 1 <= page_size <= MAX_PAGE_SIZE:
        raise InvalidArgument("page, pageSize")
    return page, page_size


def _build_filter(context: SandboxContext, arguments: Arguments) -> Callable[[Order], bool]:
    """Return the condition for an order to be listed. Raises InvalidArgument."""
    variants, now_ms = context.state.variants, context.state.clock.now_ms()
    status, refund_status = arguments.string("orderStatus"), arguments.string("refundStatus")
    if status and status not in LIST_STATUSES:
        raise InvalidArgument("orderStatus")
    if refund_status and refund_status not in list(RefundStatus):
        raise InvalidArgument("refundStatus")
    order_ids = set(arguments.integers("orderIds"))
    out_order_id = None if variants.list_ignores_out_order_id else arguments.string("outOrderId")
    created = parse_period(arguments, "createStartTime", "createEndTime")
    modified = parse_period(arguments, "modifyStartTime", "modifyEndTime")
    from_history = arguments.boolean("isHis")
    seller, product = arguments.string("sellerMemberId"), arguments.string("productName") or ""

    def matches(order: Order) -> bool:
        return (
            order.flags.owned_by_buyer
            and order.created_ms + variants.list_delay_ms <= now_ms
            and _is_history(order, variants, now_ms) is from_history
            and (not status or get_read_status(order) == status)
            and (not order_ids or order.order_id in order_ids)
            and (not out_order_id or order.terms.out_order_id == out_order_id)
            and created.contains(order.created_ms)
            and modified.contains(order.modified_ms)
            and (not seller or order.seller_member_id == seller)
            and any(product in entry.product_name for entry in order.entries)
            and (
                not refund_status
                or any(
                    refund.status == refund_status and not refund.is_after_sale
                    for refund in context.state.order_store.list_refunds(order)
                )
            )
        )

    return matches


def _is_history(order: Order, variants: Variants, now_ms: int) -> bool:
    return order.status in _FINAL_STATUSES and now_ms - order.modified_ms > variants.history_age_ms
