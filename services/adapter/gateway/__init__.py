"""Signs, authorises and sends, within what 1688 and this process can take. Knows no protos and no gRPC."""

from services.adapter.gateway.bulkhead import BulkheadPolicy
from services.adapter.gateway.call import Reply
from services.adapter.gateway.client import App, Gateway, Policies
from services.adapter.gateway.exchange import MAX_CONNECTIONS, Exchange
from services.adapter.gateway.limits import APP
from services.adapter.gateway.redis_link import RedisLink
from services.adapter.gateway.shared_tokens import SharedTokens
from services.adapter.gateway.signature import is_push_signed, sign
from services.adapter.gateway.tokens import FixedToken, RefreshToken, RenewedTokens, Tokens

__all__ = [
    "APP",
    "MAX_CONNECTIONS",
    "App",
    "BulkheadPolicy",
    "Exchange",
    "FixedToken",
    "Gateway",
    "Policies",
    "RedisLink",
    "RefreshToken",
    "RenewedTokens",
    "Reply",
    "SharedTokens",
    "Tokens",
    "is_push_signed",
    "sign",
]
