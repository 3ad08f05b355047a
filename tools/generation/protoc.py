"""protoc, as it comes with grpcio-tools; for Java another one, which knows Java."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

from tools.generation.sources import import_paths


def compile_protos(*arguments: str, executable: Path | None = None, rules_java_package: str = "") -> None:
    """Run protoc over our sources; stop with its exit code where it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["protoc", *import_paths(Path(scratch), rules_java_package=rules_java_package), *arguments]
        if executable:
            code = subprocess.run([executable, *command[1:]], check=False).returncode  # noqa: S603 # fetched by us
        else:
            code = protoc.main(command)
    if code:
        sys.exit(code)


def made_anew(*folders: Path) -> None:
    """Empty folders, for what is about to be written there."""
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
