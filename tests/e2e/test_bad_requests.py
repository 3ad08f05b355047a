"""Invalid requests: the error names each field by its path, and nothing is sent to 1688."""

import base64
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from tests.e2e.conftest import RpcClient
from tests.e2e.sample_requests import BUYER, REFUND, RETURN, SEARCH
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

NATIONAL, OPEN = "national-site", "open-platform"
ORDER = {"national_order_id": "1"}
LINE = {"national_sub_order_id": "2"}
RELATION = {"national_order_id": "1", "cbu_order_id": "2"}
OPEN_ORDER = ("create_time", "pay_time", "pay_status", "out_member_id", "paid_fee")
PRODUCT = ("offer_id", "product_name", "sku_id", "sku_name")
OPEN_LINE = (*PRODUCT, "refund_status", "buy_amount", "paid_fee")
OPEN_LOGISTICS_ORDER = ("create_time", "logistics_status", "province", "city", "area", "address")
TOO_LARGE = base64.b64encode(b"\xff\xd8\xff" + bytes(2**20 - 3)).decode()
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()

INVALID: list[tuple[str, str, dict[str, Any], str]] = [
    # RPC, dialect, request, path of the field
    ("SearchByKeyword", OPEN, {"keyword": ""}, ""),
    ("SearchByKeyword", OPEN, SEARCH | {"page_size": -1}, "page_size"),
    ("SearchByImage", OPEN, {"page_size": 5}, ""),
    ("UploadImage", OPEN, {"image": "R0lGODlh"}, "image"),
    *(
        (rpc, OPEN, request | {"request_id": request_id}, "request_id")
        for rpc, request in (
            ("CreateAlipayUrl", {"cbu_order_ids": ["1"]}),
            ("CreateRefund", REFUND),
            ("SubmitReturnGoods", RETURN),
            ("RegisterUser", {"country_account": BUYER}),
        )
        for request_id in ("", "no UUID")
    ),
    (
        "RegisterUser",
        NATIONAL,
        {"country_account": BUYER | {"out_login_name": "x" * 33}},
        "country_account.out_login_name",
    ),
    *(
        ("SyncOrder", dialect, {"order": ORDER | {field: value}}, f"order.{field}")
        for dialect in (NATIONAL, OPEN)
        for field, value in (
            ("national_order_id", ""),
            ("paid_fee", {"nanos": 5_000_000}),
            ("paid_fee", {"units": "-1"}),
            ("paid_fee", {"units": str(2**63 // 100 + 1)}),
            ("refund_fee", {"currency_code": "JPY", "units": "1"}),
            ("pay_status", 9),
        )
    ),
    ("SyncOrder", NATIONAL, {"order": {"national_order_id": "JP-1"}}, "order.national_order_id"),
    (
        "SyncOrder",
        NATIONAL,
        {"order": ORDER | {"sub_orders": [LINE, {"national_sub_order_id": "03"}]}},
        "order.sub_orders[1].national_sub_order_id",
    ),
    ("SyncOrder", NATIONAL, {}, "order"),
    (
        "SyncLogisticsOrder",
        NATIONAL,
        {"logistics_order": {"national_order_id": "x", "logistics_id": "LG1"}},
        "logistics_order.national_order_id",
    ),
    (
        "SyncLogisticsStatus",
        NATIONAL,
        {"logistics_status": {"logistics_id": "LG1", "logistics_status": 1}},
        "logistics_status.logistics_id",
    ),
    (
        "SyncLogisticsStatus",
        NATIONAL,
        {"logistics_status": {"logistics_id": "1"}},
        "logistics_status.logistics_status",
    ),
    ("SyncLogisticsStatus", NATIONAL, {}, "logistics_status"),
    ("SyncOrderStatus", NATIONAL, {"order_status": ORDER}, "order_status"),
    (
        "SyncOrderStatus",
        NATIONAL,
        {"order_status": ORDER | {"sub_orders": [{"national_sub_order_id": "x", "pay_status": 1}]}},
        "order_status.sub_orders[0].national_sub_order_id",
    ),
    ("WriteOrderRelations", NATIONAL, {"relations": []}, "relations"),
    ("WriteOrderRelations", NATIONAL, {"relations": [RELATION] * 101}, "relations"),
    ("WriteOrderRelations", NATIONAL, {"relations": [{"national_order_id": "1"}]}, "relations[0]"),
    (
        "WriteOrderRelations",
        NATIONAL,
        {"relations": [{"national_order_id": "1a", "cbu_order_id": "2"}]},
        "relations[0].national_order_id",
    ),
    *(
        (rpc, OPEN, {"cbu_order_ids": list(range(1, max_orders + 2))}, "cbu_order_ids")
        for rpc, max_orders in (
            ("CreateAlipayUrl", 100),
            ("CreateCrossBorderPayUrl", 30),
            ("CreateCreditPayUrl", 30),
        )
    ),
    ("CreateAlipayUrl", OPEN, {"cbu_order_ids": ["1", "1"]}, "cbu_order_ids"),
    ("CreateAlipayUrl", OPEN, {"cbu_order_ids": ["0"]}, "cbu_order_ids[0]"),
    ("ListPayWays", OPEN, {}, "cbu_order_id"),
    ("ListRefundReasons", OPEN, {"cbu_order_id": "1", "goods_status": 1}, "cbu_order_entry_ids"),
    ("CreateRefund", OPEN, REFUND | {"vouchers": ["x"] * 6}, "vouchers"),
    ("CreateRefund", OPEN, REFUND | {"apply_payment": None}, "apply_payment"),
    ("CreateRefund", OPEN, REFUND | {"apply_carriage": {"nanos": 1}}, "apply_carriage"),
    ("CreateRefund", OPEN, REFUND | {"description": "x"}, "description"),
    ("CreateRefund", OPEN, REFUND | {"description": "x" * 151}, "description"),
    ("CreateRefund", OPEN, REFUND | {"goods_status": 0}, "goods_status"),
    ("SubmitReturnGoods", OPEN, RETURN | {"vouchers": ["x"] * 11}, "vouchers"),
    ("SubmitReturnGoods", OPEN, RETURN | {"refund_id": ""}, "refund_id"),
    ("UploadRefundVoucher", OPEN, {"image": PNG}, "image"),
    ("UploadRefundVoucher", OPEN, {"image": TOO_LARGE}, "image"),
]
REQUIRED: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    # RPC, request to the open platform, paths of all missing fields
    ("RegisterUser", {"country_account": BUYER | {"email": ""}}, ("country_account.email",)),
    ("SyncOrder", {"order": ORDER}, tuple(f"order.{field}" for field in (*OPEN_ORDER, *PRODUCT))),
    (
        "SyncOrder",
        {"order": ORDER | {"sub_orders": [LINE]}},
        (
            *(f"order.{field}" for field in OPEN_ORDER),
            *(f"order.sub_orders[0].{field}" for field in OPEN_LINE),
        ),
    ),
    (
        "SyncLogisticsOrder",
        {"logistics_order": {"national_order_id": "JP-1", "logistics_id": "LG1"}},
        tuple(f"logistics_order.{field}" for field in OPEN_LOGISTICS_ORDER),
    ),
    (
        "WriteOrderRelations",
        {"relations": [{"national_order_id": "1", "cbu_order_id": "2"}]},
        ("relations[0].national_sub_order_id", "relations[0].cbu_order_entry_id"),
    ),
]


def _cases() -> Iterator[Any]:
    for rpc, dialect, request, field in INVALID:
        yield pytest.param(rpc, dialect, request, "INVALID_REQUEST", {field}, id=f"{rpc}-{dialect}-{field}")
    for rpc, request, fields in REQUIRED:
        yield pytest.param(
            rpc, OPEN, request, "REQUIRED_IN_DIALECT", set(fields), id=f"{rpc}-{len(fields)} missing"
        )
    language = SEARCH | {"language": "en"}
    yield pytest.param("SearchByKeyword", NATIONAL, language, "NOT_IN_DIALECT", {"language"}, id="language")


@pytest.mark.parametrize(("rpc", "dialect", "request_fields", "reason", "fields"), list(_cases()))
def test_bad_requests_name_their_fields_and_send_nothing(
    rpc: str,
    dialect: str,
    request_fields: dict[str, Any],
    reason: str,
    fields: set[str],
    client: RpcClient,
    sandbox: SandboxClient,
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        client.call(rpc, dialect, request_fields)
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = parse_status_details(failure.value)
    assert details["ErrorInfo"].reason == f"ERROR_REASON_{reason}"
    assert details["ErrorInfo"].metadata["source"] == "service"
    assert {violation.field for violation in details["BadRequest"].field_violations} == fields
    assert sandbox.calls() == []
