"""What a service tells the server about itself."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.descriptor import ServiceDescriptor

from services.serving.rpc import Binding
from services.serving.settings import ServingSettings

S = TypeVar("S", bound=ServingSettings)


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Parts:
    """An open service."""

    bindings: Mapping[str, Binding]
    """One for every RPC, by its name."""
    ready: Callable[[], Awaitable[bool]] = _always
    """Whether what calls need is there, such as a store: asked by /readyz, and to answer soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Generic[S]):
    """A gRPC service: its contract, its settings, and how its parts are put together."""

    descriptor: ServiceDescriptor
    """From the generated module: `DESCRIPTOR.services_by_name[...]`."""
    settings: type[S]
    open: Callable[[S], AbstractAsyncContextManager[Parts]]
    """Opens the parts, and closes them at the end.

    Raises CannotStart for what an operator has to put right.
    """
