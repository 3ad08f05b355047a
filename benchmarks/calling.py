"""The caller's process, and what it is told to call."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.processes import Worker

Check = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A method of a server."""

    pid: int
    """The process that serves."""
    address: str
    method: str
    request: bytes
    right: Check
    """Whether an answer is what it should be, read in full."""
    identity: str = ""
    """Who calls, as a trusted proxy tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What became of a round of calls."""

    wall_s: float
    latencies_ms: list[float]
    sizes: dict[str, int]
    failures: dict[str, int]
    most_in_flight: int

    @property
    def calls(self) -> int:
        """How many succeeded."""
        return len(self.latencies_ms)


class WrongAnswers(Exception):
    """Figures of calls that failed, or were answered with something else, are worth nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls by gRPC, from another process."""

    worker: Worker

    def one(self, target: Target) -> bytes:
        """Make one call and look at all of its answer. Raises WrongAnswers."""
        answer = b64decode(self.worker.do("one", **_where(target)))
        if not target.right(answer):
            raise WrongAnswers(f"{target.method} at {target.address}: not the answer that was expected")
        return answer

    def closed(self, target: Target, *, in_flight: int, calls: int, read: bool = False) -> Load:
        """Call with a fixed number in flight; every answer is as long as one that was read in full.

        With `read`, the caller makes a message of each, as far as it is the answer to a search.
        Raises WrongAnswers.
        """
        size = len(self.one(target))
        load = Load(**self.worker.do("closed", **_where(target), in_flight=in_flight, calls=calls, read=read))
        return only_right(load, size)

    def each(self, address: str, method: str, requests: Sequence[bytes], *, in_flight: int) -> Load:
        """Make each of these calls once. Raises WrongAnswers where one failed."""
        told = [b64encode(request).decode() for request in requests]
        load = Load(
            **self.worker.do("each", address=address, method=method, requests=told, in_flight=in_flight)
        )
        if load.failures:
            raise WrongAnswers(f"failures {load.failures}")
        return load

    def paced(self, target: Target, *, per_s: float, calls: int, most: int, deadline_s: float) -> Load:
        """Call at even intervals, with at most so many in flight; what fails is counted."""
        how = {"per_s": per_s, "calls": calls, "most": most, "deadline_s": deadline_s}
        return Load(**self.worker.do("paced", **_where(target), **how))


def only_right(load: Load, size: int) -> Load:
    """Return a load of which every call succeeded with an answer of this size. Raises WrongAnswers."""
    if load.failures or set(load.sizes) != {str(size)}:
        raise WrongAnswers(f"failures {load.failures}, sizes {load.sizes} where {size} is right")
    return load


def _where(target: Target) -> dict[str, str]:
    return {
        "address": target.address,
        "method": target.method,
        "request": b64encode(target.request).decode(),
        "identity": target.identity,
    }
