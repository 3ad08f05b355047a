"""Health: whether this replica accepts calls, for gRPC health checks and /readyz."""

from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.server.generic_handlers import GenericHandlers

SERVICE_NAME = health.SERVICE_NAME


class Health:
    """The health status: NOT_SERVING until `set_serving`, and permanently after `set_not_serving`."""

    def __init__(self, service: str) -> None:
        self._names = (health.OVERALL_HEALTH, service)
        self._servicer = health.aio.HealthServicer()
        self.is_serving = False

    def add_to(self, server: GenericHandlers) -> None:
        """Add the service grpc.health.v1 to the server."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)  # type: ignore[arg-type] # is enough

    async def set_serving(self) -> None:
        """Report that calls are accepted."""
        for name in self._names:
            await self._servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
        self.is_serving = True

    async def set_not_serving(self) -> None:
        """Report that this replica is shutting down."""
        self.is_serving = False
        await self._servicer.enter_graceful_shutdown()
