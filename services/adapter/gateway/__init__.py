"""Signs, authorises and sends, within what 1688 and this process can take. Knows no protos and no gRPC."""

from services.adapter.gateway.bulkhead import BulkheadPolicy
from services.adapter.gateway.call import Reply
from services.adapter.gateway.client import App, Gateway, Policies
from services.adapter.gateway.exchange import Exchange
from services.adapter.gateway.limits import APP
from services.adapter.gateway.signature import sign
from services.adapter.gateway.tokens import FixedToken, RefreshToken, RenewedTokens, Tokens

__all__ = [
    "APP",
    "App",
    "BulkheadPolicy",
    "Exchange",
    "FixedToken",
    "Gateway",
    "Policies",
    "RefreshToken",
    "RenewedTokens",
    "Reply",
    "Tokens",
    "sign",
]
