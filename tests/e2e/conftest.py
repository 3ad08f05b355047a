"""The suite as its users meet it: processes, sockets, generated stubs."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.support.sample_cases import SERVICES
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details
from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

DIALECTS = ("national-site", "open-platform")
TIMEOUT_S = 20
NO_CACHE = {"GetFilterConfig": 0, "GetCategory": 0}
"""Calls are to arrive at the sandbox."""


class Rpcs:
    """Calls any RPC by its name, in either dialect, through a running service."""

    def __init__(self, running: Mapping[tuple[str, str], RunningProcess]) -> None:
        self._running = running
        self._channels: dict[tuple[str, str], grpc.Channel] = {}
        self._services = {
            method.name: (name, method) for name, service in SERVICES.items() for method in service.methods
        }

    def channel(self, service: str, dialect: str) -> grpc.Channel:
        """Return the channel to a service, for calls that are not made by name."""
        key = (service, dialect)
        if key not in self._channels:
            self._channels[key] = grpc.insecure_channel(self._running[key].address)
        return self._channels[key]

    def method(self, rpc: str, dialect: str) -> grpc.UnaryUnaryMultiCallable:
        """Return what calls an RPC."""
        service, descriptor = self._services[rpc]
        return self.channel(service, dialect).unary_unary(
            f"/{descriptor.containing_service.full_name}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(descriptor.output_type).FromString,
        )

    def request(self, rpc: str, fields: dict[str, Any]) -> Message:
        """Return a request from protobuf's JSON."""
        return json_format.ParseDict(fields, GetMessageClass(self._services[rpc][1].input_type)())

    def call(self, rpc: str, dialect: str, fields: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Call, and return the response in protobuf's JSON. Raises grpc.RpcError."""
        options.setdefault("timeout", TIMEOUT_S)
        response = self.method(rpc, dialect)(self.request(rpc, fields), **options)
        return json_format.MessageToDict(response, preserving_proto_field_name=True)

    def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            channel.close()


@pytest.fixture(name="details", scope="session")
def _details() -> Callable[[grpc.RpcError], dict[str, Message]]:
    return parse_status_details


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningProcess]:
    sandbox = start_sandbox(log="test-sandbox")
    yield sandbox
    assert stop(sandbox) == 0


class Started(dict[tuple[str, str], RunningProcess]):
    """Services by name and dialect: each is started when a test first asks for it."""

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = upstream

    def __missing__(self, key: tuple[str, str]) -> RunningProcess:
        service, dialect = key
        self[key] = start_service(
            service,
            self._upstream,
            # Nothing is to be asked of 1688 but what a test asks for.
            {
                "NATIONALSITE_DIALECT": dialect,
                "NATIONALSITE_REPLAY_SECONDS": "0",
                "NATIONALSITE_CACHE_SECONDS": json.dumps(NO_CACHE),
            },
            log=f"test-{service}-{dialect}",
        )
        return self[key]


@pytest.fixture(scope="session")
def running(running_sandbox: RunningProcess) -> Iterator[Started]:
    """Any service in any dialect, with a fixed token.

    They live long: what makes a service keep its distance from 1688 belongs to services of `alone`.
    """
    started = Started(running_sandbox.address)
    yield started
    assert {key: stop(each) for key, each in started.items()} == dict.fromkeys(started, 0)


@pytest.fixture(scope="session")
def rpcs(running: dict[tuple[str, str], RunningProcess]) -> Iterator[Rpcs]:
    found = Rpcs(running)
    yield found
    found.close()


@pytest.fixture
def alone(running_sandbox: RunningProcess) -> Iterator[Callable[..., tuple[RunningProcess, Rpcs]]]:
    """alone(service, dialect, settings) is a service of the test's own, and what calls it."""
    with ExitStack() as stack:

        def start(
            service: str, dialect: str = "national-site", settings: Mapping[str, str] | None = None
        ) -> tuple[RunningProcess, Rpcs]:
            found = {"NATIONALSITE_DIALECT": dialect, **(settings or {})}
            started = start_service(service, running_sandbox.address, found, log=f"test-alone-{service}")
            stack.callback(lambda: _stopped(started))
            rpcs = Rpcs({(service, dialect): started})
            stack.callback(rpcs.close)
            return started, rpcs

        yield start


def _stopped(started: RunningProcess) -> None:
    assert stop(started) == 0


@pytest.fixture
def sandbox(running_sandbox: RunningProcess) -> SandboxClient:
    """The sandbox, as if it had just started."""
    found = SandboxClient(running_sandbox.address)
    found.admin("POST", "reset")
    found.admin("DELETE", "calls")
    return found
