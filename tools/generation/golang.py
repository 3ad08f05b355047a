"""gen/go: messages and stubs of the module nationalsite.internal/go.

Its go.mod pins the plugins as tools, beside the runtime that their output needs. buf.validate, google.type
and google.rpc are modules of their own, at the paths that their protos name.
"""

from pathlib import Path

from tools.generation.protoc import compile_protos, recreate_dirs
from tools.generation.sources import FOR_CALLERS, GEN
from tools.generation.toolchain import need, run, tools

FOLDER = GEN / "go"
MODULE = "nationalsite.internal/go"
PLUGINS = ("protoc-gen-go", "protoc-gen-go-grpc")
PINS = (FOLDER / "go.mod", FOLDER / "go.sum")


def generate() -> None:
    """Write the packages in gen/go. Raises MissingToolchain."""
    plugins = installed()
    recreate_dirs(*(path for path in FOLDER.iterdir() if path.is_dir()))
    compile_protos(
        *(f"--plugin={name}={plugins / name}" for name in PLUGINS),
        f"--go_out={FOLDER}",
        f"--go_opt=module={MODULE}",
        f"--go-grpc_out={FOLDER}",
        f"--go-grpc_opt=module={MODULE}",
        *FOR_CALLERS,
    )


def installed() -> Path:
    """The folder with the plugins. Raises MissingToolchain."""
    return tools("go", pins=PINS, install=_install)


def _install(folder: Path) -> None:
    go = need("go", "Go 1.21 or later (it fetches the version that go.mod names)")
    run(go, "install", "tool", folder=FOLDER, environment={"GOBIN": str(folder)})
