"""Packages are installed only with the content that the lock files name."""

import json
import re
from pathlib import Path

import pytest

from tools.generation.sources import ROOT

INSTALLERS = (ROOT / "Makefile", ROOT / "deploy" / "Dockerfile")


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_every_python_package_has_a_hash(path: Path) -> None:
    lines = re.sub(r"\s*\\\n\s*", " ", path.read_text()).splitlines()
    packages = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert packages
    assert [
        line for line in packages if not re.match(r"[\w.\[\],-]+==\S+.* --hash=sha256:[0-9a-f]{64}", line)
    ] == []


@pytest.mark.parametrize("path", INSTALLERS, ids=lambda path: path.name)
def test_python_packages_are_installed_with_their_hashes(path: Path) -> None:
    installs = re.findall(r"\bpip (?:install|sync)\b.*", path.read_text())
    of_lock_files = [line for line in installs if "requirements" in line]
    assert of_lock_files
    assert [line for line in of_lock_files if "--require-hashes" not in line] == []
    others = [line for line in installs if line not in of_lock_files and "--require-hashes" not in line]
    assert [line for line in others if "--no-deps" not in line] == [], "they install packages without hashes"


@pytest.mark.parametrize("path", ["package-lock.json", "gen/ts/package-lock.json"])
def test_every_npm_package_has_a_hash(path: str) -> None:
    packages = json.loads((ROOT / path).read_text())["packages"]
    installed = {
        name: each for name, each in packages.items() if "node_modules/" in name and not each.get("link")
    }
    assert installed
    assert [
        name for name, each in installed.items() if not each.get("integrity", "").startswith("sha512-")
    ] == []
