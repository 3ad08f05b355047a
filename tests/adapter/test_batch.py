"""Requests that take several calls: the error of each, and of the batch."""

import asyncio
import json
from collections.abc import Callable, Hashable
from typing import Any

import pytest
from nationalsite.ordersync import v1 as ordersync_v1

from services.adapter import OperationClient, operations
from services.adapter.codec import Dialect
from services.adapter.gateway import UpstreamResponse
from services.adapter.operations import BATCHES, MAX_CONCURRENCY
from services.caller import Caller, set_caller
from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    InvalidRequest,
    OutcomeUnknown,
    Overloaded,
    RequiredInDialect,
    UpstreamRate,
    UpstreamRefused,
)
from services.log_fields import clear_log_fields, get_log_fields
from tests.support.compiled_operations import compile_once
from tests.support.event_loop import run_turns

ORDER_SYNC = ordersync_v1.ORDER_SYNC_SERVICE
ACCEPTED = {"result": {"success": True, "code": "0"}}


class FakeGateway:
    """Responds to each relation by its number, and records the calls."""

    def __init__(self, response: Callable[[int], Any]) -> None:
        self.response = response
        self.received: list[Any] = []
        self.in_flight = self.max_in_flight = 0
        self.full = asyncio.Event()
        self.queue_owners: set[Hashable] = set()

    async def call(self, api_id: str, form: dict[str, str], **rest: Any) -> UpstreamResponse:
        (text,) = form.values()
        value = json.loads(text)
        self.received.append(value)
        self.queue_owners.add(rest["queue_owner"])
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        if self.in_flight == MAX_CONCURRENCY:
            self.full.set()
        try:
            await asyncio.sleep(0)
            response = self.response(0 if isinstance(value, list) else value["purchaseOrderId"])
            if isinstance(response, asyncio.Event):
                try:
                    async with asyncio.timeout_at(rest["deadline"]):
                        await response.wait()
                except TimeoutError:
                    response = DeadlineExceededInFlight("too late")
        finally:
            self.in_flight -= 1
        if isinstance(response, Exception):
            raise response
        return UpstreamResponse(value=response, request_id="r-1")

    def secrets(self) -> tuple[str, ...]:
        return ()


def request(*numbers: int) -> ordersync_v1.WriteOrderRelationsRequest:
    return ordersync_v1.WriteOrderRelationsRequest(
        relations=[
            ordersync_v1.OrderRelation(
                national_order_id="7",
                national_sub_order_id=f"7{number}",
                cbu_order_id=9,
                cbu_order_entry_id=number,
            )
            for number in numbers
        ]
    )


def _soon() -> float:
    return asyncio.get_running_loop().time() + 10


async def call_batch(gateway: FakeGateway, *numbers: int, dialect: Dialect = Dialect.OPEN_PLATFORM) -> Any:
    client = OperationClient(compile_once(ORDER_SYNC, dialect), gateway)
    return await client.call_batch("WriteOrderRelations", request(*numbers), _soon())


async def test_one_call_per_element_a_few_at_a_time() -> None:
    gateway = FakeGateway(lambda _: ACCEPTED)
    assert await call_batch(gateway, *range(1, 101)) == (None,) * 100
    assert sorted(each["purchaseOrderId"] for each in gateway.received) == list(range(1, 101))
    assert gateway.received[0] == {
        "orderId": "71",
        "parentOrderId": "7",
        "purchaseOrderId": 1,
        "purchaseParentOrderId": 9,
    }
    assert gateway.max_in_flight == MAX_CONCURRENCY < 8


async def test_batches_share_the_concurrency_limit() -> None:
    gateway = FakeGateway(lambda _: ACCEPTED)
    client = OperationClient(compile_once(ORDER_SYNC, Dialect.OPEN_PLATFORM), gateway)
    await asyncio.gather(
        *(client.call_batch("WriteOrderRelations", request(*range(1, 11)), _soon()) for _ in range(10))
    )
    assert (len(gateway.received), gateway.max_in_flight) == (100, MAX_CONCURRENCY)


async def test_a_modest_caller_waits_behind_one_call_of_each_other_in_the_batches() -> None:
    greedy, may_answer = range(1, 101), asyncio.Event()
    gateway = FakeGateway(lambda _: ACCEPTED if may_answer.is_set() else may_answer)
    client = OperationClient(compile_once(ORDER_SYNC, Dialect.OPEN_PLATFORM), gateway)

    async def call(caller: str, *numbers: int) -> None:
        set_caller(Caller(caller))
        await client.call_batch("WriteOrderRelations", request(*numbers), _soon())

    flood = [asyncio.create_task(call("greedy", *greedy)), asyncio.create_task(call("other", *greedy))]
    await gateway.full.wait()
    modest = asyncio.create_task(call("modest", 999))
    await run_turns(5)
    may_answer.set()
    await asyncio.gather(modest, *flood)
    numbers = [each["purchaseOrderId"] for each in gateway.received]
    assert numbers.index(999) <= MAX_CONCURRENCY + 2


async def test_a_batch_in_flight_does_not_wait_behind_other_calls_of_its_caller() -> None:
    """Otherwise it would keep the batches of all callers waiting, behind the backlog of one of them."""
    gateway = FakeGateway(lambda _: ACCEPTED)
    set_caller(Caller("greedy"))
    await call_batch(gateway, 1, 2)
    assert gateway.queue_owners == {BATCHES}


async def test_the_calls_of_a_batch_for_which_the_queue_has_no_place_are_not_sent(monkeypatch) -> None:
    monkeypatch.setattr(operations, "MAX_WAITING", 2)
    outcomes = await call_batch(FakeGateway(lambda _: ACCEPTED), *range(1, 11))
    rejected = [outcome for outcome in outcomes if outcome is not None]
    assert len(rejected) == 10 - MAX_CONCURRENCY - 2
    assert all(isinstance(outcome, Overloaded) and "of this caller" in str(outcome) for outcome in rejected)


async def test_results_come_before_the_deadline() -> None:
    """The outcome of calls in flight is unknown; calls that wait are not sent."""
    never = asyncio.Event()
    gateway = FakeGateway(lambda number: ACCEPTED if number < 3 else never)
    client = OperationClient(compile_once(ORDER_SYNC, Dialect.OPEN_PLATFORM), gateway)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 0.5
    outcomes = await client.call_batch("WriteOrderRelations", request(*range(1, 11)), deadline)
    assert loop.time() < deadline
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [type(None)] * 2 + [OutcomeUnknown] * MAX_CONCURRENCY + [DeadlineExceeded] * (
        8 - MAX_CONCURRENCY
    )


async def test_the_log_line_of_a_batch_counts_failures() -> None:
    clear_log_fields()
    rejected = {"result": {"success": False, "code": "500", "message": "no"}}
    await call_batch(FakeGateway(lambda number: rejected if number == 2 else ACCEPTED), 1, 2, 3)
    assert get_log_fields() == {
        "elements": 3,
        "elements_failed": 1,
        "upstream_code": "500",
        "upstream_request_id": "r-1",
    }
    clear_log_fields()


async def test_one_call_for_all_elements() -> None:
    gateway = FakeGateway(lambda _: {"success": True, "data": True})
    assert await call_batch(gateway, 1, 2, 3, dialect=Dialect.NATIONAL_SITE) == (None,)
    ((first, _, _),) = gateway.received
    assert first == {"nationalOrderId": 7, "nationalSubOrderId": 71, "cbuOrderId": 9, "cbuSubOrderId": 1}


async def test_errors_are_in_the_order_of_the_elements() -> None:
    responses = {
        1: ACCEPTED,
        2: {"result": {"success": False, "code": "500", "message": "no"}},
        3: ConnectError("no connection"),
        4: ConnectionLost("broken"),
        5: UpstreamRate("too often", code="gw.QosAppFrequencyLimit"),
        6: DeadlineExceeded("too late"),
        7: "nonsense",
        8: ACCEPTED,
    }
    outcomes = await call_batch(FakeGateway(responses.__getitem__), *responses)
    kinds = [type(outcome) for outcome in outcomes]
    nothing = type(None)
    assert kinds == [
        nothing,
        UpstreamRefused,
        ConnectError,
        OutcomeUnknown,
        UpstreamRate,
        DeadlineExceeded,
        OutcomeUnknown,
        nothing,
    ]
    assert (outcomes[1].code, outcomes[1].upstream_request_id) == ("500", "r-1")
    assert str(outcomes[6]).endswith("it is not known whether 1688 executed the call")


@pytest.mark.parametrize(
    "first", [ConnectError("no connection"), UpstreamRate("too often"), DeadlineExceeded("too late")]
)
@pytest.mark.parametrize("dialect", Dialect)
async def test_the_batch_fails_where_no_call_reached_the_operation(first, dialect: Dialect) -> None:
    with pytest.raises(type(first)) as failure:
        await call_batch(FakeGateway(lambda _: first), 1, 2, 3, dialect=dialect)
    assert failure.value is first


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("error_type", [UpstreamRefused, OutcomeUnknown])
async def test_errors_of_all_calls_are_not_an_error_of_the_batch(error_type: type, dialect: Dialect) -> None:
    response = {"success": False} if error_type is UpstreamRefused else ConnectionLost("broken")
    outcomes = await call_batch(FakeGateway(lambda _: response), 1, 2, dialect=dialect)
    assert {type(outcome) for outcome in outcomes} == {error_type}


async def test_nothing_is_sent_where_one_element_is_invalid() -> None:
    gateway = FakeGateway(lambda _: ACCEPTED)
    with pytest.raises(RequiredInDialect, match=r"relations\[1\].cbu_order_entry_id"):
        await call_batch(gateway, 1, 0, 2)
    client = OperationClient(compile_once(ORDER_SYNC, Dialect.NATIONAL_SITE), gateway)
    bad = request(1, 2)
    bad.relations[1].national_order_id = "A-7"
    with pytest.raises(InvalidRequest, match=r"relations\[1\].national_order_id"):
        await client.call_batch("WriteOrderRelations", bad, _soon())
    assert gateway.received == []


async def test_a_cancelled_request_leaves_nothing_running() -> None:
    never = asyncio.Event()
    gateway = FakeGateway(lambda _: never)
    writing = asyncio.ensure_future(call_batch(gateway, *range(1, 51)))
    await gateway.full.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (gateway.in_flight, len(gateway.received)) == (0, MAX_CONCURRENCY)
