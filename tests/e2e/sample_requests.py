"""Valid requests that several tests send, in protobuf's JSON."""

from typing import Any

SEARCH: dict[str, Any] = {"keyword": "dress"}
BUYER: dict[str, Any] = {
    "country": "japan",
    "site": "sniff",
    "out_login_name": "hanako-secret-name",
    "out_member_id": "member-1",
    "email": "hanako@example.com",
    "mobile": "09012345678",
    "mobile_area": "JP",
    "ip": "192.0.2.10",
}
REFUND: dict[str, Any] = {
    "cbu_order_id": "506683458994743225",
    "cbu_order_entry_ids": ["506683458996743225"],
    "dispute_request": "DISPUTE_KIND_REFUND",
    "apply_payment": {"units": "1"},
    "apply_carriage": {},
    "apply_reason_id": "20006",
    "description": "不想买了",
    "goods_status": "GOODS_STATUS_REFUND_WAIT_SELLER_SEND",
}
RETURN: dict[str, Any] = {
    "refund_id": "TQ36706338027991577",
    "logistics_company_no": "ZTO",
    "freight_bill": "3110044550034338",
}
