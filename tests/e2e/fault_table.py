"""The effect on a call of each fault that the sandbox can inject: one row for each fault."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PERSISTENT = 10
"""More requests than any call makes."""
REFRESHING_TOKEN = {"NATIONALSITE_ACCESS_TOKEN": "", "NATIONALSITE_REFRESH_TOKEN": "test-refresh-token"}


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a call, and the number of upstream requests that it made."""

    reason: str
    """Without the prefix ERROR_REASON_; empty if the call succeeds."""
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase:
    """A fault that the sandbox injects into the next `times` requests."""

    name: str
    fault: Mapping[str, Any]
    times: int = 1
    attempt_outcome: str = ""
    """The outcome that the metric of attempts counts for a request with the fault."""
    idempotent: Result
    """For a read, and for an idempotent write."""
    non_idempotent: Result
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def changes_state(self) -> bool:
        """Whether the service remembers it: in the retry budget, circuit breaker, rate limiter or token."""
        return self.times > 1 or self.attempt_outcome == "UPSTREAM_RATE" or bool(self.settings)


SUCCESS = Result("", 1)
SUCCESS_ON_RETRY = Result("", 2)
OUTCOME_UNKNOWN = Result("OUTCOME_UNKNOWN", 1)


def _not_retried(code: str, reason: str) -> FaultCase:
    """A gateway error that no retry helps against."""
    return FaultCase(
        name=code,
        fault={"gateway_error": code},
        attempt_outcome=reason,
        idempotent=Result(reason, 1),
        non_idempotent=Result(reason, 1),
    )


def _may_have_executed(
    name: str, fault: Mapping[str, Any], reason: str = "UPSTREAM_UNAVAILABLE"
) -> tuple[FaultCase, FaultCase]:
    """A failure after which the outcome of the operation is unknown: once, and on every attempt."""
    return (
        FaultCase(
            name=f"{name}, once",
            fault=fault,
            attempt_outcome=reason,
            idempotent=SUCCESS_ON_RETRY,
            non_idempotent=OUTCOME_UNKNOWN,
        ),
        FaultCase(
            name=f"{name}, always",
            fault=fault,
            times=PERSISTENT,
            attempt_outcome=reason,
            idempotent=Result(reason, 3),
            non_idempotent=OUTCOME_UNKNOWN,
        ),
    )


def _rate_limited(code: str) -> tuple[FaultCase, FaultCase]:
    """A rate limit. The operation did not run, so any call may be retried."""
    fault = {"gateway_error": code}
    return (
        FaultCase(
            name=f"{code}, once",
            fault=fault,
            attempt_outcome="UPSTREAM_RATE",
            idempotent=SUCCESS_ON_RETRY,
            non_idempotent=SUCCESS_ON_RETRY,
        ),
        FaultCase(
            name=f"{code}, always",
            fault=fault,
            times=PERSISTENT,
            attempt_outcome="UPSTREAM_RATE",
            idempotent=Result("UPSTREAM_RATE", 3),
            non_idempotent=Result("UPSTREAM_RATE", 3),
        ),
    )


def _unreadable(name: str, fault: Mapping[str, Any]) -> FaultCase:
    return FaultCase(
        name=name,
        fault=fault,
        attempt_outcome="UPSTREAM_UNREADABLE",
        idempotent=Result("UPSTREAM_UNREADABLE", 1),
        non_idempotent=OUTCOME_UNKNOWN,
    )


FAULT_CASES = (
    FaultCase(name="slow", fault={"latency_ms": 300}, idempotent=SUCCESS, non_idempotent=SUCCESS),
    FaultCase(
        name="late response", fault={"response_latency_ms": 300}, idempotent=SUCCESS, non_idempotent=SUCCESS
    ),
    # An idempotent attempt times out after half of the deadline; a non-idempotent one uses all of it.
    FaultCase(
        name="no response, once",
        fault={"hang": True},
        attempt_outcome="UPSTREAM_UNAVAILABLE",
        idempotent=SUCCESS_ON_RETRY,
        non_idempotent=OUTCOME_UNKNOWN,
    ),
    *_may_have_executed("dropped before it was read", {"drop": "before_request"}),
    *_may_have_executed("dropped after it ran", {"drop": "after_request"}),
    *_may_have_executed("truncated", {"truncate": 20}),
    *_may_have_executed("503", {"status": 503}, "UPSTREAM_FAULT"),
    *_may_have_executed("500 with a code", {"status": 500, "json": {"error_code": "500"}}, "UPSTREAM_FAULT"),
    FaultCase(
        name="404",
        fault={"status": 404, "body": "<html>"},
        attempt_outcome="UPSTREAM_GATEWAY",
        idempotent=Result("UPSTREAM_GATEWAY", 1),
        non_idempotent=Result("UPSTREAM_GATEWAY", 1),
    ),
    _unreadable("malformed", {"malformed": True}),
    _unreadable("empty", {"status": 200, "body": ""}),
    _unreadable("no text", {"status": 200, "body_base64": "gIGC"}),
    FaultCase(
        name="business error",
        fault={"business_error": {"code": "500", "message": "系统异常"}},
        attempt_outcome="OK",  # the metric counts attempts of which 1688 sent a response
        idempotent=Result("UPSTREAM_REFUSED", 1),
        non_idempotent=Result("UPSTREAM_REFUSED", 1),
    ),
    *_rate_limited("gw.QosAppFrequencyLimit"),
    *_rate_limited("gw.QosAPIFrequencyLimit"),
    _not_retried("gw.NoUsageLeftError", "UPSTREAM_QUOTA"),
    _not_retried("gw.SignatureInvalid", "UPSTREAM_SIGNATURE"),
    _not_retried("gw.APIACLDecline", "UPSTREAM_PERMISSION"),
    _not_retried("gw.APIUnsupported", "UPSTREAM_UNSUPPORTED"),
    _not_retried("gw.ParamMissing", "UPSTREAM_ARGUMENT"),
    _not_retried("400", "UPSTREAM_GATEWAY"),
    _not_retried("401", "UPSTREAM_CREDENTIAL"),
    FaultCase(
        name="fixed token expired",
        fault={"token_expired": True},
        attempt_outcome="UPSTREAM_CREDENTIAL",
        idempotent=Result("UPSTREAM_CREDENTIAL", 1),
        non_idempotent=Result("UPSTREAM_CREDENTIAL", 1),
    ),
    FaultCase(
        name="token expired and refreshed",
        fault={"token_expired": True},
        attempt_outcome="UPSTREAM_CREDENTIAL",
        idempotent=SUCCESS_ON_RETRY,
        non_idempotent=SUCCESS_ON_RETRY,
        settings=REFRESHING_TOKEN,
    ),
    FaultCase(
        name="refreshed token expired",
        fault={"token_expired": True},
        times=PERSISTENT,
        attempt_outcome="UPSTREAM_CREDENTIAL",
        idempotent=Result("UPSTREAM_CREDENTIAL", 2),
        non_idempotent=Result("UPSTREAM_CREDENTIAL", 2),
        settings=REFRESHING_TOKEN,
    ),
)
