"""CPU that a search costs, beside the same work by hand, in Envoy, and the floor of gRPC in Python."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import replies
from benchmarks.calling import Caller, Load, Target, only_right
from benchmarks.cpu import cpu_s
from benchmarks.envoy import METHOD, envoy, messages, transcoded
from benchmarks.nginx import Upstream, nginx
from benchmarks.processes import Worker, listening, worker
from benchmarks.services import SEARCH, search_request, searching, service
from benchmarks.taken import Taken, alternated, ratio

OFFERS = 20
IN_FLIGHT = 32
CALLS = 640
"""Of each subject in a round."""
ROUNDS = 9
WARM_UP = 320

SERVICE, HAND, TRANSCODER, FLOOR = "the service", "by hand", "Envoy's transcoder", "the floor"
REFERENCES = {"hand": HAND, "transcoder": TRANSCODER, "floor": FLOOR}
"""Row -> what the service is compared with."""


def search(rows: Collection[str]) -> dict[str, Taken]:
    """Measure the rows that are named."""
    references = [REFERENCES[row] for row in REFERENCES if row in rows]
    with _subjects(references) as subjects:
        for subject in subjects.values():
            subject(WARM_UP)
        series = alternated(
            {what: lambda subject=subject: subject(CALLS) for what, subject in subjects.items()},
            unit="us",
            rounds=ROUNDS,
        )
    return {
        row: ratio(series[SERVICE], series[what]) for row, what in REFERENCES.items() if what in references
    }


@contextmanager
def _subjects(references: Collection[str]) -> Iterator[dict[str, Callable[[int], float]]]:
    """Yield what each makes a number of calls with; it returns the CPU of one in microseconds."""
    with ExitStack() as running:
        upstream = running.enter_context(nginx())
        upstream.answer(replies.KEYWORD_QUERY, replies.page(OFFERS))
        caller = Caller(running.enter_context(worker("caller")))
        found = searching(running.enter_context(service("product", upstream.url)), OFFERS)
        answer = caller.one(found)
        subjects: dict[str, Callable[[int], float]] = {SERVICE: _Called(caller, found)}
        if HAND in references:
            subjects[HAND] = _ByHand(running.enter_context(worker("hand", upstream.url)))
        if TRANSCODER in references:
            subjects[TRANSCODER] = _Called(caller, running.enter_context(_transcoder(upstream)))
        if FLOOR in references:
            subjects[FLOOR] = _Called(caller, running.enter_context(floor(upstream, answer)))
        yield subjects


@dataclass(frozen=True, slots=True)
class _Called:
    caller: Caller
    target: Target

    def __call__(self, calls: int) -> float:
        # The one call that is read in full is counted, as it is served.
        return micros(self.target.pid, calls + 1, lambda: self._calls(calls))

    def _calls(self, calls: int) -> Load:
        return self.caller.closed(self.target, in_flight=IN_FLIGHT, calls=calls)


@dataclass(frozen=True, slots=True)
class _ByHand:
    worker: Worker

    def __call__(self, calls: int) -> float:
        return micros(self.worker.pid, calls, lambda: self._calls(calls))

    def _calls(self, calls: int) -> Load:
        return only_right(Load(**self.worker.do("closed", in_flight=IN_FLIGHT, calls=calls)), OFFERS)


def micros(pid: int, calls: int, work: Callable[[], object]) -> float:
    """Return the CPU of a call in microseconds, of a process that is made to serve that many."""
    before = cpu_s(pid)
    work()
    return (cpu_s(pid) - before) / calls * 1e6


@contextmanager
def floor(upstream: Upstream, answer: bytes) -> Iterator[Target]:
    """Run the floor, which answers with what the service answered."""
    with TemporaryDirectory(prefix="floor-") as directory:
        file = Path(directory) / "answer"
        file.write_bytes(answer)
        url = upstream.url + upstream.path(replies.KEYWORD_QUERY)
        with listening("floor", url, SEARCH, str(file)) as running:
            yield Target(
                pid=running.pid,
                address=running.address,
                method=SEARCH,
                request=search_request(OFFERS),
                right=answer.__eq__,
            )


@contextmanager
def _transcoder(upstream: Upstream) -> Iterator[Target]:
    file = transcoded(replies.sample_page(), upstream.path(replies.KEYWORD_QUERY))
    request, reply = messages(file)
    with envoy(file, upstream) as running:
        yield Target(
            pid=running.pid,
            address=running.address,
            method=METHOD,
            request=request(offerQueryParam='{"keyword":"dress","pageSize":20}').SerializeToString(),
            right=lambda answer: len(reply.FromString(answer).result.result.data) == OFFERS,  # type: ignore[attr-defined]
        )
