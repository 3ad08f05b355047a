"""The wheels of the services and of the Python client contain their own packages, and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.generation.sources import ROOT

CONSUMER = Path(__file__).parent / "consumer.py"
OWN_PACKAGES = {".": {"services", "nationalsite"}, "clients/python": {"nationalsite_client", "nationalsite"}}


def build_wheel(project: str, directory: Path) -> list[str]:
    """Build the wheel of a project, and return the names of its files."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(command, cwd=ROOT / project, check=True, capture_output=True, timeout=120)  # noqa: S603 # hatchling
    (wheel,) = directory.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


@pytest.mark.parametrize("project", OWN_PACKAGES)
def test_wheel_has_no_package_of_others(project: str, tmp_path: Path) -> None:
    names = build_wheel(project, tmp_path)
    packages = {name.partition("/")[0] for name in names}
    assert {name for name in packages if not name.endswith(".dist-info")} == OWN_PACKAGES[project]
    assert "nationalsite/ordersync/v1/__init__.py" in names
    assert "nationalsite/ordersync/v1/py.typed" in names


def test_client_wheel_has_no_internal_protos(tmp_path: Path) -> None:
    names = build_wheel("clients/python", tmp_path)
    protos = {"/".join(name.split("/")[:2]) for name in names if name.startswith("nationalsite/")}
    assert protos == {f"nationalsite/{name}" for name in ("account", "errors", "ordersync", "product")}


@pytest.mark.packages
def test_client_wheel_has_types(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("python/*.whl")
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "venv" / "bin" / "python"
    create = [uv, "venv", "--quiet", f"--python={sys.executable}", tmp_path / "venv"]
    install = [uv, "pip", "install", "--quiet", f"--python={python}", f"{wheel}[types]"]
    for command in (create, install):
        subprocess.run(command, check=True, timeout=600)  # noqa: S603 # our own arguments
    (tmp_path / "shop").mkdir()
    copy = shutil.copy(CONSUMER, tmp_path / "shop")
    check = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, copy]
    checked = subprocess.run(check, cwd=tmp_path / "shop", capture_output=True, text=True, check=False)  # noqa: S603 # mypy
    assert checked.returncode == 0, checked.stdout
