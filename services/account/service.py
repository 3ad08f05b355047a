"""AccountService: its settings, and the store for its request ids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from nationalsite.account import v1 as protos
from pydantic import SecretStr

from services.adapter import AdapterSettings, operations_lifespan
from services.server import Endpoint, ServerSettings, ServiceDefinition, ServiceRuntime
from services.store import StoreSettings, single_process_lock, storage_lifespan

DESCRIPTOR = protos.ACCOUNT_SERVICE


class AccountStoreSettings(ServerSettings, StoreSettings):
    """The settings of the commands `migrate` and `erase`."""

    listen: str = "0.0.0.0:50053"  # all interfaces: a container publishes the port
    http_listen: str = "0.0.0.0:9103"  # all interfaces: a container publishes the port
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///var/account.db")


class AccountSettings(AccountStoreSettings, AdapterSettings):
    """The settings of AccountService."""


@asynccontextmanager
async def account_lifespan(settings: AccountSettings) -> AsyncIterator[ServiceRuntime]:
    """Open the store and the gateway client."""
    url = settings.database_url.get_secret_value()
    async with (
        single_process_lock(url),
        storage_lifespan(url) as storage,
        operations_lifespan(DESCRIPTOR, settings) as operations,
    ):
        endpoints = operations.build_endpoints(
            partial(Endpoint, idempotency_guard=storage.idempotent_executor.execute),
            {},
            local_fields=("request_id",),
        )
        try:
            yield ServiceRuntime(endpoints, is_ready=storage.store.is_healthy)
        finally:
            # At a shutdown, calls with a request id are finished before the gateway client is closed.
            await storage.idempotent_executor.close()


ACCOUNT = ServiceDefinition(
    descriptor=DESCRIPTOR,
    settings=AccountSettings,
    lifespan=account_lifespan,
    describe=lambda settings: {"store": settings.describe_store(), **settings.describe()},
)
