"""CPU of a call: what the serving process used while it was made to serve some."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.calling import Caller, Load, Target, only_right
from benchmarks.cpu import cpu_s
from benchmarks.processes import Worker

Cost = Callable[[int], float]
"""Makes a number of calls, and returns the CPU of one in microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The cost of calls by gRPC."""

    caller: Caller
    target: Target
    in_flight: int

    def __call__(self, calls: int) -> float:
        """Make calls. Raises WrongAnswers."""
        # The one call whose answer is read in full is served too.
        return micros(self.target.pid, calls + 1, lambda: self._calls(calls))

    def _calls(self, calls: int) -> Load:
        return self.caller.closed(self.target, in_flight=self.in_flight, calls=calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """The cost of calls that a process makes itself."""

    worker: Worker
    in_flight: int
    offers: int

    def __call__(self, calls: int) -> float:
        """Make calls. Raises WrongAnswers."""
        return micros(self.worker.pid, calls, lambda: self.calls(calls))

    def calls(self, calls: int) -> Load:
        """Make calls; return what became of them. Raises WrongAnswers."""
        load = self.worker.do("closed", in_flight=self.in_flight, calls=calls)
        return only_right(Load(**load), self.offers)


def micros(pid: int, calls: int, work: Callable[[], object]) -> float:
    """Return the CPU of a call in microseconds, of a process that is made to serve that many."""
    before = cpu_s(pid)
    work()
    return (cpu_s(pid) - before) / calls * 1e6
