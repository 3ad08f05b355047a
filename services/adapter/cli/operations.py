"""The operations of all services, in the dialects of the settings."""

from collections import ChainMap

from nationalsite.account.v1 import ACCOUNT_SERVICE
from nationalsite.ordersync.v1 import ORDER_SYNC_SERVICE
from nationalsite.product.v1 import PRODUCT_SERVICE
from nationalsite.replay.v1 import MESSAGE_REPLAY_SERVICE

from services.adapter.codec import Operation
from services.adapter.settings import AdapterSettings

_SERVICES = (PRODUCT_SERVICE, ORDER_SYNC_SERVICE, ACCOUNT_SERVICE, MESSAGE_REPLAY_SERVICE)


def supported_operations(settings: AdapterSettings) -> dict[str, Operation]:
    """Return the operations that can be called with the settings, by RPC, in the order of the protos."""
    compiled = [settings.compile_service(service) for service in _SERVICES]
    operations = ChainMap(*reversed(compiled))  # a ChainMap iterates over its last map first
    return {rpc: operation for rpc, operation in operations.items() if operation.api_id}
