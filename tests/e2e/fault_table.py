"""What becomes of a call when 1688 fails in each way that the sandbox knows: one row each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MANY = 10
"""More often than any call is repeated."""
RENEWABLE = {"NATIONALSITE_ACCESS_TOKEN": "", "NATIONALSITE_REFRESH_TOKEN": "test-refresh-token"}


@dataclass(frozen=True, slots=True)
class Told:
    """What the caller is told, after how many requests of the operation."""

    reason: str
    """Without its prefix; empty: the call succeeds."""
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault of the sandbox that the next `times` requests suffer."""

    name: str
    fault: Mapping[str, Any]
    times: int = 1
    failure: str = ""
    """The outcome that the metric of attempts counts for a request with the fault."""
    repeatable: Told
    """For a read, and for a write that may be repeated."""
    once: Told
    """For a write that must not be repeated."""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def lingers(self) -> bool:
        """Whether services remember the fault: in the budget, the breaker, the limiter, the token."""
        return self.times > 1 or self.failure == "UPSTREAM_RATE" or bool(self.settings)


FINE = Told("", 1)
SECOND_TRY = Told("", 2)
UNCLEAR = Told("OUTCOME_UNKNOWN", 1)


def _refused(code: str, reason: str, **others: Any) -> Row:
    """A refusal of the gateway that no repeat helps against."""
    told = Told(reason, 1)
    return Row(name=code, fault={"gateway_error": code}, failure=reason, repeatable=told, once=told, **others)


def _lost(name: str, fault: Mapping[str, Any], failure: str = "UPSTREAM_UNAVAILABLE") -> tuple[Row, Row]:
    """A failure after which nobody knows whether the operation ran: a passing one, and one that stays."""
    return (
        Row(name=f"{name}, once", fault=fault, failure=failure, repeatable=SECOND_TRY, once=UNCLEAR),
        Row(
            name=f"{name}, always",
            fault=fault,
            times=MANY,
            failure=failure,
            repeatable=Told(failure, 3),
            once=UNCLEAR,
        ),
    )


def _limited(code: str) -> tuple[Row, Row]:
    """A frequency limit: the operation did not run, so that any call may be repeated."""
    limited = Told("UPSTREAM_RATE", 3)
    fault = {"gateway_error": code}
    return (
        Row(
            name=f"{code}, once", fault=fault, failure="UPSTREAM_RATE", repeatable=SECOND_TRY, once=SECOND_TRY
        ),
        Row(
            name=f"{code}, always",
            fault=fault,
            times=MANY,
            failure="UPSTREAM_RATE",
            repeatable=limited,
            once=limited,
        ),
    )


def _unreadable(name: str, fault: Mapping[str, Any]) -> Row:
    told = Told("UPSTREAM_UNREADABLE", 1)
    return Row(name=name, fault=fault, failure="UPSTREAM_UNREADABLE", repeatable=told, once=UNCLEAR)


ROWS = (
    Row(name="slow", fault={"latency_ms": 300}, repeatable=FINE, once=FINE),
    # The silent attempt gives up half of the time; the other one is not repeated and waits to the end.
    Row(
        name="silent, once",
        fault={"hang": True},
        failure="UPSTREAM_UNAVAILABLE",
        repeatable=SECOND_TRY,
        once=UNCLEAR,
    ),
    *_lost("dropped before it was read", {"drop": "before_request"}),
    *_lost("dropped after it ran", {"drop": "after_request"}),
    *_lost("truncated", {"truncate": 20}),
    *_lost("503", {"status": 503}, "UPSTREAM_FAULT"),
    *_lost("500 with a code", {"status": 500, "json": {"error_code": "500"}}, "UPSTREAM_FAULT"),
    Row(
        name="404",
        fault={"status": 404, "body": "<html>"},
        failure="UPSTREAM_GATEWAY",
        repeatable=Told("UPSTREAM_GATEWAY", 1),
        once=Told("UPSTREAM_GATEWAY", 1),
    ),
    _unreadable("malformed", {"malformed": True}),
    _unreadable("empty", {"status": 200, "body": ""}),
    *_limited("gw.QosAppFrequencyLimit"),
    *_limited("gw.QosAPIFrequencyLimit"),
    _refused("gw.NoUsageLeftError", "UPSTREAM_QUOTA"),
    _refused("gw.SignatureInvalid", "UPSTREAM_SIGNATURE"),
    _refused("gw.APIACLDecline", "UPSTREAM_PERMISSION"),
    _refused("gw.APIUnsupported", "UPSTREAM_UNSUPPORTED"),
    _refused("gw.ParamMissing", "UPSTREAM_ARGUMENT"),
    _refused("400", "UPSTREAM_GATEWAY"),
    _refused("401", "UPSTREAM_CREDENTIAL"),
    Row(
        name="token expired, a fixed one",
        fault={"token_expired": True},
        failure="UPSTREAM_CREDENTIAL",
        repeatable=Told("UPSTREAM_CREDENTIAL", 1),
        once=Told("UPSTREAM_CREDENTIAL", 1),
    ),
    Row(
        name="token expired, renewed",
        fault={"token_expired": True},
        failure="UPSTREAM_CREDENTIAL",
        repeatable=SECOND_TRY,
        once=SECOND_TRY,
        settings=RENEWABLE,
    ),
    Row(
        name="token expired again",
        fault={"token_expired": True},
        times=MANY,
        failure="UPSTREAM_CREDENTIAL",
        repeatable=Told("UPSTREAM_CREDENTIAL", 2),
        once=Told("UPSTREAM_CREDENTIAL", 2),
        settings=RENEWABLE,
    ),
)
