"""The services that the reference describes."""

from collections.abc import Iterator

from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from nationalsite.account import v1 as account_v1
from nationalsite.ordersync import v1 as ordersync_v1
from nationalsite.product import v1 as product_v1
from nationalsite.replay import v1 as replay_v1

SERVICE_PAGES: dict[str, ServiceDescriptor] = {
    "product.md": product_v1.PRODUCT_SERVICE,
    "order_sync.md": ordersync_v1.ORDER_SYNC_SERVICE,
    "account.md": account_v1.ACCOUNT_SERVICE,
}
"""Page -> the service that it describes."""
REPLAY_SERVICE: ServiceDescriptor = replay_v1.MESSAGE_REPLAY_SERVICE
"""Not served: OrderSyncService calls its operations of 1688 to get failed messages."""
ERRORS_PAGE = "errors.md"


def package_files(service: ServiceDescriptor) -> list[FileDescriptor]:
    """Return the files of the service's proto package, by name."""
    return sorted(set(_package_files(service.file)), key=lambda file: file.name)


def _package_files(file: FileDescriptor) -> Iterator[FileDescriptor]:
    yield file
    for imported in file.dependencies:
        if imported.package == file.package:
            yield from _package_files(imported)


PAGE_OF_FILE = {file.name: page for page, service in SERVICE_PAGES.items() for file in package_files(service)}
PAGE_OF_RPC = {method.name: page for page, service in SERVICE_PAGES.items() for method in service.methods}
"""RPC name -> page. RPC names are unique over all services."""
