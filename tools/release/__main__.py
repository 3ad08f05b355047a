"""`python -m tools.release VERSION [--dry-run]`: leaves a commit and a tag behind, and pushes nothing.

What stands in the way is told, each in a line, before anything is changed.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tools.release import changelog, protos
from tools.release.changelog import NothingToTell
from tools.release.version import NoVersion, Version, bumped, current

BRANCH = "main"
# The release changes pyproject.toml, for which make would set up the environment anew.
MAKE = ("make", "--no-print-directory", "--old-file=.venv/.ready")
CHECKS = ("lint", "breaking", "check-gen")


def main(arguments: list[str]) -> int:
    """Make the release of the repository that this is called in; return the exit code."""
    parser = argparse.ArgumentParser(prog="make release")
    parser.add_argument("version", type=_version, help="MAJOR.MINOR.PATCH")
    parser.add_argument("--dry-run", action="store_true", help="check, and say what would be done")
    asked = parser.parse_args(arguments)
    root = Path(_git("rev-parse", "--show-toplevel"))
    hindrances = list(_hindrances(root, asked.version))
    for line in hindrances:
        print(f"release: {line}", file=sys.stderr)
    if hindrances or not all(_make(root, check) for check in CHECKS):
        return 1
    changes = _changes(root, asked.version)
    for path in changes:
        print(f"release: {'would change' if asked.dry_run else 'changes'} {path}")
    if asked.dry_run:
        return 0
    _commit(root, changes, asked.version)
    print(f"release: committed and tagged. Look at it, then: git push origin {BRANCH} v{asked.version}")
    return 0


def _version(text: str) -> Version:
    try:
        return Version.of(text)
    except NoVersion as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _hindrances(root: Path, version: Version) -> Iterator[str]:
    branch = _git("branch", "--show-current")
    if branch != BRANCH:
        yield f"a release is made on {BRANCH}, and this is {branch or 'no branch'}"
    if _git("status", "--porcelain"):
        yield "there are changes that are not committed"
    last = max((Version.of(tag.removeprefix("v")) for tag in _release_tags()), default=None)
    if last is not None and version <= last:
        yield f"{version} is not above {last}, the last release"
    if version < current(root):
        yield f"{version} is below {current(root)}, which pyproject.toml names"
    if last is not None and version.patch and protos.have_changed(root):
        yield f"the protos have changed since the last release: {version} cannot be a patch of it"
    try:
        _log(root, version)
    except NothingToTell as error:
        yield str(error)


def _release_tags() -> list[str]:
    return [tag for tag in _git("tag", "--list", "v*").split() if _is_version(tag.removeprefix("v"))]


def _is_version(text: str) -> bool:
    try:
        Version.of(text)
    except NoVersion:
        return False
    return True


def _changes(root: Path, version: Version) -> dict[str, bytes]:
    """Return path -> content of everything that a release changes."""
    tracked = _git("ls-files").splitlines()
    texts = {**dict(bumped(root, tracked, version)), changelog.FILE: _log(root, version)}
    return {**{path: text.encode() for path, text in texts.items()}, protos.FILE: protos.baseline(root)}


def _log(root: Path, version: Version) -> str:
    text = (root / changelog.FILE).read_text(encoding="utf-8")
    return changelog.released(text, str(version), datetime.now(UTC).date().isoformat())


def _commit(root: Path, changes: dict[str, bytes], version: Version) -> None:
    for path, content in changes.items():
        (root / path).write_bytes(content)
    _git("add", "--", *changes)
    _git("commit", "--quiet", "--message", f"Release {version}")
    _git("tag", "--annotate", "--message", f"Release {version}", f"v{version}")


def _make(root: Path, target: str) -> bool:
    print(f"release: make {target}", flush=True)
    if subprocess.run([*MAKE, target], cwd=root, check=False).returncode == 0:  # noqa: S603 # our own targets
        return True
    print(f"release: make {target} failed", file=sys.stderr)
    return False


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 # git


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
