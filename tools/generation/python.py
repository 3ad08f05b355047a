"""gen/python: messages, stubs and servicers, typed; and buf/validate, which the messages import."""

import sys
from pathlib import Path

from tools.generation import python_packages
from tools.generation.protoc import compile_protos, recreate_dirs
from tools.generation.sources import FILES, GEN, VALIDATE, with_services

FOLDER = GEN / "python"
PLUGINS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")


def generate() -> None:
    """Write gen/python."""
    recreate_dirs(FOLDER)
    plugins = [f"--plugin={name}={Path(sys.executable).with_name(name)}" for name in PLUGINS]
    compile_protos(*plugins, f"--python_out={FOLDER}", f"--mypy_out=quiet:{FOLDER}", *FILES, VALIDATE)
    services = with_services(FILES)
    compile_protos(*plugins, f"--grpc_python_out={FOLDER}", f"--mypy_grpc_out=quiet:{FOLDER}", *services)
    python_packages.generate(FOLDER)
