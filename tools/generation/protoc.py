"""Runs protoc, which comes with grpcio-tools."""

import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

import google.type
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from services.validation import buf_validate
from tools.generation.sources import PROTOS_DIR


def compile_protos(*arguments: str) -> None:
    """Run protoc on protos/. Exit with its code if it fails.

    The project has no copy of validate.proto: the wheel of protovalidate contains its descriptor. google/type
    and google/rpc come from googleapis-common-protos.
    """
    with tempfile.NamedTemporaryFile(suffix=".binpb") as validate:
        validate.write(_validate_descriptors().SerializeToString())
        validate.flush()
        _run(
            f"--proto_path={PROTOS_DIR}",
            f"--proto_path={Path(google.type.__path__[0]).parents[1]}",
            f"--proto_path={resources.files('grpc_tools') / '_proto'}",
            f"--descriptor_set_in={validate.name}",
            *arguments,
        )


def compile_descriptors(descriptor_set: Path, *arguments: str) -> None:
    """Run protoc on a descriptor set. Exit with its code if it fails."""
    _run(f"--descriptor_set_in={descriptor_set}", *arguments)


def _run(*arguments: str) -> None:
    if code := protoc.main(["protoc", *arguments]):
        sys.exit(code)


def _validate_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The descriptors of validate.proto and of its imports."""
    descriptors = descriptor_pb2.FileDescriptorSet()
    for module in (*buf_validate.IMPORTS, buf_validate):
        module.DESCRIPTOR.CopyToProto(descriptors.file.add())
    validate = descriptors.file[-1]
    # The wheel's descriptor says com.buf.validate, but protovalidate's Java artifact has this package.
    validate.options.java_package = "build.buf.validate"
    return descriptors


def recreate_dirs(*directories: Path) -> None:
    """Delete the directories with their content, and create them empty."""
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
