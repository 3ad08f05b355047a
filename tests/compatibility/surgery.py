"""Other releases of the protos, cut out of today's descriptors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from google.protobuf.message import Message

IMAGE = Path(__file__).resolve().parents[2] / "gen" / "descriptors" / "nationalsite.binpb"
PRODUCT = "nationalsite/product/v1"
ORDER_SYNC = "nationalsite/ordersync/v1"


class Release:
    """The protos as another release has them."""

    def __init__(self, cut: Callable[["Release"], None]) -> None:
        self.image = FileDescriptorSet.FromString(IMAGE.read_bytes())
        cut(self)
        self._pool = descriptor_pool.DescriptorPool()
        for file in self.image.file:
            self._pool.Add(file)

    def kind(self, full_name: str) -> type[Message]:
        """Return the class of a message."""
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(full_name))

    def files(self, package: str) -> list[FileDescriptorProto]:
        """Return the files of a package, named by its folder."""
        return [file for file in self.image.file if file.name.startswith(f"{package}/")]

    def file(self, package: str, message: str) -> FileDescriptorProto:
        """Return the file that declares a message, to cut at it."""
        return next(
            file for file in self.files(package) if any(kind.name == message for kind in file.message_type)
        )

    def message(self, package: str, name: str) -> DescriptorProto:
        """Return a message of a package, to cut at it."""
        return next(kind for kind in self.file(package, name).message_type if kind.name == name)

    def enum(self, package: str, name: str) -> EnumDescriptorProto:
        """Return an enum of a package, to cut at it."""
        return next(kind for file in self.files(package) for kind in file.enum_type if kind.name == name)

    def service(self, package: str) -> ServiceDescriptorProto:
        """Return the service of a package, to cut at it."""
        (service,) = (service for file in self.files(package) for service in file.service)
        return service


def field(kind: DescriptorProto, name: str) -> FieldDescriptorProto:
    """Return a field of a message, to cut at it."""
    return next(field for field in kind.field if field.name == name)


def drop_field(kind: DescriptorProto, name: str) -> None:
    """Take a field out of a message, with the oneof that `optional` makes of it."""
    dropped = field(kind, name)
    optional, place = dropped.proto3_optional, dropped.oneof_index
    kind.field.remove(dropped)
    if optional:
        del kind.oneof_decl[place]
        for other in kind.field:
            if other.HasField("oneof_index") and other.oneof_index > place:
                other.oneof_index -= 1


def add_arm(kind: DescriptorProto, oneof: str, arm: FieldDescriptorProto) -> None:
    """Put another arm behind those of a oneof: they have to stand together."""
    arm.oneof_index = next(at for at, each in enumerate(kind.oneof_decl) if each.name == oneof)
    arms = [at for at, each in enumerate(kind.field) if each.HasField("oneof_index")]
    last = max(at for at in arms if kind.field[at].oneof_index == arm.oneof_index)
    kind.field.insert(last + 1, arm)


def drop(parts: RepeatedCompositeFieldContainer[Any], name: str) -> None:
    """Take the part of this name out of a list of descriptors."""
    parts.remove(next(part for part in parts if part.name == name))


def _grow(release: Release) -> None:
    search = release.message(PRODUCT, "SearchByKeywordResponse")
    search.field.add(name="query_id", number=100, type="TYPE_STRING", label="LABEL_OPTIONAL")
    offer = release.message(PRODUCT, "Offer")
    offer.field.add(name="warehouses", number=100, type="TYPE_STRING", label="LABEL_REPEATED")
    request = release.message(PRODUCT, "SearchByKeywordRequest")
    request.field.add(name="warehouse", number=100, type="TYPE_STRING", label="LABEL_OPTIONAL")
    release.enum(PRODUCT, "SortOrder").value.add(name="SORT_ORDER_SHUFFLED", number=100)

    invoice = release.file(ORDER_SYNC, "Message").message_type.add(name="InvoiceEvent")
    invoice.field.add(name="invoice_id", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    message = release.message(ORDER_SYNC, "Message")
    arm = FieldDescriptorProto(name="invoice", number=100, type="TYPE_MESSAGE", label="LABEL_OPTIONAL")
    arm.type_name = ".nationalsite.ordersync.v1.InvoiceEvent"
    add_arm(message, "payload", arm)
    release.enum(ORDER_SYNC, "DeliveryState").value.add(name="DELIVERY_STATE_PAUSED", number=100)


def _shrink(release: Release) -> None:
    request = release.message(PRODUCT, "SearchByKeywordRequest")
    request.options.Clear()  # whose rule speaks of the prices
    for name in ("sale_filters", "price_start", "price_end", "country", "language", "keyword_translate"):
        drop_field(request, name)
    drop_field(release.message(PRODUCT, "SearchByKeywordResponse"), "total_page")
    drop_field(release.message(PRODUCT, "Offer"), "price_info")


NEWER = Release(_grow)
"""A later release: a field in answers and in a request, an arm of a oneof, values of two enums."""
OLDER = Release(_shrink)
"""An earlier release, before some fields of requests and answers were there."""
