"""gen/go: messages and stubs of the module nationalsite.internal/go.

Its go.mod pins the generators as tools, beside the runtime that their output needs. buf.validate, google.type
and google.rpc are in modules of their own, at the paths that their protos name.
"""

from pathlib import Path

from tools.generation.protoc import compile_descriptors, recreate_dirs
from tools.generation.sources import CLIENT_DESCRIPTORS, CLIENT_PROTOS, GEN_DIR
from tools.generation.toolchain import install_once, require_tool, run

PACKAGE_DIR = GEN_DIR / "go"
MODULE = "nationalsite.internal/go"
GENERATORS = ("protoc-gen-go", "protoc-gen-go-grpc")
MANIFESTS = (PACKAGE_DIR / "go.mod", PACKAGE_DIR / "go.sum")


def generate() -> None:
    """Write the packages in gen/go. Raises MissingToolchain."""
    bin_dir = install_generators()
    recreate_dirs(*(path for path in PACKAGE_DIR.iterdir() if path.is_dir()))
    compile_descriptors(
        CLIENT_DESCRIPTORS,
        *(f"--plugin={name}={bin_dir / name}" for name in GENERATORS),
        f"--go_out={PACKAGE_DIR}",
        f"--go_opt=module={MODULE}",
        f"--go-grpc_out={PACKAGE_DIR}",
        f"--go-grpc_opt=module={MODULE}",
        *CLIENT_PROTOS,
    )


def install_generators() -> Path:
    """Install the generators if they are missing, and return their directory. Raises MissingToolchain."""
    return install_once("go", manifests=MANIFESTS, install=_install)


def _install(directory: Path) -> None:
    go = require_tool("go", "Go 1.21 or later (it downloads the version that go.mod names)")
    run(go, "install", "tool", cwd=PACKAGE_DIR, environment={"GOBIN": str(directory)})
