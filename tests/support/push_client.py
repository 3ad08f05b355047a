"""Pushes messages to callbacks as 1688 does: signed, and again until the response is 200."""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import aiohttp

from tests.support.callbacks import build_body

PATH = "/callbacks/1688"
FIRST_EVENT_TIME_MS = 1_788_399_003_000
TOPICS = (
    "ORDER_BUYER_VIEW_BUYER_MAKE",
    "ORDER_BUYER_VIEW_ORDER_PAY",
    "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
    "ORDER_BUYER_VIEW_ORDER_SUCCESS",
)
PUSH_TIMEOUT_S = 15
RETRY_DELAY_S = 0.3
"""Between two pushes of one message. 1688 waits longer, and stops after some retries."""
BEIJING = timezone(timedelta(hours=8))


def now_ms() -> int:
    """Return the time of this machine, which the services share."""
    return time.time_ns() // 1_000_000


def build_message(number: int, *, order_id: int = 0, event_time_ms: int = 0) -> str:
    """Return the n-th message in 1688's format; by default each has its own order and event time."""
    event_time_ms = event_time_ms or FIRST_EVENT_TIME_MS + number
    send_time = datetime.fromtimestamp(event_time_ms // 1000, UTC).astimezone(BEIJING)
    message = {
        "msgId": number,
        "gmtBorn": event_time_ms,
        "data": {
            "orderId": order_id or 1_479_266_113_491_000_000 + number,
            "currentStatus": "waitsellersend",
            "msgSendTime": f"{send_time:%Y-%m-%d %H:%M:%S}",
            "buyerMemberId": "b2b-665170100",
            "sellerMemberId": "b2b-1676547900b7bb3",
        },
        "userInfo": "b2b-665170100",
        "type": TOPICS[number % len(TOPICS)],
    }
    return json.dumps(message, ensure_ascii=False)


class PushClient:
    """Pushes to several replicas in turn, like a load balancer."""

    def __init__(
        self, callbacks: Sequence[str], *, max_connections: int = 50, keep_alive: bool = False
    ) -> None:
        """Push to callbacks at host:port.

        Use `keep_alive` only if no replica is killed: a push on a connection that breaks may be sent twice.
        """
        self._max_connections = max_connections
        self._keep_alive = keep_alive
        self._urls = [f"http://{callback}{PATH}" for callback in callbacks]
        self.pushes = 0
        self.accepted_ms: dict[int, int] = {}
        """Number of a message -> time of its first response 200."""

    async def __aenter__(self) -> "PushClient":
        connector = aiohttp.TCPConnector(limit=self._max_connections, force_close=not self._keep_alive)
        timeout = aiohttp.ClientTimeout(total=PUSH_TIMEOUT_S)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def push(self, number: int, message: str = "") -> int:
        """Push a message once, by default the n-th; return the status, 0 without a response."""
        url = self._urls[self.pushes % len(self._urls)]
        self.pushes += 1
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        body = build_body(message or build_message(number))
        try:
            async with self._session.post(url, data=body, headers=headers) as response:
                await response.read()
        except (aiohttp.ClientError, TimeoutError):
            return 0
        if response.status == 200:
            self.accepted_ms.setdefault(number, now_ms())
        return response.status

    async def push_until_accepted(self, number: int, message: str = "") -> None:
        """Push a message until the response is 200. Fails on any status of a permanent error."""
        while (status := await self.push(number, message)) != 200:
            assert status == 0 or status >= 500, status
            await asyncio.sleep(RETRY_DELAY_S)
