"""A consumer of 1688's messages, as the tests have one."""

import queue
import threading
from typing import Any

import grpc
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

WITHIN_S = 20


def pull(stub: OrderSyncServiceStub, subscription: str, wait_s: int = 0, **more: Any) -> list[protos.Message]:
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": wait_s}, **more)
    return list(stub.PullMessages(request, timeout=WITHIN_S).messages)


def ack(stub: OrderSyncServiceStub, subscription: str, *messages: protos.Message) -> None:
    ids = [message.message_id for message in messages]
    stub.AckMessages(protos.AckMessagesRequest(subscription=subscription, message_ids=ids), timeout=WITHIN_S)


class Stream:
    """A consumer on a stream."""

    def __init__(self, stub: OrderSyncServiceStub, subscription: str, **opened: Any) -> None:
        self._says: queue.Queue[protos.StreamMessagesRequest | None] = queue.Queue()
        self.say(open={"subscription": subscription} | opened)
        self.call = stub.StreamMessages(iter(self._says.get, None))
        self.got: queue.Queue[protos.Message | grpc.RpcError | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, **what: Any) -> None:
        self._says.put(protos.StreamMessagesRequest(**what))

    def ack(self, *messages: protos.Message) -> None:
        self.say(ack={"message_ids": [message.message_id for message in messages]})

    def close(self) -> None:
        """Say no more."""
        self._says.put(None)

    def next(self) -> protos.Message:
        found = self.got.get(timeout=WITHIN_S)
        assert isinstance(found, protos.Message), found
        return found

    def end(self) -> grpc.RpcError | None:
        """Return how the stream ended."""
        found = self.got.get(timeout=WITHIN_S)
        assert not isinstance(found, protos.Message), found
        return found

    def _listen(self) -> None:
        try:
            for response in self.call:
                self.got.put(response.message)
            self.got.put(None)
        except grpc.RpcError as error:
            self.got.put(error)
