"""Messages that were handed out too often: listed, and handed out again on request."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.database.schema import messages, subscription_messages
from services.store.inbox.inbox import message_key
from services.store.inbox.message import Message, mark_dead, message_of, row_filters
from services.store.inbox.subscriptions import SubscriptionName, Subscriptions
from services.store.notifier import Notifier
from services.store.pagination import Page, clamp_page_size, decode_token, encode_token
from services.store.store import Store


class DeadLetters:
    """The dead messages of subscriptions."""

    def __init__(self, store: Store, wakeups: Notifier, known: Subscriptions) -> None:
        self._store = store
        self._wakeups = wakeups
        self._known = known

    async def list(self, name: SubscriptionName, page_size: int = 0, page_token: str = "") -> Page[Message]:
        """Return the messages that were handed out too often, those stored last first.

        Raises SubscriptionNotFound, InvalidRequest (page token).
        """
        below = decode_token(page_token)
        size = clamp_page_size(page_size)
        subscription_id = await self._known.id_of(name)
        await self._store.write(lambda connection: self._bury(connection, subscription_id))
        statement = (
            select(
                subscription_messages.c.message_seq,
                subscription_messages.c.attempts,
                subscription_messages.c.dead_ms,
                messages.c.message_id,
                messages.c.topic,
                messages.c.born_ms,
                messages.c.member_id,
                messages.c.raw,
            )
            .join(messages, messages.c.seq == subscription_messages.c.message_seq)
            .where(
                subscription_messages.c.subscription_id == subscription_id,
                subscription_messages.c.dead_ms.is_not(None),
            )
            .order_by(subscription_messages.c.message_seq.desc())
            .limit(size + 1)
        )
        if below is not None:
            statement = statement.where(subscription_messages.c.message_seq < below)
        rows = (await self._store.read(lambda connection: connection.execute(statement))).all()
        return Page(
            items=[message_of(row, row.attempts, row.dead_ms) for row in rows[:size]],
            next_page_token=encode_token(rows[size - 1].message_seq) if len(rows) > size else "",
        )

    async def requeue(self, name: SubscriptionName, message_ids: Sequence[str] = ()) -> int:
        """Hand dead messages out again, as if for the first time; none named: all. Return how many that were.

        What is not dead is passed over. Raises SubscriptionNotFound.
        """
        subscription_id = await self._known.id_of(name)

        async def work(connection: AsyncConnection) -> int:
            await self._bury(connection, subscription_id)
            everything = [subscription_messages.c.subscription_id == subscription_id]
            count = 0
            for which in row_filters(subscription_id, message_ids) if message_ids else everything:
                statement = update(subscription_messages).where(
                    which, subscription_messages.c.dead_ms.is_not(None)
                )
                result = await connection.execute(
                    statement.values(dead_ms=None, attempts=0, lease_until_ms=0)
                )
                count += result.rowcount
            return count

        count = await self._store.write(work)
        if count:
            self._wakeups.wake(message_key(subscription_id))
        return count

    async def _bury(self, connection: AsyncConnection, subscription_id: int) -> None:
        most = self._known.limits.most_deliveries
        await mark_dead(connection, subscription_id, most_deliveries=most, now_ms=self._store.clock())
