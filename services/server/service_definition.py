"""The definition of a service: its descriptor, its settings, and how its runtime is built."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.descriptor import ServiceDescriptor

from services.server.call import Endpoint
from services.server.settings import ServerSettings

S = TypeVar("S", bound=ServerSettings)


def _describe_nothing(_settings: object) -> Mapping[str, object]:
    return {}


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class ServiceRuntime:
    """What the server needs of a running service."""

    endpoints: Mapping[str, Endpoint]
    """One for every method, by the method's name."""
    is_ready: Callable[[], Awaitable[bool]] = _always
    """Returns whether everything that calls need, such as a store, is available.

    /readyz calls this, so it must return quickly.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition(Generic[S]):
    """A gRPC service."""

    descriptor: ServiceDescriptor
    """From the generated module: `DESCRIPTOR.services_by_name[...]`."""
    settings: type[S]
    lifespan: Callable[[S], AbstractAsyncContextManager[ServiceRuntime]]
    """Opens what the service needs, and closes it at the end.

    Raises StartupError for an error that an operator has to correct.
    """
    describe: Callable[[S], Mapping[str, object]] = _describe_nothing
    """Returns what the settings say of the parts that the service works with, without credentials. It is the
    first log line."""
