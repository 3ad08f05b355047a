"""The exception hierarchy of the services. Every package raises these; the server maps each to a status.

NationalsiteError
├── RequestError                    the request is invalid, and was not sent; the error names the fields
│   ├── InvalidRequest
│   ├── RequiredInDialect
│   └── NotInDialect
├── StoreUnavailable
├── RequestIdReused
├── OutOrderIdReused
├── NotExecuted                     an operator has recorded that 1688 did not execute the first call
├── RequestInProgress
├── DeliveryNotFound
├── DeliveryPending                 an earlier delivery is pending
├── DeliveryOvertaken               a later delivery with the same ordering key was sent
├── DeliveryState                   the call is not allowed in the state of the delivery
├── SubscriptionNotFound
├── SubscriptionMismatch
├── SubscriptionLimit               the caller has as many subscriptions as it may have
├── NoFullSync                      no full order is stored
├── SyncInProgress                  another sync of the same order is in flight
├── ReplayInProgress                another replay of messages is running
├── OperationNotInDialect           nothing was sent
├── InternalFault                   a bug
├── CallerUnknown
├── CallerForbidden
├── Draining
├── StreamLimit                     the caller or the connection has as many streams as it may have
├── Overloaded                      a limit of this service; the request was not sent
├── DeadlineExceeded                the deadline passed before the request was sent
│   └── DeadlineExceededInFlight    it passed after the request may have been sent
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
    ├── ConnectionLost              the connection broke after the request may have been sent
    ├── UpstreamFault               HTTP status 5xx, or an error code 5xx of the gateway
    ├── UpstreamUnreadable          the response cannot be decoded
    └── OutcomeUnknown              a non-idempotent call was sent; 1688 may have executed it

StartupError is not a NationalsiteError: operators see it, callers do not.

`reason` is a value of nationalsite.errors.v1.ErrorReason without its prefix. Callers get the message of the
exception in the status. So the message must not contain a value of the request or a secret.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NoReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a field of the request violates."""

    field: str
    """Path in the request, such as `sale_filters[0].sale_type`; empty for the request as a whole."""
    description: str
    """What the rule requires."""
    reason: str
    """The id of the rule in capitals, such as STRING_MAX_LEN."""


NO_DIALECT = "none"
"""In place of a dialect: the RPC works the same in every dialect."""


@dataclass(frozen=True, slots=True)
class ErrorOrigin:
    """Where an error occurred."""

    operation: str
    """The API id of 1688's operation; if the RPC is none of 1688's, its name."""
    dialect: str = NO_DIALECT


def iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes, those during whose handling it was raised, and the members of groups.

    Each once: libraries can make cycles of errors.
    """
    seen: set[int] = set()
    remaining: list[BaseException | None] = [error]
    while remaining:
        each = remaining.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        remaining += (each.__context__, each.__cause__)
        if isinstance(each, BaseExceptionGroup):
            remaining += each.exceptions


class NationalsiteError(Exception):
    """An error that a caller gets. `str()` of it is the status message."""

    reason: str = "INTERNAL_FAULT"
    source: ClassVar[Literal["service", "1688"]] = "service"
    """Who caused the error."""
    may_have_executed: bool = False
    """Whether 1688 may have executed the operation."""
    origin: ErrorOrigin | None = None
    """None: the origin is that of the RPC which the caller called."""

    def __init__(self, message: str, **metadata: object) -> None:
        """`metadata` is that of the reason's rule, with keys in snake_case.

        Keys that are fields of the request can be left out: the status takes them from it.
        """
        super().__init__(message)
        self.metadata = metadata


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


class StoreUnavailable(NationalsiteError):
    """The store is unavailable. A write may have been stored; retrying it is safe."""

    reason = "STORE_UNAVAILABLE"


class RequestIdReused(NationalsiteError):
    """The request id was used before for another request."""

    reason = "REQUEST_ID_REUSED"


class OutOrderIdReused(NationalsiteError):
    """The out_order_id was used before with another request id."""

    reason = "OUT_ORDER_ID_REUSED"


class NotExecuted(NationalsiteError):
    """An operator has recorded that 1688 did not execute the first call with this request id."""

    reason = "NOT_EXECUTED"


class RequestInProgress(NationalsiteError):
    """The first call with this request id is still running."""

    reason = "REQUEST_IN_PROGRESS"


class DeliveryNotFound(NationalsiteError):
    """The caller has no delivery with this id."""

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


class SubscriptionLimit(NationalsiteError):
    """The caller has as many subscriptions as it may have."""

    reason = "SUBSCRIPTION_LIMIT"


class NoFullSync(NationalsiteError):
    """The dialect needs the last full order to sync a status, and none is stored."""

    reason = "NO_FULL_SYNC"


class SyncInProgress(NationalsiteError):
    """Another sync of the same order is in flight, or was stored while this one waited. It was not sent."""

    reason = "SYNC_IN_PROGRESS"


class ReplayInProgress(NationalsiteError):
    """Another replay of messages is running."""

    reason = "REPLAY_IN_PROGRESS"


class OperationNotInDialect(NationalsiteError):
    """The configured dialect does not have the operation."""

    reason = "OPERATION_NOT_IN_DIALECT"


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


class StreamLimit(NationalsiteError):
    """The caller, or the connection, has as many open streams as it may have."""

    reason = "STREAM_LIMIT"


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
        self,
        message: str,
        *,
        code: str = "",
        upstream_message: str = "",
        upstream_request_id: str = "",
        **metadata: object,
    ) -> None:
        super().__init__(message, **metadata)
        self.code = code
        """1688's code, such as gw.APIACLDecline; may be empty."""
        self.upstream_message = upstream_message
        """1688's message. It must be redacted before it is logged or returned."""
        self.upstream_request_id = upstream_request_id
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
    """The timestamp of the request differs too much from the gateway's clock."""


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


def invalid_page_token(description: str = "must be a next_page_token of this list") -> InvalidRequest:
    """Return the error of a page token that is not one of the list that is called."""
    return InvalidRequest([Violation(field="page_token", description=description, reason="PAGE_TOKEN")])
