"""What is special to AccountService."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from nationalsite.account.v1 import account_service_pb2 as protos

from services.adapter import AdapterSettings, open_operations
from services.serving import Binding, Service, ServingSettings

DESCRIPTOR = protos.DESCRIPTOR.services_by_name["AccountService"]


class AccountSettings(ServingSettings, AdapterSettings):
    """The settings of AccountService."""

    listen: str = "0.0.0.0:50053"  # a container's port is reached from outside
    http_listen: str = "0.0.0.0:9103"  # likewise


@asynccontextmanager
async def open_account(settings: AccountSettings) -> AsyncIterator[Mapping[str, Binding]]:
    """Yield the bindings of AccountService."""
    async with open_operations(DESCRIPTOR, settings) as operations:
        yield operations.bindings(Binding, {})


ACCOUNT = Service(descriptor=DESCRIPTOR, settings=AccountSettings, open=open_account)
