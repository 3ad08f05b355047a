"""Logging: one JSON object per line, for events of the services and for everything that libraries print.

Texts of libraries are redacted as those of 1688 are: an exception's message can quote a token or a request.

Not captured is what the interpreter and C libraries write to file descriptor 2 when the process crashes. A
pipe would lose it: its reader has ended with the process.
"""

import asyncio
import faulthandler
import io
import json
import logging
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec
import structlog
from prometheus_client import Counter
from structlog.types import EventDict, WrappedLogger

from services.log_fields import get_log_fields
from services.redaction import redact_library_text

_ENCODER = msgspec.json.Encoder(enc_hook=repr)
_MAX_FRAMES = 40
_MAX_CAUSES = 20
"""Of an exception. Libraries can make a cycle of them."""
MAX_TEXT_CHARACTERS = 4096
"""Of a line that a library logs or prints. The rest is cut."""
MAX_LIBRARY_LINES, LIBRARY_LINES_INTERVAL_S = 200, 10.0
"""How many lines of libraries are logged in this time, since peers can cause them. Others are counted."""
_write_failures = Counter(
    "nationalsite_log_writes_failed", "Log lines that could not be written, and are lost."
)


def configure_logging(service: str, level: str, stream: BinaryIO | None = None) -> None:
    """Configure structlog to write to `stream`, or to stdout, and to log warnings and errors of libraries."""
    writer = _LineWriter(stream or sys.stdout.buffer)
    structlog.configure(
        processors=[_LineBuilder(service)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: writer,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_StructlogHandler()], force=True)


@contextmanager
def captured_output() -> Iterator[None]:
    """Log what libraries and the interpreter would print: warnings, unhandled exceptions, lines of any kind.

    Use this after `configure_logging`. If the process crashes, the stacks of all threads are written to
    stderr as they are.
    """
    logging.captureWarnings(True)
    faulthandler.enable(sys.__stderr__ or 2)
    sys.excepthook = _log_unhandled
    sys.unraisablehook = lambda hook: _log_unhandled(hook.exc_type, hook.exc_value)
    threading.excepthook = lambda hook: _log_unhandled(hook.exc_type, hook.exc_value)
    with redirect_stdout(_PrintedLines("stdout")), redirect_stderr(_PrintedLines("stderr")):
        yield


def audit_logger() -> structlog.typing.FilteringBoundLogger:
    """Return a logger that logs at any log level."""
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        None, wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET)
    )
    return logger


def loop_exception_handler(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an exception of a task that nothing awaits, without the reprs that asyncio would print."""
    text = redact_library_text(context.get("message", ""), MAX_TEXT_CHARACTERS)
    structlog.get_logger().error("unhandled", text=text, exc_info=context.get("exception"))


def _get_exception(exc_info: Any) -> BaseException | None:
    """Return the exception: `exc_info` is that, True, or what `sys.exc_info()` returns. None without one."""
    if exc_info is True:
        return sys.exception()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    return error if isinstance(error, BaseException) else None


def _describe(error: BaseException | None) -> list[dict[str, Any]]:
    """Return an exception and its causes, with stack frames, outermost first; and the members of a group.

    Messages are left out: they can contain a buyer's data.
    """
    descriptions: list[dict[str, Any]] = []
    while error is not None and len(descriptions) < _MAX_CAUSES:
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


class _LineBuilder:
    """Builds the line of an event, a JSON object. It is the only processor of structlog.

    The fields of the event take precedence over the log fields of the call. A value that JSON cannot
    represent becomes its repr.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger, level: str, event: EventDict) -> bytes:
        line = {
            **get_log_fields(),
            **event,
            "level": level,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "service": self._service,
        }
        if "exc_info" in line:
            error = _get_exception(line.pop("exc_info"))
            if error is not None:
                line["exception"] = _describe(error)
        try:
            return _ENCODER.encode(line)
        except UnicodeEncodeError:  # a surrogate, which this encoder does not escape
            return json.dumps(line, default=repr).encode()


class _LineWriter:
    """Writes lines, and never fails: if the disk is full or the pipe closed, they are lost and counted."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._lines: deque[bytes] = deque()
        """More than one if a destructor logs while a line is written: streams allow one at a time."""
        self._is_writing = False

    def write(self, line: bytes) -> None:
        with self._lock:
            self._lines.append(line)
            if self._is_writing:
                return
            self._is_writing = True
            try:
                while self._lines:
                    self._write_line(self._lines.popleft())
            finally:
                self._is_writing = False

    debug = info = warning = error = critical = write
    """structlog calls the method of the level."""

    def _write_line(self, line: bytes) -> None:
        try:
            self._stream.write(line + b"\n")
            self._stream.flush()
        except (OSError, ValueError):
            _write_failures.inc()


class _LineLimit:
    """Limits how many lines of libraries are logged."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._interval_start = clock()
        self._lines = 0

    def allow(self) -> bool:
        """Count a line, and return whether to log it. The next interval logs how many were not."""
        now = self._clock()
        if now - self._interval_start >= LIBRARY_LINES_INTERVAL_S:
            suppressed = self._lines - MAX_LIBRARY_LINES
            self._interval_start, self._lines = now, 0
            if suppressed > 0:
                structlog.get_logger().warning("library_lines_suppressed", lines=suppressed)
        self._lines += 1
        return self._lines <= MAX_LIBRARY_LINES


_line_limit = _LineLimit()


class _StructlogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if _line_limit.allow():
            structlog.get_logger().log(
                min(record.levelno // 10 * 10, logging.CRITICAL),  # structlog knows only Python's own levels
                "library",
                logger=record.name,
                text=redact_library_text(record.getMessage(), MAX_TEXT_CHARACTERS),
                exc_info=record.exc_info,
            )


class _PrintedLines(io.TextIOBase):
    """Takes the place of stdout or stderr, and logs each line."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._text = ""
        self._lock = threading.RLock()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._lock:
            *lines, rest = (self._text + text).split("\n")
            if len(rest) > MAX_TEXT_CHARACTERS:
                lines, rest = [*lines, rest], ""
            self._text = rest
        for line in lines:
            if line and _line_limit.allow():
                text = redact_library_text(line, MAX_TEXT_CHARACTERS)
                structlog.get_logger().warning("printed", stream=self.name, text=text)
        return len(text)


def _log_unhandled(kind: type[BaseException], error: BaseException | None, _traceback: object = None) -> None:
    """Log an exception that nothing handles: the interpreter would print it, with its message."""
    structlog.get_logger().error("unhandled", text=kind.__qualname__, exc_info=error)
