"""The files of the module proxy. test_packages.py gets the modules from them."""

from pathlib import Path

import pytest

from tools.go_modules import MODULES, write_modules
from tools.local_stack import ROOT
from tools.release.version import current_version


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
