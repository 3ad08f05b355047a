"""`make release`: makes a commit and a tag, and pushes nothing.

Unmet preconditions are printed, one a line, before anything changes. A release that fails leaves the branch,
the tags and the files as they were.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tools.release import base_image, breaking, changelog, protos
from tools.release.changelog import EmptyChangelog
from tools.release.history import list_releases, name_release, run_git
from tools.release.interface import OPERATED
from tools.release.version import InvalidVersion, Version, bump_version, current_version
from tools.usage import build_parser

BRANCH = "main"
# The release changes pyproject.toml. Without --old-file, make would then install the environment again.
MAKE = ("make", "--no-print-directory", "--old-file=.venv/.ready")
CHECKS = ("lint", "check-gen", "test")


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
    root = Path(run_git(Path.cwd(), "rev-parse", "--show-toplevel"))
    unmet = list(_unmet_preconditions(root, options.version))
    for line in unmet:
        print(f"release: {line}", file=sys.stderr)
    if unmet or not all(_make(root, check) for check in CHECKS):
        return 1
    day = datetime.now(UTC).date().isoformat()
    changes = _changes(root, options.version, day)
    for path in changes:
        print(f"release: {'would change' if options.dry_run else 'changes'} {path}")
    if options.dry_run:
        print(f"release: would commit and tag v{options.version}, with the date {day}")
        return 0
    try:
        _commit(root, changes, options.version)
    except subprocess.CalledProcessError as error:
        print(f"release: {error}, and nothing has changed:\n{error.stderr}", file=sys.stderr)
        return 1
    print(f"release: committed and tagged v{options.version}. Review it, and build its packages: make dist")
    print(f"release: then publish it: git push origin {BRANCH} v{options.version}")
    return 0


def _parse_version(text: str) -> Version:
    try:
        return Version.parse(text)
    except InvalidVersion as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _unmet_preconditions(root: Path, version: Version) -> Iterator[str]:
    branch = run_git(root, "branch", "--show-current")
    if branch != BRANCH:
        yield f"a release is made on {BRANCH}, and this is {branch or 'no branch'}"
    if run_git(root, "status", "--porcelain"):
        yield "there are changes that are not committed"
    last_release = max(list_releases(root), default=None)
    if last_release is not None and version <= last_release:
        yield f"{version} is not above {last_release}, the last release"
    if version < current_version(root):
        yield f"{version} is below {current_version(root)}, which pyproject.toml names"
    if last_release is not None:
        yield from _unmet_promises(root, version, last_release)
    yield from base_image.unpinned(root)
    try:
        _new_changelog(root, version, "")
    except EmptyChangelog as error:
        yield str(error)


def _unmet_promises(root: Path, version: Version, last_release: Version) -> Iterator[str]:
    """Yield what the number of a version promises and is not so: see CONTRIBUTING.md."""
    if version.patch and protos.have_changed(root):
        yield f"the protos have changed since the last release: {version} cannot be a patch of it"
    if version.patch and breaking.build_baseline(root).splitlines() != breaking.read_baseline(root):
        yield f"settings, metrics or rules have changed: {version} cannot be a patch of the last release"
    if 0 < last_release.major == version.major:
        for line in breaking.find_gone(root):
            if line.split()[0] in OPERATED:
                yield f"{line}: this is gone, so the next version is {version.major + 1}.0.0"


def _changes(root: Path, version: Version, day: str) -> dict[str, bytes]:
    """Return path -> new content of every file that a release changes."""
    tracked = run_git(root, "ls-files").splitlines()
    texts = {
        **dict(bump_version(root, tracked, version)),
        changelog.CHANGELOG_FILE: _new_changelog(root, version, day),
        breaking.BASELINE_FILE: breaking.build_baseline(root),
    }
    return {
        **{path: text.encode() for path, text in texts.items()},
        protos.BASELINE_FILE: protos.build_baseline(root),
    }


def _new_changelog(root: Path, version: Version, day: str) -> str:
    text = (root / changelog.CHANGELOG_FILE).read_text(encoding="utf-8")
    return changelog.add_release(text, str(version), day)


def _commit(root: Path, changes: dict[str, bytes], version: Version) -> None:
    before = run_git(root, "rev-parse", "HEAD")
    subject = name_release(version)
    try:
        for path, content in changes.items():
            (root / path).write_bytes(content)
        run_git(root, "add", "--", *changes)
        run_git(root, "commit", "--quiet", "--message", subject)
        run_git(root, "tag", "--annotate", "--message", subject, f"v{version}")
    except BaseException:
        run_git(root, "reset", "--quiet", "--hard", before)  # there was nothing that was not committed
        raise


def _make(root: Path, target: str) -> bool:
    print(f"release: make {target}", flush=True)
    if subprocess.run([*MAKE, target], cwd=root, check=False).returncode == 0:  # noqa: S603 # our own targets
        return True
    print(f"release: make {target} failed", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
