"""What a caller gets for a request that is malformed, invalid or missing."""

import asyncio

import grpc
import pytest

from tests.server.shop_server import CALL_EVENTS, Line, accept, running_shop, serialized_line
from tests.support.status_details import parse_reason, parse_status_details

TIMEOUT_S = 5

REGISTER_USER = "/nationalsite.account.v1.AccountService/RegisterUser"


def violations(error: grpc.aio.AioRpcError) -> dict[str, str]:
    """The descriptions of violations by field."""
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    bad_request = parse_status_details(error)["BadRequest"]
    return {violation.field: violation.description for violation in bad_request.field_violations}


async def test_violations_have_the_paths_of_fields(start_server, registration):
    registration.request_id = "no-uuid"
    registration.country_account.ip = "somewhere"
    registration.country_account.email = ""
    async with start_server() as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(registration)
    assert violations(caught.value) == {
        "request_id": "must be a valid UUID",
        "country_account.ip": "must be a valid IP address",
        "country_account": "email or mobile is required",
    }


async def test_a_malformed_request_is_invalid(start_server, logged):
    async with start_server() as running:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.channel.unary_unary(REGISTER_USER)(b"\xff\xffhanako")
    assert violations(caught.value) == {"": "not a nationalsite.account.v1.RegisterUserRequest"}
    assert {line["event"] for line in logged()} == CALL_EVENTS


async def test_a_request_that_is_too_large_is_invalid(start_server, registration):
    async with start_server() as running:
        registration.country_account.out_member_id = "x" * 30_000
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(registration)
        assert violations(caught.value) == {
            "country_account": "a request must be at most 20,848 bytes, serialized"
        }
        registration.country_account.out_member_id = "x" * 200_000
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.stub.RegisterUser(registration)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_the_deadline_ends_a_call_without_a_request(logged):
    async with running_shop({"Ask": accept}, deadlines='{"Ask": {"default_s": 0.01}}') as shop:
        call = shop.client.channel.stream_unary("/shop.v1.Shop/Ask")()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(call, TIMEOUT_S)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [line["reason"] for line in logged("call")] == ["DEADLINE"]


async def test_a_call_that_ends_without_a_request_is_invalid(logged):
    async with running_shop({"Ask": accept}) as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.client.channel.stream_unary("/shop.v1.Shop/Ask")(iter([]))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "no request was sent"


async def echo(requests, _deadline):
    async for request in requests:
        yield serialized_line(request.sku * 2)


@pytest.mark.parametrize(
    ("request_", "field"),
    [(serialized_line("far too long"), "sku"), (b"\xff\xffhanako", "")],
    ids=["invalid", "malformed"],
)
async def test_an_invalid_request_ends_the_stream(logged, request_, field):
    async with running_shop({"Chat": echo}) as shop:
        requests = iter([serialized_line("a"), request_])
        call = shop.client.channel.stream_stream("/shop.v1.Shop/Chat")(requests)
        assert Line.FromString(await call.read()).sku == "aa"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert parse_reason(caught.value) == "INVALID_REQUEST"
    assert list(violations(caught.value)) == [field]
    assert [line["reason"] for line in logged("call")] == ["INVALID_REQUEST"]
    assert "hanako" not in str(logged())
