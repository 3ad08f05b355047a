"""Builds codec, gateway client and cache from the settings of one service, and closes them at the end."""

import asyncio
import os
from collections import ChainMap
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from google.protobuf.descriptor import ServiceDescriptor

from services.adapter.cache import Cache, CachePolicy
from services.adapter.codec import Dialect, Operation, parse
from services.adapter.drift import DriftMonitor
from services.adapter.gateway import (
    APP,
    AppCredentials,
    BulkheadPolicy,
    GatewayClient,
    Policies,
    RefreshingTokenProvider,
    RefreshToken,
    SharedTokenFetcher,
    StaticTokenProvider,
    TokenFetcher,
    TokenProvider,
    build_transport,
    find_proxy,
    open_redis,
)
from services.adapter.operations import OperationClient
from services.adapter.settings import AdapterSettings
from services.errors import StartupError
from services.redaction import known_secrets

if TYPE_CHECKING:
    from services.adapter.gateway.redis_client import RedisClient

PRODUCTION_HOST = "gw.open.1688.com"
CACHE_TTL_S = {"GetFilterConfig": 3600.0, "GetCategory": 3600.0}
"""RPC to how long its responses are fresh. Product details are not cached, since prices and stock change."""
QUEUED_PER_CONCURRENT = 4
"""Maximum length of the queue, as a multiple of the maximum number of calls in flight."""

_log = structlog.get_logger()


@asynccontextmanager
async def operations_lifespan(
    service: ServiceDescriptor,
    settings: AdapterSettings,
    *,
    internal: Iterable[ServiceDescriptor] = (),
    non_idempotent: Collection[str] = (),
) -> AsyncIterator[OperationClient]:
    """Yield the operations of a service.

    `internal` are services of the protos whose RPCs only this project calls; callers cannot. `non_idempotent`
    names RPCs that are not retried, even if their protos declare them idempotent. Raises SchemaError if
    protos contradict themselves, and StartupError.
    """
    served, *others = (settings.compile_service(descriptor) for descriptor in (service, *internal))
    operations = dict(ChainMap(served, *others))
    _log_start(settings, operations)
    async with gateway_lifespan(settings) as gateway, AsyncExitStack() as stack:
        cache = Cache(_build_cache_policy(settings, operations), asyncio.get_running_loop().time)
        stack.push_async_callback(cache.close)
        yield OperationClient(
            operations,
            gateway,
            non_idempotent=non_idempotent,
            internal=operations.keys() - served.keys(),
            cache=cache,
            drift_monitor=DriftMonitor(settings.drift_sample_interval),
        )


@asynccontextmanager
async def gateway_lifespan(settings: AdapterSettings) -> AsyncIterator[GatewayClient]:
    """Yield a client of 1688's gateway, with the app and the token of the settings."""
    async with AsyncExitStack() as stack:
        transport = build_transport(settings.gateway_url, settings.gateway_ca_file)
        stack.push_async_callback(transport.close)
        redis = _open_redis(settings)
        if redis is not None:
            stack.push_async_callback(redis.close)
            await redis.check(holds_token=settings.refresh_token is not None)
        gateway = GatewayClient(
            url=settings.gateway_url,
            credentials=AppCredentials(key=settings.app_key, secret=settings.app_secret.get_secret_value()),
            transport=transport,
            build_token_provider=lambda fetch: _build_token_provider(settings, fetch, redis, stack),
            parse=parse,
            send_timestamp=settings.send_timestamp,
            operation_aliases=settings.operation_aliases or {},
            policies=_build_policies(settings),
            redis=redis,
        )
        stack.push_async_callback(gateway.close)
        stack.enter_context(known_secrets(gateway.secrets))
        yield gateway


def _build_cache_policy(settings: AdapterSettings, operations: Mapping[str, Operation]) -> CachePolicy:
    """Raise StartupError if responses of an RPC that writes would be cached."""
    ttl_s = CACHE_TTL_S | (settings.cache_seconds or {})
    writes = [rpc for rpc in ttl_s if rpc in operations and not operations[rpc].is_read_only]
    if writes:
        raise StartupError([f"NATIONALSITE_CACHE_SECONDS: {rpc}: is not a read" for rpc in writes])
    return CachePolicy(ttl_s=ttl_s, stale_if_error_s=settings.cache_stale_s)


def _open_redis(settings: AdapterSettings) -> "RedisClient | None":
    if settings.redis_url is None:
        return None
    return open_redis(settings.redis_url.get_secret_value(), settings.app_key)


def _build_policies(settings: AdapterSettings) -> Policies:
    rate_ceilings = dict(settings.api_rates or {})
    if settings.app_rate is not None:
        rate_ceilings[APP] = settings.app_rate
    max_concurrent = settings.max_upstream_calls
    bulkhead = BulkheadPolicy(
        max_concurrent=max_concurrent, max_queued=QUEUED_PER_CONCURRENT * max_concurrent
    )
    return Policies(bulkhead=bulkhead, rate_ceilings=rate_ceilings)


def _build_token_provider(
    settings: AdapterSettings, fetch: TokenFetcher, redis: "RedisClient | None", stack: AsyncExitStack
) -> TokenProvider:
    if settings.access_token is not None:
        return StaticTokenProvider(settings.access_token.get_secret_value())
    assert settings.refresh_token is not None  # noqa: S101 # the settings check that there is one of the two
    refresh_token = RefreshToken(
        settings.refresh_token.get_secret_value(),
        settings.refresh_token_file,
        is_shared=redis is not None,
    )
    if redis is None:
        return RefreshingTokenProvider(refresh_token, fetch)
    shared = SharedTokenFetcher(redis, fetch)
    stack.push_async_callback(shared.close)
    return RefreshingTokenProvider(refresh_token, shared)


def _log_start(settings: AdapterSettings, operations: Mapping[str, Operation]) -> None:
    if (
        settings.dialect is Dialect.NATIONAL_SITE
        and urlsplit(settings.gateway_url).hostname == PRODUCTION_HOST
    ):
        _log.warning("dialect_not_documented_for_host", host=PRODUCTION_HOST, dialect=settings.dialect)
    if proxy := find_proxy(settings.gateway_url, os.environ):
        _log.info("proxy_in_use", variable=proxy.variable, proxy=f"{proxy.url.host}:{proxy.url.port}")
    # Warnings, not errors: the name may be an RPC of another service that has the same environment variables.
    if unknown := (settings.dialects or {}).keys() - operations.keys():
        _log.warning("unknown_rpcs_in_dialects", rpcs=sorted(unknown))
    if unknown := (settings.cache_seconds or {}).keys() - operations.keys():
        _log.warning("unknown_rpcs_in_cache_seconds", rpcs=sorted(unknown))
