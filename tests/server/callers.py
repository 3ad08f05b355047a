"""Callers as a proxy forwards them, and rules of a policy for them."""

from services.server import current_caller
from services.server.security.peer_identity import XFCC_HEADER
from tests.server.shop_server import Line

CALLER = "spiffe://shop/ns/web/sa/front"


async def return_identity(_request, _deadline):
    """Respond with the last characters of the caller's identity."""
    return Line(sku=current_caller().identity[-8:]).SerializeToString()


def forwarded(*elements):
    """The metadata of a call that came through proxies."""
    return tuple((XFCC_HEADER, element) for element in elements)


def rule(callers, methods):
    return {"callers": callers, "methods": methods}
