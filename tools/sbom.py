"""`make sbom`: a bill of materials (SBOM, CycloneDX) for each package that a release has, in build/sbom.

The services' package has the pinned versions of requirements.txt. The client libraries in Python and
TypeScript pin nothing: theirs have the versions that an installation would get now. `make images` writes
those of the images with `write_image_sbom`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.commands import BuildError, run
from tools.generation.sources import ROOT
from tools.usage import build_parser

DIRECTORY = ROOT / "build" / "sbom"
GO_TOOL = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0"
MAVEN_GOAL = "org.cyclonedx:cyclonedx-maven-plugin:2.9.1:makeAggregateBom"
OWN_NPM_SCOPE = "@nationalsite/"

_CYCLONEDX_PY = (sys.executable, "-I", "-m", "cyclonedx_py")
"""-I: PYTHONPATH below is for the interpreter that the tool inspects, not for the tool."""


def main(names: Iterable[str]) -> None:
    """Write the bills of materials of these packages; without names, of all. Raises BuildError."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name in list(names) or PACKAGES:
        print(f"sbom: {write_package_sbom(name, DIRECTORY).relative_to(ROOT)}", flush=True)


def write_package_sbom(name: str, directory: Path) -> Path:
    """Write the bill of materials of a package; return its path. Raises BuildError."""
    with TemporaryDirectory() as scratch:
        return write_valid(PACKAGES[name](Path(scratch)), directory / f"{name}.cdx.json")


def write_image_sbom(root: Path, name: str, version: str, directory: Path) -> Path:
    """Write the bill of materials of a mounted image, with its Debian and Python packages.

    Raises BuildError.
    """
    (site_packages,) = (root / "opt/nationalsite/lib").glob("python3*/site-packages")
    python = run(
        *(*_CYCLONEDX_PY, "environment", "-S", sys.executable), environment={"PYTHONPATH": str(site_packages)}
    )
    debian = run(*(str(Path(sys.executable).with_name("debsbom")), "generate", "--cdx-schema-version=1.6"),
                 *("--sbom-type=cdx", f"--root={root}", "--out=-"))  # fmt: skip
    bom = Bom()
    bom.metadata.component = Component(type=ComponentType.CONTAINER, name=name, version=version, bom_ref=name)
    for part in (python, debian):
        read = read_bom(part)
        of_root = read.metadata.component and read.metadata.component.bom_ref
        for supplier in (component.supplier for component in read.components if component.supplier):
            supplier.contacts.clear()  # some of Debian's are not valid addresses
        bom.components |= read.components
        bom.dependencies |= {dependency for dependency in read.dependencies if dependency.ref != of_root}
    bom.register_dependency(bom.metadata.component, bom.components)
    return write_valid(
        JsonV1Dot6(bom).output_as_string(indent=2), directory / f"{name.replace('/', '-')}.cdx.json"
    )


def read_bom(text: str) -> Bom:
    """Parse a bill of materials in JSON."""
    bom: Bom = cast(Any, Bom).from_json(json.loads(text))  # a decorator adds this method
    return bom


def write_valid(text: str, path: Path) -> Path:
    """Write a bill of materials that satisfies CycloneDX's schema. Raises BuildError."""
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    if error := JsonStrictValidator(version).validate_str(text):
        raise BuildError(f"{path.name} is not valid CycloneDX: {error}")
    path.write_text(text, encoding="utf-8")
    return path


def services_sbom(_: Path) -> str:
    """Return the bill of materials of the services' Python package."""
    return _python_sbom(ROOT / "requirements.txt", ROOT / "pyproject.toml")


def python_client_sbom(scratch: Path) -> str:
    """Return the bill of materials of the Python client library."""
    project, requirements = ROOT / "clients/python/pyproject.toml", scratch / "requirements.txt"
    uv = Path(sys.executable).with_name("uv")
    run(str(uv), "pip", "compile", "--quiet", "--no-header", str(project), f"--output-file={requirements}")
    return _python_sbom(requirements, project)


def _python_sbom(requirements: Path, project: Path) -> str:
    return run(*_CYCLONEDX_PY, "requirements", str(requirements), f"--pyproject={project}")


def npm_sbom(package: str, scratch: Path) -> str:
    """Return the bill of materials of an npm package, with the dependencies of our packages that it needs."""
    manifest = _manifest(package)
    dependencies: dict[str, str] = dict(manifest["dependencies"])
    if dependencies.pop(f"{OWN_NPM_SCOPE}protos", None):
        dependencies |= _manifest("gen/ts")["dependencies"]
    described = {key: manifest[key] for key in ("name", "version", "license")}
    (scratch / "package.json").write_text(json.dumps({**described, "dependencies": dependencies}))
    run(
        "npm",
        "install",
        "--package-lock-only",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        folder=scratch,
    )
    bom = json.loads(run("npm", "sbom", "--sbom-format=cyclonedx", "--package-lock-only", folder=scratch))
    bom["metadata"]["component"]["name"] = manifest["name"]  # npm writes the name of the folder
    return json.dumps(bom, indent=2)


def _manifest(package: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((ROOT / package / "package.json").read_text(encoding="utf-8"))
    return manifest


def java_sbom(scratch: Path) -> str:
    """Return the bill of materials of the Java client library and its stubs."""
    options = (f"-DoutputDirectory={scratch}", "-DoutputName=bom", "-DoutputFormat=json", "-DskipAttach=true")
    run("mvn", "--quiet", "--batch-mode", f"--file={ROOT / 'clients/java'}", MAVEN_GOAL, *options)
    return (scratch / "bom.json").read_text(encoding="utf-8")


def go_sbom(module: str, _: Path) -> str:
    """Return the bill of materials of a Go module."""
    return run(
        "go", "run", GO_TOOL, "mod", "-json", "-output-version=1.6", "-type=library", str(ROOT / module)
    )


PACKAGES: Mapping[str, Callable[[Path], str]] = {
    "services": services_sbom,
    "client-python": python_client_sbom,
    "client-typescript": lambda scratch: npm_sbom("clients/ts", scratch),
    "protos-typescript": lambda scratch: npm_sbom("gen/ts", scratch),
    "client-java": java_sbom,
    "client-go": lambda scratch: go_sbom("clients/go", scratch),
    "protos-go": lambda scratch: go_sbom("gen/go", scratch),
}
"""Name of a package -> what returns its bill of materials, as JSON; it may write to the given directory."""


if __name__ == "__main__":
    parser = build_parser(
        "python -m tools.sbom", __doc__, "make sbom", "python -m tools.sbom services client-go"
    )
    parser.add_argument(
        "packages",
        nargs="*",
        choices=[[], *PACKAGES],
        metavar="PACKAGE",
        help=f"of {', '.join(PACKAGES)}; default: all",
    )
    try:
        main(parser.parse_args().packages)
    except BuildError as error:
        sys.exit(f"sbom: {error}")
