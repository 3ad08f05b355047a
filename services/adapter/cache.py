"""Caches responses of reads. If 1688 fails, a stale response is served.

Equal calls of one caller share one call of 1688. Those of another caller do not: they would wait behind the
backlog of the first one, and get its errors.
"""

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from google.protobuf.message import Message
from prometheus_client import Counter, Gauge

from services import call_metadata
from services.adapter.gateway.metrics import labelled
from services.caller import current_queue_owner
from services.errors import DeadlineExceeded, NationalsiteError
from services.log_fields import bind_log_fields, get_log_fields

METADATA_KEY = "nationalsite-cache"
"""The key of the response's metadata: its value is hit, miss or stale."""
FETCH_TIMEOUT_S = 10.0
"""Timeout of a call of 1688. Several callers may share the call, so it cannot have the deadline of one."""
TRANSIENT_REASONS = frozenset(
    {"UPSTREAM_UNAVAILABLE", "UPSTREAM_FAULT", "UPSTREAM_RATE", "OVERLOADED", "DEADLINE"}
)
"""Errors after which a stale response is served. Other errors are raised."""

ResponseFetcher: TypeAlias = Callable[[float], Awaitable[bytes]]
"""Calls 1688, until a deadline (loop time); returns the serialized response."""
Outcome: TypeAlias = Literal["hit", "miss", "stale"]
Key: TypeAlias = tuple[str, str, bytes]
"""RPC, dialect, serialized request."""

_lookups = Counter(
    "nationalsite_cache_lookups",
    "Calls of cached RPCs by outcome: hit, stale, or miss, which includes failures.",
    ("rpc", "outcome"),
)
_bytes = Gauge("nationalsite_cache_bytes", "Size of the cached responses with their keys.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """The cached RPCs, and their TTLs."""

    ttl_s: Mapping[str, float]
    """RPC to how long its responses are fresh. Other RPCs, and those with 0, are not cached."""
    stale_if_error_s: float = 3600.0
    """How long a response is still served after its TTL, while 1688 fails; at most as long as the TTL."""
    max_entries: int = 1000
    max_bytes: int = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    response: bytes
    fresh_until: float
    stale_until: float
    size: int


@dataclass(slots=True, eq=False)
class _InFlight:
    """A call of 1688, and how many callers wait for it."""

    task: "asyncio.Task[bytes]"
    context: contextvars.Context
    waiters: int = field(default=0)


class Cache:
    """Responses by RPC, dialect and request. The least recently used is evicted first."""

    def __init__(self, policy: CachePolicy, clock: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._size = 0
        self._in_flight: dict[tuple[Hashable, Key], _InFlight] = {}
        """By caller, as owner in fair queues, and key."""
        _bytes.set_function(lambda: self._size)

    def is_cacheable(self, rpc: str) -> bool:
        """Whether responses of the RPC are cached."""
        return self._policy.ttl_s.get(rpc, 0) > 0

    async def get_or_fetch(
        self, rpc: str, dialect: str, request: Message, fetch: ResponseFetcher, deadline: float
    ) -> bytes:
        """Return a cached response, or fetch one; set the outcome in the call's response metadata.

        Raises what `fetch` raises, and DeadlineExceeded. With the request metadata
        `cache-control: no-cache` it always fetches.
        """
        key = (rpc, dialect, request.SerializeToString(deterministic=True))
        no_cache = "no-cache" in call_metadata.get_request_metadata("cache-control").lower()
        entry = self._entries.get(key)
        if entry is not None and not no_cache and self._clock() < entry.fresh_until:
            self._entries.move_to_end(key)
            return _record_outcome(rpc, "hit", entry.response)
        try:
            if no_cache:
                response = await fetch(deadline)
                self._store(key, response)
            else:
                response = await self._join_or_fetch(key, fetch, deadline)
        except NationalsiteError as error:
            may_serve_stale = entry is not None and not no_cache and self._clock() < entry.stale_until
            if entry is None or not may_serve_stale or error.reason not in TRANSIENT_REASONS:
                _lookups.labels(rpc, "miss").inc()
                raise
            return _record_outcome(rpc, "stale", entry.response)
        return _record_outcome(rpc, "miss", response)

    async def close(self) -> None:
        """Cancel the calls in flight."""
        tasks = [call.task for call in self._in_flight.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _join_or_fetch(self, key: Key, fetch: ResponseFetcher, deadline: float) -> bytes:
        """Wait for the equal call in flight, or start one. A call for which no caller waits is cancelled."""
        owned_key = (current_queue_owner(), key)
        call = self._in_flight.get(owned_key)
        is_first = call is None
        if call is None:
            call = self._start_fetch(owned_key, fetch)
        call.waiters += 1
        try:
            done, _ = await asyncio.wait({call.task}, timeout=max(0.0, deadline - self._clock()))
            if not done:
                raise DeadlineExceeded("the deadline passed while 1688 handled the call")
            return call.task.result()
        finally:
            call.waiters -= 1
            if not call.waiters and not call.task.done():
                self._in_flight.pop(owned_key, None)  # the next caller must not join a cancelled call
                call.task.cancel()
            if is_first:
                _copy_log_context(call.context)

    def _start_fetch(self, owned_key: tuple[Hashable, Key], fetch: ResponseFetcher) -> _InFlight:
        context = contextvars.copy_context()
        task = asyncio.create_task(self._fetch_and_store(owned_key[1], fetch), context=context)
        call = self._in_flight[owned_key] = _InFlight(task=task, context=context)

        def remove(done: "asyncio.Task[bytes]") -> None:
            if self._in_flight.get(owned_key) is call:
                del self._in_flight[owned_key]
            if not done.cancelled():
                done.exception()  # otherwise asyncio logs it, if no caller waits any more

        task.add_done_callback(remove)
        return call

    async def _fetch_and_store(self, key: Key, fetch: ResponseFetcher) -> bytes:
        response = await fetch(self._clock() + FETCH_TIMEOUT_S)
        self._store(key, response)
        return response

    def _store(self, key: Key, response: bytes) -> None:
        ttl_s = self._policy.ttl_s[key[0]]
        fresh_until = self._clock() + ttl_s
        self._evict(key)
        entry = self._entries[key] = _Entry(
            response=response,
            fresh_until=fresh_until,
            stale_until=fresh_until + min(ttl_s, self._policy.stale_if_error_s),
            size=len(response) + len(key[2]),
        )
        self._size += entry.size
        while len(self._entries) > self._policy.max_entries or self._size > self._policy.max_bytes:
            self._evict(next(iter(self._entries)))

    def _evict(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size -= entry.size


def _record_outcome(rpc: str, outcome: Outcome, response: bytes) -> bytes:
    labelled(_lookups, rpc, outcome).inc()
    call_metadata.set_response_metadata(METADATA_KEY, outcome)
    return response


def _copy_log_context(context: contextvars.Context) -> None:
    """Copy the log fields about 1688 from the fetch to the RPC that started it."""
    bound = context.run(get_log_fields)
    bind_log_fields(**{name: value for name, value in bound.items() if name.startswith("upstream_")})
