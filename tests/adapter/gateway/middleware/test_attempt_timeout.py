"""An attempt leaves time for a retry."""

import asyncio

import pytest

from services.adapter.gateway.call import UpstreamCall, UpstreamResponse
from services.adapter.gateway.middleware.attempt_timeout import MIN_ATTEMPT_S, AttemptTimeoutMiddleware
from services.errors import ConnectionLost, DeadlineExceededInFlight

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.mark.parametrize(
    ("remaining_s", "fraction", "attempt_s"),
    [
        (10, 0.5, 5),
        (10, 1, 10),
        (2 * MIN_ATTEMPT_S, 0.5, MIN_ATTEMPT_S),
        (2 * MIN_ATTEMPT_S - 0.1, 0.5, 2 * MIN_ATTEMPT_S - 0.1),
    ],
)
async def test_timeout_of_an_attempt(remaining_s, fraction, attempt_s):
    timeouts = []

    async def silent(call: UpstreamCall) -> UpstreamResponse:
        timeouts.append(call.deadline - 1000)
        raise DeadlineExceededInFlight("x")

    call = UpstreamCall(
        api_id="com.example:attempts-1",
        form={},
        files={},
        anonymous=True,
        idempotent=True,
        deadline=1000 + remaining_s,
        deadline_fraction=fraction,
    )
    cut_short = attempt_s < remaining_s
    with pytest.raises(ConnectionLost if cut_short else DeadlineExceededInFlight) as caught:
        await AttemptTimeoutMiddleware(lambda: 1000.0)(call, silent)
    assert timeouts == [pytest.approx(attempt_s)]
    assert caught.value.may_have_executed


async def test_a_timed_out_attempt_is_retried(peer, make_gateway, call, response):
    """Through a socket: the first connection is closed in time for a second one."""

    async def silent(_received, connection):
        await connection.wait_closed()

    peer.on("param2", silent, response(body={"fine": True}))
    gateway = make_gateway(policies=None)
    started = asyncio.get_running_loop().time()
    reply = await call(gateway, idempotent=True, timeout_s=2.2 * MIN_ATTEMPT_S)
    assert reply.value == {"fine": True}
    assert asyncio.get_running_loop().time() - started < 1.8 * MIN_ATTEMPT_S
    assert len(peer.received) == 2
