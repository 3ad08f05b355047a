"""An ack id identifies one delivery: a consumer whose lease has ended cannot affect the next consumer."""

import asyncio
import base64

import pytest
from sqlalchemy import select

from services.errors import InvalidRequest
from services.store import AckId, SubscriptionLimits, parse_ack_ids
from services.store.database.schema import subscriptions
from tests.store.factories import NAME, build_message
from tests.store.leasing import OTHER_NAME, ack, get_ids, lease, set_lease, subscribe

LEASE_S = 10
LATE_ACTIONS = {
    "ack": ack,
    "release": lambda storage, received: set_lease(storage, received, 0),
    "extend": lambda storage, received: set_lease(storage, received, 600),
}


def encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_an_ack_id_is_read_as_it_was_written():
    ack_ids = [AckId(1, 2, 3), AckId(2**63 - 1, 2**63 - 1, 2**63 - 1), AckId(1, 2, 4)]
    texts = [str(ack_id) for ack_id in ack_ids]
    assert parse_ack_ids([texts[0], texts[2]], 1) == [ack_ids[0], ack_ids[2]]
    assert parse_ack_ids([texts[1]], 2**63 - 1) == [ack_ids[1]]
    assert max(map(len, texts)) <= 128, "the protos promise it"


@pytest.mark.parametrize(
    "text",
    [
        "m1",
        "é",
        encode("1:7:2:3") + "=",
        encode("1:7:2:3")[:-1],
        encode("1:7:2"),
        encode("1:7:2:3:4"),
        encode("2:7:2:3"),
        encode("1:7:2:x"),
        encode("1:7:2:"),
        encode("1:7:2:03"),
        encode("1:7:2: 3"),
        encode("1:7:2:３"),
        encode("1:7:2:-3"),
        encode("1:7:2:0"),
        encode(f"1:7:2:{2**63}"),
        str(AckId(8, 2, 3)),
    ],
)
def test_a_text_that_is_no_ack_id_of_the_subscription_is_rejected_by_its_position(text):
    valid = str(AckId(7, 2, 3))
    assert valid == encode("1:7:2:3")
    with pytest.raises(InvalidRequest) as caught:
        parse_ack_ids([valid, text, valid, text], 7, "ack.ack_ids")
    assert [violation.field for violation in caught.value.violations] == ["ack.ack_ids[1]", "ack.ack_ids[3]"]


@pytest.mark.parametrize("action", LATE_ACTIONS)
async def test_a_consumer_whose_lease_has_ended_does_not_affect_the_next_one(
    storage, other_replica, clock, action
):
    await subscribe(storage)
    await storage.inbox.store([build_message(1, order="a"), build_message(2, order="a")])
    first = await lease(storage, lease_s=LEASE_S)
    clock.advance_s(LEASE_S)
    second = await lease(other_replica, lease_s=LEASE_S)
    assert get_ids(first) == get_ids(second) == ["m1"]

    lapsed = await LATE_ACTIONS[action](storage, first)

    assert lapsed == [first[0].ack_id]
    clock.advance_s(LEASE_S - 1)
    assert await lease(storage) == [], "the second consumer still has m1, and m2 waits for it"
    clock.advance_s(1)
    third = await lease(storage)
    assert get_ids(third) == ["m1"], "the second consumer's lease ended when it had to"
    assert third[0].delivery_attempt == 3
    assert await ack(other_replica, second) == [second[0].ack_id]
    assert await ack(storage, third) == []
    assert get_ids(await lease(other_replica)) == ["m2"]


@pytest.mark.parametrize("release", [True, False], ids=["released", "expired"])
async def test_a_late_acknowledgement_counts_until_the_message_is_leased_again(storage, clock, release):
    await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    received = await lease(storage, lease_s=LEASE_S)
    if release:
        assert await set_lease(storage, received, 0) == []
    else:
        clock.advance_s(LEASE_S)
    assert await set_lease(storage, received, 30) == [received[0].ack_id], "the lease stays ended"

    assert await ack(storage, received) == []

    assert await lease(storage) == []
    assert await ack(storage, received) == [], "it is acknowledged already"
    assert await set_lease(storage, received, 30) == [], "it is acknowledged already"


async def test_one_request_can_hold_ack_ids_of_several_leases_of_a_message(storage, clock):
    await subscribe(storage)
    await storage.inbox.store([build_message(1), build_message(2)])
    first = await lease(storage, lease_s=LEASE_S)
    clock.advance_s(LEASE_S)
    (second,) = await lease(storage, limit=1)

    both = [first[0], second, second, first[1]]
    assert await set_lease(storage, both, 30) == [first[0].ack_id, first[1].ack_id]
    assert await ack(storage, both) == [], "m1 is acknowledged by its last ack id, m2 by its only one"
    assert await lease(storage) == []


async def test_more_ack_ids_than_one_statement_takes(storage, clock, monkeypatch):
    monkeypatch.setattr("services.store.inbox.message.BATCH_SIZE", 2)
    await subscribe(storage)
    await storage.inbox.store([build_message(number) for number in range(5)])
    first = await lease(storage, lease_s=LEASE_S)
    clock.advance_s(LEASE_S)
    second = await lease(storage, limit=4)
    assert await set_lease(storage, second, 30) == []
    assert await ack(storage, first) == [received.ack_id for received in first[:4]]
    assert await ack(storage, second) == []
    assert (await storage.subscriptions.get(NAME)).backlog == 0


async def test_subscriptions_with_equal_sequences_do_not_affect_each_other(storage):
    subscription_id = await subscribe(storage)
    other_id = await subscribe(storage, OTHER_NAME)
    await storage.inbox.store([build_message(1)])
    (received,) = await lease(storage)
    (others,) = await lease(storage, OTHER_NAME)
    assert received.ack_id.message_seq == others.ack_id.message_seq

    with pytest.raises(InvalidRequest):
        parse_ack_ids([str(received.ack_id)], other_id)
    assert parse_ack_ids([str(received.ack_id)], subscription_id) == [received.ack_id]
    assert await ack(storage, [received]) == []
    assert (await storage.subscriptions.get(OTHER_NAME)).backlog == 1


async def test_ack_ids_of_a_deleted_subscription_are_rejected_by_a_new_one_of_its_name(storage):
    """The row of the deleted one is gone, and its id is not used again."""
    deleted_id = await subscribe(storage)
    await storage.inbox.store([build_message(1)])
    (received,) = await lease(storage)
    await storage.subscriptions.delete(NAME)
    rows = select(subscriptions.c.id)
    async with asyncio.timeout(10):
        while (await storage.store.read(lambda connection: connection.execute(rows))).all():
            await storage.retention.sweep()  # does nothing while the sweep in the background runs

    new_id = await subscribe(storage, start_time_ms=0)

    assert new_id > deleted_id
    (again,) = await lease(storage)
    assert again.ack_id.message_seq == received.ack_id.message_seq
    with pytest.raises(InvalidRequest):
        parse_ack_ids([str(received.ack_id)], new_id)


async def test_an_ack_id_lapses_when_its_dead_message_is_requeued(open_storage, clock):
    async with open_storage(subscriptions=SubscriptionLimits(max_delivery_attempts=1)) as storage:
        subscription_id = await subscribe(storage)
        await storage.inbox.store([build_message(1)])
        first = await lease(storage, lease_s=LEASE_S)
        clock.advance_s(LEASE_S)
        assert await storage.dead_letters.requeue(subscription_id) == 1

        assert await ack(storage, first) == [first[0].ack_id]

        second = await lease(storage)
        assert second[0].delivery_attempt == 1
        assert second[0].ack_id.lease_id != first[0].ack_id.lease_id
        assert await ack(storage, first) == [first[0].ack_id]
        assert await ack(storage, second) == []


async def test_concurrent_acknowledgements_share_transactions(storage):
    """Each caller gets its own lapsed ids."""
    await subscribe(storage)
    await subscribe(storage, OTHER_NAME)
    await storage.inbox.store([build_message(number) for number in range(20)])
    lapsed = await lease(storage, limit=5)
    await set_lease(storage, lapsed, 0)
    received, others = await lease(storage), await lease(storage, OTHER_NAME)
    write, transactions = storage.store._engine.write, []

    def count(work):
        if "ack" in work.__qualname__:  # and not of a background task
            transactions.append(work)
        return write(work)

    storage.store._engine.write = count
    results = await asyncio.gather(
        *(ack(storage, [each]) for each in received[5:]),
        *(ack(storage, [each]) for each in lapsed),
        *(ack(storage, [each], OTHER_NAME) for each in others),
    )
    assert get_ids(received[:5]) == get_ids(lapsed)
    assert results == [[]] * 15 + [[each.ack_id] for each in lapsed] + [[]] * 20
    assert 1 <= len(transactions) <= 4
    assert [(await storage.subscriptions.get(name)).backlog for name in (NAME, OTHER_NAME)] == [5, 0]
