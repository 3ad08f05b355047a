"""The suite as its users meet it: processes, sockets, generated stubs."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from tests.cases import SERVICES
from tools.stack import Running, start_sandbox, start_service, stop

DIALECTS = ("national-site", "open-platform")
TIMEOUT_S = 20


class Sandbox:
    """The sandbox's admin side."""

    def __init__(self, url: str) -> None:
        self.url = url

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Call an admin path; return its JSON, if it answers any."""
        request = urllib.request.Request(
            f"{self.url}/admin/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, fault: dict[str, Any], *, operation: str = "*", times: int = 1) -> None:
        """Spoil the next calls of an operation."""
        self.admin("POST", "faults", {"operation": operation, "times": times, "fault": fault})

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls received since the last reset, the oldest first."""
        calls: list[dict[str, Any]] = self.admin("GET", "calls?limit=1000")["calls"]
        return calls

    def state(self) -> dict[str, Any]:
        """Return counts, tokens and limits."""
        state: dict[str, Any] = self.admin("GET", "state")
        return state


class Rpcs:
    """Calls any RPC by its name, in either dialect, through a running service."""

    def __init__(self, running: dict[tuple[str, str], Running]) -> None:
        self._channels = {key: grpc.insecure_channel(each.address) for key, each in running.items()}
        self._services = {
            method.name: (name, method) for name, service in SERVICES.items() for method in service.methods
        }

    def channel(self, service: str, dialect: str) -> grpc.Channel:
        """Return the channel to a service, for calls that are not made by name."""
        return self._channels[service, dialect]

    def method(self, rpc: str, dialect: str) -> grpc.UnaryUnaryMultiCallable:
        """Return what calls an RPC."""
        service, descriptor = self._services[rpc]
        return self._channels[service, dialect].unary_unary(
            f"/{descriptor.containing_service.full_name}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(descriptor.output_type).FromString,
        )

    def request(self, rpc: str, fields: dict[str, Any]) -> Message:
        """Return a request from protobuf's JSON."""
        return json_format.ParseDict(fields, GetMessageClass(self._services[rpc][1].input_type)())

    def call(self, rpc: str, dialect: str, fields: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Call, and return the response in protobuf's JSON. Raises grpc.RpcError."""
        response = self.method(rpc, dialect)(self.request(rpc, fields), timeout=TIMEOUT_S, **options)
        return json_format.MessageToDict(response, preserving_proto_field_name=True)

    def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            channel.close()


def details(error: grpc.RpcError) -> dict[str, Message]:
    """Return the details of a failed call by the name of their type, from the bytes of the trailer."""
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    kinds = (
        error_details_pb2.ErrorInfo,
        error_details_pb2.BadRequest,
        error_details_pb2.RetryInfo,
        error_details_pb2.QuotaFailure,
    )
    found = {}
    for detail in status.details:
        kind = next(each for each in kinds if detail.Is(each.DESCRIPTOR))
        found[kind.DESCRIPTOR.name] = kind.FromString(detail.value)
    return found


@pytest.fixture(name="details", scope="session")
def _details() -> Callable[[grpc.RpcError], dict[str, Message]]:
    return details


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Running]:
    sandbox = start_sandbox(log="test-sandbox")
    yield sandbox
    assert stop(sandbox) == 0


@pytest.fixture(scope="session")
def running(running_sandbox: Running) -> Iterator[dict[tuple[str, str], Running]]:
    """Every service in every dialect, with a fixed token."""
    keys = [(service, dialect) for service in SERVICES for dialect in DIALECTS]

    def start(key: tuple[str, str]) -> Running:
        service, dialect = key
        return start_service(
            service,
            running_sandbox.address,
            # Nothing is to be asked of 1688 but what a test asks for.
            {"NATIONALSITE_DIALECT": dialect, "NATIONALSITE_REPLAY_SECONDS": "0"},
            log=f"test-{service}-{dialect}",
        )

    with ThreadPoolExecutor() as pool:
        started = dict(zip(keys, pool.map(start, keys), strict=True))
    yield started
    assert {key: stop(each) for key, each in started.items()} == dict.fromkeys(keys, 0)


@pytest.fixture(scope="session")
def rpcs(running: dict[tuple[str, str], Running]) -> Iterator[Rpcs]:
    found = Rpcs(running)
    yield found
    found.close()


@pytest.fixture
def sandbox(running_sandbox: Running) -> Sandbox:
    """The sandbox, as if it had just started."""
    found = Sandbox(running_sandbox.address)
    found.admin("POST", "reset")
    found.admin("DELETE", "calls")
    return found
