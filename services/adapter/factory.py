"""Puts codec and gateway together for one service, and closes them at the end."""

import asyncio
from collections import ChainMap
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import structlog
from google.protobuf.descriptor import ServiceDescriptor

from services.adapter.cache import Cache, CachePolicy
from services.adapter.codec import Dialect, Idempotency, Operation, compile_service, parse
from services.adapter.gateway import (
    APP,
    AppCredentials,
    BulkheadPolicy,
    GatewayClient,
    HttpTransport,
    Policies,
    RedisClient,
    RefreshingTokenProvider,
    RefreshToken,
    SharedTokenFetcher,
    StaticTokenProvider,
    TokenProvider,
)
from services.adapter.gateway.auth.tokens import FetchToken
from services.adapter.operations import OperationClient
from services.adapter.settings import AdapterSettings
from services.errors import StartupError

PRODUCTION_HOST = "gw.open.1688.com"
CACHE_S = {"GetFilterConfig": 3600.0, "GetCategory": 3600.0}
"""RPC to how long its answers are kept. Details of products are not: prices and stock age."""

_log = structlog.get_logger()


@asynccontextmanager
async def operations_lifespan(
    service: ServiceDescriptor,
    settings: AdapterSettings,
    *,
    unserved: Iterable[ServiceDescriptor] = (),
    once: Collection[str] = (),
) -> AsyncIterator[OperationClient]:
    """Yield the operations of a service, and of services that are declared for the suite itself.

    `once` names RPCs that must not be repeated, whatever their protos say.
    Raises SchemaError where the protos contradict themselves.
    """
    exceptions = settings.dialects or {}
    own, *others = (
        compile_service(each, settings.dialect, exceptions=exceptions, dates=settings.json_dates)
        for each in (service, *unserved)
    )
    operations = dict(ChainMap(own, *others))
    _warn(settings, exceptions.keys() - operations.keys())
    if elsewhere := (settings.cache_seconds or {}).keys() - operations.keys():
        _log.warning("cache_seconds_of_other_services", rpcs=sorted(elsewhere))
    async with gateway_lifespan(settings) as gateway, AsyncExitStack() as stack:
        cache = Cache(_cache_policy(settings, operations), asyncio.get_running_loop().time)
        stack.push_async_callback(cache.close)
        not_served = operations.keys() - own.keys()
        yield OperationClient(operations, gateway, once=once, cache=cache, unserved=not_served)


@asynccontextmanager
async def gateway_lifespan(settings: AdapterSettings) -> AsyncIterator[GatewayClient]:
    """Yield the conversation with 1688, as the settings tell who we are there."""
    async with AsyncExitStack() as stack:
        exchange = HttpTransport()
        stack.push_async_callback(exchange.close)
        link = _link(settings)
        if link is not None:
            stack.push_async_callback(link.close)
        gateway = GatewayClient(
            url=settings.gateway_url,
            app=AppCredentials(key=settings.app_key, secret=settings.app_secret.get_secret_value()),
            exchange=exchange,
            tokens=lambda fetch: _tokens(settings, fetch, link),
            parse=parse,
            send_timestamp=settings.send_timestamp,
            names=settings.operation_names or {},
            policies=_policies(settings),
            link=link,
        )
        stack.push_async_callback(gateway.close)
        yield gateway


def _cache_policy(settings: AdapterSettings, operations: Mapping[str, Operation]) -> CachePolicy:
    """Raise StartupError where answers of a call that changes something would be kept."""
    ttl_s = CACHE_S | (settings.cache_seconds or {})
    writes = [rpc for rpc in ttl_s if rpc in operations and operations[rpc].level is not Idempotency.READ]
    if writes:
        raise StartupError([f"NATIONALSITE_CACHE_SECONDS: {rpc}: is no read" for rpc in writes])
    return CachePolicy(ttl_s=ttl_s, stale_s=settings.cache_stale_s)


def _link(settings: AdapterSettings) -> RedisClient | None:
    if settings.redis_url is None:
        return None
    return RedisClient(settings.redis_url.get_secret_value(), settings.app_key)


def _policies(settings: AdapterSettings) -> Policies:
    places = settings.max_upstream_calls
    ceilings = dict(settings.api_rates or {})
    if settings.app_rate is not None:
        ceilings[APP] = settings.app_rate
    return Policies(bulkhead=BulkheadPolicy(places=places, queue=4 * places), ceilings=ceilings)


def _tokens(settings: AdapterSettings, fetch: FetchToken, link: RedisClient | None) -> TokenProvider:
    if settings.access_token is not None:
        return StaticTokenProvider(settings.access_token.get_secret_value())
    assert settings.refresh_token is not None  # noqa: S101 # the settings check that one of them is given
    refresh_token = RefreshToken(
        settings.refresh_token.get_secret_value(), settings.refresh_token_file, shared=link is not None
    )
    return RefreshingTokenProvider(refresh_token, SharedTokenFetcher(link, fetch) if link else fetch)


def _warn(settings: AdapterSettings, elsewhere: Collection[str]) -> None:
    if (
        settings.dialect is Dialect.NATIONAL_SITE
        and urlsplit(settings.gateway_url).hostname == PRODUCTION_HOST
    ):
        _log.warning("dialect_not_documented_there", host=PRODUCTION_HOST, dialect=settings.dialect)
    if elsewhere:
        # One set of variables may serve several services, so this is no error; it may be a typing slip.
        _log.warning("dialects_of_other_services", rpcs=sorted(elsewhere))
