"""Whether this replica takes calls: told to gRPC health checks and to /readyz alike."""

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

SERVICE_NAME = health.SERVICE_NAME


class Health:
    """NOT_SERVING until `up`, and from `down` on for good."""

    def __init__(self, service: str) -> None:
        self._names = (health.OVERALL_HEALTH, service)
        self._servicer = health.aio.HealthServicer()
        self.serving = False

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serves grpc.health.v1."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def up(self) -> None:
        """Calls are welcome."""
        for name in self._names:
            await self._servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
        self.serving = True

    async def down(self) -> None:
        """No more calls, please."""
        self.serving = False
        await self._servicer.enter_graceful_shutdown()
