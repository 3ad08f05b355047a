"""Dead messages: delivered too often without an acknowledgement. They are listed, and can be requeued."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.store.coordination.notifier import Notifier
from services.store.database.schema import messages, subscription_messages
from services.store.database.store import Store
from services.store.inbox.heads import HEAD_COLUMNS, add_heads
from services.store.inbox.message import DeadMessage, Message, in_batches, mark_dead, select_texts
from services.store.inbox.subscriptions import Subscriptions, messages_channel
from services.store.pagination import Page, clamp_page_size, decode_page_token, encode_page_token


class DeadLetters:
    """The dead messages of subscriptions."""

    def __init__(self, store: Store, notifier: Notifier, subscriptions: Subscriptions) -> None:
        self._store = store
        self._notifier = notifier
        self._subscriptions = subscriptions

    async def list(self, subscription_id: int, page_size: int = 0, page_token: str = "") -> Page[DeadMessage]:
        """Return dead messages, the last stored first. Raises InvalidRequest (page token).

        A page ends early if its texts are long.
        """
        before_seq = decode_page_token(page_token)
        size = clamp_page_size(page_size)
        await self._store.write(lambda connection: self._mark_dead(connection, subscription_id))
        candidates = (
            select(
                subscription_messages.c.message_seq,
                subscription_messages.c.attempts,
                subscription_messages.c.dead_letter_time_ms,
            )
            .where(
                subscription_messages.c.subscription_id == subscription_id,
                subscription_messages.c.dead_letter_time_ms.is_not(None),
            )
            .order_by(subscription_messages.c.message_seq.desc())
            .limit(size + 1)
        )
        if before_seq is not None:
            candidates = candidates.where(subscription_messages.c.message_seq < before_seq)
        statement = select_texts(candidates, lambda columns: [columns.message_seq.desc()])
        rows = (await self._store.read(lambda connection: connection.execute(statement))).all()
        page = rows[:size]
        has_more = bool(page) and page[0].candidate_count > len(page)
        return Page(
            items=[
                DeadMessage(
                    message=Message.from_row(row),
                    delivery_attempts=row.attempts,
                    dead_time_ms=row.dead_letter_time_ms,
                )
                for row in page
            ],
            next_page_token=encode_page_token(page[-1].message_seq) if has_more else "",
        )

    async def requeue(self, subscription_id: int, message_ids: Sequence[str] = ()) -> int:
        """Put dead messages back into the backlog, with 0 attempts; all of them if no id is given.

        Ids of messages that are not dead are ignored. Return the number of requeued messages.
        """

        async def work(connection: AsyncConnection) -> int:
            await self._mark_dead(connection, subscription_id)
            requeued: list[RowMapping] = []
            for batch in in_batches(message_ids) if message_ids else [()]:
                requeued += await _requeue(connection, subscription_id, batch)
            await add_heads(connection, requeued)
            return len(requeued)

        def notify(count: int) -> None:
            if count:
                self._notifier.notify(messages_channel(subscription_id))

        return await self._store.write(work, on_commit=notify)

    async def _mark_dead(self, connection: AsyncConnection, subscription_id: int) -> None:
        await mark_dead(
            connection,
            subscription_id,
            max_delivery_attempts=self._subscriptions.limits.max_delivery_attempts,
            now_ms=self._store.clock(),
        )


async def _requeue(
    connection: AsyncConnection, subscription_id: int, message_ids: Sequence[str]
) -> Sequence[RowMapping]:
    """Requeue messages, all of them if no id is given. Return what `add_heads` needs of their rows."""
    statement = update(subscription_messages).where(
        subscription_messages.c.subscription_id == subscription_id,
        subscription_messages.c.dead_letter_time_ms.is_not(None),
    )
    if message_ids:
        seqs = select(messages.c.seq).where(messages.c.message_id.in_(message_ids))
        statement = statement.where(subscription_messages.c.message_seq.in_(seqs))
    statement = statement.values(
        dead_letter_time_ms=None,
        attempts=0,
        lease_id=0,  # earlier ack ids are not valid any more
        lease_expire_time_ms=0,
    )
    return (await connection.execute(statement.returning(*HEAD_COLUMNS))).mappings().all()
