"""Prints messages about orders until SIGTERM."""

# [snippet consume]
import os
import signal

from nationalsite.ordersync.v1 import Message, SubscriptionSpec
from nationalsite_client import Consumer, ConsumerOptions


def handle(message: Message) -> None:
    """Handle a message, which may be delivered twice. It is acknowledged when this returns."""
    if message.HasField("order"):  # otherwise it is about something else, such as a refund
        print(message.topic, message.order.cbu_order_id, message.order.current_status, flush=True)


address = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")
options = ConsumerOptions(create_if_missing=SubscriptionSpec())  # all topics, messages from now on
consumer = Consumer(address, "shop", handle, options)
for signal_number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(signal_number, lambda *_: consumer.stop())
consumer.run()
# [/snippet]
