"""`POST /callbacks/1688`: takes 1688's messages, and answers 200 only when they are stored."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote_to_bytes

import structlog
from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.adapter import is_push_signed
from services.errors import StoreUnavailable
from services.store import IncomingMessage, StoreResult

PATH = "/callbacks/1688"
MOST_BYTES = 2**20
"""Of a body: a message is a few hundred bytes."""
MOST_PARAMETERS = 100
READ_S = 10.0
"""For the whole of a request to come in."""
STORE_S = 10.0

Store = Callable[[Sequence[IncomingMessage]], Awaitable[StoreResult]]
Read = Callable[[bytes], IncomingMessage]

_received = Counter(
    "nationalsite_messages_received",
    "Callbacks by outcome: stored, duplicate, forged, malformed, too_large, too_slow, not_stored.",
    ("outcome",),
)
_log = structlog.get_logger()


class _Rejected(Exception):
    """A request that is answered at once."""

    def __init__(self, status: int, outcome: str) -> None:
        super().__init__(outcome)
        self.status = status
        self.outcome = outcome


def callback_app(secret: bytes, read: Read, store: Store) -> Starlette:
    """The application behind the callback's own listener.

    Answers 200 to what is stored, now or before; 401 to what 1688 did not sign, of which nothing is stored;
    400, 408 and 413 to what is no such request; 503 where the store cannot be used, so that 1688 tries again.
    """

    async def receive(request: Request) -> Response:
        try:
            parameters = await _parameters(request)
            if not is_push_signed(secret, parameters):
                raise _Rejected(401, "forged")
            texts = [value for name, value in parameters if name == b"message"]
            if not texts:
                # The signature does not tell names from values: whoever saw one message can part its letters
                # in as many ways as it has, and each is signed.
                raise _Rejected(400, "malformed")
            async with asyncio.timeout(STORE_S):
                stored = await store([read(text) for text in texts])
        except _Rejected as refusal:
            _received.labels(refusal.outcome).inc()
            return PlainTextResponse(f"{refusal.outcome}\n", refusal.status)
        except (StoreUnavailable, TimeoutError):
            _received.labels("not_stored").inc()
            _log.warning("message_not_stored")
            return PlainTextResponse("not stored\n", 503, {"Retry-After": "1"})
        _received.labels("stored").inc(len(stored.new))
        _received.labels("duplicate").inc(stored.duplicates)
        _log.info("message_received", new=list(stored.new), duplicates=stored.duplicates)
        return PlainTextResponse("SUCCESS")

    return Starlette(routes=[Route(PATH, receive, methods=["POST"])])


async def _parameters(request: Request) -> list[tuple[bytes, bytes]]:
    """Return everything received, of query and body, as bytes: the signature covers it as it came."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _Rejected(413, "too_large")
    except TimeoutError:
        raise _Rejected(408, "too_slow") from None
    except ClientDisconnect:
        raise _Rejected(400, "malformed") from None
    query: bytes = request.scope["query_string"]
    try:
        return [*_pairs(query), *_pairs(bytes(body))]
    except ValueError:
        raise _Rejected(400, "malformed") from None


def _pairs(text: bytes) -> list[tuple[bytes, bytes]]:
    """Decode a form as bytes: Python 3.11's own reading of bytes refuses what is not ASCII once decoded.

    Raises ValueError for more parameters than a message has any use for.
    """
    if text.count(b"&") >= MOST_PARAMETERS:
        raise ValueError("too many parameters")
    parts = (part.replace(b"+", b" ").partition(b"=") for part in text.split(b"&") if part)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in parts]
