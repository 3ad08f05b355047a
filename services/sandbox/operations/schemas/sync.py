"""The objects that the five syncs take, in each dialect.

The national-site document has no column that tells what is required; there only the ids are, without
which nothing can be stored.
"""

from collections.abc import Mapping

from services.sandbox.http.dialect import Dialect
from services.sandbox.operations.schemas.object_schema import (
    Record,
    amount,
    date,
    date_parameter,
    digits,
    either,
    identifier,
    one_of,
    text,
)

_PAY_STATUS = one_of("payed", "success", "close")
_LOGISTICS_STATUS = one_of("send", "sign", "partSign", "refund")
_REFUND_STATUS = one_of("0", "1")
_ORDER_TYPE = one_of("0", "1")

_PRODUCT = ("productId", "productName", "skuId", "skuName")
_OPEN_SUB_ORDER = Record(
    members={
        "orderId": text,
        "productId": digits,
        "productName": text,
        "skuId": digits,
        "skuName": text,
        "buyAmount": amount,
        "paidFee": amount,
        "refundStatus": _REFUND_STATUS,
    },
    required=("orderId", *_PRODUCT, "buyAmount", "paidFee", "refundStatus"),
)

ORDER: Mapping[Dialect, Record] = {
    Dialect.NATIONAL_SITE: Record(
        members={
            "orderId": identifier,
            "createTime": date,
            "payTime": date,
            "endTime": date,
            "payStatus": _PAY_STATUS,
            # A String whose values are not listed here.
            "refundStatus": text,
            "outUserId": text,
            "offerId": identifier,
            "skuId": identifier,
            "buyAmount": amount,
            "paidFee": amount,
            "refundFee": amount,
            "contry": text,
            "Order Type": _ORDER_TYPE,
            "orderType": _ORDER_TYPE,
        },
        required=("orderId",),
        parts="subOrderList",
    ),
    Dialect.OPEN_PLATFORM: Record(
        members={
            "orderId": text,
            "productId": digits,
            "productName": text,
            "skuId": digits,
            "skuName": text,
            "buyAmount": amount,
            "createTime": date,
            "outMemberId": text,
            "payTime": date,
            "endTime": date,
            "paidFee": amount,
            "refundStatus": _REFUND_STATUS,
            "status": _PAY_STATUS,
        },
        required=("orderId", "createTime", "outMemberId", "payTime", "paidFee", "status"),
        parts="subOrderParamList",
        part=_OPEN_SUB_ORDER,
        instead_of_parts=_PRODUCT,
    ),
}

ORDER_STATUS = Record(
    members={
        "orderId": identifier,
        "payStatus": _PAY_STATUS,
        "endTime": date,
        # A number here, text in the order.
        "refundStatus": one_of(0, 1),
    },
    required=("orderId",),
    parts="subOrderStatusSyncParamList",
)

RELATION: Mapping[Dialect, Record] = {
    Dialect.NATIONAL_SITE: Record(
        members=dict.fromkeys(
            ("nationalSubOrderId", "cbuSubOrderId", "nationalOrderId", "cbuOrderId"), identifier
        ),
        required=("nationalSubOrderId", "cbuSubOrderId", "nationalOrderId", "cbuOrderId"),
    ),
    Dialect.OPEN_PLATFORM: Record(
        members={
            "orderId": text,
            "parentOrderId": text,
            # Documented as Long, and shown as text.
            "purchaseOrderId": either(identifier, digits),
            "purchaseParentOrderId": either(identifier, digits),
        },
        required=("orderId", "parentOrderId", "purchaseOrderId", "purchaseParentOrderId"),
    ),
}

LOGISTICS: Mapping[Dialect, Record] = {
    Dialect.NATIONAL_SITE: Record(
        members={
            "logisticsOrderId": identifier,
            "logisticsId": text,
            "createTime": date,
            "logisticsStatus": _LOGISTICS_STATUS,
            "endTime": date,
            "attrs": text,
            "contry": text,
        },
        required=("logisticsOrderId", "logisticsId"),
    ),
    Dialect.OPEN_PLATFORM: Record(
        members={
            "orderId": text,
            "logisticsId": text,
            "logisticsStatus": _LOGISTICS_STATUS,
            "createTime": date,
            "signTime": date,
            "province": text,
            "city": text,
            "area": text,
            "address": text,
        },
        # signTime is documented as required, also for a parcel that nobody has signed for yet.
        required=(
            "orderId",
            "logisticsId",
            "logisticsStatus",
            "createTime",
            "province",
            "city",
            "area",
            "address",
        ),
    ),
}

# Parameters of their own, so everything is text.
LOGISTICS_STATUS = Record(
    members={
        "logisticsId": digits,
        "logisticsStatus": _LOGISTICS_STATUS,
        "modifiedTime": date_parameter,
    },
    required=("logisticsId",),
)
