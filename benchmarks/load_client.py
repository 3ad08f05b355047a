"""The gRPC client in a process of its own, and the calls that it makes."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.processes import Worker

Check = Callable[[bytes], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A call to a server."""

    pid: int
    """The server's process."""
    address: str
    method: str
    request: bytes
    is_expected: Check
    """Whether a response, completely read, is the expected one."""
    identity: str = ""
    """The caller's identity, as a trusted proxy sends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """The outcome of many calls."""

    wall_s: float
    latencies_ms: list[float]
    sizes: dict[str, int]
    failures: dict[str, int]
    max_in_flight: int

    @property
    def calls(self) -> int:
        """The number of successful calls."""
        return len(self.latencies_ms)


class UnexpectedResponses(Exception):
    """Calls failed or got unexpected responses, so the measurement is worthless."""


@dataclass(frozen=True, slots=True)
class LoadClient:
    """Makes gRPC calls from a worker process."""

    worker: Worker

    def call_once(self, target: Target) -> bytes:
        """Make one call and check its response completely. Raises UnexpectedResponses."""
        response = b64decode(self.worker.run("call_once", **_to_arguments(target)))
        if not target.is_expected(response):
            raise UnexpectedResponses(f"{target.method} at {target.address} returned an unexpected response")
        return response

    def closed_loop(self, target: Target, *, in_flight: int, calls: int, parse: bool = False) -> LoadResult:
        """Make calls with a fixed number in flight.

        One response is checked completely, the others must have the same size. With `parse`, the client
        parses each as the response of a search. Raises UnexpectedResponses.
        """
        size = len(self.call_once(target))
        arguments = {"in_flight": in_flight, "calls": calls, "parse": parse}
        result = LoadResult(**self.worker.run("closed_loop", **_to_arguments(target), **arguments))
        return check_responses(result, size)

    def call_each(
        self, address: str, method: str, requests: Sequence[bytes], *, in_flight: int
    ) -> LoadResult:
        """Send each request once. Raises UnexpectedResponses if a call failed."""
        encoded = [b64encode(request).decode() for request in requests]
        result = LoadResult(
            **self.worker.run(
                "call_each", address=address, method=method, requests=encoded, in_flight=in_flight
            )
        )
        if result.failures:
            raise UnexpectedResponses(f"failures {result.failures}")
        return result

    def constant_rate(
        self, target: Target, *, calls_per_s: float, calls: int, max_in_flight: int, deadline_s: float
    ) -> LoadResult:
        """Start calls at a constant rate, with a maximum in flight; failures are counted."""
        arguments = {
            "calls_per_s": calls_per_s,
            "calls": calls,
            "max_in_flight": max_in_flight,
            "deadline_s": deadline_s,
        }
        return LoadResult(**self.worker.run("constant_rate", **_to_arguments(target), **arguments))


def check_responses(result: LoadResult, size: int) -> LoadResult:
    """Return the result if every call succeeded with this size. Raises UnexpectedResponses."""
    if result.failures or set(result.sizes) != {str(size)}:
        raise UnexpectedResponses(f"failures {result.failures}, sizes {result.sizes}, expected {size}")
    return result


def _to_arguments(target: Target) -> dict[str, Any]:
    return {
        "address": target.address,
        "method": target.method,
        "request": b64encode(target.request).decode(),
        "identity": target.identity,
    }
