"""What has to be so before packages are built, and whether they may be published."""

from collections.abc import Iterator
from pathlib import Path

from tools.generation.toolchain import MissingToolchain, require_tool
from tools.release.history import list_releases, run_git
from tools.release.version import InvalidVersion, current_version

TOOLCHAINS = {"go": "Go", "java": "a JDK", "mvn": "Maven", "node": "Node.js", "npm": "npm"}
"""Programs -> what to install."""


class UnmetPrecondition(Exception):
    """The packages cannot be built. Has a line for each precondition that is not met."""


def check_preconditions(root: Path, *, allow_dirty: bool) -> None:
    """Raise UnmetPrecondition if the packages of a checkout cannot be built on this machine."""
    if unmet := list(_list_unmet(root, allow_dirty=allow_dirty)):
        raise UnmetPrecondition(*unmet)


def _list_unmet(root: Path, *, allow_dirty: bool) -> Iterator[str]:
    for program, package in TOOLCHAINS.items():
        try:
            require_tool(program, package)
        except MissingToolchain as error:
            yield str(error)
    try:
        current_version(root)
    except InvalidVersion as error:
        yield f"pyproject.toml: {error}"
    if not allow_dirty and _is_dirty(root):
        yield "there are changes that are not committed: commit them, or set ALLOW_DIRTY=1"


def describe_version(root: Path) -> str:
    """Return whether the packages of a checkout are those of a release. Only these may be published."""
    version = current_version(root)
    is_release = list_releases(root).get(version) == run_git(root, "rev-parse", "HEAD")
    if is_release and not _is_dirty(root):
        return f"dist/ has the packages of release {version}"
    return f"do not publish dist/: its packages have the version {version}, but this is not that release"


def _is_dirty(root: Path) -> bool:
    return bool(run_git(root, "status", "--porcelain"))
