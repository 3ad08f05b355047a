"""An attempt that may be followed by another does not use up the time of both."""

import asyncio

import pytest

from services.adapter.gateway.attempts import LEAST_S, AttemptTime
from services.adapter.gateway.call import Call, Reply
from services.errors import ConnectionLost, DeadlinePassedInFlight

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


@pytest.mark.parametrize(
    ("left_s", "share", "given_s"),
    [(10, 0.5, 5), (10, 1, 10), (2 * LEAST_S, 0.5, LEAST_S), (2 * LEAST_S - 0.1, 0.5, 2 * LEAST_S - 0.1)],
)
async def test_time_of_an_attempt(left_s, share, given_s):
    given = []

    async def silent(call: Call) -> Reply:
        given.append(call.deadline - 1000)
        raise DeadlinePassedInFlight("x")

    call = Call(form={}, files={}, anonymous=True, repeatable=True, deadline=1000 + left_s, share=share)
    cut_short = given_s < left_s
    with pytest.raises(ConnectionLost if cut_short else DeadlinePassedInFlight) as caught:
        await AttemptTime(lambda: 1000.0)("com.example:attempts-1", silent)(call)
    assert given == [pytest.approx(given_s)]
    assert caught.value.may_have_run


async def test_a_silent_attempt_is_followed_by_another(peer, opened, call, answer):
    """All of it, on the wire: the first connection is given up in time for a second one."""

    async def silent(_received, wire):
        await wire.left()

    peer.on("param2", silent, answer(body={"fine": True}))
    gateway = opened(policies=None)
    started = asyncio.get_running_loop().time()
    reply = await call(gateway, repeatable=True, within_s=2.2 * LEAST_S)
    assert reply.value == {"fine": True}
    assert asyncio.get_running_loop().time() - started < 1.8 * LEAST_S
    assert len(peer.received) == 2
