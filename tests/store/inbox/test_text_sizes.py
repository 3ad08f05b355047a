"""A call returns messages up to a size, at least one, and the others are not lost."""

import msgspec
import pytest

from services.store import SubscriptionLimits
from services.store.inbox.message import MAX_TEXT_BYTES
from tests.store.factories import build_message
from tests.store.leasing import ack, get_ids, lease, subscribe

SIZES = {
    1: MAX_TEXT_BYTES // 2,
    2: MAX_TEXT_BYTES // 2,
    3: 1,
    4: MAX_TEXT_BYTES + 1,
    5: 1,
    6: MAX_TEXT_BYTES,
}


def build_messages():
    return [msgspec.structs.replace(build_message(number), raw=b"x" * size) for number, size in SIZES.items()]


async def test_a_lease_ends_before_the_texts_are_too_long(storage):
    await subscribe(storage)
    await storage.inbox.store(build_messages())
    batches = []
    while received := await lease(storage):
        batches.append(get_ids(received))
        assert {each.delivery_attempt for each in received} == {1}, "the others were not leased before"
        assert [len(each.message.raw) for each in received] == [
            SIZES[int(message_id[1:])] for message_id in batches[-1]
        ]
        await ack(storage, received)
    assert batches == [["m1", "m2"], ["m3"], ["m4"], ["m5"], ["m6"]]


@pytest.mark.parametrize("page_size", [0, 1, 2])
async def test_a_page_of_dead_messages_ends_before_the_texts_are_too_long(open_storage, clock, page_size):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        subscription_id = await subscribe(storage)
        await storage.inbox.store(build_messages())
        while await lease(storage, lease_s=10):
            pass
        clock.advance_s(10)
        pages, token = [], ""
        while token or not pages:
            page = await storage.dead_letters.list(subscription_id, page_size, token)
            pages.append(get_ids(page.items))
            token = page.next_page_token
    assert [message_id for ids in pages for message_id in ids] == ["m6", "m5", "m4", "m3", "m2", "m1"]
    if page_size == 1:
        assert {len(ids) for ids in pages} == {1}
    else:
        assert pages == [["m6"], ["m5"], ["m4"], ["m3", "m2"], ["m1"]]
