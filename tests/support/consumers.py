"""Consumers of OrderSyncService's messages: by pull, and by a stream that a background thread reads."""

import queue
import threading
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

TIMEOUT_S = 20
EARLIEST_TIME = Timestamp(seconds=1)
"""A start time of a subscription that includes all messages."""


def pull(
    stub: OrderSyncServiceStub, subscription: str, wait_s: int = 0, **fields: Any
) -> list[protos.Message]:
    """Pull messages; wait at most `wait_s` for the first one."""
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": wait_s}, **fields)
    return list(stub.PullMessages(request, timeout=TIMEOUT_S).messages)


def ack(stub: OrderSyncServiceStub, subscription: str, *messages: protos.Message) -> None:
    """Acknowledge messages."""
    message_ids = [message.message_id for message in messages]
    request = protos.AckMessagesRequest(subscription=subscription, message_ids=message_ids)
    stub.AckMessages(request, timeout=TIMEOUT_S)


class StreamConsumer:
    """Reads one stream. `responses` holds what has arrived: messages, then an error or None for the end."""

    def __init__(self, stub: OrderSyncServiceStub, subscription: str, **open_fields: Any) -> None:
        self._requests: queue.Queue[protos.StreamMessagesRequest | None] = queue.Queue()
        self.send(open={"subscription": subscription} | open_fields)
        self.call = stub.StreamMessages(iter(self._requests.get, None))
        self.responses: queue.Queue[protos.Message | grpc.RpcError | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, **fields: Any) -> None:
        """Send a request on the stream."""
        self._requests.put(protos.StreamMessagesRequest(**fields))

    def ack(self, *messages: protos.Message) -> None:
        """Acknowledge messages on the stream."""
        self.send(ack={"message_ids": [message.message_id for message in messages]})

    def close(self) -> None:
        """Half-close the stream: send no more requests."""
        self._requests.put(None)

    def next(self) -> protos.Message:
        """Return the next message. Fails if the stream ends."""
        response = self.responses.get(timeout=TIMEOUT_S)
        assert isinstance(response, protos.Message), response
        return response

    def end(self) -> grpc.RpcError | None:
        """Return the error that ended the stream, None if it ended with OK. Fails if a message comes."""
        response = self.responses.get(timeout=TIMEOUT_S)
        assert not isinstance(response, protos.Message), response
        return response

    def _read(self) -> None:
        try:
            for response in self.call:
                self.responses.put(response.message)
            self.responses.put(None)
        except grpc.RpcError as error:
            self.responses.put(error)
