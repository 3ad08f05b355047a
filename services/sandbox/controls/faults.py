"""Fault injection into the next calls."""

import base64
from collections import defaultdict, deque
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.sandbox.http.gateway_errors import find_gateway_error

MAX_QUEUED = 10_000
ANY_OPERATION = "*"


def _validate_gateway_error(name: str) -> str:
    if find_gateway_error(name) is None:
        raise ValueError("there is no such gateway error")
    return name


def _validate_base64(text: str) -> str:
    base64.b64decode(text, validate=True)  # raises ValueError
    return text


class BusinessErrorFault(BaseModel):
    """A business error in the envelope of the operation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    code: str = "500"
    message: str = "系统异常"
    after_request: bool = False
    """Whether the operation runs, although the response is the error."""


class Fault(BaseModel):
    """A fault of one call: latency, one failure kind, or latency followed by one failure kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    latency_ms: int = Field(default=0, ge=0, le=600_000)
    """Wait first. Without a failure kind, the call is then served normally."""
    response_latency_ms: int = Field(default=0, ge=0, le=600_000)
    """Wait after the operation has run. Has no effect on failure kinds that do not run it."""
    status: int | None = Field(default=None, ge=200, le=599)
    """Respond with this status and the values of the next five members; the operation does not run."""
    headers: dict[str, str] = {}
    content_type: str = "application/json;charset=UTF-8"
    body: str | None = None
    body_base64: Annotated[str, AfterValidator(_validate_base64)] | None = None
    """The exact bytes, for a body that is not UTF-8."""
    json_body: Any = Field(default=None, alias="json")
    gateway_error: Annotated[str, AfterValidator(_validate_gateway_error)] | None = None
    """Respond with this error of the gateway, by name or code; the operation does not run."""
    business_error: BusinessErrorFault | None = None
    """Respond with a business error, which need not be documented."""
    malformed: Literal[True] | None = None
    """Run the operation, and send the first half of the response as if it were complete."""
    truncate: int | None = Field(default=None, ge=0)
    """Run the operation, send this number of bytes of the response, and close the connection."""
    drop: Literal["before_request", "after_request"] | None = None
    """Read the request, and close the connection without a response.

    `before_request`: the operation does not run. `after_request`: it has run.
    """
    token_expired: Literal[True] | None = None
    """Revoke the access token of the call first, so that the gateway rejects the call."""
    hang: Literal[True] | None = None
    """Never respond; the operation does not run."""

    @model_validator(mode="after")
    def _check_kinds(self) -> Self:
        kinds = (
            self.status,
            self.gateway_error,
            self.business_error,
            self.malformed,
            self.truncate,
            self.drop,
            self.token_expired,
            self.hang,
        )
        kind_count = sum(kind is not None for kind in kinds)
        if kind_count > 1:
            raise ValueError("a fault is of one kind; only a latency can be combined with a kind")
        if not kind_count and not self.latency_ms and not self.response_latency_ms:
            raise ValueError("a fault needs latency_ms or a kind, or response_latency_ms")
        bodies = self.model_fields_set & {"body", "body_base64", "json_body"}
        if self.status is None and (bodies or self.model_fields_set & {"headers", "content_type"}):
            raise ValueError("headers, content_type, body, body_base64 and json can only go with status")
        if len(bodies) > 1:
            raise ValueError("use either body or body_base64 or json")
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the fault as JSON, as the test sent it."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class FaultQueue:
    """The queued faults of each operation, in order."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, operation: str, fault: Fault, times: int) -> None:
        """Queue a fault for the next calls of an operation, or of ANY_OPERATION. Raises OverflowError."""
        if len(self) + times > MAX_QUEUED:
            raise OverflowError(f"at most {MAX_QUEUED} faults can be queued")
        self._queues[operation].extend([fault] * times)

    def pop(self, operation: str) -> Fault | None:
        """Remove and return the next fault of an operation; if it has none, the next of ANY_OPERATION."""
        for name in (operation, ANY_OPERATION):
            if queue := self._queues.get(name):
                return queue.popleft()
        return None

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """Return the queued faults by operation."""
        return {name: [fault.to_json() for fault in queue] for name, queue in self._queues.items() if queue}
