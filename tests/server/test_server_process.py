"""A server as a process: signals, exit codes, output."""

import asyncio
import json
import os
import random
import signal
import struct
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nationalsite.account import v1 as account_v1

from services.server.telemetry.logging_config import MAX_TEXT_CHARACTERS

pytestmark = pytest.mark.slow  # each test starts a process

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
    async def run(*arguments, **environment):
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("NATIONALSITE", "GRPC"))
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(arguments or [str(SCRIPT)]),
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


@pytest.mark.slow
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
    assert events == ["access", "serving", "working", "draining", "audit", "call", "closed", "stopped"]
    assert {line["service"] for line in server.lines} == {"nationalsite.account.v1.AccountService"}


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
        assert {line["event"] for line in server.lines} <= {"access"}


@pytest.mark.slow
async def test_a_busy_port_is_printed_as_a_line(run_process, busy_port):
    address = f"127.0.0.1:{busy_port}"
    async with run_process(NATIONALSITE_LISTEN=address) as server:
        line = f"NATIONALSITE_LISTEN: cannot listen on {address}: Address already in use"
        assert await server.wait() == (2, [line])


def frame(kind, flags, stream, payload):
    """Return an HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
FORGED = json.dumps({"event": "audit", "caller": "forged", "decision": "allowed"}).encode()


async def send_bytes(address, content):
    """Send these bytes, and read until the server closes the connection, or has responded to the preface."""
    reader, writer = await asyncio.open_connection(*address.rsplit(":", 1))
    try:
        writer.write(content + frame(6, 0, 0, b"12345678"))  # a PING, so that a server that goes on responds
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(TIMEOUT_S):
                received = b""
                while b"12345678" not in received and (read := await reader.read(65_536)):
                    received += read
    finally:
        writer.close()


async def test_a_peer_cannot_forge_lines_of_the_log(run_process):
    dice = random.Random(1)
    goaways = [
        PREFACE + frame(7, 0, 0, struct.pack(">II", 0, code) + b"x\n" + FORGED + b"\n\xff\xfe")
        for code in range(14)
    ]
    frames = [
        PREFACE
        + b"".join(
            frame(
                dice.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 10]),
                dice.randrange(256),
                dice.randrange(4),
                dice.randbytes(dice.randrange(60)),
            )
            for _ in range(8)
        )
        for _ in range(50)
    ]
    settings = {
        "NATIONALSITE_APP_KEY": "1",
        "NATIONALSITE_APP_SECRET": "secret",
        "NATIONALSITE_ACCESS_TOKEN": "token",
        "NATIONALSITE_GATEWAY_URL": "http://127.0.0.1:1",
        "NATIONALSITE_LISTEN": "127.0.0.1:0",
        "NATIONALSITE_HTTP_LISTEN": "127.0.0.1:0",
    }
    async with run_process("-m", "services.product", **settings) as server:
        address = (await server.read_event("serving"))["listen"]
        for content in goaways:
            await send_bytes(address, content)
        for content in frames:
            reader, writer = await asyncio.open_connection(*address.rsplit(":", 1))
            writer.write(content)
            writer.write_eof()
            with suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(reader.read(), TIMEOUT_S)
            writer.close()
        server.process.send_signal(signal.SIGTERM)
        code, stderr = await server.wait()
    assert (code, stderr) == (0, [])
    assert {line["event"] for line in server.lines} == {
        "starting",
        "access",
        "serving",
        "draining",
        "stopped",
    }


async def test_what_libraries_print_is_logged(run_process):
    async with run_process(NOISE="1") as server:
        await server.read_event("serving")
        server.process.send_signal(signal.SIGTERM)
        code, stderr = await server.wait()
    assert (code, stderr) == (0, [])
    forged = FORGED.decode().replace(', "decision": "allowed"', "")
    printed = [(line["stream"], line["text"]) for line in server.lines if line["event"] == "printed"]
    assert printed[:2] == [("stdout", "printed"), ("stdout", forged)]
    stream, text = printed[2]
    assert (stream, len(text)) == ("stderr", MAX_TEXT_CHARACTERS)
    assert ascii(text).startswith(ascii("half of a line, \udcff xxx").removesuffix("'"))
    assert printed[3:] == [("stderr", forged)]
    library = {line["logger"]: line["text"] for line in server.lines if line["event"] == "library"}
    # ascii(), because a worker of pytest-xdist cannot report a text that is not UTF-8
    assert ascii(library["library"]) == ascii(f"logged \udcff {forged}"), "line breaks become blanks"
    assert f"a warning {forged}" in library["py.warnings"]
    unhandled = [line for line in server.lines if line["event"] == "unhandled"]
    assert [line["exception"][0]["type"] for line in unhandled] == ["ValueError"] * 2
    assert "secret" not in json.dumps(server.lines)
    assert all(line["service"] for line in server.lines)


async def test_the_stacks_of_a_crash_are_written(run_process):
    async with run_process(CRASH="1") as server:
        await server.read_event("serving")
        server.process.send_signal(signal.SIGTERM)
        code, stderr = await server.wait()
    assert code == -signal.SIGSEGV
    assert stderr[0] == "Fatal Python error: Segmentation fault"
    assert any("account_process.py" in line for line in stderr)
