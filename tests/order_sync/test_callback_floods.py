"""A running service while strangers use up the connections of its callback."""

import json
import socket
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.callbacks import post, push
from tests.support.polling import wait_until
from tests.support.ports import reserve_ports
from tools.local_stack import RunningProcess, start_service, stop

pytestmark = pytest.mark.slow

CONNECTIONS = 600
"""More than a listener keeps."""
MIB = 2**20
MAX_GROWTH_MIB = 128
MAX_PUSH_S = 5
HEAD = b"POST /callbacks/1688 HTTP/1.1\r\nHost: x\r\n"
BODY = b"a" * 60_000
FLOODS = {
    "silent": [b""],
    "half headers": [HEAD + b"X-A: "],
    "long headers": [HEAD, *[b"X-A: " + b"x" * 8000 + b"\r\n"] * 7],
    "stalled bodies": [HEAD + b"Content-Length: 61000\r\n\r\n", BODY],
    "stalled large bodies": [HEAD + b"Content-Length: %d\r\n\r\n" % MIB, *[b"a" * 2**16] * 15],
    "chunks without end": [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        *[b"fa0\r\n" + b"a" * 4000 + b"\r\n"] * 12,
    ],
    "pipelined large requests": [(HEAD + b"Content-Length: 60000\r\n\r\n" + BODY) * 8],
    "pipelined requests": [(HEAD + b"Content-Length: 3\r\n\r\na=1") * 20],
}


@pytest.fixture(scope="module")
def order_sync() -> Iterator[RunningProcess]:
    (unused,) = reserve_ports(1)
    settings = {"NATIONALSITE_REPLAY_SECONDS": "0"}
    service = start_service("order_sync", f"http://127.0.0.1:{unused}", settings, log="callback-floods")
    yield service
    assert stop(service) == 0


@pytest.fixture(scope="module")
def max_memory_mib(order_sync: RunningProcess) -> float:
    """What the process may use at its peak, in all tests together."""
    return measure_peak_mib(order_sync) + MAX_GROWTH_MIB


def measure_peak_mib(process: RunningProcess) -> float:
    with open(f"/proc/{process.process.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def send(address: tuple[str, int], parts: Sequence[bytes], stack: ExitStack) -> None:
    """Open a connection, send what the server takes, and leave it open."""
    connection = stack.enter_context(socket.create_connection(address, timeout=5))
    connection.settimeout(0.5)
    with suppress(OSError):  # closed, or no longer read
        for part in parts:
            connection.sendall(part)


def check_health(process: RunningProcess) -> int:
    with grpc.insecure_channel(process.address) as channel:
        request = health_pb2.HealthCheckRequest()
        return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status)


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_does_not_keep_a_push_out(
    order_sync: RunningProcess, max_memory_mib: float, flood: str
) -> None:
    url = urlsplit(order_sync.callback)
    assert url.hostname
    assert url.port
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            send((url.hostname, url.port), FLOODS[flood], stack)
            if number % 100 == 99:
                started = time.monotonic()
                assert push(order_sync.callback, json.dumps({"msgId": number, "type": flood})) == 200
                assert time.monotonic() - started < MAX_PUSH_S
                with urllib.request.urlopen(f"{order_sync.http}/readyz", timeout=5) as response:
                    assert response.status == 200
                assert check_health(order_sync) == health_pb2.HealthCheckResponse.SERVING
        assert measure_peak_mib(order_sync) < max_memory_mib


def test_forged_forms_cost_little(order_sync: RunningProcess) -> None:
    """Forms of 1 MB are not read. Of those with 64 KiB of escapes, only two parameters are decoded."""
    before_s = _measure_cpu_s(order_sync)
    for _ in range(100):
        assert post(order_sync.callback, b"message=" + b"%41" * 340_000) == 413
        assert (
            post(order_sync.callback, b"message=" + b"%41" * 21_000 + b"&_aop_signature=" + b"A" * 40) == 401
        )
    cost_s = (_measure_cpu_s(order_sync) - before_s) / 200
    assert cost_s < 0.01


def _measure_cpu_s(process: RunningProcess) -> float:
    with open(f"/proc/{process.process.pid}/schedstat") as schedstat:
        return int(schedstat.read().split()[0]) / 1e9


def test_silent_connections_end(order_sync: RunningProcess) -> None:
    url = urlsplit(order_sync.callback)
    with ExitStack() as stack:
        send((str(url.hostname), int(url.port or 0)), [], stack)
        connection = socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=20)
        stack.enter_context(connection)
        started = time.monotonic()
        wait_until(lambda: connection.recv(1) == b"")
        assert 4 < time.monotonic() - started < 15
