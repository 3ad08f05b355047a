"""Prints what happens to orders, until it is asked to end."""

# [snippet consume]
import os
import signal

from nationalsite.ordersync.v1 import Message
from nationalsite_client import Consumer


def handle(message: Message) -> None:
    """Do what is to be done: a message may come twice. When this returns it is acknowledged."""
    print(message.topic, message.order.cbu_order_id, message.order.current_status, flush=True)


address = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")
consumer = Consumer(address, "shop", handle)
for sign in (signal.SIGTERM, signal.SIGINT):
    signal.signal(sign, lambda *_: consumer.stop())
consumer.run()
# [/snippet]
