"""The log of the calls received."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Any

from services.sandbox.controls.faults import Fault
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.request import ApiCall

MAX_ENTRIES = 1_000
MAX_TOTAL_CHARACTERS = 64 * 1024 * 1024
"""Maximum total size of all entries, uploaded images included."""
MASKED_PARAMETERS = frozenset({"client_secret", "refresh_token"})
IN_FLIGHT = "in_flight"


@dataclass(slots=True, kw_only=True)
class CallLogEntry:
    """One call and its outcome."""

    sequence: int
    call: ApiCall
    signature_valid: bool | None
    """None if the call has no signature."""
    expected_signature: str | None = None
    """The valid signature of a call whose signature is invalid."""
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    executed_at: datetime | None = None
    """When the operation had taken effect; None if it has not, for example after an error."""
    dialect: Dialect | None = None
    """None until the call has passed the checks of the gateway."""
    fault: Fault | None = None
    kind: str = IN_FLIGHT
    """What happened to the call, such as `responded`, `business_error` or `dropped`."""
    status: int | None = None
    """The HTTP status of the response, if there is one."""
    code: str | None = None
    """The code of an error."""
    signature_problem: str | None = None
    """Why the signature is invalid. The caller does not receive this text."""
    invalid_argument: str | None = None
    """Which argument was invalid, and why. The caller does not receive this text."""

    def to_json(self, max_characters: int | None = None) -> dict[str, Any]:
        """Return the entry as the admin API shows it.

        Parameters and the string to sign are cut to `max_characters`; None: they are complete.
        """
        call = self.call
        return {
            "sequence": self.sequence,
            "time": self.received_at.isoformat(timespec="milliseconds"),
            "executed_time": self.executed_at and self.executed_at.isoformat(timespec="microseconds"),
            "method": call.method,
            "path": call.path,
            "api": call.api,
            "dialect": self.dialect,
            "parameters": {
                name: "***" if name in MASKED_PARAMETERS else value[:max_characters]
                for name, value in call.parameters.items()
            },
            "files": {
                name: {
                    "filename": file.filename,
                    "content_type": file.content_type,
                    "bytes": len(file.content),
                }
                for name, file in call.files.items()
            },
            "content_type": call.content_type,
            "signature_valid": self.signature_valid,
            # It would show the secrets. Only getToken has secrets, and its calls need no signature.
            "string_to_sign": None
            if MASKED_PARAMETERS & call.parameters.keys()
            else call.string_to_sign[:max_characters],
            "signature_problem": self.signature_problem,
            "expected_signature": self.expected_signature,
            "outcome": {"status": self.status, "kind": self.kind, "code": self.code},
            "invalid_argument": self.invalid_argument,
            "fault": self.fault and self.fault.to_json(),
        }


class CallLog:
    """The latest calls. The oldest are dropped first."""

    def __init__(self) -> None:
        self._entries: deque[CallLogEntry] = deque()
        self._total_characters = 0
        self._received = 0

    @property
    def received(self) -> int:
        """The number of calls received so far, including those that were dropped from the log."""
        return self._received

    def add(self, call: ApiCall, signature_valid: bool | None) -> CallLogEntry:
        """Add an entry and return it; the gateway writes the outcome into it later."""
        self._received += 1
        entry = CallLogEntry(sequence=self._received, call=call, signature_valid=signature_valid)
        self._entries.append(entry)
        self._total_characters += _count_characters(call)
        while len(self._entries) > MAX_ENTRIES or (
            self._total_characters > MAX_TOTAL_CHARACTERS and len(self._entries) > 1
        ):
            self._total_characters -= _count_characters(self._entries.popleft().call)
        return entry

    def latest(self, operation: str | None, limit: int, after: int = 0) -> list[CallLogEntry]:
        """Return the latest entries in chronological order, without those up to the sequence `after`.

        `operation` None: of all operations.
        """
        newest_first = (
            entry
            for entry in takewhile(lambda entry: entry.sequence > after, reversed(self._entries))
            if operation
            in (None, entry.call.name, f"{entry.call.namespace}/{entry.call.name}", entry.call.api)
        )
        return list(islice(newest_first, limit))[::-1]

    def find(self, sequence: int) -> CallLogEntry | None:
        """Return the entry with this sequence, if it is still there."""
        return next((entry for entry in self._entries if entry.sequence == sequence), None)

    def clear(self) -> None:
        """Remove all entries. The sequence continues."""
        self._entries.clear()
        self._total_characters = 0


def _count_characters(call: ApiCall) -> int:
    # Twice: the string to sign contains the parameters again.
    return 2 * sum(map(len, call.parameters.values())) + sum(
        len(file.content) for file in call.files.values()
    )
