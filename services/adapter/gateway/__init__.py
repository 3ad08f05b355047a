"""Signs, authorises and sends. Knows no protos and no gRPC."""

from services.adapter.gateway.client import App, Gateway, Reply
from services.adapter.gateway.exchange import Exchange
from services.adapter.gateway.signature import is_push_signed, sign
from services.adapter.gateway.tokens import FixedToken, RefreshToken, RenewedTokens, Tokens

__all__ = [
    "App",
    "Exchange",
    "FixedToken",
    "Gateway",
    "RefreshToken",
    "RenewedTokens",
    "Reply",
    "Tokens",
    "is_push_signed",
    "sign",
]
