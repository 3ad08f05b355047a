"""The consumer of the demo: receives the messages that 1688 pushes, and makes the read that follows each."""

import queue
from collections import deque
from collections.abc import Callable
from typing import Any

from google.protobuf.duration_pb2 import Duration
from nationalsite.ordersync import v1 as protos
from nationalsite_client import list_message_reads

from tools.demo.console import DemoClient, format_money

TIMEOUT_S = 120
"""Deadline of the stream: longer than the demo."""
SUBSCRIPTION = "demo"


class Consumer:
    """Receives messages one by one, and acknowledges each after its reads.

    The next message of an order comes only after that.
    """

    def __init__(self, demo: DemoClient) -> None:
        self._demo = demo
        demo.call(
            "PullMessages creates the subscription",
            demo.orders.PullMessages,
            protos.PullMessagesRequest(
                subscription=SUBSCRIPTION, create_if_missing=protos.SubscriptionSpec(), wait=Duration()
            ),
            lambda response: (
                f"{len(response.received_messages)} messages; StreamMessages receives the next ones"
            ),
        )
        self._requests: queue.Queue[protos.StreamMessagesRequest | None] = queue.Queue()
        self._requests.put(
            protos.StreamMessagesRequest(open=protos.StreamMessagesRequest.Open(subscription=SUBSCRIPTION))
        )
        self._responses = demo.orders.StreamMessages(iter(self._requests.get, None), timeout=TIMEOUT_S)
        self._received: deque[protos.ReceivedMessage] = deque()

    def __enter__(self) -> "Consumer":
        return self

    def __exit__(self, *_: object) -> None:
        """End the stream by closing the side of the client."""
        self._requests.put(None)

    def follow(self, topic: str) -> dict[str, Any]:
        """Handle messages up to the next one of a topic; return the responses of its reads, by RPC."""
        while True:
            received = self._next()
            message = received.message
            print(f"\n  stream< {message.topic}: {_format_event(message)}")
            responses = {
                read.rpc: self._demo.call(
                    f"{read.rpc} reads what the message is about",
                    getattr(self._demo.orders, read.rpc),
                    read.request,
                    DESCRIBE[read.rpc],
                )
                for read in list_message_reads(message)
            }
            print(f"  stream> ack {message.message_id}")
            ack = protos.StreamMessagesRequest.Ack(ack_ids=[received.ack_id])
            self._requests.put(protos.StreamMessagesRequest(ack=ack))
            if message.topic == topic:
                return responses

    def _next(self) -> protos.ReceivedMessage:
        while not self._received:
            self._received.extend(next(self._responses).delivered.received_messages)
        return self._received.popleft()


def _format_event(message: protos.Message) -> str:
    payload = message.WhichOneof("payload")
    event = getattr(message, str(payload))
    if payload == "logistics_trace":
        return f"shipment {event.cbu_logistics_id} {event.status_changed}"
    action = f", {event.refund_action}" if payload == "refund" else ""
    return f"order {event.cbu_order_id} {event.current_status}{action}"


def _describe_order(response: protos.GetPurchaseOrderResponse) -> str:
    order = response.purchase_order
    paid = ", paid" if order.HasField("pay_time") else ""
    return f"{protos.PurchaseOrderState.Name(order.state)}, {format_money(order.total_amount)}{paid}"


def _describe_shipments(response: protos.ListShipmentsResponse) -> str:
    return "; ".join(
        f"{shipment.cbu_logistics_id} {shipment.cp_code} {shipment.mail_no} {shipment.status}"
        for shipment in response.shipments
    )


def _describe_traces(response: protos.ListShipmentTracesResponse) -> str:
    return "; ".join(f"{trace.mail_no}: {len(trace.steps)} steps" for trace in response.traces) or "no trace"


def _describe_refund(response: protos.GetRefundResponse) -> str:
    return protos.RefundState.Name(response.refund.state)


DESCRIBE: dict[str, Callable[[Any], str]] = {
    "GetPurchaseOrder": _describe_order,
    "ListShipments": _describe_shipments,
    "ListShipmentTraces": _describe_traces,
    "GetRefund": _describe_refund,
}
