"""On PostgreSQL, every transaction locks heads in the order of their keys, so that there is no deadlock."""

import asyncio

import pytest
from sqlalchemy import select, text

from services.store import SubscriptionLimits, erase
from services.store.database.engine import parse_url
from services.store.database.schema import message_heads
from services.store.database.schema_migrations import connect
from services.store.inbox import heads, message
from tests.store.factories import build_message, wait_until
from tests.store.leasing import ack, lease, set_lease, subscribe

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("url", ["postgresql"], indirect=True),
]
_IS_WAITING = text("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)")


class RollBack(Exception):
    """Undoes a transaction."""


async def acknowledge(storage, received):
    await ack(storage, received)


async def return_dead(storage, received):
    await set_lease(storage, received, 0)


async def erase_member(storage, _):
    await erase(storage.store, "b2b-1")


async def requeue(storage, received):
    ids = [each.message.message_id for each in received]
    await storage.dead_letters.requeue(await subscribe(storage), ids)


@pytest.mark.parametrize("change", [acknowledge, return_dead, erase_member, requeue])
async def test_a_change_in_several_batches_locks_the_first_key_first(open_storage, url, monkeypatch, change):
    monkeypatch.setattr(message, "BATCH_SIZE", 1)
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        await subscribe(storage)
        await storage.inbox.store([build_message(1, order="b"), build_message(2, order="a")])
        received = await lease(storage)
        assert len(received) == 2
        if change is requeue:
            await set_lease(storage, received, 0)  # they are dead now
            await storage.inbox.store([build_message(3, order="b"), build_message(4, order="a")])
        with connect(parse_url(url)) as other:
            other.execute(lock_head("a"))
            changing = asyncio.create_task(change(storage, received))
            await wait_until(lambda: other.execute(_IS_WAITING).scalar_one())
            assert other.execute(lock_head("b")).rowcount == 1  # the change does not hold it
        await changing


def lock_head(key):
    return select(message_heads).where(message_heads.c.ordering_key == key).with_for_update(nowait=True)


async def test_the_order_of_keys_does_not_depend_on_the_collation(storage):
    subscription_id = await subscribe(storage)
    keys = ["ab", "A-c", "a", "B", "10", "9"]
    await storage.inbox.store(build_message(number, order=key) for number, key in enumerate(keys))
    locked = []

    async def work(connection):
        await connection.execute(
            text('ALTER TABLE message_heads ALTER COLUMN ordering_key TYPE text COLLATE "en-x-icu"')
        )
        key_of = {
            row.message_seq: row.ordering_key for row in await connection.execute(select(message_heads))
        }
        parameters = {"subscription_id_": subscription_id, "ordering_keys": keys}
        locked.extend(key_of[seq] for seq in (await connection.execute(heads._LOCK, parameters)).scalars())
        raise RollBack

    with pytest.raises(RollBack):
        await storage.store.write(work)
    assert locked == sorted(keys)
