"""An attempt that may be followed by another does not use up the time of both."""

import asyncio

import pytest

from services.adapter.gateway.call import UpstreamCall, UpstreamReply
from services.adapter.gateway.middleware.attempt_timeout import MIN_ATTEMPT_S, AttemptTimeoutMiddleware
from services.errors import ConnectionLost, DeadlineExceededInFlight

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.mark.parametrize(
    ("left_s", "fraction", "given_s"),
    [
        (10, 0.5, 5),
        (10, 1, 10),
        (2 * MIN_ATTEMPT_S, 0.5, MIN_ATTEMPT_S),
        (2 * MIN_ATTEMPT_S - 0.1, 0.5, 2 * MIN_ATTEMPT_S - 0.1),
    ],
)
async def test_time_of_an_attempt(left_s, fraction, given_s):
    given = []

    async def silent(call: UpstreamCall) -> UpstreamReply:
        given.append(call.deadline - 1000)
        raise DeadlineExceededInFlight("x")

    call = UpstreamCall(
        api="com.example:attempts-1",
        form={},
        files={},
        anonymous=True,
        idempotent=True,
        deadline=1000 + left_s,
        deadline_fraction=fraction,
    )
    cut_short = given_s < left_s
    with pytest.raises(ConnectionLost if cut_short else DeadlineExceededInFlight) as caught:
        await AttemptTimeoutMiddleware(lambda: 1000.0)(call, silent)
    assert given == [pytest.approx(given_s)]
    assert caught.value.may_have_executed


async def test_a_silent_attempt_is_followed_by_another(peer, make_gateway, call, answer):
    """All of it, on the wire: the first connection is given up in time for a second one."""

    async def silent(_received, wire):
        await wire.left()

    peer.on("param2", silent, answer(body={"fine": True}))
    gateway = make_gateway(policies=None)
    started = asyncio.get_running_loop().time()
    reply = await call(gateway, idempotent=True, timeout_s=2.2 * MIN_ATTEMPT_S)
    assert reply.value == {"fine": True}
    assert asyncio.get_running_loop().time() - started < 1.8 * MIN_ATTEMPT_S
    assert len(peer.received) == 2
