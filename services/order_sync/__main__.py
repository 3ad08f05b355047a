"""Serves OrderSyncService: `python -m services.order_sync`."""

from services.order_sync.service import ORDER_SYNC
from services.serving import run

if __name__ == "__main__":
    run(ORDER_SYNC)
