"""gen/ts: messages and service descriptors of @nationalsite/protos, as JavaScript with types: no build step.

Its package-lock.json pins the generator. buf.validate comes with @bufbuild/protovalidate; google.type and
google.rpc are generated, since no well-kept package has them for this runtime.
"""

import shutil
from pathlib import Path

from tools.generation.protoc import compile_protos, recreate_dirs
from tools.generation.sources import ERRORS, FOR_CALLERS, GEN
from tools.generation.toolchain import need, run, tools

FOLDER = GEN / "ts"
PINS = (FOLDER / "package.json", FOLDER / "package-lock.json")
GOOGLE = ("google/rpc/code.proto", "google/type/money.proto", *ERRORS)
OPTIONS = (
    "target=js+dts",
    "import_extension=js",
    "rewrite_imports=./buf/validate/*_pb.js:@bufbuild/protovalidate/gen",
)


def generate() -> None:
    """Write the modules in gen/ts. Raises MissingToolchain."""
    packages = installed()
    recreate_dirs(FOLDER / "nationalsite", FOLDER / "google")
    compile_protos(
        f"--plugin=protoc-gen-es={packages / '.bin' / 'protoc-gen-es'}",
        f"--es_out={FOLDER}",
        *(f"--es_opt={option}" for option in OPTIONS),
        *FOR_CALLERS,
        *GOOGLE,
    )


def installed() -> Path:
    """The node_modules with the generator and its compiler. Raises MissingToolchain."""
    need("node", "Node.js 20 or later")
    return tools("ts", pins=PINS, install=_install) / "node_modules"


def _install(folder: Path) -> None:
    npm = need("npm", "npm, which comes with Node.js")
    for path in PINS:
        shutil.copy(path, folder)
    run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=folder)
