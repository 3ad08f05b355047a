"""A request id is rejected without a store."""

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status


async def test_a_request_id_needs_a_store(start_server, registration) -> None:
    calls = []

    async def register(request, deadline) -> bytes:
        calls.append(request)
        return b""

    async with start_server(register) as running:
        await running.stub.RegisterUser(registration)
        registration.request_id = "3f1c1d0e-5a0b-4c43-8f0a-0a4b8f1a2b3c"
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await running.stub.RegisterUser(registration)
    assert len(calls) == 1
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(failure.value).details[0].Unpack(info)
    assert (info.reason, info.metadata["source"]) == ("ERROR_REASON_STORE_REQUIRED", "suite")
