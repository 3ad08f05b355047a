"""The middleware of calls to 1688: one concern per module, in the order of the tuple below.

Must not import protos or gRPC. May import from auth/ and rate_limit/ only their interfaces: token_provider
and limiter.
"""

from collections.abc import Sequence
from functools import partial

from services.adapter.gateway.auth.token_provider import TokenProvider
from services.adapter.gateway.call import CallNext, Middleware, MonotonicClock
from services.adapter.gateway.clock import GatewayClock
from services.adapter.gateway.middleware.attempt_timeout import AttemptTimeoutMiddleware
from services.adapter.gateway.middleware.bulkhead import BulkheadMiddleware, BulkheadPolicy
from services.adapter.gateway.middleware.call_metrics import AttemptMetricsMiddleware, CallMetricsMiddleware
from services.adapter.gateway.middleware.circuit_breaker import (
    AdmissionMiddleware,
    CircuitBreakers,
    RecordOutcomeMiddleware,
)
from services.adapter.gateway.middleware.credentials import CredentialsMiddleware
from services.adapter.gateway.middleware.rate_limit import RateLimitMiddleware
from services.adapter.gateway.middleware.retry import RetryMiddleware, RetryPolicy
from services.adapter.gateway.rate_limit.limiter import RateLimiter


def gateway_middleware(
    *,
    retry: RetryPolicy,
    breakers: CircuitBreakers,
    bulkhead: BulkheadPolicy,
    token_provider: TokenProvider,
    gateway_clock: GatewayClock | None,
    rate_limiter: RateLimiter,
    clock: MonotonicClock,
) -> tuple[Middleware, ...]:
    """Return the middleware, outermost first. Without `gateway_clock` calls have no timestamp."""
    return (
        CallMetricsMiddleware(),
        RetryMiddleware(retry, clock),
        # From here on, once per attempt.
        CredentialsMiddleware(token_provider, gateway_clock),
        # Before the waits for a permit and for a slot.
        AdmissionMiddleware(breakers),
        RateLimitMiddleware(rate_limiter, clock),
        # Inside the rate limit: a call that waits for a permit must not hold a slot.
        BulkheadMiddleware(bulkhead, clock),
        # Inside these two waits, which must not count as failures of 1688.
        RecordOutcomeMiddleware(breakers, clock),
        AttemptMetricsMiddleware(),
        AttemptTimeoutMiddleware(clock),
    )


def build_chain(middleware: Sequence[Middleware], send: CallNext) -> CallNext:
    """Return `send` wrapped in all middleware."""
    call_next = send
    for outer in reversed(middleware):
        call_next = partial(outer.__call__, call_next=call_next)
    return call_next
