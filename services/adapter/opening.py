"""Puts codec and gateway together for one service, and closes them at the end."""

from collections import ChainMap
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import structlog
from google.protobuf.descriptor import ServiceDescriptor

from services.adapter.codec import Dialect, compile_service, parse
from services.adapter.gateway import App, Exchange, FixedToken, Gateway, RefreshToken, RenewedTokens, Tokens
from services.adapter.gateway.tokens import Fetch
from services.adapter.operations import Operations
from services.adapter.settings import AdapterSettings

PRODUCTION_HOST = "gw.open.1688.com"

_log = structlog.get_logger()


@asynccontextmanager
async def open_operations(
    service: ServiceDescriptor, settings: AdapterSettings, *, unserved: Iterable[ServiceDescriptor] = ()
) -> AsyncIterator[Operations]:
    """Yield the operations of a service, and of services that are declared for the suite itself.

    Raises SpecificationError where the protos contradict themselves.
    """
    exceptions = settings.dialects or {}
    own, *others = (
        compile_service(each, settings.dialect, exceptions=exceptions, dates=settings.json_dates)
        for each in (service, *unserved)
    )
    operations = dict(ChainMap(own, *others))
    _warn(settings, exceptions.keys() - operations.keys())
    async with AsyncExitStack() as stack:
        exchange = Exchange()
        stack.push_async_callback(exchange.close)
        gateway = Gateway(
            url=settings.gateway_url,
            app=App(key=settings.app_key, secret=settings.app_secret.get_secret_value()),
            exchange=exchange,
            tokens=lambda fetch: _tokens(settings, fetch),
            parse=parse,
            send_timestamp=settings.send_timestamp,
            names=settings.operation_names or {},
        )
        stack.push_async_callback(gateway.close)
        yield Operations(operations, gateway, unserved=operations.keys() - own.keys())


def _tokens(settings: AdapterSettings, fetch: Fetch) -> Tokens:
    if settings.access_token is not None:
        return FixedToken(settings.access_token.get_secret_value())
    assert settings.refresh_token is not None  # noqa: S101 # the settings check that one of them is given
    refresh_token = RefreshToken(settings.refresh_token.get_secret_value(), settings.refresh_token_file)
    return RenewedTokens(refresh_token, fetch)


def _warn(settings: AdapterSettings, elsewhere: Collection[str]) -> None:
    if (
        settings.dialect is Dialect.NATIONAL_SITE
        and urlsplit(settings.gateway_url).hostname == PRODUCTION_HOST
    ):
        _log.warning("dialect_not_documented_there", host=PRODUCTION_HOST, dialect=settings.dialect)
    if elsewhere:
        # One set of variables may serve several services, so this is no error; it may be a typing slip.
        _log.warning("dialects_of_other_services", rpcs=sorted(elsewhere))
