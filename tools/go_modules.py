"""Writes the Go modules as files of a module proxy, which `go get` reads without git and without `replace`.

Any HTTP server can serve the folder: GOPROXY names its URL, or file:// and its path. Other versions in the
folder stay there.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tools.generation.sources import ROOT
from tools.release.version import current_version
from tools.usage import build_parser

MODULES = {"nationalsite.internal/go": "gen/go", "nationalsite.internal/client": "clients/go"}
"""Module paths -> folders. `go` has the stubs, `client` the client library."""
_TIME = (1980, 1, 1, 0, 0, 0)
"""The time of each file, so that the same files have the same checksum in go.sum."""


def main() -> None:
    """Write the modules."""
    parser = build_parser(
        "python -m tools.go_modules", __doc__, "python -m tools.go_modules build/go-modules"
    )
    parser.add_argument("folder", type=Path)
    for module in write_modules(parser.parse_args().folder):
        print(module)


def write_modules(folder: Path, root: Path = ROOT) -> Iterator[str]:
    """Write each module of a checkout in its version, and yield its path and version."""
    version = f"v{current_version(root)}"
    for module, source in MODULES.items():
        versions = folder / module / "@v"
        versions.mkdir(parents=True, exist_ok=True)
        (versions / f"{version}.info").write_text(json.dumps({"Version": version}))
        (versions / f"{version}.mod").write_bytes((root / source / "go.mod").read_bytes())
        with zipfile.ZipFile(versions / f"{version}.zip", "w") as archive:
            for name, path in _list_files(root / source):
                entry = zipfile.ZipInfo(f"{module}@{version}/{name}", _TIME)
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
        (versions / "list").write_text("".join(f"{path.stem}\n" for path in sorted(versions.glob("*.info"))))
        yield f"{module}@{version}"


def _list_files(source: Path) -> Iterator[tuple[str, Path]]:
    """Yield names and paths. Tests are left out: they need a checkout."""
    yield "LICENSE", ROOT / "LICENSE"
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.name.endswith("_test.go"):
            yield path.relative_to(source).as_posix(), path


if __name__ == "__main__":
    main()
