"""The change log: what is not released stands first, and becomes a release's section."""

import re

FILE = "CHANGELOG.md"
_UNRELEASED = "## Unreleased"


class NothingToTell(Exception):
    """The change log has nothing for a release."""


def released(text: str, version: str, day: str) -> str:
    """Return the change log in which what is not released is that version's, of that day.

    Raises NothingToTell.
    """
    before, heading, rest = text.partition(f"\n{_UNRELEASED}\n")
    section, separator, older = rest.partition("\n## ")
    if not heading or not section.strip():
        raise NothingToTell(f"{FILE} has no entry under {_UNRELEASED!r}")
    if re.search(rf"^## {re.escape(version)} ", text, re.M):
        raise NothingToTell(f"{FILE} has a section of {version} already")
    return f"{before}{heading}\n## {version} - {day}\n{section}{separator}{older}"
