"""The change log: its first section, Unreleased, becomes the section of the release."""

import re

CHANGELOG_FILE = "CHANGELOG.md"
_UNRELEASED = "## Unreleased"


class EmptyChangelog(Exception):
    """The change log has no entry for a release."""


def add_release(text: str, version: str, day: str) -> str:
    """Return the change log with its entries as a section of the version. Raises EmptyChangelog."""
    section = find_unreleased(text)
    if not section.strip():
        raise EmptyChangelog(f"{CHANGELOG_FILE} has no entry under {_UNRELEASED!r}")
    if re.search(rf"^## {re.escape(version)} ", text, re.M):
        raise EmptyChangelog(f"{CHANGELOG_FILE} already has a section {version}")
    heading = f"\n{_UNRELEASED}\n"
    return text.replace(heading, f"{heading}\n## {version} - {day}\n", 1)


def find_unreleased(text: str) -> str:
    """Return the section of what was not released yet, without its heading."""
    return text.partition(f"\n{_UNRELEASED}\n")[2].partition("\n## ")[0]
