"""The Go modules work without `replace`, from a folder that is a module proxy."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.go_modules import MODULES, write_modules
from tools.local_stack import ROOT
from tools.release.version import current_version

TIMEOUT_S = 600


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """Return a folder with the modules."""
    folder = tmp_path / "modules"
    version = f"v{current_version(ROOT)}"
    assert list(write_modules(folder)) == [f"{module}@{version}" for module in MODULES]
    return folder


def test_modules_are_the_same_each_time(modules: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    list(write_modules(again))
    files = [path.relative_to(modules) for path in modules.rglob("*") if path.is_file()]
    assert len(files) == 4 * len(MODULES)
    assert all((modules / name).read_bytes() == (again / name).read_bytes() for name in files)


@pytest.mark.packages
def test_program_in_an_empty_folder(modules: Path, tmp_path: Path) -> None:
    program = tmp_path / "calling"
    program.mkdir()
    shutil.copy(ROOT / "examples" / "go" / "quickstart" / "main.go", program)
    proxy, cache = _go(program, "env", "GOPROXY", "GOMODCACHE").split()
    environment = {
        "GOPROXY": f"file://{modules},file://{cache}/cache/download,{proxy}",
        "GONOSUMDB": "nationalsite.internal",
        "GOMODCACHE": str(tmp_path / "cache"),  # the usual one may have other modules with the same version
        "GOFLAGS": "-modcacherw -trimpath -buildvcs=false",
    }
    _go(program, "mod", "init", "calling", **environment)
    _go(program, "get", "nationalsite.internal/client", **environment)
    _go(program, "mod", "tidy", **environment)
    _go(program, "build", ".", **environment)
    assert "replace" not in (program / "go.mod").read_text()


def _go(folder: Path, *arguments: str, **environment: str) -> str:
    """Run the go command, and return its output."""
    done = subprocess.run(  # noqa: S603 # our own arguments
        ["go", *arguments],  # noqa: S607 # the go in PATH
        check=False,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
