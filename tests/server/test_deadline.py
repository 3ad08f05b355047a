"""Deadlines and cancellation, as a handler sees them."""

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from nationalsite.account import v1 as account_v1

from services.errors import DeadlineExceeded
from services.server import Endpoint
from services.server.call import CallContext, MethodInfo
from services.server.interceptors import deadline

ACCOUNT = account_v1.ACCOUNT_SERVICE


@pytest.fixture
def stuck():
    """A handler that waits until it is cancelled, and says when it began and when it was."""

    class Stuck:
        def __init__(self):
            self.began, self.cancelled = asyncio.Event(), asyncio.Event()

        async def __call__(self, _request, _deadline):
            self.began.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise

    return Stuck()


TABLE = '{"RegisterUser": {"default_s": 20, "cap_s": 40}, "Elsewhere": {"cap_s": 11}}'


@pytest.mark.parametrize(
    ("table", "given_s", "longest_s"),
    [("{}", 3, 3), ("{}", None, 10), ("{}", 9999, 300), (TABLE, None, 20), (TABLE, 30, 30), (TABLE, 60, 40)],
)
async def test_the_handler_gets_the_callers_deadline_within_the_rpcs_limits(
    start, buyer, table, given_s, longest_s
):
    left = []

    async def measure(_request, deadline):
        left.append(deadline - asyncio.get_running_loop().time())
        return b""

    async with start(measure, deadlines=table) as running:
        await running.stub.RegisterUser(buyer, timeout=given_s)
    # gRPC rounds a timeout up where it sends one.
    assert longest_s - 1 < left[0] <= longest_s * 1.01


async def test_a_deadline_that_has_passed_runs_nothing():
    class Late:
        def time_remaining(self):
            return 0.0

    async def unreached(_call):
        raise AssertionError

    method = MethodInfo(
        descriptor=ACCOUNT.methods_by_name["RegisterUser"], endpoint=Endpoint(handler=unreached, operation="")
    )
    with pytest.raises(DeadlineExceeded):
        await deadline.DeadlineInterceptor(method, limits={})(CallContext(Late()), unreached)


async def test_a_handler_that_forgets_the_deadline_is_ended(start, buyer, stuck, monkeypatch):
    monkeypatch.setattr(deadline, "_GRACE_S", 0.01)
    async with start(stuck, deadlines='{"RegisterUser": {"default_s": 0.01}}') as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(buyer)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(caught.value).details[0].Unpack(info)
    assert info.reason == "ERROR_REASON_DEADLINE"
    assert stuck.cancelled.is_set()


async def test_the_callers_deadline_ends_the_handler(start, buyer, stuck, logged):
    async with start(stuck) as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(buyer, timeout=0.1)
        await asyncio.wait_for(stuck.cancelled.wait(), 5)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [line["status"] for line in logged("call")] == ["DEADLINE_EXCEEDED"]


async def test_a_callers_cancellation_reaches_the_handler_and_the_next_call_works(
    start, buyer, stuck, logged
):
    async def handle(request, deadline):
        return b"" if stuck.cancelled.is_set() else await stuck(request, deadline)

    async with start(handle) as running:
        call = running.stub.RegisterUser(buyer)
        await asyncio.wait_for(stuck.began.wait(), 5)
        call.cancel()
        await asyncio.wait_for(stuck.cancelled.wait(), 5)
        await running.stub.RegisterUser(buyer)
    assert [line["status"] for line in logged("call")] == ["CANCELLED", "OK"]
