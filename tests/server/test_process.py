"""The whole process: signals, exit codes, what it prints."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nationalsite.account import v1 as account_v1

SCRIPT = Path(__file__).with_name("account_process.py")
PATIENCE_S = 20


class Process:
    def __init__(self, process):
        self.process = process
        self.lines = []

    async def event(self, name):
        """Reads on until this event was logged."""
        while not (found := [line for line in self.lines if line["event"] == name]):
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
            assert line, f"ended before {name}: {self.lines}"
            self.lines.append(json.loads(line))
        return found[0]

    async def end(self):
        """The exit code, and what is on stderr."""
        out, err = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
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
            yield Process(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    return run


async def test_sigterm_lets_the_call_in_flight_finish(run_process, buyer):
    async with run_process() as server:
        serving = await server.event("serving")
        async with (
            grpc.aio.insecure_channel(serving["listen"]) as channel,
            httpx.AsyncClient(base_url=f"http://{serving['http_listen']}") as http,
        ):
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            call = asyncio.ensure_future(account_v1.AccountServiceStub(channel).RegisterUser(buyer))
            await server.event("working")
            server.process.send_signal(signal.SIGTERM)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert (await http.get("/readyz")).status_code == 503
            server.process.send_signal(signal.SIGUSR1)
            await call
        assert await server.end() == (0, [])
    events = [line["event"] for line in server.lines]
    assert events == ["serving", "working", "draining", "audit", "call", "closed", "stopped"]
    assert {line["service"] for line in server.lines} == {"nationalsite.account.v1.AccountService"}


async def test_a_second_signal_ends_the_grace(run_process, buyer):
    async with run_process() as server:
        serving = await server.event("serving")
        async with grpc.aio.insecure_channel(serving["listen"]) as channel:
            call = asyncio.ensure_future(account_v1.AccountServiceStub(channel).RegisterUser(buyer))
            await server.event("working")
            server.process.send_signal(signal.SIGINT)
            await server.event("draining")
            server.process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError) as ending:
                await call
        assert await server.end() == (0, [])
    assert ending.value.code() is grpc.StatusCode.UNKNOWN  # a registration: nobody knows how far it came
    assert [line["event"] for line in server.lines][-3:] == ["call", "closed", "stopped"]


async def test_calls_are_taken_until_load_balancers_had_time_to_notice(run_process, buyer):
    async with run_process(NATIONALSITE_DRAIN_DELAY_SECONDS="600") as server:
        serving = await server.event("serving")
        async with (
            grpc.aio.insecure_channel(serving["listen"]) as channel,
            httpx.AsyncClient(base_url=f"http://{serving['http_listen']}") as http,
        ):
            server.process.send_signal(signal.SIGTERM)
            await server.event("draining")
            server.process.send_signal(signal.SIGUSR1)
            assert (await http.get("/readyz")).status_code == 503
            await account_v1.AccountServiceStub(channel).RegisterUser(buyer)
            server.process.send_signal(signal.SIGTERM)
        assert await server.end() == (0, [])


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
        ({"TROUBLE": "one thing;another"}, ["one thing", "another"]),
    ],
    ids=["settings", "parts"],
)
async def test_what_keeps_it_from_starting_is_told_in_lines(run_process, environment, lines):
    async with run_process(**environment) as server:
        assert await server.end() == (2, lines)
        assert server.lines == []


async def test_a_busy_port_is_told_in_a_line(run_process, busy_port):
    address = f"127.0.0.1:{busy_port}"
    async with run_process(NATIONALSITE_LISTEN=address) as server:
        line = f"NATIONALSITE_LISTEN: cannot listen on {address}: Address already in use"
        assert await server.end() == (2, [line])
