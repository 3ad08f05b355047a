"""Tests of what is deployed. Those marked `deploy` need packages of the group `deploy` (make test-deploy)."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

FIGURES = "deploy"

collect_ignore_glob = [] if find_spec("kubernetes_validate") else ["test_manifests.py", "test_pods.py"]


@pytest.fixture
def tell(record_property) -> Callable[[str], None]:
    """Tell a figure at the end of the run."""
    return lambda line: record_property(FIGURES, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        line
        for one in terminalreporter.getreports("passed")
        for name, line in one.user_properties
        if name == FIGURES and one.when == "call"
    ]
    if lines:
        terminalreporter.section("what was deployed")
        for line in lines:
            terminalreporter.line(line)
