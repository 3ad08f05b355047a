"""OrderSyncService with short leases, for tests that wait until a lease ends.

After a crash, others wait for its leases: by default 60 s for a delivery and a replay, 35 s for a sync of a
full order, and for a call with a request id 10 s more than its deadline. Run it with
`python -m tests.durability.fast_timeouts`.
"""

from functools import partial
from types import ModuleType

from services.order_sync import delivery_sender, replay, service
from services.order_sync.full_order_syncs import FullOrderSyncConfig, FullOrderSyncs
from services.server import run
from services.store import RelayConfig, RetryPolicy, StorageConfig
from services.store.idempotency import executor

RELAY = RelayConfig(
    send_timeout_s=8.0,
    record_timeout_s=4.0,
    retry_policy=RetryPolicy(initial_delay_s=0.1, max_delay_s=1.0),
)
FULL_ORDER_SYNCS = FullOrderSyncConfig(
    max_send_s=6.0,
    min_send_s=4.0,
    store_timeout_s=4.0,
    lease_margin_s=1.0,
    max_wait_s=3.0,
    unknown_outcome_s=2.0,
)
REQUEST_LEASE_MARGIN_S = 1.0
"""How much longer than the call's deadline the lease of a request id lasts."""
REPLAY_LEASE_S = 3.0


def replace(module: ModuleType, name: str, value: object) -> None:
    """Replace a global of a module. Raises AttributeError if the module has no such global."""
    getattr(module, name)
    setattr(module, name, value)


def main() -> None:
    """Run the service."""
    replace(service, "_storage_config", lambda settings: StorageConfig(relay=RELAY))
    replace(service, "FullOrderSyncs", partial(FullOrderSyncs, config=FULL_ORDER_SYNCS))
    replace(delivery_sender, "SEND_TIMEOUT_S", 7.0)
    replace(executor, "RECORD_TIMEOUT_S", REQUEST_LEASE_MARGIN_S)
    replace(replay, "LEASE_S", REPLAY_LEASE_S)
    replace(replay, "PAGE_TIMEOUT_S", 2.0)
    run(service.ORDER_SYNC)


if __name__ == "__main__":
    main()
