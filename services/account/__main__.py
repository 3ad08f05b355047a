"""Serves AccountService, or runs a store command: `python -m services.account [migrate | erase ...]`."""

from services.fast_imports import fast_imports

with fast_imports():
    from services.account.service import ACCOUNT, AccountStoreSettings
    from services.command_line import main

if __name__ == "__main__":
    main("services.account", ACCOUNT, AccountStoreSettings)
