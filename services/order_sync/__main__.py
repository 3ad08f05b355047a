"""Serves OrderSyncService, or works on its store: `python -m services.order_sync [migrate | erase ...]`."""

import sys

from services.delivery import run_command
from services.errors import CannotStart
from services.order_sync.service import ORDER_SYNC, OrderSyncStore
from services.serving import read_settings, run

if __name__ == "__main__":
    if len(sys.argv) == 1:
        run(ORDER_SYNC)
    else:
        try:
            url = read_settings(OrderSyncStore).database_url.get_secret_value()
            sys.exit(run_command("python -m services.order_sync", sys.argv[1:], url))
        except CannotStart as problem:
            problem.exit()
