"""Log lines that cannot be written."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from prometheus_client import REGISTRY

from services.server.telemetry.logging_config import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def _lost() -> float:
    return REGISTRY.get_sample_value("nationalsite_log_writes_failed_total") or 0.0


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    before = _lost()
    with Path("/dev/full").open("wb", buffering=0) as full:
        configure_logging("service", "info", full)
        structlog.get_logger().info("call")
    assert _lost() > before


def test_a_closed_stream_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    before = _lost()
    with (tmp_path / "log").open("wb") as closed:
        pass
    configure_logging("service", "info", closed)
    structlog.get_logger().info("call")
    assert _lost() > before
