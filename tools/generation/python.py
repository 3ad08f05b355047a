"""gen/python and gen/python_client: messages, stubs and servicers with types.

Both have the same packages. The service's have the mapping options and the protos that only the adapter uses.

The modules do not import buf.validate: no installed package has it for protobuf's own runtime, and a wheel
must not bring another project's top-level package. Their descriptors have no dependency on validate.proto.
The rules stay in the options' bytes, where protovalidate reads them.
"""

import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.generation import python_packages
from tools.generation.protoc import compile_descriptors, recreate_dirs
from tools.generation.sources import (
    CLIENT_DESCRIPTORS,
    CLIENT_PACKAGE_DIR,
    DESCRIPTORS,
    GEN_DIR,
    PROTOS,
    VALIDATE_PROTO,
)

PACKAGE_DIR = GEN_DIR / "python"
GENERATORS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")


def generate() -> None:
    """Write gen/python and gen/python_client."""
    _generate(PACKAGE_DIR, DESCRIPTORS)
    _generate(CLIENT_PACKAGE_DIR, CLIENT_DESCRIPTORS)


def _generate(package_dir: Path, descriptors: Path) -> None:
    recreate_dirs(package_dir)
    files = FileDescriptorSet.FromString(descriptors.read_bytes())
    for file in files.file:
        if VALIDATE_PROTO in file.dependency:
            file.dependency.remove(VALIDATE_PROTO)
    own_files = [file for file in files.file if file.name in PROTOS]
    plugins = [f"--plugin={name}={Path(sys.executable).with_name(name)}" for name in GENERATORS]
    with tempfile.NamedTemporaryFile(suffix=".binpb") as descriptor_set:
        descriptor_set.write(files.SerializeToString())
        descriptor_set.flush()
        compile_descriptors(
            Path(descriptor_set.name),
            *plugins,
            f"--python_out={package_dir}",
            f"--mypy_out=quiet:{package_dir}",
            *(file.name for file in own_files),
        )
        compile_descriptors(
            Path(descriptor_set.name),
            *plugins,
            f"--grpc_python_out={package_dir}",
            f"--mypy_grpc_out=quiet:{package_dir}",
            *(file.name for file in own_files if file.service),
        )
    python_packages.generate(package_dir, own_files)
