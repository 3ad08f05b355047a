"""Writes the history, from what clients observe and from the log of the sandbox."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.durability.history.events import Event, Sent, to_line
from tests.support.enqueue_client import FIRST_END_TIME_S
from tests.support.push_client import BEIJING
from tests.support.sandbox_client import SandboxClient

POLL_INTERVAL_S = 0.5
ORDER_SYNC, CREATE_REFUND = "trade.cross.orderSync", "alibaba.trade.createRefund"
IN_FLIGHT = "in_flight"


def now_ms() -> float:
    """Return the time of the test's machine."""
    return time.time_ns() // 1000 / 1000


class Recorder:
    """Appends events to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", encoding="utf-8")

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, event: Event) -> None:
        """Append an event."""
        self._file.write(to_line(event) + "\n")


class SandboxLog:
    """Copies the calls that the sandbox has received to the history."""

    def __init__(self, sandbox: SandboxClient, recorder: Recorder) -> None:
        self._sandbox = sandbox
        self._recorder = recorder
        self._last: int | None = None
        """The sequence of the last call that is recorded."""

    async def run(self) -> None:
        """Copy calls until cancelled."""
        while True:
            await self.copy()
            await asyncio.sleep(POLL_INTERVAL_S)

    async def copy(self) -> None:
        """Copy the finished calls, up to the first one that is in flight."""
        after = self._last or 0
        calls = (await asyncio.to_thread(self._sandbox.admin, "GET", f"calls?limit=1000&after={after}"))[
            "calls"
        ]
        for call in calls:
            if call["outcome"]["kind"] == IN_FLIGHT:
                return
            assert self._last in (None, call["sequence"] - 1), "the sandbox has dropped calls from its log"
            self._last = call["sequence"]
            if (sent := _parse_call(call)) is not None:
                self._recorder.add(sent)


def _parse_call(call: Mapping[str, Any]) -> Sent | None:
    name = (call["api"] or "").partition(":")[2].rpartition("-")[0]
    times = {
        "received_ms": _to_ms(call["time"]),
        "executed_ms": _to_ms(call["executed_time"]) if call["executed_time"] else None,
    }
    if name == CREATE_REFUND:
        return Sent(operation="refund", key=call["parameters"]["orderId"], **times)
    if name == ORDER_SYNC:
        order = json.loads(call["parameters"]["orderParam"])
        return Sent(operation="order", key=order["orderId"], content=_parse_order(order), **times)
    return None


def _parse_order(order: Mapping[str, Any]) -> dict[str, int]:
    """Return the fields of an order that `workload` sets."""
    sub_orders: Sequence[Mapping[str, Any]] = order["subOrderParamList"]
    status = 0
    if "endTime" in order:
        end_time = datetime.strptime(order["endTime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        status = round(end_time.timestamp()) - FIRST_END_TIME_S
    return {
        "version": sub_orders[0]["buyAmount"],
        "status": status,
        "refund": int(order["refundStatus"]),
    }


def _to_ms(text: str) -> float:
    return round(datetime.fromisoformat(text).timestamp() * 1000, 3)
