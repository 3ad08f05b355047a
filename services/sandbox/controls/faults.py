"""Faults on demand: what the next calls suffer."""

from collections import defaultdict, deque
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.sandbox.http.gateway_errors import find_error

MAX_QUEUED = 10_000
EVERY = "*"


def _known_error(name: str) -> str:
    if find_error(name) is None:
        raise ValueError("no such gateway error")
    return name


class Fault(BaseModel):
    """What one call suffers: a delay, one of the other kinds, or a delay before one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    latency_ms: int = Field(default=0, ge=0, le=600_000)
    """Wait first. With no other kind, the call is then served as usual."""
    status: int | None = Field(default=None, ge=200, le=599)
    """Answer with this status and the next four members verbatim; the operation does not run."""
    headers: dict[str, str] = {}
    content_type: str = "application/json;charset=UTF-8"
    body: str | None = None
    json_body: Any = Field(default=None, alias="json")
    gateway_error: Annotated[str, AfterValidator(_known_error)] | None = None
    """Refuse with this error of the gateway, by name or code; the operation does not run."""
    malformed: Literal[True] | None = None
    """Run the operation, and send the first half of the answer as if it were the whole."""
    truncate: int | None = Field(default=None, ge=0)
    """Run the operation, send so many bytes of the announced length, and close the connection."""
    drop: Literal["before_request", "after_request"] | None = None
    """Close the connection without an answer, before or after the operation has run."""
    token_expired: Literal[True] | None = None
    """End the access token of the call, for good, and then serve it as usual."""
    hang: Literal[True] | None = None
    """Never answer; the operation does not run."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (
            self.status,
            self.gateway_error,
            self.malformed,
            self.truncate,
            self.drop,
            self.token_expired,
            self.hang,
        )
        chosen = sum(kind is not None for kind in kinds)
        if chosen > 1:
            raise ValueError("a fault is of one kind; only latency_ms goes with another")
        if not chosen and not self.latency_ms:
            raise ValueError("a fault needs latency_ms or a kind")
        if self.status is None and self.model_fields_set & {"headers", "content_type", "body", "json_body"}:
            raise ValueError("headers, content_type, body and json go with status")
        if {"body", "json_body"} <= self.model_fields_set:
            raise ValueError("either body or json")
        return self

    def described(self) -> dict[str, Any]:
        """The fault as it was ordered."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Faults:
    """The faults that wait, in order, for each operation."""

    def __init__(self) -> None:
        self._queues: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, operation: str, fault: Fault, times: int) -> None:
        """Queues a fault for the next calls of an operation, or of EVERY one. Raises OverflowError."""
        if len(self) + times > MAX_QUEUED:
            raise OverflowError(f"at most {MAX_QUEUED} faults can wait")
        self._queues[operation].extend([fault] * times)

    def take(self, operation: str) -> Fault | None:
        """The fault of the call that has just come: the operation's own before one for every operation."""
        for name in (operation, EVERY):
            if queue := self._queues.get(name):
                return queue.popleft()
        return None

    def waiting(self) -> dict[str, list[dict[str, Any]]]:
        """What waits, by operation."""
        return {name: [fault.described() for fault in queue] for name, queue in self._queues.items() if queue}
