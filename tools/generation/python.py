"""gen/python: messages, stubs and servicers with types, and buf/validate, which the messages import."""

import sys
from pathlib import Path

from tools.generation import descriptors, python_packages
from tools.generation.protoc import compile_protos, recreate_dirs
from tools.generation.sources import GEN_DIR, PROTOS, VALIDATE_PROTO

PACKAGE_DIR = GEN_DIR / "python"
GENERATORS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")


def generate() -> None:
    """Write gen/python."""
    recreate_dirs(PACKAGE_DIR)
    plugins = [f"--plugin={name}={Path(sys.executable).with_name(name)}" for name in GENERATORS]
    compile_protos(
        *plugins,
        f"--python_out={PACKAGE_DIR}",
        f"--mypy_out=quiet:{PACKAGE_DIR}",
        *PROTOS,
        VALIDATE_PROTO,
    )
    compile_protos(
        *plugins,
        f"--grpc_python_out={PACKAGE_DIR}",
        f"--mypy_grpc_out=quiet:{PACKAGE_DIR}",
        *(file.name for file in descriptors.read().file if file.service),
    )
    python_packages.generate(PACKAGE_DIR)
