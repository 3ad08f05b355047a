"""What is special to AccountService: the store that remembers request ids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from nationalsite.account import v1 as protos
from pydantic import SecretStr

from services.adapter import AdapterSettings, open_operations
from services.delivery import StoreSettings, open_room, sole_process
from services.serving import Binding, Parts, Service, ServingSettings

DESCRIPTOR = protos.ACCOUNT_SERVICE


class AccountStore(ServingSettings, StoreSettings):
    """What the commands on the store need to know."""

    listen: str = "0.0.0.0:50053"  # a container's port is reached from outside
    http_listen: str = "0.0.0.0:9103"  # likewise
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///var/account.db")


class AccountSettings(AccountStore, AdapterSettings):
    """The settings of AccountService."""


@asynccontextmanager
async def open_account(settings: AccountSettings) -> AsyncIterator[Parts]:
    """Open the store and the conversation with 1688."""
    url = settings.database_url.get_secret_value()
    async with (
        sole_process(url),
        open_room(url) as room,
        open_operations(DESCRIPTOR, settings) as operations,
    ):
        bindings = operations.bindings(partial(Binding, remember=room.once.remember), {})
        yield Parts(bindings, ready=room.store.healthy)


ACCOUNT = Service(descriptor=DESCRIPTOR, settings=AccountSettings, open=open_account)
