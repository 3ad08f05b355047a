"""What is special to AccountService."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from nationalsite.account.v1 import account_service_pb2 as protos

from services.adapter import AdapterSettings, Operations, open_operations
from services.errors import StoreRequired
from services.serving import Binding, Service, ServingSettings

DESCRIPTOR = protos.DESCRIPTOR.services_by_name["AccountService"]


class AccountSettings(ServingSettings, AdapterSettings):
    """The settings of AccountService."""

    listen: str = "0.0.0.0:50053"  # a container's port is reached from outside
    http_listen: str = "0.0.0.0:9103"  # likewise


class Account:
    """The RPCs that need more than their operation."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def register_user(self, request: protos.RegisterUserRequest, deadline: float) -> bytes:
        """Refuse a request id, which needs a store to be remembered in; register otherwise."""
        if request.request_id:
            raise StoreRequired("request_id needs a store, and this service has none")
        return await self._operations.call("RegisterUser", request, deadline)


@asynccontextmanager
async def open_account(settings: AccountSettings) -> AsyncIterator[Mapping[str, Binding]]:
    """Yield the bindings of AccountService."""
    async with open_operations(DESCRIPTOR, settings) as operations:
        yield operations.bindings(Binding, {"RegisterUser": Account(operations).register_user})


ACCOUNT = Service(descriptor=DESCRIPTOR, settings=AccountSettings, open=open_account)
