"""Log lines of libraries, of unhandled exceptions, and log lines that cannot be written."""

import asyncio
import logging
from pathlib import Path

import structlog
from prometheus_client import REGISTRY

from services.server.telemetry import logging_config
from services.server.telemetry.logging_config import (
    LIBRARY_LINES_INTERVAL_S,
    MAX_LIBRARY_LINES,
    MAX_TEXT_CHARACTERS,
    configure_logging,
    loop_exception_handler,
)


def _count_write_failures() -> float:
    return REGISTRY.get_sample_value("nationalsite_log_writes_failed_total") or 0.0


def test_a_full_disk_loses_lines_and_raises_nothing() -> None:
    before = _count_write_failures()
    with Path("/dev/full").open("wb", buffering=0) as full:
        configure_logging("service", "info", full)
        structlog.get_logger().info("call")
    assert _count_write_failures() > before


def test_a_closed_stream_loses_lines_and_raises_nothing(tmp_path: Path) -> None:
    before = _count_write_failures()
    with (tmp_path / "log").open("wb") as closed:
        pass
    configure_logging("service", "info", closed)
    structlog.get_logger().info("call")
    assert _count_write_failures() > before


def test_warnings_of_libraries_are_logged(logged):
    logging.getLogger("aiohttp.client").info("chatter")
    logging.getLogger("aiohttp.client").warning("unclosed %s", "session")
    (line,) = logged()
    assert (line["event"], line["logger"], line["level"]) == ("library", "aiohttp.client", "warning")
    assert line["text"] == "unclosed session"


async def test_an_unhandled_exception_is_logged_without_its_message(logged):
    loop = asyncio.get_running_loop()
    loop_exception_handler(loop, {"message": "never retrieved", "exception": ValueError("hanako")})
    (line,) = logged()
    assert (line["event"], line["text"]) == ("unhandled", "never retrieved")
    assert line["exception"] == [{"type": "ValueError", "frames": []}]


def test_lines_of_libraries_are_limited_in_length_and_number(logged, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(logging_config, "_line_limit", logging_config._LineLimit(lambda: now[0]))
    for _ in range(MAX_LIBRARY_LINES + 5):
        logging.getLogger("aiohttp.server").warning("x" * 2 * MAX_TEXT_CHARACTERS)
    lines = logged()
    assert [len(line["text"]) for line in lines] == [MAX_TEXT_CHARACTERS] * MAX_LIBRARY_LINES
    now[0] += LIBRARY_LINES_INTERVAL_S
    logging.getLogger("aiohttp.server").warning("again")
    suppressed, again = logged()[-2:]
    assert (suppressed["event"], suppressed["lines"]) == ("library_lines_suppressed", 5)
    assert again["text"] == "again"
