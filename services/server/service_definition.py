"""What a service tells the server about itself."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.descriptor import ServiceDescriptor

from services.server.call import Endpoint
from services.server.settings import ServerSettings

S = TypeVar("S", bound=ServerSettings)


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class ServiceRuntime:
    """An open service."""

    bindings: Mapping[str, Endpoint]
    """One for every RPC, by its name."""
    ready: Callable[[], Awaitable[bool]] = _always
    """Whether what calls need is there, such as a store: asked by /readyz, and to answer soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDefinition(Generic[S]):
    """A gRPC service: its contract, its settings, and how its parts are put together."""

    descriptor: ServiceDescriptor
    """From the generated module: `DESCRIPTOR.services_by_name[...]`."""
    settings: type[S]
    open: Callable[[S], AbstractAsyncContextManager[ServiceRuntime]]
    """Opens the parts, and closes them at the end.

    Raises StartupError for what an operator has to put right.
    """
