"""What is sent again, how often, how soon and within what time; no test here waits."""

import pytest

from services.adapter.gateway.call import Reply, UpstreamCall
from services.adapter.gateway.middleware.retry import RetryMiddleware, RetryPolicy
from services.adapter.gateway.middleware.retry_budget import BudgetPolicy
from services.errors import (
    AccessTokenRejected,
    CircuitOpen,
    ConnectError,
    ConnectionLost,
    CredentialRejected,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    InternalFault,
    NationalsiteError,
    Overloaded,
    TimestampRejected,
    UpstreamArgument,
    UpstreamFault,
    UpstreamGateway,
    UpstreamPermission,
    UpstreamQuota,
    UpstreamRate,
    UpstreamRefused,
    UpstreamSignature,
    UpstreamUnreadable,
    UpstreamUnsupported,
)

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

FINE = Reply(value={}, request_id="")
# failure, whether a repeatable call is sent again, whether one that is not is sent again
TABLE = [
    (UpstreamRate("x"), True, True),
    (ConnectError("x"), True, True),
    (ConnectionLost("x"), True, False),
    (UpstreamFault("x"), True, False),
    (CircuitOpen("x"), False, False),
    (Overloaded("x"), False, False),
    (DeadlineExceeded("x"), False, False),
    (DeadlineExceededInFlight("x"), False, False),
    (UpstreamUnreadable("x"), False, False),
    (UpstreamQuota("x"), False, False),
    (AccessTokenRejected("x"), False, False),
    (CredentialRejected("x"), False, False),
    (UpstreamSignature("x"), False, False),
    (UpstreamPermission("x"), False, False),
    (UpstreamArgument("x"), False, False),
    (TimestampRejected("x"), False, False),
    (UpstreamUnsupported("x"), False, False),
    (UpstreamGateway("x"), False, False),
    (UpstreamRefused("UPSTREAM_FAULT", "x"), False, False),
    (InternalFault("x"), False, False),
]


class World:
    """A clock, a sleep that moves it, a script of outcomes, and what came of it."""

    def __init__(self, *outcomes: NationalsiteError | Reply, takes_s: float = 0.0) -> None:
        self.outcomes = list(outcomes)
        self.takes_s = takes_s
        self.now = 1000.0
        self.slept: list[float] = []
        self.shares: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def step(self, call: UpstreamCall) -> Reply:
        self.shares.append(call.share)
        self.now += self.takes_s
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Reply):
            return outcome
        raise outcome

    def retries(self, policy: RetryPolicy | None = None) -> RetryMiddleware:
        """Draws the longest pause each time."""
        return RetryMiddleware(
            policy or RetryPolicy(), self.clock, sleep=self.sleep, chance=lambda _, most: most
        )

    async def call(
        self, retries: RetryMiddleware | None = None, *, repeatable: bool = True, within_s: float = 60
    ) -> Reply:
        call = UpstreamCall(
            form={}, files={}, anonymous=True, repeatable=repeatable, deadline=self.now + within_s
        )
        return await (retries or self.retries())("com.example:retries-1", self.step)(call)


@pytest.mark.parametrize(("failure", "repeatable", "once"), TABLE, ids=lambda v: type(v).__name__)
async def test_what_is_sent_again(failure, repeatable, once):
    for is_repeatable, again in ((True, repeatable), (False, once)):
        world = World(failure)
        with pytest.raises(type(failure)) as caught:
            await world.call(repeatable=is_repeatable)
        assert caught.value is failure
        assert len(world.shares) == (3 if again else 1)


async def test_the_first_answer_ends_it():
    world = World(UpstreamFault("x"), FINE)

    assert await world.call() is FINE
    assert len(world.shares) == 2


async def test_a_refusal_after_a_failure_is_told():
    world = World(ConnectionLost("x"), UpstreamQuota("x"))
    with pytest.raises(UpstreamQuota):
        await world.call()


async def test_what_may_have_run_ends_a_call_that_must_not_be_repeated():
    world = World(UpstreamRate("x"), ConnectionLost("x"))
    with pytest.raises(ConnectionLost):
        await world.call(repeatable=False)
    assert len(world.shares) == 2


async def test_pauses_double_and_are_longer_after_a_frequency_limit():
    for failure, pauses in ((UpstreamFault("x"), [0.1, 0.2]), (UpstreamRate("x"), [1.0, 2.0])):
        world = World(failure)
        with pytest.raises(type(failure)):
            await world.call()
        assert world.slept == pauses


async def test_a_pause_that_outlasts_the_deadline_is_not_begun():
    world = World(UpstreamRate("x"))
    with pytest.raises(UpstreamRate):
        await world.call(within_s=0.9)
    assert (world.slept, len(world.shares)) == ([], 1)


async def test_no_attempt_after_the_deadline():
    world = World(UpstreamFault("x"))

    async def oversleep(seconds):
        world.now += 100 * seconds

    retries = RetryMiddleware(RetryPolicy(), world.clock, sleep=oversleep, chance=lambda _, most: most)
    with pytest.raises(UpstreamFault):
        await world.call(retries, within_s=5)
    assert len(world.shares) == 1


async def test_an_attempt_leaves_time_for_the_next_where_there_may_be_one():
    world = World(UpstreamFault("x"))
    with pytest.raises(UpstreamFault):
        await world.call()
    assert world.shares == [0.5, 0.5, 1]

    world = World(UpstreamRate("x"))
    with pytest.raises(UpstreamRate):
        await world.call(repeatable=False)
    assert world.shares == [1, 1, 1], "after a silence it would not be repeated"


async def test_the_budget_is_for_all_calls_of_the_process():
    world = World(UpstreamFault("x"))
    retries = world.retries(RetryPolicy(budget=BudgetPolicy(floor_per_s=0)))
    for _ in range(1000):
        with pytest.raises(UpstreamFault):
            await world.call(retries)

    assert len(world.shares) == pytest.approx(1000 + 1000 * 0.2 + 10, abs=1)


async def test_a_call_that_cannot_be_repeated_has_all_the_time():
    world = World(UpstreamFault("x"))
    broke = RetryPolicy(budget=BudgetPolicy(share=0, floor_per_s=0, reserve=0))
    with pytest.raises(UpstreamFault):
        await world.call(world.retries(broke))
    assert world.shares == [1]
