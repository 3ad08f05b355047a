"""What `make packages` needs before it builds, and what it says of a version."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tools.generation.sources import ROOT
from tools.packages.preconditions import (
    TOOLCHAINS,
    UnmetPrecondition,
    check_preconditions,
    describe_version,
)

DO_NOT_PUBLISH = "do not publish dist/: its packages have the version 0.2.0, but this is not that release"
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "tag.gpgSign=false")


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., None]:
    """Return what runs git in `checkout`, a repository with a version."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()

    def run(*arguments: str) -> None:
        command = ["git", *IDENTITY, *arguments]
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)  # noqa: S603 # git

    run("init", "--quiet")
    write_version(checkout, "0.2.0")
    run("add", ".")
    run("commit", "--quiet", "--message", "Begin")
    return run


@pytest.fixture
def checkout(tmp_path: Path, git: Callable[..., None]) -> Path:
    return tmp_path / "checkout"


@pytest.fixture
def toolchains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder in PATH. It has git and a file for each program of the toolchains."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").symlink_to(shutil.which("git"))
    for program in TOOLCHAINS:
        (folder / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write_version(checkout: Path, version: str) -> None:
    (checkout / "pyproject.toml").write_text(f'[project]\nname = "nationalsite"\nversion = "{version}"\n')


def unmet(checkout: Path, *, allow_dirty: bool = False) -> tuple[str, ...]:
    try:
        check_preconditions(checkout, allow_dirty=allow_dirty)
    except UnmetPrecondition as error:
        return error.args
    return ()


def test_nothing_is_missing(checkout: Path, toolchains: Path) -> None:
    assert unmet(checkout) == ()


def test_changes_that_are_not_committed(checkout: Path, toolchains: Path) -> None:
    (checkout / "new").touch()
    assert unmet(checkout) == ("there are changes that are not committed: commit them, or set ALLOW_DIRTY=1",)
    assert unmet(checkout, allow_dirty=True) == ()


def test_each_missing_toolchain_is_named(checkout: Path, toolchains: Path) -> None:
    (toolchains / "mvn").unlink()
    (toolchains / "go").unlink()
    assert unmet(checkout) == ("go is not in PATH: install Go", "mvn is not in PATH: install Maven")


def test_version_that_is_no_release(checkout: Path, toolchains: Path) -> None:
    write_version(checkout, "0.2.0.dev1")
    assert unmet(checkout, allow_dirty=True) == ("pyproject.toml: '0.2.0.dev1' is not MAJOR.MINOR.PATCH",)


def test_only_a_release_may_be_published(checkout: Path, git: Callable[..., None]) -> None:
    assert describe_version(checkout) == DO_NOT_PUBLISH
    git("tag", "--annotate", "--message", "Release 0.2.0", "v0.2.0")
    assert describe_version(checkout) == "dist/ has the packages of release 0.2.0"
    (checkout / "new").touch()
    assert describe_version(checkout) == DO_NOT_PUBLISH


def test_the_subject_of_the_commit_names_a_release(checkout: Path, git: Callable[..., None]) -> None:
    git("commit", "--quiet", "--allow-empty", "--message", "Release 0.2.0")
    assert describe_version(checkout) == "dist/ has the packages of release 0.2.0"


@pytest.mark.packages
@pytest.mark.skipif(not find_spec("cyclonedx"), reason="make packages installs it")
def test_images_are_left_out_without_buildah(toolchains: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.images import list_obstacles  # noqa: PLC0415 # it needs cyclonedx

    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert list_obstacles() == ["buildah is not in PATH", "debootstrap is not in PATH"]


@pytest.mark.packages
@pytest.mark.skipif(not find_spec("cyclonedx"), reason="make packages installs it")
def test_exit_code(toolchains: Path) -> None:
    (toolchains / "npm").unlink()
    finished = subprocess.run(
        [sys.executable, "-m", "tools.packages", "--allow-dirty"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (finished.returncode, finished.stderr) == (2, "packages: npm is not in PATH: install npm\n")
