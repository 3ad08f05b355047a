"""Dead messages: delivered too often without an acknowledgement. They are listed, and can be requeued."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.coordination.notifier import Notifier
from services.store.database.schema import messages, subscription_messages
from services.store.database.store import Store
from services.store.inbox.message import Message, mark_dead, row_filters
from services.store.inbox.subscriptions import SubscriptionName, Subscriptions, messages_channel
from services.store.pagination import Page, clamp_page_size, decode_page_token, encode_page_token


class DeadLetters:
    """The dead messages of subscriptions."""

    def __init__(self, store: Store, notifier: Notifier, subscriptions: Subscriptions) -> None:
        self._store = store
        self._notifier = notifier
        self._subscriptions = subscriptions

    async def list(self, name: SubscriptionName, page_size: int = 0, page_token: str = "") -> Page[Message]:
        """Return dead messages, the last stored first.

        Raises SubscriptionNotFound, InvalidRequest (page token).
        """
        before_seq = decode_page_token(page_token)
        size = clamp_page_size(page_size)
        subscription_id = await self._subscriptions.get_id(name)
        await self._store.write(lambda connection: self._mark_dead(connection, subscription_id))
        statement = (
            select(
                subscription_messages.c.message_seq,
                subscription_messages.c.attempts,
                subscription_messages.c.dead_letter_time_ms,
                messages.c.message_id,
                messages.c.topic,
                messages.c.event_time_ms,
                messages.c.member_id,
                messages.c.raw,
            )
            .join(messages, messages.c.seq == subscription_messages.c.message_seq)
            .where(
                subscription_messages.c.subscription_id == subscription_id,
                subscription_messages.c.dead_letter_time_ms.is_not(None),
            )
            .order_by(subscription_messages.c.message_seq.desc())
            .limit(size + 1)
        )
        if before_seq is not None:
            statement = statement.where(subscription_messages.c.message_seq < before_seq)
        rows = (await self._store.read(lambda connection: connection.execute(statement))).all()
        return Page(
            items=[Message.from_row(row, row.attempts, row.dead_letter_time_ms) for row in rows[:size]],
            next_page_token=encode_page_token(rows[size - 1].message_seq) if len(rows) > size else "",
        )

    async def requeue(self, name: SubscriptionName, message_ids: Sequence[str] = ()) -> int:
        """Return dead messages to the backlog with no attempts; all of them if no id is given.

        Ids of messages that are not dead are ignored. Return the number of requeued messages. Raises
        SubscriptionNotFound.
        """
        subscription_id = await self._subscriptions.get_id(name)

        async def work(connection: AsyncConnection) -> int:
            await self._mark_dead(connection, subscription_id)
            all_rows = [subscription_messages.c.subscription_id == subscription_id]
            count = 0
            for is_selected in row_filters(subscription_id, message_ids) if message_ids else all_rows:
                statement = update(subscription_messages).where(
                    is_selected, subscription_messages.c.dead_letter_time_ms.is_not(None)
                )
                result = await connection.execute(
                    statement.values(dead_letter_time_ms=None, attempts=0, lease_expire_time_ms=0)
                )
                count += result.rowcount
            return count

        count = await self._store.write(work)
        if count:
            self._notifier.notify(messages_channel(subscription_id))
        return count

    async def _mark_dead(self, connection: AsyncConnection, subscription_id: int) -> None:
        await mark_dead(
            connection,
            subscription_id,
            max_delivery_attempts=self._subscriptions.limits.max_delivery_attempts,
            now_ms=self._store.clock(),
        )
