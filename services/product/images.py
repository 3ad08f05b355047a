"""Re-encodes images to what 1688 accepts, each in a process of its own.

An image can be made so that it takes much memory or time, or crashes the decoder. Its process has limits of
its own and can be killed. Processes and the images that wait for one are bounded.
"""

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import structlog

from services.caller import current_queue_owner
from services.errors import DeadlineExceeded, InternalFault, InvalidRequest, Overloaded, Violation
from services.fair_queue import FairSlots, QueueFull
from services.product.image_header import CPU_LIMIT_S, REJECTED_EXIT_CODE

MAX_WAITING = 16
"""Images that wait for a process. Each has at most the 5 MiB that the protos allow."""
_PROCESS_TIMEOUT_S = 20.0
"""Its CPU time is limited to less, so a process takes longer only if the machine has no CPU for it."""
# Without the environment of this process, which can have secrets; without `site`, to start faster.
_COMMAND = (sys.executable, "-S", "-P", "-m", "services.product.image_process")
_ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

_log = structlog.get_logger()


class ImageShrinker:
    """Re-encodes images, at most `max_processes` at a time. Callers whose images wait take turns."""

    def __init__(self, max_processes: int) -> None:
        self._slots = FairSlots(max_processes, max_waiting=MAX_WAITING)
        self._threads = ThreadPoolExecutor(max_processes, thread_name_prefix="images")  # wait for processes

    async def shrink_to_fit(self, content: bytes, max_bytes: int, field: str, deadline: float) -> bytes:
        """Return the image unchanged, or re-encoded as a JPEG of at most `max_bytes`.

        `deadline` is a time of the event loop. Raises InvalidRequest for `field` if a larger image is not
        readable, is beyond a limit or cannot be made that small. Raises Overloaded, DeadlineExceeded, and
        InternalFault if the process crashes.
        """
        if len(content) <= max_bytes:
            return content
        try:
            async with asyncio.timeout_at(deadline), self._slots.hold(current_queue_owner()):
                exit_code, output = await self._run_process(content, max_bytes)
        except QueueFull:
            raise Overloaded(
                "too many images wait to be re-encoded, and the most of them are of this caller"
            ) from None
        except TimeoutError:
            raise DeadlineExceeded("the deadline passed before the image was re-encoded") from None
        if exit_code == 0:
            return output
        raise _to_error(exit_code, output, field)

    async def _run_process(self, content: bytes, max_bytes: int) -> tuple[int, bytes]:
        """Return the exit code and the output. When this ends in any way, the process has ended."""
        # Files in memory: a pipe could fill up, and would have to be read until its end after a kill.
        with closing(_MemoryFile("image")) as image, closing(_MemoryFile("output")) as output:
            image.write(content)
            process = _start_process(image.fd, output.fd, max_bytes)
            end = asyncio.get_running_loop().run_in_executor(self._threads, process.wait)
            try:
                async with asyncio.timeout(_PROCESS_TIMEOUT_S) as timeout:
                    exit_code = await asyncio.shield(end)
            except TimeoutError:
                if timeout.expired():
                    raise Overloaded("the image could not be re-encoded in time") from None
                raise
            finally:
                if not end.done():
                    process.kill()
                    await end
            return exit_code, output.read()


def _start_process(image: int, output: int, max_bytes: int) -> "subprocess.Popen[bytes]":
    """Start a process. It gets these two files, and neither others of this process nor its environment."""
    return subprocess.Popen(  # noqa: S603 # a fixed command
        [*_COMMAND, str(max_bytes)],
        stdin=image,
        stdout=output,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
    )


class _MemoryFile:
    """A file in memory, for a process."""

    def __init__(self, name: str) -> None:
        self.fd = os.memfd_create(name)

    def write(self, content: bytes) -> None:
        """Write the content. The process reads it from the beginning."""
        with open(self.fd, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(self.fd, 0, os.SEEK_SET)

    def read(self) -> bytes:
        """Return all that was written."""
        os.lseek(self.fd, 0, os.SEEK_SET)
        with open(self.fd, "rb", closefd=False) as file:
            return file.read()

    def close(self) -> None:
        os.close(self.fd)


def _to_error(exit_code: int, output: bytes, field: str) -> Exception:
    """Return the error of a process that has not re-encoded its image."""
    if exit_code == REJECTED_EXIT_CODE:
        reason, _, description = output.decode().partition("\n")
        return _invalid_image(field, description, reason)
    if exit_code == -signal.SIGXCPU:
        limit = f"must be re-encoded within {CPU_LIMIT_S} s of CPU time"
        return _invalid_image(field, limit, "IMAGE_CPU_TIME")
    _log.error("image_process_failed", exit_code=exit_code)
    if exit_code == -signal.SIGKILL:  # by the kernel, if the machine runs out of memory
        return Overloaded("the process that re-encodes the image was killed")
    return InternalFault(f"the process that re-encodes the image failed with exit code {exit_code}")


def _invalid_image(field: str, description: str, reason: str) -> InvalidRequest:
    return InvalidRequest([Violation(field=field, description=description, reason=reason)])
