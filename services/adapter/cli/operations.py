"""Every operation of the protos, in the dialects that the settings choose."""

from collections import ChainMap

from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE
from nationalsite.replay.v1 import MESSAGE_REPLAY_SERVICE

from services.adapter.codec import Operation, compile_service
from services.adapter.settings import AdapterSettings

_SERVICES = (PRODUCT_SERVICE, ORDER_SYNC_SERVICE, ACCOUNT_SERVICE, MESSAGE_REPLAY_SERVICE)


def supported_operations(settings: AdapterSettings) -> dict[str, Operation]:
    """Return what 1688 has of the protos in the dialect, by RPC, in the protos' order."""
    compiled = [
        compile_service(
            service, settings.dialect, exceptions=settings.dialects or {}, dates=settings.json_dates
        )
        for service in _SERVICES
    ]
    return {rpc: each for rpc, each in ChainMap(*reversed(compiled)).items() if each.api}
