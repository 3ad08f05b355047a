"""From a service's descriptor and its bindings to what gRPC calls."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from services.errors import CannotStart
from services.serving.failures import DRAINED
from services.serving.layers import way
from services.serving.rpc import Binding, Call, Rpc, ServicerContext, Step

MethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # generic in its stubs only


class BoundService(grpc.GenericRpcHandler):
    """The RPCs of a service, and the calls of them that are in flight."""

    def __init__(self, methods: Mapping[str, MethodHandler]) -> None:
        self._methods = methods
        self.in_flight: set[asyncio.Task[Any]] = set()
        """The task of every call, from its first byte until its answer has been handed to the transport."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "MethodHandler | None":
        """The handler of a call; gRPC asks for it once, in the task of the call, when the call begins."""
        method = self._methods.get(handler_call_details.method)
        task = asyncio.current_task()
        if method is not None and task is not None:
            self.in_flight.add(task)
            task.add_done_callback(self.in_flight.discard)
        return method

    def end(self) -> None:
        """End the calls that are left: each still gets an answer, that this replica is shutting down."""
        for task in self.in_flight:
            task.cancel(DRAINED)


def bind(descriptor: ServiceDescriptor, bindings: Mapping[str, Binding]) -> BoundService:
    """Binds every RPC of the service. Raises CannotStart unless these are its RPCs, and it can serve them."""
    methods = {method.name: method for method in descriptor.methods}
    unknown = [
        f"{descriptor.full_name}/{name}: bound, but not an RPC of it" for name in bindings.keys() - methods
    ]
    missing = [f"{descriptor.full_name}/{name}: not bound" for name in methods.keys() - bindings]
    streaming = [
        f"{descriptor.full_name}/{name}: streams, which this server cannot serve yet"
        for name, method in methods.items()
        if method.client_streaming or method.server_streaming
    ]
    if problems := sorted(unknown + missing + streaming):
        raise CannotStart(problems)
    rpcs = [Rpc.of(methods[name], binding) for name, binding in bindings.items()]
    return BoundService({f"/{rpc.name}": _handler(way(rpc)) for rpc in rpcs})


def _handler(step: Step) -> MethodHandler:
    async def unary_unary(payload: bytes, context: ServicerContext) -> bytes:
        return await step(Call(context, payload))

    return grpc.unary_unary_rpc_method_handler(unary_unary)
