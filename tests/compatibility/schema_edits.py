"""Earlier and later releases of the protos, made by edits of today's descriptors."""

from collections.abc import Callable, Iterable, Iterator
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

DESCRIPTORS = Path(__file__).resolve().parents[2] / "gen" / "descriptors" / "nationalsite.binpb"
PRODUCT = "nationalsite/product/v1"
ORDER_SYNC = "nationalsite/ordersync/v1"
ACCOUNT = "nationalsite/account/v1"
ADDED_FIELD, ADDED_NUMBER = "added_later", 1000
"""What `add_everywhere` adds. A member of a oneof has a greater number, and a name with this end."""


def _edit_nothing(_release: "Release") -> None:
    pass


class Release:
    """The protos of another release: those in a file, by default today's, with an edit."""

    def __init__(self, edit: Callable[["Release"], None] = _edit_nothing, path: Path = DESCRIPTORS) -> None:
        self.descriptors = FileDescriptorSet.FromString(path.read_bytes())
        edit(self)
        self._pool = descriptor_pool.DescriptorPool()
        for file in self.descriptors.file:
            self._pool.Add(file)

    def message_class(self, full_name: str) -> type[Message]:
        """Return the class of a message."""
        return message_factory.GetMessageClass(self._pool.FindMessageTypeByName(full_name))

    def files(self, package: str) -> list[FileDescriptorProto]:
        """Return the files of a package, which is named by its folder."""
        return [file for file in self.descriptors.file if file.name.startswith(f"{package}/")]

    def file(self, package: str, message: str) -> FileDescriptorProto:
        """Return the file that declares a message, to edit it."""
        return next(
            file
            for file in self.files(package)
            if any(declared.name == message for declared in file.message_type)
        )

    def message(self, package: str, name: str) -> DescriptorProto:
        """Return a message of a package to edit."""
        return next(message for message in self.file(package, name).message_type if message.name == name)

    def enum(self, package: str, name: str) -> EnumDescriptorProto:
        """Return an enum of a package to edit."""
        return next(enum for file in self.files(package) for enum in file.enum_type if enum.name == name)

    def service(self, package: str) -> ServiceDescriptorProto:
        """Return the service of a package to edit."""
        (service,) = (service for file in self.files(package) for service in file.service)
        return service


def find_field(message: DescriptorProto, name: str) -> FieldDescriptorProto:
    """Return a field of a message to edit."""
    return next(field for field in message.field if field.name == name)


def remove_field(message: DescriptorProto, name: str) -> None:
    """Remove a field of a message, with the synthetic oneof of an `optional` field."""
    removed = find_field(message, name)
    is_optional, oneof_index = removed.proto3_optional, removed.oneof_index
    message.field.remove(removed)
    if is_optional:
        del message.oneof_decl[oneof_index]
        for field in message.field:
            if field.HasField("oneof_index") and field.oneof_index > oneof_index:
                field.oneof_index -= 1


def add_oneof_member(message: DescriptorProto, oneof: str, member: FieldDescriptorProto) -> None:
    """Add a member to a oneof, behind its last one: the members of a oneof have to be adjacent."""
    oneofs = [declaration.name for declaration in message.oneof_decl]
    member.oneof_index = oneofs.index(oneof)
    last = max(
        index
        for index, field in enumerate(message.field)
        if field.HasField("oneof_index") and field.oneof_index == member.oneof_index
    )
    message.field.insert(last + 1, member)


def remove(descriptors: RepeatedCompositeFieldContainer[Any], name: str) -> None:
    """Remove the descriptor with this name from a list."""
    descriptors.remove(next(descriptor for descriptor in descriptors if descriptor.name == name))


def add_everywhere(release: Release) -> None:
    """Add a field to each message, a member to each oneof, and a value to each enum."""
    for package in (PRODUCT, ORDER_SYNC, ACCOUNT):
        for file in release.files(package):
            for message in _list_messages(file.message_type):
                _extend_message(message)
                for enum in message.enum_type:
                    _extend_enum(enum)
            for enum in file.enum_type:
                _extend_enum(enum)


def _list_messages(messages: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    for message in messages:
        yield message
        yield from _list_messages(message.nested_type)


def _extend_message(message: DescriptorProto) -> None:
    synthetic = {field.oneof_index for field in message.field if field.proto3_optional}
    for index, oneof in enumerate(message.oneof_decl):
        if index not in synthetic:
            name = f"{oneof.name}_{ADDED_FIELD}"
            member = FieldDescriptorProto(
                name=name, number=ADDED_NUMBER + 1 + index, type="TYPE_STRING", label="LABEL_OPTIONAL"
            )
            add_oneof_member(message, oneof.name, member)
    message.field.add(name=ADDED_FIELD, number=ADDED_NUMBER, type="TYPE_STRING", label="LABEL_OPTIONAL")


def _extend_enum(enum: EnumDescriptorProto) -> None:
    prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
    enum.value.add(name=f"{prefix}ADDED_LATER", number=ADDED_NUMBER)


def _add_to_release(release: Release) -> None:
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
    member = FieldDescriptorProto(name="invoice", number=100, type="TYPE_MESSAGE", label="LABEL_OPTIONAL")
    member.type_name = ".nationalsite.ordersync.v1.InvoiceEvent"
    add_oneof_member(message, "payload", member)
    release.enum(ORDER_SYNC, "DeliveryState").value.add(name="DELIVERY_STATE_PAUSED", number=100)


def _remove_from_release(release: Release) -> None:
    request = release.message(PRODUCT, "SearchByKeywordRequest")
    request.options.Clear()  # a rule refers to fields that are removed
    for name in ("sale_filters", "price_start", "price_end", "country", "language", "keyword_is_chinese"):
        remove_field(request, name)
    remove_field(release.message(PRODUCT, "SearchByKeywordResponse"), "total_size")
    remove_field(release.message(PRODUCT, "Offer"), "price_info")


NEWER = Release(_add_to_release)
"""A later release: new fields in responses and a request, a new oneof member, new values of two enums."""
OLDER = Release(_remove_from_release)
"""An earlier release without some fields of requests and responses."""
