"""Stores events of orders in a database, each message once, until SIGTERM.

`consume_once.py [FILE]`. Without a file, the database is in memory.
"""

import os
import signal
import sqlite3
import sys

from nationalsite.ordersync.v1 import Message, SubscriptionSpec
from nationalsite_client import Consumer, ConsumerOptions

ADDRESS = os.environ.get("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052")
PATH = sys.argv[1] if sys.argv[1:] else ":memory:"

# [snippet once]
database = sqlite3.connect(PATH, check_same_thread=False)  # each handler runs in a thread
database.execute("CREATE TABLE IF NOT EXISTS handled_messages (message_id TEXT PRIMARY KEY)")
database.execute("CREATE TABLE IF NOT EXISTS order_events (cbu_order_id INTEGER, topic TEXT)")


def handle(message: Message) -> None:
    """Store what a message says, and that it was handled, in one transaction. An exception undoes both."""
    if not message.HasField("order"):
        return  # it is about something else, such as a refund
    with database:
        remember = "INSERT INTO handled_messages VALUES (?) ON CONFLICT DO NOTHING"
        if database.execute(remember, (message.message_id,)).rowcount == 0:
            print("handled before:", message.message_id, flush=True)  # the acknowledgement was lost
            return
        event = (message.order.cbu_order_id, message.topic)
        database.execute("INSERT INTO order_events VALUES (?, ?)", event)
    print(message.topic, message.order.cbu_order_id, flush=True)


# One message at a time, because the connection has one transaction for all threads.
options = ConsumerOptions(create_if_missing=SubscriptionSpec(), max_outstanding=1)
# [/snippet]
consumer = Consumer(ADDRESS, "shop-once", handle, options)
for signal_number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(signal_number, lambda *_: consumer.stop())
consumer.run()
