"""The log of the calls received."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from services.sandbox.controls.faults import Fault
from services.sandbox.http.dialect import Dialect
from services.sandbox.http.request import Call

MAX_ENTRIES = 1_000
MAX_CHARACTERS = 64 * 1024 * 1024
"""Of all entries together: uploaded pictures are parameters too."""
MASKED = frozenset({"client_secret", "refresh_token"})
IN_FLIGHT = "in_flight"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One call, and what became of it."""

    sequence: int
    call: Call
    signature_valid: bool | None
    """None if the call brought no signature."""
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    dialect: Dialect | None = None
    """None until the call has passed the gateway's checks."""
    fault: Fault | None = None
    kind: str = IN_FLIGHT
    status: int | None = None
    """The HTTP status that was answered, if any."""
    code: str | None = None
    """The code of a refusal."""
    bad_argument: str | None = None
    """The argument that was refused, in the sandbox's own words; the caller is not told."""

    def described(self) -> dict[str, Any]:
        """The entry as JSON."""
        call = self.call
        return {
            "sequence": self.sequence,
            "time": self.received.isoformat(timespec="milliseconds"),
            "method": call.method,
            "path": call.path,
            "api": call.api,
            "dialect": self.dialect,
            "parameters": {
                name: "***" if name in MASKED else value for name, value in call.parameters.items()
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
            # Only calls that are not signed carry secrets, and nothing is to sign there.
            "string_to_sign": None if MASKED & call.parameters.keys() else call.string_to_sign,
            "outcome": {"status": self.status, "kind": self.kind, "code": self.code},
            "bad_argument": self.bad_argument,
            "fault": self.fault and self.fault.described(),
        }


class Journal:
    """The latest calls, the oldest forgotten first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._characters = 0
        self._received = 0

    @property
    def received(self) -> int:
        """Calls received so far, the forgotten ones too."""
        return self._received

    def record(self, call: Call, signature_valid: bool | None) -> Entry:
        """A new entry; what becomes of the call is written into it later."""
        self._received += 1
        entry = Entry(sequence=self._received, call=call, signature_valid=signature_valid)
        self._entries.append(entry)
        self._characters += _characters(call)
        while len(self._entries) > MAX_ENTRIES or (
            self._characters > MAX_CHARACTERS and len(self._entries) > 1
        ):
            self._characters -= _characters(self._entries.popleft().call)
        return entry

    def latest(self, operation: str | None, limit: int) -> list[Entry]:
        """The newest entries, the oldest of them first; of one operation if it is given."""
        newest_first = (
            entry
            for entry in reversed(self._entries)
            if operation
            in (None, entry.call.name, f"{entry.call.namespace}/{entry.call.name}", entry.call.api)
        )
        return list(islice(newest_first, limit))[::-1]

    def clear(self) -> None:
        """Forgets every entry. The sequence goes on."""
        self._entries.clear()
        self._characters = 0


def _characters(call: Call) -> int:
    # Twice: the string to sign repeats the parameters.
    return 2 * sum(map(len, call.parameters.values())) + sum(
        len(file.content) for file in call.files.values()
    )
