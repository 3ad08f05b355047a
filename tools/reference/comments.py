"""The comments of the protos, by the full name of what they stand above."""

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
"""Every proto with its comments."""

# Numbers of fields in descriptor.proto, which paths of comments are made of.
_SYNTAX, _SERVICES, _MESSAGES, _ENUMS, _OF_MEMBER = 12, 6, 4, 5, 2
_NESTED_MESSAGES, _NESTED_ENUMS, _ONEOFS = 3, 4, 8

Path_ = tuple[int, ...]


class Comments(Mapping[str, str]):
    """Comments by full name; a file's own by its name. What has none is an error of the protos: KeyError."""

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
        names = {(_SYNTAX,): file.name, **dict(_of_file(file))}
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            text = location.leading_comments
            if name is not None and text:
                self._texts[name] = "\n".join(line.removeprefix(" ") for line in text.strip("\n").split("\n"))


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[Path_, str]]:
    for at, service in enumerate(file.service):
        yield from _of_service((_SERVICES, at), file.package, service)
    for at, message in enumerate(file.message_type):
        yield from _of_message((_MESSAGES, at), file.package, message)
    for at, enum in enumerate(file.enum_type):
        yield from _of_enum((_ENUMS, at), file.package, enum)


def _of_service(path: Path_, scope: str, service: ServiceDescriptorProto) -> Iterator[tuple[Path_, str]]:
    name = f"{scope}.{service.name}"
    yield path, name
    for at, method in enumerate(service.method):
        yield (*path, _OF_MEMBER, at), f"{name}.{method.name}"


def _of_message(path: Path_, scope: str, message: DescriptorProto) -> Iterator[tuple[Path_, str]]:
    name = f"{scope}.{message.name}"
    yield path, name
    for at, field in enumerate(message.field):
        yield (*path, _OF_MEMBER, at), f"{name}.{field.name}"
    for at, oneof in enumerate(message.oneof_decl):
        yield (*path, _ONEOFS, at), f"{name}.{oneof.name}"
    for at, nested in enumerate(message.nested_type):
        yield from _of_message((*path, _NESTED_MESSAGES, at), name, nested)
    for at, enum in enumerate(message.enum_type):
        yield from _of_enum((*path, _NESTED_ENUMS, at), name, enum)


def _of_enum(path: Path_, scope: str, enum: EnumDescriptorProto) -> Iterator[tuple[Path_, str]]:
    name = f"{scope}.{enum.name}"
    yield path, name
    for at, value in enumerate(enum.value):
        yield (*path, _OF_MEMBER, at), f"{name}.{value.name}"
