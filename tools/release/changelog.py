"""The change log: its first section, Unreleased, becomes the section of the release."""

import re

CHANGELOG_FILE = "CHANGELOG.md"
_UNRELEASED = "## Unreleased"


class EmptyChangelog(Exception):
    """The change log has no entry for a release."""


def add_release(text: str, version: str, day: str) -> str:
    """Return the change log with its entries as a section of the version. Raises EmptyChangelog."""
    before, heading, rest = text.partition(f"\n{_UNRELEASED}\n")
    section, separator, older = rest.partition("\n## ")
    if not heading or not section.strip():
        raise EmptyChangelog(f"{CHANGELOG_FILE} has no entry under {_UNRELEASED!r}")
    if re.search(rf"^## {re.escape(version)} ", text, re.M):
        raise EmptyChangelog(f"{CHANGELOG_FILE} already has a section {version}")
    return f"{before}{heading}\n## {version} - {day}\n{section}{separator}{older}"
