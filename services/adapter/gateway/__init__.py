"""The client of 1688's gateway. Must not import protos or gRPC.

Start reading in client.py; middleware/__init__.py shows what each call passes.
"""

from services.adapter.gateway.auth.refresh_token import RefreshToken, write_token
from services.adapter.gateway.auth.refreshing import RefreshingTokenProvider
from services.adapter.gateway.auth.shared_tokens import SharedTokenFetcher
from services.adapter.gateway.auth.token_provider import (
    StaticTokenProvider,
    TokenFetcher,
    TokenProvider,
    TokenResponse,
)
from services.adapter.gateway.call import UpstreamResponse
from services.adapter.gateway.client import GatewayClient, Policies
from services.adapter.gateway.clock import GatewayClock, local_ms
from services.adapter.gateway.metrics import record_shed
from services.adapter.gateway.middleware.bulkhead import BulkheadPolicy
from services.adapter.gateway.middleware.circuit_breaker import Availability
from services.adapter.gateway.proxy import Proxy, find_proxy
from services.adapter.gateway.rate_limit.limiter import APP
from services.adapter.gateway.request import AppCredentials, UrlBuilder, build_request, signed_parameters
from services.adapter.gateway.shared_redis import check_redis_url, open_redis
from services.adapter.gateway.signature import is_push_signed, sign, string_to_sign
from services.adapter.gateway.transport import MAX_CONNECTIONS, HttpTransport, build_transport

__all__ = [
    "APP",
    "MAX_CONNECTIONS",
    "AppCredentials",
    "Availability",
    "BulkheadPolicy",
    "GatewayClient",
    "GatewayClock",
    "HttpTransport",
    "Policies",
    "Proxy",
    "RefreshToken",
    "RefreshingTokenProvider",
    "SharedTokenFetcher",
    "StaticTokenProvider",
    "TokenFetcher",
    "TokenProvider",
    "TokenResponse",
    "UpstreamResponse",
    "UrlBuilder",
    "build_request",
    "build_transport",
    "check_redis_url",
    "find_proxy",
    "is_push_signed",
    "local_ms",
    "open_redis",
    "record_shed",
    "sign",
    "signed_parameters",
    "string_to_sign",
    "write_token",
]
