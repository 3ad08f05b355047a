"""Start, health, reflection and drain."""

import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.server import ServiceDefinition, StartupError, serve

ACCOUNT = "nationalsite.account.v1.AccountService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_running_server_is_healthy(start):
    async with start() as running:
        stub = health_pb2_grpc.HealthStub(running.channel)
        for name in ("", ACCOUNT):
            assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
        assert (await running.http.get("/livez")).status_code == 200
        assert (await running.http.get("/readyz")).status_code == 200


async def test_a_drain_tells_health_finishes_calls_and_is_not_held_up_by_watches(drained, buyer):
    begun, release = asyncio.Event(), asyncio.Event()

    async def handle(_request, _deadline):
        begun.set()
        await release.wait()
        return b""

    async with drained(handle, grace_s=600) as (running, drain):
        watch = health_pb2_grpc.HealthStub(running.channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        call = running.stub.RegisterUser(buyer)
        await begun.wait()
        drain.set()
        assert (await watch.read()).status == NOT_SERVING
        assert (await running.http.get("/readyz")).status_code == 503
        assert (await running.http.get("/livez")).status_code == 200
        release.set()
        await call


async def test_the_grace_ends_calls_before_the_parts_are_closed(drained, buyer):
    begun, ended = asyncio.Event(), []

    async def handle(_request, _deadline):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("call")

    async with drained(handle, grace_s=0.01, closed=lambda: ended.append("parts")) as (running, drain):
        call = running.stub.RegisterUser(buyer)
        await begun.wait()
        drain.set()
        with pytest.raises(grpc.aio.AioRpcError) as ending:
            await call
    assert ended == ["call", "parts"]
    assert ending.value.code() is grpc.StatusCode.UNKNOWN
    assert (
        b"ERROR_REASON_OUTCOME_UNKNOWN" in dict(ending.value.trailing_metadata())["grpc-status-details-bin"]
    )
    assert dict(ending.value.trailing_metadata())["grpc-retry-pushback-ms"] == "-1"


@pytest.mark.parametrize(("reflection", "status"), [(True, "OK"), (False, "UNIMPLEMENTED")])
async def test_reflection_lists_the_services(start, reflection, status):
    async with start(reflection=reflection) as running:
        stub = reflection_pb2_grpc.ServerReflectionStub(running.channel)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))  # type: ignore[operator] # types-grpcio-reflection leaves it untyped
        answers = []
        try:
            answers = [answer async for answer in call]
        except grpc.aio.AioRpcError:
            assert not reflection
        assert (await call.code()).name == status
        listed = {one.name for answer in answers for one in answer.list_services_response.service}
        served = {ACCOUNT, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
        assert listed == (served if reflection else set())


@pytest.mark.parametrize("setting", ["listen", "http_listen"])
async def test_a_busy_port_is_told_and_everything_is_closed(service, busy_port, setting):
    opened = []
    plain = service()

    @asynccontextmanager
    async def open_and_close(settings):
        opened.append(True)
        try:
            async with plain.lifespan(settings) as bindings:
                yield bindings
        finally:
            opened.clear()

    watched = ServiceDefinition(descriptor=plain.descriptor, settings=plain.settings, lifespan=open_and_close)
    with pytest.raises(StartupError) as caught:
        async with serve(watched, plain.settings(**{setting: f"127.0.0.1:{busy_port}"})):
            pass
    variable = f"NATIONALSITE_{setting.upper()}"
    assert caught.value.lines == (
        f"{variable}: cannot listen on 127.0.0.1:{busy_port}: Address already in use",
    )
    assert not opened
