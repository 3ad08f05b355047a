"""gen/descriptors: the protos as descriptor sets, with their imports and comments.

`nationalsite.binpb` has everything. buf, the reference and the tests read it. `nationalsite-client.binpb` is
for callers: it leaves out the protos that only the adapter uses, and the mapping options that they define.
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from tools.generation.protoc import compile_protos, recreate_dirs
from tools.generation.sources import CLIENT_DESCRIPTORS, DESCRIPTORS, ERROR_PROTOS, INTERNAL, PROTOS


def generate() -> None:
    """Write gen/descriptors."""
    recreate_dirs(DESCRIPTORS.parent)
    compile_protos(
        f"--descriptor_set_out={DESCRIPTORS}",
        "--include_imports",
        "--include_source_info",
        *PROTOS,
        *ERROR_PROTOS,
    )
    CLIENT_DESCRIPTORS.write_bytes(strip_internal(DESCRIPTORS.read_bytes()))


def read() -> FileDescriptorSet:
    """Return the descriptors of every proto, as generated last."""
    return FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())


def strip_internal(descriptor_set: bytes) -> bytes:
    """Return the descriptor set without the INTERNAL protos and the options that they define."""
    message_class = _message_class(FileDescriptorSet.FromString(descriptor_set))
    files = [
        file for file in message_class.FromString(descriptor_set).file if not file.name.startswith(INTERNAL)
    ]
    for file in files:
        _clear_internal_options(file)
        dependencies = [name for name in file.dependency if not name.startswith(INTERNAL)]
        file.ClearField("dependency")
        file.dependency.extend(dependencies)
        # Generators read comments only; other locations may be those of options that are gone.
        locations = [location for location in file.source_code_info.location if _has_comment(location)]
        file.source_code_info.ClearField("location")
        file.source_code_info.location.extend(locations)
    return bytes(message_class(file=files).SerializeToString(deterministic=True))


def _message_class(descriptor_set: FileDescriptorSet) -> Any:
    """FileDescriptorSet's class in a pool that has our options. Elsewhere they would be unknown fields."""
    pool = DescriptorPool()
    for file in descriptor_set.file:
        pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(FileDescriptorSet.DESCRIPTOR.full_name))


def _clear_internal_options(message: Any) -> None:
    for field, value in message.ListFields():
        if field.is_extension:
            if field.file.name.startswith(INTERNAL):
                message.ClearExtension(field)
        elif field.message_type:
            for part in value if field.is_repeated else [value]:
                _clear_internal_options(part)
            if field.name == "options" and not value.ListFields():
                message.ClearField(field.name)


def _has_comment(location: Any) -> bool:
    return bool(location.leading_comments or location.trailing_comments or location.leading_detached_comments)
