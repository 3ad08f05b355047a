"""The JSON bodies that the admin paths of messages take."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from services.sandbox.admin.schemas.controls import Body
from services.sandbox.credentials import MEMBER_ID
from services.sandbox.messages.push_settings import MAX_IN_FLIGHT, MAX_QUEUE, Signing, is_callback_url

MAX_TIMES = 20_000
_MAX_MS = 600_000


def _callback_url(text: str) -> str:
    if not is_callback_url(text):
        raise ValueError("an http or https URL is needed")
    return text


class PushBody(Body):
    """Changes to the pushing, named as in PushSettings; what is left out stays as it is."""

    callback_url: Annotated[str, AfterValidator(_callback_url)] | None = None
    tries: int = Field(default=0, ge=0, le=20)
    spacing_ms: int = Field(default=0, ge=0, le=_MAX_MS)
    timeout_ms: int = Field(default=0, ge=1, le=_MAX_MS)
    delay_ms: int = Field(default=0, ge=0, le=_MAX_MS)
    in_flight: int = Field(default=0, ge=1, le=MAX_IN_FLIGHT)
    queue: int = Field(default=0, ge=0, le=MAX_QUEUE)
    paused: bool = False
    duplicates: float = Field(default=0, ge=0, le=20)
    shuffle: bool = False
    signing: Signing = Signing.RIGHT
    form: dict[str, str] = Field(default_factory=dict)
    query: dict[str, str] = Field(default_factory=dict)


class MessagesBody(Body):
    """Messages to make by hand."""

    topic: Annotated[str, Field(min_length=1, max_length=200)]
    times: int = Field(default=1, ge=1, le=MAX_TIMES)
    data: Any = None
    """Any JSON; None = as the topic has it."""
    orders: Annotated[int, Field(ge=1, le=MAX_TIMES)] | None = None
    """Spread over so many made-up orders, each with times that increase; they stand in the data, which
    must be an object then. None = `data` as it is, or one order.
    """
    data_as_text: bool = False
    """The data is JSON text."""
    text_id: bool = False
    """The message's id is text."""
    user_info: str = MEMBER_ID
    born_ms: Annotated[int, Field(ge=0, le=10**14)] | None = None
    """None = now."""
    more: dict[str, Any] = Field(default_factory=dict)
    """Further members of the envelope."""
