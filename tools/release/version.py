"""Version numbers, and the files that contain ours."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = "pyproject.toml"
"""The file that defines the version; the others follow."""

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
# Where a manifest states the version of one of our packages, or requires it.
_PATTERNS = {
    "pyproject.toml": re.compile(r'(name = "nationalsite[\w-]*"\nversion = ")([^"]*)(")'),
    "package.json": re.compile(r'("name": "@?nationalsite[\w/-]*",\s+"version": ")([^"]*)(")'),
    "package-lock.json": re.compile(r'("name": "@?nationalsite[\w/-]*",\s+"version": ")([^"]*)(")'),
    "go.mod": re.compile(r"(\bnationalsite\.internal/\w+ v)(\S+)()"),
    "pom.xml": re.compile(r"(<artifactId>nationalsite[\w-]*</artifactId>\s*<version>)([^<$]*)(</version>)"),
}


class InvalidVersion(Exception):
    """The text is not a version number, or the file has none."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """MAJOR.MINOR.PATCH."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Parse a version. Raises InvalidVersion."""
        match = _VERSION.fullmatch(text)
        if not match:
            raise InvalidVersion(f"{text!r} is not MAJOR.MINOR.PATCH")
        return cls(*(int(part) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def current_version(root: Path) -> Version:
    """Return the version of the working tree. Raises InvalidVersion."""
    match = _PATTERNS[SOURCE].search((root / SOURCE).read_text())
    if not match:
        raise InvalidVersion(f"{SOURCE} has no version")
    return Version.parse(match[2])


def bump_version(root: Path, tracked: Iterable[str], version: Version) -> Iterator[tuple[str, str]]:
    """Yield path and new text of each tracked file that contains another version of ours."""
    for path in tracked:
        pattern = _PATTERNS.get(Path(path).name)
        if pattern:
            text = (root / path).read_text()
            new = pattern.sub(rf"\g<1>{version}\g<3>", text)
            if new != text:
                yield path, new
