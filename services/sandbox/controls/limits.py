"""Rate limits, a quota, and operations that the app may not call. All are off at the start."""

import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

from services.sandbox.http.gateway_errors import GatewayRejection


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """The maximum number of calls in any period of `window_s` seconds."""

    calls: int
    window_s: float


class _SlidingWindow:
    """The times of the calls that count against one rate limit."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def has_capacity(self, limit: RateLimit, now: float) -> bool:
        while self._times and self._times[0] <= now - limit.window_s:
            self._times.popleft()
        return len(self._times) < limit.calls

    def add(self, now: float) -> None:
        self._times.append(now)


@dataclass(slots=True, kw_only=True)
class Limits:
    """The limits, and how much of them has been used."""

    app: RateLimit | None = None
    """The limit of all operations together."""
    api: RateLimit | None = None
    """The limit of each operation."""
    usage_left: int | None = None
    """The quota: the number of calls that are left. None: no quota."""
    declined: frozenset[str] = frozenset()
    """Names of the operations that the app may not call."""
    _app_window: _SlidingWindow = field(default_factory=_SlidingWindow)
    _api_windows: defaultdict[str, _SlidingWindow] = field(
        default_factory=lambda: defaultdict(_SlidingWindow)
    )

    def check_permission(self, name: str) -> None:
        """Raise GatewayRejection if the app may not call this operation."""
        if name in self.declined:
            raise GatewayRejection("acl_decline")

    def acquire(self, name: str) -> None:
        """Count a call. Raises GatewayRejection if a limit is reached; a rejected call does not count."""
        now = time.monotonic()
        if self.app and not self._app_window.has_capacity(self.app, now):
            raise GatewayRejection("app_frequency_limit")
        if self.api and not self._api_windows[name].has_capacity(self.api, now):
            raise GatewayRejection("api_frequency_limit")
        if self.usage_left == 0:
            raise GatewayRejection("no_usage_left")
        if self.app:
            self._app_window.add(now)
        if self.api:
            self._api_windows[name].add(now)
        if self.usage_left is not None:
            self.usage_left -= 1
