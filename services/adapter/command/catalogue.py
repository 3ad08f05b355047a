"""Every operation of the protos, in the dialects that the settings choose."""

from collections import ChainMap

from nationalsite.account.v1 import account_service_pb2
from nationalsite.ordersync.v1 import order_sync_service_pb2
from nationalsite.product.v1 import product_service_pb2
from nationalsite.replay.v1 import message_replay_service_pb2

from services.adapter.codec import Operation, compile_service
from services.adapter.settings import AdapterSettings

_SERVICES = tuple(
    service
    for file in (product_service_pb2, order_sync_service_pb2, account_service_pb2, message_replay_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
)


def spoken_operations(settings: AdapterSettings) -> dict[str, Operation]:
    """Return what 1688 has of the protos in the dialect, by RPC, in the protos' order."""
    compiled = [
        compile_service(
            service, settings.dialect, exceptions=settings.dialects or {}, dates=settings.json_dates
        )
        for service in _SERVICES
    ]
    return {rpc: each for rpc, each in ChainMap(*reversed(compiled)).items() if each.api}
