"""Logging: one JSON object a line, for our own events and for those of libraries."""

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
_MAX_FRAMES = 40
_write_failures = Counter(
    "nationalsite_log_writes_failed", "Log lines that could not be written, and are lost."
)


def configure_logging(service: str, level: str, stream: BinaryIO | None = None) -> None:
    """Configure structlog to write to `stream`, or to stdout, and to log warnings and errors of libraries."""

    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_service,
            redact_exception,
            to_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(cast(BinaryIO, _SafeStream(stream or sys.stdout.buffer))),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_StructlogHandler()], force=True)


def audit_logger() -> Any:
    """Return a logger that ignores the log level."""
    return structlog.wrap_logger(None, wrapper_class=structlog.BoundLogger)


def redact_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace an exception by its types and stacks, without messages: they can contain a buyer's data."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = _describe(error)
    return event


def to_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    """Encode the event as one JSON object, with the repr of a value that JSON cannot represent."""
    return _ENCODER.encode(event)


def loop_exception_handler(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception of a task that nothing awaits, without the reprs that asyncio would print."""
    structlog.get_logger().error(
        "unhandled", text=context.get("message", ""), exc_info=context.get("exception")
    )


def _describe(error: BaseException | None) -> list[dict[str, Any]]:
    """Return an exception and its causes, each with its frames, outermost first, and a group's members."""
    descriptions: list[dict[str, Any]] = []
    while error is not None:
        frames = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        description: dict[str, Any] = {"type": type(error).__qualname__, "frames": frames[-_MAX_FRAMES:]}
        if isinstance(error, BaseExceptionGroup):
            description["exceptions"] = [_describe(member) for member in error.exceptions]
        descriptions.append(description)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return descriptions


class _SafeStream(io.RawIOBase):
    """A stream that never fails: with a full disk or a closed pipe, log lines are lost and counted."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, line: Any) -> int:
        try:
            return self._stream.write(line)
        except (OSError, ValueError):
            _write_failures.inc()
            return 0

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            _write_failures.inc()


class _StructlogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, text=record.getMessage(), exc_info=record.exc_info
        )
