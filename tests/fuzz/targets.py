"""Fuzz targets: for each parser of foreign bytes, what must hold whatever the bytes are.

A target raises only if a property is violated: an exception that the parser does not document, too much CPU
time, or a value of the input in the text of an error. The runner bounds the memory.
"""

import asyncio
import hashlib
import hmac
import io
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass
from PIL import Image

from services.adapter.codec import DecodeResult, Dialect, Operation, compile_operation, parse
from services.adapter.codec.encoder import JsonDates
from services.errors import CallerUnknown, ErrorOrigin, InvalidRequest, UpstreamError
from services.order_sync import message_codec
from services.order_sync.callback import callback_handler
from services.product.image_header import ImageRejected, inspect_image
from services.server import HttpLimits, HttpRequest, HttpResponse
from services.server.call import CallContext, Endpoint, MethodInfo
from services.server.http.connection import Connection
from services.server.http.connections import Connections
from services.server.interceptors.deserialization import RequestDeserializer
from services.server.security.peer_identity import XFCC_HEADER, PeerIdentityResolver
from services.server.security.spiffe import is_spiffe_id
from services.store import StoreResult
from services.tracked_tasks import TrackedTasks
from tests.support.callbacks import SECRET, build_body
from tests.support.sample_cases import METHODS, SAMPLES, SERVED_RPCS, request_cases, response_cases

MAX_CPU_S = 2.0
"""Of one input, instrumented, on a busy machine: 64 KiB take a few milliseconds."""
PERSONAL = "hanako.yamada@mail.example"
"""In some seeds. Errors must not quote it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, and the inputs that its fuzzing begins with."""

    check: Callable[[bytes], None]
    """Raises an exception if a property is violated."""
    seeds: Callable[[], Iterator[bytes]]
    max_bytes: int

    def run(self, data: bytes) -> None:
        """Check an input, and the CPU time that it takes."""
        started = time.thread_time()
        self.check(data)
        elapsed_s = time.thread_time() - started
        assert elapsed_s < MAX_CPU_S, f"{len(data)} bytes took {elapsed_s:.2f} s"


RESPONSES = sorted({(case.rpc, case.dialect) for case in response_cases()})
"""The first byte of an input selects one."""
REQUESTS = sorted(SERVED_RPCS)
"""The same."""


def check_reply(data: bytes) -> None:
    """Both decoders return a serialized response, or raise a documented error; where both can, they agree."""
    rpc, dialect = RESPONSES[data[0] % len(RESPONSES)] if data else RESPONSES[0]
    operation, request = compiled(rpc, dialect)
    response = GetMessageClass(METHODS[rpc].output_type)
    try:
        parsed = operation.parse(data[1:], request)
    except ValueError:  # not JSON: the caller of this function says so without the text
        return
    fast = parsed if isinstance(parsed, DecodeResult) else None
    try:
        # The fast decoder skips broken characters in members that no field reads.
        tolerant = operation.decode(parse(data[1:].decode(errors="replace")) if fast else parsed, request)
    except UpstreamError as error:
        check_text(str(error))
        assert fast is None, "only the fast decoder can read it"
        return
    decoded = response.FromString(tolerant.response)
    assert fast is None or response.FromString(fast.response) == decoded, "the decoders differ"
    for path in tolerant.unreadable:
        check_text(path)


@cache
def compiled(rpc: str, dialect: str) -> tuple[Operation, Any]:
    operation = compile_operation(METHODS[rpc], Dialect(dialect), dates=JsonDates.TEXT)
    requests = (case.request for case in response_cases() if (case.rpc, case.dialect) == (rpc, dialect))
    return operation, ParseDict(next(requests), operation.request())


def reply_seeds() -> Iterator[bytes]:
    for case in response_cases():
        selector = bytes([RESPONSES.index((case.rpc, case.dialect))])
        yield selector + case.body
        if len(case.body) < 2**13:
            yield selector + json.dumps(with_personal_data(parse_or_empty(case.body))).encode()


def parse_or_empty(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def with_personal_data(value: Any) -> Any:
    """Return JSON with every text replaced."""
    if isinstance(value, dict):
        return {name: with_personal_data(member) for name, member in value.items()}
    if isinstance(value, list):
        return [with_personal_data(element) for element in value]
    return PERSONAL if isinstance(value, str) else value


def check_push(data: bytes) -> None:
    """An even first byte: a whole form. An odd one: a message, which is signed here.

    No form is accepted but one that 1688 signed, with that message. A signed message is stored, or too old.
    """
    is_signed, content = bool(data and data[0] % 2), data[1:]
    form = sign_form(content) if is_signed else content
    status, stored = loop().run_until_complete(post_form(form))
    assert status in ({200, 400, 413} if is_signed else {200, 400, 401, 413}), status
    if not is_signed:
        assert set(stored) <= set(message_seeds()), "a message was stored that was never signed"


@cache
def loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of all inputs: a new one takes longer than an input."""
    return asyncio.new_event_loop()


async def post_form(form: bytes) -> tuple[int, list[bytes]]:
    stored: list[bytes] = []

    async def store(messages: Sequence[Any]) -> StoreResult:
        stored.extend(message.raw for message in messages)
        return StoreResult(new_ids=tuple(message.message_id for message in messages), duplicate_count=0)

    def parse_message(text: bytes) -> Any:
        return message_codec.parse_message(text, lambda: 0)

    handle = callback_handler(SECRET, parse_message, store, lambda: 0)
    response = await handle(HttpRequest(method="POST", path="/callbacks/1688", query="", body=form))
    return response.status, stored


def sign_form(message: bytes) -> bytes:
    signature = hmac.new(SECRET, b"message" + message, hashlib.sha1).hexdigest().upper()
    return urlencode({"message": message, "_aop_signature": signature}).encode()


@cache
def message_seeds() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((SAMPLES / "messages").glob("*.json")))


def push_seeds() -> Iterator[bytes]:
    for message in message_seeds():
        yield b"\x00" + build_body(message.decode())
        yield b"\x01" + message


def check_xfcc(data: bytes) -> None:
    """A proxy's header gives one SPIFFE id that is in it, none, or CallerUnknown."""
    header = data.decode("latin-1")
    context = SimpleNamespace(
        invocation_metadata=lambda: ((XFCC_HEADER, header),),
        peer=lambda: "ipv4:127.0.0.1:4711",
        auth_context=dict,
    )
    try:
        identity = resolver().resolve(cast(Any, context)).identity
    except CallerUnknown as error:
        check_text(str(error))
        return
    assert not identity or (is_spiffe_id(identity) and identity in header)


@cache
def resolver() -> PeerIdentityResolver:
    return PeerIdentityResolver([ip_network("127.0.0.0/8")])


def xfcc_seeds() -> Iterator[bytes]:
    for uri in ("spiffe://shop.example/ns/web/sa/front", "spiffe://a/b", "https://a/b", PERSONAL, ""):
        yield f"By=spiffe://x/y;Hash=abc;URI={uri}".encode()
        yield f'Hash=ab;Subject="CN=a,O=\\"b\\";C=c";URI={uri};DNS=a.example'.encode()
        yield f"By=a;URI=spiffe://x/y,By=b;URI={uri}".encode()
        yield f'URI="{uri}";uri={uri}'.encode()


def check_http(data: bytes) -> None:
    """However the bytes of a client are cut into reads, its connection gets the same responses.

    Not compared are which rejection is sent, and 100 Continue. The first byte is the length of the parts.
    """
    length, sent = 1 + (data[0] if data else 0), data[1:]
    parts = [sent[start : start + length] for start in range(0, len(sent), length)]
    assert get_responses([sent]) == get_responses(parts), "the responses depend on how the bytes were cut"


def get_responses(parts: Sequence[bytes]) -> bytes:
    return loop().run_until_complete(exchange(parts))


async def exchange(parts: Sequence[bytes]) -> bytes:
    limits, tasks, transport = HttpLimits(max_body_bytes=100), TrackedTasks(), FakeTransport()
    connection = Connection(Connections(limits), limits, echo, tasks)
    connection.connection_made(cast(asyncio.Transport, transport))
    for part in parts:
        connection.get_buffer(-1)[: len(part)] = part
        connection.buffer_updated(len(part))
        await tasks.close()
        assert transport.is_closed or not transport.is_paused, "requests wait although none is being answered"
    connection.close()
    # Of two faults of a request, the one that is found first depends on the parts.
    sent = REJECTION.sub(b"rejected", transport.sent)
    return sent.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")  # it may come too late


async def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(body=repr(request))


class FakeTransport:
    """What a connection needs of a transport."""

    def __init__(self) -> None:
        self.sent = b""
        self.is_paused = self.is_closed = False

    def get_extra_info(self, _name: str) -> object:
        return ("127.0.0.1", 4711)

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.sent += DATE.sub(b"", data)

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def write_eof(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.is_closed


DATE = re.compile(rb"Date: .*\r\n")
REJECTION = re.compile(rb"HTTP/1.1 [45].*", re.DOTALL)


def http_seeds() -> Iterator[bytes]:
    head = b"POST /callbacks/1688?a=b HTTP/1.1\r\nHost: x\r\n"
    for length in (b"\x00", b"\x08", b"\x80"):
        yield length + head + b"Content-Length: 5\r\n\r\nhelloGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        yield (
            length + head + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nA: b\r\n\r\n"
        )
        yield length + head + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"
        yield length + head + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + head
        yield length + b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2


def check_image(data: bytes) -> None:
    """The headers of an image are read, or it is rejected."""
    try:
        facts = inspect_image(data)
        facts.check()
    except ImageRejected as error:
        check_text(str(error))
        return
    assert facts.format in {"JPEG", "PNG"}
    assert facts.width > 0
    assert facts.height > 0
    assert facts.decoded_bytes > 0


def image_seeds() -> Iterator[bytes]:
    for mode in ("RGB", "L", "CMYK", "RGBA", "P"):
        image = Image.new(mode, (33, 17))
        options: dict[str, list[dict[str, Any]]] = {"JPEG": [{}, {"progressive": True}], "PNG": [{}]}
        for image_format in ("JPEG", "PNG"):
            for option in options[image_format]:
                if (mode in {"RGBA", "P"}) != (image_format == "PNG"):
                    continue
                output = io.BytesIO()
                image.save(output, image_format, **option)
                yield output.getvalue()


def check_request(data: bytes) -> None:
    """A request is valid, or InvalidRequest names what is wrong, without its values."""
    rpc = REQUESTS[data[0] % len(REQUESTS)] if data else REQUESTS[0]
    call = SimpleNamespace(first_request=None, audit_ids=None, is_operator=False)
    try:
        deserialize = deserializer(rpc)
        request = deserialize.validate(cast(CallContext, call), deserialize.parse(data[1:]))
    except InvalidRequest as error:
        check_text(str(error))
        for violation in error.violations:
            check_text(violation.field + violation.description + violation.reason)
        return
    assert type(request).FromString(request.SerializeToString()) == request


@cache
def deserializer(rpc: str) -> RequestDeserializer:
    endpoint = Endpoint(handler=cast(Any, None), origin=ErrorOrigin(rpc))
    return RequestDeserializer(MethodInfo(descriptor=METHODS[rpc], endpoint=endpoint))


def request_seeds() -> Iterator[bytes]:
    for case in request_cases():
        if case.rpc in SERVED_RPCS:
            message = ParseDict(case.request, GetMessageClass(METHODS[case.rpc].input_type)())
            selector = bytes([REQUESTS.index(case.rpc)])
            yield selector + message.SerializeToString()
            for field in message.DESCRIPTOR.fields:
                if field.type == field.TYPE_STRING and not field.is_repeated:
                    setattr(message, field.name, PERSONAL)
            yield selector + message.SerializeToString()


def check_text(text: str) -> None:
    """Raise AssertionError if a text for callers and logs has personal data of the input."""
    assert PERSONAL not in text, "personal data in the text of an error"


TARGETS = {
    "replies": Target(check_reply, reply_seeds, 2**15),
    "pushes": Target(check_push, push_seeds, 2**13),
    "xfcc": Target(check_xfcc, xfcc_seeds, 2**12),
    "http": Target(check_http, http_seeds, 2**11),
    "images": Target(check_image, image_seeds, 2**15),
    "requests": Target(check_request, request_seeds, 2**15),
}
