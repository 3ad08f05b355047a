"""The exception hierarchy of the services. Every package raises these; the server maps each to a status.

NationalsiteError
├── RequestError                    the request is invalid, and was not sent; names the fields
│   ├── InvalidRequest
│   ├── RequiredInDialect
│   └── NotInDialect
├── StoreRequired
├── StoreUnavailable
├── RequestIdReused
├── RequestInProgress
├── DeliveryNotFound
├── DeliveryPending                 an earlier delivery is pending
├── DeliveryOvertaken               a later delivery with the same ordering key was sent
├── DeliveryState                   not allowed in the state of the delivery
├── SubscriptionNotFound
├── SubscriptionMismatch
├── NoFullSync                      no full order is stored
├── OperationNotInDialect
├── InternalFault                   a bug
├── CallerUnknown
├── CallerForbidden
├── Draining
├── Overloaded                      a limit of this service; the request was not sent
├── DeadlineExceeded                before the request was sent
│   └── DeadlineExceededInFlight    after it may have been sent
└── UpstreamError                   1688 rejected the request, failed, or was not reached
    ├── UpstreamGateway             rejected by 1688's gateway; the operation did not run
    │   ├── AccessTokenRejected
    │   ├── CredentialRejected
    │   ├── UpstreamSignature
    │   ├── UpstreamPermission
    │   ├── UpstreamArgument
    │   ├── TimestampRejected
    │   ├── UpstreamRate
    │   ├── UpstreamQuota
    │   └── UpstreamUnsupported
    ├── UpstreamRefused             rejected by the operation; the error mapping gives the reason
    ├── ConnectError                no connection; the request was not sent
    │   └── CircuitOpen             the circuit breaker is open; not sent
    ├── ConnectionLost              after the request may have been sent
    ├── UpstreamFault               HTTP 5xx, or a gateway code 5xx
    ├── UpstreamUnreadable          the response cannot be decoded
    └── OutcomeUnknown              a non-idempotent call was sent; 1688 may have executed it

StartupError is not among them: operators see it, callers do not.

`reason` is a value of nationalsite.errors.v1.ErrorReason without its prefix. The
status contains the message of the exception, so that must not contain a value of the request or a secret.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NoReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a field of the request violates."""

    field: str
    """Path in the request message, such as `sale_filters[0].sale_type`; empty for the message itself."""
    description: str
    """What the rule requires."""


class NationalsiteError(Exception):
    """An error that a caller gets. `str()` of it is the status message."""

    reason: str = "INTERNAL_FAULT"
    source: ClassVar[Literal["suite", "1688"]] = "suite"
    """Where the error comes from: "suite" is the services of this project."""
    may_have_executed: bool = False
    """Whether 1688 may have executed the operation."""


class RequestError(NationalsiteError):
    """The request is invalid. It was not sent."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(
            "; ".join(f"{v.field}: {v.description}" if v.field else v.description for v in violations)
        )
        self.violations = tuple(violations)


class InvalidRequest(RequestError):
    """The request violates a rule of the proto, or a stricter limit of the dialect."""

    reason = "INVALID_REQUEST"


class RequiredInDialect(RequestError):
    """The dialect requires a field that is not set."""

    reason = "REQUIRED_IN_DIALECT"


class NotInDialect(RequestError):
    """A field is set that would change the response, and the dialect has no parameter for it."""

    reason = "NOT_IN_DIALECT"


class StoreRequired(NationalsiteError):
    """The call needs a store, and this service has none."""

    reason = "STORE_REQUIRED"


class StoreUnavailable(NationalsiteError):
    """The store is unavailable. A write may have been stored; retrying it is safe."""

    reason = "STORE_UNAVAILABLE"


class RequestIdReused(NationalsiteError):
    """The request id was used before for another request."""

    reason = "REQUEST_ID_REUSED"


class RequestInProgress(NationalsiteError):
    """The first call with this request id is still running."""

    reason = "REQUEST_IN_PROGRESS"


class DeliveryNotFound(NationalsiteError):
    """There is no delivery with this id."""

    reason = "DELIVERY_NOT_FOUND"


class DeliveryPending(NationalsiteError):
    """An earlier delivery with the same ordering key is pending; this sync must not be sent before it."""

    reason = "DELIVERY_PENDING"


class DeliveryOvertaken(NationalsiteError):
    """A later delivery with the same ordering key was sent."""

    reason = "DELIVERY_OVERTAKEN"


class DeliveryState(NationalsiteError):
    """The call is not allowed in the delivery's state."""

    reason = "DELIVERY_STATE"


class SubscriptionNotFound(NationalsiteError):
    """The caller has no subscription with this name."""

    reason = "SUBSCRIPTION_NOT_FOUND"


class SubscriptionMismatch(NationalsiteError):
    """The subscription exists, with other topics."""

    reason = "SUBSCRIPTION_MISMATCH"


class NoFullSync(NationalsiteError):
    """The dialect needs the last full order to sync a status, and none is stored."""

    reason = "NO_FULL_SYNC"


class OperationNotInDialect(NationalsiteError):
    """The configured dialect does not have the operation."""

    reason = "UPSTREAM_UNSUPPORTED"


class InternalFault(NationalsiteError):
    """A bug. Its cause is in the log, not in the status."""

    reason = "INTERNAL_FAULT"


class CallerUnknown(NationalsiteError):
    """The caller has no identity, and the policy requires one."""

    reason = "CALLER_UNKNOWN"


class CallerForbidden(NationalsiteError):
    """The policy does not allow this caller to call this method."""

    reason = "CALLER_FORBIDDEN"


class Draining(NationalsiteError):
    """This replica is shutting down; another replica can take the call."""

    reason = "DRAINING"


class Overloaded(NationalsiteError):
    """A limit of this service is reached. The request was not sent."""

    reason = "OVERLOADED"


class DeadlineExceeded(NationalsiteError):
    """The deadline passed before the request was sent."""

    reason = "DEADLINE"


class DeadlineExceededInFlight(DeadlineExceeded):
    """The deadline passed after the request may have been sent."""

    may_have_executed = True


class UpstreamError(NationalsiteError):
    """1688 rejected the request, failed, or was not reached."""

    source = "1688"

    def __init__(
        self, message: str, *, code: str = "", upstream_message: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        """1688's code, such as gw.APIACLDecline; may be empty."""
        self.upstream_message = upstream_message
        """1688's message. It must be redacted before it is logged or returned."""
        self.request_id = request_id
        """1688's id of the request, from a header or the body; may be empty."""


class UpstreamGateway(UpstreamError):
    """Rejected by 1688's gateway: the operation did not run."""

    reason = "UPSTREAM_GATEWAY"


class AccessTokenRejected(UpstreamGateway):
    """The access token is invalid or has expired; a new one may help."""

    reason = "UPSTREAM_CREDENTIAL"


class CredentialRejected(UpstreamGateway):
    """The credentials are rejected, and a new access token would not help or cannot be fetched."""

    reason = "UPSTREAM_CREDENTIAL"


class UpstreamSignature(UpstreamGateway):
    """The signature is wrong or missing."""

    reason = "UPSTREAM_SIGNATURE"


class UpstreamPermission(UpstreamGateway):
    """The app has no permission for the operation."""

    reason = "UPSTREAM_PERMISSION"


class UpstreamArgument(UpstreamGateway):
    """The gateway rejects the request, because a parameter is missing."""

    reason = "UPSTREAM_ARGUMENT"


class TimestampRejected(UpstreamGateway):
    """The timestamp of the request is outside the gateway's window."""


class UpstreamRate(UpstreamGateway):
    """1688's rate limit is exceeded."""

    reason = "UPSTREAM_RATE"


class UpstreamQuota(UpstreamGateway):
    """The app's quota is used up."""

    reason = "UPSTREAM_QUOTA"


class UpstreamUnsupported(UpstreamGateway):
    """1688 does not have the operation, or not for this app."""

    reason = "UPSTREAM_UNSUPPORTED"


class UpstreamRefused(UpstreamError):
    """Rejected by the operation."""

    def __init__(self, reason: str, message: str, *, code: str = "", upstream_message: str = "") -> None:
        super().__init__(message, code=code, upstream_message=upstream_message)
        self.reason = reason
        self.may_have_executed = reason == UpstreamFault.reason


class ConnectError(UpstreamError):
    """No connection was made: the request was not sent."""

    reason = "UPSTREAM_UNAVAILABLE"


class CircuitOpen(ConnectError):
    """The circuit breaker is open: the request was not sent. An immediate retry also fails."""


class ConnectionLost(UpstreamError):
    """The connection broke after the request may have been sent."""

    reason = "UPSTREAM_UNAVAILABLE"
    may_have_executed = True


class UpstreamFault(UpstreamError):
    """An internal error of 1688."""

    reason = "UPSTREAM_FAULT"
    may_have_executed = True


class UpstreamUnreadable(UpstreamError):
    """1688's response cannot be decoded."""

    reason = "UPSTREAM_UNREADABLE"
    may_have_executed = True


class OutcomeUnknown(UpstreamError):
    """A non-idempotent call was sent, and it is not known whether 1688 executed it."""

    reason = "OUTCOME_UNKNOWN"
    may_have_executed = True


class StartupError(Exception):
    """A process cannot start. Each cause is one line; no line contains a secret."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)

    def exit(self) -> NoReturn:
        """Print the lines to stderr and exit with code 2."""
        for line in self.lines:
            print(line, file=sys.stderr)
        sys.exit(2)
