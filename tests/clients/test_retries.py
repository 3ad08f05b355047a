"""Calls with retries. retry_cases.json has the cases of all client libraries."""

import json
import time
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE, OrderSyncServiceStub
from nationalsite_client import call_with_retries, call_with_retries_async, parse_error

from tests.clients.order_sync_server import OrderSyncServer

CASES = json.loads((Path(__file__).parent / "retry_cases.json").read_text())
DEFAULT_TIMEOUT_MS = 20_000
WITHOUT_RETRIES = [("grpc.enable_retries", 0)]
ENCODING_TOLERANCE = 1.05
"""gRPC rounds a timeout up, by up to 1 %, and sends an earlier value again if it is at most 3 % longer."""


def _call(method: str, request: Any, address: str, **options: Any) -> None:
    with grpc.insecure_channel(address, options=WITHOUT_RETRIES) as channel:
        call_with_retries(getattr(OrderSyncServiceStub(channel), method), request, **options)


async def _call_async(method: str, request: Any, address: str, **options: Any) -> None:
    async with grpc.aio.insecure_channel(address, options=WITHOUT_RETRIES) as channel:
        await call_with_retries_async(getattr(OrderSyncServiceStub(channel), method), request, **options)


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asyncio"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_shared_case(case: dict[str, Any], is_async: bool) -> None:
    descriptor = ORDER_SYNC_SERVICE.methods_by_name[case["method"]]
    request = json_format.ParseDict(case.get("request", {}), GetMessageClass(descriptor.input_type)())
    answers = [case["error"]] * case.get("failures", 1) + [GetMessageClass(descriptor.output_type)()]
    server = OrderSyncServer({case["method"]: answers})
    timeout_s = case.get("timeout_ms", DEFAULT_TIMEOUT_MS) / 1000
    options = {"max_attempts": case["max_attempts"]} if "max_attempts" in case else {}
    start_s, code = time.monotonic(), grpc.StatusCode.OK
    with server.start() as address:
        try:
            if is_async:
                await _call_async(case["method"], request, address, timeout=timeout_s, **options)
            else:
                _call(case["method"], request, address, timeout=timeout_s, **options)
        except grpc.RpcError as error:
            details = parse_error(error)
            code = details.code
            assert details.may_repeat is case["may_repeat"]
    assert code.name == case["code"]
    assert time.monotonic() - start_s < timeout_s
    assert len(server.calls) == case["calls"]
    assert all(call.request == request for call in server.calls)
    first = server.calls[0]
    for call in server.calls:
        left_s = timeout_s - (call.time_s - first.time_s)
        assert call.remaining_s <= left_s * ENCODING_TOLERANCE
    if len(server.calls) > 1:
        pause_s = server.calls[1].time_s - first.time_s
        assert pause_s >= case.get("min_pause_ms", 0) / 1000


@pytest.mark.parametrize("case", [case for case in CASES if case["error"]], ids=lambda case: case["name"])
def test_whether_a_call_may_be_repeated(case: dict[str, Any]) -> None:
    server = OrderSyncServer({case["method"]: [case["error"]]})
    request = GetMessageClass(ORDER_SYNC_SERVICE.methods_by_name[case["method"]].input_type)()
    with (
        server.start() as address,
        grpc.insecure_channel(address, options=WITHOUT_RETRIES) as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        getattr(OrderSyncServiceStub(channel), case["method"])(request, timeout=DEFAULT_TIMEOUT_MS / 1000)
    assert parse_error(raised.value).may_repeat is case["may_repeat"]
