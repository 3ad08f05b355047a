"""Compares what a release promises beside the shape of the protos with the last release.

`make breaking` runs this after buf. If a line of the baseline is gone, the section Unreleased of CHANGELOG.md
has to name what it is about; CONTRIBUTING.md says what may change. New lines are additions, and allowed.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.generation.sources import ROOT
from tools.release.changelog import CHANGELOG_FILE, find_unreleased
from tools.release.interface import list_interface
from tools.usage import build_parser

BASELINE_FILE = "tools/release/interface.txt"


def main() -> int:
    """Print the lines that are gone and not named; return the exit code."""
    gone = find_gone(ROOT)
    unreleased = find_unreleased((ROOT / CHANGELOG_FILE).read_text(encoding="utf-8"))
    unnamed = list_unnamed(gone, unreleased)
    for line in unnamed:
        print(f"breaking: {line}", file=sys.stderr)
    if unnamed:
        print(
            "breaking: the last release has this, and it is gone or has changed. Restore it; or, if"
            f" CONTRIBUTING.md allows the change, name it in the section Unreleased of {CHANGELOG_FILE}",
            file=sys.stderr,
        )
    return 1 if unnamed else 0


def read_baseline(root: Path) -> list[str]:
    """Return the lines of the last release; none before the first one."""
    return (root / BASELINE_FILE).read_text(encoding="utf-8").splitlines()


def build_baseline(root: Path) -> str:
    """Return the baseline of the current code."""
    return "".join(f"{line}\n" for line in list_interface(root))


def find_gone(root: Path) -> list[str]:
    """Return the lines of the last release that are gone."""
    return sorted({*read_baseline(root)}.difference(list_interface(root)))


def list_unnamed(gone: Iterable[str], unreleased: str) -> list[str]:
    """Return the lines whose name, the second word, is not in the text."""
    return [line for line in gone if not re.search(rf"(?<!\w){re.escape(line.split()[1])}(?!\w)", unreleased)]


if __name__ == "__main__":
    build_parser("python -m tools.release.breaking", __doc__, "make breaking").parse_args()
    sys.exit(main())
