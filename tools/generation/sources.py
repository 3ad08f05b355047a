"""What everything is generated from: our protos, and those that they import."""

from importlib import resources
from pathlib import Path

import google.type
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
GEN = ROOT / "gen"

FILES = tuple(sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto")))
NEVER_SERVED = "nationalsite/replay/v1/message_replay_service.proto"
"""How the adapter asks 1688 for messages: no caller can call it."""
FOR_CALLERS = tuple(name for name in FILES if name != NEVER_SERVED)

VALIDATE = "buf/validate/validate.proto"
ERRORS = ("google/rpc/error_details.proto", "google/rpc/status.proto")
"""What the details of an error consist of. No proto of ours imports the first; every caller reads it."""

WELL_KNOWN = (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2)


def with_services(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of our protos that declare a service."""
    return tuple(name for name in names if "\nservice " in (PROTOS / name).read_text())


def import_paths(scratch: Path) -> list[str]:
    """protoc's arguments for the places where it finds protos; writes the rules' descriptors into `scratch`.

    protovalidate's rules are not copied into this project: its installed wheel carries their descriptor, and
    protoc compiles ours against that. google/type and google/rpc come from googleapis-common-protos.
    """
    rules = scratch / "rules.binpb"
    rules.write_bytes(_rules_descriptors().SerializeToString())
    return [
        f"--proto_path={PROTOS}",
        f"--proto_path={Path(google.type.__path__[0]).parents[1]}",
        f"--proto_path={resources.files('grpc_tools') / '_proto'}",
        f"--descriptor_set_in={rules}",
    ]


def _rules_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The descriptors of validate.proto and of what it imports."""
    rules = descriptor_pb2.FileDescriptorSet()
    for module in WELL_KNOWN:
        module.DESCRIPTOR.CopyToProto(rules.file.add())
    validate = rules.file.add()
    validate.ParseFromString(validate_pb._DESC.proto.to_binary())
    # The wheel's descriptor says com.buf.validate, but protovalidate's Java artifact has this package.
    validate.options.java_package = "build.buf.validate"
    return rules
