"""How messages are consumed."""

from dataclasses import dataclass

from nationalsite.ordersync import v1 as protos


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOptions:
    """Options of a consumer. OrderSyncService in the protos states the limits."""

    create_if_missing: protos.SubscriptionSpec | None = None
    """Creates the subscription if it does not exist. An empty SubscriptionSpec creates one with all topics
    and only new messages. None: `run` raises SUBSCRIPTION_NOT_FOUND if the subscription does not exist."""
    max_outstanding: int = 10
    """The maximum number of messages in flight, 1 to 1,000. As many handlers run concurrently."""
    lease_s: float = 60.0
    """The time after which the service redelivers the messages of a consumer that died, 10 to 600. The
    consumer extends it while a handler runs."""
    handler_timeout_s: float = 600.0
    """How long a handler may take. Then AsyncConsumer cancels it and releases the message; Consumer stops
    extending the lease. A message that waits longer than this for a handler is released."""
    stop_grace_s: float = 25.0
    """How long handlers may continue after `stop`."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_outstanding <= 1000:
            raise ValueError(f"max_outstanding must be from 1 to 1000, not {self.max_outstanding}")
        if not 10 <= self.lease_s <= 600:
            raise ValueError(f"lease_s must be from 10 to 600, not {self.lease_s:g}")
