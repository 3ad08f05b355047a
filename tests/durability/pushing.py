"""1688's side of the callback: signed messages, pushed until they are answered with 200."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urlencode

import aiohttp

from tools.local_stack import SANDBOX_APP

SECRET = SANDBOX_APP["NATIONALSITE_APP_SECRET"].encode()
PATH = "/callbacks/1688"
BORN_MS = 1_788_399_003_000
TOPICS = (
    "ORDER_BUYER_VIEW_BUYER_MAKE",
    "ORDER_BUYER_VIEW_ORDER_PAY",
    "ORDER_BUYER_VIEW_ANNOUNCE_SENDGOODS",
    "ORDER_BUYER_VIEW_ORDER_SUCCESS",
)
PUSH_S = 15
AGAIN_S = 0.3
"""Between two pushes of one message: 1688 waits longer, and gives up."""
BEIJING = timezone(timedelta(hours=8))


def now_ms() -> int:
    """Return the time of this machine, which is that of the services."""
    return time.time_ns() // 1_000_000


def text_of(number: int, *, order: int = 0, born_ms: int = 0) -> str:
    """Return a message of an order as 1688 writes it."""
    born_ms = born_ms or BORN_MS + number
    sent = datetime.fromtimestamp(born_ms // 1000, UTC).astimezone(BEIJING)
    told = {
        "msgId": number,
        "gmtBorn": born_ms,
        "data": {
            "orderId": order or 1_479_266_113_491_000_000 + number,
            "currentStatus": "waitsellersend",
            "msgSendTime": f"{sent:%Y-%m-%d %H:%M:%S}",
            "buyerMemberId": "b2b-665170100",
            "sellerMemberId": "b2b-1676547900b7bb3",
        },
        "userInfo": "b2b-665170100",
        "type": TOPICS[number % len(TOPICS)],
    }
    return json.dumps(told, ensure_ascii=False)


def signature(parameters: Mapping[str, str]) -> str:
    """Return what 1688 signs parameters with: sorted, name and value, and no path."""
    told = "".join(sorted(name + value for name, value in parameters.items()))
    return hmac.new(SECRET, told.encode(), hashlib.sha1).hexdigest().upper()


def body_of(text: str) -> bytes:
    """Return a signed body."""
    parameters = {"message": text}
    return urlencode(parameters | {"_aop_signature": signature(parameters)}).encode()


class Platform:
    """Pushes to the replicas in turn, as a load balancer spreads it."""

    def __init__(self, callbacks: Sequence[str], *, at_once: int = 50, keep_alive: bool = False) -> None:
        """`keep_alive` is for services that nobody kills: a push on a connection that died may go twice."""
        self._at_once = at_once
        self._keep_alive = keep_alive
        self._urls = [f"http://{callback}{PATH}" for callback in callbacks]
        self.pushes = 0
        self.accepted_ms: dict[int, int] = {}
        """Number of a message -> when it was answered with 200 for the first time."""

    async def __aenter__(self) -> "Platform":
        connector = aiohttp.TCPConnector(limit=self._at_once, force_close=not self._keep_alive)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=PUSH_S)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def push(self, number: int, text: str = "") -> int:
        """Push a message once; return the status, 0 where there was no answer."""
        url = self._urls[self.pushes % len(self._urls)]
        self.pushes += 1
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        body = body_of(text or text_of(number))
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return 0
        if answer.status == 200:
            self.accepted_ms.setdefault(number, now_ms())
        return answer.status

    async def push_until_taken(self, number: int, text: str = "") -> None:
        """Push a message until it is answered with 200; never is it refused for good."""
        while (status := await self.push(number, text)) != 200:
            assert status == 0 or status >= 500, status
            await asyncio.sleep(AGAIN_S)
