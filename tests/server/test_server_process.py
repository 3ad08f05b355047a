"""A server as a process: signals, exit codes, output."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nationalsite.account import v1 as account_v1

SCRIPT = Path(__file__).with_name("account_process.py")
TIMEOUT_S = 20


class ServerProcess:
    def __init__(self, process):
        self.process = process
        self.lines = []

    async def read_event(self, name):
        """Read the log until it has this event."""
        while not (events := [line for line in self.lines if line["event"] == name]):
            line = await asyncio.wait_for(self.process.stdout.readline(), TIMEOUT_S)
            assert line, f"ended before {name}: {self.lines}"
            self.lines.append(json.loads(line))
        return events[0]

    async def wait(self):
        """Return the exit code and the lines of stderr."""
        out, err = await asyncio.wait_for(self.process.communicate(), TIMEOUT_S)
        self.lines += map(json.loads, out.splitlines())
        return self.process.returncode, err.decode().splitlines()


@pytest.fixture
def run_process():
    @asynccontextmanager
    async def run(**environment):
        inherited = {name: value for name, value in os.environ.items() if "NATIONALSITE" not in name}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            env=inherited | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield ServerProcess(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    return run


async def test_signals_after_the_shutdown_do_not_change_the_exit_code(run_process):
    async with run_process() as server:
        await server.read_event("serving")
        server.process.send_signal(signal.SIGTERM)
        await server.read_event("stopped")
        ended = asyncio.ensure_future(server.wait())
        while not ended.done():
            with suppress(ProcessLookupError):
                os.kill(server.process.pid, signal.SIGTERM)  # send_signal would reap the process itself
            await asyncio.wait({ended}, timeout=0.001)
        assert await ended == (0, [])


async def test_a_call_in_flight_finishes_after_sigterm(run_process, registration):
    async with run_process() as server:
        serving = await server.read_event("serving")
        async with (
            grpc.aio.insecure_channel(serving["listen"]) as channel,
            httpx.AsyncClient(base_url=f"http://{serving['http_listen']}") as http,
        ):
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            call = asyncio.ensure_future(account_v1.AccountServiceStub(channel).RegisterUser(registration))
            await server.read_event("working")
            server.process.send_signal(signal.SIGTERM)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert (await http.get("/readyz")).status_code == 503
            server.process.send_signal(signal.SIGUSR1)
            await call
        assert await server.wait() == (0, [])
    events = [line["event"] for line in server.lines]
    assert events == ["serving", "working", "draining", "audit", "call", "closed", "stopped"]
    assert {line["service"] for line in server.lines} == {"nationalsite.account.v1.AccountService"}


async def test_a_second_signal_forces_the_stop(run_process, registration):
    async with run_process() as server:
        serving = await server.read_event("serving")
        async with grpc.aio.insecure_channel(serving["listen"]) as channel:
            call = asyncio.ensure_future(account_v1.AccountServiceStub(channel).RegisterUser(registration))
            await server.read_event("working")
            server.process.send_signal(signal.SIGINT)
            await server.read_event("draining")
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
        assert await server.wait() == (0, [])
    assert (
        caught.value.code() is grpc.StatusCode.UNKNOWN
    )  # whether the registration was executed is not known
    assert [line["event"] for line in server.lines][-3:] == ["call", "closed", "stopped"]


async def test_calls_are_taken_during_the_drain_delay(run_process, registration):
    async with run_process(NATIONALSITE_DRAIN_DELAY_SECONDS="600") as server:
        serving = await server.read_event("serving")
        async with (
            grpc.aio.insecure_channel(serving["listen"]) as channel,
            httpx.AsyncClient(base_url=f"http://{serving['http_listen']}") as http,
        ):
            server.process.send_signal(signal.SIGTERM)
            await server.read_event("draining")
            server.process.send_signal(signal.SIGUSR1)
            assert (await http.get("/readyz")).status_code == 503
            await account_v1.AccountServiceStub(channel).RegisterUser(registration)
            server.process.send_signal(signal.SIGTERM)
        assert await server.wait() == (0, [])


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        (
            {"NATIONALSITE_LISTEN": "here", "NATIONALSITE_REFLECTION": "maybe"},
            [
                "NATIONALSITE_LISTEN: must be host:port, such as 0.0.0.0:50051",
                "NATIONALSITE_REFLECTION: must be on or off",
            ],
        ),
        ({"PROBLEMS": "one thing;another"}, ["one thing", "another"]),
    ],
    ids=["settings", "lifespan"],
)
async def test_errors_of_the_start_are_printed_as_lines(run_process, environment, lines):
    async with run_process(**environment) as server:
        assert await server.wait() == (2, lines)
        assert server.lines == []


async def test_a_busy_port_is_printed_as_a_line(run_process, busy_port):
    address = f"127.0.0.1:{busy_port}"
    async with run_process(NATIONALSITE_LISTEN=address) as server:
        line = f"NATIONALSITE_LISTEN: cannot listen on {address}: Address already in use"
        assert await server.wait() == (2, [line])
