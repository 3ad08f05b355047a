"""Which calls are retried, how often, how soon and within what time. No test here waits."""

import pytest

from services.adapter.gateway.call import UpstreamCall, UpstreamResponse
from services.adapter.gateway.middleware.retry import RetryMiddleware, RetryPolicy
from services.adapter.gateway.middleware.retry_budget import RetryBudgetPolicy
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

RESPONSE = UpstreamResponse(value={}, request_id="")
# failure, whether an idempotent call is retried, whether a non-idempotent call is retried
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


class RetryHarness:
    """A clock, a sleep that advances it, and a sender with scripted outcomes."""

    def __init__(self, *outcomes: NationalsiteError | UpstreamResponse, takes_s: float = 0.0) -> None:
        self.outcomes = list(outcomes)
        self.takes_s = takes_s
        self.now = 1000.0
        self.slept: list[float] = []
        self.deadline_fractions: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def send(self, call: UpstreamCall) -> UpstreamResponse:
        self.deadline_fractions.append(call.deadline_fraction)
        self.now += self.takes_s
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, UpstreamResponse):
            return outcome
        raise outcome

    def middleware(self, policy: RetryPolicy | None = None) -> RetryMiddleware:
        """Each pause is the longest possible."""
        return RetryMiddleware(
            policy or RetryPolicy(), self.clock, sleep=self.sleep, uniform=lambda _, longest: longest
        )

    async def call(
        self, middleware: RetryMiddleware | None = None, *, idempotent: bool = True, timeout_s: float = 60
    ) -> UpstreamResponse:
        call = UpstreamCall(
            api_id="com.example:retries-1",
            form={},
            files={},
            anonymous=True,
            idempotent=idempotent,
            deadline=self.now + timeout_s,
        )
        return await (middleware or self.middleware())(call, self.send)


@pytest.mark.parametrize(("failure", "idempotent", "non_idempotent"), TABLE, ids=lambda v: type(v).__name__)
async def test_which_calls_are_retried(failure, idempotent, non_idempotent):
    for is_idempotent, is_retried in ((True, idempotent), (False, non_idempotent)):
        harness = RetryHarness(failure)
        with pytest.raises(type(failure)) as caught:
            await harness.call(idempotent=is_idempotent)
        assert caught.value is failure
        assert len(harness.deadline_fractions) == (3 if is_retried else 1)


async def test_a_reply_ends_the_retries():
    harness = RetryHarness(UpstreamFault("x"), RESPONSE)

    assert await harness.call() is RESPONSE
    assert len(harness.deadline_fractions) == 2


async def test_the_last_failure_is_raised():
    harness = RetryHarness(ConnectionLost("x"), UpstreamQuota("x"))
    with pytest.raises(UpstreamQuota):
        await harness.call()


async def test_a_non_idempotent_call_that_may_have_executed_is_not_retried():
    harness = RetryHarness(UpstreamRate("x"), ConnectionLost("x"))
    with pytest.raises(ConnectionLost):
        await harness.call(idempotent=False)
    assert len(harness.deadline_fractions) == 2


async def test_pauses_double_and_are_longer_after_a_frequency_limit():
    for failure, pauses in ((UpstreamFault("x"), [0.1, 0.2]), (UpstreamRate("x"), [1.0, 2.0])):
        harness = RetryHarness(failure)
        with pytest.raises(type(failure)):
            await harness.call()
        assert harness.slept == pauses


async def test_no_pause_that_outlasts_the_deadline():
    harness = RetryHarness(UpstreamRate("x"))
    with pytest.raises(UpstreamRate):
        await harness.call(timeout_s=0.9)
    assert (harness.slept, len(harness.deadline_fractions)) == ([], 1)


async def test_no_attempt_after_the_deadline():
    harness = RetryHarness(UpstreamFault("x"))

    async def oversleep(seconds):
        harness.now += 100 * seconds

    middleware = RetryMiddleware(
        RetryPolicy(), harness.clock, sleep=oversleep, uniform=lambda _, longest: longest
    )
    with pytest.raises(UpstreamFault):
        await harness.call(middleware, timeout_s=5)
    assert len(harness.deadline_fractions) == 1


async def test_an_attempt_leaves_time_for_a_possible_retry():
    harness = RetryHarness(UpstreamFault("x"))
    with pytest.raises(UpstreamFault):
        await harness.call()
    assert harness.deadline_fractions == [0.5, 0.5, 1]

    harness = RetryHarness(UpstreamRate("x"))
    with pytest.raises(UpstreamRate):
        await harness.call(idempotent=False)
    assert harness.deadline_fractions == [1, 1, 1], "it would not be retried after a timeout"


async def test_all_calls_share_one_budget():
    harness = RetryHarness(UpstreamFault("x"))
    middleware = harness.middleware(RetryPolicy(budget=RetryBudgetPolicy(tokens_per_s=0)))
    for _ in range(1000):
        with pytest.raises(UpstreamFault):
            await harness.call(middleware)

    assert len(harness.deadline_fractions) == pytest.approx(1000 + 1000 * 0.2 + 10, abs=1)


async def test_without_budget_an_attempt_has_all_the_time():
    harness = RetryHarness(UpstreamFault("x"))
    empty_budget = RetryPolicy(budget=RetryBudgetPolicy(tokens_per_call=0, tokens_per_s=0, initial_tokens=0))
    with pytest.raises(UpstreamFault):
        await harness.call(harness.middleware(empty_budget))
    assert harness.deadline_fractions == [1]
