"""The comments of the protos, by the full name of the element that they belong to."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)

IMAGE = Path(__file__).resolve().parents[2] / "gen" / "descriptors" / "nationalsite.binpb"
"""The descriptors of all protos, with comments."""

# Field numbers of descriptor.proto: the path of a comment consists of them.
_SYNTAX, _SERVICES, _MESSAGES, _ENUMS, _MEMBERS = 12, 6, 4, 5, 2
_NESTED_MESSAGES, _NESTED_ENUMS, _ONEOFS = 3, 4, 8

CommentPath = tuple[int, ...]


class ProtoComments(Mapping[str, str]):
    """Full name -> comment; of a file: its name. A missing comment is a KeyError: every element needs one."""

    def __init__(self) -> None:
        image = FileDescriptorSet.FromString(IMAGE.read_bytes())
        self._texts: dict[str, str] = {}
        for file in image.file:
            if file.name.startswith("nationalsite/"):
                self._read(file)

    def __getitem__(self, full_name: str) -> str:
        return self._texts[full_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def _read(self, file: FileDescriptorProto) -> None:
        names = {(_SYNTAX,): file.name, **dict(_file_names(file))}
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            text = location.leading_comments
            if name is not None and text:
                self._texts[name] = "\n".join(line.removeprefix(" ") for line in text.strip("\n").split("\n"))


def _file_names(file: FileDescriptorProto) -> Iterator[tuple[CommentPath, str]]:
    for index, service in enumerate(file.service):
        yield from _service_names((_SERVICES, index), file.package, service)
    for index, message in enumerate(file.message_type):
        yield from _message_names((_MESSAGES, index), file.package, message)
    for index, enum in enumerate(file.enum_type):
        yield from _enum_names((_ENUMS, index), file.package, enum)


def _service_names(
    path: CommentPath, scope: str, service: ServiceDescriptorProto
) -> Iterator[tuple[CommentPath, str]]:
    name = f"{scope}.{service.name}"
    yield path, name
    for index, method in enumerate(service.method):
        yield (*path, _MEMBERS, index), f"{name}.{method.name}"


def _message_names(
    path: CommentPath, scope: str, message: DescriptorProto
) -> Iterator[tuple[CommentPath, str]]:
    name = f"{scope}.{message.name}"
    yield path, name
    for index, field in enumerate(message.field):
        yield (*path, _MEMBERS, index), f"{name}.{field.name}"
    for index, oneof in enumerate(message.oneof_decl):
        yield (*path, _ONEOFS, index), f"{name}.{oneof.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _message_names((*path, _NESTED_MESSAGES, index), name, nested)
    for index, enum in enumerate(message.enum_type):
        yield from _enum_names((*path, _NESTED_ENUMS, index), name, enum)


def _enum_names(
    path: CommentPath, scope: str, enum: EnumDescriptorProto
) -> Iterator[tuple[CommentPath, str]]:
    name = f"{scope}.{enum.name}"
    yield path, name
    for index, value in enumerate(enum.value):
        yield (*path, _MEMBERS, index), f"{name}.{value.name}"
