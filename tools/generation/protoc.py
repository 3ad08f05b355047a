"""protoc, as grpcio-tools has it."""

import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

from tools.generation.sources import import_paths


def compile_protos(*arguments: str) -> None:
    """Run protoc over our sources. Exit with its code if it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        code = protoc.main(["protoc", *import_paths(Path(scratch)), *arguments])
    if code:
        sys.exit(code)


def recreate_dirs(*folders: Path) -> None:
    """Delete folders with their content and create them empty."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
