"""A client of the sandbox's admin API."""

import json
import urllib.request
from typing import Any

TIMEOUT_S = 20


class SandboxClient:
    """Calls the admin API of a running sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Call an admin path; return the JSON of its response, None if it is empty."""
        request = urllib.request.Request(
            f"{self.url}/admin/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            text = response.read()
        return json.loads(text) if text else None

    def inject_fault(self, fault: dict[str, Any], *, operation: str = "*", times: int = 1) -> None:
        """Inject a fault into the next calls of an operation."""
        self.admin("POST", "faults", {"operation": operation, "times": times, "fault": fault})

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls received since the last reset, the oldest first."""
        calls: list[dict[str, Any]] = self.admin("GET", "calls?limit=1000")["calls"]
        return calls

    def state(self) -> dict[str, Any]:
        """Return counts, tokens and limits."""
        state: dict[str, Any] = self.admin("GET", "state")
        return state
