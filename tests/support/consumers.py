"""Consumers of OrderSyncService's messages: by pull, and by a stream that a background thread reads."""

import queue
import threading
from typing import Any

import grpc
from nationalsite.ordersync import v1 as protos
from nationalsite.ordersync.v1 import OrderSyncServiceStub

TIMEOUT_S = 20
FROM_START = protos.SubscriptionSpec(start_time={"seconds": 1})
"""Creates a subscription with all stored messages."""


def create_subscription(stub: OrderSyncServiceStub, subscription: str, **spec: Any) -> None:
    """Create a subscription if it does not exist."""
    pull(stub, subscription, create_if_missing=spec)


def delete_subscription(stub: OrderSyncServiceStub, subscription: str) -> None:
    """Delete a subscription, if it exists."""
    stub.DeleteSubscription(protos.DeleteSubscriptionRequest(subscription=subscription), timeout=TIMEOUT_S)


def pull(
    stub: OrderSyncServiceStub, subscription: str, wait_s: int = 0, **fields: Any
) -> list[protos.ReceivedMessage]:
    """Pull messages; wait at most `wait_s` for the first one."""
    request = protos.PullMessagesRequest(subscription=subscription, wait={"seconds": wait_s}, **fields)
    return list(stub.PullMessages(request, timeout=TIMEOUT_S).received_messages)


def ack(stub: OrderSyncServiceStub, subscription: str, *received: protos.ReceivedMessage) -> list[str]:
    """Acknowledge messages. Return the lapsed ack ids."""
    request = protos.AckMessagesRequest(subscription=subscription, ack_ids=[each.ack_id for each in received])
    return list(stub.AckMessages(request, timeout=TIMEOUT_S).lapsed_ack_ids)


def set_lease(
    stub: OrderSyncServiceStub, subscription: str, *received: protos.ReceivedMessage, seconds: int
) -> list[str]:
    """Change leases; 0 seconds releases the messages. Return the lapsed ack ids."""
    request = protos.SetMessageLeaseRequest(
        subscription=subscription, ack_ids=[each.ack_id for each in received], lease={"seconds": seconds}
    )
    return list(stub.SetMessageLease(request, timeout=TIMEOUT_S).lapsed_ack_ids)


class StreamConsumer:
    """Reads one stream.

    `responses` holds what has arrived: messages and lists of lapsed ack ids, then an error, or None
    for the end.
    """

    def __init__(self, stub: OrderSyncServiceStub, subscription: str, **open_fields: Any) -> None:
        self._requests: queue.Queue[protos.StreamMessagesRequest | None] = queue.Queue()
        self.send(open={"subscription": subscription} | open_fields)
        self.call = stub.StreamMessages(iter(self._requests.get, None))
        self.responses: queue.Queue[protos.ReceivedMessage | list[str] | grpc.RpcError | None] = queue.Queue()
        self.all_responses: list[protos.StreamMessagesResponse] = []
        """Everything that has arrived, also what was taken from `responses`."""
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, **fields: Any) -> None:
        """Send a request on the stream."""
        self.send_request(protos.StreamMessagesRequest(**fields))

    def send_request(self, request: protos.StreamMessagesRequest) -> None:
        """Send a request on the stream."""
        self._requests.put(request)

    def ack(self, *received: protos.ReceivedMessage) -> None:
        """Acknowledge messages on the stream."""
        self.send(ack={"ack_ids": [each.ack_id for each in received]})

    def set_lease(self, *received: protos.ReceivedMessage, seconds: int) -> None:
        """Change leases on the stream; 0 seconds releases the messages."""
        self.send(set_lease={"ack_ids": [each.ack_id for each in received], "lease": {"seconds": seconds}})

    def close(self) -> None:
        """Half-close the stream: send no more requests."""
        self._requests.put(None)

    def next(self) -> protos.ReceivedMessage:
        """Return the next message. Fails if the stream ends, or something else comes."""
        response = self.responses.get(timeout=TIMEOUT_S)
        assert isinstance(response, protos.ReceivedMessage), response
        return response

    def next_lapsed(self) -> list[str]:
        """Return the lapsed ack ids that come next. Fails if the stream ends, or a message comes."""
        response = self.responses.get(timeout=TIMEOUT_S)
        assert isinstance(response, list), response
        return response

    def end(self) -> grpc.RpcError | None:
        """Return the error that ended the stream, None if it ended with OK. Fails if a response comes."""
        response = self.responses.get(timeout=TIMEOUT_S)
        assert not isinstance(response, (protos.ReceivedMessage, list)), response
        return response

    def _read(self) -> None:
        try:
            for response in self.call:
                self.all_responses.append(response)
                for received in response.delivered.received_messages:
                    self.responses.put(received)
                if response.HasField("lapsed"):
                    self.responses.put(list(response.lapsed.ack_ids))
            self.responses.put(None)
        except grpc.RpcError as error:
            self.responses.put(error)
