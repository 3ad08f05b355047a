"""Signs, authorises and sends, within what 1688 and this process can take. Knows no protos and no gRPC."""

from services.adapter.gateway.auth.shared_tokens import SharedTokenFetcher
from services.adapter.gateway.auth.tokens import (
    RefreshingTokenProvider,
    RefreshToken,
    StaticTokenProvider,
    TokenProvider,
    TokenResponse,
    write_token,
)
from services.adapter.gateway.call import Reply
from services.adapter.gateway.client import GatewayClient, Policies
from services.adapter.gateway.clock import GatewayClock, local_ms
from services.adapter.gateway.middleware.bulkhead import BulkheadPolicy
from services.adapter.gateway.rate_limit.local import APP
from services.adapter.gateway.redis_client import RedisClient
from services.adapter.gateway.request import AppCredentials, UrlBuilder, build_request, signed_parameters
from services.adapter.gateway.signature import is_push_signed, sign, string_to_sign
from services.adapter.gateway.transport import MAX_CONNECTIONS, HttpTransport

__all__ = [
    "APP",
    "MAX_CONNECTIONS",
    "AppCredentials",
    "BulkheadPolicy",
    "GatewayClient",
    "GatewayClock",
    "HttpTransport",
    "Policies",
    "RedisClient",
    "RefreshToken",
    "RefreshingTokenProvider",
    "Reply",
    "SharedTokenFetcher",
    "StaticTokenProvider",
    "TokenProvider",
    "TokenResponse",
    "UrlBuilder",
    "build_request",
    "is_push_signed",
    "local_ms",
    "sign",
    "signed_parameters",
    "string_to_sign",
    "write_token",
]
