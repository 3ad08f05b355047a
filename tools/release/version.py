"""Version numbers, and the files that carry ours."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = "pyproject.toml"
"""The one place that says which version this is; the other files follow."""

_NUMBER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
# Where a package of ours says its version, or where another one asks for it.
_OURS = {
    "pyproject.toml": re.compile(r'(name = "nationalsite[\w-]*"\nversion = ")([^"]*)(")'),
    "package.json": re.compile(r'("name": "@?nationalsite[\w/-]*",\s+"version": ")([^"]*)(")'),
    "package-lock.json": re.compile(r'("name": "@?nationalsite[\w/-]*",\s+"version": ")([^"]*)(")'),
    "pom.xml": re.compile(r"(<artifactId>nationalsite[\w-]*</artifactId>\s*<version>)([^<$]*)(</version>)"),
}


class NoVersion(Exception):
    """A text that is no version number, or a file that has none."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """MAJOR.MINOR.PATCH."""

    major: int
    minor: int
    patch: int

    @classmethod
    def of(cls, text: str) -> "Version":
        """Read a version. Raises NoVersion."""
        found = _NUMBER.fullmatch(text)
        if not found:
            raise NoVersion(f"{text!r} is not MAJOR.MINOR.PATCH")
        return cls(*(int(part) for part in found.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def current(root: Path) -> Version:
    """Return the version of the tree. Raises NoVersion."""
    found = _OURS[SOURCE].search((root / SOURCE).read_text())
    if not found:
        raise NoVersion(f"{SOURCE} has no version")
    return Version.of(found[2])


def bumped(root: Path, tracked: Iterable[str], version: Version) -> Iterator[tuple[str, str]]:
    """Yield path and new text of each of the tracked files that carries our version, and another one."""
    for path in tracked:
        pattern = _OURS.get(Path(path).name)
        if pattern:
            text = (root / path).read_text()
            new = pattern.sub(rf"\g<1>{version}\g<3>", text)
            if new != text:
                yield path, new
