"""The consumer of the demo: receives the messages that 1688 pushes, on a stream."""

import queue
from typing import Any

from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos

from tools.demo.console import DemoClient

TIMEOUT_S = 120
"""Deadline of the stream: longer than the demo."""
SUBSCRIPTION = "demo"


class Consumer:
    """Receives messages one by one, and acknowledges each. The next one of an order comes only after that."""

    def __init__(self, demo: DemoClient) -> None:
        demo.call(
            "PullMessages: the first call creates the subscription",
            demo.orders.PullMessages,
            protos.PullMessagesRequest(subscription=SUBSCRIPTION, wait=Duration()),
            lambda response: f"{len(response.messages)} messages; StreamMessages receives the next ones",
        )
        self._requests: queue.Queue[protos.StreamMessagesRequest | None] = queue.Queue()
        self._requests.put(
            protos.StreamMessagesRequest(open=protos.StreamMessagesRequest.Open(subscription=SUBSCRIPTION))
        )
        self._responses = demo.orders.StreamMessages(iter(self._requests.get, None), timeout=TIMEOUT_S)

    def __enter__(self) -> "Consumer":
        return self

    def __exit__(self, *_: object) -> None:
        """End the stream by closing the side of the client."""
        self._requests.put(None)

    def next(self) -> None:
        """Wait for a message, print it, and acknowledge it."""
        message = next(self._responses).message
        print(f"  stream< {message.topic}: {_format_event(message)}")
        print(f"  stream> ack {message.message_id}")
        ack = protos.StreamMessagesRequest.Ack(message_ids=[message.message_id])
        self._requests.put(protos.StreamMessagesRequest(ack=ack))


def _format_event(message: Any) -> str:
    event = getattr(message, message.WhichOneof("payload"))
    action = f", {event.refund_action}" if message.WhichOneof("payload") == "refund" else ""
    return f"order {event.cbu_order_id} {event.current_status}{action}"
