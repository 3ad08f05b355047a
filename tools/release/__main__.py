"""`make release`: makes a commit and a tag, and pushes nothing.

Unmet preconditions are printed, one a line, before anything changes.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tools.release import base_image, changelog, protos
from tools.release.changelog import EmptyChangelog
from tools.release.version import InvalidVersion, Version, bump_version, current_version
from tools.usage import build_parser

BRANCH = "main"
# The release changes pyproject.toml. Without --old-file, make would then install the environment again.
MAKE = ("make", "--no-print-directory", "--old-file=.venv/.ready")
CHECKS = ("lint", "breaking", "check-gen")


def main(arguments: list[str]) -> int:
    """Make a release of the current repository; return the exit code."""
    parser = build_parser(
        "python -m tools.release",
        __doc__,
        "make release VERSION=1.2.3 DRY_RUN=1",
        "python -m tools.release 1.2.3",
    )
    parser.add_argument("version", type=_parse_version, help="MAJOR.MINOR.PATCH")
    parser.add_argument("--dry-run", action="store_true", help="check, and print what would change")
    options = parser.parse_args(arguments)
    root = Path(_git("rev-parse", "--show-toplevel"))
    unmet = list(_unmet_preconditions(root, options.version))
    for line in unmet:
        print(f"release: {line}", file=sys.stderr)
    if unmet or not all(_make(root, check) for check in CHECKS):
        return 1
    changes = _changes(root, options.version)
    for path in changes:
        print(f"release: {'would change' if options.dry_run else 'changes'} {path}")
    if options.dry_run:
        return 0
    _commit(root, changes, options.version)
    if not _make(root, "sbom"):
        print("release: it is committed and tagged, but has no bills of materials", file=sys.stderr)
        return 1
    print("release: publish the bills of materials in build/sbom with it")
    print(f"release: committed and tagged. Review it, then: git push origin {BRANCH} v{options.version}")
    return 0


def _parse_version(text: str) -> Version:
    try:
        return Version.parse(text)
    except InvalidVersion as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _unmet_preconditions(root: Path, version: Version) -> Iterator[str]:
    branch = _git("branch", "--show-current")
    if branch != BRANCH:
        yield f"a release is made on {BRANCH}, and this is {branch or 'no branch'}"
    if _git("status", "--porcelain"):
        yield "there are changes that are not committed"
    last_release = max((Version.parse(tag.removeprefix("v")) for tag in _release_tags()), default=None)
    if last_release is not None and version <= last_release:
        yield f"{version} is not above {last_release}, the last release"
    if version < current_version(root):
        yield f"{version} is below {current_version(root)}, which pyproject.toml names"
    if last_release is not None and version.patch and protos.have_changed(root):
        yield f"the protos have changed since the last release: {version} cannot be a patch of it"
    yield from base_image.unpinned(root)
    try:
        _new_changelog(root, version)
    except EmptyChangelog as error:
        yield str(error)


def _release_tags() -> list[str]:
    return [tag for tag in _git("tag", "--list", "v*").split() if _is_version(tag.removeprefix("v"))]


def _is_version(text: str) -> bool:
    try:
        Version.parse(text)
    except InvalidVersion:
        return False
    return True


def _changes(root: Path, version: Version) -> dict[str, bytes]:
    """Return path -> new content of every file that a release changes."""
    tracked = _git("ls-files").splitlines()
    texts = {
        **dict(bump_version(root, tracked, version)),
        changelog.CHANGELOG_FILE: _new_changelog(root, version),
    }
    return {
        **{path: text.encode() for path, text in texts.items()},
        protos.BASELINE_FILE: protos.build_baseline(root),
    }


def _new_changelog(root: Path, version: Version) -> str:
    text = (root / changelog.CHANGELOG_FILE).read_text(encoding="utf-8")
    return changelog.add_release(text, str(version), datetime.now(UTC).date().isoformat())


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
