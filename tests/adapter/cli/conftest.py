"""The sandbox, and an operator."""

from collections.abc import Iterator

import pytest
import structlog

from tests.adapter.cli.operator_harness import Operator
from tools.local_stack import RunningProcess, start_sandbox, stop


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningProcess]:
    sandbox = start_sandbox(log="cli-sandbox")
    yield sandbox
    assert stop(sandbox) == 0


@pytest.fixture
def operator(
    sandbox: RunningProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operator]:
    """With a static token; the sandbox is reset."""
    operator = Operator(sandbox.address, capsys, monkeypatch)
    operator.admin("POST", "reset")
    log_config = structlog.get_config()
    yield operator
    structlog.configure(**log_config)
