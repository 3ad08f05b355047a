"""The releases of a repository. Where tags do not travel, the subject of a commit names its release."""

import re
import subprocess
from pathlib import Path

from tools.release.version import InvalidVersion, Version

_SUBJECT = re.compile(r"Release (?P<version>\S+)")


def name_release(version: Version) -> str:
    """Return the subject of the commit that is a release."""
    return f"Release {version}"


def list_releases(root: Path) -> dict[Version, str]:
    """Return version -> commit of each release that HEAD has in its history, or that a tag names."""
    releases: dict[Version, str] = {}
    log = run_git(root, "log", "--extended-regexp", "--grep=^Release [0-9]", "--format=%H %s")
    for line in log.splitlines():
        commit, _, subject = line.partition(" ")
        if (match := _SUBJECT.fullmatch(subject)) and (version := _parse(match["version"])):
            releases.setdefault(version, commit)
    for tag in run_git(root, "tag", "--list", "v*").split():
        if version := _parse(tag.removeprefix("v")):
            releases[version] = run_git(root, "rev-parse", f"{tag}^{{commit}}")
    return releases


def run_git(root: Path, *arguments: str) -> str:
    """Run git in a repository; return its output. Raises subprocess.CalledProcessError."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 # git


def _parse(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except InvalidVersion:
        return None
