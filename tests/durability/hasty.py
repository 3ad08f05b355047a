"""OrderSyncService with its code as it is and its longest times cut, for tests that cannot wait a minute.

What a crash leaves behind is free when a lease ends: a minute later for a delivery or a replay, 20 seconds
later for a request id. `python -m tests.durability.hasty` needs seconds for each.
"""

from functools import partial

from services.order_sync import delivery_sender, replay, service
from services.server import run
from services.server.interceptors import idempotency
from services.store import RelayLimits, RetryPolicy, StorageConfig, storage_lifespan
from services.store.idempotency import idempotent_executor

RELAY = RelayLimits(send_s=2.0, note_s=2.0, patience=RetryPolicy(first_pause_s=0.1, longest_pause_s=1.0))
REQUEST_S = 4.0
"""From the beginning of a call with a request id to the end of its lease."""
REPLAY_S = 3.0

if __name__ == "__main__":
    service.storage_lifespan = partial(storage_lifespan, limits=StorageConfig(relay=RELAY))
    delivery_sender.SEND_TIMEOUT_S = 1.5
    idempotency.DEFAULT_TIMEOUT_S = 3.0
    idempotent_executor.NOTE_S = REQUEST_S - idempotency.DEFAULT_TIMEOUT_S
    replay.LEASE_S, replay.PAGE_TIMEOUT_S = REPLAY_S, 2.0
    run(service.ORDER_SYNC)
