"""Requests that take several calls: what becomes of each, and of the whole."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from nationalsite.ordersync import v1 as ordersync_v1

from services.adapter import OperationClient
from services.adapter.codec import Dialect, compile_service
from services.adapter.gateway import UpstreamReply
from services.adapter.operations import MAX_CONCURRENCY
from services.errors import (
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DeadlineExceededInFlight,
    InvalidRequest,
    OutcomeUnknown,
    RequiredInDialect,
    UpstreamRate,
    UpstreamRefused,
)

ORDER_SYNC = ordersync_v1.ORDER_SYNC_SERVICE
ACCEPTED = {"result": {"success": True, "code": "0"}}


class Gateway:
    """Answers each relation by its number, and keeps what it was given."""

    def __init__(self, answer: Callable[[int], Any]) -> None:
        self.answer = answer
        self.received: list[Any] = []
        self.at_once = self.most_at_once = 0
        self.full = asyncio.Event()

    async def call(self, api: str, form: dict[str, str], **rest: Any) -> UpstreamReply:
        (text,) = form.values()
        value = json.loads(text)
        self.received.append(value)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once == MAX_CONCURRENCY:
            self.full.set()
        try:
            await asyncio.sleep(0)
            answer = self.answer(0 if isinstance(value, list) else value["purchaseOrderId"])
            if isinstance(answer, asyncio.Event):
                try:
                    async with asyncio.timeout_at(rest["deadline"]):
                        await answer.wait()
                except TimeoutError:
                    answer = DeadlineExceededInFlight("too late")
        finally:
            self.at_once -= 1
        if isinstance(answer, Exception):
            raise answer
        return UpstreamReply(value=answer, request_id="r-1")

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


async def written(gateway: Gateway, *numbers: int, dialect: Dialect = Dialect.OPEN_PLATFORM) -> Any:
    there = OperationClient(compile_service(ORDER_SYNC, dialect), gateway)
    return await there.call_batch("WriteOrderRelations", request(*numbers), _soon())


async def test_one_call_each_and_a_few_at_once() -> None:
    gateway = Gateway(lambda _: ACCEPTED)
    assert await written(gateway, *range(1, 101)) == (None,) * 100
    assert sorted(each["purchaseOrderId"] for each in gateway.received) == list(range(1, 101))
    assert gateway.received[0] == {
        "orderId": "71",
        "parentOrderId": "7",
        "purchaseOrderId": 1,
        "purchaseParentOrderId": 9,
    }
    assert gateway.most_at_once == MAX_CONCURRENCY < 8


async def test_requests_of_many_share_the_places() -> None:
    gateway = Gateway(lambda _: ACCEPTED)
    there = OperationClient(compile_service(ORDER_SYNC, Dialect.OPEN_PLATFORM), gateway)
    await asyncio.gather(
        *(there.call_batch("WriteOrderRelations", request(*range(1, 11)), _soon()) for _ in range(10))
    )
    assert (len(gateway.received), gateway.most_at_once) == (100, MAX_CONCURRENCY)


async def test_results_come_before_the_deadline() -> None:
    """What is under way then is unclear, what waits was not sent."""
    never = asyncio.Event()
    gateway = Gateway(lambda number: ACCEPTED if number < 3 else never)
    there = OperationClient(compile_service(ORDER_SYNC, Dialect.OPEN_PLATFORM), gateway)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 0.5
    outcomes = await there.call_batch("WriteOrderRelations", request(*range(1, 11)), deadline)
    assert loop.time() < deadline
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [type(None)] * 2 + [OutcomeUnknown] * MAX_CONCURRENCY + [DeadlineExceeded] * (
        8 - MAX_CONCURRENCY
    )


async def test_the_log_line_of_many_says_how_many_failed() -> None:
    structlog.contextvars.clear_contextvars()
    refused = {"result": {"success": False, "code": "500", "message": "no"}}
    await written(Gateway(lambda number: refused if number == 2 else ACCEPTED), 1, 2, 3)
    assert structlog.contextvars.get_contextvars() == {
        "elements": 3,
        "elements_failed": 1,
        "upstream_code": "500",
        "upstream_request_id": "r-1",
    }
    structlog.contextvars.clear_contextvars()


async def test_one_call_for_all_of_them() -> None:
    gateway = Gateway(lambda _: {"success": True, "data": True})
    assert await written(gateway, 1, 2, 3, dialect=Dialect.NATIONAL_SITE) == (None,)
    ((first, _, _),) = gateway.received
    assert first == {"nationalOrderId": 7, "nationalSubOrderId": 71, "cbuOrderId": 9, "cbuSubOrderId": 1}


async def test_what_became_of_each_in_its_place() -> None:
    answers = {
        1: ACCEPTED,
        2: {"result": {"success": False, "code": "500", "message": "no"}},
        3: ConnectError("no connection"),
        4: ConnectionLost("broken"),
        5: UpstreamRate("too often", code="gw.QosAppFrequencyLimit"),
        6: DeadlineExceeded("too late"),
        7: "nonsense",
        8: ACCEPTED,
    }
    outcomes = await written(Gateway(answers.__getitem__), *answers)
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
    assert (outcomes[1].code, outcomes[1].request_id) == ("500", "r-1")
    assert str(outcomes[6]).endswith("it is not known whether 1688 executed the call")


@pytest.mark.parametrize(
    "first", [ConnectError("no connection"), UpstreamRate("too often"), DeadlineExceeded("too late")]
)
@pytest.mark.parametrize("dialect", Dialect)
async def test_the_whole_fails_where_nothing_reached_the_operation(first, dialect: Dialect) -> None:
    with pytest.raises(type(first)) as failure:
        await written(Gateway(lambda _: first), 1, 2, 3, dialect=dialect)
    assert failure.value is first


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("told", [UpstreamRefused, OutcomeUnknown])
async def test_a_verdict_on_all_is_no_failure_of_the_whole(told: type, dialect: Dialect) -> None:
    answer = {"success": False} if told is UpstreamRefused else ConnectionLost("broken")
    outcomes = await written(Gateway(lambda _: answer), 1, 2, dialect=dialect)
    assert {type(outcome) for outcome in outcomes} == {told}


async def test_nothing_is_sent_where_one_cannot_be() -> None:
    gateway = Gateway(lambda _: ACCEPTED)
    with pytest.raises(RequiredInDialect, match=r"relations\[1\].cbu_order_entry_id"):
        await written(gateway, 1, 0, 2)
    there = OperationClient(compile_service(ORDER_SYNC, Dialect.NATIONAL_SITE), gateway)
    bad = request(1, 2)
    bad.relations[1].national_order_id = "A-7"
    with pytest.raises(InvalidRequest, match=r"relations\[1\].national_order_id"):
        await there.call_batch("WriteOrderRelations", bad, _soon())
    assert gateway.received == []


async def test_a_cancelled_request_leaves_nothing_running() -> None:
    never = asyncio.Event()
    gateway = Gateway(lambda _: never)
    writing = asyncio.ensure_future(written(gateway, *range(1, 51)))
    await gateway.full.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert (gateway.at_once, len(gateway.received)) == (0, MAX_CONCURRENCY)
