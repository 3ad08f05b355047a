"""Frequency limits, a usage quota, and APIs that the app may not call. All off at the start."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from services.sandbox.http.gateway_errors import GatewayRefusal, gateway_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many calls in any window of so many seconds."""

    calls: int
    window_s: float


class _Window:
    """The times of the calls that count against one rate."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def takes(self, rate: Rate, now: float) -> bool:
        while self._times and self._times[0] <= now - rate.window_s:
            self._times.popleft()
        return len(self._times) < rate.calls

    def add(self, now: float) -> None:
        self._times.append(now)


@dataclass(slots=True, kw_only=True)
class Limits:
    """What is limited, and what has been used so far."""

    app: Rate | None = None
    api: Rate | None = None
    """For each API on its own."""
    usage_left: int | None = None
    declined: frozenset[str] = frozenset()
    """Names of APIs."""
    _app_window: _Window = field(default_factory=_Window)
    _api_windows: defaultdict[str, _Window] = field(default_factory=lambda: defaultdict(_Window))

    def permit(self, name: str) -> None:
        """Refuses an API that the app may not call."""
        if name in self.declined:
            raise GatewayRefusal(gateway_error("acl_decline"))

    def count(self, name: str) -> None:
        """Counts a call that is about to run, or refuses it; a refused call does not count."""
        now = time.monotonic()
        if self.app and not self._app_window.takes(self.app, now):
            raise GatewayRefusal(gateway_error("app_frequency_limit"))
        if self.api and not self._api_windows[name].takes(self.api, now):
            raise GatewayRefusal(gateway_error("api_frequency_limit"))
        if self.usage_left == 0:
            raise GatewayRefusal(gateway_error("no_usage_left"))
        if self.app:
            self._app_window.add(now)
        if self.api:
            self._api_windows[name].add(now)
        if self.usage_left is not None:
            self.usage_left -= 1
