"""Generates everything under gen/ from protos/: `make gen`.

protovalidate's rules are not copied into this project: its installed wheel carries their descriptor,
and protoc compiles ours against that. google/type and google/rpc come from googleapis-common-protos.
"""

import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

import google.type
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GEN = ROOT / "gen"
VALIDATE = "buf/validate/validate.proto"
ERRORS = ("google/rpc/error_details.proto", "google/rpc/status.proto")
"""In the descriptor set too, so that whoever calls by it can read the details of an error."""
WELL_KNOWN = (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2)


def main() -> None:
    """Write gen/ anew."""
    files = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
    with_services = [name for name in files if "\nservice " in (PROTOS / name).read_text()]
    python, descriptors = GEN / "python", GEN / "descriptors"
    for folder in (python, descriptors):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        rules = Path(scratch, "rules.binpb")
        rules.write_bytes(rules_descriptors().SerializeToString())
        sources = [
            f"--proto_path={PROTOS}",
            f"--proto_path={Path(google.type.__path__[0]).parents[1]}",
            f"--proto_path={resources.files('grpc_tools') / '_proto'}",
            f"--descriptor_set_in={rules}",
        ]
        run(sources, f"--python_out={python}", f"--mypy_out=quiet:{python}", *files, VALIDATE)
        run(sources, f"--grpc_python_out={python}", f"--mypy_grpc_out=quiet:{python}", *with_services)
        image = descriptors / "nationalsite.binpb"
        image_of = (*files, *ERRORS)
        run(sources, f"--descriptor_set_out={image}", "--include_imports", "--include_source_info", *image_of)


def rules_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """Return the descriptors of validate.proto and of what it imports."""
    rules = descriptor_pb2.FileDescriptorSet()
    for module in WELL_KNOWN:
        module.DESCRIPTOR.CopyToProto(rules.file.add())
    rules.file.add().ParseFromString(validate_pb._DESC.proto.to_binary())
    return rules


def run(sources: list[str], *arguments: str) -> None:
    """Run protoc; stop with its exit code where it fails."""
    code = protoc.main(["protoc", *sources, *arguments])
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main()
