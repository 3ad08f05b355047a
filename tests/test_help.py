"""`--help` of every command says what it does, without settings, and has an example."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.sandbox.settings import CALLBACK_URL, HOSTS, LISTEN

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 60
INTERNAL = ("benchmarks/workers/", "services/product/image_process.py")
"""Started by other processes only."""
NEEDS = {
    "benchmarks": "matplotlib",
    "tools.audit": "cyclonedx",
    "tools.images": "cyclonedx",
    "tools.packages": "cyclonedx",
    "tools.sbom": "cyclonedx",
    "tools.verify_images": "cyclonedx",
}
"""Packages that only some targets of the Makefile install."""


def modules() -> list[str]:
    """Return the modules that can be run."""
    paths = [path for folder in ("services", "tools", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    names = [
        path.relative_to(ROOT).as_posix() for path in paths if '__name__ == "__main__"' in path.read_text()
    ]
    return [
        name.removesuffix(".py").removesuffix("/__main__").replace("/", ".")
        for name in sorted(names)
        if not name.startswith(INTERNAL)
    ]


@pytest.mark.parametrize("module", modules())
def test_help(module: str) -> None:
    if module in NEEDS:
        pytest.importorskip(NEEDS[module])
    text = read_help(module)
    assert text.startswith("usage: ")
    assert "\nexample" in text or "\nan example" in text
    assert len(max(text.splitlines(), key=len)) <= 110


def test_help_of_the_sandbox_has_all_settings() -> None:
    text = read_help("services.sandbox")
    for variable in (LISTEN, CALLBACK_URL, HOSTS):
        assert f"\n  {variable} " in text


@pytest.mark.parametrize(("service", "port"), [("product", 50051), ("order_sync", 50052), ("account", 50053)])
def test_example_of_a_service_has_its_own_port(service: str, port: int) -> None:
    assert f"NATIONALSITE_LISTEN=127.0.0.1:{port} python -m services.{service}\n" in read_help(
        f"services.{service}"
    )


def read_help(module: str) -> str:
    """Return what a module prints for --help."""
    result = subprocess.run(  # noqa: S603 # our own modules
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        env={"COLUMNS": "100"},
        timeout=TIMEOUT_S,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout
