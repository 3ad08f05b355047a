"""Serves OrderSyncService, or works on its store: `python -m services.order_sync [migrate | erase ...]`."""

import sys

from services.errors import StartupError
from services.order_sync.service import ORDER_SYNC, OrderSyncStore
from services.server import read_settings, run
from services.store import run_command

if __name__ == "__main__":
    if len(sys.argv) == 1:
        run(ORDER_SYNC)
    else:
        try:
            url = read_settings(OrderSyncStore).database_url.get_secret_value()
            sys.exit(run_command("python -m services.order_sync", sys.argv[1:], url))
        except StartupError as problem:
            problem.exit()
