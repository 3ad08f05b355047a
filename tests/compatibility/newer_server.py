"""A server of a later release, and cases for it in the format of tests/polyglot: one call of every RPC.

The request's metadata `addition` selects the response, see `newer_responses.ADDITIONS`; ERROR is an error.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from google.protobuf import any_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.compatibility.caller import Json, to_json
from tests.compatibility.newer_responses import ADDITIONS, ONEOF_MEMBERS, build_response
from tests.compatibility.newer_server_messages import current_message_class
from tests.support.sample_cases import SERVICES

TARGET, ADDITION, ERROR = "NEWER", "addition", "error"
STOP_TIMEOUT_S = 20
NEW_REASON, MESSAGE, RETRY_MS = "ERROR_REASON_ADDED_LATER", "added later", 1500
METHODS = {
    f"{method.containing_service.full_name}/{method.name}": method
    for service in SERVICES.values()
    for method in service.methods
}
"""All RPCs by their names in a case."""


@contextmanager
def newer_server() -> Iterator[str]:
    """Yield the address of a running server."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers([_Handlers()])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield address
    server.stop(grace=None).wait(STOP_TIMEOUT_S)


class _Handlers(grpc.GenericRpcHandler):
    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = METHODS.get(details.method.removeprefix("/"))
        if method is None:  # clients watch the health, and do without it
            return None
        if method.server_streaming:
            return grpc.stream_stream_rpc_method_handler(lambda requests, _: _stream(method, requests))
        addition = dict(details.invocation_metadata)[ADDITION]
        return grpc.unary_unary_rpc_method_handler(
            lambda _request, context: _respond(method, str(addition), context)
        )


def _respond(method: MethodDescriptor, addition: str, context: grpc.ServicerContext) -> bytes:
    if addition == ERROR:
        context.abort_with_status(rpc_status.to_status(_build_error()))
    return _encode(method, addition)


def _stream(method: MethodDescriptor, requests: Iterator[bytes]) -> Iterator[bytes]:
    """Send all responses after the first request. Then wait for the end of the requests."""
    next(requests)
    for addition in ADDITIONS:
        yield _encode(method, addition)
    for _ in requests:
        pass


def _encode(method: MethodDescriptor, addition: str) -> bytes:
    return build_response(method.output_type.full_name, addition).SerializeToString()


def _build_error() -> status_pb2.Status:
    """Return an error with a new reason, and with a detail of a new type before the known ones."""
    status = status_pb2.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=MESSAGE)
    status.details.append(
        any_pb2.Any(type_url="type.googleapis.com/nationalsite.errors.v1.AddedLater", value=b"\x0a\x01x")
    )
    metadata = {"source": "service", "dialect": "none", "added": "later"}
    info = error_details_pb2.ErrorInfo(reason=NEW_REASON, domain="nationalsite", metadata=metadata)
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(RETRY_MS)
    for detail in (info, retry):
        status.details.add().Pack(detail)
    return status


def write_cases(folder: Path) -> set[str]:
    """Write the cases to a new folder; return their names."""
    folder.mkdir(parents=True)
    cases = dict(_build_cases())
    for name, case in cases.items():
        (folder / f"{name}.json").write_text(json.dumps(case, ensure_ascii=False), encoding="utf-8")
    return set(cases)


def _build_cases() -> Iterator[tuple[str, Json]]:
    for rpc, method in METHODS.items():
        for addition in (*ADDITIONS, ERROR):
            case: Json = {"target": TARGET, "rpc": rpc, "metadata": {ADDITION: addition}}
            case["description"] = f"a newer server responds with new {addition}"
            if not method.server_streaming:
                case |= {"request": {}, "expect": _expect(method, addition)}
            elif addition == ONEOF_MEMBERS:
                case |= {"stream": _build_steps(method), "expect": {"status": "OK"}}
            else:
                continue
            yield f"{method.name}_{addition}", case


def _expect(method: MethodDescriptor, addition: str) -> Json:
    if addition == ERROR:
        return {
            "status": "FAILED_PRECONDITION",
            "message": MESSAGE,
            "reason": NEW_REASON,
            "error_metadata": {"added": "later"},
            "retry": "RETRY_UNSPECIFIED",
            "retry_delay_ms": RETRY_MS,
        }
    return {"response": _read(method, addition)}


def _build_steps(method: MethodDescriptor) -> list[Json]:
    opened = {"open": {"subscription": "shop"}}
    return [{"send": opened}, *({"receive": _read(method, addition)} for addition in ADDITIONS)]


def _read(method: MethodDescriptor, addition: str) -> Json:
    """Return what a client of this release knows of a response."""
    message_class = current_message_class(method.output_type.full_name)
    return to_json(message_class.FromString(_encode(method, addition)))
