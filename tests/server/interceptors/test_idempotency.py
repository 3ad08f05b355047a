"""Calls with a request id: they need a store, and end at their deadline."""

import asyncio
from types import SimpleNamespace

import pytest
from nationalsite.account.v1 import RegisterUserRequest

from services.errors import DeadlineExceeded, ErrorOrigin, OutcomeUnknown
from services.server import Endpoint, StartupError, serve
from services.server.interceptors.idempotency import IdempotencyInterceptor
from tests.server.shop_server import accept


async def test_a_method_with_request_ids_does_not_start_without_a_store(build_service):
    service = build_service(endpoints={"RegisterUser": Endpoint(handler=accept, origin=ErrorOrigin("-"))})
    with pytest.raises(StartupError) as caught:
        async with serve(service, service.settings()):
            pass
    (line,) = caught.value.lines
    assert line.startswith("nationalsite.account.v1.AccountService/RegisterUser: has request ids")


@pytest.mark.parametrize(("begins", "expected"), [(False, DeadlineExceeded), (True, OutcomeUnknown)])
async def test_the_error_at_the_deadline_says_whether_the_request_may_have_been_sent(begins, expected):
    async def guard(work, **_):
        if begins:
            await work()
        await asyncio.Event().wait()

    async def send(_):
        return b""

    method = SimpleNamespace(name="Register", is_idempotent=False, endpoint=SimpleNamespace(creation=None))
    deadline = asyncio.get_running_loop().time() + 0.01
    call = SimpleNamespace(
        request=RegisterUserRequest(request_id="r"),
        identity="",
        deadline=deadline,
        default_deadline=deadline,
    )
    with pytest.raises(expected):
        await IdempotencyInterceptor(method, guard)(call, send)
