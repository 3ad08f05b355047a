"""The handler that gRPC calls: a service's methods with their chains of interceptors, and calls in flight."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from services.errors import StartupError
from services.server.call import (
    CallContext,
    CallNext,
    Endpoint,
    InterceptorFactory,
    MethodInfo,
    ServicerContext,
)
from services.server.interceptors import build_chain
from services.server.interceptors.error_mapping import SHUTDOWN

MethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # in quotes: only the type stubs make it generic


class ServiceHandler(grpc.GenericRpcHandler):
    """The methods of a service, and its calls that are in flight."""

    def __init__(self, methods: Mapping[str, MethodHandler], streaming: Collection[str]) -> None:
        """`methods`: gRPC's handler of each path. `streaming`: the paths of the methods that stream."""
        self._methods = methods
        self._streaming = streaming
        self.in_flight: set[asyncio.Task[Any]] = set()
        """The tasks of all calls. A call ends when its response has been passed to the transport."""
        self._streams: set[asyncio.Task[Any]] = set()
        """The tasks of streams."""
        self._cancelled: set[asyncio.Task[Any]] = set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "MethodHandler | None":
        """Return the handler of a call. gRPC calls this once, in the task of the call, when it begins."""
        method = self._methods.get(handler_call_details.method)
        task = asyncio.current_task()
        if method is not None and task is not None:
            self._track(task, self.in_flight)
            if handler_call_details.method in self._streaming:
                self._track(task, self._streams)
        return method

    @staticmethod
    def _track(task: asyncio.Task[Any], tasks: set[asyncio.Task[Any]]) -> None:
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def cancel_streams(self) -> None:
        """Cancel the streams: without this they last until their callers end them."""
        self._cancel(self._streams)

    def cancel_all(self) -> None:
        """Cancel the remaining calls. Each still ends with a status, such as UNAVAILABLE."""
        self._cancel(self.in_flight)

    def _cancel(self, tasks: set[asyncio.Task[Any]]) -> None:
        for task in tasks - self._cancelled:  # a second cancellation would interrupt the cleanup of the first
            task.cancel(SHUTDOWN)
        self._cancelled |= tasks

    async def wait_until_idle(self) -> None:
        """Wait until no call is in flight."""
        while self.in_flight:
            await asyncio.wait(self.in_flight)


def build_service_handler(
    service: ServiceDescriptor,
    endpoints: Mapping[str, Endpoint],
    interceptors: Sequence[InterceptorFactory],
) -> ServiceHandler:
    """Bind an endpoint to every method. Raises StartupError if one is missing or unknown."""
    descriptors = {method.name: method for method in service.methods}
    unknown = [
        f"{service.full_name}/{name}: bound, but not an RPC of it" for name in endpoints.keys() - descriptors
    ]
    missing = [f"{service.full_name}/{name}: not bound" for name in descriptors.keys() - endpoints]
    if problems := sorted(unknown + missing):
        raise StartupError(problems)
    methods = [
        MethodInfo(descriptor=descriptors[name], endpoint=endpoint) for name, endpoint in endpoints.items()
    ]
    return ServiceHandler(
        {
            f"/{method.name}": _to_grpc_handler(method, build_chain(method, interceptors))
            for method in methods
        },
        streaming=frozenset(f"/{method.name}" for method in methods if method.is_streaming),
    )


def _to_grpc_handler(method: MethodInfo, chain: CallNext) -> MethodHandler:
    """Register the method as one that streams requests, even if it does not.

    The bytes on the wire are the same. So it is an interceptor that reads the request, not gRPC. The same
    holds for the response of a generator, which the invoker sends.
    """

    async def handle(_requests: object, context: ServicerContext) -> bytes:
        return await chain(CallContext(context, context.invocation_metadata() or ()))

    if method.has_generator:
        return grpc.stream_stream_rpc_method_handler(handle)
    return grpc.stream_unary_rpc_method_handler(handle)
