"""The bodies for faults, limits, tokens and the clock."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from services.sandbox.admin.schemas.base import Body
from services.sandbox.controls.faults import Fault
from services.sandbox.controls.limits import Limits, RateLimit
from services.sandbox.controls.tokens import RefreshMode


class FaultBody(Body):
    """Faults to queue."""

    operation: str
    """The name of an operation, with or without `namespace/`; `*` = any."""
    times: int = Field(default=1, ge=1, le=10_000)
    fault: Fault


class RateLimitBody(Body):
    """The maximum number of calls in any period of `window_s` seconds."""

    calls: int = Field(ge=0, le=1_000_000)
    window_s: float = Field(gt=0, le=86_400)

    def to_rate_limit(self) -> RateLimit:
        """Return the rate limit."""
        return RateLimit(calls=self.calls, window_s=self.window_s)


class LimitsBody(Body):
    """All limits. Those that are absent are off."""

    app: RateLimitBody | None = None
    api: RateLimitBody | None = None
    usage_left: Annotated[int, Field(ge=0)] | None = None
    declined: list[str] = Field(default_factory=list)
    """Names of operations, with or without `namespace/`."""

    def to_limits(self, declined: Iterable[str]) -> Limits:
        """Return unused limits. `declined` are names without `namespace/`."""
        return Limits(
            app=self.app.to_rate_limit() if self.app else None,
            api=self.api.to_rate_limit() if self.api else None,
            usage_left=self.usage_left,
            declined=frozenset(declined),
        )


class TokensBody(Body):
    """Changes to the tokens. Members that are absent change nothing."""

    expires_in: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """The lifetime of new access tokens, in seconds."""
    refresh_token: RefreshMode | None = None
    revoke_access_tokens: bool = False


class ClockBody(Body):
    """All settings of the clock. Those that are absent return to their initial value."""

    timestamp_window_ms: Annotated[int, Field(ge=0)] | None = None
    offset_ms: int = Field(default=0, ge=-(10**12), le=10**12)
