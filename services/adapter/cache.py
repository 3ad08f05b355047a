"""Keeps answers of reads that repeat, asks 1688 once for many, and has an old one stand in when it fails."""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import structlog
from google.protobuf.message import Message
from prometheus_client import Counter, Gauge

from services import call_metadata
from services.errors import DeadlineExceeded, NationalsiteError

HEADER = "nationalsite-cache"
"""What the response's metadata says: hit, miss or stale."""
FLIGHT_S = 10.0
"""Bound on asking 1688 for all that wait: none of them knows the others' deadlines."""
FAILURES = frozenset({"UPSTREAM_UNAVAILABLE", "UPSTREAM_FAULT", "UPSTREAM_RATE", "OVERLOADED", "DEADLINE"})
"""Reasons of failures that pass: an old answer may stand in. A refusal is news."""

Answer = Callable[[float], Awaitable[bytes]]
"""Asks 1688 until a deadline (loop time); returns the serialized response."""
Outcome = Literal["hit", "miss", "stale"]
Key = tuple[str, str, bytes]

_outcomes = Counter(
    "nationalsite_cache_lookups",
    "Calls of RPCs with a cache: hit, miss (also where it fails), stale.",
    ("rpc", "outcome"),
)
_kept = Gauge("nationalsite_cache_bytes", "What the cache holds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """What is kept, and for how long."""

    ttl_s: Mapping[str, float]
    """RPC to how long its answers are good; others, and those at 0, are not kept."""
    stale_s: float = 3600.0
    """How long a stale answer may stand in, though no longer than it was good."""
    entries: int = 1000
    total_bytes: int = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    response: bytes
    good_until: float
    usable_until: float
    size: int


@dataclass(slots=True, eq=False)
class _InFlight:
    """One question to 1688, and how many wait for its answer."""

    task: "asyncio.Task[bytes]"
    context: contextvars.Context
    waiting: int = field(default=0)


class Cache:
    """The answers, the least recently used forgotten first."""

    def __init__(self, policy: CachePolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._bytes = 0
        self._flights: dict[Key, _InFlight] = {}
        _kept.set_function(lambda: self._bytes)

    def keeps(self, rpc: str) -> bool:
        """Whether answers of the RPC are kept."""
        return self._policy.ttl_s.get(rpc, 0) > 0

    async def answer(self, rpc: str, dialect: str, request: Message, ask: Answer, deadline: float) -> bytes:
        """Return a kept answer, or 1688's; note in the call's metadata which it was.

        Raises what `ask` raises, and DeadlineExceeded. A caller that leaves takes the question along only
        where nobody else waits for its answer. `cache-control: no-cache` asks 1688 in any case.
        """
        key = (rpc, dialect, request.SerializeToString(deterministic=True))
        fresh = "no-cache" in call_metadata.get_request_metadata("cache-control").lower()
        entry = self._entries.get(key)
        if entry is not None and not fresh and self._clock() < entry.good_until:
            self._entries.move_to_end(key)
            return _noted(rpc, "hit", entry.response)
        try:
            if fresh:
                response = await ask(deadline)
                self._keep(key, response)
            else:
                response = await self._asked(key, ask, deadline)
        except NationalsiteError as error:
            stands_in = entry is not None and not fresh and self._clock() < entry.usable_until
            if entry is None or not stands_in or error.reason not in FAILURES:
                _outcomes.labels(rpc, "miss").inc()
                raise
            return _noted(rpc, "stale", entry.response)
        return _noted(rpc, "miss", response)

    async def close(self) -> None:
        """Give up the questions under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _asked(self, key: Key, ask: Answer, deadline: float) -> bytes:
        flight = self._flights.get(key)
        leads = flight is None
        if flight is None:
            flight = self._begin(key, ask)
        flight.waiting += 1
        try:
            done, _ = await asyncio.wait({flight.task}, timeout=max(0.0, deadline - self._clock()))
            if not done:
                raise DeadlineExceeded("the deadline passed while 1688 was asked")
            return flight.task.result()
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._flights.pop(key, None)  # who comes now asks anew
                flight.task.cancel()
            if leads:
                _pass_on(flight.context)

    def _begin(self, key: Key, ask: Answer) -> _InFlight:
        context = contextvars.copy_context()
        task = asyncio.create_task(self._fly(key, ask), context=context)
        flight = self._flights[key] = _InFlight(task=task, context=context)

        def landed(done: "asyncio.Task[bytes]") -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not done.cancelled():
                done.exception()  # every waiter has seen it, or left

        task.add_done_callback(landed)
        return flight

    async def _fly(self, key: Key, ask: Answer) -> bytes:
        response = await ask(self._clock() + FLIGHT_S)
        self._keep(key, response)
        return response

    def _keep(self, key: Key, response: bytes) -> None:
        ttl_s = self._policy.ttl_s[key[0]]
        good_until = self._clock() + ttl_s
        self._forget(key)
        entry = self._entries[key] = _Entry(
            response=response,
            good_until=good_until,
            usable_until=good_until + min(ttl_s, self._policy.stale_s),
            size=len(response) + len(key[2]),
        )
        self._bytes += entry.size
        while len(self._entries) > self._policy.entries or self._bytes > self._policy.total_bytes:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size


def _noted(rpc: str, outcome: Outcome, response: bytes) -> bytes:
    _outcomes.labels(rpc, outcome).inc()
    call_metadata.set_response_metadata(HEADER, outcome)
    return response


def _pass_on(context: contextvars.Context) -> None:
    """Bind what the question left for a log line to the line of the call that asked it."""
    facts = context.run(structlog.contextvars.get_contextvars)
    structlog.contextvars.bind_contextvars(
        **{name: value for name, value in facts.items() if name.startswith("upstream_")}
    )
