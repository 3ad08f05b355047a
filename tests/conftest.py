"""Fixtures and hooks for all tests."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from tools import local_stack

# Each worker of the run starts processes of its own, and needs a log directory of its own.
local_stack.LOG_DIR /= os.environ.get("PYTEST_XDIST_WORKER", "")

REPORT_LINE = "report_line"


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """report(line) prints a line with the test's name at the end of the run, for example a measurement."""
    return lambda line: record_property(REPORT_LINE, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        f"{result.nodeid.partition('::')[2]}: {line}"
        for outcome in ("passed", "failed")
        for result in terminalreporter.getreports(outcome)
        for name, line in result.user_properties
        if name == REPORT_LINE and result.when == "call"
    ]
    if lines:
        terminalreporter.section("measurements")
        for line in lines:
            terminalreporter.line(line)
