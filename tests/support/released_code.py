"""The code of the last release before this commit, from the history, if that is here.

A clone may be shallow, and tags need not be in it: the subject of a commit names the release.
"""

import io
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tools.local_stack import ROOT
from tools.release.history import list_releases, run_git

FOLDER = ROOT / "build" / "releases"


def check_out_release() -> Path:
    """Return a folder with the files of the last release. Skip the test if the history does not have it."""
    commit = _find_commit()
    if not commit:
        pytest.skip(
            "the history has no commit `Release X.Y.Z` before this one: nothing is released yet, "
            "or the clone is shallow"
        )
    return _check_out(commit)


def python_variables(release: Path) -> dict[str, str]:
    """Return the environment with which Python imports the code of a release. The libraries are of today."""
    paths = (release, release / "gen" / "python", release / "clients" / "python" / "src")
    return {"PYTHONPATH": ":".join(map(str, paths)), "PYTHONSAFEPATH": "1"}


def _find_commit() -> str:
    head = run_git(ROOT, "rev-parse", "HEAD")
    releases = {version: commit for version, commit in list_releases(ROOT).items() if commit != head}
    return releases[max(releases)] if releases else ""


@cache
def _check_out(commit: str) -> Path:
    """Write the files of a commit to a folder of its own, where builds of them stay."""
    folder = FOLDER / commit
    if not folder.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        archive = subprocess.run(  # noqa: S603 # git
            ["git", "archive", commit],  # noqa: S607 # the git in PATH
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        with (
            tempfile.TemporaryDirectory(dir=FOLDER) as temporary,
            tarfile.open(fileobj=io.BytesIO(archive)) as tar,
        ):
            tar.extractall(f"{temporary}/files", filter="data")
            Path(temporary, "files").rename(folder)
    return folder
