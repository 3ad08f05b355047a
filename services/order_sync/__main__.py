"""Serves OrderSyncService, or runs a store command: `python -m services.order_sync [migrate | ...]`."""

from services.fast_imports import fast_imports

with fast_imports():
    from services.command_line import main
    from services.order_sync.service import ORDER_SYNC, OrderSyncStoreSettings, build_creation_commands

if __name__ == "__main__":
    main("services.order_sync", ORDER_SYNC, OrderSyncStoreSettings, build_creation_commands)
