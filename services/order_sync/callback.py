"""`POST /callbacks/1688`: the webhook for 1688's messages. It returns 200 only after they are stored."""

import binascii
import re
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote_to_bytes

import structlog
from prometheus_client import Counter

from services.adapter import is_push_signed
from services.errors import StoreUnavailable
from services.server import HttpHandler, HttpRequest, HttpResponse, router
from services.store import IncomingMessage, StoreResult

PATH = "/callbacks/1688"
_MESSAGE, _SIGNATURE = b"message", b"_aop_signature"
_NOT_AN_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")

StoreMessages = Callable[[Sequence[IncomingMessage]], Awaitable[StoreResult]]
ParseMessage = Callable[[bytes], IncomingMessage]

_received = Counter(
    "nationalsite_messages_received",
    "stored, duplicate: number of messages. Other outcomes: number of requests that were not accepted.",
    ("outcome",),
)


class _Rejected(Exception):
    """A request is rejected with this HTTP status."""

    def __init__(self, status: int, outcome: str) -> None:
        super().__init__(outcome)
        self.status = status
        self.outcome = outcome


def callback_handler(
    secret: bytes,
    parse_message: ParseMessage,
    store_messages: StoreMessages,
    oldest_time_ms: Callable[[], int],
) -> HttpHandler:
    """Return what serves the callback.

    200: the message is stored, or was stored before. 400: the form is not that of a push, or all times in
    the message are before `oldest_time_ms`. 401: the signature is invalid. 503: the store is unavailable;
    1688 pushes again.
    """

    log = structlog.get_logger().bind()
    new, duplicate = _received.labels("stored"), _received.labels("duplicate")

    async def receive(request: HttpRequest) -> HttpResponse:
        try:
            message = parse_message(_verify(secret, request.query, request.body))
            # The store may have deleted its identity, so an attacker could send it again. 1688 repeats none
            # so old; if it did, nothing would be lost: replay.py fetches what 1688 could not push.
            if message.newest_time_ms is not None and message.newest_time_ms < oldest_time_ms():
                raise _Rejected(400, "too_old")
            stored = await store_messages([message])
        except _Rejected as rejected:
            _received.labels(rejected.outcome).inc()
            return HttpResponse(body=f"{rejected.outcome}\n", status=rejected.status)
        except StoreUnavailable:
            _received.labels("not_stored").inc()
            log.warning("message_not_stored")
            return HttpResponse(body="not stored\n", status=503, headers={"Retry-After": "1"})
        new.inc(len(stored.new_ids))
        duplicate.inc(stored.duplicate_count)
        log.info("message_received", new=list(stored.new_ids), duplicates=stored.duplicate_count)
        return HttpResponse(body="SUCCESS")

    return router({("POST", PATH): receive})


def _verify(secret: bytes, query: str, body: bytes) -> bytes:
    """Return the message of a push with a valid signature. Nothing is parsed before the signature is checked.

    1688 signs names and values as one text, without separators. So someone who has one signed push could
    split its bytes into other parameters, and the signature would still be valid. It proves the message only
    if the form has the two parameters of a push, once each.
    """
    parameters = {} if query else _parse_form(body)
    if parameters.keys() != {_MESSAGE, _SIGNATURE}:
        raise _Rejected(400, "malformed")
    if not is_push_signed(secret, parameters[_MESSAGE], parameters[_SIGNATURE]):
        raise _Rejected(401, "invalid_signature")
    return parameters[_MESSAGE]


def _parse_form(text: bytes) -> dict[bytes, bytes]:
    """Parse a form of two parameters as bytes, because the signature covers bytes. Any other form is {}.

    `parse_qsl` in Python 3.11 rejects percent-encoded bytes that are not ASCII.
    """
    if text.count(b"&") != 1:
        return {}
    parts = (part.replace(b"+", b" ").partition(b"=") for part in text.split(b"&"))
    return {_unquote(name): _unquote(value) for name, _, value in parts}


def _unquote(text: bytes) -> bytes:
    """Return what `unquote_to_bytes` returns. That is slow: it decodes each escape in Python."""
    if b"%" not in text:
        return text
    if _NOT_AN_ESCAPE.search(text):
        return unquote_to_bytes(text)
    # Quoted-printable is the same with `=` in place of `%`, and is decoded in C.
    return binascii.a2b_qp(text.replace(b"=", b"=3D").replace(b"%", b"="))
