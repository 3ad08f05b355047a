"""A replica that stores, leases, enqueues and sends until it is killed. It prints what it has promised.

`python -m tests.store.crash_process URL NAME SENT-FILE`
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

import msgspec

from services.errors import StoreUnavailable
from services.store import (
    DeliveredOutcome,
    RelayConfig,
    RetryPolicy,
    StorageConfig,
    StoreLimits,
    SubscriptionSpec,
    storage_lifespan,
)
from tests.store.factories import CAPACITIES, NAME, build_delivery, build_message

CONFIG = StorageConfig(
    store=StoreLimits(lock_timeout_s=5),
    relay=RelayConfig(
        send_timeout_s=0.3, record_timeout_s=0.2, retry_policy=RetryPolicy(initial_delay_s=0.05)
    ),
)


def promise(*words: object) -> None:
    print(*words, flush=True)


async def main(url: str, name: str, sent: Path) -> None:
    async with storage_lifespan(url, CONFIG) as storage:
        subscription_id = await storage.subscriptions.open(NAME, SubscriptionSpec())

        async def store_messages() -> None:
            for number in count():
                message = msgspec.structs.replace(
                    build_message(number, order=f"{name}{number % 5}"),
                    message_id=f"{name}{number}",
                    event_time_ms=number,
                    member_id="",
                )
                await storage.inbox.store([message])
                promise("stored", message.message_id)

        async def lease_messages() -> None:
            while True:
                for received in await storage.dispatcher.lease(
                    subscription_id, limit=5, lease_s=0.5, wait_s=1
                ):
                    promise("leased", received.message.message_id)
                    await storage.dispatcher.ack(subscription_id, [received.ack_id])

        async def enqueue_deliveries() -> None:
            for number in count():
                new = build_delivery(0, request_id=f"{name}{number}", ordering_key=f"{name}{number % 3}")
                await storage.deliveries.enqueue(new)
                promise("enqueued", new.request_id)

        async def send(delivery):
            with sent.open("a") as file:
                file.write(f"{delivery.ordering_key} {delivery.request_id}\n")
            return DeliveredOutcome()

        async def retry_when_unavailable(work) -> None:
            while True:
                try:
                    await work()
                except StoreUnavailable:
                    await asyncio.sleep(0.05)

        async with storage.build_relay(send, CAPACITIES).lifespan(), asyncio.TaskGroup() as group:
            for work in (store_messages, lease_messages, enqueue_deliveries):
                group.create_task(retry_when_unavailable(work))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
