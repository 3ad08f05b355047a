"""The RPCs of deliveries: EnqueueSync, GetDelivery, ListDeliveries, RetryDelivery, CancelDelivery."""

from collections.abc import Iterable
from dataclasses import replace

from google.rpc import status_pb2
from nationalsite.ordersync import v1 as protos

from services.errors import RequestError
from services.handler import Handler
from services.message_hash import hash_message
from services.order_sync.delivery_payloads import (
    FIELD_BY_RPC,
    RPC_BY_FIELD,
    build_request,
    find_order_ids,
    to_payload_path,
)
from services.order_sync.sync_sender import ORDERING_KEYS, SyncSender
from services.order_sync.times import limit_wait_s, to_optional_timestamp, to_seconds, to_timestamp
from services.server import add_audit_ids, current_caller
from services.store import STATE_PREFIX, Deliveries, Delivery, NewDelivery, State


class DeliveryHandlers:
    """Handlers of the RPCs of deliveries."""

    def __init__(self, deliveries: Deliveries, syncs: SyncSender) -> None:
        self._deliveries = deliveries
        self._syncs = syncs

    def handlers(self) -> dict[str, Handler]:
        """Return the handlers by RPC."""
        return {
            "EnqueueSync": self.enqueue_sync,
            "GetDelivery": self.get_delivery,
            "ListDeliveries": self.list_deliveries,
            "RetryDelivery": self.retry_delivery,
            "CancelDelivery": self.cancel_delivery,
        }

    async def enqueue_sync(self, request: protos.EnqueueSyncRequest, deadline: float) -> bytes:
        """Store a sync as a delivery. Raises RequestError if the dialect cannot express the sync."""
        field = request.WhichOneof("sync") or ""
        payload = getattr(request, field)
        rpc = RPC_BY_FIELD[field]
        sync = build_request(rpc, payload)
        try:
            self._syncs.check(rpc, sync)
        except RequestError as error:
            raise _with_payload_paths(rpc, error) from error
        order_key = ORDERING_KEYS[rpc](sync)
        delivery = await self._deliveries.enqueue(
            NewDelivery(
                caller=current_caller().identity,
                request_id=request.request_id,
                content_hash=hash_message(request),
                rpc=rpc,
                payload=payload.SerializeToString(),
                ordering_key=request.ordering_key or order_key,
                # Syncs of one order are ordered for all callers: 1688 would else keep the older state.
                is_key_chosen=request.ordering_key not in ("", order_key),
                member_id=sync.order.out_member_id or None if rpc == "SyncOrder" else None,
                order_ids=sorted({*find_order_ids(payload)}),
            )
        )
        return protos.EnqueueSyncResponse(delivery=to_proto(delivery)).SerializeToString()

    async def get_delivery(self, request: protos.GetDeliveryRequest, deadline: float) -> bytes:
        """Return a delivery; wait until it is finished, if the caller asks for it."""
        delivery = await self._deliveries.get(
            request.delivery_id,
            owner=_owner(),
            wait_s=limit_wait_s(to_seconds(request.wait), deadline),
        )
        _audit_owners([delivery])
        return protos.GetDeliveryResponse(delivery=to_proto(delivery)).SerializeToString()

    async def list_deliveries(self, request: protos.ListDeliveriesRequest, deadline: float) -> bytes:
        """List deliveries, the newest first."""
        page = await self._deliveries.list(
            owner=_owner(),
            states=[_to_state(state) for state in request.states],
            ordering_key=request.ordering_key,
            page_size=request.page_size,
            page_token=request.page_token,
            with_payloads=request.view == protos.DELIVERY_VIEW_FULL,
        )
        add_audit_ids("delivery_id", (delivery.delivery_id for delivery in page.items))
        _audit_owners(page.items)
        return protos.ListDeliveriesResponse(
            deliveries=map(to_proto, page.items), next_page_token=page.next_page_token
        ).SerializeToString()

    async def retry_delivery(self, request: protos.RetryDeliveryRequest, deadline: float) -> bytes:
        """Make a dead delivery pending again."""
        delivery = await self._deliveries.retry(request.delivery_id, owner=_owner())
        _audit_owners([delivery])
        return protos.RetryDeliveryResponse(delivery=to_proto(delivery)).SerializeToString()

    async def cancel_delivery(self, request: protos.CancelDeliveryRequest, deadline: float) -> bytes:
        """Cancel a pending delivery."""
        delivery = await self._deliveries.cancel(request.delivery_id, owner=_owner())
        _audit_owners([delivery])
        return protos.CancelDeliveryResponse(delivery=to_proto(delivery)).SerializeToString()


def to_proto(delivery: Delivery) -> protos.Delivery:
    """Convert a stored delivery."""
    response = protos.Delivery(
        delivery_id=delivery.delivery_id,
        state=protos.DeliveryState.Value(STATE_PREFIX + delivery.state),
        ordering_key=delivery.ordering_key,
        request_id=delivery.request_id,
        attempts=delivery.attempts,
        create_time=to_timestamp(delivery.create_time_ms),
        last_attempt_time=to_optional_timestamp(delivery.last_attempt_time_ms),
        next_attempt_time=to_optional_timestamp(delivery.next_attempt_time_ms),
        finish_time=to_optional_timestamp(delivery.finish_time_ms),
        caller=delivery.caller,
    )
    if delivery.payload:
        getattr(response, FIELD_BY_RPC[delivery.rpc]).ParseFromString(delivery.payload)
    if delivery.last_error is not None:
        response.last_error.CopyFrom(status_pb2.Status.FromString(delivery.last_error))
    if delivery.results is not None:
        response.results.extend(protos.WriteOrderRelationsResponse.FromString(delivery.results).results)
    return response


def _owner() -> str | None:
    """Return the caller whose deliveries the call concerns; None: those of all callers."""
    caller = current_caller()
    return None if caller.is_operator else caller.identity


def _audit_owners(deliveries: Iterable[Delivery]) -> None:
    """Add to the audit line of an operator's call whose deliveries it concerned."""
    if current_caller().is_operator:
        add_audit_ids("owner", (delivery.caller for delivery in deliveries))


def _to_state(state: protos.DeliveryState.ValueType) -> State:
    return State(protos.DeliveryState.Name(state).removeprefix(STATE_PREFIX))


def _with_payload_paths(rpc: str, error: RequestError) -> RequestError:
    """Return the error with the field paths of EnqueueSyncRequest."""
    changed = type(error)(
        [replace(violation, field=to_payload_path(rpc, violation.field)) for violation in error.violations]
    )
    changed.origin = error.origin
    return changed
