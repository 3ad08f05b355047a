"""What there is to tell of: the services that are served, and the one that the suite asks 1688 by."""

from google.protobuf.descriptor import ServiceDescriptor
from nationalsite.account.v1 import account_service_pb2
from nationalsite.ordersync.v1 import order_sync_service_pb2
from nationalsite.product.v1 import product_service_pb2
from nationalsite.replay.v1 import message_replay_service_pb2

SERVED: dict[str, ServiceDescriptor] = {
    "product.md": product_service_pb2.DESCRIPTOR.services_by_name["ProductService"],
    "order_sync.md": order_sync_service_pb2.DESCRIPTOR.services_by_name["OrderSyncService"],
    "account.md": account_service_pb2.DESCRIPTOR.services_by_name["AccountService"],
}
"""Page -> the service that it is about."""
REPLAY: ServiceDescriptor = message_replay_service_pb2.DESCRIPTOR.services_by_name["MessageReplayService"]
"""Never served: OrderSyncService asks 1688 for failed messages by it."""
ERRORS_PAGE = "errors.md"

PAGE_OF_FILE = {service.file.name: page for page, service in SERVED.items()}
PAGE_OF_RPC = {method.name: page for page, service in SERVED.items() for method in service.methods}
"""RPCs by their names, which no two services share."""
