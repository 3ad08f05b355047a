"""buf.validate for protobuf's own runtime: the extensions and messages that tools and tests read.

No installed package has a module for it. The services need none, because protovalidate reads the rules from
the options' bytes. Importing this module adds validate.proto to the default descriptor pool. protovalidate's
wheel contains its descriptor.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, field_mask_pb2, timestamp_pb2
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from protovalidate._gen.buf.validate import validate_pb

IMPORTS = (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2)
"""The modules of the protos that validate.proto imports. They add those to the pool."""

_pool = descriptor_pool.Default()
_pool.AddSerializedFile(validate_pb._DESC.proto.to_binary())
DESCRIPTOR: FileDescriptor = _pool.FindFileByName("buf/validate/validate.proto")

field, message, oneof = (DESCRIPTOR.extensions_by_name[name] for name in ("field", "message", "oneof"))
FieldRules, StringRules, Rule = (
    GetMessageClass(DESCRIPTOR.message_types_by_name[name]) for name in ("FieldRules", "StringRules", "Rule")
)
IGNORE_IF_ZERO_VALUE = DESCRIPTOR.enum_types_by_name["Ignore"].values_by_name["IGNORE_IF_ZERO_VALUE"].number


def rules(options: Message, extension: Any) -> Any:
    """Return the rules in the options of a descriptor.

    The options may have been parsed before this module was imported, when the extension was unknown.
    """
    return type(options).FromString(options.SerializeToString()).Extensions[extension]
