"""Builds the packages. The same files of the project, built by the same tools, make the same packages."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.commands import BuildError, run
from tools.generation.sources import ROOT
from tools.go_modules import write_modules

NPM_PACKAGES = ("gen/ts", "clients/ts")


def copy_sources(folder: Path) -> None:
    """Copy the project's files: those that git has or would add, and nothing that an earlier build wrote."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 # git
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():  # otherwise it was deleted, and is still in the index
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name, follow_symlinks=False)


def build_python(sources: Path, dist: Path) -> None:
    """Write the sdist, and the wheel that is built from it."""
    uv = Path(sys.executable).with_name("uv")
    options = ("--quiet", "--no-build-isolation", f"--python={sys.executable}", "--no-create-gitignore")
    run(uv, "build", *options, f"--out-dir={dist / 'python'}", folder=sources / "clients" / "python")


def build_npm(sources: Path, dist: Path) -> None:
    """Write the tarballs of the stubs and of the client library."""
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", folder=sources)
    (dist / "npm").mkdir(parents=True)
    for package in NPM_PACKAGES:
        run("npm", "pack", f"./{package}", f"--pack-destination={dist / 'npm'}", folder=sources)


def build_maven(sources: Path, dist: Path) -> None:
    """Write a Maven repository, as `mvn deploy` fills a registry. Raises BuildError for a warning."""
    repository = dist / "maven"
    target = f"-DaltDeploymentRepository=dist::{repository.as_uri()}"
    # Without the phase `install`, which would replace artifacts in the local repository of the user.
    goals = ("-DskipTests", "package", "deploy:deploy")
    printed = run("mvn", "--batch-mode", "--quiet", target, *goals, folder=sources / "clients" / "java")
    if "warning" in printed.lower():
        raise BuildError(f"the build of the Java artifacts has warnings:\n{printed}")
    for path in repository.rglob("maven-metadata.xml*"):
        path.unlink()  # it has the time of the build; a registry writes its own


def build_go(sources: Path, dist: Path) -> None:
    """Write the files of a module proxy."""
    list(write_modules(dist / "go", sources))


BUILDERS: Mapping[str, Callable[[Path, Path], None]] = {
    "python": build_python,
    "npm": build_npm,
    "maven": build_maven,
    "go": build_go,
}
"""Folder in dist/ -> what fills it from a copy of the project."""


def write_checksums(dist: Path) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads."""
    files = sorted(path for path in dist.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(dist).as_posix()}\n"
        for path in files
    )
    (dist / "SHA256SUMS").write_text("".join(lines))
