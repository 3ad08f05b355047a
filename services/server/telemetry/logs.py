"""Logs: one JSON object a line, our own and those of the libraries alike."""

import asyncio
import io
import logging
import sys
import traceback
from typing import Any, BinaryIO, cast

import msgspec
import structlog
from prometheus_client import Counter
from structlog.types import EventDict, WrappedLogger

_ENCODER = msgspec.json.Encoder(enc_hook=repr)
_MOST_FRAMES = 40
_lost = Counter("nationalsite_log_writes_failed", "Writes of log lines that failed; the lines are lost.")


def configure(service: str, level: str, stream: BinaryIO | None = None) -> None:
    """Sets the process's logging up: structlog to `stream` (stdout), libraries through it from warning on."""

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_service,
            redact_exception,
            as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(cast(BinaryIO, _SafeStream(stream or sys.stdout.buffer))),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_StructlogHandler()], force=True)


def audit_logger() -> Any:
    """A logger that no log level silences."""
    return structlog.wrap_logger(None, wrapper_class=structlog.BoundLogger)


def redact_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Puts an exception down as types and places, without its words: they can hold a buyer's data."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = _chain(error)
    return event


def as_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    """The event as one JSON object; what JSON has no form for as its repr."""
    return _ENCODER.encode(event)


def loop_exception_handler(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's exception handler: what nobody awaited, without the reprs that asyncio would print."""
    structlog.get_logger().error(
        "unhandled", text=context.get("message", ""), exc_info=context.get("exception")
    )


def _chain(error: BaseException | None) -> list[dict[str, Any]]:
    """The exception and what it came from, each with its frames, outermost first, and what a group holds."""
    chain: list[dict[str, Any]] = []
    while error is not None:
        frames = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        place: dict[str, Any] = {"type": type(error).__qualname__, "frames": frames[-_MOST_FRAMES:]}
        if isinstance(error, BaseExceptionGroup):
            place["exceptions"] = [_chain(one) for one in error.exceptions]
        chain.append(place)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return chain


class _SafeStream(io.RawIOBase):
    """A stream whose failures end no call: a full disk or a closed pipe costs log lines, and is counted."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, line: Any) -> int:
        try:
            return self._stream.write(line)
        except (OSError, ValueError):
            _lost.inc()
            return 0

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            _lost.inc()


class _StructlogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, text=record.getMessage(), exc_info=record.exc_info
        )
