"""From a service's descriptor and its bindings to what gRPC calls."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from services.errors import StartupError
from services.server.call import CallContext, CallNext, Endpoint, Interceptor, MethodInfo, ServicerContext
from services.server.interceptors import build_chain
from services.server.interceptors.error_mapping import SHUTDOWN

MethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in its stubs only


class ServiceHandler(grpc.GenericRpcHandler):
    """The RPCs of a service, and the calls of them that are in flight."""

    def __init__(self, methods: Mapping[str, MethodHandler], lasting: Collection[str]) -> None:
        """Takes what serves each path; `lasting` are the paths of streams."""
        self._methods = methods
        self._lasting = lasting
        self.in_flight: set[asyncio.Task[Any]] = set()
        """The task of every call, from its first byte until its answer has been handed to the transport."""
        self._streams: set[asyncio.Task[Any]] = set()
        """Those among them that may last."""
        self._ended: set[asyncio.Task[Any]] = set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "MethodHandler | None":
        """The handler of a call; gRPC asks for it once, in the task of the call, when the call begins."""
        method = self._methods.get(handler_call_details.method)
        task = asyncio.current_task()
        if method is not None and task is not None:
            self._keep(task, self.in_flight)
            if handler_call_details.method in self._lasting:
                self._keep(task, self._streams)
        return method

    @staticmethod
    def _keep(task: asyncio.Task[Any], tasks: set[asyncio.Task[Any]]) -> None:
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def end_streams(self) -> None:
        """End the streams: they would go on as long as their callers like."""
        self._end(self._streams)

    def end(self) -> None:
        """End the calls that are left: each still gets an answer, that this replica is shutting down."""
        self._end(self.in_flight)

    def _end(self, tasks: set[asyncio.Task[Any]]) -> None:
        for task in tasks - self._ended:  # once: a second time would hit a task that is cleaning up
            task.cancel(SHUTDOWN)
        self._ended |= tasks


def bind(
    descriptor: ServiceDescriptor, bindings: Mapping[str, Endpoint], layers: Sequence[Interceptor]
) -> ServiceHandler:
    """Binds every RPC of the service. Raises StartupError unless these are its RPCs."""
    methods = {method.name: method for method in descriptor.methods}
    unknown = [
        f"{descriptor.full_name}/{name}: bound, but not an RPC of it" for name in bindings.keys() - methods
    ]
    missing = [f"{descriptor.full_name}/{name}: not bound" for name in methods.keys() - bindings]
    if problems := sorted(unknown + missing):
        raise StartupError(problems)
    rpcs = [MethodInfo.of(methods[name], binding) for name, binding in bindings.items()]
    return ServiceHandler(
        {f"/{rpc.name}": _handler(rpc, build_chain(rpc, layers)) for rpc in rpcs},
        lasting=frozenset(f"/{rpc.name}" for rpc in rpcs if rpc.streams),
    )


def _handler(rpc: MethodInfo, step: CallNext) -> MethodHandler:
    """To gRPC every RPC streams its requests: on the wire it is the same, and the layers read them."""

    async def handle(_arriving: object, context: ServicerContext) -> bytes:
        return await step(CallContext(context))

    if rpc.descriptor.server_streaming:
        return grpc.stream_stream_rpc_method_handler(handle)
    return grpc.stream_unary_rpc_method_handler(handle)
