"""OrderSyncService with short leases, for tests that wait until a lease ends.

After a crash, others wait for its leases: by default 60 s for a delivery and a replay, and for a call with a
request id 10 s more than its deadline. Run it with `python -m tests.durability.fast_timeouts`.
"""

from functools import partial
from types import ModuleType

from services.order_sync import delivery_sender, replay, service
from services.server import run
from services.store import RelayConfig, RetryPolicy, StorageConfig, storage_lifespan
from services.store.idempotency import executor

RELAY = RelayConfig(
    send_timeout_s=2.0,
    record_timeout_s=2.0,
    retry_policy=RetryPolicy(initial_delay_s=0.1, max_delay_s=1.0),
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
    replace(service, "storage_lifespan", partial(storage_lifespan, config=StorageConfig(relay=RELAY)))
    replace(delivery_sender, "SEND_TIMEOUT_S", 1.5)
    replace(executor, "RECORD_TIMEOUT_S", REQUEST_LEASE_MARGIN_S)
    replace(replay, "LEASE_S", REPLAY_LEASE_S)
    replace(replay, "PAGE_TIMEOUT_S", 2.0)
    run(service.ORDER_SYNC)


if __name__ == "__main__":
    main()
