"""The bodies for messages and pushes."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from services.sandbox.admin.schemas.base import Body
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.messages.push_settings import (
    MAX_IN_FLIGHT,
    MAX_QUEUED,
    SignatureMode,
    is_callback_url,
)

MAX_TIMES = 20_000
_MAX_MS = 600_000


def _validate_callback_url(text: str) -> str:
    if not is_callback_url(text):
        raise ValueError("must be an http or https URL")
    return text


class PushBody(Body):
    """Changes to the PushSettings. Members that are absent change nothing, so the defaults are never used."""

    callback_url: Annotated[str, AfterValidator(_validate_callback_url)] | None = None
    max_retries: int = Field(default=0, ge=0, le=20)
    retry_interval_ms: int = Field(default=0, ge=0, le=_MAX_MS)
    timeout_ms: int = Field(default=0, ge=1, le=_MAX_MS)
    delay_ms: int = Field(default=0, ge=0, le=_MAX_MS)
    max_in_flight: int = Field(default=0, ge=1, le=MAX_IN_FLIGHT)
    max_queued: int = Field(default=0, ge=0, le=MAX_QUEUED)
    paused: bool = False
    duplicate_rate: float = Field(default=0, ge=0, le=20)
    shuffle: bool = False
    signature_mode: SignatureMode = SignatureMode.VALID
    extra_form: dict[str, str] = Field(default_factory=dict)
    extra_query: dict[str, str] = Field(default_factory=dict)


class MessagesBody(Body):
    """Messages to create."""

    topic: Annotated[str, Field(min_length=1, max_length=200)]
    times: int = Field(default=1, ge=1, le=MAX_TIMES)
    data: Any = None
    """Any JSON; None: an example of the topic."""
    order_count: Annotated[int, Field(ge=1, le=MAX_TIMES)] | None = None
    """The messages are about this number of example orders in turn; each order's messages have later times.

    The order id and the time are added to `data`, which must then be an object. None: `data` is sent as it
    is; if it is absent, all messages are about the same order.
    """
    data_as_text: bool = False
    """True: the data is sent as JSON text."""
    id_as_text: bool = False
    """True: the message id is sent as text."""
    user_info: str = MEMBER_ID
    event_time_ms: Annotated[int, Field(ge=0, le=10**14)] | None = None
    """None: now."""
    extra_members: dict[str, Any] = Field(default_factory=dict)
    """Further members of the envelope."""
