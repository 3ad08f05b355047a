"""What the most expensive requests cost: every RPC rejects them before they take memory or time."""

import asyncio
import functools
import json
import resource
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, TypeAlias

import protovalidate
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.product.v1 import UploadImageRequest

from services.errors import ErrorOrigin, InvalidRequest
from services.server import Endpoint
from services.server.call import CallContext, MethodInfo
from services.server.call_timeout import CallTimeout
from services.server.grpc_options import max_message_bytes
from services.server.interceptors.deserialization import DeserializationInterceptor, RequestDeserializer
from services.server.request_memory import RequestMemory
from services.validation import RequestBounds, buf_validate, get_request_bounds, validator
from services.validation.request_bounds import MAX_TEXT_BYTES
from tests.server.shop_server import accept
from tests.support.request_ids import add_request_id
from tests.support.sample_cases import METHODS, SAMPLES, SERVED_RPCS, request_cases
from tests.support.worst_requests import UNKNOWN_FIELD, build_invalid, list_fills, unknown_fills, walk_lists

GetDeserializer: TypeAlias = Callable[[str], RequestDeserializer]

RPCS = sorted(SERVED_RPCS)
MAX_COLLECTED = 1000
"""Of the violations of one request. Each takes some 50 us."""
MAX_CPU_S = 0.5
"""For one request. The worst takes 0.05 s; an attack that gets through takes seconds."""
MAX_ADDED_MIB = 64
"""For all requests, of which the largest has 5 MiB; an attack that gets through takes hundreds."""
IMAGE_BYTES = 4 * 2**20
TIMEOUT_S = 5


def build_deserializer(rpc: str) -> RequestDeserializer:
    endpoint = Endpoint(handler=accept, origin=ErrorOrigin(rpc))
    return RequestDeserializer(MethodInfo(descriptor=METHODS[rpc], endpoint=endpoint))


@pytest.fixture(scope="module")
def collected() -> list[int]:
    """How many violations were collected, by each call of protovalidate."""
    return []


@pytest.fixture(scope="module")
def get_deserializer(collected: list[int]) -> Iterator[GetDeserializer]:
    class Validator:
        _validator = protovalidate.Validator()

        def collect_violations(self, request: Message, **options: Any) -> list[protovalidate.Violation]:
            violations = self._validator.collect_violations(request, **options)
            collected.append(len(violations))
            return violations

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(validator, "shared_validator", lambda _pool: Validator())
        yield functools.cache(build_deserializer)


def deserialize(deserializer: RequestDeserializer, payload: bytes) -> Message:
    return deserializer.validate(CallContext(grpc_context=None), deserializer.parse(payload))


def violated(payload: bytes, message: Descriptor) -> list[tuple[str, str]]:
    """The field and the reason with which the bounds reject a request; [] if they do not."""
    try:
        RequestBounds(message).check(payload)
    except InvalidRequest as error:
        return [(violation.field, violation.reason) for violation in error.violations]
    return []


@pytest.mark.parametrize("rpc", RPCS)
def test_a_list_that_is_too_long_is_rejected_before_it_is_parsed(rpc: str) -> None:
    message = METHODS[rpc].input_type
    for path, max_items, build in walk_lists(message):
        assert violated(build(max_items), message) == []
        assert violated(build(max_items + 1), message) == [(path, "REPEATED_MAX_ITEMS")]


@pytest.mark.parametrize("rpc", RPCS)
def test_the_violations_that_are_collected_are_bounded(
    rpc: str, get_deserializer: GetDeserializer, collected: list[int]
) -> None:
    invalid = build_invalid(METHODS[rpc].input_type)
    collected.clear()
    if invalid.ListFields():
        with pytest.raises(InvalidRequest) as caught:
            deserialize(get_deserializer(rpc), invalid.SerializeToString())
        assert 1 <= len(caught.value.violations) <= 20
    assert sum(collected) <= MAX_COLLECTED


@pytest.mark.parametrize("rpc", RPCS)
def test_the_largest_valid_request_is_not_too_large(rpc: str) -> None:
    message = METHODS[rpc].input_type
    payload = build_largest(message).SerializeToString()
    if len(payload) <= MAX_TEXT_BYTES or "image" in message.fields_by_name:
        assert violated(payload, message) == []


def build_largest(message: Descriptor) -> Message:
    """Return a request with lists and texts of the maximum length, of characters of four bytes."""
    request = GetMessageClass(message)()
    for descriptor in message.fields:
        rules = buf_validate.rules(descriptor.GetOptions(), buf_validate.field)
        if descriptor.is_repeated:
            value = _largest_value(descriptor, rules.repeated.items)
            getattr(request, descriptor.name).extend([value] * rules.repeated.max_items)
        elif descriptor.message_type is not None:
            getattr(request, descriptor.name).CopyFrom(build_largest(descriptor.message_type))
        else:
            setattr(request, descriptor.name, _largest_value(descriptor, rules))
    return request


def _largest_value(descriptor: FieldDescriptor, rules: Any) -> Any:
    if descriptor.message_type is not None:
        return build_largest(descriptor.message_type)
    if descriptor.type == FieldDescriptor.TYPE_STRING:
        return "x" * 36 if rules.string.uuid else "𠀀" * rules.string.max_len
    if descriptor.type == FieldDescriptor.TYPE_BYTES:
        return bytes(rules.bytes.max_len)
    return True if descriptor.type == FieldDescriptor.TYPE_BOOL else 2**31 - 1


@pytest.mark.parametrize("rpc", RPCS)
def test_a_request_that_is_too_large_names_its_largest_field(rpc: str) -> None:
    message = METHODS[rpc].input_type
    bounds = RequestBounds(message)
    for descriptor in message.fields:
        if descriptor.type == FieldDescriptor.TYPE_STRING and not descriptor.is_repeated:
            large = GetMessageClass(message)(**{descriptor.name: "x" * bounds.max_bytes})
            assert violated(large.SerializeToString(), message) == [(descriptor.name, "REQUEST_SIZE")]


def test_the_size_of_a_list_is_that_of_all_its_elements() -> None:
    message = METHODS["AckMessages"].input_type
    large = GetMessageClass(message)(subscription="x" * 200_000, ack_ids=["x" * 1000] * 400)
    assert violated(large.SerializeToString(), message) == [("ack_ids", "REQUEST_SIZE")]


@pytest.mark.parametrize(
    "payload", [b"\x0b", b"\x12\x05", b"\xff" * 11, b"\x12\x80", b"\x11\x00"], ids=bytes.hex
)
def test_bytes_that_are_no_request_are_malformed(payload: bytes, get_deserializer: GetDeserializer) -> None:
    bounds = RequestBounds(METHODS["WriteOrderRelations"].input_type)
    with pytest.raises(DecodeError):
        bounds.check(payload)
    with pytest.raises(InvalidRequest) as caught:
        deserialize(get_deserializer("WriteOrderRelations"), payload)
    assert [violation.reason for violation in caught.value.violations] == ["MALFORMED"]


def build_valid(rpc: str) -> Message:
    """Return a request of the samples."""
    local_requests = json.loads((SAMPLES / "local_requests.json").read_text())
    sampled = (case.request for case in request_cases() if case.rpc == rpc)
    fields = local_requests[rpc] if rpc in local_requests else next(sampled)
    if isinstance(fields, list):  # the requests of a stream
        fields = fields[0]
    message = METHODS[rpc].input_type
    return ParseDict(add_request_id(message, fields), GetMessageClass(message)())


def messages_within(message: Message) -> Iterator[Message]:
    yield message
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for nested in value if descriptor.is_repeated else (value,):
                yield from messages_within(nested)


@pytest.mark.parametrize("rpc", RPCS)
def test_unknown_fields_are_dropped_at_any_depth(rpc: str, get_deserializer: GetDeserializer) -> None:
    request = build_valid(rpc)
    serialized = request.SerializeToString(deterministic=True)
    extended = type(request).FromString(serialized)
    for message in messages_within(extended):
        message.MergeFromString(UNKNOWN_FIELD)
    payload = extended.SerializeToString()
    assert len(payload) > len(serialized)
    deserialized = deserialize(get_deserializer(rpc), payload)
    assert deserialized.SerializeToString(deterministic=True) == serialized


@pytest.mark.slow
def test_no_request_takes_much_time_or_memory() -> None:
    """In a process of its own, whose memory is only that of these requests."""
    process = subprocess.run(  # noqa: S603 # our own interpreter, our own code
        [sys.executable, "-c", f"from {__name__} import measure_worst_requests as main; main()"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr


def measure_worst_requests() -> None:
    """Deserialize the worst requests of every RPC. Prints those that take too much, and exits with 1."""
    deserializers = {rpc: build_deserializer(rpc) for rpc in RPCS}
    problems = []
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for rpc, deserializer in deserializers.items():
        message = METHODS[rpc].input_type
        size = RequestBounds(message).max_bytes
        for name, payload in chain(list_fills(message, size), unknown_fills(message, size)):
            start = time.thread_time()
            with suppress(InvalidRequest):
                deserialize(deserializer, payload)
            if (taken_s := time.thread_time() - start) > MAX_CPU_S:
                problems.append(f"{rpc} {name}: {taken_s:.2f} s")
            added_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
            if added_mib > MAX_ADDED_MIB:
                sys.exit(f"{rpc} {name}: {added_mib:.0f} MiB")
    print(*problems, sep="\n")
    sys.exit(bool(problems))


async def test_the_bytes_of_an_image_are_dropped_before_it_is_validated() -> None:
    """Then Python holds at most the image that protovalidate reads. The message is not Python's memory."""
    image = b"\xff\xd8\xff" + bytes(IMAGE_BYTES)

    class Context:
        async def read(self) -> bytes:
            return UploadImageRequest(image=image).SerializeToString()

    async def call_next(_: CallContext) -> bytes:
        return b""

    endpoint = Endpoint(handler=accept, origin=ErrorOrigin("UploadImage"))
    method = MethodInfo(descriptor=METHODS["UploadImage"], endpoint=endpoint)
    interceptor = DeserializationInterceptor(method, memory=RequestMemory(2 * IMAGE_BYTES))
    call = CallContext(grpc_context=Context())
    call.deadline = asyncio.get_running_loop().time() + TIMEOUT_S
    task = asyncio.current_task()
    assert task is not None
    tracemalloc.start()
    try:
        with CallTimeout(task, call.deadline) as call.timeout:
            await interceptor(call, call_next)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * IMAGE_BYTES


def test_the_bounds_of_a_request_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: Counter[str] = Counter()
    initialize = RequestBounds.__init__

    def count(bounds: RequestBounds, request: Descriptor) -> None:
        computed[request.full_name] += 1
        initialize(bounds, request)

    monkeypatch.setattr(RequestBounds, "__init__", count)
    get_request_bounds.cache_clear()
    service = METHODS["CancelPurchaseOrder"].containing_service
    endpoint = Endpoint(handler=accept, origin=ErrorOrigin(""))
    for method in service.methods:
        RequestDeserializer(MethodInfo(descriptor=method, endpoint=endpoint))
    assert max_message_bytes(service)
    assert computed == {method.input_type.full_name: 1 for method in service.methods}
