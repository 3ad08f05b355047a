"""Requests are read only when there is memory for them; callers take turns, and one gets at most half."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest

from services.errors import DeadlineExceeded, Overloaded
from services.server import call_timeout, request_memory
from services.server.request_memory import RequestMemory
from services.server.security.peer_identity import Peer, PeerIdentityResolver
from tests.server.callers import CALLER, rule
from tests.server.shop_server import SHOP, Line, RunningShop, accept, running_shop, serialized_line
from tests.support.event_loop import run_turns
from tests.support.status_details import parse_reason

MIB = 2**20
REQUEST_BYTES = 5 * MIB
TIMEOUT_S = 5


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[RequestMemory]:
    """Memory for four of the largest requests, two of each caller. Nothing is reserved at the end."""
    monkeypatch.setattr(request_memory, "BUDGET_BYTES", 4 * REQUEST_BYTES)
    monkeypatch.setattr(request_memory, "MAX_WAITING", 3)
    memory = RequestMemory(REQUEST_BYTES)
    yield memory
    assert not memory.callers


class Call:
    """A call that reads and holds a request."""

    def __init__(self, memory: RequestMemory, caller: str, timeout_s: float = TIMEOUT_S) -> None:
        self._arrived: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._end = asyncio.Event()
        self.is_reading = False
        self.task = asyncio.create_task(self._run(memory, caller, timeout_s))

    async def _run(self, memory: RequestMemory, caller: str, timeout_s: float) -> None:
        async with memory.reserve(caller, asyncio.get_running_loop().time() + timeout_s) as reservation:
            self.is_reading = True
            reservation.keep(await self._arrived)
            await self._end.wait()

    async def arrive(self, size: int) -> None:
        self._arrived.set_result(size)
        await run_turns()

    async def end(self) -> None:
        self._end.set()
        await self.task
        await run_turns()


async def start(memory: RequestMemory, *callers: str) -> list[Call]:
    calls = []
    for caller in callers:
        calls.append(Call(memory, caller))
        await run_turns()
    return calls


async def cancel(*calls: Call) -> None:
    for call in calls:
        call.task.cancel()
    await asyncio.gather(*(call.task for call in calls), return_exceptions=True)


def reading(calls: list[Call]) -> list[bool]:
    return [call.is_reading for call in calls]


async def test_a_caller_that_sends_slowly_leaves_the_other_half(memory: RequestMemory) -> None:
    calls = await start(memory, "a", "a", "a", "b", "b", "b")
    assert reading(calls) == [True, True, False] * 2
    await cancel(*calls)


async def test_callers_take_turns(memory: RequestMemory) -> None:
    calls = await start(memory, "a", "a", "b", "b", "c", "c", "d")
    await calls[0].arrive(0)
    await calls[1].arrive(0)
    assert reading(calls) == [True, True, True, True, True, False, True]
    await cancel(*calls)


async def test_small_requests_that_are_held_let_others_arrive(memory: RequestMemory) -> None:
    calls = await start(memory, *["a"] * 5)
    for call in calls[:4]:
        await call.arrive(1000)
    assert reading(calls) == [True] * 5
    await cancel(*calls)


async def test_large_requests_that_are_held_let_no_others_arrive(memory: RequestMemory) -> None:
    calls = await start(memory, "a", "a", "a")
    await calls[0].arrive(REQUEST_BYTES)
    await calls[1].arrive(REQUEST_BYTES)
    assert not calls[2].is_reading
    await calls[1].end()
    assert calls[2].is_reading
    await cancel(*calls)


async def test_requests_of_half_the_size_share_their_memory(memory: RequestMemory) -> None:
    calls = await start(memory, "a", "a", "a", "a")
    for call in calls[:2]:
        await call.arrive(REQUEST_BYTES // 2)
    assert reading(calls) == [True, True, True, False]
    await cancel(*calls)


async def test_too_many_waiting_requests_are_rejected(memory: RequestMemory) -> None:
    calls = await start(memory, *["a"] * 6)
    with pytest.raises(Overloaded, match="the most of them are of this caller"):
        await calls[5].task
    calls += await start(memory, "b")
    assert reading(calls) == [True, True, False, False, False, False, True]
    await cancel(*calls)


async def test_a_request_waits_at_most_until_its_deadline(memory: RequestMemory) -> None:
    calls = await start(memory, "a", "a")
    with pytest.raises(DeadlineExceeded):
        await Call(memory, "a", timeout_s=0.001).task
    await cancel(*calls)


@pytest.fixture
def identities(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call has the identity that its metadata says."""
    monkeypatch.setattr(
        PeerIdentityResolver,
        "resolve",
        lambda _, context: Peer(dict(context.invocation_metadata()).get("caller", "")),
    )


def silent_call(shop: RunningShop, caller: str) -> Any:
    """Start a call that sends no request."""
    return shop.client.channel.stream_unary(f"/{SHOP.full_name}/Ask")(metadata=(("caller", caller),))


async def fail(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(call, TIMEOUT_S)
    return caught.value


@pytest.fixture
def _one_request_of_each_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """One request of a caller may arrive, and one may wait."""
    monkeypatch.setattr(request_memory, "BUDGET_BYTES", 1)
    monkeypatch.setattr(request_memory, "MAX_WAITING", 1)


@pytest.mark.usefixtures("identities", "_one_request_of_each_caller")
async def test_silent_calls_do_not_delay_other_callers() -> None:
    async with running_shop({"Ask": accept}) as shop:
        silent = [asyncio.ensure_future(fail(silent_call(shop, "a"))) for _ in range(3)]
        done, held = await asyncio.wait(silent, return_when=asyncio.FIRST_COMPLETED)
        assert [parse_reason(task.result()) for task in done] == ["OVERLOADED"]
        await shop.client.Ask(Line(), metadata=(("caller", "b"),), timeout=TIMEOUT_S)
        assert not any(task.done() for task in held)
        for task in held:
            task.cancel()
        async with asyncio.timeout(TIMEOUT_S):
            while not await _is_accepted(shop, "a"):  # the server does not know of the cancellation yet
                pass


async def _is_accepted(shop: Any, caller: str) -> bool:
    """Return whether a call succeeds; False if there is no memory for it."""
    try:
        await shop.client.Ask(Line(), metadata=(("caller", caller),), timeout=TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        if parse_reason(error) != "OVERLOADED":
            raise
        return False
    return True


@pytest.mark.usefixtures("identities", "_one_request_of_each_caller")
async def test_silent_calls_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_timeout, "ARRIVAL_TIMEOUT_S", 0.01)
    async with running_shop({"Ask": accept}) as shop:
        assert parse_reason(await fail(silent_call(shop, "a"))) == "DEADLINE"
        await shop.client.Ask(Line(), metadata=(("caller", "a"),), timeout=TIMEOUT_S)


@pytest.mark.usefixtures("identities", "_one_request_of_each_caller")
async def test_large_requests_of_streams_wait_for_memory() -> None:
    """Until a stream that has memory of its caller reads on, or ends. Small requests do not wait."""
    handled: asyncio.Queue[str] = asyncio.Queue()
    next_request = asyncio.Event()

    async def handle(requests: Any, _deadline: float) -> AsyncIterator[bytes]:
        async for request in requests:
            handled.put_nowait(request.sku)
            await next_request.wait()
            yield serialized_line(request.sku)

    def large(name: str) -> Any:
        """Return a request of more than half of what a caller may hold."""
        return Line(sku=name, weight=bytes(5 * MIB))

    handlers: dict[str, Any] = {"Chat": handle}
    async with asyncio.timeout(2 * TIMEOUT_S), running_shop(handlers) as shop:

        async def open_stream(caller: str, request: Any) -> Any:
            stream = shop.client.Chat(metadata=(("caller", caller),))
            await stream.write(request)
            return stream

        streams = []
        for name in ("a1", "a2"):
            streams.append(await open_stream("a", large(name)))
            assert await handled.get() == name
        streams.append(await open_stream("a", large("a3")))
        for caller, request in (("a", Line(sku="a4")), ("b", large("b1"))):
            streams.append(await open_stream(caller, request))
            assert await handled.get() == request.sku
        assert handled.empty()
        streams.pop(0).cancel()  # releases its memory
        assert await handled.get() == "a3"
        next_request.set()
        answers = await asyncio.gather(*(stream.read() for stream in streams))
        assert [answer.sku for answer in answers] == ["a2", "a3", "a4", "b1"]
        for name in ("a5", "a6", "a7"):  # a stream does not wait for its own previous request
            await streams[0].write(large(name))
            assert await handled.get() == name
        for stream in streams:
            stream.cancel()


async def test_the_request_of_an_unknown_caller_is_not_read(policy: Any) -> None:
    """The call is rejected although its request never arrives."""
    policy(rule([CALLER], ["*"]))
    async with running_shop({"Ask": accept}, policy_file=policy.path) as shop:
        assert parse_reason(await fail(silent_call(shop, ""))) == "CALLER_UNKNOWN"


async def test_a_failed_call_leaves_nothing_in_memory() -> None:
    """Not even until the next garbage collection."""
    left: list[weakref.ref[Any]] = []

    class Image:
        """Stands for a large object that a function uses while it fails."""

    async def handle(_request: Any, _deadline: float) -> bytes:
        image = Image()
        left.append(weakref.ref(image))
        try:
            raise ValueError
        except ValueError as error:
            raise Overloaded("too many") from error

    async with running_shop({"Ask": handle}) as shop:
        gc.disable()
        try:
            with pytest.raises(grpc.aio.AioRpcError):
                await shop.client.Ask(Line())
            await run_turns()
            assert [reference() for reference in left] == [None]
        finally:
            gc.enable()
