"""Adds the services of other packages, such as health, to a server."""

import grpc.aio


class GenericHandlers:
    """Takes the place of the server for generated code that adds a service to it.

    Generated code adds a generic handler, by which gRPC finds the methods, and also registers each method.
    For each registered method, grpc.aio keeps a task that waits for its next call, and each call of any
    method looks at all these tasks. So nothing is registered here.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, _service: str, _handlers: object) -> None:
        """Register nothing."""
