"""Prints messages about orders until SIGTERM, with asyncio."""

# [snippet consume]
import asyncio
import os
import signal

from nationalsite.ordersync.v1 import Message, SubscriptionSpec
from nationalsite_client import AsyncConsumer, ConsumerOptions, connect_async


async def handle(message: Message) -> None:
    """Handle a message, which may be delivered twice. It is acknowledged when this returns."""
    if message.HasField("order"):  # otherwise it is about something else, such as a refund
        print(message.topic, message.order.cbu_order_id, message.order.current_status, flush=True)


async def main() -> None:
    """Consume until SIGTERM."""
    address = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")
    options = ConsumerOptions(create_if_missing=SubscriptionSpec())  # all topics, messages from now on
    async with connect_async(address, "order_sync") as channel:
        consumer = AsyncConsumer(channel, "shop", handle, options)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, consumer.stop)
        await consumer.run()


asyncio.run(main())
# [/snippet]
