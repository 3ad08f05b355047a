"""Version numbers, and the files that contain ours."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = "pyproject.toml"
"""The file that defines the version; the others follow."""

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
_NPM = (
    re.compile(r'("name": "@?nationalsite[\w/-]*",\s+"version": ")([^"]*)(")'),
    re.compile(r'("@nationalsite/\w+": ">=)([^"]*)(")'),
)
_MAVEN = re.compile(r"(<artifactId>nationalsite[\w-]*</artifactId>\s*<version>)([^<$]*)(</version>)")
_KUSTOMIZE = re.compile(r"(nationalsite/[\w-]+, newTag: )([\w.-]+)(\})")
# Where a file states the version of our packages and images, or requires it.
_PATTERNS: Mapping[str, Sequence[re.Pattern[str]]] = {
    "pyproject.toml": (re.compile(r'(name = "nationalsite[\w-]*"\nversion = ")([^"]*)(")'),),
    "package.json": _NPM,
    "package-lock.json": _NPM,
    "go.mod": (re.compile(r"(\bnationalsite\.internal/\w+ v)(\S+)()"),),
    "pom.xml": (_MAVEN,),
    "Dockerfile": (re.compile(r"(org\.opencontainers\.image\.version=)(\S+)()"),),
    "kustomization.yaml": (_KUSTOMIZE,),
    "kubernetes.md": (
        _KUSTOMIZE,
        re.compile(r"(nationalsite/\$service:)([\w.-]+)( )"),
        re.compile(r"(/nationalsite//deploy/\S+\?ref=v)(\S+)()"),
    ),
    "README.md": (_MAVEN,),
}
"""Name of a file -> patterns, whose second group is the version."""


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
    (pattern,) = _PATTERNS[SOURCE]
    match = pattern.search((root / SOURCE).read_text())
    if not match:
        raise InvalidVersion(f"{SOURCE} has no version")
    return Version.parse(match[2])


def bump_version(root: Path, tracked: Iterable[str], version: Version) -> Iterator[tuple[str, str]]:
    """Yield path and new text of each tracked file that contains another version of ours."""
    for path in tracked:
        if patterns := _PATTERNS.get(Path(path).name):
            text = new = (root / path).read_text(encoding="utf-8")
            for pattern in patterns:
                new = pattern.sub(rf"\g<1>{version}\g<3>", new)
            if new != text:
                yield path, new
