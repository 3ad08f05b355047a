"""CPU time of a call: what the process used, divided by the calls."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from benchmarks.load_client import LoadClient, LoadResult, Target, check_responses
from benchmarks.process_stats import cpu_s
from benchmarks.processes import Worker


class CpuCost(Protocol):
    """A subject whose CPU time can be measured."""

    def __call__(self, calls: int) -> float:
        """Make calls; return the CPU time of one, in microseconds. Raises UnexpectedResponses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCpuCost:
    """The CPU time of a gRPC server per call."""

    client: LoadClient
    target: Target
    in_flight: int

    def __call__(self, calls: int) -> float:
        """Make calls; return the CPU time of one, in microseconds. Raises UnexpectedResponses."""
        # closed_loop makes one call more, whose response it checks.
        return cpu_us_per_call(self.target.pid, calls + 1, lambda: self._make_calls(calls))

    def _make_calls(self, calls: int) -> LoadResult:
        return self.client.closed_loop(self.target, in_flight=self.in_flight, calls=calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandwrittenClient:
    """The handwritten client of 1688, and its CPU time per call."""

    worker: Worker
    in_flight: int
    offers: int

    def __call__(self, calls: int) -> float:
        """Make calls; return the CPU time of one, in microseconds. Raises UnexpectedResponses."""
        return cpu_us_per_call(self.worker.pid, calls, lambda: self.make_calls(calls))

    def make_calls(self, calls: int) -> LoadResult:
        """Make calls; return their outcome. Raises UnexpectedResponses."""
        result = self.worker.run("closed_loop", in_flight=self.in_flight, calls=calls)
        return check_responses(LoadResult(**result), self.offers)


def cpu_us_per_call(pid: int, calls: int, make_calls: Callable[[], object]) -> float:
    """Return the CPU time of a process per call, in microseconds."""
    before_s = cpu_s(pid)
    make_calls()
    return (cpu_s(pid) - before_s) / calls * 1e6
