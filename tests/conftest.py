"""Fixtures and hooks for all tests."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.error_rules import BROKEN_RULES, collect_broken_rules
from tools import local_stack

# Each worker of the run starts processes of its own, and needs a log directory of its own.
local_stack.claim_log_dir(f"tests/{os.environ.get('PYTEST_XDIST_WORKER', 'main')}")

REPORT_LINE = "report_line"

collect_broken_rules()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-rerunfailures send at once.

    For each test, a worker sends it two small messages in a row. TCP would delay the second one by 40 ms.
    """
    connection = getattr(getattr(config, "failures_db", None), "sock", None)
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class DirectoryScheduling(LoadFileScheduling):
    """Runs the tests of a file in one worker, and those of tests/e2e, which share their services."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/e2e" if nodeid.startswith("tests/e2e/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Only for the default: `--dist=load` on the command line stays what it is."""
    return DirectoryScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def errors_follow_their_rules() -> Iterator[None]:
    """Check that every error that a service has sent has what errors.proto says of its reason."""
    yield
    broken = BROKEN_RULES.copy()
    BROKEN_RULES.clear()
    assert not broken


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Also fail for an error that was sent after the last check."""
    if BROKEN_RULES:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise AssertionError(BROKEN_RULES)


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """report(line) prints a line with the test's name at the end of the run, for example a measurement."""
    return lambda line: record_property(REPORT_LINE, line)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for result in terminalreporter.getreports("rerun"):  # pytest shows only the failures of the last run
        terminalreporter.section(f"first run of {result.nodeid}", sep="_")
        terminalreporter.line(result.longreprtext)
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
