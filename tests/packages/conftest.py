"""Tests of tools/. Those of the group `supply-chain` need its packages (make test-packages)."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tools.packages.build import BUILDERS, copy_sources

collect_ignore_glob = [] if find_spec("cyclonedx") else ["test_audit.py", "test_sbom.py"]


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this checkout, changes included, without what earlier builds wrote."""
    folder = tmp_path_factory.mktemp("sources")
    copy_sources(folder)
    return folder


@pytest.fixture(scope="session")
def dist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages of all languages, as `make packages` builds them."""
    folder = tmp_path_factory.mktemp("dist")
    for build in BUILDERS.values():
        build(sources, folder)
    return folder
