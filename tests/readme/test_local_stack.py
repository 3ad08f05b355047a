"""`make run` and `make demo` do not harm each other, nor a second `make run`; ports can be chosen."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
import pytest
from nationalsite.ordersync.v1 import (
    GetSubscriptionRequest,
    OrderSyncServiceStub,
    PullMessagesRequest,
    SubscriptionSpec,
)

from tests.support.ports import reserve_successive_ports
from tools.local_stack import ROOT

pytestmark = pytest.mark.slow

TIMEOUT_S = 180
PROCESS = re.compile(r"^(?P<name>\w+) +(?:http://)?(?P<address>\S+:\d+) .*log (?P<log>\S+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a running `make run` has printed."""

    addresses: dict[str, str]
    logs: dict[str, str]
    printed: str

    @property
    def ports(self) -> dict[str, int]:
        return {name: int(address.rpartition(":")[2]) for name, address in self.addresses.items()}


@contextmanager
def make_run(*arguments: str) -> Iterator[Run]:
    command = [sys.executable, "-m", "tools.local_stack", *arguments]
    with subprocess.Popen(  # noqa: S603 # our own module
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line)
            if "press Ctrl-C" in line:
                break
        matches = [match for line in printed if (match := PROCESS.match(line))]
        try:
            yield Run(
                addresses={match["name"]: match["address"] for match in matches},
                logs={match["name"]: match["log"] for match in matches},
                printed="".join(printed),
            )
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()  # else the end of the context would wait for it
                raise
        assert process.returncode == 0


def test_the_demo_and_a_second_run_leave_a_run_alone() -> None:
    with make_run() as first, grpc.insecure_channel(first.addresses["order_sync"]) as channel:
        orders = OrderSyncServiceStub(channel)
        request = PullMessagesRequest(subscription="kept", create_if_missing=SubscriptionSpec())
        request.wait.seconds = 0
        orders.PullMessages(request, timeout=20)
        with make_run() as second:
            for port in first.ports.values():
                if port in (8168, 50051, 50052, 50053):
                    assert f"port {port} is in use" in second.printed
            assert not set(first.ports.values()) & set(second.ports.values())
            assert not set(first.logs.values()) & set(second.logs.values())
            assert f"export NATIONALSITE_PRODUCT={second.addresses['product']}\n" in second.printed
            demo = subprocess.run(  # our own module
                [sys.executable, "-m", "tools.demo"],
                cwd=ROOT,
                timeout=TIMEOUT_S,
                check=False,
                capture_output=True,
                text=True,
            )
            assert demo.returncode == 0, demo.stdout[-3000:] + demo.stderr[-3000:]
            orders.GetSubscription(GetSubscriptionRequest(subscription="kept"), timeout=20)


def test_chosen_ports() -> None:
    first, *_ = reserve_successive_ports(7)
    with make_run("--port", str(first), "--dialect", "national-site") as run:
        assert run.ports == {
            "sandbox": first + 6,
            "product": first,
            "order_sync": first + 1,
            "account": first + 2,
        }
        assert "dialect national-site" in run.printed
        for name, address in (run.addresses | {"sandbox": f"http://{run.addresses['sandbox']}"}).items():
            assert f"export NATIONALSITE_{name.upper()}={address}\n" in run.printed


def test_a_chosen_port_that_is_in_use() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        result = subprocess.run(  # noqa: S603 # our own module
            [sys.executable, "-m", "tools.local_stack", "--port", str(port)],
            cwd=ROOT,
            timeout=TIMEOUT_S,
            check=False,
            capture_output=True,
            text=True,
        )
    assert result.returncode == 1
    assert result.stderr == f"product cannot listen on port {port}: it is in use; choose another PORT\n"
