"""`POST /callbacks/1688`: the webhook for 1688's messages. It returns 200 only after they are stored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote_to_bytes

import structlog
from aiohttp import web
from prometheus_client import Counter

from services.adapter import is_push_signed
from services.errors import StoreUnavailable
from services.store import IncomingMessage, StoreResult

PATH = "/callbacks/1688"
MAX_BODY_BYTES = 2**20
"""A message is a few hundred bytes."""
MAX_PARAMETERS = 100
READ_TIMEOUT_S = 10.0
"""For receiving the complete body."""
STORE_TIMEOUT_S = 10.0

StoreMessages = Callable[[Sequence[IncomingMessage]], Awaitable[StoreResult]]
ParseMessage = Callable[[bytes], IncomingMessage]

_received = Counter(
    "nationalsite_messages_received",
    "Messages stored or duplicate; requests invalid_signature, malformed, too_large, too_slow or not_stored.",
    ("outcome",),
)
_log = structlog.get_logger()


class _Rejected(Exception):
    """A request is rejected with this HTTP status."""

    def __init__(self, status: int, outcome: str) -> None:
        super().__init__(outcome)
        self.status = status
        self.outcome = outcome


def callback_routes(
    secret: bytes, parse_message: ParseMessage, store_messages: StoreMessages
) -> list[web.RouteDef]:
    """Return the routes of the callback's listener.

    200: all messages are stored, or were stored before. 401: the signature is invalid; nothing is stored.
    400, 408, 413: the request is malformed, too slow or too large. 503: the store is unavailable; 1688 pushes
    again.
    """

    async def receive(request: web.Request) -> web.Response:
        try:
            parameters = await _read_parameters(request)
            if not is_push_signed(secret, parameters):
                raise _Rejected(401, "invalid_signature")
            messages = [value for name, value in parameters if name == b"message"]
            if not messages:
                # The signature covers names and values without separators: an attacker can move characters
                # between a name and its value in a signed request, and the signature remains valid. So
                # `message` can be missing: nothing is stored then, and 1688 must not get a 200.
                raise _Rejected(400, "malformed")
            async with asyncio.timeout(STORE_TIMEOUT_S):
                stored = await store_messages([parse_message(message) for message in messages])
        except _Rejected as rejected:
            _received.labels(rejected.outcome).inc()
            return web.Response(text=f"{rejected.outcome}\n", status=rejected.status)
        except (StoreUnavailable, TimeoutError):
            _received.labels("not_stored").inc()
            _log.warning("message_not_stored")
            return web.Response(text="not stored\n", status=503, headers={"Retry-After": "1"})
        _received.labels("stored").inc(len(stored.new_ids))
        _received.labels("duplicate").inc(stored.duplicate_count)
        _log.info("message_received", new=list(stored.new_ids), duplicates=stored.duplicate_count)
        return web.Response(text="SUCCESS")

    return [web.post(PATH, receive)]


async def _read_parameters(request: web.Request) -> list[tuple[bytes, bytes]]:
    """Return the parameters of query and body as bytes, because the signature covers bytes."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise _Rejected(413, "too_large")
    except TimeoutError:
        raise _Rejected(408, "too_slow") from None
    except (ConnectionError, web.RequestPayloadError):  # closed by the client, or not a chunked body
        raise _Rejected(400, "malformed") from None
    query = request.raw_path.partition("?")[2].encode(errors="surrogateescape")
    try:
        return [*_parse_form(query), *_parse_form(bytes(body))]
    except ValueError:
        raise _Rejected(400, "malformed") from None


def _parse_form(text: bytes) -> list[tuple[bytes, bytes]]:
    """Parse a form as bytes. The parser of Python 3.11 rejects bytes that are not ASCII after decoding.

    Raises ValueError if there are more than MAX_PARAMETERS.
    """
    if text.count(b"&") >= MAX_PARAMETERS:
        raise ValueError("too many parameters")
    parts = (part.replace(b"+", b" ").partition(b"=") for part in text.split(b"&") if part)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts]
