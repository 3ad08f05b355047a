"""Log lines of libraries, of unhandled exceptions, and log lines that cannot be written."""

import asyncio
import io
import json
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from prometheus_client import REGISTRY
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from services.log_fields import clear_log_fields, set_log_fields
from services.redaction import REDACTED, known_secrets
from services.server.telemetry import logging_config
from services.server.telemetry.logging_config import (
    LIBRARY_LINES_INTERVAL_S,
    MAX_LIBRARY_LINES,
    MAX_TEXT_CHARACTERS,
    audit_logger,
    configure_logging,
    loop_exception_handler,
)
from services.settings_loader import list_secrets


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


def test_a_line_has_the_log_fields_and_those_of_the_event_which_take_precedence(logged):
    set_log_fields(rpc="/shop/Buy", reason="first")
    structlog.get_logger().warning("call", reason="second", level="of the event")
    clear_log_fields()
    structlog.get_logger().info("call")
    first, second = logged()
    assert (first["rpc"], first["reason"], first["level"]) == ("/shop/Buy", "second", "warning")
    assert second.keys() == {"event", "level", "timestamp", "service"}
    assert datetime.fromisoformat(first["timestamp"]).utcoffset() == timedelta(0)


def test_a_destructor_can_log_while_a_line_is_written():
    class Stream(io.BytesIO):
        """Runs a destructor while it writes, as a garbage collection can."""

        is_busy = False

        def write(self, data: Any) -> int:
            if self.is_busy:
                raise RuntimeError("reentrant call")
            self.is_busy = True
            if b"outer" in data:
                structlog.get_logger().warning("inner")
            self.is_busy = False
            return super().write(data)

    stream = Stream()
    configure_logging("service", "info", stream)
    thread = threading.Thread(target=lambda: structlog.get_logger().info("outer"), daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive(), "it waits for itself"
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["outer", "inner"]


@pytest.mark.parametrize(("level", "expected"), [(60, "critical"), (35, "warning"), (30, "warning")])
def test_a_library_can_log_at_a_level_of_its_own(logged, level, expected):
    logging.getLogger("aiohttp.client").log(level, "retrying")
    assert [line["level"] for line in logged()] == [expected]


def test_the_audit_log_has_the_methods_of_other_loggers(logged):
    log = audit_logger()
    for write in (log.debug, log.info, log.warn, log.warning, log.error, log.critical, log.fatal):
        write("audit")
    assert [line["level"] for line in logged()] == [
        *("debug", "info", "warning", "warning"),
        *("error", "critical", "critical"),
    ]


def test_an_exception_is_logged_in_each_form_of_exc_info(logged):
    log = structlog.get_logger()
    try:
        raise ValueError("hanako")
    except ValueError as error:
        forms = (True, error, (ValueError, error, error.__traceback__))
        for form in (*forms, None, False, (None, None, None)):
            log.error("failed", exc_info=form)
        log.exception("failed")
    lines = logged()
    assert [line.get("exception", [{}])[0].get("type") for line in lines] == [
        *["ValueError"] * len(forms),
        *[None] * 3,
        "ValueError",
    ]
    assert "hanako" not in json.dumps(lines)
    assert all("exc_info" not in line and line["level"] == "error" for line in lines)


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


SECRET, PASSWORD, SENTINEL_PASSWORD = "Zw8kQpLm3vTy", "hunter-22", "s%ntry&77"
PRIVATE = ("hanako.yamada@mail.example", "+81 90-1234-5678", SECRET, PASSWORD, SENTINEL_PASSWORD)
LIBRARIES = ("aiohttp.client", "asyncio", "grpc._cython.cygrpc", "httpx", "redis", "sqlalchemy.engine.Engine")


class _Settings(BaseSettings):
    app_secret: SecretStr = SecretStr(SECRET)
    access_token: SecretStr | None = None
    database_url: SecretStr = SecretStr(f"postgresql+psycopg://shop:{PASSWORD}@db.example/shop")
    redis_url: SecretStr = SecretStr(
        f"redis+sentinel://host/name/0?sentinel_password={quote(SENTINEL_PASSWORD)}&db=1"
    )


@pytest.fixture
def secrets() -> Iterator[None]:
    with known_secrets(lambda: list_secrets(_Settings())):
        yield


def _check(lines: list[dict[str, Any]], count: int) -> None:
    assert len(lines) == count
    assert all(REDACTED in line["text"] for line in lines)
    assert [text for text in PRIVATE if text in json.dumps(lines, ensure_ascii=False)] == []


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("library", LIBRARIES)
def test_lines_of_libraries_are_redacted(logged, library):
    for text in PRIVATE:
        logging.getLogger(library).warning("cannot send %r to %s", text, "gateway")
        logging.getLogger(library).error(f"cannot send token={text}&x=1")
    _check(logged(), 2 * len(PRIVATE))


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("library", LIBRARIES)
def test_tracebacks_of_libraries_are_redacted(logged, library):
    for text in PRIVATE:
        try:
            try:
                raise ValueError(text)
            except ValueError as error:
                raise KeyError(f"no {text}") from error
        except KeyError as error:
            logging.getLogger(library).exception("failed: %s", error, stack_info=True)
    lines = logged()
    _check(lines, len(PRIVATE))
    assert all([each["type"] for each in line["exception"]] == ["KeyError", "ValueError"] for line in lines)


@pytest.mark.usefixtures("secrets")
def test_printed_lines_and_warnings_are_redacted(logged):
    with warnings.catch_warnings(), logging_config.captured_output():
        warnings.simplefilter("always")
        for text in PRIVATE:
            print("sent", text)
            warnings.warn(f"unclosed {text}", ResourceWarning, stacklevel=1)
            try:
                raise ValueError(text)
            except ValueError:
                traceback.print_exc(limit=0, file=sys.stderr)
    lines = [line for line in logged() if line["text"] != "Traceback (most recent call last):"]
    _check(lines, 3 * len(PRIVATE))


async def test_the_context_of_an_unhandled_exception_is_redacted(logged, secrets):
    message = f"Task was destroyed: {SECRET}"
    loop_exception_handler(asyncio.get_running_loop(), {"message": message, "exception": ValueError(SECRET)})
    _check(logged(), 1)


def test_secrets_that_change_are_redacted_as_they_are_now(logged):
    tokens = ["Qm4xRt7bNw2e"]
    with known_secrets(lambda: tokens):
        tokens[:] = ["Vd9sHj5cKf8g"]
        logging.getLogger("httpx").warning("token Vd9sHj5cKf8g")
    logging.getLogger("httpx").warning("token Vd9sHj5cKf8g")
    inside, outside = logged()
    assert (inside["text"], outside["text"]) == (f"token {REDACTED}", "token Vd9sHj5cKf8g")
