"""The demo's consumer: what 1688 pushes to the callback, as it arrives on a stream."""

import queue
from typing import Any

from demo_wire import Demo
from nationalsite.ordersync import v1 as protos

TIMEOUT_S = 120
"""Of the whole stream: longer than the demo lasts."""
SUBSCRIPTION = "demo"


class Consumer:
    """Takes the messages one by one, and acknowledges each: only then the order's next one comes."""

    def __init__(self, demo: Demo) -> None:
        demo.call(
            "PullMessages: a subscription to 1688's messages begins with its first use",
            demo.orders.PullMessages,
            protos.PullMessagesRequest(subscription=SUBSCRIPTION, wait={"seconds": 0}),
            lambda answer: f"{len(answer.messages)} messages yet; StreamMessages brings them from here on",
        )
        self._says: queue.Queue[protos.StreamMessagesRequest | None] = queue.Queue()
        self._says.put(protos.StreamMessagesRequest(open={"subscription": SUBSCRIPTION}))
        self._responses = demo.orders.StreamMessages(iter(self._says.get, None), timeout=TIMEOUT_S)

    def __enter__(self) -> "Consumer":
        return self

    def __exit__(self, *_: object) -> None:
        """End the stream by saying no more."""
        self._says.put(None)

    def next(self) -> None:
        """Wait for a message, print it, and acknowledge it."""
        message = next(self._responses).message
        print(f"  stream< {message.topic}: {_said(message)}")
        print(f"  stream> ack {message.message_id}")
        self._says.put(protos.StreamMessagesRequest(ack={"message_ids": [message.message_id]}))


def _said(message: Any) -> str:
    event = getattr(message, message.WhichOneof("payload"))
    action = f", {event.refund_action}" if message.WhichOneof("payload") == "refund" else ""
    return f"order {event.cbu_order_id} {event.current_status}{action}"
