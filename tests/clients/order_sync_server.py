"""A server of OrderSyncService whose unary methods a test implements."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedCall:
    """A call that the server has received."""

    request: Message
    time_s: float
    remaining_s: float
    """The time until its deadline."""


@dataclass
class OrderSyncServer:
    """Answers the calls of each method with the next of its answers; the last answer is used again.

    An answer is a response, or an error in the form of retry_cases.json.
    """

    answers: Mapping[str, list[Message | dict[str, Any]]]
    calls: list[ReceivedCall] = field(default_factory=list)

    @contextmanager
    def start(self) -> Iterator[str]:
        """Start the server, and yield its address."""
        server = grpc.server(ThreadPoolExecutor(4))
        handlers = {method: self._build_handler(method) for method in self.answers}
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(ORDER_SYNC_SERVICE.full_name, handlers)]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(grace=None).wait()

    def _build_handler(self, method: str) -> grpc.RpcMethodHandler:
        answers = list(self.answers[method])

        def respond(request: Message, context: grpc.ServicerContext) -> Any:
            remaining_s = context.time_remaining()
            self.calls.append(ReceivedCall(request=request, time_s=time.monotonic(), remaining_s=remaining_s))
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            return _abort(context, answer) if isinstance(answer, dict) else answer

        request_class = GetMessageClass(ORDER_SYNC_SERVICE.methods_by_name[method].input_type)
        return grpc.unary_unary_rpc_method_handler(
            respond, request_class.FromString, lambda response: response.SerializeToString()
        )


def _abort(context: grpc.ServicerContext, error: dict[str, Any]) -> None:
    code = grpc.StatusCode[error["code"]]
    status = status_pb2.Status(code=code.value[0])
    if "reason" in error:
        info = error_details_pb2.ErrorInfo(reason=error["reason"], domain=error.get("domain", "nationalsite"))
        status.details.add().Pack(info)
    if "retry_delay_ms" in error:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(error["retry_delay_ms"])
        status.details.add().Pack(retry)
    trailers: list[tuple[str, str | bytes]] = []
    if status.details:
        trailers.append(("grpc-status-details-bin", status.SerializeToString()))
    if "pushback_ms" in error:
        trailers.append(("grpc-retry-pushback-ms", str(error["pushback_ms"])))
    context.set_trailing_metadata(tuple(trailers))
    context.abort(code, "simulated")
