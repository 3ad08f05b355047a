"""PostgreSQL restarts under a store in use."""

import asyncio
import signal

import pytest

from services.errors import StoreUnavailable
from services.store import DeliveredOutcome, StorageConfig, StoreLimits, migrate, storage_lifespan
from tests.store.factories import CAPACITIES, build_delivery, build_message, wait_until
from tests.store.leasing import ack, get_ids, lease, subscribe
from tests.support.postgres import postgres_server

SHORT_TIMEOUTS = StoreLimits(
    lock_timeout_s=0.2, statement_timeout_s=2, transaction_timeout_s=3, health_timeout_s=0.5
)


@pytest.mark.postgres
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
async def test_restart_during_use(number):
    """Nothing accepted is lost, calls are rejected meanwhile, and then consumers and the relay continue."""
    with postgres_server() as server:
        await asyncio.to_thread(migrate, server.url())
        async with (
            storage_lifespan(server.url(), StorageConfig(store=SHORT_TIMEOUTS)) as storage,
            storage_lifespan(server.url()) as other_replica,
        ):
            received, sent, rejected = set(), set(), 0

            async def consume():
                while True:
                    try:
                        leased = await lease(other_replica, lease_s=600, wait_s=5)
                        received.update(get_ids(leased))
                        await ack(other_replica, leased)
                    except StoreUnavailable:
                        await asyncio.sleep(0.05)

            async def send(delivery):
                sent.add(delivery.request_id)
                return DeliveredOutcome()

            await subscribe(storage)
            consuming = asyncio.create_task(consume())
            async with other_replica.build_relay(send, CAPACITIES).lifespan():
                await storage.inbox.store([build_message(0)])
                await wait_until(lambda: received == {"m0"})
                await asyncio.to_thread(server.stop, number)
                assert not await storage.store.is_healthy()
                for call in (
                    storage.inbox.store([build_message(1)]),
                    storage.deliveries.enqueue(build_delivery(1)),
                ):
                    with pytest.raises(StoreUnavailable):
                        await call
                await asyncio.to_thread(server.start)

                for attempt in (storage.inbox.store, storage.deliveries.enqueue):
                    argument = [build_message(2)] if attempt == storage.inbox.store else build_delivery(2)
                    async with asyncio.timeout(10):
                        while True:
                            try:
                                await attempt(argument)
                                break
                            except StoreUnavailable:
                                rejected += 1
                                await asyncio.sleep(0.05)
                await wait_until(lambda: "m2" in received and "r2" in sent, timeout_s=20)
                assert rejected <= 1
            consuming.cancel()
            await asyncio.wait([consuming])
