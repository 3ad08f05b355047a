"""Callers that push messages, enqueue and cancel syncs, request refunds and sync orders, and record it."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from google.type import money_pb2
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

from tests.durability.history.events import (
    Called,
    DeliveryCancelled,
    Enqueued,
    MessageStored,
    Outcome,
)
from tests.durability.history.recorder import Recorder, now_ms
from tests.durability.history.request_rules import FINAL
from tests.support.enqueue_client import FIRST_END_TIME_S
from tests.support.push_client import FIRST_EVENT_TIME_MS, PushClient, build_message
from tests.support.refunds import create_refund_request
from tests.support.sandbox_client import SandboxClient
from tests.support.status_details import parse_status_details

CALL_TIMEOUT_S = 15
RETRY_DELAY_S = 0.2
REQUEST_TIMEOUT_S = 30
"""How long a caller retries a refund after the last fault."""
MESSAGES_PER_ORDER = 10
DELIVERIES_PER_KEY = 20
DUPLICATE_RATE = 0.1
FIRST_MESSAGE_ORDER = 1_479_266_113_491_000_000
FIRST_DELIVERY_ORDER = 4_590_347_000_000_000
FIRST_DIRECT_ORDER = 7_590_347_000_000_000
NOT_REFUNDED, REFUNDED = (
    protos.DOWNSTREAM_REFUND_STATUS_NOT_REFUNDED,
    protos.DOWNSTREAM_REFUND_STATUS_REFUNDED,
)
CANCELLED = "CANCELLED"


class LoadRamp:
    """Releases the load in proportion to the faults, so that each fault meets some of it."""

    def __init__(self) -> None:
        self._level = 0.0
        self._raised = asyncio.Event()
        self._end: float | None = None

    def end(self) -> None:
        """Declare the end of the faults, and release the rest of the load."""
        self._end = time.monotonic()
        self.raise_to(1.0)

    @property
    def seconds_since_end(self) -> float:
        """Return the time since the end of the faults, 0 before it."""
        return 0.0 if self._end is None else time.monotonic() - self._end

    def raise_to(self, level: float) -> None:
        """Release the load up to a level from 0 to 1."""
        self._level = level
        self._raised.set()
        self._raised = asyncio.Event()

    async def wait_for(self, level: float) -> None:
        """Wait until the ramp reaches a level."""
        while self._level < level:
            await self._raised.wait()


class Producers:
    """All callers. Each method runs until its part of the load is done."""

    def __init__(
        self,
        stubs: Sequence[OrderSyncServiceStub],
        push_client: PushClient,
        recorder: Recorder,
        rng: random.Random,
        ramp: LoadRamp,
    ) -> None:
        self._stubs = stubs
        self._push_client = push_client
        self._recorder = recorder
        self._rng = rng
        self._ramp = ramp
        self.unexpected_errors: list[str] = []

    # Messages

    async def push_messages(self, count: int) -> None:
        """Push messages, some of them twice. Those of an order are close together, in random order."""
        numbers = list(range(1, count + 1))
        numbers += [number for number in numbers if self._rng.random() < DUPLICATE_RATE]
        numbers.sort(key=lambda number: number + self._rng.uniform(0, 5 * MESSAGES_PER_ORDER))
        stored: dict[int, MessageStored] = {}

        async def push(position: int, number: int) -> None:
            await self._ramp.wait_for(position / len(numbers))
            order, rank = divmod(number - 1, MESSAGES_PER_ORDER)
            event_time_ms = FIRST_EVENT_TIME_MS + 1000 * rank
            order_id = FIRST_MESSAGE_ORDER + order
            message = build_message(number, order_id=order_id, event_time_ms=event_time_ms)
            start_ms = now_ms()
            await self._push_client.push_until_accepted(number, message)
            end_ms = now_ms()
            if number in stored:  # the other push of this message
                start_ms, end_ms = min(start_ms, stored[number].start_ms), min(end_ms, stored[number].end_ms)
            stored[number] = MessageStored(
                message=str(number),
                key=str(order_id),
                event_time_ms=event_time_ms,
                start_ms=start_ms,
                end_ms=end_ms,
            )

        await asyncio.gather(*(push(position, number) for position, number in enumerate(numbers)))
        for event in stored.values():
            self._recorder.add(event)

    # Deliveries

    async def enqueue_deliveries(self, count: int) -> None:
        """Enqueue syncs; those of one order in sequence: a full order, then statuses. Cancel some."""
        keys = range(FIRST_DELIVERY_ORDER, FIRST_DELIVERY_ORDER + count // DELIVERIES_PER_KEY)
        await asyncio.gather(*(self._enqueue_order(str(key)) for key in keys))

    async def _enqueue_order(self, key: str) -> None:
        for number in range(DELIVERIES_PER_KEY):
            await self._ramp.wait_for(number / DELIVERIES_PER_KEY)
            if number:
                sets: Mapping[str, Any] = {"status": number}
                sync: Mapping[str, Any] = {"order_status": build_status(key, number)}
            else:
                sets, sync = _full_fields(1), {"order": build_order(key, 1)}
            delivery_id, request_id = await self.enqueue(key, sets, sync)
            if number and self._rng.random() < 0.05:
                await asyncio.sleep(self._rng.uniform(0, 0.05))
                await self._cancel(request_id, delivery_id)

    async def enqueue(self, key: str, sets: Mapping[str, Any], sync: Mapping[str, Any]) -> tuple[str, str]:
        """Enqueue a sync until there is a response; return its delivery id and its request id."""
        request = protos.EnqueueSyncRequest(request_id=str(uuid.uuid4()), **sync)
        start_ms = now_ms()
        while True:
            cancel_after_s = self._rng.uniform(0, 0.01) if self._rng.random() < 0.05 else None
            reason, response = await self._call("EnqueueSync", request, cancel_after_s=cancel_after_s)
            if reason == "OK":
                break
            await asyncio.sleep(RETRY_DELAY_S)
        self._recorder.add(
            Enqueued(
                request_id=request.request_id,
                key=key,
                sets=sets,
                is_full="version" in sets,
                start_ms=start_ms,
                end_ms=now_ms(),
            )
        )
        return response.delivery.delivery_id, request.request_id

    async def _cancel(self, request_id: str, delivery_id: str) -> None:
        start_ms = now_ms()
        request = protos.CancelDeliveryRequest(delivery_id=delivery_id)
        reason, _ = await self._call("CancelDelivery", request)
        outcomes: Mapping[str, Outcome] = {"OK": "ok", "DELIVERY_STATE": "refused"}
        self._recorder.add(
            DeliveryCancelled(
                request_id=request_id,
                start_ms=start_ms,
                end_ms=now_ms(),
                outcome=outcomes.get(reason, "unknown"),
            )
        )

    # Refunds

    async def request_refunds(self, sandbox: SandboxClient, count: int) -> None:
        """Request refunds, each with a request id. Cancel some calls. Retry until there is an outcome."""
        requests = [await asyncio.to_thread(create_refund_request, sandbox) for _ in range(count)]
        await asyncio.gather(
            *(self._request_refund(request, position / count) for position, request in enumerate(requests))
        )

    async def _request_refund(self, request: protos.CreateRefundRequest, level: float) -> None:
        await self._ramp.wait_for(level)
        outcome = ""
        attempts = 0
        while outcome not in FINAL and self._ramp.seconds_since_end < REQUEST_TIMEOUT_S:
            cancel_after_s = timeout_s = None
            if attempts < 2 and (choice := self._rng.random()) < 0.5:
                if choice < 0.4:
                    cancel_after_s = self._rng.uniform(0.0005, 0.012)
                else:
                    timeout_s = self._rng.uniform(0.005, 0.1)
            outcome = await self._call_refund(request, cancel_after_s, timeout_s)
            attempts += 1
            if outcome not in FINAL:
                await asyncio.sleep(self._rng.uniform(0, 2 * RETRY_DELAY_S))
        if self._rng.random() < 0.3:
            await self._call_refund(request)

    async def _call_refund(
        self,
        request: protos.CreateRefundRequest,
        cancel_after_s: float | None = None,
        timeout_s: float | None = None,
    ) -> str:
        start_ms = now_ms()
        outcome, response = await self._call(
            "CreateRefund", request, cancel_after_s=cancel_after_s, timeout_s=timeout_s
        )
        self._recorder.add(
            Called(
                operation="refund",
                key=str(request.cbu_order_id),
                request_id=request.request_id,
                start_ms=start_ms,
                end_ms=now_ms(),
                outcome=outcome,
                response=response.refund_id if outcome == "OK" else "",
            )
        )
        return outcome

    # Orders

    async def sync_orders(self, count: int, steps: int) -> None:
        """Sync orders by direct calls, some at the same time, mixed with enqueued statuses."""
        keys = range(FIRST_DIRECT_ORDER, FIRST_DIRECT_ORDER + count)
        await asyncio.gather(*(self._sync_order(str(key), steps) for key in keys))

    async def _sync_order(self, key: str, steps: int) -> None:
        while await self._sync_full(key, 1, is_certain=True) != "OK":
            await asyncio.sleep(RETRY_DELAY_S)
        number = 1
        for step in range(steps):
            await self._ramp.wait_for(step / steps)
            calls: list[Awaitable[object]] = []
            for sync in self._rng.sample(
                (self._sync_full, self._sync_status, self._sync_refund, self._enqueue_status),
                self._rng.randint(1, 3),
            ):
                number += 1
                calls.append(self._delayed(sync, key, number))
            await asyncio.gather(*calls)

    async def _delayed(self, sync: Callable[[str, int], Awaitable[object]], key: str, number: int) -> None:
        await asyncio.sleep(self._rng.choice([0, self._rng.uniform(0, 0.05)]))
        await sync(key, number)

    async def _sync_full(self, key: str, number: int, *, is_certain: bool = False) -> str:
        request = protos.SyncOrderRequest(request_id=self._maybe_id(), order=build_order(key, number))
        return await self._call_sync("SyncOrder", key, request, _full_fields(number), is_certain=is_certain)

    async def _sync_status(self, key: str, number: int) -> str:
        request = protos.SyncOrderStatusRequest(
            request_id=self._maybe_id(), order_status=build_status(key, number)
        )
        return await self._call_sync("SyncOrderStatus", key, request, {"status": number})

    async def _sync_refund(self, key: str, number: int) -> str:
        refund = number % 2
        update = protos.OrderStatusUpdate(
            national_order_id=key, refund_status=REFUNDED if refund else NOT_REFUNDED
        )
        request = protos.SyncOrderStatusRequest(request_id=self._maybe_id(), order_status=update)
        return await self._call_sync("SyncOrderStatus", key, request, {"refund": refund})

    async def _enqueue_status(self, key: str, number: int) -> None:
        await self.enqueue(key, {"status": number}, {"order_status": build_status(key, number)})

    async def _call_sync(
        self, rpc: str, key: str, request: Any, sets: Mapping[str, Any], *, is_certain: bool = False
    ) -> str:
        cancel_after_s = timeout_s = None
        if not is_certain and (choice := self._rng.random()) < 0.25:
            if choice < 0.15:
                cancel_after_s = self._rng.uniform(0.0005, 0.06)
            else:
                timeout_s = self._rng.uniform(0.005, 0.15)
        start_ms = now_ms()
        outcome, _ = await self._call(rpc, request, cancel_after_s=cancel_after_s, timeout_s=timeout_s)
        self._recorder.add(
            Called(
                operation="order",
                key=key,
                request_id=request.request_id,
                sets=sets,
                is_full="version" in sets,
                start_ms=start_ms,
                end_ms=now_ms(),
                outcome=outcome,
            )
        )
        return outcome

    def _maybe_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4)) if self._rng.random() < 0.5 else ""

    async def _call(
        self, rpc: str, request: Any, *, cancel_after_s: float | None = None, timeout_s: float | None = None
    ) -> tuple[str, Any]:
        """Call a random replica. Return OK and the response, or the reason of the error and None."""
        call = getattr(self._rng.choice(self._stubs), rpc)(
            request, timeout=timeout_s or CALL_TIMEOUT_S, wait_for_ready=True
        )
        if cancel_after_s is not None:
            await asyncio.sleep(cancel_after_s)
            call.cancel()
        try:
            return "OK", await call
        except grpc.aio.AioRpcError as error:
            return self._parse_reason(rpc, error), None
        except asyncio.CancelledError:
            if cancel_after_s is None or asyncio.current_task().cancelling():
                raise
            return CANCELLED, None

    def _parse_reason(self, rpc: str, error: grpc.aio.AioRpcError) -> str:
        if "grpc-status-details-bin" not in dict(error.trailing_metadata() or ()):
            return error.code().name
        reason = parse_status_details(error)["ErrorInfo"].reason.removeprefix("ERROR_REASON_")
        if reason in ("INTERNAL_FAULT", "INVALID_REQUEST"):
            self.unexpected_errors.append(f"{rpc}: {reason} {error.details()}")
        return reason


def build_order(key: str, version: int) -> protos.Order:
    """Return a full order. Its version is the number of pieces."""
    paid_fee = money_pb2.Money(currency_code="CNY", units=3)
    return protos.Order(
        national_order_id=key,
        create_time=Timestamp(seconds=FIRST_END_TIME_S - 100),
        pay_time=Timestamp(seconds=FIRST_END_TIME_S - 50),
        pay_status=protos.DOWNSTREAM_ORDER_STATUS_PAID,
        refund_status=NOT_REFUNDED,
        out_member_id="1212113",
        paid_fee=paid_fee,
        sub_orders=[
            protos.SubOrder(
                national_sub_order_id=f"{key}1",
                refund_status=NOT_REFUNDED,
                offer_id=620201390233,
                product_name="夏季新款碎花连衣裙女",
                sku_id=5104790281451,
                sku_name="绿色;均码",
                buy_amount=version,
                paid_fee=paid_fee,
            )
        ],
    )


def build_status(key: str, number: int) -> protos.OrderStatusUpdate:
    """Return the n-th status of an order, which its end time identifies."""
    return protos.OrderStatusUpdate(
        national_order_id=key,
        pay_status=protos.DOWNSTREAM_ORDER_STATUS_SUCCESS,
        end_time=Timestamp(seconds=FIRST_END_TIME_S + number),
    )


def _full_fields(version: int) -> dict[str, int]:
    return {"version": version, "status": 0, "refund": 0}
