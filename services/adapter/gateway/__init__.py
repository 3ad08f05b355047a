"""Signs, authorises and sends, within what 1688 and this process can take. Knows no protos and no gRPC."""

from services.adapter.gateway.bulkhead import BulkheadPolicy
from services.adapter.gateway.call import Reply
from services.adapter.gateway.client import Gateway, Policies
from services.adapter.gateway.clock import Clock, local_ms
from services.adapter.gateway.exchange import MAX_CONNECTIONS, Exchange
from services.adapter.gateway.limits import APP
from services.adapter.gateway.redis_link import RedisLink
from services.adapter.gateway.request import Addresses, App, request_of, signed_parameters
from services.adapter.gateway.shared_tokens import SharedTokens
from services.adapter.gateway.signature import is_push_signed, sign, string_to_sign
from services.adapter.gateway.tokens import (
    FixedToken,
    Grant,
    RefreshToken,
    RenewedTokens,
    Tokens,
    write_token,
)

__all__ = [
    "APP",
    "MAX_CONNECTIONS",
    "Addresses",
    "App",
    "BulkheadPolicy",
    "Clock",
    "Exchange",
    "FixedToken",
    "Gateway",
    "Grant",
    "Policies",
    "RedisLink",
    "RefreshToken",
    "RenewedTokens",
    "Reply",
    "SharedTokens",
    "Tokens",
    "is_push_signed",
    "local_ms",
    "request_of",
    "sign",
    "signed_parameters",
    "string_to_sign",
    "write_token",
]
