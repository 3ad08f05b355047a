"""What can go wrong, as one tree. Every room raises from it; the server turns it into a status.

NationalsiteError
├── RequestError             the request itself; nothing was sent; names the fields
│   ├── InvalidRequest
│   ├── RequiredInDialect
│   └── NotInDialect
├── StoreRequired
├── StoreUnavailable
├── RequestIdReused
├── RequestInProgress
├── DeliveryNotFound
├── DeliveryPending          another delivery has to go first
├── DeliveryOvertaken
├── DeliveryState            not in its present state
├── SubscriptionNotFound
├── SubscriptionMismatch
├── NoFullSync
├── OperationNotInDialect
├── InternalFault
├── CallerUnknown
├── CallerForbidden
├── Draining
├── Overloaded               a limit of our own: never sent
├── DeadlineExceeded
│   └── DeadlineExceededInFlight
└── UpstreamError            1688, or the way to it
    ├── UpstreamGateway         refused by the gateway, before the operation ran
    │   ├── AccessTokenRejected
    │   ├── CredentialRejected
    │   ├── UpstreamSignature
    │   ├── UpstreamPermission
    │   ├── UpstreamArgument
    │   ├── TimestampRejected
    │   ├── UpstreamRate
    │   ├── UpstreamQuota
    │   └── UpstreamUnsupported
    ├── UpstreamRefused              by the operation, with the reason its refusal row gives
    ├── ConnectError          no connection: never sent
    │   └── CircuitOpen           not even tried: earlier failures started a pause
    ├── ConnectionLost       after the request may have been sent
    ├── UpstreamFault        HTTP 5xx, or a gateway code 5xx
    ├── UpstreamUnreadable           an answer that makes no sense
    └── OutcomeUnknown       a call that must not be repeated, and nobody knows whether it ran

StartupError stands beside the tree: it is told to an operator, not to a caller.

`reason` is a value of nationalsite.errors.v1.ErrorReason without its prefix. Messages of this tree reach
callers, so they hold no value of a request and no secret.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NoReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A field of the request that breaks a rule."""

    field: str
    """Path in the request message, such as `sale_filters[0].sale_type`; empty for the message itself."""
    description: str
    """What the rule asks for."""


class NationalsiteError(Exception):
    """Any failure that a caller is told about. `str()` of it is the status message."""

    reason: str = "INTERNAL_FAULT"
    source: ClassVar[Literal["suite", "1688"]] = "suite"
    may_have_executed: bool = False
    """Whether 1688 may have carried the operation out."""


class RequestError(NationalsiteError):
    """The request cannot be sent as it is. Nothing was sent."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(
            "; ".join(f"{v.field}: {v.description}" if v.field else v.description for v in violations)
        )
        self.violations = tuple(violations)


class InvalidRequest(RequestError):
    """A rule of the proto, or a tighter limit of the dialect, is broken."""

    reason = "INVALID_REQUEST"


class RequiredInDialect(RequestError):
    """The dialect needs a field that is not set."""

    reason = "REQUIRED_IN_DIALECT"


class NotInDialect(RequestError):
    """A field that would change the answer is set, and the dialect has no member for it."""

    reason = "NOT_IN_DIALECT"


class StoreRequired(NationalsiteError):
    """The call needs a store that this service does not have."""

    reason = "STORE_REQUIRED"


class StoreUnavailable(NationalsiteError):
    """The store cannot be used now. A write may have happened nevertheless; repeating it is safe."""

    reason = "STORE_UNAVAILABLE"


class RequestIdReused(NationalsiteError):
    """The request id was used before with other content."""

    reason = "REQUEST_ID_REUSED"


class RequestInProgress(NationalsiteError):
    """The first call with this request id still runs."""

    reason = "REQUEST_IN_PROGRESS"


class DeliveryNotFound(NationalsiteError):
    """No delivery of this id."""

    reason = "DELIVERY_NOT_FOUND"


class DeliveryPending(NationalsiteError):
    """A delivery of the same ordering key is pending, and would be overtaken."""

    reason = "DELIVERY_PENDING"


class DeliveryOvertaken(NationalsiteError):
    """A later delivery of the same ordering key has been sent."""

    reason = "DELIVERY_OVERTAKEN"


class DeliveryState(NationalsiteError):
    """The delivery's state forbids the call."""

    reason = "DELIVERY_STATE"


class SubscriptionNotFound(NationalsiteError):
    """The caller has no subscription of this name."""

    reason = "SUBSCRIPTION_NOT_FOUND"


class SubscriptionMismatch(NationalsiteError):
    """The subscription exists with other topics."""

    reason = "SUBSCRIPTION_MISMATCH"


class NoFullSync(NationalsiteError):
    """A status can be sent only with the last full sync, and none is stored."""

    reason = "NO_FULL_SYNC"


class OperationNotInDialect(NationalsiteError):
    """The dialect in use has no such operation."""

    reason = "UPSTREAM_UNSUPPORTED"


class InternalFault(NationalsiteError):
    """A fault of our own; its cause is in the log, not in the answer."""

    reason = "INTERNAL_FAULT"


class CallerUnknown(NationalsiteError):
    """Nobody knows who calls, and the policy is for known callers."""

    reason = "CALLER_UNKNOWN"


class CallerForbidden(NationalsiteError):
    """The policy does not let this caller call this method."""

    reason = "CALLER_FORBIDDEN"


class Draining(NationalsiteError):
    """This replica is shutting down; another one answers."""

    reason = "DRAINING"


class Overloaded(NationalsiteError):
    """A limit of our own: there is no room for the call, or none in time. Nothing was sent."""

    reason = "OVERLOADED"


class DeadlineExceeded(NationalsiteError):
    """Time ran out before anything was sent."""

    reason = "DEADLINE"


class DeadlineExceededInFlight(DeadlineExceeded):
    """Time ran out after the request may have been sent."""

    may_have_executed = True


class UpstreamError(NationalsiteError):
    """1688 refused, failed, or could not be reached."""

    source = "1688"

    def __init__(self, message: str, *, code: str = "", text: str = "", request_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        """1688's code, such as gw.APIACLDecline; empty where it gave none."""
        self.text = text
        """1688's own words. Sanitized before they are logged or returned."""
        self.request_id = request_id
        """1688's id of the request, from the header or the body."""


class UpstreamGateway(UpstreamError):
    """Refused by the gateway: the operation did not run."""

    reason = "UPSTREAM_GATEWAY"


class AccessTokenRejected(UpstreamGateway):
    """The access token is invalid or has expired: a new one may help."""

    reason = "UPSTREAM_CREDENTIAL"


class CredentialRejected(UpstreamGateway):
    """The credentials are refused and a new access token would not help, or cannot be had."""

    reason = "UPSTREAM_CREDENTIAL"


class UpstreamSignature(UpstreamGateway):
    """The signature is wrong or missing."""

    reason = "UPSTREAM_SIGNATURE"


class UpstreamPermission(UpstreamGateway):
    """The app lacks permission for the operation."""

    reason = "UPSTREAM_PERMISSION"


class UpstreamArgument(UpstreamGateway):
    """A parameter is missing, as the gateway sees it."""

    reason = "UPSTREAM_ARGUMENT"


class TimestampRejected(UpstreamGateway):
    """The timestamp sent is outside the gateway's window."""


class UpstreamRate(UpstreamGateway):
    """A frequency limit of 1688."""

    reason = "UPSTREAM_RATE"


class UpstreamQuota(UpstreamGateway):
    """The purchased number of calls is used up."""

    reason = "UPSTREAM_QUOTA"


class UpstreamUnsupported(UpstreamGateway):
    """1688 has no such operation, or none for this app."""

    reason = "UPSTREAM_UNSUPPORTED"


class UpstreamRefused(UpstreamError):
    """Refused by the operation itself."""

    def __init__(self, reason: str, message: str, *, code: str = "", text: str = "") -> None:
        super().__init__(message, code=code, text=text)
        self.reason = reason
        self.may_have_executed = reason == UpstreamFault.reason


class ConnectError(UpstreamError):
    """No connection was made: nothing was sent."""

    reason = "UPSTREAM_UNAVAILABLE"


class CircuitOpen(ConnectError):
    """Not tried: earlier failures started a pause, which an immediate repeat would only meet again."""


class ConnectionLost(UpstreamError):
    """The connection broke after the request may have been sent."""

    reason = "UPSTREAM_UNAVAILABLE"
    may_have_executed = True


class UpstreamFault(UpstreamError):
    """1688's own fault."""

    reason = "UPSTREAM_FAULT"
    may_have_executed = True


class UpstreamUnreadable(UpstreamError):
    """1688 answered, and the answer cannot be read."""

    reason = "UPSTREAM_UNREADABLE"
    may_have_executed = True


class OutcomeUnknown(UpstreamError):
    """A call that must not be repeated was sent, and whether it was carried out is not known."""

    reason = "OUTCOME_UNKNOWN"
    may_have_executed = True


class StartupError(Exception):
    """A process cannot start. One line for each cause, none with the value of a secret."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)

    def exit(self) -> NoReturn:
        """Print the lines to stderr and leave with exit code 2."""
        for line in self.lines:
            print(line, file=sys.stderr)
        sys.exit(2)
