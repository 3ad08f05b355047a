"""The services as their callers meet them: processes, sockets, generated stubs."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Protocol

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from services.store import migrate
from tests.support.consumers import create_subscription, delete_subscription
from tests.support.postgres import postgres_server
from tests.support.request_ids import add_request_id
from tests.support.sample_cases import SERVICES
from tests.support.sandbox_client import SandboxClient
from tools.local_stack import RunningProcess, start_sandbox, start_service, stop

DIALECTS = ("national-site", "open-platform")
TIMEOUT_S = 20
NO_CACHE = {"GetFilterConfig": 0, "GetCategory": 0}
"""A value of NATIONALSITE_CACHE_SECONDS with which every call reaches the sandbox."""


class RpcClient:
    """Calls any RPC by its name, in either dialect, through a running service."""

    def __init__(self, services: Mapping[tuple[str, str], RunningProcess]) -> None:
        self._services = services
        self._channels: dict[tuple[str, str], grpc.Channel] = {}
        self._methods = {
            method.name: (name, method) for name, service in SERVICES.items() for method in service.methods
        }

    def channel(self, service: str, dialect: str) -> grpc.Channel:
        """Return the channel to a service."""
        key = (service, dialect)
        if key not in self._channels:
            self._channels[key] = grpc.insecure_channel(self._services[key].address)
        return self._channels[key]

    def method(self, rpc: str, dialect: str) -> "grpc.UnaryUnaryMultiCallable[Any, Any]":
        """Return the stub method of an RPC."""
        service, descriptor = self._methods[rpc]
        return self.channel(service, dialect).unary_unary(
            f"/{descriptor.containing_service.full_name}/{rpc}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(descriptor.output_type).FromString,
        )

    def request(self, rpc: str, fields: dict[str, Any]) -> Any:
        """Return a request message from protobuf's JSON. A required request id that it lacks is a new one."""
        descriptor = self._methods[rpc][1].input_type
        return json_format.ParseDict(add_request_id(descriptor, fields), GetMessageClass(descriptor)())

    def call(self, rpc: str, dialect: str, fields: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Call, and return the response in protobuf's JSON. Raises grpc.RpcError."""
        options.setdefault("timeout", TIMEOUT_S)
        response: Message = self.method(rpc, dialect)(self.request(rpc, fields), **options)
        return json_format.MessageToDict(response, preserving_proto_field_name=True)

    def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            channel.close()


class StartDedicated(Protocol):
    """Starts a service for one test only; returns it with a client of it."""

    def __call__(
        self, service: str, dialect: str = "national-site", settings: Mapping[str, str] | None = None
    ) -> tuple[RunningProcess, RpcClient]: ...


class ServicePool(dict[tuple[str, str], RunningProcess]):
    """Running services by name and dialect. Each starts when a test first asks for it."""

    def __init__(self, gateway_url: str) -> None:
        super().__init__()
        self._gateway_url = gateway_url

    def __missing__(self, key: tuple[str, str]) -> RunningProcess:
        service, dialect = key
        self[key] = start_service(
            service,
            self._gateway_url,
            # Without replays and cached responses, 1688 receives only the calls of a test.
            {
                "NATIONALSITE_DIALECT": dialect,
                "NATIONALSITE_REPLAY_SECONDS": "0",
                "NATIONALSITE_CACHE_SECONDS": json.dumps(NO_CACHE),
            },
            log=f"test-{service}-{dialect}",
        )
        return self[key]


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningProcess]:
    sandbox = start_sandbox(log="test-sandbox")
    yield sandbox
    assert stop(sandbox) == 0


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A new store on each engine."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('store')}/store.db"
        return
    with postgres_server() as server:
        migrate(server.url())
        yield server.url()


@pytest.fixture(scope="session")
def running_services(running_sandbox: RunningProcess) -> Iterator[ServicePool]:
    """Any service in any dialect, with a fixed access token.

    All tests share them. A test that leaves state in a service, such as an open circuit breaker, uses
    `start_dedicated`.
    """
    services = ServicePool(running_sandbox.address)
    yield services
    assert {key: stop(service) for key, service in services.items()} == dict.fromkeys(services, 0)


@pytest.fixture(scope="session")
def client(running_services: ServicePool) -> Iterator[RpcClient]:
    """A client of all running services."""
    client = RpcClient(running_services)
    yield client
    client.close()


@pytest.fixture
def start_dedicated(running_sandbox: RunningProcess, sandbox: SandboxClient) -> Iterator[StartDedicated]:
    """start_dedicated(service, dialect, settings) starts a service that only this test uses."""
    with ExitStack() as exit_stack:

        def start(
            service: str, dialect: str = "national-site", settings: Mapping[str, str] | None = None
        ) -> tuple[RunningProcess, RpcClient]:
            all_settings = {"NATIONALSITE_DIALECT": dialect, **(settings or {})}
            process = start_service(
                service, running_sandbox.address, all_settings, log=f"test-dedicated-{service}"
            )
            exit_stack.callback(_stop_cleanly, process)
            client = RpcClient({(service, dialect): process})
            exit_stack.callback(client.close)
            return process, client

        yield start


def _stop_cleanly(process: RunningProcess) -> None:
    assert stop(process) == 0


@pytest.fixture
def sandbox(running_sandbox: RunningProcess) -> SandboxClient:
    """The sandbox, reset to its initial state."""
    sandbox = SandboxClient(running_sandbox.address)
    sandbox.admin("POST", "reset")
    sandbox.admin("DELETE", "calls")
    return sandbox


@pytest.fixture(scope="module")
def order_sync(running_services: ServicePool) -> RunningProcess:
    """OrderSyncService in the national-site dialect."""
    return running_services["order_sync", "national-site"]


@pytest.fixture(scope="module")
def stub(order_sync: RunningProcess) -> Iterator[OrderSyncServiceStub]:
    """A stub of `order_sync`."""
    with grpc.insecure_channel(order_sync.address) as channel:
        yield OrderSyncServiceStub(channel)


@pytest.fixture
def subscription(stub: OrderSyncServiceStub) -> Iterator[str]:
    """A new subscription, without earlier messages."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    create_subscription(stub, name)
    yield name
    delete_subscription(stub, name)
