"""The baseline: the protos of the last release, which `make breaking` compares with."""

from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from nationalsite.upstream import v1 as upstream_v1

from services.validation import buf_validate

BASELINE_FILE = "protos/baseline.binpb"
_IMAGE = "gen/descriptors/nationalsite.binpb"
OPTION_MODULES = (upstream_v1, buf_validate)
"""Loaded so that options are compared as messages: without them, they are compared as bytes."""


def build_baseline(root: Path) -> bytes:
    """Return the baseline of the current protos: their descriptors without comments."""
    return _without_comments((root / _IMAGE).read_bytes()).SerializeToString(deterministic=True)


def have_changed(root: Path) -> bool:
    """Return whether our protos differ from those of the last release, except in comments."""
    return _ours((root / BASELINE_FILE).read_bytes()) != _ours((root / _IMAGE).read_bytes())


def _ours(image: bytes) -> dict[str, FileDescriptorProto]:
    return {
        file.name: file for file in _without_comments(image).file if file.name.startswith("nationalsite/")
    }


def _without_comments(image: bytes) -> FileDescriptorSet:
    files = FileDescriptorSet.FromString(image)
    for file in files.file:
        file.ClearField("source_code_info")
    return files
