"""The schemas of the objects that the five sync operations receive, in each dialect.

The national-site document does not say which members are required. For that dialect, the sandbox requires
only the ids, since it can store nothing without them.
"""

from collections.abc import Mapping

from services.sandbox.http.dialect import Dialect
from services.sandbox.operations.schemas.object_schema import (
    ObjectSchema,
    any_of,
    is_amount,
    is_date,
    is_date_parameter,
    is_digits,
    is_id,
    is_text,
    one_of,
)

_PAY_STATUS = one_of("payed", "success", "close")
_LOGISTICS_STATUS = one_of("send", "sign", "partSign", "refund")
_REFUND_STATUS = one_of("0", "1")
_ORDER_TYPE = one_of("0", "1")

_PRODUCT = {
    "productId": is_digits,
    "productName": is_text,
    "skuId": is_digits,
    "skuName": is_text,
}
"""What the open platform says of the product of an order or a sub-order."""
_OPEN_PLATFORM_SUB_ORDER = ObjectSchema(
    members={
        "orderId": is_text,
        **_PRODUCT,
        "buyAmount": is_amount,
        "paidFee": is_amount,
        "refundStatus": _REFUND_STATUS,
    },
    required=("orderId", *_PRODUCT, "buyAmount", "paidFee", "refundStatus"),
)

ORDER: Mapping[Dialect, ObjectSchema] = {
    Dialect.NATIONAL_SITE: ObjectSchema(
        members={
            "orderId": is_id,
            "createTime": is_date,
            "payTime": is_date,
            "endTime": is_date,
            "payStatus": _PAY_STATUS,
            # A String whose possible values are not documented.
            "refundStatus": is_text,
            "outUserId": is_text,
            "offerId": is_id,
            "skuId": is_id,
            "buyAmount": is_amount,
            "paidFee": is_amount,
            "refundFee": is_amount,
            "contry": is_text,
            "Order Type": _ORDER_TYPE,
            "orderType": _ORDER_TYPE,
        },
        required=("orderId",),
        children="subOrderList",
    ),
    Dialect.OPEN_PLATFORM: ObjectSchema(
        members={
            "orderId": is_text,
            **_PRODUCT,
            "buyAmount": is_amount,
            "createTime": is_date,
            "outMemberId": is_text,
            "payTime": is_date,
            "endTime": is_date,
            "paidFee": is_amount,
            "refundStatus": _REFUND_STATUS,
            "status": _PAY_STATUS,
        },
        required=("orderId", "createTime", "outMemberId", "payTime", "paidFee", "status"),
        children="subOrderParamList",
        child_schema=_OPEN_PLATFORM_SUB_ORDER,
        required_without_children=tuple(_PRODUCT),
    ),
}

ORDER_STATUS = ObjectSchema(
    members={
        "orderId": is_id,
        "payStatus": _PAY_STATUS,
        "endTime": is_date,
        # A number here, but text in ORDER.
        "refundStatus": one_of(0, 1),
    },
    required=("orderId",),
    children="subOrderStatusSyncParamList",
)

RELATION: Mapping[Dialect, ObjectSchema] = {
    Dialect.NATIONAL_SITE: ObjectSchema(
        members=dict.fromkeys(
            ("nationalSubOrderId", "cbuSubOrderId", "nationalOrderId", "cbuOrderId"), is_id
        ),
        required=("nationalSubOrderId", "cbuSubOrderId", "nationalOrderId", "cbuOrderId"),
    ),
    Dialect.OPEN_PLATFORM: ObjectSchema(
        members={
            "orderId": is_text,
            "parentOrderId": is_text,
            # Documented as Long, but text in the sample.
            "purchaseOrderId": any_of(is_id, is_digits),
            "purchaseParentOrderId": any_of(is_id, is_digits),
        },
        required=("orderId", "parentOrderId", "purchaseOrderId", "purchaseParentOrderId"),
    ),
}

LOGISTICS: Mapping[Dialect, ObjectSchema] = {
    Dialect.NATIONAL_SITE: ObjectSchema(
        members={
            "logisticsOrderId": is_id,
            "logisticsId": is_text,
            "createTime": is_date,
            "logisticsStatus": _LOGISTICS_STATUS,
            "endTime": is_date,
            "attrs": is_text,
            "contry": is_text,
        },
        required=("logisticsOrderId", "logisticsId"),
    ),
    Dialect.OPEN_PLATFORM: ObjectSchema(
        members={
            "orderId": is_text,
            "logisticsId": is_text,
            "logisticsStatus": _LOGISTICS_STATUS,
            "createTime": is_date,
            "signTime": is_date,
            "province": is_text,
            "city": is_text,
            "area": is_text,
            "address": is_text,
        },
        # signTime is documented as required, but a delivery that is not signed for has none.
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

# Each member is a separate parameter, so all values are text.
LOGISTICS_STATUS = ObjectSchema(
    members={
        "logisticsId": is_digits,
        "logisticsStatus": _LOGISTICS_STATUS,
        "modifiedTime": is_date_parameter,
    },
    required=("logisticsId",),
)
