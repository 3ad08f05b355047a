"""Reads of refunds: one, those of an order, a list, and the steps of one."""

import json
from typing import Any

from services.sandbox.context import SandboxContext
from services.sandbox.http import envelopes
from services.sandbox.http.arguments import Arguments
from services.sandbox.http.envelopes import BusinessError, InvalidArgument
from services.sandbox.operations.registry import trade_operation
from services.sandbox.operations.schemas.period import parse_period
from services.sandbox.operations.serializers.refund import serialize_refund, serialize_refund_operations
from services.sandbox.trade.refunds.refund import Refund, RefundStatus

MAX_APPLY_AGE_MS = 730 * 24 * 3600 * 1000
DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
"""An assumption: 1688 documents no limit."""
IN_SALE, AFTER_SALE = 1, 2
_ACTIVE, _SUCCESSFUL = "1", "3"


@trade_operation("alibaba.trade.refund.OpQueryOrderRefund", envelopes.NO_FLAG, required=("refundId",))
async def get_refund(context: SandboxContext, arguments: Arguments) -> Any:
    """Return one refund, in sale or after sale."""
    refund = _find_refund(context, arguments)
    variants = context.state.variants
    detail = serialize_refund(refund, variants, with_timeout=arguments.boolean("needTimeOutInfo"))
    if arguments.boolean("needOrderRefundOperation"):
        detail["refundOperationList"] = serialize_refund_operations(refund, variants)
    return {"result": {"opOrderRefundModelDetail": detail}}


@trade_operation(
    "alibaba.trade.refund.OpQueryBatchRefundByOrderIdAndStatus",
    envelopes.NO_FLAG,
    required=("orderId", "queryType"),
)
async def list_refunds_of_order(context: SandboxContext, arguments: Arguments) -> Any:
    """Return the active or the successful refunds of an order. Refunds after sale are not included."""
    order = context.state.order_store.find_order(arguments.integer("orderId") or 0)
    if order is None or not order.flags.owned_by_buyer:
        raise _build_error(context, "003002", "ORDER_NOT_EXIST")
    query_type = arguments.string("queryType")
    if query_type not in (_ACTIVE, _SUCCESSFUL):
        raise _build_error(context, "003002", "INVALID_PARAM")
    refunds = [
        refund
        for refund in reversed(context.state.order_store.list_refunds(order))
        if not refund.is_after_sale
        and (refund.is_open if query_type == _ACTIVE else refund.status is RefundStatus.SUCCESS)
    ]
    return {
        "result": {
            "opOrderRefundModels": [
                # Only this read spells the booleans with a prefix, and has a flag in each refund.
                serialize_refund(refund, context.state.variants, flag_prefix="is")
                | {"success": True, "refundOperationList": []}
                for refund in refunds
            ]
        }
    }


@trade_operation(
    "alibaba.trade.refund.buyer.queryOrderRefundList",
    envelopes.FLAT_ERROR_MSG,
)
async def list_refunds(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a page of the buyer's refunds, the newest first."""
    page = arguments.integer("currentPageNum") or 0
    page_size = arguments.integer("pageSize")
    page_size = DEFAULT_PAGE_SIZE if page_size is None else page_size
    if page < 0 or not 1 <= page_size <= MAX_PAGE_SIZE:
        raise InvalidArgument("currentPageNum, pageSize")
    refunds = _select_refunds(context, arguments)
    first = max(0, page - context.state.variants.refund_page_base) * page_size
    return {
        "result": {
            "totalCount": len(refunds),
            "currentPageNum": page,
            "opOrderRefundModels": [
                serialize_refund(refund, context.state.variants) | {"refundOperationList": []}
                for refund in refunds[first : first + page_size]
            ],
        }
    }


@trade_operation(
    "alibaba.trade.refund.OpQueryOrderRefundOperationList",
    envelopes.NO_FLAG,
    required=("refundId", "pageNo", "pageSize"),
)
async def list_refund_operations(context: SandboxContext, arguments: Arguments) -> Any:
    """Return a page of the steps of a refund, the newest first. There is no total."""
    refund = _find_refund(context, arguments)
    page, page_size = arguments.integer("pageNo"), arguments.integer("pageSize")
    if page is None or page < 1 or page_size is None or not 1 <= page_size <= MAX_PAGE_SIZE:
        raise _build_error(context, "003002", "INVALID_PARAM")
    operations = serialize_refund_operations(refund, context.state.variants)
    return {"result": {"opOrderRefundOperationModels": operations[(page - 1) * page_size : page * page_size]}}


def _select_refunds(context: SandboxContext, arguments: Arguments) -> list[Refund]:
    """Return the refunds that match the arguments. Raises InvalidArgument and BusinessError."""
    statuses = arguments.strings("refundStatusSet")
    if not set(statuses) <= set(RefundStatus):
        raise InvalidArgument("refundStatusSet")
    dispute_type = arguments.integer("dipsuteType")
    # The default is not documented. An assumption: refunds in sale only, so a caller has to ask for all.
    dispute_type = IN_SALE if dispute_type is None else dispute_type
    if dispute_type not in (0, IN_SALE, AFTER_SALE):
        raise InvalidArgument("dipsuteType")
    applied = parse_period(arguments, "applyStartTime", "applyEndTime")
    modified = parse_period(arguments, "modifyStartTime", "modifyEndTime")
    if applied.start_ms is not None and applied.start_ms < context.state.clock.now_ms() - MAX_APPLY_AGE_MS:
        raise BusinessError("APPLY_TIME_ERROR", "申请时间超出730天")
    order_id, seller = arguments.integer("orderId"), arguments.string("sellerMemberId")
    waybill = arguments.string("logisticsNo")
    if waybill and not seller:
        raise InvalidArgument("logisticsNo: needs sellerMemberId")
    return [
        refund
        for refund in context.state.order_store.refunds
        if refund.order.flags.owned_by_buyer
        and order_id in (None, refund.order.order_id)
        and (not statuses or refund.status in statuses)
        and dispute_type in (0, AFTER_SALE if refund.is_after_sale else IN_SALE)
        and applied.contains(refund.created_ms)
        and modified.contains(refund.modified_ms)
        and seller in (None, "", refund.order.seller_member_id)
        and (not waybill or (refund.return_shipment and refund.return_shipment.freight_bill == waybill))
    ]


def _find_refund(context: SandboxContext, arguments: Arguments) -> Refund:
    refund = context.state.order_store.find_refund(arguments.string("refundId") or "")
    if refund is None:
        raise _build_error(context, "003002", "REFUND_DATA_ERROR")
    if not refund.order.flags.owned_by_buyer:
        raise _build_error(context, "003")
    return refund


def _build_error(context: SandboxContext, inner_code: str, cause: str | None = None) -> BusinessError:
    """Return an error whose message is JSON text: the inner code, and the cause inside another text."""
    inner = {"errorCode": inner_code, "errorMessage": "SERVICE:INVOKE_FAIL:test"}
    if cause:
        inner["cause"] = f"errorCode:{cause},errorMsg:null,cause:null"
    text = json.dumps(inner, ensure_ascii=False)
    if context.state.variants.double_encoded_errors:
        text = json.dumps(text, ensure_ascii=False)
    return BusinessError("500", text)
