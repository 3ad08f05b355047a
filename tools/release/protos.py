"""The baseline: the protos as the last release has them, which `make breaking` compares with."""

from pathlib import Path

from buf.validate import validate_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from nationalsite.upstream import v1 as upstream_v1

FILE = "protos/baseline.binpb"
_IMAGE = "gen/descriptors/nationalsite.binpb"
OPTIONS = (upstream_v1, validate_pb2)
"""Options are compared by what they say only if their modules are loaded, else by their bytes."""


def baseline(root: Path) -> bytes:
    """Return the baseline that today's protos make: their descriptors without comments."""
    return _bare((root / _IMAGE).read_bytes()).SerializeToString(deterministic=True)


def have_changed(root: Path) -> bool:
    """Return whether our protos say anything else than those of the last release, comments aside."""
    return _ours((root / FILE).read_bytes()) != _ours((root / _IMAGE).read_bytes())


def _ours(image: bytes) -> dict[str, FileDescriptorProto]:
    return {file.name: file for file in _bare(image).file if file.name.startswith("nationalsite/")}


def _bare(image: bytes) -> FileDescriptorSet:
    files = FileDescriptorSet.FromString(image)
    for file in files.file:
        file.ClearField("source_code_info")
    return files
