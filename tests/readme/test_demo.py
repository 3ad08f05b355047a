"""`make demo` runs from a search to a refund, and uses the sandbox's admin API only for what others do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 180
RPCS = [
    "SearchByKeyword",
    "GetProductDetail",
    "RegisterUser",
    "PreviewPurchaseOrders",
    "CreatePurchaseOrders",
    "GetPurchaseOrder",
    "SyncOrder",
    "WriteOrderRelations",
    "CreateCrossBorderPayUrl",
    "ListShipments",
    "ListShipmentTraces",
    "ConfirmPurchaseReceipt",
    "SyncLogisticsOrder",
    "SyncLogisticsStatus",
    "GetRefundLimits",
    "CreateRefund",
    "GetRefund",
    "SubmitReturnGoods",
    "SyncOrderStatus",
    "CancelPurchaseOrder",
]
"""In the order of their first calls."""
ADMIN_ACTIONS = {
    "orders/pay": "a person pays at 1688",
    "orders/ship": "the seller",
    "logistics/SIGN": "the carrier",
    "refunds/agree": "the seller",
    "refunds/receive": "the seller",
    "orders/succeed": "1688, after a time",
}


@pytest.mark.slow
def test_demo() -> None:
    command = [sys.executable, "-m", "tools.demo"]
    result = subprocess.run(  # noqa: S603 # our own module
        command,
        cwd=ROOT,
        timeout=TIMEOUT_S,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    called = dict.fromkeys(re.findall(r"gRPC  > (\w+)Request ", result.stdout))
    assert [rpc for rpc in called if rpc in RPCS] == RPCS
    actions = re.findall(r"admin > POST /admin/(\w+)/\w+/(\w+)$", result.stdout, re.M)
    assert len(actions) == result.stdout.count("admin > ")
    assert {"/".join(action) for action in actions} == ADMIN_ACTIONS.keys()
