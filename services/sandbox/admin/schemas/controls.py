"""The JSON bodies that the admin paths take."""

from collections.abc import Iterable
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.sandbox.controls.faults import Fault
from services.sandbox.controls.limits import Limits, Rate
from services.sandbox.controls.tokens import RefreshAnswer

B = TypeVar("B", bound=BaseModel)


class Body(BaseModel):
    """Every body refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FaultBody(Body):
    """Faults to queue."""

    operation: str
    """Name of an API, with or without `namespace/`; `*` = any."""
    times: int = Field(default=1, ge=1, le=10_000)
    fault: Fault


class RateBody(Body):
    """So many calls in any window of so many seconds."""

    calls: int = Field(ge=0, le=1_000_000)
    window_s: float = Field(gt=0, le=86_400)

    def rate(self) -> Rate:
        """As the limits take it."""
        return Rate(calls=self.calls, window_s=self.window_s)


class LimitsBody(Body):
    """Every limit; what is left out is off."""

    app: RateBody | None = None
    api: RateBody | None = None
    usage_left: Annotated[int, Field(ge=0)] | None = None
    declined: list[str] = []
    """Names of APIs, with or without `namespace/`."""

    def limits(self, declined: Iterable[str]) -> Limits:
        """Limits that nothing has been used of. `declined` are names without `namespace/`."""
        return Limits(
            app=self.app.rate() if self.app else None,
            api=self.api.rate() if self.api else None,
            usage_left=self.usage_left,
            declined=frozenset(declined),
        )


class TokensBody(Body):
    """Changes to the tokens; what is left out stays as it is."""

    expires_in: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """Life of the access tokens to come, in seconds."""
    refresh_token: RefreshAnswer | None = None
    revoke_access_tokens: bool = False


class ClockBody(Body):
    """The whole setting of the clock; what is left out is as at the start."""

    timestamp_window_ms: Annotated[int, Field(ge=0)] | None = None
    offset_ms: int = Field(default=0, ge=-(10**12), le=10**12)


async def read_body(request: Request, kind: type[B], *, empty: B | None = None) -> B:
    """The body of an admin request; HTTP 400 that says what is wrong with it.

    `empty` stands for a request without a body, where that is allowed.
    """
    content = await request.body()
    if not content and empty is not None:
        return empty
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        problems = (
            ".".join(map(str, problem["loc"])) + ": " + problem["msg"] if problem["loc"] else problem["msg"]
            for problem in error.errors(include_url=False, include_context=False, include_input=False)
        )
        raise HTTPException(400, "; ".join(problems)) from error
