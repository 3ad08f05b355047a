"""The start of a server: health, reflection, ports in use."""

import asyncio
import os
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.server import ServiceDefinition, StartupError, serve

ACCOUNT = "nationalsite.account.v1.AccountService"
SERVING = health_pb2.HealthCheckResponse.SERVING
TIMEOUT_S = 10
MAX_THREADS = min(32, (os.cpu_count() or 1) + 4)
"""Of the executor of an event loop."""


async def test_a_running_server_is_healthy(start_server):
    async with start_server() as running:
        stub = health_pb2_grpc.HealthStub(running.channel)
        for name in ("", ACCOUNT):
            assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
        assert (await running.http.get("/livez")).status_code == 200
        assert (await running.http.get("/readyz")).status_code == 200


async def test_open_reflection_streams_take_no_threads(start_server):
    """Otherwise a few of them would take all threads, in which large responses are decoded."""
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async with start_server() as running, asyncio.timeout(TIMEOUT_S):
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(running.channel)
        streams = [stub.ServerReflectionInfo() for _ in range(3 * MAX_THREADS)]
        for stream in streams:
            await stream.write(request)
            assert (await stream.read()).HasField("list_services_response")
        await asyncio.to_thread(lambda: None)
        for stream in streams:
            await stream.done_writing()
            assert await stream.code() is grpc.StatusCode.OK


@pytest.mark.parametrize(("reflection", "status"), [(True, "OK"), (False, "UNIMPLEMENTED")])
async def test_reflection_lists_the_services(start_server, reflection, status):
    async with start_server(reflection=reflection) as running:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(running.channel)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        responses = []
        try:
            responses = [response async for response in call]
        except grpc.aio.AioRpcError:
            assert not reflection
        assert (await call.code()).name == status
        listed = {
            service.name for response in responses for service in response.list_services_response.service
        }
        expected = {ACCOUNT, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
        assert listed == (expected if reflection else set())


@pytest.mark.parametrize("setting", ["listen", "http_listen"])
async def test_a_busy_port_is_reported_and_everything_is_closed(build_service, busy_port, setting):
    open_runtimes = []
    inner = build_service()

    @asynccontextmanager
    async def lifespan(settings):
        open_runtimes.append(True)
        try:
            async with inner.lifespan(settings) as runtime:
                yield runtime
        finally:
            open_runtimes.clear()

    service = ServiceDefinition(descriptor=inner.descriptor, settings=inner.settings, lifespan=lifespan)
    with pytest.raises(StartupError) as caught:
        async with serve(service, inner.settings(**{setting: f"127.0.0.1:{busy_port}"})):
            pass
    variable = f"NATIONALSITE_{setting.upper()}"
    assert caught.value.lines == (
        f"{variable}: cannot listen on 127.0.0.1:{busy_port}: Address already in use",
    )
    assert not open_runtimes
