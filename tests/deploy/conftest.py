"""Tests of deploy/. Those marked `deploy` need the packages of the group `deploy` (make test-deploy)."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest

REPORT_PROPERTY = "deploy"

collect_ignore_glob = [] if find_spec("kubernetes_validate") else ["test_manifests.py", "test_pods.py"]


@pytest.fixture
def report(record_property) -> Callable[[str], None]:
    """Return a function that adds a line to the summary of the run."""
    return lambda line: record_property(REPORT_PROPERTY, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        line
        for one in terminalreporter.getreports("passed")
        for name, line in one.user_properties
        if name == REPORT_PROPERTY and one.when == "call"
    ]
    if lines:
        terminalreporter.section("deploy")
        for line in lines:
            terminalreporter.line(line)
