"""The wheel of the Python client library."""

import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]


def test_wheel_contains_stubs_client_library_and_service_configs(tmp_path) -> None:
    (wheel,) = WheelBuilder(str(ROOT / "clients" / "python")).build(directory=str(tmp_path))
    names = set(zipfile.ZipFile(wheel).namelist())
    stubs = {
        path.relative_to(ROOT / "gen" / "python_client").as_posix()
        for path in (ROOT / "gen" / "python_client").rglob("*.py*")
        if "__pycache__" not in path.parts
    }
    assert stubs
    assert stubs <= names
    for file in (
        "__init__.py",
        "py.typed",
        *(f"service_configs/{name}.json" for name in ("product", "account")),
    ):
        assert f"nationalsite_client/{file}" in names
    assert not [name for name in names if name.startswith("services/")]
